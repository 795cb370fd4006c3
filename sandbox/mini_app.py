"""A mini app of the Department of Land Transport, as such an agency runs one today: a page and a small backend.

The page is opened in the app's WebView with `appId` and `mToken`. The backend buys a token with its key and secret
(validate), trades the mToken for the person (deproc), keeps what it learned in a session of its own and leaves the page
nothing but the session's id. A button has the backend send the person a message (push).
"""

from __future__ import annotations

import contextlib
import html
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from foundation.http import CallFailed, Http, Reply
from sandbox.control import JsonReply

APP_ID = "0d17c000-0000-4000-8000-000000000001"
CONSUMER_KEY = "sandbox-dlt-mini-app"
SECRET = "sandbox-dlt-mini-app-secret"
AGENT = "sandbox-dlt"
NAME = {"th": "ใบขับขี่ของฉัน", "en": "My driving licence"}
MESSAGE = (
    "ใบอนุญาตขับรถของท่านใกล้หมดอายุ จองคิวต่ออายุได้แล้ววันนี้ / Your driving licence expires soon. You can book a renewal now."
)
DEADLINE_S = 10
KEPT = 1_000

_HOME = "/mini-apps/dlt"
_PLATFORM = "/ws/dga/czp/uat/v1/core"
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
}
_STYLE = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:8vh auto;padding:0 1.2rem;color:#1b1b1b}"
    "h1{font-size:1.4rem}[lang=en]{color:#595959}button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:4px;"
    "background:#0b4f8a;color:#fff}button:focus-visible{outline:3px solid #f2a900}"
)


@dataclass(slots=True)
class _Session:
    """What the backend knows of somebody who came in."""

    person: Mapping[str, Any] = field(repr=False)
    sent: list[str] = field(default_factory=list)  # transactions, the newest last


