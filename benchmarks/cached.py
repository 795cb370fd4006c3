"""The eight-agency question with a warm cache, against the same answers from memory with no gateway at all.

Both are asked over HTTP of an API in a process of its own; the second differs in one thing: what a resolver asks of an
agency is looked up in a dictionary. So the ratio is what consent, access record and cache leave of the rate.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from agencies.answers import Answer, Operation
from backend.app import House, ready
from backend.client import Phone
from backend.processes import Server, new_loop
from benchmarks import agencies
from benchmarks.harness import Bench, system, together
from foundation.http import Http
from foundation.ports import free_port, listening
from foundation.settings import read

PEOPLE = 240
QUESTIONS, IN_FLIGHT = 1_500, 16
ASKED = agencies.question()


async def run(bench: Bench) -> None:
    bench.steps(bench.rounds * 2)
    async with (
        agencies.peer(after_s=0) as base,
        system(**agencies.pointed_at(base), TANGRAT_CACHE_FRESH_S="86400") as there,
    ):
        http = Http(connections=512)
        phones = await agencies.phones(there, http, count=PEOPLE, wants_new=False)
        rates: dict[str, list[float]] = {"gateway": [], "memory": []}
        for _ in range(bench.rounds):
            for what, found in rates.items():
                found.append(await _rate(what, base, there.environment, phones))
                bench.step()
        await http.close()
    bench.report(
        "rate", rates["gateway"], unit="questions/s", against="answers from memory", floor=rates["memory"], bar="≥ 0.5"
    )


async def _rate(what: str, base: str, environment: Mapping[str, str], phones: list[Phone]) -> float:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.cached", what, str(port), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment, **agencies.pointed_at(base), "TANGRAT_CACHE_FRESH_S": "86400"},
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    turns = itertools.cycle(phones)
    http = Http(connections=64)

    async def ask(_number: int) -> None:
        phone = next(turns)
        reply = await http.request(
            "POST", f"http://127.0.0.1:{port}/graphql", deadline_s=10, json={"query": ASKED},
            headers={"Authorization": f"Bearer {phone.access_token}"},
        )  # fmt: skip
        if reply.body.count(b'"OK"') != len(agencies.QUESTIONS):
            raise RuntimeError(f"not every agency answered: {reply.body[:300]!r}")

    try:
        await together(len(phones) * 2, in_flight=IN_FLIGHT, do=ask)
        began = time.perf_counter()
        await together(QUESTIONS, in_flight=IN_FLIGHT, do=ask)
        return QUESTIONS / (time.perf_counter() - began)
    finally:
        await http.close()
        process.terminate()
        await process.wait()


class _FromMemory:
    """Stands where the gateway stands, and remembers what it once said."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self._said: dict[Any, Answer[Any]] = {}

    def asking(self, *, subject: str, **of: Any) -> _Remembering:
        return _Remembering(self._said, subject, lambda: self._gateway.asking(subject=subject, **of))

    def status(self) -> Any:
        return self._gateway.status()


class _Remembering:
    def __init__(self, said: dict[Any, Answer[Any]], subject: str, asking: Callable[[], Any]) -> None:
        self._said = said
        self._subject = subject
        self._asking = asking

    async def ask(self, operation: Operation[Any], **arguments: Any) -> Answer[Any]:
        key = (self._subject, operation.key, *arguments.items())
        answer = self._said.get(key)
        if answer is None:
            answer = self._said[key] = await self._asking().ask(operation, **arguments)
        return answer


async def _serve(what: str, port: int) -> None:
    async with House(read(os.environ), process="bench") as house:
        if what == "memory":
            house.gateway = _FromMemory(house.gateway)  # type: ignore[assignment]  # that is the point
        taken = listening("127.0.0.1", port)
        async with ready(house) as app:
            serving = asyncio.create_task(Server(app, on_leaving=house.leave).serve(sockets=[taken]))
            print("ready", flush=True)
            await serving


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(sys.argv[1], int(sys.argv[2])))
