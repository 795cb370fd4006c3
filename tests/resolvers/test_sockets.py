"""graphql-transport-ws as a client sees it: the good way through, each close code, and whatever hostile clients send."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from foundation.errors import Unauthenticated
from resolvers.limits import Limits
from tests.resolvers.conftest import ORIGIN, Graph, SignedIn, Start
from tests.resolvers.streaming import Socket, ready_socket, socket_to, until
from trust.people import PersonId
from trust.tokens import Session, Tokens

TYPENAME = "{ __typename }"
WHO = "{ me { id } }"
HELD = '{ sentCheck(code: "ABCDEFGH") { topic } }'  # what a HeldInbox keeps waiting


class HeldInbox:
    """An inbox that answers nobody until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = 0
        self.ended = 0

    async def sent_check(self, _code: str) -> None:
        self.begun += 1
        try:
            await self.go.wait()
        finally:
            self.ended += 1


@pytest.fixture
async def phone(one: PersonId, signed_in: SignedIn) -> Graph:
    return await signed_in(one)


def bearer(graph: Graph) -> str:
    return graph.headers["Authorization"]


# ---- the good way


async def test_a_query_over_a_socket_is_one_next_and_complete(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.subscribe("1", TYPENAME)

        assert await socket.hear() == {"id": "1", "type": "next", "payload": {"data": {"__typename": "Query"}}}
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_the_subprotocol_is_chosen_among_several(graph: Graph) -> None:
    offered = [Subprotocol("graphql-ws"), Subprotocol("graphql-transport-ws")]

    async with ready_socket(graph, protocols=offered) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"


@pytest.mark.parametrize("key", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_the_payload_says_who_asks(key: str, phone: Graph, graph: Graph) -> None:
    async with ready_socket(graph, payload={key: bearer(phone), "app": {"version": 3}}) as socket:
        assert (await socket.ask(WHO))[0]["data"]["me"] is not None


async def test_the_handshake_says_who_asks(phone: Graph) -> None:
    async with ready_socket(phone) as socket:
        assert (await socket.ask(WHO))[0]["data"]["me"] is not None


async def test_the_payload_counts_more_than_the_handshake(phone: Graph, other: PersonId, signed_in: SignedIn) -> None:
    elsewhere = await signed_in(other)

    async with ready_socket(phone, payload={"Authorization": bearer(elsewhere)}) as socket:
        assert (await socket.ask(WHO))[0]["data"] == await elsewhere.ask(WHO)


async def test_nobody_signed_in_is_nobody(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        assert await socket.ask(WHO) == [{"data": {"me": None}}]


async def test_a_mutation_over_a_socket_changes_something(phone: Graph) -> None:
    change = "mutation ($i: UpdatePreferencesInput!) { updatePreferences(input: $i) { problems { code } } }"

    async with ready_socket(phone) as socket:
        told = await socket.ask(change, variables={"i": {"language": "EN"}})

    assert told == [{"data": {"updatePreferences": {"problems": []}}}]
    assert await phone.ask("{ me { preferences { language } } }") == {"me": {"preferences": {"language": "EN"}}}


async def test_a_ping_is_answered_with_what_it_carried(graph: Graph) -> None:
    async with socket_to(graph) as socket:
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}

        await socket.say({"type": "ping", "payload": {"at": 1}})
        assert await socket.hear() == {"type": "pong", "payload": {"at": 1}}

        await socket.say({"type": "pong"})
        await socket.say({"type": "pong", "payload": {"at": 1}})
        await socket.say({"type": "connection_init"})
        assert await socket.hear() == {"type": "connection_ack"}


async def test_two_operations_share_a_socket(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.subscribe("a", "{ a: __typename }")
        await socket.subscribe("b", "{ b: __typename }")
        heard = [await socket.hear() for _ in range(4)]

    told = {one["id"]: one["payload"] for one in heard if one["type"] == "next"}
    assert told == {"a": {"data": {"a": "Query"}}, "b": {"data": {"b": "Query"}}}
    assert sorted(one["id"] for one in heard if one["type"] == "complete") == ["a", "b"]


async def test_an_id_is_free_again_when_its_operation_is_over(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        assert [await socket.ask(TYPENAME) for _ in range(3)] == [[{"data": {"__typename": "Query"}}]] * 3


async def test_complete_for_what_is_not_there_is_nothing(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.say({"id": "never", "type": "complete"})

        assert await socket.ask(TYPENAME) == [{"data": {"__typename": "Query"}}]


@pytest.mark.parametrize(
    ("headers", "payload", "language"),
    [
        ({}, None, "th"),
        ({"Accept-Language": "en"}, None, "en"),
        ({"Accept-Language": "en"}, {"Accept-Language": "th"}, "th"),
        ({}, {"accept-language": "en-GB"}, "en"),
    ],
)
async def test_the_language_is_that_of_the_handshake_or_the_payload(
    headers: dict[str, str], payload: Any, language: str, graph: Graph
) -> None:
    async with ready_socket(graph, headers=headers, payload=payload) as socket:
        (told,) = await socket.ask('{ lifeEvent(code: "birth_of_child") { title { said th en } } }')

    title = told["data"]["lifeEvent"]["title"]
    assert title["said"] == title[language]


# ---- the same rules as over plain HTTP


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "SYNTAX_ERROR"),
        ("{ nothing }", "VALIDATION_FAILED"),
        ("{" + " ".join(f"a{n}: __typename" for n in range(11)) + "}", "TOO_MANY_ROOT_FIELDS"),
        ("query ($c: String!) { lifeEvent(code: $c) { code } }", "BAD_INPUT"),
        ("{ __typename }" + " " * 15_000, "DOCUMENT_TOO_LARGE"),
        ("fragment F on Query { __typename }", "UNKNOWN_OPERATION"),
    ],
)
async def test_what_is_refused_over_http_is_an_error_here(query: str, code: str, graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.subscribe("1", query)
        message = await socket.hear()

        assert (message["id"], message["type"]) == ("1", "error")
        assert [one["extensions"]["code"] for one in message["payload"]] == [code]
        assert message["payload"] == (await graph.post({"query": query})).json()["errors"]
        assert await socket.ask(TYPENAME) == [{"data": {"__typename": "Query"}}]  # no complete after an error


async def test_introspection_is_off_in_production(production: Graph) -> None:
    async with ready_socket(production) as socket:
        ((error,),) = await socket.ask("{ __schema { queryType { name } } }")

    assert error["extensions"]["code"] == "INTROSPECTION_OFF"


async def test_an_error_while_running_is_part_of_the_answer(graph: Graph) -> None:
    async with ready_socket(graph, headers={"Accept-Language": "en"}) as socket:
        (told,) = await socket.ask("{ publicServices(first: 1000) { totalCount } }")

    assert told["data"] is None
    assert told["errors"][0]["extensions"] == {"code": "BAD_INPUT", "field": "first"}


async def test_requests_count_across_socket_and_http(one: PersonId, start: Start, signed_in: SignedIn) -> None:
    phone = await signed_in(one, await start(limits=Limits(requests=4, requests_window_s=60)))

    async with ready_socket(phone) as socket:  # one
        await socket.ask(TYPENAME)
        await phone.ask(TYPENAME)
        await socket.ask(TYPENAME)
        ((error,),) = await socket.ask(TYPENAME)

    assert error["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert error["extensions"]["retryAfter"] > 0
    assert (await phone.reply(TYPENAME)).status == 429
    async with socket_to(phone) as another:
        await another.say({"type": "connection_init"})
        assert await another.closed() == (4403, "too many requests; try again in 60 s")


async def test_a_fault_of_ours_is_masked(start: Start) -> None:
    class Broken:
        async def sent_check(self, _code: str) -> None:
            raise RuntimeError("secret detail")

    graph = await start(replacing={"inbox": Broken()})
    async with ready_socket(graph) as socket:
        (told,) = await socket.ask(HELD)

    assert told["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in orjson.dumps(told).decode()


async def test_an_answer_that_takes_too_long_is_a_timeout(start: Start) -> None:
    graph = await start(replacing={"inbox": HeldInbox()}, limits=Limits(request_s=0.2))
    async with ready_socket(graph) as socket:
        ((error,),) = await socket.ask(HELD)

    assert error["extensions"]["code"] == "TIMEOUT"


async def test_at_most_so_many_operations_at_once(start: Start) -> None:
    inbox = HeldInbox()
    graph = await start(replacing={"inbox": inbox}, limits=Limits(operations=2))
    async with ready_socket(graph) as socket:
        for name in ("1", "2", "3"):
            await socket.subscribe(name, HELD)
        refused = await socket.hear()
        assert (refused["id"], refused["type"]) == ("3", "error")
        assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"

        await socket.say({"id": "1", "type": "complete"})  # makes room
        await socket.subscribe("4", TYPENAME)
        assert (await socket.hear())["id"] == "4"
        inbox.go.set()
        assert await socket.hear_all("2") == [{"data": {"sentCheck": None}}]


# ---- each way to be closed


@pytest.mark.parametrize("protocols", [[], [Subprotocol("graphql-ws")], [Subprotocol("graphql-transport-ws2")]])
async def test_4406_for_another_subprotocol(protocols: list[Subprotocol], graph: Graph) -> None:
    async with socket_to(graph, protocols=protocols) as socket:
        assert await socket.closed() == (4406, "Subprotocol not acceptable")


async def test_4408_for_who_does_not_initialise(start: Start) -> None:
    graph = await start(limits=Limits(init_s=0.2))

    async with socket_to(graph) as socket:
        await socket.say({"type": "ping"})
        assert await socket.closed() == (4408, "Connection initialisation timeout")
    async with ready_socket(graph) as socket:
        await asyncio.sleep(0.4)
        assert await socket.ask(TYPENAME)


async def test_4429_for_initialising_twice(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.say({"type": "connection_init"})
        assert await socket.closed() == (4429, "Too many initialisation requests")


async def test_4401_for_asking_before_being_acknowledged(graph: Graph) -> None:
    async with socket_to(graph) as socket:
        await socket.subscribe("1", TYPENAME)
        assert await socket.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer x.y.z", "Bearer " + "x" * 20_000]
)
async def test_4403_for_a_token_that_is_not_good(authorization: str, phone: Graph) -> None:
    async with socket_to(phone) as socket:
        await socket.say({"type": "connection_init", "payload": {"Authorization": authorization}})
        code, reason = await socket.closed()

    assert code == 4403
    assert reason


async def test_4409_for_the_same_id_twice(start: Start) -> None:
    graph = await start(replacing={"inbox": HeldInbox()})
    async with ready_socket(graph) as socket:
        await socket.subscribe("1", HELD)
        await socket.subscribe("1", TYPENAME)
        assert await socket.closed() == (4409, "Subscriber for 1 already exists")


def deep(levels: int) -> str:
    return '{"type":"ping","payload":' + '{"a":' * levels + "1" + "}" * levels + "}"


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"connection_init"}', b"\x00\xff", "", " ", "null", "1", "[]", '"connection_init"', "{", "{}", "nonsense",
        '{"type":1}', '{"type":null}', '{"type":["ping"]}', '{"type":"start"}', '{"type":"connection_ack"}',
        '{"type":"next","id":"1","payload":{}}', '{"type":"error","id":"1","payload":[]}', '{"type":"connection_terminate"}',
        '{"type":"ping","type":"pong"}', '{"type":"ping","payload":[]}', '{"type":"ping","payload":"x"}', '{"type":"pong","payload":1}',
        '{"type":"ping","payload":{"a":"\\u0000"}}', '{"type":"ping"}{"type":"ping"}', '{"type":"ping","payload":{"a":NaN}}',
        '{"type":"subscribe"}', '{"type":"subscribe","id":1,"payload":{"query":"{a}"}}', '{"type":"subscribe","id":"","payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"' + "x" * 129 + '","payload":{"query":"{a}"}}', '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"1","payload":null}', '{"type":"subscribe","id":"1","payload":"{a}"}',
        '{"type":"subscribe","id":"1","payload":[]}', '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":{"query":1}}', '{"type":"subscribe","id":"1","payload":{"query":"  "}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":1}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{a}","extensions":1}}',
        '{"type":"complete"}', '{"type":"complete","id":7}', deep(300), deep(2_000),
    ],
)  # fmt: skip
async def test_4400_for_what_is_no_message(message: str | bytes, graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.say(message)
        code, reason = await socket.closed()

    assert code == 4400
    assert reason


@pytest.mark.parametrize(
    "payload",
    ["x", [], 1, {"Authorization": 1}, {"Authorization": None}, {"Authorization": "Bearer a", "authorization": "Bearer b"},
     {"Accept-Language": ["en"]}],
)  # fmt: skip
async def test_4400_for_an_unreadable_init(payload: Any, graph: Graph) -> None:
    async with socket_to(graph) as socket:
        await socket.say({"type": "connection_init", "payload": payload})
        assert (await socket.closed())[0] == 4400


async def test_1009_for_a_message_that_is_too_large(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.say({"type": "ping", "payload": {"a": "x" * 65_000}})
        assert (await socket.hear())["type"] == "pong"
        await socket.say({"type": "ping", "payload": {"a": "x" * 66_000}})
        assert (await socket.closed())[0] == 1009


async def test_1009_for_a_message_of_many_parts(graph: Graph) -> None:
    async def parts() -> Any:
        for _ in range(20):
            yield "x" * 10_000

    async with ready_socket(graph) as socket:
        with pytest.raises(Exception, match="1009"):
            await socket.connection.send(parts())
            await socket.connection.recv()


async def test_1007_for_a_text_that_is_not_utf8(graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        await socket.connection.send(b'{"type":"ping","payload":{"a":"\xff"}}', text=True)
        assert (await socket.closed())[0] == 1007


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://app.example.go.th.evil.example", "http://[::1", ORIGIN + ":8443"],
)
async def test_a_page_elsewhere_is_turned_away_before_the_handshake(origin: str, graph: Graph) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with socket_to(graph, origin=origin):
            pass

    assert refused.value.response.status_code == 403


async def test_our_own_pages_are_let_in(graph: Graph) -> None:
    for origin in (ORIGIN, graph.url.removesuffix("/graphql")):
        async with ready_socket(graph, origin=origin) as socket:
            assert await socket.ask(TYPENAME)


# ---- who is signed in no longer


async def test_a_socket_ends_with_its_token(one: PersonId, start: Start, tokens: Tokens, signed_in: SignedIn) -> None:
    async def short_lived(token: str) -> Session:
        session = await tokens.verify(token)
        return replace(session, expires_at=session.issued_at + timedelta(seconds=2))

    phone = await signed_in(one, await start(authenticate=short_lived))
    async with ready_socket(phone) as socket:
        assert await socket.ask(TYPENAME)
        assert await socket.closed() == (4403, "the access token has expired")


async def test_a_socket_ends_with_its_session(one: PersonId, start: Start, tokens: Tokens, signed_in: SignedIn) -> None:
    phone = await signed_in(one, await start(limits=Limits(session_look_s=0.1)))
    async with ready_socket(phone) as socket:
        await tokens.end_all(one, why="a test")

        assert await socket.closed() == (4403, "this session has ended; sign in again")


async def test_who_has_signed_out_is_asked_nothing_more(one: PersonId, tokens: Tokens, signed_in: SignedIn) -> None:
    phone = await signed_in(one)
    async with ready_socket(phone) as socket:
        await tokens.end_all(one, why="a test")
        await socket.subscribe("1", WHO)

        assert await socket.closed() == (4403, "this session has ended; sign in again")


async def test_a_database_that_is_away_closes_no_socket(
    one: PersonId, start: Start, tokens: Tokens, signed_in: SignedIn
) -> None:
    is_away = False

    async def verify(token: str) -> Session:
        if is_away:
            raise ConnectionError("away")
        return await tokens.verify(token)

    phone = await signed_in(one, await start(authenticate=verify, limits=Limits(session_look_s=0.05)))
    async with ready_socket(phone) as socket:
        is_away = True
        await asyncio.sleep(0.3)
        is_away = False

        assert await socket.ask(TYPENAME) == [{"data": {"__typename": "Query"}}]


@pytest.mark.parametrize(("error", "code"), [(RuntimeError("secret"), 4500), (Unauthenticated("no", th="ไม่"), 4403)])
async def test_a_fault_while_initialising_says_nothing_of_itself(error: Exception, code: int, start: Start) -> None:
    async def verify(_token: str) -> Session:
        raise error

    async with socket_to(await start(authenticate=verify)) as socket:
        await socket.say({"type": "connection_init", "payload": {"Authorization": "Bearer x"}})
        told = await socket.closed()

    assert told[0] == code
    assert "secret" not in told[1]


# ---- how many


async def test_five_sockets_of_one_person(phone: Graph, other: PersonId, signed_in: SignedIn) -> None:
    elsewhere = await signed_in(other)

    async with AsyncExitStack() as sockets:
        for _ in range(5):
            await sockets.enter_async_context(ready_socket(phone))
        async with socket_to(phone) as sixth:
            await sixth.say({"type": "connection_init"})
            assert await sixth.closed() == (4403, "at most 5 sockets at once")
        async with ready_socket(elsewhere):
            pass
    await asyncio.sleep(0.1)
    async with ready_socket(phone) as again:
        assert await again.ask(TYPENAME)


async def test_sockets_of_people_who_are_not_signed_in(start: Start, one: PersonId, signed_in: SignedIn) -> None:
    graph = await start(limits=Limits(strangers=1))

    async with ready_socket(graph), socket_to(graph) as second:
        await second.say({"type": "connection_init"})
        assert await second.closed() == (4403, "at most 1 sockets at once for those who are not signed in")
        async with ready_socket(await signed_in(one, graph)) as of_a_person:
            assert await of_a_person.ask(TYPENAME)


# ---- what is left behind


async def test_who_goes_leaves_no_task_behind(start: Start) -> None:
    inbox = HeldInbox()
    graph = await start(replacing={"inbox": inbox})
    before = len(asyncio.all_tasks())
    async with ready_socket(graph) as socket:
        for name in "abc":
            await socket.subscribe(name, HELD)
        await until(lambda: inbox.begun == 3)
        socket.connection.transport.abort()
    await until(lambda: inbox.ended == 3 and len(asyncio.all_tasks()) <= before)


async def test_complete_stops_what_it_asked_for(start: Start) -> None:
    inbox = HeldInbox()
    graph = await start(replacing={"inbox": inbox})
    async with ready_socket(graph) as socket:
        await socket.subscribe("1", HELD)
        await until(lambda: inbox.begun == 1)
        await socket.say({"id": "1", "type": "complete"})
        await until(lambda: inbox.ended == 1)

        assert await socket.ask(TYPENAME) == [{"data": {"__typename": "Query"}}]  # and nothing of 1 comes any more


async def test_what_changes_something_is_carried_to_its_end(one: PersonId, start: Start, signed_in: SignedIn) -> None:
    """A phone that goes while its wish is being carried out."""
    begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow:
        async def update(self, *_: Any) -> None:
            begun.set()
            await go.wait()
            done.set()

    phone = await signed_in(one, await start(replacing={"preferences": Slow()}))
    change = "mutation { updatePreferences(input: {language: EN}) { problems { code } } }"
    async with ready_socket(phone) as socket:
        await socket.subscribe("1", change)
        async with asyncio.timeout(5):
            await begun.wait()
    go.set()
    async with asyncio.timeout(5):
        await done.wait()


async def test_a_reader_who_is_slow_holds_up_only_themselves(graph: Graph) -> None:
    """What isn't read isn't written: the server reads no more from who doesn't read from it."""

    async def flood(socket: Socket) -> None:
        for _ in range(1_000):  # far more than what lies between two ends of a connection
            await socket.say({"type": "ping", "payload": {"a": "x" * 60_000}})

    async with ready_socket(graph, max_queue=1) as socket:
        flooding = asyncio.create_task(flood(socket))
        await asyncio.sleep(1)
        assert not flooding.done()
        async with ready_socket(graph) as quick:
            assert await quick.ask(TYPENAME)
        assert not flooding.done()
        for _ in range(1_000):  # who reads on gets all of it
            assert (await socket.hear())["type"] == "pong"
        await flooding


# ---- whatever comes in


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete", "next"]) | JSON,
        "id": st.sampled_from(["1", "2"]) | JSON,
        "payload": st.fixed_dictionaries(
            {}, optional={"query": st.sampled_from([TYPENAME, "{", WHO]) | JSON, "variables": JSON, "extensions": JSON}
        )
        | JSON,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(MESSAGES, max_size=6))
async def test_any_messages(messages: list[Any], graph: Graph) -> None:
    """Each is answered, or the socket is closed for what is wrong with it: never for a fault of ours."""
    async with ready_socket(graph) as socket:
        with suppress(ConnectionClosed):
            for message in messages:
                await socket.say(message)
            await socket.say({"type": "ping", "payload": {"is": "the last"}})
            async with asyncio.timeout(10):
                while await socket.hear() != {"type": "pong", "payload": {"is": "the last"}}:
                    pass
            return

    assert socket.connection.close_code in (4400, 4409, 4429)
