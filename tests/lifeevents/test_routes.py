"""The agencies' door over real HTTP: what is taken, what is refused and why, and that nothing makes it fall over."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette

from foundation.http import Http, Reply
from foundation.store import PyMongoError
from lifeevents import routes as routes_module
from lifeevents.routes import build_routes
from notifications.ledger import Claimed
from notifications.notifier import DELIVERIES
from tests.lifeevents.conftest import EventRoad, Hook, Serve
from trust.clients import SCOPES, AgencyClients
from trust.tokens import Tokens

ISSUER = "https://api.example.go.th"
KEY = ec.generate_private_key(ec.SECP256R1())
PID, CHILD = "1000000000009", "1000000000017"
BIRTH = "th.dopa.birth.registered"
SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


@dataclass
class Door:
    """The door, and agencies that knock."""

    url: str
    http: Http
    road: EventRoad
    clients: AgencyClients
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    async def token(self, agency: str = "dopa", scope: str = " ".join(SCOPES[:2])) -> str:
        if (agency, scope) not in self.tokens:
            now = int(self.road.clock.now().timestamp())
            claims = {
                "iss": f"{agency}-1", "sub": f"{agency}-1", "aud": f"{ISSUER}/agency/token", "iat": now,
                "exp": now + 60, "jti": uuid.uuid4().hex,
            }  # fmt: skip
            jwk: Any = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
            await self.clients.add(client_id=f"{agency}-1", agency=agency, scopes=SCOPES[:2], jwks={"keys": [jwk]})
            signed = jwt.encode(claims, KEY, algorithm="ES256")
            self.tokens[agency, scope] = (await self.clients.token(signed, scope)).access_token
        return self.tokens[agency, scope]

    async def send(
        self, body: Any, *, kind: str = SINGLE, agency: str = "dopa", headers: dict[str, str] | None = None
    ) -> Reply:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.call("POST", "/agency/events", agency=agency, body=raw, kind=kind, headers=headers)

    async def call(
        self, method: str, path: str, *, agency: str = "nhso", body: bytes | None = None, kind: str = "application/json",
        headers: dict[str, str] | None = None, **params: str,
    ) -> Reply:  # fmt: skip
        sent = {"Authorization": f"Bearer {await self.token(agency)}", **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", kind)
        return await self.http.request(
            method, self.url + path, deadline_s=10, headers=sent, body=body, params=params or None
        )

    async def subscribe(self, *types: str, agency: str = "nhso", **more: Any) -> dict[str, Any]:
        wish = {"types": types or [BIRTH], "purpose": "care for newborns", "legal_ground": "an act, s. 6", **more}
        reply = await self.call("POST", "/agency/subscriptions", agency=agency, body=orjson.dumps(wish))
        assert reply.status == 201, reply.body
        made: dict[str, Any] = reply.json()
        return made

    async def stored(self) -> int:
        return len(await self.road.all_of("events"))


@pytest.fixture
async def door(living_road: EventRoad, serve: Serve, http: Http) -> Door:
    road = living_road
    tokens = Tokens(road.store, road.vault, clock=road.clock, issuer=ISSUER)
    clients = AgencyClients(road.store, http, clock=road.clock, tokens=tokens)
    routes = build_routes(
        intake=road.intake, subscriptions=road.subscriptions, clients=clients, notifier=road.notifier,
        access_log=road.access_log, people=road.people, vault=road.vault, clock=road.clock, metrics=road.metrics,
    )  # fmt: skip
    return Door(await serve(Starlette(routes=routes)), http, road, clients)


def a_birth(**changes: Any) -> dict[str, Any]:
    event = {
        "specversion": "1.0", "id": "birth-1", "source": "urn:th:agency:dopa", "type": BIRTH,
        "time": "2024-05-01T09:00:00+07:00",
        "data": {
            "citizen_id": PID, "child": {"citizen_id": CHILD, "birth_date": "2024-04-28"}, "registered_on": "2024-05-01",
        },
    }  # fmt: skip
    return {name: value for name, value in (event | changes).items() if value is not ...}


def is_thai(text: str) -> bool:
    return any("\u0e00" <= sign <= "\u0e7f" for sign in text)


def refused(reply: Reply, status: int, code: str) -> list[Any]:
    """The details of a refusal, which always has the same shape."""
    said = reply.json()
    assert (reply.status, said["error"]) == (status, code), reply.body
    assert said.keys() == {"error", "message", "message_th", "details"}
    for told in (said, *(reason for one in said["details"] for reason in one.get("reasons", [one]))):
        assert (is_thai(told["message"]), is_thai(told["message_th"])) == (False, True)
    assert reply.content_type == "application/json"
    details: list[Any] = said["details"]
    return details


# ---- publishing


async def test_one_event_is_taken_with_a_receipt(door: Door) -> None:
    reply = await door.send(a_birth())

    assert reply.status == 202
    (receipt,) = reply.json()["receipts"]
    assert receipt.keys() == {"id", "source", "receipt", "recorded_at", "status"}
    assert (receipt["id"], receipt["status"]) == ("birth-1", "recorded")
    assert await door.stored() == 1


async def test_the_same_event_again_gets_the_same_receipt(door: Door) -> None:
    first, second = [(await door.send(a_birth())).json()["receipts"][0] for _ in range(2)]

    assert second == first | {"status": "already_recorded"}


async def test_another_body_under_the_same_id_is_a_conflict(door: Door) -> None:
    await door.send(a_birth())
    details = refused(await door.send(a_birth(time="2024-05-01T09:00:01+07:00")), 409, "EVENT_CONFLICT")

    assert details[0]["reasons"][0]["code"] == "OTHER_CONTENT"
    assert await door.stored() == 1


async def test_an_event_without_id_is_refused_and_says_so(door: Door) -> None:
    details = refused(await door.send(a_birth(id=...)), 422, "EVENTS_REFUSED")

    assert details == [
        {
            "index": 0,
            "reasons": [{"code": "MISSING", "message": "id is required", "message_th": "ต้องระบุ id", "at": "/id"}],
        }
    ]
    assert await door.stored() == 0


async def test_another_agencys_type_and_source_are_refused(door: Door) -> None:
    details = refused(await door.send(a_birth(), agency="sso"), 422, "EVENTS_REFUSED")

    assert {one["code"] for one in details[0]["reasons"]} == {"TYPE_NOT_YOURS", "SOURCE_NOT_YOURS"}


async def test_a_day_that_does_not_exist_is_refused(door: Door) -> None:
    for day in ("2566-02-29", "2026-02-31"):
        event = a_birth()
        event["data"]["registered_on"] = day
        details = refused(await door.send(event), 422, "EVENTS_REFUSED")
        assert details[0]["reasons"][0]["at"] == "/data/registered_on"


async def test_a_batch_is_taken_whole(door: Door) -> None:
    reply = await door.send([a_birth(id=f"b{n}") for n in range(100)], kind=BATCH)

    assert reply.status == 202
    assert [one["id"] for one in reply.json()["receipts"]] == [f"b{n}" for n in range(100)]


async def test_a_batch_with_one_bad_event_stores_nothing(door: Door) -> None:
    batch = [a_birth(id="b0"), a_birth(id="b1", type="th.dopa.unknown"), a_birth(id="b2")]
    details = refused(await door.send(batch, kind=BATCH), 422, "EVENTS_REFUSED")

    assert [(one["index"], one["id"]) for one in details] == [(1, "b1")]
    assert await door.stored() == 0


async def test_a_batch_of_more_than_a_hundred_is_too_large(door: Door) -> None:
    refused(await door.send([{}] * 101, kind=BATCH), 413, "TOO_LARGE")
    refused(await door.send([], kind=BATCH), 400, "BAD_INPUT")


async def test_keys_that_stand_twice_are_refused(door: Door) -> None:
    body = orjson.dumps(a_birth()).replace(b'"registered_on"', b'"registered_on":"2024-01-01","registered_on"')
    details = refused(await door.send(body), 422, "EVENTS_REFUSED")

    assert details[0]["reasons"] == [
        {
            "code": "DUPLICATE_KEY",
            "message": "a key stands twice here",
            "message_th": "มี key ซ้ำกันในตำแหน่งนี้",
            "at": "/data",
        }
    ]


async def test_ce_headers_on_a_structured_message_are_refused(door: Door) -> None:
    refused(await door.send(a_birth(), headers={"ce-id": "birth-2"}), 400, "BAD_INPUT")
    assert await door.stored() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}, {"Content-Type": ""},
        {"Content-Type": f"{SINGLE}; charset=tis-620"}, {"Content-Type": SINGLE, "Content-Encoding": "gzip"},
        {"Content-Type": "application/json", "ce-id": "1", "ce-type": BIRTH, "ce-source": "x", "ce-specversion": "1.0"},
    ],
)  # fmt: skip
async def test_another_content_type_is_refused(door: Door, headers: dict[str, str]) -> None:
    refused(await door.send(a_birth(), headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("kind", [f"{SINGLE}; charset=UTF-8", SINGLE.upper(), f'{SINGLE};charset="utf-8"'])
async def test_the_content_type_may_be_spelt_as_http_allows(door: Door, kind: str) -> None:
    assert (await door.send(a_birth(), kind=kind)).status == 202


async def test_a_body_of_the_other_mode_is_refused(door: Door) -> None:
    refused(await door.send([a_birth()], kind=SINGLE), 400, "BAD_INPUT")
    refused(await door.send(a_birth(), kind=BATCH), 400, "BAD_INPUT")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not json", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 10_000, b'{"a":' * 10_000, b'{"a": "\xff\xfe"}',
        b'{"a": "\\udc00"}', b"null", b'"text"', b"\x00", b'{"a": 1} trailing',
    ],
)  # fmt: skip
async def test_a_malformed_body_is_refused(door: Door, body: bytes) -> None:
    refused(await door.send(body), 400, "BAD_INPUT")
    assert await door.stored() == 0


async def test_deep_nesting_that_can_be_read_is_refused_too(door: Door) -> None:
    body = orjson.dumps(a_birth(data=None)).replace(b"null", b'{"a":' * 500 + b"1" + b"}" * 500)
    details = refused(await door.send(body), 422, "EVENTS_REFUSED")

    assert details[0]["reasons"][0]["code"] == "TOO_DEEP"


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_huge_body_is_refused_whether_it_says_so_or_not(door: Door) -> None:
    refused(await door.send(b"x" * 262_145), 413, "TOO_LARGE")
    refused(await door.send(b"x" * 1_048_577, kind=BATCH), 413, "TOO_LARGE")

    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /agency/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await door.token()}\r\n"
    writer.write(f"{head}Content-Type: {SINGLE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for _ in range(70):
        writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_slow_body_is_not_waited_for(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_module, "_BODY_WITHIN_S", 0.2)
    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /agency/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await door.token()}\r\n"
    writer.write(f"{head}Content-Type: {SINGLE}\r\nContent-Length: 500\r\n\r\n{{".encode())

    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    assert b'"REQUEST_TIMEOUT"' in await reader.read()
    writer.close()


async def test_who_hangs_up_in_the_middle_harms_nobody(door: Door) -> None:
    host, port = door.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /agency/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await door.token()}\r\n"
    writer.write(f"{head}Content-Type: {SINGLE}\r\nContent-Length: 500\r\n\r\n{{".encode())
    await writer.drain()
    writer.transport.abort()

    assert (await door.send(a_birth())).status == 202
    assert b"agency_door" not in door.road.metrics.text()


async def test_strange_keys_stay_data(door: Door) -> None:
    for key in ("$ne", "$where", "a.b", "__proto__"):
        event = a_birth()
        event["data"] = event["data"] | {key: {"$gt": ""}}
        assert refused(await door.send(event), 422, "EVENTS_REFUSED")
        event["data"] = event["data"] | {"citizen_id": {key: PID}}
        assert refused(await door.send(event), 422, "EVENTS_REFUSED")
    assert await door.stored() == 0


async def test_no_refusal_repeats_personal_data(door: Door) -> None:
    event = a_birth()
    event["data"] |= {"citizen_id": "1000000000008", "สมชาย": "x"}
    reply = await door.send(event)

    assert reply.status == 422
    assert b"1000000000008" not in reply.body
    assert "สมชาย".encode() not in reply.body


async def test_the_same_event_fifty_times_at_once_is_one(door: Door) -> None:
    replies = await asyncio.gather(*(door.send(a_birth()) for _ in range(50)))

    receipts = [one.json()["receipts"][0] for one in replies]
    assert {one.status for one in replies} == {202}
    assert len({(one["receipt"], one["recorded_at"]) for one in receipts}) == 1
    assert await door.stored() == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
EVENTISH = st.fixed_dictionaries(
    {},
    optional={
        "specversion": JSON | st.just("1.0"), "id": JSON | st.just("x"), "source": JSON | st.just("urn:th:agency:dopa"),
        "type": JSON | st.just(BIRTH), "time": JSON | st.datetimes().map(str), "data": JSON, "subject": JSON,
        "datacontenttype": JSON, "data_base64": JSON, "dataschema": JSON, "ext": JSON,
        "citizen_id": JSON,
    },
)  # fmt: skip
BODIES = st.binary(max_size=200) | (JSON | EVENTISH | st.lists(EVENTISH, max_size=3)).map(
    lambda value: json.dumps(value, allow_nan=True).encode(errors="surrogatepass")
)


async def test_no_body_makes_it_fall_over(door: Door) -> None:
    # One server for all examples: hypothesis chooses, the test's own loop sends.
    bodies: list[tuple[bytes, str]] = []

    @settings(max_examples=250, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(BODIES, st.sampled_from([SINGLE, BATCH]))
    def choose(body: bytes, kind: str) -> None:
        bodies.append((body, kind))

    choose()
    for body, kind in bodies:
        reply = await door.send(body, kind=kind)
        assert 400 <= reply.status < 500, (body, reply.body)
    assert await door.stored() == 0


# ---- who may


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense", "Bearer a.b.c", "bearer ~"]
)
async def test_without_a_good_token_nobody_comes_in(door: Door, header: str) -> None:
    for method, path in (("POST", "/agency/events"), ("GET", "/agency/events"), ("GET", "/agency/subscriptions")):
        reply = await door.call(method, path, headers={"Authorization": header})
        refused(reply, 401, "UNAUTHENTICATED")
        assert reply.headers["www-authenticate"].startswith('Bearer realm="agency"')


async def test_a_scope_opens_its_own_doors_only(door: Door) -> None:
    publish = {"Authorization": f"Bearer {await door.token('dopa', 'events:publish')}"}
    listen = {"Authorization": f"Bearer {await door.token('dopa', 'events:subscribe')}"}

    reply = await door.send(a_birth(), headers=listen)
    refused(reply, 403, "FORBIDDEN")
    assert 'error="insufficient_scope", scope="events:publish"' in reply.headers["www-authenticate"]
    for path in ("/agency/events", "/agency/events/x", "/agency/subscriptions", "/agency/deliveries"):
        refused(await door.call("GET", path, headers=publish), 403, "FORBIDDEN")
    assert await door.stored() == 0


async def test_a_citizens_token_is_no_agencys(door: Door) -> None:
    citizen = await door.clients._signing.sign(
        {"iss": ISSUER, "aud": f"{ISSUER}/graphql", "sub": "x", "client_id": "dopa-1", "agency": "dopa",
         "scope": "events:publish", "jti": "1", "iat": 1, "nbf": 1, "exp": 9_999_999_999},
        typ="at+jwt",
    )  # fmt: skip
    refused(await door.send(a_birth(), headers={"Authorization": f"Bearer {citizen}"}), 401, "UNAUTHENTICATED")


async def test_a_client_that_was_removed_stays_outside(door: Door) -> None:
    token = await door.token("dopa")
    await door.clients.remove("dopa-1")

    refused(await door.send(a_birth(), headers={"Authorization": f"Bearer {token}"}), 401, "UNAUTHENTICATED")


# ---- when we are unwell


async def test_a_ledger_that_is_away_is_said_with_a_time_to_come_back(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.token()

    async def away(*_: Any, **__: Any) -> None:
        raise PyMongoError("no primary")

    monkeypatch.setattr(type(door.road.store.collection("events")), "insert_many", away)
    reply = await door.send(a_birth())

    refused(reply, 503, "UNAVAILABLE")
    assert reply.headers["retry-after"] == "1"


async def test_a_fault_of_ours_is_masked_with_a_reference(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret inner matter")

    monkeypatch.setattr(type(door.road.intake), "record", broken)
    reply = await door.send(a_birth())

    refused(reply, 500, "INTERNAL")
    reference = reply.json()["message"].rpartition(" ")[2]
    assert b"secret inner matter" not in reply.body
    assert any(reference in str(one.__dict__) for one in caplog.records)


# ---- subscribing


async def test_a_subscription_from_its_birth_to_its_end(door: Door, hook: Hook) -> None:
    made = await door.subscribe(endpoint=hook.url)
    path = f"/agency/subscriptions/{made['id']}"
    assert made["secret"].startswith("whsec_")
    assert hook.signed_by(made["secret"])["type"] == "tangrat.endpoint.challenge"

    assert (await door.call("GET", path)).json() == {name: value for name, value in made.items() if name != "secret"}
    assert (await door.call("POST", f"{path}/pause")).json()["state"] == "paused"
    assert (await door.call("POST", f"{path}/resume")).json()["state"] == "active"
    assert (await door.call("POST", f"{path}/rotate")).json()["secret"] != made["secret"]
    assert len((await door.call("GET", "/agency/subscriptions")).json()["subscriptions"]) == 1
    assert (await door.call("DELETE", path)).status == 204
    refused(await door.call("GET", path), 404, "NOT_FOUND")


async def test_another_agencys_subscription_is_not_there(door: Door) -> None:
    made = await door.subscribe(agency="sso")

    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/rotate")):
        refused(await door.call(method, f"/agency/subscriptions/{made['id']}{tail}"), 404, "NOT_FOUND")
    assert (await door.call("GET", "/agency/subscriptions")).json() == {"subscriptions": []}


@pytest.mark.parametrize(
    "wish",
    [
        b"", b"[]", b"{", b"5", b"{}", b'{"types":["x"],"purpose":"abc","legal_ground":"abc"}',
        b'{"types":["th.dopa.birth.registered"],"purpose":"abc"}',
        b'{"types":["th.dopa.birth.registered"],"purpose":"abc","legal_ground":"abc","agency":"sso"}',
        b'{"types":["th.dopa.birth.registered"],"purpose":"abc","legal_ground":"abc","endpoint":5}',
        b'{"types":["th.dopa.birth.registered"],"purpose":{"$ne":1},"legal_ground":"abc"}',
        b'{"types":{"$in":[]},"purpose":"abc","legal_ground":"abc"}',
    ],
)  # fmt: skip
async def test_a_wish_that_makes_no_sense_is_refused(door: Door, wish: bytes) -> None:
    refused(await door.call("POST", "/agency/subscriptions", body=wish), 400, "BAD_INPUT")


async def test_a_wish_is_json_and_small(door: Door) -> None:
    refused(
        await door.call("POST", "/agency/subscriptions", body=b"{}", kind="text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"
    )
    refused(await door.call("POST", "/agency/subscriptions", body=b" " * 65_537), 413, "TOO_LARGE")


# ---- the pull feed


async def pulled(door: Door, how_many: int, *, agency: str = "nhso", **params: str) -> dict[str, Any]:
    """The feed, once it shows that many: it keeps two seconds behind."""
    for _ in range(60):
        said: dict[str, Any] = (await door.call("GET", "/agency/events", agency=agency, **params)).json()
        if len(said["events"]) >= how_many:
            return said
        await asyncio.sleep(0.1)
    raise AssertionError(f"the feed never showed {how_many} events")


async def test_the_feed_shows_what_one_subscribed_to_in_order_and_once(door: Door) -> None:
    await door.send(a_birth(id="before"))
    await door.subscribe()
    sent = [(await door.send(a_birth(id=f"b{n}"))).json()["receipts"][0]["receipt"] for n in range(3)]
    batch = await door.send([a_birth(id=f"c{n}") for n in range(4)], kind=BATCH)
    sent += [one["receipt"] for one in batch.json()["receipts"]]
    other = a_birth(id="d", type="th.dopa.marriage.registered", data={"citizen_id": PID, "registered_on": "2024-05-01"})
    assert (await door.send(other)).status == 202

    whole = await pulled(door, 7)
    assert {one["id"] for one in whole["events"]} == set(sent)
    assert [one["id"] for one in whole["events"][:3]] == sent[:3]
    event = whole["events"][0]
    assert event.keys() == {"id", "type", "source", "time", "subject", "data_ref"}
    assert PID not in str(whole)

    seen, after = [], {}
    while True:
        some = (await door.call("GET", "/agency/events", limit="2", **after)).json()
        seen += [one["id"] for one in some["events"]]
        after = {"after": some["next"]}
        if not some["has_more"]:
            break
    assert seen == [one["id"] for one in whole["events"]]
    assert (await door.call("GET", "/agency/events", **after)).json() == {
        "events": [], "next": after["after"], "has_more": False,
    }  # fmt: skip


async def test_the_feed_of_whoever_subscribed_to_nothing_is_empty(door: Door) -> None:
    assert (await door.call("GET", "/agency/events")).json() == {"events": [], "next": None, "has_more": False}


@pytest.mark.parametrize("params", [{"after": "x"}, {"after": "W10"}, {"limit": "0"}, {"limit": "101"}, {"limit": "๕"}])
async def test_a_wrong_place_in_the_feed_is_refused(door: Door, params: dict[str, str]) -> None:
    await door.subscribe()
    refused(await door.call("GET", "/agency/events", **params), 400, "BAD_INPUT")


async def test_what_is_not_known_in_a_query_is_ignored(door: Door) -> None:
    assert (await door.call("GET", "/agency/events", colour="red")).status == 200


# ---- fetching by reference


async def test_the_whole_event_is_fetched_under_ones_own_authority_and_recorded(door: Door) -> None:
    await door.subscribe()
    receipt = (await door.send(a_birth())).json()["receipts"][0]["receipt"]
    reply = await door.call("GET", f"/agency/events/{receipt}")

    assert reply.status == 200
    assert reply.json()["data"] == a_birth()["data"]
    assert reply.headers["cache-control"] == "no-store"
    (look,) = await door.road.all_of("access_records")
    assert (look["actor"], look["agency"], look["operation"]) == ("nhso-1", "nhso", f"event {BIRTH}")
    assert (look["purpose"], look["ground"]) == ("care for newborns", "an act, s. 6")


async def test_what_one_did_not_subscribe_to_is_not_there(door: Door) -> None:
    receipt = (await door.send(a_birth())).json()["receipts"][0]["receipt"]
    await door.subscribe("th.dopa.death.registered")
    await door.subscribe()  # too late for this one

    for event in (receipt, "0" * 32, "$ne"):
        refused(await door.call("GET", f"/agency/events/{event}"), 404, "NOT_FOUND")
    refused(await door.call("GET", f"/agency/events/{receipt}", agency="dopa"), 404, "NOT_FOUND")
    assert await door.road.all_of("access_records") == []


async def test_no_record_no_look(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.subscribe()
    receipt = (await door.send(a_birth())).json()["receipts"][0]["receipt"]

    async def away(*_: Any, **__: Any) -> None:
        raise PyMongoError("full")

    monkeypatch.setattr(type(door.road.store.collection("access_records")), "insert_many", away)

    refused(await door.call("GET", f"/agency/events/{receipt}"), 503, "UNAVAILABLE")


async def test_an_erased_persons_event_is_not_there(door: Door) -> None:
    await door.subscribe()
    receipt = (await door.send(a_birth())).json()["receipts"][0]["receipt"]
    await door.road.people.erase((await door.road.people.ensure(PID)).id)

    refused(await door.call("GET", f"/agency/events/{receipt}"), 404, "NOT_FOUND")


# ---- dead letters


async def a_dead_letter(door: Door) -> str:
    await door.send(a_birth())
    await door.road.fanout.run_once(10)
    (item,) = await door.road.all_of(DELIVERIES)
    ledger = door.road.notifier._deliveries
    (claimed,) = await ledger.claim(limit=1)
    assert isinstance(claimed, Claimed)
    await ledger.bury(claimed, why="the endpoint answered 500")
    return str(item["_id"])


async def test_dead_letters_are_listed_and_replayed_under_the_same_id(door: Door, hook: Hook) -> None:
    made = await door.subscribe(endpoint=hook.url)
    delivery = await a_dead_letter(door)

    (listed,) = (await door.call("GET", "/agency/deliveries", state="buried")).json()["deliveries"]
    assert (listed["id"], listed["subscription"], listed["why"]) == (delivery, made["id"], "the endpoint answered 500")
    assert (await door.call("POST", f"/agency/deliveries/{delivery}/replay")).json() == {
        "id": delivery,
        "state": "waiting",
    }
    assert (await door.call("GET", "/agency/deliveries")).json()["deliveries"] == []
    refused(await door.call("POST", f"/agency/deliveries/{delivery}/replay"), 404, "NOT_FOUND")


async def test_dead_letters_of_others_are_not_there(door: Door, hook: Hook) -> None:
    await door.subscribe(endpoint=hook.url)
    delivery = await a_dead_letter(door)

    assert (await door.call("GET", "/agency/deliveries", agency="sso")).json()["deliveries"] == []
    refused(await door.call("POST", f"/agency/deliveries/{delivery}/replay", agency="sso"), 404, "NOT_FOUND")
    refused(await door.call("GET", "/agency/deliveries", state="done"), 400, "BAD_INPUT")
