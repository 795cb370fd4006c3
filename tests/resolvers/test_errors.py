"""What goes wrong is said in words of ours: nothing a client sent comes back, nothing of our inside gets out."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from foundation.store import PyMongoError
from tests.resolvers.conftest import Graph, SignedIn, Start
from trust.people import PersonId
from trust.tokens import Session

SECRET = "1101700230708"  # what a person might type in the wrong place


async def said(graph: Graph, query: str, **variables: Any) -> str:
    reply = await graph.reply(query, **variables)
    assert SECRET not in reply.body.decode()
    return str(reply.json()["errors"][0]["message"])


CHANGE = "mutation ($i: ChangeHospitalInput!) { changeHospital(input: $i) { problems { code } } }"
GOOD = {"hospitalCode": "a", "mobile": "b", "reason": "c", "clientKey": "d"}


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        ("query ($n: Int) { lifeEvents(first: $n) { totalCount } }", {"n": SECRET}, "Variable '$n' must be of type Int."),
        ("query ($n: Int) { lifeEvents(first: $n) { totalCount } }", {"n": int(SECRET)}, "Variable '$n' must be of type Int."),
        ("query ($c: String!) { lifeEvent(code: $c) { code } }", {}, "Variable '$c' is missing; its type is String!."),
        ("query ($c: String!) { lifeEvent(code: $c) { code } }", {"c": None}, "Variable '$c' must be of type String!."),
        ("query ($c: String!) { lifeEvent(code: $c) { code } }", {"c": [SECRET]}, "Variable '$c' must be of type String!."),
        (
            "query ($s: LifeStageCode) { lifeEvents(stage: $s) { totalCount } }", {"s": SECRET},
            "Variable '$s' must be one of BIRTH, ",
        ),
        ("query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["a", {SECRET: 1}]}, "Variable '$i[1]' must be of type ID!."),
        (CHANGE, {"i": SECRET}, "Variable '$i' must be an object of type ChangeHospitalInput!."),
        (CHANGE, {"i": {SECRET: SECRET}}, "Variable '$i' lacks hospitalCode, mobile, reason, clientKey, which"),
        (CHANGE, {"i": GOOD | {SECRET: 1}}, "Variable '$i' holds a field that ChangeHospitalInput doesn't have; it has"),
        (CHANGE, {"i": GOOD | {"mobile": int(SECRET)}}, "Variable '$i.mobile' must be of type String!."),
        (CHANGE, {"i": GOOD | {"mobile": None}}, "Variable '$i.mobile' must be of type String!."),
    ],
)  # fmt: skip
async def test_a_wrong_variable_is_named_and_not_repeated(
    query: str, variables: dict[str, Any], message: str, graph: Graph
) -> None:
    assert (await said(graph, query, **variables)).startswith(message)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f'{{ lifeEvents(first: "{SECRET}") {{ totalCount }} }}', "A value here must be of type Int."),
        (f"{{ lifeEvent(code: {SECRET}) {{ code }} }}", "A value here must be of type String!."),
        (f"{{ lifeEvents(stage: A{SECRET}) {{ totalCount }} }}", "A value here must be one of BIRTH, "),
        (f'{{ lifeEvents(stage: "{SECRET}") {{ totalCount }} }}', "A value here must be one of BIRTH, "),
        (f'query ($n: Int = "{SECRET}") {{ lifeEvents(first: $n) {{ totalCount }} }}', "A value here must be of type Int."),
        (f'{{ nodes(ids: ["a", {{a: "{SECRET}"}}]) {{ id }} }}', "A value here must be of type ID!."),
        (f'mutation {{ changeHospital(input: {{mobile: "{SECRET}"}}) {{ problems {{ code }} }} }}', "A value here lacks"),
        (f'mutation {{ removeDevice(input: {{id: "{SECRET}", x: 1}}) {{ removedId }} }}', "A value here holds a field"),
        (f'{{ lifeEvent "{SECRET}" }}', "Syntax error: expected Name."),
        (f'"{SECRET}"', "Syntax error: "),
        (f"{{ a(x: {SECRET}abc) }}", "Syntax error: "),
        (f'{{ a(x: "{SECRET}', "Syntax error: "),
        (f'{{ a(x: "\\u{{{SECRET}}}") }}', "Syntax error: "),
    ],
)  # fmt: skip
async def test_a_wrong_literal_is_placed_and_not_repeated(query: str, message: str, graph: Graph) -> None:
    assert (await said(graph, query)).startswith(message)
    assert (await graph.reply(query)).json()["errors"][0]["locations"][0]["line"] == 1


async def test_an_unknown_operation_is_not_repeated(graph: Graph) -> None:
    reply = await graph.post({"query": "query A { __typename }", "operationName": SECRET})

    assert SECRET not in reply.body.decode()


async def test_a_null_that_the_type_allowed_and_the_argument_does_not(graph: Graph) -> None:
    query = 'query ($only: Boolean = true) { me { inbox(unreadOnly: $only) { unreadCount } } lifeEvent(code: "a") { code } }'

    assert (await graph.ask(query)) == {"me": None, "lifeEvent": None}


async def test_our_own_errors_are_said_in_the_readers_language(graph: Graph) -> None:
    query = "{ lifeEvents(first: 0) { totalCount } }"

    thai = (await graph.reply(query)).json()["errors"][0]
    english = (await graph.with_headers(Accept_Language="en").reply(query)).json()["errors"][0]

    assert thai["message"] == "หนึ่งหน้ามีได้ 1 ถึง 100 รายการ"
    assert english["message"] == "a page has 1 to 100 items"
    assert thai["extensions"] == english["extensions"] == {"code": "BAD_INPUT", "field": "first"}


# ---- who asks


async def test_nobody_signed_in_is_nobody(graph: Graph) -> None:
    assert await graph.ask("{ me { id } }") == {"me": None}


@pytest.mark.parametrize(
    "header", ["Bearer nonsense", "Bearer a.b.c", "Bearer", "Basic YTpi", "Bearer " + "x" * 5_000, "x"]
)
async def test_a_token_that_is_not_good_is_refused_and_never_overlooked(header: str, graph: Graph) -> None:
    reply = await graph.with_headers(Authorization=header).reply("{ __typename }")

    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    (error,) = reply.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    assert "data" not in reply.json()


async def test_a_session_that_has_ended_is_refused(signed_in: SignedIn, one: PersonId, tokens: Any) -> None:
    phone = await signed_in(one)
    assert (await phone.ask("{ me { id } }"))["me"]

    await tokens.end_all(one, why="a lost phone")

    assert (await phone.reply("{ me { id } }")).status == 401


# ---- what we did not foresee


class Broken:
    """A room whose floor gives way."""

    def __init__(self, exc: Exception) -> None:
        self._exc = exc

    async def sent_check(self, _code: str) -> None:
        raise self._exc


async def test_a_surprise_is_masked_and_the_whole_story_is_logged(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    broken = await start(replacing={"inbox": Broken(RuntimeError("the cellar is flooded"))})

    with caplog.at_level(logging.ERROR, logger="resolvers"):
        query = "query ($c: String!) { sentCheck(code: $c) { topic } __typename }"
        reply = await broken.with_headers(Accept_Language="en").reply(query, c=SECRET)

    told = reply.json()
    reference = told["errors"][0]["extensions"].pop("reference")
    assert reply.status == 200
    assert told["data"] == {"sentCheck": None, "__typename": "Query"}
    assert told["errors"][0]["extensions"] == {"code": "INTERNAL"}
    assert told["errors"][0]["path"] == ["sentCheck"]
    assert reference in told["errors"][0]["message"]
    assert "cellar" not in reply.body.decode()
    (record,) = [one for one in caplog.records if one.name.startswith("resolvers")]
    assert record.__dict__["reference"] == reference
    assert record.exc_info is not None
    assert "cellar" in str(record.exc_info[1])
    assert SECRET not in caplog.text


async def test_a_database_that_is_away_is_unavailable(start: Start) -> None:
    broken = await start(replacing={"inbox": Broken(PyMongoError("no primary"))})

    told = (await broken.reply('{ sentCheck(code: "A") { topic } }')).json()

    assert told["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert "primary" not in str(told)


@pytest.mark.parametrize(
    ("exc", "status", "code"), [(PyMongoError("no primary"), 503, "UNAVAILABLE"), (KeyError("x"), 500, "INTERNAL")]
)
async def test_a_sign_in_that_cannot_be_checked_is_no_sign_in(
    exc: Exception, status: int, code: str, start: Start
) -> None:
    async def authenticate(_token: str) -> Session:
        raise exc

    reply = (
        await (await start(authenticate=authenticate)).with_headers(Authorization="Bearer x").reply("{ __typename }")
    )

    assert reply.status == status
    assert reply.json()["errors"][0]["extensions"]["code"] == code


async def test_refusals_and_answers_are_counted(start: Start, metrics: Any) -> None:
    def counted(outcome: str) -> float:
        return float(metrics.requests.labels("graphql", outcome)._value.get())

    before = {outcome: counted(outcome) for outcome in ("answered", "refused", "failed")}
    graph = await start()
    await graph.ask("{ __typename }")
    await graph.post(b"nonsense")

    assert counted("answered") == before["answered"] + 1
    assert counted("refused") == before["refused"] + 1
    assert counted("failed") == before["failed"]
