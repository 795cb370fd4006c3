"""DOPA's Linkage Center 2 behind GDX: an officer signs in with ThaID, then asks for people in batches, each for a job.

What integrators meet, kept: every item of a batch has its own status, and which services an officer may use depends on
the job named in the request. What the services say is in `dopa_services.py`.

Invented, because nothing public says: `dateOfDeath`, the members of a house in service 008, all services but 001 and
008, the error numbers.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jwt
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.agencies.dopa_services import SERVICES, No, Services, a_year_off
from sandbox.agencies.gdx import Gateway
from sandbox.control import JsonReply
from sandbox.faults import Door, Faults, is_disagreeing, is_lying
from sandbox.world import World

OFFICE = {"id": "00023", "name": "ระบบทางรัฐ (จำลอง)"}
OFFICER_TOKEN = "tangrat-linkage2"  # stands for an officer's ThaID access token where nobody can sign in
JOB_CITIZEN_APP = "tangrat"  # a citizen looks at their own record: everything
JOB_PERSON_ONLY = "tangrat-person-only"  # checking a name: service 001 only
SESSION_S = 30 * 60
MOST_ITEMS = 100

JOBS = {JOB_CITIZEN_APP: frozenset(SERVICES), JOB_PERSON_ONLY: frozenset({1})}

_PREFIX = "/gdx/ws/dopa/linkage2/api/center"
_OPERATIONS = {
    ("POST", "login/"): "login",
    ("POST", "login/confirm"): "confirm",
    ("POST", "login/renew"): "renew",
    ("DELETE", "login/"): "logout",
    ("GET", "user/job"): "job",
    ("POST", "request/"): "request",
    ("GET", "verification/personal"): "verification",
}


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    return _OPERATIONS.get((method, path.removeprefix("linkage2/api/center/")))


def _failure(status: int) -> dict[str, Any]:
    return {"errorNumber": 90500, "errorMessage": "ระบบปลายทางขัดข้อง"}


DOOR = Door(
    agency="dopa",
    prefix="/gdx/ws/dopa/",
    operations=tuple(_OPERATIONS.values()),
    operation_of=_operation_of,
    failure=_failure,
    parts=tuple(SERVICES.values()),
    can_disagree=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    officer: str
    ends_at: float


class Linkage:
    """The Linkage Center. `pid_of_token` tells whose ThaID token it is, None for a token ThaID doesn't know."""

    def __init__(
        self, world: World, gateway: Gateway, faults: Faults, *, pid_of_token: Callable[[str], str | None]
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._faults = faults
        self._pid_of_token = pid_of_token
        self._key = secrets.token_bytes(32)
        self._sessions: dict[str, _Session] = {}
        self._services = Services(world)

    def forget(self) -> int:
        """Drops every session, as a restart does."""
        dropped = len(self._sessions)
        self._sessions.clear()
        return dropped

    def routes(self) -> list[BaseRoute]:
        def route(path: str, answer: Callable[[Request], Any], method: str) -> BaseRoute:
            async def behind_the_gateway(request: Request) -> Response:
                refusal = self._gateway.refusal(request)
                if refusal is not None:
                    return refusal
                try:
                    return JsonReply(await answer(request))
                except No as no:
                    return JsonReply(no.error, status_code=no.status)

            return Route(f"{_PREFIX}/{path}", behind_the_gateway, methods=[method])

        return [
            route("login/", self._login, "POST"),
            route("login/confirm", self._confirm, "POST"),
            route("login/renew", self._renew, "POST"),
            route("login/", self._logout, "DELETE"),
            route("user/job", self._jobs, "GET"),
            route("request/", self._request, "POST"),
        ]

    # Signing in

    async def _login(self, request: Request) -> dict[str, Any]:
        body = await _read(request)
        _check_login_type(body)
        _check_pid(body.get("personalID"))
        return {"office": [OFFICE]}

    async def _confirm(self, request: Request) -> dict[str, Any]:
        body = await _read(request)
        _check_login_type(body)
        officer = _check_pid(body.get("personalID"))
        if str(body.get("officeID")).zfill(5) != OFFICE["id"]:
            raise No(403, 90003, "ไม่พบสิทธิการใช้งานของหน่วยงานนี้")
        token = str(body.get("accessToken") or "")
        if token != OFFICER_TOKEN and self._pid_of_token(token) != officer:
            raise No(401, 90001, "เจ้าหน้าที่ยังไม่ได้ยืนยันตัวตน")
        return {"token": self._open_session(officer)}

    async def _renew(self, request: Request) -> dict[str, Any]:
        old, session = self._session(request)
        del self._sessions[old]
        return {"token": self._open_session(session.officer)}

    async def _logout(self, request: Request) -> dict[str, Any]:
        token, _ = self._session(request)
        del self._sessions[token]
        return {}

    async def _jobs(self, request: Request) -> dict[str, Any]:
        self._session(request)
        return {"job": list(JOBS)}

    def _open_session(self, officer: str) -> str:
        now = time.time()
        self._sessions = {t: s for t, s in self._sessions.items() if s.ends_at > now}
        claims = {"sub": officer, "iat": int(now), "exp": int(now) + SESSION_S, "jti": secrets.token_hex(8)}
        token = jwt.encode(claims, self._key, algorithm="HS256")
        self._sessions[token] = _Session(officer=officer, ends_at=now + SESSION_S)
        return token

    def _session(self, request: Request) -> tuple[str, _Session]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        session = self._sessions.get(token.strip()) if scheme.lower() == "bearer" else None
        if session is None or session.ends_at <= time.time():
            raise No(401, 90001, "เจ้าหน้าที่ยังไม่ได้ยืนยันตัวตน")
        return token.strip(), session

    # Asking

    async def _request(self, request: Request) -> dict[str, Any]:
        started = time.perf_counter()
        self._session(request)
        body = await _read(request)
        allowed = JOBS.get(str(body.get("jobID")))
        if allowed is None:
            raise No(403, 90003, "ไม่มีสิทธิในภารกิจ (job) นี้")
        items = body.get("data")
        if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
            raise No(400, 90002, f"data ต้องมี 1 ถึง {MOST_ITEMS} รายการ")
        ways = {"lying": is_lying(request), "disagreeing": is_disagreeing(request)}
        answers = [await self._answer(item, allowed, **ways) for item in items]
        return {"data": answers, "executeTimeMs": _ms_since(started)}

    async def _answer(self, item: Any, allowed: frozenset[int], *, lying: bool, disagreeing: bool) -> dict[str, Any]:
        started = time.perf_counter()
        status, error, content = 200, None, None
        try:
            content = await self._look_up(item, allowed, lying=lying, disagreeing=disagreeing)
        except No as no:
            status, error = no.status, no.error
        return {
            "serviceID": item.get("serviceID") if isinstance(item, dict) else None,
            "responseStatus": status,
            "responseError": error,
            "responseTimeMs": _ms_since(started),
            "responseData": content,
        }

    async def _look_up(self, item: Any, allowed: frozenset[int], *, lying: bool, disagreeing: bool) -> dict[str, Any]:
        if not isinstance(item, dict) or not isinstance(item.get("query"), dict):
            raise No(400, 90002, "รูปแบบรายการไม่ถูกต้อง")
        service = _service_number(item.get("serviceID"))
        if service is None:
            raise No(404, 90405, "ไม่พบบริการนี้")
        if service not in allowed:
            raise No(403, 90003, "ภารกิจ (job) นี้ไม่มีสิทธิใช้บริการ")
        pid = _check_pid(item["query"].get("personalID"))
        fault = self._faults.take_part("dopa", SERVICES[service])
        if fault is not None:
            await self._faults.nap(fault.delay_s)
            lying = lying or fault.kind == "lying"
            disagreeing = disagreeing or fault.kind == "disagreeing"
            if fault.kind == "error":
                raise No(fault.status or 500, 90500, "ระบบปลายทางขัดข้อง")
            if fault.kind == "refreshing":
                raise No(503, 90503, "ระบบปลายทางอยู่ระหว่างปรับปรุงข้อมูลประจำวัน")
        person = self._world.find(pid)
        if person is None:
            raise No(404, 90404, "ไม่พบข้อมูลบุคคล")
        if lying:
            person = self._world.somebody_else(person, having=lambda c: c.alive and c.id_card != "never")
        if disagreeing and service == 1:
            person = replace(person, birth=a_year_off(person.birth))
        return self._services.answer(service, person)


async def _read(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise No(400, 90002, "รูปแบบคำขอไม่ถูกต้อง")
    return body


def _check_login_type(body: dict[str, Any]) -> None:
    if str(body.get("loginType")) != "2":
        raise No(400, 90002, "loginType ต้องเป็น 2 (ThaID)")


def _check_pid(value: Any) -> str:
    pid = str(value)
    if isinstance(value, bool) or not (len(pid) == 13 and pid.isascii() and pid.isdigit()):
        raise No(400, 90002, "personalID ต้องเป็นตัวเลข 13 หลัก")
    return pid


def _service_number(value: Any) -> int | None:
    """`1`, `"1"` and `"001"` are the same service."""
    text = str(value)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
    return number if number in SERVICES and not isinstance(value, bool) else None


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
