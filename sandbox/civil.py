"""What registry offices have written down about a citizen: birth, marriages, changed names, the disability card.

All of it follows from the citizen and their family, so nothing is stored and both spouses tell of the same wedding.
Whatever is not told in a sample's story happened more than a year before day zero: as far back as the day can be moved,
everybody bears the name and has the status that the other registers show.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from sandbox import names, places, rates, samples
from sandbox.nation import Nation
from sandbox.people import Address, Citizen, Hospital, Words

FIRST_REGISTERED_YEAR = 1956  # of births, under the Civil Registration Act of that year
CARD_YEARS = 8  # a disability card's

_SETTLED = timedelta(days=430)  # before day zero: further than the day can be moved back
_YEAR = 365.25
_CERTIFIED_LATELY = frozenset({6})  # whose story is that the card has yet to be asked for
_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXY"

MaritalStatus = Literal["single", "married", "divorced", "widowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    registered_on: date | None  # None: long after, nobody knows when
    certificate: str
    office: Words
    hospital: Hospital | None  # None: at home
    province: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Marriage:
    registered_on: date
    number: str
    office: Words
    spouse: int | None  # None: somebody who isn't of this nation's register
    spouse_name: Words
    ended_on: date | None
    ended_by: Literal["divorce", "death"] | None
    end_number: str | None

    def is_over(self, day: date) -> bool:
        return self.ended_on is not None and self.ended_on <= day


@dataclass(frozen=True, slots=True, kw_only=True)
class NameChange:
    kind: Literal["first", "last"]
    old: Words
    new: Words
    changed_on: date
    certificate: str
    office: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class DisabilityCard:
    kind: int  # 1 to 7, in rates.DISABILITIES
    issued_on: date
    expires_on: date
    caregiver: int | None
    relation: Words | None  # what the caregiver is to the holder


def laser_code(citizen: Citizen) -> str:
    """What is printed on the back of the identity card, without its hyphens: two letters and ten digits."""
    draw = _draw("laser", citizen.pid)
    first, second = _LETTERS[draw % len(_LETTERS)], _LETTERS[draw // 32 % len(_LETTERS)]
    return f"{first}{second}{(draw >> 16) % 10**10:010}"


def disability_card_days(number: int, pid: str, born: date, day_zero: date) -> tuple[date, date] | None:
    """From when to when the card of somebody with a disability is good; two in ten have none."""
    draw = _draw("disability card", pid)
    if number in _CERTIFIED_LATELY or draw % 10 < 2:
        return None
    issued = max(day_zero - timedelta(days=60 + (draw >> 8) % 3_200), born + timedelta(days=30))
    return issued, samples.anniversary(issued, issued.year + CARD_YEARS)


class Registry:
    """The registry offices of a nation."""

    def __init__(self, nation: Nation) -> None:
        self._nation = nation
        self._settled = nation.day_zero - _SETTLED

    def birth(self, citizen: Citizen) -> Birth | None:
        """None for those born abroad, and before births were registered."""
        born = citizen.birth
        if citizen.nationality == "other" or born.year < FIRST_REGISTERED_YEAR:
            return None
        draw = _draw("birth", citizen.pid)
        mother = self._nation.citizen(citizen.mother) if citizen.mother else None
        address = mother.address if mother else citizen.address
        at_home = draw % 100 < (90 if born.year < 1970 else 40 if born.year < 1990 else 2)
        hospitals = places.PROVINCE[address.subdistrict_code[:2]].hospitals
        # Hospitals have registered births on the spot for some years; before that it took days.
        late = timedelta(days=0 if born.year >= 2020 else 1 + draw // 128 % 15)
        return Birth(
            registered_on=born.earliest() + late if born.day else None,
            certificate=f"{address.subdistrict_code[:4]}-{(draw >> 20) % 10**8:08}",
            office=_office(address),
            hospital=None if at_home else hospitals[(draw >> 12) % len(hospitals)],
            province=address.province,
        )

    def marriages(self, citizen: Citizen) -> tuple[Marriage, ...]:
        """At most one in this nation. Nobody here married twice."""
        if citizen.marital_status == "single":
            return ()
        spouse = self._nation.citizen(citizen.spouse) if citizen.spouse else None
        both = (citizen.pid, spouse.pid) if spouse else (citizen.pid,)
        draw = _draw("marriage", *sorted(both))
        started = samples.wedding(citizen.number, self._nation.day_zero) or self._wedding(citizen, spouse, draw)
        ended_on, ended_by = self._end(citizen, spouse, started, draw)
        elder = min((citizen, spouse), key=lambda one: one.number) if spouse else citizen
        return (
            Marriage(
                registered_on=started,
                number=_number(draw, started),
                office=_office(elder.address),
                spouse=spouse.number if spouse else None,
                spouse_name=_name(spouse) if spouse else _stranger(citizen, draw),
                ended_on=ended_on,
                ended_by=ended_by,
                end_number=_number(draw >> 7, ended_on) if ended_on and ended_by == "divorce" else None,
            ),
        )

    def marital_status(self, citizen: Citizen, day: date) -> MaritalStatus:
        begun = [one for one in self.marriages(citizen) if one.registered_on <= day]
        if not begun:
            return "single"
        if not begun[-1].is_over(day):
            return "married"
        return "divorced" if begun[-1].ended_by == "divorce" else "widowed"

    def name_changes(self, citizen: Citizen) -> tuple[NameChange, ...]:
        """Oldest first: a wife's new surname, and now and then a luckier first name."""
        if citizen.nationality != "thai":
            return ()
        found = [one for one in (self._new_first_name(citizen), self._new_surname(citizen)) if one is not None]
        return tuple(sorted(found, key=lambda one: one.changed_on))

    def disability_card(self, citizen: Citizen) -> DisabilityCard | None:
        """The latest one; two in ten who could have one don't."""
        days = disability_card_days(citizen.number, citizen.pid, citizen.birth.earliest(), self._nation.day_zero)
        if citizen.disability is None or days is None:
            return None
        draw, (issued, expires) = _draw("disability card", citizen.pid), days
        caregiver, relation = self._caregiver(citizen) if draw >> 4 & 3 else (None, None)
        return DisabilityCard(
            kind=rates.DISABILITIES.index(citizen.disability),
            issued_on=issued,
            expires_on=expires,
            caregiver=caregiver,
            relation=relation,
        )

    def _wedding(self, citizen: Citizen, spouse: Citizen | None, draw: int) -> date:
        births = [one.birth.earliest() for one in (citizen, spouse) if one is not None]
        grown_up = max(births) + timedelta(days=18 * _YEAR)
        children = self._children(citizen)
        before_them = min(children) - timedelta(days=250 + draw % 900) if children else None
        day = before_them or grown_up + timedelta(days=draw % 4_000)
        last = [one.died_on - timedelta(days=400) for one in (citizen, spouse) if one is not None and one.died_on]
        return min(max(day, grown_up), self._settled - timedelta(days=400), *last)

    def _end(
        self, citizen: Citizen, spouse: Citizen | None, started: date, draw: int
    ) -> tuple[date | None, Literal["divorce", "death"] | None]:
        if spouse is not None and spouse.died_on is not None:
            outlived = citizen.died_on is None or spouse.died_on <= citizen.died_on
            return (spouse.died_on, "death") if outlived else (None, None)
        if citizen.marital_status == "married":
            return None, None
        told = samples.divorce(citizen.number, self._nation.day_zero)
        lasted = started + timedelta(days=365 + (draw >> 24) % 5_000)
        ended = max([lasted, *(born + timedelta(days=120) for born in self._children(citizen))])
        died = [citizen.died_on - timedelta(days=1)] if citizen.died_on else []
        ended = told or max(min(ended, self._settled, *died), started + timedelta(days=1))
        return ended, "divorce" if citizen.marital_status == "divorced" else "death"

    def _children(self, citizen: Citizen) -> list[date]:
        return [self._nation.citizen(number).birth.earliest() for number in citizen.children]

    def _new_first_name(self, citizen: Citizen) -> NameChange | None:
        draw = _draw("first name", citizen.pid)
        changed = citizen.birth.earliest() + timedelta(days=18 * _YEAR + (draw >> 8) % 5_000)
        if draw & 15 or changed > self._settled or citizen.story is not None:
            return None
        return NameChange(
            kind="first",
            old=_another(names.MEN if citizen.sex == "male" else names.WOMEN, draw >> 24, citizen.first_name),
            new=citizen.first_name,
            changed_on=changed,
            certificate=_number(draw >> 5, changed),
            office=_office(citizen.address),
        )

    def _new_surname(self, citizen: Citizen) -> NameChange | None:
        if citizen.sex != "female" or not citizen.spouse:
            return None
        if self._nation.citizen(citizen.spouse).last_name != citizen.last_name:
            return None
        (marriage,) = self.marriages(citizen)
        father = self._nation.citizen(citizen.father) if citizen.father else None
        draw = _draw("surname", citizen.pid)
        own = father.last_name if father else _another(names.SURNAMES, draw, citizen.last_name)
        if own == citizen.last_name:
            return None
        return NameChange(
            kind="last",
            old=own,
            new=citizen.last_name,
            changed_on=marriage.registered_on,
            certificate=_number(draw >> 9, marriage.registered_on),
            office=marriage.office,
        )

    def _caregiver(self, citizen: Citizen) -> tuple[int | None, Words | None]:
        """The first grown-up of the house among husband or wife, mother, father, children."""
        kin: list[tuple[int | None, Words]] = [
            (citizen.spouse, Words(th="คู่สมรส", en="spouse")),
            (citizen.mother, Words(th="มารดา", en="mother")),
            (citizen.father, Words(th="บิดา", en="father")),
            *((child, Words(th="บุตร", en="child")) for child in citizen.children),
        ]
        grown_up_by = self._nation.day_zero - timedelta(days=20 * _YEAR)
        for number, relation in kin:
            if number in citizen.household and self._nation.citizen(number).birth.earliest() <= grown_up_by:
                return number, relation
        return None, None


