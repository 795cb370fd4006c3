"""A worker for the tests to kill: claims, does each item (an insert that can be counted), settles it; exits when all is
done. It also kills itself now and then, exactly between two legs.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time

from foundation.clock import SystemClock
from foundation.ids import new_id
from foundation.store import Store
from notifications.ledger import Ledger

LEASE_S = 2.0


async def work(uri: str, database: str, seed: int, deadliness: float) -> None:
    dice = random.Random(seed)

    def die_maybe(_leg: str) -> None:
        if dice.random() < deadliness:
            os.kill(os.getpid(), signal.SIGKILL)

    store = Store(uri, database=database)
    ledger = Ledger(store, "work", clock=SystemClock(), lease_s=LEASE_S, max_attempts=100, on_leg=die_maybe)
    effects = store.collection("effects")
    while await ledger.waiting():
        claimed = await ledger.claim(limit=5)
        began = time.monotonic()
        for one in claimed:
            if time.monotonic() - began > LEASE_S / 2:
                break  # what is left of the lease may not do; somebody claims it again
            await effects.insert_one({"_id": new_id(), "item": one.id, "worker": os.getpid()})
            die_maybe("work done")
            await ledger.settle([one])
        if not claimed:
            await asyncio.sleep(0.05)
    await store.close()
