"""DOPA's Linkage Center 2 behind GDX: an officer signs in with ThaID, then asks for people in batches, each for a job.

What integrators meet, kept: identity numbers, house codes and dates are JSON integers; dates are Buddhist-era
`25360719` with 00 for a day or month the register doesn't know; every item of a batch has its own status. Address codes
are per level, not concatenated. Which services an officer may use depends on the job named in the request.

Invented, because nothing public says: `dateOfDeath`, the members of a house in service 008, services 002 and 003, the
error numbers.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import jwt
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from foundation.language import buddhist_year
from sandbox.agencies.gdx import Gateway
from sandbox.control import JsonReply
from sandbox.faults import Door, Faults, is_lying
from sandbox.people import Address, BirthDate, Citizen
from sandbox.world import World, full_name

OFFICE = {"id": "00023", "name": "ระบบทางรัฐ (จำลอง)"}
OFFICER_TOKEN = "tangrat-linkage2"  # stands for an officer's ThaID access token where nobody can sign in
JOB_CITIZEN_APP = "tangrat"  # a citizen looks at their own record: everything
JOB_PERSON_ONLY = "tangrat-person-only"  # checking a name: service 001 only
SESSION_S = 30 * 60
LIFETIME = 99_999_999
MOST_ITEMS = 100

SERVICES = {1: "person", 2: "family", 3: "card", 8: "house"}
JOBS = {JOB_CITIZEN_APP: frozenset(SERVICES), JOB_PERSON_ONLY: frozenset({1})}

_PREFIX = "/gdx/ws/dopa/linkage2/api/center"
_OPERATIONS = {
    ("POST", "login/"): "login",
    ("POST", "login/confirm"): "confirm",
    ("POST", "login/renew"): "renew",
    ("DELETE", "login/"): "logout",
    ("GET", "user/job"): "job",
    ("POST", "request/"): "request",
}
_TITLE_CODES = {"เด็กชาย": 1, "เด็กหญิง": 2, "นาย": 3, "นางสาว": 4, "นาง": 5}
_NATIONALITIES = {"thai": (99, "ไทย"), "other": (48, "เมียนมา"), "stateless": (0, "ไม่มีสัญชาติ")}
_MARITAL = {"single": (1, "โสด"), "married": (2, "สมรส"), "widowed": (3, "หม้าย"), "divorced": (4, "หย่า")}
_CARDS = {
    "valid": (0, "ปกติ"),
    "lifetime": (0, "ปกติ"),
    "expired": (1, "หมดอายุ"),
    "lost": (2, "แจ้งหาย"),
    "damaged": (3, "ชำรุด"),
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
)


class _No(Exception):
    """What DOPA will not do, with its status and number."""

    def __init__(self, status: int, number: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"errorNumber": number, "errorMessage": message}


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
        self._services: dict[int, Callable[[Citizen], dict[str, Any]]] = {
            1: self._person,
            2: self._family,
            3: self._card,
            8: self._house,
        }

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
                except _No as no:
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
            raise _No(403, 90003, "ไม่พบสิทธิการใช้งานของหน่วยงานนี้")
        token = str(body.get("accessToken") or "")
        if token != OFFICER_TOKEN and self._pid_of_token(token) != officer:
            raise _No(401, 90001, "เจ้าหน้าที่ยังไม่ได้ยืนยันตัวตน")
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
            raise _No(401, 90001, "เจ้าหน้าที่ยังไม่ได้ยืนยันตัวตน")
        return token.strip(), session

    # Asking

    async def _request(self, request: Request) -> dict[str, Any]:
        started = time.perf_counter()
        self._session(request)
        body = await _read(request)
        allowed = JOBS.get(str(body.get("jobID")))
        if allowed is None:
            raise _No(403, 90003, "ไม่มีสิทธิในภารกิจ (job) นี้")
        items = body.get("data")
        if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
            raise _No(400, 90002, f"data ต้องมี 1 ถึง {MOST_ITEMS} รายการ")
        answers = [await self._answer(item, allowed, lying=is_lying(request)) for item in items]
        return {"data": answers, "executeTimeMs": _ms_since(started)}

    async def _answer(self, item: Any, allowed: frozenset[int], *, lying: bool) -> dict[str, Any]:
        started = time.perf_counter()
        status, error, content = 200, None, None
        try:
            content = await self._look_up(item, allowed, lying=lying)
        except _No as no:
            status, error = no.status, no.error
        return {
            "serviceID": item.get("serviceID") if isinstance(item, dict) else None,
            "responseStatus": status,
            "responseError": error,
            "responseTimeMs": _ms_since(started),
            "responseData": content,
        }

    async def _look_up(self, item: Any, allowed: frozenset[int], *, lying: bool) -> dict[str, Any]:
        if not isinstance(item, dict) or not isinstance(item.get("query"), dict):
            raise _No(400, 90002, "รูปแบบรายการไม่ถูกต้อง")
        service = _service_number(item.get("serviceID"))
        if service is None:
            raise _No(404, 90405, "ไม่พบบริการนี้")
        if service not in allowed:
            raise _No(403, 90003, "ภารกิจ (job) นี้ไม่มีสิทธิใช้บริการ")
        pid = _check_pid(item["query"].get("personalID"))
        fault = self._faults.take_part("dopa", SERVICES[service])
        if fault is not None:
            await self._faults.nap(fault.delay_s)
            lying = lying or fault.kind == "lying"
            if fault.kind == "error":
                raise _No(fault.status or 500, 90500, "ระบบปลายทางขัดข้อง")
        person = self._world.find(pid)
        if person is None:
            raise _No(404, 90404, "ไม่พบข้อมูลบุคคล")
        if lying:
            person = self._world.somebody_else(person, having=lambda c: c.alive and c.id_card != "never")
        return self._services[service](person)

    # 001 person

    def _person(self, person: Citizen) -> dict[str, Any]:
        father, mother = self._parent(person.father), self._parent(person.mother)
        return {
            **self._brief(person),
            "titleCode": _TITLE_CODES.get(person.title.th, 999),
            "titleName": person.title.th,
            "titleSex": 1 if person.sex == "male" else 2,
            "middleName": person.middle_name.th if person.middle_name else "",
            "age": self._world.age(person),
            "dateOfMoveIn": be_day(person.moved_in),
            "englishTitleDesc": person.title.en,
            "englishFirstName": person.first_name.en,
            "englishMiddleName": person.middle_name.en if person.middle_name else "",
            "englishLastName": person.last_name.en,
            "fatherPersonalID": int(father.pid) if father else 0,
            "fatherName": father.first_name.th if father else "",
            "fatherNationalityCode": _NATIONALITIES[father.nationality][0] if father else 0,
            "fatherNationalityDesc": _NATIONALITIES[father.nationality][1] if father else "",
            "motherPersonalID": int(mother.pid) if mother else 0,
            "motherName": mother.first_name.th if mother else "",
            "motherNationalityCode": _NATIONALITIES[mother.nationality][0] if mother else 0,
            "motherNationalityDesc": _NATIONALITIES[mother.nationality][1] if mother else "",
        }

    def _brief(self, person: Citizen) -> dict[str, Any]:
        nationality = _NATIONALITIES[person.nationality]
        return {
            "pid": int(person.pid),
            "titleDesc": person.title.th,
            "firstName": person.first_name.th,
            "lastName": person.last_name.th,
            "fullnameAndRank": full_name(person),
            "genderCode": 1 if person.sex == "male" else 2,
            "genderDesc": "ชาย" if person.sex == "male" else "หญิง",
            "dateOfBirth": be_birth(person.birth),
            "nationalityCode": nationality[0],
            "nationalityDesc": nationality[1],
            "ownerStatusDesc": "เจ้าบ้าน" if person.is_householder else "ผู้อาศัย",
            "statusOfPersonCode": 0 if person.alive else 1,
            "statusOfPersonDesc": "บุคคลนี้มีภูมิลำเนาอยู่ในบ้านนี้" if person.alive else "ตาย",
            "dateOfDeath": be_day(person.died_on) if person.died_on and not person.alive else 0,
        }

    def _parent(self, number: int | None) -> Citizen | None:
        return None if number is None else self._world.citizen(number)

    # 002 family

    def _family(self, person: Citizen) -> dict[str, Any]:
        def relative(number: int | None) -> dict[str, Any] | None:
            found = self._parent(number)
            return None if found is None else self._brief(found)

        marital = _MARITAL[person.marital_status]
        children = [self._brief(child) for child in self._world.present(person.children)]
        return {
            "pid": int(person.pid),
            "maritalStatusCode": marital[0],
            "maritalStatusDesc": marital[1],
            "father": relative(person.father),
            "mother": relative(person.mother),
            "spouse": relative(person.spouse),
            "totalChild": len(children),
            "children": children,
        }

    # 003 identity card

    def _card(self, person: Citizen) -> dict[str, Any]:
        if person.id_card == "never":
            raise _No(404, 90406, "ไม่พบประวัติการทำบัตร")
        code, desc = _CARDS[person.id_card]
        expires = person.id_card_expires
        return {
            "pid": int(person.pid),
            "cardStatus": code,
            "cardStatusDesc": desc,
            "dateOfIssue": _issued_on(person),
            "dateOfExpire": LIFETIME if person.id_card == "lifetime" else be_day(expires) if expires else 0,
        }

    # 008 house

    def _house(self, person: Citizen) -> dict[str, Any]:
        if not person.alive:
            raise _No(404, 90407, "ไม่พบข้อมูลทะเบียนบ้านที่บุคคลมีชื่ออยู่")
        living = [c for c in self._world.present(person.household) if c.alive]
        head = next((c for c in living if c.is_householder), None)
        members = sorted(living, key=lambda c: (not c.is_householder, c.birth.earliest()))
        return {**_address(person.address), "members": [self._member(c, head) for c in members]}

    def _member(self, person: Citizen, head: Citizen | None) -> dict[str, Any]:
        return {
            **self._brief(person),
            "relation": _relation(person, head, self._world),
            "age": self._world.age(person),
            "dateOfMoveIn": be_day(person.moved_in),
        }


def be_birth(birth: BirthDate) -> int:
    """A Buddhist-era date as an integer, 00 for what isn't known."""
    return buddhist_year(birth.earliest()) * 10_000 + (birth.month or 0) * 100 + (birth.day or 0)


