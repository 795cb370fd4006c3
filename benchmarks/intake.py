"""Durable events per second through `POST /agency/events`, 32 in flight, against raw `insert_one` of as large a document.

Both are acknowledged by a majority and journaled. The callers run in processes of their own, on the same cores. The
worker is held still meanwhile: it would spread the events that came in, which the floor has none of.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern

from benchmarks.harness import Bench, children, system, together
from foundation.http import Http

IN_FLIGHT = 32
EVENTS = 4000
PEOPLE = 500


async def run(bench: Bench) -> None:
    ours: list[float] = []
    floor: list[float] = []
    bench.steps(bench.rounds)
    async with system() as there:
        os.kill(children(there.pid)["work"], signal.SIGSTOP)
        for number in range(bench.rounds + 1):
            for rates, kind in ((ours, "events"), (floor, "raw")):
                rate = await _in_a_process(kind, there.api, there.sandbox, there.environment["TANGRAT_MONGODB_URI"])
                if number:  # the first round warms up
                    rates.append(rate)
            bench.step()
        os.kill(children(there.pid)["work"], signal.SIGCONT)
    bench.report("single", ours, unit="events/s", against="raw insert_one", floor=floor, bar="≥ 0.7")


async def _in_a_process(*arguments: str) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.intake", *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return float(said)


async def _raw(uri: str) -> float:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    things = client["bench"].get_collection("raw", write_concern=WriteConcern(w="majority", j=True))
    body = b"x" * 500

    async def insert(_number: int) -> None:
        await things.insert_one({"_id": uuid.uuid4().hex, "data": body})

    await things.insert_one({"_id": uuid.uuid4().hex})
    took = await together(EVENTS, in_flight=IN_FLIGHT, do=insert)
    await client.close()
    return EVENTS / took


async def _events(api: str, sandbox: str) -> float:
    http = Http()
    token = (await http.request("POST", f"{sandbox}/sandbox/agencies/sso/token", deadline_s=10)).json()["access_token"]
    pids = [
        (await http.request("GET", f"{sandbox}/sandbox/citizens/{1000 + number}", deadline_s=10)).json()["pid"]
        for number in range(PEOPLE)
    ]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
    run_id = uuid.uuid4().hex

    async def send(number: int) -> None:
        event = {
            "specversion": "1.0", "id": f"{run_id}-{number}", "source": "urn:th:agency:sso",
            "type": "th.sso.hospital.changed", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "datacontenttype": "application/json",
            "data": {
                "citizen_id": pids[number % PEOPLE], "effective_date": "2026-12-01",
                "hospital": {"code": "99123", "name": {"th": "โรงพยาบาลตัวอย่าง", "en": "Example Hospital"}},
            },
        }  # fmt: skip
        reply = await http.request(
            "POST", f"{api}/agency/events", deadline_s=30, headers=headers, body=json.dumps(event).encode()
        )
        if reply.status != 202:
            raise RuntimeError(f"{reply.status} {reply.body!r}")

    await send(-1)
    took = await together(EVENTS, in_flight=IN_FLIGHT, do=send)
    await http.close()
    return EVENTS / took


if __name__ == "__main__":
    kind, api, sandbox, uri = sys.argv[1:]
    print(asyncio.run(_raw(uri) if kind == "raw" else _events(api, sandbox)))
