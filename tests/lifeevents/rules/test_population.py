"""The columns that Polars computes are, person for person, what the plain reader of a rule says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifeevents import catalogue
from lifeevents.rules.calendar import TODAY, Edge
from lifeevents.rules.evaluate import evaluate
from lifeevents.rules.ir import (
    DID_NOT_HAPPEN,
    And,
    Compare,
    Const,
    DateIn,
    DayIn,
    Facts,
    Flag,
    InSet,
    Lowering,
    Node,
    Not,
    Or,
    Rule,
)
from lifeevents.rules.population import NONE, Columnar, can_hold, wrong_type
from tests.lifeevents.rules.by_chance import ByChance

CATALOGUE = catalogue.load()
RULES: tuple[Rule, ...] = tuple(Lowering(CATALOGUE).rule(service) for service in CATALOGUE.services)
NODES = {rule.service.code: rule.whole for rule in RULES}
TRAPS = [
    date(2028, 2, 29),
    date(2027, 2, 28),
    date(2027, 3, 1),
    date(2026, 9, 30),
    date(2026, 10, 1),
    date(2026, 12, 31),
]

days = st.one_of(st.sampled_from(TRAPS), st.dates(date(2019, 1, 1), date(2035, 12, 31)))


@settings(max_examples=15, deadline=None)
@given(day=days, seed=st.integers(0, 2**32))
def test_every_service_on_one_day(day: date, seed: int) -> None:
    random = Random(seed)
    chance = ByChance(CATALOGUE, RULES, days=[day])
    rows = [chance.row(random) for _ in range(60)]
    table = chance.table(rows)
    judged = Columnar(NODES, schema=table.schema).on(table.lazy(), day).collect()
    for code, node in NODES.items():
        assert judged[code].to_list() == [evaluate(node, row, day) for row in rows], (code, day)


@settings(max_examples=8, deadline=None)
@given(on=st.lists(days, min_size=2, max_size=6, unique=True), seed=st.integers(0, 2**32))
def test_every_row_on_a_day_of_its_own(on: list[date], seed: int) -> None:
    random = Random(seed)
    chance = ByChance(CATALOGUE, RULES, days=on)
    rows = [chance.row(random) for _ in range(60)]
    of_row = [random.choice(on) for _ in rows]
    table = chance.table(rows).with_columns(day=pl.Series(of_row))
    columnar = Columnar(NODES, schema=table.schema)
    judged = columnar.over(
        table.lazy().join(columnar.constants(on).lazy(), on="day", how="left", maintain_order="left")
    )
    found = judged.collect()
    for code, node in NODES.items():
        assert found[code].to_list() == [evaluate(node, row, day) for row, day in zip(rows, of_row, strict=True)], code


ALIVE, SEX = Flag("person.alive", True), InSet("person.sex", ("male",))
BIRTH, DEATH = "person.birth_date", "deceased.death_date"
SIXTY = Edge(unit="years", count=60)
SIX_MONTHS = Edge(unit="months", count=6)
LEAVES: Sequence[Node] = (
    Const(True), Const(False), Const(None), ALIVE, Flag("person.alive", False), SEX,
    InSet("person.sex", ("male",), negated=True), InSet("person.sex", ()), InSet("person.sex", (), negated=True),
    Compare("sso.months_total", "gte", 180), Compare("sso.months_total", "lt", Decimal("179.5")),
    Compare("sso.months_total", "ne", 180), Compare("sso.months_total", "eq", 70_000), Compare("sso.months_total", "gt", -1),
    InSet("sso.months_total", (180, 70_000)), DateIn(BIRTH, None, SIXTY), DateIn(BIRTH, SIXTY, None),
    DateIn(BIRTH, None, None), DateIn(BIRTH, SIXTY.more(1), SIXTY), DayIn(date(2026, 1, 1), None), DayIn(None, date(2026, 12, 31)),
    DateIn(BIRTH, None, SIXTY, as_of=DEATH), DateIn(BIRTH, SIX_MONTHS, None, as_of=DEATH), DateIn(BIRTH, None, None, as_of=DEATH),
    DateIn(BIRTH, Edge(unit="years", count=1, leap_day="preceding", attained="eve", lag=3), SIX_MONTHS, as_of=DEATH),
    DateIn(BIRTH, date(1960, 1, 1), date(1970, 1, 1), as_of=DEATH), DateIn("nobody.knows", None, SIXTY), Flag("nobody.knows", True),
    DateIn(BIRTH, None, SIXTY, as_of="nobody.knows"), DateIn("nobody.knows", None, SIXTY, as_of=DEATH),
    DateIn(DEATH, None, TODAY), Not(DateIn(DEATH, None, TODAY)),  # what happened, and what did not
)  # fmt: skip
trees = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=4).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=12,
)
births = st.one_of(st.none(), st.just(DID_NOT_HAPPEN), st.dates(date(1964, 2, 20), date(1970, 3, 5)))
people = st.fixed_dictionaries(
    {
        "person.alive": st.sampled_from([True, False, None, DID_NOT_HAPPEN]),
        "person.sex": st.sampled_from(["male", "female", None, DID_NOT_HAPPEN]),
        "sso.months_total": st.sampled_from([0, 179, 180, 181, None, DID_NOT_HAPPEN]),
        BIRTH: births,
        DEATH: st.one_of(births, st.dates(date(2024, 2, 20), date(2031, 3, 5))),
    }
)


@settings(max_examples=150, deadline=None)
@given(node=trees, people=st.lists(people, min_size=1, max_size=12), day=days)
def test_any_tree(node: Node, people: list[dict[str, object]], day: date) -> None:
    rows: list[Facts] = [{fact: value for fact, value in row.items() if value is not None} for row in people]  # type: ignore[misc]  # drawn by type
    types: dict[str, Any] = {
        "person.alive": pl.Boolean,
        "person.sex": pl.Enum(["male", "female"]),
        "sso.months_total": pl.UInt8,
    }
    table = pl.DataFrame(
        {
            **{
                fact: pl.Series(
                    [None if row.get(fact) is DID_NOT_HAPPEN else row.get(fact) for row in rows],
                    dtype=types.get(fact, pl.Date),
                )
                for fact in people[0]
            },
            **{fact + NONE: [row.get(fact) is DID_NOT_HAPPEN for row in rows] for fact in people[0]},
        }
    )
    judged = Columnar({"found": node}, schema=table.schema).on(table.lazy(), day).collect()
    assert judged["found"].to_list() == [evaluate(node, row, day) for row in rows]


def test_null_beside_a_column_of_what_did_not_happen() -> None:
    """Where that column itself is null, nothing is known not to have happened."""
    table = pl.DataFrame(
        {"person.alive": [True, None, None], "person.alive__none": pl.Series([None, None, True], dtype=pl.Boolean)}
    )
    found = (
        Columnar({"so": ALIVE, "not": Not(ALIVE)}, schema=table.schema).on(table.lazy(), date(2026, 11, 21)).collect()
    )
    assert found["so"].to_list() == [True, None, False]
    assert found["not"].to_list() == [False, None, True]


def test_days_that_are_announced() -> None:
    table = pl.DataFrame({BIRTH: [date(1964, 5, 1), date(1966, 5, 2), None]})
    node = DateIn(BIRTH, None, SIXTY, as_of="election.day")

    def judged(announced: dict[str, object]) -> list[bool | None]:
        columnar = Columnar({"old": node}, schema=table.schema, announced=announced)  # type: ignore[arg-type]  # drawn wide
        return columnar.on(table.lazy(), date(2026, 11, 21)).collect()["old"].to_list()

    assert judged({"election.day": date(2026, 5, 1)}) == [True, False, None]
    assert judged({"election.day": DID_NOT_HAPPEN}) == [False, False, False]
    assert judged({}) == [None, None, None]


@pytest.mark.parametrize("day", TRAPS)
def test_a_flip_lies_between_the_constants_of_two_days(day: date) -> None:
    """What a scan goes by: whoever flips on a day was born after yesterday's constant, and by today's."""
    before = day - timedelta(days=1)
    for start in (day - timedelta(days=round(365.25 * 60) + shift) for shift in range(-800, 800)):
        for edge in (
            SIXTY,
            SIX_MONTHS,
            Edge(unit="years", count=60, leap_day="preceding"),
            Edge(unit="be_years", count=60),
        ):
            assert (edge.at(before) < start <= edge.at(day)) == (edge.reached(start) == day), (edge, start)


def test_whether_columns_suffice() -> None:
    known = {"person.alive": pl.Boolean()}
    assert can_hold(And((ALIVE, Not(Flag("person.alive", False)))), known)
    assert not can_hold(And((ALIVE, SEX)), known)
    assert can_hold(Or((ALIVE, SEX)), known)
    assert not can_hold(Or((Const(None), Not(ALIVE), SEX)), {"person.sexes": pl.Boolean()})


def test_types_that_fit() -> None:
    def wrong(path: str, dtype: pl.DataType) -> str | None:
        fact = CATALOGUE.fact(path)
        assert fact
        return wrong_type(fact, dtype)

    assert wrong("person.birth_date", pl.Date()) is None
    assert wrong("person.birth_date", pl.Datetime()) == "Date"
    assert wrong("person.income_per_year", pl.Decimal(12, 2)) is None
    assert wrong("person.income_per_year", pl.UInt32()) is None
    assert wrong("person.income_per_year", pl.Float64()) == "Decimal, or a whole number"
    assert wrong("person.sex", pl.Enum(["female"])) is None
    assert "'woman' is none of them" in str(wrong("person.sex", pl.Enum(["male", "woman"])))
    assert wrong("person.alive", pl.Int8()) == "Boolean"
