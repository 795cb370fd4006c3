"""The National Health Security Office: what its right search doesn't say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox import fund, places
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.happenings import fiscal_year_began, happenings
from sandbox.people import Citizen, Words

_MOST_CHANGES = 4  # a fiscal year
_CHANNELS = ("app", "app", "at_unit", "office")


def get_unit_changes(asked: Asked) -> Mapping[str, Any] | None:
    """Eight in a hundred move their right in a year. Only universal coverage has a unit to be moved."""
    person, today = asked.person, asked.today
    right = fund.held_on(person, today)
    if not person.alive or right is None or right.right != "uc":
        return None
    began = fiscal_year_began(today)
    units = _units(person)
    changes = happenings(asked.world, person, "change of unit", per_quarter=2)
    this_year = min(sum(one.on >= began for one in changes), _MOST_CHANGES)
    return {
        "counted_from": began,
        "changes_this_fiscal_year": this_year,
        "changes_left": _MOST_CHANGES - this_year,
        "changes": [
            {
                "changed_on": one.on,
                "from_unit": units[one.draw % len(units)],
                "to_unit": units[(one.draw + 1) % len(units)],
                "channel": _CHANNELS[one.draw >> 8 & 3],
            }
            for one in changes
        ],
    }


def list_units(asked: Asked) -> Mapping[str, Any] | None:
    province = places.PROVINCE.get(asked.arguments["province"])
    if province is None:
        return None
    primary = [(one.primary_unit, "primary", one.name) for one in province.districts]
    hospitals = [(one, "hospital", province.districts[0].name) for one in province.hospitals]
    return {
        "units": [
            {
                "unit_id": unit.code,
                "name": unit.name,
                "kind": kind,
                "place": place,
                "takes_people": throw("room", unit.code) % 10 < 8,
            }
            for unit, kind, place in (*primary, *hospitals)
        ]
    }


def _units(person: Citizen) -> list[Words]:
    return [one.primary_unit.name for one in places.PROVINCE[person.address.subdistrict_code[:2]].districts]


ANSWERS: Final[Mapping[str, Answer]] = {"get_unit_changes": get_unit_changes, "list_units": list_units}
