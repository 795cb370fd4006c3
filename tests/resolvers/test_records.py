"""Cards of any agency, disagreements between agencies, and what people say of themselves."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from sandbox.nation import Nation

RECORDS = """query ($agency: String!) { me { records(agency: $agency) {
  operation title { th en } about { th } state asOf fetchedAt agency { code } problem { code message retryAfter }
  value { name title { th en } text rows { fields { name title { th } text rows { fields { text } } } } } } } }"""


@pytest.fixture(scope="module")
def nation():
    return Nation(day_zero=date(2026, 11, 21))


async def test_every_question_of_an_agency_is_a_card_of_named_fields(citizen, nation):
    owner = next(one for one in map(nation.citizen, range(1, 13)) if one.vehicles)
    me = await citizen(owner.number)

    cards = (await me.ask(RECORDS, agency="dlt"))["me"]["records"]

    vehicles = next(one for one in cards if one["operation"] == "dlt.get_vehicles")
    assert (vehicles["state"], vehicles["problem"], vehicles["agency"]["code"]) == ("OK", None, "dlt")
    assert vehicles["asOf"]
    assert vehicles["fetchedAt"]
    (listed,) = [one for one in vehicles["value"] if one["name"] == "vehicles"]
    first = {one["name"]: one["text"] for one in listed["rows"][0]["fields"]}
    assert first["plate"] == owner.vehicles[0].plate
    assert all(one["title"]["th"] for one in listed["rows"][0]["fields"])


async def test_what_is_asked_about_each_thing_is_a_card_each(citizen, nation):
    owner = next(one for one in map(nation.citizen, range(1, 13)) if one.vehicles)
    me = await citizen(owner.number)

    cards = (await me.ask(RECORDS, agency="oic"))["me"]["records"]

    insured = [one for one in cards if one["operation"] == "oic.get_cmi"]
    assert [one["about"]["th"] for one in insured] == [one.plate for one in owner.vehicles]


async def test_nothing_is_asked_about_children_who_are_of_age(citizen):
    """Citizen 12 has a son of thirty-five, citizen 1 a newborn daughter."""
    for number, children in ((12, 0), (1, 1)):
        cards = (await (await citizen(number)).ask(RECORDS, agency="moph"))["me"]["records"]

        assert len([one for one in cards if one["operation"] == "moph.get_child_immunization"]) == children


async def test_values_are_said_in_the_readers_language(citizen):
    thai, english = await citizen(11), await citizen(11, Accept_Language="en")

    said = {}
    for language, me in (("th", thai), ("en", english)):
        cards = (await me.ask(RECORDS, agency="lao"))["me"]["records"]
        said[language] = " ".join(str(one["text"]) for card in cards for one in card["value"] or ())

    assert "บาท" in said["th"]
    assert "ไม่ใช่" in said["th"]
    assert "baht" in said["en"]
    assert " no " in said["en"]


@pytest.mark.parametrize("fault", ["down", "html", "wrong_type"])
async def test_a_sick_agency_is_a_problem_on_its_own_cards(citizen, switch, fault):
    me = await citizen(5)
    switch("POST", "faults", {"agency": "dlt", "fault": fault})

    cards = (await me.ask(RECORDS, agency="dlt"))["me"]["records"]

    assert {card["state"] for card in cards} <= {"UNAVAILABLE", "STALE"}
    assert all(card["problem"]["message"] for card in cards)


async def test_an_unknown_agency_is_named(citizen):
    assert await (await citizen(5)).code(RECORDS, agency="nobody") == "BAD_INPUT"


# Disagreements


DIFFER = "{ me { disagreements { fact title { th } claims { agency operation text asOf fetchedAt } problem { code message } } } }"


async def test_agencies_that_agree_make_no_disagreement(citizen):
    me = await citizen(5)

    assert (await me.ask(DIFFER))["me"]["disagreements"] == []


async def test_two_agencies_with_two_birth_dates_are_both_shown(citizen, switch):
    me = await citizen(5)
    switch("POST", "faults", {"agency": "nhso", "fault": "disagreeing"})

    (found,) = (await me.ask(DIFFER))["me"]["disagreements"]

    assert (found["fact"], found["problem"]["code"]) == ("person.birth_date", "AGENCIES_DISAGREE")
    assert {one["agency"] for one in found["claims"]} == {"dopa", "nhso"}
    assert len({one["text"] for one in found["claims"]}) == 2
    assert all(one["fetchedAt"] for one in found["claims"])


# One's own word


DECLARE = """mutation ($fact: String!, $value: String!, $about: String) {
  declareFact(input: { fact: $fact, value: $value, about: $about }) {
    declaration { fact title { th } about value text toldAt } problems { code field message } } }"""
TAKE_BACK = """mutation ($fact: String!, $about: String) {
  withdrawDeclaration(input: { fact: $fact, about: $about }) { withdrawnFact problems { code field } } }"""
DECLARED = "{ me { declarations { fact about value text } } }"


async def test_ones_own_word_is_kept_replaced_and_taken_back(citizen):
    me = await citizen(5)
    assert (await me.ask(DECLARED))["me"]["declarations"] == []

    await me.ask(DECLARE, fact="person.move_date", value="2026-12-01")
    said = (await me.ask(DECLARE, fact="person.move_date", value="2026-12-05"))["declareFact"]["declaration"]
    await me.ask(DECLARE, fact="property.sale_price", value="1500000.00", about="12345")

    assert (said["value"], said["text"], said["about"]) == ("2026-12-05", "5 ธันวาคม 2569", None)
    kept = (await me.ask(DECLARED))["me"]["declarations"]
    assert [(one["fact"], one["about"], one["value"]) for one in kept] == [
        ("property.sale_price", "12345", "1500000.00"), ("person.move_date", None, "2026-12-05")
    ]  # fmt: skip
    assert (await me.ask(TAKE_BACK, fact="person.move_date"))["withdrawDeclaration"]["withdrawnFact"]
    again = (await me.ask(TAKE_BACK, fact="person.move_date"))["withdrawDeclaration"]
    assert (again["withdrawnFact"], again["problems"][0]["code"]) == (None, "NOT_FOUND")
    assert len((await me.ask(DECLARED))["me"]["declarations"]) == 1


@pytest.mark.parametrize(
    ("fact", "value", "field"),
    [
        ("person.birth_date", "1990-01-01", "fact"),  # the register's to say
        ("nobody.knows", "1", "fact"),
        ("person.move_date", "31/02/2569", "value"),
        ("person.move_date", "2026-02-31", "value"),
        ("person.move_date", "2569-02-01", "value"),  # a Buddhist year
        ("person.move_date", "", "value"),
        ("accident.motor_vehicle", "yes", "value"),
        ("business.promoters", "1e9", "value"),
        ("property.sale_price", "-5", "value"),
        ("property.sale_price", "9" * 300, "value"),
        ("business.type", "pirates", "value"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(citizen, fact, value, field):
    me = await citizen(6)

    came = (await me.ask(DECLARE, fact=fact, value=value))["declareFact"]

    assert came["declaration"] is None
    assert came["problems"][0]["field"] == field
    assert (await me.ask(DECLARED))["me"]["declarations"] == []


@pytest.mark.parametrize("about", ["", "a b", "$set", "x" * 101, "../x", "ก"])
async def test_a_thing_that_can_not_be_is_refused(citizen, about):
    me = await citizen(6)

    came = (await me.ask(DECLARE, fact="property.sale_price", value="5", about=about))["declareFact"]

    assert came["problems"][0]["field"] == "about"


async def test_two_words_said_at_once_are_both_kept_and_nobody_else_sees_them(citizen):
    me, other = await citizen(7), await citizen(8)

    await asyncio.gather(
        me.ask(DECLARE, fact="person.move_date", value="2026-12-01"),
        me.ask(DECLARE, fact="accident.motor_vehicle", value="true"),
    )

    assert len((await me.ask(DECLARED))["me"]["declarations"]) == 2
    assert (await other.ask(DECLARED))["me"]["declarations"] == []


async def test_what_was_said_is_sealed(citizen, store):
    me = await citizen(9)
    await me.ask(DECLARE, fact="property.sale_price", value="7654321.00")

    kept = str([one async for one in store.collection("own_words").find()])

    assert "7654321" not in kept
