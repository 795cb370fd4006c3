"""Records a life event once.

What an agency reports is sealed under the person's own key and written before anybody is told that it arrived; the
same event again meets the same `_id` and gets the same receipt. The event is its own outbox: it is born due, and
fan-out claims it from this very collection.

Group commit: events that arrive while a write is on its way are written together by the next one. A durable write
costs nearly the same for one document as for five hundred, which is what makes majority and journal affordable.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

import orjson
from bson import Timestamp

from foundation.clock import Clock
from foundation.errors import BadInput, Conflict, Unavailable
from foundation.ids import CELL
from foundation.pages import Page, page, read_cursor, write_cursor
from foundation.store import DUPLICATE_KEY, BulkWriteError, Document, Index, PyMongoError, Store
from foundation.telemetry import Metrics, redact
from lifeevents.catalogue.model import Catalogue, EventType
from lifeevents.cloudevents import (
    CALENDAR,
    CALENDAR_SOURCE,
    Accepted,
    Contracts,
    EventsRefused,
    Publisher,
    RawEvent,
    Reason,
    Refusal,
    event_key,
    sent_id,
)
from notifications import ledger as ledgers
from notifications.ledger import Ledger
from trust.people import People, PersonId
from trust.secrets import Vault

__all__ = ["CALENDAR", "CALENDAR_SOURCE", "EVENTS", "INDEXES", "EventConflict", "EventsRefused", "Intake", "Receipt"]

EVENTS = "events"
INDEXES = (
    *ledgers.indexes(EVENTS),
    Index(collection=EVENTS, keys=(("type", 1), ("seq", 1)), name="feed"),
)
FEED_KEPT = timedelta(days=90)
_CLOCKS_DIFFER = timedelta(minutes=10)
# A place in the feed is given at the insert and seen at the commit. Within this time whatever has an earlier place has
# come up too, so that a reader never passes one by.
_IS_SETTLED = {"$lt": [{"$tsSecond": "$seq"}, {"$subtract": [{"$divide": [{"$toLong": "$$NOW"}, 1000]}, 2]}]}
_GROUP = 500
_GROUP_BYTES = 8_000_000
_MOST_WAITING, _MOST_WAITING_BYTES = 5_000, 64_000_000
_COMMIT_WITHIN_S = 1.0
_OTHER_CONTENT = (
    Reason(
        code="OTHER_CONTENT",
        message="this source and id came before with another content",
        message_th="source และ id นี้เคยส่งมาแล้วโดยมีเนื้อหาอื่น",
        at="/id",
    ),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """`receipt` is our own id of the event. It and `recorded_at` are the same however often the event is sent."""

    id: str
    source: str
    receipt: str
    recorded_at: datetime
    status: Literal["recorded", "already_recorded"]


class EventConflict(Conflict):
    """The same source and id came before with another content."""

    code = "EVENT_CONFLICT"

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(
            "an event with this source and id was recorded before with another content; nothing was recorded now",
            th="เคยบันทึกเหตุการณ์ที่มี source และ id นี้ด้วยเนื้อหาอื่นแล้ว ครั้งนี้จึงไม่ได้บันทึก",
        )
        self.refusals = tuple(refusals)


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    event: Accepted
    by: Publisher
    body_hash: str


async def opened(event: Document, *, people: People, vault: Vault) -> Any:
    """The `data` of a stored event. NotFound where the person it happened to was erased."""
    context = f"events.data {event['_id']}"
    if event["person"] is None:
        return orjson.loads(vault.open(event["data"], context=context))
    return orjson.loads(await people.open(event["person"], event["data"], context=context))


class Intake:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        people: People,
        vault: Vault,
        catalogue: Catalogue,
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._events = store.collection(EVENTS)
        self._ledger = ledger
        self._people = people
        self._vault = vault
        self._contracts = Contracts(catalogue)
        self._clock = clock
        self._metrics = metrics
        self._waiting: deque[tuple[_Ready, asyncio.Future[Receipt]]] = deque()
        self._waiting_bytes = 0
        self._writer: asyncio.Task[None] | None = None

    async def record(self, event: RawEvent, *, by: Publisher) -> Receipt:
        """Record one event durably and return its receipt.

        EventsRefused gives every reason; EventConflict says that the id came before with another content.
        """
        found = self._contracts.check(event, by=by, now=self._clock.now())
        if isinstance(found, tuple):
            raise self._refused([Refusal(index=0, id=sent_id(event.value), reasons=found)])
        size = len(found.data)
        if len(self._waiting) >= _MOST_WAITING or self._waiting_bytes + size > _MOST_WAITING_BYTES:
            raise _busy()
        recorded: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._ready(found, by), recorded))
        self._waiting_bytes += size
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        return await recorded

    async def record_batch(self, events: Sequence[RawEvent], *, by: Publisher) -> list[Receipt]:
        """Record all of them or none; the receipts stand in the order of the events."""
        now = self._clock.now()
        checked = [self._contracts.check(event, by=by, now=now) for event in events]
        refusals = [
            Refusal(index=index, id=sent_id(events[index].value), reasons=found)
            for index, found in enumerate(checked)
            if isinstance(found, tuple)
        ]
        if refusals:
            raise self._refused(refusals)
        try:
            receipts = await self._write_together(
                [self._ready(one, by) for one in checked if isinstance(one, Accepted)]
            )
        except PyMongoError as exc:
            raise _not_written() from exc
        self._ledger.ring()
        return receipts

    async def record_own(self, events: Sequence[RawEvent]) -> list[int]:
        """Record many that the calendar made, each by itself; returns the places of those that aren't what their type says.

        One that is there already stays as it is, and so does what else is said of it. Where this fails some may be
        recorded; the same again records the others.
        """
        refused: list[int] = []
        own: dict[str, tuple[RawEvent, EventType]] = {}
        for index, event in enumerate(events):
            kind = self._contracts.own(event)
            if kind is None:
                refused.append(index)
            else:
                own[event_key(CALENDAR_SOURCE, event.value["id"])] = event, kind
        rest, now = iter(own), _whole_ms(self._clock.now())
        try:
            while part := {key: own[key] for key in islice(rest, _GROUP)}:
                there = await self._insert(await self._own_documents(part, now))
                for name, count in Counter(kind.type for key, (_, kind) in part.items() if key not in there).items():
                    self._metrics.events.labels(name, "recorded").inc(count)
        except PyMongoError as exc:
            raise _not_written() from exc
        self._ledger.ring()
        return refused

    async def recorded_own(self, ids: Collection[str]) -> set[str]:
        """Which of these ids the calendar has told already."""
        keys = {event_key(CALENDAR_SOURCE, one): one for one in ids}
        return {keys[key] for key in await self._there(list(keys))}

    async def close(self) -> None:
        """Wait until everything that was taken in is written."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    # ---- what agencies read

    async def get(self, event: str) -> Document | None:
        """The event with this id of ours, as it is kept; `opened` opens it."""
        return await self._events.find_one({"_id": event})

    async def feed(self, since: Mapping[str, datetime], *, first: int, after: str | None = None) -> Page[Document]:
        """Events of these types, each type from its day on, in the order in which they were recorded."""
        last = _read_place(after) if after is not None else Timestamp(0, 0)
        oldest = self._clock.now() - FEED_KEPT
        wanted = []
        for name, begins in since.items():
            from_ = max(begins, oldest)
            # By the server's clock for the index, with room for ours to differ; then exactly, by our own.
            place = max(last, Timestamp(max(0, int((from_ - _CLOCKS_DIFFER).timestamp())), 0))
            wanted.append({"type": name, "seq": {"$gt": place}, "received_at": {"$gte": from_}})
        if not wanted:
            return page([], first=first, cursor=str)
        found = self._events.find({"$or": wanted, "$expr": _IS_SETTLED}, {"data": 0}).sort("seq", 1).limit(first + 1)
        return page([one async for one in found], first=first, cursor=lambda one: _write_place(one["seq"]))

    # ---- one by one, written in groups

    async def _write_waiting(self) -> None:
        while self._waiting:
            group = self._next_group()
            try:
                await self._write_group(group)
            except Exception as exc:
                failure = _not_written()
                failure.__cause__ = exc
                if not isinstance(exc, PyMongoError):
                    log.exception("events could not be written", extra={"events": len(group)})
                for _, recorded in group:
                    if not recorded.done():
                        recorded.set_exception(failure)
            self._ledger.ring()

    def _next_group(self) -> list[tuple[_Ready, asyncio.Future[Receipt]]]:
        group: list[tuple[_Ready, asyncio.Future[Receipt]]] = []
        size = 0
        while self._waiting and len(group) < _GROUP and size < _GROUP_BYTES:
            group.append(self._waiting.popleft())
            size += len(group[-1][0].event.data)
        self._waiting_bytes -= size
        return group

    async def _write_group(self, group: Sequence[tuple[_Ready, asyncio.Future[Receipt]]]) -> None:
        now = _whole_ms(self._clock.now())
        first: dict[str, _Ready] = {}
        for one, _ in group:
            first.setdefault(one.event.key, one)
        there = await self._insert(await self._documents(list(first.values()), now))
        for one, recorded in group:
            if recorded.done():  # whoever asked has gone; the event stays
                continue
            key = one.event.key
            if self._agrees(one, first, there):
                recorded.set_result(self._receipt(one, first, there, now))
            else:
                clash = Refusal(index=0, id=redact(one.event.id), reasons=_OTHER_CONTENT)
                recorded.set_exception(self._conflict({key: clash}))

    async def _insert(self, documents: Sequence[Document]) -> Mapping[str, Document]:
        """Write what isn't there, and return what was there already, by `_id`."""
        try:
            await self._events.insert_many(documents, ordered=False)
        except BulkWriteError as exc:
            errors = exc.details["writeErrors"]
            if exc.details["writeConcernErrors"] or any(error["code"] != DUPLICATE_KEY for error in errors):
                raise
            keys = [documents[error["index"]]["_id"] for error in errors]
        else:
            return {}
        for pause_s in (0.0, 0.02, 0.1, 0.5, 2.0):
            # Another process may have taken the key and not yet reached the majority.
            await asyncio.sleep(pause_s)
            there = await self._there(keys)
            if len(there) == len(keys):
                return there
        raise _not_written()

    async def _there(self, keys: Sequence[str]) -> dict[str, Document]:
        found = self._events.find({"_id": {"$in": list(keys)}}, {"body_hash": 1, "received_at": 1})
        return {one["_id"]: one async for one in found}

    # ---- all or none

    async def _write_together(self, ready: Sequence[_Ready]) -> list[Receipt]:
        first: dict[str, _Ready] = {}
        for one in ready:
            first.setdefault(one.event.key, one)
        for _ in range(5):
            there = await self._there(list(first))
            clashes = {
                one.event.key: Refusal(index=index, id=redact(one.event.id), reasons=_OTHER_CONTENT)
                for index, one in enumerate(ready)
                if not self._agrees(one, first, there)
            }
            if clashes:
                raise self._conflict(clashes)
            now = _whole_ms(self._clock.now())
            new = [one for key, one in first.items() if key not in there]
            if not new or await self._insert_all(await self._documents(new, now)):
                return [self._receipt(one, first, there, now) for one in ready]
        raise _not_written()

    async def _insert_all(self, documents: Sequence[Document]) -> bool:
        """False where one of them is there by now, or is just being written by another."""
        try:
            # The feed is read in the order of `seq`, which is given at the insert: a commit long after it would come
            # up behind the back of a reader.
            async with asyncio.timeout(_COMMIT_WITHIN_S), self._store.transaction() as session:
                await self._events.insert_many(documents, session=session)
        except TimeoutError as exc:
            raise _not_written() from exc
        except BulkWriteError as exc:
            if all(error["code"] == DUPLICATE_KEY for error in exc.details["writeErrors"]):
                return False
            raise
        except PyMongoError as exc:
            if not exc.has_error_label("TransientTransactionError"):
                raise
            await asyncio.sleep(0.01)
            return False
        return True

    # ---- what both need

    def _ready(self, event: Accepted, by: Publisher) -> _Ready:
        return _Ready(event, by, self._content(event.canonical))

    def _content(self, canonical: bytes) -> str:
        # Keyed, because what a birth or a death looks like can be guessed and tried.
        return self._vault.lookup(canonical.decode(), purpose="event content")

    async def _documents(self, ready: Sequence[_Ready], now: datetime) -> list[Document]:
        people = await self._people.ensure_many(
            {one.event.person_number for one in ready if one.event.person_number is not None}
        )
        documents: list[Document] = []
        for one in ready:
            event = one.event
            person = people[event.person_number].id if event.person_number is not None else None
            documents.append(
                _document(event.key, now, event.source, event.id, event.type, one.by)
                | {
                    "person": person, "time": event.time or now, "body_hash": one.body_hash,
                    "data": await self._sealed(event, person),
                }
            )  # fmt: skip
        return documents

    async def _own_documents(self, own: Mapping[str, tuple[RawEvent, EventType]], now: datetime) -> list[Document]:
        strangers = {event.value["data"][kind.person] for event, kind in own.values() if event.person is None}
        people = await self._people.ensure_many(strangers) if strangers else {}
        documents: list[Document] = []
        for key, (event, kind) in own.items():
            data = event.value["data"]
            person = event.person or people[data[kind.person]].id
            document = _document(key, now, CALENDAR_SOURCE, event.value["id"], kind, CALENDAR)
            document["person"], document["time"] = person, now
            document["body_hash"] = self._content(orjson.dumps(event.value, option=orjson.OPT_SORT_KEYS))
            document["data"] = await self._people.seal(person, orjson.dumps(data), context=f"events.data {key}")
            documents.append(document)
        return documents

    async def _sealed(self, event: Accepted, person: PersonId | None) -> bytes:
        context = f"events.data {event.key}"
        if person is None:
            return self._vault.seal(event.data, context=context)
        return await self._people.seal(person, event.data, context=context)

    @staticmethod
    def _agrees(one: _Ready, first: Mapping[str, _Ready], there: Mapping[str, Document]) -> bool:
        """Whether it says what was recorded under its key, or is being recorded now."""
        key = one.event.key
        return one.body_hash == (there[key]["body_hash"] if key in there else first[key].body_hash)

    def _receipt(
        self, one: _Ready, first: Mapping[str, _Ready], there: Mapping[str, Document], now: datetime
    ) -> Receipt:
        event, known = one.event, there.get(one.event.key)
        is_new = known is None and one is first[event.key]
        status: Literal["recorded", "already_recorded"] = "recorded" if is_new else "already_recorded"
        self._metrics.events.labels(event.type.type, status).inc()
        recorded_at = known["received_at"] if known else now
        return Receipt(id=event.id, source=event.source, receipt=event.key, recorded_at=recorded_at, status=status)

    def _refused(self, refusals: Sequence[Refusal]) -> EventsRefused:
        self._metrics.events.labels("-", "refused").inc(len(refusals))
        return EventsRefused(refusals)

    def _conflict(self, clashes: Mapping[str, Refusal]) -> EventConflict:
        self._metrics.events.labels("-", "conflict").inc(len(clashes))
        self._metrics.alarms.labels("event_conflict").inc()
        log.warning("an event came again with another content", extra={"events": sorted(clashes)[:10]})
        return EventConflict(list(clashes.values()))


