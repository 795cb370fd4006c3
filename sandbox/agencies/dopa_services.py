"""What DOPA's services answer about one person, in the Linkage Center's fields: who they are, their family, card, house …

Dates are Buddhist-era integers with 00 for what the register doesn't know, identity numbers and house codes integers,
address codes one per level. A service that holds nothing about a person says so with a number of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from foundation.language import buddhist_year
from sandbox import rates
from sandbox.civil import Marriage, NameChange, Registry
from sandbox.people import Address, BirthDate, Citizen
from sandbox.world import World, full_name

SERVICES = {
    1: "person", 2: "family", 3: "card", 4: "birth", 5: "marriage", 6: "name_change", 8: "house", 9: "disability_card",
}  # fmt: skip
LIFETIME = 99_999_999

_TITLE_CODES = {"เด็กชาย": 1, "เด็กหญิง": 2, "นาย": 3, "นางสาว": 4, "นาง": 5}
_NATIONALITIES = {"thai": (99, "ไทย"), "other": (48, "เมียนมา"), "stateless": (0, "ไม่มีสัญชาติ")}
_MARITAL = {"single": (1, "โสด"), "married": (2, "สมรส"), "widowed": (3, "หม้าย"), "divorced": (4, "หย่า")}
_CARDS = {
    "valid": (0, "ปกติ"),
    "lifetime": (0, "ปกติ"),
    "expired": (1, "หมดอายุ"),
    "lost": (2, "แจ้งหาย"),
    "damaged": (3, "ชำรุด"),
}


class No(Exception):
    """What DOPA will not do, with its status and number."""

    def __init__(self, status: int, number: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"errorNumber": number, "errorMessage": message}


class Services:
    def __init__(self, world: World) -> None:
        self._world = world
        self._registry = Registry(world.nation)
        self._by_number: dict[int, Callable[[Citizen], dict[str, Any]]] = {
            1: self._person,
            2: self._family,
            3: self._card,
            4: self._birth,
            5: self._marriages,
            6: self._name_changes,
            8: self._house,
            9: self._disability_card,
        }

    def answer(self, service: int, person: Citizen) -> dict[str, Any]:
        """What this service says. `No` where it holds nothing."""
        return self._by_number[service](person)

    # 001 person

    def _person(self, person: Citizen) -> dict[str, Any]:
        father, mother = self._parent(person.father), self._parent(person.mother)
        return {
            **self._brief(person),
            "titleCode": _TITLE_CODES.get(person.title.th, 999),
            "titleName": person.title.th,
            "titleSex": 1 if person.sex == "male" else 2,
            "middleName": person.middle_name.th if person.middle_name else "",
            "age": self._world.age(person),
            "dateOfMoveIn": be_day(person.moved_in),
            "englishTitleDesc": person.title.en,
            "englishFirstName": person.first_name.en,
            "englishMiddleName": person.middle_name.en if person.middle_name else "",
            "englishLastName": person.last_name.en,
            "fatherPersonalID": int(father.pid) if father else 0,
            "fatherName": father.first_name.th if father else "",
            "fatherNationalityCode": _NATIONALITIES[father.nationality][0] if father else 0,
            "fatherNationalityDesc": _NATIONALITIES[father.nationality][1] if father else "",
            "motherPersonalID": int(mother.pid) if mother else 0,
            "motherName": mother.first_name.th if mother else "",
            "motherNationalityCode": _NATIONALITIES[mother.nationality][0] if mother else 0,
            "motherNationalityDesc": _NATIONALITIES[mother.nationality][1] if mother else "",
        }

    def _brief(self, person: Citizen) -> dict[str, Any]:
        nationality = _NATIONALITIES[person.nationality]
        return {
            "pid": int(person.pid),
            "titleDesc": person.title.th,
            "firstName": person.first_name.th,
            "lastName": person.last_name.th,
            "fullnameAndRank": full_name(person),
            "genderCode": 1 if person.sex == "male" else 2,
            "genderDesc": "ชาย" if person.sex == "male" else "หญิง",
            "dateOfBirth": be_birth(person.birth),
            "nationalityCode": nationality[0],
            "nationalityDesc": nationality[1],
            "ownerStatusDesc": "เจ้าบ้าน" if person.is_householder else "ผู้อาศัย",
            "statusOfPersonCode": 0 if person.alive else 1,
            "statusOfPersonDesc": "บุคคลนี้มีภูมิลำเนาอยู่ในบ้านนี้" if person.alive else "ตาย",
            "dateOfDeath": be_day(person.died_on) if person.died_on and not person.alive else 0,
        }

    def _parent(self, number: int | None) -> Citizen | None:
        return None if number is None else self._world.citizen(number)

    # 002 family

    def _family(self, person: Citizen) -> dict[str, Any]:
        def relative(number: int | None) -> dict[str, Any] | None:
            found = self._parent(number)
            return None if found is None else self._brief(found)

        today = self._world.clock.today()
        marital = _MARITAL[self._registry.marital_status(person, today)]
        children = [self._brief(child) for child in self._world.present(person.children)]
        return {
            "pid": int(person.pid),
            "maritalStatusCode": marital[0],
            "maritalStatusDesc": marital[1],
            "father": relative(person.father),
            "mother": relative(person.mother),
            "spouse": relative(person.spouse) if marital[0] != 1 else None,
            "totalChild": len(children),
            "children": children,
        }

    # 003 identity card

    def _card(self, person: Citizen) -> dict[str, Any]:
        if person.id_card == "never":
            raise No(404, 90406, "ไม่พบประวัติการทำบัตร")
        code, desc = _CARDS[person.id_card]
        expires = person.id_card_expires
        return {
            "pid": int(person.pid),
            "cardStatus": code,
            "cardStatusDesc": desc,
            "dateOfIssue": _issued_on(person),
            "dateOfExpire": LIFETIME if person.id_card == "lifetime" else be_day(expires) if expires else 0,
        }

    # 004 birth

    def _birth(self, person: Citizen) -> dict[str, Any]:
        birth = self._registry.birth(person)
        if birth is None:
            raise No(404, 90408, "ไม่พบทะเบียนคนเกิด")
        father, mother = self._parent(person.father), self._parent(person.mother)
        return {
            "pid": int(person.pid),
            "birthCertificateNo": birth.certificate,
            "dateOfBirth": be_birth(person.birth),
            "placeOfBirthCode": 1 if birth.hospital else 2,
            "placeOfBirthDesc": "สถานพยาบาล" if birth.hospital else "บ้าน",
            "hospitalCode": birth.hospital.code if birth.hospital else "",
            "hospitalDesc": birth.hospital.name.th if birth.hospital else "",
            "provinceDesc": birth.province.th,
            "provinceEnglishDesc": birth.province.en,
            "dateOfRegister": be_day(birth.registered_on) if birth.registered_on else 0,
            "officeDesc": birth.office.th,
            "officeEnglishDesc": birth.office.en,
            "fatherPersonalID": int(father.pid) if father else 0,
            "fatherFullname": full_name(father) if father else "",
            "motherPersonalID": int(mother.pid) if mother else 0,
            "motherFullname": full_name(mother) if mother else "",
        }

    # 005 marriages and divorces

    def _marriages(self, person: Citizen) -> dict[str, Any]:
        today = self._world.clock.today()
        found = [one for one in self._registry.marriages(person) if one.registered_on <= today]
        if not found:
            raise No(404, 90409, "ไม่พบทะเบียนครอบครัว")
        entries = [entry for one in found for entry in self._entries(one, today)]
        return {"pid": int(person.pid), "totalRegister": len(entries), "registers": entries}

    def _entries(self, marriage: Marriage, today: date) -> list[dict[str, Any]]:
        spouse = self._parent(marriage.spouse)
        over = marriage.is_over(today)
        state = (
            ((1, "สิ้นสุดโดยการหย่า") if marriage.ended_by == "divorce" else (2, "สิ้นสุดโดยการตาย")) if over else (0, "คงอยู่")
        )
        married = {
            "registerTypeCode": 1,
            "registerTypeDesc": "ทะเบียนสมรส (คร.2)",
            "registerNo": marriage.number,
            "dateOfRegister": be_day(marriage.registered_on),
            "officeDesc": marriage.office.th,
            "officeEnglishDesc": marriage.office.en,
            "spousePersonalID": int(spouse.pid) if spouse else 0,
            "spouseFullname": marriage.spouse_name.th,
            "spouseEnglishFullname": marriage.spouse_name.en,
            "statusCode": state[0],
            "statusDesc": state[1],
        }
        if not over or marriage.ended_on is None or marriage.ended_by != "divorce":
            return [married]
        divorced = {
            "registerTypeCode": 2,
            "registerTypeDesc": "ทะเบียนหย่า (คร.6)",
            "registerNo": marriage.end_number,
            "dateOfRegister": be_day(marriage.ended_on),
            "statusCode": 0,
            "statusDesc": "คงอยู่",
        }
        return [married, married | divorced]

    # 006 changed names

    def _name_changes(self, person: Citizen) -> dict[str, Any]:
        today = self._world.clock.today()
        found = [one for one in self._registry.name_changes(person) if one.changed_on <= today]
        if not found:
            raise No(404, 90410, "ไม่พบประวัติการเปลี่ยนชื่อตัวหรือชื่อสกุล")
        return {"pid": int(person.pid), "totalChange": len(found), "changes": [_name_change(one) for one in found]}

    # 009 disability card

    def _disability_card(self, person: Citizen) -> dict[str, Any]:
        card, today = self._registry.disability_card(person), self._world.clock.today()
        kind = rates.DISABILITIES[card.kind] if card else None
        if card is None or kind is None or card.issued_on > today or not person.alive:
            raise No(404, 90411, "ไม่พบประวัติการมีบัตรประจำตัวคนพิการ")
        caregiver = self._parent(card.caregiver)
        return {
            "pid": int(person.pid),
            "cardStatusCode": 1 if card.expires_on < today else 0,
            "cardStatusDesc": "หมดอายุ" if card.expires_on < today else "ปกติ",
            "disabilityTypeCode": card.kind,
            "disabilityTypeDesc": f"ความพิการ{kind.th}",
            "dateOfIssue": be_day(card.issued_on),
            "dateOfExpire": be_day(card.expires_on),
            "caregiverPersonalID": int(caregiver.pid) if caregiver else 0,
            "caregiverFullname": full_name(caregiver) if caregiver else "",
            "caregiverRelationDesc": card.relation.th if card.relation else "",
        }

    # 008 house

    def _house(self, person: Citizen) -> dict[str, Any]:
        if not person.alive:
            raise No(404, 90407, "ไม่พบข้อมูลทะเบียนบ้านที่บุคคลมีชื่ออยู่")
        living = [c for c in self._world.present(person.household) if c.alive]
        head = next((c for c in living if c.is_householder), None)
        members = sorted(living, key=lambda c: (not c.is_householder, c.birth.earliest()))
        return {**_address(person.address), "members": [self._member(c, head) for c in members]}

    def _member(self, person: Citizen, head: Citizen | None) -> dict[str, Any]:
        return {
            **self._brief(person),
            "relation": _relation(person, head, self._world),
            "age": self._world.age(person),
            "dateOfMoveIn": be_day(person.moved_in),
        }


def a_year_off(birth: BirthDate) -> BirthDate:
    """The same birth with a slip of the pen in its year."""
    is_leap_day = (birth.month, birth.day) == (2, 29)
    return replace(birth, year=birth.year - 1, day=28 if is_leap_day else birth.day)


def _name_change(change: NameChange) -> dict[str, Any]:
    is_first = change.kind == "first"
    return {
        "changeTypeCode": 1 if is_first else 2,
        "changeTypeDesc": "ชื่อตัว (ช.3)" if is_first else "ชื่อสกุล (ช.5)",
        "oldName": change.old.th,
        "oldEnglishName": change.old.en,
        "newName": change.new.th,
        "newEnglishName": change.new.en,
        "certificateNo": change.certificate,
        "dateOfChange": be_day(change.changed_on),
        "officeDesc": change.office.th,
        "officeEnglishDesc": change.office.en,
    }


def be_birth(birth: BirthDate) -> int:
    """A Buddhist-era date as an integer, 00 for what isn't known."""
    return buddhist_year(birth.earliest()) * 10_000 + (birth.month or 0) * 100 + (birth.day or 0)


