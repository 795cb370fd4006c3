"""The Office of the Basic Education Commission: who learns where, and which schools are near a house."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox import schooling
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.households import of_house
from sandbox.people import Citizen

# The first and last days on which applications are taken, in the spring before the school year (assumed).
_SMALL_ONES, _BIG_ONES = ((2, 8), (2, 16)), ((3, 7), (3, 15))
_JUST_BEGUN = timedelta(days=60)


def get_enrolment(asked: Asked) -> Mapping[str, Any] | None:
    return _enrolment(asked, asked.person)


def get_child_enrolment(asked: Asked) -> Mapping[str, Any] | None:
    child = asked.world.find(asked.arguments["child_id"])
    return None if child is None else _enrolment(asked, child)


def _enrolment(asked: Asked, person: Citizen) -> Mapping[str, Any] | None:
    if not person.alive:
        return None
    found = schooling.study(asked.world, person)
    if found is None:
        return {
            "student": False, "level": "none", "grade": None, "school_id": None, "school": None,
            "academic_year": None, "term_begins": None, "term_ends": None,
        }  # fmt: skip
    begins, ends = schooling.term(asked.today)
    return {
        "student": True,
        "level": found.level,
        "grade": found.grade,
        "school_id": found.school_id,
        "school": found.school,
        "academic_year": schooling.said_year(schooling.school_year(asked.today)),
        "term_begins": begins,
        "term_ends": ends,
    }


def get_school_year(asked: Asked) -> Mapping[str, Any] | None:
    """The one that is coming; of one that has begun, for two months yet. Asked for a day, and nobody's."""
    try:
        day = date.fromisoformat(asked.arguments["day"])
        year = schooling.school_year(day - _JUST_BEGUN) + 1
        begins, first_ends = schooling.term(date(year, 5, 16))
    except (ValueError, OverflowError):
        return None
    return {
        "academic_year": schooling.said_year(begins.year),
        "begins_on": begins,
        "first_term_ends": first_ends,
        "second_term_begins": date(begins.year, 11, 1),
        "ends_on": date(begins.year + 1, 3, 31),
    }


def list_schools(asked: Asked) -> Mapping[str, Any] | None:
    people = of_house(asked.world, asked.arguments["house_id"])
    if not people:
        return None
    address = people[0].address
    village = schooling.village_school(address.subdistrict_code, address.subdistrict)
    district = schooling.district_school(address.subdistrict_code, address.district)
    draw = throw("way to school", address.house_id)
    near, far = Decimal(3 + draw % 25) / 10, Decimal(15 + (draw >> 8) % 120) / 10
    return {
        "schools": [
            {
                "school_id": code,
                "name": name,
                "level": level,
                "in_catchment": is_near or level == "lower_secondary",
                "distance_km": near if is_near else far,
                "apply_from": _next(window[0], window[1], asked.today)[0],
                "apply_until": _next(window[0], window[1], asked.today)[1],
            }
            for (code, name), level, window, is_near in (
                (village, "kindergarten", _SMALL_ONES, True),
                (village, "primary", _SMALL_ONES, True),
                (district, "lower_secondary", _BIG_ONES, False),
                (district, "upper_secondary", _BIG_ONES, False),
            )
        ]
    }


def _next(first: tuple[int, int], last: tuple[int, int], today: date) -> tuple[date, date]:
    """This year's days, or next year's where they are over."""
    year = today.year if today <= date(today.year, *last) else today.year + 1
    return date(year, *first), date(year, *last)


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_enrolment": get_enrolment,
    "get_child_enrolment": get_child_enrolment,
    "get_school_year": get_school_year,
    "list_schools": list_schools,
}
