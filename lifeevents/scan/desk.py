"""The policy desk: who gains and who loses by a changed rule, before it is published.

Nobody is to be found in what is shown: a number of people below ten is not told, nor one from which it would follow
(`disclosure.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, Literal

import polars as pl

from foundation.errors import BadInput
from foundation.language import Text
from lifeevents.catalogue.model import Catalogue, PublicService
from lifeevents.rules.calendar import Edge
from lifeevents.rules.ir import Lowering, Node
from lifeevents.rules.population import Columnar, can_hold
from lifeevents.scan import disclosure
from lifeevents.scan.changes import lacking, said
from lifeevents.scan.disclosure import FEWEST, is_small
from lifeevents.scan.extract import Extract, Shard, Step, reading
from lifeevents.scan.provinces import PROVINCES
from lifeevents.scan.spread import Spread, here

Column = Literal["people", "gain", "lose", "unclear"]
COLUMNS: Final[Mapping[Column, Text]] = {
    "people": Text(th="ประชากร", en="people"),
    "gain": Text(th="ได้สิทธิ", en="gain"),
    "lose": Text(th="เสียสิทธิ", en="lose"),
    "unclear": Text(th="ไม่ชัดเจน", en="unclear"),
}
"""Who becomes eligible, who was and isn't any more, and whose outcome changes to or from not known otherwise."""

_HAPPENS: Final[tuple[Column, ...]] = ("gain", "lose", "unclear")

