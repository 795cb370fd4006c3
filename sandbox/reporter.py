"""The agencies as clients of our API: they report life events, subscribe to them, and receive what they subscribed to.

Each has a key pair of its own, made at start, and proves itself with it (private_key_jwt). What an agency decides by
itself — a hospital chosen at the SSO — must reach the API even if that is down just now, so such a report is kept and
tried again, always with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import aiohttp
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.control import JsonReply, Refused, read_json
from sandbox.people import Citizen, Hospital
from sandbox.world import World

AGENCIES = ("sso", "nhso", "dopa", "moph", "ddpm", "ect", "fpo")
SCOPES = ("events:publish", "events:subscribe")
HOSPITAL_CHANGED = "th.sso.hospital.changed"
CHALLENGE = "tangrat.endpoint.challenge"
DEADLINE_S = 10
FIRST_RETRY_S, LAST_RETRY_S = 0.25, 30.0
KEPT = 1_000

_GRANT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

log = logging.getLogger(__name__)

Move = Callable[[Citizen], Awaitable[tuple[Hospital | None, Hospital, date]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Came:
    """What came back from the API, at which step."""

    step: str
    status: int
    body: Any


class _Unreachable(Exception):
    """The API did not answer."""


@dataclass(slots=True, kw_only=True)
class _Agency:
    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    kid: str = field(default_factory=lambda: secrets.token_hex(8))
    token: str = ""
    token_from: str = ""  # where it was given: the API may move
    token_ends_at: float = 0.0
    webhook_secrets: list[str] = field(default_factory=list)  # of its subscriptions, the newest last
    answer_status: int = 200  # what its endpoint answers with, for trying out a sick one
    answer_retry_after: int | None = None

    @property
    def client_id(self) -> str:
        return f"sandbox-{self.name}"


@dataclass(slots=True, kw_only=True)
class _Report:
    """A report kept until the API has it."""

    agency: _Agency
    event: dict[str, Any]
    state: str = "pending"  # then accepted or refused
    tries: int = 0
    last: Any = None

    def json(self) -> dict[str, Any]:
        return {
            "agency": self.agency.name,
            "state": self.state,
            "tries": self.tries,
            "last": self.last,
            "event": self.event,
        }


@dataclass(slots=True, kw_only=True)
class _Hook:
    """One call that reached an agency's endpoint; a repeat of the same webhook-id is counted, not listed again."""

    agency: str
    webhook_id: str
    body: Any
    headers: Mapping[str, str]
    verified: bool
    why: str
    answered: int
    received_at: datetime
    times: int = 1

    def json(self) -> dict[str, Any]:
        return {
            "agency": self.agency,
            "webhook_id": self.webhook_id,
            "type": self.body.get("type") if isinstance(self.body, dict) else None,
            "body": self.body,
            "headers": self.headers,
            "verified": self.verified,
            "why": self.why,
            "answered": self.answered,
            "times": self.times,
            "received_at": self.received_at.isoformat(),
        }


