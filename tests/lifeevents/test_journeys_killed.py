"""kill -9, for real: each event opens its journeys once, and what was reported closes its step once, whoever dies."""

from __future__ import annotations

import asyncio
import random
import signal
from datetime import date, timedelta

import pytest

from tests.forks import Forks
from tests.lifeevents.conftest import EventRoad
from tests.lifeevents.test_fanout import HOSPITAL, record
from tests.lifeevents.test_journeys import CHILD, said, states

WORKER = "tests.lifeevents.journeys_worker_to_kill"


@pytest.mark.parametrize(
    ("births", "most_kills"), [(12, 6), pytest.param(60, 40, marks=pytest.mark.slow, id="many")], ids=["few", None]
)
async def test_each_event_opens_its_journeys_once_when_workers_are_killed_at_any_moment(
    living_road: EventRoad, mongodb_uri: str, births: int, most_kills: int
) -> None:
    road = living_road
    for n in range(births):
        born = (date(2026, 1, 1) + timedelta(days=n)).isoformat()
        mother, father = identity_number(n), identity_number(100 + n // 2)  # one father of two children
        data = {"citizen_id": mother, "father_citizen_id": father, "birth_date": born, "hospital": HOSPITAL}
        await record(road, "th.moph.birth.reported", data, event_id=f"b{n}")
        registered = {
            "citizen_id": mother, "father_citizen_id": father, "registered_on": "2026-11-21",
            "child": {"citizen_id": CHILD, "birth_date": born},
        }  # fmt: skip
        await record(road, "th.dopa.birth.registered", registered, event_id=f"r{n}")
    database = road.store.collection("events").database.name
    dice = random.Random(2569)
    kills = 0

    async def one_after_another() -> None:
        nonlocal kills
        while True:
            # Once enough have died, the last ones live, so that the test ends.
            deadliness = 0.1 if kills < most_kills else 0.0
            (worker,) = await workers.start((mongodb_uri, database, dice.randrange(10**6), deadliness))
            code = await workers.end_of(worker)
            if code == 0:
                return
            assert code == -signal.SIGKILL
            kills += 1

    workers = Forks(WORKER)
    try:
        async with asyncio.timeout(110):
            await asyncio.gather(*(one_after_another() for _ in range(2)))
    finally:
        workers.stop()
    while await road.journeys.run_once(50):
        pass

    assert kills >= most_kills // 2, "nobody was killed, so nothing was shown"
    for pid, children in [(n, 1) for n in range(births)] + [(100 + n, 2) for n in range(births // 2)]:
        person = await road.people.find(identity_number(pid))
        assert person is not None
        journeys = list((await road.journeys.page(person.id)).items)
        assert len(journeys) == children
        for journey in journeys:
            assert [one for one in said(journey) if one[2] == "OPENED"] == [("OPEN", "AGENCY", "OPENED")]
            assert states(journey)["birth_registration"] == "DONE"
            reported = [one for one in said(journey, "birth_registration") if one[2] == "REPORTED"]
            assert reported == [("DONE", "AGENCY", "REPORTED")]
    for parent in ("mother", "father"):
        kept = await road.all_of("journeys", parent=parent)
        assert len({one["closed"]["birth_registration"]["ref"] for one in kept}) == births


def identity_number(n: int) -> str:
    twelve = f"10000000{n:04}"
    total = sum(int(digit) * weight for digit, weight in zip(twelve, range(13, 1, -1), strict=True))
    return twelve + str((11 - total % 11) % 10)
