"""The Department of Empowerment of Persons with Disabilities: cards, caregivers, loans of its fund."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.civil import DisabilityCard, Registry
from sandbox.people import Citizen, Words
from sandbox.samples import LAST_NUMBER
from sandbox.world import age_on, full_name

KINDS: Final = ("seeing", "hearing", "mobility", "mental", "intellectual", "learning", "autistic")
_PURPOSES = (
    Words(th="เลี้ยงสัตว์", en="Raising animals"),
    Words(th="ค้าขาย", en="Trading"),
    Words(th="นวดแผนไทย", en="Thai massage"),
    Words(th="ขายสลากกินแบ่ง", en="Selling lottery tickets"),
)
_MONTHS = 60


def get_card(asked: Asked) -> Mapping[str, Any] | None:
    card = _card(asked)
    if card is None:
        return None
    caregiver = asked.world.citizen(card.caregiver) if card.caregiver else None
    if caregiver is not None and not caregiver.alive:
        caregiver = None
    return {
        "status": "expired" if card.expires_on < asked.today else "valid",
        "card_no": f"{asked.dice('card') % 10**10:010d}",
        "type": KINDS[card.kind - 1],
        "issue_date": card.issued_on,
        "expiry_date": card.expires_on,
        "caregiver": Words(th=full_name(caregiver), en=full_name(caregiver, "en")) if caregiver else None,
        "caregiver_no": _hidden(caregiver) if caregiver else None,
        "caregiver_relation": card.relation if caregiver else None,
    }


def get_loans(asked: Asked) -> Mapping[str, Any] | None:
    """Four in a hundred grown-up card holders borrow, without interest, over five years."""
    card, person, zero = _card(asked), asked.person, asked.world.nation.day_zero
    if card is None:
        return None
    draw = asked.dice("loan")
    began = max(card.issued_on, zero - timedelta(days=100 + draw % 1_400)).replace(day=5)
    is_for_one = draw >> 16 & 0xFF < 10 and age_on(person.birth, began) >= 20 and person.number > LAST_NUMBER
    if not is_for_one or began > asked.today:
        return {"loans": []}
    amount = Decimal(20_000 + (draw >> 24) % 9 * 5_000)
    paid = min(_MONTHS, (asked.today.year - began.year) * 12 + asked.today.month - began.month)
    instalment = (amount / _MONTHS).quantize(Decimal("0.01"))
    balance = max(amount - instalment * paid, Decimal(0)) if paid < _MONTHS else Decimal(0)
    due = date(asked.today.year + asked.today.month // 12, asked.today.month % 12 + 1, 5)
    return {
        "loans": [
            {
                "loan_id": f"DEP{draw % 10**7:07d}",
                "purpose": _PURPOSES[(draw >> 32) % len(_PURPOSES)],
                "amount": amount,
                "balance": balance,
                "instalment": instalment,
                "next_due_date": due if balance else None,
            }
        ]
    }


def _card(asked: Asked) -> DisabilityCard | None:
    card = Registry(asked.world.nation).disability_card(asked.person)
    return card if card and card.issued_on <= asked.today and asked.person.alive else None


def _hidden(citizen: Citizen) -> str:
    """As it is printed for others: the middle of the number is left out."""
    return f"{citizen.pid[0]}-{citizen.pid[1:5]}-xxxxx-xx-{citizen.pid[12]}"


ANSWERS: Final[Mapping[str, Answer]] = {"get_card": get_card, "get_loans": get_loans}
