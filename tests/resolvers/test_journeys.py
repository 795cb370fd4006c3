"""Journeys as a phone sees them: opened, read in both languages, their steps closed and taken back, and nobody else's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from foundation.clock import SystemClock
from lifeevents.catalogue.model import Catalogue
from lifeevents.journeys import Journeys
from tests.resolvers.conftest import SignedIn
from trust.people import People, PersonId

OPEN = """mutation ($i: OpenJourneyInput!) { openJourney(input: $i) { journey { id state } problems { code field message } } }"""
CLOSE = """mutation ($i: JourneyStepInput!) { closeStep(input: $i) { problems { code field }
  journey { id state progress { done total skipped } steps { service { code } state doneBy } } } }"""
REOPEN = CLOSE.replace("closeStep", "reopenStep")
READ = """query ($state: JourneyState, $first: Int = 5, $after: String) { me { journeys(state: $state, first: $first, after: $after) {
  pageInfo { hasNextPage endCursor } edges { cursor node { id openedAt state stateName { said }
    lifeEvent { code title { said } } because { eventType text { th en } reportedBy { code } happenedAt }
    progress { done total skipped }
    steps { service { code title { said } } dependsOn state stateName { th en } actor doneBy otherParent
      deadline { opensOn lastDay isLate isFinal } evidence { code document { en } heldBy { code } needed }
      missing { path title { said } sourceAgency } }
    history { at service { code } before after by agency { code } why { said } } } } } } }"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Journey { state steps { state } } } }"


async def report(
    journeys: Journeys,
    catalogue: Catalogue,
    clock: SystemClock,
    whom: PersonId,
    kind: str,
    data: dict[str, Any],
    *,
    name: str,
) -> None:
    """An event as fan-out says it."""
    event_type = catalogue.event_type(kind)
    assert event_type is not None
    event = {"_id": whom[:2] + name, "person": whom, "agency": event_type.agency, "type": kind, "time": clock.now()}
    await journeys.follow(event, event_type, data)


async def test_what_a_person_declares_is_a_journey_with_its_steps(signed_in: SignedIn, one: PersonId) -> None:
    phone = (await signed_in(one)).with_headers(Accept_Language="en")
    told = (await phone.ask(OPEN, i={"lifeEvent": "marriage", "clientKey": "k1"}))["openJourney"]
    again = (await phone.ask(OPEN, i={"lifeEvent": "marriage", "clientKey": "k1"}))["openJourney"]

    (edge,) = (await phone.ask(READ))["me"]["journeys"]["edges"]
    node = edge["node"]
    assert told == again == {"journey": {"id": node["id"], "state": "OPEN"}, "problems": []}
    assert (node["lifeEvent"]["code"], node["stateName"]["said"]) == ("marriage", "Under way")
    assert node["because"]["text"] == {"th": "ท่านแจ้งเอง", "en": "You said so"}
    assert (node["because"]["eventType"], node["because"]["reportedBy"]) == (None, None)
    assert node["progress"] == {"done": 0, "total": 3, "skipped": 0}
    first, second, _ = node["steps"]
    assert (first["state"], first["actor"], second["state"], second["actor"]) == ("OPEN", "PERSON", "BLOCKED", None)
    assert second["dependsOn"] == ["marriage_registration"]
    evidence = {each["code"]: (each["heldBy"] and each["heldBy"]["code"], each["needed"]) for each in first["evidence"]}
    assert evidence["id_card"] == ("dopa", False)
    assert evidence["witnesses"] == (None, True)
    (began,) = node["history"]
    assert (began["before"], began["after"], began["by"], began["why"]["said"]) == (None, "OPEN", "PERSON", "It began")


