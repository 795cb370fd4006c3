"""A worker for the tests to kill: spreads events and looks at journeys; exits when nothing is left to spread.

It also kills itself now and then, exactly between two legs.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal

from foundation.clock import SystemClock
from foundation.http import Http
from foundation.store import Store
from lifeevents import catalogue as catalogues
from lifeevents import intake as intakes
from lifeevents.journeys import JOURNEYS, Journeys
from notifications.ledger import Ledger
from tests.lifeevents.conftest import EventRoad
from trust.secrets import Vault

LEASE_S = 1.0


def load() -> None:
    catalogues.load()


async def work(uri: str, database: str, seed: int, deadliness: float) -> None:
    dice = random.Random(seed)

    def die_maybe(_leg: str) -> None:
        if dice.random() < deadliness:
            os.kill(os.getpid(), signal.SIGKILL)

    clock, store, http = SystemClock(), Store(uri, database=database), Http()
    road = EventRoad(store, Vault(b"\x01" * 32), clock, catalogues.load(), http)
    road.events = Ledger(store, intakes.EVENTS, clock=clock, lease_s=LEASE_S, max_attempts=100, on_leg=die_maybe)
    looks = Ledger(store, JOURNEYS, clock=clock, lease_s=LEASE_S, max_attempts=100, on_leg=die_maybe)
    journeys = Journeys(
        store, looks, people=road.people, catalogue=road.catalogue, engine=road.engine, circumstances=road.kin,
        relatives=road.kin, deaths=road.agenda, clock=clock, metrics=road.metrics, on_leg=die_maybe,
    )  # fmt: skip
    fanout = road.a_fanout(journeys=journeys, on_leg=die_maybe)
    while await road.events.waiting():
        if not await fanout.run_once(8) + await journeys.run_once(8):
            await asyncio.sleep(0.05)
    await http.close()
    await store.close()
