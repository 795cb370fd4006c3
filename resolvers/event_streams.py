"""graphql-sse: the answers of one operation as server-sent events, over plain HTTP ("distinct connections mode").

The protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. An operation that is refused is an event
too, because a browser doesn't show the body of a 400. A server that leaves ends its streams without `complete`: that is
how a client knows to ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson

from foundation.language import Language
from foundation.telemetry import Metrics
from resolvers.limits import Limits
from resolvers.operations import Caller, NotRun, Operations, Places, Reply, outcome
from resolvers.request import Receive, Send

Headers = list[tuple[bytes, bytes]]

# An event without data is none to a browser, hence the empty line of data.
_COMPLETE = b"event: complete\ndata: \n\n"
_SIGN_OF_LIFE = b":\n\n"
_FAREWELL_S = 2.0
HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back until it has a page full
]


class EventStreams:
    """All event streams of one process."""

    def __init__(self, operations: Operations, *, limits: Limits, metrics: Metrics) -> None:
        self._operations = operations
        self._limits = limits
        self._metrics = metrics
        self._open_now = metrics.streams.labels("events")
        self._ends: set[asyncio.Future[None]] = set()
        self._is_leaving = False
        self.places = Places(
            most=limits.event_streams, strangers=limits.strangers, what="event streams", th="event stream"
        )

    def leave(self) -> None:
        """End every stream; one that begins now ends at once."""
        self._is_leaving = True
        for end in self._ends:
            if not end.done():
                end.set_result(None)

    async def serve(
        self,
        answers: AsyncGenerator[Reply, None] | NotRun,
        caller: Caller,
        language: Language,
        *,
        headers: Headers,
        receive: Receive,
        send: Send,
    ) -> None:
        """The whole response. Comes back when all is said, the client has hung up or is stuck, or the server leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        writer = _Writer(self._operations, language, send, stuck_s=self._limits.stuck_s)
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._is_leaving:
            end.set_result(None)
        self._ends.add(end)
        self._open_now.inc()
        writing = asyncio.create_task(writer.write_all(answers))
        hung_up = asyncio.create_task(_hung_up(receive))
        signed_out = asyncio.create_task(self._operations.signed_out(caller))
        tasks: list[asyncio.Task[Any]] = [writing, hung_up, signed_out]
        try:
            done: set[Any] = set()
            while not done:
                done, _ = await asyncio.wait(
                    [*tasks, end], timeout=self._limits.heartbeat_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    await writer.write(_SIGN_OF_LIFE)
            if hung_up in done:
                return
            if writing not in done:
                writing.cancel()
                await asyncio.wait([writing])
                if signed_out in done:
                    await writer.refuse(signed_out.result())
            await writer.finish()
        except _Stuck:
            pass  # it reads no more, so there is nobody to tell
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._ends.discard(end)
            self._open_now.dec()
            self._metrics.requests.labels("events", writer.became).inc()


class _Writer:
    """One response, an event at a time: an event waits until the one before is on its way."""

    def __init__(self, operations: Operations, language: Language, send: Send, *, stuck_s: float) -> None:
        self._operations = operations
        self._language = language
        self._send = send
        self._stuck_s = stuck_s
        self.became = "answered"

    async def write(self, content: bytes) -> None:
        """_Stuck where the client takes nothing."""
        await self._body(content, more=True, within_s=self._stuck_s)

    async def write_all(self, answers: AsyncGenerator[Reply, None] | NotRun) -> None:
        # At once, so that a client (and whatever stands between) knows that it is connected.
        await self.write(_SIGN_OF_LIFE)
        if isinstance(answers, NotRun):
            await self.refuse(answers)
            return
        try:
            async with aclosing(answers):
                async for answer in answers:
                    await self._next(answer)
        except _Stuck:
            raise
        except Exception as exc:  # noqa: BLE001 -- the edge: nothing may leave here unmasked
            await self.refuse(exc)
        else:
            await self.write(_COMPLETE)

    async def refuse(self, exc: Exception) -> None:
        """The errors, as the last event."""
        self.became = outcome(exc)
        await self._next({"errors": self._operations.errors(exc, self._language)})
        await self.write(_COMPLETE)

    async def finish(self) -> None:
        await self._body(b"", more=False, within_s=_FAREWELL_S)

    async def _body(self, content: bytes, *, more: bool, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._send({"type": "http.response.body", "body": content, "more_body": more})
        except TimeoutError:
            raise _Stuck from None

    async def _next(self, reply: Reply) -> None:
        await self.write(b"event: next\ndata: " + orjson.dumps(reply) + b"\n\n")


class _Stuck(Exception):
    """The client has taken nothing for too long."""


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
