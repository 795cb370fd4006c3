"""How a person wants to be told: language, channels, number, quiet hours, topics they don't want to be rung for.

Decided again at each delivery, so that what is changed now holds for what is already on its way. A muted topic still
reaches the inbox. Nobody can silence a statutory notice; quiet hours only move it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, TypedDict

import phonenumbers

from foundation.clock import BANGKOK, Clock
from foundation.errors import BadInput
from foundation.language import DEFAULT_LANGUAGE, LANGUAGES, Language, ascii_digits
from foundation.store import Document, Index, Store
from trust.people import People, PersonId

_PREFERENCES = "preferences"
INDEXES: tuple[Index, ...] = ()  # found by `_id`, the person
MOST_MUTED = 50
_TOPIC = re.compile(r"[a-z0-9][a-z0-9_.-]{0,59}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_NUMBER = re.compile(r"\+?[0-9 ().\u00a0-]{3,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From one time of day to another in Thailand; it may span midnight."""

    start: time
    end: time

    def until(self, now: datetime) -> datetime | None:
        """When they end, if it is quiet now."""
        here = now.astimezone(BANGKOK)
        of_day = here.time().replace(microsecond=0)
        within = self.start <= of_day < self.end if self.start < self.end else not self.end <= of_day < self.start
        if not within:
            return None
        end = datetime.combine(here.date(), self.end, BANGKOK)
        if end <= here:
            end += timedelta(days=1)
        return end.astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One person's wishes; these defaults hold until they say otherwise."""

    language: Language = DEFAULT_LANGUAGE
    push: bool = True
    sms: bool = True
    mobile: str | None = None
    quiet_hours: QuietHours | None = None
    muted_topics: tuple[str, ...] = ()

    def may_ring_for(self, topic: str, *, must: bool) -> bool:
        """Whether this topic may ring at all; what `must` be told can't be muted."""
        return must or topic not in self.muted_topics


class Changes(TypedDict, total=False):
    """What to change; what isn't named stays. `mobile` and `quiet_hours` are removed by None."""

    language: str
    push: bool
    sms: bool
    mobile: str | None
    quiet_hours: tuple[str, str] | None  # ("21:00", "07:00")
    muted_topics: Sequence[str]


class Preferences:
    def __init__(self, store: Store, people: People, *, clock: Clock) -> None:
        self._preferences = store.collection(_PREFERENCES)
        self._people = people
        self._clock = clock

    async def get(self, person: PersonId) -> Settings:
        document = await self._preferences.find_one({"_id": person})
        return await self._open(person, document) if document else Settings()

    async def update(self, person: PersonId, changes: Changes) -> Settings:
        """Change what is named. BadInput says what is wrong; then nothing was changed."""
        put: Document = {"changed_at": self._clock.now()}
        gone: dict[str, str] = {}
        for name, value in _checked(changes).items():
            if value is None:
                gone[name] = ""
            elif name == "mobile":
                put[name] = await self._people.seal(person, value.encode(), context="preferences.mobile")
            else:
                put[name] = value
        change = {"$set": put} | ({"$unset": gone} if gone else {})
        await self._preferences.update_one({"_id": person}, change, upsert=True)
        return await self.get(person)

    async def _open(self, person: PersonId, document: Document) -> Settings:
        sealed, quiet = document.get("mobile"), document.get("quiet_hours")
        mobile = await self._people.open(person, sealed, context="preferences.mobile") if sealed else None
        usual = Settings()
        return Settings(
            language=document.get("language", usual.language),
            push=document.get("push", usual.push),
            sms=document.get("sms", usual.sms),
            mobile=mobile.decode() if mobile else None,
            quiet_hours=QuietHours(start=time.fromisoformat(quiet[0]), end=time.fromisoformat(quiet[1]))
            if quiet
            else None,
            muted_topics=tuple(document.get("muted_topics", usual.muted_topics)),
        )


def parse_mobile(text: str) -> str:
    """A mobile number in E.164, however it was written; Thai where it has no country code.

    BadInput for anything else, hotlines and fixed lines included; the message doesn't repeat the number.
    """
    plain = ascii_digits(text.strip(" \u00a0")) if len(text) <= 40 else ""
    try:
        number = phonenumbers.parse(plain, "TH") if _NUMBER.fullmatch(plain) else None
    except phonenumbers.NumberParseException:
        number = None
    mobile = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if number is None or not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in mobile:
        raise BadInput("that is not the number of a mobile phone", th="หมายเลขโทรศัพท์มือถือไม่ถูกต้อง", field="mobile")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _checked(changes: Changes) -> dict[str, Any]:
    put: dict[str, Any] = {name: changes[name] for name in ("push", "sms") if name in changes}
    if any(not isinstance(value, bool) for value in put.values()):
        raise BadInput("a channel is on or off", th="ช่องทางต้องเป็นเปิดหรือปิด", field="channels")
    if "language" in changes:
        if changes["language"] not in LANGUAGES:
            raise BadInput("the language is th or en", th="ภาษาต้องเป็น th หรือ en", field="language")
        put["language"] = changes["language"]
    if "mobile" in changes:
        put["mobile"] = None if changes["mobile"] is None else parse_mobile(changes["mobile"])
    if "quiet_hours" in changes:
        put["quiet_hours"] = _quiet_hours(changes["quiet_hours"])
    if "muted_topics" in changes:
        put["muted_topics"] = _topics(changes["muted_topics"])
    return put


def _quiet_hours(said: tuple[str, str] | None) -> list[str] | None:
    if said is None:
        return None
    times = [ascii_digits(at) for at in said]
    if len(times) != 2 or times[0] == times[1] or not all(_TIME.fullmatch(at) for at in times):
        raise BadInput(
            "quiet hours are two different times of day, such as 21:00 and 07:00",
            th="ช่วงเวลาห้ามรบกวนต้องเป็นเวลาสองเวลาที่ต่างกัน เช่น 21:00 และ 07:00",
            field="quietHours",
        )
    return times


def _topics(said: Sequence[str]) -> list[str]:
    topics = sorted(set(said))
    if len(topics) > MOST_MUTED or not all(_TOPIC.fullmatch(topic) for topic in topics):
        raise BadInput("a muted topic is not one", th="หัวข้อที่ปิดการแจ้งเตือนไม่ถูกต้อง", field="mutedTopics")
    return topics
