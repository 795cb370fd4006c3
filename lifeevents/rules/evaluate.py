"""The plain reader of a rule: one node, one person, one day. For whoever walks a tree and wants each part's value."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from foundation.dates import PartialDate
from lifeevents.rules.calendar import Edge
from lifeevents.rules.ir import (
    DID_NOT_HAPPEN,
    And,
    Compare,
    Const,
    DateIn,
    DayIn,
    DidNotHappen,
    Facts,
    Flag,
    InSet,
    Node,
    Not,
    Or,
    asked,
    leaves,
)

_DAY: Final = timedelta(days=1)
_ORDER: Final = {"eq": eq, "ne": ne, "gt": gt, "gte": ge, "lt": lt, "lte": le}


def evaluate(node: Node, facts: Facts, on: date) -> bool | None:
    match node:
        case Flag():
            value = facts.get(node.fact)
            return None if value is None else value is node.value
        case InSet():
            value = facts.get(node.fact)
            if value is None or value is DID_NOT_HAPPEN:
                return None if value is None else False
            return (value in node.values) is not node.negated
        case DateIn():
            return _lies_in(node, facts, on)
        case Compare():
            number = facts.get(node.fact)
            if number is None or number is DID_NOT_HAPPEN:
                return None if number is None else False
            return bool(_ORDER[node.op](number, node.value))
        case And():
            return all_of([evaluate(part, facts, on) for part in node.parts])
        case Or():
            return any_of([evaluate(part, facts, on) for part in node.parts])
        case Not():
            inner = evaluate(node.part, facts, on)
            return None if inner is None else not inner
        case DayIn():
            return (node.since is None or node.since <= on) and (node.until is None or on <= node.until)
        case Const():
            return node.value


def all_of(parts: list[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def any_of(parts: list[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False


def missing(node: Node, facts: Facts, on: date) -> tuple[str, ...]:
    """The facts that are not known and keep this unknown; none where it is decided."""
    found: dict[str, None] = {}
    _collect(node, facts, on, found)
    return tuple(found)


def flips(node: Node, facts: Facts) -> set[date]:
    """The legal days on which a node may change, the facts being what they are."""
    found: set[date] = set()
    for leaf in leaves(node):
        match leaf:
            case DateIn(as_of=None):
                start = day_of(facts, leaf.fact)
                if isinstance(start, date):
                    found.update(bound.reached(start) for bound in (leaf.after, leaf.up_to) if isinstance(bound, Edge))
            case DayIn(since=since, until=until):
                found.update(day for day in (since, None if until is None else until + _DAY) if day is not None)
    return found


def day_of(facts: Facts, name: str) -> date | DidNotHappen | None:
    """A date as it counts: of one that is not wholly known, the first day that it may be (CCC, section 16)."""
    value: Any = facts.get(name)
    return value.earliest if isinstance(value, PartialDate) else value


def number_of(value: object) -> int | Decimal | None:
    return value if type(value) is int or type(value) is Decimal else None


def _lies_in(node: DateIn, facts: Facts, on: date) -> bool | None:
    start = day_of(facts, node.fact)
    end: date | DidNotHappen | None = on if node.as_of is None else day_of(facts, node.as_of)
    if isinstance(start, DidNotHappen) or isinstance(end, DidNotHappen):
        return False
    if start is None or end is None:
        return None
    after, up_to = node.after, node.up_to
    if after is not None and start <= (after.at(end) if isinstance(after, Edge) else after):
        return False
    return up_to is None or start <= (up_to.at(end) if isinstance(up_to, Edge) else up_to)


def _collect(node: Node, facts: Facts, on: date, found: dict[str, None]) -> None:
    if evaluate(node, facts, on) is not None:
        return
    match node:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                _collect(part, facts, on, found)
        case Not(part=part):
            _collect(part, facts, on, found)
        case _:
            found.update(dict.fromkeys(fact for fact in asked(node) if facts.get(fact) is None))
