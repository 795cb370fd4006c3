"""The registers of money and property: each answer reads as the catalogue says, is the same twice, moves with the day, and
agrees with the other registers about the same people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agencies.answers import Question
from agencies.reading import Reading
from agencies.standard import operation
from lifeevents import catalogue
from sandbox.agencies.standard import Asked, _found_registers, _plain
from sandbox.civil import Registry
from sandbox.companies import companies_of
from sandbox.means import parcel, read_thing_id, thing_id
from sandbox.people import Citizen
from sandbox.samples import SAMPLES
from sandbox.world import Clock, World, age_on
from tests.sandbox.conftest import DAY_ZERO

MINE = ("rd", "fpo", "cgd", "treasury", "dol", "dlt", "oic", "dca", "dbd", "dga", "bot", "nsf", "gpf", "doae")
SPECS = {spec.id: spec for spec in catalogue.load().specs if spec.agency in MINE}
ANSWERS = _found_registers()
DAYS = (DAY_ZERO, DAY_ZERO - timedelta(days=300), DAY_ZERO + timedelta(days=500), DAY_ZERO.replace(year=2041))
SOME = [*range(1, 14), *range(101, 131), *range(210, 2_400, 9)]  # the samples, their families, some of the others
FEES = ("sale", "inheritance", "gift", "mortgage")


@pytest.fixture
def world(nation) -> World:
    return World(nation, Clock(DAY_ZERO))


def ask(world: World, name: str, citizen: Citizen | None = None, **arguments: str) -> Mapping[str, Any] | None:
    """What the register says, as it is read on our side; None where it holds no such record."""
    agency, _, wire = name.partition(".")
    given = dict(arguments) if citizen is None else {"citizen_id": citizen.pid, **arguments}
    asked = Asked(world=world, agency=agency, operation=wire, arguments=given, citizen=citizen)
    data = ANSWERS[agency, wire](asked)
    if data is None:
        return None
    read: Mapping[str, Any] = operation(SPECS[name]).read(
        Reading(_plain(data)), Question(person_number="", given=given)
    )
    return read


def everything(world: World, citizen: Citizen) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Every question that can be asked about a person and what is theirs."""
    today = world.clock.today()
    fed = {
        "tax_year": str(today.year - 1), "since": date(today.year, 1, 1).isoformat(), "until": today.isoformat(),
        "day": today.isoformat(),
    }  # fmt: skip
    of_things = {"vehicle_id", "parcel_id", "deceased_id"}
    for name, spec in SPECS.items():
        takes = {one.name for one in spec.arguments} - {"citizen_id"}
        if not takes & of_things:
            yield name, ask(world, name, citizen, **{one: fed[one] for one in takes})
    for one in ask_sure(world, "dlt.get_vehicles", citizen)["vehicles"]:
        yield "oic.get_cmi", ask(world, "oic.get_cmi", vehicle_id=one["vehicle_id"])
    for one in ask_sure(world, "dol.list_parcels", citizen)["parcels"]:
        yield "treasury.get_appraisal", ask(world, "treasury.get_appraisal", parcel_id=one["parcel_id"])
        for kind in FEES:
            yield "dol.estimate_fees", ask(world, "dol.estimate_fees", parcel_id=one["parcel_id"], registration=kind)
    for number in (citizen.spouse, citizen.father, citizen.mother):
        late = world.citizen(number) if number else None
        if late is not None and not late.alive:
            for name in ("fpo.get_deceased_status", "dol.get_estate", "dlt.get_estate"):
                yield name, ask(world, name, citizen, deceased_id=late.pid)


def ask_sure(world: World, name: str, citizen: Citizen | None = None, **arguments: str) -> Mapping[str, Any]:
    said = ask(world, name, citizen, **arguments)
    assert said is not None
    return said


def living(world: World) -> Iterator[Citizen]:
    yield from (one for one in world.present(tuple(SOME)) if one.alive)


@pytest.mark.parametrize("day", DAYS)
def test_every_answer_is_of_the_shape_that_the_catalogue_says_and_the_same_twice(world, day):
    world.clock.move_to(day)
    told: set[str] = set()
    for citizen in world.present(tuple(SOME if day == DAY_ZERO else SOME[::2])):
        first = list(everything(world, citizen))
        if citizen.number % 4 == 0:
            assert first == list(everything(world, citizen))
        told |= {name for name, said in first if said is not None}
    nobody_died_yet = {"fpo.get_deceased_status", "dol.get_estate", "dlt.get_estate"} if day < DAY_ZERO else set()
    assert told | nobody_died_yet == set(SPECS)  # nothing is held about nobody


