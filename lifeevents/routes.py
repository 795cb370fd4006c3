"""The agencies' HTTP door: publish events, subscribe, pull, fetch by reference, replay what failed.

Every refusal has one shape: `{"error": code, "message": …, "message_th": …, "details": […]}`. Who asks is settled
before a body is read; a body is bounded and must come in time; what an agency fetches about a person is recorded first.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from foundation.bodies import is_drained, read_whole
from foundation.clock import Clock
from foundation.errors import BadInput, Forbidden, NotFound, SuperAppError, Unauthenticated, Unavailable
from foundation.pages import page_size
from foundation.store import Document, PyMongoError
from foundation.telemetry import Metrics
from lifeevents.cloudevents import MAX_BATCH_BODY, MAX_EVENT, EventsRefused, read
from lifeevents.intake import FEED_KEPT, EventConflict, Intake, opened
from lifeevents.subscriptions import Subscription, Subscriptions
from notifications.ledger import Buried
from notifications.notifier import Notifier
from trust.access_log import AccessLog
from trust.clients import AgencyClient, AgencyClients
from trust.people import People
from trust.secrets import Vault

log = logging.getLogger(__name__)

Answer = Callable[[Request, AgencyClient], Awaitable[Response]]
_SINGLE, _BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_BODY_WITHIN_S = 10.0
_LARGEST_WISH = 65_536
_BEFORE_THE_BODY = (400, 401, 403, 413, 415)
_DRAINED_WITHIN_S, _MOST_DRAINED = 2.0, 4_194_304
_WISH = {"types", "endpoint", "purpose", "legal_ground"}
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class _UnsupportedMediaType(SuperAppError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


def build_routes(
    *,
    intake: Intake,
    subscriptions: Subscriptions,
    clients: AgencyClients,
    notifier: Notifier,
    access_log: AccessLog,
    people: People,
    vault: Vault,
    clock: Clock,
    metrics: Metrics,
) -> list[Route]:
    """All routes under /agency but the token's."""
    events = _Events(intake, subscriptions, access_log=access_log, people=people, vault=vault, clock=clock)
    wishes = _Wishes(subscriptions)
    deliveries = _Deliveries(subscriptions, notifier)

    def door(path: str, method: str, scope: str, answer: Answer) -> Route:
        return Route(path, _guarded(answer, clients=clients, metrics=metrics, scope=scope), methods=[method])

    subscribe = "events:subscribe"
    return [
        door("/agency/events", "POST", "events:publish", events.publish),
        door("/agency/events", "GET", subscribe, events.feed),
        door("/agency/events/{event}", "GET", subscribe, events.fetch),
        door("/agency/subscriptions", "GET", subscribe, wishes.list),
        door("/agency/subscriptions", "POST", subscribe, wishes.create),
        door("/agency/subscriptions/{subscription}", "GET", subscribe, wishes.get),
        door("/agency/subscriptions/{subscription}", "DELETE", subscribe, wishes.delete),
        door("/agency/subscriptions/{subscription}/pause", "POST", subscribe, wishes.pause),
        door("/agency/subscriptions/{subscription}/resume", "POST", subscribe, wishes.resume),
        door("/agency/subscriptions/{subscription}/rotate", "POST", subscribe, wishes.rotate),
        door("/agency/deliveries", "GET", subscribe, deliveries.list),
        door("/agency/deliveries/{delivery}/replay", "POST", subscribe, deliveries.replay),
    ]


