"""graphql-transport-ws: operations over a WebSocket, as the `graphql-ws` client speaks it, one socket for many.

The protocol and its close codes: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. What it leaves open is
decided so: whoever's token ends is closed with 4403, which that client answers by connecting anew with a new token
(after 4401 it gives up); a server that leaves closes with 1001, which it takes as a reason to connect elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from contextlib import ExitStack, aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import orjson

from foundation.errors import BadInput, SuperAppError, TooMany, Unauthenticated, Unavailable
from foundation.language import Language, Text, negotiate
from foundation.store import PyMongoError
from foundation.telemetry import Metrics
from resolvers import replies
from resolvers.limits import Limits
from resolvers.operations import Caller, Operations, Places, outcome
from resolvers.request import Asked, Receive, Scope, Send, asked_from, headers_of, loads

log = logging.getLogger(__name__)

PROTOCOL = "graphql-transport-ws"

_REASON_BYTES = 123  # what RFC 6455 leaves for a reason
_ID_CHARS = 128
_FAREWELL_S = 2.0  # for a close frame to go out; a reader who is stuck isn't waited for
_MESSAGE = Text(th="ข้อความ", en="the message")
_HEADERS = ("authorization", "accept-language")
# What a browser can't set on a handshake. `Cache-Control` counts here only: browsers put it on every handshake.
_PAYLOAD_HEADERS = (*_HEADERS, "cache-control")


class Sockets:
    """All sockets of one process."""

    def __init__(self, operations: Operations, *, origins: Collection[bytes], limits: Limits, metrics: Metrics) -> None:
        self._operations = operations
        self._origins = origins
        self._limits = limits
        self._metrics = metrics
        self._places = Places(most=limits.sockets, strangers=limits.strangers, what="sockets", th="socket")
        self._open: set[_Socket] = set()
        self._is_leaving = False

    def leave(self) -> None:
        """Say goodbye to everybody; nobody new is let in."""
        self._is_leaving = True
        for socket in list(self._open):
            socket.end(1001, "the server is leaving")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = headers_of(scope)
        if (await receive())["type"] != "websocket.connect":
            return
        if self._is_leaving or not self._may_come_from(request.get(b"origin"), request.get(b"host", b"")):
            # Before the handshake is accepted: a page elsewhere mustn't even learn that there is a socket.
            await send({"type": "websocket.close"})
            return
        if PROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        address = (scope.get("client") or ("unknown",))[0]
        socket = _Socket(
            self._operations, self._places, request=request, address=address, limits=self._limits,
            metrics=self._metrics, receive=receive, send=send,
        )  # fmt: skip
        self._open.add(socket)
        open_now = self._metrics.streams.labels("socket")
        open_now.inc()
        try:
            await socket.run()
        finally:
            open_now.dec()
            self._open.discard(socket)

    def _may_come_from(self, origin: bytes | None, host: bytes) -> bool:
        """A browser says from which page it comes: one of ours, or of this very host. What is no browser says nothing."""
        if origin is None or origin in self._origins:
            return True
        try:
            return bool(host) and urlsplit(origin.lower()).netloc == host.lower()
        except ValueError:
            return False


class _Close(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Socket:
    """One socket from its handshake to its end: one task that reads, and one for each operation."""

    def __init__(
        self,
        operations: Operations,
        places: Places,
        *,
        request: Mapping[bytes, bytes],
        address: str,
        limits: Limits,
        metrics: Metrics,
        receive: Receive,
        send: Send,
    ) -> None:
        self._operations = operations
        self._places = places
        self._said = {name: request[name.encode()].decode("latin-1")[:10_000] for name in _HEADERS
                      if name.encode() in request}  # fmt: skip
        self._address = address
        self._limits = limits
        self._metrics = metrics
        self._receive = receive
        self._send = send
        self._language: Language = negotiate(self._said.get("accept-language"))
        self._caller: Caller | None = None  # known once the connection is acknowledged
        self._is_initialised = False
        self._wants_anew = False
        self._holding = ExitStack()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[_Close | None] = loop.create_future()
        self._no_init = loop.call_later(limits.init_s, self.end, 4408, "Connection initialisation timeout")

    def end(self, code: int, reason: str) -> None:
        """Close the socket, unless it is closing for another reason already."""
        self._end(_Close(code, reason))

    async def run(self) -> None:
        """Serve the socket until one side ends it. Nothing that it began is left behind."""
        self._start(self._read())
        try:
            close = await self._over
            if close is not None:
                for task in self._tasks:
                    task.cancel()
                await self._say_goodbye(close)
        finally:
            self._no_init.cancel()
            self._end(None)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._holding.close()

    async def _say_goodbye(self, close: _Close) -> None:
        reason = close.reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._send({"type": "websocket.close", "code": close.code, "reason": reason})

    def _end(self, close: _Close | None) -> None:
        if not self._over.done():
            self._over.set_result(close)

    def _start(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ---- what comes in

    async def _read(self) -> None:
        """One message after another. Until it is dealt with nothing more is read, so nothing can pile up."""
        try:
            while True:
                received = await self._receive()
                if received["type"] == "websocket.disconnect":
                    self._end(None)
                    return
                await self._take(self._message(received.get("text")))
        except _Close as close:
            self._end(close)
        except OSError:
            self._end(None)  # it went while we answered
        except Exception as exc:  # noqa: BLE001 -- the edge: nothing may leave here unmasked
            replies.masked(exc, self._language, where="the socket")
            self.end(4500, "Internal server error")

    def _message(self, text: str | None) -> dict[str, Any]:
        if text is None:
            raise _Close(4400, "messages are text frames")
        content = text.encode()
        if len(content) > self._limits.body_bytes:
            raise _Close(1009, f"a message has at most {self._limits.body_bytes} bytes")
        try:
            message = loads(content, _MESSAGE)
        except BadInput as exc:
            raise _Close(4400, exc.message) from None
        if not isinstance(message, dict):
            raise _Close(4400, "a message is a JSON object")
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "connection_init":
                await self._initialise(_payload(message))
            case "ping":
                payload = _payload(message)
                try:
                    await self._tell({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
                except orjson.JSONEncodeError:  # it reads deeper than it writes
                    raise _Close(4400, "the payload is nested too deeply") from None
            case "pong":
                _payload(message)
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                running = self._running.pop(_id(message), None)
                if running is not None:
                    running.cancel()
            case str():
                raise _Close(4400, "a message of this type is not expected here")
            case _:
                raise _Close(4400, "a message has a 'type', which is a text")

    async def _initialise(self, payload: dict[str, Any] | None) -> None:
        if self._is_initialised:
            raise _Close(4429, "Too many initialisation requests")
        self._is_initialised = True
        self._no_init.cancel()
        said = self._said | _headers_in(payload or {})
        self._language = negotiate(said.get("accept-language"))
        self._wants_anew = "no-cache" in said.get("cache-control", "").lower()
        try:
            caller = await self._operations.who(said.get("authorization"), address=self._address)
            self._operations.admit(caller)
            self._holding.enter_context(self._places.taken(caller))
        except (Unavailable, PyMongoError) as exc:
            log.warning("a socket could not be initialised", extra={"why": type(exc).__name__})
            raise _Close(1013, "try again later") from None
        except TooMany as exc:
            raise _Close(4403, f"too many requests; try again in {int(exc.facts['retry_after_s']) + 1} s") from None
        except SuperAppError as exc:
            raise _Close(4403, exc.message) from None
        self._caller = caller
        if caller.session is not None:
            self._start(self._watch(caller))
        await self._tell({"type": "connection_ack"})

    async def _watch(self, caller: Caller) -> None:
        self.end(4403, (await self._operations.signed_out(caller)).message)

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if self._caller is None:
            raise _Close(4401, "Unauthorized")
        name = _id(message)
        if name in self._running:
            raise _Close(4409, f"Subscriber for {name} already exists")
        try:
            asked = asked_from(message.get("payload"))
        except BadInput as exc:
            raise _Close(4400, exc.message) from None
        if len(self._running) >= self._limits.operations:
            told = TooMany(
                f"at most {self._limits.operations} operations run at once in one socket",
                th=f"หนึ่ง socket ทำงานพร้อมกันได้ไม่เกิน {self._limits.operations} operation",
            )
            await self._tell({"id": name, "type": "error", "payload": [replies.error(told, self._language)]})
            return
        self._running[name] = self._start(self._run(name, asked, self._caller))

    # ---- what goes out

    async def _run(self, name: str, asked: Asked, caller: Caller) -> None:
        """One operation, to its last message."""
        operations, language = self._operations, self._language
        last: dict[str, Any] = {"id": name, "type": "complete"}
        became = "answered"
        try:
            await operations.look_again(caller)
            operations.admit(caller)
            context = operations.context(caller, language, anew=self._wants_anew)
            prepared = operations.prepare(asked, context)
            async with aclosing(operations.answers(prepared, asked, context, caller)) as answers:
                async for answer in answers:
                    await self._tell({"id": name, "type": "next", "payload": answer})
        except _Gone:
            return
        except Unauthenticated as exc:
            if caller.session is not None:  # signed in no longer: that is the end of all that runs here
                self.end(4403, exc.message)
                return
            last, became = {"id": name, "type": "error", "payload": operations.errors(exc, language)}, outcome(exc)
        except Exception as exc:  # noqa: BLE001 -- the edge: nothing may leave here unmasked
            last, became = {"id": name, "type": "error", "payload": operations.errors(exc, language)}, outcome(exc)
        finally:
            if self._running.get(name) is asyncio.current_task():
                del self._running[name]  # before the last message: who has read it may use the id again
        self._metrics.requests.labels("socket", became).inc()
        with suppress(_Gone):
            await self._tell(last)

    async def _tell(self, message: dict[str, Any]) -> None:
        """Waits while the client reads more slowly than we write."""
        if self._over.done():
            raise _Gone
        try:
            await self._send({"type": "websocket.send", "text": orjson.dumps(message).decode()})
        except OSError:
            self._end(None)
            raise _Gone from None


class _Gone(OSError):
    """Nobody listens any more."""


def _payload(message: dict[str, Any]) -> dict[str, Any] | None:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise _Close(4400, "'payload' is an object here, or left out")
    return payload


def _id(message: dict[str, Any]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= _ID_CHARS:
        raise _Close(4400, f"'id' is a text of 1 to {_ID_CHARS} characters")
    return name


def _headers_in(payload: dict[str, Any]) -> dict[str, str]:
    """What a payload says in the place of headers, by lower-case name; the rest of it is the app's own."""
    said: dict[str, str] = {}
    for key, value in payload.items():
        name = key.lower()
        if name not in _PAYLOAD_HEADERS:
            continue
        if not isinstance(value, str):
            raise _Close(4400, f"'{name}' in the payload is a text")
        if name in said:
            raise _Close(4400, f"'{name}' is in the payload twice")
        said[name] = value
    return said
