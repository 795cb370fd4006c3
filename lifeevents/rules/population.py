"""Rules as Polars expressions: a whole population at once, in the same three values.

A table's columns are called as the facts: `person.birth_date`. Null is *not known*. That something did not happen is a
value: it stands in a Boolean column of its own, `licence.expiry_date__none`, true where it is known that there is none
(the fact itself is null there); a table without that column knows of nobody that it did not happen. Of a date that is not
wholly known the table holds the first day that it may be; how much of it is known stands in
`person.birth_date__precision`, for people to read: no rule does.

Polars' own &, | and ~ on nullable Booleans are Kleene's, and its comparisons and `is_in` give null for null. Two things
are not its own: what did not happen makes every comparison false, and a comparison of two dates of the same person is
null where either is null, even where one bound alone would settle it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property, reduce
from typing import Final

import polars as pl

from lifeevents.catalogue.model import Fact
from lifeevents.rules.calendar import Edge
from lifeevents.rules.ir import (
    And,
    Compare,
    Const,
    DateIn,
    DayIn,
    DidNotHappen,
    Flag,
    InSet,
    Leaf,
    Node,
    Not,
    Or,
    RuleWrong,
    asked,
    fold,
    leaves,
)

NONE: Final = "__none"
PRECISION: Final = "__precision"
PRECISIONS: Final = ("DAY", "MONTH", "YEAR")

Announced = Mapping[str, date | DidNotHappen]
"""Days that an agency announces for everybody (`election.day`), where they are no column."""

_Bound = Callable[[Edge | DayIn], pl.Expr]
_Columns = Mapping[str, pl.Expr]
_ORDER: Final[dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip
_UNKNOWN: Final = pl.lit(None, dtype=pl.Boolean)


class Columnar:
    """Conditions by name, as columns over a table of that schema. A condition that several share is computed once."""

    def __init__(
        self, nodes: Mapping[str, Node], *, schema: Mapping[str, pl.DataType], announced: Announced | None = None
    ) -> None:
        self._nodes = {name: _settled(node, announced or {}) for name, node in nodes.items()}
        self._schema = schema
        self._moving = {
            moving: f"_c{number}" for number, moving in enumerate(dict.fromkeys(_moving(self._nodes.values())))
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the table that are looked at."""
        facts = dict.fromkeys(fact for node in self._nodes.values() for fact in asked(node))
        return tuple(column for fact in facts for column in (fact, fact + NONE) if column in self._schema)

    def on(self, table: pl.LazyFrame, day: date, *, keep: Sequence[str] = ()) -> pl.LazyFrame:
        """One nullable Boolean column for each condition, on one legal day, beside the columns kept."""
        folded = {name: fold(node, day) for name, node in self._nodes.items()}
        return _put(table, *self._expressions(folded, _never), keep)

    def over(self, table: pl.LazyFrame, *, keep: Sequence[str] = ()) -> pl.LazyFrame:
        """The same where each row has a legal day of its own: its row of `constants` stands beside the facts."""
        return _put(table, *self._moved, keep)

    @cached_property
    def _moved(self) -> tuple[_Columns, _Columns]:
        return self._expressions(self._nodes, lambda moving: pl.col(self._moving[moving]))

    def constants(self, days: Sequence[date]) -> pl.DataFrame:
        """What the rules' moving parts are on each of these days, one row a day."""
        found: dict[str, pl.Series] = {"day": pl.Series(days, dtype=pl.Date)}
        for moving, name in self._moving.items():
            match moving:
                case Edge():
                    found[name] = pl.Series([moving.at(day) for day in days], dtype=pl.Date)
                case DayIn():
                    found[name] = pl.Series([holds(moving, day) for day in days], dtype=pl.Boolean)
        return pl.DataFrame(found)

    @property
    def passing(self) -> tuple[tuple[str, str], ...]:
        """The dates that flip something as days go by: a fact, and the column of `constants` that it is held against."""
        edges = dict.fromkeys(edge for node in self._nodes.values() for edge in _edges(node, self._schema))
        return tuple((fact, self._moving[edge]) for fact, edge in edges)

    def _expressions(self, nodes: Mapping[str, Node], bound: _Bound) -> tuple[_Columns, _Columns]:
        """What several may share, then each condition made of that."""
        tests: dict[Leaf, pl.Expr] = {}
        for node in nodes.values():
            for leaf in leaves(node):
                if leaf not in tests and not isinstance(leaf, Const):
                    tests[leaf] = self._test(leaf, bound)
        shared = {leaf: f"_{number}" for number, leaf in enumerate(tests)}
        return (
            {shared[leaf]: test for leaf, test in tests.items()},
            {name: _joined(node, shared) for name, node in nodes.items()},
        )

    def _test(self, leaf: Leaf, bound: _Bound) -> pl.Expr:
        match leaf:
            case DayIn():
                return bound(leaf)
            case DateIn(as_of=str(as_of)):
                return self._pair(leaf, as_of)
            case Const():
                raise AssertionError("a constant is no column")
        fact = leaf.fact
        if fact not in self._schema:
            return _UNKNOWN
        column = pl.col(fact)
        match leaf:
            case Flag(value=value):
                test = column if value else ~column
            case InSet(values=values, negated=negated):
                test = _among(column, self._schema[fact], values)
                test = ~test if negated else test
            case Compare(op=op, value=number):
                test = _ORDER[op](column, _literal(number))
            case DateIn(after=after, up_to=up_to):
                bounds = [] if after is None else [column > _day(after, bound)]
                bounds += [] if up_to is None else [column <= _day(up_to, bound)]
                test = reduce(operator.and_, bounds) if bounds else _known(column, is_so=True)
        return self._happened(test, fact)

    def _pair(self, leaf: DateIn, as_of: str) -> pl.Expr:
        """One date of a person held against another of theirs."""
        start, end = (
            pl.col(fact) if fact in self._schema else pl.lit(None, dtype=pl.Date) for fact in (leaf.fact, as_of)
        )
        bounds = []
        if leaf.after is not None:
            bounds.append(_reached(leaf.after, start) > end if isinstance(leaf.after, Edge) else start > leaf.after)
        if leaf.up_to is not None:
            bounds.append(_reached(leaf.up_to, start) <= end if isinstance(leaf.up_to, Edge) else start <= leaf.up_to)
        test = reduce(operator.and_, bounds) if bounds else pl.lit(True)
        test = pl.when(start.is_not_null() & end.is_not_null()).then(test)
        return self._happened(self._happened(test, leaf.fact), as_of)

    def _happened(self, test: pl.Expr, fact: str) -> pl.Expr:
        return test & ~pl.col(fact + NONE).fill_null(False) if fact + NONE in self._schema else test


