"""What a person allows this app, as their phone reads and changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from resolvers.context import Services
from tests.resolvers.conftest import Graph, SignedIn
from trust.people import People, PersonId

CONSENTS = (
    """{ me { consents { agency { code name { th en } } purpose state since text { th en said } textVersion } } }"""
)
GIVE = """mutation ($i: GiveConsentInput!) { told: giveConsent(input: $i) {
  consent { agency { code } purpose state since text { said } } problems { code message field retryAfter } } }"""
WITHDRAW = GIVE.replace("giveConsent", "withdrawConsent").replace("GiveC", "WithdrawC")
SSO: dict[str, Any] = {"agency": "sso", "purpose": "SHOW_MY_DATA"}
SENSITIVE: dict[str, Any] = {"agency": "nhso", "purpose": "PROACTIVE_SENSITIVE"}


async def standing(phone: Graph) -> dict[tuple[str, str], str]:
    """How each consent stands."""
    told = (await phone.ask(CONSENTS))["me"]["consents"]
    found = {(one["agency"]["code"], one["purpose"]): one["state"] for one in told}
    assert len(found) == len(told), "one is told twice"
    return found


async def test_a_person_reads_what_they_allow_in_both_languages(signed_in: SignedIn, one: PersonId) -> None:
    thai, english = await signed_in(one), await signed_in(one, Accept_Language="en")

    told = (await thai.ask(CONSENTS))["me"]["consents"]

    stands = {(each["agency"]["code"], each["purpose"]): each["state"] for each in told}
    assert stands["dopa", "SHOW_MY_DATA"] == stands["sso", "SHOW_MY_DATA"] == stands["nhso", "SHOW_MY_DATA"] == "GIVEN"
    assert stands["nhso", "PROACTIVE_SENSITIVE"] == stands["sso", "PROACTIVE_SENSITIVE"] == "NOT_GIVEN"
    assert ("dopa", "PROACTIVE_SENSITIVE") not in stands  # it holds nothing of the kind
    for each in told:
        assert each["since"] is None
        assert each["textVersion"]
        for language in ("th", "en"):
            assert each["agency"]["name"][language] in each["text"][language]
            assert "{" not in each["text"][language]
        assert each["text"]["said"] == each["text"]["th"] != each["text"]["en"]
    assert {each["text"]["said"] == each["text"]["en"] for each in (await english.ask(CONSENTS))["me"]["consents"]} == {
        True
    }


async def test_nobody_reads_or_changes_without_signing_in(graph: Graph) -> None:
    assert await graph.ask("{ me { consents { state } } }") == {"me": None}
    for change in (GIVE, WITHDRAW):
        told = (await graph.ask(change, i=SSO))["told"]
        assert (told["consent"], [each["code"] for each in told["problems"]]) == (None, ["UNAUTHENTICATED"])


async def test_an_agency_is_withdrawn_and_given_back(signed_in: SignedIn, one: PersonId, other: PersonId) -> None:
    phone, somebody_else = await signed_in(one), await signed_in(other)

    first = (await phone.ask(WITHDRAW, i=SSO))["told"]
    again = (await phone.ask(WITHDRAW, i=SSO))["told"]

    assert first == again
    assert first["problems"] == []
    assert (first["consent"]["state"], first["consent"]["agency"]) == ("WITHDRAWN", {"code": "sso"})
    assert first["consent"]["since"] is not None
    assert (await standing(phone))["sso", "SHOW_MY_DATA"] == "WITHDRAWN"
    assert (await standing(phone))["nhso", "SHOW_MY_DATA"] == "GIVEN"
    assert (await standing(somebody_else))["sso", "SHOW_MY_DATA"] == "GIVEN"

    back = (await phone.ask(GIVE, i=SSO))["told"]
    assert (back["consent"]["state"], back["problems"]) == ("GIVEN", [])
    assert (await standing(phone))["sso", "SHOW_MY_DATA"] == "GIVEN"


async def test_what_is_sensitive_needs_a_yes_under_an_agency_that_is_not_withdrawn(
    signed_in: SignedIn, services: Services, one: PersonId
) -> None:
    phone = await signed_in(one, Accept_Language="en")

    given = (await phone.ask(GIVE, i=SENSITIVE))["told"]
    assert given["consent"]["state"] == "GIVEN"
    assert (await services.consents.of(one)).opted_in("nhso")
    await phone.ask(WITHDRAW, i=SENSITIVE | {"purpose": "SHOW_MY_DATA"})
    refused = (await phone.ask(GIVE, i=SENSITIVE))["told"]

    assert refused["consent"] is None
    assert [(each["code"], each["field"]) for each in refused["problems"]] == [("CONFLICT", "agency")]
    assert (await standing(phone))["nhso", "PROACTIVE_SENSITIVE"] == "WITHDRAWN"


@pytest.mark.parametrize("agency", ["nobody", "", "$where", "SSO", "ส" * 500, "x" * 20_000])
async def test_an_agency_that_can_not_be_asked_is_a_problem_in_both_languages(
    signed_in: SignedIn, one: PersonId, agency: str
) -> None:
    said = set()
    for language in ("th", "en"):
        phone = await signed_in(one, Accept_Language=language)
        for change in (GIVE, WITHDRAW):
            told = (await phone.ask(change, i=SSO | {"agency": agency}))["told"]
            assert told["consent"] is None
            assert [(each["code"], each["field"]) for each in told["problems"]] == [("BAD_INPUT", "agency")]
            said.add(told["problems"][0]["message"])
    assert len(said) == 2
    assert set((await standing(phone)).values()) == {"GIVEN", "NOT_GIVEN"}


async def test_a_purpose_that_is_none_and_fields_that_are_none_are_refused(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    for wrong in ({"purpose": "EVERYTHING"}, {"purpose": None}, {"agency": None}, {"agency": 7}, {"person": "x"}):
        assert await phone.code(WITHDRAW, i=SSO | wrong) == "BAD_INPUT"
    assert (await standing(phone))["sso", "SHOW_MY_DATA"] == "GIVEN"


async def test_a_wish_sent_again_late_does_not_undo_what_came_after(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    await phone.ask(WITHDRAW, i=SSO | {"clientKey": "first"})
    await phone.ask(GIVE, i=SSO | {"clientKey": "second"})

    late = (await phone.ask(WITHDRAW, i=SSO | {"clientKey": "first"}))["told"]

    assert (late["consent"]["state"], late["problems"]) == ("GIVEN", [])
    assert (await standing(phone))["sso", "SHOW_MY_DATA"] == "GIVEN"


async def test_a_key_is_for_one_wish(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    await phone.ask(WITHDRAW, i=SSO | {"clientKey": "key"})

    other_wish = (await phone.ask(WITHDRAW, i=SSO | {"clientKey": "key", "agency": "nhso"}))["told"]
    bad_key = (await phone.ask(WITHDRAW, i=SSO | {"clientKey": "ก"}))["told"]

    assert [(each["code"], each["field"]) for each in other_wish["problems"]] == [("CONFLICT", "clientKey")]
    assert [(each["code"], each["field"]) for each in bad_key["problems"]] == [("BAD_INPUT", "clientKey")]
    assert (await standing(phone))["nhso", "SHOW_MY_DATA"] == "GIVEN"


async def test_a_wish_that_met_trouble_may_be_sent_again_with_its_key(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    nhso = SENSITIVE | {"purpose": "SHOW_MY_DATA"}
    await phone.ask(WITHDRAW, i=nhso)
    assert (await phone.ask(GIVE, i=SENSITIVE | {"clientKey": "yes"}))["told"]["problems"]
    await phone.ask(GIVE, i=nhso)

    told = (await phone.ask(GIVE, i=SENSITIVE | {"clientKey": "yes"}))["told"]

    assert (told["consent"]["state"], told["problems"]) == ("GIVEN", [])


async def test_many_at_once_change_it_once(signed_in: SignedIn, services: Services, one: PersonId) -> None:
    phone = await signed_in(one)

    told = await asyncio.gather(*(phone.ask(WITHDRAW, i=SSO) for _ in range(8)))

    assert {each["told"]["consent"]["state"] for each in told} == {"WITHDRAWN"}
    assert len({each["told"]["consent"]["since"] for each in told}) == 1
    changes = await services.consents.history(one)
    assert [(each.agency, each.by, each.app) for each in changes] == [("sso", one, "app")] * 2


async def test_somebody_erased_changes_nothing_any_more(signed_in: SignedIn, people: People, one: PersonId) -> None:
    phone = await signed_in(one)
    await people.erase(one)

    told = (await phone.ask(WITHDRAW, i=SSO))["told"]

    assert (told["consent"], [each["code"] for each in told["problems"]]) == (None, ["NOT_FOUND"])


@pytest.fixture
def spy(switch: Callable[..., Any]) -> Callable[[str, str], Callable[[], int]]:
    """Count an agency's calls of one operation: a fault that does nothing but be met."""

    def watch(agency: str, operation: str) -> Callable[[], int]:
        fault = {"agency": agency, "fault": "slow", "operation": operation, "delay_ms": 0}
        met = switch("POST", "faults", fault)["id"]
        return lambda: next(int(one["hits"]) for one in switch("GET", "faults")["faults"] if one["id"] == met)

    return watch


