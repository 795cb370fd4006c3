"""What a phone or a browser does to hear more than one answer: a socket, or an event stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.resolvers.conftest import Graph

PROTOCOL = Subprotocol("graphql-transport-ws")
SOON_S = 10.0  # nothing that a test waits for takes longer


async def until(is_so: Callable[[], bool]) -> None:
    """Comes back once something is so that nobody is told of; a TimeoutError where it never is."""
    async with asyncio.timeout(SOON_S):
        while not is_so():  # noqa: ASYNC110 -- that nobody is told of it is the reason for this
            await asyncio.sleep(0.01)


class Socket:
    """One end of graphql-transport-ws, as the `graphql-ws` client holds it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, message: Any) -> None:
        """A message as it is: text and bytes stay, anything else becomes JSON."""
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(SOON_S):
            said = await self.connection.recv()
        assert isinstance(said, str), "messages are text frames"
        return orjson.loads(said)

    async def subscribe(self, name: str, query: str, **payload: Any) -> None:
        await self.say({"id": name, "type": "subscribe", "payload": {"query": query, **payload}})

    async def hear_all(self, name: str) -> list[Any]:
        """The payloads for one operation until it is over; then what it ended with, if that was an error."""
        heard: list[Any] = []
        while True:
            message = await self.hear()
            if message.get("id") != name:
                continue
            if message["type"] == "complete":
                return heard
            heard.append(message["payload"])
            if message["type"] == "error":
                return heard

    async def ask(self, query: str, **payload: Any) -> list[Any]:
        await self.subscribe("asked", query, **payload)
        return await self.hear_all("asked")

    async def closed(self) -> tuple[int | None, str]:
        """With which code and reason the server closes, whatever it says before."""
        try:
            async with asyncio.timeout(SOON_S):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def socket_to(
    graph: Graph,
    *,
    origin: str | None = None,
    protocols: list[Subprotocol] | None = None,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> AsyncIterator[Socket]:
    """An open socket of whoever `graph` is signed in as, not initialised."""
    async with connect(
        graph.url.replace("http:", "ws:"), subprotocols=[PROTOCOL] if protocols is None else protocols or None,
        additional_headers={**graph.headers, **(headers or {})}, origin=origin, compression=None,  # type: ignore[arg-type]  # a NewType of str
        proxy=None, **options,
    ) as connection:  # fmt: skip
        yield Socket(connection)


@asynccontextmanager
async def ready_socket(graph: Graph, *, payload: Any = None, **options: Any) -> AsyncIterator[Socket]:
    """The same, acknowledged."""
    async with socket_to(graph, **options) as socket:
        await socket.say({"type": "connection_init"} | ({} if payload is None else {"payload": payload}))
        assert await socket.hear() == {"type": "connection_ack"}
        yield socket


class Events:
    """One event stream, as it arrives."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self._reply = reply

    async def raw(self) -> str:
        """The next block of lines; empty at the end of the stream."""
        async with asyncio.timeout(SOON_S):
            lines = []
            while line := (await self._reply.content.readline()).decode():
                if line == "\n":
                    break
                lines.append(line)
            return "".join(lines)

    async def hear(self) -> tuple[str, Any]:
        """The next event and its data, past signs of life; `("end", None)` where the stream ends."""
        while block := await self.raw():
            told = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if told:
                return told["event"], orjson.loads(told["data"]) if told["data"] else None
        return "end", None

    async def hear_all(self) -> list[tuple[str, Any]]:
        heard = []
        while (event := await self.hear())[0] != "end":
            heard.append(event)
        return heard

    async def body(self) -> Any:
        """What came instead of a stream."""
        return orjson.loads(await self._reply.read())


@asynccontextmanager
async def events_of(
    graph: Graph, query: str, *, method: str = "POST", accept: str = "text/event-stream", **body: Any
) -> AsyncIterator[Events]:
    asked = {"query": query, **body}
    headers = {**graph.headers, "Accept": accept}
    sent: dict[str, Any] = {"json": asked} if method == "POST" else {"params": asked}
    async with aiohttp.ClientSession() as session, session.request(method, graph.url, headers=headers, **sent) as reply:
        yield Events(reply)
