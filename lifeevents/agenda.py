"""The calendar as an agency: what falls due for whom, and the day on which it is told.

For everyone who has signed in, the days are worked out on which something of theirs is to be told, and kept as work that
is due on its day: their own, their things', and their young children's. A plan is itself such work: it comes round every
thirty days, at each sign-in and when something is reported that changes what is known. What an event has services tell
is kept in the same way, due at once or some days later.

On its day an item is judged again by what the agencies say then. What isn't theirs, what is shut, what nobody knows or
agencies differ on is not told; where an agency doesn't answer, it waits. What is told becomes an event with the item's id,
and so is told once. What falls due for a whole population comes in by `feed` and is worked off in cells (`cells.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Protocol

import orjson

from foundation.clock import Clock, legal_day, start_of
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import derive
from foundation.language import Text
from foundation.store import Document, Index, PyMongoError, Store
from foundation.telemetry import Metrics
from lifeevents import cells as cells_module
from lifeevents.almanac import BIRTH, LASTING, TOO_LATE, Almanac, AlmanacRule, DueDay
from lifeevents.catalogue.model import Catalogue, EventType
from lifeevents.cells import Cells
from lifeevents.cloudevents import CALENDAR, CALENDAR_SOURCE, RawEvent
from lifeevents.intake import Intake
from lifeevents.register import Owned, PersonFacts
from lifeevents.rules.calendar import turns
from lifeevents.rules.engine import Engine
from lifeevents.rules.evaluate import day_of
from lifeevents.rules.ir import Facts as Known
from lifeevents.rules.ir import FactValue
from lifeevents.situation import SUBJECTS
from notifications import ledger as ledgers
from notifications.ledger import Claimed, Ledger, nothing, retry_at
from trust.people import People, PersonId

AGENDA = "agenda"
CELLS = cells_module.CELLS
_KEEP_DONE_S = 400 * 86_400
INDEXES = (
    *ledgers.indexes(AGENDA, keep_done_s=_KEEP_DONE_S),
    *cells_module.indexes(AGENDA, keep_done_s=_KEEP_DONE_S),
    Index(collection=AGENDA, keys=(("person", 1), ("kind", 1)), name="of_person"),
    Index(collection=AGENDA, keys=(("about", 1),), name="about", partial={"about": {"$exists": True}}),
)
RIGHT_DUE = "th.calendar.right.due"
_OF_AGE = 15  # from here on a person is told themself
_AGAIN = timedelta(days=30)
_SOON_AGAIN = timedelta(days=1)  # where an agency could not say what there is to plan
_AT_ONCE = 16
_CELLS_AT_ONCE, _HELPING, _HELPINGS_AT_ONCE = 32, 500, 3
_WHILE_DOWN_S = (900.0,)
_LONGEST_THING = 100
_DIED: Final = "the register says that the person died"
_OF_DEATH: Final = "per_deceased"

log = logging.getLogger(__name__)


class Facts(Protocol):
    async def facts(
        self, person: PersonId, *, wanted: Collection[str] = (), with_children: bool = False
    ) -> PersonFacts:
        """What is known of them now. Unavailable where a register doesn't answer, which is not the same as unknown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Falls:
    """What somebody found out about a whole population: that a rule falls due for someone on a day.

    Either `person` or `identity`, the keyed hash of an identity number, says for whom; `thing` for which of their things.
    """

    rule: str
    day: date
    person: PersonId | None = None
    identity: str | None = None
    thing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """How many of a batch are new to the agenda, were there already, and are of people who were never heard of."""

    new: int
    there: int
    strangers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What is to become of an item: told, or the reason why not."""

    is_told: bool
    why: str = ""
    rule: AlmanacRule | None = None


class Agenda:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        cells: Ledger,
        *,
        catalogue: Catalogue,
        engine: Engine,
        people: People,
        facts: Facts,
        intake: Intake,
        hush: Callable[[PersonId, str], Awaitable[int]],
        clock: Clock,
        metrics: Metrics,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self._items = store.collection(AGENDA)
        self._ledger = ledger
        self._cells = Cells(store, AGENDA, cells, clock=clock, on_leg=on_leg)
        self._catalogue = catalogue
        self._almanac = Almanac(catalogue, engine)
        self._people = people
        self._facts = facts
        self._intake = intake
        self._hush = hush  # withdraws what was still to ring somebody
        self._clock = clock
        self._metrics = metrics
        self._on_leg = on_leg

    # ---- what others say to it

    async def wake(self, person: PersonId) -> None:
        """Plan for this person soon: they signed in, or something happened that changes what is ahead."""
        again = {"kind": "plan", "person": person, "state": "waiting", "attempts": 0, "due": self._clock.legal_now()}
        gone = {"lease": "", "why": "", "done_at": "", "dead_at": ""}
        await self._items.update_one({"_id": _plan_id(person)}, {"$set": again, "$unset": gone}, upsert=True)
        self._ledger.ring()

    async def cancel(self, person: PersonId, *, why: str) -> int:
        """The person has died: whatever was to be told to them or about them won't be, nor ring any more.

        Returns how much was to be told. What their family is told because of the death stays.
        """
        plan = {"kind": "plan", "person": person, "state": "withdrawn", "why": why, "died": True}
        change = {"$set": plan, "$unset": {"due": "", "lease": ""}}
        await self._items.update_one({"_id": _plan_id(person)}, change, upsert=True)
        concerned = {"$or": [{"person": person}, {"about": person, "of_death": {"$exists": False}}]}
        withdrawn = await self._withdraw(concerned, why=why)
        self._on_leg("agenda withdrawn")
        await self._hush(person, why)
        return withdrawn

    async def died(self, people: Collection[PersonId]) -> set[PersonId]:
        """Those of them whose death is known."""
        plans = {"_id": {"$in": [_plan_id(person) for person in people]}, "died": True}
        return {PersonId(one["person"]) async for one in self._items.find(plans, {"person": 1})}

    async def called(self, item: str, person: PersonId) -> Text | None:
        """What the child, vehicle, parcel … is called that this person is told about."""
        found = await self._items.find_one({"_id": item, "person": person}, {"called": 1})
        if found is None or "called" not in found:
            return None
        said = orjson.loads(await self._people.open(person, found["called"], context=f"agenda.called {item}"))
        return Text(th=said["th"], en=said["en"])

    async def feed(self, batch: Sequence[Falls]) -> Fed:
        """Take in what falls due for many; the same again changes nothing. BadInput where a rule or a day makes no sense.

        All of a batch is written, or it is to be sent again. People whom nobody here has heard of have nobody to tell.
        """
        today = self._clock.today()
        for one in batch:
            if one.rule not in self._almanac.rules or self._almanac.rules[one.rule].event is not None:
                raise BadInput(f"no rule of the calendar: {one.rule[:100]}", th="ไม่มีกฎนี้ในปฏิทิน", field="rule")
            if not today - TOO_LATE <= one.day <= today + 2 * timedelta(days=366):
                raise BadInput("the day is too far away", th="วันที่ไกลเกินไป", field="day")
            if (one.person is None) is (one.identity is None) or len(one.thing or "") > _LONGEST_THING:
                raise BadInput("either a person or an identity", th="ต้องระบุบุคคลเพียงอย่างเดียว", field="person")
        known = await self._people.hashed({one.identity for one in batch if one.identity is not None})
        items: dict[str, Document] = {}
        strangers = 0
        for one in batch:
            person = one.person or known.get(one.identity or "")
            if person is None:
                strangers += 1
                continue
            due = DueDay(rule=self._almanac.rules[one.rule], day=one.day, anchor=one.day)
            item = self._item(person, due, thing=one.thing) | {"fed": True}
            items[item["_id"]] = item
        new = await self._cells.put(list(items.values()))
        return Fed(new=new, there=len(items) - new, strangers=strangers)

    async def follow(
        self, event: Document, event_type: EventType, data: Mapping[str, Any], kin: Sequence[PersonId]
    ) -> int:
        """What the services tell because of this event: kept as due, at once or so long after. Returns how much that is.

        `kin` are the living next of kin of a dead person. Whether it holds is judged when it falls due, not here.
        """
        rules = self._almanac.on_event(event_type.triggers)
        if not rules:
            return 0
        whom = [(rule, one) for rule in rules for one in await self._to_whom(rule, event["person"], kin, data)]
        accounts = await self._people.get_many({person for _, person in whom})
        given, about = self._given(event_type, data), await self._about(event_type, data)
        items = [
            await self._item_of(
                event, rule, person, PersonId(event["person"]) if rule.of == _OF_DEATH else about, given
            )
            for rule, person in whom
            if person in accounts and accounts[person].has_account
        ]
        await self._ledger.put(items)
        self._on_leg("agenda followed")
        return len(items)

    # ---- because of an event

    async def _to_whom(
        self, rule: AlmanacRule, person: PersonId, kin: Sequence[PersonId], data: Mapping[str, Any]
    ) -> Sequence[PersonId]:
        if rule.to_kin:
            return kin if rule.of == _OF_DEATH else ()
        if rule.to != "father":
            return (person,)  # the event of a birth happens to the mother, unless she isn't known
        father = data.get("father_citizen_id")
        return () if father is None else ((await self._people.ensure(father)).id,)

    def _given(self, event_type: EventType, data: Mapping[str, Any]) -> dict[str, Any]:
        """The facts that the event tells, as they stand in it. Sensitive ones count only where an agency may tell them."""
        given: dict[str, Any] = {}
        for path, place in event_type.facts:
            value: Any = data
            for key in place.split("."):
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is not None and not self._almanac.is_sensitive(path):
                given[path] = value
        return given

    async def _about(self, event_type: EventType, data: Mapping[str, Any]) -> PersonId | None:
        """The child that an event speaks of."""
        child = data.get("child")
        number = child.get("citizen_id") if isinstance(child, Mapping) else None
        if number is None or not any(path.startswith("child.") for path, _ in event_type.facts):
            return None
        return (await self._people.ensure(number)).id

    async def _item_of(
        self, event: Document, rule: AlmanacRule, person: PersonId, about: PersonId | None, given: Mapping[str, Any]
    ) -> Document:
        cause, now = event["_id"], self._clock.legal_now()
        at_once = not rule.offset
        # Whole days are legal days; an hour after the event is an hour after it.
        starts = now + rule.offset
        if not at_once and not rule.offset.seconds:
            starts = start_of(legal_day(starts))
        item: Document = {
            "_id": derive(person, "due", person, rule.id, about or "", cause), "kind": "due", "person": person,
            "rule": rule.id, "day": legal_day(starts).isoformat(), "anchor": legal_day(starts).isoformat(),
            "starts": starts, "due": starts, "expires": starts + TOO_LATE, "cause": cause,
            "group": cause if at_once else f"{cause} {rule.offset.total_seconds():.0f}",
        }  # fmt: skip
        if about is not None and rule.of in ("per_child", _OF_DEATH):
            item["about"] = about
        if rule.of == _OF_DEATH:
            item["of_death"] = True
        if given:
            context = f"agenda.given {item['_id']}"
            item["given"] = await self._people.seal(person, orjson.dumps(given), context=context)
        return item

    # ---- planning

    async def plan(self, person: PersonId) -> int:
        """Work out the person's days anew; returns how many lie ahead. Unavailable where the register doesn't answer."""
        return (await self._plan(person))[0]

    async def _plan(self, person: PersonId) -> tuple[int, timedelta]:
        """How many days lie ahead, and how soon to plan again."""
        known = await self._people.get(person)
        if known is None or not known.has_account:
            await self._withdraw({"person": person}, why="no account")
            return 0, _AGAIN
        facts = await self._facts.facts(person, wanted=self._almanac.planned, with_children=True)
        if facts.known.get("person.alive") is False:
            await self.cancel(person, why=_DIED)
            return 0, _AGAIN
        items = list(self._all_items(person, facts))
        today = self._clock.today().isoformat()
        ahead = [item for item in items if item["day"] >= today]
        await self._ledger.put(ahead)
        # What was withdrawn by mistake (a death that wasn't one) follows again.
        again: list[Document] = [
            {"$set": {"state": "waiting", "due": "$starts", "attempts": 0}},
            {"$unset": ["why", "done_at"]},
        ]
        await self._items.update_many({"_id": {"$in": [one["_id"] for one in ahead]}, "state": "withdrawn"}, again)
        await self._withdraw_others(person, items, facts)
        await self._items.update_one({"_id": _plan_id(person)}, {"$unset": {"died": ""}})
        self._on_leg("agenda planned")
        is_whole = not any(doubt in ("DOWN", "STALE") for doubt in facts.doubts.values())
        return len(ahead), _AGAIN if is_whole else _SOON_AGAIN

    def _all_items(self, person: PersonId, facts: PersonFacts) -> Iterator[Document]:
        for due in self._days(facts.known, is_child=False, doubts=facts.doubts):
            yield self._item(person, due)
        for scope, things in facts.things.items():
            for thing in things:
                rules = [rule for rule in self._almanac.rules.values() if rule.scope == scope]
                for due in self._days({**facts.known, **thing.known}, is_child=False, rules=rules, doubts=facts.doubts):
                    yield self._item(person, due, about=thing.person, thing=thing.key)
        for child in facts.children:
            for due in self._days(child.known, is_child=True):
                yield self._item(person, due, about=child.person)

    async def _withdraw_others(self, person: PersonId, items: Sequence[Document], facts: PersonFacts) -> None:
        """What no longer follows. What hangs on a fact that an agency could not tell now may still follow."""
        open_ones = [
            rule.id for rule in self._almanac.rules.values() if any(facts.doubt(path) for path in rule.hangs_on)
        ]
        every = [one["_id"] for one in items]  # also those of the past, which may not have been told yet
        mine = {"person": person, "_id": {"$nin": every}, "rule": {"$nin": open_ones}}
        others = {"cause": {"$exists": False}, "fed": {"$exists": False}}
        await self._withdraw(mine | others, why="it no longer follows from what the agencies say")

    def _days(
        self,
        known: Known,
        *,
        is_child: bool,
        rules: Sequence[AlmanacRule] | None = None,
        doubts: Collection[str] = (),
    ) -> Iterator[DueDay]:
        """The days of these rules (of all about a person) that are told to this person, or to the parents of a child."""
        birth = day_of(known, BIRTH)
        if not isinstance(birth, date):
            return
        of_age, today = turns(birth, _OF_AGE), self._clock.today()
        lasting = {fact: known[fact] for fact in LASTING if fact in known}
        for rule in self._of_person if rules is None else rules:
            if rule.event is not None or rule.is_quiet or (is_child and rule.is_everybodys and not rule.to_guardian):
                continue
            if is_child and rule.kind == "right":
                continue
            for due in self._almanac.days(rule, known, today):
                to_parents = rule.to_guardian or due.day < of_age
                if to_parents is is_child and self._is_worth_planning(rule, due, known, lasting, doubts):
                    yield due

    def _is_worth_planning(
        self, rule: AlmanacRule, due: DueDay, known: Known, lasting: Known, doubts: Collection[str]
    ) -> bool:
        """Their own days for whoever isn't ruled out for good. What comes round for everybody for whose it is today, or
        is as far as agencies can tell: else every year's tax day would be work for everyone."""
        if rule.kind == "right":
            return True
        if not rule.is_everybodys:
            return self._almanac.may_come(rule, lasting, due) is not False
        comes = self._almanac.may_come(rule, known, due)
        return comes or (comes is None and (rule.may_be_unknown or not rule.wanted.isdisjoint(doubts)))

    @property
    def _of_person(self) -> Sequence[AlmanacRule]:
        return [rule for rule in self._almanac.rules.values() if rule.scope == "per_person"]

    @staticmethod
    def _item(person: PersonId, due: DueDay, *, about: PersonId | None = None, thing: str | None = None) -> Document:
        day, starts = due.day.isoformat(), start_of(due.day)
        item = {
            "_id": derive(person, "due", person, due.rule.id, about or thing or "", day), "kind": "due",
            "person": person, "rule": due.rule.id, "day": day, "anchor": due.anchor.isoformat(), "starts": starts,
            "due": starts, "expires": start_of(due.day + TOO_LATE), "group": f"calendar {day}",
        }  # fmt: skip
        if about is not None:
            item["about"] = about
        if thing is not None:
            item["thing"] = thing
        if due.rule.of == _OF_DEATH:
            item["of_death"] = True
        return item

    async def _withdraw(self, which: Document, *, why: str) -> int:
        change = {"state": "withdrawn", "why": why, "done_at": self._clock.now()}
        result = await self._items.update_many(
            which | {"kind": "due", "state": "waiting"}, {"$set": change, "$unset": {"due": "", "lease": ""}}
        )
        return result.modified_count

    # ---- falling due, one by one

    async def run_once(self, limit: int) -> int:
        """Plan, and tell what has fallen due by the legal day; returns how many items were claimed."""
        # Each asks agencies, so no more are claimed than can be done well within a lease.
        claimed = await self._ledger.claim(limit=min(limit, 4 * _AT_ONCE), now=self._clock.legal_now())
        places = asyncio.Semaphore(_AT_ONCE)

        async def one_of(item: Claimed) -> None:
            async with places:
                await self._handle(item)

        await asyncio.gather(*(one_of(item) for item in claimed))
        return len(claimed)

    async def _handle(self, item: Claimed) -> None:
        try:
            if item.document["kind"] == "plan":
                _, again = await self._plan(PersonId(item.document["person"]))
                await self._ledger.postpone(item, until=self._clock.legal_now() + again, why="planned", counts=False)
            else:
                verdict = await self._verdict(item.document)
                said = await self._tell(item, verdict.rule) if verdict.is_told and verdict.rule else verdict.why
                await self._ledger.settle([item], receipts={item.id: said})
        except PyMongoError as exc:
            await self._later(item, f"the database did not answer: {type(exc).__name__}", counts=False)
        except Unavailable as exc:
            # It may last for days, and what is due must outlast it: no attempt is used up, and nobody is hammered.
            await self._later(item, exc.message, counts=False, schedule=_WHILE_DOWN_S)
        except NotFound:
            await self._ledger.settle([item], receipts={item.id: _ERASED})
        except Exception as exc:
            log.exception("an item of the agenda failed", extra={"item": item.id, "kind": item.document["kind"]})
            self._metrics.alarms.labels("agenda").inc()
            await self._later(item, f"unexpected: {type(exc).__name__}")

    async def _later(
        self, item: Claimed, why: str, *, counts: bool = True, schedule: Sequence[float] = ledgers.RETRY_AFTER_S
    ) -> None:
        try:
            until = retry_at(item.attempts, self._clock.legal_now(), schedule=schedule)
            await self._ledger.postpone(item, until=until, why=why, counts=counts)
        except PyMongoError:
            log.warning("an item of the agenda waits for its lease to end", extra={"item": item.id})

    async def _tell(self, item: Claimed, rule: AlmanacRule) -> str:
        receipt = await self._intake.record(await self._event(item.document, rule), by=CALENDAR)
        self._on_leg("agenda recorded")
        return f"told: {receipt.receipt}"

    # ---- falling due, a whole cell

    async def run_cells(self, limit: int) -> int:
        """Work off what has fallen due for many; returns how many cells were claimed."""
        await self._cells.sweep()

        async def some() -> int:
            claimed = await self._cells.ledger.claim(limit=min(limit, _CELLS_AT_ONCE), now=self._clock.legal_now())
            if claimed:
                await self._work_off(claimed)
            return len(claimed)

        # While one helping waits for the database, another is judged.
        return sum(await asyncio.gather(*(some() for _ in range(_HELPINGS_AT_ONCE))))

    async def _work_off(self, cells: Sequence[Claimed]) -> None:
        """A helping of several cells, most of which are small; a worker that is killed costs the others no more than that."""
        try:
            items = await self._cells.open_items([cell.id for cell in cells], limit=_HELPING)
            if items:
                await self._tell_together(items)
            reached = items[-1]["cell"] if len(items) == _HELPING else None
            await self._cells.ledger.settle([cell for cell in cells if reached is None or cell.id < reached])
            for cell in cells:
                if reached is not None and cell.id >= reached:
                    until = self._clock.legal_now()
                    await self._cells.ledger.postpone(cell, until=until, why="there is more", counts=False)
        except (PyMongoError, Unavailable) as exc:
            await self._cells.later(cells, why=f"not written: {type(exc).__name__}", counts=False)
        except Exception as exc:
            log.exception("cells of the agenda failed", extra={"cells": len(cells)})
            self._metrics.alarms.labels("agenda").inc()
            await self._cells.later(cells, why=f"unexpected: {type(exc).__name__}")

    async def _tell_together(self, items: Sequence[Document]) -> None:
        now = self._clock.legal_now()
        accounts = await self._people.get_many({PersonId(item["person"]) for item in items})
        places = asyncio.Semaphore(_AT_ONCE)
        verdicts: dict[str, _Verdict] = {}
        alone: list[str] = []  # what goes wrong goes on by itself, and keeps nobody waiting

        async def one_of(item: Document) -> None:
            person = accounts.get(item["person"])
            if item["expires"] <= now:
                verdicts[item["_id"]] = _no("it came too late")
                return
            if person is None or not person.has_account:
                verdicts[item["_id"]] = _no("no account")
                return
            async with places:
                try:
                    verdicts[item["_id"]] = await self._verdict(item)
                except NotFound:
                    verdicts[item["_id"]] = _Verdict(is_told=False, why=_ERASED)
                except (PyMongoError, Unavailable):
                    alone.append(item["_id"])
                except Exception:
                    log.exception("an item of the agenda failed", extra={"item": item["_id"], "kind": "due"})
                    alone.append(item["_id"])

        await asyncio.gather(*(one_of(item) for item in items))
        told = [(item, verdict.rule) for item in items if (verdict := verdicts.get(item["_id"])) and verdict.rule]
        events: list[RawEvent] = []
        for item, rule in told:
            try:
                events.append(await self._event(item, rule))
            except NotFound:
                verdicts[item["_id"]] = _Verdict(is_told=False, why=_ERASED)
        if events:
            await self._intake.record_each(events, by=CALENDAR)
            self._on_leg("agenda recorded")
        await self._cells.done({key: verdict.why or "told" for key, verdict in verdicts.items()})
        await self._cells.let_go(alone)

    # ---- judging

    async def _verdict(self, held: Document) -> _Verdict:
        """Whether an item is told, judged by what is known now. Unavailable where an agency that matters is silent."""
        person, about = PersonId(held["person"]), held.get("about")
        rule = self._almanac.rules.get(held["rule"])
        if rule is None:
            return _no("the catalogue no longer has it")
        if rule.is_quiet:
            return _no("the service's own notices tell it")
        # A child of whom the parents are told is a person of their own; a vehicle or a dead relative is somebody's.
        is_child = about is not None and rule.of == "per_person"
        facts = await self._facts.facts(about if is_child and about else person, wanted=rule.wanted)
        if facts.known.get("person.alive") is False:
            await self.cancel(about if is_child and about else person, why=_DIED)
            return _no("the person died")
        given = await self._opened(held)
        whom = _whom(rule, facts, held.get("thing") or (None if is_child else about), given)
        today, anchor = self._clock.today(), date.fromisoformat(held["anchor"])
        if whom is None or not (rule.kind in ("event", "right") or self._follows(held, rule, facts, whom[1])):
            return await self._gone(held, rule, facts)
        found = self._almanac.judge(rule, [{**known, **given} for known in whom[0]], today=today, anchor=anchor)
        if found.holds is None:
            doubts = {facts.doubt(path) for path in found.missing} - {None}
            if self._almanac.secret(found.missing):
                return _no("it rests on a sensitive fact that is not known")
            if not doubts.isdisjoint(("DOWN", "STALE")):
                raise Unavailable("an agency that could tell gave no answer", th="หน่วยงานที่ให้ข้อมูลได้ไม่ตอบ")
            if "DISAGREEMENT" in doubts:
                return _no("agencies say different things")
        if found.holds is None and not rule.may_be_unknown:
            return _no(f"not known: {', '.join(sorted(found.missing))}")
        if found.holds is False:
            return _no("it is closed now" if found.is_shut else "the conditions are not met")
        called = facts.called if is_child else whom[1].called if whom[1] is not None else None
        if called is not None:
            await self._keep_name(held["_id"], person, called)
        return _Verdict(is_told=True, rule=rule)

    def _follows(self, held: Document, rule: AlmanacRule, facts: PersonFacts, thing: Owned | None) -> bool:
        """Whether its day is still a day of this rule."""
        known = facts.known if thing is None else {**facts.known, **thing.known}
        person, about = PersonId(held["person"]), held.get("about")
        return any(
            self._item(person, due, about=about, thing=held.get("thing"))["_id"] == held["_id"]
            for due in self._almanac.days(rule, known, self._clock.today())
        )

    async def _gone(self, held: Document, rule: AlmanacRule, facts: PersonFacts) -> _Verdict:
        lists = {subject for subject, scope in SUBJECTS.items() if scope == rule.of}
        if any(facts.doubt(path) in ("DOWN", "STALE") for path in rule.hangs_on | lists):
            raise Unavailable("an agency that could tell gave no answer", th="หน่วยงานที่ให้ข้อมูลได้ไม่ตอบ")
        await self.wake(PersonId(held["person"]))
        return _no("it no longer follows from what the agencies say")

    async def _opened(self, held: Document) -> dict[str, FactValue]:
        """What the event told that this item comes from."""
        if "given" not in held:
            return {}
        context = f"agenda.given {held['_id']}"
        given = orjson.loads(await self._people.open(held["person"], held["given"], context=context))
        kinds = {path: fact.kind for path in given if (fact := self._catalogue.fact(path)) is not None}
        return {
            path: date.fromisoformat(value) if kinds[path] == "date" else value
            for path, value in given.items()
            if path in kinds
        }

    async def _event(self, held: Document, rule: AlmanacRule) -> RawEvent:
        numbers = [await self._people.identity_number(PersonId(held["person"]))]
        data: dict[str, Any] = {
            "citizen_id": numbers[0], "service": rule.asks[0].service.code, "occurrence": held["day"],
            "day": held["day"], "notification": rule.id, "group": held["group"],
        }  # fmt: skip
        if held.get("about") is not None:
            data["about_citizen_id"] = await self._people.identity_number(PersonId(held["about"]))
        return RawEvent(
            {"specversion": "1.0", "id": held["_id"], "source": CALENDAR_SOURCE, "type": RIGHT_DUE, "data": data}
        )

    async def _keep_name(self, item: str, person: PersonId, called: Text) -> None:
        said = orjson.dumps({"th": called.th, "en": called.en})
        sealed = await self._people.seal(person, said, context=f"agenda.called {item}")
        await self._items.update_one({"_id": item}, {"$set": {"called": sealed}})


