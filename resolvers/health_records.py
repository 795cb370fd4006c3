"""Health records in the graph: vaccinations, antenatal care, certificates, emergencies; and each child's vaccinations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry import enum_value, field

from agencies import dopa
from agencies.answers import Answer
from agencies.civil_register import Relative
from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, Sex, answer, card
from resolvers.children import card_of_children
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import PartialDate, Text, partial_date, say

# ---- vaccinations


@strawberry.type(description="A dose of a vaccine that was given.")
class VaccineDose:
    vaccine_id: str = field(description="The code of the vaccine.")
    vaccine: Text = field(description="What it protects from.")
    dose_no: int = field(description="Which dose of that vaccine.")
    given_on: date = field(description="When it was given.")
    place: Text = field(description="Where.")


@strawberry.type(description="A dose of a vaccine that is due.")
class VaccineDue:
    vaccine_id: str = field(description="The code of the vaccine.")
    vaccine: Text = field(description="What it protects from.")
    dose_no: int = field(description="Which dose of that vaccine.")
    due_on: date = field(description="When it is due.")
    is_overdue: bool = field(description="Whether that day has passed.")


@strawberry.type(description="Vaccinations.")
class Immunisation:
    doses: list[VaccineDose] = field(description="What was given, in order.", metadata={"about": 15})
    due: list[VaccineDue] = field(description="What is overdue or due within three months.", metadata={"about": 4})


@strawberry.type(description="The MOPH's answer about a child's vaccinations.")
class ChildImmunisationAnswer(AgencyAnswer):
    value: Immunisation | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="One dose of the vaccination schedule.")
class ScheduledDose:
    vaccine_id: str = field(description="The code of the vaccine.")
    vaccine: Text = field(description="What it protects from.")
    dose_no: int = field(description="Which dose of that vaccine.")
    at_age: Text = field(description="At what age.")
    due_on: date = field(description="When that is, for this day of birth.")


@strawberry.type(description="The DDC's answer: the vaccination schedule for a day of birth.")
class VaccineScheduleAnswer(AgencyAnswer):
    value: list[ScheduledDose] | None = field(
        description="The doses, in order; null unless the state is `OK` or `STALE`.", metadata={"about": 21}
    )


async def _child_immunisation(root: strawberry.Parent[ChildHealth], info: Info) -> ChildImmunisationAnswer:
    return await card(ChildImmunisationAnswer, "moph.get_child_immunization", _immunised, info, child_id=root.number)


async def _child_schedule(root: strawberry.Parent[ChildHealth], info: Info) -> VaccineScheduleAnswer:
    return await card(VaccineScheduleAnswer, "ddc.get_schedule", _scheduled, info, birth_date=root.birth.date)


@strawberry.type(description="A child who is not of age, and their vaccinations.")
class ChildHealth:
    number: strawberry.Private[str]
    name: Text = field(description="The child's name.")
    birth: PartialDate = field(description="The day of birth.")
    immunisation: ChildImmunisationAnswer = field(
        resolver=_child_immunisation, description="The child's vaccinations (MOPH)."
    )
    vaccine_schedule: VaccineScheduleAnswer = field(
        resolver=_child_schedule, description="Which vaccination is due when (DDC)."
    )


@strawberry.type(description="DOPA's answer about the person's children, each with their vaccinations.")
class ChildrenHealthAnswer(AgencyAnswer):
    value: list[ChildHealth] | None = field(
        description="The children who are not of age; null unless the state is `OK` or `STALE`.", metadata={"about": 2}
    )


# ---- pregnancy and birth


@strawberry.type(description="One antenatal visit.")
class AntenatalVisit:
    number: int = field(description="Which visit.")
    visited_on: date = field(description="When.")
    weeks: int = field(description="In which week of the pregnancy.")
    place: Text = field(description="Where.")


@strawberry.type(description="Antenatal care of this pregnancy, or of the one that ended lately.")
class AntenatalCare:
    is_pregnant: bool = field(description="Whether the pregnancy lasts.")
    counted_from: date | None = field(description="From when the weeks are counted; null after the birth.")
    expected_on: date | None = field(description="When the birth is expected; null after it.")
    last_visit_on: date | None = field(description="The last visit.")
    next_visit_on: date | None = field(description="The next visit.")
    visits: list[AntenatalVisit] = field(description="The visits, in order.", metadata={"about": 8})


@strawberry.type(description="The MOPH's answer about antenatal care.")
class AntenatalCareAnswer(AgencyAnswer):
    value: AntenatalCare | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="A hospital's certificate of a birth (ท.ร.1/1).")
class BirthCertificate:
    reference: str = field(description="The number of the certificate.")
    born_at: datetime = field(description="When the child was born.")
    hospital: Text = field(description="Where.")
    sex: Sex = field(description="The child's sex.")
    weight_g: int = field(description="The weight at birth, in grams.")


@strawberry.type(description="The MOPH's answer about hospitals' certificates of birth.")
class BirthCertificatesAnswer(AgencyAnswer):
    value: list[BirthCertificate] | None = field(
        description="Of the person's children of the last seven years; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


# ---- certificates and emergencies


@strawberry.enum(description="What a medical certificate is for.")
class CertificateKind(Enum):
    SICK_LEAVE = enum_value("sick_leave", description="Sick leave.")
    DISABILITY = enum_value("disability", description="Certifies a disability.")
    DRIVING = enum_value("driving", description="For a driving licence.")
    GENERAL = enum_value("general", description="General.")


@strawberry.type(description="A medical certificate.")
class MedicalCertificate:
    certificate_id: str = field(description="The number of the certificate.")
    kind: CertificateKind = field(description="What it is for.")
    issued_on: date = field(description="When it was issued.")
    hospital: Text = field(description="Who issued it.")
    result: Text = field(description="What it says.")
    rest_days: int | None = field(description="How many days of rest were ordered.")
    valid_until: date | None = field(description="Its last day, where it has one.")


@strawberry.type(description="What doctors certified.")
class MedicalCertificates:
    is_disability_certified: bool = field(description="Whether a disability is certified.")
    has_listed_disease: bool = field(description="Whether the person has a listed chronic disease.")
    diseases: list[Text] = field(description="The chronic diseases.", metadata={"about": 2})
    certificates: list[MedicalCertificate] = field(
        description="The certificates, the newest first.", metadata={"about": 3}
    )


@strawberry.type(description="The MOPH's answer about medical certificates.")
class MedicalCertificatesAnswer(AgencyAnswer):
    value: MedicalCertificates | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.enum(description="How urgent an emergency is.")
class Triage(Enum):
    CRITICAL = enum_value("critical", description="Critical (red): free of charge for 72 hours in any hospital.")
    URGENT = enum_value("urgent", description="Urgent (yellow).")
    NOT_URGENT = enum_value("not_urgent", description="Not urgent (green).")


@strawberry.enum(description="How an emergency case stands.")
class EmergencyState(Enum):
    OPEN = enum_value("open", description="In treatment.")
    MOVED = enum_value("moved", description="Moved to the hospital of one's right.")
    CLOSED = enum_value("closed", description="Closed.")


@strawberry.type(description="Treatment in an emergency (UCEP).")
class EmergencyCase:
    case_id: str = field(description="The number of the case.")
    hospital: Text = field(description="Where.")
    symptom: Text = field(description="What it was.")
    triage: Triage = field(description="How urgent.")
    started_at: datetime = field(description="When it began.")
    covered_until: datetime = field(description="Until when it is covered: 72 hours.")
    state: EmergencyState = field(description="How it stands.")


@strawberry.type(description="NIEM's answer about emergencies.")
class EmergenciesAnswer(AgencyAnswer):
    value: list[EmergencyCase] | None = field(
        description="The cases, the newest first; null unless the state is `OK` or `STALE`.", metadata={"about": 1}
    )


async def _antenatal(info: Info) -> AntenatalCareAnswer:
    return await card(AntenatalCareAnswer, "moph.get_antenatal", _expecting, info)


async def _births(info: Info) -> BirthCertificatesAnswer:
    return await card(BirthCertificatesAnswer, "moph.get_birth_report", _born, info)


async def _certificates(info: Info) -> MedicalCertificatesAnswer:
    return await card(MedicalCertificatesAnswer, "moph.get_medical_certificate", _certified, info)


async def _emergencies(info: Info) -> EmergenciesAnswer:
    return await card(EmergenciesAnswer, "niem.get_ucep_cases", _treated, info)


async def _schedule(info: Info) -> VaccineScheduleAnswer:
    """By the person's own day of birth; where DOPA doesn't say it, its trouble stands on this card."""
    context = info.context
    told = await context.asking.ask(dopa.PERSON)
    if told.value is None:
        agency = context.services.operations["ddc.get_schedule"].agency
        unknown = Answer[Any](agency=agency, state=told.state, problem=told.problem)
        return answer(VaccineScheduleAnswer, unknown, None, context)
    born = told.value.birth.earliest
    return await card(VaccineScheduleAnswer, "ddc.get_schedule", _scheduled, info, birth_date=born)


async def _children(info: Info) -> ChildrenHealthAnswer:
    return await card_of_children(ChildrenHealthAnswer, _child, info)


@strawberry.type(
    description="The MOPH's answer about a person's vaccinations, and beside it their other health records."
)
class HealthRecordsAnswer(AgencyAnswer):
    value: Immunisation | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    vaccine_schedule: VaccineScheduleAnswer = field(
        resolver=_schedule, description="Which vaccination of childhood was due when (DDC)."
    )
    antenatal_care: AntenatalCareAnswer = field(resolver=_antenatal, description="Antenatal care (MOPH).")
    birth_certificates: BirthCertificatesAnswer = field(
        resolver=_births, description="Hospitals' certificates of the person's children (MOPH)."
    )
    medical_certificates: MedicalCertificatesAnswer = field(
        resolver=_certificates, description="What doctors certified (MOPH)."
    )
    emergencies: EmergenciesAnswer = field(resolver=_emergencies, description="Treatment in emergencies (NIEM).")
    children: ChildrenHealthAnswer = field(
        resolver=_children, description="The person's children who are not of age (DOPA), and their vaccinations."
    )


_BESIDE: dict[str, Callable[[Info], Awaitable[Any]]] = {
    "vaccineSchedule": _schedule,
    "antenatalCare": _antenatal,
    "birthCertificates": _births,
    "medicalCertificates": _certificates,
    "emergencies": _emergencies,
    "children": _children,
}


async def health_records(info: Info) -> HealthRecordsAnswer:
    """The vaccinations, asked together with what is selected beside them."""
    return await together(card(HealthRecordsAnswer, "moph.get_immunization", _immunised, info), info, _BESIDE)


def _child(told: Relative, language: Language) -> ChildHealth:
    return ChildHealth(
        number=told.person_number or "", name=say(told.name, language), birth=partial_date(told.birth, language)
    )


def _immunised(told: Record, language: Language) -> Immunisation:
    return Immunisation(
        doses=[
            VaccineDose(
                vaccine_id=one["vaccine_id"],
                vaccine=say(one["vaccine"], language),
                dose_no=one["dose_no"],
                given_on=one["given_on"],
                place=say(one["place"], language),
            )
            for one in told["doses"]
        ],
        due=[
            VaccineDue(
                vaccine_id=one["vaccine_id"],
                vaccine=say(one["vaccine"], language),
                dose_no=one["dose_no"],
                due_on=one["due_date"],
                is_overdue=one["is_overdue"],
            )
            for one in told["due"]
        ],
    )


def _scheduled(told: Record, language: Language) -> list[ScheduledDose]:
    return [
        ScheduledDose(
            vaccine_id=one["vaccine_id"],
            vaccine=say(one["vaccine"], language),
            dose_no=one["dose_no"],
            at_age=say(one["at_age"], language),
            due_on=one["due_date"],
        )
        for one in told["schedule"]
    ]


def _expecting(told: Record, language: Language) -> AntenatalCare:
    return AntenatalCare(
        is_pregnant=told["pregnant"],
        counted_from=told["pregnancy_start_date"],
        expected_on=told["expected_on"],
        last_visit_on=told["antenatal_visit_date"],
        next_visit_on=told["next_visit_date"],
        visits=[
            AntenatalVisit(
                number=one["visit_no"],
                visited_on=one["visited_on"],
                weeks=one["weeks"],
                place=say(one["place"], language),
            )
            for one in told["visits"]
        ],
    )


def _born(told: Record, language: Language) -> list[BirthCertificate]:
    return [
        BirthCertificate(
            reference=one["report_ref"],
            born_at=one["born_at"],
            hospital=say(one["hospital"], language),
            sex=Sex[one["child_sex"].upper()],
            weight_g=one["weight_g"],
        )
        for one in told["reports"]
    ]


def _certified(told: Record, language: Language) -> MedicalCertificates:
    return MedicalCertificates(
        is_disability_certified=told["disability_certified"],
        has_listed_disease=told["has_listed_disease"],
        diseases=[say(one, language) for one in told["diseases"]],
        certificates=[
            MedicalCertificate(
                certificate_id=one["cert_id"],
                kind=CertificateKind(one["kind"]),
                issued_on=one["issued_on"],
                hospital=say(one["hospital"], language),
                result=say(one["result"], language),
                rest_days=one["rest_days"],
                valid_until=one["valid_until"],
            )
            for one in told["certificates"]
        ],
    )


def _treated(told: Record, language: Language) -> list[EmergencyCase]:
    return [
        EmergencyCase(
            case_id=one["case_id"],
            hospital=say(one["hospital"], language),
            symptom=say(one["symptom"], language),
            triage=Triage(one["triage"]),
            started_at=one["started_at"],
            covered_until=one["limit_at"],
            state=EmergencyState(one["status"]),
        )
        for one in told["cases"]
    ]
