"""Real workers that are killed with -9 at the n-th time they reach a leg.

`python worker_to_kill.py LEG N` is one. Without arguments it waits for orders on its standard input and forks workers that
needn't load everything first; an order is a line of JSON, and so is the answer:

    {"start": [["agenda judged", 1], ["", 0]]}   workers to be killed at these legs; "" is one that isn't      → their ids
    {"ended": []}                                which have ended since they were last asked for               → {id: signal}
    {"kill": [4711]}                             kill these where they stand                                   → []
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from backend.app import House
from backend.worker import Worker
from foundation import settings
from foundation.embedded import die_with_parent
from lifeevents import catalogue


async def work(leg: str, nth: int) -> None:
    seen = 0

    def on_leg(name: str) -> None:
        nonlocal seen
        if name == leg:
            seen += 1
            if seen == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    async with House(settings.read(os.environ), process="work", on_leg=on_leg) as house:
        await Worker(house).run()


def obey(order: dict[str, Any]) -> Any:
    match order:
        case {"start": legs}:
            return [forked(leg, nth) for leg, nth in legs]
        case {"ended": _}:
            return dict(ended())
        case {"kill": workers}:
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
                os.waitpid(worker, 0)
            return []


def forked(leg: str, nth: int) -> int:
    parent = os.getpid()
    worker = os.fork()
    if worker == 0:
        die_with_parent(parent)()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        try:
            asyncio.run(work(leg, nth))
        finally:
            os._exit(1)
    return worker


def ended() -> Any:
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found[0], os.WTERMSIG(found[1]) if os.WIFSIGNALED(found[1]) else 0
    except ChildProcessError:
        return  # none is left


def main() -> None:
    catalogue.load()
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(work(sys.argv[1], int(sys.argv[2])))
    else:
        main()
