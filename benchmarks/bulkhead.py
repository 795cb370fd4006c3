"""One agency hanging at full load: the slowest answers of questions that don't need it, with and without the hang.

Half of the phones ask four agencies that are well; the other half ask one agency all the time, as many as it will take.
When that one hangs, each of its questions waits for the whole deadline, until the breaker rests it.
"""

from __future__ import annotations

import asyncio
import itertools
import time

from backend.client import Phone
from benchmarks import agencies
from benchmarks.harness import Bench, system
from foundation.errors import SuperAppError
from foundation.http import Http

LATENCY_S = 0.02
WELL = ("rd.get_income", "fpo.get_welfare_status", "dol.list_parcels", "dca.get_passport")
SICK = "dlt.get_vehicles"
LANES, SICK_LANES = 8, 24
SECONDS = 6.0
PEOPLE = 500  # a person may ask 60 questions in ten seconds


async def run(bench: Bench) -> None:
    bench.steps(bench.rounds * 2)
    async with (
        agencies.peer(after_s=LATENCY_S) as base,
        system(**{**agencies.pointed_at(base), "TANGRAT_AGENCY_DEADLINE_S": "2"}) as there,
    ):
        http = Http(connections=1024)
        phones = await agencies.phones(there, http, count=PEOPLE)
        found: dict[str, list[float]] = {"well": [], "hanging": []}
        for _ in range(bench.rounds):
            for what, p99s in found.items():
                hanging = SICK.partition(".")[0] if what == "hanging" else ""
                await http.request("POST", f"{base}/hang/{hanging}", deadline_s=5, body=b"")
                await asyncio.sleep(1)
                p99s.append(await _p99(phones))
                bench.step()
        await http.close()
    bench.report(
        "p99", found["hanging"], unit="ms", against="the same without the hang", floor=found["well"], bar="≤ 1.2"
    )


async def _p99(phones: list[Phone]) -> float:
    turns = itertools.cycle(phones)
    end = time.monotonic() + SECONDS
    took: list[float] = []

    async def lane(asked: str, *, counts: bool) -> None:
        while time.monotonic() < end:
            began = time.perf_counter()
            try:
                answer = await next(turns).ask(asked)
            except SuperAppError:
                continue
            if counts:
                if {card["state"] for card in answer["me"].values()} != {"OK"}:
                    raise RuntimeError("an agency that is well did not answer")
                took.append(time.perf_counter() - began)

    await asyncio.gather(
        *(lane(agencies.question(WELL), counts=True) for _ in range(LANES)),
        *(lane(agencies.question((SICK,)), counts=False) for _ in range(SICK_LANES)),
    )
    return sorted(took)[int(len(took) * 0.99)] * 1000
