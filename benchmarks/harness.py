"""How a figure is taken: several rounds, ours and the floor in turn, medians, and how far the rounds were apart.

Absolute times are not stable from machine to machine or hour to hour, so a figure is a ratio against something that
was measured in the same run. Each bench is an async function that takes a Bench and reports figures to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from backend.up import Running, running

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `ratio` is value/against where both are given; `bar` is what the issue asks of the ratio or value."""

    bench: str
    figure: str
    value: float
    unit: str
    against: str
    ratio: float | None
    spread: str
    bar: str


class Bench:
    def __init__(self, name: str, *, rounds: int, progress: Progress) -> None:
        self.name = name
        self.rounds = rounds
        self.rows: list[Row] = []
        self._progress = progress
        self._task = progress.add_task(name, total=None)

    def steps(self, total: int) -> None:
        self._progress.update(self._task, total=total)

    def step(self) -> None:
        self._progress.advance(self._task)

    def report(
        self,
        figure: str,
        ours: Sequence[float],
        *,
        unit: str,
        against: str = "",
        floor: Sequence[float] = (),
        bar: str = "",
    ) -> None:
        """A figure from its rounds; with a floor, the ratio is the median of the rounds' own ratios."""
        ratios = [one / other for one, other in zip(ours, floor, strict=True)] if floor else []
        shown = ratios or list(ours)
        said = f"{against} {statistics.median(floor):,.3g} {unit}" if floor else against
        self.rows.append(
            Row(
                bench=self.name, figure=figure, value=statistics.median(ours), unit=unit, against=said,
                ratio=statistics.median(ratios) if ratios else None,
                spread=f"{min(shown):,.2f}–{max(shown):,.2f}" if len(shown) > 1 else "", bar=bar,
            )
        )  # fmt: skip


BenchFunction = Callable[[Bench], Awaitable[None]]


@asynccontextmanager
async def system(**settings: str) -> AsyncIterator[Running]:
    """A whole `tangrat up` of its own, in a folder of its own, on free ports."""
    with tempfile.TemporaryDirectory(prefix="tangrat-bench-") as folder:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")},
            "TANGRAT_DATA_DIR": folder, "TANGRAT_PORT": "0", "TANGRAT_SANDBOX_PORT": "0", "TANGRAT_WORKER_PORT": "0",
            "TANGRAT_LOG_LEVEL": "warning", **settings,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "backend", "up", env=environment, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while (there := running(Path(folder))) is None:
                if process.returncode is not None:
                    raise RuntimeError("`tangrat up` did not start")
                await asyncio.sleep(0.02)
            yield there
        finally:
            process.terminate()
            await process.wait()


def children(pid: int) -> dict[str, int]:
    """The processes of a running `tangrat up` by name: mongod, sandbox, work, serve."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if parent == pid and len(arguments) > 1:  # one that has just died has no arguments left
            name = "mongod" if b"mongod" in arguments[0] else arguments[-2].decode()
            found[name] = int(folder.name)
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


async def idle(pid: int) -> None:
    """Wait until a process has nothing more to do, so that it takes no CPU from what is measured."""
    used = cpu_s(pid)
    while True:
        await asyncio.sleep(1)
        before, used = used, cpu_s(pid)
        if used - before < 0.05:
            return


def rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def together(count: int, *, in_flight: int, do: Callable[[int], Awaitable[Any]]) -> float:
    """Do something `count` times with so many in flight; the seconds it took."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await do(number)

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(in_flight)))
    return time.perf_counter() - began


def peak_mb() -> float:
    """The most memory that this process held; what `getrusage` says counts the one that started it too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def show(rows: Sequence[Row], console: Console) -> None:
    table = Table("figure", "value", "against", "ratio", "rounds", "asked")
    for row in rows:
        table.add_row(
            f"{row.bench}.{row.figure}", f"{row.value:,.3g} {row.unit}", row.against,
            "" if row.ratio is None else f"{row.ratio:.2f}", row.spread, row.bar,
        )  # fmt: skip
    console.print(table)


def write(rows: Sequence[Row], file: Path) -> None:
    kept = ("bench", "figure", "value", "unit", "against", "ratio")
    file.write_text(
        json.dumps([{key: value for key, value in asdict(row).items() if key in kept} for row in rows], indent=1)
    )
