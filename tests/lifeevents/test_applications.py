"""Requests with agencies: each change noted once and told once, whatever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from foundation.clock import FrozenClock
from foundation.errors import BadInput, NotFound
from foundation.store import Store
from lifeevents import applications as module
from lifeevents.applications import SAID, STATES, Applications, Button, Change, Filed
from notifications import devices as devices_module
from notifications import inbox as inbox_module
from notifications import notifier as notifier_module
from notifications.devices import Devices
from notifications.inbox import Inbox
from notifications.ledger import Ledger
from notifications.notifier import DELIVERIES, Notice, Notifier
from notifications.preferences import Preferences
from trust.people import People, PersonId
from trust.secrets import Vault

PID = "1000000000092"
FILED = Filed(
    kind="food-shop", name="แจ้งจัดตั้งสถานที่จำหน่ายอาหาร", reference_id="r-1", reference_number="อ.1/2569",
    url="https://example.go.th/r/1",
)  # fmt: skip


@dataclass
class Deaths:
    known: set[PersonId] = field(default_factory=set)

    async def died(self, people: Collection[PersonId]) -> set[PersonId]:
        return self.known & set(people)


@dataclass
class Desk:
    """Applications with the inbox that they end in."""

    applications: Applications
    inbox: Inbox
    people: People
    deaths: Deaths
    teller: Any

    async def told(self, pid: str = PID) -> list[str]:
        person = await self.people.ensure(pid)
        return [one.body.en for one in (await self.inbox.page(person.id, first=100)).items]


@pytest.fixture
async def desk(store: Store, people: People, vault: Vault, frozen: FrozenClock) -> Desk:
    await store.open((*module.INDEXES, *inbox_module.INDEXES, *devices_module.INDEXES, *notifier_module.INDEXES))
    inbox, deaths = Inbox(store, people, vault, clock=frozen), Deaths()
    notifier = Notifier(
        inbox=inbox, devices=Devices(store, people, vault, clock=frozen), vault=vault, clock=frozen,
        preferences=Preferences(store, people, clock=frozen), deliveries=Ledger(store, DELIVERIES, clock=frozen),
    )  # fmt: skip
    applications = Applications(store, people, notifier, deaths, clock=frozen)
    return Desk(applications, inbox, people, deaths, notifier)


async def test_a_request_is_seen_followed_and_told(desk: Desk, frozen: FrozenClock) -> None:
    number = await desk.applications.record(PID, FILED, agency="bma")
    frozen.advance(timedelta(days=1))
    button = Button(name="จ่าย", url="https://example.go.th/pay", description=None)
    await desk.applications.update(
        number,
        Change(state="APPROVED_WAITING_PAY_FEE", waiting="WAITING_USER_WORKING", remark="500 บาท", button=button),
        agency="bma",
    )

    person = (await desk.people.ensure(PID)).id
    (one,) = (await desk.applications.page(person)).items
    assert (one.id, one.agency, one.filed) == (number, "bma", FILED)
    assert (one.now.state, one.now.waiting, one.now.remark, one.now.button) == (
        "APPROVED_WAITING_PAY_FEE", "WAITING_USER_WORKING", "500 บาท", button,
    )  # fmt: skip
    assert [(step.state, step.waiting) for step in one.steps] == [
        ("CHECK", None), ("APPROVED_WAITING_PAY_FEE", "WAITING_USER_WORKING"),
    ]  # fmt: skip
    assert one.updated_at - one.filed_at == timedelta(days=1)
    newest, oldest = await desk.told()
    assert SAID["CHECK"].en in oldest
    assert SAID["APPROVED_WAITING_PAY_FEE"].en in newest
    assert "It waits for you" in newest
    assert "500 บาท" in newest


async def test_the_same_report_again_changes_and_tells_nothing(desk: Desk) -> None:
    numbers = [await desk.applications.record(PID, FILED, agency="bma") for _ in range(3)]
    for _ in range(3):
        await desk.applications.update(numbers[0], Change(state="PENDING"), agency="bma")

    person = (await desk.people.ensure(PID)).id
    (one,) = (await desk.applications.page(person)).items
    assert len(set(numbers)) == 1
    assert [step.state for step in one.steps] == ["CHECK", "PENDING"]
    assert len(await desk.told()) == 2


async def test_a_state_that_comes_back_is_news_again(desk: Desk) -> None:
    number = await desk.applications.record(PID, FILED, agency="bma")
    for state in ("PENDING", "CHECK", "PENDING"):
        await desk.applications.update(number, Change(state=state), agency="bma")  # type: ignore[arg-type]  # one of them

    assert len(await desk.told()) == 4


async def test_what_was_written_and_not_told_is_told_by_the_repeat(
    desk: Desk, people: People, store: Store, frozen: FrozenClock
) -> None:
    class Dying:
        """A teller whose process dies."""

        async def tell(self, notice: Notice) -> str:
            raise ConnectionError

    dying = Applications(store, people, Dying(), desk.deaths, clock=frozen)
    with pytest.raises(ConnectionError):
        await dying.record(PID, FILED, agency="bma")
    number = await desk.applications.record(PID, FILED, agency="bma")
    with pytest.raises(ConnectionError):
        await dying.update(number, Change(state="COMPLETED"), agency="bma")
    before = await desk.told()

    await desk.applications.update(number, Change(state="COMPLETED"), agency="bma")

    assert len(before) == 1
    assert len(await desk.told()) == 2


async def test_changes_at_once_are_all_noted(desk: Desk) -> None:
    number = await desk.applications.record(PID, FILED, agency="bma")

    await asyncio.gather(
        *(desk.applications.update(number, Change(state="PENDING", remark=str(at)), agency="bma") for at in range(4))
    )

    person = (await desk.people.ensure(PID)).id
    (one,) = (await desk.applications.page(person)).items
    assert len(one.steps) == 5


async def test_an_agency_changes_its_own_requests_only(desk: Desk) -> None:
    number = await desk.applications.record(PID, FILED, agency="bma")
    other = await desk.applications.record(PID, FILED, agency="lao")
    another = await desk.applications.record(PID, replace(FILED, kind="hotel"), agency="bma")
    assert len({number, other, another}) == 3, "agencies may number each kind of request from one"

    for wrong in (number, "0" * 32, "", "$ne"):
        with pytest.raises(NotFound):
            await desk.applications.update(wrong, Change(state="COMPLETED"), agency="dlt")


async def test_the_dead_are_told_nothing(desk: Desk) -> None:
    desk.deaths.known.add((await desk.people.ensure(PID)).id)

    number = await desk.applications.record(PID, FILED, agency="bma")
    await desk.applications.update(number, Change(state="COMPLETED"), agency="bma")

    assert await desk.told() == []


async def test_only_its_person_sees_a_request_and_nobody_the_database(desk: Desk, people: People, store: Store) -> None:
    number = await desk.applications.record(PID, FILED, agency="bma")
    other = (await people.ensure("1000000000084")).id
    person = (await people.ensure(PID)).id

    kept = str([one async for one in store.collection("applications").find({})])

    assert await desk.applications.get(other, number) is None
    assert (await desk.applications.page(other)).items == ()
    assert (await desk.applications.get(person, number)) is not None
    for told in (FILED.name, "example.go.th", "r-1", "2569", PID):
        assert told not in kept


async def test_pages_lead_on(desk: Desk, frozen: FrozenClock) -> None:
    for number in range(5):
        await desk.applications.record(PID, replace(FILED, reference_id=str(number)), agency="bma")
        frozen.advance(timedelta(seconds=1))
    person = (await desk.people.ensure(PID)).id

    first = await desk.applications.page(person, first=3)
    second = await desk.applications.page(person, first=3, after=first.end_cursor)

    assert [one.filed.reference_id for one in (*first.items, *second.items)] == ["4", "3", "2", "1", "0"]
    with pytest.raises(BadInput):
        await desk.applications.page(person, after="WyJpbmJveCIsIngiLCJ5Il0")


def test_each_state_is_said_in_both_languages() -> None:
    assert set(SAID) == set(STATES)
    assert all(text.en.isascii() and not text.th.isascii() for text in SAID.values())
