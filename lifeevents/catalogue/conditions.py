"""How a condition is written: one fact compared with one value, or all, any, not of such.

Checked where it stands, against the vocabulary: that the fact exists and can be compared that way, that the value is one
it can have, and that a fact about a child or a vehicle is only asked where one child or vehicle is meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from lifeevents.catalogue.model import (
    AllOf,
    AnyOf,
    Computed,
    Criterion,
    Fact,
    FactKind,
    Not,
    Operator,
    ParameterRef,
    Requirement,
    Span,
    Value,
)
from lifeevents.catalogue.vocabulary import CONFIDENCES, FISCAL_YEAR, Vocabulary, needs_mark
from lifeevents.catalogue.yaml import At, Fields, Json

_OPERATORS: tuple[Operator, ...] = get_args(Operator)

_ORDERED: tuple[Operator, ...] = ("eq", "ne", "gt", "gte", "lt", "lte")
_ALIKE: tuple[Operator, ...] = ("eq", "ne", "in", "not_in")
_HAPPENING: tuple[Operator, ...] = ("happened", "did_not_happen")
_FITTING: dict[FactKind, tuple[Operator, ...]] = {
    "bool": ("eq", "ne"),
    "int": (*_ORDERED, "in", "not_in"),
    "money": _ORDERED,
    "decimal": _ORDERED,
    "date": (*_ORDERED, *_HAPPENING),
    "enum": _ALIKE,
    "code": _ALIKE,
    "string": _ALIKE,
}

# As what JSON has a value of that type, where it is compared with; numbers also with what is reckoned.
_WRITTEN: dict[FactKind, str | list[str]] = {
    "bool": "boolean",
    "int": ["integer", "array", "object"],
    "money": ["number", "object"],
    "decimal": ["number", "object"],
    "date": "string",
    "enum": ["string", "array"],
    "code": ["string", "array"],
    "string": ["string", "array"],
}

# The facts of a thing can only be asked where the rule is evaluated for one such thing.
_SCOPE_OF_FACT = {
    "child": "per_child",
    "vehicle": "per_vehicle",
    "property": "per_property",
    "deceased": "per_deceased",
    "relation": "per_deceased",
    "business": "per_business",
}


class ConditionReader:
    """Reads conditions, and the values and lengths of time that stand in them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def requirement(self, at: At, *, scope: str | None = None) -> Requirement:
        """A condition: all, any, not, or one comparison. With a scope, facts of other things are refused."""
        at.called = "condition"
        return self._vocabulary.stands(at, self._requirement(at, scope))

    def _requirement(self, at: At, scope: str | None) -> Requirement:
        fields = at.fields()
        if fields.is_stand_in:
            return AllOf(parts=())
        if fields.has("fact"):
            return self._criterion(at, fields, scope)
        given = [key for key in ("all", "any", "not") if fields.has(key)]
        if len(given) != 1:
            at.wrong(
                en="a condition is one of all: […], any: […], not: {…}, or a comparison {fact, op, value}",
                th="เงื่อนไขต้องเป็น all: […] any: […] not: {…} หรือ {fact, op, value} อย่างใดอย่างหนึ่ง",
            )
            return AllOf(parts=())
        found: Requirement
        if given == ["not"]:
            found = Not(part=self.requirement(fields.get("not"), scope=scope))
        else:
            parts = tuple(self.requirement(part, scope=scope) for part in fields.list(given[0]))
            found = AllOf(parts=parts) if given == ["all"] else AnyOf(parts=parts)
            if found == AnyOf(parts=()):
                at.wrong(
                    en="an empty any can never hold; add a condition or remove it",
                    th="any ว่างเป็นจริงไม่ได้ ให้เพิ่มเงื่อนไขหรือลบออก",
                )
        fields.done()
        return found

    def criterion(self, at: At) -> Criterion | None:
        """One comparison, no tree."""
        found = self.requirement(at)
        if isinstance(found, Criterion):
            return found
        at.wrong(en="here belongs one comparison {fact, op, value}", th="ตรงนี้ต้องเป็นการเปรียบเทียบเดียว {fact, op, value}")
        return None

    def _criterion(self, at: At, fields: Fields, scope: str | None) -> Criterion:
        fact_at, op_at = fields.get("fact"), fields.get("op")
        path = self._vocabulary.reference("fact", fact_at)
        op = op_at.choice(_OPERATORS)
        fact = self._vocabulary.facts.get(path)
        value: Value | None = None
        if fact:
            needed = _SCOPE_OF_FACT.get(path.partition(".")[0])
            if scope and needed and needed != scope:
                fact_at.wrong(
                    en=f"{path} is known {needed.replace('_', ' ')}, but the service is {scope}; which one is meant?",
                    th=f"{path} รู้เฉพาะเมื่อประเมินแบบ {needed} แต่บริการเป็น {scope}",
                )
            fitting = _FITTING[fact.kind]
            if op not in fitting:
                op_at.wrong(
                    en=f"{op} doesn't fit {path}, which is of type {fact.kind}; use {', '.join(fitting)}",
                    th=f"{op} ใช้กับ {path} ชนิด {fact.kind} ไม่ได้ ใช้ {', '.join(fitting)}",
                )
            elif op not in _HAPPENING:
                value = self._values(fields.get("value"), fact, op)
        if op in _HAPPENING:
            if value_at := fields.maybe("value"):
                value_at.wrong(
                    en=f"{op} asks whether there is such a day and compares with nothing; take value: out",
                    th=f"{op} ถามเพียงว่ามีวันนั้นหรือไม่ ไม่เทียบกับค่าใด ให้ลบ value: ออก",
                )
        elif value is None:
            fields.get("value")
        found = Criterion(
            fact=path,
            op=op,
            value=value,
            note=fields.maybe_string("note"),
            confidence=fields.maybe_choice("confidence", CONFIDENCES),
        )
        needs_mark(at, found.confidence, found.note)
        fields.done()
        return found

    def _values(self, at: At, fact: Fact, op: Operator) -> Value:
        if op not in ("in", "not_in"):
            if at.is_list:
                at.wrong(
                    en=f"{op} compares with one value; use in for a list", th=f"{op} เทียบกับค่าเดียว ถ้าเป็นรายการให้ใช้ in"
                )
                return ""
            return self._value(at, fact)
        if not at.is_list:
            at.wrong(en=f"{op} wants a list: [a, b]", th=f"{op} ต้องเป็นรายการ [a, b]")
            return ""
        values = [self._value(item, fact) for item in at.items()]
        if not values or len(set(map(repr, values))) < len(values):
            at.wrong(en="the list is empty or says a value twice", th="รายการว่างหรือมีค่าซ้ำ")
        if fact.kind == "int":
            return tuple(value for value in values if isinstance(value, int))
        return tuple(value for value in values if isinstance(value, str))

    def _value(self, at: At, fact: Fact) -> Value:
        if at.is_mapping:
            return self._reckoned(at, fact)
        match fact.kind:
            case "bool":
                return at.boolean()
            case "int":
                return at.integer()
            case "money" | "decimal":
                return at.number()
            case "date":
                return at.day()
            case "enum":
                value = at.string()
                choices = [choice.value for choice in fact.choices]
                if value and choices and value not in choices:
                    at.unknown(value, choices, en=f"value of {fact.path}", th=f"ค่าของ {fact.path}")
                return value
            case "code" | "string":
                return at.string()

    def _reckoned(self, at: At, fact: Fact) -> Value:
        """A value that isn't written down: a parameter, a length of calendar time, a number that follows from the day."""
        fields = at.fields()
        if fields.has("parameter"):
            found = self.parameter_ref(at)
            parameter = self._vocabulary.parameters.get(found.parameter)
            if parameter and (fact.kind not in ("int", "money", "decimal") or parameter.unit != fact.unit):
                own = fact.unit or fact.kind
                at.wrong(
                    en=f"{fact.path} is in {own}, the parameter in {parameter.unit}; they can't be compared",
                    th=f"{fact.path} เป็นหน่วย {own} พารามิเตอร์เป็น {parameter.unit} เทียบกันไม่ได้",
                )
            return found
        if fields.has("computed"):
            if not (fact.unit == FISCAL_YEAR and fact.derived):
                at.wrong(
                    en=f"current_fiscal_year compares with a fact in {FISCAL_YEAR!r} counted from a date; {fact.path} isn't",
                    th=f"current_fiscal_year ใช้กับข้อเท็จจริงหน่วย {FISCAL_YEAR!r} ที่นับจากวันที่เท่านั้น",
                )
            names: tuple[Literal["current_fiscal_year"], ...] = ("current_fiscal_year",)
            plus = fields.maybe_integer("plus")
            computed = Computed(name=fields.get("computed").choice(names), plus=plus or 0)
            fields.done()
            return computed
        if not (fact.unit == "day" and fact.derived):
            at.wrong(
                en=f"months and years need a fact counted in days from a date; {fact.path} isn't",
                th=f"months และ years ใช้กับข้อเท็จจริงที่นับเป็นวันจากวันที่เท่านั้น {fact.path} ไม่ใช่",
            )
        return self.span(at, units=("months", "years"), positive=True)

    def parameter_ref(self, at: At) -> ParameterRef:
        fields = at.fields()
        found = ParameterRef(parameter=self._vocabulary.reference("parameter", fields.get("parameter")))
        fields.done()
        return found

    def span(self, at: At, *, units: tuple[str, ...] = ("days", "months", "years"), positive: bool = False) -> Span:
        """A length of time, in exactly one unit."""
        fields = at.fields()
        found = self.length(at, fields, units=units)
        fields.done()
        if found is None or (positive and found.years + found.months + found.days <= 0):
            at.wrong(
                en=f"a length of time is one of {', '.join(units)} with a number{' above 0' if positive else ''}",
                th=f"ช่วงเวลาต้องเป็น {', '.join(units)} อย่างใดอย่างหนึ่ง พร้อมตัวเลข{'มากกว่า 0' if positive else ''}",
            )
        return found or Span()

    def length(self, at: At, fields: Fields, *, units: tuple[str, ...] = ("days", "months", "years")) -> Span | None:
        """The one of days, months, years that is among the fields, if any."""
        given = {unit: fields.maybe_integer(unit) for unit in units}
        set_ones = {unit: count for unit, count in given.items() if count is not None}
        if len(set_ones) > 1:
            at.wrong(en=f"give one of {', '.join(set_ones)}, not several", th=f"ให้ระบุอย่างเดียวใน {', '.join(set_ones)}")
        for unit, count in set_ones.items():
            return Span(**{unit: count})
        return None


