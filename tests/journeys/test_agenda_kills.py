"""kill -9 of workers while rights fall due, at any leg and at any moment: each is told exactly once.

Rights that came in for a whole population (cells) and those of one person (single items) are due together; citizens of
the sandbox, asked of its agencies. `make test` kills a dozen workers, `make slow` a hundred.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.app import House
from backend.up import Running, running
from benchmarks.harness import children
from foundation import settings
from foundation.clock import start_of
from foundation.embedded import die_with_parent
from foundation.store import Document
from lifeevents import agenda as agendas
from lifeevents.agenda import Falls
from trust.people import PersonId

HERE = Path(__file__).parent
RULE = "elderly_fund_loan"  # a right without notices of its own: for every living citizen from 60 on
MANY = 60
LEGS = [
    "agenda sweeping", "agenda swept", "agenda_cells claimed", "agenda recorded", "agenda settled",
    "agenda_cells settled", "agenda claimed", "events claimed", "events told", "events settled",
]  # fmt: skip


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments], env=environment, cwd=HERE.parent.parent, stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(os.getpid()),
    )  # fmt: skip


@pytest.fixture(scope="module")
def system(up_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system of its own whose worker is held still, so that only the test's workers work."""
    folder = tmp_path_factory.mktemp("agenda-kills")
    # An agency that is slow on a busy machine would be asked again a quarter of an hour later.
    environment = up_environment | {"TANGRAT_DATA_DIR": str(folder), "TANGRAT_AGENCY_DEADLINE_S": "15"}
    up = start(environment, "-m", "backend", "up", "--with-parent")
    deadline = time.monotonic() + 60
    while (there := running(folder)) is None:
        assert up.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker = children(there.pid)["work"]
    os.kill(worker, signal.SIGSTOP)
    yield there
    os.kill(worker, signal.SIGCONT)
    up.send_signal(signal.SIGINT)
    assert up.wait(40) == 0


@pytest.fixture(scope="module")
def environment(system: Running) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")}
    return kept | dict(system.environment) | {"TANGRAT_WORKER_PORT": "0"}


@pytest.fixture
async def house(environment: dict[str, str]) -> AsyncIterator[House]:
    async with House(settings.read(environment), process="test") as house:
        yield house


@dataclass
class Due:
    """Elders of the sandbox who have signed in, and what has been made due for them."""

    house: House
    elders: list[PersonId]

    async def for_everybody(self) -> None:
        """Half of them as of a whole population, the others each by themselves; the day is today's."""
        today = self.house.clock.today()
        await self.house.agenda.feed([Falls(rule=RULE, day=today, person=one) for one in self.elders])
        alone = [one for number, one in enumerate(self.elders) if number % 2]
        await self.house.store.collection(agendas.AGENDA).update_many(
            {"person": {"$in": alone}, "rule": RULE, "state": "waiting"},
            {"$set": {"due": start_of(today)}, "$unset": {"cell": ""}},
        )

    async def again(self) -> None:
        """Everything is forgotten, so that the same people can be told anew."""
        for name in (agendas.AGENDA, agendas.CELLS, "events", "inbox"):
            await self.house.store.collection(name).delete_many({})

    async def all_of(self, collection: str, **where: Any) -> list[Document]:
        return [one async for one in self.house.store.collection(collection).find(where)]

    async def open(self) -> int:
        """What isn't settled yet: items of the agenda, and events that haven't been spread."""
        waiting = await self.all_of(agendas.AGENDA, kind="due", state="waiting")
        return len(waiting) + len(await self.all_of("events", state="waiting"))

    async def were_told_once(self) -> None:
        events = await self.all_of("events", type=agendas.RIGHT_DUE)
        entries = await self.all_of("inbox")
        assert sorted(one["person"] for one in events) == sorted(self.elders)
        assert sorted(one["person"] for one in entries) == sorted(self.elders)
        assert {one["state"] for one in await self.all_of(agendas.AGENDA, kind="due")} == {"done"}


@pytest.fixture
async def due(house: House, state: Any) -> AsyncIterator[Due]:
    elders: list[PersonId] = []
    number = 3000
    while len(elders) < MANY:
        one = await state.call("GET", f"/sandbox/citizens/{number}")
        number += 1
        is_old = house.clock.today().year - one["record"]["birth"]["year"] > 61
        if one["alive"] and is_old and one["record"]["nationality"] == "thai":
            person = (await house.people.ensure(one["pid"])).id
            await house.people.signed_in(person)
            elders.append(person)
    found = Due(house, elders)
    await found.again()
    yield found
    await found.again()


async def finished(due: Due, environment: dict[str, str], *, within_s: float = 90) -> None:
    """A worker that nobody kills does what is left."""
    healthy = start(environment, "-m", "backend", "work")
    try:
        deadline = time.monotonic() + within_s
        while await due.open():
            assert time.monotonic() < deadline, f"{await due.open()} are still open"
            await asyncio.sleep(0.3)
        await asyncio.sleep(1.5)  # longer than the lease: whatever would be repeated has been
    finally:
        healthy.kill()  # it may not even have started, where the killed ones had done it all
        await asyncio.to_thread(healthy.wait, 30)


@pytest.mark.parametrize("leg", LEGS)
async def test_a_worker_killed_at_any_leg_tells_each_right_once(
    leg: str, due: Due, environment: dict[str, str]
) -> None:
    await due.for_everybody()
    if leg.endswith(("sweeping", "swept")):  # as if they had been fed long ago
        await due.house.store.collection(agendas.CELLS).delete_many({})

    doomed = start(environment, str(HERE / "worker_to_kill.py"), leg, "1")
    assert await asyncio.to_thread(doomed.wait, 60) == -signal.SIGKILL
    await finished(due, environment)

    await due.were_told_once()


async def test_workers_killed_at_random_tell_each_right_once(due: Due, environment: dict[str, str]) -> None:
    await _killed_at_random(due, environment, kills=3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_hundred_kills(due: Due, environment: dict[str, str]) -> None:
    """Each round of kills has everything to tell anew; the legs are killed at their n-th time too."""
    kills = int(os.environ.get("KILLS", "100"))
    while kills > 0:
        part = min(kills, 10)
        await _killed_at_random(due, environment, kills=part)
        await due.again()
        kills -= part


async def _killed_at_random(due: Due, environment: dict[str, str], *, kills: int) -> None:
    chance = random.Random(kills)
    await due.for_everybody()
    for _ in range(kills):
        if chance.random() < 0.5:
            doomed = start(environment, str(HERE / "worker_to_kill.py"), chance.choice(LEGS), str(chance.randint(1, 6)))
        else:
            doomed = start(environment, "-m", "backend", "work")
        try:
            await asyncio.to_thread(doomed.wait, chance.uniform(1.5, 5.0))
        except subprocess.TimeoutExpired:
            doomed.kill()
        await asyncio.to_thread(doomed.wait, 30)
    await finished(due, environment)
    await due.were_told_once()
