"""What agencies say about a person, as facts that rules can ask for, found in the background.

Only what is asked for is looked up, each look stands in the person's access log, and the ground is a public task; what
the law calls sensitive is told only where the person said yes. What no agency knows is absent; of what one could tell but
did not, or tells only from the other day, or tells otherwise than another, the reason is kept: nobody takes silence for
an answer. Without the civil register nothing is said at all: that is `Unavailable`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from agencies import dopa
from agencies.answers import Answer, Operation
from agencies.facts import Fact, Thing
from agencies.facts import Facts as FactsOfAgencies
from agencies.gateway import PUBLIC_TASK, SYSTEM, Asking, Gateway
from foundation.clock import Clock
from foundation.errors import Unavailable
from foundation.language import Text
from lifeevents.catalogue.model import Scope
from lifeevents.rules.calendar import turns
from lifeevents.rules.ir import Facts, FactValue
from lifeevents.situation import SUBJECTS, for_rules, lists_missing
from trust.people import People, PersonId
from trust.secrets import Vault

T = TypeVar("T")
Doubt = Literal["DOWN", "STALE", "DISAGREEMENT"]

BASICS: Final = frozenset({"person.alive", "person.birth_date", "person.sex", "person.nationality"})
_CHILDREN_UNTIL = 20  # years; what is planned through a parent ends long before
_PEOPLE: Final = ("child", "deceased", "relation")  # things that are people: their ids are identity numbers
_KEY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    person: PersonId
    known: Facts = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One child, vehicle, parcel, business or departed relative. `key` names it and tells nothing of it."""

    key: str
    known: Facts = field(repr=False)
    called: Text | None = field(default=None, repr=False)
    person: PersonId | None = None  # whom it is, where it is somebody


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """`known` holds facts by their path in the catalogue. `children` are the living young ones, where asked for.

    `doubts` says of facts that are not known that it is an agency's trouble; of a whole list, by the first part of the path.
    """

    known: Facts = field(repr=False)
    called: Text | None = field(default=None, repr=False)  # the first name
    children: tuple[Child, ...] = ()
    things: Mapping[Scope, tuple[Owned, ...]] = field(default_factory=dict)
    doubts: Mapping[str, Doubt] = field(default_factory=dict)

    def doubt(self, path: str) -> Doubt | None:
        return self.doubts.get(path) or self.doubts.get(path.partition(".")[0])


