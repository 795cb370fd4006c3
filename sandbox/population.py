"""Everybody's flat facts, drawn by the million: the nation without the words.

A fact is a hash of (seed, what is drawn, whose number), so no draw depends on another or on their order. Work goes by
whole blocks of sixteen, since some facts need the rest of the family: who is widowed, who is the householder, whose
father is a civil servant. Nothing here loops over people.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sandbox import fund, places, rates
from sandbox.families import (
    AGE_OF_YOUNGEST,
    AGE_STEPS,
    BLOCK,
    CHILD,
    DRAWN,
    EITHER,
    GAPS,
    MARRIED,
    PATTERN,
    SEATS,
    SELF,
    STRANGERS,
    UNRELATED,
    Ints,
    spread,
)

Flags = npt.NDArray[np.bool_]
Drawn = dict[str, npt.NDArray[Any]]

NOT_A_DAY: Final = int(np.iinfo(np.int64).min)  # what numpy reads as NaT
DAY: Final = np.dtype("datetime64[D]")
_MONTH: Final = np.dtype("datetime64[M]")
_EPOCH = date(1970, 1, 1)

_SMALL, _WIDE, _YES = np.dtype(np.uint8), np.dtype(np.uint32), np.dtype(np.bool_)
COLUMNS: Final[dict[str, np.dtype[Any]]] = {
    "number": _WIDE,
    "birth_year": np.dtype(np.int16),
    "birth_month": _SMALL,  # 0: unknown
    "birth_day": _SMALL,  # 0: unknown
    "sex": _SMALL,
    "alive": _YES,
    "died_on": DAY,
    "nationality": _SMALL,
    "marital_status": _SMALL,
    "father": _WIDE,  # citizen numbers, 0: not in the register
    "mother": _WIDE,
    "spouse": _WIDE,
    "children_count": _SMALL,
    "household_size": _SMALL,
    "is_householder": _YES,
    "province": _SMALL,  # 10 … 96
    "subdistrict": _WIDE,  # six digits
    "moved_in": DAY,
    "section": _SMALL,  # the last one held, as in `Insurance` …
    "section_now": _SMALL,  # … and the one held on day zero
    "first_insured": DAY,
    "insured_since": DAY,
    "insured_until": DAY,
    "contribution_months": np.dtype(np.uint16),
    "wage": _WIDE,
    "right": _SMALL,
    "hospital": _WIDE,  # code of the main unit, 0: none
    "income_per_year": _WIDE,
    "civil_servant": _YES,
    "state_pensioner": _YES,
    "disability": _SMALL,
    "id_card": _SMALL,
    "id_card_expires": DAY,
    "licence_expires": DAY,
    "vehicles_count": _SMALL,
}
# What the small numbers in those columns stand for.
CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "sex": rates.SEXES,
    "nationality": rates.NATIONALITIES,
    "marital_status": rates.MARITAL,
    "section": rates.SECTIONS,
    "section_now": rates.SECTIONS,
    "right": rates.RIGHTS,
    "disability": tuple("" if words is None else words.en for words in rates.DISABILITIES),
    "id_card": rates.ID_CARDS,
}

# Streams: what a throw is for. Vehicles and claims take one each from theirs on.
_BLOCKS, _FAMILY, _AGE_GAPS, _HOME, _PERSON, _WORK, _CARDS, _MORE = range(8)
_BULK_STREAMS = 8
NAME, SURNAMES, ADDRESS, VEHICLES, CLAIMS = 8, 9, 10, 100, 1_000

_DEATHS_KEPT_DAYS = 700
_YOUNGEST_OF_THE_BEREAVED_DAYS = 1_100  # nobody here is born to a parent already dead
_LICENCE_DAYS, _FIRST_LICENCE_DAYS = 1_826, 730
_GIVEN_UP_AFTER_DAYS = 90
_CARD_YEARS, _CARD_AGE, _CARD_FOR_LIFE_AGE = 8, 7, 70
_WORK_AGE_DAYS = 5_844  # sixteen years
_RECORDS_GO_BACK_DAYS = {"33": 10_045, "40": 4_383}
_MONTHS_TO_EPOCH = 1970 * 12

_PROVINCE = spread([province.people for province in places.PROVINCES], 65_536)
_PROVINCE_CODE = np.array([int(province.code) for province in places.PROVINCES], dtype=np.int64)
_PER_PROVINCE = places.DISTRICTS * places.SUBDISTRICTS
_SUBDISTRICT = np.array(
    [int(code) for province in places.PROVINCES for district in province.districts for code, _ in district.subdistricts]
)
_SUBDISTRICT_DRAW = spread([3] * places.SUBDISTRICTS + [2] * (_PER_PROVINCE - places.SUBDISTRICTS), 256)
_FIRST_HOSPITAL = int(places.PROVINCES[0].hospitals[0].code)
_GAP_SHIFTS = np.arange(GAPS, dtype=np.int64) * 10


class Dice:
    """Throws that can be repeated: the same seed, stream and number always show the same 64 bits (splitmix64)."""

    _MASK = 0xFFFF_FFFF_FFFF_FFFF
    _GOLDEN, _M1, _M2 = 0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB
    _GOLDEN_U, _M1_U, _M2_U = np.uint64(_GOLDEN), np.uint64(_M1), np.uint64(_M2)
    _27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)

    def __init__(self, seed: int) -> None:
        self._seed = self._mix(seed & self._MASK)
        self._salts = [np.uint64(self._salt(stream)) for stream in range(_BULK_STREAMS)]

    def throw_one(self, number: int, stream: int) -> int:
        return self._mix(number * self._GOLDEN + self._salt(stream) & self._MASK)

    def throw(self, numbers: Ints, stream: int) -> Ints:
        """`throw_one` for each number, the 64 bits read as signed ones: fit for arithmetic with other numbers."""
        x = numbers.view(np.uint64) * self._GOLDEN_U
        x += self._salts[stream]
        x ^= x >> self._30
        x *= self._M1_U
        x ^= x >> self._27
        x *= self._M2_U
        x ^= x >> self._31
        return x.view(np.int64)

    def _salt(self, stream: int) -> int:
        return self._mix(self._seed + stream * self._M1 & self._MASK)

    def _mix(self, x: int) -> int:
        x = (x ^ x >> 30) * self._M1 & self._MASK
        x = (x ^ x >> 27) * self._M2 & self._MASK
        return x ^ x >> 31


class Population:
    """The people of whole blocks, as on `day_zero`."""

    def __init__(self, *, seed: int, size: int, strangers_up_to: int, day_zero: date) -> None:
        self.dice = Dice(seed)
        self._strangers_below = strangers_up_to // BLOCK
        self._cut_block = size // BLOCK if size % BLOCK else -1  # the last block, when the size of the nation cuts it
        self._today = (day_zero - _EPOCH).days
        self._day_zero = day_zero
        self._year_end = (date(day_zero.year, 12, 31) - _EPOCH).days
        self._calendar = _Calendar(day_zero.year)
        self._never = self._calendar.last_day  # later than anything that is

    def draw(self, first_block: int, blocks: int) -> Drawn:
        """All of COLUMNS for those blocks, days as whole numbers, and some inner facts that one citizen's rest needs."""
        at = np.arange(blocks * BLOCK)
        seat = at & (BLOCK - 1)
        pattern = self._patterns(first_block, blocks)
        drawn: Drawn = {
            "number": at + (first_block * BLOCK + 1),
            "pattern": pattern,
            "row": (pattern[:, None] * BLOCK + np.arange(BLOCK)).ravel(),
            "top": at - seat,  # where one's block begins in these arrays …
            "first_number": at - seat + (first_block * BLOCK + 1),  # … and its first number
        }
        for facts in (self._births, self._families, self._homes, self._work, self._care, self._papers):
            drawn |= facts(drawn)
        del drawn["pattern"]  # the only one that is per block
        return drawn

    def _patterns(self, first_block: int, blocks: int) -> Ints:
        block = np.arange(first_block, first_block + blocks)
        pattern = PATTERN.take(_bits(self.dice.throw(block, _BLOCKS), 52, 12))
        pattern[: max(0, self._strangers_below - first_block)] = STRANGERS
        if first_block <= self._cut_block < first_block + blocks:
            pattern[self._cut_block - first_block] = STRANGERS
        return pattern

    def _births(self, d: Drawn) -> Drawn:
        pattern = d["pattern"]
        family_number = d["first_number"] + _by_seat(SEATS.family, pattern)
        family = self.dice.throw(family_number, _FAMILY)
        years = AGE_OF_YOUNGEST.take(_by_seat(SEATS.ages, pattern) * AGE_STEPS + _bits(family, 52, 12))
        youngest = self._year_end - (years * 1461 // 4) - (_bits(family, 36, 16) * 365 >> 16)
        # Who would be born later this year is instead, with the whole family, some years older.
        unborn = youngest > self._today
        youngest = np.where(unborn, youngest - (1 + _bits(family, 33, 3)) * 1461 // 4, youngest)
        gaps = self.dice.throw(family_number, _AGE_GAPS)[:, None] >> _GAP_SHIFTS & 1023
        spans = SEATS.span_days.reshape(-1, BLOCK, GAPS).take(pattern, axis=0).reshape(-1, GAPS)
        born = youngest - _by_seat(SEATS.base_days, pattern) - (np.einsum("ij,ij->i", gaps, spans) >> 10)

        person = self.dice.throw(d["number"], _PERSON)
        how_well_known = _bits(person, 8, 12)
        about = (self._today - born) // 366
        only_year = how_well_known < rates.ONLY_YEAR.take(about)
        no_day = how_well_known < rates.YEAR_AND_MONTH.take(about)
        months = self._calendar.month_of(born)
        year = months // 12
        month = months - year * 12
        # A year alone is one of the Buddhist era, and until 1940 those began in April.
        first_month = np.where(year > 1940, 1, 4)
        first_of_month, new_year = self._calendar.first_of(months), self._calendar.first_of(year * 12 + first_month - 1)
        registered = np.where(no_day, np.where(only_year, new_year, first_of_month), born)
        month = np.where(only_year, 0, month + 1)
        day = np.where(no_day, 0, born - first_of_month + 1)
        has_birthday_ahead = (np.where(only_year & no_day, first_month, np.maximum(month, 1)) << 5) + np.maximum(
            day, 1
        ) > ((self._day_zero.month << 5) + self._day_zero.day)
        return {
            "birth_year": year,
            "birth_month": month,
            "birth_day": day,
            "age": self._day_zero.year - year - has_birthday_ahead,
            "next_birthday_year": self._day_zero.year + 1 - has_birthday_ahead,
            "born": registered,
            "bereavable": youngest < self._today - _YOUNGEST_OF_THE_BEREAVED_DAYS,
            "family_throw": family,
            "person_throw": person,
            "more_throw": self.dice.throw(d["number"], _MORE),
        }

    def _families(self, d: Drawn) -> Drawn:
        pattern, top, age, person = d["pattern"], d["top"], d["age"], d["person_throw"]
        alive = ~((_bits(person, 20, 16) < rates.DEAD.take(age)) & d["bereavable"])
        died = np.where(alive, self._never, self._today - 1 - (_bits(d["more_throw"], 0, 16) * _DEATHS_KEPT_DAYS >> 16))

        rule, sex = _by_seat(SEATS.marital, pattern), _by_seat(SEATS.sex, pattern)
        female_share = np.where(rule == DRAWN, rates.FEMALE_ALONE.take(age), 125)
        sex = np.where(sex == EITHER, _bits(person, 0, 8) < female_share, sex)
        marital = rates.MARITAL_STATUS.take((rule * rates.AGES + age) * rates.MARITAL_STEPS + _bits(person, 36, 6))
        survives_spouse = (rule == MARRIED) & (died.take(top + _by_seat(SEATS.spouse, pattern)) < died)
        marital = np.where(survives_spouse, rates.WIDOWED, marital)

        # Everyone in a house stands in the order in which they would become its householder.
        living = alive.reshape(-1, BLOCK).cumsum(axis=1).ravel()
        before = living - alive
        before_house = before.take(top + _by_seat(SEATS.house, pattern))
        first_number = d["first_number"]
        return {
            "alive": alive,
            "died_on": np.where(alive, NOT_A_DAY, died),
            "until": np.minimum(died, self._today),  # the day on which this life's account is drawn up
            "sex": sex,
            "nationality": self._nationality(d),
            "marital_status": marital,
            "father": _numbers(_by_seat(SEATS.father, pattern), first_number),
            "mother": _numbers(_by_seat(SEATS.mother, pattern), first_number),
            "spouse": _numbers(_by_seat(SEATS.spouse, pattern), first_number),
            "children_count": _by_seat(SEATS.children_count, pattern),
            "is_householder": alive & (before == before_house),
            "household_size": np.where(alive, living.take(top + _by_seat(SEATS.house_end, pattern)) - before_house, 0),
        }

    def _nationality(self, d: Drawn) -> Ints:
        draw = _bits(d["family_throw"], 8, 12)
        foreign = np.where(draw < _by_seat(SEATS.foreign, d["pattern"]), rates.FOREIGN, rates.THAI)
        return np.where(draw >= 4096 - rates.STATELESS_FAMILIES, rates.STATELESS, foreign)

    def _homes(self, d: Drawn) -> Drawn:
        home = self.dice.throw(d["first_number"] + _by_seat(SEATS.home, d["pattern"]), _HOME)
        province = _PROVINCE.take(_bits(home, 48, 16))
        lived = d["until"] - d["born"]
        moved = _bits(d["more_throw"], 40, 12)  # four in ten never did
        return {
            "province_index": province,
            "province": _PROVINCE_CODE.take(province),
            "subdistrict": _SUBDISTRICT.take(province * _PER_PROVINCE + _SUBDISTRICT_DRAW.take(_bits(home, 40, 8))),
            "near_hospital": _bits(home, 32, 8) * places.HOSPITALS >> 8,
            "moved_in": d["until"] - np.where(moved < 2_458, lived * moved // 2_458, lived),
        }

    def _work(self, d: Drawn) -> Drawn:
        """Who serves the state, who is insured for what and since when, and what everybody earns."""
        pattern, age, until = d["pattern"], d["age"], d["until"]
        work = self.dice.throw(d["number"], _WORK)
        is_thai, is_foreign = d["nationality"] == rates.THAI, d["nationality"] == rates.FOREIGN
        service = self._service(d, is_thai)
        is_officer = (_by_seat(SEATS.stands, pattern) == SELF) & (service > 0)
        draw = _bits(work, 0, 10)
        section = rates.SECTION.take(age * rates.SECTION_STEPS + draw)
        may_work_here = (age >= 18) & (age < 60) & (draw < rates.FOREIGN_WORKERS_INSURED)
        section = np.where(is_foreign, may_work_here, section)
        working_days = until - d["born"] - _WORK_AGE_DAYS
        section = np.where(is_officer | (working_days < 366), 0, section)
        was_insured = (section == 0) & is_thai & ~is_officer & (working_days >= 366)
        was_insured &= _bits(d["more_throw"], 16, 8) < rates.ONCE_INSURED.take(age)

        limit = np.where(section >= 3, _RECORDS_GO_BACK_DAYS["40"], _RECORDS_GO_BACK_DAYS["33"])
        lasting = 31 + (_bits(work, 10, 16) * (np.minimum(working_days, limit) - 31) >> 16)
        part = _bits(work, 26, 16)
        section = np.where(was_insured | ((section == 2) & (lasting < 800)), 1, section)
        is_39 = section == 2
        left = until - 1 - (part * (lasting - 31) >> 16)
        ended = np.where(was_insured, left, np.where(d["alive"], NOT_A_DAY, until))
        ended = np.where(section == 0, NOT_A_DAY, ended)
        first = np.where(section == 0, NOT_A_DAY, until - lasting)
        since = np.where(is_39, until - 30 - (part * (lasting - 400) >> 16), first)
        is_insured = (section > 0) & (ended == NOT_A_DAY)

        z = _bits(work, 42, 12)
        wage = np.where(section == 1, rates.WAGE.take(z), np.where(is_39, fund.SECTION_39_BASE, 0))
        income_class = rates.INCOME_CLASS.take(age)
        is_pensioner = is_officer & (age >= 60)
        income_class = np.where(is_officer, rates.OFFICER_CLASS + is_pensioner, income_class)
        income = rates.INCOME.take(income_class * rates.INCOME_STEPS + z)
        pay_day = fund.FIRST_PAY_DAY + (_bits(work, 54, 8) * fund.PAY_DAYS >> 8)
        return {
            "service": service,
            "civil_servant": is_officer & (age < 60) & d["alive"],
            "state_pensioner": is_pensioner & d["alive"],
            "section": section,
            "section_now": np.where(is_insured, section, 0),
            "first_insured": first,
            "insured_since": since,
            "insured_until": ended,
            "contribution_months": self._months_paid(section, first, ended, pay_day),
            "wage": wage,
            "income_per_year": np.where(is_insured & (section == 1), wage * 12, income),
            "pay_day": pay_day,
            "own_hospital": _bits(work, 62, 2) % places.HOSPITALS,
        }

    def _service(self, d: Drawn, is_thai: Flags) -> Ints:
        """Whether somebody's right comes from serving the state (1) or a local authority (2): their own, a husband's or
        wife's, a parent's while under twenty, a child's."""
        pattern, age = d["pattern"], d["age"]
        officer = d["top"] + _by_seat(SEATS.officer, pattern)
        draw = _bits(d["family_throw"], 20, 12)
        stands = _by_seat(SEATS.stands, pattern)
        is_near = (stands != UNRELATED) & ((stands != CHILD) | (age < 20))
        serves = is_thai & is_near & (age.take(officer) >= 23) & d["alive"].take(officer)
        local = np.where(draw < rates.CIVIL_FAMILIES + rates.LOCAL_FAMILIES, 2, 0)
        return np.where(serves, np.where(draw < rates.CIVIL_FAMILIES, 1, local), 0)

    def _months_paid(self, section: Ints, first: Ints, ended: Ints, pay_day: Ints) -> Ints:
        """As many as `fund.contributions` lists."""
        last_due = np.where(
            pay_day <= self._day_zero.day,
            fund.last_month_due(self._day_zero, pay_day=1),
            fund.last_month_due(self._day_zero, pay_day=31),
        )
        last = np.minimum(self._calendar.month_of(np.where(ended == NOT_A_DAY, self._never, ended)), last_due)
        began = self._calendar.month_of(np.where(section == 0, self._today, first))
        return np.where(section == 0, 0, np.maximum(last - began + 1, 0))

    def _care(self, d: Drawn) -> Drawn:
        section, ended, age, nationality = d["section"], d["insured_until"], d["age"], d["nationality"]
        is_covered = (section == 1) | (section == 2)
        is_covered &= (ended == NOT_A_DAY) | (ended >= self._today - fund.COVER_AFTER_LEAVING.days)
        own = np.where(d["service"] == 1, rates.CSMBS, np.where(d["service"] == 2, rates.LAO, rates.UC))
        abroad = np.where(_bits(d["more_throw"], 24, 8) < rates.FOREIGNERS_COVERED, rates.OTHER_RIGHT, rates.NO_RIGHT)
        other = np.where(nationality == rates.FOREIGN, abroad, rates.OTHER_RIGHT)
        right = np.where(is_covered, rates.SSO, np.where(nationality == rates.THAI, own, other))
        right = np.where(d["alive"], right, rates.NO_RIGHT)
        hospital = np.where(right == rates.SSO, d["own_hospital"], d["near_hospital"])
        code = _FIRST_HOSPITAL + d["province_index"] * places.HOSPITALS + hospital
        has_unit = (right == rates.SSO) | (right == rates.UC) | (right == rates.OTHER_RIGHT)
        is_disabled = _bits(d["person_throw"], 42, 16) < rates.DISABLED.take(age)
        kind = rates.DISABILITY_KIND.take(age * rates.DISABILITY_STEPS + _bits(d["more_throw"], 32, 8))
        return {
            "right": right,
            "hospital": np.where(has_unit, code, 0),
            "disability": np.where(is_disabled, kind, 0),
        }

    def _papers(self, d: Drawn) -> Drawn:
        age, cards = d["age"], self.dice.throw(d["number"], _CARDS)
        wants = np.where(d["income_per_year"] > rates.WELL_OFF, 2, 1)
        cars_below, bikes_below = rates.CARS.take(age) * wants, rates.MOTORCYCLES.take(age)
        cars_draw, bikes_draw = _bits(cards, 36, 8), _bits(cards, 44, 8)
        cars = (cars_draw < cars_below) + (cars_draw < cars_below >> 3).astype(np.int64)
        bikes = (bikes_draw < bikes_below) + (bikes_draw < bikes_below >> 3).astype(np.int64)
        lasts = np.where(age < 23, _FIRST_LICENCE_DAYS, _LICENCE_DAYS)
        licence = self._today - _GIVEN_UP_AFTER_DAYS + (_bits(cards, 16, 12) * lasts >> 12)
        has_licence = _bits(cards, 28, 8) < rates.LICENCE.take(age)
        return {
            **self._id_cards(d, cards),
            "licence_expires": np.where(has_licence, licence, NOT_A_DAY),
            "cars": cars,
            "vehicles_count": cars + bikes,
        }

    def _id_cards(self, d: Drawn, cards: Ints) -> Drawn:
        """A card lasts eight years, to a birthday; the first is due at seven; from seventy on it is for life."""
        age, birth_year = d["age"], d["birth_year"]
        is_late = (_bits(cards, 0, 8) < rates.CARD_NOT_RENEWED) & (age > _CARD_AGE + _CARD_YEARS)
        ahead = np.where(is_late, -1 - _bits(cards, 52, 1), _bits(cards, 52, 3))
        expiry_year = np.maximum(d["next_birthday_year"] + ahead, birth_year + _CARD_AGE + _CARD_YEARS)
        month, day = np.maximum(d["birth_month"], 1), np.maximum(d["birth_day"], 1)
        expires = self._calendar.first_of(expiry_year * 12 + month - 1) + day - 1
        is_for_life = expiry_year - birth_year >= _CARD_FOR_LIFE_AGE + _CARD_YEARS
        never = (_bits(cards, 8, 8) < rates.NO_CARD_YET.take(age)) | (d["nationality"] != rates.THAI)
        mishap = _bits(cards, 55, 9)
        status = np.where(expires < self._today, rates.EXPIRED, rates.VALID)
        status = np.where(is_for_life, rates.LIFETIME, status)
        status = np.where(mishap == 0, rates.LOST, np.where(mishap == 1, rates.DAMAGED, status))
        status = np.where(never, rates.NEVER, status)
        return {"id_card": status, "id_card_expires": np.where(never | is_for_life, NOT_A_DAY, expires)}


class _Calendar:
    """Months looked up in tables, which is many times faster than numpy's own arithmetic of dates.

    Months are counted from the year 0, days from 1970. It reaches from before the oldest citizen's birth to after the
    last expiry.
    """

    _YEARS_BACK, _YEARS_ON = 130, 40

    def __init__(self, year: int) -> None:
        self._first_month = (year - self._YEARS_BACK) * 12
        months = np.arange(self._first_month, (year + self._YEARS_ON) * 12 + 1)
        self._first_days: Ints = (months - _MONTHS_TO_EPOCH).view(_MONTH).astype(DAY).view(np.int64)
        self._first_day = int(self._first_days[0])
        lengths = np.diff(self._first_days)
        self._months = np.repeat(months[:-1], lengths).astype(np.int32)
        self.last_day = int(self._first_days[-1]) - 1

    def month_of(self, days: Ints) -> Ints:
        return self._months.take(days - self._first_day).astype(np.int64)

    def first_of(self, months: Ints) -> Ints:
        return self._first_days.take(months - self._first_month)


def _bits(throw: Ints, at: int, width: int) -> Ints:
    """A few of the 64; the sign that a shift drags along is masked off again."""
    return throw >> at & (1 << width) - 1


def _by_seat(facts: Ints, pattern: Ints) -> Ints:
    """For everybody in blocks of those patterns, what their seat says."""
    return facts.reshape(-1, BLOCK).take(pattern, axis=0).ravel()


def _numbers(seats: Ints, first_number: Ints) -> Ints:
    return np.where(seats < 0, 0, first_number + seats)
