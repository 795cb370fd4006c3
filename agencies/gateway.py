"""The door to the state's agencies: legal ground, consent, access record, what is kept, and an answer with its provenance.

What one request asks at the same moment is recorded in one write and, where an agency's dialect can batch, goes in one
call; what it asks twice is asked once, and what another request is asking at this moment is waited for. No agency's
trouble leaves this file as an exception, and no agency's trouble touches another's answer. Questions under way belong
to the gateway, not to whoever waits: a phone that hangs up leaves nobody else hanging.

An answer that is kept and fresh is shown as it is. One that is kept and no longer fresh is asked anew: it is shown where
the agency doesn't answer, and where it takes longer than a moment; then the newer one is there the next time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from agencies.answers import Answer, Found, Operation, problem
from agencies.cache import Cache, Kept, stale
from agencies.calls import Agency, Calls, Status
from agencies.trouble import State, Trouble
from foundation.clock import Clock
from foundation.errors import SuperAppError, Unavailable
from foundation.store import PyMongoError
from foundation.telemetry import Metrics
from trust.access_log import AccessLog, Look
from trust.people import People, PersonId

log = logging.getLogger(__name__)

T = TypeVar("T")

# A person who looks at their own record: section 30 of the PDPA. A state service doing its duty: section 24 (4).
DATA_SUBJECT_REQUEST = "DATA_SUBJECT_REQUEST"
PUBLIC_TASK = "PUBLIC_TASK"
# An agency's mini app that the person opened and allowed to know who they are: section 19 of the PDPA.
CONSENT = "CONSENT"
# Who looks on a public task, to tell people of their rights: this system, and the person can see that it did.
SYSTEM = "tangrat"

PATIENCE_S = 1.0  # so long an agency may take before what it said earlier is shown instead

Consented = Callable[[PersonId, str], Awaitable[bool]]


async def _nobody(_subject: PersonId, _actor: str) -> bool:
    return False


class Allowed(Protocol):
    """What a person allows at this moment."""

    def withdrawn(self, agency: str) -> bool: ...
    def opted_in(self, agency: str) -> bool: ...
    def void_before(self, agency: str) -> datetime | None: ...


class Consents(Protocol):
    """What people allow; `forget` makes an agency's answers void from now on, in every process."""

    async def of(self, person: PersonId) -> Allowed: ...
    async def forget(self, person: PersonId, agency: str) -> None: ...


