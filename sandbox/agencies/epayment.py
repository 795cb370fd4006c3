"""DGA e-Payment behind GDX: create, close, void, status, and the unsigned callback when somebody paid.

What integrators meet, kept: an envelope whose `status` is a number here and a word there, keys in camelCase here and in
PascalCase with a leading space there (the callback), `paidStatus` as a word in the answer and as a number in the callback,
where DGA's own sample says 0, which means pending, beside "Success", payment type "C", and a success whose message says
that the Comptroller General could not confirm it. References are matched by what the payer's system gave.

`POST /sandbox/payments/{reference}/pay` pays as a bank's app would: the money is noted, then the callback is sent.
"""

from __future__ import annotations

import asyncio
import html
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.agencies.gdx import Gateway
from sandbox.control import JsonReply, Refused, read_json
from sandbox.faults import Door, is_lying
from sandbox.world import BANGKOK, World

SOURCE = "TANGRAT"
BILLER = "099400016550100"  # a tax number of nobody and a suffix: fifteen digits
CALLBACK = "/agency/payments/callback"

_PREFIX = "/gdx/ws/dga/payment"
_OPERATIONS = ("create", "close", "void", "status")
_ENDINGS = ("paid", "rejected", "failed", "expired", "refund_requested", "refunded")
_UNCONFIRMED = "[200] สำเร็จแต่ไม่ยืนยันผลการชำระเงินจากกรมบัญชีกลางได้เนื่องจาก CGD firewall หมดอายุ"
_WORDS = {
    "pending": (0, "Pending"), "paid": (1, "Success"), "rejected": (2, "Rejected"), "failed": (3, "Failed"),
    "void": (4, "Void"), "others": (5, "Others"), "expired": (6, "Expired"), "refunded": (7, "Refunded"),
    "refund_requested": (8, "RequestRefund"),
}  # fmt: skip
_CALLBACK_WITHIN_S = 5.0
_MOST_KEPT = 10_000


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    return path if path in _OPERATIONS else None


DOOR = Door(
    agency="epayment",
    prefix=f"{_PREFIX}/",
    operations=_OPERATIONS,
    operation_of=_operation_of,
    failure=lambda status: {"status": 3, "errorCode": 12, "message": "Endpoint Service Unavailable", "data": None},
)


@dataclass(slots=True, kw_only=True)
class _Transaction:
    reference1: str
    reference2: str
    amount: Decimal
    payment_type: str
    state: str = "pending"
    paid_at: datetime | None = None
    ref_id: str = ""
    is_confirmed: bool = True  # by the Comptroller General


