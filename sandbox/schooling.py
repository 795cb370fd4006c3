"""Who learns where: schools, colleges and universities, from the year of birth and one throw a person.

School begins on 16 May for whoever is six by then. Shares are assumptions after the Education Ministry's yearly counts:
nearly everybody until lower secondary, four in five after it, not quite half of a year's children in higher education.
Who works for wages before a course would be over has not taken it, so that this agrees with the insurance records.
Schools and universities are invented; their codes begin with 99.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from sandbox.agencies.standard import throw
from sandbox.people import Citizen, Words
from sandbox.samples import LAST_NUMBER
from sandbox.world import World

Level = Literal["kindergarten", "primary", "lower_secondary", "upper_secondary", "vocational", "undergrad", "postgrad"]
DegreeKind = Literal["diploma", "bachelor", "master"]
YEARS: Final = {"diploma": 2, "bachelor": 4, "master": 2}

_OPENS: Final = (5, 16)
# What the stories imply: who of the samples and their families went, or goes, to university.
_GRADUATES: Final = frozenset({1, 2, 3, 5, 7, 120, 121, 130})
_GRADES: Final = (
    *((f"อนุบาล {n}", f"Kindergarten {n}") for n in (1, 2, 3)),
    *((f"ประถมศึกษาปีที่ {n}", f"Primary {n}") for n in range(1, 7)),
    *((f"มัธยมศึกษาปีที่ {n}", f"Secondary {n}") for n in range(1, 7)),
)
_UNIVERSITIES: Final = (
    Words(th="มหาวิทยาลัยรวงข้าว", en="Ruang Khao University"),
    Words(th="มหาวิทยาลัยสายน้ำ", en="Sai Nam University"),
    Words(th="มหาวิทยาลัยเทคโนโลยีดอนหลวง", en="Don Luang University of Technology"),
    Words(th="มหาวิทยาลัยภูมิปัญญา", en="Phum Panya University"),
    Words(th="มหาวิทยาลัยครูร่มโพธิ์", en="Rom Pho Teachers' University"),
)
_FACULTIES: Final = (
    Words(th="บริหารธุรกิจ", en="Business Administration"),
    Words(th="วิศวกรรมศาสตร์", en="Engineering"),
    Words(th="พยาบาลศาสตร์", en="Nursing"),
    Words(th="เกษตรศาสตร์", en="Agriculture"),
    Words(th="มนุษยศาสตร์", en="Humanities"),
    Words(th="วิทยาการคอมพิวเตอร์", en="Computer Science"),
    Words(th="ศึกษาศาสตร์", en="Education"),
)
_EDUCATION = 6
_TEACHERS: Final = frozenset({2})


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Where somebody learns today."""

    level: Level
    grade: Words
    school_id: str
    school: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Degree:
    """A course of higher education, from the day of admission to the day of graduation."""

    kind: DegreeKind
    institution: Words
    faculty: Words
    admitted_on: date
    graduates_on: date


def school_year(day: date) -> int:
    """The Common Era year in which the school year of that day began."""
    return day.year if (day.month, day.day) >= _OPENS else day.year - 1


def said_year(year: int) -> Words:
    return Words(th=str(year + 543), en=f"{year}/{(year + 1) % 100:02}")


def term(day: date) -> tuple[date, date]:
    """The first and last day of the school term that runs, or of the next one between two."""
    year = school_year(day)
    first, second = (date(year, 5, 16), date(year, 10, 11)), (date(year, 11, 1), date(year + 1, 3, 31))
    if day <= first[1]:
        return first
    return second if day <= second[1] else (date(year + 1, 5, 16), date(year + 1, 10, 11))


def study(world: World, citizen: Citizen) -> Study | None:
    """What somebody learns today; None for who does not."""
    today = world.clock.today()
    if not citizen.alive:
        return None
    for one in degrees(world, citizen):
        if one.admitted_on <= today < one.graduates_on:
            return _at_university(one, today)
    at = school_year(today) - _first_year(citizen)
    if not -3 <= at < 12 or not _goes_to_school(world, citizen, at):
        return None
    if at >= 9 and _draw(world, citizen, "upper") % 100 >= 64 and citizen.number > LAST_NUMBER:
        return _at_college(citizen, at)
    return _at_school(citizen, at)


