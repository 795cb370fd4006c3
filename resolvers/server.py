"""The door of the graph: GraphQL over HTTP by the book, as a plain ASGI app.

strawberry says what the schema is; graphql-core parses, validates and executes. The way there is our own, because the
limits have to hold before a document is parsed and validated, and because a document that was seen before shouldn't be
parsed again. In order: who may ask, in which form, how often, how much; then the question itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from functools import lru_cache
from types import CoroutineType
from typing import Any, TypeGuard, cast

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLSchema
from graphql.execution import Executor

from foundation.errors import SuperAppError, TooMany, Unauthenticated
from foundation.language import LANGUAGES, Language, negotiate
from foundation.telemetry import Metrics
from resolvers import replies
from resolvers.catalogue import Shelf
from resolvers.context import Context, Services
from resolvers.documents import Documents, NotValid, Prepared, wrong_variables
from resolvers.executor import PlainExecutor
from resolvers.limits import Limits
from resolvers.page import PAGE, PAGE_POLICY
from resolvers.request import (
    GRAPHQL,
    HTML,
    JSON,
    Asked,
    ClientGone,
    MediaType,
    MethodNotAllowed,
    NotAcceptable,
    Receive,
    headers_of,
    negotiate_media,
    read_get,
    read_post,
)
from trust.limits import RateLimit
from trust.tokens import Session

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Authenticate = Callable[[str], Awaitable[Session]]
Headers = list[tuple[bytes, bytes]]

_ALLOWED = "GET, HEAD, POST, OPTIONS"
_VARY = b"Accept, Accept-Language, Authorization, Origin"
_PREFLIGHT_KEPT_S = b"600"
_SENT_CHECKS, _SENT_CHECKS_S = 20, 60.0  # guessing a code that somebody was sent must take for ever
_NOT_YET = 4400  # the close code of graphql-transport-ws for a bad request

_negotiate_language = lru_cache(maxsize=512)(negotiate)


class TimedOut(SuperAppError):
    code = "TIMEOUT"
    status = 504


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
        # Executing through strawberry's own `execute` costs more than the resolvers do; what it wraps is this schema.
        self._schema: GraphQLSchema = schema._schema
        self._services = services
        self._authenticate = authenticate
        self._offers_page = not production
        self._hides_suggestions = production
        self._limits = limits or Limits()
        self._origins = {origin.encode() for origin in origins}
        self._documents = Documents(
            self._schema, self._limits, introspection=not production, suggestions=not production
        )
        self._shelves = {language: Shelf(services.catalogue, language) for language in LANGUAGES}
        self._rate = RateLimit(most=self._limits.requests, window_s=self._limits.requests_window_s)
        self._late: set[asyncio.Future[ExecutionResult]] = set()  # what went on after its request was answered
        self._sent_checks = RateLimit(most=_SENT_CHECKS, window_s=_SENT_CHECKS_S)
        metrics = metrics or Metrics()
        self._count = {one: metrics.requests.labels("graphql", one) for one in ("answered", "refused", "failed")}
        self._seconds = metrics.request_seconds.labels("graphql")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Before the handshake is accepted, so that a client hears 403 and doesn't try again at once.
            await send({"type": "websocket.close", "code": _NOT_YET, "reason": "subscriptions are not served yet"})
            return
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        request = headers_of(scope)
        language = _negotiate_language(request.get(b"accept-language", b"").decode("latin-1")[:1000])
        headers = self._common_headers(request, language)
        outcome = "answered"
        try:
            status, body = await self._serve(scope, request, receive, language, headers)
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
    ) -> tuple[int, bytes]:
        """The status and body of the reply; what it says about them is added to `headers`."""
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
                f"this door speaks {GRAPHQL} and {JSON}, in UTF-8", th=f"ที่นี่ตอบเป็น {GRAPHQL} และ {JSON} ใน UTF-8 เท่านั้น"
            )
        if media == HTML:
            headers += [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-security-policy", PAGE_POLICY),
            ]
            return 200, PAGE
        session = await self._who(request)
        if session is not None and (wait_s := self._rate.admit(session.person)) is not None:
            raise TooMany(
                f"at most {self._limits.requests} requests in {self._limits.requests_window_s:g} s",
                th=f"ขอข้อมูลได้ไม่เกิน {self._limits.requests} ครั้งใน {self._limits.requests_window_s:g} วินาที",
                retry_after_s=wait_s,
            )
        if method == "POST":
            asked = await read_post(request, receive, self._limits)
        else:
            asked = read_get(scope["query_string"], self._limits)
        client = scope.get("client") or ("unknown",)
        context = Context(
            session=session,
            language=language,
            services=self._services,
            shelf=self._shelves[language],
            caller=client[0] if session is None else session.person,
            sent_checks=self._sent_checks,
        )
        is_executed, reply = await self._answer(asked, context, queries_only=method != "POST")
        headers.append((b"content-type", _CONTENT_TYPE[media]))
        # By the specification a refused document is 400 in the newer media type and 200 in the older one.
        return (200 if is_executed or media == JSON else 400), _dump(reply)

    async def _who(self, request: Mapping[bytes, bytes]) -> Session | None:
        """Whose token came along; None where none did. A token that isn't good is refused, never overlooked."""
        header = request.get(b"authorization")
        if header is None:
            return None
        scheme, _, token = header.decode("latin-1").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(
                "the Authorization header must be 'Bearer' and an access token",
                th="header Authorization ต้องเป็น 'Bearer' ตามด้วย access token",
            )
        return await self._authenticate(token)

    async def _answer(self, asked: Asked, context: Context, *, queries_only: bool) -> tuple[bool, dict[str, Any]]:
        """Whether it came to execution, and the reply."""
        limits = self._limits
        try:
            prepared = self._documents.prepare(asked.query, asked.operation_name, asked.variables)
        except NotValid as exc:
            return False, {"errors": replies.request_errors(exc.errors, code=exc.code, most=limits.errors)}
        except SuperAppError as exc:
            return False, {"errors": [replies.error(exc, context.language)]}
        if queries_only and not prepared.is_query:
            raise MethodNotAllowed(
                "a GET asks queries only; send this one with POST",
                th="GET ใช้ได้กับ query เท่านั้น โปรดส่งด้วย POST",
                allow="POST",
            )
        executor = self._executor(prepared, asked, context)
        if executor is None:
            wrong = wrong_variables(self._schema, prepared, asked.variables)
            return False, {"errors": replies.request_errors(wrong, code="BAD_INPUT", most=limits.errors)}
        result = await self._execute(executor)
        reply: dict[str, Any] = {"data": result.data}
        if result.errors:
            reply["errors"] = replies.execution_errors(result.errors, context.language, most=limits.errors)
        return True, reply

    def _executor(self, prepared: Prepared, asked: Asked, context: Context) -> Executor[Any] | None:
        """What runs the operation; None where its variables don't fit."""
        built = PlainExecutor.build(
            self._schema,
            prepared.document,
            context_value=context,
            raw_variable_values=asked.variables,
            operation_name=asked.operation_name,
            max_coercion_errors=self._limits.errors,
            hide_suggestions=self._hides_suggestions,
            is_awaitable=_is_coroutine,
            plans=prepared.plans,
        )
        return None if isinstance(built, list) else built

    async def _execute(self, executor: Executor[Any]) -> ExecutionResult:
        result = executor.execute_operation()
        if isinstance(result, ExecutionResult):
            return result  # nothing waited
        answering = asyncio.ensure_future(cast("Awaitable[ExecutionResult]", result))
        # Waited for and not merely cancelled when time is up: a cancellation can get lost on the way down (PyMongo
        # swallows one that comes while it checks out a connection), and the phone is to hear in time all the same.
        try:
            done, _ = await asyncio.wait({answering}, timeout=self._limits.request_s)
        except asyncio.CancelledError:
            answering.cancel()
            raise
        if done:
            return answering.result()
        answering.cancel()
        self._late.add(answering)
        answering.add_done_callback(self._late.discard)
        raise TimedOut(
            f"the answer was not complete within {self._limits.request_s:g} s; ask for less at once, or again",
            th="รวบรวมคำตอบไม่ทันเวลาที่กำหนด โปรดลองใหม่",
        )

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


def _is_coroutine(value: Any) -> TypeGuard[Awaitable[Any]]:
    """graphql-core asks this of every value of an answer. Ours wait in `async def` only, so one comparison is enough."""
    return type(value) is CoroutineType


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
