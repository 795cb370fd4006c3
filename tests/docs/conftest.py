"""The whole system, once, for whatever the documentation says about it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.up import Running, running


@pytest.fixture(scope="session")
def environment(quick_folder: Path) -> dict[str, str]:
    """What a reader has after `make run` and `source .venv/bin/activate`, but for the folder."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TANGRAT_DATA_DIR": str(quick_folder / "docs"),
    }


@pytest.fixture(scope="session")
def system(environment: dict[str, str], project: Path) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "up", "--with-parent"],
        env={**environment, "TANGRAT_PORT": "0", "TANGRAT_SANDBOX_PORT": "0", "TANGRAT_WORKER_PORT": "0"},
        cwd=project,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while (there := running(Path(environment["TANGRAT_DATA_DIR"]))) is None:
        assert process.poll() is None, "`tangrat up` did not start; its own words stand above"
        assert time.monotonic() < deadline, "`tangrat up` was not ready in time"
        time.sleep(0.05)
    yield there
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0
