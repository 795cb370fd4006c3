"""ThaID on its worst days, over real HTTP. The good days are in tests/backend/test_signin.py, at the sandbox's ThaID."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from foundation.clock import FrozenClock
from foundation.http import Http
from foundation.settings import Secret
from foundation.store import Store
from tests.serving import Serve
from trust.secrets import Vault
from trust.thaid import AppRequest, SignInLost, SignInRefused, ThaID, ThaIDNotBelieved, ThaIDUnavailable, UnderWay
from trust.tokens import challenge_of

PID, OTHER = "1000000000017", "1000000000025"
BROWSER = "b" * 43
WISH = AppRequest(client_id="tangrat-app", redirect_uri="https://app.example/in", code_challenge="c" * 43, state="s")


@dataclass
class Peer:
    """An identity provider that does what a test tells it to."""

    clock: FrozenClock
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    kid: str = "one"
    algorithm: str = "ES256"
    url: str = ""
    discovery: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)  # `...` leaves one out
    answer: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)
    resign: Callable[[str], str] = staticmethod(lambda token: token)
    instead: Response | None = None
    pause_s: float = 0
    nonce: str = ""
    asked: list[str] = field(default_factory=list)
    form: dict[str, str] = field(default_factory=dict)
    authorization: str = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _discovery(self, request: Request) -> Response:
        self.asked.append("discovery")
        said = {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/auth", "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
        }  # fmt: skip
        return JSONResponse(said | self.discovery)

    async def _jwks(self, request: Request) -> Response:
        self.asked.append("jwks")
        kind = RSAAlgorithm if isinstance(self.key, rsa.RSAPrivateKey) else ECAlgorithm
        return JSONResponse({"keys": [{**kind.to_jwk(self.key.public_key(), as_dict=True), "kid": self.kid}]})

    async def _token(self, request: Request) -> Response:
        self.asked.append("token")
        self.form = {name: one[0] for name, one in parse_qs((await request.body()).decode()).items()}
        self.authorization = request.headers["authorization"]
        await asyncio.sleep(self.pause_s)
        if self.instead is not None:
            return self.instead
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.url, "aud": "tangrat", "sub": "x", "iat": now, "exp": now + 600, "nonce": self.nonce,
            "pid": PID, "ial": "2.3",
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not ...}
        token = jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid} | self.headers)
        said = {
            "access_token": "at", "token_type": "Bearer", "expires_in": 3600, "id_token": self.resign(token), "pid": PID,
        } | self.answer  # fmt: skip
        return JSONResponse({name: value for name, value in said.items() if value is not ...})


@pytest.fixture
async def peer(serve: Serve, frozen: FrozenClock) -> Peer:
    peer = Peer(clock=frozen)
    peer.url = await serve(peer.app())
    return peer


def _relying(
    peer: Peer, store: Store, vault: Vault, http: Http, frozen: FrozenClock, issuer: str | None = None
) -> ThaID:
    return ThaID(
        store, vault, http, clock=frozen, issuer=issuer or peer.url, client_id="tangrat",
        client_secret=Secret("hush"), redirect_uri="https://api.example/auth/callback",
    )  # fmt: skip


@pytest.fixture
def thaid(peer: Peer, store: Store, vault: Vault, http: Http, frozen: FrozenClock) -> ThaID:
    return _relying(peer, store, vault, http, frozen)


async def under_way(thaid: ThaID, peer: Peer) -> UnderWay:
    url = await thaid.begin(WISH, browser=BROWSER)
    asked = {name: one[0] for name, one in parse_qs(urlsplit(url).query).items()}
    peer.nonce = asked["nonce"]
    return await thaid.resume(asked["state"], browser=BROWSER)


async def test_a_sign_in_asks_properly_and_believes_a_proper_answer(thaid: ThaID, peer: Peer) -> None:
    url = await thaid.begin(WISH, browser=BROWSER)
    asked = {name: one[0] for name, one in parse_qs(urlsplit(url).query).items()}
    peer.nonce = asked["nonce"]

    resumed = await thaid.resume(asked["state"], browser=BROWSER)
    who = await thaid.finish(resumed, code="the-code")

    assert url.startswith(f"{peer.url}/auth?")
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert {"openid", "pid"} <= set(asked["scope"].split())
    assert resumed.request == WISH
    assert challenge_of(peer.form["code_verifier"]) == asked["code_challenge"]
    assert peer.form["redirect_uri"] == asked["redirect_uri"] == "https://api.example/auth/callback"
    assert base64.b64decode(peer.authorization.removeprefix("Basic ")) == b"tangrat:hush"
    assert (who.pid, who.ial, who.aal) == (PID, "2.3", "0")


async def test_a_sign_in_is_resumed_once_by_its_own_browser_within_ten_minutes(
    thaid: ThaID, frozen: FrozenClock, store: Store
) -> None:
    async def state() -> str:
        return parse_qs(urlsplit(await thaid.begin(WISH, browser=BROWSER)).query)["state"][0]

    once, stolen, late = await state(), await state(), await state()
    document = await store.collection("sign_ins").find_one({})
    assert document is not None
    assert not any(one in repr(document) for one in (once, BROWSER, WISH.redirect_uri))

    await thaid.resume(once, browser=BROWSER)
    with pytest.raises(SignInLost):
        await thaid.resume(once, browser=BROWSER)
    for wrong in ("", "x" * 43):
        with pytest.raises(SignInLost):
            await thaid.resume(stolen, browser=wrong)
    await thaid.resume(stolen, browser=BROWSER)
    frozen.advance(timedelta(minutes=10))
    with pytest.raises(SignInLost):
        await thaid.resume(late, browser=BROWSER)
    with pytest.raises(SignInLost):
        await thaid.resume("never given", browser=BROWSER)


AT_HASH = base64.urlsafe_b64encode(hashlib.sha256(b"at").digest()[:16]).rstrip(b"=").decode()


HARMLESS: list[tuple[dict[str, Any], dict[str, Any]]] = [  # claims of the id_token, what lies beside it
    ({"pid": ...}, {}),
    ({}, {"pid": ...}),
    ({"pid": "1-0000-00000-01-7"}, {}),
    ({"at_hash": AT_HASH}, {}),
    ({}, {"expires_in": 1_795_000_000}),
    ({}, {"expires_in": ...}),
    ({"aud": ["tangrat"]}, {}),
    ({"ial": 2.3}, {}),
    ({"exp": 1_795_231_000.5}, {}),
]


async def test_answers_that_differ_in_ways_that_do_not_matter_are_believed(thaid: ThaID, peer: Peer) -> None:
    for peer.claims, peer.answer in HARMLESS:
        assert (await thaid.finish(await under_way(thaid, peer), code="c")).pid == PID


WRONG: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"nonce": "of another sign-in"}, {}),
    ({"nonce": ...}, {}),
    ({"aud": "another-client"}, {}),
    ({"aud": ["tangrat", "another-client"]}, {}),
    ({"aud": ...}, {}),
    ({"iss": "https://evil.example"}, {}),
    ({"iss": ...}, {}),
    ({"exp": 1_600_000_000}, {}),
    ({"exp": ...}, {}),
    ({"exp": "soon"}, {}),
    ({"iat": ...}, {}),
    ({"iat": 4_000_000_000}, {}),
    ({"sub": ...}, {}),
    ({"at_hash": "x"}, {}),
    ({"at_hash": None}, {}),
    ({"pid": OTHER}, {}),
    ({}, {"pid": OTHER}),
    ({"pid": ...}, {"pid": ...}),
    ({"pid": "1000000000016"}, {"pid": ...}),
    ({"pid": 1000000000017, "x": 1}, {"pid": {"$ne": 1}}),
    ({}, {"id_token": ...}),
    ({}, {"id_token": 7}),
    ({}, {"id_token": "a.b.c"}),
    ({}, {"id_token": "é" * 20}),
]


async def test_answers_that_are_wrong_sign_nobody_in(thaid: ThaID, peer: Peer) -> None:
    believed = []
    for peer.claims, peer.answer in WRONG:
        with contextlib.suppress(ThaIDNotBelieved):
            believed.append((peer.claims, peer.answer, await thaid.finish(await under_way(thaid, peer), code="c")))

    assert believed == []


async def test_the_message_never_holds_an_identity_number(thaid: ThaID, peer: Peer) -> None:
    peer.answer = {"pid": OTHER}

    with pytest.raises(ThaIDNotBelieved) as caught:
        await thaid.finish(await under_way(thaid, peer), code="c")

    assert not any(pid in repr((caught.value.args, caught.value.facts)) for pid in (PID, OTHER))


async def test_an_unsigned_or_wrongly_signed_id_token_is_not_believed(thaid: ThaID, peer: Peer) -> None:
    mallory = ec.generate_private_key(ec.SECP256R1())

    def again(key: Any, algorithm: str) -> Callable[[str], str]:
        def resign(token: str) -> str:
            claims = jwt.decode(token, options={"verify_signature": False})
            return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "one"})

        return resign

    for resign in (again(mallory, "ES256"), again(None, "none"), again("s" * 32, "HS256"), lambda token: token[:-6]):
        peer.resign = resign
        with pytest.raises(ThaIDNotBelieved):
            await thaid.finish(await under_way(thaid, peer), code="c")


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")  # the peer's own, as it signs
async def test_rsa_is_as_good_unless_it_is_short(
    peer: Peer, store: Store, vault: Vault, http: Http, frozen: FrozenClock
) -> None:
    peer.algorithm, peer.key = "RS256", rsa.generate_private_key(65537, 2048)
    thaid = _relying(peer, store, vault, http, frozen)
    assert (await thaid.finish(await under_way(thaid, peer), code="c")).pid == PID

    peer.key = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- that is the point
    weak = _relying(peer, store, vault, http, frozen)
    with pytest.raises(ThaIDNotBelieved):
        await weak.finish(await under_way(weak, peer), code="c")


async def test_a_new_key_is_fetched_but_not_as_often_as_unknown_ones_are_named(
    thaid: ThaID, peer: Peer, frozen: FrozenClock
) -> None:
    await thaid.finish(await under_way(thaid, peer), code="c")
    frozen.advance(timedelta(seconds=11))
    peer.key, peer.kid = ec.generate_private_key(ec.SECP256R1()), "two"

    assert await thaid.finish(await under_way(thaid, peer), code="c")

    peer.headers = {"kid": "unheard of"}
    for _ in range(5):
        with pytest.raises(ThaIDNotBelieved):
            await thaid.finish(await under_way(thaid, peer), code="c")
    assert peer.asked.count("jwks") == 2
    assert peer.asked.count("discovery") == 1


@pytest.mark.parametrize(
    "instead",
    [
        Response(status_code=500),
        Response(status_code=302, headers={"location": "https://evil.example/"}),
        PlainTextResponse("<html>maintenance</html>"),
        JSONResponse([1, 2]),
        JSONResponse({"error": "invalid_client"}, status_code=401),
        JSONResponse({"error": ["x"]}, status_code=400),
        Response(b"x" * 300_000),
    ],
    ids=["500", "redirect", "html", "list", "401", "odd 400", "huge"],
)
async def test_trouble_at_the_token_endpoint_is_thaid_being_unavailable(
    thaid: ThaID, peer: Peer, instead: Response
) -> None:
    peer.instead = instead

    with pytest.raises(ThaIDUnavailable):
        await thaid.finish(await under_way(thaid, peer), code="c")


async def test_a_code_that_thaid_refuses_is_a_refusal(thaid: ThaID, peer: Peer) -> None:
    peer.instead = JSONResponse({"error": "invalid_grant"}, status_code=400)

    with pytest.raises(SignInRefused):
        await thaid.finish(await under_way(thaid, peer), code="c")


async def test_a_slow_thaid_is_given_up_on(thaid: ThaID, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trust.thaid._DEADLINE_S", 0.1)
    peer.pause_s = 1.5

    began = time.monotonic()
    with pytest.raises(ThaIDUnavailable):
        await thaid.finish(await under_way(thaid, peer), code="c")

    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "ftp://x/"},
        {"token_endpoint": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "http://[::1"},
        {"jwks_uri": ""},
    ],
    ids=str,
)
async def test_a_discovery_that_lies_is_not_followed(thaid: ThaID, peer: Peer, discovery: dict[str, Any]) -> None:
    peer.discovery = discovery

    with pytest.raises(ThaIDUnavailable):
        await thaid.begin(WISH, browser=BROWSER)


async def test_while_thaid_is_down_those_who_wait_fail_together_and_then_it_is_asked_again(
    peer: Peer, store: Store, vault: Vault, http: Http, frozen: FrozenClock
) -> None:
    peer.discovery = {"issuer": None}
    thaid = _relying(peer, store, vault, http, frozen)

    failed = await asyncio.gather(*(thaid.begin(WISH, browser=BROWSER) for _ in range(10)), return_exceptions=True)

    assert all(isinstance(one, ThaIDUnavailable) for one in failed)
    assert peer.asked == ["discovery"]
    peer.discovery = {}
    frozen.advance(timedelta(seconds=1))
    assert await thaid.begin(WISH, browser=BROWSER)


async def test_nobody_at_the_address_is_thaid_being_unavailable(
    peer: Peer, store: Store, vault: Vault, http: Http, frozen: FrozenClock
) -> None:
    thaid = _relying(peer, store, vault, http, frozen, issuer="http://127.0.0.1:9")

    with pytest.raises(ThaIDUnavailable):
        await thaid.begin(WISH, browser=BROWSER)


async def test_what_is_known_of_thaid_outlives_its_bad_hour(thaid: ThaID, peer: Peer, frozen: FrozenClock) -> None:
    await thaid.begin(WISH, browser=BROWSER)
    peer.discovery = {"issuer": None}
    frozen.advance(timedelta(hours=2))

    assert await thaid.begin(WISH, browser=BROWSER)
