"""What a service pays, takes or grants: row by row, by period, by condition.

Rows about one item compete and the most specific wins; two that could tie are refused here, because which of them a
person gets would then depend on the order of a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lifeevents.catalogue.conditions import ConditionReader
from lifeevents.catalogue.model import (
    AllOf,
    Amount,
    Criterion,
    Formula,
    OneOf,
    ParameterRef,
    Range,
    Requirement,
    Span,
    Tier,
    Tiers,
    criteria,
)
from lifeevents.catalogue.vocabulary import CONFIDENCES, Vocabulary, check_period, needs_mark, needs_source, read_url
from lifeevents.catalogue.yaml import At, Fields


@dataclass(frozen=True, slots=True)
class _Row:
    at: At
    amount: Amount


class AmountReader:
    """What a service pays or takes, row by row; refuses two rows that could both win."""

    def __init__(self, vocabulary: Vocabulary, conditions: ConditionReader) -> None:
        self._vocabulary = vocabulary
        self._conditions = conditions

    def read(self, service: Fields) -> tuple[Amount, ...]:
        rows: list[_Row] = []
        for at in service.list("amounts"):
            row = _Row(at, self._vocabulary.stands(at, self._amount(at)))
            for earlier in rows:
                if (
                    self._is_sound(earlier.amount)
                    and self._is_sound(row.amount)
                    and _could_tie(earlier.amount, row.amount)
                ):
                    at.wrong(
                        en=f"this row and the one on line {earlier.at.line} may hold on the same day and neither is more "
                        "specific; add to when:, end a validity, or give them different items",
                        th=f"แถวนี้กับแถวบรรทัด {earlier.at.line} อาจใช้ได้ในวันเดียวกันและเจาะจงเท่ากัน "
                        "ให้เพิ่มเงื่อนไขใน when: กำหนดวันสิ้นสุด หรือแยก item",
                    )
            rows.append(row)
        return tuple(row.amount for row in rows)

    def _is_sound(self, amount: Amount) -> bool:
        """Whether its condition could be read; otherwise comparing it would only echo that problem."""
        return all(leaf.fact in self._vocabulary.facts for leaf in criteria(amount.when))

    def _amount(self, at: At) -> Amount:
        fields = at.fields()
        check_period(at, fields)
        name = fields.get("name").text()
        when, tiers, top_up, source = (fields.maybe(key) for key in ("when", "tiers", "top_up", "source"))
        value = fields.given(
            "value",
            en="the key 'value' is missing; null if it stands in tiers or isn't known",
            th="ขาดคีย์ 'value' ใช้ null ถ้าอยู่ใน tiers หรือไม่ทราบ",
        )
        found = Amount(
            name=name,
            item=fields.maybe_string("item") or name.th,
            value=self._amount_value(value) if value else None,
            unit=self._vocabulary.word("units", fields.get("unit")),
            per=self._vocabulary.word("per", fields.get("per")),
            valid_from=fields.maybe_day("valid_from"),
            valid_to=fields.maybe_day("valid_to"),
            when=self._conditions.requirement(when) if when else None,
            is_top_up=top_up.boolean() if top_up else False,
            tiers=self._tiers(tiers) if tiers else None,
            note=fields.maybe_string("note"),
            source=read_url(source) if source else None,
            confidence=fields.maybe_choice("confidence", CONFIDENCES),
        )
        needs_source(at, found.confidence, found.source)
        needs_mark(at, found.confidence, found.note)
        if found.value is None and tiers is None and found.confidence != "uncertain":
            at.wrong(
                en="an amount that nobody knows is marked; add confidence: uncertain, or a value",
                th="จำนวนที่ไม่ทราบต้องระบุไว้ ให้เพิ่ม confidence: uncertain หรือระบุค่า",
            )
        if value and tiers:
            at.wrong(en="an amount has a value or tiers, not both", th="ใช้ value หรือ tiers อย่างใดอย่างหนึ่ง")
        fields.done()
        return found

    def _amount_value(self, at: At) -> int | Decimal | ParameterRef | Formula | Range | OneOf:
        if not at.is_mapping:
            return at.quantity()
        fields = at.fields()
        found: ParameterRef | Formula | Range | OneOf
        if fields.has("parameter"):
            return self._conditions.parameter_ref(at)
        if fields.has("formula"):
            found = Formula(name=fields.get("formula").string())
            if found.name and not found.name.isidentifier():
                at.wrong(en="a formula is named by a code, not written out", th="formula ต้องเป็นชื่อรหัส ไม่ใช่สูตร")
        elif fields.has("one_of"):
            found = OneOf(values=tuple(item.quantity() for item in fields.list("one_of")))
        else:
            found = Range(at_least=fields.get("from").quantity(), at_most=fields.get("to").quantity())
            if found.at_least >= found.at_most:
                at.wrong(en="from lies below to", th="from ต้องน้อยกว่า to")
        fields.done()
        return found

    def _tiers(self, at: At) -> Tiers:
        fields = at.fields()
        by = self._vocabulary.reference("fact", fields.get("by"))
        steps = tuple(self._vocabulary.stands(item, self._tier(item, by)) for item in fields.list("rows"))
        fields.done()
        return Tiers(by=by, steps=steps)

    def _tier(self, at: At, by: str) -> Tier:
        fields = at.fields()
        equals = fields.maybe("is")
        bounds = {key: self._bound(fields, key) for key in ("from", "above", "up_to", "below")}
        fact = self._vocabulary.facts.get(by)
        if equals and fact and equals.string() not in [choice.value for choice in fact.choices]:
            equals.unknown(
                equals.string(), [choice.value for choice in fact.choices], en=f"value of {by}", th=f"ค่าของ {by}"
            )
        if not equals and not any(bound is not None for bound in bounds.values()):
            at.wrong(
                en="say for whom the step is: from, above, up_to, below, or is",
                th="ระบุขั้นนี้ใช้กับใคร: from above up_to below หรือ is",
            )
        found = Tier(
            label=fields.get("label").string(),
            at_least=bounds["from"],
            above=bounds["above"],
            up_to=bounds["up_to"],
            below=bounds["below"],
            equals=equals.string() if equals else None,
            value=fields.get("value").quantity(),
        )
        fields.done()
        return found

    def _bound(self, fields: Fields, key: str) -> int | Span | None:
        at = fields.maybe(key)
        if at is None:
            return None
        return self._conditions.span(at, positive=True) if at.is_mapping else at.integer()


def _could_tie(one: Amount, other: Amount) -> bool:
    """Whether both rows could win on one day for one person: same item, same weight, nothing that keeps them apart."""
    if one.item != other.item or one.is_top_up or other.is_top_up:
        return False
    if (one.valid_to or date.max) < (other.valid_from or date.min) or (other.valid_to or date.max) < (
        one.valid_from or date.min
    ):
        return False
    leaves = list(criteria(one.when)), list(criteria(other.when))
    if len(leaves[0]) != len(leaves[1]):
        return False
    if not (_is_conjunction(one.when) and _is_conjunction(other.when)):
        return True
    return not any(_exclude(a, b) for a in leaves[0] for b in leaves[1])


def _is_conjunction(requirement: Requirement | None) -> bool:
    match requirement:
        case AllOf(parts=parts):
            return all(_is_conjunction(part) for part in parts)
        case Criterion() | None:
            return True
        case _:
            return False


def _exclude(one: Criterion, other: Criterion) -> bool:
    """Whether no value of the fact can meet both."""
    if one.fact != other.fact:
        return False
    allowed, allowed_too = _allowed(one), _allowed(other)
    if allowed is not None and allowed_too is not None:
        return not allowed & allowed_too
    below, above = (one, other) if one.op in ("lt", "lte") else (other, one)
    if below.op not in ("lt", "lte") or above.op not in ("gt", "gte"):
        return False
    high, low = below.value, above.value
    if not isinstance(high, int | Decimal) or not isinstance(low, int | Decimal):
        return False
    return high < low or (high == low and (below.op, above.op) != ("lte", "gte"))


def _allowed(criterion: Criterion) -> frozenset[object] | None:
    """The few values that meet it, where they can be counted."""
    match criterion.op, criterion.value:
        case "eq", bool() | int() | str() | Decimal() as value:
            return frozenset({value})
        case "in", tuple() as values:
            return frozenset(values)
        case _:
            return None
