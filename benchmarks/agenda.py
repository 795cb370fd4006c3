"""Due cells to recorded events, per second, against raw bulk inserts of the very same documents.

What is told is judged, built, checked, sealed and written, and its item settled; the facts are at hand, for what agencies
take is another bench's matter. The floor writes 500 documents at a time. Both are acknowledged by a majority and journaled.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.harness import Bench
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
    ours: list[float] = []
    floor: list[float] = []
    bench.steps(bench.rounds)
    for number in range(bench.rounds + 1):
        day = clock.today() - timedelta(days=number)
        rate = await _ours(agenda, [Falls(rule=RULE, day=day, person=one) for one in everybody])
        raw = await _raw(store)
        if number:  # the first round warms up
            ours.append(rate)
            floor.append(raw)
            bench.step()
    bench.report("rate", ours, unit="events/s", against="raw insert_many", floor=floor, bar="≥ 0.5")


async def _ours(agenda: Agenda, falls: list[Falls]) -> float:
    for start in range(0, len(falls), 1000):
        await agenda.feed(falls[start : start + 1000])
    began = time.perf_counter()
    while await agenda.run_cells(200):
        pass
    return len(falls) / (time.perf_counter() - began)


async def _raw(store: Store) -> float:
    """Into an own collection with the indexes of the events."""
    events, raw = store.collection(intakes.EVENTS), store.collection("raw_events")
    newest = events.find({}).sort("received_at", -1).limit(PEOPLE)
    documents = [one | {"_id": new_id()} async for one in newest]
    await raw.drop()
    for index in intakes.INDEXES:
        await raw.create_indexes([index.model()])
    began = time.perf_counter()
    for start in range(0, len(documents), AT_ONCE):
        await raw.insert_many(documents[start : start + AT_ONCE], ordered=False)
    took = time.perf_counter() - began
    if len(documents) != PEOPLE:
        raise RuntimeError(f"{len(documents)} events were recorded, not {PEOPLE}")
    return PEOPLE / took


def _number(number: int) -> str:
    """An identity number with its check digit."""
    twelve = f"10000{number:07}"
    total = sum(int(digit) * weight for digit, weight in zip(twelve, range(13, 1, -1), strict=True))
    return twelve + str((11 - total % 11) % 10)
