"""The Government Pension Fund, which here knows of employers' provident funds too."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox import savings
from sandbox.agencies.standard import Answer, Asked

_PAY_THEN = Decimal("0.75")  # what one earned on the whole, of what one earns today
_RETURNS_PERCENT = Decimal("1.4")  # a year, on everything


def get_member(asked: Asked) -> Mapping[str, Any]:
    found = savings.pension_fund(asked.world, asked.person)
    zero = Decimal(0)
    if found is None or found.since > asked.today:
        return {
            "member": False, "fund": "none", "since": None, "rate_percent": None, "own": zero, "employer": zero,
            "returns": zero, "balance": zero,
        }  # fmt: skip
    paid = found.monthly * _PAY_THEN * found.months / 100
    own, employer = _baht(paid * found.own_percent), _baht(paid * found.employer_percent)
    returns = _baht((own + employer) * _RETURNS_PERCENT / 100 * found.months / 12)
    return {
        "member": True,
        "fund": found.fund,
        "since": found.since,
        "rate_percent": found.own_percent,
        "own": own,
        "employer": employer,
        "returns": returns,
        "balance": own + employer + returns,
    }


def _baht(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


ANSWERS: Final[Mapping[str, Answer]] = {"get_member": get_member}
