"""The Department of Social Development and Welfare: who asked for help, what they got, who lives in an institution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.happenings import fiscal_year_began, happenings
from sandbox.households import income_per_head
from sandbox.people import Citizen, Words
from sandbox.samples import LAST_NUMBER
from sandbox.world import World

_MOTHER_OF_THREE = 10
_POOR = Decimal(36_000)  # baht a head and year
_GRANT = Decimal(3_000)
_VISITED_AFTER, _ASSESSED_AFTER, _HELPED_AFTER, _CLOSED_AFTER = 7, 12, 20, 120
_ASSESSED_FOR = timedelta(days=365)
_TROUBLES = (
    Words(th="รายได้ไม่พอเลี้ยงครอบครัว", en="Income doesn't feed the family"),
    Words(th="เจ็บป่วยเรื้อรังไม่มีคนดูแล", en="Long illness and nobody to care"),
    Words(th="บ้านทรุดโทรม", en="The house is falling apart"),
    Words(th="ขาดผู้อุปการะ", en="Nobody left to provide"),
)
_KINDS = ("money", "money", "money", "supplies", "home_repair")
_HOMES = (
    Words(th="สถานสงเคราะห์ร่มไทร", en="Rom Sai Welfare Home"),
    Words(th="สถานคุ้มครองและพัฒนาคนพิการสายธาร", en="Sai Than Home for Persons with Disabilities"),
)
_CHILDRENS_HOME = Words(th="บ้านพักเด็กต้นกล้า", en="Ton Kla Children's Home")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    opened: date
    draw: int
    trouble: Words

    def after(self, days: int) -> date:
        return self.opened + timedelta(days=days)


def get_cases(asked: Asked) -> Mapping[str, Any] | None:
    today, cases = asked.today, _cases(asked)
    if not cases:
        return None
    assessed = next((one.after(_ASSESSED_AFTER) for one in cases if one.after(_ASSESSED_AFTER) <= today), None)
    return {
        "in_hardship": assessed is not None and today < assessed + _ASSESSED_FOR,
        "assessed_on": assessed,
        "cases": [
            {
                "case_id": _number(one),
                "opened_on": one.opened,
                "trouble": one.trouble,
                "status": _status(one, today),
                "visit_date": one.after(_VISITED_AFTER),
                "amount": _amount(one) if one.after(_HELPED_AFTER) <= today else None,
                "office": _office(asked.person),
            }
            for one in cases
        ],
    }


def get_assistance(asked: Asked) -> Mapping[str, Any] | None:
    if not asked.person.alive:
        return None
    today, began = asked.today, fiscal_year_began(asked.today)
    given = [one for one in _cases(asked) if one.after(_HELPED_AFTER) <= today]
    return {
        "grants_this_fiscal_year": sum(one.after(_HELPED_AFTER) >= began and _kind(one) == "money" for one in given),
        "counted_from": began,
        "assistance": [
            {
                "case_id": _number(one),
                "kind": _kind(one),
                "amount": _amount(one),
                "given_on": one.after(_HELPED_AFTER),
            }
            for one in given
        ],
    }


def get_residence(asked: Asked) -> Mapping[str, Any] | None:
    return _residence(asked.world, asked.person)


def get_child_residence(asked: Asked) -> Mapping[str, Any] | None:
    child = asked.world.find(asked.arguments["child_id"])
    return None if child is None else _residence(asked.world, child)


def _residence(world: World, person: Citizen) -> Mapping[str, Any] | None:
    """One in three hundred old people without a family, one in a thousand children without a parent at home."""
    if not person.alive:
        return None
    draw, age = throw(world.nation.seed, "dsdw", "home", person.number), world.age(person)
    is_alone = person.household == (person.number,)
    has_parents = any(one in person.household for one in (person.father, person.mother) if one)
    share = 3 if age >= 65 and is_alone else 1 if age < 18 and not has_parents else 0
    if draw % 1_000 >= share or person.number <= LAST_NUMBER:
        return {"in_state_institution": False, "institution": None, "since": None}
    since = max(world.nation.day_zero - timedelta(days=400 + (draw >> 16) % 900), person.birth.earliest())
    home = _CHILDRENS_HOME if age < 18 else _HOMES[draw >> 12 & 1]
    return {"in_state_institution": True, "institution": home, "since": since}


def _cases(asked: Asked) -> list[_Case]:
    """The latest first. Twelve in a hundred poor grown-ups ask in a year."""
    person, world = asked.person, asked.world
    if not person.alive:
        return []
    if person.number == _MOTHER_OF_THREE:
        opened = world.clock.day_zero - timedelta(days=38)
        money = throw("mother of three") // len(_KINDS) * len(_KINDS)  # the first kind of help
        told = _Case(opened=opened, draw=money, trouble=_TROUBLES[0])
        return [told] if opened <= asked.today else []
    if income_per_head(world, person) > _POOR:
        return []
    return [
        _Case(opened=one.on, draw=one.draw, trouble=_TROUBLES[(one.draw >> 24) % len(_TROUBLES)])
        for one in happenings(world, person, "hard times", per_quarter=3, least_age=20)
    ]


def _status(one: _Case, today: date) -> str:
    steps = ((_CLOSED_AFTER, "closed"), (_HELPED_AFTER, "helped"), (_ASSESSED_AFTER, "assessed"), (2, "to_visit"))
    return next((status for days, status in steps if one.after(days) <= today), "received")


def _kind(one: _Case) -> str:
    return _KINDS[one.draw % len(_KINDS)]


def _amount(one: _Case) -> Decimal:
    return Decimal(40_000) if _kind(one) == "home_repair" else _GRANT if _kind(one) == "money" else Decimal(1_500)


def _number(one: _Case) -> str:
    return f"DSDW{one.draw % 10**8:08d}"


def _office(person: Citizen) -> Words:
    province = person.address.province
    return Words(
        th=f"สำนักงานพัฒนาสังคมและความมั่นคงของมนุษย์จังหวัด{province.th}",
        en=f"{province.en} Office of Social Development and Human Security",
    )


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_cases": get_cases,
    "get_assistance": get_assistance,
    "get_residence": get_residence,
    "get_child_residence": get_child_residence,
}
