"""GDX, the gateway before many agencies: a consumer's key and secret buy a token, every call shows both.

A token lives 60 minutes from its last use. The secret travels in the query string, as the gateway demands, so no URL of
this file may reach a log; `CallFailed` holds none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agencies.badge import Badge, Token
from agencies.dialect import opened, reach, served
from agencies.trouble import AgencyRefused
from foundation.clock import Clock
from foundation.http import Http, Reply
from foundation.settings import Secret

_GOOD_FOR_S = 55 * 60  # of 60, so that one that is about to end is not shown
_AGENCYS_OWN = b"errorNumber"  # in a 401: the agency behind the gateway refuses, not the gateway


class GdxTransport:
    """Calls through the gateway at `url` as one consumer, for one acting agent at a time."""

    def __init__(
        self,
        http: Http,
        *,
        url: str,
        consumer_key: str,
        consumer_secret: Secret,
        agent_id: str,
        clock: Clock,
        deadline_s: float,
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._consumer_key = consumer_key
        self._consumer_secret = consumer_secret
        self._agent_id = agent_id
        self._clock = clock
        self._deadline_s = deadline_s
        self._badges: dict[str, Badge] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        agent_id: str | None = None,
    ) -> Reply:
        """Call an address behind the gateway; a token that it no longer takes is replaced once.

        Any status but the gateway's own refusal comes back as a reply.
        """
        badge = self._badge(agent_id or self._agent_id)
        token = await badge.show()
        sent = {"params": params, "json": json}
        reply = await self._call(method, url, headers, token, **sent)
        if not _refused(reply):
            return reply
        badge.refused(token)
        reply = await self._call(method, url, headers, await badge.show(), **sent)
        if _refused(reply):
            raise AgencyRefused(f"GDX does not take its own token: HTTP {reply.status}")
        return reply

    async def _call(self, method: str, url: str, headers: Mapping[str, str] | None, token: str, **sent: Any) -> Reply:
        shown = {
            "Consumer-Key": self._consumer_key,
            "Token": token,
            "Content-Type": "application/json; charset=utf-8",
            **(headers or {}),
        }
        return await reach(self._http, method, url, deadline_s=self._deadline_s, headers=shown, **sent)

    def _badge(self, agent_id: str) -> Badge:
        if agent_id not in self._badges:
            self._badges[agent_id] = Badge(lambda: self._validate(agent_id), clock=self._clock, is_sliding=True)
        return self._badges[agent_id]

    async def _validate(self, agent_id: str) -> Token:
        reply = await reach(
            self._http, "GET", f"{self._url}/ws/auth/validate", deadline_s=self._deadline_s,
            headers={"Consumer-Key": self._consumer_key, "Content-Type": "application/json; charset=utf-8"},
            params={"ConsumerSecret": self._consumer_secret.reveal(), "AgentID": agent_id},
        )  # fmt: skip
        # DGA's own pages write both Result and result; the reader takes either.
        return Token(value=opened(served(reply)).text("Result"), good_for_s=_GOOD_FOR_S)


def _refused(reply: Reply) -> bool:
    return reply.status == 401 and _AGENCYS_OWN not in reply.body
