"""The graph on a real socket, over a real mongod; agencies are the sandbox where a test asks for them."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import strawberry

from agencies import payments as payments_module
from agencies.cache import Cache
from agencies.epayment import EPayment
from agencies.facts import Facts
from agencies.gateway import Gateway
from agencies.gdx import GdxTransport
from agencies.own_words import OwnWords
from agencies.payments import Payments
from backend import websocket
from backend.agencies import Agencies, connect
from foundation.clock import SystemClock
from foundation.http import Http, Reply
from foundation.settings import read
from foundation.store import Store
from foundation.telemetry import Metrics
from lifeevents import applications as applications_module
from lifeevents import catalogue as catalogue_module
from lifeevents import journeys as journeys_module
from lifeevents.applications import Applications
from lifeevents.catalogue.model import Catalogue
from lifeevents.circumstances import AgenciesKnow
from lifeevents.journeys import Journeys
from lifeevents.rules.engine import Engine
from lifeevents.rules.sentences import Sentences
from lifeevents.situation import Situations
from notifications import devices as devices_module
from notifications import inbox as inbox_module
from notifications import notifier as notifier_module
from notifications.devices import Devices
from notifications.inbox import Inbox
from notifications.ledger import Ledger
from notifications.notifier import Notifier
from notifications.preferences import Preferences
from resolvers import client_keys as client_keys_module
from resolvers.client_keys import ClientKeys
from resolvers.context import Services
from resolvers.limits import Limits
from resolvers.operations import Authenticate
from resolvers.payments import AgenciesBills
from resolvers.schema import build_schema
from resolvers.server import GraphQLServer
from tests.serving import serving as serve_on_loopback
from trust import access_log as access_log_module
from trust import mini_apps as mini_apps_module
from trust import people as people_module
from trust import tokens as tokens_module
from trust.access_log import AccessLog
from trust.consents import Consents
from trust.mini_apps import MiniApps
from trust.people import People, PersonId
from trust.secrets import Vault
from trust.tokens import Tokens

ORIGIN = "https://app.example.go.th"
DEADLINE_S = 1.5
LONG_S = 15.0


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return catalogue_module.load()


@pytest.fixture(scope="session")
def schema() -> strawberry.Schema:
    return build_schema()


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()


@pytest.fixture(scope="session")
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture(scope="session")
def metrics() -> Metrics:
    return Metrics()


# One database and one server for all tests of the graph: each test has people of its own in it.
@pytest.fixture(scope="session")
async def store(mongodb_uri: str) -> AsyncIterator[Store]:
    store = Store(mongodb_uri, database=f"test_{uuid.uuid4().hex[:12]}")
    await store.open(
        (*people_module.INDEXES, *access_log_module.INDEXES, *tokens_module.INDEXES, *inbox_module.INDEXES,
         *devices_module.INDEXES, *client_keys_module.INDEXES, *mini_apps_module.INDEXES,
         *payments_module.INDEXES, *applications_module.INDEXES, *notifier_module.INDEXES,
         *journeys_module.INDEXES)
    )  # fmt: skip
    yield store
    await store.drop()
    await store.close()


@pytest.fixture(scope="session")
def people(store: Store, vault: Vault, clock: SystemClock) -> People:
    return People(store, vault, clock=clock)


@pytest.fixture(scope="session")
def tokens(store: Store, vault: Vault, clock: SystemClock) -> Tokens:
    return Tokens(store, vault, clock=clock, issuer="https://api.example.go.th")


@pytest.fixture(scope="session")
def agencies(catalogue: Catalogue, clock: SystemClock, sandbox_server: str, http: Http) -> Agencies:
    """Every agency of the catalogue, as the sandbox simulates it."""
    settings = read({"TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_server).port)})
    return connect(settings, http, catalogue, clock=clock, deadline_s=DEADLINE_S)


@pytest.fixture(scope="session")
def cache(store: Store, people: People, vault: Vault, clock: SystemClock) -> Cache:
    """Nothing kept counts as fresh here; it stands in on a bad day."""
    return Cache(store, people, vault, clock=clock, fresh_most_s=0.0)


@pytest.fixture(scope="session")
async def gateway(
    store: Store,
    people: People,
    cache: Cache,
    consents: Consents,
    clock: SystemClock,
    metrics: Metrics,
    agencies: Agencies,
) -> AsyncIterator[Gateway]:
    gateway = Gateway(
        agencies.adapters, people=people, access_log=AccessLog(store, clock=clock),
        cache=cache, consents=consents, clock=clock, metrics=metrics,
        deadline_s=DEADLINE_S, agency_of=agencies.agency_of,
    )  # fmt: skip
    yield gateway
    await gateway.close()


@pytest.fixture(scope="session")
def consents(store: Store, people: People, catalogue: Catalogue, clock: SystemClock) -> Consents:
    return Consents(store, people, agencies=[one.id for one in catalogue.agencies], clock=clock)


@pytest.fixture(scope="session")
def payments(
    store: Store, people: People, vault: Vault, clock: SystemClock, metrics: Metrics, sandbox_server: str, http: Http
) -> Payments:
    s = read({"TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_server).port)})
    gdx = GdxTransport(
        http, url=s.gdx_url, consumer_key=s.gdx_consumer_key, consumer_secret=s.gdx_consumer_secret,
        agent_id=s.gdx_agent_id, clock=clock, deadline_s=DEADLINE_S,
    )  # fmt: skip
    epayment = EPayment(gdx, url=s.epayment_url, close_url="", source=s.epayment_source, biller_id=s.epayment_biller_id)
    return Payments(store, people, vault, epayment, AccessLog(store, clock=clock), clock=clock, metrics=metrics)


@pytest.fixture(scope="session")
def applications(store: Store, people: People, vault: Vault, clock: SystemClock) -> Applications:
    entries, wishes = Inbox(store, people, vault, clock=clock), Preferences(store, people, clock=clock)
    notifier = Notifier(
        inbox=entries, devices=Devices(store, people, vault, clock=clock), preferences=wishes, vault=vault, clock=clock,
        deliveries=Ledger(store, notifier_module.DELIVERIES, clock=clock, lease_s=60),
    )  # fmt: skip
    return Applications(store, people, notifier, NobodyDied(), clock=clock)


class NobodyDied:
    async def died(self, people: Collection[PersonId]) -> set[PersonId]:
        return set()


class NobodysFamily:
    async def of(self, person: PersonId) -> Sequence[PersonId]:
        return ()


@pytest.fixture(scope="session")
def journeys(
    store: Store,
    people: People,
    clock: SystemClock,
    catalogue: Catalogue,
    gateway: Gateway,
    agencies: Agencies,
    metrics: Metrics,
) -> Journeys:
    words = OwnWords(store, people, clock=clock)
    facts = Facts(agencies.sources, own_words=words.asked, clock=clock, metrics=metrics)
    return Journeys(
        store, Ledger(store, journeys_module.JOURNEYS, clock=clock, lease_s=60), people=people, catalogue=catalogue,
        engine=Engine(catalogue), circumstances=AgenciesKnow(gateway, facts, catalogue), relatives=NobodysFamily(),
        deaths=NobodyDied(), clock=clock, metrics=metrics,
    )  # fmt: skip


@pytest.fixture(scope="session")
def services(
    store: Store,
    people: People,
    vault: Vault,
    clock: SystemClock,
    gateway: Gateway,
    catalogue: Catalogue,
    consents: Consents,
    payments: Payments,
    applications: Applications,
    journeys: Journeys,
    agencies: Agencies,
    metrics: Metrics,
) -> Services:
    own_words = OwnWords(store, people, clock=clock)
    facts = Facts(agencies.sources, own_words=own_words.asked, clock=clock, metrics=metrics)
    engine = Engine(catalogue)
    return Services(
        clock=clock,
        catalogue=catalogue,
        engine=engine,
        sentences=Sentences(catalogue),
        situations=Situations(engine, facts, gateway, people, vault, clock=clock),
        people=people,
        gateway=gateway,
        operations=agencies.plain,
        facts=facts,
        own_words=own_words,
        titles={(one.agency, one.name): one.title for one in agencies.operations if one.title is not None},
        access_log=AccessLog(store, clock=clock),
        inbox=Inbox(store, people, vault, clock=clock),
        devices=Devices(store, people, vault, clock=clock),
        preferences=Preferences(store, people, clock=clock),
        client_keys=ClientKeys(store, people, vault, clock=clock),
        mini_apps=MiniApps(store, vault, clock=clock, production=False),
        consents=consents,
        payments=payments,
        bills=AgenciesBills({}, clock=clock),
        applications=applications,
        journeys=journeys,
    )


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The graph's address, with WebSockets let through to it."""
    async with serve_on_loopback(app, **websocket.options()) as address:
        yield f"{address}/graphql"


