"""Both waterworks, as one: in the villages one house in four draws its water elsewhere (assumed)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox import meters
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.households import of_house

_UTILITY = meters.water()


def get_account(asked: Asked) -> Mapping[str, Any] | None:
    house = asked.arguments["house_id"]
    people = of_house(asked.world, house)
    is_village = bool(people) and people[0].address.village_no != ""
    if is_village and house[:2] not in meters.METROPOLITAN and throw("well", house) % 4 == 0:
        return None
    return meters.account(_UTILITY, asked.world, house)


ANSWERS: Final[Mapping[str, Answer]] = {"get_account": get_account}
