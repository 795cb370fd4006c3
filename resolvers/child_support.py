"""The Child Support Grant in the graph: of each child who is not of age, and the income that was certified for it."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.civil_register import Relative
from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.children import card_of_children
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import Money, PartialDate, Text, partial_date, say, say_if


@strawberry.enum(description="How a Child Support Grant stands.")
class ChildGrantState(Enum):
    PENDING = enum_value("pending", description="It was asked for and is under review.")
    APPROVED = enum_value("approved", description="It is paid every month.")
    REJECTED = enum_value("rejected", description="It was not approved; `reason` says why.")
    ENDED = enum_value("ended", description="It ended with the sixth birthday.")


@strawberry.type(description="The Child Support Grant of one child (เงินอุดหนุนเด็กแรกเกิด).")
class ChildGrant:
    state: ChildGrantState = field(description="How it stands.")
    applied_on: date = field(description="When it was asked for.")
    paid_from: date | None = field(description="Since when it is paid.")
    paid_until: date | None = field(description="The last day it is paid for.")
    monthly: Money | None = field(description="How much a month.")
    paid_to: Text | None = field(description="How it reaches the guardian.")
    last_paid_on: date | None = field(description="When it was last paid.")
    reason: Text | None = field(description="Why it was not approved.")


@strawberry.type(
    description="The DCY's answer about the grant of one child; `NOT_FOUND` where the person has not asked."
)
class ChildGrantAnswer(AgencyAnswer):
    value: ChildGrant | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="The household's income, as it was certified for the grant.")
class CertifiedIncome:
    per_head_a_year: Money = field(description="The income of each member in a year.")
    members: int = field(description="How many members the household has.")
    certified_on: date = field(description="When it was certified.")
    certified_by: Text = field(description="By whom.")


@strawberry.type(description="The DCY's answer about the household's certified income.")
class CertifiedIncomeAnswer(AgencyAnswer):
    value: CertifiedIncome | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def _grant(root: strawberry.Parent[SupportedChild], info: Info) -> ChildGrantAnswer:
    return await card(ChildGrantAnswer, "dcy.get_csg", _granted, info, child_id=root.number)


@strawberry.type(description="A child who is not of age, and the grant for them.")
class SupportedChild:
    number: strawberry.Private[str]
    name: Text = field(description="The child's name.")
    birth: PartialDate = field(description="The day of birth.")
    grant: ChildGrantAnswer = field(resolver=_grant, description="The Child Support Grant (DCY).")


async def _income(info: Info) -> CertifiedIncomeAnswer:
    return await card(CertifiedIncomeAnswer, "dcy.get_household", _earned, info)


@strawberry.type(description="DOPA's answer about the person's children, each with the grant for them.")
class ChildSupportAnswer(AgencyAnswer):
    value: list[SupportedChild] | None = field(
        description="The children who are not of age; null unless the state is `OK` or `STALE`.", metadata={"about": 2}
    )
    certified_income: CertifiedIncomeAnswer = field(
        resolver=_income, description="The household's income, as certified for the grant (DCY)."
    )


async def child_support(info: Info) -> ChildSupportAnswer:
    own = card_of_children(ChildSupportAnswer, _child, info)
    return await together(own, info, {"certifiedIncome": _income})


def _child(told: Relative, language: Language) -> SupportedChild:
    return SupportedChild(
        number=told.person_number or "", name=say(told.name, language), birth=partial_date(told.birth, language)
    )


def _granted(told: Record, language: Language) -> ChildGrant:
    monthly = told["monthly_amount"]
    return ChildGrant(
        state=ChildGrantState(told["status"]),
        applied_on=told["applied_on"],
        paid_from=told["approved_from"],
        paid_until=told["paid_until"],
        monthly=None if monthly is None else Money(amount=monthly),
        paid_to=say_if(told["pay_channel"], language),
        last_paid_on=told["last_paid_on"],
        reason=say_if(told["reason"], language),
    )


def _earned(told: Record, language: Language) -> CertifiedIncome:
    return CertifiedIncome(
        per_head_a_year=Money(amount=told["income_per_capita_per_year"]),
        members=told["members"],
        certified_on=told["certified_on"],
        certified_by=say(told["certified_by"], language),
    )