def fitting(facts: Iterable[Fact]) -> list[Json]:
    """For the schema: which comparisons a fact can bear, and with what, by its type and for each that has choices."""
    by_kind: dict[FactKind, list[str]] = {}
    found: list[Json] = [_when("op", _HAPPENING, {"properties": {"value": False}}, {"required": ["value"]})]
    for fact in facts:
        by_kind.setdefault(fact.kind, []).append(fact.path)
        if fact.choices:
            one: Json = {"enum": [choice.value for choice in fact.choices]}
            values: Json = {"anyOf": [one, {"type": "array", "items": one}]}
            found.append(_when("fact", [fact.path], {"properties": {"value": values}}))
    for kind, paths in by_kind.items():
        inside: Json = {"op": {"enum": list(_FITTING[kind])}}
        if kind in _WRITTEN:
            inside["value"] = {"type": _WRITTEN[kind]}
        found.append(_when("fact", sorted(paths), {"properties": inside}))
    return found


def _when(key: str, values: Iterable[str], then: Json, otherwise: Json | None = None) -> Json:
    is_so: Json = {"required": [key], "properties": {key: {"enum": list(values)}}}
    if otherwise is None:
        return {"if": is_so, "then": then}
    return {"if": {"required": [key]}, "then": {"if": is_so, "then": then, "else": otherwise}}
