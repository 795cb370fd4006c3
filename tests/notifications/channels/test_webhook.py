"""Webhooks to a neighbour that checks what was signed, and to the sandbox's agencies over real HTTP."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from foundation.clock import FrozenClock, SystemClock
from foundation.http import Http, asked_to_wait_s
from notifications.channels.webhook import WebhookChannel
from notifications.delivery import (
    Delivered,
    Delivery,
    GiveUp,
    HookMessage,
    Outcome,
    SmsMessage,
    TryLater,
)
from tests.notifications.conftest import Neighbour

OLD, NEW = "whsec_b2xkIHNlY3JldCBvZiB0aGUgYWdlbmN5", "whsec_bmV3IHNlY3JldCBvZiB0aGUgYWdlbmN5"
BODY = '{"type":"th.dopa.death","subject":"นามแฝง","data":{"reference":"https://api/agency/events/1"}}'.encode()
ID = "5a" * 16


def hook(endpoint: str, *secrets: str, body: bytes = BODY) -> Delivery:
    message = HookMessage(endpoint=endpoint, secrets=secrets or (NEW,), body=body)
    return Delivery(id=ID, lane="service", expires=None, message=message)


@pytest.fixture
def channel(http: Http, clock: SystemClock) -> WebhookChannel:
    return WebhookChannel(http=http, clock=clock)


async def test_a_webhook_is_signed_over_the_bytes_that_were_sent(channel: WebhookChannel, neighbour: Neighbour) -> None:
    assert await channel.deliver(hook(f"{neighbour.url}/hooks")) == Delivered(receipt="200")

    (seen,) = neighbour.seen
    assert seen.body == BODY
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["webhook-id"] == ID
    Webhook(NEW).verify(seen.body, seen.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(seen.body + b" ", seen.headers)


async def test_while_a_secret_is_replaced_either_verifies(channel: WebhookChannel, neighbour: Neighbour) -> None:
    await channel.deliver(hook(neighbour.url, OLD, NEW))

    (seen,) = neighbour.seen
    for secret in (OLD, NEW):
        Webhook(secret).verify(seen.body, seen.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_c29tZWJvZHkgZWxzZQ==").verify(seen.body, seen.headers)


async def test_a_repeat_carries_the_same_id_and_the_time_of_its_own_attempt(
    http: Http, neighbour: Neighbour, frozen: FrozenClock
) -> None:
    frozen.moment = datetime.now(timezone(timedelta(hours=7)))  # the library would sign this wall clock for UTC
    channel = WebhookChannel(http=http, clock=frozen)

    await channel.deliver(hook(neighbour.url))
    frozen.advance(timedelta(seconds=90))
    await channel.deliver(hook(neighbour.url))

    first, second = neighbour.seen
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 90
    assert abs(int(first.headers["webhook-timestamp"]) - time.time()) < 60
    Webhook(NEW).verify(first.body, first.headers)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_counts(channel: WebhookChannel, neighbour: Neighbour, status: int) -> None:
    neighbour.answers = deque([web.Response(status=status)])

    assert await channel.deliver(hook(neighbour.url)) == Delivered(receipt=str(status))


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 405, 418, 500, 502, 503, 504])
async def test_nothing_else_counts_and_a_redirect_is_not_followed(
    channel: WebhookChannel, neighbour: Neighbour, status: int
) -> None:
    neighbour.answers = deque([web.Response(status=status, headers={"Location": f"{neighbour.url}/elsewhere"})])

    outcome = await channel.deliver(hook(neighbour.url))

    assert outcome == TryLater(why=f"the endpoint answered {status}", is_sick=status >= 500)
    assert [seen.path for seen in neighbour.seen] == ["/"]


async def test_an_endpoint_that_is_gone_is_given_up(channel: WebhookChannel, neighbour: Neighbour) -> None:
    neighbour.answers = deque([web.Response(status=410)])

    assert await channel.deliver(hook(neighbour.url)) == GiveUp(why="the endpoint answered 410", forget_target=True)


@pytest.mark.parametrize(("said", "after_s"), [("120", 120.0), ("soon", None), ("-5", None), ("", None), ("²", None)])
async def test_retry_after_is_obeyed_where_it_makes_sense(
    channel: WebhookChannel, neighbour: Neighbour, said: str, after_s: float | None
) -> None:
    neighbour.answers = deque([web.Response(status=429, headers={"Retry-After": said})])

    assert await channel.deliver(hook(neighbour.url)) == TryLater(
        why="the endpoint answered 429", after_s=after_s, is_sick=True
    )


async def test_a_huge_answer_is_cut_and_its_status_counts(channel: WebhookChannel, neighbour: Neighbour) -> None:
    neighbour.answers = deque([web.Response(body=b"x" * 5_000_000)])

    assert isinstance(await channel.deliver(hook(neighbour.url)), Delivered)


async def test_an_endpoint_that_is_not_there_is_tried_later(channel: WebhookChannel) -> None:
    outcome = await channel.deliver(hook("http://127.0.0.1:9/hooks"))

    assert isinstance(outcome, TryLater)
    assert outcome.why.startswith("CONNECTION")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"])
async def test_in_production_no_address_inside_is_called(clock: SystemClock, neighbour: Neighbour, host: str) -> None:
    http = Http(public_only=True)
    port = neighbour.url.rpartition(":")[2]

    outcome = await WebhookChannel(http=http, clock=clock).deliver(hook(f"http://{host}:{port}/"))

    assert isinstance(outcome, TryLater)
    assert outcome.why.startswith("NOT_PUBLIC")
    assert neighbour.seen == []
    await http.close()


async def test_a_webhook_is_never_sent_unsigned_or_to_a_number(channel: WebhookChannel, neighbour: Neighbour) -> None:
    unsigned = Delivery(
        id=ID, lane="service", expires=None, message=HookMessage(endpoint=neighbour.url, secrets=(), body=b"{}")
    )
    sms = Delivery(id=ID, lane="service", expires=None, message=SmsMessage(to="+66812345678", text="x"))

    with pytest.raises(ValueError, match="secret"):
        await channel.deliver(unsigned)
    with pytest.raises(TypeError):
        await channel.deliver(sms)
    assert neighbour.seen == []


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ [\d:]+ \S+"))
def test_whatever_a_retry_after_says_it_is_seconds_or_nothing(said: str) -> None:
    waits_s = asked_to_wait_s(said, datetime(2026, 11, 21, tzinfo=UTC))

    assert waits_s is None or waits_s >= 0


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ({"status": 200}, Delivered(receipt="200")),
        ({"status": 503, "retry_after": 7}, TryLater(why="the endpoint answered 503", after_s=7.0, is_sick=True)),
        ({"status": 410}, GiveUp(why="the endpoint answered 410", forget_target=True)),
    ],
)
async def test_the_sandboxs_agency_is_reached(
    channel: WebhookChannel, sandbox_url: str, switch: Callable[..., Any], mode: dict[str, int], outcome: Outcome
) -> None:
    await asyncio.to_thread(switch, "POST", "hooks/moph/mode", mode)
    body = b'{"type":"tangrat.endpoint.challenge","challenge":"are you there"}'  # answered before a secret is known

    assert await channel.deliver(hook(f"{sandbox_url}/sandbox/hooks/moph", body=body)) == outcome

    reached = await asyncio.to_thread(switch, "GET", "hooks?agency=moph")
    await asyncio.to_thread(switch, "POST", "hooks/moph/mode", {"status": 200})
    assert reached["hooks"][0]["webhook_id"] == ID
