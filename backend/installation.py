"""Which installation a command works on: its settings, and the loop its work runs in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

from foundation import settings as settings_module
from foundation.settings import Settings


def told_settings() -> Settings:
    """What the environment says."""
    return settings_module.read(os.environ)


def found_settings(*, to_ask: bool = False) -> Settings:
    """The settings, with what they leave open taken from the `tangrat up` that runs on this data directory.

    Who only asks the running processes (`to_ask`) means by port 0 the one that `up` picked; who starts another process
    means a free one.
    """
    from backend.up import running

    told = told_settings()
    there = None if told.is_production else running(told.data_dir)
    if there is None:
        return told
    said = {name: value for name, value in os.environ.items() if not to_ask or value != "0"}
    return settings_module.read({**there.environment, **said})


def run(work: Coroutine[Any, Any, Any]) -> Any:
    from backend.processes import new_loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)
