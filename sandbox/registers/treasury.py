"""The Treasury Department: what land, houses and flats are officially worth. Nobody says whose the parcel is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.means import parcel

_YEARS, _FIRST = 4, 2023  # each round of appraisal holds four years


def get_appraisal(asked: Asked) -> Mapping[str, Any] | None:
    found = parcel(asked.world, asked.arguments["parcel_id"])
    if found is None:
        return None
    began = _FIRST + (asked.today.year - _FIRST) // _YEARS * _YEARS
    return {
        "parcel_id": found.parcel_id,
        "unit": "square_metre" if found.unit == "square_metre" else "square_wah",
        "value_per_wah": found.value_per_unit,
        "land_value": found.land_value,
        "building_value": found.building_value,
        "value": found.value,
        "valid_from": date(began, 1, 1),
        "valid_to": date(began + _YEARS - 1, 12, 31),
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_appraisal": get_appraisal}
