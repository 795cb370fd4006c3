"""What others get wrong about dates, counts and the unknown, one test for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.dates import PartialDate, from_buddhist, partial_from_buddhist
from foundation.language import Text
from lifeevents.almanac import Almanac
from lifeevents.catalogue.model import (
    AllOf,
    AnyOf,
    Catalogue,
    Computed,
    Criterion,
    Not,
    PublicService,
    Requirement,
    Span,
)
from lifeevents.rules.calendar import Edge, between, buddhist_new_year, turns
from lifeevents.rules.engine import Engine
from lifeevents.rules.explain import CalendarTime, Outcome
from lifeevents.rules.ir import DID_NOT_HAPPEN
from lifeevents.rules.python import FALSE, TRUE, UNKNOWN, Compiled

TODAY = date(2026, 11, 21)
BIRTH = "person.birth_date"
LIVING = {"person.alive": True, "person.nationality": "thai"}
The = Callable[[str], PublicService]
CODES = {FALSE: False, UNKNOWN: None, TRUE: True}


def is_(fact: str, value: Any, op: Any = "eq") -> Criterion:
    return Criterion(fact=fact, op=op, value=value)


# 1. Born on 29 February


@pytest.mark.parametrize(
    ("on", "is_60", "is_61"),
    [
        (date(2028, 2, 28), False, False),
        (date(2028, 2, 29), True, False),
        (date(2029, 2, 28), True, False),
        (date(2029, 3, 1), True, True),
    ],
)
def test_born_on_29_february_is_older_on_1_march(engine: Engine, on: date, is_60: bool, is_61: bool) -> None:
    facts = {BIRTH: date(1968, 2, 29)}

    assert engine.holds(is_("person.age_years", 60, "gte"), facts, on) is is_60
    assert engine.holds(is_("person.age_years", 61, "gte"), facts, on) is is_61


def test_or_on_28_february_where_that_is_declared() -> None:
    born = date(1968, 2, 29)
    preceding = Edge(unit="years", count=61, leap_day="preceding")

    assert turns(born, 61, leap_day="preceding") == preceding.reached(born) == date(2029, 2, 28)
    assert preceding.at(date(2029, 2, 28)) == born
    assert Edge(unit="years", count=61).at(date(2029, 2, 28)) == date(1968, 2, 28)


# 2. Birth dates that are not wholly known


def test_only_the_year_known_counts_from_its_first_day_and_says_so(engine: Engine, the: The) -> None:
    facts = LIVING | {BIRTH: partial_from_buddhist(2509)}
    travel = the("elderly_travel_discount")

    assert engine.judge(travel, facts, date(2025, 12, 31)).outcome is Outcome.NOT_ELIGIBLE
    assert engine.judge(travel, facts, date(2026, 1, 1)).outcome is Outcome.ELIGIBLE
    age = next(
        one for one in engine.explain(travel, facts, TODAY).reasons() if one.criterion.fact == "person.age_years"
    )
    assert age.base == PartialDate(date(1966, 1, 1), "YEAR")


def test_only_the_month_known_counts_from_its_first_day(engine: Engine) -> None:
    facts = {BIRTH: partial_from_buddhist(2509, 3)}

    assert engine.holds(is_("person.age_years", 60, "gte"), facts, date(2026, 2, 28)) is False
    assert engine.holds(is_("person.age_years", 60, "gte"), facts, date(2026, 3, 1)) is True


# 3. Years that began on 1 April


def test_march_of_2482_lies_in_the_christian_year_1940(engine: Engine) -> None:
    born = from_buddhist(2482, 3, 1)

    assert born == date(1940, 3, 1)
    assert engine.holds(is_("person.military_age", 2569 - 2482), {BIRTH: born}, TODAY) is True
    assert engine.holds(is_("person.military_age", 2569 - 2483), {BIRTH: date(1940, 4, 1)}, TODAY) is True


def test_a_year_known_alone_began_in_april_then(engine: Engine) -> None:
    facts = {BIRTH: partial_from_buddhist(2480)}

    assert engine.holds(is_("person.age_years", 80, "gte"), facts, date(2017, 3, 31)) is False
    assert engine.holds(is_("person.age_years", 80, "gte"), facts, date(2017, 4, 1)) is True


def test_the_year_2483_had_nine_months() -> None:
    assert [buddhist_new_year(year) for year in (2482, 2483, 2484)] == [
        date(1939, 4, 1), date(1940, 4, 1), date(1941, 1, 1),
    ]  # fmt: skip


# 4. Ages differ by law


def test_military_age_takes_years_from_years(engine: Engine, the: The) -> None:
    listing = the("military_list_registration")
    facts = LIVING | {"person.sex": "male", "person.military_list_registered": False}
    for born in (date(2009, 1, 1), date(2009, 12, 31)):
        assert engine.judge(listing, facts | {BIRTH: born}, date(2025, 12, 31)).outcome is Outcome.NOT_ELIGIBLE
        assert engine.judge(listing, facts | {BIRTH: born}, date(2026, 1, 1)).outcome is Outcome.ELIGIBLE


def test_entering_the_seventh_year_goes_by_the_calendar(engine: Engine, the: The) -> None:
    facts = {"person.alive": True, BIRTH: date(2020, 12, 31), "person.student_level": "kindergarten"}

    assert engine.judge(the("compulsory_school_enrolment"), facts, date(2026, 12, 31)).outcome is Outcome.NOT_ELIGIBLE
    assert engine.judge(the("compulsory_school_enrolment"), facts, date(2027, 1, 1)).outcome is Outcome.ELIGIBLE


@pytest.mark.parametrize(
    ("born", "from_day"),
    [
        (date(1966, 9, 1), date(2024, 10, 1)),
        (date(1966, 9, 2), date(2025, 10, 1)),
        (date(1967, 9, 1), date(2025, 10, 1)),
        (date(1967, 9, 2), date(2026, 10, 1)),
        (date(1968, 2, 29), date(2026, 10, 1)),
    ],
)
def test_who_registers_for_the_old_age_allowance_goes_by_2_september(
    engine: Engine, the: The, born: date, from_day: date
) -> None:
    facts = LIVING | {
        BIRTH: born, "person.in_house_register": True, "person.state_pensioner": False,
        "person.old_age_allowance_registered": False,
    }  # fmt: skip
    registration = the("old_age_allowance_registration")

    assert engine.judge(registration, facts, from_day - timedelta(days=1)).outcome is Outcome.NOT_ELIGIBLE
    assert engine.judge(registration, facts, from_day).outcome is Outcome.ELIGIBLE
    assert engine.timeline(registration, facts, date(2020, 1, 1), date(2030, 1, 1)).next_change() is not None
    assert engine.availability(registration, facts, from_day).state.value == "OPEN"


def test_the_announced_birth_window_is_what_the_rule_says(engine: Engine, the: The) -> None:
    """Written out by the agencies for one year, computed by us for all."""
    deadline = the("old_age_allowance_registration").deadline
    assert deadline is not None
    for window in deadline.birth_windows:
        turning = is_("person.fiscal_year_turning_60", window.fiscal_year_be)
        inside = [window.born_from, window.born_to]
        outside = [window.born_from - timedelta(days=1), window.born_to + timedelta(days=1)]
        assert [engine.holds(turning, {BIRTH: born}, TODAY) for born in inside] == [True, True]
        assert [engine.holds(turning, {BIRTH: born}, TODAY) for born in outside] == [False, False]


def test_an_age_on_the_eve_of_a_fiscal_year(engine: Engine) -> None:
    facts = {BIRTH: date(1956, 10, 1)}

    assert engine.holds(is_("person.age_at_fiscal_year", 70, "gte"), facts, date(2027, 9, 30)) is False
    assert engine.holds(is_("person.age_at_fiscal_year", 70, "gte"), facts, date(2027, 10, 1)) is True


# 5. Last days


def test_within_30_days_includes_the_thirtieth(engine: Engine, the: The) -> None:
    fanout = the("address_fanout")
    facts = {"person.alive": True, "person.address_changed_date": date(2026, 11, 1)}

    assert engine.judge(fanout, facts, date(2026, 12, 1)).outcome is Outcome.ELIGIBLE
    assert engine.judge(fanout, facts, date(2026, 12, 2)).outcome is Outcome.NOT_ELIGIBLE


def test_under_six_does_not_include_the_sixth_birthday(engine: Engine) -> None:
    facts = {"child.birth_date": date(2020, 11, 21)}

    assert engine.holds(is_("child.age_years", 6, "lt"), facts, date(2026, 11, 20)) is True
    assert engine.holds(is_("child.age_years", 6, "lt"), facts, date(2026, 11, 21)) is False


def test_six_months_after_10_march_is_10_september_inclusive(engine: Engine) -> None:
    within = is_("person.address_changed_days", Span(months=6), "lte")

    for start, last in [
        (date(2026, 3, 10), date(2026, 9, 10)),
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 30), date(2028, 2, 29)),
    ]:
        facts = {"person.address_changed_date": start}
        assert engine.holds(within, facts, last) is True
        assert engine.holds(within, facts, last + timedelta(days=1)) is False


def test_a_span_of_days_counts_like_the_days(engine: Engine) -> None:
    facts = {"person.address_changed_date": date(2026, 3, 10)}

    for op, on_the_day, day_after in (
        ("lte", True, False),
        ("lt", False, False),
        ("gte", True, True),
        ("gt", False, True),
    ):
        span = is_("person.address_changed_days", Span(days=30), op)
        assert engine.holds(span, facts, date(2026, 4, 9)) is on_the_day, op
        assert engine.holds(span, facts, date(2026, 4, 10)) is day_after, op


def test_a_count_from_a_day_to_come_does_not_exist(engine: Engine) -> None:
    """So it is no reason for doubt: nothing has moved yet."""
    facts = {"person.address_changed_date": TODAY + timedelta(days=1)}

    for op in ("lt", "lte", "gt", "gte", "eq", "ne"):
        assert engine.holds(is_("person.address_changed_days", 30, op), facts, TODAY) is False, op


# 6. A window between two looks


def test_a_window_that_opens_and_closes_between_two_looks_is_not_missed(engine: Engine, the: The) -> None:
    facts = {"person.alive": True, "person.address_changed_date": date(2027, 3, 5)}
    line = engine.timeline(the("address_fanout"), facts, date(2027, 1, 1), date(2027, 12, 31))

    assert [(step.day, step.outcome) for step in line.steps] == [
        (date(2027, 1, 1), Outcome.NOT_ELIGIBLE),
        (date(2027, 3, 5), Outcome.ELIGIBLE),
        (date(2027, 4, 5), Outcome.NOT_ELIGIBLE),
    ]


# 7. 179 and 180 months


@pytest.mark.parametrize(("months", "pension", "lump_sum"), [(179, False, True), (180, True, False)])
def test_179_months_give_a_lump_sum_and_180_a_pension(
    engine: Engine, the: The, months: int, pension: bool, lump_sum: bool
) -> None:
    facts = {
        "person.alive": True,
        BIRTH: date(1971, 1, 1),
        "sso.insured_status_ended": True,
        "sso.months_total": months,
    }

    assert engine.judge(the("sso_old_age_pension"), facts, TODAY).outcome is Outcome.of(pension)
    assert engine.judge(the("sso_old_age_lump_sum"), facts, TODAY).outcome is Outcome.of(lump_sum)


def test_turning_55_is_not_enough(engine: Engine, the: The) -> None:
    facts = {"person.alive": True, BIRTH: date(1971, 1, 1), "sso.insured_status_ended": False, "sso.months_total": 200}

    explained = engine.explain(the("sso_old_age_pension"), facts, TODAY)

    assert explained.outcome is Outcome.NOT_ELIGIBLE
    assert [reason.criterion.fact for reason in explained.deciding()] == ["sso.insured_status_ended"]


# 8. Income per head: nobody divides, and money is compared to the satang


def test_income_per_head_is_compared_as_it_was_told(engine: Engine, the: The) -> None:
    """An average that was cut to whole baht would let in a household that is a satang above."""
    facts: dict[str, Any] = {
        "person.alive": True, "child.nationality": "thai", "child.birth_date": date(2024, 1, 1), "child.registered": True,
        "child.in_state_institution": False,
    }  # fmt: skip
    grant, income = the("child_support_grant"), "household.income_per_capita_per_year"

    for total, members, outcome in (
        (Decimal(300_000), 3, Outcome.ELIGIBLE),
        (Decimal("300000.01"), 3, Outcome.NOT_ELIGIBLE),  # 100,000.00333…
        (Decimal(699_999), 7, Outcome.ELIGIBLE),  # 99,999.857…
        (Decimal(700_001), 7, Outcome.NOT_ELIGIBLE),
    ):
        assert (total <= 100_000 * members) is (outcome is Outcome.ELIGIBLE)
        assert engine.judge(grant, facts | {income: total / members}, TODAY).outcome is outcome, (total, members)


def test_a_limit_of_money_is_exact(engine: Engine) -> None:
    limit = is_("household.income_per_capita_per_year", 100_000, "lte")
    fact = "household.income_per_capita_per_year"

    assert engine.holds(limit, {fact: Decimal("100000.00")}, TODAY) is True
    assert engine.holds(limit, {fact: Decimal("100000.01")}, TODAY) is False


# 9. As the law was


def test_the_law_is_that_of_the_day_asked_about(engine: Engine, the: The) -> None:
    facts = {
        "person.alive": True, BIRTH: date(2007, 6, 1), "event.partner_birth_date": date(2000, 1, 1),
        "person.marital_status": "single", "event.partner_marital_status": "single", "event.both_spouses_consent": True,
    }  # fmt: skip
    marriage = the("marriage_registration")

    assert engine.judge(marriage, facts, date(2025, 1, 22)).outcome is Outcome.ELIGIBLE  # 17 was enough
    assert engine.judge(marriage, facts, date(2025, 1, 23)).outcome is Outcome.NOT_ELIGIBLE
    line = engine.timeline(marriage, facts, date(2024, 1, 1), date(2026, 1, 1))
    assert [step.day for step in line.steps] == [
        date(2024, 1, 1),
        date(2024, 6, 1),
        date(2025, 1, 23),
        date(2025, 6, 1),
    ]
    age = engine.explain(marriage, facts, date(2025, 1, 23)).deciding()[0]
    assert (age.against, age.turns_on, age.parameter and age.parameter.confidence) == (18, date(2025, 6, 1), "sourced")


def test_a_programme_ends_with_its_last_day(engine: Engine, the: The) -> None:
    facts = LIVING | {BIRTH: date(1990, 1, 1)}
    line = engine.timeline(the("copay_scheme_2568"), facts, date(2025, 10, 1), TODAY)

    assert [(step.day, step.outcome) for step in line.steps] == [
        (date(2025, 10, 1), Outcome.NOT_ELIGIBLE),
        (date(2025, 10, 29), Outcome.ELIGIBLE),
        (date(2026, 1, 1), Outcome.NOT_ELIGIBLE),
    ]


def test_before_the_first_parameter_that_is_known_the_law_is_not_known(catalogue: Catalogue, the: The) -> None:
    found = catalogue.parameter("marriage_min_age")
    assert found is not None
    later_only = replace(found, values=found.values[1:])
    engine = Engine(
        replace(catalogue, parameters=tuple(later_only if one == found else one for one in catalogue.parameters))
    )
    facts = {
        "person.alive": True, BIRTH: date(1990, 6, 1), "event.partner_birth_date": date(1990, 1, 1),
        "person.marital_status": "single", "event.partner_marital_status": "single", "event.both_spouses_consent": True,
    }  # fmt: skip

    assert engine.judge(the("marriage_registration"), facts, date(2025, 1, 22)).outcome is Outcome.UNKNOWN
    assert engine.judge(the("marriage_registration"), facts, date(2025, 1, 23)).outcome is Outcome.ELIGIBLE


def test_what_was_decided_can_be_decided_again_as_it_was(engine: Engine, the: The) -> None:
    """A correction changes what is decided from now on. With the facts known then, that day's answer stays that day's."""
    marriage = the("marriage_registration")
    known_then: dict[str, Any] = {
        "person.alive": True, BIRTH: date(2007, 6, 1), "event.partner_birth_date": date(2000, 1, 1),
        "person.marital_status": "single", "event.partner_marital_status": "single", "event.both_spouses_consent": True,
    }  # fmt: skip
    day = date(2025, 1, 22)
    decided = engine.judge(marriage, known_then, day)
    corrected = known_then | {BIRTH: date(2008, 6, 1)}

    assert engine.judge(marriage, corrected, day).outcome is Outcome.NOT_ELIGIBLE
    assert engine.judge(marriage, decided.facts, decided.on).outcome is decided.outcome is Outcome.ELIGIBLE
    assert decided.facts == known_then  # a decision keeps what it was made of


# 10. What is nobody else's business


def test_what_rests_on_a_sensitive_fact_is_known_to_do_so(catalogue: Catalogue, engine: Engine) -> None:
    """So that it is told only to whom said yes; tests/lifeevents/test_agenda.py shows that it isn't told otherwise."""
    almanac = Almanac(catalogue, engine)
    sensitive = {fact.path for fact in catalogue.facts if fact.is_sensitive}

    assert {
        "person.pregnant", "person.disability_card_status", "crime.listed_offence_victim", "crime.able_to_report_date",
        "person.in_hardship", "health.permanent_invalidity",
    } <= sensitive  # fmt: skip
    for code in ("antenatal_care", "disability_card", "crime_victim_compensation", "sso_invalidity"):
        assert almanac.secret(almanac.rules[code].wanted), code
    assert not almanac.secret(almanac.rules["elderly_travel_discount"].wanted)


