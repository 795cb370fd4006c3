"""A whole system, as `tangrat up` starts it: real processes, real agencies' dialects, real signals."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from pymongo import MongoClient

from backend.app import House
from backend.client import Phone
from backend.up import Running, running
from benchmarks.harness import children
from foundation import settings
from foundation.embedded import die_with_parent
from foundation.http import Http
from foundation.ids import new_id
from tests.forks import Forks

HEALTHY = ("", 0)  # a worker that is killed at no leg


@pytest.fixture(scope="session")
def up_environment(quick_folder: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")},
        "TANGRAT_DATA_DIR": mkdtemp(dir=quick_folder),
        "TANGRAT_PORT": "0", "TANGRAT_SANDBOX_PORT": "0", "TANGRAT_WORKER_PORT": "0",
        "TANGRAT_AGENCY_DEADLINE_S": "1", "TANGRAT_LEASE_S": "1", "TANGRAT_CACHE_FRESH_S": "0",
    }  # fmt: skip


@pytest.fixture(scope="session")
def system(up_environment: dict[str, str], project: Path) -> Iterator[Running]:
    """One `tangrat up` per test process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "up", "--with-parent"],
        env=up_environment,
        cwd=project,
        stdout=subprocess.DEVNULL,
    )
    folder = Path(up_environment["TANGRAT_DATA_DIR"])
    deadline = time.monotonic() + 60
    while (there := running(folder)) is None:
        assert process.poll() is None, "`tangrat up` did not start; its own words stand above"
        assert time.monotonic() < deadline, "`tangrat up` was not ready in time"
        time.sleep(0.05)
    yield there
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0


def start(environment: dict[str, str], *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
    """A Python process of ours that doesn't outlive this one."""
    return subprocess.Popen(
        [sys.executable, *arguments], env=environment, cwd=Path(__file__).parent.parent.parent,
        stderr=subprocess.DEVNULL, preexec_fn=die_with_parent(os.getpid()), **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def without_worker(system: Running) -> Iterator[None]:
    """The running system's own worker is held still (SIGSTOP) meanwhile, so that only the module's workers work.

    Not in the middle of a transaction, which would keep from others what it holds.
    """
    worker = children(system.pid)["work"]
    with MongoClient[Any](system.environment["TANGRAT_MONGODB_URI"]) as mongo:
        deadline = time.monotonic() + 20
        os.kill(worker, signal.SIGSTOP)
        while mongo.admin.command("serverStatus")["transactions"]["currentOpen"]:
            assert time.monotonic() < deadline
            os.kill(worker, signal.SIGCONT)
            time.sleep(0.1)
            os.kill(worker, signal.SIGSTOP)
    yield
    os.kill(worker, signal.SIGCONT)


@pytest.fixture(scope="session")
def environment(system: Running) -> dict[str, str]:
    """For a worker of the test's own, on the running system. An agency that is slow on a busy machine would be asked
    again a quarter of an hour later."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")}
    return kept | dict(system.environment) | {"TANGRAT_WORKER_PORT": "0", "TANGRAT_AGENCY_DEADLINE_S": "15"}


@pytest.fixture(scope="session")
def loaded_workers(environment: dict[str, str]) -> Iterator[Forks]:
    some = Forks("tests.journeys.worker_to_kill", environment)
    yield some
    some.stop()


@pytest.fixture
async def workers(without_worker: None, loaded_workers: Forks) -> AsyncIterator[Forks]:
    """The only ones at work on the running system: to be killed at the n-th time at a leg, or (HEALTHY) by the test.

    Those that are left are killed afterwards.
    """
    yield loaded_workers
    await loaded_workers.kill_all()


@pytest.fixture(scope="session")
async def house(environment: dict[str, str]) -> AsyncIterator[House]:
    """The parts of one more process of the running system, to look at what it keeps."""
    async with House(settings.read(environment), process="test") as house:
        yield house


class State:
    """The sandbox's switches and what arrived there."""

    def __init__(self, base: str, http: Http) -> None:
        self.base = base
        self._http = http

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        reply = await self._http.request(method, f"{self.base}{path}", deadline_s=20, json=body)
        assert reply.status < 400, reply.body
        return reply.json()

    async def report(
        self, *, citizen: int, agency: str = "sso", event_type: str = "th.sso.hospital.changed"
    ) -> dict[str, Any]:
        told: dict[str, Any] = await self.call(
            "POST", "/sandbox/report", {"agency": agency, "type": event_type, "citizen": citizen}
        )
        return told

    async def pushed(self, token: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", f"/phone/api/messages?token={token}"))["messages"]
        return found

    async def hooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", "/sandbox/hooks"))["hooks"]
        return found


@pytest.fixture
async def state(system: Running, http: Http) -> AsyncIterator[State]:
    """The sandbox of the running system; faults and the moved day are gone afterwards."""
    state = State(system.sandbox, http)
    yield state
    await state.call("DELETE", "/sandbox/faults")
    await state.call("POST", "/sandbox/clock", {"reset": True})


SignIn = Callable[..., Awaitable[Phone]]


@pytest.fixture
def sign_in(system: Running, http: Http) -> SignIn:
    """A citizen's phone, signed in; `device=True` also registers it for pushes (its token is `phone.device`)."""

    async def start(citizen: int, *, language: Any = "en") -> Phone:
        phone = Phone(system.api, redirect_uri=f"{system.sandbox}/phone/signed-in", http=http, language=language)
        await phone.sign_in(citizen)
        return phone

    return start


@pytest.fixture
def register() -> Callable[..., Awaitable[str]]:
    """Make a phone known to be pushed to; returns its push token."""

    async def start(phone: Phone, citizen: int, *, token: str = "") -> str:
        token = token or f"sandbox-{citizen}-{new_id()}"
        answer = await phone.ask(
            "mutation R($input: RegisterDeviceInput!) { registerDevice(input: $input) { device { id } problems { code } } }",
            input={"token": token, "platform": "WEB", "clientKey": token},
        )
        assert answer["registerDevice"]["problems"] == []
        return token

    return start


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    """Look until it is enough; fails with the last look where that takes longer than it may."""

    async def look(
        look: Callable[[], Awaitable[Any]], enough: Callable[[Any], Any], *, within_s: float = 20, every_s: float = 0.25
    ) -> Any:
        deadline = time.monotonic() + within_s
        while not enough(seen := await look()):
            assert time.monotonic() < deadline, f"not within {within_s} s; last seen: {seen}"
            await asyncio.sleep(every_s)
        return seen

    return look
