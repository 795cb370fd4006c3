"""What people are entitled to in the graph, from the sandbox's agencies by real HTTP: each sample's story, bad days, what if."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.language import say_date
from resolvers.values import global_id, read_global_id
from tests.resolvers.conftest import Graph
from trust.consents import Consents
from trust.people import People, PersonId

CitizenOf = Callable[..., Awaitable[Graph]]
Switch = Callable[..., Any]

TODAY = date(2026, 11, 21)
PAGE = 30
LIST = """query ($first: Int, $after: String, $outcome: [Outcome!], $lifeEvent: String, $service: String, $on: Date,
  $given: [GivenFactInput!]) { me { entitlements(first: $first, after: $after, outcome: $outcome, lifeEvent: $lifeEvent,
  service: $service, on: $on, given: $given) { totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node {
  id service { code } about { scope id called { said } } outcome deadline hypothetical on
  availability { state from until isLate text { said } }
  explanation { text { th en said } }
  nextChange { on outcome availability text { said } }
  missing { fact title { said } why canSaySelf agency { code } problem { code } } } } } } }"""
ONE = """query ($service: String, $given: [GivenFactInput!]) { me { entitlements(first: 10, service: $service, given: $given) {
  edges { node { id outcome hypothetical about { id }
  explanation { outcome confidence rule source law { th en } text { said } criteria { depth kind holds text { th en said } fact { path }
    value { said } byHowMuch { said } turnsOn confidence
    source { agency { code } asOf fetchedAt isStale isOwnWord isHypothetical } } }
  amounts { item text { said } value total tier source confidence unit { code } per { code } missing { fact } }
  missing { fact why } } } } } }"""


async def listed(phone: Graph, **variables: Any) -> list[dict[str, Any]]:
    """Every page of the list."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await phone.ask(LIST, **{"first": PAGE, "after": after, **variables}))["me"]["entitlements"]
        found += [edge["node"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(found) == page["totalCount"]
            return found


async def of(phone: Graph, service: str, **variables: Any) -> list[dict[str, Any]]:
    told = await phone.ask(ONE, service=service, **variables)
    return [edge["node"] for edge in told["me"]["entitlements"]["edges"]]


def by_code(found: Collection[dict[str, Any]], code: str, about: str | None = None) -> dict[str, Any]:
    """The one entitlement for a service, for oneself or for what is called so."""
    fitting = [
        one
        for one in found
        if one["service"]["code"] == code
        and (
            one["about"] is None
            if about is None
            else one["about"] is not None and about in one["about"]["called"]["said"]
        )
    ]
    (one,) = fitting
    return one


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


# ---- the twelve stories


async def test_the_newborns_mother(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(1, Accept_Language="en")

    found = await listed(phone, lifeEvent="birth_of_child")

    allowance = by_code(found, "sso_child_allowance", "ใบบุญ")
    assert (allowance["outcome"], allowance["availability"]["state"]) == ("ELIGIBLE", "OPEN")
    grant = by_code(found, "child_support_grant", "ใบบุญ")
    assert grant["outcome"] == "UNKNOWN"
    (missing,) = grant["missing"]
    assert (missing["fact"], missing["why"], missing["canSaySelf"]) == (
        "household.income_per_capita_per_year", "NOT_KNOWN", True,
    )  # fmt: skip
    assert "meet" not in grant["explanation"]["text"]["en"].split(":")[1]
    assert by_code(found, "sso_maternity_lump", "ใบบุญ")["deadline"] == "2028-10-31"
    assert by_code(found, "sso_maternity_wage", "ใบบุญ")["outcome"] == "ELIGIBLE"
    assert by_code(found, "birth_registration", "ใบบุญ")["outcome"] == "NOT_ELIGIBLE"


async def test_chuchai_gets_her_first_card_in_ten_days(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(2, Accept_Language="th")

    found = await listed(phone, service="first_id_card")

    hers = by_code(found, "first_id_card", "ชูใจ")
    assert hers["outcome"] == "NOT_ELIGIBLE"
    assert (hers["nextChange"]["on"], hers["nextChange"]["outcome"]) == (day(10), "ELIGIBLE")
    assert (
        "อีก 9 วัน" not in hers["explanation"]["text"]["said"]
        or say_date(TODAY + timedelta(days=10), "th") in hers["explanation"]["text"]["said"]
    )
    (then,) = [one for one in await listed(phone, service="first_id_card", on=day(10)) if one["about"]]
    assert (then["outcome"], then["availability"]["state"], then["deadline"]) == ("ELIGIBLE", "OPEN", "2027-01-30")
    assert by_code(found, "first_id_card")["outcome"] == "NOT_ELIGIBLE"  # her father's own


async def test_the_conscript_registers(waiting_citizen: CitizenOf) -> None:
    duty = by_code(await listed(await waiting_citizen(3), lifeEvent="military_duty"), "military_list_registration")

    assert (duty["outcome"], duty["availability"]["state"], duty["deadline"]) == ("ELIGIBLE", "OPEN", "2026-12-31")


async def test_who_lost_their_job_registers_within_thirty_days(waiting_citizen: CitizenOf) -> None:
    found = await listed(await waiting_citizen(4), lifeEvent="job_loss")

    assert found[0]["service"]["code"] == "unemployment_registration"
    assert found[0]["deadline"] == "2026-12-09"
    assert by_code(found, "sso_unemployment_benefit")["outcome"] == "ELIGIBLE"
    (benefit,) = await of(await waiting_citizen(4), "sso_unemployment_benefit")
    assert (benefit["amounts"][0]["value"], benefit["amounts"][0]["unit"]["code"]) == ("60", "percent")


@pytest.mark.parametrize(
    ("number", "service", "about", "outcome", "state"),
    [
        (5, "surname_change_after_marriage", None, "ELIGIBLE", "OPEN"),
        (6, "disability_card", None, "ELIGIBLE", "OPEN"),
        (6, "disability_allowance", None, "NOT_ELIGIBLE", "OPEN"),  # the card comes first
        (7, "sso_hospital_change", None, "ELIGIBLE", "OPEN"),  # moved within thirty days
        (7, "land_transfer", "163440", "ELIGIBLE", "OPEN"),
        (8, "driving_licence_renew", None, "ELIGIBLE", "OPEN"),
        (8, "vehicle_tax", "812", "ELIGIBLE", "OPEN"),
        (8, "vehicle_tax", "57", "ELIGIBLE", "NOT_YET"),
        (9, "food_shop_notice", "Chusi", "ELIGIBLE", "OPEN"),
        (10, "child_support_grant", "รวงทอง", "ELIGIBLE", "OPEN"),
        (10, "child_support_grant", "ต้นกล้า", "NOT_ELIGIBLE", "OPEN"),
        (11, "old_age_allowance_registration", None, "ELIGIBLE", "OPEN"),
        (12, "sso_funeral_grant", "สำราญ", "ELIGIBLE", "OPEN"),
        (12, "elderly_funeral_grant", "สำราญ", "ELIGIBLE", "OPEN"),
        (12, "old_age_allowance", None, "ELIGIBLE", "OPEN"),
    ],
)
async def test_the_other_stories(
    waiting_citizen: CitizenOf, number: int, service: str, about: str | None, outcome: str, state: str
) -> None:
    found = await listed(await waiting_citizen(number, Accept_Language="en"), service=service)

    one = by_code(found, service, about)
    assert (one["outcome"], one["availability"]["state"]) == (outcome, state)


# ---- order, filters, pages


async def test_what_can_be_done_now_comes_first_then_what_comes_then_the_rest(waiting_citizen: CitizenOf) -> None:
    found = await listed(await waiting_citizen(8, Accept_Language="en"))

    now = [one for one in found if (one["outcome"], one["availability"]["state"]) == ("ELIGIBLE", "OPEN")]
    assert found[: len(now)] == now
    in_time = [one["deadline"] for one in now if one["deadline"] and not one["availability"]["isLate"]]
    assert in_time == sorted(in_time)
    assert in_time[0] == "2026-12-03"
    outcomes = [one["outcome"] for one in found]
    assert outcomes.index("UNKNOWN") < max(place for place, one in enumerate(outcomes) if one == "NOT_ELIGIBLE")
    assert len({one["id"] for one in found}) == len(found)


async def test_filters_and_pages(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(4)

    whole = await listed(phone)
    eligible = await listed(phone, outcome=["ELIGIBLE"])
    two = (await phone.ask(LIST, first=2, outcome=["ELIGIBLE"]))["me"]["entitlements"]

    rest = (await phone.ask(LIST, first=2, outcome=["ELIGIBLE"], after=two["pageInfo"]["endCursor"]))["me"][
        "entitlements"
    ]
    last = (await phone.ask(LIST, first=100, outcome=["ELIGIBLE"], after=rest["edges"][-1]["cursor"]))["me"][
        "entitlements"
    ]

    assert [edge["node"]["id"] for edge in (*rest["edges"], *last["edges"])] == [one["id"] for one in eligible[2:]]
    assert (rest["pageInfo"]["hasPreviousPage"], last["pageInfo"]["hasNextPage"]) == (True, False)
    nobody = (await phone.ask(LIST, first=2, service="nobody"))["me"]["entitlements"]
    assert nobody == {
        "totalCount": 0, "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "endCursor": None},
    }  # fmt: skip
    assert [one["id"] for one in eligible] == [one["id"] for one in whole if one["outcome"] == "ELIGIBLE"]
    assert [edge["node"]["id"] for edge in two["edges"]] == [one["id"] for one in eligible[:2]]
    assert two["pageInfo"]["hasNextPage"] is True
    assert await listed(phone, lifeEvent="nobody") == []
    assert await listed(phone, service="nobody") == []
    assert await listed(phone, outcome=[]) == []
    assert await phone.code(LIST, first=1, after="x") == "BAD_INPUT"
    assert await phone.code(LIST, first=1, on="2569-11-21") == "BAD_INPUT"
    assert await phone.code(LIST, first=101) == "BAD_INPUT"
    assert await phone.code(ONE.replace("first: 10", "first: 100")) == "TOO_COMPLEX"  # explaining costs


async def test_what_only_a_wish_would_tell_stands_last_of_what_is_not_known(waiting_citizen: CitizenOf) -> None:
    found = await listed(await waiting_citizen(1, Accept_Language="en"), outcome=["UNKNOWN"])

    codes = [one["service"]["code"] for one in found]
    assert codes.index("child_support_grant") < codes.index("divorce_registration") == len(codes) - 1
    assert found[-1]["explanation"]["text"]["said"] == (
        "“Divorce by mutual consent” hangs on what you can tell yourself: whether divorce is by mutual consent."
    )


# ---- why


async def test_an_explanation_names_its_facts_their_sources_and_the_law(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(1, Accept_Language="en")

    (one,) = [one for one in await of(phone, "elderly_travel_discount") if one["about"] is None]

    why = one["explanation"]
    assert why["outcome"] == "NOT_ELIGIBLE"
    age = next(line for line in why["criteria"] if line["fact"] and line["fact"]["path"] == "person.age_years")
    assert age["holds"] is False
    assert re.fullmatch("elderly_travel_discount@[0-9a-f]{12}", why["rule"])
    assert age["value"]["said"].startswith("29 years (date of birth 4 July 1997)")
    assert age["turnsOn"] == "2057-07-04"
    assert age["byHowMuch"]["said"] == "in 30 years 7 months 13 days, on 4 July 2057"
    assert age["source"]["agency"]["code"] == "dopa"
    assert age["source"]["fetchedAt"]
    assert (age["source"]["isStale"], age["source"]["isOwnWord"], age["source"]["isHypothetical"]) == (
        False,
        False,
        False,
    )
    assert why["law"]


async def test_what_the_catalogue_is_not_sure_of_is_marked(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(4, Accept_Language="en")

    (one,) = await of(phone, "village_fund_loan")

    assert one["explanation"]["confidence"] == "UNCERTAIN"
    assert "unconfirmed" in one["explanation"]["text"]["said"]
    assert "(unconfirmed)" in one["amounts"][0]["text"]["said"]


async def test_both_languages_say_the_same(waiting_citizen: CitizenOf) -> None:
    thai, english = await waiting_citizen(12, Accept_Language="th"), await waiting_citizen(12, Accept_Language="en")

    one, other = await listed(thai, lifeEvent="death_in_family"), await listed(english, lifeEvent="death_in_family")

    assert [each["id"] for each in one] == [each["id"] for each in other]
    for each, same in zip(one, other, strict=True):
        assert each["explanation"]["text"]["said"] == same["explanation"]["text"]["th"]
        assert same["explanation"]["text"]["said"] == each["explanation"]["text"]["en"]
        assert not re.search("[a-z]_", each["explanation"]["text"]["said"] + same["explanation"]["text"]["said"])


async def test_what_is_about_a_child_or_a_relative_names_them_and_never_says_you(waiting_citizen: CitizenOf) -> None:
    father, widow = await waiting_citizen(2, Accept_Language="en"), await waiting_citizen(12, Accept_Language="en")

    (hers,) = [one for one in await of(father, "first_id_card") if one["about"]]
    (dead,) = await of(widow, "sso_survivor_benefit")

    lines = [line["text"]["said"] for line in hers["explanation"]["criteria"]]
    assert "เด็กหญิงชูใจ ใจกว้าง must be in a house register; the record says เด็กหญิงชูใจ ใจกว้าง is." in lines
    assert not any(re.search(r"\b[Yy]ou\b", line) for line in lines)
    assert dead["explanation"]["text"]["said"].startswith(
        "“SSO death benefit to heirs” after the death of นายสำราญ อยู่เย็น:"
    )
    assert any("contributed by นายสำราญ อยู่เย็น" in line["text"]["said"] for line in dead["explanation"]["criteria"])


async def test_of_several_ways_the_nearest_is_named(waiting_citizen: CitizenOf) -> None:
    (leave,) = await of(await waiting_citizen(7, Accept_Language="en"), "maternity_leave")

    assert leave["explanation"]["text"]["said"].endswith(
        "The nearest: You must be pregnant; the record says you are not."
    )


async def test_ones_own_word_is_not_called_a_record(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(3, Accept_Language="en")
    fact, value = "household.income_per_capita_per_month", "2000"
    declare = "mutation ($i: DeclareFactInput!) { declareFact(input: $i) { problems { code message } } }"
    take_back = "mutation ($i: WithdrawDeclarationInput!) { withdrawDeclaration(input: $i) { problems { code } } }"
    assert (await phone.ask(declare, i={"fact": fact, "value": value}))["declareFact"]["problems"] == []
    try:
        (grant,) = await of(phone, "equal_education_grant")
    finally:
        await phone.ask(take_back, i={"fact": fact})

    line = next(each for each in grant["explanation"]["criteria"] if each["fact"]["path"] == fact)
    assert line["source"]["isOwnWord"] is True
    assert line["text"]["en"] == "Income per head per month must be at most 3,000 baht; you said 2,000 baht."
    assert line["text"]["th"] == "รายได้ต่อคนต่อเดือนต้องไม่เกิน 3,000 บาท: คุณแจ้งไว้ว่า 2,000 บาท"


# ---- bad days


async def test_an_agency_that_is_down_makes_unknown_with_the_reason_and_never_a_wrong_answer(
    waiting_citizen: CitizenOf, switch: Switch
) -> None:
    phone = await waiting_citizen(4, Accept_Language="en")
    switch("POST", "faults", {"agency": "sso", "fault": "down"})
    after = await listed(phone)
    switch("DELETE", "faults")  # the good day comes second, so that nothing of it can stand in

    before = {one["id"]: one for one in await listed(phone)}

    assert {one["id"] for one in after} == set(before)
    for one in after:
        assert one["outcome"] in (before[one["id"]]["outcome"], "UNKNOWN"), one["service"]
    benefit = by_code(after, "sso_unemployment_benefit")
    assert benefit["outcome"] == "UNKNOWN"
    assert {(one["why"], one["agency"]["code"]) for one in benefit["missing"]} == {("AGENCY_DOWN", "sso")}
    assert all(one["problem"] for one in benefit["missing"])
    assert "does not answer just now" in benefit["explanation"]["text"]["said"]
    assert by_code(after, "pit_filing")["outcome"] == "ELIGIBLE"  # what hangs on others stands


async def test_a_list_that_does_not_come_is_not_an_empty_list(waiting_citizen: CitizenOf, switch: Switch) -> None:
    phone = await waiting_citizen(8, Accept_Language="en")
    switch("POST", "faults", {"agency": "dlt", "fault": "down"})

    found = await listed(phone, lifeEvent="vehicle_owner")

    assert {(one["service"]["code"], one["outcome"], one["about"]) for one in found} == {
        ("vehicle_transfer", "UNKNOWN", None), ("vehicle_tax", "UNKNOWN", None),
    }  # fmt: skip
    assert {(each["fact"], each["why"]) for one in found for each in one["missing"]} == {("vehicle", "AGENCY_DOWN")}


async def test_who_withdrew_an_agency_is_told_that_this_is_why(
    waiting_citizen: CitizenOf, consents: Consents, people: People, switch: Switch
) -> None:
    person = (await people.ensure(switch("GET", "citizens/9")["pid"])).id
    phone = await waiting_citizen(9, Accept_Language="en")
    await consents.withdraw(person, "rd", "SHOW_MY_DATA", app="app")
    try:
        vat = by_code(await listed(phone, service="vat_registration"), "vat_registration")
    finally:
        await consents.give(person, "rd", "SHOW_MY_DATA", app="app")

    assert vat["outcome"] == "UNKNOWN"
    assert {(one["why"], one["agency"]["code"]) for one in vat["missing"]} == {("NOT_ALLOWED", "rd")}
    assert "we may not ask" in vat["explanation"]["text"]["said"]


# ---- what if


async def test_what_if_changes_the_outcome_is_marked_and_stores_nothing(waiting_citizen: CitizenOf, store: Any) -> None:
    phone = await waiting_citizen(1, Accept_Language="en")
    income = "household.income_per_capita_per_year"

    poor = (await of(phone, "child_support_grant", given=[{"fact": income, "value": "90000"}]))[0]
    rich = (await of(phone, "child_support_grant", given=[{"fact": income, "value": "400000"}]))[0]
    real = (await of(phone, "child_support_grant"))[0]

    assert [one["outcome"] for one in (poor, rich, real)] == ["ELIGIBLE", "NOT_ELIGIBLE", "UNKNOWN"]
    assert [one["hypothetical"] for one in (poor, rich, real)] == [True, True, False]
    assert len({one["id"] for one in (poor, rich, real)}) == 3
    line = next(each for each in poor["explanation"]["criteria"] if each["fact"] and each["fact"]["path"] == income)
    assert line["source"]["isHypothetical"] is True
    assert line["text"]["th"].endswith("สมมติว่าเป็น 90,000 บาท")
    assert line["text"]["en"].endswith("; supposed: 90,000 baht.")
    assert poor["explanation"]["text"]["said"].startswith("Only supposed: “Child Support Grant” for ")
    assert not real["explanation"]["text"]["said"].startswith("Only supposed")
    assert (await phone.ask("query ($id: ID!) { node(id: $id) { id } }", id=poor["id"]))["node"] is None


async def test_what_if_leaves_alone_what_does_not_hang_on_it(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(1)
    given = [{"fact": "household.income_per_capita_per_year", "value": "90000"}]

    found = await listed(phone, lifeEvent="birth_of_child", given=given)

    assert {one["service"]["code"] for one in found if one["hypothetical"]} == {"child_support_grant"}


async def test_what_if_about_one_thing_and_about_one_that_is_not_there_yet(waiting_citizen: CitizenOf) -> None:
    driver, widow = await waiting_citizen(8), await waiting_citizen(12)

    sold = await listed(
        driver,
        service="vehicle_transfer",
        given=[{"fact": "vehicle.sale_date", "value": day(-3), "about": "V0000000808"}],
    )
    company = await listed(
        widow, service="company_incorporation",
        given=[{"fact": "business.type", "value": "company"}, {"fact": "business.promoters", "value": "3"}],
    )  # fmt: skip

    assert [(one["hypothetical"], one["deadline"]) for one in sold if "812" in one["about"]["called"]["said"]] == [
        (True, day(12))
    ]
    assert [one["hypothetical"] for one in sold if "57" in one["about"]["called"]["said"]] == [False]
    assert [(one["outcome"], one["hypothetical"]) for one in company] == [("ELIGIBLE", True)]
    assert await listed(widow, service="company_incorporation") == []


async def test_what_if_leaves_no_trace(waiting_citizen: CitizenOf, store: Any) -> None:
    phone = await waiting_citizen(1)
    await listed(phone, service="child_support_grant")  # whoever is met for the first time is by now

    async def counted() -> dict[str, int]:
        """All that is kept but that agencies were asked, and what they said."""
        names = set(await store.collection("people").database.list_collection_names()) - {"access_records", "answers"}
        return {name: await store.collection(name).count_documents({}) for name in names}

    before = await counted()
    income = {"fact": "household.income_per_capita_per_year", "value": "90000"}
    (one,) = [each for each in await of(phone, "child_support_grant", given=[income]) if each["about"]]
    declared = await phone.ask("{ me { declarations { fact } } }")

    assert one["hypothetical"] is True
    assert await counted() == before
    assert declared["me"]["declarations"] == []


@pytest.mark.parametrize(("language", "said"), [("th", "ไม่มีข้อเท็จจริงนี้"), ("en", "there is no such fact")])
async def test_a_refusal_is_said_in_the_readers_language(waiting_citizen: CitizenOf, language: str, said: str) -> None:
    phone = await waiting_citizen(8, Accept_Language=language)

    told = (await phone.reply(LIST, first=1, given=[{"fact": "nobody.knows", "value": "1"}])).json()

    assert [one["message"] for one in told["errors"]] == [said]


@pytest.mark.parametrize(
    "given",
    [
        [{"fact": "nobody.knows", "value": "1"}],
        [{"fact": "person.age_years", "value": "60"}],  # follows from the birth date
        [{"fact": "person.citizen_id", "value": "1"}],  # no service asks for it
        [{"fact": "person.birth_date", "value": "31/02/2569"}],
        [{"fact": "person.birth_date", "value": "2509-01-01"}],  # a Buddhist year
        [{"fact": "person.birth_date"}],  # everybody was born
        [{"fact": "person.income_per_year", "value": "-1"}],
        [{"fact": "person.income_per_year", "value": "9" * 300}],
        [{"fact": "person.income_per_year"}],
        [{"fact": "person.sex", "value": "pirate"}],
        [{"fact": "benefit.entitlement_date", "value": "2026-01-01"}],
        [{"fact": "person.sex", "value": "male"}, {"fact": "person.sex", "value": "female"}],
        [{"fact": "vehicle.sale_date", "value": "2026-01-01", "about": "V9"}],
        [{"fact": "person.income_per_year", "value": "1", "about": "1000000000017"}],
        [{"fact": "person.income_per_year", "value": str(number)} for number in range(21)],
    ],
)
async def test_what_makes_no_sense_is_not_tried_out(waiting_citizen: CitizenOf, given: Any) -> None:
    phone = await waiting_citizen(8)

    assert await phone.code(LIST, first=1, service="vehicle_transfer", given=given) == "BAD_INPUT"


# ---- whose it is


async def test_an_entitlement_is_found_again_by_its_person_only_and_its_id_names_nobody(
    waiting_citizen: CitizenOf, switch: Switch
) -> None:
    mother, driver = await waiting_citizen(1), await waiting_citizen(8)
    mine = (await of(mother, "sso_child_allowance"))[0]
    query = "query ($id: ID!) { node(id: $id) { id ... on Entitlement { outcome service { code } } } }"

    again = (await mother.ask(query, id=mine["id"]))["node"]

    assert again == {"id": mine["id"], "outcome": mine["outcome"], "service": {"code": "sso_child_allowance"}}
    assert (await driver.ask(query, id=mine["id"]))["node"] is None
    told = read_global_id(mine["id"])
    assert told is not None
    child = switch("GET", "citizens/101")["pid"]
    assert child not in told[1]
    assert child not in mine["about"]["id"]
    for strange in ("", "x", f"{told[1]}:", told[1].replace("sso_child_allowance", "nobody"), told[1][:-3] + "zzz"):
        assert (await mother.ask(query, id=global_id("Entitlement", strange or ":")))["node"] is None


async def test_nobody_signed_in_has_none(patient: Graph) -> None:
    assert (await patient.ask("{ me { entitlements(first: 1) { totalCount } } }"))["me"] is None


async def test_one_look_at_everything_asks_each_agency_once(
    waiting_citizen: CitizenOf, store: Any, people: People, switch: Switch
) -> None:
    person = PersonId((await people.ensure(switch("GET", "citizens/5")["pid"])).id)
    phone = await waiting_citizen(5)
    records = store.collection("access_records")
    await records.delete_many({"subject": person})

    await phone.ask("{ me { now: entitlements(first: 5) { totalCount } then: entitlements(first: 5) { totalCount } } }")

    asked = [(one["agency"], one["operation"]) async for one in records.find({"subject": person})]
    assert asked
    assert len(asked) == len(set(asked))
