"""Payments to agencies: one for each bill, from the wish to pay until the money is certain.

Nobody pays what they made up: a payment begins with a bill that an agency was asked for. It is written down with its
references before e-Payment hears of it, so a lost answer costs a second question and never a second payment; and a bill
that is being paid, or was, holds its place, so another wish to pay it finds the payment that is there. What a callback
says is never believed: it only makes us ask. A payment that was certain once does not become pending again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import orjson

from agencies.epayment import EPayment, ErrorCode, Order, PaymentRefused, PaymentStatus
from agencies.thai_qr import bill_payment
from agencies.trouble import AgencyDown, AgencyRefused, NotThere, NotTrusted, Trouble
from foundation.clock import Clock
from foundation.errors import BadInput, Conflict, NotFound, Unavailable
from foundation.ids import derive
from foundation.language import Text
from foundation.pages import Page, page, page_size, read_cursor, write_cursor
from foundation.store import Document, DuplicateKeyError, Index, Store
from foundation.telemetry import Metrics
from trust.access_log import AccessLog
from trust.people import People, PersonId
from trust.secrets import Vault

log = logging.getLogger(__name__)

BillKind = Literal["LAND_AND_BUILDING_TAX", "VEHICLE_TAX", "STUDENT_LOAN"]
PaymentState = Literal[
    "STARTING", "PENDING", "CONFIRMING", "PAID", "REJECTED", "FAILED", "VOID", "OTHER", "EXPIRED", "REFUND_REQUESTED",
    "REFUNDED",
]  # fmt: skip

PAYMENTS = "payments"
INDEXES = (
    Index(collection=PAYMENTS, keys=(("person", 1), ("created_at", -1), ("_id", -1)), name="newest"),
    Index(collection=PAYMENTS, keys=(("reference1", 1), ("reference2", 1)), name="by_reference", unique=True),
    Index(collection=PAYMENTS, keys=(("bill", 1),), name="one_for_a_bill", unique=True, partial={"holds": True}),
    Index(collection=PAYMENTS, keys=(("state", 1), ("checked_at", 1)), name="unheard_of", partial={"holds": True}),
)
PURPOSE = "payment"
# Where the money goes through: the agency that runs e-Payment.
_AGENCY = "dga"
_SYSTEM = "tangrat"
_BY_PERSON, _BY_SYSTEM = "DATA_SUBJECT_REQUEST", "PUBLIC_TASK"

_CONTENT, _OUTCOME = "payments.content", "payments.outcome"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_UNPAID: frozenset[PaymentState] = frozenset({"STARTING", "PENDING"})
_OPEN = _UNPAID | {"CONFIRMING"}
# While a payment is in one of these, no other for the same bill is begun.
_HOLDING = _OPEN | {"PAID", "OTHER", "REFUND_REQUESTED"}
_MONEY_MOVED: frozenset[PaymentState] = frozenset({"CONFIRMING", "PAID", "REFUND_REQUESTED", "REFUNDED"})
# Where a payment may go from where it is; what isn't named may go anywhere.
_MAY_BECOME: Mapping[PaymentState, frozenset[PaymentState]] = {
    "CONFIRMING": frozenset({"PAID", "REJECTED", "FAILED", "VOID", "OTHER", "REFUND_REQUESTED", "REFUNDED"}),
    "PAID": frozenset({"VOID", "REFUND_REQUESTED", "REFUNDED"}),
    "REFUND_REQUESTED": frozenset({"PAID", "REFUNDED"}),
    "REFUNDED": frozenset(),
    # Closed, and paid in the same moment all the same: the money is gone, so that must be seen.
    **dict.fromkeys(("VOID", "REJECTED", "FAILED", "EXPIRED"), _MONEY_MOVED),
}  # fmt: skip
_ASKED_AGAIN_AFTER = timedelta(seconds=10)
_LANDS_WITHIN = timedelta(minutes=2)  # a wish on its way to e-Payment is there by then, or never
_MOST_ASKED = 5
_UNHEARD_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What an agency wants paid, as that agency says it."""

    kind: BillKind
    reference: str
    agency: str
    title: Text
    amount: Decimal
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """The name that e-Payment demands. The identity number is not sent: any number that tells payers apart will do."""

    title: str = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    id: str
    person: PersonId
    bill: Bill
    state: PaymentState
    reference1: str
    reference2: str
    created_at: datetime
    paid_at: datetime | None
    channel: str | None
    receipt: str | None  # the channel's own number of the payment
    qr: str | None  # while it can be paid


