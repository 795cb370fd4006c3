"""An ASGI app on a real socket, in the event loop of the test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from foundation.ports import free_port

Serve = Callable[[ASGIApp], Awaitable[str]]


@asynccontextmanager
async def serving(app: ASGIApp, *, port: int | None = None, ws: Any = "none", **options: Any) -> AsyncIterator[str]:
    """`backend.websocket.options()` are what our own processes are told about WebSockets."""
    port = port or free_port()
    server = _Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off", ws=ws, **options))
    running = asyncio.create_task(server.serve())
    await server.up.wait()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = server.force_exit = True  # nobody is waiting for an answer any more
    await running


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()
