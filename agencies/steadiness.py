"""How one agency's bad day is kept from hurting anybody else: a breaker, a bulkhead, few retries, and what they learnt.

One `Steadiness` for each agency's door, in each process. A call goes `through` it: refused at once where the agency is
down or full, with the time after which to come back; else asked within its deadline, and what came of it is learnt.
Only what the agency does counts against it: not what it says about a person (no such record), not a caller who hangs
up, not what we refused ourselves.

Nothing here sleeps or locks but the waiting line and the pause before a retry. All of it runs in one event loop, and
nothing that counts is awaited between a question and its consequence.
"""

from __future__ import annotations

import asyncio
import random as dice
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agencies.answers import Found
from agencies.trouble import AgencyDown, AgencyRefused, AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble

Monotonic = Callable[[], float]
Random = Callable[[], float]  # from 0 to 1
Health = Literal["UP", "DEGRADED", "DOWN", "UNKNOWN"]
Heard = Sequence[Found[Any] | Trouble]


class NotAsked(AgencyDown):
    """We did not even ask: the agency is down, or has as much to do from us as it can bear. Nothing was sent."""


class _Lately:
    """Counters over a sliding time: a ring of slots, each forgotten when its turn comes round, and the sum of them all."""

    __slots__ = ("_newest", "_of_slots", "_slot_s", "_sums", "_width")

    def __init__(self, *, slots: int, slot_s: float, width: int) -> None:
        self._slot_s = slot_s
        self._width = width
        self._newest = -1
        self._of_slots: list[list[int] | None] = [None] * slots
        self._sums = [0] * width

    def add(self, now: float, counter: int) -> None:
        at = self._turn_to(now)
        counters = self._of_slots[at]
        if counters is None:
            counters = self._of_slots[at] = [0] * self._width
        counters[counter] += 1
        self._sums[counter] += 1

    def sums(self, now: float) -> list[int]:
        self._turn_to(now)
        return self._sums

    def clear(self) -> None:
        self._of_slots = [None] * len(self._of_slots)
        self._sums = [0] * self._width

    def _turn_to(self, now: float) -> int:
        number, slots = int(now / self._slot_s), len(self._of_slots)
        if number > self._newest:
            for passed in range(max(self._newest + 1, number - slots + 1), number + 1):
                gone = self._of_slots[passed % slots]
                if gone is not None:
                    self._of_slots[passed % slots] = None
                    self._sums = [total - one for total, one in zip(self._sums, gone, strict=True)]
            self._newest = number
        return self._newest % slots


# The breaker

_WINDOW_S = 10.0
_CALLS_FROM, _SHARE_FROM = 10, 0.5
_IN_A_ROW = 5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_JITTER = 0.2


@dataclass(slots=True, eq=False)
class Permit:
    """Leave to ask once. Settle it, or drop it where nothing was learnt; what comes after that, or too late, is nothing."""

    _breaker: Breaker
    _era: int
    is_probe: bool

    @property
    def holds(self) -> bool:
        """Whether the breaker still stands as it did when it gave this."""
        return self._era == self._breaker._era

    def succeeded(self) -> None:
        self._settle(well=True)

    def failed(self) -> None:
        self._settle(well=False)

    def dropped(self) -> None:
        """Nobody learnt anything: the next may ask instead."""
        if self.is_probe and self.holds:
            self._breaker._give_up_probe()
        self._era = -1

    def _settle(self, *, well: bool) -> None:
        # An answer to a question from before the breaker moved says nothing about how the agency is since.
        if self.holds:
            self._breaker._learn(well=well, is_probe=self.is_probe)
        self._era = -1


