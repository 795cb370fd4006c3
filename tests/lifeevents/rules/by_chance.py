"""Facts by chance, near the places where something flips: for tests that hold the readers of a rule together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl

from foundation.dates import PartialDate, Precision
from lifeevents.catalogue.model import Catalogue
from lifeevents.rules.calendar import Edge
from lifeevents.rules.ir import DID_NOT_HAPPEN, Compare, DateIn, Facts, FactValue, InSet, Rule, asked, leaves
from lifeevents.rules.population import NONE, PRECISION, PRECISIONS

LEAP_DAYS = [date(1964, 2, 29), date(2000, 2, 29), date(2020, 2, 29), date(2024, 2, 29)]


class ByChance:
    """Rows for these rules. Every fourth fact is not known, every tenth did not happen."""

    def __init__(self, catalogue: Catalogue, rules: Sequence[Rule], *, days: Sequence[date]) -> None:
        self._catalogue = catalogue
        self.facts = tuple(dict.fromkeys(fact for rule in rules for fact in asked(rule.whole)))
        self._near: dict[str, list[Any]] = {fact: [] for fact in self.facts}
        for rule in rules:
            for leaf in leaves(rule.whole):
                match leaf:
                    case DateIn(fact=fact, after=after, up_to=up_to, as_of=as_of):
                        for bound in (after, up_to):
                            for day in days:
                                if isinstance(bound, Edge):
                                    self._near[fact].append(bound.at(day))
                                    if as_of:
                                        self._near[as_of].append(bound.reached(bound.at(day)))
                                elif bound is not None:
                                    self._near[fact].append(bound)
                    case Compare(fact=fact, value=value):
                        self._near[fact].append(value)
                    case InSet(fact=fact, values=values):
                        self._near[fact] += values

    def row(self, random: Random) -> Facts:
        found: dict[str, FactValue] = {}
        for fact in self.facts:
            dice = random.random()
            if dice < 0.1:
                found[fact] = DID_NOT_HAPPEN
            elif dice < 0.75:
                found[fact] = self._value(fact, random)
        if random.random() < 0.8:
            found["person.alive"] = True
        return found

    def table(self, rows: Sequence[Facts]) -> pl.DataFrame:
        """As an extract holds them."""
        columns: dict[str, pl.Series] = {}
        for fact in self.facts:
            values = [row.get(fact) for row in rows]
            columns[fact] = pl.Series(
                [None if v is DID_NOT_HAPPEN else v.earliest if isinstance(v, PartialDate) else v for v in values],
                dtype=self._dtype(fact), strict=True,
            )  # fmt: skip
            columns[fact + NONE] = pl.Series([v is DID_NOT_HAPPEN for v in values])
            if self._kind(fact) == "date":
                columns[fact + PRECISION] = pl.Series(
                    [v.precision if isinstance(v, PartialDate) else None if v is None else "DAY" for v in values],
                    dtype=pl.Enum(PRECISIONS),
                )  # fmt: skip
        return pl.DataFrame(columns)

    def _kind(self, path: str) -> str:
        fact = self._catalogue.fact(path)
        return fact.kind if fact else "date"  # a day that an agency announces

    def _dtype(self, path: str) -> pl.DataType:
        fact = self._catalogue.fact(path)
        match self._kind(path):
            case "bool":
                return pl.Boolean()
            case "int":
                return pl.Int16()
            case "money" | "decimal":
                return pl.Decimal(20, 2)
            case "date":
                return pl.Date()
            case "enum":
                assert fact
                return pl.Enum([choice.value for choice in fact.choices])
        return pl.String()

    def _value(self, path: str, random: Random) -> Any:
        fact = self._catalogue.fact(path)
        near = random.choice(self._near[path]) if self._near[path] and random.random() < 0.8 else None
        match self._kind(path):
            case "bool":
                return random.random() < 0.6
            case "int":
                return max(0, (near if near is not None else random.randrange(300)) + random.randrange(-1, 2))
            case "money" | "decimal":
                return Decimal(near if near is not None else random.randrange(500_000)) + Decimal(
                    random.choice(["0", "0.01", "1", "-0.01", "-1"])
                )
            case "enum":
                assert fact
                return near or random.choice(fact.choices).value
            case "date":
                day = self._day(near, random)
                precision: Precision = random.choice(["DAY", "DAY", "DAY", "MONTH", "YEAR"])
                if path.endswith("birth_date") and precision != "DAY":
                    return PartialDate(day.replace(day=1, month=day.month if precision == "MONTH" else 1), precision)
                return day
        return near or "x"

    def _day(self, near: date | None, random: Random) -> date:
        if near is not None and date(1850, 1, 1) < near < date(2150, 1, 1):
            return near + timedelta(days=random.randrange(-1, 2))
        if random.random() < 0.2:
            return random.choice(LEAP_DAYS)
        return date(1930, 1, 1) + timedelta(days=random.randrange(36_000))