def be_day(day: date) -> int:
    return buddhist_year(day) * 10_000 + day.month * 100 + day.day


def _address(address: Address) -> dict[str, Any]:
    code = address.subdistrict_code
    return {
        "houseID": int(address.house_id),
        "houseNo": address.house_no,
        "houseType": 1,
        "houseTypeDesc": "บ้าน",
        "villageNo": int(address.village_no or 0),
        "alleyWayCode": 0,
        "alleyWayDesc": "",
        "alleyCode": 0,
        "alleyDesc": "",
        "roadCode": 0,
        "roadDesc": address.road.removeprefix("ถนน"),
        "subdistrictCode": int(code[4:6]),
        "subdistrictDesc": address.subdistrict.th,
        "subdistrictEnglishDesc": address.subdistrict.en,
        "districtCode": int(code[2:4]),
        "districtDesc": address.district.th,
        "districtEnglishDesc": address.district.en,
        "provinceCode": int(code[:2]),
        "provinceDesc": address.province.th,
        "provinceEnglishDesc": address.province.en,
        "rcodeCode": code[:4],
        "rcodeDesc": f"ท้องถิ่น{address.district.th}",
    }


def _relation(person: Citizen, head: Citizen | None, world: World) -> str:
    if person.is_householder or head is None:
        return "เจ้าบ้าน" if person.is_householder else "ผู้อาศัย"
    if person.number == head.spouse:
        return "คู่สมรส"
    if head.number in (person.father, person.mother):
        return "บุตร"
    if person.number in (head.father, head.mother):
        return "บิดา" if person.sex == "male" else "มารดา"
    parents = (world.citizen(n) for n in (person.father, person.mother) if n is not None)
    if any(head.number in (p.father, p.mother) for p in parents if p is not None):
        return "หลาน"
    return "ผู้อาศัย"


def _issued_on(person: Citizen) -> int:
    """A card runs for eight years to its holder's birthday; from 60 on it runs for life."""
    if person.id_card == "lifetime":
        born = person.birth.earliest()
        return be_day(date(born.year + 60, born.month, min(born.day, 28)))
    expires = person.id_card_expires
    return be_day(date(expires.year - 8, expires.month, min(expires.day, 28))) if expires else 0


async def _read(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise _No(400, 90002, "รูปแบบคำขอไม่ถูกต้อง")
    return body


def _check_login_type(body: dict[str, Any]) -> None:
    if str(body.get("loginType")) != "2":
        raise _No(400, 90002, "loginType ต้องเป็น 2 (ThaID)")


def _check_pid(value: Any) -> str:
    pid = str(value)
    if isinstance(value, bool) or not (len(pid) == 13 and pid.isascii() and pid.isdigit()):
        raise _No(400, 90002, "personalID ต้องเป็นตัวเลข 13 หลัก")
    return pid


def _service_number(value: Any) -> int | None:
    """`1`, `"1"` and `"001"` are the same service."""
    text = str(value)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
    return number if number in SERVICES and not isinstance(value, bool) else None


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
