"""One agency's bad day: when it is asked no more and how it comes back, how many calls it gets, and who waits for whom."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agencies.answers import Found
from agencies.steadiness import (
    Breaker,
    Bulkhead,
    Latency,
    NotAsked,
    Permit,
    Place,
    RetryBudget,
    Steadiness,
)
from agencies.trouble import AgencyDown, AgencyRefused, AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def steady(time: Time) -> Steadiness:
    return Steadiness(monotonic=time, random=lambda: 0.5)


WELL = [Found(value=1)]
DOWN = AgencyDown("HTTP 500")
CUT = AgencyDown("gone", code="AGENCY_UNREACHABLE", was_cut=True)
BUSY = AgencyDown("HTTP 429", code="AGENCY_BUSY", is_full=True)


class Saying:
    """An agency that says these one after the other, the last again and again, once it may; it counts its calls."""

    def __init__(self, *said: Any, once: asyncio.Event | None = None) -> None:
        self.calls = 0
        self._left = list(said)
        self._once = once

    async def __call__(self) -> Any:
        self.calls += 1
        if self._once is not None:
            await self._once.wait()
        one = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(one, BaseException):
            raise one
        return one


async def call(steady: Steadiness, said: Any, *, may_repeat: bool = False) -> Any:
    """What comes of a call of an agency that says this."""
    try:
        return await steady.through(Saying(said), deadline_s=1, may_repeat=may_repeat)
    except Trouble as trouble:
        return trouble


async def until_open(steady: Steadiness) -> None:
    for _ in range(5):
        await call(steady, DOWN)
    assert not steady.breaker.is_closed


# The breaker, whatever happens


class BreakerMachine(RuleBasedStateMachine):
    """Anything may happen to a breaker and its permits, in any order, and they may be forgotten."""

    PROBE_S = 3.0

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.time = Time()
        self.breaker = Breaker(monotonic=self.time, random=random.Random(seed).random, probe_s=self.PROBE_S)
        self.out: list[Permit] = []
        self.probe: tuple[Permit, float] | None = None
        self.learnt: list[tuple[float, bool]] = []  # since it closed
        self.waits: list[float] = []  # since it closed

    @rule(by=st.sampled_from([0.001, 0.1, 0.4, 0.9, 2.0, 7.0, 40.0, 3600.0]))
    def time_goes_by(self, by: float) -> None:
        self.time.now += by

    @rule(times=st.integers(1, 12))
    def ask(self, times: int) -> None:
        for _ in range(times):
            was_closed, wait_s = self.breaker.is_closed, self.breaker.wait_s
            permit = self.breaker.may_ask()
            assert (permit is None) == (wait_s > 0)
            if permit is None:
                assert not was_closed
                continue
            assert permit.is_probe != was_closed
            if permit.is_probe:
                assert self.probe is None or self.time.now >= self.probe[1], "two probes at once"
                self.probe = permit, self.time.now + self.PROBE_S
            self.out.append(permit)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), well=st.booleans(), times=st.integers(1, 12))
    def settle(self, data: st.DataObject, well: bool, times: int) -> None:
        for _ in range(min(times, len(self.out))):
            self._settle(self.out.pop(data.draw(st.integers(0, len(self.out) - 1))), well)

    def _settle(self, permit: Permit, well: bool) -> None:
        was_closed, counts = self.breaker.is_closed, permit.holds
        is_the_probe = self.probe is not None and self.probe[0] is permit
        if well:
            permit.succeeded()
        else:
            permit.failed()
        if not counts:
            assert self.breaker.is_closed == was_closed, "a late answer moved it"
            return
        if not was_closed:
            assert is_the_probe
            self.probe = None
            assert self.breaker.is_closed == well
            if well:
                self.learnt, self.waits = [], []
            else:
                self._opened()
            return
        self.learnt.append((self.time.now, well))
        # The window's edge may lie anywhere in half a second.
        wide = [one for at, one in self.learnt if at > self.time.now - 10.01]
        narrow = [one for at, one in self.learnt if at > self.time.now - 9.49]
        if self._bad(narrow) and not well and self._bad(wide):
            assert not self.breaker.is_closed
        if not self.breaker.is_closed:
            assert not well
            assert self._bad(wide) or self._bad(narrow) or any(self._bad(wide[at:]) for at in range(len(wide)))
            self._opened()

    @staticmethod
    def _bad(calls: list[bool]) -> bool:
        failed = calls.count(False)
        return (len(calls) >= 10 and failed * 2 >= len(calls)) or (failed >= 5 and failed == len(calls))

    def _opened(self) -> None:
        usual = min(2.0 ** len(self.waits), 30.0)
        assert usual * 0.8 - 1e-6 <= self.breaker.wait_s <= usual * 1.2 + 1e-6
        self.waits.append(self.breaker.wait_s)
        self.probe = None

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        permit = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        was_closed = self.breaker.is_closed
        is_the_probe = self.probe is not None and self.probe[0] is permit and permit.holds
        permit.dropped()
        assert self.breaker.is_closed == was_closed
        if is_the_probe:
            self.probe = None
            assert self.breaker.wait_s == 0, "the next may probe at once"

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))

    @precondition(lambda self: not self.breaker.is_closed)
    @rule()
    def it_always_comes_back(self) -> None:
        self.time.now += 36 + self.PROBE_S
        permit = self.breaker.may_ask()
        assert permit is not None
        assert permit.is_probe
        assert self.breaker.may_ask() is None
        permit.succeeded()
        assert self.breaker.is_closed
        self.learnt, self.waits, self.probe = [], [], None


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        permit = breaker.may_ask()
        assert permit is not None
        permit.failed()


def test_half_of_ten_opens_it_and_less_does_not(time: Time) -> None:
    for failures, stays_closed in ((4, True), (5, False)):
        breaker = Breaker(monotonic=time)
        for number in range(10):
            permit = breaker.may_ask()
            assert permit is not None
            if number < 10 - failures:
                permit.succeeded()
            else:
                permit.failed()
        assert breaker.is_closed is stays_closed


def test_failures_long_ago_do_not_open_it(time: Time) -> None:
    breaker = Breaker(monotonic=time)
    for _ in range(20):
        fail(breaker, 1)
        time.now += 3
    assert breaker.is_closed


def test_the_wait_doubles_and_begins_anew_after_a_success(time: Time) -> None:
    breaker = Breaker(monotonic=time, random=lambda: 0.5)
    fail(breaker, 5)
    waits = []
    for _ in range(7):
        waits.append(breaker.wait_s)
        time.now += breaker.wait_s
        fail(breaker, 1)
    assert waits == pytest.approx([1, 2, 4, 8, 16, 30, 30])

    time.now += breaker.wait_s
    probe = breaker.may_ask()
    assert probe is not None
    probe.succeeded()
    fail(breaker, 5)
    assert breaker.wait_s == pytest.approx(1)


def test_after_it_closed_what_failed_before_is_forgotten(time: Time) -> None:
    breaker = Breaker(monotonic=time)
    fail(breaker, 5)
    time.now += 2
    probe = breaker.may_ask()
    assert probe is not None
    probe.succeeded()
    for _ in range(5):
        well = breaker.may_ask()
        assert well is not None
        well.succeeded()
    fail(breaker, 4)
    assert breaker.is_closed


def test_a_probe_that_answers_after_it_was_given_up_changes_nothing(time: Time) -> None:
    breaker = Breaker(monotonic=time, probe_s=3)
    fail(breaker, 5)
    time.now += 2
    lost = breaker.may_ask()
    time.now += 3
    second = breaker.may_ask()
    assert lost is not None
    assert second is not None

    lost.succeeded()
    assert not breaker.is_closed
    lost.failed()
    assert breaker.may_ask() is None  # the second is still out
    second.succeeded()
    assert breaker.is_closed


# The bulkhead, whatever happens


class BulkheadMachine(RuleBasedStateMachine):
    """Callers come, are served, fail, hang up before and after their turn; no place is lost and nobody jumps the line."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.time = Time()
        self.bulkhead = Bulkhead(monotonic=self.time)
        self.places: list[Place] = []
        self.tasks: list[asyncio.Task[Place | None]] = []  # in the order that they came
        self.abandoned: list[asyncio.Task[Place | None]] = []

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        while self.places or self.tasks:
            for place in self.places:
                place.leave()
            self.places.clear()
            self._run()
        assert self.bulkhead.in_flight == 0
        assert self.bulkhead.waiting == 0
        assert all(task.done() for task in self.abandoned)
        self.loop.close()

    def _run(self) -> None:
        for _ in range(3):
            self.loop.run_until_complete(asyncio.sleep(0))
        done = [task for task in self.tasks if task.done()]
        assert self.tasks[: len(done)] == done or any(task.result() is None for task in done), (
            "somebody jumped the line"
        )
        for task in done:
            self.tasks.remove(task)
            place = task.result()
            if place is not None:
                self.places.append(place)

    @rule(number=st.integers(1, 50))
    def come(self, number: int) -> None:
        for _ in range(number):
            self.tasks.append(self.loop.create_task(self.bulkhead.enter(patience_s=3600)))
        self._run()

    @precondition(lambda self: self.places)
    @rule(data=st.data(), number=st.integers(1, 40), how=st.sampled_from(["well", "well", "full", "neither", "twice"]))
    def leave(self, data: st.DataObject, number: int, how: str) -> None:
        for _ in range(min(number, len(self.places))):
            place = self.places.pop(data.draw(st.integers(0, len(self.places) - 1)))
            place.leave(well=how == "well", full=how == "full")
            if how == "twice":
                place.leave(well=True)
        self._run()

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), is_handed_over=st.booleans())
    def hang_up(self, data: st.DataObject, is_handed_over: bool) -> None:
        """In line; or at the very moment when a place was handed over, before the task could run."""
        gone = self.tasks.pop(0 if is_handed_over else data.draw(st.integers(0, len(self.tasks) - 1)))
        if is_handed_over and self.places:
            self.places.pop().leave()
        gone.cancel()
        self.abandoned.append(gone)
        self._run()

    @rule(by=st.sampled_from([0.01, 0.05, 1.0, 3.0, 100.0]))
    def time_goes_by(self, by: float) -> None:
        self.time.now += by

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "bulkhead"):
            return
        assert 4 <= self.bulkhead.limit <= 128
        assert self.bulkhead.in_flight == len(self.places)
        assert self.bulkhead.waiting == len(self.tasks) <= 64
        assert not self.tasks or self.bulkhead.in_flight >= self.bulkhead.limit, "they wait before a free place"