class Register:
    """Facts and next of kin."""

    def __init__(self, gateway: Gateway, facts: FactsOfAgencies, people: People, vault: Vault, *, clock: Clock) -> None:
        self._gateway = gateway
        self._facts = facts
        self._people = people
        self._vault = vault
        self._clock = clock

    async def facts(
        self, person: PersonId, *, wanted: Collection[str] = (), with_children: bool = False
    ) -> PersonFacts:
        """Who they are, and of the other facts those that are wanted and can be told. Or Unavailable."""
        asking = self._asking(person)
        profile, family, found = await asyncio.gather(
            _held(asking, dopa.PERSON, True),
            _held(asking, dopa.FAMILY, with_children),
            self._facts.find(asking, BASICS | frozenset(wanted)),
        )
        doubts = dict(_doubts(found.facts.values()))
        things: dict[Scope, dict[str, Owned]] = {}
        for subject, listed in found.things.items():
            scope = SUBJECTS.get(subject)
            for thing in listed if scope is not None else ():
                assert scope is not None  # noqa: S101 -- it is one of them
                owned = await self._owned(person, subject, thing, doubts)
                of_scope = things.setdefault(scope, {})
                before = of_scope.get(owned.key)
                of_scope[owned.key] = owned if before is None else _both(before, owned)
        subjects = {path.partition(".")[0] for path in wanted} & SUBJECTS.keys()
        for subject, answer in await lists_missing(self._facts, asking, subjects):
            if answer.state != "NOT_ALLOWED":
                doubts[subject] = "DOWN" if answer.state == "UNAVAILABLE" else "STALE"
        relatives = family.value.children if family is not None and family.value is not None else ()
        return PersonFacts(
            known=for_rules(_fresh(found.facts.values())),
            called=profile.value.first_name if profile is not None and profile.value is not None else None,
            children=await self._young(relatives),
            things={scope: tuple(of_scope.values()) for scope, of_scope in things.items()},
            doubts=doubts,
        )

    async def of(self, person: PersonId) -> Sequence[PersonId]:
        """The living next of kin who use the app. Or Unavailable."""
        family = await _held(self._asking(person), dopa.FAMILY, True)
        if family is None or family.value is None:
            return ()
        kin = (family.value.spouse, *family.value.children, family.value.father, family.value.mother)
        numbers = [one.person_number for one in kin if one and one.person_number and one.is_alive is not False]
        found = [await self._people.find(number) for number in dict.fromkeys(numbers)]
        return [one.id for one in found if one is not None and one.has_account]

    def _asking(self, person: PersonId) -> Asking:
        return self._gateway.asking(
            subject=person, actor=SYSTEM, purpose="proactive notice", ground=PUBLIC_TASK, patience_s=None
        )

    async def _owned(self, person: PersonId, subject: str, thing: Thing, doubts: dict[str, Doubt]) -> Owned:
        known = for_rules(_fresh(thing.facts.values()))
        doubts.update(_doubts(thing.facts.values()))
        if subject in _PEOPLE:
            somebody = (await self._people.ensure(thing.id)).id
            return Owned(key=somebody, known=known, called=thing.called, person=somebody)
        key = self._vault.lookup(f"{person} {subject} {thing.id}", purpose="thing")[:_KEY]
        return Owned(key=key, known=known, called=thing.called)

    async def _young(self, children: Sequence[dopa.Relative]) -> tuple[Child, ...]:
        today = self._clock.today()
        young = {
            one.person_number: one
            for one in children
            if one.person_number and one.is_alive is not False and today < turns(one.birth.earliest, _CHILDREN_UNTIL)
        }
        people = await self._people.ensure_many(young) if young else {}
        return tuple(Child(person=people[number].id, known=_of_relative(one)) for number, one in young.items())


def _doubts(facts: Iterable[Fact]) -> Iterator[tuple[str, Doubt]]:
    """What an agency's trouble hides."""
    for fact in facts:
        if _is_stale(fact):
            yield fact.path, "STALE"
        elif fact.state == "AGENCY_DOWN":
            yield fact.path, "DOWN"
        elif fact.state == "DISAGREEMENT":
            yield fact.path, "DISAGREEMENT"


def _fresh(facts: Iterable[Fact]) -> Iterator[Fact]:
    return (fact for fact in facts if not _is_stale(fact))


def _is_stale(fact: Fact) -> bool:
    """What it said the other day is no ground to tell somebody something."""
    return fact.source is not None and fact.source.is_stale


def _both(one: Owned, other: Owned) -> Owned:
    return Owned(key=one.key, known={**one.known, **other.known}, called=one.called, person=one.person)


async def _held(asking: Asking, operation: Operation[T], is_wanted: bool) -> Answer[T] | None:
    """The answer, with no value where the register holds nothing; None where it wasn't asked."""
    if not is_wanted:
        return None
    answer = await asking.ask(operation)
    if answer.state not in ("OK", "NOT_FOUND"):  # what it said the other day is no ground to tell somebody something
        raise Unavailable(
            f"{answer.agency} gave no answer: {answer.problem.code if answer.problem else answer.state}",
            th=f"{answer.agency} ไม่ได้ให้คำตอบ: {answer.problem.code if answer.problem else answer.state}",
            agency=answer.agency,
        )
    return answer


def _of_relative(relative: dopa.Relative) -> dict[str, FactValue]:
    known: dict[str, FactValue] = {"person.birth_date": relative.birth}
    if relative.is_alive is not None:
        known["person.alive"] = relative.is_alive
    if relative.sex is not None:
        known["person.sex"] = relative.sex.lower()
    return known
