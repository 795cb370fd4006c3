"""Paying agencies, in the graph: a bill that an agency says is due, the QR that pays it, and how the payment stands.

An amount is never taken from the app. It comes from the agency that wants the money, asked at that moment; what it said
yesterday is not good enough to pay by.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Protocol, cast

import strawberry
from strawberry import enum_value, field

from agencies import dopa, payments
from agencies.gateway import DATA_SUBJECT_REQUEST
from agencies.payments import Bill, Payer
from foundation import language as words
from foundation.errors import BadInput, Forbidden, NotFound, SuperAppError, Unavailable
from resolvers.catalogue import Agency
from resolvers.context import Context, Info
from resolvers.values import (
    After,
    First,
    Money,
    Node,
    PageInfo,
    Problem,
    Text,
    edges,
    global_id,
    local_id,
    page_info,
    problem_of,
    say,
)

if TYPE_CHECKING:
    from agencies.answers import Operation
    from agencies.gateway import Asking
    from agencies.standard import Record
    from foundation.clock import Clock

_KIND = "Payment"
_LONGEST_REFERENCE = 100
_PAYABLE_AHEAD = timedelta(days=90)  # vehicle tax is taken from 90 days before it ends


class BillFinder(Protocol):
    """Finds what an agency wants paid."""

    async def find(self, asking: Asking, kind: payments.BillKind, reference: str) -> Bill | None:
        """The person's bill of this kind and reference, as the agency says it now; None where nothing is to be paid.

        Unavailable where the agency can't say.
        """
        ...


class _Withdrawn(Forbidden):
    """The agency may not be asked, which trying again doesn't change: the same code as on its card."""

    code = "CONSENT_WITHDRAWN"


class AgenciesBills:
    """Bills by what the agencies' own operations answer. A kind whose agency can't be asked yet has no bills."""

    def __init__(self, operations: Mapping[str, Operation[Record]], *, clock: Clock) -> None:
        self._operations = operations
        self._clock = clock
        self._kinds: dict[payments.BillKind, tuple[str, Callable[[Record, str], Bill | None]]] = {
            "VEHICLE_TAX": ("dlt.get_vehicles", self._vehicle_tax),
            "LAND_AND_BUILDING_TAX": ("lao.get_lbt_bill", _land_tax),
            "STUDENT_LOAN": ("slf.get_loan", _loan),
        }

    async def find(self, asking: Asking, kind: payments.BillKind, reference: str) -> Bill | None:
        name, read = self._kinds[kind]
        operation = self._operations.get(name)
        if operation is None:
            return None
        arguments = {one: str(self._clock.today().year) for one in operation.takes if one == "tax_year"}
        told = await asking.ask(operation, **arguments)
        if told.state == "NOT_FOUND":
            return None
        if told.state == "NOT_ALLOWED" and told.problem is not None:
            raise _Withdrawn(told.problem.message.en, th=told.problem.message.th)
        if told.state != "OK" or told.value is None:
            raise Unavailable(
                "the agency can't say now what is to be paid; please try again later",
                th="หน่วยงานยังแจ้งยอดที่ต้องชำระไม่ได้ในขณะนี้ โปรดลองใหม่ภายหลัง",
                retry_after_s=(told.problem and told.problem.retry_after_s) or 30,
            )
        bill = read(told.value, reference)
        return bill if bill is not None and bill.amount > 0 else None

    def _vehicle_tax(self, told: Record, reference: str) -> Bill | None:
        for one in told["vehicles"]:
            if one["vehicle_id"] != reference or one["sale_date"] is not None:
                continue
            due: date = one["tax_expiry_date"]
            if due - self._clock.today() > _PAYABLE_AHEAD:
                return None  # paid already, until then
            return Bill(
                kind="VEHICLE_TAX", reference=reference, agency="dlt", amount=one["tax_amount"], due_on=due,
                title=words.Text(th=f"ภาษีรถประจำปี {one['plate']}", en=f"Yearly vehicle tax, {one['plate']}"),
            )  # fmt: skip
        return None


def _land_tax(told: Record, reference: str) -> Bill | None:
    """What is still to be paid for the year; of a tax that is paid in parts, the next part."""
    if told["bill_id"] != reference or told["state"] not in ("due", "overdue"):
        return None
    amount, due = told["to_pay"], told["due_date"]
    unpaid = [one for one in told["instalments"] if one["paid_on"] is None]
    if unpaid:
        amount, due = unpaid[0]["amount"], unpaid[0]["due_date"]
    by, year = told["local_authority"], told["tax_year"]
    return Bill(
        kind="LAND_AND_BUILDING_TAX", reference=reference, agency="lao", amount=amount, due_on=due,
        title=words.Text(
            th=f"ภาษีที่ดินและสิ่งปลูกสร้าง {year + 543} {by.th}", en=f"Land and building tax {year}, {by.en}"
        ),
    )  # fmt: skip


