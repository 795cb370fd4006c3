"""Agencies that may call us: who they are, by a signature of their own, and what they may do.

No secret is shared: an agency signs a short assertion with its private key (RFC 7523) and gets an access token of ten
minutes. Each assertion works once. Their tokens and the citizens' are signed by the same keys for different audiences,
so neither opens the other's door.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import jwt

from foundation.clock import Clock
from foundation.errors import BadInput, Forbidden, Unauthenticated
from foundation.http import Http, check_endpoint
from foundation.ids import new_id
from foundation.store import Document, DuplicateKeyError, Index, Store
from foundation.watched import Recent
from trust.keys import (
    Claims,
    Expected,
    NotBelieved,
    PublishedKeys,
    fetch_json,
    header_of,
    parse_jwks,
    read_token,
    seconds,
)
from trust.tokens import ACCESS_LIFE, OAuthRefused, Tokens

log = logging.getLogger(__name__)

INDEXES = (Index(collection="assertions", keys=(("expires_at", 1),), name="gone", expire_after_s=0),)
SCOPES = ("events:publish", "events:subscribe", "notify:send")
ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SKEW_S = 60
_JTI_KEPT_S = 600  # beyond exp: the database removes by its own clock, which may be ahead of ours
_LONGEST_S = 300
_CLIENT_KEPT_S = 1.0
_VERIFIED_KEPT_S = 5.0


class InvalidClient(OAuthRefused):
    status = 401
    error: ClassVar[str] = "invalid_client"


class InvalidScope(OAuthRefused):
    error: ClassVar[str] = "invalid_scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyClient:
    """One system of one agency, and what it may do (registered, or with one token)."""

    client_id: str
    agency: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyToken:
    access_token: str
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105 -- the name of a kind of token


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    client: AgencyClient
    expires_at: datetime


class AgencyClients:
    def __init__(self, store: Store, http: Http, *, clock: Clock, tokens: Tokens) -> None:
        self._clients = store.collection("agency_clients")
        self._assertions = store.collection("assertions")
        self._http = http
        self._clock = clock
        self._signing = tokens.keys
        self._issuer = tokens.issuer
        self._audience = f"{tokens.issuer}/agency"
        self._jwks: dict[str, tuple[str, PublishedKeys]] = {}
        self._registered: Recent[Document] = Recent(unwatched_s=_CLIENT_KEPT_S, clock=clock)
        self._verified: Recent[_Verified] = Recent(unwatched_s=_VERIFIED_KEPT_S, clock=clock)

    async def add(
        self, *, client_id: str, agency: str, scopes: Collection[str],
        jwks_uri: str | None = None, jwks: Mapping[str, Any] | None = None,
    ) -> AgencyClient:  # fmt: skip
        """Let an agency's system call us, or change what is registered. BadInput says what is wrong with the entry."""
        if not _CLIENT_ID.fullmatch(client_id):
            raise BadInput(
                "client_id must be 1 to 64 letters, digits, dots, hyphens or underscores",
                th="client_id ต้องเป็นอักษรละติน ตัวเลข จุด ขีด (-) หรือขีดล่าง (_) รวม 1 ถึง 64 ตัว",
            )
        if unknown := set(scopes) - set(SCOPES):
            raise BadInput(
                f"there is no scope {min(unknown)!r}; there are {', '.join(SCOPES)}",
                th=f"ไม่มี scope {min(unknown)!r} ที่มีคือ {', '.join(SCOPES)}",
            )
        if not scopes:
            raise BadInput("name at least one scope", th="โปรดระบุ scope อย่างน้อยหนึ่งรายการ")
        if (jwks_uri is None) == (jwks is None):
            raise BadInput("give either jwks_uri or jwks", th="โปรดระบุ jwks_uri หรือ jwks อย่างใดอย่างหนึ่ง")
        if jwks_uri is not None:
            check_endpoint(jwks_uri, public_only=False)
        if jwks is not None:
            _check_jwks(jwks)
        entry = {
            "agency": agency, "scopes": [one for one in SCOPES if one in scopes], "jwks_uri": jwks_uri,
            "jwks": dict(jwks) if jwks else None,
        }  # fmt: skip
        created = {"created_at": self._clock.now()}
        await self._clients.update_one({"_id": client_id}, {"$set": entry, "$setOnInsert": created}, upsert=True)
        self._registered.forget(client_id)
        return _client({"_id": client_id, **entry})

    async def remove(self, client_id: str) -> bool:
        """Close the door to it, within a second. False when it wasn't registered."""
        gone = await self._clients.delete_one({"_id": client_id})
        self._registered.forget(client_id)
        return gone.deleted_count == 1

    async def token(self, assertion: str, scope: str | None = None, *, client_id: str | None = None) -> AgencyToken:
        """An access token for whoever signed the assertion. No `scope` means all that the client has."""
        registered, claims = await self._signer(assertion)
        client = _client(registered)
        if client_id is not None and client_id != client.client_id:
            raise InvalidClient(
                "client_id names another client than the assertion does",
                th="client_id ไม่ใช่ client เดียวกับใน client assertion",
            )
        await self._use_up(client.client_id, claims)
        wanted = tuple(dict.fromkeys((scope or "").split())) or client.scopes
        if beyond := set(wanted) - set(client.scopes):
            raise InvalidScope(
                f"this client has no scope {min(beyond)[:40]!r}; it has {' '.join(client.scopes)}",
                th=f"client นี้ไม่มี scope {min(beyond)[:40]!r} ที่มีคือ {' '.join(client.scopes)}",
            )
        issued_at, life_s = int(self._clock.now().timestamp()), int(ACCESS_LIFE.total_seconds())
        access_token = await self._signing.sign(
            {
                "iss": self._issuer, "aud": self._audience, "sub": client.client_id, "client_id": client.client_id,
                "agency": client.agency, "scope": " ".join(wanted), "jti": new_id(), "iat": issued_at,
                "nbf": issued_at, "exp": issued_at + life_s,
            },
            typ="at+jwt",
        )  # fmt: skip
        return AgencyToken(access_token=access_token, expires_in=life_s, scope=" ".join(wanted))

    async def verify(self, bearer: str, *, scope: str) -> AgencyClient:
        """Which client this access token (or Authorization header) speaks for.

        Unauthenticated, or Forbidden where it lacks the scope.
        """
        scheme, _, rest = bearer.partition(" ")
        bearer = rest.strip() if scheme.lower() == "bearer" else bearer
        digest = hashlib.sha256(bearer.encode(errors="replace")).hexdigest()
        known = self._verified.get(digest)
        if known is None or known.expires_at <= self._clock.now():
            read_at = self._verified.now()
            known = await self._read(bearer)
            self._verified.keep(digest, known, read_at=read_at)
        registered = await self._find(known.client.client_id)
        if registered is None or registered["agency"] != known.client.agency:
            raise Unauthenticated("this client is not registered any more", th="client นี้ถูกถอนการลงทะเบียนแล้ว")
        if scope not in known.client.scopes or scope not in registered["scopes"]:
            raise Forbidden(
                f"this needs a token with the scope {scope}", th=f"ต้องใช้ access token ที่มี scope {scope}", scope=scope
            )
        return known.client

    async def _read(self, bearer: str) -> _Verified:
        required = ("client_id", "agency", "scope")
        try:
            claims = await self._signing.read(bearer, issuer=self._issuer, audience=self._audience, required=required)
        except NotBelieved as exc:
            raise Unauthenticated(
                f"the access token is not accepted: {exc}", th=f"ไม่รับ access token นี้: {exc.th}"
            ) from exc
        client = AgencyClient(
            client_id=claims["client_id"], agency=claims["agency"], scopes=tuple(claims["scope"].split())
        )
        return _Verified(client=client, expires_at=datetime.fromtimestamp(claims["exp"], UTC))

    async def _signer(self, assertion: str) -> tuple[Document, Claims]:
        """The registered client that signed this assertion, and its claims."""
        try:
            claimed = _claimed_client(assertion)
            registered = await self._find(claimed)
            if registered is None:
                raise NotBelieved("no such client is registered", th="ไม่มี client นี้ในทะเบียน")
            key = await self._keys_of(registered).find(assertion, among=ALGORITHMS)
            claims = read_token(
                assertion, key,
                Expected(
                    algorithms=ALGORITHMS, issuer=claimed, audience=(f"{self._audience}/token", self._issuer),
                    required=("sub", "iat", "jti"), early_s=_SKEW_S, late_s=_SKEW_S,
                ),
                now=self._clock.now(),
            )  # fmt: skip
            self._check_assertion(claims)
        except NotBelieved as exc:
            log.warning("client assertion refused", extra={"why": str(exc)})
            raise InvalidClient(
                f"the client assertion is not accepted: {exc}", th=f"ไม่รับ client assertion นี้: {exc.th}"
            ) from exc
        return registered, claims

    def _check_assertion(self, claims: Claims) -> None:
        now = self._clock.now().timestamp()
        if claims["sub"] != claims["iss"]:
            raise NotBelieved("iss and sub must both be the client_id", th="ทั้ง iss และ sub ต้องเป็น client_id")
        if not 1 <= len(claims["jti"]) <= 200:
            raise NotBelieved("jti must have 1 to 200 characters", th="jti ต้องยาว 1 ถึง 200 อักขระ")
        if seconds(claims, "exp") > now + _LONGEST_S + _SKEW_S:
            raise NotBelieved(
                f"exp must be at most {_LONGEST_S} seconds ahead", th=f"exp ต้องอยู่ล่วงหน้าไม่เกิน {_LONGEST_S} วินาที"
            )
        if seconds(claims, "iat") < now - _LONGEST_S - _SKEW_S:
            raise NotBelieved("iat is too long ago", th="iat ผ่านมานานเกินไป")

    async def _use_up(self, client_id: str, claims: Claims) -> None:
        """Note the jti for as long as the assertion could be shown again."""
        used = hashlib.sha256(f"{client_id}\0{claims['jti']}".encode(errors="replace")).hexdigest()
        expires_at = datetime.fromtimestamp(seconds(claims, "exp") + _JTI_KEPT_S, UTC)
        try:
            await self._assertions.insert_one({"_id": used, "expires_at": expires_at})
        except DuplicateKeyError as exc:
            log.warning("client assertion replayed", extra={"client": client_id})
            raise InvalidClient(
                "the client assertion was used before; sign a new one with a new jti",
                th="client assertion นี้ถูกใช้ไปแล้ว โปรดลงนามใหม่โดยใช้ jti ใหม่",
            ) from exc

    async def _find(self, client_id: str) -> Document | None:
        known = self._registered.get(client_id)
        if known is None:
            read_at = self._registered.now()
            known = await self._clients.find_one({"_id": client_id})
            if known is not None:
                self._registered.keep(client_id, known, read_at=read_at)
        return known

    def _keys_of(self, registered: Document) -> PublishedKeys:
        source = repr(registered["jwks_uri"] or registered["jwks"])
        kept = self._jwks.get(registered["_id"])
        if kept is None or kept[0] != source:  # never seen, or registered anew with other keys
            kept = (source, PublishedKeys(self._fetch(registered), clock=self._clock))
            self._jwks[registered["_id"]] = kept
        return kept[1]

    def _fetch(self, registered: Document) -> Callable[[], Awaitable[Any]]:
        async def fetch() -> Any:
            uri: str | None = registered["jwks_uri"]
            return registered["jwks"] if uri is None else await fetch_json(self._http, uri)

        return fetch


