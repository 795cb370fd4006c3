"""What a person sees of themselves: agencies' cards, and what they keep with us."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from foundation.store import Store
from resolvers.values import global_id
from tests.resolvers.conftest import Graph, SignedIn
from trust.people import PersonId

CitizenOf = Callable[..., Awaitable[Graph]]
Switch = Callable[..., Any]

CARDS = """{ me {
  profile { agency { code name { said } } state asOf fetchedAt problem { code message }
    value { maskedIdentityNumber name { th en } birth { date precision text } nationality sex } }
  household { agency { code } state problem { code } value { address { text province { code } }
    members { name { th } relation isHouseholder birth { precision } } } }
  socialSecurity { agency { code } state problem { code message retryAfter }
    value { section hospital { code name { th } since until } } }
  healthcare { agency { code } state problem { code } value { rights { scheme right { th en } mainUnit { code } since } } }
} }"""
INSURANCE = """query ($year: Int) { me { socialSecurity { state value { section sectionChoice
  contributions(year: $year) { state problem { code field } value { year months { month employee { amount currency } } total { amount } } }
  oldAgeSavings { state value { total { amount } years { year total { amount } } } }
  claims(year: $year) { state value { claims { benefit { th } amount { amount } } } }
  hospitalChoices { state value { mayChange reasons { code } current { code } hospitals { code name { th } } } }
  hospitalChanges(year: $year) { state value { state number hospital { code } } } } } } }"""


async def test_one_question_is_answered_by_three_agencies(citizen: CitizenOf) -> None:
    me = (await (await citizen(7)).ask(CARDS))["me"]

    assert {name: card["state"] for name, card in me.items()} == dict.fromkeys(
        ("profile", "household", "socialSecurity", "healthcare"), "OK"
    )
    assert {name: card["agency"]["code"] for name, card in me.items()} == {
        "profile": "dopa", "household": "dopa", "socialSecurity": "sso", "healthcare": "nhso",
    }  # fmt: skip
    assert me["profile"]["fetchedAt"]
    assert me["profile"]["value"]["nationality"] == "THAI"
    assert me["socialSecurity"]["value"]["section"] == "SECTION_33"
    assert me["socialSecurity"]["value"]["hospital"]["code"]
    assert me["healthcare"]["value"]["rights"][0]["right"]["en"]
    assert sum(member["isHouseholder"] for member in me["household"]["value"]["members"]) == 1


async def test_an_identity_number_is_never_shown_whole(citizen: CitizenOf, switch: Switch) -> None:
    numbers = [str(switch("GET", f"citizens/{number}")["pid"]) for number in (7, 1, 120, 101)]

    for number in (7, 1):
        reply = await (await citizen(number)).reply(CARDS)

        assert not any(one in reply.body.decode() for one in numbers)
        masked = reply.json()["data"]["me"]["profile"]["value"]["maskedIdentityNumber"]
        assert masked.startswith("1-0000-xxxxx-xx-")
        assert len(masked) == 17


async def test_a_date_is_data_in_one_era_and_said_in_the_readers(citizen: CitizenOf) -> None:
    query = "{ me { profile { value { birth { date precision text } } } } }"

    thai = (await (await citizen(7)).ask(query))["me"]["profile"]["value"]["birth"]
    english = (await (await citizen(7, Accept_Language="en")).ask(query))["me"]["profile"]["value"]["birth"]

    assert thai["date"] == english["date"]
    year = int(thai["date"][:4])
    assert thai["text"].endswith(str(year + 543))
    assert english["text"].endswith(str(year))


@pytest.mark.parametrize(("agency", "cards"), [("sso", {"socialSecurity"}), ("dopa", {"profile", "household"})])
async def test_an_agency_that_is_down_costs_its_own_cards(
    agency: str, cards: set[str], citizen: CitizenOf, switch: Switch
) -> None:
    phone = await citizen(7, Accept_Language="en")
    switch("POST", "faults", {"agency": agency, "fault": "down"})

    me = (await phone.ask(CARDS))["me"]

    assert {name for name, card in me.items() if card["state"] != "OK"} == cards
    for name in cards:
        assert me[name]["state"] in ("UNAVAILABLE", "STALE")  # an earlier test may have asked it
        assert me[name]["value"] is None
        assert me[name]["problem"]["code"]
    if agency == "sso":
        assert me["socialSecurity"]["problem"]["message"].isascii()
        assert me["socialSecurity"]["problem"]["retryAfter"] > 0


async def test_what_stands_below_a_card_is_asked_together_with_it(citizen: CitizenOf, switch: Switch) -> None:
    phone = await citizen(7)
    await phone.ask(INSURANCE)  # the agency's token is there by now
    switch("POST", "latency", {"sso": 300})

    began = asyncio.get_running_loop().time()
    insured = (await phone.ask(INSURANCE))["me"]["socialSecurity"]
    took = asyncio.get_running_loop().time() - began

    assert insured["state"] == "OK"
    assert {name: card["state"] for name, card in insured["value"].items() if isinstance(card, dict)} == dict.fromkeys(
        ("contributions", "oldAgeSavings", "claims", "hospitalChoices", "hospitalChanges"), "OK"
    )
    assert took < 0.6, "six questions of 300 ms each, one after another, would take 1.8 s"


async def test_contributions_come_month_by_month(citizen: CitizenOf) -> None:
    value = (await (await citizen(7)).ask(INSURANCE, year=2025))["me"]["socialSecurity"]["value"]

    paid = value["contributions"]["value"]
    assert paid["year"] == 2025
    assert [month["month"] for month in paid["months"]] == [f"2025-{month:02}-01" for month in range(1, 13)]
    assert {month["employee"]["currency"] for month in paid["months"]} == {"THB"}
    assert float(paid["total"]["amount"]) == sum(float(month["employee"]["amount"]) for month in paid["months"])
    assert value["hospitalChanges"]["value"] == []


async def test_section_40_has_records_of_its_own(citizen: CitizenOf) -> None:
    value = (await (await citizen(123)).ask(INSURANCE, year=2025))["me"]["socialSecurity"]["value"]

    assert (value["section"], value["sectionChoice"]) == ("SECTION_40", 1)
    assert value["contributions"]["state"] == "OK"
    assert len(value["contributions"]["value"]["months"]) > 0


async def test_a_year_that_makes_no_sense_is_a_problem_of_its_own_card(citizen: CitizenOf) -> None:
    value = (await (await citizen(7)).ask(INSURANCE, year=99999))["me"]["socialSecurity"]["value"]

    assert value["contributions"] == {
        "state": "NOT_FOUND", "problem": {"code": "BAD_INPUT", "field": "year"}, "value": None,
    }  # fmt: skip
    assert value["oldAgeSavings"]["state"] == "OK"


async def test_a_selection_may_come_in_fragments_and_under_conditions(citizen: CitizenOf) -> None:
    query = """query ($no: Boolean = false, $year: Int!) { me { ...Me } }
      fragment Me on Citizen { card: socialSecurity { ...Answer ... on SocialSecurityAnswer { value { ...Insured } } } }
      fragment Answer on AgencyAnswer { state __typename }
      fragment Insured on SocialSecurity { claims @include(if: $no) { state } paid: contributions(year: $year) { state } }"""

    card = (await (await citizen(7)).ask(query, year=2026))["me"]["card"]

    assert card == {"state": "OK", "__typename": "SocialSecurityAnswer", "value": {"paid": {"state": "OK"}}}


async def test_the_same_question_twice_is_one_question(citizen: CitizenOf, store: Store) -> None:
    phone = await citizen(9)
    me = (await phone.ask("{ me { id } }"))["me"]["id"]
    query = "{ a: me { healthcare { state } } b: me { x: healthcare { asOf } y: healthcare { state } } }"

    before = await _looks(phone)
    await phone.ask(query)

    assert len(await _looks(phone)) == len(before) + 1
    assert me


async def test_every_look_is_on_record_and_says_why(citizen: CitizenOf, switch: Switch) -> None:
    phone = await citizen(9, Accept_Language="en")
    switch("POST", "faults", {"agency": "nhso", "fault": "down"})
    await phone.ask("{ me { healthcare { state } } }")

    latest = (await _looks(phone))[0]

    assert latest["agency"] == {"code": "nhso"}
    assert latest["operation"] == "RIGHTS"
    assert latest["byMe"] is True
    assert latest["actor"] is None
    assert latest["purpose"]["said"] == "The person asked for their own data"
    assert "section 30" in latest["legalGround"]["said"]


async def test_looks_come_page_by_page(citizen: CitizenOf) -> None:
    phone = await citizen(10)
    for _ in range(3):
        await phone.ask("{ me { healthcare { state } profile { state } } }")
    everything = [one["id"] for one in await _looks(phone)]

    first = await _page(phone, None)
    second = await _page(phone, first["pageInfo"]["endCursor"])

    assert [edge["node"]["id"] for page in (first, second) for edge in page["edges"]] == everything[:4]


async def _looks(phone: Graph) -> list[dict[str, Any]]:
    found = await phone.ask(
        """{ me { accessRecords(first: 100) { edges { node { id at byMe actor agency { code } operation
             purpose { said } legalGround { said } onBehalfOf } } } } }"""
    )
    return [edge["node"] for edge in found["me"]["accessRecords"]["edges"]]


async def _page(phone: Graph, after: str | None) -> dict[str, Any]:
    found = await phone.ask(
        """query ($after: String) { me { accessRecords(first: 2, after: $after) {
             pageInfo { hasNextPage endCursor } edges { node { id } } } } }""",
        after=after,
    )
    page: dict[str, Any] = found["me"]["accessRecords"]
    return page


# ---- node


async def test_an_id_leads_back_to_oneself_only(
    signed_in: SignedIn, graph: Graph, one: PersonId, other: PersonId
) -> None:
    query = "query ($id: ID!) { node(id: $id) { __typename id } }"
    mine = (await (await signed_in(one)).ask("{ me { id } }"))["me"]["id"]

    assert mine == global_id("Citizen", one)
    assert await (await signed_in(one)).ask(query, id=mine) == {"node": {"__typename": "Citizen", "id": mine}}
    for phone in (await signed_in(other), graph):
        assert await phone.ask(query, id=mine) == {"node": None}
        assert await phone.ask(query, id=global_id("Citizen", "0" * 32)) == {"node": None}


@pytest.mark.parametrize(
    "wrong",
    [
        "", "x", "====", "Q2l0aXplbg", "Q2l0aXplbjo", "OmFiYw", "ก", "a" * 1_000, "Q2l0aXplbjphYmM=\n", "Li4vLi46eA", "%00",
        global_id("Query", "x"), global_id("PublicService", "nothing"), global_id("Text", "x"), global_id("Node", "x"),
        global_id("Citizen", '{"$ne": 1}'), global_id("Notification", "$ne"), global_id("Device", "__proto__"),
    ],
)  # fmt: skip
async def test_what_is_no_id_leads_nowhere(wrong: str, signed_in: SignedIn, one: PersonId) -> None:
    assert await (await signed_in(one)).ask("query ($id: ID!) { node(id: $id) { id } }", id=wrong) == {"node": None}


async def test_each_thing_has_one_id(signed_in: SignedIn, one: PersonId) -> None:
    """base64 can be written loosely: with stray last bits, say. Only the strict writing is an id."""
    phone = await signed_in(one)
    mine = global_id("Citizen", one)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    loose = mine[:-1] + alphabet[alphabet.index(mine[-1]) ^ 1]

    assert await phone.ask("query ($id: ID!) { node(id: $id) { id } }", id=loose) == {"node": None}
