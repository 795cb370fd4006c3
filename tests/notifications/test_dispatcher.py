from __future__ import annotations

import asyncio
from collections import Counter, deque
from datetime import timedelta

import pytest

from foundation.clock import BANGKOK
from foundation.store import Document, Store
from notifications.delivery import (
    LANES,
    Delivery,
    GiveUp,
    HookMessage,
    Outcome,
    PushMessage,
    SmsMessage,
    TryLater,
)
from notifications.notifier import HandOver
from notifications.wording import Endpoint
from tests.notifications.conftest import FakeChannel, Road, notice
from trust.people import People, PersonId

EVENT = "5a" * 16


async def the_delivery(store: Store) -> Document:
    (one,) = [found async for found in store.collection("deliveries").find()]
    return one


def channel(name: str = "push", *answers: Outcome | Exception | float) -> FakeChannel:
    return FakeChannel(name=name, answers=deque(answers))  # type: ignore[arg-type]


@pytest.fixture
async def phone(road: Road, somchai: PersonId) -> str:
    return (await road.devices.register(somchai, "token-of-the-phone", "ANDROID")).id


async def test_a_notice_rings_the_phone_with_the_neutral_text_only(
    road: Road, somchai: PersonId, phone: str, store: Store
) -> None:
    told = await road.notifier.tell(notice(somchai))
    push = channel()

    assert await road.dispatcher(push).run_once(10) == 1
    assert await road.dispatcher(push).run_once(10) == 0

    (delivery,) = push.given
    assert delivery.message == PushMessage(
        notification=told, token="token-of-the-phone", title="ทางรัฐ", body="คุณมีข้อความใหม่"
    )
    done = await the_delivery(store)
    assert (done["state"], done["receipt"]) == ("done", "receipt 1")
    assert b'outcome="delivered"' in road.metrics.text()


async def test_the_devices_language_goes_before_the_persons(road: Road, somchai: PersonId) -> None:
    await road.devices.register(somchai, "english", "WEB", language="en")
    await road.devices.register(somchai, "silent", "WEB")
    await road.notifier.tell(notice(somchai))
    push = channel()

    await road.dispatcher(push).run_once(10)

    titles = {d.message.token: d.message.title for d in push.given if isinstance(d.message, PushMessage)}
    assert titles == {"english": "Tang Rat", "silent": "ทางรัฐ"}


async def test_an_sms_is_neutral_has_no_link_and_a_code_that_answers(road: Road, somchai: PersonId) -> None:
    await road.preferences.update(somchai, {"mobile": "0812345678", "language": "en"})
    await road.notifier.tell(notice(somchai))
    sms = channel("sms")

    await road.dispatcher(sms).run_once(10)

    (delivery,) = sms.given
    assert isinstance(delivery.message, SmsMessage)
    assert delivery.message.to == "+66812345678"
    text = delivery.message.text
    assert "allowance" not in text
    assert "http" not in text
    check = await road.inbox.sent_check(text.rpartition(" ")[2])
    assert check is not None
    assert check.sent_at == road.clock.now()
    assert text not in repr(delivery)


async def test_what_may_work_later_is_tried_again_under_the_same_id(
    road: Road, somchai: PersonId, phone: str, store: Store
) -> None:
    await road.notifier.tell(notice(somchai))
    push = channel("push", TryLater(why="Unavailable", after_s=120), ConnectionError("odd"))
    dispatcher = road.dispatcher(push)

    await dispatcher.run_once(10)
    road.clock.advance(timedelta(seconds=119))
    assert await dispatcher.run_once(10) == 0  # Retry-After is obeyed
    road.clock.advance(timedelta(seconds=11))
    await dispatcher.run_once(10)
    assert (await the_delivery(store))["why"] == "unexpected: ConnectionError"
    road.clock.advance(timedelta(seconds=31))
    await dispatcher.run_once(10)

    assert len({delivery.id for delivery in push.given}) == 1
    assert len(push.given) == 3
    assert (await the_delivery(store))["state"] == "done"


