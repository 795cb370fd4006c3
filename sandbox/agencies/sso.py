"""The Social Security Office: a Keycloak realm for its e-service, and one address that answers to commands.

What integrators meet, kept: everything but the token is HTTP 200 with a `code`; amounts are strings with commas in one
half of the service and without in the other; dates are dd/MM/yyyy of the Buddhist era; keys are misspelt
(`getEmployeeBenefitHisotry`, `totalGovermentPaid`, `paymentMethosDesc`). An insured person's own token speaks for that
person alone; the system account may name anyone in `ssoNo`. Older questions are SOAP: `getServ38`, where somebody worked.

Invented, because nothing public says: the shape of the answers about choosing a hospital and of transactions, the dates
`firstInsuredDate`, `insuredStartDate` and `insuredEndDate`, how the nightly refresh is worded, and of `getServ38` all but
its name, `accNo` and `empResignDate`; it takes the e-service's token.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

import jwt
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.control import JsonReply
from sandbox.employments import Employment, employments
from sandbox.faults import Door, is_lying
from sandbox.fund import COVER_AFTER_LEAVING, old_age_part
from sandbox.people import Citizen, Contribution, Hospital
from sandbox.world import World

CLIENTS = {"tangrat": "tangrat-secret"}
SYSTEM_ACCOUNT = ("tangrat", "tangrat-password")  # may ask about anyone
OWN_PASSWORD = "sandbox"  # of every insured person's own account, whose name is the identity number
ACCESS_S, REFRESH_S = 300, 1800
ANNUAL_CHANGE = ((12, 16), (3, 31))
DAYS_AFTER_MOVING = 30

_TOKEN_PATH = "/sso/auth/realms/insured/protocol/openid-connect/token"
_SERVICE_PATH = "/sso/esv/esvews/service"
_EMPLOYMENTS_PATH = "/sso/DBforService/services/EmployeeEmployments"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICES_NAMESPACE = "http://services.dbforservice.sso.go.th"
_UNTIL_STATUS_ENDS = "จนสิ้นสุดความเป็นผู้ประกันตน"
_STATUS = {
    "A": "เป็นผู้ประกันตน (มาตรา 33)",
    "T": "สิ้นสภาพผู้ประกันตน คุ้มครองต่อ 6 เดือน (มาตรา 38)",
    "V": "เป็นผู้ประกันตน (มาตรา 39)",
    "F": "เป็นผู้ประกันตน (มาตรา 40 ทางเลือกที่ {choice})",
    "R": "ลาออก/สิ้นสุดความเป็นผู้ประกันตน",
}
_REASONS = {
    "1": "เปลี่ยนสถานพยาบาลประจำปี (16 ธ.ค. - 31 มี.ค.)",
    "2": "ย้ายที่อยู่ (ภายใน 30 วัน)",
    "3": "ย้ายที่ทำงาน (ภายใน 30 วัน)",
    "4": "เหตุอื่น",
}

HospitalChanged = Callable[[Citizen, Hospital | None, Hospital, date], Awaitable[None]]


def _form(body: bytes) -> dict[str, str]:
    try:
        return {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    except (UnicodeDecodeError, ValueError):
        return {}


def _failure(status: int) -> dict[str, Any]:
    return {"code": "WS500", "description": "Service not response"}


def _refreshing(path: str) -> Response | None:
    """Every night until four; Keycloak goes on giving tokens."""
    words = {"code": "WS500", "description": "ระบบอยู่ระหว่างปรับปรุงข้อมูลประจำวัน (daily refresh)"}
    if "/realms/" in path:
        return None
    return _employments_reply(words) if path.endswith("/EmployeeEmployments") else JsonReply(words)


@dataclass(slots=True, kw_only=True)
class _Transaction:
    number: str
    citizen: int
    day: date
    effective: date
    previous: Hospital | None
    chosen: Hospital
    reason: str
    is_cancelled: bool = False


class _Ws(Exception):
    """An answer with another code than WS000."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.content = {"code": code, "description": description}


def _not_found() -> _Ws:
    return _Ws("WS006", "Data not found")


