"""The Buddhist era, before and after 1941, and dates of which only a part is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.dates import (
    PartialDate,
    from_buddhist,
    partial_from_buddhist,
    read_buddhist_digits,
    read_buddhist_slashes,
    to_buddhist,
)

DAYS = st.dates(min_value=date(1889, 4, 1), max_value=date(2300, 12, 31))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ((2569, 11, 21), date(2026, 11, 21)),
        ((2484, 1, 1), date(1941, 1, 1)),  # the first new year of January
        ((2483, 12, 31), date(1940, 12, 31)),
        ((2483, 4, 1), date(1940, 4, 1)),  # the first day of the year of nine months
        ((2482, 3, 31), date(1940, 3, 31)),  # the day before it
        ((2482, 2, 29), date(1940, 2, 29)),
        ((2482, 1, 1), date(1940, 1, 1)),
        ((2482, 4, 1), date(1939, 4, 1)),
        ((2475, 6, 24), date(1932, 6, 24)),
        ((2567, 2, 29), date(2024, 2, 29)),
    ],
)
def test_a_buddhist_date_is_read_by_the_calendar_of_its_time(written, meant):
    assert from_buddhist(*written) == meant
    assert to_buddhist(meant) == written


@pytest.mark.parametrize(
    "written", [(2483, 1, 15), (2483, 3, 31), (2566, 2, 29), (2481, 2, 29), (1990, 1, 1), (9999, 9, 9), (2560, 13, 1)]
)
def test_a_day_that_never_was_is_refused(written):
    with pytest.raises(ValueError, match=r".+"):
        from_buddhist(*written)


@given(DAYS)
def test_every_day_survives_the_way_there_and_back(day):
    assert from_buddhist(*to_buddhist(day)) == day


@given(DAYS.filter(lambda day: day < date(2300, 12, 31)))
def test_the_years_never_run_backwards(day):
    assert to_buddhist(day + timedelta(days=1))[0] - to_buddhist(day)[0] in (0, 1)


@given(DAYS)
def test_before_2484_a_year_turns_in_april_and_since_then_in_january(day):
    is_first = to_buddhist(day)[0] != to_buddhist(day - timedelta(days=1))[0] if day > date(1889, 4, 1) else True

    assert is_first == ((day.month, day.day) == ((4, 1) if day < date(1941, 1, 1) else (1, 1)))


@given(DAYS, st.sampled_from(["DAY", "MONTH", "YEAR"]))
def test_no_day_of_a_partial_date_lies_before_its_earliest(day, precision):
    year, month, number = to_buddhist(day)

    partial = partial_from_buddhist(year, month if precision != "YEAR" else 0, number if precision == "DAY" else 0)

    assert partial.precision == precision
    assert partial.earliest <= day < partial.earliest + timedelta(days=367)
    assert to_buddhist(partial.earliest)[0] == year


def test_an_unknown_day_or_month_counts_from_the_first_day_it_may_be():
    assert read_buddhist_digits(25070000) == PartialDate(date(1964, 1, 1), "YEAR")
    assert read_buddhist_digits("25070200") == PartialDate(date(1964, 2, 1), "MONTH")
    assert read_buddhist_digits(24800000) == PartialDate(date(1937, 4, 1), "YEAR")
    assert read_buddhist_digits("๒๕๓๖๐๗๑๙") == PartialDate(date(1993, 7, 19))


def test_partial_dates_are_ordered_by_their_earliest_day_and_equal_only_when_equally_known():
    year, day = PartialDate(date(1964, 1, 1), "YEAR"), PartialDate(date(1964, 1, 1))

    assert year <= day
    assert year >= day
    assert year != day
    assert not year < day
    assert PartialDate(date(1963, 12, 31)) < year
    assert PartialDate(date(1964, 1, 2)) > year
    assert len({year, day, PartialDate(date(1964, 1, 1))}) == 2
    assert (str(year), str(day), str(PartialDate(date(1964, 2, 1), "MONTH"))) == ("1964", "1964-01-01", "1964-02")
    assert (year.is_exact, day.is_exact) == (False, True)


@pytest.mark.parametrize("written", ["", "2536071", "25360015", "253607190", "2536-7-19", "25361332", -25360719, 0])
def test_digits_that_are_no_date_are_refused(written):
    with pytest.raises(ValueError, match=r".+"):
        read_buddhist_digits(written)


@given(st.text(max_size=12))
def test_any_text_is_a_date_or_a_value_error(text):
    for read in (read_buddhist_digits, read_buddhist_slashes):
        try:
            read(text)
        except ValueError:
            continue


def test_slashes_are_day_month_and_buddhist_year():
    assert read_buddhist_slashes("08/07/2564") == date(2021, 7, 8)
    assert read_buddhist_slashes(" ๘/๗/๒๕๖๔ ") == date(2021, 7, 8)
    for wrong in ("", "2564/07/08", "31/02/2564", "08-07-2564", "08/07/64", "08/07/2021"):
        with pytest.raises(ValueError, match=r".+"):
            read_buddhist_slashes(wrong)
