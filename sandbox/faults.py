"""Agencies on a bad day: slow, down, lying, dripping, broken in every way that real ones are.

A layer around the whole sandbox, so that no agency knows about its own bad days. It lets the agency answer first and
then spoils the answer, which keeps the dialect right. Only three faults reach an agency: `lying` (it must find another
person to talk about), `disagreeing` (it has the person's birth a year off) and a fault in one part of a batched answer
(DOPA's services).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.control import JsonReply, Refused, read_json

KINDS = (
    *("slow", "down", "lying", "dripping", "html", "malformed", "truncated", "reset", "error", "huge"),
    *("duplicate_key", "wrong_type", "refreshing", "disagreeing"),
)
KINDS_IN_A_PART = ("slow", "lying", "error", "refreshing", "disagreeing")
HUGE_BYTES = 100 * 1024 * 1024
_LYING = "sandbox.lying"
_DISAGREEING = "sandbox.disagreeing"
_TRANSPORT = "sandbox.transport"
_LEAF = re.compile(rb"<([\w:]+)(?:\s[^<>]*)?>[^<]+</\1>")  # an element of XML with a text in it
_WAF_PAGE = """<!DOCTYPE html><html lang="th"><head><title>Request Rejected</title></head><body>
<h1>ขออภัย ระบบปิดปรับปรุงชั่วคราว</h1><p>The requested URL was rejected. Please consult with your administrator.</p>
</body></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where one agency answers, what can be asked there, and how it words a failure of its own."""

    agency: str
    prefix: str
    operations: tuple[str, ...]
    operation_of: Callable[[str, str, bytes], str | None]  # method, path below the prefix, body
    failure: Callable[[int], Any]  # status → JSON in the agency's dialect
    parts: tuple[str, ...] = ()  # what one batched answer is made of; such a part can fail alone
    # By path below the prefix, how it says that its records are being brought up to date: by None where they aren't
    # looked at, and without this by 503, in the words of a failure.
    refreshing: Callable[[str], Response | None] | None = None
    can_disagree: bool = False  # it tells of births, so that another agency can be contradicted


@dataclass(slots=True, kw_only=True)
class Fault:
    id: int
    agency: str
    kind: str
    operation: str | None
    delay_s: float
    status: int | None
    retry_after_s: int
    times_left: int | None
    ends_at: float | None  # on the monotonic clock
    hits: int = 0

    def is_over(self) -> bool:
        return self.times_left == 0 or (self.ends_at is not None and time.monotonic() >= self.ends_at)

    def shown(self) -> dict[str, Any]:
        left = None if self.ends_at is None else max(0, round(self.ends_at - time.monotonic(), 3))
        return {
            "id": self.id,
            "agency": self.agency,
            "fault": self.kind,
            "operation": self.operation,
            "delay_ms": round(self.delay_s * 1000),
            "status": self.status,
            "retry_after_s": self.retry_after_s,
            "times": self.times_left,
            "for_s": left,
            "hits": self.hits,
        }


@dataclass(slots=True)
class _Answer:
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class Faults:
    """The list of what is wrong with whom, its switches, and the layer that makes it felt."""

    def __init__(self, doors: tuple[Door, ...]) -> None:
        self._doors = doors
        self._live: list[Fault] = []
        self._latency: dict[str, float] = {}
        self._ids = itertools.count(1)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let nobody wait any longer: the server is going down."""
        self._stopping.set()

    def reset(self) -> None:
        """Everybody is well."""
        self._live, self._latency = [], {}

    def take_part(self, agency: str, part: str) -> Fault | None:
        """The fault of one part of a batched answer, if that part was singled out; it counts as met."""
        return self._take(agency, (part,))

    def _take(self, agency: str, operations: tuple[str | None, ...]) -> Fault | None:
        self._live = [fault for fault in self._live if not fault.is_over()]
        for fault in self._live:
            if fault.agency == agency and fault.operation in operations:
                fault.hits += 1
                if fault.times_left is not None:
                    fault.times_left -= 1
                return fault
        return None

    async def nap(self, seconds: float) -> None:
        """Sleep, unless the server stops first."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def around(self, app: ASGIApp) -> ASGIApp:
        async def with_faults(scope: Scope, receive: Receive, send: Send) -> None:
            is_quiet = scope["type"] != "http" or not (self._live or self._latency)
            doors = [] if is_quiet else [door for door in self._doors if scope["path"].startswith(door.prefix)]
            if doors:
                await self._answer(app, doors, scope, receive, send)
            else:
                await app(scope, receive, send)

        return with_faults

    async def _answer(self, app: ASGIApp, doors: list[Door], scope: Scope, receive: Receive, send: Send) -> None:
        delay_s = max(self._latency.get(door.agency, self._latency.get("*", 0.0)) for door in doors)
        if delay_s:
            await self.nap(delay_s)
        body = await _read_body(receive)
        fault, door = self._which(doors, scope, body)
        if fault is not None and fault.delay_s:
            await self.nap(fault.delay_s)
        if fault is not None and fault.kind == "refreshing":
            await (_refreshing(fault, door, scope["path"]) or app)(scope, _replay(body, receive), send)
        elif fault is None:
            await app(scope, _replay(body, receive), send)
        elif fault.kind in ("down", "error", "html", "huge"):
            await self._instead(fault, door, scope, receive, send)
        else:
            if fault.kind in (told := {"lying": _LYING, "disagreeing": _DISAGREEING}):
                scope[told[fault.kind]] = True
            await self._spoil(fault, await _ask(app, scope, body, receive), scope, receive, send)

    def _which(self, doors: list[Door], scope: Scope, body: bytes) -> tuple[Fault | None, Door]:
        for door in doors:
            operation = door.operation_of(scope["method"], scope["path"].removeprefix(door.prefix), body)
            fault = self._take(door.agency, (None, operation))
            if fault is not None:
                return fault, door
        return None, doors[0]

    async def _instead(self, fault: Fault, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        """The agency isn't asked at all."""
        if fault.kind == "down" and fault.status is None:
            await _hang_up(scope, receive, send)
        elif fault.kind == "html":
            page = Response(_WAF_PAGE, status_code=fault.status or 200, media_type="text/html")
            await page(scope, receive, send)
        elif fault.kind == "huge":
            await self._flood(receive, send)
        else:
            await self._fail(fault, door, scope, receive, send)

    async def _spoil(self, fault: Fault, answer: _Answer, scope: Scope, receive: Receive, send: Send) -> None:
        """The agency has answered, and its answer is harmed on the way."""
        half = answer.body[: len(answer.body) // 2]
        match fault.kind:
            case "malformed":
                await _tell(send, answer, _malformed(answer.body))
            case "truncated":
                await _tell(send, answer, half)
            case "duplicate_key" | "wrong_type":
                await _tell(send, answer, _twisted(answer.body, fault.kind))
            case "reset":
                await _begin(send, answer, len(answer.body))
                await send({"type": "http.response.body", "body": half, "more_body": True})
                await asyncio.sleep(0.02)  # let the first half reach the client before the line is cut
                await _hang_up(scope, receive, send, with_reset=True)
            case "dripping":
                await self._drip(answer, receive, send)
            case _:
                await _tell(send, answer, answer.body)

    @staticmethod
    async def _fail(fault: Fault, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        status = fault.status or 500
        reply = JsonReply(door.failure(status), status_code=status, headers={"retry-after": str(fault.retry_after_s)})
        await reply(scope, receive, send)

    async def _drip(self, answer: _Answer, receive: Receive, send: Send) -> None:
        await _begin(send, answer, len(answer.body))
        async with _watching(receive) as gone:
            for at in range(len(answer.body)):
                if gone.done() or self._stopping.is_set():
                    break
                await send({"type": "http.response.body", "body": answer.body[at : at + 1], "more_body": True})
                await self.nap(1.0)
            else:
                await send({"type": "http.response.body", "body": b""})

    async def _flood(self, receive: Receive, send: Send) -> None:
        """Without a Content-Length, so a client that only looks at that header learns nothing."""
        chunk = b"x" * 65_536
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"data":"', "more_body": True})
        async with _watching(receive) as gone:
            for _ in range(HUGE_BYTES // len(chunk)):
                if gone.done() or self._stopping.is_set():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b'"}'})

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/sandbox/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/latency", self._latencies, methods=["GET", "POST"]),
        ]

    async def _faults(self, request: Request) -> Response:
        self._live = [fault for fault in self._live if not fault.is_over()]
        if request.method == "POST":
            fault = await self._read_fault(request)
            self._live.append(fault)
            return JsonReply(fault.shown(), status_code=201)
        if request.method == "DELETE":
            return JsonReply({"cleared": self._clear(request.query_params.get("agency"))})
        return JsonReply({"faults": [fault.shown() for fault in self._live], "allowed": self._allowed()})

    async def _read_fault(self, request: Request) -> Fault:
        body = await read_json(request)
        agency = body.text("agency", among=self._agencies())
        doors = [door for door in self._doors if door.agency == agency]  # an agency may speak several dialects
        parts = tuple(part for door in doors for part in door.parts)
        kind = body.text("fault", among=KINDS)
        operation = body.text("operation", among=_operations(doors)) if "operation" in body else None
        if operation in parts and kind not in KINDS_IN_A_PART:
            message = f"{operation} is one part of a batched answer; such a part can't be {kind}"
            raise Refused(422, message, allowed=KINDS_IN_A_PART)
        if kind == "disagreeing" and not any(door.can_disagree for door in doors):
            who = tuple(dict.fromkeys(door.agency for door in self._doors if door.can_disagree))
            raise Refused(
                422, f"{agency} tells of no birth, so it can't be disagreeing; {', '.join(who)} can", allowed=who
            )
        status = body.whole_number("status", least=200, most=599) if "status" in body else None
        if status in (204, 205, 304):
            raise Refused(422, f"an answer with the status {status} has no body, so it is no fault")
        delay_ms = body.whole_number("delay_ms", least=0, most=600_000) if "delay_ms" in body else None
        fault = Fault(
            id=next(self._ids),
            agency=agency,
            kind=kind,
            operation=operation,
            delay_s=(3_000 if delay_ms is None and kind == "slow" else delay_ms or 0) / 1000,
            status=status,
            retry_after_s=body.whole_number("retry_after_s", least=0, most=86_400) if "retry_after_s" in body else 1,
            times_left=body.whole_number("times", least=1, most=1_000_000) if "times" in body else None,
            ends_at=time.monotonic() + body.number("for_s", least=0.01, most=86_400) if "for_s" in body else None,
        )
        body.nothing_else()
        return fault

    def _clear(self, agency: str | None) -> int:
        if agency is not None and agency not in self._agencies():
            raise Refused(422, f"agency is not known: {agency[:80]!r}", allowed=self._agencies())
        kept = [fault for fault in self._live if agency is not None and fault.agency != agency]
        cleared = len(self._live) - len(kept)
        self._live = kept
        return cleared

    async def _latencies(self, request: Request) -> Response:
        if request.method == "POST":
            body = await read_json(request)
            names = (*self._agencies(), "*")
            unknown = [name for name in body.rest() if name not in names]
            if unknown:
                raise Refused(422, f"agency is not known: {unknown[0][:80]!r}", allowed=names)
            wanted = {name: body.whole_number(name, least=0, most=60_000) / 1000 for name in names if name in body}
            self._latency.update(wanted)
            self._latency = {name: delay_s for name, delay_s in self._latency.items() if delay_s}
        return JsonReply({name: round(delay_s * 1000) for name, delay_s in self._latency.items()})

    def _agencies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(door.agency for door in self._doors))

    def _allowed(self) -> dict[str, Any]:
        by_agency = {agency: [door for door in self._doors if door.agency == agency] for agency in self._agencies()}
        return {"faults": KINDS, "agencies": {agency: _operations(doors) for agency, doors in by_agency.items()}}


