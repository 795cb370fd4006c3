"""What mini apps tell people: taken in one durable write, told when it is due, and only while the person lets them.

What is taken is a ledger item; a worker puts it into the person's inbox, where the agency stands as the sender. Whether
the person still allows it, and lives, is looked at when it is taken and again when it is told, so that a message of
tomorrow doesn't come after a consent that ended today.

The dialect has no idempotency key. The same message to the same person for the same time is therefore the same one for a
while: it keeps its transaction id and is told once.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pymongo import UpdateOne

from foundation.clock import Clock
from foundation.errors import NotFound
from foundation.ids import derive
from foundation.language import Text
from foundation.store import Document, Index, PyMongoError, Store
from foundation.telemetry import Metrics
from notifications import ledger as ledgers
from notifications.ledger import Claimed, Ledger, retry_at
from notifications.notifier import Notice, Notifier
from trust.mini_apps import NOTIFY, Consent, MiniApp, MiniApps
from trust.people import People, PersonId
from trust.secrets import Vault

log = logging.getLogger(__name__)

MESSAGES = "mini_app_messages"
_PUSHES = "mini_app_pushes"
_KEEP_DONE_S = 7 * 86_400
INDEXES = (
    *ledgers.indexes(MESSAGES, keep_done_s=_KEEP_DONE_S),
    Index(collection=_PUSHES, keys=(("expires_at", 1),), name="gone", expire_after_s=600),
)
SAME_FOR = timedelta(minutes=10)
_AT_ONCE = 32
_FAMILY = "mini app"
_CONTEXT = "mini_app_messages.text"
# What a phone on a table may show: never the matter.
_LOCK_SCREEN = Text(th="คุณมีข้อความใหม่จากหน่วยงานรัฐ", en="You have a new message from a state agency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One message to one user id of the mini app."""

    user_id: str
    text: str = field(repr=False)


class Deaths(Protocol):
    async def died(self, people: Collection[PersonId]) -> set[PersonId]:
        """Those of them whose death is known."""
        ...


@dataclass(frozen=True, slots=True)
class _Taken:
    wanted: Wanted
    consent: Consent
    sealed: bytes = field(repr=False)


