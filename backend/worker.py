"""The worker: matches recorded events, tells what falls due, delivers; stops politely.

Stateless: every item it works on is leased from the ledger, so any worker may be killed at any time and another goes
on. Bells only wake it; looking once a second is what it relies on.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from starlette.applications import Starlette

from backend.app import House, operations_routes
from backend.processes import DRAIN_S, Server, bind, following
from foundation.settings import Settings
from foundation.store import PyMongoError
from foundation.tasks import end

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_AT_ONCE = 200
_KEYS_LAST = timedelta(days=30)


class Worker:
    """The loops of one worker process. `run` works until `leave`, then finishes what is in hand."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._leaving = asyncio.Event()
        self._loops: dict[str, tuple[Callable[[int], Awaitable[int]], Callable[[float], Awaitable[object]]]] = {
            "match": (house.fanout.run_once, house.events_ledger.wait),
            "agenda": (house.agenda.run_once, house.agenda_ledger.wait),
            "cells": (house.agenda.run_cells, house.cells_ledger.wait),
            "journeys": (house.journeys.run_once, house.journeys_ledger.wait),
            "mini apps": (house.mini_app_messages.run_once, house.mini_app_ledger.wait),
            "deliver": (house.dispatcher.run_once, house.deliveries_ledger.wait),
        }

    def leave(self) -> None:
        self._leaving.set()
        for ledger in self._house.ledgers:
            ledger.ring()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, (work, wait) in self._loops.items():
                group.create_task(self._loop(name, work, wait))
            beside = [
                group.create_task(one()) for one in (self._house.listen, self._roll_keys, self._look_after_payments)
            ]
            await self._leaving.wait()
            for task in beside:
                await end(task)
        # What is in hand is delivered, or it would wait for its lease to end.
        await self._house.dispatcher.drain(DRAIN_S)

    async def _roll_keys(self) -> None:
        """Signing keys roll with an overlap; any number of workers may ask, one of them does it."""
        while True:
            try:
                if await self._house.tokens.rotate(if_older_than=_KEYS_LAST):
                    log.info("the signing key was rolled")
            except Exception:
                log.exception("the signing key could not be rolled; the old one goes on")
                self._house.metrics.alarms.labels("keys_not_rolled").inc()
            await asyncio.sleep(3600)

    async def _look_after_payments(self) -> None:
        """A callback that was lost leaves a payment open that is paid; any number of workers may ask."""
        while True:
            try:
                await self._house.payments.look_after()
            except Exception:
                log.exception("open payments could not be asked about")
                self._house.metrics.alarms.labels("round_failed").inc()
            await asyncio.sleep(60)

    async def _loop(
        self, name: str, work: Callable[[int], Awaitable[int]], wait: Callable[[float], Awaitable[object]]
    ) -> None:
        while not self._leaving.is_set():
            done = 0
            try:
                done = await work(_AT_ONCE)
            except PyMongoError as exc:
                # The ledger is away (a step-down, a restart). What was claimed comes back when its lease ends.
                log.warning("the ledger does not answer", extra={"loop": name, "why": type(exc).__name__})
                await asyncio.sleep(_LOOK_EVERY_S)
            except Exception:
                # A fault of ours. The items in hand come back with one attempt more, and bury themselves in the end;
                # the other loops must not stop for it.
                log.exception("a round of work failed", extra={"loop": name})
                self._house.metrics.alarms.labels("round_failed").inc()
                await asyncio.sleep(_LOOK_EVERY_S)
            if not done and not self._leaving.is_set():
                await wait(_LOOK_EVERY_S)


async def work(settings: Settings) -> None:
    """The `work` process: the loops, and a small door for health and metrics."""
    socket = bind(settings.host, settings.worker_port, setting="TANGRAT_WORKER_PORT")
    async with House(settings, process="work") as house, following(house.clock, settings.clock_url, house.http):
        worker = Worker(house)
        # The catalogue and the rules live as long as the process: the collector needn't look at them again.
        gc.collect()
        gc.freeze()
        server = Server(Starlette(routes=operations_routes(house)), on_leaving=lambda: _leave(house, worker))
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            await server.serve(sockets=[socket])
            worker.leave()
    log.info("the worker has stopped")


def _leave(house: House, worker: Worker) -> None:
    house.is_leaving = True
    worker.leave()
