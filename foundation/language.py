"""What people read: every text in Thai and English, and dates in the reader's calendar.

Dates are data in Common Era everywhere inside; the Buddhist era (CE + 543) appears only here, when a date is printed.
Babel has the Thai month names but no Buddhist calendar, and PyThaiNLP is a heavy dependency for one table of months.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

Language = Literal["th", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_LANGUAGE: Language = "th"

_MONTHS_TH = [
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
]
_MONTHS_EN = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text in both languages."""

    th: str
    en: str

    def said_in(self, language: Language) -> str:
        return self.th if language == "th" else self.en


def negotiate(accept_language: str | None) -> Language:
    """The language of ours that an `Accept-Language` header likes best; Thai where it names neither."""
    best: tuple[float, Language] | None = None
    for part in (accept_language or "")[:1000].split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.split("-")[0].lower()
        match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
        weight = float(match.group(1)) if match else 1.0
        language = next((known for known in LANGUAGES if known == primary), None)
        if language and weight > 0 and (best is None or weight > best[0]):
            best = (weight, language)
    return best[1] if best else DEFAULT_LANGUAGE


def buddhist_year(day: date) -> int:
    """The year of the Buddhist era in which that day was written at its time.

    Until B.E. 2483 (1940) the year began on 1 April, so January to March still belonged to the year before.
    """
    return day.year + 543 - (day.year <= 1940 and day.month < 4)


def say_date(day: date, language: Language) -> str:
    """`21 พฤศจิกายน 2569` or `21 November 2026`."""
    if language == "th":
        return f"{day.day} {_MONTHS_TH[day.month - 1]} {buddhist_year(day)}"
    return f"{day.day} {_MONTHS_EN[day.month - 1]} {day.year}"


def ascii_digits(text: str) -> str:
    """Thai digits become Arabic ones; the rest stays."""
    return text.translate(_THAI_DIGITS)


def searchable(text: str) -> str:
    """The form in which texts are compared: NFC, one spelling of sara am and sara ae, no zero-width signs, lower case."""
    plain = _ZERO_WIDTH.sub("", unicodedata.normalize("NFC", text))
    return ascii_digits(plain.replace("\u0e4d\u0e32", "\u0e33").replace("\u0e40\u0e40", "\u0e41")).casefold().strip()


_PLACE = re.compile(r"\{(date:)?([a-zA-Z_][\w.]*)\}")


def fill(template: Text, facts: Mapping[str, Any], language: Language) -> str:
    """Put facts into a text: `{hospital.name}` walks into mappings, `{date:effective_date}` prints a day.

    A value that is itself `{th, en}` is said in the same language. A place with no fact raises KeyError, so that a
    text with a hole is never sent.
    """

    def put(match: re.Match[str]) -> str:
        value: Any = facts
        for key in match.group(2).split("."):
            value = value[key]
        if isinstance(value, Mapping) and set(value) == {"th", "en"}:
            value = value[language]
        if match.group(1):
            value = say_date(value if isinstance(value, date) else date.fromisoformat(value), language)
        return str(value)

    return _PLACE.sub(put, template.said_in(language))
