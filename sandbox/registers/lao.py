"""Local authorities: allowances registered for and paid, the tax on land and buildings, food shops.

Land is that of `sandbox/means.py`, which the land office tells of too; who is paid which allowance, `sandbox/allowances.py`
says. That a home of one's own is exempt, the rates and the days are those of the Land and Building Tax Act of 2019; who
pays in time and in instalments is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox import local, means
from sandbox.agencies.standard import Answer, Asked
from sandbox.allowances import Entitlement, entitlements, old_age_registered_on, payments
from sandbox.businesses import Business, business
from sandbox.means import Parcel
from sandbox.people import Citizen
from sandbox.samples import anniversary, registration_opens
from sandbox.world import World

_KINDS: Final = {"old_age_allowance": "old_age", "disability_allowance": "disability"}
_PAY_DAY = 10
_HOMES: Final = frozenset({"detached", "row", "condo"})
_USES: Final = {"commercial": "commercial", "vacant_land": "vacant", "agricultural": "agriculture"}
_EXEMPT: Final = Decimal(
    50_000_000
)  # of a home whose owner is registered in it on 1 January, and of a person's farm land
# Of the lowest bracket, in percent; nobody here owns more than that.
_RATES: Final = {
    "residence": Decimal("0.02"), "agriculture": Decimal("0.01"), "commercial": Decimal("0.3"), "vacant": Decimal("0.3"),
}  # fmt: skip
_VACANT_MORE, _VACANT_EVERY, _VACANT_MOST = Decimal("0.3"), 3, Decimal(3)
_FIRST_YEAR = 2020  # of the tax
_DUE: Final = (4, 30)
_DUE_LATER: Final = {2020: (8, 31), 2022: (7, 31), 2024: (6, 30), 2026: (6, 30)}  # put off by the ministry
_INSTALMENTS_FROM, _INSTALMENTS = Decimal(3_000), 3
_PAYS_IN_TIME, _PAYS_IN_PARTS = 88, 30  # per cent (assumed)

_CERTIFICATE_UP_TO: Final = Decimal(200)  # square metres: above it takes a licence
_LAPSED = 12  # one shop in so many forgot to renew (assumed)
_RESTAURANT_TO_BE: Final = (9, Decimal(160))  # the sample's shophouse next door, which nobody was told of yet
_STALL: Final = Decimal(24)  # in front of her house


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """One property in one tax year."""

    parcel: Parcel
    use: str
    exempt: Decimal
    rate: Decimal
    tax: Decimal
    completed_on: date | None


def get_allowance_registration(asked: Asked) -> Mapping[str, Any]:
    world, person = asked.world, asked.person
    registered = old_age_registered_on(world, person) if person.alive else None
    disability = _entitlement(asked, "disability_allowance")
    # It is paid from October of the fiscal year after that of the registration.
    begins = f"{registration_opens(person.birth).year + 1}-10" if registered else None
    authority = local.authority(person.address)
    return {
        "lao_id": authority.code,
        "local_authority": authority.name,
        "oaa_registered": registered is not None,
        "oaa_registered_on": registered,
        "oaa_from": begins,
        "disability_registered": disability is not None,
        "disability_registered_on": disability.since if disability else None,
        "disability_from": f"{_month_after(disability.since):%Y-%m}" if disability else None,
        "pay_channel": _channel(asked) if registered or disability else None,
    }


def get_allowance_payments(asked: Asked) -> Mapping[str, Any]:
    """The last twelve months, and what comes next; the newest first."""
    found = [
        {
            "kind": _KINDS[one.programme],
            "month": f"{one.paid_on:%Y-%m}",
            "pay_date": one.paid_on,
            "amount": one.amount,
            "state": "paid" if one.is_paid else "returned",
        }
        for one in payments(asked.world, asked.person, since=asked.today - timedelta(days=365), until=asked.today)
        if one.programme in _KINDS
    ]
    coming = _next_pay_day(asked.today)
    to_come = [
        {
            "kind": _KINDS[one.programme],
            "month": f"{coming:%Y-%m}",
            "pay_date": coming,
            "amount": one.amount,
            "state": "scheduled",
        }
        for one in entitlements(asked.world, asked.person)
        if one.programme in _KINDS
    ]
    return {"payments": [*to_come, *found]}


def get_lbt_bill(asked: Asked) -> Mapping[str, Any] | None:
    """None for who owned nothing on the first of January."""
    year = _year(asked)
    taxed = [] if year is None else taxes(asked.world, asked.person, year)
    if year is None or not taxed:
        return None
    total = sum((one.tax for one in taxed), Decimal(0))
    due = date(year, *_DUE_LATER.get(year, _DUE))
    parts = _parts(asked, total, due)
    paid_on = _paid_on(asked, due) if total and not parts else None
    state = _state(asked.today, total, due, parts, paid_on)
    unpaid = sum((one["amount"] for one in parts if not one["paid_on"]), Decimal(0)) if parts else total
    return {
        "bill_id": f"L{year + 543}{asked.person.number:08d}",
        "tax_year": year,
        "local_authority": local.authority(asked.person.address).name,
        "state": state,
        "tax": total,
        "to_pay": Decimal(0) if state == "paid" else unpaid,
        "due_date": due if total else None,
        "paid_on": paid_on,
        "may_pay_in_instalments": total >= _INSTALMENTS_FROM,
        "instalments": parts,
        "items": [
            {
                "property_id": one.parcel.parcel_id,
                "called": one.parcel.deed,
                "use": one.use,
                "appraised_value": one.parcel.value,
                "exempt_value": one.exempt,
                "rate_percent": one.rate,
                "tax": one.tax,
                "completed_date": one.completed_on,
            }
            for one in taxed
        ],
    }


def get_property_tax(asked: Asked) -> Mapping[str, Any] | None:
    """What was bought this year is taxed from the next."""
    parcel, year = means.parcel(asked.world, asked.arguments["property_id"]), _year(asked)
    if parcel is None or year is None or parcel.owner != asked.person.number:
        return None
    taxed = next((one for one in taxes(asked.world, asked.person, year) if one.parcel == parcel), None)
    return {
        "property_id": parcel.parcel_id,
        "use": taxed.use if taxed else _USES.get(parcel.kind, "residence"),
        "appraised_value": parcel.value,
        "exempt_value": taxed.exempt if taxed else Decimal(0),
        "rate_percent": taxed.rate if taxed else Decimal(0),
        "tax": taxed.tax if taxed else Decimal(0),
        "completed_date": completed_on(parcel),
    }


def taxes(world: World, owner: Citizen, year: int) -> list[Taxed]:
    """The properties that somebody owned on 1 January of `year`, each with its tax."""
    if year < _FIRST_YEAR or year > world.clock.today().year:
        return []
    new_year = date(year, 1, 1)
    return [_taxed(world, owner, one, new_year) for one in means.parcels(world, owner) if one.owned_since <= new_year]


def lives_in(world: World, owner: Citizen, parcel: Parcel, day: date) -> bool:
    """Whether the owner was in the house register of that house: of one's homes, the first is the one lived in."""
    homes = [one for one in means.parcels(world, owner) if one.kind in _HOMES]
    return bool(homes) and homes[0] == parcel and parcel.owned_since <= day and owner.moved_in <= day