class Graph:
    """The graph as a phone reaches it."""

    def __init__(self, url: str, http: Http) -> None:
        self.url = url
        self.http = http
        self.headers: dict[str, str] = {}

    def with_headers(self, **headers: str) -> Graph:
        """The same, with headers more: `with_headers(Accept_Language="en")`."""
        other = Graph(self.url, self.http)
        other.headers = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return other

    async def post(self, body: Any, **headers: str) -> Reply:
        """A body as it is: bytes stay, anything else becomes JSON."""
        sent = {"Content-Type": "application/json", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.http.request("POST", self.url, deadline_s=20, body=content, headers=sent)

    async def reply(self, query: str, **variables: Any) -> Reply:
        return await self.post({"query": query, "variables": variables})

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data, where nothing is wrong."""
        told = (await self.reply(query, **variables)).json()
        assert "errors" not in told, told
        return told["data"]

    async def code(self, query: str, **variables: Any) -> str:
        """The code of the one error that comes back."""
        told = (await self.reply(query, **variables)).json()
        (error,) = told["errors"]
        return str(error["extensions"]["code"])


Start = Callable[..., Awaitable[Graph]]
SignedIn = Callable[..., Awaitable[Graph]]


@pytest.fixture(scope="session")
async def start(
    services: Services, tokens: Tokens, http: Http, metrics: Metrics, schema: strawberry.Schema
) -> AsyncIterator[Start]:
    """Serve the graph in another way: `await start(production=True)`."""
    async with AsyncExitStack() as running:

        async def serve(
            *,
            production: bool = False,
            limits: Limits | None = None,
            authenticate: Authenticate = tokens.verify,
            replacing: Mapping[str, Any] | None = None,
        ) -> Graph:
            server = GraphQLServer(
                schema,
                replace(services, **(replacing or {})),
                authenticate=authenticate,
                production=production,
                origins=[ORIGIN],
                metrics=metrics,
                limits=limits,
            )
            return Graph(await running.enter_async_context(serving(server)), http)

        yield serve


@pytest.fixture(scope="session")
async def graph(start: Start) -> Graph:
    """The graph of development; nobody is signed in."""
    return await start()


@pytest.fixture(scope="session")
def server(schema: strawberry.Schema, services: Services, tokens: Tokens) -> GraphQLServer:
    """Without a socket, for what no client sends."""
    return GraphQLServer(schema, services, authenticate=tokens.verify, production=False)


@pytest.fixture(scope="session")
async def production(start: Start) -> Graph:
    return await start(production=True)


def identity_number() -> str:
    """One of the office 0000, which no real person has, with its check digit."""
    twelve = f"10000{secrets.randbelow(10**7):07}"
    total = sum(int(digit) * weight for digit, weight in zip(twelve, range(13, 1, -1), strict=True))
    return twelve + str((11 - total % 11) % 10)


@pytest.fixture
async def one(people: People) -> PersonId:
    """Somebody whom only this test knows."""
    return (await people.ensure(identity_number())).id


@pytest.fixture
async def other(people: People) -> PersonId:
    return (await people.ensure(identity_number())).id


@pytest.fixture
def signed_in(graph: Graph, tokens: Tokens) -> SignedIn:
    """The graph as this person's phone reaches it."""

    async def sign_in(person: PersonId, through: Graph = graph, **headers: str) -> Graph:
        pair = await tokens.begin(person, ial="2.3", aal="2.1", client_id="app")
        return through.with_headers(Authorization=f"Bearer {pair.access_token}", **headers)

    return sign_in


@pytest.fixture
def citizen(
    people: People, cache: Cache, switch: Callable[..., Any], signed_in: SignedIn
) -> Callable[..., Awaitable[Graph]]:
    """The graph as sample citizen N's phone reaches it: nothing is kept of what earlier tests asked, and the sandbox's
    faults are gone after the test."""

    async def sign_in(number: int, **headers: str) -> Graph:
        pid = (await asyncio.to_thread(switch, "GET", f"citizens/{number}"))["pid"]
        person = (await people.ensure(pid)).id
        await cache.forget(person)
        return await signed_in(person, **headers)

    return sign_in


class StoryClock(SystemClock):
    """The day on which the samples' stories are told, whatever day it is here."""

    def today(self) -> date:
        return date(2026, 11, 21)


@pytest.fixture(scope="session")
async def patiently(
    store: Store,
    people: People,
    vault: Vault,
    cache: Cache,
    consents: Consents,
    metrics: Metrics,
    catalogue: Catalogue,
    sandbox_server: str,
    http: Http,
) -> AsyncIterator[Mapping[str, Any]]:
    """What the graph needs where every agency may take long, on the day of the stories."""
    clock = StoryClock()
    settings = read({"TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_server).port)})
    agencies = connect(settings, http, catalogue, clock=clock, deadline_s=LONG_S)
    gateway = Gateway(
        agencies.adapters, people=people, access_log=AccessLog(store, clock=clock), cache=cache, consents=consents,
        clock=clock, metrics=metrics, deadline_s=LONG_S, agency_of=agencies.agency_of,
    )  # fmt: skip
    own_words, engine = OwnWords(store, people, clock=clock), Engine(catalogue)
    facts = Facts(agencies.sources, own_words=own_words.asked, clock=clock, metrics=metrics)
    yield {
        "clock": clock, "gateway": gateway, "facts": facts, "operations": agencies.plain, "engine": engine,
        "situations": Situations(engine, facts, gateway, people, vault, clock=clock),
    }  # fmt: skip
    await gateway.close()


@pytest.fixture(scope="session")
async def patient(start: Start, patiently: Mapping[str, Any]) -> Graph:
    """The graph for questions that ask very many agencies on a busy machine."""
    return await start(limits=Limits(request_s=LONG_S, requests=10_000), replacing=patiently)


@pytest.fixture
def waiting_citizen(
    people: People, cache: Cache, switch: Callable[..., Any], signed_in: SignedIn, patient: Graph
) -> Callable[..., Awaitable[Graph]]:
    """As `citizen`, through the patient graph."""

    async def sign_in(number: int, **headers: str) -> Graph:
        pid = (await asyncio.to_thread(switch, "GET", f"citizens/{number}"))["pid"]
        person = (await people.ensure(pid)).id
        await cache.forget(person)
        return await signed_in(person, through=patient, **headers)

    return sign_in
