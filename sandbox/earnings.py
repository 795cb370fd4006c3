"""What people earn and are taxed on: the income of a year by kind, what was withheld, allowances, tax, turnover.

The income of the last year closed before day zero is the citizen's `income_per_year`, as everywhere else; earlier years
are a little less, later ones the same. Tax is computed by the Revenue Code as it stood in 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final, Literal

from sandbox import savings
from sandbox.civil import Registry
from sandbox.means import draw, farm, is_sample, loans, parcels, trades
from sandbox.people import Citizen, Words
from sandbox.world import World, age_on

IncomeKind = Literal["salary", "fees", "interest", "rent", "profession", "trade"]
AllowanceKind = Literal[
    "personal",
    "spouse",
    "children",
    "parents",
    "disabled_care",
    "social_security",
    "pension_fund",
    "savings_fund",
    "home_loan",
]
VAT_THRESHOLD: Final = Decimal(1_800_000)

_RAISE = Decimal("0.97")  # a year back, what one earned was so much of it
_BRACKETS: Final = tuple(
    (Decimal(up_to), Decimal(percent))
    for up_to, percent in (
        (150_000, 0), (300_000, 5), (500_000, 10), (750_000, 15), (1_000_000, 20), (2_000_000, 25), (5_000_000, 30),
    )
)  # fmt: skip
_TOP_PERCENT: Final = Decimal(35)
_EXPENSES: Final = {"rent": 30, "profession": 30, "trade": 60}  # percent, where one doesn't keep books
_OLD_OR_DISABLED_EXEMPT: Final = 190_000
_CARE_OF_CHILD, _CARE_OF_PARENT, _CARE_OF_DISABLED, _ONESELF, _SPOUSE = 30_000, 30_000, 60_000, 60_000, 60_000
_POOR_PARENT: Final = 30_000
_LOAN_INTEREST_PERCENT, _MOST_LOAN_INTEREST = Decimal("5.5"), Decimal(100_000)
_SMALL_TAX: Final = 5_000  # of the other way to compute it, which is waived

_EMPLOYER = Words(th="นายจ้าง", en="Employer")
_CLIENTS = Words(th="ผู้ว่าจ้าง", en="Clients")
_HOUSEHOLD = Words(th="นายจ้างในครัวเรือน", en="Household employer")
_OFFICE = Words(th="ส่วนราชการต้นสังกัด", en="Own government office")
_SCHOOLS = Words(th="สำนักงานเขตพื้นที่การศึกษา", en="Educational service area office")
_TREASURY = Words(th="กรมบัญชีกลาง", en="Comptroller General's Department")
_CUSTOMERS = Words(th="ลูกค้า", en="Customers")
_PRODUCE = Words(th="ผู้รับซื้อผลผลิต", en="Buyers of produce")
_TENANTS = Words(th="ผู้เช่า", en="Tenants")
_BANK = Words(th="ธนาคาร", en="Bank")

# What the samples live on, where it doesn't follow from a job, a farm or a shop.
_SAMPLES_EARN: Final[dict[int, tuple[IncomeKind, Words]]] = {
    6: ("fees", _CLIENTS),
    8: ("trade", _CUSTOMERS),
    10: ("fees", _CLIENTS),
    11: ("fees", _CLIENTS),
    12: ("trade", _CUSTOMERS),
    114: ("salary", _HOUSEHOLD),
    124: ("fees", _CLIENTS),
    125: ("fees", _CLIENTS),
    126: ("fees", _CLIENTS),
    128: ("trade", _CUSTOMERS),
    129: ("fees", _CLIENTS),
}
_FOOD_SELLER, _PASSED_BEFORE_DAYS = 9, 10  # whose turnover has just passed the VAT threshold, for the first time
_MOST_A_YEAR: Final = Decimal(2_200_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    kind: IncomeKind
    payer: Words
    amount: Decimal
    withheld: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxReturn:
    """A year's return as the department would fill it in."""

    tax_year: int
    income: Decimal
    exempt: Decimal
    expenses: Decimal
    allowances: tuple[tuple[AllowanceKind, Decimal], ...]
    net_income: Decimal
    tax: Decimal
    withheld: Decimal
    must_file: bool
    due: date
    filed_on: date | None  # None: not by today

    @property
    def allowance_total(self) -> Decimal:
        return sum((amount for _, amount in self.allowances), Decimal(0))

    @property
    def refundable(self) -> Decimal:
        return max(self.withheld - self.tax, Decimal(0))

    @property
    def payable(self) -> Decimal:
        return max(self.tax - self.withheld, Decimal(0))


def due_online(year: int) -> date:
    """The last day to file for a tax year over the internet."""
    return date(year + 1, 4, 8)


