"""Whether a condition can hold at all: who is found meets it, and where nobody is found there is nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifeevents import catalogue as catalogues
from lifeevents.almanac import Almanac
from lifeevents.catalogue.model import OnEvent, PublicService
from lifeevents.rules.calendar import TODAY, Edge
from lifeevents.rules.engine import Engine
from lifeevents.rules.evaluate import evaluate
from lifeevents.rules.ir import And, Compare, Const, DateIn, DayIn, Flag, InSet, Node, Not, Or
from lifeevents.rules.possible import DAYS, Possible, days_for

CATALOGUE = catalogues.load()
ENGINE = Engine(CATALOGUE)
FACTS = {fact.path: fact for fact in CATALOGUE.facts}
BIRTH, DEATH = "person.birth_date", "deceased.death_date"
SIXTY = Edge(unit="years", count=60)
DAY = date(2026, 11, 21)
LEAVES: Sequence[Node] = (
    Const(True), Const(False), Const(None), Flag("person.alive", True), Flag("person.alive", False),
    InSet("person.sex", ("male",)), InSet("person.sex", ("female",)), InSet("person.sex", ("male", "female"), negated=True),
    Compare("sso.months_total", "gte", 180), Compare("sso.months_total", "lt", 180), Compare("sso.months_total", "ne", 180),
    Compare("sso.months_total", "eq", 180), Compare("sso.months_total", "lt", 0),
    DateIn(BIRTH, None, SIXTY), DateIn(BIRTH, SIXTY, TODAY), DateIn(BIRTH, SIXTY.more(1), SIXTY), DateIn(BIRTH, SIXTY, SIXTY),
    DateIn(DEATH, None, TODAY), DateIn(DEATH, TODAY, None), DayIn(date(2026, 1, 1), None), DayIn(None, date(2025, 12, 31)),
    DateIn(BIRTH, None, SIXTY, as_of=DEATH), DateIn(BIRTH, SIXTY, None, as_of=DEATH),
)  # fmt: skip
trees = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)
people = st.fixed_dictionaries(
    {
        "person.alive": st.booleans(),
        "person.sex": st.sampled_from(["male", "female"]),
        "sso.months_total": st.sampled_from([0, 179, 180, 181]),
        BIRTH: st.sampled_from([date(1960, 1, 1), date(1966, 11, 21), date(1966, 11, 22), date(2000, 1, 1)]),
        DEATH: st.sampled_from([date(2026, 11, 20), DAY, date(2026, 11, 22), date(2027, 1, 1)]),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(node=trees, anybody=st.lists(people, max_size=20))
def test_a_witness_meets_it_and_without_one_nobody_does(node: Node, anybody: list[dict[str, object]]) -> None:
    found = Possible(FACTS).witness(node, DAY)

    if found is not None:
        assert evaluate(node, found, DAY) is True
    else:
        assert all(evaluate(node, one, DAY) is not True for one in anybody)  # type: ignore[arg-type]  # drawn by type


@pytest.mark.parametrize("service", CATALOGUE.services, ids=lambda service: service.code)
def test_there_is_somebody_for_every_service(service: PublicService) -> None:
    whole = ENGINE.rules[service.code].whole

    found = [
        (day, facts) for day in days_for(whole) if (facts := Possible(FACTS).witness(whole, day)) is not None
    ]  # fmt: skip

    assert found
    for day, facts in found:
        assert ENGINE.judge(service, facts, day).holds is True


def test_every_notice_of_an_event_can_be_told() -> None:
    """By the almanac itself: what the check of the catalogue lets through, somebody is told."""
    almanac = Almanac(CATALOGUE, ENGINE)
    told = 0
    for service in CATALOGUE.services:
        for one in service.notifications:
            rule = almanac.rules.get(one.id)
            if rule is None or not isinstance(one.trigger, OnEvent):
                continue
            asks = [ENGINE.rules[service.code].whole, *(ask.also for ask in rule.asks if ask.also is not None)]
            holds = [
                almanac.judge(rule, [facts], today=day, anchor=day)
                for day in DAYS
                if (facts := Possible(FACTS).witness(And(tuple(asks)), day)) is not None
            ]
            assert any(finding.holds or finding.is_shut for finding in holds), one.id
            told += 1
    assert told > 40


def test_what_is_settled_beforehand_stays_so() -> None:
    old = DateIn(BIRTH, None, SIXTY)

    assert Possible(FACTS).witness(old, DAY, {BIRTH: date(1966, 11, 21)}) == {BIRTH: date(1966, 11, 21)}
    assert Possible(FACTS).witness(old, DAY, {BIRTH: date(1966, 11, 22)}) is None


def test_numbers_are_not_below_zero() -> None:
    assert not Possible(FACTS).ever(Compare("sso.months_total", "lt", 0))
    assert Possible(FACTS).ever(Compare("sso.months_total", "lte", 0))


def test_who_asks_for_too_much_is_believed() -> None:
    many = And(tuple(Compare("sso.months_total", "ne", number) for number in range(2000)))

    assert Possible(FACTS).witness(many, DAY) == {}


def test_who_has_tried_enough_believes_until_it_has_rested() -> None:
    possible = Possible(FACTS)
    ways = Or(tuple(Compare("sso.months_total", "eq", number) for number in range(30)))
    never = And((*[ways] * 30, Compare("sso.months_total", "gt", 100)))

    assert possible.ever(never)  # nobody can, but that takes too long to see
    assert possible.ever(Const(False))
    possible.rest()
    assert not possible.ever(Const(False))
