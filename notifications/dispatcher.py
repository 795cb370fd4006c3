"""Delivers what is due: claim → compose → channel → outcome → ledger.

Deliveries run side by side, each under its channel's deadline, and what has finished is settled together while the rest
runs on; a slow endpoint holds its own places and nobody else's, and one that fails gets a single probe before its
backlog is let go. Urgent lanes are claimed first, and each lane below
keeps a share, so that a broadcast can't delay a sign-in code and an emergency can't starve the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from foundation.clock import Clock
from foundation.store import Document, PyMongoError
from foundation.telemetry import Metrics
from notifications.delivery import LANES, Channel, Delivered, GiveUp, Lane, Outcome, TryLater
from notifications.devices import Devices
from notifications.ledger import Claimed, Ledger, nothing, retry_at
from notifications.notifier import sms_instead_of
from notifications.wording import Endpoints, NotNow, NotWanted, Wording

log = logging.getLogger(__name__)

_SHARE = 10  # each lane keeps a tenth of the places for itself
_PER_SUBSCRIPTION = 8  # an agency's endpoint gets that many webhooks at a time from one process
_MAKE_ROOM = timedelta(seconds=2)
_REST_S, _LONGEST_REST_S = 10.0, 300.0
_SAID = {
    Delivered: "delivered", TryLater: "try_later", GiveUp: "given_up", NotWanted: "not_wanted", NotNow: "not_now",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Handled:
    """What came of one claimed item; `was_sent` says that a channel was asked."""

    item: Claimed
    outcome: Outcome | NotWanted | NotNow
    was_sent: bool


class Dispatcher:
    """One per worker loop. `limit` in `run_once` is how many deliveries run side by side."""

    def __init__(
        self,
        deliveries: Ledger,
        channels: Sequence[Channel],
        wording: Wording,
        *,
        devices: Devices,
        endpoints: Endpoints,
        clock: Clock,
        metrics: Metrics,
        patience_s: float = 1.0,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self._deliveries = deliveries
        self._channels = {channel.name: channel for channel in channels}
        self._wording = wording
        self._devices = devices
        self._endpoints = endpoints
        self._clock = clock
        self._metrics = metrics
        self._patience_s = patience_s
        self._on_leg = on_leg
        self._running: set[asyncio.Task[_Handled]] = set()
        self._busy: Counter[str] = Counter()
        self._resting: dict[str, datetime] = {}

    async def run_once(self, limit: int, *, lanes: Sequence[Lane] = LANES) -> int:
        """Take on what is due, up to `limit` at a time, and record what finishes; returns how many did.

        What takes longer than `patience_s` runs on, and is recorded by a later turn.
        """
        for item in await self._claim(limit - len(self._running), lanes):
            self._running.add(asyncio.create_task(self._handle(item)))
        return await self._record_for(self._patience_s)

    async def drain(self, within_s: float) -> int:
        """Take on nothing new and finish what runs. What doesn't in time is left to whoever claims it next."""
        handled = await self._record_for(within_s)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        return handled

    async def _claim(self, room: int, lanes: Sequence[Lane]) -> list[Claimed]:
        claimed: list[Claimed] = []
        for below, lane in zip(range(len(lanes) - 1, -1, -1), lanes, strict=True):
            kept_for_others = below * (room // _SHARE)
            places = room - len(claimed) - kept_for_others
            claimed += await self._deliveries.claim(limit=places, where={"lane": lane})
        return claimed

    async def _record_for(self, seconds: float) -> int:
        loop, handled = asyncio.get_running_loop(), 0
        end = loop.time() + seconds
        while self._running:
            left = max(0.0, end - loop.time())
            done, _ = await asyncio.wait(self._running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            self._running -= done
            await self._record([task.result() for task in done])
            handled += len(done)
        return handled

    async def _handle(self, item: Claimed) -> _Handled:
        whose = item.document.get("subscription", "")
        if whose and (wait := self._crowded(whose)) is not None:
            return _Handled(item, wait, False)
        self._busy[whose] += 1
        try:
            return await self._try(item)
        except PyMongoError:
            return _Handled(item, TryLater(why="the database did not answer", counts=False), False)
        except Exception as exc:
            log.exception("delivery failed unexpectedly", extra={"delivery": item.id})
            self._metrics.alarms.labels(kind="delivery").inc()
            return _Handled(item, TryLater(why=f"unexpected: {type(exc).__name__}"), False)
        finally:
            self._busy[whose] -= 1
            if not self._busy[whose]:
                del self._busy[whose]

    def _crowded(self, subscription: str) -> NotNow | None:
        now, rests_until = self._clock.now(), self._resting.get(subscription)
        if rests_until is not None and now < rests_until:
            return NotNow(until=rests_until, why="the endpoint failed a moment ago")
        if self._busy[subscription] >= (_PER_SUBSCRIPTION if rests_until is None else 1):
            return NotNow(until=now + _MAKE_ROOM, why="others to the same endpoint are on their way")
        return None

    async def _try(self, item: Claimed) -> _Handled:
        channel = self._channels.get(item.document["channel"])
        if channel is None:
            return _Handled(item, GiveUp(why="there is no such channel"), False)
        delivery = await self._wording.compose(item.document)
        if isinstance(delivery, NotWanted | NotNow):
            return _Handled(item, delivery, False)
        outcome: Outcome
        try:
            async with asyncio.timeout(channel.deadline_s):
                outcome = await channel.deliver(delivery)
        except TimeoutError:  # it may have arrived; a repeat carries the same id
            outcome = TryLater(why=f"no answer within {channel.deadline_s:g} s", is_sick=True)
        if whose := item.document.get("subscription"):
            self._note_health(whose, outcome)
        return _Handled(item, outcome, True)

    def _note_health(self, subscription: str, outcome: Outcome) -> None:
        """At once, before another to the same endpoint may start."""
        match outcome:
            case Delivered():
                self._resting.pop(subscription, None)
            case TryLater(is_sick=True, after_s=after_s):
                rest_s = min(max(after_s or 0.0, _REST_S), _LONGEST_REST_S)
                self._resting[subscription] = self._clock.now() + timedelta(seconds=rest_s)

    async def _record(self, handled: Sequence[_Handled]) -> None:
        if any(one.was_sent for one in handled):
            self._on_leg(f"{self._deliveries.collection} sent")
        done = [one for one in handled if isinstance(one.outcome, Delivered | NotWanted)]
        await self._deliveries.settle([one.item for one in done], receipts=dict(_receipts(done)))
        await asyncio.gather(*(self._not_done(one) for one in handled))
        for one in handled:
            channel, outcome = one.item.document["channel"], _SAID[type(one.outcome)]
            self._metrics.deliveries.labels(channel=channel, outcome=outcome).inc()
            log.info("delivery handled", extra={"delivery": one.item.id, "channel": channel, "outcome": outcome})

    async def _not_done(self, handled: _Handled) -> None:
        match handled.outcome:
            case NotNow(until=until, why=why):
                await self._deliveries.postpone(handled.item, until=until, why=why, counts=False)
            case TryLater() as later:
                await self._postpone(handled.item, later)
            case GiveUp() as never:
                await self._give_up(handled.item, never)

    async def _postpone(self, item: Claimed, later: TryLater) -> None:
        channel = self._channels[item.document["channel"]]
        until = retry_at(item.attempts, self._clock.now(), later.after_s, schedule=channel.retry_after_s)
        await self._deliveries.postpone(item, until=until, why=later.why, counts=later.counts)

    async def _give_up(self, item: Claimed, never: GiveUp) -> None:
        """Forget first, then bury: a crash between the two costs a repeat of both, which is harmless."""
        document: Document = item.document
        if never.forget_target and document["channel"] == "push":
            await self._devices.forget(document["target"])
            # If that was the last device, the person is still to be rung; whether they want it is decided then.
            await self._deliveries.put([sms_instead_of(document)])
        elif never.forget_target and document["channel"] == "webhook":
            await self._endpoints.gone(document["subscription"], why=never.why)
        await self._deliveries.bury(item, why=never.why)


def _receipts(done: Iterable[_Handled]) -> Iterable[tuple[str, str]]:
    for one in done:
        match one.outcome:
            case Delivered(receipt=str() as receipt):
                yield one.item.id, receipt
            case NotWanted(why=why):
                yield one.item.id, f"not sent: {why}"
