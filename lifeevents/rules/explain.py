"""Why: each condition of a service with the fact it was held against, what came of it, and by how much.

The tree has the shape of the catalogue's. What is computed here is data; `sentences` says it as a clerk would.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from foundation.dates import to_buddhist
from lifeevents.catalogue.model import (
    AllOf,
    AnyOf,
    Catalogue,
    Computed,
    Confidence,
    Criterion,
    Derived,
    LegalBasis,
    ParameterRef,
    ParameterValue,
    PublicService,
    Requirement,
    Span,
)
from lifeevents.catalogue.model import Not as NotRequired
from lifeevents.rules.calendar import (
    between,
    first_of_month_from,
    fiscal_year_be,
    fiscal_year_eve,
    turns,
)
from lifeevents.rules.evaluate import all_of, any_of, day_of, evaluate, flips, number_of
from lifeevents.rules.ir import (
    ALIVE,
    And,
    DidNotHappen,
    Facts,
    FactValue,
    Node,
    Not,
    Or,
    Rule,
    asked,
    choosing_fact,
)

_NUMBERS: Final = frozenset(("int", "money", "decimal"))
_DAY: Final = timedelta(days=1)

Against = bool | int | Decimal | date | str | tuple[str, ...] | tuple[int, ...] | Span | None


class Outcome(enum.Enum):
    ELIGIBLE = "ELIGIBLE"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def of(cls, holds: bool | None) -> Outcome:
        return cls.UNKNOWN if holds is None else cls.ELIGIBLE if holds else cls.NOT_ELIGIBLE


@dataclass(frozen=True, slots=True)
class CalendarTime:
    """A length of time as people count it."""

    years: int
    months: int
    days: int


class Reason(NamedTuple):
    """One criterion. A named tuple, because one is made for every condition: a frozen dataclass takes ten times as long.

    `used` is the fact as it was compared: a count where it follows from a date, and then `base` is that date as known
    (a `PartialDate` keeps how much of it is known). `against` is what it was compared with, a parameter already looked up.
    `apart` is by how much they differ, in the fact's unit. Where the calendar alone turns the criterion: `turned_on` is the
    day on which it last did, `turns_on` that on which it next will, `time` how far off that is.
    """

    criterion: Criterion
    holds: bool | None
    used: FactValue | None
    base: FactValue | None
    against: Against
    apart: int | Decimal | None
    turned_on: date | None
    turns_on: date | None
    time: CalendarTime | None
    missing: tuple[str, ...]
    parameter: ParameterValue | None
    counting: Confidence | None  # how sure it is how the law counts what was compared

    @property
    def is_implied(self) -> bool:
        """Asked of everyone and not written in the service."""
        return self.criterion is ALIVE

    @property
    def confidence(self) -> Confidence | None:
        """The mark that this criterion carries itself, or its parameter does; or that of an uncertain way to count."""
        if self.counting == "uncertain":
            return self.counting
        return self.criterion.confidence or (self.parameter.confidence if self.parameter else None)


class ReasonGroup(NamedTuple):
    kind: Literal["all", "any", "not"]
    holds: bool | None
    parts: tuple[Reason | ReasonGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a service is or isn't somebody's on one day. `root` has every criterion; `missing` those facts that decide."""

    service: PublicService
    on: date
    outcome: Outcome
    in_force: bool
    root: ReasonGroup
    missing: tuple[str, ...]

    @property
    def legal_basis(self) -> tuple[LegalBasis, ...]:
        return self.service.legal_basis

    @property
    def confidence(self) -> Confidence:
        return self.service.confidence

    def reasons(self) -> Iterator[Reason]:
        """Every criterion, in reading order."""
        yield from _reasons(self.root)

    def deciding(self) -> tuple[Reason, ...]:
        """The criteria that made the outcome what it is: those that failed, or are unknown, or, eligible, all that hold."""
        return tuple(_deciding(self.root, self.root.holds))


