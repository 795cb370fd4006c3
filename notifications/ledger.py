"""Work that must happen, kept until it has: a collection whose documents carry their own work.

Claim (a lease) → do → write what follows → settle. An item is never marked done before its effect, so a crash between
the two costs a repeat with the same id and never a lost item. One date, `due`, says all: claiming pushes it past the
lease, postponing sets it, settling removes it. Attempts are counted at the claim, so an item that kills its worker
buries itself. Whoever wrote last under a token owns the item; a stale owner changes nothing.

Claiming in bulk (ids, one update with a token, read one's own) does fifteen times what find-and-modify does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import UpdateMany

from foundation.clock import Clock, SystemClock
from foundation.errors import BadInput
from foundation.ids import new_id
from foundation.pages import Page, page, page_size, read_cursor, write_cursor
from foundation.store import DUPLICATE_KEY, BulkWriteError, Document, Index, Session, Store

RETRY_AFTER_S = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 21600.0, 43200.0)
_LONGEST_WAIT_S = 86_400.0
# How far this machine's clock may be behind the database's before it finds work late. A bound, because asking for
# `$$NOW` alone can't use the index.
_CLOCKS_DIFFER = timedelta(minutes=10)
_LOOKS = 5  # how often a claim looks again when others took all that it had found
_WHY_LENGTH = 300


def retry_at(
    attempts: int,
    now: datetime,
    retry_after_s: float | None = None,
    *,
    schedule: Sequence[float] = RETRY_AFTER_S,
) -> datetime:
    """When to try again after this many attempts: the schedule with full jitter, never before what was asked for.

    What waits together is spread out, also after a `Retry-After`, which is obeyed up to a day.
    """
    longest = schedule[min(max(attempts, 1), len(schedule)) - 1]
    if retry_after_s is None:
        return now + timedelta(seconds=random.uniform(0, longest))  # noqa: S311 -- jitter keeps no secret -- spreading load, no secret
    asked = min(max(retry_after_s, 0.0), _LONGEST_WAIT_S)
    return now + timedelta(seconds=asked + random.uniform(0, min(longest, 10.0)))  # noqa: S311 -- jitter keeps no secret


def indexes(collection: str, *, lane: str | None = None, keep_done_s: int | None = None) -> tuple[Index, ...]:
    """What a ledger needs: its due items in order (within the field `lane`, where claims name one), and its dead.

    With `keep_done_s`, what is done is removed that long after.
    """
    fields = (lane, "due") if lane else ("due",)
    has_due, is_dead = {"due": {"$exists": True}}, {"dead_at": {"$exists": True}}
    needed = (
        Index(collection=collection, keys=tuple((field, 1) for field in fields), name="due", partial=has_due),
        Index(collection=collection, keys=(("dead_at", -1), ("_id", -1)), name="dead", partial=is_dead),
    )
    if keep_done_s is None:
        return needed
    return (*needed, Index(collection=collection, keys=(("done_at", 1),), name="done", expire_after_s=keep_done_s))


def nothing(_leg: str) -> None:
    """The `on_leg` of a process that nobody means to kill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An item that is ours until its lease ends."""

    id: str
    document: Document
    attempts: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Buried:
    """An item that was given up, or that expired before it could be done."""

    id: str
    state: str
    why: str
    attempts: int
    at: datetime
    document: Document


class Bell:
    """Wakes the pollers of this process early. It only wakes; the poll is the truth."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether it rang within that time. A ring since the last wait counts."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Ledger:
    """The items of one collection. Its owner declares `indexes(collection)` beside its own."""

    def __init__(
        self,
        store: Store,
        collection: str,
        *,
        clock: Clock,
        lease_s: float = 60,
        max_attempts: int = 15,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self.collection = collection
        self._items = store.collection(collection)
        self._clock = clock
        # Workers whose clocks differ by minutes would take each other's leases, so real time is asked of the
        # database. A clock that a test moves rules alone.
        self._database_time = isinstance(clock, SystemClock)
        self._lease = timedelta(seconds=lease_s)
        self._max_attempts = max_attempts
        self._on_leg = on_leg
        self._bell = Bell()

    def ring(self) -> None:
        """Wake whoever waits in this process: there may be something due."""
        self._bell.ring()

    async def wait(self, timeout_s: float) -> bool:
        """Sleep until the bell rings or the time is over; either way, look at what is due."""
        return await self._bell.wait(timeout_s)

    async def put(self, items: Sequence[Document], *, session: Session | None = None) -> set[str]:
        """Write the items that aren't there yet and return their ids; one that is there stays as it is.

        Each has an `_id`; without `due` it is due at once. In a transaction a repeat aborts the whole of it, as
        MongoDB aborts on any duplicate key.
        """
        if not items:
            return set()
        born = {"state": "waiting", "attempts": 0, "due": self._clock.now()}
        there: set[int] = set()
        try:
            await self._items.insert_many([born | item for item in items], ordered=False, session=session)
        except BulkWriteError as exc:
            if session is not None or not _only_repeats(exc):
                raise
            there = {error["index"] for error in exc.details["writeErrors"]}
        new = {str(item["_id"]) for at, item in enumerate(items) if at not in there}
        if new:
            self.ring()
        return new

    async def claim(
        self, *, limit: int, now: datetime | None = None, where: Mapping[str, Any] | None = None
    ) -> list[Claimed]:
        """Lease up to `limit` due items, the longest due first; fewer is no sign that no more are due.

        `now` is for ledgers that follow another time than the clock's (the legal day); the lease then follows it too.
        """
        if limit < 1:
            return []
        if now is None and not self._database_time:
            now = self._clock.now()
        due = self._due_by(now) | dict(where or {})
        for _ in range(_LOOKS):
            ids = [found["_id"] async for found in self._items.find(due, {"_id": 1}).sort("due", 1).limit(limit)]
            if not ids:
                return []
            claimed = await self._lease_of(ids, due=due, moment="$$NOW" if now is None else now)
            if claimed:
                self._on_leg(f"{self.collection} claimed")
                return await self._alive(claimed)
        return []

    async def _lease_of(self, ids: list[str], *, due: Document, moment: datetime | str) -> list[Claimed]:
        """Those of them that are still due, for another may have been faster; they are ours now."""
        token = new_id()
        lease_ms = int(self._lease.total_seconds() * 1000)
        mine = await self._items.update_many(
            due | {"_id": {"$in": ids}},
            [{"$set": {
                "lease": token, "claimed_at": moment, "due": {"$add": [moment, lease_ms]},
                "attempts": {"$add": [{"$ifNull": ["$attempts", 0]}, 1]},
            }}],
        )  # fmt: skip
        if not mine.modified_count:
            return []
        found = self._items.find({"_id": {"$in": ids}, "lease": token})
        return [Claimed(id=one["_id"], document=one, attempts=one["attempts"], token=token) async for one in found]

    def _due_by(self, now: datetime | None) -> Document:
        if now is not None:
            return {"due": {"$lte": now}}
        return {"due": {"$lte": self._clock.now() + _CLOCKS_DIFFER}, "$expr": {"$lte": ["$due", "$$NOW"]}}

    async def _alive(self, claimed: list[Claimed]) -> list[Claimed]:
        """Those of them that are still worth doing; the others end here."""
        alive = []
        for one in claimed:
            expires, last = one.document.get("expires"), one.document.get("why")
            if expires is not None and expires <= one.document["claimed_at"]:
                await self._end(one, state="expired", why=last or "it expired before it could be done")
            elif one.attempts > self._max_attempts:
                await self.bury(one, why=self._enough(last or "no attempt came to an end"))
            else:
                alive.append(one)
        return alive

    async def settle(self, claimed: Sequence[Claimed], *, receipts: Mapping[str, str] | None = None) -> int:
        """Done, with a receipt by id where there is one. Returns how many of them were still ours."""
        if not claimed:
            return 0
        groups: dict[tuple[str, str | None], list[str]] = {}
        for one in claimed:
            groups.setdefault((one.token, (receipts or {}).get(one.id)), []).append(one.id)
        done = {"state": "done", "done_at": self._clock.now()}
        result = await self._items.bulk_write(
            [
                UpdateMany(
                    {"_id": {"$in": ids}, "lease": token},
                    {
                        "$set": done if receipt is None else done | {"receipt": receipt},
                        "$unset": {"due": "", "lease": "", "why": ""},
                    },
                )
                for (token, receipt), ids in groups.items()
            ],
            ordered=False,
        )
        self._on_leg(f"{self.collection} settled")
        return result.modified_count

    async def postpone(self, claimed: Claimed, *, until: datetime, why: str, counts: bool = True) -> bool:
        """Try again then, or bury it where this was the last attempt. Returns whether it was still ours.

        An attempt that never took place (a person's quiet hours) doesn't count. Never later than the item's expiry,
        so that it is recorded as expired when it does.
        """
        if counts and claimed.attempts >= self._max_attempts:
            return await self.bury(claimed, why=self._enough(why))
        expires = claimed.document.get("expires")
        change: Document = {
            "$set": {"due": until if expires is None else min(until, expires), "why": why[:_WHY_LENGTH]},
            "$unset": {"lease": ""},
        }
        if not counts:
            change["$inc"] = {"attempts": -1}
        ours = await self._change(claimed, change)
        self._on_leg(f"{self.collection} postponed")
        return ours

    async def bury(self, claimed: Claimed, *, why: str) -> bool:
        """Give it up; it stays, with the reason, and can be replayed. Returns whether it was still ours."""
        return await self._end(claimed, state="buried", why=why)

    async def _end(self, claimed: Claimed, *, state: str, why: str) -> bool:
        change = {
            "$set": {"state": state, "why": why[:_WHY_LENGTH], "dead_at": self._clock.now()},
            "$unset": {"due": "", "lease": ""},
        }
        ours = await self._change(claimed, change)
        self._on_leg(f"{self.collection} buried")
        return ours

    async def _change(self, claimed: Claimed, change: Document) -> bool:
        result = await self._items.update_one({"_id": claimed.id, "lease": claimed.token}, change)
        return result.modified_count == 1

    def _enough(self, why: str) -> str:
        return f"given up after {self._max_attempts} attempts: {why}"

    async def withdraw(self, where: Mapping[str, Any], *, why: str) -> int:
        """End what waits and matches, also what somebody holds just now: nobody is to do it any more. Returns how many."""
        result = await self._items.update_many(
            {**where, "due": {"$exists": True}},
            {
                "$set": {"state": "withdrawn", "why": why[:_WHY_LENGTH], "done_at": self._clock.now()},
                "$unset": {"due": "", "lease": ""},
            },
        )
        self._on_leg(f"{self.collection} withdrawn")
        return result.modified_count

    async def replay(self, item_id: str, *, where: Mapping[str, Any] | None = None) -> bool:
        """Start a buried or expired item again, with all its attempts and no expiry. False where there is none."""
        result = await self._items.update_one(
            {**(where or {}), "_id": item_id, "dead_at": {"$exists": True}},
            {
                "$set": {"state": "waiting", "attempts": 0, "due": self._clock.now(), "replayed_at": self._clock.now()},
                "$unset": {"dead_at": "", "why": "", "expires": ""},
            },
        )
        if result.modified_count:
            self.ring()
        return result.modified_count == 1

    async def waiting(self) -> int:
        """How many are not done yet, due or not."""
        return await self._items.count_documents({"due": {"$exists": True}})

    async def counts(self) -> dict[str, int]:
        """How many are in each state. What is done is an estimate: counting it would read the whole collection."""
        counts = {"waiting": await self.waiting(), "buried": 0, "expired": 0}
        dead = await self._items.aggregate(
            [{"$match": {"dead_at": {"$exists": True}}}, {"$group": {"_id": "$state", "count": {"$sum": 1}}}]
        )
        async for group in dead:
            counts[group["_id"]] = group["count"]
        total = await self._items.estimated_document_count()
        return counts | {"done": max(0, total - sum(counts.values()))}

    async def buried(
        self, first: int | None = None, after: str | None = None, *, where: Mapping[str, Any] | None = None
    ) -> Page[Buried]:
        """What was given up or expired, the latest first."""
        size, kind = page_size(first), f"{self.collection} dead"
        wanted: Document = {"dead_at": {"$exists": True}, **(where or {})}
        if after is not None:
            at, item_id = read_cursor(kind, after, parts=2)
            moment = moment_of(at)
            wanted["$or"] = [{"dead_at": {"$lt": moment}}, {"dead_at": moment, "_id": {"$lt": item_id}}]
        found = self._items.find(wanted).sort([("dead_at", -1), ("_id", -1)]).limit(size + 1)
        dead = [
            Buried(
                id=one["_id"], state=one["state"], why=one["why"], attempts=one["attempts"], at=one["dead_at"],
                document=one,
            )
            async for one in found
        ]  # fmt: skip
        return page(dead, first=size, cursor=lambda one: write_cursor(kind, one.at.isoformat(), one.id))


def _only_repeats(exc: BulkWriteError) -> bool:
    """Whether all that went wrong is that some `_id`s were there already."""
    return not exc.details["writeConcernErrors"] and all(
        error["code"] == DUPLICATE_KEY and "_id" in error.get("keyPattern", {}) for error in exc.details["writeErrors"]
    )


def moment_of(text: str) -> datetime:
    """The time in a cursor. BadInput where there is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
