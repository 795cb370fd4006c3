"""Mini apps as a phone meets them: what there is, what it gets, going in, taking back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from foundation.ids import new_id
from foundation.language import Text
from resolvers.context import Services
from tests.resolvers.conftest import Graph, SignedIn, identity_number
from trust.mini_apps import MiniApp
from trust.people import PersonId

LIST = """{ miniApps { id appId name { th en said } agency { code name { th en } } url data { th en }
  consentText { th en } consentVersion } }"""
OPEN = """mutation ($i: OpenMiniAppInput!) { openMiniApp(input: $i) {
  landing { appId mToken url expiresAt } problems { code message field } } }"""
REVOKE = """mutation ($i: RevokeMiniAppConsentInput!) { revokeMiniAppConsent(input: $i) {
  consent { appId givenAt withdrawnAt miniApp { name { en } } } problems { code field } } }"""
CONSENTS = (
    """{ me { miniAppConsents { appId givenAt textVersion withdrawnAt data { en } miniApp { name { en } } } } }"""
)


@pytest.fixture
async def app(services: Services) -> AsyncIterator[MiniApp]:
    made, _ = await services.mini_apps.add(
        agency="dlt", name=Text(th="ใบขับขี่ของฉัน", en="My licence"), url="https://dlt.example.go.th/landing"
    )
    yield made
    await services.mini_apps.remove(made.id)


Open = Callable[..., Any]


@pytest.fixture
def enter(app: MiniApp) -> Open:
    async def open_it(phone: Graph, *, consent: bool = True, key: str | None = None, app_id: str = app.id) -> Any:
        given = {"appId": app_id, "consent": consent, "clientKey": key or new_id()}
        return (await phone.ask(OPEN, i=given))["openMiniApp"]

    return open_it


async def test_anybody_sees_which_there_are_and_what_they_get(graph: Graph, app: MiniApp) -> None:
    (shown,) = [one for one in (await graph.ask(LIST))["miniApps"] if one["appId"] == app.id]

    assert (shown["name"]["th"], shown["name"]["en"]) == ("ใบขับขี่ของฉัน", "My licence")
    assert (shown["agency"]["code"], shown["url"]) == ("dlt", "https://dlt.example.go.th/landing")
    assert "Identity number" in shown["data"][0]["en"]
    for language in ("th", "en"):
        assert all(one[language] in shown["consentText"][language] for one in shown["data"])
        assert shown["agency"]["name"][language] in shown["consentText"][language]


async def test_nothing_of_its_credentials_is_shown(graph: Graph, app: MiniApp) -> None:
    reply = await graph.reply(LIST)

    assert app.consumer_key.encode() not in reply.body


async def test_the_first_time_the_person_must_agree(
    signed_in: SignedIn, one: PersonId, enter: Open, app: MiniApp
) -> None:
    phone = await signed_in(one)

    refused = await enter(phone, consent=False)
    agreed = await enter(phone)
    later = await enter(phone, consent=False)

    assert refused["landing"] is None
    assert [(one["code"], one["field"]) for one in refused["problems"]] == [("CONSENT_NEEDED", "consent")]
    assert (agreed["problems"], later["problems"]) == ([], [])
    landing = urlsplit(agreed["landing"]["url"])
    assert landing.netloc == "dlt.example.go.th"
    assert parse_qs(landing.query) == {"appId": [app.id], "mToken": [agreed["landing"]["mToken"]]}
    (consent,) = (await phone.ask(CONSENTS))["me"]["miniAppConsents"]
    assert (consent["textVersion"], consent["withdrawnAt"], len(consent["data"])) == ("1", None, 3)


async def test_an_entry_asked_for_twice_is_one_entry(
    signed_in: SignedIn, one: PersonId, enter: Open, services: Services, app: MiniApp
) -> None:
    phone, key = await signed_in(one), new_id()

    first, again = await enter(phone, key=key), await enter(phone, key=key)
    other = await enter(phone)
    conflict = await enter(phone, key=key, consent=False)

    assert first == again
    assert other["landing"]["mToken"] != first["landing"]["mToken"]
    assert [one["code"] for one in conflict["problems"]] == ["CONFLICT"]
    assert await services.mini_apps.burn(first["landing"]["mToken"], app=app) is not None


async def test_two_people_may_make_up_the_same_key(
    signed_in: SignedIn, enter: Open, services: Services, app: MiniApp
) -> None:
    # Of more than 256 people two are of one cell, which is where ids derived from a person could meet.
    found = (await services.people.ensure_many(dict.fromkeys(identity_number() for _ in range(270)))).values()
    by_cell: dict[str, list[PersonId]] = {}
    for person in found:
        by_cell.setdefault(person.id[:2], []).append(person.id)
    one, neighbour = next(people for people in by_cell.values() if len(people) > 1)[:2]

    landings = [(await enter(await signed_in(person), key="1"))["landing"] for person in (one, neighbour)]

    entries = [await services.mini_apps.burn(landing["mToken"], app=app) for landing in landings]
    assert [entry.person for entry in entries if entry is not None] == [one, neighbour]


async def test_a_refusal_does_not_use_up_the_key(signed_in: SignedIn, one: PersonId, enter: Open) -> None:
    phone, key = await signed_in(one), new_id()

    assert (await enter(phone, key=key, consent=False))["landing"] is None
    assert (await enter(phone, key=key, consent=False))["problems"][0]["code"] == "CONSENT_NEEDED"


async def test_two_taps_at_once_are_one_entry_or_a_wait(signed_in: SignedIn, one: PersonId, enter: Open) -> None:
    phone, key = await signed_in(one), new_id()

    told = await asyncio.gather(*(enter(phone, key=key) for _ in range(4)))

    assert len({one["landing"]["mToken"] for one in told if one["landing"]}) == 1
    assert {one["problems"][0]["code"] for one in told if one["problems"]} <= {"IN_PROGRESS"}


@pytest.mark.parametrize("app_id", ["", "nope", "00000000-0000-4000-8000-000000000000", "\u202e", "x" * 500])
async def test_what_is_not_there_is_a_problem(signed_in: SignedIn, one: PersonId, enter: Open, app_id: str) -> None:
    told = await enter(await signed_in(one), app_id=app_id)

    assert [(one["code"], one["field"]) for one in told["problems"]] == [("NOT_FOUND", "appId")]


async def test_nobody_who_is_not_signed_in_goes_in(graph: Graph, enter: Open, app: MiniApp) -> None:
    assert [one["code"] for one in (await enter(graph))["problems"]] == ["UNAUTHENTICATED"]
    revoked = (await graph.ask(REVOKE, i={"appId": app.id}))["revokeMiniAppConsent"]
    assert [one["code"] for one in revoked["problems"]] == ["UNAUTHENTICATED"]


async def test_what_was_allowed_is_taken_back_by_who_allowed_it(
    signed_in: SignedIn, one: PersonId, other: PersonId, enter: Open, services: Services, app: MiniApp
) -> None:
    phone, stranger = await signed_in(one), await signed_in(other)
    landing = (await enter(phone))["landing"]

    theirs = (await stranger.ask(REVOKE, i={"appId": app.id}))["revokeMiniAppConsent"]
    assert (theirs["consent"], theirs["problems"]) == (None, [{"code": "NOT_FOUND", "field": "appId"}])
    assert await services.mini_apps.consented(one, app.id) is not None

    first = (await phone.ask(REVOKE, i={"appId": app.id}))["revokeMiniAppConsent"]
    again = (await phone.ask(REVOKE, i={"appId": app.id}))["revokeMiniAppConsent"]

    assert first == again
    assert first["consent"]["withdrawnAt"] is not None
    assert await services.mini_apps.burn(landing["mToken"], app=app) is None
    assert (await enter(phone, consent=False))["problems"][0]["code"] == "CONSENT_NEEDED"
    (shown,) = (await phone.ask(CONSENTS))["me"]["miniAppConsents"]
    assert shown["withdrawnAt"] == first["consent"]["withdrawnAt"]
    assert (await stranger.ask(CONSENTS))["me"]["miniAppConsents"] == []


async def test_a_consent_outlives_the_mini_app(
    signed_in: SignedIn, one: PersonId, enter: Open, services: Services, app: MiniApp
) -> None:
    phone = await signed_in(one)
    await enter(phone)
    await services.mini_apps.remove(app.id)

    (shown,) = (await phone.ask(CONSENTS))["me"]["miniAppConsents"]

    assert (shown["appId"], shown["miniApp"]) == (app.id, None)
