"""What agencies say about a person, each answer with its provenance: who they are, with whom they live, their care.

Every federated part of a citizen is an `AgencyAnswer`: a value, or why there is none. An agency's trouble stays on its
own card.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry import enum_value, field

from agencies import dopa, nhso
from agencies.answers import Answer
from agencies.standard import Record
from foundation import language as words
from foundation.language import Language
from resolvers.catalogue import Agency
from resolvers.context import Context, Info
from resolvers.values import PartialDate, Problem, Text, partial_date, problem_told, say, say_if

A = TypeVar("A", bound="AgencyAnswer")


@strawberry.enum(description="What became of a question to an agency.")
class AnswerState(Enum):
    OK = enum_value("OK", description="It answered just now.")
    STALE = enum_value("STALE", description="It does not answer; this is what it said before.")
    UNAVAILABLE = enum_value("UNAVAILABLE", description="It does not answer, or not in a way that can be shown.")
    NOT_FOUND = enum_value("NOT_FOUND", description="It answered: it holds no such record.")
    NOT_ALLOWED = enum_value("NOT_ALLOWED", description="This may not be asked, or the agency does not allow it.")


@strawberry.interface(description="An agency's answer: its value, or why there is none, and where it comes from.")
class AgencyAnswer:
    agency: Agency = field(description="Who was asked.")
    state: AnswerState = field(description="What became of the question.")
    as_of: datetime | None = field(description="When the agency says its record was true, where it says so.")
    fetched_at: datetime | None = field(description="When we asked; null where nobody was asked.")
    problem: Problem | None = field(description="Why there is no fresh answer; null when the state is `OK`.")


def answer(kind: type[A], told: Answer[Any], value: Any, context: Context) -> A:
    """An answer in its own type. `value` is already in the graph's shape."""
    return kind(
        agency=context.shelf.agencies[told.agency],
        state=AnswerState[told.state],
        as_of=told.as_of,
        fetched_at=told.fetched_at,
        problem=None if told.problem is None else problem_told(told.problem, context.language),
        value=value,
    )  # type: ignore[call-arg]  # every answer type adds `value`, each of its own type


async def card(
    kind: type[A], operation: str, shape: Callable[[Record, Language], Any], info: Info, **arguments: Any
) -> A:
    """The card of one question in the plain dialect: `operation` is its id in the catalogue, `shape` makes the graph's
    value of the record."""
    context = info.context
    told = await context.asking.ask(context.services.operations[operation], **arguments)
    return answer(kind, told, None if told.value is None else shape(told.value, context.language), context)


@strawberry.enum(description="Sex in the civil register.")
class Sex(Enum):
    MALE = enum_value("MALE", description="Male.")
    FEMALE = enum_value("FEMALE", description="Female.")


@strawberry.enum(description="Nationality, as far as rights depend on it.")
class Nationality(Enum):
    THAI = enum_value("THAI", description="Thai.")
    OTHER = enum_value("OTHER", description="Of another country.")
    STATELESS = enum_value("STATELESS", description="Of no country.")


@strawberry.type(description="Who a person is, by the civil register.")
class Profile:
    masked_identity_number: str = field(
        description="The identity number with its middle hidden, such as `1-0000-xxxxx-xx-1`. Nothing shows it whole."
    )
    name: Text = field(description="Title, name and surname.")
    title: Text = field(description="The title alone.")
    first_name: Text = field(description="The given name.")
    middle_name: Text | None = field(description="The middle name, for those who have one.")
    last_name: Text = field(description="The surname.")
    sex: Sex | None = field(description="Sex; null where the register doesn't say.")
    birth: PartialDate = field(description="The day of birth, as far as it is known.")
    nationality: Nationality = field(description="Nationality, as far as rights depend on it.")
    nationality_name: Text = field(description="Nationality in words.")
    is_householder: bool = field(description="Whether the person is the householder where they are registered.")
    moved_in: date | None = field(description="Since when they are registered at their address.")
    father_name: Text | None = field(description="The father's name.")
    mother_name: Text | None = field(description="The mother's name.")


@strawberry.type(description="DOPA's answer about who a person is.")
class ProfileAnswer(AgencyAnswer):
    value: Profile | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="A province, a district or a subdistrict.")
class Place:
    code: str = field(description="Two, four or six digits.")
    name: Text = field(description="What it is called.")


