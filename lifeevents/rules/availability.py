"""Whether one can act now, apart from whether the conditions hold: rounds, windows, deadlines.

Each answer says until which day it stays so, however the facts stand. So the timeline steps from answer to answer, and
"opens on" and "closes on" can't differ from what is said on those days.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from lifeevents.catalogue.model import (
    Anchor,
    AnnouncedDay,
    Deadline,
    FactDay,
    MonthDay,
    PublicService,
    Round,
    Span,
    TurnsDay,
)
from lifeevents.rules.calendar import LeapDay, fiscal_year_start, later, turns
from lifeevents.rules.evaluate import day_of
from lifeevents.rules.ir import DidNotHappen, Facts

_DAY: Final = timedelta(days=1)
ENTITLEMENT_DATE: Final = "benefit.entitlement_date"
"""The first day of the current run of ELIGIBLE; computed here, told by nobody."""


class State(enum.Enum):
    OPEN = "OPEN"
    NOT_YET = "NOT_YET"
    CLOSED = "CLOSED"
    NO_ROUND = "NO_ROUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """`opens` says when, where the state is NOT_YET; `closes` is the last day to act, where it is OPEN.

    `deadline` is the last day that is in time (`deadline_online` where filing online has longer); with `is_late` it has
    passed, which shuts nothing by itself. `until` is the last day of this state; None: no end is known. `missing` are
    the dates that would tell a deadline and aren't known.
    """

    state: State
    opens: date | None = None
    closes: date | None = None
    deadline: date | None = None
    deadline_online: date | None = None
    is_late: bool = False
    until: date | None = None
    missing: tuple[str, ...] = ()


_OPEN: Final = Availability(state=State.OPEN)
Entitled = Callable[[], date | None]
"""Finds `benefit.entitlement_date`, where a deadline hangs on it."""


def availability(
    service: PublicService,
    facts: Facts,
    on: date,
    *,
    entitled: Entitled = lambda: None,
    leap_day: LeapDay = "following",
) -> Availability:
    """Whether one can act on that day."""
    return _Look(service, facts, entitled, leap_day).on(on)


class _Look:
    """One person's look at one service, on any day."""

    def __init__(self, service: PublicService, facts: Facts, entitled: Entitled, leap_day: LeapDay) -> None:
        self._service = service
        self._facts = facts
        self._entitled = entitled
        self._leap_day: LeapDay = leap_day

    def on(self, on: date) -> Availability:
        since, until = self._service.valid_from, self._service.valid_to
        if until is not None and until < on:
            return Availability(state=State.CLOSED)
        if since is not None and on < since:
            if self._service.status == "closed":
                return Availability(state=State.CLOSED, until=since - _DAY)
            then = self._within(since)
            return Availability(
                state=State.NOT_YET, opens=then.opens if then.state is State.NOT_YET else since, until=since - _DAY
            )
        found = self._within(on)
        if until is None:
            return found
        is_open = found.state is State.OPEN
        return replace(found, until=_first(found.until, until), closes=_first(found.closes, until) if is_open else None)

    def _within(self, on: date) -> Availability:
        """While the service exists."""
        deadline = self._service.deadline
        if deadline is None:
            return _OPEN
        match deadline.kind:
            case "round":
                return _rounds(self._all_rounds(deadline), on)
            case "programme":
                return self._programme(on)
            case "none" | "benefit_loss":
                return _OPEN
        if deadline.windows:
            return self._windows(deadline, on)
        yearly = deadline.month_day or (deadline.anchor if isinstance(deadline.anchor, MonthDay) else None)
        if deadline.kind == "annual" and yearly is not None:
            return _yearly(deadline, yearly, on)
        return self._anchored(deadline, on)

    def _anchored(self, deadline: Deadline, on: date) -> Availability:
        """So long from an anchor, opening so long before it."""
        anchor = self._day(deadline.anchor)
        if not isinstance(anchor, date):
            # Not known, it never closes anything; not happened, it sets no limit.
            missing = _told_by(deadline.anchor) if anchor is None else ()
            return Availability(state=State.OPEN, missing=missing)
        opens = None if deadline.early is None else _later(anchor, deadline.early, back=True)
        if opens is not None and on < opens:
            return Availability(state=State.NOT_YET, opens=opens, until=opens - _DAY)
        if deadline.schedule_months:
            days = [later(anchor, Span(months=months)) for months in deadline.schedule_months]
            return Availability(state=State.OPEN, deadline=next((day for day in days if day >= on), None))
        due = _later(anchor, deadline.length) if deadline.length is not None else anchor
        if on <= due:
            closes = due if deadline.closes_right else None
            return Availability(state=State.OPEN, deadline=due, closes=closes, until=closes)
        other = self._other_way(deadline, on)
        if other is not None:
            return other
        if deadline.closes_right:
            begins = None if deadline.alternative is None else self._day(deadline.alternative.anchor)
            until = begins - _DAY if isinstance(begins, date) and begins > on else None
            return Availability(state=State.CLOSED, deadline=due, is_late=True, until=until)
        # Ahead of an expiry there is a day to be in time for, but being late is not what a window is about.
        return Availability(state=State.OPEN, deadline=due, is_late=True)

    def _windows(self, deadline: Deadline, on: date) -> Availability:
        """Yearly periods; a second way in; for whom it is not yet their turn, a later year."""
        turn = self._turn(deadline, on)
        if turn is not None:
            return Availability(state=State.NOT_YET, opens=turn, until=turn - _DAY)
        coming: list[date] = []
        for window in deadline.windows:
            for year in (on.year - 1, on.year, on.year + 1):
                opens, closes = window.opens.in_year(year), window.closes.in_year(year)
                if closes < opens:
                    closes = window.closes.in_year(year + 1)
                if opens <= on <= closes:
                    return Availability(state=State.OPEN, closes=closes, deadline=closes, until=closes)
                if opens > on:
                    coming.append(opens)
        other = self._other_way(deadline, on)
        if other is not None:
            return other
        opens = min(coming)
        changes, missing = opens, tuple[str, ...]()
        if deadline.alternative is not None:
            begins = self._day(deadline.alternative.anchor)
            if isinstance(begins, date) and on < begins:
                changes = min(opens, begins)
            missing = _told_by(deadline.alternative.anchor) if begins is None else ()
        return Availability(state=State.NOT_YET, opens=changes, until=changes - _DAY, missing=missing)

    def _other_way(self, deadline: Deadline, on: date) -> Availability | None:
        """The second way in, while it is open."""
        if deadline.alternative is None:
            return None
        begins = self._day(deadline.alternative.anchor)
        if not isinstance(begins, date):
            return None
        closes = _later(begins, deadline.alternative.length)
        if not begins <= on <= closes:
            return None
        return Availability(state=State.OPEN, closes=closes, deadline=closes, until=closes)

    def _turn(self, deadline: Deadline, on: date) -> date | None:
        """The day on which this person's turn begins, while it is still to come.

        The year that is announced in birth dates tells the other years' too: each is for those born a year later.
        """
        born = day_of(self._facts, "person.birth_date")
        if not deadline.birth_windows or not isinstance(born, date):
            return None
        window = deadline.birth_windows[-1]
        years = born.year - window.born_to.year
        years += born > turns(window.born_to, years, leap_day=self._leap_day)
        begins = fiscal_year_start(window.fiscal_year_be - 1 + years)
        return begins if on < begins else None

    def _programme(self, on: date) -> Availability:
        """As long as it pays."""
        for amount in self._service.amounts:
            if amount.is_valid(on):
                return Availability(
                    state=State.OPEN, closes=amount.valid_to, deadline=amount.valid_to, until=amount.valid_to
                )
        coming = [row.valid_from for row in self._service.amounts if row.valid_from is not None and row.valid_from > on]
        return Availability(state=State.NO_ROUND, until=min(coming) - _DAY if coming else None)

    def _all_rounds(self, deadline: Deadline) -> Sequence[Round]:
        """Those that are listed, and the one that an agency announces."""
        announced = deadline.announced
        if announced is None:
            return deadline.rounds
        opens, closes = day_of(self._facts, announced.opens), day_of(self._facts, announced.closes)
        if not isinstance(opens, date) or not isinstance(closes, date) or closes < opens:
            return deadline.rounds
        return *deadline.rounds, Round(opens=opens, closes=closes)

    def _day(self, anchor: Anchor | None) -> date | DidNotHappen | None:
        match anchor:
            case FactDay(fact=fact):
                return day_of(self._facts, fact)
            case TurnsDay(birth_date=fact, years=years):
                born = day_of(self._facts, fact)
                return turns(born, years, leap_day=self._leap_day) if isinstance(born, date) else born
            case AnnouncedDay(event_date=event_date):
                return self._entitled() if event_date == ENTITLEMENT_DATE else day_of(self._facts, event_date)
        return None


