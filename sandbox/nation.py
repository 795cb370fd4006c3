"""The synthetic nation: citizen number N is a pure function of (seed, N), one row or sixty-six million.

Nothing is stored. `columns` draws flat facts by the million (see `population.py`); `citizen` reads one row of the very
same draw and adds the words, so both always agree. Who is whose relative follows from the number (see `families.py`).

Ages are counted back from the end of day zero's year: from one day to the next birthdays stay put (but in families that
wait for a birth), and in another year the nation is as young and as old as Thailand in 2026, not aged. Citizens 1 to
199 are the samples and their families, whose stories are told relative to day zero itself (see `samples.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from sandbox import fund, names, places, population, rates, samples
from sandbox.families import BLOCK, SEATS
from sandbox.people import (
    BirthDate,
    Citizen,
    Claim,
    Contribution,
    HealthFund,
    Hospital,
    Insurance,
    Vehicle,
    Words,
)
from sandbox.population import CATEGORIES, COLUMNS, DAY, Population

__all__ = ["CATEGORIES", "COLUMNS", "LARGEST", "SMALLEST", "Nation", "NoSuchCitizen", "pid"]

_PID_SPAN: Final = 10_000_000
LARGEST = 8 * _PID_SPAN - 1  # identity numbers of Thai nationals begin with 1 to 8
SMALLEST = -(-samples.LAST_NUMBER // BLOCK) * BLOCK  # room for the samples in whole blocks
_CHUNK_BLOCKS = 512  # what fits the processor's cache
_Row = dict[str, Any]


class NoSuchCitizen(LookupError):
    """A number outside the nation."""


def pid(number: int) -> str:
    """The identity number of citizen `number`: `1-0000-…` for the first ten million."""
    block, rest = divmod(number, _PID_SPAN)
    digits = f"{block + 1}0000{rest:07d}"
    return digits + _check_digit(digits)


class Nation:
    """Everybody, as the registers know them on `day_zero`."""

    def __init__(self, *, seed: int = 2569, size: int = 66_000_000, day_zero: date) -> None:
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(f"a nation has {SMALLEST} to {LARGEST:,} citizens; {size:,} cannot be numbered")
        self.seed = seed
        self.size = size
        self.day_zero = day_zero
        self._population = Population(seed=seed, size=size, strangers_up_to=SMALLEST, day_zero=day_zero)
        self._throw = self._population.dice.throw_one
        self._block: Callable[[int], dict[str, list[Any]]] = lru_cache(maxsize=512)(self._values_of_block)
        self._samples = samples.everybody(day_zero, pid=pid)

    def citizen(self, number: int) -> Citizen:
        self._refuse_outside(number)
        return self._samples.get(number) or self._person(number)

    def samples(self) -> tuple[Citizen, ...]:
        """The twelve worth signing in as, one per life stage, in the order of the catalogue."""
        return tuple(self._samples[number] for number in samples.SAMPLES)

    def columns(self, start: int, count: int) -> dict[str, npt.NDArray[Any]]:
        """The flat facts of citizens `start` … `start + count - 1`, one array per entry of COLUMNS."""
        if count < 0:
            raise ValueError(f"cannot generate {count} citizens")
        found = {name: np.empty(count, dtype) for name, dtype in COLUMNS.items()}
        if count == 0:
            return found
        self._refuse_outside(start)
        self._refuse_outside(start + count - 1)
        first_block, end_block = (start - 1) // BLOCK, -(-(start + count - 1) // BLOCK)
        for block in range(first_block, end_block, _CHUNK_BLOCKS):
            drawn = self._population.draw(block, min(_CHUNK_BLOCKS, end_block - block))
            low, high = max(start, block * BLOCK + 1), min(start + count, (block + _CHUNK_BLOCKS) * BLOCK + 1)
            there, here = slice(low - start, high - start), slice(low - block * BLOCK - 1, high - block * BLOCK - 1)
            for name, column in found.items():
                facts = drawn[name][here]
                column[there] = facts.view(DAY) if column.dtype == DAY else facts
        for number in range(start, min(start + count, samples.LAST_NUMBER + 1)):
            if number in self._samples:
                for name, value in self._facts(self._samples[number]).items():
                    found[name][number - start] = value
        return found

    def contributions(self, number: int) -> tuple[Contribution, ...]:
        """Every month paid to the social security fund by day zero, oldest first."""
        return fund.contributions(
            self.citizen(number).insurance, pay_day=self._row(number)["pay_day"], day_zero=self.day_zero
        )

    def claims(self, number: int) -> tuple[Claim, ...]:
        """What was claimed from the social security fund by day zero, oldest first."""
        citizen = self.citizen(number)
        if number in self._samples:
            return samples.claims(number, self.day_zero)
        return fund.claims(
            citizen,
            child_births=[self.citizen(child).birth.earliest() for child in citizen.children],
            months=self._row(number)["contribution_months"],
            day_zero=self.day_zero,
            draw=lambda i: self._throw(number, population.CLAIMS + i),
        )

    def pid(self, number: int) -> str:
        self._refuse_outside(number)
        return pid(number)

    def number_of(self, digits: str) -> int | None:
        """Whose identity number that is; None when it is nobody's here."""
        if len(digits) != 13 or not (digits.isascii() and digits.isdigit()):
            return None
        if not "1" <= digits[0] <= "8" or digits[1:5] != "0000":
            return None
        if _check_digit(digits[:12]) != digits[12]:
            return None
        number = (int(digits[0]) - 1) * _PID_SPAN + int(digits[5:12])
        return number if 1 <= number <= self.size else None

    def hospitals(self, province: str) -> tuple[Hospital, ...]:
        """The hospitals one may choose in the province with that two-digit code."""
        return places.PROVINCE[province].hospitals

    # One citizen

    def _person(self, number: int) -> Citizen:
        row = self._row(number)
        seat, top = row["row"], number - (number - 1) % BLOCK
        birth = BirthDate(year=row["birth_year"], month=row["birth_month"] or None, day=row["birth_day"] or None)
        sex, marital = rates.SEXES[row["sex"]], rates.MARITAL[row["marital_status"]]
        house = range(top + int(SEATS.house[seat]), top + int(SEATS.house_end[seat]) + 1)
        first, last, middle = self._names(number, row, top=top)
        return Citizen(
            number=number,
            pid=pid(number),
            title=names.title_of(sex, age=row["age"], marital_status=marital),
            first_name=first,
            middle_name=middle,
            last_name=last,
            sex=cast(Any, sex),
            birth=birth,
            alive=row["alive"],
            nationality=cast(Any, rates.NATIONALITIES[row["nationality"]]),
            marital_status=cast(Any, marital),
            address=places.address(
                subdistrict=str(row["subdistrict"]),
                first_number=house.start,
                draw=self._throw(house.start, population.ADDRESS),
            ),
            moved_in=row["moved_in"],
            is_householder=row["is_householder"],
            father=row["father"] or None,
            mother=row["mother"] or None,
            spouse=row["spouse"] or None,
            children=tuple(top + child for child in SEATS.children[seat]),
            household=tuple(filter(self._is_alive, house)) if row["alive"] else (),
            id_card=cast(Any, rates.ID_CARDS[row["id_card"]]),
            id_card_expires=row["id_card_expires"],
            insurance=self._insurance(row),
            health=self._health(row),
            income_per_year=Decimal(row["income_per_year"]),
            vehicles=self._vehicles(number, row),
            disability=rates.DISABILITIES[row["disability"]],
            story=None,
            died_on=row["died_on"],
            licence_expires=row["licence_expires"],
            civil_servant=row["civil_servant"],
            state_pensioner=row["state_pensioner"],
        )

    def _names(self, number: int, row: _Row, *, top: int) -> tuple[Words, Words, Words | None]:
        own = self._throw(number, population.NAME)
        of_family = self._throw(top + int(SEATS.family[row["row"]]), population.SURNAMES)
        is_woman, is_foreign = row["sex"] == 1, row["nationality"] == rates.FOREIGN
        line = int(SEATS.line[row["row"]])
        if is_woman and row["spouse"] and own >> 60 < 11:  # about seven wives in ten take the husband's name
            line = int(SEATS.line[row["row"] + row["spouse"] - number])
        surnames = names.FOREIGN_SURNAMES if is_foreign else names.SURNAMES
        surname = surnames[(of_family >> 32 if line else of_family & 0xFFFFFFFF) % len(surnames)]
        thai = names.WOMEN if is_woman else names.MEN
        firsts = (names.FOREIGN_WOMEN if is_woman else names.FOREIGN_MEN) if is_foreign else thai
        middle = thai[(own >> 40) % len(thai)] if not is_foreign and own >> 30 & 0xFF == 0 else None
        return firsts[(own & 0xFFFFFF) % len(firsts)], surname, middle

    def _insurance(self, row: _Row) -> Insurance:
        province = places.PROVINCE[str(row["province"])]
        section, since = rates.SECTIONS[row["section"]], row["insured_since"]
        hospital = province.hospitals[row["own_hospital"]] if row["right"] == rates.SSO else None
        chosen = self.day_zero - timedelta(days=row["pay_day"] * 97)
        ended = row["insured_until"]
        return Insurance(
            section=cast(Any, section),
            branch=province.insurance_branch,
            since=since,
            ended=ended,
            hospital=hospital,
            hospital_since=max(since, chosen) if hospital and since else None,
            hospital_until=ended + fund.COVER_AFTER_LEAVING if hospital and ended else None,
            wage=Decimal(row["wage"]),
            first_insured=row["first_insured"],
        )

    def _health(self, row: _Row) -> tuple[HealthFund, ...]:
        right = row["right"]
        if right == rates.NO_RIGHT:
            return ()
        province = places.PROVINCE[str(row["province"])]
        near_home = province.hospitals[row["near_hospital"]]
        primary = province.districts[int(str(row["subdistrict"])[2:4]) - 1].primary_unit
        universal = _universal_right(row, near_home, primary, since=row["moved_in"])
        if right == rates.UC:
            return (universal,)
        if right == rates.SSO:
            until = row["insured_until"] and row["insured_until"] + fund.COVER_AFTER_LEAVING
            hospital = province.hospitals[row["own_hospital"]]
            insured = fund.health_fund("sso", "S1", main=hospital, since=row["insured_since"], until=until)
            # Who leaves a job falls back to universal coverage the day the six months are over.
            after = _universal_right(row, near_home, primary, since=until + timedelta(days=1)) if until else None
            return (insured, after) if after else (insured,)
        if right == rates.OTHER_RIGHT:
            code = "T1" if row["nationality"] == rates.FOREIGN else "ST"
            return (fund.health_fund("other", code, main=near_home, since=row["moved_in"]),)
        is_own = row["civil_servant"] or row["state_pensioner"]
        code = ("O1" if is_own else "O3") if right == rates.CSMBS else ("L1" if is_own else "L3")
        return (fund.health_fund(rates.RIGHTS[right], code, since=row["moved_in"]),)

    def _vehicles(self, number: int, row: _Row) -> tuple[Vehicle, ...]:
        found = []
        for i in range(row["vehicles_count"]):
            draw = self._throw(number, population.VEHICLES + i)
            is_car = i < row["cars"]
            kind = ("car7", "car7", "car7", "car7", "pickup", "pickup", "pickup", "van")[draw & 7] if is_car else None
            registered = self.day_zero - timedelta(days=30 + (draw >> 8) % 5_000)
            found.append(
                Vehicle(
                    plate=_plate(draw, places.PROVINCE[str(row["province"])].name.th),
                    kind=cast(Any, kind or "motorcycle"),
                    engine_cc=(1_200, 1_500, 1_800, 2_400)[draw >> 4 & 3] if is_car else (110, 125, 150)[draw % 3],
                    first_registered=registered,
                    tax_expires=_tax_expiry(registered, self.day_zero, is_overdue=draw >> 40 & 15 == 0),
                )
            )
        return tuple(found)

    def _facts(self, citizen: Citizen) -> _Row:
        """A sample citizen's entries in the columns."""
        insurance, right = citizen.insurance, fund.held_on(citizen, self.day_zero)
        has_section = insurance.ended is None or insurance.ended > self.day_zero
        main = right.main_unit if right else None
        return {
            "number": citizen.number,
            "birth_year": citizen.birth.year,
            "birth_month": citizen.birth.month or 0,
            "birth_day": citizen.birth.day or 0,
            "sex": rates.SEXES.index(citizen.sex),
            "alive": citizen.alive,
            "died_on": citizen.died_on,
            "nationality": rates.NATIONALITIES.index(citizen.nationality),
            "marital_status": rates.MARITAL.index(citizen.marital_status),
            "father": citizen.father or 0,
            "mother": citizen.mother or 0,
            "spouse": citizen.spouse or 0,
            "children_count": len(citizen.children),
            "household_size": len(citizen.household),
            "is_householder": citizen.is_householder,
            "province": int(citizen.address.subdistrict_code[:2]),
            "subdistrict": int(citizen.address.subdistrict_code),
            "moved_in": citizen.moved_in,
            "section": rates.SECTIONS.index(insurance.section),
            "section_now": rates.SECTIONS.index(insurance.section) if has_section else 0,
            "first_insured": insurance.first_insured,
            "insured_since": insurance.since,
            "insured_until": insurance.ended,
            "contribution_months": len(self.contributions(citizen.number)),
            "wage": int(insurance.wage),
            "right": rates.RIGHTS.index(right.right) if right else rates.NO_RIGHT,
            "hospital": int(main.code) if main else 0,
            "income_per_year": int(citizen.income_per_year),
            "civil_servant": citizen.civil_servant,
            "state_pensioner": citizen.state_pensioner,
            "disability": rates.DISABILITIES.index(citizen.disability),
            "id_card": rates.ID_CARDS.index(citizen.id_card),
            "id_card_expires": citizen.id_card_expires,
            "licence_expires": citizen.licence_expires,
            "vehicles_count": len(citizen.vehicles),
        }

    def _row(self, number: int) -> _Row:
        block, seat = divmod(number - 1, BLOCK)
        return {name: values[seat] for name, values in self._block(block).items()}

    def _is_alive(self, number: int) -> bool:
        block, seat = divmod(number - 1, BLOCK)
        return bool(self._block(block)["alive"][seat])

    def _values_of_block(self, block: int) -> dict[str, list[Any]]:
        drawn = self._population.draw(block, 1)
        return {
            name: (facts.view(DAY) if COLUMNS.get(name) is DAY else facts).tolist() for name, facts in drawn.items()
        }

    def _refuse_outside(self, number: int) -> None:
        if not 1 <= number <= self.size:
            raise NoSuchCitizen(f"citizens are numbered 1 to {self.size:,}; there is no number {number:,}")


def _universal_right(row: _Row, main: Hospital, primary: Hospital, *, since: date) -> HealthFund:
    code = fund.universal_code(age=row["age"], is_disabled=row["disability"] > 0)
    return fund.health_fund("uc", code, main=main, sub=primary, since=since)


def _tax_expiry(registered: date, day: date, *, is_overdue: bool) -> date:
    """Tax falls due every year on the day of the first registration."""
    due = samples.anniversary(registered, day.year)
    if due < day:
        due = samples.anniversary(registered, day.year + 1)
    before = samples.anniversary(registered, due.year - 1)
    return before if is_overdue and before > registered else due


_PLATE_LETTERS = "กขคงจฉชฌญฎฐณตถทธนบผพภมยรลวศษสหฬอฮ"


def _plate(draw: int, province: str) -> str:
    first, second = _PLATE_LETTERS[(draw >> 12) % 33], _PLATE_LETTERS[(draw >> 18) % 33]
    return f"{draw >> 24 & 7 or 9}{first}{second} {(draw >> 28) % 9999 + 1} {province}"


def _check_digit(digits: str) -> str:
    return str(
        (11 - sum(int(digit) * weight for digit, weight in zip(digits, range(13, 1, -1), strict=True)) % 11) % 10
    )
