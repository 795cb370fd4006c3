"""Real HTTP peers for the tests of this floor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from starlette.types import ASGIApp

from foundation.http import Http
from tests.trust.serving import serving

Serve = Callable[[ASGIApp], Awaitable[str]]


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
