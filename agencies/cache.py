"""What agencies said before: kept sealed under the person's own key, for as long as each operation's policy says.

In two places: in this process as it was read, so that an answer which is fresh costs no more than looking it up; and in
the database as it was sent, sealed, for the other processes, the restart, and the day the agency doesn't answer. What is
read again goes through the operation's reader again, so a reader that was mended mends what is kept. An answer is void
from the moment its consent is withdrawn or its agency reported a change (`void_before`), wherever it is kept, and gone
from the database when its time is over. Losing what is kept here loses nothing: these writes need no majority.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from agencies.answers import Answer, Found, Keeping, Operation, Problem, Question
from agencies.reading import Reading
from agencies.trouble import NotThere, Trouble
from foundation.clock import BANGKOK, Clock
from foundation.errors import NotFound
from foundation.store import Document, Index, PyMongoError, Store
from trust.people import People, PersonId
from trust.secrets import SealBroken, Vault

log = logging.getLogger(__name__)

INDEXES = (
    Index(collection="answers", keys=(("until", 1),), name="gone_after", expire_after_s=0),
    Index(collection="answers", keys=(("person", 1), ("agency", 1)), name="of_person"),
)

_IN_MEMORY = 10_000
_NOT_THERE_FRESH_S = 600.0  # what an agency doesn't hold today it may hold soon
_MOST_TO_WRITE = 2_000
_GATHER_S = 0.02
_SWEEP_AGAIN_S = 2.0
_CONTEXT = "answers.said"

Key = tuple[PersonId, tuple[str, str, tuple[tuple[str, str], ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer from before. It is fresh until `fresh_until` on the legal day it was asked, and shown until `until`."""

    answer: Answer[Any]
    day: date
    fetched_at: datetime
    fresh_until: datetime
    until: datetime

    @property
    def can_stand_in(self) -> bool:
        """That there was no record then is no news of today, where nobody answers."""
        return self.answer.value is not None

    def is_fresh(self, now: datetime, today: date) -> bool:
        return now < self.fresh_until and self.day == today


@dataclass(frozen=True, slots=True)
class _ToWrite:
    person: PersonId
    operation: Operation[Any]
    kept: Kept
    said: Any
    given: dict[str, str]


