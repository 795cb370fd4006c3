"""Road 2: what an agency reports reaches the person and the subscribed agencies, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from backend.client import Phone
from backend.up import Running
from foundation.http import Http

SignIn = Callable[..., Awaitable[Phone]]
Register = Callable[..., Awaitable[str]]
Until = Callable[..., Awaitable[Any]]
INBOX = "{ me { inbox(first: 100) { unreadCount edges { node { id title { th en } body { th en } isRead } } } } }"
SUBSCRIBE = {
    "agency": "nhso", "types": ["th.sso.hospital.changed"], "purpose": "Keep the right to care in step",
    "legal_ground": "public task",
}  # fmt: skip


def receipt(sent: dict[str, Any]) -> str:
    """What our API called the event when it took it; a webhook refers to it by that."""
    return str(sent["body"]["receipts"][0]["receipt"])


async def inbox(phone: Phone) -> list[dict[str, Any]]:
    return [edge["node"] for edge in (await phone.ask(INBOX))["me"]["inbox"]["edges"]]


async def test_a_changed_hospital_reaches_inbox_phone_and_subscriber(
    sign_in: SignIn, register: Register, until: Until, state: Any
) -> None:
    phone = await sign_in(7)
    token = await register(phone, 7)
    await state.call("POST", "/sandbox/subscribe", SUBSCRIBE)
    before = {one["id"] for one in await inbox(phone)}

    sent = await state.report(citizen=7)

    assert sent["status"] == 202
    entries = await until(lambda: inbox(phone), lambda seen: {one["id"] for one in seen} - before)
    new = next(one for one in entries if one["id"] not in before)
    hospital = sent["event"]["data"]["hospital"]["name"]
    assert hospital["th"] in new["body"]["th"]
    assert hospital["en"] in new["body"]["en"]
    pushes = await until(lambda: state.pushed(token), bool)
    assert len(pushes) == 1
    assert hospital["th"] not in pushes[0]["title"] + pushes[0]["body"], "the lock screen names no matter"
    hooks = await until(state.hooks, lambda seen: [one for one in seen if receipt(sent) in str(one["body"])])
    mine = [one for one in hooks if receipt(sent) in str(one["body"])]
    assert all(one["verified"] for one in mine)
    assert "citizen_id" not in str(mine), "a webhook carries a pseudonym, not a person"


async def test_the_same_event_twice_is_told_once(sign_in: SignIn, register: Register, until: Until, state: Any, system: Running,
                                                 http: Http) -> None:  # fmt: skip
    phone = await sign_in(5)
    token = await register(phone, 5)
    before = len(await inbox(phone))
    sent = await state.report(citizen=5)
    await until(lambda: inbox(phone), lambda seen: len(seen) > before)

    again = await state.call(
        "POST",
        "/sandbox/report",
        {
            "agency": "sso",
            "type": "th.sso.hospital.changed",
            "citizen": 5,
            "id": sent["event"]["id"],
            "time": sent["event"]["time"],
            "data": {key: one for key, one in sent["event"]["data"].items() if key != "citizen_id"},
        },
    )

    assert again["status"] == 202
    assert again["body"]["receipts"][0]["receipt"] == sent["body"]["receipts"][0]["receipt"]
    await until(lambda: state.pushed(token), bool)
    assert len(await inbox(phone)) == before + 1


async def test_a_person_without_a_phone_is_told_in_the_inbox(sign_in: SignIn, until: Until, state: Any) -> None:
    await state.report(citizen=6)

    phone = await sign_in(6)

    assert await until(lambda: inbox(phone), bool)


async def test_a_phone_that_is_gone_is_forgotten(sign_in: SignIn, register: Register, until: Until, state: Any) -> None:
    phone = await sign_in(8)
    await register(phone, 8, token="gone-phone-of-8")
    kept = await register(phone, 8)

    await state.report(citizen=8)

    await until(lambda: state.pushed(kept), bool)
    devices = await until(lambda: phone.ask("{ me { devices { id } } }"), lambda seen: len(seen["me"]["devices"]) == 1)
    assert devices


async def test_a_push_service_that_is_down_delays_and_loses_nothing(
    sign_in: SignIn, register: Register, until: Until, state: Any
) -> None:
    phone = await sign_in(9)
    token = await register(phone, 9)
    await state.call("POST", "/sandbox/faults", {"agency": "fcm", "fault": "error", "status": 503, "times": 1})

    await state.report(citizen=9)

    assert await until(lambda: state.pushed(token), bool, within_s=40)


async def test_reading_a_notification_marks_it_and_counts_down(sign_in: SignIn, until: Until, state: Any) -> None:
    phone = await sign_in(10)
    await state.report(citizen=10)
    entries = await until(lambda: inbox(phone), bool)

    read = await phone.ask(
        "mutation R($input: MarkNotificationReadInput!) { markNotificationRead(input: $input) { notification { isRead } problems { code } } }",
        input={"id": entries[0]["id"]},
    )

    assert read["markNotificationRead"] == {"notification": {"isRead": True}, "problems": []}
    assert (await inbox(phone))[0]["isRead"]


async def test_another_persons_notification_does_not_exist(sign_in: SignIn, until: Until, state: Any) -> None:
    owner, other = await sign_in(11), await sign_in(1)
    await state.report(citizen=11)
    entries = await until(lambda: inbox(owner), bool)

    assert await other.ask("query N($id: ID!) { node(id: $id) { id } }", id=entries[0]["id"]) == {"node": None}
    assert await owner.ask("query N($id: ID!) { node(id: $id) { id } }", id=entries[0]["id"]) == {
        "node": {"id": entries[0]["id"]}
    }
