"""The doors for mini apps' backends, in the words of the platform that they call today.

`validate` sells a token for a key and secret, as the GDX gateway does, secret in the query and all: nothing here or below
may write a query string down. `deproc` trades an mToken for the person who opened the mini app, `push` sends messages,
`mock` makes a person up for integrators who have no phone at hand. What the real platform's pages don't say (what a used
mToken is answered with, say) follows the gateway's general rule: 401 no right, 404 no data.

Who calls is settled before a body is read. An mToken is burnt before the person is looked up, and it comes back only
where the look failed by no fault of the mini app's.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from agencies import dopa
from agencies.answers import Answer
from agencies.gateway import CONSENT, Gateway
from foundation import strict_json
from foundation.bodies import is_drained, read_whole
from foundation.clock import Clock
from foundation.dates import PartialDate
from foundation.errors import BadInput, Forbidden, NotFound, SuperAppError, TooMany, Unavailable
from foundation.store import PyMongoError
from foundation.telemetry import Metrics
from notifications.mini_app_messages import Deaths, MiniAppMessages, Wanted
from notifications.preferences import Preferences
from trust.limits import RateLimit
from trust.mini_apps import (
    CONTACT,
    LONGEST_NAME,
    NOTIFY,
    PROFILE,
    Consent,
    ConsumerNotFound,
    MiniApp,
    MiniApps,
    TokenNotFound,
    is_plain,
)
from trust.people import PersonId, parse_identity_number

log = logging.getLogger(__name__)

_BASES = ("/ws/dga/czp/uat/v1", "/ws/dga/czp/prod/v1", "/ws/dga/czp/v1")
MOST_MESSAGES = 1_000
LONGEST_MESSAGE = 1_000
LATEST = timedelta(days=90)
_SMALL_BODY, _LARGE_BODY = 16_384, 4_194_304
_BODY_WITHIN_S, _DRAINED_WITHIN_S = 10.0, 2.0
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_BIRTH = re.compile(r"(\d{4})(?:(\d\d)(\d\d|--)|----)", re.ASCII)
_PER_MINUTE = {"validate": 600, "deproc": 6_000, "mock": 600, "push": 120}

Body = Mapping[str, Any]
Door = Callable[[Request, MiniApp], Awaitable["_Said"]]
_Said = dict[str, Any]


def build_routes(
    *,
    mini_apps: MiniApps,
    messages: MiniAppMessages,
    gateway: Gateway,
    preferences: Preferences,
    deaths: Deaths,
    clock: Clock,
    metrics: Metrics,
    production: bool,
) -> list[Route]:
    """All of them; `mock` only where `production` is False."""
    doors = _Doors(mini_apps, messages, gateway, preferences, deaths, clock, metrics)
    routes = [Route("/ws/auth/validate", doors.validate, methods=["GET"])]
    for base in _BASES:
        routes += [
            Route(f"{base}/core/shield/data/deproc", doors.called("deproc", doors.deproc), methods=["POST"]),
            Route(f"{base}/core/notification/push", doors.called("push", doors.push), methods=["POST"]),
        ]
        if not production:
            routes.append(Route(f"{base}/core/shield/data/mock", doors.called("mock", doors.mock), methods=["POST"]))
    return routes


class _Doors:
    def __init__(
        self,
        mini_apps: MiniApps,
        messages: MiniAppMessages,
        gateway: Gateway,
        preferences: Preferences,
        deaths: Deaths,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._mini_apps = mini_apps
        self._messages = messages
        self._gateway = gateway
        self._preferences = preferences
        self._deaths = deaths
        self._clock = clock
        self._metrics = metrics
        self._limits = {door: RateLimit(most=most, window_s=60) for door, most in _PER_MINUTE.items()}

    # ---- the doors

    async def validate(self, request: Request) -> Response:
        """GDX's own: its errors are `{Code, Message}`."""

        async def sell() -> Response:
            asked: dict[str, str] = {}
            for name, value in request.query_params.multi_items():
                if name.lower() in asked:
                    raise BadInput("BadRequestException: a parameter is given twice")
                asked[name.lower()] = value
            key = request.headers.get("consumer-key", "")
            secret = asked.get("consumersecret", "")
            # Counted for who shows this very secret, or anybody who knows a key could use up its owner's calls.
            self._admit("validate", hashlib.sha256(f"{key}\0{secret}".encode()).hexdigest())
            token = await self._mini_apps.validate(key, secret, asked.get("agentid", ""))
            return _json({"Result": token})

        return await self._answered(sell, request, _gateway_error)

    def called(self, name: str, door: Door) -> Callable[[Request], Awaitable[Response]]:
        """A door behind the gateway: a key and token first, then its body."""

        async def answer(request: Request) -> Response:
            async def serve() -> Response:
                app = await self._mini_apps.caller(
                    request.headers.get("consumer-key", ""), request.headers.get("token", "")
                )
                self._admit(name, app.id)
                return _json(await door(request, app))

            return await self._answered(serve, request, self._platform_error)

        return answer

    async def deproc(self, request: Request, app: MiniApp) -> _Said:
        body = await _object(request, most=_SMALL_BODY)
        _must_be_own(body, app)
        entry = await self._mini_apps.burn(_text(body, "MToken", most=100), app=app)
        if entry is None:
            raise _no_such_entry()
        if entry.made_up is not None:
            return self._envelope(dict(entry.made_up), message="Success")
        person = entry.person
        consent = None if person is None else await self._mini_apps.consented(person, app.id)
        if person is None or consent is None or not consent.allows(PROFILE, app):
            raise _no_such_entry()
        try:
            return self._envelope(await self._person(app, person, consent), message="Success")
        except Unavailable:
            await self._mini_apps.put_back(entry)
            raise

    async def mock(self, request: Request, app: MiniApp) -> _Said:
        body = await _object(request, most=_SMALL_BODY)
        _must_be_own(body, app)
        number = parse_identity_number(_text(body, "CitizenId", most=40))
        notification = body.get("notification", True)
        if not isinstance(notification, bool):
            raise _wrong("Notification", "must be true or false", "ต้องเป็น true หรือ false")
        person = {
            "userId": self._mini_apps.user_id(f"made up {number}", app.id),
            "citizenId": number,
            "firstName": _line(body, "FirstName"),
            "lastName": _line(body, "LastName"),
            "dateOfBirthString": _birth(body),
            "mobile": _line(body, "Mobile", needed=False),
            "email": _line(body, "Email", needed=False),
            "notification": notification,
        }
        m_token = await self._mini_apps.make_up(app, person)
        return self._envelope({"appId": app.id, "mToken": m_token}, code=0, message=None)

    async def push(self, request: Request, app: MiniApp) -> _Said:
        body = await _object(request, most=_LARGE_BODY)
        _must_be_own(body, app)
        if NOTIFY not in app.scopes:
            raise Forbidden("this mini app may not send messages", th="มินิแอปนี้ไม่มีสิทธิส่งข้อความ")
        data = body.get("data")
        if not isinstance(data, list) or not 1 <= len(data) <= MOST_MESSAGES:
            raise _wrong(
                "data", f"must be a list of 1 to {MOST_MESSAGES} messages", f"ต้องเป็นรายการ 1 ถึง {MOST_MESSAGES} ข้อความ"
            )
        wanted = [_message(one, at) for at, one in enumerate(data)]
        taken = await self._messages.put(app, wanted, send_at=self._send_at(body.get("senddatetime")))
        return self._envelope(taken, message=None)

    # ---- what they are made of

    async def _person(self, app: MiniApp, person: PersonId, consent: Consent) -> _Said:
        """Who they are, by DOPA. NotFound where they are dead or erased; Unavailable where it can't be said now."""
        if person in await self._deaths.died([person]):
            raise _no_such_entry()
        asking = self._gateway.asking(
            subject=person, actor=app.actor, purpose=f"mini app {app.name.th} ({app.name.en})", ground=CONSENT
        )
        answer: Answer[dopa.Profile] = await asking.ask(dopa.PERSON)
        profile = answer.value
        if profile is None:
            if answer.state in ("NOT_FOUND", "NOT_ALLOWED"):
                raise _no_such_entry()
            raise Unavailable(
                "the register does not answer; the mToken may be used again",
                th="ทะเบียนราษฎรไม่ตอบในขณะนี้ ใช้ mToken เดิมได้อีก",
            )
        if profile.is_alive is False:
            raise _no_such_entry()
        wishes = await self._preferences.get(person)
        return {
            "userId": consent.user_id,
            "citizenId": profile.person_number,
            "firstName": profile.first_name.th,
            "lastName": profile.last_name.th,
            "dateOfBirthString": _written(profile.birth),
            "mobile": _national(wishes.mobile) if consent.allows(CONTACT, app) else None,
            "email": None,  # none is kept
            "notification": consent.allows(NOTIFY, app) and wishes.push and wishes.may_ring_for(app.topic, must=False),
        }

    def _send_at(self, said: Any) -> datetime | None:
        """When to tell; None for at once, as for what is past."""
        if said is None or said == "":
            return None
        try:
            if not isinstance(said, str) or not _MOMENT.fullmatch(said):
                raise ValueError
            moment = datetime.fromisoformat(said).astimezone(UTC)
        except (ValueError, OverflowError) as exc:
            raise _wrong(
                "sendDateTime",
                "must be a moment of the Common Era with its zone, such as 2026-11-21T19:48:00+07:00, or null",
                "ต้องเป็นวันเวลา ค.ศ. พร้อมเขตเวลา เช่น 2026-11-21T19:48:00+07:00 หรือ null",
            ) from exc
        now = self._clock.now()
        if moment > now + LATEST:
            raise _wrong(
                "sendDateTime",
                f"must be at most {LATEST.days} days ahead; the year is of the Common Era",
                f"ต้องไม่เกิน {LATEST.days} วันข้างหน้า และใช้ปี ค.ศ.",
            )
        return moment if moment > now else None

    def _envelope(self, result: Any, *, code: int = 200, message: str | None) -> _Said:
        stamp = int(self._clock.now().timestamp())
        return {"result": result, "requestTimeStamp": stamp, "messageCode": code, "message": message}

    def _admit(self, door: str, whose: str) -> None:
        if (wait_s := self._limits[door].admit(whose)) is not None:
            raise TooMany(
                f"more than {_PER_MINUTE[door]} calls a minute; wait",
                th="เรียกใช้บ่อยเกินไป โปรดรอสักครู่",
                retry_after_s=wait_s,
            )

    def _platform_error(self, exc: SuperAppError) -> Any:
        """The gateway's own refusals in its words, the platform's in its envelope."""
        if isinstance(exc, ConsumerNotFound | TokenNotFound):
            return _gateway_error(exc)
        return {**self._envelope(None, code=exc.status, message=exc.message), "messageTh": exc.th}

    async def _answered(
        self, serve: Callable[[], Awaitable[Response]], request: Request, refusal: Callable[[SuperAppError], Any]
    ) -> Response:
        try:
            response = await serve()
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody is there to read it
        except SuperAppError as exc:
            response = _refused(exc, refusal(exc))
        except PyMongoError as exc:
            log.error("the store failed at the mini apps' door", extra={"failure": type(exc).__name__})
            down = Unavailable("the service does not answer; try again", th="ระบบขัดข้องชั่วคราว โปรดลองใหม่")
            response = _refused(down, refusal(down))
        except Exception as exc:
            reference = secrets.token_hex(6)
            log.error(
                "the mini apps' door failed",
                extra={"reference": reference, "path": request.scope["path"], "error": type(exc).__name__},
                exc_info=exc,
            )
            self._metrics.alarms.labels("mini_app_door").inc()
            fault = SuperAppError(
                f"something went wrong on our side; reference {reference}",
                th=f"ระบบของเราขัดข้อง หากแจ้งปัญหา โปรดระบุรหัสอ้างอิง {reference}",
            )
            response = _refused(fault, refusal(fault))
        if response.status_code >= 400 and not await _is_drained(request):
            response.headers["Connection"] = "close"
        self._metrics.requests.labels("mini_app", str(response.status_code)).inc()
        return response


