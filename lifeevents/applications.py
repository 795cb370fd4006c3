"""Requests that people have filed with agencies, and how each stands: told by the agency, kept for the person.

The states are Biz Portal's, the best public precedent, so an agency that reports there reports here with the same words.
Each change is told to the person once: what is told carries the number of the change, so an agency that repeats a report,
or a process that died between writing and telling, tells nothing twice and leaves nothing untold.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, get_args

import orjson

from foundation.clock import Clock
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import derive
from foundation.language import Text
from foundation.pages import Page, page, page_size, read_cursor, write_cursor
from foundation.store import Document, DuplicateKeyError, Index, Store
from notifications.notifier import Notice
from trust.people import People, PersonId

log = logging.getLogger(__name__)

State = Literal["CHECK", "PENDING", "APPROVED_WAITING_PAY_FEE", "PAID_FEE_CREATING_LICENSE", "COMPLETED", "REJECTED"]
Waiting = Literal["WAITING_AGENT_WORKING", "WAITING_USER_WORKING", "DONE"]
STATES: tuple[State, ...] = get_args(State)
WAITINGS: tuple[Waiting, ...] = get_args(Waiting)

APPLICATIONS = "applications"
INDEXES = (Index(collection=APPLICATIONS, keys=(("person", 1), ("updated_at", -1), ("_id", -1)), name="newest"),)
TOPIC = "application"
_CONTEXT = "applications.content"
_LONGEST_HISTORY = 50
_TRIES = 5
_LOCK_SCREEN = Text(th="คุณมีเรื่องใหม่จากหน่วยงานรัฐ", en="You have a message from a state agency")

# How each state reads to the one who waits.
SAID: Mapping[State, Text] = {
    "CHECK": Text(th="เจ้าหน้าที่กำลังตรวจสอบคำขอ", en="The agency is checking the request"),
    "PENDING": Text(th="อยู่ระหว่างพิจารณา", en="The request is being considered"),
    "APPROVED_WAITING_PAY_FEE": Text(th="อนุมัติแล้ว รอชำระค่าธรรมเนียม", en="Approved; the fee is to be paid"),
    "PAID_FEE_CREATING_LICENSE": Text(
        th="ชำระค่าธรรมเนียมแล้ว กำลังออกเอกสาร", en="The fee is paid; the document is being made"
    ),
    "COMPLETED": Text(th="เสร็จสิ้น", en="Completed"),
    "REJECTED": Text(th="ไม่อนุมัติ", en="Rejected"),
}
_YOUR_TURN = Text(th="รอท่านดำเนินการ", en="It waits for you")


class Deaths(Protocol):
    async def died(self, people: Collection[PersonId]) -> set[PersonId]: ...


OnChange = Callable[["Application"], Awaitable[None]]


async def nobody(_application: Application) -> None:
    """Who hears of a change where nobody wants to."""


class Teller(Protocol):
    async def tell(self, notice: Notice) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A request as its agency reports it. The same `reference_id` of the same kind again is the same request."""

    kind: str  # the agency's own number of this kind of request
    name: str
    reference_id: str
    reference_number: str | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    name: str
    url: str
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a request stands from now on."""

    state: State
    waiting: Waiting | None = None
    remark: str | None = None
    button: Button | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How it stood from a moment on."""

    at: datetime
    state: State
    waiting: Waiting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    id: str
    person: PersonId
    agency: str
    filed: Filed
    now: Change
    filed_at: datetime
    updated_at: datetime
    steps: tuple[Step, ...]  # the oldest first; of very many, the latest


