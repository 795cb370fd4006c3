"""The agencies, and what each can be asked: read from its file, and checked against the facts that its answers tell.

A question to an agency without a dialect of its own is all data: arguments and where each comes from, the fields of the
answer and their types, which field tells which fact. agencies/standard.py asks it. A question with `asked_as` is
asked in the agency's own dialect, by the adapter's operation of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import time
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast, get_args

from agencies.answers import Keeping
from agencies.standard import KINDS_IN_WORDS, Argument, Field, Kind, Listed, Spec
from foundation.language import Text
from lifeevents.catalogue.model import Agency, Assumptions, Fact, FactKind, Operation, OperationMode
from lifeevents.catalogue.vocabulary import Vocabulary
from lifeevents.catalogue.yaml import At, Fields, Json

_MODES: tuple[OperationMode, ...] = get_args(OperationMode)
_KINDS: frozenset[str] = frozenset(get_args(Kind)) - {"enum", "object"}
_TYPE = re.compile(r"([a-z_]+)(?:\(([^()]*)\))?(\?)?")
_TYPE_SCHEMA: Json = {"type": "string", "pattern": rf"^\s*({'|'.join(sorted(_KINDS))}|enum\([^()]+\))\??\s*$"}
_SOURCE = re.compile(r"urn:[a-z0-9][a-z0-9-]*(:[a-z0-9_-]+)+|https://[a-z0-9.-]+(/[A-Za-z0-9._~/-]*)?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LONGEST_KEPT_S = 366 * 86_400
# What an argument can be fed with besides facts: days that the calendar knows.
LEGAL_FEEDS = ("legal.today", "legal.year", "legal.tax_year", "legal.first_of_year")
# Which types of a field can tell a fact of which type.
_TELLS: Mapping[FactKind, frozenset[Kind]] = MappingProxyType(
    {
        "bool": frozenset({"bool"}),
        "int": frozenset({"int"}),
        "money": frozenset({"money", "decimal", "int"}),
        "decimal": frozenset({"decimal", "money", "int"}),
        "date": frozenset({"date", "partial_date", "month"}),
        "enum": frozenset({"enum"}),
        "code": frozenset({"code", "text"}),
        "string": frozenset({"text", "code"}),
    }
)


class AgencyReader:
    """Reads the agencies, each with its operations, into the vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._assumptions_note = Text(th="", en="")
        self._sources: dict[str, str] = {}

    def read(self, root: At) -> None:
        """What all agencies share; each may stand here in a list or in a file of its own."""
        self._vocabulary.expect("agency", "operation")
        fields = root.fields()
        self._assumptions_note = fields.get("assumptions_note").text()
        for at in fields.maybe_list("agencies"):
            self.read_one(at)
        fields.done()

    def read_one(self, at: At) -> None:
        inside = at.fields()
        agency = self._vocabulary.code("agency", inside.get("id"))
        words = inside.maybe("fields")
        titles = {name: said.text() for name, said in (words.fields().each() if words else ())}
        operations = OperationReader(self._vocabulary, agency, titles)
        self._vocabulary.agencies.append(
            Agency(
                id=agency,
                name=inside.get("name").text(),
                ministry=inside.get("ministry").text(),
                event_sources=self._event_sources(inside.get("event_sources")),
                data_held=tuple(held.text() for held in inside.list("data_held")),
                assumptions=_assumptions(inside.get("assumptions").fields(), self._assumptions_note),
                operations=tuple(operations.read(operation) for operation in inside.list("operations")),
            )
        )
        inside.done()

    def _event_sources(self, at: At) -> tuple[str, ...]:
        found = []
        for item in at.items():
            source = item.string()
            if source and not _SOURCE.fullmatch(source):
                item.wrong(
                    en=f"{source[:80]!r} isn't a source; write urn:th:agency:… or https://…",
                    th=f"{source[:80]!r} ไม่ใช่แหล่งที่มา ให้เขียน urn:th:agency:… หรือ https://…",
                )
            owner = self._sources.get(source)
            if source and owner:
                item.wrong(
                    en=f"the source {source} belongs to the agency in {owner} already; each source has one agency",
                    th=f"แหล่งที่มา {source} เป็นของหน่วยงานที่ {owner} แล้ว แหล่งหนึ่งเป็นของหน่วยงานเดียว",
                )
            self._sources[source] = f"{item.file}:{item.line}"
            found.append(source)
        if not found:
            at.wrong(
                en="name at least one source, such as urn:th:agency:…", th="ต้องมีแหล่งที่มาอย่างน้อยหนึ่ง เช่น urn:th:agency:…"
            )
        return tuple(found)


