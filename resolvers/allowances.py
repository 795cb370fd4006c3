"""The old-age and the disability allowance in the graph: whether one is registered for them, and what was paid."""

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
from resolvers.values import Money, Text, say


@strawberry.enum(description="Which allowance.")
class AllowanceKind(Enum):
    OLD_AGE = enum_value("old_age", description="The old-age allowance (เบี้ยยังชีพผู้สูงอายุ).")
    DISABILITY = enum_value("disability", description="The disability allowance (เบี้ยความพิการ).")


@strawberry.enum(description="How an allowance reaches the person.")
class AllowanceChannel(Enum):
    PROMPTPAY = enum_value("promptpay", description="By PromptPay, to the account bound to the identity number.")
    BANK_ACCOUNT = enum_value("bank_account", description="To a bank account.")
    CASH = enum_value("cash", description="In cash, at the local authority.")


@strawberry.enum(description="How a payment of an allowance stands.")
class AllowancePaymentState(Enum):
    SCHEDULED = enum_value("scheduled", description="It comes next.")
    PAID = enum_value("paid", description="It was paid.")
    RETURNED = enum_value("returned", description="The bank sent it back; see the local authority.")


@strawberry.type(description="Being registered for one allowance.")
class AllowanceRegistration:
    is_registered: bool = field(description="Whether the person is registered for it.")
    registered_on: date | None = field(description="When they registered.")
    paid_from: date | None = field(description="The first day of the first month that is paid.")


@strawberry.type(description="The allowances that a local authority pays.")
class Allowances:
    local_authority: Text = field(description="The local authority that keeps the register.")
    old_age: AllowanceRegistration = field(description="The old-age allowance (เบี้ยยังชีพผู้สูงอายุ).")
    disability: AllowanceRegistration = field(description="The disability allowance (เบี้ยความพิการ).")
    channel: AllowanceChannel | None = field(description="How they are paid; null for who is registered for none.")


@strawberry.type(description="One month's payment of an allowance.")
class AllowancePayment:
    kind: AllowanceKind = field(description="Of which allowance.")
    month: date = field(description="The first day of the month it is for.")
    pay_date: date = field(description="The day of payment.")
    amount: Money = field(description="How much.")
    state: AllowancePaymentState = field(description="How it stands.")


@strawberry.type(description="The local authority's answer about payments of allowances.")
class AllowancePaymentsAnswer(AgencyAnswer):
    value: list[AllowancePayment] | None = field(
        description="What comes next and the last twelve months, the newest first; null unless the state is `OK` or "
        "`STALE`.",
        metadata={"about": 14},
    )


async def _payments(info: Info) -> AllowancePaymentsAnswer:
    return await card(AllowancePaymentsAnswer, "lao.get_allowance_payments", _paid, info)


@strawberry.type(description="The local authority's answer about a person's allowances.")
class AllowancesAnswer(AgencyAnswer):
    value: Allowances | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    payments: AllowancePaymentsAnswer = field(resolver=_payments, description="What was paid, and what comes next.")


async def allowances(info: Info) -> AllowancesAnswer:
    own = card(AllowancesAnswer, "lao.get_allowance_registration", _registered, info)
    return await together(own, info, {"payments": _payments})


def _registered(told: Record, language: Language) -> Allowances:
    channel = told["pay_channel"]
    return Allowances(
        local_authority=say(told["local_authority"], language),
        old_age=AllowanceRegistration(
            is_registered=told["oaa_registered"], registered_on=told["oaa_registered_on"], paid_from=told["oaa_from"]
        ),
        disability=AllowanceRegistration(
            is_registered=told["disability_registered"],
            registered_on=told["disability_registered_on"],
            paid_from=told["disability_from"],
        ),
        channel=None if channel is None else AllowanceChannel(channel),
    )


def _paid(told: Record, _language: Language) -> list[AllowancePayment]:
    return [
        AllowancePayment(
            kind=AllowanceKind(one["kind"]),
            month=one["month"],
            pay_date=one["pay_date"],
            amount=Money(amount=one["amount"]),
            state=AllowancePaymentState(one["state"]),
        )
        for one in told["payments"]
    ]
