"""What is told of itself, and on which days: a pure reading of the catalogue.

A rule of the almanac is a notification of a service, with a day or with an event; a life event that comes with an age;
an event about an area or a programme in its own words; or a service as such, told on the day from which a person is
entitled and can act. A service that tells its days itself, by notifications, isn't told that way too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, Literal

from lifeevents.catalogue.model import (
    Anchor,
    AnnouncedDay,
    Catalogue,
    DateRule,
    EventNotice,
    EventType,
    FactDay,
    MonthDay,
    Notification,
    OnDay,
    OnEvent,
    PublicService,
    Requirement,
    Scope,
    TurnsDay,
    criteria,
)
from lifeevents.rules.availability import State
from lifeevents.rules.calendar import turns
from lifeevents.rules.engine import Engine
from lifeevents.rules.evaluate import day_of, evaluate, missing
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import Facts, Node, asked
from lifeevents.situation import SUBJECTS, reads

BIRTH: Final = "person.birth_date"
LASTING: Final = (BIRTH, "person.sex", "child.birth_date")
"""What can rule something out years ahead."""

AHEAD: Final = timedelta(days=366)
TOO_LATE: Final = timedelta(days=30)
_LONGEST_LIFE = 120
_KIN: Final = ("family", "heir", "funeral_organizer")
_TOLD: Final = ("self", "guardian", "father", "mother", *_KIN)
_MAY = re.compile(r"\bmay\b")
_SHUT: Final = (State.CLOSED, State.NO_ROUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A service that must be open to somebody, with what a notification asks besides."""

    service: PublicService
    also: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlmanacRule:
    """One thing that is told of itself. One of its `asks` must hold.

    `scope` is what its day hangs on: with `per_vehicle`, each vehicle has a day of its own. `of` says what its services
    are about. `may_be_unknown`: it says "may", so it can be told to whom it may concern. `for_all`: of those who live where
    it happened nothing more is asked; its services are what they are shown.
    """

    id: str
    kind: Literal["day", "event", "own_words", "life_event", "right"]
    to: str
    of: Scope
    scope: Scope
    asks: tuple[Ask, ...]
    wanted: frozenset[str]
    anchor: Anchor | None = None
    year_when: Node | None = None
    offset: timedelta = timedelta(0)
    event: str | None = None
    may_be_unknown: bool = False
    is_quiet: bool = False
    for_all: bool = False

    @property
    def to_guardian(self) -> bool:
        return self.to == "guardian"

    @property
    def to_kin(self) -> bool:
        return self.to in _KIN

    @property
    def is_everybodys(self) -> bool:
        """Whether its day is the same for everyone: nothing of the person's own brings it."""
        return self.year_when is None and isinstance(self.anchor, MonthDay | AnnouncedDay)

    @property
    def hangs_on(self) -> frozenset[str]:
        """The facts without which its day is not known."""
        match self.anchor:
            case FactDay(fact=fact) | TurnsDay(birth_date=fact) | AnnouncedDay(event_date=fact):
                return frozenset({fact})
        return self.wanted if self.kind == "right" else frozenset()

    @property
    def comes_again(self) -> bool:
        """Whether, once its day is over, the agency that told it tells the next."""
        return isinstance(self.anchor, FactDay | AnnouncedDay)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """A rule's day. `anchor` is the day that the matter itself begins."""

    rule: AlmanacRule
    day: date
    anchor: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether it may be told: `holds` in three values, and what it is that isn't known or shuts it."""

    holds: bool | None
    missing: frozenset[str] = frozenset()
    is_shut: bool = False


_HOLDS: Final = Finding(holds=True)
_IS_NOT_SO: Final = Finding(holds=False)


