"""What happens to an area or a programme is told to those whom it concerns, through the whole system, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from backend.client import Phone
from foundation.ids import new_id

SignIn = Callable[..., Awaitable[Phone]]
Until = Callable[..., Awaitable[Any]]
HERE, ELSEWHERE = 5, 7  # two samples of different provinces
YOUNG = 3  # eighteen by the next election


async def inbox(phone: Phone) -> list[dict[str, Any]]:
    found = await phone.ask(
        "{ me { inbox(first: 100) { edges { node { id title { en } body { en } service { code } because { eventType"
        " reportedBy { code } } } } } } }"
    )
    return [edge["node"] for edge in found["me"]["inbox"]["edges"]]


async def subdistrict(state: Any, citizen: int) -> str:
    found: str = (await state.call("GET", f"/sandbox/citizens/{citizen}"))["record"]["address"]["subdistrict_code"]
    return found


async def test_a_declared_disaster_is_told_to_those_who_live_there(sign_in: SignIn, until: Until, state: Any) -> None:
    here, elsewhere = await subdistrict(state, HERE), await subdistrict(state, ELSEWHERE)
    assert here[:2] != elsewhere[:2]
    inside, outside = await sign_in(HERE), await sign_in(ELSEWHERE)
    report = {
        "agency": "ddpm", "type": "th.ddpm.disaster.declared", "id": f"flood-{new_id()}", "time": "2026-11-20T02:00:00Z",
        "data": {"disaster": {"th": "อุทกภัย", "en": "Flood"}, "areas": [here[:4]], "declared_on": "2026-11-20"},
    }  # fmt: skip

    def of_it(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in entries if one["because"]["eventType"] == "th.ddpm.disaster.declared"]

    assert (await state.call("POST", "/sandbox/report", report))["status"] == 202
    (told,) = of_it(await until(lambda: inbox(inside), of_it))
    assert told["title"]["en"] == "Your home is in a declared disaster area"
    assert told["body"]["en"].startswith("A disaster area was declared on 20 November 2026: Flood.")
    assert told["because"]["reportedBy"]["code"] == "ddpm"

    assert (await state.call("POST", "/sandbox/report", report))["status"] == 202
    await asyncio.sleep(2)
    assert of_it(await inbox(inside)) == [told]
    assert of_it(await inbox(outside)) == []


async def test_an_announced_election_is_told_to_who_may_vote(sign_in: SignIn, until: Until, state: Any) -> None:
    now = date.fromisoformat((await state.call("GET", "/sandbox/clock"))["today"])
    voter = await sign_in(YOUNG)

    def of_it(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in entries if one["because"]["eventType"] == "th.ect.election.announced"]

    report = {
        "agency": "ect", "type": "th.ect.election.announced", "id": f"election-{new_id()}",
        "data": {
            "election": {"th": "การเลือกตั้ง", "en": "An election"},
            "election_day": first_sunday_of_february(now.year + 1).isoformat(),
        },
    }  # fmt: skip
    assert (await state.call("POST", "/sandbox/report", report))["status"] == 202

    (told,) = of_it(await until(lambda: inbox(voter), of_it))
    assert told["body"]["en"] == "Check your polling station"
    assert told["service"]["code"] == "voter_first_time"


def first_sunday_of_february(year: int) -> date:
    """The sandbox's election day."""
    first = date(year, 2, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7)
