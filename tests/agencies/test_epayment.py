"""e-Payment's documents disagree with themselves; what is read of its answers, and what is not believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agencies.epayment import EPayment, ErrorCode, Order, PaymentRefused, callback_references
from agencies.gdx import GdxTransport
from agencies.trouble import AgencyDown, AgencyRefused, AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble
from foundation.clock import BANGKOK, SystemClock
from foundation.http import Http
from foundation.ids import new_id
from foundation.settings import Settings
from tests.serving import Serve

BILLER = "099400016550100"
Switch = Callable[..., Any]


def transport(http: Http, settings: Settings, url: str | None = None) -> GdxTransport:
    return GdxTransport(
        http, url=url or settings.gdx_url, consumer_key=settings.gdx_consumer_key,
        consumer_secret=settings.gdx_consumer_secret, agent_id=settings.gdx_agent_id, clock=SystemClock(), deadline_s=1.5,
    )  # fmt: skip


@pytest.fixture
def epayment(http: Http, settings: Settings) -> EPayment:
    return EPayment(
        transport(http, settings), url=settings.epayment_url, close_url="", source=settings.epayment_source,
        biller_id=settings.epayment_biller_id,
    )  # fmt: skip


def order(**over: Any) -> Order:
    number = int(new_id(), 16)
    usual = {
        "reference1": f"{number % 10**18:018}", "reference2": "12345678", "amount": Decimal("1650.50"),
        "payer_id": "x", "title": "นาย", "first_name": "ทดสอบ", "last_name": "ระบบ",
    }  # fmt: skip
    return Order(**(usual | over))


def pay(switch: Switch, one: Order, **how: Any) -> None:
    switch("POST", f"payments/{one.reference1}/pay", {"callback": False, **how})


async def test_a_bill_is_put_up_paid_and_certain(epayment: EPayment, switch: Switch) -> None:
    one = order()

    assert await epayment.create(one)
    before = await epayment.status(one.reference1, one.reference2)
    pay(switch, one)
    after = await epayment.status(one.reference1, one.reference2)

    assert (before.state, before.paid_at, before.ref_id) == ("PENDING", None, None)
    assert (after.state, after.is_certain, after.amount) == ("PAID", True, Decimal("1650.5"))
    assert after.ref_id
    assert after.channel
    assert after.paid_at is not None
    assert after.paid_at.tzinfo is not None


async def test_a_lost_answer_is_looked_up_and_not_put_up_twice(epayment: EPayment) -> None:
    one = order()

    assert await epayment.create(one) is True
    assert await epayment.create(one) is False


async def test_a_reference_that_holds_another_amount_is_not_ours(epayment: EPayment) -> None:
    one = order()
    await epayment.create(one)

    with pytest.raises(AnswerAboutSomeoneElse):
        await epayment.create(order(reference1=one.reference1, amount=Decimal(1)))


async def test_a_closed_bill_is_void_and_a_paid_one_can_not_be_closed(epayment: EPayment, switch: Switch) -> None:
    closed, paid = order(), order()
    await epayment.create(closed)
    await epayment.create(paid)
    pay(switch, paid)

    await epayment.close(closed.reference1, closed.reference2)
    with pytest.raises(PaymentRefused) as refused:
        await epayment.close(paid.reference1, paid.reference2)

    assert (await epayment.status(closed.reference1, closed.reference2)).state == "VOID"
    assert refused.value.number == ErrorCode.PAID_PAYMENT_CANNOT_BE_CLOSED


async def test_what_was_not_paid_by_card_can_not_be_voided(epayment: EPayment, switch: Switch) -> None:
    one = order()
    await epayment.create(one)
    pay(switch, one)

    with pytest.raises(PaymentRefused) as refused:
        await epayment.void(one.reference1, one.reference2, ref_id="1")

    assert refused.value.number == ErrorCode.UNABLE_TO_VOID_TRANSACTION


async def test_a_success_that_nobody_confirms_is_not_certain(epayment: EPayment, switch: Switch) -> None:
    one = order()
    await epayment.create(one)
    pay(switch, one, confirmed=False)

    told = await epayment.status(one.reference1, one.reference2)

    assert (told.state, told.is_certain) == ("PAID", False)


@pytest.mark.parametrize(
    ("ending", "state"),
    [("rejected", "REJECTED"), ("failed", "FAILED"), ("expired", "EXPIRED"), ("refunded", "REFUNDED"),
     ("refund_requested", "REFUND_REQUESTED")],
)  # fmt: skip
async def test_each_ending_is_told(ending: str, state: str, epayment: EPayment, switch: Switch) -> None:
    one = order()
    await epayment.create(one)
    pay(switch, one, **{"as": ending})

    assert (await epayment.status(one.reference1, one.reference2)).state == state


async def test_an_unknown_reference_is_not_there(epayment: EPayment) -> None:
    with pytest.raises(NotThere):
        await epayment.status("1", "2")
    with pytest.raises(NotThere):
        await epayment.close("1", "2")


@pytest.mark.parametrize("amount", [Decimal(0), Decimal(10**9)])
async def test_an_amount_that_it_does_not_take_is_refused(amount: Decimal, epayment: EPayment) -> None:
    with pytest.raises(PaymentRefused) as refused:
        await epayment.create(order(amount=amount))

    assert refused.value.number == ErrorCode.INVALID_AMOUNT


async def test_a_source_that_it_does_not_know_is_refused(http: Http, settings: Settings) -> None:
    unknown = EPayment(
        transport(http, settings), url=settings.epayment_url, close_url="", source="SOMEBODY", biller_id=BILLER
    )

    with pytest.raises(AgencyRefused):
        await unknown.create(order())


async def test_a_status_of_another_payment_is_not_believed(epayment: EPayment, switch: Switch) -> None:
    one = order()
    await epayment.create(one)
    switch("POST", "faults", {"agency": "epayment", "fault": "lying", "operation": "status"})

    with pytest.raises(AnswerAboutSomeoneElse):
        await epayment.status(one.reference1, one.reference2)


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [("html", AnswerMalformed), ("truncated", AnswerMalformed), ("duplicate_key", AnswerMalformed),
     ("wrong_type", Trouble), ("down", AgencyDown), ("error", AgencyDown), ("reset", AgencyDown), ("huge", AnswerMalformed)],
)  # fmt: skip
async def test_e_payment_on_a_bad_day_says_nothing_that_counts(
    fault: str, trouble: type[Trouble], epayment: EPayment, switch: Switch
) -> None:
    one = order()
    await epayment.create(one)
    switch("POST", "faults", {"agency": "epayment", "fault": fault, "operation": "status"})

    with pytest.raises(trouble) as met:
        await epayment.status(one.reference1, one.reference2)

    assert one.reference1 not in str(met.value)


# ---- what it says in other words than the sandbox


@pytest.fixture
def saying(http: Http, settings: Settings, serve: Serve) -> Any:
    """An e-Payment that answers everything with this."""

    async def say(answer: Any, *, status: int = 200) -> EPayment:
        async def told(request: Request) -> Response:
            return JSONResponse(answer, status_code=status)

        address = await serve(Starlette(routes=[Route("/{rest:path}", told, methods=["GET", "POST"])]))
        return EPayment(transport(http, settings), url=address, close_url="", source="TANGRAT", biller_id=BILLER)

    return say


DATA = {
    "paidStatus": "Success", "paidDate": "2022-09-22T11:03:36", "paidChannel": "x", "refId": "7447066",
    "ref1": "1", "ref2": "2", "paymentType": "C", "amount": 1000, "feeAmount": 0, "voidDate": "",
}  # fmt: skip


async def test_pascal_case_and_spaces_in_front_are_read_as_well(saying: Any) -> None:
    data = {f" {name[0].upper()}{name[1:]}": value for name, value in DATA.items()}
    told = await (await saying({"Status": "Success", "ErrorCode": None, "Message": "Success", "Data": data})).status(
        "1", "2"
    )

    assert (told.state, told.is_certain, told.amount, told.ref_id) == ("PAID", True, Decimal(1000), "7447066")
    assert told.paid_at == datetime(2022, 9, 22, 11, 3, 36, tzinfo=BANGKOK)


@pytest.mark.parametrize(
    ("paid", "state"),
    [(0, "PENDING"), ("0", "PENDING"), (1, "PAID"), ("1", "PAID"), ("Pending", "PENDING"), ("RequestRefund", "REFUND_REQUESTED"),
     ("Request Refund", "REFUND_REQUESTED"), (4, "VOID"), ("Others", "OTHER"), (6, "EXPIRED"), (7, "REFUNDED")],
)  # fmt: skip
async def test_a_state_is_a_word_or_a_number(paid: Any, state: str, saying: Any) -> None:
    told = await (await saying({"status": 0, "message": "", "data": DATA | {"paidStatus": paid}})).status("1", "2")

    assert told.state == state


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 0, "message": "[200] สำเร็จแต่ไม่ยืนยันผลการชำระเงินจากกรมบัญชีกลางได้", "data": DATA},
        {"status": "SuccessWithError", "message": "Success", "data": DATA},
        {"status": 2, "message": "Success", "data": DATA},
        {"status": 0, "errorCode": 12, "message": "Success", "data": DATA},
        {"status": 0, "message": "Success", "data": {**DATA, "ref1": None, "ref2": None}},
        {"status": 0, "message": "Success", "data": {**DATA, "amount": None}},
        {"status": 0, "message": "Success", "data": {"paidStatus": "Success", "paidDate": "2021-08-26T08:27:34.713Z"}},
    ],
)
async def test_a_payment_is_certain_only_when_everything_says_so(answer: Any, saying: Any) -> None:
    told = await (await saying(answer)).status("1", "2")

    assert (told.state, told.is_certain) == ("PAID", False)


@pytest.mark.parametrize(
    ("number", "trouble"),
    [(8, NotThere), (10, NotThere), ("TransactionNotFound", NotThere), (12, AgencyDown), (22, AgencyDown), (999, AgencyDown),
     (12345, AgencyDown), (None, AgencyDown), (2, AgencyRefused), (9, AgencyRefused), (14, PaymentRefused), ("7", PaymentRefused)],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 500])
async def test_each_number_is_its_own_trouble(number: Any, trouble: type[Trouble], status: int, saying: Any) -> None:
    client = await saying({"status": 3, "errorCode": number, "message": "x", "data": None}, status=status)

    with pytest.raises(trouble):
        await client.close("1", "2")


@pytest.mark.parametrize(
    "answer",
    [{}, {"status": 9, "data": DATA}, {"status": 0, "data": None}, {"status": 0, "data": DATA | {"paidStatus": "Perhaps"}},
     {"status": 0, "data": DATA | {"paidDate": "yesterday"}}, {"status": 0, "data": DATA | {"amount": "much"}}, []],
)  # fmt: skip
async def test_what_can_not_be_read_is_malformed(answer: Any, saying: Any) -> None:
    with pytest.raises(AnswerMalformed):
        await (await saying(answer)).status("1", "2")


@pytest.mark.parametrize("data", [{"billerID": "000000000000003"}, {"reference1": "5"}, {"reference2": "5"}])
async def test_an_answer_that_leads_the_money_elsewhere_is_not_followed(data: Any, saying: Any) -> None:
    client = await saying({"status": 0, "message": "Success", "data": data})

    with pytest.raises(AnswerAboutSomeoneElse):
        await client.create(order())


# ---- the callback


def test_a_callback_is_read_for_its_references_and_nothing_else() -> None:
    sample = orjson.loads(
        '{" PaidStatus": 0, " Description": "Success", " RefId": "7447066", " Ref1": "123456789", " Ref2": "12345"}'
    )

    assert callback_references(sample) == ("123456789", "12345")
    assert callback_references({"ref1": "1"}) == ("1", None)


@pytest.mark.parametrize(
    "body",
    [None, [], "x", {}, {"ref1": ""}, {"ref1": None}, {"ref1": {"$ne": 1}}, {"ref1": ["1"]}, {"Ref1": "1", " ref1": "2"},
     {"ref1": "1", "ref2": {}}, {"ref1": "x" * 5_000}],
)  # fmt: skip
def test_a_callback_that_names_no_payment_is_none(body: Any) -> None:
    assert callback_references(body) is None
