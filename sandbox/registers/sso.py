"""The Social Security Office besides its own dialect: work, counted months, benefits, injuries, the record of the dead.

All of it follows from what was contributed, claimed and worked, so it agrees with what the office's own dialect tells.
How often people fall unemployed for which reason, are injured or become invalid is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal

from sandbox import means
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.businesses import business
from sandbox.employments import Employment, employments
from sandbox.fund import COVER_AFTER_LEAVING, old_age_part
from sandbox.people import Citizen, Claim, Contribution, Words
from sandbox.samples import anniversary
from sandbox.schooling import study
from sandbox.world import World, age_on

Status = Literal["employed", "unemployed", "self_employed", "student", "retired", "none"]
Reason = Literal["dismissed", "resigned", "contract_ended", "force_majeure", "misconduct", "none"]

_DISMISSED: Final = 4  # the sample citizen whose factory closed his line
_RETIRES_AT, _PENSION_AT = 60, 55
_STOPS_LOOKING = timedelta(days=540)  # after so long out of work one has found some of one's own
_FULL_PENSION_MONTHS, _FIRST_RATE, _RATE_A_YEAR = 180, Decimal(20), Decimal("1.5")
_AVERAGED_MONTHS = 60
_CHILD_ALLOWANCE_UNTIL, _CHILDREN_PAID, _BIRTHS_PAID = 6, 3, 2
_ASKED_AFTER_BIRTH = timedelta(days=40)  # as fund.claims has it
_UNEMPLOYMENT_LASTS = timedelta(days=90)  # for who resigned
_INVALID = 12  # of the insured with a disability, one in so many is invalid by decision
_INJURED = 140  # of employees, one in so many was hurt at work within a year
_CIVIL_EMPLOYER = Words(th="ส่วนราชการ", en="A government office")
# Of a hundred jobs that end before old age.
_REASONS: Sequence[tuple[int, Reason]] = (
    (58, "resigned"), (80, "dismissed"), (95, "contract_ended"), (98, "force_majeure"), (100, "misconduct"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What somebody does for a living on one day, and the job they have or had last."""

    status: Status
    job: Employment | None
    ended_on: date | None  # of that job; None while it lasts
    reason: Reason


def work_of(world: World, person: Citizen) -> Work:
    today = world.clock.today()
    jobs = [one for one in employments(person) if one.since <= today]
    job = jobs[-1] if jobs else None
    ended = job.until if job and job.until and job.until <= today else None
    status = _status(world, person, job, ended)
    return Work(status=status, job=job, ended_on=ended, reason=_reason(world, person, ended) if ended else "none")


def get_employment(asked: Asked) -> Mapping[str, Any]:
    work = work_of(asked.world, asked.person)
    is_official = work.status == "employed" and (work.job is None or work.ended_on is not None)
    day = asked.today.timetuple().tm_yday
    return {
        "status": work.status,
        "employer": _CIVIL_EMPLOYER if is_official else _called(work.job),
        "employer_account": work.job.account if work.job and not is_official else None,
        "start_date": work.job.since if work.job and not is_official else None,
        "end_date": None if is_official else work.ended_on,
        "end_reason": "none" if is_official else work.reason,
        "section_at_job_end": "33" if work.ended_on and not is_official else "none",
        "sick_leave_days_this_year": (asked.dice(f"sick {asked.today.year}") % 12) * day // 366
        if work.status == "employed"
        else 0,
    }


def get_record(asked: Asked) -> Mapping[str, Any] | None:
    if not _is_known(asked.person, asked.today):
        return None
    paid = asked.world.contributions(asked.person)
    return {
        "months_total": sum(_saves(one) for one in paid),
        **{f"months_in_last_{n}": _within(paid, asked.today, n) for n in (6, 12, 15, 36)},
        "section33_months": sum(one.rate_percent == 5 for one in paid),
        "wage_base": paid[-1].wage if paid else Decimal(0),
        "avg_wage_60m": _average_wage(paid),
        "last_month": f"{paid[-1].month:%Y-%m}" if paid else None,
    }


