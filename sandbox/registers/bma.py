"""The Bangkok Metropolitan Administration: appointments at district offices, and what people there asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sandbox import local, places
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.people import Address, Words
from sandbox.world import BANGKOK

_DAYS, _HOURS = 5, (9, 10, 11, 13, 14, 15)
_COUNTERS = 4
_ASKED = 12  # one grown-up in so many asked for something lately (assumed)
_SERVICES: Final = ("id_card", "house_register", "birth", "marriage", "name_change")
_OF_ANYONE: Final = ("id_card", "house_register", "name_change")


def list_slots(asked: Asked) -> Mapping[str, Any] | None:
    """The next five working days, each hour with counters left; offices outside Bangkok are not its own."""
    address = local.address_of(asked.world, asked.arguments["house_id"])
    service = asked.arguments["service"]
    if address is None or not _is_in_bangkok(address) or service not in _SERVICES:
        return None
    slots = []
    for day in _working_days(asked.today):
        for hour in _HOURS:
            draw = throw(asked.world.nation.seed, "slot", address.subdistrict_code[:4], service, day, hour)
            free = draw % (_COUNTERS + 2) - 1
            if free > 0:
                slots.append(
                    {
                        "slot_id": f"{address.subdistrict_code[:4]}-{day:%y%m%d}-{hour:02d}-{_SERVICES.index(service)}",
                        "starts_at": datetime.combine(day, time(hour), BANGKOK),
                        "counters": free,
                    }
                )
    return {"district": address.district, "office": _office(address), "service": service, "slots": slots}


def get_requests(asked: Asked) -> Mapping[str, Any]:
    """One request, for a few who live in Bangkok."""
    person = asked.person
    day = asked.world.nation.day_zero - timedelta(days=asked.dice("submitted") % 60)
    is_one = person.number > 199 and asked.dice("asked") % _ASKED == 0 and asked.world.age(person) >= 20
    if not _is_in_bangkok(person.address) or not is_one or not person.alive or day > asked.today:
        return {"requests": []}
    age_days = (asked.today - day).days
    state = "received" if age_days < 2 else "in_progress" if age_days < 10 else "ready" if age_days < 20 else "done"
    return {
        "requests": [
            {
                "request_id": f"BMA{asked.dice('request') % 10**8:08d}",
                "service": _OF_ANYONE[asked.dice("service") % len(_OF_ANYONE)],
                "office": _office(person.address),
                "submitted_on": day,
                "state": state,
                "appointment_on": _working_days(day + timedelta(days=14))[0] if state == "ready" else None,
            }
        ]
    }


def _is_in_bangkok(address: Address) -> bool:
    return address.subdistrict_code.startswith(places.BANGKOK)


def _office(address: Address) -> Words:
    return Words(th=f"สำนักงานเขต{address.district.th}", en=f"{address.district.en} District Office")


def _working_days(after: date) -> list[date]:
    days = (after + timedelta(days=ahead) for ahead in range(1, 10))
    return [day for day in days if day.weekday() < 5][:_DAYS]


ANSWERS: Final[Mapping[str, Answer]] = {"list_slots": list_slots, "get_requests": get_requests}