def earned(world: World, citizen: Citizen, year: int) -> tuple[Earned, ...]:
    """The income of a calendar year, by kind. Who died before it began, or was a child in it, earned nothing."""
    closed = world.nation.day_zero.year - 1
    has_died = citizen.died_on is not None and citizen.died_on.year < year
    if has_died or age_on(citizen.birth, date(year, 12, 31)) < 15 or year > world.clock.today().year:
        return ()
    total = citizen.income_per_year * (_RAISE ** max(closed - year, 0))
    total = (total / 100).quantize(Decimal(1)) * 100 if year < closed else total
    if not total:
        return ()
    kind, payer = _lives_on(world, citizen, year)
    dice = draw(citizen, "side income")
    side = Decimal(0)
    if not is_sample(citizen) and dice % 100 < 12 and total > 60_000:
        side = (total / 1_200).quantize(Decimal(1)) * (50 + (dice >> 8) % 60)
    found = [_one(kind, payer, total - side, dice)]
    if side:
        found.append(_one("interest" if kind == "fees" else "fees", _BANK if kind == "fees" else _CLIENTS, side, dice))
    return tuple(found)


def _lives_on(world: World, citizen: Citizen, year: int) -> tuple[IncomeKind, Words]:
    job = citizen.insurance
    if citizen.civil_servant:
        return "salary", _SCHOOLS if citizen.number == 2 else _OFFICE
    if citizen.state_pensioner:
        return "salary", _TREASURY
    if job.section == "33" and (job.ended is None or job.ended.year >= year):
        return "salary", _EMPLOYER
    if citizen.number in _SAMPLES_EARN:
        return _SAMPLES_EARN[citizen.number]
    if farm(world, citizen) is not None:
        return "trade", _PRODUCE
    if trades(world, citizen):
        return "trade", _CUSTOMERS
    dice = draw(citizen, "livelihood")
    if age_on(citizen.birth, date(year, 12, 31)) >= 60 and len(parcels(world, citizen)) > 1:
        return "rent", _TENANTS
    return ("fees", _CLIENTS) if dice % 10 < 5 else ("trade", _CUSTOMERS)


def _one(kind: IncomeKind, payer: Words, amount: Decimal, dice: int) -> Earned:
    """Employers withhold as if one had no family; companies 3 % of fees and 5 % of rent, banks 15 %."""
    if kind == "salary":
        net = amount - min(amount / 2, Decimal(100_000)) - _ONESELF - 9_000
        withheld = progressive(max(net, Decimal(0)))
    else:
        percent = {"fees": 3 if dice >> 20 & 1 else 0, "rent": 5 if dice >> 21 & 1 else 0, "interest": 15}.get(kind, 0)
        withheld = amount * percent / 100
    return Earned(kind=kind, payer=payer, amount=amount, withheld=_baht(withheld))


def progressive(net: Decimal, *, first_is_free: bool = True) -> Decimal:
    """Tax on a net income. `first_is_free`: not so for the sale of land, whose first bracket is taxed too."""
    edges = [(Decimal(0), Decimal(0)), *_BRACKETS]
    tax = Decimal(0)
    for (low, _), (high, percent) in pairwise(edges):
        rate = percent or (Decimal(0) if first_is_free else Decimal(5))
        tax += max(min(net, high) - low, Decimal(0)) * rate / 100
    return _baht(tax + max(net - _BRACKETS[-1][0], Decimal(0)) * _TOP_PERCENT / 100)


def tax_return(world: World, citizen: Citizen, year: int) -> TaxReturn:
    sources = earned(world, citizen, year)
    total = sum((one.amount for one in sources), Decimal(0))
    end = date(year, 12, 31)
    registry = Registry(world.nation)
    is_old = age_on(citizen.birth, end) >= 65
    is_disabled = registry.disability_card(citizen) is not None and not is_old
    exempt = min(total, Decimal(_OLD_OR_DISABLED_EXEMPT if is_old or is_disabled else 0))
    expenses = _expenses(sources)
    allowances = tuple(_allowances(world, citizen, year, registry))
    net = max(total - exempt - expenses - sum(amount for _, amount in allowances), Decimal(0))
    tax = progressive(net)
    other_than_salary = sum((one.amount for one in sources if one.kind != "salary"), Decimal(0))
    if other_than_salary >= 120_000 and other_than_salary * 5 / 1_000 > _SMALL_TAX:
        tax = max(tax, _baht(other_than_salary * 5 / 1_000))
    withheld = sum((one.withheld for one in sources), Decimal(0))
    must_file = total > (120_000 if total and not other_than_salary else 60_000)
    return TaxReturn(
        tax_year=year,
        income=total,
        exempt=exempt,
        expenses=expenses,
        allowances=allowances,
        net_income=net,
        tax=tax,
        withheld=withheld,
        must_file=must_file,
        due=due_online(year),
        filed_on=_filed_on(world, citizen, year) if must_file or withheld else None,
    )


def _expenses(sources: tuple[Earned, ...]) -> Decimal:
    of_work = sum((one.amount for one in sources if one.kind in ("salary", "fees")), Decimal(0))
    rest = sum((one.amount * _EXPENSES.get(one.kind, 0) / 100 for one in sources), Decimal(0))
    return _baht(min(of_work / 2, Decimal(100_000)) + rest)


