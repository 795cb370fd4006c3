"""kill -9 of workers while rights fall due, two at work at any time: each right is told exactly once.

Rights that came in for a whole population (cells) and those of one person (single items) are due together, and some
people's days are to be planned; citizens of the sandbox, asked of its agencies. `make test` kills a few workers, `make
slow` a hundred, spread over every leg.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from backend.app import House
from foundation.clock import start_of
from foundation.store import Document
from lifeevents import agenda as agendas
from lifeevents.agenda import Falls
from lifeevents.cells import LISTED
from tests.forks import Forks
from tests.journeys.conftest import HEALTHY
from trust.people import PersonId

RULE = "elderly_fund_loan"  # a right without notices of its own: for every living citizen from 60 on
MANY, YOUNG, PLANNED = 60, 6, 4
LEGS = {
    "plan": ("agenda planned",),
    "watermark": ("agenda sweeping", "agenda swept"),
    "claim": ("agenda claimed", "agenda_cells claimed", "events claimed"),
    "re-evaluate": ("agenda judged",),
    "write": ("agenda recorded", "events told"),
    "settle": ("agenda settled", "agenda not told", "agenda_cells settled", "events settled"),
}
EVERY_LEG = [leg for legs in LEGS.values() for leg in legs]
AT_WORK = 2
_FORGOTTEN = (agendas.AGENDA, agendas.CELLS, "events", "inbox")
_WAVES = 6  # of one round; then a worker that nobody kills does what is left, and all is looked at
_PATIENCE_S = 20


@dataclass
class Due:
    """Citizens of the sandbox who have signed in, and what has been made due for them: told to the elders only."""

    house: House
    elders: list[PersonId]
    young: list[PersonId]

    async def for_everybody(self) -> None:
        """Half of the elders as of a whole population, the others each by themselves; the day is today's."""
        today = self.house.clock.today()
        fed = await self.house.agenda.feed(
            Falls(rule=RULE, day=today, person=one) for one in [*self.elders, *self.young]
        )
        assert fed.new == MANY + YOUNG
        alone = [one for number, one in enumerate(self.elders) if number % 2]
        await self.house.store.collection(agendas.AGENDA).update_many(
            {"person": {"$in": alone}, "rule": RULE, "state": LISTED},
            {"$set": {"state": "waiting", "attempts": 0, "due": start_of(today)}, "$unset": {"cell": ""}},
        )
        for person in self.elders[:PLANNED]:
            await self.house.agenda.wake(person)

    async def again(self) -> None:
        """Everything is forgotten, so that the same people can be told anew."""
        for name in _FORGOTTEN:
            await self.house.store.collection(name).delete_many({})

    async def all_of(self, collection: str, **where: Any) -> list[Document]:
        return [one async for one in self.house.store.collection(collection).find(where)]

    async def open(self) -> int:
        """What is still to be done now: cells, items, plans, and events that haven't been spread.

        Looked at in the order in which one becomes the next, so that nothing moves on behind the look.
        """
        now = self.house.clock.legal_now()
        unswept = not await self.all_of(agendas.CELLS, swept=self.house.clock.today().isoformat())
        cells = await self.all_of(agendas.CELLS, state="waiting")
        in_hand: Document = {"$or": [{"due": {"$lte": now}, "state": "waiting"}, {"lease": {"$exists": True}}]}
        agenda = await self.all_of(agendas.AGENDA, **in_hand)
        return unswept + len(cells) + len(agenda) + len(await self.all_of("events", state="waiting"))

    async def were_told_once(self) -> None:
        events = await self.all_of("events", type=agendas.RIGHT_DUE)
        items = {one["_id"]: one for one in await self.all_of(agendas.AGENDA, kind="due")}
        rights = {one["_id"] for one in items.values() if one["rule"] == RULE and one["person"] in self.elders}

        assert len(rights) == MANY
        times = Counter(one["event_id"] for one in events)
        assert {item: times[item] for item in rights} == dict.fromkeys(rights, 1)
        assert Counter(one["origin"] for one in await self.all_of("inbox")) == Counter(one["_id"] for one in events)
        assert not [one for one in events if one["person"] in self.young]
        # What else there is follows from the plans: to come, or told because the day is today.
        assert all(items[item]["rule"] != RULE and items[item]["state"] == "done" for item in times.keys() - rights)
        assert {items[item]["state"] for item in rights} == {"done", LISTED}
        assert not [one for one in items.values() if one["state"] in ("buried", "expired")]


