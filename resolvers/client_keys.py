"""What an app asked us to do once, by the key it gave: so that a retry after a lost reply does nothing twice.

The same key with the same wish gets the same answer, for a day. The same key with another wish is a conflict. A wish
whose outcome was never noted (the process died, the agency fell silent) may be tried again with its key after a moment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from foundation.clock import Clock
from foundation.errors import BadInput, Conflict
from foundation.ids import derive
from foundation.store import Document, DuplicateKeyError, Index, Store
from trust.people import People, PersonId
from trust.secrets import Vault

_KEYS = "client_keys"
INDEXES = (Index(collection=_KEYS, keys=(("expires_at", 1),), name="gone", expire_after_s=0),)
_KEPT = timedelta(days=1)
_UNDER_WAY = timedelta(seconds=10)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_CONTEXT = "client_keys.outcome"


class UnderWay(Conflict):
    """The same wish is being carried out at this moment."""

    code = "IN_PROGRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One key in use. `outcome` is what came of it before, if anything was noted."""

    id: str
    person: PersonId
    outcome: Any | None


class ClientKeys:
    def __init__(self, store: Store, people: People, vault: Vault, *, clock: Clock) -> None:
        self._keys = store.collection(_KEYS)
        self._people = people
        self._vault = vault
        self._clock = clock

    async def begin(self, person: PersonId, what: str, key: str, wish: Mapping[str, str]) -> Wish:
        """Use a key for a wish. Conflict where it was used for another, UnderWay where this one is being seen to."""
        if not _KEY.fullmatch(key):
            raise BadInput(
                "clientKey must be 1 to 200 visible ASCII characters",
                th="clientKey ต้องเป็นอักขระ ASCII 1 ถึง 200 ตัว", field="clientKey",
            )  # fmt: skip
        now = self._clock.now()
        document: Document = {
            "_id": derive(person, "client key", person, what, key), "wish": self._hash(wish), "begun_at": now,
            "expires_at": now + _KEPT,
        }  # fmt: skip
        try:
            await self._keys.insert_one(document)
        except DuplicateKeyError:
            return await self._again(person, document)
        return Wish(id=document["_id"], person=person, outcome=None)

    async def settle(self, wish: Wish, outcome: Any) -> None:
        """Note what came of it: anything that JSON can hold."""
        sealed = await self._people.seal(wish.person, orjson.dumps(outcome), context=_CONTEXT)
        await self._keys.update_one({"_id": wish.id}, {"$set": {"outcome": sealed}})

    async def release(self, wish: Wish) -> None:
        """Nothing was done: the key is as good as new."""
        await self._keys.delete_one({"_id": wish.id, "outcome": {"$exists": False}})

    async def _again(self, person: PersonId, wished: Document) -> Wish:
        there = await self._keys.find_one({"_id": wished["_id"]})
        if there is not None and there["wish"] != wished["wish"]:
            raise Conflict(
                "this clientKey was used for another request", th="clientKey นี้ถูกใช้กับคำขออื่นแล้ว", field="clientKey"
            )
        if there is not None and "outcome" in there:
            opened = await self._people.open(person, there["outcome"], context=_CONTEXT)
            return Wish(id=wished["_id"], person=person, outcome=orjson.loads(opened))
        # Whoever moves the time on may try; the other of two at once finds it moved.
        long_ago = {"_id": wished["_id"], "begun_at": {"$lte": wished["begun_at"] - _UNDER_WAY}}
        moved = await self._keys.update_one(long_ago, {"$set": {"begun_at": wished["begun_at"]}})
        if not moved.modified_count:
            raise UnderWay(
                "the same request is being carried out; ask again in a moment",
                th="กำลังดำเนินการตามคำขอนี้อยู่ โปรดลองใหม่ในอีกสักครู่", retry_after_s=_UNDER_WAY.total_seconds(),
            )  # fmt: skip
        return Wish(id=wished["_id"], person=person, outcome=None)

    def _hash(self, wish: Mapping[str, str]) -> str:
        return self._vault.lookup(orjson.dumps(dict(wish), option=orjson.OPT_SORT_KEYS).decode(), purpose="client wish")
