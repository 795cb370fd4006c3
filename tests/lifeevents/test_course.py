"""The course of a life event as it follows from facts, a day and what was closed; nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from lifeevents import catalogue as catalogue_module
from lifeevents.catalogue.model import Catalogue
from lifeevents.course import Closure, Courses, Parent, Step
from lifeevents.rules.availability import State
from lifeevents.rules.engine import Engine

TODAY = date(2026, 11, 21)
BORN = "person.birth_date"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogue_module.load()


@pytest.fixture(scope="module")
def courses(catalogue: Catalogue) -> Courses:
    return Courses(catalogue, Engine(catalogue))


def course(
    courses: Courses,
    catalogue: Catalogue,
    life_event: str,
    facts: Mapping[str, Any],
    on: date,
    *,
    closed: Mapping[str, Closure] | None = None,
    of_other: Mapping[str, Closure] | None = None,
    parent: Parent | None = None,
) -> dict[str, Step]:
    found = catalogue.life_event(life_event)
    assert found is not None
    steps = courses.steps(found, facts, on, closed=closed or {}, of_other=of_other or {}, parent=parent)
    return {step.service.code: step for step in steps}


def reported(ref: str) -> Closure:
    return Closure(state="DONE", by="AGENCY", at=datetime(2026, 11, 3, tzinfo=UTC), agency="dopa", ref=ref)


def said() -> Closure:
    return Closure(state="DONE", by="PERSON", at=datetime(2026, 11, 3, tzinfo=UTC))


def test_a_step_that_an_age_keeps_back_says_from_when_it_can_be_taken(courses: Courses, catalogue: Catalogue) -> None:
    facts = {BORN: date(1966, 12, 21)}

    before = course(courses, catalogue, "turning_60", facts, TODAY)
    then = course(courses, catalogue, "turning_60", facts, date(2026, 12, 21))

    for code in ("elderly_fund_loan", "elderly_travel_discount"):
        assert (before[code].when.state, before[code].when.opens) == (State.NOT_YET, date(2026, 12, 21))
        assert (before[code].state, before[code].actor) == ("OPEN", None)
    assert then["elderly_fund_loan"].actor == "PERSON"
    assert then["elderly_travel_discount"].actor == "AGENCY"  # it comes by itself


def test_what_is_kept_back_has_the_deadline_of_the_day_on_which_it_opens(
    courses: Courses, catalogue: Catalogue
) -> None:
    steps = course(courses, catalogue, "military_duty", {BORN: date(2008, 12, 21), "person.sex": "male"}, TODAY)

    selection = steps["military_selection"]
    assert (selection.state, selection.when.opens) == ("BLOCKED", date(2029, 1, 1))
    assert selection.when.deadline is not None
    assert selection.when.deadline >= date(2029, 1, 1)


def test_what_an_earlier_step_may_change_keeps_nothing_back(courses: Courses, catalogue: Catalogue) -> None:
    """The allowance asks for the card, and the card is the step before it."""
    facts = {"person.disability_card_status": "none", BORN: date(1974, 6, 14)}

    steps = course(courses, catalogue, "becoming_disabled", facts, TODAY, closed={"disability_card": said()})

    assert (steps["disability_allowance"].state, steps["disability_allowance"].actor) == ("OPEN", "PERSON")


@pytest.mark.parametrize(
    ("licence", "open_one"),
    [("none", "driving_licence_first"), ("temporary", "driving_licence_2to5"), ("personal5", "driving_licence_renew")],
)
def test_who_has_a_licence_begins_where_they_are(
    courses: Courses, catalogue: Catalogue, licence: str, open_one: str
) -> None:
    steps = course(courses, catalogue, "driving", {"licence.type": licence}, TODAY)

    assert {code for code, step in steps.items() if step.state == "OPEN"} == {open_one}
    assert {step.state for code, step in steps.items() if code != open_one} == {"SKIPPED"}


def test_one_report_of_a_birth_is_one_registration(courses: Courses, catalogue: Catalogue) -> None:
    facts = {"child.birth_date": date(2026, 10, 31), "child.registered": True}
    both = {code: reported("r") for code in ("birth_registration", "late_birth_registration")}

    mothers = course(courses, catalogue, "birth_of_child", facts, TODAY, closed=both, parent="mother")
    fathers = course(courses, catalogue, "birth_of_child", facts, TODAY, of_other=both, parent="father")

    assert (mothers["birth_registration"].state, mothers["late_birth_registration"].state) == ("DONE", "SKIPPED")
    assert (fathers["birth_registration"].state, fathers["birth_registration"].by) == ("DONE", "OTHER_PARENT")
    assert (fathers["late_birth_registration"].state, fathers["late_birth_registration"].of_other) == ("SKIPPED", None)
