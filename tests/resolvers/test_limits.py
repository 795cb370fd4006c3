"""What one request may be: each limit holds, says its name, and what is just within it is answered."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from resolvers.limits import Limits
from tests.resolvers.conftest import Graph, SignedIn, Start
from trust.people import PersonId


async def refused(graph: Graph, query: str, **variables: Any) -> str:
    reply = await graph.post({"query": query, "variables": variables}, Accept="application/graphql-response+json")
    assert reply.status == 400
    assert "data" not in reply.json()
    (error,) = reply.json()["errors"]
    return str(error["extensions"]["code"])


async def test_a_long_document(graph: Graph) -> None:
    assert await refused(graph, "{ __typename }" + " " * 15_000) == "DOCUMENT_TOO_LARGE"
    assert await graph.ask("{ __typename }" + " " * 14_000)


async def test_a_document_of_many_tokens(graph: Graph) -> None:
    many = "{ " + " ".join(f"a{n}" for n in range(999)) + " }"

    assert await refused(graph, many) == "TOO_MANY_TOKENS"
    assert await refused(graph, "#\n" * 1_001 + "{ __typename }") == "TOO_MANY_TOKENS"
    assert await refused(graph, many.replace(" a5 ", " ")) != "TOO_MANY_TOKENS"


NODE = 'lifeEvent(code: "birth_of_child") { steps { service '
TEN_DEEP = "{ " + NODE + "{ " + "requires { " * 5 + "agency { name { th" + " }" * 11


async def test_a_deep_document(graph: Graph) -> None:
    nine = '{ publicService(code: "a") { ' + "requires { " * 8 + "code" + " }" * 8 + " } }"
    deep = nine.replace("code }", "requires { code } }", 1)

    assert await graph.ask(nine) == {"publicService": None}
    assert await refused(graph, deep) == "TOO_DEEP"
    assert await refused(graph, TEN_DEEP) == "TOO_DEEP"


async def test_depth_is_counted_with_the_fragments_written_out(graph: Graph) -> None:
    chain = "".join(f" fragment F{n} on PublicService {{ requires {{ ...F{n + 1} }} }}" for n in range(9))
    document = '{ publicService(code: "a") { ...F0 } }' + chain + " fragment F9 on PublicService { code }"

    assert await refused(graph, document) == "TOO_DEEP"


@pytest.mark.parametrize(
    "document", ["{a" * 300, "{a(x:" + "[" * 900, "{a(x:" + "{y:" * 300, "query ($x: " + "[" * 900]
)
async def test_a_bottomless_document(document: str, graph: Graph) -> None:
    assert await refused(graph, document) == "TOO_DEEP"


async def test_many_aliases(graph: Graph) -> None:
    few = '{ lifeEvent(code: "a") { ' + " ".join(f"c{n}: code" for n in range(15)) + " } }"
    many = few.replace("{ c0:", "{ d: code c0:")
    spread = """{ a: lifeEvent(code: "a") { ...F } b: lifeEvent(code: "b") { ...F } c: lifeEvent(code: "c") { ...F } }
      fragment F on LifeEventType { a: code b: code c: code d: code e: code }"""

    assert await graph.ask(few) == {"lifeEvent": None}
    assert await refused(graph, many) == "TOO_MANY_ALIASES"
    assert await refused(graph, spread) == "TOO_MANY_ALIASES"


async def test_many_root_fields(graph: Graph) -> None:
    ten = "{ " + " ".join(f"a{n}: __typename" for n in range(10)) + " }"

    assert len(await graph.ask(ten)) == 10
    assert await refused(graph, ten.replace("a0:", "b: __typename a0:")) == "TOO_MANY_ROOT_FIELDS"
    assert await refused(graph, "{ ...F } fragment F on Query " + ten.replace("a0:", "b: __typename a0:")) == (
        "TOO_MANY_ROOT_FIELDS"
    )
    assert await refused(graph, "mutation { " + " ".join(["__typename"] * 11) + " }") == "TOO_MANY_ROOT_FIELDS"


async def test_many_directives(graph: Graph) -> None:
    twenty = "{ me { " + " ".join("id @include(if: true)" for _ in range(20)) + " } }"

    assert await graph.ask(twenty) == {"me": None}
    assert await refused(graph, twenty.replace("{ me", "{ __typename @skip(if: true) me")) == "TOO_MANY_DIRECTIVES"
    assert await refused(graph, "{ __typename " + "@skip(if: false) " * 21 + "}") == "TOO_MANY_DIRECTIVES"


async def test_many_fragments(graph: Graph) -> None:
    fragments = "".join(f" fragment F{n} on Query {{ __typename }}" for n in range(21))
    spreads = " ".join(f"...F{n}" for n in range(21))

    assert await refused(graph, "{ " + spreads + " }" + fragments) == "TOO_MANY_FRAGMENTS"


async def test_a_bomb_of_fragments(graph: Graph) -> None:
    bomb = "".join(f" fragment F{n} on PublicService {{ ...F{n + 1} ...F{n + 1} }}" for n in range(18))
    document = '{ publicService(code: "a") { ...F0 } }' + bomb + " fragment F18 on PublicService { code title { th } }"

    began = time.perf_counter()
    assert await refused(graph, document) == "TOO_MANY_REPEATS"
    assert time.perf_counter() - began < 1


async def test_fragments_in_a_circle_are_invalid_and_harmless(graph: Graph) -> None:
    circle = "{ me { ...A } } fragment A on Citizen { id ...B } fragment B on Citizen { id ...A }"

    assert await graph.code(circle) == "VALIDATION_FAILED"


async def test_one_field_many_times(graph: Graph) -> None:
    """Whose comparison with one another is quadratic, and done while validating."""
    began = time.perf_counter()
    assert await refused(graph, "{ " + 'lifeEvent(code: "a") { code } ' * 100 + "}") in (
        "TOO_MANY_REPEATS", "TOO_MANY_ROOT_FIELDS",
    )  # fmt: skip
    assert await refused(graph, "{ me { " + "devices { id } " * 200 + "} }") == "TOO_MANY_REPEATS"
    assert time.perf_counter() - began < 1


EXPENSIVE = """query Q($n: Int = 100) { publicServices(first: $n) { edges { node {
  requirements { text { th en said } } amounts { name { th en said } value } evidence { title { th en said } } } } } }"""


async def test_an_answer_that_could_be_too_large(graph: Graph) -> None:
    assert await refused(graph, EXPENSIVE) == "TOO_COMPLEX"
    assert (
        await refused(graph, EXPENSIVE.replace("$n)", "100)").replace("query Q($n: Int = 100)", "query Q"))
        == "TOO_COMPLEX"
    )
    assert await refused(graph, EXPENSIVE, n=2147483647) == "TOO_COMPLEX"
    assert await graph.ask(EXPENSIVE, n=10)


async def test_pages_within_pages_multiply(graph: Graph) -> None:
    nested = "{ lifeStages { services { lifeEvents { steps { service { code title { th } } } } } } }"

    assert await refused(graph, nested) == "TOO_COMPLEX"


async def test_as_many_nodes_as_ids(graph: Graph) -> None:
    ids = ["x"] * 100
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PublicService { amounts { name { th en } tiers { label value } unit { name { th en } } per { name { th en } } } } } }"

    assert await refused(graph, query, ids=ids) == "TOO_COMPLEX"
    assert (await graph.ask(query, ids=["x"] * 3))["nodes"] == [None] * 3
    assert await graph.code("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101) == "BAD_INPUT"


async def test_a_document_that_was_seen_is_measured_again_with_other_sizes(graph: Graph) -> None:
    for _ in range(2):
        assert await graph.ask(EXPENSIVE, n=5)
        assert await refused(graph, EXPENSIVE, n=90) == "TOO_COMPLEX"


async def test_introspection_is_for_development(graph: Graph, production: Graph) -> None:
    from graphql import get_introspection_query

    full = get_introspection_query()

    assert (await graph.ask(full))["__schema"]["queryType"]["name"] == "Query"
    assert await refused(production, full) == "INTROSPECTION_OFF"
    assert await refused(production, '{ __type(name: "Citizen") { name } }') == "INTROSPECTION_OFF"
    assert (
        await refused(production, "{ ...F } fragment F on Query { __schema { types { name } } }") == "INTROSPECTION_OFF"
    )
    assert await production.ask("{ __typename }") == {"__typename": "Query"}


async def test_suggestions_are_for_development(graph: Graph, production: Graph) -> None:
    query = "{ lifeEvnt(code: 1) { code } }"

    assert "lifeEvent" in (await graph.reply(query)).json()["errors"][0]["message"]
    assert "lifeEvent" not in (await production.reply(query)).body.decode()


async def test_at_most_five_errors_come_back(graph: Graph) -> None:
    reply = await graph.reply("{ " + " ".join(f"wrong{n}" for n in range(9)) + " }")

    assert len(reply.json()["errors"]) == 5


async def test_a_citizen_may_ask_sixty_times_in_ten_seconds(
    signed_in: SignedIn, one: PersonId, other: PersonId
) -> None:
    phone, another = await signed_in(one), await signed_in(other)

    replies = [await phone.reply("{ __typename }") for _ in range(61)]

    assert [reply.status for reply in replies[:60]] == [200] * 60
    last = replies[60]
    assert last.status == 429
    assert last.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert 1 <= int(last.headers["retry-after"]) <= 11
    assert (await another.reply("{ __typename }")).status == 200


async def test_a_request_has_its_time_and_then_hears_so(start: Start) -> None:
    hurried = await start(limits=Limits(request_s=0.0))

    # A code that nobody was sent is looked up in the database, which takes longer than no time at all.
    reply = await hurried.reply('{ sentCheck(code: "ABCD2345") { topic } }')

    assert reply.status == 504
    assert reply.headers["retry-after"] == "1"
    assert reply.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert "data" not in reply.json()


async def test_a_hundred_thousand_tokens_do_not_hold_up_the_others(graph: Graph) -> None:
    async def neighbour() -> float:
        slowest = 0.0
        for _ in range(20):
            began = time.perf_counter()
            await graph.ask("{ __typename }")
            slowest = max(slowest, time.perf_counter() - began)
        return slowest

    async def nuisance() -> None:
        for _ in range(20):
            await graph.reply("{ " + "a " * 7_000 + "}")

    slowest, _ = await asyncio.gather(neighbour(), nuisance())

    assert slowest < 1
