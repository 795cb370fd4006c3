"""Which numbers of a table of people may be told, so that no small one is, nor follows from those that are.

A table has rows (groups of people) and columns (what happens to them) that add up, both ways: whoever reads a group's
number of people and how many of them gain also reads how many don't. So what is told is looked at as who reads it would:
as equations. A number below ten is small; nothing says zero of a group is secret.

The numbers that aren't told are the edges of a graph between rows and columns. One of them follows from the others exactly
where its edge lies on no circle, since every equation is a row or a column. So more is left out, the smallest first, until
each small number lies on a circle and whatever its row and column leave open is ten people or more.

What two reports tell when they are compared is not looked at: nobody should publish reports of two rules that are almost
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

FEWEST: Final = 10

Told = list[int | None]
_Cell = tuple[int, int]
_Line = tuple[str, int]


def is_small(count: int) -> bool:
    return 0 < count < FEWEST


def line(counts: Sequence[int]) -> Told:
    """Numbers whose sum is told beside them."""
    hidden = {place for place, count in enumerate(counts) if is_small(count)}
    while hidden and (len(hidden) < 2 or sum(counts[place] for place in hidden) < FEWEST):
        others = [place for place, count in enumerate(counts) if count and place not in hidden]
        if not others:
            break
        hidden.add(min(others, key=lambda place: counts[place]))
    return [None if place in hidden else count for place, count in enumerate(counts)]


def table(rows: Sequence[Sequence[int]], totals: Sequence[int | None]) -> tuple[Told, list[Told]]:
    """Each row's sum, and its numbers, as they may be told; the sum of all is told beside them.

    `totals` are the columns' as they are told: where one isn't, nothing of its column is.
    """
    if not rows:
        return [], []
    grid = _Grid(rows, totals)
    while (choice := grid.more()) is not None:
        if not choice:  # nothing is left to leave out
            return line([sum(row) for row in rows]), [[None] * len(totals) for _ in rows]
        grid.hide(choice)
    shown = [[grid.told((place, at)) for at in range(len(totals) + 1)] for place in range(len(rows))]
    return [row[-1] for row in shown], [row[:-1] for row in shown]


class _Grid:
    """The rows with their sums as one more column, and the columns' totals as one more row."""

    def __init__(self, rows: Sequence[Sequence[int]], totals: Sequence[int | None]) -> None:
        self._width, self._height = len(totals), len(rows)
        inner = [[*row, sum(row)] for row in rows]
        self._rows: list[list[int]] = [*inner, [sum(column) for column in zip(*inner, strict=True)]]
        untold = [at for at, total in enumerate(totals) if total is None]
        self._hidden = {(place, at) for place in range(self._height) for at in untold}
        self._hidden |= {cell for cell in self._cells() if is_small(self._of(cell))}
        if sum(1 for at in untold if self._rows[-1][at]) > 1:  # one alone follows from the others
            self._hidden |= {(self._height, at) for at in untold}

    def told(self, cell: _Cell) -> int | None:
        return None if cell in self._hidden else self._of(cell)

    def hide(self, among: Sequence[_Cell]) -> None:
        self._hidden.add(min(among, key=lambda cell: (self._of(cell), cell)))

    def more(self) -> Sequence[_Cell] | None:
        """Among which cells one is to be left out too; None where nothing small follows any more."""
        shown = [cell for cell in self._cells() if cell not in self._hidden and self._of(cell)]
        for place in range(self._height):
            if self._leaves_few([(place, at) for at in range(self._width)], (place, self._width)):
                return [cell for cell in shown if cell[0] == place]
        for at in range(self._width + 1):
            if self._leaves_few([(place, at) for place in range(self._height)], (self._height, at)):
                return [cell for cell in shown if cell[1] == at]
        for cell in sorted(self._open()):
            side = self._side(cell) if is_small(self._of(cell)) else None
            if side is not None:
                near = [one for one in shown if any(end in side for end in _ends(one))]
                there = {end for one in self._open() for end in _ends(one)} - side
                return [one for one in near if any(end in there for end in _ends(one))] or near or shown
        return None

    def _leaves_few(self, cells: Sequence[_Cell], margin: _Cell) -> bool:
        """Whether what isn't told of a line, whose sum is, has a small number that follows or nearly so."""
        if margin in self._hidden:
            return False
        left = [self._of(cell) for cell in cells if cell in self._hidden and self._of(cell)]
        return any(map(is_small, left)) and (len(left) < 2 or sum(left) < FEWEST)

    def _side(self, cell: _Cell) -> set[_Line] | None:
        """What hangs together with the cell's row when the cell is taken away; None where its column still does."""
        edges: dict[_Line, list[_Line]] = {}
        for other in self._open():
            if other != cell:
                row, column = _ends(other)
                edges.setdefault(row, []).append(column)
                edges.setdefault(column, []).append(row)
        start, end = _ends(cell)
        seen, waiting = {start}, [start]
        while waiting:
            for next_one in edges.get(waiting.pop(), ()):
                if next_one == end:
                    return None
                if next_one not in seen:
                    seen.add(next_one)
                    waiting.append(next_one)
        return seen

    def _cells(self) -> Iterator[_Cell]:
        """Those of the table itself, the sums of its rows included."""
        return ((place, at) for place in range(self._height) for at in range(self._width + 1))

    def _open(self) -> Iterable[_Cell]:
        """What isn't told and isn't nothing: a zero has nothing to give to another."""
        return [cell for cell in self._hidden if self._of(cell)]

    def _of(self, cell: _Cell) -> int:
        return self._rows[cell[0]][cell[1]]


def _ends(cell: _Cell) -> tuple[_Line, _Line]:
    return ("row", cell[0]), ("column", cell[1])