def test_a_count_from_a_sensitive_date_is_sensitive_too(catalogue: Catalogue) -> None:
    facts = {fact.path: fact for fact in catalogue.facts}

    counted = [one for one in catalogue.facts if one.derived and facts[one.derived.date_fact].is_sensitive]
    assert counted
    assert all(one.is_sensitive for one in counted)


def test_no_lock_screen_says_what_it_is_about(catalogue: Catalogue) -> None:
    shown = {one.notice.lock_screen for one in catalogue.event_types if one.notice}

    assert shown == {Text(th="คุณมีเรื่องใหม่จากหน่วยงานรัฐ", en="You have a message from a state agency")}


# and three kinds of nothing


CERTIFICATE = "deceased.death_certificate_date"


@pytest.mark.parametrize(
    ("facts", "happened"),
    [
        ({}, None),
        ({CERTIFICATE: DID_NOT_HAPPEN}, False),
        ({CERTIFICATE: TODAY}, True),
        ({CERTIFICATE: TODAY + timedelta(days=1)}, False),
        ({CERTIFICATE: PartialDate(date(2026, 11, 1), "MONTH")}, True),
        ({CERTIFICATE: PartialDate(date(2027, 1, 1), "YEAR")}, False),
    ],
)
def test_whether_something_happened_by_now(engine: Engine, facts: dict[str, Any], happened: bool | None) -> None:
    asked = Criterion(fact=CERTIFICATE, op="happened", value=None)
    denied = Criterion(fact=CERTIFICATE, op="did_not_happen", value=None)
    generated = Compiled([engine.node(asked), engine.node(denied)])

    assert engine.holds(asked, facts, TODAY) is happened
    assert engine.holds(denied, facts, TODAY) is (None if happened is None else not happened)
    assert [CODES[code] for code in generated.judge(facts.get, TODAY)] == [
        happened, None if happened is None else not happened,
    ]  # fmt: skip


