"""What happens to people now and then: the same each time one looks, and more of it as the day moves on.

Time is parted into quarters of ninety days, counted from the beginning of the calendar; in each quarter a citizen throws
once for each sort of thing. Different registers that know of the same thing (the police and the office that compensates
victims) therefore tell of the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sandbox.agencies.standard import throw
from sandbox.people import Citizen
from sandbox.samples import LAST_NUMBER
from sandbox.world import BANGKOK, World, age_on

_QUARTER_DAYS: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    on: date
    draw: int  # 64 bits for its details

    @property
    def at(self) -> datetime:
        """A moment of that day, between seven in the morning and eight at night."""
        return datetime.combine(self.on, time(7 + (self.draw >> 48) % 13, (self.draw >> 52) % 60), BANGKOK)


def happenings(
    world: World,
    citizen: Citizen,
    what: str,
    *,
    per_quarter: float,
    back_days: int = 730,
    least_age: int = 0,
    when: Callable[[Citizen], bool] | None = None,
) -> list[Happening]:
    """The latest first. `per_quarter` is the chance in percent. The samples and their families live by their stories."""
    if citizen.number <= LAST_NUMBER or (when is not None and not when(citizen)):
        return []
    today = min(world.clock.today(), citizen.died_on or date.max)
    oldest = today - timedelta(days=back_days)
    found = []
    for quarter in range(oldest.toordinal() // _QUARTER_DAYS, today.toordinal() // _QUARTER_DAYS + 1):
        draw = throw(world.nation.seed, "happening", what, citizen.number, quarter)
        on = date.fromordinal(quarter * _QUARTER_DAYS + (draw >> 16) % _QUARTER_DAYS)
        if draw % 10_000 < per_quarter * 100 and oldest <= on <= today and age_on(citizen.birth, on) >= least_age:
            found.append(Happening(on=on, draw=draw))
    return found[::-1]


def fiscal_year_began(day: date) -> date:
    """The first of October before."""
    return date(day.year if day.month >= 10 else day.year - 1, 10, 1)
