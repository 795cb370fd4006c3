"""Biz Portal's status API behind GDX: an agency reports a request of its own, then each change of its state.

Requests are kept in memory, and listed at `/sandbox/bizportal`. `Status` in an answer is 0 or 3, in a question a word.
"""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.agencies.gdx import Gateway
from sandbox.control import JsonReply
from sandbox.faults import Door

STATES = ("CHECK", "PENDING", "APPROVED_WAITING_PAY_FEE", "PAID_FEE_CREATING_LICENSE", "COMPLETED", "REJECTED")
OTHER_STATES = ("WAITING_AGENT_WORKING", "WAITING_USER_WORKING", "DONE")
IDENTITY_TYPES = (1, 2, 3)  # citizen, juristic person, foreigner

_PREFIX = "/gdx/ws/dga/bizportal/applicationrequest"
_MOST_KEPT = 10_000


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    name = path.rpartition("/")[2]
    return name if name in ("import", "update") else None


DOOR = Door(
    agency="bizportal",
    prefix="/gdx/ws/dga/bizportal/",
    operations=("import", "update"),
    operation_of=_operation_of,
    failure=lambda status: {"Status": 3, "Message": "Failed", "ErrorMessage": "Internal Server Error", "Data": None},
)


class BizPortal:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._held: dict[str, dict[str, Any]] = {}

    def reset(self) -> None:
        self._held.clear()

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"{_PREFIX}/import", self._import, methods=["POST"]),
            Route(f"{_PREFIX}/update", self._update, methods=["POST"]),
            Route("/sandbox/bizportal", self._list, methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        return JsonReply(list(reversed(self._held.values())))

    async def _import(self, request: Request) -> Response:
        refusal = self._gateway.refusal(request)
        if refusal is not None:
            return refusal
        asked = await _asked(request)
        data = asked.get("Data")
        identity, application = str(asked.get("IdentityId", "")), asked.get("ApplicationId")
        if asked.get("IdentityType") not in IDENTITY_TYPES or not identity or not application:
            return _failed("IdentityId, IdentityType and ApplicationId are required")
        if not isinstance(data, dict) or not data.get("Name") or not data.get("ReferenceId"):
            return _failed("Data.Name and Data.ReferenceId are required")
        for request_id, held in self._held.items():
            if (held["ApplicationId"], held["Data"]["ReferenceId"]) == (application, data["ReferenceId"]):
                return _done({"RequestId": request_id})
        if len(self._held) >= _MOST_KEPT:
            self._held.pop(next(iter(self._held)))
        request_id = str(uuid.uuid4())
        self._held[request_id] = {**asked, "RequestId": request_id, "Status": "CHECK", "StatusOther": None}
        return _done({"RequestId": request_id})

    async def _update(self, request: Request) -> Response:
        refusal = self._gateway.refusal(request)
        if refusal is not None:
            return refusal
        asked = await _asked(request)
        held = self._held.get(str(asked.get("RequestId", "")))
        if held is None:
            return _failed("RequestId not found")
        if asked.get("Status") not in STATES:
            return _failed("Status is not valid")
        if asked.get("StatusOther") not in (None, "", *OTHER_STATES):
            return _failed("StatusOther is not valid")
        held |= {name: asked.get(name) for name in ("Status", "StatusOther", "Remark", "Option")}
        return _done({"RequestId": held["RequestId"]})


async def _asked(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _done(data: dict[str, Any]) -> Response:
    return JsonReply({"Status": 0, "Message": "Success", "ErrorMessage": None, "Data": data})


def _failed(why: str) -> Response:
    return JsonReply({"Status": 3, "Message": "Failed", "ErrorMessage": why, "Data": None})
