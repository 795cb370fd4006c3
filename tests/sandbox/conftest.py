"""A sandbox on a free port, in a thread of its own, and the short ways to its agencies that tests share."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import queue
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from sandbox.nation import Nation
from sandbox.people import Citizen
from sandbox.server import serve

DAY_ZERO = date(2026, 11, 21)
REDIRECT_URI = "http://127.0.0.1:9/auth/callback"
Json = dict[str, Any]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    """The address of a running sandbox that has not been told of any API."""
    ready: queue.Queue[Any] = queue.Queue()

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        await serve(port=0, day_zero=DAY_ZERO, on_ready=lambda url: ready.put((url, loop, stop)), stop=stop)

    def in_thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as exc:
            ready.put(exc)
            raise

    thread = threading.Thread(target=in_thread, name="sandbox")
    thread.start()
    told = ready.get(timeout=30)
    if isinstance(told, BaseException):
        raise told
    url, loop, stop = told
    yield url
    loop.call_soon_threadsafe(stop.set)
    thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.fixture
async def http(sandbox: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the sandbox; whatever the test made ill, moved or changed is put right afterwards."""
    async with aiohttp.ClientSession(sandbox, timeout=aiohttp.ClientTimeout(total=15)) as session:
        yield session
        await (await session.post("/sandbox/reset")).read()
        await (await session.delete("/sandbox/api")).read()


@pytest.fixture(scope="session")
def nation() -> Nation:
    """The same nation as the sandbox's, to compare with."""
    return Nation(day_zero=DAY_ZERO)


@pytest.fixture(scope="session")
def somebody(nation: Nation) -> Callable[..., Citizen]:
    """The first citizen beyond the samples of whom this is true."""

    def find(is_one: Callable[[Citizen], bool]) -> Citizen:
        return next(c for n in range(200, 60_000) if is_one(c := nation.citizen(n)))

    return find


@pytest.fixture
def fault(http: aiohttp.ClientSession) -> Callable[..., Awaitable[Json]]:
    """Make an agency ill."""

    async def make(agency: str, kind: str, **more: Any) -> Json:
        async with http.post("/sandbox/faults", json={"agency": agency, "fault": kind, **more}) as reply:
            assert reply.status == 201, await reply.text()
            made: Json = await reply.json()
            return made

    return make


# ThaID


@pytest.fixture
def thaid(http: aiohttp.ClientSession) -> ThaIDClient:
    return ThaIDClient(http)


class ThaIDClient:
    """The integrator's side of ThaID."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.basic = {"Authorization": aiohttp.encode_basic_auth("tangrat-sandbox", "tangrat-sandbox-secret")}
        self.http = http
        self.verifier = secrets.token_urlsafe(48)

    def asked(self, **over: str) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        usual = {
            "response_type": "code",
            "client_id": "tangrat-sandbox",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid pid name given_name family_name birthdate address ial",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | over).items() if value}

    async def go(self, **over: str) -> dict[str, str]:
        """Ask to sign in; what the redirect says."""
        async with self.http.get("/thaid/api/v2/oauth2/auth/", params=self.asked(**over), allow_redirects=False) as r:
            assert r.status == 302, await r.text()
            assert r.headers["location"].startswith(REDIRECT_URI + "?")
            return {k: v[0] for k, v in parse_qs(urlsplit(r.headers["location"]).query).items()}

    async def token(self, **form: str) -> tuple[int, Json]:
        usual = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": self.verifier}
        sent = usual | form if "grant_type" not in form else form
        async with self.http.post("/thaid/api/v2/oauth2/token/", data=sent, headers=self.basic) as reply:
            return reply.status, await reply.json()

    async def sign_in(self, citizen: int, **over: str) -> Json:
        status, tokens = await self.token(code=(await self.go(sandbox_citizen=str(citizen), **over))["code"])
        assert status == 200, tokens
        return tokens


# The agencies


@pytest.fixture
async def gdx(http: aiohttp.ClientSession) -> dict[str, str]:
    """The headers that pass the gateway."""
    headers = {"Consumer-Key": "tangrat"}
    asked = {"ConsumerSecret": "tangrat-secret", "AgentID": "tangrat"}
    async with http.get("/gdx/ws/auth/validate", params=asked, headers=headers) as reply:
        return headers | {"Token": (await reply.json())["Result"]}


@pytest.fixture
async def linkage(http: aiohttp.ClientSession, gdx: dict[str, str]) -> Callable[..., Awaitable[Any]]:
    """Ask DOPA: `await linkage(("001", pid), …)` gives the items' answers."""
    asked = {
        "loginType": 2,
        "officeID": "00023",
        "personalID": 1000000000009,
        "accessToken": "tangrat-linkage2",
    }
    async with http.post("/gdx/ws/dopa/linkage2/api/center/login/confirm", json=asked, headers=gdx) as reply:
        headers = gdx | {"Authorization": f"Bearer {(await reply.json())['token']}"}

    async def ask(*items: tuple[Any, Any], job: str = "tangrat") -> Any:
        data = [{"serviceID": service, "query": {"personalID": pid}} for service, pid in items]
        path = "/gdx/ws/dopa/linkage2/api/center/request/"
        async with http.post(path, json={"jobID": job, "data": data}, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            return (await reply.json())["data"]

    return ask


@pytest.fixture
async def sso(http: aiohttp.ClientSession) -> Callable[..., Awaitable[Json]]:
    """Ask the SSO as the system account: `await sso("getPersonInfo", ssoNo=pid)`."""
    form = {"grant_type": "password", "username": "tangrat", "password": "tangrat-password"}
    path = "/sso/auth/realms/insured/protocol/openid-connect/token"
    async with http.post(
        path, data=form, headers={"Authorization": aiohttp.encode_basic_auth("tangrat", "tangrat-secret")}
    ) as reply:
        headers = {"user_token": f"Bearer {(await reply.json())['access_token']}"}

    async def ask(command: str, **fields: str) -> Json:
        sent = {"cmd": command, "callerid": "tangrat", **fields}
        async with http.post("/sso/esv/esvews/service", data=sent, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            answer: Json = await reply.json()
            return answer

    return ask


@pytest.fixture
def nhso(http: aiohttp.ClientSession) -> Callable[..., Awaitable[Json]]:
    async def ask(pid: str, **more: str) -> Json:
        headers = {"Authorization": "Bearer tangrat-nhso"}
        path = "/nhso/nhsoendpoint/api/v2/right-search"
        async with http.get(path, params={"pid": pid, **more}, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            answer: Json = await reply.json()
            return answer

    return ask