def be_day(day: date) -> int:
    return buddhist_year(day) * 10_000 + day.month * 100 + day.day


def _address(address: Address) -> dict[str, Any]:
    code = address.subdistrict_code
    return {
        "houseID": int(address.house_id),
        "houseNo": address.house_no,
        "houseType": 1,
        "houseTypeDesc": "บ้าน",
        "villageNo": int(address.village_no or 0),
        "alleyWayCode": 0,
        "alleyWayDesc": "",
        "alleyCode": 0,
        "alleyDesc": "",
        "roadCode": 0,
        "roadDesc": address.road.removeprefix("ถนน"),
        "subdistrictCode": int(code[4:6]),
        "subdistrictDesc": address.subdistrict.th,
        "subdistrictEnglishDesc": address.subdistrict.en,
        "districtCode": int(code[2:4]),
        "districtDesc": address.district.th,
        "districtEnglishDesc": address.district.en,
        "provinceCode": int(code[:2]),
        "provinceDesc": address.province.th,
        "provinceEnglishDesc": address.province.en,
        "rcodeCode": code[:4],
        "rcodeDesc": f"ท้องถิ่น{address.district.th}",
    }


def _relation(person: Citizen, head: Citizen | None, world: World) -> str:
    if person.is_householder or head is None:
        return "เจ้าบ้าน" if person.is_householder else "ผู้อาศัย"
    if person.number == head.spouse:
        return "คู่สมรส"
    if head.number in (person.father, person.mother):
        return "บุตร"
    if person.number in (head.father, head.mother):
        return "บิดา" if person.sex == "male" else "มารดา"
    parents = (world.citizen(n) for n in (person.father, person.mother) if n is not None)
    if any(head.number in (p.father, p.mother) for p in parents if p is not None):
        return "หลาน"
    return "ผู้อาศัย"


def _issued_on(person: Citizen) -> int:
    """A card runs for eight years to its holder's birthday; from 60 on it runs for life."""
    if person.id_card == "lifetime":
        born = person.birth.earliest()
        return be_day(date(born.year + 60, born.month, min(born.day, 28)))
    expires = person.id_card_expires
    return be_day(date(expires.year - 8, expires.month, min(expires.day, 28))) if expires else 0
