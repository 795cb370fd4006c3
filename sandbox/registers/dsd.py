"""The Department of Skill Development: courses in each province, and who took one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox import places
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.people import Words
from sandbox.registers.sso import work_of

_MONTHS_AHEAD, _A_MONTH = 3, 3
_TRAINED = 8  # one grown-up below sixty in so many took a course lately (assumed)
_LATELY = 500  # days before day zero
# Name, trade, hours.
_COURSES: Final = (
    (Words(th="ช่างเชื่อมไฟฟ้าด้วยมือ", en="Manual arc welding"), Words(th="ช่างอุตสาหการ", en="Metal work"), 60),
    (Words(th="การซ่อมเครื่องปรับอากาศ", en="Air conditioner repair"), Words(th="ช่างไฟฟ้า", en="Electrical work"), 60),
    (Words(th="ช่างไฟฟ้าภายในอาคาร", en="Indoor electrician"), Words(th="ช่างไฟฟ้า", en="Electrical work"), 90),
    (Words(th="การประกอบอาหารไทย", en="Thai cooking"), Words(th="อาหารและบริการ", en="Food and service"), 30),
    (Words(th="บาริสตามืออาชีพ", en="Barista"), Words(th="อาหารและบริการ", en="Food and service"), 18),
    (Words(th="ผู้ดูแลผู้สูงอายุ", en="Caring for the elderly"), Words(th="สุขภาพ", en="Health"), 420),
    (Words(th="การขายสินค้าออนไลน์", en="Selling online"), Words(th="ดิจิทัล", en="Digital"), 12),
    (Words(th="การเขียนโปรแกรมเบื้องต้น", en="First steps in programming"), Words(th="ดิจิทัล", en="Digital"), 60),
    (Words(th="การตัดเย็บเสื้อผ้า", en="Dressmaking"), Words(th="สิ่งทอ", en="Textiles"), 60),
)
_SEATS = 20
_HOURS_A_DAY = 6


def list_courses(asked: Asked) -> Mapping[str, Any] | None:
    """What begins in this month and the two after it, and has not begun yet."""
    province = places.PROVINCE.get(asked.arguments["province"])
    if province is None:
        return None
    found = []
    for ahead in range(_MONTHS_AHEAD):
        years, month = divmod(asked.today.month - 1 + ahead, 12)
        first = date(asked.today.year + years, month + 1, 1)
        for at in range(_A_MONTH):
            draw = throw(asked.world.nation.seed, "course", province.code, first, at)
            name, trade, hours = _COURSES[draw % len(_COURSES)]
            begins = first + timedelta(days=draw // 32 % 26)
            if begins <= asked.today:
                continue
            taken = min(_SEATS, draw // 4_096 % (_SEATS + 4) * (_MONTHS_AHEAD - ahead) // _MONTHS_AHEAD)
            found.append(
                {
                    "course_id": f"{province.code}{first:%y%m}{at}",
                    "name": name,
                    "field": trade,
                    "place": _institute(province.name),
                    "province": province.code,
                    "starts_on": begins,
                    "ends_on": begins + timedelta(days=hours // _HOURS_A_DAY),
                    "hours": hours,
                    "seats": _SEATS,
                    "seats_left": _SEATS - taken,
                    "fee": Decimal(draw // 65_536 % 3 * 100),
                }
            )
    return {"courses": found}


def get_enrolments(asked: Asked) -> Mapping[str, Any]:
    """One course, for a few; the stories tell of none."""
    age = asked.world.age(asked.person)
    is_one = asked.person.number > 199 and asked.dice("trained") % _TRAINED == 0
    begins = asked.world.nation.day_zero + timedelta(days=20 - asked.dice("begins") % _LATELY)
    enrolled = begins - timedelta(days=20)
    if not is_one or not 18 <= age < 60 or enrolled > asked.today:
        return {"enrolments": []}
    name, _, hours = _COURSES[asked.dice("which") % len(_COURSES)]
    ends = begins + timedelta(days=hours // _HOURS_A_DAY)
    is_free = work_of(asked.world, asked.person).status != "employed"
    state = _state(asked.today, begins, ends, stays=asked.dice("stays") % 10 < (9 if is_free else 8))
    certificate = f"{asked.dice('certificate') % 10**6:06d}/{ends.year + 543}" if state == "passed" else None
    return {
        "enrolments": [
            {
                "enrolment_id": f"{asked.dice('enrolment') % 10**9:09d}",
                "name": name,
                "state": state,
                "starts_on": begins,
                "ends_on": ends,
                "certificate_no": certificate,
            }
        ]
    }


def _institute(province: Words) -> Words:
    return Words(th=f"สถาบันพัฒนาฝีมือแรงงาน {province.th}", en=f"{province.en} Institute for Skill Development")


def _state(today: date, begins: date, ends: date, *, stays: bool) -> str:
    if today < begins:
        return "enrolled"
    if today <= ends:
        return "under_way"
    return "passed" if stays else "left"


ANSWERS: Final[Mapping[str, Answer]] = {"list_courses": list_courses, "get_enrolments": get_enrolments}