class OperationReader:
    """Reads the operations of one agency. `titles` says what its fields and choices are called."""

    def __init__(self, vocabulary: Vocabulary, agency: str, titles: Mapping[str, Text]) -> None:
        self._vocabulary = vocabulary
        self._agency = agency
        self._titles = titles

    def read(self, at: At) -> Operation:
        fields = at.fields()
        id_at = fields.get("id")
        name = id_at.string()
        self._vocabulary.declare("operation", id_at, name)
        if name and not name.startswith(f"{self._agency}."):
            at.wrong(
                en=f"an operation of {self._agency} is called {self._agency}.…",
                th=f"รายการของ {self._agency} ต้องขึ้นต้นด้วย {self._agency}.",
            )
        mode = fields.get("mode").choice(_MODES)
        asked_as, title = fields.maybe_string("asked_as"), fields.maybe("title")
        request_at, response_at = fields.get("request"), fields.get("response")
        spec = None
        if request_at.is_mapping and mode == "sync_read" and asked_as is None:
            spec = self._spec(name, fields, request_at, response_at)
        found = Operation(
            id=name,
            mode=mode,
            title=title.text() if title else None,
            request=_names(request_at),
            response=_names(response_at),
            is_idempotent=fields.get("idempotent").boolean(),
            requires_consent=fields.get("requires_consent").boolean(),
            asked_as=asked_as,
            spec=spec,
        )
        fields.done()
        return found

    def _spec(self, name: str, fields: Fields, request: At, response: At) -> Spec:
        title = fields.get("title").text()
        found = tuple(self._fields(response))
        by_name = {one.name: one for one in found}
        listed = tuple(self._listed(fields.maybe("things"), by_name))
        for one in listed:
            self._vocabulary.declare_thing(one.subject)
        facts_at, absent_at = fields.maybe("facts"), fields.maybe("when_absent")
        facts = {fact: place.string() for fact, place in (facts_at.fields().each() if facts_at else ())}
        spec = Spec(
            agency=self._agency,
            id=name,
            title=title,
            arguments=tuple(self._argument(key, at) for key, at in request.fields().each()),
            fields=found,
            facts=MappingProxyType(facts),
            listed=listed,
            when_absent=MappingProxyType(_absent(absent_at)) if absent_at else {},
            keeping=_keeping(kept) if (kept := fields.maybe("kept")) else Keeping(),
            is_sensitive=(sensitive := fields.maybe("sensitive")) is not None and sensitive.boolean(),
        )
        if facts_at:
            self._vocabulary.later(lambda: self._check_facts(facts_at, spec))
        if absent_at:
            self._vocabulary.later(lambda: self._check_absent(absent_at, spec))
        return spec

    # ---- fields of an answer

    def _fields(self, at: At) -> Iterator[Field]:
        for key, inside in at.fields().each():
            if not _NAME.fullmatch(key):
                inside.wrong(
                    en=f"{key[:60]!r} can't be a field; use small letters, digits and _",
                    th=f"{key[:60]!r} เป็นชื่อฟิลด์ไม่ได้ ใช้ตัวพิมพ์เล็ก ตัวเลข และ _",
                )
            yield self._field(key, inside)

    def _field(self, name: str, at: At) -> Field:
        title = self._title(name, at)
        if at.is_mapping:
            return Field(name=name, kind="object", title=title, inside=tuple(self._fields(at)))
        if at.is_list:
            items = list(at.items())
            if len(items) != 1:
                at.wrong(en="write the one kind of item that the list holds", th="ให้เขียนรูปแบบของรายการหนึ่งแบบ")
                return Field(name=name, kind="text", title=title)
            return replace(self._item(name, items[0], title), is_list=True)
        return self._scalar(name, at, title)

    def _item(self, name: str, at: At, title: Text) -> Field:
        if at.is_mapping:
            return Field(name=name, kind="object", title=title, inside=tuple(self._fields(at)))
        return self._scalar(name, at, title)

    def _scalar(self, name: str, at: At, title: Text) -> Field:
        text = at.string()
        at.reads.append(_TYPE_SCHEMA)
        read = _TYPE.fullmatch(text.strip())
        kind, choices = (read[1], read[2]) if read else ("", None)
        if read and kind == "enum" and choices:
            names = [one.strip() for one in choices.split(",")]
            return Field(
                name=name, kind="enum", title=title, is_optional=bool(read[3]),
                choices=MappingProxyType({one: self._title(one, at) for one in names}),
            )  # fmt: skip
        if not read or kind not in _KINDS or choices is not None:
            if text:
                at.wrong(
                    en=f"{text[:60]!r} isn't a type; it is one of {KINDS_IN_WORDS}, with ? where it may be missing",
                    th=f"{text[:60]!r} ไม่ใช่ชนิดข้อมูล ใช้ได้: {KINDS_IN_WORDS} เติม ? เมื่ออาจไม่มีค่า",
                )
            return Field(name=name, kind="text", title=title)
        return Field(name=name, kind=cast("Kind", kind), title=title, is_optional=bool(read[3]))

    def _title(self, name: str, at: At) -> Text:
        found = self._titles.get(name)
        if found is None:
            at.wrong(
                en=f"nothing says what {name!r} is called; add it to fields: of the agency, in Thai and English",
                th=f"ไม่มีคำเรียก {name!r} ให้เพิ่มใน fields: ของหน่วยงาน ทั้งภาษาไทยและอังกฤษ",
            )
            return Text(th=name, en=name)
        return found

    def _listed(self, at: At | None, by_name: Mapping[str, Field]) -> Iterator[Listed]:
        for subject, inside in at.fields().each() if at else ():
            fields = inside.fields()
            one = Listed(
                subject=subject, list=fields.get("list").string(), key=fields.get("key").string(),
                called=fields.get("called").string(),
            )  # fmt: skip
            fields.done()
            there = by_name.get(one.list)
            names = [field.name for field in there.inside] if there and there.is_list else []
            for name in (one.key, one.called):
                if name and name not in names:
                    inside.unknown(name, names, en=f"field of the list {one.list}", th=f"ฟิลด์ของรายการ {one.list}")
            yield one

    # ---- what it is asked with

    def _argument(self, name: str, at: At) -> Argument:
        text = at.string()
        read = _TYPE.fullmatch(text.strip())
        if read and read[1] == "enum" and read[2]:
            return Argument(name=name, choices=tuple(one.strip() for one in read[2].split(",")))
        if text and text not in LEGAL_FEEDS:
            self._vocabulary.later(lambda: self._vocabulary.check_feed(at, text))
        return Argument(name=name, fed_by=text)

    # ---- facts, once all are known

    def _check_facts(self, at: At, spec: Spec) -> None:
        subjects = {one.subject: one.list for one in spec.listed}
        known = self._vocabulary.tellable
        for path, place_at in at.fields().each():
            fact = known.get(path)
            if fact is None:
                place_at.unknown(path, known, en="fact", th="ข้อเท็จจริง")
                continue
            if fact.derived is not None:
                place_at.wrong(
                    en=f"{path} follows from {fact.derived.date_fact}; tell that one",
                    th=f"{path} คำนวณจาก {fact.derived.date_fact} ให้ระบุข้อเท็จจริงนั้น",
                )
            if fact.is_sensitive and not spec.is_sensitive:
                place_at.wrong(
                    en=f"{path} is sensitive, so the operation is too; add sensitive: true",
                    th=f"{path} เป็นข้อมูลอ่อนไหว ให้เพิ่ม sensitive: true",
                )
            self._check_place(place_at, spec.facts[path], spec, fact, subjects)

    def _check_place(self, at: At, place: str, spec: Spec, fact: Fact, subjects: Mapping[str, str]) -> None:
        inside: tuple[Field, ...] = spec.fields
        found: Field | None = None
        for at_step, name in enumerate(place.split(".")):
            found = next((one for one in inside if one.name == name), None)
            if found is None:
                at.unknown(name, [one.name for one in inside], en=f"field of {spec.id}", th=f"ฟิลด์ของ {spec.id}")
                return
            is_things = at_step == 0 and subjects.get(fact.path.partition(".")[0]) == name
            if found.is_list and not is_things:
                at.wrong(
                    en=f"{name} is a list, so it tells no single fact; say in things: what it lists",
                    th=f"{name} เป็นรายการ ให้ระบุใน things: ว่าเป็นรายการของสิ่งใด",
                )
                return
            inside = found.inside
        if found is None:
            return
        if found.kind not in _TELLS[fact.kind]:
            at.wrong(
                en=f"{place} is of type {found.kind}, which can't tell a fact of type {fact.kind}",
                th=f"{place} เป็นชนิด {found.kind} ใช้บอกข้อเท็จจริงชนิด {fact.kind} ไม่ได้",
            )
        known = {choice.value for choice in fact.choices}
        for choice in found.choices:
            if choice not in known:
                at.unknown(choice, known, en=f"choice of {fact.path}", th=f"ค่าของ {fact.path}")

    def _check_absent(self, at: At, spec: Spec) -> None:
        for path, inside in at.fields().each():
            fact = self._vocabulary.facts.get(path)
            if fact is None or path not in spec.facts:
                inside.unknown(path, spec.facts, en="fact of this operation", th="ข้อเท็จจริงของรายการนี้")
                continue
            value = spec.when_absent[path]
            fits = {
                "bool": type(value) is bool, "int": type(value) is int, "money": type(value) in (int, Decimal),
                "decimal": type(value) in (int, Decimal), "date": value is None,
                "enum": value in {choice.value for choice in fact.choices},
            }.get(fact.kind, type(value) is str)  # fmt: skip
            if not fits:
                inside.wrong(
                    en=f"this is no value of {path}, which is of type {fact.kind}",
                    th=f"ไม่ใช่ค่าของ {path} ซึ่งเป็นชนิด {fact.kind}",
                )