def test_a_death_that_is_registered_is_not_offered_for_registration(engine: Engine, the: The) -> None:
    registration = the("death_registration")
    facts: dict[str, Any] = {"relation.role_to_deceased": "child", "deceased.death_date": date(2026, 11, 19)}

    assert engine.judge(registration, facts, TODAY).missing == (CERTIFICATE,)
    assert engine.judge(registration, facts | {CERTIFICATE: DID_NOT_HAPPEN}, TODAY).outcome is Outcome.ELIGIBLE
    line = engine.timeline(registration, facts | {CERTIFICATE: date(2026, 11, 20)}, date(2026, 11, 18), TODAY)
    assert [(step.day, step.outcome) for step in line.steps] == [
        (date(2026, 11, 18), Outcome.ELIGIBLE),
        (date(2026, 11, 20), Outcome.NOT_ELIGIBLE),
    ]


def test_what_did_not_happen_is_known(engine: Engine, the: The) -> None:
    survivor = the("sso_oldage_survivor")
    facts: dict[str, Any] = {"deceased.sso_months_total": 100, "deceased.death_date": date(2026, 5, 1)}
    pension = "deceased.pension_start_date"

    assert engine.judge(survivor, facts, TODAY).outcome is Outcome.UNKNOWN
    assert engine.judge(survivor, facts | {pension: DID_NOT_HAPPEN}, TODAY).outcome is Outcome.ELIGIBLE
    assert engine.judge(survivor, facts | {pension: date(2021, 5, 1)}, TODAY).outcome is Outcome.ELIGIBLE
    assert engine.judge(survivor, facts | {pension: date(2021, 4, 1)}, TODAY).outcome is Outcome.NOT_ELIGIBLE


