"""What every test stands on: a real mongod, a database of its own, and time that moves only when a test moves it."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from foundation.clock import FrozenClock, SystemClock
from foundation.embedded import EmbeddedMongo
from foundation.store import Store
from trust import people as people_module
from trust.people import People
from trust.secrets import Vault


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One mongod per test process, gone with it."""
    mongo = EmbeddedMongo(tmp_path_factory.mktemp("mongo"))
    yield mongo.start()
    mongo.stop()


@pytest.fixture
async def store(mongodb_uri: str) -> AsyncIterator[Store]:
    """A database of this test's own. Open it with the indexes of the modules under test where they matter."""
    store = Store(mongodb_uri, database=f"test_{uuid.uuid4().hex[:12]}")
    await store.open(people_module.INDEXES)
    yield store
    await store.drop()
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


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def clean_environment() -> None:
    """No test is told anything by the machine it runs on."""
    for name in [name for name in os.environ if name.startswith("TANGRAT_")]:
        del os.environ[name]
