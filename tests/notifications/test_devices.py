from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from foundation.errors import BadInput
from foundation.store import Store
from notifications.devices import MOST_DEVICES
from tests.notifications.conftest import Road
from trust.people import PersonId

TOKEN = "fcm-token-of-a-phone:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"


async def test_a_device_is_registered_and_listed_without_its_token(road: Road, somchai: PersonId, store: Store) -> None:
    device = await road.devices.register(somchai, TOKEN, "ANDROID", fid="fid-1", language="en")

    assert await road.devices.list(somchai) == (device,)
    assert (device.platform, device.language, device.registered_at) == ("ANDROID", "en", road.clock.now())
    kept = repr(await store.collection("devices").find_one({}))
    assert TOKEN not in kept
    assert "fid-1" not in kept
    address = await road.devices.address(somchai, device.id)
    assert address is not None
    assert (address.token, address.language) == (TOKEN, "en")
    assert TOKEN not in repr(address)


async def test_the_same_token_again_is_the_same_device(road: Road, somchai: PersonId) -> None:
    first = await road.devices.register(somchai, TOKEN, "ANDROID", language="en")
    road.clock.advance(timedelta(days=1))
    second = await road.devices.register(somchai, TOKEN, "ANDROID")

    assert second.id == first.id
    assert (second.registered_at, second.seen_at) == (first.registered_at, road.clock.now())
    assert second.language is None
    assert await road.devices.list(somchai) == (second,)


async def test_a_token_that_moves_to_another_person_leaves_the_former(
    road: Road, somchai: PersonId, malee: PersonId
) -> None:
    before = await road.devices.register(somchai, TOKEN, "IOS", fid="f", language="th")
    road.clock.advance(timedelta(days=1))
    after = await road.devices.register(malee, TOKEN, "IOS")

    assert await road.devices.list(somchai) == ()
    assert await road.devices.list(malee) == (after,)
    assert after.registered_at == road.clock.now()
    assert await road.devices.address(somchai, before.id) is None
    address = await road.devices.address(malee, after.id)
    assert address is not None
    assert address.token == TOKEN


async def test_two_people_who_register_one_token_at_once_leave_it_with_one(
    road: Road, somchai: PersonId, malee: PersonId
) -> None:
    await asyncio.gather(*(road.devices.register(who, TOKEN, "WEB") for who in (somchai, malee) * 6))

    owners = [who for who in (somchai, malee) if await road.devices.list(who)]
    assert len(owners) == 1
    (device,) = await road.devices.list(owners[0])
    address = await road.devices.address(owners[0], device.id)
    assert address is not None
    assert address.token == TOKEN


@pytest.mark.parametrize("name", ["key", "fid"])
async def test_a_renewed_token_of_one_installation_replaces_the_former(
    road: Road, somchai: PersonId, malee: PersonId, name: str
) -> None:
    await road.devices.register(somchai, "old", "ANDROID", **{name: "installation-1"})
    other = await road.devices.register(somchai, "tablet", "ANDROID", **{name: "installation-2"})
    theirs = await road.devices.register(malee, "hers", "ANDROID", **{name: "installation-1"})

    new = await road.devices.register(somchai, "new", "ANDROID", **{name: "installation-1"})

    assert {device.id for device in await road.devices.list(somchai)} == {new.id, other.id}
    assert await road.devices.list(malee) == (theirs,)


async def test_only_ones_own_device_can_be_removed(road: Road, somchai: PersonId, malee: PersonId) -> None:
    device = await road.devices.register(somchai, TOKEN, "WEB")

    assert not await road.devices.remove(malee, device.id)
    assert not await road.devices.remove(somchai, "ab" * 16)
    assert await road.devices.remove(somchai, device.id)
    assert not await road.devices.remove(somchai, device.id)
    assert await road.devices.list(somchai) == ()


async def test_a_device_beyond_the_twentieth_pushes_out_the_one_seen_longest_ago(road: Road, somchai: PersonId) -> None:
    for n in range(MOST_DEVICES + 2):
        road.clock.advance(timedelta(minutes=1))
        await road.devices.register(somchai, f"token-{n}", "WEB")

    devices = await road.devices.list(somchai)

    assert len(devices) == MOST_DEVICES
    assert await road.devices.remove_all(somchai) == MOST_DEVICES


@pytest.mark.parametrize("token", ["", " ", "a b", "a\0b", "ขอบคุณ", "x" * 4097, "a\n"])
async def test_what_is_no_token_is_refused(road: Road, somchai: PersonId, token: str) -> None:
    with pytest.raises(BadInput, match="token"):
        await road.devices.register(somchai, token, "WEB")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"platform": "android"}, "platform"),
        ({"platform": "WINDOWS"}, "platform"),
        ({"language": "fr"}, "language"),
        ({"fid": ""}, "fid"),
        ({"key": "a\0"}, "key"),
        ({"key": "x" * 201}, "key"),
    ],
)
async def test_each_wrong_field_is_named_and_nothing_is_written(
    road: Road, somchai: PersonId, wrong: dict[str, str], field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await road.devices.register(somchai, **({"token": TOKEN, "platform": "WEB"} | wrong))

    assert refused.value.facts["field"] == field
    assert refused.value.th != refused.value.message
    assert await road.devices.list(somchai) == ()


@pytest.mark.parametrize("text", ["$person", "$$NOW", "$", "a.b"])
async def test_a_dollar_stays_text(road: Road, somchai: PersonId, text: str) -> None:
    device = await road.devices.register(somchai, text, "WEB", fid=text, key=text)

    address = await road.devices.address(somchai, device.id)
    assert address is not None
    assert address.token == text
