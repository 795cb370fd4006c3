"""ThaID as an OpenID provider: authorization code with PKCE, and a page on which to choose who one is today.

Kept from the real one: its paths, Basic authentication of the client, and the requested claims lying next to the tokens
in the token response, where integrators read them. `pid` is the 13 digits; `sub` says nothing and differs per client.

Decided here, because nothing public says: `birthdate` is a Common Era ISO date whose unknown parts are `00`
(`1950-00-00`), as the civil register writes them; codes live 60 s, access tokens an hour; PKCE is demanded. `address` is
OpenID's `{"formatted": …}`. Two parameters of the sign-in page are the sandbox's own: `sandbox_citizen=N` signs in
without the page, `sandbox_ial=1.1` with less assurance than the usual 2.3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import secrets
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.control import JsonReply
from sandbox.faults import Door, is_lying
from sandbox.people import BirthDate, Citizen, Words
from sandbox.world import World, full_name

CLIENTS = {"tangrat-sandbox": "tangrat-sandbox-secret"}
CODE_S, ACCESS_S, REFRESH_S = 60, 3600, 30 * 24 * 3600
YOUNGEST = 7
IALS = ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3")
SCOPES = (
    *("openid", "pid", "name", "name_en", "title", "title_en", "given_name", "middle_name", "family_name"),
    *("given_name_en", "middle_name_en", "family_name_en", "birthdate", "gender", "address", "ial"),
    *("smartcard_code", "date_of_issuance", "date_of_expiry"),
)
HINT_COOKIE = "sandbox_citizen"  # set by the sandbox's phone, so that a link can say who signs in

_API = "/thaid/api/v2/oauth2"
_PAGE = Path(__file__).with_name("identity.html")
_PAGE_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}
_OPERATIONS = {
    "api/v2/oauth2/auth/": "auth",
    "api/v2/oauth2/token/": "token",
    "api/v2/oauth2/introspect/": "introspect",
    "api/v2/oauth2/revoke/": "revoke",
    ".well-known/jwks.json": "jwks",
    ".well-known/openid-configuration": "discovery",
}


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    return _OPERATIONS.get(path)


def _failure(status: int) -> dict[str, Any]:
    return {"error": "server_error", "error_description": "ThaID is unavailable"}


DOOR = Door(
    agency="thaid",
    prefix="/thaid/",
    operations=tuple(_OPERATIONS.values()),
    operation_of=_operation_of,
    failure=_failure,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SignIn:
    """One person's agreement to be known to one client."""

    client: str
    citizen: int
    scopes: tuple[str, ...]
    nonce: str | None
    ial: str
    at: int


@dataclass(slots=True, kw_only=True)
class _Code:
    sign_in: _SignIn
    redirect_uri: str
    challenge: str
    ends_at: float
    tokens: tuple[str, ...] = ()  # what the code was changed for: a code shown twice takes them back


class _NotPossible(Exception):
    """Something the person must be told on a page, because there is nowhere safe to send them."""

    def __init__(self, status: int, message: Words) -> None:
        super().__init__(message.en)
        self.status = status
        self.message = message


