"""PromptPay and the credit bureau: which account takes a person's money, and what they have borrowed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.means import has_credit_card, loans, promptpay


def check_promptpay(asked: Asked) -> Mapping[str, Any]:
    found = promptpay(asked.world, asked.person)
    if found is None or found.bound_on > asked.today:
        return {"bound": False, "bank_code": None, "bank": None, "account": None, "bound_on": None}
    return {
        "bound": True,
        "bank_code": found.bank_code,
        "bank": found.bank,
        "account": found.account,
        "bound_on": found.bound_on,
    }


def get_credit(asked: Asked) -> Mapping[str, Any]:
    owed = loans(asked.world, asked.person)
    return {
        "has_credit_card": has_credit_card(asked.world, asked.person),
        "home_loan_total": sum((one.limit for one in owed if one.kind == "home"), Decimal(0)),
        "car_loan_total": sum((one.limit for one in owed if one.kind == "car"), Decimal(0)),
        "loans": [
            {
                "kind": one.kind,
                "lender": one.lender,
                "limit": one.limit,
                "owed": one.owed,
                "opened_on": one.opened_on,
            }
            for one in owed
        ],
    }


ANSWERS: Final[Mapping[str, Answer]] = {"check_promptpay": check_promptpay, "get_credit": get_credit}
