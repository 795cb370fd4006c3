"""The calendar as an agency: what falls due for whom, and the day on which it is told.

For everyone who has signed in, the days that follow from a birth date are worked out and kept as work that is due on
its day: their own, and their young children's. A plan is itself such work: it comes round every thirty days and at each
sign-in, so that a corrected date or a newborn is noticed. On its day an item is judged again by what the register says
then; what is provably not theirs is not told. What is told becomes an event with the item's id, and so is told once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

import orjson

from foundation.clock import Clock, start_of
from foundation.dates import PartialDate
from foundation.errors import NotFound, Unavailable
from foundation.ids import derive
from foundation.language import Text
from foundation.store import Document, Index, PyMongoError, Store
from foundation.telemetry import Metrics
from lifeevents.catalogue.model import (
    Anchor,
    Catalogue,
    Criterion,
    DateRule,
    MonthDay,
    OnDay,
    PublicService,
    Requirement,
    TurnsDay,
    criteria,
)
from lifeevents.cloudevents import CALENDAR, CALENDAR_SOURCE, RawEvent
from lifeevents.entitlements import Entitlements, Known, turns
from lifeevents.intake import Intake
from lifeevents.register import PersonFacts
from notifications import ledger as ledgers
from notifications.ledger import Claimed, Ledger, nothing, retry_at
from trust.people import People, PersonId

AGENDA = "agenda"
INDEXES = (
    *ledgers.indexes(AGENDA, keep_done_s=400 * 86_400),
    Index(collection=AGENDA, keys=(("person", 1), ("kind", 1)), name="of_person"),
    Index(collection=AGENDA, keys=(("about", 1),), name="about", partial={"about": {"$exists": True}}),
)
RIGHT_DUE = "th.calendar.right.due"
_BIRTH = "person.birth_date"
_LASTING = (_BIRTH, "person.sex")  # what can rule something out years ahead
_OF_AGE = 15  # from here on a person is told themself
_LONGEST_LIFE = 120
_AGAIN = timedelta(days=30)
_TOO_LATE = timedelta(days=30)
_AT_ONCE = 16
_WHILE_DOWN_S = (900.0,)

log = logging.getLogger(__name__)


class Facts(Protocol):
    async def facts(
        self, person: PersonId, *, wanted: Collection[str] = (), with_children: bool = False
    ) -> PersonFacts:
        """What is known of them now. Unavailable where a register doesn't answer, which is not the same as unknown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One thing that the calendar tells: a service's notification, or a life event. `asks` says who it is for."""

    id: str
    to_guardian: bool
    anchor: Anchor
    year_when: Criterion | None
    offset: timedelta
    asks: tuple[tuple[PublicService, Requirement | None], ...]  # one of them must not be ruled out

    @property
    def facts(self) -> frozenset[str]:
        when = frozenset(one.fact for _, also in self.asks for one in criteria(also))
        return when.union(*(service.facts for service, _ in self.asks))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A rule's day for one person. `anchor` is the day that the matter itself begins."""

    rule: _Rule
    day: date
    anchor: date


