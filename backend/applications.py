"""Biz Portal's two addresses at our own door: an agency that reports its requests there can report them here as well.

The same paths, headers and bodies (`Consumer-Key` and `Token`, as a mini app's backend has them), and the same answer
`{"Status", "Message", "ErrorMessage", "Data"}` with 0 for done and 3 for failed, beside an HTTP status that says which.
Only citizens' requests are taken (IdentityType 1): a company's would have nobody here to be shown to.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundation import strict_json
from foundation.bodies import read_whole
from foundation.errors import BadInput, SuperAppError, TooMany, Unavailable
from foundation.http import check_endpoint
from foundation.store import PyMongoError
from foundation.telemetry import Metrics
from lifeevents.applications import STATES, WAITINGS, Applications, Button, Change, Filed
from trust.limits import RateLimit
from trust.mini_apps import ConsumerNotFound, TokenNotFound, is_plain
from trust.people import parse_identity_number

log = logging.getLogger(__name__)

PREFIX = "/ws/dga/bizportal/applicationrequest"
_LARGEST = 65_536
_BODY_WITHIN_S = 5.0
_PER_MINUTE = 600
_CITIZEN = 1
_LONGEST_URL = 500


class Caller(Protocol):
    """Who reports."""

    @property
    def id(self) -> str: ...

    @property
    def agency(self) -> str: ...


# By consumer key and token, who calls; ConsumerNotFound or TokenNotFound.
Guard = Callable[[str, str], Awaitable[Caller]]
Body = Mapping[str, Any]
Door = Callable[[Body, Caller], Awaitable[str]]


def build_routes(*, applications: Applications, guard: Guard, metrics: Metrics, production: bool) -> list[Route]:
    doors = _Doors(applications, guard, metrics, production=production)
    return [
        Route(f"{PREFIX}/import", doors.open(doors.record), methods=["POST"]),
        Route(f"{PREFIX}/update", doors.open(doors.update), methods=["POST"]),
    ]


class _Doors:
    def __init__(self, applications: Applications, guard: Guard, metrics: Metrics, *, production: bool) -> None:
        self._applications = applications
        self._guard = guard
        self._metrics = metrics
        self._production = production
        self._limit = RateLimit(most=_PER_MINUTE, window_s=60)

    def open(self, door: Door) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            response = await self._answered(door, request)
            self._metrics.requests.labels("bizportal", str(response.status_code)).inc()
            return response

        return answer

    async def record(self, body: Body, caller: Caller) -> str:
        kind = body.get("identitytype")
        if kind not in (_CITIZEN, str(_CITIZEN)) or isinstance(kind, bool):
            raise _wrong("IdentityType", "must be 1: only citizens' requests are taken", "ต้องเป็น 1 (ประชาชน) เท่านั้น")
        data = body.get("data")
        if not isinstance(data, dict):
            raise _wrong("Data", "must be an object", "ต้องเป็น object")
        data = _folded(data)
        filed = Filed(
            kind=_line(body, "ApplicationId", most=100),
            name=_line(data, "Name", most=200, of="Data."),
            reference_id=_line(data, "ReferenceId", most=100, of="Data."),
            reference_number=_maybe_line(data, "ReferenceNumber", most=100, of="Data."),
            url=self._maybe_url(data, "Url", of="Data."),
        )
        identity = body.get("identityid")
        if not isinstance(identity, str):
            raise _wrong("IdentityId", "must be a text", "ต้องเป็นข้อความ")
        return await self._applications.record(parse_identity_number(identity), filed, agency=caller.agency)

    async def update(self, body: Body, caller: Caller) -> str:
        application, state = _line(body, "RequestId", most=100), body.get("status")
        if state not in STATES:
            raise _wrong("Status", f"must be one of {', '.join(STATES)}", f"ต้องเป็นหนึ่งใน {', '.join(STATES)}")
        waiting = body.get("statusother") or None
        if waiting is not None and waiting not in WAITINGS:
            raise _wrong(
                "StatusOther", f"must be one of {', '.join(WAITINGS)}, or left out",
                f"ต้องเป็นหนึ่งใน {', '.join(WAITINGS)} หรือไม่ต้องระบุ",
            )  # fmt: skip
        change = Change(
            state=state, waiting=waiting, remark=_maybe_line(body, "Remark", most=500), button=self._button(body)
        )
        await self._applications.update(application, change, agency=caller.agency)
        return application

    def _button(self, body: Body) -> Button | None:
        option = body.get("option")
        if option is None:
            return None
        shown = _folded(option).get("externalbuttonoption") if isinstance(option, dict) else option
        if shown is None:
            return None
        if not isinstance(shown, dict):
            raise _wrong("Option.ExternalButtonOption", "must be an object", "ต้องเป็น object")
        fields, of = _folded(shown), "Option.ExternalButtonOption."
        url = self._maybe_url(fields, "Url", of=of)
        if url is None:
            raise _wrong(f"{of}Url", "must be an address", "ต้องเป็นที่อยู่ (URL)")
        name = _line(fields, "Name", most=100, of=of)
        return Button(name=name, url=url, description=_maybe_line(fields, "Description", most=300, of=of))

    def _maybe_url(self, body: Body, name: str, *, of: str) -> str | None:
        """Where a phone may be sent. In production that is https, and no address inside."""
        url = _maybe_line(body, name, most=_LONGEST_URL, of=of)
        if url is not None:
            try:
                check_endpoint(url, public_only=self._production)
            except BadInput as exc:
                raise _wrong(f"{of}{name}", "must be an https address", "ต้องเป็นที่อยู่ https") from exc
        return url

    async def _answered(self, door: Door, request: Request) -> Response:
        try:
            caller = await self._guard(request.headers.get("consumer-key", ""), request.headers.get("token", ""))
            wait_s = self._limit.admit(caller.id)
            if wait_s is not None:
                raise TooMany(
                    f"more than {_PER_MINUTE} calls a minute; wait",
                    th="เรียกใช้บ่อยเกินไป โปรดรอสักครู่",
                    retry_after_s=wait_s,
                )
            request_id = await door(await _object(request), caller)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except (ConsumerNotFound, TokenNotFound) as exc:
            # As the gateway before the real portal says it.
            return _json({"Code": str(exc.status), "Message": exc.message}, status=exc.status, closing=True)
        except SuperAppError as exc:
            return _failed(exc)
        except PyMongoError as exc:
            log.error("the store failed at the applications' door", extra={"failure": type(exc).__name__})
            return _failed(Unavailable("the service does not answer; try again", th="ระบบขัดข้องชั่วคราว โปรดลองใหม่"))
        except Exception as exc:
            reference = secrets.token_hex(6)
            log.error(
                "the applications' door failed",
                extra={"reference": reference, "error": type(exc).__name__},
                exc_info=exc,
            )
            self._metrics.alarms.labels("application_door").inc()
            said = f"something went wrong on our side; reference {reference}"
            return _failed(SuperAppError(said, th=f"ระบบของเราขัดข้อง โปรดแจ้งรหัสอ้างอิง {reference}"))
        return _json({"Status": 0, "Message": "Success", "ErrorMessage": None, "Data": {"RequestId": request_id}})


async def _object(request: Request) -> Body:
    """The body's fields under their names in lower case, as integrators spell them in several ways."""
    kind, _, _ = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != "application/json":
        raise BadInput("the Content-Type must be application/json", th="Content-Type ต้องเป็น application/json")
    try:
        value = strict_json.loads(await _read(request))
    except strict_json.KeyTwice as exc:
        raise _twice() from exc
    except (ValueError, RecursionError) as exc:
        raise BadInput("the body is not JSON in UTF-8", th="body ไม่ใช่ JSON ที่เข้ารหัส UTF-8") from exc
    if not isinstance(value, dict):
        raise BadInput("the body must be a JSON object", th="body ต้องเป็น JSON object")
    return _folded(value)


