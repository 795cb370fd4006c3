"""The agencies' adapters as they are wired by default, against the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from agencies import cache as cache_module
from agencies.cache import Cache
from agencies.gateway import DATA_SUBJECT_REQUEST, Asking, Gateway
from agencies.standard import operation
from backend.agencies import connect, dialect_operations
from foundation.clock import SystemClock
from foundation.http import Http
from foundation.settings import Settings, read
from foundation.store import Store
from foundation.telemetry import Metrics
from lifeevents import catalogue
from sandbox.nation import Nation
from trust import access_log as access_log_module
from trust.access_log import AccessLog
from trust.consents import Consents
from trust.people import People, PersonId
from trust.secrets import Vault

DEADLINE_S = 1.5
CATALOGUE = catalogue.load()
OPERATIONS = (*dialect_operations(), *(operation(spec) for spec in CATALOGUE.specs))
CATALOGUE_AGENCIES = [agency.id for agency in CATALOGUE.agencies]


@pytest.fixture
def settings(sandbox_url: str) -> Settings:
    return read({"TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_url).port)})


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http()
    yield http
    await http.close()


@pytest.fixture
async def access_log(store: Store, clock: SystemClock) -> AccessLog:
    await store.open((*access_log_module.INDEXES, *cache_module.INDEXES))
    return AccessLog(store, clock=clock)


@pytest.fixture
def consents(store: Store, people: People, clock: SystemClock) -> Consents:
    return Consents(store, people, agencies=CATALOGUE_AGENCIES, clock=clock)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


class Adapters(Protocol):
    def __call__(self, deadline_s: float = DEADLINE_S, clock: Any = None) -> list[Any]: ...


@pytest.fixture
def adapters(http: Http, settings: Settings, clock: SystemClock) -> Adapters:
    """Every agency's adapter, fresh: nobody is signed in anywhere."""

    def build(deadline_s: float = DEADLINE_S, clock: Any = clock) -> list[Any]:
        # The legal day here is the sandbox's, for NHSO's answers hang on it.
        return [*connect(settings, http, CATALOGUE, clock=clock, deadline_s=deadline_s).adapters]

    return build


@pytest.fixture
async def gateways(
    adapters: Adapters,
    people: People,
    access_log: AccessLog,
    clock: SystemClock,
    metrics: Metrics,
    store: Store,
    vault: Vault,
    consents: Consents,
) -> AsyncIterator[Callable[..., Gateway]]:
    """Makes gateways: `gateways(deadline_s=0.3)`, `gateways(access_log=…)`."""
    built: list[Gateway] = []

    def build(
        deadline_s: float = DEADLINE_S,
        access_log: AccessLog = access_log,
        fresh_most_s: float = 0.0,
        adapters: Any = adapters,
        **other: Any,
    ) -> Gateway:
        """Nothing kept counts as fresh, unless a test says how long it does. `adapters`: other doors than the usual."""
        doors = adapters(deadline_s) if callable(adapters) else adapters
        cache = Cache(store, people, vault, clock=other.get("clock", clock), fresh_most_s=fresh_most_s)
        ours = {
            "people": people, "access_log": access_log, "clock": clock, "metrics": metrics, "cache": cache,
            "consents": consents, "agency_of": {one.asked_through: one.agency for one in OPERATIONS}, **other,
        }  # fmt: skip
        built.append(Gateway(doors, deadline_s=deadline_s, **ours))
        return built[-1]

    yield build
    for gateway in built:
        await gateway.close()


@pytest.fixture
def gateway(gateways: Callable[..., Gateway]) -> Gateway:
    return gateways()


@pytest.fixture(scope="session")
def nation() -> Nation:
    """The sandbox's nation, to compare answers with."""
    return Nation(day_zero=date(2026, 11, 21))


@pytest.fixture
def pid_of(nation: Nation) -> Callable[[int], str]:
    return lambda number: nation.citizen(number).pid


@pytest.fixture
def person(people: People, pid_of: Callable[[int], str]) -> Callable[[int], Awaitable[PersonId]]:
    """Sample citizen N as a person of ours."""

    async def known(number: int) -> PersonId:
        return (await people.ensure(pid_of(number))).id

    return known


@pytest.fixture
def asking(gateway: Gateway, person: Callable[[int], Awaitable[PersonId]]) -> Callable[..., Awaitable[Asking]]:
    """Sample citizen N looking at their own record."""

    async def begin(number: int, through: Gateway = gateway) -> Asking:
        me = await person(number)
        return through.asking(subject=me, actor=me, purpose="own record", ground=DATA_SUBJECT_REQUEST)

    return begin


@pytest.fixture
def spy(switch: Callable[..., Any]) -> Callable[..., Callable[[], int]]:
    """Count an agency's calls of one operation: a fault that does nothing but be met."""

    def watch(agency: str, operation: str) -> Callable[[], int]:
        fault = switch("POST", "faults", {"agency": agency, "fault": "slow", "operation": operation, "delay_ms": 0})[
            "id"
        ]
        return lambda: next(one["hits"] for one in switch("GET", "faults")["faults"] if one["id"] == fault)

    return watch
