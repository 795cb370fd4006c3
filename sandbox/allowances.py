"""What the state pays to whom: allowances, the welfare card, pensions. Every register that speaks of them reads it here.

The law's rules decide; who never applied is drawn, or stands in a sample's story.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from sandbox.civil import Registry
from sandbox.households import income_per_head
from sandbox.means import (
    draw,
    financial_assets,
    has_credit_card,
    is_sample,
    is_within_welfare_limits,
    loans,
    parcels,
    promptpay,
)
from sandbox.people import Citizen
from sandbox.samples import anniversary, registration_opens
from sandbox.world import World, age_on

Programme = Literal[
    "old_age_allowance", "disability_allowance", "child_support_grant", "welfare_card", "state_pension", "state_salary"
]
Reason = Literal["income", "family_average", "assets", "land", "credit_card", "loans", "state_staff"]

_POOR: Final = 100_000  # a year, a head: for the welfare card and for the child support grant
_CARD_PAID_FROM: Final = date(2023, 4, 1)
_CARD_ROUND: Final = date(2022, 9, 5)  # the round of B.E. 2565
_CARD_GOODS: Final = Decimal(300)  # a month
_LAST_OF_THE_OLD_RULE: Final = date(2023, 8, 12)

_NOT_REGISTERED_FOR_OLD_AGE: Final = frozenset({11})  # as the story says
_APPLIED_FOR_CARD: Final = frozenset({6, 9, 10, 12, 13, 113, 122, 123, 129})
_FOUND_THEN: Final[dict[int, tuple[Reason, ...]]] = {
    10: ("family_average",),  # she was married then, and her husband earned
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """One thing that is paid every month."""

    programme: Programme
    amount: Decimal
    since: date
    is_suspended: bool = False
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Welfare:
    """What came of the welfare card's last round. `reasons`: which criteria weren't met."""

    registered_on: date
    verified_on: date | None
    reasons: tuple[Reason, ...]

    @property
    def is_holder(self) -> bool:
        return not self.reasons


def family(world: World, citizen: Citizen) -> tuple[Citizen, ...]:
    """Under the welfare card's rules: oneself, husband or wife, children under eighteen."""
    today = world.clock.today()
    spouse = world.citizen(citizen.spouse) if citizen.spouse else None
    is_married = (
        spouse is not None and spouse.alive and Registry(world.nation).marital_status(citizen, today) == "married"
    )
    children = [one for one in world.present(citizen.children) if one.alive and world.age(one) < 18]
    return (citizen, *([spouse] if spouse is not None and is_married else []), *children)


def family_income(world: World, citizen: Citizen) -> Decimal:
    return sum((one.income_per_year for one in family(world, citizen)), Decimal(0))


def welfare(world: World, citizen: Citizen) -> Welfare | None:
    """None for who never applied."""
    dice = draw(citizen, "welfare card")
    eighteen = anniversary(citizen.birth.earliest(), citizen.birth.year + 18)
    wants = 80 if citizen.income_per_year <= 130_000 else 10
    has_applied = citizen.number in _APPLIED_FOR_CARD if is_sample(citizen) else dice % 100 < wants
    if not has_applied or citizen.nationality != "thai" or eighteen > _CARD_ROUND or world.clock.today() < _CARD_ROUND:
        return None
    registered = _CARD_ROUND + timedelta(days=(dice >> 8) % 56)
    reasons = _FOUND_THEN.get(citizen.number) or tuple(_reasons(world, citizen))
    verified = date(2023, 3, 1) + timedelta(days=(dice >> 16) % 90) if not reasons and dice >> 24 & 31 else None
    return Welfare(registered_on=registered, verified_on=verified, reasons=reasons)


def _reasons(world: World, citizen: Citizen) -> Iterator[Reason]:
    members = family(world, citizen)
    owed = loans(world, citizen)
    if citizen.income_per_year > _POOR:
        yield "income"
    if family_income(world, citizen) > _POOR * len(members):
        yield "family_average"
    if financial_assets(world, citizen) > _POOR:
        yield "assets"
    if not is_within_welfare_limits(parcels(world, citizen)):
        yield "land"
    if has_credit_card(world, citizen):
        yield "credit_card"
    for_home = sum(one.limit for one in owed if one.kind == "home")
    for_car = sum(one.limit for one in owed if one.kind == "car")
    if for_home > 1_500_000 or for_car > 1_000_000:
        yield "loans"
    if citizen.civil_servant or citizen.state_pensioner:
        yield "state_staff"


