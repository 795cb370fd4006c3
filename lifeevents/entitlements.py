"""Whether the conditions of a service hold, for one person on one day, in three values: true, false, not known.

A fact that isn't known never decides: `all` with an unknown part is unknown unless another part is false (strong
Kleene). What follows from a date (an age, a fiscal year) is counted here from the date itself, as the fact's
declaration says. Parameters are chosen by the day; the rules engine that takes this file's place chooses them by the
date that the law names.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from foundation.dates import PartialDate, to_buddhist
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
    criteria,
)

Known = Mapping[str, bool | int | Decimal | str | date | PartialDate]
"""Facts by path. One that isn't in it is not known."""

_ALIVE = Criterion(fact="person.alive", op="eq", value=True)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
    "in": lambda value, among: value in among, "not_in": lambda value, among: value not in among,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One condition: what it was held against, and what came of it."""

    criterion: Criterion
    used: bool | int | Decimal | str | date | None
    holds: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`holds` is None where a fact that could decide is not known. `why` has every condition, in reading order."""

    holds: bool | None
    why: tuple[Judged, ...]


class Entitlements:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def judge(self, service: PublicService, known: Known, *, on: date) -> Judgement:
        """Whether this person meets the conditions of the service on that day, and the service exists then."""
        requirement: Requirement = service.eligibility
        is_asked = any(one.fact == _ALIVE.fact for one in criteria(requirement))
        if service.scope != "per_deceased" and not is_asked:
            requirement = AllOf(parts=(_ALIVE, requirement))
        judgement = self.holds(requirement, known, on=on)
        if (service.valid_from and on < service.valid_from) or (service.valid_to and service.valid_to < on):
            return Judgement(holds=False, why=judgement.why)
        return judgement

    def holds(self, requirement: Requirement, known: Known, *, on: date) -> Judgement:
        why: list[Judged] = []
        return Judgement(holds=self._evaluate(requirement, known, on, why), why=tuple(why))

    def value(self, fact: str, known: Known, *, on: date) -> bool | int | Decimal | str | date | None:
        """A fact as known, or as it follows from a date that is known; else None."""
        if fact in known:
            value = known[fact]
            return value.earliest if isinstance(value, PartialDate) else value
        derived = self._derived(fact)
        if derived is None:
            return None
        start, end = self._date(derived.date_fact, known), self._counted_to(derived, known, on)
        return None if start is None or end is None else count(derived, start, end)

    def _derived(self, fact: str) -> Derived | None:
        declared = self._catalogue.fact(fact)
        return None if declared is None else declared.derived

    def _evaluate(self, requirement: Requirement, known: Known, on: date, why: list[Judged]) -> bool | None:
        match requirement:
            case Criterion():
                why.append(self._compare(requirement, known, on))
                return why[-1].holds
            case AllOf(parts=parts):
                found = [self._evaluate(part, known, on, why) for part in parts]
                return False if False in found else None if None in found else True
            case AnyOf(parts=parts):
                found = [self._evaluate(part, known, on, why) for part in parts]
                return True if True in found else None if None in found else False
            case Not(part=part):
                holds = self._evaluate(part, known, on, why)
                return None if holds is None else not holds

    def _compare(self, criterion: Criterion, known: Known, on: date) -> Judged:
        used = self.value(criterion.fact, known, on=on)
        if isinstance(criterion.value, Span):
            return Judged(criterion=criterion, used=used, holds=self._within(criterion, criterion.value, known, on))
        against = self._against(criterion, on)
        if used is None or against is None:
            return Judged(criterion=criterion, used=used, holds=None)
        return Judged(criterion=criterion, used=used, holds=_COMPARE[criterion.op](used, against))

    def _against(self, criterion: Criterion, on: date) -> Any:
        match criterion.value:
            case ParameterRef(parameter=name):
                parameter = self._catalogue.parameter(name)
                chosen = None if parameter is None else parameter.on(on)
                return None if chosen is None else chosen.value
            case Computed(plus=plus):
                return fiscal_year_be(on) + plus
        return criterion.value

    def _within(self, criterion: Criterion, span: Span, known: Known, on: date) -> bool | None:
        """Calendar time from the date that the fact is counted from; the last day is inside."""
        derived = self._derived(criterion.fact)
        if derived is None:
            return None
        start, end = self._date(derived.date_fact, known), self._counted_to(derived, known, on)
        if start is None or end is None or (derived.direction == "since" and end < start):
            return None
        return _COMPARE[criterion.op](end, later(start, span))

    def _date(self, fact: str, known: Known) -> date | None:
        value = known.get(fact)
        if isinstance(value, PartialDate):
            return value.earliest  # Civil and Commercial Code, section 16
        return value if isinstance(value, date) else None

    def _counted_to(self, derived: Derived, known: Known, on: date) -> date | None:
        match derived.as_of:
            case None:
                return on
            case FactDay(fact=fact):
                return self._date(fact, known)
            case AnnouncedDay(event_date="fiscal_year_eve"):
                return date(on.year if on.month >= 10 else on.year - 1, 9, 30)
        return None


def count(derived: Derived, start: date, end: date) -> int | None:
    """So many whole units from `start` to `end`; None for a count that doesn't exist yet."""
    if derived.basis == "calendar_year_be":
        return to_buddhist(end)[0] - to_buddhist(start)[0]
    if derived.basis == "fiscal_year_of_first_month":
        return fiscal_year_be(_first_of_month_from(turns(start, derived.years or 0)))
    if derived.direction == "until":
        return (end - start).days
    if end < start:
        return None
    match derived.unit:
        case "year":
            counted = end + timedelta(days=1) if derived.attained == "eve" else end
            years = counted.year - start.year
            return years if turns(start, years, leap_day=derived.leap_day or "following") <= counted else years - 1
        case "month":
            months = (end.year - start.year) * 12 + end.month - start.month
            return months if later(start, Span(months=months)) <= end else months - 1
        case "week":
            return (end - start).days // 7
        case "day":
            return (end - start).days
    return None


def turns(birth: date, years: int, *, leap_day: str = "following") -> date:
    """The day on which that age is attained. One born on 29 February has no such day in a common year."""
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return date(birth.year + years, 3, 1) if leap_day == "following" else date(birth.year + years, 2, 28)


def fiscal_year_be(day: date) -> int:
    """The B.E. fiscal year begins on 1 October of the year before."""
    return day.year + 543 + (day.month >= 10)


def later(day: date, span: Span) -> date:
    """So much calendar time later; a month without that day ends on its last day."""
    months = day.year * 12 + day.month - 1 + span.years * 12 + span.months
    year, month = divmod(months, 12)
    next_month = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (next_month - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last)) + timedelta(days=span.days)


def _first_of_month_from(day: date) -> date:
    return day if day.day == 1 else later(day.replace(day=1), Span(months=1))
