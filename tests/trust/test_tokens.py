from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.clock import FrozenClock
from foundation.errors import Unauthenticated
from foundation.store import Store
from trust.keys import OVERLAP
from trust.people import PersonId
from trust.secrets import SealBroken, Vault
from trust.tokens import Grant, InvalidGrant, TokenPair, Tokens, challenge_of

ISSUER = "https://api.example.go.th"
PERSON = PersonId("ab" * 16)
VERIFIER = "v" * 43
APP = "https://app.example.go.th/signed-in"


@pytest.fixture
def tokens(store: Store, vault: Vault, frozen: FrozenClock) -> Tokens:
    return Tokens(store, vault, clock=frozen, issuer=ISSUER)


@pytest.fixture
def elsewhere(store: Store, vault: Vault, frozen: FrozenClock) -> Tokens:
    """The same service in another process."""
    return Tokens(store, vault, clock=frozen, issuer=ISSUER)


async def begun(tokens: Tokens) -> TokenPair:
    return await tokens.begin(PERSON, ial="2.3", aal="2.1", client_id="tangrat-app")


async def test_an_access_token_says_who_asks_and_how_surely_we_know(tokens: Tokens, elsewhere: Tokens) -> None:
    pair = await begun(tokens)

    session = await elsewhere.verify(pair.access_token)

    assert (session.person, session.ial, session.aal, session.client_id) == (PERSON, "2.3", "2.1", "tangrat-app")
    assert session.session_id[:2] == PERSON[:2]
    assert session.expires_at - session.issued_at == timedelta(seconds=pair.expires_in) == timedelta(minutes=10)
    header = jwt.get_unverified_header(pair.access_token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    claims = jwt.decode(pair.access_token, options={"verify_signature": False})
    assert {"iss", "aud", "sub", "exp", "iat", "nbf", "jti", "sid", "ial", "aal", "client_id"} == claims.keys()


async def test_an_access_token_ends_after_ten_minutes_even_where_it_is_remembered(
    tokens: Tokens, frozen: FrozenClock
) -> None:
    pair = await begun(tokens)
    frozen.advance(timedelta(minutes=10, seconds=-1))
    await tokens.verify(pair.access_token)

    frozen.advance(timedelta(seconds=1))

    with pytest.raises(Unauthenticated, match="has ended"):
        await tokens.verify(pair.access_token)


def _resigned(token: str, key: Any, *, algorithm: str = "ES256", typ: str = "at+jwt", **changed: Any) -> str:
    """The same token with other claims, signed by whatever key. A claim set to `...` is left out."""
    claims = jwt.decode(token, options={"verify_signature": False}) | changed
    claims = {name: value for name, value in claims.items() if value is not ...}
    headers = {"kid": jwt.get_unverified_header(token)["kid"], "typ": typ}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


async def _our_key(store: Store, vault: Vault) -> Any:
    document = await store.collection("signing_keys").find_one({})
    assert document is not None
    der = vault.open(document["sealed"], context=f"signing_keys.sealed {document['_id']} {document['kid']}")
    return serialization.load_der_private_key(der, None)


WRONG: list[dict[str, Any]] = [
    {"exp": ...}, {"iat": ...}, {"nbf": ...}, {"jti": ...}, {"sid": ...}, {"sub": ...}, {"aud": ...}, {"iss": ...},
    {"ial": ...}, {"client_id": ...}, {"aud": ISSUER}, {"aud": [f"{ISSUER}/graphql", "https://other.example"]},
    {"aud": f"{ISSUER}/agency"}, {"iss": "https://evil.example"}, {"exp": 1}, {"exp": True}, {"exp": "9999999999"},
    {"exp": float("inf")}, {"exp": 10**30}, {"nbf": 9_999_999_999}, {"typ": "JWT"}, {"typ": ""},
]  # fmt: skip


async def test_even_our_own_signature_does_not_make_a_wrong_token_good(
    tokens: Tokens, store: Store, vault: Vault
) -> None:
    pair, key = await begun(tokens), await _our_key(store, vault)

    believed = []
    for changed in WRONG:
        with contextlib.suppress(Unauthenticated):
            believed.append((changed, await tokens.verify(_resigned(pair.access_token, key, **changed))))

    assert believed == []


async def test_a_token_resigned_unchanged_is_good(tokens: Tokens, store: Store, vault: Vault) -> None:
    """What makes the refusals above mean something."""
    pair = await begun(tokens)

    assert await tokens.verify(_resigned(pair.access_token, await _our_key(store, vault)))


def _hmac_signed(token: str, secret: bytes) -> str:
    """HS256 with a public key as the secret; by hand, since PyJWT won't do it."""
    header = {"alg": "HS256", "typ": "at+jwt", "kid": jwt.get_unverified_header(token)["kid"]}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    signed = f"{head}.{token.split('.')[1]}"
    digest = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


async def test_unsigned_and_wrongly_signed_tokens_are_refused(tokens: Tokens) -> None:
    pair = await begun(tokens)
    jwk = json.dumps((await tokens.jwks())["keys"][0], separators=(",", ":"))
    public = jwt.PyJWK((await tokens.jwks())["keys"][0]).key
    pem, der = (
        public.public_bytes(form, serialization.PublicFormat.SubjectPublicKeyInfo)
        for form in (serialization.Encoding.PEM, serialization.Encoding.DER)
    )
    body = pair.access_token.split(".")[1]
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    kid = jwt.get_unverified_header(pair.access_token)["kid"]
    none_with_kid = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt", "kid": kid}).encode())

    for wrong in (
        f"{none}.{body}.",
        f"{none_with_kid.rstrip(b'=').decode()}.{body}.",
        *(_hmac_signed(pair.access_token, secret) for secret in (jwk.encode(), pem, der, b"")),
        _resigned(pair.access_token, ec.generate_private_key(ec.SECP256R1())),
        pair.access_token[:-4] + "AAAA",
        pair.access_token + "x" * 9000,
        "", ".", "..", "\ud800", "é.é.é",
    ):  # fmt: skip
        with pytest.raises(Unauthenticated):
            await tokens.verify(wrong)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=80), st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
