"""How the doors of signing in speak: forms and queries in; OAuth's own words out, or a page for a person to read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from foundation.errors import Unavailable
from foundation.language import LANGUAGES, Text, negotiate
from foundation.store import PyMongoError
from trust.tokens import OAuthRefused

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
_LARGEST_FORM = 8192
_SLOWEST_FORM_S = 5
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
_PAGE_HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_DOWN = Text(
    th="ระบบขัดข้องชั่วคราว โปรดลองใหม่อีกครั้งในอีกสักครู่",
    en="Something we need is not answering. Try again in a moment.",
)


class UnsupportedGrantType(OAuthRefused):
    error: ClassVar[str] = "unsupported_grant_type"


class _TooLarge(OAuthRefused):
    status = 413


class _TooSlow(OAuthRefused):
    status = 408


class Page(Exception):
    """What a person must be told on a page of ours, because there is nowhere we may send them."""

    def __init__(self, text: Text, *, status: int = 400) -> None:
        super().__init__(text.en)
        self.text = text
        self.status = status


def for_people(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        if request.method == "HEAD":  # a preview of the link must not use it up
            return Response(status_code=405, headers={"Allow": "GET"})
        try:
            return await endpoint(request)
        except Page as exc:
            return _page(request, exc.text, exc.status)
        except PyMongoError as exc:
            log.error("the store failed during a sign-in", extra={"failure": type(exc).__name__})
            return _page(request, _DOWN, 503)

    return answer


def for_programs(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except OAuthRefused as exc:
            return _error(exc.status, exc.error, Text(th=exc.th, en=exc.message))
        except Unavailable as exc:
            return _error(503, "temporarily_unavailable", Text(th=exc.th, en=exc.message))
        except PyMongoError as exc:
            log.error("the store failed at a token door", extra={"failure": type(exc).__name__})
            return _error(503, "temporarily_unavailable", _DOWN)

    return answer


def _error(status: int, error: str, text: Text) -> Response:
    said = {"error": error, "error_description": text.en}
    if text.th != text.en:
        said["error_description_th"] = text.th
    again = {"Retry-After": "2"} if status == 503 else {}
    return JSONResponse(said, status_code=status, headers={**NO_STORE, **again})


def _page(request: Request, text: Text, status: int) -> Response:
    language = negotiate(request.headers.get("accept-language"))
    heading = Text(th="เข้าสู่ระบบไม่สำเร็จ", en="The sign-in did not work")
    parts = "".join(
        f'<section lang="{one}"><h1>{heading.said_in(one)}</h1><p>{text.said_in(one)}</p></section>'
        for one in sorted(LANGUAGES, key=lambda one: one != language)
    )
    style = (
        "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.2rem}"
        "h1{font-size:1.4rem}section+section{margin-top:2rem;opacity:.7}"
    )
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{heading.said_in(language)}</title><style>{style}</style></head>'
        f"<body><main>{parts}</main></body></html>",
        status_code=status, headers=_PAGE_HEADERS,
    )  # fmt: skip


def redirect(url: str) -> Response:
    return RedirectResponse(url, status_code=302, headers={**NO_STORE, "Referrer-Policy": "no-referrer"})


def read_query(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise Page(Text(th="ลิงก์เข้าสู่ระบบไม่ถูกต้อง", en="The sign-in link names a parameter twice."))
        found[name] = value
    return {name: value for name, value in found.items() if value}  # an empty one counts as left out (RFC 6749, 3.1)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form: each once, at most 8 KB in all, sent within five seconds."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise OAuthRefused("the body must be application/x-www-form-urlencoded")
    body = bytearray()
    try:
        async with asyncio.timeout(_SLOWEST_FORM_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST_FORM:
                    raise _TooLarge(f"the body is larger than {_LARGEST_FORM} bytes")
    except TimeoutError as exc:
        raise _TooSlow(f"the body did not come within {_SLOWEST_FORM_S} seconds") from exc
    except ClientDisconnect as exc:
        raise OAuthRefused("the body did not come") from exc
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError as exc:
        raise OAuthRefused("the form is not valid UTF-8, or has more than 20 fields") from exc
    if len({name for name, _ in pairs}) < len(pairs):
        raise OAuthRefused("a field is given twice")
    return {name: value for name, value in pairs if value}


def needed(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise OAuthRefused(f"{name} is missing")
    return form[name]
