"""Journeys: what happened opens one, once; its steps close by the agencies', the person's and the calendar's word; it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agencies.payments import Bill, Payment
from foundation.dates import PartialDate
from foundation.errors import BadInput, NotFound, TooMany
from foundation.language import Text
from lifeevents.applications import Application, Change, Filed
from lifeevents.journey_book import Journey
from lifeevents.journey_steps import JourneyOver, ReportedDone
from lifeevents.rules.ir import DID_NOT_HAPPEN
from tests.lifeevents.conftest import EventRoad
from tests.lifeevents.test_fanout import (
    HOSPITAL,
    OTHER_PID,
    PID,
    THIRD_PID,
    a_death,
    a_right_due,
    person,
    record,
)
from trust.people import PersonId

BORN = "th.moph.birth.reported"
REGISTERED = "th.dopa.birth.registered"
LOST_JOB = "th.sso.section33.ended"
CHILD = "1000000000033"


async def a_birth(road: EventRoad, *, father: str | None = None, born: str = "2026-11-20", event_id: str = "b1") -> str:
    data: dict[str, Any] = {"citizen_id": PID, "birth_date": born, "hospital": HOSPITAL}
    if father is not None:
        data["father_citizen_id"] = father
    return await record(road, BORN, data, event_id=event_id)


async def a_registered_birth(road: EventRoad, *, born: str = "2026-11-20", event_id: str = "r1") -> str:
    data = {
        "citizen_id": PID, "child": {"citizen_id": CHILD, "birth_date": born}, "registered_on": "2026-11-21",
    }  # fmt: skip
    return await record(road, REGISTERED, data, event_id=event_id)


async def a_lost_job(road: EventRoad, *, event_id: str = "j1", on: str = "2026-11-20", **more: str) -> str:
    return await record(road, LOST_JOB, {"citizen_id": PID, "effective_date": on, **more}, event_id=event_id)


async def work(road: EventRoad) -> None:
    """Until nothing more is due."""
    while await road.fanout.run_once(50) or await road.journeys.run_once(50):
        pass


async def of(road: EventRoad, pid: str = PID) -> list[Journey]:
    return list((await road.journeys.page(await person(road, pid))).items)


async def the_one(road: EventRoad, pid: str = PID) -> Journey:
    (one,) = await of(road, pid)
    return one


def states(journey: Journey) -> dict[str, str]:
    return {step.service.code: step.state for step in journey.steps}


def said(journey: Journey, step: str | None = None) -> list[tuple[str, str, str]]:
    return [(one.after, one.by, one.why) for one in journey.history if one.step == step]


# ---- opening


async def test_a_birth_opens_the_course_of_a_birth(road: EventRoad) -> None:
    event = await a_birth(road)
    await road.fanout.run_once(10)

    journey = await the_one(road)
    assert (journey.life_event, journey.state, journey.event_type, journey.agency) == (
        "birth_of_child", "OPEN", BORN, "moph",
    )  # fmt: skip
    first = journey.steps[0]
    assert (first.service.code, first.state, first.actor) == ("birth_registration", "OPEN", "PERSON")
    assert (first.last_day, first.when.is_late) == (date(2026, 12, 5), False)
    assert states(journey)["late_birth_registration"] == "SKIPPED"  # by what the event itself told
    assert states(journey)["uc_newborn_registration"] == "BLOCKED"
    assert said(journey) == [("OPEN", "AGENCY", "OPENED")]
    assert (await road.all_of("journeys"))[0]["event"] == event


async def test_what_is_held_need_not_be_brought(road: EventRoad) -> None:
    await a_birth(road)
    await road.fanout.run_once(10)

    journey = await the_one(road)
    held = {one.evidence: one.held_by for one in journey.steps[0].evidence}
    assert held["id_card"] == "dopa"
    assert held["hospital_birth_report"] == "moph"
    brought = {one.evidence for step in journey.steps for one in step.evidence if one.is_needed}
    assert {"photo", "witnesses", "income_certification"} <= brought


async def test_what_is_not_known_is_shown_as_missing(road: EventRoad) -> None:
    await a_birth(road)
    await work(road)

    lump = (await the_one(road)).step("sso_maternity_lump")
    assert lump is not None
    assert (lump.state, lump.missing) == ("BLOCKED", ("sso.section",))


async def test_what_agencies_know_skips_what_is_not_needed_and_frees_what_waited_for_it(road: EventRoad) -> None:
    road.kin.knows[await person(road)] = {
        "sso.section": "none", "person.sex": "female", "child.legitimate_for_claimant": True,
    }  # fmt: skip
    await a_birth(road)
    await work(road)

    journey = await the_one(road)
    found = states(journey)
    assert (found["sso_maternity_lump"], found["sso_child_allowance"], found["legitimation_registration"]) == (
        "SKIPPED", "SKIPPED", "SKIPPED",
    )  # fmt: skip
    assert said(journey, "sso_maternity_lump") == [("SKIPPED", "SYSTEM", "NOT_NEEDED")]
    assert found["sso_maternity_wage"] == "BLOCKED"


async def test_a_skipped_step_counts_as_done_for_those_after_it(road: EventRoad) -> None:
    road.kin.knows[await person(road)] = {"sso.section": "33", "child.legitimate_for_claimant": True}
    await a_birth(road)
    await work(road)
    before = states(await the_one(road))["sso_child_allowance"]
    await a_registered_birth(road)
    await work(road)

    assert before == "BLOCKED"  # the birth is still to be registered
    assert states(await the_one(road))["sso_child_allowance"] == "OPEN"


async def test_a_fact_that_stays_unanswered_is_kept_and_one_that_is_gone_is_not(road: EventRoad) -> None:
    me = await person(road)
    road.kin.knows[me] = {"sso.section": "none"}
    await a_birth(road)
    await work(road)
    road.kin.is_down = True
    road.clock.advance(timedelta(days=40))
    await work(road)
    down = states(await the_one(road))["sso_maternity_lump"]
    road.kin.is_down, road.kin.knows = False, {}
    road.clock.advance(timedelta(days=40))
    await work(road)

    assert down == "SKIPPED"
    assert states(await the_one(road))["sso_maternity_lump"] != "SKIPPED"


async def test_the_same_event_again_opens_nothing(road: EventRoad) -> None:
    event = await a_birth(road, father=OTHER_PID)
    for _ in range(3):
        await road.fanout.run_once(10)
        again = {"$set": {"state": "waiting", "due": road.clock.now()}}
        await road.store.collection("events").update_one({"_id": event}, again)

    assert len(await road.all_of("journeys")) == 2
    assert said(await the_one(road)) == [("OPEN", "AGENCY", "OPENED")]


@pytest.mark.parametrize("leg", ["journeys opened", "journeys superseded", "journeys caught up"])
async def test_a_worker_that_dies_while_opening_is_made_good(road: EventRoad, leg: str) -> None:
    await a_lost_job(road, event_id="older", on="2026-10-01")
    await road.fanout.run_once(10)
    road.clock.advance(timedelta(hours=1))
    await a_lost_job(road)

    def die(reached: str) -> None:
        if reached == leg:
            raise asyncio.CancelledError

    dying = road.a_fanout(journeys=road.some_journeys(on_leg=die))
    with pytest.raises(asyncio.CancelledError):
        await dying.run_once(10)
    road.clock.advance(timedelta(minutes=2))
    await work(road)

    newer, older = await of(road)
    assert (newer.state, older.state) == ("OPEN", "SUPERSEDED")
    assert said(older)[-1] == ("SUPERSEDED", "SYSTEM", "SUPERSEDED")
    assert len(said(newer)) == 1


async def test_many_workers_at_once_open_each_journey_once(road: EventRoad) -> None:
    for n in range(12):
        await a_birth(road, event_id=f"b{n}", born=f"2026-11-{n + 1:02}")
        await a_registered_birth(road, event_id=f"r{n}", born=f"2026-11-{n + 1:02}")
    others = [road.a_fanout(journeys=road.some_journeys()) for _ in range(4)]
    while await road.all_of("events", state="waiting"):
        await asyncio.gather(*(one.run_once(5) for one in others), road.journeys.run_once(3))
    await work(road)

    journeys = await of(road)
    assert len(journeys) == 12
    assert {states(one)["birth_registration"] for one in journeys} == {"DONE"}
    assert all(len(said(one, "birth_registration")) == 1 for one in journeys)


async def test_an_event_of_an_area_and_one_without_a_life_event_open_nothing(road: EventRoad) -> None:
    disaster = {"th": "น้ำท่วม", "en": "Flood"}
    await record(
        road, "th.ddpm.disaster.declared", {"disaster": disaster, "areas": ["90"], "declared_on": "2026-11-20"}
    )
    await record(road, "th.nhso.right.changed", {"citizen_id": PID, "right": "uc", "effective_date": "2026-11-20"})
    await road.fanout.run_once(10)

    assert await road.all_of("journeys") == []


async def test_the_calendar_opens_the_journey_of_its_life_event(road: EventRoad) -> None:
    me = await person(road)
    road.kin.knows[me] = {"person.birth_date": PartialDate(date(1966, 5, 10))}
    await a_right_due(road, "turning_18", service="voter_first_time")
    await a_right_due(road, "elderly_travel_discount.n1", event_id="item-2", service="elderly_travel_discount")
    await work(road)

    journey = await the_one(road)
    assert (journey.life_event, journey.agency) == ("turning_18", None)
    assert said(journey) == [("OPEN", "CALENDAR", "OPENED")]


async def test_a_journey_about_a_child_is_judged_by_the_childs_facts(road: EventRoad) -> None:
    road.kin.knows[await person(road, OTHER_PID)] = {"person.birth_date": date(2019, 11, 21)}
    road.kin.knows[await person(road)] = {"person.birth_date": date(1990, 1, 1)}
    await a_right_due(road, "child_turns_7", service="first_id_card", about_citizen_id=OTHER_PID)
    await work(road)

    (step,) = (await the_one(road)).steps
    assert (step.service.code, step.last_day) == ("first_id_card", date(2027, 1, 20))
    assert await of(road, OTHER_PID) == []


async def test_the_erased_and_the_dead_get_no_journey(road: EventRoad) -> None:
    await a_birth(road)
    await road.people.erase(await person(road))
    await a_death(road)
    await record(road, LOST_JOB, {"citizen_id": OTHER_PID, "effective_date": "2026-11-20"}, event_id="x")
    await record(
        road, "th.dopa.death.registered",
        {"citizen_id": OTHER_PID, "death_date": "2026-11-19", "certificate_date": "2026-11-20"}, event_id="y",
    )  # fmt: skip
    await work(road)

    assert await road.all_of("journeys") == []


# ---- declared by the person


async def test_a_person_declares_what_no_agency_reports(road: EventRoad) -> None:
    me = await person(road)
    journey = await road.journeys.declare(me, "marriage", key="k1")
    again = await road.journeys.declare(me, "marriage", key="k1")
    other_tap = await road.journeys.declare(me, "marriage", key="k2")

    assert (journey.event_type, journey.agency, said(journey)) == (None, None, [("OPEN", "PERSON", "OPENED")])
    assert again.id == other_tap.id == journey.id
    assert list(states(journey).values()) == ["OPEN", "BLOCKED", "BLOCKED"]


async def test_the_same_key_of_two_people_opens_two_journeys(road: EventRoad) -> None:
    # Ids share the owner's cell only, so the person must be a part of them.
    found = [await road.journeys.declare(await person(road, one), "marriage", key="k") for one in (PID, OTHER_PID)]
    cell = (await person(road))[:2]
    assert found[0].id != found[1].id
    assert found[0].id.startswith(cell)
    assert found[0].id[2:] != found[1].id[2:]


async def test_declared_at_once_with_two_keys_leaves_one_open(road: EventRoad) -> None:
    me = await person(road)
    await asyncio.gather(*(road.journeys.declare(me, "divorce", key=f"k{n}") for n in range(4)))

    assert [one.state for one in await of(road)].count("OPEN") == 1


async def test_two_businesses_are_two_journeys_but_not_without_end(road: EventRoad) -> None:
    me = await person(road)
    for n in range(20):
        await road.journeys.declare(me, "starting_business", key=f"k{n}")
    with pytest.raises(TooMany):
        await road.journeys.declare(me, "starting_business", key="one more")
    await road.journeys.declare(me, "starting_business", key="k3")

    assert len((await road.journeys.page(me, first=100, state="OPEN")).items) == 20


@pytest.mark.parametrize("wrong", ["birth_of_child", "turning_18", "", "x" * 10_000, "$ne"])
async def test_only_what_a_person_declares_can_be_declared(road: EventRoad, wrong: str) -> None:
    with pytest.raises(BadInput):
        await road.journeys.declare(await person(road), wrong, key="k")
    assert await road.all_of("journeys") == []


# ---- steps


async def test_the_agencys_own_event_closes_the_step(road: EventRoad) -> None:
    await a_birth(road)
    await work(road)
    await a_registered_birth(road)
    await work(road)

    journey = await the_one(road)
    assert states(journey)["birth_registration"] == "DONE"
    assert states(journey)["uc_newborn_registration"] == "OPEN"
    assert said(journey, "birth_registration") == [("DONE", "AGENCY", "REPORTED")]
    assert said(journey, "uc_newborn_registration") == [("OPEN", "SYSTEM", "UNBLOCKED")]
    assert [one.agency for one in journey.history if one.step == "birth_registration"] == ["dopa"]


async def test_a_report_that_comes_before_its_journey_is_not_lost(road: EventRoad) -> None:
    await a_registered_birth(road)
    await work(road)
    await a_birth(road)
    await work(road)

    assert states(await the_one(road))["birth_registration"] == "DONE"


async def test_the_event_that_opens_a_journey_may_complete_its_first_step(road: EventRoad) -> None:
    address = {
        "house_id": "10020112229", "subdistrict_code": "500101", "district": {"th": "เมือง", "en": "Mueang"},
        "province": {"th": "เชียงใหม่", "en": "Chiang Mai"},
    }  # fmt: skip
    data = {"citizen_id": PID, "address": address, "effective_date": "2026-11-20"}
    await record(road, "th.dopa.address.changed", data)
    await work(road)

    found = states(await the_one(road))
    assert (found["move_address"], found["address_fanout"]) == ("DONE", "OPEN")


async def test_one_registration_closes_the_step_of_one_twin(road: EventRoad) -> None:
    await a_birth(road, event_id="first")
    await a_birth(road, event_id="second")
    await a_registered_birth(road)
    await work(road)
    one = sorted(states(journey)["birth_registration"] for journey in await of(road))
    (event,) = await road.all_of("events", type=REGISTERED)
    await road.store.collection("events").update_one(
        {"_id": event["_id"]}, {"$set": {"state": "waiting", "due": road.clock.now()}}
    )
    await work(road)
    still = sorted(states(journey)["birth_registration"] for journey in await of(road))
    await a_registered_birth(road, event_id="r2")
    await work(road)

    assert one == still == ["DONE", "OPEN"]
    assert [states(journey)["birth_registration"] for journey in await of(road)] == ["DONE", "DONE"]


async def test_a_registration_of_another_child_closes_nothing(road: EventRoad) -> None:
    await a_birth(road)
    await a_registered_birth(road, born="2026-11-01")
    await work(road)

    assert states(await the_one(road))["birth_registration"] == "OPEN"


async def test_a_person_closes_and_reopens_a_step(road: EventRoad) -> None:
    me = await person(road)
    journey = await road.journeys.declare(me, "marriage", key="k")
    for _ in range(2):
        closed = await road.journeys.steps.close(me, journey.id, "marriage_registration")
    for _ in range(2):
        opened = await road.journeys.steps.reopen(me, journey.id, "marriage_registration")

    assert list(states(closed).values()) == ["DONE", "OPEN", "BLOCKED"]
    assert list(states(opened).values()) == ["OPEN", "BLOCKED", "BLOCKED"]
    assert said(opened, "marriage_registration") == [
        ("DONE", "PERSON", "CLOSED_BY_PERSON"), ("OPEN", "PERSON", "REOPENED_BY_PERSON"),
    ]  # fmt: skip


async def test_the_agencys_word_stands_above_the_persons(road: EventRoad) -> None:
    me = await person(road)
    await a_birth(road)
    await work(road)
    journey = await the_one(road)
    await road.journeys.steps.close(me, journey.id, "birth_registration")
    await a_registered_birth(road)
    await work(road)

    with pytest.raises(ReportedDone):
        await road.journeys.steps.reopen(me, journey.id, "birth_registration")
    found = said(await the_one(road), "birth_registration")
    assert found == [("DONE", "PERSON", "CLOSED_BY_PERSON"), ("DONE", "AGENCY", "REPORTED")]


async def test_a_step_closed_by_event_and_by_person_at_once_is_closed_and_both_are_noted(road: EventRoad) -> None:
    me = await person(road)
    for n in range(5):
        await a_birth(road, event_id=f"b{n}", born=f"2026-11-0{n + 1}")
    await work(road)
    journeys = await of(road)
    for n in range(5):
        await a_registered_birth(road, event_id=f"r{n}", born=f"2026-11-0{n + 1}")

    await asyncio.gather(
        road.fanout.run_once(50),
        *(road.journeys.steps.close(me, one.id, "birth_registration") for one in journeys),
        *(road.journeys.steps.close(me, one.id, "epi_vaccination") for one in journeys),
        road.journeys.run_once(50),
    )

    for journey in await of(road):
        found = states(journey)
        assert (found["birth_registration"], found["epi_vaccination"]) == ("DONE", "DONE")
        by = [one[1] for one in said(journey, "birth_registration")]
        assert by in (["PERSON", "AGENCY"], ["AGENCY"])
        step = journey.step("birth_registration")
        assert step is not None
        assert step.by == "AGENCY"


async def test_a_step_of_somebody_elses_journey_or_of_none_can_not_be_closed(road: EventRoad) -> None:
    me, other = await person(road), await person(road, OTHER_PID)
    journey = await road.journeys.declare(me, "marriage", key="k")

    for whose, which, step, error in (
        (other, journey.id, "marriage_registration", NotFound),
        (me, "0" * 32, "marriage_registration", NotFound),
        (me, "", "marriage_registration", NotFound),
        (me, journey.id, "birth_registration", BadInput),
        (me, journey.id, "$where", BadInput),
    ):
        with pytest.raises(error):
            await road.journeys.steps.close(whose, which, step)
    assert await road.journeys.get(other, journey.id) is None
    assert len((await the_one(road)).history) == 1


async def test_a_step_is_not_toggled_for_ever(road: EventRoad) -> None:
    me = await person(road)
    journey = await road.journeys.declare(me, "marriage", key="k")

    async def toggle() -> None:
        for _ in range(150):
            await road.journeys.steps.close(me, journey.id, "marriage_registration")
            await road.journeys.steps.reopen(me, journey.id, "marriage_registration")

    with pytest.raises(TooMany):
        await toggle()


def an_application(
    whose: PersonId, change: Change, *, kind: str = "unemployment_registration", agency: str = "doe"
) -> Application:
    filed = Filed(kind=kind, name="ขึ้นทะเบียนว่างงาน", reference_id="r-1", reference_number=None, url=None)
    at = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    return Application(
        id="application-1", person=whose, agency=agency, filed=filed, now=change, filed_at=at, updated_at=at, steps=()
    )


async def test_an_application_makes_a_step_wait_and_closes_it(road: EventRoad) -> None:
    me = await person(road)
    await a_lost_job(road)
    await work(road)
    found = []
    for change in (
        Change(state="CHECK"), Change(state="CHECK"), Change(state="PENDING", waiting="WAITING_USER_WORKING"),
        Change(state="PENDING", waiting="WAITING_AGENT_WORKING"), Change(state="REJECTED"), Change(state="COMPLETED"),
        Change(state="COMPLETED"), Change(state="PENDING"),
    ):  # fmt: skip
        await road.journeys.steps.application_changed(an_application(me, change))
        step = (await the_one(road)).step("unemployment_registration")
        assert step is not None
        found.append((step.state, step.actor))

    waits, open_, done = ("WAITING", "AGENCY"), ("OPEN", "PERSON"), ("DONE", None)
    assert found == [waits, waits, open_, waits, open_, done, done, done]
    assert [one[2] for one in said(await the_one(road), "unemployment_registration")] == [
        "APPLIED", "RETURNED", "APPLIED", "RETURNED", "REPORTED",
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "agency"), [("food-shop", "doe"), ("unemployment_registration", "bma")])
async def test_an_application_for_something_else_touches_nothing(road: EventRoad, kind: str, agency: str) -> None:
    me = await person(road)
    await a_lost_job(road)
    await work(road)
    before = states(await the_one(road))

    await road.journeys.steps.application_changed(
        an_application(me, Change(state="COMPLETED"), kind=kind, agency=agency)
    )

    assert states(await the_one(road)) == before


async def test_a_payment_closes_the_step_that_was_to_be_paid(road: EventRoad) -> None:
    me = await person(road)
    journey = await road.journeys.declare(me, "building_house", key="k")
    bill = Bill(
        kind="LAND_AND_BUILDING_TAX", reference="1", agency="lao", title=Text(th="ภาษี", en="Tax"), amount=Decimal(100)
    )
    payment = Payment(
        id="p1", person=me, bill=bill, state="PAID", reference1="1", reference2="2", created_at=road.clock.now(),
        paid_at=None, channel=None, receipt=None, qr=None,
    )  # fmt: skip
    for _ in range(2):
        await road.journeys.steps.paid(payment)

    found = await the_one(road)
    assert states(found)["land_building_tax"] == "DONE"
    assert said(found, "land_building_tax") == [("DONE", "AGENCY", "REPORTED")]
    assert found.id == journey.id


# ---- ends


async def test_a_journey_ends_when_no_step_is_left(road: EventRoad) -> None:
    me = await person(road)
    journey = await road.journeys.declare(me, "divorce", key="k")
    for service in ("divorce_registration", "surname_change_after_marriage"):
        journey = await road.journeys.steps.close(me, journey.id, service)

    assert journey.state == "ENDED"
    assert said(journey)[-1] == ("ENDED", "SYSTEM", "JOURNEY_ENDED")
    assert (await road.all_of("journeys"))[0].get("due") is None
    reopened = await road.journeys.steps.reopen(me, journey.id, "divorce_registration")
    assert reopened.state == "OPEN"


async def test_a_right_that_is_lost_lapses_on_the_day_after_its_last(road: EventRoad) -> None:
    road.kin.knows[await person(road)] = {"sso.section33_months": 20}
    await a_lost_job(road)
    await work(road)
    step = (await the_one(road)).step("sso39_enrolment")
    assert step is not None
    assert step.last_day is not None
    road.clock.advance(step.last_day - road.clock.today())
    await work(road)
    on_the_day = states(await the_one(road))["sso39_enrolment"]
    road.clock.advance(timedelta(days=1))
    await work(road)

    journey = await the_one(road)
    assert (on_the_day, states(journey)["sso39_enrolment"]) == ("OPEN", "LAPSED")
    assert said(journey, "sso39_enrolment")[-1] == ("LAPSED", "CALENDAR", "DEADLINE_PASSED")


async def test_what_is_merely_late_stays_open_and_says_so(road: EventRoad) -> None:
    await a_birth(road)
    await work(road)
    road.clock.advance(timedelta(days=20))
    await work(road)

    journey = await the_one(road)
    step = journey.step("birth_registration")
    assert step is not None
    assert (step.state, step.when.is_late) == ("OPEN", True)
    assert states(journey)["late_birth_registration"] == "OPEN"
    assert said(journey, "late_birth_registration")[-1][0] == "OPEN"


async def test_a_journey_lapses_when_the_last_day_of_all_that_is_left_is_over(road: EventRoad) -> None:
    await road.journeys.declare(await person(road), "marriage", key="k")
    await work(road)
    road.clock.advance(timedelta(days=365))
    await work(road)
    before = (await the_one(road)).state
    road.clock.advance(timedelta(days=31))
    await work(road)

    journey = await the_one(road)
    assert (before, journey.state) == ("OPEN", "LAPSED")
    assert said(journey)[-1] == ("LAPSED", "CALENDAR", "JOURNEY_LAPSED")
    assert {step.actor for step in journey.steps} == {None}


async def test_a_newer_event_supersedes_the_older_whichever_comes_first(road: EventRoad) -> None:
    await a_lost_job(road, event_id="newer")
    await work(road)
    collection = road.store.collection("journeys")
    await collection.update_many({}, {"$set": {"happened_at": road.clock.now() + timedelta(hours=1)}})
    await a_lost_job(road, event_id="came late", on="2026-01-01")
    await work(road)

    late, newer = sorted(await of(road), key=lambda one: one.happened_at)
    assert (newer.state, late.state) == ("OPEN", "SUPERSEDED")
    with pytest.raises(JourneyOver):
        await road.journeys.steps.close(await person(road), late.id, "skill_training")


async def test_a_second_child_supersedes_nothing(road: EventRoad) -> None:
    await a_birth(road, event_id="first", born="2025-12-01")
    await a_birth(road, event_id="second")
    await work(road)

    assert [one.state for one in await of(road)] == ["OPEN", "OPEN"]


async def test_a_death_withdraws_the_journeys_and_opens_the_familys(road: EventRoad) -> None:
    deceased, spouse = await person(road), await person(road, OTHER_PID)
    road.kin.kin[deceased] = [spouse]
    await a_lost_job(road)
    await work(road)
    data = {"citizen_id": PID, "death_date": "2026-11-19", "hospital": HOSPITAL}
    await record(road, "th.moph.death.reported", data, event_id="d1")
    await work(road)
    mine, theirs = await the_one(road), await the_one(road, OTHER_PID)
    await a_death(road)
    await work(road)

    assert (mine.state, said(mine)[-1]) == ("WITHDRAWN", ("WITHDRAWN", "AGENCY", "DIED"))
    assert (theirs.life_event, theirs.about, theirs.state) == ("death_in_family", deceased, "OPEN")
    registered = await the_one(road, OTHER_PID)
    assert states(registered)["death_registration"] == "DONE"
    grant = registered.step("elderly_funeral_grant")
    assert grant is not None
    assert grant.last_day is not None  # counted from the certificate, which only the register knows


async def test_one_whose_death_was_missed_is_noticed_at_the_next_look(road: EventRoad) -> None:
    me = await person(road)
    await road.journeys.declare(me, "marriage", key="k")
    await road.agenda.cancel(me, why="the person died")
    await work(road)

    assert (await the_one(road)).state == "WITHDRAWN"


async def test_a_retraction_withdraws_what_was_opened_and_reopens_what_was_closed(road: EventRoad) -> None:
    born = await a_birth(road, father=OTHER_PID)
    registered = await a_registered_birth(road)
    await work(road)

    assert await road.journeys.retract(registered) == 1
    assert await road.journeys.retract(registered) == 0
    journey = await the_one(road)
    assert states(journey)["birth_registration"] == "OPEN"
    assert said(journey, "birth_registration")[-1] == ("OPEN", "AGENCY", "RETRACTED")
    await road.store.collection("events").update_one(
        {"_id": registered}, {"$set": {"state": "waiting", "due": road.clock.now()}}
    )
    await work(road)
    assert states(await the_one(road))["birth_registration"] == "OPEN"  # spread again, it stays taken back

    await road.journeys.retract(born)
    assert [(await the_one(road, one)).state for one in (PID, OTHER_PID)] == ["WITHDRAWN", "WITHDRAWN"]


# ---- two parents


async def test_each_parent_has_a_journey_and_sees_what_is_whose(road: EventRoad) -> None:
    mother, father = await person(road), await person(road, OTHER_PID)
    road.kin.knows[mother] = {"sso.section": "33", "person.sex": "female", "child.legitimate_for_claimant": False}
    road.kin.knows[father] = {"sso.section": "none", "person.sex": "male", "child.legitimate_for_claimant": False}
    await a_birth(road, father=OTHER_PID)
    await work(road)
    await road.journeys.steps.close(mother, (await the_one(road)).id, "birth_registration")
    await work(road)

    hers, his = await the_one(road), await the_one(road, OTHER_PID)
    assert states(his)["birth_registration"] == "DONE"
    assert said(his, "birth_registration") == [("DONE", "OTHER_PARENT", "OTHER_PARENT")]
    assert (states(hers)["sso_maternity_wage"], states(his)["sso_maternity_wage"]) == ("OPEN", "SKIPPED")
    legitimation = {"hers": hers.step("legitimation_registration"), "his": his.step("legitimation_registration")}
    assert {whose: step and step.actor for whose, step in legitimation.items()} == {
        "hers": "OTHER_PARENT", "his": "PERSON",
    }  # fmt: skip


async def test_of_the_other_parent_only_what_is_done_shows(road: EventRoad) -> None:
    mother = await person(road)
    road.kin.knows[mother] = {"sso.section": "40_3", "household.income_per_capita_per_year": Decimal(300_000)}
    await a_birth(road, father=OTHER_PID)
    await work(road)
    await road.journeys.steps.close(mother, (await the_one(road)).id, "epi_vaccination")
    await work(road)

    his = await the_one(road, OTHER_PID)
    assert {step.service.code: step.of_other for step in his.steps if step.of_other} == {"epi_vaccination": "DONE"}
    assert states(his)["child_support_grant"] != "SKIPPED"  # what she was told by her income is hers
    assert await road.journeys.get(mother, his.id) is None


async def test_what_one_parent_takes_back_is_open_again_for_both(road: EventRoad) -> None:
    mother, father = await person(road), await person(road, OTHER_PID)
    await a_birth(road, father=OTHER_PID)
    await work(road)
    hers, his = await the_one(road), await the_one(road, OTHER_PID)
    await road.journeys.steps.close(mother, hers.id, "birth_registration")
    await work(road)
    with_nothing_of_his = await road.journeys.steps.reopen(father, his.id, "birth_registration")
    await road.journeys.steps.reopen(mother, hers.id, "birth_registration")
    await work(road)

    assert states(with_nothing_of_his)["birth_registration"] == "DONE"
    assert states(await the_one(road, OTHER_PID))["birth_registration"] == "OPEN"


async def test_both_parents_at_once_lose_neither_word(road: EventRoad) -> None:
    mother, father = await person(road), await person(road, OTHER_PID)
    await a_birth(road, father=OTHER_PID)
    await work(road)
    hers, his = await the_one(road), await the_one(road, OTHER_PID)
    await asyncio.gather(
        road.journeys.steps.close(mother, hers.id, "birth_registration"),
        road.journeys.steps.close(father, his.id, "epi_vaccination"),
        road.journeys.run_once(10),
        road.journeys.run_once(10),
    )
    await work(road)

    for pid in (PID, OTHER_PID):
        found = states(await the_one(road, pid))
        assert (found["birth_registration"], found["epi_vaccination"]) == ("DONE", "DONE")


# ---- what is kept


async def test_nothing_told_or_known_stands_open_in_the_database(road: EventRoad) -> None:
    road.kin.knows[await person(road)] = {
        "sso.section": "40_3", "household.income_per_capita_per_year": Decimal("98765.43"),
        "employment.end_date": DID_NOT_HAPPEN,
    }  # fmt: skip
    await a_birth(road, father=OTHER_PID, born="2026-11-17")
    await a_registered_birth(road, born="2026-11-17")
    await work(road)

    kept = str(await road.all_of("journeys")) + str(await road.all_of("journey_completions"))
    for secret in (PID, OTHER_PID, CHILD, THIRD_PID, "98765", "2026-11-17", "2026, 11, 17", "40_3"):
        assert secret not in kept
    journey = await the_one(road)
    assert states(journey)["sso_maternity_lump"] == "SKIPPED"  # and it was kept


async def test_a_life_event_that_left_the_catalogue_leaves_a_readable_journey(road: EventRoad) -> None:
    me = await person(road)
    journey = await road.journeys.declare(me, "marriage", key="k")
    await road.store.collection("journeys").update_one({"_id": journey.id}, {"$set": {"life_event": "gone"}})
    await work(road)

    found = await the_one(road)
    assert (found.life_event, found.steps, found.state) == ("gone", (), "OPEN")


async def test_pages_lead_on_and_states_are_told_apart(road: EventRoad) -> None:
    me = await person(road)
    for name in ("marriage", "divorce", "victim", "road_accident", "building_house"):
        await road.journeys.declare(me, name, key="k")
        road.clock.advance(timedelta(seconds=1))
    first = await road.journeys.page(me, first=3)
    second = await road.journeys.page(me, first=3, after=first.end_cursor)

    names = [one.life_event for one in (*first.items, *second.items)]
    assert names == ["building_house", "road_accident", "victim", "divorce", "marriage"]
    assert (await road.journeys.page(me, state="ENDED")).items == ()
    for wrong in ("WyJpbmJveCIsIngiLCJ5Il0", "", "x" * 1000):
        with pytest.raises(BadInput):
            await road.journeys.page(me, after=wrong)


def unsaid(history: Iterable[Any], texts: dict[str, Any]) -> set[str]:
    return {one.why for one in history} - set(texts)


async def test_each_reason_of_a_history_can_be_said(road: EventRoad) -> None:
    from resolvers.journeys import SAID, STEP_SAID, WHY

    await a_birth(road, father=OTHER_PID)
    await a_registered_birth(road)
    await work(road)
    road.clock.advance(timedelta(days=800))
    await work(road)

    for pid in (PID, OTHER_PID):
        assert unsaid((await the_one(road, pid)).history, WHY) == set()
    for texts in (SAID, STEP_SAID, WHY):
        assert all(text.en.isascii() and not text.th.isascii() for text in texts.values())
