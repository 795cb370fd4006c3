"""What people save for old age besides social security: in the National Savings Fund, the state's pension fund, or their
employer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from sandbox.means import draw, is_sample
from sandbox.people import Citizen
from sandbox.samples import anniversary
from sandbox.world import World, age_on

_NSF_MEMBERS: Final = frozenset({13, 128})  # of the samples
_PROVIDENT_MEMBERS: Final = frozenset({7, 120})
_MATCH_UNTIL: Final = 60
_RETURNS_PERCENT: Final = Decimal("2.5")  # a year, on the mean of what was saved
LARGEST_MATCH: Final = 1_800  # a year, since 2023


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedYear:
    year: int
    own: Decimal
    match: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class NsfAccount:
    member_no: str
    since: date
    years: tuple[SavedYear, ...]
    returns: Decimal

    @property
    def own(self) -> Decimal:
        return sum((one.own for one in self.years), Decimal(0))

    @property
    def match(self) -> Decimal:
        return sum((one.match for one in self.years), Decimal(0))

    def own_in(self, year: int) -> Decimal:
        return sum((one.own for one in self.years if one.year == year), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PensionFund:
    fund: Literal["government_pension_fund", "provident_fund"]
    since: date
    until: date
    monthly: Decimal  # pay
    own_percent: Decimal
    employer_percent: Decimal

    @property
    def months(self) -> int:
        return max((self.until.year - self.since.year) * 12 + self.until.month - self.since.month, 0)

    def own_in(self, year: int) -> Decimal:
        first, last = max(self.since, date(year, 1, 1)), min(self.until, date(year, 12, 31))
        return (
            self.monthly * self.own_percent / 100 * max(last.month - first.month + 1, 0)
            if first <= last
            else Decimal(0)
        )


def nsf(world: World, citizen: Citizen) -> NsfAccount | None:
    """Of those who may join, whom no other pension covers, about one in eleven has."""
    today, zero = world.clock.today(), world.nation.day_zero
    dice = draw(citizen, "savings fund")
    is_member = citizen.number in _NSF_MEMBERS if is_sample(citizen) else dice % 100 < 9
    age = age_on(citizen.birth, zero)
    has_another = citizen.insurance.section not in ("none", "40_1") or pension_fund(world, citizen) is not None
    if (
        not is_member or has_another or citizen.nationality != "thai" or not 15 <= age < 60
        or citizen.civil_servant or citizen.state_pensioner or not citizen.alive
    ):  # fmt: skip
        return None
    fifteen = anniversary(citizen.birth.earliest(), citizen.birth.year + 15)
    since = max(zero - timedelta(days=200 + (dice >> 8) % 2_800), fifteen)
    if since > today:
        return None
    monthly = Decimal((50, 100, 100, 200, 300, 500)[(dice >> 32) % 6])
    years = tuple(_saved_year(citizen, year, since, today, monthly) for year in range(since.year, today.year + 1))
    saved = sum((one.own + one.match for one in years), Decimal(0))
    returns = saved / 2 * _RETURNS_PERCENT / 100 * len(years)
    return NsfAccount(
        member_no=f"{(dice >> 40) % 10**7:07d}", since=since, years=years, returns=returns.quantize(Decimal("0.01"))
    )


def _saved_year(citizen: Citizen, year: int, since: date, today: date, monthly: Decimal) -> SavedYear:
    """One saves until sixty; the state adds half under thirty, four fifths under fifty, then as much again."""
    sixty = anniversary(citizen.birth.earliest(), citizen.birth.year + _MATCH_UNTIL)
    first = since.month if year == since.year else 1
    last_day = min(today, sixty, date(year, 12, 31))
    months = max(last_day.month - first + 1, 0) if last_day.year == year else 0
    own = monthly * months
    return SavedYear(year=year, own=own, match=min(own * match_percent(citizen, year) / 100, Decimal(LARGEST_MATCH)))


def match_percent(citizen: Citizen, year: int) -> int:
    age = age_on(citizen.birth, date(year, 12, 31))
    return 50 if age <= 30 else 80 if age <= 50 else 100


def pension_fund(world: World, citizen: Citizen) -> PensionFund | None:
    """The state's fund for who serves the state (local officers have none), the employer's for one employee in five."""
    if not citizen.alive:
        return None
    today, dice = world.clock.today(), draw(citizen, "pension fund")
    sixty = anniversary(citizen.birth.earliest(), citizen.birth.year + 60)
    if citizen.civil_servant:
        if not any(one.right == "csmbs" for one in citizen.health):
            return None
        began = 24 if is_sample(citizen) else 22 + dice % 6
        since = anniversary(citizen.birth.earliest(), citizen.birth.year + began)
        since = min(since, world.nation.day_zero - timedelta(days=200))
        return PensionFund(
            fund="government_pension_fund", since=since, until=min(today, sixty),
            monthly=citizen.income_per_year / 12, own_percent=Decimal(3), employer_percent=Decimal(5),
        )  # fmt: skip
    job = citizen.insurance
    is_employed = job.section == "33" and job.since is not None and (job.ended is None or job.ended > today)
    is_member = citizen.number in _PROVIDENT_MEMBERS if is_sample(citizen) else job.wage >= 18_000 and dice % 100 < 30
    if not is_employed or not is_member or job.since is None:
        return None
    return PensionFund(
        fund="provident_fund", since=job.since + timedelta(days=120), until=today, monthly=job.wage,
        own_percent=Decimal(3 + dice // 128 % 3), employer_percent=Decimal(3),
    )  # fmt: skip
