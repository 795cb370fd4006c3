"""The funds' books on one person: paid into and out of social security, and who pays for treatment.

Rates and ceilings are those of the Social Security Act as they stood in each year. The cuts of 2020–2022 are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.people import Citizen, Claim, Contribution, HealthFund, Hospital, Insurance, Right, Words

COVER_AFTER_LEAVING = timedelta(days=183)  # section 38: six months of treatment after a job ends
FIRST_PAY_DAY, PAY_DAYS = 5, 11  # employers pay on one of the 5th to the 15th of the following month

LOWEST_BASE = 1_650
_CEILINGS = ((2032, 23_000), (2029, 20_000), (2026, 17_500), (0, 15_000))  # from that January
SECTION_39_BASE = 4_800
_WAGE_BEFORE_39 = 12_000
# Under section 40: what the insured pays, what the state adds, and what of the first is saved for old age.
_SECTION_40 = {"40_1": (70, 30, 0), "40_2": (100, 50, 50), "40_3": (300, 150, 150)}
_RAISE = 0.03  # a year: what one earned before, counted back from today

_PAID = Words(th="จ่ายแล้ว", en="Paid")
_PENDING = Words(th="อยู่ระหว่างพิจารณา", en="Under review")
_MONTHLY = Words(th="จ่ายเป็นรายเดือน", en="Paid monthly")

# What a right is called in the hospital's system, by its code.
_SUB_RIGHTS = {
    "71": Words(th="เด็กอายุไม่เกิน 12 ปีบริบูรณ์", en="Child up to 12 years"),
    "74": Words(th="คนพิการ", en="Person with disability"),
    "77": Words(th="ผู้มีอายุเกิน 60 ปีบริบูรณ์", en="Aged 60 and over"),
    "89": Words(th="ช่วงอายุ 12-59 ปี", en="Aged 12 to 59"),
    "S1": Words(th="สิทธิเบิกกองทุนประกันสังคม", en="Social security"),
    "O1": Words(th="สิทธิเบิกกรมบัญชีกลาง (ข้าราชการ)", en="Civil servant"),
    "O3": Words(th="สิทธิเบิกกรมบัญชีกลาง (บุคคลในครอบครัวข้าราชการ)", en="Family of a civil servant"),
    "L1": Words(th="สิทธิเบิก อปท. (พนักงานส่วนท้องถิ่น)", en="Local government officer"),
    "L3": Words(th="สิทธิเบิก อปท. (บุคคลในครอบครัว)", en="Family of a local government officer"),
    "T1": Words(th="ประกันสุขภาพคนต่างด้าว", en="Migrant health insurance"),
    "ST": Words(th="บุคคลที่มีปัญหาสถานะและสิทธิ", en="Person with a status problem"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAgePart:
    """What of one month's contribution is saved for old age."""

    employee: Decimal
    employer: Decimal
    government: Decimal


def old_age_part(contribution: Contribution) -> OldAgePart:
    """Of section 33: 3 points from each side and 1 from the state; of section 39: 6 of the 9, and 1."""
    one_percent = contribution.wage / 100
    if contribution.rate_percent == 0:
        saved = {Decimal(paid): Decimal(kept) for paid, _, kept in _SECTION_40.values()}[contribution.employee]
        return OldAgePart(employee=saved, employer=Decimal(0), government=Decimal(0))
    if contribution.rate_percent == 9:
        return OldAgePart(employee=one_percent * 6, employer=Decimal(0), government=one_percent)
    return OldAgePart(
        employee=contribution.employee * 3 / 5, employer=contribution.employer * 3 / 5, government=one_percent
    )