@strawberry.type(description="A registered address.")
class Address:
    text: str = field(description="The whole address in one line, in the reader's language.")
    house_no: str = field(description="The house number.")
    village_no: int | None = field(description="The village number (หมู่ที่).")
    lane: str | None = field(description="The lane (ซอย), as registered.")
    road: str | None = field(description="The road, as registered.")
    subdistrict: Place = field(description="The subdistrict (ตำบล or แขวง).")
    district: Place = field(description="The district (อำเภอ or เขต).")
    province: Place = field(description="The province.")


@strawberry.enum(description="What somebody is to the householder.")
class Relation(Enum):
    HOUSEHOLDER = enum_value("HOUSEHOLDER", description="The householder.")
    SPOUSE = enum_value("SPOUSE", description="Husband or wife.")
    CHILD = enum_value("CHILD", description="A child.")
    FATHER = enum_value("FATHER", description="The father.")
    MOTHER = enum_value("MOTHER", description="The mother.")
    GRANDCHILD = enum_value("GRANDCHILD", description="A grandchild.")
    RESIDENT = enum_value("RESIDENT", description="Somebody who lives there.")
    OTHER = enum_value("OTHER", description="Something else; `relationName` says what.")


@strawberry.type(description="Somebody in the same house register. Their identity number is not shown.")
class HouseholdMember:
    name: Text = field(description="Title, name and surname.")
    relation: Relation = field(description="What they are to the householder.")
    relation_name: Text = field(description="The same in words.")
    is_householder: bool = field(description="Whether they are the householder.")
    birth: PartialDate = field(description="The day of birth, as far as it is known.")
    sex: Sex | None = field(description="Sex; null where the register doesn't say.")
    moved_in: date | None = field(description="Since when they are registered there.")


@strawberry.type(description="The house register of the house a person is registered in (ท.ร.14).")
class Household:
    address: Address = field(description="Where it is.")
    members: list[HouseholdMember] = field(description="Who is registered there, the person included.")


@strawberry.type(description="DOPA's answer about the house a person is registered in.")
class HouseholdAnswer(AgencyAnswer):
    value: Household | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.enum(description="Under which scheme a person is cared for.")
class HealthScheme(Enum):
    UCS = enum_value("UCS", description="Universal Coverage Scheme (บัตรทอง).")
    SSS = enum_value("SSS", description="Social Security Scheme.")
    OFC = enum_value("OFC", description="Civil Servant Medical Benefit Scheme.")
    LGO = enum_value("LGO", description="Local government officers' scheme.")
    STP = enum_value("STP", description="Scheme for persons with citizenship problems.")
    OTHER = enum_value("OTHER", description="Another one; `right` says which.")


@strawberry.type(description="A hospital or health centre.")
class CareUnit:
    code: str = field(description="Five digits.")
    name: Text = field(description="What it is called.")


@strawberry.type(description="One right to care.")
class HealthRight:
    is_main: bool = field(description="Whether it is the main one of several.")
    scheme: HealthScheme = field(description="The scheme.")
    right: Text = field(description="The scheme's name.")
    sub_right: Text | None = field(description="The group within the scheme.")
    main_unit: CareUnit | None = field(description="The main hospital (หน่วยบริการหลัก).")
    sub_unit: CareUnit | None = field(description="The sub unit (หน่วยบริการรอง).")
    primary_unit: CareUnit | None = field(description="Where outpatients go first, under UCS (หน่วยบริการปฐมภูมิ).")
    province: Text | None = field(description="The province of registration.")
    since: date | None = field(description="First day of the right.")
    until: date | None = field(description="Last day of the right; null: no end is set.")


@strawberry.type(description="How a person is cared for.")
class Healthcare:
    rights: list[HealthRight] = field(description="The rights, the main one first.", metadata={"about": 2})
    checked_on: date = field(description="The day the answer is about.")


@strawberry.type(description="The NHSO's answer about a person's right to care.")
class HealthcareAnswer(AgencyAnswer):
    value: Healthcare | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def profile(info: Info) -> ProfileAnswer:
    told = await info.context.asking.ask(dopa.PERSON)
    value = None if told.value is None else _profile(told.value, info.context.language)
    return answer(ProfileAnswer, told, value, info.context)