_AGES: Final = (0, 6, 15, 18, 25, 35, 45, 60, 70, 80)
_INCOMES: Final = (0, 1, 30_000, 60_000, 100_000, 200_000, 500_000)
_UNKNOWN: Final = Text(th="ไม่ทราบ", en="not known")
_Counts = Counter[tuple[int, int, str, str, str]]
_FACTS: Final = ("person.alive", "person.birth_date", "person.province", "person.income_per_year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group of people. None: not told."""

    group: Text
    counts: Mapping[Column, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    id: str
    title: Text
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    service: PublicService
    on: date
    release: str
    total: Mapping[Column, int | None]
    eligible_before: int | None
    eligible_after: int | None
    tables: tuple[Table, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service.code,
            "on": self.on.isoformat(),
            "catalogue": self.release,
            "fewest_told": FEWEST,
            "eligible": {"in_force": self.eligible_before, "tried": self.eligible_after},
            "total": dict(self.total),
            **{
                table.id: [{"group_th": row.group.th, "group_en": row.group.en, **row.counts} for row in table.rows]
                for table in self.tables
            },
        }


def reads(current: Catalogue, tried: tuple[Catalogue, PublicService], extract: Extract) -> tuple[str, ...]:
    """The columns that a comparison looks at, to be checked before. BadInput where they don't suffice."""
    columnar = Columnar(_both(current, tried, extract), schema=extract.schema)
    wanted = [*_FACTS, *(fact + "__none" for fact in _FACTS)]
    return tuple(dict.fromkeys([*columnar.reads, *(fact for fact in wanted if fact in extract.schema)]))


def compare(
    current: Catalogue, tried: tuple[Catalogue, PublicService], extract: Extract, on: date, *,
    step: Step = lambda: None, spread: Spread = here,
) -> Report:  # fmt: skip
    """Hold the changed service against the one in force, on one legal day. The extract must have been checked."""
    nodes = _both(current, tried, extract)
    found: _Counts = Counter()
    for _, counted in spread(partial(_of_shard, nodes, extract.schema, on), extract.shards):
        found.update(counted)
        step()
    return _report(tried[1], on, current.release, found)


def _of_shard(nodes: Mapping[str, Node], schema: Mapping[str, pl.DataType], on: date, shard: Shard) -> _Counts:
    columnar, found = Columnar(nodes, schema=schema), _Counts()
    with reading(shard):
        for file in shard.files:
            groups = pl.scan_parquet(file).with_columns(_alive=_alive(schema), **_groups(schema, on))
            counted = (
                columnar.on(groups, on, keep=["_alive", "_age", "_income", "_province"])
                .filter(pl.col("_alive").fill_null(True) | pl.col("was").ne_missing(pl.col("becomes")))
                .group_by("_age", "_income", "_province", was=said("was"), becomes=said("becomes")).len()
                .collect(engine="streaming")
            )  # fmt: skip
            for age, income, province, was, becomes, people in counted.iter_rows():
                found[age, income, province or "", was, becomes] += people
    return found


def _both(current: Catalogue, tried: tuple[Catalogue, PublicService], extract: Extract) -> Mapping[str, Node]:
    catalogue, service = tried
    in_force = current.service(service.code)
    if in_force is None:
        raise BadInput(f"{service.code} is no service in force", th=f"ไม่มีบริการ {service.code} ที่ใช้อยู่")
    nodes = {"was": Lowering(current).rule(in_force).whole, "becomes": Lowering(catalogue).rule(service).whole}
    for node in nodes.values():
        if not can_hold(node, extract.schema):
            missing = ", ".join(lacking(node, extract, {}))
            raise BadInput(
                f"{service.code} can't be judged: the extract has no {missing}",
                th=f"ประเมิน {service.code} ไม่ได้ ข้อมูลไม่มี {missing}", field="try",
            )  # fmt: skip
    return nodes


def _alive(schema: Mapping[str, pl.DataType]) -> pl.Expr:
    return pl.col("person.alive") if "person.alive" in schema else pl.lit(True)


def _groups(schema: Mapping[str, pl.DataType], on: date) -> dict[str, pl.Expr]:
    """In which group of each kind somebody is; −1 where that isn't known."""
    age, income, province = pl.lit(-1), pl.lit(-1), pl.lit("")
    if "person.birth_date" in schema:
        born = pl.col("person.birth_date")
        age = sum((born <= Edge(unit="years", count=years).at(on) for years in _AGES[1:]), pl.lit(0)).fill_null(-1)
    if "person.income_per_year" in schema:
        earned = pl.col("person.income_per_year")
        income = sum((earned >= least for least in _INCOMES[1:]), pl.lit(0)).fill_null(-1)
    if "person.province" in schema:
        province = pl.col("person.province").cast(pl.String)
    return {"_age": age.cast(pl.Int8), "_income": income.cast(pl.Int8), "_province": province}


def _report(
    service: PublicService, on: date, release: str, found: Mapping[tuple[int, int, str, str, str], int]
) -> Report:
    ages: Counter[tuple[int, Column]] = Counter()
    incomes: Counter[tuple[int, Column]] = Counter()
    provinces: Counter[tuple[str, Column]] = Counter()
    total: Counter[Column] = Counter()
    before = after = 0
    for (age, income, province, was, becomes), people in found.items():
        for column in ("people", _column(was, becomes)):
            if column is not None:
                ages[age, column] += people
                incomes[income, column] += people
                provinces[province, column] += people
                total[column] += people
        before += people * (was == "ELIGIBLE")
        after += people * (becomes == "ELIGIBLE")
    people = total["people"]
    others = disclosure.line([*(total[column] for column in _HAPPENS), people - sum(total[one] for one in _HAPPENS)])
    told: dict[Column, int | None] = {"people": None if is_small(people) else people}
    told |= {one: None if told["people"] is None else others[place] for place, one in enumerate(_HAPPENS)}
    # Who is eligible before and after tells how many fall into doubt, and how many of all are not eligible.
    doubt = sum(count for (*_, was, becomes), count in found.items() if (was, becomes) == ("ELIGIBLE", "UNKNOWN"))
    has_before = told["people"] is not None and not any(map(is_small, (before, people - before)))
    has_after = (
        has_before and None not in told.values()
        and not any(map(is_small, (after, people - after, doubt, total["unclear"] - doubt)))
    )  # fmt: skip
    return Report(
        service=service, on=on, release=release, total=told, eligible_before=before if has_before else None,
        eligible_after=after if has_after else None,
        tables=(
            _table("age", Text(th="ตามอายุ", en="By age"), {place: _age(place) for place in range(-1, len(_AGES))}, ages, told),
            _table(
                "income", Text(th="ตามรายได้ต่อปี (บาท)", en="By income a year (baht)"),
                {place: _income(place) for place in range(-1, len(_INCOMES))}, incomes, told,
            ),
            _table(
                "province", Text(th="ตามจังหวัด", en="By province"),
                {code: PROVINCES.get(code, Text(th=code, en=code) if code else _UNKNOWN)
                 for code in sorted({code for code, _ in provinces})},
                provinces, told,
            ),
        ),
    )  # fmt: skip


def _table(
    id: str, title: Text, groups: Mapping[Any, Text], counts: Mapping[tuple[Any, Column], int],
    total: Mapping[Column, int | None],
) -> Table:  # fmt: skip
    there = [group for group in groups if any((group, column) in counts for column in COLUMNS)]
    rows = [[counts.get((group, column), 0) for column in COLUMNS] for group in there]
    # To whom nothing happens isn't told, but whoever reads the others can count them.
    with_rest = [[*happens, people - sum(happens)] for people, *happens in rows]
    sums: disclosure.Told = [None] * len(rows)
    told: list[disclosure.Told] = [[None] * len(_HAPPENS) for _ in rows]
    if total["people"] is not None:
        sums, told = disclosure.table(with_rest, [*(total[column] for column in _HAPPENS), None])
    return Table(
        id=id, title=title,
        rows=tuple(
            Row(group=groups[group], counts={"people": sums[place], **dict(zip(_HAPPENS, told[place], strict=False))})
            for place, group in enumerate(there)
        ),
    )  # fmt: skip


def _column(was: str, becomes: str) -> Column | None:
    if was == becomes:
        return None
    if becomes == "ELIGIBLE":
        return "gain"
    return "lose" if (was, becomes) == ("ELIGIBLE", "NOT_ELIGIBLE") else "unclear"


def _age(place: int) -> Text:
    return _between(_AGES, place, Text(th="ปี", en="years"))


def _income(place: int) -> Text:
    if place == 0:
        return Text(th="ไม่มี", en="none")
    return _between(_INCOMES, place, Text(th="", en=""))


def _between(steps: Sequence[int], place: int, unit: Text) -> Text:
    if place < 0:
        return _UNKNOWN
    if place == len(steps) - 1:
        return Text(th=f"{steps[place]:,} {unit.th}ขึ้นไป", en=f"{steps[place]:,} {unit.en} and more".replace("  ", " "))
    said_as = f"{steps[place]:,}–{steps[place + 1] - 1:,}"
    return Text(th=f"{said_as} {unit.th}".strip(), en=f"{said_as} {unit.en}".strip())
