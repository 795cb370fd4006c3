"""Whose signature is this: our own signing keys, other parties' published ones, and the one place that believes a JWT.

Our keys live sealed in the database, so that every process signs with the same one; a new key takes over at once and
the old one is believed until the last token it signed has ended. Another party's keys are fetched, kept, and asked for
again when a token names one we don't know, but never as often as somebody sends us such tokens.
PyJWT judges the signature and the form; the times are judged here, by our own clock (PyJWT knows only the machine's).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm

from foundation.clock import Clock
from foundation.errors import Unavailable
from foundation.http import CallFailed, Http
from foundation.ids import new_id
from foundation.store import Document, DuplicateKeyError, Store
from trust.secrets import SealBroken, Vault

log = logging.getLogger(__name__)

Claims = dict[str, Any]
PublicKey = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey
T = TypeVar("T")

LONGEST_TOKEN = 8192
# Long enough for the last token of the old key (10 min), a process that hasn't seen the new one (1 min), and their clocks.
OVERLAP = timedelta(minutes=20)
_LOOK_AGAIN = timedelta(seconds=60)
_LOOK_FOR_UNKNOWN = timedelta(seconds=1)
_KEEP_JWKS = timedelta(minutes=10)
_STALE_AT_MOST = timedelta(days=1)
_AGAIN = timedelta(seconds=10)
_AFTER_FAILURE = timedelta(seconds=1)
_MOST_KEYS = 20


class NotBelieved(Exception):
    """A token is not what it should be. The message says why, for the log and for integrators; it holds no claims.

    `th` is the same in Thai.
    """

    def __init__(self, why: str, *, th: str) -> None:
        super().__init__(why)
        self.th = th


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must be to be believed. `early_s` forgives clocks behind the signer's, `late_s` those ahead of it."""

    algorithms: tuple[str, ...]
    issuer: str
    audience: tuple[str, ...]  # any one of them, and nobody else's beside it
    required: tuple[str, ...]
    types: tuple[str, ...] | None = None  # the header's `typ`; None = any
    early_s: float = 60
    late_s: float = 0


def header_of(token: str) -> Mapping[str, Any]:
    """The unverified header: only good for finding the key."""
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        raise NotBelieved("the token is too long or not ASCII", th="token ยาวเกินไปหรือไม่ใช่ ASCII")
    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError as exc:
        raise NotBelieved("the token is malformed", th="token ผิดรูปแบบ") from exc


def read_token(token: str, key: PublicKey, expected: Expected, *, now: datetime) -> Claims:
    """The claims of a token signed by this key and meant as expected; NotBelieved says what is wrong."""
    typ = header_of(token).get("typ")
    if expected.types is not None and (not isinstance(typ, str) or typ.lower() not in expected.types):
        raise NotBelieved("the token is of another type", th="typ ของ token ไม่ใช่ชนิดที่ใช้ที่นี่")
    # Explicit algorithms, cut down to what this kind of key can do: an RSA key never checks an HMAC (RFC 8725, 3.1).
    algorithms = [one for one in expected.algorithms if one in algorithms_of(key)]
    try:
        claims: Claims = jwt.decode(
            token, key, algorithms=algorithms or ["none of them"], audience=expected.audience, issuer=expected.issuer,
            options={
                "require": ["iss", "aud", "exp", *expected.required],
                "verify_exp": False, "verify_nbf": False, "verify_iat": False,
            },
        )  # fmt: skip
    except jwt.MissingRequiredClaimError as exc:
        raise NotBelieved(f"the token has no {exc.claim}", th=f"token ไม่มี {exc.claim}") from exc
    except jwt.InvalidAudienceError as exc:
        raise NotBelieved(
            f"aud must be {' or '.join(expected.audience)}", th=f"aud ต้องเป็น {' หรือ '.join(expected.audience)}"
        ) from exc
    except (jwt.PyJWTError, ValueError) as exc:
        raise NotBelieved(
            f"the token is not good ({type(exc).__name__})", th=f"token ใช้ไม่ได้ ({type(exc).__name__})"
        ) from exc
    if isinstance(claims["aud"], list) and set(claims["aud"]) - set(expected.audience):
        raise NotBelieved("the token is meant for others too", th="aud ของ token มีผู้รับอื่นอยู่ด้วย")
    moment = now.timestamp()
    if seconds(claims, "exp") <= moment - expected.late_s:
        raise NotBelieved("the token has ended", th="token หมดอายุแล้ว")
    if any(name in claims and seconds(claims, name) > moment + expected.early_s for name in ("iat", "nbf")):
        raise NotBelieved("the token is not valid yet", th="ยังไม่ถึงเวลาที่ token เริ่มใช้ได้")
    return claims


