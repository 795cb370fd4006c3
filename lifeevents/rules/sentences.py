"""An explanation in words, in Thai and English, as a clerk would say it: what is asked, what is on record, by how much.

Every sentence is put together from the catalogue's own titles, units and choices, so each part of it can be traced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from foundation.dates import PartialDate
from foundation.language import Text, say_date
from lifeevents.catalogue.model import (
    AnnouncedDay,
    Catalogue,
    Criterion,
    Derived,
    Fact,
    FactDay,
    LegalBasis,
    Operator,
    Span,
)
from lifeevents.rules.explain import CalendarTime, Explanation, Outcome, Reason, ReasonGroup
from lifeevents.rules.ir import DidNotHappen

_DAY: Final = timedelta(days=1)
_NOTHING: Final = Text(th="", en="")
_ASIDE: Final = re.compile(r"\s+\([^)]*\)|, (on the day|as of) .*$")
_CHILDS: Final = re.compile(r"\b(the )?child's", re.IGNORECASE)
_COUNTS: Final = {"year": "year", "month": "month", "week": "week", "day": "day", "times": "time"}
_NUMBER: Final[dict[Operator, Text]] = {
    "gte": Text(th="ต้องตั้งแต่ {}ขึ้นไป", en="must be at least {}"),
    "gt": Text(th="ต้องมากกว่า {}", en="must be more than {}"),
    "lte": Text(th="ต้องไม่เกิน {}", en="must be at most {}"),
    "lt": Text(th="ต้องน้อยกว่า {}", en="must be less than {}"),
    "eq": Text(th="ต้องเท่ากับ {}", en="must be exactly {}"),
    "ne": Text(th="ต้องไม่ใช่ {}", en="must be other than {}"),
    "in": Text(th="ต้องเป็น {}", en="must be {}"),
    "not_in": Text(th="ต้องไม่ใช่ {}", en="must not be {}"),
}
_DATE: Final[dict[Operator, Text]] = {
    "gte": Text(th="ต้องไม่ก่อนวันที่ {}", en="must be on or after {}"),
    "gt": Text(th="ต้องหลังวันที่ {}", en="must be after {}"),
    "lte": Text(th="ต้องไม่หลังวันที่ {}", en="must be on or before {}"),
    "lt": Text(th="ต้องก่อนวันที่ {}", en="must be before {}"),
    "eq": Text(th="ต้องเป็นวันที่ {}", en="must be {}"),
    "ne": Text(th="ต้องไม่ใช่วันที่ {}", en="must not be {}"),
}
_HAPPENING: Final[dict[Operator, Text]] = {
    "happened": Text(th="ต้องมี{}แล้ว", en="the {} must have come"),
    "did_not_happen": Text(th="ต้องยังไม่มี{}", en="the {} must not have come"),
}
_TIME: Final[dict[Operator, Text]] = {
    "gte": Text(th="ต้องครบ {} {}", en="at least {} must lie {}"),
    "gt": Text(th="ต้องเกิน {} {}", en="more than {} must lie {}"),
    "lte": Text(th="ต้องไม่เกิน {} {}", en="at most {} may lie {}"),
    "lt": Text(th="ต้องไม่ถึง {} {}", en="less than {} must lie {}"),
    "eq": Text(th="ต้องเท่ากับ {} พอดี {}", en="exactly {} must lie {}"),
    "ne": Text(th="ต้องไม่เท่ากับ {} {}", en="other than {} must lie {}"),
}
_FISCAL: Final[dict[Operator, Text]] = {
    **_NUMBER,
    "gte": Text(th="ต้องไม่ก่อน{}", en="must be no earlier than {}"),
    "gt": Text(th="ต้องหลัง{}", en="must be later than {}"),
    "lte": Text(th="ต้องไม่หลัง{}", en="must be no later than {}"),
    "lt": Text(th="ต้องก่อน{}", en="must be earlier than {}"),
}
_SUBJECT: Final = {
    "child": Text(th="บุตร", en="the child"), "vehicle": Text(th="รถ", en="the vehicle"),
    "deceased": Text(th="ผู้ตาย", en="the deceased"),
}  # fmt: skip
_YOU: Final = Text(th="", en="you")
_ALIVE: Final = {
    True: Text(th="ต้องยังมีชีวิตอยู่", en="the person must be alive"),
    False: Text(th="ใช้เมื่อบุคคลนั้นเสียชีวิตแล้วเท่านั้น", en="this is for when somebody has died"),
}
_IS_ALIVE: Final = {
    True: Text(th="ยังมีชีวิตอยู่", en="the person is alive"),
    False: Text(th="เสียชีวิตแล้ว", en="the person has died"),
}
# Thai titles of yes-or-no facts: most are what somebody does or is; these have a subject of their own, or are nouns.
_OWN_SUBJECT: Final = ("ผู้ตาย", "บุตร", "บ้าน", "เจ้าของ", "ที่อยู่", "ชื่อ", "อสังหา", "นักสังคม", "ทั้งสอง", "อายุ")
_NOUN: Final = ("ผู้", "สมาชิก")
_DONE: Final = ("รับ", "ขึ้น", "ลง", "ผ่าน", "กำลัง", "ประสบ", "ผูก")  # denied as not having been done
_PERFECT: Final = re.compile(r"(been|\w+ed)\b")  # of what somebody has been or done, after `has`
_PAST: Final = ("received", "assessed")  # English titles that begin with what was done
_STATE: Final = ("invalid",)  # or with what somebody is


Heard = Literal["RECORD", "STALE", "OWN_WORD", "SUPPOSED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """How it is said whose word a fact is: of a value, of a yes or no, of what there is none of, of a date in brackets."""

    says: Text
    is_so: Text
    none: Text
    has_no: Text
    aside: Text


_TOLD: Final[Mapping[Heard, _Told]] = {
    "RECORD": _Told(
        says=Text(th="ข้อมูลคือ {}", en="the record says {}"), is_so=Text(th="ข้อมูลระบุว่า{}", en="the record says {}"),
        none=Text(th="ไม่มีในข้อมูล", en="there is none on record"),
        has_no=Text(th="ข้อมูลไม่มี{}", en="the record has no {}"), aside=Text(th="{}", en="{}"),
    ),
    "STALE": _Told(
        says=Text(th="ข้อมูลที่ได้รับครั้งล่าสุดคือ {}", en="when last asked the record said {}"),
        is_so=Text(th="ข้อมูลที่ได้รับครั้งล่าสุดระบุว่า{}", en="when last asked the record said {}"),
        none=Text(th="ไม่มีในข้อมูลที่ได้รับครั้งล่าสุด", en="when last asked there was none on record"),
        has_no=Text(th="ข้อมูลที่ได้รับครั้งล่าสุดไม่มี{}", en="when last asked the record had no {}"),
        aside=Text(th="{} ตามข้อมูลที่ได้รับครั้งล่าสุด", en="{}, as last heard"),
    ),
    "OWN_WORD": _Told(
        says=Text(th="คุณแจ้งไว้ว่า {}", en="you said {}"), is_so=Text(th="คุณแจ้งไว้ว่า{}", en="you said {}"),
        none=Text(th="คุณแจ้งไว้ว่าไม่มี", en="you said there is none"),
        has_no=Text(th="คุณแจ้งไว้ว่าไม่มี{}", en="you said there is no {}"),
        aside=Text(th="{} ตามที่คุณแจ้ง", en="{}, as you said"),
    ),
    "SUPPOSED": _Told(
        says=Text(th="สมมติว่าเป็น {}", en="supposed: {}"), is_so=Text(th="สมมติว่า{}", en="supposed: {}"),
        none=Text(th="สมมติว่าไม่มี", en="supposed: none"), has_no=Text(th="สมมติว่าไม่มี{}", en="supposed: no {}"),
        aside=Text(th="{} ตามที่สมมติ", en="{}, as supposed"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation; lines of a group stand one deeper than its own."""

    depth: int
    holds: bool | None
    text: Text


