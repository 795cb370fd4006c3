"""What services may speak of: words, agencies, facts, parameters, evidence, and the days one can count from.

Read before the services, so that a reference can be checked where it stands; a reference to what is read later is
checked at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Literal, TypeVar, get_args

from foundation.language import Text
from lifeevents.catalogue.model import (
    Agency,
    Anchor,
    AnnouncedDay,
    Choice,
    Confidence,
    Derived,
    EventDate,
    EvidenceType,
    Fact,
    FactDay,
    FactKind,
    Parameter,
    ParameterValue,
    Privacy,
    Shared,
    TurnsDay,
    WordKind,
)
from lifeevents.catalogue.yaml import At, Fields, parse_month_day

CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
WORD_KINDS: tuple[WordKind, ...] = get_args(WordKind)
_FACT_KINDS: tuple[FactKind, ...] = get_args(FactKind)
_PRIVACIES: tuple[Privacy, ...] = get_args(Privacy)

FISCAL_YEAR = "BE fiscal year"

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_TURNS = re.compile(r"([a-z][a-z0-9_]*)\.turns_([0-9]{1,3})")

_KINDS_TH = {
    "agency": "หน่วยงาน",
    "channel": "ช่องทาง",
    "event": "เหตุการณ์",
    "event date": "วันที่ประกาศ",
    "event type": "ประเภทเหตุการณ์",
    "evidence": "หลักฐาน",
    "fact": "ข้อเท็จจริง",
    "fee": "ค่าธรรมเนียม",
    "life event": "เหตุการณ์ชีวิต",
    "life stage": "ช่วงชีวิต",
    "notification": "การแจ้งเตือน",
    "operation": "รายการเรียกข้อมูล",
    "parameter": "พารามิเตอร์",
    "per": "หน่วย 'ต่อ'",
    "recipient": "ผู้รับ",
    "service": "บริการ",
    "unit": "หน่วย",
}
_WORD_NAMES: dict[WordKind, str] = {
    "channels": "channel",
    "units": "unit",
    "per": "per",
    "fees": "fee",
    "recipients": "recipient",
}


# How a note says that nobody is sure; what it is about then carries the mark, for no citizen reads the note.
_DOUBTS = re.compile(r"\buncertain\b|\bunconfirmed\b|ไม่ยืนยัน|ต้องตรวจ|ไม่พบหลักฐาน|แหล่งข้อมูลไม่ตรงกัน")

_T = TypeVar("_T")


class Vocabulary:
    """Everything that services may refer to, and the reading of what refers to it."""

    def __init__(self) -> None:
        self.words: dict[WordKind, dict[str, Text]] = {kind: {} for kind in WORD_KINDS}
        self.agencies: list[Agency] = []
        self.facts: dict[str, Fact] = {}
        self.event_dates: list[EventDate] = []
        self.parameters: dict[str, Parameter] = {}
        self.evidence: dict[str, EvidenceType] = {}
        self._fact_kinds: dict[str, str] = {}
        self._declared: dict[str, dict[str, str]] = {}  # by kind and id: where it stands
        self._later: list[Callable[[], None]] = []
        self._things: set[str] = set()
        self._places: dict[int, tuple[object, At]] = {}  # the item too, so that its id stays its own

    @property
    def tellable(self) -> dict[str, Fact]:
        """The facts, and the days that an agency announces."""
        announced = {one.id: fact for one in self.event_dates if (fact := one.as_fact) is not None}
        return self.facts | announced

    # ---- names

    def declare(self, kind: str, at: At, name: str) -> None:
        """From here on that name is known. Where it was already, note a problem."""
        names = self._declared.setdefault(kind, {})
        if name and name in names:
            at.wrong(
                en=f"the {kind} {name!r} stands here a second time (first in {names[name]}); rename or remove one",
                th=f"{_KINDS_TH[kind]} {name!r} ซ้ำกับ {names[name]} ให้เปลี่ยนชื่อหรือลบอันหนึ่ง",
            )
        names.setdefault(name, f"{at.file}:{at.line}")

    def names(self, kind: str) -> Collection[str] | None:
        """The known names of a kind; None for what is no kind."""
        return self._declared.get(kind)

    @property
    def days(self) -> list[str]:
        """The dates that one can count from."""
        dates = [path for path, kind in self._fact_kinds.items() if kind == "date"]
        return [*dates, *self._declared.get("event date", {})]

    def knows(self, kind: str) -> bool:
        """Whether the file that declares this kind could be read. If not, that is the problem, not each mention."""
        return kind in self._declared

    def code(self, kind: str, at: At) -> str:
        """A new name in the form all codes have."""
        name = at.string()
        if name and not _CODE.fullmatch(name):
            at.wrong(
                en=f"{name[:60]!r} can't be a code; use small letters, digits and _, a letter first",
                th=f"{name[:60]!r} เป็นรหัสไม่ได้ ใช้ตัวพิมพ์เล็ก ตัวเลข และ _ ขึ้นต้นด้วยตัวอักษร",
            )
        at.reads.append({"type": "string", "pattern": f"^{_CODE.pattern}$"})
        self.declare(kind, at, name)
        return name

    def reference(self, kind: str, at: At) -> str:
        """The name of something already read."""
        name = at.string()
        at.reads.append({"$ref": f"#/$defs/{kind.replace(' ', '_')}"})
        if name and self.knows(kind) and name not in self._declared[kind]:
            at.unknown(name, self._declared[kind], en=kind, th=_KINDS_TH[kind])
        return name

    def reference_later(self, kind: str, at: At) -> str:
        """The name of something that may come later."""
        name = at.string()

        def check() -> None:
            if name:
                self.reference(kind, at)

        self.later(check)
        return name

    def stands(self, at: At, item: _T) -> _T:
        """Remember where something was written, for what only shows to be wrong when all is read."""
        self._places[id(item)] = (item, at)
        return item

    def place(self, item: object) -> At:
        return self._places[id(item)][1]

    def later(self, check: Callable[[], None]) -> None:
        self._later.append(check)

    def settle(self) -> None:
        """Run the checks that had to wait until all was read."""
        self.expect("service", "life stage")
        for check in self._later:
            check()
        self._later.clear()

    def expect(self, *kinds: str) -> None:
        for kind in kinds:
            self._declared.setdefault(kind, {})

    def word(self, kind: WordKind, at: At) -> str:
        return self.reference(_WORD_NAMES[kind], at)

    # ---- the files

    def read_words(self, root: At) -> None:
        self.expect(*_WORD_NAMES.values())
        fields = root.fields()
        for kind in WORD_KINDS:
            for at in fields.list(kind):
                inside = at.fields()
                name = inside.get("id").string()
                self.declare(_WORD_NAMES[kind], at, name)
                self.words[kind][name] = inside.get("title").text()
                inside.done()
        fields.done()

    def declare_thing(self, subject: str) -> None:
        """Something that an answer lists one by one, so that others can be asked about each (`vehicle.id`)."""
        self._things.add(subject)

    def check_feed(self, at: At, path: str) -> None:
        """An argument is fed by a fact, or by the id of something that an answer lists."""
        subject, _, name = path.partition(".")
        if path not in self.facts and not (name == "id" and subject in self._things | {"child", "deceased", "house"}):
            known = [*self.facts, *(f"{one}.id" for one in sorted(self._things)), "child.id", "house.id"]
            at.unknown(path, known, en="fact, or thing.id", th="ข้อเท็จจริง หรือ thing.id")

    def read_facts(self, root: At) -> None:
        self.expect("fact", "event date")
        fields = root.fields()
        items = list(fields.list("facts"))
        for at in items:
            if at.is_mapping:
                quick = at.fields()
                self._fact_kinds[quick.maybe_string("path") or ""] = quick.maybe_string("type") or ""
        for at in fields.list("event_dates"):
            inside = at.fields()
            name = inside.get("id").string()
            self.declare("event date", inside.get("id"), name)
            agency = inside.maybe("agency")
            self.event_dates.append(
                EventDate(
                    id=name,
                    agency=self.reference("agency", agency) if agency else None,
                    title=inside.get("title").text(),
                )
            )
            inside.done()
        for at in items:
            self._fact(at)
        fields.done()

    def _fact(self, at: At) -> None:
        fields = at.fields()
        path_at = fields.get("path")
        path = path_at.string()
        if path and not _PATH.fullmatch(path):
            path_at.wrong(
                en=f"{path[:60]!r} isn't a fact path; write subject.name",
                th=f"{path[:60]!r} ไม่ใช่ชื่อข้อเท็จจริง ให้เขียน subject.name",
            )
        self.declare("fact", path_at, path)
        kind = fields.get("type").choice(_FACT_KINDS)
        unit = fields.maybe("unit")
        derived = fields.maybe("derived")
        fact = Fact(
            path=path,
            kind=kind,
            choices=self._choices(at, fields, kind),
            unit=self.word("units", unit) if unit else None,
            source_agency=self.reference("agency", fields.get("source_agency")),
            title=fields.get("title").text(),
            privacy=fields.get("privacy").choice(_PRIVACIES),
            is_own_word=(own := fields.maybe("own_word")) is not None and own.boolean(),
            derived=self._derived(derived) if derived else None,
            shared=self._shared(shared, kind) if (shared := fields.maybe("shared")) else None,
        )
        fields.done()
        self.facts[path] = fact
        if derived and fact.derived:
            self._check_derived(derived, fact, fact.derived)

    def _shared(self, at: At, kind: FactKind) -> Shared:
        fields = at.fields()
        found = Shared(of=fields.get("of").string(), among=fields.get("among").string())
        fields.done()
        if kind not in ("money", "decimal"):
            at.wrong(en="only an amount is shared out; it is of type money", th="ใช้ได้กับจำนวนเงินเท่านั้น (money)")

        def check() -> None:
            for path, kinds in ((found.of, ("money", "decimal", "int")), (found.among, ("int",))):
                fact = self.facts.get(path)
                if fact is None:
                    at.unknown(path, self.facts, en="fact", th="ข้อเท็จจริง")
                elif fact.kind not in kinds or not fact.is_own_word:
                    at.wrong(
                        en=f"{path} must be a number ({' or '.join(kinds)}) that people say themselves, own_word: true",
                        th=f"{path} ต้องเป็นตัวเลข ({' หรือ '.join(kinds)}) ที่ประชาชนแจ้งเอง own_word: true",
                    )

        self.later(check)
        return found

    def _choices(self, at: At, fields: Fields, kind: FactKind) -> tuple[Choice, ...]:
        found: dict[str, Choice] = {}
        for item in fields.maybe_list("choices"):
            inside = item.fields()
            value = inside.get("value").string()
            if value in found:
                item.wrong(en=f"the choice {value!r} stands here twice; keep one", th=f"ค่า {value!r} ซ้ำ ให้เหลืออันเดียว")
            title = Text(th=inside.get("th").string(), en=inside.get("en").string())
            found[value] = Choice(value=value, title=title)
            inside.done()
        if kind == "enum" and not found:
            at.wrong(en="an enum names its choices; add choices:", th="ชนิด enum ต้องระบุค่าที่เป็นได้ ให้เพิ่ม choices:")
        if kind != "enum" and found:
            at.wrong(en=f"a fact of type {kind} has no choices; remove them", th=f"ชนิด {kind} ไม่มี choices ให้ลบออก")
        return tuple(found.values())

    def _derived(self, at: At) -> Derived:
        fields = at.fields()
        since, until = fields.maybe("since"), fields.maybe("until")
        if (since is None) == (until is None):
            at.wrong(
                en="a derived fact counts since one date or until one; give one of the two",
                th="ต้องมี since หรือ until อย่างใดอย่างหนึ่ง",
            )
        signs: tuple[Literal["after"], ...] = ("after",)
        if until and not fields.maybe_choice("sign", signs):
            at.wrong(en="until counts with a sign; add sign: after", th="until ต้องมีเครื่องหมาย ให้เพิ่ม sign: after")
        source = since or until
        as_of = fields.maybe("as_of")
        counted_to = self.anchor(as_of) if as_of else None
        if as_of and counted_to and not isinstance(counted_to, FactDay | AnnouncedDay):
            as_of.wrong(en="a fact is counted to a date fact or an event date", th="ต้องเป็นข้อเท็จจริงชนิดวันที่ หรือวันที่ประกาศ")
            counted_to = None
        found = Derived(
            direction="until" if until else "since",
            date_fact=self.date_fact(source) if source else "",
            unit=fields.get("unit").choice(("day", "week", "month", "year", "fiscal_year_be")),
            basis=fields.get("basis").choice(("completed", "calendar_year_be", "fiscal_year_of_first_month")),
            years=fields.maybe_integer("years"),
            leap_day=fields.maybe_choice("leap_day", ("following", "preceding")),
            attained=fields.maybe_choice("attained", ("birthday", "eve")),
            as_of=counted_to if isinstance(counted_to, FactDay | AnnouncedDay) else None,
            formula=fields.maybe_string("formula"),
            confidence=fields.maybe_choice("confidence", CONFIDENCES),
            note=fields.maybe_string("note"),
        )
        needs_mark(at, found.confidence, found.note)
        fields.done()
        return found

    def _check_derived(self, at: At, fact: Fact, derived: Derived) -> None:
        unit = FISCAL_YEAR if derived.unit == "fiscal_year_be" else derived.unit
        if fact.kind != "int" or fact.unit != unit:
            at.wrong(
                en=f"what is counted in {derived.unit} is of type int with unit {unit!r}",
                th=f"ข้อเท็จจริงที่นับเป็น {derived.unit} ต้องเป็นชนิด int หน่วย {unit!r}",
            )
        if derived.basis == "completed" and derived.unit == "year" and not (derived.leap_day and derived.attained):
            at.wrong(
                en="completed years must say how the law counts them; add leap_day: and attained:",
                th="อายุเต็มปีต้องบอกวิธีนับตามกฎหมาย ให้เพิ่ม leap_day: และ attained:",
            )
        by_fiscal_year = derived.basis == "fiscal_year_of_first_month"
        if by_fiscal_year != (derived.unit == "fiscal_year_be") or by_fiscal_year != (derived.years is not None):
            at.wrong(
                en="basis fiscal_year_of_first_month goes with unit fiscal_year_be and years:, and only there",
                th="basis fiscal_year_of_first_month ใช้คู่กับ unit fiscal_year_be และ years: เท่านั้น",
            )
        if derived.basis == "calendar_year_be" and derived.unit != "year":
            at.wrong(en="basis calendar_year_be counts in unit year", th="basis calendar_year_be ต้องนับเป็น year")
        if not fact.is_sensitive:

            def inherit() -> None:
                source = self.facts.get(derived.date_fact)
                if source and source.is_sensitive:
                    at.wrong(
                        en=f"what follows from the sensitive fact {source.path} is sensitive too; write privacy: sensitive",
                        th=f"ข้อมูลที่คำนวณจากข้อมูลอ่อนไหว {source.path} ก็อ่อนไหว ให้เขียน privacy: sensitive",
                    )

            self.later(inherit)

    def read_parameters(self, root: At) -> None:
        self.expect("parameter")
        fields = root.fields()
        for at in fields.list("parameters"):
            inside = at.fields()
            name = self.code("parameter", inside.get("id"))
            values = [(item, _parameter_value(item)) for item in inside.list("values")]
            self.parameters[name] = Parameter(
                id=name,
                title=inside.get("title").text(),
                unit=self.word("units", inside.get("unit")),
                values=tuple(value for _, value in values),
            )
            if not values:
                at.wrong(
                    en="a parameter has at least one value; add values:", th="พารามิเตอร์ต้องมีอย่างน้อยหนึ่งค่า ให้เพิ่ม values:"
                )
            for (_, before), (place, after) in pairwise(values):
                _check_follows(place, before, after)
            inside.done()
        fields.done()

    def read_evidence(self, root: At) -> None:
        self.expect("evidence")
        fields = root.fields()
        for at in fields.list("evidence"):
            inside = at.fields()
            name = self.code("evidence", inside.get("id"))
            holder, fetch_op = self.holder_and_operation(inside)
            once_only = inside.get("once_only").boolean()
            if once_only and fetch_op is None:
                at.wrong(
                    en="once_only promises that nobody is asked for it; name the operation that fetches it in fetch_op",
                    th="once_only หมายถึงไม่ต้องขอจากประชาชน ให้ระบุ fetch_op ที่ดึงเอกสารนี้",
                )
            self.evidence[name] = EvidenceType(
                id=name, title=inside.get("title").text(), holder=holder, fetch_op=fetch_op, once_only=once_only
            )
            inside.done()
        fields.done()

    def holder_and_operation(self, fields: Fields) -> tuple[str | None, str | None]:
        """Who has a document (None: only the citizen) and which of the holder's operations fetches it."""
        holder_at, operation_at = fields.get("holder"), fields.maybe("fetch_op")
        holder = None if holder_at.string() == "self" else self.reference("agency", holder_at)
        if holder is None:
            holder_at.reads.append({"const": "self"})
        operation = self.reference("operation", operation_at) if operation_at else None
        if operation_at and operation and not operation.startswith(f"{holder}."):
            operation_at.wrong(
                en=f"{operation} isn't an operation of the holder {holder or 'self'}",
                th=f"{operation} ไม่ใช่รายการของผู้ถือ {holder or 'self'}",
            )
        return holder, operation

    # ---- days

    def date_fact(self, at: At) -> str:
        path = self.reference("fact", at)
        if path and self._fact_kinds.get(path, "date") != "date":
            at.wrong(en=f"{path} is no date; name a fact of type date", th=f"{path} ไม่ใช่วันที่ ให้ใช้ข้อเท็จจริงชนิด date")
        return path

    def anchor(self, at: At, text: str | None = None) -> Anchor | None:
        """A day to count from; None (and a problem) where nobody could say which day is meant."""
        if text is None:
            text = at.string()
            at.reads.append({"$ref": "#/$defs/day_to_count_from"})
        if found := parse_month_day(text):
            return found
        if not text or not self.knows("fact"):
            return None
        if text in self._declared.get("event date", {}):
            return AnnouncedDay(event_date=text)
        if match := _TURNS.fullmatch(text):
            birth_date = f"{match[1]}.birth_date"
            if self._fact_kinds.get(birth_date) == "date":
                return TurnsDay(birth_date=birth_date, years=int(match[2]))
            at.wrong(
                en=f"{text} needs the date fact {birth_date}, which facts.yaml doesn't have",
                th=f"{text} ต้องใช้ข้อเท็จจริง {birth_date} ซึ่งไม่มีใน facts.yaml",
            )
            return None
        if self._fact_kinds.get(text) == "date":
            return FactDay(fact=text)
        if text in self._fact_kinds:
            at.wrong(en=f"{text} is no date; name a fact of type date", th=f"{text} ไม่ใช่วันที่ ให้ใช้ข้อเท็จจริงชนิด date")
            return None
        at.unknown(
            text,
            self.days,
            en="day: a date fact, an event date of facts.yaml, someone.turns_N or MM-DD",
            th="วัน (ข้อเท็จจริงชนิดวันที่ วันที่ประกาศใน facts.yaml someone.turns_N หรือ MM-DD)",
        )
        return None


