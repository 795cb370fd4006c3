"""ThaID, as its relying party: off to the state's identity provider, and back with an identity number we may believe.

Authorization code with PKCE, state and nonce. A sign-in under way is a document of ten minutes that only the browser
which began it can resume, once (login CSRF). What ThaID says is believed when its id_token is signed, meant for us and
for this sign-in, and agrees with the token response beside it, where integrators find `pid` too. ThaID's own tokens
are dropped at once, so its `expires_in`, which may be an epoch, is never read.
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
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from foundation.clock import Clock
from foundation.errors import BadInput, SuperAppError, Unavailable
from foundation.http import CallFailed, Http
from foundation.settings import Secret
from foundation.store import Index, Store
from trust.keys import Claims, Expected, Kept, NotBelieved, PublishedKeys, fetch_json, read_token
from trust.people import parse_identity_number
from trust.secrets import Vault
from trust.tokens import challenge_of

log = logging.getLogger(__name__)

INDEXES = (Index(collection="sign_ins", keys=(("expires_at", 1),), name="gone", expire_after_s=0),)
SIGN_IN_LIFE = timedelta(minutes=10)
# No more than we need: the name and the rest are the register's to tell, to who may ask.
SCOPE = "openid pid ial"
NOT_STATED = "0"  # an assurance level that ThaID doesn't name meets no demand
_ALGORITHMS = ("RS256", "ES256")
_DEADLINE_S = 5.0
_KEEP_DISCOVERY = timedelta(hours=1)


class ThaIDUnavailable(Unavailable):
    """ThaID doesn't answer, or with nothing but trouble. Trying again later may help."""

    code = "THAID_UNAVAILABLE"

    def __init__(self, why: str) -> None:
        super().__init__(
            "ThaID can't be reached at the moment; try again shortly", th="ขณะนี้ติดต่อ ThaID ไม่ได้ โปรดลองใหม่อีกครั้ง", why=why
        )


class ThaIDNotBelieved(SuperAppError):
    """ThaID answered, and the answer contradicts itself or isn't for us. Nobody is signed in."""

    code = "THAID_NOT_BELIEVED"
    status = 502

    def __init__(self, why: str) -> None:
        super().__init__(
            "ThaID's answer could not be verified; nobody was signed in",
            th="ตรวจสอบคำตอบจาก ThaID ไม่ผ่าน จึงยังไม่ได้เข้าสู่ระบบ", why=why,
        )  # fmt: skip


class SignInLost(BadInput):
    """No sign-in of this browser is under way: finished before, older than ten minutes, or begun elsewhere."""

    code = "SIGN_IN_LOST"

    def __init__(self) -> None:
        super().__init__(
            "This sign-in is over, too old, or was begun in another browser. Begin again in the app.",
            th="การเข้าสู่ระบบนี้สิ้นสุดแล้ว หมดเวลา หรือเริ่มจากเบราว์เซอร์อื่น โปรดเริ่มใหม่จากแอป",
        )


