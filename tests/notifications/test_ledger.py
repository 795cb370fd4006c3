from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.clock import FrozenClock, SystemClock
from foundation.errors import BadInput
from foundation.store import Document, Index, PyMongoError, Store
from notifications.ledger import RETRY_AFTER_S, Bell, Claimed, Ledger, indexes, retry_at

WORK = "work"


@pytest.fixture
async def work(store: Store) -> Store:
    await store.open(indexes(WORK, lane="lane"))
    return store


def ledger(store: Store, clock: FrozenClock | SystemClock, **options: object) -> Ledger:
    return Ledger(store, WORK, clock=clock, **options)  # type: ignore[arg-type]


def items(*ids: str, **more: object) -> list[Document]:
    return [{"_id": one, **more} for one in ids]


async def test_what_is_put_twice_is_there_once_and_stays_as_it_was(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)

    assert await book.put(items("a", "b", word="first")) == {"a", "b"}
    assert await book.put(items("b", "c", "c", word="second")) == {"c"}
    assert await book.put([]) == set()

    claimed = await book.claim(limit=10)
    assert {one.id: one.document["word"] for one in claimed} == {"a": "first", "b": "first", "c": "second"}


async def test_a_repeat_under_another_unique_index_is_not_taken_for_done(store: Store, frozen: FrozenClock) -> None:
    await store.open([Index(collection="coded", keys=(("code", 1),), name="code", unique=True)])
    book = Ledger(store, "coded", clock=frozen)
    await book.put(items("a", code=1))

    with pytest.raises(PyMongoError):
        await book.put(items("b", code=1))


async def test_put_can_be_part_of_a_transaction(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)

    with pytest.raises(ZeroDivisionError):
        async with work.transaction() as session:
            await book.put(items("a"), session=session)
            raise ZeroDivisionError
    async with work.transaction() as session:
        await book.put(items("b"), session=session)

    assert [one.id for one in await book.claim(limit=10)] == ["b"]


