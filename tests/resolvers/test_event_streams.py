"""graphql-sse, distinct connections mode: the answers of one operation as events, over plain HTTP."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from resolvers.limits import Limits
from tests.resolvers.conftest import ORIGIN, Graph, SignedIn, Start
from tests.resolvers.streaming import events_of, until
from tests.resolvers.test_sockets import HELD, HeldInbox
from trust.people import PersonId
from trust.tokens import Session, Tokens

TYPENAME = "{ __typename }"
ANSWERS = "subscription { answers { section } }"
COMPLETE = ("complete", None)


def codes(event: tuple[str, Any]) -> list[str]:
    kind, told = event
    assert kind == "next"
    assert "data" not in told
    return [one["extensions"]["code"] for one in told["errors"]]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_query_is_one_event_and_complete(method: str, graph: Graph) -> None:
    async with events_of(graph, TYPENAME, method=method) as events:
        assert events.status == 200
        assert events.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert events.headers["Cache-Control"] == "no-store"
        assert events.headers["X-Accel-Buffering"] == "no"
        assert await events.raw() == ":\n"  # at once, so that everybody between knows that it is open
        assert await events.raw() == 'event: next\ndata: {"data":{"__typename":"Query"}}\n'
        assert await events.raw() == "event: complete\ndata: \n"
        assert await events.raw() == ""


async def test_a_mutation_by_post(one: PersonId, signed_in: SignedIn) -> None:
    phone = await signed_in(one)

    async with events_of(
        phone, "mutation { updatePreferences(input: {language: EN}) { problems { code } } }"
    ) as events:
        assert await events.hear_all() == [("next", {"data": {"updatePreferences": {"problems": []}}}), COMPLETE]
    assert await phone.ask("{ me { preferences { language } } }") == {"me": {"preferences": {"language": "EN"}}}


async def test_a_mutation_by_get_is_not_allowed(graph: Graph) -> None:
    async with events_of(graph, "mutation { __typename }", method="GET") as events:
        assert (events.status, events.headers["Allow"]) == (405, "POST")
        assert (await events.body())["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("query", "code"),
    [("{", "SYNTAX_ERROR"), ("{ nothing }", "VALIDATION_FAILED"), ("{ __typename }" + " " * 15_000, "DOCUMENT_TOO_LARGE"),
     ("query ($c: String!) { lifeEvent(code: $c) { code } }", "BAD_INPUT")],
)  # fmt: skip
async def test_what_is_refused_is_an_event_too(query: str, code: str, graph: Graph) -> None:
    async with events_of(graph, query) as events:
        assert events.status == 200
        refused, last, end = await events.hear(), await events.hear(), await events.hear()

    assert codes(refused) == [code]
    assert (last, end) == (COMPLETE, ("end", None))


async def test_a_timeout_is_an_event_too(start: Start) -> None:
    graph = await start(replacing={"inbox": HeldInbox()}, limits=Limits(request_s=0.2))

    async with events_of(graph, HELD) as events:
        assert codes(await events.hear()) == ["TIMEOUT"]
        assert await events.hear() == COMPLETE


async def test_who_is_not_let_in_gets_a_status(graph: Graph, one: PersonId, start: Start, signed_in: SignedIn) -> None:
    async with events_of(graph.with_headers(Authorization="Bearer x.y.z"), TYPENAME) as events:
        assert events.status == 401
        assert (await events.body())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"

    busy = await signed_in(one, await start(limits=Limits(requests=1)))
    async with events_of(busy, TYPENAME) as events:
        assert events.status == 200
    async with events_of(busy, TYPENAME) as events:
        assert events.status == 429
        assert int(events.headers["Retry-After"]) > 0


async def test_a_page_of_ours_may_read_it(graph: Graph) -> None:
    async with events_of(graph.with_headers(Origin=ORIGIN), TYPENAME) as events:
        assert events.headers["Access-Control-Allow-Origin"] == ORIGIN
    async with events_of(graph.with_headers(Origin="https://evil.example"), TYPENAME) as events:
        assert "Access-Control-Allow-Origin" not in events.headers


# ---- when it is a stream, and when not


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, application/json;q=0.5", "text/event-stream"),
        ("application/json, text/event-stream", "application/json"),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
         "application/graphql-response+json"),
        ("*/*", "application/json"),
    ],
)  # fmt: skip
async def test_a_query_comes_in_the_form_that_is_liked_best(accept: str, content_type: str, graph: Graph) -> None:
    async with events_of(graph, TYPENAME, accept=accept) as events:
        assert events.headers["Content-Type"] == f"{content_type}; charset=utf-8"


async def test_a_subscription_comes_as_a_stream_wherever_one_is_welcome(graph: Graph) -> None:
    accept = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"

    async with events_of(graph, ANSWERS, accept=accept) as events:
        assert events.headers["Content-Type"] == "text/event-stream; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "status"), [("application/json", 200), ("*/*", 200), ("application/graphql-response+json", 400)]
)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_subscription_elsewhere_says_how_to_ask(method: str, accept: str, status: int, graph: Graph) -> None:
    async with events_of(graph, ANSWERS, method=method, accept=accept) as events:
        assert events.status == status
        (error,) = (await events.body())["errors"]

    assert error["extensions"]["code"] == "NEEDS_STREAM"


async def test_head_says_what_a_get_would_be(graph: Graph) -> None:
    headers = {"Accept": "text/event-stream"}
    reply = await graph.http.request("HEAD", f"{graph.url}?query={{__typename}}", deadline_s=5, headers=headers)

    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"


# ---- for as long as it lasts


async def test_a_sign_of_life_while_nothing_happens(start: Start) -> None:
    inbox = HeldInbox()
    graph = await start(replacing={"inbox": inbox}, limits=Limits(heartbeat_s=0.05))

    async with events_of(graph, HELD) as events:
        assert [await events.raw() for _ in range(4)] == [":\n"] * 4
        inbox.go.set()
        assert await events.hear_all() == [("next", {"data": {"sentCheck": None}}), COMPLETE]


async def test_who_hangs_up_stops_it(start: Start) -> None:
    inbox = HeldInbox()
    graph = await start(replacing={"inbox": inbox})
    before = len(asyncio.all_tasks())

    async with events_of(graph, HELD) as events:
        await events.raw()
        await until(lambda: inbox.begun == 1)
    await until(lambda: inbox.ended == 1 and len(asyncio.all_tasks()) <= before)


async def test_it_ends_with_the_session(one: PersonId, start: Start, tokens: Tokens, signed_in: SignedIn) -> None:
    phone = await signed_in(one, await start(replacing={"inbox": HeldInbox()}, limits=Limits(session_look_s=0.1)))

    async with events_of(phone, HELD) as events:
        await events.raw()
        await tokens.end_all(one, why="a test")
        assert codes(await events.hear()) == ["UNAUTHENTICATED"]
        assert await events.hear() == COMPLETE


async def test_it_ends_with_the_token(one: PersonId, start: Start, tokens: Tokens, signed_in: SignedIn) -> None:
    async def short_lived(token: str) -> Session:
        session = await tokens.verify(token)
        return replace(session, expires_at=session.issued_at + timedelta(seconds=2))

    phone = await signed_in(one, await start(replacing={"inbox": HeldInbox()}, authenticate=short_lived))
    async with events_of(phone.with_headers(Accept_Language="en"), HELD) as events:
        _, told = await events.hear()
        assert told["errors"] == [
            {"message": "the access token has expired", "extensions": {"code": "UNAUTHENTICATED"}}
        ]
        assert await events.hear() == COMPLETE


async def test_at_most_so_many_of_one_person(one: PersonId, start: Start, signed_in: SignedIn) -> None:
    inbox = HeldInbox()
    phone = await signed_in(one, await start(replacing={"inbox": inbox}, limits=Limits(event_streams=1)))

    async with events_of(phone, HELD) as first:
        await first.raw()
        async with events_of(phone, TYPENAME) as second:
            assert second.status == 429
            assert (await second.body())["errors"][0]["extensions"]["code"] == "TOO_MANY_OPEN"
        inbox.go.set()
        await first.hear_all()
    async with events_of(phone, TYPENAME) as again:
        assert again.status == 200


async def test_who_reads_nothing_is_let_go(start: Start) -> None:
    """A reader whose window is closed: after a while the server gives up, and nothing of it is left."""
    graph = await start(limits=Limits(heartbeat_s=0.1, stuck_s=0.3, cost=10**9, aliases=10**6, repeats=10**6, root_fields=10**6,
                                      document_chars=10**6, tokens=10**6))  # fmt: skip
    before = len(asyncio.all_tasks())
    address = urlsplit(graph.url)
    all_of_it = " ".join(
        f"a{n}: publicServices(first: 100) {{ edges {{ node {{ id title {{ th en said }} summary {{ th en said }} }} }} }}"
        for n in range(60)
    )
    body = orjson.dumps({"query": f"{{ {all_of_it} }}"})
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    stuck.connect((address.hostname, address.port))
    stuck.sendall(
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    with stuck:
        await until(lambda: len(asyncio.all_tasks()) > before)
        await asyncio.sleep(0.2)
        assert len(asyncio.all_tasks()) > before  # it is being waited for
        await until(lambda: len(asyncio.all_tasks()) <= before)