async def test_a_withdrawn_agency_is_not_asked_even_for_its_person_until_it_is_given_back(
    citizen: Callable[..., Awaitable[Graph]], spy: Callable[[str, str], Callable[[], int]]
) -> None:
    phone = await citizen(9, Accept_Language="en")
    nhso = SENSITIVE | {"purpose": "SHOW_MY_DATA"}
    care = "{ me { healthcare { state value { __typename } problem { code message } } } }"
    records = "{ me { accessRecords(first: 100) { edges { node { id } } } } }"
    assert (await phone.ask(care))["me"]["healthcare"]["state"] == "OK"
    looks = await phone.ask(records)
    hits = await asyncio.to_thread(spy, "nhso", "right-search")

    await phone.ask(WITHDRAW, i=nhso)
    told = (await phone.ask(care))["me"]["healthcare"]

    assert (told["state"], told["value"], told["problem"]["code"]) == ("NOT_ALLOWED", None, "CONSENT_WITHDRAWN")
    assert "withdrawn" in told["problem"]["message"]
    assert await asyncio.to_thread(hits) == 0
    assert await phone.ask(records) == looks

    await phone.ask(GIVE, i=nhso)
    assert (await phone.ask(care))["me"]["healthcare"]["state"] == "OK"
    assert await asyncio.to_thread(hits) == 1  # what was kept from before is void