async def test_the_longest_due_goes_first_and_what_is_not_due_stays(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    minute = timedelta(minutes=1)
    await book.put([{"_id": str(n), "due": frozen.now() + (n - 3) * minute} for n in range(6)])

    first = await book.claim(limit=2)
    second = await book.claim(limit=10)

    assert {one.id for one in first} == {"0", "1"}
    assert {one.id for one in second} == {"2", "3"}


async def test_a_claim_can_be_narrowed(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    await book.put([*items("a", lane="service"), *items("b", lane="emergency")])

    assert [one.id for one in await book.claim(limit=5, where={"lane": "emergency"})] == ["b"]


async def test_a_settled_item_never_comes_back(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    await book.put(items("a", "b"))
    claimed = await book.claim(limit=10)

    assert await book.settle(claimed, receipts={"a": "taken"}) == 2

    frozen.advance(timedelta(days=400))
    assert await book.claim(limit=10) == []
    assert await book.counts() == {"waiting": 0, "buried": 0, "expired": 0, "done": 2}
    done = await work.collection(WORK).find_one({"_id": "a"})
    assert done is not None
    assert (done["state"], done["receipt"]) == ("done", "taken")


async def test_a_lease_that_ends_gives_the_item_to_the_next(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen, lease_s=60)
    await book.put(items("a"))
    (first,) = await book.claim(limit=1)

    frozen.advance(timedelta(seconds=59))
    assert await book.claim(limit=1) == []
    frozen.advance(timedelta(seconds=1))
    (second,) = await book.claim(limit=1)

    assert (first.attempts, second.attempts) == (1, 2)
    assert first.token != second.token


async def test_a_stale_owner_changes_nothing(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen, lease_s=60)
    await book.put(items("a"))
    (stale,) = await book.claim(limit=1)
    frozen.advance(timedelta(seconds=61))
    (owner,) = await book.claim(limit=1)
    before = await work.collection(WORK).find_one({"_id": "a"})

    assert await book.settle([stale]) == 0
    assert not await book.postpone(stale, until=frozen.now(), why="late")
    assert not await book.bury(stale, why="late")

    assert await work.collection(WORK).find_one({"_id": "a"}) == before
    assert await book.settle([owner]) == 1


async def test_items_of_several_claims_are_settled_together(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    await book.put(items("a", "b", "c"))
    claimed = [*await book.claim(limit=1), *await book.claim(limit=5)]

    assert await book.settle(claimed) == 3


async def test_a_postponed_item_comes_back_when_it_is_time(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    await book.put(items("a"))
    (one,) = await book.claim(limit=1)

    assert await book.postpone(one, until=frozen.now() + timedelta(minutes=5), why="busy")

    frozen.advance(timedelta(minutes=4))
    assert await book.claim(limit=1) == []
    frozen.advance(timedelta(minutes=1))
    (again,) = await book.claim(limit=1)
    assert (again.attempts, again.document["why"]) == (2, "busy")


async def test_an_attempt_that_never_took_place_does_not_count(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen, max_attempts=2)
    await book.put(items("a"))

    for _ in range(10):
        (one,) = await book.claim(limit=1)
        await book.postpone(one, until=frozen.now(), why="quiet hours", counts=False)

    (one,) = await book.claim(limit=1)
    assert one.attempts == 1


async def test_an_item_that_kills_its_worker_buries_itself(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen, lease_s=10, max_attempts=3)
    await book.put(items("poison", "sound"))
    for _ in range(3):
        claimed = await book.claim(limit=5)  # and the worker dies
        assert "poison" in {one.id for one in claimed}
        await book.settle([one for one in claimed if one.id == "sound"])
        frozen.advance(timedelta(seconds=11))

    assert await book.claim(limit=5) == []

    (dead,) = (await book.buried()).items
    assert (dead.id, dead.state) == ("poison", "buried")
    assert dead.why == "given up after 3 attempts: no attempt came to an end"


async def test_the_last_attempt_buries_with_its_own_reason(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen, max_attempts=2)
    await book.put(items("a"))
    for why in ("busy", "still busy"):
        (one,) = await book.claim(limit=1)
        await book.postpone(one, until=frozen.now(), why=why)

    (dead,) = (await book.buried()).items
    assert dead.why == "given up after 2 attempts: still busy"


async def test_what_expires_is_recorded_as_expired_and_not_done_late(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    await book.put(items("a", expires=frozen.now() + timedelta(hours=1)))
    (one,) = await book.claim(limit=1)
    await book.postpone(one, until=frozen.now() + timedelta(hours=12), why="busy")

    frozen.advance(timedelta(hours=1))
    assert await book.claim(limit=1) == []

    (dead,) = (await book.buried()).items
    assert (dead.state, dead.why) == ("expired", "busy")
    assert (await book.counts())["expired"] == 1


async def test_a_buried_item_can_be_replayed_and_a_living_one_not(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    await book.put(items("a", "b", subscription="s"))
    claimed = {one.id: one for one in await book.claim(limit=5)}
    await book.bury(claimed["a"], why="410")

    assert not await book.replay("a", where={"subscription": "other"})
    assert await book.replay("a", where={"subscription": "s"})
    assert not await book.replay("a")
    assert not await book.replay("b")
    assert not await book.replay("nothing")

    (again,) = await book.claim(limit=5)
    assert (again.id, again.attempts) == ("a", 1)
    assert (await book.buried()).items == ()


async def test_the_buried_are_listed_page_by_page(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen)
    await book.put(items(*(f"{n:02}" for n in range(25))))
    for one in await book.claim(limit=50):
        await book.bury(one, why="no")  # all at the same moment, so only the id tells them apart

    seen: list[str] = []
    after = None
    while True:
        page = await book.buried(10, after)
        seen += [one.id for one in page.items]
        after = page.end_cursor
        if not page.has_next:
            break

    assert seen == [f"{n:02}" for n in range(24, -1, -1)]
    with pytest.raises(BadInput):
        await book.buried(10, "mangled")


async def test_a_ledger_may_follow_another_time_than_the_clocks(work: Store, frozen: FrozenClock) -> None:
    book = ledger(work, frozen, lease_s=60)
    birthday = frozen.now() + timedelta(days=3650)
    await book.put(items("a", due=birthday))

    assert await book.claim(limit=1) == []
    (one,) = await book.claim(limit=1, now=birthday)
    assert await book.claim(limit=1, now=birthday + timedelta(seconds=59)) == []
    assert await book.postpone(one, until=birthday + timedelta(days=1), why="not yet")
    (again,) = await book.claim(limit=1, now=birthday + timedelta(days=1))
    assert await book.settle([again]) == 1


class FastClock(SystemClock):
    """A machine whose clock is five minutes ahead of everybody else's."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=5)


async def test_a_worker_whose_clock_is_ahead_takes_no_lease_away(work: Store, clock: SystemClock) -> None:
    right, fast = ledger(work, clock, lease_s=60), ledger(work, FastClock(), lease_s=60)
    await right.put(items("a"))

    (one,) = await right.claim(limit=1)

    assert await fast.claim(limit=1) == []
    assert await right.settle([one]) == 1


async def test_every_leg_is_called(work: Store, frozen: FrozenClock) -> None:
    legs: list[str] = []
    book = ledger(work, frozen, on_leg=legs.append)
    await book.put(items("a", "b", "c"))
    one, two, three = await book.claim(limit=3)
    await book.settle([one])
    await book.postpone(two, until=frozen.now(), why="busy")
    await book.bury(three, why="no")

    assert legs == ["work claimed", "work settled", "work postponed", "work buried"]


async def test_claiming_uses_the_index_of_what_is_due(work: Store, clock: SystemClock) -> None:
    book = ledger(work, clock)
    await book.put(items(*(str(n) for n in range(300)), lane="service"))
    await book.settle(await book.claim(limit=290, where={"lane": "service"}))

    due = book._due_by(None) | {"lane": "service"}
    plan = await work.collection(WORK).find(due, {"_id": 1}).sort("due", 1).limit(10).explain()

    assert plan["executionStats"]["totalDocsExamined"] <= 10


async def test_many_claimers_at_once_never_hold_the_same_item(work: Store, clock: SystemClock) -> None:
    book = ledger(work, clock, lease_s=120)
    everything = {f"{n:04}" for n in range(2000)}
    await book.put(items(*everything))
    done: Counter[str] = Counter()

    async def worker(seed: int) -> None:
        dice = random.Random(seed)
        idle = 0
        while idle < 5:
            claimed = await book.claim(limit=dice.randint(1, 90))
            idle = 0 if claimed else idle + 1
            done.update(one.id for one in claimed)
            await asyncio.sleep(dice.random() * 0.005)
            assert await book.settle(claimed) == len(claimed)

    await asyncio.gather(*(worker(n) for n in range(8)))

    assert done == Counter(everything)
    assert await book.waiting() == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_whatever_happens_an_item_has_one_owner_and_is_never_lost(
    work: Store, frozen: FrozenClock, data: st.DataObject
) -> None:
    """Claims, settles, postpones, burials, replays and lapsing leases in any order, against what must be true."""
    prefix = uuid.uuid4().hex  # hypothesis seeds `random` alike for each example
    book = ledger(work, frozen, lease_s=30, max_attempts=4)
    ids = {f"{prefix} {n}" for n in range(4)}
    await book.put(items(*ids, run=prefix))
    held: dict[str, list[tuple[Claimed, datetime]]] = {one: [] for one in ids}
    settled: set[str] = set()

    for _ in range(data.draw(st.integers(1, 14))):
        match data.draw(st.sampled_from(["claim", "settle", "postpone", "bury", "replay", "wait"])):
            case "claim":
                for one in await book.claim(limit=data.draw(st.integers(1, 4)), where={"run": prefix}):
                    assert one.id not in settled
                    assert all(lapse <= frozen.now() for _, lapse in held[one.id]), "two owners at once"
                    held[one.id].append((one, frozen.now() + timedelta(seconds=30)))
            case "wait":
                frozen.advance(timedelta(seconds=data.draw(st.sampled_from([1, 29, 31, 4000]))))
            case "replay":
                await book.replay(data.draw(st.sampled_from(sorted(ids))))
            case act:
                owners = [pair for pairs in held.values() for pair in pairs]
                if not owners:
                    continue
                one, _ = data.draw(st.sampled_from(owners))
                latest = held[one.id][-1][0] is one
                match act:
                    case "settle":
                        ours = await book.settle([one]) == 1
                        settled |= {one.id} if ours else set()
                    case "postpone":
                        ours = await book.postpone(one, until=frozen.now(), why="later")
                    case _:
                        ours = await book.bury(one, why="no")
                assert not ours or latest, "a stale owner changed something"
                if ours:
                    held[one.id] = [(two, frozen.now()) for two, _ in held[one.id]]

    states = {found["_id"]: found async for found in work.collection(WORK).find({"run": prefix})}
    assert states.keys() == ids
    for one_id, found in states.items():
        assert (one_id in settled) == (found["state"] == "done")
        assert ("due" in found) == (found["state"] == "waiting")


@given(attempts=st.integers(-3, 60), asked=st.none() | st.floats(-5, 1e12))
def test_a_retry_is_never_sooner_than_asked_nor_later_than_the_schedule(attempts: int, asked: float | None) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)

    wait_s = (retry_at(attempts, now, asked) - now).total_seconds()

    longest = RETRY_AFTER_S[min(max(attempts, 1), len(RETRY_AFTER_S)) - 1]
    if asked is None:
        assert 0 <= wait_s <= longest
    else:
        assert min(max(asked, 0), 86_400) - 0.001 <= wait_s <= 86_400 + 10


def test_retries_are_spread_over_the_whole_time() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    waits = sorted((retry_at(4, now) - now).total_seconds() for _ in range(400))

    assert waits[0] < 30
    assert waits[-1] > 270


async def test_the_bell_wakes_a_poller_early_and_is_heard_even_before_it_waits(
    work: Store, frozen: FrozenClock
) -> None:
    book = ledger(work, frozen)
    waiting = asyncio.create_task(book.wait(30))
    await asyncio.sleep(0)
    await book.put(items("a"))
    assert await asyncio.wait_for(waiting, 5)

    bell = Bell()
    bell.ring()
    assert await bell.wait(30)
    assert not await bell.wait(0.01)
