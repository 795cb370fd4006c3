"""Income tax in the graph: what one earned in a year, and beside it the return filled in beforehand, refunds, turnover,
and registration for VAT."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import enum_value, field

from agencies import rd
from agencies.standard import Record
from foundation.errors import BadInput
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, AnswerState, answer, card
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import Money, Text, problem_of, say

A = TypeVar("A", bound=AgencyAnswer)

_YEARS_KEPT = 10

IncomeYear = Annotated[
    int | None,
    strawberry.argument(
        description="The tax year, a calendar year of the Common Era. Left out, the last one that is over.", name="year"
    ),
]


# ---- income


@strawberry.enum(description="What sort of income it is, by section 40 of the Revenue Code.")
class IncomeKind(Enum):
    SALARY = enum_value("salary", description="Salary, wages and pensions: section 40 (1).")
    FEES = enum_value("fees", description="Fees for work done: section 40 (2).")
    INTEREST = enum_value("interest", description="Interest and dividends: section 40 (4).")
    RENT = enum_value("rent", description="Rent: section 40 (5).")
    PROFESSION = enum_value("profession", description="A liberal profession: section 40 (6).")
    TRADE = enum_value("trade", description="Business, trade, farming, transport: section 40 (8).")


@strawberry.type(description="Income of one sort from one payer.")
class Income:
    kind: IncomeKind = field(description="What sort it is.")
    payer: Text = field(description="Who paid it.")
    amount: Money = field(description="How much.")
    withheld: Money = field(description="The tax that was withheld from it.")


@strawberry.type(description="What somebody earned in a tax year.")
class IncomeOfYear:
    year: int = field(description="The tax year, Common Era.")
    income: list[Income] = field(description="Income by sort and payer, the largest first.", metadata={"about": 3})
    total: Money = field(description="Assessable income in all.")
    withheld: Money = field(description="Tax withheld in all.")
    is_salary_only: bool = field(description="Whether all of it is income under section 40 (1).")


# ---- the return


@strawberry.enum(description="What is taken off the income before tax.")
class TaxAllowanceKind(Enum):
    PERSONAL = enum_value("personal", description="The taxpayer.")
    SPOUSE = enum_value("spouse", description="A husband or wife without income.")
    CHILDREN = enum_value("children", description="Children.")
    PARENTS = enum_value("parents", description="Care of parents.")
    DISABLED_CARE = enum_value("disabled_care", description="Care of a person with a disability.")
    SOCIAL_SECURITY = enum_value("social_security", description="Contributions to social security.")
    PENSION_FUND = enum_value("pension_fund", description="Savings in the state's pension fund or a provident fund.")
    SAVINGS_FUND = enum_value("savings_fund", description="Savings in the National Savings Fund.")
    HOME_LOAN = enum_value("home_loan", description="Interest on a home loan.")


@strawberry.enum(description="How a year's return stands.")
class TaxReturnState(Enum):
    NOT_REQUIRED = enum_value("not_required", description="Nobody expects one.")
    NOT_OPEN = enum_value("not_open", description="It can't be filed yet.")
    OPEN = enum_value("open", description="It can be filed now.")
    FILED = enum_value("filed", description="It was filed.")
    LATE = enum_value("late", description="It should have been filed.")


@strawberry.type(description="One allowance.")
class TaxAllowance:
    kind: TaxAllowanceKind = field(description="What for.")
    amount: Money = field(description="How much.")


@strawberry.type(description="A year's return as the department would fill it in. Nothing is filed by reading it.")
class TaxReturn:
    year: int = field(description="The tax year, Common Era.")
    state: TaxReturnState = field(description="How it stands.")
    due_on: date = field(description="The last day to file over the internet.")
    income: Money = field(description="Assessable income.")
    exempt: Money = field(description="What of it is exempt, as for the old.")
    expenses: Money = field(description="What is taken off as expenses.")
    allowances: list[TaxAllowance] = field(description="Allowances.", metadata={"about": 5})
    allowances_total: Money = field(description="Allowances in all.")
    net_income: Money = field(description="What is taxed.")
    tax: Money = field(description="The tax.")
    withheld: Money = field(description="What was withheld already.")
    to_pay: Money = field(description="What is still to be paid; 0 where nothing is.")
    to_claim_back: Money = field(description="What can be claimed back; 0 where nothing can.")


@strawberry.type(description="The Revenue Department's answer about a year's return.")
class TaxReturnAnswer(AgencyAnswer):
    value: TaxReturn | None = field(description="The return; null unless the state is `OK` or `STALE`.")


# ---- refunds


@strawberry.enum(description="How a refund stands.")
class TaxRefundState(Enum):
    CHECKING = enum_value("checking", description="The department is checking the return.")
    DOCUMENTS_WANTED = enum_value("documents_wanted", description="The department wants to see documents.")
    PAID = enum_value("paid", description="It was paid.")


@strawberry.type(description="A refund of tax.")
class TaxRefund:
    reference: str = field(description="The department's number of the return.")
    year: int = field(description="The tax year, Common Era.")
    filed_on: date = field(description="When the return was filed.")
    amount: Money = field(description="How much is claimed back.")
    state: TaxRefundState = field(description="How it stands.")
    paid_on: date | None = field(description="When it was paid; null where it wasn't yet.")


@strawberry.type(description="The Revenue Department's answer about refunds.")
class TaxRefundsAnswer(AgencyAnswer):
    value: list[TaxRefund] | None = field(
        description="Those of the last four years, the newest first; null unless the state is `OK` or `STALE`.",
        metadata={"about": 3},
    )


# ---- turnover and VAT


@strawberry.type(description="What somebody sold in a calendar year, which decides whether they must register for VAT.")
class Turnover:
    year: int = field(description="The year, Common Era.")
    amount: Money = field(description="Turnover from goods and services so far.")
    passed_vat_threshold_on: date | None = field(
        description="When it first passed the threshold for VAT; null where it never did."
    )


@strawberry.type(description="The Revenue Department's answer about turnover.")
class TurnoverAnswer(AgencyAnswer):
    value: Turnover | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="A registration for VAT.")
class VatRegistration:
    name: str = field(description="The registered name, in Thai.")
    since: date | None = field(description="Since when.")
    address: str = field(description="The registered address, in Thai.")


@strawberry.type(description="The Revenue Department's answer about a person's own registration for VAT.")
class VatAnswer(AgencyAnswer):
    value: VatRegistration | None = field(
        description="The registration; null unless the state is `OK` or `STALE`. `NOT_FOUND`: not registered."
    )


async def _return(root: strawberry.Parent[TaxAnswer], info: Info) -> TaxReturnAnswer:
    return await _of_year(TaxReturnAnswer, "rd.get_prefill", _filled_in, info, root.asked_year)


async def _refunds(info: Info) -> TaxRefundsAnswer:
    return await card(TaxRefundsAnswer, "rd.get_refunds", _refunded, info)


async def _turnover(info: Info) -> TurnoverAnswer:
    return await card(TurnoverAnswer, "rd.get_record", _sold, info)


async def _vat(info: Info) -> VatAnswer:
    told = await info.context.asking.ask(rd.VAT)
    value = None
    if told.value is not None:
        value = VatRegistration(name=told.value.name, since=told.value.since, address=told.value.address)
    return answer(VatAnswer, told, value, info.context)


@strawberry.type(
    description="The Revenue Department's answer about a year's income, and beside it what follows from it."
)
class TaxAnswer(AgencyAnswer):
    value: IncomeOfYear | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    asked_year: strawberry.Private[int | None] = None
    tax_return: TaxReturnAnswer = field(
        name="return", resolver=_return, description="The same year's return, filled in beforehand."
    )
    refunds: TaxRefundsAnswer = field(resolver=_refunds, description="Refunds.")
    turnover: TurnoverAnswer = field(resolver=_turnover, description="This year's turnover.")
    vat: VatAnswer = field(resolver=_vat, description="Registration for VAT.")


async def tax(info: Info, year: IncomeYear = None) -> TaxAnswer:
    async def filled_in(info: Info) -> TaxReturnAnswer:
        return await _of_year(TaxReturnAnswer, "rd.get_prefill", _filled_in, info, year)

    own = _of_year(TaxAnswer, "rd.get_income", _earned, info, year)
    beside = {"return": filled_in, "refunds": _refunds, "turnover": _turnover, "vat": _vat}
    found = await together(own, info, beside)
    found.asked_year = year
    return found


async def _of_year(
    kind: type[A], operation: str, shape: Callable[[Record, Language], Any], info: Info, year: int | None
) -> A:
    """A year that isn't kept is a problem on the card and nothing worse; nobody is asked then."""
    context = info.context
    this_year = context.services.clock.today().year
    if year is not None and not this_year - _YEARS_KEPT <= year <= this_year:
        wrong = BadInput(
            f"the year must lie between {this_year - _YEARS_KEPT} and {this_year}",
            th=f"ปีต้องอยู่ระหว่าง ค.ศ. {this_year - _YEARS_KEPT} ถึง {this_year}", field="year",
        )  # fmt: skip
        return kind(
            agency=context.shelf.agencies[rd.CODE], state=AnswerState.NOT_FOUND, as_of=None, fetched_at=None,
            problem=problem_of(wrong, context.language), value=None,
        )  # type: ignore[call-arg]  # every answer type adds `value`  # fmt: skip
    return await card(kind, operation, shape, info, tax_year=this_year - 1 if year is None else year)