async def test_an_answer_that_does_not_come_is_tried_later(
    road: Road, somchai: PersonId, phone: str, store: Store
) -> None:
    await road.notifier.tell(notice(somchai))
    push = channel("push", 30.0)
    push.deadline_s = 0.05

    await road.dispatcher(push).run_once(10)

    assert (await the_delivery(store))["why"] == "no answer within 0.05 s"


async def test_a_device_that_is_gone_is_forgotten_and_an_sms_stands_in(
    road: Road, somchai: PersonId, phone: str, store: Store
) -> None:
    await road.preferences.update(somchai, {"mobile": "0812345678"})
    await road.notifier.tell(notice(somchai))
    push, sms = channel("push", GiveUp(why="Unregistered", forget_target=True)), channel("sms")
    dispatcher = road.dispatcher(push, sms)

    await dispatcher.run_once(10)
    await dispatcher.run_once(10)

    assert await road.devices.list(somchai) == ()
    assert len(sms.given) == 1
    (dead,) = (await road.deliveries.buried()).items
    assert dead.why == "Unregistered"


async def test_no_sms_stands_in_where_another_device_is_left(road: Road, somchai: PersonId, phone: str) -> None:
    await road.devices.register(somchai, "tablet", "IOS")
    await road.preferences.update(somchai, {"mobile": "0812345678"})
    await road.notifier.tell(notice(somchai))
    push, sms = channel("push", GiveUp(why="Unregistered", forget_target=True)), channel("sms")
    dispatcher = road.dispatcher(push, sms)

    await dispatcher.run_once(10)
    await dispatcher.run_once(10)

    assert sms.given == []
    assert await road.deliveries.waiting() == 0


async def test_an_expired_notice_is_not_sent_late(road: Road, somchai: PersonId, phone: str, store: Store) -> None:
    await road.notifier.tell(notice(somchai, expires=road.clock.now() + timedelta(hours=1)))
    road.clock.advance(timedelta(hours=1))
    push = channel()

    await road.dispatcher(push).run_once(10)

    assert push.given == []
    assert (await the_delivery(store))["state"] == "expired"


@pytest.mark.parametrize(
    ("happened", "why"),
    [
        ("read", "read already"),
        ("withdrawn", "withdrawn"),
        ("muted", "muted"),
        ("push off", "switched off"),
        ("device removed", "no longer there"),
        ("device moved", "no longer there"),
        ("erased", "erased"),
    ],
)
async def test_a_notice_nobody_wants_any_more_does_not_ring(
    road: Road, somchai: PersonId, malee: PersonId, phone: str, store: Store, people: People, happened: str, why: str
) -> None:
    told = await road.notifier.tell(notice(somchai))
    match happened:
        case "read":
            await road.inbox.mark_read(somchai, told)
        case "withdrawn":
            await road.notifier.retract(notice(somchai).origin)
        case "muted":
            await road.preferences.update(somchai, {"muted_topics": ["rights"]})
        case "push off":
            await road.preferences.update(somchai, {"push": False})
        case "device removed":
            await road.devices.remove(somchai, phone)
        case "device moved":
            await road.devices.register(malee, "token-of-the-phone", "ANDROID")
        case "erased":
            await people.erase(somchai)
    push = channel()

    assert await road.dispatcher(push).run_once(10) == 1

    assert push.given == []
    done = await the_delivery(store)
    assert done["state"] == "done"
    assert why in done["receipt"]


async def test_quiet_hours_move_a_notice_to_their_end_and_cost_no_attempt(
    road: Road, somchai: PersonId, phone: str, store: Store
) -> None:
    here = road.clock.now().astimezone(BANGKOK)
    await road.preferences.update(somchai, {"quiet_hours": ("09:00", "12:30")})
    await road.notifier.tell(notice(somchai, statutory=True))
    push = channel()
    dispatcher = road.dispatcher(push)

    await dispatcher.run_once(10)
    assert push.given == []
    assert (await the_delivery(store))["attempts"] == 0
    road.clock.moment = here.replace(hour=12, minute=29, second=59)
    assert await dispatcher.run_once(10) == 0
    road.clock.advance(timedelta(seconds=1))
    await dispatcher.run_once(10)

    assert len(push.given) == 1


