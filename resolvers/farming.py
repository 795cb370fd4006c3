"""Farming in the graph: the register of farmers, plot by plot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.values import Text, say_if


@strawberry.enum(description="What grows on a plot.")
class Crop(Enum):
    RICE = enum_value("rice", description="Rice.")
    CASSAVA = enum_value("cassava", description="Cassava.")
    SUGAR_CANE = enum_value("sugar_cane", description="Sugar cane.")
    MAIZE = enum_value("maize", description="Maize.")
    RUBBER = enum_value("rubber", description="Rubber.")
    OIL_PALM = enum_value("oil_palm", description="Oil palm.")
    FRUIT = enum_value("fruit", description="Fruit trees.")


@strawberry.type(description="A plot of a registered farmer.")
class FarmPlot:
    plot_id: str = field(description="The number of the plot.")
    crop: Crop = field(description="What grows on it.")
    area_rai: Decimal = field(description="How large, in rai.")
    planted_on: date = field(description="When it was planted.")
    harvest_on: date | None = field(description="When the harvest is expected; null for trees.")
    is_own_land: bool = field(description="Whether the land is the farmer's own; if not, it is rented.")
    deed: Text | None = field(description="The title deed of own land.")


@strawberry.type(description="How somebody stands in the register of farmers.")
class Farming:
    is_registered: bool = field(description="Whether they are registered.")
    farmer_no: str | None = field(description="The number of the farmer.")
    since: date | None = field(description="Since when.")
    updated_on: date | None = field(description="When the register was last brought up to date.")
    rice_area_rai: Decimal = field(description="The area of rice, in rai.")
    total_area_rai: Decimal = field(description="The area of all, in rai.")
    last_planted_on: date | None = field(description="When something was last planted.")
    plots: list[FarmPlot] = field(description="The plots.", metadata={"about": 3})


@strawberry.type(description="The Department of Agricultural Extension's answer about a farmer.")
class FarmingAnswer(AgencyAnswer):
    value: Farming | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def farming(info: Info) -> FarmingAnswer:
    return await card(FarmingAnswer, "doae.get_farmer", _farmer, info)


def _farmer(told: Record, language: Language) -> Farming:
    return Farming(
        is_registered=told["registered"],
        farmer_no=told["farmer_no"],
        since=told["since"],
        updated_on=told["updated_on"],
        rice_area_rai=told["rice_area_rai"],
        total_area_rai=told["total_area_rai"],
        last_planted_on=told["planting_date"],
        plots=[
            FarmPlot(
                plot_id=one["plot_id"],
                crop=Crop(one["crop"]),
                area_rai=one["area_rai"],
                planted_on=one["planted_on"],
                harvest_on=one["harvest_on"],
                is_own_land=one["holding"] == "own",
                deed=say_if(one["deed"], language),
            )
            for one in told["plots"]
        ],
    )
