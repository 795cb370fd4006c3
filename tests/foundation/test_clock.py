from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import SystemClock, legal_day, start_of
from foundation.ids import derive, new_id


def test_the_legal_day_begins_at_midnight_in_bangkok() -> None:
    assert legal_day(datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert legal_day(datetime(2026, 11, 20, 17, 0, 0, tzinfo=UTC)) == date(2026, 11, 21)


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2200, 1, 1)))
def test_the_first_moment_of_a_day_belongs_to_it(day: date) -> None:
    assert legal_day(start_of(day)) == day


def test_moving_the_day_does_not_move_real_time() -> None:
    clock = SystemClock()
    before = clock.now()

    clock.move_to(date(2040, 1, 1))

    assert clock.today() == date(2040, 1, 1)
    assert (clock.now() - before).total_seconds() < 60


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_a_derived_id_follows_from_its_parts_and_from_nothing_else(one: list[str], other: list[str]) -> None:
    owner = new_id()

    assert (derive(owner, *one) == derive(owner, *other)) == (one == other)
    assert derive(owner, *one)[:2] == owner[:2]
    assert len(derive(owner, *one)) == 32
