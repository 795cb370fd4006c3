"""The agencies' adapters as they are wired by default, against the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from agencies.dopa import Dopa
from agencies.gateway import DATA_SUBJECT_REQUEST, Asking, Gateway
from agencies.gdx import GdxTransport
from agencies.nhso import Nhso
from agencies.sso import Sso
from foundation.clock import SystemClock
from foundation.http import Http
from foundation.settings import Settings, read
from foundation.store import Store
from foundation.telemetry import Metrics
from sandbox.nation import Nation
from trust import access_log as access_log_module
from trust.access_log import AccessLog
from trust.people import People, PersonId

DEADLINE_S = 1.5


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
    await store.open(access_log_module.INDEXES)
    return AccessLog(store, clock=clock)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


class Adapters(Protocol):
    def __call__(self, deadline_s: float = DEADLINE_S, clock: Any = None) -> list[Any]: ...


@pytest.fixture
def adapters(http: Http, settings: Settings, clock: SystemClock) -> Adapters:
    """DOPA, SSO and NHSO, fresh: nobody is signed in anywhere."""

    def build(deadline_s: float = DEADLINE_S, clock: Any = clock) -> list[Any]:
        # The legal day here is the sandbox's, for NHSO's answers hang on it.
        gdx = GdxTransport(
            http, url=settings.gdx_url, consumer_key=settings.gdx_consumer_key,
            consumer_secret=settings.gdx_consumer_secret, agent_id=settings.gdx_agent_id, clock=clock,
            deadline_s=deadline_s,
        )  # fmt: skip
        return [
            Dopa(
                gdx, url=settings.dopa_url, officer_pid=settings.dopa_officer_pid, office_id=settings.dopa_office_id,
                access_token=settings.dopa_access_token, job_id=settings.dopa_job_id, clock=clock,
            ),
            Sso(
                http, url=settings.sso_url, token_url=settings.sso_token_url, client_id=settings.sso_client_id,
                client_secret=settings.sso_client_secret, username=settings.sso_username,
                password=settings.sso_password, clock=clock, deadline_s=deadline_s,
            ),
            Nhso(http, url=settings.nhso_url, token=settings.nhso_token, clock=clock, deadline_s=deadline_s),
        ]  # fmt: skip

    return build


@pytest.fixture
async def gateways(
    adapters: Adapters, people: People, access_log: AccessLog, clock: SystemClock, metrics: Metrics
) -> AsyncIterator[Callable[..., Gateway]]:
    """Makes gateways: `gateways(deadline_s=0.3)`, `gateways(access_log=…)`."""
    built: list[Gateway] = []

    def build(deadline_s: float = DEADLINE_S, access_log: AccessLog = access_log, **other: Any) -> Gateway:
        ours = {"people": people, "access_log": access_log, "clock": clock, "metrics": metrics, **other}
        built.append(Gateway(adapters(deadline_s), deadline_s=deadline_s, **ours))
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
