"""YAML that remembers its lines, read field by field, so that every problem can name its place and what would be right.

A problem never stops the reading: it is noted, a harmless stand-in is returned, and the next field is read, because
whoever wrote the file wants to hear of all their slips at once. Stand-ins never get out: a catalogue with problems is
refused whole.

What each value was read as is remembered beside it (`reads`): the JSON Schema of the language is that, written down.

The tree is built from the parser's events rather than composed: libyaml's composer recurses in C and takes the whole
process down on a few thousand open brackets, and it would hide duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar

import yaml

from foundation.language import LANGUAGES, Language, Text
from lifeevents.catalogue.model import MonthDay, close

_MAX_DEPTH = 40
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,10}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH_DAY = re.compile(r"([0-9]{2})-([0-9]{2})")
_READ_AS = {
    "bool": Text(th="ค่าจริง/เท็จ", en="a yes/no value"),
    "int": Text(th="ตัวเลข", en="a number"),
    "float": Text(th="ตัวเลขทศนิยม", en="a decimal number"),
    "timestamp": Text(th="วันที่", en="a date"),
    "null": Text(th="ค่าว่าง", en="nothing"),
    "merge": Text(th="คำสั่งรวม", en="a merge"),
    "value": Text(th="ค่าเริ่มต้น", en="a default value"),
}

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, and in both languages what it is and what would be right."""

    file: str
    line: int  # from 1; 0: the file as a whole
    path: str  # the keys that lead there
    says: Text

    def said_in(self, language: Language) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path + ': ' if self.path else ''}{self.says.said_in(language)}"

    def __str__(self) -> str:
        return self.said_in("en")


@dataclass(frozen=True, slots=True)
class _Scalar:
    text: str
    is_plain: bool
    line: int


@dataclass(frozen=True, slots=True)
class _Sequence:
    items: list[_Node]
    line: int


@dataclass(frozen=True, slots=True)
class _Mapping:
    fields: dict[str, tuple[_Node, int]]  # by key: the value, and the line of the key
    line: int


_Node = _Scalar | _Sequence | _Mapping


