"""The door to the rules.

    engine = Engine(catalogue)
    facts = {"person.birth_date": date(1966, 10, 1), "employment.end_date": DID_NOT_HAPPEN, …}
    engine.judge(service, facts, on)

Facts are by path. One that is absent is not known, whether because nobody told it or because the agency is down; one that
did not happen is `DID_NOT_HAPPEN`. Counts (`person.age_years`) are never given: they follow from their dates. Days that
agencies announce (`election.day`, `tax.due_date`) stand in the same mapping under the id of the event date. For a
child, a vehicle, a dead relative, lay its facts over the person's: `about(person, thing)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Final

from foundation.dates import PartialDate
from foundation.errors import BadInput
from lifeevents.catalogue.model import Catalogue, Criterion, EventDate, Fact, PublicService, Requirement, Scope, close
from lifeevents.rules.amount import Amounts, ItemAmount
from lifeevents.rules.availability import ENTITLEMENT_DATE, Availability, availability
from lifeevents.rules.calendar import LeapDay
from lifeevents.rules.evaluate import evaluate, missing
from lifeevents.rules.explain import Explainer, Explanation, Outcome, Reason
from lifeevents.rules.ir import DidNotHappen, Facts, FactValue, Lowering, Rule
from lifeevents.rules.python import FALSE, TRUE, UNKNOWN, Compiled, compiled
from lifeevents.rules.timeline import Timeline, entitlement_date, timeline

_OUTCOMES: Final = {FALSE: Outcome.NOT_ELIGIBLE, UNKNOWN: Outcome.UNKNOWN, TRUE: Outcome.ELIGIBLE}
_FIRST_YEAR, _LAST_YEAR = 1850, 2200
_MAX_TEXT = 200
_NODES_KEPT = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Whether the conditions of a service hold for a person, or for one `thing` of theirs: a child, a vehicle."""

    rule: Rule
    outcome: Outcome
    thing: str | None
    facts: Facts
    on: date

    @property
    def service(self) -> PublicService:
        return self.rule.service

    @property
    def holds(self) -> bool | None:
        return None if self.outcome is Outcome.UNKNOWN else self.outcome is Outcome.ELIGIBLE

    @property
    def missing(self) -> tuple[str, ...]:
        """The facts that would decide, where it is unknown; found when asked for."""
        return missing(self.rule.whole, self.facts, self.on) if self.outcome is Outcome.UNKNOWN else ()