@pytest.mark.parametrize("lane", ["emergency", "transactional"])
async def test_what_is_urgent_rings_in_quiet_hours(road: Road, somchai: PersonId, phone: str, lane: str) -> None:
    await road.preferences.update(somchai, {"quiet_hours": ("09:00", "12:30")})
    await road.notifier.tell(notice(somchai, lane=lane))
    push = channel()

    await road.dispatcher(push).run_once(10)

    assert len(push.given) == 1


async def test_urgent_lanes_go_first_and_each_keeps_its_share(road: Road, somchai: PersonId, phone: str) -> None:
    for lane in LANES:
        for n in range(30):
            await road.notifier.tell(notice(somchai, lane=lane, occurrence=f"{lane} {n}"))
    push = channel()

    await road.dispatcher(push).run_once(40)

    by_lane = Counter(delivery.lane for delivery in push.given)
    assert by_lane == {"emergency": 28, "transactional": 4, "service": 4, "broadcast": 4}


async def test_a_webhook_goes_where_the_subscription_points_now(road: Road) -> None:
    await road.notifier.hand_over(HandOver(event=EVENT, subscription="s", payload={"type": "th.dopa.death"}))
    road.subscriptions.endpoints["s"] = Endpoint(url="https://new.example.go.th", secrets=("whsec_a", "whsec_b"))
    hooks = channel("webhook")

    await road.dispatcher(hooks).run_once(10)

    assert [delivery.message for delivery in hooks.given] == [
        HookMessage(
            endpoint="https://new.example.go.th", secrets=("whsec_a", "whsec_b"), body=b'{"type":"th.dopa.death"}'
        )
    ]
    assert "whsec" not in repr(hooks.given)


async def test_a_subscription_that_ended_gets_nothing_more_and_a_paused_one_waits(road: Road, store: Store) -> None:
    await road.notifier.hand_over(HandOver(event=EVENT, subscription="s", payload={}))
    road.subscriptions.endpoints["s"] = Endpoint(url="https://x", secrets=("a",), is_paused=True)
    hooks = channel("webhook")
    dispatcher = road.dispatcher(hooks)

    await dispatcher.run_once(10)
    assert (await the_delivery(store))["state"] == "waiting"
    road.subscriptions.endpoints.clear()
    road.clock.advance(timedelta(minutes=16))
    await dispatcher.run_once(10)

    assert hooks.given == []
    assert (await the_delivery(store))["receipt"] == "not sent: the subscription has ended"


async def test_an_endpoint_that_is_gone_ends_its_subscription(road: Road, store: Store) -> None:
    await road.notifier.hand_over(HandOver(event=EVENT, subscription="s", payload={}))
    road.subscriptions.endpoints["s"] = Endpoint(url="https://x", secrets=("a",))

    await road.dispatcher(channel("webhook", GiveUp(why="410", forget_target=True))).run_once(10)

    assert road.subscriptions.ended == {"s": "410"}
    assert (await the_delivery(store))["state"] == "buried"


async def test_one_slow_endpoint_does_not_hold_up_the_others(road: Road) -> None:
    for subscription, many in (("slow", 30), ("quick", 5)):
        road.subscriptions.endpoints[subscription] = Endpoint(url=subscription, secrets=("a",))
        for n in range(many):
            await road.notifier.hand_over(HandOver(event=f"{n:032}", subscription=subscription, payload={}))
    hooks, awake = channel("webhook"), asyncio.Event()

    class Hooks(FakeChannel):
        async def deliver(self, delivery: Delivery) -> Outcome:
            if isinstance(delivery.message, HookMessage) and delivery.message.endpoint == "slow":
                await awake.wait()
            return await hooks.deliver(delivery)

    dispatcher = road.dispatcher(Hooks(name="webhook", deadline_s=60), patience_s=0.2)

    handled = 0
    async with asyncio.timeout(30):
        while handled < 5 + 22:
            handled += await dispatcher.run_once(50)

    # Eight are on their way to the slow one; what exceeded its places was put back without an attempt.
    assert [getattr(one.message, "endpoint", "") for one in hooks.given] == ["quick"] * 5
    awake.set()
    assert await dispatcher.drain(30) == 8
    assert len(hooks.given) == 13
    assert await road.deliveries.waiting() == 22