def completed_on(parcel: Parcel) -> date | None:
    """When it was built; None for land."""
    if not parcel.building_value and parcel.kind != "condo":
        return None
    before = int(parcel.parcel_id[1:9]) * 7_919 % 4_000
    return parcel.owned_since - timedelta(days=60 + before)


def get_food_shop(asked: Asked) -> Mapping[str, Any] | None:
    """None for a business that is none of food, or no business at all."""
    found = business(asked.world, asked.arguments["business_id"])
    if found is None or not found.sells_food or not found.is_active:
        return None
    is_to_be = found.owner.number == _RESTAURANT_TO_BE[0] and found.is_company
    area = Decimal(12 + means.draw(found.owner, f"floor {found.name.en}") % 240)
    area = _RESTAURANT_TO_BE[1] if is_to_be else min(area, _STALL) if means.is_sample(found.owner) else area
    expires, is_large = None if is_to_be else _renewal(asked, found), area > _CERTIFICATE_UP_TO
    return {
        "food_shop_name": found.name,
        "local_authority": local.authority(found.owner.address).name,
        "floor_area_sqm": area,
        "food_certificate_expiry_date": None if is_large else expires,
        "food_licence_expiry_date": expires if is_large else None,
    }


def _entitlement(asked: Asked, programme: str) -> Entitlement | None:
    return next((one for one in entitlements(asked.world, asked.person) if one.programme == programme), None)


