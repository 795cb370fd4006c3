"""The Equitable Education Fund: pupils whom their teachers found to be poor, and the grant for the poorest.

Teachers screen from the middle of May to the end of August; nobody is asked whose house earns much more than the limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox import schooling
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.households import income_per_head, living_with
from sandbox.people import Citizen, Words
from sandbox.world import World

POOR, EXTREMELY_POOR = Decimal(3_000), Decimal(1_388)  # baht a head and month
GRANT: Final = Decimal(4_200)  # a year
_SCREENED_BELOW = Decimal(4_000)
_LEVELS = frozenset({"kindergarten", "primary", "lower_secondary"})
_TEACHER = Words(th="ครูประจำชั้น", en="Class teacher")


def get_screening(asked: Asked) -> Mapping[str, Any] | None:
    child, today = asked.world.find(asked.arguments["child_id"]), asked.today
    if child is None or not _is_screened(asked.world, child):
        return None
    draw, per_month = _draw(asked.world, child), _per_month(asked.world, child)
    year = schooling.school_year(today)
    level = "extremely_poor" if per_month <= EXTREMELY_POOR else "poor" if per_month <= POOR else "not_poor"
    is_decided = today > date(year, 8, 31)
    receives = is_decided and level == "extremely_poor"
    first, second = date(year, 9, 15), date(year + 1, 1, 20)
    return {
        "level": level,
        "academic_year": schooling.said_year(year),
        "status": "receiving" if receives else "not_selected" if is_decided else "screened",
        "amount": GRANT if receives else None,
        "attendance_percent": 82 + draw % 18,
        "last_paid_on": (second if second <= today else first if first <= today else None) if receives else None,
    }


def get_household_income(asked: Asked) -> Mapping[str, Any] | None:
    """What the screening of a pupil of the house found."""
    person, world = asked.person, asked.world
    pupils = [one for one in living_with(world, person) if _is_screened(world, one)] if person.alive else []
    if not pupils:
        return None
    first = min(pupils, key=lambda one: one.number)
    assessed = date(schooling.school_year(asked.today), 5, 20) + timedelta(days=_draw(world, first) % 90)
    if assessed > asked.today:
        assessed = assessed.replace(year=assessed.year - 1)
    return {
        "income_per_capita_per_month": _per_month(world, person),
        "assessed_on": assessed,
        "assessed_by": _TEACHER,
    }


def _is_screened(world: World, child: Citizen) -> bool:
    found = schooling.study(world, child)
    return found is not None and found.level in _LEVELS and _per_month(world, child) <= _SCREENED_BELOW


def _per_month(world: World, person: Citizen) -> Decimal:
    return (income_per_head(world, person) / 12).quantize(Decimal("0.01"))


def _draw(world: World, person: Citizen) -> int:
    return throw(world.nation.seed, "eef", person.number)


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_screening": get_screening,
    "get_household_income": get_household_income,
}
