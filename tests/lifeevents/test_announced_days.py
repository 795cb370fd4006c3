"""What hangs on days that agencies announce: planned as soon as they are, moved with them, told in time and once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from foundation.clock import FrozenClock, start_of
from foundation.language import Text
from lifeevents import agenda as agendas
from lifeevents.register import Child, Owned, PersonFacts
from notifications.inbox import Entry
from tests.lifeevents.conftest import EventRoad
from tests.lifeevents.test_agenda import pid
from trust.people import PersonId

ELECTION, SCHOOL = date(2027, 2, 7), date(2027, 5, 16)
VOTER: dict[str, Any] = {
    "person.alive": True, "person.nationality": "thai", "person.birth_date": date(2008, 3, 1),
    "person.constituency_registered_date": date(2010, 1, 1), "person.monk_or_novice": False, "person.imprisoned": False,
    "election.day": ELECTION,
}  # fmt: skip
DUES = "student_loan_repayment"
BORROWER: dict[str, Any] = {
    "person.alive": True, "person.nationality": "thai", "person.birth_date": date(1998, 1, 1),
    "person.student_loan_status": "repaying", "loan.due_date": date(2027, 7, 5),
}  # fmt: skip


async def someone(road: EventRoad, number: int = 0, **more: Any) -> PersonId:
    person = (await road.people.ensure(pid(number))).id
    await road.people.signed_in(person)
    road.kin.facts_of[person] = PersonFacts(**more)
    await road.agenda.wake(person)
    return person


async def on(road: EventRoad, day: date) -> None:
    """All that is due by then, on the day itself."""
    assert isinstance(road.clock, FrozenClock)
    road.clock.moment = start_of(day) + timedelta(hours=20)
    while await road.fanout.run_once(100) + await road.agenda.run_once(100):
        pass


async def days(road: EventRoad, service: str) -> dict[str, str]:
    items = await road.all_of(agendas.AGENDA, kind="due", state="waiting")
    return {one["rule"]: one["day"] for one in items if one["rule"].startswith(service)}


async def inbox(road: EventRoad, person: PersonId, service: str) -> list[Entry]:
    return [one for one in (await road.inbox.page(person)).items if one.service == service]


async def test_before_an_election_whoever_may_vote_on_its_day_is_reminded_once(road: EventRoad) -> None:
    voter = await someone(road, known=VOTER)
    child = await someone(road, 1, known=VOTER | {"person.birth_date": date(2009, 2, 9)})
    await on(road, date(2026, 11, 21))
    assert await days(road, "voter_first_time") == {"voter_first_time.n2": "2027-01-31"}

    await on(road, date(2027, 1, 30))
    assert await inbox(road, voter, "voter_first_time") == []
    for day in (date(2027, 1, 31), date(2027, 2, 1), date(2027, 2, 8)):
        await on(road, day)

    (entry,) = await inbox(road, voter, "voter_first_time")
    assert entry.body.en.startswith("The election is in 7 days")
    assert entry.because["facts"] == [{"fact": "election.day", "agency": "ect"}]
    assert await inbox(road, child, "voter_first_time") == []


async def test_a_day_that_is_not_announced_yet_is_planned_once_it_is(road: EventRoad) -> None:
    voter = await someone(road, known={path: value for path, value in VOTER.items() if path != "election.day"})
    await on(road, date(2026, 11, 21))
    assert await days(road, "voter_first_time") == {}

    road.kin.facts_of[voter] = PersonFacts(known=VOTER)
    await on(road, date(2026, 12, 22))  # thirty days on it is planned again
    assert await days(road, "voter_first_time") == {"voter_first_time.n2": "2027-01-31"}


async def test_an_election_that_is_put_off_is_told_before_its_new_day_alone(road: EventRoad) -> None:
    voter = await someone(road, known=VOTER)
    await on(road, date(2026, 11, 21))
    road.kin.facts_of[voter] = PersonFacts(known=VOTER | {"election.day": ELECTION + timedelta(days=28)})

    await on(road, date(2027, 1, 31))
    assert await inbox(road, voter, "voter_first_time") == []
    await on(road, date(2027, 2, 28))
    assert len(await inbox(road, voter, "voter_first_time")) == 1


async def test_a_guardian_is_told_before_the_school_year_in_which_a_child_starts(road: EventRoad) -> None:
    parent = await someone(road, known={"person.alive": True, "person.birth_date": date(1990, 1, 1)})
    children = []
    for number, born in enumerate((date(2020, 3, 1), date(2020, 9, 1), date(2023, 5, 1)), start=10):
        child = (await road.people.ensure(pid(number))).id
        level = "primary" if number == 11 else "none"
        known: dict[str, Any] = {"person.alive": True, "person.birth_date": born}
        of_register: dict[str, Any] = {
            "person.student_level": level,
            "person.student": level != "none",
            "school_year_start": SCHOOL,
        }
        road.kin.facts_of[child] = PersonFacts(known=known | of_register, called=Text(th="ใบบัว", en="Baibua"))
        children.append(Child(person=child, known=known))
    facts = road.kin.facts_of[parent]
    road.kin.facts_of[parent] = replace(
        facts, known={**facts.known, "school_year_start": SCHOOL}, children=tuple(children)
    )
    await on(road, date(2026, 11, 21))
    await on(road, SCHOOL - timedelta(days=120))

    # Not of the one who goes to school already, nor of the one of three years.
    (entry,) = await inbox(road, parent, "compulsory_school_enrolment")
    assert entry.about == children[0].person
    assert entry.title.en.startswith("Baibua: ")


async def test_an_instalment_is_told_sixty_days_and_a_week_before_it_is_due(road: EventRoad) -> None:
    borrower = await someone(road, known=BORROWER)
    nobody = await someone(road, 1, known=BORROWER | {"person.student_loan_status": "none"})
    await on(road, date(2026, 11, 21))
    assert await days(road, DUES) == {f"{DUES}.n1": "2027-05-06", f"{DUES}.n2": "2027-06-28"}

    await on(road, date(2027, 5, 6))
    await on(road, date(2027, 6, 28))
    assert len(await inbox(road, borrower, DUES)) == 2
    assert await inbox(road, nobody, DUES) == []


async def test_when_one_vaccination_is_over_the_next_is_planned(road: EventRoad) -> None:
    """Each comes a month or two after the last: a plan that came round every thirty days might miss one."""
    parent = await someone(road, known={"person.alive": True, "person.birth_date": date(1995, 1, 1)})

    def next_is(day: date) -> None:
        of_child: dict[str, Any] = {"child.birth_date": date(2026, 10, 1), "child.vaccine_due_date": day}
        baby = Owned(key="baby", known=of_child, called=Text(th="ใบบัว", en="Baibua"))
        known: dict[str, Any] = {"person.alive": True, "person.birth_date": date(1995, 1, 1)}
        road.kin.facts_of[parent] = PersonFacts(known=known, things={"per_child": (baby,)})

    next_is(date(2026, 12, 1))
    await on(road, date(2026, 11, 21))
    await on(road, date(2026, 11, 24))
    assert len(await inbox(road, parent, "epi_vaccination")) == 1

    next_is(date(2026, 12, 10))
    await on(road, date(2026, 12, 2))  # the day after the first one
    await on(road, date(2026, 12, 3))
    assert len(await inbox(road, parent, "epi_vaccination")) == 2
