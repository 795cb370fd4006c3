"""What the rules are judged by: the facts of a person and of each child, vehicle, parcel … of theirs, with where each is from.

A service is judged for a `Case`: the person, or one of their things, whose facts lie over the person's. Three kinds of
null stay apart on the way: what did not happen is a value; what nobody knows is absent; and of what an agency could tell
but did not, the reason is kept, so that whoever explains can say it. A list that an agency did not give (which children,
which vehicles) is no empty list: services about them are then not known, unless the person's own facts rule them out.

Young children are persons of their own for the services that their guardian sees to, such as the first identity card.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from agencies.answers import Answer
from agencies.facts import PLANNED, Fact, Facts, FactState, Findings, Thing
from agencies.gateway import PUBLIC_TASK, SYSTEM, Asking, Gateway
from foundation.clock import Clock
from foundation.dates import PartialDate
from foundation.errors import BadInput
from foundation.language import Text
from lifeevents.catalogue.model import (
    Anchor,
    AnnouncedDay,
    FactDay,
    PublicService,
    Scope,
    TurnsDay,
    criteria,
)
from lifeevents.rules.availability import ENTITLEMENT_DATE, Availability, State
from lifeevents.rules.calendar import turns
from lifeevents.rules.engine import Engine
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import DID_NOT_HAPPEN, FactValue, asked
from trust.people import People
from trust.secrets import Vault

SUBJECTS: Final[Mapping[str, Scope]] = {
    "child": "per_child", "vehicle": "per_vehicle", "property": "per_property", "deceased": "per_deceased",
    "relation": "per_deceased", "business": "per_business",
}  # fmt: skip
"""Which things a fact is about, by the first part of its path. What somebody was to the deceased goes with the deceased."""

_PEOPLE: Final[frozenset[Scope]] = frozenset(
    {"per_person", "per_child", "per_deceased"}
)  # their ids are identity numbers
_OF_AGE = 15  # years; from then on a person sees to it themself
_MOST_WARDS = 20
_HANDLE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Whom or what services are judged for. `id` is None for the person themself, and for things of which no list came.

    `facts` is what the rules read, `known` the same facts with their sources and those that are not known with the reason.
    `supposed` are the paths that somebody only tries out.
    """

    scope: Scope
    id: str | None
    called: Text | None = field(repr=False)
    facts: Mapping[str, FactValue] = field(repr=False)
    known: Mapping[str, Fact] = field(repr=False)
    supposed: frozenset[str] = frozenset()
    list_missing: Fact | None = None

    @property
    def is_ward(self) -> bool:
        """A young child, seen as a person of their own."""
        return self.scope == "per_person" and self.id is not None

    def suppose(self, path: str, value: FactValue) -> Case:
        fact = (
            Fact(path=path, state="DID_NOT_HAPPEN")
            if value is DID_NOT_HAPPEN
            else Fact(path=path, state="KNOWN", value=value)
        )
        return replace(
            self,
            facts={**self.facts, path: value},
            known={**self.known, path: fact},
            supposed=self.supposed | {path},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """A fact that is tried out. `about` is the id of a thing, or its handle; None: the person, or each such thing."""

    path: str
    value: FactValue
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Every case of one person, the person's own first."""

    cases: tuple[Case, ...]

    @property
    def person(self) -> Case:
        return self.cases[0]

    def of(self, service: PublicService) -> Iterator[Case]:
        """The cases that a service is judged for."""
        for case in self.cases:
            if case.scope == service.scope and (not case.is_ward or is_for_guardians(service)):
                yield case


def is_for_guardians(service: PublicService) -> bool:
    """Whether it is a guardian who is told of it, so that they see to it for a young child."""
    return service.scope == "per_person" and any(told.to == "guardian" for told in service.notifications)


def judge(engine: Engine, service: PublicService, case: Case, on: date) -> Outcome:
    outcome = engine.judge(service, case.facts, on).outcome
    if case.list_missing is not None and outcome is Outcome.ELIGIBLE:
        return Outcome.UNKNOWN  # whether there is any such thing is not known
    return outcome


def awaited(service: PublicService, case: Case, now: Availability) -> str | None:
    """The date of what must happen first, where it didn't: the service is for when it does."""
    deadline = service.deadline
    if deadline is None or deadline.early is not None or deadline.kind not in ("legal", "recommended", "benefit_loss"):
        return None
    if now.state is not State.OPEN or not isinstance(deadline.anchor, FactDay):
        return None
    fact = deadline.anchor.fact
    return fact if case.facts.get(fact) is DID_NOT_HAPPEN else None


class Situations:
    """Finds situations. Asks for no more than the wanted services read, and each agency once."""

    def __init__(
        self, engine: Engine, facts: Facts, gateway: Gateway, people: People, vault: Vault, *, clock: Clock
    ) -> None:
        self._engine = engine
        self._facts = facts
        self._gateway = gateway
        self._people = people
        self._vault = vault
        self._clock = clock
        self._reads = {service.code: reads(engine, service) for service in engine.catalogue.services}

    def reads(self, service: PublicService) -> frozenset[str]:
        """The facts that bear on a service, in any way: no derived ones, but the dates they follow from."""
        return self._reads[service.code]

    async def find(self, asking: Asking, services: Sequence[PublicService], *, also: Collection[str] = ()) -> Situation:
        """The situation of whom `asking` is about, as far as these services ask for it. Never raises for an agency."""
        paths = frozenset(also).union(*(self._reads[service.code] for service in services), {"person.alive"})
        scopes = {service.scope for service in services}
        for_wards = [service for service in services if is_for_guardians(service)]
        if for_wards:
            paths |= {"child.birth_date"}
        paths |= {"deceased.death_date"} if "per_deceased" in scopes else frozenset()
        # The list itself may be all that a service asks for: which vehicles there are.
        paths |= {f"{subject}.{_LISTED[subject]}" for subject in _LISTED if SUBJECTS[subject] in scopes}
        found = await self._facts.find(asking, paths)
        person = _case("per_person", None, None, found.facts)
        wards, missing = await asyncio.gather(
            self._wards(asking, found, for_wards),
            self._lists_missing(asking, scopes),
        )
        things = list(self._things(found, person, scopes))
        unlisted = [
            replace(person, scope=scope, list_missing=why)
            for scope, why in missing.items()
            if not any(case.scope == scope for case in things)
        ]
        return Situation(cases=(person, *wards, *things, *unlisted))

    def suppose(self, situation: Situation, asking: Asking, supposed: Iterable[Supposed]) -> Situation:
        """The same situation with facts as somebody tries them out. BadInput for what makes no sense."""
        cases = list(situation.cases)
        for one in supposed:
            self._engine.check({one.path: one.value})
            scope = SUBJECTS.get(one.path.partition(".")[0], "per_person")
            if not any(one.path in read for read in self._reads.values()):
                raise BadInput(f"no service asks for {one.path}", th=f"ไม่มีบริการใดใช้ข้อเท็จจริง {one.path}", field="given")
            if one.about is None and scope != "per_person" and not any(_is_listed(case, scope) for case in cases):
                # Whoever has none yet may ask what would be if they had one.
                person = situation.person
                cases = [case for case in cases if case.scope != scope]
                cases.append(replace(person, scope=scope, id=PLANNED, called=_PLANNED))
            chosen = [
                place
                for place, case in enumerate(cases)
                if (_is_listed(case, scope) if one.about is None else self._is_meant(case, scope, one.about, asking))
            ]
            if not chosen:
                raise BadInput("you have nothing with this id", th="ไม่พบสิ่งที่อ้างถึง", field="about")
            for place in chosen:
                cases[place] = cases[place].suppose(one.path, one.value)
            if scope == "per_person" and one.about is None:
                # What is supposed of the person holds for all that is theirs.
                cases = [cases[0], *(case if case.is_ward else case.suppose(one.path, one.value) for case in cases[1:])]
        return Situation(cases=tuple(cases))

    def handle(self, asking: Asking, case: Case) -> str | None:
        """A name for a case that tells nothing of whom or what it is, and is this person's only."""
        if case.id is None:
            return None
        whose = f"{asking.subject} {case.scope} {case.id}"
        return self._vault.lookup(whose, purpose="case")[:_HANDLE]

    def shown_id(self, asking: Asking, case: Case) -> str | None:
        """The id under which a person knows one of their things: the register's own, but never somebody's number."""
        return self.handle(asking, case) if case.scope in _PEOPLE and case.id != PLANNED else case.id

    # ---- inside

    def _is_meant(self, case: Case, scope: Scope, about: str, asking: Asking) -> bool:
        if case.id is None or case.scope != scope:
            return False
        return about in (self.handle(asking, case), self.shown_id(asking, case))

    def _things(self, found: Findings, person: Case, scopes: set[Scope]) -> Iterator[Case]:
        by_id: dict[tuple[Scope, str], tuple[Text, dict[str, Fact]]] = {}
        for subject, things in found.things.items():
            scope = SUBJECTS.get(subject)
            for thing in things if scope in scopes else ():
                assert scope is not None  # noqa: S101 -- it is one of them
                by_id.setdefault((scope, thing.id), (thing.called, {}))[1].update(thing.facts)
        for (scope, name), (called, facts) in by_id.items():
            yield _case(scope, name, called, {**person.known, **facts})

    async def _wards(self, asking: Asking, found: Findings, services: Sequence[PublicService]) -> list[Case]:
        """The young children as persons. The system asks, on its public task and on behalf of the parent."""
        young = [child for child in found.things.get("child", ()) if self._is_young(child)][:_MOST_WARDS]
        if not services or not young:
            return []
        people = await self._people.ensure_many(child.id for child in young)
        paths = frozenset().union(*(self._reads[service.code] for service in services), {"person.alive"})
        asked_of = [
            self._gateway.asking(
                subject=people[child.id].id, actor=SYSTEM, purpose="entitlements of a child", ground=PUBLIC_TASK,
                on_behalf_of=asking.subject,
            )
            for child in young
        ]  # fmt: skip
        of_each = await asyncio.gather(*(self._facts.find(one, paths) for one in asked_of))
        return [
            _case("per_person", child.id, child.called, _with_household(of_child.facts, found.facts))
            for child, of_child in zip(young, of_each, strict=True)
        ]

    def _is_young(self, child: Thing) -> bool:
        born = child.facts.get("child.birth_date")
        if born is None or born.state != "KNOWN":
            return False
        day = born.value.earliest if isinstance(born.value, PartialDate) else born.value
        return self._clock.today() < turns(day, _OF_AGE)

    async def _lists_missing(self, asking: Asking, scopes: set[Scope]) -> dict[Scope, Fact]:
        """For which scopes no list came, and why."""
        subjects = [subject for subject, scope in SUBJECTS.items() if scope in scopes]
        missing: dict[Scope, Fact] = {}
        for subject, answer in await lists_missing(self._facts, asking, subjects):
            if answer.state in ("UNAVAILABLE", "NOT_ALLOWED"):
                state: FactState = "AGENCY_DOWN" if answer.state == "UNAVAILABLE" else "NOT_ALLOWED"
                missing.setdefault(SUBJECTS[subject], Fact(path=subject, state=state, problem=answer.problem))
        return missing


def for_rules(facts: Iterable[Fact]) -> dict[str, FactValue]:
    """What facts are to the rules: a value, that it did not happen, or nothing where it isn't known."""
    return {
        fact.path: fact.value if fact.state == "KNOWN" else DID_NOT_HAPPEN
        for fact in facts
        if fact.state in ("KNOWN", "DID_NOT_HAPPEN")
    }


async def lists_missing(facts: Facts, asking: Asking, subjects: Iterable[str]) -> list[tuple[str, Answer[Any]]]:
    """Of which sorts of things no fresh list came, with the answer that came instead. It was asked already, and is only
    read again."""
    return [
        (subject, heard.answer)
        for subject in subjects
        for lister in facts.sources.listing(subject)
        for heard in await facts.ask(asking, lister)
        if heard.answer is not None and heard.answer.state in ("UNAVAILABLE", "NOT_ALLOWED", "STALE")
    ]


_PLANNED = Text(th="รายการที่สมมติขึ้น", en="one that is only supposed")
# A fact of each sort of thing that the answer with the list tells too, so that the list is asked for.
_LISTED: Final = {
    "child": "birth_date", "vehicle": "type", "property": "type", "deceased": "death_date", "business": "type",
}  # fmt: skip


def reads(engine: Engine, service: PublicService) -> frozenset[str]:
    """Every fact that bears on a service: its conditions, its amounts, the days that its deadline hangs on."""
    found = set(asked(engine.rules[service.code].whole))
    for amount in service.amounts:
        if amount.when is not None:
            found.update(asked(engine.node(amount.when)))
        if amount.tiers is not None:
            found.add(amount.tiers.by)
    match service.choose_by:
        case "birth_date":
            found.add("child.birth_date")
        case "job_end":
            found.add("employment.end_date")
        case "death":
            found.add("deceased.death_date")
    deadline = service.deadline
    if deadline is not None:
        found.update(_of_anchor(deadline.anchor))
        if deadline.alternative is not None:
            found.update(_of_anchor(deadline.alternative.anchor))
        if deadline.birth_windows:
            found.add("person.birth_date")
        if deadline.announced is not None:
            found.update((deadline.announced.opens, deadline.announced.closes))
    bases: set[str] = set()
    for path in found | {one.fact for one in criteria(service.eligibility)}:
        fact = engine.catalogue.fact(path)
        if fact is None or fact.derived is None:
            bases.add(path)
            continue
        bases.add(fact.derived.date_fact)
        match fact.derived.as_of:
            case FactDay(fact=name) | AnnouncedDay(event_date=name):
                bases.add(name)
    announced = {one.id: one.agency for one in engine.catalogue.event_dates}
    return frozenset(path for path in bases if announced.get(path, "") is not None)  # without those computed here


def _of_anchor(anchor: Anchor | None) -> tuple[str, ...]:
    match anchor:
        case FactDay(fact=fact) | TurnsDay(birth_date=fact):
            return (fact,)
        case AnnouncedDay(event_date=name) if name != ENTITLEMENT_DATE:
            return (name,)
    return ()


def _case(scope: Scope, name: str | None, called: Text | None, known: Mapping[str, Fact]) -> Case:
    return Case(scope=scope, id=name, called=called, facts=for_rules(known.values()), known=known)


def _with_household(of_child: Mapping[str, Fact], of_parent: Mapping[str, Fact]) -> dict[str, Fact]:
    """What a parent said themself of the household holds for the child, where no agency says otherwise."""
    found = dict(of_child)
    for path, fact in of_parent.items():
        is_word = fact.state == "KNOWN" and fact.source is not None and fact.source.agency is None
        if path.startswith("household.") and is_word and found.get(path, fact).state != "KNOWN":
            found[path] = fact
    return found


def _is_listed(case: Case, scope: Scope) -> bool:
    return case.scope == scope and ((case.id is None) if scope == "per_person" else (case.id is not None))
