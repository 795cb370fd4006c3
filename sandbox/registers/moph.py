"""The Ministry of Public Health: vaccinations, pregnancies, certificates of birth and of health.

A woman whose child the nation knows was pregnant before its birth, so the day can be moved back over a birth and all
registers agree. The nation knows nobody who is born after its day zero, so of the pregnancies drawn for that day and
later (two in a hundred women of an age, as there are births in Thailand) the visits are told, and no child comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sandbox import places, vaccines
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.civil import CARD_YEARS, Registry
from sandbox.happenings import Happening, happenings
from sandbox.people import Citizen, Hospital, Words
from sandbox.samples import LAST_NUMBER, anniversary
from sandbox.world import BANGKOK, age_on

PREGNANT: Final = timedelta(days=280)
_KNOWN_FROM = timedelta(weeks=6)
_REMEMBERED = timedelta(days=180)  # after a birth, the visits before it
_VISIT_WEEKS = (9, 16, 20, 26, 30, 34, 36, 38)
_RECORDS_SINCE = 2010  # of vaccinations in childhood
_DUE_WITHIN = timedelta(days=90)
_DRAWN_DAYS = 400  # in each such span a woman of an age may begin a pregnancy

_NEWLY_DISABLED, _OPERATED_DAYS_AGO, _CERTIFIED_DAYS_AGO = 6, 35, 21
_DRIVER = 8
_REST_AFTER_OPERATION = 90
_LISTED = (
    Words(th="ความดันโลหิตสูงที่มีภาวะแทรกซ้อน", en="Hypertension with complications"),
    Words(th="ไตวายเรื้อรัง", en="Chronic kidney failure"),
    Words(th="มะเร็ง", en="Cancer"),
    Words(th="หัวใจล้มเหลว", en="Heart failure"),
)
_ILLNESSES = (
    Words(th="ไข้หวัดใหญ่", en="Influenza"),
    Words(th="อาหารเป็นพิษ", en="Food poisoning"),
    Words(th="ไข้เลือดออก", en="Dengue fever"),
    Words(th="หมอนรองกระดูกเคลื่อน", en="Slipped disc"),
    Words(th="กระดูกข้อมือหัก", en="Broken wrist"),
)
_REST = (3, 2, 7, 10, 30)
_FIT = Words(th="ร่างกายพร้อมขับรถ", en="Fit to drive")


def get_immunization(asked: Asked) -> Mapping[str, Any] | None:
    return _immunization(asked, asked.person)


def get_child_immunization(asked: Asked) -> Mapping[str, Any] | None:
    child = asked.world.find(asked.arguments["child_id"])
    return None if child is None else _immunization(asked, child)


def _immunization(asked: Asked, person: Citizen) -> Mapping[str, Any] | None:
    if not person.alive:
        return None
    today, where, born = asked.today, _near(person).name, person.birth.earliest()
    given: list[dict[str, Any]] = []
    due: list[dict[str, Any]] = []
    for code, name, number, day in _planned(asked, person):
        draw = _draw(asked, person, f"{code} {number} {day}")
        # A week late as a rule; one dose in forty only after months. What is given at birth is never late.
        on = day if day == born else day + timedelta(days=draw % 14 if (draw >> 8) % 40 else 60 + draw % 200)
        said = {"vaccine_id": code, "vaccine": name, "dose_no": number}
        if on <= today:
            given.append({**said, "given_on": on, "place": where})
        elif day <= today + _DUE_WITHIN:
            due.append({**said, "due_date": day, "is_overdue": day < today})
    return {
        "doses": sorted(given, key=lambda one: one["given_on"]),
        "due": sorted(due, key=lambda one: one["due_date"]),
    }


def _planned(asked: Asked, person: Citizen) -> Iterator[tuple[str, Words, int, date]]:
    """Which doses somebody takes or is to take: those of childhood, against COVID-19 in 2021, against influenza from 65."""
    born, today = person.birth.earliest(), asked.today
    if born.year >= _RECORDS_SINCE:
        for dose, day in vaccines.plan(born, person.sex):
            yield dose.code, dose.name, dose.number, day
    if age_on(person.birth, date(2021, 6, 7)) >= 12 and _draw(asked, person, "covid") % 100 < 85:
        for number, day in ((1, date(2021, 7, 1)), (2, date(2021, 8, 20)), (3, date(2022, 1, 15))):
            yield "COVID", vaccines.COVID, number, day
    for year in range(today.year - 2, today.year + 1):
        begins, ends = date(year, 5, 1), date(year, 8, 31)  # free to them in these months
        takes_it = _draw(asked, person, f"flu {year}") % 100 < 45
        if age_on(person.birth, begins) >= 65 and (takes_it or begins <= today <= ends):
            yield "FLU", vaccines.FLU, 1, begins if takes_it else ends


def get_antenatal(asked: Asked) -> Mapping[str, Any] | None:
    person, today = asked.person, asked.today
    birth = _birth_near(asked) if person.alive and person.sex == "female" else None
    if birth is None or today < (began := birth - PREGNANT) + _KNOWN_FROM:
        return None
    late = asked.dice(f"visits {birth}") % 5
    planned = [(week, began + timedelta(weeks=week, days=late)) for week in _VISIT_WEEKS]
    visits = [(week, day) for week, day in planned if day <= today and day < birth]
    is_pregnant = today < birth
    where = _near(person).name
    return {
        "pregnant": is_pregnant,
        "pregnancy_start_date": began if is_pregnant else None,
        "antenatal_visit_date": visits[-1][1] if visits else None,
        "expected_on": birth if is_pregnant else None,
        "next_visit_date": next((day for _, day in planned if today < day < birth), None),
        "visits": [
            {"visit_no": number, "visited_on": day, "weeks": week, "place": where}
            for number, (week, day) in enumerate(visits, 1)
        ],
    }


def _birth_near(asked: Asked) -> date | None:
    """The birth that a woman waits for, else her latest one of the last months."""
    nation, today = asked.world.nation, asked.today
    births = sorted(nation.citizen(child).birth.earliest() for child in asked.person.children)
    coming = [day for day in births if today < day <= today + PREGNANT]
    lately = [day for day in births if today - _REMEMBERED <= day <= today]
    return coming[0] if coming else lately[-1] if lately else _drawn_birth(asked, births)


def _drawn_birth(asked: Asked, births: list[date]) -> date | None:
    person, today, zero = asked.person, asked.today, asked.world.nation.day_zero
    if person.number <= LAST_NUMBER:
        return None
    window = today.toordinal() // _DRAWN_DAYS
    for at in (window - 1, window):
        draw = asked.dice(f"pregnancy {at}")
        expected = date.fromordinal(at * _DRAWN_DAYS + (draw >> 16) % _DRAWN_DAYS) + PREGNANT
        is_rested = not births or births[-1] + timedelta(days=500) < expected
        is_of_age = 18 <= age_on(person.birth, expected - PREGNANT) < 43
        if draw % 1_000 < 30 and zero < expected and today < expected <= today + PREGNANT and is_rested and is_of_age:
            return expected
    return None


def get_birth_report(asked: Asked) -> Mapping[str, Any] | None:
    """A mother's children of the last seven years who were born in a hospital."""
    person, world = asked.person, asked.world
    registry = Registry(world.nation)
    reports = []
    for child in world.present(person.children) if person.sex == "female" else []:
        birth = registry.birth(child)
        if birth is None or birth.hospital is None or world.age(child) >= 7:
            continue
        draw = _draw(asked, child, "birth report")
        reports.append(
            {
                "report_ref": f"{birth.hospital.code}-{draw % 10**7:07d}",
                "born_at": datetime.combine(child.birth.earliest(), time(draw % 24, (draw >> 8) % 60), BANGKOK),
                "hospital": birth.hospital.name,
                "child_sex": child.sex,
                "weight_g": 2_600 + (draw >> 16) % 1_200,
            }
        )
    return {"reports": reports}


