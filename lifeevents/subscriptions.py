"""An agency's standing wish to hear of life events, with its purpose and legal ground.

An endpoint hears nothing before it has answered a signed challenge: whoever registers an address must also hold it.
The secret is shown once and kept sealed; while one replaces another, both sign. A subscription without an endpoint is
heard through the pull feed. Where a webhook goes is asked at each attempt, so that a pause or an end holds at once.
"""

from __future__ import annotations

import base64
import hmac
import logging
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

import orjson
from pymongo import ReturnDocument
from standardwebhooks import Webhook

from foundation.clock import Clock
from foundation.errors import BadInput, Conflict, NotFound
from foundation.http import CallFailed, Failure, Http, check_endpoint
from foundation.ids import new_id
from foundation.store import Document, Index, Store
from foundation.telemetry import Metrics
from lifeevents.catalogue.model import Catalogue
from notifications.wording import Endpoint
from trust.people import PersonId
from trust.secrets import Vault

SUBSCRIPTIONS = "subscriptions"
INDEXES = (Index(collection=SUBSCRIPTIONS, keys=(("agency", 1), ("_id", 1)), name="by_agency"),)
State = Literal["active", "paused", "disabled"]
CHALLENGE = "tangrat.endpoint.challenge"
_ANSWER_WITHIN_S = 5.0
_OLD_SECRET_GOOD_FOR = timedelta(hours=24)
_MATCHES_KEPT_S = 1.0
_MOST_TYPES, _MOST_SUBSCRIPTIONS = 200, 100
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_FAILED_TH: Mapping[Failure, str] = {
    "DEADLINE": "ไม่ตอบครบภายในเวลาที่กำหนด",
    "CONNECTION": "เชื่อมต่อไม่ได้",
    "TOO_LARGE": "คำตอบใหญ่เกินกำหนด",
    "TLS": "สร้างการเชื่อมต่อที่ปลอดภัย (TLS) ไม่ได้",
    "NOT_PUBLIC": "ชื่อโดเมนนำไปสู่ที่อยู่ที่ไม่ใช่ที่อยู่สาธารณะ",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """`endpoint` None: heard through the pull feed only. `why` says what disabled it."""

    id: str
    agency: str
    types: tuple[str, ...]
    endpoint: str | None
    purpose: str
    legal_ground: str
    state: State
    created_at: datetime
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithSecret:
    """What is shown once. `secret` is None for a subscription without an endpoint."""

    subscription: Subscription
    secret: str | None = field(repr=False)


class Subscriptions:
    """`http` must be `Http(public_only=True)` wherever `public_only` is true."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        catalogue: Catalogue,
        http: Http,
        *,
        clock: Clock,
        metrics: Metrics,
        public_only: bool,
    ) -> None:
        self._subscriptions = store.collection(SUBSCRIPTIONS)
        self._vault = vault
        self._types = {one.type for one in catalogue.event_types if one.agency is not None}
        self._http = http
        self._clock = clock
        self._metrics = metrics
        self._public_only = public_only
        self._by_type: dict[str, tuple[Subscription, ...]] = {}
        self._read_at = -_MATCHES_KEPT_S

    # ---- what an agency does with its own

    async def create(
        self, *, agency: str, client: str, types: Sequence[str], purpose: str, legal_ground: str, endpoint: str | None
    ) -> WithSecret:
        """Subscribe. BadInput says what is wrong, also where the endpoint didn't answer the challenge."""
        known = self._checked_types(types)
        purpose = _text(purpose, "purpose")
        legal_ground = _text(legal_ground, "legal_ground")
        if await self._subscriptions.count_documents({"agency": agency}) >= _MOST_SUBSCRIPTIONS:
            raise Conflict(
                f"an agency has at most {_MOST_SUBSCRIPTIONS} subscriptions; delete one first",
                th=f"หน่วยงานหนึ่งสมัครรับเหตุการณ์ได้ไม่เกิน {_MOST_SUBSCRIPTIONS} รายการ โปรดลบรายการเดิมก่อน",
            )
        subscription, secret = new_id(), None
        kept: list[Document] = []
        if endpoint is not None:
            check_endpoint(endpoint, public_only=self._public_only)
            secret = _new_secret()
            await self._challenge(endpoint, secret)
            kept = [self._sealed(subscription, secret)]
        now = self._clock.now()
        document: Document = {
            "_id": subscription, "agency": agency, "client": client, "types": list(known), "endpoint": endpoint,
            "purpose": purpose, "legal_ground": legal_ground, "state": "active",
            "created_at": now.replace(microsecond=now.microsecond // 1000 * 1000), "secrets": kept,
        }  # fmt: skip
        await self._subscriptions.insert_one(document)
        self._forget()
        log.info("subscription created", extra={"subscription": subscription, "agency": agency, "types": list(known)})
        return WithSecret(subscription=_read(document), secret=secret)

    async def list(self, agency: str) -> tuple[Subscription, ...]:
        found = self._subscriptions.find({"agency": agency}).sort("_id", 1)
        return tuple([_read(one) async for one in found])

    async def get(self, subscription: str, *, agency: str) -> Subscription:
        """NotFound for one that isn't there, or is another agency's."""
        return _read(_there(await self._subscriptions.find_one({"_id": subscription, "agency": agency})))

    async def delete(self, subscription: str, *, agency: str) -> None:
        gone = await self._subscriptions.delete_one({"_id": subscription, "agency": agency})
        if not gone.deleted_count:
            raise _not_there()
        self._forget()
        log.info("subscription deleted", extra={"subscription": subscription, "agency": agency})

    async def pause(self, subscription: str, *, agency: str) -> Subscription:
        """Webhooks wait until it is resumed; the pull feed goes on."""
        await self.get(subscription, agency=agency)
        changed = await self._change(subscription, {"$set": {"state": "paused"}}, agency=agency, state="active")
        return changed or await self.get(subscription, agency=agency)

    async def resume(self, subscription: str, *, agency: str) -> Subscription:
        """Active again. One that was disabled must prove its endpoint anew first."""
        held = _there(await self._subscriptions.find_one({"_id": subscription, "agency": agency}))
        if held["state"] == "disabled" and held["endpoint"] is not None:
            check_endpoint(held["endpoint"], public_only=self._public_only)
            await self._challenge(held["endpoint"], *self._secrets(held))
        change = {"$set": {"state": "active"}, "$unset": {"why": ""}}
        return await self._change(subscription, change, agency=agency) or _read(held)

    async def rotate(self, subscription: str, *, agency: str) -> WithSecret:
        """A new secret. Both sign for a day; then only the new one."""
        held = _there(await self._subscriptions.find_one({"_id": subscription, "agency": agency}))
        if held["endpoint"] is None:
            raise BadInput(
                "this subscription has no endpoint, so it has no secret",
                th="การสมัครรับนี้ไม่มี endpoint จึงไม่มี secret",
            )
        secret, until = _new_secret(), self._clock.now() + _OLD_SECRET_GOOD_FOR
        newest = held["secrets"][0]
        change = {"$set": {"secrets": [self._sealed(subscription, secret), {**newest, "until": until}]}}
        # Only over what was read: of two rotations at once, one would show a secret that never signs.
        changed = await self._change(subscription, change, agency=agency, secrets=held["secrets"])
        if changed is None:
            raise Conflict(
                "the secret was just replaced by another request", th="secret นี้เพิ่งถูกเปลี่ยนโดยคำขออื่นที่ส่งมาพร้อมกัน"
            )
        log.info("subscription secret rotated", extra={"subscription": subscription})
        return WithSecret(subscription=changed, secret=secret)

    # ---- what fan-out and the dispatcher ask

    async def matching(self, event_type: str) -> tuple[Subscription, ...]:
        """Who wants webhooks of this type, paused ones included; up to a second old, or as old as the last `look`."""
        if time.monotonic() - self._read_at >= _MATCHES_KEPT_S:
            await self.look()
        return self._by_type.get(event_type, ())

    async def look(self) -> None:
        """Read who wants what. Whoever spreads events looks after it has them in hand, or what was reported just after
        somebody subscribed would never reach them."""
        now = time.monotonic()
        by_type: dict[str, list[Subscription]] = {}
        wanted = {"state": {"$in": ["active", "paused"]}, "endpoint": {"$ne": None}}
        async for one in self._subscriptions.find(wanted):
            for name in one["types"]:
                by_type.setdefault(name, []).append(_read(one))
        self._by_type, self._read_at = {name: tuple(those) for name, those in by_type.items()}, now

    def pseudonym(self, person: PersonId, *, agency: str) -> str:
        """What this agency, and no other, knows the person by."""
        return self._vault.lookup(f"{agency}\0{person}", purpose="subject for an agency")

    def thin(self, event: Document, *, agency: str) -> dict[str, Any]:
        """What an agency hears of an event: that it happened, and where to ask for the rest in its own name."""
        person = event["person"]
        return {
            "id": event["_id"],
            "type": event["type"],
            "source": event["source"],
            "time": event["time"].isoformat(),
            "subject": None if person is None else self.pseudonym(person, agency=agency),
            "data_ref": f"/agency/events/{event['_id']}",
        }

    async def endpoint(self, subscription: str) -> Endpoint | None:
        """Where to send now, for the dispatcher; None where it has ended."""
        held = await self._subscriptions.find_one({"_id": subscription})
        if held is None or held["state"] == "disabled" or held["endpoint"] is None:
            return None
        return Endpoint(url=held["endpoint"], secrets=self._secrets(held), is_paused=held["state"] == "paused")

    async def gone(self, subscription: str, *, why: str) -> None:
        """The endpoint will never take another webhook: no more are sent until its agency resumes it."""
        if await self._change(subscription, {"$set": {"state": "disabled", "why": why[:200]}}):
            self._metrics.alarms.labels("subscription_disabled").inc()
            log.warning("subscription disabled", extra={"subscription": subscription, "why": why[:200]})

    # ---- inside

    async def _change(self, subscription: str, change: Mapping[str, Any], **where: Any) -> Subscription | None:
        changed = await self._subscriptions.find_one_and_update(
            {"_id": subscription, **where}, change, return_document=ReturnDocument.AFTER
        )
        self._forget()
        return None if changed is None else _read(changed)

    def _forget(self) -> None:
        self._read_at = -_MATCHES_KEPT_S

    def _checked_types(self, types: Any) -> tuple[str, ...]:
        if not isinstance(types, list | tuple) or not 1 <= len(types) <= _MOST_TYPES:
            raise BadInput(
                f"types must name 1 to {_MOST_TYPES} event types",
                th=f"types ต้องระบุประเภทเหตุการณ์ 1 ถึง {_MOST_TYPES} ประเภท",
            )
        for place, one in enumerate(types):
            if not isinstance(one, str) or one not in self._types:
                raise BadInput(
                    f"types[{place}] is not an event type of the catalogue",
                    th=f"types[{place}] ไม่ใช่ประเภทเหตุการณ์ที่มีในแค็ตตาล็อก", at=f"/types/{place}",
                )  # fmt: skip
        return tuple(dict.fromkeys(types))

    async def _challenge(self, endpoint: str, *signing: str) -> None:
        """Ask the endpoint to say a random word back, signed as every webhook will be."""
        word, webhook, now = secrets.token_urlsafe(32), f"challenge_{new_id()}", self._clock.now().astimezone(UTC)
        body = orjson.dumps({"type": CHALLENGE, "challenge": word}).decode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": webhook,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(Webhook(secret).sign(webhook, now, body) for secret in signing),
        }
        try:
            reply = await self._http.request(
                "POST", endpoint, deadline_s=_ANSWER_WITHIN_S, headers=headers, body=body.encode(), max_body=4096
            )
        except CallFailed as exc:
            raise BadInput(
                f"the endpoint did not answer the challenge: {exc.why}",
                th=f"endpoint ไม่ตอบคำท้า (challenge): {_FAILED_TH[exc.failure]}", failure=exc.failure,
            ) from exc  # fmt: skip
        if reply.status != 200:
            raise BadInput(
                f"the endpoint answered the challenge with {reply.status} instead of 200",
                th=f"endpoint ตอบคำท้า (challenge) ด้วยสถานะ {reply.status} แทนที่จะเป็น 200",
            )
        try:
            said = reply.json()
        except ValueError:
            said = None
        answer = said.get("challenge") if isinstance(said, dict) else None
        if not isinstance(answer, str) or not hmac.compare_digest(answer.encode(), word.encode()):
            raise BadInput(
                'the endpoint did not answer {"challenge": …} with the word it was sent',
                th='endpoint ไม่ได้ตอบ {"challenge": …} ด้วยคำที่ส่งไปให้',
            )

    def _sealed(self, subscription: str, secret: str) -> Document:
        return {"sealed": self._vault.seal(secret.encode(), context=f"subscriptions.secret {subscription}")}

    def _secrets(self, held: Document) -> tuple[str, ...]:
        """The newest first; an old one until its day is over."""
        now, context = self._clock.now(), f"subscriptions.secret {held['_id']}"
        good = [one for one in held["secrets"] if one.get("until") is None or one["until"] > now]
        return tuple(self._vault.open(one["sealed"], context=context).decode() for one in good)


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not 3 <= len(value.strip()) <= 500:
        raise BadInput(
            f"{name} is required: a text of 3 to 500 characters",
            th=f"ต้องระบุ {name} เป็นข้อความ 3 ถึง 500 อักขระ", at=f"/{name}",
        )  # fmt: skip
    if not value.isprintable() or _BIDI.search(value):
        raise BadInput(f"{name} holds characters that can't be printed", th=f"{name} มีอักขระที่แสดงผลไม่ได้", at=f"/{name}")
    return value.strip()


def _there(found: Document | None) -> Document:
    if found is None:
        raise _not_there()
    return found


def _not_there() -> NotFound:
    return NotFound("there is no such subscription", th="ไม่พบการสมัครรับเหตุการณ์นี้")


def _read(held: Document) -> Subscription:
    return Subscription(
        id=held["_id"],
        agency=held["agency"],
        types=tuple(held["types"]),
        endpoint=held["endpoint"],
        purpose=held["purpose"],
        legal_ground=held["legal_ground"],
        state=cast("State", held["state"]),
        created_at=held["created_at"],
        why=held.get("why"),
    )
