from __future__ import annotations

from trust.limits import RateLimit


class Watch:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_pass_in_a_window_and_then_one_waits() -> None:
    watch = Watch()
    limit = RateLimit(most=3, window_s=10, monotonic=watch)

    passed = []
    for _ in range(4):
        passed.append(limit.admit("a"))
        watch.now += 1

    assert passed == [None, None, None, 7.0]
    assert limit.admit("b") is None


def test_the_window_slides() -> None:
    watch = Watch()
    limit = RateLimit(most=2, window_s=10, monotonic=watch)
    assert limit.admit("a") is None
    watch.now += 9
    assert limit.admit("a") is None

    watch.now += 1
    assert limit.admit("a") is None
    assert limit.admit("a") == 9.0


def test_who_is_refused_is_not_kept_waiting_for_it() -> None:
    watch = Watch()
    limit = RateLimit(most=1, window_s=10, monotonic=watch)
    limit.admit("a")
    for _ in range(20):
        watch.now += 0.4
        assert limit.admit("a") is not None

    watch.now += 2.5
    assert limit.admit("a") is None


def test_its_memory_is_bounded() -> None:
    limit = RateLimit(most=1, window_s=10, monotonic=Watch())

    for number in range(30_000):
        limit.admit(str(number))

    assert len(limit._asked) == 20_000
