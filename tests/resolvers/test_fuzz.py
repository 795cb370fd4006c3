"""Whatever comes in: never a 5xx, always JSON, always an `errors` or a `data`."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation import strict_json
from resolvers.limits import Limits
from tests.resolvers.conftest import Graph

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "!",
        "$",
        "@",
        "...",
        "=",
        "|",
        "&",
        "#",
        '"',
        "'",
        "query",
        "mutation",
        "subscription",
        "fragment",
        "on",
        "me",
        "id",
        "profile",
        "value",
        "state",
        "publicServices",
        "edges",
        "node",
        "nodes",
        "first",
        "after",
        "search",
        "ids",
        "lifeEvents",
        "stage",
        "BIRTH",
        "totalCount",
        "__typename",
        "__schema",
        "__type",
        "$n",
        "Int",
        "String",
        "ID",
        "true",
        "false",
        "null",
        "0",
        "-1",
        "1.5e400",
        "99999999999",
        '"x"',
        '"""y"""',
        "include",
        "skip",
        "if",
        "name",
        "said",
        "th",
        "en",
        "\\u0000",
        "ก",
        "🙂",
    ]
)
DOCUMENTS = st.lists(WORDS, max_size=60).map(" ".join)
NAMES = ["code", "id", "title { said }", "agency { code }", "steps { order }", "__typename", "nothing", "c: code"]
SELECTIONS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map(" ".join)
LIKELY = st.builds(
    "query ($n: Int, $s: String) {{ {root} {{ {selection} }} }}".format,
    root=st.sampled_from(
        [
            "publicService(code: $s)",
            "lifeEvent(code: $s)",
            "node(id: $s)",
            "me",
            "lifeStages",
            "publicServices(first: $n)",
        ]
    ),
    selection=SELECTIONS | st.builds("edges {{ node {{ {} }} }}".format, SELECTIONS),
)
CALM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _is_an_answer(status: int, body: bytes) -> None:
    assert status < 500, body[:500]
    told = orjson.loads(body)
    assert isinstance(told, dict)
    assert "data" in told or told["errors"]
    for error in told.get("errors", []):
        assert error["message"]
        assert error["extensions"]["code"] != "INTERNAL"
    assert len(told.get("errors", [])) <= Limits().errors


@CALM
@given(body=st.binary(max_size=200))
async def test_any_bytes(body: bytes, graph: Graph) -> None:
    reply = await graph.post(body)

    _is_an_answer(reply.status, reply.body)


@CALM
@given(body=JSON)
async def test_any_json(body: Any, graph: Graph) -> None:
    try:
        content = orjson.dumps(body)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        return
    reply = await graph.post(content)

    _is_an_answer(reply.status, reply.body)


@CALM
@given(query=DOCUMENTS | LIKELY | st.text(max_size=100), variables=JSON, name=st.none() | st.text(max_size=5))
async def test_any_question(query: str, variables: Any, name: str | None, graph: Graph) -> None:
    try:
        content = orjson.dumps({"query": query, "variables": variables, "operationName": name})
    except TypeError:
        return
    for accept in ("application/json", "application/graphql-response+json"):
        reply = await graph.post(content, Accept=accept)

        _is_an_answer(reply.status, reply.body)


@CALM
@given(query=LIKELY, n=JSON, s=JSON)
async def test_any_variables(query: str, n: Any, s: Any, graph: Graph) -> None:
    try:
        content = orjson.dumps({"query": query, "variables": {"n": n, "s": s}})
    except TypeError:
        return
    reply = await graph.post(content)

    _is_an_answer(reply.status, reply.body)


@CALM
@given(query_string=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
async def test_any_address(query_string: str, graph: Graph) -> None:
    address = graph.url + "?query=" + query_string.replace("#", "%23").replace("%", "%25")
    reply = await graph.http.request("GET", address, deadline_s=5)

    _is_an_answer(reply.status, reply.body)


@CALM
@given(
    accept=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    language=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    content_type=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    authorization=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
)
async def test_any_headers(accept: str, language: str, content_type: str, authorization: str, graph: Graph) -> None:
    reply = await graph.post(
        {"query": "{ __typename }"},
        Accept=accept, Accept_Language=language, Content_Type=content_type, Authorization=authorization,
    )  # fmt: skip

    _is_an_answer(reply.status, reply.body)


KEYS = st.text(st.sampled_from('ab:\\"{}ก\n'), max_size=3)
NESTED = st.recursive(
    st.integers(0, 9) | st.text(st.sampled_from('ab:\\"{},'), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=3).map(tuple),
    max_leaves=8,
)


def _write(value: Any, *, spaced: bool) -> tuple[str, bool]:
    """JSON with objects as they are listed, and whether every object's keys differ."""
    colon = " : " if spaced else ":"
    if isinstance(value, tuple):
        parts = [(orjson.dumps(key).decode(), *_write(one, spaced=spaced)) for key, one in value]
        unique = len({key for key, _, _ in parts}) == len(parts) and all(ok for _, _, ok in parts)
        return "{" + ",".join(f"{key}{colon}{text}" for key, text, _ in parts) + "}", unique
    if isinstance(value, list):
        written = [_write(one, spaced=spaced) for one in value]
        return "[" + ",".join(text for text, _ in written) + "]", all(ok for _, ok in written)
    return orjson.dumps(value).decode(), True


@settings(max_examples=400, deadline=None)
@given(value=NESTED, spaced=st.booleans(), escaped=st.booleans())
def test_a_repeated_key_is_always_found(value: Any, spaced: bool, escaped: bool) -> None:
    text, unique = _write(value, spaced=spaced)
    if escaped:
        text = f'["\\u003a",{text}]'

    try:
        strict_json.loads(text.encode())
    except strict_json.KeyTwice:
        assert not unique
    else:
        assert unique
