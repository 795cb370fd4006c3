"""DGA e-Payment, behind GDX: a bill is put up to be paid, its state asked, and it is closed again.

Its documents disagree with themselves, so what it says is read with care. Keys come in camelCase, or in PascalCase with
a space in front; states as a word or as a number; `paymentType` as "C", which is no type. And a success may carry a
message that the Comptroller General could not confirm the payment: the money is not ours to call paid yet. What the
callback says is not read here at all but for its references: it is unsigned, and DGA's own sample says 0 (pending) beside
"Success". The references are ours: made before we ask, so that a lost answer can be looked up instead of paid twice.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Literal
from urllib.parse import urlencode

from agencies.dialect import opened, served
from agencies.gdx import GdxTransport
from agencies.reading import Reading
from agencies.trouble import (
    AgencyDown,
    AgencyRefused,
    AnswerAboutSomeoneElse,
    AnswerMalformed,
    NotThere,
    State,
    Trouble,
)
from foundation.clock import BANGKOK
from foundation.http import Reply

log = logging.getLogger(__name__)

CODE = "epayment"
_BANK, _TYPE = "KTB", "QRPayment"

PaidState = Literal["PENDING", "PAID", "REJECTED", "FAILED", "VOID", "OTHER", "EXPIRED", "REFUNDED", "REFUND_REQUESTED"]
# Each by its number and by its word.
_PAID_STATES: dict[str, PaidState] = {
    "0": "PENDING", "1": "PAID", "2": "REJECTED", "3": "FAILED", "4": "VOID", "5": "OTHER", "6": "EXPIRED",
    "7": "REFUNDED", "8": "REFUND_REQUESTED", "pending": "PENDING", "success": "PAID", "rejected": "REJECTED",
    "failed": "FAILED", "void": "VOID", "others": "OTHER", "expired": "EXPIRED", "refunded": "REFUNDED",
    "requestrefund": "REFUND_REQUESTED",
}  # fmt: skip
_ENVELOPE = {"0": 0, "1": 1, "2": 2, "3": 3, "success": 0, "successwitherror": 1, "warning": 2, "error": 3}
_ERROR = 3
_NOT_CONFIRMED = ("ไม่ยืนยัน", "ไม่สามารถยืนยัน", "not confirm", "unconfirmed")


class ErrorCode(IntEnum):
    """Why e-Payment did not do what it was asked, by DGA's own numbers."""

    INVALID_REQUEST = 1
    INVALID_SOURCE = 2
    INVALID_DATA = 3
    INVALID_PAID_DATE = 4
    INVALID_EXPIRED_DATE = 5
    INVALID_INVOICE = 6
    INVALID_AMOUNT = 7
    TRANSACTION_NOT_FOUND = 8
    SOURCE_NOT_FOUND = 9
    DATA_NOT_FOUND = 10
    UNSUPPORTED_PAYMENT_TYPE = 11
    ENDPOINT_SERVICE_UNAVAILABLE = 12
    INVALID_ENDPOINT_DATA = 13
    PAID_PAYMENT_CANNOT_BE_CLOSED = 14
    FILE_DOWNLOADING_FAILED = 15
    FILE_UPLOADING_FAILED = 16
    FILE_RENDERING_FAILED = 17
    FILE_SERVICE_UNAVAILABLE = 18
    UNABLE_TO_VOID_TRANSACTION = 19
    UNABLE_TO_REFUND_TRANSACTION = 20
    REFERENCE_NUMBER_DUPLICATE = 21
    TRANSACTION_LOCKED = 22
    OTHERS = 999


_FOR_NOW = (
    ErrorCode.ENDPOINT_SERVICE_UNAVAILABLE, ErrorCode.INVALID_ENDPOINT_DATA, ErrorCode.FILE_DOWNLOADING_FAILED,
    ErrorCode.FILE_UPLOADING_FAILED, ErrorCode.FILE_RENDERING_FAILED, ErrorCode.FILE_SERVICE_UNAVAILABLE,
    ErrorCode.TRANSACTION_LOCKED, ErrorCode.OTHERS,
)  # fmt: skip


