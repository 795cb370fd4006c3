"""Who is signed in: sessions, their access and refresh tokens, and the one-time codes that begin them.

An access token is a signed JWT that lives ten minutes and is still asked about each second: a session that ends, ends
everywhere within one. A refresh token is opaque and works once. Whoever uses an old one ends the family, because one
of the two who hold it is a thief; only the same device's retry within ten seconds gets the same answer again.

The sessions' state is read with majority concern, not linearizable: measured on an idle replica set, 0.3 ms against
100 ms. What must not be decided on a stale read (a rotation, an end) is a conditional write, which can't be.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson

from foundation.clock import Clock
from foundation.errors import SuperAppError, Unauthenticated
from foundation.ids import CELL, derive, new_id
from foundation.store import Document, Index, Store
from foundation.watched import Recent
from trust.keys import Claims, NotBelieved, SigningKeys
from trust.people import PersonId
from trust.secrets import SealingKey, Vault

log = logging.getLogger(__name__)

INDEXES = (
    Index(collection="sessions", keys=(("expires_at", 1),), name="gone", expire_after_s=0),
    Index(collection="sessions", keys=(("person", 1),), name="by_person"),
    Index(collection="codes", keys=(("expires_at", 1),), name="gone", expire_after_s=0),
)
ACCESS_LIFE = timedelta(minutes=10)
SESSION_LIFE = timedelta(days=30)
CODE_LIFE = timedelta(seconds=60)
RETRY_WITHIN = timedelta(seconds=10)
_STATE_KEPT_S = 1.0  # and longer where the database is heard to say that nothing changed
# A signature stays what it is; the token's end is looked at each time, and a key that is replaced is believed for longer.
_VERIFIED_KEPT_S = 60.0


class OAuthRefused(SuperAppError):
    """A request of OAuth that is refused; `error` is its name in RFC 6749."""

    code = "SIGN_IN_REFUSED"
    status = 400
    error: ClassVar[str] = "invalid_request"


class InvalidGrant(OAuthRefused):
    error = "invalid_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What an access token says: who is asking, and how surely we know."""

    person: PersonId
    session_id: str
    ial: str
    aal: str
    issued_at: datetime
    expires_at: datetime
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 -- the name of a kind of token


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A sign-in that succeeded, waiting for its app to come and take the tokens."""

    person: PersonId
    ial: str
    aal: str
    client_id: str
    redirect_uri: str
    code_challenge: str


class Tokens:
    def __init__(self, store: Store, vault: Vault, *, clock: Clock, issuer: str) -> None:
        self.issuer = issuer
        self.keys = SigningKeys(store, vault, clock=clock)
        self._audience = f"{issuer}/graphql"
        self._sessions = store.collection("sessions")
        self._codes = store.collection("codes")
        self._vault = vault
        self._clock = clock
        self._verified: Recent[Session] = Recent(unwatched_s=_VERIFIED_KEPT_S, clock=clock)
        self.are_over: Recent[bool] = Recent(unwatched_s=_STATE_KEPT_S, clock=clock)  # sessions, by their ids

    async def jwks(self) -> Document:
        return {"keys": await self.keys.published()}

    async def rotate(self, *, if_older_than: timedelta = timedelta(0)) -> bool:
        """Sign with a new key from now on; the old one is believed until its last token has ended."""
        return await self.keys.rotate(if_older_than=if_older_than)

    async def begin(
        self, person: PersonId, *, ial: str, aal: str, client_id: str, session_id: str | None = None
    ) -> TokenPair:
        """Begin a session. Asked for twice with the same `session_id`, the second time raises DuplicateKeyError."""
        now = self._clock.now()
        session_id = session_id or derive(person, "session", new_id())
        refresh_token = self._new_refresh_token(session_id)
        document: Document = {
            "_id": session_id, "person": person, "ial": ial, "aal": aal, "client_id": client_id, "begun_at": now,
            "expires_at": now + SESSION_LIFE, "refresh": self._hash(refresh_token), "ended_at": None,
        }  # fmt: skip
        await self._sessions.insert_one(document)
        return await self._pair(document, refresh_token)

    async def verify(self, access_token: str) -> Session:
        """Who holds this token; Unauthenticated where it isn't good, has ended, or its session was ended."""
        digest = hashlib.sha256(access_token.encode(errors="replace")).hexdigest()
        session = self._verified.get(digest)
        if session is None or session.expires_at <= self._clock.now():
            read_at = self._verified.now()
            session = await self._read(access_token)
            self._verified.keep(digest, session, read_at=read_at)
        is_over = self.are_over.get(session.session_id)
        if is_over is None:
            read_at = self.are_over.now()
            document = await self._sessions.find_one({"_id": session.session_id}, {"ended_at": 1})
            is_over = document is None or document["ended_at"] is not None
            self.are_over.keep(session.session_id, is_over, read_at=read_at)
        if is_over:
            raise Unauthenticated("this session has ended; sign in again", th="ออกจากระบบแล้ว โปรดเข้าสู่ระบบอีกครั้ง")
        return session

    async def refresh(self, refresh_token: str, *, client_id: str | None = None) -> TokenPair:
        """New tokens for an unused refresh token; the same ones again for a retry within ten seconds."""
        session_id = self._session_of(refresh_token)
        document = await self._sessions.find_one({"_id": session_id}) if session_id else None
        now, used = self._clock.now(), self._hash(refresh_token)
        if document is None or document["ended_at"] is not None or document["expires_at"] <= now:
            raise _refresh_refused()
        if client_id is not None and client_id != document["client_id"]:
            raise _refresh_refused()
        if document["refresh"] == used:
            successor = self._new_refresh_token(document["_id"])
            pair = await self._pair(document, successor)
            answer = self._answer_key(refresh_token).seal(orjson.dumps(asdict(pair)), context=document["_id"])
            rotation = {"refresh": self._hash(successor), "before": used, "rotated_at": now, "answer": answer}
            only_once = {"_id": document["_id"], "refresh": used, "ended_at": None}
            if (await self._sessions.update_one(only_once, {"$set": rotation})).modified_count:
                return pair
            document = await self._sessions.find_one({"_id": document["_id"]}) or {}  # another retry was faster
        if document.get("before") == used and abs(now - document["rotated_at"]) <= RETRY_WITHIN:
            return self._same_answer(document, refresh_token)
        log.warning("an old refresh token was used", extra={"session": session_id})
        await self._end({"_id": session_id, "refresh": {"$ne": used}}, why="an old refresh token was used")
        raise _refresh_refused()

    async def revoke(self, token: str) -> None:
        """Sign out: end the session that this access or refresh token belongs to. A token we don't know is fine."""
        session_id = self._session_of(token)
        if session_id is None:
            try:
                session_id = (await self._read(token)).session_id
            except Unauthenticated:
                return
        await self.end(session_id, why="signed out")

    async def end(self, session_id: str, *, why: str) -> None:
        await self._end({"_id": session_id}, why=why)

    async def end_all(self, person: PersonId, *, why: str) -> None:
        """End every session of one person: a death, a block, a lost phone."""
        await self._end({"person": person}, why=why)

    async def code_for(self, grant: Grant) -> str:
        """A code that its app may trade for tokens once, within a minute."""
        code = grant.person[:CELL] + secrets.token_urlsafe(32)
        expires_at = self._clock.now() + CODE_LIFE
        await self._codes.insert_one({"_id": self._code_hash(code), "expires_at": expires_at, **asdict(grant)})
        return code

    async def redeem(
        self, code: str, *, client_id: str, redirect_uri: str, code_verifier: str
    ) -> tuple[TokenPair, PersonId]:
        """Tokens for a code. It is gone after this, whatever was wrong; used twice, it ends the session it began."""
        # The session's id follows from the code, so a replay finds what the first use began (RFC 6749, 4.1.2).
        session_id = derive(code, "session", code)
        found = await self._codes.find_one_and_delete({"_id": self._code_hash(code)})
        if found is None:
            await self.end(session_id, why="a code was used twice")
            raise InvalidGrant("the code is unknown or was used before", th="รหัสเข้าสู่ระบบใช้ไม่ได้แล้ว")
        if found["expires_at"] <= self._clock.now():
            raise InvalidGrant("the code has expired; sign in again", th="รหัสเข้าสู่ระบบหมดอายุ โปรดเข้าสู่ระบบอีกครั้ง")
        if found["client_id"] != client_id:
            raise InvalidGrant("the code was given to another client", th="code นี้ออกให้ client อื่น")
        if found["redirect_uri"] != redirect_uri:
            raise InvalidGrant(
                "redirect_uri is not the one that the code was sent to", th="redirect_uri ไม่ตรงกับที่ใช้รับ code นี้"
            )
        if not hmac.compare_digest(challenge_of(code_verifier), found["code_challenge"]):
            raise InvalidGrant(
                "code_verifier does not fit the code_challenge", th="code_verifier ไม่ตรงกับ code_challenge"
            )
        person = PersonId(found["person"])
        pair = await self.begin(person, ial=found["ial"], aal=found["aal"], client_id=client_id, session_id=session_id)
        return pair, person

    async def _read(self, access_token: str) -> Session:
        required = ("sid", "ial", "aal", "client_id")
        try:
            claims = await self.keys.read(access_token, issuer=self.issuer, audience=self._audience, required=required)
        except NotBelieved as exc:
            raise Unauthenticated(
                f"the access token is not accepted: {exc}", th="โทเคนใช้ไม่ได้หรือหมดอายุ โปรดเข้าสู่ระบบอีกครั้ง"
            ) from exc
        return Session(
            person=PersonId(claims["sub"]), session_id=claims["sid"], ial=claims["ial"], aal=claims["aal"],
            issued_at=datetime.fromtimestamp(claims["iat"], UTC), expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            client_id=claims["client_id"],
        )  # fmt: skip

    async def _pair(self, session: Mapping[str, Any], refresh_token: str) -> TokenPair:
        issued_at = int(self._clock.now().timestamp())
        claims: Claims = {
            "iss": self.issuer, "aud": self._audience, "sub": session["person"], "sid": session["_id"],
            "client_id": session["client_id"], "ial": session["ial"], "aal": session["aal"], "jti": new_id(),
            "iat": issued_at, "nbf": issued_at, "exp": issued_at + int(ACCESS_LIFE.total_seconds()),
        }  # fmt: skip
        access_token = await self.keys.sign(claims, typ="at+jwt")
        return TokenPair(
            access_token=access_token, refresh_token=refresh_token, expires_in=int(ACCESS_LIFE.total_seconds())
        )

    async def _end(self, which: Mapping[str, Any], *, why: str) -> None:
        now = self._clock.now()
        ended = {"$set": {"ended_at": now, "why": why}, "$unset": {"refresh": "", "before": "", "answer": ""}}
        concerned = [one["_id"] async for one in self._sessions.find({**which, "ended_at": None}, {"_id": 1})]
        for session_id in concerned:
            await self._sessions.update_one({**which, "_id": session_id, "ended_at": None}, ended)
            self.are_over.forget(session_id)
            log.info("session ended", extra={"session": session_id, "why": why})

    # A refresh token is session id (16 bytes), 256 random bits, and a keyed hash of both. The hash tells an old token of
    # ours, which ends the family, from a made-up one, which must not be able to.
    def _new_refresh_token(self, session_id: str) -> str:
        body = bytes.fromhex(session_id) + secrets.token_bytes(32)
        return base64.urlsafe_b64encode(body + self._tag(body)).decode()

    def _session_of(self, refresh_token: str) -> str | None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{88}", refresh_token):
            return None
        raw = base64.urlsafe_b64decode(refresh_token)
        return raw[:16].hex() if hmac.compare_digest(raw[48:], self._tag(raw[:48])) else None

    def _tag(self, body: bytes) -> bytes:
        return bytes.fromhex(self._vault.lookup(body.hex(), purpose="refresh token tag"))[:18]

    def _hash(self, refresh_token: str) -> str:
        return self._vault.lookup(refresh_token, purpose="refresh token")

    def _code_hash(self, code: str) -> str:
        return self._vault.lookup(code, purpose="authorization code")

    def _answer_key(self, refresh_token: str) -> SealingKey:
        """The answer opens only for who still holds the token it answered."""
        return SealingKey(bytes.fromhex(self._vault.lookup(refresh_token, purpose="refresh answer")))

    def _same_answer(self, document: Document, refresh_token: str) -> TokenPair:
        opened = self._answer_key(refresh_token).open(document["answer"], context=document["_id"])
        return TokenPair(**orjson.loads(opened))


def challenge_of(code_verifier: str) -> str:
    """PKCE S256 (RFC 7636, 4.2)."""
    digest = hashlib.sha256(code_verifier.encode(errors="replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refresh_refused() -> InvalidGrant:
    return InvalidGrant("the refresh token is not good (any more); sign in again", th="โปรดเข้าสู่ระบบอีกครั้ง")
