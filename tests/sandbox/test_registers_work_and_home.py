"""What the labour, interior and election agencies' registers answer: of the catalogue's shape, and sensible together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
import pytest

from agencies.answers import Operation, Question
from agencies.reading import Reading
from agencies.standard import operation
from lifeevents import catalogue
from lifeevents.catalogue.model import Catalogue
from sandbox import companies, means, places
from sandbox.agencies import standard
from sandbox.employments import employments
from sandbox.nation import Nation
from sandbox.people import Citizen
from sandbox.registers.dlpw import severance
from sandbox.world import Clock, World
from tests.sandbox.conftest import DAY_ZERO

AGENCIES = ("dopa", "bma", "lao", "sso", "doe", "dlpw", "dsd", "ect", "ddpm", "villagefund")
CATALOGUE: Catalogue = catalogue.load()
SPECS = {spec.id: spec for spec in CATALOGUE.specs if spec.agency in AGENCIES}
OPERATIONS: dict[str, Operation[Any]] = {name: operation(spec) for name, spec in SPECS.items()}
SAMPLES = (*range(1, 14), *range(101, 131))
OTHERS = tuple(range(200, 2_300, 7))
_FEEDS_OF_THINGS = ("child.id", "deceased.id", "property.id", "business.id")
Ask = Callable[..., Any]


@pytest.fixture
def world(nation: Nation) -> World:
    return World(nation, Clock(DAY_ZERO))


@pytest.fixture
def ask(world: World) -> Ask:
    """`ask("sso.get_record", 4)`: the answer read by the catalogue's shape; None where there is no record."""

    def about(name: str, number: int | None = None, **arguments: str) -> Any:
        citizen = None if number is None else world.citizen(number)
        given = arguments | ({} if citizen is None else {"citizen_id": citizen.pid})
        return answer(world, name, given)

    return about


def answer(world: World, name: str, arguments: dict[str, str]) -> Any:
    agency, _, wire = name.partition(".")
    citizen = world.find(arguments["citizen_id"]) if "citizen_id" in arguments else None
    asked = standard.Asked(world=world, agency=agency, operation=wire, arguments=arguments, citizen=citizen)
    said = _register()[agency, wire](asked)
    if said is None:
        return None
    sent = Reading(orjson.loads(orjson.dumps(standard._plain(said))))
    return OPERATIONS[name].read(sent, Question(person_number="", given=arguments))


@cache
def _register() -> dict[tuple[str, str], standard.Answer]:
    return standard._found_registers()


def people(world: World, numbers: tuple[int, ...] = (*SAMPLES, *OTHERS)) -> Iterator[Citizen]:
    return (one for one in map(world.citizen, numbers) if one is not None)


def questions(world: World, name: str, citizen: Citizen) -> Iterator[dict[str, str]]:
    """What this operation would be asked about a citizen: once, or once for each of their things."""
    today = world.clock.today()
    feeds = {
        "person.citizen_id": citizen.pid,
        "person.province": citizen.address.subdistrict_code[:2],
        "house.id": citizen.address.house_id,
        "legal.year": str(today.year),
        "legal.first_of_year": today.replace(month=1, day=1).isoformat(),
    }
    given: dict[str, str] = {}
    of_thing: tuple[str, str] | None = None
    for one in SPECS[name].arguments:
        if one.fed_by in _FEEDS_OF_THINGS:
            of_thing = one.name, one.fed_by
        else:
            given[one.name] = feeds[one.fed_by] if one.fed_by else one.choices[0]
    if of_thing is None:
        yield given
        return
    for thing in _things(world, of_thing[1], citizen):
        yield given | {of_thing[0]: thing}


def _things(world: World, feed: str, citizen: Citizen) -> list[str]:
    match feed:
        case "child.id":
            return [one.pid for one in world.present(citizen.children)]
        case "deceased.id":
            kin = world.present(tuple(one for one in (citizen.spouse, citizen.father, citizen.mother) if one))
            return [one.pid for one in kin if not one.alive]
        case "property.id":
            return [one.parcel_id for one in means.parcels(world, citizen)]
    shop = means.shop(world, citizen)
    return [one.juristic_id for one in companies.companies_of(world, citizen)] + ([shop.shop_id] if shop else [])


