"""The client, against a real server that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import TCPConnector

from foundation.errors import BadInput
from foundation.http import CallFailed, Http, check_endpoint, is_public

Serve = Callable[[Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with contextlib.AsyncExitStack() as stack:

        async def start(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> str:
            async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with contextlib.suppress(ConnectionError):
                    await reader.readuntil(b"\r\n\r\n")
                    await answer(reader, writer)
                writer.close()

            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            stack.callback(server.close)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

        yield start


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http()
    yield client
    await client.close()


def plain(body: bytes, *, headers: str = "", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


async def test_any_status_is_an_answer(serve: Serve, http: Http) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(b'{"a":1}', headers="Retry-After: 7\r\nContent-Type: application/json; charset=utf-8\r\n",
                           status="503 Service Unavailable"))  # fmt: skip

    reply = await http.request("GET", await serve(answer), deadline_s=2)

    assert (reply.status, reply.json(), reply.retry_after_s(), reply.content_type) == (
        503,
        {"a": 1},
        7,
        "application/json",
    )


async def test_one_byte_a_second_is_cut_at_the_deadline(serve: Serve, http: Http) -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    began = time.monotonic()
    with pytest.raises(CallFailed, match="DEADLINE"):
        await http.request("GET", await serve(drip), deadline_s=0.3)

    assert time.monotonic() - began < 5


async def test_an_answer_too_large_is_not_read_to_its_end(serve: Serve, http: Http) -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    address = await serve(flood)
    with pytest.raises(CallFailed, match="TOO_LARGE"):
        await http.request("GET", address, deadline_s=5, max_body=10_000)
    assert len((await http.request("GET", address, deadline_s=5, max_body=10_000, cut_body=True)).body) == 10_000
    assert sent < 50_000_000


async def test_a_redirect_is_not_followed(serve: Serve, http: Http) -> None:
    async def elsewhere(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(b"", headers="Location: http://127.0.0.1:1/\r\n", status="302 Found"))

    assert (await http.request("GET", await serve(elsewhere), deadline_s=2)).status == 302


@pytest.mark.parametrize("said", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"])
async def test_a_broken_answer_is_a_failed_connection(said: bytes, serve: Serve, http: Http) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    with pytest.raises(CallFailed, match="CONNECTION"):
        await http.request("GET", await serve(answer), deadline_s=2)


async def test_a_closed_port_and_a_foolish_address_are_failed_connections(http: Http) -> None:
    for url in ("http://127.0.0.1:1/", "http://[::bad/", "nonsense"):
        with pytest.raises(CallFailed, match="CONNECTION"):
            await http.request("GET", url, deadline_s=2)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://2130706433:{port}/"]
)  # fmt: skip
async def test_a_client_for_others_addresses_does_not_reach_inside(url: str, serve: Serve) -> None:
    reached = False

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        reached = True
        writer.write(plain(b"inside"))

    port = (await serve(answer)).rsplit(":", 1)[1].strip("/")
    guarded = Http(public_only=True)
    with pytest.raises(CallFailed):
        await guarded.request("GET", url.format(port=port), deadline_s=2)
    await guarded.close()

    assert not reached


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "127.0.0.1", "169.254.169.254", "192.0.0.8", "::1", "fd00::1", "::ffff:10.0.0.1", "100.64.0.1"],
)
def test_an_inside_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_an_outside_address_is_public() -> None:
    assert is_public("203.150.1.1")
    assert is_public("2001:fb0::1")


@pytest.mark.parametrize(
    "url",
    ["ftp://x.go.th/", "https://user:pass@x.go.th/", "https:///path", "https://x.go.th:99999/", "https://x.go.th/#a", "http://x.go.th/",
     "https://127.0.0.1/", "https://[::1]/", "https://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_an_endpoint_that_we_would_not_call_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadInput):
        check_endpoint(url, public_only=True)


def test_the_private_hook_that_judges_addresses_still_exists() -> None:
    assert asyncio.iscoroutinefunction(TCPConnector._resolve_host)
