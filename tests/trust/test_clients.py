from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundation.clock import FrozenClock
from foundation.errors import BadInput, Forbidden, Unauthenticated, Unavailable
from foundation.http import Http
from foundation.store import Store
from tests.serving import Serve
from trust.clients import SCOPES, AgencyClients, InvalidClient, InvalidScope
from trust.people import PersonId
from trust.secrets import Vault
from trust.tokens import Tokens

ISSUER = "https://api.example.go.th"
KEY = ec.generate_private_key(ec.SECP256R1())
MAKERS = {
    ec.EllipticCurvePrivateKey: ECAlgorithm,
    rsa.RSAPrivateKey: RSAAlgorithm,
    ed25519.Ed25519PrivateKey: OKPAlgorithm,
}


def public(key: Any, kid: str | None = "k1", **more: Any) -> dict[str, Any]:
    maker: Any = next(maker for kind, maker in MAKERS.items() if isinstance(key, kind))
    return {**maker.to_jwk(key.public_key(), as_dict=True), **({"kid": kid} if kid else {}), **more}


def assertion(
    clock: FrozenClock, *, key: Any = KEY, algorithm: str = "ES256", kid: str | None = "k1", **changed: Any
) -> str:
    now = int(clock.now().timestamp())
    claims = {
        "iss": "sso-events", "sub": "sso-events", "aud": f"{ISSUER}/agency/token", "iat": now, "exp": now + 60,
        "jti": uuid.uuid4().hex,
    } | changed  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not ...}
    # Below PyJWT's own checks, which would not sign some of what is tried here.
    return jwt.api_jws.encode(
        json.dumps(claims).encode(), key, algorithm=algorithm, headers={"kid": kid} if kid else None
    )


@pytest.fixture
def tokens(store: Store, vault: Vault, frozen: FrozenClock) -> Tokens:
    return Tokens(store, vault, clock=frozen, issuer=ISSUER)


@pytest.fixture
async def clients(store: Store, http: Http, frozen: FrozenClock, tokens: Tokens) -> AgencyClients:
    clients = AgencyClients(store, http, clock=frozen, tokens=tokens)
    await clients.add(
        client_id="sso-events",
        agency="sso",
        jwks={"keys": [public(KEY)]},
        scopes=("events:publish", "events:subscribe"),
    )
    return clients


async def test_an_agency_signs_and_gets_a_token_for_what_it_may(clients: AgencyClients, frozen: FrozenClock) -> None:
    token = await clients.token(assertion(frozen))

    client = await clients.verify(token.access_token, scope="events:publish")

    assert (client.client_id, client.agency) == ("sso-events", "sso")
    assert token.scope.split() == ["events:publish", "events:subscribe"]
    assert (token.expires_in, token.token_type) == (600, "Bearer")
    assert await clients.verify(f"Bearer {token.access_token}", scope="events:subscribe") == client


async def test_a_token_for_one_scope_opens_no_other_door(clients: AgencyClients, frozen: FrozenClock) -> None:
    token = await clients.token(assertion(frozen), "events:publish")

    assert token.scope == "events:publish"
    with pytest.raises(Forbidden, match="events:subscribe"):
        await clients.verify(token.access_token, scope="events:subscribe")


@pytest.mark.parametrize("scope", ["notify:send", "events:publish notify:send", "everything", "events:publish\x00"])
async def test_more_than_was_granted_is_refused(clients: AgencyClients, frozen: FrozenClock, scope: str) -> None:
    with pytest.raises(InvalidScope):
        await clients.token(assertion(frozen), scope)


WRONG: list[dict[str, Any]] = [
    {"exp": ...}, {"iat": ...}, {"jti": ...}, {"sub": ...}, {"iss": ...}, {"aud": ...},
    {"jti": ""}, {"jti": "x" * 201}, {"jti": 7}, {"jti": None},
    {"aud": "https://other.example"}, {"aud": f"{ISSUER}/graphql"}, {"aud": f"{ISSUER}/agency"},
    {"aud": [f"{ISSUER}/agency/token", "https://other.example"]}, {"aud": {"$ne": 1}},
    {"iss": "nobody"}, {"iss": "\ud800"}, {"iss": {"$ne": None}}, {"sub": "somebody-else"},
    {"exp": 1_795_230_000 - 60}, {"exp": 1_795_230_000 + 361}, {"exp": 1_795_230_000 + 86400}, {"exp": "soon"},
    {"iat": 1_795_230_000 + 61}, {"iat": 1_795_230_000 - 400}, {"nbf": 1_795_230_000 + 61},
    {"algorithm": "none", "key": None}, {"algorithm": "HS256", "key": "s" * 32},
    {"key": ec.generate_private_key(ec.SECP256R1())}, {"algorithm": "ES384", "key": ec.generate_private_key(ec.SECP384R1())},
    {"kid": "another"},
]  # fmt: skip