def test_a_thing_is_found_by_its_number_alone(world):
    for citizen in living(world):
        for one in ask_sure(world, "dol.list_parcels", citizen)["parcels"]:
            found = parcel(world, one["parcel_id"])
            assert found is not None
            assert found.owner == citizen.number
            assert ask(world, "treasury.get_appraisal", parcel_id=one["parcel_id"])
    right = thing_id("V", 8, 0)
    assert read_thing_id("V", right) == (8, 0)
    for wrong in ("", right[:-1], right + "0", thing_id("P", 8, 0), "V" + "9" * 10, "V00000008๑1", f"{right[:-1]}x"):
        assert read_thing_id("V", wrong) is None, wrong
        assert ask(world, "oic.get_cmi", vehicle_id=wrong) is None
    assert ask(world, "oic.get_cmi", vehicle_id=thing_id("V", 8, 7)) is None  # he has two
    assert ask(world, "treasury.get_appraisal", parcel_id=thing_id("P", 10, 0)) is None  # she owns nothing


def test_a_year_or_a_kind_that_makes_no_sense_is_no_record(world, nation):
    citizen = nation.citizen(1)
    for year in ("0", "2000", "2570", "twenty", "٢٠٢٥", "2025-01-01"):
        assert ask(world, "rd.get_income", citizen, tax_year=year) is None
    assert ask(world, "cgd.get_payments", citizen, since="yesterday", until="2026-01-01") is None
    assert ask_sure(world, "cgd.get_payments", citizen, since="2026-12-01", until="2026-01-01")["payments"] == ()
    assert ask(world, "dol.estimate_fees", parcel_id=thing_id("P", 4, 0), registration="theft") is None


# What makes sense of anybody


def test_income_is_what_the_nation_earns_and_adds_up(world):
    for citizen in living(world):
        said = ask_sure(world, "rd.get_income", citizen, tax_year="2025")
        if age_on(citizen.birth, date(2025, 12, 31)) >= 15:
            assert said["income_total"] == citizen.income_per_year
        assert said["income_total"] == sum(one["amount"] for one in said["income"])
        assert said["withheld_total"] == sum(one["withheld"] for one in said["income"])
        assert said["salary_only"] == ({one["type"] for one in said["income"]} == {"salary"})
        if citizen.insurance.section == "33" and citizen.insurance.ended is None and said["income"]:
            assert said["income"][0]["type"] == "salary"
        if ask_sure(world, "doae.get_farmer", citizen)["registered"] and said["income"] and citizen.number > 199:
            assert said["income"][0]["type"] == "trade"


def test_the_return_is_arithmetic_that_anybody_can_follow(world):
    brackets = ((150_000, 0), (300_000, 5), (500_000, 10), (750_000, 15), (1_000_000, 20), (2_000_000, 25))
    for citizen in living(world):
        form = ask_sure(world, "rd.get_prefill", citizen, tax_year="2025")
        kinds = [one["kind"] for one in form["allowances"]]
        assert len(kinds) == len(set(kinds))
        assert form["allowance_total"] == sum(one["amount"] for one in form["allowances"])
        net = form["income_total"] - form["exempt"] - form["expenses"] - form["allowance_total"]
        assert form["net_income"] == max(net, 0)
        low, tax = 0, Decimal(0)
        for high, percent in brackets:
            tax += max(min(form["net_income"], high) - low, 0) * Decimal(percent) / 100
            low = high
        assert form["tax"] >= tax.quantize(Decimal("0.01"))  # more only by the other way to compute it
        assert form["payable"] - form["refundable"] == form["tax"] - form["withheld"]
        assert not (form["payable"] and form["refundable"])
        for one in ask_sure(world, "rd.get_refunds", citizen)["refunds"]:
            assert one["amount"] > 0
            assert (one["paid_on"] is None) == (one["status"] != "paid")
            assert one["filed_on"] <= DAY_ZERO
            if one["tax_year"] == 2025:
                assert one["amount"] == form["refundable"]


