"""What a person sees of their money and property: tax, vehicles, land, welfare, businesses, passport, savings, PromptPay,
farming. Each agency's card stands by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from agencies.facts import Findings
from agencies.gateway import DATA_SUBJECT_REQUEST
from resolvers.context import Services
from tests.resolvers.conftest import Graph
from trust.people import People

CitizenOf = Callable[..., Awaitable[Graph]]
Switch = Callable[..., Any]

# The years are those of the sandbox's day, whatever the machine's is.
OVERVIEW = """{ me {
  tax(year: 2025) { agency { code } state asOf fetchedAt problem { code message }
    value { year income { kind payer { said } amount { amount currency } withheld { amount } } total { amount } withheld { amount }
      isSalaryOnly }
    return { agency { code } state value { year state dueOn income { amount } exempt { amount } expenses { amount }
      allowances { kind amount { amount } } allowancesTotal { amount } netIncome { amount } tax { amount } withheld { amount }
      toPay { amount } toClaimBack { amount } } }
    refunds { state value { reference year filedOn amount { amount } state paidOn } }
    turnover { state value { year amount { amount } passedVatThresholdOn } }
    vat { state value { name since address } } }
  vehicles { agency { code } state value { vehicleId plate kind tax { amount } taxUntil soldOn
    insurance { agency { code } state value { isValid policy insurer { said } validFrom validTo } } } }
  licences { state value { drives kind issuedOn expiresOn } }
  land { agency { code } state value { ownedOn1January isWithinWelfareLimits
    parcels { parcelId deed { th en said } kind place { said } area areaUnit sharePercent ownedSince acquiredBy
      boughtFor { amount } mortgage { amount { amount } lender { said } }
      appraisal { agency { code } state value { total { amount } land { amount } building { amount } perUnit { amount }
        validFrom validTo } }
      fees(for: SALE) { state value { basis { amount } total { amount } fees { kind amount { amount } } } } } } }
  welfare { agency { code } state value { isHolder hasApplied round isVerified reasons }
    means { agency { code } state value { financialAssets { amount } members income { amount } incomePerHead { amount } } }
    entitledProgrammes { agency { code } state value { programme monthly { amount } since isSuspended account } }
    payments(year: 2026) { agency { code } state value { programme on amount { amount } wasPaid account } } }
} }"""
REST = """{ me {
  business { agency { code } state value { businessId name { said } kind isJuristic role isActive startedOn promoters
    capital { amount }
    register { agency { code } state value { name { th } form { said } isActive registeredOn capital { amount } address } }
    board { agency { code } state value { directors { th } } } } }
  passport { agency { code } state problem { code message } value { maskedNumber kind issuedOn expiresOn isExpired } }
  savings { agency { code } state value { isMember own { amount } match { amount } balance { amount } years { year } }
    pensionFund { agency { code } state value { isMember kind ratePercent balance { amount } } } }
  promptpay { agency { code } state value { isBound bank { said } account }
    credit { agency { code } state value { hasCreditCard homeLoans { amount } carLoans { amount }
      loans { kind lender { said } limit { amount } owed { amount } } } } }
  farming { agency { code } state value { isRegistered riceAreaRai lastPlantedOn
    plots { crop areaRai plantedOn harvestOn isOwnLand deed { said } } } }
} }"""


def amount(money: Any) -> Decimal:
    return Decimal(money["amount"])


async def test_somebody_who_pays_off_a_flat_sees_all_that_hangs_together(citizen: CitizenOf) -> None:
    phone = await citizen(4, Accept_Language="en")
    me = (await phone.ask(OVERVIEW))["me"]
    rest = (await phone.ask(REST))["me"]

    told = {"tax": "rd", "vehicles": "dlt", "land": "dol", "welfare": "fpo"}
    assert {name: (me[name]["state"], me[name]["agency"]["code"]) for name in told} == {
        name: ("OK", code) for name, code in told.items()
    }
    (flat,) = me["land"]["value"]["parcels"]
    assert (flat["kind"], flat["areaUnit"], amount(flat["mortgage"]["amount"])) == ("CONDO", "SQUARE_METRE", 1_305_000)
    assert flat["deed"]["said"] == flat["deed"]["en"] != flat["deed"]["th"]
    assert flat["appraisal"]["agency"]["code"] == "treasury"
    worth = flat["appraisal"]["value"]
    assert amount(worth["total"]) == amount(worth["land"]) + amount(worth["building"])
    fees = flat["fees"]["value"]
    assert amount(fees["total"]) == sum(amount(one["amount"]) for one in fees["fees"])
    credit = rest["promptpay"]["credit"]["value"]
    assert amount(credit["homeLoans"]) == 1_305_000
    (loan,) = credit["loans"]
    assert 0 < amount(loan["owed"]) < amount(loan["limit"])

    earned, form = me["tax"]["value"], me["tax"]["return"]["value"]
    assert (amount(earned["total"]), earned["isSalaryOnly"]) == (252_000, True)
    assert earned["year"] == form["year"]
    assert form["state"] == "FILED"
    assert {"PERSONAL", "SOCIAL_SECURITY", "HOME_LOAN"} <= {one["kind"] for one in form["allowances"]}
    assert amount(form["allowancesTotal"]) == sum(amount(one["amount"]) for one in form["allowances"])
    assert amount(form["toClaimBack"]) == max(amount(form["withheld"]) - amount(form["tax"]), 0)
    assert me["tax"]["refunds"]["value"] == []  # he earns too little to be taxed
    assert me["tax"]["vat"]["state"] == "NOT_FOUND"
    assert me["welfare"]["value"]["isHolder"] is False
    assert me["welfare"]["entitledProgrammes"]["value"] == []


async def test_what_a_teacher_is_paid_back_is_what_the_return_says(citizen: CitizenOf) -> None:
    tax = (await (await citizen(2)).ask(OVERVIEW))["me"]["tax"]

    form = tax["return"]["value"]
    assert amount(form["withheld"]) > amount(form["tax"])
    assert {"CHILDREN", "PENSION_FUND", "HOME_LOAN"} <= {one["kind"] for one in form["allowances"]}
    newest = tax["refunds"]["value"][0]
    assert (newest["year"], amount(newest["amount"])) == (form["year"], amount(form["toClaimBack"]))
    assert (newest["state"] == "PAID") == (newest["paidOn"] is not None)


async def test_the_driver_sees_what_ends_soon(citizen: CitizenOf) -> None:
    me = (await (await citizen(8)).ask(OVERVIEW))["me"]

    pickup, motorcycle = me["vehicles"]["value"]
    assert (pickup["kind"], motorcycle["kind"]) == ("PICKUP", "MOTORCYCLE")
    assert pickup["insurance"]["agency"]["code"] == "oic"
    assert pickup["insurance"]["value"]["isValid"] is True
    assert pickup["insurance"]["value"]["validTo"] == pickup["taxUntil"] == "2026-12-03"
    assert [(one["drives"], one["kind"], one["expiresOn"]) for one in me["licences"]["value"]] == [
        ("CAR", "PERSONAL", "2026-12-16"), ("MOTORCYCLE", "PERSONAL", "2026-12-16"),
    ]  # fmt: skip
    assert me["land"]["value"]["parcels"] == []
    assert me["land"]["value"]["ownedOn1January"] is False


async def test_why_there_is_no_welfare_card_and_what_is_paid_all_the_same(citizen: CitizenOf) -> None:
    welfare = (await (await citizen(10)).ask(OVERVIEW))["me"]["welfare"]

    assert welfare["value"]["hasApplied"] is True
    assert welfare["value"]["isHolder"] is False
    assert welfare["value"]["reasons"] == ["FAMILY_AVERAGE"]
    assert welfare["means"]["value"]["members"] == 4
    assert amount(welfare["means"]["value"]["incomePerHead"]) == 12_000
    (grant,) = welfare["entitledProgrammes"]["value"]
    assert (grant["programme"], amount(grant["monthly"])) == ("CHILD_SUPPORT_GRANT", 600)
    days = [one["on"] for one in welfare["payments"]["value"]]
    assert days == sorted(days, reverse=True)
    assert len(days) == 11  # January to November
    assert all(one["wasPaid"] for one in welfare["payments"]["value"])
    assert all(one["account"].startswith("xxx-") for one in welfare["payments"]["value"])


async def test_the_shop_owner_sees_both_registers_and_the_threshold(citizen: CitizenOf) -> None:
    phone = await citizen(9)
    me = (await phone.ask(REST))["me"]
    tax = (await phone.ask(OVERVIEW))["me"]["tax"]

    shop, company = me["business"]["value"]
    assert (shop["kind"], shop["isJuristic"], shop["register"], shop["board"]) == ("FOOD", False, None, None)
    assert (company["kind"], company["role"], company["promoters"]) == ("COMPANY", "DIRECTOR", 2)
    assert company["register"]["state"] == "OK"
    assert company["register"]["value"]["isActive"] is True
    assert company["register"]["value"]["name"]["th"] in company["name"]["said"]
    assert amount(company["register"]["value"]["capital"]) == amount(company["capital"])
    assert len(company["board"]["value"]["directors"]) == 2  # she and her husband
    assert amount(tax["turnover"]["value"]["amount"]) > 1_800_000
    assert tax["turnover"]["value"]["passedVatThresholdOn"] is not None


async def test_savings_exclude_one_another_and_each_has_its_card(citizen: CitizenOf) -> None:
    teacher = (await (await citizen(2)).ask(REST))["me"]["savings"]
    tapper = (await (await citizen(13)).ask(REST))["me"]

    assert teacher["agency"]["code"] == "nsf"
    assert teacher["value"]["isMember"] is False
    assert teacher["pensionFund"]["agency"]["code"] == "gpf"
    assert teacher["pensionFund"]["value"]["kind"] == "GOVERNMENT_PENSION_FUND"
    assert amount(teacher["pensionFund"]["value"]["balance"]) > 0
    assert tapper["savings"]["value"]["isMember"] is True
    assert tapper["savings"]["pensionFund"]["value"]["kind"] == "NONE"
    (rubber,) = tapper["farming"]["value"]["plots"]
    assert (rubber["crop"], Decimal(rubber["areaRai"]), rubber["harvestOn"]) == ("RUBBER", 9, None)
    assert rubber["isOwnLand"] is True
    assert rubber["deed"]["said"]


async def test_a_passport_number_is_not_shown_whole(citizen: CitizenOf) -> None:
    has_one = (await (await citizen(7)).ask(REST))["me"]["passport"]
    has_none = (await (await citizen(5, Accept_Language="en")).ask(REST))["me"]["passport"]

    number = has_one["value"]["maskedNumber"]
    assert len(number) == 9
    assert number[2:7] == "xxxxx"
    assert has_one["value"]["isExpired"] is False
    assert (has_none["state"], has_none["value"]) == ("NOT_FOUND", None)
    assert has_none["problem"]["message"].isascii()


async def test_a_card_is_said_in_the_readers_language(citizen: CitizenOf) -> None:
    query = "{ me { land { value { parcels { deed { th en said } place { th en said } } } } } }"

    (thai,) = (await (await citizen(7)).ask(query))["me"]["land"]["value"]["parcels"]
    (english,) = (await (await citizen(7, Accept_Language="en")).ask(query))["me"]["land"]["value"]["parcels"]

    for name in ("deed", "place"):
        assert thai[name]["said"] == thai[name]["th"] == english[name]["th"]
        assert english[name]["said"] == english[name]["en"] != english[name]["th"]


@pytest.mark.parametrize("year", [1999, 2570, -1])
async def test_a_year_that_is_not_kept_is_a_problem_on_its_card(year: int, citizen: CitizenOf) -> None:
    query = """query ($year: Int) { me { tax(year: $year) { state value { year } problem { code field message }
      return { state problem { code field } } refunds { state } }
      welfare { state payments(year: $year) { state problem { code field message } } } } }"""

    me = (await (await citizen(1, Accept_Language="en")).ask(query, year=year))["me"]

    for asked in (me["tax"], me["tax"]["return"], me["welfare"]["payments"]):
        assert asked["state"] == "NOT_FOUND"
        assert (asked["problem"]["code"], asked["problem"]["field"]) == ("BAD_INPUT", "year")
    assert me["tax"]["problem"]["message"].isascii()
    assert (me["tax"]["refunds"]["state"], me["welfare"]["state"]) == ("OK", "OK")


async def test_an_earlier_year_is_another_record(citizen: CitizenOf) -> None:
    query = """query ($year: Int) { me { tax(year: $year) { value { year total { amount } }
      return { value { year } } } welfare { payments(year: $year) { value { on } } } } }"""
    phone = await citizen(12)

    before = (await phone.ask(query, year=2023))["me"]
    latest = (await phone.ask(query, year=2025))["me"]

    assert before["tax"]["value"]["year"] == before["tax"]["return"]["value"]["year"] == 2023
    assert amount(before["tax"]["value"]["total"]) < amount(latest["tax"]["value"]["total"])
    for year, paid in ((2023, before), (2025, latest)):
        assert {one["on"][:4] for one in paid["welfare"]["payments"]["value"]} == {str(year)}


# People whom no other test asks about, so that nothing about them is kept from before.
@pytest.mark.parametrize(
    ("agency", "number", "ill"),
    [
        ("rd", 240, {"tax", "tax.return", "tax.refunds", "tax.turnover", "tax.vat"}),
        ("dlt", 305, {"vehicles", "licences"}),
        ("oic", 329, {"vehicles.insurance"}),
        ("dol", 336, {"land"}),
        ("treasury", 361, {"land.appraisal"}),
        ("fpo", 423, {"welfare", "welfare.means"}),
        ("cgd", 7, {"welfare.entitledProgrammes", "welfare.payments"}),
    ],
)
async def test_an_agency_that_is_down_costs_its_own_cards(
    agency: str, number: int, ill: set[str], citizen: CitizenOf, switch: Switch
) -> None:
    phone = await citizen(number, Accept_Language="en")
    switch("POST", "faults", {"agency": agency, "fault": "down"})

    me = (await phone.ask(OVERVIEW))["me"]

    cards = dict(_cards(me))
    assert {name for name, card in cards.items() if card["state"] not in ("OK", "NOT_FOUND")} == ill
    for name in ill:
        assert cards[name]["state"] == "UNAVAILABLE"
        assert cards[name]["value"] is None


@pytest.mark.parametrize(
    ("agency", "number", "ill"),
    [
        ("dbd", 361, {"business"}),
        ("dca", 240, {"passport"}),
        ("nsf", 423, {"savings"}),
        ("gpf", 305, {"savings.pensionFund"}),
        ("bot", 329, {"promptpay", "promptpay.credit"}),
        ("doae", 336, {"farming"}),
    ],
)
async def test_so_does_any_other(agency: str, number: int, ill: set[str], citizen: CitizenOf, switch: Switch) -> None:
    phone = await citizen(number)
    switch("POST", "faults", {"agency": agency, "fault": "down"})

    me = (await phone.ask(REST))["me"]

    cards = dict(_cards(me))
    assert {name for name, card in cards.items() if card["state"] not in ("OK", "NOT_FOUND")} == ill
    assert all(cards[name]["value"] is None for name in ill)


def _cards(value: Any, path: str = "") -> Any:
    """Every agency's answer in what came back, by the way to it; those of things under the one name."""
    if isinstance(value, list):
        for one in value:
            yield from _cards(one, path)
    if isinstance(value, dict):
        if "state" in value and "value" in value:
            yield path, value
        for name, inside in value.items():
            below = path if name in ("value", "parcels") else f"{path}.{name}".lstrip(".")
            yield from _cards(inside, below)


