"""When: the outcome of a service, and whether one can act, as steps over a period, the facts being what they are.

The days on which something may change follow from the rule itself, so nothing between two looks is missed and no day is
tried that could not matter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from lifeevents.catalogue.model import AnnouncedDay, PublicService
from lifeevents.rules.availability import ENTITLEMENT_DATE, State, availability
from lifeevents.rules.calendar import LeapDay
from lifeevents.rules.evaluate import evaluate, flips
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import Facts, Node, Rule

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """From this day on."""

    day: date
    outcome: Outcome
    state: State

    @property
    def is_open(self) -> bool:
        """Whether one can be invited to act."""
        return self.outcome is Outcome.ELIGIBLE and self.state is State.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The first step begins on the first day of the period; each later one is a change."""

    service: PublicService
    since: date
    until: date
    steps: tuple[Step, ...]

    def at(self, day: date) -> Step:
        if not self.since <= day <= self.until:
            raise ValueError(f"{day} lies outside {self.since} to {self.until}")
        return self.steps[bisect_right(self.steps, day, key=lambda step: step.day) - 1]

    def next_change(self, after: date | None = None) -> Step | None:
        """The first change after a day (the first of the period, if none is given)."""
        day = after or self.since
        return next((step for step in self.steps[1:] if step.day > day), None)


def timeline(rule: Rule, facts: Facts, since: date, until: date, *, leap_day: LeapDay = "following") -> Timeline:
    """Both days included."""
    if until < since:
        raise ValueError("a timeline ends after it begins")
    outcomes = list(_runs(rule.whole, facts, since, until))
    steps: list[Step] = []
    for number, (day, outcome) in enumerate(outcomes):
        end = outcomes[number + 1][0] - _DAY if number + 1 < len(outcomes) else until
        for opens, state in _states(rule, facts, day, end, leap_day):
            if not steps or (steps[-1].outcome, steps[-1].state) != (outcome, state):
                steps.append(Step(opens, outcome, state))
    return Timeline(service=rule.service, since=since, until=until, steps=tuple(steps))


def entitlement_date(rule: Rule, facts: Facts, on: date) -> date | None:
    """The first day of the run of ELIGIBLE that a day lies in; None outside of one, or where it has no beginning."""
    node = rule.whole
    if evaluate(node, facts, on) is not True:
        return None
    for day in sorted((day for day in flips(node, facts) if day <= on), reverse=True):
        if day > date.min and evaluate(node, facts, day - _DAY) is not True:
            return day
    return None


def _runs(node: Node, facts: Facts, since: date, until: date) -> Iterator[tuple[date, Outcome]]:
    """Where the outcome begins and each day on which it becomes another."""
    last: Outcome | None = None
    for day in sorted({since, *(day for day in flips(node, facts) if since < day <= until)}):
        outcome = Outcome.of(evaluate(node, facts, day))
        if outcome is not last:
            yield day, outcome
            last = outcome


def _states(rule: Rule, facts: Facts, since: date, until: date, leap_day: LeapDay) -> Iterator[tuple[date, State]]:
    """The same for the availability, within one run of the outcome (in which the entitlement date stays one)."""
    deadline = rule.service.deadline
    begun = (
        entitlement_date(rule, facts, since)
        if deadline is not None and deadline.anchor == AnnouncedDay(event_date=ENTITLEMENT_DATE)
        else None
    )
    day = since
    while True:
        found = availability(rule.service, facts, day, entitled=lambda: begun, leap_day=leap_day)
        yield day, found.state
        if found.until is None or found.until >= until:
            return
        day = found.until + _DAY
