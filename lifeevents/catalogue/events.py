"""Event types as they are written: who may report what, the schema of its data, and what is told about it.

A schema is completed here: the shared `definitions` it leans on are put into its own `$defs`, so that it stands alone.
A notice is checked against the schema, so that a text with a hole can't be sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import jsonschema_rs

from foundation.language import LANGUAGES, Text
from lifeevents.catalogue.model import EventNotice, EventType, Fact
from lifeevents.catalogue.vocabulary import Vocabulary
from lifeevents.catalogue.yaml import At, Fields

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPE = re.compile(r"th(\.[a-z][a-z0-9_]*){3,}")
_TRIGGER = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_PLACE = re.compile(r"\{([^{}]*)\}")
_PLACE_INSIDE = re.compile(r"(date:)?([a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*)")
_IDENTITY_NUMBER = "^[0-9]{13}$"
_AREA = "^[0-9]{2}([0-9]{2}([0-9]{2})?)?$"
_SOURCES: tuple[Literal["registry", "calendar"], ...] = ("registry", "calendar")


class EventTypeReader:
    """Reads event_types.yaml with the vocabulary of the rest."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.event_types: list[EventType] = []
        self.wanted: set[str] = set()  # the names that life events and notifications ask for
        self._vocabulary = vocabulary
        self._answering: dict[str, set[str | None]] = {}  # by name: the agencies whose event types answer to it
        self._definitions: dict[str, Any] = {}
        self._is_read = False

    def read(self, root: At) -> None:
        self._is_read = True
        fields = root.fields()
        lock_screen = fields.get("lock_screen").text()
        if definitions := fields.maybe("definitions"):
            self._definitions = {name: at.plain() for name, at in definitions.fields().each()}
        for at in fields.list("event_types"):
            self._event_type(at, lock_screen)
        fields.done()

    def ask_for(self, at: At, name: str, *, agency: str | None = None) -> None:
        """Note at its place when no event type (of that agency) answers to the name."""
        self.wanted.add(name)
        at.reads.append({"$ref": "#/$defs/event"})
        if not self._is_read or not name:
            return
        if name not in self._answering:
            at.unknown(
                name, self._answering, en="event; no event type answers to it", th="เหตุการณ์ ไม่มีประเภทเหตุการณ์ใดตอบรับ"
            )
        elif agency and agency not in self._answering[name]:
            others = ", ".join(sorted(str(other) for other in self._answering[name]))
            at.wrong(
                en=f"{name} isn't reported by {agency}, but by {others}; correct one of them",
                th=f"{name} ไม่ได้รายงานโดย {agency} แต่โดย {others} ให้แก้ให้ตรงกัน",
            )

    def _event_type(self, at: At, lock_screen: Text) -> None:
        fields = at.fields()
        name_at = fields.get("type")
        name = name_at.string()
        self._vocabulary.declare("event type", name_at, name)
        agency_at = fields.maybe("agency")
        agency = self._vocabulary.reference("agency", agency_at) if agency_at else None
        source = fields.maybe_choice("source", _SOURCES) or "registry"
        if not fields.has("agency") or (source == "calendar") != (agency is None):
            at.wrong(
                en="name the agency that reports it; null only goes with source: calendar",
                th="ระบุหน่วยงานที่รายงาน ใช้ null ได้เฉพาะเมื่อ source: calendar",
            )
        owner = agency or "calendar"
        if name and not (_TYPE.fullmatch(name) and name.split(".")[1] == owner):
            name_at.wrong(
                en=f"an event type of {owner} is called th.{owner}.noun.past_tense_verb",
                th=f"ประเภทเหตุการณ์ของ {owner} ต้องชื่อ th.{owner}.คำนาม.กริยาอดีต",
            )
        schema = self._schema(fields.get("schema"))
        person_at = fields.maybe("person")
        person = person_at.string() if person_at else None
        if not fields.has("person"):
            at.wrong(
                en="name the field of the person, or null for an area or a programme",
                th="ระบุฟิลด์ของบุคคล หรือ null ถ้าเป็นเรื่องพื้นที่/โครงการ",
            )
        if schema:
            _check_person(person_at or at, person, schema)
        area_at = fields.maybe("area")
        if area_at and schema:
            _check_area(area_at, person, schema)
        facts = self._facts(fields.maybe("facts"), schema)
        completes = tuple(self._vocabulary.reference_later("service", at) for at in fields.maybe_list("completes"))
        notice_at = fields.maybe("notice")
        if not fields.has("notice"):
            at.wrong(en="write what is told in notice:, or notice: null", th="ระบุ notice: หรือ notice: null")
        found = EventType(
            type=name,
            agency=agency,
            source=source,
            triggers=self._triggers(fields, agency),
            title=fields.get("title").text(),
            person=person,
            area=area_at.string() if area_at else None,
            is_sensitive=fields.get("sensitive").boolean(),
            notice=self._notice(notice_at, lock_screen, schema) if notice_at else None,
            schema_json=json.dumps(schema, ensure_ascii=False),
            completes=completes,
            facts=facts,
        )
        fields.done()
        self.event_types.append(found)

    def _triggers(self, fields: Fields, agency: str | None) -> tuple[str, ...]:
        found = []
        for at in fields.list("trigger"):
            name = at.string()
            if name and not _TRIGGER.fullmatch(name):
                at.wrong(en=f"{name[:60]!r} can't be the name of an event", th=f"{name[:60]!r} เป็นชื่อเหตุการณ์ไม่ได้")
            self._answering.setdefault(name, set()).add(agency)
            if name not in (self._vocabulary.names("event") or ()):
                self._vocabulary.declare("event", at, name)
            self._vocabulary.later(lambda at=at, name=name: self._check_wanted(at, name))  # type: ignore[misc]  # mypy can't infer a lambda's defaults
            found.append(name)
        return tuple(found)

    def _check_wanted(self, at: At, name: str) -> None:
        if name and name not in self.wanted:
            at.unknown(
                name,
                self.wanted,
                en="event; no life event and no notification asks for it",
                th="เหตุการณ์ ไม่มีเหตุการณ์ชีวิตหรือการแจ้งเตือนใดใช้ชื่อนี้",
            )

    def _facts(self, at: At | None, schema: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        """Which facts the data tells, each from a field that can hold it."""
        found, known = [], self._vocabulary.tellable
        for path, place_at in at.fields().each() if at else ():
            place = place_at.string()
            fact = known.get(path)
            if fact is None:
                place_at.unknown(path, known, en="fact", th="ข้อเท็จจริง")
            elif fact.derived is not None:
                place_at.wrong(
                    en=f"{path} follows from {fact.derived.date_fact}; say which field holds that",
                    th=f"{path} คำนวณจาก {fact.derived.date_fact} ให้ระบุฟิลด์ของข้อเท็จจริงนั้น",
                )
            elif schema and not _holds(fact, _inside(schema, place)):
                place_at.wrong(
                    en=f"{place[:60]!r} is no field of the data that can hold a fact of type {fact.kind}",
                    th=f"{place[:60]!r} ไม่ใช่ฟิลด์ใน data ที่เก็บข้อเท็จจริงชนิด {fact.kind} ได้",
                )
            found.append((path, place))
        return tuple(found)

    # ---- schemas

    def _schema(self, at: At) -> dict[str, Any]:
        """The schema, able to stand alone; empty (and a problem) where it can't be one."""
        schema = at.plain() if at.is_mapping else None
        if not isinstance(schema, dict):
            at.fields()
            return {}
        defs: dict[str, Any] = {}
        waiting = list(_references(schema))
        while waiting:
            reference = waiting.pop()
            name = reference.removeprefix("#/$defs/")
            if name in defs:
                continue
            if name not in self._definitions:
                at.unknown(reference, [f"#/$defs/{known}" for known in self._definitions], en="$ref", th="$ref")
                return {}
            defs[name] = self._definitions[name]
            waiting.extend(_references(defs[name]))
        whole = {"$schema": _DIALECT, **schema}
        if defs:
            whole["$defs"] = dict(sorted(defs.items()))
        try:
            jsonschema_rs.meta.validate(whole)
        except (jsonschema_rs.ValidationError, ValueError) as exc:
            why = str(exc).partition("\n")[0][:200]
            at.wrong(en=f"this isn't JSON Schema 2020-12: {why}", th=f"ไม่ใช่ JSON Schema 2020-12: {why}")
            return {}
        if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
            at.wrong(
                en="data is an object that lets nothing unknown in; write type: object and additionalProperties: false",
                th="data ต้องเป็น object ที่ไม่รับฟิลด์อื่น ให้เขียน type: object และ additionalProperties: false",
            )
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in properties:
                at.wrong(
                    en=f"{name} is required but not among the properties",
                    th=f"{name} อยู่ใน required แต่ไม่อยู่ใน properties",
                )
        return whole

    # ---- notices

    def _notice(self, at: At, lock_screen: Text, schema: dict[str, Any]) -> EventNotice:
        fields = at.fields()
        to, own_lock_screen = fields.maybe("to"), fields.maybe("lock_screen")
        found = EventNotice(
            topic=self._vocabulary.reference_later("life stage", fields.get("topic")),
            to=self._vocabulary.word("recipients", to) if to else "self",
            title=fields.get("title").text(),
            body=fields.get("body").text(),
            lock_screen=own_lock_screen.text() if own_lock_screen else lock_screen,
        )
        for key, text in (("title", found.title), ("body", found.body)):
            if schema:
                _check_places(fields.get(key), text, schema)
        if own_lock_screen and ("{" in found.lock_screen.th or "{" in found.lock_screen.en):
            own_lock_screen.wrong(
                en="a lock screen never names the matter; take the place out",
                th="หน้าจอล็อกต้องไม่บอกเรื่อง ให้ลบช่องเติมข้อความออก",
            )
        fields.done()
        return found


def _check_person(at: At, person: str | None, schema: dict[str, Any]) -> None:
    if person is None:
        if "citizen_id" in schema.get("required", []):
            at.wrong(
                en="its data names a citizen, so it isn't about an area; write person: citizen_id",
                th="ข้อมูลระบุตัวบุคคล จึงไม่ใช่เรื่องพื้นที่ ให้เขียน person: citizen_id",
            )
        return
    field = _resolved(schema.get("properties", {}).get(person), schema)
    if person not in schema.get("required", []) or field.get("pattern") != _IDENTITY_NUMBER:
        at.wrong(
            en=f"the schema must require {person} as an identity number, pattern '{_IDENTITY_NUMBER}'",
            th=f"schema ต้องกำหนด {person} เป็นเลขประจำตัวที่ต้องมี pattern '{_IDENTITY_NUMBER}'",
        )


def _check_area(at: At, person: str | None, schema: dict[str, Any]) -> None:
    name = at.string()
    field = _resolved(schema.get("properties", {}).get(name), schema)
    codes = _resolved(field.get("items"), schema).get("pattern", "")
    if person is not None:
        at.wrong(en="what happens to a person has no area; take it out", th="เหตุการณ์ของบุคคลไม่มีพื้นที่ ให้ลบออก")
    elif name not in schema.get("required", []) or field.get("type") != "array" or codes != _AREA:
        at.wrong(
            en=f"the schema must require {name[:60]!r} as a list of area codes, pattern '{_AREA}'",
            th=f"schema ต้องกำหนด {name[:60]!r} เป็นรายการรหัสพื้นที่ที่ต้องมี pattern '{_AREA}'",
        )


def _check_places(at: At, text: Text, schema: dict[str, Any]) -> None:
    """Every place leads to a required field that can be printed, and both languages have the same places."""
    places = {language: _PLACE.findall(text.said_in(language)) for language in LANGUAGES}
    if set(places["th"]) != set(places["en"]):
        at.wrong(en="the Thai and the English text have different places", th="ช่องเติมข้อความในภาษาไทยและอังกฤษไม่ตรงกัน")
    for place in dict.fromkeys([*places["th"], *places["en"]]):
        match = _PLACE_INSIDE.fullmatch(place)
        if match is None:
            at.wrong(
                en=f"{{{place}}} isn't a place; write {{field}} or {{date:field}}",
                th=f"{{{place}}} ไม่ถูกต้อง ให้เขียน {{ฟิลด์}} หรือ {{date:ฟิลด์}}",
            )
            continue
        inside: dict[str, Any] = schema
        is_certain = True
        for key in match[2].split("."):
            is_certain = is_certain and key in inside.get("required", [])
            inside = _resolved(inside.get("properties", {}).get(key), schema)
        if not is_certain or not _is_printable(inside):
            at.wrong(
                en=f"{{{place}}} leads to no required text or number of the data; correct it or make the field required",
                th=f"{{{place}}} ไม่พบข้อความหรือตัวเลขที่ต้องมีใน data ให้แก้ไขหรือกำหนดให้ฟิลด์นี้ต้องมี",
            )
        elif (inside.get("format") == "date") != bool(match[1]):
            right = f"{{date:{match[2]}}}" if not match[1] else f"{{{match[2]}}}"
            at.wrong(en=f"{{{place}}} should be {right}", th=f"{{{place}}} ต้องเขียนเป็น {right}")


def _inside(schema: dict[str, Any], place: str) -> dict[str, Any]:
    """The schema of a field of the data, by its dotted place; empty where there is none."""
    inside: dict[str, Any] = schema
    for key in place.split("."):
        inside = _resolved(inside.get("properties", {}).get(key), schema)
    return inside


def _holds(fact: Fact, field: dict[str, Any]) -> bool:
    match fact.kind:
        case "date":
            return field.get("format") == "date"
        case "bool":
            return field.get("type") == "boolean"
        case "enum":
            return bool(field.get("enum")) and set(field["enum"]) <= {choice.value for choice in fact.choices}
        case "code" | "string":
            return field.get("type") == "string"
        case "int":
            return field.get("type") == "integer"
    return field.get("type") in ("number", "integer")


def _is_printable(field: dict[str, Any]) -> bool:
    """A text, a number, or a text in both languages."""
    both = {"th", "en"}
    return field.get("type") in ("string", "number", "integer") or both == set(field.get("properties", ())) & set(
        field.get("required", ())
    )


def _references(schema: object) -> Iterator[str]:
    match schema:
        case dict():
            for key, inside in schema.items():
                if key == "$ref" and isinstance(inside, str):
                    yield inside
                else:
                    yield from _references(inside)
        case list():
            for inside in schema:
                yield from _references(inside)


def _resolved(schema: object, root: dict[str, Any]) -> dict[str, Any]:
    """One property, with a `$ref` followed; empty where there is none."""
    for _ in range(10):
        if not isinstance(schema, dict):
            return {}
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        schema = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
    return {}
