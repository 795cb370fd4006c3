"""Work in the graph: the job, and beside it what those without one need: registration, complaints, vacancies, courses.

The cards beside the job are asked together with it, so that the slowest agency is waited for and not their sum.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from enum import Enum
from typing import Any

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.homes import card_of_home, province
from resolvers.selection import together
from resolvers.values import Money, Text, say, say_if

# ---- DOE: out of work, and vacancies


@strawberry.enum(description="How one of the monthly reports stands.")
class ReportState(Enum):
    DONE = enum_value("done", description="Reported.")
    MISSED = enum_value("missed", description="Not reported in time.")
    COMING = enum_value("coming", description="Still to come.")


@strawberry.type(description="One of the monthly reports of somebody registered as unemployed.")
class UnemploymentReport:
    due_on: date = field(description="The day to report on.")
    reported_on: date | None = field(description="When they did; null where they did not yet.")
    state: ReportState = field(description="How it stands.")


@strawberry.type(description="Being registered as unemployed.")
class Unemployment:
    is_registered: bool = field(description="Whether the person is registered now.")
    registration_id: str | None = field(description="The number of the latest registration.")
    registered_on: date | None = field(description="When they registered.")
    register_by: date | None = field(
        description="The last day to register without losing days of the benefit; null where nothing is to be done."
    )
    next_report_on: date | None = field(description="When to report next.")
    reports: list[UnemploymentReport] = field(description="The reports, in order.", metadata={"about": 6})


@strawberry.type(description="The DOE's answer about being registered as unemployed.")
class UnemploymentAnswer(AgencyAnswer):
    value: Unemployment | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.enum(description="What a wage is paid for.")
class WagePeriod(Enum):
    MONTH = enum_value("month", description="A month.")
    DAY = enum_value("day", description="A day.")


@strawberry.type(description="A vacancy near home.")
class Vacancy:
    job_id: str = field(description="The number of the vacancy.")
    title: Text = field(description="The position.")
    employer: str = field(description="Who is hiring.")
    place: Text = field(description="Where the work is.")
    wage: Money = field(description="The wage for one `wagePer`.")
    wage_per: WagePeriod = field(description="What the wage is paid for.")
    wanted: int = field(description="How many people are wanted.")
    posted_on: date = field(description="Since when it is announced.")
    closes_on: date = field(description="The last day to apply.")


@strawberry.type(description="The DOE's answer about vacancies in the province of the home.")
class VacanciesAnswer(AgencyAnswer):
    value: list[Vacancy] | None = field(
        description="The vacancies, the newest first; null unless the state is `OK` or `STALE`.", metadata={"about": 12}
    )


# ---- DLPW: complaints


@strawberry.enum(description="What a worker complains of.")
class LabourCaseKind(Enum):
    SEVERANCE = enum_value("severance", description="Severance pay.")
    WAGES = enum_value("wages", description="Unpaid wages.")
    NOTICE_PAY = enum_value("notice_pay", description="Pay in lieu of notice.")
    OVERTIME = enum_value("overtime", description="Overtime pay.")


@strawberry.enum(description="How a complaint stands.")
class LabourCaseState(Enum):
    RECEIVED = enum_value("received", description="It was received.")
    INVESTIGATING = enum_value("investigating", description="A labour inspector looks into it.")
    ORDERED = enum_value("ordered", description="The employer was ordered to pay.")
    PAID = enum_value("paid", description="The employer paid.")
    CLOSED = enum_value("closed", description="It ended without an order to pay.")


@strawberry.type(description="A complaint to the labour inspector (คร.7).")
class LabourCase:
    case_id: str = field(description="The number of the case.")
    kind: LabourCaseKind = field(description="What it is about.")
    employer: str = field(description="Of which employer.")
    amount: Money = field(description="How much is claimed.")
    filed_on: date = field(description="When it was filed.")
    office: Text = field(description="The office that handles it.")
    state: LabourCaseState = field(description="How it stands.")
    decide_by: date | None = field(description="Until when the inspector must decide; null once that is done.")
    ordered_on: date | None = field(description="When it was decided.")
    ordered_amount: Money | None = field(description="How much the employer must pay.")
    order: Text | None = field(description="The decision in words.")


@strawberry.type(description="The DLPW's answer about a person's complaints.")
class LabourCasesAnswer(AgencyAnswer):
    value: list[LabourCase] | None = field(
        description="The complaints, none for who has none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


# ---- DSD: training


@strawberry.type(description="A training course near home.")
class Course:
    course_id: str = field(description="The number of the course.")
    name: Text = field(description="What is taught.")
    trade: Text = field(description="The trade it belongs to.")
    place: Text = field(description="Where.")
    starts_on: date = field(description="The first day.")
    ends_on: date = field(description="The last day.")
    hours: int = field(description="How many hours in all.")
    places: int = field(description="How many are taken in.")
    places_left: int = field(description="How many places are left.")
    fee: Money = field(description="What it costs.")


@strawberry.type(description="The DSD's answer about courses in the province of the home.")
class CoursesAnswer(AgencyAnswer):
    value: list[Course] | None = field(
        description="What begins soon, in order; null unless the state is `OK` or `STALE`.", metadata={"about": 8}
    )


@strawberry.enum(description="How a person's training stands.")
class TrainingState(Enum):
    ENROLLED = enum_value("enrolled", description="It begins later.")
    UNDER_WAY = enum_value("under_way", description="It is under way.")
    PASSED = enum_value("passed", description="It was passed.")
    LEFT = enum_value("left", description="It was not finished.")


@strawberry.type(description="A course that the person takes or took.")
class Training:
    enrolment_id: str = field(description="The number of the enrolment.")
    name: Text = field(description="What is taught.")
    state: TrainingState = field(description="How it stands.")
    starts_on: date = field(description="The first day.")
    ends_on: date = field(description="The last day.")
    certificate_no: str | None = field(description="The number of the certificate, for who passed.")


@strawberry.type(description="The DSD's answer about a person's own training.")
class TrainingAnswer(AgencyAnswer):
    value: list[Training] | None = field(
        description="The courses, none for who took none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


# ---- SSO: the job


@strawberry.enum(description="What a person does for a living, as far as the SSO knows.")
class EmploymentStatus(Enum):
    EMPLOYED = enum_value("employed", description="Employed.")
    UNEMPLOYED = enum_value("unemployed", description="Out of work.")
    SELF_EMPLOYED = enum_value("self_employed", description="Works on their own account.")
    STUDENT = enum_value("student", description="Studies.")
    RETIRED = enum_value("retired", description="Retired.")
    NONE = enum_value("none", description="None of these.")


@strawberry.enum(description="Why a job ended (สปส. 6-09).")
class JobEndReason(Enum):
    DISMISSED = enum_value("dismissed", description="Dismissed.")
    RESIGNED = enum_value("resigned", description="Resigned.")
    CONTRACT_ENDED = enum_value("contract_ended", description="The contract ended.")
    FORCE_MAJEURE = enum_value("force_majeure", description="Force majeure, such as a flood.")
    MISCONDUCT = enum_value("misconduct", description="Dismissed for misconduct.")
    NONE = enum_value("none", description="No job has ended.")


@strawberry.type(description="The present job, or the last one.")
class Employment:
    status: EmploymentStatus = field(description="What the person does for a living.")
    employer: Text | None = field(description="The present employer, or the last one.")
    since: date | None = field(description="When that job began.")
    until: date | None = field(description="When it ended; null while it lasts.")
    end_reason: JobEndReason | None = field(description="Why it ended; null while it lasts.")


async def _unemployment(info: Info) -> UnemploymentAnswer:
    return await card(UnemploymentAnswer, "doe.get_unemployment", _registered, info)


async def _vacancies(info: Info) -> VacanciesAnswer:
    return await card_of_home(VacanciesAnswer, "doe.match_jobs", _jobs, info, province)


async def _labour_cases(info: Info) -> LabourCasesAnswer:
    return await card(LabourCasesAnswer, "dlpw.get_cases", _cases, info)


async def _courses(info: Info) -> CoursesAnswer:
    return await card_of_home(CoursesAnswer, "dsd.list_courses", _offered, info, province)


async def _training(info: Info) -> TrainingAnswer:
    return await card(TrainingAnswer, "dsd.get_enrolments", _taken, info)


@strawberry.type(description="The SSO's answer about a person's work, and beside it what others know of it.")
class EmploymentAnswer(AgencyAnswer):
    value: Employment | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    unemployment: UnemploymentAnswer = field(
        resolver=_unemployment, description="Being registered as unemployed, and when to report next (DOE)."
    )
    vacancies: VacanciesAnswer = field(resolver=_vacancies, description="Vacancies near home (DOE).")
    labour_cases: LabourCasesAnswer = field(
        resolver=_labour_cases, description="Complaints about wages and severance pay (DLPW)."
    )
    courses: CoursesAnswer = field(resolver=_courses, description="Training courses near home (DSD).")
    training: TrainingAnswer = field(resolver=_training, description="The person's own training (DSD).")


_BESIDE: dict[str, Callable[[Info], Awaitable[Any]]] = {
    "unemployment": _unemployment,
    "vacancies": _vacancies,
    "labourCases": _labour_cases,
    "courses": _courses,
    "training": _training,
}


async def employment(info: Info) -> EmploymentAnswer:
    """The job, asked together with what is selected beside it: the fields there find their answers already."""
    return await together(card(EmploymentAnswer, "sso.get_employment", _worked, info), info, _BESIDE)


def _worked(told: Record, language: Language) -> Employment:
    until = told["end_date"]
    return Employment(
        status=EmploymentStatus(told["status"]),
        employer=say_if(told["employer"], language),
        since=told["start_date"],
        until=until,
        end_reason=None if until is None else JobEndReason(told["end_reason"]),
    )


def _registered(told: Record, _language: Language) -> Unemployment:
    return Unemployment(
        is_registered=told["registered"],
        registration_id=told["registration_id"],
        registered_on=told["registered_on"],
        register_by=told["register_by"],
        next_report_on=told["next_report_date"],
        reports=[
            UnemploymentReport(due_on=one["due_date"], reported_on=one["reported_on"], state=ReportState(one["state"]))
            for one in told["reports"]
        ],
    )


def _jobs(told: Record, language: Language) -> list[Vacancy]:
    return [
        Vacancy(
            job_id=one["job_id"],
            title=say(one["title"], language),
            employer=one["employer"],
            place=say(one["place"], language),
            wage=Money(amount=one["wage"]),
            wage_per=WagePeriod(one["wage_per"]),
            wanted=one["places"],
            posted_on=one["posted_on"],
            closes_on=one["closes_on"],
        )
        for one in told["jobs"]
    ]


def _cases(told: Record, language: Language) -> list[LabourCase]:
    return [
        LabourCase(
            case_id=one["case_id"],
            kind=LabourCaseKind(one["kind"]),
            employer=one["employer"],
            amount=Money(amount=one["amount"]),
            filed_on=one["filed_on"],
            office=say(one["office"], language),
            state=LabourCaseState(one["state"]),
            decide_by=one["decide_by"],
            ordered_on=one["ordered_on"],
            ordered_amount=None if one["ordered_amount"] is None else Money(amount=one["ordered_amount"]),
            order=say_if(one["order"], language),
        )
        for one in told["cases"]
    ]


def _offered(told: Record, language: Language) -> list[Course]:
    return [
        Course(
            course_id=one["course_id"],
            name=say(one["name"], language),
            trade=say(one["field"], language),
            place=say(one["place"], language),
            starts_on=one["starts_on"],
            ends_on=one["ends_on"],
            hours=one["hours"],
            places=one["seats"],
            places_left=one["seats_left"],
            fee=Money(amount=one["fee"]),
        )
        for one in told["courses"]
    ]


def _taken(told: Record, language: Language) -> list[Training]:
    return [
        Training(
            enrolment_id=one["enrolment_id"],
            name=say(one["name"], language),
            state=TrainingState(one["state"]),
            starts_on=one["starts_on"],
            ends_on=one["ends_on"],
            certificate_no=one["certificate_no"],
        )
        for one in told["enrolments"]
    ]
