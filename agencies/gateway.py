"""The door to the state's agencies: legal ground, access record, deadline, and an answer with its provenance.

What one request asks at the same moment is recorded in one write and, where an agency's dialect can batch, goes in one
call; what it asks twice is asked once. No agency's trouble leaves this file as an exception, and no agency's trouble
touches another's answer. Questions under way belong to the gateway, not to whoever waits: a phone that hangs up leaves
nobody else hanging.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from prometheus_client import Counter

from agencies.answers import (
    AgencyDown,
    Answer,
    AnswerMalformed,
    Found,
    Operation,
    Trouble,
    problem,
)
from foundation.clock import Clock
from foundation.errors import Unavailable
from foundation.store import PyMongoError
from foundation.telemetry import Metrics, span
from trust.access_log import AccessLog, Look
from trust.people import People, PersonId

log = logging.getLogger(__name__)

T = TypeVar("T")

Health = Literal["UP", "DEGRADED", "DOWN", "UNKNOWN"]

# A person who looks at their own record: section 30 of the PDPA. A state service doing its duty: section 24 (4).
DATA_SUBJECT_REQUEST = "DATA_SUBJECT_REQUEST"
PUBLIC_TASK = "PUBLIC_TASK"
# Who looks on a public task, to tell people of their rights: this system, and the person can see that it did.
SYSTEM = "tangrat"

_HEALTH_WINDOW_S = 60
_DOWN_FROM, _DEGRADED_FROM = 0.9, 0.1  # the share of the window's calls that went wrong


class Agency(Protocol):
    """An agency in its own dialect. Trouble with one question is a value, trouble with the whole call is raised."""

    code: str
    most_at_once: int  # how many questions one call may hold

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]: ...


@dataclass(slots=True, eq=False)
class _Asked:
    """A question that this request has put, its answer, and who waits for it: each by themselves, so that one who hangs
    up takes nothing from another."""

    operation: Operation[Any]
    _waiting: list[asyncio.Future[Answer[Any]]] = field(default_factory=list)
    _answer: Answer[Any] | None = None
    _error: BaseException | None = None

    async def answer(self) -> Answer[Any]:
        if self._answer is not None:
            return self._answer
        if self._error is not None:
            raise self._error
        mine: asyncio.Future[Answer[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        return await mine

    def settle(self, answer: Answer[Any]) -> None:
        self._answer = answer
        for one in self._waiting:
            if not one.done():
                one.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Nothing to a question that is answered; whoever waits for another must not hang."""
        if self._answer is not None or self._error is not None:
            return
        self._error = error
        for one in self._waiting:
            if isinstance(error, Exception) and not one.done():
                one.set_exception(error)
            else:
                one.cancel()


