"""The Department of Lands: who owns which land and flats, what registering a transfer costs, what the dead leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.earnings import tax_on_sale_of_land
from sandbox.means import HOME_LENDER, Parcel, is_within_welfare_limits, parcel, parcels
from sandbox.registers import kin

_STAMPS_INSTEAD_AFTER_YEARS = 5
_LARGEST_MORTGAGE_FEE = Decimal(200_000)


def list_parcels(asked: Asked) -> Mapping[str, Any]:
    owned = parcels(asked.world, asked.person)
    new_year = date(asked.today.year, 1, 1)
    return {
        "owned_on_1_january": any(one.owned_since <= new_year for one in owned),
        "within_welfare_limits": is_within_welfare_limits(owned),
        "parcels": [
            {
                "parcel_id": one.parcel_id,
                "deed": one.deed,
                "type": one.kind,
                "place": one.place,
                "area": one.area,
                "unit": one.unit,
                "share_percent": 100,
                "owned_since": one.owned_since,
                "acquired_by": one.acquired_by,
                "sale_price": one.sale_price,
                "mortgage_amount": one.mortgage,
                "mortgagee": HOME_LENDER if one.mortgage else None,
            }
            for one in owned
        ],
    }


def estimate_fees(asked: Asked) -> Mapping[str, Any] | None:
    """At the ordinary rates, on the official value or the last price, whichever is more."""
    found = parcel(asked.world, asked.arguments["parcel_id"])
    if found is None or asked.arguments["registration"] not in _FEES:
        return None
    basis = max(found.value, found.sale_price or Decimal(0))
    fees = list(_FEES[asked.arguments["registration"]](found, basis, asked.today))
    return {
        "parcel_id": found.parcel_id,
        "basis": basis,
        "fees": [{"kind": kind, "amount": amount} for kind, amount in fees],
        "total": sum((amount for _, amount in fees), Decimal(0)),
    }


def _of_sale(found: Parcel, basis: Decimal, today: date) -> Iterator[tuple[str, Decimal]]:
    years = today.year - found.owned_since.year + 1  # counted by calendar years, as the department does
    yield "transfer_fee", _percent(found.value, "2")
    if found.acquired_by == "inheritance" or years > _STAMPS_INSTEAD_AFTER_YEARS:
        yield "stamp_duty", _percent(basis, "0.5")
    else:
        yield "specific_business_tax", _percent(basis, "3.3")
    yield "withholding_tax", tax_on_sale_of_land(found.value, years=years)


def _of_inheritance(found: Parcel, _basis: Decimal, _today: date) -> Iterator[tuple[str, Decimal]]:
    """To a husband, wife or child."""
    yield "transfer_fee", _percent(found.value, "0.5")


def _of_gift(found: Parcel, _basis: Decimal, _today: date) -> Iterator[tuple[str, Decimal]]:
    yield "transfer_fee", _percent(found.value, "0.5")
    yield "stamp_duty", _percent(found.value, "0.5")


def _of_mortgage(_found: Parcel, basis: Decimal, _today: date) -> Iterator[tuple[str, Decimal]]:
    yield "mortgage_fee", min(_percent(basis, "1"), _LARGEST_MORTGAGE_FEE)


_FEES: Final = {"sale": _of_sale, "inheritance": _of_inheritance, "gift": _of_gift, "mortgage": _of_mortgage}


def _percent(amount: Decimal, percent: str) -> Decimal:
    return (amount * Decimal(percent) / 100).quantize(Decimal("0.01"))


def get_estate(asked: Asked) -> Mapping[str, Any] | None:
    deceased = kin.deceased(asked)
    if deceased is None:
        return None
    left = parcels(asked.world, deceased)
    return {
        "owns_land": bool(left),
        "parcels": [
            {"parcel_id": one.parcel_id, "deed": one.deed, "type": one.kind, "place": one.place} for one in left
        ],
    }


ANSWERS: Final[Mapping[str, Answer]] = {
    "list_parcels": list_parcels,
    "estimate_fees": estimate_fees,
    "get_estate": get_estate,
}
