"""What registry offices wrote down about a person, and how it is read: birth, marriages, changed names, disability.

`dopa.py` asks. The service numbers and fields of these answers are the sandbox's guess; see its simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from agencies.answers import Question
from agencies.civil_register import about
from agencies.dialect import both
from agencies.reading import Reading
from foundation.dates import PartialDate
from foundation.language import Text

RegistrationKind = Literal["MARRIAGE", "DIVORCE", "OTHER"]
MarriageState = Literal["IN_FORCE", "ENDED_BY_DIVORCE", "ENDED_BY_DEATH", "OTHER"]
NameKind = Literal["FIRST_NAME", "LAST_NAME", "OTHER"]
DisabilityCardStatus = Literal["VALID", "EXPIRED", "OTHER"]
DisabilityKind = Literal["SEEING", "HEARING", "MOVING", "MENTAL", "INTELLECTUAL", "LEARNING", "AUTISTIC", "OTHER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    person_number: str | None = field(repr=False)
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthRegistration:
    certificate_number: str
    birth: PartialDate
    place: Text  # a hospital's name, or in words
    is_in_hospital: bool
    province: Text
    registered_on: date | None
    office: Text
    father: Kin | None
    mother: Kin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRegistration:
    """A marriage or a divorce, as an office entered it."""

    kind: RegistrationKind
    kind_name: Text
    number: str
    registered_on: date
    office: Text
    spouse: Kin
    state: MarriageState  # of the marriage; a divorce stands


@dataclass(frozen=True, slots=True, kw_only=True)
class NameChange:
    kind: NameKind
    old: Text
    new: Text
    changed_on: date
    certificate_number: str
    office: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Caregiver:
    person_number: str | None = field(repr=False)
    name: Text
    relation: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisabilityCard:
    status: DisabilityCardStatus
    status_name: Text
    kind: DisabilityKind
    kind_name: Text
    issued_on: date | None
    expires_on: date | None
    caregiver: Caregiver | None


_KINDS: dict[int, tuple[RegistrationKind, str]] = {
    1: ("MARRIAGE", "Marriage (Khor Ror 2)"), 2: ("DIVORCE", "Divorce (Khor Ror 6)"),
}  # fmt: skip
_STATES: dict[int, MarriageState] = {0: "IN_FORCE", 1: "ENDED_BY_DIVORCE", 2: "ENDED_BY_DEATH"}
_NAMES: dict[int, NameKind] = {1: "FIRST_NAME", 2: "LAST_NAME"}
_CARDS: dict[int, tuple[DisabilityCardStatus, str]] = {0: ("VALID", "Valid"), 1: ("EXPIRED", "Expired")}
# The seven kinds of the ministry's announcement under the Persons with Disabilities Empowerment Act.
_DISABILITIES: dict[int, tuple[DisabilityKind, str]] = {
    1: ("SEEING", "Seeing"), 2: ("HEARING", "Hearing or communication"), 3: ("MOVING", "Movement or body"),
    4: ("MENTAL", "Mind or behaviour"), 5: ("INTELLECTUAL", "Intellect"), 6: ("LEARNING", "Learning"),
    7: ("AUTISTIC", "Autism"),
}  # fmt: skip
_OTHER_KIND: tuple[RegistrationKind, None] = ("OTHER", None)
_OTHER_CARD: tuple[DisabilityCardStatus, None] = ("OTHER", None)
_OTHER_DISABILITY: tuple[DisabilityKind, None] = ("OTHER", None)
_IN_A_HOSPITAL = 1


def read_birth(birth: Reading, question: Question) -> BirthRegistration:
    about(birth, question)
    hospital = birth.maybe_text("hospitalDesc")
    is_in_hospital = birth.number("placeOfBirthCode") == _IN_A_HOSPITAL
    return BirthRegistration(
        certificate_number=birth.text("birthCertificateNo"),
        birth=birth.birth("dateOfBirth"),
        place=both(hospital) if is_in_hospital and hospital else both(birth.text("placeOfBirthDesc")),
        is_in_hospital=is_in_hospital,
        province=both(birth.text("provinceDesc"), birth.maybe_text("provinceEnglishDesc")),
        registered_on=birth.maybe_day("dateOfRegister"),
        office=_office(birth),
        father=_parent(birth, "father"),
        mother=_parent(birth, "mother"),
    )


def _parent(birth: Reading, which: str) -> Kin | None:
    name = birth.maybe_text(f"{which}Fullname")
    return Kin(person_number=birth.maybe_digits(f"{which}PersonalID", length=13), name=both(name)) if name else None


def _office(entry: Reading) -> Text:
    return both(entry.text("officeDesc"), entry.maybe_text("officeEnglishDesc"))


def read_registrations(answer: Reading, question: Question) -> tuple[FamilyRegistration, ...]:
    """Oldest first."""
    about(answer, question)
    found = [_read_registration(entry) for entry in answer.parts("registers")]
    return tuple(sorted(found, key=lambda one: one.registered_on))


def _read_registration(entry: Reading) -> FamilyRegistration:
    kind, said = _KINDS.get(entry.number("registerTypeCode"), _OTHER_KIND)
    return FamilyRegistration(
        kind=kind,
        kind_name=both(entry.text("registerTypeDesc"), said),
        number=entry.text("registerNo"),
        registered_on=entry.day("dateOfRegister"),
        office=_office(entry),
        spouse=Kin(
            person_number=entry.maybe_digits("spousePersonalID", length=13),
            name=both(entry.text("spouseFullname"), entry.maybe_text("spouseEnglishFullname")),
        ),
        state=_STATES.get(entry.number("statusCode"), "OTHER"),
    )


def read_name_changes(answer: Reading, question: Question) -> tuple[NameChange, ...]:
    """Oldest first."""
    about(answer, question)
    found = [_read_name_change(entry) for entry in answer.parts("changes")]
    return tuple(sorted(found, key=lambda one: one.changed_on))


def _read_name_change(entry: Reading) -> NameChange:
    return NameChange(
        kind=_NAMES.get(entry.number("changeTypeCode"), "OTHER"),
        old=both(entry.text("oldName"), entry.maybe_text("oldEnglishName")),
        new=both(entry.text("newName"), entry.maybe_text("newEnglishName")),
        changed_on=entry.day("dateOfChange"),
        certificate_number=entry.text("certificateNo"),
        office=_office(entry),
    )


def read_disability_card(card: Reading, question: Question) -> DisabilityCard:
    about(card, question)
    status, said = _CARDS.get(card.number("cardStatusCode"), _OTHER_CARD)
    kind, called = _DISABILITIES.get(card.number("disabilityTypeCode"), _OTHER_DISABILITY)
    caregiver, relation = card.maybe_text("caregiverFullname"), card.maybe_text("caregiverRelationDesc")
    return DisabilityCard(
        status=status,
        status_name=both(card.text("cardStatusDesc"), said),
        kind=kind,
        kind_name=both(card.text("disabilityTypeDesc"), called),
        issued_on=card.maybe_day("dateOfIssue"),
        expires_on=card.maybe_day("dateOfExpire"),
        caregiver=Caregiver(
            person_number=card.maybe_digits("caregiverPersonalID", length=13),
            name=both(caregiver),
            relation=both(relation) if relation else None,
        )
        if caregiver
        else None,
    )