def read_offset(at: At) -> timedelta:
    """A number of days, maybe with a fraction, before (negative) or after."""
    days = at.number()
    if not -3660 <= days <= 3660:
        at.wrong(en="more than ten years away; check the number of days", th="ห่างเกินสิบปี ตรวจจำนวนวัน")
        return timedelta()
    return timedelta(hours=float(days * 24)) if isinstance(days, Decimal) else timedelta(days=days)


def needs_source(at: At, confidence: Confidence | None, source: str | None) -> None:
    if confidence == "sourced" and source is None:
        at.wrong(
            en="confidence is sourced, but no source is named; add source: or lower the confidence to known",
            th="ระบุ confidence: sourced แต่ไม่มีแหล่งที่มา ให้เพิ่ม source: หรือลดเป็น known",
        )


def needs_mark(at: At, confidence: Confidence | None, *notes: str | None) -> None:
    """A value whose own note doubts it is marked, so that it is marked wherever a person sees it."""
    doubt = next((found[0] for note in notes if note and (found := _DOUBTS.search(note))), None)
    if doubt is not None and confidence != "uncertain":
        at.wrong(
            en=f"the note says {doubt!r}, but the value isn't marked; add confidence: uncertain",
            th=f"หมายเหตุระบุว่า {doubt!r} แต่ค่าไม่ได้ระบุว่าไม่แน่ชัด ให้เพิ่ม confidence: uncertain",
        )


