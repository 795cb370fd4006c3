"""Who lives in the synthetic nation: the shape of one citizen, as plain data.

`nation.py` makes these; the simulated agencies read them and answer in their own dialects. All names, numbers and
addresses are invented. Identity numbers carry the unassigned office code 0000 (`1-0000-…`) and a valid checksum.
Dates are Common Era here; each agency turns them into the calendar it really uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Section = Literal["33", "39", "40_1", "40_2", "40_3", "none"]
Right = Literal["uc", "sso", "csmbs", "lao", "other", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One text in both languages."""

    th: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthDate:
    """A date of birth as the register holds it: for elders the day, or day and month, may be unknown."""

    year: int  # CE
    month: int | None
    day: int | None

    def earliest(self) -> date:
        """The legal reading of a partial date: its first day (Civil and Commercial Code, section 16).

        A year alone is a year of the Buddhist era, and until 1940 those began on 1 April.
        """
        return date(self.year, self.month or (1 if self.year > 1940 else 4), self.day or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    code: str  # five digits, the nation's own, not a real unit
    name: Words
    province: str  # two-digit province code


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    house_id: str  # 11 digits
    house_no: str
    village_no: str  # "" in towns
    road: str
    subdistrict_code: str  # 6 digits, province + district + subdistrict
    subdistrict: Words
    district: Words
    province: Words
    postcode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One month paid to the social security fund."""

    month: date  # first day of the month paid for
    paid_on: date
    rate_percent: Decimal
    wage: Decimal
    employee: Decimal
    employer: Decimal
    government: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One benefit claimed from the fund."""

    requested_on: date
    paid_on: date | None
    benefit: Words
    amount: Decimal
    status: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Insurance:
    section: Section  # the last one held: it is over once `ended` says so
    branch: Words
    since: date | None
    ended: date | None  # when the status ended, None while it lasts
    hospital: Hospital | None
    hospital_since: date | None
    hospital_until: date | None  # None = until insured status ends
    wage: Decimal  # a month, as reported; contributions count it up to the ceiling only
    # The first day insured under any section: section 39 follows on section 33, whose months count too.
    first_insured: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFund:
    """A person may hold several."""

    right: Right
    sub_right: Words
    sub_right_code: str
    main_unit: Hospital | None
    sub_unit: Hospital | None
    since: date
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    plate: str
    kind: Literal["car7", "pickup", "van", "motorcycle", "other"]
    engine_cc: int
    first_registered: date
    tax_expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What makes a sample citizen worth signing in as."""

    code: str  # e.g. "newborns-mother"
    stage: str  # life stage code of the catalogue
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    number: int  # N of "citizen N"
    pid: str  # 13 digits
    title: Words
    first_name: Words
    middle_name: Words | None
    last_name: Words
    sex: Literal["male", "female"]
    birth: BirthDate
    alive: bool
    nationality: Literal["thai", "other", "stateless"]
    marital_status: Literal["single", "married", "divorced", "widowed"]
    address: Address
    moved_in: date
    is_householder: bool
    father: int | None  # citizen numbers; None = not in the register
    mother: int | None
    spouse: int | None  # a late husband or wife too, while still in the register
    children: tuple[int, ...]
    household: tuple[int, ...]  # everybody in the house, this citizen included; the dead are in none
    id_card: Literal["never", "valid", "expired", "lost", "damaged", "lifetime"]
    id_card_expires: date | None
    insurance: Insurance
    health: tuple[HealthFund, ...]
    income_per_year: Decimal
    vehicles: tuple[Vehicle, ...]
    disability: Words | None
    story: Story | None
    # What the transport, health and interior ministries know besides.
    died_on: date | None = None
    licence_expires: date | None = None  # to drive; None = has none
    chronic_diseases: tuple[Words, ...] = ()
    civil_servant: bool = False  # of the state or a local authority, not yet retired
    state_pensioner: bool = False
