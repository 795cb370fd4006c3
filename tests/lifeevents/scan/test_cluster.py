"""A scan on a Ray cluster finds what a scan on one machine finds, whatever dies on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import CannotStart
from lifeevents.scan.cluster import Cluster, installed


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it isn't installed
    with pytest.raises(CannotStart, match=r"install the extra `tangrat\[ray\]`") as caught:
        Cluster("10.0.0.1:6379")
    assert "ยังไม่ได้ติดตั้ง" in caught.value.th


def test_an_installation_is_known_by_its_rules() -> None:
    assert installed() == installed()
    assert len(installed()) == 16


@pytest.mark.slow
def test_nobody_answers() -> None:
    pytest.importorskip("ray", reason="Ray is an extra: make ray installs it and runs this")
    process = _run("-c", "from lifeevents.scan.cluster import Cluster\nwith Cluster('127.0.0.1:1'): pass")
    assert "no Ray cluster answers at 127.0.0.1:1" in process.stderr


@pytest.mark.slow
@pytest.mark.timeout(700)
def test_two_workers(nation_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is an extra: make ray installs it and runs this")
    process = _run("-m", "tests.lifeevents.scan.on_two_workers", str(nation_folder), str(tmp_path))
    assert process.returncode == 0, process.stderr
    told: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])

    assert told["cores"] == 2
    assert told["scan"]["same"]
    assert told["scan"]["changes"] > 30
    assert told["scan"]["steps"] == 2 * told["scan"]["shards"] == 32

    here, there = told["refused"]
    assert here == there
    assert here[0] == "EXTRACT_REFUSED"
    assert "can't be read" in here[1]

    assert told["died"]["done"] == [[item, item * 2] for item in range(9)]
    assert sorted(what for what, _, _ in told["died"]["again"]) == ["shard 0", "shard 3", "shard 6"]
    assert {number for _, number, _ in told["died"]["again"]} == {2}

    english, thai = told["given_up"]
    assert f"failed {told['tries']} times on the cluster" in english
    assert "เรียกคำสั่งเดิมอีกครั้งเพื่อทำต่อ" in thai

    assert told["lost"]["done"] == [[item, item * 2] for item in range(40)]
    assert told["lost"]["again"], "what was under way on the machine that is gone"


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    project = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(project), "RAY_USAGE_STATS_ENABLED": "0", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, *words], env=environment, cwd=project, capture_output=True, text=True, timeout=600, check=False
    )