def _rounds(rounds: Sequence[Round], on: date) -> Availability:
    for found in rounds:
        if found.opens <= on <= found.closes:
            return Availability(state=State.OPEN, closes=found.closes, deadline=found.closes, until=found.closes)
    coming = [found.opens for found in rounds if found.opens > on]
    if not coming:
        return Availability(state=State.NO_ROUND)
    return Availability(state=State.NOT_YET, opens=min(coming), until=min(coming) - _DAY)


def _yearly(deadline: Deadline, day: MonthDay, on: date) -> Availability:
    """By a day of every year, some years another; where it also opens on a day, only from then on.

    After the day it is late until the year is over, then (where it opens) not yet.
    """

    def due(year: int) -> date:
        moved = next((one.day for one in deadline.overrides if one.year == year), day)
        return moved.in_year(year)

    this_year = due(on.year)
    is_late = False
    if deadline.opens is not None:
        opens = deadline.opens.in_year(on.year)
        if opens > this_year:  # it opens in the year before
            opens = opens if on > this_year else deadline.opens.in_year(on.year - 1)
        if on < opens:
            return Availability(state=State.NOT_YET, opens=opens, until=opens - _DAY)
        is_late = opens <= this_year < on
    online = deadline.efiling_month_day
    is_in_time_online = online is not None and this_year < on <= online.in_year(on.year)
    shown = this_year if on <= this_year or is_late or is_in_time_online else due(on.year + 1)
    until = None if deadline.opens is None else date(on.year, 12, 31)
    if is_late and deadline.closes_right:
        following = deadline.opens.in_year(on.year + 1) if deadline.opens else date(on.year + 1, 1, 1)
        return Availability(state=State.NOT_YET, opens=following, until=following - _DAY)
    return Availability(
        state=State.OPEN,
        deadline=shown,
        deadline_online=None if online is None else online.in_year(shown.year),
        is_late=is_late and not is_in_time_online,
        until=until,
    )


def _later(day: date, span: Span, *, back: bool = False) -> date:
    sign = -1 if back else 1
    return later(day, Span(years=sign * span.years, months=sign * span.months, days=sign * span.days))


def _told_by(anchor: Anchor | None) -> tuple[str, ...]:
    match anchor:
        case FactDay(fact=fact) | TurnsDay(birth_date=fact):
            return (fact,)
        case AnnouncedDay(event_date=event_date) if event_date != ENTITLEMENT_DATE:
            return (event_date,)
    return ()


def _first(*days: date | None) -> date | None:
    known: Iterable[date] = [day for day in days if day is not None]
    return min(known, default=None)
