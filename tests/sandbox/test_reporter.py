"""The agencies as clients of our API: what they send, how they prove themselves, and what their endpoints accept."""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()


@dataclass
class FakeApi:
    """The few doors of our API that agencies come to, with what came through them."""

    url: str = ""
    assertions: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # to the next events; then 202
    tokens: set[str] = field(default_factory=set)

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.assertions.append(dict(form))
        token = uuid.uuid4().hex
        self.tokens.add(token)
        return web.json_response({"access_token": token, "expires_in": 300, "token_type": "Bearer"})

    async def event(self, request: web.Request) -> web.Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.json_response({"error": "who?"}, status=401)
        status = self.answers.pop(0) if self.answers else 202
        self.types.append(request.content_type)
        self.events.append(await request.json())
        return web.json_response({"receipts": []}, status=status)

    async def subscribe(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.subscriptions.append(asked)
        body = f'{{"type": "tangrat.endpoint.challenge", "challenge": "{uuid.uuid4().hex}"}}'
        async with (
            aiohttp.ClientSession() as http,
            http.post(asked["endpoint"], data=body, headers=signed(body)) as reply,
        ):
            proven = reply.status == 200 and (await reply.json())["challenge"] in body
        return web.json_response({"id": "s-1", "secret": SECRET, "state": "ACTIVE" if proven else "?"}, status=201)


def signed(body: str, *, secret: str = SECRET, webhook_id: str | None = None) -> dict[str, str]:
    at, name = datetime.now(UTC), webhook_id or f"msg_{uuid.uuid4().hex}"
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, body),
    }


@pytest.fixture
async def api(http):
    """A fake API, known to the sandbox."""
    fake = FakeApi()
    app = web.Application()
    app.router.add_post("/agency/token", fake.token)
    app.router.add_post("/agency/events", fake.event)
    app.router.add_post("/agency/subscriptions", fake.subscribe)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    await http.post("/sandbox/api", json={"url": fake.url})
    yield fake
    await runner.cleanup()


@pytest.fixture
def report(http):
    async def send(**body):
        reply = await http.post("/sandbox/report", json=body)
        return reply.status, await reply.json()

    return send


async def until(is_so):
    for _ in range(200):
        if await is_so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to be")


async def test_the_agencies_are_listed_as_clients_with_their_keys(http, sandbox):
    clients = await (await http.get("/sandbox/agency-clients")).json()

    assert [c["agency"] for c in clients] == ["sso", "nhso", "dopa", "moph", "ddpm", "ect", "fpo"]
    assert clients[0]["client_id"] == "sandbox-sso"
    assert clients[0]["scopes"] == ["events:publish", "events:subscribe"]
    for client in clients:
        assert client["jwks_uri"].startswith(sandbox)
        [key] = (await (await http.get(client["jwks_uri"])).json())["keys"]
        assert (key["kty"], key["crv"], key["alg"]) == ("EC", "P-256", "ES256")
        assert "d" not in key


async def test_an_agency_proves_itself_with_its_own_key(http, api, report):
    await http.delete("/sandbox/tokens")
    await report(agency="moph", type="th.moph.birth.recorded", citizen=1)

    form = api.assertions[-1]
    keys = jwt.PyJWKSet.from_dict(await (await http.get("/sandbox/agencies/moph/jwks.json")).json())
    header = jwt.get_unverified_header(form["client_assertion"])
    claims = jwt.decode(
        form["client_assertion"],
        keys[header["kid"]].key,
        algorithms=["ES256"],
        audience=f"{api.url}/agency/token",
        options={"require": ["iss", "sub", "aud", "iat", "exp", "jti"]},
    )
    assert claims["iss"] == claims["sub"] == "sandbox-moph"
    assert claims["exp"] - claims["iat"] <= 60
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    assert form["scope"] == "events:publish events:subscribe"


async def test_a_report_is_a_cloud_event_about_that_person(api, report, nation):
    status, told = await report(agency="dopa", type="th.dopa.address.changed", citizen=7, data={"note": "x"})

    [event] = api.events
    assert (status, told["status"], told["event"]) == (200, 202, event)
    assert api.types == ["application/cloudevents+json"]
    assert (event["specversion"], event["source"]) == ("1.0", "urn:th:agency:dopa")
    assert event["type"] == "th.dopa.address.changed"
    assert uuid.UUID(event["id"])
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert event["data"] == {"citizen_id": nation.citizen(7).pid, "note": "x"}


