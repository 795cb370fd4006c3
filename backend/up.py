"""`tangrat up`: a small state on one machine. MongoDB, the agencies' sandbox, worker and API, started and stopped together.

Each is a process of its own, as in production, and each is asked by the kernel to stop when this one dies, however it
dies. What is running is written to `up.json` in the data directory, so that other commands find it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.markup import escape

from backend.processes import bind
from foundation import settings as settings_module
from foundation.clock import SystemClock
from foundation.embedded import EmbeddedMongo, die_with_parent
from foundation.errors import CannotStart
from foundation.http import CallFailed, Http
from foundation.language import Text
from foundation.ports import free_port
from foundation.settings import PREFIX, Settings
from foundation.store import Store
from trust.clients import AgencyClients
from trust.mini_apps import MiniApps
from trust.secrets import Vault, kept_key
from trust.tokens import Tokens

_READY_WITHIN_S = 60
_RESTART_AFTER_S = (0.2, 1, 5, 15)


@dataclass(slots=True)
class _Child:
    name: str
    port: int
    ready: str  # path that answers 200 once it is
    process: asyncio.subprocess.Process | None = None
    started: int = 0
    log: Path = field(default=Path())


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running `tangrat up`: where things are, and the environment its processes were given."""

    pid: int
    api: str
    sandbox: str
    environment: Mapping[str, str]


def running(data_dir: Path) -> Running | None:
    """The `up` that runs on this data directory now, if one does and is ready.

    It holds a lock as long as it lives, however it ends; a process id alone may be another's by now.
    """
    try:
        with (data_dir / "up.lock").open("rb") as lock:
            if _lock(lock, fcntl.LOCK_SH):
                return None  # nobody holds it
        told: dict[str, Any] = json.loads((data_dir / "up.json").read_text())
        return Running(**told)
    except (OSError, ValueError, TypeError):
        return None


