"""The Territorial Defence Command: the list at seventeen, the call-up at twenty, the selection at twenty-one.

By the Military Service Act of 1954 age is counted by calendar years. Students are deferred until they graduate; one in
seven has done three years of territorial defence training at school; two in nine of the others draw a red card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from sandbox import schooling
from sandbox.agencies.standard import Answer, Asked
from sandbox.people import Words
from sandbox.samples import LAST_NUMBER

Standing = Literal[
    "to_register",
    "listed",
    "to_collect",
    "called",
    "deferred",
    "exempt",
    "released",
    "serving",
    "discharged",
    "past_age",
]
_LISTED_AT, _CALLED_AT, _SELECTED_AT, _PAST_AT = 17, 20, 21, 46
_SERVICE_DAYS = 730
_COMING_OF_AGE = 3  # whose story is that he isn't on the list yet
_STUDIES = Words(th="อยู่ระหว่างศึกษาในสถาบันอุดมศึกษา", en="In higher education")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    """The days of one man's military duty, those to come too."""

    listed: date
    called: date
    selection: date
    is_trained: bool
    is_drafted: bool
    deferred_until: date | None


def get_status(asked: Asked) -> Mapping[str, Any] | None:
    """Thai men from the year they turn seventeen on."""
    person, today = asked.person, asked.today
    age = today.year - person.birth.year
    if person.sex != "male" or person.nationality != "thai" or not person.alive or age < _LISTED_AT:
        return None
    life = _life(asked)
    standing = _standing(life, age, today)
    is_listed, is_called = life.listed <= today, life.called <= today and not life.is_trained
    window = {"to_register": _LISTED_AT, "to_collect": _CALLED_AT}.get(standing)
    place = person.address
    word = "เขต" if place.subdistrict_code.startswith("10") else "อำเภอ"
    return {
        "sd9": is_listed,
        "sd9_no": f"{asked.dice('sd9') % 10**6:06d}" if is_listed else None,
        "sd9_date": life.listed if is_listed else None,
        "sd35": is_called,
        "sd35_date": life.called if is_called else None,
        "is_done": standing in ("exempt", "released", "serving", "discharged", "past_age"),
        "standing": standing,
        "act_from": date(person.birth.year + window, 1, 1) if window else None,
        "act_until": date(person.birth.year + window, 12, 31) if window else None,
        "selection_date": life.selection if standing in ("called", "released", "serving", "discharged") else None,
        "deferral": _STUDIES if standing == "deferred" else None,
        "deferred_until": life.deferred_until if standing == "deferred" else None,
        "office": Words(th=f"หน่วยสัสดี{word}{place.district.th}", en=f"{place.district.en} recruiting office"),
    }


def _standing(life: _Life, age: int, today: date) -> Standing:
    if age >= _PAST_AT:
        return "past_age"
    if today < life.listed:
        return "to_register"
    if life.is_trained:
        return "exempt" if age >= 18 else "listed"
    if today < life.called:
        return "to_collect" if age >= _CALLED_AT else "listed"
    if today < life.selection:
        return "deferred" if life.deferred_until else "called"
    if not life.is_drafted:
        return "released"
    return "serving" if today < life.selection + timedelta(days=_SERVICE_DAYS) else "discharged"


def _life(asked: Asked) -> _Life:
    person, draw = asked.person, asked.dice("duty")
    born = person.birth.year
    listed = date(born + _LISTED_AT, 1 + draw % 12, 1 + (draw >> 4) % 28)
    if person.number == _COMING_OF_AGE:
        listed = asked.world.clock.day_zero + timedelta(days=60)
    elif person.number > LAST_NUMBER and (draw >> 12) % 33 == 0:  # some forget for months
        listed += timedelta(days=250)
    called = max(date(born + _CALLED_AT, 1 + (draw >> 20) % 12, 1 + (draw >> 24) % 28), listed)
    studies = next((one for one in schooling.degrees(asked.world, person) if one.kind == "bachelor"), None)
    year = born + _SELECTED_AT
    until = studies.graduates_on if studies and studies.graduates_on >= date(year, 4, 1) else None
    if until:
        year = until.year + 1
    selection = date(year, 4, 1 + (draw >> 28) % 11)
    return _Life(
        listed=listed,
        called=called,
        selection=selection,
        is_trained=person.number > LAST_NUMBER and (draw >> 32) % 7 == 0,
        is_drafted=(draw >> 36) % 9 < 2 and _is_free(asked, selection),
        deferred_until=until,
    )


def _is_free(asked: Asked, selection: date) -> bool:
    """Nobody serves who has worked for wages, or for the state, in those years."""
    insurance = asked.person.insurance
    works = insurance.section == "33" or asked.person.civil_servant or asked.person.number <= LAST_NUMBER
    return not works and asked.person.disability is None and selection.year >= 1990


ANSWERS: Final[Mapping[str, Answer]] = {"get_status": get_status}
