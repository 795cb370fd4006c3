"""The Justice Fund: who asked it to pay a lawyer, court fees or bail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.happenings import Happening, happenings

_KINDS = ("lawyer", "lawyer", "bail", "rights")
_DECIDED_AFTER = timedelta(days=21)


def get_applications(asked: Asked) -> Mapping[str, Any] | None:
    """One grown-up in two thousand a quarter (assumed after the fund's yearly report)."""
    if not asked.person.alive:
        return None
    found = happenings(asked.world, asked.person, "justice fund", per_quarter=0.05, least_age=18)
    return {"applications": [_application(asked, one) for one in found]}


def _application(asked: Asked, one: Happening) -> dict[str, Any]:
    is_decided, is_granted = one.on + _DECIDED_AFTER <= asked.today, one.draw >> 8 & 1 == 0
    return {
        "request_id": f"JF{one.draw % 10**8:08d}",
        "kind": _KINDS[one.draw >> 12 & 3],
        "filed_on": one.on,
        "status": "reviewing" if not is_decided else "approved" if is_granted else "rejected",
        "amount": Decimal(10_000 + (one.draw >> 16) % 20 * 5_000) if is_decided and is_granted else None,
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_applications": get_applications}
