"""Biz Portal's two addresses at our own door, as an agency's integrator meets them, and what the person sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from backend.app import House, build
from foundation import settings
from foundation.http import Http, Reply
from foundation.language import Text
from tests.serving import serving

IMPORT, UPDATE = (f"/ws/dga/bizportal/applicationrequest/{name}" for name in ("import", "update"))
PID = "1000000000092"
APPLICATIONS = """{ me {
  applications { edges { node { id agency { code } name referenceNumber url state stateName { en } waiting remark
    button { name url description } steps { state waiting } } } pageInfo { hasNextPage } }
  inbox { edges { node { title { en } body { en } lockScreen { th } topic because { reportedBy { code } } } } } } }"""
FILED: dict[str, Any] = {
    "IdentityId": PID, "IdentityType": 1, "ApplicationId": "food-shop",
    "Data": {"Name": "แจ้งจัดตั้งสถานที่จำหน่ายอาหาร", "Url": "https://example.go.th/r/1", "ReferenceId": "r-1", "ReferenceNumber": "อ.1/2569"},
}  # fmt: skip
Switch = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Portal:
    """Our API as an agency's backend reaches it."""

    house: House
    url: str
    http: Http
    headers: dict[str, str]

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Reply:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"Content-Type": "application/json", **(self.headers if headers is None else headers)}
        return await self.http.request("POST", self.url + path, deadline_s=10, body=content, headers=sent)

    async def file(self, **over: Any) -> str:
        reply = await self.post(IMPORT, FILED | over)
        assert reply.status == 200, reply.body
        number: str = reply.json()["Data"]["RequestId"]
        return number

    async def ask(self, query: str, pid: str = PID) -> Any:
        person = await self.house.people.ensure(pid)
        token = (await self.house.tokens.begin(person.id, ial="2.3", aal="2.1", client_id="app")).access_token
        reply = await self.http.request(
            "POST",
            f"{self.url}/graphql",
            deadline_s=20,
            json={"query": query},
            headers={"Authorization": f"Bearer {token}"},
        )
        told = reply.json()
        assert "errors" not in told, told
        return told["data"]


@pytest.fixture
async def portal(
    mongodb_uri: str, database: str, tmp_path: Path, sandbox_url: str, http: Http
) -> AsyncIterator[Portal]:
    told = settings.read(
        {
            "TANGRAT_MONGODB_URI": mongodb_uri,
            "TANGRAT_DATA_DIR": str(tmp_path),
            "TANGRAT_MONGODB_DATABASE": database,
            "TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_url).port),
        }
    )
    async with House(told, process="test") as house, serving(build(house)) as address:
        yield Portal(house, address, http, await _let_in(house, "bma"))


async def _let_in(house: House, agency: str) -> dict[str, str]:
    """The headers of an agency's backend that has its token."""
    app, secret = await house.mini_apps.add(
        agency=agency, name=Text(th=f"มินิแอป {agency}", en=f"Mini app {agency}"), url="https://example.go.th/app"
    )
    assert secret is not None
    token = await house.mini_apps.validate(app.consumer_key, secret, "tester")
    return {"Consumer-Key": app.consumer_key, "Token": token}


async def test_a_request_is_reported_followed_and_told(portal: Portal) -> None:
    number = await portal.file()
    button = {"Name": "ชำระค่าธรรมเนียม", "Url": "https://example.go.th/pay", "Description": "500 บาท"}
    changed = await portal.post(UPDATE, {
        "RequestId": number, "Status": "APPROVED_WAITING_PAY_FEE", "StatusOther": "WAITING_USER_WORKING",
        "Remark": "โปรดชำระ", "Option": {"ExternalButtonOption": button},
    })  # fmt: skip

    me = (await portal.ask(APPLICATIONS))["me"]

    assert changed.json() == {"Status": 0, "Message": "Success", "ErrorMessage": None, "Data": {"RequestId": number}}
    (one,) = [edge["node"] for edge in me["applications"]["edges"]]
    assert (one["agency"]["code"], one["name"], one["referenceNumber"], one["url"]) == (
        "bma", FILED["Data"]["Name"], "อ.1/2569", "https://example.go.th/r/1",
    )  # fmt: skip
    assert (one["state"], one["waiting"], one["remark"]) == (
        "APPROVED_WAITING_PAY_FEE",
        "WAITING_USER_WORKING",
        "โปรดชำระ",
    )
    assert one["stateName"]["en"] == "Approved; the fee is to be paid"
    assert one["button"] == {"name": button["Name"], "url": button["Url"], "description": button["Description"]}
    assert [step["state"] for step in one["steps"]] == ["CHECK", "APPROVED_WAITING_PAY_FEE"]
    newest, _oldest = [edge["node"] for edge in me["inbox"]["edges"]]
    assert "Approved" in newest["body"]["en"]
    assert newest["topic"] == "application"
    assert newest["because"]["reportedBy"]["code"] == "bma"
    assert FILED["Data"]["Name"] not in newest["lockScreen"]["th"]


async def test_nobody_else_sees_it(portal: Portal) -> None:
    await portal.file()
    (one,) = (await portal.ask(APPLICATIONS))["me"]["applications"]["edges"]
    node = f'{{ node(id: "{one["node"]["id"]}") {{ id }} }}'

    assert (await portal.ask(APPLICATIONS, pid="1000000000084"))["me"]["applications"]["edges"] == []
    assert await portal.ask(node, pid="1000000000084") == {"node": None}
    assert await portal.ask(node) == {"node": {"id": one["node"]["id"]}}


