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
    others = [beside[name](info) for name in {one.name for one in _below(info)} if name in beside]
    if not others:
        return await own
    found: T = (await asyncio.gather(own, *others))[0]
    return found


def _below(info: Info) -> Iterator[SelectedField]:
    for one in info.selected_fields:
        yield from _fields(one.selections)


def _fields(selections: Sequence[Selection]) -> Iterator[SelectedField]:
    """Fragments are written out; what a directive leaves out is not there."""
    for one in selections:
        if one.directives.get("skip", {}).get("if") or not one.directives.get("include", {}).get("if", True):
            continue
        if isinstance(one, SelectedField):
            yield one
        else:
            yield from _fields(one.selections)