class Agenda:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        *,
        catalogue: Catalogue,
        people: People,
        facts: Facts,
        intake: Intake,
        clock: Clock,
        metrics: Metrics,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self._items = store.collection(AGENDA)
        self._ledger = ledger
        self._entitlements = Entitlements(catalogue)
        self._sensitive = {fact.path for fact in catalogue.facts if fact.is_sensitive}
        self._rules = {rule.id: rule for rule in _rules(catalogue)}
        self._people = people
        self._facts = facts
        self._intake = intake
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
        """The person has died: whatever was to be told to them or about them won't be. Returns how much that was."""
        plan = {"kind": "plan", "person": person, "state": "withdrawn", "why": why, "died": True}
        change = {"$set": plan, "$unset": {"due": "", "lease": ""}}
        await self._items.update_one({"_id": _plan_id(person)}, change, upsert=True)
        return await self._withdraw({"$or": [{"person": person}, {"about": person}]}, why=why)

    async def died(self, people: Collection[PersonId]) -> set[PersonId]:
        """Those of them whose death is known."""
        plans = {"_id": {"$in": [_plan_id(person) for person in people]}, "died": True}
        return {PersonId(one["person"]) async for one in self._items.find(plans, {"person": 1})}

    async def called(self, item: str, person: PersonId) -> Text | None:
        """The first name of the child that this person is told about."""
        found = await self._items.find_one({"_id": item, "person": person}, {"called": 1})
        if found is None or "called" not in found:
            return None
        said = orjson.loads(await self._people.open(person, found["called"], context=f"agenda.called {item}"))
        return Text(th=said["th"], en=said["en"])

    # ---- planning

    async def plan(self, person: PersonId) -> int:
        """Work out the person's days anew; returns how many lie ahead. Unavailable where the register doesn't answer."""
        known = await self._people.get(person)
        if known is None or not known.has_account:
            await self._withdraw({"person": person}, why="no account")
            return 0
        facts = await self._facts.facts(person, with_children=True)
        if facts.known.get("person.alive") is False:
            await self.cancel(person, why="the register says that the person died")
            return 0
        items = [self._item(person, None, due) for due in self._days(facts.known, is_child=False)]
        for child in facts.children:
            items += [self._item(person, child.person, due) for due in self._days(child.known, is_child=True)]
        today = self._clock.today().isoformat()
        ahead = [item for item in items if item["day"] >= today]
        await self._ledger.put(ahead)
        # What was withdrawn by mistake (a death that wasn't one) follows again.
        again: list[Document] = [
            {"$set": {"state": "waiting", "due": "$starts", "attempts": 0}},
            {"$unset": ["why", "done_at"]},
        ]
        await self._items.update_many({"_id": {"$in": [one["_id"] for one in ahead]}, "state": "withdrawn"}, again)
        every = [one["_id"] for one in items]  # also those of the past, which may not have been told yet
        await self._withdraw({"person": person, "_id": {"$nin": every}}, why="it no longer follows from the register")
        await self._items.update_one({"_id": _plan_id(person)}, {"$unset": {"died": ""}})
        self._on_leg("agenda planned")
        return len(ahead)

    def _days(self, known: Known, *, is_child: bool, rules: Iterable[_Rule] | None = None) -> Iterator[_Due]:
        """The days of these rules (of all) that are told to this person, or to their parents where they are a child."""
        birth = _birth(known)
        if birth is None:
            return
        lasting = {fact: known[fact] for fact in _LASTING if fact in known}
        for rule in self._rules.values() if rules is None else rules:
            for anchor in self._anchors(rule, birth):
                due = _Due(rule=rule, day=anchor + rule.offset, anchor=anchor)
                to_parents = rule.to_guardian or due.day < turns(birth, _OF_AGE)
                if to_parents is is_child and self._judge(rule, lasting, due.anchor) is not False:
                    yield due

    def _anchors(self, rule: _Rule, birth: date) -> Iterator[date]:
        match rule.anchor:
            case TurnsDay(years=years):
                yield turns(birth, years)
            case MonthDay() as day:
                for year in range(birth.year, birth.year + _LONGEST_LIFE):
                    on = day.in_year(year)
                    if rule.year_when and self._entitlements.holds(rule.year_when, {_BIRTH: birth}, on=on).holds:
                        yield on

    @staticmethod
    def _item(person: PersonId, about: PersonId | None, due: _Due) -> Document:
        day, starts = due.day.isoformat(), start_of(due.day)
        item = {
            "_id": derive(person, "due", person, due.rule.id, about or "", day), "kind": "due", "person": person,
            "rule": due.rule.id, "day": day, "anchor": due.anchor.isoformat(), "starts": starts, "due": starts,
            "expires": start_of(due.day + _TOO_LATE),
        }  # fmt: skip
        return item if about is None else item | {"about": about}

    async def _withdraw(self, which: Document, *, why: str) -> int:
        change = {"state": "withdrawn", "why": why, "done_at": self._clock.now()}
        result = await self._items.update_many(
            which | {"kind": "due", "state": "waiting"}, {"$set": change, "$unset": {"due": "", "lease": ""}}
        )
        return result.modified_count

    # ---- falling due

    async def run_once(self, limit: int) -> int:
        """Plan, and tell what has fallen due by the legal day; returns how many items were claimed."""
        # Each asks an agency, so no more are claimed than can be done well within a lease.
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
                await self.plan(PersonId(item.document["person"]))
                await self._ledger.postpone(item, until=self._clock.legal_now() + _AGAIN, why="planned", counts=False)
            else:
                said = await self._fall_due(item)
                await self._ledger.settle([item], receipts={item.id: said})
        except PyMongoError as exc:
            await self._later(item, f"the database did not answer: {type(exc).__name__}", counts=False)
        except Unavailable as exc:
            # It may last for days, and what is due must outlast it: no attempt is used up, and nobody is hammered.
            await self._later(item, exc.message, counts=False, schedule=_WHILE_DOWN_S)
        except NotFound:
            await self._ledger.settle([item], receipts={item.id: "not told: the person's data was erased"})
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

    async def _fall_due(self, item: Claimed) -> str:
        """What came of it: `told: …` with the event's receipt, or `not told: …` and why."""
        held = item.document
        person, about = PersonId(held["person"]), held.get("about")
        rule = self._rules.get(held["rule"])
        if rule is None:
            return "not told: the catalogue no longer has it"
        facts = await self._facts.facts(about or person, wanted=rule.facts)
        if facts.known.get("person.alive") is False:
            await self.cancel(about or person, why="the register says that the person died")
            return "not told: the person died"
        days = self._days(facts.known, is_child=about is not None, rules=[rule])
        if all(self._item(person, about, due)["_id"] != item.id for due in days):
            await self.wake(person)
            return "not told: it no longer follows from the register"
        # What is told ahead is about the day it begins on.
        on = max(self._clock.today(), date.fromisoformat(held["anchor"]))
        if self._judge(rule, facts.known, on) is False:
            return "not told: the conditions are not met"
        if self._rests_on_secrets(rule, facts.known, on):
            return "not told: it rests on a sensitive fact that is not known"
        if about is not None and facts.called is not None:
            await self._keep_name(item.id, person, facts.called)
        return await self._tell(item, rule, person, about)

    async def _tell(self, item: Claimed, rule: _Rule, person: PersonId, about: PersonId | None) -> str:
        day = item.document["day"]
        data: dict[str, Any] = {
            "citizen_id": await self._people.identity_number(person), "service": rule.asks[0][0].code,
            "occurrence": day, "day": day, "notification": rule.id,
        }  # fmt: skip
        if about is not None:
            data["about_citizen_id"] = await self._people.identity_number(about)
        event = {"specversion": "1.0", "id": item.id, "source": CALENDAR_SOURCE, "type": RIGHT_DUE, "data": data}
        receipt = await self._intake.record(RawEvent(event), by=CALENDAR)
        self._on_leg("agenda recorded")
        return f"told: {receipt.receipt}"

    async def _keep_name(self, item: str, person: PersonId, called: Text) -> None:
        said = orjson.dumps({"th": called.th, "en": called.en})
        sealed = await self._people.seal(person, said, context=f"agenda.called {item}")
        await self._items.update_one({"_id": item}, {"$set": {"called": sealed}})

    def _judge(self, rule: _Rule, known: Known, on: date) -> bool | None:
        """Whether one of what the rule is about may be theirs."""
        found = [self._one(service, also, known, on) for service, also in rule.asks]
        return True if True in found else None if None in found else False

    def _one(self, service: PublicService, also: Requirement | None, known: Known, on: date) -> bool | None:
        parts = [self._entitlements.judge(service, known, on=on).holds]
        if also is not None:
            parts.append(self._entitlements.holds(also, known, on=on).holds)
        return False if False in parts else None if None in parts else True

    def _rests_on_secrets(self, rule: _Rule, known: Known, on: date) -> bool:
        """Whether every way to it leads over a sensitive fact that isn't known: a guess at it is not for an inbox."""
        return all(
            any(
                one.holds is None and one.criterion.fact in self._sensitive
                for one in self._entitlements.judge(service, known, on=on).why
            )
            for service, _ in rule.asks
        )


