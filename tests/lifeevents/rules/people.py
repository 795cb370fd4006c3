"""Made-up people, for property tests: any facts of the catalogue, near the days on which something changes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from foundation.dates import PartialDate
from lifeevents.catalogue.model import Catalogue, Fact, PublicService, criteria
from lifeevents.rules.engine import Engine
from lifeevents.rules.ir import DID_NOT_HAPPEN, asked

SINCE, UNTIL = date(2019, 1, 1), date(2034, 12, 31)

days = st.one_of(
    st.dates(SINCE, UNTIL),
    st.builds(
        lambda year, month_day: date(year, *month_day),
        st.integers(SINCE.year, UNTIL.year),
        st.sampled_from([(1, 1), (12, 31), (9, 30), (10, 1), (2, 28), (3, 1), (9, 1), (9, 2), (4, 1), (1, 31), (6, 30)]),
    ),
    st.sampled_from([date(2024, 2, 29), date(2028, 2, 29), date(2025, 1, 22), date(2025, 1, 23)]),
)  # fmt: skip

_births = st.one_of(
    st.dates(date(1925, 1, 1), UNTIL),
    st.builds(lambda year: date(year, 2, 29), st.sampled_from(range(1928, 2029, 4))),
    st.builds(
        lambda year, month_day: date(year, *month_day),
        st.integers(1925, 2030),
        st.sampled_from([(1, 1), (12, 31), (9, 1), (9, 2), (9, 30), (10, 1), (3, 31), (4, 1), (2, 28), (3, 1)]),
    ),
)
_partial = st.one_of(
    st.builds(lambda one: PartialDate(one.replace(day=1), "MONTH"), _births),
    st.builds(lambda one: PartialDate(date(one.year, 1 if one.year > 1940 else 4, 1), "YEAR"), _births),
)


def facts_for(
    catalogue: Catalogue, service: PublicService, engine: Engine, on: date
) -> st.SearchStrategy[dict[str, Any]]:
    """Facts that the service looks at, each known, not known, or not happened; thresholds are met by a hair or missed."""
    near: dict[str, list[Any]] = {}
    for leaf in criteria(service.eligibility):
        value = leaf.value
        near.setdefault(leaf.fact, []).extend(value if isinstance(value, tuple) else [value])
    names = {*asked(engine.rules[service.code].whole), *_chosen(service)}
    known = {name: _value(catalogue.fact(name), near.get(name, []), on) for name in sorted(names)}
    return st.fixed_dictionaries({}, optional=known)


def _chosen(service: PublicService) -> set[str]:
    by = {"birth_date": "child.birth_date", "job_end": "employment.end_date", "death": "deceased.death_date"}
    return {by[service.choose_by]} if service.choose_by in by else set()


def _value(fact: Fact | None, near: list[Any], on: date) -> st.SearchStrategy[Any]:
    kind = "date" if fact is None else fact.kind
    some: st.SearchStrategy[Any]
    match kind:
        case "bool":
            some = st.booleans()
        case "int":
            around = [one + more for one in near if isinstance(one, int) for more in (-1, 0, 1)]
            some = st.one_of(st.integers(0, 400), st.sampled_from([*around, 0]))
        case "money" | "decimal":
            around = [one + more for one in near if isinstance(one, int | Decimal) for more in (-1, 0, Decimal("0.01"))]
            some = st.one_of(st.decimals(0, 10_000_000, places=2), st.sampled_from([*around, 0, 200_000, 360_000]))
        case "date":
            # Recent days, ages that turn about now, and any others.
            some = st.one_of(
                st.integers(-40, 800).map(lambda back: on - timedelta(days=back)),
                st.tuples(st.integers(0, 95), st.integers(-2, 2)).map(lambda one: _years_ago(on, *one)),
                st.tuples(st.integers(0, 70), st.integers(-2, 2)).map(lambda one: _months_ago(on, *one)),
                _births,
                _partial,
                st.sampled_from(
                    [one + more * timedelta(days=1) for one in near if isinstance(one, date) for more in (-1, 0, 1)]
                    or [on]
                ),
            )
        case _:
            choices = [choice.value for choice in fact.choices] if fact else []
            some = st.sampled_from(choices or ["one", "another"])
    return st.one_of(some, some, some, some, st.just(DID_NOT_HAPPEN))


def _years_ago(on: date, years: int, days_off: int) -> date:
    month_day = (on.month, on.day) if (on.month, on.day) != (2, 29) else (3, 1)
    return date(on.year - years, *month_day) + timedelta(days=days_off)


def _months_ago(on: date, months: int, days_off: int) -> date:
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(year, month + 1, min(on.day, 28)) + timedelta(days=days_off)
