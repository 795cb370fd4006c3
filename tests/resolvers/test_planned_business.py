"""A business that somebody only plans: what they say of it is all that is known, and it opens what it would open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from foundation.store import Store
from lifeevents.catalogue.model import Catalogue
from lifeevents.circumstances import AgenciesKnow
from resolvers.context import Services
from tests.resolvers.conftest import Graph
from tests.resolvers.test_entitlements import listed
from tests.resolvers.test_records import DECLARE, TAKE_BACK
from trust.people import People

CitizenOf = Callable[..., Awaitable[Graph]]
Switch = Callable[..., Any]
WIDOW, SHOPKEEPER = 12, 9
KINDS = {"business.type", "business.floor_area_sqm", "business.employee_count"}


@pytest.fixture(autouse=True)
async def nothing_is_left(store: Store) -> AsyncIterator[None]:
    """What was said stays said for the tests that come after."""
    yield
    await store.collection("own_words").delete_many({})


async def say(phone: Graph, **said: str) -> None:
    for name, value in said.items():
        came = (await phone.ask(DECLARE, fact=f"business.{name}", value=value))["declareFact"]
        assert came["problems"] == []


async def test_what_is_said_of_a_planned_company_opens_its_registration(waiting_citizen: CitizenOf) -> None:
    phone = await waiting_citizen(WIDOW, Accept_Language="en")
    assert await listed(phone, service="company_incorporation") == []

    await say(phone, type="company")
    (open_one,) = await listed(phone, service="company_incorporation")
    assert (open_one["outcome"], open_one["hypothetical"]) == ("UNKNOWN", False)
    assert [(one["fact"], one["canSaySelf"]) for one in open_one["missing"]] == [("business.promoters", True)]

    await say(phone, promoters="3")
    (company,) = await listed(phone, service="company_incorporation")
    assert company["outcome"] == "ELIGIBLE"
    assert company["about"]["called"]["said"] == "the business that you plan"
    assert [one["outcome"] for one in await listed(phone, service="commercial_registration")] == ["NOT_ELIGIBLE"]

    for name in ("type", "promoters"):
        await phone.ask(TAKE_BACK, fact=f"business.{name}")
    assert await listed(phone, service="company_incorporation") == []


async def test_it_stands_beside_the_businesses_there_are_and_changes_nothing_of_them(
    waiting_citizen: CitizenOf,
) -> None:
    phone = await waiting_citizen(SHOPKEEPER, Accept_Language="en")
    before = await listed(phone, service="food_shop_licence")

    await say(phone, type="food", floor_area_sqm="250.5")

    after = await listed(phone, service="food_shop_licence")
    planned = [one for one in after if "plan" in one["about"]["called"]["said"]]
    assert [one["outcome"] for one in planned] == ["ELIGIBLE"]
    assert {one["id"]: one["outcome"] for one in after if one not in planned} == {
        one["id"]: one["outcome"] for one in before
    }


async def test_a_journey_into_business_goes_by_what_is_planned(
    waiting_citizen: CitizenOf, services: Services, people: People, catalogue: Catalogue, switch: Switch
) -> None:
    phone = await waiting_citizen(WIDOW)
    person = (await people.ensure((await asyncio.to_thread(switch, "GET", f"citizens/{WIDOW}"))["pid"])).id
    known = AgenciesKnow(services.gateway, services.facts, catalogue)
    assert (await known.find(person, KINDS, told={})).facts == {}

    await say(phone, type="food", floor_area_sqm="80")

    facts = (await known.find(person, KINDS, told={})).facts
    assert {path: str(value) for path, value in facts.items()} == {
        "business.type": "food", "business.floor_area_sqm": "80",
    }  # fmt: skip