async def household(info: Info) -> HouseholdAnswer:
    told = await info.context.asking.ask(dopa.HOUSE)
    value = None if told.value is None else _household(told.value, info.context.language)
    return answer(HouseholdAnswer, told, value, info.context)


async def healthcare(info: Info) -> HealthcareAnswer:
    told = await info.context.asking.ask(nhso.RIGHTS)
    value = None if told.value is None else _healthcare(told.value, info.context.language)
    return answer(HealthcareAnswer, told, value, info.context)


def masked(number: str) -> str:
    """`1-0000-xxxxx-xx-1`: enough to recognise one's own, not enough to use it."""
    return f"{number[0]}-{number[1:5]}-xxxxx-xx-{number[12]}"


def _profile(told: dopa.Profile, language: Language) -> Profile:
    return Profile(
        masked_identity_number=masked(told.person_number),
        name=say(told.full_name, language),
        title=say(told.title, language),
        first_name=say(told.first_name, language),
        middle_name=say_if(told.middle_name, language),
        last_name=say(told.last_name, language),
        sex=None if told.sex is None else Sex[told.sex],
        birth=partial_date(told.birth, language),
        nationality=Nationality[told.nationality],
        nationality_name=say(told.nationality_name, language),
        is_householder=told.is_householder,
        moved_in=told.moved_in,
        father_name=say_if(told.father_name, language),
        mother_name=say_if(told.mother_name, language),
    )


def _household(told: dopa.Household, language: Language) -> Household:
    return Household(
        address=_address(told.address, language),
        members=[
            HouseholdMember(
                name=say(member.person.name, language),
                relation=Relation[member.relation],
                relation_name=say(member.relation_name, language),
                is_householder=member.is_householder,
                birth=partial_date(member.person.birth, language),
                sex=None if member.person.sex is None else Sex[member.person.sex],
                moved_in=member.moved_in,
            )
            for member in told.members
        ],
    )


def _address(told: dopa.Address, language: Language) -> Address:
    return Address(
        text=_say_address(told).said_in(language),
        house_no=told.house_no,
        village_no=told.village_no,
        lane=told.lane,
        road=told.road,
        subdistrict=_place(told.subdistrict, language),
        district=_place(told.district, language),
        province=_place(told.province, language),
    )


def _say_address(told: dopa.Address) -> words.Text:
    bangkok = told.province.code == "10"
    sub, district = ("แขวง", "เขต") if bangkok else ("ตำบล", "อำเภอ")
    th = [told.house_no]
    en = [told.house_no]
    if told.village_no:
        th.append(f"หมู่ที่ {told.village_no}")
        en.append(f"Moo {told.village_no}")
    if told.lane:
        th.append(f"ซอย{told.lane.removeprefix('ซอย')}")
        en.append(f"Soi {told.lane.removeprefix('ซอย')}")
    if told.road:
        th.append(f"ถนน{told.road.removeprefix('ถนน')}")
        en.append(f"{told.road.removeprefix('ถนน')} Road")
    th.append(sub + told.subdistrict.name.th.removeprefix(sub))
    th.append(district + told.district.name.th.removeprefix(district))
    th.append(told.province.name.th if bangkok else f"จังหวัด{told.province.name.th.removeprefix('จังหวัด')}")
    en += [told.subdistrict.name.en, told.district.name.en, told.province.name.en]
    return words.Text(th=" ".join(th), en=", ".join(en))


def _place(told: dopa.Place, language: Language) -> Place:
    return Place(code=told.code, name=say(told.name, language))


def _healthcare(told: nhso.Rights, language: Language) -> Healthcare:
    return Healthcare(
        rights=[
            HealthRight(
                is_main=fund.is_main,
                scheme=HealthScheme[fund.scheme],
                right=say(fund.scheme_name, language),
                sub_right=say_if(fund.sub_name, language),
                main_unit=_unit(fund.main_unit, language),
                sub_unit=_unit(fund.sub_unit, language),
                primary_unit=_unit(fund.primary_unit, language),
                province=say_if(fund.province, language),
                since=fund.since,
                until=fund.until,
            )
            for fund in told.funds
        ],
        checked_on=told.checked_on,
    )


def _unit(told: nhso.Unit | None, language: Language) -> CareUnit | None:
    return None if told is None else CareUnit(code=told.code, name=say(told.name, language))
