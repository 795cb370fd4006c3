"""PromptPay and credit in the graph: where a person's money arrives, and beside it what they have borrowed."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import Money, Text, say, say_if


@strawberry.type(description="Whether PromptPay is bound to the identity number, which the state pays to.")
class PromptPay:
    is_bound: bool = field(description="Whether it is.")
    bank_code: str | None = field(description="The bank's three digits.")
    bank: Text | None = field(description="The bank.")
    account: str | None = field(description="The account, masked.")
    bound_on: date | None = field(description="When it was bound.")


@strawberry.enum(description="What a loan is for.")
class LoanKind(Enum):
    HOME = enum_value("home", description="A home.")
    CAR = enum_value("car", description="A car.")


@strawberry.type(description="A loan.")
class Loan:
    kind: LoanKind = field(description="What for.")
    lender: Text = field(description="From whom.")
    limit: Money = field(description="How much was lent.")
    owed: Money = field(description="How much is still owed.")
    since: date = field(description="Since when.")


@strawberry.type(description="What the credit bureau knows of a person.")
class Credit:
    has_credit_card: bool = field(description="Whether they have a credit card.")
    home_loans: Money = field(description="Home loans in all.")
    car_loans: Money = field(description="Car loans in all.")
    loans: list[Loan] = field(description="Loans that are not paid off.", metadata={"about": 2})


@strawberry.type(description="The credit bureau's answer, through the Bank of Thailand.")
class CreditAnswer(AgencyAnswer):
    value: Credit | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def _credit(info: Info) -> CreditAnswer:
    return await card(CreditAnswer, "bot.get_credit", _borrowed, info)


@strawberry.type(description="PromptPay's answer, and beside it the credit bureau's.")
class PromptPayAnswer(AgencyAnswer):
    value: PromptPay | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    credit: CreditAnswer = field(resolver=_credit, description="Loans and credit cards.")


async def promptpay(info: Info) -> PromptPayAnswer:
    own = card(PromptPayAnswer, "bot.check_promptpay", _bound, info)
    return await together(own, info, {"credit": _credit})


def _bound(told: Record, language: Language) -> PromptPay:
    return PromptPay(
        is_bound=told["bound"],
        bank_code=told["bank_code"],
        bank=say_if(told["bank"], language),
        account=told["account"],
        bound_on=told["bound_on"],
    )


def _borrowed(told: Record, language: Language) -> Credit:
    return Credit(
        has_credit_card=told["has_credit_card"],
        home_loans=Money(amount=told["home_loan_total"]),
        car_loans=Money(amount=told["car_loan_total"]),
        loans=[
            Loan(
                kind=LoanKind(one["kind"]),
                lender=say(one["lender"], language),
                limit=Money(amount=one["limit"]),
                owed=Money(amount=one["owed"]),
                since=one["opened_on"],
            )
            for one in told["loans"]
        ],
    )
