"""The Department of Labour Protection and Welfare: what dismissed workers complained of, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.people import Words
from sandbox.registers.sso import Work, work_of

_COMPLAINS = 25  # per cent of those dismissed in the last two years (assumed)
_KEPT = timedelta(days=730)
_RECEIVED, _DECIDED_WITHIN, _PAID_WITHIN = timedelta(days=15), timedelta(days=60), timedelta(days=30)
_GRANTED, _PAYS = 80, 70  # per cent (assumed)
# Section 118 of the Labour Protection Act: days of wage by days of service, the longest first.
SEVERANCE: Final = ((7_300, 400), (3_650, 300), (2_190, 240), (1_095, 180), (365, 90), (120, 30))


def get_cases(asked: Asked) -> Mapping[str, Any]:
    """A complaint about severance pay, for some of those whom their employer dismissed."""
    person, work = asked.person, work_of(asked.world, asked.person)
    if work.reason != "dismissed" or work.ended_on is None or person.number <= 199:
        return {"cases": []}
    filed = work.ended_on + timedelta(days=5 + asked.dice("filed") % 50)
    if asked.dice("complains") % 100 >= _COMPLAINS or not filed <= asked.today <= filed + _KEPT:
        return {"cases": []}
    return {"cases": [_case(asked, work, filed)]}


def severance(wage: Decimal, days: int) -> Decimal:
    """What an employer who dismisses owes after so many days of service."""
    owed = next((of_wage for served, of_wage in SEVERANCE if days >= served), 0)
    return (wage * owed / 30).quantize(Decimal("0.01"))


def _case(asked: Asked, work: Work, filed: date) -> dict[str, Any]:
    job, ended = work.job, work.ended_on
    assert job is not None  # noqa: S101 - one was dismissed from it
    assert ended is not None  # noqa: S101
    claimed = severance(asked.person.insurance.wage, (ended - job.since).days)
    is_granted = asked.dice("granted") % 100 < _GRANTED
    decided = filed + timedelta(days=20 + asked.dice("decided") % 40)
    state = _state(asked, filed, decided, is_granted=is_granted)
    is_decided = state in ("ordered", "paid", "closed")
    province = asked.person.address.province
    return {
        "case_id": f"{asked.dice('case') % 9_000 + 1_000}/{filed.year + 543}",
        "kind": "severance" if claimed else "notice_pay",
        "employer": job.company,
        "amount": claimed or asked.person.insurance.wage.quantize(Decimal("0.01")),
        "filed_on": filed,
        "office": Words(
            th=f"สำนักงานสวัสดิการและคุ้มครองแรงงาน {province.th}", en=f"{province.en} Labour Protection and Welfare Office"
        ),
        "state": state,
        "decide_by": None if is_decided else filed + _DECIDED_WITHIN,
        "ordered_on": decided if is_decided else None,
        "ordered_amount": claimed if is_decided and is_granted else None,
        "order": _order(is_granted=is_granted) if is_decided else None,
    }


def _state(asked: Asked, filed: date, decided: date, *, is_granted: bool) -> str:
    if asked.today < min(filed + _RECEIVED, decided):
        return "received"
    if asked.today < decided:
        return "investigating"
    if not is_granted:
        return "closed"
    if asked.today < decided + _PAID_WITHIN:
        return "ordered"
    return "paid" if asked.dice("pays") % 100 < _PAYS else "ordered"


def _order(*, is_granted: bool) -> Words:
    if is_granted:
        return Words(th="ให้นายจ้างจ่ายภายใน 30 วัน", en="The employer is to pay within 30 days")
    return Words(th="ลูกจ้างไม่มีสิทธิตามที่ร้อง", en="The worker has no such claim")


ANSWERS: Final[Mapping[str, Answer]] = {"get_cases": get_cases}
