"""Push as Firebase answers it, heard through the real firebase-admin, and what the phone makes of it."""

from __future__ import annotations

import datetime
import uuid
import warnings

import firebase_admin
import google.auth.credentials
import orjson
import pytest
from firebase_admin import _http_client, credentials, exceptions, messaging

SEND = "/fcm/v1/projects/tangrat-sandbox/messages:send"
BEARER = {"Authorization": "Bearer whatever"}


class _Token(google.auth.credentials.Credentials):
    """A credential that nobody has to give."""

    def refresh(self, request):
        self.token = "made-up"
        self.expiry = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(hours=1)


class _Credential(credentials.Base):
    def get_credential(self):
        return _Token()


@pytest.fixture
def firebase(sandbox, monkeypatch):
    """firebase-admin, turned to the sandbox; without its own retries, which hide what was answered."""
    address = f"{sandbox}/fcm/v1/projects/{{0}}/messages:send"
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", address)
    monkeypatch.setattr(_http_client.DEFAULT_HTTPX_RETRY_CONFIG, "retries_left", 0)
    app = firebase_admin.initialize_app(_Credential(), {"projectId": "tangrat-sandbox"}, name=uuid.uuid4().hex)

    async def send(to, *, dry_run=False, **fields):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # token gives way to fid; both are in use
            message = messaging.Message(token=to, **fields)
        batch = await messaging.send_each_async([message], dry_run=dry_run, app=app)
        return batch.responses[0]

    return send


@pytest.fixture
def messages(http):
    async def listed(**narrowed):
        return (await (await http.get("/phone/api/messages", params=narrowed)).json())["messages"]

    return listed


@pytest.fixture
def phone():
    return f"sandbox-7-{uuid.uuid4().hex}"


async def test_a_push_is_accepted_and_shown(firebase, messages, phone):
    told = messaging.Notification(title="สวัสดี", body="Hello")

    sent = await firebase(phone, notification=told, data={"notification_id": "n-1", "link": "/inbox/1"})

    assert sent.message_id.startswith("projects/tangrat-sandbox/messages/")
    [shown] = await messages(token=phone)
    assert (shown["title"], shown["body"], shown["id"], shown["times"]) == ("สวัสดี", "Hello", "n-1", 1)
    assert (shown["kind"], shown["citizen"], shown["data"]["link"]) == ("push", 7, "/inbox/1")
    assert shown["names"] == [sent.message_id]


@pytest.mark.parametrize(
    "fields",
    [
        {"data": {"notification_id": "same"}},
        {"android": messaging.AndroidConfig(notification=messaging.AndroidNotification(title="a", tag="same"))},
        {"android": messaging.AndroidConfig(collapse_key="same")},
        {"apns": messaging.APNSConfig(headers={"apns-collapse-id": "same"})},
    ],
)
async def test_a_repeat_takes_the_place_of_the_first_and_is_counted(firebase, messages, phone, fields):
    for _ in range(3):
        assert (await firebase(phone, **fields)).success

    [shown] = await messages(token=phone)
    assert (shown["id"], shown["times"], len(shown["names"])) == ("same", 3, 3)


async def test_the_same_id_on_two_phones_is_two_entries(firebase, messages, phone):
    other = phone + "-other"
    for to in (phone, other):
        await firebase(to, data={"notification_id": "n-1"})

    assert [len(await messages(token=to)) for to in (phone, other)] == [1, 1]


async def test_a_dry_run_shows_nothing(firebase, messages, phone):
    sent = await firebase(phone, dry_run=True, data={"a": "b"})

    assert sent.success
    assert await messages(token=phone) == []


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("gone-1", messaging.UnregisteredError),
        ("other-1", messaging.SenderIdMismatchError),
        ("busy-1", messaging.QuotaExceededError),
        ("sick-1", exceptions.UnavailableError),
        ("not a token", exceptions.InvalidArgumentError),
    ],
)
async def test_a_token_decides_its_fate_as_firebase_admin_understands_it(firebase, messages, token, error):
    sent = await firebase(token, data={"a": "b"})

    assert type(sent.exception) is error
    assert await messages(token=token) == []


async def test_a_busy_service_says_when_to_come_back(http):
    reply = await http.post(SEND, json={"message": {"token": "busy-1"}}, headers=BEARER)

    assert reply.status == 429
    assert int(reply.headers["retry-after"]) > 0
    error = (await reply.json())["error"]
    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert error["details"][0] == {
        "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
        "errorCode": "QUOTA_EXCEEDED",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"message": {}}',
        b'{"message": {"token": "a", "topic": "b"}}',
        b'{"message": {"token": 7}}',
        b'{"message": {"token": "a", "data": {"n": 1}}}',
        b'{"message": {"token": "a", "data": {"google.x": "1"}}}',
        b'{"message": {"token": "a", "data": "x"}}',
        b'{"message": {"token": "a", "notification": []}}' * 2,
        orjson.dumps({"message": {"token": "a", "data": {"long": "x" * 5_000}}}),
    ],
)
async def test_a_push_out_of_shape_is_an_invalid_argument(http, body):
    reply = await http.post(SEND, data=body, headers=BEARER | {"content-type": "application/json"})

    assert reply.status == 400
    error = (await reply.json())["error"]
    assert (error["code"], error["status"], error["details"][0]["errorCode"]) == (400, *["INVALID_ARGUMENT"] * 2)


async def test_a_push_without_a_credential_is_refused(http):
    reply = await http.post(SEND, json={"message": {"token": "a"}})

    assert reply.status == 401
    assert (await reply.json())["error"]["status"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(("status", "error"), [(429, messaging.QuotaExceededError), (503, exceptions.UnavailableError)])
async def test_a_fault_of_fcm_is_worded_as_fcm_words_it(firebase, fault, phone, status, error):
    await fault("fcm", "error", status=status)

    assert type((await firebase(phone, data={"a": "b"})).exception) is error


async def test_a_lying_fcm_accepts_and_delivers_nothing(firebase, messages, fault, phone):
    await fault("fcm", "lying")

    assert (await firebase(phone, data={"a": "b"})).success
    assert await messages(token=phone) == []


async def test_the_live_page_hears_of_a_push_at_once(http, firebase, phone):
    async with http.get("/phone/stream", params={"token": phone}) as stream:
        assert stream.content_type == "text/event-stream"
        assert (await stream.content.readline()).startswith(b": listening")
        await firebase(phone + "-another", data={"notification_id": "not mine"})
        await firebase(phone, data={"notification_id": "mine"})

        lines = [await stream.content.readline() for _ in range(3)]

    assert lines[1] == b"event: message\n"
    assert orjson.loads(lines[2].removeprefix(b"data: "))["id"] == "mine"


async def test_the_phone_page_knows_where_to_sign_in(http, sandbox):
    await http.post("/sandbox/api", json={"url": "http://127.0.0.1:9/</script>"})

    page = await (await http.get("/phone")).text()

    assert "\\u003c/script>" in page
    assert f'"redirect":"{sandbox}/phone/signed-in"' in page
    assert (await http.get("/phone/signed-in", params={"code": "a", "state": "b"})).status == 200