class MiniAppMessages:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        *,
        mini_apps: MiniApps,
        notifier: Notifier,
        people: People,
        deaths: Deaths,
        vault: Vault,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._pushes = store.collection(_PUSHES)
        self._ledger = ledger
        self._mini_apps = mini_apps
        self._notifier = notifier
        self._people = people
        self._deaths = deaths
        self._vault = vault
        self._clock = clock
        self._metrics = metrics

    async def put(self, app: MiniApp, wanted: Sequence[Wanted], *, send_at: datetime | None) -> list[str]:
        """Take these messages, to be told at `send_at` or now; the transaction id of each that somebody will get.

        Who isn't there, has withdrawn, has died or was erased gets none, and nothing says which of these it is.
        """
        taken = await self._taken(app, wanted)
        if not taken:
            return []
        transactions = await self._transactions(app, taken, send_at)
        due = self._clock.now() if send_at is None else send_at
        items: dict[str, Document] = {}
        for one, transaction in zip(taken, transactions, strict=True):
            item = derive(one.consent.person, "mini app message", transaction)
            items[item] = {
                "_id": item, "transaction": transaction, "app": app.id, "person": one.consent.person,
                "withdrawals": one.consent.withdrawals, "text": one.sealed, "due": due,
            }  # fmt: skip
        await self._ledger.put(list(items.values()))
        return transactions

    async def _taken(self, app: MiniApp, wanted: Sequence[Wanted]) -> list[_Taken]:
        consents = await self._mini_apps.recipients(app, {one.user_id for one in wanted})
        dead = await self._deaths.died({one.person for one in consents.values()}) if consents else set()
        places = asyncio.Semaphore(_AT_ONCE)

        async def sealed(one: Wanted) -> _Taken | None:
            consent = consents.get(one.user_id)
            if consent is None or consent.person in dead:
                return None
            async with places:
                try:
                    text = await self._people.seal(consent.person, one.text.encode(), context=_CONTEXT)
                except NotFound:  # erased
                    return None
            return _Taken(one, consent, text)

        return [one for one in await asyncio.gather(*map(sealed, wanted)) if one is not None]

    async def _transactions(self, app: MiniApp, taken: Sequence[_Taken], send_at: datetime | None) -> list[str]:
        """One id for each, the same as the last time where the same was sent a moment ago."""
        now = self._clock.now()
        until = max(now, send_at or now) + SAME_FOR
        keys = [self._key(app, one.wanted, send_at) for one in taken]
        is_known = {"$gt": ["$expires_at", now]}
        await self._pushes.bulk_write(
            [
                UpdateOne(
                    {"_id": key},
                    [{"$set": {
                        "transaction": {"$cond": [is_known, "$transaction", {"$literal": str(uuid.uuid4())}]},
                        "expires_at": {"$cond": [is_known, "$expires_at", until]},
                    }}],
                    upsert=True,
                )
                for key in dict.fromkeys(keys)
            ],
            ordered=False,
        )  # fmt: skip
        found = self._pushes.find({"_id": {"$in": keys}}, {"transaction": 1})
        transactions = {one["_id"]: str(one["transaction"]) async for one in found}
        return [transactions[key] for key in keys]

    def _key(self, app: MiniApp, wanted: Wanted, send_at: datetime | None) -> str:
        when = "" if send_at is None else f"{send_at.timestamp():.6f}"
        return self._vault.lookup(f"{app.id}\0{wanted.user_id}\0{when}\0{wanted.text}", purpose="mini app push")

    # ---- telling

    async def run_once(self, limit: int) -> int:
        """Tell what is due, up to `limit`; returns how many were claimed."""
        claimed = await self._ledger.claim(limit=limit)
        if not claimed:
            return 0
        standing = await self._mini_apps.standing([(_person(one), one.document["app"]) for one in claimed])
        dead = await self._deaths.died({_person(one) for one in claimed})
        apps = {app: await self._mini_apps.get(app) for app in {str(one.document["app"]) for one in claimed}}
        places = asyncio.Semaphore(_AT_ONCE)

        async def one_of(item: Claimed) -> str | None:
            app, consent = apps[item.document["app"]], standing.get((_person(item), item.document["app"]))
            if app is None:
                return "not told: the mini app is gone"
            if consent is None or consent.withdrawals != item.document["withdrawals"]:
                return "not told: the consent was withdrawn"
            if not consent.allows(NOTIFY, app):
                return "not told: the mini app may not send messages any more"
            if _person(item) in dead:
                return "not told: the person died"
            async with places:
                return await self._tell(item, app)

        outcomes = await asyncio.gather(*(one_of(item) for item in claimed))
        receipts = {item.id: said for item, said in zip(claimed, outcomes, strict=True) if said is not None}
        await self._ledger.settle([item for item in claimed if item.id in receipts], receipts=receipts)
        return len(claimed)

    async def _tell(self, item: Claimed, app: MiniApp) -> str | None:
        """What came of it, for the record; None where it is to be tried again."""
        transaction = str(item.document["transaction"])
        try:
            text = (await self._people.open(_person(item), item.document["text"], context=_CONTEXT)).decode()
            await self._notifier.tell(
                Notice(
                    origin=f"mini-app:{transaction}", family=_FAMILY, person=_person(item), occurrence=transaction,
                    topic=app.topic, title=app.name, body=Text(th=text, en=text), lock_screen=_LOCK_SCREEN,
                    because={"agency": app.agency, "mini_app": app.id},
                )
            )  # fmt: skip
        except NotFound:
            return "not told: the person's data was erased"
        except PyMongoError as exc:
            await self._later(item, f"the database did not answer: {type(exc).__name__}", counts=False)
        except Exception as exc:
            log.exception("a mini app's message could not be told", extra={"message_id": item.id, "app": app.id})
            self._metrics.alarms.labels("mini_app_message").inc()
            await self._later(item, f"unexpected: {type(exc).__name__}")
        else:
            return "told"
        return None

    async def _later(self, item: Claimed, why: str, *, counts: bool = True) -> None:
        try:
            await self._ledger.postpone(item, until=retry_at(item.attempts, self._clock.now()), why=why, counts=counts)
        except PyMongoError:
            log.warning("a mini app's message waits for its lease to end", extra={"message_id": item.id})


def _person(item: Claimed) -> PersonId:
    return PersonId(item.document["person"])
