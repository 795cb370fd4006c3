"""A service's conditions, readable: a flat list in reading order, each line with how deep it stands.

GraphQL can't ask for a tree of unknown depth, and a screen shows lines. Lines of level 0 must all hold; a line that
groups others (`ALL`, `ANY`, `NOT`) is about the deeper lines that follow it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry
from strawberry import enum_value, field

from foundation import language as words
from foundation.language import Language, say_date
from lifeevents.catalogue import model as model
from resolvers.values import Text, say


@strawberry.enum(description="How sure we are of what the catalogue says.")
class Confidence(Enum):
    SOURCED = enum_value("sourced", description="Found in a cited source.")
    KNOWN = enum_value("known", description="General knowledge, not found in a source.")
    UNCERTAIN = enum_value("uncertain", description="Sources conflict, or none confirms it.")


@strawberry.enum(description="What a line of the conditions is.")
class RequirementKind(Enum):
    CRITERION = enum_value("CRITERION", description="One fact compared with one value.")
    ALL = enum_value("ALL", description="Each of the deeper lines that follow must hold.")
    ANY = enum_value("ANY", description="One of the deeper lines that follow must hold.")
    NOT = enum_value("NOT", description="What the deeper lines that follow say must not hold.")


@strawberry.enum(description="How a fact is compared with the value.")
class Operator(Enum):
    EQ = enum_value("eq", description="It is this.")
    NE = enum_value("ne", description="It is not this.")
    GT = enum_value("gt", description="It is more than this.")
    GTE = enum_value("gte", description="It is this or more.")
    LT = enum_value("lt", description="It is less than this.")
    LTE = enum_value("lte", description="It is this or less.")
    IN = enum_value("in", description="It is one of these.")
    NOT_IN = enum_value("not_in", description="It is none of these.")
    HAPPENED = enum_value("happened", description="There is such a day, and it has come.")
    DID_NOT_HAPPEN = enum_value("did_not_happen", description="It is known that there is no such day yet.")


@strawberry.type(
    description="One thing a rule asks about a person or one of their things (CCCEV: information concept)."
)
class Fact:
    path: str = field(description="Its name in the vocabulary, such as `person.age_years`.")
    title: Text = field(description="What it means.")
    unit: Text | None = field(description="What a number is counted in.")
    source_agency: str = field(description="The code of the agency that knows it.")
    is_sensitive: bool = field(
        description="Whether it takes part in proactive notices only with an explicit opt-in (PDPA section 26)."
    )


@strawberry.type(description="One value of a number that the law sets, and from when to when it holds.")
class ParameterValue:
    value: Decimal = field(description="The number.")
    valid_from: date | None = field(description="First day; null: from before what is known.")
    valid_to: date | None = field(description="Last day, included; null: until it is changed.")
    source: str | None = field(description="Where it was found.")
    confidence: Confidence = field(description="How sure we are of it.")


@strawberry.type(description="A number that the law sets and changes.")
class Parameter:
    code: str = field(description="Its name in the catalogue.")
    title: Text = field(description="What it is.")
    unit: Text = field(description="What it is counted in.")
    values: list[ParameterValue] = field(description="Its values in order, without gap or overlap.")


@strawberry.type(description="One line of the conditions of a service.")
class Requirement:
    level: int = field(description="How deep the line stands; 0 is the top, where every line must hold.")
    kind: RequirementKind = field(description="A comparison, or a group of the deeper lines that follow.")
    text: Text = field(description="The line as a person may read it.")
    fact: Fact | None = field(description="Of a criterion: the fact that is compared.", default=None)
    operator: Operator | None = field(description="Of a criterion: how it is compared.", default=None)
    values: list[str] = field(
        description="Of a criterion: what it is compared with, as written in the catalogue; empty where a parameter says.",
        default_factory=list,
    )
    parameter: Parameter | None = field(
        description="Of a criterion: the dated parameter that holds the value, where one does.", default=None
    )
    note: str | None = field(description="A remark, in Thai.", default=None)
    confidence: Confidence | None = field(description="Where it differs from that of the service.", default=None)


GROUPS = {
    RequirementKind.ALL: words.Text(th="ครบทุกข้อต่อไปนี้", en="All of the following"),
    RequirementKind.ANY: words.Text(th="ข้อใดข้อหนึ่งต่อไปนี้", en="Any of the following"),
    RequirementKind.NOT: words.Text(th="ต้องไม่เป็นดังต่อไปนี้", en="None of what follows"),
}
_COMPARED = {
    "eq": words.Text(th="คือ", en="is"),
    "ne": words.Text(th="ไม่ใช่", en="is not"),
    "gt": words.Text(th="มากกว่า", en="more than"),
    "gte": words.Text(th="ตั้งแต่", en="at least"),
    "lt": words.Text(th="น้อยกว่า", en="less than"),
    "lte": words.Text(th="ไม่เกิน", en="at most"),
    "in": words.Text(th="คือ", en="is"),
    "not_in": words.Text(th="ไม่ใช่", en="is not"),
}
_COMPARED_DAYS = {
    "eq": words.Text(th="คือ", en="is"),
    "ne": words.Text(th="ไม่ใช่", en="is not"),
    "gt": words.Text(th="หลัง", en="after"),
    "gte": words.Text(th="ตั้งแต่", en="on or after"),
    "lt": words.Text(th="ก่อน", en="before"),
    "lte": words.Text(th="ไม่เกิน", en="on or before"),
}
_HAPPENED = {
    "happened": words.Text(th="เกิดขึ้นแล้ว", en="has come"),
    "did_not_happen": words.Text(th="ยังไม่เกิดขึ้น", en="has not come"),
}
_YES = {True: words.Text(th="ใช่", en="yes"), False: words.Text(th="ไม่ใช่", en="no")}
_OR = words.Text(th=" หรือ ", en=" or ")
_SPANS = (("years", "ปี", "years"), ("months", "เดือน", "months"), ("days", "วัน", "days"))
_FISCAL_YEAR = words.Text(th="ปีงบประมาณปัจจุบัน", en="the current fiscal year")


class Requirements:
    """Says the conditions of one catalogue in one language. Facts and parameters are made once and shared."""

    def __init__(self, catalogue: model.Catalogue, language: Language) -> None:
        self._catalogue = catalogue
        self._language = language
        self._facts = {one.path: one for one in catalogue.facts}
        self._titles = {one.id: one.title for one in catalogue.parameters}
        self.facts = {one.path: self._fact(one) for one in catalogue.facts}
        self.parameters = {one.id: self._parameter(one) for one in catalogue.parameters}

    def title(self, fact: str) -> words.Text:
        return self._facts[fact].title

    def lines(self, requirement: model.Requirement | None) -> list[Requirement]:
        """The lines of a tree; the outermost ALL is left out, since all lines of level 0 must hold anyway."""
        if requirement is None:
            return []
        found: list[Requirement] = []
        parts = requirement.parts if isinstance(requirement, model.AllOf) else (requirement,)
        for part in parts:
            self._walk(part, 0, found)
        return found

    def _walk(self, requirement: model.Requirement, level: int, found: list[Requirement]) -> None:
        match requirement:
            case model.Criterion():
                found.append(self._criterion(requirement, level))
            case model.AllOf(parts=parts):
                self._group(RequirementKind.ALL, parts, level, found)
            case model.AnyOf(parts=parts):
                self._group(RequirementKind.ANY, parts, level, found)
            case model.Not(part=part):
                self._group(RequirementKind.NOT, (part,), level, found)

    def _group(
        self, kind: RequirementKind, parts: tuple[model.Requirement, ...], level: int, found: list[Requirement]
    ) -> None:
        found.append(Requirement(level=level, kind=kind, text=say(GROUPS[kind], self._language)))
        for part in parts:
            self._walk(part, level + 1, found)

    def _criterion(self, one: model.Criterion, level: int) -> Requirement:
        fact, value = self._facts[one.fact], one.value
        unit = self._unit(fact) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
        if value is None:
            happened = _HAPPENED[one.op]
            text = words.Text(th=f"{fact.title.th} {happened.th}", en=f"{fact.title.en} {happened.en}")
        elif isinstance(value, bool):
            held = _YES[value if one.op == "eq" else not value]
            text = words.Text(th=f"{fact.title.th}: {held.th}", en=f"{fact.title.en}: {held.en}")
        else:
            told = self._said(fact, value)
            compared = (_COMPARED_DAYS if isinstance(value, date) else _COMPARED)[one.op]
            text = words.Text(
                th=f"{fact.title.th} {compared.th} {told.th}" + (f" {unit.th}" if unit else ""),
                en=f"{fact.title.en} {compared.en} {told.en}" + (f" {unit.en}" if unit else ""),
            )
        return Requirement(
            level=level,
            kind=RequirementKind.CRITERION,
            text=say(text, self._language),
            fact=self.facts[one.fact],
            operator=Operator(one.op),
            values=_written(value),
            parameter=self.parameters[value.parameter] if isinstance(value, model.ParameterRef) else None,
            note=one.note,
            confidence=None if one.confidence is None else Confidence(one.confidence),
        )

    def _said(self, fact: model.Fact, value: model.Value) -> words.Text:
        match value:
            case bool():
                return _YES[value]
            case tuple():
                each = [self._said(fact, one) for one in value]
                return words.Text(th=_OR.th.join(one.th for one in each), en=_OR.en.join(one.en for one in each))
            case model.ParameterRef(parameter=code):
                return self._titles[code]
            case model.Span():
                return span(value)
            case model.Computed(plus=plus):
                more = f" {plus:+d}" if plus else ""
                return words.Text(th=_FISCAL_YEAR.th + more, en=_FISCAL_YEAR.en + more)
            case date():
                return words.Text(th=say_date(value, "th"), en=say_date(value, "en"))
            case str():
                return fact.say(value)
            case _:
                return words.Text(th=f"{value:,}", en=f"{value:,}")

    def _unit(self, fact: model.Fact) -> words.Text | None:
        return None if fact.unit is None else self._catalogue.word("units", fact.unit)

    def _fact(self, fact: model.Fact) -> Fact:
        unit = self._unit(fact)
        return Fact(
            path=fact.path,
            title=say(fact.title, self._language),
            unit=None if unit is None else say(unit, self._language),
            source_agency=fact.source_agency,
            is_sensitive=fact.is_sensitive,
        )

    def _parameter(self, one: model.Parameter) -> Parameter:
        return Parameter(
            code=one.id,
            title=say(one.title, self._language),
            unit=say(self._catalogue.word("units", one.unit), self._language),
            values=[
                ParameterValue(
                    value=Decimal(value.value),
                    valid_from=value.valid_from,
                    valid_to=value.valid_to,
                    source=value.source,
                    confidence=Confidence(value.confidence),
                )
                for value in one.values
            ],
        )


def span(length: model.Span) -> words.Text:
    th, en = [], []
    for name, said_th, said_en in _SPANS:
        count = abs(getattr(length, name))
        if count:
            th.append(f"{count} {said_th}")
            en.append(f"{count} {said_en if count != 1 else said_en.removesuffix('s')}")
    return words.Text(th=" ".join(th), en=" ".join(en))


def _written(value: model.Value | None) -> list[str]:
    match value:
        case None:
            return []
        case tuple():
            return [str(one) for one in value]
        case bool():
            return [str(value).lower()]
        case model.Span():
            return [span(value).en]
        case model.ParameterRef():
            return []
        case model.Computed(name=name, plus=plus):
            return [f"{name}{plus:+d}" if plus else name]
        case _:
            return [str(value)]