async def test_wrong_assertions_are_refused(clients: AgencyClients, frozen: FrozenClock) -> None:
    assert frozen.now().timestamp() == 1_795_230_000

    believed = []
    for changed in WRONG:
        with contextlib.suppress(InvalidClient):
            believed.append((changed, await clients.token(assertion(frozen, **changed))))

    assert believed == []
    for text in ("", "a.b.c", "\ud800", "é", "e" * 9000, "e30.e30."):
        with pytest.raises(InvalidClient):
            await clients.token(text)


@pytest.mark.parametrize("changed", [{"aud": ISSUER}, {"aud": [ISSUER]}, {"exp": 1_795_230_000 + 300}, {"kid": None}])
async def test_other_good_assertions_are_accepted(
    clients: AgencyClients, frozen: FrozenClock, changed: dict[str, Any]
) -> None:
    assert await clients.token(assertion(frozen, **changed))


async def test_an_assertion_works_once_whoever_brings_it_and_wherever(
    clients: AgencyClients, store: Store, http: Http, frozen: FrozenClock, tokens: Tokens
) -> None:
    elsewhere = AgencyClients(store, http, clock=frozen, tokens=tokens)
    signed = assertion(frozen)

    async def bring(which: AgencyClients) -> bool:
        try:
            await which.token(signed)
        except InvalidClient:
            return False
        return True

    assert sum(await asyncio.gather(*(bring(one) for one in (clients, elsewhere) * 4))) == 1
    with pytest.raises(InvalidClient, match="used before"):
        await clients.token(assertion(frozen, jti=jwt.decode(signed, options={"verify_signature": False})["jti"]))


async def test_two_agencies_may_happen_on_the_same_jti(clients: AgencyClients, frozen: FrozenClock) -> None:
    await clients.add(client_id="dopa-events", agency="dopa", jwks={"keys": [public(KEY)]}, scopes=["events:publish"])

    await clients.token(assertion(frozen, jti="1"))

    assert await clients.token(assertion(frozen, jti="1", iss="dopa-events", sub="dopa-events"))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 2048), "RS256"),
        (rsa.generate_private_key(65537, 2048), "PS256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
    ids=["RS256", "PS256", "EdDSA"],
)
async def test_every_algorithm_that_we_name_works(
    clients: AgencyClients, frozen: FrozenClock, key: Any, algorithm: str
) -> None:
    await clients.add(client_id="sso-events", agency="sso", jwks={"keys": [public(key)]}, scopes=["events:publish"])

    assert await clients.token(assertion(frozen, key=key, algorithm=algorithm))


async def test_a_key_is_used_for_its_own_algorithm_only(clients: AgencyClients, frozen: FrozenClock) -> None:
    key = rsa.generate_private_key(65537, 2048)
    await clients.add(
        client_id="sso-events", agency="sso", jwks={"keys": [public(key, alg="PS256")]}, scopes=["events:publish"]
    )

    with pytest.raises(InvalidClient):
        await clients.token(assertion(frozen, key=key, algorithm="RS256"))
    assert await clients.token(assertion(frozen, key=key, algorithm="PS256"))


async def test_an_agencys_new_key_is_fetched_at_most_every_ten_seconds(
    clients: AgencyClients, frozen: FrozenClock, serve: Serve
) -> None:
    asked: list[str] = []
    keys = [public(KEY)]
    is_down = False

    async def jwks(request: Request) -> Response:
        asked.append(request.url.path)
        return Response(status_code=500) if is_down else JSONResponse({"keys": keys})

    url = await serve(Starlette(routes=[Route("/jwks", jwks)]))
    await clients.add(client_id="sso-events", agency="sso", jwks_uri=f"{url}/jwks", scopes=["events:publish"])
    await clients.token(assertion(frozen))
    new = ec.generate_private_key(ec.SECP256R1())
    keys.append(public(new, kid="k2"))

    for _ in range(5):
        with pytest.raises(InvalidClient, match="no published key fits"):
            await clients.token(assertion(frozen, key=new, kid="k2"))
    assert len(asked) == 1

    frozen.advance(timedelta(seconds=10))
    await clients.token(assertion(frozen, key=new, kid="k2"))
    assert len(asked) == 2

    is_down = True
    frozen.advance(timedelta(hours=1))
    assert await clients.token(assertion(frozen))  # what we knew is good for a while