class ThaID:
    """The provider. `redirect_uris` says which addresses a client registered; None stands for any on this machine."""

    def __init__(
        self,
        world: World,
        *,
        base_url: str,
        redirect_uris: Callable[[], tuple[str, ...] | None],
        clients: Mapping[str, str] = CLIENTS,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._world = world
        self._issuer = f"{base_url}/thaid"
        self._api = f"{base_url}{_API}"
        self._redirect_uris = redirect_uris
        self._clients = clients
        self._seconds = seconds
        self._page = Template(_PAGE.read_text("utf-8"))
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._kid = secrets.token_hex(8)
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, tuple[_SignIn, float]] = {}
        self._refresh: dict[str, tuple[_SignIn, float]] = {}

    def pid_of_token(self, token: str) -> str | None:
        """Whose living access token this is."""
        sign_in, ends_at = self._access.get(token, (None, 0.0))
        citizen = self._world.citizen(sign_in.citizen) if sign_in and ends_at > self._seconds() else None
        return citizen.pid if citizen else None

    def forget(self) -> int:
        """Drops every code and token."""
        dropped = len(self._access)
        self._codes.clear()
        self._access.clear()
        self._refresh.clear()
        return dropped

    def why_not(self, citizen: Citizen) -> Words | None:
        """Why this person can't sign in, None if they can."""
        if not citizen.alive:
            return Words(th="บุคคลนี้เสียชีวิตแล้ว", en="This person has died")
        if self._world.age(citizen) < YOUNGEST:
            return Words(th="เด็กอายุต่ำกว่า 7 ปียังไม่มีบัตรประชาชน", en="Children under 7 have no identity card yet")
        return None

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/thaid/.well-known/openid-configuration", self._discovery, methods=["GET"]),
            Route("/thaid/.well-known/jwks.json", self._jwks, methods=["GET"]),
            Route(f"{_API}/auth/", self._auth, methods=["GET"]),
            Route(f"{_API}/token/", self._token, methods=["POST"]),
            Route(f"{_API}/introspect/", self._introspect, methods=["POST"]),
            Route(f"{_API}/revoke/", self._revoke, methods=["POST"]),
        ]

    async def _discovery(self, request: Request) -> Response:
        return JsonReply(
            {
                "issuer": self._issuer,
                "authorization_endpoint": f"{self._api}/auth/",
                "token_endpoint": f"{self._api}/token/",
                "introspection_endpoint": f"{self._api}/introspect/",
                "revocation_endpoint": f"{self._api}/revoke/",
                "jwks_uri": f"{self._issuer}/.well-known/jwks.json",
                "scopes_supported": SCOPES,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _jwks(self, request: Request) -> Response:
        key = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return JsonReply({"keys": [{**key, "kid": self._kid, "use": "sig", "alg": "ES256"}]})

    # The page

    async def _auth(self, request: Request) -> Response:
        asked = request.query_params
        try:
            redirect_uri = self._checked_redirect(asked)
            error = _what_is_missing(asked)
            if error is not None:
                return _back(redirect_uri, asked, error=error[0], error_description=error[1])
            if "sandbox_cancel" in asked:
                return _back(redirect_uri, asked, error="access_denied", error_description="The user refused")
            chosen = asked.get("sandbox_citizen") or request.cookies.get(HINT_COOKIE)
            if chosen is None:
                return HTMLResponse(self._choose_page(asked), headers=_PAGE_HEADERS)
            citizen = self._chosen(chosen)
        except _NotPossible as problem:
            reply: Response = HTMLResponse(
                self._problem_page(problem, asked), status_code=problem.status, headers=_PAGE_HEADERS
            )
        else:
            reply = _back(redirect_uri, asked, code=self._new_code(citizen, asked, redirect_uri))
        reply.delete_cookie(HINT_COOKIE, path="/thaid")
        return reply

    def _checked_redirect(self, asked: Mapping[str, str]) -> str:
        """Where to send the person back; nobody is ever sent to an address that isn't registered."""
        if asked.get("client_id") not in self._clients:
            raise _NotPossible(400, Words(th="ไม่รู้จัก client_id นี้", en="This client_id is not known"))
        redirect_uri, registered = asked.get("redirect_uri", ""), self._redirect_uris()
        fits = _is_on_this_machine(redirect_uri) if registered is None else redirect_uri in registered
        if not fits:
            raise _NotPossible(
                400,
                Words(
                    th="redirect_uri นี้ไม่ได้ลงทะเบียนไว้ (ต้องตรงกันทุกตัวอักษร)",
                    en="This redirect_uri is not registered (it must match exactly)",
                ),
            )
        return redirect_uri

    def _chosen(self, number: str) -> Citizen:
        digits = number.strip()
        citizen = (
            self._world.citizen(int(digits)) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
        )
        if citizen is None:
            size = f"{self._world.nation.size:,}"
            raise _NotPossible(
                404,
                Words(
                    th=f"ไม่มีประชาชนหมายเลขนี้ (มีหมายเลข 1 ถึง {size})",
                    en=f"There is no such citizen (numbers run from 1 to {size})",
                ),
            )
        reason = self.why_not(citizen)
        if reason is not None:
            raise _NotPossible(403, reason)
        return citizen

    def _new_code(self, citizen: Citizen, asked: Mapping[str, str], redirect_uri: str) -> str:
        now = self._seconds()
        self._codes = {c: held for c, held in self._codes.items() if held.ends_at > now - CODE_S}
        ial = asked.get("sandbox_ial", "")
        sign_in = _SignIn(
            client=asked["client_id"],
            citizen=citizen.number,
            scopes=tuple(s for s in dict.fromkeys(asked.get("scope", "").split()) if s in SCOPES),
            nonce=asked.get("nonce"),
            ial=ial if ial in IALS else "2.3",
            at=int(now),
        )
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(
            sign_in=sign_in, redirect_uri=redirect_uri, challenge=asked["code_challenge"], ends_at=now + CODE_S
        )
        return code

    # Tokens

    async def _token(self, request: Request) -> Response:
        form = await _read_form(request)
        client = self._client_of(request)
        if client is None:
            return _token_error(401, "invalid_client", "the client is not known or its secret is wrong")
        match form.get("grant_type"):
            case "authorization_code":
                sign_in, code, why = self._redeem(client, form)
            case "refresh_token":
                sign_in, code, why = self._renew(client, form)
            case None:
                return _token_error(400, "invalid_request", "grant_type is missing")
            case _:
                return _token_error(400, "unsupported_grant_type", "authorization_code and refresh_token are supported")
        citizen = self._world.citizen(sign_in.citizen) if sign_in else None
        if sign_in is None or citizen is None or self.why_not(citizen) is not None:
            return _token_error(400, "invalid_grant", why or "this person can't sign in any more")
        if is_lying(request):
            citizen = self._world.somebody_else(citizen, having=lambda c: self.why_not(c) is None)
        return JsonReply(self._issue(sign_in, citizen, code), headers={"cache-control": "no-store"})

    def _redeem(self, client: str, form: Mapping[str, str]) -> tuple[_SignIn | None, _Code | None, str]:
        held = self._codes.get(form.get("code", ""))
        if held is None or held.sign_in.client != client:
            return None, None, "the code is not known"
        if held.tokens:
            for token in held.tokens:
                self._access.pop(token, None)
                self._refresh.pop(token, None)
            return None, None, "the code was used before; what it was changed for is revoked"
        if held.ends_at <= self._seconds():
            return None, None, "the code is too old"
        if held.redirect_uri != form.get("redirect_uri"):
            return None, None, "redirect_uri is not the one the code was sent to"
        if not hmac.compare_digest(_challenge(form.get("code_verifier", "")), held.challenge.encode()):
            return None, None, "code_verifier does not fit"
        return held.sign_in, held, ""

    def _renew(self, client: str, form: Mapping[str, str]) -> tuple[_SignIn | None, None, str]:
        sign_in, ends_at = self._refresh.get(form.get("refresh_token", ""), (None, 0.0))
        if sign_in is None or sign_in.client != client or ends_at <= self._seconds():
            return None, None, "the refresh token is not known or too old"
        del self._refresh[form["refresh_token"]]
        return sign_in, None, ""

    def _issue(self, sign_in: _SignIn, citizen: Citizen, code: _Code | None) -> dict[str, Any]:
        now = self._seconds()
        self._access = {t: e for t, e in self._access.items() if e[1] > now}
        self._refresh = {t: e for t, e in self._refresh.items() if e[1] > now}
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._access[access] = (sign_in, now + ACCESS_S)
        self._refresh[refresh] = (sign_in, now + REFRESH_S)
        if code is not None:
            code.tokens = (access, refresh)
        tokens = {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": ACCESS_S,
            "scope": " ".join(sign_in.scopes),
        }
        if "openid" in sign_in.scopes:
            tokens["id_token"] = self._id_token(sign_in, citizen, access, now)
        return tokens | self._claims(sign_in, citizen)

    def _id_token(self, sign_in: _SignIn, citizen: Citizen, access: str, now: float) -> str:
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self._issuer,
            "aud": sign_in.client,
            "sub": _subject(sign_in.client, citizen),
            "iat": int(now),
            "exp": int(now) + ACCESS_S,
            "auth_time": sign_in.at,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            "version": "2",
            "pid": citizen.pid,
            "name": full_name(citizen),
            "name_en": full_name(citizen, "en"),
            "ial": sign_in.ial,
        }
        if sign_in.nonce is not None:
            claims["nonce"] = sign_in.nonce
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._kid})

    def _claims(self, sign_in: _SignIn, citizen: Citizen) -> dict[str, Any]:
        """What the granted scopes say of the person."""
        middle = citizen.middle_name or Words(th="", en="")
        expires = citizen.id_card_expires
        all_claims: dict[str, Any] = {
            "pid": citizen.pid,
            "name": full_name(citizen),
            "name_en": full_name(citizen, "en"),
            "title": citizen.title.th,
            "title_en": citizen.title.en,
            "given_name": citizen.first_name.th,
            "middle_name": middle.th,
            "family_name": citizen.last_name.th,
            "given_name_en": citizen.first_name.en,
            "middle_name_en": middle.en,
            "family_name_en": citizen.last_name.en,
            "birthdate": _birthdate(citizen.birth),
            "gender": citizen.sex,
            "address": {"formatted": _formatted(citizen)},
            "ial": sign_in.ial,
            "smartcard_code": "",
            "date_of_issuance": _years_before(expires, 8),
            "date_of_expiry": expires.isoformat() if expires else "",
        }
        return {name: all_claims[name] for name in sign_in.scopes if name in all_claims}

    async def _introspect(self, request: Request) -> Response:
        form = await _read_form(request)
        client = self._client_of(request)
        if client is None:
            return _token_error(401, "invalid_client", "the client is not known or its secret is wrong")
        # One of the publisher's two samples sends the bare token, the other one "Bearer <token>".
        token = form.get("token", "").removeprefix("Bearer ").strip()
        sign_in, ends_at = self._access.get(token, (None, 0.0))
        citizen = self._world.citizen(sign_in.citizen) if sign_in else None
        if sign_in is None or citizen is None or sign_in.client != client or ends_at <= self._seconds():
            return JsonReply({"active": False})
        return JsonReply(
            {
                "active": True,
                "sub": _subject(client, citizen),
                "client_id": client,
                "scope": " ".join(sign_in.scopes),
                "token_type": "Bearer",
                "iat": sign_in.at,
                "exp": int(ends_at),
                **self._claims(sign_in, citizen),
            }
        )

    async def _revoke(self, request: Request) -> Response:
        form = await _read_form(request)
        client = self._client_of(request)
        if client is None:
            return _token_error(401, "invalid_client", "the client is not known or its secret is wrong")
        token = form.get("token", "").removeprefix("Bearer ").strip()
        held = self._access.get(token) or self._refresh.get(token)
        if held is not None and held[0].client == client:
            self._access = {t: e for t, e in self._access.items() if e[0] is not held[0]}
            self._refresh = {t: e for t, e in self._refresh.items() if e[0] is not held[0]}
        return JsonReply({"message": "success"})

    def _client_of(self, request: Request) -> str | None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        # RFC 6749 has both parts form-encoded before they are joined; most integrators don't.
        client, secret = urllib.parse.unquote_plus(client), urllib.parse.unquote_plus(secret)
        known = self._clients.get(client)
        if scheme.lower() != "basic" or known is None or not hmac.compare_digest(known.encode(), secret.encode()):
            return None
        return client

    # HTML

    def _choose_page(self, asked: Mapping[str, str]) -> str:
        cards = "\n".join(self._card(citizen, asked) for citizen in self._world.samples())
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        return self._page.substitute(
            problem="",
            cards=cards,
            hidden=hidden,
            cancel=html.escape(_link(asked, sandbox_cancel="1")),
            size=f"{self._world.nation.size:,}",
            hide_choice="",
        )

    def _card(self, citizen: Citizen, asked: Mapping[str, str]) -> str:
        story, reason = citizen.story, self.why_not(citizen)
        text = story.text if story else Words(th="", en="")
        stage = html.escape(story.stage) if story else ""
        inside = (
            f'<span class="face" aria-hidden="true">{html.escape(citizen.first_name.th[:1])}</span>'
            f'<span class="who"><b>{html.escape(full_name(citizen))}</b>'
            f'<small lang="en">{html.escape(full_name(citizen, "en"))}</small></span>'
            f'<span class="age">{self._world.age(citizen)}<small>ปี · yrs</small></span>'
            f'<span class="story">{html.escape(text.th)}<small lang="en">{html.escape(text.en)}</small></span>'
            f'<span class="stage">#{citizen.number} · {stage}</span>'
        )
        if reason is not None:
            why = f'<span class="why">{html.escape(reason.th)} · <span lang="en">{html.escape(reason.en)}</span></span>'
            return f'<li class="card off" aria-disabled="true">{inside}{why}</li>'
        link = html.escape(_link(asked, sandbox_citizen=str(citizen.number)))
        return f'<li><a class="card" href="{link}">{inside}</a></li>'

    def _problem_page(self, problem: _NotPossible, asked: Mapping[str, str]) -> str:
        again = {k: v for k, v in asked.items() if k not in ("sandbox_citizen", "sandbox_cancel")}
        back = ""
        if problem.status != 400:
            link = html.escape(f"?{urlencode(again)}")
            back = f'<a class="again" href="{link}">เลือกคนอื่น · <span lang="en">choose somebody else</span></a>'
        message = (
            f'<div class="problem" role="alert"><b>{html.escape(problem.message.th)}</b>'
            f'<span lang="en">{html.escape(problem.message.en)}</span>{back}</div>'
        )
        return self._page.substitute(problem=message, cards="", hidden="", cancel="", size="", hide_choice="hidden")


