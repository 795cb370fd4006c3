"""From `tangrat up` to ready, set-up excluded, and the memory each process then holds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.harness import Bench, children, rss_mb, system
from foundation.embedded import EmbeddedMongo


async def run(bench: Bench) -> None:
    ready: list[float] = []
    floor: list[float] = []
    memory: dict[str, list[float]] = {}
    bench.steps(bench.rounds)
    for _ in range(bench.rounds):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            mongo = EmbeddedMongo(Path(folder) / "mongo")
            mongo.start()
            floor.append(time.perf_counter() - began)
            mongo.stop()
        began = time.perf_counter()
        async with system() as there:
            ready.append(time.perf_counter() - began)
            for name, pid in children(there.pid).items():
                memory.setdefault(name, []).append(rss_mb(pid))
        bench.step()
    bench.report("ready", ready, unit="s", against="mongod alone", floor=floor, bar="≤ 5 s")
    for name, held in sorted(memory.items()):
        bench.report(f"rss_{name}", held, unit="MB")
