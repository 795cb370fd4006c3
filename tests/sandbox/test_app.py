"""The sandbox's own pages and switches, and what it answers to nonsense."""

from __future__ import annotations

import asyncio
import io
import socket
from datetime import date

import aiohttp
import pytest

from sandbox.server import serve


async def test_the_front_page_leads_to_everything_in_both_languages(http, nation):
    page = await (await http.get("/")).text()

    for link in ("/phone", "/sandbox/clock", "/sandbox/faults", "/sandbox/citizens", "/sandbox/hooks", "/healthz"):
        assert f'href="{link}"' in page
        assert (await http.get(link)).status == 200
    assert nation.citizen(1).story.text.th in page
    assert "หน่วยงาน" in page


async def test_the_samples_are_listed(http, nation):
    listed = await (await http.get("/sandbox/citizens")).json()

    assert [one["number"] for one in listed] == list(range(1, 13))
    first = listed[0]
    assert first["pid"] == nation.citizen(1).pid
    assert first["name"]["en"].endswith(nation.citizen(1).last_name.en)
    assert first["story"]["th"] == nation.citizen(1).story.text.th
    assert first["stage"] == nation.citizen(1).story.stage
    assert date.fromisoformat(first["birth"]) == nation.citizen(1).birth.earliest()
    assert first["can_sign_in"] is True


async def test_anybody_can_be_looked_at_by_number_or_identity_number(http, somebody):
    elder = somebody(lambda c: c.birth.month is None)

    by_number = await (await http.get(f"/sandbox/citizens/{elder.number}")).json()
    by_pid = await (await http.get(f"/sandbox/citizens/{elder.pid}")).json()

    assert by_number == by_pid
    assert by_number["birth"] == str(elder.birth.year)
    assert by_number["record"]["birth"] == {"year": elder.birth.year, "month": None, "day": None}
    assert by_number["story"] is None
    assert by_number["address"]["house_id"] == elder.address.house_id
    assert by_number["last_name"] == by_number["record"]["last_name"]


@pytest.mark.parametrize("who", ["0", "66000001", "1000000000009", "me", "1e3", "99999999999999999999999"])
async def test_nobody_is_a_404(http, who):
    reply = await http.get(f"/sandbox/citizens/{who}")

    assert reply.status == 404
    assert "66,000,000" in (await reply.json())["error"]["message"]


@pytest.mark.parametrize("path", ["/nothing", "/sandbox", "/sso", "/gdx/ws/dopa/linkage2", "/%00", "/../etc/passwd"])
async def test_an_unknown_path_is_a_404_in_json(http, path):
    reply = await http.get(path)

    assert reply.status == 404
    assert (await reply.json())["error"]["message"]


async def test_a_wrong_method_is_a_405_in_json(http):
    reply = await http.delete("/healthz")

    assert reply.status == 405
    assert reply.content_type == "application/json"


@pytest.mark.parametrize(
    "path",
    [f"/sandbox/{name}" for name in ("faults", "latency", "clock", "report", "subscribe", "api", "hooks/sso/mode")],
)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"null", b"[]", b'"x"', b"{}", b'{"agency": {"$ne": 1}}'])
async def test_a_switch_answers_nonsense_with_a_sentence(http, path, body):
    reply = await http.post(path, data=body)

    if path == "/sandbox/latency" and body == b"{}":
        assert reply.status == 200
    else:
        assert reply.status in (400, 422)
        assert (await reply.json())["error"]["message"]


async def test_a_body_that_is_too_long_is_refused(http):
    reply = await http.post("/sandbox/faults", data=io.BytesIO(b"x" * 2_000_000))

    assert reply.status == 413


@pytest.mark.parametrize("url", ["", "x", "ftp://a", "http://", "http://[", "http://a:99999", "http://a/?q=1", 7])
async def test_the_api_must_be_an_address(http, url):
    assert (await http.post("/sandbox/api", json={"url": url})).status == 422
    assert (await (await http.get("/sandbox/api")).json()) == {"url": None}


async def test_a_reset_makes_everything_as_it_was(http, sso, nation):
    pid, phone = nation.citizen(7).pid, {"message": {"token": "sandbox-7-x"}}
    other = next(h.code for h in nation.hospitals(nation.citizen(7).address.subdistrict_code[:2]))
    await sso("saveSelectHospital", ssoNo=pid, hospitalCode1=other, changeReason="2")
    await http.post("/fcm/v1/projects/p/messages:send", json=phone, headers={"Authorization": "Bearer x"})
    await http.post("/sandbox/clock", json={"days": 5})
    await http.post("/sandbox/latency", json={"*": 1})
    await http.post("/sandbox/faults", json={"agency": "nhso", "fault": "down"})

    assert await (await http.post("/sandbox/reset")).json() == {"today": "2026-11-21"}

    person = await sso("getPersonInfo", ssoNo=pid)
    assert person["personS33Info"]["hospitalCode"] == nation.citizen(7).insurance.hospital.code
    assert (await (await http.get("/phone/api/messages")).json())["messages"] == []
    assert (await (await http.get("/sandbox/faults")).json())["faults"] == []
    assert await (await http.get("/sandbox/latency")).json() == {}


async def test_forgetting_tokens_of_an_agency_that_gives_none_is_refused(http):
    reply = await http.delete("/sandbox/tokens", params={"agency": "sms"})

    assert reply.status == 422
    assert (await reply.json())["error"]["allowed"] == ["thaid", "gdx", "dopa", "sso", "nhso"]


async def test_a_taken_port_is_an_error_before_anything_starts():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(OSError, match="in use"):
            await serve(port=taken.getsockname()[1], day_zero=date(2026, 11, 21))


async def test_a_stop_ends_live_pages_and_waiting_faults_at_once():
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(port=0, day_zero=date(2026, 11, 21), on_ready=ready.set_result, stop=stop))
    async with aiohttp.ClientSession(await ready) as http, http.get("/phone/stream") as stream:
        await stream.content.readline()
        await http.post("/sandbox/faults", json={"agency": "nhso", "fault": "slow", "delay_ms": 60_000})
        waiting = asyncio.create_task(http.get("/nhso/nhsoendpoint/api/v2/right-search"))
        await asyncio.sleep(0.05)

        stop.set()
        await asyncio.wait_for(serving, 2.5)

        assert (await waiting).status == 401
        assert await stream.read() == b"\n"


async def test_a_cancelled_server_stops_politely():
    ready = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(port=0, day_zero=date(2026, 11, 21), on_ready=ready.set_result))
    url = await ready

    serving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 2.5)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(url)