async def test_no_text_at_all_surprises_the_doors(tokens: Tokens, text: str) -> None:
    with pytest.raises(Unauthenticated):
        await tokens.verify(text)
    with pytest.raises(InvalidGrant):
        await tokens.refresh(text)
    await tokens.revoke(text)


async def test_processes_that_start_together_share_one_key(tokens: Tokens, elsewhere: Tokens) -> None:
    first, second = await asyncio.gather(begun(tokens), begun(elsewhere))

    assert await elsewhere.verify(first.access_token)
    assert await tokens.verify(second.access_token)
    assert len((await tokens.jwks())["keys"]) == 1


async def test_the_database_holds_no_signing_key_and_no_token_in_clear(
    tokens: Tokens, store: Store, vault: Vault
) -> None:
    pair = await begun(tokens)
    await tokens.refresh(pair.refresh_token)
    secret = (await _our_key(store, vault)).private_numbers().private_value.to_bytes(32, "big")

    for name in ("signing_keys", "sessions"):
        async for document in store.collection(name).find():
            assert pair.refresh_token not in repr(document)
            assert secret not in b"".join(value for value in document.values() if isinstance(value, bytes))


async def test_keys_roll_with_an_overlap(tokens: Tokens, elsewhere: Tokens, frozen: FrozenClock) -> None:
    old = await begun(tokens)
    await elsewhere.verify(old.access_token)
    frozen.advance(timedelta(seconds=2))

    assert await tokens.rotate()
    new = await begun(tokens)

    assert jwt.get_unverified_header(new.access_token)["kid"] != jwt.get_unverified_header(old.access_token)["kid"]
    assert await elsewhere.verify(new.access_token)  # a process that hasn't seen the new key looks for it
    assert await elsewhere.verify(old.access_token)
    assert len((await elsewhere.jwks())["keys"]) == 2

    frozen.advance(OVERLAP + timedelta(seconds=61))
    assert [key["kid"] for key in (await elsewhere.jwks())["keys"]] == [
        jwt.get_unverified_header(new.access_token)["kid"]
    ]


async def test_a_rotation_that_is_not_due_changes_nothing_and_two_at_once_make_one_key(
    tokens: Tokens, elsewhere: Tokens, frozen: FrozenClock, store: Store
) -> None:
    await begun(tokens)
    frozen.advance(timedelta(days=29))
    assert not await tokens.rotate(if_older_than=timedelta(days=30))

    frozen.advance(timedelta(days=2))
    due = timedelta(days=30)
    made = await asyncio.gather(*(one.rotate(if_older_than=due) for one in (tokens, elsewhere)))

    assert sorted(made) == [False, True]
    frozen.advance(timedelta(days=31))
    await tokens.rotate(if_older_than=due)
    assert await store.collection("signing_keys").count_documents({}) == 2  # those long replaced are gone


