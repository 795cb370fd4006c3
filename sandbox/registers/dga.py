"""The Digital Government Development Agency: the digital identity, and what agencies exchanged about a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.allowances import entitlements, welfare
from sandbox.means import draw, is_sample
from sandbox.people import Words
from sandbox.samples import anniversary

_DIGITAL_ID_SINCE = date(2019, 6, 1)
_MONTHS_SHOWN = 3

_DOPA = Words(th="กรมการปกครอง", en="Department of Provincial Administration")
_CGD = Words(th="กรมบัญชีกลาง", en="Comptroller General's Department")
_NHSO = Words(th="สำนักงานหลักประกันสุขภาพแห่งชาติ", en="National Health Security Office")
_SSO = Words(th="สำนักงานประกันสังคม", en="Social Security Office")
_FPO = Words(th="สำนักงานเศรษฐกิจการคลัง", en="Fiscal Policy Office")
_DOL = Words(th="กรมที่ดิน", en="Department of Lands")
_ALIVE = Words(th="สถานะการมีชีวิตและที่อยู่", en="Whether alive, and the address")
_SECTION = Words(th="สถานะผู้ประกันตน", en="Insured status")
_LAND = Words(th="การถือครองที่ดิน", en="Land owned")


def get_digital_id(asked: Asked) -> Mapping[str, Any] | None:
    """About six grown-ups in ten have one; the samples do, for they sign in with it."""
    person, dice = asked.person, draw(asked.person, "digital id")
    has_one = dice % 100 < 58 or is_sample(person)
    fifteen = anniversary(person.birth.earliest(), person.birth.year + 15)
    since = max(fifteen, _DIGITAL_ID_SINCE, asked.world.nation.day_zero - timedelta(days=200 + (dice >> 8) % 2_000))
    if not has_one or not person.alive or since > asked.today:
        return None
    is_strong = is_sample(person) or (dice >> 24) % 10 < 7
    district = person.address.district
    return {
        "level": "ial_2_3" if is_strong else ("ial_2_1", "ial_1_3")[(dice >> 32) % 2],
        "registered_on": since,
        "registered_at": Words(th=f"สำนักทะเบียน{district.th}", en=f"{district.en} Registry")
        if is_strong
        else Words(th="แอปพลิเคชัน", en="The app"),
        "last_used_on": max(since, asked.today - timedelta(days=(dice >> 40) % 40)),
    }


def get_exchanges(asked: Asked) -> Mapping[str, Any]:
    """Those of the last three months, the newest first."""
    found = sorted(_exchanges(asked), key=lambda one: one["exchanged_on"], reverse=True)
    return {"exchanges": found}


def _exchanges(asked: Asked) -> Iterator[Mapping[str, Any]]:
    if not asked.person.alive:
        return
    is_paid, held = bool(entitlements(asked.world, asked.person)), welfare(asked.world, asked.person)
    for month in _last_months(asked.today):
        if is_paid:
            paying = Words(th="ตรวจสอบก่อนจ่ายเงิน", en="Checked before paying")
            yield _exchange(_CGD, _DOPA, _ALIVE, paying, month.replace(day=5))
        if asked.person.insurance.section != "none":
            checking = Words(th="ปรับสิทธิรักษาพยาบาล", en="Bringing the right to care up to date")
            yield _exchange(_NHSO, _SSO, _SECTION, checking, month.replace(day=3))
    if held is not None:
        day = _last_months(asked.today)[-1].replace(day=18)
        yield _exchange(_FPO, _DOL, _LAND, Words(th="ทบทวนสิทธิบัตรสวัสดิการ", en="Reviewing the welfare card"), day)


def _exchange(requester: Words, provider: Words, dataset: Words, purpose: Words, day: date) -> Mapping[str, Any]:
    return {
        "requester": requester, "provider": provider, "dataset": dataset, "purpose": purpose, "exchanged_on": day,
    }  # fmt: skip


def _last_months(today: date) -> list[date]:
    """The first days of the last three whole months, the latest first."""
    found, day = [], today
    for _ in range(_MONTHS_SHOWN):
        day = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
        found.append(day)
    return found


ANSWERS: Final[Mapping[str, Answer]] = {"get_digital_id": get_digital_id, "get_exchanges": get_exchanges}
