"""Whether a condition can hold at all: of somebody, on some day. One that never can is a slip of whoever wrote it.

A fact matters to a condition only by which side of each comparison it lies on, so a few values of each (every bound, one
more, one less) stand for all. They are tried as a person would: one comparison after the other, going back where two
can't be met at once. What is found is a witness, somebody for whom the plain reader says that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Final

from lifeevents.catalogue.model import Fact
from lifeevents.rules.calendar import Edge
from lifeevents.rules.evaluate import evaluate
from lifeevents.rules.ir import (
    DID_NOT_HAPPEN,
    And,
    Compare,
    Const,
    DateIn,
    DayIn,
    FactValue,
    Flag,
    InSet,
    Leaf,
    Node,
    Not,
    Or,
    asked,
    leaves,
)

_DAY: Final = timedelta(days=1)
_YEAR: Final = 2026
_ENOUGH: Final = 100_000  # comparisons
_MOST: Final = 100  # that must hold together
_OLDEST, _LAST = date(1850, 1, 1), date(2200, 12, 31)
# Days on which the laws' calendars turn, and one in each month.
DAYS: Final = (
    *(date(_YEAR, month, 1) for month in range(1, 13)),
    date(_YEAR, 9, 2), date(_YEAR, 9, 30), date(_YEAR, 12, 31), date(2028, 2, 29),
)  # fmt: skip

_Literal = tuple[Leaf, bool]
Given = Mapping[str, FactValue]
"""What is settled beforehand: a date that brings the day itself."""


class Possible:
    """Finds witnesses. `facts` are the catalogue's, for what each can be.

    It tries so much and no more: then it believes what it is asked, with a witness that says nothing.
    """

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts
        self._left = _ENOUGH

    def rest(self) -> None:
        """Try as much again."""
        self._left = _ENOUGH

    def ever(self, node: Node) -> bool:
        """Whether there is a day on which somebody can meet it."""
        return any(self.witness(node, day) is not None for day in days_for(node))

    def witness(self, node: Node, on: date, given: Given | None = None) -> dict[str, FactValue] | None:
        """The facts of somebody who meets it on that day; None where nobody can."""
        if self._left <= 0:
            return {}
        search = _Search(self._facts, on, given or {}, self._left)
        found = search.find([(node, True)], ())
        self._left = search.left
        return found


class _Search:
    def __init__(self, facts: Mapping[str, Fact], on: date, given: Given, left: int) -> None:
        self._facts = facts
        self._on = on
        self._given = given
        self.left = left

    def find(self, wanted: Sequence[tuple[Node, bool]], met: tuple[_Literal, ...]) -> dict[str, FactValue] | None:
        """Facts that make each of these nodes true or false as wanted, with what is to be met already."""
        if not wanted:
            return self._assigned(met)
        self.left -= 1
        if self.left <= 0 or len(met) > _MOST:
            return {}
        (node, is_wanted), *rest = wanted
        match node:
            case Not(part=part):
                return self.find([(part, not is_wanted), *rest], met)
            case And(parts=parts) | Or(parts=parts):
                if isinstance(node, And) is is_wanted:
                    return self.find([*((part, is_wanted) for part in parts), *rest], met)
                found = (self.find([(part, is_wanted), *rest], met) for part in parts)
                return next((one for one in found if one is not None), None)
            case Const() | DayIn():
                return self.find(rest, met) if evaluate(node, {}, self._on) is is_wanted else None
        literal = (node, is_wanted)
        if literal in met:
            return self.find(rest, met)
        group = _linked(literal, met)
        return self.find(rest, (*met, literal)) if self._values(group) is not None else None

    def _assigned(self, met: Sequence[_Literal]) -> dict[str, FactValue]:
        found: dict[str, FactValue] = {}
        for literal in met:
            if not set(asked(literal[0])) <= set(found):
                found |= self._values(_linked(literal, met)) or {}
        return found

    def _values(self, group: Sequence[_Literal]) -> dict[str, FactValue] | None:
        """Values of the few facts that these comparisons share, such that each comes out as it should."""
        names = tuple(dict.fromkeys(fact for leaf, _ in group for fact in asked(leaf)))
        candidates = self._candidates(names, [leaf for leaf, _ in group])
        for values in product(*(candidates[name] for name in names)):
            self.left -= len(group)
            if self.left <= 0:
                return {}
            facts = dict(zip(names, values, strict=True))
            if all(evaluate(leaf, facts, self._on) is is_wanted for leaf, is_wanted in group):
                return facts
        return None

    def _candidates(self, names: Iterable[str], group: Sequence[Leaf]) -> dict[str, Sequence[FactValue]]:
        found: dict[str, dict[FactValue, None]] = {name: {} for name in names}
        for leaf in group:
            match leaf:
                case Flag(fact=fact):
                    found[fact] |= dict.fromkeys((True, False))
                case InSet(fact=fact, values=values):
                    found[fact] |= dict.fromkeys(self._among(fact, values))
                case Compare(fact=fact, value=value):
                    found[fact] |= dict.fromkeys(self._around(fact, value))
                case DateIn(fact=fact, after=after, up_to=up_to, as_of=None):
                    bounds = [self._bound(one, self._on) for one in (after, up_to) if one is not None]
                    found[fact] |= dict.fromkeys(_around_days([*bounds, self._on]))
        found |= {name: {self._given[name]: None} for name in found if name in self._given}
        own = {name: [day for day in days if isinstance(day, date)] for name, days in found.items()}
        for leaf in group:
            if isinstance(leaf, DateIn) and leaf.as_of is not None:
                # Each of the two dates as the other one wants it.
                starts, ends = own[leaf.fact], own[leaf.as_of] or [self._on]
                pair = [one for one in (leaf.after, leaf.up_to) if one is not None]
                reached = [one.reached(start) for one in pair if isinstance(one, Edge) for start in starts]
                found[leaf.as_of] |= dict.fromkeys([*ends, *_around_days(reached)])
                wanted = [self._bound(one, end) for one in pair for end in ends]
                found[leaf.fact] |= dict.fromkeys(_around_days([*wanted, *ends]))
        for name in found:
            if name in self._given:
                found[name] = {self._given[name]: None}
            else:
                found[name][DID_NOT_HAPPEN] = None
        return {name: tuple(values) for name, values in found.items()}

    def _among(self, fact: str, values: Sequence[str] | Sequence[int]) -> Iterator[FactValue]:
        known = self._facts.get(fact)
        yield from (one for one in values if known is None or not known.choices or one in self._choices(fact))
        if known is not None and known.choices:
            yield from self._choices(fact)
        elif known is not None and known.kind == "int":
            yield from (one for value in values if isinstance(value, int) for one in self._around(fact, value))
        else:
            yield "another"

    def _choices(self, fact: str) -> list[str]:
        return [choice.value for choice in self._facts[fact].choices]

    def _around(self, fact: str, value: int | Decimal) -> Iterator[FactValue]:
        """Numbers about a bound; what the catalogue counts and weighs is never below zero."""
        known = self._facts.get(fact)
        step = 1 if known is None or known.kind == "int" else Decimal("0.01")
        near = (int(value), int(value) - 1, int(value) + 1) if step == 1 else (value, value - step, value + step)
        yield from (one for one in near if one >= 0)

    def _bound(self, bound: Edge | date, on: date) -> date:
        return bound.at(on) if isinstance(bound, Edge) else bound


def days_for(node: Node) -> tuple[date, ...]:
    """Days that stand for all: where a law of the condition begins or ends, and where the calendars turn."""
    found: dict[date, None] = dict.fromkeys(DAYS[:1])
    for leaf in leaves(node):
        match leaf:
            case DayIn(since=since, until=until):
                found.update(dict.fromkeys(day for day in (since, until) if day is not None))
            case DateIn(after=after, up_to=up_to):
                # What happened then was new then; today it may be too long ago.
                found.update(dict.fromkeys(_around_days(one for one in (after, up_to) if isinstance(one, date))))
    return tuple(dict.fromkeys([*found, *DAYS]))


def _linked(literal: _Literal, met: Sequence[_Literal]) -> list[_Literal]:
    """The comparisons that share a fact with this one, or with one of those."""
    names, group = set(asked(literal[0])), [literal]
    left = [one for one in met if one != literal]
    while near := [one for one in left if names & set(asked(one[0]))]:
        group += near
        names.update(fact for leaf, _ in near for fact in asked(leaf))
        left = [one for one in left if one not in near]
    return group


def _around_days(days: Iterable[date]) -> Iterator[date]:
    for day in days:
        if _OLDEST < day < _LAST:
            yield from (day, day - _DAY, day + _DAY)