class _Events:
    def __init__(
        self,
        intake: Intake,
        subscriptions: Subscriptions,
        *,
        access_log: AccessLog,
        people: People,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._subscriptions = subscriptions
        self._access_log = access_log
        self._people = people
        self._vault = vault
        self._clock = clock

    async def publish(self, request: Request, client: AgencyClient) -> Response:
        kind = _content_type(request, _SINGLE, _BATCH)
        if any(name.startswith(b"ce-") for name, _ in request.scope["headers"]):
            # In structured mode the body says it all; a header that says otherwise would win or lose in silence.
            raise BadInput(
                "ce- headers don't belong on a structured message; leave them out",
                th="ข้อความแบบ structured ต้องไม่มี header ที่ขึ้นต้นด้วย ce- โปรดนำออก",
            )
        is_batch = kind == _BATCH
        body = await _body(request, most=MAX_BATCH_BODY if is_batch else MAX_EVENT)
        events = read(body, batch=is_batch)
        if is_batch:
            receipts = await self._intake.record_batch(events, by=client)
        else:
            receipts = [await self._intake.record(events[0], by=client)]
        return _json({"receipts": receipts}, status=202)

    async def feed(self, request: Request, client: AgencyClient) -> Response:
        after = request.query_params.get("after") or None
        since = _since(await self._subscriptions.list(client.agency))
        found = await self._intake.feed(since, first=_limit(request), after=after)
        events = [self._subscriptions.thin(one, agency=client.agency) for one in found.items]
        return _json({"events": events, "next": found.end_cursor or after, "has_more": found.has_next})

    async def fetch(self, request: Request, client: AgencyClient) -> Response:
        event = await self._intake.get(request.path_params["event"])
        wish = await self._wish_for(event, client) if event is not None else None
        if event is None or wish is None:
            raise NotFound(
                "there is no such event, or none of a type you subscribed to",
                th="ไม่พบเหตุการณ์นี้ หรือไม่ใช่เหตุการณ์ประเภทที่สมัครรับไว้",
            )
        if event["person"] is not None:
            await self._access_log.record(
                subject=event["person"], actor=client.client_id, agency=client.agency,
                operation=f"event {event['type']}", purpose=wish.purpose, ground=wish.legal_ground,
            )  # fmt: skip
        data = await opened(event, people=self._people, vault=self._vault)
        return _json({**self._subscriptions.thin(event, agency=client.agency), "data": data})

    async def _wish_for(self, event: Document, client: AgencyClient) -> Subscription | None:
        """The subscription by which this agency may see the event."""
        if event["received_at"] < self._clock.now() - FEED_KEPT:
            return None
        for one in await self._subscriptions.list(client.agency):
            if event["type"] in one.types and one.created_at <= event["received_at"]:
                return one
        return None


class _Wishes:
    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    async def list(self, _request: Request, client: AgencyClient) -> Response:
        found = await self._subscriptions.list(client.agency)
        return _json({"subscriptions": [_shown(one) for one in found]})

    async def create(self, request: Request, client: AgencyClient) -> Response:
        wish = await _object(request)
        if wish.keys() - _WISH:
            known = ", ".join(sorted(_WISH))
            raise BadInput(
                f"the only fields of a subscription are {known}; leave out the others",
                th=f"การสมัครรับเหตุการณ์มีเพียงฟิลด์ {known} โปรดนำฟิลด์อื่นออก",
            )
        endpoint = wish.get("endpoint")
        if endpoint is not None and not isinstance(endpoint, str):
            raise BadInput(
                "endpoint must be an address, or left out to use the pull feed",
                th="endpoint ต้องเป็นที่อยู่ (URL) หรือไม่ต้องระบุหากจะดึงเหตุการณ์จาก feed เอง", at="/endpoint",
            )  # fmt: skip
        made = await self._subscriptions.create(
            agency=client.agency, client=client.client_id, types=wish.get("types", ()), endpoint=endpoint,
            purpose=wish.get("purpose", ""), legal_ground=wish.get("legal_ground", ""),
        )  # fmt: skip
        shown = _shown(made.subscription) | {"secret": made.secret}
        return _json(shown, status=201, headers={"Location": f"/agency/subscriptions/{made.subscription.id}"})

    async def get(self, request: Request, client: AgencyClient) -> Response:
        return _json(_shown(await self._subscriptions.get(_named(request), agency=client.agency)))

    async def delete(self, request: Request, client: AgencyClient) -> Response:
        await self._subscriptions.delete(_named(request), agency=client.agency)
        return Response(status_code=204, headers=_HEADERS)

    async def pause(self, request: Request, client: AgencyClient) -> Response:
        return _json(_shown(await self._subscriptions.pause(_named(request), agency=client.agency)))

    async def resume(self, request: Request, client: AgencyClient) -> Response:
        return _json(_shown(await self._subscriptions.resume(_named(request), agency=client.agency)))

    async def rotate(self, request: Request, client: AgencyClient) -> Response:
        made = await self._subscriptions.rotate(_named(request), agency=client.agency)
        return _json(_shown(made.subscription) | {"secret": made.secret})


class _Deliveries:
    """Hand-overs that were given up or expired."""

    def __init__(self, subscriptions: Subscriptions, notifier: Notifier) -> None:
        self._subscriptions = subscriptions
        self._notifier = notifier

    async def list(self, request: Request, client: AgencyClient) -> Response:
        if request.query_params.get("state", "buried") != "buried":
            raise BadInput(
                "only failed deliveries are listed: leave state out, or ask for state=buried",
                th="ดูได้เฉพาะการส่งที่ล้มเหลว โปรดไม่ระบุ state หรือระบุเป็น state=buried",
            )
        after = request.query_params.get("after") or None
        found = await self._notifier.failed(await self._own(client), _limit(request), after)
        shown = [_failed(one) for one in found.items]
        return _json({"deliveries": shown, "next": found.end_cursor, "has_more": found.has_next})

    async def replay(self, request: Request, client: AgencyClient) -> Response:
        delivery = request.path_params["delivery"]
        if not await self._notifier.replay(delivery, await self._own(client)):
            raise NotFound("there is no failed delivery with this id", th="ไม่พบการส่งที่ล้มเหลวนี้")
        return _json({"id": delivery, "state": "waiting"}, status=202)

    async def _own(self, client: AgencyClient) -> Sequence[str]:
        return [one.id for one in await self._subscriptions.list(client.agency)]


# ---- the frame around each of them


def _guarded(
    answer: Answer, *, clients: AgencyClients, metrics: Metrics, scope: str
) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        try:
            response = await answer(request, await clients.verify(_bearer(request), scope=scope))
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody is there to read it
        except SuperAppError as exc:
            response = _refusal(exc)
            if exc.status in _BEFORE_THE_BODY and not await _is_drained(request):
                response.headers["Connection"] = "close"
        except PyMongoError as exc:
            log.error("the store failed at the agencies' door", extra={"failure": type(exc).__name__})
            response = _refusal(Unavailable("the ledger does not answer; try again", th="ระบบขัดข้องชั่วคราว โปรดลองใหม่"))
        except Exception:
            reference = secrets.token_hex(6)
            log.exception("the agencies' door failed", extra={"reference": reference, "path": request.scope["path"]})
            metrics.alarms.labels("agency_door").inc()
            response = _refusal(
                SuperAppError(
                    f"something went wrong on our side; reference {reference}",
                    th=f"ระบบของเราขัดข้อง หากแจ้งปัญหา โปรดระบุรหัสอ้างอิง {reference}",
                )
            )
        metrics.requests.labels("agency", str(response.status_code)).inc()
        return response

    return guarded


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "send an access token of /agency/token: `Authorization: Bearer …`",
            th="โปรดส่ง access token ที่ได้จาก /agency/token มาใน header `Authorization: Bearer …`",
            is_missing=True,
        )
    return token.strip()