async def test_a_report_may_name_the_person_by_identity_number_and_the_event_by_its_id(api, report, nation):
    body = {
        "agency": "dopa",
        "type": "th.x",
        "citizen": nation.citizen(2).pid,
        "id": "e-1",
        "time": "2026-01-01T00:00:00Z",
    }

    for _ in range(2):
        await report(**body)

    assert [e["id"] for e in api.events] == ["e-1", "e-1"]
    assert api.events[0] == api.events[1]
    assert api.events[0]["data"]["citizen_id"] == nation.citizen(2).pid


async def test_what_the_api_refuses_is_told_as_it_came(api, report):
    api.answers = [409]

    status, told = await report(agency="dopa", type="th.x", citizen=1)

    assert (status, told["status"], told["step"]) == (200, 409, "events")


async def test_an_agencys_token_can_be_had_by_hand(http, api):
    told = await (await http.post("/sandbox/agencies/moph/token")).json()

    assert told["client_id"] == "sandbox-moph"
    assert told["access_token"]
    assert told["expires_in"] <= 300
    assert (await http.post("/sandbox/agencies/mars/token")).status == 404


async def test_a_token_the_api_no_longer_knows_is_changed_once(api, report):
    await report(agency="nhso", type="th.x", citizen=1)
    api.tokens.clear()

    _, told = await report(agency="nhso", type="th.x", citizen=1)

    assert told["status"] == 202


async def test_a_changed_hospital_is_reported_and_shown_by_the_sso(api, report, sso, nation):
    citizen = nation.citizen(7)
    before = (await sso("getPersonInfo", ssoNo=citizen.pid))["personS33Info"]["hospitalCode"]

    await report(agency="sso", type="th.sso.hospital.changed", citizen=7)

    data = api.events[0]["data"]
    after = (await sso("getPersonInfo", ssoNo=citizen.pid))["personS33Info"]["hospitalCode"]
    assert data["citizen_id"] == citizen.pid
    assert data["previous"]["code"] == before
    assert data["hospital"]["code"] == after != before
    assert data["hospital"]["name"].keys() == {"th", "en"}
    assert data["effective_date"] == "2026-11-21"


async def test_a_hospital_in_ones_own_words_is_reported_as_it_stands(api, report, nation):
    hospital = {"code": "99999", "name": {"th": "ก", "en": "A"}}

    await report(agency="sso", type="th.sso.hospital.changed", citizen=9, data={"hospital": hospital})

    assert api.events[0]["data"] == {
        "citizen_id": nation.citizen(9).pid,
        "hospital": hospital,
        "effective_date": "2026-11-21",
    }


async def test_of_somebody_not_insured_the_story_is_told_and_the_record_stays(api, report, sso, nation):
    citizen = nation.citizen(9)

    status, _ = await report(agency="sso", type="th.sso.hospital.changed", citizen=9)

    data = api.events[0]["data"]
    assert status == 200
    assert data["hospital"]["code"] in {h.code for h in nation.hospitals(citizen.address.subdistrict_code[:2])}
    assert "previous" not in data
    assert "personS33Info" not in await sso("getPersonInfo", ssoNo=citizen.pid)


async def test_a_choice_at_the_sso_is_reported_until_the_api_has_it(http, api, sso, somebody):
    citizen = somebody(
        lambda c: c.alive and c.insurance.section == "33" and c.insurance.ended is None and c.number > 300
    )
    choices = await sso("getInitSelectHospital", ssoNo=citizen.pid)
    chosen = next(h for h in choices["hospital"] if h["hospitalCode"] != citizen.insurance.hospital.code)
    api.answers = [503, 500]

    for _ in range(2):
        asked = {"ssoNo": citizen.pid, "hospitalCode1": chosen["hospitalCode"], "changeReason": "3"}
        assert (await sso("saveSelectHospital", **asked))["code"] == "WS000"

    async def is_settled():
        reports = (await (await http.get("/sandbox/reports")).json())["reports"]
        return reports and reports[0]["state"] == "accepted"

    await until(is_settled)
    assert len(api.events) == 3
    assert len({e["id"] for e in api.events}) == 1
    assert api.events[0]["data"]["hospital"]["code"] == chosen["hospitalCode"]
    assert api.events[0]["data"]["effective_date"] == "2026-12-01"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"agency": "mars", "type": "a", "citizen": 1}, 422),
        ({"agency": "sso", "citizen": 1}, 422),
        ({"agency": "sso", "type": "a"}, 422),
        ({"agency": "sso", "type": "a", "citizen": "1"}, 422),
        ({"agency": "sso", "type": "a", "citizen": 1.5}, 422),
        ({"agency": "sso", "type": "a", "citizen": 0}, 404),
        ({"agency": "sso", "type": "a", "citizen": 10**15}, 404),
        ({"agency": "sso", "type": "a", "citizen": 10**30}, 422),
        ({"agency": "sso", "type": "a", "citizen": 1, "data": []}, 422),
        ({"agency": "sso", "type": "a", "citizen": 1, "dato": {}}, 422),
    ],
)
async def test_a_report_out_of_shape_is_refused(api, report, body, status):
    answered, told = await report(**body)

    assert (answered, api.events) == (status, [])
    assert told["error"]["message"]


