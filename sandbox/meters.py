"""Electricity and water: what a house used each month, what it owes, and whether that is paid.

Everything follows from the house's number and the month, so that a bill stays what it was and the next comes as the day
moves on. Rates are those of 2026 as far as published, rounded: assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import throw
from sandbox.households import of_house
from sandbox.people import Citizen, Words
from sandbox.world import World

METROPOLITAN: Final = frozenset({"10", "11", "12"})  # Bangkok, Samut Prakan, Nonthaburi
_MONTHS_BACK = 5
_DAYS_TO_PAY = timedelta(days=10)
_VAT: Final = Decimal("1.07")


@dataclass(frozen=True, slots=True, kw_only=True)
class Utility:
    """What one of them counts, and how it asks for money."""

    code: str
    kind: Words
    units: Callable[[list[Citizen], date, int], int]  # who lives there, the month, a throw
    price: Callable[[int], Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    month: date
    units: int
    amount: Decimal
    due: date
    is_paid: bool


def account(utility: Utility, world: World, house_id: str) -> Mapping[str, Any] | None:
    people = of_house(world, house_id)
    if not people:
        return None
    today = world.clock.today()
    house = throw(world.nation.seed, utility.code, house_id)
    read_on = 1 + house % 25
    last = today.replace(day=1) if today.day >= read_on else (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    bills = [_bill(utility, people, house, month, today) for month in _months_until(last)]
    late = [bill for bill in bills if not bill.is_paid and bill.due < today]
    latest = bills[0]
    return {
        "account_no": f"99{house >> 8 & 0xFFFFFFFF:010d}",
        "meter_no": f"{(house >> 40) % 10**8:08d}",
        "kind": utility.kind,
        "status": "suspended" if len(late) > 2 else "connected",
        "bill_month": _said(latest.month),
        "amount": latest.amount,
        "units": latest.units,
        "due_date": latest.due,
        "is_paid": latest.is_paid,
        "overdue": sum((bill.amount for bill in late), Decimal(0)),
        "bills": [
            {"bill_month": _said(bill.month), "units": bill.units, "amount": bill.amount, "is_paid": bill.is_paid}
            for bill in bills[1:]
        ],
    }


def _bill(utility: Utility, people: list[Citizen], house: int, month: date, today: date) -> _Bill:
    draw = throw(house, month.isoformat())
    units = utility.units(people, month, draw)
    read = month.replace(day=1 + house % 25)
    # One house in thirty is behind with everything, one bill in forty is forgotten for a while.
    behind = (house >> 16) % 30 == 0
    paid_after = timedelta(days=200 if behind and draw % 3 == 0 else 45 if draw % 40 == 0 else 1 + draw % 9)
    return _Bill(
        month=month,
        units=units,
        amount=utility.price(units),
        due=read + _DAYS_TO_PAY,
        is_paid=read + paid_after <= today,
    )


def _months_until(last: date) -> list[date]:
    index = last.year * 12 + last.month - 1
    return [date((index - back) // 12, (index - back) % 12 + 1, 1) for back in range(_MONTHS_BACK + 1)]


def _said(month: date) -> str:
    return month.isoformat()[:7]


def _kilowatt_hours(people: list[Citizen], month: date, draw: int) -> int:
    income = sum(one.income_per_year for one in people)
    heat = {3: 125, 4: 140, 5: 130, 6: 115, 12: 85, 1: 82}.get(month.month, 100)
    return int((20 + 24 * len(people) + min(int(income) // 2_200, 450)) * heat // 100 * (85 + draw % 31) // 100)


def _electricity_price(units: int) -> Decimal:
    """Homes over 150 units a month; the fuel surcharge of 0.1972 a unit and VAT included."""
    first, second = min(units, 150), min(max(units - 150, 0), 250)
    energy = first * Decimal("3.2484") + second * Decimal("4.2218") + max(units - 400, 0) * Decimal("4.4217")
    return ((energy + units * Decimal("0.1972") + Decimal("24.62")) * _VAT).quantize(Decimal("0.01"))


def _cubic_metres(people: list[Citizen], _month: date, draw: int) -> int:
    return 3 + len(people) * 4 + draw % 6


def _water_price(units: int) -> Decimal:
    return ((units * Decimal("11.50") + 30) * _VAT).quantize(Decimal("0.01"))


def electricity(code: str) -> Utility:
    home = Words(th="บ้านอยู่อาศัย", en="Home")
    return Utility(code=code, kind=home, units=_kilowatt_hours, price=_electricity_price)


def water() -> Utility:
    home = Words(th="ที่อยู่อาศัย", en="Home")
    return Utility(code="pwa", kind=home, units=_cubic_metres, price=_water_price)
