"""What was read of a document, believed for as long as the database would have told us that it changed.

A question of a citizen begins with facts that hardly ever change and must never be out of date for long: has their
session ended, whom do they let look. Reading them each time is half the price of an answer from memory. So what was read
is kept, and a change stream says what no longer holds. The stream counts only as long as the database has confirmed, a
moment ago, that there is no more to tell: without it (not opened, broken, this process stopped for a while) what was read
is believed for its own short time, as if nobody were watching.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from foundation.clock import Clock
from foundation.store import PyMongoError, Store
from foundation.tasks import end

log = logging.getLogger(__name__)

V = TypeVar("V")

CONFIRM_S = 0.2  # so long the database may have nothing to say before it says so
_SURE_S = 0.7  # a confirmation asked for longer ago proves nothing
_LONGEST_S = 60.0  # whatever the stream says: a mistake of ours must heal by itself
_AGAIN_S = 1.0


class Recent(Generic[V]):
    """What was read of one collection's documents, by `_id`, and when. `unwatched_s`: how long it is believed when nobody
    would tell us of a change. Count a read from before it began (`read_at`)."""

    def __init__(
        self,
        *,
        unwatched_s: float,
        most: int = 20_000,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._unwatched_s = unwatched_s
        self._most = most
        self.now = monotonic if clock is None else lambda: clock.now().timestamp()
        self._read: OrderedDict[str, tuple[V, float]] = OrderedDict()
        self._changed: OrderedDict[str, float] = OrderedDict()
        self._changed_before = float("-inf")  # of what is in neither any more
        self._watched_since = float("inf")
        self._sure_at = float("-inf")

    def get(self, key: str) -> V | None:
        """What was read, where it can still be believed."""
        held = self._read.get(key)
        if held is None:
            return None
        value, read_at = held
        now = self.now()
        is_told = read_at >= self._watched_since and now - self._sure_at < _SURE_S
        # A clock that was put back must not make it live longer.
        return value if 0 <= now - read_at < (_LONGEST_S if is_told else self._unwatched_s) else None

    def last(self, key: str) -> V | None:
        """What was read last, however long ago."""
        held = self._read.get(key)
        return None if held is None else held[0]

    def keep(self, key: str, value: V, *, read_at: float) -> None:
        """Nothing where it has changed since it began to be read: who reads that again must see the change."""
        if read_at <= max(self._changed.get(key, float("-inf")), self._changed_before):
            return
        self._read[key] = value, read_at
        self._read.move_to_end(key)
        if len(self._read) > self._most:
            self._read.popitem(last=False)

    def forget(self, key: str) -> None:
        self._read.pop(key, None)

    def opened(self) -> None:
        """Somebody tells us of every change from now on."""
        self._watched_since = self.now()

    def sure(self, at: float) -> None:
        """Of every change up to then (a time of `now`) we were told."""
        self._sure_at = at

    def changed(self, key: str) -> None:
        self._read.pop(key, None)
        self._changed[key] = self.now()
        self._changed.move_to_end(key)
        if len(self._changed) > self._most:
            self._changed_before = self._changed.popitem(last=False)[1]

    def lost(self) -> None:
        self._watched_since, self._sure_at = float("inf"), float("-inf")


@asynccontextmanager
async def watching(store: Store, memories: Mapping[str, Recent[Any]]) -> AsyncIterator[None]:
    """While inside, the memories (by their collections' names) are told what changes."""
    task = asyncio.create_task(_watch(store, memories))
    try:
        yield
    finally:
        await end(task)


async def _watch(store: Store, memories: Mapping[str, Recent[Any]]) -> None:
    while True:
        try:
            await _follow(store, memories)
        except PyMongoError as exc:
            log.warning(
                "changes can't be watched now; what is read is kept for less long", extra={"why": type(exc).__name__}
            )
        finally:
            for one in memories.values():
                one.lost()
        await asyncio.sleep(_AGAIN_S)


async def _follow(store: Store, memories: Mapping[str, Recent[Any]]) -> None:
    async with store.changes(memories, confirm_s=CONFIRM_S) as stream:
        for one in memories.values():
            one.opened()
        while True:
            # An answer may lie in the socket for as long as this process is held up: what it proves is counted from here.
            asked_at = {name: one.now() for name, one in memories.items()}
            change = await stream()
            if change is None:
                for name, one in memories.items():
                    one.sure(asked_at[name])
            else:
                memories[change.collection].changed(change.id)
