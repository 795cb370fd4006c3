"""JSON in which nothing went missing: what others send us is read so that every reader would see the same.

orjson keeps the last of two equal keys without a word, and another reader the first; what is checked by one and used by
the other is a way around the check.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


class KeyTwice(ValueError):
    """An object has the same key twice."""


def loads(text: bytes) -> Any:
    """The value; KeyTwice where an object repeats a key, another ValueError where it is not JSON in UTF-8."""
    value = orjson.loads(text)
    if not _keys_are_unique(text, value):
        raise KeyTwice("the same key stands twice in one object")
    return value


def _keys_are_unique(text: bytes, value: Any) -> bool:
    """Every key brings a colon. Where all colons of the text are accounted for by the keys and strings that came out, no
    key went missing; reading again in Python, seven times slower, is for the odd text that writes a colon as an escape.
    """
    if b"\\u003" in text:
        try:
            json.loads(text, object_pairs_hook=_refuse_twice)
        except KeyTwice:
            return False
        return True
    return text.count(b":") == _colons(value)


def _colons(value: Any) -> int:
    """Writing the value again counts them ten times faster than walking through it."""
    try:
        return orjson.dumps(value).count(b":")
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        return json.dumps(value).count(":")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise KeyTwice
    return found
