"""The Courts of Justice: civil cases of a person, and estates for which somebody must be appointed.

Three in five of the estates that hold land, vehicles or accounts have come to court within the months after the death.
Criminal cases are not among these records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.happenings import happenings
from sandbox.households import deceased_kin, heir
from sandbox.people import Citizen, Words
from sandbox.samples import LAST_NUMBER
from sandbox.world import World, age_on

_WIDOWS_HUSBAND = 129
_HEARD_AFTER, _ORDERED_AFTER = timedelta(days=60), timedelta(days=75)
_PROBATE = Words(th="คำร้องขอตั้งผู้จัดการมรดก", en="Petition to appoint an administrator of an estate")
_DEBT = Words(th="คดีผู้บริโภค (สินเชื่อ)", en="Consumer case (credit)")
_APPOINTED = Words(th="ตั้งผู้ร้องเป็นผู้จัดการมรดก", en="The petitioner is appointed administrator")
_SETTLED = Words(th="พิพากษาตามยอม", en="Judgment by consent")


def get_case(asked: Asked) -> Mapping[str, Any] | None:
    if not asked.person.alive:
        return None
    cases = sorted((*_petitions(asked), *_debts(asked)), key=lambda one: one["filed_on"], reverse=True)
    return {"cases": cases}


def get_estate(asked: Asked) -> Mapping[str, Any] | None:
    dead = asked.world.find(asked.arguments["deceased_id"])
    if dead is None or dead.alive or dead.died_on is None:
        return None
    filed = petition(asked.world, dead)
    is_filed = filed is not None and filed <= asked.today
    order = filed + _ORDERED_AFTER if filed else None
    is_ordered = order is not None and order <= asked.today
    return {
        "needs_administrator": has_registered_assets(asked.world, dead),
        "petition_filed": is_filed,
        "administrator_named": is_ordered,
        "order_date": order if is_ordered else None,
    }


def has_registered_assets(world: World, dead: Citizen) -> bool:
    """Land, vehicles or accounts: of more than half of those who died grown-up."""
    if dead.number == _WIDOWS_HUSBAND or dead.vehicles:
        return True
    if dead.died_on is None or age_on(dead.birth, dead.died_on) < 25 or dead.number <= LAST_NUMBER:
        return False
    return throw(world.nation.seed, "coj", "estate", dead.number) % 100 < 55


def petition(world: World, dead: Citizen) -> date | None:
    """When the court is asked to appoint somebody; None where nobody asks."""
    draw = throw(world.nation.seed, "coj", "petition", dead.number)
    if dead.died_on is None or dead.number <= LAST_NUMBER or draw % 10 >= 6 or not has_registered_assets(world, dead):
        return None
    return dead.died_on + timedelta(days=40 + (draw >> 8) % 140)


def _petitions(asked: Asked) -> Iterator[dict[str, Any]]:
    for dead in deceased_kin(asked.world, asked.person):
        filed, petitioner = petition(asked.world, dead), heir(asked.world, dead)
        if filed and filed <= asked.today and petitioner and petitioner.number == asked.person.number:
            draw = throw(asked.world.nation.seed, "coj", "number", dead.number)
            yield _case(asked, _PROBATE, "petitioner", filed, _APPOINTED, draw)


def _debts(asked: Asked) -> Iterator[dict[str, Any]]:
    for one in happenings(asked.world, asked.person, "debt in court", per_quarter=0.15, least_age=20):
        yield _case(asked, _DEBT, "defendant", one.on, _SETTLED, one.draw)


def _case(asked: Asked, kind: Words, role: str, filed: date, order: Words, draw: int) -> dict[str, Any]:
    today, province = asked.today, asked.person.address.province
    heard, ordered = filed + _HEARD_AFTER, filed + _ORDERED_AFTER
    is_decided = ordered <= today
    return {
        "case_no": f"{'พ' if role == 'petitioner' else 'ผบ'}{draw % 4_000 + 1}/{filed.year + 543}",
        "kind": kind,
        "court": Words(th=f"ศาลจังหวัด{province.th}", en=f"{province.en} Provincial Court"),
        "role": role,
        "filed_on": filed,
        "status": "decided" if is_decided else "hearing" if today >= filed + timedelta(days=10) else "filed",
        "next_hearing": None if is_decided or heard < today else heard,
        "order": order if is_decided else None,
        "order_date": ordered if is_decided else None,
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_case": get_case, "get_estate": get_estate}
