"""The National Office of Buddhism: who is a monk or a novice. About six men in a thousand, and three boys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.people import Words
from sandbox.samples import LAST_NUMBER, anniversary
from sandbox.world import age_on

_MONK_FROM, _NOVICE_FROM = 20, 10


def get_status(asked: Asked) -> Mapping[str, Any] | None:
    if not asked.person.alive:
        return None
    ordained = ordination(asked)
    if ordained is None:
        return {"ordained": False, "kind": None, "temple": None, "ordained_on": None}
    is_monk = age_on(asked.person.birth, ordained) >= _MONK_FROM
    place = asked.person.address.subdistrict
    return {
        "ordained": True,
        "kind": "monk" if is_monk else "novice",
        "temple": Words(th=f"วัด{place.th}", en=f"Wat {place.en}"),
        "ordained_on": ordained,
    }


def ordination(asked: Asked) -> date | None:
    """When somebody was ordained who still is. Whoever has a wife, wages or an office is not."""
    person, today = asked.person, asked.today
    if person.number <= LAST_NUMBER or person.sex != "male" or person.nationality != "thai" or not person.alive:
        return None
    is_bound = person.marital_status == "married" or person.civil_servant or person.vehicles
    if is_bound or (person.insurance.section in ("33", "39") and person.insurance.ended is None):
        return None
    draw = throw(asked.world.nation.seed, "onab", person.number)
    age = age_on(person.birth, today)
    # Of those who are free to be, so many more.
    share = 40 if age >= _MONK_FROM else 4 if age >= _NOVICE_FROM else 0
    if draw % 1_000 >= share:
        return None
    least = _MONK_FROM if age >= _MONK_FROM else _NOVICE_FROM
    born = person.birth.earliest()
    first = anniversary(born, born.year + least)
    on = max(first, asked.world.nation.day_zero - timedelta(days=(draw >> 16) % 7_000))
    return on if on <= today else None


ANSWERS: Final[Mapping[str, Answer]] = {"get_status": get_status}
