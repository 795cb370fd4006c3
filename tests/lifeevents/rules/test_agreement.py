"""Every reader says the same as the plain meaning of the catalogue: any person, any day, every service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifeevents import catalogue as catalogues
from lifeevents.catalogue.model import PublicService
from lifeevents.rules.engine import Engine
from lifeevents.rules.evaluate import evaluate, flips
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import asked, fold
from lifeevents.rules.python import FALSE, TRUE, UNKNOWN, compiled
from tests.lifeevents.rules import reference
from tests.lifeevents.rules.people import SINCE, UNTIL, days, facts_for

CATALOGUE = catalogues.load()
ENGINE = Engine(CATALOGUE)
CODES = {FALSE: False, UNKNOWN: None, TRUE: True}
DAY = timedelta(days=1)
CALM = [HealthCheck.too_slow, HealthCheck.data_too_large]
QUICK = settings(max_examples=10, deadline=None, suppress_health_check=CALM)
LONG = settings(max_examples=1000, deadline=None, suppress_health_check=CALM)
ALL = compiled([ENGINE.rules[service.code] for service in CATALOGUE.services])

a_service = pytest.mark.parametrize("service", CATALOGUE.services, ids=lambda service: service.code)


@a_service
@given(data=st.data())
@QUICK
def test_every_reader_says_what_the_catalogue_means(service: PublicService, data: st.DataObject) -> None:
    _agree(service, data)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@a_service
@given(data=st.data())
@LONG
def test_every_reader_says_so_of_a_thousand_more(service: PublicService, data: st.DataObject) -> None:
    _agree(service, data)


def _agree(service: PublicService, data: st.DataObject) -> None:
    on = data.draw(days)
    facts = data.draw(facts_for(CATALOGUE, service, ENGINE, on))
    rule = ENGINE.rules[service.code]

    holds = reference.outcome(CATALOGUE, service, facts, on)

    assert ENGINE.judge(service, facts, on).outcome is Outcome.of(holds)
    assert evaluate(rule.whole, facts, on) is holds
    assert evaluate(fold(rule.whole, on), facts, on) is holds
    explained = ENGINE.explain(service, facts, on)
    assert explained.outcome is Outcome.of(holds)
    assert ENGINE.timeline(service, facts, on, on).at(on).outcome is Outcome.of(holds)
    _check_missing(service, facts, on)


def _check_missing(service: PublicService, facts: Mapping[str, Any], on: date) -> None:
    judgement = ENGINE.judge(service, facts, on)
    explained = ENGINE.explain(service, facts, on)

    assert judgement.missing == explained.missing
    assert set(judgement.missing) <= set(asked(ENGINE.rules[service.code].whole)) - set(facts)
    assert bool(judgement.missing) is (judgement.outcome is Outcome.UNKNOWN)


@a_service
@given(data=st.data())
@QUICK
def test_the_timeline_is_what_each_day_says(service: PublicService, data: st.DataObject) -> None:
    """Around every day on which something may change, and on others between."""
    facts = data.draw(facts_for(CATALOGUE, service, ENGINE, data.draw(days)))
    line = ENGINE.timeline(service, facts, SINCE, UNTIL)
    tried = {SINCE, UNTIL, *data.draw(st.lists(days, max_size=8))}
    for turn in (*(step.day for step in line.steps), *flips(ENGINE.rules[service.code].whole, facts)):
        tried |= {turn - DAY, turn, turn + DAY} if SINCE < turn < UNTIL else set()

    for on in tried:
        said = line.at(on)
        assert said.outcome is Outcome.of(reference.outcome(CATALOGUE, service, facts, on)), on
        assert said.state is ENGINE.availability(service, facts, on).state, on
    changes = [(step.outcome, step.state) for step in line.steps]
    assert all(one != other for one, other in pairwise(changes))


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=CALM)
def test_all_services_in_one_function_say_what_each_says_alone(data: st.DataObject) -> None:
    on = data.draw(days)
    facts: dict[str, Any] = {}
    for service in data.draw(st.lists(st.sampled_from(CATALOGUE.services), min_size=1, max_size=6)):
        facts |= data.draw(facts_for(CATALOGUE, service, ENGINE, on))

    found = ALL.judge(facts.get, on)

    for service, code in zip(CATALOGUE.services, found, strict=True):
        assert CODES[code] is reference.outcome(CATALOGUE, service, facts, on), service.code


@a_service
@given(data=st.data())
@settings(max_examples=6, deadline=None, suppress_health_check=CALM)
def test_knowing_more_never_turns_a_sure_answer_round(service: PublicService, data: st.DataObject) -> None:
    on = data.draw(days)
    facts = data.draw(facts_for(CATALOGUE, service, ENGINE, on))
    fewer = {name: value for name, value in facts.items() if data.draw(st.booleans())}

    before = ENGINE.judge(service, fewer, on).outcome

    assert before in (Outcome.UNKNOWN, ENGINE.judge(service, facts, on).outcome)
