"""What is selected below a field, so that a resolver can ask for it in the same breath as for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from strawberry.types.nodes import SelectedField, Selection

from resolvers.context import Info

T = TypeVar("T")


async def together(own: Awaitable[T], info: Info, beside: Mapping[str, Callable[[Info], Awaitable[Any]]]) -> T:
    """Await `own` and, with it, those of the resolvers `beside` it whose fields are selected.

    What they find is thrown away: when their fields ask once more, the request's `Asking` has the answers already.
    """
    others = [
        beside[name](info) for name in {one.name for one in selected(info.selected_fields, depth=1)} if name in beside
    ]
    if not others:
        return await own
    found: T = (await asyncio.gather(own, *others))[0]
    return found


def selected(selections: Sequence[Selection], *, depth: int = 0) -> Iterator[SelectedField]:
    """The fields of a selection; with `depth` 1, the fields below those. Fragments are written out; what a directive
    leaves out is not there."""
    for one in selections:
        if one.directives.get("skip", {}).get("if") or not one.directives.get("include", {}).get("if", True):
            continue
        if not isinstance(one, SelectedField):
            yield from selected(one.selections, depth=depth)
        elif depth:
            yield from selected(one.selections, depth=depth - 1)
        else:
            yield one
