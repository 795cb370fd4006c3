"""From a recorded event to what people are told and agencies are handed: all of it, once, whatever dies on the way."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from foundation.dates import PartialDate
from foundation.language import Text
from foundation.store import PyMongoError
from lifeevents.cloudevents import CALENDAR, CALENDAR_SOURCE, RawEvent
from lifeevents.register import Child, Owned, PersonFacts
from notifications.inbox import Entry
from tests.lifeevents.conftest import EventRoad, Hook
from trust.clients import AgencyClient
from trust.people import PersonId

PID, OTHER_PID, THIRD_PID = "1000000000009", "1000000000017", "1000000000025"
HOSPITAL = {"code": "10001", "name": {"th": "โรงพยาบาลกลาง", "en": "Central Hospital"}}
CHANGED, DIED = "th.sso.hospital.changed", "th.dopa.death.registered"


def a_client(agency: str) -> AgencyClient:
    return AgencyClient(client_id=f"{agency}-1", agency=agency, scopes=("events:publish",))


async def record(road: EventRoad, kind: str, data: dict[str, Any], *, event_id: str = "e1") -> str:
    agency = kind.split(".")[1]
    event = {"specversion": "1.0", "id": event_id, "source": f"urn:th:agency:{agency}", "type": kind, "data": data}
    return (await road.intake.record(RawEvent(event), by=a_client(agency))).receipt


async def a_change(road: EventRoad, event_id: str = "e1", pid: str = PID) -> str:
    data = {"citizen_id": pid, "hospital": HOSPITAL, "effective_date": "2026-12-01"}
    return await record(road, CHANGED, data, event_id=event_id)


async def a_death(road: EventRoad) -> str:
    data = {"citizen_id": PID, "death_date": "2026-11-19", "certificate_date": "2026-11-20"}
    return await record(road, DIED, data)


async def a_right_due(road: EventRoad, notification: str, *, event_id: str = "item-1", **more: str) -> str:
    data = {
        "citizen_id": PID, "service": "first_id_card", "occurrence": "2026-11-21", "day": "2026-11-21",
        "notification": notification, **more,
    }  # fmt: skip
    event = {
        "specversion": "1.0", "id": event_id, "source": CALENDAR_SOURCE, "type": "th.calendar.right.due", "data": data,
    }  # fmt: skip
    return (await road.intake.record(RawEvent(event), by=CALENDAR)).receipt


async def person(road: EventRoad, pid: str = PID) -> PersonId:
    return (await road.people.ensure(pid)).id


async def inbox(road: EventRoad, pid: str = PID) -> list[Entry]:
    return list((await road.inbox.page(await person(road, pid))).items)


async def subscribe(road: EventRoad, hook: Hook, *types: str, agency: str = "nhso") -> str:
    made = await road.subscriptions.create(
        agency=agency, client="c", types=types or [CHANGED], purpose="keep records right", legal_ground="an act",
        endpoint=hook.url,
    )  # fmt: skip
    return made.subscription.id


# ---- people


async def test_who_subscribed_in_another_process_a_moment_ago_hears_of_it(road: EventRoad, hook: Hook) -> None:
    made = await subscribe(road, hook, CHANGED)
    subscriptions = road.store.collection("subscriptions")
    there = await subscriptions.find_one_and_delete({"_id": made})
    assert there is not None
    await a_change(road)
    assert await road.fanout.run_once(10) == 1  # who wants what was read just now

    await subscriptions.insert_one(there)
    await a_change(road, "e2")
    assert await road.fanout.run_once(10) == 1

    told = road.store.collection("deliveries").find({"subscription": made})
    assert len([one async for one in told]) == 1


async def test_the_person_is_told_in_both_languages_and_why(road: EventRoad) -> None:
    event = await a_change(road)
    assert await road.fanout.run_once(10) == 1

    (told,) = await inbox(road)
    assert told.title == Text(th="สถานพยาบาลประกันสังคมของคุณเปลี่ยนแล้ว", en="Your social security hospital has changed")
    assert "1 ธันวาคม 2569" in told.body.th
    assert "โรงพยาบาลกลาง" in told.body.th
    assert "From 1 December 2026 your hospital is Central Hospital" in told.body.en
    assert told.lock_screen.en == "You have a message from a state agency"
    assert (told.topic, told.about, told.origin) == ("health", None, event)
    assert told.because["event_type"] == CHANGED
    assert told.because["agency"] == "sso"
    assert told.because["received_at"] == road.clock.now().isoformat()
    (done,) = await road.all_of("events")
    assert (done["state"], done["receipt"]) == ("done", "told 1, handed over 0")
    assert road.legs == ["events told", "events handed over"]


async def test_what_has_no_words_of_its_own_is_told_to_nobody(road: EventRoad) -> None:
    await record(road, "th.nhso.right.changed", {"citizen_id": PID, "right": "uc", "effective_date": "2026-11-20"})
    await road.fanout.run_once(10)

    assert await inbox(road) == []


async def test_an_event_of_a_whole_area_names_nobody(road: EventRoad) -> None:
    disaster = {"th": "น้ำท่วม", "en": "Flood"}
    await record(
        road, "th.ddpm.disaster.declared", {"disaster": disaster, "areas": ["90"], "declared_on": "2026-11-20"}
    )
    await road.fanout.run_once(10)

    assert await road.all_of("inbox") == []
    assert (await road.all_of("events"))[0]["state"] == "done"


async def test_spreading_again_changes_nothing(road: EventRoad, hook: Hook) -> None:
    await subscribe(road, hook)
    event = await a_change(road)
    for _ in range(3):
        await road.fanout.run_once(10)
        again = {"$set": {"state": "waiting", "due": road.clock.now()}}
        await road.store.collection("events").update_one({"_id": event}, again)

    assert len(await inbox(road)) == 1
    assert len(await road.all_of("deliveries", channel="webhook")) == 1


@pytest.mark.parametrize("leg", ["events told", "events handed over"])
async def test_a_worker_that_dies_on_the_way_is_made_good(road: EventRoad, hook: Hook, leg: str) -> None:
    await subscribe(road, hook)
    await a_change(road)

    def die(reached: str) -> None:
        if reached == leg:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await road.a_fanout(on_leg=die).run_once(10)
    assert await road.fanout.run_once(10) == 0
    road.clock.advance(timedelta(minutes=2))
    assert await road.fanout.run_once(10) == 1

    assert len(await inbox(road)) == 1
    assert len(await road.all_of("deliveries", channel="webhook")) == 1


async def test_one_that_fails_is_tried_again_and_the_others_go_on(
    road: EventRoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = await a_change(road, "bad", OTHER_PID)
    for n in range(5):
        await a_change(road, f"good-{n}")
    tell = type(road.notifier).tell

    async def broken(self: Any, notice: Any) -> str:
        if notice.origin == bad:
            raise RuntimeError("no words")
        return await tell(self, notice)

    with monkeypatch.context() as patched:
        patched.setattr(type(road.notifier), "tell", broken)
        assert await road.fanout.run_once(10) == 6
    (waiting,) = await road.all_of("events", state="waiting")
    assert (waiting["_id"], waiting["why"]) == (bad, "unexpected: RuntimeError")
    assert len(await inbox(road)) == 5

    road.clock.advance(timedelta(minutes=1))
    assert await road.fanout.run_once(10) == 1
    assert len(await inbox(road, OTHER_PID)) == 1


async def test_a_database_that_is_away_uses_up_no_attempt(road: EventRoad, monkeypatch: pytest.MonkeyPatch) -> None:
    await a_change(road)

    async def away(*_: Any, **__: Any) -> str:
        raise PyMongoError("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(road.notifier), "tell", away)
        for _ in range(20):
            await road.fanout.run_once(10)
            road.clock.advance(timedelta(minutes=2))

    assert await road.fanout.run_once(10) == 1
    assert len(await inbox(road)) == 1


async def test_an_erased_person_is_told_nothing(road: EventRoad, hook: Hook) -> None:
    await subscribe(road, hook)
    await a_change(road)
    await road.people.erase(await person(road))
    await road.fanout.run_once(10)

    (event,) = await road.all_of("events")
    assert event["receipt"] == "not told: the person's data was erased"
    assert await road.all_of("deliveries") == []


async def test_two_workers_share_the_work(road: EventRoad) -> None:
    for n in range(40):
        await a_change(road, f"e{n}")
    others = [road.a_fanout() for _ in range(4)]
    while await road.all_of("events", state="waiting"):
        await asyncio.gather(*(one.run_once(10) for one in others))

    assert len(await road.all_of("inbox")) == 40


# ---- death and birth


async def test_a_death_is_told_to_the_family_and_never_to_the_deceased(road: EventRoad) -> None:
    deceased, spouse = await person(road), await person(road, OTHER_PID)
    road.kin.kin[deceased] = [spouse]
    await a_death(road)
    await road.fanout.run_once(10)

    (told,) = await inbox(road, OTHER_PID)
    assert told.about == deceased
    assert await inbox(road) == []


async def test_after_a_death_nothing_more_is_told_to_the_deceased(road: EventRoad) -> None:
    await a_death(road)
    await road.fanout.run_once(10)
    await a_change(road, "later")
    await a_right_due(road, "first_id_card.n1")
    await road.fanout.run_once(10)

    assert await inbox(road) == []
    assert await road.all_of("events", state="waiting") == []


async def test_what_comes_together_with_a_death_is_not_told_either(road: EventRoad) -> None:
    await a_change(road)
    await a_death(road)
    await a_change(road, "another", OTHER_PID)
    await road.fanout.run_once(10)

    assert await inbox(road) == []
    assert len(await inbox(road, OTHER_PID)) == 1


async def test_a_death_cancels_what_the_calendar_had(road: EventRoad) -> None:
    me = await person(road)
    await road.people.signed_in(me)
    road.kin.facts_of[me] = PersonFacts(known={"person.birth_date": PartialDate(date(1967, 5, 10))})
    await road.agenda.wake(me)
    await road.agenda.run_once(10)
    assert await road.all_of("agenda", kind="due", state="waiting")

    await a_death(road)
    await road.fanout.run_once(10)

    assert await road.all_of("agenda", state="waiting") == []


async def test_a_register_that_is_down_delays_the_family(road: EventRoad) -> None:
    deceased, spouse = await person(road), await person(road, OTHER_PID)
    road.kin.kin[deceased], road.kin.is_down = [spouse], True
    await a_death(road)
    for _ in range(20):
        await road.fanout.run_once(10)
        road.clock.advance(timedelta(minutes=16))
    assert await inbox(road, OTHER_PID) == []

    road.kin.is_down = False
    await road.fanout.run_once(10)
    assert len(await inbox(road, OTHER_PID)) == 1


async def test_a_birth_wakes_the_parents_plan(road: EventRoad) -> None:
    data = {
        "citizen_id": PID, "child": {"citizen_id": THIRD_PID, "birth_date": "2026-11-18"}, "registered_on": "2026-11-20",
    }  # fmt: skip
    await record(road, "th.dopa.birth.registered", data)
    await road.fanout.run_once(10)

    (plan,) = await road.all_of("agenda", kind="plan")
    assert plan["person"] == await person(road)
    assert len(await inbox(road)) == 1


# ---- the calendar


async def test_a_due_right_is_said_in_the_services_words(road: EventRoad) -> None:
    await a_right_due(road, "elderly_travel_discount.n1", service="elderly_travel_discount")
    await road.fanout.run_once(10)

    (told,) = await inbox(road)
    assert told.title.en == "Elderly public transport concessions"
    assert told.body.en == "Senior benefits start"
    assert told.service == "elderly_travel_discount"
    assert told.topic == "retirement"
    assert told.because["rule"] == "elderly_travel_discount.n1"
    assert told.lock_screen.en == "You have a message from a state agency"


async def test_a_life_event_is_said_in_its_own_words(road: EventRoad) -> None:
    await a_right_due(road, "turning_18", service="voter_first_time")
    await road.fanout.run_once(10)

    (told,) = await inbox(road)
    assert (told.title.en, told.topic) == ("Turning 18", "education")


async def test_a_parent_is_told_which_child(road: EventRoad) -> None:
    parent, child = await person(road), await person(road, OTHER_PID)
    await road.people.signed_in(parent)
    known = {"person.birth_date": date(2019, 11, 21), "person.alive": True, "person.nationality": "thai"}
    called = Text(th="กานดา", en="Kanda")
    of_the_day = {"person.in_house_register": True, "person.id_card_status": "never"}
    road.kin.facts_of[child] = PersonFacts(known=known | of_the_day, called=called)
    mother = {"person.birth_date": date(1990, 1, 1), "person.alive": True}
    road.kin.facts_of[parent] = PersonFacts(known=mother, children=(Child(person=child, known=known),))
    await road.agenda.wake(parent)
    await road.agenda.run_once(10)
    await road.agenda.run_once(10)
    await road.fanout.run_once(10)

    told = next(one for one in await inbox(road) if one.because["rule"] == "child_turns_7")
    assert told.title == Text(th="กานดา: ครบ 7 ปี ทำบัตรประชาชน", en="Kanda: Turning 7: first ID card")
    assert told.about == child


async def test_words_that_left_the_catalogue_are_not_said(road: EventRoad) -> None:
    await a_right_due(road, "gone.n1")
    await road.fanout.run_once(10)

    assert await inbox(road) == []
    assert (await road.all_of("events"))[0]["state"] == "done"


async def test_a_right_without_notices_of_its_own_is_said_in_the_services_words(road: EventRoad) -> None:
    await a_right_due(road, "elderly_fund_loan", service="elderly_fund_loan")
    await road.fanout.run_once(10)

    (told,) = await inbox(road)
    service = road.catalogue.service("elderly_fund_loan")
    assert service is not None
    assert (told.title, told.body, told.service) == (service.title, service.summary, "elderly_fund_loan")


async def test_what_one_day_brings_rings_once(road: EventRoad) -> None:
    me = await a_person_with_a_phone(road)
    for name in ("sso_old_age_pension.n2", "sso_old_age_lump_sum.n1", "turning_55_sso"):
        await a_right_due(road, name, event_id=name, group="calendar 2026-11-21")
    await a_right_due(road, "pit_filing.n1", event_id="another day", group="calendar 2026-11-22")
    await road.fanout.run_once(10)

    assert len(await inbox(road)) == 4
    assert len(await road.all_of("deliveries", person=me)) == 2


# ---- what services tell because of an event


async def a_person_with_a_phone(road: EventRoad, pid: str = PID) -> PersonId:
    me = await person(road, pid)
    await road.people.signed_in(me)
    await road.devices.register(me, token=f"token-{pid}", platform="WEB")
    return me


async def all_turns(road: EventRoad) -> None:
    for _ in range(2):
        await road.fanout.run_once(10)
        await road.agenda.run_once(10)


ALIVE = {"person.alive": True, "person.nationality": "thai", "person.birth_date": date(1990, 1, 1)}


async def told_rules(road: EventRoad, pid: str = PID) -> list[str]:
    return sorted(one.because["rule"] for one in await inbox(road, pid) if "rule" in one.because)


async def test_an_event_that_has_no_words_of_its_own_is_told_by_the_services(road: EventRoad) -> None:
    """That the card is lost is the event's own word: the register may not know it yet."""
    me = await a_person_with_a_phone(road)
    road.kin.facts_of[me] = PersonFacts(known=ALIVE | {"person.id_card_status": "valid"})
    lost = {"citizen_id": PID, "reason": "lost", "lost_on": "2026-11-20"}
    await record(road, "th.dopa.id_card.reported_lost", lost)
    await all_turns(road)
    await all_turns(road)

    assert await told_rules(road) == ["id_card_replacement.n1"]
    (item,) = await road.all_of("agenda", rule="id_card_replacement.n1")
    assert b"lost" not in item["given"]


