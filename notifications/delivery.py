"""What passes between the dispatcher and a channel: one hand-over to one recipient, and what came of it.

A channel is one file under `channels/`. It knows how to reach someone and nothing of ledgers, people or settings. What
goes wrong in ordinary life (a phone is off, an endpoint is gone) is an `Outcome`, never an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, get_args

Lane = Literal["emergency", "transactional", "service", "broadcast"]
LANES: tuple[Lane, ...] = get_args(Lane)  # the first goes first

ChannelName = Literal["push", "sms", "webhook"]
Platform = Literal["ANDROID", "IOS", "WEB"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushMessage:
    """What a lock screen may show, and the id by which the app finds the rest."""

    notification: str
    token: str = field(repr=False)
    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsMessage:
    to: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookMessage:
    """A body to sign and send exactly as it is. Two secrets while one replaces the other."""

    endpoint: str
    secrets: tuple[str, ...] = field(repr=False)
    body: bytes = field(repr=False)


Message = PushMessage | SmsMessage | HookMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One hand-over. `id` is the same on every attempt; whoever receives may know a repeat by it."""

    id: str
    lane: Lane
    expires: datetime | None
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The other side took it; the receipt is its own name for it."""

    receipt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """It may work later. `after_s` is what the other side asked for; an attempt that wasn't made doesn't count.

    `is_sick` says that the other side takes nothing at all just now, whatever one sends it.
    """

    why: str
    after_s: float | None = None
    counts: bool = True
    is_sick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """It never will. `forget_target` says that nothing will ever reach this device or endpoint again."""

    why: str
    forget_target: bool = False


Outcome = Delivered | TryLater | GiveUp


class Channel(Protocol):
    """A way of reaching someone. `retry_after_s` is its schedule, `deadline_s` what one attempt may take."""

    @property
    def name(self) -> ChannelName: ...

    @property
    def deadline_s(self) -> float: ...

    @property
    def retry_after_s(self) -> Sequence[float]: ...

    async def deliver(self, delivery: Delivery) -> Outcome: ...