class Sentences:
    """`of` gives sentences that name whom or what they are about instead of saying "you" or "the child"."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        subject: str = "",
        called: Text = _NOTHING,
        heard: Mapping[str, Heard] = MappingProxyType({}),
    ) -> None:
        self._catalogue = catalogue
        self._subject = subject
        self._called = called
        self._heard = heard

    def of(self, subject: str, called: Text | None, heard: Mapping[str, Heard]) -> Sentences:
        """The same about one child, relative, vehicle …; `subject` is the first part of its facts' paths, `person` for
        a young child seen as a person of their own. `heard` are the facts that are not simply on record."""
        return Sentences(self._catalogue, subject=subject, called=called or _NOTHING, heard=heard)

    def headline(self, explanation: Explanation) -> Text:
        """The answer in one sentence."""
        service, title = explanation.service, explanation.service.title
        if not explanation.in_force:
            if service.valid_from is not None and explanation.on < service.valid_from:
                return _both("“{}” เริ่มวันที่ {}", "“{}” begins on {}.", title, _day(service.valid_from))
            if service.valid_to is not None:
                return _both("“{}” สิ้นสุดแล้วเมื่อวันที่ {}", "“{}” ended on {}.", title, _day(service.valid_to))
        match explanation.outcome:
            case Outcome.ELIGIBLE:
                return _both("คุณเข้าเกณฑ์ “{}”", "You meet the conditions of “{}”.", title)
            case Outcome.NOT_ELIGIBLE:
                return _both("คุณไม่เข้าเกณฑ์ “{}”", "You do not meet the conditions of “{}”.", title)
            case Outcome.UNKNOWN:
                said = _both(
                    "ยังบอกไม่ได้ว่าคุณเข้าเกณฑ์ “{}” หรือไม่ เพราะยังไม่ทราบ{}",
                    "It can't be said yet whether you meet the conditions of “{}”: what is missing is {}.",
                    title,
                    _listed([self.missing(name) for name in explanation.missing], Text(th=" และ", en=" and ")),
                )
                return _tidy(said)

    def lines(self, explanation: Explanation) -> tuple[Line, ...]:
        """Every condition, in the order of the law; of what is asked of everyone, only what fails."""
        found: list[Line] = []
        for part in explanation.root.parts:
            if not (isinstance(part, Reason) and part.is_implied and part.holds):
                self._lines(part, 0, found)
        return tuple(found)

    def reason(self, reason: Reason) -> Text:
        """One condition, with what is on record and by how much."""
        asked = self.asked(reason)
        if self._called != _NOTHING:  # a name has no article
            asked = Text(th=asked.th, en=asked.en.replace(f"the {self._called.en}'s", f"{self._called.en}'s"))
        said = _both("{}: {}", "{}; {}", _capital(asked), self._on_record(reason))
        apart = self._apart(reason)
        if apart != _NOTHING:
            said = _both("{} {}", "{}, {}", said, apart)
        mark = {
            "uncertain": Text(th=" (ข้อมูลกฎยังไม่ยืนยัน)", en=" (the rule is unconfirmed)"),
            "known": Text(th=" (กฎตามความรู้ทั่วไป)", en=" (the rule is from general knowledge)"),
        }.get(reason.confidence or "", _NOTHING)
        return _tidy(Text(th=said.th + mark.th, en=said.en + mark.en + "."))

    def asked(self, reason: Reason) -> Text:
        """What the rule asks, without a full stop."""
        fact = self._fact(reason.criterion.fact)
        op, against = reason.criterion.op, reason.against
        if fact.kind == "bool":
            return self._must(fact, wanted=against is (op == "eq"))
        title = self.title(fact.path)
        if op in _HAPPENING:
            return _put(_HAPPENING[op], title)
        if fact.derived is not None and fact.derived.unit in ("day", "month") and not isinstance(against, tuple):
            return self._time_asked(reason.criterion, fact, fact.derived, against)
        if against is None:
            return _both("{}ต้องเป็นไปตามที่กฎหมายกำหนด", "{} must be as the law sets it", title)
        if isinstance(against, date):
            return _both("{}{}", "{} {}", title, _put(_DATE[op], _day(against)))
        if isinstance(against, tuple):
            among = [self._value(fact, one) for one in against]
            return _both("{}{}", "{} {}", title, _put(_NUMBER[op], _listed(among, Text(th=" หรือ ", en=" or "))))
        if isinstance(against, str):
            same: Operator = "in" if op == "eq" else "not_in"
            return _both("{}{}", "{} {}", title, _put(_NUMBER[same], self._value(fact, against)))
        patterns = _FISCAL if fact.unit == "BE fiscal year" else _NUMBER
        return _both("{}{}", "{} {}", title, _put(patterns[op], self._value(fact, against)))

    def missing(self, name: str) -> Text:
        """A fact that is not known, and who could tell."""
        return _both("{}{}", "{}{}", self.question(name), self._teller(name))

    def question(self, name: str) -> Text:
        """What it is that one asks: a fact's title, or whether it is so."""
        fact = self._catalogue.fact(name)
        if fact is None or fact.kind != "bool":
            return self.title(name)
        said = _whether(_bare(fact.title), self._whose(fact), is_you=self._is_you(fact))
        return self._naming_dead(name, said)

    def _teller(self, name: str) -> Text:
        fact, event_date = self._catalogue.fact(name), self._catalogue.event_date(name)
        if fact is not None and fact.is_own_word:
            return Text(th=" (คุณบอกได้เอง)", en=" (you can tell it yourself)")
        code = fact.source_agency if fact else event_date.agency if event_date else None
        agency = self._catalogue.agency(code) if code else None
        return _both(" ({}บอกได้)", " (the {} could tell)", _bare(agency.name)) if agency else _NOTHING

    def law(self, basis: LegalBasis) -> Text:
        """`พ.ร.บ.ผู้สูงอายุ พ.ศ. 2546 มาตรา 11(11)`. Acts have their Thai names in both languages."""
        section = _both(" มาตรา {}", ", section {}", _same(basis.section)) if basis.section else _NOTHING
        return Text(
            th=f"{basis.act} พ.ศ. {basis.year_be}{section.th}",
            en=f"{basis.act} B.E. {basis.year_be} ({basis.year_be - 543}){section.en}",
        )

    def title(self, name: str) -> Text:
        """What a fact or an announced day is called, without what stands in brackets."""
        fact, event_date = self._catalogue.fact(name), self._catalogue.event_date(name)
        found = fact.title if fact else event_date.title if event_date else _same(name)
        bare = self._naming(name, _bare(found))
        th = bare.th.split(" = ")[0].strip()
        # A number or a full stop is set off from the Thai that follows.
        return Text(th=th + " " if th[-1:].isascii() else th, en=bare.en.split(": ")[0].strip())

    # ---- whom it is about

    def _naming(self, path: str, title: Text) -> Text:
        """A title with the child's or the dead relative's name in it."""
        if self._called == _NOTHING or path.partition(".")[0] != self._subject:
            return title
        match self._subject:
            case "child":
                return Text(
                    th=title.th.replace("บุตร", self._called.th), en=_CHILDS.sub(f"{self._called.en}'s", title.en)
                )
            case "deceased":
                en = title.en.replace("the deceased", self._called.en)
                return Text(th=title.th.replace("ผู้ตาย", self._called.th), en=en)
        return title

    def _naming_dead(self, path: str, said: Text) -> Text:
        return self._naming(path, said) if self._subject == "deceased" else said

    def _whose(self, fact: Fact) -> Text:
        """Who does or is what a yes-or-no fact says."""
        subject = fact.path.partition(".")[0]
        if self._called != _NOTHING:
            if subject == self._subject != "deceased":
                called = self._called
                return _both("รถ {} ", "the vehicle {}", called) if subject == "vehicle" else called
            if self._subject == "person" and subject not in _SUBJECT:
                return self._called
        return _SUBJECT.get(subject, _YOU)

    def _is_you(self, fact: Fact) -> bool:
        return self._whose(fact) is _YOU

    def _must(self, fact: Fact, *, wanted: bool) -> Text:
        """A yes-or-no fact as a demand: `ต้องไม่ได้รับบำนาญ…`, `you must not draw a state pension`."""
        if fact.path == "person.alive":
            return _ALIVE[wanted]
        title, whose = _bare(fact.title), self._whose(fact)
        said = Text(th=_must_th(title.th, whose.th, wanted=wanted), en=_must_en(title.en, whose.en, wanted=wanted))
        return self._naming_dead(fact.path, said)

    def _is_so(self, fact: Fact, *, holds: bool) -> Text:
        """The same as it stands on record: `ไม่ได้รับบำนาญ…`, `you do not`. No bare yes or no, which after a demand that
        something is not so could mean either."""
        if fact.path == "person.alive":
            return _IS_ALIVE[holds]
        title, whose = _bare(fact.title), self._whose(fact)
        said = Text(
            th=_must_th(title.th, whose.th, wanted=holds, must=""),
            en=_is_so_en(title.en, whose.en, is_you=self._is_you(fact), holds=holds),
        )
        return self._naming_dead(fact.path, said)

    # ---- parts of a sentence

    def _lines(self, part: Reason | ReasonGroup, depth: int, found: list[Line]) -> None:
        if isinstance(part, Reason):
            found.append(Line(depth, part.holds, self.reason(part)))
            return
        intro = {
            "all": Text(th="ครบทุกข้อต่อไปนี้", en="All of these:"),
            "any": Text(th="อย่างน้อยหนึ่งข้อต่อไปนี้", en="At least one of these:"),
            "not": Text(th="ต้องไม่เป็นไปตามนี้", en="This must not be so:"),
        }[part.kind]
        found.append(Line(depth, part.holds, intro))
        for one in part.parts:
            self._lines(one, depth + 1, found)

    def _time_asked(self, criterion: Criterion, fact: Fact, derived: Derived, against: object) -> Text:
        """A length of time between two days reads better than a count of it."""
        start = self.title(derived.date_fact)
        end = _NOTHING
        match derived.as_of:
            case FactDay(fact=name) | AnnouncedDay(event_date=name):
                end = self.title(name)
        if against == 0 and criterion.op == "gte":
            today = Text(th="วันนี้", en="today")
            by = Text(th=end.th or today.th, en=f"the {end.en}" if end.en else today.en)
            return _both("{}ต้องไม่หลัง{}", "the {} must not be after {}", start, by)
        length = against if isinstance(against, Span) else None
        said = _span(length) if length else self._counted(against, derived.unit)
        since = _both("นับจาก{}", "since the {}", start)
        if end != _NOTHING:
            since = _both("นับจาก{} ถึง{}", "from the {} to the {}", start, end)
        elif derived.direction == "until":
            since = _both("หลัง{}", "past the {}", start)
        pattern = _TIME[criterion.op]
        if end == _NOTHING:
            pattern = Text(
                th=pattern.th,
                en=pattern.en.replace("must lie", "must have passed").replace("may lie", "may have passed"),
            )
        return Text(th=pattern.th.format(said.th, since.th), en=pattern.en.format(said.en, since.en))

    def _on_record(self, reason: Reason) -> Text:
        fact = self._fact(reason.criterion.fact)
        if reason.missing == (fact.path,):
            return _both("ยังไม่ทราบ{}", "not known yet{}", self._teller(fact.path))
        if reason.missing:
            names = [self.missing(name) for name in reason.missing]
            return _both("ยังไม่ทราบ{}", "not known yet: {}", _listed(names, Text(th=" และ", en=" and ")))
        told = self._told(fact)
        if isinstance(reason.used, DidNotHappen) or isinstance(reason.base, DidNotHappen):
            if fact.derived is None:
                return told.none
            lacks = fact.derived.date_fact
            if not isinstance(reason.base, DidNotHappen) and isinstance(fact.derived.as_of, FactDay):
                lacks = fact.derived.as_of.fact
            return _put(told.has_no, self.title(lacks))
        if reason.used is None:
            if fact.derived is None or reason.base is None:
                return Text(th="ยังไม่ทราบ", en="not known yet")
            return _both("{}ยังมาไม่ถึง", "the {} is still to come", self.title(fact.derived.date_fact))
        if fact.kind == "bool":
            return _put(told.is_so, self._is_so(fact, holds=reason.used is True))
        if fact.derived is None:
            return _put(told.says, self._value(fact, reason.used))
        is_time = fact.derived.unit in ("day", "month")
        said = self._counted(reason.used, fact.derived.unit) if is_time else self._value(fact, reason.used)
        base = _put(told.aside, self._base(fact.derived, reason.base))
        if fact.derived.as_of is None and fact.derived.basis != "fiscal_year_of_first_month":
            return _both("ปัจจุบัน {} ({})", "now {} ({})", said, base)
        return _both("นับได้ {} ({})", "it comes to {} ({})", said, base)

    def _told(self, fact: Fact) -> _Told:
        """How it is said whose word a fact is."""
        path = fact.path if fact.derived is None else fact.derived.date_fact
        return _TOLD[self._heard.get(path, "RECORD")]

    def _base(self, derived: Derived, base: object) -> Text:
        """The date that a count follows from, and how much of it is known."""
        title = self.title(derived.date_fact)
        if isinstance(base, PartialDate) and not base.is_exact:
            part = Text(th="ปี", en="year") if base.precision == "YEAR" else Text(th="เดือนและปี", en="month")
            return _both(
                "{}ทราบเพียง{} จึงนับจาก {} ตาม ป.พ.พ. มาตรา 16",
                "of the {} only the {} is known, so it counts from {}: Civil and Commercial Code, section 16",
                title,
                part,
                _day(base.earliest),
            )
        day = base.earliest if isinstance(base, PartialDate) else base
        return _both("{} {}", "{} {}", title, _day(day)) if isinstance(day, date) else title

    def _apart(self, reason: Reason) -> Text:
        """By how much, or until when."""
        if reason.holds is None:
            return _NOTHING
        if reason.time is not None and reason.turns_on is not None:
            if reason.holds:
                return _both("ใช้ได้ถึงวันที่ {}", "which holds until {}", _day(reason.turns_on - _DAY))
            to_go = _calendar(reason.time)
            return _both("อีก {} จะเข้าเกณฑ์ในวันที่ {}", "{} to go: it will be met on {}", to_go, _day(reason.turns_on))
        if reason.holds:
            return _NOTHING
        if reason.base is not None and reason.turned_on is not None:
            return _both("ไม่เข้าเกณฑ์ตั้งแต่วันที่ {}", "which it has not met since {}", _day(reason.turned_on))
        if not reason.apart or isinstance(reason.used, DidNotHappen):
            return _NOTHING
        much = self._value(self._fact(reason.criterion.fact), reason.apart)
        if reason.criterion.op in ("gte", "gt"):
            return _both("ขาดอีก {}", "short by {}", much)
        if reason.criterion.op in ("lte", "lt"):
            return _both("เกินไป {}", "over by {}", much)
        return _NOTHING

    def _value(self, fact: Fact, value: object) -> Text:
        if isinstance(value, PartialDate):
            value = value.earliest
        if isinstance(value, date):
            return _day(value)
        if isinstance(value, str):
            said = fact.say(value)
            return Text(th=f"“{said.th}”", en=f"“{said.en}”")
        return self._counted(value, fact.unit, self.title(fact.path))

    def _counted(self, value: object, unit: str | None, title: Text = _NOTHING) -> Text:
        """A number with its unit, in English without one that the title has said already."""
        if unit == "BE fiscal year":
            return _both("ปีงบประมาณ {}", "{}", _same(str(value)))
        number = (
            f"{value.normalize():,f}" if isinstance(value, Decimal) else f"{value:,}" if isinstance(value, int) else ""
        )
        if unit is None:
            return _same(number)
        if unit in _COUNTS:
            word = _COUNTS[unit]
            th = self._catalogue.word("units", unit).th
            has_said = re.search(rf"\b{word}s?\b", title.en) is not None
            return Text(th=f"{number} {th}", en=number if has_said else f"{number} {word}{'' if value == 1 else 's'}")
        is_money_per_time = unit.startswith("THB") and " per " in title.en
        said = self._catalogue.word("units", "THB" if is_money_per_time else unit)
        en = said.en.removesuffix("s") if value == 1 else said.en
        return Text(th=f"{number} {said.th}", en=f"{number} {en}")

    def _fact(self, path: str) -> Fact:
        found = self._catalogue.fact(path)
        if found is None:
            raise LookupError(path)
        return found


