"""What falls due for a whole population: fed, swept by (rule, day, shard), told once, whoever dies on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.clock import start_of
from foundation.errors import BadInput
from foundation.store import Document
from lifeevents import agenda as agendas
from lifeevents.agenda import Agenda, Falls
from lifeevents.register import PersonFacts
from notifications.ledger import Ledger, nothing
from tests.lifeevents.conftest import EventRoad
from tests.lifeevents.test_agenda import pid
from trust.people import PersonId

RULE = "elderly_fund_loan"  # a right without notices of its own, for everybody from 60 on
TODAY = date(2026, 11, 21)
OLD = {"person.alive": True, "person.nationality": "thai", "person.birth_date": date(1960, 1, 1)}


async def some_people(road: EventRoad, count: int = 40, **known: Any) -> list[PersonId]:
    numbers = [pid(number) for number in range(count)]
    people = [one.id for one in (await road.people.ensure_many(numbers)).values()]
    for person in people:
        await road.people.signed_in(person)
        road.kin.facts_of[person] = PersonFacts(known=OLD | known)
    return people


def due(people: list[PersonId], *, day: date = TODAY, rule: str = RULE) -> list[Falls]:
    return [Falls(rule=rule, day=day, person=person) for person in people]


async def told(road: EventRoad) -> list[Document]:
    return await road.all_of("events", type=agendas.RIGHT_DUE)


async def all_cells(agenda: Agenda) -> int:
    turns = 0
    while await agenda.run_cells(10):
        turns += 1
    return turns


async def states(road: EventRoad) -> set[str]:
    return {one["state"] for one in await road.all_of("agenda", kind="due")}


def another(road: EventRoad, on_leg: Callable[[str], None] = nothing) -> Agenda:
    """Another worker's agenda, over the same database."""
    return Agenda(
        road.store, Ledger(road.store, agendas.AGENDA, clock=road.clock, on_leg=on_leg),
        Ledger(road.store, agendas.CELLS, clock=road.clock, on_leg=on_leg), catalogue=road.catalogue,
        engine=road.engine, people=road.people, facts=road.kin, intake=road.intake,
        hush=lambda person, why: road.notifier.withdraw(person, why=why), clock=road.clock, metrics=road.metrics,
        on_leg=on_leg,
    )  # fmt: skip


async def test_what_is_fed_is_told_on_its_day_and_no_sooner(road: EventRoad) -> None:
    people = await some_people(road)
    fed = await road.agenda.feed(due(people, day=TODAY + timedelta(days=3)))
    assert (fed.new, fed.there, fed.strangers) == (40, 0, 0)
    assert await all_cells(road.agenda) == 0

    road.clock.moment = start_of(TODAY + timedelta(days=3))
    assert await all_cells(road.agenda) > 0

    assert {one["person"] for one in await told(road)} == set(people)
    assert await states(road) == {"done"}


async def test_feeding_again_changes_nothing(road: EventRoad) -> None:
    people = await some_people(road)
    for _ in range(3):
        await road.agenda.feed(due(people))
        await all_cells(road.agenda)

    assert len(await told(road)) == 40
    assert (await road.agenda.feed(due(people))).there == 40


async def test_what_comes_after_its_day_was_swept_is_told_too(road: EventRoad) -> None:
    people = await some_people(road)
    await road.agenda.feed(due(people[:20]))
    await all_cells(road.agenda)
    await another(road).feed(due(people[20:]))
    await all_cells(road.agenda)

    assert len(await told(road)) == 40


async def test_an_outage_of_days_is_caught_up(road: EventRoad) -> None:
    people = await some_people(road)
    for number, person in enumerate(people):
        await road.agenda.feed(due([person], day=TODAY + timedelta(days=number % 10)))
    road.clock.moment = start_of(TODAY + timedelta(days=12))
    await all_cells(road.agenda)

    assert len(await told(road)) == 40


async def test_an_identity_that_nobody_knows_has_nobody_to_tell(road: EventRoad) -> None:
    (known,) = await some_people(road, 1)
    (document,) = await road.all_of("people", _id=known)
    batch = [Falls(rule=RULE, day=TODAY, identity=one) for one in (document["pid_hash"], "0" * 64)]

    fed = await road.agenda.feed(batch)
    await all_cells(road.agenda)

    assert (fed.new, fed.strangers) == (1, 1)
    assert len(await told(road)) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"rule": "no_such_rule"},
        {"rule": "id_card_replacement.n1"},  # comes with an event
        {"day": TODAY - timedelta(days=40)},
        {"day": date(2999, 1, 1)},
        {"identity": "0" * 64},
        {"person": None},
        {"thing": "x" * 101},
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_of_the_batch_is_written(
    road: EventRoad, bad: dict[str, Any]
) -> None:
    people = await some_people(road, 2)
    good: dict[str, Any] = {"rule": RULE, "day": TODAY, "person": people[0]}

    with pytest.raises(BadInput):
        await road.agenda.feed([Falls(**good), Falls(**(good | {"person": people[1]} | bad))])
    assert await road.all_of("agenda", kind="due") == []


