"""`tangrat nation write` and `tangrat scan` as they are typed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from backend.__main__ import app
from foundation.errors import SuperAppError
from lifeevents.catalogue import FOLDER
from trust.people import IDENTITY_NUMBER
from trust.secrets import Vault

KEY = b"\x07" * 32
NO_RAY = "no Ray cluster answers at x:1" if find_spec("ray") else "install the extra `tangrat[ray]`"
DAYS = ("--from", "2026-11-22", "--to", "2026-12-21")


class Typed:
    def __init__(self, folder: Path) -> None:
        self.facts = folder / "facts"
        self.data = folder / "data"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")}
        # The same key each time, so that the same people are in the shards that are kept.
        key = base64.b64encode(KEY).decode()
        self.environment = {**clean, "TANGRAT_DATA_DIR": str(self.data), "TANGRAT_MASTER_KEY": key}

    def start(self, *words: object) -> subprocess.Popen[str]:
        """In a process of its own, to be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "backend", *map(str, words)],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: object) -> str:
        result = CliRunner().invoke(app, list(map(str, words)), env=self.environment)
        assert result.exception is None, result.exception
        return result.stdout

    def refused(self, *words: object) -> str:
        result = CliRunner().invoke(app, list(map(str, words)), env=self.environment)
        assert isinstance(result.exception, SuperAppError)
        return result.exception.message

    def scan(self, *words: object) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run("scan", "--dry-run", "--facts", self.facts, *DAYS, "--json", *words))
        return told


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    typed = Typed(tmp_path_factory.mktemp("typed"))
    told = json.loads(
        typed.run("nation", "write", "--size", 16_000, "--out", typed.facts, "--day", "2026-11-21", "--json")
    )
    assert (told["people"], told["shards"], told["day_zero"]) == (16_000, 256, "2026-11-21")
    assert len((typed.facts / "SHA256SUMS").read_text().splitlines()) == 256
    # An eighth of it is enough here.
    (typed.facts / "SHA256SUMS").unlink()
    for shard in sorted(typed.facts.iterdir())[32:]:
        shutil.rmtree(shard)
    return typed


def test_a_scan_killed_on_its_way_tells_the_same(typed: Typed, tmp_path: Path) -> None:
    undisturbed = typed.scan("--work", tmp_path / "undisturbed", "--out", tmp_path / "changes.parquet")
    work = tmp_path / "work"
    process = typed.start("scan", "--dry-run", "--facts", typed.facts, *DAYS, "--work", work)
    while len(done := list(work.rglob("*.parquet"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = {file: file.stat().st_mtime_ns for file in done}

    told = typed.scan("--work", work)

    assert 3 <= len(left) < 32
    assert told["changes"] == undisturbed["changes"]
    assert sum(one["times"] for one in told["changes"]) == len(pl.read_parquet(tmp_path / "changes.parquet")) > 10
    assert 1_700 < told["people"] < 2_300
    assert "person.pregnant" in told["left_out"]["antenatal_care"]
    assert not list(work.rglob("*.parquet"))


def test_whom_a_scan_finds_can_be_looked_up(typed: Typed, tmp_path: Path) -> None:
    """By the keyed hash under which people are kept, so by this installation alone."""
    from datetime import date

    from sandbox.nation import Nation

    year = ["--from", "2026-11-22", "--to", "2027-11-21"]
    typed.run(
        "scan",
        "--dry-run",
        "--facts",
        typed.facts,
        *year,
        "--rule",
        "elderly_travel_discount",
        "--out",
        tmp_path / "changes.parquet",
    )
    found = pl.read_parquet(tmp_path / "changes.parquet")
    nation, vault = Nation(size=16_000, day_zero=date(2026, 11, 21)), Vault(KEY)
    of = {vault.lookup(nation.pid(number), purpose=IDENTITY_NUMBER): number for number in range(1, 16_001)}
    assert len(found) > 0
    for shard, person, rule, day, was, becomes in found.iter_rows():
        citizen = nation.citizen(of[person])
        born = citizen.birth.earliest()
        assert person.startswith(shard)
        assert (rule, was, becomes) == ("elderly_travel_discount", "NOT_ELIGIBLE", "ELIGIBLE")
        assert day == (
            born.replace(year=born.year + 60) if (born.month, born.day) != (2, 29) else date(born.year + 60, 3, 1)
        )


def test_the_table_for_people(typed: Typed) -> None:
    said = typed.run(
        "scan",
        "--dry-run",
        "--facts",
        typed.facts,
        "--from",
        "2026-11-22",
        "--to",
        "2027-11-21",
        "--rule",
        "first_id_card",
    )
    assert "first_id_card" in said
    assert " people, services: 1, 2026-11-22 to 2027-11-21: " in said
    assert "Nothing was put into the agenda (--dry-run)." in said


def test_the_policy_desk(typed: Typed, tmp_path: Path) -> None:
    text = (FOLDER / "retirement.yaml").read_text()
    start = text.index("- id: elderly_travel_discount")
    attempt, page = tmp_path / "attempt.yaml", tmp_path / "report.html"
    changed = text[start : text.index("\n- id:", start + 1)].replace("value: 60}", "value: 65}")
    attempt.write_text(changed.replace("turns_60", "turns_65").replace("years: 60", "years: 65"))

    told = json.loads(
        typed.run("scan", "--facts", typed.facts, "--try", attempt, "--on", "2026-11-21", "--html", page, "--json")
    )

    assert told["total"]["lose"] > 20
    assert told["eligible"]["in_force"] - told["eligible"]["tried"] == told["total"]["lose"]
    assert "<svg" in page.read_text()
    said = typed.run("scan", "--facts", typed.facts, "--try", attempt, "--on", "2026-11-21")
    assert "ตามจังหวัด / By province" in said


def test_what_is_refused_is_one_message_and_nothing_is_left(typed: Typed, tmp_path: Path) -> None:
    for words, says in (
        (["nation", "write", "--out", typed.facts], "exists already"),
        (["nation", "write", "--out", tmp_path / "x", "--size", 3], "a nation has"),
        (["scan", "--facts", tmp_path / "nowhere"], "can't read this folder"),
        (
            ["scan", "--dry-run", "--facts", typed.facts, "--rule", "nonsense"],
            "the catalogue has no service 'nonsense'",
        ),
        (
            ["scan", "--dry-run", "--facts", typed.facts, "--from", "2026-12-01", "--to", "2026-11-01"],
            "ends before it begins",
        ),
        (["scan", "--facts", typed.facts, *DAYS], "there is no MongoDB"),
        (["scan", "--dry-run", "--facts", typed.facts, "--ray", "x:1"], NO_RAY),
        (["scan", "--facts", typed.facts, "--try", tmp_path / "none.yaml"], "can't read this file"),
        (["scan", "--facts", typed.facts, "--html", tmp_path / "x.html"], "go with --try"),
        (["scan", "--facts", typed.facts, "--try", tmp_path / "x.yaml", "--rule", "first_id_card"], "--try goes with"),
    ):
        assert says in typed.refused(*words)
    shard = typed.facts / "shard=1f"
    torn = tmp_path / "facts" / "shard=1f"
    torn.mkdir(parents=True)
    (torn / "part-0.parquet").write_bytes((shard / "part-0.parquet").read_bytes()[:-20])
    process = typed.start("scan", "--dry-run", "--facts", tmp_path / "facts", "--work", tmp_path / "work")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "shard=1f/part-0.parquet: can't be read, it may be torn" in err
    assert "Traceback" not in err
    assert not (tmp_path / "work").exists()