def can_hold(node: Node, columns: Mapping[str, pl.DataType], announced: Announced | None = None) -> bool:
    """Whether anybody can be found eligible at all by a table that has no more than these columns."""
    return _can(_settled(node, announced or {}), columns, True)


def holds(period: DayIn, day: date) -> bool:
    return (period.since is None or period.since <= day) and (period.until is None or day <= period.until)


def wrong_type(fact: Fact, dtype: pl.DataType) -> str | None:
    """What the column of a fact should be of, where it isn't."""
    match fact.kind:
        case "bool":
            return None if dtype == pl.Boolean else "Boolean"
        case "int":
            return None if dtype.is_integer() else "a whole number"
        case "money" | "decimal":
            # Binary fractions can't say 0.10, and have values that are no number.
            return None if dtype.is_integer() or dtype.is_decimal() else "Decimal, or a whole number"
        case "date":
            return None if dtype == pl.Date else "Date"
        case "enum":
            words = tuple(choice.value for choice in fact.choices)
            if isinstance(dtype, pl.Enum):
                strange = set(dtype.categories) - set(words)
                return f"one of {', '.join(words)}; {min(strange)!r} is none of them" if strange else None
            return None if dtype in (pl.String, pl.Categorical) else f"a text, one of {', '.join(words)}"
        case "code" | "string":
            return None if dtype in (pl.String, pl.Categorical, pl.Enum) else "a text"


def _settled(node: Node, announced: Announced) -> Node:
    """With the days that are the same for everybody put in, so that a constant is left."""
    match node:
        case And(parts=parts):
            return And(tuple(_settled(part, announced) for part in parts))
        case Or(parts=parts):
            return Or(tuple(_settled(part, announced) for part in parts))
        case Not(part=part):
            return Not(_settled(part, announced))
        case DateIn(fact=fact, after=after, up_to=up_to, as_of=str(as_of)) if as_of in announced:
            day = announced[as_of]
            if isinstance(day, DidNotHappen):
                return Const(False)
            return DateIn(
                fact,
                after.at(day) if isinstance(after, Edge) else after,
                up_to.at(day) if isinstance(up_to, Edge) else up_to,
            )
    return node


