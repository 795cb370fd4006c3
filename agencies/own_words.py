"""What people say of themselves, where no agency can know it: kept as their own word, sealed, with the date it was said.

One document for each person. Saying a thing again replaces it; taking it back removes it. What an agency says goes before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from agencies.facts import OwnWord
from agencies.gateway import Asking
from foundation.clock import Clock
from foundation.dates import PartialDate
from foundation.errors import BadInput
from foundation.store import Document, Index, Store
from trust.people import People, PersonId

INDEXES: tuple[Index, ...] = ()  # found by `_id`, the person

_CONTEXT = "own_words.said"
_MOST = 200
_LONGEST_ABOUT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that somebody said. `about` is the id of the child, vehicle or parcel it is about, where it is one."""

    path: str
    about: str | None
    value: Any
    told_at: datetime


class OwnWords:
    def __init__(self, store: Store, people: People, *, clock: Clock) -> None:
        self._words = store.collection("own_words")
        self._people = people
        self._clock = clock

    async def say(self, person: PersonId, path: str, value: Any, *, about: str | None = None) -> Said:
        """Keep this value of a fact; the caller has checked that it is one. BadInput where there are too many."""
        said = Said(path=path, about=_about(about), value=value, told_at=self._clock.now())
        held = {(one.path, one.about): one for one in await self.of(person)}
        if len(held) >= _MOST and (path, said.about) not in held:
            raise BadInput(
                f"at most {_MOST} things can be kept; take one back first",
                th=f"เก็บได้ไม่เกิน {_MOST} รายการ โปรดลบบางรายการก่อน",
            )
        sealed = await self._people.seal(person, orjson.dumps(_write(value)), context=_CONTEXT)
        key = _key(path, said.about)
        # Fields of one document, so that of two said at once neither is lost.
        await self._words.update_one(
            {"_id": person}, {"$set": {f"said.{key}": {"value": sealed, "told_at": said.told_at}}}, upsert=True
        )
        return said

    async def take_back(self, person: PersonId, path: str, *, about: str | None = None) -> bool:
        """Forget it; whether there was anything to forget."""
        key = _key(path, _about(about))
        done = await self._words.update_one(
            {"_id": person, f"said.{key}": {"$exists": True}}, {"$unset": {f"said.{key}": ""}}
        )
        return bool(done.modified_count)

    async def of(self, person: PersonId) -> list[Said]:
        """All that this person said and did not take back, the latest first."""
        document: Document | None = await self._words.find_one({"_id": person})
        found = []
        for key, one in (document or {}).get("said", {}).items():
            path, _, about = key.replace("\uff0e", ".").partition(" ")
            plain = await self._people.open(person, one["value"], context=_CONTEXT)
            found.append(Said(path=path, about=about or None, value=_read(orjson.loads(plain)), told_at=one["told_at"]))
        return sorted(found, key=lambda one: one.told_at, reverse=True)

    async def asked(self, asking: Asking) -> Mapping[str, OwnWord]:
        """The same for a search of facts: by path, and by path and thing."""
        return {
            one.path if one.about is None else f"{one.path} {one.about}": OwnWord(value=one.value, told_at=one.told_at)
            for one in await self.of(asking.subject)
        }


def _about(about: str | None) -> str | None:
    if about is not None and not (0 < len(about) <= _LONGEST_ABOUT and about.isascii() and about.isalnum()):
        raise BadInput("this is no id of a thing of yours", th="รหัสสิ่งที่อ้างถึงไม่ถูกต้อง", field="about")
    return about


def _key(path: str, about: str | None) -> str:
    """A field's name can't hold a point, so a wide one stands for it."""
    return (path if about is None else f"{path} {about}").replace(".", "\uff0e")


def _write(value: Any) -> Any:
    match value:
        case PartialDate():
            return {"partial": value.earliest.isoformat(), "precision": value.precision}
        case date():
            return {"date": value.isoformat()}
        case Decimal():
            return {"decimal": str(value)}
    return {"plain": value}


def _read(kept: Any) -> Any:
    match kept:
        case {"partial": earliest, "precision": precision}:
            return PartialDate(date.fromisoformat(earliest), precision)
        case {"date": day}:
            return date.fromisoformat(day)
        case {"decimal": number}:
            return Decimal(number)
    return kept["plain"]