class MiniApp:
    def __init__(self, *, base_url: str, api_url: Callable[[], str | None]) -> None:
        self._base_url = base_url
        self._api_url = api_url
        self._http: Http | None = None
        self._token = ""
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._http = Http()
        try:
            yield
        finally:
            await self._http.close()
            self._http = None

    def reset(self) -> None:
        self._sessions.clear()

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/sandbox/mini-apps", self._registered, methods=["GET"]),
            Route(f"{_HOME}/landing", self._landing, methods=["GET"]),
            Route(f"{_HOME}/sessions/{{session}}", self._shown, methods=["GET"]),
            Route(f"{_HOME}/sessions/{{session}}/push", self._push, methods=["POST"]),
        ]

    async def _registered(self, _request: Request) -> Response:
        """How the platform has it on its list, secret and all: it opens nothing but this sandbox's own mini app."""
        return JsonReply([
            {
                "app_id": APP_ID, "agency": "dlt", "name": NAME, "url": f"{self._base_url}{_HOME}/landing",
                "scopes": ["profile", "contact", "notify"], "consumer_key": CONSUMER_KEY, "secret": SECRET,
            }
        ])  # fmt: skip

    # ---- what the WebView meets

    async def _landing(self, request: Request) -> Response:
        asked = request.query_params
        body = {"AppId": asked.get("appId", ""), "MToken": asked.get("mToken", "")}
        try:
            reply = await self._call("/shield/data/deproc", body)
        except _Failed as exc:
            return _page(f"<p>{html.escape(str(exc))}</p>", status=502)
        said = _read(reply)
        person = said.get("result")
        if reply.status != 200 or not isinstance(person, dict):
            # An mToken is good once: a page that is loaded again has lost it, and the person must come in anew.
            return _page(
                "<h1>เข้าใช้ไม่สำเร็จ</h1><p>โปรดปิดหน้านี้แล้วเปิดใหม่จากแอปทางรัฐ</p>"
                '<p lang="en">This did not work. Close this page and open it again from the app.</p>'
                f"<p><code>{reply.status}</code></p>",
                status=403,
            )
        session = secrets.token_urlsafe(24)
        self._sessions[session] = _Session(person)
        if len(self._sessions) > KEPT:
            self._sessions.popitem(last=False)
        # Away from the address that holds the mToken.
        return RedirectResponse(f"{_HOME}/sessions/{session}", status_code=303, headers=_HEADERS)

    async def _shown(self, request: Request) -> Response:
        key = request.path_params["session"]
        session = self._sessions.get(key)
        if session is None:
            return _page('<p>หมดเวลา โปรดเปิดใหม่จากแอป</p><p lang="en">This session is over.</p>', status=404)
        name = html.escape(f"{session.person.get('firstName')} {session.person.get('lastName')}")
        sent = "".join(f"<li><code>{html.escape(one)}</code></li>" for one in session.sent)
        return _page(
            f'<h1>{NAME["th"]} <span lang="en">{NAME["en"]}</span></h1>'
            f'<p>สวัสดี <strong id="name">{name}</strong></p>'
            f'<form method="post" action="{_HOME}/sessions/{html.escape(key)}/push">'
            '<button>เตือนฉันเรื่องใบขับขี่ <span lang="en" style="color:inherit">Remind me of my licence</span></button>'
            f"</form><ul>{sent}</ul>"
        )

    async def _push(self, request: Request) -> Response:
        key = request.path_params["session"]
        session = self._sessions.get(key)
        if session is None:
            return _page('<p>หมดเวลา โปรดเปิดใหม่จากแอป</p><p lang="en">This session is over.</p>', status=404)
        message = {"message": MESSAGE, "userId": session.person.get("userId")}
        try:
            reply = await self._call("/notification/push", {"appId": APP_ID, "data": [message], "sendDateTime": None})
        except _Failed as exc:
            return _page(f"<p>{html.escape(str(exc))}</p>", status=502)
        sent = _read(reply).get("result") or []
        # 200 with an empty list: the person doesn't take messages (any more). That is no success.
        if reply.status != 200 or not sent:
            return _page(
                f'<p>ส่งข้อความไม่ได้</p><p lang="en">The message was not sent.</p><p><code>{reply.status}</code></p>',
                status=409,
            )
        session.sent += [str(one) for one in sent if str(one) not in session.sent]
        return RedirectResponse(f"{_HOME}/sessions/{key}", status_code=303, headers=_HEADERS)

    # ---- what the backend asks of the platform

    async def _call(self, path: str, body: Mapping[str, Any]) -> Reply:
        """With the token at hand, and once more with a new one where that isn't taken any more."""
        token = self._token or await self._validate()
        reply = await self._ask("POST", f"{_PLATFORM}{path}", token, json=body)
        if reply.status == 401:
            reply = await self._ask("POST", f"{_PLATFORM}{path}", await self._validate(), json=body)
        return reply

    async def _validate(self) -> str:
        asked = {"ConsumerSecret": SECRET, "AgentID": AGENT}
        reply = await self._ask("GET", "/ws/auth/validate", "", params=asked)
        said = _read(reply)
        self._token = str(said.get("Result") or "")
        if reply.status != 200 or not self._token:
            raise _Failed(f"validate: {reply.status} {said.get('Message', '')}")
        return self._token

    async def _ask(self, method: str, path: str, token: str, **sent: Any) -> Reply:
        api = self._api_url()
        if api is None or self._http is None:
            raise _Failed("it is not known where the API is: POST /sandbox/api")
        headers = {"Consumer-Key": CONSUMER_KEY, "Content-Type": "application/json; charset=utf-8"}
        headers |= {"Token": token} if token else {}
        try:
            return await self._http.request(method, api + path, deadline_s=DEADLINE_S, headers=headers, **sent)
        except CallFailed as exc:
            raise _Failed(f"the API does not answer: {exc.why}") from exc


class _Failed(Exception):
    """The platform could not be asked."""


def _read(reply: Reply) -> Mapping[str, Any]:
    try:
        said = reply.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _page(body: str, *, status: int = 200) -> Response:
    return HTMLResponse(
        '<!DOCTYPE html><html lang="th"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{NAME['th']}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>",
        status_code=status,
        headers=_HEADERS,
    )
