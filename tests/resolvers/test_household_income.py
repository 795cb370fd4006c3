"""What a household lives on, said as people know it: all of it together, and how many share it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from foundation.store import Store
from tests.resolvers.conftest import Graph
from tests.resolvers.test_entitlements import listed
from tests.resolvers.test_records import DECLARE, TAKE_BACK

CitizenOf = Callable[..., Awaitable[Graph]]
MOTHER, GRANT = 1, "child_support_grant"  # of a newborn; at most 100,000 baht a head
SUM, HEADS, A_HEAD = "household.income_per_year", "household.members", "household.income_per_capita_per_year"
MISSING = """query ($service: String) { me { entitlements(first: 10, service: $service) { edges { node {
  missing { fact canSaySelf followsFrom } } } } } }"""


@pytest.fixture(autouse=True)
async def nothing_is_left(store: Store) -> AsyncIterator[None]:
    yield
    await store.collection("own_words").delete_many({})


async def outcome(phone: Graph) -> str:
    (grant,) = await listed(phone, service=GRANT)
    return str(grant["outcome"])


async def say(phone: Graph, **said: str) -> None:
    for name, value in said.items():
        assert (await phone.ask(DECLARE, fact=f"household.{name}", value=value))["declareFact"]["problems"] == []


async def test_who_misses_it_learns_what_else_to_say(waiting_citizen: CitizenOf) -> None:
    told: dict[str, Any] = await (await waiting_citizen(MOTHER)).ask(MISSING, service=GRANT)

    (missing,) = [one for edge in told["me"]["entitlements"]["edges"] for one in edge["node"]["missing"]]
    assert missing == {"fact": A_HEAD, "canSaySelf": True, "followsFrom": [SUM, HEADS]}


@pytest.mark.parametrize(
    ("together", "heads", "says"),
    [
        ("300000.00", "3", "ELIGIBLE"),
        ("300000.01", "3", "NOT_ELIGIBLE"),  # a satang too much, though it rounds to the limit
        ("299999.99", "3", "ELIGIBLE"),
        ("0", "1", "ELIGIBLE"),
        ("700000.01", "7", "NOT_ELIGIBLE"),
        ("300000", "0", "UNKNOWN"),
        ("300000", "-3", "UNKNOWN"),
    ],
)
async def test_so_much_for_each_follows_to_the_satang(
    waiting_citizen: CitizenOf, together: str, heads: str, says: str
) -> None:
    phone = await waiting_citizen(MOTHER)
    await say(phone, income_per_year=together)
    assert await outcome(phone) == "UNKNOWN", "how many share it isn't said yet"

    await say(phone, members=heads)

    assert await outcome(phone) == says


async def test_what_is_said_for_each_goes_before_what_follows(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(MOTHER)
    await say(phone, income_per_year="900000", members="3", income_per_capita_per_year="50000")
    assert await outcome(phone) == "ELIGIBLE"

    await phone.ask(TAKE_BACK, fact=A_HEAD)
    assert await outcome(phone) == "NOT_ELIGIBLE"