def _moving(nodes: Iterable[Node]) -> list[Edge | DayIn]:
    found: list[Edge | DayIn] = []
    for node in nodes:
        for leaf in leaves(node):
            match leaf:
                case DayIn():
                    found.append(leaf)
                case DateIn(after=after, up_to=up_to, as_of=None):
                    found += [bound for bound in (after, up_to) if isinstance(bound, Edge)]
    return found


def _edges(node: Node, schema: Mapping[str, pl.DataType]) -> list[tuple[str, Edge]]:
    return [
        (leaf.fact, bound)
        for leaf in leaves(node)
        if isinstance(leaf, DateIn) and leaf.as_of is None and leaf.fact in schema
        for bound in (leaf.after, leaf.up_to)
        if isinstance(bound, Edge)
    ]


def _can(node: Node, columns: Mapping[str, pl.DataType], wanted: bool) -> bool:
    match node:
        case And(parts=parts):
            return (all if wanted else any)(_can(part, columns, wanted) for part in parts)
        case Or(parts=parts):
            return (any if wanted else all)(_can(part, columns, wanted) for part in parts)
        case Not(part=part):
            return _can(part, columns, not wanted)
        case Const(value=value):
            return value is wanted
    return all(fact in columns for fact in asked(node))


def _put(table: pl.LazyFrame, tests: _Columns, conditions: _Columns, keep: Sequence[str]) -> pl.LazyFrame:
    return table.with_columns(**tests).with_columns(**conditions).select(*keep, *conditions)


def _joined(node: Node, shared: Mapping[Leaf, str]) -> pl.Expr:
    match node:
        case And(parts=parts):
            return reduce(operator.and_, (_joined(part, shared) for part in parts)) if parts else pl.lit(True)
        case Or(parts=parts):
            return reduce(operator.or_, (_joined(part, shared) for part in parts)) if parts else pl.lit(False)
        case Not(part=part):
            return ~_joined(part, shared)
        case Const(value=value):
            return pl.lit(value, dtype=pl.Boolean)
    return pl.col(shared[node])


def _among(column: pl.Expr, dtype: pl.DataType, values: Sequence[str] | Sequence[int]) -> pl.Expr:
    among: list[str] | list[int] = list(values)  # type: ignore[assignment]  # all texts or all numbers
    if isinstance(dtype, pl.Enum):  # which refuses to be compared with a word it doesn't have
        words = dtype.categories.to_list()
        among = [value for value in values if value in words]  # type: ignore[assignment]  # texts
    if not among:
        return _known(column, is_so=False)
    return reduce(operator.or_, (column == value for value in among)) if len(among) < 4 else column.is_in(among)


def _known(column: pl.Expr, *, is_so: bool) -> pl.Expr:
    """So for whoever it is known of."""
    return pl.when(column.is_not_null()).then(pl.lit(is_so))


def _literal(number: int | Decimal) -> pl.Expr:
    return pl.lit(int(number) if number == int(number) else number)


def _day(bound: Edge | date, moving: _Bound) -> pl.Expr:
    return moving(bound) if isinstance(bound, Edge) else pl.lit(bound)


def _reached(edge: Edge, start: pl.Expr) -> pl.Expr:
    """`Edge.reached` for a column of dates."""
    match edge.unit:
        case _ if edge.from_eve:
            found = None
        case "days":
            found = start + pl.duration(days=edge.count)
        case "months":
            found = start.dt.offset_by(f"{edge.count}mo")
        case "years":
            found = start.dt.offset_by(f"{edge.count}y")
            if edge.leap_day == "following":
                is_lost = (start.dt.month() == 2) & (start.dt.day() == 29) & (found.dt.day() == 28)
                found = found + pl.duration(days=is_lost.cast(pl.Int64))
            if edge.attained == "eve":
                found = found - pl.duration(days=1)
        case _:
            found = None
    if found is None:
        raise RuleWrong(f"{edge} can't be counted to a date of somebody's own")
    return found + pl.duration(days=edge.lag) if edge.lag else found


def _never(moving: Edge | DayIn) -> pl.Expr:
    raise AssertionError(f"{moving} moves still")
