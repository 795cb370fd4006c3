"""The Revenue Department: income by year, the return as it would fill it in, refunds, turnover."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.earnings import TaxReturn, due_online, earned, tax_return, turnover, turnover_exceeded

_YEARS_KEPT = 4
_CHECKED_DAYS, _WITH_DOCUMENTS_DAYS = 24, 75


def get_income(asked: Asked) -> Mapping[str, Any] | None:
    year = _year(asked)
    if year is None:
        return None
    sources = earned(asked.world, asked.person, year)
    return {
        "tax_year": year,
        "income_total": sum((one.amount for one in sources), Decimal(0)),
        "salary_only": bool(sources) and all(one.kind == "salary" for one in sources),
        "withheld_total": sum((one.withheld for one in sources), Decimal(0)),
        "income": [
            {"type": one.kind, "payer": one.payer, "amount": one.amount, "withheld": one.withheld} for one in sources
        ],
    }


def get_filing_days(asked: Asked) -> Mapping[str, Any] | None:
    """The same for everyone, and whether or not they must file."""
    year = _year(asked)
    if year is None:
        return None
    return {
        "tax_year": year, "opens_on": date(year + 1, 1, 1), "due_date": date(year + 1, 3, 31),
        "due_online": due_online(year),
    }  # fmt: skip


def get_prefill(asked: Asked) -> Mapping[str, Any] | None:
    year = _year(asked)
    if year is None:
        return None
    form = tax_return(asked.world, asked.person, year)
    return {
        "tax_year": year,
        "income_total": form.income,
        "exempt": form.exempt,
        "expenses": form.expenses,
        "allowances": [{"kind": kind, "amount": amount} for kind, amount in form.allowances],
        "allowance_total": form.allowance_total,
        "net_income": form.net_income,
        "tax": form.tax,
        "withheld": form.withheld,
        "payable": form.payable,
        "refundable": form.refundable,
        "due_date": form.due,
        "filing": _filing(form, asked.today),
    }


def _filing(form: TaxReturn, today: date) -> str:
    if form.filed_on is not None:
        return "filed"
    if not form.must_file:
        return "not_required"
    if today < date(form.tax_year + 1, 1, 1):
        return "not_open"
    return "open" if today <= form.due else "late"


def get_refunds(asked: Asked) -> Mapping[str, Any]:
    """The newest year first."""
    return {"refunds": list(_refunds(asked))}


def _refunds(asked: Asked) -> Iterator[Mapping[str, Any]]:
    for year in range(asked.today.year - 1, asked.today.year - 1 - _YEARS_KEPT, -1):
        form = tax_return(asked.world, asked.person, year)
        if form.filed_on is None or not form.refundable:
            continue
        dice = asked.dice(f"refund of {year}")
        needs_documents = dice % 16 == 0
        paid = form.filed_on + timedelta(days=_WITH_DOCUMENTS_DAYS if needs_documents else _CHECKED_DAYS)
        is_paid = paid <= asked.today
        waits = (
            "documents_wanted" if needs_documents and form.filed_on + timedelta(days=7) <= asked.today else "checking"
        )
        yield {
            "reference": f"{year + 543}{(dice >> 8) % 10**9:09d}",
            "tax_year": year,
            "filed_on": form.filed_on,
            "amount": form.refundable,
            "status": "paid" if is_paid else waits,
            "paid_on": paid if is_paid else None,
        }


def get_record(asked: Asked) -> Mapping[str, Any]:
    """Nobody in the nation has inherited as much as must be reported: 100 million baht."""
    return {
        "turnover_year": asked.today.year,
        "turnover": turnover(asked.world, asked.person, asked.today),
        "turnover_exceeded_date": turnover_exceeded(asked.world, asked.person),
        "inheritance_value": Decimal(0),
        "inheritance_received_date": None,
    }


def _year(asked: Asked) -> int | None:
    """The tax year asked about; None for one that is not kept, or no year at all."""
    text = asked.arguments["tax_year"]
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        return None
    return int(text) if asked.today.year - 10 <= int(text) <= asked.today.year else None


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_filing_days": get_filing_days,
    "get_income": get_income,
    "get_prefill": get_prefill,
    "get_refunds": get_refunds,
    "get_record": get_record,
}