class Explainer:
    def __init__(self, catalogue: Catalogue) -> None:
        self._facts = {fact.path: fact for fact in catalogue.facts}
        self._parameters = {parameter.id: parameter for parameter in catalogue.parameters}

    def explain(self, rule: Rule, facts: Facts, on: date) -> Explanation:
        root = self._walk(rule.requirement, rule.tree, rule.service, facts, on)
        if not isinstance(root, ReasonGroup):
            raise TypeError("the root of a rule is all: […]")
        in_force = rule.in_force is None or bool(evaluate(rule.in_force, facts, on))
        missing: dict[str, None] = {}
        if in_force:
            _gather(root, missing)
        return Explanation(
            service=rule.service,
            on=on,
            outcome=Outcome.of(root.holds if in_force else False),
            in_force=in_force,
            root=root,
            missing=tuple(missing),
        )

    def reason(self, criterion: Criterion, node: Node, service: PublicService | None, facts: Facts, on: date) -> Reason:
        """One criterion, `node` being what it was lowered to."""
        fact = self._facts[criterion.fact]
        holds = evaluate(node, facts, on)
        base: FactValue | None = None
        if fact.derived is None:
            used = facts.get(fact.path)
            if fact.kind == "date":
                base = used
        else:
            base = facts.get(fact.derived.date_fact)
            used = self._count(fact.derived, facts, on)
        against: Against
        parameter: ParameterValue | None = None
        match criterion.value:
            case ParameterRef() as ref:
                parameter = self._chosen(ref, service, facts, on)
                against = None if parameter is None else parameter.value
            case Computed(plus=plus):
                against = fiscal_year_be(on) + plus
            case value:
                against = value
        apart: int | Decimal | None = None
        if fact.kind in _NUMBERS:
            have, want = number_of(used), number_of(against)
            apart = None if have is None or want is None else abs(Decimal(have) - want)
        turned_on, turns_on, time = (None, None, None) if base is None else _turning(node, holds, facts, on)
        return Reason(
            criterion=criterion,
            holds=holds,
            used=used,
            base=base,
            against=against,
            apart=apart,
            turned_on=turned_on,
            turns_on=turns_on,
            time=time,
            missing=tuple(name for name in asked(node) if facts.get(name) is None) if holds is None else (),
            parameter=parameter,
            counting=None if fact.derived is None else fact.derived.confidence,
        )

    def _walk(
        self, requirement: Requirement, node: Node, service: PublicService, facts: Facts, on: date
    ) -> Reason | ReasonGroup:
        match requirement, node:
            case Criterion(), _:
                return self.reason(requirement, node, service, facts, on)
            case AllOf(parts=parts), And(parts=nodes):
                found = tuple(self._walk(p, n, service, facts, on) for p, n in zip(parts, nodes, strict=True))
                return ReasonGroup(kind="all", holds=all_of([one.holds for one in found]), parts=found)
            case AnyOf(parts=parts), Or(parts=nodes):
                found = tuple(self._walk(p, n, service, facts, on) for p, n in zip(parts, nodes, strict=True))
                return ReasonGroup(kind="any", holds=any_of([one.holds for one in found]), parts=found)
            case NotRequired(part=part), Not(part=inner):
                one = self._walk(part, inner, service, facts, on)
                return ReasonGroup(kind="not", holds=None if one.holds is None else not one.holds, parts=(one,))
        raise TypeError("a rule mirrors its requirement")

    def _chosen(
        self, ref: ParameterRef, service: PublicService | None, facts: Facts, on: date
    ) -> ParameterValue | None:
        day = chosen_day(service, facts, on)
        return self._parameters[ref.parameter].on(day) if isinstance(day, date) else None

    def _count(self, derived: Derived, facts: Facts, on: date) -> int | DidNotHappen | None:
        """The count itself, for showing; the conditions compare dates."""
        start = day_of(facts, derived.date_fact)
        if not isinstance(start, date):
            return start
        end = counted_to(derived, facts, on)
        return count(derived, start, end) if isinstance(end, date) else end


def chosen_day(service: PublicService | None, facts: Facts, on: date) -> date | DidNotHappen | None:
    """The day that chooses the dated values of a service."""
    fact = choosing_fact(service)
    if fact is not None:
        return day_of(facts, fact)
    match None if service is None else service.choose_by:
        case "payment_month":
            return on.replace(day=1)
        case "event_date":
            return date(on.year - 1, 12, 31)
    return on


def counted_to(derived: Derived, facts: Facts, on: date) -> date | DidNotHappen | None:
    match derived.as_of:
        case None:
            return on
        case other if getattr(other, "event_date", None) == "fiscal_year_eve":
            return fiscal_year_eve(on)
        case other:
            return day_of(facts, getattr(other, "fact", "") or getattr(other, "event_date", ""))


def count(derived: Derived, start: date, end: date) -> int | None:
    """So many whole units from `start` to `end`; None for a count that doesn't exist yet."""
    leap_day = derived.leap_day or "following"
    if derived.basis == "fiscal_year_of_first_month":
        return fiscal_year_be(first_of_month_from(turns(start, derived.years or 0, leap_day=leap_day)))
    if derived.direction == "until":
        return (end - start).days
    if end < start:
        return None
    if derived.basis == "calendar_year_be":
        return to_buddhist(end)[0] - to_buddhist(start)[0]
    match derived.unit:
        case "year":
            counted = end + _DAY if derived.attained == "eve" else end
            years = counted.year - start.year
            return years if turns(start, years, leap_day=leap_day) <= counted else years - 1
        case "month":
            years_and_months = between(start, end)
            return 12 * years_and_months[0] + years_and_months[1]
        case "week":
            return (end - start).days // 7
    return (end - start).days


def _turning(
    node: Node, holds: bool | None, facts: Facts, on: date
) -> tuple[date | None, date | None, CalendarTime | None]:
    """When the calendar alone last turned this criterion, when it does next, and how far off that is."""
    if holds is None:
        return None, None, None
    days = sorted(flips(node, facts))
    past = (day for day in reversed(days) if date.min < day <= on and evaluate(node, facts, day - _DAY) is not holds)
    last = next(past, None)
    for day in days:
        if day > on and evaluate(node, facts, day) is not holds:
            return last, day, CalendarTime(*between(on, day))
    return last, None, None


def _reasons(part: Reason | ReasonGroup) -> Iterator[Reason]:
    if isinstance(part, Reason):
        yield part
        return
    for one in part.parts:
        yield from _reasons(one)


def _deciding(part: Reason | ReasonGroup, holds: bool | None) -> Iterator[Reason]:
    if isinstance(part, Reason):
        yield part
        return
    for one in part.parts:
        wanted = one.holds if part.kind == "not" else holds
        if one.holds is wanted:
            yield from _deciding(one, one.holds)


def _gather(part: Reason | ReasonGroup, found: dict[str, None]) -> None:
    if part.holds is not None:
        return
    if isinstance(part, Reason):
        found.update(dict.fromkeys(part.missing))
        return
    for one in part.parts:
        _gather(one, found)
