"""`python -m benchmarks [--only NAME] [--json FILE] [--rounds N]`; `make bench` calls it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import agenda, bulkhead, cached, fanout, intake, planner, road1, rules_many, rules_one, scan, up
from benchmarks.harness import Bench, BenchFunction, Row, show, write

BENCHES: dict[str, BenchFunction] = {
    "road1": road1.run, "fanout": fanout.run, "cached": cached.run, "bulkhead": bulkhead.run, "planner": planner.run,
    "intake": intake.run, "agenda": agenda.run, "up": up.run, "rules_one": rules_one.run, "rules_many": rules_many.run,
    "scan": scan.run,
}  # fmt: skip


async def _run(function: BenchFunction, bench: Bench) -> None:
    await function(bench)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHES), help="one bench (BENCH=name)")
    parser.add_argument("--json", type=Path, help="also write the rows there (BENCH_JSON=file)")
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    console, rows = Console(width=None if sys.stdout.isatty() else 120), list[Row]()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name in [told.only] if told.only else BENCHES:
            bench = Bench(name, rounds=told.rounds, progress=progress)
            asyncio.run(_run(BENCHES[name], bench))
            rows += bench.rows
    show(rows, console)
    if told.json:
        write(rows, told.json)


if __name__ == "__main__":
    main()