async def test_a_key_put_into_the_database_by_somebody_else_is_not_believed(
    tokens: Tokens, store: Store, frozen: FrozenClock
) -> None:
    pair = await begun(tokens)
    document = await store.collection("signing_keys").find_one({})
    assert document is not None
    mallory = ec.generate_private_key(ec.SECP256R1())
    der = mallory.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    planted = {**document, "_id": 2, "kid": "mallory", "sealed": Vault(b"\x02" * 32).seal(der, context="x")}
    await store.collection("signing_keys").insert_one(planted)
    frozen.advance(timedelta(minutes=2))
    forged = jwt.encode(
        jwt.decode(pair.access_token, options={"verify_signature": False}), mallory, algorithm="ES256",
        headers={"kid": "mallory", "typ": "at+jwt"},
    )  # fmt: skip

    with pytest.raises(Unauthenticated, match="not signed by a key of ours"):
        await tokens.verify(forged)
    assert await tokens.verify((await begun(tokens)).access_token)


async def test_another_master_key_is_named_as_the_trouble(tokens: Tokens, store: Store, frozen: FrozenClock) -> None:
    await begun(tokens)

    with pytest.raises(SealBroken, match="is the master key the one"):
        await begun(Tokens(store, Vault(b"\x02" * 32), clock=frozen, issuer=ISSUER))


async def test_a_refresh_token_works_once_and_brings_the_next(tokens: Tokens) -> None:
    first = await begun(tokens)

    second = await tokens.refresh(first.refresh_token, client_id="tangrat-app")
    third = await tokens.refresh(second.refresh_token)

    assert len({one.refresh_token for one in (first, second, third)}) == 3
    one, other = await tokens.verify(first.access_token), await tokens.verify(third.access_token)
    assert one.session_id == other.session_id


async def test_a_retry_within_ten_seconds_gets_the_same_answer_in_any_process(
    tokens: Tokens, elsewhere: Tokens, frozen: FrozenClock
) -> None:
    first = await begun(tokens)
    answer = await tokens.refresh(first.refresh_token)
    frozen.advance(timedelta(seconds=10))

    again = await elsewhere.refresh(first.refresh_token)

    assert again == answer
    assert await elsewhere.refresh(answer.refresh_token)


async def test_reuse_after_ten_seconds_ends_the_family_everywhere(
    tokens: Tokens, elsewhere: Tokens, frozen: FrozenClock
) -> None:
    first = await begun(tokens)
    second = await tokens.refresh(first.refresh_token)
    await elsewhere.verify(second.access_token)
    frozen.advance(timedelta(seconds=10, milliseconds=1))

    with pytest.raises(InvalidGrant):
        await tokens.refresh(first.refresh_token)

    frozen.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await elsewhere.verify(second.access_token)
    with pytest.raises(InvalidGrant):
        await elsewhere.refresh(second.refresh_token)


async def test_a_token_two_rotations_old_ends_the_family_at_once(tokens: Tokens) -> None:
    first = await begun(tokens)
    second = await tokens.refresh(first.refresh_token)
    third = await tokens.refresh(second.refresh_token)

    with pytest.raises(InvalidGrant):
        await tokens.refresh(first.refresh_token)

    with pytest.raises(Unauthenticated):
        await tokens.verify(third.access_token)


async def test_who_only_knows_the_session_id_cannot_end_the_family(tokens: Tokens) -> None:
    pair = await begun(tokens)
    raw = bytearray(base64.urlsafe_b64decode(pair.refresh_token))
    raw[20] ^= 1

    with pytest.raises(InvalidGrant):
        await tokens.refresh(base64.urlsafe_b64encode(raw).decode())

    assert await tokens.refresh(pair.refresh_token)


async def test_another_client_cannot_use_a_refresh_token(tokens: Tokens) -> None:
    pair = await begun(tokens)

    with pytest.raises(InvalidGrant):
        await tokens.refresh(pair.refresh_token, client_id="somebody-else")

    assert await tokens.refresh(pair.refresh_token)


async def test_many_refreshes_at_once_get_one_answer(tokens: Tokens, elsewhere: Tokens) -> None:
    first = await begun(tokens)

    answers = await asyncio.gather(*((tokens if n % 2 else elsewhere).refresh(first.refresh_token) for n in range(12)))

    assert len({(one.access_token, one.refresh_token) for one in answers}) == 1
    assert await tokens.refresh(answers[0].refresh_token)


