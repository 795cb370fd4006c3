"""Fare concessions in the graph: who travels for less, with whom, and what is to be shown."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.values import Text, say


@strawberry.enum(description="Why somebody travels for less.")
class ConcessionKind(Enum):
    OLDER_PERSON = enum_value("older_person", description="Sixty or older.")
    DISABILITY = enum_value("disability", description="Holds a disability card.")
    PUPIL = enum_value("pupil", description="A pupil or student.")
    CHILD = enum_value("child", description="A child.")
    CLERGY = enum_value("clergy", description="A monk or novice.")


@strawberry.type(description="A concession on fares.")
class Concession:
    kind: ConcessionKind = field(description="Why.")
    name: Text = field(description="What it is called.")
    carrier: Text = field(description="Where it holds.")
    discount_percent: int = field(description="How much less is paid, in percent; 100 is free.")
    show: Text = field(description="What is to be shown.")
    since: date | None = field(description="From when it holds, where that is known.")
    until: date | None = field(description="Until when; null: no end is set.")


@strawberry.type(description="The answer about a person's fare concessions.")
class ConcessionsAnswer(AgencyAnswer):
    value: list[Concession] | None = field(
        description="The concessions, none for who has none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 3},
    )


async def concessions(info: Info) -> ConcessionsAnswer:
    return await card(ConcessionsAnswer, "srt.get_concession", _granted, info)


def _granted(told: Record, language: Language) -> list[Concession]:
    return [
        Concession(
            kind=ConcessionKind(one["kind"]),
            name=say(one["name"], language),
            carrier=say(one["carrier"], language),
            discount_percent=one["discount_percent"],
            show=say(one["show"], language),
            since=one["from_date"],
            until=one["until_date"],
        )
        for one in told["concessions"]
    ]