def _earned(told: Record, language: Language) -> IncomeOfYear:
    return IncomeOfYear(
        year=told["tax_year"],
        income=[
            Income(
                kind=IncomeKind(one["type"]),
                payer=say(one["payer"], language),
                amount=Money(amount=one["amount"]),
                withheld=Money(amount=one["withheld"]),
            )
            for one in sorted(told["income"], key=lambda one: one["amount"], reverse=True)
        ],
        total=Money(amount=told["income_total"]),
        withheld=Money(amount=told["withheld_total"]),
        is_salary_only=told["salary_only"],
    )


def _filled_in(told: Record, _language: Language) -> TaxReturn:
    return TaxReturn(
        year=told["tax_year"],
        state=TaxReturnState(told["filing"]),
        due_on=told["due_date"],
        income=Money(amount=told["income_total"]),
        exempt=Money(amount=told["exempt"]),
        expenses=Money(amount=told["expenses"]),
        allowances=[
            TaxAllowance(kind=TaxAllowanceKind(one["kind"]), amount=Money(amount=one["amount"]))
            for one in told["allowances"]
        ],
        allowances_total=Money(amount=told["allowance_total"]),
        net_income=Money(amount=told["net_income"]),
        tax=Money(amount=told["tax"]),
        withheld=Money(amount=told["withheld"]),
        to_pay=Money(amount=told["payable"]),
        to_claim_back=Money(amount=told["refundable"]),
    )


def _refunded(told: Record, _language: Language) -> list[TaxRefund]:
    return [
        TaxRefund(
            reference=one["reference"],
            year=one["tax_year"],
            filed_on=one["filed_on"],
            amount=Money(amount=one["amount"]),
            state=TaxRefundState(one["status"]),
            paid_on=one["paid_on"],
        )
        for one in told["refunds"]
    ]


def _sold(told: Record, _language: Language) -> Turnover:
    return Turnover(
        year=told["turnover_year"],
        amount=Money(amount=told["turnover"]),
        passed_vat_threshold_on=told["turnover_exceeded_date"],
    )
