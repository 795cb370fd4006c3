"""The token that an agency's door wants to see: fetched by one request for all, shown until it is stale.

However many requests find no good token at the same moment, one of them fetches it and the others wait for that one;
the fetch does not belong to any of them, so a phone that hangs up takes nothing from the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from foundation.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A secret with the time that it may be relied on; it prints as nothing."""

    value: str
    good_for_s: float

    def __repr__(self) -> str:
        return "Token(…)"


class Badge:
    """`fetch` gets a new token. `is_sliding` means that its time starts anew with each use."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], *, clock: Clock, is_sliding: bool = False) -> None:
        self._fetch = fetch
        self._clock = clock
        self._is_sliding = is_sliding
        self._token: Token | None = None
        self._good_until: datetime | None = None
        self._fetching: asyncio.Task[str] | None = None

    async def show(self) -> str:
        """A token that should be good. What `fetch` raises, everyone who waited for it gets."""
        token, until = self._token, self._good_until
        if token is not None and until is not None and (now := self._clock.now()) < until:
            if self._is_sliding:
                self._good_until = now + timedelta(seconds=token.good_for_s)
            return token.value
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    def refused(self, shown: str) -> None:
        """The door did not take this one: fetch another next time, unless somebody already has."""
        if self._token is not None and self._token.value == shown:
            self._token = None

    async def _renew(self) -> str:
        started = self._clock.now()
        token = await self._fetch()
        self._token, self._good_until = token, started + timedelta(seconds=token.good_for_s)
        return token.value

    def _fetched(self, task: asyncio.Task[str]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # it is theirs who waited; where nobody did any more, nobody need hear of it
