"""Agencies for the benches: eight in the plain dialect that answer stored bytes after a while, and questions for them.

Their simulators would take most of a small machine's CPU, which is not what is measured. What is asked and answered on
the wire is the real dialect; `hang` makes one of them never answer.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn

from agencies.standard import Field
from backend.client import Phone, SignInFailed
from backend.up import Running
from benchmarks.harness import children, idle
from foundation.http import Http
from foundation.ports import free_port
from lifeevents import catalogue

# One question of each of eight agencies, and the section of the graph that asks it.
QUESTIONS = {
    "dlt.get_vehicles": "vehicles { state value { plate } }",
    "rd.get_income": "tax { state fetchedAt }",
    "fpo.get_welfare_status": "welfare { state fetchedAt }",
    "dol.list_parcels": "land { state fetchedAt }",
    "dca.get_passport": "passport { state fetchedAt }",
    "doae.get_farmer": "farming { state fetchedAt }",
    "dep.get_card": "disability { state fetchedAt }",
    "obec.get_enrolment": "education { state fetchedAt }",
}
AGENCIES = tuple(one.partition(".")[0] for one in QUESTIONS)
SAMPLES, UNNAMED = range(1, 13), itertools.count(1001)


def question(operations: tuple[str, ...] = tuple(QUESTIONS)) -> str:
    return "{ me { " + " ".join(QUESTIONS[one] for one in operations) + " } }"


@asynccontextmanager
async def peer(*, after_s: float) -> AsyncIterator[str]:
    """The eight, in a process of their own; the address below which each answers."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.agencies", str(port), str(after_s), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # politely, it would wait for those that it lets hang
        await process.wait()


def pointed_at(base: str) -> dict[str, str]:
    """The settings that send the eight there, with each answer asked anew."""
    elsewhere = ",".join(f"{code}={base}/{code}" for code in AGENCIES)
    return {"TANGRAT_AGENCY_URLS": elsewhere, "TANGRAT_AGENCY_DEADLINE_S": "5"}


async def phones(there: Running, http: Http, *, count: int, wants_new: bool = True) -> list[Phone]:
    """So many people signed in: a person may ask 60 questions in ten seconds, so many take turns."""
    redirect = f"{there.sandbox}/phone/signed-in"
    found: list[Phone] = []
    for number in itertools.chain(SAMPLES, UNNAMED):
        if len(found) == count:
            break
        phone = Phone(there.api, redirect_uri=redirect, http=http)
        try:
            await phone.sign_in(number)
        except SignInFailed:
            continue  # too young, or not alive
        phone.wants_new = wants_new
        found.append(phone)
    await idle(children(there.pid)["work"])  # it plans the days of everybody who has just signed in
    return found


def _stored(operation: str) -> bytes:
    """An answer of the right shape: `data`, in bytes."""
    spec = next(one for one in catalogue.load().specs if one.id == operation)
    return orjson.dumps({one.name: _value(one) for one in spec.fields})


def _value(one: Field) -> Any:
    if one.is_list:
        inside = {field.name: _value(field) for field in one.inside} if one.inside else "1"
        return [inside, inside] if one.kind in ("object", "text", "code") else []
    if one.kind == "object":
        return {field.name: _value(field) for field in one.inside}
    return {
        "text": "1กก 1234 กรุงเทพมหานคร", "words": {"th": "หนึ่ง", "en": "one"}, "bool": True, "int": 7, "decimal": "1.50",
        "money": "1500.00", "date": "2026-11-21", "partial_date": "2026-11", "month": "2026-11",
        "time": "2026-11-21T09:00:00+07:00", "code": "0000000001",
        "enum": next(iter(one.choices), ""),
    }[one.kind]  # fmt: skip


def _app(after_s: float) -> Any:
    data = {f"/{one.replace('.', '/v1/')}": _stored(one) for one in QUESTIONS}
    as_of = datetime.now(UTC).isoformat().encode()
    hanging: set[str] = set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path: str = scope["path"]
        body, status = (await receive()).get("body", b""), 200
        if path.startswith("/hang/"):
            hanging.clear()
            hanging.update(filter(None, path.removeprefix("/hang/").split(",")))
            answer = b"{}"
        elif path not in data:  # the worker plans people's days, and asks for more than the bench
            status = 404
            answer = b'{"about":' + body + b',"error":{"code":"NOT_FOUND"}}'
        else:
            await asyncio.sleep(3600 if path.split("/")[1] in hanging else after_s)
            answer = b'{"about":' + body + b',"as_of":"' + as_of + b'","data":' + data[path] + b"}"
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app


async def _serve(port: int, after_s: float) -> None:
    config = uvicorn.Config(_app(after_s), port=port, log_config=None, lifespan="off", ws="none", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- uvicorn rings no bell
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await serving


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