def get_benefits(asked: Asked) -> Mapping[str, Any] | None:
    person, today = asked.person, asked.today
    if not _is_known(person, today):
        return None
    claims = [one for one in asked.world.nation.claims(person.number) if one.requested_on <= today]
    found: list[dict[str, Any]] = []
    for child in _children_paid_for(asked, claims):
        sixth = anniversary(child, child.year + _CHILD_ALLOWANCE_UNTIL)
        found.append(_benefit("child_allowance", Decimal(1_000), child + _ASKED_AFTER_BIRTH, sixth))
    pension = next((one for one in claims if one.benefit.en == "Old-age pension"), None)
    if pension:
        found.append(_benefit("pension", pension.amount, _month_after(_ended(person)), None))
    found.extend(
        _benefit("unemployment", one.amount, one.requested_on, one.requested_on + _UNEMPLOYMENT_LASTS)
        for one in claims
        if one.benefit.en.startswith("Unemployment") and today <= one.requested_on + _UNEMPLOYMENT_LASTS
    )
    decided = _invalid_since(asked.world, person)
    if decided:
        found.append(_benefit("invalidity", person.insurance.wage / 2, decided, None))
    return {
        "invalidity_recipient": decided is not None,
        "pension_start_date": _month_after(_ended(person)) if pension else None,
        "maternity_leave_benefit_count": min(
            sum(one.benefit.en == "Childbirth lump sum" for one in claims), _BIRTHS_PAID
        ),
        "count_receiving_sso": sum(one["kind"] == "child_allowance" for one in found),
        "benefits": found,
    }


def get_injuries(asked: Asked) -> Mapping[str, Any] | None:
    if not _is_known(asked.person, asked.today):
        return None
    injured = _injured_on(asked)
    decided = _invalid_since(asked.world, asked.person)
    return {
        "injury_work_related": injured is not None,
        "injury_date": injured,
        "permanent_invalidity": decided is not None,
        "invalidity_decision_date": decided,
    }


def get_deceased_record(asked: Asked) -> Mapping[str, Any] | None:
    late = asked.world.find(asked.arguments["deceased_id"])
    if late is None or late.alive or late.died_on is None or not _is_known(late, late.died_on):
        return None
    died, ended = late.died_on, late.insurance.ended
    # Who left section 33 within six months is treated, and buried, as if still insured (section 38).
    lasting = COVER_AFTER_LEAVING if late.insurance.section == "33" else timedelta()
    is_insured = ended is None or ended + lasting >= died
    paid = [one for one in asked.world.nation.contributions(late.number) if one.month <= died]
    is_pensioner = ended is not None and ended < died and age_on(late.birth, ended) >= _PENSION_AT
    return {
        "section": late.insurance.section if is_insured else "none",
        "months_in_last_6": _within(paid, died, 6),
        "months_in_last_12": _within(paid, died, 12),
        "months_total": len(paid),
        "work_related_death": is_insured
        and late.insurance.section == "33"
        and late.number > 199
        and asked.dice("at work") % 40 == 0,
        "pension_start_date": _month_after(ended) if ended and is_pensioner and _saved(paid) else None,
    }


