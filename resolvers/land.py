"""Land in the graph: what the person owns, and for each parcel what it is officially worth and what a transfer costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.values import Money, Text, say, say_if

# ---- for each parcel


@strawberry.type(description="What a parcel is officially worth.")
class Appraisal:
    total: Money = field(description="Land and building.")
    land: Money = field(description="The land alone, or the flat.")
    building: Money = field(description="What stands on it; 0 where nothing does.")
    per_unit: Money = field(description="Per square wah, or per square metre of a flat.")
    valid_from: date = field(description="The first day it holds.")
    valid_to: date = field(description="The last day it holds.")


@strawberry.type(description="The Treasury Department's answer about a parcel's official value.")
class AppraisalAnswer(AgencyAnswer):
    value: Appraisal | None = field(description="The appraisal; null unless the state is `OK` or `STALE`.")


@strawberry.enum(description="What would be registered.")
class LandRegistration(Enum):
    SALE = enum_value("sale", description="A sale.")
    INHERITANCE = enum_value("inheritance", description="An inheritance by husband, wife or children.")
    GIFT = enum_value("gift", description="A gift to them.")
    MORTGAGE = enum_value("mortgage", description="A mortgage.")


@strawberry.enum(description="What is to be paid at the land office.")
class LandFeeKind(Enum):
    TRANSFER_FEE = enum_value("transfer_fee", description="The fee for a transfer.")
    MORTGAGE_FEE = enum_value("mortgage_fee", description="The fee for a mortgage.")
    STAMP_DUTY = enum_value("stamp_duty", description="Stamp duty.")
    SPECIFIC_BUSINESS_TAX = enum_value("specific_business_tax", description="Specific business tax, in place of it.")
    WITHHOLDING_TAX = enum_value("withholding_tax", description="Income tax withheld.")


@strawberry.type(description="One fee or tax.")
class LandFee:
    kind: LandFeeKind = field(description="Which.")
    amount: Money = field(description="How much.")


@strawberry.type(description="What registering a transfer or a mortgage costs, at the ordinary rates.")
class LandFees:
    basis: Money = field(description="The value it is worked out on.")
    fees: list[LandFee] = field(description="Fees and taxes.", metadata={"about": 3})
    total: Money = field(description="In all.")


@strawberry.type(description="The Department of Lands' answer about fees.")
class LandFeesAnswer(AgencyAnswer):
    value: LandFees | None = field(description="The estimate; null unless the state is `OK` or `STALE`.")


ForRegistration = Annotated[LandRegistration, strawberry.argument(description="What would be registered.", name="for")]


async def _appraisal(root: strawberry.Parent[Parcel], info: Info) -> AppraisalAnswer:
    return await card(AppraisalAnswer, "treasury.get_appraisal", _appraised, info, parcel_id=root.parcel_id)


async def _fees(
    root: strawberry.Parent[Parcel], info: Info, wanted: ForRegistration = LandRegistration.SALE
) -> LandFeesAnswer:
    return await card(
        LandFeesAnswer, "dol.estimate_fees", _estimated, info, parcel_id=root.parcel_id, registration=str(wanted.value)
    )


# ---- what is owned


@strawberry.enum(description="What sort of property it is.")
class ParcelKind(Enum):
    DETACHED = enum_value("detached", description="A detached house.")
    ROW = enum_value("row", description="A row house.")
    COMMERCIAL = enum_value("commercial", description="A commercial building.")
    CONDO = enum_value("condo", description="A flat.")
    VACANT_LAND = enum_value("vacant_land", description="Land with nothing on it.")
    AGRICULTURAL = enum_value("agricultural", description="Farm land.")


@strawberry.enum(description="What an area is measured in.")
class AreaUnit(Enum):
    RAI = enum_value("rai", description="Rai: 1,600 square metres, 400 square wah.")
    SQUARE_WAH = enum_value("square_wah", description="Square wah: four square metres.")
    SQUARE_METRE = enum_value("square_metre", description="Square metres.")


@strawberry.enum(description="How it came to the owner.")
class Acquisition(Enum):
    SALE = enum_value("sale", description="Bought.")
    INHERITANCE = enum_value("inheritance", description="Inherited.")
    GIFT = enum_value("gift", description="Given.")


@strawberry.type(description="A mortgage on a parcel.")
class Mortgage:
    amount: Money = field(description="The amount secured.")
    lender: Text = field(description="To whom it is mortgaged.")


@strawberry.type(description="Land, a house on its land, or a flat.")
class Parcel:
    parcel_id: str = field(description="The number of the parcel in the land register.")
    deed: Text = field(description="The title deed.")
    kind: ParcelKind = field(description="What sort it is.")
    place: Text = field(description="Where it lies.")
    area: Decimal = field(description="How large, in `areaUnit`.")
    area_unit: AreaUnit = field(description="What the area is measured in.")
    share_percent: int = field(description="The person's share of it.")
    owned_since: date = field(description="Since when it is theirs.")
    acquired_by: Acquisition = field(description="How it came to them.")
    bought_for: Money | None = field(description="The registered price; null where it wasn't bought.")
    mortgage: Mortgage | None = field(description="The mortgage on it; null where there is none.")
    appraisal: AppraisalAnswer = field(resolver=_appraisal, description="What it is officially worth.")
    fees: LandFeesAnswer = field(resolver=_fees, description="What registering a transfer or a mortgage of it costs.")


@strawberry.type(description="What land a person owns.")
class Land:
    parcels: list[Parcel] = field(description="Parcels and flats, none for who owns none.", metadata={"about": 3})
    owned_on_1_january: bool = field(
        description="Whether they owned any on 1 January, on which the land and building tax depends."
    )
    is_within_welfare_limits: bool = field(description="Whether it is within the limits of the state welfare card.")


@strawberry.type(description="The Department of Lands' answer about what a person owns.")
class LandAnswer(AgencyAnswer):
    value: Land | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def land(info: Info) -> LandAnswer:
    return await card(LandAnswer, "dol.list_parcels", _owned, info)


def _owned(told: Record, language: Language) -> Land:
    return Land(
        parcels=[_parcel(one, language) for one in told["parcels"]],
        owned_on_1_january=told["owned_on_1_january"],
        is_within_welfare_limits=told["within_welfare_limits"],
    )


def _parcel(one: Record, language: Language) -> Parcel:
    lender = say_if(one["mortgagee"], language)
    return Parcel(
        parcel_id=one["parcel_id"],
        deed=say(one["deed"], language),
        kind=ParcelKind(one["type"]),
        place=say(one["place"], language),
        area=one["area"],
        area_unit=AreaUnit(one["unit"]),
        share_percent=one["share_percent"],
        owned_since=one["owned_since"],
        acquired_by=Acquisition(one["acquired_by"]),
        bought_for=None if one["sale_price"] is None else Money(amount=one["sale_price"]),
        mortgage=None if lender is None else Mortgage(amount=Money(amount=one["mortgage_amount"]), lender=lender),
    )


def _appraised(told: Record, _language: Language) -> Appraisal:
    return Appraisal(
        total=Money(amount=told["value"]),
        land=Money(amount=told["land_value"]),
        building=Money(amount=told["building_value"]),
        per_unit=Money(amount=told["value_per_wah"]),
        valid_from=told["valid_from"],
        valid_to=told["valid_to"],
    )


def _estimated(told: Record, _language: Language) -> LandFees:
    return LandFees(
        basis=Money(amount=told["basis"]),
        fees=[LandFee(kind=LandFeeKind(one["kind"]), amount=Money(amount=one["amount"])) for one in told["fees"]],
        total=Money(amount=told["total"]),
    )
