"""What rules learn of work and home: every fact of these agencies has a source that answers, for the people of the stories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agencies.facts import Fact, Findings
from agencies.gateway import DATA_SUBJECT_REQUEST
from lifeevents.catalogue.model import Catalogue
from resolvers.context import Services
from trust.people import People

TODAY = date(2026, 11, 21)  # the sandbox's
AGENCIES = {"dopa", "lao", "sso", "ect", "ddpm", "doe", "dlpw", "dsd"}
# Of who is insured under no section that has them.
MAY_BE_UNKNOWN = {"sso.hospital_id"}
Switch = Callable[..., Any]


@pytest.fixture
def find(services: Services, people: People, switch: Switch) -> Callable[..., Any]:
    """The facts about sample citizen N, asked by themselves."""

    async def about(number: int, *paths: str) -> Findings:
        pid = (await asyncio.to_thread(switch, "GET", f"citizens/{number}"))["pid"]
        me = (await people.ensure(pid)).id
        asking = services.gateway.asking(subject=me, actor=me, purpose="own record", ground=DATA_SUBJECT_REQUEST)
        return await services.facts.find(asking, paths)

    return about


def _told(catalogue: Catalogue) -> list[str]:
    return [
        fact.path
        for fact in catalogue.facts
        if fact.source_agency in AGENCIES and fact.derived is None and not fact.is_own_word
    ]


@pytest.mark.parametrize("number", [1, 4, 9, 11, 12])
async def test_every_fact_is_told(number: int, find: Any, catalogue: Catalogue) -> None:
    found: Findings = await find(number, *_told(catalogue))

    facts: list[Fact] = [*found.facts.values()]
    facts += [fact for things in found.things.values() for thing in things for fact in thing.facts.values()]
    assert len(facts) > 40
    assert {fact.path for fact in facts if fact.state not in ("KNOWN", "DID_NOT_HAPPEN")} <= MAY_BE_UNKNOWN


async def test_facts_of_who_lost_a_job(find: Any) -> None:
    found: Findings = await find(
        4, "employment.status", "employment.end_reason", "sso.section_at_job_end", "sso.months_in_last_15",
        "sso.wage_base", "employment.end_date", "person.house_register_type", "household.in_declared_disaster_area",
    )  # fmt: skip

    assert {path: fact.value for path, fact in found.facts.items()} == {
        "employment.status": "unemployed", "employment.end_reason": "dismissed", "sso.section_at_job_end": "33",
        "sso.months_in_last_15": 15, "sso.wage_base": Decimal(17_500), "employment.end_date": TODAY - timedelta(days=12),
        "person.house_register_type": "tr14", "household.in_declared_disaster_area": False,
    }  # fmt: skip


async def test_facts_of_a_business_a_property_a_child_and_the_late(find: Any) -> None:
    shop: Findings = await find(
        9, "business.employee_count", "business.floor_area_sqm", "property.lbt_due", "child.adopted_by_other"
    )
    assert sorted(thing.facts["business.floor_area_sqm"].value for thing in shop.things["business"]) == [24, 160]
    assert {thing.facts["business.employee_count"].value for thing in shop.things["business"]} == {0}
    assert [thing.facts["property.lbt_due"].value for thing in shop.things["property"]] == [0]
    assert {thing.facts["child.adopted_by_other"].value for thing in shop.things["child"]} == {False}

    widow: Findings = await find(
        12, "deceased.sso_section", "deceased.death_certificate_date", "child.adopted_by_other"
    )
    (samran,) = widow.things["deceased"]
    assert samran.facts["deceased.sso_section"].value == "39"
    assert samran.facts["deceased.death_certificate_date"].value == TODAY - timedelta(days=7)
    assert not widow.things["child"], "her children are of age: nobody asks about them"