def _gateway_error(exc: SuperAppError) -> Any:
    return {"Code": str(exc.status), "Message": exc.message}


def _refused(exc: SuperAppError, said: Any) -> Response:
    response = _json(said, status=exc.status)
    if exc.status in (429, 503):
        response.headers["Retry-After"] = str(max(1, round(exc.facts.get("retry_after_s", 2))))
    return response


def _json(said: Any, *, status: int = 200) -> Response:
    return Response(orjson.dumps(said), status_code=status, media_type="application/json", headers=_HEADERS)


def _no_such_entry() -> NotFound:
    """One answer for all: used, expired, another mini app's, withdrawn, dead, erased."""
    return NotFound(
        "mToken not found: it was used, has expired, or is not this mini app's; the person must open the mini app again",
        th="ไม่พบ mToken: ถูกใช้แล้ว หมดอายุ หรือไม่ใช่ของมินิแอปนี้ ผู้ใช้ต้องเปิดมินิแอปใหม่",
    )


# ---- reading what was sent


async def _object(request: Request, *, most: int) -> Body:
    """The body's fields under their names in lower case: integrators write AppId, appId and appid."""
    try:
        value = strict_json.loads(await _body(request, most=most))
    except strict_json.KeyTwice as exc:
        raise _twice() from exc
    except (ValueError, RecursionError) as exc:
        raise BadInput("the body is not JSON in UTF-8", th="body ไม่ใช่ JSON ที่เข้ารหัส UTF-8") from exc
    if not isinstance(value, dict):
        raise BadInput("the body must be a JSON object", th="body ต้องเป็น JSON object")
    return _folded(value)


