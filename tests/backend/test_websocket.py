"""What uvicorn adds to a socket: heartbeats, bounds, and a goodbye when the process leaves."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from backend import websocket
from backend.app import House, build
from backend.processes import Server, bind
from foundation import settings
from tests.resolvers.streaming import until
from tests.serving import serving

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An app that says back what it hears."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (heard := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": heard["text"]})


class Raw:
    """A client that does only what a test tells it to."""

    def __init__(self, url: str, *, window: int | None = None) -> None:
        address = urlsplit(url)
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(10)
        self.socket.connect((address.hostname, address.port))

    async def shake_hands(self, path: str = "/graphql", headers: bytes = b"") -> bytes:
        await asyncio.to_thread(
            self.socket.sendall,
            b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n" + headers + b"\r\n",
        )
        reply = b""
        while not reply.endswith(b"\r\n\r\n"):
            reply += await asyncio.to_thread(self.socket.recv, 1)
        return reply

    async def send(self, opcode: Opcode, content: bytes) -> None:
        await asyncio.to_thread(self.socket.sendall, Frame(opcode, content).serialize(mask=True))

    async def read(self, size: int) -> bytes:
        got = b""
        while len(got) < size and (more := await asyncio.to_thread(self.socket.recv, size - len(got))):
            got += more
        return got


@asynccontextmanager
async def raw(url: str, **options: Any) -> AsyncIterator[Raw]:
    client = Raw(url, **options)
    try:
        yield client
    finally:
        client.socket.close()


async def test_who_answers_the_heartbeat_stays() -> None:
    async with (
        serving(echo, **websocket.options(heartbeat_s=0.1)) as url,
        connect(url.replace("http", "ws"), proxy=None) as client,
    ):
        await asyncio.sleep(0.6)
        await client.send("still there")
        assert await client.recv() == "still there"


async def test_who_leaves_a_heartbeat_unanswered_is_gone() -> None:
    async with serving(echo, **websocket.options(heartbeat_s=0.1)) as url, raw(url) as client:
        await client.shake_hands()

        assert (await client.read(2))[0] == 0x80 | Opcode.PING
        said = await client.read(1_000)  # until the server closes

    assert (1011).to_bytes(2, "big") + b"keepalive ping timeout" in said


async def test_a_client_that_is_stuck_is_cut_off() -> None:
    """It neither reads nor answers: closing would wait for ever until it has taken what waits for it."""
    gone = asyncio.Event()

    async def pours(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": "x" * 60_000})
        except OSError:
            gone.set()

    async with serving(pours, **websocket.options(heartbeat_s=0.3)) as url, raw(url, window=2_048) as client:
        await client.shake_hands()
        async with asyncio.timeout(10):
            await gone.wait()


async def test_pings_whose_answers_are_not_read_pile_up_nowhere() -> None:
    sockets: list[websocket.WebSocket] = []

    class Watched(websocket.WebSocket):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            sockets.append(self)

    many = b"".join(Frame(Opcode.PING, b"p" * 125).serialize(mask=True) for _ in range(1_000))
    async with serving(echo, **websocket.options() | {"ws": Watched}) as url, raw(url, window=2_048) as client:
        await client.shake_hands()
        for _ in range(300):  # 37 MB of answers
            await asyncio.to_thread(client.socket.sendall, many)

        (there,) = sockets
        assert not there.writable.is_set()
        assert there.transport.get_write_buffer_size() < 1_000_000


async def test_what_is_not_compressed_is_bounded() -> None:
    async with serving(echo, **websocket.options()) as url, connect(url.replace("http", "ws"), proxy=None) as client:
        assert client.protocol.extensions == []
        await client.send("x" * 65_536)
        assert len(await client.recv()) == 65_536
        await client.send("x" * 65_537)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1009


async def test_a_handshake_leaves_no_trace_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async with serving(echo, **websocket.options()) as url, raw(url) as client:
        await client.shake_hands("/graphql?token=eyJsecret", b"Authorization: Bearer eyJsecret\r\n")
        await client.send(Opcode.TEXT, b"my number is 1000000000076")
        await client.read(10)
        await client.send(Opcode.TEXT, b"\xff")
        await client.read(10)

    assert "eyJsecret" not in caplog.text
    assert "1000000000076" not in caplog.text


# ---- the process leaves


class Hasty(Server):
    """Can be told at the worst moment, which is just before uvicorn looks whether it was told."""

    is_told = False

    async def on_tick(self, counter: int) -> bool:
        if self.is_told and not self.should_exit:
            self.handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    url: str
    token: str
    server: Hasty

    def leave(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(
            self.url.replace("http", "ws"), subprotocols=protocols, proxy=None, open_timeout=5
        ) as client:
            yield client


@pytest.fixture
async def api(mongodb_uri: str, database: str, sandbox_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """The API as the `serve` process has it, and a token for it."""
    told = settings.read(
        {
            "TANGRAT_MONGODB_URI": mongodb_uri, "TANGRAT_DATA_DIR": str(tmp_path),
            "TANGRAT_MONGODB_DATABASE": database,
            "TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_url).port),
        }
    )  # fmt: skip
    port = bind("127.0.0.1", 0, setting="TANGRAT_PORT")
    async with House(told, process="test") as house:
        person = (await house.people.ensure("1000000000041")).id
        pair = await house.tokens.begin(person, ial="2.3", aal="2.1", client_id="app")
        server = Hasty(build(house), on_leaving=house.leave)
        running = asyncio.create_task(server.serve(sockets=[port]))
        await until(lambda: server.started)
        yield Api(url=f"http://127.0.0.1:{port.getsockname()[1]}/graphql", token=pair.access_token, server=server)
        server.should_exit = True
        await running
        assert house.is_leaving


@pytest.mark.parametrize("is_hasty", [False, True])
async def test_sockets_are_closed_with_1001(is_hasty: bool, api: Api) -> None:
    init = orjson.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {api.token}"}}).decode()

    async with api.socket() as client:
        await client.send(init)
        await client.recv()
        if is_hasty:
            api.server.is_told = True
        else:
            api.leave()
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(5):
                await client.recv()

        assert (client.close_code, client.close_reason) == (1001, "the server is leaving")


async def test_event_streams_end_without_complete(api: Api, switch: Callable[..., Any]) -> None:
    switch("POST", "faults", {"agency": "dopa", "fault": "slow", "delay_ms": 30_000})
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {api.token}"}
    query = {"query": "subscription { answers(sections: [PROFILE, HEALTHCARE]) { section } }"}

    async with aiohttp.ClientSession() as session, session.post(api.url, json=query, headers=headers) as reply:
        said = b""
        while b"HEALTHCARE" not in said:
            line = await reply.content.readline()
            assert line, said
            said += line
        api.leave()
        async with asyncio.timeout(5):
            said += await reply.read()  # to its proper end: a broken one raises

    assert b"complete" not in said


async def test_nobody_new_is_let_in(api: Api) -> None:
    """Between the signal and the last answer the port is still open."""
    async with api.socket():
        api.leave()
        with pytest.raises((InvalidStatus, OSError)):
            async with api.socket():
                pass
