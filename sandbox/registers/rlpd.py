"""The Rights and Liberties Protection Department: who was the victim of a crime that the Act lists, and claimed for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.happenings import Happening
from sandbox.people import Words
from sandbox.registers import rtp

_OFFENCE = Words(th="ความผิดต่อร่างกาย", en="Offence against the body")
_DECIDED_AFTER, _PAID_AFTER = 90, 130


def get_claims(asked: Asked) -> Mapping[str, Any] | None:
    """Victims of an assault that the police know; two in five have claimed."""
    if not asked.person.alive:
        return None
    assaults = rtp.reports(asked.world, asked.person, rtp.ASSAULT)
    if not assaults:
        return None
    claims = [_claim(asked, one) for one in assaults if one.draw >> 28 & 0xF < 6]
    return {
        "listed_offence_victim": True,
        "known_date": assaults[0].on,
        "claims": [one for one in claims if one["filed_on"] <= asked.today],
    }


def _claim(asked: Asked, one: Happening) -> dict[str, Any]:
    filed = one.on + timedelta(days=10 + (one.draw >> 20) % 60)
    decided = filed + timedelta(days=_DECIDED_AFTER)
    is_decided = decided <= asked.today
    is_granted = one.draw >> 36 & 3 > 0
    days = (asked.today - filed).days
    return {
        "claim_id": f"RLPD{one.draw % 10**7:07d}",
        "offence": _OFFENCE,
        "filed_on": filed,
        "status": "received" if days < 14 else "reviewing" if not is_decided
        else "rejected" if not is_granted else "paid" if days >= _PAID_AFTER else "approved",
        "decided_on": decided if is_decided else None,
        "amount": Decimal(5_000 + (one.draw >> 40) % 30 * 1_000) if is_decided and is_granted else None,
        "appeal_until": decided + timedelta(days=30) if is_decided and not is_granted else None,
    }  # fmt: skip


ANSWERS: Final[Mapping[str, Answer]] = {"get_claims": get_claims}
