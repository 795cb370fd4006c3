"""kill -9 between any two legs of road 2: nothing is lost, and what is repeated bears the same id."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from backend.client import Phone
from backend.up import Running
from tests.journeys.conftest import start

SignIn = Callable[..., Awaitable[Phone]]
Register = Callable[..., Awaitable[str]]
Until = Callable[..., Awaitable[Any]]
LEGS = [
    "events claimed", "events told", "events handed over", "events settled",
    "deliveries claimed", "deliveries sent", "deliveries settled",
]  # fmt: skip
HERE = Path(__file__).parent


@pytest.fixture
def system(without_worker: Running) -> Running:
    """Every fixture of a road, on the system without a worker."""
    return without_worker


@pytest.mark.parametrize("leg", LEGS)
async def test_a_worker_killed_at_any_leg_loses_nothing(
    leg: str, environment: dict[str, str], sign_in: SignIn, register: Register, until: Until, state: Any
) -> None:
    citizen = 1000 + LEGS.index(leg)
    await state.call("POST", "/sandbox/subscribe", {
        "agency": "nhso", "types": ["th.sso.hospital.changed"], "purpose": "kill test", "legal_ground": "public task",
    })  # fmt: skip
    adult = await _adult(state, citizen)
    phone = await sign_in(adult)
    token = await register(phone, adult)
    sent = await state.report(citizen=adult)

    doomed = start(environment, str(HERE / "worker_to_kill.py"), leg, "1")
    assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL
    healthy = start(environment, "-m", "backend", "work")
    try:
        pushes = await until(lambda: state.pushed(token), bool)
        hooks = await until(state.hooks, lambda seen: [one for one in seen if receipt(sent) in str(one["body"])])
        await asyncio.sleep(1.5)  # longer than the lease: whatever would be repeated has been
        pushes = await state.pushed(token)
        hooks = await state.hooks()
        found = await phone.ask("{ me { inbox(first: 100) { edges { node { id } } } } }")
    finally:
        healthy.terminate()
        assert await asyncio.to_thread(healthy.wait, 30) == 0

    assert len(found["me"]["inbox"]["edges"]) == 1
    assert len(pushes) == 1, "a repeat bears the same id, so the phone shows it once"
    assert pushes[0]["times"] <= 2
    subscribers = {one["webhook_id"] for one in hooks if receipt(sent) in str(one["body"])}
    assert subscribers
    assert all(one["times"] <= 2 for one in hooks if receipt(sent) in str(one["body"]))


def receipt(sent: dict[str, Any]) -> str:
    """What our API called the event when it took it; a webhook refers to it by that."""
    return str(sent["body"]["receipts"][0]["receipt"])


async def _adult(state: Any, start: int) -> int:
    """The first citizen from here on who may sign in."""
    for number in range(start * 10, start * 10 + 10):
        one = await state.call("GET", f"/sandbox/citizens/{number}")
        if one["alive"] and one["record"]["birth"]["year"] < 2006:
            return number
    raise AssertionError("nobody here may sign in")


async def test_workers_killed_at_random_lose_nothing_of_many(
    environment: dict[str, str], sign_in: SignIn, register: Register, until: Until, state: Any
) -> None:
    adult = await _adult(state, 2000)
    phone = await sign_in(adult)
    token = await register(phone, adult)
    for _ in range(40):
        assert (await state.report(citizen=adult))["status"] == 202

    kills = 0
    for wait in (1.6, 1.8, 2.0, 2.2):
        worker = start(environment, "-m", "backend", "work")
        await asyncio.sleep(wait)
        worker.kill()
        await asyncio.to_thread(worker.wait, 10)
        kills += 1
    healthy = start(environment, "-m", "backend", "work")
    try:
        pushes = await until(lambda: state.pushed(token), lambda seen: len(seen) == 40, within_s=60)
    finally:
        healthy.kill()  # it may not even have started, where the killed ones had done it all
        await asyncio.to_thread(healthy.wait, 30)

    found = await phone.ask("{ me { inbox(first: 100) { edges { node { id } } } } }")
    assert len(found["me"]["inbox"]["edges"]) == 40
    assert len({one["id"] for one in pushes}) == 40
    assert max(one["times"] for one in pushes) <= 1 + kills
