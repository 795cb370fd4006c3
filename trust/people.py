"""Who a person is to us: an opaque random id, and behind it an identity number that only this file can open.

A person exists here from the first time anything concerns them (an event about a newborn, say); `has_account` says
that they have signed in themselves. Everything sealed for a person opens with their own key: `erase` destroys it.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

from foundation.clock import Clock
from foundation.errors import BadInput, NotFound
from foundation.ids import new_id
from foundation.language import ascii_digits
from foundation.store import DUPLICATE_KEY, BulkWriteError, Document, Index, Store
from trust.secrets import SealingKey, Vault

PersonId = NewType("PersonId", str)

INDEXES = (Index(collection="people", keys=(("pid_hash", 1),), name="by_identity_number", unique=True),)
IDENTITY_NUMBER = "identity number"  # the purpose of the keyed hash that somebody is found by
_KEPT_KEYS = 10_000  # unwrapped keys held in memory, the oldest go first
_KEPT_S = 60.0  # and for so long: another process may have erased the person


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: PersonId
    has_account: bool
    signed_in_at: datetime | None


def parse_identity_number(text: str) -> str:
    """The thirteen digits of an identity number, however it was written (spaces, hyphens, Thai digits).

    Numbers that start with 0 belong to people without civil status and are as good as any. BadInput where the length
    or the check digit is wrong; the message doesn't repeat the number.
    """
    digits = re.sub(r"[\s-]", "", ascii_digits(text)) if len(text) <= 40 else ""
    if not re.fullmatch(r"[0-9]{13}", digits):
        raise BadInput("an identity number has thirteen digits", th="เลขประจำตัวประชาชนต้องมี 13 หลัก")
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(13, 1, -1), strict=False))
    if (11 - total % 11) % 10 != int(digits[12]):
        raise BadInput("the identity number's check digit is wrong", th="เลขประจำตัวประชาชนไม่ถูกต้อง (หลักตรวจสอบผิด)")
    return digits


class People:
    def __init__(self, store: Store, vault: Vault, *, clock: Clock) -> None:
        self._people = store.collection("people")
        self._vault = vault
        self._clock = clock
        # The identity number stays sealed here too, and opens in a microsecond: a dump of this process tells nothing.
        self._keys: OrderedDict[PersonId, tuple[SealingKey, bytes, float]] = OrderedDict()
        self._known: OrderedDict[str, Person] = OrderedDict()

    async def ensure(self, pid: str) -> Person:
        """The person with this identity number (thirteen digits, already parsed), made known if they weren't."""
        return (await self.ensure_many([pid]))[pid]

    async def ensure_many(self, pids: Iterable[str]) -> dict[str, Person]:
        """The same for many at once: at most one read and one write."""
        hashes = {self._hash(pid): pid for pid in pids}
        found = {one: self._known[one] for one in hashes if one in self._known}
        missing = hashes.keys() - found.keys()
        if missing:
            found |= await self._read(missing)
        strangers = [self._stranger(one, hashes[one]) for one in hashes.keys() - found.keys()]
        if strangers:
            try:
                await self._people.insert_many(strangers, ordered=False)
            except BulkWriteError as exc:
                if any(error["code"] != DUPLICATE_KEY for error in exc.details["writeErrors"]):
                    raise
            # Read what is there rather than what was sent: another process may have been first.
            found |= await self._read({stranger["pid_hash"] for stranger in strangers})
        return {hashes[one]: person for one, person in found.items()}

    async def find(self, pid: str) -> Person | None:
        """The person with this identity number, if they are known."""
        return (await self._read({self._hash(pid)})).get(self._hash(pid))

    async def get(self, person: PersonId) -> Person | None:
        document = await self._people.find_one({"_id": person})
        return self._remember(document) if document else None

    async def get_many(self, people: Iterable[PersonId]) -> dict[PersonId, Person]:
        """Those of them that there are, with one read; their keys are at hand afterwards."""
        found = self._people.find({"_id": {"$in": list(people)}})
        return {PersonId(document["_id"]): self._remember(document) async for document in found}

    async def accounts(self, cell: str, *, after: str = "", limit: int) -> list[PersonId]:
        """The next people of a cell who have signed in, by their ids."""
        wanted: Document = {"_id": {"$gt": max(after, cell), "$lt": f"{cell}g"}, "has_account": True}
        found = self._people.find(wanted, {"_id": 1}).sort("_id", 1).limit(limit)
        return [PersonId(document["_id"]) async for document in found]

    async def hashed(self, hashes: Iterable[str]) -> dict[str, PersonId]:
        """Who stands behind these keyed hashes of identity numbers, as far as they are known here."""
        return {one: person.id for one, person in (await self._read(hashes)).items()}

    async def identity_number(self, person: PersonId) -> str:
        """The thirteen digits, for the one who asks an agency. NotFound for a stranger or an erased person."""
        key, sealed = await self._held(person)
        return key.open(sealed, context=f"{person} people.pid").decode()

    async def seal(self, person: PersonId, plain: bytes, *, context: str) -> bytes:
        """Seal under the person's own key; `context` names the place, such as `devices.token`."""
        return (await self._held(person))[0].seal(plain, context=f"{person} {context}")

    async def open(self, person: PersonId, sealed: bytes, *, context: str) -> bytes:
        return (await self._held(person))[0].open(sealed, context=f"{person} {context}")

    async def signed_in(self, person: PersonId) -> None:
        """Note that this person has an account now."""
        now = self._clock.now()
        await self._people.update_one({"_id": person}, {"$set": {"has_account": True, "signed_in_at": now}})
        self._known.clear()

    async def erase(self, person: PersonId) -> None:
        """Destroy the person's key: nothing sealed for them opens any more, here or in any backup of ours."""
        await self._people.update_one(
            {"_id": person},
            {
                "$unset": {"key": "", "pid": ""},
                "$set": {"erased_at": self._clock.now(), "pid_hash": f"erased {person}"},
            },
        )
        self._keys.pop(person, None)
        self._known.clear()

    async def _held(self, person: PersonId) -> tuple[SealingKey, bytes]:
        """The person's key and their sealed identity number, from memory or from the database."""
        held = self._keys.get(person)
        if held is not None and held[2] > time.monotonic():
            return held[0], held[1]
        document = await self._people.find_one({"_id": person}, {"pid": 1, "key": 1})
        if document is None or "key" not in document:
            raise NotFound("there is no such person", th="ไม่พบบุคคลนี้")
        return self._hold(document)

    def _hold(self, document: Document) -> tuple[SealingKey, bytes]:
        key, sealed = self._vault.open_key(document["key"]), document["pid"]
        self._keys[PersonId(document["_id"])] = key, sealed, time.monotonic() + _KEPT_S
        self._keys.move_to_end(PersonId(document["_id"]))
        if len(self._keys) > _KEPT_KEYS:
            self._keys.popitem(last=False)
        return key, sealed

    async def _read(self, hashes: Iterable[str]) -> dict[str, Person]:
        wanted: dict[str, Any] = {"pid_hash": {"$in": list(hashes)}}
        return {document["pid_hash"]: self._remember(document) async for document in self._people.find(wanted)}

    def _remember(self, document: Document) -> Person:
        person = Person(
            id=PersonId(document["_id"]),
            has_account=document["has_account"],
            signed_in_at=document.get("signed_in_at"),
        )
        if "key" in document:
            self._hold(document)
        self._known[document["pid_hash"]] = person
        if len(self._known) > _KEPT_KEYS:
            self._known.popitem(last=False)
        return person

    def _stranger(self, pid_hash: str, pid: str) -> Document:
        person = PersonId(new_id())
        wrapped = self._vault.new_key()
        sealed = self._vault.open_key(wrapped).seal(pid.encode(), context=f"{person} people.pid")
        return {
            "_id": person, "pid_hash": pid_hash, "pid": sealed, "key": wrapped, "has_account": False,
            "first_seen_at": self._clock.now(),
        }  # fmt: skip

    def _hash(self, pid: str) -> str:
        return self._vault.lookup(pid, purpose=IDENTITY_NUMBER)
