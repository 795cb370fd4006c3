"""Dates as the state writes them: in the Buddhist era, and often not wholly known.

B.E. = C.E. + 543 only since 1 January B.E. 2484 (1941). Before that the year began on 1 April: January to March of
B.E. 2482 are the months that end that year, so they lie in C.E. 1940 (B.E. − 542), and B.E. 2483 had nine months, April
to December. People born then are the ones that old-age rights are about, so a year's error would be theirs.
(The Calendar Year Act B.E. 2483; the solar year from 1 April began in B.E. 2432.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from foundation.language import ascii_digits, buddhist_year

Precision = Literal["DAY", "MONTH", "YEAR"]

_ERA = 543
_FIRST_YEAR, _LAST_YEAR = 2432, 2900
_SHORT_YEAR = 2483  # nine months: the next one began on 1 January
_FIRST_MONTH_THEN = 4
_DIGITS = re.compile(r"[0-9]{8}")
_SLASHES = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A day, or the month or year in which it lies when no more is known.

    `earliest` is the first day that it may be, from which the law counts an age (Civil and Commercial Code, section 16),
    and by which these dates are ordered. Equal means equally known too, so 1964 and 1 January 1964 differ.
    """

    earliest: date
    precision: Precision = "DAY"

    @property
    def is_exact(self) -> bool:
        return self.precision == "DAY"

    def __lt__(self, other: PartialDate) -> bool:
        return self.earliest < other.earliest

    def __le__(self, other: PartialDate) -> bool:
        return self.earliest <= other.earliest

    def __gt__(self, other: PartialDate) -> bool:
        return self.earliest > other.earliest

    def __ge__(self, other: PartialDate) -> bool:
        return self.earliest >= other.earliest

    def __str__(self) -> str:
        """As much of an ISO date as is known: 1964-02-29, 1964-02 or 1964."""
        return self.earliest.isoformat()[: {"DAY": 10, "MONTH": 7, "YEAR": 4}[self.precision]]


def from_buddhist(year: int, month: int, day: int) -> date:
    """The day that was written year/month/day in the Buddhist era at its time. ValueError where there was none."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(f"not a year of the Buddhist era: {year}")
    if year > _SHORT_YEAR or month >= _FIRST_MONTH_THEN:
        return date(year - _ERA, month, day)
    if year == _SHORT_YEAR:
        raise ValueError("B.E. 2483 began on 1 April and had no such month")
    return date(year - _ERA + 1, month, day)


OF_AGE = 20  # years: Civil and Commercial Code, section 19


def is_of_age(born: date, on: date) -> bool:
    """Whether somebody has come of age, with which their parents' power over them ends."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day)) >= OF_AGE


def to_buddhist(day: date) -> tuple[int, int, int]:
    """Year, month and day in the Buddhist era, as they were written at that time."""
    return buddhist_year(day), day.month, day.day


def partial_from_buddhist(year: int, month: int = 0, day: int = 0) -> PartialDate:
    """The same with 0 for a day, or a month and day, that is not known."""
    if day and not month:
        raise ValueError("a day without its month is no date")
    if month:
        return PartialDate(from_buddhist(year, month, day or 1), "DAY" if day else "MONTH")
    return PartialDate(from_buddhist(year, 1 if year > _SHORT_YEAR else _FIRST_MONTH_THEN, 1), "YEAR")


def read_buddhist_digits(written: int | str) -> PartialDate:
    """`25360719`, as a number or a text, with 00 for what is not known. ValueError for anything else."""
    text = ascii_digits(str(written).strip())
    if not _DIGITS.fullmatch(text):
        raise ValueError("not a date of eight digits")
    return partial_from_buddhist(int(text[:4]), int(text[4:6]), int(text[6:]))


def read_buddhist_slashes(written: str) -> date:
    """`08/07/2564`: day, month, Buddhist year. ValueError for anything else."""
    found = _SLASHES.fullmatch(ascii_digits(written.strip()))
    if found is None:
        raise ValueError("not a date such as 08/07/2564")
    day, month, year = found.groups()
    return from_buddhist(int(year), int(month), int(day))