async def test_without_an_api_nothing_can_be_reported(report):
    status, told = await report(agency="sso", type="a", citizen=1)

    assert status == 409
    assert "/sandbox/api" in told["error"]["message"]


async def test_an_api_that_does_not_answer_is_a_502(http, report):
    await http.post("/sandbox/api", json={"url": "http://127.0.0.1:9"})

    status, told = await report(agency="sso", type="a", citizen=1)

    assert status == 502
    assert told["event"]["type"] == "a"


@pytest.fixture
async def subscribed(http, api):
    body = {"agency": "nhso", "types": ["th.sso.hospital.changed"], "purpose": "care", "legal_ground": "public task"}
    reply = await http.post("/sandbox/subscribe", json=body)
    assert reply.status == 200
    return await reply.json()


@pytest.fixture
def hooks(http):
    async def listed():
        return (await (await http.get("/sandbox/hooks", params={"agency": "nhso"})).json())["hooks"]

    return listed


async def test_an_agency_subscribes_and_its_endpoint_proves_itself(subscribed, api, sandbox, hooks):
    [asked] = api.subscriptions
    assert asked == {
        "types": ["th.sso.hospital.changed"],
        "endpoint": f"{sandbox}/sandbox/hooks/nhso",
        "purpose": "care",
        "legal_ground": "public task",
    }
    assert (subscribed["status"], subscribed["body"]["state"]) == (201, "ACTIVE")
    [challenge] = await hooks()
    assert challenge["type"] == "tangrat.endpoint.challenge"


async def test_a_signed_hook_is_stored_and_a_repeat_is_counted(http, subscribed, hooks):
    body = '{"type": "th.sso.hospital.changed"}'
    headers = signed(body)

    statuses = [(await http.post("/sandbox/hooks/nhso", data=body, headers=headers)).status for _ in range(2)]

    hook = (await hooks())[0]
    assert statuses == [200, 200]
    assert (hook["webhook_id"], hook["times"], hook["verified"]) == (headers["webhook-id"], 2, True)
    assert hook["body"]["type"] == "th.sso.hospital.changed"


@pytest.mark.parametrize(
    "harm",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "nonsense"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-timestamp": "1000000000"},
        {"webhook-timestamp": "soon"},
        {"webhook-id": "another"},
    ],
)
async def test_a_hook_that_is_not_signed_as_agreed_is_refused(http, subscribed, hooks, harm):
    body = '{"type": "th.sso.hospital.changed"}'

    reply = await http.post("/sandbox/hooks/nhso", data=body, headers=signed(body) | harm)

    assert reply.status == 401
    assert (await hooks())[0]["verified"] is False


async def test_an_endpoint_can_be_told_to_be_ill(http, subscribed, hooks):
    body = '{"type": "th.sso.hospital.changed"}'
    headers, replies = signed(body), []

    for mode in ({"status": 500, "retry_after": 7}, {"status": 410}, {"status": 204}, {"status": 200}):
        await http.post("/sandbox/hooks/nhso/mode", json=mode)
        replies.append(await http.post("/sandbox/hooks/nhso", data=body, headers=headers))

    assert [r.status for r in replies] == [500, 410, 204, 200]
    assert [r.headers.get("retry-after") for r in replies] == ["7", None, None, None]
    hook = (await hooks())[0]
    assert (hook["times"], hook["answered"]) == (4, 200)


async def test_an_unknown_agency_has_no_endpoint(http):
    assert (await http.post("/sandbox/hooks/mars", data=b"{}")).status == 404
    assert (await http.get("/sandbox/agencies/mars/jwks.json")).status == 404
