"""Reading what agencies really send: strict about what a field holds, tolerant of how its name is spelt.

Keys come misspelt and in changing case, numbers as texts, dates in the Buddhist era, money with commas. A field that
does not hold what it must makes the whole answer malformed: better no card than a wrong one. Messages name the field
and never its value.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

from agencies.trouble import AnswerMalformed
from foundation.dates import PartialDate, read_buddhist_digits, read_buddhist_slashes
from foundation.language import ascii_digits

_LONGEST_TEXT = 2_000
_MONEY = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.[0-9]{1,4})?")
_SIGNS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff]")


class Reading:
    """One JSON object of an answer. `maybe_…` gives None where the field is missing, null, empty or zero for nothing."""

    __slots__ = ("_fields", "_folded")

    def __init__(self, fields: Any) -> None:
        if type(fields) is not dict:
            raise AnswerMalformed("not a JSON object")
        self._fields: dict[str, Any] = fields
        self._folded: dict[str, Any] | None = None

    @property
    def content(self) -> dict[str, Any]:
        """The object as it was sent."""
        return self._fields

    def raw(self, *names: str) -> Any:
        """The first of these fields that is there, whatever the case of its name."""
        for name in names:
            if name in self._fields:
                return self._fields[name]
        if self._folded is None:
            self._folded = {name.strip().lower(): value for name, value in self._fields.items()}
        for name in names:
            value = self._folded.get(name.lower())
            if value is not None:
                return value
        return None

    def text(self, *names: str) -> str:
        return self.maybe_text(*names) or _wrong(names, "missing")

    def maybe_text(self, *names: str) -> str | None:
        value = self.raw(*names)
        if value is None:
            return None
        if type(value) is int:
            return str(value)
        if type(value) is not str or len(value) > _LONGEST_TEXT:
            _wrong(names, "not a text")
        plain: str = value if value.isprintable() else _SIGNS.sub("", value)
        return plain.strip() or None

    def number(self, *names: str) -> int:
        value = self.maybe_number(*names)
        return _wrong(names, "missing") if value is None else value

    def maybe_number(self, *names: str) -> int | None:
        """A whole number, 0 included."""
        value = self.raw(*names)
        if type(value) is int:
            return value
        if value is None or value == "":
            return None
        if type(value) is str and len(value) <= 18 and value.isdecimal():
            return int(value)
        return _wrong(names, "not a whole number")

    def money(self, *names: str) -> Decimal:
        value = self.raw(*names)
        try:
            return read_money(value)
        except ValueError:
            return _wrong(names, "not an amount")

    def maybe_money(self, *names: str) -> Decimal | None:
        return None if self.raw(*names) in (None, "") else self.money(*names)

    def digits(self, *names: str, length: int) -> str:
        return self.maybe_digits(*names, length=length) or _wrong(names, "missing")

    def maybe_digits(self, *names: str, length: int) -> str | None:
        """A code of so many digits; agencies that send it as a number have lost its leading zeros."""
        value = self.raw(*names)
        if value is None or value == "" or value == 0:
            return None
        text = f"{value:0{length}}" if type(value) is int else value
        if type(text) is not str or len(text) != length or not text.isascii() or not text.isdigit():
            _wrong(names, f"not {length} digits")
        return text

    def birth(self, *names: str) -> PartialDate:
        """`25360719`, `25360700` or `25360000`."""
        value = self.raw(*names)
        try:
            return read_buddhist_digits(value if type(value) is int else str(value))
        except ValueError:
            return _wrong(names, "not a date")

    def day(self, *names: str) -> date:
        return self.maybe_day(*names) or _wrong(names, "missing")

    def maybe_day(self, *names: str) -> date | None:
        """A wholly known day, written `25360719`; zeros stand for none."""
        if not (value := self.raw(*names)) or value == "00000000":
            return None
        found = self.birth(*names)
        return found.earliest if found.is_exact else _wrong(names, "only part of a date")

    def slashed_day(self, *names: str) -> date:
        return self.maybe_slashed_day(*names) or _wrong(names, "missing")

    def maybe_slashed_day(self, *names: str) -> date | None:
        """A day written `08/07/2564`."""
        text = self.maybe_text(*names)
        if text is None:
            return None
        try:
            return read_buddhist_slashes(text)
        except ValueError:
            return _wrong(names, "not a date")

    def part(self, *names: str) -> Reading:
        return self.maybe_part(*names) or _wrong(names, "missing")

    def maybe_part(self, *names: str) -> Reading | None:
        value = self.raw(*names)
        return Reading(value) if value else None

    def parts(self, *names: str) -> list[Reading]:
        """A list of objects; null is an empty list, a missing field is not."""
        value = self.raw(*names)
        if value is None and any(name in self._fields for name in names):
            return []
        if type(value) is not list:
            _wrong(names, "not a list")
        return [Reading(item) for item in value]


def _wrong(names: tuple[str, ...], why: str) -> NoReturn:
    raise AnswerMalformed(f"{names[0]} is {why}")


def read_money(value: Any) -> Decimal:
    """An exact amount from `"1,234.50"` or a number. ValueError for anything else."""
    if type(value) is str:
        text = value.strip() if value.isascii() else ascii_digits(value.strip())
    elif type(value) in (int, float):
        text = str(value)
    else:
        raise ValueError("not an amount")
    if not _MONEY.fullmatch(text):
        raise ValueError("not an amount")
    return Decimal(text.replace(",", ""))