def _draw(what: str, *pids: str) -> int:
    """64 bits that are always the same for these people and this purpose."""
    digest = hashlib.blake2b("/".join((what, *pids)).encode(), digest_size=8).digest()
    return int.from_bytes(digest)


def _number(draw: int, day: date) -> str:
    """As registers count: by the Buddhist year."""
    return f"{draw % 1_900 + 1}/{day.year + 543}"


def _office(address: Address) -> Words:
    kind = "เขต" if address.subdistrict_code.startswith("10") else "อำเภอ"
    return Words(th=f"สำนักทะเบียน{kind}{address.district.th}", en=f"{address.district.en} District Registry")


def _name(citizen: Citizen) -> Words:
    first, last = citizen.first_name, citizen.last_name
    return Words(th=f"{first.th} {last.th}", en=f"{first.en} {last.en}")


def _stranger(citizen: Citizen, draw: int) -> Words:
    first = _another(names.WOMEN if citizen.sex == "male" else names.MEN, draw >> 11, citizen.first_name)
    last = _another(names.SURNAMES, draw >> 31, citizen.last_name)
    return Words(th=f"{first.th} {last.th}", en=f"{first.en} {last.en}")


def _another(among: tuple[Words, ...], draw: int, than: Words) -> Words:
    at = draw % len(among)
    return among[at] if among[at] != than else among[(at + 1) % len(among)]