def _document(
    key: str, now: datetime, source: str, event_id: str, event_type: EventType, by: Publisher
) -> Document:  # all that doesn't hang on whom it is about
    return {
        "_id": key, "cell": key[:CELL], "source": source, "event_id": event_id, "type": event_type.type,
        "agency": by.agency, "client": by.client_id, "received_at": now,
        # The server writes its own time here when it inserts. The feed goes by it, for clocks of ours differ.
        "seq": Timestamp(0, 0),
        "state": "waiting", "attempts": 0, "due": now,
    }  # fmt: skip


def _write_place(seq: Timestamp) -> str:
    return write_cursor(EVENTS, str(seq.time), str(seq.inc))


def _read_place(cursor: str) -> Timestamp:
    seconds, count = read_cursor(EVENTS, cursor, parts=2)
    if not all(len(one) <= 10 and one.isascii() and one.isdigit() and int(one) < 2**32 for one in (seconds, count)):
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after")
    return Timestamp(int(seconds), int(count))


def _whole_ms(moment: datetime) -> datetime:
    """As MongoDB keeps it, so that the first receipt and the second say the same."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _not_written() -> Unavailable:
    return Unavailable(
        "the event may not have been written; send it again, with the same id",
        th="อาจยังไม่ได้บันทึกเหตุการณ์ โปรดส่งเหตุการณ์เดิมอีกครั้งโดยใช้ id เดิม",
        retry_after_s=1,
    )


def _busy() -> Unavailable:
    return Unavailable(
        "too many events are waiting to be written; send it again, with the same id",
        th="มีเหตุการณ์รอบันทึกมากเกินไป โปรดส่งเหตุการณ์เดิมอีกครั้งโดยใช้ id เดิม",
        retry_after_s=1,
    )