def _what_is_missing(asked: Mapping[str, str]) -> tuple[str, str] | None:
    if asked.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if not asked.get("state"):
        return "invalid_request", "state is missing"
    if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
        return "invalid_request", "PKCE is demanded: code_challenge, with code_challenge_method S256"
    unknown = [scope for scope in asked.get("scope", "").split() if scope not in SCOPES]
    if unknown or not asked.get("scope", "").strip():
        return "invalid_scope", f"scope is not known: {unknown[0][:40]}" if unknown else "scope is missing"
    return None


def _back(redirect_uri: str, asked: Mapping[str, str], **answer: str) -> Response:
    if asked.get("state"):
        answer["state"] = asked["state"]
    join = "&" if urlsplit(redirect_uri).query else "?"
    return RedirectResponse(
        f"{redirect_uri}{join}{urlencode(answer)}", status_code=302, headers={"cache-control": "no-store"}
    )


def _is_on_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and host in ("127.0.0.1", "localhost", "::1") and not parts.fragment


def _link(asked: Mapping[str, str], **more: str) -> str:
    return f"?{urlencode({**asked, **more})}"


async def _read_form(request: Request) -> dict[str, str]:
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True)
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _token_error(status: int, error: str, description: str) -> Response:
    headers = {"cache-control": "no-store"} | ({"www-authenticate": 'Basic realm="ThaID"'} if status == 401 else {})
    return JsonReply({"error": error, "error_description": description}, status_code=status, headers=headers)


def _challenge(verifier: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")


def _subject(client: str, citizen: Citizen) -> str:
    """The same person at the same client every time, and no way back to the number."""
    digest = hmac.digest(b"tangrat-sandbox-thaid", f"{client}|{citizen.pid}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:20]).rstrip(b"=").decode()


def _birthdate(birth: BirthDate) -> str:
    return f"{birth.year:04}-{birth.month or 0:02}-{birth.day or 0:02}"


def _years_before(day: date | None, years: int) -> str:
    return date(day.year - years, day.month, min(day.day, 28)).isoformat() if day else ""


def _formatted(citizen: Citizen) -> str:
    home = citizen.address
    in_bangkok = home.subdistrict_code.startswith("10")
    names = ("แขวง", "เขต", "") if in_bangkok else ("ต.", "อ.", "จ.")
    parts = (
        home.house_no,
        f"หมู่ที่ {home.village_no}" if home.village_no else "",
        home.road,
        f"{names[0]}{home.subdistrict.th}",
        f"{names[1]}{home.district.th}",
        f"{names[2]}{home.province.th}",
        home.postcode,
    )
    return " ".join(part for part in parts if part)