def test_each_operation_has_a_register() -> None:
    assert {f"{agency}.{wire}" for agency, wire in _register() if agency in AGENCIES} == set(SPECS)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_answer_fits_its_shape_and_is_the_same_twice(name: str, world: World) -> None:
    heard = 0
    for citizen in people(world):
        for asked in questions(world, name, citizen):
            told = answer(world, name, asked)
            assert told == answer(world, name, asked)
            heard += told is not None

    assert heard, "nobody of three hundred has such a record"


@pytest.mark.parametrize("days", [-200, 90, 2_000])
def test_every_answer_fits_its_shape_on_another_day(days: int, world: World) -> None:
    world.clock.move_to(DAY_ZERO + timedelta(days=days))
    for name in SPECS:
        for citizen in people(world, (*SAMPLES, *OTHERS[::6])):
            for asked in questions(world, name, citizen):
                answer(world, name, asked)


@pytest.mark.parametrize(
    "wrong", ["", "x", "0" * 11, "0" * 13, "๑๒๓๔๕๖๗๘๙๐๑๒๓", "9" * 200, "-1", "P99999999999", "2569-01-01"]
)
def test_what_is_asked_amiss_has_no_record(wrong: str, world: World) -> None:
    """The door refuses what isn't a text; the registers meet the rest."""
    pid = world.nation.citizen(4).pid
    for name, spec in SPECS.items():
        names = [one.name for one in spec.arguments if one.fed_by != "person.citizen_id"]
        for amiss in names:
            asked = {one: _usual(world, name)[one] for one in names} | {amiss: wrong}
            if any(one.fed_by == "person.citizen_id" for one in spec.arguments):
                asked["citizen_id"] = pid
            assert answer(world, name, asked) is None, (name, amiss)


def _usual(world: World, name: str) -> dict[str, str]:
    """Arguments that make sense, of somebody whom the operation can be asked about."""
    return next(asked for citizen in people(world) for asked in questions(world, name, citizen))


# ---- work


def test_work_agrees_with_age_and_with_the_offices_own_dialect(ask: Ask, world: World) -> None:
    for citizen in people(world):
        told, jobs, age = ask("sso.get_employment", citizen.number), employments(citizen), world.age(citizen)
        if told["status"] in ("employed", "unemployed"):
            assert age >= 15
            assert citizen.alive
        if told["employer_account"]:
            job = next(one for one in jobs if one.account == told["employer_account"])
            assert (told["start_date"], told["employer"].th) == (job.since, job.company)
            assert told["end_date"] == (job.until if job.until and job.until <= DAY_ZERO else None)
        assert (told["end_reason"] == "none") == (told["end_date"] is None)
        assert (told["section_at_job_end"] == "33") == (told["end_date"] is not None)
        if told["status"] == "retired":
            assert age >= 55 or citizen.state_pensioner


def test_counted_months_are_those_contributed(ask: Ask, world: World) -> None:
    for citizen in people(world):
        told, paid = ask("sso.get_record", citizen.number), world.contributions(citizen)
        if told is None:
            assert not paid
            continue
        assert told["months_in_last_6"] <= told["months_in_last_12"] <= told["months_in_last_15"]
        assert told["months_in_last_15"] <= told["months_in_last_36"] <= len(paid)
        assert told["months_total"] <= len(paid)
        assert told["section33_months"] <= told["months_total"]
        assert told["last_month"] == (paid[-1].month if paid else None)


def test_months_go_on_while_the_day_moves_and_stop_with_the_job(ask: Ask, world: World) -> None:
    before = {number: ask("sso.get_record", number) for number in (4, 7)}
    world.clock.move_to(DAY_ZERO + timedelta(days=365))

    assert ask("sso.get_record", 7)["months_total"] == before[7]["months_total"] + 12
    assert ask("sso.get_record", 4)["months_in_last_6"] == 0
    assert ask("sso.get_record", 4)["months_total"] <= before[4]["months_total"] + 1


