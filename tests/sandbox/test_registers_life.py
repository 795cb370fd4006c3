"""The registers of school, health, welfare, law and the house: each answer reads as the catalogue says, is the same twice,
moves with the day, and makes sense for the person it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from agencies.answers import Question
from agencies.reading import Reading
from agencies.standard import operation
from lifeevents import catalogue
from sandbox.agencies.standard import Asked, _found_registers, _plain
from sandbox.allowances import entitlements
from sandbox.people import Citizen
from sandbox.samples import SAMPLES
from sandbox.world import Clock, World, age_on
from tests.sandbox.conftest import DAY_ZERO

MINE = (
    "nhso", "moph", "niem", "ddc", "dcy", "dep", "dop", "dsdw", "dwf", "obec", "eef", "slf", "mhesi", "rta_reserve", "pea",
    "mea", "pwa", "rlpd", "justice_fund", "coj", "srt", "onab", "doc_corrections", "rtp",
)  # fmt: skip
SPECS = {spec.id: spec for spec in catalogue.load().specs if spec.agency in MINE}
OPERATIONS = {name: operation(spec) for name, spec in SPECS.items()}
ANSWERS = _found_registers()
SAMPLES_AND_KIN = (*range(1, 14), 101, 102, *range(110, 115), *range(120, 131))
SOME = (*SAMPLES_AND_KIN, *range(200, 3_200, 10))
DAYS = (DAY_ZERO, DAY_ZERO - timedelta(days=300), DAY_ZERO + timedelta(days=2_000))
Said = Mapping[str, Any] | None


@pytest.fixture
def world(nation) -> World:
    return World(nation, Clock(DAY_ZERO))


def ask(world: World, name: str, citizen: Citizen | None = None, **arguments: str) -> Said:
    """What the register says, as it is read on our side; None where it holds no such record."""
    agency, _, wire = name.partition(".")
    given = {**arguments} if citizen is None else {"citizen_id": citizen.pid, **arguments}
    data = ANSWERS[agency, wire](
        Asked(world=world, agency=agency, operation=wire, arguments=given, citizen=citizen)
    )  # fmt: skip
    if data is None:
        return None
    assert {*data} == {one.name for one in SPECS[name].fields}, name
    said: Mapping[str, Any] = OPERATIONS[name].read(
        Reading(orjson.loads(orjson.dumps(_plain(data)))), Question(person_number="", given=given)
    )
    return said


def told(world: World, name: str, number: int) -> Mapping[str, Any]:
    """What the register says of a sample citizen, where it must say something."""
    citizen = world.citizen(number)
    assert citizen is not None
    said = ask(world, name, citizen)
    assert said is not None, f"{name} holds nothing of {number}"
    return said


def questions(world: World, citizen: Citizen) -> Iterator[tuple[str, Citizen | None, dict[str, str]]]:
    """Every question that can be asked about a person and what is theirs."""
    things = {
        "child_id": [one.pid for one in world.present(citizen.children)],
        "house_id": [citizen.address.house_id],
        "deceased_id": [one.pid for one in world.present(tuple(filter(None, (citizen.spouse, citizen.father))))
                        if not one.alive],
        "province": [citizen.address.subdistrict_code[:2]],
        "birth_date": [citizen.birth.earliest().isoformat()],
        "day": [world.clock.today().isoformat()],
    }  # fmt: skip
    for name, spec in SPECS.items():
        takes = [one.name for one in spec.arguments]
        about = citizen if "citizen_id" in takes else None
        others = [one for one in takes if one != "citizen_id"]
        if not others:
            yield name, about, {}
        for value in things[others[0]] if others else ():
            yield name, about, {others[0]: value, **{one: things[one][0] for one in others[1:]}}


def everybody(world: World) -> list[Citizen]:
    return world.present(SOME)


def test_every_operation_has_a_register_of_its_own():
    assert {tuple(name.split(".")) for name in SPECS} <= ANSWERS.keys()
    assert {name.partition(".")[0] for name in SPECS} == set(MINE)


@pytest.mark.parametrize("day", DAYS)
def test_every_answer_reads_as_the_catalogue_says_and_is_the_same_twice(world, day):
    world.clock.move_to(day)
    answered = dict.fromkeys(SPECS, 0)

    for citizen in everybody(world)[:: 1 if day == DAY_ZERO else 3]:
        for name, about, arguments in questions(world, citizen):
            said = ask(world, name, about, **arguments)

            if citizen.number % 4 == 0:
                assert ask(world, name, about, **arguments) == said
            answered[name] += said is not None

    rare = {"dwf.get_cases", "moph.get_antenatal"}  # of so few, perhaps of none
    assert {name for name, times in answered.items() if not times} <= rare


def test_the_past_stays_when_the_day_moves(world):
    """Whatever was given, reported or paid by a day is told the same a year later, where it is still told."""
    lists = {"moph.get_immunization": ("doses", "given_on"), "rtp.get_reports": ("reports", "occurred_on")}
    before = {name: _items(world, name, *where) for name, where in lists.items()}

    world.clock.move_to(DAY_ZERO + timedelta(days=90))
    after = {name: _items(world, name, *where) for name, where in lists.items()}

    recent = DAY_ZERO - timedelta(days=300)
    for name, items in before.items():
        kept = {one for one in items if one[1] >= recent}
        assert kept
        assert kept <= after[name]
        assert any(one[1] > DAY_ZERO for one in after[name])


def _items(world: World, name: str, listed: str, key: str) -> set[tuple[int, date]]:
    return {
        (citizen.number, one[key])
        for citizen in everybody(world)
        if citizen.alive and (said := ask(world, name, citizen)) is not None
        for one in said[listed]
    }


def test_the_dead_are_told_of_by_nobody_but_the_court_that_settles_what_they_left(world):
    late = [one for one in world.present(range(200, 6_000)) if not one.alive][:40]

    assert len(late) == 40
    for citizen in late:
        for name in SPECS:
            takes = [one.name for one in SPECS[name].arguments]
            if takes == ["citizen_id"] and name not in ("mhesi.get_student", "niem.get_ucep_cases"):
                said = ask(world, name, citizen)
                assert said is None or name == "moph.get_birth_report", name
        assert ask(world, "coj.get_estate", deceased_id=citizen.pid) is not None
    assert ask(world, "coj.get_estate", deceased_id=world.nation.pid(1)) is None


# School


def test_children_go_to_school_and_grown_ups_do_not_go_to_primary(world):
    levels: dict[str, list[int]] = {}
    for citizen in world.present(range(200, 3_000)):
        if citizen.alive:
            said = ask(world, "obec.get_enrolment", citizen)
            assert said is not None
            assert said["student"] == (said["level"] != "none") == (said["school"] is not None)
            levels.setdefault(said["level"], []).append(age_on(citizen.birth, DAY_ZERO))

    spans = {level: (min(ages), max(ages)) for level, ages in levels.items()}
    assert spans["kindergarten"][0] >= 3
    assert spans["kindergarten"][1] <= 6
    assert spans["primary"] == (6, 12)
    assert spans["lower_secondary"] == (12, 15)
    assert spans["upper_secondary"][1] <= 18
    assert 18 <= spans["undergrad"][0] <= spans["undergrad"][1] <= 23
    compulsory = [one for one in world.present(range(200, 3_000)) if one.alive and 7 <= world.age(one) < 14]
    absent = [one for one in compulsory if not _enrolled(world, one)]
    assert len(absent) < len(compulsory) / 25


def _enrolled(world: World, citizen: Citizen) -> bool:
    said = ask(world, "obec.get_enrolment", citizen)
    return said is not None and bool(said["student"])


def test_nobody_studies_who_works_for_wages_and_students_are_known_to_both_ministries(world):
    students = 0
    for citizen in world.present(range(200, 3_000)):
        said = ask(world, "obec.get_enrolment", citizen) if citizen.alive else None
        if said is None or said["level"] not in ("undergrad", "postgrad"):
            continue
        students += 1
        higher = ask(world, "mhesi.get_student", citizen)
        assert higher is not None
        assert (higher["status"], higher["institution"]) == ("studying", said["school"])
        assert citizen.insurance.section != "33" or citizen.insurance.first_insured >= higher["expected_on"]
    assert students > 20


def test_one_grows_through_the_school_as_the_day_moves(world):
    levels = {}
    for years in (0, 1, 2, 6):
        world.clock.move_to(DAY_ZERO.replace(year=DAY_ZERO.year + years))
        levels[years] = told(world, "obec.get_enrolment", 3)["level"]

    assert levels == {0: "upper_secondary", 1: "undergrad", 2: "undergrad", 6: "none"}
    assert told(world, "mhesi.get_student", 3)["status"] == "graduated"


def test_a_loan_is_owed_only_by_who_studied_and_never_more_than_was_borrowed(world):
    seen = set()
    for citizen in world.present((*SAMPLES, *range(200, 3_000))):
        said = ask(world, "slf.get_loan", citizen)
        if said is None or said["status"] == "none":
            continue
        seen.add(said["status"])
        assert 0 <= said["balance"] <= said["borrowed"]
        assert (said["balance"] == 0) == (said["status"] == "closed")
        assert (said["overdue"] > 0) == (said["status"] == "default")
        assert ask(world, "mhesi.get_student", citizen) is not None
        if said["status"] in ("grace", "repaying"):
            assert said["due_date"] > DAY_ZERO
        if said["status"] == "default":
            assert said["due_date"] > DAY_ZERO

    assert seen == {"borrowing", "grace", "repaying", "default", "closed"}
    assert told(world, "slf.get_loan", 3)["status"] == "none"
    assert told(world, "slf.get_loan", 3)["family_income_per_year"] == Decimal(180_000)


def test_the_poorest_pupils_get_the_grant(world):
    for number in (110, 111, 112):
        child = world.citizen(number)
        said = ask(world, "eef.get_screening", child_id=child.pid)

        assert (said["level"], said["status"]) == ("extremely_poor", "receiving")
    assert ask(world, "eef.get_screening", child_id=world.citizen(102).pid) is None
    income = told(world, "eef.get_household_income", 10)["income_per_capita_per_month"]
    assert income * 12 == pytest.approx(told(world, "dcy.get_household", 10)["income_per_capita_per_year"], abs=1)


# Health


def test_a_newborn_has_the_doses_of_the_first_day_and_waits_for_the_next(world):
    child = world.citizen(101)

    said = ask(world, "moph.get_child_immunization", child_id=child.pid)

    assert {one["vaccine_id"] for one in said["doses"]} == {"BCG", "HB"}
    assert {one["given_on"] for one in said["doses"]} == {child.birth.earliest()}
    assert said["due"]
    assert not any(one["is_overdue"] for one in said["due"])
    planned = ask(world, "ddc.get_schedule", birth_date=child.birth.earliest().isoformat())["schedule"]
    assert {(one["vaccine_id"], one["dose_no"], one["due_date"]) for one in said["due"]} <= {
        (one["vaccine_id"], one["dose_no"], one["due_date"]) for one in planned
    }


def test_a_pregnancy_ends_with_the_birth_that_every_register_knows(world):
    mother, born = world.citizen(1), world.citizen(101).birth.earliest()
    report = told(world, "moph.get_birth_report", 1)["reports"]
    assert [one["born_at"].date() for one in report] == [born]
    assert not told(world, "moph.get_antenatal", 1)["pregnant"]

    world.clock.move_to(born - timedelta(days=60))

    assert ask(world, "moph.get_antenatal", mother) == ask(world, "moph.get_antenatal", world.citizen(1))
    before = told(world, "moph.get_antenatal", 1)
    assert before["pregnant"]
    assert before["pregnancy_start_date"] == born - timedelta(days=280)
    assert before["antenatal_visit_date"] <= world.clock.today() < before["next_visit_date"] < born
    assert told(world, "moph.get_birth_report", 1)["reports"] == ()


def test_only_women_are_pregnant_and_only_the_sick_are_told_to_rest(world):
    pregnant = 0
    for citizen in world.present(range(200, 6_000)):
        if citizen.alive and (said := ask(world, "moph.get_antenatal", citizen)) is not None:
            assert citizen.sex == "female"
            pregnant += said["pregnant"]
    assert pregnant >= 1
    for citizen in everybody(world):
        if citizen.alive and (said := ask(world, "moph.get_medical_certificate", citizen)) is not None:
            assert (said["ordered_rest_days"] > 0) == (said["sickness_start_date"] is not None)
            assert not (said["disability_certified"] and citizen.disability is None)
            if world.age(citizen) < 18:
                assert said["driving_certificate_date"] is None


def test_who_lost_a_leg_is_certified_but_has_no_card_yet(world):
    said = told(world, "moph.get_medical_certificate", 6)

    assert said["disability_certified"]
    assert said["ordered_rest_days"] == 90
    assert said["has_listed_disease"]
    assert ask(world, "dep.get_card", world.citizen(6)) is None

    world.clock.move_to(DAY_ZERO - timedelta(days=30))
    assert not told(world, "moph.get_medical_certificate", 6)["disability_certified"]


def test_a_disability_card_is_held_by_the_disabled_and_names_its_caregiver_with_the_number_hidden(world):
    cards = 0
    for citizen in world.present(range(200, 3_000)):
        said = ask(world, "dep.get_card", citizen)
        if said is None:
            continue
        cards += 1
        assert citizen.disability is not None
        assert (said["status"] == "valid") == (said["expiry_date"] >= DAY_ZERO)
        certified = ask(world, "moph.get_medical_certificate", citizen)
        assert certified["disability_certified"]
        if said["caregiver_no"]:
            assert "xxxxx" in said["caregiver_no"]
            assert said["caregiver"] is not None
    assert cards > 50


def test_a_unit_is_changed_four_times_a_year_at_most_and_only_under_universal_coverage(world):
    changed = 0
    for citizen in world.present(range(200, 3_000)):
        said = ask(world, "nhso.get_unit_changes", citizen)
        if said is not None:
            assert any(one.right == "uc" for one in citizen.health)
            assert said["changes_this_fiscal_year"] + said["changes_left"] == 4
            assert said["counted_from"] == date(2026, 10, 1)
            changed += said["changes_this_fiscal_year"]
    assert changed > 10
    assert ask(world, "nhso.get_unit_changes", world.citizen(7)) is None
    assert {one["unit_id"][:2] for one in ask(world, "nhso.list_units", province="40")["units"]} == {"99"}
    assert ask(world, "nhso.list_units", province="99") is None


# Welfare


def test_the_child_support_grant_is_paid_where_the_paying_register_pays_it(world):
    states = set()
    for citizen in world.present((10, 1, *range(200, 3_000))):
        grants = [
            said
            for child in world.present(citizen.children)
            if (said := ask(world, "dcy.get_csg", citizen, child_id=child.pid)) is not None
        ]
        states |= {one["status"] for one in grants}
        paid = [one for one in entitlements(world, citizen) if one.programme == "child_support_grant"]
        assert sum(one["status"] == "approved" for one in grants) == len(paid)
    assert {"approved", "rejected", "ended"} <= states
    assert ask(world, "dcy.get_csg", world.citizen(1), child_id=world.citizen(101).pid) is None
    assert ask(world, "dcy.get_csg", world.citizen(9), child_id=world.citizen(112).pid) is None, "somebody else's child"


def test_the_mother_of_three_is_in_hardship_and_had_one_grant_this_year(world):
    said, given = told(world, "dsdw.get_cases", 10), told(world, "dsdw.get_assistance", 10)

    assert said["in_hardship"]
    assert [one["status"] for one in said["cases"]] == ["helped"]
    assert given["grants_this_fiscal_year"] == 1
    assert given["assistance"][0]["case_id"] == said["cases"][0]["case_id"]


def test_help_goes_to_the_poor(world):
    helped = [
        citizen
        for citizen in world.present(range(200, 6_000))
        if citizen.alive and ask(world, "dsdw.get_cases", citizen) is not None
    ]

    assert len(helped) > 20
    assert all(world.age(one) >= 20 for one in helped)
    assert not any(one.civil_servant for one in helped)


# Duties, law, the house


def test_a_man_is_listed_at_seventeen_called_at_twenty_and_selected_after_he_studied(world):
    standings: dict[str, list[int]] = {}
    for citizen in world.present(range(200, 6_000)):
        said = ask(world, "rta_reserve.get_status", citizen)
        if said is None:
            assert (
                citizen.sex == "female"
                or citizen.nationality != "thai"
                or citizen.birth.year > 2009
                or not citizen.alive
            )
            continue
        standings.setdefault(said["standing"], []).append(2026 - citizen.birth.year)
        assert said["sd9"] or not said["sd35"]
        if said["standing"] == "deferred":
            assert ask(world, "mhesi.get_student", citizen) is not None
    spans = {standing: (min(ages), max(ages)) for standing, ages in standings.items()}
    assert spans["to_register"] in ((17, 17), (17, 18))
    assert spans["to_collect"][0] == 20
    assert spans["called"][0] >= 20
    assert spans["released"][0] >= 21
    assert spans["past_age"][0] == 46
    assert {"listed", "deferred", "exempt", "serving", "discharged"} <= spans.keys()


def test_the_pupil_who_comes_of_age_has_yet_to_register(world):
    assert told(world, "rta_reserve.get_status", 3)["standing"] == "to_register"

    world.clock.move_to(DAY_ZERO + timedelta(days=90))

    said = told(world, "rta_reserve.get_status", 3)
    assert (said["sd9"], said["standing"]) == (True, "listed")
    assert ask(world, "rta_reserve.get_status", world.citizen(1)) is None


def test_one_authority_lights_a_house_and_the_bill_of_a_month_stays_what_it_was(world):
    for citizen in everybody(world):
        if not citizen.alive:
            continue
        house = citizen.address.house_id
        bills = [ask(world, f"{agency}.get_account", house_id=house) for agency in ("pea", "mea")]
        assert [one is not None for one in bills].count(True) == 1
        assert (bills[1] is not None) == (house[:2] in ("10", "11", "12"))
    before = ask(world, "pea.get_account", house_id=world.citizen(10).address.house_id)

    world.clock.move_to(DAY_ZERO + timedelta(days=31))

    after = ask(world, "pea.get_account", house_id=world.citizen(10).address.house_id)
    assert after["account_no"] == before["account_no"]
    assert after["bill_month"] > before["bill_month"]
    assert before["amount"] in [one["amount"] for one in after["bills"]]
    assert before["amount"] < ask(world, "pea.get_account", house_id=world.citizen(2).address.house_id)["amount"]


@pytest.mark.parametrize("house", ["", "1", "99999999999", "1000000000", "abcdefghijk", "๑๒๓๔๕๖๗๘๙๐๑", "0" * 11])
def test_a_house_that_is_not_there_has_no_bill(world, house):
    assert ask(world, "pea.get_account", house_id=house) is None
    assert ask(world, "mea.get_account", house_id=house) is None
    assert ask(world, "pwa.get_account", house_id=house) is None
    assert ask(world, "obec.list_schools", house_id=house) is None


@pytest.mark.parametrize("said", ["", "2026-13-01", "9999-12-31", "0001-01-01", "x", "2026-02-30"])
def test_a_day_that_makes_no_sense_has_no_schedule(world, said):
    found = ask(world, "ddc.get_schedule", birth_date=said)

    assert found is None or said == "0001-01-01"


def test_a_victim_claims_for_what_the_police_know(world):
    claims = 0
    for citizen in world.present(range(200, 6_000)):
        said = ask(world, "rlpd.get_claims", citizen) if citizen.alive else None
        if said is None:
            continue
        reports = ask(world, "rtp.get_reports", citizen)
        assert said["known_date"] in [one["occurred_on"] for one in reports["reports"] if one["kind"] == "assault"]
        claims += len(said["claims"])
    assert claims > 5


def test_an_estate_goes_to_court_once_and_the_widow_of_the_story_has_not_begun(world):
    estate = ask(world, "coj.get_estate", deceased_id=world.nation.pid(129))
    assert (estate["needs_administrator"], estate["petition_filed"]) == (True, False)
    assert told(world, "coj.get_case", 12)["cases"] == ()
    filed = 0
    for dead in [one for one in world.present(range(200, 6_000)) if not one.alive]:
        said = ask(world, "coj.get_estate", deceased_id=dead.pid)
        kin = world.present(tuple(filter(None, (dead.spouse, *dead.children))))
        cases = [
            one
            for relative in kin
            if relative.alive and (told_of := ask(world, "coj.get_case", relative)) is not None
            for one in told_of["cases"]
            if one["role"] == "petitioner"
        ]
        if said["petition_filed"] and any(one.alive and world.age(one) >= 20 for one in kin):
            assert said["needs_administrator"]
            assert cases
            filed += 1
    assert filed > 5


def test_a_robe_and_a_prison_are_for_who_has_no_office_and_no_wage(world):
    monks = prisoners = 0
    for citizen in world.present(range(200, 6_000)):
        if not citizen.alive:
            continue
        robe, prison = ask(world, "onab.get_status", citizen), ask(world, "doc_corrections.get_status", citizen)
        monks += robe["ordained"]
        prisoners += prison["imprisoned"]
        if robe["ordained"]:
            assert citizen.sex == "male"
            assert citizen.marital_status != "married"
        if robe["ordained"] or prison["imprisoned"]:
            assert not citizen.civil_servant
            assert not (robe["ordained"] and prison["imprisoned"])
    assert 5 <= monks <= 80
    assert 5 <= prisoners <= 80
    for number in SAMPLES_AND_KIN:
        citizen = world.citizen(number)
        if citizen is not None and citizen.alive:
            assert not ask(world, "onab.get_status", citizen)["ordained"]
            assert not ask(world, "doc_corrections.get_status", citizen)["imprisoned"]


def test_concessions_follow_from_age_card_and_school(world):
    kinds = {
        citizen.number: {one["kind"] for one in ask(world, "srt.get_concession", citizen)["concessions"]}
        for citizen in everybody(world)
        if citizen.alive
    }

    assert kinds[12] == {"older_person"}
    assert kinds[3] == {"pupil"}
    assert kinds[112] == {"child"}
    assert kinds[4] == set()
    for number, found in kinds.items():
        assert ("older_person" in found) <= (world.age(world.citizen(number)) >= 60)
