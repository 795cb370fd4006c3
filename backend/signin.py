"""The doors of signing in: `/auth/…` for apps, `/agency/token` for agencies, and what they publish about themselves.

Errors speak RFC 6749. Until we know that an address is one of ours, nobody is sent there: the person sees a small page
instead. Afterwards every trouble goes back to the app, which can say it better than we can. Who began a sign-in is held
by a cookie, so that a link from somebody else can't sign a person in as that somebody.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.oauth import (
    NO_STORE,
    Endpoint,
    Page,
    UnsupportedGrantType,
    for_people,
    for_programs,
    needed,
    read_form,
    read_query,
    redirect,
)
from foundation.errors import SuperAppError, Unavailable
from foundation.language import LANGUAGES, Text
from foundation.settings import Settings
from foundation.store import PyMongoError
from trust.clients import ALGORITHMS, SCOPES, AgencyClients
from trust.people import People, PersonId
from trust.thaid import AppRequest, SignInLost, SignInRefused, ThaID, UnderWay
from trust.tokens import Grant, OAuthRefused, Tokens

log = logging.getLogger(__name__)

CLIENT_ID = "tangrat-app"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_AFTER_SIGN_IN_S = 5
_COOKIE_LIFE_S = 600
_PUBLIC = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}

OnSignIn = Callable[[PersonId], Awaitable[None]]


class _Back(Exception):
    """What the app is told at its redirect_uri."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def build_routes(
    *,
    tokens: Tokens,
    thaid: ThaID,
    people: People,
    clients: AgencyClients,
    settings: Settings,
    on_sign_in: OnSignIn,
) -> list[Route]:
    """The routes. `on_sign_in` is awaited when an app has taken its tokens; its failure is logged and changes nothing."""
    doors = _Doors(tokens, thaid, people, clients, settings, on_sign_in)
    return [
        Route("/auth/login", for_people(doors.login), methods=["GET"]),
        Route("/auth/callback", for_people(doors.callback), methods=["GET"]),
        Route("/auth/token", doors.shared(for_programs(doors.token)), methods=["POST", "OPTIONS"]),
        Route("/auth/revoke", doors.shared(for_programs(doors.revoke)), methods=["POST", "OPTIONS"]),
        Route("/agency/token", for_programs(doors.agency_token), methods=["POST"]),
        Route("/.well-known/jwks.json", for_programs(doors.jwks), methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", doors.metadata, methods=["GET"]),
        Route("/.well-known/openid-configuration", doors.metadata, methods=["GET"]),
    ]


class _Doors:
    def __init__(
        self, tokens: Tokens, thaid: ThaID, people: People, clients: AgencyClients, settings: Settings,
        on_sign_in: OnSignIn,
    ) -> None:  # fmt: skip
        self._tokens = tokens
        self._thaid = thaid
        self._people = people
        self._clients = clients
        self._issuer = settings.issuer
        self._redirect_uris = settings.app_redirect_uris
        self._origins = {origin for uri in settings.app_redirect_uris if (origin := _origin(uri))}
        self._on_sign_in = on_sign_in
        self._is_https = settings.issuer.startswith("https:")
        # __Host- lets no neighbouring host set the cookie; browsers accept the prefix over https only.
        self._cookie = "__Host-tangrat-sign-in" if self._is_https else "tangrat-sign-in"

    async def login(self, request: Request) -> Response:
        asked = read_query(request)
        client_id, redirect_uri = asked.get("client_id", CLIENT_ID), self._redirect_uri(asked)
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", client_id):
            raise Page(Text(th="client_id ไม่ถูกต้อง", en="The client_id is malformed."))
        state = asked.get("state")
        try:
            if state is not None and len(state) > 512:
                state = None
                raise _Back("invalid_request", "state must have at most 512 characters")
            challenge = _checked_challenge(asked)
            browser = self._browser(request) or secrets.token_urlsafe(32)
            wanted = AppRequest(client_id=client_id, redirect_uri=redirect_uri, code_challenge=challenge, state=state)
            with _told_to_the_app():
                url = await self._thaid.begin(wanted, browser=browser)
        except _Back as exc:
            return self._to_app(redirect_uri, state, error=exc.error, error_description=exc.description)
        reply = redirect(url)
        reply.set_cookie(
            self._cookie,
            browser,
            max_age=_COOKIE_LIFE_S,
            path="/",
            secure=self._is_https,
            httponly=True,
            samesite="lax",
        )
        return reply

    async def callback(self, request: Request) -> Response:
        answer = read_query(request)
        try:
            under_way = await self._thaid.resume(answer.get("state", ""), browser=self._browser(request) or "")
        except SignInLost as exc:
            raise Page(Text(th=exc.th, en=exc.message)) from exc
        redirect_uri, state = under_way.request.redirect_uri, under_way.request.state
        try:
            with _told_to_the_app():
                code = await self._finish(under_way, answer)
        except _Back as exc:
            return self._to_app(redirect_uri, state, error=exc.error, error_description=exc.description)
        return self._to_app(redirect_uri, state, code=code)

    async def _finish(self, under_way: UnderWay, answer: Mapping[str, str]) -> str:
        """A code for the app, once ThaID has said who it is."""
        match answer.get("error"):
            case None:
                pass
            case "access_denied":
                raise _Back("access_denied", "the sign-in was cancelled at ThaID")
            case "temporarily_unavailable":
                raise _Back("temporarily_unavailable", "ThaID is not available at the moment")
            case _:
                log.warning("thaid sent an error back")
                raise _Back("server_error", "ThaID could not do the sign-in")
        if not answer.get("code"):
            raise _Back("server_error", "ThaID sent neither a code nor an error")
        who = await self._thaid.finish(under_way, code=answer["code"])
        person = await self._people.ensure(who.pid)
        await self._people.signed_in(person.id)
        wanted = under_way.request
        return await self._tokens.code_for(
            Grant(
                person=person.id, ial=who.ial, aal=who.aal, client_id=wanted.client_id,
                redirect_uri=wanted.redirect_uri, code_challenge=wanted.code_challenge,
            )
        )  # fmt: skip

    async def token(self, request: Request) -> Response:
        form = await read_form(request)
        match needed(form, "grant_type"):
            case "authorization_code":
                pair, person = await self._tokens.redeem(
                    needed(form, "code"),
                    client_id=form.get("client_id", CLIENT_ID),
                    redirect_uri=form.get("redirect_uri") or self._only_redirect_uri() or needed(form, "redirect_uri"),
                    code_verifier=needed(form, "code_verifier"),
                )
                await self._after_sign_in(person)
            case "refresh_token":
                pair = await self._tokens.refresh(needed(form, "refresh_token"), client_id=form.get("client_id"))
            case _:
                raise UnsupportedGrantType("grant_type must be authorization_code or refresh_token")
        return JSONResponse(asdict(pair), headers=NO_STORE)

    async def _after_sign_in(self, person: PersonId) -> None:
        try:
            async with asyncio.timeout(_AFTER_SIGN_IN_S):
                await self._on_sign_in(person)
        except Exception:
            log.exception("what follows a sign-in failed", extra={"person": person})

    async def revoke(self, request: Request) -> Response:
        form = await read_form(request)
        await self._tokens.revoke(needed(form, "token"))
        return Response(status_code=200, headers=NO_STORE)

    async def agency_token(self, request: Request) -> Response:
        form = await read_form(request)
        if needed(form, "grant_type") != "client_credentials":
            raise UnsupportedGrantType("grant_type must be client_credentials")
        if needed(form, "client_assertion_type") != _ASSERTION_TYPE:
            raise OAuthRefused(f"client_assertion_type must be {_ASSERTION_TYPE}")
        token = await self._clients.token(
            needed(form, "client_assertion"), form.get("scope"), client_id=form.get("client_id")
        )
        return JSONResponse(asdict(token), headers=NO_STORE)

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse(await self._tokens.jwks(), headers=_PUBLIC)

    async def metadata(self, _request: Request) -> Response:
        """RFC 8414. We aren't an OpenID provider; the alias is for tools that look only there."""
        at = self._issuer
        return JSONResponse(
            {
                "issuer": at,
                "authorization_endpoint": f"{at}/auth/login",
                "token_endpoint": f"{at}/auth/token",
                "revocation_endpoint": f"{at}/auth/revoke",
                "jwks_uri": f"{at}/.well-known/jwks.json",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "revocation_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": True,
                "ui_locales_supported": list(LANGUAGES),
                "agency_token_endpoint": f"{at}/agency/token",
                "agency_token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "agency_token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
                "agency_scopes_supported": list(SCOPES),
            },
            headers=_PUBLIC,
        )

    def shared(self, endpoint: Endpoint) -> Endpoint:
        """For the web pages of our own apps too (CORS); no cookie plays a part there, so none is let through."""

        async def answer(request: Request) -> Response:
            reply = Response(status_code=204) if request.method == "OPTIONS" else await endpoint(request)
            reply.headers["Vary"] = "Origin"
            if request.headers.get("origin") in self._origins:
                reply.headers["Access-Control-Allow-Origin"] = request.headers["origin"]
                if request.method == "OPTIONS":
                    reply.headers["Access-Control-Allow-Methods"] = "POST"
                    reply.headers["Access-Control-Allow-Headers"] = "Content-Type"
                    reply.headers["Access-Control-Max-Age"] = "600"
            return reply

        return answer

    def _redirect_uri(self, asked: Mapping[str, str]) -> str:
        wanted = asked.get("redirect_uri") or self._only_redirect_uri()
        if wanted is None:
            raise Page(Text(th="ไม่ได้ระบุ redirect_uri", en="The redirect_uri is missing."))
        if wanted not in self._redirect_uris:
            raise Page(
                Text(
                    th="redirect_uri นี้ไม่ได้ลงทะเบียนไว้ (ต้องตรงกันทุกตัวอักษร)",
                    en="This redirect_uri is not registered (it must match exactly).",
                )
            )
        return wanted

    def _only_redirect_uri(self) -> str | None:
        return self._redirect_uris[0] if len(self._redirect_uris) == 1 else None

    def _browser(self, request: Request) -> str | None:
        """The secret of this browser. It stays for ten minutes, so that two tabs can sign in side by side."""
        cookie = request.cookies.get(self._cookie, "")
        return cookie if re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie) else None

    def _to_app(self, redirect_uri: str, state: str | None, **answer: str) -> Response:
        # `iss` tells an app that knows several servers which one answers (RFC 9207).
        answer |= {"iss": self._issuer} | ({"state": state} if state is not None else {})
        join = "&" if urlsplit(redirect_uri).query else "?"
        return redirect(f"{redirect_uri}{join}{urlencode(answer)}")


def _checked_challenge(asked: Mapping[str, str]) -> str:
    if asked.get("response_type", "code") != "code":
        raise _Back("unsupported_response_type", "response_type must be code")
    if asked.get("code_challenge_method") != "S256":
        raise _Back("invalid_request", "PKCE is demanded: code_challenge_method must be S256")
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", asked.get("code_challenge", "")):
        raise _Back("invalid_request", "code_challenge must be the 43 characters of base64url(SHA-256(code_verifier))")
    return asked["code_challenge"]


@contextmanager
def _told_to_the_app() -> Iterator[None]:
    """Our own and ThaID's troubles, as errors that an app understands."""
    try:
        yield
    except SignInRefused as exc:
        raise _Back("access_denied", exc.message) from exc
    except Unavailable as exc:
        raise _Back("temporarily_unavailable", exc.message) from exc
    except SuperAppError as exc:
        raise _Back("server_error", exc.message) from exc
    except PyMongoError as exc:
        log.error("the store failed during a sign-in", extra={"failure": type(exc).__name__})
        raise _Back("temporarily_unavailable", "the sign-in can't be done at the moment") from exc


def _origin(uri: str) -> str | None:
    """The web origin of an address; none for an app's own scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else None
