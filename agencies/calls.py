"""Calling agencies and taking no harm: one deadline for everything, a breaker and a bulkhead each, few retries.

Whatever happens to a call comes back as a value, one for each question: what was found, or which trouble it was. What an
operator should know of it is counted and logged here, without a word about the person.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from prometheus_client import Counter

from agencies.answers import Found, Operation
from agencies.steadiness import Health, NotAsked, Steadiness
from agencies.trouble import AgencyDown, AnswerMalformed, NotTrusted, Trouble
from foundation.telemetry import Metrics, span
from trust.people import PersonId

log = logging.getLogger(__name__)

_MOST_RETRIES = 2
_WORST_FIRST: tuple[Health, ...] = ("DOWN", "DEGRADED", "UP", "UNKNOWN")


class Agency(Protocol):
    """An agency in its own dialect. Trouble with one question is a value, trouble with the whole call is raised."""

    code: str
    most_at_once: int  # how many questions one call may hold

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How an agency has been answering us in the last minute. The times are None where nothing was asked."""

    health: Health
    p50_s: float | None
    p99_s: float | None


class Calls:
    """Every agency's doors in this process. `agency_of` says whose door an adapter is, where it isn't its own code."""

    def __init__(
        self,
        agencies: Iterable[Agency],
        *,
        metrics: Metrics,
        deadline_s: float,
        agency_of: Mapping[str, str] | None = None,
    ) -> None:
        self._doors = {agency.code: agency for agency in agencies}
        self._agency_of = {code: (agency_of or {}).get(code, code) for code in self._doors}
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._steady = {code: Steadiness() for code in self._doors}
        # A metric's `labels` looks its child up under a lock each time.
        self._seconds = {code: metrics.agency_seconds.labels(code) for code in self._doors}
        self._counts: dict[tuple[str, str, str], Counter] = {}

    def knows(self, door: str) -> bool:
        return door in self._doors

    def batches(self, door: str, asked: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """What is asked through one door, in as few calls as its dialect allows."""
        size = self._doors[door].most_at_once
        return (asked[at : at + size] for at in range(0, len(asked), size))

    def status(self) -> dict[str, Status]:
        """By agency; of one with several doors the door that is worst off."""
        found: dict[str, Status] = {}
        for door, steady in self._steady.items():
            code = self._agency_of[door]
            mine = Status(health=steady.status(), p50_s=steady.latency.p50_s, p99_s=steady.latency.p99_s)
            other = found.get(code)
            if other is None or _WORST_FIRST.index(mine.health) < _WORST_FIRST.index(other.health):
                found[code] = mine
        return found

    async def hear(
        self, door: str, number: str, operations: Sequence[Operation[Any]], *, person: PersonId
    ) -> Sequence[Found[Any] | Trouble]:
        """One call: an outcome for each question, whatever happens."""
        agency = self._doors[door]
        are_reads = all(operation.is_read for operation in operations)
        began = time.perf_counter()
        heard: Sequence[Found[Any] | Trouble]
        with span("agency", agency=door, operations=len(operations)):
            try:
                heard = await self._steady[door].through(
                    lambda: _guarded(agency, number, operations),
                    deadline_s=self._deadline_s, may_repeat=are_reads, most_retries=_MOST_RETRIES,
                )  # fmt: skip
            except NotAsked as refused:
                return self._noted(operations, [refused] * len(operations), person)
            except Trouble as trouble:
                heard = [trouble] * len(operations)
        self._seconds[door].observe(time.perf_counter() - began)
        if not are_reads:
            heard = [_in_doubt(said) if isinstance(said, AgencyDown | AnswerMalformed) else said for said in heard]
        return self._noted(operations, heard, person)

    def _noted(
        self, operations: Sequence[Operation[Any]], heard: Sequence[Found[Any] | Trouble], person: PersonId
    ) -> Sequence[Found[Any] | Trouble]:
        for operation, said in zip(operations, heard, strict=True):
            outcome = "OK" if isinstance(said, Found) else said.code
            key = (operation.agency, operation.name, outcome)
            counted = self._counts.get(key)
            if counted is None:
                counted = self._counts[key] = self._metrics.agency_calls.labels(*key)
            counted.inc()
            if isinstance(said, Trouble):
                self._note(operation, said, person)
        return heard

    def _note(self, operation: Operation[Any], trouble: Trouble, person: PersonId) -> None:
        if trouble.alarm is not None:
            self._metrics.alarms.labels(trouble.alarm).inc()
        if trouble.state != "NOT_FOUND":
            log.log(
                logging.WARNING if trouble.alarm is None else logging.ERROR,
                "an agency gave no answer" if trouble.alarm is None else "an agency's answer was not taken",
                extra={
                    "agency": operation.agency, "operation": operation.name, "code": trouble.code, "why": str(trouble),
                    "person": person,
                },
            )  # fmt: skip


async def _guarded(agency: Agency, number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
    """A fault in one agency's reader costs its answer, not the screen."""
    try:
        return await agency.ask(number, operations)
    except (Trouble, TimeoutError):
        raise
    except Exception as exc:  # noqa: BLE001 -- see above
        log.error(
            "an agency's answer broke its reader",
            extra={"agency": agency.code, "error": type(exc).__name__, "at": _where(exc)},
        )
        return [AnswerMalformed(f"its reader raised {type(exc).__name__}")] * len(operations)


def _in_doubt(trouble: Trouble) -> Trouble:
    """A change that brought no readable answer may have been made all the same, unless it was never sent."""
    if isinstance(trouble, NotAsked | NotTrusted):
        return trouble
    return AgencyDown(str(trouble), code="OUTCOME_UNKNOWN", retry_after_s=trouble.retry_after_s)


def _where(exc: BaseException) -> str:
    """File and line, without the values that a traceback or a message might hold."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
