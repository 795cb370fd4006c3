"""What every process of ours does at its edges: bind before starting, serve, drain politely, follow the sandbox's day."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from typing import Any

import uvicorn

from backend import websocket
from foundation.clock import SystemClock
from foundation.errors import CannotStart
from foundation.http import CallFailed, Http
from foundation.ports import listening
from foundation.tasks import end

log = logging.getLogger(__name__)

DRAIN_S = 25  # under the 30 s after which an orchestrator stops asking politely
_FAREWELL_S = 2.0


def bind(host: str, port: int, *, setting: str) -> socket.socket:
    """Take the port before anything starts. CannotStart says which setting moves it."""
    try:
        return listening(host, port)
    except OSError as exc:
        why = "is taken by another program" if exc.errno == 98 else f"can't be used ({exc.strerror})"
        raise CannotStart(
            f"port {port} on {host} {why}; stop what uses it, or set {setting} to another (0 picks one)"
        ) from exc


class Server(uvicorn.Server):
    """uvicorn, which also says at once that it is leaving, so that `/readyz` answers no while requests drain, and sockets
    are closed by who opened them."""

    def __init__(self, app: Any, *, on_leaving: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, date_header=False, lifespan="on",
                timeout_graceful_shutdown=DRAIN_S, timeout_keep_alive=30, http="httptools", loop="none",
                proxy_headers=False, h11_max_incomplete_event_size=32_768, **websocket.options(),
            )
        )  # fmt: skip
        self._on_leaving = on_leaving

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave at SIGINT or SIGTERM. uvicorn's own way raises the signal again afterwards, which would end the process
        before what is in hand is finished and the ledger is closed."""
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sig, self.handle_exit, sig, None)
        try:
            yield
        finally:
            for sig in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(sig)

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._on_leaving()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn cuts every open socket here, whatever is still to be said on it; so they go first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                while any(  # noqa: ASYNC110 -- uvicorn tells nobody when one has gone
                    isinstance(one, websocket.WebSocket) and one.is_open() for one in self.server_state.connections
                ):
                    await asyncio.sleep(0.02)
        await super().shutdown(sockets)


@contextlib.asynccontextmanager
async def following(clock: SystemClock, url: str, http: Http) -> AsyncIterator[None]:
    """While inside, the legal day is the one the sandbox says (development only; with no url, nothing happens)."""
    if not url:
        yield
        return
    task = asyncio.create_task(_follow(clock, url, http))
    try:
        yield
    finally:
        await end(task)


async def _follow(clock: SystemClock, url: str, http: Http) -> None:
    while True:
        try:
            reply = await http.request("GET", url, deadline_s=2)
            clock.move_to(date.fromisoformat(reply.json()["today"]))
        except (CallFailed, ValueError, KeyError, TypeError):
            log.debug("the sandbox's clock does not answer")
        await asyncio.sleep(0.5)


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it exists."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
