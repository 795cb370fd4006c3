"""The Fiscal Policy Office: who holds the state welfare card, which criteria others missed, and a family's means."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.allowances import family, family_income, welfare
from sandbox.means import financial_assets
from sandbox.registers import kin

_ROUND = "2565"


def get_welfare_status(asked: Asked) -> Mapping[str, Any]:
    told = welfare(asked.world, asked.person)
    if told is None:
        return {
            "holder": False, "applied": False, "round": None, "registered_on": None, "verified": False,
            "verified_on": None, "reasons": [],
        }  # fmt: skip
    return {
        "holder": told.is_holder,
        "applied": True,
        "round": _ROUND,
        "registered_on": told.registered_on,
        "verified": told.verified_on is not None,
        "verified_on": told.verified_on,
        "reasons": list(told.reasons),
    }


def get_family_means(asked: Asked) -> Mapping[str, Any]:
    members, income = family(asked.world, asked.person), family_income(asked.world, asked.person)
    return {
        "financial_assets": financial_assets(asked.world, asked.person),
        "family_members": len(members),
        "family_income": income,
        "family_income_per_head": (income / len(members)).quantize(Decimal("0.01")),
    }


def get_round(_asked: Asked) -> Mapping[str, Any]:
    """None has been announced since 2022."""
    return {"is_announced": False, "opens_on": None, "closes_on": None}


def get_deceased_status(asked: Asked) -> Mapping[str, Any] | None:
    deceased = kin.deceased(asked)
    told = None if deceased is None else welfare(asked.world, deceased)
    return None if told is None else {"holder": told.is_holder}


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_welfare_status": get_welfare_status,
    "get_family_means": get_family_means,
    "get_deceased_status": get_deceased_status,
    "get_round": get_round,
}