def _loan(told: Record, reference: str) -> Bill | None:
    """The next instalment, with whatever is overdue; nothing in the years of grace."""
    if told["account_no"] != reference or told["status"] not in ("repaying", "default"):
        return None
    amount = (told["instalment"] or Decimal(0)) + (told["overdue"] or Decimal(0))
    return Bill(
        kind="STUDENT_LOAN", reference=reference, agency="slf", amount=amount, due_on=told["due_date"],
        title=words.Text(th="งวดชำระเงินกู้ยืม กยศ.", en="Student loan instalment"),
    )  # fmt: skip


@strawberry.enum(description="What can be paid.")
class BillKind(Enum):
    LAND_AND_BUILDING_TAX = enum_value(
        "LAND_AND_BUILDING_TAX", description="Land and building tax (ภาษีที่ดินและสิ่งปลูกสร้าง); the reference is the bill's"
        " number.",
    )  # fmt: skip
    VEHICLE_TAX = enum_value("VEHICLE_TAX", description="Yearly vehicle tax; the reference is a vehicle's `vehicleId`.")
    STUDENT_LOAN = enum_value(
        "STUDENT_LOAN", description="The next instalment of a student loan (กยศ.), with what is overdue; the reference is"
        " the account's number.",
    )  # fmt: skip


@strawberry.enum(description="How a payment stands.")
class PaymentState(Enum):
    STARTING = enum_value("STARTING", description="It is being put up; it can't be paid yet.")
    PENDING = enum_value("PENDING", description="It can be paid: show the QR.")
    CONFIRMING = enum_value("CONFIRMING", description="It is paid, and that has yet to be confirmed. Don't pay again.")
    PAID = enum_value("PAID", description="It is paid, for certain.")
    REJECTED = enum_value("REJECTED", description="The bank rejected it.")
    FAILED = enum_value("FAILED", description="It failed; nothing was paid.")
    VOID = enum_value("VOID", description="It was cancelled.")
    OTHER = enum_value("OTHER", description="Something else; the payment service has to look at it.")
    EXPIRED = enum_value("EXPIRED", description="Nobody paid in time.")
    REFUND_REQUESTED = enum_value("REFUND_REQUESTED", description="It was paid, and a refund was asked for.")
    REFUNDED = enum_value("REFUNDED", description="It was paid back.")


@strawberry.type(description="A payment to an agency.")
class Payment(Node):
    kind: BillKind = field(description="What is paid.")
    title: Text = field(description="The same in words.")
    bill_reference: str = field(description="Which bill: the `reference` of `createPayment`.")
    agency: Agency | None = field(description="Who gets it; null where the catalogue no longer has that agency.")
    amount: Money = field(description="How much, as the agency said.")
    due_on: date | None = field(description="The last day to pay without a surcharge, where the agency says it.")
    state: PaymentState = field(description="How it stands.")
    qr: str | None = field(
        description="The text of the Thai QR, to be drawn as it is; null unless the state is `PENDING`."
    )
    reference: str = field(description="The first reference of the bill, as a bank's app shows it.")
    receipt: str | None = field(description="The bank's number of the payment.")
    channel: str | None = field(description="How it was paid, in the bank's words.")
    created_at: datetime = field(description="Since when it is there.")
    paid_at: datetime | None = field(description="When it was paid, as the bank says.")


@strawberry.type(description="A payment in a page of payments.")
class PaymentEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: Payment = field(description="The payment.")


@strawberry.type(description="A page of payments, the newest first.")
class PaymentConnection:
    edges: list[PaymentEdge] = field(description="The payments of this page.")
    page_info: PageInfo = field(description="Where the page ends.")


@strawberry.input(description="A bill to pay. How much it is, the agency says.")
class CreatePaymentInput:
    kind: BillKind = field(description="What is to be paid.")
    reference: str = field(
        description="Which one of that kind: a vehicle's `vehicleId`, the number of a tax bill, of a loan."
    )
    client_key: str = field(
        description="Made up by the app for this wish, up to 200 characters. Sent again with it, the wish is carried out"
        " once and answered alike; with another bill it is a conflict."
    )


@strawberry.type(description="What came of it.")
class CreatePaymentPayload:
    payment: Payment | None = field(
        description="The payment; null where there is a problem. A bill that is being paid, or was, gives that payment."
    )
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


@strawberry.input(description="Which payment.")
class CancelPaymentInput:
    id: strawberry.ID = field(description="The payment's id.")


