"""A nation scanned for thirty days, as `tangrat scan --dry-run` does it: check every file, then find every change.

`NATION=66000000 make bench BENCH=scan` is the whole nation, in minutes. A smaller one has fewer shards, each as large as
the whole nation's, so that what a shard costs and holds is in the figures; how they grow is measured against a quarter of
the shards. Each scan runs in a process of its own, so its memory is its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from benchmarks.harness import Bench, peak_mb

NATION = int(os.environ.get("NATION", "2000000"))
WHOLE = 66_000_000
DAY = date(2026, 11, 21)
DAYS = 30
_BYTES_EACH = 150  # on disk while it is written: twice, once spilled


async def run(bench: Bench) -> None:
    rounds = bench.rounds if NATION <= 5_000_000 else 1
    bench.steps(1 + 2 * rounds)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < NATION * _BYTES_EACH:
        raise SystemExit(f"{NATION:,} people need {NATION * _BYTES_EACH / 1e9:.0f} GB, and {free / 1e9:.0f} are free")
    with tempfile.TemporaryDirectory(prefix="tangrat-bench-") as folder:
        whole, part = Path(folder) / "whole", Path(folder) / "part"
        began = time.perf_counter()
        await asyncio.to_thread(_write, whole)
        wrote_s = time.perf_counter() - began
        size = sum(file.stat().st_size for file in whole.rglob("*.parquet"))
        _quarter(whole, part)
        bench.step()
        all_of_it: list[dict[str, float]] = []
        quarter: list[dict[str, float]] = []
        for _ in range(rounds):
            for where, found in ((whole, all_of_it), (part, quarter)):
                found.append(await _measured(where))
                bench.step()
    million = NATION / 1e6

    def took(name: str, of: list[dict[str, float]] = all_of_it) -> list[float]:
        return [one[name] for one in of]

    here = f"{million:,.0f} M citizens, {DAYS} days, {os.cpu_count()} cores"
    bench.report("nation_s", took("s"), unit="s", against=here)
    bench.report("core_s", took("core_s"), unit="core s", against="the same run")
    bench.report("check_s", took("check_s"), unit="s", against="of that, checking the files")
    bench.report("rss_mb", took("rss"), unit="MB", against="a quarter of the shards", floor=took("rss", quarter))
    # One: four times the people take four times as long.
    per_person = [one["core_s"] / one["people"] * 1e6 for one in all_of_it]
    of_quarter = [one["core_s"] / one["people"] * 1e6 for one in quarter]
    bench.report(
        "growth", per_person, unit="µs of a core each", against="a quarter of the shards", floor=of_quarter
    )  # fmt: skip
    if NATION < WHOLE:
        grown = [one["s"] * WHOLE / one["people"] for one in all_of_it]
        bench.report("grown_66m_s", grown, unit="s", against="66 M, by what these took")
    bench.report("changes", took("changes"), unit="", against="found, all services that the columns suffice for")
    bench.report("write_s", [wrote_s], unit="s", against=f"writing the nation, {size / 1e6:,.0f} MB")


async def _measured(where: Path) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.scan", str(where), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("scanning failed")
    found: dict[str, float] = json.loads(told)
    return found


def _write(folder: Path) -> None:
    from sandbox.extract import write
    from sandbox.nation import Nation

    shards = min(256, max(4, NATION * 256 // WHOLE))
    write(Nation(size=NATION, day_zero=DAY), folder, hash=partial(hashed, shards))


def hashed(shards: int, pid: str) -> str:
    """Into so many shards only."""
    digest = hashlib.sha256(pid.encode()).hexdigest()
    return f"{int(digest[:2], 16) % shards:02x}{digest[2:]}"


def _quarter(whole: Path, part: Path) -> None:
    """Every fourth shard, without copying it."""
    for shard in sorted(whole.glob("shard=*"))[::4]:
        (part / shard.name).mkdir(parents=True)
        for file in shard.iterdir():
            (part / shard.name / file.name).hardlink_to(file)


def _scan(folder: Path) -> dict[str, float]:
    """In the process that is measured."""
    from lifeevents import catalogue
    from lifeevents.scan.changes import changes, rule_set
    from lifeevents.scan.extract import opened

    loaded = catalogue.load()
    began, began_core = time.perf_counter(), time.process_time()
    extract = opened(folder, loaded)
    rules = rule_set(loaded, extract)
    extract.check(rules.reads)
    checked = time.perf_counter()
    since = DAY + timedelta(days=1)
    until = since + timedelta(days=DAYS - 1)
    with tempfile.TemporaryDirectory(prefix="tangrat-bench-") as work:
        found = sum(len(batch) for batch in changes(extract, rules, since, until, work=Path(work)))
    assert found > extract.rows / 200
    return {
        "s": time.perf_counter() - began, "core_s": time.process_time() - began_core, "check_s": checked - began,
        "people": extract.rows, "changes": found, "rss": peak_mb(),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_scan(Path(sys.argv[1]))))
