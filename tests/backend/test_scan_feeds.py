"""`tangrat scan` puts whoever becomes entitled into the agenda: once, however often and however interrupted."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from backend.__main__ import app
from foundation.clock import SystemClock
from foundation.errors import SuperAppError
from foundation.store import Store
from lifeevents import agenda as agendas
from sandbox.extract import write
from sandbox.nation import Nation, pid
from trust import people as people_module
from trust.people import IDENTITY_NUMBER, People
from trust.secrets import Vault

KEY = b"\x07" * 32
SHARDS = 12
QUIET = "elderly_travel_discount"  # its own notices tell it
Item = tuple[str, str, str]


@pytest.fixture(scope="module")
def nation() -> Nation:
    return Nation(size=30_000, day_zero=SystemClock().today())


@pytest.fixture(scope="module")
def facts(nation: Nation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fed") / "facts"
    write(nation, folder, hash=partial(Vault(KEY).lookup, purpose=IDENTITY_NUMBER))
    # A few shards of it are enough here.
    (folder / "SHA256SUMS").unlink()
    for shard in sorted(folder.iterdir())[SHARDS:]:
        shutil.rmtree(shard)
    return folder


class Scanning:
    def __init__(self, facts: Path, folder: Path, uri: str, database: str) -> None:
        today = SystemClock().today()
        self.work = folder / "work"
        self.words = (
            "scan",
            "--facts",
            facts,
            "--from",
            today,
            "--to",
            today + timedelta(days=364),
            "--work",
            self.work,
        )
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")}
        self.environment = {
            **clean, "TANGRAT_DATA_DIR": str(folder / "data"), "TANGRAT_MASTER_KEY": base64.b64encode(KEY).decode(),
            "TANGRAT_MONGODB_URI": uri, "TANGRAT_MONGODB_DATABASE": database,
        }  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        """In a process of its own, to be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "backend", *map(str, self.words)],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    async def _type(self, *words: object) -> Result:
        typed = [str(word) for word in (*self.words, "--json", *words)]
        return await asyncio.to_thread(CliRunner().invoke, app, typed, env=self.environment)

    async def run(self, *words: object) -> dict[str, Any]:
        result = await self._type(*words)
        assert result.exception is None, result.exception
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    async def refused(self, *words: object) -> str:
        result = await self._type(*words)
        assert isinstance(result.exception, SuperAppError)
        return result.exception.message


@pytest.fixture
async def known(store: Store, nation: Nation) -> dict[str, str]:
    """Every other citizen of these shards has signed in: their person by the hash."""
    await store.open((*people_module.INDEXES, *agendas.INDEXES))
    people, numbers = People(store, Vault(KEY), clock=SystemClock()), map(pid, range(1, nation.size + 1, 2))
    hashes = {number: Vault(KEY).lookup(number, purpose=IDENTITY_NUMBER) for number in numbers}
    found = await people.ensure_many(number for number, one in hashes.items() if int(one[:2], 16) < SHARDS)
    await store.collection("people").update_many({}, {"$set": {"has_account": True}})
    return {hashes[number]: one.id for number, one in found.items()}


@pytest.fixture
async def scanning(facts: Path, tmp_path: Path, mongodb_uri: str, database: str) -> Scanning:
    return Scanning(facts, tmp_path, mongodb_uri, database)


async def items(store: Store) -> Counter[Item]:
    return Counter(
        [(one["person"], one["rule"], one["day"]) async for one in store.collection("agenda").find({"kind": "due"})]
    )


async def test_everybody_once(scanning: Scanning, store: Store, known: dict[str, str], tmp_path: Path) -> None:
    first = await scanning.run("--out", tmp_path / "changes.parquet")
    after_first = await items(store)
    again = await scanning.run()

    found = pl.read_parquet(tmp_path / "changes.parquet").filter(pl.col("becomes") == "ELIGIBLE")
    due = {(known.get(one["person"]), one["rule"], one["day"].isoformat()) for one in found.to_dicts()}
    in_agenda = {item for item in due if item[0] is not None and item[1] != QUIET}
    assert len(in_agenda) > 20
    # Also others' own notices tell them: those aren't fed either, so no more than these are there.
    assert set(after_first) <= in_agenda
    assert {rule for _, rule, _ in after_first} >= {"elderly_fund_loan"}
    assert {item for item in in_agenda if item[1] == "elderly_fund_loan"} <= set(after_first)
    assert set(after_first.values()) == {1}
    assert first["agenda"] == {
        "new": len(after_first), "there": 0, "strangers": first["agenda"]["strangers"], "late": 0,
    }  # fmt: skip
    assert first["agenda"]["strangers"] > 5
    assert await items(store) == after_first
    assert again["agenda"] == {**first["agenda"], "new": 0, "there": len(after_first)}
    assert again["changes"] == first["changes"]


async def test_killed_on_its_way(scanning: Scanning, store: Store, known: dict[str, str]) -> None:
    process = scanning.start()
    while len(list(scanning.work.rglob("*.parquet"))) < 6:
        assert process.poll() is None, process.communicate()
        await asyncio.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = await items(store)

    told = await scanning.run()

    after = await items(store)
    assert before <= after
    assert set(after.values()) == {1}
    assert told["agenda"]["there"] == len(before)
    assert told["agenda"]["new"] == len(after) - len(before) > 0
    assert not list(scanning.work.rglob("*.p*"))


async def test_a_dry_run_puts_nothing_in(scanning: Scanning, store: Store, known: dict[str, str]) -> None:
    told = await scanning.run("--dry-run")
    assert told["agenda"] is None
    assert told["changes"]
    assert not await items(store)


async def test_what_can_not_be_fed(scanning: Scanning, store: Store, known: dict[str, str]) -> None:
    """Said before anything is scanned."""
    long_ago, today = date(2020, 1, 1), SystemClock().today()
    for words, says in (
        (["--from", long_ago, "--to", long_ago], "nobody is told any more"),
        (
            ["--from", today + timedelta(days=500), "--to", today + timedelta(days=800)],
            "the agenda takes nothing after",
        ),
    ):
        assert says in await scanning.refused(*words)
    scanning.environment["TANGRAT_MONGODB_URI"] = ""
    assert "there is no MongoDB" in await scanning.refused()
    assert not scanning.work.exists()
    assert not await items(store)
