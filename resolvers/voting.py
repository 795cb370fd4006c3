"""Voting in the graph: the next election, where one votes, and how to say that one can't."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.values import Text, say, say_if


@strawberry.enum(description="What sort of election it is.")
class ElectionKind(Enum):
    GENERAL = enum_value("general", description="A general election of the House of Representatives.")
    LOCAL = enum_value("local", description="A local election.")


@strawberry.type(description="Where somebody votes.")
class PollingStation:
    name: Text = field(description="The place.")
    number: int | None = field(description="The number of the station.")
    place_on_roll: int | None = field(description="The person's place on the electoral roll.")


@strawberry.type(description="The next election, and a person's part in it.")
class Voting:
    election_id: str = field(description="The number of the election.")
    election: Text = field(description="What it is called.")
    kind: ElectionKind = field(description="What sort it is.")
    day: date = field(description="Election day.")
    may_vote: bool = field(description="Whether the person may vote in it, by the house register.")
    why_not: Text | None = field(description="Why they may not.")
    constituency: Text | None = field(description="The constituency; null for who may not vote.")
    station: PollingStation | None = field(description="Where they vote; null for who may not.")
    opens_at: datetime = field(description="When voting begins.")
    closes_at: datetime = field(description="When voting ends.")
    report_absence_from: date = field(description="The first day to report that one can't vote.")
    report_absence_until: date = field(description="The last day to report it.")
    absence_reported: bool = field(description="Whether the person reported it.")
    rights_limited_until: date | None = field(
        description="Until when rights are limited, for who stayed away from an election and gave no reason."
    )


@strawberry.type(description="The ECT's answer about a person's part in the next election.")
class VotingAnswer(AgencyAnswer):
    value: Voting | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def voting(info: Info) -> VotingAnswer:
    return await card(VotingAnswer, "ect.get_polling", _voting, info)


def _voting(told: Record, language: Language) -> Voting:
    station = told["station"]
    return Voting(
        election_id=told["election_id"],
        election=say(told["election"], language),
        kind=ElectionKind(told["kind"]),
        day=told["election_date"],
        may_vote=told["eligible"],
        why_not=say_if(told["reason"], language),
        constituency=say_if(told["constituency"], language),
        station=None
        if station is None
        else PollingStation(name=say(station, language), number=told["station_number"], place_on_roll=told["order"]),
        opens_at=told["opens_at"],
        closes_at=told["closes_at"],
        report_absence_from=told["absence_from"],
        report_absence_until=told["absence_until"],
        absence_reported=told["absence_reported"],
        rights_limited_until=told["rights_limited_until"],
    )
