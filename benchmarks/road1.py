"""The three-agency question: time against the slowest single agency, CPU against bare aiohttp calls.

Every agency answers after 50 ms. The question is asked by a signed-in phone through the whole road: HTTP, token,
limits, execution, access records, gateway, dialects.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

import aiohttp
import orjson

from backend.client import Phone
from benchmarks.harness import Bench, children, cpu_s, system
from foundation.http import Http

# A citizen may ask 60 questions in ten seconds, so several take turns.
PHONES = 12
QUESTIONS = 36
CPU_QUESTIONS = 120
LATENCY_MS = 50
# Three agencies, three calls: Linkage2 answers person and house in one.
CALLS = 3
QUESTION = """{ me {
  profile { state value { name { th en } birth { date precision } } }
  household { state value { address { text } members { name { th } } } }
  socialSecurity { state value { section hospital { code name { th } } } }
  healthcare { state value { rights { right { th } } } } } }"""


async def run(bench: Bench) -> None:
    bench.steps(2 * bench.rounds)
    async with system() as there:
        http = Http()
        redirect = f"{there.sandbox}/phone/signed-in"
        phones = [Phone(there.api, redirect_uri=redirect, http=http) for _ in range(PHONES)]
        for number, phone in enumerate(phones, start=1):
            await phone.sign_in(number)
        await http.request("POST", f"{there.sandbox}/sandbox/latency", deadline_s=5, json={"*": LATENCY_MS})
        await _p50(bench, there.sandbox, phones)
        await http.request("POST", f"{there.sandbox}/sandbox/latency", deadline_s=5, json={"*": 0})
        await _cpu(bench, there.pid, there.sandbox, phones)
        await http.close()


async def _p50(bench: Bench, sandbox: str, phones: list[Phone]) -> None:
    """A round asks the question and each single agency in turn, so that a slow second hits all alike."""
    ours: list[float] = []
    floor: list[float] = []
    async with aiohttp.ClientSession() as bare:
        await _bare(bare, sandbox)
        for _ in range(bench.rounds):
            took: list[float] = []
            single: list[float] = []
            for number in range(QUESTIONS):
                began = time.perf_counter()
                answer = await phones[number % PHONES].ask(QUESTION)
                took.append(time.perf_counter() - began)
                if not {card["state"] for card in answer["me"].values()} <= {"OK", "NOT_FOUND"}:
                    raise RuntimeError(f"not every agency answered: {answer}")
                began = time.perf_counter()
                await _bare(bare, sandbox)
                single.append(time.perf_counter() - began)
            ours.append(statistics.median(took) * 1000)
            floor.append(statistics.median(single) * 1000)
            bench.step()
    bench.report("p50", ours, unit="ms", against="the slowest single agency", floor=floor, bar="≤ 1.3")


async def _bare(session: aiohttp.ClientSession, sandbox: str) -> None:
    """One call of one agency, as bare as it gets."""
    url = f"{sandbox}/nhso/nhsoendpoint/api/v2/right-search?pid=1000000000016&checkDate=2026-11-21T00:00:00"
    async with session.get(url, headers={"Authorization": "Bearer tangrat-nhso"}) as reply:
        orjson.loads(await reply.read())


async def _cpu(bench: Bench, up: int, sandbox: str, phones: list[Phone]) -> None:
    serve = children(up)["serve"]
    ours: list[float] = []
    floor: list[float] = []
    for _ in range(bench.rounds):
        before = cpu_s(serve)
        for number in range(CPU_QUESTIONS):
            await phones[number % PHONES].ask(QUESTION)
        ours.append((cpu_s(serve) - before) / (CPU_QUESTIONS * CALLS) * 1e6)
        floor.append(await _bare_cpu(sandbox, 5 * CPU_QUESTIONS))
        bench.step()
    bench.report("cpu", ours, unit="µs", against="a bare aiohttp call", floor=floor, bar="≤ 3")


async def _bare_cpu(sandbox: str, calls: int) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.road1", sandbox, str(calls), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return float(said)


async def _bare_alone(sandbox: str, calls: int) -> float:
    async with aiohttp.ClientSession() as session:
        await _bare(session, sandbox)
        began = time.process_time()
        for _ in range(calls):
            await _bare(session, sandbox)
        return (time.process_time() - began) / calls * 1e6


if __name__ == "__main__":
    print(asyncio.run(_bare_alone(sys.argv[1], int(sys.argv[2]))))
