"""The one form of a service's conditions that every reader reads.

A `Rule` is made once from the catalogue and holds for every legal day: a condition about an age or a length of time has
become a comparison of a date fact with a day that moves with the legal day (`DateIn` with `Edge`s), a parameter that
changes over time has become one branch for each of its periods (`DayIn`). `fold` puts a legal day in: what is left
compares facts with constants, and only `DateIn.as_of` still compares two dates of the same person.

Values: true, false, unknown (strong Kleene). A fact that is absent is unknown. A fact that `did not happen` is known, and
every comparison with it is false, `ne` and `not_in` included; so it is with a count from a day that is still to come. Only
the operator `did_not_happen` holds of it: what has happened is a date up to the legal day, and that is turned round.

The tree of a rule mirrors the catalogue's: AllOf is And, AnyOf is Or, Not is Not, each in its order, and a Criterion is
whatever its comparison became. So whoever explains can walk both side by side.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from foundation.dates import PartialDate
from lifeevents.catalogue.model import (
    AllOf,
    AnnouncedDay,
    AnyOf,
    Catalogue,
    ChooseBy,
    Computed,
    Criterion,
    Derived,
    Fact,
    FactDay,
    Operator,
    ParameterRef,
    PublicService,
    Requirement,
    Span,
    Tier,
    criteria,
)
from lifeevents.catalogue.model import Not as NotRequired
from lifeevents.rules.calendar import TODAY, Edge, latest_turning, month_end


class DidNotHappen(enum.Enum):
    """A value of a fact: it is known that there is none."""

    DID_NOT_HAPPEN = "did not happen"


DID_NOT_HAPPEN = DidNotHappen.DID_NOT_HAPPEN

FactValue = bool | int | Decimal | str | date | PartialDate | DidNotHappen
Facts = Mapping[str, FactValue]
"""What is known, by path of the fact; days that an agency announces (`election.day`) by the id of the event date."""

Ordering = Literal["eq", "ne", "gt", "gte", "lt", "lte"]

_DAY = timedelta(days=1)


# ---- nodes


@dataclass(frozen=True, slots=True)
class Const:
    value: bool | None


@dataclass(frozen=True, slots=True)
class Flag:
    """A bool fact is so."""

    fact: str
    value: bool


@dataclass(frozen=True, slots=True)
class InSet:
    """A text or a whole number is among these (or, negated, is known and isn't)."""

    fact: str
    values: tuple[str, ...] | tuple[int, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """A number compared with a number."""

    fact: str
    op: Ordering
    value: int | Decimal


@dataclass(frozen=True, slots=True)
class DateIn:
    """`after` < the date fact <= `up_to`; None is open on that side.

    An `Edge` is put at the legal day, or, where there is an `as_of`, at that other date fact (or announced day): then it
    stays when folded, and both dates must have happened for it to be true.
    """

    fact: str
    after: Edge | date | None
    up_to: Edge | date | None
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class DayIn:
    """The legal day lies in a period, both days included. Folded to a constant."""

    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Leaf = Const | Flag | InSet | Compare | DateIn | DayIn
Node = Leaf | And | Or | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One service. `whole` is what decides; `tree` mirrors `requirement`, which has `person.alive` written out."""

    service: PublicService
    requirement: AllOf
    tree: Node
    in_force: DayIn | None

    @property
    def whole(self) -> Node:
        return self.tree if self.in_force is None else And((self.in_force, self.tree))


class RuleWrong(ValueError):
    """The catalogue says something that no rule can be made of."""


def leaves(node: Node) -> Iterator[Leaf]:
    match node:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from leaves(part)
        case Not(part=part):
            yield from leaves(part)
        case _:
            yield node


def asked(node: Node) -> tuple[str, ...]:
    """The facts that a node looks at, each once, in reading order: no derived ones, but the dates they follow from."""
    found: dict[str, None] = {}
    for leaf in leaves(node):
        match leaf:
            case Flag(fact=fact) | InSet(fact=fact) | Compare(fact=fact):
                found[fact] = None
            case DateIn(fact=fact, as_of=as_of):
                found[fact] = None
                if as_of is not None:
                    found[as_of] = None
    return tuple(found)


def fold(node: Node, on: date) -> Node:
    """The same for one legal day, with what is settled by the day taken out."""
    match node:
        case DayIn(since=since, until=until):
            return Const((since is None or since <= on) and (until is None or on <= until))
        case DateIn(as_of=None, after=after, up_to=up_to):
            return replace(
                node,
                after=after.at(on) if isinstance(after, Edge) else after,
                up_to=up_to.at(on) if isinstance(up_to, Edge) else up_to,
            )
        case And(parts=parts):
            return _joined(And, [fold(part, on) for part in parts], settled_by=False)
        case Or(parts=parts):
            return _joined(Or, [fold(part, on) for part in parts], settled_by=True)
        case Not(part=part):
            inner = fold(part, on)
            if isinstance(inner, Const):
                return Const(None if inner.value is None else not inner.value)
            return Not(inner)
    return node


def _joined(kind: type[And | Or], parts: list[Node], *, settled_by: bool) -> Node:
    if Const(settled_by) in parts:
        return Const(settled_by)
    left = tuple(part for part in parts if part != Const(not settled_by))
    if not left:
        return Const(not settled_by)
    return left[0] if len(left) == 1 else kind(left)


# ---- from the catalogue


class Lowering:
    """Makes rules and conditions of what the catalogue says."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def rule(self, service: PublicService) -> Rule:
        requirement = service.eligibility
        if service.scope != "per_deceased" and all(one.fact != ALIVE.fact for one in criteria(requirement)):
            requirement = AllOf(parts=(ALIVE, *requirement.parts))
        in_force = (
            DayIn(service.valid_from, service.valid_to)
            if service.valid_from is not None or service.valid_to is not None
            else None
        )
        tree = self.requirement(requirement, service)
        return Rule(service=service, requirement=requirement, tree=tree, in_force=in_force)

    def requirement(self, requirement: Requirement, service: PublicService | None = None) -> Node:
        """A condition; the service says which date chooses its parameters (else the legal day does)."""
        match requirement:
            case Criterion():
                return self._criterion(requirement, service)
            case AllOf(parts=parts):
                return And(tuple(self.requirement(part, service) for part in parts))
            case AnyOf(parts=parts):
                return Or(tuple(self.requirement(part, service) for part in parts))
            case NotRequired(part=part):
                return Not(self.requirement(part, service))

    def tier(self, by: str, tier: Tier) -> Node:
        """That the fact which chooses a step lies in this one."""
        bounds: list[tuple[Operator, int | Span | str | None]] = [
            ("gte", tier.at_least), ("gt", tier.above), ("lte", tier.up_to), ("lt", tier.below), ("eq", tier.equals),
        ]  # fmt: skip
        return And(
            tuple(self.requirement(Criterion(fact=by, op=op, value=bound)) for op, bound in bounds if bound is not None)
        )

    def chosen(self, service: PublicService | None, since: date | None, until: date | None) -> Node:
        """That the date by which the service chooses its dated values lies in a period, both days included."""
        if since is None and until is None:
            return Const(True)
        day = choosing_fact(service)
        if day is not None:
            return DateIn(day, None if since is None else since - _DAY, until)
        by: ChooseBy | None = None if service is None else service.choose_by
        if by == "payment_month":
            # The first day of the month lies in the period.
            return DayIn(
                since if since is None or since.day == 1 else month_end(since) + _DAY,
                None if until is None else month_end(until),
            )
        if by == "event_date":
            # The last day of the tax year that is being filed for, the year before.
            last = None if until is None else until.year + ((until.month, until.day) == (12, 31))
            return DayIn(
                None if since is None else date(since.year + 1, 1, 1), None if last is None else date(last, 12, 31)
            )
        return DayIn(since, until)

    def _criterion(self, criterion: Criterion, service: PublicService | None) -> Node:
        fact = self._catalogue.fact(criterion.fact)
        if fact is None:
            raise RuleWrong(f"{criterion.fact} is not a fact of the catalogue")
        if not isinstance(criterion.value, ParameterRef):
            return _compared(fact, criterion.op, criterion.value)
        parameter = self._catalogue.parameter(criterion.value.parameter)
        if parameter is None:
            raise RuleWrong(f"{criterion.value.parameter} is not a parameter of the catalogue")
        branches: list[Node] = []
        for value in parameter.values:
            comparison = _compared(fact, criterion.op, value.value)
            when = self.chosen(service, value.valid_from, value.valid_to)
            branches.append(comparison if when == Const(True) else And((when, comparison)))
        # What the law said before and after the periods that are known is not known.
        first, last = parameter.values[0].valid_from, parameter.values[-1].valid_to
        if first is not None:
            branches.append(And((self.chosen(service, None, first - _DAY), Const(None))))
        if last is not None:
            branches.append(And((self.chosen(service, last + _DAY, None), Const(None))))
        return branches[0] if len(branches) == 1 else Or(tuple(branches))


ALIVE = Criterion(fact="person.alive", op="eq", value=True)
"""Asked of everyone and written nowhere."""


def choosing_fact(service: PublicService | None) -> str | None:
    """The date fact by which a service chooses its dated values; None where the legal day itself does.

    The day on which a transfer is registered is the legal day: who asks, asks as if it were today.
    """
    match None if service is None else service.choose_by:
        case "birth_date":
            return "child.birth_date"
        case "job_end":
            return "employment.end_date"
        case "death":
            return "deceased.death_date"
        case "event_date":
            match None if service is None or service.deadline is None else service.deadline.anchor:
                case FactDay(fact=fact):
                    return fact
                case None:
                    return None
                case other:
                    raise RuleWrong(f"{other} can't choose an amount: it is no date fact")
    return None


def _compared(fact: Fact, op: Operator, value: object) -> Node:
    if op == "happened" or op == "did_not_happen":
        happened = DateIn(fact.path, None, TODAY)
        return happened if op == "happened" else Not(happened)
    if op == "in" or op == "not_in":
        if not isinstance(value, tuple):
            raise RuleWrong(f"{fact.path}: {op} wants a list")
        if fact.derived is not None:
            among = tuple(_compared(fact, "eq" if op == "in" else "ne", one) for one in value)
            return Or(among) if op == "in" else And(among)
        return InSet(fact.path, value, negated=op == "not_in")
    match value:
        case bool():
            return Flag(fact.path, value == (op == "eq"))
        case str():
            return InSet(fact.path, (value,), negated=op == "ne")
    if fact.derived is not None:
        return _counted(fact, fact.derived, op, value)
    match value:
        case date():
            return _dated(fact.path, op, value)
        case int() | Decimal():
            return Compare(fact.path, op, value)
    raise RuleWrong(f"{fact.path} can't be compared with {value!r}")


def _dated(fact: str, op: Ordering, day: date) -> Node:
    match op:
        case "eq":
            return DateIn(fact, day - _DAY, day)
        case "ne":
            return Or((DateIn(fact, None, day - _DAY), DateIn(fact, day, None)))
        case "gt":
            return DateIn(fact, day, None)
        case "gte":
            return DateIn(fact, day - _DAY, None)
        case "lt":
            return DateIn(fact, None, day - _DAY)
        case "lte":
            return DateIn(fact, None, day)


def _counted(fact: Fact, derived: Derived, op: Ordering, value: object) -> Node:
    """A count from a date: more of it means an earlier date."""
    as_of, from_eve = _counted_to(derived)
    if derived.basis == "fiscal_year_of_first_month":
        return _turning(fact, derived, op, value)
    # A count since a day that is still to come doesn't exist, and neither is one ever negative.
    exists = replace(TODAY, from_eve=from_eve) if derived.direction == "since" else None

    def reached(more: int) -> Edge | None:
        """Up to where the count is at least the value and so much more; None: it always is."""
        edge, is_always = _edge(fact, derived, value, more)
        return None if is_always else replace(edge, from_eve=from_eve)

    def between(after: Edge | None, up_to: Edge | None) -> Node:
        return DateIn(derived.date_fact, after, up_to or exists, as_of)

    at_least, more_than = reached(0), reached(1)
    match op:
        case "gte":
            return between(None, at_least)
        case "gt":
            return between(None, more_than)
        case "lt":
            return Const(False) if at_least is None else between(at_least, None)
        case "lte":
            return Const(False) if more_than is None else between(more_than, None)
        case "eq":
            return Const(False) if more_than is None else between(more_than, at_least)
        case "ne":
            above = between(None, more_than)
            return above if at_least is None else Or((above, between(at_least, None)))


def _turning(fact: Fact, derived: Derived, op: Ordering, value: object) -> Node:
    """The fiscal year in which something begins at an age: more of it means a later birth."""
    years, leap_day = derived.years or 0, derived.leap_day or "following"
    bounds: list[Edge | date]
    match value:
        case Computed(plus=plus):
            edge = Edge(unit="fiscal_years", count=plus, turned=years, leap_day=leap_day)
            bounds = [edge.more(-1), edge]
        case int():
            bounds = [latest_turning(value - 1, years, leap_day), latest_turning(value, years, leap_day)]
        case _:
            raise RuleWrong(f"{fact.path} can't be compared with {value!r}")
    born, before, up_to = derived.date_fact, bounds[0], bounds[1]
    match op:
        case "gte":
            return DateIn(born, before, None)
        case "gt":
            return DateIn(born, up_to, None)
        case "lt":
            return DateIn(born, None, before)
        case "lte":
            return DateIn(born, None, up_to)
        case "eq":
            return DateIn(born, before, up_to)
        case "ne":
            return Or((DateIn(born, None, before), DateIn(born, up_to, None)))


def _edge(fact: Fact, derived: Derived, value: object, more: int) -> tuple[Edge, bool]:
    """Where the count reaches the value and so much more; and whether no count since a day can lie below that."""
    match value:
        case Span(days=days) if days:
            return Edge(unit="days", count=days, lag=more), False
        case Span(years=years, months=months):
            return Edge(unit="months", count=12 * years + months, lag=more), False
        case int() if not isinstance(value, bool):
            count = value + more
        case _:
            raise RuleWrong(f"{fact.path} can't be compared with {value!r}")
    is_always = derived.direction == "since" and count <= 0
    if derived.basis == "calendar_year_be":
        return Edge(unit="be_years", count=count), is_always
    match derived.unit:
        case "year":
            edge = Edge(
                unit="years",
                count=count,
                leap_day=derived.leap_day or "following",
                attained=derived.attained or "birthday",
            )
        case "month":
            edge = Edge(unit="months", count=count)
        case "week":
            edge = Edge(unit="days", count=7 * count)
        case _:
            edge = Edge(unit="days", count=count)
    if derived.direction == "until" and derived.unit != "day":
        raise RuleWrong(f"{fact.path}: what is counted until a date is counted in days")
    return edge, is_always


def _counted_to(derived: Derived) -> tuple[str | None, bool]:
    """The date that a count runs to where it isn't the legal day; and whether it is the eve of the fiscal year."""
    match derived.as_of:
        case None:
            return None, False
        case FactDay(fact=fact):
            return fact, False
        case AnnouncedDay(event_date="fiscal_year_eve"):
            return None, True
        case AnnouncedDay(event_date=event_date):
            return event_date, False
