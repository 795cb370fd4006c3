"""Social security in the graph: the section, the hospital, and what was paid, saved and claimed.

What stands below the card is asked together with it: the card's resolver looks ahead in the selection, and the fields
below find their answers under way. Which records hold a person's contributions depends on their section, which isn't
known yet, so the ones of the employed are asked, and those of section 40 only when the section turns out to be that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import enum_value, field

from agencies import insurance, sso
from agencies.answers import Operation
from foundation.errors import BadInput
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, AnswerState, answer
from resolvers.context import Context, Info
from resolvers.hospital import (
    ChosenHospital,
    HospitalChangesAnswer,
    HospitalChoicesAnswer,
    hospital_changes,
    hospital_choices,
)
from resolvers.selection import selected
from resolvers.values import Money, Text, problem_of, say, say_if

A = TypeVar("A", bound=AgencyAnswer)
T = TypeVar("T")

Year = Annotated[
    int | None, strawberry.argument(description="The calendar year, Common Era, such as 2026. Left out, this year.")
]


@strawberry.enum(description="Under which section of the Social Security Act somebody is insured.")
class SocialSecuritySection(Enum):
    SECTION_33 = enum_value("33", description="Employed.")
    SECTION_38 = enum_value("38", description="No longer employed, covered for six more months.")
    SECTION_39 = enum_value("39", description="Formerly employed, insured by choice.")
    SECTION_40 = enum_value("40", description="Never through an employer, insured by choice.")
    NONE = enum_value("NONE", description="Insured once, no longer.")


@strawberry.type(description="What was paid for one month.")
class Contribution:
    month: date = field(description="The first day of the month paid for.")
    paid_on: date | None = field(description="When it was paid.")
    rate_percent: Decimal | None = field(description="Percent of the wage.")
    employee: Money = field(description="What the insured person paid.")


@strawberry.type(description="What was paid in one year.")
class Contributions:
    year: int = field(description="The year, Common Era.")
    months: list[Contribution] = field(description="The months paid for, in order.", metadata={"about": 12})
    total: Money = field(description="What the insured person paid in all.")


@strawberry.type(description="The SSO's answer about the contributions of a year.")
class ContributionsAnswer(AgencyAnswer):
    value: Contributions | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="What was saved for old age in one year.")
class SavedYear:
    year: int = field(description="The year, Common Era.")
    employee: Money = field(description="By the insured person.")
    employer: Money = field(description="By the employer.")
    government: Money = field(description="By the government.")
    total: Money = field(description="In all.")


@strawberry.type(description="What is saved for old age.")
class OldAgeSavings:
    employee: Money = field(description="By the insured person.")
    employer: Money = field(description="By the employer.")
    government: Money = field(description="By the government.")
    total: Money = field(description="In all.")
    years: list[SavedYear] = field(description="Year by year.", metadata={"about": 15})


@strawberry.type(description="The SSO's answer about old-age savings.")
class OldAgeSavingsAnswer(AgencyAnswer):
    value: OldAgeSavings | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="One claim of a benefit.")
class Claim:
    benefit: Text = field(description="What was claimed.")
    requested_on: date | None = field(description="When.")
    paid_on: date | None = field(description="When it was paid.")
    amount: Money = field(description="How much.")
    status: Text = field(description="What came of it, in the office's words.")


@strawberry.type(description="The claims of one year.")
class Claims:
    year: int = field(description="The year, Common Era.")
    claims: list[Claim] = field(description="The claims.")


@strawberry.type(description="The SSO's answer about the claims of a year.")
class ClaimsAnswer(AgencyAnswer):
    value: Claims | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def _contributions(root: strawberry.Parent[SocialSecurity], info: Info, year: Year = None) -> ContributionsAnswer:
    own = sso.VOLUNTARY_CONTRIBUTIONS if root.section is SocialSecuritySection.SECTION_40 else sso.CONTRIBUTIONS
    return await _asked(ContributionsAnswer, own, _paid, info.context, year=year)


async def _old_age_savings(root: strawberry.Parent[SocialSecurity], info: Info) -> OldAgeSavingsAnswer:
    own = sso.VOLUNTARY_OLD_AGE if root.section is SocialSecuritySection.SECTION_40 else sso.OLD_AGE
    return await _asked(OldAgeSavingsAnswer, own, _saved, info.context)


async def _claims(root: strawberry.Parent[SocialSecurity], info: Info, year: Year = None) -> ClaimsAnswer:
    own = sso.VOLUNTARY_CLAIMS if root.section is SocialSecuritySection.SECTION_40 else sso.CLAIMS
    return await _asked(ClaimsAnswer, own, _claimed, info.context, year=year)


async def _hospital_choices(info: Info) -> HospitalChoicesAnswer:
    return await _asked(HospitalChoicesAnswer, sso.HOSPITALS, hospital_choices, info.context)


async def _hospital_changes(info: Info, year: Year = None) -> HospitalChangesAnswer:
    return await _asked(HospitalChangesAnswer, sso.TRANSACTIONS, hospital_changes, info.context, year=year)


@strawberry.type(description="How somebody is insured.")
class SocialSecurity:
    section: SocialSecuritySection = field(description="Under which section.")
    section_choice: int | None = field(description="Under section 40: choice 1, 2 or 3.")
    status: Text = field(description="The same in the office's words.")
    branch: Text | None = field(description="The office's branch that keeps the record.")
    hospital: ChosenHospital | None = field(description="The hospital of the scheme; null where there is none.")
    insured_since: date | None = field(description="First day of the insurance.")
    insured_until: date | None = field(description="The day it ended, if it did.")
    contributions: ContributionsAnswer = field(resolver=_contributions, description="What was paid in a year.")
    old_age_savings: OldAgeSavingsAnswer = field(resolver=_old_age_savings, description="What is saved for old age.")
    claims: ClaimsAnswer = field(resolver=_claims, description="What was claimed in a year.")
    hospital_choices: HospitalChoicesAnswer = field(
        resolver=_hospital_choices, description="Whether the hospital can be changed now, and to which."
    )
    hospital_changes: HospitalChangesAnswer = field(
        resolver=_hospital_changes, description="The changes of hospital asked for in a year."
    )


@strawberry.type(description="The SSO's answer about how somebody is insured.")
class SocialSecurityAnswer(AgencyAnswer):
    value: SocialSecurity | None = field(description="The record; null unless the state is `OK` or `STALE`.")


_BELOW: dict[str, Operation[Any]] = {
    "contributions": sso.CONTRIBUTIONS,
    "oldAgeSavings": sso.OLD_AGE,
    "claims": sso.CLAIMS,
    "hospitalChoices": sso.HOSPITALS,
    "hospitalChanges": sso.TRANSACTIONS,
}


async def social_security(info: Info) -> SocialSecurityAnswer:
    """The card, asked together with what is selected below it: the fields below find their answers there already."""
    context = info.context
    below = [context.asking.ask(one) for one in _wanted_below(info)]
    insured = context.asking.ask(sso.INSURED)
    told = (await asyncio.gather(insured, *below))[0] if below else await insured
    value = None if told.value is None else _insured(told.value, context.language)
    return answer(SocialSecurityAnswer, told, value, context)


def _wanted_below(info: Info) -> Iterator[Operation[Any]]:
    for value in selected(info.selected_fields, depth=1):
        if value.name != "value":
            continue
        for below in selected(value.selections):
            operation = _BELOW.get(below.name)
            if operation is None:
                continue
            try:
                yield _of_year(operation, below.arguments.get("year"), info.context)
            except (BadInput, ValueError):
                continue  # the field below will say so itself


async def _asked(
    kind: type[A],
    operation: Operation[T],
    shape: Callable[[T, Language], Any],
    context: Context,
    *,
    year: int | None = None,
) -> A:
    """An answer of this type. A year that makes no sense is a problem on this card and nothing worse."""
    try:
        operation = _of_year(operation, year, context)
    except BadInput as exc:
        return kind(
            agency=context.shelf.agencies[operation.agency], state=AnswerState.NOT_FOUND, as_of=None, fetched_at=None,
            problem=problem_of(exc, context.language), value=None,
        )  # type: ignore[call-arg]  # every answer type adds `value`  # fmt: skip
    told = await context.asking.ask(operation)
    return answer(kind, told, None if told.value is None else shape(told.value, context.language), context)


def _of_year(operation: Operation[T], year: Any, context: Context) -> Operation[T]:
    if not operation.takes:
        return operation
    return operation(context.services.clock.today().year if year is None else int(year))


def _insured(told: insurance.Insured, language: Language) -> SocialSecurity:
    hospital = told.hospital
    return SocialSecurity(
        section=_SECTIONS[told.section],
        section_choice=told.section_choice,
        status=say(told.status_name, language),
        branch=say_if(told.branch, language),
        hospital=None
        if hospital is None
        else ChosenHospital(
            code=hospital.code,
            name=say(hospital.name, language),
            province=say_if(hospital.province, language),
            since=told.hospital_since,
            until=told.hospital_until,
        ),
        insured_since=told.since,
        insured_until=told.ended_on,
    )


_SECTIONS: dict[insurance.Section, SocialSecuritySection] = {
    "33": SocialSecuritySection.SECTION_33,
    "38": SocialSecuritySection.SECTION_38,
    "39": SocialSecuritySection.SECTION_39,
    "40": SocialSecuritySection.SECTION_40,
    "NONE": SocialSecuritySection.NONE,
}


def _paid(told: insurance.Contributions, _language: Language) -> Contributions:
    return Contributions(
        year=told.year,
        months=[
            Contribution(
                month=one.month,
                paid_on=one.paid_on,
                rate_percent=one.rate_percent,
                employee=Money(amount=one.amount),
            )
            for one in told.months
        ],
        total=Money(amount=told.total),
    )


def _saved(told: insurance.OldAge, _language: Language) -> OldAgeSavings:
    return OldAgeSavings(
        employee=Money(amount=told.employee),
        employer=Money(amount=told.employer),
        government=Money(amount=told.government),
        total=Money(amount=told.total),
        years=[
            SavedYear(
                year=one.year,
                employee=Money(amount=one.employee),
                employer=Money(amount=one.employer),
                government=Money(amount=one.government),
                total=Money(amount=one.total),
            )
            for one in told.years
        ],
    )


def _claimed(told: insurance.Claims, language: Language) -> Claims:
    return Claims(
        year=told.year,
        claims=[
            Claim(
                benefit=say(one.benefit, language),
                requested_on=one.requested_on,
                paid_on=one.paid_on,
                amount=Money(amount=one.amount),
                status=say(one.status_name, language),
            )
            for one in told.claims
        ],
    )
