"""Serving the sandbox: take the port first, then start, say where, and stop politely.

The port is taken before anything else happens, so that a taken one is an OSError and nothing half-started, and port 0
is known by its real number when the addresses in answers are made.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from datetime import date
from types import FrameType

import uvicorn

from foundation.ports import listening
from sandbox.agencies.standard import Described
from sandbox.app import Sandbox, build
from sandbox.faults import Connection
from sandbox.nation import Nation

DRAIN_S = 3


async def serve(
    *,
    day_zero: date,
    host: str = "127.0.0.1",
    port: int = 8100,
    seed: int = 2569,
    size: int = 66_000_000,
    api_url: str | None = None,
    base_url: str | None = None,
    agencies: Sequence[Described] = (),
    on_ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set, this task is cancelled, or (on the main thread) SIGINT or SIGTERM comes.

    Port 0 picks a free one; `on_ready` is told the address. OSError when the port is taken, before anything starts.
    """
    taken = listening(host, port)
    try:
        address = base_url or f"http://{_reachable(host)}:{taken.getsockname()[1]}"
        nation = Nation(seed=seed, size=size, day_zero=day_zero)
        sandbox = build(nation, api_url=api_url, base_url=address, agencies=agencies)
    except BaseException:
        taken.close()
        raise
    server = _Server(sandbox, on_ready=lambda: on_ready(address) if on_ready else None)
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    stopping = asyncio.create_task(stop.wait()) if stop else None
    try:
        await asyncio.wait({serving, stopping} if stopping else {serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.leave()
        if stopping is not None:
            stopping.cancel()
        await serving


class _Server(uvicorn.Server):
    def __init__(self, sandbox: Sandbox, *, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                sandbox,
                http=Connection,
                ws="none",
                loop="none",
                lifespan="on",
                log_config=None,
                access_log=False,  # addresses here hold identity numbers and secrets
                server_header=False,
                timeout_graceful_shutdown=DRAIN_S,
                timeout_keep_alive=30,
            )
        )
        self._sandbox = sandbox
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._sandbox.hang_up()
        super().handle_exit(sig, frame)

    def leave(self) -> None:
        self._sandbox.hang_up()
        self.should_exit = True


def _reachable(host: str) -> str:
    """An address by which a server that listens everywhere can be called."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - named here so as not to be shown
    return f"[{name}]" if ":" in name else name
