"""Calendar reckoning of the law: ages, lengths of time, fiscal years.

An `Edge` is the one thing that every rule about a date comes down to. It knows both directions: which start days have
reached a count by a given day (so that a condition is one comparison of a date with a date), and on which day a given
start reaches it (so that the day on which a condition flips is known).
"""

from __future__ import annotations

from calendar import isleap, monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from foundation.dates import to_buddhist
from lifeevents.catalogue.model import Span

LeapDay = Literal["following", "preceding"]
Attained = Literal["birthday", "eve"]
Unit = Literal["days", "months", "years", "be_years", "fiscal_years"]

_ERA = 543
_DAY = timedelta(days=1)
_LAST_OLD_YEAR = 2483  # up to then the year began on 1 April


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """How far back a start lies that has reached a count: `start <= edge.at(day)` is `edge.reached(start) <= day`.

    - `days`, `months`: so much calendar time has passed; a month without that day ends on its last day.
    - `years`: so many completed years, by `leap_day` and `attained`.
    - `be_years`: the B.E. year of the day minus that of the start.
    - `fiscal_years`: the B.E. fiscal year of the first month that begins on or after `turned` years lies at most `count`
      ahead of the day's.

    `lag`: counted to so many days before. `from_eve`: counted to the 30 September before the current fiscal year.
    """

    unit: Unit
    count: int
    leap_day: LeapDay = "following"
    attained: Attained = "birthday"
    turned: int = 0
    lag: int = 0
    from_eve: bool = False

    def at(self, day: date) -> date:
        """The latest start that has reached the count on this day."""
        try:
            return self._at((fiscal_year_eve(day) if self.from_eve else day) - timedelta(days=self.lag))
        except (ValueError, OverflowError):
            return date.min if self.count > 0 else date.max

    def reached(self, start: date) -> date:
        """The first day on which this start has reached the count; the last day there is where it never does."""
        try:
            day = self._reached(start) + timedelta(days=self.lag)
            if not self.from_eve:
                return day
            return date(day.year if (day.month, day.day) <= (9, 30) else day.year + 1, 10, 1)
        except (ValueError, OverflowError):
            return date.max if start.year > 1000 else date.min

    def _at(self, day: date) -> date:
        match self.unit:
            case "days":
                return day - timedelta(days=self.count)
            case "months":
                year, month = divmod(day.year * 12 + day.month - 1 - self.count, 12)
                last = monthrange(year, month + 1)[1]
                is_month_end = day.day == monthrange(day.year, day.month)[1]
                return date(year, month + 1, last if is_month_end else min(day.day, last))
            case "years":
                return _born_for(day + _DAY if self.attained == "eve" else day, self.count, self.leap_day)
            case "be_years":
                return buddhist_new_year(to_buddhist(day)[0] - self.count + 1) - _DAY
            case "fiscal_years":
                return latest_turning(fiscal_year_be(day) + self.count, self.turned, self.leap_day)

    def _reached(self, start: date) -> date:
        match self.unit:
            case "days":
                return start + timedelta(days=self.count)
            case "months":
                return later(start, Span(months=self.count))
            case "years":
                turned = turns(start, self.count, leap_day=self.leap_day)
                return turned - _DAY if self.attained == "eve" else turned
            case "be_years":
                return buddhist_new_year(to_buddhist(start)[0] + self.count)
            case "fiscal_years":
                first = first_of_month_from(turns(start, self.turned, leap_day=self.leap_day))
                return date(fiscal_year_be(first) - self.count - _ERA - 1, 10, 1)

    def more(self, count: int) -> Edge:
        return replace(self, count=self.count + count)


TODAY = Edge(unit="days", count=0)


def turns(birth: date, years: int, *, leap_day: LeapDay = "following") -> date:
    """The day on which that age is attained. One born on 29 February has no such day in a common year."""
    year = birth.year + years
    if (birth.month, birth.day) == (2, 29) and not isleap(year):
        return date(year, 3, 1) if leap_day == "following" else date(year, 2, 28)
    return birth.replace(year=year)


def _born_for(day: date, years: int, leap_day: LeapDay) -> date:
    """The latest birth of someone who has turned so many years on that day."""
    year = day.year - years
    if (day.month, day.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    if (day.month, day.day) == (2, 28) and leap_day == "preceding" and isleap(year) and not isleap(day.year):
        return date(year, 2, 29)
    return day.replace(year=year)


def latest_turning(fiscal_year: int, years: int, leap_day: LeapDay) -> date:
    """The latest birth whose first month after turning so many years lies in that B.E. fiscal year or before."""
    return _born_for(date(fiscal_year - _ERA, 9, 1), years, leap_day)


def later(day: date, span: Span) -> date:
    """So much calendar time later; a month without that day ends on its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + span.years * 12 + span.months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])) + timedelta(days=span.days)


def fiscal_year_be(day: date) -> int:
    """The B.E. fiscal year begins on 1 October of the year before."""
    return day.year + _ERA + (day.month >= 10)


def fiscal_year_start(fiscal_year: int) -> date:
    return date(fiscal_year - _ERA - 1, 10, 1)


def fiscal_year_eve(day: date) -> date:
    """The 30 September before the current fiscal year."""
    return date(day.year if day.month >= 10 else day.year - 1, 9, 30)


def buddhist_new_year(year: int) -> date:
    """The first day of a year of the Buddhist era: 1 April up to B.E. 2483, then 1 January."""
    return date(year - _ERA, 4, 1) if year <= _LAST_OLD_YEAR else date(year - _ERA, 1, 1)


def first_of_month_from(day: date) -> date:
    """The first day of a month that is not before this day."""
    return day if day.day == 1 else later(day.replace(day=1), Span(months=1))


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def between(start: date, end: date) -> tuple[int, int, int]:
    """Years, months and days from one day to a later one, as a person counts them."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if later(start, Span(months=months)) > end:
        months -= 1
    return *divmod(months, 12), (end - later(start, Span(months=months))).days
