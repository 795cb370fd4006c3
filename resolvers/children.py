"""A person's children who are not of age, for questions that are asked about each of them: by what DOPA says.

Whose child has come of age (at twenty: Civil and Commercial Code, section 19) sees nothing of theirs here: parental power
is over, and with it the ground to look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from agencies import dopa
from agencies.civil_register import Relative
from foundation.dates import is_of_age
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, answer
from resolvers.context import Info

A = TypeVar("A", bound=AgencyAnswer)

MOST = 20  # of one person; no family has more, and each costs a question or more


async def card_of_children(kind: type[A], shape: Callable[[Relative, Language], Any], info: Info) -> A:
    """DOPA's card of the children who are not of age, each made by `shape`."""
    context = info.context
    told = await context.asking.ask(dopa.FAMILY)
    value = None
    if told.value is not None:
        today = context.services.clock.today()
        minors = [one for one in dopa.FAMILY.things["child"].of(told.value) if not is_of_age(one.birth.earliest, today)]
        value = [shape(one, context.language) for one in minors[:MOST]]
    return answer(kind, told, value, context)
