"""Push by Firebase Cloud Messaging, with firebase-admin as it was measured.

One message per call: a batch shares its fate, and one odd reply failed 399 of 500. The SDK's own retries are off: with
them, about a hundred answers of 500 or 503 on one connection leave `send_each_async` hanging for good; the ledger
retries instead. That switch and the server's address are private names of the pinned version, and tests guard both.

What FCM takes is not yet on a phone, and what timed out may be: each attempt carries the notification's id in its data,
tag and collapse keys, so that a phone shows a repeat once. The visible text is the neutral one, nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import firebase_admin
import google.auth.credentials
import google.auth.transport.requests
from firebase_admin import _http_client, credentials, exceptions, messaging
from google.auth.exceptions import GoogleAuthError

from foundation.clock import Clock
from foundation.errors import CannotStart
from foundation.http import asked_to_wait_s
from foundation.ids import new_id
from notifications.delivery import (
    ChannelName,
    Delivered,
    Delivery,
    GiveUp,
    Lane,
    Outcome,
    PushMessage,
    TryLater,
)
from notifications.ledger import RETRY_AFTER_S

_NEVER_AGAIN = (messaging.UnregisteredError, messaging.SenderIdMismatchError)
_QUOTA_WAIT_S = 60.0  # what FCM asks for where it sends no Retry-After
_URGENT: tuple[Lane, ...] = ("emergency", "transactional")
_LONGEST_TTL = timedelta(days=28)


class PushChannel:
    """Firebase for one project. `url` points it at another server; without a credentials file it signs with a fixed
    token, as the sandbox wants it."""

    name: ChannelName = "push"
    retry_after_s: Sequence[float] = RETRY_AFTER_S

    def __init__(
        self,
        *,
        project: str,
        clock: Clock,
        url: str = "",
        credentials_file: str = "",
        apps: int = 2,
        deadline_s: float = 20.0,
    ) -> None:
        self.deadline_s = deadline_s
        self._clock = clock
        self._credential: Any = _certificate(credentials_file) if credentials_file else _FixedToken()
        self._signing = asyncio.Lock()
        self._quota_until: datetime | None = None
        _http_client.DEFAULT_HTTPX_RETRY_CONFIG.retries_left = 0
        options = {"projectId": project, "httpTimeout": deadline_s}
        name = f"tangrat {new_id()}"
        # An App is one connection pool; one alone can't keep a core busy.
        self._apps = [firebase_admin.initialize_app(self._credential, options, f"{name} {n}") for n in range(apps)]
        self._url = url
        self._services: dict[str, Any] = {}  # by the App's name
        self._turn = 0

    async def deliver(self, delivery: Delivery) -> Outcome:
        message = delivery.message
        if not isinstance(message, PushMessage):
            raise TypeError("a phone takes push messages only")
        now = self._clock.now()
        if self._quota_until is not None and now < self._quota_until:
            wait_s = (self._quota_until - now).total_seconds()
            return TryLater(why="the push quota is used up", after_s=wait_s, counts=False)
        try:
            await self._sign()
            sent = await messaging.send_each_async([self._message(delivery, message)], app=self._next_app())
        except (exceptions.FirebaseError, GoogleAuthError) as exc:
            return TryLater(why=f"no usable answer: {type(exc).__name__}")
        except ValueError as exc:  # the SDK won't even encode it
            return GiveUp(why=f"not a message FCM takes: {exc}")
        answer = sent.responses[0]
        if answer.success:
            return Delivered(receipt=answer.message_id)
        return self._outcome(answer.exception)

    def _outcome(self, error: Any) -> Outcome:
        said = type(error).__name__.removesuffix("Error")
        if error is None:
            return TryLater(why="FCM's answer names no message")
        headers = error.http_response.headers if error.http_response is not None else {}
        wait_s = asked_to_wait_s(headers.get("retry-after"), self._clock.now())
        if isinstance(error, _NEVER_AGAIN):
            return GiveUp(why=said, forget_target=True)
        if isinstance(error, messaging.QuotaExceededError | exceptions.ResourceExhaustedError):
            wait_s = _QUOTA_WAIT_S if wait_s is None else wait_s
            # One bucket for all phones: the others wait too, instead of asking and being refused one by one.
            self._quota_until = self._clock.now() + timedelta(seconds=min(wait_s, 3600.0))
            return TryLater(why="the push quota is used up", after_s=wait_s, counts=False)
        if isinstance(error, exceptions.InvalidArgumentError):
            return GiveUp(why=said)
        return TryLater(why=said, after_s=wait_s)

    def _next_app(self) -> Any:
        """The App whose turn it is. Its service is made when it is first needed, for that loads the certificate authorities
        three times over, and the API never pushes."""
        self._turn = (self._turn + 1) % len(self._apps)
        app = self._apps[self._turn]
        if app.name not in self._services:
            self._services[app.name] = _service(app, self._url)
        return app

    async def _sign(self) -> None:
        """Renew the access token off the event loop, which the SDK would block for it."""
        signer = self._credential.get_credential()
        if signer.token_state is google.auth.credentials.TokenState.FRESH:
            return
        async with self._signing:
            if signer.token_state is not google.auth.credentials.TokenState.FRESH:
                await asyncio.to_thread(signer.refresh, google.auth.transport.requests.Request())

    def _message(self, delivery: Delivery, message: PushMessage) -> Any:
        now = self._clock.now()
        ttl = min(max((delivery.expires or now + _LONGEST_TTL) - now, timedelta(0)), _LONGEST_TTL)
        urgent = delivery.lane in _URGENT
        same = message.notification  # 32 characters; APNs takes 64 bytes, a web push topic 32 characters
        told = messaging.Message(
            data={"notification_id": same, "delivery_id": delivery.id},
            notification=messaging.Notification(title=message.title, body=message.body),
            android=messaging.AndroidConfig(
                collapse_key=same,
                priority="high" if urgent else "normal",
                ttl=ttl,
                notification=messaging.AndroidNotification(tag=same),
            ),
            apns=messaging.APNSConfig(
                headers={
                    "apns-collapse-id": same,
                    "apns-priority": "10" if urgent else "5",
                    "apns-expiration": str(int((now + ttl).timestamp())),
                }
            ),
            webpush=messaging.WebpushConfig(
                headers={
                    "Topic": same,
                    "Urgency": "high" if urgent else "normal",
                    "TTL": str(int(ttl.total_seconds())),
                },
                notification=messaging.WebpushNotification(tag=same),
            ),
        )
        # Set here rather than in the call above, which warns at each message that tokens will give way to FIDs.
        told.token = message.token
        return told

    async def close(self) -> None:
        for app in self._apps:
            if (service := self._services.get(app.name)) is not None:
                await service._async_client.aclose()
            # The SDK ends its service with `asyncio.run`, which can't be where a loop is running.
            await asyncio.to_thread(firebase_admin.delete_app, app)


def _certificate(file: str) -> Any:
    try:
        return credentials.Certificate(file)
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no service account's key"
        raise CannotStart(
            f"the Firebase service account file {file} can't be used ({why}); "
            "put the key there that Firebase gave you, or correct TANGRAT_FCM_CREDENTIALS_FILE"
        ) from exc


class _Bearer(google.auth.credentials.Credentials):
    """A token that never ends and is never renewed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth's types are its own business
        self.token = "tangrat-sandbox"  # noqa: S105 -- what the sandbox takes; no server of Google's does

    def refresh(self, request: Any) -> None:
        """There is nothing to renew."""


class _FixedToken(credentials.Base):  # type: ignore[misc]  # firebase-admin has no types
    def __init__(self) -> None:
        self._bearer = _Bearer()

    def get_credential(self) -> Any:
        return self._bearer


def _service(app: Any, url: str) -> Any:
    """The app's messaging service, made by us so that it takes the address; the SDK has no public way to say one."""
    googles = messaging._MessagingService.FCM_URL
    try:
        if url:
            messaging._MessagingService.FCM_URL = url.rstrip("/") + "/v1/projects/{0}/messages:send"
        return messaging._get_messaging_service(app)
    finally:
        messaging._MessagingService.FCM_URL = googles
