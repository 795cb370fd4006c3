"""The door: everything of one person at once, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from foundation.dates import PartialDate
from foundation.errors import BadInput
from lifeevents.catalogue.model import Catalogue, PublicService
from lifeevents.rules.engine import Engine, about
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import DID_NOT_HAPPEN
from lifeevents.rules.timeline import entitlement_date

TODAY = date(2026, 11, 21)
The = Callable[[str], PublicService]


def test_each_child_is_judged_on_its_own(engine: Engine) -> None:
    person: dict[str, Any] = {"person.alive": True, "household.income_per_capita_per_year": 50_000}
    child: dict[str, Any] = {
        "child.nationality": "thai", "child.registered": True, "child.in_state_institution": False,
    }  # fmt: skip
    children = {
        "older": child | {"child.birth_date": date(2019, 1, 1)},
        "younger": child | {"child.birth_date": date(2024, 1, 1)},
    }
    found = engine.judge_all(person, TODAY, {"per_child": children})
    grants = {one.thing: one.outcome for one in found if one.service.code == "child_support_grant"}

    assert grants == {"older": Outcome.NOT_ELIGIBLE, "younger": Outcome.ELIGIBLE}


def test_without_things_only_the_persons_own_services_are_judged(engine: Engine, catalogue: Catalogue) -> None:
    found = engine.judge_all({}, TODAY)

    assert [one.service for one in found] == [one for one in catalogue.services if one.scope == "per_person"]


def test_judged_together_and_alone_is_the_same(engine: Engine) -> None:
    person: dict[str, Any] = {"person.alive": True, "person.birth_date": date(1960, 1, 1), "person.nationality": "thai"}
    for one in engine.judge_all(person, TODAY, {"per_child": {"a": {"child.birth_date": TODAY}}}):
        alone = engine.judge(one.service, about(person, one.facts), TODAY)
        assert (alone.outcome, alone.missing) == (one.outcome, one.missing)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"person.birthdate": date(1990, 1, 1)}, "person.birthdate is no fact; did you mean person.birth_date?"),
        ({"person.age_years": 60}, "person.age_years follows from person.birth_date; give that"),
        ({"benefit.entitlement_date": TODAY}, "benefit.entitlement_date is computed, not given"),
        ({"person.birth_date": "1990-01-01"}, "person.birth_date is of type date"),
        ({"person.birth_date": datetime(1990, 1, 1)}, "person.birth_date is of type date"),  # noqa: DTZ001  # what is refused
        ({"person.birth_date": date(9999, 1, 1)}, "person.birth_date: a year from 1850 to 2200"),
        ({"person.birth_date": PartialDate(date(1, 1, 1), "YEAR")}, "person.birth_date: a year from 1850 to 2200"),
        ({"person.civil_servant": 1}, "person.civil_servant is of type bool"),
        ({"sso.months_total": True}, "sso.months_total is of type int"),
        ({"sso.months_total": Decimal(5)}, "sso.months_total is of type int"),
        ({"person.income_per_year": 5.0}, "person.income_per_year is of type money"),
        ({"person.income_per_year": Decimal("NaN")}, "person.income_per_year is of type money"),
        ({"person.nationality": "THAI"}, "person.nationality is one of thai, other, stateless"),
        ({"person.province": "x" * 1000}, "person.province is of type code"),
        ({"person.alive": None}, "person.alive is of type bool"),
        ({"x" * 5000: True}, "x" * 200 + " is no fact"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_no_fact_can_be_is_refused(engine: Engine, facts: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as refused:
        engine.check(facts)

    assert refused.value.message == says
    assert refused.value.th != says


def test_what_a_fact_can_be_is_taken(engine: Engine) -> None:
    engine.check(
        {
            "person.birth_date": PartialDate(date(1966, 1, 1), "YEAR"), "person.alive": True, "sso.months_total": 5,
            "person.income_per_year": Decimal("5.5"), "person.home_loan_total": 0, "employment.end_date": DID_NOT_HAPPEN,
            "person.nationality": "thai", "election.day": date(2027, 5, 1), "person.province": "10",
        }
    )  # fmt: skip


def test_every_rule_is_made_and_asks_only_for_facts_that_can_be_told(engine: Engine, catalogue: Catalogue) -> None:
    from lifeevents.rules.ir import asked

    known = {fact.path for fact in catalogue.facts if fact.derived is None} | {one.id for one in catalogue.event_dates}
    assert len(engine.rules) == len(catalogue.services) >= 109
    for rule in engine.rules.values():
        assert set(asked(rule.whole)) <= known


def test_a_timeline_of_ten_years_in_one_look(engine: Engine, the: The) -> None:
    facts: dict[str, Any] = {
        "person.birth_date": date(1967, 2, 23), "person.alive": True, "person.nationality": "thai",
        "person.in_house_register": True, "person.state_pensioner": False, "person.old_age_allowance_registered": False,
    }  # fmt: skip
    line = engine.timeline(the("old_age_allowance_registration"), facts, date(2025, 6, 1), date(2026, 3, 1))

    assert [(step.day, step.outcome.value, step.state.value, step.is_open) for step in line.steps] == [
        (date(2025, 6, 1), "NOT_ELIGIBLE", "NOT_YET", False),
        (date(2025, 10, 1), "ELIGIBLE", "OPEN", True),
        (date(2025, 12, 1), "ELIGIBLE", "NOT_YET", False),
        (date(2026, 1, 1), "ELIGIBLE", "OPEN", True),
    ]
    change = line.next_change(date(2025, 12, 15))
    assert change is not None
    assert change.day == date(2026, 1, 1)
    assert line.next_change(date(2026, 1, 1)) is None
    with pytest.raises(ValueError, match="lies outside"):
        line.at(date(2026, 3, 2))
    with pytest.raises(ValueError, match="ends after it begins"):
        engine.timeline(the("old_age_allowance_registration"), facts, TODAY, date(2026, 1, 1))


def test_a_run_of_eligible_begins_where_it_began(engine: Engine, the: The) -> None:
    """At 15 for a small motorcycle; that more is allowed at 18 begins nothing new."""
    facts: dict[str, Any] = {
        "person.alive": True, "person.birth_date": date(2006, 5, 1), "licence.type": "none", "vehicle.type": "motorcycle",
        "vehicle.engine_cc": 110, "licence.medical_cert_date": DID_NOT_HAPPEN,
    }  # fmt: skip
    licence = engine.node(the("driving_licence_first").eligibility.parts[1])
    rule = replace(engine.rules["driving_licence_first"], tree=licence)

    assert entitlement_date(rule, facts, TODAY) == date(2021, 5, 1)
    assert entitlement_date(rule, facts, date(2021, 4, 30)) is None
