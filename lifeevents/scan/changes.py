"""Whose outcome changes in a period, and on which day.

Of each date that moves with the legal day, the people who pass it in the period are few: those whose date lies between
yesterday's and the last day's. Only they are read whole. For each of them every day on which anything of theirs flips is
looked at, with the day before, so a window that opens and closes between two looks is seen to do both.

`of_file` needs nothing but a path and a rule set: it is what another machine is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, partial, reduce
from itertools import pairwise
from operator import or_
from pathlib import Path
from typing import Any, Final

import polars as pl

from foundation.errors import BadInput, CannotStart
from lifeevents.catalogue.model import Catalogue, close
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import DayIn, Lowering, Node, asked, leaves
from lifeevents.rules.population import Announced, Columnar, can_hold, holds
from lifeevents.scan.extract import PERSON, Extract, Shard, Step, reading
from lifeevents.scan.spread import Spread, here

LONGEST_DAYS: Final = 400
_DAY: Final = timedelta(days=1)
_OUTCOMES: Final = pl.Enum([outcome.value for outcome in Outcome])
_AT_ONCE: Final = 10_000
_FORM: Final = "1"  # of what is kept of a finished shard


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """The rules of a scan over tables of one schema. `left_out`: what each other rule would have to be told."""

    nodes: Mapping[str, Node]
    schema: Mapping[str, pl.DataType]
    release: str
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    announced: Announced = field(default_factory=dict)

    @cached_property
    def columnar(self) -> Columnar:
        return Columnar(self.nodes, schema=self.schema, announced=self.announced)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        return self.columnar.reads

    def look(self, since: date, until: date) -> _Look:
        if (since, until) not in self._looks:
            self._looks[since, until] = _Look(self, since, until)
        return self._looks[since, until]

    @cached_property
    def _looks(self) -> dict[tuple[date, date], _Look]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """What follows from the fields is made anew where it is needed."""
        return {name: vars(self)[name] for name in ("nodes", "schema", "release", "left_out", "announced")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From this day on the outcome is another. `person` is the hash (hex) of the extract."""

    person: str
    rule: str
    day: date
    was: Outcome
    becomes: Outcome


@dataclass(frozen=True, slots=True)
class Batch:
    """The changes of one shard."""

    shard: str
    table: pl.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[Change]:
        for part in self.table.iter_slices(_AT_ONCE):
            for person, rule, day, was, becomes in part.iter_rows():
                yield Change(person=person, rule=rule, day=day, was=Outcome(was), becomes=Outcome(becomes))

    def counts(self) -> dict[tuple[str, Outcome, Outcome], int]:
        found = self.table.group_by("rule", "was", "becomes").len()
        return {(rule, Outcome(was), Outcome(becomes)): rows for rule, was, becomes, rows in found.iter_rows()}


def rule_set(
    catalogue: Catalogue, extract: Extract, *, codes: Collection[str] = (), announced: Announced | None = None
) -> RuleSet:
    """The named services, or else all by which anybody can be found eligible from what the extract holds.

    BadInput for a service that isn't there, or one that is named and can hold for nobody.
    """
    lowering, announced = Lowering(catalogue), announced or {}
    nodes: dict[str, Node] = {}
    left_out: dict[str, tuple[str, ...]] = {}
    for code in codes or [service.code for service in catalogue.services]:
        service = catalogue.service(code)
        if service is None:
            near = close(code, [service.code for service in catalogue.services])
            raise BadInput(
                f"the catalogue has no service {code[:80]!r}" + (f"; did you mean {near}?" if near else ""),
                th=f"ไม่มีบริการ {code[:80]!r} ในบัญชี" + (f" หมายถึง {near} หรือไม่" if near else ""), field="rule",
            )  # fmt: skip
        node = lowering.rule(service).whole
        if can_hold(node, extract.schema, announced):
            nodes[code] = node
            continue
        left_out[code] = lacking(node, extract, announced)
        if codes:
            raise BadInput(
                f"{code} can't be judged: the extract has no {', '.join(left_out[code])}",
                th=f"ประเมิน {code} ไม่ได้ ข้อมูลไม่มี {', '.join(left_out[code])}", field="rule",
            )  # fmt: skip
    if not nodes:
        raise BadInput(
            "no service can be judged by the columns of this extract",
            th="ไม่มีบริการใดที่ประเมินได้จากคอลัมน์ของข้อมูลชุดนี้", field="facts",
        )  # fmt: skip
    return RuleSet(
        nodes=nodes, schema=extract.schema, release=catalogue.release, left_out=left_out, announced=announced
    )