class Reporter:
    """The agencies' side of our API. `move` changes a person's hospital at the simulated SSO."""

    def __init__(self, world: World, *, base_url: str, api_url: Callable[[], str | None], move: Move) -> None:
        self._world = world
        self._base_url = base_url
        self._api_url = api_url
        self._move = move
        self._agencies = {name: _Agency(name=name) for name in AGENCIES}
        self._http: aiohttp.ClientSession | None = None
        self._reports: deque[_Report] = deque(maxlen=KEPT)
        self._trying: set[asyncio.Task[None]] = set()
        self._hooks: OrderedDict[tuple[str, str], _Hook] = OrderedDict()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While inside, the agencies can call the API; at the end, what is still being tried is dropped."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False, auto_decompress=True) as http:
            self._http = http
            try:
                yield
            finally:
                for task in self._trying:
                    task.cancel()
                await asyncio.gather(*self._trying, return_exceptions=True)
                self._http = None

    def reset(self) -> None:
        """Nothing was received, nothing waits, and every endpoint is well; keys and subscriptions stay."""
        self._hooks.clear()
        self._reports.clear()
        for task in self._trying:
            task.cancel()
        for agency in self._agencies.values():
            agency.answer_status, agency.answer_retry_after = 200, None

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/sandbox/agency-clients", self._clients, methods=["GET"]),
            Route("/sandbox/agencies/{agency}/jwks.json", self._jwks, methods=["GET"]),
            Route("/sandbox/agencies/{agency}/token", self._token, methods=["POST"]),
            Route("/sandbox/report", self._report, methods=["POST"]),
            Route("/sandbox/reports", self._list_reports, methods=["GET"]),
            Route("/sandbox/subscribe", self._subscribe, methods=["POST"]),
            Route("/sandbox/hooks", self._list_hooks, methods=["GET", "DELETE"]),
            Route("/sandbox/hooks/{agency}", self._receive, methods=["POST"]),
            Route("/sandbox/hooks/{agency}/mode", self._mode, methods=["POST"]),
        ]

    async def hospital_changed(
        self, citizen: Citizen, previous: Hospital | None, hospital: Hospital, effective: date
    ) -> None:
        """The SSO tells of a choice made in its own service; it keeps trying until the API has it."""
        data = _hospital_data(citizen, previous, hospital, effective)
        report = _Report(agency=self._agencies["sso"], event=_event("sso", HOSPITAL_CHANGED, data))
        self._reports.append(report)
        task = asyncio.create_task(self._keep_trying(report))
        self._trying.add(task)
        task.add_done_callback(self._trying.discard)

    # Who they are

    async def _clients(self, request: Request) -> Response:
        return JsonReply(
            [
                {
                    "client_id": agency.client_id,
                    "agency": name,
                    "jwks_uri": f"{self._base_url}/sandbox/agencies/{name}/jwks.json",
                    "scopes": SCOPES,
                }
                for name, agency in self._agencies.items()
            ]
        )

    async def _jwks(self, request: Request) -> Response:
        agency = self._agency(request.path_params["agency"])
        key = ECAlgorithm.to_jwk(agency.key.public_key(), as_dict=True)
        return JsonReply({"keys": [{**key, "kid": agency.kid, "use": "sig", "alg": "ES256"}]})

    async def _token(self, request: Request) -> Response:
        """A living access token of that agency at our API, for trying its doors by hand."""
        agency = self._agency(request.path_params["agency"])
        self._api()
        try:
            refusal = await self._take_token(agency)
        except _Unreachable as exc:
            return JsonReply({"error": {"message": str(exc)}}, status_code=502)
        if refusal is not None:
            message = "the API gave no token"
            error = {"message": message, "status": refusal.status, "body": refusal.body}
            return JsonReply({"error": error}, status_code=502)
        left_s = max(0, round(agency.token_ends_at - time.time()))
        return JsonReply({"client_id": agency.client_id, "access_token": agency.token, "expires_in": left_s})

    def _agency(self, name: str) -> _Agency:
        agency = self._agencies.get(name)
        if agency is None:
            raise Refused(404, f"there is no agency {name[:40]!r}", allowed=AGENCIES)
        return agency

    # Reporting

    async def _report(self, request: Request) -> Response:
        body = await read_json(request)
        agency = self._agencies[body.text("agency", among=AGENCIES)]
        event_type = body.text("type", most=200)
        given = body.mapping("data") if "data" in body else {}
        # What happens to an area or a programme is told by its data alone.
        citizen = None if "data" in body and "citizen" not in body else self._somebody(body.raw("citizen"))
        event_id = body.text("id", most=200) if "id" in body else None
        at = body.text("time", most=40) if "time" in body else None
        body.nothing_else()
        self._api()
        data = dict(given) if citizen is None else {"citizen_id": citizen.pid, **given}
        if citizen is not None and agency.name == "sso" and event_type == HOSPITAL_CHANGED:
            data = await self._change_hospital(citizen, given)
        event = _event(agency.name, event_type, data, event_id=event_id, at=at)
        try:
            came = await self._post_event(agency, event)
        except _Unreachable as exc:
            return JsonReply({"error": {"message": str(exc)}, "event": event}, status_code=502)
        return JsonReply({"status": came.status, "step": came.step, "body": came.body, "event": event})

    async def _change_hospital(self, citizen: Citizen, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the event says: the caller's own words, or another hospital of the province, to which the person moves."""
        if "hospital" in given:
            return {"citizen_id": citizen.pid, "effective_date": self._world.clock.today().isoformat(), **given}
        previous, hospital, effective = await self._move(citizen)
        return _hospital_data(citizen, previous, hospital, effective) | dict(given)

    def _somebody(self, who: Any) -> Citizen:
        """A citizen by number or by identity number."""
        citizen = None
        if isinstance(who, int) and not isinstance(who, bool):
            citizen = self._world.citizen(who)
        elif isinstance(who, str) and len(who) == 13 and who.isascii() and who.isdigit():
            citizen = self._world.find(who)
        else:
            raise Refused(422, "citizen must be a citizen's number or a 13-digit identity number as a text")
        if citizen is None:
            raise Refused(404, "there is no such citizen")
        return citizen

    async def _list_reports(self, request: Request) -> Response:
        return JsonReply({"reports": [report.json() for report in reversed(self._reports)]})

    async def _keep_trying(self, report: _Report) -> None:
        wait_s = FIRST_RETRY_S
        while report.state == "pending":
            report.tries += 1
            try:
                came = await self._post_event(report.agency, report.event)
            except (_Unreachable, Refused) as exc:
                report.last = {"error": str(exc)}
            else:
                report.last = {"status": came.status, "step": came.step, "body": came.body}
                report.state = _state_after(came)
            if report.state == "pending":
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LAST_RETRY_S)
        log.info("report settled", extra={"event": report.event["id"], "state": report.state, "tries": report.tries})

    # Subscribing

    async def _subscribe(self, request: Request) -> Response:
        body = await read_json(request)
        agency = self._agencies[body.text("agency", among=AGENCIES)]
        asked = {
            "types": body.texts("types"),
            "endpoint": f"{self._base_url}/sandbox/hooks/{agency.name}",
            "purpose": body.text("purpose"),
            "legal_ground": body.text("legal_ground"),
            **({"filter": body.raw("filter")} if "filter" in body else {}),
        }
        body.nothing_else()
        self._api()
        try:
            await self._drop_subscriptions(agency, str(asked["endpoint"]))
            came = await self._call(agency, "/agency/subscriptions", asked, content_type="application/json")
        except _Unreachable as exc:
            return JsonReply({"error": {"message": str(exc)}}, status_code=502)
        secret = came.body.get("secret") if isinstance(came.body, dict) else None
        if came.status == 201 and isinstance(secret, str) and _webhook(secret) is not None:
            agency.webhook_secrets.append(secret)
        return JsonReply({"status": came.status, "step": came.step, "body": came.body, "sent": asked})

    async def _drop_subscriptions(self, agency: _Agency, endpoint: str) -> None:
        """What this endpoint subscribed to before: its secrets are forgotten when the sandbox stops, or it repeats itself."""
        listed = await self._call(agency, "/agency/subscriptions", None, method="GET")
        held = listed.body.get("subscriptions", ()) if isinstance(listed.body, dict) else ()
        for one in held:
            if one.get("endpoint") == endpoint:
                await self._call(agency, f"/agency/subscriptions/{one['id']}", None, method="DELETE")

    async def _receive(self, request: Request) -> Response:
        agency = self._agency(request.path_params["agency"])
        raw = await request.body()
        headers = {name: value for name, value in request.headers.items() if name.startswith(("webhook-", "content-"))}
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = None
        why = _why_unsigned(raw, headers, agency.webhook_secrets)
        challenge = body.get("challenge") if isinstance(body, dict) and body.get("type") == CHALLENGE else None
        # The secret comes with the answer to the subscription, so a challenge may be older than the secret it is signed
        # with: it is always answered.
        status = agency.answer_status
        if status == 200 and challenge is None and why:
            status = 401
        self._remember(agency, body, headers, why=why, answered=status)
        if status in (204, 304):  # these have no body
            return Response(status_code=status)
        if status != 200:
            after = agency.answer_retry_after
            message = why if status == 401 else "this endpoint was told to answer so"
            extra = {} if after is None else {"retry-after": str(after)}
            return JsonReply({"error": {"message": message}}, status_code=status, headers=extra)
        return JsonReply({"received": True} if challenge is None else {"challenge": challenge})

    def _remember(self, agency: _Agency, body: Any, headers: Mapping[str, str], *, why: str, answered: int) -> None:
        webhook_id = headers.get("webhook-id") or f"unnamed-{uuid.uuid4().hex}"
        before = self._hooks.pop((agency.name, webhook_id), None)
        self._hooks[agency.name, webhook_id] = _Hook(
            agency=agency.name,
            webhook_id=webhook_id,
            body=body,
            headers=headers,
            verified=not why,
            why=why,
            answered=answered,
            received_at=datetime.now(UTC),
            times=1 if before is None else before.times + 1,
        )
        if len(self._hooks) > KEPT:
            self._hooks.popitem(last=False)

    async def _list_hooks(self, request: Request) -> Response:
        wanted = request.query_params.get("agency")
        if request.method == "DELETE":
            cleared = len(self._hooks)
            self._hooks.clear()
            return JsonReply({"cleared": cleared})
        hooks = [hook.json() for hook in reversed(self._hooks.values()) if wanted in (None, hook.agency)]
        return JsonReply({"hooks": hooks})

    async def _mode(self, request: Request) -> Response:
        agency = self._agency(request.path_params["agency"])
        body = await read_json(request)
        status = body.whole_number("status", least=200, most=599)
        after = body.whole_number("retry_after", least=0, most=86_400) if "retry_after" in body else None
        body.nothing_else()
        agency.answer_status, agency.answer_retry_after = status, after
        return JsonReply({"agency": agency.name, "status": status, "retry_after": after})

    # Calling the API

    def _api(self) -> str:
        url = self._api_url()
        if url is None:
            raise Refused(409, 'the sandbox does not know where the API is; POST /sandbox/api {"url": "http://…"}')
        return url

    async def _post_event(self, agency: _Agency, event: dict[str, Any]) -> _Came:
        return await self._call(agency, "/agency/events", event, content_type="application/cloudevents+json")

    async def _call(
        self, agency: _Agency, path: str, content: Any, *, content_type: str = "application/json", method: str = "POST"
    ) -> _Came:
        """Call with the agency's token; a token that is refused is changed for a new one, once."""
        for is_last in (False, True):
            refusal = await self._take_token(agency)
            if refusal is not None:
                return refusal
            headers = {"authorization": f"Bearer {agency.token}", "content-type": content_type}
            body = None if content is None else orjson.dumps(content)
            came = await self._send(method, path, data=body, headers=headers, step=path.rpartition("/")[2])
            if came.status != 401 or is_last:
                return came
            agency.token_ends_at = 0.0
        raise AssertionError("the loop returns")

    async def _take_token(self, agency: _Agency) -> _Came | None:
        """Make sure of a living token; what came back where the API gives none."""
        url, now = f"{self._api()}/agency/token", int(time.time())
        if agency.token_from == url and agency.token_ends_at > now + 5:
            return None
        claims = {
            "iss": agency.client_id,
            "sub": agency.client_id,
            "aud": url,
            "iat": now,
            "exp": now + 55,
            "jti": uuid.uuid4().hex,
        }
        form = {
            "grant_type": "client_credentials",
            "client_id": agency.client_id,
            "client_assertion_type": _GRANT,
            "client_assertion": jwt.encode(claims, agency.key, algorithm="ES256", headers={"kid": agency.kid}),
            "scope": " ".join(SCOPES),
        }
        came = await self._send("POST", "/agency/token", data=form, headers={}, step="token")
        body = came.body if isinstance(came.body, dict) else {}
        if came.status != 200 or not isinstance(body.get("access_token"), str):
            return came
        life = body.get("expires_in")
        agency.token, agency.token_from = body["access_token"], url
        agency.token_ends_at = time.time() + (life if isinstance(life, int | float) else 60)
        return None

    async def _send(self, method: str, path: str, *, data: Any, headers: Mapping[str, str], step: str) -> _Came:
        if self._http is None:
            raise _Unreachable("the sandbox is stopping")
        try:
            async with self._http.request(
                method, f"{self._api()}{path}", data=data, headers=headers, allow_redirects=False
            ) as reply:
                return _Came(step=step, status=reply.status, body=_readable(await reply.read()))
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _Unreachable(f"the API did not answer: {type(exc).__name__}") from exc


