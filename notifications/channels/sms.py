"""SMS by the gateway's REST call. The reference is the delivery's id, so that the gateway knows a repeat."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from foundation.clock import Clock
from foundation.http import CallFailed, Http, Reply, asked_to_wait_s
from foundation.settings import Secret
from notifications.delivery import (
    ChannelName,
    Delivered,
    Delivery,
    GiveUp,
    Outcome,
    SmsMessage,
    TryLater,
)
from notifications.ledger import RETRY_AFTER_S

# What the gateway says of one message, as against what it says of us (a wrong bearer) or of the moment.
_REFUSED = (400, 404, 413, 422)


class SmsChannel:
    name: ChannelName = "sms"
    deadline_s: float = 15.0
    retry_after_s: Sequence[float] = RETRY_AFTER_S

    def __init__(self, *, http: Http, url: str, token: Secret, sender: str, clock: Clock) -> None:
        self._http = http
        self._url = url
        self._token = token
        self._sender = sender
        self._clock = clock

    async def deliver(self, delivery: Delivery) -> Outcome:
        message = delivery.message
        if not isinstance(message, SmsMessage):
            raise TypeError("a number takes SMS only")
        try:
            reply = await self._http.request(
                "POST",
                self._url,
                deadline_s=self.deadline_s - 2,
                headers={"Authorization": f"Bearer {self._token.reveal()}"},
                json={"to": message.to, "sender": self._sender, "text": message.text, "reference": delivery.id},
                max_body=65_536,
            )
        except CallFailed as exc:
            return TryLater(why=str(exc))
        if reply.status in (200, 201, 202):
            return Delivered(receipt=_receipt(reply))
        if reply.status == 409:
            # The reference was taken with an earlier wording (the reader's language changed between two attempts).
            return Delivered()
        why = f"the SMS gateway answered {reply.status}"
        if reply.status in _REFUSED:
            return GiveUp(why=why)
        return TryLater(why=why, after_s=asked_to_wait_s(reply.headers.get("retry-after"), self._clock.now()))


def _receipt(reply: Reply) -> str | None:
    """The gateway's name for the message, where it says one."""
    try:
        said = reply.json()
    except orjson.JSONDecodeError:
        return None
    name = said.get("message_id") if isinstance(said, dict) else None
    return name[:200] if isinstance(name, str) else None