def get_medical_certificate(asked: Asked) -> Mapping[str, Any] | None:
    person, today = asked.person, asked.today
    if not person.alive:
        return None
    disabled_since = _certified_on(asked)
    leave = _sick_leave(asked)
    drives = _driving_certificate(asked)
    diseases = _diseases(asked)
    certificates = [
        *leave,
        *([_disability_certificate(asked, disabled_since)] if disabled_since else []),
        *([_certificate(asked, "driving", drives, _FIT, valid_days=30)] if drives else []),
    ]
    latest = leave[0] if leave and leave[0]["issued_on"] >= today - timedelta(days=90) else None
    return {
        "disability_certified": disabled_since is not None,
        "ordered_rest_days": latest["rest_days"] if latest else 0,
        "sickness_start_date": latest["issued_on"] if latest else None,
        "has_listed_disease": bool(diseases),
        "diseases": diseases,
        "driving_certificate_date": drives,
        "certificates": sorted(certificates, key=lambda one: one["issued_on"], reverse=True),
    }


def _sick_leave(asked: Asked) -> list[dict[str, Any]]:
    """The latest first: seven in a hundred grown-ups a quarter, and who lost a leg."""
    person, today, zero = asked.person, asked.today, asked.world.clock.day_zero
    operated = zero - timedelta(days=_OPERATED_DAYS_AGO)
    if person.number == _NEWLY_DISABLED and operated <= today:
        said = Words(th="ตัดขาขวาใต้เข่า", en="Right leg taken off below the knee")
        return [_certificate(asked, "sick_leave", operated, said, rest_days=_REST_AFTER_OPERATION)]

    def certificate(one: Happening) -> dict[str, Any]:
        at = one.draw >> 24 & 0xFF
        return _certificate(
            asked, "sick_leave", one.on, _ILLNESSES[at % len(_ILLNESSES)], rest_days=_REST[at % len(_REST)]
        )

    return [certificate(one) for one in happenings(asked.world, person, "illness", per_quarter=7, least_age=15)]