def _channel(asked: Asked) -> str:
    if means.promptpay(asked.world, asked.person) is not None:
        return "promptpay"
    return "cash" if asked.dice("paid in cash") % 4 == 0 else "bank_account"


def _next_pay_day(today: date) -> date:
    """The tenth, and before a weekend, not in it."""
    for month in (today.replace(day=1), _month_after(today)):
        day = month.replace(day=_PAY_DAY)
        day -= timedelta(days=max(day.weekday() - 4, 0))
        if day > today:
            break
    return day


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _year(asked: Asked) -> int | None:
    text = asked.arguments["tax_year"]
    return int(text) if len(text) == 4 and text.isascii() and text.isdigit() else None


def _taxed(world: World, owner: Citizen, parcel: Parcel, new_year: date) -> Taxed:
    use, value = _USES.get(parcel.kind, "residence"), parcel.value
    rate = _RATES[use]
    if use == "vacant":
        years = new_year.year - max(_FIRST_YEAR, parcel.owned_since.year + 1)
        rate = min(rate + _VACANT_MORE * (years // _VACANT_EVERY), _VACANT_MOST)
    is_home = use == "residence" and lives_in(world, owner, parcel, new_year)
    exempt = min(value, _EXEMPT) if is_home or use == "agriculture" else Decimal(0)
    return Taxed(
        parcel=parcel,
        use=use,
        exempt=exempt,
        rate=rate,
        tax=((value - exempt) * rate / 100).quantize(Decimal("0.01")),
        completed_on=completed_on(parcel),
    )


def _parts(asked: Asked, total: Decimal, due: date) -> list[dict[str, Any]]:
    """Three parts, a month apart, for some of those who may."""
    if total < _INSTALMENTS_FROM or asked.dice(f"in parts {due.year}") % 100 >= _PAYS_IN_PARTS:
        return []
    part = (total / _INSTALMENTS).quantize(Decimal("0.01"))
    found = []
    for at in range(_INSTALMENTS):
        day = date(due.year, due.month + at, 28 if at else due.day)
        paid = day - timedelta(days=asked.dice(f"part {due.year} {at}") % 12)
        found.append(
            {
                "number": at + 1,
                "due_date": day,
                "amount": total - part * (_INSTALMENTS - 1) if at == 0 else part,
                "paid_on": paid if paid <= asked.today else None,
            }
        )
    return found


def _paid_on(asked: Asked, due: date) -> date | None:
    if asked.dice(f"pays {due.year}") % 100 >= _PAYS_IN_TIME:
        return None
    day = due - timedelta(days=asked.dice(f"paid on {due.year}") % 50)
    return day if day <= asked.today else None


def _state(today: date, total: Decimal, due: date, parts: Sequence[Mapping[str, Any]], paid_on: date | None) -> str:
    if not total:
        return "exempt"
    if paid_on or (parts and all(one["paid_on"] for one in parts)):
        return "paid"
    if parts:
        return "overdue" if any(not one["paid_on"] and one["due_date"] < today for one in parts) else "due"
    return "overdue" if due < today else "due"


def _renewal(asked: Asked, shop: Business) -> date:
    """It lasts a year: to the next anniversary, or the last one where the owner forgot."""
    this_year = anniversary(shop.since, asked.today.year)
    following = this_year if this_year > asked.today else anniversary(shop.since, asked.today.year + 1)
    has_lapsed = means.draw(shop.owner, "renewal") % _LAPSED == 0 and not means.is_sample(shop.owner)
    last = anniversary(following, following.year - 1)
    return last if has_lapsed and last > shop.since else following


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_allowance_registration": get_allowance_registration,
    "get_allowance_payments": get_allowance_payments,
    "get_lbt_bill": get_lbt_bill,
    "get_property_tax": get_property_tax,
    "get_food_shop": get_food_shop,
}
