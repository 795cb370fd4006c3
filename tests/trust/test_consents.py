"""What a person allows and takes back: at once here, within a second elsewhere, and never half."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from foundation.clock import FrozenClock
from foundation.errors import BadInput, Conflict, NotFound, TooMany, Unavailable
from foundation.store import Store
from trust.consents import PROACTIVE_SENSITIVE, SHOW_MY_DATA, Consents
from trust.people import People, PersonId
from trust.secrets import Vault

AGENCIES = ("sso", "nhso", "dopa")
OWN, TASK = "DATA_SUBJECT_REQUEST", "PUBLIC_TASK"


@pytest.fixture
def people(store: Store, vault: Vault, frozen: FrozenClock) -> People:
    return People(store, vault, clock=frozen)


@pytest.fixture
async def person(people: People) -> PersonId:
    return (await people.ensure("1000000000019")).id


@pytest.fixture
async def other(people: People) -> PersonId:
    return (await people.ensure("1000000000027")).id


@pytest.fixture
def process(store: Store, people: People, frozen: FrozenClock) -> Callable[..., Consents]:
    """Another process over the same database."""

    def begin(**other: Any) -> Consents:
        return Consents(**{"store": store, "people": people, "agencies": AGENCIES, "clock": frozen, **other})

    return begin


@pytest.fixture
def consents(process: Callable[..., Consents]) -> Consents:
    return process()


async def within_a_second(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds; the requirement says within a second."""
    until = time.monotonic() + 1
    while not await holds():
        assert time.monotonic() < until, "not within a second"
        await asyncio.sleep(0.02)


# What holds before anybody said anything, and after


@pytest.mark.parametrize(
    ("ground", "is_sensitive", "refusal"),
    [(OWN, False, None), (OWN, True, None), (TASK, False, None), (TASK, True, "CONSENT_NOT_GIVEN")],
)
async def test_who_said_nothing_sees_their_own_and_is_told_of_nothing_sensitive(
    consents: Consents, person: PersonId, ground: str, is_sensitive: bool, refusal: str | None
) -> None:
    assert await consents.refusal(person, "sso", ground=ground, is_sensitive=is_sensitive) == refusal
    assert (await consents.of(person)).void_before("sso") is None


@pytest.mark.parametrize("ground", [OWN, TASK, "CONSENT"])
@pytest.mark.parametrize("is_sensitive", [False, True])
async def test_an_agency_withdrawn_is_asked_by_nobody_until_it_is_given_back(
    consents: Consents, person: PersonId, ground: str, is_sensitive: bool
) -> None:
    await consents.give(person, "sso", PROACTIVE_SENSITIVE, app="app")
    await consents.withdraw(person, "sso", SHOW_MY_DATA, app="app")

    assert await consents.refusal(person, "sso", ground=ground, is_sensitive=is_sensitive) == "CONSENT_WITHDRAWN"
    assert await consents.refusal(person, "nhso", ground=ground, is_sensitive=False) is None

    await consents.give(person, "sso", SHOW_MY_DATA, app="app")
    assert await consents.refusal(person, "sso", ground=ground, is_sensitive=False) is None