@dataclass(slots=True, eq=False)
class _Asked:
    """A question that this request has put, its answer, and who waits for it: each by themselves, so that one who hangs
    up takes nothing from another. `followers` are the same question of other requests."""

    operation: Operation[Any]
    was_kept: bool = False
    earlier: Kept | None = None  # what was said before, to stand in
    said: Found[Any] | Trouble | None = None  # what is to be kept once its witness has been heard
    followers: list[_Asked] = field(default_factory=list)
    late: asyncio.TimerHandle | None = None
    _waiting: list[asyncio.Future[Answer[Any]]] = field(default_factory=list)
    _answer: Answer[Any] | None = None
    _error: BaseException | None = None

    @property
    def is_settled(self) -> bool:
        return self._answer is not None or self._error is not None

    @property
    def told(self) -> Answer[Any] | None:
        return self._answer

    async def answer(self) -> Answer[Any]:
        if self._answer is not None:
            return self._answer
        if self._error is not None:
            raise self._error
        mine: asyncio.Future[Answer[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        return await mine

    def settle(self, answer: Answer[Any]) -> None:
        """The first answer stays."""
        if self.is_settled:
            return
        self._answer = answer
        self._no_longer_late()
        for one in self._waiting:
            if not one.done():
                one.set_result(answer)

    def land(self, answer: Answer[Any]) -> None:
        """The agency has answered: this question, and those that waited for the same."""
        for one in (self, *self.followers):
            one.settle(answer)

    def fail(self, error: BaseException) -> None:
        """Nothing to a question that is answered; whoever waits for another must not hang."""
        if not self.is_settled:
            self._error = error
            self._no_longer_late()
            for one in self._waiting:
                if isinstance(error, Exception) and not one.done():
                    one.set_exception(error)
                else:
                    one.cancel()
        for follower in self.followers:
            follower.fail(error)

    def _no_longer_late(self) -> None:
        if self.late is not None:
            self.late.cancel()


_Flights = dict[tuple[PersonId, tuple[str, str, tuple[tuple[str, str], ...]]], _Asked]


class Gateway:
    def __init__(
        self,
        agencies: Iterable[Agency],
        *,
        people: People,
        access_log: AccessLog,
        cache: Cache,
        consents: Consents,
        clock: Clock,
        metrics: Metrics,
        deadline_s: float,
        agency_of: Mapping[str, str] | None = None,
        consented: Consented = _nobody,  # whether this person lets this actor look (ground CONSENT)
    ) -> None:
        self._calls = Calls(agencies, metrics=metrics, deadline_s=deadline_s, agency_of=agency_of)
        self._people = people
        self._access_log = access_log
        self._cache = cache
        self._consents = consents
        self._clock = clock
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._consented = consented
        self._flights: _Flights = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def asking(
        self,
        *,
        subject: PersonId,
        actor: str,
        purpose: str,
        ground: str,
        on_behalf_of: str | None = None,
        anew: bool = False,
        patience_s: float | None = PATIENCE_S,
    ) -> Asking:
        """What one request may ask about `subject`. Make one per request: it remembers its answers.

        `anew`: nothing kept is fresh enough. `patience_s`: how long an agency may take before what it said earlier is
        shown instead; None waits for as long as it may take.
        """
        return Asking(
            self,
            Look(
                subject=subject, actor=actor, agency="", operation="", purpose=purpose, ground=ground,
                on_behalf_of=on_behalf_of,
            ),
            anew=anew, patience_s=None if anew else patience_s,
        )  # fmt: skip

    def status(self) -> dict[str, Status]:
        """How each agency has been doing in the last minute, by what this process asked it."""
        return self._calls.status()

    async def forget(self, person: PersonId, agency: str) -> None:
        """What this agency said about the person is void from now on: it reported a change, or was asked for one."""
        for key in [key for key in self._flights if key[0] == person and key[1][0] == agency]:
            del self._flights[key]
        await self._consents.forget(person, agency)
        await self._cache.forget(person, agency)

    async def close(self) -> None:
        """Let what is under way end; no call outlives its deadline."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._cache.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Keep a task until it is done, whoever waits for what it brings."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _look(self, door: str, number: str, asked: Sequence[_Asked], *, person: PersonId) -> None:
        """Ask one agency, in one call, and settle what was asked, whatever happens."""
        try:
            # What was asked before a change is void after it, however late it is answered.
            asked_at = self._clock.now()
            heard = await self._calls.hear(door, number, [one.operation for one in asked], person=person)
            for one, said in zip(asked, heard, strict=True):
                answer = _answered(one.operation, said, asked_at)
                if answer.state == "UNAVAILABLE" and one.operation.is_read:
                    answer = await self._earlier(one, answer, number, person)
                elif one.operation.witness is None:
                    self._cache.keep(person, one.operation, answer, said)
                else:
                    one.said = said
                self._landed(one, person)
                one.land(answer)
        except BaseException as exc:  # not lost: whoever waits gets it
            for one in asked:
                self._landed(one, person)
                one.fail(exc)
            if not isinstance(exc, Exception):
                raise

    async def _earlier(self, one: _Asked, answer: Answer[Any], number: str, person: PersonId) -> Answer[Any]:
        """What the agency said before, where it does not answer now; else the answer as it is."""
        earlier = one.earlier
        if earlier is None and one.operation.keeping.stale_s:
            allowed = await self._consents.of(person)
            found = await self._cache.find(person, number, [one.operation], void_before=allowed.void_before)
            earlier = found.get(one.operation)
        if earlier is None or not earlier.can_stand_in or earlier.until <= self._clock.now():
            return answer
        return stale(earlier, answer.problem)

    def _join(self, one: _Asked, person: PersonId) -> bool:
        """Wait for the same question of another request, where one is under way."""
        if not one.operation.is_read:
            return False
        flight = self._flights.setdefault((person, one.operation.key), one)
        if flight is one:
            return False
        flight.followers.append(one)
        return True

    def _landed(self, one: _Asked, person: PersonId) -> None:
        if self._flights.get((person, one.operation.key)) is one:
            del self._flights[person, one.operation.key]


class Asking:
    """One request's questions about one person. `ask` never raises for an agency's trouble."""

    def __init__(self, gateway: Gateway, look: Look, *, anew: bool, patience_s: float | None) -> None:
        self._gateway = gateway
        self._as = look  # who looks, why, and on which ground; the agency and operation are each question's own
        self._anew = anew
        self._patience_s = patience_s
        self._asked: dict[object, _Asked] = {}
        self._waiting: list[_Asked] = []
        self._number: str | None = None

    @property
    def subject(self) -> PersonId:
        return self._as.subject

    async def ask(self, operation: Operation[T], **arguments: Any) -> Answer[T]:
        """The agency's answer, or why there is none. The same question twice in a request is one question."""
        if arguments or len(operation.given) != len(operation.takes):
            operation = operation(**arguments)
        asked = self._put(operation)
        answer: Answer[T] = await asked.answer()
        if operation.witness is not None and not asked.was_kept and answer.state in ("OK", "NOT_FOUND"):
            answer = await self._witnessed(asked, operation.witness, answer)
        if not operation.is_read:
            await self._forget(operation.agency)
        return answer

    async def _witnessed(self, asked: _Asked, witness: Operation[Any], answer: Answer[T]) -> Answer[T]:
        """The answer where its witness says whom it is about; only then is it kept."""
        told = await self._asked[witness.key].answer()
        if told.state == "OK":
            if asked.said is not None:
                self._gateway._cache.keep(self.subject, asked.operation, answer, asked.said)
                asked.said = None
            return answer
        if asked.earlier is not None and asked.earlier.can_stand_in:
            return stale(asked.earlier, told.problem)
        state = "UNAVAILABLE" if told.state == "STALE" else told.state
        return Answer(agency=told.agency, state=state, fetched_at=told.fetched_at, problem=told.problem)

    def answered(self) -> list[tuple[Operation[Any], Answer[Any]]]:
        """What this request has heard so far."""
        return [(one.operation, one.told) for one in self._asked.values() if one.told is not None]

    def _put(self, operation: Operation[Any]) -> _Asked:
        """The question as asked already, or newly waiting for the end of this turn of the event loop."""
        if not self._gateway._calls.knows(operation.asked_through):
            raise LookupError(f"no such agency: {operation.asked_through}")
        asked = self._asked.get(operation.key)
        if asked is None:
            asked = self._asked[operation.key] = _Asked(operation)
            if not self._waiting:
                self._gateway._start(self._go())
            self._waiting.append(asked)
        return asked

    async def _forget(self, agency: str) -> None:
        """Something was changed there: what was read before may be true no longer."""
        self._asked = {key: asked for key, asked in self._asked.items() if asked.operation.agency != agency}
        try:
            await self._gateway.forget(self.subject, agency)
        except (PyMongoError, SuperAppError) as exc:
            log.error("what was kept may be out of date", extra={"agency": agency, "why": type(exc).__name__})

    async def _go(self) -> None:
        """What waits, step by step: may it be asked, is it kept, on record, and then each agency by itself."""
        await asyncio.sleep(0)  # one more turn, for resolvers that start a step behind the others
        waiting, self._waiting = self._waiting, []
        try:
            await self._answer_all(waiting)
        except BaseException as exc:  # not lost: whoever waits gets it
            for one in waiting:
                one.fail(exc)
            if not isinstance(exc, Exception):
                raise

    async def _answer_all(self, waiting: list[_Asked]) -> None:
        gateway, person = self._gateway, self.subject
        open_ones = waiting
        try:
            async with asyncio.timeout(gateway._deadline_s):
                allowed = await gateway._consents.of(person)
                number = self._number = self._number or await gateway._people.identity_number(person)
                open_ones = await self._those_allowed(waiting, allowed)
                if not open_ones:
                    return
                kept = {} if self._anew else await self._kept(open_ones, allowed, number)
                fresh, to_ask = self._divided(open_ones, kept)
                open_ones = [*fresh, *to_ask]
                await gateway._access_log.record_many([self._look(one.operation) for one in open_ones])
        except (Unavailable, PyMongoError, TimeoutError) as exc:
            # No record, no look.
            gateway._metrics.alarms.labels("look_not_recorded").inc()
            log.error("a look could not be recorded", extra={"person": person, "why": type(exc).__name__})
            _settle_all(open_ones, "UNAVAILABLE", "NOT_RECORDED")
            return
        for one in fresh:
            one.was_kept = True
            one.settle(kept[one.operation].answer)
        if to_ask:
            self._ask_all(to_ask, kept, number)

    async def _those_allowed(self, waiting: Sequence[_Asked], allowed: Allowed) -> list[_Asked]:
        found = []
        for one in waiting:
            refused = await self._refusal(one.operation, allowed)
            if refused is None:
                found.append(one)
            else:
                one.settle(Answer(agency=one.operation.agency, state="NOT_ALLOWED", problem=problem(refused)))
        return found

    async def _refusal(self, operation: Operation[Any], allowed: Allowed) -> str | None:
        """Why this may not be asked, as a problem's code. A person their own record as is their right, this system
        anybody's on its public task, and who else the person lets; nobody where the person has withdrawn the agency."""
        look = self._as
        is_lawful = bool(look.purpose)
        match look.ground:
            case "DATA_SUBJECT_REQUEST":
                is_lawful &= look.actor == look.subject
            case "PUBLIC_TASK":
                is_lawful &= look.actor == SYSTEM
            case "CONSENT":
                is_lawful &= await self._gateway._consented(look.subject, look.actor)
            case _:
                is_lawful = False
        if not is_lawful:
            log.warning(
                "a look was refused",
                extra={
                    "actor": look.actor, "person": look.subject, "agency": operation.agency, "ground": look.ground
                },
            )  # fmt: skip
            return "NOT_ALLOWED"
        if allowed.withdrawn(operation.agency):
            return "CONSENT_WITHDRAWN"
        if look.ground == PUBLIC_TASK and operation.is_sensitive and not allowed.opted_in(operation.agency):
            return "CONSENT_NOT_GIVEN"
        return None

    async def _kept(self, waiting: Sequence[_Asked], allowed: Allowed, number: str) -> dict[Operation[Any], Kept]:
        """What was said before, from this process where it has all of it, else from the database."""
        cache = self._gateway._cache
        found: dict[Operation[Any], Kept] = {}
        missing: list[Operation[Any]] = []
        for one in waiting:
            kept = cache.at_hand(self.subject, one.operation, void_before=allowed.void_before(one.operation.agency))
            if kept is None:
                missing.append(one.operation)
            else:
                found[one.operation] = kept
        if missing:
            found |= await cache.find(self.subject, number, missing, void_before=allowed.void_before)
        return found

    def _divided(
        self, waiting: Sequence[_Asked], kept: Mapping[Operation[Any], Kept]
    ) -> tuple[list[_Asked], list[_Asked]]:
        """Those that are kept and fresh, and those to be asked, with the witnesses that these need.

        A witness has to be heard beside what it vouches for, so its own fresh answer from before does not count.
        """
        now, today = self._gateway._clock.now(), self._gateway._clock.today()
        fresh = [one for one in waiting if (it := kept.get(one.operation)) and it.is_fresh(now, today)]
        to_ask = [one for one in waiting if one not in fresh]
        for witness in dict.fromkeys(one.operation.witness for one in to_ask if one.operation.witness):
            there = self._asked.get(witness.key)
            if there is None or there.was_kept:
                there = self._asked[witness.key] = _Asked(witness)
                to_ask.append(there)
            elif there in fresh:
                fresh.remove(there)
                to_ask.append(there)
        return fresh, to_ask

    def _ask_all(self, asked: Sequence[_Asked], kept: Mapping[Operation[Any], Kept], number: str) -> None:
        """Each agency in a task of its own; what it said before stands in where it takes longer than a moment."""
        gateway, loop = self._gateway, asyncio.get_running_loop()
        by_door: dict[str, list[_Asked]] = {}
        for one in asked:
            one.earlier = kept.get(one.operation)
            if one.earlier is not None and one.earlier.can_stand_in and self._patience_s is not None:
                meanwhile = stale(one.earlier, problem("AGENCY_SLOW", retry_after_s=1))
                one.late = loop.call_later(self._patience_s, one.settle, meanwhile)
            if not gateway._join(one, self.subject):
                by_door.setdefault(one.operation.asked_through, []).append(one)
        for door, through in by_door.items():
            for batch in gateway._calls.batches(door, through):
                gateway._start(gateway._look(door, number, batch, person=self.subject))

    def _look(self, operation: Operation[Any]) -> Look:
        look = self._as
        return Look(
            subject=look.subject, actor=look.actor, agency=operation.agency, operation=operation.name,
            purpose=look.purpose, ground=look.ground, on_behalf_of=look.on_behalf_of,
        )  # fmt: skip


def _answered(operation: Operation[Any], said: Found[Any] | Trouble, asked_at: datetime) -> Answer[Any]:
    if isinstance(said, Found):
        return Answer(agency=operation.agency, state="OK", value=said.value, as_of=said.as_of, fetched_at=asked_at)
    return Answer(
        agency=operation.agency, state=said.state, fetched_at=asked_at,
        problem=problem(said.code, retry_after_s=said.retry_after_s),
    )  # fmt: skip


def _settle_all(asked: Iterable[_Asked], state: State, code: str) -> None:
    for one in asked:
        one.settle(Answer(agency=one.operation.agency, state=state, problem=problem(code, retry_after_s=30)))