def _refusal(exc: SuperAppError) -> Response:
    details: list[Any] = []
    if isinstance(exc, EventsRefused | EventConflict):
        details = [
            {
                "index": one.index,
                **({} if one.id is None else {"id": one.id}),
                "reasons": [asdict(r) for r in one.reasons],
            }
            for one in exc.refusals
        ]
    elif "at" in exc.facts:
        details = [{"at": exc.facts["at"], "message": exc.message, "message_th": exc.th}]
    headers = {}
    match exc:
        case Unauthenticated():
            wrong = "" if exc.facts.get("is_missing") else ', error="invalid_token"'
            headers["WWW-Authenticate"] = f'Bearer realm="agency"{wrong}'
        case Forbidden():
            scope = exc.facts.get("scope", "")
            headers["WWW-Authenticate"] = f'Bearer realm="agency", error="insufficient_scope", scope="{scope}"'
    if exc.status in (429, 503):
        headers["Retry-After"] = str(max(1, round(exc.facts.get("retry_after_s", 2))))
    if exc.status == 408:
        headers["Connection"] = "close"
    said = {"error": exc.code, "message": exc.message, "message_th": exc.th, "details": details}
    return _json(said, status=exc.status, headers=headers)


def _content_type(request: Request, *known: str) -> str:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    encoding = request.headers.get("content-encoding", "identity").lower()
    if kind.strip().lower() not in known or charset not in ("", "utf-8") or encoding != "identity":
        raise _UnsupportedMediaType(
            f"the Content-Type must be {' or '.join(known)}, in UTF-8 and not compressed",
            th=f"Content-Type ต้องเป็น {' หรือ '.join(known)} เข้ารหัส UTF-8 และไม่บีบอัด",
        )
    return kind.strip().lower()


async def _body(request: Request, *, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    return await read_whole(request.stream(), announced=announced, most=most, within_s=_BODY_WITHIN_S)


async def _is_drained(request: Request) -> bool:
    return await is_drained(request.stream(), most=_MOST_DRAINED, within_s=_DRAINED_WITHIN_S, gone=ClientDisconnect)


async def _object(request: Request) -> Mapping[str, Any]:
    _content_type(request, "application/json")
    try:
        value = orjson.loads(await _body(request, most=_LARGEST_WISH))
    except orjson.JSONDecodeError as exc:
        raise BadInput("the body is not JSON in UTF-8", th="body ไม่ใช่ JSON ที่เข้ารหัส UTF-8") from exc
    if not isinstance(value, dict):
        raise BadInput("the body must be a JSON object", th="body ต้องเป็น JSON object")
    return value


def _named(request: Request) -> str:
    return str(request.path_params["subscription"])


def _limit(request: Request) -> int:
    """How many were asked for with `limit`; 100 unless told."""
    said = request.query_params.get("limit", "")
    if not said:
        return page_size(None, default=100)
    return page_size(int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 0)


def _since(wishes: Sequence[Subscription]) -> dict[str, datetime]:
    """From when on an agency may hear of each type: its first subscription to it."""
    since: dict[str, datetime] = {}
    for wish in wishes:
        for name in wish.types:
            since[name] = min(wish.created_at, since.get(name, wish.created_at))
    return since


def _shown(subscription: Subscription) -> dict[str, Any]:
    return {name: value for name, value in asdict(subscription).items() if name != "agency"}


def _failed(one: Buried) -> dict[str, Any]:
    return {
        "id": one.id, "subscription": one.document["subscription"], "event": one.document["event"], "state": one.state,
        "why": one.why, "attempts": one.attempts, "at": one.at,
    }  # fmt: skip


def _json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(value), status_code=status, media_type="application/json", headers={**_HEADERS, **(headers or {})}
    )
