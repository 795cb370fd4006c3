"""The course of a life event for one person on one day: each service with its state, who must act, until when, with what.

It follows from the catalogue, from what is known and from which steps were closed, and from nothing else: the same
question has the same answer, and nobody is asked. A condition that isn't known leaves its step standing and says what is
missing; one that doesn't hold skips the step, which counts as done for those that depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from lifeevents.catalogue.model import (
    Anchor,
    AnnouncedDay,
    Catalogue,
    FactDay,
    LifeEventType,
    PlannedStep,
    PublicService,
    TurnsDay,
    criteria,
)
from lifeevents.rules.availability import ENTITLEMENT_DATE, Availability, State
from lifeevents.rules.engine import Engine
from lifeevents.rules.evaluate import flips, missing
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import ALIVE, Facts

StepState = Literal["BLOCKED", "OPEN", "WAITING", "DONE", "SKIPPED", "LAPSED"]
JourneyState = Literal["OPEN", "ENDED", "LAPSED", "SUPERSEDED", "WITHDRAWN"]
Actor = Literal["PERSON", "OTHER_PARENT", "AGENCY"]
By = Literal["PERSON", "OTHER_PARENT", "AGENCY", "CALENDAR", "SYSTEM"]
Parent = Literal["mother", "father"]

_DAY = timedelta(days=1)
# A step without a deadline stands so long; what nobody has taken up by then is no longer held out.
_STANDS = timedelta(days=365)
_LOOK_AGAIN = timedelta(days=30)  # agencies may know more by then
_AHEAD = timedelta(days=5 * 366)  # so far one looks for the day from which a step's conditions can hold
_BIRTH = "person.birth_date"
_CLOSED: frozenset[StepState] = frozenset({"DONE", "SKIPPED"})
_UNFINISHED: frozenset[StepState] = frozenset({"BLOCKED", "OPEN", "WAITING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """What somebody said of a step. `ref` is the event, application or payment by which an agency said it."""

    state: Literal["DONE", "WAITING"]
    by: Literal["PERSON", "AGENCY"]
    at: datetime
    agency: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvidence:
    """A document of a step. `held_by` is an agency that can be asked for it, so that nobody need bring it."""

    evidence: str
    held_by: str | None

    @property
    def is_needed(self) -> bool:
        return self.held_by is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One service on the way. `actor` is who must act now, None where nobody can or need. `when` says until which day.

    `missing` are the facts that would tell whether the step is needed, or its deadline. `of_other` is what the other
    parent said of the same step, and no more of them.
    """

    service: PublicService
    depends_on: tuple[str, ...]
    state: StepState
    actor: Actor | None
    when: Availability
    evidence: tuple[StepEvidence, ...]
    missing: tuple[str, ...]
    by: By | None
    of_other: Literal["DONE", "WAITING"] | None = None

    @property
    def is_unfinished(self) -> bool:
        return self.state in _UNFINISHED

    @property
    def last_day(self) -> date | None:
        """The last day that is in time, or after which it is lost."""
        return self.when.closes or self.when.deadline_online or self.when.deadline


