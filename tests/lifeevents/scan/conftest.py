from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lifeevents import catalogue
from lifeevents.catalogue import Catalogue
from sandbox.extract import write
from sandbox.nation import Nation

DAY_ZERO = date(2026, 11, 21)
Write = Callable[[pl.DataFrame], Path]


def hashed(pid: str) -> str:
    return hashlib.sha256(pid.encode()).hexdigest()


@pytest.fixture(scope="session")
def whole() -> Catalogue:
    return catalogue.load()


@pytest.fixture(scope="session")
def nation_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three thousand citizens as `tangrat nation write` makes them."""
    folder = tmp_path_factory.mktemp("nation") / "facts"
    # Into sixteen shards only, for speed.
    write(Nation(size=3_000, day_zero=DAY_ZERO), folder, hash=lambda pid: "0" + hashed(pid)[1:])
    return folder


@pytest.fixture
def write_extract(tmp_path: Path) -> Write:
    """Writes a table as an extract; everybody gets a hash, half of them in shard 0a, half in f0."""

    def wrote(table: pl.DataFrame) -> Path:
        folder = tmp_path / "facts"
        for shard, part in (("0a", table[: len(table) // 2]), ("f0", table[len(table) // 2 :])):
            people = [bytes.fromhex(shard) + hashed(f"{shard} {n}").encode()[:31] for n in range(len(part))]
            (folder / f"shard={shard}").mkdir(parents=True)
            part.with_columns(person=pl.Series(people, dtype=pl.Binary)).write_parquet(
                folder / f"shard={shard}" / "part-0.parquet"
            )
        return folder

    return wrote