def contributions(insurance: Insurance, *, pay_day: int, day_zero: date) -> tuple[Contribution, ...]:
    """Every month from the first day insured to the last whose contribution has reached the fund by `day_zero`."""
    if insurance.section == "none" or insurance.since is None:
        return ()
    first = _month_index(insurance.first_insured or insurance.since)
    last = last_month_due(day_zero, pay_day=pay_day)
    if insurance.ended is not None:
        last = min(last, _month_index(insurance.ended))
    began = _month_index(insurance.since)
    amounts: dict[tuple[int, str], tuple[Decimal, ...]] = {}
    paid = []
    for index in range(first, last + 1):
        year, month = divmod(index, 12)
        section = "33" if insurance.section == "39" and index < began else insurance.section
        if (year, section) not in amounts:
            wage = int(insurance.wage) if insurance.section == section else _WAGE_BEFORE_39
            amounts[year, section] = _amounts(section, year=year, wage_then=wage * (1 - _RAISE) ** (last // 12 - year))
        rate, base, employee, employer, government = amounts[year, section]
        next_year, next_month = divmod(index + 1, 12)
        paid.append(
            Contribution(
                month=date(year, month + 1, 1),
                paid_on=date(next_year, next_month + 1, pay_day),
                rate_percent=rate,
                wage=base,
                employee=employee,
                employer=employer,
                government=government,
            )
        )
    return tuple(paid)


def last_month_due(day_zero: date, *, pay_day: int) -> int:
    """The last month paid for by then, counted in months since the year 0."""
    return _month_index(day_zero) - (1 if day_zero.day >= pay_day else 2)


def claims(
    citizen: Citizen, *, child_births: list[date], months: int, day_zero: date, draw: Callable[[int], int]
) -> tuple[Claim, ...]:
    """What one probably claimed from the fund, oldest first. `draw(i)` yields the i-th of one's own random numbers."""
    insurance = citizen.insurance
    since, ended = insurance.since, insurance.ended
    if since is None or insurance.section == "none":
        return ()
    until = min(ended or day_zero, day_zero)
    found = [*_visits(citizen, since=since, until=until, draw=draw)]
    if insurance.section in ("33", "39"):
        found += _births(citizen, child_births, since=since, until=until)
        found += _endings(citizen, months=months, draw=draw(0))
    kept = [claim for claim in found if claim.requested_on <= day_zero]
    return tuple(_on(claim, day_zero) for claim in sorted(kept, key=lambda claim: claim.requested_on))


def claim(th: str, en: str, *, amount: int, on: date, after_days: int = 14, monthly: bool = False) -> Claim:
    return Claim(
        requested_on=on,
        paid_on=on + timedelta(days=after_days),
        benefit=Words(th=th, en=en),
        amount=Decimal(amount),
        status=_MONTHLY if monthly else _PAID,
    )


def health_fund(
    right: Right,
    sub_right_code: str,
    *,
    since: date,
    until: date | None = None,
    main: Hospital | None = None,
    sub: Hospital | None = None,
) -> HealthFund:
    return HealthFund(
        right=right,
        sub_right=_SUB_RIGHTS[sub_right_code],
        sub_right_code=sub_right_code,
        main_unit=main,
        sub_unit=sub,
        since=since,
        until=until,
    )


def universal_code(*, age: int, is_disabled: bool) -> str:
    """Which kind of universal coverage one has."""
    if is_disabled:
        return "74"
    if age < 12:
        return "71"
    return "77" if age >= 60 else "89"


def held_on(citizen: Citizen, day: date) -> HealthFund | None:
    """The fund that pays for treatment on that day."""
    return next((f for f in citizen.health if f.since <= day and (f.until is None or day <= f.until)), None)


def _amounts(section: str, *, year: int, wage_then: float) -> tuple[Decimal, ...]:
    if section == "39":
        base = Decimal(SECTION_39_BASE)
        return Decimal(9), base, base * 9 / 100, Decimal(0), base * Decimal("2.5") / 100
    if section != "33":
        paid, added, _ = _SECTION_40[section]
        return Decimal(0), Decimal(0), Decimal(paid), Decimal(0), Decimal(added)
    ceiling = next(ceiling for since, ceiling in _CEILINGS if year >= since)
    base = Decimal(min(ceiling, max(LOWEST_BASE, round(wage_then))))
    five = (base * 5 / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return Decimal(5), base, five, five, (base * Decimal("2.75") / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _visits(citizen: Citizen, *, since: date, until: date, draw: Callable[[int], int]) -> list[Claim]:
    """Dentists and sick days of the last five years, a draw for each."""
    found = []
    is_voluntary = citizen.insurance.section.startswith("40")
    for back in range(5):
        chances = draw(until.year - back)
        on = date(until.year - back, 1, 5) + timedelta(days=chances % 350)
        if not since <= on <= until:
            continue
        if chances >> 10 & 7 < 3 and not is_voluntary:
            amount = min(900, 350 + (chances >> 14 & 15) * 50)
            found.append(claim("ทันตกรรม", "Dental care", amount=amount, on=on))
        elif chances >> 10 & 7 == 7:
            days = 2 + (chances >> 14 & 3)
            found.append(
                claim("เงินทดแทนการขาดรายได้", "Income replacement while ill", amount=300 * days, on=on, after_days=21)
            )
    return found


def _births(citizen: Citizen, child_births: list[date], *, since: date, until: date) -> list[Claim]:
    found = []
    for born in child_births:
        if not since + timedelta(days=365) <= born <= until:  # needs five months paid: a year is on the safe side
            continue
        if citizen.sex == "female":
            lump = 15_000 if born.year >= 2021 else 13_000
            on = born + timedelta(days=25)
            found.append(claim("คลอดบุตร (เหมาจ่าย)", "Childbirth lump sum", amount=lump, on=on))
            month = 1_000 if born.year >= 2025 else 800 if born.year >= 2021 else 600
            on = born + timedelta(days=40)
            found.append(claim("สงเคราะห์บุตร", "Child allowance", amount=month, on=on, after_days=30, monthly=True))
    return found


def _endings(citizen: Citizen, *, months: int, draw: int) -> list[Claim]:
    ended, alive = citizen.insurance.ended, citizen.alive
    if ended is None or not alive:
        return []
    age = (ended - citizen.birth.earliest()).days / 365.25
    on = ended + timedelta(days=20)
    if age >= 55 and months >= 180:
        amount = round(min(float(citizen.insurance.wage), 15_000) * (0.20 + 0.00125 * (months - 180)))
        return [claim("บำนาญชราภาพ", "Old-age pension", amount=amount, on=on, after_days=40, monthly=True)]
    if age >= 55:
        return [claim("บำเหน็จชราภาพ", "Old-age lump sum", amount=months * 900, on=on, after_days=40)]
    if citizen.insurance.section == "33" and draw % 5 < 3 and age < 55:
        amount = round(min(float(citizen.insurance.wage), 15_000) * 0.3)
        on = ended + timedelta(days=12)
        return [claim("ว่างงาน (ลาออก)", "Unemployment, resigned", amount=amount, on=on, after_days=30)]
    return []


def _on(claim: Claim, day: date) -> Claim:
    """The claim as it stands that day: what is not paid yet is under review."""
    if claim.paid_on is None or claim.paid_on <= day:
        return claim
    return Claim(
        requested_on=claim.requested_on, paid_on=None, benefit=claim.benefit, amount=claim.amount, status=_PENDING
    )


def _month_index(day: date) -> int:
    return day.year * 12 + day.month - 1
