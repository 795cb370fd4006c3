"""What is told of people in a table: no small number, and none that follows from those that are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from lifeevents.scan.disclosure import FEWEST, is_small, line, table

numbers = st.one_of(st.integers(0, 12), st.integers(0, 40), st.integers(0, 5_000))
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=1, max_size=7)
)


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=12))
def test_a_line_beside_its_sum(found: list[int]) -> None:
    total = sum(found)
    shown = line(found)
    assert not any(is_small(count) for count in shown if count is not None)
    hidden = [count for count, told in zip(found, shown, strict=True) if told is None]
    if hidden and total >= FEWEST:
        assert len(hidden) >= 2
        assert total - sum(count for count in shown if count is not None) >= FEWEST


@settings(max_examples=300, deadline=None)
@given(tables)
def test_no_small_number_follows_from_a_table(rows: list[list[int]]) -> None:
    """As somebody would find it who writes down every sum that there is and solves for what isn't told."""
    totals = line([sum(column) for column in zip(*rows, strict=True)])
    totals[-1] = None  # those to whom nothing happens are never told
    everybody = sum(map(sum, rows))
    if is_small(everybody):
        return
    sums, shown = table(rows, totals)

    known = [[*told, total] for told, total in zip(shown, sums, strict=True)] + [[*totals, everybody]]
    truth = [[*row, sum(row)] for row in rows]
    truth.append([sum(column) for column in zip(*truth, strict=True)])
    assert all(told in (None, true) for at, row in enumerate(known) for told, true in zip(row, truth[at], strict=True))
    for place, row in enumerate(_solved(known)):
        for at, told in enumerate(row):
            assert told is None or not is_small(told), (place, at)


def test_everybody_but_a_few() -> None:
    """45 of 50 gain: that five don't is as small a number as if it stood there."""
    sums, shown = table([[45, 5], [400, 600]], [445, None])
    assert shown == [[None, None], [None, None]]
    assert sums == [50, 1000]


def test_as_little_as_need_be_is_left_out() -> None:
    rows = [[0, 300], [3, 400], [40, 500], [900, 100]]
    sums, shown = table(rows, [943, None])
    assert sums == [300, 403, 540, 1000]
    assert [row[0] for row in shown] == [0, None, None, 900]


def test_provinces_of_a_whole_nation_stay_readable() -> None:
    """A few small ones don't take the others with them."""
    rows = [[7 * n, n % 3 * 40, 0, 90_000 + n] for n in range(78)]
    totals = [*line([sum(column) for column in zip(*rows, strict=True)])[:3], None]
    _, shown = table(rows, totals)
    assert sum(1 for row in shown for told in row[:3] if told is None) <= 6


def _solved(known: Sequence[Sequence[int | None]]) -> list[list[int | None]]:
    """What follows by linear algebra from the sums of rows and columns."""
    height, width = len(known), len(known[0])
    unknown = [(place, at) for place in range(height) for at in range(width) if known[place][at] is None]
    number = {cell: n for n, cell in enumerate(unknown)}
    equations = []
    for cells in [[(place, at) for at in range(width)] for place in range(height)] + [
        [(place, at) for place in range(height)] for at in range(width)
    ]:
        row = [Fraction(0)] * (len(unknown) + 1)
        for cell in cells:
            sign = -1 if cell == cells[-1] else 1
            told = known[cell[0]][cell[1]]
            if told is None:
                row[number[cell]] += sign
            else:
                row[-1] -= sign * told
        equations.append(row)
    found = [list(row) for row in known]
    for row in _reduced(equations):
        left = [at for at, factor in enumerate(row[:-1]) if factor]
        if len(left) == 1:
            place, at = unknown[left[0]]
            found[place][at] = int(row[-1] / row[left[0]])
    return found


def _reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    rank = 0
    for at in range(len(rows[0]) - 1):
        pivot = next((n for n in range(rank, len(rows)) if rows[n][at]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        rows[rank] = [one / rows[rank][at] for one in rows[rank]]
        for n, row in enumerate(rows):
            if n != rank and row[at]:
                rows[n] = [one - row[at] * other for one, other in zip(row, rows[rank], strict=True)]
        rank += 1
    return rows
