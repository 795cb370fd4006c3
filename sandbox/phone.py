"""A phone to look at: the push and SMS services it listens to, what it has been sent, and the page that draws it.

The push service answers as Firebase Cloud Messaging does, errors included. A device token decides its own fate by its
beginning: `gone-` is UNREGISTERED, `other-` SENDER_ID_MISMATCH, `busy-` QUOTA_EXCEEDED, `sick-` UNAVAILABLE; every other
token is a phone that works. `sandbox-<citizen>-<random>` says whose phone it is. A push that repeats a notification id
takes the place of the first one and is counted, as phones do.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import re
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from sandbox.control import JsonReply
from sandbox.faults import Door, is_lying
from sandbox.identity import HINT_COOKIE

SMS_TOKEN = "tangrat-sms"
CLIENT_ID = "sandbox-phone"
KEPT = 5_000
LARGEST_PUSH = 4_096
RETRY_AFTER_S = 1

_PAGE = Path(__file__).with_name("phone.html")
_FATES = {
    "gone-": (404, "UNREGISTERED"),
    "other-": (403, "SENDER_ID_MISMATCH"),
    "busy-": (429, "QUOTA_EXCEEDED"),
    "sick-": (503, "UNAVAILABLE"),
}
_STATUSES = {
    400: ("INVALID_ARGUMENT", "INVALID_ARGUMENT", "The request was invalid."),
    401: ("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Request is missing required authentication credential."),
    403: ("PERMISSION_DENIED", "SENDER_ID_MISMATCH", "SenderId mismatch"),
    404: ("NOT_FOUND", "UNREGISTERED", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Sending limit exceeded for the message target."),
    500: ("INTERNAL", "INTERNAL", "Internal error encountered."),
    503: ("UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable."),
}
_RESERVED_DATA = re.compile(r"^(from|message_type|google\..*|gcm\..*)$")
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_BEAT_S = 15


def fcm_error(status: int, message: str | None = None, *, field: str | None = None) -> dict[str, Any]:
    """An error as FCM words it; `field` names what was wrong with the request."""
    name, code, usual = _STATUSES.get(status, _STATUSES[500])
    details: list[dict[str, Any]] = [
        {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    ]
    if field is not None:
        violation = {"field": field, "description": message or usual}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    return {"error": {"code": status, "message": message or usual, "status": name, "details": details}}


def _sms_failure(status: int) -> dict[str, Any]:
    return {"error": {"code": "UNAVAILABLE", "message": "the gateway can't take messages now"}}


FCM_DOOR = Door(
    agency="fcm",
    prefix="/fcm/",
    operations=("send",),
    operation_of=lambda method, path, body: "send" if path.endswith("messages:send") else None,
    failure=fcm_error,
)
SMS_DOOR = Door(
    agency="sms",
    prefix="/sms/",
    operations=("send",),
    operation_of=lambda method, path, body: "send" if path == "v1/messages" else None,
    failure=_sms_failure,
)


@dataclass(slots=True, kw_only=True)
class Shown:
    """One entry on a phone."""

    id: str  # the notification id, or the service's own for what has none
    kind: str  # push or sms
    to: str  # device token, /topics/… or a phone number
    citizen: int | None
    title: str
    body: str
    data: Mapping[str, Any]
    names: list[str]  # what the service called each acceptance
    first_at: datetime
    at: datetime
    times: int = 1

    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "to": self.to,
            "citizen": self.citizen,
            "title": self.title,
            "body": self.body,
            "data": self.data,
            "names": self.names[-10:],
            "first_at": self.first_at.isoformat(),
            "at": self.at.isoformat(),
            "times": self.times,
        }


class _Invalid(Exception):
    """Not a push that can be sent."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.error = fcm_error(400, message, field=field)