def read_file(file: str, content: bytes, problems: list[Problem]) -> At | None:
    """The root of one file, or None where it isn't YAML at all (then a problem says why)."""
    loader = yaml.CSafeLoader(content)
    try:
        return _Builder(file, problems).build(loader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark else 0
        what = " ".join(part for part in (exc.context, exc.problem) if part)
        says = Text(
            th=f"อ่านเป็น YAML ไม่ได้ ({what}) ตรวจการย่อหน้าและเครื่องหมายคำพูด",
            en=f"this isn't YAML: {what}; check the indentation and the quotes",
        )
    except (yaml.YAMLError, UnicodeError):
        line = 0
        says = Text(th="อ่านเป็นข้อความไม่ได้ ให้บันทึกเป็น UTF-8", en="this isn't readable text; save the file as UTF-8")
    finally:
        loader.dispose()
    problems.append(Problem(file=file, line=line, path="", says=says))
    return None


class _Builder:
    """Events to a tree, without recursion."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems
        self._root: _Node | None = None
        self._open: list[_Sequence | _Mapping] = []
        self._keys: list[_Scalar | None] = []  # of each open mapping: the key that waits for its value

    def build(self, loader: yaml.CSafeLoader) -> At | None:
        documents = 0
        for event in iter(loader.get_event, None):
            mark = event.start_mark
            line = mark.line + 1 if mark else 0
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                self._wrong(
                    line, en="a file holds one document; remove the line ---", th="หนึ่งไฟล์มีเอกสารเดียว ลบบรรทัด ---"
                )
                return None
            if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                self._open.pop()
                self._keys.pop()
            elif isinstance(event, yaml.NodeEvent):
                self._add(self._node(event, line))
            if len(self._open) > _MAX_DEPTH:
                self._wrong(
                    line, en=f"nested more than {_MAX_DEPTH} deep; write it flatter", th=f"ซ้อนกันเกิน {_MAX_DEPTH} ชั้น"
                )
                return None
        if self._root is None:
            self._wrong(0, en="the file is empty", th="ไฟล์ว่างเปล่า")
            return None
        return At(self._file, "", self._root, self._problems)

    def _node(self, event: yaml.NodeEvent, line: int) -> _Node:
        if event.anchor:
            self._wrong(
                line, en="anchors (&) and aliases (*) aren't used here; write it out", th="ไม่ใช้ & และ * ให้เขียนเต็ม"
            )
        tag = getattr(event, "tag", None)
        if tag:
            self._wrong(line, en=f"the tag {tag} isn't used here; leave it out", th=f"ไม่ใช้แท็ก {tag} ให้ลบออก")
        if isinstance(event, yaml.SequenceStartEvent):
            return _Sequence([], line)
        if isinstance(event, yaml.MappingStartEvent):
            return _Mapping({}, line)
        if isinstance(event, yaml.ScalarEvent):
            return _Scalar(event.value, not event.style, line)
        return _Scalar("", False, line)  # an alias, noted above

    def _add(self, node: _Node) -> None:
        if self._open:
            self._put(self._open[-1], self._keys, node)
        else:
            self._root = node
        if not isinstance(node, _Scalar):
            self._open.append(node)
            self._keys.append(None)

    def _put(self, parent: _Sequence | _Mapping, keys: list[_Scalar | None], node: _Node) -> None:
        if isinstance(parent, _Sequence):
            parent.items.append(node)
            return
        key = keys[-1]
        if key is None:
            if isinstance(node, _Scalar):
                keys[-1] = node
            else:
                self._wrong(node.line, en="a key must be one word", th="คีย์ต้องเป็นคำเดียว")
                keys[-1] = _Scalar("", True, node.line)
            return
        keys[-1] = None
        if key.text in parent.fields:
            first = parent.fields[key.text][1]
            self._wrong(
                key.line,
                en=f"the key {key.text!r} stands here a second time (first on line {first}); keep one",
                th=f"คีย์ {key.text!r} ซ้ำกับบรรทัด {first} ให้เหลืออันเดียว",
            )
            return
        parent.fields[key.text] = (node, key.line)

    def _wrong(self, line: int, *, en: str, th: str) -> None:
        self._problems.append(Problem(file=self._file, line=line, path="", says=Text(th=th, en=en)))


Json = dict[str, Any]
TEXT: Final[Json] = {"$ref": "#/$defs/text"}
_DAY_SCHEMA: Final[Json] = {"type": "string", "pattern": f"^{_DAY.pattern}$", "description": "Common Era, YYYY-MM-DD"}
_MONTH_DAY_SCHEMA: Final[Json] = {"type": "string", "pattern": f"^{_MONTH_DAY.pattern}$", "description": "MM-DD"}


class At:
    """One value at its place. Reading it as something it isn't notes a problem and gives a stand-in."""

    __slots__ = (
        "_inside",
        "_node",
        "_problems",
        "called",
        "file",
        "line",
        "path",
        "read_fields",
        "read_items",
        "reads",
    )

    def __init__(self, file: str, path: str, node: _Node, problems: list[Problem], line: int | None = None) -> None:
        self.file = file
        self.path = path
        self.line = line or node.line
        self.reads: list[Json] = []  # as what it was read, the last most closely
        self.read_fields: Fields | None = None
        self.read_items: list[At] = []
        self._inside: dict[str, At] | None = None
        self.called = ""  # a form of its own, which may hold itself
        self._node = node
        self._problems = problems

    def wrong(self, *, en: str, th: str) -> None:
        self._problems.append(Problem(file=self.file, line=self.line, path=self.path, says=Text(th=th, en=en)))

    @property
    def is_null(self) -> bool:
        return isinstance(self._node, _Scalar) and self._node.is_plain and self._node.text in ("", "null", "~")

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, _Mapping)

    @property
    def is_list(self) -> bool:
        return isinstance(self._node, _Sequence)

    def fields(self) -> Fields:
        """As a mapping; ask it for each key it may have, then call `done`."""
        if not isinstance(self._node, _Mapping):
            self.wrong(en="here belongs a mapping (key: value)", th="ตรงนี้ต้องเป็นคู่ คีย์: ค่า")
            return Fields(self, {}, is_stand_in=True)
        if self._inside is None:
            self._inside = {
                key: At(self.file, f"{self.path}.{key}" if self.path else key, node, self._problems, line)
                for key, (node, line) in self._node.fields.items()
            }
        return Fields(self, self._inside)

    def items(self) -> Iterator[At]:
        """As a list. An item with an `id` is called by it in the path, else by its number from 1."""
        if not isinstance(self._node, _Sequence):
            self.wrong(en="here belongs a list (- …)", th="ตรงนี้ต้องเป็นรายการ (- …)")
            return
        for number, node in enumerate(self._node.items, 1):
            name: object = number
            if isinstance(node, _Mapping):
                for key in ("id", "path", "type", "service", "fact"):
                    named = node.fields.get(key)
                    if named and isinstance(named[0], _Scalar) and named[0].text:
                        name = named[0].text[:60]
                        break
            item = At(self.file, f"{self.path}[{name}]", node, self._problems)
            self.read_items.append(item)
            yield item

    def string(self) -> str:
        """A text. Bare words that YAML 1.1 reads as something else (40_3 is 403, no is false) must be quoted."""
        self.reads.append({"type": "string", "minLength": 1})
        if not isinstance(self._node, _Scalar):
            self.wrong(en="here belongs a text", th="ตรงนี้ต้องเป็นข้อความ")
            return ""
        text = self._node.text
        if self._node.is_plain and (tag := _tag(text)) != "str":
            read_as = _READ_AS.get(tag, Text(th=tag, en=tag))
            if tag == "null":
                self.wrong(en="a text is missing here", th="ขาดข้อความ")
            else:
                self.wrong(
                    en=f"YAML reads {text} as {read_as.en}; write it in quotes: '{text}'",
                    th=f"YAML อ่าน {text} เป็น{read_as.th} ให้ใส่เครื่องหมายคำพูด: '{text}'",
                )
            return ""
        if not text.strip():
            self.wrong(en="a text is missing here", th="ขาดข้อความ")
        return text

    def boolean(self) -> bool:
        self.reads.append({"type": "boolean"})
        text = self._bare()
        if text not in ("true", "false"):
            self.wrong(en=f"{_shown(text)} is neither true nor false", th=f"{_shown(text)} ไม่ใช่ true หรือ false")
        return text == "true"

    def integer(self) -> int:
        self.reads.append({"type": "integer"})
        text = self._bare()
        if text is None or not _INTEGER.fullmatch(text):
            self.wrong(
                en=f"{_shown(text)} isn't a whole number; write digits only, without quotes",
                th=f"{_shown(text)} ไม่ใช่จำนวนเต็ม ให้เขียนตัวเลขล้วนโดยไม่ใส่เครื่องหมายคำพูด",
            )
            return 0
        return int(text)

    def number(self) -> int | Decimal:
        self.reads.append({"type": "number"})
        text = self._bare()
        if text is not None and _INTEGER.fullmatch(text):
            return int(text)
        if text is not None and _DECIMAL.fullmatch(text):
            return Decimal(text)
        self.wrong(
            en=f"{_shown(text)} isn't a number; write digits, with a point for decimals, without quotes",
            th=f"{_shown(text)} ไม่ใช่ตัวเลข ให้เขียนตัวเลขล้วนโดยไม่ใส่เครื่องหมายคำพูด",
        )
        return 0

    def quantity(self) -> int | Decimal:
        """A number that can't be below zero: money, a rate, a length."""
        number = self.number()
        self.reads.append({"type": "number", "minimum": 0})
        if number < 0:
            self.wrong(
                en=f"{number} is below zero; write it without the sign", th=f"{number} ติดลบ ให้เขียนโดยไม่มีเครื่องหมายลบ"
            )
        return number

    def day(self) -> date:
        self.reads.append(_DAY_SCHEMA)
        text = self._node.text if isinstance(self._node, _Scalar) else None
        if text is None or not _DAY.fullmatch(text):
            self.wrong(
                en=f"{_shown(text)} isn't a day; write it in the Common Era as 'YYYY-MM-DD'",
                th=f"{_shown(text)} ไม่ใช่วันที่ ให้เขียนเป็น ค.ศ. 'YYYY-MM-DD'",
            )
            return date.min
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self.wrong(en=f"there is no day {text}; check month and day", th=f"ไม่มีวันที่ {text} ตรวจเดือนและวัน")
            return date.min
        if day.year > 2400:
            self.wrong(
                en=f"{text} looks like a Buddhist year; days are in the Common Era, {day.year - 543}{text[4:]}",
                th=f"{text} ดูเหมือนปี พ.ศ. ให้เขียนเป็น ค.ศ. {day.year - 543}{text[4:]}",
            )
        return day

    def month_day(self) -> MonthDay:
        self.reads.append(_MONTH_DAY_SCHEMA)
        text = self._node.text if isinstance(self._node, _Scalar) else ""
        found = parse_month_day(text)
        if found is None:
            self.wrong(
                en=f"{_shown(text)} isn't a day of the year; write MM-DD", th=f"{_shown(text)} ไม่ใช่วันของปี ให้เขียน MM-DD"
            )
            return MonthDay(month=1, day=1)
        return found

    def text(self) -> Text:
        """A text in both languages."""
        self.reads.append(TEXT)
        fields = self.fields()
        both: dict[Language, str] = {}
        for language in LANGUAGES:
            value = fields.maybe(language)
            if value is None and not fields.is_stand_in:
                self.wrong(
                    en=f"the {'Thai' if language == 'th' else 'English'} text is missing; add {language}:",
                    th=f"ขาดข้อความภาษา{'ไทย' if language == 'th' else 'อังกฤษ'} ให้เพิ่ม {language}:",
                )
            both[language] = value.string() if value else ""
        fields.done()
        return Text(th=both["th"], en=both["en"])

    def choice(self, options: Sequence[_Word]) -> _Word:
        text = self.string()
        self.reads.append({"enum": list(options)})
        for option in options:
            if option == text:
                return option
        if text:
            self.unknown(text, options, en="possible value", th="ค่าที่ใช้ได้")
        return options[0]

    def unknown(self, text: str, known: Collection[str], *, en: str, th: str) -> None:
        """Note that a word isn't one of those it may be."""
        near = close(text, known)
        few = ", ".join(known) if len(known) <= 12 else ""
        hint, hint_th = "", ""
        if near:
            hint, hint_th = f"; did you mean {near!r}?", f" หมายถึง {near!r} หรือไม่"
        elif few:
            hint, hint_th = f"; it is one of: {few}", f" ใช้ได้: {few}"
        self.wrong(en=f"{text[:80]!r} isn't a known {en}{hint}", th=f"ไม่รู้จัก{th} {text[:80]!r}{hint_th}")

    def plain(self) -> Any:
        """As JSON would have it, for a schema."""
        self.reads.append({})
        match self._node:
            case _Mapping():
                return {key: inside.plain() for key, inside in self.fields().each()}
            case _Sequence():
                return [item.plain() for item in self.items()]
            case _Scalar(text=text, is_plain=is_plain):
                if not is_plain:
                    return text
                match _tag(text):
                    case "null":
                        return None
                    case "bool" if text in ("true", "false"):
                        return text == "true"
                    case "int" | "float" if _INTEGER.fullmatch(text):
                        return int(text)
                    case "float" if _DECIMAL.fullmatch(text):
                        return float(text)
                return self.string()

    def _bare(self) -> str | None:
        return self._node.text if isinstance(self._node, _Scalar) and self._node.is_plain else None


