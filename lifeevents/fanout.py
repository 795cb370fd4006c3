"""One recorded event → what people are told and what agencies are handed.

Everything that follows has an id derived from the event, so a worker that dies anywhere in here is made good by the
next one doing all of it again: nothing is told twice. An event is settled only when all that follows from it is
written down; one that can't be spread keeps its place and its attempts, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from foundation.clock import Clock
from foundation.errors import NotFound, Unavailable
from foundation.language import Text, fill
from foundation.store import Document, PyMongoError
from foundation.telemetry import Metrics
from lifeevents.catalogue.model import (
    AnnouncedDay,
    Catalogue,
    DateRule,
    EventNotice,
    EventType,
    FactDay,
    OnDay,
    TurnsDay,
)
from lifeevents.intake import opened
from lifeevents.subscriptions import Subscriptions
from notifications.ledger import RETRY_AFTER_S, Claimed, Ledger, nothing, retry_at
from notifications.notifier import HandOver, Notice, Notifier
from trust.people import People, PersonId
from trust.secrets import Vault

log = logging.getLogger(__name__)

_AT_ONCE = 32
_WHILE_DOWN_S = (900.0,)
_DEATH = ("death.registered", "hospital_death")
_OF_CAUSE = {"event_type": "type", "agency": "agency", "happened_at": "happened_at", "received_at": "received_at"}
# What a phone on a table may show: never the matter.
_LOCK_SCREEN = Text(th="คุณมีเรื่องใหม่จากหน่วยงานรัฐ", en="You have a message from a state agency")


class Agenda(Protocol):
    """What fan-out must know of, and tell, the calendar."""

    async def wake(self, person: PersonId) -> None: ...

    async def cancel(self, person: PersonId, *, why: str) -> int: ...

    async def died(self, people: Collection[PersonId]) -> set[PersonId]: ...

    async def called(self, item: str, person: PersonId) -> Text | None:
        """What the child or thing is called that this due item concerns; None where it concerns the person themself."""
        ...

    async def follow(
        self, event: Document, event_type: EventType, data: Mapping[str, Any], kin: Sequence[PersonId]
    ) -> int:
        """Keep what services tell because of this event as due; `kin` are those whom a death concerns."""
        ...

    async def spread(self, event: Document, event_type: EventType, data: Mapping[str, Any]) -> int:
        """The same for an event about an area or a programme, which names nobody: whom it concerns is to be found."""
        ...


class Journeys(Protocol):
    async def follow(
        self, event: Document, event_type: EventType, data: Mapping[str, Any], *, silent: Collection[PersonId] = ()
    ) -> int:
        """Open and close what this event opens and closes. Unavailable where the register doesn't answer."""
        ...


class Relatives(Protocol):
    async def of(self, person: PersonId) -> Sequence[PersonId]:
        """The living next of kin who use the app. Unavailable where the register doesn't answer."""
        ...