class Engine:
    """Every rule of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._lowering = Lowering(catalogue)
        self.rules: Mapping[str, Rule] = {service.code: self._lowering.rule(service) for service in catalogue.services}
        self._explainer = Explainer(catalogue)
        self._amounts = Amounts(catalogue, self._lowering)
        self._compiled: dict[str, Compiled] = {}
        self.node = lru_cache(maxsize=_NODES_KEPT)(self._lowering.requirement)
        """A condition that stands alone, lowered: for whoever reads it more than once."""
        self._checks: Mapping[str, Fact | EventDate] = {
            **{fact.path: fact for fact in catalogue.facts},
            **{event_date.id: event_date for event_date in catalogue.event_dates},
        }

    # ---- whether

    def judge(self, service: PublicService, facts: Facts, on: date) -> Judgement:
        rule = self.rules[service.code]
        run = self._compiled.get(service.code)
        if run is None:
            run = self._compiled[service.code] = compiled([rule])
        return Judgement(rule, _OUTCOMES[run.judge(facts.get, on)[0]], None, facts, on)

    def judge_all(
        self, person: Facts, on: date, things: Mapping[Scope, Mapping[str, Facts]] | None = None
    ) -> list[Judgement]:
        """Every service of the person, and those of each of their things by its id, one after the other."""
        found: list[Judgement] = []
        for scope, (rules, run) in self._by_scope.items():
            about_whom: list[tuple[str | None, Facts]] = (
                [(None, person)]
                if scope == "per_person"
                else [(name, about(person, thing)) for name, thing in (things or {}).get(scope, {}).items()]
            )
            for thing, facts in about_whom:
                found += [
                    Judgement(rule, _OUTCOMES[code], thing, facts, on)
                    for rule, code in zip(rules, run.judge(facts.get, on), strict=True)
                ]
        return found

    def holds(self, requirement: Requirement, facts: Facts, on: date) -> bool | None:
        """A condition that stands alone: `when` of a notification, `only_if` of a step."""
        return evaluate(self.node(requirement), facts, on)

    # ---- why, when, how much, now

    def explain(self, service: PublicService, facts: Facts, on: date) -> Explanation:
        return self._explainer.explain(self.rules[service.code], facts, on)

    def reason(self, criterion: Criterion, facts: Facts, on: date) -> Reason:
        """One condition that stands alone, explained."""
        return self._explainer.reason(criterion, self.node(criterion), None, facts, on)

    def timeline(self, service: PublicService, facts: Facts, since: date, until: date) -> Timeline:
        return timeline(self.rules[service.code], facts, since, until, leap_day=self._leap_day)

    def amount(self, service: PublicService, facts: Facts, on: date) -> tuple[ItemAmount, ...]:
        return self._amounts.amount(self.rules[service.code], facts, on)

    def availability(self, service: PublicService, facts: Facts, on: date) -> Availability:
        rule = self.rules[service.code]
        return availability(
            service, facts, on, entitled=lambda: entitlement_date(rule, facts, on), leap_day=self._leap_day
        )

    # ---- what is known

    def check(self, facts: Mapping[str, object]) -> None:
        """Refuse what no fact can be: a path that doesn't exist, a value of another type, a count. Raises BadInput."""
        for path, value in facts.items():
            said = self._wrong(path, value)
            if said is not None:
                raise BadInput(said[0], th=said[1], field=path[:_MAX_TEXT])

    def _wrong(self, path: str, value: object) -> tuple[str, str] | None:
        known = self._checks.get(path)
        shown = path[:_MAX_TEXT]
        if known is None:
            meant = close(path, self._checks)
            hint = f"; did you mean {meant}?" if meant else ""
            return f"{shown} is no fact{hint}", f"ไม่มีข้อเท็จจริง {shown}" + (f" หมายถึง {meant} หรือไม่" if meant else "")
        if path == ENTITLEMENT_DATE:
            return f"{shown} is computed, not given", f"{shown} คำนวณจากข้อเท็จจริงอื่น ระบุเองไม่ได้"
        if isinstance(known, Fact) and known.derived is not None:
            base = known.derived.date_fact
            return f"{shown} follows from {base}; give that", f"{shown} คำนวณจาก {base} ให้ระบุ {base} แทน"
        if isinstance(value, DidNotHappen):
            return None
        kind = known.kind if isinstance(known, Fact) else "date"
        choices = [choice.value for choice in known.choices] if isinstance(known, Fact) else []
        match kind:
            case "bool":
                fits = isinstance(value, bool)
            case "int":
                fits = isinstance(value, int) and not isinstance(value, bool)
            case "money" | "decimal":
                fits = (isinstance(value, int) and not isinstance(value, bool)) or (
                    isinstance(value, Decimal) and value.is_finite()
                )
            case "date":
                day = value.earliest if isinstance(value, PartialDate) else value
                fits = isinstance(day, date) and not isinstance(day, datetime)
                if isinstance(day, date) and fits and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
                    return (
                        f"{shown}: a year from {_FIRST_YEAR} to {_LAST_YEAR}",
                        f"{shown}: ปี ค.ศ. {_FIRST_YEAR} ถึง {_LAST_YEAR}",
                    )
            case _:
                fits = isinstance(value, str) and len(value) <= _MAX_TEXT and (not choices or value in choices)
                if isinstance(value, str) and choices and not fits:
                    among = ", ".join(choices)
                    return f"{shown} is one of {among}", f"{shown} ต้องเป็นค่าใดค่าหนึ่งใน {among}"
        return None if fits else (f"{shown} is of type {kind}", f"{shown} ต้องเป็นชนิด {kind}")

    # ---- inside

    @cached_property
    def _by_scope(self) -> dict[Scope, tuple[list[Rule], Compiled]]:
        scopes: dict[Scope, list[Rule]] = {}
        for rule in self.rules.values():
            scopes.setdefault(rule.service.scope, []).append(rule)
        return {scope: (rules, compiled(rules)) for scope, rules in scopes.items()}

    @property
    def _leap_day(self) -> LeapDay:
        """When one born on 29 February attains an age: as their age is declared."""
        age = self.catalogue.fact("person.age_years")
        return (age.derived.leap_day if age and age.derived else None) or "following"


def about(person: Facts, thing: Facts) -> dict[str, FactValue]:
    """The facts of one thing laid over those of its person."""
    return {**person, **thing}
