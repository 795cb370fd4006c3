from __future__ import annotations

import asyncio
from contextlib import suppress

from foundation.tasks import end


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    seen = 0

    async def stubborn() -> None:
        nonlocal seen
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            seen += 1
            if seen == 3:
                raise asyncio.CancelledError

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(end(task), timeout=10)
    assert task.cancelled()
    assert seen == 3


async def test_a_task_that_is_over_is_left_alone() -> None:
    async def failing() -> None:
        raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    await end(task)
    assert isinstance(task.exception(), ValueError)
