"""What the civil register holds about a person, and how it is read: who they are, with whom and where they live, their card.

Dates are Buddhist-era integers with zeros for what the register doesn't know; address codes come one per level and are
put together here. `dopa.py` asks; `registrations.py` reads what registry offices wrote down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from agencies.answers import Question
from agencies.dialect import both
from agencies.reading import Reading
from agencies.trouble import AnswerAboutSomeoneElse, AnswerMalformed
from foundation.dates import PartialDate
from foundation.language import Text

Sex = Literal["MALE", "FEMALE"]
Nationality = Literal["THAI", "OTHER", "STATELESS"]
MaritalStatus = Literal["SINGLE", "MARRIED", "WIDOWED", "DIVORCED"]
Relation = Literal["HOUSEHOLDER", "SPOUSE", "CHILD", "FATHER", "MOTHER", "GRANDCHILD", "RESIDENT", "OTHER"]
CardStatus = Literal["VALID", "EXPIRED", "LOST", "DAMAGED", "OTHER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Somebody as the register shows them to a member of their house or family."""

    person_number: str | None = field(repr=False)  # for asking on; never shown
    name: Text
    sex: Sex | None
    birth: PartialDate
    is_alive: bool | None
    died_on: date | None = None
    nationality: Nationality | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    person_number: str = field(repr=False)
    title: Text
    first_name: Text
    middle_name: Text | None
    last_name: Text
    sex: Sex | None
    birth: PartialDate
    nationality: Nationality
    nationality_name: Text
    is_alive: bool | None  # None: a status that we don't know
    is_householder: bool
    moved_in: date | None
    father_name: Text | None
    mother_name: Text | None

    @property
    def full_name(self) -> Text:
        """Thai writes the title without a space."""
        parts = [part for part in (self.first_name, self.middle_name, self.last_name) if part is not None]
        return Text(
            th=self.title.th + " ".join(part.th for part in parts),
            en=" ".join(part.en for part in (self.title, *parts)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A province, district or subdistrict: two, four or six digits."""

    code: str
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    house_id: str  # eleven digits
    house_no: str
    village_no: int | None
    lane: str | None
    road: str | None
    subdistrict: Place
    district: Place
    province: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    person: Relative
    relation: Relation
    relation_name: Text
    is_householder: bool
    moved_in: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    address: Address
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    marital_status: MaritalStatus | None
    father: Relative | None
    mother: Relative | None
    spouse: Relative | None
    children: tuple[Relative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCard:
    status: CardStatus
    status_name: Text
    issued_on: date | None
    expires_on: date | None  # None: for life, or not known
    is_for_life: bool


_SEXES: dict[int | None, Sex] = {1: "MALE", 2: "FEMALE"}
_NATIONALITIES: dict[int, tuple[Nationality, str]] = {99: ("THAI", "Thai"), 0: ("STATELESS", "Stateless")}
_MARITAL: dict[int | None, MaritalStatus] = {1: "SINGLE", 2: "MARRIED", 3: "WIDOWED", 4: "DIVORCED"}
_CARDS: dict[int, tuple[CardStatus, str]] = {
    0: ("VALID", "Valid"), 1: ("EXPIRED", "Expired"), 2: ("LOST", "Reported lost"), 3: ("DAMAGED", "Damaged"),
}  # fmt: skip
_RELATIONS: dict[str, tuple[Relation, str]] = {
    "เจ้าบ้าน": ("HOUSEHOLDER", "householder"), "คู่สมรส": ("SPOUSE", "spouse"), "บุตร": ("CHILD", "child"),
    "บิดา": ("FATHER", "father"), "มารดา": ("MOTHER", "mother"), "หลาน": ("GRANDCHILD", "grandchild"),
    "ผู้อาศัย": ("RESIDENT", "resident"),
}  # fmt: skip
_OTHER_NATIONALITY: tuple[Nationality, None] = ("OTHER", None)
_OTHER_CARD: tuple[CardStatus, None] = ("OTHER", None)
_OTHER_RELATION: tuple[Relation, None] = ("OTHER", None)
_FOR_LIFE = 99_999_999


def about(answer: Reading, question: Question) -> None:
    """AnswerAboutSomeoneElse where an answer names another person than was asked about."""
    if answer.digits("pid", "personalID", length=13) != question.person_number:
        raise AnswerAboutSomeoneElse("another identity number")


def _is_alive(person: Reading) -> bool | None:
    return {0: True, 1: False}.get(person.number("statusOfPersonCode"))


def read_profile(person: Reading, question: Question) -> Profile:
    about(person, question)
    code = person.number("nationalityCode")
    nationality, said = _NATIONALITIES.get(code, _OTHER_NATIONALITY)
    middle, father, mother = (person.maybe_text(name) for name in ("middleName", "fatherName", "motherName"))
    return Profile(
        person_number=question.person_number,
        title=both(person.text("titleDesc", "titleName"), person.maybe_text("englishTitleDesc")),
        first_name=both(person.text("firstName"), person.maybe_text("englishFirstName")),
        middle_name=both(middle, person.maybe_text("englishMiddleName")) if middle else None,
        last_name=both(person.maybe_text("lastName") or "", person.maybe_text("englishLastName")),
        sex=_SEXES.get(person.maybe_number("genderCode")),
        birth=person.birth("dateOfBirth"),
        nationality=nationality,
        nationality_name=both(person.text("nationalityDesc"), said),
        is_alive=_is_alive(person),
        is_householder=person.maybe_text("ownerStatusDesc") == "เจ้าบ้าน",
        moved_in=person.maybe_day("dateOfMoveIn"),
        father_name=both(father) if father else None,
        mother_name=both(mother) if mother else None,
    )


def _read_relative(person: Reading) -> Relative:
    return Relative(
        person_number=person.maybe_digits("pid", "personalID", length=13),
        name=both(person.text("fullnameAndRank")),
        sex=_SEXES.get(person.maybe_number("genderCode")),
        birth=person.birth("dateOfBirth"),
        is_alive=_is_alive(person),
        died_on=person.maybe_day("dateOfDeath"),
        nationality=_maybe_nationality(person),
    )


def _maybe_nationality(person: Reading) -> Nationality | None:
    code = person.maybe_number("nationalityCode")
    return None if code is None else _NATIONALITIES.get(code, _OTHER_NATIONALITY)[0]


def read_household(house: Reading, question: Question) -> Household:
    members = tuple(_read_member(member) for member in house.parts("members"))
    if all(member.person.person_number != question.person_number for member in members):
        raise AnswerAboutSomeoneElse("a house in which the person does not live")
    return Household(address=_read_address(house), members=members)


def _read_member(member: Reading) -> Member:
    told = member.text("relation", "relationDesc")
    relation, said = _RELATIONS.get(told, _OTHER_RELATION)
    return Member(
        person=_read_relative(member),
        relation=relation,
        relation_name=both(told, said),
        is_householder=member.maybe_text("ownerStatusDesc") == "เจ้าบ้าน",
        moved_in=member.maybe_day("dateOfMoveIn"),
    )


def _read_address(house: Reading) -> Address:
    province = _code(house.number("provinceCode"), within="")
    district = _code(house.number("districtCode"), within=province)
    subdistrict = _code(house.number("subdistrictCode"), within=district)
    return Address(
        house_id=house.digits("houseID", length=11),
        house_no=house.text("houseNo"),
        village_no=house.maybe_number("villageNo") or None,
        lane=house.maybe_text("alleyDesc") or house.maybe_text("alleyWayDesc"),
        road=house.maybe_text("roadDesc"),
        subdistrict=_place(house, "subdistrict", subdistrict),
        district=_place(house, "district", district),
        province=_place(house, "province", province),
    )


def _code(number: int, *, within: str) -> str:
    """The code of a level under the code of the one above it, whether it was sent alone or put together already."""
    alone = f"{within}{number:02}" if 0 < number < 100 else f"{number}"
    if len(alone) != len(within) + 2 or not alone.startswith(within):
        raise AnswerMalformed("an address code is not of its level")
    return alone


def _place(house: Reading, level: str, code: str) -> Place:
    return Place(code=code, name=both(house.text(f"{level}Desc"), house.maybe_text(f"{level}EnglishDesc")))


def read_family(family: Reading, question: Question) -> Family:
    about(family, question)

    def relative(name: str) -> Relative | None:
        found = family.maybe_part(name)
        return _read_relative(found) if found else None

    return Family(
        marital_status=_MARITAL.get(family.maybe_number("maritalStatusCode")),
        father=relative("father"),
        mother=relative("mother"),
        spouse=relative("spouse"),
        children=tuple(_read_relative(child) for child in family.parts("children")),
    )


def read_card(card: Reading, question: Question) -> IdCard:
    about(card, question)
    status, said = _CARDS.get(card.number("cardStatus"), _OTHER_CARD)
    is_for_life = card.maybe_number("dateOfExpire") == _FOR_LIFE
    return IdCard(
        status=status,
        status_name=both(card.text("cardStatusDesc"), said),
        issued_on=card.maybe_day("dateOfIssue"),
        expires_on=None if is_for_life else card.maybe_day("dateOfExpire"),
        is_for_life=is_for_life,
    )
