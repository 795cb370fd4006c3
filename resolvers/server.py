"""The door of the graph: GraphQL over HTTP by the book, as a plain ASGI app; sockets are sent on to `sockets.py`.

strawberry says what the schema is; graphql-core parses, validates and executes. The way there is our own, because the
limits have to hold before a document is parsed and validated, and because a document that was seen before shouldn't be
parsed again. In order: who may ask, in which form, how often, how much; then the question itself (`operations.py`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import strawberry

from foundation.errors import SuperAppError, Unauthenticated
from foundation.language import Language, negotiate
from foundation.telemetry import Metrics
from resolvers import event_streams, replies
from resolvers.context import Services
from resolvers.event_streams import EventStreams, Headers
from resolvers.limits import Limits
from resolvers.operations import Authenticate, Caller, NotRun, Operations, Reply
from resolvers.page import PAGE, PAGE_POLICY
from resolvers.request import (
    EVENTS,
    GRAPHQL,
    HTML,
    JSON,
    ClientGone,
    MediaType,
    MethodNotAllowed,
    NotAcceptable,
    Receive,
    Scope,
    Send,
    headers_of,
    negotiate_media,
    read_get,
    read_post,
    takes_events,
)
from resolvers.sockets import Sockets

_ALLOWED = "GET, HEAD, POST, OPTIONS"
_VARY = b"Accept, Accept-Language, Authorization, Origin"
_PREFLIGHT_KEPT_S = b"600"

_negotiate_language = lru_cache(maxsize=512)(negotiate)


class GraphQLServer:
    """Answers `/graphql`. The app sends it nothing but that path.

    `authenticate` turns an access token into a session or raises Unauthenticated. `origins` are the browsers' origins
    that may read the answers; a request from elsewhere is answered without leave to read it.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        services: Services,
        *,
        authenticate: Authenticate,
        production: bool,
        origins: Collection[str] = (),
        metrics: Metrics | None = None,
        limits: Limits | None = None,
    ) -> None:
        limits, metrics = limits or Limits(), metrics or Metrics()
        self._offers_page = not production
        self._limits = limits
        self._origins = {origin.encode() for origin in origins}
        self._operations = Operations(schema, services, authenticate=authenticate, production=production, limits=limits)
        self._sockets = Sockets(self._operations, origins=self._origins, limits=limits, metrics=metrics)
        self._event_streams = EventStreams(self._operations, limits=limits, metrics=metrics)
        self._count = {one: metrics.requests.labels("graphql", one) for one in ("answered", "refused", "failed")}
        self._seconds = metrics.request_seconds.labels("graphql")

    def leave(self) -> None:
        """The process is leaving: end what stays open, so that it is opened again elsewhere. Requests are answered."""
        self._sockets.leave()
        self._event_streams.leave()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        request = headers_of(scope)
        language = _negotiate_language(request.get(b"accept-language", b"").decode("latin-1")[:1000])
        headers = self._common_headers(request, language)
        outcome = "answered"
        try:
            told = await self._serve(scope, request, receive, language, headers)
            if isinstance(told, _Stream):
                with self._event_streams.places.taken(told.caller):
                    await self._event_streams.serve(
                        told.answers, told.caller, language, headers=headers, receive=receive, send=send
                    )
                return
            status, body = told
        except ClientGone:
            return
        except SuperAppError as exc:
            outcome = "refused" if exc.status < 500 else "failed"
            status, body = exc.status, _dump({"errors": [replies.error(exc, language)]})
            headers += [(b"content-type", b"application/json; charset=utf-8"), *_headers_for(exc)]
        except Exception as exc:  # noqa: BLE001 -- the edge: nothing may leave here unmasked
            outcome = "failed"
            said = replies.masked(exc, language, where="the door")
            status, body = (503 if said["extensions"]["code"] == "UNAVAILABLE" else 500), _dump({"errors": [said]})
            headers.append((b"content-type", b"application/json; charset=utf-8"))
        if status != 204:
            headers.append((b"content-length", b"%d" % len(body)))
        self._count[outcome].inc()
        self._seconds.observe(time.perf_counter() - begun)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _serve(
        self,
        scope: Scope,
        request: Mapping[bytes, bytes],
        receive: Receive,
        language: Language,
        headers: Headers,
    ) -> tuple[int, bytes] | _Stream:
        """The status and body of the reply, or its events; what it says about them is added to `headers`."""
        method = scope["method"]
        if method == "OPTIONS":
            headers += self._preflight(request)
            return 204, b""
        if method not in ("GET", "HEAD", "POST"):
            raise MethodNotAllowed(
                "ask with POST, or with GET for a query", th="โปรดถามด้วย POST หรือใช้ GET สำหรับ query", allow=_ALLOWED
            )
        accept = request.get(b"accept", b"").decode("latin-1")[:1000]
        media = negotiate_media(accept, offers_html=self._offers_page and method != "POST")
        if media is None:
            raise NotAcceptable(
                f"this door speaks {GRAPHQL}, {JSON} and {EVENTS}, in UTF-8",
                th=f"ที่นี่ตอบเป็น {GRAPHQL} {JSON} และ {EVENTS} ใน UTF-8 เท่านั้น",
            )
        if media == HTML:
            headers += [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-security-policy", PAGE_POLICY),
            ]
            return 200, PAGE
        authorization = request.get(b"authorization")
        client = scope.get("client") or ("unknown",)
        caller = await self._operations.who(
            None if authorization is None else authorization.decode("latin-1"), address=client[0]
        )
        self._operations.admit(caller)
        if method == "POST":
            asked = await read_post(request, receive, self._limits)
        else:
            asked = read_get(scope["query_string"], self._limits)
        context = self._operations.context(
            caller, language, anew=b"no-cache" in request.get(b"cache-control", b"").lower()
        )
        try:
            prepared = self._operations.prepare(asked, context)
            if method != "POST" and prepared.is_mutation:
                raise MethodNotAllowed(
                    "a GET asks queries only; send this one with POST",
                    th="GET ใช้ได้กับ query เท่านั้น โปรดส่งด้วย POST",
                    allow="POST",
                )
            if media == EVENTS or (prepared.is_subscription and takes_events(accept)):
                answers = self._operations.answers(prepared, asked, context, caller)
                return self._stream(method, answers, caller, headers)
            reply, is_executed = await self._operations.answer(prepared, asked, context), True
        except NotRun as exc:
            if media == EVENTS:
                return self._stream(method, exc, caller, headers)
            reply, is_executed = {"errors": exc.errors}, False
        headers.append((b"content-type", _CONTENT_TYPE[media]))
        # By the specification a refused document is 400 in the newer media type and 200 in the older one.
        return (200 if is_executed or media == JSON else 400), _dump(reply)

    def _stream(
        self, method: str, answers: AsyncGenerator[Reply, None] | NotRun, caller: Caller, headers: Headers
    ) -> tuple[int, bytes] | _Stream:
        headers += event_streams.HEADERS
        return (200, b"") if method == "HEAD" else _Stream(answers=answers, caller=caller)

    def _common_headers(self, request: Mapping[bytes, bytes], language: Language) -> Headers:
        headers = [
            (b"vary", _VARY),
            (b"cache-control", b"no-store"),
            (b"content-language", language.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        origin = request.get(b"origin")
        if origin is not None and origin in self._origins:
            headers.append((b"access-control-allow-origin", origin))
            headers.append((b"access-control-expose-headers", b"Retry-After, WWW-Authenticate"))
        return headers

    def _preflight(self, request: Mapping[bytes, bytes]) -> Headers:
        """Leave for a browser to ask; an origin that isn't ours gets an answer without it."""
        allow = (b"allow", _ALLOWED.encode())
        if request.get(b"origin") not in self._origins:
            return [allow]
        return [
            allow,
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", b"authorization, content-type, accept-language"),
            (b"access-control-max-age", _PREFLIGHT_KEPT_S),
        ]


_CONTENT_TYPE: dict[MediaType, bytes] = {
    JSON: b"application/json; charset=utf-8",
    GRAPHQL: b"application/graphql-response+json; charset=utf-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """A response of many events."""

    answers: AsyncGenerator[Reply, None] | NotRun
    caller: Caller


def _headers_for(exc: SuperAppError) -> Headers:
    headers: Headers = []
    if isinstance(exc, MethodNotAllowed):
        headers.append((b"allow", exc.allow.encode()))
    if isinstance(exc, Unauthenticated):
        headers.append((b"www-authenticate", b'Bearer realm="tangrat", error="invalid_token"'))
    if (wait_s := exc.facts.get("retry_after_s")) is not None:
        headers.append((b"retry-after", b"%d" % (int(wait_s) + 1)))
    elif exc.status in (503, 504):
        headers.append((b"retry-after", b"1"))
    if exc.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not going to be read
    return headers


def _dump(reply: Mapping[str, Any]) -> bytes:
    return orjson.dumps(reply)
