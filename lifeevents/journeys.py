"""Journeys: what happened to a person opens one, its steps close, and it comes to an end.

Fan-out says what was reported. An event that a life event begins with opens a journey for everybody whose journey it is:
the person, both parents of a newborn, the family of the dead. Its id follows from the event and the person, so the same
event opens it once, whoever dies on the way.

Opening asks no agency. The journey is born due, and its look (`run_once`) finds what agencies know, skips what isn't
needed, notes what has lapsed and says when to look again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Protocol

from foundation.clock import Clock
from foundation.errors import BadInput, NotFound, SuperAppError, TooMany, Unavailable
from foundation.ids import derive
from foundation.pages import Page
from foundation.store import Document, PyMongoError, Store
from foundation.telemetry import Metrics
from lifeevents import journey_book, journey_steps
from lifeevents.catalogue.model import (
    Catalogue,
    EventType,
    LifeEventType,
    RegistryEvent,
    UserDeclared,
)
from lifeevents.circumstances import Known
from lifeevents.course import By, Courses, JourneyState, Parent
from lifeevents.journey_book import JOURNEYS, Book, Draft, Journey, Origin
from lifeevents.journey_steps import OF_THINGS, Steps
from lifeevents.rules.engine import Engine
from lifeevents.rules.ir import FactValue
from notifications.ledger import RETRY_AFTER_S, Claimed, Ledger, nothing, retry_at
from trust.people import People, PersonId

__all__ = ["INDEXES", "JOURNEYS", "Journey", "Journeys"]

log = logging.getLogger(__name__)

INDEXES = (*journey_book.INDEXES, *journey_steps.INDEXES)
_BIRTHS, _DEATHS = "hospital_birth", ("death.registered", "hospital_death")
_FATHER = "father_citizen_id"
_BORN, _CHILD_BORN = "person.birth_date", "child.birth_date"  # of a child, asked as a person of their own
_MOST_OPEN = 20  # declared by one person at a time
_AT_ONCE = 16
_WHILE_DOWN_S = (900.0,)


class Relatives(Protocol):
    async def of(self, person: PersonId) -> Sequence[PersonId]: ...


class Deaths(Protocol):
    async def died(self, people: Collection[PersonId]) -> set[PersonId]: ...


class Circumstances(Protocol):
    async def find(self, person: PersonId, wanted: Collection[str], *, told: Mapping[str, FactValue]) -> Known: ...


class Journeys:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        *,
        people: People,
        catalogue: Catalogue,
        engine: Engine,
        circumstances: Circumstances,
        relatives: Relatives,
        deaths: Deaths,
        clock: Clock,
        metrics: Metrics,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self._courses = Courses(catalogue, engine)
        self._book = Book(store, people, catalogue, self._courses, clock=clock)
        self._journeys = self._book.documents
        self.steps = Steps(store, self._book, people, catalogue, clock=clock, on_leg=on_leg)
        self._ledger = ledger
        self._people = people
        self._catalogue = catalogue
        self._circumstances = circumstances
        self._relatives = relatives
        self._deaths = deaths
        self._clock = clock
        self._metrics = metrics
        self._on_leg = on_leg
        self._dying = {one.type for name in _DEATHS for one in catalogue.events_for_trigger(name)}
        self._opening: dict[str, list[LifeEventType]] = {}
        for life_event in catalogue.life_events:
            trigger = life_event.trigger
            if isinstance(trigger, RegistryEvent):
                for event_type in catalogue.events_for_trigger(trigger.event):
                    if event_type.agency == trigger.agency:
                        self._opening.setdefault(event_type.type, []).append(life_event)

    # ---- what fan-out says

    async def follow(
        self, event: Document, event_type: EventType, data: Mapping[str, Any], *, silent: Collection[PersonId] = ()
    ) -> int:
        """What follows from one recorded event; how many journeys it opens. Said again, it changes nothing.

        Unavailable where the register that knows the family doesn't answer. `silent` are known to have died.
        """
        person = event["person"]
        if person is None:  # whom a whole area's event concerns is told by the calendar, one by one
            return 0
        person = PersonId(person)
        told = _told(event_type, data)
        if event_type.type in self._dying:
            await self.died(person)
        if event_type.completes:
            father = await self._father(data)
            await self.steps.complete(
                [person] if father is None else [person, father], event_type.completes, told,
                ref=event["_id"], agency=event["agency"], at=event["time"],
            )  # fmt: skip
        opened = 0
        for life_event in self._begun_by(event_type, data):
            origin = _origin(event, event_type, data)
            whose = await self._whose(person, event_type, data)
            silent_too = await self._deaths.died([one for one, _, _ in whose])
            for one, parent, about in whose:
                if one in silent or one in silent_too:
                    continue
                with suppress(NotFound):  # erased since
                    await self._open(one, life_event, origin, told=told, parent=parent, about=about)
                    opened += 1
        return opened

    def _begun_by(self, event_type: EventType, data: Mapping[str, Any]) -> Sequence[LifeEventType]:
        if event_type.agency is not None:
            return self._opening.get(event_type.type, ())
        if "cause" in data:
            return self._opening.get(data["cause"]["type"], ())
        life_event = self._catalogue.life_event(str(data.get("notification", "")))
        return () if life_event is None else (life_event,)

    async def _whose(
        self, person: PersonId, event_type: EventType, data: Mapping[str, Any]
    ) -> list[tuple[PersonId, Parent | None, PersonId | None]]:
        """Whose journey it is, as which parent, and about whom."""
        if event_type.type in self._dying:
            return [(one, None, person) for one in await self._relatives.of(person)]
        if _BIRTHS in event_type.triggers:
            father = await self._father(data)
            mother: tuple[PersonId, Parent | None, PersonId | None] = (person, "mother", None)
            return [mother] if father in (None, person) else [mother, (PersonId(str(father)), "father", None)]
        number = data.get("about_citizen_id")
        about = None if number in (None, data.get("citizen_id")) else (await self._people.ensure(str(number))).id
        return [(person, None, about)]

    async def _father(self, data: Mapping[str, Any]) -> PersonId | None:
        number = data.get(_FATHER)
        return None if number is None else (await self._people.ensure(str(number))).id

    # ---- opening

    async def declare(self, person: PersonId, life_event: str, *, key: str) -> Journey:
        """Open a journey because the person says so; one that is open already is that one, unless it is about a thing."""
        found = self._catalogue.life_event(life_event)
        if found is None or not isinstance(found.trigger, UserDeclared):
            raise BadInput(
                "this is no life event that a person declares", th="เหตุการณ์นี้ไม่ใช่เหตุการณ์ที่แจ้งด้วยตนเอง", field="lifeEvent"
            )
        journey = self._id(person, found, f"declared {key}")
        if await self._journeys.find_one({"_id": journey}, {"_id": 1}) is None:
            mine: Document = {"person": person, "stands": "OPEN"}
            there = await self._journeys.find_one(mine | {"life_event": found.code}, {"_id": 1})
            if there is not None and not self._is_about_things(found):
                return await self._read(person, there["_id"])
            if await self._journeys.count_documents(mine | {"event_type": None}, limit=_MOST_OPEN) >= _MOST_OPEN:
                raise TooMany(f"at most {_MOST_OPEN} can be open at once", th=f"เปิดพร้อมกันได้ไม่เกิน {_MOST_OPEN} รายการ")
        origin = Origin(
            id=f"declared {key}", event=None, event_type=None, agency=None, happened_at=self._clock.now()
        )  # fmt: skip
        return await self._read(person, await self._open(person, found, origin, told={}, parent=None, about=None))

    async def _open(
        self,
        person: PersonId,
        life_event: LifeEventType,
        origin: Origin,
        *,
        told: Mapping[str, FactValue],
        parent: Parent | None,
        about: PersonId | None,
    ) -> str:
        journey = self._id(person, life_event, origin.id)
        if await self._book.insert(journey, person, life_event, origin, told=told, parent=parent, about=about):
            log.info("a journey was opened", extra={"journey": journey, "life_event": life_event.code})
            self._ledger.ring()
        self._on_leg("journeys opened")
        # The rest is done again with each repeat: whoever opened it may have died right here.
        if not self._is_about_things(life_event):
            await self._supersede(journey, person, life_event, about)
            self._on_leg("journeys superseded")
        services = [step.service for step in life_event.steps]
        await self.steps.catch_up([person] if about is None else [person, about], services)
        self._on_leg("journeys caught up")
        return journey

    @staticmethod
    def _id(person: PersonId, life_event: LifeEventType, origin: str) -> str:
        return derive(person, "journey", person, life_event.code, origin)

    def _is_about_things(self, life_event: LifeEventType) -> bool:
        """Whether it may happen to a person twice at a time: two children, two parcels of land."""
        found = (self._catalogue.service(step.service) for step in life_event.steps)
        return any(service is not None and service.scope in OF_THINGS for service in found)

    async def _supersede(
        self, journey: str, person: PersonId, life_event: LifeEventType, about: PersonId | None
    ) -> None:
        """Of several that are open the one that happened last stays. Whoever looks last sees all that were opened."""
        same: Document = {"person": person, "life_event": life_event.code, "stands": "OPEN", "about": about}
        found = [
            one async for one in self._journeys.find(same, {"happened_at": 1}).sort([("happened_at", -1), ("_id", -1)])
        ]
        for older in found[1:]:
            await self._end(older["_id"], "SUPERSEDED", by="SYSTEM", why="SUPERSEDED")

    # ---- ends from outside

    async def died(self, person: PersonId) -> int:
        """The person has died: their journeys are withdrawn, and those about them but those that their death opened."""
        deaths = [one.code for kind in self._dying for one in self._opening.get(kind, ())]
        about = {"about": person, "life_event": {"$nin": deaths}}
        open_ones = {"stands": "OPEN", "$or": [{"person": person}, about]}
        found = [one["_id"] async for one in self._journeys.find(open_ones, {"_id": 1})]
        for journey in found:
            await self._end(journey, "WITHDRAWN", by="AGENCY", why="DIED")
        return len(found)

    async def retract(self, event: str) -> int:
        """The event was wrong: what it opened is withdrawn, what it closed is open again. Returns how many that changed."""
        opened = [one["_id"] async for one in self._journeys.find({"event": event}, {"_id": 1})]
        for journey in opened:
            await self._end(journey, "WITHDRAWN", by="AGENCY", why="RETRACTED")

        return len(opened) + await self.steps.retract(event)

    async def _end(self, journey: str, state: JourneyState, *, by: By, why: str) -> None:
        def act(draft: Draft) -> bool:
            return not draft.is_over and draft.end(state, at=self._clock.now(), by=by, why=why)

        with suppress(NotFound):  # erased since, and nothing of it can be read
            await self._book.change(journey, act)

    # ---- looking

    async def run_once(self, limit: int) -> int:
        """Look at the journeys that are due by the legal day; returns how many were claimed."""
        claimed = await self._ledger.claim(limit=min(limit, 4 * _AT_ONCE), now=self._clock.legal_now())
        if not claimed:
            return 0
        dead = await self._deaths.died({PersonId(item.document["person"]) for item in claimed})
        places = asyncio.Semaphore(_AT_ONCE)

        async def one_of(item: Claimed) -> None:
            async with places:
                await self._handle(item, is_dead=item.document["person"] in dead)

        await asyncio.gather(*(one_of(item) for item in claimed))
        return len(claimed)

    async def _handle(self, item: Claimed, *, is_dead: bool) -> None:
        try:
            if is_dead:
                await self._end(item.id, "WITHDRAWN", by="SYSTEM", why="DIED")
            else:
                await self._look(item)
            self._on_leg("journeys looked at")
        except PyMongoError as exc:
            await self._later(item, f"the database did not answer: {type(exc).__name__}", counts=False)
        except Unavailable as exc:
            await self._later(item, exc.message, counts=False, schedule=_WHILE_DOWN_S)
        except NotFound:
            await self._ledger.settle([item], receipts={item.id: "the person's data was erased"})
        except Exception as exc:
            log.exception("a journey could not be looked at", extra={"journey": item.id})
            self._metrics.alarms.labels("journeys").inc()
            await self._later(item, f"unexpected: {type(exc).__name__}")

    async def _look(self, item: Claimed) -> None:
        document = item.document
        life_event = self._catalogue.life_event(document["life_event"])
        person, known = PersonId(document["person"]), Known(facts={})
        if life_event is not None:
            told = await self._book.told(document)
            # What the calendar says of a child is judged by the child's facts; of the dead nobody is asked.
            whom = person if document["agency"] is not None else PersonId(document.get("about") or person)
            wanted = self._courses.wanted(life_event)
            if whom != person and _CHILD_BORN in wanted:
                wanted |= {_BORN}
            known = await self._circumstances.find(whom, wanted, told=told)
            if whom != person and _BORN in known.facts and _CHILD_BORN not in told:
                known = replace(known, facts={**known.facts, _CHILD_BORN: known.facts[_BORN]})

        def act(draft: Draft) -> bool:
            kept = {path: value for path, value in draft.found.items() if path in known.unanswered}
            draft.found = kept | dict(known.facts)
            draft.is_looked_at = True
            return True

        await self._book.change(item.id, act)

    async def _later(
        self, item: Claimed, why: str, *, counts: bool = True, schedule: Sequence[float] = RETRY_AFTER_S
    ) -> None:
        try:
            until = retry_at(item.attempts, self._clock.legal_now(), schedule=schedule)
            await self._ledger.postpone(item, until=until, why=why, counts=counts)
        except PyMongoError:
            log.warning("a journey waits for its lease to end", extra={"journey": item.id})

    # ---- reading

    async def get(self, person: PersonId, journey: str) -> Journey | None:
        """Their own journey; None for anybody else's."""
        return await self._book.get(person, journey)

    async def page(
        self, person: PersonId, *, state: JourneyState | None = None, first: int | None = None, after: str | None = None
    ) -> Page[Journey]:
        """The person's journeys, the one opened last first."""
        return await self._book.page(person, state=state, first=first, after=after)

    async def _read(self, person: PersonId, journey: str) -> Journey:
        found = await self._book.get(person, journey)
        if found is None:
            raise _not_there()
        return found


def _origin(event: Document, event_type: EventType, data: Mapping[str, Any]) -> Origin:
    """Where a journey comes from. What an area's event brings to somebody is one journey, however much is told of it."""
    if "cause" not in data:
        return Origin(
            id=event["_id"], event=event["_id"], event_type=event_type.type, agency=event_type.agency,
            happened_at=event["time"],
        )  # fmt: skip
    cause = data["cause"]
    return Origin(
        id=data["group"], event=event["_id"], event_type=cause["type"], agency=cause["agency"],
        happened_at=datetime.fromisoformat(cause["happened_at"]),
    )  # fmt: skip


def _told(event_type: EventType, data: Mapping[str, Any]) -> dict[str, FactValue]:
    """The facts that an event tells, as the catalogue says where they stand in its data."""
    told: dict[str, FactValue] = {}
    for path, place in event_type.facts:
        value: Any = data
        for key in place.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            told[path] = date.fromisoformat(value) if isinstance(value, str) and _is_day(value) else value
    return told


def _is_day(text: str) -> bool:
    return len(text) == 10 and text[4] == text[7] == "-"


def _not_there() -> SuperAppError:
    return NotFound("there is no such journey", th="ไม่พบรายการนี้", field="journeyId")