async def test_each_is_judged_again_before_it_is_told(road: EventRoad) -> None:
    people = await some_people(road, 4)
    young, unknown, erased, good = people
    road.kin.facts_of[young] = PersonFacts(known=OLD | {"person.birth_date": date(1990, 1, 1)})
    road.kin.facts_of[unknown] = PersonFacts(known={"person.alive": True, "person.nationality": "thai"})
    await road.people.erase(erased)
    await road.agenda.feed(due(people))
    await all_cells(road.agenda)

    assert [one["person"] for one in await told(road)] == [good]
    assert {one["person"]: one["receipt"] for one in await road.all_of("agenda", kind="due")} == {
        young: "not told: the conditions are not met", unknown: "not told: not known: person.birth_date",
        erased: "not told: the person's data was erased", good: "told",
    }  # fmt: skip


async def test_stale_facts_wait_and_a_disagreement_tells_nothing(road: EventRoad) -> None:
    stale, differ, good = await some_people(road, 3)
    hidden = {"person.alive": True, "person.nationality": "thai"}
    road.kin.facts_of[stale] = PersonFacts(known=hidden, doubts={"person.birth_date": "STALE"})
    road.kin.facts_of[differ] = PersonFacts(known=hidden, doubts={"person.birth_date": "DISAGREEMENT"})
    await road.agenda.feed(due([stale, differ, good]))
    await all_cells(road.agenda)
    assert [one["person"] for one in await told(road)] == [good]
    (item,) = await road.all_of("agenda", person=differ)
    assert item["receipt"] == "not told: agencies say different things"

    road.kin.facts_of[stale] = PersonFacts(known=OLD)
    road.clock.advance(timedelta(minutes=1))
    assert await road.agenda.run_once(10) == 1
    assert {one["person"] for one in await told(road)} == {good, stale}


async def test_nobody_is_told_of_a_service_that_is_closed(road: EventRoad) -> None:
    closed = next(one for one in road.catalogue.services if one.status == "closed")
    (person,) = await some_people(road, 1)

    with pytest.raises(BadInput):
        await road.agenda.feed(due([person], rule=closed.code))


async def test_a_service_that_tells_its_days_itself_is_not_told_twice(road: EventRoad) -> None:
    (person,) = await some_people(road, 1)
    await road.agenda.feed(due([person], rule="elderly_travel_discount"))
    await all_cells(road.agenda)

    assert await told(road) == []
    (item,) = await road.all_of("agenda", kind="due")
    assert item["receipt"] == "not told: the service's own notices tell it"


async def test_a_person_is_planned_and_fed_and_told_once(road: EventRoad) -> None:
    """Sixty today: the plan finds the day, and so does whoever looks at the whole population."""
    (person,) = await some_people(road, 1)
    road.kin.facts_of[person] = PersonFacts(known=OLD | {"person.birth_date": date(1966, 11, 21)})
    await road.agenda.wake(person)
    await road.agenda.run_once(10)
    await road.agenda.feed(due([person]))
    for _ in range(2):
        await road.agenda.run_once(10)
        await all_cells(road.agenda)

    assert len(await road.all_of("agenda", rule=RULE)) == 1
    events = [one["event_id"] for one in await told(road)]
    assert len(events) == len(set(events)) == 2  # the other is the travel discount's notice


async def test_many_workers_tell_each_once(road: EventRoad) -> None:
    people = await some_people(road, 120)
    await road.agenda.feed(due(people))
    await asyncio.gather(*(all_cells(another(road)) for _ in range(6)))

    assert sorted(one["person"] for one in await told(road)) == sorted(people)
    assert await states(road) == {"done"}


LEGS = [
    "agenda fed", "agenda sweeping", "agenda swept", "agenda_cells claimed", "agenda recorded", "agenda settled",
    "agenda_cells settled",
]  # fmt: skip


@pytest.mark.parametrize("leg", LEGS)
async def test_whoever_dies_between_two_legs_is_made_good(road: EventRoad, leg: str) -> None:
    people = await some_people(road)
    late, soon = due(people[:20]), due(people[20:], day=TODAY + timedelta(days=1))

    def die(reached: str) -> None:
        if reached == leg:
            raise asyncio.CancelledError

    doomed = another(road, on_leg=die)
    with pytest.raises(asyncio.CancelledError):
        await doomed.feed(soon)
        road.clock.moment = start_of(TODAY + timedelta(days=1))
        await doomed.feed(late)
        await all_cells(doomed)
    for batch in (soon, late):  # whoever got no answer sends it again
        await another(road).feed(batch)
    road.clock.moment = start_of(TODAY + timedelta(days=1, minutes=5))
    await all_cells(another(road))

    assert sorted(one["person"] for one in await told(road)) == sorted(people)
    assert await states(road) == {"done"}
