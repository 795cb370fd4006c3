"""What time it is, and which legal day: two questions that must not be mixed.

Leases, deadlines and tokens follow real time. Rights follow the legal day, which begins at midnight in Bangkok and
which the sandbox may move (`POST /sandbox/clock`) so that a developer can watch a birthday arrive.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

BANGKOK = ZoneInfo("Asia/Bangkok")


class Clock(Protocol):
    def now(self) -> datetime:
        """Real time, aware UTC."""
        ...

    def legal_now(self) -> datetime:
        """The moment by which rights are judged, aware UTC; real time unless a sandbox moved it."""
        ...

    def today(self) -> date:
        """The legal day in Thailand."""
        ...


def legal_day(moment: datetime) -> date:
    """The day in Thailand at that moment."""
    return moment.astimezone(BANGKOK).date()


def start_of(day: date) -> datetime:
    """The first moment of a legal day, as aware UTC."""
    return datetime.combine(day, time(0), BANGKOK).astimezone(UTC)


class SystemClock:
    """The machine's clock. `move_to` shifts the legal day only, and is called by nothing but the sandbox's follower."""

    def __init__(self) -> None:
        self._shift = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def legal_now(self) -> datetime:
        return self.now() + self._shift

    def today(self) -> date:
        return legal_day(self.legal_now())

    def move_to(self, day: date) -> None:
        self._shift = timedelta(days=(day - legal_day(self.now())).days)


class FrozenClock:
    """Time that moves only when a test moves it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def legal_now(self) -> datetime:
        return self.moment

    def today(self) -> date:
        return legal_day(self.moment)

    def advance(self, by: timedelta) -> None:
        self.moment += by