def _operations(doors: Sequence[Door]) -> tuple[str, ...]:
    return tuple(operation for door in doors for operation in door.operations + door.parts)


def _refreshing(fault: Fault, door: Door, path: str) -> Response | None:
    """The nightly window in which an agency takes in the day's changes; None for what goes on in it."""
    if door.refreshing is None:
        reply: Response | None = JsonReply(door.failure(503), status_code=fault.status or 503)
    else:
        reply = door.refreshing(path.removeprefix(door.prefix))
    if reply is not None:
        reply.headers["retry-after"] = str(fault.retry_after_s)
    return reply


def is_lying(request: Request) -> bool:
    """Whether this answer is to be about another person."""
    return _LYING in request.scope


def is_disagreeing(request: Request) -> bool:
    """Whether this answer is to have the person's birth a year off."""
    return _DISAGREEING in request.scope


class Connection(HttpToolsProtocol):
    """uvicorn's connection, which also lets the layer above cut the line: ASGI itself has no word for that."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}


async def _hang_up(scope: Scope, receive: Receive, send: Send, *, with_reset: bool = False) -> None:
    extension = (scope.get("extensions") or {}).get(_TRANSPORT)
    if extension is None:  # another server than ours: the nearest it can do
        await JsonReply({"error": "unavailable"}, status_code=503)(scope, receive, send)
        return
    transport: asyncio.Transport = extension["transport"]
    if with_reset:
        # Lingering for zero seconds makes the kernel answer with RST instead of FIN.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    told = False

    async def once() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


async def _ask(app: ASGIApp, scope: Scope, body: bytes, receive: Receive) -> _Answer:
    """The whole answer, held back."""
    answer = _Answer()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    await app(scope, _replay(body, receive), keep)
    return answer


async def _begin(send: Send, answer: _Answer, length: int) -> None:
    headers = [(k, v) for k, v in answer.headers if k.lower() != b"content-length"]
    headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _tell(send: Send, answer: _Answer, body: bytes) -> None:
    await _begin(send, answer, len(body))
    await send({"type": "http.response.body", "body": body})


def _malformed(body: bytes) -> bytes:
    """As long as the real answer and no JSON: the first colon is gone, the end is a stray comma."""
    return body.replace(b":", b" ", 1)[:-1] + b"," if body else b"{"


def _twisted(body: bytes, kind: str) -> bytes:
    """Still JSON (or XML), but its first key is said twice, or every value at the top is of another type."""
    if body.startswith(b"<"):
        twice, other = rb"\g<0>\g<0>", rb"<\1><value/></\1>"
        return _LEAF.sub(twice, body, count=1) if kind == "duplicate_key" else _LEAF.sub(other, body)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(content, dict) or not content:
        return body
    if kind == "duplicate_key":
        return body.rstrip()[:-1] + b"," + orjson.dumps(next(iter(content))) + b":null}"
    of_another: dict[type, Any] = {str: 7, int: "7", float: "7", bool: "yes", list: {}, dict: [], type(None): True}
    return orjson.dumps({name: of_another[type(value)] for name, value in content.items()})


@contextlib.asynccontextmanager
async def _watching(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """A task that is done when the client has hung up."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watch = asyncio.create_task(until_gone())
    try:
        yield watch
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
