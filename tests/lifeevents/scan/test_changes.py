"""A scan finds every change of every outcome, on its day, and nothing else; interrupted, it goes on."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput
from lifeevents.catalogue import Catalogue
from lifeevents.rules.calendar import Edge
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import DID_NOT_HAPPEN, DateIn, Facts, Flag, Lowering
from lifeevents.rules.population import NONE
from lifeevents.rules.python import FALSE, TRUE, UNKNOWN, compiled
from lifeevents.scan.changes import Change, RuleSet, changes, finished, gather, identity, of_file, rule_set
from lifeevents.scan.extract import Extract, opened
from tests.lifeevents.rules.by_chance import ByChance
from tests.lifeevents.scan.conftest import Write

SINCE, UNTIL = date(2026, 11, 22), date(2026, 12, 21)
_SAID = {FALSE: Outcome.NOT_ELIGIBLE, UNKNOWN: Outcome.UNKNOWN, TRUE: Outcome.ELIGIBLE}

Found = tuple[str, str, date, Outcome, Outcome]


def day_by_day(
    catalogue: Catalogue, codes: list[str], people: list[tuple[str, Facts]], since: date, until: date
) -> Iterator[Found]:
    """The slow way: everybody, every service, every day."""
    judge = compiled(
        [Lowering(catalogue).rule(service) for code in codes if (service := catalogue.service(code))]
    ).judge
    days = [since + timedelta(days=n) for n in range(-1, (until - since).days + 1)]
    for person, facts in people:
        outcomes = [judge(facts.get, day) for day in days]
        for day, (before, after) in zip(days[1:], pairwise(outcomes), strict=True):
            for code, was, becomes in zip(codes, before, after, strict=True):
                if was != becomes:
                    yield person, code, day, _SAID[was], _SAID[becomes]


def told(table: pl.DataFrame) -> set[Found]:
    rows = [(p, r, d, Outcome(w), Outcome(b)) for p, r, d, w, b in table.iter_rows()]
    assert len(set(rows)) == len(rows)
    return set(rows)


def facts_of(row: dict[str, Any]) -> Facts:
    facts = {name: value for name, value in row.items() if value is not None and "__" not in name}
    return facts | {name.removesuffix(NONE): DID_NOT_HAPPEN for name in row if name.endswith(NONE) and row[name]}


periods = st.tuples(
    st.one_of(
        st.dates(date(2019, 1, 1), date(2030, 12, 1)),
        st.sampled_from(
            [date(2026, 9, 20), date(2026, 12, 20), date(2028, 2, 20), date(2025, 1, 10), date(2024, 12, 20)]
        ),
    ),
    st.integers(0, 30),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(period=periods, seed=st.integers(0, 2**32))
@example(period=(date(2025, 1, 1), 30), seed=0)  # a service begins and ends in it
@example(period=(date(2026, 9, 25), 10), seed=1)  # a fiscal year begins
def test_every_change_of_all_services(period: tuple[date, int], seed: int, whole: Catalogue, tmp_path: Path) -> None:
    since, until = period[0], period[0] + timedelta(days=period[1])
    rules = [Lowering(whole).rule(service) for service in whole.services]
    days = [since + timedelta(days=n) for n in range(-1, period[1] + 1)]
    chance, random = ByChance(whole, rules, days=days), Random(seed)
    rows = [chance.row(random) for _ in range(40)]
    table = chance.table(rows).with_columns(person=pl.Series([f"{n:04x}" for n in range(len(rows))]))
    table.write_parquet(tmp_path / "rows.parquet")
    nodes = {rule.service.code: rule.whole for rule in rules}

    found = of_file(tmp_path / "rows.parquet", RuleSet(nodes=nodes, schema=table.schema, release="x"), since, until)

    people = [(f"{n:04x}", row) for n, row in enumerate(rows)]
    assert told(found) == set(day_by_day(whole, list(nodes), people, since, until))


def scanned(extract: Extract, rules: RuleSet, work: Path) -> list[Change]:
    return [change for batch in changes(extract, rules, SINCE, UNTIL, work=work) for change in batch]


def test_every_change_in_a_nation(nation_folder: Path, whole: Catalogue, tmp_path: Path) -> None:
    extract = opened(nation_folder, whole)
    rules = rule_set(whole, extract)
    extract.check(rules.reads)
    people = [
        (row.pop("person").hex(), facts_of(row))
        for file in nation_folder.rglob("*.parquet")
        for row in pl.read_parquet(file).to_dicts()
    ]
    assert len(people) == extract.rows == 3_000

    found = scanned(extract, rules, tmp_path)

    as_found = {(one.person, one.rule, one.day, one.was, one.becomes) for one in found}
    assert as_found == set(day_by_day(whole, list(rules.nodes), people, SINCE, UNTIL))
    assert len(found) > 30
    assert {one.rule for one in found} >= {"elderly_travel_discount", "first_id_card", "sso40_enrolment"}


def test_a_window_that_opens_and_closes_between_two_looks(
    write_extract: Write, whole: Catalogue, tmp_path: Path
) -> None:
    moved = [date(2026, 11, 20), date(2026, 12, 1), date(2026, 12, 18), None]
    table = pl.DataFrame({"person.alive": [True] * 4, "person.address_changed_date": moved})
    extract = opened(write_extract(table), whole)
    week = DateIn("person.address_changed_date", Edge(unit="days", count=9), Edge(unit="days", count=5))
    rules = RuleSet(nodes={"week": week}, schema=extract.schema, release="x")

    found = [
        (one.day, one.becomes.value) for batch in changes(extract, rules, SINCE, UNTIL, work=tmp_path) for one in batch
    ]

    assert sorted(found) == [
        (date(2026, 11, 25), "ELIGIBLE"), (date(2026, 11, 29), "NOT_ELIGIBLE"),
        (date(2026, 12, 6), "ELIGIBLE"), (date(2026, 12, 10), "NOT_ELIGIBLE"),
    ]  # fmt: skip


def test_an_interrupted_scan_goes_on(nation_folder: Path, whole: Catalogue, tmp_path: Path) -> None:
    extract = opened(nation_folder, whole)
    rules = rule_set(whole, extract)
    whole_scan = scanned(extract, rules, tmp_path / "undisturbed")
    work = tmp_path / "work"
    first = changes(extract, rules, SINCE, UNTIL, work=work)
    before = [next(first) for _ in range(6)]
    del first
    kept = work / identity(extract, rules, SINCE, UNTIL)
    stamps = {file.name: file.stat().st_mtime_ns for file in kept.iterdir()}
    (kept / f"{extract.shards[6].name}.part").write_bytes(b"half a sh")  # killed while it wrote

    again = scanned(extract, rules, work)

    assert len(stamps) == len(before) == 6
    assert again == whole_scan
    assert {name: (kept / name).stat().st_mtime_ns for name in stamps} == stamps
    gather(extract, rules, SINCE, UNTIL, work=work, file=tmp_path / "all.parquet")
    assert len(pl.read_parquet(tmp_path / "all.parquet")) == len(whole_scan)
    finished(extract, rules, SINCE, UNTIL, work=work)
    assert not kept.exists()


def test_what_is_kept_belongs_to_one_scan_only(nation_folder: Path, whole: Catalogue) -> None:
    extract = opened(nation_folder, whole)
    rules, fewer = rule_set(whole, extract), rule_set(whole, extract, codes=["first_id_card"])
    names = {
        identity(extract, rules, SINCE, UNTIL), identity(extract, fewer, SINCE, UNTIL),
        identity(extract, rules, SINCE, UNTIL - timedelta(days=1)), identity(extract, rules, SINCE - timedelta(days=1), UNTIL),
    }  # fmt: skip
    assert len(names) == 4
    file = next(nation_folder.rglob("*.parquet"))
    status = file.stat()
    assert opened(nation_folder, whole).fingerprint == extract.fingerprint
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert opened(nation_folder, whole).fingerprint != extract.fingerprint


def test_another_machine_needs_a_path_and_a_rule_set(nation_folder: Path, whole: Catalogue) -> None:
    extract = opened(nation_folder, whole)
    rules = rule_set(whole, extract)
    file = extract.shards[0].files[0]

    here = of_file(file, rules, SINCE, UNTIL)
    there = of_file(file, pickle.loads(pickle.dumps(rules)), SINCE, UNTIL)  # noqa: S301  # our own

    assert there.equals(here)


def test_services_that_the_columns_suffice_for(write_extract: Write, whole: Catalogue) -> None:
    table = pl.DataFrame({"person.alive": [True, True], "person.nationality": ["thai", "other"]})
    extract = opened(write_extract(table), whole)

    rules = rule_set(whole, extract)

    assert "passport_apply" in rules.nodes
    assert "elderly_travel_discount" not in rules.nodes
    assert rules.left_out["elderly_travel_discount"] == ("person.birth_date",)
    with pytest.raises(BadInput, match=r"the extract has no person\.birth_date"):
        rule_set(whole, extract, codes=["elderly_travel_discount"])
    with pytest.raises(BadInput, match="did you mean elderly_travel_discount"):
        rule_set(whole, extract, codes=["elderly_travel_discounts"])


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        (UNTIL, SINCE, "ends before it begins"),
        (date(2026, 1, 1), date(2028, 1, 1), "at most 400 days"),
        (date(2569, 1, 1), date(2569, 1, 2), "in the Common Era"),
    ],
)
def test_periods_that_are_refused(
    since: date, until: date, says: str, nation_folder: Path, whole: Catalogue, tmp_path: Path
) -> None:
    extract = opened(nation_folder, whole)
    rules = RuleSet(nodes={"x": Flag("person.alive", True)}, schema=extract.schema, release="x")
    with pytest.raises(BadInput, match=says):
        next(changes(extract, rules, since, until, work=tmp_path / "work"))
    assert not (tmp_path / "work").exists()
