"""A delivery at the moment it is sent: is it still wanted, may it ring now, and in which words.

Nothing of this is decided earlier, so that a notice that was read on the tablet doesn't ring the phone, and an endpoint
that moved is called where it is now. What leaves the house for a lock screen or an SMS is the neutral text only; an SMS
carries no link, but a code by which anybody can check that the state really sent it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from foundation.clock import Clock
from foundation.errors import NotFound
from foundation.language import Text
from foundation.store import Document
from notifications.delivery import Delivery, HookMessage, Lane, Message, PushMessage, SmsMessage
from notifications.devices import Devices
from notifications.inbox import Entry, Inbox
from notifications.preferences import Preferences, Settings
from trust.people import PersonId
from trust.secrets import Vault

APP = Text(th="ทางรัฐ", en="Tang Rat")
_CHECK = Text(th="ตรวจสอบข้อความนี้ได้ด้วยรหัส", en="To check this message, use the code")
_RING_AT_ANY_HOUR: tuple[Lane, ...] = ("emergency", "transactional")
_LOOK_AGAIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a subscription wants its webhooks now. Two secrets while one replaces the other."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    is_paused: bool = False


class Endpoints(Protocol):
    """What the dispatcher must know of subscriptions; their owner implements it."""

    async def endpoint(self, subscription: str) -> Endpoint | None:
        """Where to send. None where the subscription has ended or may no longer hear of this."""
        ...

    async def gone(self, subscription: str, *, why: str) -> None:
        """The endpoint said that it will never take another webhook."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWanted:
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    until: datetime
    why: str


class Wording:
    def __init__(
        self,
        *,
        inbox: Inbox,
        devices: Devices,
        preferences: Preferences,
        endpoints: Endpoints,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._inbox = inbox
        self._devices = devices
        self._preferences = preferences
        self._endpoints = endpoints
        self._vault = vault
        self._clock = clock

    async def compose(self, document: Document) -> Delivery | NotWanted | NotNow:
        """The delivery of this item, ready to send, or why not."""
        message = await (self._hook(document) if document["channel"] == "webhook" else self._ring(document))
        if isinstance(message, NotWanted | NotNow):
            return message
        expires = document.get("expires")
        return Delivery(id=document["_id"], lane=document["lane"], expires=expires, message=message)

    async def _hook(self, document: Document) -> Message | NotWanted | NotNow:
        endpoint = await self._endpoints.endpoint(document["subscription"])
        if endpoint is None:
            return NotWanted(why="the subscription has ended")
        if endpoint.is_paused:
            return NotNow(until=self._clock.now() + _LOOK_AGAIN, why="the subscription is paused")
        body = self._vault.open(document["payload"], context=f"deliveries.payload {document['_id']}")
        return HookMessage(endpoint=endpoint.url, secrets=endpoint.secrets, body=body)

    async def _ring(self, document: Document) -> Message | NotWanted | NotNow:
        person = PersonId(document["person"])
        try:
            entry, settings = (
                await self._inbox.get(person, document["notification"]),
                await self._preferences.get(person),
            )
        except NotFound:
            return NotWanted(why="the person's data was erased")
        if entry is None:
            return NotWanted(why="the notice is no longer there")
        if entry.retracted_at is not None:
            return NotWanted(why="the notice was withdrawn")
        if entry.read_at is not None:
            return NotWanted(why="the notice was read already")
        lane: Lane = document["lane"]
        must = entry.statutory or lane == "emergency"
        if not settings.may_ring_for(entry.topic, must=must):
            return NotWanted(why="the topic is muted")
        compose = self._push if document["channel"] == "push" else self._sms
        message = await compose(entry, settings, document["target"], must=must)
        quiet_until = settings.quiet_hours.until(self._clock.now()) if settings.quiet_hours else None
        if quiet_until is not None and lane not in _RING_AT_ANY_HOUR and not isinstance(message, NotWanted):
            return NotNow(until=quiet_until, why="the person's quiet hours")
        return message

    async def _push(self, entry: Entry, settings: Settings, target: str, *, must: bool) -> Message | NotWanted:
        if not (settings.push or must):
            return NotWanted(why="push is switched off")
        address = await self._devices.address(entry.person, target)
        if address is None:
            return NotWanted(why="the device is no longer there")
        language = address.language or settings.language
        return PushMessage(
            notification=entry.id,
            token=address.token,
            title=APP.said_in(language),
            body=entry.lock_screen.said_in(language),
        )

    async def _sms(self, entry: Entry, settings: Settings, _target: str, *, must: bool) -> Message | NotWanted:
        if settings.mobile is None or not (settings.sms or must):
            return NotWanted(why="there is no number for an SMS")
        if (settings.push or must) and await self._devices.list(entry.person):
            return NotWanted(why="there is a device to ring instead")
        words = (entry.lock_screen, _CHECK)
        text = " ".join(one.said_in(settings.language) for one in words)
        return SmsMessage(to=settings.mobile, text=f"{text} {entry.check_code}")
