"""How journeys are kept: one document each, changed by one hand at a time, with the history of every change.

What was told of the person, what agencies know and the history are sealed under the person's own key. Which steps are
closed, and by whom, stands open beside them: it is all that the other parent's journey may read. Two changes at once
can't overwrite each other: each is written upon the version it was made from, or made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import orjson

from foundation.clock import Clock, start_of
from foundation.dates import PartialDate
from foundation.errors import BadInput, Unavailable
from foundation.pages import Page, page, page_size, read_cursor, write_cursor
from foundation.store import Document, DuplicateKeyError, Index, Store
from lifeevents.catalogue.model import Catalogue, LifeEventType
from lifeevents.course import By, Closure, Courses, JourneyState, Parent, Step, StepState, stands
from lifeevents.rules.ir import DID_NOT_HAPPEN, FactValue
from notifications import ledger as ledgers
from trust.people import People, PersonId

JOURNEYS = "journeys"
INDEXES = (
    *ledgers.indexes(JOURNEYS),
    Index(collection=JOURNEYS, keys=(("person", 1), ("opened_at", -1), ("_id", -1)), name="newest"),
    Index(collection=JOURNEYS, keys=(("event", 1),), name="of_event", partial={"event": {"$exists": True}}),
    Index(collection=JOURNEYS, keys=(("about", 1),), name="about", partial={"about": {"$exists": True}}),
)
JOURNEY_STATES: tuple[JourneyState, ...] = get_args(JourneyState)
_CONTEXT = "journeys.content"
_TRIES = 20
_IF_WE_DIE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the history. `step` is None where the journey itself changed; `why` is a code that can be said."""

    at: datetime
    step: str | None
    before: StepState | JourneyState | None
    after: StepState | JourneyState
    by: By
    agency: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One person's way through the services of one life event. `event_type` is None where the person declared it."""

    id: str
    person: PersonId
    life_event: str
    event_type: str | None
    agency: str | None
    happened_at: datetime
    opened_at: datetime
    state: JourneyState
    about: PersonId | None
    steps: tuple[Step, ...]
    history: tuple[Change, ...]

    def step(self, service: str) -> Step | None:
        return next((one for one in self.steps if one.service.code == service), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a journey came from. Ids follow from it, so the same origin opens the same journey."""

    id: str
    event: str | None  # None: the person declared it
    event_type: str | None
    agency: str | None
    happened_at: datetime


@dataclass(slots=True, kw_only=True)
class Draft:
    """A journey in the hand of whoever changes it."""

    id: str
    person: PersonId
    life_event: LifeEventType | None  # None: the catalogue has dropped it since
    document: Document
    state: JourneyState
    told: dict[str, FactValue]
    found: dict[str, FactValue]
    closed: dict[str, Closure]
    noted: dict[str, StepState]
    history: list[Change]
    of_other: Mapping[str, Closure]
    is_looked_at: bool = False  # with what agencies know by now
    because: dict[str, tuple[By, str | None, str]] = field(default_factory=dict)  # by step: who changes it now, and why

    @property
    def facts(self) -> dict[str, FactValue]:
        return self.found | self.told

    def end(self, state: JourneyState, *, at: datetime, by: By, why: str) -> bool:
        """It ends from outside; always True, for it is a change."""
        self.history.append(Change(at=at, step=None, before=self.state, after=state, by=by, agency=None, why=why))
        self.state = state
        return True

    @property
    def is_over(self) -> bool:
        """Whether it ended from outside, for good."""
        return self.state in ("SUPERSEDED", "WITHDRAWN")


class Book:
    """Reads and writes journeys; what a change means is its caller's matter."""

    def __init__(self, store: Store, people: People, catalogue: Catalogue, courses: Courses, *, clock: Clock) -> None:
        self.documents = store.collection(JOURNEYS)
        self._people = people
        self._catalogue = catalogue
        self._courses = courses
        self._clock = clock

    # ---- writing

    async def insert(
        self,
        id: str,
        person: PersonId,
        life_event: LifeEventType,
        origin: Origin,
        *,
        told: Mapping[str, FactValue],
        parent: Parent | None,
        about: PersonId | None,
    ) -> bool:
        """Write a journey as it opens; False where it was opened before. NotFound where the person was erased."""
        now = self._clock.now()
        document: Document = {
            "_id": id, "person": person, "life_event": life_event.code, "event_type": origin.event_type,
            "agency": origin.agency, "happened_at": origin.happened_at, "opened_at": now,
            "opened_on": self._clock.today().isoformat(), "version": 1, "parent": parent,
        }  # fmt: skip
        document |= {} if origin.event is None else {"event": origin.event}
        document |= {} if about is None else {"about": about}
        draft = Draft(
            id=id, person=person, life_event=life_event, document=document, of_other=await self._of_other(document),
            state="OPEN", told=dict(told), found={},
            closed={}, noted={}, history=[],
        )  # fmt: skip
        by: By = "PERSON" if origin.event is None else "CALENDAR" if origin.agency is None else "AGENCY"
        draft.history.append(
            Change(at=now, step=None, before=None, after="OPEN", by=by, agency=origin.agency, why="OPENED")
        )
        put = await self._settled(draft, is_new=True)
        try:
            at_once = {"due": self._clock.legal_now()} if draft.state == "OPEN" else {}  # agencies are asked elsewhere
            await self.documents.insert_one(document | put | at_once)
        except DuplicateKeyError:
            return False
        return True

    async def change(
        self, journey: str, act: Callable[[Draft], bool], *, where: Mapping[str, Any] | None = None
    ) -> Journey | None:
        """Let `act` change it, unless it says False; returns it as it is then. None where there is no such journey."""
        for tried in range(_TRIES):
            await asyncio.sleep(tried * 0.01)  # another hand was faster; what it wrote is read once a majority has it
            document = await self.documents.find_one({**(where or {}), "_id": journey})
            if document is None:
                return None
            draft = await self._draft(document)
            before = dict(draft.closed)
            if not act(draft):
                return self._shown(draft)
            put = await self._settled(draft)
            change: Document = {"$set": put | {"version": document["version"] + 1}, "$unset": {"lease": "", "why": ""}}
            if draft.state != "OPEN":
                change["$unset"]["due"] = ""
            touches_other = draft.closed != before and document["parent"] is not None
            if touches_other:
                await self._wake_other(document, {"$min": {"due": self._clock.legal_now() + _IF_WE_DIE}})
            done = await self.documents.update_one({"_id": journey, "version": document["version"]}, change)
            if done.modified_count:
                if touches_other:
                    # A look that is under way was made without this, so its version must not hold.
                    await self._wake_other(document, {"$set": {"due": self._clock.legal_now()}, "$inc": {"version": 1}})
                draft.document = document | put
                return self._shown(draft)
        raise Unavailable("the journey is being changed; try again", th="รายการนี้กำลังถูกแก้ไข โปรดลองใหม่", retry_after_s=2)

    async def _settled(self, draft: Draft, *, is_new: bool = False) -> Document:
        """What is to be written: steps noted anew, with each that changed in the history, and when to look next."""
        now, today = self._clock.now(), self._clock.today()
        put: Document = {"attempts": 0, "state": "waiting"}
        if draft.life_event is not None and not draft.is_over:
            steps = self._steps(draft, today)
            for step in steps:
                code = step.service.code
                is_told = code in draft.because and step.state != "SKIPPED"
                if draft.noted.get(code) != step.state or is_told:
                    if not is_new or step.state in ("DONE", "LAPSED"):
                        draft.history.append(self._noted(draft, step, now))
                    draft.noted[code] = step.state
            self._stand(draft, stands(steps, opened_on=date.fromisoformat(draft.document["opened_on"]), on=today), now)
            look = self._courses.next_look(draft.life_event, steps, draft.facts, today)
            put["due"] = start_of(look)
            if not draft.is_looked_at and "due" in draft.document:  # the look that is due is still to come
                put["due"] = min(put["due"], draft.document["due"])
        if draft.state != "OPEN":
            put.pop("due", None)
            put |= {"state": "done", "done_at": now}
        return put | {
            "stands": draft.state,
            "closed": {code: _write_closure(one) for code, one in draft.closed.items()},
            "noted": draft.noted,
            "content": await self._people.seal(draft.person, orjson.dumps(_content(draft)), context=_CONTEXT),
        }

    def _stand(self, draft: Draft, state: JourneyState, now: datetime) -> None:
        if draft.state == state:
            return
        by: By = "CALENDAR" if state == "LAPSED" else "SYSTEM"
        draft.history.append(
            Change(at=now, step=None, before=draft.state, after=state, by=by, agency=None, why=f"JOURNEY_{state}")
        )
        draft.state = state

    @staticmethod
    def _noted(draft: Draft, step: Step, now: datetime) -> Change:
        code = step.service.code
        before = draft.noted.get(code)
        by, agency, why = draft.because.get(code, (None, None, ""))
        if by is None or step.state == "SKIPPED":
            agency = None
            by = step.by if step.by in ("OTHER_PARENT", "CALENDAR") else "SYSTEM"
            why = _WHY.get(step.state if step.by != "OTHER_PARENT" else "OTHER_PARENT", "FACTS_CHANGED")
            if step.state == "OPEN" and before != "BLOCKED":
                why = "FACTS_CHANGED"
        return Change(at=now, step=code, before=before, after=step.state, by=by, agency=agency, why=why)

    async def _wake_other(self, document: Document, look: Document) -> None:
        """What one parent did changes the other's course: have it looked at."""
        others = {"event": document["event"], "life_event": document["life_event"], "stands": "OPEN"}
        await self.documents.update_many(others | {"_id": {"$ne": document["_id"]}}, look)

    # ---- reading

    async def get(self, person: PersonId, journey: str) -> Journey | None:
        document = await self.documents.find_one({"_id": journey, "person": person})
        return None if document is None else await self._read(document)

    async def page(
        self, person: PersonId, *, state: JourneyState | None = None, first: int | None = None, after: str | None = None
    ) -> Page[Journey]:
        """The person's journeys, the one opened last first."""
        size = page_size(first)
        wanted: Document = {"person": person} | ({} if state is None else {"stands": state})
        if after is not None:
            at, last = read_cursor(JOURNEYS, after, parts=2)
            moment = _read_moment(at)
            wanted["$or"] = [{"opened_at": {"$lt": moment}}, {"opened_at": moment, "_id": {"$lt": last}}]
        found = self.documents.find(wanted).sort([("opened_at", -1), ("_id", -1)]).limit(size + 1)
        shown = [await self._read(document) async for document in found]
        return page(shown, first=size, cursor=lambda one: write_cursor(JOURNEYS, one.opened_at.isoformat(), one.id))

    async def told(self, document: Document) -> Mapping[str, FactValue]:
        """What the event itself told. NotFound where the person was erased."""
        return (await self._draft(document)).told

    async def _read(self, document: Document) -> Journey:
        return self._shown(await self._draft(document))

    def _shown(self, draft: Draft) -> Journey:
        document = draft.document
        steps = () if draft.life_event is None else self._steps(draft, self._clock.today())
        if draft.state != "OPEN":  # it stays as it was when it closed
            steps = tuple(replace(one, state=draft.noted.get(one.service.code, one.state), actor=None) for one in steps)
        return Journey(
            id=draft.id, person=draft.person, life_event=document["life_event"], event_type=document["event_type"],
            agency=document["agency"], happened_at=document["happened_at"], opened_at=document["opened_at"],
            state=draft.state, about=document.get("about"), history=tuple(draft.history), steps=steps,
        )  # fmt: skip

    def _steps(self, draft: Draft, today: date) -> tuple[Step, ...]:
        assert draft.life_event is not None  # noqa: S101 -- both callers have looked
        return self._courses.steps(
            draft.life_event, draft.facts, today, closed=draft.closed, of_other=draft.of_other,
            parent=draft.document["parent"],
        )  # fmt: skip

    async def _of_other(self, document: Document) -> Mapping[str, Closure]:
        """Which steps the other parent closed or waits for; nothing else of their journey is read."""
        if document.get("parent") is None:
            return {}
        others = {"event": document["event"], "life_event": document["life_event"], "stands": {"$ne": "WITHDRAWN"}}
        found = self.documents.find(others | {"_id": {"$ne": document["_id"]}}, {"closed": 1})
        return {code: _read_closure(one) async for other in found for code, one in other["closed"].items()}

    async def _draft(self, document: Document) -> Draft:
        person = PersonId(document["person"])
        content = orjson.loads(await self._people.open(person, document["content"], context=_CONTEXT))
        return Draft(
            id=document["_id"], person=person, life_event=self._catalogue.life_event(document["life_event"]),
            document=document, of_other=await self._of_other(document), state=document["stands"],
            told=read_facts(content["told"]), found=read_facts(content["found"]), noted=dict(document["noted"]),
            closed={code: _read_closure(one) for code, one in document["closed"].items()},
            history=[Change(**(one | {"at": datetime.fromisoformat(one["at"])})) for one in content["history"]],
        )  # fmt: skip


_WHY: Mapping[str, str] = {
    "DONE": "DONE", "OTHER_PARENT": "OTHER_PARENT", "SKIPPED": "NOT_NEEDED", "LAPSED": "DEADLINE_PASSED",
    "OPEN": "UNBLOCKED",
}  # fmt: skip


def _content(draft: Draft) -> dict[str, Any]:
    return {
        "told": write_facts(draft.told),
        "found": write_facts(draft.found),
        "history": [
            {
                "at": one.at.isoformat(), "step": one.step, "before": one.before, "after": one.after, "by": one.by,
                "agency": one.agency, "why": one.why,
            }
            for one in draft.history
        ],
    }  # fmt: skip


def _write_closure(one: Closure) -> Document:
    return {"state": one.state, "by": one.by, "at": one.at, "agency": one.agency, "ref": one.ref}


def _read_closure(kept: Document) -> Closure:
    return Closure(**kept)


def write_facts(facts: Mapping[str, FactValue]) -> dict[str, Any]:
    return {path: _write(value) for path, value in facts.items()}


def read_facts(kept: Mapping[str, Any]) -> dict[str, FactValue]:
    return {path: _read(value) for path, value in kept.items()}


def _write(value: FactValue) -> dict[str, Any]:
    match value:
        case PartialDate():
            return {"partial": value.earliest.isoformat(), "precision": value.precision}
        case date():
            return {"date": value.isoformat()}
        case Decimal():
            return {"decimal": str(value)}
    return {"none": True} if value is DID_NOT_HAPPEN else {"plain": value}


def _read(kept: dict[str, Any]) -> Any:
    match kept:
        case {"partial": earliest, "precision": precision}:
            return PartialDate(date.fromisoformat(earliest), precision)
        case {"date": day}:
            return date.fromisoformat(day)
        case {"decimal": number}:
            return Decimal(number)
        case {"none": True}:
            return DID_NOT_HAPPEN
    return kept["plain"]


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after") from exc
    if moment.tzinfo is None:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after")
    return moment
