"""One payment for each bill, whatever gets lost on the way; and money that is certain only when it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agencies import payments as module
from agencies.epayment import EPayment
from agencies.gdx import GdxTransport
from agencies.payments import (
    AlreadyPaid,
    Bill,
    Payer,
    PaymentInDoubt,
    PaymentNotTaken,
    Payments,
    PaymentUnavailable,
)
from foundation.clock import FrozenClock, SystemClock
from foundation.errors import BadInput, Conflict, NotFound, Unavailable
from foundation.http import Http
from foundation.language import Text
from foundation.settings import Settings
from foundation.store import Store
from foundation.telemetry import Metrics
from trust.access_log import AccessLog
from trust.people import People, PersonId
from trust.secrets import Vault

BILL = Bill(
    kind="VEHICLE_TAX", reference="0123456789", agency="dlt", title=Text(th="ภาษีรถ", en="Vehicle tax"),
    amount=Decimal("1650.50"), due_on=date(2026, 12, 3),
)  # fmt: skip
PAYER = Payer(title="นาย", first_name="ทดสอบ", last_name="ระบบ")
Switch = Callable[..., Any]


@pytest.fixture
async def make(
    store: Store, people: People, vault: Vault, http: Http, settings: Settings, access_log: AccessLog, metrics: Metrics,
    frozen: FrozenClock,
) -> Callable[..., Payments]:  # fmt: skip
    await store.open(module.INDEXES)

    def build(deadline_s: float = 1.5, **over: Any) -> Payments:
        told = replace(settings, **over)
        gdx = GdxTransport(
            http, url=told.gdx_url, consumer_key=told.gdx_consumer_key, consumer_secret=told.gdx_consumer_secret,
            agent_id=told.gdx_agent_id, clock=SystemClock(), deadline_s=deadline_s,
        )  # fmt: skip
        epayment = EPayment(
            gdx, url=told.epayment_url, close_url="", source=told.epayment_source, biller_id=told.epayment_biller_id
        )
        return Payments(store, people, vault, epayment, access_log, clock=frozen, metrics=metrics)

    return build


@pytest.fixture
def payments(make: Callable[..., Payments]) -> Payments:
    return make()


@pytest.fixture
async def me(people: People) -> PersonId:
    return (await people.ensure("1000000000084")).id


@pytest.fixture
def pay(switch: Switch) -> Callable[..., Any]:
    """Pay at the bank; the callback gets lost."""

    def pay(payment: module.Payment, **how: Any) -> Any:
        return switch("POST", f"payments/{payment.reference1}/pay", {"callback": False, **how})

    return pay


def at_the_bank(switch: Switch) -> list[Any]:
    listed: list[Any] = switch("GET", "payments")
    return listed


async def test_a_bill_becomes_a_qr_and_the_qr_a_payment(payments: Payments, me: PersonId, pay: Any) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun)
    told = await payments.confirm(begun.reference1, begun.reference2)

    assert (begun.state, begun.bill) == ("PENDING", BILL)
    assert begun.qr is not None
    assert f"0218{begun.reference1}0308{begun.reference2}" in begun.qr
    assert "54071650.50" in begun.qr
    assert told is not None
    assert (told.state, told.qr) == ("PAID", None)
    assert told.receipt
    assert told.paid_at is not None


async def test_the_same_key_again_is_the_same_payment(
    payments: Payments, me: PersonId, pay: Any, switch: Switch
) -> None:
    first = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(first)
    await payments.confirm(first.reference1)

    again = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    begun = await payments.begun(me, BILL.kind, BILL.reference, client_key="k1")

    assert begun is not None
    assert (again.id, again.state, begun.id) == (first.id, "PAID", first.id)
    assert len(at_the_bank(switch)) == 1


async def test_the_same_bill_under_another_key_is_the_payment_that_is_there(
    payments: Payments, me: PersonId, pay: Any, switch: Switch
) -> None:
    first = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    second = await payments.create(me, BILL, payer=PAYER, client_key="k2")
    pay(first)
    await payments.confirm(first.reference1)
    third = await payments.create(me, BILL, payer=PAYER, client_key="k3")

    assert {first.id, second.id, third.id} == {first.id}
    assert third.state == "PAID"
    assert len(at_the_bank(switch)) == 1


async def test_ten_at_once_are_one_payment(payments: Payments, me: PersonId, switch: Switch) -> None:
    made = await asyncio.gather(
        *(payments.create(me, BILL, payer=PAYER, client_key=f"k{number % 3}") for number in range(10))
    )

    assert len({one.id for one in made}) == 1
    assert {one.state for one in made} == {"PENDING"}
    assert len(at_the_bank(switch)) == 1


async def test_another_bill_or_next_years_is_another_payment(payments: Payments, me: PersonId) -> None:
    bills = [BILL, replace(BILL, reference="other"), replace(BILL, due_on=date(2027, 12, 3))]

    made = [await payments.create(me, one, payer=PAYER, client_key=f"k{at}") for at, one in enumerate(bills)]

    assert len({one.id for one in made}) == 3


async def test_a_key_is_for_one_bill(payments: Payments, me: PersonId, switch: Switch) -> None:
    await payments.create(me, BILL, payer=PAYER, client_key="k1")

    with pytest.raises(Conflict):
        await payments.create(me, replace(BILL, reference="other"), payer=PAYER, client_key="k1")
    with pytest.raises(Conflict):
        await payments.begun(me, "STUDENT_LOAN", BILL.reference, client_key="k1")
    assert len(at_the_bank(switch)) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "ก", "a b", "\x00"])
async def test_what_is_no_key_is_refused(key: str, payments: Payments, me: PersonId, switch: Switch) -> None:
    with pytest.raises(BadInput):
        await payments.create(me, BILL, payer=PAYER, client_key=key)

    assert at_the_bank(switch) == []
    assert (await payments.page(me)).items == ()


async def test_an_answer_lost_on_the_way_back_is_found_by_the_same_wish(
    payments: Payments, me: PersonId, switch: Switch
) -> None:
    switch("POST", "faults", {"agency": "epayment", "fault": "truncated", "operation": "create", "times": 1})

    with pytest.raises(PaymentInDoubt) as doubt:
        await payments.create(me, BILL, payer=PAYER, client_key="k1")
    held = at_the_bank(switch)
    again = await payments.create(me, BILL, payer=PAYER, client_key="k1")

    assert doubt.value.facts["retry_after_s"] > 0
    assert [one["reference"] for one in held] == [again.reference1]
    assert again.state == "PENDING"
    assert len(at_the_bank(switch)) == 1


async def test_an_answer_lost_and_the_bill_paid_meanwhile_is_seen_as_paid(
    payments: Payments, me: PersonId, switch: Switch
) -> None:
    switch("POST", "faults", {"agency": "epayment", "fault": "reset", "operation": "create", "times": 1})
    with pytest.raises(PaymentInDoubt):
        await payments.create(me, BILL, payer=PAYER, client_key="k1")
    (held,) = at_the_bank(switch)
    switch("POST", f"payments/{held['reference']}/pay", {"callback": False})

    # Another key, as of an app that was installed anew: the bill is found in the hands of the first wish.
    again = await payments.create(me, BILL, payer=PAYER, client_key="k2")

    assert again.state == "PAID"
    assert len(at_the_bank(switch)) == 1


async def test_who_was_surely_not_heard_may_wish_anew(
    make: Callable[..., Payments], payments: Payments, me: PersonId, switch: Switch
) -> None:
    nobody = make(epayment_url="http://127.0.0.1:9/payment", gdx_url="http://127.0.0.1:9")

    with pytest.raises(PaymentUnavailable):
        await nobody.create(me, BILL, payer=PAYER, client_key="k1")
    assert (await payments.page(me)).items == ()
    assert (await payments.create(me, BILL, payer=PAYER, client_key="k1")).state == "PENDING"


async def test_a_bill_that_e_payment_does_not_take_leaves_nothing_behind(payments: Payments, me: PersonId) -> None:
    with pytest.raises(PaymentNotTaken):
        await payments.create(me, replace(BILL, amount=Decimal(10**9)), payer=PAYER, client_key="k1")

    assert (await payments.page(me)).items == ()


async def test_a_wish_that_never_arrived_lets_its_bill_go_after_a_while(
    make: Callable[..., Payments], payments: Payments, me: PersonId, switch: Switch, frozen: FrozenClock
) -> None:
    switch("POST", "faults", {"agency": "epayment", "fault": "down", "operation": "create", "times": 1})
    with pytest.raises(Unavailable):
        await payments.create(me, BILL, payer=PAYER, client_key="k1")
    frozen.advance(timedelta(seconds=11))
    soon = [one.state for one in (await payments.page(me)).items]
    frozen.advance(timedelta(minutes=3))
    later = [one.state for one in (await payments.page(me)).items]

    assert (soon, later) == (["STARTING"], ["FAILED"])
    assert (await payments.create(me, BILL, payer=PAYER, client_key="k2")).state == "PENDING"


async def test_a_lost_callback_is_made_good_by_looking(
    payments: Payments, me: PersonId, pay: Any, frozen: FrozenClock, switch: Switch
) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun)
    at_once = (await payments.page(me)).items[0].state  # it was asked about this very moment
    frozen.advance(timedelta(seconds=11))
    switch("POST", "faults", {"agency": "epayment", "fault": "error", "times": 1})
    while_down = (await payments.page(me)).items[0].state
    later = (await payments.page(me)).items[0].state

    assert (at_once, while_down, later) == ("PENDING", "PENDING", "PAID")


async def test_money_that_nobody_confirms_is_not_yet_paid_and_holds_the_bill(
    payments: Payments, me: PersonId, pay: Any, switch: Switch
) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun, confirmed=False)
    unsure = await payments.confirm(begun.reference1)
    again = await payments.create(me, BILL, payer=PAYER, client_key="k2")
    with pytest.raises(AlreadyPaid):
        await payments.cancel(me, begun.id)
    pay(begun)
    sure = await payments.confirm(begun.reference1)
    pay(begun, confirmed=False)
    still = await payments.confirm(begun.reference1)

    assert [one and one.state for one in (unsure, again, sure, still)] == ["CONFIRMING", "CONFIRMING", "PAID", "PAID"]
    assert unsure is not None
    assert unsure.qr is None
    assert len(at_the_bank(switch)) == 1


async def test_a_bank_that_takes_its_word_back_is_looked_at(
    payments: Payments, me: PersonId, pay: Any, metrics: Metrics
) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun)
    await payments.confirm(begun.reference1)
    pay(begun, **{"as": "failed"})

    told = await payments.confirm(begun.reference1)

    assert told is not None
    assert told.state == "PAID"
    assert b'tangrat_alarms_total{kind="payment_went_backwards"} 1.0' in metrics.text()


@pytest.mark.parametrize("steps", [["refund_requested", "refunded"], ["refunded"]])
async def test_what_is_paid_back_is_told(steps: list[str], payments: Payments, me: PersonId, pay: Any) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun)
    await payments.confirm(begun.reference1)

    states = []
    for step in steps:
        pay(begun, **{"as": step})
        told = await payments.confirm(begun.reference1)
        states.append(told and told.state)

    assert states == [step.upper() for step in steps]
    assert (await payments.create(me, BILL, payer=PAYER, client_key="k2")).id != begun.id


@pytest.mark.parametrize("ending", ["rejected", "failed", "expired"])
async def test_what_came_to_nothing_may_be_tried_again(ending: str, payments: Payments, me: PersonId, pay: Any) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun, **{"as": ending})
    told = await payments.confirm(begun.reference1)

    second = await payments.create(me, BILL, payer=PAYER, client_key="k2")

    assert told is not None
    assert told.state == ending.upper()
    assert second.id != begun.id


async def test_a_bill_paid_twice_after_all_is_seen_and_raises_an_alarm(
    payments: Payments, me: PersonId, pay: Any, metrics: Metrics
) -> None:
    first = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(first, **{"as": "failed"})
    await payments.confirm(first.reference1)
    second = await payments.create(me, BILL, payer=PAYER, client_key="k2")
    for one in (first, second):
        pay(one)
        await payments.confirm(one.reference1)

    assert [one.state for one in (await payments.page(me)).items] == ["PAID", "PAID"]
    assert b'tangrat_alarms_total{kind="bill_paid_twice"} 1.0' in metrics.text()


async def test_a_cancelled_bill_can_not_be_paid_and_may_be_begun_anew(
    payments: Payments, me: PersonId, switch: Switch
) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")

    cancelled = await payments.cancel(me, begun.id)
    again = await payments.cancel(me, begun.id)
    retried = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    anew = await payments.create(me, BILL, payer=PAYER, client_key="k2")

    assert [one.state for one in (cancelled, again, retried, anew)] == ["VOID", "VOID", "VOID", "PENDING"]
    assert (cancelled.qr, retried.id == begun.id, anew.id == begun.id) == (None, True, False)
    assert {one["state"] for one in at_the_bank(switch)} == {"void", "pending"}


async def test_what_is_paid_can_not_be_cancelled(payments: Payments, me: PersonId, pay: Any) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun)

    with pytest.raises(AlreadyPaid):
        await payments.cancel(me, begun.id)

    found = await payments.get(me, begun.id)
    assert found is not None
    assert found.state == "PAID"


async def test_a_cancellation_in_doubt_changes_nothing_here(payments: Payments, me: PersonId, switch: Switch) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    switch("POST", "faults", {"agency": "epayment", "fault": "error", "operation": "close", "times": 1})

    with pytest.raises(PaymentInDoubt):
        await payments.cancel(me, begun.id)

    assert (await payments.cancel(me, begun.id)).state == "VOID"


async def test_nobody_sees_or_cancels_anothers(payments: Payments, me: PersonId, people: People) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    other = (await people.ensure("1000000000076")).id

    assert await payments.get(other, begun.id) is None
    assert (await payments.page(other)).items == ()
    with pytest.raises(NotFound):
        await payments.cancel(other, begun.id)
    mine = await payments.create(other, BILL, payer=PAYER, client_key="k1")
    assert mine.id != begun.id


async def test_an_unknown_reference_and_an_erased_person_are_nobodys(
    payments: Payments, me: PersonId, people: People, pay: Any
) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun)
    await people.erase(me)

    assert await payments.confirm(begun.reference1) is None
    assert await payments.confirm("000000000000000000") is None
    assert await payments.confirm(begun.reference1, "00000000") is None


async def test_nothing_of_what_is_paid_can_be_read_in_the_database(
    payments: Payments, me: PersonId, store: Store, pay: Any
) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    pay(begun)
    await payments.confirm(begun.reference1)

    kept = str([document async for document in store.collection("payments").find({})])

    for told in ("ภาษีรถ", "Vehicle", BILL.reference, "1650", "dlt", "ทดสอบ", "1000000000084", "k1'"):
        assert told not in kept


async def test_each_question_is_on_record_before_it_is_put(
    payments: Payments, me: PersonId, access_log: AccessLog, switch: Switch
) -> None:
    begun = await payments.create(me, BILL, payer=PAYER, client_key="k1")
    switch("POST", "faults", {"agency": "epayment", "fault": "down"})
    with pytest.raises(Unavailable):
        await payments.confirm(begun.reference1)

    looks = (await access_log.page(me)).items
    assert [(one.operation, one.actor, one.agency) for one in looks] == [
        ("PAYMENT_STATUS", "tangrat", "dga"), ("PAYMENT_CREATE", me, "dga"),
    ]  # fmt: skip


async def test_pages_lead_on_and_their_cursors_belong_to_them(
    payments: Payments, me: PersonId, frozen: FrozenClock
) -> None:
    for number in range(5):
        await payments.create(me, replace(BILL, reference=str(number)), payer=PAYER, client_key=f"k{number}")
        frozen.advance(timedelta(seconds=1))

    first = await payments.page(me, first=2)
    second = await payments.page(me, first=2, after=first.end_cursor)
    third = await payments.page(me, first=2, after=second.end_cursor)

    assert [one.bill.reference for one in (*first.items, *second.items, *third.items)] == ["4", "3", "2", "1", "0"]
    assert not third.has_next
    for wrong in ("x", "", "WyJpbmJveCIsIngiLCJ5Il0"):
        with pytest.raises(BadInput):
            await payments.page(me, after=wrong)