async def test_a_key_for_another_wish_is_a_conflict(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    await phone.ask(OPEN, i={"lifeEvent": "marriage", "clientKey": "k1"})
    told = (await phone.ask(OPEN, i={"lifeEvent": "divorce", "clientKey": "k1"}))["openJourney"]

    assert (told["journey"], told["problems"][0]["code"]) == (None, "CONFLICT")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"lifeEvent": "birth_of_child"}, "lifeEvent"),
        ({"lifeEvent": "x" * 5000}, "lifeEvent"),
        ({"lifeEvent": ""}, "lifeEvent"),
        ({"clientKey": ""}, "clientKey"),
        ({"clientKey": "ก"}, "clientKey"),
    ],
)
async def test_what_can_not_be_declared_is_a_problem(
    signed_in: SignedIn, one: PersonId, given: dict[str, str], field: str
) -> None:
    phone = await signed_in(one)
    told = (await phone.ask(OPEN, i={"lifeEvent": "marriage", "clientKey": "k"} | given))["openJourney"]

    assert told["journey"] is None
    assert [(each["code"], each["field"]) for each in told["problems"]] == [("BAD_INPUT", field)]
    assert (await phone.ask(READ))["me"]["journeys"]["edges"] == []


async def test_a_step_is_closed_and_taken_back(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    journey = (await phone.ask(OPEN, i={"lifeEvent": "divorce", "clientKey": "k"}))["openJourney"]["journey"]["id"]
    step = {"journeyId": journey, "service": "divorce_registration"}

    closed = (await phone.ask(CLOSE, i=step | {"clientKey": "c1"}))["closeStep"]
    reopened = (await phone.ask(REOPEN, i=step | {"clientKey": "r1"}))["reopenStep"]
    repeated = (await phone.ask(CLOSE, i=step | {"clientKey": "c1"}))["closeStep"]

    def seen(told: Any) -> list[tuple[str, str | None]]:
        assert told["problems"] == []
        return [(each["state"], each["doneBy"]) for each in told["journey"]["steps"]]

    assert seen(closed) == [("DONE", "PERSON"), ("OPEN", None)]
    assert seen(reopened) == seen(repeated) == [("OPEN", None), ("BLOCKED", None)]  # a repeat does nothing twice


async def test_a_journey_of_somebody_else_is_one_that_never_was(
    signed_in: SignedIn, one: PersonId, other: PersonId
) -> None:
    phone, stranger = await signed_in(one), await signed_in(other)
    journey = (await phone.ask(OPEN, i={"lifeEvent": "marriage", "clientKey": "k"}))["openJourney"]["journey"]["id"]
    nobodys = journey[:-4] + "AAAA"

    assert (await phone.ask(NODE, id=journey))["node"]["state"] == "OPEN"
    assert await stranger.ask(NODE, id=journey) == await stranger.ask(NODE, id=nobodys) == {"node": None}
    refused = []
    for key, which in (("k1", journey), ("k2", nobodys), ("k3", "nonsense")):
        step = {"journeyId": which, "service": "marriage_registration", "clientKey": key}
        refused.append((await stranger.ask(CLOSE, i=step))["closeStep"])
    assert refused == [{"journey": None, "problems": [{"code": "NOT_FOUND", "field": "journeyId"}]}] * 3
    assert (await stranger.ask(READ))["me"]["journeys"]["edges"] == []


async def test_who_is_not_signed_in_sees_and_opens_nothing(graph: Any) -> None:
    assert await graph.code(OPEN, i={"lifeEvent": "marriage", "clientKey": "k"}) == "UNAUTHENTICATED"
    assert await graph.ask(READ) == {"me": None}


async def test_a_birth_as_the_two_parents_read_it(
    signed_in: SignedIn, one: PersonId, other: PersonId, journeys: Journeys, catalogue: Catalogue, clock: SystemClock,
    people: People,
) -> None:  # fmt: skip
    numbers = {whose: await people.identity_number(whose) for whose in (one, other)}
    born = clock.today().isoformat()
    data = {"citizen_id": numbers[one], "father_citizen_id": numbers[other], "birth_date": born}
    await report(journeys, catalogue, clock, one, "th.moph.birth.reported", data, name="b" * 30)
    registered = {"citizen_id": numbers[one], "child": {"citizen_id": numbers[other], "birth_date": born}}
    await report(journeys, catalogue, clock, one, "th.dopa.birth.registered", registered, name="r" * 30)
    mother = (await signed_in(one)).with_headers(Accept_Language="th")
    father = (await signed_in(other)).with_headers(Accept_Language="en")

    (hers,) = (await mother.ask(READ, state="OPEN"))["me"]["journeys"]["edges"]
    (his,) = (await father.ask(READ))["me"]["journeys"]["edges"]

    assert hers["node"]["lifeEvent"]["title"]["said"] == "มีลูก"
    assert hers["node"]["because"]["reportedBy"]["code"] == "moph"
    first, mine = hers["node"]["steps"][0], his["node"]["steps"][0]
    assert (first["service"]["code"], first["state"], first["doneBy"]) == ("birth_registration", "DONE", "AGENCY")
    assert (mine["state"], mine["doneBy"], mine["otherParent"]) == ("DONE", "OTHER_PARENT", "DONE")
    assert first["deadline"]["isFinal"] is False
    steps = {each["service"]["code"]: each for each in hers["node"]["steps"]}
    assert [each["path"] for each in steps["sso_maternity_lump"]["missing"]] == ["sso.section"]
    assert steps["sso_maternity_lump"]["missing"][0]["sourceAgency"] == "sso"
    assert {each["why"]["said"] for each in hers["node"]["history"]} >= {"หน่วยงานแจ้งว่าเสร็จแล้ว"}
    assert (steps["legitimation_registration"]["actor"]) == "OTHER_PARENT"

    refused = (
        await mother.ask(REOPEN, i={"journeyId": hers["node"]["id"], "service": "birth_registration", "clientKey": "k"})
    )["reopenStep"]
    assert refused["problems"] == [{"code": "REPORTED_DONE", "field": "service"}]


async def test_what_one_parent_does_for_the_child_the_other_need_not_do(
    signed_in: SignedIn, one: PersonId, other: PersonId, journeys: Journeys, catalogue: Catalogue, clock: SystemClock,
    people: People,
) -> None:  # fmt: skip
    numbers = {whose: await people.identity_number(whose) for whose in (one, other)}
    born = clock.today().isoformat()
    data = {"citizen_id": numbers[one], "father_citizen_id": numbers[other], "birth_date": born}
    await report(journeys, catalogue, clock, one, "th.moph.birth.reported", data, name="c" * 30)
    mother, father = await signed_in(one), await signed_in(other)
    (hers,) = (await mother.ask(READ))["me"]["journeys"]["edges"]

    async def his(code: str) -> tuple[str, str | None, str | None]:
        (edge,) = (await father.ask(READ))["me"]["journeys"]["edges"]
        (step,) = [each for each in edge["node"]["steps"] if each["service"]["code"] == code]
        assert edge["node"]["id"] != hers["node"]["id"]
        return step["state"], step["doneBy"], step["otherParent"]

    done = {"journeyId": hers["node"]["id"], "service": "birth_registration", "clientKey": "c1"}
    await mother.ask(CLOSE, i=done)
    after_her_word = await his("birth_registration")
    await mother.ask(REOPEN, i=done | {"clientKey": "r1"})

    assert after_her_word == ("DONE", "OTHER_PARENT", "DONE")
    assert await his("birth_registration") == ("OPEN", None, None)
    mine = {"journeyId": hers["node"]["id"], "service": "birth_registration", "clientKey": "f1"}
    refused = (await father.ask(CLOSE, i=mine))["closeStep"]  # her journey is not his to change
    assert refused == {"journey": None, "problems": [{"code": "NOT_FOUND", "field": "journeyId"}]}


async def test_pages_lead_on(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    for name in ("marriage", "divorce", "victim"):
        await phone.ask(OPEN, i={"lifeEvent": name, "clientKey": name})
        await asyncio.sleep(0.002)
    first = (await phone.ask(READ, first=2))["me"]["journeys"]
    second = (await phone.ask(READ, first=2, after=first["pageInfo"]["endCursor"]))["me"]["journeys"]

    seen = [edge["node"]["lifeEvent"]["code"] for page in (first, second) for edge in page["edges"]]
    assert seen == ["victim", "divorce", "marriage"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert await phone.code(READ, after="nonsense") == "BAD_INPUT"
    assert await phone.code(READ, first=0) == "BAD_INPUT"