class Fanout:
    def __init__(
        self,
        ledger: Ledger,
        *,
        people: People,
        vault: Vault,
        catalogue: Catalogue,
        notifier: Notifier,
        subscriptions: Subscriptions,
        agenda: Agenda,
        relatives: Relatives,
        journeys: Journeys,
        clock: Clock,
        metrics: Metrics,
        forget: Callable[[PersonId, str], Awaitable[None]],
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self._forget = forget  # what an agency said of a person before it reported something new
        self._ledger = ledger
        self._people = people
        self._vault = vault
        self._catalogue = catalogue
        self._notifier = notifier
        self._subscriptions = subscriptions
        self._agenda = agenda
        self._relatives = relatives
        self._journeys = journeys
        self._clock = clock
        self._metrics = metrics
        self._on_leg = on_leg
        self._deaths = {one.type for name in _DEATH for one in catalogue.events_for_trigger(name)}

    async def run_once(self, limit: int) -> int:
        """Spread up to `limit` events that are due; returns how many were claimed."""
        claimed = await self._ledger.claim(limit=limit)
        if not claimed:
            return 0
        await self._subscriptions.look()
        silent = await self._died(claimed)
        places = asyncio.Semaphore(_AT_ONCE)

        async def one_of(item: Claimed) -> str | None:
            async with places:
                return await self._handle(item, silent)

        outcomes = await asyncio.gather(*(one_of(item) for item in claimed))
        receipts = {item.id: said for item, said in zip(claimed, outcomes, strict=True) if said is not None}
        await self._ledger.settle([item for item in claimed if item.id in receipts], receipts=receipts)
        return len(claimed)

    async def _died(self, claimed: Sequence[Claimed]) -> set[PersonId]:
        """The dead among those whom these events concern; a death that is only now being spread counts."""
        concerned = {item.document["person"] for item in claimed} - {None}
        dying = {item.document["person"] for item in claimed if item.document["type"] in self._deaths} - {None}
        return dying | await self._agenda.died(concerned - dying)

    async def _handle(self, item: Claimed, silent: Collection[PersonId]) -> str | None:
        """What came of it, for the record; None where it is to be tried again."""
        event_type = self._catalogue.event_type(item.document["type"])
        try:
            if event_type is None:  # the catalogue has dropped it since
                said = "not told: the catalogue has no such type any more"
            else:
                said = await self._spread(item.document, event_type, silent)
        except PyMongoError as exc:
            await self._later(item, f"the database did not answer: {type(exc).__name__}", counts=False)
        except Unavailable as exc:  # the register that knows the next of kin; it may be away for long
            await self._later(item, exc.message, counts=False, schedule=_WHILE_DOWN_S)
        except Exception as exc:
            log.exception("an event could not be spread", extra={"event": item.id, "type": item.document["type"]})
            self._metrics.alarms.labels("fanout").inc()
            await self._later(item, f"unexpected: {type(exc).__name__}")
        else:
            self._metrics.events.labels(item.document["type"], "spread").inc()
            return said
        return None

    async def _later(
        self, item: Claimed, why: str, *, counts: bool = True, schedule: Sequence[float] = RETRY_AFTER_S
    ) -> None:
        try:
            until = retry_at(item.attempts, self._clock.now(), schedule=schedule)
            await self._ledger.postpone(item, until=until, why=why, counts=counts)
        except PyMongoError:
            log.warning("an event waits for its lease to end", extra={"event": item.id})

    async def _spread(self, event: Document, event_type: EventType, silent: Collection[PersonId]) -> str:
        try:
            data = await opened(event, people=self._people, vault=self._vault)
        except NotFound:
            return "not told: the person's data was erased"
        person = event["person"]
        if person is not None and event_type.agency is not None:
            await self._forget(person, event_type.agency)
        if person is not None and event_type.type in self._deaths:
            await self._agenda.cancel(person, why="the person died")
        elif person is not None and person not in silent and _tells_facts(event_type):
            await self._agenda.wake(person)
        await self._journeys.follow(event, event_type, data, silent=silent)
        told = 0
        for notice in await self._notices(event, event_type, data):
            if notice.person in silent:
                continue
            with suppress(NotFound):  # erased since
                await self._notifier.tell(notice)
                told += 1
        self._on_leg("events told")
        if person is None:
            await self._agenda.spread(event, event_type, data)
        elif event_type.triggers:
            is_death = event_type.type in self._deaths
            if is_death or person not in silent:
                kin = await self._relatives.of(person) if is_death else ()
                living = [one for one in kin if one not in silent]
                await self._agenda.follow(event, event_type, data, living)
        handed = await self._hand_over(event)
        self._on_leg("events handed over")
        return f"told {told}, handed over {handed}"

    # ---- people

    async def _notices(self, event: Document, event_type: EventType, data: Mapping[str, Any]) -> list[Notice]:
        if event["person"] is None:  # whom a whole area's event concerns is found by the agenda
            return []
        if event_type.agency is None:
            notice = await self._of_calendar(event, data)
            return [] if notice is None else [notice]
        if event_type.notice is None:
            return []
        template = event_type.notice
        whom = await self._whom(event["person"], template)
        title, body = _filled(template.title, data), _filled(template.body, data)
        return [
            Notice(
                origin=event["_id"],
                family=event_type.type,
                person=person,
                occurrence=event["_id"],
                topic=template.topic,
                title=title,
                body=body,
                lock_screen=template.lock_screen,
                about=None if person == event["person"] else event["person"],
                because=_because(event),
                group=event["_id"],
            )
            for person in whom
        ]

    async def _whom(self, person: PersonId, template: EventNotice) -> Sequence[PersonId]:
        return (person,) if template.to == "self" else await self._relatives.of(person)

    async def _of_calendar(self, event: Document, data: Mapping[str, Any]) -> Notice | None:
        """The calendar's event says what is due; the words are the service's, or the life event's."""
        person = event["person"]
        found = self._catalogue.notification(data["notification"])
        life_event = self._catalogue.life_event(data["notification"])
        right = self._catalogue.service(data["notification"])
        own = self._catalogue.event_type(data["notification"])
        cause = data.get("cause")
        if own is not None and own.notice is not None and cause is not None:
            title, body = _filled(own.notice.title, cause["data"]), _filled(own.notice.body, cause["data"])
            topic = own.notice.topic
        elif found is not None:
            told, service = found
            title, body, topic = service.title, told.message, service.stage
        elif life_event is not None:
            title, body, topic = life_event.title, life_event.summary, life_event.stage
        elif right is not None:
            title, body, topic = right.title, right.summary, right.stage
        else:  # the catalogue has dropped it since
            return None
        about = await self._about(data)
        called = await self._agenda.called(event["event_id"], person)
        if called is not None:
            title = Text(th=f"{called.th}: {title.th}", en=f"{called.en}: {title.en}")
        because = {"rule": data["notification"], "day": data["day"], "facts": self._told_by(data["notification"])}
        if cause is not None:  # what happened to an area or a programme, and not that the calendar says so
            because |= {name: cause[key] for name, key in _OF_CAUSE.items()}
        return Notice(
            origin=event["_id"],
            family=data["notification"],
            person=person,
            occurrence=data["occurrence"],
            topic=topic,
            title=title,
            body=body,
            lock_screen=_LOCK_SCREEN,
            about=about,
            service=data["service"] if self._catalogue.service(data["service"]) else None,
            because=_because(event) | because,
            group=data.get("group"),
        )

    def _told_by(self, rule: str) -> list[dict[str, str]]:
        """The date that the day follows from, and whose it is."""
        found, life_event = self._catalogue.notification(rule), self._catalogue.life_event(rule)
        trigger = found[0].trigger if found is not None else life_event.trigger if life_event is not None else None
        match trigger:
            case OnDay(anchor=anchor) | DateRule(day=anchor):
                match anchor:
                    case TurnsDay(birth_date=path) | FactDay(fact=path) | AnnouncedDay(event_date=path):
                        pass
                    case _:
                        path = "" if getattr(trigger, "year_when", None) is None else "person.birth_date"
            case _:
                path = ""
        fact = self._catalogue.tellable(path)
        return [] if fact is None else [{"fact": fact.path, "agency": fact.source_agency}]

    async def _about(self, data: Mapping[str, Any]) -> PersonId | None:
        number = data.get("about_citizen_id")
        if number is None or number == data["citizen_id"]:
            return None
        return (await self._people.ensure(number)).id

    # ---- agencies

    async def _hand_over(self, event: Document) -> int:
        wanted = [
            HandOver(
                event=event["_id"], subscription=one.id, payload=self._subscriptions.thin(event, agency=one.agency)
            )
            for one in await self._subscriptions.matching(event["type"])
            if one.created_at <= event["received_at"]
        ]
        if wanted:
            await self._notifier.hand_over_many(wanted)
        return len(wanted)


def _tells_facts(event_type: EventType) -> bool:
    """Whether something is known of the person now that was not before, or is otherwise."""
    return event_type.source == "registry" and bool(event_type.facts or event_type.completes)


def _because(event: Document) -> dict[str, Any]:
    return {
        "event_type": event["type"],
        "agency": event["agency"],
        "happened_at": event["time"].isoformat(),
        "received_at": event["received_at"].isoformat(),
    }


def _filled(template: Text, data: Mapping[str, Any]) -> Text:
    return Text(th=fill(template, data, "th"), en=fill(template, data, "en"))
