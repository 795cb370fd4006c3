"""The Provincial Electricity Authority: every house outside Bangkok, Nonthaburi and Samut Prakan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox import meters
from sandbox.agencies.standard import Answer, Asked

_UTILITY = meters.electricity("pea")


def get_account(asked: Asked) -> Mapping[str, Any] | None:
    house = asked.arguments["house_id"]
    return None if house[:2] in meters.METROPOLITAN else meters.account(_UTILITY, asked.world, house)


ANSWERS: Final[Mapping[str, Answer]] = {"get_account": get_account}
