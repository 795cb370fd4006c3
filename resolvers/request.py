"""One GraphQL request as HTTP carries it, read by the book (GraphQL over HTTP) and within bounds.

What can't be understood is refused here with the name of the field that is wrong, before anything of it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl

from foundation import strict_json
from foundation.errors import BadInput, SuperAppError
from foundation.language import Text
from resolvers.limits import Limits

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MediaType = Literal["application/json", "application/graphql-response+json", "text/html", "text/event-stream"]

JSON: MediaType = "application/json"
GRAPHQL: MediaType = "application/graphql-response+json"
HTML: MediaType = "text/html"
EVENTS: MediaType = "text/event-stream"

_MOST_PARAMETERS = 20
_PASSED_OVER, _PASSED_OVER_S = 2_000_000, 1.0
_BODY = Text(th="body", en="the body")


class BatchNotSupported(BadInput):
    code = "BATCH_NOT_SUPPORTED"


class BodyTooLarge(SuperAppError):
    code = "BODY_TOO_LARGE"
    status = 413


class BodyTooSlow(SuperAppError):
    code = "BODY_TOO_SLOW"
    status = 408


class UnsupportedMediaType(SuperAppError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class NotAcceptable(SuperAppError):
    code = "NOT_ACCEPTABLE"
    status = 406


class MethodNotAllowed(SuperAppError):
    """`allow` is what the `Allow` header says."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, message: str, *, th: str, allow: str) -> None:
        super().__init__(message, th=th)
        self.allow = allow


class ClientGone(Exception):
    """Nobody waits for an answer any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one request asks for."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


def headers_of(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The headers by lower-case name; of a repeated one, the first."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        found.setdefault(name, value)
    return found


@lru_cache(maxsize=512)
def negotiate_media(accept: str, *, offers_html: bool) -> MediaType | None:
    """The media type of ours that an `Accept` header likes best; None where it likes none."""
    if not accept.strip():
        return JSON
    likings = _likings(accept)
    best: tuple[float, MediaType] | None = None
    # JSON comes first among equals only under a wildcard: who names the newer type can read it.
    for offer, counts in ((GRAPHQL, True), (HTML, offers_html), (JSON, True), (EVENTS, True)):
        if not counts:
            continue
        named = likings.get(offer)
        wild = likings.get(f"{offer.partition('/')[0]}/*", likings.get("*/*")) if offer == JSON else None
        weight = named if named is not None else wild or 0.0
        if weight > 0 and (best is None or weight > best[0]):
            best = (weight, offer)
    return best[1] if best else None


def takes_events(accept: str) -> bool:
    """Whether an event stream is welcome, though something else may be more so. A wildcard doesn't mean one."""
    return _likings(accept).get(EVENTS, 0.0) > 0


def _likings(accept: str) -> dict[str, float]:
    likings: dict[str, float] = {}
    for part in accept[:1000].split(","):
        name, *parameters = (one.strip().lower() for one in part.split(";"))
        weight, speaks_utf8 = 1.0, True
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                weight = _weight(value.strip())
            elif key.strip() == "charset":
                speaks_utf8 = value.strip(' "') in ("utf-8", "utf8")
        if speaks_utf8:
            likings[name] = max(weight, likings.get(name, 0.0))
    return likings


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


async def read_post(headers: Mapping[bytes, bytes], receive: Receive, limits: Limits) -> Asked:
    """A POST: one JSON object."""
    _check_media(headers.get(b"content-type", b""), headers.get(b"content-encoding", b""))
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 12 or int(length) > limits.body_bytes):
        await _pass_over(receive)
        raise _too_large(limits)
    body = await _body(receive, limits)
    if not body.strip():
        raise BadInput(
            "the body is empty; it must be a JSON object with the field 'query'",
            th="body ว่างเปล่า ต้องเป็น JSON object ที่มีฟิลด์ 'query'", field="query",
        )  # fmt: skip
    return asked_from(loads(body, _BODY))


def read_get(query_string: bytes, limits: Limits) -> Asked:
    """A GET: the same fields in the address, `variables` and `extensions` as JSON texts."""
    if len(query_string) > limits.body_bytes:
        raise BodyTooLarge(
            f"an address has at most {limits.body_bytes} bytes", th=f"ที่อยู่ (URL) ยาวได้ไม่เกิน {limits.body_bytes} ไบต์"
        )
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except (UnicodeError, ValueError):
        raise BadInput(
            "the address holds what is not percent-encoded UTF-8, or too many parameters",
            th="ที่อยู่ (URL) มีส่วนที่ไม่ใช่ UTF-8 แบบ percent-encoding หรือมีพารามิเตอร์มากเกินไป",
        ) from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if "\0" in value:
            raise _nul()
        if name in fields and name in ("query", "operationName", "variables", "extensions"):
            raise BadInput(f"'{name}' is there twice", th=f"มี '{name}' ซ้ำกัน", field=name)
        fields[name] = value
    for name in ("variables", "extensions"):
        if name in fields:
            text = fields[name]
            fields[name] = loads(text.encode(), Text(th=f"'{name}'", en=f"'{name}'")) if text.strip() else None
    return asked_from(fields)


