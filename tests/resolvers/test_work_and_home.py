"""Work, allowances, the land tax, voting and disasters in the graph, from the sandbox's registers by real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.agencies.standard import Asked
from sandbox.nation import Nation
from sandbox.registers.ddpm import get_relief
from sandbox.world import Clock, World
from tests.resolvers.conftest import Graph, SignedIn
from trust.people import People

CitizenOf = Callable[..., Awaitable[Graph]]
Switch = Callable[..., Any]

TODAY = date(2026, 11, 21)  # the sandbox's
STATE = "agency { code } state problem { code message }"
WORK = f"""{{ me {{ employment {{ {STATE}
  value {{ status employer {{ th said }} since until endReason }}
  unemployment {{ {STATE} value {{ isRegistered registrationId registerBy nextReportOn reports {{ dueOn state }} }} }}
  vacancies {{ {STATE} value {{ jobId title {{ th en said }} employer place {{ said }} wage {{ amount currency }} wagePer wanted
    postedOn closesOn }} }}
  labourCases {{ {STATE} value {{ caseId kind state amount {{ amount }} order {{ said }} }} }}
  courses {{ {STATE} value {{ courseId name {{ th en said }} trade {{ said }} startsOn endsOn hours places placesLeft
    fee {{ amount }} }} }}
  training {{ {STATE} value {{ enrolmentId name {{ said }} state }} }}
}} }} }}"""
ALLOWANCES = f"""{{ me {{ allowances {{ {STATE}
  value {{ localAuthority {{ said }} oldAge {{ isRegistered registeredOn paidFrom }}
    disability {{ isRegistered registeredOn paidFrom }} channel }}
  payments {{ {STATE} value {{ kind month payDate amount {{ amount }} state }} }}
}} }} }}"""
LAND_TAX = f"""query ($year: Int) {{ me {{ landAndBuildingTax(year: $year) {{ {STATE}
  value {{ billId year localAuthority {{ said }} state tax {{ amount }} toPay {{ amount }} dueOn paidOn mayPayInInstalments
    instalments {{ number dueOn amount {{ amount }} paidOn }}
    properties {{ propertyId name {{ said }} use appraisedValue {{ amount }} exemptValue {{ amount }} ratePercent
      tax {{ amount }} completedOn }} }} }} }} }}"""
VOTING = f"""{{ me {{ voting {{ {STATE}
  value {{ electionId election {{ said }} kind day mayVote whyNot {{ said }} constituency {{ said }}
    station {{ name {{ said }} number placeOnRoll }} opensAt closesAt reportAbsenceFrom reportAbsenceUntil absenceReported
    rightsLimitedUntil }} }} }} }}"""
DISASTERS = f"""{{ me {{ disasters {{ {STATE}
  value {{ areaId kind district {{ code name {{ said }} }} subdistricts {{ said }} declaredOn endedOn relief {{ said }} applyBy }}
  home {{ {STATE} value {{ isInDeclaredArea wasFlooded floodedDays surveyedOn }} }}
  relief {{ {STATE} value {{ claimId kind amount {{ amount }} state requestedOn paidOn }} }}
}} }} }}"""
BESIDE_WORK = ("unemployment", "vacancies", "labourCases", "courses", "training")


async def test_who_lost_a_job_sees_what_to_do_next(citizen: CitizenOf) -> None:
    work = (await (await citizen(4)).ask(WORK))["me"]["employment"]

    assert {work["state"], *(work[name]["state"] for name in BESIDE_WORK)} == {"OK"}
    assert {name: work[name]["agency"]["code"] for name in BESIDE_WORK} == {
        "unemployment": "doe", "vacancies": "doe", "labourCases": "dlpw", "courses": "dsd", "training": "dsd",
    }  # fmt: skip
    assert work["value"]["status"] == "UNEMPLOYED"
    assert work["value"]["endReason"] == "DISMISSED"
    ended = date.fromisoformat(work["value"]["until"])
    assert ended == TODAY - timedelta(days=12)
    assert work["unemployment"]["value"] == {
        "isRegistered": False, "registrationId": None, "nextReportOn": None, "reports": [],
        "registerBy": (ended + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    assert work["labourCases"]["value"] == []
    assert len(work["vacancies"]["value"]) == 12
    assert all("สมุทรปราการ" in one["place"]["said"] for one in work["vacancies"]["value"])
    assert all(one["placesLeft"] <= one["places"] for one in work["courses"]["value"])


async def test_work_is_said_in_the_readers_language(citizen: CitizenOf) -> None:
    thai, english = [
        (await (await citizen(1, Accept_Language=one)).ask(WORK))["me"]["employment"] for one in ("th", "en")
    ]

    assert thai["value"]["status"] == english["value"]["status"] == "EMPLOYED"
    assert thai["value"]["until"] is thai["value"]["endReason"] is None
    for name, part in (("vacancies", "title"), ("courses", "name")):
        assert [one[part]["th"] for one in thai[name]["value"]] == [one[part]["said"] for one in thai[name]["value"]]
        assert all(one[part]["said"].isascii() for one in english[name]["value"])


@pytest.mark.parametrize(
    ("number", "agency", "ill"),
    [
        (2, "sso", {"employment"}),
        (3, "doe", {"unemployment", "vacancies"}),
        (5, "dlpw", {"labourCases"}),
        (6, "dsd", {"courses", "training"}),
        (8, "dopa", {"vacancies", "courses"}),
    ],
)
async def test_an_agency_that_is_down_costs_its_own_cards(
    number: int, agency: str, ill: set[str], citizen: CitizenOf, switch: Switch
) -> None:
    """DOPA says where home is: without it nobody can be asked about the province, and those cards say so."""
    phone = await citizen(number, Accept_Language="en")
    switch("POST", "faults", {"agency": agency, "fault": "down"})

    work = (await phone.ask(WORK))["me"]["employment"]

    cards = {"employment": work} | {name: work[name] for name in BESIDE_WORK}
    assert {name for name, card in cards.items() if card["state"] != "OK"} == ill
    for name in ill:
        assert cards[name]["state"] == "UNAVAILABLE"
        assert cards[name]["value"] is None
        assert cards[name]["problem"]["message"].isascii()


async def test_what_stands_beside_a_card_is_asked_together_with_it(citizen: CitizenOf, switch: Switch) -> None:
    phone, now = await citizen(9, Cache_Control="no-cache"), asyncio.get_running_loop().time
    await phone.ask(WORK)  # the agencies' tokens are there by now
    began = now()
    await phone.ask(WORK)
    usual = now() - began
    switch("POST", "latency", dict.fromkeys(("sso", "doe", "dlpw", "dsd"), 400))

    began = now()
    work = (await phone.ask(WORK))["me"]["employment"]
    took = now() - began

    assert {work["state"], *(work[name]["state"] for name in BESIDE_WORK)} == {"OK"}
    assert took < usual + 0.75, "the job first and then the rest would take 0.8 s longer than usual"


async def test_only_what_is_selected_is_asked(citizen: CitizenOf, switch: Switch) -> None:
    phone = await citizen(10)
    for agency in ("doe", "dlpw", "dsd", "lao", "ect", "ddpm"):
        switch("POST", "faults", {"agency": agency, "fault": "slow", "delay_ms": 0})

    await phone.ask(
        """query ($no: Boolean = false) { me { employment { value { status } vacancies @include(if: $no) { state }
             labourCases @skip(if: true) { state } } } }"""
    )

    assert [one["hits"] for one in switch("GET", "faults")["faults"]] == [0] * 6


async def test_allowances_and_their_payments(citizen: CitizenOf) -> None:
    bunruean = (await (await citizen(12)).ask(ALLOWANCES))["me"]["allowances"]

    assert (bunruean["state"], bunruean["payments"]["state"]) == ("OK", "OK")
    assert bunruean["agency"]["code"] == "lao"
    assert bunruean["value"]["oldAge"]["isRegistered"]
    assert not bunruean["value"]["disability"]["isRegistered"]
    assert bunruean["value"]["channel"]
    payments = bunruean["payments"]["value"]
    assert [one["state"] for one in payments].count("SCHEDULED") == 1
    assert {one["kind"] for one in payments} == {"OLD_AGE"}
    assert {Decimal(one["amount"]["amount"]) for one in payments} == {Decimal(600)}
    assert [one["payDate"] for one in payments] == sorted((one["payDate"] for one in payments), reverse=True)
    assert all(one["month"].endswith("-01") for one in payments)


async def test_who_has_not_registered_is_told_so(citizen: CitizenOf) -> None:
    kasem = (await (await citizen(11)).ask(ALLOWANCES))["me"]["allowances"]

    assert kasem["value"]["oldAge"] == {"isRegistered": False, "registeredOn": None, "paidFrom": None}
    assert kasem["value"]["channel"] is None
    assert kasem["payments"]["value"] == []


async def test_the_land_tax_of_a_home_of_ones_own(citizen: CitizenOf) -> None:
    card = (await (await citizen(4)).ask(LAND_TAX))["me"]["landAndBuildingTax"]

    assert card["state"] == "OK"
    bill = card["value"]
    assert (bill["year"], bill["state"]) == (TODAY.year, "EXEMPT")
    assert Decimal(bill["tax"]["amount"]) == Decimal(bill["toPay"]["amount"]) == 0
    (flat,) = bill["properties"]
    assert flat["use"] == "RESIDENCE"
    assert flat["appraisedValue"] == flat["exemptValue"]
    assert Decimal(flat["ratePercent"]) == Decimal("0.02")


@pytest.mark.parametrize("number", [7, 8])
async def test_who_owned_nothing_in_january_has_no_bill(number: int, citizen: CitizenOf) -> None:
    card = (await (await citizen(number)).ask(LAND_TAX))["me"]["landAndBuildingTax"]

    assert (card["state"], card["value"], card["problem"]["code"]) == ("NOT_FOUND", None, "NOT_FOUND")


@pytest.mark.parametrize("year", [0, -1, 2019, 2569, 2_147_483_647])
async def test_a_year_that_makes_no_sense_is_a_problem_on_the_card(year: int, citizen: CitizenOf) -> None:
    phone = await citizen(4, Accept_Language="en")
    card = (await phone.ask(LAND_TAX, year=year))["me"]["landAndBuildingTax"]

    assert card["value"] is None
    assert card["problem"]["code"] == "BAD_INPUT"
    assert "2020" in card["problem"]["message"]


async def test_an_earlier_bill_can_be_asked_for(citizen: CitizenOf) -> None:
    card = (await (await citizen(4)).ask(LAND_TAX, year=2025))["me"]["landAndBuildingTax"]

    assert card["value"]["year"] == 2025


async def test_voting_at_eighteen(citizen: CitizenOf) -> None:
    wira, phum = [
        (await (await citizen(number, Accept_Language="en")).ask(VOTING))["me"]["voting"] for number in (3, 127)
    ]

    assert wira["agency"]["code"] == "ect"
    assert wira["value"]["mayVote"]
    assert wira["value"]["whyNot"] is None
    assert wira["value"]["station"]["name"]["said"].isascii()
    assert wira["value"]["day"] > TODAY.isoformat()
    assert wira["value"]["reportAbsenceFrom"] < wira["value"]["day"] < wira["value"]["reportAbsenceUntil"]
    assert not phum["value"]["mayVote"]
    assert "18" in phum["value"]["whyNot"]["said"]
    assert phum["value"]["station"] is None


async def test_disasters_of_the_province_and_the_home(citizen: CitizenOf, switch: Switch) -> None:
    phone = await citizen(12)
    found = (await phone.ask(DISASTERS))["me"]["disasters"]

    assert (found["state"], found["home"]["state"], found["relief"]["state"]) == ("OK", "OK", "OK")
    assert all(one["district"]["code"].startswith("14") for one in found["value"])
    assert found["home"]["value"]["wasFlooded"] is False
    assert found["relief"]["value"] == []


async def test_a_flooded_householder_sees_area_home_and_relief(
    people: People, signed_in: SignedIn, flooded: Callable[[], str]
) -> None:
    phone = await signed_in((await people.ensure(flooded())).id)
    found = (await phone.ask(DISASTERS))["me"]["disasters"]

    assert found["home"]["value"]["isInDeclaredArea"]
    assert found["home"]["value"]["wasFlooded"]
    assert "FLOOD" in {one["kind"] for one in found["value"]}
    (claim,) = found["relief"]["value"]
    assert claim["kind"] == "FLOOD"
    assert Decimal(claim["amount"]["amount"]) == 9_000


@pytest.fixture
def flooded() -> Callable[[], str]:
    """The identity number of somebody who asked for relief after a flood."""
    world = World(Nation(day_zero=TODAY), Clock(TODAY))

    def find() -> str:
        for number in range(200, 20_000):
            one = world.citizen(number)
            if one is None or not one.alive or one.nationality != "thai":
                continue
            asked = Asked(
                world=world, agency="ddpm", operation="get_relief", arguments={"citizen_id": one.pid}, citizen=one
            )
            if get_relief(asked)["claims"]:
                return one.pid
        raise AssertionError("nobody was flooded")

    return find


@pytest.mark.parametrize(("number", "down", "well"), [(120, "dopa", {"relief"}), (121, "ddpm", set())])
async def test_without_a_home_no_province_can_be_asked(
    number: int, down: str, well: set[str], citizen: CitizenOf, switch: Switch
) -> None:
    phone = await citizen(number, Cache_Control="no-cache")
    switch("POST", "faults", {"agency": down, "fault": "down"})

    found = (await phone.ask(DISASTERS))["me"]["disasters"]

    cards = {"disasters": found, "home": found["home"], "relief": found["relief"]}
    assert {name for name, card in cards.items() if card["state"] == "OK"} == well
    assert all(card["agency"]["code"] == "ddpm" for card in cards.values())
    assert all(card["problem"]["code"] for name, card in cards.items() if name not in well)
