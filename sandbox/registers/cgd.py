"""The Comptroller General's Department: who serves the state, and what it pays to whom each month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.allowances import entitlements, payments, was_paid_before_august_2566
from sandbox.people import Words

_RETURNED = Words(th="ไม่มีบัญชีพร้อมเพย์ที่ผูกกับเลขประจำตัวประชาชน", en="No PromptPay account is bound to the identity number")
_MOST_PAYMENTS = 120


def get_entitlements(asked: Asked) -> Mapping[str, Any]:
    person = asked.person
    return {
        "civil_servant": person.civil_servant and person.alive,
        "state_pensioner": person.state_pensioner and person.alive,
        "old_age_before_august_2566": was_paid_before_august_2566(asked.world, person),
        "programmes": [
            {
                "programme": one.programme,
                "amount": one.amount,
                "since": one.since,
                "status": "suspended" if one.is_suspended else "active",
                "account": one.account,
            }
            for one in entitlements(asked.world, person)
        ],
    }


def get_payments(asked: Asked) -> Mapping[str, Any] | None:
    """The newest first, and no more than a few years of them."""
    try:
        since, until = (date.fromisoformat(asked.arguments[name]) for name in ("since", "until"))
    except ValueError:
        return None
    return {
        "payments": [
            {
                "programme": one.programme,
                "paid_on": one.paid_on,
                "amount": one.amount,
                "result": "paid" if one.is_paid else "failed",
                "reason": None if one.is_paid else _RETURNED,
                "account": one.account,
            }
            for one in payments(asked.world, asked.person, since=since, until=until)[:_MOST_PAYMENTS]
        ]
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_entitlements": get_entitlements, "get_payments": get_payments}
