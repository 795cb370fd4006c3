from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import pytest
from aiohttp import web

from foundation.clock import SystemClock
from foundation.http import Http
from foundation.settings import Secret
from notifications.channels.sms import SmsChannel
from notifications.delivery import Delivered, Delivery, GiveUp, HookMessage, SmsMessage, TryLater
from tests.notifications.conftest import Neighbour


def sms(reference: str, *, to: str = "+66812345678", text: str = "คุณมีข้อความใหม่ ABCD2345") -> Delivery:
    return Delivery(id=reference, lane="service", expires=None, message=SmsMessage(to=to, text=text))


def gateway(http: Http, url: str, bearer: str = "tangrat-sms") -> SmsChannel:
    return SmsChannel(http=http, url=url, token=Secret(bearer), sender="TangRat", clock=SystemClock())


def shown(sandbox_url: str, reference: str) -> list[dict[str, Any]]:
    with urlopen(f"{sandbox_url}/phone/api/messages?kind=sms", timeout=5) as reply:
        return [one for one in json.load(reply)["messages"] if one["id"] == reference]


async def test_an_sms_arrives_once_however_often_it_is_sent(http: Http, sandbox_url: str) -> None:
    channel = gateway(http, f"{sandbox_url}/sms/v1/messages")

    first, again = await channel.deliver(sms("sms-1")), await channel.deliver(sms("sms-1"))

    assert isinstance(first, Delivered)
    assert first.receipt
    assert again == first
    (message,) = await asyncio.to_thread(shown, sandbox_url, "sms-1")
    assert (message["to"], message["title"], message["body"]) == ("+66812345678", "TangRat", "คุณมีข้อความใหม่ ABCD2345")


async def test_a_reference_taken_with_an_earlier_wording_was_delivered(http: Http, sandbox_url: str) -> None:
    channel = gateway(http, f"{sandbox_url}/sms/v1/messages")
    await channel.deliver(sms("sms-2"))

    assert await channel.deliver(sms("sms-2", text="You have a new message ABCD2345")) == Delivered()


async def test_a_number_the_gateway_refuses_is_given_up(http: Http, sandbox_url: str) -> None:
    outcome = await gateway(http, f"{sandbox_url}/sms/v1/messages").deliver(sms("sms-3", to="1111"))

    assert outcome == GiveUp(why="the SMS gateway answered 422")


async def test_a_wrong_bearer_is_our_trouble_and_loses_no_message(http: Http, sandbox_url: str) -> None:
    outcome = await gateway(http, f"{sandbox_url}/sms/v1/messages", "wrong").deliver(sms("sms-4"))

    assert outcome == TryLater(why="the SMS gateway answered 401")


async def test_a_gateway_that_is_down_is_tried_later(http: Http, sandbox_url: str, switch: Callable[..., Any]) -> None:
    fault = {"agency": "sms", "fault": "error", "status": 503, "retry_after_s": 9}
    await asyncio.to_thread(switch, "POST", "faults", fault)

    outcome = await gateway(http, f"{sandbox_url}/sms/v1/messages").deliver(sms("sms-5"))

    assert outcome == TryLater(why="the SMS gateway answered 503", after_s=9.0)


@pytest.mark.parametrize("body", ["", "not json", "[]", '{"message_id": 5}'])
async def test_an_odd_receipt_is_no_receipt(http: Http, neighbour: Neighbour, body: str) -> None:
    neighbour.answers = deque([web.Response(status=202, text=body)])

    assert await gateway(http, neighbour.url).deliver(sms("sms-6")) == Delivered(receipt=None)
    assert json.loads(neighbour.seen[0].body)["reference"] == "sms-6"


async def test_a_gateway_that_is_not_there_is_tried_later(http: Http) -> None:
    assert isinstance(await gateway(http, "http://127.0.0.1:9/").deliver(sms("sms-7")), TryLater)


async def test_a_number_takes_no_webhook(http: Http) -> None:
    hook = HookMessage(endpoint="http://x", secrets=("a",), body=b"{}")

    with pytest.raises(TypeError):
        await gateway(http, "http://127.0.0.1:9/").deliver(Delivery(id="x", lane="service", expires=None, message=hook))
