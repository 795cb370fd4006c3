"""Each way in which an agency can be ill, as a client feels it."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

NHSO = "/nhso/nhsoendpoint/api/v2/right-search"
BEARER = {"Authorization": "Bearer tangrat-nhso"}


@pytest.fixture
def ask(http, nation):
    """A question to the NHSO whose answer is well known."""
    return lambda: http.get(NHSO, params={"pid": nation.citizen(4).pid}, headers=BEARER)


async def test_slow_answers_late_and_right(ask, fault):
    await fault("nhso", "slow", delay_ms=150)

    began = time.perf_counter()
    reply = await ask()

    assert time.perf_counter() - began >= 0.15
    assert (await reply.json())["funds"]


async def test_slow_means_three_seconds_when_nothing_else_is_said(fault):
    assert (await fault("nhso", "slow"))["delay_ms"] == 3_000


async def test_down_closes_the_connection_without_an_answer(ask, fault):
    await fault("nhso", "down")

    with pytest.raises(aiohttp.ClientConnectionError):
        await ask()


async def test_down_with_a_status_says_so(ask, fault):
    await fault("nhso", "down", status=503, retry_after_s=7)

    reply = await ask()

    assert (reply.status, reply.headers["retry-after"]) == (503, "7")


async def test_error_is_worded_as_the_agency_words_it(ask, fault):
    await fault("nhso", "error")

    reply = await ask()

    assert reply.status == 500
    assert reply.headers["retry-after"] == "1"
    assert (await reply.json())["path"] == NHSO


async def test_html_is_a_page_with_a_200(ask, fault):
    await fault("nhso", "html")

    reply = await ask()

    assert (reply.status, reply.content_type) == (200, "text/html")


@pytest.mark.parametrize("kind", ["malformed", "truncated"])
async def test_a_broken_json_has_an_honest_length_and_does_not_parse(ask, fault, kind):
    honest = len(await (await ask()).read())
    await fault("nhso", kind)

    reply = await ask()
    body = await reply.read()

    assert (reply.status, reply.content_type) == (200, "application/json")
    assert len(body) == (honest if kind == "malformed" else honest // 2)
    with pytest.raises(ValueError, match=r"."):
        await reply.json()


async def test_a_key_can_be_said_twice(ask, fault):
    await fault("nhso", "duplicate_key")

    body = await (await ask()).read()

    assert body.count(b'"checkDate":') == 2
    assert json.loads(body)["checkDate"] is None


async def test_values_can_be_of_the_wrong_type(ask, fault):
    await fault("nhso", "wrong_type")

    found = await (await ask()).json()

    assert (found["pid"], found["funds"], found["sex"]) == (7, {}, [])


async def test_reset_cuts_the_line_in_the_middle_of_the_body(ask, fault, sandbox):
    await fault("nhso", "reset")

    reply = await ask()

    with pytest.raises(aiohttp.ClientError):
        await reply.read()


async def test_reset_is_a_reset_and_not_a_polite_end(fault, sandbox):
    await fault("nhso", "reset")
    host, port = sandbox.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET {NHSO}?pid=1000000000009 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer tangrat-nhso\r\n\r\n".encode()
    )

    with pytest.raises(ConnectionResetError):
        while await reader.read(65_536):
            pass
    writer.close()


async def test_dripping_gives_one_byte_a_second(ask, fault):
    await fault("nhso", "dripping")

    began = time.perf_counter()
    reply = await ask()
    first = await reply.content.readexactly(1)
    quick = time.perf_counter() - began
    second = await reply.content.readexactly(1)
    late = time.perf_counter() - began
    reply.close()

    assert first + second == b'{"'
    assert quick < 0.5
    assert 0.9 < late < 2


async def test_huge_streams_a_hundred_megabytes_without_saying_so_before(ask, fault):
    await fault("nhso", "huge")

    reply = await ask()
    seen = 0
    async for chunk in reply.content.iter_chunked(1 << 20):
        seen += len(chunk)

    assert "content-length" not in reply.headers
    assert seen > 100 * 1024 * 1024


async def test_a_client_that_leaves_a_huge_body_leaves_the_sandbox_well(ask, fault):
    await fault("nhso", "huge", times=1)

    reply = await ask()
    await reply.content.readexactly(1_000)
    reply.close()

    assert (await (await ask()).json())["funds"]


async def test_a_fault_lasts_for_as_many_times_as_it_was_told(ask, fault, http):
    await fault("nhso", "error", times=2)

    statuses = [(await ask()).status for _ in range(3)]

    assert statuses == [500, 500, 200]
    assert (await (await http.get("/sandbox/faults")).json())["faults"] == []


async def test_a_fault_lasts_for_as_long_as_it_was_told(ask, fault):
    await fault("nhso", "error", for_s=0.15)

    first = (await ask()).status
    await asyncio.sleep(0.2)

    assert (first, (await ask()).status) == (500, 200)


async def test_a_fault_of_one_agency_leaves_the_others_alone(ask, fault):
    await fault("sso", "down")

    assert (await ask()).status == 200


async def test_a_fault_of_the_gateway_is_felt_behind_it(http, gdx, fault):
    await fault("gdx", "error", status=502)

    reply = await http.get("/gdx/ws/dopa/linkage2/api/center/user/job", headers=gdx)

    assert reply.status == 502
    assert "Message" in await reply.json()


async def test_a_fault_of_one_operation_of_the_gateway_is_not(http, gdx, fault):
    await fault("gdx", "error", operation="validate")

    validate = await http.get("/gdx/ws/auth/validate", headers=gdx)
    behind = await http.get("/gdx/ws/dopa/linkage2/api/center/user/job", headers=gdx)

    assert (validate.status, behind.status) == (500, 401)


async def test_faults_are_listed_with_their_hits_and_cleared_by_agency(ask, fault, http):
    await fault("nhso", "error")
    await fault("sso", "slow")
    await ask()

    listed = (await (await http.get("/sandbox/faults")).json())["faults"]
    cleared = await (await http.delete("/sandbox/faults", params={"agency": "nhso"})).json()

    assert [(f["agency"], f["hits"]) for f in listed] == [("nhso", 1), ("sso", 0)]
    assert cleared == {"cleared": 1}
    assert (await ask()).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"agency": "mars", "fault": "slow"},
        {"agency": "nhso", "fault": "grumpy"},
        {"agency": "nhso", "fault": "slow", "operation": "left-search"},
        {"agency": "dopa", "fault": "html", "operation": "house"},
    ],
)
async def test_a_fault_nobody_can_have_is_refused_and_what_is_allowed_is_said(http, body):
    reply = await http.post("/sandbox/faults", json=body)

    assert reply.status == 422
    assert (await reply.json())["error"]["allowed"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"agency": "nhso"},
        {"agency": 7, "fault": "slow"},
        {"agency": "nhso", "fault": "slow", "delay_ms": "many"},
        {"agency": "nhso", "fault": "slow", "delay_ms": -1},
        {"agency": "nhso", "fault": "slow", "times": 0},
        {"agency": "nhso", "fault": "slow", "times": True},
        {"agency": "nhso", "fault": "slow", "for_s": 1e99},
        {"agency": "nhso", "fault": "error", "status": 99},
        {"agency": "nhso", "fault": "error", "status": 204},
        {"agency": "nhso", "fault": "error", "stauts": 500},
        ["agency"],
    ],
)
async def test_a_fault_out_of_shape_is_refused_with_a_sentence(http, body):
    reply = await http.post("/sandbox/faults", json=body)

    assert reply.status == 422
    assert (await reply.json())["error"]["message"]


async def test_every_agency_can_have_a_base_latency(ask, http):
    await http.post("/sandbox/latency", json={"nhso": 100})

    began = time.perf_counter()
    await ask()

    assert time.perf_counter() - began >= 0.1
    assert await (await http.get("/sandbox/latency")).json() == {"nhso": 100}
    assert await (await http.post("/sandbox/latency", json={"nhso": 0})).json() == {}


@pytest.mark.parametrize("body", [{"mars": 5}, {"nhso": "5"}, {"*": -1}, {"*": 1e9}])
async def test_a_latency_out_of_shape_is_refused(http, body):
    assert (await http.post("/sandbox/latency", json=body)).status == 422


async def test_a_fault_that_waits_does_not_hold_up_anybody_else(ask, http, fault):
    await fault("nhso", "slow", delay_ms=10_000)
    waiting = asyncio.create_task(ask())

    began = time.perf_counter()
    await http.get("/healthz")

    assert time.perf_counter() - began < 0.5
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
