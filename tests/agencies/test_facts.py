"""Facts and plans: the fewest calls, each fact with its source, and the kinds of not knowing apart."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies import dopa, nhso
from agencies.answers import Operation
from agencies.facts import Facts, OwnWord, Sources, agree
from agencies.standard import operation
from backend.agencies import sources
from foundation.dates import PartialDate
from tests.agencies.conftest import CATALOGUE

PLAIN = [operation(spec) for spec in CATALOGUE.specs]


def sources_of(*operations, most_at_once=None, own_words=()):
    return Sources(
        operations,
        most_at_once=most_at_once or {"dopa": 50},
        derived=sources(CATALOGUE, (), ()).derived,
        dates=sources(CATALOGUE, (), ()).dates,
        own_words=own_words,
    )


def told_by(name, *facts, door="plain", fed_by=None):
    return Operation(
        agency=name.partition(".")[0], name=name, wire=name, door=door, read=lambda *_: None,
        facts={fact: lambda value: value for fact in facts}, fed_by=fed_by or {},
    )  # fmt: skip


# The fewest calls


def fewest(operations, wanted, most_at_once):
    """By trying every set."""
    tellable = {fact for one in operations for fact in one.facts} & wanted
    best = None
    for size in range(len(operations) + 1):
        for chosen in itertools.combinations(operations, size):
            if tellable <= {fact for one in chosen for fact in one.facts}:
                batched = sum(one.asked_through in most_at_once for one in chosen)
                calls = size - batched + -(-batched // 3)
                best = calls if best is None else min(best, calls)
    return best


@given(
    told=st.lists(
        st.tuples(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=4), st.booleans()), min_size=1, max_size=7
    ),
    wanted=st.sets(st.sampled_from("abcdefgh"), min_size=1),
)
def test_no_set_of_operations_tells_the_same_with_fewer_calls(told, wanted):
    paths = {f"person.{name}" for name in wanted}
    operations = [
        told_by(f"x{at}.op", *(f"person.{fact}" for fact in facts), door="batch" if batched else f"door{at}")
        for at, (facts, batched) in enumerate(told)
    ]
    tells = sources_of(*operations, most_at_once={"batch": 3})

    plan = tells.plan(paths)

    covered = {fact for one in plan.operations for fact in one.facts}
    assert paths - covered == {path for path in paths if not tells.tell(path)} == plan.untold
    assert plan.calls({"batch": 3}) == fewest(operations, paths, {"batch"})


def test_what_a_question_is_asked_with_is_asked_for_too_and_a_circle_is_no_way():
    house = told_by("dopa.house", "person.house", door="dopa")
    bill = told_by("pea.bill", "household.electricity_bill_month", fed_by={"house_id": "person.house"})
    circle = told_by("a.x", "person.y", fed_by={"x": "person.z"})
    back = told_by("b.x", "person.z", fed_by={"x": "person.y"})
    tells = sources_of(house, bill, circle, back)

    assert set(tells.plan(["household.electricity_bill_month"]).operations) == {house, bill}
    assert tells.plan(["person.y"]).operations == ()
    assert tells.plan(["person.y"]).untold == {"person.y"}


def test_a_fact_that_follows_from_another_is_asked_for_by_that_one():
    birth = told_by("dopa.person", "person.birth_date", door="dopa")

    plan = sources_of(birth).plan(["person.age_years", "person.school_age"])

    assert plan.operations == (birth,)
    assert plan.wanted == {"person.birth_date"}


# Agreement


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (PartialDate(date(1950, 3, 21)), PartialDate(date(1950, 3, 1), "MONTH"), True),
        (PartialDate(date(1950, 1, 1), "YEAR"), date(1950, 12, 31), True),
        (PartialDate(date(1950, 3, 1), "MONTH"), PartialDate(date(1950, 4, 2)), False),
        (date(1950, 3, 21), date(1951, 3, 21), False),
        ("thai", "thai", True),
        (True, False, False),
    ],
)
def test_two_dates_agree_as_far_as_both_are_known(one, other, same):
    assert agree(one, other) is agree(other, one) is same


# Through the gateway


@pytest.fixture
def facts(clock, metrics):
    def build(*operations, words=None):
        async def own_words(_asking):
            return words or {}

        return Facts(sources_of(*operations, own_words=words or {}), own_words=own_words, clock=clock, metrics=metrics)

    return build


async def test_a_fact_has_its_source_and_age_and_precision(facts, asking, nation):
    found = await facts(dopa.PERSON).find(await asking(5), ["person.age_years", "person.sex"])

    born = found.facts["person.birth_date"]
    assert (born.state, born.value.earliest) == ("KNOWN", nation.citizen(5).birth.earliest())
    assert (born.source.agency, born.source.operation, born.precision) == ("dopa", "PERSON", "DAY")
    assert born.source.fetched_at is not None
    assert found.facts["person.sex"].value == nation.citizen(5).sex


async def test_each_thing_has_facts_of_its_own(facts, asking, nation):
    number = next(n for n in range(1, 13) if nation.citizen(n).vehicles)

    found = await facts(*PLAIN).find(await asking(number), ["vehicle.age_years", "vehicle.type", "vehicle.cmi_valid"])

    vehicles = nation.citizen(number).vehicles
    assert [thing.called.th for thing in found.things["vehicle"]] == [one.plate for one in vehicles]
    assert [thing.facts["vehicle.type"].value for thing in found.things["vehicle"]] == [one.kind for one in vehicles]
    assert {thing.facts["vehicle.cmi_valid"].state for thing in found.things["vehicle"]} == {"KNOWN"}
    assert "vehicle.type" not in found.facts


async def test_the_kinds_of_not_knowing_are_told_apart(facts, asking, switch):
    switch("POST", "faults", {"agency": "dlt", "fault": "down"})
    told = facts(*PLAIN, dopa.PERSON, words={"person.move_date": OwnWord(value=date(2026, 11, 1), told_at=NOW)})

    found = await told.find(
        await asking(5), ["vehicle.type", "passport.expiry_date", "person.move_date", "person.sex", "event.nothing"]
    )

    assert found.things["vehicle"] == ()
    assert found.facts["event.nothing"].state == "NOT_KNOWN"
    word = found.facts["person.move_date"]
    assert (word.state, word.source.agency, word.source.fetched_at) == ("KNOWN", None, NOW)


async def test_agencies_that_disagree_are_both_shown_and_an_alarm_rings(facts, asking, switch, metrics):
    switch("POST", "faults", {"agency": "nhso", "fault": "disagreeing"})
    # Both are asked, because each tells something that the other doesn't.
    told = facts(dopa.PERSON, nhso.RIGHTS)

    found = await told.find(await asking(5), ["person.birth_date", "person.sex", "health.right"])

    born = found.facts["person.birth_date"]
    assert (born.state, born.value) == ("DISAGREEMENT", None)
    assert {claim.source.agency for claim in born.claims} == {"dopa", "nhso"}
    assert len({str(claim.value) for claim in born.claims}) == 2
    assert metrics.registry.get_sample_value("tangrat_alarms_total", {"kind": "agencies_disagree"}) == 1


NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