async def _read(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    return await read_whole(request.stream(), announced=announced, most=_LARGEST, within_s=_BODY_WITHIN_S)


def _folded(value: Mapping[str, Any]) -> Body:
    folded = {name.strip().lower(): one for name, one in value.items()}
    if len(folded) != len(value):
        raise _twice()
    return folded


def _line(body: Body, name: str, *, most: int, of: str = "") -> str:
    value = body.get(name.lower())
    if not isinstance(value, str) or not value.strip() or len(value) > most or "\n" in value or not is_plain(value):
        raise _wrong(
            f"{of}{name}", f"must be one line of plain text of 1 to {most} characters",
            f"ต้องเป็นข้อความธรรมดาบรรทัดเดียว 1 ถึง {most} ตัวอักษร",
        )  # fmt: skip
    return value.strip()


def _maybe_line(body: Body, name: str, *, most: int, of: str = "") -> str | None:
    return None if body.get(name.lower()) in (None, "") else _line(body, name, most=most, of=of)


def _wrong(name: str, why: str, thai: str) -> BadInput:
    return BadInput(f"{name} {why}; nothing was done", th=f"{name} {thai} ยังไม่ได้ดำเนินการใด", field=name)


def _twice() -> BadInput:
    return BadInput("a field stands twice in one object", th="มีฟิลด์ซ้ำใน object เดียวกัน")


def _failed(exc: SuperAppError) -> Response:
    said = {"Status": 3, "Message": exc.message, "ErrorMessage": f"{exc.code}: {exc.th}", "Data": None}
    response = _json(said, status=exc.status, closing=exc.status in (408, 413, 429))
    if exc.status in (429, 503):
        response.headers["Retry-After"] = str(max(1, round(exc.facts.get("retry_after_s", 2))))
    return response


def _json(said: Any, *, status: int = 200, closing: bool = False) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if closing:
        headers["Connection"] = "close"  # what is left of the body is not read
    return JSONResponse(said, status_code=status, headers=headers)
