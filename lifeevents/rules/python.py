"""Rules as generated Python: many services for one citizen in one function, in microseconds.

A comparison that several services make is made once. Everything that depends on the legal day is a constant passed in,
so the function is compiled once and serves any day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

from lifeevents.rules.calendar import Edge
from lifeevents.rules.ir import (
    DID_NOT_HAPPEN,
    And,
    Compare,
    Const,
    DateIn,
    DayIn,
    Flag,
    InSet,
    Leaf,
    Node,
    Not,
    Or,
    Rule,
    asked,
    leaves,
)

FALSE: Final = 0
UNKNOWN: Final = 1
TRUE: Final = 3
"""Of these three, & is the smaller and | the greater in Kleene's order: false, unknown, true."""

_NOT: Final = (TRUE, UNKNOWN, UNKNOWN, FALSE)
_CODE: Final = {False: FALSE, None: UNKNOWN, True: TRUE}
_SIGN: Final = {"eq": "==", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_DAYS_KEPT: Final = 64

Lookup = Callable[[str], Any]


class Compiled:
    """Conditions as one function. `judge` gives FALSE, UNKNOWN or TRUE for each, in their order."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._moving: list[Edge | DayIn] = []
        self._names: dict[Edge | DayIn, str] = {}
        self._fixed: dict[str, Any] = {"date": date, "N": DID_NOT_HAPPEN, "not_": _NOT, "pair": _pair}
        self.facts = tuple(dict.fromkeys(fact for node in nodes for fact in asked(node)))
        self._variables = {fact: f"v{number}" for number, fact in enumerate(self.facts)}
        self.source = self._write(nodes)
        exec(compile(self.source, "<rules>", "exec"), self._fixed)  # noqa: S102  # our own text, made of checked nodes
        self._judge: Callable[[Lookup, tuple[Any, ...]], tuple[int, ...]] = self._fixed["judge"]
        self._constants = lru_cache(maxsize=_DAYS_KEPT)(self._reckon)

    def judge(self, lookup: Lookup, on: date) -> tuple[int, ...]:
        """`lookup` is `facts.get` or the like: None for what is not known."""
        return self._judge(lookup, self._constants(on))

    def _reckon(self, on: date) -> tuple[Any, ...]:
        found: list[Any] = []
        for moving in self._moving:
            match moving:
                case Edge():
                    found.append(moving.at(on))
                case DayIn(since=since, until=until):
                    holds = (since is None or since <= on) and (until is None or on <= until)
                    found.append(_CODE[holds])
        return tuple(found)

    def _write(self, nodes: Sequence[Node]) -> str:
        tests: dict[Leaf, str] = {}
        for node in nodes:
            for leaf in leaves(node):
                if not isinstance(leaf, Const | DayIn):
                    tests.setdefault(leaf, f"t{len(tests)}")
        dates = {name for leaf in tests if isinstance(leaf, DateIn) for name in (leaf.fact, leaf.as_of) if name}
        body = [f" {variable} = get({fact!r})" for fact, variable in self._variables.items()]
        body += [
            # Of a date that is not wholly known, the first day that it may be counts.
            f" if {v} is not None and {v}.__class__ is not date and {v} is not N: {v} = {v}.earliest"
            for v in (self._variables[fact] for fact in self.facts if fact in dates)
        ]
        body += [f" {name} = {self._test(leaf)}" for leaf, name in tests.items()]
        results = "".join(f"{self._expression(node, tests)}," for node in nodes)
        unpack = [f" ({''.join(f'{name},' for name in self._names.values())}) = c"] if self._names else []
        return "\n".join(["def judge(get, c):", *unpack, *body, f" return ({results})", ""])

    def _expression(self, node: Node, tests: dict[Leaf, str]) -> str:
        match node:
            case And(parts=parts):
                return "(" + (" & ".join(self._expression(part, tests) for part in parts) or str(TRUE)) + ")"
            case Or(parts=parts):
                return "(" + (" | ".join(self._expression(part, tests) for part in parts) or str(FALSE)) + ")"
            case Not(part=part):
                return f"not_[{self._expression(part, tests)}]"
            case Const(value=value):
                return str(_CODE[value])
            case DayIn():
                return self._constant(node)
        return tests[node]

    def _test(self, leaf: Leaf) -> str:
        match leaf:
            case Flag(fact=fact, value=value):
                v = self._variables[fact]
                return f"{TRUE} if {v} is {value} else {UNKNOWN} if {v} is None else {FALSE}"
            case InSet(fact=fact, values=values, negated=negated):
                v, among = self._variables[fact], self._fix(frozenset(values))
                test = f"{v} not in {among} and {v} is not N" if negated else f"{v} in {among}"
                return f"{UNKNOWN} if {v} is None else {TRUE} if {test} else {FALSE}"
            case Compare(fact=fact, op=op, value=number):
                v = self._variables[fact]
                against = self._fix(number)
                return (
                    f"{UNKNOWN} if {v} is None else {TRUE} if {v} is not N and {v} {_SIGN[op]} {against} else {FALSE}"
                )
            case DateIn(fact=fact, after=after, up_to=up_to, as_of=None):
                v = self._variables[fact]
                bounds = [] if after is None else [f"{self._bound(after)} < "]
                bounds += [v] + ([] if up_to is None else [f" <= {self._bound(up_to)}"])
                within = f" and {''.join(bounds)}" if len(bounds) > 1 else ""
                return f"{UNKNOWN} if {v} is None else {TRUE} if {v} is not N{within} else {FALSE}"
            case DateIn(fact=fact, after=after, up_to=up_to, as_of=str(as_of)):
                return (
                    f"pair({self._variables[fact]}, {self._variables[as_of]}, {self._fix(after)}, {self._fix(up_to)})"
                )
        raise AssertionError(leaf)

    def _bound(self, bound: Edge | date) -> str:
        return self._constant(bound) if isinstance(bound, Edge) else self._fix(bound)

    def _constant(self, moving: Edge | DayIn) -> str:
        """The name of what moves with the legal day."""
        if moving not in self._names:
            self._names[moving] = f"c{len(self._names)}"
            self._moving.append(moving)
        return self._names[moving]

    def _fix(self, value: Any) -> str:
        """The name of what never moves; small numbers stand for themselves."""
        if value is None or type(value) is int:
            return repr(value)
        name = f"k{len(self._fixed)}"
        self._fixed[name] = value
        return name


def compiled(rules: Sequence[Rule]) -> Compiled:
    """All of these services for one citizen, in one function."""
    return Compiled([rule.whole for rule in rules])


def _pair(start: Any, end: Any, after: Edge | date | None, up_to: Edge | date | None) -> int:
    """One date of a person held against another of theirs."""
    if start is DID_NOT_HAPPEN or end is DID_NOT_HAPPEN:
        return FALSE
    if start is None or end is None:
        return UNKNOWN
    if after is not None and start <= (after.at(end) if isinstance(after, Edge) else after):
        return FALSE
    if up_to is not None and start > (up_to.at(end) if isinstance(up_to, Edge) else up_to):
        return FALSE
    return TRUE
