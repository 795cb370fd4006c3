"""What the state's registers say about a person, as facts that rules can ask for.

Only what is asked for is looked up, each look stands in the person's access log, and the ground is a public task. A
register that holds nothing says something (no card was ever issued); one that doesn't answer says nothing at all, and
is `Unavailable`, so that nobody takes silence for an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from agencies import dopa, sso
from agencies.answers import Answer, Operation
from agencies.gateway import PUBLIC_TASK, SYSTEM, Asking, Gateway
from foundation.clock import Clock
from foundation.dates import PartialDate
from foundation.errors import Unavailable
from foundation.language import Text
from lifeevents.entitlements import Known, turns
from trust.people import People, PersonId

T = TypeVar("T")

_CHILDREN_UNTIL = 20  # years; what is planned through a parent ends long before


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    person: PersonId
    known: Known


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """`known` holds facts by their path in the catalogue. `children` are the living young ones, where asked for."""

    known: Known
    called: Text | None = None  # the first name
    children: tuple[Child, ...] = ()


class Register:
    """Facts and next of kin, from DOPA and, where a rule asks about insurance, the SSO."""

    def __init__(self, gateway: Gateway, people: People, *, clock: Clock) -> None:
        self._gateway = gateway
        self._people = people
        self._clock = clock

    async def facts(
        self, person: PersonId, *, wanted: Collection[str] = (), with_children: bool = False
    ) -> PersonFacts:
        """Who they are, and of the other facts those that are wanted and that we can ask for. Or Unavailable."""
        asking = self._asking(person)
        profile, house, card, insured, family = await asyncio.gather(
            _held(asking, dopa.PERSON, True),
            _held(asking, dopa.HOUSE, "person.in_house_register" in wanted),
            _held(asking, dopa.ID_CARD, "person.id_card_status" in wanted),
            _held(asking, sso.INSURED, any(fact.startswith("sso.") for fact in wanted)),
            _held(asking, dopa.FAMILY, with_children),
        )
        known: dict[str, bool | int | Decimal | str | date | PartialDate] = {}
        called = None
        if profile is not None and profile.value is not None:
            called = profile.value.first_name
            known |= _of_profile(profile.value)
        if house is not None:
            known["person.in_house_register"] = house.value is not None
        if card is not None:
            known |= _of_card(card.value)
        if insured is not None and insured.value is None:  # never insured. Of the insured we know less than rules ask
            known |= {"sso.section": "none", "sso.months_total": 0, "sso.section33_months": 0}
        relatives = family.value.children if family is not None and family.value is not None else ()
        return PersonFacts(known=known, called=called, children=await self._young(relatives))

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

    async def _young(self, children: Sequence[dopa.Relative]) -> tuple[Child, ...]:
        today = self._clock.today()
        young = {
            one.person_number: one
            for one in children
            if one.person_number and one.is_alive is not False and today < turns(one.birth.earliest, _CHILDREN_UNTIL)
        }
        people = await self._people.ensure_many(young) if young else {}
        return tuple(Child(person=people[number].id, known=_of_relative(one)) for number, one in young.items())


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


def _of_profile(profile: dopa.Profile) -> dict[str, Any]:
    known = {"person.birth_date": profile.birth, "person.nationality": profile.nationality.lower()}
    return known | _sure({"person.alive": profile.is_alive, "person.sex": profile.sex and profile.sex.lower()})


def _of_relative(relative: dopa.Relative) -> dict[str, Any]:
    sex = relative.sex and relative.sex.lower()
    return {"person.birth_date": relative.birth} | _sure({"person.alive": relative.is_alive, "person.sex": sex})


def _of_card(card: dopa.IdCard | None) -> dict[str, Any]:
    if card is None:
        return {"person.id_card_status": "never"}
    if card.is_for_life and card.status == "VALID":
        return {"person.id_card_status": "lifetime"}
    status = None if card.status == "OTHER" else card.status.lower()
    return _sure({"person.id_card_status": status, "person.id_card_expiry_date": card.expires_on})


def _sure(facts: dict[str, Any]) -> dict[str, Any]:
    return {fact: value for fact, value in facts.items() if value is not None}
