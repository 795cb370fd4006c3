"""What a person was told, for good: the lasting list that every push and SMS only points at.

An entry says which event, rule and facts it comes from ("why did I get this?") and whom it concerns. All of it but the
topic is sealed under the person's own key. A message that came by SMS carries a code; `sent_check` answers anybody who
asks whether the state really sent it, and says nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
from pymongo import ReturnDocument

from foundation.clock import Clock
from foundation.errors import NotFound
from foundation.language import Text, ascii_digits
from foundation.pages import Page, page, page_size, read_cursor, write_cursor
from foundation.store import Document, DuplicateKeyError, Index, Store
from notifications.delivery import ChannelName
from notifications.ledger import moment_of
from trust.people import People, PersonId
from trust.secrets import Vault

_INBOX = "inbox"
INDEXES = (
    Index(collection=_INBOX, keys=(("person", 1), ("at", -1), ("_id", -1)), name="newest"),
    Index(
        collection=_INBOX,
        keys=(("person", 1), ("at", -1), ("_id", -1)),
        name="unread",
        partial={"unread": True},
    ),
    Index(collection=_INBOX, keys=(("check", 1), ("at", -1)), name="by_check_code"),
    Index(collection=_INBOX, keys=(("origin", 1),), name="by_origin"),
)
_CONTEXT = "inbox.content"
_CHECKED_FOR = timedelta(days=90)
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 signs; nobody takes 0 for O or 1 for I
_CODE = re.compile(f"[{_ALPHABET}]{{8}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One way by which a person is rung for an entry: a channel and, say, a device's id."""

    channel: ChannelName
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What to put into an inbox. The same id again is the same entry."""

    id: str
    person: PersonId
    at: datetime
    origin: str
    topic: str
    title: Text
    body: Text
    lock_screen: Text
    about: PersonId | None
    service: str | None
    because: Mapping[str, Any]
    statutory: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """An entry as its person sees it."""

    read_at: datetime | None
    retracted_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    check_code: str

    @property
    def is_unread(self) -> bool:
        return self.read_at is None and self.retracted_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCheck:
    """Yes, the state sent a message with this code, then. The text is the neutral one of the lock screen."""

    sent_at: datetime
    topic: str
    text: Text


class Inbox:
    def __init__(self, store: Store, people: People, vault: Vault, *, clock: Clock) -> None:
        self._entries = store.collection(_INBOX)
        self._people = people
        self._vault = vault
        self._clock = clock

    async def add(self, entry: NewEntry, *, reach: Sequence[Reach]) -> tuple[Reach, ...]:
        """Write the entry and whom to reach for it; where it is there already, nothing changes.

        Returns whom to reach as it was decided the first time.
        """
        content = {
            "title": _two(entry.title), "body": _two(entry.body), "lock_screen": _two(entry.lock_screen),
            "about": entry.about, "service": entry.service, "because": dict(entry.because),
        }  # fmt: skip
        document: Document = {
            "_id": entry.id,
            "person": entry.person,
            "at": entry.at,
            "origin": entry.origin,
            "topic": entry.topic,
            "statutory": entry.statutory,
            "content": await self._people.seal(entry.person, orjson.dumps(content), context=_CONTEXT),
            "check": self._check(self._code_of(entry.id)),
            "reach": [{"channel": one.channel, "target": one.target} for one in reach],
            "unread": True,
        }
        try:
            await self._entries.insert_one(document)
        except DuplicateKeyError:
            there = await self._entries.find_one({"_id": entry.id}, {"reach": 1})
            return _reach(there) if there else ()
        return tuple(reach)

    async def page(
        self, person: PersonId, *, unread_only: bool = False, first: int | None = None, after: str | None = None
    ) -> Page[Entry]:
        """The person's entries, the newest first."""
        size = page_size(first)
        wanted: Document = {"person": person} | ({"unread": True} if unread_only else {})
        if after is not None:
            at, entry = read_cursor(_INBOX, after, parts=2)
            moment = moment_of(at)
            wanted["$or"] = [{"at": {"$lt": moment}}, {"at": moment, "_id": {"$lt": entry}}]
        found = self._entries.find(wanted).sort([("at", -1), ("_id", -1)]).limit(size + 1)
        entries = [await self._open(document) async for document in found]
        return page(entries, first=size, cursor=lambda one: write_cursor(_INBOX, one.at.isoformat(), one.id))

    async def get(self, person: PersonId, entry: str) -> Entry | None:
        """The entry, if it is there and this person's."""
        document = await self._entries.find_one({"_id": entry, "person": person})
        return await self._open(document) if document else None

    async def unread(self, person: PersonId) -> int:
        return await self._entries.count_documents({"person": person, "unread": True})

    async def mark_read(self, person: PersonId, entry: str) -> Entry | None:
        """Note when it was first read. None where there is no such entry of theirs."""
        return await self._note(person, entry, ("read_at",))

    async def mark_delivered(self, person: PersonId, entry: str) -> Entry | None:
        """The app says that the message arrived on a phone; what the push service accepted isn't that yet."""
        return await self._note(person, entry, ("delivered_at",))

    async def mark_opened(self, person: PersonId, entry: str) -> Entry | None:
        """The app says that the message was opened, so it has arrived and is read."""
        return await self._note(person, entry, ("delivered_at", "opened_at", "read_at"))

    async def _note(self, person: PersonId, entry: str, fields: Sequence[str]) -> Entry | None:
        now = self._clock.now()
        change: Document = {"$set": {name: {"$ifNull": [f"${name}", now]} for name in fields}}
        steps = [change, {"$unset": "unread"}] if "read_at" in fields else [change]
        document = await self._entries.find_one_and_update(
            {"_id": entry, "person": person}, steps, return_document=ReturnDocument.AFTER
        )
        return await self._open(document) if document else None

    async def retract(self, origin: str) -> int:
        """Mark the entries that came from this event as withdrawn; returns how many weren't before."""
        result = await self._entries.update_many(
            {"origin": origin, "retracted_at": {"$exists": False}},
            {"$set": {"retracted_at": self._clock.now()}, "$unset": {"unread": ""}},
        )
        return result.modified_count

    async def sent_check(self, code: str) -> SentCheck | None:
        """What was sent with this code in the last 90 days, if anything. Open to anyone, so it is to be rate-limited."""
        tidy = re.sub(r"[\s-]", "", ascii_digits(code)).upper() if len(code) <= 40 else ""
        if not _CODE.fullmatch(tidy):
            return None
        since = self._clock.now() - _CHECKED_FOR
        document = await self._entries.find_one({"check": self._check(tidy), "at": {"$gte": since}}, sort=[("at", -1)])
        if document is None:
            return None
        try:
            entry = await self._open(document)
        except NotFound:  # the person was erased meanwhile
            return None
        return SentCheck(sent_at=entry.at, topic=entry.topic, text=entry.lock_screen)

    async def _open(self, document: Document) -> Entry:
        person = PersonId(document["person"])
        content = orjson.loads(await self._people.open(person, document["content"], context=_CONTEXT))
        return Entry(
            id=document["_id"],
            person=person,
            at=document["at"],
            origin=document["origin"],
            topic=document["topic"],
            statutory=document["statutory"],
            title=Text(**content["title"]),
            body=Text(**content["body"]),
            lock_screen=Text(**content["lock_screen"]),
            about=content["about"],
            service=content["service"],
            because=content["because"],
            read_at=document.get("read_at"),
            retracted_at=document.get("retracted_at"),
            delivered_at=document.get("delivered_at"),
            opened_at=document.get("opened_at"),
            check_code=self._code_of(document["_id"]),
        )

    def _code_of(self, entry: str) -> str:
        """Eight signs that follow from the entry's id by a keyed hash, so that a repeat carries the same code."""
        digest = int(self._vault.lookup(entry, purpose="check code of an entry"), 16)
        return "".join(_ALPHABET[(digest >> (5 * place)) % len(_ALPHABET)] for place in range(8))

    def _check(self, code: str) -> str:
        return self._vault.lookup(code, purpose="check code")


def _two(text: Text) -> dict[str, str]:
    return {"th": text.th, "en": text.en}


def _reach(document: Document) -> tuple[Reach, ...]:
    return tuple(Reach(channel=cast(ChannelName, one["channel"]), target=one["target"]) for one in document["reach"])
