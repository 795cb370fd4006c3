"""What comes bit by bit: the answers of the agencies about a person, each the moment it is there.

A screen of cards that is asked as one query waits for the slowest agency. Asked as a subscription it fills from the
quickest on; the agencies are asked together, and once, all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from enum import Enum
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import enum_value, field
from strawberry.types.field import StrawberryField

from resolvers.agencies import AgencyAnswer
from resolvers.citizen import Citizen, me
from resolvers.context import Info


def _sections() -> dict[str, StrawberryField]:
    """The fields of a citizen that an agency answers without being told more, in their order: what is added there is a
    section here."""
    fields: list[StrawberryField] = Citizen.__strawberry_definition__.fields  # type: ignore[attr-defined]  # strawberry's
    return {
        one.python_name.upper(): one
        for one in fields
        if isinstance(one.type, type)
        and issubclass(one.type, AgencyAnswer)
        and all(argument.default is not strawberry.UNSET for argument in one.arguments)
    }


_SECTIONS = _sections()

if TYPE_CHECKING:

    class CitizenSection(Enum):
        """For the type checker alone, which can't follow an enum that is made while running."""
else:
    CitizenSection = strawberry.enum(
        Enum(
            "CitizenSection",
            {name: enum_value(name, description=one.description) for name, one in _SECTIONS.items()},
        ),
        description="A part of what agencies hold about a person: a field of `Citizen`.",
    )


def _answer(root: strawberry.Parent[SectionAnswer]) -> AgencyAnswer:
    # Only here, so that a fault of ours in one section is an error in its place and the others come all the same.
    return root.answered.result()


@strawberry.type(description="What an agency answered about one section.")
class SectionAnswer:
    section: CitizenSection = field(description="Which one.")
    answer: AgencyAnswer = field(
        resolver=_answer,
        description="The same as the field of `Citizen` says: select its `value` with `... on ProfileAnswer`.",
    )
    answered: strawberry.Private[asyncio.Future[AgencyAnswer]]


def _answers(
    info: Info,
    sections: Annotated[
        list[CitizenSection] | None, strawberry.argument(description="Which ones; all if left out.")
    ] = None,
) -> AsyncGenerator[SectionAnswer, None]:
    _ = info.context.person  # nobody signed in is refused at once
    info.context.waits = True
    return _as_they_come(info, list(CitizenSection) if sections is None else dict.fromkeys(sections))


async def _as_they_come(info: Info, sections: Iterable[CitizenSection]) -> AsyncGenerator[SectionAnswer, None]:
    citizen = me(info)
    asked = {asyncio.ensure_future(_ask(_SECTIONS[one.name], citizen, info)): one for one in sections}
    waiting = set(asked)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for answered in [one for one in asked if one in done]:
                yield SectionAnswer(section=asked[answered], answered=answered)
    finally:
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _ask(section: StrawberryField, citizen: Citizen | None, info: Info) -> AgencyAnswer:
    """What the field's own resolver says, with its arguments left out."""
    resolver = section.base_resolver
    if resolver is None:
        raise LookupError(f"{section.python_name} has no resolver")
    given: dict[str, Any] = {}
    _give(given, resolver.info_parameter, info)
    for parameter in (resolver.self_parameter, resolver.root_parameter, resolver.parent_parameter):
        _give(given, parameter, citizen)
    answer: AgencyAnswer = await resolver(**given)
    return answer


def _give(given: dict[str, Any], parameter: Parameter | None, value: Any) -> None:
    if parameter is not None:
        given[parameter.name] = value


@strawberry.type(description="What comes bit by bit, over a WebSocket or as an event stream.")
class Subscription:
    answers: AsyncGenerator[SectionAnswer, None] = strawberry.subscription(
        resolver=_answers,
        description="What agencies say about the person who is signed in, each answer the moment it is there, the"
        " quickest first. All are asked at once. It ends with the last one.",
    )