def test_the_dismissed_should_register_and_may_do_so_late(ask: Ask, world: World) -> None:
    mana = ask("sso.get_employment", 4)
    assert (mana["status"], mana["end_reason"], mana["section_at_job_end"]) == ("unemployed", "dismissed", "33")
    assert mana["end_date"] == DAY_ZERO - timedelta(days=12)

    told = ask("doe.get_unemployment", 4)
    assert not told["registered"]
    assert told["register_by"] == mana["end_date"] + timedelta(days=30)

    world.clock.move_to(DAY_ZERO - timedelta(days=20))
    assert ask("sso.get_employment", 4)["status"] == "employed"
    assert ask("doe.get_unemployment", 4)["register_by"] is None


def test_who_is_registered_reports_every_thirty_days(ask: Ask, world: World) -> None:
    seen = 0
    for citizen in people(world, tuple(range(200, 6_000, 3))):
        told = ask("doe.get_unemployment", citizen.number)
        if told["registered_on"] is None:
            assert told["reports"] == ()
            continue
        seen += 1
        assert ask("sso.get_employment", citizen.number)["status"] == "unemployed"
        days = [told["registered_on"], *(one["due_date"] for one in told["reports"])]
        assert {later - earlier for earlier, later in itertools.pairwise(days)} == {timedelta(days=30)}
        coming = [one["due_date"] for one in told["reports"] if one["state"] == "coming"]
        assert told["next_report_date"] == (coming[0] if coming else None)
        assert told["registered"] == bool(coming)
        assert all((one["state"] == "coming") == (one["due_date"] >= DAY_ZERO) for one in told["reports"])
    assert seen >= 5


def test_only_the_dismissed_complain_of_severance(ask: Ask, world: World) -> None:
    cases = {}
    for citizen in people(world, tuple(range(200, 12_000))):
        if citizen.insurance.ended is not None and (found := ask("dlpw.get_cases", citizen.number)["cases"]):
            cases[citizen.number] = found[0]
    assert len(cases) >= 3
    for number, case in cases.items():
        work = ask("sso.get_employment", number)
        assert work["end_reason"] == "dismissed"
        assert case["employer"] == work["employer"].th
        assert work["end_date"] < case["filed_on"] <= DAY_ZERO
        assert (case["ordered_on"] is not None) == (case["state"] in ("ordered", "paid", "closed"))
        assert case["ordered_amount"] in (None, case["amount"])
        assert (case["decide_by"] is None) == (case["ordered_on"] is not None)


def test_severance_is_the_laws() -> None:
    wage = Decimal(15_000)
    days = {100: 0, 120: 30, 364: 30, 365: 90, 1_095: 180, 2_190: 240, 3_650: 300, 7_300: 400}
    assert {served: severance(wage, served) for served in days} == {
        served: Decimal(500) * paid for served, paid in days.items()
    }


def test_vacancies_and_courses_are_of_the_province_and_to_come(ask: Ask) -> None:
    for province in ("10", "11", "33", "96"):
        jobs = ask("doe.match_jobs", 4, province=province)["jobs"]
        assert jobs
        assert {one["province"] for one in jobs} == {province}
        assert all(one["posted_on"] <= DAY_ZERO < one["closes_on"] for one in jobs)
        assert len({one["job_id"] for one in jobs}) == len(jobs)
        courses = ask("dsd.list_courses", province=province)["courses"]
        assert all(DAY_ZERO < one["starts_on"] <= one["ends_on"] for one in courses)
        assert all(0 <= one["seats_left"] <= one["seats"] for one in courses)


def test_next_monday_there_are_new_vacancies(ask: Ask, world: World) -> None:
    before = {one["job_id"] for one in ask("doe.match_jobs", 4, province="11")["jobs"]}
    world.clock.move_to(DAY_ZERO + timedelta(days=7))

    after = {one["job_id"] for one in ask("doe.match_jobs", 4, province="11")["jobs"]}
    assert before & after
    assert after - before


def test_the_late_are_told_of_and_nobody_else(ask: Ask, world: World) -> None:
    samran = world.nation.citizen(129)
    told = ask("sso.get_deceased_record", deceased_id=samran.pid)
    assert (told["section"], told["months_in_last_6"], told["work_related_death"]) == ("39", 6, False)
    death = ask("dopa.get_death", deceased_id=samran.pid)
    assert death["death_date"] == samran.died_on
    assert death["death_certificate_date"] == DAY_ZERO - timedelta(days=7)

    for living in (12, 130):
        pid = world.nation.citizen(living).pid
        assert ask("sso.get_deceased_record", deceased_id=pid) is None
        assert ask("dopa.get_death", deceased_id=pid) is None
    world.clock.move_to(DAY_ZERO - timedelta(days=30))
    assert ask("dopa.get_death", deceased_id=samran.pid) is None


