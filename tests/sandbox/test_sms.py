"""The SMS gateway: sent once per reference, and shown on the phone."""

from __future__ import annotations

import uuid

import pytest

PATH = "/sms/v1/messages"
BEARER = {"Authorization": "Bearer tangrat-sms"}


@pytest.fixture
def text():
    return {"to": "+66812345678", "sender": "TangRat", "text": "สวัสดี", "reference": uuid.uuid4().hex}


@pytest.fixture
def received(http):
    async def listed(reference):
        reply = await http.get("/phone/api/messages", params={"kind": "sms"})
        return [m for m in (await reply.json())["messages"] if m["id"] == reference]

    return listed


async def test_an_sms_is_accepted_and_shown(http, received, text):
    reply = await http.post(PATH, json=text, headers=BEARER)

    assert reply.status == 202
    [shown] = await received(text["reference"])
    assert shown["names"] == [(await reply.json())["message_id"]]
    assert (shown["to"], shown["title"], shown["body"]) == ("+66812345678", "TangRat", "สวัสดี")


async def test_the_same_reference_is_sent_once(http, received, text):
    first = await (await http.post(PATH, json=text, headers=BEARER)).json()
    second = await (await http.post(PATH, json=text, headers=BEARER)).json()

    assert first == second
    [shown] = await received(text["reference"])
    assert shown["times"] == 1


async def test_a_reference_used_for_another_text_is_a_conflict(http, text):
    await http.post(PATH, json=text, headers=BEARER)

    reply = await http.post(PATH, json=text | {"text": "another"}, headers=BEARER)

    assert reply.status == 409


@pytest.mark.parametrize(
    ("over", "status"),
    [({"to": "0812345678"}, 422), ({"to": 66812345678}, 422), ({"text": ""}, 422), ({"reference": None}, 422)],
)
async def test_an_sms_out_of_shape_is_refused(http, text, over, status):
    assert (await http.post(PATH, json=text | over, headers=BEARER)).status == status


async def test_a_body_that_is_no_json_is_refused(http):
    assert (await http.post(PATH, data=b"{", headers=BEARER)).status == 400
    assert (await http.post(PATH, data=b"[]", headers=BEARER)).status == 422


async def test_without_the_token_nothing_is_sent(http, received, text):
    reply = await http.post(PATH, json=text, headers={"Authorization": "Bearer x"})

    assert reply.status == 401
    assert await received(text["reference"]) == []