class Applications:
    def __init__(
        self,
        store: Store,
        people: People,
        teller: Teller,
        deaths: Deaths,
        *,
        clock: Clock,
        on_change: OnChange = nobody,
    ) -> None:
        self._on_change = on_change  # heard at least once of each change
        self._applications = store.collection(APPLICATIONS)
        self._people = people
        self._teller = teller
        self._deaths = deaths
        self._clock = clock

    async def record(self, identity_number: str, filed: Filed, *, agency: str) -> str:
        """Write a request down for the person with this (parsed) identity number and tell them; returns its id.

        A repeat changes nothing.
        """
        person = (await self._people.ensure(identity_number)).id
        application = derive(person, "application", person, agency, filed.kind, filed.reference_id)
        now = self._clock.now()
        first = Change(state="CHECK")
        content = _written(filed) | _change(first) | {"steps": [_step(first, now)]}
        document: Document = {
            "_id": application, "person": person, "agency": agency, "state": first.state, "version": 1,
            "content": await self._seal(person, content), "filed_at": now, "updated_at": now,
        }  # fmt: skip
        try:
            await self._applications.insert_one(document)
        except DuplicateKeyError:
            document = await self._applications.find_one({"_id": application}) or document
        else:
            log.info("an application was recorded", extra={"application": application, "agency": agency})
        await self._tell(document)
        return application

    async def update(self, application: str, change: Change, *, agency: str) -> None:
        """Note how it stands and tell the person. NotFound where this agency reported no such request."""
        for _ in range(_TRIES):
            document = await self._applications.find_one({"_id": application, "agency": agency})
            if document is None:
                raise NotFound("RequestId not found", th="ไม่พบคำขอนี้")
            content = await self._opened(document)
            if not _is_as(content, change):
                document = await self._moved(document, content, change)
            if document is not None:
                await self._tell(document)
                return
        raise Unavailable("the request is being changed; try again", th="คำขอกำลังถูกแก้ไข โปรดลองใหม่", retry_after_s=2)

    async def page(self, person: PersonId, *, first: int | None = None, after: str | None = None) -> Page[Application]:
        """The person's requests, the one changed last first."""
        size = page_size(first)
        wanted: Document = {"person": person}
        if after is not None:
            at, last = read_cursor(APPLICATIONS, after, parts=2)
            moment = _read_moment(at)
            wanted["$or"] = [{"updated_at": {"$lt": moment}}, {"updated_at": moment, "_id": {"$lt": last}}]
        found = self._applications.find(wanted).sort([("updated_at", -1), ("_id", -1)]).limit(size + 1)
        shown = [await self._shown(document) async for document in found]
        return page(
            shown, first=size, cursor=lambda one: write_cursor(APPLICATIONS, one.updated_at.isoformat(), one.id)
        )

    async def get(self, person: PersonId, application: str) -> Application | None:
        document = await self._applications.find_one({"_id": application, "person": person})
        return None if document is None else await self._shown(document)

    async def _moved(self, document: Document, content: Mapping[str, Any], change: Change) -> Document | None:
        """The document with the change in it; None where another report came first."""
        now = self._clock.now()
        steps = [*content["steps"], _step(change, now)][-_LONGEST_HISTORY:]
        sealed = await self._seal(PersonId(document["person"]), dict(content) | _change(change) | {"steps": steps})
        put: Document = {
            "state": change.state, "content": sealed, "updated_at": now, "version": document["version"] + 1,
        }  # fmt: skip
        moved = await self._applications.update_one(
            {"_id": document["_id"], "version": document["version"]}, {"$set": put}
        )
        return document | put if moved.modified_count else None

    async def _tell(self, document: Document) -> None:
        person = PersonId(document["person"])
        if person in await self._deaths.died([person]):
            return
        application = await self._shown(document)
        await self._on_change(application)
        said, filed, change = SAID[application.now.state], application.filed, application.now
        turn = change.waiting == "WAITING_USER_WORKING"
        number = f" ({filed.reference_number})" if filed.reference_number else ""
        remark = f": {change.remark}" if change.remark else ""
        with suppress(NotFound):  # erased since
            await self._teller.tell(
                Notice(
                    origin=application.id,
                    family=TOPIC,
                    person=person,
                    occurrence=str(document["version"]),
                    topic=TOPIC,
                    title=Text(th=f"คำขอ: {filed.name}", en=f"Your request: {filed.name}"),
                    body=Text(
                        th=f"{filed.name}{number} {said.th}{' ' + _YOUR_TURN.th if turn else ''}{remark}",
                        en=f"{filed.name}{number}: {said.en}{'. ' + _YOUR_TURN.en if turn else ''}{remark}",
                    ),
                    lock_screen=_LOCK_SCREEN,
                    because={
                        "event_type": None,
                        "agency": application.agency,
                        "happened_at": application.updated_at.isoformat(),
                        "received_at": application.updated_at.isoformat(),
                    },
                )
            )

    async def _shown(self, document: Document) -> Application:
        content = await self._opened(document)
        button = content["button"]
        return Application(
            id=document["_id"],
            person=PersonId(document["person"]),
            agency=document["agency"],
            filed=Filed(
                kind=content["kind"], name=content["name"], reference_id=content["reference_id"],
                reference_number=content["reference_number"], url=content["url"],
            ),
            now=Change(
                state=document["state"], waiting=content["waiting"], remark=content["remark"],
                button=Button(**button) if button else None,
            ),
            filed_at=document["filed_at"],
            updated_at=document["updated_at"],
            steps=tuple(
                Step(at=datetime.fromisoformat(one["at"]), state=one["state"], waiting=one["waiting"])
                for one in content["steps"]
            ),
        )  # fmt: skip

    async def _opened(self, document: Document) -> dict[str, Any]:
        opened = await self._people.open(PersonId(document["person"]), document["content"], context=_CONTEXT)
        content: dict[str, Any] = orjson.loads(opened)
        return content

    async def _seal(self, person: PersonId, content: Mapping[str, Any]) -> bytes:
        return await self._people.seal(person, orjson.dumps(content), context=_CONTEXT)


def _written(filed: Filed) -> dict[str, Any]:
    return {
        "kind": filed.kind, "name": filed.name, "reference_id": filed.reference_id,
        "reference_number": filed.reference_number, "url": filed.url,
    }  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    button = change.button
    shown = button and {"name": button.name, "url": button.url, "description": button.description}
    return {"state": change.state, "waiting": change.waiting, "remark": change.remark, "button": shown}


def _step(change: Change, at: datetime) -> dict[str, Any]:
    return {"at": at.isoformat(), "state": change.state, "waiting": change.waiting}


def _is_as(content: Mapping[str, Any], change: Change) -> bool:
    return all(content[name] == value for name, value in _change(change).items())


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after") from exc
    if moment.tzinfo is None:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after")
    return moment