def _event(
    agency: str, event_type: str, data: dict[str, Any], *, event_id: str | None = None, at: str | None = None
) -> dict[str, Any]:
    """A CloudEvent in structured mode. Its time is the machine's, even when the sandbox's day was moved."""
    return {
        "specversion": "1.0",
        "id": event_id or str(uuid.uuid4()),
        "source": f"urn:th:agency:{agency}",
        "type": event_type,
        "time": at or datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }


def _hospital_data(citizen: Citizen, previous: Hospital | None, hospital: Hospital, effective: date) -> dict[str, Any]:
    def named(one: Hospital) -> dict[str, Any]:
        return {"code": one.code, "name": {"th": one.name.th, "en": one.name.en}}

    return {
        "citizen_id": citizen.pid,
        "hospital": named(hospital),
        **({"previous": named(previous)} if previous else {}),
        "effective_date": effective.isoformat(),
    }


def _state_after(came: _Came) -> str:
    """Accepted, refused for good, or worth another try."""
    if came.status < 300:
        return "accepted"
    # A client that isn't registered yet is refused a token; it may be a moment later.
    is_passing = came.status in (408, 425, 429) or came.status >= 500 or came.step == "token"
    return "pending" if is_passing else "refused"


def _webhook(secret: str) -> Webhook | None:
    try:
        return Webhook(secret)
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        return None


def _why_unsigned(raw: bytes, headers: Mapping[str, str], known: list[str]) -> str:
    """Why no known secret fits this call, "" when one does."""
    if not known:
        return "no secret is known yet"
    why = ""
    for secret in reversed(known):
        try:
            Webhook(secret).verify(raw, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as exc:  # ValueError: a header that isn't even a signature
            why = str(exc) or type(exc).__name__
        else:
            return ""
    return why


def _readable(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw[:2_000].decode(errors="replace")