def test_benefits_are_for_those_who_claimed_them(ask: Ask, world: World) -> None:
    phimchai = ask("sso.get_benefits", 1)
    assert (phimchai["count_receiving_sso"], phimchai["maternity_leave_benefit_count"]) == (0, 0)
    receiving = 0
    for citizen in people(world, tuple(range(200, 8_000, 3))):
        told = ask("sso.get_benefits", citizen.number)
        if told is None:
            continue
        kinds = [one["kind"] for one in told["benefits"]]
        assert told["count_receiving_sso"] == kinds.count("child_allowance") <= 3
        assert ("pension" in kinds) == (told["pension_start_date"] is not None)
        assert ("invalidity" in kinds) == told["invalidity_recipient"]
        assert ask("sso.get_injuries", citizen.number)["permanent_invalidity"] == told["invalidity_recipient"]
        assert all(one["since"] <= DAY_ZERO for one in told["benefits"] if one["kind"] != "pension")
        receiving += "child_allowance" in kinds
    assert receiving >= 3


def test_a_pension_takes_fifteen_years(ask: Ask, world: World) -> None:
    kasem = ask("sso.estimate_pension", 11)
    assert (kasem["kind"], kasem["rate_percent"]) == ("pension", Decimal(38))
    assert kasem["amount"] == (kasem["avg_wage_60m"] * Decimal("0.38")).quantize(Decimal("0.01"))
    assert ask("sso.estimate_pension", 9)["kind"] == "lump_sum"
    for citizen in people(world):
        told = ask("sso.estimate_pension", citizen.number)
        if told is not None:
            assert (told["rate_percent"] is not None) == (told["kind"] == "pension")
            assert told["earliest_date"] >= DAY_ZERO
            assert told["kind"] == "lump_sum" or told["months_total"] >= 180


# ---- home


def test_allowances_are_registered_for_before_they_are_paid(ask: Ask, world: World) -> None:
    assert not ask("lao.get_allowance_registration", 11)["oaa_registered"]  # Kasem has yet to go
    assert not ask("lao.get_allowance_registration", 13)["oaa_registered"]  # to Prathum it opens next October
    assert not ask("lao.get_allowance_registration", 6)["disability_registered"]  # Sommai has no card yet
    assert ask("lao.get_allowance_registration", 12)["oaa_registered"]
    paid = 0
    for citizen in people(world):
        told = ask("lao.get_allowance_registration", citizen.number)
        payments = ask("lao.get_allowance_payments", citizen.number)["payments"]
        kinds = {one["kind"] for one in payments}
        if told["oaa_registered"]:
            assert world.age(citizen) >= 58
            assert told["oaa_registered_on"] <= DAY_ZERO
        assert "old_age" not in kinds or told["oaa_registered"]
        assert ("disability" in kinds) == told["disability_registered"]
        assert (told["pay_channel"] is not None) == (told["oaa_registered"] or told["disability_registered"])
        assert all((one["state"] == "scheduled") == (one["pay_date"] > DAY_ZERO) for one in payments)
        assert all(one["pay_date"].weekday() < 5 for one in payments)
        paid += bool(payments)
    assert paid >= 20


def test_registration_follows_the_day(ask: Ask, world: World) -> None:
    thongkham = ask("lao.get_allowance_registration", 113)
    assert thongkham["oaa_registered"]
    amounts = {one["amount"] for one in ask("lao.get_allowance_payments", 113)["payments"]}
    assert amounts <= {Decimal(800), Decimal(700)}

    world.clock.move_to(DAY_ZERO + timedelta(days=500))
    assert ask("lao.get_allowance_registration", 13)["oaa_registered"]