def old_age_registered_on(world: World, citizen: Citizen) -> date | None:
    """When they registered for the old-age allowance, if they may and did by today."""
    dice, opens = draw(citizen, "old age"), registration_opens(citizen.birth)
    did = citizen.number not in _NOT_REGISTERED_FOR_OLD_AGE if is_sample(citizen) else dice % 100 < 94
    registered = opens + timedelta(days=dice // 128 % 58)
    if not did or citizen.nationality != "thai" or citizen.civil_servant or citizen.state_pensioner:
        return None
    return registered if registered <= world.clock.today() else None


def old_age_paid_since(world: World, citizen: Citizen) -> date | None:
    """From the month after one turns sixty, but not before the fiscal year after the one in which one registered."""
    if old_age_registered_on(world, citizen) is None:
        return None
    sixty = anniversary(citizen.birth.earliest(), citizen.birth.year + 60)
    month_after = date(sixty.year + sixty.month // 12, sixty.month % 12 + 1, 1)
    first = max(date(registration_opens(citizen.birth).year + 1, 10, 1), month_after)
    return first if first <= world.clock.today() else None


def was_paid_before_august_2566(world: World, citizen: Citizen) -> bool:
    since = old_age_paid_since(world, citizen)
    return since is not None and since <= _LAST_OF_THE_OLD_RULE


def entitlements(world: World, citizen: Citizen) -> tuple[Entitlement, ...]:
    """What is paid to a living person every month, by today."""
    if not citizen.alive:
        return ()
    bound = promptpay(world, citizen)
    account = bound.account if bound else None
    # Where nothing is bound, some payments come back, and are stopped.
    is_suspended = bound is None and not is_sample(citizen) and draw(citizen, "returned") % 12 == 0
    today = world.clock.today()
    return tuple(
        Entitlement(programme=programme, amount=amount, since=since, is_suspended=is_suspended, account=account)
        for programme, amount, since in _paid(world, citizen, Registry(world.nation))
        if since <= today
    )


def _paid(world: World, citizen: Citizen, registry: Registry) -> Iterator[tuple[Programme, Decimal, date]]:
    today, dice = world.clock.today(), draw(citizen, "entitlements")
    since = old_age_paid_since(world, citizen)
    if since is not None:
        yield "old_age_allowance", old_age_amount(world.age(citizen)), since
    card = registry.disability_card(citizen)
    held = welfare(world, citizen)
    is_holder = held is not None and held.is_holder
    if card is not None and citizen.nationality == "thai" and card.issued_on <= today <= card.expires_on:
        more = world.age(citizen) < 18 or is_holder
        yield "disability_allowance", Decimal(1_000 if more else 800), card.issued_on + timedelta(days=30)
    for child in world.present(citizen.children):
        begun = child_grant_since(world, child)
        if begun is not None and grantee_of(child) == citizen.number:
            yield "child_support_grant", Decimal(600), begun
    if held is not None and held.is_holder and held.verified_on is not None:
        yield "welfare_card", _CARD_GOODS, max(_CARD_PAID_FROM, held.verified_on)
    sixty = anniversary(citizen.birth.earliest(), citizen.birth.year + 60)
    monthly = (citizen.income_per_year / 12).quantize(Decimal("0.01"))
    if citizen.state_pensioner:
        yield "state_pension", monthly, date(sixty.year, 10, 1)
    elif citizen.civil_servant and any(one.right == "csmbs" for one in citizen.health):
        yield "state_salary", monthly, anniversary(sixty, sixty.year - 36 + dice % 6)


def old_age_amount(age: int) -> Decimal:
    """A month, by the decade of life."""
    return Decimal(600 if age < 70 else 700 if age < 80 else 800 if age < 90 else 1_000)


def grantee_of(child: Citizen) -> int | None:
    """Who is paid the child support grant: the mother, else the father."""
    return child.mother or child.father


def child_grant_since(world: World, child: Citizen) -> date | None:
    """Of whom the grant is paid today: under six, in a household on 100,000 baht a head and year at most."""
    sixth = anniversary(child.birth.earliest(), child.birth.year + 6)
    if not child.alive or child.nationality != "thai" or sixth <= world.clock.today():
        return None
    has_applied = is_sample(child) or draw(child, "child grant") % 10 < 9
    if not has_applied or income_per_head(world, child) > _POOR:
        return None
    applied = child.birth.earliest() + timedelta(days=20 + draw(child, "applied") % 60)
    return applied if applied <= world.clock.today() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    programme: Programme
    paid_on: date
    amount: Decimal
    is_paid: bool
    account: str | None


def payments(world: World, citizen: Citizen, *, since: date, until: date) -> tuple[Payment, ...]:
    """What was transferred between two days, the newest first; never beyond today."""
    until = min(until, world.clock.today())
    found = []
    for one in entitlements(world, citizen):
        month = date(max(since, one.since).year, max(since, one.since).month, 1)
        while month <= until:
            day = _pay_day(one.programme, month)
            if since <= day <= until and one.since <= day:
                found.append(
                    Payment(
                        programme=one.programme, paid_on=day, amount=_amount_then(one, citizen, day),
                        is_paid=not one.is_suspended, account=one.account,
                    )
                )  # fmt: skip
            month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return tuple(sorted(found, key=lambda one: (one.paid_on, one.programme), reverse=True))


def _amount_then(one: Entitlement, citizen: Citizen, day: date) -> Decimal:
    return old_age_amount(age_on(citizen.birth, day)) if one.programme == "old_age_allowance" else one.amount


def _pay_day(programme: Programme, month: date) -> date:
    """Allowances on the tenth, the card on the first, pay and pensions near the end; before a weekend, not in it."""
    day = month.replace(day={"welfare_card": 1, "state_pension": 23, "state_salary": 26}.get(programme, 10))
    if programme == "welfare_card":
        return day
    return day - timedelta(days=max(day.weekday() - 4, 0))
