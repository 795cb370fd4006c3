"""The Department of Land Transport: who may drive, what vehicles are registered to whom, what the dead leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.means import is_sample, thing_id
from sandbox.people import Vehicle, Words
from sandbox.registers import kin
from sandbox.samples import anniversary
from sandbox.world import age_on

_KINDS: Final = {
    "car7": Words(th="รถยนต์นั่งส่วนบุคคลไม่เกิน 7 คน", en="Private car of up to seven seats"),
    "pickup": Words(th="รถยนต์บรรทุกส่วนบุคคล", en="Private pickup"),
    "van": Words(th="รถยนต์นั่งส่วนบุคคลเกิน 7 คน", en="Private van"),
    "motorcycle": Words(th="รถจักรยานยนต์ส่วนบุคคล", en="Private motorcycle"),
    "other": Words(th="รถอื่น", en="Another vehicle"),
}
_LICENCES: Final = {
    ("car", "temporary"): Words(th="ใบอนุญาตขับรถยนต์ส่วนบุคคลชั่วคราว", en="Temporary private car licence"),
    ("car", "personal5"): Words(th="ใบอนุญาตขับรถยนต์ส่วนบุคคล", en="Private car licence"),
    ("motorcycle", "temporary"): Words(
        th="ใบอนุญาตขับรถจักรยานยนต์ส่วนบุคคลชั่วคราว", en="Temporary private motorcycle licence"
    ),
    ("motorcycle", "personal5"): Words(th="ใบอนุญาตขับรถจักรยานยนต์ส่วนบุคคล", en="Private motorcycle licence"),
}
LICENCE_YEARS: Final = {"temporary": 2, "personal5": 5}
GIVEN_UP_AFTER_DAYS = 1_096  # who is three years late sits the tests anew


def get_licences(asked: Asked) -> Mapping[str, Any]:
    """A licence lasts five years, the first one two; it ends on the holder's birthday in neither case here. Who rides a
    motorcycle has the licence for that too."""
    person, expires = asked.person, asked.person.licence_expires
    if expires is None or not person.alive or (asked.today - expires).days > GIVEN_UP_AFTER_DAYS:
        return {"car": {"type": "none", "issue_date": None, "expiry_date": None}, "licences": []}
    kind = "temporary" if age_on(person.birth, asked.world.nation.day_zero) < 20 else "personal5"
    issued = anniversary(expires, expires.year - LICENCE_YEARS[kind])
    rides = any(one.kind == "motorcycle" for one in person.vehicles)
    return {
        "car": {"type": kind, "issue_date": issued, "expiry_date": expires},
        "licences": [
            {
                "licence_id": f"{asked.dice(f'licence {what}') % 10**8:08d}",
                "for": what,
                "type": kind,
                "name": _LICENCES[what, kind],
                "issue_date": issued,
                "expiry_date": expires,
            }
            for what in ("car", *(("motorcycle",) if rides else ()))
        ],
    }


def get_vehicles(asked: Asked) -> Mapping[str, Any]:
    """What is registered to them; what they sold lately stays listed until the buyer has it registered."""
    if not asked.person.alive:
        return {"vehicles": []}
    return {
        "vehicles": [
            {
                "vehicle_id": thing_id("V", asked.person.number, at),
                "plate": vehicle.plate,
                "kind": _KINDS[vehicle.kind],
                "type": vehicle.kind,
                "engine_cc": vehicle.engine_cc,
                "first_registered_date": vehicle.first_registered,
                "tax_expiry_date": vehicle.tax_expires,
                "tax_amount": tax(vehicle, asked.today),
                "sale_date": _sold(asked, at),
            }
            for at, vehicle in enumerate(asked.person.vehicles)
        ]
    }


def _sold(asked: Asked, at: int) -> date | None:
    """One vehicle in forty was sold in the month before day zero."""
    dice, zero = asked.dice(f"sold {at}"), asked.world.nation.day_zero
    if is_sample(asked.person) or dice % 40:
        return None
    day = date.fromordinal(zero.toordinal() - (dice >> 8) % 25)
    return day if asked.person.vehicles[at].first_registered < day <= asked.today else None


def get_estate(asked: Asked) -> Mapping[str, Any] | None:
    deceased = kin.deceased(asked)
    if deceased is None:
        return None
    return {
        "owns_vehicle": bool(deceased.vehicles),
        "vehicles": [
            {"vehicle_id": thing_id("V", deceased.number, at), "plate": one.plate, "kind": _KINDS[one.kind]}
            for at, one in enumerate(deceased.vehicles)
        ],
    }


def tax(vehicle: Vehicle, day: date) -> Decimal:
    """The yearly tax of the Vehicle Act, schedule of rates: 100 baht for a motorcycle, by the cubic centimetre for a car
    (0.50 to 600, 1.50 to 1,800, 4.00 beyond), a tenth less for each year from the sixth to half."""
    if vehicle.kind == "motorcycle":
        return Decimal(100)
    if vehicle.kind == "pickup":
        return Decimal(900)
    cc, zero = Decimal(vehicle.engine_cc), Decimal(0)
    first, second, third = min(cc, Decimal(600)), max(min(cc, Decimal(1_800)) - 600, zero), max(cc - 1_800, zero)
    full = first * Decimal("0.5") + second * Decimal("1.5") + third * 4
    years = (day - vehicle.first_registered).days // 365
    return (full * (10 - min(max(years - 5, 0), 5)) / 10).quantize(Decimal("0.01"))


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_licences": get_licences,
    "get_vehicles": get_vehicles,
    "get_estate": get_estate,
}
