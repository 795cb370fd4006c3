"""The Election Commission: the next election, where one votes in it, and whether one may.

There is an invented election every first Sunday of February: a general one every fourth year, a local one in the others.
Whether somebody is a monk or in prison, other registers know; the roll here is the house register's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sandbox import local, places
from sandbox.agencies.standard import Answer, Asked
from sandbox.people import Address, Words
from sandbox.schooling import village_school
from sandbox.world import BANGKOK, age_on

_MONTH, _GENERAL_EVERY = 2, 4
_VOTING_AGE, _DAYS_REGISTERED = 18, 90
_ABSENCE = timedelta(days=7)  # before the day and after it
_OPENS, _CLOSES = time(8), time(17)
_LIMITED = timedelta(days=730)  # rights of who stayed away and gave no reason
_STAYED_AWAY = 20  # one voter in so many lost rights at the last election (assumed)
_TOO_YOUNG = Words(th="อายุไม่ถึง 18 ปีในวันเลือกตั้ง", en="not yet 18 on election day")
_NOT_THAI = Words(th="ไม่ได้มีสัญชาติไทย", en="not of Thai nationality")
_TOO_LATE = Words(
    th="มีชื่อในทะเบียนบ้านเขตนี้ไม่ถึง 90 วันในวันเลือกตั้ง ให้ขอใช้สิทธินอกเขตจากทะเบียนบ้านเดิม",
    en="registered here for less than 90 days on election day; vote from the former address instead",
)


def get_polling(asked: Asked) -> Mapping[str, Any] | None:
    person, day = asked.person, election_day(asked.today)
    if not person.alive:
        return None
    reason = _why_not(asked, day)
    seat = local.constituency(person.address)
    house = int(person.address.house_id[2:10])
    is_missed = asked.person.number > 199 and asked.dice("stayed away") % _STAYED_AWAY == 0
    last = election_day(asked.today - timedelta(days=366))
    limited = last + _LIMITED if is_missed and age_on(person.birth, last) >= _VOTING_AGE else None
    return _election(day) | {
        "election_date": day,
        "eligible": reason is None,
        "reason": reason,
        "constituency": None if reason else seat.name,
        "station": None if reason else _station(person.address, house % 12 + 1),
        "station_number": None if reason else house % 12 + 1,
        "order": None if reason else house % 600 + 1 + asked.dice("order") % 20,
        "opens_at": datetime.combine(day, _OPENS, BANGKOK),
        "closes_at": datetime.combine(day, _CLOSES, BANGKOK),
        "absence_from": day - _ABSENCE,
        "absence_until": day + _ABSENCE,
        "absence_reported": False,
        "rights_limited_until": limited if limited and limited > asked.today else None,
    }


def get_next_election(asked: Asked) -> Mapping[str, Any] | None:
    """What is announced for a province, whoever lives there."""
    if asked.arguments["province"] not in places.PROVINCE:
        return None
    day = election_day(asked.today)
    return _election(day) | {"election_day": day}


def _election(day: date) -> dict[str, Any]:
    is_general = day.year % _GENERAL_EVERY == 3
    return {
        "election_id": f"{'G' if is_general else 'L'}{day.year + 543}",
        "election": Words(
            th=f"การเลือกตั้ง{'สมาชิกสภาผู้แทนราษฎร' if is_general else 'ท้องถิ่น'} {day.year + 543}",
            en=f"{'General' if is_general else 'Local'} election {day.year}",
        ),
        "kind": "general" if is_general else "local",
    }


def election_day(today: date) -> date:
    """The next one; until a week after it, while absence may still be reported, the one just past."""
    for year in (today.year, today.year + 1):
        first = date(year, _MONTH, 1)
        sunday = first + timedelta(days=(6 - first.weekday()) % 7)
        if today <= sunday + _ABSENCE:
            return sunday
    raise AssertionError("an election every year")  # pragma: no cover


def _why_not(asked: Asked, day: date) -> Words | None:
    person = asked.person
    if person.nationality != "thai":
        return _NOT_THAI
    if age_on(person.birth, day) < _VOTING_AGE:
        return _TOO_YOUNG
    if (day - person.moved_in).days < _DAYS_REGISTERED <= (day - person.birth.earliest()).days:
        return _TOO_LATE if person.moved_in <= asked.today else None
    return None


def _station(address: Address, number: int) -> Words:
    _, school = village_school(address.subdistrict_code, address.subdistrict)
    return Words(th=f"{school.th} หน่วยที่ {number}", en=f"{school.en}, station {number}")


ANSWERS: Final[Mapping[str, Answer]] = {"get_next_election": get_next_election, "get_polling": get_polling}
