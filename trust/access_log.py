"""Who looked at whose data, when, why and on which legal ground: written before the look, or there is no look.

Written first because a question that times out has still told an agency that somebody asked, and the person should see
that. A record says that a look was allowed to begin; what came of it is the answer's own business.

Records that come while a write is under way go together in the next one: under load, many requests share the price of
one durable write (measured: 250 µs of CPU each alone).
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from foundation.clock import Clock
from foundation.errors import BadInput, Unavailable
from foundation.ids import CELL
from foundation.pages import Page, page, page_size, read_cursor, write_cursor
from foundation.store import Document, Index, PyMongoError, Store
from trust.people import PersonId

INDEXES = (Index(collection="access_records", keys=(("subject", 1), ("_id", -1)), name="newest_of_person"),)

_CURSOR = "access records"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look that is about to begin. `ground` is the legal ground that it rests on."""

    subject: PersonId
    actor: str  # a person's id, or the name of an agency, an officer or a system
    agency: str
    operation: str
    purpose: str
    ground: str
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """One look as its subject may read it."""

    id: str
    at: datetime
    actor: str
    agency: str
    operation: str
    purpose: str
    legal_ground: str
    on_behalf_of: str | None


@dataclass(slots=True, eq=False)
class _Batch:
    documents: list[Document] = field(default_factory=list)
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class AccessLog:
    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._records = store.collection("access_records")
        self._clock = clock
        self._last_stamp = 0
        self._next: _Batch | None = None
        self._writing: asyncio.Task[None] | None = None

    async def record(
        self,
        *,
        subject: PersonId,
        actor: str,
        agency: str,
        operation: str,
        purpose: str,
        ground: str,
        on_behalf_of: str | None = None,
    ) -> str:
        """Write one look down, durably, and return the record's id. Unavailable means: do not look."""
        look = Look(
            subject=subject, actor=actor, agency=agency, operation=operation, purpose=purpose, ground=ground,
            on_behalf_of=on_behalf_of,
        )  # fmt: skip
        return (await self.record_many([look]))[0]

    async def record_many(self, looks: Sequence[Look]) -> list[str]:
        """The same for several looks in one write, all or none of which may go ahead."""
        if not looks:
            return []
        now = self._clock.now()
        # Times differ within a process, so one draw for all of them is enough to tell processes apart.
        drawn = secrets.token_hex(8)
        documents = [self._document(look, now, drawn) for look in looks]
        try:
            await self._durably(documents)
        except PyMongoError as exc:
            raise Unavailable(
                "the look could not be recorded, so nothing was looked at",
                th="บันทึกการเข้าถึงข้อมูลไม่ได้ จึงยังไม่ได้ดูข้อมูลใด",
            ) from exc
        return [document["_id"] for document in documents]

    async def page(self, person: PersonId, *, first: int | None = None, after: str | None = None) -> Page[AccessRecord]:
        """The looks at this person's data, newest first. BadInput for a wrong size or cursor."""
        size = page_size(first)
        wanted: Document = {"subject": person}
        if after is not None:
            wanted["_id"] = {"$lt": _read_id(after)}
        found = self._records.find(wanted).sort("_id", -1).limit(size + 1)
        records = [_shown(document) async for document in found]
        return page(records, first=size, cursor=lambda record: write_cursor(_CURSOR, record.id))

    async def _durably(self, documents: list[Document]) -> None:
        batch = self._next = self._next or _Batch()
        batch.documents += documents
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(batch.written)

    async def _write(self) -> None:
        """Write what has gathered until nothing has. The task is nobody's: who hangs up stops no other's record."""
        try:
            while (batch := self._next) is not None:
                self._next = None
                try:
                    await self._records.insert_many(batch.documents)
                except Exception as exc:  # noqa: BLE001 -- not lost: all who wait for it get it
                    batch.written.set_exception(exc)
                    batch.written.exception()  # seen, in case nobody waits any more
                else:
                    batch.written.set_result(None)
        finally:
            self._writing = None
            for left in (batch, self._next):
                if left is not None:
                    left.written.cancel()  # nothing to those that are written; the rest must not hang

    def _document(self, look: Look, now: datetime, drawn: str) -> Document:
        return {
            "_id": self._new_id(look.subject, now, drawn),
            "subject": look.subject, "at": now, "actor": look.actor, "agency": look.agency,
            "operation": look.operation, "purpose": look.purpose, "ground": look.ground,
            "on_behalf_of": look.on_behalf_of,
        }  # fmt: skip

    def _new_id(self, subject: PersonId, now: datetime, drawn: str) -> str:
        """The person's cell, then the time, so that the ids of one person sort as the looks came."""
        self._last_stamp = stamp = max(int(now.timestamp() * 1_000_000), self._last_stamp + 1)
        return f"{subject[:CELL]}{stamp:014x}{drawn}"


def _read_id(cursor: str) -> str:
    (record,) = read_cursor(_CURSOR, cursor, parts=1)
    if not _ID.fullmatch(record):
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after")
    return record


def _shown(document: Document) -> AccessRecord:
    return AccessRecord(
        id=document["_id"],
        at=document["at"],
        actor=document["actor"],
        agency=document["agency"],
        operation=document["operation"],
        purpose=document["purpose"],
        legal_ground=document["ground"],
        on_behalf_of=document["on_behalf_of"],
    )