@pytest.fixture
async def due(house: House, workers: Forks, state: Any) -> AsyncIterator[Due]:
    elders: list[PersonId] = []
    young: list[PersonId] = []
    number = 3000
    while len(elders) < MANY or len(young) < YOUNG:
        one = await state.call("GET", f"/sandbox/citizens/{number}")
        number += 1
        age = house.clock.today().year - one["record"]["birth"]["year"]
        of_age = elders if age > 61 else young if 20 < age < 55 else []
        if one["alive"] and one["record"]["nationality"] == "thai" and len(of_age) < (MANY if age > 61 else YOUNG):
            person = (await house.people.ensure(one["pid"])).id
            await house.people.signed_in(person)
            of_age.append(person)
    found = Due(house, elders, young)
    kept = {name: await found.all_of(name) for name in _FORGOTTEN}  # of the running system, which others use as well
    await found.again()
    yield found
    await found.again()
    for name, documents in kept.items():
        if documents:
            await house.store.collection(name).insert_many(documents)


async def finish(workers: Forks, due: Due, *, within_s: float = 120) -> None:
    """Some that nobody kills do what is left."""
    healthy = await workers.start(*[HEALTHY] * AT_WORK)
    deadline = time.monotonic() + within_s
    # Also what a killed one still holds: when nothing is, nothing will be repeated. Twice, for plans make items.
    while await due.open() or await due.open():
        assert time.monotonic() < deadline, f"{await due.open()} are still open"
        await asyncio.sleep(0.1)
    await workers.kill(*healthy)


async def killed_at(legs: list[tuple[str, int]], workers: Forks, due: Due) -> list[str]:
    """One for each leg, all at once, each killed when it comes there for the n-th time; returns where they were.

    One that doesn't come there (the others have done it all) is killed where it stands.
    """
    at_work = dict(zip(await workers.start(*legs), (leg for leg, _ in legs), strict=True))
    reached: list[str] = []
    deadline, is_open = time.monotonic() + _PATIENCE_S, True
    while at_work and time.monotonic() < deadline and is_open:
        await asyncio.sleep(0.1)
        is_open = bool(await due.open())
        for worker, code in (await workers.ended()).items():
            assert code == -signal.SIGKILL
            reached.append(at_work.pop(worker))
    await workers.kill(*at_work)
    return reached


async def killed(workers: Forks, due: Due, *, kills: int, seed: int) -> Counter[str]:
    """Kill that many workers at a leg, those legs first that were hit least; after each round all is told exactly once."""
    hit = Counter(dict.fromkeys(EVERY_LEG, 0))
    elsewhere, chance = 0, random.Random(seed)
    while hit.total() < kills:
        await due.again()
        await due.for_everybody()
        for wave in range(_WAVES):
            if hit.total() >= kills:
                break
            order = sorted(EVERY_LEG, key=lambda leg: (hit[leg], chance.random()))
            # The n-th time, while there is much to do.
            legs = [(leg, chance.randint(1, 2) if wave == 0 else 1) for leg in order[:AT_WORK]]
            reached = await killed_at(legs, workers, due)
            hit.update(reached)
            elsewhere += AT_WORK - len(reached)
            if not await due.open():
                break
        await finish(workers, due)
        await due.were_told_once()
    hit["anywhere else"] = elsewhere
    return hit


async def test_workers_killed_at_a_few_legs_tell_each_right_once(workers: Forks, due: Due) -> None:
    hit = await killed(workers, due, kills=4, seed=int(time.time()))

    assert hit.total() >= 4


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_hundred_kills(workers: Forks, due: Due) -> None:
    kills = int(os.environ.get("KILLS", "100"))
    hit = await killed(workers, due, kills=kills, seed=kills)

    for name, legs in LEGS.items():
        print(f"{name:12} {sum(hit[leg] for leg in legs):4}  " + ", ".join(f"{leg} {hit[leg]}" for leg in legs))
    print(f"killed where they stood, besides: {hit['anywhere else']}")
    assert min(hit[leg] for leg in EVERY_LEG) >= kills // len(EVERY_LEG) - 1