class Breaker:
    """Asks no more of an agency that is down, and finds out with single questions whether it is up again."""

    def __init__(
        self, *, monotonic: Monotonic = time.monotonic, random: Random = dice.random, probe_s: float = 10.0
    ) -> None:
        self._monotonic = monotonic
        self._random = random
        self._probe_s = probe_s  # a probe of which nothing is heard for so long is lost, and another may go
        self._calls = _Lately(slots=20, slot_s=_WINDOW_S / 20, width=2)  # well, failed
        self._era = 0  # moves on whenever the permits that are out lose their meaning
        self._next_wait_s = _FIRST_WAIT_S
        self._open_until: float | None = None
        self._probe_until: float | None = None

    @property
    def is_closed(self) -> bool:
        return self._open_until is None

    @property
    def wait_s(self) -> float:
        """How long until somebody may ask; 0 where they may now."""
        if self._open_until is None:
            return 0.0
        now = self._monotonic()
        if now < self._open_until:
            return self._open_until - now
        if self._probe_until is not None and now < self._probe_until:
            return min(self._probe_until - now, _FIRST_WAIT_S)
        return 0.0

    def may_ask(self) -> Permit | None:
        if self._open_until is None:
            return Permit(self, self._era, False)
        now = self._monotonic()
        if now < self._open_until or (self._probe_until is not None and now < self._probe_until):
            return None
        self._era += 1  # whatever became of a probe before this one
        self._probe_until = now + self._probe_s
        return Permit(self, self._era, True)

    def _learn(self, *, well: bool, is_probe: bool) -> None:
        now = self._monotonic()
        if is_probe:
            if well:
                self._close()
            else:
                self._open(now)
            return
        self._calls.add(now, 0 if well else 1)
        if well:
            return
        succeeded, failed = self._calls.sums(now)
        is_half = succeeded + failed >= _CALLS_FROM and failed >= _SHARE_FROM * (succeeded + failed)
        if is_half or (failed >= _IN_A_ROW and not succeeded):
            self._open(now)

    def _open(self, now: float) -> None:
        wait_s = self._next_wait_s
        self._next_wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        # Not all processes at the same moment.
        self._open_until = now + wait_s * (1 - _JITTER + 2 * _JITTER * self._random())
        self._probe_until = None
        self._era += 1

    def _close(self) -> None:
        self._open_until = self._probe_until = None
        self._next_wait_s = _FIRST_WAIT_S
        self._calls.clear()
        self._era += 1

    def _give_up_probe(self) -> None:
        self._probe_until = None
        self._era += 1


# The bulkhead

_FEWEST, _START, _MOST = 4, 32, 128
_MOST_WAITING = 64
_CUT, _CUT_SLOW = 0.7, 0.85
_SAMPLE = 10  # good answers by which the time they take is judged
_FAR_ABOVE, _AND_S = 3.0, 0.05  # so many times the best, and so much more: short times vary by themselves
_BASELINE_S = 60.0  # how long the best is remembered: what was never again so quick since is no measure
_IDLE_S = 60.0


@dataclass(slots=True, eq=False)
class Place:
    """One call in flight. Leave it exactly once; more is nothing."""

    _bulkhead: Bulkhead
    began: float
    is_left: bool = False

    def leave(self, *, well: bool = False, full: bool = False) -> None:
        """`well`: it answered, so its time says something. `full`: it says, or shows, that it is asked too much."""
        if not self.is_left:
            self.is_left = True
            self._bulkhead._leave(self, well=well, full=full)


@dataclass(slots=True, eq=False)
class _Waiting:
    until: float
    turn: asyncio.Future[Place | None]


