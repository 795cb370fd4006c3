"""The calendar as an agency: the right day, the right person, once, and not what is provably not theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from foundation.clock import FrozenClock, start_of
from foundation.dates import PartialDate
from foundation.errors import Unavailable
from foundation.language import Text
from foundation.store import Document, Store
from foundation.telemetry import Metrics
from lifeevents import agenda as agendas
from lifeevents import catalogue as catalogues
from lifeevents import intake as intakes
from lifeevents.agenda import Agenda
from lifeevents.catalogue import Catalogue
from lifeevents.intake import Intake, opened
from lifeevents.register import Child, PersonFacts
from lifeevents.rules.calendar import turns
from lifeevents.rules.engine import Engine
from notifications.ledger import Ledger
from trust import people as people_module
from trust.people import People, PersonId
from trust.secrets import Vault

PID, CHILD_PID, OTHER_PID = "1000000000009", "1000000000017", "1000000000025"
NOBODY = PersonFacts(known={})
SIXTIETH = ["elderly_fund_loan", "elderly_travel_discount.n1"]


def pid(number: int) -> str:
    """The identity number of the office 0000 with this number and its check digit."""
    twelve = f"10000{number:07}"
    total = sum(int(digit) * weight for digit, weight in zip(twelve, range(13, 1, -1), strict=True))
    return twelve + str((11 - total % 11) % 10)


@dataclass
class Registry:
    """What the register says, as a test wants it."""

    held: dict[PersonId, PersonFacts] = field(default_factory=dict)
    is_down: bool = False
    asked: int = 0

    async def facts(
        self, person: PersonId, *, wanted: Collection[str] = (), with_children: bool = False
    ) -> PersonFacts:
        self.asked += 1
        if self.is_down:
            raise Unavailable("dopa gave no answer: AGENCY_TIMEOUT")
        return self.held.get(person, NOBODY)

    def say(self, person: PersonId, birth: date | PartialDate, *children: Child, **known: Any) -> None:
        facts = {"person.birth_date": birth, "person.alive": True, "person.nationality": "thai"}
        facts |= {f"person.{name}": value for name, value in known.items()}
        called = Text(th="กานดา", en="Kanda")
        self.held[person] = PersonFacts(known=facts, called=called, children=tuple(children))

    def add(self, person: PersonId, known: dict[str, Any], **more: Any) -> None:
        held = self.held[person]
        self.held[person] = replace(held, known={**held.known, **known}, **more)


@dataclass
class Scene:
    agenda: Agenda
    registry: Registry
    clock: FrozenClock
    store: Store
    people: People
    vault: Vault
    me: PersonId
    hushed: list[PersonId]

    async def planned(self, birth: date | PartialDate, *children: Child, **known: Any) -> None:
        self.registry.say(self.me, birth, *children, **known)
        await self.agenda.wake(self.me)
        await self.agenda.run_once(100)

    def moved_to(self, day: date) -> None:
        self.clock.moment = start_of(day) + timedelta(hours=9)

    async def items(self, **where: Any) -> list[Document]:
        found = self.store.collection(agendas.AGENDA).find({"kind": "due", **where}).sort("starts", 1)
        return [one async for one in found]

    async def days(self, **where: Any) -> dict[str, str]:
        return {one["rule"]: one["day"] for one in await self.items(**where)}

    async def told(self) -> list[dict[str, Any]]:
        found = self.store.collection(intakes.EVENTS).find({}).sort("received_at", 1)
        return [await opened(one, people=self.people, vault=self.vault) async for one in found]

    async def told_rules(self) -> list[str]:
        return sorted(one["notification"] for one in await self.told())


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogues.load()


@pytest.fixture
async def scene(store: Store, vault: Vault, frozen: FrozenClock, catalogue: Catalogue) -> AsyncIterator[Scene]:
    await store.open((*people_module.INDEXES, *intakes.INDEXES, *agendas.INDEXES))
    people, registry, hushed = People(store, vault, clock=frozen), Registry(), list[PersonId]()

    async def hush(person: PersonId, _why: str) -> int:
        hushed.append(person)
        return 0

    intake = Intake(
        store, Ledger(store, intakes.EVENTS, clock=frozen), people, vault, catalogue, clock=frozen, metrics=Metrics()
    )
    agenda = Agenda(
        store, Ledger(store, agendas.AGENDA, clock=frozen), Ledger(store, agendas.CELLS, clock=frozen),
        catalogue=catalogue, engine=Engine(catalogue), people=people, facts=registry, intake=intake, hush=hush,
        clock=frozen, metrics=Metrics(),
    )  # fmt: skip
    me = (await people.ensure(PID)).id
    await people.signed_in(me)

    yield Scene(agenda, registry, frozen, store, people, vault, me, hushed)
    await intake.close()


async def a_child(scene: Scene, birth: date, **known: Any) -> Child:
    person = (await scene.people.ensure(CHILD_PID)).id
    scene.registry.say(person, birth, **known)
    return Child(person=person, known={"person.birth_date": birth})


# ---- planning


async def test_the_days_ahead_follow_from_the_birth_date(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10), sex="female")

    assert await scene.days() == {
        "old_age_allowance.n1": "2027-06-09",
        "elderly_travel_discount.n1": "2027-05-10",
        "elderly_fund_loan": "2027-05-10",  # has no notice of its own: told as such on the day from which it is theirs
        "elderly_tax_exemption.n1": "2032-05-10",
    }


async def test_one_born_on_29_february_turns_60_on_a_29_february_and_65_on_1_march(scene: Scene) -> None:
    await scene.planned(date(1968, 2, 29))

    days = await scene.days()
    assert (days["elderly_travel_discount.n1"], days["elderly_tax_exemption.n1"]) == ("2028-02-29", "2033-03-01")


@pytest.mark.parametrize(
    ("birth", "day"),
    [
        (PartialDate(date(1967, 5, 1), "MONTH"), "2027-05-01"),
        (PartialDate(date(1967, 1, 1), "YEAR"), "2027-01-01"),
    ],
)  # fmt: skip
async def test_a_birth_date_that_is_partly_known_counts_from_its_first_day(
    scene: Scene, birth: PartialDate, day: str
) -> None:
    await scene.planned(birth)

    assert (await scene.days())["elderly_travel_discount.n1"] == day


@pytest.mark.parametrize(
    ("birth", "opens"),
    [
        (date(1966, 9, 1), "2024-10-01"), (date(1966, 9, 2), "2025-10-01"), (date(1967, 9, 1), "2025-10-01"),
        (date(1967, 9, 2), "2026-10-01"),
    ],
)  # fmt: skip
async def test_registration_for_the_old_age_allowance_opens_for_a_birth_window(
    scene: Scene, birth: date, opens: str
) -> None:
    scene.moved_to(date(2020, 1, 1))
    await scene.planned(birth)

    assert (await scene.days())["old_age_allowance_registration.n1"] == opens


async def test_military_duties_are_for_men_and_by_the_year(scene: Scene) -> None:
    scene.moved_to(date(2025, 1, 1))
    await scene.planned(date(2009, 12, 31), sex="male")
    days = await scene.days()

    assert days["military_list_registration.n1"] == "2026-01-01"
    assert days["military_list_registration.n2"] == "2026-11-01"
    assert days["military_call_up.n1"] == "2029-10-01"
    assert days["military_selection.n1"] == "2030-01-31"

    await scene.planned(date(2009, 12, 31), sex="female")
    assert not any(rule.startswith("military") for rule in await scene.days(state="waiting"))


async def test_what_lies_in_the_past_is_not_planned(scene: Scene) -> None:
    await scene.planned(date(1940, 1, 1))

    assert await scene.items() == []


async def test_a_birthday_today_is_planned_and_told_today(scene: Scene) -> None:
    await scene.planned(date(1966, 11, 21))
    await scene.agenda.run_once(100)

    assert "elderly_travel_discount.n1" in await scene.told_rules()


async def test_two_people_of_one_cell_born_on_one_day_each_have_days_of_their_own(scene: Scene) -> None:
    """Ids begin with the person's cell, which one in 256 shares."""
    cells: dict[str, list[PersonId]] = {}
    for number in range(100, 180):
        one = (await scene.people.ensure(pid(number))).id
        cells.setdefault(one[:2], []).append(one)
    one, other = next(people for people in cells.values() if len(people) > 1)[:2]

    for person in (one, other):
        scene.registry.say(person, date(1966, 12, 1))
        await scene.people.signed_in(person)
        await scene.agenda.wake(person)
    await scene.agenda.run_once(100)

    planned = [len(await scene.items(person=person)) for person in (one, other)]
    assert planned[0] == planned[1] > 0


