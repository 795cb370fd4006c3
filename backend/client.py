"""A phone without a screen: signs a sample citizen in the way a real app does, and asks the graph.

Used by `tangrat token`, the tour and the benchmarks, so that each of them walks the real road.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from foundation.errors import SuperAppError, Unavailable
from foundation.http import CallFailed, Http, Reply
from foundation.language import Language

_PATIENCE_S = 10


class SignInFailed(SuperAppError):
    code = "SIGN_IN_FAILED"
    status = 401


class Phone:
    """One person's app. `sign_in` first, then `ask`."""

    def __init__(self, api: str, *, redirect_uri: str, http: Http, language: Language = "th") -> None:
        self._api = api.rstrip("/")
        self._redirect_uri = redirect_uri
        self._http = http
        self._language = language
        self.access_token = ""
        self.refresh_token = ""
        self.wants_new = False  # whether nothing that was kept will do

    async def sign_in(self, citizen: int) -> str:
        """Walk login → ThaID (picking sample citizen N) → callback → token. Returns the access token."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        state = secrets.token_urlsafe(16)
        asked = {
            "response_type": "code", "client_id": "sandbox-phone", "redirect_uri": self._redirect_uri,
            "code_challenge": challenge, "code_challenge_method": "S256", "state": state,
        }  # fmt: skip
        login = await self._get(f"{self._api}/auth/login?{urlencode(asked)}")
        at_thaid = await self._get(f"{self._next(login)}&{urlencode({'sandbox_citizen': citizen})}")
        if at_thaid.status in (403, 404):
            raise SignInFailed(
                f"citizen {citizen} can't sign in: nobody has that number, or they are under seven, or they have died"
            )
        cookie = login.headers.get("set-cookie", "").partition(";")[0]
        back = await self._get(self._next(at_thaid), headers={"Cookie": cookie})
        answer = parse_qs(urlsplit(self._next(back)).query)
        if "code" not in answer or answer.get("state") != [state]:
            raise SignInFailed(f"citizen {citizen} could not be signed in: {answer.get('error', ['no code'])[0]}")
        await self._token(
            grant_type="authorization_code", code=answer["code"][0], code_verifier=verifier,
            redirect_uri=self._redirect_uri, client_id="sandbox-phone",
        )  # fmt: skip
        return self.access_token

    async def refresh(self) -> None:
        await self._token(grant_type="refresh_token", refresh_token=self.refresh_token, client_id="sandbox-phone")

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of one operation; SuperAppError where the graph answers with errors."""
        headers = {"Authorization": f"Bearer {self.access_token}", "Accept-Language": self._language}
        if self.wants_new:
            headers["Cache-Control"] = "no-cache"
        try:
            reply = await self._http.request(
                "POST", f"{self._api}/graphql", deadline_s=_PATIENCE_S,
                json={"query": query, "variables": variables}, headers=headers,
            )  # fmt: skip
        except CallFailed as exc:
            raise Unavailable(f"the API does not answer ({exc.why}); is `tangrat up` running?") from exc
        answer = reply.json()
        if answer.get("errors"):
            raise SuperAppError("; ".join(error["message"] for error in answer["errors"]))
        data: dict[str, Any] = answer["data"]
        return data

    async def _token(self, **form: str) -> None:
        reply = await self._http.request("POST", f"{self._api}/auth/token", deadline_s=_PATIENCE_S, form=form)
        answer = reply.json()
        if reply.status != 200:
            raise SignInFailed(f"no token: {answer.get('error')}, {answer.get('error_description')}")
        self.access_token, self.refresh_token = answer["access_token"], answer["refresh_token"]

    async def _get(self, url: str, *, headers: dict[str, str] | None = None) -> Reply:
        try:
            return await self._http.request("GET", url, deadline_s=_PATIENCE_S, headers=headers)
        except CallFailed as exc:
            parts = urlsplit(url)
            raise Unavailable(
                f"{parts.scheme}://{parts.netloc} does not answer ({exc.why}); is `tangrat up` running?"
            ) from exc

    def _next(self, reply: Reply) -> str:
        """Where a redirect leads; SignInFailed where there is none."""
        if reply.status not in (302, 303, 307) or "location" not in reply.headers:
            raise SignInFailed(f"sign-in stopped with status {reply.status} where a redirect was due")
        return urljoin(self._api, reply.headers["location"])
