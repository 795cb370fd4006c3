"""Due cells to recorded events, per second, against raw bulk inserts of the very same documents.

What is told is read, judged, built, checked, sealed and written, and its cell settled; the facts are at hand, for what
agencies take is another bench's matter. The floor writes 500 documents at a time into a collection with the same indexes
and as many documents. Both are acknowledged by a majority and journaled. `cpu` is what this process and mongod take for
one event, which a neighbour on the machine doesn't change; `own` is this process's part of it.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bson import Timestamp

from benchmarks.harness import Bench, children, cpu_s
from foundation.clock import FrozenClock
from foundation.embedded import EmbeddedMongo
from foundation.ids import new_id
from foundation.store import Store
from foundation.telemetry import Metrics
from lifeevents import agenda as agendas
from lifeevents import catalogue as catalogues
from lifeevents import intake as intakes
from lifeevents.agenda import Agenda, Falls
from lifeevents.intake import Intake
from lifeevents.register import PersonFacts
from lifeevents.rules.engine import Engine
from notifications.ledger import Ledger
from trust import people as people_module
from trust.people import People, PersonId
from trust.secrets import Vault

PEOPLE = 3000
RULE = "elderly_fund_loan"
AT_ONCE = 500
RAW = "raw_events"
OLD = PersonFacts(known={"person.alive": True, "person.nationality": "thai", "person.birth_date": date(1960, 1, 1)})


class AtHand:
    async def facts(
        self, person: PersonId, *, wanted: Collection[str] = (), with_children: bool = False
    ) -> PersonFacts:
        return OLD


async def hush(_person: PersonId, _why: str) -> int:
    return 0


async def run(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="tangrat-bench-") as folder:
        mongo = EmbeddedMongo(Path(folder))
        store = Store(mongo.start(), database="bench")
        try:
            await store.open((*people_module.INDEXES, *intakes.INDEXES, *agendas.INDEXES))
            await _rates(bench, store)
        finally:
            await store.close()
            mongo.stop()


async def _rates(bench: Bench, store: Store) -> None:
    clock, catalogue = FrozenClock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC)), catalogues.load()
    people = People(store, Vault(b"\x01" * 32), clock=clock)
    intake = Intake(
        store, Ledger(store, intakes.EVENTS, clock=clock), people, Vault(b"\x01" * 32), catalogue, clock=clock,
        metrics=Metrics(),
    )  # fmt: skip
    agenda = Agenda(
        store, Ledger(store, agendas.AGENDA, clock=clock), Ledger(store, agendas.CELLS, clock=clock),
        catalogue=catalogue, engine=Engine(catalogue), people=people, facts=AtHand(), intake=intake, hush=hush,
        clock=clock, metrics=Metrics(),
    )  # fmt: skip
    everybody = [one.id for one in (await people.ensure_many(_number(one) for one in range(PEOPLE))).values()]
    await store.collection("people").update_many({}, {"$set": {"has_account": True}})
    gc.collect()
    gc.freeze()  # as the worker does
    for index in intakes.INDEXES:
        await store.collection(RAW).create_indexes([index.model()])
    ours: list[Took] = []
    floor: list[Took] = []
    bench.steps(bench.rounds + 1)
    for _round in range(bench.rounds + 1):
        await _fed(agenda, [Falls(rule=RULE, day=clock.today() + timedelta(days=1), person=one) for one in everybody])
        clock.advance(timedelta(days=1))
        ours.append(await _ours(agenda))
        floor.append(await _raw(store))
        bench.step()
    del ours[0], floor[0]  # the first round warms up
    against = "raw insert_many"
    bench.report(
        "rate", [PEOPLE / one.wall_s for one in ours], unit="events/s", against=against,
        floor=[PEOPLE / one.wall_s for one in floor], bar="≥ 0.5",
    )  # fmt: skip
    bench.report(
        "cpu", [one.cpu_us for one in ours], unit="µs", against=against, floor=[one.cpu_us for one in floor]
    )  # fmt: skip
    bench.report("own", [one.own_us for one in ours], unit="µs", against=against, floor=[one.own_us for one in floor])


async def _fed(agenda: Agenda, falls: list[Falls]) -> None:
    fed = await agenda.feed(falls)
    if fed.new != PEOPLE:
        raise RuntimeError(f"{fed.new} were fed, not {PEOPLE}")


async def _ours(agenda: Agenda) -> Took:
    with taking() as took:
        while await agenda.run_cells(200):
            pass
    return took


async def _raw(store: Store) -> Took:
    """Into an own collection with the indexes of the events."""
    events, raw = store.collection(intakes.EVENTS), store.collection(RAW)
    newest = events.find({}).sort("received_at", -1).limit(PEOPLE)
    documents = [one | {"_id": new_id(), "seq": Timestamp(0, 0)} async for one in newest]
    with taking() as took:
        for start in range(0, len(documents), AT_ONCE):
            await raw.insert_many(documents[start : start + AT_ONCE], ordered=False)
    if len(documents) != PEOPLE or await events.count_documents({}) != await raw.count_documents({}):
        raise RuntimeError(f"not {PEOPLE} events were recorded")
    return took


@dataclass
class Took:
    """Seconds and, for one event, microseconds of CPU: of this process, and of both."""

    wall_s: float = 0.0
    own_us: float = 0.0
    cpu_us: float = 0.0


@contextmanager
def taking() -> Iterator[Took]:
    took, mongod = Took(), children(os.getpid())["mongod"]
    own, theirs, began = time.process_time(), cpu_s(mongod), time.perf_counter()
    yield took
    took.wall_s = time.perf_counter() - began
    took.own_us = (time.process_time() - own) / PEOPLE * 1e6
    took.cpu_us = took.own_us + (cpu_s(mongod) - theirs) / PEOPLE * 1e6


def _number(number: int) -> str:
    """An identity number with its check digit."""
    twelve = f"10000{number:07}"
    total = sum(int(digit) * weight for digit, weight in zip(twelve, range(13, 1, -1), strict=True))
    return twelve + str((11 - total % 11) % 10)