def _folded(value: Mapping[str, Any]) -> Body:
    folded = {name.lower(): one for name, one in value.items()}
    if len(folded) != len(value):
        raise _twice()
    return folded


async def _body(request: Request, *, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    return await read_whole(request.stream(), announced=announced, most=most, within_s=_BODY_WITHIN_S)


async def _is_drained(request: Request) -> bool:
    return await is_drained(request.stream(), most=_LARGE_BODY, within_s=_DRAINED_WITHIN_S, gone=ClientDisconnect)


def _must_be_own(body: Body, app: MiniApp) -> None:
    if _text(body, "AppId", most=100).lower() != app.id:
        raise Forbidden("AppId is not this consumer's mini app", th="AppId ไม่ใช่มินิแอปของ Consumer-Key นี้")


def _text(body: Body, name: str, *, most: int) -> str:
    value = body.get(name.lower())
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise _wrong(name, f"must be a text of 1 to {most} characters", f"ต้องเป็นข้อความ 1 ถึง {most} ตัวอักษร")
    return value


def _line(body: Body, name: str, *, needed: bool = True) -> str | None:
    """One line that people can read, or None where it isn't there and needn't be."""
    if not needed and body.get(name.lower()) in (None, ""):
        return None
    text = _text(body, name, most=LONGEST_NAME).strip()
    if not text or "\n" in text or not is_plain(text):
        raise _wrong(
            name,
            "must be one line of plain text, without control characters",
            "ต้องเป็นข้อความธรรมดาบรรทัดเดียว ไม่มีอักขระควบคุม",
        )
    return text


def _birth(body: Body) -> str:
    text = _text(body, "DateOfBirthString", most=8)
    found = _BIRTH.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        year, month, day = found.groups()
        born = date(int(year), int(month or 1), 1 if day in (None, "--") else int(day))
        if not 1850 <= born.year <= 2200:  # what is later is a year of the Buddhist era
            raise ValueError
    except ValueError as exc:
        raise _wrong(
            "DateOfBirthString",
            "must be yyyyMMdd of the Common Era, with dashes for what is not known: 19860501, 198605--, 1986----",
            "ต้องเป็น yyyyMMdd ปี ค.ศ. ส่วนที่ไม่ทราบใช้ขีด: 19860501, 198605--, 1986----",
        ) from exc
    return text


def _message(one: Any, at: int) -> Wanted:
    place = f"data[{at}]"
    if not isinstance(one, dict):
        raise _wrong(place, "must be an object with message and userId", "ต้องเป็น object ที่มี message และ userId")
    fields = _folded(one)
    text, user_id = fields.get("message"), fields.get("userid")
    if not isinstance(user_id, str) or not 1 <= len(user_id) <= 100:
        raise _wrong(f"{place}.userId", "must be the userId of deproc", "ต้องเป็น userId ที่ได้จาก deproc")
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_MESSAGE or not is_plain(text):
        raise _wrong(
            f"{place}.message",
            f"must be plain text of 1 to {LONGEST_MESSAGE} characters, without control characters or bidi overrides",
            f"ต้องเป็นข้อความธรรมดา 1 ถึง {LONGEST_MESSAGE} ตัวอักษร ไม่มีอักขระควบคุมหรืออักขระเปลี่ยนทิศทาง",
        )
    return Wanted(user_id=user_id.lower(), text=text)


def _wrong(name: str, why: str, thai: str) -> BadInput:
    return BadInput(f"{name} {why}; nothing was done", th=f"{name} {thai} ยังไม่ได้ดำเนินการใด", field=name)


def _twice() -> BadInput:
    return BadInput("a field stands twice in one object", th="มีฟิลด์ซ้ำใน object เดียวกัน")


# ---- writing


def _written(birth: PartialDate) -> str:
    """`19640229`, `196402--` or `1964----`."""
    return str(birth).replace("-", "").ljust(8, "-")


def _national(mobile: str | None) -> str | None:
    """`0812345678`, as it is written in Thailand."""
    if mobile is None or not mobile.startswith("+66"):
        return mobile
    return f"0{mobile.removeprefix('+66')}"
