"""The table of all services, for docs/: what comes up when, who gives it, what is asked, how much, until when, how sure.

Printed from the catalogue in the words that a person's explanation has too, one page for each language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from foundation.language import Language, Text, say_date
from lifeevents.catalogue import counts, json_schema
from lifeevents.catalogue.model import (
    AllOf,
    Amount,
    Anchor,
    AnnouncedDay,
    AnyOf,
    Catalogue,
    Computed,
    Confidence,
    Criterion,
    Deadline,
    FactDay,
    Formula,
    MonthDay,
    Not,
    OneOf,
    ParameterRef,
    PublicService,
    Range,
    Requirement,
    Span,
    TurnsDay,
    criteria,
)
from lifeevents.rules.explain import Reason
from lifeevents.rules.sentences import Sentences

PAGES: Final[Mapping[Language, str]] = MappingProxyType({"en": "catalogue-index.md", "th": "catalogue-index.th.md"})
SCHEMA: Final = "catalogue.schema.json"
_A_LEAP_YEAR: Final = 2000

_HEAD: Final = Text(
    th="# ตารางบริการ\n\nพิมพ์จากบัญชีบริการโดย `tangrat catalogue docs` อย่าแก้ไขเอง ([English](catalogue-index.md)) "
    "ความหมายของแต่ละช่อง: [catalogue.md](catalogue.md) **ไม่ใช่แหล่งข้อมูลทางการ**",
    en="# The services\n\nPrinted from the catalogue by `tangrat catalogue docs`; don't edit it by hand "
    "([ภาษาไทย](catalogue-index.th.md)). What the columns mean: [catalogue.md](catalogue.md). **Not an official source.**",
)
_COLUMNS: Final = Text(
    th="| บริการ | เหตุการณ์ชีวิต | หน่วยงาน | เงื่อนไข | จำนวน | กำหนดเวลา | ความน่าเชื่อถือ |\n|---|---|---|---|---|---|---|",
    en="| service | life events | agency | what is asked | amount | deadline | how sure |\n|---|---|---|---|---|---|---|",
)
_CONFIDENCE: Final[Mapping[Confidence, Text]] = MappingProxyType(
    {
        "sourced": Text(th="มีแหล่งอ้างอิง", en="sourced"),
        "known": Text(th="ความรู้ทั่วไป", en="general knowledge"),
        "uncertain": Text(th="ไม่แน่ชัด", en="uncertain"),
    }
)
_STATUS: Final = {
    "closed": Text(th="ปิดแล้ว", en="closed"),
    "closed_waiting_round": Text(th="รอรอบใหม่", en="waits for a round"),
    "programme_round": Text(th="เปิดเป็นรอบ", en="in rounds"),
}
_OTHER_KINDS: Final = {
    "round": Text(th="ตามรอบที่ประกาศ", en="in announced rounds"),
    "programme": Text(th="ตลอดโครงการ", en="as long as the programme pays"),
    "benefit_loss": Text(th="ไม่มีวันสุดท้าย แต่ไม่ขอก็ไม่ได้", en="no last day, but what isn't asked for isn't paid"),
    "none": Text(th="ไม่มีกำหนด", en="no limit"),
}
_STILL: Final = Text(th="## ยังต้องตรวจกับแหล่งทางการ", en="## Still to be checked against an official source")


def pages(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """What docs/ has of our catalogue, by the name of the file: the tables, and the JSON Schema for editors."""
    for language, name in PAGES.items():
        yield name, _Page(catalogue, language).printed()
    yield SCHEMA, json_schema()


def behind(catalogue: Catalogue, docs: Path) -> list[str]:
    """Which of them are no longer what the catalogue says."""
    return [
        name for name, page in pages(catalogue)
        if not (docs / name).is_file() or (docs / name).read_text() != page
    ]  # fmt: skip


class _Page:
    def __init__(self, catalogue: Catalogue, language: Language) -> None:
        self._catalogue = catalogue
        self._language: Language = language
        self._sentences = Sentences(catalogue)

    def printed(self) -> str:
        lines = [self._say(_HEAD), "", ", ".join(f"{n} {what}" for what, n in counts(self._catalogue).items()) + "."]
        for stage in self._catalogue.life_stages:
            lines += ["", f"## {self._say(stage.title)}", "", self._say(_COLUMNS)]
            lines += [self._row(one) for one in self._catalogue.services if one.stage == stage.code]
        doubtful = [(one, doubts) for one in self._catalogue.services if (doubts := self._doubts(one))]
        lines += ["", self._say(_STILL), "", *(f"- `{one.code}`: {doubts}" for one, doubts in doubtful)]
        return "\n".join(lines) + "\n"

    def _row(self, service: PublicService) -> str:
        agency = self._catalogue.agency(service.agency)
        status = _STATUS.get(service.status)
        cells = [
            [f"`{service.code}`", f"**{self._say(service.title)}**", *([f"({self._say(status)})"] if status else [])],
            [self._say(event.title) for event, _ in self._catalogue.steps_with(service.code)],
            [self._say(agency.name) if agency else service.agency],
            [f"• {one}" for one in self._asked(service)] or ["–"],
            [*self._amounts(service)] or ["–"],
            [self._deadline(service.deadline)] if service.deadline else ["–"],
            [*self._sure(service)],
        ]
        return "| " + " | ".join("<br>".join(one.replace("|", "\\|") for one in cell) for cell in cells) + " |"

    def _say(self, text: Text) -> str:
        return text.said_in(self._language)

    def _both(self, th: str, en: str) -> str:
        return th if self._language == "th" else en

    # ---- what is asked

    def _asked(self, service: PublicService) -> Iterator[str]:
        for part in service.eligibility.parts:
            yield self._said(part, service)

    def _said(self, requirement: Requirement, service: PublicService) -> str:
        match requirement:
            case Criterion():
                return self._criterion(requirement, service)
            case AllOf(parts=parts):
                return self._both(" และ ", " and ").join(self._said(one, service) for one in parts)
            case AnyOf(parts=parts):
                ways = self._both(" หรือ ", "; or ").join(self._said(one, service) for one in parts)
                return f"{self._both('อย่างใดอย่างหนึ่ง: ', 'one of these: ')}{ways}"
            case Not(part=part):
                return f"{self._both('ต้องไม่เป็นกรณีที่: ', 'not so: ')}{self._said(part, service)}"

    def _criterion(self, criterion: Criterion, service: PublicService) -> str:
        against, fact = criterion.value, self._catalogue.fact(criterion.fact)
        parameter = None
        if isinstance(against, ParameterRef):
            found = self._catalogue.parameter(against.parameter)
            parameter = None if found is None else found.on(service.as_of) or found.values[-1]
            against = None if parameter is None else parameter.value
        if isinstance(against, Computed):
            more = f" {against.plus:+d}" if against.plus else ""
            title = self._say(self._sentences.title(criterion.fact))
            sign = {"lte": "≤", "gte": "≥", "lt": "<", "gt": ">", "eq": "=", "ne": "≠"}[criterion.op]
            return f"{title} {sign} {self._both('ปีงบประมาณปัจจุบัน', 'the current fiscal year')}{more}"
        reason = Reason(
            criterion=criterion, holds=None, used=None, base=None, against=against, apart=None, turned_on=None,
            turns_on=None, time=None, missing=(), parameter=parameter,
            counting=None if fact is None or fact.derived is None else fact.derived.confidence,
        )  # fmt: skip
        said = self._say(self._sentences.asked(reason)).replace("  ", " ").strip()
        return said + self._mark(reason.confidence)

    # ---- how much

    def _amounts(self, service: PublicService) -> Iterator[str]:
        past = 0
        for row in service.amounts:
            if row.valid_to is not None and row.valid_to < service.as_of and service.status != "closed":
                past += 1
                continue
            yield self._amount(row, service)
        if past:
            yield self._both(f"({past} แถวก่อนหน้า)", f"({past} earlier)")

    def _amount(self, row: Amount, service: PublicService) -> str:
        said = f"{self._say(row.name)}: {self._value(row, service)}"
        if row.valid_from is not None and row.valid_from > service.as_of:
            said += self._both(f" ตั้งแต่ {self._day(row.valid_from)}", f" from {self._day(row.valid_from)}")
        if row.valid_to is not None:
            said += self._both(f" ถึง {self._day(row.valid_to)}", f" until {self._day(row.valid_to)}")
        if row.when is not None:
            said += self._both(" เมื่อ ", ", if ") + self._said(row.when, service)
        return ("+ " if row.is_top_up else "") + said + self._mark(row.confidence)

    def _value(self, row: Amount, service: PublicService) -> str:
        unit = self._say(self._catalogue.word("units", row.unit))
        per = self._say(self._catalogue.word("per", row.per))
        if row.tiers is not None:
            steps = self._both(" / ", " / ").join(_number(step.value) for step in row.tiers.steps)
            by = self._say(self._sentences.title(row.tiers.by)).strip()
            return f"{steps} {unit} {per} {self._both(f'ตาม{by}', f'by {by}')}"
        match row.value:
            case ParameterRef(parameter=name):
                found = self._catalogue.parameter(name)
                value = None if found is None else found.on(service.as_of) or found.values[-1]
                much = "?" if value is None else _number(value.value)
            case Range(at_least=low, at_most=high):
                much = f"{_number(low)}–{_number(high)}"
            case OneOf(values=values):
                much = self._both(" หรือ ", " or ").join(_number(one) for one in values)
            case Formula(name=name):
                return f"{self._both('หน่วยงานคำนวณให้', 'worked out by the agency')} (`{name}`)"
            case int() | Decimal() as number:
                much = _number(number)
            case None:
                return self._both("ไม่ทราบ", "not known")
        return f"{much} {unit} {per}"

    # ---- until when

    def _deadline(self, deadline: Deadline) -> str:
        said = self._way(deadline)
        if deadline.closes_right:
            said += self._both(" พ้นแล้วหมดสิทธิ", ", then the right is lost")
        if deadline.penalty is not None and self._language == "th":
            said += f" ({deadline.penalty})"
        if deadline.kind == "recommended":
            said += self._both(" (แนะนำ)", " (advice)")
        return said + self._mark(deadline.confidence)

    def _way(self, deadline: Deadline) -> str:
        if self._language == "th":
            return deadline.rule
        anchor = self._anchor(deadline.anchor)
        if deadline.windows:
            return "every year " + " and ".join(
                f"{_month_day(w.opens)} to {_month_day(w.closes)}" for w in deadline.windows
            )
        if deadline.rounds:
            return "; ".join(f"{self._day(one.opens)} to {self._day(one.closes)}" for one in deadline.rounds)
        if deadline.schedule_months:
            return f"{', '.join(map(str, deadline.schedule_months))} months after the {anchor}"
        if deadline.early is not None:
            return f"from {_span(deadline.early)} before the {anchor}"
        if deadline.length is not None:
            return f"within {_span(deadline.length)} of the {anchor}"
        if deadline.month_day is not None:
            return f"every year by {_month_day(deadline.month_day)}"
        if deadline.kind in _OTHER_KINDS:
            return _OTHER_KINDS[deadline.kind].en
        return f"by the {anchor}"

    def _anchor(self, anchor: Anchor | None) -> str:
        match anchor:
            case FactDay(fact=name) | AnnouncedDay(event_date=name):
                return self._say(self._sentences.title(name)).strip()
            case TurnsDay(years=years):
                return f"day on which the age of {years} is reached"
            case MonthDay():
                return _month_day(anchor)
        return "event"

    # ---- how sure

    def _sure(self, service: PublicService) -> Iterator[str]:
        yield self._say(_CONFIDENCE[service.confidence])
        if service.source is not None:
            yield f"[{self._both('แหล่งที่มา', 'source')}]({_link(service.source)})"
        yield self._both(f"ณ {self._day(service.as_of)}", f"as of {self._day(service.as_of)}")

    def _mark(self, confidence: Confidence | None) -> str:
        return f" ({self._say(_CONFIDENCE[confidence])})" if confidence in ("uncertain", "known") else ""

    def _doubts(self, service: PublicService) -> str:
        """What in a service rests on general knowledge or on sources that disagree; empty where nothing does."""
        found: list[str] = [] if service.confidence == "sourced" else [self._say(_CONFIDENCE[service.confidence])]
        uncertain = [self._say(amount.name) for amount in service.amounts if amount.confidence == "uncertain"]
        if uncertain:
            found.append(self._both("จำนวนที่ไม่แน่ชัด: ", "uncertain amounts: ") + _listed(uncertain))
        if service.choose_by_confidence:
            found.append(
                self._both(
                    f"วันที่ใช้เลือกจำนวน ({service.choose_by}) ไม่แน่ชัด",
                    f"the date that chooses the amounts ({service.choose_by}) is {service.choose_by_confidence}",
                )
            )
        if service.deadline and service.deadline.confidence == "uncertain":
            found.append(self._both("กำหนดเวลาไม่แน่ชัด", "the deadline is uncertain"))
        doubtful = [leaf for leaf in criteria(service.eligibility) if leaf.confidence not in (None, "sourced")]
        if doubtful:
            titles = [self._say(self._sentences.title(leaf.fact)).strip() for leaf in doubtful]
            found.append(self._both("เงื่อนไขที่ไม่มีแหล่งอ้างอิง: ", "conditions without a source: ") + _listed(titles))
        return "; ".join(found)

    def _day(self, day: date) -> str:
        return say_date(day, self._language)


def _number(value: int | Decimal) -> str:
    return f"{value.normalize():,f}" if isinstance(value, Decimal) else f"{value:,}"


def _span(span: Span) -> str:
    count, unit = next(
        (number, name) for number, name in ((span.years, "year"), (span.months, "month"), (span.days, "day")) if number
    )
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _month_day(day: MonthDay) -> str:
    return say_date(day.in_year(_A_LEAP_YEAR), "en").rpartition(" ")[0]


def _listed(items: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(items))


def _link(url: str) -> str:
    """An address that Markdown and a table both leave whole."""
    return url.replace("(", "%28").replace(")", "%29").replace("|", "%7C")
