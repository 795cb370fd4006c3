"""An event about an area or a programme names nobody: here it is found whom it concerns, of all who use the app.

Such an event becomes one piece of work for each shard of the people (and for each delay, where some of what services tell
comes later). A worker goes through a shard in batches, in the order of the ids, and notes how far it came when a batch
is done; whoever is killed on the way costs the next one no more than the batch, and what is told has an id that follows
from event, rule and person, so that it is told once. Whether something is told to somebody the agenda judges.

What is kept of it tells of the event, which is public, and of nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from foundation.clock import Clock, legal_day
from foundation.errors import NotFound, Unavailable
from foundation.ids import CELL, derive
from foundation.store import Document, PyMongoError, Store
from lifeevents.cloudevents import RawEvent
from notifications.ledger import Claimed, Ledger, nothing, retry_at
from trust.people import People, PersonId

KIND: Final = "spread"
"""What this work is among the items of the agenda."""

_SHARDS: Final = tuple(f"{number:0{CELL}x}" for number in range(16**CELL))
_BATCH, _AT_ONCE = 16, 8  # agencies are asked about each, and many batches are to be done well within a lease
_WHILE_DOWN_S = (900.0,)

log = logging.getLogger(__name__)


class Spread:
    """`ledger` is the agenda's. `judge` gives the event that tells an item, or None; `record` writes such events."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        *,
        people: People,
        judge: Callable[[Document], Awaitable[RawEvent | None]],
        record: Callable[[Sequence[RawEvent]], Awaitable[Any]],
        clock: Clock,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self._items = store.collection(ledger.collection)
        self._ledger = ledger
        self._people = people
        self._judge = judge
        self._record = record
        self._clock = clock
        self._on_leg = on_leg

    async def begin(
        self, cause: str, rules: Sequence[str], own: str | None, *, after: timedelta, lasts: timedelta, **said: Any
    ) -> int:
        """Lay out one event's work for every shard; the same again changes nothing. Returns how much of it is new.

        `rules` are what services tell of it, `own` what it says itself to those who were told nothing else. What is
        `said` stands in every item.
        """
        due = self._clock.legal_now() + after
        work = {
            "kind": KIND, "cause": cause, "rules": list(rules), "own": own, "said": said, "from": "", "due": due,
            "day": legal_day(due).isoformat(), "expires": due + lasts,
        }  # fmt: skip
        part = f"{after.total_seconds():.0f}"
        made = await self._ledger.put(
            [{"_id": derive(shard, KIND, cause, part, shard), "shard": shard, **work} for shard in _SHARDS]
        )
        self._on_leg("agenda spread")
        return len(made)

    async def batch(self, claimed: Claimed) -> None:
        """Judge and tell the next people of a shard. What goes wrong with one person goes on by itself."""
        work, now = claimed.document, self._clock.legal_now()
        people = await self._people.accounts(work["shard"], after=work["from"], limit=_BATCH)
        waiting = await self._tell(work, people)
        if people and len({one["person"] for one in waiting}) == len(people):  # it is no use to go on just now
            until = retry_at(claimed.attempts, now, schedule=_WHILE_DOWN_S)
            await self._ledger.postpone(claimed, until=until, why="no agency answers", counts=False)
            return
        await self._ledger.put(waiting)
        self._on_leg("agenda batch told")
        if len(people) < _BATCH:
            await self._ledger.settle([claimed])
            return
        # Only while it is ours: what another went on with is further than this. What gets on is never given up.
        further = {"$set": {"from": people[-1], "attempts": 1}}
        await self._items.update_one({"_id": claimed.id, "lease": claimed.token}, further)
        await self._ledger.postpone(claimed, until=now, why="there is more", counts=False)

    async def _tell(self, work: Document, people: Sequence[PersonId]) -> list[Document]:
        """Tell those whom it concerns; returns the items of those of whom no agency could say it.

        Of these it isn't known whether a service will tell them, so the event's own words wait too.
        """
        told: list[RawEvent] = []
        waiting: list[Document] = []
        rest = iter(people)

        async def one_after_another() -> None:
            for person in rest:
                of_services = [self._item(work, rule, person) for rule in work["rules"]]
                own = [] if work["own"] is None else [self._item(work, work["own"], person)]
                try:
                    told.extend(await self._told(of_services) or await self._told(own))
                except NotFound:
                    continue  # erased since
                except (PyMongoError, Unavailable):
                    waiting.extend([*of_services, *own])
                except Exception:
                    log.exception("somebody could not be considered", extra={"cause": work["cause"]})
                    waiting.extend([*of_services, *own])

        await asyncio.gather(*(one_after_another() for _ in range(min(_AT_ONCE, len(people)))))
        if told:
            await self._record(told)
            self._on_leg("agenda recorded")
        return waiting

    async def _told(self, items: Sequence[Document]) -> list[RawEvent]:
        return [event for item in items if (event := await self._judge(item)) is not None]

    def _item(self, work: Document, rule: str, person: PersonId) -> Document:
        """As any that follows from an event; but what the event says is public, so it stands open."""
        cause = work["cause"]
        return {
            "_id": derive(person, "due", person, rule, "", cause), "kind": "due", "person": person, "rule": rule,
            "day": work["day"], "anchor": work["day"], "cause": cause, "group": cause, "expires": work["expires"],
            "due": retry_at(1, self._clock.legal_now(), schedule=_WHILE_DOWN_S), **work["said"],
        }  # fmt: skip
