"""`make soak`: the API, the worker and MongoDB are killed with -9, again and again, while agencies report.

Every event that was acknowledged is told, once in the inbox; a push that is repeated bears the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.progress import Progress

from backend.client import Phone
from backend.up import Running
from benchmarks.harness import children
from foundation.errors import SuperAppError
from foundation.http import CallFailed, Http

SignIn = Callable[..., Awaitable[Phone]]
Register = Callable[..., Awaitable[str]]
CITIZENS = (1, 4, 5, 6, 7, 8, 9, 10, 11)
VICTIMS = ("serve", "work", "mongod")


async def persist(do: Callable[[], Awaitable[Any]], *, within_s: float = 90) -> Any:
    """Do it until it goes through, as a phone or an agency would."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await do()
        except (CallFailed, SuperAppError, AssertionError):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.3)


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_over_many_kills(
    system: Running, http: Http, sign_in: SignIn, register: Register, state: Any
) -> None:
    kills = int(os.environ.get("KILLS", "30"))
    dice = random.Random(2569)
    phones = {number: await sign_in(number) for number in CITIZENS}
    tokens = {number: await register(phone, number) for number, phone in phones.items()}
    reported: dict[int, list[str]] = {number: [] for number in CITIZENS}
    stop = asyncio.Event()

    async def report() -> None:
        while not stop.is_set():
            number = dice.choice(CITIZENS)

            async def once(number: int = number) -> None:
                told = await state.report(citizen=number)
                assert told["status"] == 202
                reported[number].append(told["body"]["receipts"][0]["receipt"])

            with contextlib.suppress(AssertionError, CallFailed):  # not acknowledged: nothing is promised
                await once()
            await asyncio.sleep(0.05)

    reporting = asyncio.create_task(report())
    with Progress() as progress:
        task = progress.add_task("kill -9", total=kills)
        for number in range(kills):
            await asyncio.sleep(dice.uniform(0.5, 2.5))
            if (pid := children(system.pid).get(VICTIMS[number % len(VICTIMS)])) is not None:
                os.kill(pid, signal.SIGKILL)
            progress.advance(task)
    stop.set()
    await reporting

    total = sum(map(len, reported.values()))
    assert total > kills
    await persist(lambda: state.call("GET", "/sandbox/clock"))
    for number, phone in phones.items():
        await persist(lambda number=number, phone=phone: phone.sign_in(number))
        wanted = len(reported[number])

        async def told(phone: Phone = phone, wanted: int = wanted) -> None:
            assert len(await everything(phone)) >= wanted

        await persist(told)
        pushes = await persist(lambda number=number: state.pushed(tokens[number]))
        ids = [one["id"] for one in pushes]
        assert len(ids) == len(set(ids))
        entries = await everything(phone)
        # An event whose 202 was cut off by a kill may have been recorded all the same: more, never fewer, never twice.
        assert len(entries) == len(set(entries)) >= wanted
    print(f"{kills} kills, {total} events acknowledged, every one told")


async def everything(phone: Phone) -> list[str]:
    """The ids of the whole inbox, page by page."""
    found: list[str] = []
    after = None
    while True:
        page = await phone.ask(
            "query I($after: String) { me { inbox(first: 100, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } } }",
            after=after,
        )
        inbox = page["me"]["inbox"]
        found += [edge["node"]["id"] for edge in inbox["edges"]]
        after = inbox["pageInfo"]["endCursor"]
        if not inbox["pageInfo"]["hasNextPage"]:
            return found
