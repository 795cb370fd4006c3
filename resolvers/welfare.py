"""State welfare in the graph: the welfare card and why somebody has none, and beside it what the state pays each month."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.errors import BadInput
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, AnswerState, card
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import Money, Text, problem_of, say_if

_YEARS_KEPT = 10

PaymentsYear = Annotated[
    int | None,
    strawberry.argument(description="The calendar year, Common Era. Left out, this year.", name="year"),
]


# ---- FPO: the card


@strawberry.enum(description="Which criterion of the welfare card isn't met.")
class WelfareReason(Enum):
    INCOME = enum_value("income", description="Own income above 100,000 baht a year.")
    FAMILY_AVERAGE = enum_value("family_average", description="Mean family income above 100,000 baht a person.")
    ASSETS = enum_value("assets", description="Deposits, lottery savings and bonds above 100,000 baht.")
    LAND = enum_value("land", description="Land, houses or flats above the limits.")
    CREDIT_CARD = enum_value("credit_card", description="A credit card.")
    LOANS = enum_value("loans", description="Home or car loans above the limits.")
    STATE_STAFF = enum_value("state_staff", description="Serving the state, or drawing its pension.")


@strawberry.type(description="How somebody stands with the state welfare card (บัตรสวัสดิการแห่งรัฐ).")
class Welfare:
    is_holder: bool = field(description="Whether they hold the right.")
    has_applied: bool = field(description="Whether they registered in the last round.")
    round: str | None = field(description="The round they registered in, a year of the Buddhist era.")
    registered_on: date | None = field(description="When they registered.")
    is_verified: bool = field(description="Whether they verified who they are, without which nothing is paid.")
    verified_on: date | None = field(description="When they did.")
    reasons: list[WelfareReason] = field(
        description="Which criteria weren't met; empty for a holder, and for who didn't register.",
        metadata={"about": 2},
    )


@strawberry.type(description="A family's means, as the welfare card's rules count them.")
class FamilyMeans:
    financial_assets: Money = field(description="The person's deposits, lottery savings and bonds.")
    members: int = field(description="Who counts: oneself, husband or wife, children under eighteen.")
    income: Money = field(description="What they earn together in a year.")
    income_per_head: Money = field(description="The same for each.")


@strawberry.type(description="The FPO's answer about a family's means.")
class FamilyMeansAnswer(AgencyAnswer):
    value: FamilyMeans | None = field(description="The record; null unless the state is `OK` or `STALE`.")


# ---- CGD: what is paid


@strawberry.enum(description="What the state pays month by month.")
class StateProgramme(Enum):
    OLD_AGE_ALLOWANCE = enum_value("old_age_allowance", description="The old-age allowance.")
    DISABILITY_ALLOWANCE = enum_value("disability_allowance", description="The disability allowance.")
    CHILD_SUPPORT_GRANT = enum_value("child_support_grant", description="The child support grant.")
    WELFARE_CARD = enum_value("welfare_card", description="The allowance on the state welfare card.")
    STATE_PENSION = enum_value("state_pension", description="A civil service pension.")
    STATE_SALARY = enum_value("state_salary", description="A civil service salary.")


@strawberry.type(description="Something that the state pays a person every month.")
class EntitledProgramme:
    programme: StateProgramme = field(description="What.")
    monthly: Money = field(description="How much a month.")
    since: date = field(description="Since when.")
    is_suspended: bool = field(description="Whether it is stopped for now, as after payments that came back.")
    account: str | None = field(description="The account it is paid to, masked; null where none is known.")


@strawberry.type(description="The Comptroller General's answer about what the state pays a person.")
class EntitledProgrammesAnswer(AgencyAnswer):
    value: list[EntitledProgramme] | None = field(
        description="Programmes, none for who is paid nothing; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


@strawberry.type(description="One payment of the state to a person.")
class StatePayment:
    programme: StateProgramme = field(description="Of what.")
    on: date = field(description="The day.")
    amount: Money = field(description="How much.")
    was_paid: bool = field(description="Whether it arrived.")
    reason: Text | None = field(description="Why it didn't, if it didn't.")
    account: str | None = field(description="The account, masked; null where none is known.")


@strawberry.type(description="The Comptroller General's answer about payments.")
class StatePaymentsAnswer(AgencyAnswer):
    value: list[StatePayment] | None = field(
        description="Payments of the year, the newest first; null unless the state is `OK` or `STALE`.",
        metadata={"about": 15},
    )


async def _means(info: Info) -> FamilyMeansAnswer:
    return await card(FamilyMeansAnswer, "fpo.get_family_means", _counted, info)


async def _entitled(info: Info) -> EntitledProgrammesAnswer:
    return await card(EntitledProgrammesAnswer, "cgd.get_entitlements", _programmes, info)


async def _payments(info: Info, year: PaymentsYear = None) -> StatePaymentsAnswer:
    """A year that isn't kept is a problem on the card and nothing worse; nobody is asked then."""
    context = info.context
    today = context.services.clock.today()
    if year is not None and not today.year - _YEARS_KEPT <= year <= today.year:
        wrong = BadInput(
            f"the year must lie between {today.year - _YEARS_KEPT} and {today.year}",
            th=f"ปีต้องอยู่ระหว่าง ค.ศ. {today.year - _YEARS_KEPT} ถึง {today.year}", field="year",
        )  # fmt: skip
        return StatePaymentsAnswer(
            agency=context.shelf.agencies["cgd"], state=AnswerState.NOT_FOUND, as_of=None, fetched_at=None,
            problem=problem_of(wrong, context.language), value=None,
        )  # fmt: skip
    wanted = year or today.year
    until = today if wanted == today.year else date(wanted, 12, 31)
    return await card(StatePaymentsAnswer, "cgd.get_payments", _paid, info, since=date(wanted, 1, 1), until=until)


