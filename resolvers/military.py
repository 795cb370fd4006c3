"""Military duty in the graph: where a man stands between the list and the reserve, and what he has to do next."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.values import Text, say, say_if


@strawberry.enum(description="Where somebody stands in military duty.")
class MilitaryStanding(Enum):
    TO_REGISTER = enum_value("to_register", description="Has to get on the reserve list (สด.9).")
    LISTED = enum_value("listed", description="On the reserve list.")
    TO_COLLECT = enum_value("to_collect", description="Has to collect the call-up paper (สด.35).")
    CALLED = enum_value("called", description="Called to the selection.")
    DEFERRED = enum_value("deferred", description="Deferred; `deferral` says why.")
    EXEMPT = enum_value("exempt", description="Has done three years of territorial defence training.")
    RELEASED = enum_value("released", description="Not taken at the selection (สด.43).")
    SERVING = enum_value("serving", description="In service.")
    DISCHARGED = enum_value("discharged", description="Has served (สด.8).")
    PAST_AGE = enum_value("past_age", description="Past military age.")


@strawberry.type(description="Military duty, by the recruiting office.")
class MilitaryDuty:
    standing: MilitaryStanding = field(description="Where the person stands.")
    is_listed: bool = field(description="Whether they are on the reserve list (สด.9).")
    list_no: str | None = field(description="The number on the list.")
    listed_on: date | None = field(description="When they got on it.")
    is_called: bool = field(description="Whether they received the call-up paper (สด.35).")
    called_on: date | None = field(description="When they received it.")
    is_done: bool = field(description="Whether they have been through the selection, or were discharged.")
    act_from: date | None = field(description="The first day of what is to be done now; null where nothing is.")
    act_until: date | None = field(description="Its last day.")
    selection_on: date | None = field(description="The day of the selection.")
    deferral: Text | None = field(description="Why they are deferred.")
    deferred_until: date | None = field(description="Until when.")
    office: Text = field(description="The recruiting office.")


@strawberry.type(
    description="The recruiting office's answer; `NOT_FOUND` for whom the Military Service Act does not concern."
)
class MilitaryAnswer(AgencyAnswer):
    value: MilitaryDuty | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def military(info: Info) -> MilitaryAnswer:
    return await card(MilitaryAnswer, "rta_reserve.get_status", _duty, info)


def _duty(told: Record, language: Language) -> MilitaryDuty:
    return MilitaryDuty(
        standing=MilitaryStanding(told["standing"]),
        is_listed=told["sd9"],
        list_no=told["sd9_no"],
        listed_on=told["sd9_date"],
        is_called=told["sd35"],
        called_on=told["sd35_date"],
        is_done=told["is_done"],
        act_from=told["act_from"],
        act_until=told["act_until"],
        selection_on=told["selection_date"],
        deferral=say_if(told["deferral"], language),
        deferred_until=told["deferred_until"],
        office=say(told["office"], language),
    )