def _must_th(title: str, whose: str, *, wanted: bool, must: str = "ต้อง") -> str:
    """The demand, or without `must` the statement."""
    if title.startswith(_OWN_SUBJECT) and not title.startswith("ผู้มี"):
        if not must:
            return title if wanted else f"ไม่ใช่กรณีที่{title}"
        return f"{must}เป็นกรณีที่{title}" if wanted else f"{must}ไม่ใช่กรณีที่{title}"
    if title.startswith(_NOUN):
        return f"{whose}{must}เป็น{title}" if wanted else f"{whose}{must}ไม่เป็น{title}"
    if wanted:
        return f"{whose}{must}{title}"
    if title.startswith("ยัง"):
        return f"{whose}{must}ไม่{title.removeprefix('ยัง')}แล้ว"
    if title.endswith("แล้ว"):
        return f"{whose}{must}ยังไม่ได้{title.removesuffix('แล้ว').strip()}"
    return f"{whose}{must}ไม่ได้{title}" if title.startswith(_DONE) else f"{whose}{must}ไม่{title}"


def _must_en(title: str, whose: str, *, wanted: bool) -> str:
    verb, _, rest = title.partition(" ")
    must = f"{whose} {'must' if wanted else 'must not'}"
    if verb in _PAST:
        return f"{must} have {'been ' if rest.startswith('by ') else ''}{title}"
    if verb in _STATE:
        return f"{must} be {title}"
    if _is_verb(verb):
        return f"{must} {'be' if verb == 'is' else 'have' if verb == 'has' else verb.removesuffix('s')} {rest}"
    return f"this applies only where {title}" if wanted else f"this does not apply where {title}"


