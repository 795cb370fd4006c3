"""Savings for old age in the graph: the National Savings Fund, and beside it the pension or provident fund."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import Money


@strawberry.type(description="What was saved in the National Savings Fund in one year.")
class NsfYear:
    year: int = field(description="The year, Common Era.")
    own: Money = field(description="By the member.")
    match: Money = field(description="Added by the state.")


@strawberry.type(description="An account in the National Savings Fund (กอช.).")
class NsfSavings:
    is_member: bool = field(description="Whether the person is a member.")
    member_no: str | None = field(description="The number of the member.")
    since: date | None = field(description="Since when.")
    own: Money = field(description="What they saved.")
    match: Money = field(description="What the state added.")
    returns: Money = field(description="What it earned.")
    balance: Money = field(description="In all.")
    saved_this_year: Money = field(description="What they saved this year.")
    largest_match: Money = field(description="The most that the state adds in a year.")
    years: list[NsfYear] = field(description="Year by year, the newest first.", metadata={"about": 6})


@strawberry.enum(description="Which fund.")
class PensionFundKind(Enum):
    GOVERNMENT_PENSION_FUND = enum_value("government_pension_fund", description="The Government Pension Fund (กบข.).")
    PROVIDENT_FUND = enum_value("provident_fund", description="The employer's provident fund.")
    NONE = enum_value("none", description="Neither.")


@strawberry.type(description="An account in a pension or provident fund.")
class PensionFund:
    is_member: bool = field(description="Whether the person is a member of one.")
    kind: PensionFundKind = field(description="Of which.")
    since: date | None = field(description="Since when.")
    rate_percent: Decimal | None = field(description="Percent of the pay that the member saves.")
    own: Money = field(description="What they saved.")
    employer: Money = field(description="What the employer or the state added.")
    returns: Money = field(description="What it earned.")
    balance: Money = field(description="In all.")


@strawberry.type(description="The Government Pension Fund's answer about a person's membership.")
class PensionFundAnswer(AgencyAnswer):
    value: PensionFund | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def _pension_fund(info: Info) -> PensionFundAnswer:
    return await card(PensionFundAnswer, "gpf.get_member", _fund, info)


@strawberry.type(description="The National Savings Fund's answer, and beside it the pension fund's.")
class SavingsAnswer(AgencyAnswer):
    value: NsfSavings | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    pension_fund: PensionFundAnswer = field(
        resolver=_pension_fund, description="The state's pension fund, or an employer's provident fund (GPF)."
    )


async def savings(info: Info) -> SavingsAnswer:
    own = card(SavingsAnswer, "nsf.get_member", _saved, info)
    return await together(own, info, {"pensionFund": _pension_fund})


def _saved(told: Record, _language: Language) -> NsfSavings:
    return NsfSavings(
        is_member=told["member"],
        member_no=told["member_no"],
        since=told["since"],
        own=Money(amount=told["own"]),
        match=Money(amount=told["match"]),
        returns=Money(amount=told["returns"]),
        balance=Money(amount=told["balance"]),
        saved_this_year=Money(amount=told["saved_this_year"]),
        largest_match=Money(amount=told["largest_match"]),
        years=[
            NsfYear(year=one["year"], own=Money(amount=one["own"]), match=Money(amount=one["match"]))
            for one in told["years"]
        ],
    )


def _fund(told: Record, _language: Language) -> PensionFund:
    return PensionFund(
        is_member=told["member"],
        kind=PensionFundKind(told["fund"]),
        since=told["since"],
        rate_percent=told["rate_percent"],
        own=Money(amount=told["own"]),
        employer=Money(amount=told["employer"]),
        returns=Money(amount=told["returns"]),
        balance=Money(amount=told["balance"]),
    )