class Realm:
    """The tokens of the e-service: password and refresh_token grants, as Keycloak answers them."""

    def __init__(self, *, clients: Mapping[str, str] = CLIENTS) -> None:
        self._clients = clients
        self._key = secrets.token_bytes(32)
        self._access: dict[str, tuple[str, float]] = {}
        self._refresh: dict[str, tuple[str, float]] = {}

    def forget(self) -> int:
        dropped = len(self._access)
        self._access.clear()
        self._refresh.clear()
        return dropped

    def user_of(self, token: str) -> str | None:
        """Whose live token this is: an identity number, or the system account's name."""
        user, ends_at = self._access.get(token, ("", 0.0))
        return user if ends_at > time.time() else None

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_TOKEN_PATH, self._token, methods=["POST"]),
            Route(f"{_TOKEN_PATH}/introspect", self._introspect, methods=["POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        if not self._is_client(request):
            return _oauth_error(401, "unauthorized_client", "Invalid client secret")
        form = _form(await request.body())
        match form.get("grant_type"):
            case "password":
                user, password = form.get("username", ""), form.get("password", "")
                if not _may_sign_in(user, password):
                    return _oauth_error(401, "invalid_grant", "Invalid user credentials")
            case "refresh_token":
                user, ends_at = self._refresh.pop(form.get("refresh_token", ""), ("", 0.0))
                if ends_at <= time.time():
                    return _oauth_error(400, "invalid_grant", "Token is not active")
            case None:
                return _oauth_error(400, "invalid_request", "Missing form parameter: grant_type")
            case _:
                return _oauth_error(400, "unsupported_grant_type", "Unsupported grant_type")
        return JsonReply(self._issue(user), headers={"cache-control": "no-store"})

    def _issue(self, user: str) -> dict[str, Any]:
        now = time.time()
        self._access = {t: e for t, e in self._access.items() if e[1] > now}
        self._refresh = {t: e for t, e in self._refresh.items() if e[1] > now}
        access, refresh = (self._jwt(user, kind, life) for kind, life in (("Bearer", ACCESS_S), ("Refresh", REFRESH_S)))
        self._access[access] = (user, now + ACCESS_S)
        self._refresh[refresh] = (user, now + REFRESH_S)
        return {
            "access_token": access,
            "expires_in": ACCESS_S,
            "refresh_expires_in": REFRESH_S,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": secrets.token_hex(16),
            "scope": "profile email",
        }

    def _jwt(self, user: str, kind: str, life_s: int) -> str:
        now = int(time.time())
        claims = {"preferred_username": user, "typ": kind, "iat": now, "exp": now + life_s, "jti": secrets.token_hex(8)}
        return jwt.encode(claims, self._key, algorithm="HS256")

    async def _introspect(self, request: Request) -> Response:
        if not self._is_client(request):
            return _oauth_error(401, "invalid_client", "Authentication failed.")
        token = _form(await request.body()).get("token", "")
        user, ends_at = self._access.get(token, ("", 0.0))
        if ends_at <= time.time():
            return JsonReply({"active": False})
        return JsonReply({"active": True, "exp": int(ends_at), "username": user, "preferred_username": user})

    def _is_client(self, request: Request) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        known = self._clients.get(client, "")
        return scheme.lower() == "basic" and bool(known) and hmac.compare_digest(known.encode(), secret.encode())


class EService:
    """The one address that answers to commands, and the hospital choices made through it."""

    def __init__(self, world: World, realm: Realm, *, hospital_changed: HospitalChanged) -> None:
        self._world = world
        self._realm = realm
        self._hospital_changed = hospital_changed
        self._transactions: list[_Transaction] = []
        self._commands: dict[str, Callable[[Citizen, Mapping[str, str]], Awaitable[dict[str, Any]]]] = {
            "getPersonInfo": self._person,
            "getEmployeeCntr": self._contributions,
            "getEmployeeOldAge": self._old_age,
            "getEmployeeBenefitHisotry": self._benefits,
            "getS40Cntr": self._contributions_40,
            "getS40OldAge": self._old_age_40,
            "getS40BenefitHistory": self._benefits_40,
            "getInitSelectHospital": self._choices,
            "saveSelectHospital": self._choose,
            "listTransaction": self._list,
            "cancelTransaction": self._cancel,
        }

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_SERVICE_PATH, self._serve, methods=["POST"]),
            Route(_EMPLOYMENTS_PATH, self._serve_employments, methods=["POST"]),
        ]

    def reset(self) -> None:
        """Nobody has chosen a hospital here."""
        self._transactions.clear()

    async def move(self, citizen: Citizen) -> tuple[Hospital | None, Hospital, date]:
        """The office moves a person to another hospital of the province, from today: previous, new, since when.

        Of somebody who isn't insured under sections 33 to 39 the office may tell the same story, but its own record
        stays as it was: developers want the event about anyone, and the register must not contradict itself.
        """
        current, near = citizen.insurance.hospital, self._world.hospitals_near(citizen)
        # The next in the list, so that who is moved again and again sees them all; a province has three.
        at = near.index(current) if current in near else -1
        chosen, today = near[(at + 1) % len(near)], self._world.clock.today()
        if _status_on(citizen, today) in ("A", "T", "V"):
            self._world.choose_hospital(citizen, chosen, since=today)
        return current, chosen, today

    async def _serve(self, request: Request) -> Response:
        try:
            return JsonReply({"code": "WS000", **await self._answer(request)})
        except _Ws as other:
            return JsonReply(other.content)

    async def _answer(self, request: Request) -> dict[str, Any]:
        form = _form(await request.body())
        user = self._user(request)
        if user is None or not form.get("callerid"):
            raise _Ws("WS001", "Invalid callid or authen failed")
        command = self._commands.get(form.get("cmd", ""))
        if command is None:
            raise _Ws("WS003", "Invalid parameter: cmd")
        return await command(self._asked_about(form.get("ssoNo", ""), user, request), form)

    def _user(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("user_token", "").partition(" ")
        return self._realm.user_of(token.strip()) if scheme.lower() == "bearer" else None

    def _asked_about(self, named: str, user: str, request: Request) -> Citizen:
        is_system = user == SYSTEM_ACCOUNT[0]
        pid = named or ("" if is_system else user)
        if not (len(pid) == 13 and pid.isascii() and pid.isdigit()):
            raise _Ws("WS003", "Invalid parameter: ssoNo")
        if not is_system and pid != user:
            raise _Ws("WS001", "Invalid callid or authen failed")
        citizen = self._world.find(pid)
        if citizen is None or not self._is_known(citizen):
            raise _not_found()
        if is_lying(request):
            citizen = self._world.somebody_else(citizen, having=self._is_like(citizen))
        return citizen

    async def _serve_employments(self, request: Request) -> Response:
        try:
            asked = fromstring(await request.body(), forbid_dtd=True)
        except (ParseError, DefusedXmlException):
            return _soap(
                "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>bad request</faultstring></soap:Fault>", 500
            )
        fields = {str(one.tag).rpartition("}")[2]: (one.text or "").strip() for one in asked.iter()}
        user = self._user(request)
        try:
            if user is None or "getServ38" not in fields:
                raise _Ws("WS001", "Invalid callid or authen failed")
            citizen = self._asked_about(fields.get("ssoNum", ""), user, request)
            found = [one for one in employments(citizen) if one.since <= self._world.clock.today()]
            if not found:
                raise _not_found()
        except _Ws as other:
            return _employments_reply(other.content)
        known = {"code": "WS000", "description": "", "ssoNum": citizen.pid}
        return _employments_reply(known, [self._employment(one) for one in found])

    def _employment(self, job: Employment) -> dict[str, str]:
        resigned = job.until if job.until and job.until <= self._world.clock.today() else None
        return {
            "accNo": job.account,
            "accBran": "000000",
            "companyName": job.company,
            "empStartDate": be_slashes(job.since),
            "empResignDate": be_slashes(resigned),
        }

    def _is_known(self, citizen: Citizen) -> bool:
        """Whether the office has a file; it keeps those of the dead, whose families have claims."""
        since = citizen.insurance.first_insured or citizen.insurance.since
        return since is not None and since <= self._world.clock.today()

    def _is_like(self, citizen: Citizen) -> Callable[[Citizen], bool]:
        section = citizen.insurance.section
        return lambda other: other.alive and self._is_known(other) and other.insurance.section == section

    # Who is insured, and what was paid

    async def _person(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        insurance, today = citizen.insurance, self._world.clock.today()
        status = _status_on(citizen, today)
        answer: dict[str, Any] = {
            "lastIncremental": self._last_night(),
            "person": {
                "ssoNum": citizen.pid,
                "titleCodeDesc": citizen.title.th,
                "firstName": citizen.first_name.th,
                "lastName": citizen.last_name.th,
                "gender": "M" if citizen.sex == "male" else "F",
                "genderDesc": "ชาย" if citizen.sex == "male" else "หญิง",
                "activeStatus": status,
                "activeStatusDesc": _STATUS[status].format(choice=insurance.section[-1]),
                "ssoBranch": f"{citizen.address.subdistrict_code[:2]}00",
                "ssoBranchDesc": insurance.branch.th,
                "firstInsuredDate": be_slashes(insurance.first_insured or insurance.since),
                "insuredStartDate": be_slashes(insurance.since),
                "insuredEndDate": be_slashes(_left_on(citizen) if status in ("T", "R") else None),
            },
        }
        if status in ("A", "T", "V") and insurance.hospital is not None:
            answer["personS33Info"] = {
                "hospitalCode": insurance.hospital.code,
                "hospitalName": insurance.hospital.name.th,
                "mselStartDate": be_slashes(insurance.hospital_since),
                "mselExpireDate": be_slashes(insurance.hospital_until) or _UNTIL_STATUS_ENDS,
            }
        return answer

    async def _contributions(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        paid = self._paid_in(_year(form), citizen, voluntary=False)
        return {
            "lastIncremental": self._last_night(),
            "detail": [
                {
                    "payPeriod": f"{c.month.year + 543}{c.month.month:02}",
                    "payDate": be_slashes(c.paid_on),
                    "cntrRate": f"{c.rate_percent:.2f}",
                    "cntrAmount": _baht(c.employee),
                }
                for c in reversed(paid)
            ],
        }

    async def _contributions_40(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        paid = self._paid_in(_year(form), citizen, voluntary=True)
        return {
            "detail": [
                {
                    "payPeriod": f"{c.month.year + 543}{c.month.month:02}",
                    "payDate": be_slashes(c.paid_on),
                    "cntrAmount": f"{c.employee:.2f}",
                }
                for c in paid
            ]
        }

    async def _old_age(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        years: dict[int, list[Decimal]] = {}
        for c in self._world.contributions(citizen):
            if not _is_voluntary(c):
                sums, part = years.setdefault(c.month.year + 543, [Decimal()] * 3), old_age_part(c)
                for at, amount in enumerate((part.employee, part.employer, part.government)):
                    sums[at] += amount
        total = [sum((sums[at] for sums in years.values()), Decimal()) for at in range(3)]
        return {
            "totalEmployeePaid": _baht(total[0]),
            "totalEmployerPaid": _baht(total[1]),
            "totalGovermentPaid": _baht(total[2]),
            "totalPaid": _baht(sum(total, Decimal())),
            "details": [
                {
                    "year": str(year),
                    "employeePaid": _baht(sums[0]),
                    "employerPaid": _baht(sums[1]),
                    "govermentPaid": _baht(sums[2]),
                    "totalPaid": _baht(sum(sums, Decimal())),
                }
                for year, sums in sorted(years.items())
            ],
        }

    async def _old_age_40(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        years: dict[int, Decimal] = {}
        for c in self._world.contributions(citizen):
            if _is_voluntary(c):
                years[c.month.year + 543] = years.get(c.month.year + 543, Decimal()) + old_age_part(c).employee
        return {
            "sumAmtSenility": f"{sum(years.values(), Decimal()):.2f}",
            "sumAmtSenilityExtra": "0.00",
            "detail": [
                {"conYear": str(year), "amtSenility": f"{amount:.2f}", "amtSenilityExtra": "0.00"}
                for year, amount in sorted(years.items())
            ],
        }

    async def _benefits(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        return {"lastIncremental": self._last_night(), "detail": self._claims_in(_year(form), citizen, commas=True)}

    async def _benefits_40(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        claims = self._claims_in(_year(form), citizen, commas=False)
        return {"lastIncremental": None, "detail": [{**claim, "paymentMethosDesc": None} for claim in claims]}

    def _claims_in(self, year: int, citizen: Citizen, *, commas: bool) -> list[dict[str, Any]]:
        today = self._world.clock.today()
        claims = self._world.nation.claims(citizen.number)
        return [
            {
                "paymentDate": be_slashes(claim.paid_on if claim.paid_on and claim.paid_on <= today else None),
                "benefitDesc": claim.benefit.th,
                "payAmount": _baht(claim.amount) if commas else f"{claim.amount:.2f}",
                "requestDate": be_slashes(claim.requested_on),
                "payStatusDesc": claim.status.th,
            }
            for claim in claims
            if claim.requested_on.year + 543 == year and claim.requested_on <= today
        ]

    def _paid_in(self, year: int, citizen: Citizen, *, voluntary: bool) -> list[Contribution]:
        paid = self._world.contributions(citizen)
        return [c for c in paid if c.month.year + 543 == year and _is_voluntary(c) == voluntary]

    def _last_night(self) -> str:
        """The day of the nightly refresh that these figures come from; it runs until four."""
        return be_slashes((self._world.clock.now() - timedelta(hours=4)).date())

    # Choosing a hospital

    async def _choices(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        today = self._world.clock.today()
        if _status_on(citizen, today) not in ("A", "T", "V"):
            raise _Ws("WS006", "ไม่มีสิทธิเลือกสถานพยาบาล")
        current = citizen.insurance.hospital
        return {
            "canChange": "Y" if _in_annual_window(today) or _moved_lately(citizen, today) else "N",
            "changeReason": [{"code": code, "desc": desc} for code, desc in _REASONS.items()],
            "effectiveDate": be_slashes(_effective_after(today)),
            "currentHospital": _shown(current, citizen) if current else None,
            "hospital": [_shown(h, citizen) for h in self._world.hospitals_near(citizen)],
        }

    async def _choose(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        today = self._world.clock.today()
        if _status_on(citizen, today) not in ("A", "T", "V"):
            raise _Ws("WS006", "ไม่มีสิทธิเลือกสถานพยาบาล")
        code, reason = form.get("hospitalCode1", ""), form.get("changeReason", "")
        chosen = next((h for h in self._world.hospitals_near(citizen) if h.code == code), None)
        if chosen is None or not reason:
            raise _Ws("WS003", f"Invalid parameter: {'hospitalCode1' if chosen is None else 'changeReason'}")
        current = citizen.insurance.hospital
        if current is not None and current.code == code:
            done = [t for t in self._transactions if t.citizen == citizen.number and not t.is_cancelled]
            return _receipt(done[-1]) if done else {"txnNo": "", "txnStatusDesc": "เป็นสถานพยาบาลปัจจุบันอยู่แล้ว"}
        if reason == "1" and not _in_annual_window(today):
            raise _Ws("WS003", "อยู่นอกช่วงเวลาเปลี่ยนสถานพยาบาลประจำปี (16 ธ.ค. - 31 มี.ค.)")
        if reason == "2" and not _moved_lately(citizen, today):
            raise _Ws("WS003", "เกิน 30 วันนับแต่วันที่ย้ายที่อยู่")
        transaction = _Transaction(
            number=f"{today.year + 543}{len(self._transactions) + 1:07}",
            citizen=citizen.number,
            day=today,
            effective=_effective_after(today),
            previous=current,
            chosen=chosen,
            reason=reason,
        )
        self._transactions.append(transaction)
        self._world.choose_hospital(citizen, chosen, since=transaction.effective)
        await self._hospital_changed(citizen, current, chosen, transaction.effective)
        return _receipt(transaction)

    async def _list(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        year = _year(form)
        if not form.get("txnType"):
            raise _Ws("WS003", "Invalid parameter: txnType")
        mine = [t for t in self._transactions if t.citizen == citizen.number and t.day.year + 543 == year]
        return {"detail": [_receipt(t) for t in reversed(mine)]}

    async def _cancel(self, citizen: Citizen, form: Mapping[str, str]) -> dict[str, Any]:
        wanted = form.get("txnNo", "")
        mine = [t for t in self._transactions if t.citizen == citizen.number]
        transaction = next((t for t in mine if t.number == wanted), None)
        if transaction is None:
            raise _not_found()
        if transaction.is_cancelled:
            return _receipt(transaction)
        current = citizen.insurance.hospital
        is_latest = current is not None and current.code == transaction.chosen.code
        if transaction.effective <= self._world.clock.today() or not is_latest or transaction.previous is None:
            raise _Ws("WS003", "ไม่สามารถยกเลิกรายการนี้ได้")
        transaction.is_cancelled = True
        back = transaction.previous
        self._world.choose_hospital(citizen, back, since=self._world.clock.today())
        await self._hospital_changed(citizen, transaction.chosen, back, self._world.clock.today())
        return _receipt(transaction)


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    if path.endswith("/introspect"):
        return "introspect"
    if path.endswith("/token"):
        return "token"
    if path.endswith("/EmployeeEmployments"):
        return "getServ38"
    return _form(body).get("cmd") if path.endswith("/service") else None


DOOR = Door(
    agency="sso",
    prefix="/sso/",
    operations=(
        "token",
        "introspect",
        "getPersonInfo",
        "getEmployeeCntr",
        "getEmployeeOldAge",
        "getEmployeeBenefitHisotry",
        "getS40Cntr",
        "getS40OldAge",
        "getS40BenefitHistory",
        "getInitSelectHospital",
        "saveSelectHospital",
        "listTransaction",
        "cancelTransaction",
        "getServ38",
    ),
    operation_of=_operation_of,
    failure=_failure,
    refreshing=_refreshing,
)


def _employments_reply(said: Mapping[str, str], jobs: Sequence[Mapping[str, str]] = ()) -> Response:
    def fields(of: Mapping[str, str]) -> str:
        return "".join(f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>" for name, value in of.items())

    listed = "".join(f"<employments>{fields(job)}</employments>" for job in jobs)
    inner = f"<ns:return>{fields(said)}{listed}</ns:return>"
    return _soap(f'<ns:getServ38Response xmlns:ns="{SERVICES_NAMESPACE}">{inner}</ns:getServ38Response>')


def _soap(body: str, status: int = 200) -> Response:
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{_ENVELOPE}"><soap:Body>{body}</soap:Body>'
        "</soap:Envelope>",
        status_code=status,
        media_type="text/xml; charset=utf-8",
    )


def be_slashes(day: date | None) -> str:
    """dd/MM/yyyy of the Buddhist era; "" for no day."""
    return f"{day.day:02}/{day.month:02}/{day.year + 543}" if day else ""


def _status_on(citizen: Citizen, day: date) -> str:
    """A = section 33, V = 39, F = 40, T = covered for six months after leaving (38), R = left for good."""
    insurance = citizen.insurance
    if not citizen.alive:
        return "R"
    if insurance.section == "none" or (insurance.ended is not None and insurance.ended <= day):
        ended = insurance.ended
        return "T" if ended is not None and day <= ended + COVER_AFTER_LEAVING else "R"
    return {"33": "A", "39": "V"}.get(insurance.section, "F")


def _left_on(citizen: Citizen) -> date | None:
    return citizen.insurance.ended or (None if citizen.alive else citizen.died_on)


def _is_voluntary(contribution: Contribution) -> bool:
    """Section 40: nobody but the person (and the state) pays, and there is no rate."""
    return contribution.rate_percent == 0


def _in_annual_window(day: date) -> bool:
    opens, closes = ANNUAL_CHANGE
    return (day.month, day.day) >= opens or (day.month, day.day) <= closes


def _moved_lately(citizen: Citizen, day: date) -> bool:
    return timedelta() <= day - citizen.moved_in <= timedelta(days=DAYS_AFTER_MOVING)


def _effective_after(day: date) -> date:
    """A change takes effect on the 1st or the 16th, whichever comes first."""
    if day.day < 16:
        return day.replace(day=16)
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _shown(hospital: Hospital, citizen: Citizen) -> dict[str, str]:
    return {
        "hospitalCode": hospital.code,
        "hospitalName": hospital.name.th,
        "provinceCode": hospital.province,
        "provinceDesc": citizen.address.province.th,
    }


def _receipt(t: _Transaction) -> dict[str, Any]:
    return {
        "txnNo": t.number,
        "txnType": "1",
        "txnTypeDesc": "เปลี่ยนสถานพยาบาล",
        "txnDate": be_slashes(t.day),
        "txnStatus": "C" if t.is_cancelled else "A",
        "txnStatusDesc": "ยกเลิก" if t.is_cancelled else "อนุมัติแล้ว",
        "hospitalCode": t.chosen.code,
        "hospitalName": t.chosen.name.th,
        "oldHospitalCode": t.previous.code if t.previous else "",
        "oldHospitalName": t.previous.name.th if t.previous else "",
        "changeReason": t.reason,
        "effectiveDate": be_slashes(t.effective),
    }


def _year(form: Mapping[str, str]) -> int:
    year = form.get("year", "")
    if not (len(year) == 4 and year.isascii() and year.isdigit() and 2500 <= int(year) <= 2800):
        raise _Ws("WS003", "Invalid parameter: year")
    return int(year)


def _may_sign_in(user: str, password: str) -> bool:
    if (user, password) == SYSTEM_ACCOUNT:
        return True
    return len(user) == 13 and user.isascii() and user.isdigit() and password == OWN_PASSWORD


def _satang(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _baht(amount: Decimal) -> str:
    return f"{_satang(amount):,.2f}"


def _oauth_error(status: int, error: str, description: str) -> Response:
    return JsonReply({"error": error, "error_description": description}, status_code=status)
