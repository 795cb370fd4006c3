"""The Department of Agricultural Extension: who farms, what grows where, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.means import farm, parcels
from sandbox.people import Words


def get_farmer(asked: Asked) -> Mapping[str, Any]:
    found = farm(asked.world, asked.person)
    if found is None or found.since > asked.today:
        return {
            "registered": False, "farmer_no": None, "since": None, "updated_on": None, "rice_area_rai": Decimal(0),
            "total_area_rai": Decimal(0), "planting_date": None, "plots": [],
        }  # fmt: skip
    deeds = _deeds(asked)
    return {
        "registered": True,
        "farmer_no": found.farmer_no,
        "since": found.since,
        "updated_on": found.updated_on,
        "rice_area_rai": sum((one.rai for one in found.plots if one.crop == "rice"), Decimal(0)),
        "total_area_rai": sum((one.rai for one in found.plots), Decimal(0)),
        "planting_date": max(one.planted_on for one in found.plots),
        "plots": [
            {
                "plot_id": one.plot_id,
                "crop": one.crop,
                "area_rai": one.rai,
                "planted_on": one.planted_on,
                "harvest_on": one.harvest_on,
                "holding": "own" if one.is_own else "rented",
                "deed": deeds.get(one.rai) if one.is_own else None,
            }
            for one in found.plots
        ],
    }


def _deeds(asked: Asked) -> Mapping[Decimal, Words]:
    """The deeds of the farmer's own fields, by their area."""
    return {one.area: one.deed for one in parcels(asked.world, asked.person) if one.kind == "agricultural"}


ANSWERS: Final[Mapping[str, Answer]] = {"get_farmer": get_farmer}
