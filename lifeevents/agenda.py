"""The calendar as an agency: what falls due for whom, and the day on which it is told.

For everyone who has signed in, the days are worked out on which something of theirs is to be told, and kept as work that
is due on its day: their own, their things', and their young children's. A plan is itself such work: it comes round every
thirty days, at each sign-in and when something is reported that changes what is known. What an event has services tell
is kept in the same way, due at once or some days later.

On its day an item is judged again by what the agencies say then. What isn't theirs, what is shut, what nobody knows or
agencies differ on is not told; where an agency doesn't answer, it waits. What is told becomes an event with the item's id,
and so is told once. What falls due for a whole population comes in by `feed` and is worked off in cells (`cells.py`); whom an
event about an area or a programme concerns is found shard by shard (`concerned.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any, Final, Protocol

import orjson

from foundation.clock import Clock, legal_day, start_of
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import derive
from foundation.language import Text
from foundation.store import Document, Index, PyMongoError, Store
from foundation.telemetry import Metrics
from lifeevents import cells as cells_module
from lifeevents.almanac import AHEAD, BIRTH, LASTING, TOO_LATE, Almanac, AlmanacRule, DueDay
from lifeevents.catalogue.model import Catalogue, EventType
from lifeevents.cells import Cells
from lifeevents.cloudevents import CALENDAR, CALENDAR_SOURCE, RawEvent
from lifeevents.concerned import KIND as SPREAD
from lifeevents.concerned import Spread
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
_FED_AT_ONCE = 1000
_CELLS_AT_ONCE, _HELPING, _HELPINGS_AT_ONCE = 40, 500, 3
_JUDGED_FOR_S = 20.0
_WHILE_DOWN_S = (900.0,)
_LONGEST_THING, _LONGEST_IDENTITY = 100, 128
_DIED: Final = "the register says that the person died"
_OF_DEATH: Final = "per_deceased"
_HOME: Final = "house.subdistrict"

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
    """How many are new to the agenda, were there already, are of people who were never heard of, and come too late to tell."""

    new: int = 0
    there: int = 0
    strangers: int = 0
    late: int = 0

    def __add__(self, other: Fed) -> Fed:
        return Fed(
            new=self.new + other.new, there=self.there + other.there, strangers=self.strangers + other.strangers,
            late=self.late + other.late,
        )  # fmt: skip


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
        self._cells = Cells(store, AGENDA, cells, told=intake.recorded_own, clock=clock, on_leg=on_leg)
        self._spread = Spread(
            store, ledger, people=people, judge=self._told_to, record=intake.record_own, clock=clock, on_leg=on_leg
        )
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

    def takes(self, rule: str) -> bool:
        """Whether `feed` is for changes by this rule: one of the calendar that isn't told by notices of its own."""
        found = self._almanac.rules.get(rule)
        return found is not None and found.event is None and not found.is_quiet

    async def feed(self, rows: Iterable[Falls], *, on_batch: Callable[[Fed], object] = lambda _: None) -> Fed:
        """Take in what falls due for many; the same again changes nothing, so after a crash all of it is fed again.

            fed = Fed()
            for batch in changes(extract, rules, since, until, …):  # or whatever finds it out
                fed += await agenda.feed(
                    Falls(rule=one.rule, day=one.day, identity=one.person)
                    for one in batch
                    if one.becomes is Outcome.ELIGIBLE and agenda.takes(one.rule)
                )

        The rows are read as they are needed and written a thousand at a time; `on_batch` hears of each. Of people whom
        nobody here has heard of there is nobody to tell. BadInput for a rule or a day that makes no sense: what was
        written before stays, and of the thousand nothing is written. Unavailable or PyMongoError: feed again.
        """
        fed, rest = Fed(), iter(rows)
        while batch := list(islice(rest, _FED_AT_ONCE)):
            one = await self._feed(batch, before=fed)
            on_batch(one)
            fed += one
        return fed

    async def _feed(self, batch: Sequence[Falls], *, before: Fed) -> Fed:
        today, row = self._clock.today(), before.new + before.there + before.strangers + before.late
        for number, one in enumerate(batch, row + 1):
            wrong = self._wrong(one, today)
            if wrong is not None:
                said, th, field = wrong
                raise BadInput(f"row {number}: {said}", th=f"แถวที่ {number}: {th}", field=field)
        in_time = [one for one in batch if one.day >= today - TOO_LATE]
        known = await self._people.hashed({one.identity for one in in_time if one.identity is not None})
        items: dict[str, Document] = {}
        strangers = again = 0
        for one in in_time:
            person = one.person or known.get(one.identity or "")
            if person is None:
                strangers += 1
                continue
            due = DueDay(rule=self._almanac.rules[one.rule], day=one.day, anchor=one.day)
            item = self._item(person, due, thing=one.thing) | {"fed": True}
            again += item["_id"] in items
            items[item["_id"]] = item
        new = await self._cells.put(list(items.values()))
        self._ledger.ring()  # for a day that is being told already it is work by itself
        return Fed(new=new, there=len(items) - new + again, strangers=strangers, late=len(batch) - len(in_time))

    def _wrong(self, row: Falls, today: date) -> tuple[str, str, str] | None:
        """What makes no sense about it: in English, in Thai, and the field."""
        rule = self._almanac.rules.get(row.rule)
        if rule is None or rule.event is not None:
            return f"no rule of the calendar: {row.rule[:100]}", "ไม่มีกฎนี้ในปฏิทิน", "rule"
        if row.day > today + 2 * AHEAD:
            return "the day is too far away", "วันที่ไกลเกินไป", "day"
        if (row.person is None) is (row.identity is None) or len(row.identity or "") > _LONGEST_IDENTITY:
            return "either a person or an identity", "ต้องระบุบุคคลเพียงอย่างเดียว", "person"
        if len(row.thing or "") > _LONGEST_THING:
            return "the key of a thing is too long", "รหัสสิ่งที่อ้างถึงยาวเกินไป", "thing"
        return None

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

    async def spread(self, event: Document, event_type: EventType, data: Mapping[str, Any]) -> int:
        """What is told because of an event that names nobody: kept as work for every shard. Returns how much is new."""
        rules = [
            rule
            for rule in self._almanac.on_event(event_type.triggers)
            # One about a single programme names the service; and nobody here is somebody's next of kin.
            if data.get("service") in (None, rule.asks[0].service.code) and not rule.to_kin
        ]
        own = self._almanac.in_own_words(event_type)
        said = {
            "given_openly": self._given(event_type, data),
            "areas": None if event_type.area is None else list(data[event_type.area]),
            "told_of": {
                "type": event["type"], "agency": event["agency"], "happened_at": event["time"].isoformat(),
                "received_at": event["received_at"].isoformat(),
                "data": {name: value for name, value in data.items() if name != event_type.area},
            },
        }  # fmt: skip
        made, at_once = 0, timedelta(0)
        for after in sorted({rule.offset for rule in rules} | ({at_once} if own is not None else set())):
            made += await self._spread.begin(
                event["_id"], [rule.id for rule in rules if rule.offset == after],
                own.id if own is not None and after == at_once else None, after=after, lasts=TOO_LATE, **said,
            )  # fmt: skip
        return made

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
        return len(ahead), self._again(ahead) if is_whole else _SOON_AGAIN

    def _again(self, ahead: Sequence[Document]) -> timedelta:
        """How soon to plan again: after the next day that an agency told, for then it tells of the one after that."""
        today = self._clock.today()
        days = (date.fromisoformat(one["anchor"]) for one in ahead if self._almanac.rules[one["rule"]].comes_again)
        over = min((day + timedelta(days=1) for day in days if day >= today), default=today + _AGAIN)
        return min(over - today, _AGAIN)

    def _all_items(self, person: PersonId, facts: PersonFacts) -> Iterator[Document]:
        for due in self._days(facts.known, is_child=False, doubts=facts.doubts):
            yield self._item(person, due)
        for scope, things in facts.things.items():
            for thing in things:
                rules = [rule for rule in self._almanac.rules.values() if rule.scope == scope]
                for due in self._days({**facts.known, **thing.known}, is_child=False, rules=rules, doubts=facts.doubts):
                    yield self._item(person, due, about=thing.person, thing=thing.key)
        announced = {name: facts.known[name] for name in self._almanac.public if name in facts.known}
        for child in facts.children:
            for due in self._days({**announced, **child.known}, is_child=True):
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
                if to_parents is is_child and self._is_worth_planning(
                    rule, due, known, lasting, doubts, is_child=is_child
                ):
                    yield due

    def _is_worth_planning(
        self, rule: AlmanacRule, due: DueDay, known: Known, lasting: Known, doubts: Collection[str], *, is_child: bool
    ) -> bool:
        """Their own days for whoever isn't ruled out for good. What comes round for everybody for whose it is today, or
        is as far as agencies can tell: else every year's tax day would be work for everyone. Of a child little more than
        the age is known here, and their agencies are asked on the day."""
        if rule.kind == "right":
            return True
        if not rule.is_everybodys:
            return self._almanac.may_come(rule, lasting, due) is not False
        comes = self._almanac.may_come(rule, known, due)
        is_open = is_child or rule.may_be_unknown or not rule.wanted.isdisjoint(doubts)
        return comes or (comes is None and is_open)

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
        change: Document = {
            "$set": {"state": "withdrawn", "why": why, "done_at": self._clock.now()}, "$unset": {"due": "", "lease": ""}
        }  # fmt: skip
        due = which | {"kind": "due"}
        result = await self._items.update_many(due | {"state": "waiting"}, change)
        return result.modified_count + await self._cells.withdraw(due, change)

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
            if item.document["kind"] == SPREAD:
                await self._spread.batch(item)
            elif item.document["kind"] == "plan":
                _, again = await self._plan(PersonId(item.document["person"]))
                await self._ledger.postpone(item, until=self._clock.legal_now() + again, why="planned", counts=False)
            else:
                verdict = await self._verdict(item.document)
                self._on_leg("agenda judged")
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

    async def _told_to(self, held: Document) -> RawEvent | None:
        """The event that tells an item which isn't kept, or None where it is told to nobody."""
        verdict = await self._verdict(held)
        return await self._event(held, verdict.rule) if verdict.is_told and verdict.rule is not None else None

    # ---- falling due, a whole cell

    async def run_cells(self, limit: int) -> int:
        """Work off what has fallen due for many; returns how many cells were claimed."""
        await self._cells.sweep()

        claims = 0

        async def one_after_another() -> None:
            nonlocal claims
            while claims < limit:
                claimed = await self._cells.ledger.claim(limit=_CELLS_AT_ONCE, now=self._clock.legal_now())
                if not claimed:
                    return
                claims += len(claimed)
                await self._work_off(claimed)

        # While one helping waits for the database, another is judged.
        await asyncio.gather(*(one_after_another() for _ in range(_HELPINGS_AT_ONCE)))
        return claims

    async def _work_off(self, cells: Sequence[Claimed]) -> None:
        """A helping of several cells, most of which are small; a worker that is killed costs the others no more than that."""
        try:
            helping = await self._cells.helping(cells, limit=_HELPING)
            judged = await self._tell_together(helping.items) if helping.items else 0
            await self._cells.settle(helping, judged=judged)
        except (PyMongoError, Unavailable) as exc:
            await self._cells.later(cells, why=f"not written: {type(exc).__name__}", counts=False)
        except Exception as exc:
            log.exception("cells of the agenda failed", extra={"cells": len(cells)})
            self._metrics.alarms.labels("agenda").inc()
            await self._cells.later(cells, why=f"unexpected: {type(exc).__name__}")

    async def _tell_together(self, items: Sequence[Document]) -> int:
        """Returns how many were judged in time, from the first on; the others are for another helping."""
        accounts = await self._people.get_many({PersonId(item["person"]) for item in items})
        now, rest, until = self._clock.legal_now(), iter(items), time.monotonic() + _JUDGED_FOR_S
        told: list[tuple[str, RawEvent]] = []
        reasons: dict[str, str] = {}
        alone: list[str] = []  # what goes wrong goes on by itself, and keeps nobody waiting

        async def one_after_another() -> None:
            for item in rest:
                person = accounts.get(item["person"])
                try:
                    if item["expires"] <= now:
                        verdict = _no("it came too late")
                    elif person is None or not person.has_account:
                        verdict = _no("no account")
                    else:
                        verdict = await self._verdict(item)
                    if verdict.is_told and verdict.rule is not None:
                        told.append((item["_id"], await self._event(item, verdict.rule)))
                    else:
                        reasons[item["_id"]] = verdict.why
                except NotFound:
                    reasons[item["_id"]] = _ERASED
                except (PyMongoError, Unavailable):
                    alone.append(item["_id"])
                except Exception:
                    log.exception("an item of the agenda failed", extra={"item": item["_id"], "kind": "due"})
                    alone.append(item["_id"])
                if time.monotonic() > until:  # agencies are slow, and the cells are ours for no longer than a lease
                    return

        await asyncio.gather(*(one_after_another() for _ in range(min(_AT_ONCE, len(items)))))
        self._on_leg("agenda judged")
        judged = len(told) + len(reasons) + len(alone)
        if told:
            refused = await self._intake.record_own([event for _, event in told])
            alone += [told[place][0] for place in refused]
            self._on_leg("agenda recorded")
        await self._cells.not_told(reasons)
        await self._cells.let_go(alone)
        return judged

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
        lives_there = await self._lives_there(person, held.get("areas"))
        if lives_there is False or (lives_there is None and not rule.may_be_unknown):
            return _no("they don't live there" if lives_there is False else "not known: where they live")
        facts = await self._facts.facts(about if is_child and about else person, wanted=rule.wanted)
        if facts.known.get("person.alive") is False:
            await self.cancel(about if is_child and about else person, why=_DIED)
            return _no("the person died")
        given = await self._opened(held)
        whom = _whom(rule, facts, held.get("thing") or (None if is_child else about), given)
        today, anchor = self._clock.today(), date.fromisoformat(held["anchor"])
        if whom is None or not (
            rule.kind in ("event", "own_words", "right") or self._follows(held, rule, facts, whom[1])
        ):
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

    async def _lives_there(self, person: PersonId, areas: Sequence[str] | None) -> bool | None:
        """Whether their home stands in one of these areas, by the civil register; where no area is meant, it does."""
        if areas is None:
            return True
        facts = await self._facts.facts(person, wanted=(_HOME,))
        if facts.doubt(_HOME) in ("DOWN", "STALE"):
            raise Unavailable("the civil register gave no answer", th="ทะเบียนราษฎรไม่ตอบ")
        home = facts.known.get(_HOME)
        return home.startswith(tuple(areas)) if isinstance(home, str) else None

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
        given = held.get("given_openly") or {}
        if "given" in held:
            context = f"agenda.given {held['_id']}"
            given = orjson.loads(await self._people.open(held["person"], held["given"], context=context))
        kinds = {path: fact.kind for path in given if (fact := self._catalogue.tellable(path)) is not None}
        return {
            path: date.fromisoformat(value) if kinds[path] == "date" else value
            for path, value in given.items()
            if path in kinds
        }

    async def _event(self, held: Document, rule: AlmanacRule) -> RawEvent:
        person = PersonId(held["person"])
        data: dict[str, Any] = {
            "citizen_id": await self._people.identity_number(person), "service": rule.asks[0].service.code,
            "occurrence": held["day"], "day": held["day"], "notification": rule.id, "group": held["group"],
        }  # fmt: skip
        if held.get("about") is not None:
            data["about_citizen_id"] = await self._people.identity_number(PersonId(held["about"]))
        if "told_of" in held:
            data["cause"] = held["told_of"]
        event = {"specversion": "1.0", "id": held["_id"], "source": CALENDAR_SOURCE, "type": RIGHT_DUE, "data": data}
        return RawEvent(event, person=person)

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
