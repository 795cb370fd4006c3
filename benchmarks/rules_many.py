"""Rules over a population from Parquet: how many citizens a second and core, against plainly reading the same columns.

Each measurement is made in a process of its own with one thread, in seconds of a core, and its memory is its own. The
nation is drawn once; the longer run reads its files several times over. All services are judged over a table of every
fact they ask for, by chance, since no register knows all of that about everybody.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Bench

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
TIMES = 10  # the nation's files so many times over
BY_CHANCE = 300_000
DAY = date(2026, 11, 21)
TEN = (
    "elderly_travel_discount", "elderly_tax_exemption", "sso_old_age_pension", "sso_old_age_lump_sum", "sso40_enrolment",
    "first_id_card", "id_card_renewal", "driving_licence_2to5", "disability_loan", "thirty_baht_anywhere",
)  # fmt: skip


async def run(bench: Bench) -> None:
    bench.steps(1 + bench.rounds)
    with tempfile.TemporaryDirectory(prefix="tangrat-bench-") as folder:
        facts, chance = Path(folder) / "facts", Path(folder) / "chance.parquet"
        await asyncio.to_thread(_prepare, facts, chance)
        bench.step()
        rounds: list[dict[str, float]] = []
        for _ in range(bench.rounds):
            rounds.append(
                {
                    **await _measured("ten", facts),
                    **await _measured("more", facts),
                    **await _measured("all", chance),
                    **await _measured("scan", facts),
                }
            )
            bench.step()

    def took(name: str) -> list[float]:
        return [one[name] for one in rounds]

    def rate(people: int, name: str) -> list[float]:
        return [people / seconds / 1e6 for seconds in took(name)]

    many = PEOPLE * TIMES
    bench.report("rate", rate(many, "more_s"), unit="M citizens/s/core", against=f"10 rules, {many / 1e6:.0f} M rows")
    bench.report("rss_mb", took("more_rss"), unit="MB", against="the same run", bar="≤ 500")
    bench.report(
        "read", rate(PEOPLE, "ten_s"), unit="M citizens/s/core", against="plain read", floor=rate(PEOPLE, "ten_read_s"),
        bar="≥ 0.5",
    )  # fmt: skip
    bench.report(
        "growth_people", rate(many, "more_s"), unit="M citizens/s/core", against="with a tenth of the rows",
        floor=rate(PEOPLE, "ten_s"),
    )  # fmt: skip
    bench.report("all_rate", rate(BY_CHANCE, "all_s"), unit="M citizens/s/core", against="all services, all facts")
    bench.report("all_tests", rate(BY_CHANCE, "all_tests_s"), unit="M citizens/s/core", against="already in memory")
    bench.report("nation_s", took("scan_s"), unit="s", against=f"{PEOPLE / 1e6:.0f} M citizens, 30 days, one thread")
    bench.report("nation_core_s", took("scan_core_s"), unit="core s", against="the same run")
    bench.report("nation_check_s", took("scan_check_s"), unit="core s", against="of that, checking the files")
    bench.report("scan_rss_mb", took("scan_rss"), unit="MB", against="the same run")
    # Shards are as large as the whole nation's, so what a shard costs is in it.
    grown = [seconds * 66e6 / PEOPLE for seconds in took("scan_core_s")]
    bench.report("nation_66m_s", grown, unit="core s", against="66 M, by what these took")


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

    found = {"s": _timed(judge), "rss": _rss_mb()}
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
    return {"s": _timed(lambda: judge(pl.scan_parquet(file))), "tests_s": _timed(lambda: judge(held.lazy()))}


def _scan(folder: Path) -> dict[str, float]:
    from lifeevents import catalogue
    from lifeevents.scan.changes import changes, rule_set
    from lifeevents.scan.extract import opened

    loaded = catalogue.load()
    began, began_core = time.perf_counter(), time.process_time()
    extract = opened(folder, loaded)
    rules = rule_set(loaded, extract)
    extract.check(rules.reads)
    checked = time.process_time()
    since = DAY + timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="tangrat-bench-") as work:
        found = sum(len(batch) for batch in changes(extract, rules, since, since + timedelta(days=29), work=Path(work)))
    assert found > PEOPLE / 200
    return {
        "s": time.perf_counter() - began, "core_s": time.process_time() - began_core, "check_s": checked - began_core,
        "rss": _rss_mb(),
    }  # fmt: skip


def _timed(do: Callable[[], Any]) -> float:
    """Seconds of a core; the better of two: the first fills the page cache."""
    took = []
    for _ in range(2):
        began = time.process_time()
        do()
        took.append(time.process_time() - began)
    return min(took)


def _rss_mb() -> float:
    """The most that this process held; what `getrusage` says counts the one that started it too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    measures: dict[str, Callable[[Path], dict[str, float]]] = {
        "ten": _ten,
        "more": partial(_ten, times=TIMES),
        "all": _all,
        "scan": _scan,
    }
    print(json.dumps(measures[sys.argv[1]](Path(sys.argv[2]))))