class Bulkhead:
    """How many calls may be in flight to one agency: fewer as it slows, more as it bears more, and a short line before it.

    Additive increase, multiplicative decrease. The limit grows only while it is used, shrinks at most once for all
    calls that were under way together, and goes back to where it began when nobody has asked for a minute: what was
    learnt then is old. How long good answers take is compared by their median with the best median of the last
    minute or two, not with the best answer ever, so that neither one lucky answer nor a change for the slower that
    stays keeps the limit down for good; errors that come quickly are no good answers.
    """

    def __init__(self, *, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self._limit = float(_START)
        self._in_flight = 0
        self._line: deque[_Waiting] = deque()
        self._cut_at = self._asked_at = monotonic()
        self._held_s = 0.0  # what a call typically holds its place for, however it ends
        self._sample: list[float] = []
        self._most_in_sample = 0
        self._best_s = self._best_before_s = float("inf")  # of this and of the last while
        self._best_since = self._cut_at

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def waiting(self) -> int:
        return len(self._line)

    @property
    def wait_s(self) -> float:
        """How long one who comes now would stand in the line."""
        if not self._line and self._in_flight < self.limit:
            return 0.0
        return (len(self._line) + 1) * self._held_s / self.limit

    def enter_now(self) -> Place | None:
        """A place where one is free and nobody stands before us."""
        now = self._monotonic()
        if not self._in_flight and now - self._asked_at > _IDLE_S:
            self._forget(now)
        self._asked_at = now
        return self._place(now) if not self._line and self._in_flight < self.limit else None

    async def enter(self, *, patience_s: float) -> Place | None:
        """A place, after standing in line where it must be; None where it would take, or took, longer than that."""
        place = self.enter_now()
        if place is not None:
            return place
        if len(self._line) >= _MOST_WAITING or patience_s <= 0 or self.wait_s > patience_s:
            return None
        loop = asyncio.get_running_loop()
        mine = _Waiting(self._monotonic() + patience_s, loop.create_future())
        self._line.append(mine)
        alarm = loop.call_later(patience_s, self._out_of_patience, mine)
        try:
            return await mine.turn
        except asyncio.CancelledError:
            # The place may have been handed over already, just before: then it goes to the next.
            if mine.turn.done() and not mine.turn.cancelled():
                handed = mine.turn.result()
                if handed is not None:
                    handed.leave()
            elif mine in self._line:
                self._line.remove(mine)
            raise
        finally:
            alarm.cancel()

    def _place(self, now: float) -> Place:
        self._in_flight += 1
        if self._in_flight > self._most_in_sample:
            self._most_in_sample = self._in_flight
        return Place(self, now)

    def _leave(self, place: Place, *, well: bool, full: bool) -> None:
        now = self._monotonic()
        took_s = max(now - place.began, 0.0)
        was_used = self._in_flight * 2 >= self.limit
        self._in_flight -= 1
        if well or full:
            self._held_s = took_s if not self._held_s else self._held_s * 0.9 + took_s * 0.1
        if full:
            self._cut(place, _CUT, now)
        elif well:
            if was_used and place.began >= self._cut_at:
                self._limit = min(self._limit + 1 / self._limit, float(_MOST))
            self._time(place, took_s, now)
        self._admit(now)

    def _cut(self, place: Place, by: float, now: float) -> None:
        """Once for all that were under way together: they tell of the same trouble."""
        if place.began >= self._cut_at:
            self._limit = max(self._limit * by, float(_FEWEST))
            self._cut_at = now

    def _time(self, place: Place, took_s: float, now: float) -> None:
        """Compare how long answers take with how long they took at best."""
        self._sample.append(took_s)
        if len(self._sample) < _SAMPLE:
            return
        median_s = sorted(self._sample)[_SAMPLE // 2]
        was_used = self._most_in_sample * 2 >= self.limit
        self._sample.clear()
        self._most_in_sample = self._in_flight
        if now - self._best_since > _BASELINE_S:
            self._best_before_s, self._best_s, self._best_since = self._best_s, float("inf"), now
        self._best_s = min(self._best_s, median_s)
        best_s = min(self._best_s, self._best_before_s)
        # Where we ask little, we are not what makes it slow.
        if was_used and median_s > best_s * _FAR_ABOVE + _AND_S:
            self._cut(place, _CUT_SLOW, now)

    def _admit(self, now: float) -> None:
        """Each free place to the one who has waited longest, by name: nobody is woken to find it taken."""
        while self._line and self._in_flight < self.limit:
            first = self._line.popleft()
            if first.turn.done():
                continue
            _tell(first, self._place(now) if now < first.until else None)

    def _out_of_patience(self, one: _Waiting) -> None:
        if not one.turn.done():
            self._line.remove(one)
            _tell(one, None)

    def _forget(self, now: float) -> None:
        self._limit = float(_START)
        self._cut_at = self._best_since = now
        self._best_s = self._best_before_s = float("inf")
        self._held_s = 0.0
        self._sample.clear()
        self._most_in_sample = 0


def _tell(one: _Waiting, place: Place | None) -> None:
    if not one.turn.done():
        one.turn.set_result(place)


# Retries

_RETRY_SHARE = 0.1
_RETRIES_FIRST, _RETRIES_KEPT = 3.0, 10.0
_RETRY_AGAIN_S = 10.0
_MOST_RETRIES = 2
_BACKOFF_S, _LONGEST_BACKOFF_S = 0.05, 1.0


class RetryBudget:
    """At most one retry for ten calls, so that our retries never are the load that keeps an agency down.

    A few are there from the start, and come back one in ten seconds: who is asked once a minute may be asked again too.
    """

    def __init__(self, *, monotonic: Monotonic = time.monotonic, random: Random = dice.random) -> None:
        self._monotonic = monotonic
        self._random = random
        self._tokens = _RETRIES_FIRST
        self._at = monotonic()

    def called(self) -> None:
        """A call was begun: a tenth of a retry more."""
        self._tokens = min(self._tokens + _RETRY_SHARE, _RETRIES_KEPT)

    def may_retry(self, attempt: int) -> bool:
        """Take a retry, where the call that failed was the attempt with this number, from 1."""
        now = self._monotonic()
        if self._tokens < _RETRIES_FIRST:
            self._tokens = min(self._tokens + max(now - self._at, 0.0) / _RETRY_AGAIN_S, _RETRIES_FIRST)
        self._at = now
        if attempt > _MOST_RETRIES or self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def backoff_s(self, attempt: int) -> float:
        """How long to wait before it: anything up to a bound that doubles, so that those who failed together part."""
        return self._random() * min(_BACKOFF_S * 2.0 ** (min(attempt, 10) - 1), _LONGEST_BACKOFF_S)


# How it has been

_BOUNDS_S = tuple(0.001 * 1.15**step for step in range(80))  # to a minute, each within 15 %


class Latency:
    """How long it took in the last minute: any share of it, within 15 %."""

    def __init__(self, *, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counts = _Lately(slots=12, slot_s=5.0, width=len(_BOUNDS_S) + 1)

    def record(self, took_s: float) -> None:
        self._counts.add(self._monotonic(), bisect_left(_BOUNDS_S, took_s))

    @property
    def p50_s(self) -> float | None:
        return self.within_s(0.5)

    @property
    def p99_s(self) -> float | None:
        return self.within_s(0.99)

    def within_s(self, share: float) -> float | None:
        """The time within which this share of the last minute's answers came; None where there were none."""
        counts = self._counts.sums(self._monotonic())
        left = share * sum(counts)
        if not left:
            return None
        for bound_s, count in zip(_BOUNDS_S, counts, strict=False):
            left -= count
            if left <= 0:
                return bound_s
        return _BOUNDS_S[-1]


_DOWN_FROM, _DEGRADED_FROM = 0.9, 0.1  # the share of the last minute's calls that went wrong
_SLOW_FROM = 5  # answers, before one may say that it is slow
_WELL, _WRONG, _TURNED_AWAY = range(3)


@dataclass(slots=True, eq=False)
class Turn:
    """One call's leave and place. Settle it with what was heard; `drop` it in any case: after settling that is nothing."""

    _of: Steadiness
    _permit: Permit
    _place: Place
    _is_over: bool = field(default=False)

    def settle(self, heard: Heard) -> None:
        if not self._is_over:
            self._is_over = True
            self._of._learn(heard, self._permit, self._place)

    def drop(self) -> None:
        """Nothing was learnt: the caller hung up, or we stumbled ourselves."""
        if not self._is_over:
            self._is_over = True
            self._permit.dropped()
            self._place.leave()


class Steadiness:
    """Everything between us and one agency's door. `through` is the whole of it; the parts can be read."""

    def __init__(
        self, *, monotonic: Monotonic = time.monotonic, random: Random = dice.random, slow_s: float = 1.0
    ) -> None:
        self._monotonic = monotonic
        self._slow_s = slow_s  # an agency half of whose answers take longer is not well
        self._calls = _Lately(slots=12, slot_s=5.0, width=3)
        self._was_well = True
        self.breaker = Breaker(monotonic=monotonic, random=random)
        self.bulkhead = Bulkhead(monotonic=monotonic)
        self.retries = RetryBudget(monotonic=monotonic, random=random)
        self.latency = Latency(monotonic=monotonic)

    async def through(
        self, ask: Callable[[], Awaitable[Heard]], *, deadline_s: float, may_repeat: bool, most_retries: int = 1
    ) -> Heard:
        """Ask, within the deadline for all of it. NotAsked: we did not; any other Trouble: the whole call had it.

        Where a repeat is harmless, a line that broke midway is tried again, as far as the budget goes.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        turn = await self.enter(patience_s=deadline_s / 2)
        try:
            try:
                async with asyncio.timeout_at(end):
                    heard = await self._ask(ask, most_retries if may_repeat else 0)
            except TimeoutError as exc:
                raise AgencyDown("no answer in time", code="AGENCY_TIMEOUT") from exc
            turn.settle(heard)
            return heard
        except Trouble as trouble:
            turn.settle((trouble,))
            raise
        finally:
            turn.drop()

    async def enter(self, *, patience_s: float) -> Turn:
        """Leave to make one call, or NotAsked. For who needs more than `through`; give it back with `settle` or `drop`."""
        permit = self.breaker.may_ask()
        if permit is None:
            raise self._resting()
        place = self.bulkhead.enter_now()
        if place is None:
            try:
                place = await self.bulkhead.enter(patience_s=patience_s)
            except asyncio.CancelledError:
                permit.dropped()
                raise
            if place is None:
                permit.dropped()
                if not self.breaker.is_closed:
                    raise self._resting()
                self._calls.add(self._monotonic(), _TURNED_AWAY)
                raise NotAsked(
                    "too many calls in flight", code="AGENCY_BUSY", retry_after_s=max(self.bulkhead.wait_s, 1.0)
                )
            if not permit.holds:  # the breaker opened while we stood in line; so on down the line
                place.leave()
                raise self._resting()
        self.retries.called()
        return Turn(self, permit, place)

    def status(self) -> Health:
        """How it has been in the last minute, by what we asked it."""
        well, wrong, turned_away = self._calls.sums(self._monotonic())
        if self.breaker.wait_s and not self.breaker.is_closed:
            return "DOWN"
        calls = well + wrong
        if not calls:
            return "UNKNOWN"
        # Of an agency that has come back a minute's failures still speak, but no longer for now.
        if wrong >= _DOWN_FROM * calls and not (self._was_well and self.breaker.is_closed):
            return "DOWN"
        if wrong >= _DEGRADED_FROM * calls or turned_away >= _DEGRADED_FROM * (calls + turned_away):
            return "DEGRADED"
        is_slow = well >= _SLOW_FROM and (self.latency.p50_s or 0.0) > self._slow_s
        return "DEGRADED" if is_slow else "UP"

    async def _ask(self, ask: Callable[[], Awaitable[Heard]], most_retries: int) -> Heard:
        attempt = 1
        while True:
            try:
                return await ask()
            except AgencyDown as cut:
                if not cut.was_cut or attempt > most_retries or not self.retries.may_retry(attempt):
                    raise
            await asyncio.sleep(self.retries.backoff_s(attempt))
            attempt += 1

    def _resting(self) -> NotAsked:
        return NotAsked("its breaker is open", code="AGENCY_DOWN", retry_after_s=max(self.breaker.wait_s, 1.0))

    def _learn(self, heard: Heard, permit: Permit, place: Place) -> None:
        now = self._monotonic()
        has_answered = has_failed = is_full = False
        is_only_busy = is_well = True
        for one in heard:
            if isinstance(one, _WELCOME):
                has_answered, is_only_busy = True, False
                continue
            is_well = False
            if isinstance(one, AgencyDown):
                has_failed = True
                is_full = is_full or one.is_full or one.code == "AGENCY_TIMEOUT"
                is_only_busy = is_only_busy and one.code == "AGENCY_BUSY"
            else:
                has_failed = has_failed or isinstance(one, AnswerMalformed)
                has_answered = has_answered or isinstance(one, _UNWELCOME)
                is_only_busy = False
        # What it could answer in part it can answer; what broke is that operation's matter.
        if has_answered or not has_failed:
            permit.succeeded()
        elif is_only_busy and not permit.is_probe:
            permit.dropped()  # it is up and says so: the bulkhead's matter
        else:
            permit.failed()
        place.leave(well=has_answered and not is_full, full=is_full)
        if has_answered:
            self.latency.record(now - place.began)
        self._was_well = is_well
        self._calls.add(now, _WELL if is_well else _WRONG)


# What only an agency that works can say.
_WELCOME = (Found, NotThere)
_UNWELCOME = (AgencyRefused, AnswerAboutSomeoneElse)