async def test_without_a_birth_date_there_is_nothing_to_plan(scene: Scene) -> None:
    scene.registry.held[scene.me] = PersonFacts(known={"person.alive": True})
    await scene.agenda.wake(scene.me)

    assert await scene.agenda.run_once(10) == 1
    assert await scene.items() == []


async def test_who_never_signed_in_is_not_planned_for(scene: Scene) -> None:
    stranger = (await scene.people.ensure(OTHER_PID)).id
    scene.registry.say(stranger, date(1967, 5, 10))

    await scene.agenda.wake(stranger)
    await scene.agenda.run_once(10)

    assert await scene.items() == []
    assert scene.registry.asked == 0


async def test_a_plan_is_made_again_after_thirty_days(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    assert await scene.agenda.run_once(10) == 0

    scene.clock.advance(timedelta(days=30))
    assert await scene.agenda.run_once(10) == 1
    assert len(await scene.items()) == 4


async def test_a_corrected_birth_date_supersedes(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    await scene.planned(date(1967, 8, 20))

    waiting, withdrawn = await scene.days(state="waiting"), await scene.days(state="withdrawn")
    assert waiting["elderly_travel_discount.n1"] == "2027-08-20"
    assert withdrawn["elderly_travel_discount.n1"] == "2027-05-10"

    await scene.planned(date(1967, 5, 10))
    assert (await scene.days(state="waiting"))["elderly_travel_discount.n1"] == "2027-05-10"


async def test_a_register_that_is_down_leaves_the_plan_and_is_asked_again(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.registry.is_down = True
    await scene.agenda.wake(scene.me)
    await scene.agenda.run_once(10)
    assert len(await scene.items(state="waiting")) == 4

    scene.registry.is_down = False
    scene.clock.advance(timedelta(minutes=16))
    assert await scene.agenda.run_once(10) == 1


# ---- telling


async def test_on_its_day_it_becomes_an_event(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.moved_to(date(2027, 5, 9))
    await scene.agenda.run_once(100)
    assert await scene.told() == []

    scene.moved_to(date(2027, 5, 10))
    await scene.agenda.run_once(100)

    (item,) = await scene.items(rule="elderly_travel_discount.n1")
    found = scene.store.collection(intakes.EVENTS).find({"event_id": item["_id"]})
    (event,) = [one async for one in found]
    assert (event["type"], event["source"], event["event_id"]) == (
        "th.calendar.right.due", "urn:tangrat:calendar", item["_id"],
    )  # fmt: skip
    assert event["person"] == scene.me
    assert await opened(event, people=scene.people, vault=scene.vault) == {
        "citizen_id": PID, "service": "elderly_travel_discount", "occurrence": "2027-05-10", "day": "2027-05-10",
        "notification": "elderly_travel_discount.n1", "group": "calendar 2027-05-10",
    }  # fmt: skip
    assert item["receipt"] == f"told: {event['_id']}"


async def test_midnight_is_bangkoks(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))

    scene.clock.moment = datetime(2027, 5, 9, 16, 59, tzinfo=UTC)
    await scene.agenda.run_once(100)
    assert await scene.told() == []

    scene.clock.moment = datetime(2027, 5, 9, 17, 0, tzinfo=UTC)
    await scene.agenda.run_once(100)
    assert await scene.told_rules() == SIXTIETH


async def test_it_is_told_once_however_often_it_runs(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.moved_to(date(2027, 5, 10))

    await asyncio.gather(*(scene.agenda.run_once(100) for _ in range(8)))
    await scene.agenda.wake(scene.me)
    await scene.agenda.run_once(100)
    await scene.agenda.run_once(100)

    assert await scene.told_rules() == SIXTIETH


async def test_one_that_was_recorded_and_not_settled_is_told_once(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.moved_to(date(2027, 5, 10))
    await scene.agenda.run_once(100)
    again = {"$set": {"state": "waiting", "due": scene.clock.now()}, "$unset": {"receipt": ""}}
    await scene.store.collection(agendas.AGENDA).update_many({"state": "done"}, again)
    scene.clock.advance(timedelta(hours=1))

    await scene.agenda.run_once(100)

    assert await scene.told_rules() == SIXTIETH


async def test_a_day_that_passed_while_all_was_down_is_still_told(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.moved_to(date(2027, 5, 30))
    await scene.agenda.run_once(100)

    assert "elderly_travel_discount.n1" in await scene.told_rules()


async def test_what_is_thirty_days_late_is_not_told(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.moved_to(date(2027, 6, 9))
    await scene.agenda.run_once(100)

    (item,) = await scene.items(rule="elderly_travel_discount.n1")
    assert item["state"] == "expired"
    assert "elderly_travel_discount.n1" not in await scene.told_rules()


async def test_a_state_pensioner_is_not_told_of_the_allowance(scene: Scene) -> None:
    await scene.planned(date(1967, 10, 10), in_house_register=True, state_pensioner=True)
    scene.moved_to(date(2027, 11, 9))
    await scene.agenda.run_once(100)

    (item,) = await scene.items(rule="old_age_allowance.n1")
    assert item["receipt"] == "not told: the conditions are not met"
    assert "old_age_allowance.n1" not in await scene.told_rules()


TO_REGISTER: dict[str, Any] = {
    "in_house_register": True, "state_pensioner": False, "old_age_allowance_registered": False,
}  # fmt: skip


async def test_registration_opens_on_1_october(scene: Scene) -> None:
    scene.moved_to(date(2025, 9, 1))
    await scene.planned(date(1967, 3, 3), **TO_REGISTER)
    scene.moved_to(date(2025, 10, 1))
    await scene.agenda.run_once(100)

    assert await scene.told_rules() == ["old_age_allowance_registration.n1"]


async def test_what_is_not_known_is_not_told_unless_it_says_may(scene: Scene) -> None:
    scene.moved_to(date(2021, 1, 1))
    await scene.planned(date(1967, 5, 10), in_house_register=True)
    scene.registry.add(scene.me, {"sso.section": "33"})
    scene.moved_to(date(2022, 5, 10))
    await scene.agenda.run_once(100)

    assert await scene.told_rules() == ["sso_old_age_lump_sum.n1"]
    (item,) = await scene.items(rule="sso_old_age_pension.n2")
    assert item["receipt"] == "not told: not known: sso.insured_status_ended, sso.months_total"


@pytest.mark.parametrize("known", [{"nationality": "other"}, {"in_house_register": False}, {"state_pensioner": True}])
async def test_registration_is_not_told_to_whom_it_is_provably_closed(scene: Scene, known: dict[str, Any]) -> None:
    scene.moved_to(date(2025, 9, 1))
    await scene.planned(date(1967, 3, 3), **(TO_REGISTER | known))
    scene.moved_to(date(2025, 10, 1))
    await scene.agenda.run_once(100)

    assert await scene.told() == []


async def test_what_is_told_ahead_is_judged_by_the_day_it_begins_on(scene: Scene) -> None:
    scene.moved_to(date(2021, 1, 1))
    await scene.planned(date(1967, 5, 10))
    ended = {"sso.insured_status_ended": True, "sso.months_total": 200, "sso.section": "none"}
    scene.registry.add(scene.me, ended)
    scene.moved_to(date.fromisoformat((await scene.days())["sso_old_age_pension.n1"]))
    await scene.agenda.run_once(100)

    assert scene.clock.today() < turns(date(1967, 5, 10), 55)
    assert await scene.told_rules() == ["sso_old_age_pension.n1"]


async def test_whoever_was_never_insured_hears_nothing_of_the_fund(scene: Scene) -> None:
    scene.moved_to(date(2021, 1, 1))
    await scene.planned(date(1967, 5, 10))
    scene.registry.add(scene.me, {"sso.section": "none", "sso.months_total": 0})
    scene.moved_to(date(2022, 5, 10))
    await scene.agenda.run_once(100)

    assert [one for one in await scene.told_rules() if "55" in one or "sso" in one] == []


async def test_what_rests_on_a_sensitive_fact_that_is_unknown_is_not_told(scene: Scene) -> None:
    await scene.planned(date(2009, 5, 10), sex="female")
    scene.moved_to(date.fromisoformat((await scene.days())["disability_allowance.n2"]))
    await scene.agenda.run_once(100)

    (item,) = await scene.items(rule="disability_allowance.n2")
    assert item["receipt"] == "not told: it rests on a sensitive fact that is not known"
    assert await scene.told() == []


async def test_an_agency_that_is_down_delays_and_does_not_decide(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.moved_to(date(2027, 5, 10))
    scene.registry.is_down = True
    for _ in range(20):
        await scene.agenda.run_once(100)
        scene.clock.advance(timedelta(minutes=16))
    assert await scene.told() == []

    scene.registry.is_down = False
    await scene.agenda.run_once(100)
    assert await scene.told_rules() == SIXTIETH


async def test_a_date_corrected_since_is_noticed_on_the_day(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.registry.say(scene.me, date(1967, 5, 12))
    scene.moved_to(date(2027, 5, 10))
    await scene.agenda.run_once(100)
    await scene.agenda.run_once(100)
    assert await scene.told() == []

    scene.moved_to(date(2027, 5, 12))
    await scene.agenda.run_once(100)
    assert await scene.told_rules() == SIXTIETH


# ---- death


async def test_a_dead_person_is_told_nothing_and_all_that_waits_is_cancelled(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    scene.registry.say(scene.me, date(1967, 5, 10), alive=False)
    scene.moved_to(date(2027, 5, 10))
    await scene.agenda.run_once(100)

    assert await scene.told() == []
    assert {one["state"] for one in await scene.items()} <= {"withdrawn", "done"}
    assert await scene.agenda.died([scene.me]) == {scene.me}


async def test_a_death_that_is_reported_cancels_at_once(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))

    assert await scene.agenda.cancel(scene.me, why="the person died") == 4
    assert scene.hushed == [scene.me]
    assert await scene.items(state="waiting") == []
    scene.moved_to(date(2027, 5, 10))
    assert await scene.agenda.run_once(100) == 0


async def test_a_death_that_was_none_is_undone_when_they_sign_in(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    await scene.agenda.cancel(scene.me, why="the person died")

    await scene.agenda.wake(scene.me)
    await scene.agenda.run_once(100)

    assert await scene.agenda.died([scene.me]) == set()
    assert len(await scene.items(state="waiting")) == 4


async def test_a_dead_child_is_not_spoken_of(scene: Scene) -> None:
    child = await a_child(scene, date(2020, 5, 10))
    await scene.planned(date(1990, 1, 1), child, sex="female")
    assert await scene.items(about=child.person)

    await scene.agenda.cancel(child.person, why="the person died")

    assert await scene.items(about=child.person, state="waiting") == []


# ---- children


async def test_a_young_childs_days_are_told_to_the_parent_by_name(scene: Scene) -> None:
    child = await a_child(scene, date(2020, 5, 10), in_house_register=True, id_card_status="never")
    await scene.planned(date(1990, 1, 1), child, sex="female")
    assert {one["rule"]: one["day"] for one in await scene.items(about=child.person)} == {
        "first_id_card.n1": "2027-04-10", "child_turns_7": "2027-05-10", "first_id_card.n2": "2027-06-24",
    }  # fmt: skip

    scene.moved_to(date(2027, 4, 10))
    await scene.agenda.run_once(100)

    (told,) = await scene.told()
    assert (told["citizen_id"], told["about_citizen_id"], told["notification"]) == (PID, CHILD_PID, "first_id_card.n1")
    (item,) = await scene.items(rule="first_id_card.n1")
    assert await scene.agenda.called(item["_id"], scene.me) == Text(th="กานดา", en="Kanda")
    assert await scene.agenda.called(item["_id"], child.person) is None
    assert "กานดา" not in str(item)


async def test_the_reminder_is_not_told_once_the_card_is_there(scene: Scene) -> None:
    child = await a_child(scene, date(2020, 5, 10), in_house_register=True, id_card_status="valid")
    await scene.planned(date(1990, 1, 1), child, sex="female")
    scene.moved_to(date(2027, 6, 24))
    await scene.agenda.run_once(100)

    assert await scene.told() == []


async def test_an_older_child_is_told_themself(scene: Scene) -> None:
    child = await a_child(scene, date(2009, 5, 10))
    await scene.planned(date(1980, 1, 1), child, sex="female")

    assert await scene.items(about=child.person) == []


async def test_both_parents_are_told(scene: Scene) -> None:
    child = await a_child(scene, date(2020, 5, 10))
    other = (await scene.people.ensure(OTHER_PID)).id
    await scene.people.signed_in(other)
    for parent in (scene.me, other):
        scene.registry.say(parent, date(1990, 1, 1), child, sex="female")
        await scene.agenda.wake(parent)
    await scene.agenda.run_once(100)

    assert {one["person"] for one in await scene.items(rule="child_turns_7")} == {scene.me, other}


async def test_a_child_with_an_account_is_still_spoken_of_to_the_parents(scene: Scene) -> None:
    await scene.planned(date(2020, 5, 10), sex="male")

    assert "child_turns_7" not in await scene.days()
    assert "turning_18" in await scene.days()


async def test_an_erased_person_is_not_told(scene: Scene) -> None:
    await scene.planned(date(1967, 5, 10))
    await scene.people.erase(scene.me)
    scene.moved_to(date(2027, 5, 10))
    await scene.agenda.run_once(100)

    (item,) = await scene.items(rule="elderly_travel_discount.n1")
    assert item["receipt"] == "not told: the person's data was erased"