class PaymentRefused(Trouble):
    """It answered, and will not: nothing was done. `number` says why."""

    state: State = "NOT_ALLOWED"
    code = "PAYMENT_REFUSED"

    def __init__(self, number: ErrorCode) -> None:
        super().__init__(f"e-Payment says {number.value} {number.name}")
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be paid, under references of ours."""

    reference1: str
    reference2: str
    amount: Decimal
    payer_id: str = field(
        repr=False
    )  # any number by which the payer is told apart; it need not be theirs from the state
    title: str = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatus:
    """What e-Payment says about a bill. `is_certain`: it is said without an if, of these references and an amount."""

    state: PaidState
    is_certain: bool
    paid_at: datetime | None
    channel: str | None
    ref_id: str | None  # the channel's own number of the payment
    amount: Decimal | None
    fee: Decimal | None


class EPayment:
    """e-Payment below `url`, as the source that DGA knows us as. `close_url` where closing stands elsewhere.

    `biller_id` is whom the money goes to. It is ours to know: an answer that names another is not followed.
    """

    def __init__(self, gdx: GdxTransport, *, url: str, close_url: str, source: str, biller_id: str) -> None:
        self._gdx = gdx
        self._url = url.rstrip("/")
        self._close_url = close_url or f"{self._url}/close"
        self._source = source
        self.biller_id = biller_id

    async def create(self, order: Order) -> bool:
        """Put a bill up to be paid; False where it had been put up before, and the answer was lost.

        The same references again are the same bill.
        """
        try:
            data = await self._post(f"{self._url}/create", {
                "source": self._source, "customerID": order.payer_id, "customerTitleName": order.title,
                "customerFirstName": order.first_name, "customerMiddleName": "", "customerLastName": order.last_name,
                "bankCode": _BANK, "paymentType": _TYPE, "amount": f"{order.amount:.2f}",
                "requestReference1": order.reference1, "requestReference2": order.reference2, "requestReference3": "",
                "data": None,
            })  # fmt: skip
        except PaymentRefused as refused:
            if refused.number != ErrorCode.REFERENCE_NUMBER_DUPLICATE:
                raise
            # Somebody holds this reference. Only where that bill is ours to the satang may it be shown as ours.
            held = await self.status(order.reference1, order.reference2)
            if held.amount is not None and held.amount != order.amount:
                raise AnswerAboutSomeoneElse("the reference is another bill's") from refused
            return False
        told = [data.maybe_text(name) for name in ("reference1", "reference2")] if data is not None else [None, None]
        if any(one not in (None, ours) for one, ours in zip(told, (order.reference1, order.reference2), strict=True)):
            raise AnswerAboutSomeoneElse("another reference than ours")
        if data is not None and data.maybe_text("billerID") not in (None, self.biller_id):
            raise AnswerAboutSomeoneElse("another biller than ours")
        return True

    async def status(self, reference1: str, reference2: str) -> PaymentStatus:
        """How the bill stands. NotThere where e-Payment knows no such references."""
        asked = urlencode({"reference1": reference1, "reference2": reference2})
        answer = opened(served(await self._gdx.request("GET", f"{self._url}/status?{asked}")))
        outcome = _checked(answer)
        data = answer.part("data")
        told = [data.maybe_text("ref1"), data.maybe_text("ref2")]
        if any(one not in (None, asked) for one, asked in zip(told, (reference1, reference2), strict=True)):
            raise AnswerAboutSomeoneElse("another payment's references")
        amount = data.maybe_money("amount")
        message = (answer.maybe_text("message") or "").lower()
        is_sure = outcome == 0 and not any(sign in message for sign in _NOT_CONFIRMED)
        return PaymentStatus(
            state=_read_state(data.text("paidStatus")),
            is_certain=is_sure and told[0] is not None and amount is not None,
            paid_at=_read_moment(data, "paidDate"),
            channel=data.maybe_text("paidChannel"),
            ref_id=data.maybe_text("refId"),
            amount=amount,
            fee=data.maybe_money("feeAmount"),
        )

    async def close(self, reference1: str, reference2: str) -> None:
        """Take a bill down that nobody has paid. PaymentRefused with 14 where somebody has."""
        await self._post(self._close_url, {"reference1": reference1, "reference2": reference2})

    async def void(self, reference1: str, reference2: str, *, ref_id: str) -> None:
        """Undo a payment by card (FastPay); other ways of paying can't be undone so."""
        sent = {"reference1": reference1, "reference2": reference2, "paymentReference": ref_id}
        await self._post(f"{self._url}/void", sent)

    async def _post(self, url: str, sent: dict[str, Any]) -> Reading | None:
        answer = opened(_served_or_said(await self._gdx.request("POST", url, json=sent)))
        _checked(answer)
        return answer.maybe_part("data")