def test_whom_nobody_may_licence_drives_nothing(world):
    for citizen in living(world):
        licences = ask_sure(world, "dlt.get_licences", citizen)
        vehicles = ask_sure(world, "dlt.get_vehicles", citizen)["vehicles"]
        assert (licences["car"]["type"] == "none") == (not licences["licences"])
        for one in licences["licences"]:
            assert age_on(citizen.birth, one["issue_date"]) >= 15
            assert one["issue_date"] < one["expiry_date"]
        for vehicle in vehicles:
            assert world.age(citizen) >= 18
            insured = ask_sure(world, "oic.get_cmi", vehicle_id=vehicle["vehicle_id"])
            assert insured["valid"] == (insured["valid_from"] <= DAY_ZERO <= insured["valid_to"])
            if vehicle["tax_expiry_date"] >= DAY_ZERO:  # nobody is taxed who isn't insured
                assert insured["valid"]


def test_the_welfare_card_goes_to_who_meets_every_criterion(world):
    held = applied = 0
    for citizen in living(world):
        status, means = (
            ask_sure(world, "fpo.get_welfare_status", citizen),
            ask_sure(world, "fpo.get_family_means", citizen),
        )
        assert status["holder"] == (status["applied"] and not status["reasons"])
        assert not status["verified"] or status["holder"]
        applied, held = applied + status["applied"], held + status["holder"]
        if not status["holder"]:
            continue
        credit, land = ask_sure(world, "bot.get_credit", citizen), ask_sure(world, "dol.list_parcels", citizen)
        assert citizen.income_per_year <= 100_000
        assert means["family_income_per_head"] <= 100_000
        assert means["financial_assets"] <= 100_000
        assert land["within_welfare_limits"]
        assert not credit["has_credit_card"]
        assert credit["home_loan_total"] <= 1_500_000
        assert citizen.birth.year <= 2004
    assert held < applied


def test_what_is_borrowed_on_a_house_is_mortgaged_on_it(world):
    mortgaged = 0
    for citizen in living(world):
        owned = ask_sure(world, "dol.list_parcels", citizen)["parcels"]
        credit = ask_sure(world, "bot.get_credit", citizen)
        assert credit["home_loan_total"] == sum(one["mortgage_amount"] for one in owned)
        assert all(one["owed"] <= one["limit"] for one in credit["loans"])
        for one in owned:
            assert one["owned_since"] > citizen.birth.earliest()
            assert (one["mortgagee"] is None) == (one["mortgage_amount"] == 0)
            mortgaged += one["mortgage_amount"] > 0
    assert mortgaged


def test_the_state_pays_who_the_law_says(world):
    registry = Registry(world.nation)
    for citizen in living(world):
        said = ask_sure(world, "cgd.get_entitlements", citizen)
        programmes = {one["programme"]: one for one in said["programmes"]}
        age = world.age(citizen)
        assert said["civil_servant"] == citizen.civil_servant
        if "old_age_allowance" in programmes:
            assert age >= 60
            assert not citizen.civil_servant
            assert not citizen.state_pensioner
        if "disability_allowance" in programmes:
            assert registry.disability_card(citizen) is not None
        if "child_support_grant" in programmes:
            assert any(age_on(one.birth, DAY_ZERO) < 6 for one in world.present(citizen.children))
        if "welfare_card" in programmes:
            assert ask_sure(world, "fpo.get_welfare_status", citizen)["holder"]
        paid = ask_sure(world, "cgd.get_payments", citizen, since="2026-01-01", until=DAY_ZERO.isoformat())["payments"]
        assert {one["programme"] for one in paid} <= set(programmes)
        assert all(date(2026, 1, 1) <= one["paid_on"] <= DAY_ZERO for one in paid)
        assert [one["paid_on"] for one in paid] == sorted((one["paid_on"] for one in paid), reverse=True)
        if said["old_age_before_august_2566"]:
            assert age_on(citizen.birth, date(2023, 8, 12)) >= 59


