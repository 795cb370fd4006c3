"""The phones and browsers that a person wants rung.

A device's document belongs to its push token: its id is the token's keyed hash. So a token that registers again is the
same device, and one that turns up with another person (a phone sold, a family tablet) has left the former one, in a
single write that two registrations at once can't tear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast, get_args

from foundation.clock import Clock
from foundation.errors import BadInput
from foundation.language import LANGUAGES, Language
from foundation.store import Document, Index, Store
from notifications.delivery import Platform
from trust.people import People, PersonId
from trust.secrets import Vault

_DEVICES = "devices"
INDEXES = (Index(collection=_DEVICES, keys=(("person", 1), ("seen_at", -1)), name="of_person"),)
MOST_DEVICES = 20
_PLATFORMS: tuple[Platform, ...] = get_args(Platform)
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_NAME = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as its person sees it: without the token."""

    id: str
    person: PersonId
    platform: Platform
    language: Language | None
    registered_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    token: str = field(repr=False)
    language: Language | None


class Devices:
    def __init__(self, store: Store, people: People, vault: Vault, *, clock: Clock) -> None:
        self._devices = store.collection(_DEVICES)
        self._people = people
        self._vault = vault
        self._clock = clock

    async def register(
        self,
        person: PersonId,
        token: str,
        platform: str,
        *,
        fid: str | None = None,
        key: str | None = None,
        language: str | None = None,
    ) -> Device:
        """Ring this device from now on; the same token again is the same device.

        `key` is the app's own name for its installation and `fid` Firebase's: where either was registered by this
        person with another token, that one is forgotten, so that a renewed token doesn't ring twice. BadInput says
        what is wrong.
        """
        document = {
            **_checked(token=token, platform=platform, fid=fid, key=key, language=language),
            "person": person,
            "token": await self._people.seal(person, token.encode(), context="devices.token"),
            "seen_at": self._clock.now(),
        }
        names = [
            self._hash(f"{person} {kind} {name}") for kind, name in (("fid", fid), ("key", key)) if name is not None
        ]
        if fid is not None:
            document["fid"] = await self._people.seal(person, fid.encode(), context="devices.fid")
        device, now = self._hash(token), document["seen_at"]
        # The time of registration starts anew where the token comes from somebody else.
        since = {"$cond": [{"$eq": ["$person", person]}, {"$ifNull": ["$registered_at", now]}, now]}
        put = {name: {"$literal": value} for name, value in {**document, "installation": names}.items()}
        gone = [name for name in ("fid", "language") if name not in document]
        steps: list[Document] = [{"$set": {"registered_at": since}}, {"$set": put}]
        await self._devices.update_one({"_id": device}, [*steps, *({"$unset": name} for name in gone)], upsert=True)
        if names:
            await self._devices.delete_many(
                {"person": person, "_id": {"$ne": device}, "installation": {"$in": names}},
            )
        await self._keep_the_latest(person)
        there = await self._devices.find_one({"_id": device})
        return _device(there or {"_id": device, **document, "registered_at": document["seen_at"]})

    async def list(self, person: PersonId) -> tuple[Device, ...]:
        """The person's devices, the one seen last first."""
        found = self._devices.find({"person": person}).sort("seen_at", -1).limit(MOST_DEVICES)
        return tuple([_device(document) async for document in found])

    async def remove(self, person: PersonId, device: str) -> bool:
        """Stop ringing it. False where it is not one of this person's."""
        return (await self._devices.delete_one({"_id": device, "person": person})).deleted_count == 1

    async def remove_all(self, person: PersonId) -> int:
        """Stop ringing any device of theirs: a death, a block, an erasure."""
        return (await self._devices.delete_many({"person": person})).deleted_count

    async def address(self, person: PersonId, device: str) -> Address | None:
        """Where to send, for the one who sends. None where the device is no longer this person's."""
        document = await self._devices.find_one({"_id": device, "person": person})
        if document is None:
            return None
        token = await self._people.open(person, document["token"], context="devices.token")
        return Address(token=token.decode(), language=_device(document).language)

    async def forget(self, device: str) -> None:
        """The push service says that this token will never work again, whoever's it is."""
        await self._devices.delete_one({"_id": device})

    async def _keep_the_latest(self, person: PersonId) -> None:
        found = self._devices.find({"person": person}, {"_id": 1}).sort("seen_at", -1).skip(MOST_DEVICES)
        surplus = [document["_id"] async for document in found]
        if surplus:
            await self._devices.delete_many({"_id": {"$in": surplus}, "person": person})

    def _hash(self, text: str) -> str:
        return self._vault.lookup(text, purpose="device")[:32]


def _checked(*, token: str, platform: str, fid: str | None, key: str | None, language: str | None) -> Document:
    if not _TOKEN.fullmatch(token):
        raise BadInput("the push token is not one", th="โทเคนสำหรับแจ้งเตือนไม่ถูกต้อง", field="token")
    if platform not in _PLATFORMS:
        raise BadInput(
            "the platform is ANDROID, IOS or WEB", th="แพลตฟอร์มต้องเป็น ANDROID, IOS หรือ WEB", field="platform"
        )
    for name, value in (("fid", fid), ("key", key)):
        if value is not None and not _NAME.fullmatch(value):
            raise BadInput(
                f"{name} must be 1 to 200 visible ASCII characters",
                th=f"{name} ต้องเป็นอักขระ ASCII 1 ถึง 200 ตัว",
                field=name,
            )
    if language is not None and language not in LANGUAGES:
        raise BadInput("the language is th or en", th="ภาษาต้องเป็น th หรือ en", field="language")
    return {"platform": platform} | ({"language": language} if language else {})


def _device(document: Document) -> Device:
    return Device(
        id=document["_id"],
        person=PersonId(document["person"]),
        platform=cast(Platform, document["platform"]),
        language=cast("Language | None", document.get("language")),
        registered_at=document["registered_at"],
        seen_at=document["seen_at"],
    )
