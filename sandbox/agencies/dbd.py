"""DBD: the open register of juristic persons, and the fuller profile behind GDX.

What integrators meet, kept: the open API's keys carry XML prefixes, its codes are texts in a 200 whatever happened, its
JSON is announced as text/html, and its firewall answers a page of HTML instead. Its dates are Common Era, the profile's
are Buddhist. Addresses hold codes as `TH-10` for a province and eight digits below. Invented: how one director stands in
`CommitteeInformations`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from foundation.language import buddhist_year
from sandbox.agencies.gdx import Gateway
from sandbox.companies import KINDS, Company, companies_of, find
from sandbox.control import JsonReply
from sandbox.faults import Door, is_lying
from sandbox.people import Address
from sandbox.world import World

_OPEN = "/dbd-open/api/v1/juristic_person/{juristic_id}"
_PROFILE = "/gdx/ws/dbd/juristic/v4/profile"


def _open_operation(method: str, path: str, body: bytes) -> str | None:
    return "juristic_person" if path.startswith("api/v1/juristic_person/") else None


def _profile_operation(method: str, path: str, body: bytes) -> str | None:
    name = path.rpartition("/")[2]
    return name if name in PROFILE_DOOR.operations else None


OPEN_DOOR = Door(
    agency="dbd",
    prefix="/dbd-open/",
    operations=("juristic_person",),
    operation_of=_open_operation,
    failure=lambda status: {"status": {"code": "9999", "description": "Internal Server Error"}},
)
PROFILE_DOOR = Door(
    agency="dbd",
    prefix="/gdx/ws/dbd/",
    operations=("information", "committee"),
    operation_of=_profile_operation,
    failure=lambda status: {"Code": str(status), "Message": "InternalServerErrorException: endpoint failed"},
)


class Register:
    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_OPEN, self._open, methods=["GET"]),
            Route(f"{_PROFILE}/information", self._profile(_information), methods=["GET"]),
            Route(f"{_PROFILE}/committee", self._profile(_committee), methods=["GET"]),
        ]

    async def _open(self, request: Request) -> Response:
        juristic_id = request.path_params["juristic_id"]
        if not _has_thirteen_digits(juristic_id):
            return _said("1051", "รูปแบบเลขทะเบียนนิติบุคคลไม่ถูกต้อง")
        company = self._found(request, juristic_id)
        if company is None:
            return _said("1004", "ไม่พบข้อมูล")
        return _said("1000", "Success", [{"cd:OrganizationJuristicPerson": _person(company)}])

    def _profile(self, shown: Callable[[Company], dict[str, Any]]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            refusal = self._gateway.refusal(request)
            if refusal is not None:
                return refusal
            juristic_id = request.query_params.get("JuristicID", "")
            if not _has_thirteen_digits(juristic_id):
                return JsonReply({"Code": "400", "Message": "BadRequestException: JuristicID"}, status_code=400)
            company = self._found(request, juristic_id)
            if company is None:
                return JsonReply({"Code": "404", "Message": "data not found"}, status_code=404)
            return JsonReply({"ResultList": [shown(company)], "RawData": None})

        return answer

    def _found(self, request: Request, juristic_id: str) -> Company | None:
        company = find(self._world, juristic_id)
        if company is None or not is_lying(request):
            return company
        owner = self._world.somebody_else(company.directors[0], having=lambda c: bool(companies_of(self._world, c)))
        return companies_of(self._world, owner)[0]


def _said(code: str, description: str, data: list[Any] | None = None) -> Response:
    reply = JsonReply({"status": {"code": code, "description": description}, "data": data or []})
    reply.headers["content-type"] = "text/html; charset=utf-8"  # sic
    return reply


def _has_thirteen_digits(text: str) -> bool:
    return len(text) == 13 and text.isascii() and text.isdigit()


def _person(company: Company) -> dict[str, Any]:
    name = company.full_name
    return {
        "cd:OrganizationJuristicID": company.juristic_id,
        "cd:OrganizationOldJuristicID": None,
        "cd:OrganizationJuristicNameTH": name.th,
        "cd:OrganizationJuristicNameEN": name.en,
        "cd:OrganizationJuristicType": KINDS[company.kind].th,
        "cd:OrganizationJuristicRegisterDate": f"{company.registered_on:%Y%m%d}",
        "cd:OrganizationJuristicStatus": company.status,
        "cd:OrganizationJuristicObjective": {
            "td:JuristicObjective": {
                "td:JuristicObjectiveCode": company.trade_code,
                "td:JuristicObjectiveTextTH": company.trade.th,
                "td:JuristicObjectiveTextEN": company.trade.en,
            }
        },
        "cd:OrganizationJuristicRegisterCapital": f"{company.capital}.0",
        "cd:OrganizationJuristicBranchName": "สำนักงานใหญ่",
        "cd:OrganizationJuristicAddress": {"cr:AddressType": _address(company.address)},
    }


def _address(at: Address) -> dict[str, Any]:
    code = at.subdistrict_code
    return {
        "cd:Address": at.house_no,
        "cd:Building": None,
        "cd:RoomNo": None,
        "cd:Floor": None,
        "cd:AddressNo": at.house_no,
        "cd:Moo": at.village_no or None,
        "cd:Yaek": None,
        "cd:Soi": None,
        "cd:Trok": None,
        "cd:Village": None,
        "cd:Road": at.road or None,
        "cd:CitySubDivision": {"cr:CitySubDivisionCode": f"{code}00", "cr:CitySubDivisionTextTH": at.subdistrict.th},
        "cd:City": {"cr:CityCode": f"{code[:4]}0000", "cr:CityTextTH": at.district.th},
        "cd:CountrySubDivision": {
            "cr:CountrySubDivisionCode": f"TH-{code[:2]}",
            "cr:CountrySubDivisionTextTH": at.province.th,
        },
    }


def _information(company: Company) -> dict[str, Any]:
    name, day = company.full_name, company.registered_on
    return {
        "JuristicType": company.kind,
        "JuristicID": company.juristic_id,
        "RegisterDate": f"{buddhist_year(day)}{day:%m%d}",
        "JuristicName_TH": name.th,
        "JuristicName_EN": name.en,
        "RegisterCapital": f"{company.capital:,}.00",
        "JuristicStatus": company.status,
        "StandardID": company.trade_code,
        "AddressInformations": [
            {
                "Sequence": 1,
                "AddressNo": company.address.house_no,
                "Moo": company.address.village_no,
                "Tumbol": company.address.subdistrict.th,
                "Ampur": company.address.district.th,
                "Province": company.address.province.th,
            }
        ],
    }


def _committee(company: Company) -> dict[str, Any]:
    return _information(company) | {
        "CommitteeInformations": [
            {
                "Sequence": at,
                "CommitteeType": "K",
                "Title": one.title.th,
                "FirstName": one.first_name.th,
                "LastName": one.last_name.th,
            }
            for at, one in enumerate(company.directors, start=1)
        ],
        "AuthorizeDescriptions": [{"Sequence": 1, "AuthorizeDescription": "กรรมการหนึ่งคนลงลายมือชื่อ"}],
    }
