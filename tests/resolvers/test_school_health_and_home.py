"""School, health, child support, disability, hard times, military duty, utilities and fares in the graph, from the
sandbox's registers by real HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from typing import Any

import pytest

from sandbox.civil import Registry
from sandbox.nation import Nation
from tests.resolvers.conftest import Graph

CitizenOf = Callable[..., Awaitable[Graph]]
Switch = Callable[..., Any]

STATE = "agency { code } state problem { code message }"
EDUCATION = f"""{{ me {{ education {{ {STATE}
  value {{ isStudent level grade {{ th en said }} schoolId school {{ said }} schoolYear {{ th en }} termBegins termEnds }}
  higherEducation {{ {STATE} value {{ state institution {{ said }} faculty {{ said }} degree yearOfStudy expectedOn
    graduatedOn }} }}
  studentLoan {{ {STATE} value {{ state borrowed {{ amount }} balance {{ amount }} interestPercent dueOn
    instalment {{ amount }} overdue {{ amount }} familyIncome {{ amount }} repayments {{ paidOn amount {{ amount }} }} }} }}
  schoolsNearby {{ {STATE} value {{ schoolId name {{ said }} level isInCatchment distanceKm applyFrom applyUntil }} }}
  children {{ {STATE} value {{ name {{ said }} birth {{ precision }}
    enrolment {{ {STATE} value {{ level grade {{ said }} }} }}
    equityFund {{ {STATE} value {{ level state schoolYear {{ said }} amount {{ amount }} attendancePercent }} }} }} }}
}} }} }}"""
HEALTH = f"""{{ me {{ healthRecords {{ {STATE}
  value {{ doses {{ vaccineId vaccine {{ said }} doseNo givenOn place {{ said }} }} due {{ vaccineId dueOn isOverdue }} }}
  vaccineSchedule {{ {STATE} value {{ vaccineId vaccine {{ said }} doseNo atAge {{ said }} dueOn }} }}
  antenatalCare {{ {STATE} value {{ isPregnant countedFrom expectedOn lastVisitOn nextVisitOn visits {{ number visitedOn weeks
    place {{ said }} }} }} }}
  birthCertificates {{ {STATE} value {{ reference bornAt hospital {{ said }} sex weightG }} }}
  medicalCertificates {{ {STATE} value {{ isDisabilityCertified hasListedDisease diseases {{ said }}
    certificates {{ certificateId kind issuedOn hospital {{ said }} result {{ said }} restDays validUntil }} }} }}
  emergencies {{ {STATE} value {{ caseId triage state }} }}
  children {{ {STATE} value {{ name {{ said }} birth {{ date }}
    immunisation {{ {STATE} value {{ doses {{ vaccineId vaccine {{ said }} doseNo givenOn }}
      due {{ vaccineId doseNo dueOn isOverdue }} }} }}
    vaccineSchedule {{ {STATE} value {{ vaccineId doseNo dueOn }} }} }} }}
}} }} }}"""
SUPPORT = f"""{{ me {{ childSupport {{ {STATE}
  value {{ name {{ said }} birth {{ date }} grant {{ {STATE} value {{ state appliedOn paidFrom paidUntil monthly {{ amount }}
    paidTo {{ said }} lastPaidOn reason {{ said }} }} }} }}
  certifiedIncome {{ {STATE} value {{ perHeadAYear {{ amount }} members certifiedOn certifiedBy {{ said }} }} }}
}} }} }}"""
DISABILITY = f"""{{ me {{ disability {{ {STATE}
  value {{ state cardNo kind issuedOn expiresOn caregiver {{ name {{ said }} maskedIdentityNumber relation {{ said }} }} }}
  loans {{ {STATE} value {{ loanId purpose {{ said }} balance {{ amount }} dueOn }} }}
}} }} }}"""
SOCIAL = f"""{{ me {{ socialCases {{ {STATE}
  value {{ isInHardship assessedOn cases {{ caseId openedOn trouble {{ said }} state visitOn amount {{ amount }}
    office {{ said }} }} }}
  assistance {{ {STATE} value {{ grantsThisYear countedFrom assistance {{ caseId kind amount {{ amount }} givenOn }} }} }}
  olderPersonSupport {{ {STATE} value {{ loans {{ loanId }} grants {{ grantId kind state }} }} }}
  victimClaims {{ {STATE} value {{ claimId state }} }}
  courtCases {{ {STATE} value {{ caseNo role state order {{ said }} }} }}
  policeReports {{ {STATE} value {{ reference kind about {{ said }} occurredOn reportedAt station {{ said }} state }} }}
  legalAid {{ {STATE} value {{ requestId kind state }} }}
}} }} }}"""
HOME = f"""{{ me {{
  military {{ {STATE} value {{ standing isListed isCalled isDone actFrom actUntil selectionOn deferral {{ said }}
    office {{ said }} }} }}
  utilities {{ electricity {{ ...Account }} water {{ ...Account }} }}
  concessions {{ {STATE} value {{ kind name {{ said }} carrier {{ said }} discountPercent show {{ said }} since until }} }}
}} }}
fragment Account on UtilityAnswer {{ {STATE} value {{ accountNo meterNo kind {{ said }} state dueOn overdue {{ amount }}
  latest {{ month units amount {{ amount }} isPaid }} earlier {{ month units amount {{ amount }} isPaid }} }} }}"""
ALL = (EDUCATION, HEALTH, SUPPORT, DISABILITY, SOCIAL, HOME)


def states(told: Any, at: str = "") -> Iterator[tuple[str, str, str]]:
    """Every card below: where it stands, whose it is and what became of it."""
    if isinstance(told, list):
        for one in told:
            yield from states(one, at)
    elif isinstance(told, dict):
        if "problem" in told:
            yield at, told["agency"]["code"], told["state"]
        for name, inside in told.items():
            yield from states(inside, f"{at}.{name}".strip("."))


async def test_the_pupil_who_comes_of_age_sees_school_loan_and_duty(citizen: CitizenOf) -> None:
    phone = await citizen(3, Accept_Language="en")

    studies, home = (await phone.ask(EDUCATION))["me"]["education"], (await phone.ask(HOME))["me"]

    assert (studies["value"]["level"], studies["value"]["grade"]["said"]) == ("UPPER_SECONDARY", "Secondary 6")
    assert studies["studentLoan"]["value"]["state"] == "NONE"
    assert studies["studentLoan"]["value"]["familyIncome"] == {"amount": "180000.00"}
    assert studies["higherEducation"]["state"] == "NOT_FOUND"
    assert studies["children"]["value"] == []
    assert {one["level"] for one in studies["schoolsNearby"]["value"]} == {
        "KINDERGARTEN", "PRIMARY", "LOWER_SECONDARY", "UPPER_SECONDARY",
    }  # fmt: skip
    assert home["military"]["value"]["standing"] == "TO_REGISTER"
    assert home["military"]["value"]["isListed"] is False
    assert home["military"]["value"]["actUntil"]
    assert [one["kind"] for one in home["concessions"]["value"]] == ["PUPIL"]


async def test_a_mother_of_three_sees_each_childs_school_grants_and_her_own_case(citizen: CitizenOf) -> None:
    phone = await citizen(10, Accept_Language="en")

    children = (await phone.ask(EDUCATION))["me"]["education"]["children"]["value"]
    support = (await phone.ask(SUPPORT))["me"]["childSupport"]
    social = (await phone.ask(SOCIAL))["me"]["socialCases"]

    assert [one["enrolment"]["value"]["level"] for one in children] == ["PRIMARY", "PRIMARY", "KINDERGARTEN"]
    assert {one["equityFund"]["value"]["state"] for one in children} == {"RECEIVING"}
    grants = [one["grant"] for one in support["value"]]
    assert [one["state"] for one in grants] == ["NOT_FOUND", "NOT_FOUND", "OK"]
    assert grants[2]["value"]["state"] == "APPROVED"
    assert grants[2]["value"]["monthly"] == {"amount": "600.00"}
    assert support["certifiedIncome"]["value"]["members"] == 5
    assert support["certifiedIncome"]["value"]["perHeadAYear"] == {"amount": "11520.00"}
    assert social["value"]["isInHardship"] is True
    assert [one["state"] for one in social["value"]["cases"]] == ["HELPED"]
    assert social["assistance"]["value"]["grantsThisYear"] == 1
    assert social["victimClaims"]["state"] == "NOT_FOUND"
    assert social["courtCases"]["value"] == []


async def test_a_newborns_mother_sees_the_doses_given_and_the_next(citizen: CitizenOf) -> None:
    health = (await (await citizen(1)).ask(HEALTH))["me"]["healthRecords"]

    (child,) = health["children"]["value"]
    assert {one["vaccineId"] for one in child["immunisation"]["value"]["doses"]} == {"BCG", "HB"}
    assert {one["givenOn"] for one in child["immunisation"]["value"]["doses"]} == {child["birth"]["date"]}
    due = [(one["vaccineId"], one["doseNo"], one["dueOn"]) for one in child["immunisation"]["value"]["due"]]
    planned = [(one["vaccineId"], one["doseNo"], one["dueOn"]) for one in child["vaccineSchedule"]["value"]]
    assert due
    assert set(due) <= set(planned)
    assert health["antenatalCare"]["value"]["isPregnant"] is False
    assert len(health["antenatalCare"]["value"]["visits"]) >= 7
    (certificate,) = health["birthCertificates"]["value"]
    assert certificate["bornAt"].startswith(child["birth"]["date"])
    assert certificate["sex"] == "FEMALE"


async def test_who_lost_a_leg_is_certified_before_there_is_a_card(citizen: CitizenOf) -> None:
    phone = await citizen(6, Accept_Language="en")

    health = (await phone.ask(HEALTH))["me"]["healthRecords"]
    disability = (await phone.ask(DISABILITY))["me"]["disability"]

    assert health["medicalCertificates"]["value"]["isDisabilityCertified"] is True
    assert [one["kind"] for one in health["medicalCertificates"]["value"]["certificates"]] == [
        "DISABILITY", "SICK_LEAVE",
    ]  # fmt: skip
    assert health["children"]["value"] == [], "his daughter is of age: her health is hers"
    assert health["emergencies"]["state"] == "NOT_FOUND"
    assert disability["state"] == "NOT_FOUND"


async def test_a_card_names_its_caregiver_but_never_a_whole_number(citizen: CitizenOf, switch: Switch) -> None:
    number = await asyncio.to_thread(_with_a_caregiver, switch)

    reply = await (await citizen(number)).reply(DISABILITY)

    card = reply.json()["data"]["me"]["disability"]["value"]
    assert card["state"] in ("VALID", "EXPIRED")
    assert card["kind"]
    assert re.fullmatch(r"\d-\d{4}-xxxxx-xx-\d", card["caregiver"]["maskedIdentityNumber"])
    assert not re.search(rb"\d{13}", reply.body)


def _with_a_caregiver(switch: Switch) -> int:
    """Somebody of the nation whose card names a caregiver: by the register itself."""
    nation = Nation(day_zero=date.fromisoformat(switch("GET", "clock")["today"]))
    registry = Registry(nation)
    for number in range(300, 20_000):
        one = nation.citizen(number)
        held = registry.disability_card(one) if one.alive else None
        if held and held.caregiver and nation.citizen(held.caregiver).alive:
            return number
    raise AssertionError("nobody")


@pytest.mark.parametrize(("number", "agency"), [(114, "mea"), (2, "pea"), (8, "pea")])
async def test_the_authority_of_the_province_sends_the_bill(number: int, agency: str, citizen: CitizenOf) -> None:
    told = (await (await citizen(number)).ask(HOME))["me"]["utilities"]

    assert (told["electricity"]["agency"]["code"], told["electricity"]["state"]) == (agency, "OK")
    account = told["electricity"]["value"]
    assert account["state"] == "CONNECTED"
    assert float(account["latest"]["amount"]["amount"]) > 0
    months = [account["latest"]["month"], *(one["month"] for one in account["earlier"])]
    assert months == sorted(months, reverse=True)
    assert len(set(months)) == 6
    assert told["water"]["agency"]["code"] == "pwa"


@pytest.mark.parametrize("number", [1, 2, 3, 5, 7, 9, 10, 12, 13])
async def test_every_section_answers_for_everybody(number: int, citizen: CitizenOf) -> None:
    phone = await citizen(number)

    for query in ALL:
        told = (await phone.ask(query))["me"]

        assert {state for _, _, state in states(told)} <= {"OK", "NOT_FOUND"}, list(states(told))


async def test_what_is_said_is_said_in_the_readers_language(citizen: CitizenOf) -> None:
    phones = [await citizen(10, Accept_Language=one) for one in ("th", "en")]

    for query in ALL:
        thai, english = [(await phone.ask(query))["me"] for phone in phones]

        said = list(_said(english))
        assert all(one.isascii() for one in said if not re.search("[ก-๙]", one)), said
        assert [len(list(_said(one))) for one in (thai, english)] == [len(said)] * 2
        # The names of children have no English form in the register.
        assert sum(bool(re.search("[ก-๙]", one)) for one in said) <= 3
        assert all(not one.isascii() for one in _said(thai) if re.search("[A-Za-z]{4}", one)), list(_said(thai))


def _said(told: Any) -> Iterator[str]:
    if isinstance(told, list):
        for one in told:
            yield from _said(one)
    elif isinstance(told, dict):
        if isinstance(told.get("said"), str):
            yield told["said"]
        for inside in told.values():
            yield from _said(inside)


@pytest.mark.parametrize(
    ("number", "query", "agency", "ill"),
    [
        (121, EDUCATION, "slf", {"education.studentLoan"}),
        (122, EDUCATION, "mhesi", {"education.higherEducation"}),
        (123, EDUCATION, "dopa", {"education.schoolsNearby", "education.children"}),
        (126, EDUCATION, "obec", {"education", "education.schoolsNearby", "education.children.value.enrolment"}),
        (126, HEALTH, "ddc", {"healthRecords.vaccineSchedule", "healthRecords.children.value.vaccineSchedule"}),
        (120, HEALTH, "niem", {"healthRecords.emergencies"}),
        (120, SUPPORT, "dcy", {"childSupport.value.grant", "childSupport.certifiedIncome"}),
        (124, DISABILITY, "dep", {"disability", "disability.loans"}),
        (125, SOCIAL, "dsdw", {"socialCases", "socialCases.assistance"}),
        (128, SOCIAL, "coj", {"socialCases.courtCases"}),
        (130, SOCIAL, "rtp", {"socialCases.policeReports"}),
        (127, HOME, "pea", {"utilities.electricity"}),
        (4, HOME, "rta_reserve", {"military"}),
        (113, HOME, "dopa", {"utilities.electricity", "utilities.water"}),
    ],
)
async def test_an_agency_that_is_down_costs_its_own_cards(
    number: int, query: str, agency: str, ill: set[str], citizen: CitizenOf, switch: Switch
) -> None:
    phone = await citizen(number, Accept_Language="en")
    switch("POST", "faults", {"agency": agency, "fault": "down"})

    told = (await phone.ask(query))["me"]

    found = list(states(told))
    assert {where for where, _, state in found if state == "UNAVAILABLE"} == ill, found
    assert {state for where, _, state in found if where not in ill} <= {"OK", "NOT_FOUND"}


@pytest.mark.parametrize(
    ("query", "agency", "ill"),
    [
        (EDUCATION, "obec", {"education", "education.schoolsNearby", "education.children.value.enrolment"}),
        (HEALTH, "moph", {"healthRecords", "healthRecords.antenatalCare", "healthRecords.birthCertificates",
                          "healthRecords.medicalCertificates", "healthRecords.children.value.immunisation"}),
        (HOME, "pwa", {"utilities.water"}),
    ],
)  # fmt: skip
async def test_what_an_agency_says_of_somebody_else_is_not_shown(
    query: str, agency: str, ill: set[str], citizen: CitizenOf, switch: Switch
) -> None:
    """Of another child and of another house no less than of another person."""
    phone = await citizen(1, Cache_Control="no-cache")
    switch("POST", "faults", {"agency": agency, "fault": "lying"})

    told = (await phone.ask(query))["me"]

    # What it said before may stand in, where it was kept.
    assert {where for where, _, state in states(told) if state in ("UNAVAILABLE", "STALE")} == ill, list(states(told))
    assert set(_codes(told)) - {"NOT_FOUND"} == {"ANSWER_REJECTED"}


def _codes(told: Any) -> Iterator[str]:
    if isinstance(told, list):
        for one in told:
            yield from _codes(one)
    elif isinstance(told, dict):
        if told.get("problem"):
            yield told["problem"]["code"]
        for inside in told.values():
            yield from _codes(inside)


async def test_no_section_tells_of_violence_at_home(schema: Any) -> None:
    """Whoever holds the phone might be whom the case is about."""
    printed = schema.as_str()

    assert "dwf" not in printed.lower()


async def test_only_children_who_are_not_of_age_are_shown(citizen: CitizenOf) -> None:
    """The register lists all of them; parental power ends at twenty. The widow's son has come of age long since."""
    phone = await citizen(12)

    for query, path in ((EDUCATION, "education"), (HEALTH, "healthRecords")):
        assert (await phone.ask(query))["me"][path]["children"]["value"] == []
    assert (await phone.ask(SUPPORT))["me"]["childSupport"]["value"] == []


async def test_what_stands_beside_a_card_is_asked_together_with_it(citizen: CitizenOf, switch: Switch) -> None:
    phone = await citizen(9, Cache_Control="no-cache")
    await phone.ask(SOCIAL)
    switch("POST", "latency", dict.fromkeys(("dsdw", "dop", "rlpd", "coj", "rtp", "justice_fund"), 700))

    began = asyncio.get_running_loop().time()
    social = (await phone.ask(SOCIAL))["me"]["socialCases"]
    took = asyncio.get_running_loop().time() - began

    assert {state for _, _, state in states(social)} <= {"OK", "NOT_FOUND"}
    assert took < 1.4, "the case first and then the rest would take 1.4 s"