def test_a_bill_adds_up_and_a_home_of_ones_own_is_exempt(ask: Ask, world: World) -> None:
    states = set()
    for citizen in people(world, (*SAMPLES, *range(200, 9_000, 5))):
        bill = ask("lao.get_lbt_bill", citizen.number, tax_year="2026")
        owned = {one.parcel_id: one for one in means.parcels(world, citizen)}
        if bill is None:
            assert not any(one.owned_since <= date(2026, 1, 1) for one in owned.values())
            continue
        states.add(bill["state"])
        assert bill["tax"] == sum(one["tax"] for one in bill["items"])
        assert bill["to_pay"] <= bill["tax"]
        assert (bill["state"] == "exempt") == (bill["tax"] == 0)
        assert (bill["to_pay"] == 0) == (bill["state"] in ("exempt", "paid"))
        assert bill["may_pay_in_instalments"] == (bill["tax"] >= 3_000)
        assert not bill["instalments"] or sum(one["amount"] for one in bill["instalments"]) == bill["tax"]
        for one in bill["items"]:
            assert one["property_id"] in owned
            assert one["tax"] == ((one["appraised_value"] - one["exempt_value"]) * one["rate_percent"] / 100).quantize(
                Decimal("0.01")
            )
            assert one["completed_date"] is None or one["completed_date"] <= owned[one["property_id"]].owned_since
            alone = ask("lao.get_property_tax", citizen.number, property_id=one["property_id"], tax_year="2026")
            assert (alone["tax"], alone["completed_date"]) == (one["tax"], one["completed_date"])
    assert states == {"exempt", "paid", "overdue"}  # in November nothing is merely due


def test_what_was_bought_this_year_is_taxed_from_the_next(ask: Ask, world: World) -> None:
    """Duangkaeo bought her row house three weeks ago."""
    (parcel,) = means.parcels(world, world.nation.citizen(7))
    assert ask("lao.get_lbt_bill", 7, tax_year="2026") is None
    assert ask("lao.get_property_tax", 7, property_id=parcel.parcel_id, tax_year="2026")["tax"] == 0
    register = ask("dopa.get_owner_registration", 7, property_id=parcel.parcel_id, tax_day="2026-01-01")
    assert not register["owner_in_house_register_jan1"]

    world.clock.move_to(DAY_ZERO + timedelta(days=120))
    assert ask("lao.get_lbt_bill", 7, tax_year="2027")["state"] == "exempt"
    register = ask("dopa.get_owner_registration", 7, property_id=parcel.parcel_id, tax_day="2027-01-01")
    assert register["owner_in_house_register_jan1"]


def test_nobody_is_told_of_anothers_property(ask: Ask, world: World) -> None:
    (parcel,) = means.parcels(world, world.nation.citizen(4))
    assert ask("lao.get_property_tax", 7, property_id=parcel.parcel_id, tax_year="2026") is None
    assert ask("dopa.get_owner_registration", 7, property_id=parcel.parcel_id, tax_day="2026-01-01") is None


def test_a_stall_has_its_certificate_and_the_restaurant_to_be_has_none(ask: Ask, world: World) -> None:
    chusi = world.nation.citizen(9)
    (company,), stall = companies.companies_of(world, chusi), means.shop(world, chusi)
    assert stall is not None
    to_be = ask("lao.get_food_shop", business_id=company.juristic_id)
    assert to_be["floor_area_sqm"] == 160
    assert (to_be["food_certificate_expiry_date"], to_be["food_licence_expiry_date"]) == (None, None)
    assert ask("lao.get_food_shop", business_id=stall.shop_id)["food_certificate_expiry_date"] > DAY_ZERO
    for one in (company.juristic_id, stall.shop_id):
        told = ask("sso.get_employer", business_id=one)
        assert (told["employee_count"], told["first_hire_date"]) == (0, None)


def test_notes_of_the_register_fit_the_stories(ask: Ask) -> None:
    notes = {number: ask("dopa.get_register_notes", number) for number in range(1, 13)}
    assert [number for number, one in notes.items() if not one["name_matches_documents"]] == [5]
    assert all(one["has_thaid"] for one in notes.values()), "they sign in with it"
    assert all(one["house_register_type"] == "tr14" for one in notes.values())
    assert notes[7]["constituency_registered_date"] == DAY_ZERO - timedelta(days=20)


