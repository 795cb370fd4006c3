"""The JSON Schema of the catalogue's language, for editors: what the reader asks for, written down while it reads.

There is no second description of the language that could fall behind. The reader reads the whole catalogue, each value
remembers as what it was read, and all that stand in one place make its schema: the keys that were asked for are the keys
there are, those that had to be there are required, a choice is its options, a reference the names it may be. Where a
form has several shapes (a condition is a comparison, or all, any, not), each set of keys that was asked for is one.
What no line of the catalogue uses yet is let through; the reader itself is stricter, and has the last word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lifeevents.catalogue.conditions import fitting
from lifeevents.catalogue.vocabulary import Vocabulary
from lifeevents.catalogue.yaml import TEXT, At, Json

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NULL: Final[Json] = {"type": "null"}
_A_TEXT: Final[Json] = {"type": "string", "minLength": 1}


def schema(roots: Mapping[str, At], vocabulary: Vocabulary) -> Json:
    """One schema for every file; which form a file has is told by its keys."""
    forms: dict[str, _Shape] = {}
    files: dict[str, dict[str, None]] = {}  # the forms of whole files, by the keys that a file of it must have
    for name, root in sorted(roots.items()):
        form = _form_of(name, root)
        shape = forms.setdefault(form, _Shape())
        shape.take(root, forms)
        files[form] = dict.fromkeys(sorted(shape.required))
    by_key = {form: _only_its(form, files) for form in files}
    written = {name: shape.written() for name, shape in forms.items()}
    written["condition"] |= {"allOf": fitting(vocabulary.facts.values())}
    written["text"] = {
        "type": "object", "additionalProperties": False, "required": ["th", "en"],
        "properties": {"th": _A_TEXT, "en": _A_TEXT},
    }  # fmt: skip
    return {
        "$schema": _DIALECT,
        "title": "The catalogue of services, rules, life events and agencies",
        "anyOf": [{"required": [key]} for key in sorted(by_key.values())],
        "allOf": [
            {"if": {"required": [key]}, "then": {"$ref": f"#/$defs/{form}"}} for form, key in sorted(by_key.items())
        ],
        "$defs": dict(sorted((written | _names(written, vocabulary)).items())),
    }


def printed(found: Json) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


@dataclass(slots=True)
class _Shape:
    """All values that stand in one place."""

    reads: dict[str, Json] = field(default_factory=dict)
    variants: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)  # keys asked for: those that must be
    looked_for: set[str] = field(default_factory=set)  # keys that would have told another form
    nullable: set[str] = field(default_factory=set)  # that must be there and may be null
    each: dict[str, _Shape] = field(default_factory=dict)
    free: _Shape | None = None
    items: _Shape | None = None

    @property
    def required(self) -> frozenset[str]:
        return frozenset.intersection(*self.variants.values()) if self.variants else frozenset()

    def take(self, at: At, forms: dict[str, _Shape]) -> None:
        if at.called:
            named = forms.setdefault(at.called, _Shape())
            if named is not self:
                self.read({"$ref": f"#/$defs/{at.called}"})
                named.take(at, forms)
                return
        if TEXT in at.reads or {} in at.reads:
            self.read(TEXT if TEXT in at.reads else {})
        elif at.read_fields is not None:
            self._take_fields(at, forms)
        elif at.is_list:
            self.items = self.items or _Shape()
            for item in at.read_items:
                self.items.take(item, forms)
        elif at.reads:
            self.read(at.reads[-1])

    def _take_fields(self, at: At, forms: dict[str, _Shape]) -> None:
        fields = at.read_fields
        assert fields is not None  # noqa: S101 -- else it isn't called
        if fields.is_free:
            self.free = self.free or _Shape()
            for one in fields.inside.values():
                self.free.take(one, forms)
            return
        self.looked_for |= fields.looked_for
        must = frozenset(fields.must)
        self.variants[fields.asked] = self.variants.get(fields.asked, must) & must
        self.nullable.update(key for key, may_be_null in fields.must.items() if may_be_null)
        for key in fields.asked:
            shape = self.each.setdefault(key, _Shape())
            inside = fields.inside.get(key)
            if inside is not None and not inside.is_null:
                shape.take(inside, forms)
            elif key in fields.expects:
                shape.read(fields.expects[key])

    def read(self, as_what: Json) -> None:
        self.reads[json.dumps(as_what, sort_keys=True)] = as_what

    # ---- writing

    def written(self) -> Json:
        ways = list(self.reads.values())
        if {} in ways:
            return {}
        ways = _without_narrower(ways)
        if self.variants:
            ways.append(self._mapping())
        if self.free is not None:
            ways.append({"type": "object", "additionalProperties": self.free.written()})
        if self.items is not None:
            ways.append({"type": "array", "items": self.items.written()})
        if not ways:
            return {}
        return ways[0] if len(ways) == 1 else {"anyOf": sorted(ways, key=lambda way: json.dumps(way, sort_keys=True))}

    def _mapping(self) -> Json:
        # A form that no line of the catalogue has yet is let through by its key.
        unseen = sorted(self.looked_for - self.each.keys())
        properties = {key: self._property(key) for key in sorted(self.each)} | {key: {} for key in unseen}
        found: Json = {"type": "object", "additionalProperties": False, "properties": properties}
        variants = [
            (asked, must) for asked, must in self.variants.items()
            if not any(
                asked <= other and must >= others_must and (asked, must) != (other, others_must)
                for other, others_must in self.variants.items()
            )
        ]  # fmt: skip
        shapes = sorted(
            (
                *({"required": sorted(must)} | _none_of(sorted(properties.keys() - asked)) for asked, must in variants),
                *({"required": [key]} | _none_of(sorted(properties.keys() - {key})) for key in unseen),
            ),
            key=lambda shape: json.dumps(shape, sort_keys=True),
        )  # fmt: skip
        return found | (shapes[0] if len(shapes) == 1 else {"anyOf": shapes})

    def _property(self, key: str) -> Json:
        inside = self.each[key].written()
        musts = [must for asked, must in self.variants.items() if key in asked]
        is_optional = not all(key in must for must in musts) or key in self.nullable
        if not is_optional or not inside:
            return inside
        return {"anyOf": [*inside["anyOf"], _NULL]} if inside.keys() == {"anyOf"} else {"anyOf": [inside, _NULL]}


def _none_of(keys: Iterable[str]) -> Json:
    """That none of these stands there."""
    never = dict.fromkeys(keys, False)
    return {"properties": never} if never else {}


def _without_narrower(ways: list[Json]) -> list[Json]:
    """A whole number is a number; what says no more than another is left out."""
    found = list(ways)
    if {"type": "number"} in found:
        found = [way for way in found if way.get("type") not in ("integer", "number") or way == {"type": "number"}]
    return found


def _form_of(name: str, root: At) -> str:
    """What a file is: a life stage's, an agency's, or one of its own."""
    if "/" in name:
        return "file_of_an_agency"
    fields = root.read_fields
    return "file_of_a_life_stage" if fields is not None and "life_stage" in fields.asked else f"file_{name}"


def _only_its(form: str, files: Mapping[str, Iterable[str]]) -> str:
    """A key that every file of this form has and no other does."""
    others = {key for other, keys in files.items() if other != form for key in keys}
    return next(key for key in files[form] if key not in others)


def _names(written: object, vocabulary: Vocabulary) -> dict[str, Json]:
    """What every reference may be, for those that something refers to."""
    found: dict[str, Json] = {}
    for kind in sorted(_referred(written)):
        names = vocabulary.names(kind.replace("_", " "))
        if names is not None:
            found[kind] = {"enum": sorted(names)}
    found["day_to_count_from"] = {
        "anyOf": [
            {"enum": sorted(vocabulary.days)},
            {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.turns_[0-9]{1,3}$", "description": "someone.turns_N"},
            {"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$", "description": "MM-DD, every year"},
        ]
    }
    return found


def _referred(value: Any) -> set[str]:
    match value:
        case {"$ref": str(reference)}:
            return {reference.removeprefix("#/$defs/")}
        case dict():
            return set().union(*(_referred(inside) for inside in value.values()))
        case list():
            return set().union(*(_referred(inside) for inside in value))
    return set()