@pytest.mark.parametrize(
    "criterion",
    [
        is_("person.civil_servant", True), is_("person.civil_servant", False), is_("sso.section", ("33",), "not_in"),
        is_("sso.section", "33", "ne"), is_("person.income_per_year", 5, "lt"), is_("person.income_per_year", 5, "ne"),
        is_("person.age_years", 5, "gte"), is_("person.age_years", 5, "lt"), is_("person.age_years", 5, "ne"),
        is_("child.birth_date", date(2015, 10, 1), "gte"), is_("child.birth_date", date(2015, 10, 1), "ne"),
        is_("person.fiscal_year_turning_60", Computed(name="current_fiscal_year", plus=0), "lte"),
        is_("employment.tenure_days", 120, "gte"), is_("employment.tenure_days", 120, "lt"),
        is_("licence.days_past_expiry", Span(years=1), "lte"),
    ],
)  # fmt: skip
def test_every_comparison_with_what_did_not_happen_is_false(engine: Engine, criterion: Criterion) -> None:
    facts = dict.fromkeys(
        [
            "person.civil_servant", "sso.section", "person.income_per_year", BIRTH, "child.birth_date",
            "employment.start_date", "licence.expiry_date",
        ],
        DID_NOT_HAPPEN,
    )  # fmt: skip

    generated = Compiled([engine.node(criterion), engine.node(Not(part=criterion))])

    assert engine.holds(criterion, facts, TODAY) is False
    assert engine.holds(Not(part=criterion), facts, TODAY) is True
    assert engine.holds(criterion, {}, TODAY) is None
    assert generated.judge(facts.get, TODAY) == (FALSE, TRUE)
    assert generated.judge({}.get, TODAY) == (UNKNOWN, UNKNOWN)