_ERASED: Final = "not told: the person's data was erased"


def _no(why: str) -> _Verdict:
    return _Verdict(is_told=False, why=f"not told: {why}")


def _whom(
    rule: AlmanacRule, facts: PersonFacts, key: str | None, given: Known
) -> tuple[Sequence[Known], Owned | None] | None:
    """Whom or what a rule is judged for: the person, the thing that is meant, or where none is, each of theirs.

    None where the thing that is meant isn't theirs any more.
    """
    if rule.of == "per_person":
        return [facts.known], None
    things = facts.things.get(rule.of, ())
    if key is None:
        reported = _unlisted(rule, facts, given)
        return [{**facts.known, **one.known} for one in things] + reported or [facts.known], None
    for one in things:
        if one.key == key:
            return [{**facts.known, **one.known}], one
    # What an event tells of, the register may not list yet; what a plan saw there, it did.
    return ([facts.known], None) if given else None


def _unlisted(rule: AlmanacRule, facts: PersonFacts, given: Known) -> list[Known]:
    """A child whose birth was reported and whom the civil register, which did answer, doesn't list: not registered yet."""
    born = given.get("child.birth_date")
    if rule.of != "per_child" or born is None or facts.doubt("child"):
        return []
    if any(day_of(one.known, "child.birth_date") == born for one in facts.things.get("per_child", ())):
        return []
    return [{**facts.known, "child.registered": False}]


def _plan_id(person: PersonId) -> str:
    return derive(person, "plan", person)