class _No(Exception):
    """What e-Payment will not do, under its number."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        self.message = message


class EPayment:
    def __init__(self, world: World, gateway: Gateway, *, api_url: Callable[[], str | None]) -> None:
        self._world = world
        self._gateway = gateway
        self._api_url = api_url
        self._held: dict[tuple[str, str], _Transaction] = {}
        self._numbers = itertools.count(7_447_066)

    def reset(self) -> None:
        self._held.clear()

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"{_PREFIX}/create", self._door(self._create), methods=["POST"]),
            Route(f"{_PREFIX}/close", self._door(self._close), methods=["POST"]),
            Route(f"{_PREFIX}/void", self._door(self._void), methods=["POST"]),
            Route(f"{_PREFIX}/status", self._door(self._status), methods=["GET"]),
            Route("/sandbox/payments", self._list, methods=["GET"]),
            Route("/sandbox/payments/{reference}/pay", self._pay, methods=["POST"]),
        ]

    def _door(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            refusal = self._gateway.refusal(request)
            if refusal is not None:
                return refusal
            try:
                message, data = await answer(request)
            except _No as no:
                return JsonReply({"status": 3, "errorCode": no.number, "message": no.message, "data": None})
            return JsonReply({"status": 0, "errorCode": None, "message": message, "data": data})

        return guarded

    async def _create(self, request: Request) -> tuple[str, Any]:
        asked = await _asked(request)
        if asked.get("source") != SOURCE:
            raise _No(2, "Invalid Source")
        needed = ("customerid", "customertitlename", "customerfirstname", "customerlastname", "bankcode")
        if not all(asked.get(name) for name in (*needed, "requestreference1")):
            raise _No(1, "Invalid Request")
        if asked.get("paymenttype") not in ("FastPay", "QRPayment", "BillPayment"):
            raise _No(11, "Unsupported PaymentType")
        try:
            amount = Decimal(str(asked.get("amount")))
        except InvalidOperation:
            amount = Decimal(0)
        if not amount.is_finite() or not 0 < amount < 10**9 or amount != round(amount, 2):
            raise _No(7, "Invalid Amount")
        made = _Transaction(
            reference1=str(asked["requestreference1"]), reference2=str(asked.get("requestreference2") or ""), amount=amount,
            payment_type=str(asked["paymenttype"]),
        )  # fmt: skip
        if (made.reference1, made.reference2) in self._held:
            raise _No(21, "Reference Number Duplicate")
        if len(self._held) >= _MOST_KEPT:
            self._held.pop(next(iter(self._held)))
        self._held[made.reference1, made.reference2] = made
        return "Success", {
            "orderRef": made.reference1, "amount": float(amount), "currCode": "764", "lang": "T", "payMethod": "QR",
            "billerID": BILLER, "billNo": f"{next(self._numbers)}", "reference1": made.reference1,
            "reference2": made.reference2, "reference3": None,
        }  # fmt: skip

    async def _close(self, request: Request) -> tuple[str, Any]:
        found = self._find(await _asked(request))
        if found.state in ("paid", "refund_requested", "refunded"):
            raise _No(14, "Paid Payment Cannot Be Closed")
        found.state = "void"
        return "Success", None

    async def _void(self, request: Request) -> tuple[str, Any]:
        asked = await _asked(request)
        found = self._find(asked)
        if found.payment_type != "FastPay" or found.state != "paid" or asked.get("paymentreference") != found.ref_id:
            raise _No(19, "Unable To Void Transaction")
        found.state = "void"
        return "Success", None

    async def _status(self, request: Request) -> tuple[str, Any]:
        found = self._find({name.lower(): value for name, value in request.query_params.items()})
        if is_lying(request):
            found = next((one for one in self._held.values() if one is not found), _SOMEBODY_ELSES)
        message = "Success" if found.is_confirmed else _UNCONFIRMED
        return message, _shown(found)

    def _find(self, asked: dict[str, Any]) -> _Transaction:
        found = self._held.get((str(asked.get("reference1")), str(asked.get("reference2") or "")))
        if found is None:
            raise _No(8, "Transaction Not Found")
        return found

    # What a developer sees and does

    async def _list(self, request: Request) -> Response:
        held = [
            {
                "reference": one.reference1, "reference2": one.reference2, "amount": str(one.amount), "state": one.state,
                "pay": f"/sandbox/payments/{one.reference1}/pay",
            }
            for one in reversed(self._held.values())
        ]  # fmt: skip
        if "text/html" not in request.headers.get("accept", ""):
            return JsonReply(held)
        rows = "".join(
            f"<tr><td>{html.escape(one['reference'])}</td><td>{html.escape(one['amount'])}</td>"
            f"<td>{one['state']}</td><td><form method='post' action='{html.escape(one['pay'])}'>"
            "<button>จ่าย · Pay</button></form></td></tr>"
            for one in held
        )
        return HTMLResponse(
            "<!doctype html><html lang='th'><meta charset='utf-8'><title>ชำระเงิน · Payments</title>"
            f"<h1>ชำระเงิน · Payments</h1><table><tr><th>Ref</th><th>THB</th><th></th><th></th></tr>{rows}</table></html>",
            headers={"cache-control": "no-store"},
        )

    async def _pay(self, request: Request) -> Response:
        """Pay, or let it end otherwise: `{"as": "rejected"}`; with `{"callback": false}` the callback gets lost."""
        reference = request.path_params["reference"]
        found = next((one for one in self._held.values() if one.reference1 == reference), None)
        if found is None:
            raise Refused(404, "there is no such payment; /sandbox/payments lists them")
        ending, is_confirmed, calls_back = "paid", True, True
        if await request.body():
            body = await read_json(request)
            ending = body.text("as", among=_ENDINGS) if "as" in body else ending
            is_confirmed = body.flag("confirmed") if "confirmed" in body else True
            calls_back = body.flag("callback") if "callback" in body else True
            body.nothing_else()
        if found.state == "void":
            raise Refused(409, "this payment was closed")
        if found.state != ending:
            found.state, found.ref_id = ending, found.ref_id or str(next(self._numbers))
            found.paid_at = found.paid_at or self._world.clock.now()
        found.is_confirmed = is_confirmed
        heard = await self._call_back(found) if calls_back else None
        return JsonReply({"reference": reference, "state": found.state, "callback": heard})

    async def _call_back(self, found: _Transaction) -> Any:
        """What our API answered: `{"status": …, "body": …}`, or why it was not reached. Unsigned, as the real one is."""
        api = self._api_url()
        if api is None:
            return {"error": "nobody has told the sandbox where the API is: POST /sandbox/api"}
        state = _shown(found)
        sent = {
            " PaidStatus": 0,  # sic: DGA's own sample
            " Description": "Success" if found.state == "paid" else _WORDS[found.state][1],
            **{f" {name[0].upper()}{name[1:]}": value for name, value in state.items()
               if name not in ("paidStatus", "description", "requestRefundDate")},
            " requestRefundDate": state["requestRefundDate"],
        }  # fmt: skip
        try:
            async with (
                asyncio.timeout(_CALLBACK_WITHIN_S),
                aiohttp.ClientSession() as http,
                http.post(f"{api}{CALLBACK}", json=sent) as reply,
            ):
                return {"status": reply.status, "body": await reply.json(content_type=None)}
        except (TimeoutError, aiohttp.ClientError, ValueError) as exc:
            return {"error": type(exc).__name__}


_SOMEBODY_ELSES = _Transaction(
    reference1="999999999999999999", reference2="99999999", amount=Decimal(1), payment_type="QRPayment", state="paid",
    ref_id="1",
)  # fmt: skip


def _shown(found: _Transaction) -> dict[str, Any]:
    number, word = _WORDS[found.state]
    at = "" if found.paid_at is None else found.paid_at.astimezone(BANGKOK).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "paidStatus": word if found.state == "paid" else number,  # sic: as a word or as a number
        "description": None,
        "paidDate": at,
        "paidChannel": "คิวอาร์เพย์เมนต์" if at else "",
        "confirmPaidDate": at,
        "refId": found.ref_id,
        "ref1": found.reference1,
        "ref2": found.reference2,
        "cardNo": "",
        "paymentType": "C",
        "amount": float(found.amount),
        "feeAmount": 0,
        "voidDate": "",
        "requestRefundDate": "",
    }


async def _asked(request: Request) -> dict[str, Any]:
    """The body's fields by their names in lower case: the documents spell them in two ways."""
    try:
        body = await request.json()
    except ValueError as exc:
        raise _No(1, "Invalid Request") from exc
    if not isinstance(body, dict):
        raise _No(1, "Invalid Request")
    return {str(name).strip().lower(): value for name, value in body.items()}
