"""What was read is believed for no longer than it is sure to be true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from foundation.store import Store
from foundation.watched import Recent, watching


class Time:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
def recent(now: Time) -> Recent[str]:
    return Recent(unwatched_s=0.5, monotonic=now)


def test_unwatched_it_is_believed_for_its_own_short_time(recent: Recent[str], now: Time) -> None:
    recent.keep("a", "open", read_at=now())
    now.at += 0.4
    assert recent.get("a") == "open"
    now.at += 0.2
    assert recent.get("a") is None
    assert recent.last("a") == "open"


def test_watched_it_is_believed_while_the_database_says_that_nothing_changed(recent: Recent[str], now: Time) -> None:
    recent.opened()
    recent.keep("a", "open", read_at=now())
    for _ in range(100):
        now.at += 0.3
        recent.sure(now())
    assert recent.get("a") == "open"
    now.at += 0.8
    assert recent.get("a") is None, "nobody has said so lately"
    recent.sure(now())
    assert recent.get("a") == "open"
    now.at += 60
    recent.sure(now())
    assert recent.get("a") is None, "no stream is believed for ever"


def test_what_was_read_before_the_stream_was_opened_is_not_covered_by_it(recent: Recent[str], now: Time) -> None:
    recent.keep("a", "open", read_at=now())
    now.at += 0.1
    recent.opened()
    now.at += 0.5
    recent.sure(now())
    assert recent.get("a") is None


def test_a_change_is_seen_and_what_was_being_read_meanwhile_is_not_kept(recent: Recent[str], now: Time) -> None:
    recent.opened()
    read_at = now()
    recent.keep("a", "open", read_at=read_at)
    now.at += 0.1
    recent.changed("a")
    assert recent.get("a") is None
    recent.keep("a", "open", read_at=read_at)
    assert recent.get("a") is None
    now.at += 0.1
    recent.keep("a", "closed", read_at=now())
    assert recent.get("a") == "closed"


def test_after_the_stream_broke_nothing_from_before_is_believed_for_longer(recent: Recent[str], now: Time) -> None:
    recent.opened()
    recent.keep("a", "open", read_at=now())
    recent.sure(now())
    now.at += 0.6
    recent.lost()
    assert recent.get("a") is None
    recent.opened()
    recent.sure(now())
    assert recent.get("a") is None


def test_memory_is_bounded_and_what_it_has_forgotten_is_not_guessed(now: Time) -> None:
    recent: Recent[str] = Recent(unwatched_s=0.5, most=3, monotonic=now)
    early = now()
    for name in "abcd":
        now.at += 0.01
        recent.keep(name, "open", read_at=now())
        recent.changed(name)
    recent.keep("a", "open", read_at=early)  # its change was forgotten; that it was early is known all the same
    assert recent.last("a") is None
    for name in "abcd":
        now.at += 0.01
        recent.keep(name, "open", read_at=now())
    assert [recent.last(name) for name in "abcd"] == [None, "open", "open", "open"]


@pytest.fixture
def slow() -> Recent[int]:
    """Believes nothing by itself, so that what it says comes of being told."""
    return Recent(unwatched_s=0.0)


async def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.01)


async def test_another_processs_change_is_told(store: Store, mongodb_uri: str, slow: Recent[int]) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": "a", "n": 1})
    await things.insert_one({"_id": "b", "n": 1})
    async with watching(store, {"things": slow}):

        def kept() -> bool:
            for name in "ab":
                slow.keep(name, 1, read_at=slow.now())
            return slow.get("a") == 1

        await _until(kept)
        await asyncio.sleep(1.0)
        assert slow.get("a") == slow.get("b") == 1, "nothing changed, and the database goes on saying so"
        await things.update_one({"_id": "a"}, {"$set": {"n": 2}})
        await _until(lambda: slow.get("a") is None)
        assert slow.get("b") == 1
        await things.delete_one({"_id": "b"})
        await _until(lambda: slow.get("b") is None)
    slow.keep("a", 2, read_at=slow.now())
    assert slow.get("a") is None, "nobody tells any more"
