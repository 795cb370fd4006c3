"""What the catalogue means, as slowly and plainly as it can be said: counts are counted by stepping, nothing is folded.

It reads the catalogue, not the tree that the readers under test share.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from foundation.dates import PartialDate
from lifeevents.catalogue.model import (
    AllOf,
    AnnouncedDay,
    AnyOf,
    Catalogue,
    Computed,
    Criterion,
    Derived,
    FactDay,
    Not,
    ParameterRef,
    PublicService,
    Requirement,
    Span,
)
from lifeevents.rules.ir import DID_NOT_HAPPEN

DAY = timedelta(days=1)
NEVER = object()  # a count that doesn't exist


def outcome(catalogue: Catalogue, service: PublicService, facts: Mapping[str, Any], on: date) -> bool | None:
    if service.valid_from is not None and on < service.valid_from:
        return False
    if service.valid_to is not None and on > service.valid_to:
        return False
    parts = list(service.eligibility.parts)
    if service.scope != "per_deceased" and "person.alive" not in service.facts:
        parts.append(Criterion(fact="person.alive", op="eq", value=True))
    return holds(catalogue, service, AllOf(parts=tuple(parts)), facts, on)


def holds(
    catalogue: Catalogue, service: PublicService, requirement: Requirement, facts: Mapping[str, Any], on: date
) -> bool | None:
    """Kleene's: false < unknown < true; `all` is the least, `any` the greatest."""
    rank = {False: 0, None: 1, True: 2}
    match requirement:
        case AllOf(parts=parts):
            return min((holds(catalogue, service, one, facts, on) for one in parts), key=rank.__getitem__, default=True)
        case AnyOf(parts=parts):
            return max((holds(catalogue, service, one, facts, on) for one in parts), key=rank.__getitem__)
        case Not(part=part):
            return {True: False, False: True, None: None}[holds(catalogue, service, part, facts, on)]
        case Criterion():
            return compare(catalogue, service, requirement, facts, on)


def compare(
    catalogue: Catalogue, service: PublicService, criterion: Criterion, facts: Mapping[str, Any], on: date
) -> bool | None:
    fact = catalogue.fact(criterion.fact)
    assert fact is not None
    if criterion.op in ("happened", "did_not_happen"):
        when = day(facts.get(fact.path))
        has = None if when is None else when is not DID_NOT_HAPPEN and when <= on
        return has if criterion.op == "happened" or has is None else not has
    against: Any = criterion.value
    if isinstance(against, ParameterRef):
        against = in_force(catalogue, service, against.parameter, facts, on)
        if against is DID_NOT_HAPPEN:
            return False
    elif isinstance(against, Computed):
        against = fiscal_year(on) + against.plus
    if fact.derived is None:
        value = day(facts.get(fact.path))
    else:
        start, end = day(facts.get(fact.derived.date_fact)), counted_to(fact.derived, facts, on)
        if DID_NOT_HAPPEN in (start, end):
            return False
        if start is None or end is None:
            return None
        if isinstance(against, Span):
            if fact.derived.direction == "since" and end < start:
                return False
            value, against = end, calendar_later(start, against)
        else:
            value = count(fact.derived, start, end)
            if value is NEVER:
                return False
    if value is DID_NOT_HAPPEN:
        return False
    if value is None or against is None:
        return None
    return {
        "eq": lambda: value == against, "ne": lambda: value != against, "gt": lambda: value > against,
        "gte": lambda: value >= against, "lt": lambda: value < against, "lte": lambda: value <= against,
        "in": lambda: value in against, "not_in": lambda: value not in against,
    }[criterion.op]()  # fmt: skip


def in_force(catalogue: Catalogue, service: PublicService, parameter: str, facts: Mapping[str, Any], on: date) -> Any:
    chosen = chosen_day(service, facts, on)
    if not isinstance(chosen, date):
        return chosen
    found = catalogue.parameter(parameter)
    assert found is not None
    for one in found.values:
        if (one.valid_from or date.min) <= chosen <= (one.valid_to or date.max):
            return one.value
    return None


def chosen_day(service: PublicService, facts: Mapping[str, Any], on: date) -> Any:
    match service.choose_by:
        case "payment_month":
            return date(on.year, on.month, 1)
        case "birth_date":
            return day(facts.get("child.birth_date"))
        case "job_end":
            return day(facts.get("employment.end_date"))
        case "death":
            return day(facts.get("deceased.death_date"))
        case "event_date":
            assert service.deadline is not None
            if isinstance(service.deadline.anchor, FactDay):
                return day(facts.get(service.deadline.anchor.fact))
            return date(on.year - 1, 12, 31)
    return on


def day(value: Any) -> Any:
    return value.earliest if isinstance(value, PartialDate) else value


def counted_to(derived: Derived, facts: Mapping[str, Any], on: date) -> Any:
    match derived.as_of:
        case None:
            return on
        case FactDay(fact=fact):
            return day(facts.get(fact))
        case AnnouncedDay(event_date="fiscal_year_eve"):
            while (on.month, on.day) != (9, 30):
                on -= DAY
                if (on.month, on.day) == (9, 30):
                    break
            return on
        case AnnouncedDay(event_date=event_date):
            return day(facts.get(event_date))


@lru_cache(maxsize=200_000)
def count(derived: Derived, start: date, end: date) -> Any:
    if derived.basis == "fiscal_year_of_first_month":
        first = anniversary(start, derived.years or 0)
        while first.day != 1:
            first += DAY
        return fiscal_year(first)
    if derived.direction == "until":
        return (end - start).days
    if end < start:
        return NEVER
    if derived.basis == "calendar_year_be":
        return be_year(end) - be_year(start)
    match derived.unit:
        case "day":
            return (end - start).days
        case "week":
            return (end - start).days // 7
        case "month":
            return steps(lambda n: calendar_later(start, Span(months=n)), end)
        case "year":
            assert derived.leap_day in (None, "following")
            assert derived.attained in (None, "birthday")
            return steps(lambda n: anniversary(start, n), end)
    raise AssertionError(derived)


def steps(reached: Any, end: date) -> int:
    number = 0
    while reached(number + 1) <= end:
        number += 1
    return number


def anniversary(start: date, years: int) -> date:
    try:
        return date(start.year + years, start.month, start.day)
    except ValueError:
        return date(start.year + years, 3, 1)


@lru_cache(maxsize=200_000)
def calendar_later(start: date, span: Span) -> date:
    if span.days:
        return start + span.days * DAY
    year, month = start.year, start.month
    for _ in range(12 * span.years + span.months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    for number in (start.day, 30, 29, 28):
        if number <= start.day:
            try:
                return date(year, month, number)
            except ValueError:
                continue
    raise AssertionError(start)


def fiscal_year(on: date) -> int:
    return on.year + 543 if on < date(on.year, 10, 1) else on.year + 544


def be_year(on: date) -> int:
    """As the calendars of the time had it: a year began on 1 April until B.E. 2483, which ended with December."""
    if on >= date(1941, 1, 1):
        return on.year + 543
    return on.year + 543 if on >= date(on.year, 4, 1) else on.year + 542
