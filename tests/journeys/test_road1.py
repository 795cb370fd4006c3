"""Road 1: a question from the phone, answered by agencies together; a sick agency costs its own card."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from backend.client import Phone
from backend.up import Running
from foundation.http import Http

SignIn = Callable[..., Awaitable[Phone]]
CARDS = """{ me {
  profile { agency { code } state asOf fetchedAt problem { code message } value { name { th en } birth { date precision text } } }
  household { agency { code } state problem { code } value { members { name { th } } } }
  socialSecurity { agency { code } state problem { code message } value { section hospital { code } } }
  healthcare { agency { code } state problem { code } value { rights { right { th } } } } } }"""
OF_AGENCY = {"dopa": {"profile", "household"}, "sso": {"socialSecurity"}, "nhso": {"healthcare"}}
ALL = {"profile", "household", "socialSecurity", "healthcare"}


async def cards(phone: Phone) -> dict[str, Any]:
    me: dict[str, Any] = (await phone.ask(CARDS))["me"]
    return me


@pytest.mark.parametrize("citizen", [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
async def test_every_sample_citizen_sees_their_own_cards(citizen: int, sign_in: SignIn, state: Any) -> None:
    me = await cards(await sign_in(citizen))
    really = await state.call("GET", f"/sandbox/citizens/{citizen}")

    assert {card["state"] for card in me.values()} <= {"OK", "NOT_FOUND"}
    assert me["profile"]["state"] == "OK"
    assert me["profile"]["value"]["name"]["th"].endswith(really["last_name"]["th"])
    assert me["profile"]["agency"]["code"] == "dopa"
    assert me["profile"]["fetchedAt"]


@pytest.mark.parametrize("agency", ["dopa", "sso", "nhso"])
@pytest.mark.parametrize(
    "fault",
    [
        "down",
        "slow",
        "lying",
        "dripping",
        "html",
        "malformed",
        "truncated",
        "reset",
        "error",
        "huge",
        "duplicate_key",
        "wrong_type",
    ],
)
async def test_a_sick_agency_costs_its_own_cards_only(agency: str, fault: str, sign_in: SignIn, state: Any) -> None:
    phone = await sign_in(7)
    await state.call("POST", "/sandbox/faults", {"agency": agency, "fault": fault})

    began = time.monotonic()
    me = await cards(phone)
    took = time.monotonic() - began

    sick = OF_AGENCY[agency]
    assert {name: me[name]["state"] for name in ALL - sick} == dict.fromkeys(ALL - sick, "OK")
    for name in sick:
        # What it told an earlier test stands in; nothing else is shown.
        assert me[name]["state"] in ("UNAVAILABLE", "STALE")
        assert (me[name]["value"] is None) == (me[name]["state"] == "UNAVAILABLE")
        assert me[name]["problem"]["code"]
    assert took < 5, "the deadline of one agency is the longest anybody waits"


async def test_an_agency_that_lies_shows_nothing_of_the_other_person(
    sign_in: SignIn, state: Any, system: Running, http: Http
) -> None:
    phone = await sign_in(7)
    await state.call("POST", "/sandbox/faults", {"agency": "dopa", "fault": "lying"})

    me = await cards(phone)

    really = (await state.call("GET", "/sandbox/citizens/7"))["last_name"]["th"]
    assert me["profile"]["state"] in ("UNAVAILABLE", "STALE")
    assert me["profile"]["value"] is None or me["profile"]["value"]["name"]["th"].endswith(really)
    assert me["household"]["state"] in ("UNAVAILABLE", "STALE")
    metrics = (await http.request("GET", f"{system.api}/metrics", deadline_s=5)).body.decode()
    assert "tangrat_alarms_total{" in metrics


async def test_a_question_after_the_fault_is_answered_again(sign_in: SignIn, state: Any) -> None:
    phone = await sign_in(7)
    await state.call("POST", "/sandbox/faults", {"agency": "sso", "fault": "down"})
    assert (await cards(phone))["socialSecurity"]["state"] in ("UNAVAILABLE", "STALE")
    await state.call("DELETE", "/sandbox/faults")

    assert (await cards(phone))["socialSecurity"]["state"] == "OK"


async def test_each_look_is_on_record_even_when_the_agency_did_not_answer(sign_in: SignIn, state: Any) -> None:
    phone = await sign_in(9)
    await state.call("POST", "/sandbox/faults", {"agency": "nhso", "fault": "down"})
    await phone.ask("{ me { healthcare { state } } }")

    records = await phone.ask(
        "{ me { accessRecords(first: 100) { edges { node { agency { code } operation purpose { en } legalGround { en } at } } } } }"
    )

    seen = [edge["node"] for edge in records["me"]["accessRecords"]["edges"]]
    assert any(one["agency"]["code"] == "nhso" for one in seen)
    assert all(one["purpose"] and one["legalGround"] for one in seen)


async def test_the_problem_is_said_in_the_readers_language(sign_in: SignIn, state: Any) -> None:
    await state.call("POST", "/sandbox/faults", {"agency": "sso", "fault": "down"})

    said = {}
    for language in ("th", "en"):
        phone = await sign_in(7, language=language)
        said[language] = (await cards(phone))["socialSecurity"]["problem"]["message"]

    assert said["en"].isascii()
    assert not said["th"].isascii()


async def test_nobody_signed_in_is_nobody(system: Running, http: Http) -> None:
    reply = await http.request("POST", f"{system.api}/graphql", deadline_s=5, json={"query": "{ me { id } }"})
    assert reply.json() == {"data": {"me": None}}

    reply = await http.request(
        "POST",
        f"{system.api}/graphql",
        deadline_s=5,
        json={"query": "{ me { id } }"},
        headers={"Authorization": "Bearer nonsense"},
    )
    assert reply.status == 401
    assert reply.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
