"""What falls due for a whole population: fed, swept by (rule, day, shard), told once, whoever dies on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.clock import start_of
from foundation.errors import BadInput
from foundation.store import Document
from lifeevents import agenda as agendas
from lifeevents.agenda import Agenda, Falls, Fed
from lifeevents.cells import LISTED
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


async def work(agenda: Agenda) -> int:
    """What a worker does, cells and what is due by itself, until nothing is left; returns how many turns it took."""
    turns = 0
    while await agenda.run_cells(10) + await agenda.run_once(100):
        turns += 1
    return turns


async def left(road: EventRoad) -> list[str]:
    """What is still to be told: work of its own, or of a cell and without an event."""
    items = await road.all_of("agenda", kind="due", state={"$in": ["waiting", LISTED]})
    events = {one["event_id"] for one in await told(road)}
    untold = [one for one in items if one["state"] == "waiting" or one["_id"] not in events]
    return [one["_id"] for one in [*untold, *await road.all_of(agendas.CELLS, state="waiting")]]


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
    assert await work(road.agenda) == 0

    road.clock.moment = start_of(TODAY + timedelta(days=3))
    assert await work(road.agenda) > 0

    assert {one["person"] for one in await told(road)} == set(people)
    assert await left(road) == []


async def test_feeding_again_changes_nothing(road: EventRoad) -> None:
    people = await some_people(road)
    for _ in range(3):
        await road.agenda.feed(due(people))
        await work(road.agenda)

    assert len(await told(road)) == 40
    assert (await road.agenda.feed(due(people))).there == 40


async def test_what_comes_after_its_day_was_swept_is_told_too(road: EventRoad) -> None:
    people = await some_people(road)
    await road.agenda.feed(due(people[:20]))
    await work(road.agenda)
    await another(road).feed(due(people[20:]))
    await work(road.agenda)

    assert len(await told(road)) == 40


async def test_an_outage_of_days_is_caught_up(road: EventRoad) -> None:
    people = await some_people(road)
    for number, person in enumerate(people):
        await road.agenda.feed(due([person], day=TODAY + timedelta(days=number % 10)))
    road.clock.moment = start_of(TODAY + timedelta(days=12))
    await work(road.agenda)

    assert len(await told(road)) == 40


async def test_an_identity_that_nobody_knows_has_nobody_to_tell(road: EventRoad) -> None:
    (known,) = await some_people(road, 1)
    (document,) = await road.all_of("people", _id=known)
    batch = [Falls(rule=RULE, day=TODAY, identity=one) for one in (document["pid_hash"], "0" * 64)]

    fed = await road.agenda.feed(batch)
    await work(road.agenda)

    assert (fed.new, fed.strangers) == (1, 1)
    assert len(await told(road)) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"rule": "no_such_rule"},
        {"rule": "id_card_replacement.n1"},  # comes with an event
        {"day": date(2999, 1, 1)},
        {"identity": "0" * 64},
        {"person": None},
        {"thing": "x" * 101},
        {"person": None, "identity": "0" * 129},
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
    await work(road.agenda)

    assert [one["person"] for one in await told(road)] == [good]
    assert {one["person"]: one.get("receipt") for one in await road.all_of("agenda", kind="due")} == {
        young: "not told: the conditions are not met", unknown: "not told: not known: person.birth_date",
        erased: "not told: the person's data was erased", good: None,
    }  # fmt: skip


async def test_stale_facts_wait_and_a_disagreement_tells_nothing(road: EventRoad) -> None:
    stale, differ, good = await some_people(road, 3)
    hidden = {"person.alive": True, "person.nationality": "thai"}
    road.kin.facts_of[stale] = PersonFacts(known=hidden, doubts={"person.birth_date": "STALE"})
    road.kin.facts_of[differ] = PersonFacts(known=hidden, doubts={"person.birth_date": "DISAGREEMENT"})
    await road.agenda.feed(due([stale, differ, good]))
    await work(road.agenda)
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
    await work(road.agenda)

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
    await work(road.agenda)

    assert len(await road.all_of("agenda", rule=RULE)) == 1
    events = [one["event_id"] for one in await told(road)]
    assert len(events) == len(set(events)) == 2  # the other is the travel discount's notice


async def test_many_workers_tell_each_once(road: EventRoad) -> None:
    people = await some_people(road, 120)
    await road.agenda.feed(due(people))
    await asyncio.gather(*(work(another(road)) for _ in range(6)))

    assert sorted(one["person"] for one in await told(road)) == sorted(people)
    assert await left(road) == []


LEGS = [
    "agenda fed", "agenda sweeping", "agenda swept", "agenda_cells claimed", "agenda judged", "agenda recorded",
    "agenda not told", "agenda_cells settled", "agenda claimed", "agenda settled",
]  # fmt: skip


@pytest.mark.parametrize("leg", LEGS)
async def test_whoever_dies_between_two_legs_is_made_good(road: EventRoad, leg: str) -> None:
    people = await some_people(road)
    young = people.pop()
    road.kin.facts_of[young] = PersonFacts(known=OLD | {"person.birth_date": date(1990, 1, 1)})
    late, soon = due(people[:10]), due([*people[10:], young], day=TODAY + timedelta(days=1))
    await work(road.agenda)  # today is swept

    def die(reached: str) -> None:
        if reached == leg:
            raise asyncio.CancelledError

    doomed = another(road, on_leg=die)
    with pytest.raises(asyncio.CancelledError):
        await doomed.feed(soon)
        await doomed.feed(late)
        road.clock.moment = start_of(TODAY + timedelta(days=1))
        await work(doomed)
    for batch in (soon, late):  # whoever got no answer sends it again
        await another(road).feed(batch)
    road.clock.moment = start_of(TODAY + timedelta(days=1)) + timedelta(minutes=5)
    await work(another(road))

    assert sorted(one["person"] for one in await told(road)) == sorted(people)
    assert await left(road) == []


async def test_what_sweeping_passed_by_while_it_was_written_is_told(road: EventRoad) -> None:
    """Whoever feeds asked before the sweep and wrote after it."""
    people = await some_people(road)

    def die(_leg: str) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await another(road, on_leg=die).feed(due(people))
    passed = {"$set": {"begun": TODAY.isoformat(), "swept": TODAY.isoformat()}}
    await road.store.collection(agendas.CELLS).update_one({"_id": "watermark"}, passed, upsert=True)
    await work(road.agenda)
    assert await told(road) == []

    fed = await road.agenda.feed(due(people))
    await work(road.agenda)

    assert (fed.new, fed.there) == (0, 40)
    assert sorted(one["person"] for one in await told(road)) == sorted(people)


async def test_what_was_told_is_not_judged_again_when_it_is_fed_again(road: EventRoad) -> None:
    people = await some_people(road)
    await road.agenda.feed(due(people))
    await work(road.agenda)
    road.kin.facts_of.clear()

    await road.agenda.feed(due(people))

    assert await work(road.agenda) == 0
    assert len(await told(road)) == 40


async def test_a_death_withdraws_what_is_to_come_and_not_what_was_told(road: EventRoad) -> None:
    (person,) = await some_people(road, 1)
    await road.agenda.feed([*due([person]), *due([person], day=TODAY + timedelta(days=9))])
    await work(road.agenda)

    assert await road.agenda.cancel(person, why="the person died") == 1

    items = await road.all_of("agenda", kind="due")
    assert {one["day"]: one["state"] for one in items} == {"2026-11-21": LISTED, "2026-11-30": "withdrawn"}
    road.clock.moment = start_of(TODAY + timedelta(days=9))
    await work(road.agenda)
    assert len(await told(road)) == 1


@pytest.mark.parametrize("leg", ["", "agenda recorded", "agenda_cells postponed"])
async def test_a_cell_of_many_is_worked_off_in_helpings(
    road: EventRoad, monkeypatch: pytest.MonkeyPatch, leg: str
) -> None:
    monkeypatch.setattr(agendas, "_HELPING", 7)
    people = await some_people(road, 40)
    await road.agenda.feed(due(people, day=TODAY + timedelta(days=1)))
    one_shard = {"$set": {"cell": "000"}}
    await road.store.collection("agenda").update_many({"state": LISTED}, one_shard)
    road.clock.moment = start_of(TODAY + timedelta(days=1))

    def die(reached: str) -> None:
        if reached == leg:
            raise asyncio.CancelledError

    with suppress(asyncio.CancelledError):
        await work(another(road, on_leg=die))
    road.clock.advance(timedelta(minutes=5))
    await work(road.agenda)

    assert sorted(one["person"] for one in await told(road)) == sorted(people)
    assert await left(road) == []


async def test_where_agencies_are_slow_a_helping_ends_before_its_lease(
    road: EventRoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agendas, "_JUDGED_FOR_S", -1.0)  # so that each lane judges one
    people = await some_people(road, 50)
    await road.agenda.feed(due(people, day=TODAY + timedelta(days=1)))
    half = {"$set": {"cell": "000"}}
    await road.store.collection("agenda").update_many({"person": {"$in": people[:25]}}, half)
    road.clock.moment = start_of(TODAY + timedelta(days=1))

    await work(road.agenda)

    assert sorted(one["person"] for one in await told(road)) == sorted(people)
    assert await left(road) == []


async def test_whoever_goes_on_where_another_told_does_not_ask_again(road: EventRoad) -> None:
    people = await some_people(road)
    await road.agenda.feed(due(people))

    def die(reached: str) -> None:
        if reached == "agenda recorded":
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await work(another(road, on_leg=die))
    events = {one["event_id"] for one in await told(road)}
    assert events
    road.kin.facts_of.clear()  # whoever was asked about now would not be told
    road.clock.advance(timedelta(minutes=5))
    await work(road.agenda)

    items = await road.all_of("agenda", kind="due")
    assert {one["_id"] for one in items if one["state"] == LISTED} == events
    assert await left(road) == []


async def test_one_that_cannot_be_written_keeps_nobody_waiting(road: EventRoad) -> None:
    people = await some_people(road, 10)
    await road.agenda.feed(due(people))
    items = road.store.collection("agenda")
    await items.update_one({"person": people[0]}, {"$set": {"group": 5}})  # no group is a number

    await work(road.agenda)

    assert sorted(one["person"] for one in await told(road)) == sorted(people[1:])
    (item,) = await road.all_of("agenda", person=people[0])
    assert item["state"] == "waiting"
    await items.update_one({"person": people[0]}, {"$set": {"group": "calendar 2026-11-21"}})
    road.clock.advance(timedelta(minutes=5))
    await work(road.agenda)
    assert sorted(one["person"] for one in await told(road)) == sorted(people)


# ---- a scan's rows


def as_of_a_scan(hashes: Iterable[str]) -> Iterator[Falls]:
    """Everybody on some day of the coming month, as `tangrat scan` finds them: by hash, shard by shard."""
    for number, one in enumerate(sorted(hashes)):
        yield Falls(rule=RULE, day=TODAY + timedelta(days=number % 30), identity=one)


async def hashes_of(road: EventRoad, count: int) -> list[str]:
    await road.people.ensure_many(pid(number) for number in range(count))
    await road.store.collection("people").update_many({}, {"$set": {"has_account": True}})
    return [one["pid_hash"] for one in await road.all_of("people")]


async def test_a_scan_of_thousands_streams_in_and_again_after_it_was_cut_off(road: EventRoad) -> None:
    known = await hashes_of(road, 2500)
    strangers = [f"{number:064x}" for number in range(500)]
    heard: list[Fed] = []

    def cut_off() -> Iterator[Falls]:
        for number, one in enumerate(as_of_a_scan([*known, *strangers])):
            if number == 2200:
                raise ConnectionError
            yield one

    with pytest.raises(ConnectionError):
        await road.agenda.feed(cut_off(), on_batch=heard.append)
    assert [one.new + one.strangers for one in heard] == [1000, 1000]

    again = await road.agenda.feed(as_of_a_scan([*known, *strangers]))
    assert again.there == sum(one.new for one in heard)
    assert (again.there + again.new, again.strangers) == (2500, 500)
    assert await road.agenda.feed(as_of_a_scan([*known, *strangers])) == Fed(there=2500, strangers=500)
    assert len(await road.all_of("agenda", kind="due")) == 2500


async def test_the_next_nights_scan_meets_the_same_items(road: EventRoad) -> None:
    known = await hashes_of(road, 60)
    for one in await road.all_of("people"):
        road.kin.facts_of[one["_id"]] = PersonFacts(known=OLD)
    for night in range(3):
        road.clock.moment = start_of(TODAY + timedelta(days=night)) + timedelta(hours=2)
        await work(road.agenda)
        await road.agenda.feed(as_of_a_scan(known))
        await work(road.agenda)

    fell_due = [one for one in as_of_a_scan(known) if one.day <= TODAY + timedelta(days=2)]
    assert len(await told(road)) == len(fell_due)
    assert await left(road) == [one["_id"] for one in await road.all_of("agenda", day={"$gt": "2026-11-23"})]


async def test_what_comes_too_late_is_left_out_and_a_wrong_row_is_named(road: EventRoad) -> None:
    (person,) = await some_people(road, 1)
    assert await road.agenda.feed(due([person], day=TODAY - timedelta(days=31))) == Fed(late=1)

    rows = [*due([person] * 1200), *due([person], rule="no_such_rule")]
    with pytest.raises(BadInput, match="row 1201: no rule") as caught:
        await road.agenda.feed(rows)
    assert "แถวที่ 1201" in caught.value.th


def test_which_rules_a_scan_may_feed(road: EventRoad) -> None:
    closed = next(one for one in road.catalogue.services if one.status == "closed")
    takes = road.agenda.takes

    assert takes(RULE)
    assert not takes("elderly_travel_discount")  # tells its days itself
    assert not any(map(takes, ("id_card_replacement.n1", "no_such_rule", closed.code)))