def _names(at: At) -> tuple[str, ...]:
    """The names alone, whether written as a list or with their types."""
    if at.is_mapping:
        return tuple(key for key, _ in at.fields().each())
    return tuple(item.string() for item in at.items())


def _absent(at: At) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, inside in at.fields().each():
        value = inside.plain()
        found[path] = Decimal(str(value)) if type(value) is float else value
    return found


def _keeping(at: At) -> Keeping:
    """`{fresh_s: 3600, stale_s: 86400, refreshed_at: '04:00'}`."""
    fields = at.fields()
    clock_at = fields.maybe("refreshed_at")
    clock = _CLOCK.fullmatch(clock_at.string()) if clock_at else None
    if clock_at and clock is None:
        clock_at.wrong(en="write the time of day as '04:00'", th="ให้เขียนเวลาเป็น '04:00'")
    found = Keeping(
        fresh_s=float(fields.get("fresh_s").quantity()),
        stale_s=float(fields.get("stale_s").quantity()),
        refreshed_at=time(int(clock[1]), int(clock[2])) if clock else None,
    )
    if found.fresh_s + found.stale_s > _LONGEST_KEPT_S:
        at.wrong(en="an answer is kept for a year at most", th="เก็บคำตอบได้ไม่เกินหนึ่งปี")
    fields.done()
    return found


def _assumptions(fields: Fields, note: Text) -> Assumptions:
    found = Assumptions(
        latency_p50_ms=fields.get("latency_p50_ms").integer(),
        latency_p99_ms=fields.get("latency_p99_ms").integer(),
        availability_pct=Decimal(fields.get("availability_pct").number()),
        note=note,
    )
    if not fields.is_stand_in and not (
        0 < found.availability_pct <= 100 and found.latency_p50_ms <= found.latency_p99_ms
    ):
        fields.at.wrong(
            en="availability is up to 100, and p50 not above p99", th="availability ไม่เกิน 100 และ p50 ไม่เกิน p99"
        )
    fields.done()
    return found