async def test_the_event_and_what_services_tell_of_it_at_once_ring_once(road: EventRoad) -> None:
    me = await a_person_with_a_phone(road)
    road.kin.facts_of[me] = PersonFacts(known=ALIVE | {"person.in_house_register": True})
    await a_move(road)
    await all_turns(road)

    assert (len(await inbox(road)), await told_rules(road)) == (2, ["move_address.n2"])
    assert len(await road.all_of("deliveries", person=me)) == 1


async def test_what_is_not_known_is_not_told_after_an_event(road: EventRoad) -> None:
    me = await a_person_with_a_phone(road)
    road.kin.facts_of[me] = PersonFacts(known=ALIVE)
    await a_move(road)
    await all_turns(road)

    assert (len(await inbox(road)), await told_rules(road)) == (1, [])


async def a_move(road: EventRoad) -> None:
    place = {"th": "พระนคร", "en": "Phra Nakhon"}
    address = {"house_id": "10010000001", "subdistrict_code": "100101", "district": place, "province": place}
    await record(
        road, "th.dopa.address.changed", {"citizen_id": PID, "effective_date": "2026-11-20", "address": address}
    )


async def test_what_is_told_some_days_later_waits_for_its_day_and_is_judged_then(road: EventRoad) -> None:
    me = await a_person_with_a_phone(road)
    road.kin.facts_of[me] = PersonFacts(known=ALIVE)
    await record(road, "th.dopa.marriage.registered", {"citizen_id": PID, "registered_on": "2026-11-20"})
    await all_turns(road)
    assert await told_rules(road) == []

    road.kin.facts_of[me] = PersonFacts(known=ALIVE | {"person.marital_status": "married"})
    road.clock.advance(timedelta(days=1))
    await all_turns(road)
    await all_turns(road)
    assert await told_rules(road) == ["surname_change_after_marriage.n1"]


