"""The Metropolitan Electricity Authority: houses in Bangkok, Nonthaburi and Samut Prakan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox import meters
from sandbox.agencies.standard import Answer, Asked

_UTILITY = meters.electricity("mea")


def get_account(asked: Asked) -> Mapping[str, Any] | None:
    house = asked.arguments["house_id"]
    return meters.account(_UTILITY, asked.world, house) if house[:2] in meters.METROPOLITAN else None


ANSWERS: Final[Mapping[str, Answer]] = {"get_account": get_account}