async def test_a_liar_is_not_believed_about_a_thing_either(citizen: CitizenOf, switch: Switch) -> None:
    phone = await citizen(11)
    switch("POST", "faults", {"agency": "treasury", "fault": "lying"})

    me = (await phone.ask(OVERVIEW.replace("appraisal { agency", "appraisal { problem { code } agency")))["me"]

    (house,) = me["land"]["value"]["parcels"]
    assert (house["appraisal"]["state"], house["appraisal"]["value"]) == ("UNAVAILABLE", None)
    assert house["appraisal"]["problem"]["code"] == "ANSWER_REJECTED"
    assert house["fees"]["state"] == "OK"


async def test_rules_find_what_these_registers_know(people: People, services: Services, switch: Switch) -> None:
    async def found(number: int, *paths: str) -> Findings:
        person = (await people.ensure(str(switch("GET", f"citizens/{number}")["pid"]))).id
        asking = services.gateway.asking(
            subject=person, actor=person, purpose="citizen request", ground=DATA_SUBJECT_REQUEST
        )
        return await services.facts.find(asking, paths)

    driver = await found(8, "vehicle.cmi_valid", "vehicle.type", "licence.type", "licence.expiry_date")
    assert driver.facts["licence.type"].value == "personal5"
    assert [(one.facts["vehicle.type"].value, one.facts["vehicle.cmi_valid"].value) for one in driver.things["vehicle"]] == [
        ("pickup", True), ("motorcycle", True),
    ]  # fmt: skip
    widow = await found(12, "deceased.owns_land", "deceased.owns_vehicle", "deceased.welfare_card_holder")
    (late,) = widow.things["deceased"]
    assert {path: fact.value for path, fact in late.facts.items()} == {
        "deceased.owns_land": True, "deceased.owns_vehicle": False, "deceased.welfare_card_holder": True,
    }  # fmt: skip
    owner = await found(4, "property.type", "property.appraised_value", "property.mortgage_amount", "licence.type",
                        "passport.expiry_date", "accident.date", "person.promptpay_bound")  # fmt: skip
    (flat,) = owner.things["property"]
    assert (flat.facts["property.type"].value, flat.facts["property.mortgage_amount"].value) == ("condo", 1_305_000)
    assert flat.facts["property.appraised_value"].value > 0
    assert owner.facts["licence.type"].value == "none"
    assert owner.facts["passport.expiry_date"].state == owner.facts["accident.date"].state == "DID_NOT_HAPPEN"
    assert owner.facts["person.promptpay_bound"].value is True
    shop = await found(9, "person.turnover_per_year", "person.turnover_exceeded_date", "person.vat_registered",
                       "business.type", "business.promoters")  # fmt: skip
    assert shop.facts["person.turnover_per_year"].value > 1_800_000
    assert shop.facts["person.turnover_exceeded_date"].state == "KNOWN"
    assert shop.facts["person.vat_registered"].value is False
    assert {one.facts["business.type"].value for one in shop.things["business"]} == {"food", "company"}