class Almanac:
    def __init__(self, catalogue: Catalogue, engine: Engine) -> None:
        self._catalogue = catalogue
        self._engine = engine
        self._sensitive = {fact.path for fact in catalogue.facts if fact.is_sensitive}
        self.public = frozenset(
            path
            for spec in catalogue.specs
            if not spec.names_person
            for path in spec.facts
            if catalogue.event_date(path)
        )  # the days that are announced to everybody, or to a province
        self.rules: Mapping[str, AlmanacRule] = {rule.id: rule for rule in self._read()}
        self._by_event: dict[str, list[AlmanacRule]] = {}
        for rule in self.rules.values():
            if rule.event is not None:
                self._by_event.setdefault(rule.event, []).append(rule)
        self.planned = frozenset().union(
            *(rule.wanted for rule in self.rules.values() if rule.event is None and not rule.is_quiet)
        )

    def on_event(self, triggers: Iterable[str]) -> list[AlmanacRule]:
        """What is told when an event is reported that answers to these names."""
        return [rule for name in triggers for rule in self._by_event.get(name, ())]

    def in_own_words(self, event_type: EventType) -> AlmanacRule | None:
        """What an event about an area or a programme says itself."""
        return self.rules.get(event_type.type)

    # ---- when

    def days(self, rule: AlmanacRule, known: Facts, today: date) -> Iterator[DueDay]:
        """The rule's days as they follow from these facts: those of a lifetime, or what comes round within a year."""
        if rule.kind == "right":
            for day in self._openings(rule.asks[0].service, known, today):
                yield DueDay(rule=rule, day=day, anchor=day)
            return
        for anchor in self._anchors(rule, known, today):
            yield DueDay(rule=rule, day=anchor + rule.offset, anchor=anchor)

    def _anchors(self, rule: AlmanacRule, known: Facts, today: date) -> Iterator[date]:
        first, last = today - TOO_LATE - rule.offset, today + AHEAD - rule.offset
        match rule.anchor:
            case TurnsDay(birth_date=fact, years=years):
                born = day_of(known, fact)
                if isinstance(born, date):
                    yield turns(born, years, leap_day=self._engine_leap_day)
            case FactDay(fact=fact):
                day = day_of(known, fact)
                if isinstance(day, date):
                    yield day
            case MonthDay() as yearly if rule.year_when is not None:
                born = day_of(known, BIRTH)
                since = born.year if isinstance(born, date) else first.year
                until = since + _LONGEST_LIFE if isinstance(born, date) else last.year + 1
                for year in range(since, until):
                    if evaluate(rule.year_when, known, yearly.in_year(year)):
                        yield yearly.in_year(year)
            case MonthDay() as yearly:
                yield from (
                    day for year in range(first.year, last.year + 1) if first <= (day := yearly.in_year(year)) <= last
                )
            case AnnouncedDay(event_date="month_start"):
                months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
                yield from (
                    day for one in months if first <= (day := date(one // 12, one % 12 + 1, 1)) <= last
                )  # fmt: skip
            case AnnouncedDay(event_date=name):
                day = day_of(known, name)
                if isinstance(day, date):
                    yield day

    @property
    def _engine_leap_day(self) -> Literal["following", "preceding"]:
        age = self._catalogue.fact("person.age_years")
        return (age.derived.leap_day if age is not None and age.derived is not None else None) or "following"

    def _openings(self, service: PublicService, known: Facts, today: date) -> Iterator[date]:
        """The days of the coming year from which the person is entitled and can act."""
        # From a while ago: what opened the other day is perhaps still to be told.
        steps = self._engine.timeline(service, known, today - TOO_LATE, today + AHEAD).steps
        for before, step in pairwise(steps):
            if step.is_open and not before.is_open:
                yield step.day

    # ---- whether

    def judge(self, rule: AlmanacRule, whom: Sequence[Facts], *, today: date, anchor: date) -> Finding:
        """Whether it may be told today. `whom`: the facts of the person with each of the things that it may be about.

        What is told ahead may be about what begins on the anchor's day, or about what ends then; so both days count.
        """
        if rule.for_all:
            return _HOLDS
        days = (today, anchor) if anchor > today and rule.kind != "right" else (today,)
        found = [self._one(rule, ask, facts, day) for ask in rule.asks for facts in whom for day in days]
        if any(one.holds for one in found):
            return _HOLDS
        open_ones = [one for one in found if one.holds is None]
        if open_ones:
            return Finding(holds=None, missing=frozenset().union(*(one.missing for one in open_ones)))
        return Finding(holds=False, is_shut=any(one.is_shut for one in found))

    def _one(self, rule: AlmanacRule, ask: Ask, facts: Facts, on: date) -> Finding:
        judged = self._engine.judge(ask.service, facts, on)
        also = None if ask.also is None else evaluate(ask.also, facts, on)
        if judged.outcome is Outcome.NOT_ELIGIBLE or (ask.also is not None and also is False):
            return _IS_NOT_SO
        state = self._engine.availability(ask.service, facts, on).state
        if state in _SHUT or (rule.kind == "right" and state is not State.OPEN):
            return Finding(holds=False, is_shut=True)
        if judged.outcome is Outcome.ELIGIBLE and (ask.also is None or also):
            return _HOLDS
        also_missing = missing(ask.also, facts, on) if ask.also is not None else ()
        return Finding(holds=None, missing=frozenset((*judged.missing, *also_missing)))

    def may_come(self, rule: AlmanacRule, known: Facts, due: DueDay) -> bool | None:
        """Whether these facts make it theirs on its day, or rule it out; rounds and deadlines may still change."""
        found = [self._theirs(ask, known, day) for ask in rule.asks for day in {due.day, max(due.day, due.anchor)}]
        return True if True in found else None if None in found else False

    def _theirs(self, ask: Ask, known: Facts, day: date) -> bool | None:
        outcome = self._engine.judge(ask.service, known, day).outcome
        also = True if ask.also is None else evaluate(ask.also, known, day)
        if outcome is Outcome.NOT_ELIGIBLE or also is False:
            return False
        return True if outcome is Outcome.ELIGIBLE and also else None

    def secret(self, paths: Iterable[str]) -> bool:
        """Whether one of these is a sensitive fact: a guess at it is not for an inbox."""
        return not self._sensitive.isdisjoint(paths)

    def is_sensitive(self, path: str) -> bool:
        return path in self._sensitive

    # ---- reading the catalogue

    def _read(self) -> Iterator[AlmanacRule]:
        active = {service.code: service for service in self._catalogue.services if service.status == "active"}
        for service in self._catalogue.services:
            if service.status in ("programme_round", "closed_waiting_round"):
                # No day brings these, but an event may: that a round opens. Whether one is open is judged then.
                for one in service.notifications:
                    if one.to in _TOLD and isinstance(one.trigger, OnEvent):
                        yield self._notification(service, one)
        for event_type in self._catalogue.event_types:
            if event_type.person is None and event_type.notice is not None:
                yield self._own_words(event_type, event_type.notice)
        for service in active.values():
            told = [one for one in service.notifications if one.to in _TOLD]
            for notification in told:
                yield self._notification(service, notification)
            tells_days = any(isinstance(one.trigger, OnDay) for one in told)
            yield AlmanacRule(
                id=service.code, kind="right", to="self", of=self._about(service, ()), scope=self._about(service, ()),
                asks=(Ask(service=service, also=None),), wanted=reads(self._engine, service), is_quiet=tells_days,
            )  # fmt: skip
        for event in self._catalogue.life_events:
            steps = [(active[step.service], step.only_if) for step in event.steps if step.service in active]
            if steps and isinstance(event.trigger, DateRule) and _is_birthday(event.trigger.day):
                yield AlmanacRule(
                    id=event.code, kind="life_event", to="self", of="per_person", scope="per_person",
                    asks=tuple(Ask(service=service, also=self._node(only_if)) for service, only_if in steps),
                    wanted=frozenset().union(*(reads(self._engine, service) for service, _ in steps), {BIRTH})
                    | self._facts_of(*(only_if for _, only_if in steps)),
                    anchor=event.trigger.day,
                )  # fmt: skip

    def _notification(self, service: PublicService, told: Notification) -> AlmanacRule:
        anchor = told.trigger.anchor if isinstance(told.trigger, OnDay) else None
        year_when = told.trigger.year_when if isinstance(told.trigger, OnDay) else None
        of_anchor = self._facts_of_anchor(anchor)
        of = self._about(service, (*of_anchor, *self._facts_of(told.when)))
        hangs_on = {SUBJECTS.get(path.partition(".")[0]) for path in of_anchor}
        return AlmanacRule(
            id=told.id,
            kind="event" if isinstance(told.trigger, OnEvent) else "day",
            to=told.to,
            of=of,
            scope=of if of in hangs_on else "per_person",
            asks=(Ask(service=service, also=self._node(told.when)),),
            wanted=reads(self._engine, service) | self._facts_of(told.when, year_when) | frozenset(of_anchor),
            anchor=anchor,
            year_when=self._node(year_when),
            offset=told.offset,
            event=told.trigger.event if isinstance(told.trigger, OnEvent) else None,
            may_be_unknown=_MAY.search(told.message.en) is not None,
        )

    def _own_words(self, event_type: EventType, notice: EventNotice) -> AlmanacRule:
        """Told to who lives in the area; where there is none, to those whom the event's services are for."""
        asks = tuple(
            Ask(service=service, also=self._node(told.when))
            for service in self._catalogue.services
            for told in service.notifications
            if isinstance(told.trigger, OnEvent) and told.trigger.event in event_type.triggers
        )
        for_all = event_type.area is not None
        wanted = () if for_all else (reads(self._engine, one.service) for one in asks)
        return AlmanacRule(
            id=event_type.type, kind="own_words", to="self", of="per_person", scope="per_person", asks=asks,
            wanted=frozenset().union(*wanted), event=event_type.type, for_all=for_all,
            may_be_unknown=_MAY.search(notice.body.en) is not None,
        )  # fmt: skip

    def _about(self, service: PublicService, others: Iterable[str]) -> Scope:
        """What the service is really judged by: one `per_vehicle` that asks nothing of a vehicle is about the person."""
        subjects = {path.partition(".")[0] for path in (*reads(self._engine, service), *others)}
        return service.scope if any(SUBJECTS.get(one) == service.scope for one in subjects) else "per_person"

    def _node(self, requirement: Requirement | None) -> Node | None:
        return None if requirement is None else self._engine.node(requirement)

    def _facts_of(self, *requirements: Requirement | None) -> frozenset[str]:
        """The facts that conditions read; of what is counted, the dates."""
        found: set[str] = set()
        for requirement in requirements:
            if requirement is not None:
                found.update(asked(self._engine.node(requirement)))
                found.update(
                    one.fact for one in criteria(requirement) if not self._is_derived(one.fact)
                )  # a fact that a fold leaves out still has a source
        return frozenset(found)

    def _facts_of_anchor(self, anchor: Anchor | None) -> tuple[str, ...]:
        match anchor:
            case FactDay(fact=fact) | TurnsDay(birth_date=fact):
                return (fact,)
            case AnnouncedDay(event_date=name) if self._catalogue.tellable(name) is not None:
                return (name,)  # the others are computed
        return ()

    def _is_derived(self, path: str) -> bool:
        fact = self._catalogue.fact(path)
        return fact is None or fact.derived is not None


def _is_birthday(anchor: Anchor) -> bool:
    return isinstance(anchor, TurnsDay) and anchor.birth_date == BIRTH