def _certified_on(asked: Asked) -> date | None:
    """When a doctor certified the disability: before the card, where there is one; for half of the others."""
    person, today = asked.person, asked.today
    if person.disability is None:
        return None
    if person.number == _NEWLY_DISABLED:
        on = asked.world.clock.day_zero - timedelta(days=_CERTIFIED_DAYS_AGO)
    elif card := Registry(asked.world.nation).disability_card(person):
        on = max(card.issued_on - timedelta(days=10 + asked.dice("certified") % 30), person.birth.earliest())
    elif asked.dice("certified") % 2:
        since = asked.world.nation.day_zero - timedelta(days=500 + asked.dice("certified on") % 900)
        on = max(since, person.birth.earliest())
    else:
        return None
    return on if on <= today else None


def _disability_certificate(asked: Asked, on: date) -> dict[str, Any]:
    kind = asked.person.disability
    assert kind is not None  # noqa: S101 - certified, so there is one
    said = Words(th=f"ความพิการ{kind.th}", en=f"{kind.en} disability")
    return _certificate(asked, "disability", on, said, valid_days=365 * CARD_YEARS)


def _driving_certificate(asked: Asked) -> date | None:
    """For a licence that ends within two months: three in ten have been to the doctor. Not the driver of the story."""
    person, today = asked.person, asked.today
    ends = person.licence_expires
    if ends is None or person.number == _DRIVER or asked.dice(f"driving {ends}") % 10 >= 3:
        return None
    on = ends - timedelta(days=20 + asked.dice(f"driving {ends}") % 30)
    return on if on <= today <= on + timedelta(days=120) else None


def _diseases(asked: Asked) -> list[Words]:
    """Listed ones: one in fifteen from fifty on, one in six from seventy on."""
    person = asked.person
    if person.chronic_diseases or person.number <= LAST_NUMBER:
        return list(person.chronic_diseases)
    age, draw = age_on(person.birth, asked.today), asked.dice("chronic")
    share = 0 if age < 50 else 6 if age < 70 else 16
    return [_LISTED[(draw >> 8) % len(_LISTED)]] if draw % 100 < share else []


def _certificate(
    asked: Asked, kind: str, on: date, result: Words, *, rest_days: int | None = None, valid_days: int | None = None
) -> dict[str, Any]:
    return {
        "cert_id": f"MC{asked.dice(f'{kind} {on}') % 10**8:08d}",
        "kind": kind,
        "issued_on": on,
        "hospital": _near(asked.person).name,
        "result": result,
        "rest_days": rest_days,
        "valid_until": None if valid_days is None else _later(on, valid_days),
    }


def _later(day: date, days: int) -> date:
    return anniversary(day, day.year + days // 365) if days >= 365 else day + timedelta(days=days)


def _near(person: Citizen) -> Hospital:
    return places.PROVINCE[person.address.subdistrict_code[:2]].hospitals[1]


def _draw(asked: Asked, person: Citizen, what: str) -> int:
    return throw(asked.world.nation.seed, "moph", person.number, what)


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_immunization": get_immunization,
    "get_child_immunization": get_child_immunization,
    "get_antenatal": get_antenatal,
    "get_birth_report": get_birth_report,
    "get_medical_certificate": get_medical_certificate,
}
