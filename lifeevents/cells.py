"""What falls due for a whole population, worked off by (rule, day, shard).

An item of a cell carries no work of its own: its cell does. A cell's id follows from rule, day and shard, so however often
and by however many it is made, it is one. The sweep makes the cells of every day from where the last one ended up to
today, so catching up after an outage is the same as going on.

What is fed and what is swept may meet on the same day. Both say first what they are about and then look: whoever feeds
writes the items and then asks how far sweeping has begun; whoever sweeps writes down how far and then looks for items. So
at least one of the two sees the other, and the cell is made; made twice, it is the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

from pymongo import UpdateMany, UpdateOne

from foundation.clock import Clock, start_of
from foundation.ids import CELL, derive
from foundation.store import DUPLICATE_KEY, BulkWriteError, Document, Index, PyMongoError, Store
from notifications import ledger as ledgers
from notifications.ledger import Claimed, Ledger, nothing, retry_at

CELLS = "agenda_cells"
_WATERMARK = "watermark"
_MADE_AT_ONCE = 1000
_OPEN: Document = {"cell": {"$exists": True}, "state": "waiting"}


def indexes(items: str, *, keep_done_s: int) -> tuple[Index, ...]:
    return (
        *ledgers.indexes(CELLS, keep_done_s=keep_done_s),
        Index(collection=items, keys=(("cell", 1), ("_id", 1)), name="open_of_cell", partial=_OPEN),
        Index(collection=items, keys=(("day", 1), ("cell", 1)), name="open_of_day", partial=_OPEN),
    )


class Cells:
    """`ledger` is that of the cells; `items` names the collection of what falls due."""

    def __init__(
        self,
        store: Store,
        items: str,
        ledger: Ledger,
        *,
        clock: Clock,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self.ledger = ledger
        self._items = store.collection(items)
        self._marks = store.collection(CELLS)
        self._clock = clock
        self._on_leg = on_leg
        self._swept = ""

    async def put(self, items: Sequence[Document]) -> int:
        """Write the items that aren't there yet, each into its cell; returns how many were new."""
        if not items:
            return 0
        fields = {"state": "waiting", "attempts": 0}
        documents = [{**item, **fields, "cell": _cell(item)} for item in items]
        for document in documents:
            del document["due"]
        there = 0
        try:
            await self._items.insert_many(documents, ordered=False)
        except BulkWriteError as exc:
            errors = exc.details["writeErrors"]
            if exc.details["writeConcernErrors"] or any(error["code"] != DUPLICATE_KEY for error in errors):
                raise
            there = len(errors)
        self._on_leg("agenda fed")
        mark = await self._marks.find_one({"_id": _WATERMARK})
        begun = "" if mark is None else mark["begun"]
        # Also of those that were there: whoever fed them before may not have come this far.
        passed = sorted({one["cell"] for one in documents if one["day"] <= begun})
        if passed:
            await self._make([one async for one in self._open_cells({"cell": {"$in": passed}})], again=True)
        return len(documents) - there

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
        made = [one async for one in self._open_cells({"day": {"$gt": since, "$lte": today}})]
        await self._make(made)
        self._on_leg("agenda swept")
        await self._marks.update_one({"_id": _WATERMARK}, {"$max": {"swept": today}})
        self._swept = today
        return len(made)

    async def open_items(self, cells: Sequence[str], *, limit: int) -> list[Document]:
        """What is still to be told of these cells, cell by cell."""
        found = self._items.find({"cell": {"$in": list(cells)}, "state": "waiting"})
        return [one async for one in found.sort([("cell", 1), ("_id", 1)]).limit(limit)]

    async def done(self, receipts: Mapping[str, str]) -> None:
        """These items are settled, each with what came of it."""
        said: dict[str, list[str]] = {}
        for item, receipt in receipts.items():
            said.setdefault(receipt, []).append(item)
        if said:
            now = self._clock.now()
            await self._items.bulk_write(
                [
                    UpdateMany(
                        {"_id": {"$in": ids}, "state": "waiting"},
                        {"$set": {"state": "done", "done_at": now, "receipt": receipt}},
                    )
                    for receipt, ids in said.items()
                ],
                ordered=False,
            )
            self._on_leg("agenda settled")

    async def let_go(self, items: Collection[str]) -> None:
        """These items leave their cell and are worked off by themselves, a little later."""
        if items:
            await self._items.update_many(
                {"_id": {"$in": list(items)}, "state": "waiting"},
                {"$set": {"due": retry_at(1, self._clock.legal_now())}, "$unset": {"cell": ""}},
            )

    async def later(self, cells: Sequence[Claimed], *, why: str, counts: bool = True) -> None:
        try:
            for cell in cells:
                until = retry_at(cell.attempts, self._clock.legal_now())
                await self.ledger.postpone(cell, until=until, why=why, counts=counts)
        except PyMongoError:
            return  # their leases will end

    def _open_cells(self, which: Document) -> Any:
        """One document for each cell that has something open, with rule, day and shard."""
        steps: list[Document] = [
            {"$match": _OPEN | which},
            {"$group": {"_id": "$cell", "rule": {"$first": "$rule"}, "day": {"$first": "$day"}}},
        ]
        return _each(self._items.aggregate(steps))

    async def _make(self, cells: Sequence[Document], *, again: bool = False) -> None:
        """`again`: also where a cell was worked off already, or is just being so."""
        for start in range(0, len(cells), _MADE_AT_ONCE):
            part = cells[start : start + _MADE_AT_ONCE]
            if again:
                fresh = {"state": "waiting", "attempts": 0}
                gone = {"lease": "", "why": "", "done_at": "", "dead_at": ""}
                await self._marks.bulk_write(
                    [
                        UpdateOne(
                            {"_id": one["_id"]},
                            {"$set": {**fresh, **self._cell(one)}, "$unset": gone},
                            upsert=True,
                        )
                        for one in part
                    ],
                    ordered=False,
                )
            else:
                await self.ledger.put([{"_id": one["_id"], **self._cell(one)} for one in part])
        if cells:
            self.ledger.ring()

    def _cell(self, one: Document) -> Document:
        # A sandbox may have moved back behind a day that was swept.
        due = max(self._clock.legal_now(), start_of(date.fromisoformat(one["day"])))
        return {"rule": one["rule"], "day": one["day"], "due": due}


async def _each(found: Any) -> Any:
    async for one in await found:
        yield one


def _cell(item: Document) -> str:
    shard = item["person"][:CELL]
    return derive(shard, "cell", item["rule"], item["day"], shard)
