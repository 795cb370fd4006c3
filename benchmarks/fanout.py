"""A question over eight agencies: its time against the slowest of eight bare calls, its CPU against a bare call's.

The question goes the whole road: HTTP, token, limits, execution, consents, access records, gateway, dialect, and back; it
asks for everything anew. Each agency answers after 50 ms. The bare calls are what the dialect sends, by aiohttp, with
the answer parsed, eight at once for each question in flight; the slowest of the eight is what nobody can be quicker than.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping

import aiohttp
import orjson

from agencies.gateway import DATA_SUBJECT_REQUEST
from backend.app import House
from backend.client import Phone
from backend.processes import new_loop
from benchmarks import agencies
from benchmarks.harness import Bench, children, cpu_s, system, together
from foundation.http import Http
from foundation.settings import read

LATENCY_S = 0.05
PEOPLE = 96
QUESTIONS = {1: 30, 32: 320}  # by how many are in flight
CPU_QUESTIONS = 400
CPU_IN_FLIGHT = 8
CALLS = len(agencies.QUESTIONS)
ASKED = agencies.question()


async def run(bench: Bench) -> None:
    bench.steps(bench.rounds * 3)
    async with agencies.peer(after_s=LATENCY_S) as base, agencies.peer(after_s=0) as quick:
        async with system(**agencies.pointed_at(base)) as there:
            http = Http(connections=512)
            phones = await agencies.phones(there, http, count=PEOPLE)
            await _times(bench, base, phones)
            await http.close()
        async with system(**agencies.pointed_at(quick)) as there:
            http = Http(connections=512)
            phones = await agencies.phones(there, http, count=PEOPLE)
            await _cpu(bench, there, quick, phones)
            await http.close()


async def ask(turns: Iterator[Phone], asked: str = ASKED) -> None:
    answer = await next(turns).ask(asked)
    states = {card["state"] for card in answer["me"].values()}
    if states != {"OK"}:
        raise RuntimeError(f"not every agency answered: {states}")


async def _times(bench: Bench, base: str, phones: list[Phone]) -> None:
    turns = itertools.cycle(phones)
    ours: dict[int, list[float]] = {one: [] for one in QUESTIONS}
    floor: dict[int, list[float]] = {one: [] for one in QUESTIONS}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(bench.rounds):
            for in_flight, count in QUESTIONS.items():
                ours[in_flight].append(await _median(count, in_flight, lambda: ask(turns)))
                floor[in_flight].append(await _median(count, in_flight, lambda: _eight(session, base)))
                bench.step()
    for in_flight, bar in ((1, "≤ 1.15"), (32, "≤ 1.5")):
        bench.report(
            f"p50_{in_flight}", ours[in_flight], unit="ms",
            against=f"the slowest of eight bare calls, {in_flight} in flight", floor=floor[in_flight], bar=bar,
        )  # fmt: skip


async def _median(count: int, in_flight: int, do: object) -> float:
    took: list[float] = []

    async def one(_number: int) -> None:
        began = time.perf_counter()
        await do()  # type: ignore[operator]  # a function without arguments, as above
        took.append(time.perf_counter() - began)

    await together(in_flight, in_flight=in_flight, do=one)
    took.clear()
    await together(count, in_flight=in_flight, do=one)
    return statistics.median(took) * 1000


async def _eight(session: aiohttp.ClientSession, base: str) -> None:
    await asyncio.gather(*(_bare(session, base, one) for one in agencies.QUESTIONS))


async def _bare(session: aiohttp.ClientSession, base: str, operation: str) -> None:
    body = orjson.dumps({"citizen_id": "1000000000016"})
    headers = {"Authorization": "Bearer tangrat-agencies", "Content-Type": "application/json"}
    url = f"{base}/{operation.replace('.', '/v1/')}"
    async with session.post(url, data=body, headers=headers) as reply:
        orjson.loads(await reply.read())


async def _cpu(bench: Bench, there: object, base: str, phones: list[Phone]) -> None:
    """CPU of the whole API process, of the gateway alone, and of a bare call, for each agency call."""
    turns = itertools.cycle(phones)
    serve = children(there.pid)["serve"]  # type: ignore[attr-defined]  # a Running
    whole: list[float] = []
    gateway: list[float] = []
    floor: list[float] = []
    for _ in range(bench.rounds):
        await together(CPU_IN_FLIGHT, in_flight=CPU_IN_FLIGHT, do=lambda _: ask(turns))
        before = cpu_s(serve)
        await together(CPU_QUESTIONS, in_flight=CPU_IN_FLIGHT, do=lambda _: ask(turns))
        whole.append((cpu_s(serve) - before) / (CPU_QUESTIONS * CALLS) * 1e6)
        gateway.append(await _alone("gateway", base, there.environment))  # type: ignore[attr-defined]  # a Running
        floor.append(await _alone("bare", base, there.environment))  # type: ignore[attr-defined]  # a Running
        bench.step()
    against = f"a bare aiohttp call, {CPU_IN_FLIGHT * CALLS} in flight"
    bench.report("cpu", whole, unit="µs", against=against, floor=floor, bar="≤ 2.5")
    bench.report("cpu_gateway", gateway, unit="µs", against=against, floor=floor)


async def _alone(what: str, base: str, environment: Mapping[str, str]) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.fanout", what, base, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )  # fmt: skip
    said, _ = await process.communicate()
    return float(said)


async def _bare_alone(base: str) -> float:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await together(CPU_IN_FLIGHT, in_flight=CPU_IN_FLIGHT, do=lambda _: _eight(session, base))
        began = time.process_time()
        await together(CPU_QUESTIONS, in_flight=CPU_IN_FLIGHT, do=lambda _: _eight(session, base))
        return (time.process_time() - began) / (CPU_QUESTIONS * CALLS) * 1e6


async def _gateway_alone(_base: str) -> float:
    async with House(read(os.environ), process="bench") as house:
        answers = await house.http.request("GET", read(os.environ).clock_url.replace("clock", "citizens"), deadline_s=5)
        found = await house.people.ensure_many([one["pid"] for one in answers.json()])
        people = itertools.cycle([person.id for person in found.values()])
        wanted = [house.agencies.plain[one] for one in agencies.QUESTIONS]

        async def one(_number: int) -> None:
            person = next(people)
            asking = house.gateway.asking(
                subject=person, actor=person, purpose="bench", ground=DATA_SUBJECT_REQUEST, anew=True
            )
            year = {"tax_year": 2025}
            heard = await asyncio.gather(
                *(asking.ask(operation, **(year if operation.takes else {})) for operation in wanted)
            )
            if {answer.state for answer in heard} != {"OK"}:
                raise RuntimeError(f"not every agency answered: {[answer.problem for answer in heard]}")

        await together(CPU_IN_FLIGHT, in_flight=CPU_IN_FLIGHT, do=one)
        gc.collect()
        gc.freeze()
        began = time.process_time()
        await together(CPU_QUESTIONS, in_flight=CPU_IN_FLIGHT, do=one)
        return (time.process_time() - began) / (CPU_QUESTIONS * CALLS) * 1e6


if __name__ == "__main__":
    alone = {"bare": _bare_alone, "gateway": _gateway_alone}[sys.argv[1]]
    # Ours on the loop that it runs on in production, and with what was built left alone by the collector, as there.
    with asyncio.Runner(loop_factory=new_loop if sys.argv[1] == "gateway" else None) as runner:
        print(runner.run(alone(sys.argv[2])))
