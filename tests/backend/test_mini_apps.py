"""The mini apps' doors over real HTTP, in the dialect that their backends speak; DOPA is the sandbox's, the database real."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from starlette.applications import Starlette
from typer.testing import CliRunner, Result

from agencies import cache as cache_module
from agencies.cache import Cache
from agencies.dopa import Dopa
from agencies.gateway import Gateway
from agencies.gdx import GdxTransport
from backend.__main__ import app
from backend.mini_apps import build_routes
from backend.processes import Server
from foundation.clock import BANGKOK, FrozenClock
from foundation.errors import CannotStart
from foundation.http import Http, Reply
from foundation.language import Text
from foundation.ports import listening
from foundation.settings import read
from foundation.store import Store
from foundation.telemetry import Metrics
from notifications import devices, inbox, mini_app_messages, notifier
from notifications.devices import Devices
from notifications.inbox import Entry, Inbox
from notifications.ledger import Ledger
from notifications.mini_app_messages import MiniAppMessages
from notifications.notifier import Notifier
from notifications.preferences import Preferences
from sandbox.nation import Nation
from tests.serving import serving
from trust import access_log as access_log_module
from trust import mini_apps as mini_apps_module
from trust.access_log import AccessLog, AccessRecord
from trust.consents import SHOW_MY_DATA, Consents
from trust.mini_apps import MiniApp, MiniApps
from trust.people import People, PersonId
from trust.secrets import Vault

# aiohttp warns of what is the point here: bodies of megabytes.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body")
NATION = Nation(day_zero=date(2026, 11, 21))
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UAT, PROD, OTHER_PROD = "/ws/dga/czp/uat/v1", "/ws/dga/czp/prod/v1", "/ws/dga/czp/v1"
DEPROC, MOCK, PUSH = "/core/shield/data/deproc", "/core/shield/data/mock", "/core/notification/push"
MALEE = {
    "CitizenId": "1000000099994", "FirstName": "มาลี", "LastName": "สมมติ", "DateOfBirthString": "198605--",
    "Mobile": "0812345678", "Email": "malee@example.com", "Notification": True,
}  # fmt: skip


@dataclass
class Deaths:
    """Who is known to have died, as the agenda would say."""

    known: set[PersonId] = field(default_factory=set)

    async def died(self, people: Collection[PersonId]) -> set[PersonId]:
        return self.known & set(people)


@dataclass
class Parts:
    """One process of ours."""

    mini_apps: MiniApps
    messages: MiniAppMessages
    gateway: Gateway
    people: People
    inbox: Inbox
    preferences: Preferences
    devices: Devices
    access_log: AccessLog
    store: Store


@dataclass
class Backend:
    """A mini app's backend."""

    url: str
    http: Http
    app: MiniApp
    secret: str
    token: str = ""
    base: str = UAT

    async def validate(self, *, agent: str = "tester", secret: str | None = None, key: str | None = None) -> Reply:
        asked = {"ConsumerSecret": self.secret if secret is None else secret, "AgentID": agent}
        return await self.http.request(
            "GET", f"{self.url}/ws/auth/validate", params=asked, deadline_s=5,
            headers={
                "Consumer-Key": self.app.consumer_key if key is None else key,
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            },
        )  # fmt: skip

    async def sign_in(self) -> Backend:
        self.token = (await self.validate()).json()["Result"]
        return self

    async def post(self, path: str, body: Any, **headers: str) -> Reply:
        sent = {"Consumer-Key": self.app.consumer_key, "Token": self.token, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.http.request(
            "POST", f"{self.url}{self.base}{path}", body=content, headers=sent, deadline_s=15
        )

    async def deproc(self, m_token: str) -> Reply:
        return await self.post(DEPROC, {"AppId": self.app.id, "MToken": m_token})

    async def push(self, *to: str, message: str = "สวัสดี", at: str | None = None) -> Reply:
        data = [{"message": message, "userId": one} for one in to]
        return await self.post(PUSH, {"appId": self.app.id, "data": data, "sendDateTime": at})


@pytest.fixture
def frozen() -> FrozenClock:
    """Now, standing still: the database removes by its own clock."""
    return FrozenClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def people(store: Store, vault: Vault, frozen: FrozenClock) -> People:
    return People(store, vault, clock=frozen)


@pytest.fixture
def deaths() -> Deaths:
    return Deaths()


@pytest.fixture
async def parts(
    store: Store, vault: Vault, frozen: FrozenClock, http: Http, people: People, deaths: Deaths, sandbox_url: str
) -> AsyncIterator[Callable[[], Parts]]:
    """Makes processes: each has nothing in memory that another has."""
    await store.open(
        (*access_log_module.INDEXES, *mini_apps_module.INDEXES, *inbox.INDEXES, *devices.INDEXES, *notifier.INDEXES,
         *mini_app_messages.INDEXES, *cache_module.INDEXES)
    )  # fmt: skip
    settings = read({"TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_url).port)})
    built: list[Gateway] = []

    def build() -> Parts:
        metrics, access_log = Metrics(), AccessLog(store, clock=frozen)
        gdx = GdxTransport(
            http, url=settings.gdx_url, consumer_key=settings.gdx_consumer_key,
            consumer_secret=settings.gdx_consumer_secret, agent_id=settings.gdx_agent_id, clock=frozen, deadline_s=1.5,
        )  # fmt: skip
        dopa = Dopa(
            gdx, url=settings.dopa_url, officer_pid=settings.dopa_officer_pid, office_id=settings.dopa_office_id,
            access_token=settings.dopa_access_token, job_id=settings.dopa_job_id, clock=frozen,
        )  # fmt: skip
        mini_apps = MiniApps(store, vault, clock=frozen, production=False)
        gateway = Gateway(
            [dopa], people=people, access_log=access_log, cache=Cache(store, people, vault, clock=frozen),
            consents=Consents(store, people, agencies=("dopa",), clock=frozen), clock=frozen, metrics=metrics,
            deadline_s=1.5, consented=mini_apps.may_look,
        )  # fmt: skip
        built.append(gateway)
        rooms = Inbox(store, people, vault, clock=frozen)
        phones, wishes = Devices(store, people, vault, clock=frozen), Preferences(store, people, clock=frozen)
        tells = Notifier(
            inbox=rooms, devices=phones, preferences=wishes, deliveries=Ledger(store, notifier.DELIVERIES, clock=frozen),
            vault=vault, clock=frozen,
        )  # fmt: skip
        messages = MiniAppMessages(
            store, Ledger(store, mini_app_messages.MESSAGES, clock=frozen), mini_apps=mini_apps, notifier=tells,
            people=people, deaths=deaths, vault=vault, clock=frozen, metrics=metrics,
        )  # fmt: skip
        return Parts(mini_apps, messages, gateway, people, rooms, wishes, phones, access_log, store)

    yield build
    for gateway in built:
        await gateway.close()


@pytest.fixture
def ours(parts: Callable[[], Parts]) -> Parts:
    return parts()


Serving = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve_doors(frozen: FrozenClock, deaths: Deaths) -> AsyncIterator[Serving]:
    async with AsyncExitStack() as running:

        async def start(parts: Parts, *, production: bool = False) -> str:
            routes = build_routes(
                mini_apps=parts.mini_apps, messages=parts.messages, gateway=parts.gateway,
                preferences=parts.preferences, deaths=deaths, clock=frozen, metrics=Metrics(), production=production,
            )  # fmt: skip
            return await running.enter_async_context(serving(Starlette(routes=routes)))

        yield start


@pytest.fixture
async def url(serve_doors: Serving, ours: Parts) -> str:
    return await serve_doors(ours)


Register = Callable[..., Awaitable[Backend]]


@pytest.fixture
def register(ours: Parts, url: str, http: Http) -> Register:
    async def add(**changed: Any) -> Backend:
        entry: dict[str, Any] = {
            "agency": "dlt", "name": Text(th="ใบขับขี่ของฉัน", en="My licence"), "url": "https://dlt.example.go.th/landing",
        }  # fmt: skip
        app, secret = await ours.mini_apps.add(**(entry | changed))
        assert secret is not None
        return await Backend(url, http, app, secret).sign_in()

    return add


@pytest.fixture
async def backend(register: Register) -> Backend:
    return await register()


@pytest.fixture
def citizen(people: People) -> Callable[[int], Awaitable[PersonId]]:
    async def known(number: int) -> PersonId:
        return (await people.ensure(NATION.citizen(number).pid)).id

    return known


Citizen = Callable[[int], Awaitable[PersonId]]


async def entered(ours: Parts, backend: Backend, person: PersonId) -> str:
    return (await ours.mini_apps.enter(person, backend.app.id, agrees=True)).m_token


async def messages_of(ours: Parts, person: PersonId) -> list[Entry]:
    return list((await ours.inbox.page(person)).items)


async def looks_at(ours: Parts, person: PersonId) -> list[AccessRecord]:
    return list((await ours.access_log.page(person)).items)


def said(reply: Reply) -> tuple[int, Any]:
    return reply.status, reply.json()


# ---- validate


async def test_validate_sells_a_token_as_the_gateway_does(backend: Backend) -> None:
    reply = await backend.validate(agent="1000000000017")

    assert reply.status == 200
    assert set(reply.json()) == {"Result"}
    assert UUID.fullmatch(reply.json()["Result"])
    assert reply.headers["cache-control"] == "no-store"


async def test_validate_refuses_in_the_gateways_words(backend: Backend) -> None:
    not_found = {"Code": "403", "Message": "ForbiddenException: consumer not found"}

    assert said(await backend.validate(key="nobody")) == (403, not_found)
    assert said(await backend.validate(key="")) == (403, not_found)
    assert said(await backend.validate(secret="wrong")) == (403, not_found)
    assert said(await backend.validate(secret="\x00")) == (403, not_found)
    assert said(await backend.validate(agent="")) == (
        400,
        {"Code": "400", "Message": "BadRequestException: AgentID not found"},
    )
    twice = await backend.http.request(
        "GET", f"{backend.url}/ws/auth/validate?AgentID=a&AgentID=b&ConsumerSecret={backend.secret}", deadline_s=5,
        headers={"Consumer-Key": backend.app.consumer_key},
    )  # fmt: skip
    assert twice.status == 400


@pytest.mark.parametrize("path", [DEPROC, MOCK, PUSH])
async def test_every_door_wants_the_key_and_the_token(path: str, backend: Backend, register: Register) -> None:
    other = await register()
    unknown = {"Code": "403", "Message": "ForbiddenException: consumer not found"}
    no_token = {"Code": "401", "Message": "UnauthorizedException: token not found"}

    assert said(await backend.post(path, {}, Consumer_Key="nobody")) == (403, unknown)
    assert said(await backend.post(path, {}, Token="")) == (401, no_token)
    assert said(await backend.post(path, {}, Token="00000000-0000-4000-8000-000000000000")) == (401, no_token)
    assert said(await backend.post(path, {}, Token=other.token)) == (401, no_token), "another consumer's"
    # A large body is refused as well as a small one, and the refusal arrives.
    assert said(await backend.post(path, b"x" * 3_000_000, Token="")) == (401, no_token)


async def test_a_token_is_for_an_hour_of_idleness(backend: Backend, frozen: FrozenClock) -> None:
    frozen.advance(timedelta(minutes=59))
    assert (await backend.deproc("nothing")).status == 404
    frozen.advance(timedelta(minutes=59))
    assert (await backend.deproc("nothing")).status == 404
    frozen.advance(timedelta(minutes=62))

    assert (await backend.deproc("nothing")).status == 401


# ---- deproc


async def test_deproc_tells_who_came_in(backend: Backend, ours: Parts, citizen: Citizen, frozen: FrozenClock) -> None:
    person = await citizen(1)
    await ours.preferences.update(person, {"mobile": "081 234 5678"})

    reply = await backend.deproc(await entered(ours, backend, person))

    answer = reply.json()
    assert reply.status == 200
    assert answer == {
        "result": {
            "userId": ours.mini_apps.user_id(person, backend.app.id),
            "citizenId": "1000000000017",
            "firstName": "พิมพ์ใจ",
            "lastName": "แสงอรุณ",
            "dateOfBirthString": "19970704",
            "mobile": "0812345678",
            "email": None,
            "notification": True,
        },
        "requestTimeStamp": int(frozen.now().timestamp()),
        "messageCode": 200,
        "message": "Success",
    }
    (look,) = await looks_at(ours, person)
    assert (look.actor, look.agency, look.operation, look.legal_ground) == (
        backend.app.actor,
        "dopa",
        "PERSON",
        "CONSENT",
    )
    assert "ใบขับขี่ของฉัน" in look.purpose
    assert "My licence" in look.purpose


async def test_deproc_stands_at_every_address_and_takes_every_spelling(
    backend: Backend, ours: Parts, citizen: Citizen
) -> None:
    spellings = (("AppId", "MToken"), ("appId", "mToken"), ("APPID", "mtoken"))
    for backend.base, (app_id, m_token) in itertools.product((UAT, PROD, OTHER_PROD), spellings):
        token = await entered(ours, backend, await citizen(2))

        reply = await backend.post(DEPROC, {app_id: backend.app.id.upper(), m_token: token})

        assert reply.status == 200
        assert reply.json()["result"]["firstName"] == "ปิติ"


@pytest.mark.parametrize(("number", "written"), [(63, "1950----"), (278, "198707--")])
async def test_what_is_not_known_of_a_birth_is_dashes(
    number: int, written: str, backend: Backend, ours: Parts, citizen: Citizen
) -> None:
    reply = await backend.deproc(await entered(ours, backend, await citizen(number)))

    assert reply.json()["result"]["dateOfBirthString"] == written


async def test_an_m_token_works_once(backend: Backend, ours: Parts, citizen: Citizen) -> None:
    person = await citizen(1)
    m_token = await entered(ours, backend, person)

    first, second = await backend.deproc(m_token), await backend.deproc(m_token)

    assert (first.status, second.status) == (200, 404)
    refusal = second.json()
    assert (refusal["result"], refusal["messageCode"]) == (None, 404)
    assert not refusal["messageTh"].isascii()
    assert m_token.encode() not in second.body
    assert len(await looks_at(ours, person)) == 1


async def test_of_two_at_once_one_wins_in_whatever_process(
    backend: Backend, ours: Parts, parts: Callable[[], Parts], serve_doors: Serving, citizen: Citizen
) -> None:
    person = await citizen(1)
    elsewhere = Backend(await serve_doors(parts()), backend.http, backend.app, backend.secret, backend.token)
    m_token = await entered(ours, backend, person)

    replies = await asyncio.gather(*(one.deproc(m_token) for one in (backend, elsewhere) * 4))

    assert sorted(one.status for one in replies) == [200] + [404] * 7
    assert len(await looks_at(ours, person)) == 1


async def test_a_restart_in_between_changes_nothing(
    backend: Backend, ours: Parts, parts: Callable[[], Parts], serve_doors: Serving, citizen: Citizen
) -> None:
    m_token = await entered(ours, backend, await citizen(1))

    backend.url = await serve_doors(parts())

    assert (await backend.deproc(m_token)).status == 200


async def test_an_m_token_ends_after_two_minutes(
    backend: Backend, ours: Parts, citizen: Citizen, frozen: FrozenClock
) -> None:
    m_token = await entered(ours, backend, await citizen(1))
    frozen.advance(timedelta(seconds=120))

    assert (await backend.deproc(m_token)).status == 404


async def test_an_m_token_is_for_its_mini_app_only(
    backend: Backend, register: Register, ours: Parts, citizen: Citizen
) -> None:
    person = await citizen(1)
    other, m_token = await register(), await entered(ours, backend, person)

    stolen = await other.deproc(m_token)
    posing = await other.post(DEPROC, {"AppId": backend.app.id, "MToken": m_token})

    assert (stolen.status, posing.status) == (404, 403)
    assert await looks_at(ours, person) == []
    assert (await backend.deproc(m_token)).status == 200, "its owner still has it"


async def test_two_mini_apps_can_not_tell_that_they_serve_one_person(
    backend: Backend, register: Register, ours: Parts, citizen: Citizen
) -> None:
    person, other = await citizen(1), await register()

    told = [(await one.deproc(await entered(ours, one, person))).json()["result"] for one in (backend, other, backend)]

    assert told[0]["userId"] != told[1]["userId"]
    assert told[0]["userId"] == told[2]["userId"]
    assert all(person not in one["userId"].replace("-", "") for one in told)


async def test_a_withdrawn_consent_is_the_end(backend: Backend, ours: Parts, citizen: Citizen) -> None:
    person = await citizen(1)
    m_token = await entered(ours, backend, person)
    await ours.mini_apps.withdraw(person, backend.app.id)

    assert (await backend.deproc(m_token)).status == 404
    assert await looks_at(ours, person) == []


async def test_who_withdrew_the_register_is_not_told_about(
    backend: Backend, ours: Parts, citizen: Citizen, store: Store, frozen: FrozenClock
) -> None:
    person = await citizen(1)
    consents = Consents(store, ours.people, agencies=("dopa",), clock=frozen)
    await consents.withdraw(person, "dopa", SHOW_MY_DATA, app="tester")

    assert (await backend.deproc(await entered(ours, backend, person))).status == 404


async def test_the_dead_are_not_told_about(backend: Backend, ours: Parts, citizen: Citizen, deaths: Deaths) -> None:
    by_the_register, by_us = await citizen(42), await citizen(1)
    tokens = [await entered(ours, backend, one) for one in (by_the_register, by_us)]
    deaths.known.add(by_us)

    assert [(await backend.deproc(one)).status for one in tokens] == [404, 404]
    assert await looks_at(ours, by_us) == [], "nobody was asked"


async def test_the_erased_are_not_told_about(backend: Backend, ours: Parts, citizen: Citizen) -> None:
    person = await citizen(1)
    m_token = await entered(ours, backend, person)
    await ours.people.erase(person)

    reply = await backend.deproc(m_token)

    assert (reply.status, reply.json()["result"]) == (404, None)


async def test_a_register_that_is_down_costs_no_m_token(
    backend: Backend, ours: Parts, citizen: Citizen, switch: Callable[..., Any]
) -> None:
    m_token = await entered(ours, backend, await citizen(1))
    await asyncio.to_thread(switch, "POST", "faults", {"agency": "dopa", "fault": "error", "status": 503})

    down = await backend.deproc(m_token)
    await asyncio.to_thread(switch, "DELETE", "faults")

    assert (down.status, down.json()["result"]) == (503, None)
    assert int(down.headers["retry-after"]) >= 1
    assert (await backend.deproc(m_token)).status == 200
    assert (await backend.deproc(m_token)).status == 404


async def test_a_register_that_lies_is_not_believed(
    backend: Backend, ours: Parts, citizen: Citizen, switch: Callable[..., Any]
) -> None:
    m_token = await entered(ours, backend, await citizen(1))
    await asyncio.to_thread(switch, "POST", "faults", {"agency": "dopa", "fault": "lying"})

    reply = await backend.deproc(m_token)

    assert (reply.status, reply.json()["result"]) == (503, None)


async def test_only_what_was_allowed_is_told(register: Register, ours: Parts, citizen: Citizen) -> None:
    modest, person = await register(scopes=["profile"]), await citizen(1)
    await ours.preferences.update(person, {"mobile": "0812345678"})

    told = (await modest.deproc(await entered(ours, modest, person))).json()["result"]

    assert (told["firstName"], told["mobile"], told["notification"]) == ("พิมพ์ใจ", None, False)
    assert (await modest.push(told["userId"])).status == 403


async def test_a_person_who_muted_the_mini_app_has_no_push_alerts(
    backend: Backend, ours: Parts, citizen: Citizen
) -> None:
    person = await citizen(1)
    await ours.preferences.update(person, {"muted_topics": [backend.app.topic]})

    told = (await backend.deproc(await entered(ours, backend, person))).json()["result"]

    assert told["notification"] is False


NOT_A_REQUEST = [
    b"", b"null", b"[]", b"{", b"\xff", b'"x"', b"{}", b'{"AppId": 1, "MToken": 2}', b'{"AppId": "\\ud800"}',
    b"[" * 20_00, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"a":' * 900 + b'"\\u003a"' + b"}" * 900,
]  # fmt: skip


# One database for many refusals: making one takes longer than all of them.
@pytest.mark.parametrize("path", [DEPROC, MOCK, PUSH])
async def test_what_is_not_a_request_is_refused_with_a_reason(path: str, backend: Backend) -> None:
    for body in NOT_A_REQUEST:
        reply = await backend.post(path, body)

        assert reply.status == 400, body[:40]
        told = reply.json()
        assert (told["result"], told["messageCode"]) == (None, 400)
        assert told["message"]
        assert not told["messageTh"].isascii()


async def test_a_field_that_stands_twice_is_refused_and_burns_nothing(
    backend: Backend, ours: Parts, citizen: Citizen
) -> None:
    m_token = await entered(ours, backend, await citizen(1))
    app = backend.app.id

    for body in (
        f'{{"AppId": "{app}", "MToken": "{m_token}", "MToken": "{m_token}"}}',
        f'{{"AppId": "{app}", "MToken": "{m_token}", "mToken": "x"}}',
    ):
        assert (await backend.post(DEPROC, body.encode())).status == 400
    for wrong in ("", "\x00", "a\u202eb", "x" * 101, {"$ne": ""}, ["x"], None, 7, True):
        assert (await backend.post(DEPROC, {"AppId": app, "MToken": wrong})).status in (400, 404)
    assert (await backend.post(DEPROC, {"AppId": app, "MToken": m_token, "More": "x" * 20_000})).status == 413

    assert (await backend.deproc(m_token)).status == 200


# ---- mock


async def test_somebody_made_up_comes_in_like_anybody(backend: Backend, frozen: FrozenClock) -> None:
    reply = await backend.post(MOCK, {"AppId": backend.app.id, **MALEE})

    told = reply.json()
    assert reply.status == 200
    assert (told["messageCode"], told["message"]) == (0, None), "0 here, 200 elsewhere: as it is on the real platform"
    assert told["requestTimeStamp"] == int(frozen.now().timestamp())
    assert told["result"]["appId"] == backend.app.id
    person = (await backend.deproc(told["result"]["mToken"])).json()["result"]
    assert UUID.fullmatch(person.pop("userId"))
    assert person == {name[0].lower() + name[1:]: value for name, value in MALEE.items()}
    assert (await backend.deproc(told["result"]["mToken"])).status == 404


async def test_somebody_made_up_gets_no_messages(backend: Backend) -> None:
    m_token = (await backend.post(MOCK, {"AppId": backend.app.id, **MALEE})).json()["result"]["mToken"]
    user = (await backend.deproc(m_token)).json()["result"]["userId"]

    assert (await backend.push(user)).json()["result"] == []


NOT_A_PERSON: list[dict[str, Any]] = [
    {"CitizenId": "1234567890123"}, {"CitizenId": 1000000099994}, {"FirstName": ""}, {"FirstName": "ก\x00"},
    {"LastName": "a\u202eb"}, {"LastName": None}, {"DateOfBirthString": "25290501"}, {"DateOfBirthString": "19860231"},
    {"DateOfBirthString": "1986--01"}, {"DateOfBirthString": "1986-05-01"}, {"Notification": "yes"},
    {"Mobile": 812345678}, {"Email": "x" * 101},
]  # fmt: skip


async def test_nobody_is_made_up_wrongly(backend: Backend, store: Store) -> None:
    for wrong in NOT_A_PERSON:
        reply = await backend.post(MOCK, {"AppId": backend.app.id, **(MALEE | wrong)})

        assert reply.status == 400, wrong
        assert "1234567890123" not in reply.body.decode()
    assert await store.collection("mini_app_entries").count_documents({}) == 0


async def test_nobody_is_made_up_in_production(backend: Backend, ours: Parts, serve_doors: Serving) -> None:
    backend.url = await serve_doors(ours, production=True)

    for backend.base in (UAT, PROD, OTHER_PROD):
        assert (await backend.post(MOCK, {"AppId": backend.app.id, **MALEE})).status == 404
        assert (await backend.deproc("nothing")).json()["messageCode"] == 404, "the other doors stand"


# ---- push


async def test_a_message_reaches_the_inbox_with_the_agency_as_sender(
    backend: Backend, ours: Parts, citizen: Citizen, frozen: FrozenClock
) -> None:
    person = await citizen(1)
    user = (await backend.deproc(await entered(ours, backend, person))).json()["result"]["userId"]

    reply = await backend.push(user, message="ใบอนุญาตของท่านใกล้หมดอายุ\nโปรดต่ออายุ")

    told = reply.json()
    assert reply.status == 200
    assert list(told) == ["result", "requestTimeStamp", "messageCode", "message"]
    assert (told["messageCode"], told["message"]) == (200, None)
    assert told["requestTimeStamp"] == int(frozen.now().timestamp())
    assert [bool(UUID.fullmatch(one)) for one in told["result"]] == [True]
    assert await ours.messages.run_once(10) == 1
    (entry,) = await messages_of(ours, person)
    assert entry.body.th == "ใบอนุญาตของท่านใกล้หมดอายุ\nโปรดต่ออายุ"
    assert (entry.title.th, entry.title.en) == ("ใบขับขี่ของฉัน", "My licence")
    assert entry.because["agency"] == "dlt"
    assert "ใบอนุญาต" not in entry.lock_screen.th


async def test_a_batch_answers_for_those_who_are_there(
    backend: Backend, ours: Parts, citizen: Citizen, deaths: Deaths
) -> None:
    numbers = (1, 2, 3, 4, 5)
    people = [await citizen(number) for number in numbers]
    here, gone, dead, erased, told = people
    for person in people:
        await entered(ours, backend, person)
    await ours.mini_apps.withdraw(gone, backend.app.id)
    deaths.known.add(dead)
    await ours.people.erase(erased)
    users = [ours.mini_apps.user_id(person, backend.app.id) for person in people]

    reply = await backend.push(*users, "00000000-0000-4000-8000-000000000000", "\x00", "ไม่มี")

    assert reply.status == 200
    assert len(set(reply.json()["result"])) == 2
    await ours.messages.run_once(100)
    assert [len(await messages_of(ours, one)) for one in (here, gone, dead, told)] == [1, 0, 0, 1]


async def test_nobody_there_is_200_with_an_empty_result(
    backend: Backend, register: Register, ours: Parts, citizen: Citizen, store: Store
) -> None:
    other, person = await register(), await citizen(1)
    await entered(ours, other, person)
    theirs = ours.mini_apps.user_id(person, other.app.id)

    for user in (theirs, ours.mini_apps.user_id(person, backend.app.id), person):
        reply = await backend.push(user)
        assert (reply.status, reply.json()["result"], reply.json()["messageCode"]) == (200, [], 200)
    assert await store.collection("mini_app_messages").count_documents({}) == 0


async def test_the_same_again_is_the_same_transaction_and_one_message(
    backend: Backend,
    ours: Parts,
    parts: Callable[[], Parts],
    serve_doors: Serving,
    citizen: Citizen,
    frozen: FrozenClock,
) -> None:
    person = await citizen(1)
    await entered(ours, backend, person)
    user = ours.mini_apps.user_id(person, backend.app.id)
    elsewhere = Backend(await serve_doors(parts()), backend.http, backend.app, backend.secret, backend.token)

    replies = await asyncio.gather(*(one.push(user, user.upper()) for one in (backend, elsewhere) * 4))
    await ours.messages.run_once(100)
    frozen.advance(timedelta(minutes=9))
    late = await backend.push(user)
    await ours.messages.run_once(100)

    transactions = {one for reply in (*replies, late) for one in reply.json()["result"]}
    assert len(transactions) == 1
    assert all(len(reply.json()["result"]) == 2 for reply in replies), "one for each item"
    assert len(await messages_of(ours, person)) == 1
    other_text = await backend.push(user, message="อีกเรื่อง")
    assert other_text.json()["result"][0] not in transactions
    frozen.advance(timedelta(minutes=2))
    assert (await backend.push(user)).json()["result"][0] not in transactions, "after a while it is another message"
    await ours.messages.run_once(100)
    assert len(await messages_of(ours, person)) == 3


async def test_a_scheduled_message_waits_for_its_time(
    backend: Backend, ours: Parts, citizen: Citizen, frozen: FrozenClock
) -> None:
    person = await citizen(1)
    await entered(ours, backend, person)
    user = ours.mini_apps.user_id(person, backend.app.id)
    at = (frozen.now() + timedelta(hours=3)).astimezone(BANGKOK)
    same = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    first = await backend.push(user, at=at.isoformat())
    frozen.advance(timedelta(hours=1))
    again = await (await backend.sign_in()).push(user, at=same)

    assert at.isoformat().endswith("+07:00")
    assert first.json()["result"] == again.json()["result"]
    frozen.advance(timedelta(hours=2, seconds=-1))
    assert await ours.messages.run_once(10) == 0
    assert await messages_of(ours, person) == []
    frozen.advance(timedelta(seconds=1))
    assert await ours.messages.run_once(10) == 1
    assert len(await messages_of(ours, person)) == 1


@pytest.mark.parametrize("how", ["withdrawn", "withdrawn and given again", "died", "erased", "removed"])
async def test_a_scheduled_message_does_not_outlive_the_consent(
    how: str, backend: Backend, ours: Parts, citizen: Citizen, frozen: FrozenClock, deaths: Deaths, store: Store
) -> None:
    person = await citizen(1)
    await entered(ours, backend, person)
    at = (frozen.now() + timedelta(hours=3)).isoformat()
    assert len((await backend.push(ours.mini_apps.user_id(person, backend.app.id), at=at)).json()["result"]) == 1

    match how:
        case "died":
            deaths.known.add(person)
        case "erased":
            await ours.people.erase(person)
        case "removed":
            await ours.mini_apps.remove(backend.app.id)
        case _:
            await ours.mini_apps.withdraw(person, backend.app.id)
    if how == "withdrawn and given again":
        await entered(ours, backend, person)
    frozen.advance(timedelta(hours=4))

    assert await ours.messages.run_once(10) == 1
    assert await store.collection("inbox").count_documents({}) == 0
    (item,) = [one async for one in store.collection("mini_app_messages").find()]
    assert item["receipt"].startswith("not told")


@pytest.mark.parametrize("at", ["2021-06-01T19:48:00+07:00", "", None])
async def test_what_is_past_or_not_said_is_now(at: str | None, backend: Backend, ours: Parts, citizen: Citizen) -> None:
    person = await citizen(1)
    await entered(ours, backend, person)

    await backend.push(ours.mini_apps.user_id(person, backend.app.id), at=at)

    assert await ours.messages.run_once(10) == 1


async def test_a_muted_mini_app_does_not_ring_and_still_reaches_the_inbox(
    backend: Backend, ours: Parts, citizen: Citizen, store: Store
) -> None:
    loud, quiet = await citizen(1), await citizen(2)
    for person in (loud, quiet):
        await entered(ours, backend, person)
        await ours.devices.register(person, f"token-{person}", "ANDROID")
    await ours.preferences.update(quiet, {"muted_topics": [backend.app.topic]})

    await backend.push(*(ours.mini_apps.user_id(person, backend.app.id) for person in (loud, quiet)))
    await ours.messages.run_once(10)

    assert [len(await messages_of(ours, one)) for one in (loud, quiet)] == [1, 1]
    rung = [one["person"] async for one in store.collection("deliveries").find()]
    assert rung == [loud]


async def test_a_message_told_by_a_worker_that_died_is_told_once(
    backend: Backend, ours: Parts, parts: Callable[[], Parts], citizen: Citizen, store: Store
) -> None:
    person = await citizen(1)
    await entered(ours, backend, person)
    await backend.push(ours.mini_apps.user_id(person, backend.app.id))
    await ours.messages.run_once(10)
    # As if it had died after telling and before settling.
    await store.collection("mini_app_messages").update_many(
        {}, {"$set": {"state": "waiting", "due": datetime.now(UTC) - timedelta(days=1)}, "$unset": {"done_at": ""}}
    )

    assert await parts().messages.run_once(10) == 1

    assert len(await messages_of(ours, person)) == 1


NOT_A_PUSH: list[tuple[dict[str, Any], str]] = [
    ({"data": []}, "data"), ({"data": None}, "data"), ({"data": {}}, "data"), ({"data": "x"}, "data"),
    ({"data": [{"message": "x", "userId": "u"}] * 1001}, "data"), ({"data": [None]}, "data[0]"),
    ({"data": [{"message": "x"}]}, "data[0].userId"), ({"data": [{"message": "x", "userId": {"$ne": 1}}]}, "userId"),
    ({"data": [{"userId": "u"}]}, "data[0].message"), ({"data": [{"message": "", "userId": "u"}]}, "message"),
    ({"data": [{"message": "   ", "userId": "u"}]}, "message"), ({"data": [{"message": 1, "userId": "u"}]}, "message"),
    ({"data": [{"message": "ก" * 1001, "userId": "u"}]}, "message"),
    ({"data": [{"message": "a\x00", "userId": "u"}]}, "message"),
    ({"data": [{"message": "a\u202eb", "userId": "u"}]}, "message"),
    ({"data": [{"message": "x", "userId": "u"}, {"message": "x", "Message": "y", "userId": "u"}]}, "twice"),
    ({"sendDateTime": 1638874591}, "sendDateTime"), ({"sendDateTime": "tomorrow"}, "sendDateTime"),
    ({"sendDateTime": "2026-11-21T19:48:00"}, "sendDateTime"), ({"sendDateTime": "2569-11-21T19:48:00+07:00"}, "days ahead"),
    ({"sendDateTime": "0001-01-01T00:00:00+07:00"}, "sendDateTime"), ({"sendDateTime": "2026-02-30T00:00:00Z"}, "sendDateTime"),
    ({"sendDateTime": ["x"]}, "sendDateTime"), ({"appId": "00000000-0000-4000-8000-000000000000"}, "AppId"),
]  # fmt: skip


async def test_a_wrong_push_says_where_and_sends_nothing(
    backend: Backend, ours: Parts, citizen: Citizen, store: Store
) -> None:
    person = await citizen(1)
    await entered(ours, backend, person)
    user = ours.mini_apps.user_id(person, backend.app.id)
    right = {"appId": backend.app.id, "data": [{"message": "x", "userId": user}], "sendDateTime": None}

    for wrong, where in NOT_A_PUSH:
        reply = await backend.post(PUSH, right | wrong)

        told = reply.json()
        assert reply.status in (400, 403), where
        assert told["result"] is None
        assert where in told["message"]
        assert not told["messageTh"].isascii()
    assert await store.collection("mini_app_messages").count_documents({}) == 0
    assert await store.collection("mini_app_pushes").count_documents({}) == 0


async def test_a_thousand_at_once_and_not_a_byte_more(backend: Backend, ours: Parts, citizen: Citizen) -> None:
    person = await citizen(1)
    await entered(ours, backend, person)
    user = ours.mini_apps.user_id(person, backend.app.id)
    data = [{"message": f"{number:04}" + "ก" * 996, "userId": user} for number in range(1000)]

    full = await backend.post(PUSH, {"appId": backend.app.id, "data": data})
    too_large = await backend.post(PUSH, b" " * 4_194_305)

    assert (full.status, len(set(full.json()["result"]))) == (200, 1000)
    assert too_large.status == 413
    assert too_large.json()["messageCode"] == 413


async def test_who_pushes_too_often_waits(backend: Backend, register: Register) -> None:
    calm = await register()

    for _ in range(120):
        assert (await backend.push("nobody")).status == 200
    refused = await backend.push("nobody")

    assert (refused.status, refused.json()["messageCode"]) == (429, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert (await calm.push("nobody")).status == 200, "another mini app doesn't feel it"


# ---- what stays behind


async def used(backend: Backend, ours: Parts, person: PersonId) -> str:
    """All that a mini app does, once well and once badly. Returns the mToken it used."""
    m_token = await entered(ours, backend, person)
    await backend.validate(agent="1000000000017")
    await backend.validate(secret=f"{backend.secret}x", agent="1000000000017")
    assert (await backend.validate()).status == 200
    user = (await backend.deproc(m_token)).json()["result"]["userId"]
    await backend.deproc(m_token)
    await backend.push(user, message="ข้อความลับ")
    await backend.post(MOCK, {"AppId": backend.app.id, **MALEE})
    await backend.post(MOCK, {"AppId": backend.app.id, **MALEE, "FirstName": 1})
    assert await ours.messages.run_once(10) == 1
    return m_token


@asynccontextmanager
async def as_we_serve(app: Starlette) -> AsyncIterator[str]:
    """Behind the server of our processes, whose logging is under test, and not behind the tests' own."""
    socket = listening("127.0.0.1", 0)
    server = Server(app)
    running = asyncio.create_task(server.serve(sockets=[socket]))
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    server.should_exit = server.force_exit = True
    await running


async def test_nothing_personal_is_logged_or_kept_open(
    backend: Backend, ours: Parts, citizen: Citizen, store: Store, deaths: Deaths, frozen: FrozenClock,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    person = await citizen(1)
    routes = build_routes(
        mini_apps=ours.mini_apps, messages=ours.messages, gateway=ours.gateway, preferences=ours.preferences,
        deaths=deaths, clock=frozen, metrics=Metrics(), production=False,
    )  # fmt: skip
    secrets = [backend.secret, backend.token, "1000000000017", "พิมพ์ใจ", "แสงอรุณ", "ข้อความลับ", "1000000099994", "มาลี"]

    with caplog.at_level(logging.DEBUG):
        async with as_we_serve(Starlette(routes=routes)) as backend.url:
            m_token = await used(backend, ours, person)

    said = [
        f"{record.getMessage()} {record.__dict__}"
        for record in caplog.records
        if record.name.split(".")[0] not in ("pymongo", "asyncio")  # kept at WARNING by every process of ours
    ]
    for secret in (*secrets, m_token):
        assert not [line for line in said if secret in line]
    names = await store._database.list_collection_names()
    held = {name: repr([one async for one in store.collection(name).find()]) for name in names}
    for name, secret in itertools.product(held, (*secrets, m_token)):
        assert secret not in held[name], name


async def test_a_fault_of_ours_is_a_reference_and_nothing_else(
    backend: Backend, ours: Parts, citizen: Citizen, caplog: pytest.LogCaptureFixture
) -> None:
    m_token = await entered(ours, backend, await citizen(1))
    # A value that another version of ours wrote and this one can't read.
    await ours.store.collection("mini_app_consents").update_many({}, {"$unset": {"user_id": ""}})

    reply = await backend.deproc(m_token)

    assert reply.status == 500
    (reference,) = re.findall(r"reference ([0-9a-f]{12})", reply.json()["message"])
    assert reference in json.dumps([record.__dict__ for record in caplog.records], default=str)
    assert m_token not in reply.body.decode()


# ---- the command line


def test_an_operator_adds_renews_lists_and_removes(mongodb_uri: str, tmp_path: Path) -> None:
    told = {
        "TANGRAT_MONGODB_URI": mongodb_uri, "TANGRAT_MONGODB_DATABASE": "test_mini_app_command",
        "TANGRAT_DATA_DIR": str(tmp_path),
    }  # fmt: skip

    def tangrat(*words: str) -> Result:
        return CliRunner().invoke(app, ["mini-app", *words], env=told)

    named = ("--name-th", "ใบขับขี่", "--name-en", "Licence", "--url", "https://dlt.example.go.th/landing")

    made = json.loads(tangrat("add", "--agency", "dlt", *named, "--scope", "profile", "--json").stdout)
    # In a process of its own, as an operator would: what is refused is one sentence there.
    nowhere = subprocess.run(
        [sys.executable, "-m", "backend", "mini-app", "add", "--agency", "nowhere", *named],
        env={**os.environ, **told}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    renewed = json.loads(tangrat("renew-secret", made["AppId"], "--json").stdout)
    (listed,) = json.loads(tangrat("list", "--json").stdout)
    removed, again = tangrat("remove", made["AppId"]), tangrat("remove", made["AppId"])

    assert all(made.values())
    assert (nowhere.returncode, "nowhere" in nowhere.stderr, "Traceback" in nowhere.stderr) == (2, True, False)
    assert renewed["ConsumerSecret"] not in (None, made["ConsumerSecret"])
    assert (listed["AppId"], listed["scopes"]) == (made["AppId"], ["profile"])
    assert "ConsumerSecret" not in listed
    assert removed.exit_code == 0
    assert isinstance(again.exception, CannotStart)