class PaymentUnavailable(Unavailable):
    """e-Payment does not answer, and heard nothing."""

    code = "PAYMENT_UNAVAILABLE"


class PaymentInDoubt(Unavailable):
    """It is not known whether e-Payment heard it; the same wish again is safe."""

    code = "OUTCOME_UNKNOWN"


class PaymentNotTaken(Conflict):
    """e-Payment will not."""

    code = "PAYMENT_REFUSED"


class AlreadyPaid(Conflict):
    """There is nothing left to cancel: it is paid, or nearly so."""

    code = "ALREADY_PAID"


class Payments:
    def __init__(
        self,
        store: Store,
        people: People,
        vault: Vault,
        epayment: EPayment,
        access_log: AccessLog,
        *,
        clock: Clock,
        metrics: Metrics,
        on_paid: Callable[[Payment], Awaitable[None]] | None = None,
    ) -> None:
        self._on_paid = on_paid  # heard at least once of each payment that is certain
        self._payments = store.collection(PAYMENTS)
        self._people = people
        self._vault = vault
        self._epayment = epayment
        self._access_log = access_log
        self._clock = clock
        self._metrics = metrics

    async def create(self, person: PersonId, bill: Bill, *, payer: Payer, client_key: str) -> Payment:
        """A payment of this bill that can be paid. The same key, or the same bill, gives the same payment.

        Conflict where the key was used for another bill; Unavailable where e-Payment can't be reached.
        """
        document, is_new = await self._begin(person, bill, client_key)
        if document["state"] != "STARTING":
            return await self._open(document)
        return await self._put_up(document, payer, is_new=is_new)

    async def begun(self, person: PersonId, kind: BillKind, reference: str, *, client_key: str) -> Payment | None:
        """The payment that this key was used for, where it is past its start: a retry needs no bill any more."""
        document = await self._by_key(person, kind, reference, client_key)
        return None if document is None or document["state"] == "STARTING" else await self._open(document)

    async def cancel(self, person: PersonId, payment: str) -> Payment:
        """Take the bill down, so that its QR can't be paid. AlreadyPaid where it was; cancelled twice is once."""
        document = await self._payments.find_one({"_id": payment, "person": person})
        if document is None:
            raise NotFound("there is no such payment", th="ไม่พบรายการชำระเงินนี้", field="id")
        if document["state"] in _UNPAID:
            document = await self._close(document)
        if document["state"] in _HOLDING:
            raise AlreadyPaid("this was paid, so it can't be cancelled", th="ชำระเงินแล้ว จึงยกเลิกไม่ได้", field="id")
        return await self._open(document)

    async def get(self, person: PersonId, payment: str) -> Payment | None:
        document = await self._payments.find_one({"_id": payment, "person": person})
        return None if document is None else await self._open(document)

    async def page(self, person: PersonId, *, first: int | None = None, after: str | None = None) -> Page[Payment]:
        """The person's payments, the newest first. Those still open are asked about, in case a callback was lost."""
        size = page_size(first)
        wanted: Document = {"person": person}
        if after is not None:
            at, last = read_cursor(PAYMENTS, after, parts=2)
            moment = _read_moment(at)
            wanted["$or"] = [{"created_at": {"$lt": moment}}, {"created_at": moment, "_id": {"$lt": last}}]
        found = self._payments.find(wanted).sort([("created_at", -1), ("_id", -1)]).limit(size + 1)
        documents = [document async for document in found]
        asked_before = self._clock.now() - _ASKED_AGAIN_AFTER
        stale = [one for one in documents if one["state"] in _OPEN and one["checked_at"] <= asked_before][:_MOST_ASKED]
        renewed = await asyncio.gather(*(self._renewed(one, actor=person, ground=_BY_PERSON) for one in stale))
        now = {one["_id"]: one for one in renewed}
        payments = [await self._open(now.get(one["_id"], one)) for one in documents]
        return page(payments, first=size, cursor=lambda one: write_cursor(PAYMENTS, one.created_at.isoformat(), one.id))

    async def confirm(self, reference1: str, reference2: str | None = None) -> Payment | None:
        """Ask e-Payment how this one stands, and note it. None where we have none of that reference.

        Unavailable where e-Payment doesn't answer; asking again is harmless.
        """
        wanted = {"reference1": reference1} | ({} if reference2 is None else {"reference2": reference2})
        document = await self._payments.find_one(wanted)
        if document is None:
            return None
        try:
            return await self._open(await self._ask(document, actor=_SYSTEM, ground=_BY_SYSTEM))
        except NotFound:  # the person was erased
            return None
        except Trouble as trouble:
            raise _unavailable(trouble) from trouble

    async def look_after(self, *, unheard_for: timedelta = _UNHEARD_FOR, most: int = 100) -> int:
        """Ask about open payments of which nothing was heard for so long: a callback may have been lost, and the person may
        not look. Returns how many were asked about; who is asked about by one worker isn't by another."""
        asked = 0
        now = self._clock.now()
        long_ago = {"holds": True, "state": {"$in": sorted(_OPEN)}, "checked_at": {"$lt": now - unheard_for}}
        while asked < most:
            document = await self._payments.find_one_and_update(
                long_ago, {"$set": {"checked_at": now}}, sort=[("checked_at", 1)]
            )
            if document is None:
                break
            asked += 1
            try:
                await self._ask(document, actor=_SYSTEM, ground=_BY_SYSTEM)
            except NotFound:  # the person was erased
                continue
            except (Trouble, Unavailable):
                break  # neither would the next be answered now
        return asked

    # ---- the way to a payable bill

    async def _begin(self, person: PersonId, bill: Bill, client_key: str) -> tuple[Document, bool]:
        """The payment as it is written down, and whether it was just now."""
        payment, wish = self._named(person, bill.kind, bill.reference, client_key)
        held = self._vault.lookup(f"{wish}\0{bill.due_on}", purpose="bill")
        number = int(self._vault.lookup(payment, purpose="payment reference"), 16)
        now = self._clock.now()
        document: Document = {
            "_id": payment, "person": person, "wish": wish, "bill": held, "holds": True, "state": "STARTING",
            "reference1": f"{number % 10**18:018}", "reference2": f"{number // 10**18 % 10**8:08}",
            "content": await self._seal(person, _CONTENT, _written(bill)), "created_at": now,
            "checked_at": now,
        }  # fmt: skip
        for _ in range(2):
            there = await self._by_key(person, bill.kind, bill.reference, client_key)
            there = there or await self._payments.find_one({"bill": held, "holds": True})
            if there is not None:
                return there, False
            try:
                await self._payments.insert_one(document)
            except DuplicateKeyError:
                continue  # somebody else wrote it in this very moment: it is read now
            return document, True
        raise PaymentUnavailable("please try again", th="โปรดลองใหม่", retry_after_s=1)

    async def _by_key(self, person: PersonId, kind: BillKind, reference: str, client_key: str) -> Document | None:
        if not _KEY.fullmatch(client_key):
            raise BadInput(
                "clientKey must be 1 to 200 visible ASCII characters",
                th="clientKey ต้องเป็นอักขระ ASCII 1 ถึง 200 ตัว", field="clientKey",
            )  # fmt: skip
        payment, wish = self._named(person, kind, reference, client_key)
        there = await self._payments.find_one({"_id": payment})
        if there is not None and there["wish"] != wish:
            raise Conflict(
                "this clientKey was used for another request", th="clientKey นี้ถูกใช้กับคำขออื่นแล้ว", field="clientKey"
            )
        return there

    def _named(self, person: PersonId, kind: BillKind, reference: str, client_key: str) -> tuple[str, str]:
        """The id that follows from the key, and a hash of the bill that the key is for."""
        wish = self._vault.lookup(f"{person}\0{kind}\0{reference}", purpose="payment wish")
        return derive(person, "payment", person, client_key), wish

    async def _put_up(self, document: Document, payer: Payer, *, is_new: bool) -> Payment:
        person, content = PersonId(document["person"]), await self._content(document)
        await self._record(document, "PAYMENT_CREATE", actor=person, ground=_BY_PERSON)
        order = Order(
            reference1=document["reference1"], reference2=document["reference2"], amount=Decimal(content["amount"]),
            payer_id=document["reference1"], title=payer.title, first_name=payer.first_name, last_name=payer.last_name,
        )  # fmt: skip
        try:
            is_first = await self._epayment.create(order)
        except Trouble as trouble:
            never_heard = is_new and _was_not_heard(trouble)
            if never_heard:
                await self._payments.delete_one({"_id": document["_id"], "state": "STARTING"})
            self._note(document, trouble)
            if isinstance(trouble, PaymentRefused):
                raise PaymentNotTaken(
                    "the payment service does not take this payment", th="ระบบชำระเงินไม่รับรายการนี้"
                ) from trouble
            raise (_unavailable(trouble) if never_heard else _in_doubt(trouble)) from trouble
        document = await self._move(document, "PENDING")
        if not is_first:  # so somebody may have paid it by now
            document = await self._renewed(document, actor=person, ground=_BY_PERSON)
        return await self._open(document)

    async def _close(self, document: Document) -> Document:
        person = PersonId(document["person"])
        await self._record(document, "PAYMENT_CLOSE", actor=person, ground=_BY_PERSON)
        try:
            await self._epayment.close(document["reference1"], document["reference2"])
        except NotThere:
            pass  # it never came so far
        except PaymentRefused as refused:
            self._note(document, refused)
            if refused.number != ErrorCode.PAID_PAYMENT_CANNOT_BE_CLOSED:
                raise PaymentNotTaken(
                    "the payment service does not let this be cancelled", th="ระบบชำระเงินไม่ให้ยกเลิกรายการนี้", field="id"
                ) from refused
            try:
                document = await self._ask(document, actor=person, ground=_BY_PERSON)
            except Trouble as trouble:
                raise _unavailable(trouble) from trouble
            if document["state"] in _UNPAID:
                # It can't be closed because it was paid, and the state doesn't know that yet.
                raise AlreadyPaid(
                    "this was paid, so it can't be cancelled", th="ชำระเงินแล้ว จึงยกเลิกไม่ได้", field="id"
                ) from refused
            return document
        except Trouble as trouble:
            self._note(document, trouble)
            raise _in_doubt(trouble) from trouble
        return await self._move(document, "VOID")

    # ---- how it stands

    async def _renewed(self, document: Document, *, actor: str, ground: str) -> Document:
        """The same asked anew; as it was, where e-Payment doesn't answer."""
        try:
            return await self._ask(document, actor=actor, ground=ground)
        except (Trouble, Unavailable):
            return document

    async def _ask(self, document: Document, *, actor: str, ground: str) -> Document:
        await self._record(document, "PAYMENT_STATUS", actor=actor, ground=ground)
        try:
            told = await self._epayment.status(document["reference1"], document["reference2"])
        except NotThere:
            if document["state"] == "STARTING" and document["created_at"] + _LANDS_WITHIN < self._clock.now():
                return await self._move(document, "FAILED")
            return await self._looked(document)
        except Trouble as trouble:
            self._note(document, trouble)
            raise
        amount = Decimal((await self._content(document))["amount"])
        if told.amount is not None and told.amount != amount:
            self._alarm("payment_amount_differs", document)
            return await self._looked(document)
        state: PaymentState = "CONFIRMING" if told.state == "PAID" and not told.is_certain else told.state
        if state == document["state"]:
            return await self._looked(document)
        if state not in _MAY_BECOME.get(document["state"], frozenset({state})):
            if document["state"] in _MONEY_MOVED and state != "CONFIRMING":
                self._alarm("payment_went_backwards", document)
            return await self._looked(document)
        if state == "PAID" and self._on_paid is not None:
            await self._on_paid(await self._open(document))  # first: if we die, we ask again
        outcome = await self._seal(PersonId(document["person"]), _OUTCOME, _told(told))
        return await self._move(document, state, outcome=outcome)

    async def _looked(self, document: Document) -> Document:
        now = self._clock.now()
        await self._payments.update_one({"_id": document["_id"]}, {"$set": {"checked_at": now}})
        return document | {"checked_at": now}

    async def _move(self, document: Document, state: PaymentState, **more: Any) -> Document:
        """To another state, unless somebody moved it meanwhile: then as they left it."""
        change: Document = {"$set": {"state": state, "checked_at": self._clock.now(), **more}}
        if state in _HOLDING:
            change["$set"]["holds"] = True
        else:
            change["$unset"] = {"holds": ""}
        where = {"_id": document["_id"], "state": document["state"]}
        try:
            moved = await self._payments.update_one(where, change)
        except DuplicateKeyError:
            # It was let go, another was begun for the same bill, and now this one is paid as well.
            self._alarm("bill_paid_twice", document)
            del change["$set"]["holds"]
            moved = await self._payments.update_one(where, change)
        there = await self._payments.find_one({"_id": document["_id"]})
        if there is None:
            raise NotFound("there is no such payment", th="ไม่พบรายการชำระเงินนี้", field="id")
        if moved.modified_count:
            log.info("a payment moved", extra={"payment": document["_id"], "from": document["state"], "to": state})
        return there

    # ---- what is kept

    async def _open(self, document: Document) -> Payment:
        content, outcome = await self._content(document), {}
        person = PersonId(document["person"])
        if "outcome" in document:
            outcome = orjson.loads(await self._people.open(person, document["outcome"], context=_OUTCOME))
        bill = _read(content)
        qr = None
        if document["state"] == "PENDING":
            qr = bill_payment(
                biller_id=self._epayment.biller_id, reference1=document["reference1"],
                reference2=document["reference2"], amount=bill.amount,
            )  # fmt: skip
        return Payment(
            id=document["_id"],
            person=person,
            bill=bill,
            state=document["state"],
            reference1=document["reference1"],
            reference2=document["reference2"],
            created_at=document["created_at"],
            paid_at=datetime.fromisoformat(outcome["paid_at"]) if outcome.get("paid_at") else None,
            channel=outcome.get("channel"),
            receipt=outcome.get("ref_id"),
            qr=qr,
        )

    async def _content(self, document: Document) -> dict[str, Any]:
        opened = await self._people.open(PersonId(document["person"]), document["content"], context=_CONTENT)
        content: dict[str, Any] = orjson.loads(opened)
        return content

    async def _seal(self, person: PersonId, context: str, content: Mapping[str, Any]) -> bytes:
        return await self._people.seal(person, orjson.dumps(content), context=context)

    async def _record(self, document: Document, operation: str, *, actor: str, ground: str) -> None:
        await self._access_log.record(
            subject=PersonId(document["person"]), actor=actor, agency=_AGENCY, operation=operation, purpose=PURPOSE,
            ground=ground,
        )  # fmt: skip

    def _note(self, document: Document, trouble: Trouble) -> None:
        if trouble.alarm is not None:
            self._metrics.alarms.labels(trouble.alarm).inc()
        log.warning("e-Payment did not do it", extra={"payment": document["_id"], "why": str(trouble)})

    def _alarm(self, name: str, document: Document) -> None:
        self._metrics.alarms.labels(name).inc()
        log.error("a payment needs somebody to look at it", extra={"payment": document["_id"], "alarm": name})