class SignInRefused(SuperAppError):
    """ThaID didn't accept its own code (too old, used). Signing in again helps."""

    code = "SIGN_IN_REFUSED"
    status = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRequest:
    """What an app of ours asked for when it sent the person to sign in."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    request: AppRequest
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    pid: str
    ial: str
    aal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class ThaID:
    def __init__(
        self, store: Store, vault: Vault, http: Http, *,
        clock: Clock, issuer: str, client_id: str, client_secret: Secret, redirect_uri: str,
    ) -> None:  # fmt: skip
        """`redirect_uri` is our own `/auth/callback`, as ThaID has it registered."""
        self._sign_ins = store.collection("sign_ins")
        self._vault = vault
        self._http = http
        self._clock = clock
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._provider = Kept(self._discover, clock=clock, keep=_KEEP_DISCOVERY)
        self._keys = PublishedKeys(self._fetch_keys, clock=clock)

    async def begin(self, request: AppRequest, *, browser: str) -> str:
        """Where to send the person. `browser` is the secret in the cookie of the browser that will come back."""
        provider = await self._found()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        key = self._vault.lookup(state, purpose="sign-in state")
        under_way = orjson.dumps({"request": asdict(request), "nonce": nonce, "verifier": verifier})
        await self._sign_ins.insert_one(
            {
                "_id": key, "browser": self._vault.lookup(browser, purpose="sign-in browser"),
                "sealed": self._vault.seal(under_way, context=f"sign_ins.sealed {key}"),
                "expires_at": self._clock.now() + SIGN_IN_LIFE,
            }
        )  # fmt: skip
        asked = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": self._redirect_uri, "scope": SCOPE,
            "state": state, "nonce": nonce, "code_challenge": challenge_of(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        join = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return f"{provider.authorization_endpoint}{join}{urlencode(asked)}"

    async def resume(self, state: str, *, browser: str) -> UnderWay:
        """The sign-in that comes back with this state, taken out of the book; SignInLost where there is none."""
        key = self._vault.lookup(state, purpose="sign-in state")
        owner = self._vault.lookup(browser, purpose="sign-in browser")
        found = await self._sign_ins.find_one_and_delete({"_id": key, "browser": owner})
        if found is None or found["expires_at"] <= self._clock.now():
            raise SignInLost
        opened = orjson.loads(self._vault.open(found["sealed"], context=f"sign_ins.sealed {key}"))
        return UnderWay(request=AppRequest(**opened["request"]), nonce=opened["nonce"], verifier=opened["verifier"])

    async def finish(self, under_way: UnderWay, *, code: str) -> SignedIn:
        """Who signed in. ThaIDUnavailable, ThaIDNotBelieved or SignInRefused where that can't be said."""
        answer = await self._trade(under_way, code)
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise _not_believed("there is no id_token")
        try:
            claims = await self._read(id_token)
        except NotBelieved as exc:
            raise _not_believed(str(exc)) from exc
        except Unavailable as exc:
            raise ThaIDUnavailable(exc.message) from exc
        if not hmac.compare_digest(str(claims["nonce"]).encode(errors="replace"), under_way.nonce.encode()):
            raise _not_believed("the nonce is of another sign-in")
        if "at_hash" in claims and claims["at_hash"] != _at_hash(answer.get("access_token")):
            raise _not_believed("at_hash does not fit the access token")
        return SignedIn(pid=_pid(answer, claims), ial=_level("ial", answer, claims), aal=_level("aal", answer, claims))

    async def _trade(self, under_way: UnderWay, code: str) -> Mapping[str, Any]:
        provider = await self._found()
        pair = f"{self._client_id}:{self._client_secret.reveal()}".encode()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri,
            "code_verifier": under_way.verifier,
        }  # fmt: skip
        try:
            reply = await self._http.request(
                "POST", provider.token_endpoint, deadline_s=_DEADLINE_S, form=form, max_body=262_144,
                headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}", "Accept": "application/json"},
            )  # fmt: skip
        except CallFailed as exc:
            raise ThaIDUnavailable(exc.failure) from exc
        try:
            answer = reply.json()
        except ValueError:
            answer = None
        if reply.status == 400 and isinstance(answer, dict) and answer.get("error") == "invalid_grant":
            raise SignInRefused(
                "ThaID did not accept the sign-in; sign in again", th="ThaID ไม่ยอมรับการเข้าสู่ระบบ โปรดเข้าสู่ระบบอีกครั้ง"
            )
        if reply.status != 200:
            log.warning("thaid refused the token request", extra={"status": reply.status})
            raise ThaIDUnavailable(f"status {reply.status}")
        if not isinstance(answer, dict):
            raise ThaIDUnavailable("the answer is not a JSON object")
        return answer

    async def _read(self, id_token: str) -> Claims:
        provider = await self._found()
        expected = Expected(
            algorithms=_ALGORITHMS, issuer=provider.issuer, audience=(self._client_id,),
            required=("sub", "iat", "nonce"), late_s=60,
        )  # fmt: skip
        key = await self._keys.find(id_token, among=_ALGORITHMS)
        return read_token(id_token, key, expected, now=self._clock.now())

    async def _found(self) -> _Provider:
        try:
            return await self._provider.get()
        except Unavailable as exc:
            raise ThaIDUnavailable(str(exc.__cause__ or exc)) from exc

    async def _fetch_keys(self) -> Any:
        return await fetch_json(self._http, (await self._found()).jwks_uri)

    async def _discover(self) -> _Provider:
        document = await fetch_json(self._http, f"{self._issuer}/.well-known/openid-configuration")
        said = document if isinstance(document, dict) else {}
        issuer = said.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self._issuer:
            raise Unavailable("discovery names another issuer")
        return _Provider(
            issuer=issuer,
            authorization_endpoint=self._endpoint(said, "authorization_endpoint"),
            token_endpoint=self._endpoint(said, "token_endpoint"),
            jwks_uri=self._endpoint(said, "jwks_uri"),
        )

    def _endpoint(self, said: Mapping[str, Any], name: str) -> str:
        """Our secret and the person go there, so an https provider can't lead us to http."""
        url = said.get(name)
        schemes = ("https",) if self._issuer.startswith("https:") else ("http", "https")
        try:
            parts = urlsplit(url if isinstance(url, str) else "")
        except ValueError:
            parts = urlsplit("")
        if not isinstance(url, str) or parts.scheme not in schemes or not parts.netloc:
            raise Unavailable(f"discovery has no usable {name}")
        return url


def _not_believed(why: str) -> ThaIDNotBelieved:
    log.warning("thaid's answer is not believed", extra={"why": why})
    return ThaIDNotBelieved(why)


def _pid(answer: Mapping[str, Any], claims: Claims) -> str:
    """The identity number; where both places name one, they must name the same."""
    said = {str(one) for one in (answer.get("pid"), claims.get("pid")) if one}
    try:
        pids = {parse_identity_number(one) for one in said}
    except BadInput as exc:
        raise _not_believed("pid is not an identity number") from exc
    if len(pids) != 1:
        raise _not_believed("there is no pid" if not pids else "the id_token and the answer name two people")
    return pids.pop()


def _level(name: str, answer: Mapping[str, Any], claims: Claims) -> str:
    """An assurance level such as `2.3`. The signed word counts; the loose one is for a ThaID that signs none."""
    said = str(claims.get(name) or answer.get(name) or NOT_STATED)
    return said if re.fullmatch(r"[0-9](\.[0-9])?", said) else NOT_STATED


def _at_hash(access_token: Any) -> str:
    """The left half of SHA-256, which is the hash of both algorithms that we accept (OpenID Connect Core, 3.1.3.6)."""
    digest = hashlib.sha256(str(access_token).encode(errors="replace")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
