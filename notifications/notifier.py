"""The door: tell a person, or hand something over to an agency's endpoint.

The inbox always gets a notice; push and SMS only point at it. Every id is derived from what is told, so telling it
twice tells it once. The inbox entry is written first and remembers whom to reach; the deliveries are written from what
it remembers, so that a worker that died between the two is made good by the next one, and a phone that came later
isn't rung for old news.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from foundation.clock import Clock
from foundation.ids import derive
from foundation.language import Text
from foundation.pages import Page
from foundation.store import Document, Index
from notifications import ledger as ledgers
from notifications.delivery import Lane
from notifications.devices import Devices
from notifications.inbox import Inbox, NewEntry, Reach
from notifications.ledger import Buried, Ledger
from notifications.preferences import Preferences
from trust.people import PersonId
from trust.secrets import Vault

DELIVERIES = "deliveries"
_KEEP_DONE_S = 90 * 86_400
INDEXES = (
    *ledgers.indexes(DELIVERIES, lane="lane", keep_done_s=_KEEP_DONE_S),
    Index(
        collection=DELIVERIES,
        keys=(("subscription", 1), ("dead_at", -1), ("_id", -1)),
        name="dead_of_subscription",
        partial={"subscription": {"$exists": True}, "dead_at": {"$exists": True}},
    ),
    Index(
        collection=DELIVERIES,
        keys=(("person", 1),),
        name="waiting_for_person",
        partial={"person": {"$exists": True}, "due": {"$exists": True}},
    ),
)
_LINK = re.compile(r"(?i)://|www\.")
_SMS = Reach(channel="sms", target="mobile")
_A_NOTICE_IS_NEWS_FOR = timedelta(days=7)
_A_HAND_OVER_IS_TRIED_FOR = timedelta(hours=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that one person is told. `origin`, `family`, person and `occurrence` say which; the rest says how.

    `lock_screen` must not name the matter: it is what a phone on a table shows, and what an SMS says. Notices of one
    `group` ring a person once: three rights that begin on one birthday are three entries and one ring.
    """

    origin: str
    family: str
    person: PersonId
    occurrence: str
    topic: str
    title: Text
    body: Text
    lock_screen: Text
    about: PersonId | None = None
    service: str | None = None
    because: Mapping[str, Any] = field(default_factory=dict)
    expires: datetime | None = None
    statutory: bool = False
    lane: Lane = "service"
    group: str | None = None

    @property
    def id(self) -> str:
        return derive(self.person, "notification", self.origin, self.family, self.person, self.occurrence)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """One event for one subscription. Address and secrets are asked at each attempt: both may change meanwhile."""

    event: str
    subscription: str
    payload: Mapping[str, Any]
    expires: datetime | None = None
    lane: Lane = "service"

    @property
    def id(self) -> str:
        return derive(self.event, "webhook", self.event, self.subscription)


class Notifier:
    def __init__(
        self,
        *,
        inbox: Inbox,
        devices: Devices,
        preferences: Preferences,
        deliveries: Ledger,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._inbox = inbox
        self._devices = devices
        self._preferences = preferences
        self._deliveries = deliveries
        self._vault = vault
        self._clock = clock

    async def tell(self, notice: Notice) -> str:
        """Put the notice into the person's inbox and ring what they want rung; returns the notification's id.

        A repeat changes nothing. NotFound where the person is not known or was erased.
        """
        if _LINK.search(notice.lock_screen.th + notice.lock_screen.en):
            raise ValueError("a lock-screen text holds no link")  # people learn that a link in an SMS isn't the state's
        now = self._clock.now()
        reach = await self._inbox.add(
            NewEntry(
                id=notice.id, person=notice.person, at=now, origin=notice.origin, topic=notice.topic,
                title=notice.title, body=notice.body, lock_screen=notice.lock_screen, about=notice.about,
                service=notice.service, because=notice.because, statutory=notice.statutory,
            ),
            reach=await self._whom_to_reach(notice),
        )  # fmt: skip
        await self._deliveries.put([self._delivery(notice, one, now) for one in reach])
        return notice.id

    async def _whom_to_reach(self, notice: Notice) -> tuple[Reach, ...]:
        settings = await self._preferences.get(notice.person)
        must = notice.statutory or notice.lane == "emergency"
        if not settings.may_ring_for(notice.topic, must=must):
            return ()
        if settings.push or must:
            devices = await self._devices.list(notice.person)
            if devices:
                return tuple(Reach(channel="push", target=device.id) for device in devices)
        if settings.mobile is not None and (settings.sms or must):
            return (_SMS,)
        return ()

    @staticmethod
    def _delivery(notice: Notice, reach: Reach, now: datetime) -> Document:
        together = notice.id if notice.group is None else derive(notice.person, "group", notice.person, notice.group)
        return {
            "_id": _delivery_id(notice.person, together, reach),
            "channel": reach.channel,
            "target": reach.target,
            "lane": notice.lane,
            "person": notice.person,
            "notification": notice.id,
            "expires": notice.expires or now + _A_NOTICE_IS_NEWS_FOR,
            "due": now,
        }

    async def hand_over(self, handover: HandOver) -> str:
        """Send it to the subscription's endpoint, until it is taken or given up; returns the webhook's id."""
        return (await self.hand_over_many([handover]))[0]

    async def hand_over_many(self, handovers: Sequence[HandOver]) -> list[str]:
        """The same for many, with one write."""
        now = self._clock.now()
        await self._deliveries.put([
            {
                "_id": one.id,
                "channel": "webhook",
                "subscription": one.subscription,
                "event": one.event,
                "lane": one.lane,
                "payload": self._vault.seal(orjson.dumps(one.payload), context=f"deliveries.payload {one.id}"),
                "expires": one.expires or now + _A_HAND_OVER_IS_TRIED_FOR,
                "due": now,
            }
            for one in handovers
        ])  # fmt: skip
        return [one.id for one in handovers]

    async def retract(self, origin: str) -> int:
        """Withdraw what was told because of this event; what hasn't rung yet never will. Returns how many notices."""
        return await self._inbox.retract(origin)

    async def withdraw(self, person: PersonId, *, why: str) -> int:
        """Whatever was still to ring this person never will; the inbox stays. Returns how many deliveries that was."""
        return await self._deliveries.withdraw({"person": person}, why=why)

    async def failed(
        self, subscriptions: Sequence[str], first: int | None = None, after: str | None = None
    ) -> Page[Buried]:
        """The hand-overs to these subscriptions that were given up or expired, the latest first."""
        return await self._deliveries.buried(first, after, where={"subscription": {"$in": list(subscriptions)}})

    async def replay(self, delivery: str, subscriptions: Sequence[str]) -> bool:
        """Send a failed one again under the same id. False where none of these subscriptions has such a one."""
        return await self._deliveries.replay(delivery, where={"subscription": {"$in": list(subscriptions)}})


def sms_instead_of(push: Document) -> Document:
    """The delivery by SMS that stands in for one to a device that is gone; one for all of a person's devices."""
    sms: Document = {name: push[name] for name in ("lane", "person", "notification", "expires") if name in push}
    sms |= {"channel": _SMS.channel, "target": _SMS.target}
    return sms | {"_id": _delivery_id(push["person"], push["notification"], _SMS)}


def _delivery_id(person: PersonId, notification: str, reach: Reach) -> str:
    return derive(person, "delivery", notification, reach.channel, reach.target)