def degrees(world: World, citizen: Citizen) -> tuple[Degree, ...]:
    """Every course of a life, those to come too, in order."""
    began = _first_year(citizen) + 12
    draw = _draw(world, citizen, "degree")
    place = _draw(world, citizen, "university")
    if citizen.number <= LAST_NUMBER or citizen.civil_servant:
        kinds: tuple[DegreeKind, ...] = (
            ("bachelor",) if citizen.number in _GRADUATES or citizen.number > LAST_NUMBER else ()
        )
    elif _draw(world, citizen, "upper") % 100 >= 64:
        kinds = ("diploma",) if draw % 100 < 40 else ()
    else:
        kinds = () if draw % 100 >= 58 else ("bachelor", "master") if draw % 100 < 5 else ("bachelor",)
    found: list[Degree] = []
    year = began
    for kind in kinds:
        one = Degree(
            kind=kind,
            institution=_college(citizen) if kind == "diploma" else _UNIVERSITIES[place % len(_UNIVERSITIES)],
            faculty=_FACULTIES[_EDUCATION if citizen.number in _TEACHERS else (place >> 8) % len(_FACULTIES)],
            admitted_on=date(year, 6, 16),
            graduates_on=date(year + YEARS[kind], 5, 31),
        )
        if not _could_attend(citizen, one.graduates_on):
            break
        found.append(one)
        year += YEARS[kind]
    return tuple(found)


def _first_year(citizen: Citizen) -> int:
    """The year in whose May somebody is six."""
    born = citizen.birth.earliest()
    return born.year + (6 if (born.month, born.day) <= _OPENS else 7)


def _goes_to_school(world: World, citizen: Citizen, at: int) -> bool:
    if citizen.number <= LAST_NUMBER:
        return True
    draw = _draw(world, citizen, "school") % 1_000
    if citizen.nationality == "other" and draw >= 700:
        return False
    share = 780 if at == -3 else 950 if at < 0 else 985 if at < 9 else 820
    return draw < share and (at < 9 or _could_attend(citizen, date(_first_year(citizen) + 12, 3, 31)))


def _could_attend(citizen: Citizen, until: date) -> bool:
    """Whether somebody was free of a job with wages until then."""
    insurance = citizen.insurance
    began = insurance.first_insured or insurance.since
    return began is None or insurance.section.startswith("40") or began >= until


def _at_school(citizen: Citizen, at: int) -> Study:
    address = citizen.address
    grade = _GRADES[at + 3]
    level: Level = (
        "kindergarten" if at < 0 else "primary" if at < 6 else "lower_secondary" if at < 9 else "upper_secondary"
    )
    if at < 6:
        code, school = village_school(address.subdistrict_code, address.subdistrict)
    else:
        code, school = district_school(address.subdistrict_code, address.district)
    return Study(level=level, grade=Words(th=grade[0], en=grade[1]), school_id=code, school=school)


def village_school(subdistrict_code: str, subdistrict: Words) -> tuple[str, Words]:
    name = subdistrict.th.removeprefix("บ้าน")
    return f"99{subdistrict_code}", Words(th=f"โรงเรียนบ้าน{name}", en=f"{subdistrict.en} School")


def district_school(subdistrict_code: str, district: Words) -> tuple[str, Words]:
    return f"99{subdistrict_code[:4]}90", Words(
        th=f"โรงเรียน{district.th}วิทยาคม", en=f"{district.en} Wittayakhom School"
    )


def _college(citizen: Citizen) -> Words:
    province = citizen.address.province
    return Words(th=f"วิทยาลัยเทคนิค{province.th}", en=f"{province.en} Technical College")


def _at_college(citizen: Citizen, at: int) -> Study:
    year = at - 8
    return Study(
        level="vocational",
        grade=Words(th=f"ปวช. ปีที่ {year}", en=f"Vocational certificate, year {year}"),
        school_id=f"99{citizen.address.subdistrict_code[:2]}0080",
        school=_college(citizen),
    )


def _at_university(degree: Degree, today: date) -> Study:
    year = year_of_study(degree, today)
    level: Level = {"diploma": "vocational", "bachelor": "undergrad", "master": "postgrad"}[degree.kind]  # type: ignore[assignment]  # the three are levels
    return Study(
        level=level,
        grade=Words(th=f"ชั้นปีที่ {year}", en=f"Year {year}"),
        school_id=f"9900{throw(degree.institution.en) % 10_000:04}",
        school=degree.institution,
    )


def year_of_study(degree: Degree, today: date) -> int:
    began = degree.admitted_on
    return min(YEARS[degree.kind], 1 + today.year - began.year - ((today.month, today.day) < (began.month, began.day)))


def _draw(world: World, citizen: Citizen, what: str) -> int:
    return throw(world.nation.seed, "schooling", citizen.number, what)
