"""Real processes for the tests to kill, forked from one that has loaded everything, so that none needs seconds to start.

`python -m tests.forks MODULE` imports the module, calls its `load` where it has one, and waits for orders on its standard
input: each fork runs the module's `work` with its arguments. An order is a line of JSON, and so is the answer:

    {"start": [["agenda judged", 1], ["", 0]]}   one for each of these arguments                             → their ids
    {"ended": []}                                which have ended since this was last asked for              → {id: code}
    {"kill": [4711]}                             kill these where they stand, if they do                     → {id: code}
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from foundation.embedded import die_with_parent

Work = Callable[..., Coroutine[Any, Any, None]]


class Forks:
    """The test's side of it. A code is that of `subprocess`: negative is the signal that ended it."""

    def __init__(self, module: str, environment: dict[str, str] | None = None) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.forks", module], env=environment, cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(os.getpid()),
        )  # fmt: skip
        self._one_at_a_time = asyncio.Lock()
        self._at_work: set[int] = set()
        self._codes: dict[int, int] = {}

    async def start(self, *each: tuple[Any, ...]) -> list[int]:
        """One for each of these arguments."""
        started: list[int] = await self._ask("start", *each)
        self._at_work.update(started)
        return started

    async def ended(self) -> dict[int, int]:
        """Those that ended by themselves, with their codes; each is told once."""
        await self._look()
        ended, self._codes = self._codes, {}
        return ended

    async def end_of(self, worker: int) -> int:
        """Wait for this one; its code."""
        while worker not in self._codes:
            await asyncio.sleep(0.02)
            await self._look()
        return self._codes.pop(worker)

    async def kill(self, *workers: int) -> dict[int, int]:
        """Where they stand. Their codes, also of one that had just ended by itself; what `ended` told isn't told again."""
        self._at_work.difference_update(workers)
        return {int(worker): code for worker, code in (await self._ask("kill", *workers)).items()}

    async def kill_all(self) -> None:
        await self.kill(*self._at_work)

    def stop(self) -> None:
        """With all that are left, for they die with their parent."""
        self._parent.kill()
        self._parent.communicate(timeout=30)

    async def _look(self) -> None:
        found = {int(worker): code for worker, code in (await self._ask("ended")).items()}
        self._at_work.difference_update(found)
        self._codes |= found

    async def _ask(self, order: str, *told: Any) -> Any:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        async with self._one_at_a_time:
            self._parent.stdin.write(json.dumps({order: told}).encode() + b"\n")
            self._parent.stdin.flush()
            return json.loads(await asyncio.to_thread(self._parent.stdout.readline))


def obey(order: dict[str, Any], work: Work) -> Any:
    match order:
        case {"start": each}:
            return [forked(work, arguments) for arguments in each]
        case {"ended": _}:
            return dict(ended())
        case {"kill": workers}:
            return {worker: code for worker in workers for code in killed(worker)}


def forked(work: Work, arguments: list[Any]) -> int:
    parent = os.getpid()
    worker = os.fork()
    if worker == 0:
        die_with_parent(parent)()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        code = 1
        try:
            asyncio.run(work(*arguments))
            code = 0
        finally:
            os._exit(code)
    return worker


def killed(worker: int) -> Iterator[int]:
    try:
        found, status = os.waitpid(worker, os.WNOHANG)
        if not found:
            os.kill(worker, signal.SIGKILL)
            _, status = os.waitpid(worker, 0)
    except ChildProcessError:
        return  # its end has been told
    yield os.waitstatus_to_exitcode(status)


def ended() -> Iterator[tuple[int, int]]:
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found[0], os.waitstatus_to_exitcode(found[1])
    except ChildProcessError:
        return  # none is left


def main(name: str) -> None:
    module = import_module(name)
    if hasattr(module, "load"):
        module.load()
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line), module.work)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