def read_url(at: At) -> str:
    url = at.string()
    at.reads.append({"type": "string", "pattern": "^https?://[^\\s/]+"})
    if url and not re.match(r"https?://[^\s/]+", url):
        at.wrong(
            en=f"{url[:60]!r} isn't an address; it begins with https://",
            th=f"{url[:60]!r} ไม่ใช่ที่อยู่เว็บ ต้องขึ้นต้นด้วย https://",
        )
    return url


def check_period(at: At, fields: Fields) -> None:
    """A period must not end before it begins."""
    begins, ends = fields.maybe_day("valid_from"), fields.maybe_day("valid_to")
    if begins and ends and begins > ends:
        at.wrong(en="valid_to lies before valid_from; swap or correct them", th="valid_to อยู่ก่อน valid_from ให้แก้ไข")


def cycle(edges: dict[str, tuple[str, ...]]) -> list[str]:
    """A way round in a graph, its first node repeated at the end; empty where there is none."""
    done: set[str] = set()
    for start in edges:
        way: list[str] = []
        stack: list[Iterator[str]] = [iter((start,))]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                if way:
                    done.add(way.pop())
            elif node in way:
                return [*way[way.index(node) :], node]
            elif node not in done:
                way.append(node)
                stack.append(iter(edges.get(node, ())))
    return []