def test_savings_exclude_one_another(world):
    for citizen in living(world):
        nsf, fund = ask_sure(world, "nsf.get_member", citizen), ask_sure(world, "gpf.get_member", citizen)
        assert nsf["balance"] == nsf["own"] + nsf["match"] + nsf["returns"]
        assert fund["balance"] == fund["own"] + fund["employer"] + fund["returns"]
        assert nsf["own"] == sum(one["own"] for one in nsf["years"])
        assert all(one["match"] <= 1_800 for one in nsf["years"])
        if nsf["member"]:
            assert not fund["member"]
            assert citizen.insurance.section in ("none", "40_1")
        if fund["fund"] == "government_pension_fund":
            assert citizen.civil_servant


def test_businesses_are_those_of_the_company_register_and_shops(world):
    kinds = set()
    for citizen in living(world):
        listed = ask_sure(world, "dbd.get_businesses", citizen)["businesses"]
        kinds |= {one["type"] for one in listed}
        assert {one.juristic_id for one in companies_of(world, citizen)} <= {one["business_id"] for one in listed}
        for one in listed:
            assert world.age(citizen) >= 20
            assert len(one["business_id"]) == 13
            assert one["business_id"].startswith("000")
            assert one["start_date"] <= one["registered_on"] <= DAY_ZERO
            assert (one["capital"] is None) != one["is_juristic"]
            if one["type"] == "company":
                assert one["promoters"] >= 2
                assert one["statutory_meeting_date"] < one["registered_on"]
    assert {"food", "company"} <= kinds


def test_farmers_live_outside_towns_and_plant_in_season(world):
    farmers = 0
    for citizen in living(world):
        said = ask_sure(world, "doae.get_farmer", citizen)
        if not said["registered"]:
            assert said["plots"] == ()
            continue
        farmers += 1
        assert citizen.address.subdistrict_code[:2] not in ("10", "11", "12", "13")
        assert said["total_area_rai"] == sum(one["area_rai"] for one in said["plots"])
        assert said["rice_area_rai"] == sum(one["area_rai"] for one in said["plots"] if one["crop"] == "rice")
        assert said["planting_date"] <= DAY_ZERO
        for plot in said["plots"]:
            assert (plot["deed"] is None) == (plot["holding"] == "rented")
    assert farmers > 5


def test_children_and_strangers_to_the_country_hold_nothing_that_they_may_not(world):
    for citizen in living(world):
        if world.age(citizen) < 15:
            assert ask_sure(world, "rd.get_income", citizen, tax_year="2025")["income"] == ()
            assert not ask_sure(world, "bot.check_promptpay", citizen)["bound"]
            assert not ask_sure(world, "bot.get_credit", citizen)["has_credit_card"]
            assert ask(world, "dga.get_digital_id", citizen) is None
        if citizen.nationality != "thai":
            assert ask_sure(world, "dol.list_parcels", citizen)["parcels"] == ()
            assert not ask_sure(world, "fpo.get_welfare_status", citizen)["holder"]
            assert ask(world, "dca.get_passport", citizen) is None


def test_the_dead_are_asked_about_by_their_family_only(world, nation):
    late, widow, stranger = world.citizen(129), world.citizen(12), world.citizen(8)
    assert late is not None
    assert ask_sure(world, "dol.get_estate", widow, deceased_id=late.pid)["owns_land"]
    assert ask_sure(world, "fpo.get_deceased_status", widow, deceased_id=late.pid)["holder"]
    assert not ask_sure(world, "dlt.get_estate", widow, deceased_id=late.pid)["owns_vehicle"]
    for name in ("dol.get_estate", "fpo.get_deceased_status", "dlt.get_estate"):
        assert ask(world, name, stranger, deceased_id=late.pid) is None
        assert ask(world, name, stranger, deceased_id=widow.pid) is None  # alive
        assert ask(world, name, widow, deceased_id="nobody") is None
    assert ask_sure(world, "cgd.get_entitlements", late)["programmes"] == ()
    assert ask_sure(world, "dlt.get_vehicles", late)["vehicles"] == ()


# The stories


def sample(world: World, number: int) -> Citizen:
    citizen = world.citizen(number)
    assert citizen is not None
    return citizen