def lacking(node: Node, extract: Extract, announced: Announced) -> tuple[str, ...]:
    return tuple(fact for fact in asked(node) if fact not in extract.schema and fact not in announced)


def changes(
    extract: Extract, rules: RuleSet, since: date, until: date, *, work: Path, step: Step = lambda: None,
    spread: Spread = here,
) -> Iterator[Batch]:  # fmt: skip
    """Everybody whose outcome changes from `since` to `until`, shard by shard in their order; both days included.

    What is found in a shard is kept in a folder below `work` until `finished` throws it away: called again after an
    interruption, this yields again what was found and goes on with the shards that are left. Another catalogue, another
    period, other rules or other files begin anew. The extract must have been checked.
    """
    check_period(since, until)
    kept = work / identity(extract, rules, since, until)
    kept.mkdir(parents=True, exist_ok=True)
    files = {shard.name: kept / f"{shard.name}.parquet" for shard in extract.shards}
    left = {shard.name: shard for shard in extract.shards if not files[shard.name].exists()}
    finding = spread(partial(_of_shard, rules, since, until), tuple(left.values()))
    for shard in extract.shards:
        while shard.name in left:
            other, found = next(finding)
            part = files[other.name].with_suffix(".part")
            found.write_parquet(part)
            part.replace(files[other.name])
            del left[other.name]
        step()
        yield Batch(shard.name, pl.read_parquet(files[shard.name]))


def gather(extract: Extract, rules: RuleSet, since: date, until: date, *, work: Path, file: Path) -> None:
    """What `changes` has found, in one Parquet file: shard, person, rule, day, was, becomes. It appears when it is whole."""
    kept = work / identity(extract, rules, since, until)
    part = file.with_name(f".{file.name}.part")
    try:
        pl.concat(
            pl.scan_parquet(kept / f"{shard.name}.parquet").select(pl.lit(shard.name).alias("shard"), pl.all())
            for shard in extract.shards
        ).sink_parquet(part)
        part.replace(file)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise CannotStart(f"can't write {file}: {exc.strerror or exc}") from exc


def finished(extract: Extract, rules: RuleSet, since: date, until: date, *, work: Path) -> None:
    """Throw away what is kept of a scan."""
    kept = work / identity(extract, rules, since, until)
    for file in kept.glob("*.p*"):
        file.unlink()
    kept.rmdir()


