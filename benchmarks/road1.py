"""The three-agency question: time against the slowest single agency, CPU against the same calls by bare aiohttp.

The question is asked by signed-in phones through the whole road: HTTP, token, limits, execution, access records,
gateway, dialects. For the time, every agency answers after 50 ms. For the CPU, as many questions are in flight as bare
calls, and the bare calls are the very requests that our dialects send, tokens and all, with the answers parsed. `cpu` and
`cpu_1` are the whole of the API process; `cpu_gateway` is the gateway alone: ground, record before the look, call,
reading, the check that it is about the right person.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import orjson

from agencies import dopa, nhso, sso
from agencies.dopa import Dopa
from agencies.gateway import DATA_SUBJECT_REQUEST
from agencies.gdx import GdxTransport
from agencies.nhso import Nhso
from agencies.sso import Sso
from backend.app import House
from backend.client import Phone, SignInFailed
from backend.up import Running
from benchmarks.harness import Bench, children, cpu_s, system, together
from foundation.clock import SystemClock
from foundation.http import Http, Reply
from foundation.settings import read

# A citizen may ask 60 questions in ten seconds, so many take turns: those of the samples, and of the unnamed nation.
PHONES = 60
SAMPLES, UNNAMED = range(1, 13), itertools.count(1001)
QUESTIONS = 36
MANY = 8
CPU_QUESTIONS = {MANY: 600, 1: 300}  # by how many are in flight; as much as makes the kernel's ticks of 10 ms small
LATENCY_MS = 50
DEADLINE_S = 5
CITIZEN = "1000000000016"
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
        phones: list[Phone] = []
        for number in itertools.chain(SAMPLES, UNNAMED):
            if len(phones) == PHONES:
                break
            phone = Phone(there.api, redirect_uri=redirect, http=http)
            try:
                await phone.sign_in(number)
            except SignInFailed:
                continue  # too young, or not alive
            phone.wants_new = True
            phones.append(phone)
        await http.request("POST", f"{there.sandbox}/sandbox/latency", deadline_s=5, json={"*": LATENCY_MS})
        await _p50(bench, there.sandbox, phones)
        await http.request("POST", f"{there.sandbox}/sandbox/latency", deadline_s=5, json={"*": 0})
        await _cpu(bench, there, phones)
        await http.close()


async def _p50(bench: Bench, sandbox: str, phones: list[Phone]) -> None:
    """A round asks the question and each single agency in turn, so that a slow second hits all alike."""
    turns = itertools.cycle(phones)
    ours: list[float] = []
    floor: list[float] = []
    async with aiohttp.ClientSession() as bare:
        await _bare(bare, sandbox)
        for _ in range(bench.rounds):
            took: list[float] = []
            single: list[float] = []
            for _ in range(QUESTIONS):
                began = time.perf_counter()
                await _ask(turns)
                took.append(time.perf_counter() - began)
                began = time.perf_counter()
                await _bare(bare, sandbox)
                single.append(time.perf_counter() - began)
            ours.append(statistics.median(took) * 1000)
            floor.append(statistics.median(single) * 1000)
            bench.step()
    bench.report("p50", ours, unit="ms", against="the slowest single agency", floor=floor, bar="≤ 1.3")


async def _ask(turns: Iterator[Phone]) -> None:
    """The question from the phone whose turn it is."""
    answer = await next(turns).ask(QUESTION)
    if not {card["state"] for card in answer["me"].values()} <= {"OK", "NOT_FOUND"}:
        raise RuntimeError(f"not every agency answered: {answer}")


async def _bare(session: aiohttp.ClientSession, sandbox: str) -> None:
    """One call of one agency, as bare as it gets."""
    url = f"{sandbox}/nhso/nhsoendpoint/api/v2/right-search?pid={CITIZEN}&checkDate=2026-11-21T00:00:00"
    async with session.get(url, headers={"Authorization": "Bearer tangrat-nhso"}) as reply:
        orjson.loads(await reply.read())


async def _cpu(bench: Bench, there: Running, phones: list[Phone]) -> None:
    """A round takes ours and the bare calls in turn, with several in flight and then one at a time."""
    serve = children(there.pid)["serve"]
    turns = itertools.cycle(phones)
    ours: dict[int, list[float]] = {in_flight: [] for in_flight in CPU_QUESTIONS}
    floor: dict[int, list[float]] = {in_flight: [] for in_flight in CPU_QUESTIONS}
    gateway: list[float] = []
    for _ in range(bench.rounds):
        for in_flight, count in CPU_QUESTIONS.items():
            before = cpu_s(serve)
            await together(count, in_flight=in_flight, do=lambda _number: _ask(turns))
            ours[in_flight].append((cpu_s(serve) - before) / (count * CALLS) * 1e6)
            floor[in_flight].append(await _cpu_alone("bare", there, in_flight=in_flight, calls=count * CALLS))
            if in_flight == MANY:
                gateway.append(await _cpu_alone("gateway", there, in_flight=in_flight, calls=count * CALLS))
        bench.step()
    for in_flight in CPU_QUESTIONS:
        bench.report(
            "cpu" if in_flight > 1 else "cpu_1", ours[in_flight], unit="µs",
            against=f"a bare aiohttp call, {in_flight} in flight", floor=floor[in_flight], bar="≤ 3",
        )  # fmt: skip
    bench.report(
        "cpu_gateway",
        gateway,
        unit="µs",
        against=f"a bare aiohttp call, {MANY} in flight",
        floor=floor[MANY],
        bar="≤ 3",
    )


async def _cpu_alone(what: str, there: Running, *, in_flight: int, calls: int) -> float:
    """CPU of a bare call, or of one through the gateway, in a process that does nothing else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.road1", what, str(in_flight), str(calls), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **there.environment},
    )  # fmt: skip
    said, _ = await process.communicate()
    return float(said)