def seconds(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a time. Text, booleans and infinities are none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e11:
        raise NotBelieved(f"the token's {name} is not a time", th=f"{name} ของ token ไม่ใช่เวลา")
    return float(value)


def algorithms_of(key: PublicKey) -> tuple[str, ...]:
    if isinstance(key, EllipticCurvePublicKey):
        return ("ES256",) if isinstance(key.curve, SECP256R1) else ()
    if isinstance(key, RSAPublicKey):
        return ("RS256", "PS256") if key.key_size >= 2048 else ()
    return ("EdDSA",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    kid: str | None
    algorithms: tuple[str, ...]
    key: PublicKey


def parse_jwks(document: Any) -> tuple[PublishedKey, ...]:
    """The keys of a JWK Set that can check a signature. What we can't use is left out, private keys above all."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise NotBelieved("it is not a JSON Web Key Set", th="ไม่ใช่ JSON Web Key Set (JWKS)")
    found = (_parse_jwk(one) for one in keys[:_MOST_KEYS] if isinstance(one, dict))
    return tuple(one for one in found if one is not None)


def _parse_jwk(jwk: dict[str, Any]) -> PublishedKey | None:
    if {"d", "k"} & jwk.keys() or jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        return None
    try:
        # PyJWT would read the algorithm from `alg`, which may not fit; the kind of key decides.
        key = jwt.PyJWK({name: value for name, value in jwk.items() if name != "alg"}).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    if not isinstance(key, EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey):
        return None
    kid, said = jwk.get("kid"), jwk.get("alg")
    algorithms = tuple(one for one in algorithms_of(key) if said in (None, one))
    return (
        PublishedKey(kid=kid if isinstance(kid, str) else None, algorithms=algorithms, key=key) if algorithms else None
    )


class Kept(Generic[T]):
    """A document of another party: fetched by one caller at a time, kept, and not asked for again at once.

    While the other party is down, what we have is good for a day; where we have nothing, those who wait together fail
    together instead of one deadline after the other.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]], *, clock: Clock, keep: timedelta = _KEEP_JWKS) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keep = keep
        self._lock = asyncio.Lock()
        self._has: tuple[T, datetime] | None = None
        self._tried_at: datetime | None = None
        self._failure: Unavailable | None = None

    async def get(self, *, anew: bool = False) -> T:
        """The document. `anew` asks for it again, unless that was done in the last ten seconds."""
        if self._has and not anew and self._clock.now() - self._has[1] < self._keep:
            return self._has[0]
        asked_at = self._clock.now()
        async with self._lock:
            if self._has and self._has[1] > asked_at:
                return self._has[0]
            pause = _AFTER_FAILURE if self._failure else _AGAIN
            if self._tried_at is None or self._clock.now() - self._tried_at >= pause:
                await self._try()
            if self._has and self._clock.now() - self._has[1] < self._keep + _STALE_AT_MOST:
                return self._has[0]
            raise Unavailable(
                "what another party publishes can't be read now",
                th="ขณะนี้อ่านเอกสารที่อีกฝ่ายเผยแพร่ไว้ (เช่น JWKS) ไม่ได้ โปรดลองใหม่ภายหลัง",
            ) from self._failure

    async def _try(self) -> None:
        try:
            self._has, self._failure = (await self._fetch(), self._clock.now()), None
        except Unavailable as exc:
            self._failure = exc
        finally:
            self._tried_at = self._clock.now()


class PublishedKeys:
    """The keys of one other party."""

    def __init__(self, fetch: Callable[[], Awaitable[Any]], *, clock: Clock) -> None:
        async def parsed() -> tuple[PublishedKey, ...]:
            try:
                return parse_jwks(await fetch())
            except NotBelieved as exc:
                raise Unavailable(f"the published keys can't be used: {exc}") from exc

        self._keys = Kept(parsed, clock=clock)

    async def find(self, token: str, *, among: Collection[str]) -> PublicKey:
        """The key that must have signed this token. NotBelieved where none fits, Unavailable where we can't know."""
        header = header_of(token)
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in among:
            raise NotBelieved("the token's algorithm is not one we accept", th="ไม่รับอัลกอริทึม (alg) ของ token นี้")
        for anew in (False, True):
            fitting = [one for one in await self._keys.get(anew=anew) if algorithm in one.algorithms]
            if kid is not None:
                fitting = [one for one in fitting if one.kid == kid]
            if len(fitting) == 1:
                return fitting[0].key
        if kid:
            raise NotBelieved("no published key fits the token", th="ไม่มีกุญแจที่เผยแพร่ไว้ดอกใดตรงกับ token")
        raise NotBelieved("the token doesn't name its key (kid)", th="token ไม่ได้ระบุกุญแจ (kid)")