def estimate_pension(asked: Asked) -> Mapping[str, Any] | None:
    """Fifteen years of contributions make a pension, a fifth of the wage and 1.5 points for each year more; fewer give
    back what was saved."""
    paid = [one for one in asked.world.contributions(asked.person) if _saves(one)]
    if not paid:
        return None
    born = asked.person.birth.earliest()
    average, fifty_five = _average_wage(paid), anniversary(born, born.year + _PENSION_AT)
    is_pension = _saved(paid)
    rate = _FIRST_RATE + _RATE_A_YEAR * ((len(paid) - _FULL_PENSION_MONTHS) // 12) if is_pension else None
    saved = sum((part for one in paid for part in _parts(one)), Decimal(0))
    return {
        "kind": "pension" if is_pension else "lump_sum",
        "months_total": len(paid),
        "avg_wage_60m": average,
        "rate_percent": rate,
        "amount": _satang(average * rate / 100) if rate is not None else _satang(saved),
        "earliest_date": max(fifty_five, asked.today),
    }


def get_employer(asked: Asked) -> Mapping[str, Any] | None:
    """None for a business that nobody runs, or that is none. The one of a story is about to hire its first."""
    found = business(asked.world, asked.arguments["business_id"])
    if found is None or not found.is_active:
        return None
    draw = means.draw(found.owner, f"employees {found.name.en}")
    count = 0 if means.is_sample(found.owner) else draw % (30 if found.is_company else 4)
    hired = found.since + timedelta(days=draw // 64 % 400)
    if not count or hired > asked.today:
        return {"employee_count": 0, "first_hire_date": None}
    return {"employee_count": count, "first_hire_date": hired}


def _status(world: World, person: Citizen, job: Employment | None, ended: date | None) -> Status:
    today, age, insurance = world.clock.today(), world.age(person), person.insurance
    if not person.alive:
        return "none"
    if job is not None and ended is None and insurance.section == "33":
        return "employed"
    if person.civil_servant and age < _RETIRES_AT:
        return "employed"
    if person.state_pensioner or age >= _RETIRES_AT or (ended and age >= _PENSION_AT):
        return "retired"
    if ended and insurance.section == "33" and today - ended <= _STOPS_LOOKING:
        return "unemployed"
    is_insured = insurance.since is not None and insurance.since <= today and insurance.section != "none"
    if not is_insured and study(world, person) is not None:
        return "student"
    if age < 15:
        return "none"
    return "self_employed" if person.income_per_year > 0 else "none"


def _called(job: Employment | None) -> Words | None:
    """A company's name is the same in both languages."""
    return None if job is None else Words(th=job.company, en=job.company)


def _reason(world: World, person: Citizen, ended: date) -> Reason:
    if person.number == _DISMISSED:
        return "dismissed"
    is_elder = age_on(person.birth, ended) >= _PENSION_AT
    if is_elder or person.insurance.section == "39" or _resigned(world, person):
        return "resigned"
    draw = throw(world.nation.seed, "left because", person.number) % 100
    return next(reason for below, reason in _REASONS if draw < below)


def _resigned(world: World, person: Citizen) -> bool:
    """Whether the office has a claim that says so."""
    return any(one.benefit.en == "Unemployment, resigned" for one in world.nation.claims(person.number))


def _is_known(person: Citizen, day: date) -> bool:
    first = person.insurance.first_insured or person.insurance.since
    return first is not None and first <= day


def _within(paid: Sequence[Contribution], day: date, months: int) -> int:
    """How many were paid for the months before that of `day`."""
    this_month = day.year * 12 + day.month
    return sum(this_month - months <= one.month.year * 12 + one.month.month < this_month for one in paid)


def _parts(one: Contribution) -> tuple[Decimal, Decimal, Decimal]:
    part = old_age_part(one)
    return part.employee, part.employer, part.government


def _saves(one: Contribution) -> bool:
    return any(_parts(one))


def _saved(paid: Sequence[Contribution]) -> bool:
    """Whether they make a pension; section 40 only ever gives a lump sum."""
    return sum(one.rate_percent > 0 for one in paid) >= _FULL_PENSION_MONTHS


def _average_wage(paid: Sequence[Contribution]) -> Decimal:
    last = [one.wage for one in paid if one.rate_percent > 0][-_AVERAGED_MONTHS:]
    return _satang(sum(last, Decimal(0)) / len(last)) if last else Decimal(0)


def _children_paid_for(asked: Asked, claims: Sequence[Claim]) -> list[date]:
    """When those were born for whom the allowance is paid now: under six, at most three, while insured."""
    asked_on = {one.requested_on for one in claims if one.benefit.en == "Child allowance"}
    ended = asked.person.insurance.ended
    if not asked_on or (ended is not None and ended <= asked.today):
        return []
    born = [child.birth.earliest() for child in asked.world.present(asked.person.children)]
    paid = [
        day
        for day in born
        if day + _ASKED_AFTER_BIRTH in asked_on and anniversary(day, day.year + _CHILD_ALLOWANCE_UNTIL) > asked.today
    ]
    return paid[:_CHILDREN_PAID]


def _benefit(kind: str, monthly: Decimal, since: date, until: date | None) -> dict[str, Any]:
    return {"kind": kind, "monthly": _satang(monthly), "since": since, "until": until}


def _invalid_since(world: World, person: Citizen) -> date | None:
    """The decision that ended the working life of a few with a disability."""
    ended = person.insurance.ended
    if person.disability is None or person.number <= 199 or ended is None or person.insurance.section != "33":
        return None
    is_of_age = age_on(person.birth, ended) < _PENSION_AT and ended <= world.clock.today()
    is_one = throw(world.nation.seed, "invalid", person.number) % _INVALID == 0
    return ended if is_of_age and is_one else None


def _injured_on(asked: Asked) -> date | None:
    """Within the year before day zero, for a few employees."""
    if asked.person.number <= 199 or work_of(asked.world, asked.person).status != "employed":
        return None
    if asked.person.insurance.section != "33" or asked.dice("injured") % _INJURED:
        return None
    day = asked.world.nation.day_zero - timedelta(days=asked.dice("injured on") % 360)
    since = asked.person.insurance.since
    return day if day <= asked.today and since is not None and since <= day else None


def _ended(person: Citizen) -> date:
    assert person.insurance.ended is not None  # noqa: S101 - a pension is claimed after it
    return person.insurance.ended


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _satang(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_employment": get_employment,
    "get_record": get_record,
    "get_benefits": get_benefits,
    "get_injuries": get_injuries,
    "get_deceased_record": get_deceased_record,
    "estimate_pension": estimate_pension,
    "get_employer": get_employer,
}