async def test_sensitive_facts_are_used_where_the_person_said_yes_and_only_there(
    consents: Consents, person: PersonId
) -> None:
    given = await consents.give(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    assert given.state == "GIVEN"
    assert await consents.refusal(person, "nhso", ground=TASK, is_sensitive=True) is None
    assert await consents.refusal(person, "sso", ground=TASK, is_sensitive=True) == "CONSENT_NOT_GIVEN"

    withdrawn = await consents.withdraw(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    assert withdrawn.state == "WITHDRAWN"
    assert await consents.refusal(person, "nhso", ground=TASK, is_sensitive=True) == "CONSENT_NOT_GIVEN"
    assert await consents.refusal(person, "nhso", ground=OWN, is_sensitive=True) is None


async def test_an_agency_given_back_does_not_bring_its_sensitive_facts_with_it(
    consents: Consents, person: PersonId
) -> None:
    await consents.give(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    await consents.withdraw(person, "nhso", SHOW_MY_DATA, app="app")

    with pytest.raises(Conflict) as barred:
        await consents.give(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    assert barred.value.th != barred.value.message
    await consents.give(person, "nhso", SHOW_MY_DATA, app="app")

    state = await consents.of(person)
    assert (state.withdrawn("nhso"), state.opted_in("nhso")) == (False, False)
    assert state.of("nhso", PROACTIVE_SENSITIVE).state == "WITHDRAWN"


async def test_a_yes_to_an_older_wording_is_asked_for_again(
    consents: Consents, person: PersonId, monkeypatch: pytest.MonkeyPatch
) -> None:
    await consents.give(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    await consents.withdraw(person, "sso", SHOW_MY_DATA, app="app")

    monkeypatch.setattr("trust.consents.TEXT_VERSION", "2")

    state = await consents.of(person)
    assert not state.opted_in("nhso")
    assert state.of("nhso", PROACTIVE_SENSITIVE).state == "NOT_GIVEN"
    assert state.withdrawn("sso")  # a no stays a no
    await consents.give(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    assert (await consents.of(person)).opted_in("nhso")


async def test_one_persons_wishes_are_nobody_elses(consents: Consents, person: PersonId, other: PersonId) -> None:
    await consents.withdraw(person, "sso", SHOW_MY_DATA, app="app")

    assert await consents.refusal(other, "sso", ground=OWN, is_sensitive=False) is None
    assert await consents.history(other) == []


# Twice, at once, and across processes


async def test_said_twice_is_said_once(consents: Consents, person: PersonId, frozen: FrozenClock) -> None:
    first = await consents.withdraw(person, "sso", SHOW_MY_DATA, app="app")
    frozen.advance(timedelta(hours=1))
    again = await consents.withdraw(person, "sso", SHOW_MY_DATA, app="web")

    assert again == first
    assert first.since == frozen.now() - timedelta(hours=1)
    # Withdrawing an agency withdraws the use of its sensitive facts.
    assert [(one.purpose, one.state) for one in await consents.history(person)] == [
        (PROACTIVE_SENSITIVE, "WITHDRAWN"), (SHOW_MY_DATA, "WITHDRAWN"),
    ]  # fmt: skip


async def test_giving_what_was_never_taken_writes_nothing(consents: Consents, person: PersonId, store: Store) -> None:
    told = await consents.give(person, "sso", SHOW_MY_DATA, app="app")

    assert (told.state, told.since) == ("GIVEN", None)
    assert await store.collection("consents").find_one({}) is None


async def test_the_same_withdrawn_by_many_at_once_is_withdrawn_once(
    process: Callable[..., Consents], person: PersonId
) -> None:
    processes = [process() for _ in range(6)]

    told = await asyncio.gather(*(one.withdraw(person, "sso", PROACTIVE_SENSITIVE, app="app") for one in processes))

    assert {one.state for one in told} == {"WITHDRAWN"}
    assert len(await processes[0].history(person)) == 1


async def test_different_wishes_at_once_are_all_kept(process: Callable[..., Consents], people: People) -> None:
    """Also where each of them would be the first to write anything of this person."""
    processes = [process() for _ in range(3)]
    for number in range(15):
        person = (await people.ensure(f"10000{number:08}")).id

        await asyncio.gather(
            *(one.withdraw(person, code, SHOW_MY_DATA, app="app")
              for one, code in zip(processes, AGENCIES, strict=True)),
            *(one.forget(person, "dopa") for one in processes),
        )  # fmt: skip

        state = await process().of(person)
        assert [state.withdrawn(code) for code in AGENCIES] == [True] * 3
        assert len(await processes[0].history(person)) == 6


async def test_a_wish_and_its_opposite_at_once_leave_one_of_them(
    process: Callable[..., Consents], person: PersonId
) -> None:
    one, two = process(), process()
    for _ in range(5):
        await one.give(person, "nhso", PROACTIVE_SENSITIVE, app="app")
        await asyncio.gather(
            one.withdraw(person, "nhso", SHOW_MY_DATA, app="app"),
            two.give(person, "nhso", PROACTIVE_SENSITIVE, app="app"),
            return_exceptions=True,
        )
        state = await process().of(person)
        assert state.withdrawn("nhso")
        assert not state.opted_in("nhso")
        await two.give(person, "nhso", SHOW_MY_DATA, app="app")


async def test_a_change_holds_here_at_once_and_elsewhere_within_a_second(
    process: Callable[..., Consents], person: PersonId
) -> None:
    here, there = process(), process()
    assert not (await there.of(person)).withdrawn("sso")

    await here.withdraw(person, "sso", SHOW_MY_DATA, app="app")
    assert (await here.of(person)).withdrawn("sso")

    async def is_seen() -> bool:
        return (await there.of(person)).withdrawn("sso")

    await within_a_second(is_seen)

    await there.give(person, "sso", SHOW_MY_DATA, app="app")
    assert not (await there.of(person)).withdrawn("sso")

    async def is_back() -> bool:
        return not (await here.of(person)).withdrawn("sso")

    await within_a_second(is_back)


async def test_a_read_under_way_does_not_bring_back_what_was_changed_meanwhile(
    process: Callable[..., Consents], person: PersonId
) -> None:
    now = [0.0]
    here = process(monotonic=lambda: now[0])
    for number in range(80):
        change = here.withdraw if number % 2 == 0 else here.give
        changing = asyncio.create_task(change(person, "sso", SHOW_MY_DATA, app="app"))
        await asyncio.sleep(number % 20 * 0.0002)
        now[0] += 1  # what is kept is too old now, and is read anew
        reads = [asyncio.create_task(here.of(person)) for _ in range(60)]
        await asyncio.gather(changing, *reads)
        assert (await here.of(person)).withdrawn("sso") == (number % 2 == 0)


async def test_in_half_a_second_the_database_is_asked_once(
    process: Callable[..., Consents], person: PersonId, store: Store
) -> None:
    now = [0.0]
    consents = process(monotonic=lambda: now[0])
    await consents.of(person)
    await store.collection("consents").insert_one(
        {"_id": person, "said": {"sso": {SHOW_MY_DATA: {"state": "WITHDRAWN"}}}}
    )

    now[0] = 0.49
    assert not (await consents.of(person)).withdrawn("sso")
    now[0] = 0.51
    assert (await consents.of(person)).withdrawn("sso")


async def test_it_outlives_a_restart(
    process: Callable[..., Consents], person: PersonId, mongodb_uri: str, store: Store
) -> None:
    await process().withdraw(person, "sso", SHOW_MY_DATA, app="app")
    again = Store(mongodb_uri, database=store.collection("x").database.name)

    state = await process(store=again).of(person)

    assert state.withdrawn("sso")
    await again.close()


async def test_what_can_not_be_read_is_not_allowed(process: Callable[..., Consents], person: PersonId) -> None:
    nowhere = Store("mongodb://127.0.0.1:9/", database="x", deadline_s=0.1)
    consents = process(store=nowhere)

    with pytest.raises(Unavailable) as gone:
        await consents.refusal(person, "sso", ground=OWN, is_sensitive=False)
    assert gone.value.th != gone.value.message
    with pytest.raises(Unavailable):
        await consents.withdraw(person, "sso", SHOW_MY_DATA, app="app")
    await nowhere.close()


# Void answers


async def test_what_an_agency_said_before_is_void_after_a_withdrawal_or_a_change(
    process: Callable[..., Consents], person: PersonId, frozen: FrozenClock
) -> None:
    here, there = process(), process()
    frozen.moment = frozen.moment.replace(microsecond=123)
    asked_before = frozen.now()
    await here.forget(person, "sso")

    async def is_void() -> bool:
        void = (await there.of(person)).void_before("sso")
        return void is not None and asked_before < void

    await within_a_second(is_void)
    assert (await there.of(person)).void_before("nhso") is None

    for purpose in (PROACTIVE_SENSITIVE, SHOW_MY_DATA):
        frozen.advance(timedelta(seconds=1))
        await here.withdraw(person, "nhso", purpose, app="app")
        void = (await here.of(person)).void_before("nhso")
        assert void is not None
        assert void > frozen.now()

    await here.give(person, "nhso", SHOW_MY_DATA, app="app")
    assert (await here.of(person)).void_before("nhso") == void


async def test_a_clock_that_is_behind_makes_nothing_valid_again(
    process: Callable[..., Consents], person: PersonId, frozen: FrozenClock
) -> None:
    behind = FrozenClock(frozen.moment - timedelta(minutes=5))
    await process().forget(person, "sso")
    await process(clock=behind).forget(person, "sso")

    assert (await process().of(person)).void_before("sso") == frozen.now()


# What is kept of it


async def test_every_change_is_kept_with_who_when_where_and_which_wording(
    consents: Consents, person: PersonId, other: PersonId, frozen: FrozenClock
) -> None:
    await consents.give(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    frozen.advance(timedelta(days=1))
    await consents.withdraw(person, "nhso", PROACTIVE_SENSITIVE, app="counter", by=other)

    newest, oldest = await consents.history(person)
    assert (oldest.state, oldest.by, oldest.app, oldest.text_version) == ("GIVEN", person, "app", "1")
    assert (newest.state, newest.by, newest.app, newest.at) == ("WITHDRAWN", other, "counter", frozen.now())


async def test_what_can_not_be_changes_nothing(consents: Consents, person: PersonId, store: Store) -> None:
    for wrong in ("nobody", "", "$set", "a.b", "SSO", "x" * 10_000):
        with pytest.raises(BadInput) as refused:
            await consents.withdraw(person, wrong, SHOW_MY_DATA, app="app")
        assert refused.value.facts["field"] == "agency"
        with pytest.raises(BadInput):
            await consents.forget(person, wrong)
    with pytest.raises(BadInput):
        await consents.give(person, "sso", "EVERYTHING", app="app")  # type: ignore[arg-type] # that is the test
    assert await store.collection("consents").find_one({}) is None


async def test_nothing_more_is_kept_about_somebody_erased_or_unknown(
    consents: Consents, people: People, person: PersonId, store: Store
) -> None:
    await consents.withdraw(person, "sso", SHOW_MY_DATA, app="app")
    before = await store.collection("consents").find_one({})
    await people.erase(person)

    for nobody in (person, PersonId("f" * 32)):
        with pytest.raises(NotFound):
            await consents.give(nobody, "sso", SHOW_MY_DATA, app="app")
    assert await store.collection("consents").find({}).to_list() == [before]
    assert (await consents.of(person)).withdrawn("sso")


async def test_who_changes_their_mind_all_the_time_is_told_to_wait(consents: Consents, person: PersonId) -> None:
    with pytest.raises(TooMany) as refused:
        for number in range(300):
            change = consents.give if number % 2 == 0 else consents.withdraw
            await change(person, "nhso", PROACTIVE_SENSITIVE, app="app")
    assert refused.value.facts["retry_after_s"] > 0
    assert len(await consents.history(person)) == 200
