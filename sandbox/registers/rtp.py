"""The Royal Thai Police: what people reported. Crimes and accidents are rarer than lost cards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.happenings import Happening, happenings
from sandbox.people import Citizen, Words
from sandbox.world import BANGKOK, World

ASSAULT: Final = "assault"
# In percent of grown-ups a quarter (assumed).
_PER_QUARTER: Final = {"lost": 2.0, "traffic": 0.8, "fraud": 0.9, "theft": 0.4, ASSAULT: 0.15}
_ABOUT: Final = {
    "lost": (
        Words(th="บัตรประจำตัวประชาชนหาย", en="Lost identity card"),
        Words(th="ใบอนุญาตขับรถหาย", en="Lost driving licence"),
        Words(th="โทรศัพท์มือถือหาย", en="Lost mobile phone"),
    ),
    "traffic": (Words(th="รถเฉี่ยวชน ไม่มีผู้บาดเจ็บ", en="Collision, nobody hurt"),),
    "fraud": (
        Words(th="โอนเงินซื้อสินค้าออนไลน์แล้วไม่ได้ของ", en="Paid for goods online that never came"),
        Words(th="ถูกแก๊งคอลเซ็นเตอร์หลอกโอนเงิน", en="Deceived by a call-centre gang"),
    ),
    "theft": (Words(th="รถจักรยานยนต์ถูกขโมย", en="Motorcycle stolen"), Words(th="ทรัพย์สินในบ้านถูกลัก", en="Burglary")),
    ASSAULT: (Words(th="ถูกทำร้ายร่างกาย", en="Attacked and hurt"),),
}
_DRIVER = 8
_TRAFFIC_DAYS_AGO = 300


def get_reports(asked: Asked) -> Mapping[str, Any] | None:
    person, today = asked.person, asked.today
    if not person.alive:
        return None
    found = [(kind, one) for kind in _PER_QUARTER for one in reports(asked.world, person, kind)]
    place = person.address
    station = Words(th=f"สถานีตำรวจ{place.district.th}", en=f"{place.district.en} Police Station")
    return {
        "reports": [
            {
                "report_ref": f"{one.on.year + 543 - 2500}/{one.draw % 10**6:06d}",
                "kind": kind,
                "about": _ABOUT[kind][(one.draw >> 24) % len(_ABOUT[kind])],
                "occurred_on": one.on,
                "reported_at": _reported_at(one),
                "station": station,
                "status": _status(kind, one, today),
            }
            for kind, one in sorted(found, key=lambda pair: pair[1].on, reverse=True)
        ]
    }


def reports(world: World, person: Citizen, kind: str) -> list[Happening]:
    """What somebody has reported, the latest first, in three years."""
    if person.number == _DRIVER and kind == "traffic":
        on = world.clock.day_zero - timedelta(days=_TRAFFIC_DAYS_AGO)
        return [Happening(on=on, draw=_DRIVER << 32)] if on <= world.clock.today() else []
    found = happenings(world, person, f"police {kind}", per_quarter=_PER_QUARTER[kind], back_days=1_095, least_age=15)
    return [one for one in found if _reported_at(one).date() <= world.clock.today()]


def _reported_at(one: Happening) -> datetime:
    """The same day, or in the days after."""
    later = timedelta(days=one.draw >> 32 & 3)
    return datetime.combine(one.on + later, time(20 + (one.draw >> 40) % 4, (one.draw >> 44) % 60), BANGKOK)


def _status(kind: str, one: Happening, today: date) -> str:
    if kind == "lost":
        return "recorded"
    days = (today - one.on).days
    return "investigating" if days < 120 else "with_prosecutor" if days < 300 and kind != "traffic" else "closed"


ANSWERS: Final[Mapping[str, Answer]] = {"get_reports": get_reports}
