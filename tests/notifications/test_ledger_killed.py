"""kill -9, for real: nothing that was put is lost, and each kill costs at most one repeat, under the same id."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter

from foundation.clock import SystemClock
from foundation.store import Store
from notifications.ledger import Ledger, indexes
from tests.forks import Forks

WORKER = "tests.notifications.worker_to_kill"
ITEMS = 300
MOST_KILLS = 25


async def test_nothing_is_lost_when_workers_are_killed_at_any_moment(store: Store, mongodb_uri: str) -> None:
    await store.open(indexes("work"))
    ledger = Ledger(store, "work", clock=SystemClock())
    await ledger.put([{"_id": f"{n:04}"} for n in range(ITEMS)])
    database = store.collection("work").database.name
    dice = random.Random(2569)
    kills = 0

    async def one_after_another(place: int) -> None:
        nonlocal kills
        while True:
            # Once enough have died, the last ones live, so that the test ends.
            deadliness = 0.04 if kills < MOST_KILLS else 0.0
            (worker,) = await workers.start((mongodb_uri, database, dice.randrange(10**6), deadliness))
            if deadliness and place == 0:
                await asyncio.sleep(dice.random() / 2)
                killed = await workers.kill(worker)
            else:
                killed = {}
            code = killed[worker] if killed else await workers.end_of(worker)
            if code == 0:
                return
            assert code == -signal.SIGKILL
            kills += 1

    workers = Forks(WORKER)
    try:
        async with asyncio.timeout(110):
            await asyncio.gather(*(one_after_another(place) for place in range(3)))
    finally:
        workers.stop()

    done = Counter([effect["item"] async for effect in store.collection("effects").find()])
    assert kills >= 10, "nobody was killed, so nothing was shown"
    assert len(done) == ITEMS
    assert done.total() - ITEMS <= kills
    assert await ledger.counts() == {"waiting": 0, "buried": 0, "expired": 0, "done": ITEMS}
