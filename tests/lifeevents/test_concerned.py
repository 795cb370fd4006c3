"""An event about an area or a programme: told to whom it concerns and nobody else, once, whoever dies on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.language import Text
from foundation.store import Document
from lifeevents import agenda as agendas
from lifeevents import concerned
from lifeevents.agenda import Agenda
from lifeevents.register import PersonFacts
from notifications.inbox import Entry
from notifications.ledger import Ledger
from tests.lifeevents.conftest import EventRoad
from tests.lifeevents.test_agenda import pid
from tests.lifeevents.test_fanout import record
from trust.people import PersonId

HOME = "house.subdistrict"
HAT_YAI, SADAO, BANGKOK = "901101", "901001", "100101"
FLOOD = {"th": "น้ำท่วม", "en": "Flood"}
DISASTER, ELECTION, ROUND = "th.ddpm.disaster.declared", "th.ect.election.announced", "th.fpo.welfare_round.opened"
OF_AGE: dict[str, Any] = {
    "person.alive": True, "person.nationality": "thai", "person.birth_date": date(1990, 1, 1),
    "person.constituency_registered_date": date(2010, 1, 1), "person.monk_or_novice": False, "person.imprisoned": False,
}  # fmt: skip


async def people(road: EventRoad, *known: dict[str, Any], first: int = 0) -> list[PersonId]:
    found = []
    for number, one in enumerate(known, start=first):
        person = (await road.people.ensure(pid(number))).id
        await road.people.signed_in(person)
        road.kin.facts_of[person] = PersonFacts(known={"person.alive": True, **one})
        found.append(person)
    return found


async def a_disaster(road: EventRoad, *areas: str, event_id: str = "e1") -> str:
    data = {"disaster": FLOOD, "areas": list(areas), "declared_on": "2026-11-20"}
    return await record(road, DISASTER, data, event_id=event_id)


async def an_election(road: EventRoad, day: str = "2027-02-07") -> str:
    return await record(road, ELECTION, {"election": {"th": "เลือกตั้ง", "en": "An election"}, "election_day": day})


async def all_of_it(road: EventRoad, agenda: Agenda | None = None) -> None:
    """Until nothing is due any more."""
    agenda = agenda or road.agenda
    while await road.fanout.run_once(100) + await agenda.run_once(100):
        pass


async def inbox(road: EventRoad, person: PersonId) -> list[Entry]:
    return list((await road.inbox.page(person)).items)


async def told(road: EventRoad) -> list[Document]:
    return await road.all_of("events", type=agendas.RIGHT_DUE)


def another(road: EventRoad, on_leg: Callable[[str], None]) -> Agenda:
    return Agenda(
        road.store, Ledger(road.store, agendas.AGENDA, clock=road.clock, on_leg=on_leg),
        Ledger(road.store, agendas.CELLS, clock=road.clock, on_leg=on_leg), catalogue=road.catalogue,
        engine=road.engine, people=road.people, facts=road.kin, intake=road.intake,
        hush=lambda person, why: road.notifier.withdraw(person, why=why), clock=road.clock, metrics=road.metrics,
        on_leg=on_leg,
    )  # fmt: skip


# ---- areas


async def test_a_disaster_is_told_to_who_lives_there_in_the_words_of_the_event(road: EventRoad) -> None:
    here, next_door, far = await people(road, {HOME: HAT_YAI}, {HOME: SADAO}, {HOME: BANGKOK})
    await a_disaster(road, "9011", "95")
    await all_of_it(road)

    (entry,) = await inbox(road, here)
    assert entry.title == Text(th="บ้านของคุณอยู่ในเขตประกาศภัยพิบัติ", en="Your home is in a declared disaster area")
    assert "20 พฤศจิกายน 2569" in entry.body.th
    assert "น้ำท่วม" in entry.body.th
    assert entry.body.en.startswith("A disaster area was declared on 20 November 2026: Flood.")
    assert (entry.topic, entry.service) == ("hardship", "flood_relief_2568")
    assert (entry.because["event_type"], entry.because["agency"]) == (DISASTER, "ddpm")
    assert await inbox(road, next_door) == await inbox(road, far) == []


@pytest.mark.parametrize(("areas", "is_told"), [(("90",), True), ((HAT_YAI,), True), (("901102", "91"), False)])
async def test_an_area_is_a_province_a_district_or_a_subdistrict(
    road: EventRoad, areas: tuple[str, ...], is_told: bool
) -> None:
    (here,) = await people(road, {HOME: HAT_YAI})
    await a_disaster(road, *areas)
    await all_of_it(road)

    assert len(await inbox(road, here)) == is_told


async def test_the_same_event_again_tells_nobody_twice(road: EventRoad) -> None:
    (here,) = await people(road, {HOME: HAT_YAI})
    event = await a_disaster(road, "90")
    for _ in range(3):
        await a_disaster(road, "90")
        await all_of_it(road)
        await road.store.collection("events").update_one(
            {"_id": event}, {"$set": {"state": "waiting", "due": road.clock.now()}}
        )

    assert len(await inbox(road, here)) == 1
    await a_disaster(road, "90", event_id="another")
    await all_of_it(road)
    assert len(await inbox(road, here)) == 2


async def test_whose_home_is_not_known_and_who_has_no_account_is_not_told(road: EventRoad) -> None:
    (homeless,) = await people(road, {})
    stranger = (await road.people.ensure(pid(77))).id
    road.kin.facts_of[stranger] = PersonFacts(known={"person.alive": True, HOME: HAT_YAI})
    dead, erased = await people(road, {HOME: HAT_YAI, "person.alive": False}, {HOME: HAT_YAI}, first=5)
    await road.people.erase(erased)
    await a_disaster(road, "90")
    await all_of_it(road)

    assert [await inbox(road, one) for one in (homeless, stranger, dead)] == [[], [], []]
    assert await told(road) == []


async def test_who_could_not_be_looked_up_is_told_once_the_register_answers(road: EventRoad) -> None:
    one, other = await people(road, {HOME: HAT_YAI}, {HOME: HAT_YAI})
    known = road.kin.facts_of[one]
    road.kin.facts_of[one] = PersonFacts(known={"person.alive": True}, doubts={"house": "DOWN"})
    await a_disaster(road, "90")
    await all_of_it(road)
    assert (len(await inbox(road, one)), len(await inbox(road, other))) == (0, 1)

    road.kin.facts_of[one] = known
    road.clock.advance(timedelta(minutes=20))
    await all_of_it(road)
    assert (len(await inbox(road, one)), len(await inbox(road, other))) == (1, 1)


async def test_the_journey_of_a_disaster_opens_for_those_whom_it_concerns(road: EventRoad) -> None:
    here, far = await people(road, {HOME: HAT_YAI}, {HOME: BANGKOK})
    await a_disaster(road, "9011")
    for _ in range(2):
        await all_of_it(road)
        await road.store.collection("events").update_many({}, {"$set": {"state": "waiting", "due": road.clock.now()}})

    (journey,) = await road.all_of("journeys")
    assert (journey["person"], journey["life_event"]) == (here, "disaster")
    (shown,) = (await road.journeys.page(here)).items
    assert (shown.event_type, shown.agency) == (DISASTER, "ddpm")
    assert [step.service.code for step in shown.steps] == ["flood_relief_2568", "emergency_social_grant"]
    assert list((await road.journeys.page(far)).items) == []


# ---- programmes


async def test_an_announced_election_is_told_to_those_of_age_on_its_day(road: EventRoad) -> None:
    voter, soon, child, foreigner, unknown = await people(
        road, OF_AGE, OF_AGE | {"person.birth_date": date(2009, 2, 7)},
        OF_AGE | {"person.birth_date": date(2009, 2, 8)}, OF_AGE | {"person.nationality": "other"},
        {name: value for name, value in OF_AGE.items() if name != "person.imprisoned"},
    )  # fmt: skip
    await an_election(road, "2027-02-07")
    await all_of_it(road)

    for one in (voter, soon):
        (entry,) = await inbox(road, one)
        assert entry.body == Text(th="คุณมีสิทธิเลือกตั้ง ตรวจหน่วยเลือกตั้ง", en="Check your polling station")
        assert entry.service == "voter_first_time"
        assert (entry.because["event_type"], entry.because["agency"]) == (ELECTION, "ect")
    assert [await inbox(road, one) for one in (child, foreigner, unknown)] == [[], [], []]


POOR: dict[str, Any] = {
    **OF_AGE, "person.income_per_year": 60_000, "household.family_income_per_capita_per_year": 60_000,
    "person.financial_assets": 0, "person.land_within_welfare_limits": True, "person.has_credit_card": False,
    "person.home_loan_total": 0, "person.car_loan_total": 0, "person.civil_servant": False,
    "person.state_pensioner": False, "person.in_state_institution": False,
}  # fmt: skip


async def test_a_round_that_opens_is_told_to_whoever_may_be_poor_enough(road: EventRoad) -> None:
    poor, unsure, rich = await people(
        road, POOR, POOR | {"person.financial_assets": None}, POOR | {"person.income_per_year": 100_001}
    )
    await record(road, ROUND, {"opens_on": "2026-11-15", "closes_on": "2026-12-15"})
    await all_of_it(road)

    for one in (poor, unsure):
        (entry,) = await inbox(road, one)
        assert entry.body.en == "Welfare card round opened; you may qualify"
    assert await inbox(road, rich) == []


async def test_a_round_that_is_over_is_told_to_nobody(road: EventRoad) -> None:
    await people(road, POOR)
    await record(road, ROUND, {"opens_on": "2026-10-01", "closes_on": "2026-11-20"})
    await all_of_it(road)

    assert await told(road) == []


async def test_a_programme_of_another_service_is_no_business_of_this_one(road: EventRoad) -> None:
    await people(road, {"person.farmer_registered": True, "person.rice_area_rai": 5})
    await record(road, "th.doae.programme.approved", {"service": "farmer_registration", "approved_on": "2026-11-20"})
    await all_of_it(road)

    assert await told(road) == []
    assert await road.all_of("agenda", kind="spread") == []


# ---- whoever dies on the way


@pytest.mark.parametrize("leg", ["agenda spread", "agenda recorded", "agenda batch told", "agenda postponed"])
async def test_a_worker_that_dies_on_the_way_is_made_good(
    road: EventRoad, monkeypatch: pytest.MonkeyPatch, leg: str
) -> None:
    monkeypatch.setattr(concerned, "_BATCH", 1)  # so that shards have more than one
    everyone = await people(road, *[{HOME: HAT_YAI} for _ in range(40)])
    await a_disaster(road, "90")
    deaths = 0

    def die(reached: str) -> None:
        nonlocal deaths
        if reached == leg and deaths < 3:
            deaths += 1
            raise asyncio.CancelledError

    while deaths < 3:
        mortal = another(road, die)
        try:
            while await road.a_fanout(agenda=mortal).run_once(100) + await mortal.run_once(100):
                pass
        except asyncio.CancelledError:
            road.clock.advance(timedelta(minutes=2))
    await all_of_it(road)

    assert [len(await inbox(road, one)) for one in everyone] == [1] * 40
