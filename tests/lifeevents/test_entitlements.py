"""Conditions in three values, and what follows from a date."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.dates import PartialDate
from lifeevents import catalogue as catalogues
from lifeevents.catalogue.model import (
    AllOf,
    AnyOf,
    Catalogue,
    Computed,
    Criterion,
    Not,
    ParameterRef,
    PublicService,
    Requirement,
    Span,
)
from lifeevents.entitlements import Entitlements, fiscal_year_be, later, turns

TODAY = date(2026, 11, 21)
BIRTH = "person.birth_date"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogues.load()


@pytest.fixture(scope="module")
def entitlements(catalogue: Catalogue) -> Entitlements:
    return Entitlements(catalogue)


def is_(fact: str, value: Any, op: Any = "eq") -> Criterion:
    return Criterion(fact=fact, op=op, value=value)


def the(catalogue: Catalogue, code: str) -> PublicService:
    service = catalogue.service(code)
    assert service is not None
    return service


YES, NO, UNKNOWN = (is_("person.sex", "male"), is_("person.sex", "female"), is_("person.student", True))
KNOWN = {"person.sex": "male"}
KLEENE: list[tuple[Requirement, bool | None]] = [
    (AllOf(parts=()), True),
    (AllOf(parts=(YES, UNKNOWN)), None),
    (AllOf(parts=(UNKNOWN, NO)), False),
    (AnyOf(parts=(UNKNOWN, YES)), True),
    (AnyOf(parts=(UNKNOWN, NO)), None),
    (AnyOf(parts=(NO, NO)), False),
    (Not(part=UNKNOWN), None),
    (Not(part=NO), True),
    (Not(part=AllOf(parts=(YES, UNKNOWN))), None),
]


@pytest.mark.parametrize(("requirement", "holds"), KLEENE)
def test_the_unknown_never_decides(entitlements: Entitlements, requirement: Requirement, holds: bool | None) -> None:
    assert entitlements.holds(requirement, KNOWN, on=TODAY).holds is holds


@given(st.lists(st.sampled_from([YES, NO, UNKNOWN]), max_size=6))
def test_not_any_is_all_not(parts: list[Criterion]) -> None:
    entitlements = Entitlements(_CATALOGUE)
    left = entitlements.holds(Not(part=AnyOf(parts=tuple(parts))), KNOWN, on=TODAY).holds
    right = entitlements.holds(AllOf(parts=tuple(Not(part=one) for one in parts)), KNOWN, on=TODAY).holds

    assert left is right


_CATALOGUE = catalogues.load()


def test_it_says_what_each_condition_was_held_against(entitlements: Entitlements) -> None:
    judged = entitlements.holds(
        AllOf(parts=(is_("person.age_years", 60, "gte"), UNKNOWN)), {BIRTH: date(1966, 1, 5)}, on=TODAY
    )

    assert [(one.used, one.holds) for one in judged.why] == [(60, True), (None, None)]


@pytest.mark.parametrize(
    ("birth", "on", "age"),
    [
        (date(1968, 2, 29), date(2028, 2, 28), 59),
        (date(1968, 2, 29), date(2028, 2, 29), 60),
        (date(1968, 2, 29), date(2029, 2, 28), 60),
        (date(1968, 2, 29), date(2029, 3, 1), 61),
        (date(2019, 11, 22), TODAY, 6),
        (date(2019, 11, 21), TODAY, 7),
        (PartialDate(date(1966, 3, 1), "MONTH"), date(2026, 3, 1), 60),
        (PartialDate(date(1966, 1, 1), "YEAR"), date(2025, 12, 31), 59),
        (PartialDate(date(1966, 1, 1), "YEAR"), date(2026, 1, 1), 60),
        (date(2027, 1, 1), TODAY, None),
    ],
)  # fmt: skip
def test_completed_years(entitlements: Entitlements, birth: Any, on: date, age: int | None) -> None:
    assert entitlements.value("person.age_years", {BIRTH: birth}, on=on) == age


@pytest.mark.parametrize(
    ("birth", "year"),
    [
        (date(1966, 9, 1), 2569), (date(1966, 9, 2), 2570), (date(1967, 9, 1), 2570), (date(1967, 9, 2), 2571),
        (date(1968, 2, 29), 2571),
    ],
)  # fmt: skip
def test_the_fiscal_year_of_the_old_age_allowance(entitlements: Entitlements, birth: date, year: int) -> None:
    assert entitlements.value("person.fiscal_year_turning_60", {BIRTH: birth}, on=TODAY) == year


def test_military_age_takes_years_from_years(entitlements: Entitlements) -> None:
    for birth in (date(2009, 1, 1), date(2009, 12, 31)):
        assert entitlements.value("person.military_age", {BIRTH: birth}, on=date(2026, 1, 1)) == 17
    # March B.E. 2482 lies in 1940: the year began in April.
    assert entitlements.value("person.military_age", {BIRTH: date(1940, 3, 1)}, on=TODAY) == 2569 - 2482


def test_the_age_at_a_fiscal_year_is_that_of_the_eve(entitlements: Entitlements) -> None:
    known = {BIRTH: date(1956, 10, 1)}

    assert entitlements.value("person.age_at_fiscal_year", known, on=date(2026, 10, 1)) == 69
    assert entitlements.value("person.age_at_fiscal_year", known, on=date(2027, 10, 1)) == 70


def test_a_span_counts_calendar_time_with_its_last_day(entitlements: Entitlements) -> None:
    within = is_("person.address_changed_days", Span(months=6), "lte")
    known = {"person.address_changed_date": date(2026, 3, 10)}

    assert entitlements.holds(within, known, on=date(2026, 9, 10)).holds is True
    assert entitlements.holds(within, known, on=date(2026, 9, 11)).holds is False
    assert entitlements.holds(within, known, on=date(2026, 3, 9)).holds is None
    assert entitlements.holds(within, {}, on=TODAY).holds is None
    assert later(date(2026, 8, 31), Span(months=6)) == date(2027, 2, 28)


def test_a_parameter_is_the_one_in_force(entitlements: Entitlements) -> None:
    old_enough = is_("person.age_years", ParameterRef(parameter="marriage_min_age"), "gte")
    known = {BIRTH: date(2007, 6, 1)}

    assert entitlements.holds(old_enough, known, on=date(2025, 1, 22)).holds is True  # 17 was enough
    assert entitlements.holds(old_enough, known, on=date(2025, 1, 23)).holds is False


def test_the_fiscal_year_begins_in_october(entitlements: Entitlements) -> None:
    due = is_("person.fiscal_year_turning_60", Computed(name="current_fiscal_year", plus=1), "lte")
    known = {BIRTH: date(1967, 9, 1)}

    assert (fiscal_year_be(date(2025, 9, 30)), fiscal_year_be(date(2025, 10, 1))) == (2568, 2569)
    assert entitlements.holds(due, known, on=date(2025, 9, 30)).holds is False
    assert entitlements.holds(due, known, on=date(2025, 10, 1)).holds is True


def test_in_and_not_in_and_money(entitlements: Entitlements) -> None:
    assert (
        entitlements.holds(is_("sso.section", ("none", "40_1"), "in"), {"sso.section": "33"}, on=TODAY).holds is False
    )
    assert entitlements.holds(is_("sso.section", ("none",), "not_in"), {"sso.section": "33"}, on=TODAY).holds is True
    income = {"person.income_per_year": Decimal("100000.01")}
    assert entitlements.holds(is_("person.income_per_year", 100_000, "lte"), income, on=TODAY).holds is False


def test_the_dead_are_entitled_to_nothing_of_the_living(catalogue: Catalogue, entitlements: Entitlements) -> None:
    travel = the(catalogue, "elderly_travel_discount")
    known = {BIRTH: date(1950, 1, 1), "person.nationality": "thai"}

    assert entitlements.judge(travel, known, on=TODAY).holds is None
    assert entitlements.judge(travel, known | {"person.alive": True}, on=TODAY).holds is True
    assert entitlements.judge(travel, known | {"person.alive": False}, on=TODAY).holds is False


def test_a_state_pensioner_is_provably_not_entitled(catalogue: Catalogue, entitlements: Entitlements) -> None:
    registration = the(catalogue, "old_age_allowance_registration")
    known = {
        BIRTH: date(1967, 1, 1),
        "person.nationality": "thai",
        "person.alive": True,
        "person.in_house_register": True,
    }

    assert entitlements.judge(registration, known, on=TODAY).holds is None
    assert entitlements.judge(registration, known | {"person.state_pensioner": True}, on=TODAY).holds is False


def test_knowing_more_never_turns_a_sure_answer_round(catalogue: Catalogue, entitlements: Entitlements) -> None:
    known: dict[str, Any] = {}
    facts = {
        "person.nationality": "thai", BIRTH: date(1966, 10, 1), "person.in_house_register": True, "person.alive": True,
        "person.state_pensioner": False, "person.old_age_allowance_registered": False,
    }  # fmt: skip
    seen = []
    for fact, value in facts.items():
        known[fact] = value
        seen.append(entitlements.judge(the(catalogue, "old_age_allowance_registration"), known, on=TODAY).holds)

    assert seen == [None] * 5 + [True]


@given(st.dates(date(1900, 1, 1), date(2020, 12, 31)), st.integers(0, 90))
def test_an_age_begins_on_its_day_and_not_before(birth: date, years: int) -> None:
    entitlements = Entitlements(_CATALOGUE)
    day = turns(birth, years)

    assert entitlements.value("person.age_years", {BIRTH: birth}, on=day) == years
    if day > birth:
        assert entitlements.value("person.age_years", {BIRTH: birth}, on=day - timedelta(days=1)) == years - 1


def test_every_service_can_be_judged_knowing_nothing(catalogue: Catalogue, entitlements: Entitlements) -> None:
    for service in catalogue.services:
        assert entitlements.judge(service, {}, on=TODAY).holds is not True or not service.facts
