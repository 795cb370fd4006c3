"""How much: which rows of a service's amounts apply on a day, and what they come to.

Rows about one item compete: valid on the day that the service chooses by, `when` true, the most specific wins. Where a
more specific one could still turn out to hold, the amount is unknown: telling the other would promise it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lifeevents.catalogue.model import (
    Amount,
    Catalogue,
    Confidence,
    Formula,
    OneOf,
    ParameterRef,
    ParameterValue,
    PublicService,
    Range,
    Tier,
    criteria,
)
from lifeevents.rules.evaluate import evaluate, missing
from lifeevents.rules.explain import chosen_day
from lifeevents.rules.ir import And, Facts, Lowering, Node, Rule, choosing_fact

_MONEY = "THB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One row that applies, with its value found."""

    row: Amount
    value: int | Decimal | Formula | Range | OneOf | None  # None: the catalogue doesn't know it
    tier: Tier | None
    parameter: ParameterValue | None

    @property
    def confidence(self) -> Confidence | None:
        return self.row.confidence or (self.parameter.confidence if self.parameter else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAmount:
    """What one item comes to. `main` is None where it is unknown: then `missing` says which facts would tell.

    `total` adds the top-ups, where all are sums of money in the same unit; it is None while any of them is unknown.
    """

    item: str
    main: Part | None
    top_ups: tuple[Part, ...]
    total: int | Decimal | None
    missing: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        return self.main is not None and not self.missing


class Amounts:
    def __init__(self, catalogue: Catalogue, lowering: Lowering) -> None:
        self._parameters = {parameter.id: parameter for parameter in catalogue.parameters}
        self._lowering = lowering
        self._rows: dict[int, _Row] = {}

    def amount(self, rule: Rule, facts: Facts, on: date) -> tuple[ItemAmount, ...]:
        """Each item that applies or may, in reading order; none of those that certainly don't."""
        service = rule.service
        found: list[ItemAmount] = []
        for item in dict.fromkeys(amount.item for amount in service.amounts):
            rows = [self._row(service, amount) for amount in service.amounts if amount.item == item]
            one = self._item(item, rows, service, facts, on)
            if one is not None:
                found.append(one)
        return tuple(found)

    def _item(
        self, item: str, rows: Sequence[_Row], service: PublicService, facts: Facts, on: date
    ) -> ItemAmount | None:
        unknown: dict[str, None] = {}
        winner: _Row | None = None
        main: Part | None = None
        # The most specific first; what is behind the winner doesn't matter.
        for row in sorted((row for row in rows if not row.amount.is_top_up), key=lambda row: -row.weight):
            holds = evaluate(row.when, facts, on)
            if holds is None:
                unknown.update(dict.fromkeys(missing(row.when, facts, on)))
                break
            if holds:
                winner = row
                break
        else:
            return None
        if winner is not None:
            main, needed = self._part(winner, service, facts, on)
            unknown.update(dict.fromkeys(needed))
        top_ups: list[Part] = []
        for row in (row for row in rows if row.amount.is_top_up):
            holds = evaluate(row.when, facts, on)
            if holds is None:
                unknown.update(dict.fromkeys(missing(row.when, facts, on)))
            elif holds:
                part, needed = self._part(row, service, facts, on)
                unknown.update(dict.fromkeys(needed))
                if part is not None:
                    top_ups.append(part)
        if main is None and not unknown:
            return None  # no step is this person's
        return ItemAmount(
            item=item,
            main=main,
            top_ups=tuple(top_ups),
            total=None if main is None or unknown else _total([main, *top_ups]),
            missing=tuple(unknown),
        )

    def _part(self, row: _Row, service: PublicService, facts: Facts, on: date) -> tuple[Part | None, tuple[str, ...]]:
        """What the row comes to, or the facts that would tell; neither where no step is this person's."""
        amount = row.amount
        for tier, node in row.tiers:
            holds = evaluate(node, facts, on)
            if holds is None:
                return None, missing(node, facts, on)
            if holds:
                return Part(row=amount, value=tier.value, tier=tier, parameter=None), ()
        if isinstance(amount.value, ParameterRef):
            day = chosen_day(service, facts, on)
            if not isinstance(day, date):
                fact = choosing_fact(service)
                return None, () if fact is None or day is not None else (fact,)
            parameter = self._parameters[amount.value.parameter].on(day)
            return Part(
                row=amount, value=None if parameter is None else parameter.value, tier=None, parameter=parameter
            ), ()
        return (None if row.tiers else Part(row=amount, value=amount.value, tier=None, parameter=None)), ()

    def _row(self, service: PublicService, amount: Amount) -> _Row:
        found = self._rows.get(id(amount))
        if found is None:
            valid = self._lowering.chosen(service, amount.valid_from, amount.valid_to)
            when = valid if amount.when is None else And((valid, self._lowering.requirement(amount.when, service)))
            tiers = amount.tiers
            found = self._rows[id(amount)] = _Row(
                amount=amount,
                when=when,
                weight=len(list(criteria(amount.when))),
                tiers=tuple((tier, self._lowering.tier(tiers.by, tier)) for tier in tiers.steps) if tiers else (),
            )
        return found


@dataclass(frozen=True, slots=True)
class _Row:
    amount: Amount
    when: Node  # valid, and its own condition
    weight: int  # how specific it is
    tiers: tuple[tuple[Tier, Node], ...]


def _total(parts: Sequence[Part]) -> int | Decimal | None:
    total: int | Decimal = 0
    for part in parts:
        if part.row.unit != _MONEY or not isinstance(part.value, int | Decimal):
            return None
        total += part.value
    return total
