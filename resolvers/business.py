"""Businesses in the graph: the shops and companies a person has, and for each company what its own register says."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies import dbd
from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, answer, card
from resolvers.context import Info
from resolvers.values import Money, Text, say, say_if


@strawberry.type(description="A company or partnership, as the register of juristic persons describes it.")
class JuristicPerson:
    name: Text = field(description="The registered name.")
    form: Text = field(description="What form of juristic person it is.")
    status: Text = field(description="Whether it is in business, in the register's words.")
    is_active: bool = field(description="Whether it is in business.")
    registered_on: date = field(description="When it was registered.")
    capital: Money | None = field(description="The registered capital.")
    objective: Text | None = field(description="What it chiefly does.")
    objective_code: str | None = field(description="The same by the Thailand Standard Industrial Classification.")
    address: str | None = field(description="The head office, as registered.")


@strawberry.type(description="The DBD's answer about one juristic person.")
class JuristicAnswer(AgencyAnswer):
    value: JuristicPerson | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.type(description="Who directs a company.")
class Board:
    directors: list[Text] = field(description="The directors' names.", metadata={"about": 3})
    authority: list[str] = field(description="Who may sign for it, in the register's words.", metadata={"about": 1})


@strawberry.type(description="The DBD's answer about a company's directors.")
class BoardAnswer(AgencyAnswer):
    value: Board | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def _register(root: strawberry.Parent[Business], info: Info) -> JuristicAnswer | None:
    if not root.is_juristic:
        return None
    told = await info.context.asking.ask(dbd.JURISTIC, juristic_id=root.business_id)
    value = None if told.value is None else _juristic(told.value, info.context.language)
    return answer(JuristicAnswer, told, value, info.context)


async def _board(root: strawberry.Parent[Business], info: Info) -> BoardAnswer | None:
    if not root.is_juristic:
        return None
    told = await info.context.asking.ask(dbd.DIRECTORS, juristic_id=root.business_id)
    value = None
    if told.value is not None:
        value = Board(
            directors=[say(one.name, info.context.language) for one in told.value.directors],
            authority=list(told.value.authority),
        )
    return answer(BoardAnswer, told, value, info.context)


@strawberry.enum(description="What sort of business it is.")
class BusinessKind(Enum):
    SOLE = enum_value("sole", description="A shop of one's own.")
    ONLINE_SHOP = enum_value("online_shop", description="An online shop of one's own.")
    FOOD = enum_value("food", description="A food shop of one's own.")
    PARTNERSHIP = enum_value("partnership", description="A partnership.")
    COMPANY = enum_value("company", description="A company.")


@strawberry.enum(description="What the person is in a business.")
class BusinessRole(Enum):
    OWNER = enum_value("owner", description="Its owner.")
    DIRECTOR = enum_value("director", description="A director or managing partner.")


@strawberry.type(description="A business that a person has or directs.")
class Business:
    business_id: str = field(description="The registration number, of thirteen digits.")
    name: Text = field(description="The name.")
    kind: BusinessKind = field(description="What sort it is.")
    is_juristic: bool = field(description="Whether it is a juristic person.")
    role: BusinessRole = field(description="What the person is in it.")
    is_active: bool = field(description="Whether it is in business.")
    started_on: date | None = field(description="When it started.")
    registered_on: date = field(description="When it was registered.")
    statutory_meeting_on: date | None = field(description="When the meeting was held that set up the company.")
    promoters: int | None = field(description="How many founded it; null for a shop.")
    capital: Money | None = field(description="The registered capital; null for a shop.")
    register: JuristicAnswer | None = field(
        resolver=_register, description="What the register of juristic persons says; null for a shop."
    )
    board: BoardAnswer | None = field(resolver=_board, description="Who directs it; null for a shop.")


@strawberry.type(description="The DBD's answer about a person's businesses.")
class BusinessesAnswer(AgencyAnswer):
    value: list[Business] | None = field(
        description="Shops and companies, none for who has none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


async def business(info: Info) -> BusinessesAnswer:
    return await card(BusinessesAnswer, "dbd.get_businesses", _businesses, info)


def _businesses(told: Record, language: Language) -> list[Business]:
    return [
        Business(
            business_id=one["business_id"],
            name=say(one["name"], language),
            kind=BusinessKind(one["type"]),
            is_juristic=one["is_juristic"],
            role=BusinessRole(one["role"]),
            is_active=one["status"] == "active",
            started_on=one["start_date"],
            registered_on=one["registered_on"],
            statutory_meeting_on=one["statutory_meeting_date"],
            promoters=one["promoters"],
            capital=None if one["capital"] is None else Money(amount=one["capital"]),
        )
        for one in told["businesses"]
    ]


def _juristic(told: dbd.JuristicPerson, language: Language) -> JuristicPerson:
    return JuristicPerson(
        name=say(told.name, language),
        form=say(told.form_name, language),
        status=say(told.status_name, language),
        is_active=told.status == "ACTIVE",
        registered_on=told.registered_on,
        capital=None if told.capital is None else Money(amount=told.capital),
        objective=say_if(told.objective, language),
        objective_code=told.objective_code,
        address=None if told.seat is None else _seat(told.seat),
    )


def _seat(seat: dbd.Seat) -> str:
    places = (seat.subdistrict, seat.district, seat.province)
    return " ".join((seat.text, *(place.name.th for place in places if place is not None)))
