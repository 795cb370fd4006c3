"""Road 3: a right that falls due is told on its day, once.

The tests stand in the order of the days they move to: what fell due long before a day is not told any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from backend.client import Phone
from tests.journeys.test_areas import first_sunday_of_february

SignIn = Callable[..., Awaitable[Phone]]
Register = Callable[..., Awaitable[str]]
Until = Callable[..., Awaitable[Any]]
REGISTRATION_OPENS = 13  # the sample whose registration for the old-age allowance opens on the coming 1 October
PARENT = 2  # the sample whose child is about to turn seven
VOTER = 3  # the sample who is eighteen by the next election


async def inbox(phone: Phone) -> list[dict[str, Any]]:
    found = await phone.ask("{ me { inbox(first: 100) { edges { node { id title { th en } body { th en } } } } } }")
    return [edge["node"] for edge in found["me"]["inbox"]["edges"]]


async def move(state: Any, day: date, *, and_wait: bool = True) -> None:
    """It needs no waiting where what the day brings is looked for until it is there."""
    await state.call("POST", "/sandbox/clock", {"today": day.isoformat()})
    if and_wait:
        await asyncio.sleep(2.5)  # the processes follow the sandbox's day twice a second, and look once a second


async def today(state: Any) -> date:
    return date.fromisoformat((await state.call("GET", "/sandbox/clock"))["today"])


async def planned(state: Any) -> None:
    """The agenda is planned in the background after a sign-in; a day's move before that would be missed."""
    await asyncio.sleep(2.5)


async def test_a_childs_first_identity_card_is_told_to_the_parent_on_the_seventh_birthday(
    sign_in: SignIn, until: Until, state: Any
) -> None:
    now = await today(state)
    parent = await state.call("GET", f"/sandbox/citizens/{PARENT}")
    children = [await state.call("GET", f"/sandbox/citizens/{one}") for one in parent["children"]]
    child = next(
        one
        for one in children
        if date(one["record"]["birth"]["year"] + 7, one["record"]["birth"]["month"], one["record"]["birth"]["day"])
        >= now
    )
    seventh = date(
        child["record"]["birth"]["year"] + 7, child["record"]["birth"]["month"], child["record"]["birth"]["day"]
    )
    phone = await sign_in(PARENT)
    await planned(state)
    before = {one["id"] for one in await inbox(phone)}

    await move(state, seventh, and_wait=False)

    # Other days of the parent's own may lie between today and that one.
    name = child["first_name"]
    entries = await until(
        lambda: inbox(phone),
        lambda seen: [one for one in seen if one["id"] not in before and name["th"] in one["title"]["th"]],
    )
    new = [one for one in entries if one["id"] not in before and name["th"] in one["title"]["th"]]
    assert len(new) == 1
    assert name["en"] in new[0]["title"]["en"], "a notice to a parent says which child it concerns"


async def test_an_election_is_told_a_week_before_its_day_to_who_is_of_age_by_then(
    sign_in: SignIn, until: Until, state: Any
) -> None:
    election = first_sunday_of_february((await today(state)).year + 1)
    phone = await sign_in(VOTER)
    await planned(state)

    def of_it(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in entries if one["body"]["en"].startswith("The election is in 7 days")]

    await move(state, election - timedelta(days=8))
    assert of_it(await inbox(phone)) == []
    await move(state, election - timedelta(days=7), and_wait=False)
    assert len(of_it(await until(lambda: inbox(phone), of_it))) == 1
    await move(state, election - timedelta(days=6))
    assert len(of_it(await inbox(phone))) == 1


async def test_registration_for_the_old_age_allowance_is_told_on_the_day_it_opens(
    sign_in: SignIn, register: Register, until: Until, state: Any
) -> None:
    now = await today(state)
    opens = date(now.year + (now >= date(now.year, 10, 1)), 10, 1)
    phone = await sign_in(REGISTRATION_OPENS)
    token = await register(phone, REGISTRATION_OPENS)
    await planned(state)
    await move(state, opens - timedelta(days=1))
    before = {one["id"] for one in await inbox(phone)}

    await move(state, opens, and_wait=False)

    entries = await until(lambda: inbox(phone), lambda seen: {one["id"] for one in seen} - before)
    new = [one for one in entries if one["id"] not in before]
    assert len(new) == 1
    assert "เบี้ยยังชีพ" in new[0]["title"]["th"] + new[0]["body"]["th"]
    assert await until(lambda: state.pushed(token), bool)
    await move(state, opens - timedelta(days=1))
    await move(state, opens)
    await move(state, opens + timedelta(days=1))
    assert {one["id"] for one in await inbox(phone)} == {one["id"] for one in entries}


async def test_nobody_is_told_what_their_age_rules_out(sign_in: SignIn, state: Any) -> None:
    phone = await sign_in(4)
    await planned(state)
    before = await inbox(phone)
    now = await today(state)

    await move(state, date(now.year + (now >= date(now.year, 10, 1)), 10, 1))

    assert not [one for one in await inbox(phone) if one not in before and "เบี้ยยังชีพ" in str(one)]
