"""A real worker that is killed with -9 at the n-th time it reaches a leg; "" is none."""

from __future__ import annotations

import os
import signal

from backend.app import House
from backend.worker import Worker
from foundation import settings
from lifeevents import catalogue


def load() -> None:
    catalogue.load()


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
