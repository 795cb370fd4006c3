"""Biz Portal's status API, behind GDX: what becomes of a request, told to the portal where businesses look for it.

A request of ours is imported once, and its state then updated; the portal tells the applicant by SMS and mail by itself.
`Status` is a number in an answer (0 done, 3 failed) and a word in a question.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, get_args

from agencies.dialect import opened, served
from agencies.gdx import GdxTransport
from agencies.reading import Reading
from agencies.trouble import AnswerMalformed, State, Trouble

CODE = "bizportal"

Status = Literal[
    "CHECK", "PENDING", "APPROVED_WAITING_PAY_FEE", "PAID_FEE_CREATING_LICENSE", "COMPLETED", "REJECTED"
]  # fmt: skip
StatusOther = Literal["WAITING_AGENT_WORKING", "WAITING_USER_WORKING", "DONE"]
STATUSES: tuple[Status, ...] = get_args(Status)
OTHER_STATUSES: tuple[StatusOther, ...] = get_args(StatusOther)

_DONE, _FAILED = 0, 3


class IdentityType(IntEnum):
    CITIZEN = 1
    JURISTIC = 2
    FOREIGNER = 3


class RequestRefused(Trouble):
    """The portal answered, and did not take it; its own words are not for the log."""

    state: State = "NOT_ALLOWED"
    code = "REQUEST_REFUSED"

    def __init__(self, said: str) -> None:
        super().__init__("Biz Portal did not take it")
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the portal is to list it."""

    identity: str = field(repr=False)
    identity_type: IdentityType
    application_id: str  # which kind of request: the portal's own number of it
    name: str
    url: str  # where the applicant sees it
    reference_id: str  # ours; the same again is the same request
    reference_number: str  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """What the portal shows beside the state, leading to the agency."""

    name: str
    url: str
    description: str = ""


class BizPortal:
    """The API below `url` (`…/bizportal/applicationrequest`, with `/uat` before it at the portal's test system)."""

    def __init__(self, gdx: GdxTransport, *, url: str) -> None:
        self._gdx = gdx
        self._url = url.rstrip("/")

    async def import_request(self, request: Request) -> str:
        """List a request; returns the portal's number of it. RequestRefused where the portal won't."""
        data = await self._post("import", {
            "IdentityId": request.identity, "IdentityType": request.identity_type.value,
            "ApplicationId": request.application_id,
            "Data": {
                "Name": request.name, "Url": request.url, "ReferenceId": request.reference_id,
                "ReferenceNumber": request.reference_number,
            },
        })  # fmt: skip
        if data is None:
            raise AnswerMalformed("Data is missing")
        return data.text("RequestId")

    async def update_request(
        self,
        request_id: str,
        status: Status,
        *,
        other: StatusOther | None = None,
        remark: str = "",
        button: Button | None = None,
    ) -> None:
        """Say how a request stands now. The same again changes nothing."""
        option = None
        if button is not None:
            shown = {"Name": button.name, "Url": button.url, "Description": button.description}
            option = {"ExternalButtonOption": shown}
        sent = {"RequestId": request_id, "Status": status, "StatusOther": other, "Remark": remark, "Option": option}
        await self._post("update", sent)

    async def _post(self, operation: str, sent: dict[str, Any]) -> Reading | None:
        answer = opened(served(await self._gdx.request("POST", f"{self._url}/{operation}", json=sent)))
        outcome = answer.number("Status")
        if outcome == _DONE:
            return answer.maybe_part("Data")
        if outcome == _FAILED:
            raise RequestRefused(answer.maybe_text("ErrorMessage") or "")
        raise AnswerMalformed("Status is neither done nor failed")
