"""Ending what runs in the background."""

from __future__ import annotations

import asyncio
from typing import Any


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it is over; whatever it ended with is nobody's matter. Asking once is not enough: PyMongo can
    swallow a cancellation that comes early in a call, and whoever waited for the task would wait for ever."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.05)