class _Noting(Http):
    """Notes what is sent, so that it can be sent again without us."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    async def request(self, method: str, url: str, *, deadline_s: float, **sent: Any) -> Reply:
        headers = dict(sent.get("headers") or {})
        body = {"data": orjson.dumps(sent["json"])} if sent.get("json") else {"data": sent.get("form")}
        self.sent.append((method, url, {"headers": headers, "params": sent.get("params"), **body}))
        return await super().request(method, url, deadline_s=deadline_s, **sent)


async def _requests() -> list[tuple[str, str, dict[str, Any]]]:
    """What the dialects send for the question, once they have their tokens."""
    settings, clock, http = read(os.environ), SystemClock(), _Noting()
    gdx = GdxTransport(
        http, url=settings.gdx_url, consumer_key=settings.gdx_consumer_key, consumer_secret=settings.gdx_consumer_secret,
        agent_id=settings.gdx_agent_id, clock=clock, deadline_s=DEADLINE_S,
    )  # fmt: skip
    register = Dopa(
        gdx, url=settings.dopa_url, officer_pid=settings.dopa_officer_pid, office_id=settings.dopa_office_id,
        access_token=settings.dopa_access_token, job_id=settings.dopa_job_id, clock=clock,
    )  # fmt: skip
    insurance = Sso(
        http, url=settings.sso_url, token_url=settings.sso_token_url, services_url=settings.sso_services_url,
        client_id=settings.sso_client_id, client_secret=settings.sso_client_secret, username=settings.sso_username,
        password=settings.sso_password, clock=clock, deadline_s=DEADLINE_S,
    )  # fmt: skip
    health = Nhso(http, url=settings.nhso_url, token=settings.nhso_token, clock=clock, deadline_s=DEADLINE_S)
    for _ in range(2):  # the first time, tokens are fetched besides
        http.sent.clear()
        await register.ask(CITIZEN, [dopa.PERSON, dopa.HOUSE])
        await insurance.ask(CITIZEN, [sso.INSURED])
        await health.ask(CITIZEN, [nhso.RIGHTS])
    await http.close()
    return http.sent


async def _bare_alone(in_flight: int, calls: int) -> float:
    requests = await _requests()
    if len(requests) != CALLS:
        raise RuntimeError(f"the question takes {CALLS} calls, not {len(requests)}")
    async with aiohttp.ClientSession() as session:

        async def call(number: int) -> None:
            method, url, sent = requests[number % CALLS]
            async with session.request(method, url, **sent) as reply:
                orjson.loads(await reply.read())

        await together(CALLS * in_flight, in_flight=in_flight, do=call)
        began = time.process_time()
        await together(calls, in_flight=in_flight, do=call)
        return (time.process_time() - began) / calls * 1e6


async def _gateway_alone(in_flight: int, calls: int) -> float:
    async with House(read(os.environ), process="bench") as house:
        answers = await house.http.request("GET", read(os.environ).clock_url.replace("clock", "citizens"), deadline_s=5)
        found = await house.people.ensure_many([one["pid"] for one in answers.json()])
        people = itertools.cycle([person.id for person in found.values()])

        async def ask(_number: int) -> None:
            person = next(people)
            asking = house.gateway.asking(
                subject=person, actor=person, purpose="bench", ground=DATA_SUBJECT_REQUEST, anew=True
            )
            wanted = (dopa.PERSON, dopa.HOUSE, sso.INSURED, nhso.RIGHTS)
            heard = await asyncio.gather(*(asking.ask(operation) for operation in wanted))
            if not {answer.state for answer in heard} <= {"OK", "NOT_FOUND"}:
                raise RuntimeError(f"not every agency answered: {[answer.problem for answer in heard]}")

        await together(in_flight, in_flight=in_flight, do=ask)
        began = time.process_time()
        await together(calls // CALLS, in_flight=in_flight, do=ask)
        return (time.process_time() - began) / calls * 1e6


if __name__ == "__main__":
    alone = {"bare": _bare_alone, "gateway": _gateway_alone}[sys.argv[1]]
    print(asyncio.run(alone(int(sys.argv[2]), int(sys.argv[3]))))