@strawberry.type(description="The payment as it is now.")
class CancelPaymentPayload:
    payment: Payment | None = field(description="The payment; null where there is no such one.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


async def of_citizen(info: Info, first: First = None, after: After = None) -> PaymentConnection:
    context = info.context
    found = await context.services.payments.page(context.person, first=first, after=after)
    shown = found.of(lambda one: _shown(one, context))
    return PaymentConnection(edges=edges(shown, PaymentEdge), page_info=page_info(found, after=after))


async def node(local: str, context: Context) -> Payment | None:
    """Their own payment; None for anybody else's, as for one that never was."""
    session = context.session
    found = None if session is None else await context.services.payments.get(session.person, local)
    return None if found is None else _shown(found, context)


async def _create(
    info: Info,
    given: Annotated[CreatePaymentInput, strawberry.argument(name="input", description="The bill.")],
) -> CreatePaymentPayload:
    context = info.context
    shown, problems = await _tried(context, lambda: _carry_out(given, context))
    return CreatePaymentPayload(payment=shown, problems=problems)


async def _carry_out(given: CreatePaymentInput, context: Context) -> payments.Payment:
    person, services = context.person, context.services
    kind = cast(payments.BillKind, given.kind.name)
    if not 1 <= len(given.reference) <= _LONGEST_REFERENCE or not given.reference.isprintable():
        raise BadInput(
            f"reference must be a text of 1 to {_LONGEST_REFERENCE} characters",
            th=f"reference ต้องเป็นข้อความ 1 ถึง {_LONGEST_REFERENCE} ตัวอักษร", field="reference",
        )  # fmt: skip
    begun = await services.payments.begun(person, kind, given.reference, client_key=given.client_key)
    if begun is not None:
        return begun
    asking = services.gateway.asking(
        subject=person, actor=person, purpose=payments.PURPOSE, ground=DATA_SUBJECT_REQUEST, anew=True
    )
    bill = await services.bills.find(asking, kind, given.reference)
    if bill is None:
        raise NotFound(
            "there is no such bill of yours, or nothing of it is to be paid now",
            th="ไม่พบรายการนี้ของท่าน หรือยังไม่มียอดที่ต้องชำระ", field="reference",
        )  # fmt: skip
    return await services.payments.create(person, bill, payer=await _payer(context), client_key=given.client_key)


async def _payer(context: Context) -> Payer:
    told = await context.asking.ask(dopa.PERSON)
    if told.value is None:
        raise Unavailable(
            "the civil register does not answer, and the payment service wants the payer's name",
            th="ทะเบียนราษฎรไม่ตอบ จึงยังแจ้งชื่อผู้ชำระให้ระบบชำระเงินไม่ได้", retry_after_s=30,
        )  # fmt: skip
    profile = told.value
    return Payer(title=profile.title.th, first_name=profile.first_name.th, last_name=profile.last_name.th)


async def _cancel(
    info: Info,
    given: Annotated[CancelPaymentInput, strawberry.argument(name="input", description="The payment.")],
) -> CancelPaymentPayload:
    context = info.context
    local = local_id(given.id, _KIND) or ""
    shown, problems = await _tried(context, lambda: context.services.payments.cancel(context.person, local))
    if problems and context.session is not None:  # what became of it instead
        shown = await node(local, context)
    return CancelPaymentPayload(payment=shown, problems=problems)


async def _tried(
    context: Context, do: Callable[[], Awaitable[payments.Payment]]
) -> tuple[Payment | None, list[Problem]]:
    try:
        return _shown(await do(), context), []
    except SuperAppError as exc:
        return None, [problem_of(exc, context.language)]


@strawberry.type
class PaymentMutation:
    create_payment: CreatePaymentPayload = field(
        resolver=_create,
        description="Pay a bill of an agency: gives the QR to pay it with. Carried out once for each `clientKey`, and a"
        " bill is never put up twice at the same time.",
    )
    cancel_payment: CancelPaymentPayload = field(
        resolver=_cancel, description="Take a payment down that nobody has paid yet. Cancelled twice is once."
    )


def _shown(told: payments.Payment, context: Context) -> Payment:
    bill = told.bill
    return Payment(
        id=global_id(_KIND, told.id),
        kind=BillKind[bill.kind],
        title=say(bill.title, context.language),
        bill_reference=bill.reference,
        agency=context.shelf.agencies.get(bill.agency),
        amount=Money(amount=bill.amount),
        due_on=bill.due_on,
        state=PaymentState[told.state],
        qr=told.qr,
        reference=told.reference1,
        receipt=told.receipt,
        channel=told.channel,
        created_at=told.created_at,
        paid_at=told.paid_at,
    )