def test_a_child_is_its_mothers_by_birth_and_its_fathers_by_marriage(ask: Ask, world: World) -> None:
    baby = world.nation.citizen(101).pid
    assert ask("dopa.get_child_status", 1, child_id=baby)["lawful_by"] == "birth"
    father = ask("dopa.get_child_status", 120, child_id=baby)
    assert (father["lawful_by"], father["legitimate_for_claimant"]) == ("marriage", True)
    assert ask("dopa.get_child_status", 7, child_id=baby) is None


def test_who_may_vote(ask: Ask, world: World) -> None:
    for citizen in people(world):
        told = ask("ect.get_polling", citizen.number)
        if told is None:
            assert not citizen.alive
            continue
        day: date = told["election_date"]
        assert day.weekday() == 6
        assert day >= DAY_ZERO
        born = citizen.birth.earliest()
        is_of_age = (born.year + 18, born.month, born.day) <= (day.year, day.month, day.day)
        assert told["eligible"] == (told["reason"] is None) == (told["station"] is not None)
        if told["eligible"]:
            assert is_of_age
            assert citizen.nationality == "thai"
        opens: datetime = told["opens_at"]
        assert opens.date() == day
        assert told["absence_from"] < day < told["absence_until"]
    assert ask("ect.get_polling", 3)["eligible"], "Wira is eighteen by then"
    assert not ask("ect.get_polling", 127)["eligible"]


def test_after_an_election_comes_the_next(ask: Ask, world: World) -> None:
    first = ask("ect.get_polling", 7)
    world.clock.move_to(first["absence_until"])
    assert ask("ect.get_polling", 7)["election_id"] == first["election_id"]
    world.clock.move_to(first["absence_until"] + timedelta(days=1))
    following = ask("ect.get_polling", 7)
    assert following["election_date"] > first["election_date"]
    assert {first["kind"], following["kind"]} == {"general", "local"}


def test_a_flooded_home_lies_in_a_declared_area(ask: Ask, world: World) -> None:
    flooded = 0
    for citizen in people(world):
        home = ask("ddpm.get_home", house_id=citizen.address.house_id)
        areas = ask("ddpm.get_declared_areas", province=citizen.address.subdistrict_code[:2])["areas"]
        if home["flooded_primary_residence"]:
            flooded += 1
            assert citizen.number > 199
            assert home["in_declared_disaster_area"]
            assert home["flooded_days"] > 7
            assert citizen.address.subdistrict.th in {
                name.th for one in areas if one["kind"] == "flood" for name in one["subdistricts"]
            }
        for claim in ask("ddpm.get_relief", citizen.number)["claims"]:
            assert home["flooded_primary_residence"]
            assert claim["requested_on"] <= DAY_ZERO
            assert (claim["paid_on"] is not None) == (claim["state"] == "paid")
        assert all(one["declared_on"] <= DAY_ZERO for one in areas)
    assert flooded >= 3


def test_disasters_keep_to_their_seasons(ask: Ask, world: World) -> None:
    world.clock.move_to(date(2027, 4, 25))
    kinds = {
        one["kind"]
        for province in places.PROVINCE
        for one in ask("ddpm.get_declared_areas", province=province)["areas"]
        if one["ended_on"] is None
    }
    assert {"drought", "storm"} <= kinds <= {"drought", "storm", "fire"}


def test_a_fund_is_the_villages_and_only_members_borrow(ask: Ask, world: World) -> None:
    for citizen in people(world):
        told = ask("villagefund.get_fund", citizen.number)
        assert told["is_member"] or told["loan"] is told["saved"] is told["member_since"] is None
        if told["is_member"]:
            assert world.age(citizen) >= 20
            assert told["member_since"] <= DAY_ZERO
            assert told["loan"] is None or told["loan"] <= told["largest_loan"]
    assert ask("villagefund.get_fund", 10)["is_member"]


def test_bangkok_offers_appointments_to_its_own(ask: Ask, world: World) -> None:
    bang_on = world.nation.citizen(114)
    told = ask("bma.list_slots", house_id=bang_on.address.house_id, service="id_card")
    assert told["slots"]
    assert all(one["starts_at"].date() > DAY_ZERO and one["starts_at"].weekday() < 5 for one in told["slots"])
    assert len({one["slot_id"] for one in told["slots"]}) == len(told["slots"])
    assert ask("bma.list_slots", house_id=world.nation.citizen(4).address.house_id, service="id_card") is None