def _client(registered: Mapping[str, Any]) -> AgencyClient:
    return AgencyClient(client_id=registered["_id"], agency=registered["agency"], scopes=tuple(registered["scopes"]))


def _claimed_client(assertion: str) -> str:
    """Whose assertion it says it is: only good for finding the key."""
    header_of(assertion)
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as exc:
        raise NotBelieved("the assertion is malformed", th="client assertion ผิดรูปแบบ") from exc
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not _CLIENT_ID.fullmatch(issuer):
        raise NotBelieved("iss must be the client_id", th="iss ต้องเป็น client_id")
    return issuer


def _check_jwks(jwks: Mapping[str, Any]) -> None:
    keys = jwks.get("keys")
    if isinstance(keys, list) and any(isinstance(one, dict) and {"d", "k"} & one.keys() for one in keys):
        raise BadInput(
            "jwks holds a private key; it was not stored, but should be replaced now that it has travelled",
            th="jwks มีกุญแจส่วนตัวอยู่ เราไม่ได้เก็บไว้ แต่ควรเปลี่ยนกุญแจใหม่เพราะถูกส่งออกมาแล้ว",
        )
    try:
        usable = parse_jwks(dict(jwks))
    except NotBelieved as exc:
        raise BadInput(f"jwks can't be used: {exc}", th=f"ใช้ jwks นี้ไม่ได้: {exc.th}") from exc
    if not usable:
        raise BadInput(
            "jwks holds no key we can use: EC P-256, RSA of 2048 bits or more, or Ed25519",
            th="jwks ไม่มีกุญแจที่เราใช้ได้ คือ EC P-256, RSA ตั้งแต่ 2048 บิตขึ้นไป หรือ Ed25519",
        )
