"""The Office of Insurance Commission: whether a vehicle has its compulsory insurance, and who was hurt by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.means import draw, is_sample, read_thing_id
from sandbox.people import Words
from sandbox.samples import anniversary

_INSURERS: Final = (
    Words(th="บริษัทกลางตัวอย่างประกันภัย", en="Example Central Insurance"),
    Words(th="ทิวาประกันภัยตัวอย่าง", en="Thiwa Example Insurance"),
    Words(th="รุ่งอรุณประกันภัยตัวอย่าง", en="Rung-arun Example Insurance"),
)
_ACCIDENTS_ONE_IN, _ACCIDENT_DAYS = 40, 700


def get_cmi(asked: Asked) -> Mapping[str, Any] | None:
    """Most people insure to the day on which the tax falls due, for the office wants to see both. Nobody says whose the
    vehicle is."""
    read = read_thing_id("V", asked.arguments["vehicle_id"])
    owner = None if read is None else asked.world.citizen(read[0])
    if read is None or owner is None or read[1] >= len(owner.vehicles):
        return None
    vehicle = owner.vehicles[read[1]]
    dice = throw(asked.world.nation.seed, "oic", *read)
    ends = vehicle.tax_expires
    if not is_sample(owner) and dice % 8 == 0 and ends >= asked.world.nation.day_zero:
        ends += timedelta(days=30 + (dice >> 8) % 200)  # renewed ahead of the tax
    begins = anniversary(ends, ends.year - 1)
    if begins > asked.today:
        begins, ends = anniversary(begins, begins.year - 1), begins
    return {
        "valid": begins <= asked.today <= ends,
        "policy": f"{begins.year + 543}-{(dice >> 16) % 10**9:09d}",
        "insurer": _INSURERS[(dice >> 48) % len(_INSURERS)],
        "valid_from": begins,
        "valid_to": ends,
    }


def get_accident(asked: Asked) -> Mapping[str, Any] | None:
    """Hardly anybody: one in forty was hurt in the two years before day zero."""
    person, dice = asked.person, draw(asked.person, "accident")
    if is_sample(person) or not person.alive or asked.world.age(person) < 7 or dice % _ACCIDENTS_ONE_IN:
        return None
    day = asked.world.nation.day_zero - timedelta(days=(dice >> 8) % _ACCIDENT_DAYS)
    if day > asked.today:
        return None
    home = person.address
    return {
        "motor_vehicle": (dice >> 16) % 8 != 0,
        "date": day,
        "place": Words(th=f"{home.district.th} {home.province.th}", en=f"{home.district.en}, {home.province.en}"),
        "claims": _claims(day, dice, asked.today) if dice >> 24 & 1 else [],
    }


def _claims(day: date, dice: int, today: date) -> list[Mapping[str, Any]]:
    """Preliminary compensation: up to 30,000 baht for treatment, paid within a week of being asked for."""
    asked_for = day + timedelta(days=3 + (dice >> 28) % 30)
    if asked_for > today:
        return []
    return [
        {
            "claim_id": f"{(dice >> 32) % 10**8:08d}",
            "kind": "preliminary",
            "requested_on": asked_for,
            "amount": Decimal(2_000 + (dice >> 36) % 28 * 1_000),
            "status": "paid" if asked_for + timedelta(days=7) <= today else "reviewing",
        }
    ]


ANSWERS: Final[Mapping[str, Answer]] = {"get_cmi": get_cmi, "get_accident": get_accident}
