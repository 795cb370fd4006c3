"""The same work shard by shard on a Ray cluster: `tangrat scan --ray ADDRESS`.

Every machine of the cluster has this very installation and sees the same files under the same path; both are looked at
before anything is believed. What is sent is a path and a rule, what comes back is what was found; nobody's facts travel.
One shard is one task on one core. A task whose worker or machine dies is sent again, and that is said.

Ray is large and no part of what the system needs, so it is an extra and only loaded here.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from foundation.errors import CannotStart, SuperAppError
from lifeevents.scan.spread import Done, Item

MOST_TRIES: Final = 4
_KNOCK_S: Final = 5.0
_JUDGING: Final = ("lifeevents.rules", "lifeevents.scan")
_NEVER_DONE: Final = "what is finished is kept: started again with the same words, the scan goes on"
_NEVER_DONE_TH: Final = "ส่วนที่เสร็จแล้วยังเก็บไว้ เรียกคำสั่งเดิมอีกครั้งเพื่อทำต่อ"

Again = Callable[[str, int, str], None]
"""Is told of each task that is sent again: of what, which try comes now, and what became of the last."""


class Cluster:
    """A Ray cluster, as long as one is inside. CannotStart where it isn't there or isn't fit for it."""

    def __init__(self, address: str, *, on_again: Again = lambda what, number, why: None) -> None:
        self._address = address
        self._on_again = on_again
        self._ray = _load()

    def __enter__(self) -> Self:
        self._knock()
        try:
            # Its own words on the terminal would drown ours; what the workers print stays in their logs.
            self._ray.init(address=self._address, log_to_driver=False, logging_level="CRITICAL")
        except (OSError, RuntimeError, ValueError, TypeError, AssertionError) as exc:
            raise self._nobody(exc) from exc
        if self.cores < 1:
            self._ray.shutdown()
            raise CannotStart(
                f"the Ray cluster at {self._address} has no core to give",
                th=f"คลัสเตอร์ Ray ที่ {self._address} ไม่มีคอร์ให้ใช้",
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ray.shutdown()

    def _knock(self) -> None:
        """Ray itself would wait for minutes for one who isn't there."""
        host, _, port = self._address.removeprefix("ray://").rpartition(":")
        if not host:
            return  # "auto": one that was started on this machine
        try:
            socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
        except (OSError, ValueError, OverflowError) as exc:
            raise self._nobody(exc) from exc

    def _nobody(self, exc: Exception) -> CannotStart:
        return CannotStart(
            f"no Ray cluster answers at {self._address} ({_line(exc)}); `ray status` on its machine says how it is",
            th=f"ไม่มีคลัสเตอร์ Ray ตอบที่ {self._address}",
        )

    @property
    def cores(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def spread(self, do: Callable[[Item], Done], items: Sequence[Item]) -> Iterator[tuple[Item, Done]]:
        """As `spread.here`, in the order in which they are done."""
        ray = self._ray
        # No retries of Ray's own: those are silent, and a core's failure is to be heard of.
        task = ray.remote(num_cpus=1, max_retries=0)(_work)
        sent, build = ray.put(pickle.dumps(do)), installed()
        running = {task.remote(build, sent, item): (item, 1) for item in items}
        try:
            while running:
                ready, _ = ray.wait(list(running), num_returns=1)
                for ref in ready:
                    item, number = running.pop(ref)
                    try:
                        done = ray.get(ref)
                    except ray.exceptions.RayTaskError as exc:
                        raise _of_the_work(exc, item) from exc
                    except ray.exceptions.RayError as exc:
                        # A worker or a machine is gone, or out of memory.
                        why = type(exc).__name__
                        if number == MOST_TRIES:
                            raise CannotStart(
                                f"{_named(item)} failed {number} times on the cluster ({why}); {_NEVER_DONE}",
                                th=f"{_named(item)} ล้มเหลว {number} ครั้งบนคลัสเตอร์ ({why}) {_NEVER_DONE_TH}",
                            ) from exc
                        self._on_again(_named(item), number + 1, why)
                        running[task.remote(build, sent, item)] = item, number + 1
                    else:
                        yield item, done
        finally:
            if ray.is_initialized():
                for ref in running:
                    ray.cancel(ref, force=True)


def installed() -> str:
    """What a machine judges with: our own code for that, and Polars. Two that differ could find different people."""
    seen = hashlib.sha256(f"{sys.version_info[:2]} {metadata.version('polars')}".encode())
    for name in _JUDGING:
        folder = Path(str(importlib.import_module(name).__file__)).parent
        for file in sorted(folder.rglob("*.py")):
            seen.update(f"{name}/{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return seen.hexdigest()[:16]


def _work(build: str, sent: bytes, item: Any) -> Any:
    """In the worker."""
    # One task has one core; Polars reads this when it is first imported, which is when the work is unpacked.
    os.environ["POLARS_MAX_THREADS"] = "1"
    if _installed_here() != build:
        raise CannotStart(
            "a machine of the cluster has another installation than this one; install the same version everywhere",
            th="เครื่องในคลัสเตอร์ติดตั้งคนละรุ่นกับเครื่องนี้ ต้องติดตั้งรุ่นเดียวกันทุกเครื่อง",
        )
    return _unpacked(sent)(item)


_installed_here = lru_cache(maxsize=1)(installed)


@lru_cache(maxsize=1)
def _unpacked(sent: bytes) -> Callable[[Any], Any]:
    """Kept, since a worker is sent the same work for many shards, and making it ready takes a while."""
    do: Callable[[Any], Any] = pickle.loads(sent)  # noqa: S301  # from the driver, who could send any code anyway
    return do


def _load() -> Any:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as exc:
        raise CannotStart(
            "--ray needs Ray, which is not installed here; install the extra `tangrat[ray]` on every machine of the cluster",
            th="--ray ต้องใช้ Ray ซึ่งยังไม่ได้ติดตั้ง ให้ติดตั้งส่วนเสริม `tangrat[ray]` บนทุกเครื่องในคลัสเตอร์",
        ) from exc


def _of_the_work(exc: Any, item: object) -> SuperAppError:
    """What the work itself raised on the other machine, as if it had been raised here."""
    cause = exc.cause
    if isinstance(cause, SuperAppError):
        return cause
    if isinstance(cause, ModuleNotFoundError):
        return CannotStart(
            f"a machine of the cluster has no {cause.name}; install the extra `tangrat[ray]` on each of them",
            th=f"เครื่องในคลัสเตอร์ไม่มี {cause.name} ต้องติดตั้งส่วนเสริม `tangrat[ray]` ทุกเครื่อง",
        )
    return CannotStart(
        f"{_named(item)} can't be done on the cluster ({type(cause).__name__}: {_line(cause)}); {_NEVER_DONE}",
        th=f"ทำ {_named(item)} บนคลัสเตอร์ไม่ได้ ({type(cause).__name__}) {_NEVER_DONE_TH}",
    )


def _named(item: object) -> str:
    return f"shard {getattr(item, 'name', item)}"


def _line(exc: BaseException) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]