class Cache:
    """`fresh_most_s` bounds every operation's fresh time; 0 asks anew each time and keeps only for bad days."""

    def __init__(
        self, store: Store, people: People, vault: Vault, *, clock: Clock, fresh_most_s: float | None = None
    ) -> None:
        self._answers = store.collection("answers", durable=False)
        self._store = store
        self._people = people
        self._vault = vault
        self._clock = clock
        self._fresh_most_s = fresh_most_s
        self._memory: OrderedDict[Key, Kept] = OrderedDict()
        self._to_write: dict[str, _ToWrite] = {}
        self._writing: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()

    def at_hand(self, person: PersonId, operation: Operation[Any], *, void_before: datetime | None) -> Kept | None:
        """What this process still has, be it fresh or not."""
        key = (person, operation.key)
        kept = self._memory.get(key)
        if kept is None:
            return None
        if self._clock.now() >= kept.until or (void_before is not None and kept.fetched_at <= void_before):
            del self._memory[key]
            return None
        return kept

    async def find(
        self,
        person: PersonId,
        number: str,
        operations: Iterable[Operation[Any]],
        *,
        void_before: Callable[[str], datetime | None],
    ) -> dict[Operation[Any], Kept]:
        """What any process has kept of these, in one read. Nothing where the database does not answer."""
        wanted = {self._id(person, one): one for one in operations if _is_kept(one)}
        if not wanted:
            return {}
        found: dict[Operation[Any], Kept] = {}
        try:
            async for document in self._answers.find({"_id": {"$in": list(wanted)}}):
                operation = wanted[document["_id"]]
                kept = await self._opened(person, number, operation, document)
                void = void_before(operation.agency)
                if kept is not None and self._clock.now() < kept.until and (void is None or kept.fetched_at > void):
                    found[operation] = kept
                    self._remember((person, operation.key), kept)
        except (PyMongoError, NotFound, SealBroken) as exc:
            log.warning("what was kept could not be read", extra={"person": person, "why": type(exc).__name__})
        return found

    def keep(
        self, person: PersonId, operation: Operation[Any], answer: Answer[Any], said: Found[Any] | Trouble
    ) -> None:
        """Keep what was just heard, where the operation's policy allows it. The database hears of it a little later."""
        if not _is_kept(operation) or answer.fetched_at is None:
            return
        if not isinstance(said, Found | NotThere):
            return
        fetched_at, today = answer.fetched_at, self._clock.today()
        fresh_until = self._fresh_until(operation.keeping, fetched_at, is_there=isinstance(said, Found))
        kept = Kept(
            answer=answer,
            day=today,
            fetched_at=fetched_at,
            fresh_until=fresh_until,
            until=fetched_at + timedelta(seconds=operation.keeping.fresh_s + operation.keeping.stale_s),
        )
        self._remember((person, operation.key), kept)
        if len(self._to_write) < _MOST_TO_WRITE:
            content = said.said if isinstance(said, Found) else None
            given = dict(said.given) if isinstance(said, Found) else {}
            self._to_write[self._id(person, operation)] = _ToWrite(person, operation, kept, content, given)
            if self._writing is None:
                self._writing = asyncio.create_task(self._write())

    async def forget(self, person: PersonId, agency: str | None = None) -> None:
        """Drop what an agency (or every one) said about this person. Other processes are told by `void_before`."""
        self._forget_here(person, agency)
        wanted: Document = {"person": person}
        if agency is not None:
            wanted["agency"] = agency
        await self._answers.delete_many(wanted)
        # Another process may have been about to write an answer that it asked before it heard of this.
        self._soon(self._sweep(wanted))

    async def close(self) -> None:
        """Write what waits; the second sweeps need not be waited for."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    def _forget_here(self, person: PersonId, agency: str | None) -> None:
        for key in [key for key in self._memory if key[0] == person and agency in (None, key[1][0])]:
            del self._memory[key]
        for name in [
            name
            for name, one in self._to_write.items()
            if one.person == person and agency in (None, one.operation.agency)
        ]:
            del self._to_write[name]

    def _remember(self, key: Key, kept: Kept) -> None:
        self._memory[key] = kept
        self._memory.move_to_end(key)
        if len(self._memory) > _IN_MEMORY:
            self._memory.popitem(last=False)

    def _fresh_until(self, keeping: Keeping, fetched_at: datetime, *, is_there: bool) -> datetime:
        fresh_s = keeping.fresh_s if is_there else min(keeping.fresh_s, _NOT_THERE_FRESH_S)
        if self._fresh_most_s is not None:
            fresh_s = min(fresh_s, self._fresh_most_s)
        until = fetched_at + timedelta(seconds=fresh_s)
        if keeping.refreshed_at is not None:
            here = fetched_at.astimezone(BANGKOK)
            refreshed = datetime.combine(here.date(), keeping.refreshed_at, BANGKOK)
            if refreshed <= here:
                refreshed += timedelta(days=1)
            until = min(until, refreshed)
        return until

    def _id(self, person: PersonId, operation: Operation[Any]) -> str:
        """Keyed, because arguments may be somebody's identity number."""
        told = "\0".join((person, operation.agency, operation.name, *(f"{n}={v}" for n, v in operation.given)))
        return person[:2] + self._vault.lookup(told, purpose="kept answer")[:30]

    async def _write(self) -> None:
        """Write what has gathered until nothing has."""
        try:
            while self._to_write:
                await asyncio.sleep(_GATHER_S)
                batch, self._to_write = self._to_write, {}
                documents = []
                for name, one in batch.items():
                    try:
                        documents.append(await self._sealed(name, one))
                    except NotFound:
                        continue  # erased in the meantime
                try:
                    await self._store.replace_many(self._answers, documents)
                except PyMongoError as exc:
                    log.warning("answers could not be kept", extra={"why": type(exc).__name__, "count": len(documents)})
        finally:
            self._writing = None

    async def _sealed(self, name: str, one: _ToWrite) -> Document:
        answer, kept = one.kept.answer, one.kept
        content = orjson.dumps({"said": one.said, "given": one.given})
        return {
            "_id": name, "person": one.person, "agency": one.operation.agency, "operation": one.operation.name,
            "state": answer.state, "said": await self._people.seal(one.person, content, context=_CONTEXT),
            "day": kept.day.isoformat(), "as_of": answer.as_of, "fetched_at": kept.fetched_at,
            "fresh_until": kept.fresh_until, "until": kept.until,
        }  # fmt: skip

    async def _opened(
        self, person: PersonId, number: str, operation: Operation[Any], document: Document
    ) -> Kept | None:
        content = orjson.loads(await self._people.open(person, document["said"], context=_CONTEXT))
        value = None
        if document["state"] == "OK":
            question = Question(person_number=number, given=content["given"])
            try:
                value = operation.read(Reading(content["said"]), question)
            except Trouble:
                return None  # kept by an older reader, of a shape that this one does not take
        answer: Answer[Any] = Answer(
            agency=operation.agency, state=document["state"], value=value, as_of=document["as_of"],
            fetched_at=document["fetched_at"],
        )  # fmt: skip
        return Kept(
            answer=answer,
            day=date.fromisoformat(document["day"]),
            fetched_at=document["fetched_at"],
            fresh_until=document["fresh_until"],
            until=document["until"],
        )

    async def _sweep(self, wanted: Document) -> None:
        await asyncio.sleep(_SWEEP_AGAIN_S)
        try:
            await self._answers.delete_many(
                {**wanted, "fetched_at": {"$lt": self._clock.now() - timedelta(seconds=1.5)}}
            )
        except PyMongoError as exc:
            log.warning("what was kept could not be swept", extra={"why": type(exc).__name__})

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)


def _is_kept(operation: Operation[Any]) -> bool:
    return operation.is_read and operation.keeping.fresh_s + operation.keeping.stale_s > 0


def stale(kept: Kept, problem: Problem | None) -> Answer[Any]:
    """What was said before, where there is no newer answer and why."""
    told = kept.answer
    return Answer(
        agency=told.agency,
        state="STALE",
        value=told.value,
        as_of=told.as_of,
        fetched_at=told.fetched_at,
        problem=problem,
    )