def _check_media(content_type: bytes, encoding: bytes) -> None:
    name, *parameters = (one.strip().lower() for one in content_type.split(b";"))
    if name != b"application/json":
        raise UnsupportedMediaType(
            "send application/json; forms, multipart and plain text are not taken",
            th="โปรดส่งเป็น application/json เราไม่รับฟอร์ม multipart หรือข้อความธรรมดา",
        )
    for parameter in parameters:
        key, _, value = parameter.partition(b"=")
        if key.strip() == b"charset" and value.strip(b' "') not in (b"utf-8", b"utf8"):
            raise UnsupportedMediaType("the body must be UTF-8", th="body ต้องเข้ารหัส UTF-8")
    if encoding.strip().lower() not in (b"", b"identity"):
        raise UnsupportedMediaType("the body must not be compressed", th="ต้องไม่บีบอัด body")


async def _body(receive: Receive, limits: Limits) -> bytes:
    received: bytes = b""
    try:
        async with asyncio.timeout(limits.body_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                received += message.get("body", b"")
                if len(received) > limits.body_bytes:
                    await _pass_over(receive)
                    raise _too_large(limits)
                if not message.get("more_body"):
                    return received
    except TimeoutError:
        raise BodyTooSlow(
            f"the whole body must arrive within {limits.body_s:g} s", th=f"ต้องส่ง body ให้ครบภายใน {limits.body_s:g} วินาที"
        ) from None


async def _pass_over(receive: Receive) -> None:
    """Let a sender finish, within reason: one who finds the line closed while sending never reads why."""
    left = _PASSED_OVER
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PASSED_OVER_S):
            while left > 0:
                message = await receive()
                if not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))


def loads(text: bytes, where: Text) -> Any:
    """JSON as RFC 8259 and nothing looser; NUL and repeated keys are refused, because readers disagree about them."""
    try:
        value = strict_json.loads(text)
        if b"\\u0000" in text:
            raise _nul()
    except strict_json.KeyTwice:
        raise BadInput(
            f"{where.en} has the same key twice in one object", th=f"{where.th} มี key ซ้ำกันใน object เดียว"
        ) from None
    except (RecursionError, ValueError):
        # The decoder's message quotes what it met, so it isn't passed on.
        raise BadInput(
            f"{where.en} is not valid JSON in UTF-8", th=f"{where.th} ไม่ใช่ JSON ที่ถูกต้องและเข้ารหัส UTF-8"
        ) from None
    return value


def _too_large(limits: Limits) -> BodyTooLarge:
    return BodyTooLarge(
        f"a body has at most {limits.body_bytes} bytes", th=f"body มีขนาดได้ไม่เกิน {limits.body_bytes} ไบต์"
    )


def _nul() -> BadInput:
    return BadInput("a text holds a NUL character", th="มีข้อความที่มีอักขระ NUL")


def asked_from(fields: Any) -> Asked:
    """What a JSON value asks for; BadInput where it isn't a GraphQL request."""
    if isinstance(fields, list):
        raise BatchNotSupported(
            "several operations in one request are not taken; send them one by one",
            th="ไม่รับหลาย operation ในคำขอเดียว โปรดส่งทีละรายการ",
        )
    if not isinstance(fields, dict):
        raise BadInput(
            "the body must be a JSON object with the field 'query'",
            th="body ต้องเป็น JSON object ที่มีฟิลด์ 'query'", field="query",
        )  # fmt: skip
    query = fields.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadInput(
            "'query' must be a text with a GraphQL document",
            th="'query' ต้องเป็นข้อความที่เป็นเอกสาร GraphQL", field="query",
        )  # fmt: skip
    operation_name = fields.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadInput(
            "'operationName' must be a text or null",
            th="'operationName' ต้องเป็นข้อความหรือ null", field="operationName",
        )  # fmt: skip
    variables = fields.get("variables")
    if variables is not None and not isinstance(variables, dict):
        raise BadInput(
            "'variables' must be an object or null", th="'variables' ต้องเป็น object หรือ null", field="variables"
        )
    extensions = fields.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadInput(
            "'extensions' must be an object or null", th="'extensions' ต้องเป็น object หรือ null", field="extensions"
        )
    return Asked(query=query, operation_name=operation_name or None, variables=variables or {})