def identity(extract: Extract, rules: RuleSet, since: date, until: date) -> str:
    told = [
        _FORM, extract.fingerprint, rules.release, sorted(rules.nodes), str(since), str(until),
        sorted((name, str(day)) for name, day in rules.announced.items()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def check_period(since: date, until: date) -> None:
    if until < since:
        raise BadInput("the period ends before it begins", th="ช่วงเวลาสิ้นสุดก่อนเริ่ม", field="to")
    if (until - since).days >= LONGEST_DAYS:
        raise BadInput(
            f"a scan covers at most {LONGEST_DAYS} days", th=f"สแกนได้ครั้งละไม่เกิน {LONGEST_DAYS} วัน", field="to"
        )
    if not date(1900, 1, 1) <= since <= until <= date(2199, 12, 31):
        raise BadInput("days are written in the Common Era", th="ให้เขียนวันที่เป็น ค.ศ.", field="from")


def of_file(file: Path, rules: RuleSet, since: date, until: date) -> pl.DataFrame:
    """Person (hex), rule, day, was, becomes; in the order of person, rule, day."""
    look, table = rules.look(since, until), pl.scan_parquet(file)
    found = [_none_found(), *_of_everybody(table, look)]
    if look.passed:
        people = table.select(PERSON, *rules.reads).filter(look.concerned).collect(engine="streaming")
        found.append(_of_people(people, rules.columnar, look))
    return pl.concat(found).unique(["person", "rule", "day"]).sort("person", "rule", "day")


def _of_shard(rules: RuleSet, since: date, until: date, shard: Shard) -> pl.DataFrame:
    with reading(shard):
        return pl.concat([of_file(path, rules, since, until) for path in shard.files])


class _Look:
    """What a scan of one period looks for, made ready once for all files."""

    def __init__(self, rules: RuleSet, since: date, until: date) -> None:
        days = [since + _DAY * n for n in range(-1, (until - since).days + 1)]
        self.constants = rules.columnar.constants(days)
        bounds = [(fact, self.constants[bound]) for fact, bound in rules.columnar.passing]
        self.passed = [(fact, bound) for fact, bound in bounds if bound[0] != bound[-1]]
        """The dates that flip something: a fact, and day by day what it is held against, the day before included."""
        self.turning = [
            (before, day, Columnar(nodes, schema=rules.schema, announced=rules.announced))
            for before, day in pairwise(days)
            if (nodes := {code: node for code, node in rules.nodes.items() if _turns(node, before, day)})
        ]
        """On these days a period of the law begins or ends."""

    @property
    def concerned(self) -> pl.Expr:
        return reduce(or_, (_lies_in(fact, spans) for fact, spans in _spans(self.passed).items()))


def _of_people(people: pl.DataFrame, columnar: Columnar, look: _Look) -> pl.DataFrame:
    """Look at each of them on each day on which something of theirs flips."""
    last = len(look.constants)
    # The first day whose bound is not before the date: there it flips. 0: it had before, or isn't known.
    firsts = [
        pl.lit(bounds).search_sorted(pl.col(fact), side="left").alias(str(number))
        for number, (fact, bounds) in enumerate(look.passed)
    ]
    looks = (
        people.select(*firsts).with_row_index("row").unpivot(index="row", value_name="on")
        .filter((pl.col("on") > 0) & (pl.col("on") < last)).select("row", "on").unique()
    )  # fmt: skip
    facts = people[looks["row"]]
    was, becomes = (
        columnar.over(pl.concat([facts, look.constants[day]], how="horizontal").lazy(), keep=[PERSON, "day"]).collect()
        for day in (looks["on"] - 1, looks["on"])
    )
    return _compared(was, becomes, columnar.names)


def _of_everybody(table: pl.LazyFrame, look: _Look) -> Iterator[pl.DataFrame]:
    """On a day on which a period of the law begins or ends, everybody's outcome may change."""
    for before, day, columnar in look.turning:
        was, becomes = (
            columnar.on(table, on, keep=[PERSON]).with_columns(day=pl.lit(day)).collect(engine="streaming")
            for on in (before, day)
        )
        yield _compared(was, becomes, columnar.names)


def _turns(node: Node, before: date, day: date) -> bool:
    return any(isinstance(leaf, DayIn) and holds(leaf, before) != holds(leaf, day) for leaf in leaves(node))


def _compared(was: pl.DataFrame, becomes: pl.DataFrame, rules: Sequence[str]) -> pl.DataFrame:
    before = was.select(rules).unpivot(variable_name="rule", value_name="before")
    after = becomes.unpivot(rules, index=[PERSON, "day"], value_name="after")
    changed = pl.concat([before, after.drop("variable")], how="horizontal").filter(
        pl.col("before").ne_missing(pl.col("after"))
    )
    return changed.select(
        person=pl.col(PERSON).bin.encode("hex") if was[PERSON].dtype == pl.Binary else pl.col(PERSON),
        rule="rule",
        day="day",
        was=said("before"),
        becomes=said("after"),
    )


def said(column: str) -> pl.Expr:
    """The outcomes of true, false and null."""
    one, words = pl.col(column), {outcome: pl.lit(outcome.value, dtype=_OUTCOMES) for outcome in Outcome}
    is_or_not = pl.when(one).then(words[Outcome.ELIGIBLE]).otherwise(words[Outcome.NOT_ELIGIBLE])
    return pl.when(one.is_null()).then(words[Outcome.UNKNOWN]).otherwise(is_or_not)


def _none_found() -> pl.DataFrame:
    types: dict[str, Any] = {
        "person": pl.String,
        "rule": pl.String,
        "day": pl.Date,
        "was": _OUTCOMES,
        "becomes": _OUTCOMES,
    }
    return pl.DataFrame(schema=types)


def _spans(passed: Sequence[tuple[str, pl.Series]]) -> dict[str, list[tuple[date, date]]]:
    """By fact: where a date lies that passes something, overlaps joined; after the first day, up to the second."""
    found: dict[str, list[tuple[date, date]]] = {}
    for fact, bounds in sorted(passed, key=lambda one: (one[0], one[1][0])):
        spans = found.setdefault(fact, [])
        if spans and bounds[0] <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], bounds[-1]))
        else:
            spans.append((bounds[0], bounds[-1]))
    return found


def _lies_in(fact: str, spans: Sequence[tuple[date, date]]) -> pl.Expr:
    return reduce(or_, ((pl.col(fact) > after) & (pl.col(fact) <= up_to) for after, up_to in spans))