def _is_so_en(title: str, whose: str, *, is_you: bool, holds: bool) -> str:
    """`you do`, `the child has not`, `it is so`."""
    verb, _, rest = title.partition(" ")
    if verb in _PAST or (verb == "has" and _PERFECT.match(rest)):
        said = "have" if is_you else "has"
    elif verb in _STATE or verb == "is":
        said = "are" if is_you else "is"
    elif _is_verb(verb):
        said = "do" if is_you else "does"
    else:
        return "it is so" if holds else "it is not so"
    return f"{whose} {said}" if holds else f"{whose} {said} not"


def _whether(title: Text, whose: Text, *, is_you: bool) -> Text:
    """The same as a question: `ว่ารับบำนาญ…หรือไม่`, `whether you draw a state pension`."""
    th, en = title.th, title.en
    verb, _, rest = en.partition(" ")
    if verb in _PAST:
        en = f"{whose.en} {'have' if is_you else 'has'} {'been ' if rest.startswith('by ') else ''}{en}"
    elif verb in _STATE:
        en = f"{whose.en} {'are' if is_you else 'is'} {en}"
    elif is_you and _is_verb(verb):
        en = f"you {'are' if verb == 'is' else 'have' if verb == 'has' else verb.removesuffix('s')} {rest}"
    elif _is_verb(verb):
        en = f"{whose.en} {en}"
    is_noun = th.startswith(_NOUN) and (th.startswith("ผู้มี") or not th.startswith(_OWN_SUBJECT))
    owner = "" if th.startswith(_OWN_SUBJECT) else whose.th
    return Text(th=f"ว่า{owner}{'เป็น' if is_noun else ''}{th}หรือไม่", en=f"whether {en}")