async def test_other_spellings_of_the_fields_are_read_as_well(portal: Portal) -> None:
    filed = {
        "identityId": "1-0000-00000-09-2", "identityType": "1", "applicationId": "x",
        "data": {"name": "ก", "referenceId": "r-2"},
    }  # fmt: skip
    reply = await portal.post(IMPORT, filed)
    assert reply.status == 200, reply.body

    number = reply.json()["Data"]["RequestId"]
    assert (await portal.post(UPDATE, {"requestId": number, "status": "COMPLETED", "statusOther": ""})).status == 200


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 403, "ForbiddenException: consumer not found"),
        ({"Consumer-Key": "nobody"}, 403, "ForbiddenException: consumer not found"),
        ({"Token": "x"}, 401, "UnauthorizedException: token not found"),
    ],
)
async def test_without_key_and_token_nobody_reports(
    headers: dict[str, str], status: int, message: str, portal: Portal
) -> None:
    sent = ({"Consumer-Key": portal.headers["Consumer-Key"]} if "Token" in headers else {}) | headers

    reply = await portal.post(IMPORT, FILED, headers=sent)

    assert (reply.status, reply.json()["Message"]) == (status, message)


async def test_an_agency_can_not_touch_anothers_request(portal: Portal) -> None:
    number = await portal.file()

    reply = await portal.post(
        UPDATE, {"RequestId": number, "Status": "REJECTED"}, headers=await _let_in(portal.house, "dlt")
    )

    assert (reply.status, reply.json()["Status"]) == (404, 3)
    (one,) = (await portal.ask(APPLICATIONS))["me"]["applications"]["edges"]
    assert one["node"]["state"] == "CHECK"


@pytest.mark.parametrize(
    "over",
    [
        {"IdentityType": 2}, {"IdentityType": 3}, {"IdentityType": True}, {"IdentityType": None}, {"IdentityId": 1000000000092},
        {"IdentityId": "1000000000093"}, {"IdentityId": ""}, {"IdentityId": {"$ne": ""}}, {"ApplicationId": ""}, {"Data": None},
        {"Data": []}, {"Data": {"Name": "ก"}}, {"Data": {"Name": "", "ReferenceId": "r"}},
        {"Data": {"Name": "a\u202eb", "ReferenceId": "r"}}, {"Data": {"Name": "a\nb", "ReferenceId": "r"}},
        {"Data": {"Name": "x" * 201, "ReferenceId": "r"}}, {"Data": {"Name": "x", "name": "y", "ReferenceId": "r"}},
        {"Data": {"Name": "x", "ReferenceId": "r", "Url": "javascript:alert(1)"}},
        {"Data": {"Name": "x", "ReferenceId": "r", "Url": "https://user:secret@example.go.th/"}},
    ],
)  # fmt: skip
async def test_a_report_that_makes_no_sense_is_refused_with_its_reason(over: dict[str, Any], portal: Portal) -> None:
    reply = await portal.post(IMPORT, FILED | over)

    said = reply.json()
    assert (reply.status, said["Status"], said["Data"]) == (400, 3, None)
    assert said["Message"].isascii()
    assert not said["ErrorMessage"].isascii()
    assert PID not in reply.body.decode()
    assert (await portal.ask(APPLICATIONS))["me"]["applications"]["edges"] == []


@pytest.mark.parametrize(
    "over",
    [
        {"Status": "DONE"}, {"Status": 3}, {"Status": None}, {"Status": {}}, {"StatusOther": "x"}, {"StatusOther": ["DONE"]},
        {"Remark": "x" * 501}, {"Remark": 5}, {"Option": "x"}, {"Option": {"ExternalButtonOption": []}},
        {"Option": {"ExternalButtonOption": {"Name": "x"}}},
        {"Option": {"ExternalButtonOption": {"Name": "x", "Url": "ftp://example.go.th"}}},
        {"Option": {"ExternalButtonOption": {"Name": "", "Url": "https://example.go.th"}}},
    ],
)  # fmt: skip
async def test_a_change_that_makes_no_sense_changes_nothing(over: dict[str, Any], portal: Portal) -> None:
    number = await portal.file()

    reply = await portal.post(UPDATE, {"RequestId": number, "Status": "COMPLETED"} | over)

    assert (reply.status, reply.json()["Status"]) == (400, 3)
    (one,) = (await portal.ask(APPLICATIONS))["me"]["applications"]["edges"]
    assert one["node"]["state"] == "CHECK"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b'{"Status":"CHECK","Status":"COMPLETED"}', 400), (b"\xff", 400),
     (b"[" * 60_000, 400), (b'{"Remark":"' + b"x" * 70_000 + b'"}', 413)],
)  # fmt: skip
async def test_a_body_that_can_not_be_read_is_refused(body: bytes, status: int, portal: Portal) -> None:
    assert (await portal.post(UPDATE, body)).status == status


async def test_a_form_is_no_report(portal: Portal) -> None:
    reply = await portal.post(
        IMPORT, b"IdentityType=1", headers={**portal.headers, "Content-Type": "application/x-www-form-urlencoded"}
    )

    assert reply.status == 400
