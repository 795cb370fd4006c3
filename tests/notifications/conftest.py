"""The notification road on a real database, with time that stands still, and a neighbour that answers as it is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from foundation.clock import FrozenClock
from foundation.http import Http
from foundation.language import Text
from foundation.store import Store
from foundation.telemetry import Metrics
from notifications import devices as devices_module
from notifications import inbox as inbox_module
from notifications import notifier as notifier_module
from notifications.delivery import Channel, ChannelName, Delivered, Delivery, Outcome
from notifications.devices import Devices
from notifications.dispatcher import Dispatcher
from notifications.inbox import Inbox
from notifications.ledger import RETRY_AFTER_S, Ledger, nothing
from notifications.notifier import DELIVERIES, Notice, Notifier
from notifications.preferences import Preferences
from notifications.wording import Endpoint, Wording
from trust.people import People, PersonId
from trust.secrets import Vault

SOMCHAI, MALEE = "1000000000016", "1000000000024"


@dataclass
class Subscriptions:
    """What an agency wants, as the road asks for it."""

    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)

    async def endpoint(self, subscription: str) -> Endpoint | None:
        return self.endpoints.get(subscription)

    async def gone(self, subscription: str, *, why: str) -> None:
        self.ended[subscription] = why


@dataclass
class FakeChannel:
    """A channel that answers as it is told and keeps what it was given."""

    name: ChannelName = "push"
    deadline_s: float = 5.0
    retry_after_s: tuple[float, ...] = RETRY_AFTER_S
    answers: deque[Outcome | Exception | float] = field(default_factory=deque)  # a number: seconds until taken
    given: list[Delivery] = field(default_factory=list)

    async def deliver(self, delivery: Delivery) -> Outcome:
        self.given.append(delivery)
        answer = self.answers.popleft() if self.answers else Delivered(receipt=f"receipt {len(self.given)}")
        if isinstance(answer, float | int):
            await asyncio.sleep(answer)
            return Delivered()
        if isinstance(answer, Exception):
            raise answer
        return answer


class Road:
    """Everything of the road but its channels, wired as the roof wires it."""

    def __init__(self, store: Store, people: People, vault: Vault, clock: FrozenClock) -> None:
        self.clock = clock
        self.metrics = Metrics()
        self.subscriptions = Subscriptions()
        self.inbox = Inbox(store, people, vault, clock=clock)
        self.devices = Devices(store, people, vault, clock=clock)
        self.preferences = Preferences(store, people, clock=clock)
        self.deliveries = Ledger(store, DELIVERIES, clock=clock)
        self.notifier = Notifier(
            inbox=self.inbox, devices=self.devices, preferences=self.preferences, deliveries=self.deliveries,
            vault=vault, clock=clock,
        )  # fmt: skip
        self.wording = Wording(
            inbox=self.inbox, devices=self.devices, preferences=self.preferences, endpoints=self.subscriptions,
            vault=vault, clock=clock,
        )  # fmt: skip

    def dispatcher(
        self, *channels: Channel, patience_s: float = 1.0, on_leg: Callable[[str], None] = nothing
    ) -> Dispatcher:
        return Dispatcher(
            self.deliveries, channels, self.wording, devices=self.devices, endpoints=self.subscriptions,
            clock=self.clock, metrics=self.metrics, patience_s=patience_s, on_leg=on_leg,
        )  # fmt: skip


@pytest.fixture
async def road(store: Store, people: People, vault: Vault, frozen: FrozenClock) -> Road:
    await store.open((*inbox_module.INDEXES, *devices_module.INDEXES, *notifier_module.INDEXES))
    return Road(store, people, vault, frozen)


@pytest.fixture
async def somchai(people: People) -> PersonId:
    return (await people.ensure(SOMCHAI)).id


@pytest.fixture
async def malee(people: People) -> PersonId:
    return (await people.ensure(MALEE)).id


def notice(person: PersonId, **said: object) -> Notice:
    """A notice about an allowance; what a test cares about it says."""
    usual: dict[str, object] = {
        "origin": "4f" * 16, "family": "old_age_allowance", "person": person, "occurrence": "2026", "topic": "rights",
        "title": Text(th="คุณมีสิทธิรับเบี้ยยังชีพผู้สูงอายุ", en="You may receive the old-age allowance"),
        "body": Text(th="เดือนละ 600 บาท", en="600 baht a month"),
        "lock_screen": Text(th="คุณมีข้อความใหม่", en="You have a new message"),
        "service": "old-age-allowance", "because": {"event": "th.calendar.birthday", "facts": {"age": 60}},
    }  # fmt: skip
    return Notice(**(usual | said))  # type: ignore[arg-type]


@dataclass
class Seen:
    """One request that reached the neighbour."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Neighbour:
    """A server on the loopback. `answers` are used up from the left; the last one stays."""

    url: str = ""
    answers: deque[web.Response | float] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.path, headers, await request.read()))
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = web.Response()
        # A response object can be sent once only.
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


@pytest.fixture
async def neighbour() -> AsyncIterator[Neighbour]:
    here = Neighbour(answers=deque([web.Response()]))
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{tail:.*}", here.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    here.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield here
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()
