"""Checking the code on the back of one's own identity card."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from foundation.ids import new_id
from tests.resolvers.conftest import Graph

CHECK = """mutation ($i: CheckIdCardInput!) { checkIdCard(input: $i) {
  result problems { code message field retryAfter } } }"""

Citizen = Callable[..., Awaitable[Graph]]


@pytest.fixture
def code_of(switch: Callable[..., Any]) -> Callable[[int], Awaitable[str]]:
    async def seen(number: int) -> str:
        shown: str = (await asyncio.to_thread(switch, "GET", f"citizens/{number}"))["laser_code"]
        return shown

    return seen


async def check(phone: Graph, code: str, **more: Any) -> Any:
    return (await phone.ask(CHECK, i={"laserCode": code, **more}))["checkIdCard"]


async def test_the_code_of_ones_own_card_matches_and_anothers_does_not(
    citizen: Citizen, code_of: Callable[[int], Awaitable[str]]
) -> None:
    phone, mine, anothers = await citizen(300), await code_of(300), await code_of(301)
    written = f"{mine[:3].lower()}-{mine[3:10]} {mine[10:]}"

    assert await check(phone, written) == {"result": "MATCHES", "problems": []}
    assert await check(phone, anothers) == {"result": "DOES_NOT_MATCH", "problems": []}


async def test_what_is_no_code_is_a_problem_and_no_guess(citizen: Citizen) -> None:
    phone = await citizen(8)

    for _ in range(8):
        told = await check(phone, "JT0-123")
        assert (told["result"], told["problems"][0]["code"], told["problems"][0]["field"]) == (
            None, "BAD_INPUT", "laserCode",
        )  # fmt: skip


async def test_guessing_ends_after_a_few_tries(citizen: Citizen) -> None:
    phone = await citizen(302)

    tried = [await check(phone, f"AA{number:010}") for number in range(6)]

    assert [one["result"] for one in tried] == ["DOES_NOT_MATCH"] * 5 + [None]
    (problem,) = tried[-1]["problems"]
    assert problem["code"] == "TOO_MANY_REQUESTS"
    assert problem["retryAfter"] > 3600


async def test_a_check_sent_again_with_its_key_is_answered_alike_and_not_counted(
    citizen: Citizen, code_of: Callable[[int], Awaitable[str]]
) -> None:
    phone, mine, key = await citizen(4), await code_of(4), new_id()

    for _ in range(8):
        assert await check(phone, mine, clientKey=key) == {"result": "MATCHES", "problems": []}
    conflict = await check(phone, "AA0000000000", clientKey=key)

    assert (conflict["result"], conflict["problems"][0]["code"]) == (None, "CONFLICT")


async def test_where_dopa_is_out_of_order_there_is_no_verdict_and_the_key_is_free(
    citizen: Citizen, code_of: Callable[[int], Awaitable[str]], switch: Callable[..., Any]
) -> None:
    phone, mine, key = await citizen(11), await code_of(11), new_id()
    fault = {"agency": "dopa", "fault": "error", "operation": "verification"}
    await asyncio.to_thread(switch, "POST", "faults", fault)

    told = await check(phone, mine, clientKey=key)
    await asyncio.to_thread(switch, "DELETE", "faults")

    assert (told["result"], told["problems"][0]["code"]) == (None, "AGENCY_ERROR")
    assert (await check(phone, mine, clientKey=key))["result"] == "MATCHES"


async def test_nobody_who_is_not_signed_in_checks_a_card(graph: Graph) -> None:
    told = await check(graph, "AA0000000000")

    assert (told["result"], told["problems"][0]["code"]) == (None, "UNAUTHENTICATED")
