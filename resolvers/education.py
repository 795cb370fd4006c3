"""School, university and student loan in the graph, and for parents the same of each child who is not of age."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry import enum_value, field

from agencies.civil_register import Address, Relative
from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.children import card_of_children
from resolvers.context import Info
from resolvers.homes import card_of_home
from resolvers.selection import together
from resolvers.values import Money, PartialDate, Text, partial_date, say, say_if

# ---- OBEC: school


@strawberry.enum(description="How far somebody has come in their studies.")
class StudyLevel(Enum):
    NONE = enum_value("none", description="Doesn't study.")
    KINDERGARTEN = enum_value("kindergarten", description="Kindergarten.")
    PRIMARY = enum_value("primary", description="Primary school.")
    LOWER_SECONDARY = enum_value("lower_secondary", description="Lower secondary school.")
    UPPER_SECONDARY = enum_value("upper_secondary", description="Upper secondary school.")
    VOCATIONAL = enum_value("vocational", description="Vocational college.")
    UNDERGRADUATE = enum_value("undergrad", description="For a bachelor's degree.")
    POSTGRADUATE = enum_value("postgrad", description="For a higher degree.")


@strawberry.type(description="Where somebody studies.")
class Enrolment:
    is_student: bool = field(description="Whether they study now.")
    level: StudyLevel = field(description="At which level.")
    grade: Text | None = field(description="In which grade or year.")
    school_id: str | None = field(description="The code of the school.")
    school: Text | None = field(description="The school, college or university.")
    school_year: Text | None = field(description="The school year, as it is called.")
    term_begins: date | None = field(description="The first day of this school term, or of the next between two.")
    term_ends: date | None = field(description="The last day of that term.")


@strawberry.type(description="OBEC's answer about a child's studies.")
class ChildEnrolmentAnswer(AgencyAnswer):
    value: Enrolment | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="A school near the home.")
class School:
    school_id: str = field(description="The code of the school.")
    name: Text = field(description="What it is called.")
    level: StudyLevel = field(description="For which level.")
    is_in_catchment: bool = field(description="Whether the home lies in its catchment area.")
    distance_km: Decimal = field(description="How far it is, in kilometres.")
    apply_from: date = field(description="The first day of the next applications.")
    apply_until: date = field(description="Their last day.")


@strawberry.type(description="OBEC's answer about schools near the home.")
class SchoolsAnswer(AgencyAnswer):
    value: list[School] | None = field(
        description="The schools, by level; null unless the state is `OK` or `STALE`.", metadata={"about": 5}
    )


# ---- MHESI: university


@strawberry.enum(description="Which degree.")
class DegreeKind(Enum):
    DIPLOMA = enum_value("diploma", description="Higher vocational diploma (ปวส.).")
    BACHELOR = enum_value("bachelor", description="Bachelor's degree.")
    MASTER = enum_value("master", description="Master's degree.")


@strawberry.enum(description="How a course of higher education stands.")
class HigherEducationState(Enum):
    STUDYING = enum_value("studying", description="It is under way.")
    GRADUATED = enum_value("graduated", description="The person graduated.")


@strawberry.type(description="The latest course of higher education.")
class HigherEducation:
    state: HigherEducationState = field(description="How it stands.")
    student_id: str = field(description="The student's number.")
    institution: Text = field(description="The university or college.")
    faculty: Text = field(description="The faculty.")
    degree: DegreeKind = field(description="The degree it leads to.")
    year_of_study: int | None = field(description="In which year the student is; null after graduation.")
    admitted_on: date = field(description="When it began.")
    expected_on: date | None = field(description="When it should end; null after graduation.")
    graduated_on: date | None = field(description="When the person graduated.")


@strawberry.type(description="MHESI's answer about higher education.")
class HigherEducationAnswer(AgencyAnswer):
    value: HigherEducation | None = field(description="The record; null unless the state is `OK` or `STALE`.")


# ---- SLF: the student loan


@strawberry.enum(description="How a student loan stands.")
class StudentLoanState(Enum):
    NONE = enum_value("none", description="Nothing was borrowed.")
    BORROWING = enum_value("borrowing", description="The person studies and borrows.")
    GRACE = enum_value("grace", description="Graduated; nothing is to be paid yet.")
    REPAYING = enum_value("repaying", description="It is being repaid.")
    DEFAULT = enum_value("default", description="Instalments are overdue.")
    CLOSED = enum_value("closed", description="It is repaid.")


@strawberry.type(description="An instalment that was paid.")
class LoanRepayment:
    paid_on: date = field(description="When.")
    amount: Money = field(description="How much.")


@strawberry.type(description="The student loan.")
class StudentLoan:
    state: StudentLoanState = field(description="How it stands.")
    account_no: str | None = field(description="The number of the contract.")
    borrowed: Money | None = field(description="How much was borrowed in all.")
    balance: Money | None = field(description="How much of it is left.")
    interest_percent: Decimal | None = field(description="The interest, in percent a year.")
    grace_until: date | None = field(description="Until when nothing is to be paid.")
    due_on: date | None = field(description="When the next instalment is due.")
    instalment: Money | None = field(description="How much is due then.")
    overdue: Money | None = field(description="How much is overdue.")
    family_income: Money | None = field(
        description="What the parents earn in a year, by which the fund decides; null where it doesn't ask."
    )
    repayments: list[LoanRepayment] = field(description="The last instalments paid, the newest first.")


@strawberry.type(description="The SLF's answer about the student loan.")
class StudentLoanAnswer(AgencyAnswer):
    value: StudentLoan | None = field(description="The record; null unless the state is `OK` or `STALE`.")


# ---- EEF: the grant for poor pupils


@strawberry.enum(description="What a screening for the equity grant found.")
class PovertyLevel(Enum):
    EXTREMELY_POOR = enum_value("extremely_poor", description="Extremely poor: the grant is for these.")
    POOR = enum_value("poor", description="Poor.")
    NOT_POOR = enum_value("not_poor", description="Not poor by the fund's criteria.")


@strawberry.enum(description="How the equity grant of a pupil stands.")
class EquityGrantState(Enum):
    SCREENED = enum_value("screened", description="Screened; not decided yet.")
    RECEIVING = enum_value("receiving", description="The pupil receives it.")
    NOT_SELECTED = enum_value("not_selected", description="The pupil doesn't receive it.")


@strawberry.type(description="The screening of a pupil for the equity grant, and the grant.")
class EquityGrant:
    level: PovertyLevel = field(description="What the screening found.")
    school_year: Text = field(description="For which school year.")
    state: EquityGrantState = field(description="How the grant stands.")
    amount: Money | None = field(description="How much a year.")
    attendance_percent: int | None = field(description="How often the pupil comes to school; 80 percent are needed.")
    last_paid_on: date | None = field(description="When it was last paid.")


@strawberry.type(description="The EEF's answer about a pupil.")
class EquityGrantAnswer(AgencyAnswer):
    value: EquityGrant | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def _child_enrolment(root: strawberry.Parent[ChildAtSchool], info: Info) -> ChildEnrolmentAnswer:
    return await card(ChildEnrolmentAnswer, "obec.get_child_enrolment", _enrolled, info, child_id=root.number)


async def _equity_fund(root: strawberry.Parent[ChildAtSchool], info: Info) -> EquityGrantAnswer:
    return await card(EquityGrantAnswer, "eef.get_screening", _screened, info, child_id=root.number)


@strawberry.type(description="A child who is not of age, and their school.")
class ChildAtSchool:
    number: strawberry.Private[str]
    name: Text = field(description="The child's name.")
    birth: PartialDate = field(description="The day of birth.")
    enrolment: ChildEnrolmentAnswer = field(resolver=_child_enrolment, description="Where the child studies (OBEC).")
    equity_fund: EquityGrantAnswer = field(
        resolver=_equity_fund, description="The screening for the equity grant, and the grant (EEF)."
    )


@strawberry.type(description="DOPA's answer about the person's children, each with their school.")
class ChildrenAtSchoolAnswer(AgencyAnswer):
    value: list[ChildAtSchool] | None = field(
        description="The children who are not of age; null unless the state is `OK` or `STALE`.", metadata={"about": 2}
    )


async def _higher_education(info: Info) -> HigherEducationAnswer:
    return await card(HigherEducationAnswer, "mhesi.get_student", _higher, info)


async def _student_loan(info: Info) -> StudentLoanAnswer:
    return await card(StudentLoanAnswer, "slf.get_loan", _lent, info)


async def _schools_nearby(info: Info) -> SchoolsAnswer:
    return await card_of_home(SchoolsAnswer, "obec.list_schools", _nearby, info, _house)


async def _children(info: Info) -> ChildrenAtSchoolAnswer:
    return await card_of_children(ChildrenAtSchoolAnswer, _child, info)


@strawberry.type(description="OBEC's answer about a person's studies, and beside it what others know of them.")
class EducationAnswer(AgencyAnswer):
    value: Enrolment | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    higher_education: HigherEducationAnswer = field(
        resolver=_higher_education, description="The latest course of higher education (MHESI)."
    )
    student_loan: StudentLoanAnswer = field(resolver=_student_loan, description="The student loan (SLF).")
    schools_nearby: SchoolsAnswer = field(
        resolver=_schools_nearby, description="Schools near the home, and when they take applications (OBEC)."
    )
    children: ChildrenAtSchoolAnswer = field(
        resolver=_children, description="The person's children who are not of age (DOPA), and their schools."
    )


_BESIDE: dict[str, Callable[[Info], Awaitable[Any]]] = {
    "higherEducation": _higher_education,
    "studentLoan": _student_loan,
    "schoolsNearby": _schools_nearby,
    "children": _children,
}


async def education(info: Info) -> EducationAnswer:
    """The studies, asked together with what is selected beside them: the fields there find their answers already."""
    return await together(card(EducationAnswer, "obec.get_enrolment", _enrolled, info), info, _BESIDE)


def _house(address: Address) -> dict[str, str]:
    return {"house_id": address.house_id}


def _child(told: Relative, language: Language) -> ChildAtSchool:
    return ChildAtSchool(
        number=told.person_number or "", name=say(told.name, language), birth=partial_date(told.birth, language)
    )


def _enrolled(told: Record, language: Language) -> Enrolment:
    return Enrolment(
        is_student=told["student"],
        level=StudyLevel(told["level"]),
        grade=say_if(told["grade"], language),
        school_id=told["school_id"],
        school=say_if(told["school"], language),
        school_year=say_if(told["academic_year"], language),
        term_begins=told["term_begins"],
        term_ends=told["term_ends"],
    )


def _nearby(told: Record, language: Language) -> list[School]:
    return [
        School(
            school_id=one["school_id"],
            name=say(one["name"], language),
            level=StudyLevel(one["level"]),
            is_in_catchment=one["in_catchment"],
            distance_km=one["distance_km"],
            apply_from=one["apply_from"],
            apply_until=one["apply_until"],
        )
        for one in told["schools"]
    ]


def _higher(told: Record, language: Language) -> HigherEducation:
    return HigherEducation(
        state=HigherEducationState(told["status"]),
        student_id=told["student_id"],
        institution=say(told["institution"], language),
        faculty=say(told["faculty"], language),
        degree=DegreeKind(told["degree"]),
        year_of_study=told["year_of_study"],
        admitted_on=told["admitted_on"],
        expected_on=told["expected_on"],
        graduated_on=told["graduation_date"],
    )


def _lent(told: Record, _language: Language) -> StudentLoan:
    return StudentLoan(
        state=StudentLoanState(told["status"]),
        account_no=told["account_no"],
        borrowed=_money(told["borrowed"]),
        balance=_money(told["balance"]),
        interest_percent=told["interest_percent"],
        grace_until=told["grace_until"],
        due_on=told["due_date"],
        instalment=_money(told["instalment"]),
        overdue=_money(told["overdue"]),
        family_income=_money(told["family_income_per_year"]),
        repayments=[
            LoanRepayment(paid_on=one["paid_on"], amount=Money(amount=one["amount"])) for one in told["repayments"]
        ],
    )


def _screened(told: Record, language: Language) -> EquityGrant:
    return EquityGrant(
        level=PovertyLevel(told["level"]),
        school_year=say(told["academic_year"], language),
        state=EquityGrantState(told["status"]),
        amount=_money(told["amount"]),
        attendance_percent=told["attendance_percent"],
        last_paid_on=told["last_paid_on"],
    )


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else Money(amount=amount)