async def test_whoever_never_signed_in_is_not_looked_up(road: EventRoad) -> None:
    await a_move(road)
    await road.fanout.run_once(10)

    assert await road.all_of("agenda", kind="due") == []


async def test_the_family_hears_days_after_a_death_what_there_is_to_claim(road: EventRoad) -> None:
    deceased, spouse = await person(road), await a_person_with_a_phone(road, OTHER_PID)
    road.kin.kin[deceased] = [spouse]
    departed = {
        "deceased.birth_date": date(1950, 1, 1), "deceased.nationality": "thai", "deceased.welfare_card_holder": True,
        "deceased.death_date": date(2026, 11, 19), "relation.role_to_deceased": "spouse",
    }  # fmt: skip
    dead = Owned(key=deceased, known=departed, person=deceased)
    road.kin.facts_of[spouse] = PersonFacts(known=ALIVE, things={"per_deceased": (dead,)})
    await a_death(road)
    await all_turns(road)
    await record(
        road, "th.moph.death.reported",
        {"citizen_id": PID, "death_date": "2026-11-19", "hospital": HOSPITAL}, event_id="hospital",
    )  # fmt: skip
    await all_turns(road)

    road.clock.advance(timedelta(days=3))
    await all_turns(road)
    await all_turns(road)

    assert "elderly_funeral_grant.n1" in await told_rules(road, OTHER_PID)
    assert await inbox(road) == []


