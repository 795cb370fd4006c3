"""GDX, the government's exchange gateway: a consumer key and secret buy a token, and every call behind it shows both.

A token lives 60 minutes from its last use. Errors are worded as the gateway words them; integrators know them by heart.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.control import JsonReply
from sandbox.faults import Door

CONSUMERS = {"tangrat": "tangrat-secret"}
IDLE_S = 60 * 60


def _operation_of(method: str, path: str, body: bytes) -> str | None:
    return "validate" if path == "ws/auth/validate" else None


def _failure(status: int) -> dict[str, Any]:
    return {"Code": str(status), "Message": "InternalServerErrorException: gateway failed"}


DOOR = Door(
    agency="gdx",
    prefix="/gdx/",  # a fault of the gateway is felt by everything behind it, unless it names the operation
    operations=("validate",),
    operation_of=_operation_of,
    failure=_failure,
)


class Gateway:
    """Gives tokens and lets calls through."""

    def __init__(
        self, *, consumers: Mapping[str, str] = CONSUMERS, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumers = consumers
        self._seconds = seconds
        self._tokens: dict[str, tuple[str, str, float]] = {}  # token → consumer, agent, last used

    def issue(self, consumer: str, secret: str, agent: str) -> str | None:
        """A new token, or None when key and secret don't belong together."""
        known = self._consumers.get(consumer)
        if known is None or not hmac.compare_digest(known.encode(), secret.encode()):
            return None
        now = self._seconds()
        self._tokens = {t: entry for t, entry in self._tokens.items() if now - entry[2] < IDLE_S}
        token = str(uuid.uuid4())
        self._tokens[token] = (consumer, agent, now)
        return token

    def agent_of(self, consumer: str, token: str) -> str | None:
        """For whom this token was given, if it still lives; asking keeps it alive."""
        entry = self._tokens.get(token)
        if entry is None or entry[0] != consumer or self._seconds() - entry[2] >= IDLE_S:
            return None
        self._tokens[token] = (*entry[:2], self._seconds())
        return entry[1]

    def forget(self) -> int:
        """Drops every token, as a restart of the gateway does."""
        dropped = len(self._tokens)
        self._tokens.clear()
        return dropped

    def refusal(self, request: Request) -> Response | None:
        """Why this call may not pass, in the gateway's words; None lets it through."""
        consumer = request.headers.get("consumer-key", "")
        if consumer not in self._consumers:
            return _error(403, "ForbiddenException: consumer not found")
        if self.agent_of(consumer, request.headers.get("token", "")) is None:
            return _error(401, "UnauthorizedException: token not found")
        return None

    def routes(self) -> list[BaseRoute]:
        return [Route("/gdx/ws/auth/validate", self._validate, methods=["GET"])]

    async def _validate(self, request: Request) -> Response:
        agent = request.query_params.get("AgentID", "")
        if not agent:
            return _error(400, "BadRequestException: AgentID not found")
        secret = request.query_params.get("ConsumerSecret", "")
        token = self.issue(request.headers.get("consumer-key", ""), secret, agent)
        if token is None:
            return _error(403, "ForbiddenException: consumer not found")
        return JsonReply({"Result": token})


def _error(status: int, message: str) -> Response:
    return JsonReply({"Code": str(status), "Message": message}, status_code=status)