async def test_a_session_ends_after_thirty_days_however_often_it_is_refreshed(
    tokens: Tokens, frozen: FrozenClock
) -> None:
    pair = await begun(tokens)
    for _ in range(29):
        frozen.advance(timedelta(days=1))
        pair = await tokens.refresh(pair.refresh_token)

    frozen.advance(timedelta(days=1))

    with pytest.raises(InvalidGrant):
        await tokens.refresh(pair.refresh_token)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_signing_out_stops_access_everywhere_within_a_second(
    tokens: Tokens, elsewhere: Tokens, frozen: FrozenClock, which: str
) -> None:
    pair, another = await begun(tokens), await begun(tokens)
    await elsewhere.verify(pair.access_token)

    await tokens.revoke(getattr(pair, which))

    with pytest.raises(Unauthenticated):
        await tokens.verify(pair.access_token)
    frozen.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await elsewhere.verify(pair.access_token)
    with pytest.raises(InvalidGrant):
        await elsewhere.refresh(pair.refresh_token)
    assert await elsewhere.verify(another.access_token)


async def test_a_clock_that_is_put_back_does_not_prolong_what_is_remembered(
    tokens: Tokens, elsewhere: Tokens, frozen: FrozenClock
) -> None:
    pair = await begun(tokens)
    await elsewhere.verify(pair.access_token)
    await tokens.revoke(pair.refresh_token)

    frozen.advance(timedelta(seconds=-3))

    with pytest.raises(Unauthenticated):
        await elsewhere.verify(pair.access_token)


async def test_a_lost_phone_ends_every_session_of_that_person_and_nobody_elses(tokens: Tokens) -> None:
    one, two = await begun(tokens), await begun(tokens)
    other = await tokens.begin(PersonId("cd" * 16), ial="2.3", aal="2.1", client_id="tangrat-app")

    await tokens.end_all(PERSON, why="lost phone")

    for gone in (one, two):
        with pytest.raises(Unauthenticated):
            await tokens.verify(gone.access_token)
    assert await tokens.verify(other.access_token)


async def test_verifying_a_known_token_is_cheap(tokens: Tokens) -> None:
    pair = await begun(tokens)
    await tokens.verify(pair.access_token)

    began = time.perf_counter()
    for _ in range(200):
        await tokens.verify(pair.access_token)

    assert (time.perf_counter() - began) / 200 < 0.001


def a_grant(**changed: str) -> Grant:
    grant = {
        "person": PERSON, "ial": "2.3", "aal": "0", "client_id": "tangrat-app", "redirect_uri": APP,
        "code_challenge": challenge_of(VERIFIER),
    }  # fmt: skip
    return Grant(**(grant | changed))  # type: ignore[arg-type]


async def test_a_code_is_traded_for_tokens_once(tokens: Tokens, elsewhere: Tokens, frozen: FrozenClock) -> None:
    code = await tokens.code_for(a_grant())
    pair, person = await elsewhere.redeem(code, client_id="tangrat-app", redirect_uri=APP, code_verifier=VERIFIER)
    assert (await tokens.verify(pair.access_token)).person == person == PERSON

    with pytest.raises(InvalidGrant, match="used before"):
        await tokens.redeem(code, client_id="tangrat-app", redirect_uri=APP, code_verifier=VERIFIER)

    frozen.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):  # somebody else had the code too, so what it began is over
        await tokens.verify(pair.access_token)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"client_id": "somebody-else"}, "another client"),
        ({"redirect_uri": APP + "/"}, "redirect_uri"),
        ({"code_verifier": "w" * 43}, "code_verifier"),
        ({"code_verifier": challenge_of(VERIFIER)}, "code_verifier"),
        ({"code_verifier": ""}, "code_verifier"),
    ],
    ids=str,
)
async def test_a_code_in_wrong_hands_is_burnt(tokens: Tokens, changed: dict[str, str], why: str) -> None:
    code = await tokens.code_for(a_grant())
    right = {"client_id": "tangrat-app", "redirect_uri": APP, "code_verifier": VERIFIER}

    with pytest.raises(InvalidGrant, match=why):
        await tokens.redeem(code, **(right | changed))

    with pytest.raises(InvalidGrant):
        await tokens.redeem(code, **right)


async def test_a_code_ends_after_a_minute(tokens: Tokens, frozen: FrozenClock) -> None:
    code = await tokens.code_for(a_grant())
    frozen.advance(timedelta(seconds=60))

    with pytest.raises(InvalidGrant, match="expired"):
        await tokens.redeem(code, client_id="tangrat-app", redirect_uri=APP, code_verifier=VERIFIER)


async def test_of_many_who_bring_one_code_at_most_one_is_served(tokens: Tokens, elsewhere: Tokens) -> None:
    code = await tokens.code_for(a_grant())

    async def redeem(which: Tokens) -> bool:
        try:
            await which.redeem(code, client_id="tangrat-app", redirect_uri=APP, code_verifier=VERIFIER)
        except InvalidGrant:
            return False
        return True

    assert sum(await asyncio.gather(*(redeem(one) for one in (tokens, elsewhere) * 4))) == 1
