"""Rules over a population from Parquet: how many citizens a second and core, against plainly reading the same columns.

Each measurement is made in a process of its own with one thread, in seconds of a core, and its memory is its own. The
nation is drawn once; the longer run reads its files several times over. All services are judged over a table of every
fact they ask for, by chance, since no register knows all of that about everybody.

OpenFisca, where TANGRAT_BENCH_OPENFISCA names a Python that has it (see `rules_one`), judges the same ten rules over the
same people from arrays in memory, where ours reads Parquet; both must say the same of everybody whose facts are known.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Bench, peak_mb

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
TIMES = 10  # the nation's files so many times over
BY_CHANCE = 300_000
DAY = date(2026, 11, 21)
TEN = (
    "elderly_travel_discount", "elderly_tax_exemption", "sso_old_age_pension", "sso_old_age_lump_sum", "sso40_enrolment",
    "first_id_card", "id_card_renewal", "driving_licence_2to5", "disability_loan", "thirty_baht_anywhere",
)  # fmt: skip

SHARES = {"tenth": 11, "half": 55}  # of the services, in the order of the catalogue
WORDS_OF = {
    "person.nationality": ("thai",), "person.disability_card_status": ("", "valid"), "sso.section": ("none",),
    "person.id_card_status": ("never", "valid", "expired"), "licence.type": ("", "temporary"), "health.right": ("", "uc"),
}  # fmt: skip
"""The words that the ten rules ask for, by the number that `openfisca_ten.WORDS` gives them."""


async def run(bench: Bench) -> None:
    bench.steps(1 + bench.rounds)
    openfisca = os.environ.get("TANGRAT_BENCH_OPENFISCA", "")
    with tempfile.TemporaryDirectory(prefix="tangrat-bench-") as folder:
        facts, chance, arrays = Path(folder) / "facts", Path(folder) / "chance.parquet", Path(folder) / "arrays"
        await asyncio.to_thread(_prepare, facts, chance)
        if openfisca:
            await asyncio.to_thread(_arrays, facts, arrays)
        bench.step()
        rounds: list[dict[str, float]] = []
        for _ in range(bench.rounds):
            found = {
                **await _measured("ten", facts),
                **await _measured("more", facts),
                **await _measured("all", chance),
            }
            if openfisca:
                found["openfisca_s"] = await asyncio.to_thread(_openfisca, openfisca, arrays)
            rounds.append(found)
            bench.step()

    def took(name: str) -> list[float]:
        return [one[name] for one in rounds]

    def rate(people: int, name: str) -> list[float]:
        return [people / seconds / 1e6 for seconds in took(name)]

    many, unit = PEOPLE * TIMES, "M citizens/s/core"
    bench.report("rate", rate(many, "more_s"), unit=unit, against=f"10 rules, {many / 1e6:.0f} M rows")
    bench.report("rss_mb", took("more_rss"), unit="MB", against="the same run", bar="≤ 500")
    if openfisca:
        bench.report(
            "openfisca", rate(PEOPLE, "ten_s"), unit=unit, against="OpenFisca, in memory",
            floor=rate(PEOPLE, "openfisca_s"), bar="≥ 2.5",
        )  # fmt: skip
    bench.report(
        "read", rate(PEOPLE, "ten_s"), unit=unit, against="plain read", floor=rate(PEOPLE, "ten_read_s"), bar="≥ 0.5"
    )
    bench.report(
        "growth_people",
        rate(many, "more_s"),
        unit=unit,
        against="with a tenth of the rows",
        floor=rate(PEOPLE, "ten_s"),
    )
    bench.report("all_rate", rate(BY_CHANCE, "all_s"), unit=unit, against="all services, all facts")
    bench.report("all_tests", rate(BY_CHANCE, "all_tests_s"), unit=unit, against="already in memory")
    for share, count in SHARES.items():
        bench.report(
            f"growth_rules_{count}", rate(BY_CHANCE, f"all_{share}_s"), unit=unit, against=f"{count} of them, in memory"
        )


def _arrays(facts: Path, folder: Path) -> None:
    """The same people for OpenFisca, and what ours says of them: an array for each fact and rule."""
    import numpy as np
    import polars as pl

    from lifeevents import catalogue
    from lifeevents.rules.population import NONE
    from lifeevents.scan.changes import rule_set
    from lifeevents.scan.extract import opened

    for name in ("facts", "ours", "said"):
        (folder / name).mkdir(parents=True)
    extract = opened(facts, catalogue.load())
    rules = rule_set(extract.catalogue, extract, codes=TEN)
    table = pl.read_parquet([file for shard in extract.shards for file in shard.files])
    for fact in rules.reads:
        column = table[fact]
        if isinstance(column.dtype, pl.Enum):
            words = column.dtype.categories.to_list()
            # As `openfisca_ten.WORDS` numbers them; a word that it doesn't ask for gets a number beyond.
            numbered = {
                word: WORDS_OF[fact].index(word) if word in WORDS_OF[fact] else 50 + at for at, word in enumerate(words)
            }
            column = column.replace_strict(numbered, return_dtype=pl.Int32).fill_null(99)
        elif column.dtype == pl.Date:
            column = column.fill_null(date(1900, 1, 1))
        else:
            column = column.fill_null(False) if column.dtype == pl.Boolean else column.cast(pl.Int32).fill_null(0)
        if not fact.endswith(NONE):
            np.save(folder / "facts" / f"{fact.replace('.', '__')}.npy", column.to_numpy())
    judged = rules.columnar.on(table.lazy(), DAY).collect()
    for code in TEN:
        np.save(folder / "ours" / f"{code}.npy", judged[code].cast(pl.Int8).fill_null(-1).to_numpy())


def _openfisca(python: str, folder: Path) -> float:
    """Seconds of a core; the same answers, of whom ours has one, or nothing."""
    import numpy as np

    told = subprocess.run(
        [python, str(Path(__file__).with_name("openfisca_ten.py")), str(folder)],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    for code in TEN:
        ours, theirs = np.load(folder / "ours" / f"{code}.npy"), np.load(folder / "said" / f"{code}.npy")
        assert ours.max() == 1, f"{code} holds for nobody"
        different = int(((ours >= 0) & ((ours == 1) != theirs)).sum())
        assert not different, f"OpenFisca says something else of {different} people for {code}"
    return float(json.loads(told.stdout)["s"])


async def _measured(what: str, where: Path) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.rules_many", what, str(where), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "POLARS_MAX_THREADS": "1", "BENCH_PEOPLE": str(PEOPLE)},
    )  # fmt: skip
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"measuring {what} failed")
    found: dict[str, float] = json.loads(told)
    return {f"{what}_{name}": value for name, value in found.items()}


def _prepare(facts: Path, chance: Path) -> None:
    from sandbox.extract import write
    from sandbox.nation import Nation

    # Four shards of that many are as large as those of the whole nation.
    shards = max(4, PEOPLE * 256 // 66_000_000)
    write(Nation(size=PEOPLE, day_zero=DAY), facts, hash=partial(_hashed, shards))
    _by_chance(chance)


def _hashed(shards: int, pid: str) -> str:
    digest = hashlib.sha256(pid.encode()).hexdigest()
    return f"{int(digest[:2], 16) % shards:02x}{digest[2:]}"


def _by_chance(file: Path) -> None:
    """Every fact that the services ask for, a tenth of it not known."""
    import numpy as np
    import polars as pl

    from lifeevents import catalogue
    from lifeevents.rules.ir import Lowering, asked

    loaded, random = catalogue.load(), np.random.default_rng(0)
    facts = dict.fromkeys(fact for service in loaded.services for fact in asked(Lowering(loaded).rule(service).whole))
    columns: dict[str, pl.Series] = {}
    for path in facts:
        fact = loaded.fact(path)
        match fact.kind if fact else "date":
            case "bool":
                values = pl.Series(random.random(BY_CHANCE) < 0.5)
            case "date":
                days = random.integers(0, 36_000, BY_CHANCE).astype("timedelta64[D]")
                values = pl.Series(np.datetime64("1930-01-01") + days)
            case "enum":
                words = [choice.value for choice in fact.choices] if fact else []
                codes = pl.Series(random.integers(0, len(words), BY_CHANCE).astype(np.uint8))
                values = codes.cat.to(pl.Enum(words))
            case _:
                values = pl.Series(random.integers(0, 300_000, BY_CHANCE).astype(np.int32))
        known = pl.Series(random.random(BY_CHANCE) < 0.9)
        columns[path] = pl.select(pl.when(known).then(values)).to_series()
    pl.DataFrame(columns).write_parquet(file, row_group_size=65_536, compression="lz4")


# In the process that is measured


def _ten(folder: Path, times: int = 1) -> dict[str, float]:
    import polars as pl

    from lifeevents import catalogue
    from lifeevents.scan.changes import rule_set
    from lifeevents.scan.extract import opened

    loaded = catalogue.load()
    extract = opened(folder, loaded)
    rules = rule_set(loaded, extract, codes=TEN)
    files = [file for shard in extract.shards for file in shard.files] * times

    def judge() -> None:
        table = rules.columnar.on(pl.scan_parquet(files), DAY)
        table.select(pl.all().sum()).collect(engine="streaming")

    found = {"s": _timed(judge), "rss": peak_mb()}
    if times == 1:
        found["read_s"] = _timed(lambda: pl.read_parquet(files, columns=list(rules.reads)))
    return found


def _all(file: Path) -> dict[str, float]:
    import polars as pl

    from lifeevents import catalogue
    from lifeevents.rules.ir import Lowering
    from lifeevents.rules.population import Columnar

    loaded = catalogue.load()
    nodes = {service.code: Lowering(loaded).rule(service).whole for service in loaded.services}
    columnar = Columnar(nodes, schema=dict(pl.read_parquet_schema(file)))

    def judge(table: pl.LazyFrame) -> None:
        columnar.on(table, DAY).select(pl.all().sum()).collect(engine="streaming")

    held = pl.read_parquet(file)
    found = {"s": _timed(lambda: judge(pl.scan_parquet(file))), "tests_s": _timed(lambda: judge(held.lazy()))}
    for share, count in SHARES.items():
        some = Columnar({code: nodes[code] for code in list(nodes)[:count]}, schema=held.schema)
        table = held.select(some.reads).lazy()
        found[f"{share}_s"] = _timed(
            lambda table=table, some=some: some.on(table, DAY).select(pl.all().sum()).collect(engine="streaming")  # type: ignore[misc]  # bound now
        )
    return found


def _timed(do: Callable[[], Any]) -> float:
    """Seconds of a core; the better of two: the first fills the page cache."""
    took = []
    for _ in range(2):
        began = time.process_time()
        do()
        took.append(time.process_time() - began)
    return min(took)


if __name__ == "__main__":
    measures: dict[str, Callable[[Path], dict[str, float]]] = {
        "ten": _ten,
        "more": partial(_ten, times=TIMES),
        "all": _all,
    }
    print(json.dumps(measures[sys.argv[1]](Path(sys.argv[2]))))