def _is_verb(word: str) -> bool:
    """Of the first word of an English title: `is`, `has`, `draws`; no subject begins so."""
    return word.endswith("s") and word.islower()


def _span(span: Span) -> Text:
    return _calendar(CalendarTime(span.years, span.months, span.days))


def _calendar(time: CalendarTime) -> Text:
    """`3 เดือน 2 วัน`, `3 months and 2 days`."""
    parts = [
        (time.years, "ปี", "year"),
        (time.months, "เดือน", "month"),
        (time.days, "วัน", "day"),
    ]  # fmt: skip
    given = [part for part in parts if part[0]] or [(0, "วัน", "day")]
    return _listed(
        [Text(th=f"{count} {th}", en=f"{count} {en}{'' if count == 1 else 's'}") for count, th, en in given],
        Text(th=" ", en=" and "),
        between=Text(th=" ", en=", "),
    )


def _listed(items: Sequence[Text], last: Text, *, between: Text | None = None) -> Text:
    """A, B and C."""
    between = between or Text(th=", ", en=", ")
    if len(items) < 2:
        return items[0] if items else _NOTHING
    head = items[:-1]
    return Text(
        th=between.th.join(one.th for one in head) + last.th + items[-1].th,
        en=between.en.join(one.en for one in head) + last.en + items[-1].en,
    )


def _both(th: str, en: str, *parts: Text) -> Text:
    return Text(th=th.format(*(part.th for part in parts)), en=en.format(*(part.en for part in parts)))


def _put(pattern: Text, value: Text) -> Text:
    return _both(pattern.th, pattern.en, value)


def _capital(text: Text) -> Text:
    return Text(th=text.th, en=text.en[:1].upper() + text.en[1:])


def _day(day: date) -> Text:
    return Text(th=say_date(day, "th"), en=say_date(day, "en"))


def _same(text: str) -> Text:
    return Text(th=text, en=text)


def _bare(text: Text) -> Text:
    """Without what stands in brackets."""
    return Text(th=_ASIDE.sub("", text.th).strip(), en=_ASIDE.sub("", text.en).strip())


def _tidy(text: Text) -> Text:
    return Text(th=text.th.replace("  ", " ").replace(" :", ":").strip(), en=text.en)