TestBulkhead = BulkheadMachine.TestCase
TestBulkhead.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


def serve(bulkhead: Bulkhead, time: Time, *, rounds: int, took_s: float, share: float = 1.0, **how: bool) -> None:
    """So many rounds of as many calls as may be in flight, or a share of them."""
    for _ in range(rounds):
        places = [bulkhead.enter_now() for _ in range(max(int(bulkhead.limit * share), 1))]
        time.now += took_s
        for place in places:
            assert place is not None
            place.leave(**how)


def test_the_limit_grows_step_by_step_while_it_is_used(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=10, took_s=0.02, well=True)
    assert 36 <= bulkhead.limit <= 42
    serve(bulkhead, time, rounds=200, took_s=0.02, well=True)
    assert bulkhead.limit == 128


def test_it_does_not_grow_while_it_is_not_used(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=100, took_s=0.02, share=0.3, well=True)
    assert bulkhead.limit == 32


def test_what_was_under_way_together_shrinks_it_once(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=1, took_s=2, full=True)
    assert bulkhead.limit == 22
    serve(bulkhead, time, rounds=20, took_s=2, full=True)
    assert bulkhead.limit == 4


def test_it_shrinks_where_answers_come_far_slower_than_they_did(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=5, took_s=0.02, well=True)
    before = bulkhead.limit
    serve(bulkhead, time, rounds=5, took_s=0.8, well=True)
    assert bulkhead.limit < before * 0.7


