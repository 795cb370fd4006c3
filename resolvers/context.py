"""What one request carries, and the rooms below that its resolvers may knock at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import strawberry

from agencies.gateway import DATA_SUBJECT_REQUEST, PATIENCE_S
from foundation.errors import Unauthenticated
from foundation.language import Language
from trust.limits import RateLimit

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from agencies.answers import Operation
    from agencies.calls import Status
    from agencies.facts import Facts
    from agencies.gateway import Asking, Gateway
    from agencies.own_words import OwnWords
    from agencies.payments import Payments
    from agencies.standard import Record
    from foundation.clock import Clock
    from foundation.language import Text
    from lifeevents.applications import Applications
    from lifeevents.catalogue.model import Catalogue
    from lifeevents.journeys import Journeys
    from lifeevents.rules.engine import Engine
    from lifeevents.rules.sentences import Sentences
    from lifeevents.situation import Situation, Situations
    from notifications.devices import Devices
    from notifications.inbox import Inbox
    from notifications.preferences import Preferences
    from resolvers.catalogue import Shelf
    from resolvers.client_keys import ClientKeys
    from resolvers.payments import BillFinder
    from trust.access_log import AccessLog
    from trust.consents import Consents
    from trust.mini_apps import MiniApps
    from trust.people import People, PersonId
    from trust.tokens import Session

PURPOSE = "citizen request"
_CARD_CHECKS, _CARD_CHECKS_S = 5, 86_400  # how often a person may try the code of an identity card


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the graph stands on, built and wired by backend/app.py."""

    clock: Clock
    catalogue: Catalogue
    engine: Engine
    sentences: Sentences
    situations: Situations
    people: People
    gateway: Gateway
    operations: Mapping[str, Operation[Record]]  # of the plain dialect, by their id in the catalogue
    facts: Facts
    own_words: OwnWords
    titles: Mapping[tuple[str, str], Text]  # what is asked, by agency and operation as they stand in access records
    access_log: AccessLog
    inbox: Inbox
    devices: Devices
    preferences: Preferences
    client_keys: ClientKeys
    mini_apps: MiniApps
    consents: Consents
    payments: Payments
    bills: BillFinder
    applications: Applications
    journeys: Journeys
    card_checks: RateLimit = field(default_factory=lambda: RateLimit(most=_CARD_CHECKS, window_s=_CARD_CHECKS_S))


class Context:
    """One request: who asks, in which language, and the questions to agencies that it has under way."""

    __slots__ = (
        "_anew",
        "_asking",
        "_health",
        "caller",
        "language",
        "sent_checks",
        "services",
        "session",
        "shelf",
        "situations",
        "waits",
    )

    def __init__(
        self,
        *,
        session: Session | None,
        language: Language,
        services: Services,
        shelf: Shelf,
        caller: str,
        sent_checks: RateLimit,
        anew: bool = False,
    ) -> None:
        self._anew = anew  # the caller wants nothing that was kept
        self.waits = False  # whether each answer is sent as it comes, so that none need stand in for a late one
        self.session = session
        self.language = language
        self.services = services
        self.shelf = shelf  # the catalogue, said in this language
        self.caller = caller  # the person, or the address of somebody who isn't signed in
        self.sent_checks = sent_checks  # how often one caller may try a code
        self._asking: Asking | None = None
        self._health: dict[str, Status] | None = None
        # What is known of the person for some services, being found out or known already, by the codes of these.
        self.situations: dict[frozenset[str], asyncio.Future[Situation]] = {}

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
                subject=person, actor=person, purpose=PURPOSE, ground=DATA_SUBJECT_REQUEST, anew=self._anew,
                patience_s=None if self.waits else PATIENCE_S,
            )  # fmt: skip
        return self._asking

    @property
    def health(self) -> dict[str, Status]:
        """How each agency that can be asked has been answering, found out once for the request."""
        if self._health is None:
            self._health = self.services.gateway.status()
        return self._health


Info = strawberry.Info[Context, None]