def _lock(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Up:
    def __init__(self, settings: Settings, environment: Mapping[str, str], *, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
        self._own = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
        self._mongo = EmbeddedMongo(settings.data_dir / "mongo")
        self._children: list[_Child] = []
        self._http = Http()
        self._claim: IO[bytes] | None = None
        self._leaving = asyncio.Event()
        self._began = time.monotonic()

    async def run(self, *, with_parent: bool = False) -> None:
        """Start everything, say what there is to try, and stay until told to stop (or, with_parent, until it dies)."""
        parent = os.getppid() if with_parent else None
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._leaving.set)
        try:
            await self._start()
            if not self._leaving.is_set():
                self._note()
                await self._welcome()
                await self._stay(parent)
        finally:
            await self._stop()

    async def _start(self) -> None:
        settings = self._settings
        await self._claim_folder()
        ports = self._take_ports()
        environment = self._given | {
            "TANGRAT_PORT": str(ports["api"]), "TANGRAT_SANDBOX_PORT": str(ports["sandbox"]),
            "TANGRAT_WORKER_PORT": str(ports["worker"]),
        }  # fmt: skip
        environment.setdefault("TANGRAT_DATA_DIR", str(settings.data_dir))
        environment["TANGRAT_PUBLIC_URL"] = self._given.get("TANGRAT_PUBLIC_URL", f"http://127.0.0.1:{ports['api']}")
        self._environment = environment
        self._children = [
            _Child(name="sandbox", port=ports["sandbox"], ready="/healthz"),
            _Child(name="work", port=ports["worker"], ready="/readyz"),
            _Child(name="serve", port=ports["api"], ready="/readyz"),
        ]
        sandbox, *others = self._children
        await self._spawn(sandbox)  # first: it needs no database, and starts while that does
        if not settings.mongodb_uri.reveal():
            # Blocking on purpose, and on the main thread: the kernel ties mongod's life to the thread that starts it.
            environment["TANGRAT_MONGODB_URI"] = self._mongo.start()
        for child in others:
            await self._spawn(child)
        with self._console.status("Starting MongoDB, the agencies' sandbox, worker and API …"):
            await asyncio.gather(*(self._until_ready(child) for child in self._children), self._let_agencies_in())

    async def _claim_folder(self) -> None:
        folder = self._settings.data_dir
        self._claim = (folder / "up.lock").open("wb")
        for _ in range(10):  # who only looks whether one runs holds the lock for a moment
            if _lock(self._claim, fcntl.LOCK_EX):
                (folder / "up.json").unlink(missing_ok=True)  # of one that was killed
                return
            await asyncio.sleep(0.05)
        raise CannotStart(
            f"another `tangrat up` already runs on {folder}; stop it, or set TANGRAT_DATA_DIR to another folder"
        )

    def _take_ports(self) -> dict[str, int]:
        """Every port we will use, checked before anything starts, so that a taken one is one sentence."""
        settings = self._settings
        wanted = {
            "api": (settings.port, "TANGRAT_PORT"),
            "sandbox": (settings.sandbox_port, "TANGRAT_SANDBOX_PORT"),
            "worker": (settings.worker_port, "TANGRAT_WORKER_PORT"),
        }
        for port, setting in wanted.values():
            if port:
                bind(settings.host, port, setting=setting).close()
        return {name: port or free_port() for name, (port, _) in wanted.items()}

    async def _spawn(self, child: _Child) -> None:
        folder = self._settings.data_dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        child.log = folder / f"{child.name}.log"
        with child.log.open("ab") as log:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "backend", child.name,
                env=self._own | self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent(os.getpid()),
                start_new_session=True,  # Ctrl-C is for us; we stop the children in order
            )  # fmt: skip
        child.started += 1

    async def _until_ready(self, child: _Child) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            if child.process is not None and child.process.returncode is not None:
                raise CannotStart(f"{child.name} ended at once; the end of {child.log} says:\n{_tail(child.log)}")
            if self._leaving.is_set():
                return
            with contextlib.suppress(CallFailed):
                address = f"http://127.0.0.1:{child.port}{child.ready}"
                if (await self._http.request("GET", address, deadline_s=1)).status == 200:
                    return
            await asyncio.sleep(0.03)
        raise CannotStart(f"{child.name} was not ready within {_READY_WITHIN_S} s; its log is {child.log}")

    async def _let_agencies_in(self) -> None:
        """The sandbox's agencies may call us, as `tangrat agency add` would let a real one."""
        settings = settings_module.read(self._environment)
        await self._until_ready(self._children[0])
        if self._leaving.is_set():
            return
        found = (await self._http.request("GET", f"{self.sandbox}/sandbox/agency-clients", deadline_s=5)).json()
        pages = (await self._http.request("GET", f"{self.sandbox}/sandbox/mini-apps", deadline_s=5)).json()
        store, clock = Store(settings.mongodb_uri.reveal(), database=settings.mongodb_database), SystemClock()
        try:
            vault = Vault(settings.master_key_bytes() or kept_key(settings.data_dir))
            tokens = Tokens(store, vault, clock=clock, issuer=settings.issuer)
            clients = AgencyClients(store, self._http, clock=clock, tokens=tokens)
            for one in found:
                await clients.add(**one)
            mini_apps = MiniApps(store, vault, clock=clock, production=False)
            for one in pages:
                await mini_apps.add(**{**one, "name": Text(**one["name"])})
        finally:
            await store.close()

    def _note(self) -> None:
        """Write what runs where, readable by this user only: the database's address is in it."""
        environment = {name: value for name, value in self._environment.items() if "SECRET" not in name}
        told = {"pid": os.getpid(), "api": self.api, "sandbox": self.sandbox, "environment": environment}
        file = self._settings.data_dir / "up.json"
        draft = file.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(told, indent=1))
        draft.rename(file)  # whoever reads it reads all of it

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self._environment['TANGRAT_PORT']}"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self._environment['TANGRAT_SANDBOX_PORT']}"

    async def _welcome(self) -> None:
        samples = (await self._http.request("GET", f"{self.sandbox}/sandbox/citizens", deadline_s=5)).json()

        def say(text: str = "") -> None:
            self._console.print(text, highlight=False, soft_wrap=True)

        say(f"\n[bold green]Ready[/] after {time.monotonic() - self._began:.1f} s. Ctrl-C stops everything.\n")
        say(f"  [bold]A phone to sign in with[/]   {self.sandbox}/phone")
        say(f"  [bold]The graph, in a browser[/]   {self.api}/graphql")
        say(f"  [bold]The simulated state[/]       {self.sandbox}/")
        say(f"  [bold]Health, metrics[/]           {self.api}/readyz   {self.api}/metrics")
        say(f"  [bold]Logs, data[/]                {self._settings.data_dir}/logs   {self._settings.data_dir}/mongo")
        say("\n  [bold]Sign in as[/] one of the sample citizens: open the link, or `tangrat token --sandbox-citizen N`")
        for one in samples:
            name, stage = one["name"]["en"], one["stage"]
            say(f"  {one['number']:>4}  {self.sandbox}/phone?citizen={one['number']:<3} {name} [dim]({stage})[/]")
        say("\n  [bold]Try[/], in another terminal (`source .venv/bin/activate` first)")
        say("        [cyan]tangrat tour[/]   the three roads, walked against this system")
        ask = """{"query":"{ lifeStages { code title { th en } } }"}"""
        say(f"        [cyan]curl -s {self.api}/graphql -H 'content-type: application/json' -d '{ask}'[/]\n")

    async def _stay(self, parent: int | None) -> None:
        """Wait to be told to stop. A child that dies is started again: any may be killed at any time."""
        while not self._leaving.is_set():
            if parent is not None and os.getppid() != parent:
                return
            if self._mongo.has_died:
                self._console.print(
                    "[yellow]mongod ended; starting it again. What was acknowledged is in its journal.[/]"
                )
                try:
                    self._mongo.start()
                except CannotStart as exc:
                    self._console.print(f"[yellow]{escape(exc.message)}; trying again[/]")
                    continue
            for child in self._children:
                if child.process is not None and child.process.returncode is not None:
                    wait = _RESTART_AFTER_S[min(child.started - 1, len(_RESTART_AFTER_S) - 1)]
                    self._console.print(
                        f"[yellow]{child.name} ended ({child.process.returncode}); starting it again in {wait} s. "
                        f"Its log is {child.log}[/]"
                    )
                    await asyncio.sleep(wait)
                    await self._spawn(child)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 0.25)

    async def _stop(self) -> None:
        """The API first, so that nothing new comes in; MongoDB last, because the others still write."""
        for child in reversed(self._children):
            if child.process is not None and child.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.process.send_signal(signal.SIGTERM)
        for child in reversed(self._children):
            if child.process is not None:
                await _end(child.process)
        self._mongo.stop()
        if self._children:
            (self._settings.data_dir / "up.json").unlink(missing_ok=True)
            self._console.print("Everything is stopped.")
        await self._http.close()
        if self._claim is not None:
            self._claim.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), 30)
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path, lines: int = 5) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(nothing)"
