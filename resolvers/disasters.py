"""Disasters in the graph: what is declared in the province of the home, the home itself, and relief asked for."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.civil_register import Address
from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, Place, card
from resolvers.context import Info
from resolvers.homes import card_of_home, province
from resolvers.selection import together
from resolvers.values import Money, Text, say, say_if


@strawberry.enum(description="What sort of disaster it is.")
class DisasterKind(Enum):
    FLOOD = enum_value("flood", description="A flood.")
    STORM = enum_value("storm", description="A storm.")
    DROUGHT = enum_value("drought", description="A drought.")
    COLD = enum_value("cold", description="Cold weather.")
    FIRE = enum_value("fire", description="Forest fire and haze.")


@strawberry.enum(description="How a claim of relief stands.")
class ReliefState(Enum):
    CHECKING = enum_value("checking", description="It is being checked.")
    APPROVED = enum_value("approved", description="It was approved.")
    PAID = enum_value("paid", description="It was paid.")


@strawberry.type(description="An area declared a disaster area.")
class DisasterArea:
    area_id: str = field(description="The number of the declaration.")
    kind: DisasterKind = field(description="Which disaster.")
    district: Place = field(description="The district.")
    subdistricts: list[Text] = field(description="Its subdistricts that are declared.", metadata={"about": 3})
    declared_on: date = field(description="When it was declared.")
    ended_on: date | None = field(description="When the disaster was over; null while it lasts.")
    relief: Text | None = field(description="What help there is.")
    apply_by: date | None = field(description="Until when to ask for it; null while the disaster lasts.")


@strawberry.type(description="A home, as the DDPM surveyed it.")
class HomeInDisaster:
    is_in_declared_area: bool = field(
        description="Whether the home is in a declared area, as long as relief may be asked for."
    )
    was_flooded: bool = field(description="Whether it was flooded within the criteria of the relief.")
    flooded_days: int | None = field(description="How many days it was under water.")
    surveyed_on: date | None = field(description="When it was surveyed.")


@strawberry.type(description="The DDPM's answer about a person's home.")
class HomeInDisasterAnswer(AgencyAnswer):
    value: HomeInDisaster | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="A claim of relief.")
class ReliefClaim:
    claim_id: str = field(description="The number of the claim.")
    kind: DisasterKind = field(description="After which disaster.")
    requested_on: date = field(description="When it was made.")
    amount: Money = field(description="How much.")
    state: ReliefState = field(description="How it stands.")
    paid_on: date | None = field(description="When it was paid.")


@strawberry.type(description="The DDPM's answer about a person's claims of relief.")
class ReliefAnswer(AgencyAnswer):
    value: list[ReliefClaim] | None = field(
        description="The claims, none for who made none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


async def _home(info: Info) -> HomeInDisasterAnswer:
    return await card_of_home(HomeInDisasterAnswer, "ddpm.get_home", _surveyed, info, _house)


async def _relief(info: Info) -> ReliefAnswer:
    return await card(ReliefAnswer, "ddpm.get_relief", _claimed, info)


@strawberry.type(description="The DDPM's answer about disasters in the province of the home, and beside it the home.")
class DisastersAnswer(AgencyAnswer):
    value: list[DisasterArea] | None = field(
        description="The declared areas, the latest first, until four months after the disaster; null unless the "
        "state is `OK` or `STALE`.",
        metadata={"about": 4},
    )
    home: HomeInDisasterAnswer = field(resolver=_home, description="The person's home (DDPM).")
    relief: ReliefAnswer = field(resolver=_relief, description="The person's claims of relief (DDPM).")


async def disasters(info: Info) -> DisastersAnswer:
    own = card_of_home(DisastersAnswer, "ddpm.get_declared_areas", _declared, info, province)
    return await together(own, info, {"home": _home, "relief": _relief})


def _house(address: Address) -> dict[str, str]:
    return {"house_id": address.house_id}


def _declared(told: Record, language: Language) -> list[DisasterArea]:
    return [
        DisasterArea(
            area_id=one["area_id"],
            kind=DisasterKind(one["kind"]),
            district=Place(code=one["district_code"], name=say(one["district"], language)),
            subdistricts=[say(name, language) for name in one["subdistricts"]],
            declared_on=one["declared_on"],
            ended_on=one["ended_on"],
            relief=say_if(one["relief"], language),
            apply_by=one["apply_by"],
        )
        for one in told["areas"]
    ]


def _surveyed(told: Record, _language: Language) -> HomeInDisaster:
    return HomeInDisaster(
        is_in_declared_area=told["in_declared_disaster_area"],
        was_flooded=told["flooded_primary_residence"],
        flooded_days=told["flooded_days"],
        surveyed_on=told["surveyed_on"],
    )


def _claimed(told: Record, _language: Language) -> list[ReliefClaim]:
    return [
        ReliefClaim(
            claim_id=one["claim_id"],
            kind=DisasterKind(one["kind"]),
            requested_on=one["requested_on"],
            amount=Money(amount=one["amount"]),
            state=ReliefState(one["state"]),
            paid_on=one["paid_on"],
        )
        for one in told["claims"]
    ]