class Fields:
    """The keys of one mapping. It knows which were asked for, so what is left over is unknown."""

    __slots__ = ("_asked", "_inside", "at", "expects", "is_free", "is_stand_in", "looked_for", "must")

    def __init__(self, at: At, inside: dict[str, At], *, is_stand_in: bool = False) -> None:
        self.at = at
        self.is_stand_in = is_stand_in
        self.is_free = False
        self.looked_for: set[str] = set()
        self.expects: dict[str, Json] = {}  # of a key that may be absent: what would stand there
        self.must: dict[str, bool] = {}  # of the keys that were asked for: whether it may be null
        self._inside = inside
        self._asked: list[str] = []

    @property
    def asked(self) -> frozenset[str]:
        return frozenset(self._asked)

    @property
    def inside(self) -> Mapping[str, At]:
        return self._inside

    def each(self) -> Iterator[tuple[str, At]]:
        """Every key, for a mapping whose keys are data."""
        self.is_free = True
        self.at.read_fields = self
        yield from self._inside.items()

    def maybe(self, key: str) -> At | None:
        """The value, or None where the key is absent or null."""
        self._asked.append(key)
        found = self._inside.get(key)
        return None if found is None or found.is_null else found

    def has(self, key: str) -> bool:
        """Whether it stands there: what tells one form from another."""
        self.looked_for.add(key)
        return key in self._inside

    def get(self, key: str) -> At:
        """The value of a key that must be there."""
        found = self.maybe(key)
        self.must.setdefault(key, False)
        if found is not None:
            return found
        if not self.is_stand_in:
            self.at.wrong(en=f"the key {key!r} is missing here", th=f"ขาดคีย์ {key!r}")
        return At(self.at.file, f"{self.at.path}.{key}", _Scalar("", False, self.at.line), [])

    def given(self, key: str, *, en: str, th: str) -> At | None:
        """The value of a key that must be there, though it may be null."""
        self.must[key] = True
        if not self.has(key) and not self.is_stand_in:
            self.at.wrong(en=en, th=th)
        return self.maybe(key)

    def list(self, key: str) -> Iterator[At]:
        """The items of a list that must be there, though it may be empty."""
        self.must[key] = False
        if self.maybe(key) is None:
            self.get(key)
            return iter(())
        return self._inside[key].items()

    def maybe_list(self, key: str) -> Iterator[At]:
        found = self.maybe(key)
        return found.items() if found else iter(())

    def maybe_string(self, key: str) -> str | None:
        self.expects[key] = {"type": "string", "minLength": 1}
        found = self.maybe(key)
        return found.string() if found else None

    def maybe_day(self, key: str) -> date | None:
        self.expects[key] = _DAY_SCHEMA
        found = self.maybe(key)
        return found.day() if found else None

    def maybe_integer(self, key: str) -> int | None:
        self.expects[key] = {"type": "integer"}
        found = self.maybe(key)
        return found.integer() if found else None

    def maybe_month_day(self, key: str) -> MonthDay | None:
        self.expects[key] = _MONTH_DAY_SCHEMA
        found = self.maybe(key)
        return found.month_day() if found else None

    def maybe_choice(self, key: str, options: Sequence[_Word]) -> _Word | None:
        self.expects[key] = {"enum": list(options)}
        found = self.maybe(key)
        return found.choice(options) if found else None

    def strings(self, key: str) -> tuple[str, ...]:
        return tuple(item.string() for item in self.list(key))

    def done(self) -> None:
        """Note every key that nobody asked for."""
        self.at.read_fields = self
        for key, inside in self._inside.items():
            if key not in self._asked:
                inside.unknown(key, self._asked, en="key here", th="คีย์")


def parse_month_day(text: str) -> MonthDay | None:
    """`12-31`; None for anything else, and for a day that no year has."""
    match = _MONTH_DAY.fullmatch(text)
    if match is None:
        return None
    found = MonthDay(month=int(match[1]), day=int(match[2]))
    try:
        date(2000, found.month, found.day)  # a leap year
    except ValueError:
        return None
    return found


def _tag(text: str) -> str:
    """How YAML 1.1 reads a bare word: str, int, bool …"""
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return str(tag).rpartition(":")[2]
    return "str"


def _shown(text: str | None) -> str:
    return repr(text[:60]) if text else "this"
