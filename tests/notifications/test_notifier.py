from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from foundation.language import Text
from foundation.store import Document, Store
from notifications.notifier import HandOver
from tests.notifications.conftest import Road, notice
from trust.people import PersonId

OTHER_EVENT = "5a" * 16


async def deliveries(store: Store) -> list[Document]:
    return [one async for one in store.collection("deliveries").find().sort("_id", 1)]


async def test_a_notice_reaches_the_inbox_and_every_device(road: Road, somchai: PersonId, store: Store) -> None:
    phone = await road.devices.register(somchai, "phone", "ANDROID")
    tablet = await road.devices.register(somchai, "tablet", "IOS")

    told = await road.notifier.tell(notice(somchai))

    assert [entry.id for entry in (await road.inbox.page(somchai)).items] == [told]
    written = await deliveries(store)
    assert {(one["channel"], one["target"]) for one in written} == {("push", phone.id), ("push", tablet.id)}
    assert all(one["notification"] == told and one["lane"] == "service" for one in written)
    assert all(one["expires"] == road.clock.now() + timedelta(days=7) for one in written)
    # Every id is in the person's cell, so that it knows its shard.
    assert {one["_id"][:2] for one in written} == {somchai[:2]} == {told[:2]}


async def test_a_notice_told_again_is_told_once_even_at_the_same_time(
    road: Road, somchai: PersonId, store: Store
) -> None:
    await road.devices.register(somchai, "phone", "ANDROID")

    ids = set(await asyncio.gather(*(road.notifier.tell(notice(somchai)) for _ in range(6))))

    assert len(ids) == 1
    assert len((await road.inbox.page(somchai)).items) == 1
    assert len(await deliveries(store)) == 1


async def test_old_news_does_not_ring_a_phone_that_came_later(road: Road, somchai: PersonId, store: Store) -> None:
    await road.notifier.tell(notice(somchai))
    await road.devices.register(somchai, "phone", "ANDROID")

    await road.notifier.tell(notice(somchai))

    assert await deliveries(store) == []


async def test_a_worker_that_died_after_the_inbox_is_made_good_by_the_next(
    road: Road, somchai: PersonId, store: Store
) -> None:
    phone = await road.devices.register(somchai, "phone", "ANDROID")
    await road.notifier.tell(notice(somchai))
    await store.collection("deliveries").delete_many({})  # as if it had died between the two writes
    await road.devices.remove(somchai, phone.id)

    await road.notifier.tell(notice(somchai))

    assert [one["target"] for one in await deliveries(store)] == [phone.id]


@pytest.mark.parametrize("change", ["origin", "family", "occurrence"])
async def test_another_event_rule_or_occasion_is_another_notice(road: Road, somchai: PersonId, change: str) -> None:
    first = await road.notifier.tell(notice(somchai))
    second = await road.notifier.tell(notice(somchai, **{change: OTHER_EVENT}))

    assert first != second


async def test_two_people_are_told_apart(road: Road, somchai: PersonId, malee: PersonId) -> None:
    assert await road.notifier.tell(notice(somchai)) != await road.notifier.tell(notice(malee))
    assert len((await road.inbox.page(malee)).items) == 1


async def test_who_has_no_device_gets_an_sms(road: Road, somchai: PersonId, store: Store) -> None:
    await road.preferences.update(somchai, {"mobile": "0812345678"})

    await road.notifier.tell(notice(somchai))

    (one,) = await deliveries(store)
    assert (one["channel"], one["target"]) == ("sms", "mobile")


async def test_who_switched_push_off_gets_an_sms(road: Road, somchai: PersonId, store: Store) -> None:
    await road.devices.register(somchai, "phone", "ANDROID")
    await road.preferences.update(somchai, {"mobile": "0812345678", "push": False})

    await road.notifier.tell(notice(somchai))

    assert [one["channel"] for one in await deliveries(store)] == ["sms"]


async def test_everything_off_leaves_the_inbox(road: Road, somchai: PersonId, store: Store) -> None:
    await road.devices.register(somchai, "phone", "ANDROID")
    await road.preferences.update(somchai, {"mobile": "0812345678", "push": False, "sms": False})

    await road.notifier.tell(notice(somchai))

    assert await deliveries(store) == []
    assert await road.inbox.unread(somchai) == 1


async def test_a_muted_topic_reaches_the_inbox_only(road: Road, somchai: PersonId, store: Store) -> None:
    await road.devices.register(somchai, "phone", "ANDROID")
    await road.preferences.update(somchai, {"muted_topics": ["rights"]})

    await road.notifier.tell(notice(somchai))
    await road.notifier.tell(notice(somchai, topic="tax", occurrence="2027"))

    assert await road.inbox.unread(somchai) == 2
    assert len(await deliveries(store)) == 1


@pytest.mark.parametrize("how", [{"statutory": True}, {"lane": "emergency"}])
async def test_what_must_be_told_cannot_be_silenced(
    road: Road, somchai: PersonId, store: Store, how: dict[str, object]
) -> None:
    await road.devices.register(somchai, "phone", "ANDROID")
    await road.preferences.update(somchai, {"muted_topics": ["rights"], "push": False})

    await road.notifier.tell(notice(somchai, **how))

    assert [one["channel"] for one in await deliveries(store)] == ["push"]


@pytest.mark.parametrize("text", ["ดูที่ https://example.go.th", "www.example.go.th", "HTTP://x"])
async def test_a_lock_screen_text_with_a_link_is_a_mistake_of_ours(road: Road, somchai: PersonId, text: str) -> None:
    with pytest.raises(ValueError, match="no link"):
        await road.notifier.tell(notice(somchai, lock_screen=Text(th=text, en="-")))

    assert await road.inbox.unread(somchai) == 0


async def test_a_hand_over_is_written_once_for_each_event_and_subscription(road: Road, store: Store) -> None:
    one = HandOver(event=OTHER_EVENT, subscription="s1", payload={"type": "th.dopa.death", "subject": "pseudonym"})
    other = HandOver(event=OTHER_EVENT, subscription="s2", payload={})

    first = await road.notifier.hand_over(one)
    again = await road.notifier.hand_over_many([one, other, one])

    assert again == [first, other.id, first]
    written = await deliveries(store)
    assert {found["_id"] for found in written} == {one.id, other.id}
    assert first[:2] == OTHER_EVENT[:2]
    assert b"pseudonym" not in b"".join(found["payload"] for found in written)
    assert "pseudonym" not in repr(written)


async def test_an_agency_sees_and_replays_only_what_failed_for_its_own_subscriptions(road: Road) -> None:
    for subscription in ("s1", "s2"):
        await road.notifier.hand_over(HandOver(event=OTHER_EVENT, subscription=subscription, payload={}))
    for claimed in await road.deliveries.claim(limit=5):
        await road.deliveries.bury(claimed, why="the endpoint answered 404")

    (failed,) = (await road.notifier.failed(["s1"])).items

    assert failed.document["subscription"] == "s1"
    assert not await road.notifier.replay(failed.id, ["s2"])
    assert await road.notifier.replay(failed.id, ["s1"])
    assert (await road.notifier.failed(["s1"])).items == ()
    assert len((await road.notifier.failed(["s1", "s2"])).items) == 1