async def test_keys_that_cannot_be_fetched_are_a_trouble_that_passes(
    clients: AgencyClients, frozen: FrozenClock
) -> None:
    await clients.add(client_id="sso-events", agency="sso", jwks_uri="http://127.0.0.1:9/jwks", scopes=["notify:send"])

    with pytest.raises(Unavailable):
        await clients.token(assertion(frozen))


async def test_citizens_and_agencies_cannot_use_each_others_tokens(
    clients: AgencyClients, tokens: Tokens, frozen: FrozenClock
) -> None:
    agency = await clients.token(assertion(frozen))
    citizen = await tokens.begin(PersonId("ab" * 16), ial="2.3", aal="0", client_id="sso-events")

    with pytest.raises(Unauthenticated):
        await clients.verify(citizen.access_token, scope="events:publish")
    with pytest.raises(Unauthenticated):
        await tokens.verify(agency.access_token)


async def test_a_token_ends_and_a_removed_client_is_out_within_a_second(
    clients: AgencyClients, store: Store, http: Http, frozen: FrozenClock, tokens: Tokens
) -> None:
    token = await clients.token(assertion(frozen))
    elsewhere = AgencyClients(store, http, clock=frozen, tokens=tokens)
    await elsewhere.verify(token.access_token, scope="events:publish")

    assert await clients.remove("sso-events")
    assert not await clients.remove("sso-events")

    frozen.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated, match="not registered any more"):
        await elsewhere.verify(token.access_token, scope="events:publish")
    with pytest.raises(InvalidClient):
        await elsewhere.token(assertion(frozen))
    frozen.advance(timedelta(minutes=10))
    with pytest.raises(Unauthenticated, match="has ended"):
        await elsewhere.verify(token.access_token, scope="events:publish")


async def test_a_scope_taken_away_is_gone_from_tokens_already_given(
    clients: AgencyClients, frozen: FrozenClock
) -> None:
    token = await clients.token(assertion(frozen))

    await clients.add(client_id="sso-events", agency="sso", jwks={"keys": [public(KEY)]}, scopes=["events:subscribe"])

    with pytest.raises(Forbidden):
        await clients.verify(token.access_token, scope="events:publish")


async def test_adding_twice_is_adding_once(clients: AgencyClients, store: Store, frozen: FrozenClock) -> None:
    before = await store.collection("agency_clients").find_one({"_id": "sso-events"})
    frozen.advance(timedelta(days=1))

    again = await clients.add(
        client_id="sso-events",
        agency="sso",
        jwks={"keys": [public(KEY)]},
        scopes=["events:subscribe", "events:publish"],
    )

    assert await store.collection("agency_clients").find({}).to_list() == [before]
    assert again.scopes == SCOPES[:2]


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": ""}, {"client_id": "$where"}, {"client_id": "x" * 65}, {"client_id": "ก"},
        {"scopes": ["everything"]}, {"scopes": []}, {"jwks": None}, {"jwks_uri": "https://a.example/jwks"},
        {"jwks": None, "jwks_uri": "file:///etc/passwd"}, {"jwks": None, "jwks_uri": "https://u:p@a.example/"},
        {"jwks": {}}, {"jwks": {"keys": []}}, {"jwks": {"keys": [7]}}, {"jwks": {"keys": [{"kty": "oct", "k": "eA"}]}},
        {"jwks": {"keys": [ECAlgorithm.to_jwk(KEY, as_dict=True)]}}, {"jwks": {"keys": [{"kty": "EC", "crv": "P-256"}]}},
        {"jwks": {"keys": [public(KEY, use="enc")]}},
    ],
)  # fmt: skip
async def test_a_wrong_entry_is_refused_with_a_reason(clients: AgencyClients, changed: dict[str, Any]) -> None:
    entry: dict[str, Any] = {
        "client_id": "x", "agency": "sso", "jwks": {"keys": [public(KEY)]}, "scopes": ["events:publish"]
    }  # fmt: skip

    with pytest.raises(BadInput):
        await clients.add(**(entry | changed))


async def test_a_client_id_beside_the_assertion_must_agree(clients: AgencyClients, frozen: FrozenClock) -> None:
    with pytest.raises(InvalidClient):
        await clients.token(assertion(frozen), client_id="somebody-else")

    assert await clients.token(assertion(frozen), client_id="sso-events")
