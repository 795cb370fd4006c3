"""kill -9 between any two legs of road 2: nothing is lost, and what is repeated bears the same id."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from backend.app import House
from backend.client import Phone
from lifeevents.intake import EVENTS
from notifications.notifier import DELIVERIES
from tests.forks import Forks
from tests.journeys.conftest import HEALTHY

SignIn = Callable[..., Awaitable[Phone]]
Register = Callable[..., Awaitable[str]]
Until = Callable[..., Awaitable[Any]]
LEGS = [
    "events claimed", "events told", "events handed over", "events settled",
    "deliveries claimed", "deliveries sent", "deliveries settled",
]  # fmt: skip


@pytest.mark.parametrize("leg", LEGS)
async def test_a_worker_killed_at_any_leg_loses_nothing(
    leg: str, workers: Forks, house: House, sign_in: SignIn, register: Register, until: Until, state: Any
) -> None:
    citizen = 1000 + LEGS.index(leg)
    await state.call("POST", "/sandbox/subscribe", {
        "agency": "nhso", "types": ["th.sso.hospital.changed"], "purpose": "kill test", "legal_ground": "public task",
    })  # fmt: skip
    adult = await _adult(state, citizen)
    phone = await sign_in(adult)
    token = await register(phone, adult)
    sent = await state.report(citizen=adult)

    (doomed,) = await workers.start((leg, 1))
    assert await workers.end_of(doomed) == -signal.SIGKILL
    healthy = await workers.start(HEALTHY)
    await until(lambda: state.pushed(token), bool)
    await until(state.hooks, lambda seen: [one for one in seen if receipt(sent) in str(one["body"])])
    await until(lambda: held(house), lambda held: not held)  # then nothing will be repeated any more
    await workers.kill(*healthy)
    pushes = await state.pushed(token)
    hooks = await state.hooks()
    found = await phone.ask("{ me { inbox(first: 100) { edges { node { id } } } } }")

    assert len(found["me"]["inbox"]["edges"]) == 1
    assert len(pushes) == 1, "a repeat bears the same id, so the phone shows it once"
    assert pushes[0]["times"] <= 2
    subscribers = {one["webhook_id"] for one in hooks if receipt(sent) in str(one["body"])}
    assert subscribers
    assert all(one["times"] <= 2 for one in hooks if receipt(sent) in str(one["body"]))


def receipt(sent: dict[str, Any]) -> str:
    """What our API called the event when it took it; a webhook refers to it by that."""
    return str(sent["body"]["receipts"][0]["receipt"])


async def held(house: House) -> int:
    """How much a worker holds, also one that was killed, or may take now."""
    now = house.clock.now()
    wanted = {"$or": [{"lease": {"$exists": True}}, {"due": {"$lte": now}}]}
    return sum([await house.store.collection(one).count_documents(wanted) for one in (EVENTS, DELIVERIES)])


async def leases(house: House) -> set[str]:
    """By which what is in hand is held; each claim has another."""
    return {
        lease
        for one in (EVENTS, DELIVERIES)
        for lease in await house.store.collection(one).distinct("lease", {"lease": {"$exists": True}})
    }


async def _adult(state: Any, start: int) -> int:
    """The first citizen from here on who may sign in."""
    for number in range(start * 10, start * 10 + 10):
        one = await state.call("GET", f"/sandbox/citizens/{number}")
        if one["alive"] and one["record"]["birth"]["year"] < 2006:
            return number
    raise AssertionError("nobody here may sign in")


async def test_workers_killed_at_random_lose_nothing_of_many(
    workers: Forks, house: House, sign_in: SignIn, register: Register, until: Until, state: Any
) -> None:
    adult = await _adult(state, 2000)
    phone = await sign_in(adult)
    token = await register(phone, adult)
    for _ in range(40):
        assert (await state.report(citizen=adult))["status"] == 202

    left_behind = []
    for wait in (0, 0.1, 0.2, 0.3):
        before = await leases(house)

        async def in_hand(before: set[str] = before) -> bool:
            return bool(await leases(house) - before) or not await held(house)

        started = await workers.start(HEALTHY)
        await until(in_hand, bool, every_s=0.02)
        await asyncio.sleep(wait)
        await workers.kill(*started)
        left_behind.append(await held(house))
    assert any(left_behind), "the killed ones had nothing in hand, so nothing was shown"
    healthy = await workers.start(HEALTHY)
    pushes = await until(lambda: state.pushed(token), lambda seen: len(seen) == 40, within_s=60)
    await workers.kill(*healthy)

    found = await phone.ask("{ me { inbox(first: 100) { edges { node { id } } } } }")
    assert len(found["me"]["inbox"]["edges"]) == 40
    assert len({one["id"] for one in pushes}) == 40
    assert max(one["times"] for one in pushes) <= 1 + len(left_behind)