def test_each_sample_has_what_the_story_says(world):
    land = {n: ask_sure(world, "dol.list_parcels", sample(world, n))["parcels"] for n in SAMPLES}
    assert [(one["type"], one["mortgage_amount"]) for one in land[4]] == [("condo", 1_305_000)]  # the flat he pays off
    assert [one["type"] for one in land[7]] == ["row"]
    assert not land[12]  # the house was her husband's
    driver = ask_sure(world, "dlt.get_vehicles", sample(world, 8))["vehicles"]
    assert [one["type"] for one in driver] == ["pickup", "motorcycle"]
    assert ask_sure(world, "dlt.get_licences", sample(world, 8))["car"]["expiry_date"] == DAY_ZERO + timedelta(days=25)
    assert ask_sure(world, "gpf.get_member", sample(world, 2))["fund"] == "government_pension_fund"
    teacher = ask_sure(world, "cgd.get_entitlements", sample(world, 2))
    assert [(one["programme"], one["amount"]) for one in teacher["programmes"]] == [("state_salary", 28_500)]
    mother = ask_sure(world, "fpo.get_welfare_status", sample(world, 10))
    assert (mother["holder"], mother["reasons"]) == (False, ("family_average",))
    assert "child_support_grant" in {
        one["programme"] for one in ask_sure(world, "cgd.get_entitlements", sample(world, 10))["programmes"]
    }
    newborns = ask_sure(world, "cgd.get_entitlements", sample(world, 1))
    assert newborns["programmes"] == ()  # she hasn't claimed anything
    assert ask_sure(world, "cgd.get_entitlements", sample(world, 11))["programmes"] == ()  # hasn't gone to register
    shops = ask_sure(world, "dbd.get_businesses", sample(world, 9))["businesses"]
    assert [one["type"] for one in shops] == ["food", "company"]
    seller = ask_sure(world, "rd.get_record", sample(world, 9))
    assert seller["turnover"] > 1_800_000  # and so must register for VAT
    assert seller["turnover_exceeded_date"] is not None
    assert DAY_ZERO - timedelta(days=30) < seller["turnover_exceeded_date"] <= DAY_ZERO
    lost = ask_sure(world, "rd.get_income", sample(world, 4), tax_year="2025")
    assert (lost["income_total"], lost["salary_only"]) == (252_000, True)
    assert not ask_sure(world, "dlt.get_licences", sample(world, 3))["licences"]


# The day moves


def test_a_moved_day_moves_what_falls_due(world):
    driver, retiring = sample(world, 8), sample(world, 11)
    vehicle = ask_sure(world, "dlt.get_vehicles", driver)["vehicles"][0]["vehicle_id"]
    assert ask_sure(world, "oic.get_cmi", vehicle_id=vehicle)["valid"]
    before = ask_sure(world, "rd.get_prefill", driver, tax_year="2025")
    assert before["filing"] == "filed"
    world.clock.move_to(DAY_ZERO + timedelta(days=13))
    assert not ask_sure(world, "oic.get_cmi", vehicle_id=vehicle)["valid"]
    world.clock.move_to(date(2027, 1, 2))
    assert ask_sure(world, "rd.get_prefill", driver, tax_year="2026")["filing"] == "open"
    world.clock.move_to(date(2027, 5, 1))
    assert ask_sure(world, "rd.get_prefill", driver, tax_year="2026")["filing"] == "filed"
    elder = sample(world, 113)
    allowance = ask_sure(world, "cgd.get_entitlements", elder)["programmes"]
    assert ("old_age_allowance", Decimal(800)) in [(one["programme"], one["amount"]) for one in allowance]
    world.clock.move_to(date(2035, 5, 1))
    allowance = ask_sure(world, "cgd.get_entitlements", sample(world, 113))["programmes"]
    assert ("old_age_allowance", Decimal(1_000)) in [(one["programme"], one["amount"]) for one in allowance]
    assert ask_sure(world, "dol.list_parcels", retiring)["owned_on_1_january"]


def test_a_child_grows_out_of_the_grant(world):
    mother, born = sample(world, 10), sample(world, 112).birth.earliest()
    grants = [one for one in _programmes(world, mother) if one == "child_support_grant"]
    assert len(grants) == 1
    world.clock.move_to(born.replace(year=born.year + 6))
    assert "child_support_grant" not in _programmes(world, mother)


def _programmes(world: World, citizen: Citizen) -> list[str]:
    return [one["programme"] for one in ask_sure(world, "cgd.get_entitlements", citizen)["programmes"]]
