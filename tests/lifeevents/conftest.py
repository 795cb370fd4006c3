"""The event road as the roof wires it, on a real database, with time that stands still and neighbours on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from foundation.clock import Clock, FrozenClock, SystemClock
from foundation.errors import Unavailable
from foundation.http import Http
from foundation.store import Document, Store
from foundation.telemetry import Metrics
from lifeevents import agenda as agendas
from lifeevents import catalogue as catalogues
from lifeevents import intake as intakes
from lifeevents import journeys as journeys_module
from lifeevents import subscriptions as subscriptions_module
from lifeevents.agenda import Agenda
from lifeevents.catalogue import Catalogue
from lifeevents.circumstances import Known
from lifeevents.fanout import Fanout
from lifeevents.intake import Intake
from lifeevents.journeys import Journeys
from lifeevents.register import PersonFacts
from lifeevents.rules.engine import Engine
from lifeevents.subscriptions import Subscriptions
from notifications import devices as devices_module
from notifications import inbox as inbox_module
from notifications import notifier as notifier_module
from notifications.devices import Devices
from notifications.inbox import Inbox
from notifications.ledger import Ledger
from notifications.notifier import DELIVERIES, Notifier
from notifications.preferences import Preferences
from trust import access_log as access_logs
from trust import people as people_module
from trust.access_log import AccessLog
from trust.consents import Consents
from trust.people import People, PersonId
from trust.secrets import Vault

Serve = Callable[[ASGIApp], Awaitable[str]]
_EVERY_INDEX = (
    *people_module.INDEXES, *intakes.INDEXES, *agendas.INDEXES, *subscriptions_module.INDEXES, *inbox_module.INDEXES,
    *devices_module.INDEXES, *notifier_module.INDEXES, *access_logs.INDEXES, *journeys_module.INDEXES,
)  # fmt: skip


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return catalogues.load()


@dataclass
class Hook:
    """An agency's endpoint. It answers the challenge unless it is told to do otherwise."""

    url: str = ""
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[Any], Response | float] | None = None

    async def answering(self, request: Request) -> Response:
        body = await request.body()
        self.calls.append((dict(request.headers), body))
        said = await request.json()
        if self.answer is not None:
            answer = self.answer(said)
            if isinstance(answer, Response):
                return answer
            await asyncio.sleep(answer)
        return JSONResponse({"challenge": said.get("challenge")})

    def signed_by(self, secret: str, call: int = -1) -> Any:
        """The body of a call, if this secret signed it; at whatever time, for the tests' clock stands still."""
        headers, body = self.calls[call]
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        good = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
        assert good in headers["webhook-signature"].split(" ")
        return orjson.loads(body)


@pytest.fixture
async def hook(serve: Serve) -> Hook:
    one = Hook()
    one.url = await serve(Starlette(routes=[Route("/hook", one.answering, methods=["POST"])])) + "/hook"
    return one


@dataclass
class Kin:
    """Who is told of a death, and what the register says of anybody."""

    kin: dict[PersonId, list[PersonId]] = field(default_factory=dict)
    facts_of: dict[PersonId, PersonFacts] = field(default_factory=dict)
    knows: dict[PersonId, dict[str, Any]] = field(default_factory=dict)  # what agencies would say for the rules
    is_down: bool = False

    async def of(self, person: PersonId) -> Sequence[PersonId]:
        if self.is_down:
            raise Unavailable("dopa gave no answer: AGENCY_TIMEOUT")
        return self.kin.get(person, [])

    async def facts(
        self, person: PersonId, *, wanted: Collection[str] = (), with_children: bool = False
    ) -> PersonFacts:
        return self.facts_of.get(person, PersonFacts(known={}))

    async def find(self, person: PersonId, wanted: Collection[str], *, told: Mapping[str, Any]) -> Known:
        if self.is_down:
            return Known(facts={}, unanswered=frozenset(wanted))
        return Known(facts={path: value for path, value in self.knows.get(person, {}).items() if path in wanted})


class EventRoad:
    """Everything from a recorded event to what is told and handed over."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, catalogue: Catalogue, http: Http) -> None:
        self.store, self.vault, self.clock, self.catalogue = store, vault, clock, catalogue
        self.access_log = AccessLog(store, clock=clock)
        self.metrics, self.kin = Metrics(), Kin()
        self.legs: list[str] = []
        self.people = People(store, vault, clock=clock)
        self.consents = Consents(store, self.people, agencies=[agency.id for agency in catalogue.agencies], clock=clock)
        self.events = Ledger(store, intakes.EVENTS, clock=clock)
        self.inbox = Inbox(store, self.people, vault, clock=clock)
        self.devices = Devices(store, self.people, vault, clock=clock)
        self.notifier = Notifier(
            inbox=self.inbox, devices=self.devices,
            preferences=Preferences(store, self.people, clock=clock), deliveries=Ledger(store, DELIVERIES, clock=clock),
            vault=vault, clock=clock,
        )  # fmt: skip
        self.intake = Intake(store, self.events, self.people, vault, catalogue, clock=clock, metrics=self.metrics)
        self.subscriptions = Subscriptions(
            store, vault, catalogue, http, clock=clock, metrics=self.metrics, public_only=False
        )
        self.engine = Engine(catalogue)
        self.agenda = Agenda(
            store, Ledger(store, agendas.AGENDA, clock=clock), Ledger(store, agendas.CELLS, clock=clock),
            catalogue=catalogue, engine=self.engine, people=self.people, facts=self.kin, intake=self.intake,
            hush=lambda person, why: self.notifier.withdraw(person, why=why), clock=clock, metrics=self.metrics,
        )  # fmt: skip
        self.journeys = self.some_journeys()
        self.fanout = self.a_fanout()

    def some_journeys(self, **instead: Any) -> Journeys:
        parts: dict[str, Any] = {
            "people": self.people, "catalogue": self.catalogue, "engine": self.engine, "circumstances": self.kin,
            "relatives": self.kin, "deaths": self.agenda, "clock": self.clock, "metrics": self.metrics,
        }  # fmt: skip
        return Journeys(self.store, Ledger(self.store, journeys_module.JOURNEYS, clock=self.clock), **(parts | instead))

    def a_fanout(self, **instead: Any) -> Fanout:
        parts: dict[str, Any] = {
            "people": self.people, "vault": self.vault, "catalogue": self.catalogue, "notifier": self.notifier,
            "subscriptions": self.subscriptions, "agenda": self.agenda, "relatives": self.kin, "journeys": self.journeys,
            "clock": self.clock, "metrics": self.metrics, "forget": self.consents.forget, "on_leg": self.legs.append,
        }  # fmt: skip
        return Fanout(self.events, **(parts | instead))

    async def all_of(self, collection: str, **where: Any) -> list[Document]:
        return [one async for one in self.store.collection(collection).find(where)]


@pytest.fixture
async def road(
    store: Store, vault: Vault, frozen: FrozenClock, catalogue: Catalogue, http: Http
) -> AsyncIterator[EventRoad]:
    await store.open(_EVERY_INDEX)
    one = EventRoad(store, vault, frozen, catalogue, http)
    yield one
    await one.intake.close()


@pytest.fixture
async def living_road(
    store: Store, vault: Vault, clock: SystemClock, catalogue: Catalogue, http: Http
) -> AsyncIterator[EventRoad]:
    """The same in real time, for what goes by the database's clock."""
    await store.open(_EVERY_INDEX)
    one = EventRoad(store, vault, clock, catalogue, http)
    yield one
    await one.intake.close()
