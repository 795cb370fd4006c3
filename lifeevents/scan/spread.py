"""One piece of work, done for many shards: here one after another, or wherever `cluster` sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


class Spread(Protocol):
    """Does the work for every item and yields each with what came of it, in whatever order they are done.

    What is done must be a function that can be sent: of a module, or a `partial` of one over plain data.
    """

    def __call__(self, do: Callable[[Item], Done], items: Sequence[Item]) -> Iterator[tuple[Item, Done]]: ...


def here(do: Callable[[Item], Done], items: Sequence[Item]) -> Iterator[tuple[Item, Done]]:
    """On this machine, one after another and in order; whoever stops asking stops the work."""
    for item in items:
        yield item, do(item)