def _rules(catalogue: Catalogue) -> Iterator[_Rule]:
    """All that the catalogue tells on a day that follows from the person's birth date alone."""
    active = {service.code: service for service in catalogue.services if service.status == "active"}
    for service in active.values():
        for told in service.notifications:
            if isinstance(told.trigger, OnDay) and told.to in ("self", "guardian"):
                anchor, year_when = told.trigger.anchor, told.trigger.year_when
                if _is_birthday(anchor) or _is_of_birth(catalogue, anchor, year_when):
                    yield _Rule(
                        id=told.id,
                        to_guardian=told.to == "guardian",
                        anchor=anchor,
                        year_when=year_when,
                        offset=told.offset,
                        asks=((service, told.when),),
                    )
    for event in catalogue.life_events:
        asks = tuple((active[step.service], step.only_if) for step in event.steps if step.service in active)
        if isinstance(event.trigger, DateRule) and _is_birthday(event.trigger.day) and asks:
            yield _Rule(
                id=event.code,
                to_guardian=False,
                anchor=event.trigger.day,
                year_when=None,
                offset=timedelta(0),
                asks=asks,
            )


def _is_birthday(anchor: Anchor) -> bool:
    return isinstance(anchor, TurnsDay) and anchor.birth_date == _BIRTH


def _is_of_birth(catalogue: Catalogue, anchor: Anchor, year_when: Criterion | None) -> bool:
    fact = catalogue.fact(year_when.fact) if year_when is not None else None
    is_counted = fact is not None and fact.derived is not None and fact.derived.date_fact == _BIRTH
    return isinstance(anchor, MonthDay) and is_counted


def _birth(known: Known) -> date | None:
    """The day from which the law counts: the first day it can have been, where the register doesn't know it all."""
    birth = known.get(_BIRTH)
    if isinstance(birth, PartialDate):
        return birth.earliest
    return birth if isinstance(birth, date) else None


def _plan_id(person: PersonId) -> str:
    return derive(person, "plan", person)