async def test_an_endpoint_that_failed_gets_one_probe_before_its_backlog(road: Road) -> None:
    road.subscriptions.endpoints["s"] = Endpoint(url="https://x", secrets=("a",))
    sick = TryLater(why="503", after_s=30, is_sick=True)
    hooks = channel("webhook", sick, sick)
    dispatcher = road.dispatcher(hooks)
    await road.notifier.hand_over(HandOver(event=EVENT, subscription="s", payload={}))
    await dispatcher.run_once(50)
    for n in range(20):
        await road.notifier.hand_over(HandOver(event=f"{n:032}", subscription="s", payload={}))

    await dispatcher.run_once(50)
    assert len(hooks.given) == 1  # it rests, and the backlog with it
    road.clock.advance(timedelta(seconds=45))
    await dispatcher.run_once(50)
    assert len(hooks.given) == 2  # the probe, which fails too
    road.clock.advance(timedelta(seconds=45))  # the next one arrives, and the rest may follow
    while await dispatcher.run_once(50):
        road.clock.advance(timedelta(seconds=3))

    assert len(hooks.given) == 21 + 2
    assert await road.deliveries.waiting() == 0


async def test_a_webhook_that_alone_is_refused_does_not_hold_up_the_others(road: Road) -> None:
    road.subscriptions.endpoints["s"] = Endpoint(url="https://x", secrets=("a",))
    hooks = channel("webhook", TryLater(why="the endpoint answered 400"))
    dispatcher = road.dispatcher(hooks)
    for n in range(5):
        await road.notifier.hand_over(HandOver(event=f"{n:032}", subscription="s", payload={}))

    await dispatcher.run_once(50)

    assert len(hooks.given) == 5
    assert await road.deliveries.waiting() == 1


async def test_draining_leaves_what_does_not_finish_to_the_next(
    road: Road, somchai: PersonId, phone: str, store: Store
) -> None:
    await road.notifier.tell(notice(somchai))
    dispatcher = road.dispatcher(channel("push", 30.0), patience_s=0.01)
    assert await dispatcher.run_once(10) == 0

    assert await dispatcher.drain(0.01) == 0

    assert (await the_delivery(store))["state"] == "waiting"
    road.clock.advance(timedelta(seconds=61))
    push = channel()
    assert await road.dispatcher(push).run_once(10) == 1
    assert len(push.given) == 1


async def test_a_channel_that_is_not_there_buries_with_the_reason(road: Road, somchai: PersonId, phone: str) -> None:
    await road.notifier.tell(notice(somchai))

    await road.dispatcher(channel("sms")).run_once(10)

    (dead,) = (await road.deliveries.buried()).items
    assert dead.why == "there is no such channel"


async def test_the_leg_between_the_answer_and_the_ledger_can_be_broken(
    road: Road, somchai: PersonId, phone: str, store: Store
) -> None:
    await road.notifier.tell(notice(somchai))
    push = channel()

    class Killed(BaseException):
        pass

    def die(leg: str) -> None:
        assert leg == "deliveries sent"
        raise Killed

    with pytest.raises(Killed):
        await road.dispatcher(push, on_leg=die).run_once(10)

    road.clock.advance(timedelta(seconds=61))
    assert await road.dispatcher(push).run_once(10) == 1
    assert len({delivery.id for delivery in push.given}) == 1
    assert (await the_delivery(store))["state"] == "done"