def _parameter_value(at: At) -> ParameterValue:
    fields = at.fields()
    check_period(at, fields)
    source = fields.maybe("source")
    found = ParameterValue(
        valid_from=fields.maybe_day("valid_from"),
        valid_to=fields.maybe_day("valid_to"),
        value=fields.get("value").quantity(),
        note=fields.maybe_string("note"),
        source=read_url(source) if source else None,
        confidence=fields.get("confidence").choice(CONFIDENCES),
    )
    needs_source(at, found.confidence, found.source)
    needs_mark(at, found.confidence, found.note)
    fields.done()
    return found


def _check_follows(at: At, before: ParameterValue, after: ParameterValue) -> None:
    """Each value begins on the day after the one before it ends."""
    if before.valid_to is None or after.valid_from is None:
        at.wrong(
            en="only the first value may begin open and only the last may end open; give the days",
            th="เว้นว่างได้เฉพาะวันเริ่มของค่าแรกและวันสิ้นสุดของค่าสุดท้าย ให้ระบุวัน",
        )
        return
    expected = before.valid_to + timedelta(days=1)
    if after.valid_from > expected:
        at.wrong(
            en=f"a gap: no value from {expected} on; begin this one on '{expected}'",
            th=f"มีช่องว่าง: ไม่มีค่าตั้งแต่ {expected} ให้เริ่มค่านี้วันที่ '{expected}'",
        )
    if after.valid_from < expected:
        at.wrong(
            en=f"an overlap: the value before holds until {before.valid_to}; begin this one on '{expected}'",
            th=f"ช่วงซ้อนกัน: ค่าก่อนหน้าใช้ถึง {before.valid_to} ให้เริ่มค่านี้วันที่ '{expected}'",
        )