def callback_references(body: Any) -> tuple[str, str | None] | None:
    """Which payment a callback is about; all else that it says is not believed. None where it names none."""
    if type(body) is not dict:
        return None
    # Keys come with a space in front, in one case or another; twice the same key would be two payments in one.
    names = [str(name).strip().lower() for name in body]
    if len(set(names)) != len(names):
        return None
    told = Reading(dict(zip(names, body.values(), strict=True)))
    try:
        reference1, reference2 = told.maybe_text("ref1"), told.maybe_text("ref2")
    except AnswerMalformed:
        return None
    return None if reference1 is None else (reference1, reference2)


def _served_or_said(reply: Reply) -> Reply:
    """A failure in e-Payment's own words comes with any HTTP status; its words say more than the status."""
    if reply.status in (400, 404, 409, 500) and b"errorCode" in reply.body:
        return reply
    return served(reply)


def _checked(answer: Reading) -> int:
    """How the envelope says it went, as a number below 3; else the trouble that it names."""
    outcome = _ENVELOPE.get(answer.text("status").lower())
    if outcome is None:
        raise AnswerMalformed("status is none of the envelope's")
    number = answer.maybe_text("errorCode")
    if outcome != _ERROR and number in (None, "0"):
        return outcome
    if outcome != _ERROR:
        log.warning("e-Payment did it with an error", extra={"number": (number or "")[:5], "outcome": outcome})
        return max(outcome, 1)
    raise _trouble(_read_number(number))


def _trouble(number: ErrorCode) -> Trouble:
    if number in (ErrorCode.TRANSACTION_NOT_FOUND, ErrorCode.DATA_NOT_FOUND):
        return NotThere("e-Payment knows no such payment")
    if number in (ErrorCode.INVALID_SOURCE, ErrorCode.SOURCE_NOT_FOUND):
        return AgencyRefused(f"e-Payment says {number.value}")
    if number in _FOR_NOW:
        return AgencyDown(f"e-Payment says {number.value} {number.name}")
    return PaymentRefused(number)


def _read_number(text: str | None) -> ErrorCode:
    """By its number, or by its name as the documents write it: `TransactionNotFound`, `Transaction Not Found`."""
    plain = (text or "").replace("_", "").replace(" ", "").lower()
    by_name = {one.name.replace("_", "").lower(): one for one in ErrorCode}
    if plain in by_name:
        return by_name[plain]
    return (
        ErrorCode(int(plain)) if plain.isdecimal() and int(plain) in ErrorCode._value2member_map_ else ErrorCode.OTHERS
    )


def _read_state(text: str) -> PaidState:
    state = _PAID_STATES.get(text.replace(" ", "").lower())
    if state is None:
        raise AnswerMalformed("paidStatus is none of the documented ones")
    return state


def _read_moment(data: Reading, name: str) -> datetime | None:
    """`2022-09-22T11:03:36` is Bangkok's time without its zone; the Comptroller General's variant says its zone."""
    text = data.maybe_text(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise AnswerMalformed(f"{name} is not a time") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=BANGKOK)
