"""The National Institute for Emergency Medicine: treatment in a critical emergency, paid for three days wherever it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.happenings import Happening, happenings
from sandbox.people import Words

_COVERED = timedelta(hours=72)
_SYMPTOMS = (
    Words(th="หมดสติ ไม่รู้สึกตัว ไม่หายใจ", en="Unconscious, not breathing"),
    Words(th="หายใจเร็ว หอบเหนื่อยรุนแรง", en="Severe shortness of breath"),
    Words(th="ซึมลง เหงื่อแตก ตัวเย็น", en="Drowsy, sweating, cold"),
    Words(th="เจ็บหน้าอกเฉียบพลันรุนแรง", en="Sudden severe chest pain"),
    Words(th="แขนขาอ่อนแรงครึ่งซีก พูดไม่ชัด", en="One side weak, slurred speech"),
    Words(th="ชักต่อเนื่องไม่หยุด", en="Seizure that does not stop"),
)
_HOSPITALS = (
    Words(th="โรงพยาบาลเอกชนร่มฉัตร", en="Rom Chat Private Hospital"),
    Words(th="โรงพยาบาลเอกชนสายรุ้ง", en="Sai Rung Private Hospital"),
)
_TRIAGE = ("critical", "critical", "urgent", "not_urgent")


def get_ucep_cases(asked: Asked) -> Mapping[str, Any] | None:
    """Four in a thousand a quarter come to a hospital in an emergency; half of them are critical."""
    person = asked.person
    cases = [_case(asked, one) for one in happenings(asked.world, person, "emergency", per_quarter=0.4)]
    if not cases:
        return None
    return {
        "critical_emergency": person.alive
        and any(one["triage"] == "critical" and one["status"] == "open" for one in cases),
        "cases": cases,
    }


def _case(asked: Asked, one: Happening) -> dict[str, Any]:
    limit = one.at + _COVERED
    is_open = one.at <= asked.world.clock.now() < limit
    return {
        "case_id": f"UC{one.draw % 10**9:09d}",
        "hospital": _HOSPITALS[one.draw >> 8 & 1],
        "symptom": _SYMPTOMS[(one.draw >> 9) % len(_SYMPTOMS)],
        "triage": _TRIAGE[one.draw >> 12 & 3],
        "started_at": one.at,
        "limit_at": limit,
        "status": "open" if is_open else "moved" if one.draw >> 14 & 1 else "closed",
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_ucep_cases": get_ucep_cases}