def test_the_unknown_says_which_facts_are_missing(engine: Engine, the: The) -> None:
    registration = the("old_age_allowance_registration")
    facts: dict[str, Any] = {BIRTH: date(1967, 1, 1), "person.nationality": "thai", "person.alive": True}
    found = engine.judge(registration, facts, TODAY)

    assert found.outcome is Outcome.UNKNOWN
    assert found.missing == (
        "person.in_house_register", "person.state_pensioner", "person.old_age_allowance_registered",
    )  # fmt: skip
    # One that is provably not entitled needs to be asked nothing more.
    known = engine.judge(registration, facts | {"person.state_pensioner": True}, TODAY)
    assert (known.outcome, known.missing) == (Outcome.NOT_ELIGIBLE, ())


def test_the_dead_are_entitled_to_nothing_of_the_living(engine: Engine, the: The) -> None:
    travel, facts = the("elderly_travel_discount"), {BIRTH: date(1950, 1, 1), "person.nationality": "thai"}

    assert engine.judge(travel, facts, TODAY).outcome is Outcome.UNKNOWN
    assert engine.judge(travel, facts | {"person.alive": False}, TODAY).outcome is Outcome.NOT_ELIGIBLE


# the edges themselves

_edges = st.builds(
    Edge,
    unit=st.sampled_from(["days", "months", "years", "be_years"]),
    count=st.integers(-3, 110),
    leap_day=st.sampled_from(["following", "preceding"]),
    attained=st.sampled_from(["birthday", "eve"]),
    lag=st.integers(0, 1),
    from_eve=st.booleans(),
) | st.builds(Edge, unit=st.just("fiscal_years"), count=st.integers(-2, 2), turned=st.integers(0, 70))
_near_turns = st.one_of(
    st.dates(date(1900, 1, 1), date(2060, 12, 31)),
    st.builds(lambda year: date(year, 2, 29), st.sampled_from(range(1904, 2060, 4))),
    st.builds(lambda year, month: date(year, month, 1), st.integers(1900, 2060), st.integers(1, 12)),
)


