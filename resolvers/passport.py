"""The passport in the graph."""

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

_SHOWN = 2  # of the number, at its beginning and at its end


@strawberry.enum(description="What sort of passport it is.")
class PassportKind(Enum):
    ORDINARY = enum_value("ordinary", description="An ordinary one.")
    OFFICIAL = enum_value("official", description="An official one.")


@strawberry.type(description="A passport.")
class Passport:
    masked_number: str = field(description="The number with its middle hidden, such as `AAxxxxx12`.")
    kind: PassportKind = field(description="What sort it is.")
    issued_on: date = field(description="When it was issued.")
    expires_on: date = field(description="Its last day.")
    issued_at: Text = field(description="Which office issued it.")
    is_expired: bool = field(description="Whether that day is past.")


@strawberry.type(description="The Department of Consular Affairs' answer about a person's passport.")
class PassportAnswer(AgencyAnswer):
    value: Passport | None = field(
        description="The latest one; null unless the state is `OK` or `STALE`. `NOT_FOUND`: there never was one."
    )


async def passport(info: Info) -> PassportAnswer:
    return await card(PassportAnswer, "dca.get_passport", _passport, info)


def _passport(told: Record, language: Language) -> Passport:
    return Passport(
        masked_number=_masked(told["number"]),
        kind=PassportKind(told["kind"]),
        issued_on=told["issue_date"],
        expires_on=told["expiry_date"],
        issued_at=say(told["place"], language),
        is_expired=told["status"] == "expired",
    )


def _masked(number: str) -> str:
    """Enough to recognise one's own, not enough to use it."""
    hidden = max(len(number) - 2 * _SHOWN, 0)
    return number[:_SHOWN] + "x" * hidden + number[_SHOWN + hidden :]