async def fetch_json(http: Http, url: str, *, deadline_s: float = 3.0) -> Any:
    """A JSON document that somebody publishes; Unavailable for every way in which it isn't there."""
    try:
        reply = await http.request(
            "GET", url, deadline_s=deadline_s, max_body=65_536, headers={"Accept": "application/json"}
        )
        if reply.status == 200:
            return reply.json()
    except CallFailed as exc:
        raise Unavailable(f"a published document did not come: {exc.failure}") from exc
    except ValueError as exc:
        raise Unavailable("a published document is not JSON") from exc
    raise Unavailable(f"a published document did not come: status {reply.status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ours:
    kid: str
    private: EllipticCurvePrivateKey

    @property
    def jwk(self) -> Document:
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": "ES256"}


class SigningKeys:
    """Our own ES256 keys. The newest signs; the one before it is believed until OVERLAP after it was replaced."""

    def __init__(self, store: Store, vault: Vault, *, clock: Clock) -> None:
        self._keys = store.collection("signing_keys")
        self._vault = vault
        self._clock = clock
        self._known: dict[str, _Ours] = {}  # oldest first
        self._looked_at: datetime | None = None

    async def sign(self, claims: Claims, *, typ: str) -> str:
        await self._look(_LOOK_AGAIN)
        newest = next(reversed(self._known.values()))
        return jwt.encode(claims, newest.private, algorithm="ES256", headers={"kid": newest.kid, "typ": typ})

    async def read(self, token: str, *, issuer: str, audience: str, required: tuple[str, ...]) -> Claims:
        """The claims of an access token that we signed ourselves, for this audience."""
        kid = header_of(token).get("kid")
        await self._look(_LOOK_AGAIN)
        if kid not in self._known:  # another process may have rotated a moment ago
            await self._look(_LOOK_FOR_UNKNOWN)
        if kid not in self._known:
            raise NotBelieved("the token was not signed by a key of ours", th="token ไม่ได้ลงนามด้วยกุญแจของเรา")
        expected = Expected(
            algorithms=("ES256",), issuer=issuer, audience=(audience,), types=("at+jwt", "application/at+jwt"),
            required=("sub", "iat", "nbf", "jti", *required), early_s=300,
        )  # fmt: skip
        return read_token(token, self._known[kid].private.public_key(), expected, now=self._clock.now())

    async def published(self) -> list[Document]:
        """The public keys, as JWKs."""
        await self._look(_LOOK_FOR_UNKNOWN)
        return [key.jwk for key in self._known.values()]

    async def rotate(self, *, if_older_than: timedelta = timedelta(0)) -> bool:
        """Sign with a new key from now on. Workers may all call it: one of them makes the key. False if not due yet."""
        documents = [one async for one in self._keys.find().sort("_id", 1)]
        if documents and self._clock.now() - documents[-1]["created_at"] < if_older_than:
            return False
        is_ours = await self._make(documents[-1]["_id"] + 1 if documents else 1)
        believed = {one["_id"] for one in self._believed(documents)}
        await self._keys.delete_many({"_id": {"$in": [one["_id"] for one in documents if one["_id"] not in believed]}})
        await self._look(timedelta(0))
        return is_ours

    async def _look(self, unless_within: timedelta) -> None:
        now = self._clock.now()
        if self._looked_at is not None and timedelta(0) <= now - self._looked_at < unless_within:
            return
        documents = [one async for one in self._keys.find().sort("_id", 1)]
        if not documents:
            await self._make(1)
            documents = [one async for one in self._keys.find().sort("_id", 1)]
        opened = [(one, self._known.get(one["kid"]) or self._open(one)) for one in documents]
        good = [one for one, key in opened if key]
        if not good:
            raise SealBroken("no signing key opens; is the master key the one they were made with?")
        keys = {key.kid: key for _, key in opened if key}
        self._known = {one["kid"]: keys[one["kid"]] for one in self._believed(good)}
        self._looked_at = now

    def _believed(self, documents: list[Document]) -> list[Document]:
        """Those whose successor is not old yet, and the newest, which has none."""
        since = self._clock.now() - OVERLAP
        successors: list[Document | None] = [*documents[1:], None]
        pairs = zip(documents, successors, strict=False)  # of no documents there is no newest
        return [one for one, next_one in pairs if next_one is None or next_one["created_at"] > since]

    async def _make(self, generation: int) -> bool:
        """The generation is the _id, so of two processes that make one at the same time, one succeeds."""
        private = generate_private_key(SECP256R1())
        der = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        kid = new_id()
        sealed = self._vault.seal(der, context=_place(generation, kid))
        document = {"_id": generation, "kid": kid, "sealed": sealed, "created_at": self._clock.now()}
        try:
            await self._keys.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    def _open(self, document: Document) -> _Ours | None:
        # The public half is worked out from the sealed one, so that who can write to the database still can't make us
        # believe in a key of theirs.
        try:
            der = self._vault.open(document["sealed"], context=_place(document["_id"], document["kid"]))
        except SealBroken:
            log.error("a signing key does not open", extra={"kid": document["kid"]})
            return None
        private = serialization.load_der_private_key(der, None)
        return _Ours(kid=document["kid"], private=private) if isinstance(private, EllipticCurvePrivateKey) else None


def _place(generation: int, kid: str) -> str:
    return f"signing_keys.sealed {generation} {kid}"
