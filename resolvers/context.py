"""What one request carries, and the rooms below that its resolvers may knock at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import strawberry

from agencies.gateway import DATA_SUBJECT_REQUEST
from foundation.errors import Unauthenticated
from foundation.language import Language

if TYPE_CHECKING:
    from agencies.gateway import Asking, Gateway, Health
    from foundation.clock import Clock
    from lifeevents.catalogue.model import Catalogue
    from notifications.devices import Devices
    from notifications.inbox import Inbox
    from notifications.preferences import Preferences
    from resolvers.catalogue import Shelf
    from resolvers.client_keys import ClientKeys
    from trust.access_log import AccessLog
    from trust.limits import RateLimit
    from trust.people import People, PersonId
    from trust.tokens import Session

PURPOSE = "citizen request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the graph stands on, built and wired by backend/app.py."""

    clock: Clock
    catalogue: Catalogue
    people: People
    gateway: Gateway
    access_log: AccessLog
    inbox: Inbox
    devices: Devices
    preferences: Preferences
    client_keys: ClientKeys


class Context:
    """One request: who asks, in which language, and the questions to agencies that it has under way."""

    __slots__ = ("_asking", "_health", "caller", "language", "sent_checks", "services", "session", "shelf")

    def __init__(
        self,
        *,
        session: Session | None,
        language: Language,
        services: Services,
        shelf: Shelf,
        caller: str,
        sent_checks: RateLimit,
    ) -> None:
        self.session = session
        self.language = language
        self.services = services
        self.shelf = shelf  # the catalogue, said in this language
        self.caller = caller  # the person, or the address of somebody who isn't signed in
        self.sent_checks = sent_checks  # how often one caller may try a code
        self._asking: Asking | None = None
        self._health: dict[str, Health] | None = None

    @property
    def person(self) -> PersonId:
        """Who is signed in. Unauthenticated where nobody is."""
        if self.session is None:
            raise Unauthenticated("sign in first", th="โปรดเข้าสู่ระบบก่อน")
        return self.session.person

    @property
    def asking(self) -> Asking:
        """The person's own questions about themselves, gathered so that each is put to an agency once."""
        if self._asking is None:
            person = self.person
            self._asking = self.services.gateway.asking(
                subject=person, actor=person, purpose=PURPOSE, ground=DATA_SUBJECT_REQUEST
            )
        return self._asking

    @property
    def health(self) -> dict[str, Health]:
        """How each agency that can be asked has been answering, found out once for the request."""
        if self._health is None:
            self._health = self.services.gateway.health()
        return self._health


Info = strawberry.Info[Context, None]
