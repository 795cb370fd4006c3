"""The Revenue Department's two public checks: who is registered for VAT (SOAP), and whether a tax number exists (JSON).

What integrators meet, kept: the VAT fields begin with v, each value is wrapped in `anyType`, "-" is written where there
is nothing, a field without a value closes itself, and "not registered" is a sentence in `vmsgerr`. The other check says
its yes and no as lists of one text. Both are asked as `anonymous`, which the department publishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.companies import Company, companies_of, taxpayer_exists, vat_since
from sandbox.control import JsonReply
from sandbox.faults import Door, is_lying
from sandbox.people import Citizen
from sandbox.world import World

NAMESPACE = "https://rdws.rd.go.th/serviceRD3/vatserviceRD3"
NOT_REGISTERED = "ไม่พบข้อมูลผู้ประกอบการจดทะเบียนภาษีมูลค่าเพิ่ม"

_VAT = "/rd-ws/serviceRD3/vatserviceRD3.asmx"
_TIN = "/rd-ws/jsonRD/checktinpinservice.asmx/ServiceTIN"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_FIELDS = (
    *("vNID", "vtin", "vtitleName", "vName", "vSurname", "vBranchTitleName", "vBranchName", "vBranchNumber"),
    *("vBuildingName", "vFloorNumber", "vVillageName", "vRoomNumber", "vHouseNumber", "vMooNumber", "vSoiName"),
    *("vStreetName", "vThambol", "vAmphur", "vProvince", "vPostCode", "vBusinessFirstDate", "vmsgerr"),
)


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    return {"vatserviceRD3.asmx": "Service", "ServiceTIN": "ServiceTIN"}.get(path.rpartition("/")[2])


DOOR = Door(
    agency="rd",
    prefix="/rd-ws/",
    operations=("Service", "ServiceTIN"),
    operation_of=_operation_of,
    failure=lambda status: {"Message": "Authentication failed.", "StackTrace": None},
)


class Checks:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        return [Route(_VAT, self._vat, methods=["POST"]), Route(_TIN, self._tin, methods=["GET"])]

    async def _vat(self, request: Request) -> Response:
        try:
            asked = _fields(fromstring(await request.body(), forbid_dtd=True))
        except (ParseError, DefusedXmlException):
            return _fault("Client", "Server was unable to read request.")
        if not request.headers.get("soapaction", "").strip('"').endswith("/Service"):
            return _fault("Client", "Server did not recognize the value of HTTP Header SOAPAction.")
        if (asked.get("username"), asked.get("password")) != ("anonymous", "anonymous"):
            return _answer({"vmsgerr": "username หรือ password ไม่ถูกต้อง"})
        tin = asked.get("TIN", "")
        if len(tin) != 13 or not tin.isdigit():
            return _answer({"vmsgerr": "เลขประจำตัวผู้เสียภาษีอากรไม่ถูกต้อง"})
        found = vat_since(self._world, tin)
        if found is None:
            return _answer({"vmsgerr": NOT_REGISTERED})
        since, taxpayer = found
        if is_lying(request):
            taxpayer = self._another(taxpayer)
        return _answer(_registrant(taxpayer) | {"vBusinessFirstDate": since.isoformat()})

    def _another(self, taxpayer: Citizen | Company) -> Citizen | Company:
        if isinstance(taxpayer, Citizen):
            return self._world.somebody_else(taxpayer, having=lambda c: c.alive)
        owner = self._world.somebody_else(taxpayer.directors[0], having=lambda c: bool(companies_of(self._world, c)))
        return companies_of(self._world, owner)[0]

    async def _tin(self, request: Request) -> Response:
        tin = request.query_params.get("TIN", "")
        is_number = len(tin) == 13 and tin.isascii() and tin.isdigit()
        exists = is_number and taxpayer_exists(self._world, tin)
        told = f"{tin[:-1]}{(int(tin[-1]) + 1) % 10}" if is_number and is_lying(request) else tin
        return JsonReply({
            "ID": [told], "DigitOk": ["Yes" if is_number else "No"], "IsExist": ["Yes" if exists else "No"],
            "MessageErr": [None if is_number else "เลขประจำตัวไม่ถูกต้อง"],
        })  # fmt: skip


def _registrant(one: Citizen | Company) -> dict[str, str]:
    at = one.address
    place = {
        "vBranchNumber": "0", "vHouseNumber": at.house_no, "vMooNumber": at.village_no, "vStreetName": at.road,
        "vThambol": at.subdistrict.th, "vAmphur": at.district.th, "vProvince": at.province.th, "vPostCode": at.postcode,
    }  # fmt: skip
    if isinstance(one, Company):
        title, _, name = one.full_name.th.partition(" ")
        return place | {"vNID": one.juristic_id, "vtitleName": title, "vName": name, "vBranchName": name}
    return place | {
        "vNID": one.pid, "vtitleName": one.title.th, "vName": one.first_name.th, "vSurname": one.last_name.th,
    }  # fmt: skip


def _fields(envelope: Element) -> dict[str, str]:
    """What was asked, by local names, wherever it stands in the envelope."""
    return {str(one.tag).rpartition("}")[2]: (one.text or "").strip() for one in envelope.iter() if not len(one)}


def _answer(said: Mapping[str, str]) -> Response:
    inner = "".join(_field(name, said.get(name, "-" if "vNID" in said else "")) for name in _FIELDS)
    return _xml(f'<ServiceResponse xmlns="{NAMESPACE}"><ServiceResult>{inner}</ServiceResult></ServiceResponse>')


def _field(name: str, value: str) -> str:
    if name in ("vtin", "vmsgerr") and value in ("", "-"):
        return f"<{name} />"
    if not value:
        return f"<{name} />" if name == "vNID" else f'<{name}><anyType xsi:type="xsd:string">-</anyType></{name}>'
    kind = "int" if name == "vBranchNumber" else "string"
    return f'<{name}><anyType xsi:type="xsd:{kind}">{escape(value)}</anyType></{name}>'


def _fault(code: str, text: str) -> Response:
    fault = f"<faultcode>soap:{code}</faultcode><faultstring>{escape(text)}</faultstring>"
    return _xml(f"<soap:Fault>{fault}</soap:Fault>", status=500)


def _xml(body: str, *, status: int = 200) -> Response:
    namespaces = (
        f'xmlns:soap="{_ENVELOPE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    )
    return Response(
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope {namespaces}><soap:Body>{body}</soap:Body></soap:Envelope>',
        status_code=status, media_type="text/xml; charset=utf-8",
    )  # fmt: skip
