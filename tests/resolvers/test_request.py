"""GraphQL over HTTP by the book: media types, methods, parameters, and everything that isn't a request."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import pytest

from foundation.http import Reply
from resolvers.limits import Limits
from resolvers.request import negotiate_media
from resolvers.server import GraphQLServer
from tests.resolvers.conftest import ORIGIN, Graph, Start

TYPENAME = "{ __typename }"
GRAPHQL = "application/graphql-response+json"


def code_of(reply: Reply) -> str:
    (error,) = reply.json()["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


async def get(graph: Graph, query_string: str, **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await graph.http.request("GET", f"{graph.url}?{query_string}", deadline_s=5, headers=sent)


# ---- media types


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL}, application/json;q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/json;q=0.9", "application/json"),
        (f"{GRAPHQL}, application/json", GRAPHQL),
        (f"text/html, {GRAPHQL};q=0.1", GRAPHQL),
    ],
)
async def test_the_answer_comes_in_the_form_that_is_liked_best(accept: str, answered: str, graph: Graph) -> None:
    reply = await graph.post({"query": TYPENAME}, Accept=accept)

    assert reply.status == 200
    assert reply.headers["content-type"] == f"{answered}; charset=utf-8"
    assert reply.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png", "application/json;q=0", f"{GRAPHQL}; charset=utf-16", "application/json;q=x"]
)
async def test_a_form_that_we_do_not_speak_is_not_acceptable(accept: str, graph: Graph) -> None:
    reply = await graph.post({"query": TYPENAME}, Accept=accept)

    assert reply.status == 406
    assert code_of(reply) == "NOT_ACCEPTABLE"


def test_a_browser_is_offered_the_page_in_development_only() -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    assert negotiate_media(browser, offers_html=True) == "text/html"
    assert negotiate_media(browser, offers_html=False) == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "", "text/plain", "application/graphql", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/json; charset=iso-8859-1", "application/json; charset=utf-16", "application/jsonx",
    ],
)  # fmt: skip
async def test_a_body_in_another_form_is_refused(content_type: str, graph: Graph) -> None:
    reply = await graph.post({"query": TYPENAME}, Content_Type=content_type)

    assert reply.status == 415
    assert code_of(reply) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=UTF-8", 'Application/JSON ; charset="utf-8"']
)
async def test_json_in_utf_8_is_taken_however_it_is_announced(content_type: str, graph: Graph) -> None:
    assert (await graph.post({"query": TYPENAME}, Content_Type=content_type)).status == 200


async def test_a_compressed_body_is_refused(graph: Graph) -> None:
    assert (await graph.post(b"\x1f\x8b", Content_Encoding="gzip")).status == 415


# ---- methods


async def test_a_query_may_come_in_the_address(graph: Graph) -> None:
    query = quote("query Q($c: String!) { lifeEvent(code: $c) { code } } query R { __typename }")
    variables = quote('{"c": "birth_of_child"}')

    reply = await get(graph, f"query={query}&variables={variables}&operationName=Q&extensions=%7B%7D")

    assert reply.json() == {"data": {"lifeEvent": {"code": "birth_of_child"}}}


async def test_a_mutation_may_not(graph: Graph) -> None:
    query = quote('mutation { markNotificationRead(input: {id: "x"}) { problems { code } } }')

    for accept in ("application/json", GRAPHQL):
        reply = await get(graph, f"query={query}", Accept=accept)

        assert reply.status == 405
        assert reply.headers["allow"] == "POST"
        assert code_of(reply) == "METHOD_NOT_ALLOWED"


async def test_the_head_of_an_answer_has_no_body(graph: Graph) -> None:
    reply = await graph.http.request("HEAD", f"{graph.url}?query={quote(TYPENAME)}", deadline_s=5)

    assert reply.status == 200
    assert reply.body == b""
    assert int(reply.headers["content-length"]) == len(b'{"data":{"__typename":"Query"}}')


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
async def test_other_methods_are_not_allowed(method: str, graph: Graph) -> None:
    reply = await graph.http.request(method, graph.url, deadline_s=5)

    assert reply.status == 405
    assert "POST" in reply.headers["allow"]


@pytest.mark.parametrize(
    "query_string",
    [
        "", "query=", "query=%20", "query=%FF", "query=%7B__typename%7D&variables=%5B1%5D", "query=%7Ba%7D&variables=no",
        "query=%7Ba%7D&query=%7Bb%7D", "query=%7B__typename%7D&extensions=1", "variables=%7B%7D", "query=%00",
        "query=%7B__typename%7D&variables=NaN", "&".join(f"x{n}=1" for n in range(30)),
    ],
)  # fmt: skip
async def test_an_address_that_is_no_question_is_refused(query_string: str, graph: Graph) -> None:
    reply = await get(graph, query_string)

    assert reply.status == 400
    assert code_of(reply) == "BAD_INPUT"


async def test_an_endless_address_is_refused(server: GraphQLServer) -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/graphql",
        "headers": [],
        "query_string": b"query=" + b"+" * 66_000,
    }
    await server(scope, _nothing, send)

    assert said[0]["status"] == 413


async def _nothing() -> Any:
    raise AssertionError("nothing is to be received")


# ---- bodies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "query"),
        (b"   ", "query"),
        (b"null", "query"),
        (b"1", "query"),
        (b'"{ __typename }"', "query"),
        (b"{}", "query"),
        (b'{"qeury": "{ __typename }"}', "query"),
        (b'{"query": null}', "query"),
        (b'{"query": ""}', "query"),
        (b'{"query": 1}', "query"),
        (b'{"query": true}', "query"),
        (b'{"query": ["{ __typename }"]}', "query"),
        (b'{"query": {"a": 1}}', "query"),
        (b'{"query": "{ __typename }", "variables": "{}"}', "variables"),
        (b'{"query": "{ __typename }", "variables": [1]}', "variables"),
        (b'{"query": "{ __typename }", "variables": 0}', "variables"),
        (b'{"query": "{ __typename }", "variables": false}', "variables"),
        (b'{"query": "{ __typename }", "operationName": 1}', "operationName"),
        (b'{"query": "{ __typename }", "operationName": {}}', "operationName"),
        (b'{"query": "{ __typename }", "operationName": ["a"]}', "operationName"),
        (b'{"query": "{ __typename }", "extensions": "x"}', "extensions"),
        (b'{"query": "{ __typename }", "extensions": [1]}', "extensions"),
    ],
)
async def test_a_body_with_a_wrong_field_says_which(body: bytes, field: str, graph: Graph) -> None:
    for accept in ("application/json", GRAPHQL):
        reply = await graph.post(body, Accept=accept)

        assert reply.status == 400
        assert code_of(reply) == "BAD_INPUT"
        assert reply.json()["errors"][0]["extensions"]["field"] == field
        assert field in reply.json()["errors"][0]["message"]


@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
async def test_null_is_as_good_as_absent(name: str, graph: Graph) -> None:
    reply = await graph.post({"query": TYPENAME, name: None})

    assert reply.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "body",
    [
        b"{", b'{"query"', b"not json", b'{"query": "{ __typename }"',
        b'{"query": "{ __typename }"} trailing',
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        b'{"query": "{ __typename }", "variables": {"a": Infinity}}',
        b'{"query": "\xff\xfe"}',
        '{"query": "{ __typename }"}'.encode("utf-16"),
        b'{"query": "\\ud800"}',
        b'{"query": "{ __typename }", "variables": {"a": "\\udfff"}}',
        b"[" * 30_000,
        b'{"query": ' + b"[" * 30_000,
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
        b'{"query": "{ __typename }", "query": "{ me { id } }"}',
        b'{"query": "{ __typename }", "variables": {"a": 1, "a": 2}}',
        b'{"query": "{ __typename }", "variables": {"x": "\\u003a", "a": 1, "a": 2}}',
        b'{"query": "{ __typename }", "variables": {"\\u0061": 1, "a": 2}}',
        b'{"query": "{ __typename \\u0000 }"}',
        b'{"query": "{ __typename }", "variables": {"a": "\\u0000"}}',
        b"\xef\xbb\xbf" + b'{"query": "{ __typename }"}',
        b"{'query': '{ __typename }'}",
        b'{"query": "{ __typename }", // a remark\n}',
    ],
)  # fmt: skip
async def test_hostile_json_is_refused(body: bytes, graph: Graph) -> None:
    reply = await graph.post(body)

    assert reply.status == 400
    assert code_of(reply) == "BAD_INPUT"


@pytest.mark.parametrize(
    "variables",
    [
        b'{"a": 123456789012345678901234567890}', b'{"a": 1e400}', b'{"a": -0}', b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"__proto__": {"x": 1}, "$ne": 1, "a.b": 2}', b'{"a": "a:b:c", ":": ":"}', b'{"a": [[[[[[1]]]]]]}',
    ],
)  # fmt: skip
async def test_odd_json_is_data_and_harms_nothing(variables: bytes, graph: Graph) -> None:
    reply = await graph.post(b'{"query": "query Q($x: String) { lifeEvent(code: \\"a\\") { code } a: publicService('
                             b'code: \\"b\\") { code } n: publicServices(search: $x) { totalCount } }", "variables": '
                             + variables + b"}")  # fmt: skip

    assert reply.status in (200, 400)
    assert reply.json()


@pytest.mark.parametrize("body", [b"[]", b'[{"query": "{ __typename }"}]', b"[1]"])
async def test_a_batch_is_refused(body: bytes, graph: Graph) -> None:
    reply = await graph.post(body)

    assert reply.status == 400
    assert code_of(reply) == "BATCH_NOT_SUPPORTED"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(graph: Graph) -> None:
    for size in (65_537, 900_000):
        reply = await graph.post(b'{"query": "' + b" " * size)

        assert reply.status == 413
        assert code_of(reply) == "BODY_TOO_LARGE"


async def test_a_large_body_of_unknown_length_is_refused_while_it_is_read(graph: Graph) -> None:
    reply = await _raw(graph, b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b" " * 32_768 + b"\r\n"
                       b"9000\r\n" + b" " * 36_864 + b"\r\n0\r\n\r\n")  # fmt: skip

    assert reply.startswith(b"HTTP/1.1 413")


async def test_a_slow_sender_is_not_waited_for(start: Start) -> None:
    impatient = await start(limits=Limits(body_s=0.2))

    reply = await _raw(impatient, b'Content-Length: 50\r\n\r\n{"query":')

    assert reply.startswith(b"HTTP/1.1 408")
    assert b"BODY_TOO_SLOW" in reply
    assert b"connection: close" in reply


async def _raw(graph: Graph, rest: bytes) -> bytes:
    at = urlsplit(graph.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + rest)
    async with asyncio.timeout(10):
        received = await reader.read(2_000)
    writer.close()
    return received


# ---- headers


async def test_an_answer_is_kept_by_nobody(graph: Graph) -> None:
    reply = await graph.reply(TYPENAME)

    assert reply.headers["cache-control"] == "no-store"
    assert {"Accept-Language", "Authorization"} <= set(reply.headers["vary"].split(", "))
    assert reply.headers["content-language"] == "th"
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_our_own_origin_may_read_the_answer_and_another_may_not(graph: Graph) -> None:
    ours = await graph.with_headers(Origin=ORIGIN).reply(TYPENAME)
    foreign = await graph.with_headers(Origin="https://evil.example").reply(TYPENAME)
    refused = await graph.with_headers(Origin=ORIGIN, Authorization="Bearer nonsense").reply(TYPENAME)

    assert ours.headers["access-control-allow-origin"] == ORIGIN
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_browser_may_ask_for_leave_first(graph: Graph) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}

    ours = await graph.http.request("OPTIONS", graph.url, deadline_s=5, headers={"Origin": ORIGIN, **asked})
    foreign = await graph.http.request("OPTIONS", graph.url, deadline_s=5, headers={"Origin": "null", **asked})

    assert ours.status == 204
    assert ours.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in ours.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in foreign.headers
    assert "access-control-allow-methods" not in foreign.headers


async def test_the_page_loads_nothing_from_anywhere(graph: Graph, production: Graph) -> None:
    browser = {"Accept": "text/html,*/*;q=0.8"}

    page = await graph.http.request("GET", graph.url, deadline_s=5, headers=browser)
    none = await production.http.request("GET", production.url, deadline_s=5, headers=browser)

    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert b"http:" not in page.body
    assert b"https:" not in page.body
    assert none.status == 400
    assert none.headers["content-type"].startswith("application/json")


async def test_who_hangs_up_leaves_nothing_behind(server: GraphQLServer) -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    headers = [(b"content-type", b"application/json")]
    await server({"type": "http", "method": "POST", "path": "/graphql", "headers": headers}, receive, send)

    assert said == []


# ---- by the book: which status when


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "SYNTAX_ERROR"),
        ({"query": "{ nothing }"}, "VALIDATION_FAILED"),
        ({"query": "query ($c: String!) { lifeEvent(code: $c) { code } }"}, "BAD_INPUT"),
        ({"query": "query ($c: String!) { lifeEvent(code: $c) { code } }", "variables": {"c": 1}}, "BAD_INPUT"),
        ({"query": "query A { __typename } query B { __typename }"}, "AMBIGUOUS_OPERATION"),
        ({"query": "query A { __typename }", "operationName": "C"}, "UNKNOWN_OPERATION"),
        ({"query": "fragment F on Query { __typename }"}, "UNKNOWN_OPERATION"),
    ],
)
async def test_a_refused_document_is_200_in_the_older_form_and_400_in_the_newer(
    body: dict[str, Any], code: str, graph: Graph
) -> None:
    older = await graph.post(body, Accept="application/json")
    newer = await graph.post(body, Accept=GRAPHQL)

    assert (older.status, newer.status) == (200, 400)
    assert older.json() == newer.json()
    assert "data" not in newer.json()
    assert newer.json()["errors"][0]["extensions"]["code"] == code


async def test_an_operation_is_chosen_by_its_name(graph: Graph) -> None:
    body = {"query": "query A { a: __typename } query B { b: __typename }", "operationName": "B"}

    assert (await graph.post(body)).json() == {"data": {"b": "Query"}}


async def test_the_answer_is_json_without_ornament(graph: Graph) -> None:
    reply = await graph.reply('{ lifeEvent(code: "birth_of_child") { title { th } } }')

    assert reply.body == '{"data":{"lifeEvent":{"title":{"th":"มีลูก"}}}}'.encode()
    assert orjson.loads(reply.body)