class _NoText(Exception):
    """Not an SMS that can be sent."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Phone:
    """Takes pushes and SMS, keeps the last few thousand, and shows them. `api_url` tells where to sign in."""

    def __init__(self, *, base_url: str, api_url: Callable[[], str | None], sms_token: str = SMS_TOKEN) -> None:
        self._base_url = base_url
        self._api_url = api_url
        self._sms_token = sms_token
        self._page = _PAGE.read_text("utf-8")
        self._shown: OrderedDict[tuple[str, str], Shown] = OrderedDict()
        self._sms: OrderedDict[str, tuple[str, tuple[str, str, str]]] = OrderedDict()
        self._viewers: set[asyncio.Queue[Shown | None]] = set()
        self._accepted = {"push": 0, "sms": 0}

    def hang_up(self) -> None:
        """End the live pages, which would otherwise keep the server from stopping."""
        for viewer in self._viewers:
            if viewer.full():
                viewer.get_nowait()
            viewer.put_nowait(None)

    def reset(self) -> None:
        """An empty phone."""
        self._shown.clear()
        self._sms.clear()
        self._accepted = {"push": 0, "sms": 0}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/fcm/v1/projects/{project}/messages:send", self._push, methods=["POST"]),
            Route("/sms/v1/messages", self._text, methods=["POST"]),
            Route("/phone", self._draw, methods=["GET"]),
            Route("/phone/signed-in", self._draw, methods=["GET"]),
            Route("/phone/api/messages", self._messages, methods=["GET", "DELETE"]),
            Route("/phone/stream", self._stream, methods=["GET"]),
        ]

    # Push

    async def _push(self, request: Request) -> Response:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential.strip():
            return JsonReply(fcm_error(401), status_code=401)
        try:
            message, is_dry_run = _read_push(await request.body())
            to = _target(message)
            _check_data(message)
        except _Invalid as problem:
            return JsonReply(problem.error, status_code=400)
        for beginning, (status, _) in _FATES.items():
            if to.startswith(beginning):
                headers = {"retry-after": str(RETRY_AFTER_S)} if status in (429, 503) else None
                return JsonReply(fcm_error(status), status_code=status, headers=headers)
        project = request.path_params["project"]
        if is_dry_run:
            return JsonReply({"name": f"projects/{project}/messages/fake_message_id"})
        name = f"projects/{project}/messages/{uuid.uuid4().hex}"
        if not is_lying(request):
            self._show_push(message, to, name)
        return JsonReply({"name": name})

    def _show_push(self, message: dict[str, Any], to: str, name: str) -> None:
        title, body = _wording(message)
        data = message.get("data") or {}
        notification_id = _notification_id(message)
        self._show(
            Shown(
                id=notification_id or name.rpartition("/")[2],
                kind="push",
                to=to,
                citizen=_citizen_of(to),
                title=title,
                body=body,
                data=data,
                names=[name],
                first_at=datetime.now(UTC),
                at=datetime.now(UTC),
            )
        )

    # SMS

    async def _text(self, request: Request) -> Response:
        expected = f"Bearer {self._sms_token}".encode()
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return _sms_error(401, "UNAUTHORIZED", "the token is not known")
        try:
            to, sender, text, reference = _read_text(await request.body())
        except _NoText as problem:
            return _sms_error(problem.status, problem.code, str(problem))
        known = self._sms.get(reference)
        if known is not None and known[1] != (to, sender, text):
            return _sms_error(409, "REFERENCE_REUSED", "this reference was used for another message")
        if known is not None:
            return JsonReply({"message_id": known[0]}, status_code=202)
        message_id, now = uuid.uuid4().hex, datetime.now(UTC)
        self._sms[reference] = (message_id, (to, sender, text))
        if len(self._sms) > KEPT:
            self._sms.popitem(last=False)
        if not is_lying(request):
            self._show(
                Shown(
                    id=reference,
                    kind="sms",
                    to=to,
                    citizen=None,
                    title=sender,
                    body=text,
                    data={"reference": reference},
                    names=[message_id],
                    first_at=now,
                    at=now,
                )
            )
        return JsonReply({"message_id": message_id}, status_code=202)

    # What is on the phone

    def _show(self, new: Shown) -> None:
        self._accepted[new.kind] += 1
        key = ("sms", new.id) if new.kind == "sms" else (new.to, new.id)
        before = self._shown.pop(key, None)
        if before is not None:
            new.first_at, new.times = before.first_at, before.times + 1
            new.names = before.names[-9:] + new.names
        self._shown[key] = new
        if len(self._shown) > KEPT:
            self._shown.popitem(last=False)
        for viewer in self._viewers:
            if viewer.full():  # a page that doesn't keep up misses the oldest
                viewer.get_nowait()
            viewer.put_nowait(new)

    async def _messages(self, request: Request) -> Response:
        if request.method == "DELETE":
            cleared = len(self._shown)
            self._shown.clear()
            return JsonReply({"cleared": cleared})
        wanted = _filter(request.query_params)
        limit = request.query_params.get("limit", "")
        most = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else KEPT
        found = (entry.json() for entry in reversed(self._shown.values()) if wanted(entry))
        shown = list(itertools.islice(found, most))
        return JsonReply({"messages": shown, "accepted": self._accepted})

    async def _stream(self, request: Request) -> Response:
        wanted = _filter(request.query_params)
        viewer: asyncio.Queue[Shown | None] = asyncio.Queue(maxsize=1_000)

        async def entries() -> AsyncIterator[bytes]:
            self._viewers.add(viewer)
            try:
                yield b": listening\n\n"
                while True:
                    try:
                        entry = await asyncio.wait_for(viewer.get(), _BEAT_S)
                    except TimeoutError:
                        yield b": still here\n\n"
                        continue
                    if entry is None:
                        return
                    if wanted(entry):
                        yield b"event: message\ndata: " + orjson.dumps(entry.json()) + b"\n\n"
            finally:
                self._viewers.discard(viewer)

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(entries(), media_type="text/event-stream", headers=headers)

    async def _draw(self, request: Request) -> Response:
        settings = {
            "api": self._api_url(),
            "base": self._base_url,
            "client": CLIENT_ID,
            "redirect": f"{self._base_url}/phone/signed-in",
        }
        # `<` is written as an escape, so that no value can end the script element it stands in.
        told = orjson.dumps(settings).decode().replace("<", "\\u003c")
        reply = HTMLResponse(self._page.replace("{{settings}}", told), headers={"cache-control": "no-store"})
        citizen = request.query_params.get("citizen", "")
        if citizen.isascii() and citizen.isdigit() and len(citizen) < 10:
            # ThaID's page reads this, so that a link can say who signs in.
            reply.set_cookie(HINT_COOKIE, citizen, max_age=300, path="/thaid", httponly=True, samesite="lax")
        return reply


def _read_text(body: bytes) -> tuple[str, str, str, str]:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise _NoText(400, "BAD_REQUEST", "the body must be JSON") from exc
    fields = asked if isinstance(asked, dict) else {}
    values = [value for name in ("to", "sender", "text", "reference") if isinstance(value := fields.get(name), str)]
    if len(values) != 4 or not all(0 < len(value) <= 1_000 for value in values):
        raise _NoText(422, "INVALID", "to, sender, text and reference must be texts of 1 to 1,000 characters")
    to, sender, text, reference = values
    if not _E164.fullmatch(to):
        raise _NoText(422, "INVALID_NUMBER", "to must be an E.164 number such as +66812345678")
    return to, sender, text, reference


def _read_push(body: bytes) -> tuple[dict[str, Any], bool]:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise _Invalid("", "Invalid JSON payload received.") from exc
    message = asked.get("message") if isinstance(asked, dict) else None
    if not isinstance(message, dict):
        raise _Invalid("message", "Message is missing")
    payload = [message.get("notification"), message.get("data")]
    if len(body) > LARGEST_PUSH and len(orjson.dumps(payload)) > LARGEST_PUSH:
        raise _Invalid("message", "Android message is too big")
    for part in ("notification", "android", "apns", "webpush", "data"):
        if not isinstance(message.get(part) or {}, dict):
            raise _Invalid(f"message.{part}", f"Invalid value at 'message.{part}'")
    return message, asked.get("validate_only") is True


def _target(message: dict[str, Any]) -> str:
    targets = [name for name in ("token", "fid", "topic", "condition") if message.get(name)]
    if len(targets) != 1:
        raise _Invalid("message", "Recipient of the message is not set.")
    name, value = targets[0], message[targets[0]]
    if not isinstance(value, str) or (name in ("token", "fid") and not _TOKEN.fullmatch(value)):
        raise _Invalid(f"message.{name}", "The registration token is not a valid FCM registration token")
    return f"/topics/{value}" if name in ("topic", "condition") else value


def _check_data(message: dict[str, Any]) -> None:
    for key, value in (message.get("data") or {}).items():
        if not isinstance(value, str):
            raise _Invalid(f"message.data[{key}]", f"Invalid value at 'message.data[{key}].value' (TYPE_STRING)")
        if _RESERVED_DATA.match(key):
            raise _Invalid("message.data", f"Invalid data payload key: {key}")


def _wording(message: dict[str, Any]) -> tuple[str, str]:
    notifications = (_inside(message, part, "notification") for part in ("", "android", "webpush"))
    found = next((one for one in notifications if one), {})
    return str(found.get("title") or ""), str(found.get("body") or "")


def _notification_id(message: dict[str, Any]) -> str:
    """By which id a repeat is known: ours in the data first, then what each platform calls it."""
    data = message.get("data") or {}
    android = message.get("android") or {}
    candidates = (
        data.get("notification_id"),
        data.get("notificationId"),
        _inside(message, "android", "notification").get("tag"),
        _inside(message, "apns", "headers").get("apns-collapse-id"),
        _inside(message, "webpush", "headers").get("Topic"),
        android.get("collapse_key"),
    )
    return next((str(candidate) for candidate in candidates if candidate), "")


def _inside(message: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    holder = message.get(part) if part else message
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _citizen_of(to: str) -> int | None:
    name, _, rest = to.partition("-")
    number = rest.partition("-")[0]
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    return int(number) if name == "sandbox" and is_number else None


def _filter(asked: Mapping[str, str]) -> Callable[[Shown], bool]:
    """`token`, `citizen`, `kind` and `to` narrow what is listed; a token also gets what was sent to topics."""
    token, citizen, kind, to = (asked.get(name) for name in ("token", "citizen", "kind", "to"))

    def wanted(entry: Shown) -> bool:
        return (
            (not kind or entry.kind == kind)
            and (not to or entry.to == to)
            and (not citizen or str(entry.citizen) == citizen)
            and (not token or entry.to == token or entry.to.startswith("/topics/"))
        )

    return wanted


def _sms_error(status: int, code: str, message: str) -> Response:
    return JsonReply({"error": {"code": code, "message": message}}, status_code=status)
