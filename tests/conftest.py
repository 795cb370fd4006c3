"""What every test stands on: a real mongod, a database of its own, and time that moves only when a test moves it."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import pytest

from foundation.clock import FrozenClock, SystemClock
from foundation.embedded import EmbeddedMongo, die_with_parent
from foundation.http import Http
from foundation.store import Store
from tests.serving import Serve, serving
from trust import people as people_module
from trust.people import People
from trust.secrets import Vault

_ROOM = 4 << 30  # the journal alone takes some hundred megabytes, and there is one for each process and system


def pytest_collection_finish() -> None:
    """What is imported stays to the end: the collector needn't look through it again whenever a test makes many objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session")
def quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory, where there is room for one: our writes wait until they are on the disk, whatever disk it is."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < _ROOM:
        yield tmp_path_factory.mktemp("quick")
        return
    for left in memory.glob("tangrat-test-*"):  # by a run that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix=f"tangrat-test-{os.getpid()}-", dir=memory, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def mongodb_uri(quick_folder: Path) -> Iterator[str]:
    """One mongod per test process, gone with it."""
    mongo = EmbeddedMongo(quick_folder / "mongo")
    yield mongo.start()
    assert mongo.pid is not None
    os.kill(mongo.pid, signal.SIGKILL)  # its data go too; it would put all of them in order first
    mongo.stop()


@pytest.fixture(scope="module")
async def kept_database(mongodb_uri: str) -> AsyncIterator[tuple[str, Store]]:
    """What the tests of one file use one after the other. They ask for `database`."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    store = Store(mongodb_uri, database=name)
    yield name, store
    await store.drop()
    await store.close()


@pytest.fixture
async def database(kept_database: tuple[str, Store]) -> AsyncIterator[str]:
    """The name of a database with nothing in it, but for the indexes that earlier tests of the same file may have opened
    it with: making these anew takes longer than most tests."""
    name, store = kept_database
    yield name
    await store.empty()


@pytest.fixture
async def store(mongodb_uri: str, database: str) -> AsyncIterator[Store]:
    """A database with nothing in it. Open it with the indexes of the modules under test where they matter."""
    store = Store(mongodb_uri, database=database)
    await store.open(people_module.INDEXES)
    yield store
    await store.close()


@pytest.fixture
def frozen() -> FrozenClock:
    """Saturday 21 November 2026 (B.E. 2569), ten in the morning in Bangkok."""
    return FrozenClock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault(b"\x01" * 32)


@pytest.fixture
def people(store: Store, vault: Vault, clock: SystemClock) -> People:
    return People(store, vault, clock=clock)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves an ASGI app on loopback for the length of a test; gives its address."""
    async with AsyncExitStack() as running:
        yield lambda app: running.enter_async_context(serving(app))


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http()
    yield client
    await client.close()


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parent.parent


_SERVE_SANDBOX = """
import asyncio
from datetime import date
from backend.sandbox import described_agencies
from sandbox.server import serve
asyncio.run(
    serve(day_zero=date(2026, 11, 21), port=0, agencies=described_agencies(), on_ready=lambda url: print(url, flush=True))
)
"""


@pytest.fixture(scope="session")
def sandbox_server(project: Path) -> Iterator[str]:
    """One sandbox per test process, on the legal day 21 November 2026. Tests ask for `sandbox_url`."""
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVE_SANDBOX], cwd=project, stdout=subprocess.PIPE, text=True,
        preexec_fn=die_with_parent(os.getpid()),
    )  # fmt: skip
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert url, "the sandbox did not start; its own error stands above"
    yield url
    server.terminate()
    server.wait(10)
    server.stdout.close()


@pytest.fixture
def sandbox_url(sandbox_server: str) -> Iterator[str]:
    """The sandbox's address; it forgets after each test whatever the test did to it."""
    yield sandbox_server
    _turn(sandbox_server, "POST", "reset")


@pytest.fixture
def switch(sandbox_url: str) -> Callable[..., Any]:
    """The sandbox's own switches: `switch("POST", "faults", {"agency": "dopa", "fault": "down"})`."""
    return partial(_turn, sandbox_url)


def _turn(url: str, method: str, switch: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{url}/sandbox/{switch}", method=method, data=content), timeout=10) as reply:
        return json.load(reply)


@pytest.fixture(autouse=True)
def clean_environment() -> None:
    """No test is told anything by the machine it runs on."""
    for name in [name for name in os.environ if name.startswith("TANGRAT_")]:
        del os.environ[name]