async def test_after_a_death_nothing_rings_any_more(road: EventRoad) -> None:
    me = await a_person_with_a_phone(road)
    await a_change(road)
    await road.fanout.run_once(10)
    assert [one["state"] for one in await road.all_of("deliveries", person=me)] == ["waiting"]

    await a_death(road)
    await road.fanout.run_once(10)

    (push,) = await road.all_of("deliveries", person=me)
    assert (push["state"], push["why"], push.get("due")) == ("withdrawn", "the person died", None)


# ---- agencies


async def test_a_subscriber_is_handed_a_thin_payload(road: EventRoad, hook: Hook) -> None:
    subscription = await subscribe(road, hook)
    event = await a_change(road)
    await road.fanout.run_once(10)

    (delivery,) = await road.all_of("deliveries", channel="webhook")
    payload = road.vault.open(delivery["payload"], context=f"deliveries.payload {delivery['_id']}")
    assert (delivery["subscription"], delivery["event"]) == (subscription, event)
    assert PID.encode() not in payload
    assert b"Central" not in payload
    assert orjson.loads(payload) == {
        "id": event, "type": CHANGED, "source": "urn:th:agency:sso", "time": road.clock.now().isoformat(),
        "subject": road.subscriptions.pseudonym(await person(road), agency="nhso"),
        "data_ref": f"/agency/events/{event}",
    }  # fmt: skip


async def test_only_whoever_wants_the_type_is_handed_it(road: EventRoad, hook: Hook) -> None:
    await subscribe(road, hook, DIED)
    wants = {await subscribe(road, hook, CHANGED, agency=agency) for agency in ("nhso", "dopa")}
    await a_change(road)
    await road.fanout.run_once(10)

    assert {one["subscription"] for one in await road.all_of("deliveries")} == wants


async def test_what_came_before_the_wish_is_not_handed_over(road: EventRoad, hook: Hook) -> None:
    await a_change(road)
    road.clock.advance(timedelta(seconds=10))
    await subscribe(road, hook)
    await road.fanout.run_once(10)

    assert await road.all_of("deliveries") == []


async def test_the_calendars_events_are_handed_to_nobody(road: EventRoad, hook: Hook) -> None:
    await subscribe(road, hook)
    await a_right_due(road, "turning_18")
    await road.fanout.run_once(10)

    assert await road.all_of("deliveries") == []
