"""The Department of Older Persons: loans of its fund, grants for funerals and in hardship."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.happenings import happenings
from sandbox.households import deceased_kin, heir, income_per_head
from sandbox.people import Words
from sandbox.samples import LAST_NUMBER
from sandbox.world import age_on

_FUNERAL, _HARDSHIP, _LOAN = Decimal(3_000), Decimal(3_000), Decimal(30_000)
_MONTHS = 36
_POOR = Decimal(40_000)  # baht a head and year
_PAID_AFTER = timedelta(days=45)
_PURPOSES = (
    Words(th="เลี้ยงไก่", en="Keeping chickens"),
    Words(th="ปลูกผัก", en="Growing vegetables"),
    Words(th="จักสาน", en="Basketry"),
    Words(th="ขายอาหาร", en="Selling food"),
)


def get_support(asked: Asked) -> Mapping[str, Any] | None:
    if not asked.person.alive:
        return None
    grants = sorted((*_funerals(asked), *_hardships(asked)), key=lambda one: one["requested_on"], reverse=True)
    return {"loans": list(_loans(asked)), "grants": grants}


def _loans(asked: Asked) -> Iterator[dict[str, Any]]:
    """One in eighty, without interest, over three years."""
    person, today, draw = asked.person, asked.today, asked.dice("loan")
    began = (asked.world.nation.day_zero - timedelta(days=60 + draw % 900)).replace(day=10)
    if draw >> 16 & 0xFFFF >= 820 or age_on(person.birth, began) < 60 or person.number <= LAST_NUMBER:
        return
    paid = (today.year - began.year) * 12 + today.month - began.month
    if began > today or paid >= _MONTHS:
        return
    amount = _LOAN - Decimal((draw >> 32) % 4 * 5_000)
    instalment = (amount / _MONTHS).quantize(Decimal("0.01"))
    yield {
        "loan_id": f"DOP{draw % 10**7:07d}",
        "purpose": _PURPOSES[(draw >> 40) % len(_PURPOSES)],
        "amount": amount,
        "balance": amount - instalment * paid,
        "instalment": instalment,
        "next_due_date": date(today.year + today.month // 12, today.month % 12 + 1, 10),
    }


def _funerals(asked: Asked) -> Iterator[dict[str, Any]]:
    """Asked for by whoever saw to the funeral of an older person of a poor house, six in ten of them."""
    person, world = asked.person, asked.world
    for dead in deceased_kin(world, person):
        organizer = heir(world, dead)
        draw = throw(world.nation.seed, "dop", "funeral", dead.number)
        if dead.died_on is None or organizer is None or organizer.number != person.number or draw % 10 >= 6:
            continue
        on = dead.died_on + timedelta(days=10 + draw % 60)
        is_poor = income_per_head(world, person) <= _POOR
        if age_on(dead.birth, dead.died_on) >= 60 and is_poor and on <= asked.today and person.number > LAST_NUMBER:
            yield _grant(asked, "funeral", on, _FUNERAL, draw)


def _hardships(asked: Asked) -> Iterator[dict[str, Any]]:
    if income_per_head(asked.world, asked.person) <= _POOR:
        for one in happenings(asked.world, asked.person, "older person in hardship", per_quarter=0.6, least_age=60):
            yield _grant(asked, "hardship", one.on, _HARDSHIP, one.draw)


def _grant(asked: Asked, kind: str, on: date, amount: Decimal, draw: int) -> dict[str, Any]:
    paid = on + _PAID_AFTER
    is_paid = paid <= asked.today
    return {
        "grant_id": f"DOP{draw % 10**8:08d}",
        "kind": kind,
        "amount": amount,
        "requested_on": on,
        "status": "paid" if is_paid else "pending",
        "paid_on": paid if is_paid else None,
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_support": get_support}
