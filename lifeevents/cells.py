"""What falls due for a whole population, worked off by (rule, day, shard).

An item of a cell carries no work of its own: its cell does. A cell's id follows from rule, day and shard, so however often
and by however many it is made, it is one. The sweep makes the cells of every day from where the last one ended up to
today, so catching up after an outage is the same as going on.

An item that is told isn't written again: that it was told is what its event says, which bears its id and is there once.
Only what isn't told is marked, with the reason. So telling costs one write for each, and whoever does a cell again after
a crash writes the same events again, which changes nothing.

What is fed and what is swept may meet on the same day. Both say first what they are about and then look: whoever feeds
writes the items and then asks how far sweeping has begun; whoever sweeps writes down how far and then looks for items. So
at least one of the two sees the other. What comes for a day that sweeping has reached is work of its own, and waits for
no cell; so is what came too near to it, and has no event yet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pymongo import UpdateMany

from foundation.clock import Clock, start_of
from foundation.ids import CELL, derive
from foundation.store import DUPLICATE_KEY, BulkWriteError, Document, Index, PyMongoError, Store
from notifications import ledger as ledgers
from notifications.ledger import Claimed, Ledger, nothing, retry_at

CELLS = "agenda_cells"
LISTED: Final = "listed"
"""The state of an item that its cell works off."""

_WATERMARK = "watermark"
_MADE_AT_ONCE = 1000


def indexes(items: str, *, keep_done_s: int) -> tuple[Index, ...]:
    of_cells = {"state": LISTED}
    return (
        *ledgers.indexes(CELLS, keep_done_s=keep_done_s),
        # With all that a sweep asks for, so that it reads no documents; in the order in which cells are worked off.
        Index(
            collection=items,
            keys=(("state", 1), ("day", 1), ("cell", 1), ("rule", 1), ("_id", 1)),
            name="listed",
            partial=of_cells,
        ),
        Index(
            collection=items, keys=(("expires", 1),), name="listed_expire", partial=of_cells, expire_after_s=keep_done_s
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Helping:
    """Some items of claimed cells, cell by cell. `reached` is the last that was looked at of each cell; of those in `more`
    there are others behind it."""

    cells: Sequence[Claimed]
    items: Sequence[Document]
    reached: Mapping[str, str]
    more: frozenset[str]


class Cells:
    """`ledger` is that of the cells; `items` names the collection of what falls due; `told` says which items have an event."""

    def __init__(
        self,
        store: Store,
        items: str,
        ledger: Ledger,
        *,
        told: Callable[[Collection[str]], Awaitable[set[str]]],
        clock: Clock,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self.ledger = ledger
        self._items = store.collection(items)
        self._marks = store.collection(CELLS)
        self._told = told
        self._clock = clock
        self._on_leg = on_leg
        self._swept = ""

    async def put(self, items: Sequence[Document]) -> int:
        """Write the items that aren't there yet, each into its cell if that is still to come; returns how many were new."""
        if not items:
            return 0
        begun = await self._begun()
        documents = [
            _listed(item) if item["day"] > begun else item | {"state": "waiting", "attempts": 0} for item in items
        ]
        there: set[int] = set()
        try:
            await self._items.insert_many(documents, ordered=False)
        except BulkWriteError as exc:
            errors = exc.details["writeErrors"]
            if exc.details["writeConcernErrors"] or any(error["code"] != DUPLICATE_KEY for error in errors):
                raise
            there = {error["index"] for error in errors}
        self._on_leg("agenda fed")
        since = await self._begun()
        # Also of those that were there: whoever fed them before may not have come this far.
        await self._free(
            [
                one["_id"]
                for at, one in enumerate(documents)
                if one["day"] <= since and (at in there or one["state"] == LISTED)
            ]
        )
        return len(documents) - len(there)

    async def sweep(self) -> int:
        """Make the cells of every day up to today that hasn't been swept; returns how many there are."""
        today = self._clock.today().isoformat()
        if self._swept == today:
            return 0
        mark = await self._marks.find_one_and_update(
            {"_id": _WATERMARK}, {"$max": {"begun": today}, "$setOnInsert": {"swept": ""}}, upsert=True
        )
        since = "" if mark is None else mark["swept"]
        self._on_leg("agenda sweeping")
        made = await self._with_items(since, today)
        for start in range(0, len(made), _MADE_AT_ONCE):
            await self.ledger.put(
                [{"_id": one["_id"], **self._due(one)} for one in made[start : start + _MADE_AT_ONCE]]
            )
        self._on_leg("agenda swept")
        await self._marks.update_one({"_id": _WATERMARK}, {"$max": {"swept": today}})
        self._swept = today
        return len(made)

    async def helping(self, cells: Sequence[Claimed], *, limit: int) -> Helping:
        """What is still to be judged of these cells, cell by cell, and no more than that at once."""
        places: dict[tuple[str, str], list[str]] = {}
        for cell in cells:
            places.setdefault((cell.document["day"], cell.document.get("through", "")), []).append(cell.id)
        items: list[Document] = []
        more: set[str] = set()
        for (day, through), ids in places.items():
            left = limit - len(items)
            if not left:
                more.update(ids)
                continue
            where: Document = {"state": LISTED, "day": day, "cell": {"$in": ids}}
            if through:
                where["_id"] = {"$gt": through}
            found = self._items.find(where).sort([("cell", 1), ("rule", 1), ("_id", 1)]).limit(left)
            items += (of_place := [one async for one in found])
            if len(of_place) == left:
                more.update(one for one in ids if one >= of_place[-1]["cell"])
        reached = {one["cell"]: one["_id"] for one in items}
        again = {cell.id for cell in cells if cell.attempts > 1}
        if again:  # somebody came as far as telling, perhaps, and not to the end
            untold = set(await self._untold([one["_id"] for one in items if one["cell"] in again]))
            items = [one for one in items if one["cell"] not in again or one["_id"] in untold]
        return Helping(cells=cells, items=items, reached=reached, more=frozenset(more))

    async def not_told(self, reasons: Mapping[str, str]) -> None:
        """These items are settled without having been told, each for its reason."""
        by_reason: dict[str, list[str]] = {}
        for item, reason in reasons.items():
            by_reason.setdefault(reason, []).append(item)
        if by_reason:
            now = self._clock.now()
            await self._items.bulk_write(
                [
                    UpdateMany(
                        {"_id": {"$in": ids}, "state": LISTED},
                        {"$set": {"state": "done", "done_at": now, "receipt": reason}},
                    )
                    for reason, ids in by_reason.items()
                ],
                ordered=False,
            )
            self._on_leg("agenda not told")

    async def let_go(self, items: Collection[str]) -> None:
        """These items leave their cell and are worked off by themselves, a little later."""
        await self._let_go(items, due=retry_at(1, self._clock.legal_now()))

    async def settle(self, helping: Helping, *, judged: int) -> None:
        """So many of the helping's items are done: what is left of its cells goes on behind them."""
        unjudged = {one["cell"] for one in helping.items[judged:]}
        through = {cell: item for cell, item in helping.reached.items() if cell not in unjudged}
        through |= {one["cell"]: one["_id"] for one in helping.items[:judged] if one["cell"] in unjudged}
        left = helping.more | unjudged
        await self.ledger.settle([cell for cell in helping.cells if cell.id not in left])
        for cell in helping.cells:
            if cell.id in left:
                if cell.id in through:
                    further = {"$set": {"through": through[cell.id]}}
                    await self._marks.update_one({"_id": cell.id, "lease": cell.token}, further)
                await self.ledger.postpone(cell, until=self._clock.legal_now(), why="there is more", counts=False)

    async def later(self, cells: Sequence[Claimed], *, why: str, counts: bool = True) -> None:
        try:
            for cell in cells:
                until = retry_at(cell.attempts, self._clock.legal_now())
                await self.ledger.postpone(cell, until=until, why=why, counts=counts)
        except PyMongoError:
            return  # their leases will end

    async def withdraw(self, which: Document, change: Document) -> int:
        """Change those of these items that a cell is still to tell; returns how many that were."""
        ids = await self._untold([one["_id"] async for one in self._items.find(which | {"state": LISTED}, {"_id": 1})])
        if not ids:
            return 0
        return (await self._items.update_many({"_id": {"$in": ids}, "state": LISTED}, change)).modified_count

    # ---- inside

    async def _begun(self) -> str:
        """The day that sweeping has reached."""
        mark = await self._marks.find_one({"_id": _WATERMARK})
        return "" if mark is None else str(mark["begun"])

    async def _free(self, items: Collection[str]) -> None:
        """Sweeping may have passed these by: those of which nothing came yet are work of their own."""
        if items:
            listed = self._items.find({"_id": {"$in": list(items)}, "state": LISTED}, {"_id": 1})
            await self._let_go(await self._untold([one["_id"] async for one in listed]), due="$starts")

    async def _untold(self, items: Collection[str]) -> list[str]:
        told = await self._told(items) if items else set()
        return [one for one in items if one not in told]

    async def _let_go(self, items: Collection[str], *, due: datetime | str) -> None:
        if items:
            await self._items.update_many(
                {"_id": {"$in": list(items)}, "state": LISTED},
                [{"$set": {"state": "waiting", "attempts": 0, "due": due}}, {"$unset": ["cell"]}],
            )

    async def _with_items(self, since: str, until: str) -> list[Document]:
        """One document for each cell of these days that has items, with rule and day."""
        steps: list[Document] = [
            {"$match": {"state": LISTED, "day": {"$gt": since, "$lte": until}}},
            {"$group": {"_id": "$cell", "rule": {"$first": "$rule"}, "day": {"$first": "$day"}}},
        ]
        return [one async for one in await self._items.aggregate(steps)]

    def _due(self, one: Mapping[str, Any]) -> Document:
        # A sandbox may have moved back behind a day that was swept.
        due = max(self._clock.legal_now(), start_of(date.fromisoformat(one["day"])))
        return {"rule": one["rule"], "day": one["day"], "due": due}


def _listed(item: Document) -> Document:
    listed = {**item, "state": LISTED, "cell": _cell(item)}
    del listed["due"]
    return listed


def _cell(item: Document) -> str:
    shard = item["person"][:CELL]
    return derive(shard, "cell", item["rule"], item["day"], shard)