@strawberry.type(description="The FPO's answer about the state welfare card, and beside it what the state pays.")
class WelfareAnswer(AgencyAnswer):
    value: Welfare | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    means: FamilyMeansAnswer = field(resolver=_means, description="The family's means under the card's rules (FPO).")
    entitled_programmes: EntitledProgrammesAnswer = field(
        resolver=_entitled, description="What the state pays every month (CGD)."
    )
    payments: StatePaymentsAnswer = field(resolver=_payments, description="What the state paid in a year (CGD).")


async def welfare(info: Info) -> WelfareAnswer:
    own = card(WelfareAnswer, "fpo.get_welfare_status", _status, info)
    return await together(own, info, {"means": _means, "entitledProgrammes": _entitled, "payments": _payments})


def _status(told: Record, _language: Language) -> Welfare:
    return Welfare(
        is_holder=told["holder"],
        has_applied=told["applied"],
        round=told["round"],
        registered_on=told["registered_on"],
        is_verified=told["verified"],
        verified_on=told["verified_on"],
        reasons=[WelfareReason(one) for one in told["reasons"]],
    )


def _counted(told: Record, _language: Language) -> FamilyMeans:
    return FamilyMeans(
        financial_assets=Money(amount=told["financial_assets"]),
        members=told["family_members"],
        income=Money(amount=told["family_income"]),
        income_per_head=Money(amount=told["family_income_per_head"]),
    )


def _programmes(told: Record, _language: Language) -> list[EntitledProgramme]:
    return [
        EntitledProgramme(
            programme=StateProgramme(one["programme"]),
            monthly=Money(amount=one["amount"]),
            since=one["since"],
            is_suspended=one["status"] == "suspended",
            account=one["account"],
        )
        for one in told["programmes"]
    ]


def _paid(told: Record, language: Language) -> list[StatePayment]:
    return [
        StatePayment(
            programme=StateProgramme(one["programme"]),
            on=one["paid_on"],
            amount=Money(amount=one["amount"]),
            was_paid=one["result"] == "paid",
            reason=say_if(one["reason"], language),
            account=one["account"],
        )
        for one in told["payments"]
    ]
