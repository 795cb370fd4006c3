"""`tangrat up`: everything starts, everything stops, however this happens; what can't start is one sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from backend.__main__ import app
from backend.up import Running, running

Started = tuple["subprocess.Popen[str]", Running]


def environment_for(folder: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")}
    return kept | {
        "TANGRAT_DATA_DIR": f"{folder}/data", "TANGRAT_PORT": "0", "TANGRAT_SANDBOX_PORT": "0", "TANGRAT_WORKER_PORT": "0",
    }  # fmt: skip


@pytest.fixture
def environment(quick_folder: Path) -> Iterator[dict[str, str]]:
    with TemporaryDirectory(dir=quick_folder, ignore_cleanup_errors=True) as folder:
        yield environment_for(folder)


@pytest.fixture(scope="module")
def system(quick_folder: Path) -> Iterator[Started]:
    """One that runs. Whoever takes something away from it waits until it has it back."""
    with TemporaryDirectory(dir=quick_folder, ignore_cleanup_errors=True) as folder:
        processes: list[subprocess.Popen[str]] = []
        process, there = start(environment_for(folder), processes)
        try:
            yield process, there
            process.send_signal(signal.SIGINT)
            assert process.wait(40) == 0
        finally:
            end(processes)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    end(started)


def end(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def tangrat(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start(environment: dict[str, str], processes: list[subprocess.Popen[str]]) -> Started:
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "up"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    processes.append(process)
    deadline = time.monotonic() + 60
    while (there := running(Path(environment["TANGRAT_DATA_DIR"]))) is None:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process, there


def family(pid: int) -> set[int]:
    """A process and all below it, so far as they live."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if stat[0] != "Z":
            parents[int(folder.name)] = int(stat[1])
    found = {pid} & parents.keys()
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def all_gone(pids: set[int], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        alive = set()
        for pid in pids:
            try:
                if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    alive.add(pid)
            except FileNotFoundError:
                continue
        if not alive:
            return True
        time.sleep(0.1)
    return False


def is_ready(there: Running) -> bool:
    try:
        worker = f"http://127.0.0.1:{there.environment['TANGRAT_WORKER_PORT']}"
        for url in (f"{there.api}/readyz", f"{worker}/readyz", f"{there.sandbox}/healthz"):
            with urlopen(url, timeout=5) as reply:
                assert reply.status == 200
    except OSError:
        return False
    return True


def is_listening(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) == 0


def assert_nothing_is_left(whole: set[int], there: Running) -> None:
    assert all_gone(whole, within_s=40)
    assert not is_listening(there.api)
    assert not is_listening(there.sandbox)
    assert not list(Path("/tmp").glob("mongodb-*.sock"))
    assert running(Path(there.environment["TANGRAT_DATA_DIR"])) is None


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_leaves_no_process_and_no_socket(
    how: signal.Signals, environment: dict[str, str], processes: list[subprocess.Popen[str]]
) -> None:
    process, there = start(environment, processes)
    whole = family(process.pid)
    assert len(whole) == 5, "up, mongod, sandbox, work, serve"
    assert is_ready(there)

    process.send_signal(how)

    assert_nothing_is_left(whole, there)
    assert process.wait(5) == 0


def test_killed_it_leaves_no_process_and_no_socket_and_starts_again(
    environment: dict[str, str], processes: list[subprocess.Popen[str]]
) -> None:
    first, there = start(environment, processes)
    whole = family(first.pid)
    assert len(whole) == 5, "up, mongod, sandbox, work, serve"

    first.kill()

    assert_nothing_is_left(whole, there)
    second, there = start(environment, processes)
    assert is_ready(there)
    second.send_signal(signal.SIGINT)
    assert second.wait(40) == 0


@pytest.mark.parametrize("after_s", [0.0, 0.7, 1.5])
def test_told_to_stop_while_it_starts_it_stops(
    after_s: float, environment: dict[str, str], processes: list[subprocess.Popen[str]]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "up"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    processes.append(process)
    claimed, deadline = Path(environment["TANGRAT_DATA_DIR"], "up.lock"), time.monotonic() + 60
    while not claimed.exists():  # until then it's Python that starts, and nothing of ours
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(after_s)
    whole = family(process.pid)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=40)

    assert "Traceback" not in said
    assert all_gone(whole | family(process.pid), within_s=5)


@pytest.mark.parametrize("name", [b"work", b"serve", b"sandbox", b"mongod"])
def test_whatever_is_killed_is_started_again(name: bytes, system: Started) -> None:
    process, there = system
    before = family(process.pid)
    arguments = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in before}
    victim = next(pid for pid, words in arguments.items() if words[-2] == name or words[0].endswith(name))

    os.kill(victim, signal.SIGKILL)

    deadline = time.monotonic() + 40
    while not (family(process.pid) - before):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while not is_ready(there):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert process.poll() is None