class Gateway:
    def __init__(
        self,
        agencies: Iterable[Agency],
        *,
        people: People,
        access_log: AccessLog,
        clock: Clock,
        metrics: Metrics,
        deadline_s: float,
    ) -> None:
        self._agencies = {agency.code: agency for agency in agencies}
        self._people = people
        self._access_log = access_log
        self._clock = clock
        self._metrics = metrics
        self._deadline_s = deadline_s
        # A metric's `labels` looks its child up under a lock each time.
        self._seconds = {code: metrics.agency_seconds.labels(code) for code in self._agencies}
        self._calls: dict[tuple[str, str, str], Counter] = {}
        self._lately: dict[str, deque[tuple[float, bool]]] = {code: deque(maxlen=1000) for code in self._agencies}
        self._under_way: set[asyncio.Task[None]] = set()

    def asking(
        self, *, subject: PersonId, actor: str, purpose: str, ground: str, on_behalf_of: str | None = None
    ) -> Asking:
        """What one request may ask about `subject`. Make one per request: it remembers its answers."""
        return Asking(self, subject=subject, actor=actor, purpose=purpose, ground=ground, on_behalf_of=on_behalf_of)

    def health(self) -> dict[str, Health]:
        """How each agency has been doing in the last minute, by what we asked it."""
        since = self._clock.now().timestamp() - _HEALTH_WINDOW_S
        return {code: _judge([well for at, well in lately if at >= since]) for code, lately in self._lately.items()}

    async def close(self) -> None:
        """Let what is under way end; no call outlives its deadline."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Keep a task until it is done, whoever waits for what it brings."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _number_and_record(self, looks: Sequence[Look], number: str | None) -> str | None:
        """Record the looks and find the identity number. None means: no record, no look."""
        try:
            async with asyncio.timeout(self._deadline_s):
                number = number or await self._people.identity_number(looks[0].subject)
                await self._access_log.record_many(looks)
                return number
        except (Unavailable, PyMongoError, TimeoutError) as exc:
            self._metrics.alarms.labels("look_not_recorded").inc()
            log.error("a look could not be recorded", extra={"person": looks[0].subject, "why": type(exc).__name__})
            return None

    async def _look(self, code: str, number: str, asked: Sequence[_Asked], *, person: PersonId) -> None:
        """Ask one agency, in one call, and settle what was asked, whatever happens."""
        try:
            await self._look_and_settle(code, number, asked, person=person)
        except BaseException as exc:  # noqa: BLE001 -- not lost: whoever waits gets it
            _fail(asked, exc)

    async def _look_and_settle(self, code: str, number: str, asked: Sequence[_Asked], *, person: PersonId) -> None:
        operations = [one.operation for one in asked]
        started = time.perf_counter()
        with span("agency", agency=code, operations=len(operations)):
            heard = await self._hear(self._agencies[code], number, operations)
        self._seconds[code].observe(time.perf_counter() - started)
        now = self._clock.now()
        was_well = True
        for one, said in zip(asked, heard, strict=True):
            if isinstance(said, Found):
                answer: Answer[Any] = Answer(
                    agency=code, state="OK", value=said.value, as_of=said.as_of, fetched_at=now
                )
                outcome = "OK"
            else:
                answer = Answer(
                    agency=code, state=said.state, fetched_at=now,
                    problem=problem(said.code, retry_after_s=said.retry_after_s),
                )  # fmt: skip
                outcome = said.code
                was_well = was_well and said.state == "NOT_FOUND"
                self._note(code, one.operation, said, person)
            self._count(code, one.operation.name, outcome)
            one.settle(answer)
        self._lately[code].append((now.timestamp(), was_well))

    async def _hear(
        self, agency: Agency, number: str, operations: Sequence[Operation[Any]]
    ) -> Sequence[Found[Any] | Trouble]:
        """What the agency says within the deadline: one outcome for each question, whatever happens."""
        are_reads = all(operation.is_read for operation in operations)
        heard: Sequence[Found[Any] | Trouble]
        try:
            async with asyncio.timeout(self._deadline_s):
                # Breaker, bulkhead and cache belong here, around the call.
                try:
                    heard = await agency.ask(number, operations)
                except AgencyDown as cut:
                    if not (cut.was_cut and are_reads):
                        raise
                    heard = await agency.ask(number, operations)
        except TimeoutError:
            heard = [AgencyDown("no answer in time", code="AGENCY_TIMEOUT")] * len(operations)
        except Trouble as trouble:
            heard = [trouble] * len(operations)
        except Exception as exc:  # noqa: BLE001 -- a fault in one agency's reader costs its answer, not the screen
            log.error(
                "an agency's answer broke its reader",
                extra={"agency": agency.code, "error": type(exc).__name__, "at": _where(exc)},
            )
            heard = [AnswerMalformed(f"its reader raised {type(exc).__name__}")] * len(operations)
        if are_reads:
            return heard
        return [_in_doubt(said) if isinstance(said, AgencyDown | AnswerMalformed) else said for said in heard]

    def _count(self, code: str, operation: str, outcome: str) -> None:
        counted = self._calls.get((code, operation, outcome))
        if counted is None:
            counted = self._calls[code, operation, outcome] = self._metrics.agency_calls.labels(
                code, operation, outcome
            )
        counted.inc()

    def _note(self, code: str, operation: Operation[Any], trouble: Trouble, person: PersonId) -> None:
        if trouble.alarm is not None:
            self._metrics.alarms.labels(trouble.alarm).inc()
        if trouble.state != "NOT_FOUND":
            log.log(
                logging.WARNING if trouble.alarm is None else logging.ERROR,
                "an agency gave no answer" if trouble.alarm is None else "an agency's answer was not taken",
                extra={
                    "agency": code, "operation": operation.name, "code": trouble.code, "why": str(trouble),
                    "person": person,
                },
            )  # fmt: skip

    def _knows(self, code: str) -> bool:
        return code in self._agencies

    def _batches(self, code: str, asked: Sequence[_Asked]) -> Iterable[Sequence[_Asked]]:
        size = self._agencies[code].most_at_once
        return (asked[at : at + size] for at in range(0, len(asked), size))


class Asking:
    """One request's questions about one person. `ask` never raises for an agency's trouble."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        subject: PersonId,
        actor: str,
        purpose: str,
        ground: str,
        on_behalf_of: str | None,
    ) -> None:
        self._gateway = gateway
        self._subject = subject
        self._actor = actor
        self._purpose = purpose
        self._ground = ground
        self._on_behalf_of = on_behalf_of
        self._asked: dict[object, _Asked] = {}
        self._waiting: list[_Asked] = []
        self._number: str | None = None

    async def ask(self, operation: Operation[T], **arguments: Any) -> Answer[T]:
        """The agency's answer, or why there is none. The same question twice in a request is one question."""
        if arguments or len(operation.given) != len(operation.takes):
            operation = operation(**arguments)
        if not self._may_ask(operation):
            return Answer(agency=operation.agency, state="NOT_ALLOWED", problem=problem("NOT_ALLOWED"))
        asked = self._put(operation)
        witness = self._put(operation.witness) if operation.witness is not None else None
        answer: Answer[T] = await asked.answer()
        if witness is not None and answer.state in ("OK", "NOT_FOUND"):
            told = await witness.answer()
            if told.state != "OK":
                return Answer(agency=told.agency, state=told.state, fetched_at=told.fetched_at, problem=told.problem)
        if not operation.is_read:
            self._forget(operation.agency)
        return answer

    def _may_ask(self, operation: Operation[Any]) -> bool:
        """For now: a person their own record as is their right, and this system anybody's on its public task."""
        whose = {DATA_SUBJECT_REQUEST: self._subject, PUBLIC_TASK: SYSTEM}.get(self._ground)
        if self._purpose and self._actor == whose:
            return True
        log.warning(
            "a look was refused",
            extra={"actor": self._actor, "person": self._subject, "agency": operation.agency, "ground": self._ground},
        )
        return False

    def _put(self, operation: Operation[Any]) -> _Asked:
        """The question as asked already, or newly waiting for the end of this turn of the event loop."""
        if not self._gateway._knows(operation.agency):
            raise LookupError(f"no such agency: {operation.agency}")
        asked = self._asked.get(operation.key)
        if asked is None:
            asked = self._asked[operation.key] = _Asked(operation)
            if not self._waiting:
                self._gateway._start(self._go())
            self._waiting.append(asked)
        return asked

    def _forget(self, agency: str) -> None:
        """Something was changed there: what was read before may be true no longer."""
        self._asked = {key: asked for key, asked in self._asked.items() if asked.operation.agency != agency}

    async def _go(self) -> None:
        """Record what waits, then ask it, each agency by itself."""
        await asyncio.sleep(0)  # one more turn, for resolvers that start a step behind the others
        waiting, self._waiting = self._waiting, []
        try:
            looks = [self._look(one.operation) for one in waiting]
            number = await self._gateway._number_and_record(looks, self._number)
            if number is None:
                for one in waiting:
                    one.settle(
                        Answer(
                            agency=one.operation.agency, state="UNAVAILABLE",
                            problem=problem("NOT_RECORDED", retry_after_s=30),
                        )
                    )  # fmt: skip
                return
            self._number = number
            await self._ask_all(waiting, number)
        except BaseException as exc:  # noqa: BLE001 -- not lost: whoever waits gets it
            _fail(waiting, exc)

    async def _ask_all(self, waiting: Sequence[_Asked], number: str) -> None:
        """Each agency in a task of its own, the last in this one."""
        by_agency: dict[str, list[_Asked]] = {}
        for one in waiting:
            by_agency.setdefault(one.operation.agency, []).append(one)
        *others, last = [
            self._gateway._look(code, number, batch, person=self._subject)
            for code, asked in by_agency.items()
            for batch in self._gateway._batches(code, asked)
        ]
        for other in others:
            self._gateway._start(other)
        await last

    def _look(self, operation: Operation[Any]) -> Look:
        return Look(
            subject=self._subject, actor=self._actor, agency=operation.agency, operation=operation.name,
            purpose=self._purpose, ground=self._ground, on_behalf_of=self._on_behalf_of,
        )  # fmt: skip


def _fail(asked: Sequence[_Asked], error: BaseException) -> None:
    """Hand what went wrong to whoever waits; a cancellation goes on as one besides."""
    for one in asked:
        one.fail(error)
    if not isinstance(error, Exception):
        raise error


def _in_doubt(trouble: Trouble) -> Trouble:
    """A change that brought no readable answer may have been made all the same."""
    return AgencyDown(str(trouble), code="OUTCOME_UNKNOWN", retry_after_s=trouble.retry_after_s)


def _judge(outcomes: Sequence[bool]) -> Health:
    if not outcomes:
        return "UNKNOWN"
    wrong = outcomes.count(False) / len(outcomes)
    if wrong >= _DOWN_FROM:
        return "DOWN"
    return "DEGRADED" if wrong >= _DEGRADED_FROM else "UP"


def _where(exc: BaseException) -> str:
    """File and line, without the values that a traceback or a message might hold."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
