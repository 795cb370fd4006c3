"""Where a person is registered, for questions that are asked about a place: by what DOPA says of their house."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from agencies import dopa
from agencies.answers import Answer
from agencies.civil_register import Address
from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, answer, card
from resolvers.context import Info

A = TypeVar("A", bound=AgencyAnswer)


async def card_of_home(
    kind: type[A],
    operation: str,
    shape: Callable[[Record, Language], Any],
    info: Info,
    about: Callable[[Address], dict[str, str]],
) -> A:
    """The card of a question about the place a person lives in. Where DOPA doesn't say where that is, nobody is asked,
    and the card tells DOPA's trouble as its own."""
    context = info.context
    home = await context.asking.ask(dopa.HOUSE)
    if home.value is None:
        agency = context.services.operations[operation].agency
        return answer(kind, Answer(agency=agency, state=home.state, problem=home.problem), None, context)
    return await card(kind, operation, shape, info, **about(home.value.address))


def province(address: Address) -> dict[str, str]:
    return {"province": address.province.code}