def test_a_second_one_on_the_same_folder_is_one_sentence(system: Started) -> None:
    _, there = system

    second = tangrat("up", environment=dict(os.environ) | dict(there.environment))

    assert second.returncode == 2
    assert "another `tangrat up` already runs on" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("name", ["TANGRAT_PORT", "TANGRAT_SANDBOX_PORT", "TANGRAT_WORKER_PORT"])
def test_a_taken_port_is_one_sentence(name: str, environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = tangrat("up", environment=environment | {name: str(port)})

    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 is taken by another program" in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "work", "sandbox"])
def test_a_taken_port_stops_a_single_process_too(command: str, environment: dict[str, str]) -> None:
    setting = {"serve": "TANGRAT_PORT", "work": "TANGRAT_WORKER_PORT", "sandbox": "TANGRAT_SANDBOX_PORT"}[command]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = tangrat(command, environment=environment | {setting: str(port)})

    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert setting in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unwritable_data_directory_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = tangrat("up", environment=environment | {"TANGRAT_DATA_DIR": str(tmp_path / "file" / "data")})

    assert done.returncode == 2
    assert "can't be written" in done.stderr
    assert "TANGRAT_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mongod_that_cannot_start_is_one_sentence(environment: dict[str, str]) -> None:
    mongo = Path(environment["TANGRAT_DATA_DIR"], "mongo")
    mongo.mkdir(parents=True)
    (mongo / "WiredTiger").write_text("not a database")
    (mongo / "storage.bson").write_bytes(b"rubbish")

    done = tangrat("up", environment=environment)

    assert done.returncode == 2
    assert "the embedded MongoDB ended at once" in done.stderr
    assert "mongod.log" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_settings_stop_the_start_and_are_all_named(environment: dict[str, str]) -> None:
    done = tangrat(
        "up", environment=environment | {"TANGRAT_PORT": "http", "TANGRAT_LOG_LEVEL": "loud", "TANGRAT_TYPO": "1"}
    )

    assert done.returncode == 2
    for name in ("TANGRAT_PORT", "TANGRAT_LOG_LEVEL", "TANGRAT_TYPO"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["up", "sandbox", "tour", "token"])
def test_development_commands_refuse_production(command: str, environment: dict[str, str], project: Path) -> None:
    lines = (project / "docs/production.env.example").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    told["TANGRAT_MASTER_KEY"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    arguments = [command, "--sandbox-citizen", "1"] if command == "token" else [command]

    done = tangrat(*arguments, environment=environment | told)

    assert done.returncode == 2
    assert "production" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [[], ["up"], ["serve"], ["work"], ["sandbox"], ["schema"], ["check"], ["token"], ["tour"], ["catalogue", "check"], ["agency", "add"]],
    ids=" ".join,
)  # fmt: skip
def test_every_command_has_help(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, [*arguments, "--help"])

    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_help_is_for_the_asking(environment: dict[str, str]) -> None:
    done = tangrat("--help", environment=environment)

    assert done.returncode == 0
    assert "Usage" in done.stdout
