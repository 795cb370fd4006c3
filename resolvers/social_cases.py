"""Help in hard times in the graph: social cases and assistance, and beside them claims, courts, police and legal aid.

Cases of violence at home are in no section: whoever holds the phone might be whom they are about. They are asked for
by name only, as records of their agency.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import Money, Text, say, say_if

# ---- DSDW: cases and assistance


@strawberry.enum(description="How a request for social assistance stands.")
class SocialCaseState(Enum):
    RECEIVED = enum_value("received", description="It was received.")
    TO_VISIT = enum_value("to_visit", description="A visit at home is arranged.")
    ASSESSED = enum_value("assessed", description="A social worker has assessed it.")
    HELPED = enum_value("helped", description="Help was given.")
    CLOSED = enum_value("closed", description="It is closed.")


@strawberry.type(description="A request for social assistance.")
class SocialCase:
    case_id: str = field(description="The number of the case.")
    opened_on: date = field(description="When it was received.")
    trouble: Text = field(description="What the trouble is.")
    state: SocialCaseState = field(description="How it stands.")
    visit_on: date | None = field(description="When a social worker comes, or came.")
    amount: Money | None = field(description="What was given.")
    office: Text = field(description="The office that handles it.")


@strawberry.type(description="Requests for social assistance, and what was found.")
class SocialCases:
    is_in_hardship: bool = field(description="Whether a social worker found hardship within a year.")
    assessed_on: date | None = field(description="When that was assessed.")
    cases: list[SocialCase] = field(description="The cases, the newest first.", metadata={"about": 2})


@strawberry.enum(description="What sort of assistance.")
class AssistanceKind(Enum):
    MONEY = enum_value("money", description="Money.")
    SUPPLIES = enum_value("supplies", description="Food and supplies.")
    HOME_REPAIR = enum_value("home_repair", description="Repair of the home.")


@strawberry.type(description="Assistance that was given.")
class Assistance:
    case_id: str = field(description="In which case.")
    kind: AssistanceKind = field(description="What sort.")
    amount: Money = field(description="How much, or what it was worth.")
    given_on: date = field(description="When.")


@strawberry.type(description="Assistance that was given, and how often this year.")
class AssistanceGiven:
    grants_this_year: int = field(description="How many grants of money since `countedFrom`; three are the most.")
    counted_from: date = field(description="The first day of the fiscal year.")
    assistance: list[Assistance] = field(description="What was given, the newest first.", metadata={"about": 2})


@strawberry.type(description="The DSDW's answer about assistance given.")
class AssistanceAnswer(AgencyAnswer):
    value: AssistanceGiven | None = field(description="The record; null unless the state is `OK` or `STALE`.")


# ---- DOP: loans and grants for older persons


@strawberry.type(description="A loan of the Older Persons Fund.")
class OlderPersonLoan:
    loan_id: str = field(description="The number of the contract.")
    purpose: Text = field(description="What it is for.")
    amount: Money = field(description="How much was lent.")
    balance: Money = field(description="How much of it is left.")
    instalment: Money = field(description="What is paid each month.")
    due_on: date | None = field(description="When the next instalment is due.")


@strawberry.enum(description="What a grant of the DOP is for.")
class OlderPersonGrantKind(Enum):
    FUNERAL = enum_value("funeral", description="The funeral of an older person.")
    HARDSHIP = enum_value("hardship", description="An older person in hardship.")


@strawberry.enum(description="How a grant of the DOP stands.")
class OlderPersonGrantState(Enum):
    PENDING = enum_value("pending", description="It is under review.")
    PAID = enum_value("paid", description="It was paid.")


@strawberry.type(description="A grant of the DOP.")
class OlderPersonGrant:
    grant_id: str = field(description="The number of the request.")
    kind: OlderPersonGrantKind = field(description="What it is for.")
    amount: Money = field(description="How much.")
    requested_on: date = field(description="When it was asked for.")
    state: OlderPersonGrantState = field(description="How it stands.")
    paid_on: date | None = field(description="When it was paid.")


@strawberry.type(description="Loans and grants for older persons, and for those who buried one.")
class OlderPersonSupport:
    loans: list[OlderPersonLoan] = field(description="The loans.", metadata={"about": 1})
    grants: list[OlderPersonGrant] = field(description="The grants, the newest first.", metadata={"about": 2})


@strawberry.type(description="The DOP's answer about loans and grants.")
class OlderPersonSupportAnswer(AgencyAnswer):
    value: OlderPersonSupport | None = field(description="The record; null unless the state is `OK` or `STALE`.")


# ---- RLPD: compensation of victims


@strawberry.enum(description="How a victim's claim stands.")
class VictimClaimState(Enum):
    RECEIVED = enum_value("received", description="It was received.")
    REVIEWING = enum_value("reviewing", description="It is under review.")
    APPROVED = enum_value("approved", description="It was approved.")
    PAID = enum_value("paid", description="It was paid.")
    REJECTED = enum_value("rejected", description="It was not approved; see `appealUntil`.")


@strawberry.type(description="A claim of a victim of crime.")
class VictimClaim:
    claim_id: str = field(description="The number of the claim.")
    offence: Text = field(description="The offence.")
    filed_on: date = field(description="When it was filed.")
    state: VictimClaimState = field(description="How it stands.")
    decided_on: date | None = field(description="When it was decided.")
    amount: Money | None = field(description="How much was granted.")
    appeal_until: date | None = field(description="The last day to appeal.")


@strawberry.type(description="The RLPD's answer about claims of a victim of crime.")
class VictimClaimsAnswer(AgencyAnswer):
    value: list[VictimClaim] | None = field(
        description="The claims; null unless the state is `OK` or `STALE`.", metadata={"about": 1}
    )


# ---- COJ: cases in court


@strawberry.enum(description="What a person is in a case.")
class CourtRole(Enum):
    PETITIONER = enum_value("petitioner", description="The petitioner.")
    PLAINTIFF = enum_value("plaintiff", description="The plaintiff.")
    DEFENDANT = enum_value("defendant", description="The defendant.")


@strawberry.enum(description="How a case in court stands.")
class CourtCaseState(Enum):
    FILED = enum_value("filed", description="It was filed.")
    HEARING = enum_value("hearing", description="It is being heard.")
    DECIDED = enum_value("decided", description="It was decided.")


@strawberry.type(description="A civil case in court.")
class CourtCase:
    case_no: str = field(description="The number of the case, as the court writes it.")
    kind: Text = field(description="What sort of case.")
    court: Text = field(description="The court.")
    role: CourtRole = field(description="What the person is in it.")
    filed_on: date = field(description="When it was filed.")
    state: CourtCaseState = field(description="How it stands.")
    next_hearing_on: date | None = field(description="The next hearing.")
    order: Text | None = field(description="The order or judgment.")
    ordered_on: date | None = field(description="When that was given.")


@strawberry.type(description="The courts' answer about a person's civil cases.")
class CourtCasesAnswer(AgencyAnswer):
    value: list[CourtCase] | None = field(
        description="The cases, the newest first; null unless the state is `OK` or `STALE`.", metadata={"about": 2}
    )


# ---- RTP: reports to the police


@strawberry.enum(description="What was reported to the police.")
class PoliceReportKind(Enum):
    LOST = enum_value("lost", description="A lost document or thing.")
    THEFT = enum_value("theft", description="Theft.")
    FRAUD = enum_value("fraud", description="Fraud.")
    TRAFFIC = enum_value("traffic", description="A traffic accident.")
    ASSAULT = enum_value("assault", description="An assault.")


@strawberry.enum(description="How a report to the police stands.")
class PoliceReportState(Enum):
    RECORDED = enum_value("recorded", description="It is in the daily record.")
    INVESTIGATING = enum_value("investigating", description="It is under investigation.")
    WITH_PROSECUTOR = enum_value("with_prosecutor", description="It is with the prosecutor.")
    CLOSED = enum_value("closed", description="It is closed.")


@strawberry.type(description="A report to the police.")
class PoliceReport:
    reference: str = field(description="The number in the daily record.")
    kind: PoliceReportKind = field(description="What sort of report.")
    about: Text = field(description="What was reported.")
    occurred_on: date = field(description="When it happened.")
    reported_at: datetime = field(description="When it was reported.")
    station: Text = field(description="The police station.")
    state: PoliceReportState = field(description="How it stands.")


@strawberry.type(description="The police's answer about a person's reports.")
class PoliceReportsAnswer(AgencyAnswer):
    value: list[PoliceReport] | None = field(
        description="The reports, the newest first; null unless the state is `OK` or `STALE`.", metadata={"about": 2}
    )


# ---- the Justice Fund


@strawberry.enum(description="What the Justice Fund is asked for.")
class LegalAidKind(Enum):
    LAWYER = enum_value("lawyer", description="A lawyer and court fees.")
    BAIL = enum_value("bail", description="Bail.")
    RIGHTS = enum_value("rights", description="Help after a violation of human rights.")


@strawberry.enum(description="How an application to the Justice Fund stands.")
class LegalAidState(Enum):
    REVIEWING = enum_value("reviewing", description="It is under review.")
    APPROVED = enum_value("approved", description="It was approved.")
    REJECTED = enum_value("rejected", description="It was not approved.")


@strawberry.type(description="An application to the Justice Fund.")
class LegalAid:
    request_id: str = field(description="The number of the application.")
    kind: LegalAidKind = field(description="What it asks for.")
    filed_on: date = field(description="When it was filed.")
    state: LegalAidState = field(description="How it stands.")
    amount: Money | None = field(description="The most that is paid.")


@strawberry.type(description="The Justice Fund's answer about a person's applications.")
class LegalAidAnswer(AgencyAnswer):
    value: list[LegalAid] | None = field(
        description="The applications; null unless the state is `OK` or `STALE`.", metadata={"about": 1}
    )


async def _assistance(info: Info) -> AssistanceAnswer:
    return await card(AssistanceAnswer, "dsdw.get_assistance", _given, info)


async def _older_person(info: Info) -> OlderPersonSupportAnswer:
    return await card(OlderPersonSupportAnswer, "dop.get_support", _supported, info)


async def _victim_claims(info: Info) -> VictimClaimsAnswer:
    return await card(VictimClaimsAnswer, "rlpd.get_claims", _claimed, info)


async def _court_cases(info: Info) -> CourtCasesAnswer:
    return await card(CourtCasesAnswer, "coj.get_case", _in_court, info)


async def _police_reports(info: Info) -> PoliceReportsAnswer:
    return await card(PoliceReportsAnswer, "rtp.get_reports", _reported, info)


async def _legal_aid(info: Info) -> LegalAidAnswer:
    return await card(LegalAidAnswer, "justice_fund.get_applications", _aided, info)


@strawberry.type(
    description="The DSDW's answer about requests for assistance, and beside it what else helps in trouble."
)
class SocialCasesAnswer(AgencyAnswer):
    value: SocialCases | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    assistance: AssistanceAnswer = field(resolver=_assistance, description="Assistance that was given (DSDW).")
    older_person_support: OlderPersonSupportAnswer = field(
        resolver=_older_person, description="Loans and grants for older persons (DOP)."
    )
    victim_claims: VictimClaimsAnswer = field(
        resolver=_victim_claims, description="Claims of a victim of crime (RLPD)."
    )
    court_cases: CourtCasesAnswer = field(resolver=_court_cases, description="Civil cases in court (COJ).")
    police_reports: PoliceReportsAnswer = field(resolver=_police_reports, description="Reports to the police (RTP).")
    legal_aid: LegalAidAnswer = field(resolver=_legal_aid, description="Applications to the Justice Fund.")


_BESIDE: dict[str, Callable[[Info], Awaitable[Any]]] = {
    "assistance": _assistance,
    "olderPersonSupport": _older_person,
    "victimClaims": _victim_claims,
    "courtCases": _court_cases,
    "policeReports": _police_reports,
    "legalAid": _legal_aid,
}


async def social_cases(info: Info) -> SocialCasesAnswer:
    """The cases, asked together with what is selected beside them."""
    return await together(card(SocialCasesAnswer, "dsdw.get_cases", _cases, info), info, _BESIDE)


def _cases(told: Record, language: Language) -> SocialCases:
    return SocialCases(
        is_in_hardship=told["in_hardship"],
        assessed_on=told["assessed_on"],
        cases=[
            SocialCase(
                case_id=one["case_id"],
                opened_on=one["opened_on"],
                trouble=say(one["trouble"], language),
                state=SocialCaseState(one["status"]),
                visit_on=one["visit_date"],
                amount=_money(one["amount"]),
                office=say(one["office"], language),
            )
            for one in told["cases"]
        ],
    )


def _given(told: Record, _language: Language) -> AssistanceGiven:
    return AssistanceGiven(
        grants_this_year=told["grants_this_fiscal_year"],
        counted_from=told["counted_from"],
        assistance=[
            Assistance(
                case_id=one["case_id"],
                kind=AssistanceKind(one["kind"]),
                amount=Money(amount=one["amount"]),
                given_on=one["given_on"],
            )
            for one in told["assistance"]
        ],
    )


def _supported(told: Record, language: Language) -> OlderPersonSupport:
    return OlderPersonSupport(
        loans=[
            OlderPersonLoan(
                loan_id=one["loan_id"],
                purpose=say(one["purpose"], language),
                amount=Money(amount=one["amount"]),
                balance=Money(amount=one["balance"]),
                instalment=Money(amount=one["instalment"]),
                due_on=one["next_due_date"],
            )
            for one in told["loans"]
        ],
        grants=[
            OlderPersonGrant(
                grant_id=one["grant_id"],
                kind=OlderPersonGrantKind(one["kind"]),
                amount=Money(amount=one["amount"]),
                requested_on=one["requested_on"],
                state=OlderPersonGrantState(one["status"]),
                paid_on=one["paid_on"],
            )
            for one in told["grants"]
        ],
    )


def _claimed(told: Record, language: Language) -> list[VictimClaim]:
    return [
        VictimClaim(
            claim_id=one["claim_id"],
            offence=say(one["offence"], language),
            filed_on=one["filed_on"],
            state=VictimClaimState(one["status"]),
            decided_on=one["decided_on"],
            amount=_money(one["amount"]),
            appeal_until=one["appeal_until"],
        )
        for one in told["claims"]
    ]


def _in_court(told: Record, language: Language) -> list[CourtCase]:
    return [
        CourtCase(
            case_no=one["case_no"],
            kind=say(one["kind"], language),
            court=say(one["court"], language),
            role=CourtRole(one["role"]),
            filed_on=one["filed_on"],
            state=CourtCaseState(one["status"]),
            next_hearing_on=one["next_hearing"],
            order=say_if(one["order"], language),
            ordered_on=one["order_date"],
        )
        for one in told["cases"]
    ]


def _reported(told: Record, language: Language) -> list[PoliceReport]:
    return [
        PoliceReport(
            reference=one["report_ref"],
            kind=PoliceReportKind(one["kind"]),
            about=say(one["about"], language),
            occurred_on=one["occurred_on"],
            reported_at=one["reported_at"],
            station=say(one["station"], language),
            state=PoliceReportState(one["status"]),
        )
        for one in told["reports"]
    ]


def _aided(told: Record, _language: Language) -> list[LegalAid]:
    return [
        LegalAid(
            request_id=one["request_id"],
            kind=LegalAidKind(one["kind"]),
            filed_on=one["filed_on"],
            state=LegalAidState(one["status"]),
            amount=_money(one["amount"]),
        )
        for one in told["applications"]
    ]


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else Money(amount=amount)