def test_slowness_while_little_is_asked_is_not_our_doing(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=5, took_s=0.02, share=0.25, well=True)
    serve(bulkhead, time, rounds=20, took_s=0.8, share=0.25, well=True)
    assert bulkhead.limit == 32


def test_an_agency_that_is_slower_from_now_on_is_asked_more_again(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=5, took_s=0.02, well=True)
    serve(bulkhead, time, rounds=200, took_s=0.5, well=True)
    low = bulkhead.limit
    serve(bulkhead, time, rounds=60, took_s=0.5, well=True)
    assert bulkhead.limit > low


def test_errors_that_come_quickly_are_no_good_answers(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=50, took_s=0.001)
    assert bulkhead.limit == 32
    serve(bulkhead, time, rounds=5, took_s=0.3, well=True)
    assert bulkhead.limit > 32


def test_after_a_quiet_minute_it_begins_anew(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=20, took_s=2, full=True)
    time.now += 61
    serve(bulkhead, time, rounds=1, took_s=0.02, well=True)
    assert bulkhead.limit >= 32


async def test_who_would_wait_too_long_is_told_at_once(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    serve(bulkhead, time, rounds=30, took_s=2, full=True)
    held = [await bulkhead.enter(patience_s=1) for _ in range(bulkhead.limit)]
    assert None not in held

    assert await asyncio.wait_for(bulkhead.enter(patience_s=0.4), 0.2) is None
    assert bulkhead.wait_s == pytest.approx(0.5)
    patient = asyncio.create_task(bulkhead.enter(patience_s=5))
    await asyncio.sleep(0)
    assert bulkhead.waiting == 1
    assert bulkhead.wait_s == pytest.approx(1.0)
    patient.cancel()


async def test_patience_in_line_ends(time: Time) -> None:
    bulkhead = Bulkhead(monotonic=time)
    held = [bulkhead.enter_now() for _ in range(bulkhead.limit)]
    waiting = [asyncio.create_task(bulkhead.enter(patience_s=s)) for s in (0.02, 5)]

    assert await waiting[0] is None
    assert bulkhead.waiting == 1
    held[0].leave()  # type: ignore[union-attr] # a place is there
    assert await waiting[1] is not None


# Retries


@given(st.lists(st.sampled_from(["call", "retry", "retry", "second"]) | st.floats(0.01, 30), max_size=300))
def test_retries_are_a_tenth_of_the_calls_and_a_few(happens: list[Any]) -> None:
    time = Time()
    budget = RetryBudget(monotonic=time)
    calls = retries = 0
    for one in happens:
        if one == "call":
            budget.called()
            calls += 1
        elif isinstance(one, float):
            time.now += one
        else:
            retries += budget.may_retry(2 if one == "second" else 1)
        assert retries <= 3 + calls / 10 + (time.now - 1000) / 10 + 1e-6
    assert not budget.may_retry(3)


def test_a_quiet_agency_has_a_few_retries_again(time: Time) -> None:
    budget = RetryBudget(monotonic=time)
    assert [budget.may_retry(1) for _ in range(4)] == [True, True, True, False]
    time.now += 3600
    assert [budget.may_retry(1) for _ in range(4)] == [True, True, True, False]


@given(attempt=st.integers(1, 1000), dice=st.floats(0, 1))
def test_the_pause_before_a_retry_is_anything_up_to_a_bound(attempt: int, dice: float) -> None:
    budget = RetryBudget(random=lambda: dice)
    assert 0 <= budget.backoff_s(attempt) <= min(0.05 * 2 ** min(attempt - 1, 10), 1.0)
    assert budget.backoff_s(attempt) == pytest.approx(dice * RetryBudget(random=lambda: 1.0).backoff_s(attempt))


# How long it took


@given(st.lists(st.floats(0.001, 50), min_size=1, max_size=200))
def test_shares_of_the_last_minute_are_within_15_percent(took: list[float]) -> None:
    latency = Latency(monotonic=Time())
    for one in took:
        latency.record(one)
    ranked = sorted(took)
    for share, told in ((0.5, latency.p50_s), (0.99, latency.p99_s)):
        true = ranked[max(-(-int(share * 1000) * len(ranked) // 1000) - 1, 0)]
        assert told is not None
        assert true * 0.999 <= told <= true * 1.151


def test_what_is_longer_ago_than_a_minute_is_forgotten(time: Time) -> None:
    latency = Latency(monotonic=time)
    assert latency.p50_s is None
    latency.record(0.5)
    time.now += 50
    latency.record(600)
    assert latency.p99_s is not None
    assert latency.p99_s > 50
    time.now += 61
    assert latency.p99_s is None


# All of it


@pytest.mark.parametrize(
    "said",
    [
        AgencyDown("x", code="AGENCY_TIMEOUT"), AgencyDown("x", code="AGENCY_UNREACHABLE"), DOWN, AnswerMalformed("x"),
        [AnswerMalformed("x"), DOWN], AgencyDown("HTTP 503", is_full=True),
    ],
    ids=str,
)  # fmt: skip
async def test_an_agency_that_fails_five_times_is_left_alone(steady: Steadiness, time: Time, said: Any) -> None:
    for _ in range(5):
        await call(steady, said)
    ask = Saying(WELL)

    with pytest.raises(NotAsked) as refused:
        await steady.through(ask, deadline_s=1, may_repeat=True)
    assert (refused.value.code, refused.value.retry_after_s) == ("AGENCY_DOWN", 1)
    assert ask.calls == 0

    time.now += 1
    assert await steady.through(ask, deadline_s=1, may_repeat=True) == WELL
    assert steady.breaker.is_closed


@pytest.mark.parametrize(
    "said",
    [
        WELL, [NotThere("x")], NotThere("x"), AgencyRefused("x"), AnswerAboutSomeoneElse("x"), [DOWN, Found(value=1)],
        BUSY, ValueError("a reader of ours"), asyncio.CancelledError(),
    ],
    ids=repr,
)  # fmt: skip
async def test_what_is_no_failure_of_the_agency_does_not_count(steady: Steadiness, said: Any) -> None:
    for _ in range(20):
        try:
            await call(steady, said)
        except (ValueError, asyncio.CancelledError) as exc:
            assert exc is said
    assert steady.breaker.is_closed
    assert steady.bulkhead.in_flight == 0


@pytest.mark.parametrize("said", [BUSY, asyncio.CancelledError(), ValueError(), DOWN, WELL], ids=repr)
async def test_no_end_of_a_probe_wedges_it(steady: Steadiness, time: Time, said: Any) -> None:
    await until_open(steady)
    time.now += 1
    with suppress(ValueError, asyncio.CancelledError):
        await call(steady, said)
    time.now += 3
    assert await call(steady, WELL) == WELL
    assert steady.breaker.is_closed


@pytest.mark.parametrize("gives_up", [True, False])
async def test_a_probe_that_never_gets_its_turn_makes_way(steady: Steadiness, time: Time, gives_up: bool) -> None:
    held = [steady.bulkhead.enter_now() for _ in range(27)]
    calls = [asyncio.create_task(call(steady, DOWN)) for _ in range(5)]
    await asyncio.gather(*calls)
    held += [steady.bulkhead.enter_now() for _ in range(5)]
    time.now += 1
    probing = asyncio.create_task(steady.enter(patience_s=60 if gives_up else 0))
    await asyncio.sleep(0)

    probing.cancel() if gives_up else None
    told = (await asyncio.gather(probing, return_exceptions=True))[0]

    assert isinstance(told, asyncio.CancelledError if gives_up else NotAsked)
    assert steady.breaker.wait_s == 0
    assert steady.breaker.may_ask() is not None
    assert steady.bulkhead.waiting == 0


async def test_of_a_crowd_one_probes(steady: Steadiness, time: Time) -> None:
    await until_open(steady)
    time.now += 1
    answered = asyncio.Event()

    slow = Saying(WELL, once=answered)
    crowd = [asyncio.create_task(steady.through(slow, deadline_s=5, may_repeat=True)) for _ in range(100)]
    await asyncio.sleep(0.01)
    answered.set()
    told = await asyncio.gather(*crowd, return_exceptions=True)

    assert slow.calls == 1
    assert told.count(WELL) == 1
    assert sum(isinstance(one, NotAsked) for one in told) == 99


async def test_who_stood_in_line_when_it_went_down_is_sent_away(steady: Steadiness) -> None:
    failed = asyncio.Event()

    ask = Saying(AgencyDown("x", code="AGENCY_UNREACHABLE"), once=failed)
    calls = [asyncio.create_task(steady.through(ask, deadline_s=60, may_repeat=False)) for _ in range(80)]
    await asyncio.sleep(0.01)
    assert (steady.bulkhead.in_flight, steady.bulkhead.waiting) == (32, 48)
    failed.set()
    told = await asyncio.gather(*calls, return_exceptions=True)

    # A few of the line had their turn before the fifth failure was heard.
    assert ask.calls <= 36
    assert {one.code for one in told if isinstance(one, NotAsked)} == {"AGENCY_DOWN"}
    assert (steady.bulkhead.in_flight, steady.bulkhead.waiting) == (0, 0)


async def test_a_full_agency_turns_away_with_a_time_to_come_back(steady: Steadiness) -> None:
    answered = asyncio.Event()

    ask = Saying(WELL, once=answered)

    calls = [asyncio.create_task(steady.through(ask, deadline_s=5, may_repeat=False)) for _ in range(32 + 64 + 1)]
    await asyncio.sleep(0.01)
    with pytest.raises(NotAsked) as refused:
        await calls[-1]
    assert refused.value.code == "AGENCY_BUSY"
    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s >= 1
    answered.set()
    assert await asyncio.gather(*calls[:-1]) == [WELL] * 96


async def test_a_line_that_breaks_is_tried_again_where_that_is_harmless(steady: Steadiness) -> None:
    for may_repeat, most, said, calls in (
        (True, 1, [CUT, WELL], 2), (True, 1, [CUT], 2), (True, 2, [CUT], 3), (False, 2, [CUT], 1), (True, 2, [DOWN], 1),
    ):  # fmt: skip
        ask = Saying(*said)
        try:
            assert await Steadiness().through(ask, deadline_s=5, may_repeat=may_repeat, most_retries=most) == WELL
        except AgencyDown as down:
            assert down is said[-1]
        assert ask.calls == calls


async def test_the_deadline_is_for_all_tries_and_all_hang_ups_leave_nothing(steady: Steadiness) -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(AgencyDown) as late:
        await steady.through(never, deadline_s=0.02, may_repeat=True)
    assert late.value.code == "AGENCY_TIMEOUT"
    gone = asyncio.create_task(steady.through(never, deadline_s=60, may_repeat=True))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert steady.bulkhead.in_flight == 0


async def test_the_status_is_what_the_last_minute_showed(steady: Steadiness, time: Time) -> None:
    assert steady.status() == "UNKNOWN"
    await call(steady, WELL)
    assert steady.status() == "UP"
    time.now += 61
    await call(steady, DOWN)
    assert steady.status() == "DOWN"
    await call(steady, WELL)
    assert steady.status() == "DEGRADED"
    time.now += 61
    assert steady.status() == "UNKNOWN"
    await until_open(steady)
    assert steady.status() == "DOWN"
    time.now += 1
    assert steady.status() == "DOWN"  # nobody has found out yet
    await call(steady, WELL)
    assert steady.status() == "DEGRADED"

    time.now += 61
    await until_open(steady)
    for _ in range(5):
        time.now += steady.breaker.wait_s
        await call(steady, DOWN)
    time.now += steady.breaker.wait_s
    await call(steady, WELL)
    assert steady.status() == "DEGRADED"  # nine in ten failed, but it is back


async def test_an_agency_half_of_whose_answers_are_slow_is_degraded(steady: Steadiness, time: Time) -> None:
    for _ in range(5):
        turn = await steady.enter(patience_s=1)
        time.now += 1.5
        turn.settle(WELL)
    assert steady.status() == "DEGRADED"
    assert steady.latency.p50_s == pytest.approx(1.5, rel=0.15)
