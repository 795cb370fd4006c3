"""NHSO's right search, new and old: which health funds a person holds on a day, and where they are treated.

What integrators meet, kept: in v2 a person who isn't found is a 200 with empty `funds`, `sex` and `nation` and no name;
`funds` is a list, because a person can hold several; some universal-coverage rights carry the older code WEL. In v1 the
fields are flat and lower case, `ws_status` says what became of the question, only one right is told, and the bearer token
ends and is renewed. Birth dates are in the Buddhist era, 0 for what isn't known.

Invented, because nothing public says: how v1 words somebody it doesn't know, and what its token reply holds but a token.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from foundation.language import buddhist_year
from sandbox.agencies.dopa_services import a_year_off
from sandbox.control import JsonReply
from sandbox.faults import Door, is_disagreeing, is_lying
from sandbox.fund import health_fund, universal_code
from sandbox.people import Citizen, HealthFund, Hospital
from sandbox.world import BANGKOK, World, age_on

TOKEN = "tangrat-nhso"
REFRESH_TOKEN = "tangrat-nhso-refresh"
ACCESS_S = 3_600

_PATH = "/nhso/nhsoendpoint/api/v2/right-search"
_OLD_PATH = "/nhso/srm/api/ucws/v1/right-search"
_OLD_TOKEN_PATH = "/nhso/srmportal/api/scard/access-token"
_MAIN = {
    "UCS": "สิทธิหลักประกันสุขภาพแห่งชาติ",
    "WEL": "สิทธิหลักประกันสุขภาพแห่งชาติ (ยกเว้นการร่วมจ่ายค่าบริการ)",
    "SSS": "สิทธิประกันสังคม",
    "OFC": "สิทธิข้าราชการ/สิทธิรัฐวิสาหกิจ",
    "LGO": "สิทธิสวัสดิการพนักงานส่วนท้องถิ่น",
    "STP": "สิทธิบุคคลผู้มีปัญหาสถานะและสิทธิ",
}
_CODES = {"uc": "UCS", "sso": "SSS", "csmbs": "OFC", "lao": "LGO", "other": "STP"}
_NATIONS = {"thai": ("099", "ไทย"), "other": ("048", "เมียนมา"), "stateless": ("000", "ไม่มีสัญชาติ")}


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    if path.endswith("/access-token"):
        return "access-token"
    if not path.endswith("/right-search"):
        return None
    return "right-search-v1" if "/v1/" in path else "right-search"


def _failure(status: int) -> dict[str, Any]:
    return _problem(status, "Internal Server Error")


def _problem(status: int, error: str) -> dict[str, Any]:
    at = datetime.now(BANGKOK).isoformat(timespec="milliseconds")
    return {"timestamp": at, "status": status, "error": error, "path": _PATH}


DOOR = Door(
    agency="nhso",
    prefix="/nhso/",
    operations=("right-search", "right-search-v1", "access-token"),
    operation_of=_operation_of,
    failure=_failure,
    can_disagree=True,
)


class Rights:
    def __init__(self, world: World, *, token: str = TOKEN) -> None:
        self._world = world
        self._token = token

    def routes(self) -> list[BaseRoute]:
        return [Route(_PATH, self._search, methods=["GET"])]

    async def _search(self, request: Request) -> Response:
        expected = f"Bearer {self._token}".encode()
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return JsonReply(_problem(401, "Unauthorized"), status_code=401)
        pid = request.query_params.get("pid", "")
        if not (len(pid) == 13 and pid.isascii() and pid.isdigit()):
            return JsonReply(_problem(400, "Bad Request"), status_code=400)
        today = self._world.clock.today()
        try:
            asked = request.query_params.get("checkDate")
            day = datetime.fromisoformat(asked).date() if asked else today
        except ValueError:
            return JsonReply(_problem(400, "Bad Request"), status_code=400)
        check_date = f"{day.isoformat()}T00:00:00"
        person = self._world.find(pid)
        if person is None:
            return JsonReply({"checkDate": check_date, "sex": {}, "nation": {}, "funds": []})
        if is_lying(request):
            person = self._world.somebody_else(person, having=lambda c: bool(c.health) and c.alive)
        if is_disagreeing(request):
            person = replace(person, birth=a_year_off(person.birth))
        return JsonReply({"checkDate": check_date, **_right_of(person, day)})


class OldRights:
    """The right search as hospitals have long asked it: one right, flat, and a token that ends."""

    def __init__(self, world: World, *, refresh_token: str = REFRESH_TOKEN) -> None:
        self._world = world
        self._refresh_token = refresh_token
        self._tokens: dict[str, float] = {}

    def forget(self) -> int:
        """Drops every token, as a restart does."""
        dropped = len(self._tokens)
        self._tokens.clear()
        return dropped

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_OLD_PATH, self._search, methods=["GET"]),
            Route(_OLD_TOKEN_PATH, self._renew, methods=["POST"]),
        ]

    async def _renew(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode(errors="replace"))
        shown = form.get("refresh_token", [""])[-1]
        if not hmac.compare_digest(shown.encode(), self._refresh_token.encode()):
            return JsonReply({"error": "invalid_grant"}, status_code=401)
        now, token = time.time(), secrets.token_urlsafe(24)
        self._tokens = {one: until for one, until in self._tokens.items() if until > now} | {token: now + ACCESS_S}
        return JsonReply({"access_token": token, "token_type": "Bearer", "expires_in": ACCESS_S})

    async def _search(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._tokens.get(token, 0.0) <= time.time():
            return JsonReply(_old_status("NHSO-00003", "TOKEN EXPIRED"))
        pid = request.query_params.get("pid", "")
        if not (len(pid) == 13 and pid.isascii() and pid.isdigit()):
            return JsonReply(_old_status("NHSO-00001", "INVALID PID"))
        person, day = self._world.find(pid), self._world.clock.today()
        if person is None:
            return JsonReply({**_old_status("NHSO-000001", "OK"), "maininscl": "", "fname": "", "lname": ""})
        if is_lying(request):
            person = self._world.somebody_else(person, having=lambda c: bool(c.health) and c.alive)
        if is_disagreeing(request):
            person = replace(person, birth=a_year_off(person.birth))
        return JsonReply({**_old_status("NHSO-000001", "OK"), **_flat(_right_of(person, day))})


def _old_status(code: str, words: str) -> dict[str, Any]:
    return {"ws_status": code, "ws_status_desc": words}


def _flat(right: dict[str, Any]) -> dict[str, Any]:
    """What v1 makes of what v2 would say: the first right, with empty texts where there is nothing."""
    fund = right["funds"][0] if right["funds"] else {}

    def part(name: str, key: str) -> str:
        return str((fund.get(name) or {}).get(key, ""))

    return {
        "person_id": right["pid"],
        "title_name": right["tname"],
        "fname": right["fname"],
        "lname": right["lname"],
        "sex": right["sex"]["id"],
        "birthdate": right["birthDate"],
        "nation": right["nation"]["id"],
        "maininscl": part("mainInscl", "id"),
        "maininscl_main": part("mainInscl", "id"),
        "maininscl_name": part("mainInscl", "name"),
        "subinscl": part("subInscl", "id"),
        "subinscl_name": part("subInscl", "name"),
        "hmain": part("hospMain", "hcode"),
        "hmain_name": part("hospMain", "hname"),
        "hsub": part("hospSub", "hcode"),
        "hsub_name": part("hospSub", "hname"),
        "hmain_op": part("hospMainOp", "hcode"),
        "hmain_op_name": part("hospMainOp", "hname"),
        "purchaseprovince": part("purchaseProvince", "id"),
        "purchaseprovince_name": part("purchaseProvince", "name"),
        "startdate": _be_digits(fund.get("startDateTime")),
        "startdate_sss": _be_digits(fund.get("startDateTime")) if part("mainInscl", "id") == "SSS" else "",
        "expdate": _be_digits(fund.get("expireDateTime")),
        "cardid": "",
        "paid_model": "",
    }


def _be_digits(written: str | None) -> str:
    day = datetime.fromisoformat(written).date() if written else None
    return f"{buddhist_year(day):04}{day.month:02}{day.day:02}" if day else ""


def _right_of(person: Citizen, day: date) -> dict[str, Any]:
    nation, born = _NATIONS[person.nationality], person.birth
    year, month, on = buddhist_year(born.earliest()), born.month or 0, born.day or 0
    held = [_as_of(fund, person, day) for fund in person.health if _holds(fund, day)] if person.alive else []
    return {
        "pid": person.pid,
        "tname": person.title.th,
        "fname": person.first_name.th,
        "lname": person.last_name.th,
        "sex": {"id": "1", "name": "ชาย"} if person.sex == "male" else {"id": "2", "name": "หญิง"},
        "nation": {"id": nation[0], "name": nation[1]},
        "birthDate": f"{year:04}{month:02}{on:02}",
        "birthDateNew": {"year": year, "month": month, "day": on},
        "funds": [_fund(fund, person, at) for at, fund in enumerate(held)],
    }


def _holds(fund: HealthFund, day: date) -> bool:
    return fund.right != "none" and fund.since <= day and (fund.until is None or day <= fund.until)


def _as_of(held: HealthFund, person: Citizen, day: date) -> HealthFund:
    """Universal coverage is one right for the child, another for the elder: which one follows from the day."""
    if held.right != "uc":
        return held
    code = universal_code(age=age_on(person.birth, day), is_disabled=person.disability is not None)
    if code == held.sub_right_code:
        return held
    return health_fund("uc", code, since=held.since, until=held.until, main=held.main_unit, sub=held.sub_unit)


def _fund(fund: HealthFund, person: Citizen, at: int) -> dict[str, Any]:
    code = _CODES[fund.right]
    if code == "UCS" and fund.sub_right_code.startswith("7"):
        code = "WEL"  # children, elders, people with a disability: no co-payment, an older code
    main = _unit(fund.main_unit)
    return {
        "fundType": "MAIN" if at == 0 else "SECONDARY",
        "mainInscl": {"id": code, "name": _MAIN[code]},
        "subInscl": {"id": fund.sub_right_code, "name": fund.sub_right.th},
        "hospMain": main,
        "hospSub": _unit(fund.sub_unit),
        "hospMainOp": main if code in ("UCS", "WEL") else {},
        "hospSss": main if code == "SSS" else {},
        "purchaseProvince": {"id": f"{person.address.subdistrict_code[:2]}00", "name": person.address.province.th},
        "startDateTime": f"{fund.since.isoformat()}T00:00:00",
        "expireDateTime": f"{fund.until.isoformat()}T23:59:59" if fund.until else None,
        "cardId": "",
        "paidModel": "",
        "relation": "",
    }


def _unit(hospital: Hospital | None) -> dict[str, str]:
    return {"hcode": hospital.code, "hname": hospital.name.th} if hospital else {}
