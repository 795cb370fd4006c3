"""The days that agencies announce: each has a source that answers, and nothing in the catalogue hangs on a day nobody tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from agencies.facts import Findings
from agencies.gateway import DATA_SUBJECT_REQUEST
from lifeevents.almanac import Almanac
from lifeevents.catalogue.model import Catalogue
from lifeevents.rules.engine import Engine
from resolvers.context import Services
from trust.people import People

Switch = Callable[..., Any]
BORROWER, PARENT, OUT_OF_WORK, VOTER = 1, 2, 4, 3


@pytest.fixture
def find(services: Services, people: People, switch: Switch) -> Callable[..., Any]:
    async def about(number: int, *paths: str) -> Findings:
        pid = (await asyncio.to_thread(switch, "GET", f"citizens/{number}"))["pid"]
        me = (await people.ensure(pid)).id
        asking = services.gateway.asking(subject=me, actor=me, purpose="own record", ground=DATA_SUBJECT_REQUEST)
        return await services.facts.find(asking, paths)

    return about


def test_every_fact_and_every_announced_day_has_a_source(services: Services, catalogue: Catalogue) -> None:
    sources = services.facts.sources
    announced = [one.id for one in catalogue.event_dates if one.agency is not None]
    assert len(announced) >= 6
    assert sources.untold([fact.path for fact in catalogue.facts] + announced) == set()


def test_every_notice_hangs_on_a_day_or_an_event_that_somebody_tells(services: Services, catalogue: Catalogue) -> None:
    almanac = Almanac(catalogue, Engine(catalogue))
    reported = {name for event_type in catalogue.event_types for name in (event_type.type, *event_type.triggers)}
    for rule in almanac.rules.values():
        assert services.facts.sources.untold(rule.wanted) == set(), rule.id
        assert rule.event is None or rule.event in reported, rule.id


async def test_the_days_that_are_the_same_for_everybody(find: Any) -> None:
    found: Findings = await find(VOTER, "election.day", "tax.due_date", "school_year_start")

    assert {path: fact.value for path, fact in found.facts.items()} == {
        "election.day": date(2027, 2, 7), "tax.due_date": date(2026, 3, 31), "school_year_start": date(2027, 5, 16),
    }  # fmt: skip
    assert {fact.source.agency for fact in found.facts.values() if fact.source} == {"ect", "rd", "obec"}


async def test_they_are_asked_about_a_place_or_a_year_and_nobody(services: Services) -> None:
    for name in ("ect.get_next_election", "rd.get_filing_days", "obec.get_school_year", "ddc.get_next_vaccination"):
        assert not services.operations[name].names_person, name


async def test_the_days_of_ones_own(find: Any) -> None:
    loan: Findings = await find(BORROWER, "loan.due_date")
    assert (loan.facts["loan.due_date"].value.month, loan.facts["loan.due_date"].value.day) == (7, 5)
    none: Findings = await find(OUT_OF_WORK, "loan.due_date", "unemployment.next_report", "lbt.due_date")
    assert none.facts["loan.due_date"].state == "NOT_KNOWN", "there is no loan, so no day is announced"


async def test_each_child_has_a_day_of_their_own(find: Any) -> None:
    found: Findings = await find(PARENT, "child.vaccine_due_date", "child.birth_date")

    assert found.things["child"]
    for child in found.things["child"]:
        due, born = child.facts["child.vaccine_due_date"], child.facts["child.birth_date"]
        assert due.state in ("KNOWN", "DID_NOT_HAPPEN")
        if due.state == "KNOWN":
            assert date(2026, 11, 21) <= due.value
            assert due.value.day == born.value.earliest.day
