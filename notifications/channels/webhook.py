"""Webhooks to agencies, by the Standard Webhooks specification.

The id, the time and the body's very bytes are signed with each of the subscription's secrets, so that a secret can be
replaced without missing one. Only a 2xx counts; a redirect is a failure (a signed body goes nowhere else); 410 ends the
subscription. The id is the same on every attempt; the time is that of the attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from standardwebhooks import Webhook

from foundation.clock import Clock
from foundation.http import CallFailed, Http, asked_to_wait_s
from notifications.delivery import (
    ChannelName,
    Delivered,
    Delivery,
    GiveUp,
    HookMessage,
    Outcome,
    TryLater,
)

_HOUR = 3600.0
_ANSWER = 4096  # nothing in it matters to us
_HTTP_DEADLINE_S = 15.0


class WebhookChannel:
    """`http` is to be `Http(public_only=True)` wherever agencies give the addresses."""

    name: ChannelName = "webhook"
    deadline_s: float = _HTTP_DEADLINE_S + 5  # the call has its own, which says more when it ends
    retry_after_s: Sequence[float] = (
        5.0, 300.0, 1800.0, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
    )  # fmt: skip

    def __init__(self, *, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    async def deliver(self, delivery: Delivery) -> Outcome:
        message = delivery.message
        if not isinstance(message, HookMessage):
            raise TypeError("an endpoint takes webhooks only")
        try:
            reply = await self._http.request(
                "POST",
                message.endpoint,
                deadline_s=_HTTP_DEADLINE_S,
                headers={"Content-Type": "application/json", **self._signed(delivery.id, message)},
                body=message.body,
                max_body=_ANSWER,
                cut_body=True,
            )
        except CallFailed as exc:
            return TryLater(why=str(exc), is_sick=True)
        if 200 <= reply.status < 300:
            return Delivered(receipt=str(reply.status))
        why = f"the endpoint answered {reply.status}"
        if reply.status == 410:
            return GiveUp(why=why, forget_target=True)
        wait_s = asked_to_wait_s(reply.headers.get("retry-after"), self._clock.now())
        return TryLater(why=why, after_s=wait_s, is_sick=reply.status == 429 or reply.status >= 500)

    def _signed(self, webhook: str, message: HookMessage) -> dict[str, str]:
        # The library takes any datetime's wall clock for UTC, so it must be UTC.
        now = self._clock.now().astimezone(UTC)
        body = message.body.decode()
        signatures = [Webhook(secret).sign(webhook, now, body) for secret in message.secrets]
        if not signatures:
            raise ValueError("a webhook without a secret is never sent")
        return {
            "webhook-id": webhook,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
