"""One token for all who come to the same door."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agencies.badge import Badge, Token
from agencies.trouble import AgencyRefused


class Office:
    """Hands out t1, t2, …, or refuses."""

    def __init__(self) -> None:
        self.given = 0
        self.refuses = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> Token:
        await self.gate.wait()
        if self.refuses:
            raise AgencyRefused("no")
        self.given += 1
        return Token(value=f"t{self.given}", good_for_s=60)


@pytest.fixture
def office():
    return Office()


async def test_all_who_come_at_once_get_the_same_token(office, frozen):
    badge = Badge(office.fetch, clock=frozen)

    assert set(await asyncio.gather(*(badge.show() for _ in range(20)))) == {"t1"}
    assert office.given == 1


async def test_a_token_is_shown_until_its_time_is_up(office, frozen):
    badge = Badge(office.fetch, clock=frozen)
    await badge.show()

    frozen.advance(timedelta(seconds=59))
    assert await badge.show() == "t1"
    frozen.advance(timedelta(seconds=1))
    assert await badge.show() == "t2"


async def test_a_sliding_token_lives_from_its_last_use(office, frozen):
    badge = Badge(office.fetch, clock=frozen, is_sliding=True)
    for _ in range(5):
        assert await badge.show() == "t1"
        frozen.advance(timedelta(seconds=59))
    frozen.advance(timedelta(seconds=1))

    assert await badge.show() == "t2"


async def test_a_refused_token_is_replaced_once_however_many_were_refused_with_it(office, frozen):
    badge = Badge(office.fetch, clock=frozen)
    old = await badge.show()

    for _ in range(3):
        badge.refused(old)
        assert await badge.show() == "t2"
    assert office.given == 2


async def test_who_gives_up_waiting_does_not_stop_the_fetch(office, frozen):
    office.gate.clear()
    badge = Badge(office.fetch, clock=frozen)
    gone, stays = asyncio.create_task(badge.show()), asyncio.create_task(badge.show())
    await asyncio.sleep(0)

    gone.cancel()
    await asyncio.sleep(0)
    office.gate.set()

    assert await stays == "t1"


async def test_a_refusal_is_told_to_all_who_waited_and_the_next_one_tries_again(office, frozen):
    office.refuses = True
    badge = Badge(office.fetch, clock=frozen)

    told = await asyncio.gather(badge.show(), badge.show(), return_exceptions=True)
    office.refuses = False

    assert [type(one) for one in told] == [AgencyRefused, AgencyRefused]
    assert await badge.show() == "t1"


def test_a_token_does_not_print():
    assert "t1" not in repr(Token(value="t1", good_for_s=1))