def _allowances(world: World, citizen: Citizen, year: int, registry: Registry) -> list[tuple[AllowanceKind, Decimal]]:
    end = date(year, 12, 31)
    if not earned(world, citizen, year):
        return []
    found: list[tuple[AllowanceKind, Decimal]] = [("personal", Decimal(_ONESELF))]
    spouse = world.citizen(citizen.spouse) if citizen.spouse else None
    if spouse is not None and registry.marital_status(citizen, end) == "married" and not earned(world, spouse, year):
        found.append(("spouse", Decimal(_SPOUSE)))
    # One born on 29 February turns twenty a day late by this count, and nobody loses by it.
    young = [
        one for one in world.present(citizen.children) if age_on(one.birth, end) < 20 and one.birth.earliest() <= end
    ]
    if young:
        found.append(("children", Decimal(_CARE_OF_CHILD * len(young))))
    parents = world.present(tuple(number for number in (citizen.father, citizen.mother) if number))
    cared_for = [one for one in parents if one.alive and age_on(one.birth, end) >= 60 and _is_poor(world, one, year)]
    if cared_for:
        found.append(("parents", Decimal(_CARE_OF_PARENT * len(cared_for))))
    kin = [*([spouse] if spouse and spouse.alive else []), *world.present(citizen.children), *parents]
    cards = [registry.disability_card(one) for one in kin]
    if disabled := [card for card in cards if card is not None and card.caregiver == citizen.number]:
        found.append(("disabled_care", Decimal(_CARE_OF_DISABLED * len(disabled))))
    paid = sum((one.employee for one in world.contributions(citizen) if one.paid_on.year == year), Decimal(0))
    saved = savings.nsf(world, citizen)
    fund = savings.pension_fund(world, citizen)
    interest = sum(
        (one.owed for one in loans(world, citizen) if one.kind == "home" and one.opened_on <= end), Decimal(0)
    )
    found += [
        ("social_security", _baht(paid)),
        ("pension_fund", _baht(fund.own_in(year)) if fund else Decimal(0)),
        ("savings_fund", saved.own_in(year) if saved else Decimal(0)),
        ("home_loan", min(_baht(interest * _LOAN_INTEREST_PERCENT / 100), _MOST_LOAN_INTEREST)),
    ]
    return [(kind, amount) for kind, amount in found if amount]


def _is_poor(world: World, citizen: Citizen, year: int) -> bool:
    return sum(one.amount for one in earned(world, citizen, year)) <= _POOR_PARENT


def _filed_on(world: World, citizen: Citizen, year: int) -> date | None:
    """Nine in ten file in time, the samples all do."""
    dice = draw(citizen, f"return of {year}")
    if not is_sample(citizen) and dice % 100 >= 92:
        return None
    filed = date(year + 1, 1, 6) + timedelta(days=(dice >> 8) % 80)
    has_died = citizen.died_on is not None and citizen.died_on < filed
    return filed if filed <= world.clock.today() and not has_died else None


def turnover(world: World, citizen: Citizen, until: date) -> Decimal:
    """What was sold in the calendar year of `until`, by then."""
    return _baht(_turnover_of_year(world, citizen, until.year) * until.timetuple().tm_yday / 365)


def turnover_exceeded(world: World, citizen: Citizen) -> date | None:
    """The day a calendar year's turnover first passed the VAT threshold, if it did by today."""
    today = world.clock.today()
    for year in range(world.nation.day_zero.year - 5, today.year + 1):
        whole = _turnover_of_year(world, citizen, year)
        if whole > VAT_THRESHOLD:
            day = date(year, 1, 1) + timedelta(days=int(VAT_THRESHOLD * 365 / whole))
            return day if day <= today else None
    return None


def _turnover_of_year(world: World, citizen: Citizen, year: int) -> Decimal:
    """Sales are a few times the income; what is left pays for goods, rent and hands."""
    zero = world.nation.day_zero
    if not citizen.alive:
        return Decimal(0)
    if citizen.number == _FOOD_SELLER:
        passed = max(zero.timetuple().tm_yday - _PASSED_BEFORE_DAYS, 1)
        whole, growth = min(VAT_THRESHOLD * 365 / passed, _MOST_A_YEAR), Decimal("0.8")
    else:
        sources = [one for one in earned(world, citizen, zero.year - 1) if one.kind in ("trade", "profession")]
        whole = sum((one.amount for one in sources), Decimal(0)) * (2 + draw(citizen, "turnover") % 4)
        growth = Decimal("0.92")
    # Trade grows up to day zero's year, then goes on as it is.
    return (whole * growth ** max(zero.year - year, 0) / 100).quantize(Decimal(1)) * 100


def tax_on_sale_of_land(value: Decimal, *, years: int) -> Decimal:
    """Income tax withheld when land that wasn't bought to be sold is: after a flat deduction, spread over the years held."""
    kept = {1: 92, 2: 84, 3: 77, 4: 71, 5: 65, 6: 60, 7: 55}.get(max(years, 1), 50)
    spread_over = min(max(years, 1), 10)
    a_year = value * (100 - kept) / 100 / spread_over
    return min(progressive(a_year, first_is_free=False) * spread_over, _baht(value / 5))


def _baht(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