class Courses:
    """The courses of one catalogue."""

    def __init__(self, catalogue: Catalogue, engine: Engine) -> None:
        self._catalogue = catalogue
        self._engine = engine
        self._askable = {
            operation.id: agency.id
            for agency in catalogue.agencies
            for operation in agency.operations
            if operation.asked_as is not None or operation.spec is not None
        }
        self._evidence = {one.code: tuple(self._held(one)) for one in catalogue.services}
        self._wanted = {one.code: frozenset(self._asked(one)) for one in catalogue.life_events}
        # Services that are one parent's alone, by whom their notices are addressed to.
        self._parent: dict[str, Parent] = {}
        for service in catalogue.services:
            told = {one.to for one in service.notifications}
            for parent in _PARENTS:
                if told == {parent}:
                    self._parent[service.code] = parent

    def wanted(self, life_event: LifeEventType) -> frozenset[str]:
        """The facts on which its steps and their deadlines hang."""
        return self._wanted[life_event.code]

    def steps(
        self,
        life_event: LifeEventType,
        facts: Facts,
        on: date,
        *,
        closed: Mapping[str, Closure],
        of_other: Mapping[str, Closure],
        parent: Parent | None,
    ) -> tuple[Step, ...]:
        found: dict[str, Step] = {}
        facts = {ALIVE.fact: True, **facts}  # the journeys of the dead are withdrawn
        for planned in life_event.steps:
            step = self._step(planned, facts, on, closed, of_other, found)
            whose = self._parent.get(planned.service)
            if step.actor == "PERSON" and parent is not None and whose is not None and whose != parent:
                step = replace(step, actor="OTHER_PARENT")
            found[planned.service] = step
        return tuple(found.values())

    def next_look(self, life_event: LifeEventType, steps: Sequence[Step], facts: Facts, on: date) -> date:
        """The next day on which something of it may have changed."""
        days = {on + _LOOK_AGAIN}
        for step in steps:
            days.update(day + _DAY for day in (step.last_day, step.when.until) if day is not None)
            days.update(day for day in (step.when.opens,) if day is not None)
        for planned in life_event.steps:
            if planned.only_if is not None:
                days |= flips(self._engine.node(planned.only_if), facts)
        return min(day for day in days if day > on)

    def _step(
        self,
        planned: PlannedStep,
        facts: Facts,
        on: date,
        closed: Mapping[str, Closure],
        of_other: Mapping[str, Closure],
        before: Mapping[str, Step],
    ) -> Step:
        closure, other = closed.get(planned.service), of_other.get(planned.service)
        service = self._catalogue.service(planned.service)
        assert service is not None  # noqa: S101 -- the loader refuses a step that leads to no service
        when = self._engine.availability(service, facts, on)
        is_wanted, not_known = self._is_wanted(planned, facts, on)
        depends_on = [before[code].state for code in planned.depends_on if code in before]
        by: By | None = None
        state: StepState
        if is_wanted is False and (_is_beside(planned.service, closed) or _is_beside(planned.service, of_other)):
            state, by, other = "SKIPPED", "SYSTEM", None
        elif closure is not None and closure.state == "DONE":
            state, by = "DONE", closure.by
        elif other is not None and other.state == "DONE" and service.scope == "per_child":
            state, by = "DONE", "OTHER_PARENT"  # once for the child, whoever of them did it
        elif is_wanted is False or service.status == "closed" or (when.state is State.CLOSED and not when.deadline):
            state, by = "SKIPPED", "SYSTEM"
        elif closure is not None:
            state, by = "WAITING", closure.by
        elif when.state is State.CLOSED or "LAPSED" in depends_on:
            state, by = "LAPSED", "CALENDAR"
        else:
            state = "OPEN" if all(one in _CLOSED for one in depends_on) else "BLOCKED"
            when = self._held_back(service, when, facts, on)
        actor: Actor | None = None
        if state == "WAITING":
            actor = "AGENCY"
        elif state == "OPEN" and when.state is State.OPEN:
            actor = "AGENCY" if service.channels == _BY_ITSELF else "PERSON"
        return Step(
            service=service, depends_on=planned.depends_on, state=state, actor=actor, when=when,
            evidence=self._evidence[service.code], by=by, of_other=None if other is None else other.state,
            missing=tuple(dict.fromkeys((*not_known, *when.missing))) if state in _UNFINISHED else (),
        )  # fmt: skip

    def _held_back(self, service: PublicService, when: Availability, facts: Facts, on: date) -> Availability:
        """Not open before the day from which the conditions can hold, where nothing but the calendar is in the way. What
        else is in the way an earlier step may change, so it holds nothing back."""
        judged = self._engine.judge(service, facts, on)
        if judged.outcome is Outcome.UNKNOWN and _is_from_entitlement(service) and when.deadline is None:
            return replace(when, missing=tuple(dict.fromkeys((*when.missing, *judged.missing))))
        if judged.outcome is not Outcome.NOT_ELIGIBLE or when.state is not State.OPEN:
            return when
        steps = self._engine.timeline(service, facts, on, on + _AHEAD).steps
        opens = next((step.day for step in steps if step.outcome is not Outcome.NOT_ELIGIBLE), None)
        if opens is None:
            return when
        then = self._engine.availability(service, facts, opens)
        if then.state is State.NOT_YET and then.opens is not None:
            opens = then.opens
        return replace(then, state=State.NOT_YET, opens=opens, until=opens - _DAY)

    def _is_wanted(self, planned: PlannedStep, facts: Facts, on: date) -> tuple[bool | None, tuple[str, ...]]:
        if planned.only_if is None:
            return True, ()
        holds = self._engine.holds(planned.only_if, facts, on)
        return holds, missing(self._engine.node(planned.only_if), facts, on) if holds is None else ()

    def _held(self, service: PublicService) -> Iterator[StepEvidence]:
        for use in service.evidence:
            yield StepEvidence(
                evidence=use.evidence, held_by=None if use.fetch_op is None else self._askable.get(use.fetch_op)
            )

    def _asked(self, life_event: LifeEventType) -> Iterator[str]:
        for planned in life_event.steps:
            yield from (one.fact for one in criteria(planned.only_if))
            service = self._catalogue.service(planned.service)
            if service is None:
                continue
            if any(self._is_age(path) for path in service.facts):
                yield _BIRTH
            deadline = service.deadline
            if deadline is None:
                continue
            yield from _fact_of(deadline.anchor, service)
            if deadline.alternative is not None:
                yield from _fact_of(deadline.alternative.anchor, service)
            if deadline.birth_windows:
                yield _BIRTH

    def _is_age(self, path: str) -> bool:
        fact = self._catalogue.fact(path)
        return fact is not None and fact.derived is not None and fact.derived.date_fact == _BIRTH


_BY_ITSELF = ("automatic",)
_PARENTS: tuple[Parent, ...] = ("mother", "father")


def stands(steps: Sequence[Step], *, opened_on: date, on: date) -> JourneyState:
    """Ended when no step is left, lapsed when the last day of all that is left is over."""
    left = [step for step in steps if step.is_unfinished]
    if not left:
        is_lost = all(step.state != "DONE" for step in steps) and any(step.state == "LAPSED" for step in steps)
        return "LAPSED" if is_lost else "ENDED"
    if any(step.state == "WAITING" for step in left):
        return "OPEN"
    last = max(step.last_day or max(opened_on, step.when.opens or opened_on) + _STANDS for step in left)
    return "LAPSED" if on > last else "OPEN"


def _is_beside(service: str, closed: Mapping[str, Closure]) -> bool:
    """Whether one report closed this step together with another: then it was one of the two that was done."""
    ref = closed[service].ref if service in closed else None
    return ref is not None and any(one.ref == ref for code, one in closed.items() if code != service)


def _is_from_entitlement(service: PublicService) -> bool:
    anchor = None if service.deadline is None else service.deadline.anchor
    return isinstance(anchor, AnnouncedDay) and anchor.event_date == ENTITLEMENT_DATE


def _fact_of(anchor: Anchor | None, service: PublicService) -> Iterator[str]:
    match anchor:
        case FactDay(fact=fact) | TurnsDay(birth_date=fact):
            yield fact
        case AnnouncedDay(event_date=event_date) if event_date == ENTITLEMENT_DATE:
            yield from service.facts
