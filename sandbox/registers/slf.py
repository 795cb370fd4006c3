"""The Student Loan Fund: borrowed while studying, two years of grace, then fifteen instalments, each due on 5 July.

Not quite half of the students from families with up to 360,000 baht a year borrow; a quarter of those who repay are
behind (assumptions after the fund's yearly reports). The instalments' percentages are the fund's own table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from sandbox import schooling
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.households import parents_income
from sandbox.people import Citizen
from sandbox.samples import LAST_NUMBER
from sandbox.schooling import Degree
from sandbox.world import World

INCOME_LIMIT: Final = Decimal(360_000)
PERCENT: Final = tuple(
    Decimal(tenths) / 10 for tenths in (15, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 110, 120, 130)
)
INTEREST: Final = Decimal(1)  # percent a year
_GRACE_YEARS = 2
_FAMILY_COUNTS_UNTIL = 30

Manner = Literal["pays", "behind", "paid_off"]
# What fits the stories: who of the samples and their families borrowed, and how they pay.
_TOLD: Final[Mapping[int, Manner]] = {1: "pays", 5: "pays", 7: "paid_off", 130: "pays"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """One person's, as it stands on a day."""

    degree: Degree
    borrowed: Decimal  # by that day
    status: str
    paid: int  # instalments
    first_due: date
    grace_until: date

    def balance(self) -> Decimal:
        return Decimal(0) if self.status == "closed" else _part(self.borrowed, 100 - sum(PERCENT[: self.paid]))


def get_loan(asked: Asked) -> Mapping[str, Any] | None:
    person, today = asked.person, asked.today
    if not person.alive:
        return None
    loan, family = loan_of(asked.world, person), _family_income(asked)
    if loan is None:
        return {**_NOTHING, "family_income_per_year": family}
    is_due = loan.status in ("repaying", "default", "grace")
    late = _instalments_due(loan, today) - loan.paid if loan.status == "default" else 0
    balance = loan.balance()
    upcoming = loan.paid + late
    return {
        "status": loan.status,
        "account_no": f"G{asked.dice('account') % 10**10:010d}",
        "borrowed": loan.borrowed,
        "balance": balance,
        "interest_percent": INTEREST,
        "grace_until": loan.grace_until,
        "due_date": _due(loan, upcoming) if is_due else None,
        "instalment": _instalment(loan.borrowed, balance, upcoming) if is_due else None,
        "overdue": sum((_instalment(loan.borrowed, balance, n) for n in range(loan.paid, upcoming)), Decimal(0)),
        "family_income_per_year": family,
        "repayments": [
            {"paid_on": _due(loan, n) - timedelta(days=3 + n), "amount": _part(loan.borrowed, PERCENT[n])}
            for n in reversed(range(max(0, loan.paid - 3), loan.paid))
        ],
    }


def loan_of(world: World, person: Citizen) -> Loan | None:
    """None for who never borrowed."""
    today = world.clock.today()
    degree = next((one for one in schooling.degrees(world, person) if one.kind != "master"), None)
    if degree is None or today < degree.admitted_on or degree.graduates_on.year < 2005:
        return None
    draw = throw(world.nation.seed, "slf", person.number)
    told = _TOLD.get(person.number)
    family = parents_income(world, person)
    is_poor_enough = family is None or family <= INCOME_LIMIT
    if told is None and (person.number <= LAST_NUMBER or not is_poor_enough or draw % 100 >= 45):
        return None
    manner = told or ("behind" if draw >> 8 & 3 == 0 else "paid_off" if (draw >> 10) % 9 == 0 else "pays")
    a_year = Decimal(45_000 + (draw >> 16) % 35 * 1_000)
    years = min(schooling.YEARS[degree.kind], 1 + (today - degree.admitted_on).days // 365)
    grace_until = degree.graduates_on.replace(year=degree.graduates_on.year + _GRACE_YEARS)
    first_due = date(grace_until.year, 7, 5)
    loan = Loan(
        degree=degree, borrowed=a_year * years, status="borrowing", paid=0, first_due=first_due, grace_until=grace_until,
    )  # fmt: skip
    if today < degree.graduates_on:
        return loan
    return _after_graduation(loan, manner, today)


def _after_graduation(loan: Loan, manner: Manner, today: date) -> Loan:
    due = _instalments_due(loan, today)
    if due >= len(PERCENT) or (manner == "paid_off" and due >= 5):
        return _with(loan, "closed", min(due, len(PERCENT)))
    if due == 0:
        return _with(loan, "grace", 0)
    if manner == "behind":
        return _with(loan, "default", max(0, due - 2))
    return _with(loan, "repaying", due)


def _with(loan: Loan, status: str, paid: int) -> Loan:
    return Loan(
        degree=loan.degree, borrowed=loan.borrowed, status=status, paid=paid, first_due=loan.first_due,
        grace_until=loan.grace_until,
    )  # fmt: skip


def _instalments_due(loan: Loan, today: date) -> int:
    years = today.year - loan.first_due.year + ((today.month, today.day) >= (7, 5))
    return min(max(years, 0), len(PERCENT))


def _due(loan: Loan, number: int) -> date:
    return loan.first_due.replace(year=loan.first_due.year + number)


def _instalment(borrowed: Decimal, balance: Decimal, number: int) -> Decimal:
    return _part(borrowed, PERCENT[min(number, len(PERCENT) - 1)]) + _part(balance, INTEREST)


def _part(amount: Decimal, percent: Decimal | int) -> Decimal:
    return (amount * percent / 100).quantize(Decimal("0.01"))


def _family_income(asked: Asked) -> Decimal | None:
    """As the Revenue Department tells the fund, of the parents of whoever is of an age to study."""
    is_young = 15 <= asked.world.age(asked.person) < _FAMILY_COUNTS_UNTIL
    is_learning = schooling.study(asked.world, asked.person) is not None
    return parents_income(asked.world, asked.person) if is_young and is_learning else None


_NOTHING: Final[Mapping[str, Any]] = {
    "status": "none", "account_no": None, "borrowed": None, "balance": None, "interest_percent": None,
    "grace_until": None, "due_date": None, "instalment": None, "overdue": None, "repayments": [],
}  # fmt: skip

ANSWERS: Final[Mapping[str, Answer]] = {"get_loan": get_loan}
