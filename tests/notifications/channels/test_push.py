"""Push against the sandbox's FCM over real HTTP, and against a neighbour for what the sandbox doesn't do."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from firebase_admin import _http_client, messaging

from foundation.clock import FrozenClock, SystemClock
from foundation.errors import CannotStart
from notifications.channels.push import PushChannel
from notifications.delivery import Delivered, Delivery, GiveUp, HookMessage, Outcome, PushMessage, TryLater
from tests.notifications.conftest import Neighbour

SAME = "4f" * 16


def push(to: str = "sandbox-1-phone") -> Delivery:
    return Delivery(
        id="ab" * 16, lane="service", expires=None,
        message=PushMessage(notification=SAME, token=to, title="ทางรัฐ", body="คุณมีข้อความใหม่"),
    )  # fmt: skip


@pytest.fixture
async def sandbox(sandbox_url: str, frozen: FrozenClock) -> AsyncIterator[PushChannel]:
    channel = PushChannel(project="tangrat-sandbox", url=f"{sandbox_url}/fcm", clock=frozen)
    yield channel
    await channel.close()


@pytest.fixture
async def near(neighbour: Neighbour, frozen: FrozenClock) -> AsyncIterator[PushChannel]:
    channel = PushChannel(project="p", url=neighbour.url, clock=frozen, deadline_s=2.0)
    yield channel
    await channel.close()


def shown(sandbox_url: str, token: str) -> list[dict[str, Any]]:
    with urlopen(f"{sandbox_url}/phone/api/messages?token={token}", timeout=5) as reply:
        found: list[dict[str, Any]] = json.load(reply)["messages"]
        return found


async def test_a_push_is_on_the_phone_and_its_repeat_takes_its_place(sandbox: PushChannel, sandbox_url: str) -> None:
    outcomes = [await sandbox.deliver(push("sandbox-7-twice")) for _ in range(2)]

    assert all(isinstance(one, Delivered) and one.receipt and one.receipt.startswith("projects/") for one in outcomes)
    (message,) = await asyncio.to_thread(shown, sandbox_url, "sandbox-7-twice")
    assert (message["id"], message["times"]) == (SAME, 2)
    assert (message["title"], message["body"]) == ("ทางรัฐ", "คุณมีข้อความใหม่")


@pytest.mark.parametrize(
    ("token", "outcome"),
    [
        ("gone-1", GiveUp(why="Unregistered", forget_target=True)),
        ("other-1", GiveUp(why="SenderIdMismatch", forget_target=True)),
        ("sick-1", TryLater(why="Unavailable", after_s=1.0)),
        ("busy-1", TryLater(why="the push quota is used up", after_s=1.0, counts=False)),
        ("two words", GiveUp(why="InvalidArgument")),
    ],
)
async def test_each_answer_of_fcm_means_one_thing(sandbox: PushChannel, token: str, outcome: Outcome) -> None:
    assert await sandbox.deliver(push(token)) == outcome


async def test_when_the_quota_is_used_up_every_push_waits(
    sandbox: PushChannel, sandbox_url: str, frozen: FrozenClock
) -> None:
    await sandbox.deliver(push("busy-1"))

    waiting = await sandbox.deliver(push("sandbox-8-quota"))
    frozen.advance(timedelta(seconds=1))
    sent = await sandbox.deliver(push("sandbox-8-quota"))

    assert isinstance(waiting, TryLater)
    assert not waiting.counts
    assert isinstance(sent, Delivered)
    (message,) = await asyncio.to_thread(shown, sandbox_url, "sandbox-8-quota")
    assert message["times"] == 1


async def test_the_message_carries_one_id_everywhere_and_only_the_neutral_text(
    near: PushChannel, neighbour: Neighbour, frozen: FrozenClock
) -> None:
    neighbour.answers = deque([web.json_response({"name": "projects/p/messages/1"})])
    delivery = Delivery(
        id="ab" * 16, lane="emergency", expires=frozen.now() + timedelta(hours=2),
        message=PushMessage(notification=SAME, token="t", title="Tang Rat", body="You have a new message"),
    )  # fmt: skip

    assert await near.deliver(delivery) == Delivered(receipt="projects/p/messages/1")

    (seen,) = neighbour.seen
    assert seen.path == "/v1/projects/p/messages:send"
    assert seen.headers["authorization"] == "Bearer tangrat-sandbox"
    message = json.loads(seen.body)["message"]
    assert message["token"] == "t"
    assert message["data"] == {"notification_id": SAME, "delivery_id": "ab" * 16}
    assert message["notification"] == {"title": "Tang Rat", "body": "You have a new message"}
    assert message["android"] == {
        "collapse_key": SAME, "priority": "high", "ttl": "7200s", "notification": {"tag": SAME},
    }  # fmt: skip
    assert len(message["apns"]["headers"]["apns-collapse-id"].encode()) <= 64
    assert message["apns"]["headers"] == {
        "apns-collapse-id": SAME, "apns-priority": "10",
        "apns-expiration": str(int((frozen.now() + timedelta(hours=2)).timestamp())),
    }  # fmt: skip
    assert message["webpush"]["headers"] == {"Topic": SAME, "Urgency": "high", "TTL": "7200"}
    assert message["webpush"]["notification"] == {"tag": SAME}


def answered(status: int, body: object = None, **headers: str) -> web.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    return web.Response(status=status, text=content, headers=headers)


@pytest.mark.parametrize(
    "answer",
    [
        answered(500, {"error": {"status": "INTERNAL", "message": "x"}}),
        answered(504, "gateway timeout"),
        answered(503, "<html>"),
        answered(200, "not json"),
        answered(200, {}),
        answered(200, []),
        answered(200, "null"),
        answered(502, {"error": "a text where an object should be"}),
        answered(500, {"error": {"details": "odd"}}),
        answered(404, {"error": {"status": "NOT_FOUND", "message": "no such project"}}),
        answered(401, {"error": {"status": "UNAUTHENTICATED", "message": "x"}}),
        answered(403, {"error": {"status": "PERMISSION_DENIED", "message": "x"}}),
        answered(302, "", Location="http://127.0.0.1:1/"),
    ],
)
async def test_an_odd_answer_is_tried_later_and_forgets_no_device(
    near: PushChannel, neighbour: Neighbour, answer: web.Response
) -> None:
    neighbour.answers = deque([answer])

    outcome = await near.deliver(push())

    assert isinstance(outcome, TryLater)
    assert outcome.counts


async def test_a_quota_answer_without_a_time_waits_a_minute_and_a_date_is_understood(
    near: PushChannel, neighbour: Neighbour, frozen: FrozenClock
) -> None:
    quota = {"error": {"status": "RESOURCE_EXHAUSTED", "message": "x"}}
    neighbour.answers = deque(
        [answered(429, quota), answered(429, quota, **{"Retry-After": "Sat, 21 Nov 2026 03:11:30 GMT"})]
    )

    first = await near.deliver(push())
    frozen.advance(timedelta(seconds=60))
    second = await near.deliver(push())

    assert isinstance(first, TryLater)
    assert isinstance(second, TryLater)
    assert (first.after_s, second.after_s) == (60.0, 630.0)


@pytest.fixture
def service_account(tmp_path: Path, neighbour: Neighbour) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account", "project_id": "p", "private_key_id": "1", "private_key": pem,
        "client_email": "sender@p.iam.gserviceaccount.com", "token_uri": f"{neighbour.url}/token",
    }  # fmt: skip
    file = tmp_path / "firebase.json"
    file.write_text(json.dumps(account))
    return str(file)


async def test_with_a_service_account_the_token_is_fetched_once_for_all(
    neighbour: Neighbour, service_account: str, clock: SystemClock
) -> None:
    token = {"access_token": "from-google", "expires_in": 3600, "token_type": "Bearer"}
    sent = web.json_response({"name": "projects/p/messages/1"})
    neighbour.answers = deque([web.json_response(token), sent])
    channel = PushChannel(project="p", url=neighbour.url, credentials_file=service_account, clock=clock)

    outcomes = await asyncio.gather(*(channel.deliver(push()) for _ in range(6)))

    assert all(isinstance(one, Delivered) for one in outcomes)
    assert [seen.path for seen in neighbour.seen] == ["/token", *["/v1/projects/p/messages:send"] * 6]
    assert {seen.headers["authorization"] for seen in neighbour.seen[1:]} == {"Bearer from-google"}
    await channel.close()


async def test_without_a_token_from_google_a_push_waits(
    neighbour: Neighbour, service_account: str, clock: SystemClock
) -> None:
    neighbour.answers = deque([web.json_response({"error": "invalid_grant"}, status=400)])
    channel = PushChannel(project="p", url=neighbour.url, credentials_file=service_account, clock=clock)

    outcome = await channel.deliver(push())

    assert outcome == TryLater(why="no usable answer: RefreshError")
    await channel.close()


async def test_a_server_that_is_not_there_is_tried_later(frozen: FrozenClock) -> None:
    channel = PushChannel(project="p", url="http://127.0.0.1:9", clock=frozen)

    outcome = await channel.deliver(push())

    assert isinstance(outcome, TryLater)
    await channel.close()


async def test_a_token_no_one_can_send_to_is_given_up(near: PushChannel) -> None:
    outcome = await near.deliver(push(""))

    assert isinstance(outcome, GiveUp)
    assert not outcome.forget_target


async def test_a_phone_takes_no_webhook(near: PushChannel) -> None:
    hook = Delivery(
        id="x", lane="service", expires=None, message=HookMessage(endpoint="http://x", secrets=("a",), body=b"{}")
    )

    with pytest.raises(TypeError):
        await near.deliver(hook)


async def test_two_hundred_answers_of_503_in_a_row_do_not_hang_the_channel(
    neighbour: Neighbour, frozen: FrozenClock
) -> None:
    """With the SDK's own retries on, about a hundred of them leave its connection's slots taken for good."""
    channel = PushChannel(project="p", url=neighbour.url, clock=frozen, apps=1)
    neighbour.answers = deque([*(answered(503, {"error": {"status": "UNAVAILABLE"}}) for _ in range(200)),
                               web.json_response({"name": "projects/p/messages/1"})])  # fmt: skip

    async with asyncio.timeout(60):
        for _ in range(10):
            outcomes = await asyncio.gather(*(channel.deliver(push()) for _ in range(20)))
            assert all(isinstance(one, TryLater) for one in outcomes)
        last = await channel.deliver(push())

    assert isinstance(last, Delivered)
    assert len(neighbour.seen) == 201  # each once: the ledger retries, the SDK doesn't
    await channel.close()


async def test_a_hanging_server_can_be_left_and_the_next_push_goes_through(
    near: PushChannel, neighbour: Neighbour
) -> None:
    neighbour.answers = deque([30.0, web.json_response({"name": "projects/p/messages/1"})])

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await near.deliver(push())

    assert isinstance(await near.deliver(push()), Delivered)


async def test_the_private_names_we_lean_on_are_still_there(sandbox: PushChannel) -> None:
    assert _http_client.DEFAULT_HTTPX_RETRY_CONFIG.retries_left == 0
    assert messaging._MessagingService.FCM_URL == "https://fcm.googleapis.com/v1/projects/{0}/messages:send"
    service = messaging._get_messaging_service(sandbox._next_app())
    assert service._fcm_url.endswith("/fcm/v1/projects/tangrat-sandbox/messages:send")
    assert service._async_client._retry_config is _http_client.DEFAULT_HTTPX_RETRY_CONFIG
    for transport in service._async_client._mounts.values():
        assert transport._retry.retries_left == 0


@pytest.mark.parametrize("content", [None, "{}", "not JSON"])
def test_a_service_account_that_cannot_be_used_stops_the_start_in_one_sentence(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "firebase.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(CannotStart, match=r"the Firebase service account file .* TANGRAT_FCM_CREDENTIALS_FILE"):
        PushChannel(project="x", clock=SystemClock(), credentials_file=str(file))