@given(edge=_edges, start=_near_turns, day=_near_turns)
def test_an_edge_says_the_same_in_both_directions(edge: Edge, start: date, day: date) -> None:
    reached = edge.reached(start)

    assert (start <= edge.at(day)) is (reached <= day)
    assert start <= edge.at(reached)
    assert start > edge.at(reached - timedelta(days=1))


@given(start=_near_turns, days=st.integers(0, 40_000))
def test_calendar_time_adds_up(start: date, days: int) -> None:
    end = start + timedelta(days=days)
    years, months, rest = between(start, end)

    assert 0 <= months < 12
    assert 0 <= rest < 31
    assert Edge(unit="months", count=12 * years + months).reached(start) + timedelta(days=rest) == end


def test_dates_beyond_the_calendar_end_nothing() -> None:
    edge = Edge(unit="years", count=60)

    assert edge.reached(date(9990, 1, 1)) == date.max
    assert edge.at(date(30, 1, 1)) == date.min
    assert CalendarTime(*between(date(2026, 1, 31), date(2026, 3, 1))) == CalendarTime(0, 1, 1)


EMPTY = AllOf(parts=())


def test_no_conditions_at_all_hold(engine: Engine) -> None:
    assert engine.holds(EMPTY, {}, TODAY) is True


# three values

YES, NO, UNSURE = is_("person.sex", "male"), is_("person.sex", "female"), is_("person.student", True)
KLEENE: list[tuple[Requirement, bool | None]] = [
    (AllOf(parts=(YES, UNSURE)), None),
    (AllOf(parts=(UNSURE, NO)), False),
    (AnyOf(parts=(UNSURE, YES)), True),
    (AnyOf(parts=(UNSURE, NO)), None),
    (AnyOf(parts=(NO, NO)), False),
    (Not(part=UNSURE), None),
    (Not(part=NO), True),
    (Not(part=AllOf(parts=(YES, UNSURE))), None),
    (Not(part=AnyOf(parts=(NO, Not(part=YES)))), True),
]


@pytest.mark.parametrize(("requirement", "holds"), KLEENE)
def test_the_unknown_never_decides(engine: Engine, requirement: Requirement, holds: bool | None) -> None:
    facts = {"person.sex": "male"}

    assert engine.holds(requirement, facts, TODAY) is holds
    assert CODES[Compiled([engine.node(requirement)]).judge(facts.get, TODAY)[0]] is holds