def _was_not_heard(trouble: Trouble) -> bool:
    """Whether e-Payment surely has not put the bill up."""
    if isinstance(trouble, PaymentRefused | AgencyRefused | NotTrusted):
        return True
    return isinstance(trouble, AgencyDown) and trouble.code == "AGENCY_UNREACHABLE" and not trouble.was_cut


def _unavailable(trouble: Trouble) -> PaymentUnavailable:
    return PaymentUnavailable(
        "the payment service does not answer; please try again later", th="ระบบชำระเงินไม่ตอบสนอง โปรดลองใหม่ภายหลัง",
        retry_after_s=trouble.retry_after_s or 30,
    )  # fmt: skip


def _in_doubt(trouble: Trouble) -> PaymentInDoubt:
    return PaymentInDoubt(
        "it is not known whether the payment service heard this; send the same request again",
        th="ไม่ทราบว่าระบบชำระเงินได้รับคำขอหรือไม่ โปรดส่งคำขอเดิมอีกครั้ง", retry_after_s=trouble.retry_after_s or 5,
    )  # fmt: skip


def _written(bill: Bill) -> dict[str, Any]:
    return {
        "kind": bill.kind, "reference": bill.reference, "agency": bill.agency, "amount": str(bill.amount),
        "title": {"th": bill.title.th, "en": bill.title.en}, "due_on": bill.due_on and bill.due_on.isoformat(),
    }  # fmt: skip


def _read(content: Mapping[str, Any]) -> Bill:
    return Bill(
        kind=content["kind"],
        reference=content["reference"],
        agency=content["agency"],
        title=Text(**content["title"]),
        amount=Decimal(content["amount"]),
        due_on=date.fromisoformat(content["due_on"]) if content["due_on"] else None,
    )


def _told(status: PaymentStatus) -> dict[str, Any]:
    return {
        "ref_id": status.ref_id, "channel": status.channel, "paid_at": status.paid_at and status.paid_at.isoformat(),
        "fee": None if status.fee is None else str(status.fee),
    }  # fmt: skip


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after") from exc
    if moment.tzinfo is None:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after")
    return moment
