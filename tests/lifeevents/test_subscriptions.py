"""Standing wishes of agencies: proven before the first event, one's own only, and held at once when they change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from foundation.errors import BadInput, Conflict, NotFound
from foundation.http import Http
from lifeevents import subscriptions as subscriptions_module
from lifeevents.subscriptions import Subscriptions, WithSecret
from tests.lifeevents.conftest import EventRoad, Hook
from trust.people import PersonId

BIRTH, DEATH, PREGNANCY = "th.dopa.birth.registered", "th.dopa.death.registered", "th.moph.pregnancy.recorded"


async def subscribe(road: EventRoad, **changes: Any) -> WithSecret:
    wish = {
        "agency": "nhso", "client": "nhso-1", "types": [BIRTH], "purpose": "register newborns for health care",
        "legal_ground": "National Health Security Act B.E. 2545, s. 6", "endpoint": None,
    }  # fmt: skip
    return await road.subscriptions.create(**(wish | changes))


async def test_an_endpoint_is_proven_by_a_signed_challenge(road: EventRoad, hook: Hook) -> None:
    made = await subscribe(road, endpoint=hook.url)

    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    said = hook.signed_by(made.secret)
    assert said["type"] == "tangrat.endpoint.challenge"
    assert len(said["challenge"]) > 30
    assert hook.calls[0][0].keys() >= {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert made.subscription.state == "active"


async def test_the_secret_is_shown_once_and_kept_sealed(road: EventRoad, hook: Hook) -> None:
    made = await subscribe(road, endpoint=hook.url)

    (held,) = await road.all_of("subscriptions")
    assert made.secret is not None
    assert made.secret not in repr(held)
    assert made.secret not in repr(made)
    assert not hasattr(await road.subscriptions.get(made.subscription.id, agency="nhso"), "secret")
    endpoint = await road.subscriptions.endpoint(made.subscription.id)
    assert endpoint is not None
    assert endpoint.secrets == (made.secret,)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: JSONResponse({"challenge": "something else"}), "with the word"),
        (lambda _: JSONResponse({"challenge": 5}), "with the word"),
        (lambda _: JSONResponse([]), "with the word"),
        (lambda _: PlainTextResponse("hello"), "with the word"),
        (lambda said: PlainTextResponse(said["challenge"]), "with the word"),
        (lambda said: JSONResponse(said, status_code=201), "201 instead of 200"),
        (lambda _: RedirectResponse("http://127.0.0.1/elsewhere"), "307 instead of 200"),
        (lambda _: Response(status_code=500), "500 instead of 200"),
        (lambda said: JSONResponse(said | {"pad": "x" * 10_000}), "larger than"),
    ],
)
async def test_an_endpoint_that_does_not_say_the_word_is_refused(
    road: EventRoad, hook: Hook, answer: Any, why: str
) -> None:
    hook.answer = answer
    with pytest.raises(BadInput) as refused:
        await subscribe(road, endpoint=hook.url)

    assert why in refused.value.message
    assert await road.all_of("subscriptions") == []


async def test_an_endpoint_that_is_slow_is_refused(
    road: EventRoad, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "_ANSWER_WITHIN_S", 0.1)
    hook.answer = lambda _: 1.0
    with pytest.raises(BadInput) as refused:
        await subscribe(road, endpoint=hook.url)

    assert refused.value.facts["failure"] == "DEADLINE"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "ftp://a", "https://user:p@b.example/x", "x", "http://h:99999/"]
)
async def test_an_endpoint_that_can_not_be_called_is_refused(road: EventRoad, url: str) -> None:
    with pytest.raises(BadInput):
        await subscribe(road, endpoint=url)


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/x", "https://[::1]/x", "http://hooks.example/x", "https://169.254.169.254/latest"]
)
async def test_in_production_an_endpoint_is_public_and_https(road: EventRoad, url: str) -> None:
    http = Http(public_only=True)
    strict = Subscriptions(
        road.store, road.vault, road.catalogue, http, clock=road.clock, metrics=road.metrics, public_only=True
    )
    with pytest.raises(BadInput):
        await strict.create(
            agency="nhso", client="c", types=[BIRTH], purpose="care", legal_ground="an act", endpoint=url
        )
    await http.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"types": []}, {"types": ["th.dopa.unknown"]}, {"types": [5]}, {"types": "th.dopa.birth.registered"},
        {"types": ["th.calendar.right.due"]}, {"types": None}, {"purpose": ""}, {"purpose": "  "}, {"purpose": 5},
        {"legal_ground": ""}, {"legal_ground": None}, {"legal_ground": "x" * 501}, {"purpose": "a\x00bc"},
        {"purpose": "abc\u202edef"},
    ],
)  # fmt: skip
async def test_a_wish_names_known_types_its_purpose_and_its_ground(road: EventRoad, changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        await subscribe(road, **changes)

    assert await road.all_of("subscriptions") == []


async def test_a_sensitive_type_is_heard_with_a_ground_like_any_other(road: EventRoad) -> None:
    made = await subscribe(road, types=[PREGNANCY, PREGNANCY])

    assert made.subscription.types == (PREGNANCY,)
    assert made.secret is None


async def test_an_agency_sees_and_changes_its_own_only(road: EventRoad) -> None:
    mine = (await subscribe(road)).subscription
    other = (await subscribe(road, agency="sso")).subscription

    assert await road.subscriptions.list("nhso") == (mine,)
    for call in (
        road.subscriptions.get,
        road.subscriptions.delete,
        road.subscriptions.pause,
        road.subscriptions.resume,
    ):
        with pytest.raises(NotFound):
            await call(other.id, agency="nhso")
    with pytest.raises(NotFound):
        await road.subscriptions.rotate(other.id, agency="nhso")
    assert await road.subscriptions.list("sso") == (other,)


async def test_there_is_an_end_to_how_many(road: EventRoad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions_module, "_MOST_SUBSCRIPTIONS", 1)
    await subscribe(road)
    with pytest.raises(Conflict):
        await subscribe(road)
    await subscribe(road, agency="sso")


async def test_who_wants_webhooks_of_a_type(road: EventRoad, hook: Hook) -> None:
    active = (await subscribe(road, endpoint=hook.url)).subscription
    paused = (await subscribe(road, endpoint=hook.url, types=[BIRTH, DEATH])).subscription
    disabled = (await subscribe(road, endpoint=hook.url)).subscription
    await subscribe(road)  # without an endpoint: the pull feed
    await road.subscriptions.pause(paused.id, agency="nhso")
    await road.subscriptions.gone(disabled.id, why="the endpoint answered 410")

    assert {one.id for one in await road.subscriptions.matching(BIRTH)} == {active.id, paused.id}
    assert {one.id for one in await road.subscriptions.matching(DEATH)} == {paused.id}
    assert await road.subscriptions.matching("th.dopa.name.changed") == ()


async def test_what_another_process_changed_holds_within_a_second(
    road: EventRoad, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await subscribe(road, endpoint=hook.url)).subscription
    assert len(await road.subscriptions.matching(BIRTH)) == 1
    await road.store.collection("subscriptions").delete_one({"_id": made.id})

    now = subscriptions_module.time.monotonic()
    monkeypatch.setattr(subscriptions_module.time, "monotonic", lambda: now + 1.0)

    assert await road.subscriptions.matching(BIRTH) == ()


async def test_a_pause_holds_the_endpoint_and_a_resume_lets_it_go(road: EventRoad, hook: Hook) -> None:
    made = (await subscribe(road, endpoint=hook.url)).subscription

    assert (await road.subscriptions.pause(made.id, agency="nhso")).state == "paused"
    assert (await road.subscriptions.pause(made.id, agency="nhso")).state == "paused"
    endpoint = await road.subscriptions.endpoint(made.id)
    assert endpoint is not None
    assert endpoint.is_paused

    assert (await road.subscriptions.resume(made.id, agency="nhso")).state == "active"
    assert len(hook.calls) == 1


async def test_a_deleted_subscription_has_no_endpoint(road: EventRoad, hook: Hook) -> None:
    made = (await subscribe(road, endpoint=hook.url)).subscription
    await road.subscriptions.delete(made.id, agency="nhso")

    assert await road.subscriptions.endpoint(made.id) is None
    assert await road.subscriptions.list("nhso") == ()


async def test_an_endpoint_that_is_gone_is_disabled_until_it_is_proven_again(road: EventRoad, hook: Hook) -> None:
    made = await subscribe(road, endpoint=hook.url)
    await road.subscriptions.gone(made.subscription.id, why="the endpoint answered 410")
    disabled = await road.subscriptions.get(made.subscription.id, agency="nhso")
    assert (disabled.state, disabled.why) == ("disabled", "the endpoint answered 410")
    assert await road.subscriptions.endpoint(made.subscription.id) is None
    assert (await road.subscriptions.pause(made.subscription.id, agency="nhso")).state == "disabled"

    hook.answer = lambda _: Response(status_code=410)
    with pytest.raises(BadInput):
        await road.subscriptions.resume(made.subscription.id, agency="nhso")

    hook.answer = None
    resumed = await road.subscriptions.resume(made.subscription.id, agency="nhso")
    assert (resumed.state, resumed.why) == ("active", None)
    assert made.secret is not None
    assert hook.signed_by(made.secret)


async def test_a_new_secret_and_the_old_one_both_sign_for_a_day(road: EventRoad, hook: Hook) -> None:
    first = await subscribe(road, endpoint=hook.url)
    second = await road.subscriptions.rotate(first.subscription.id, agency="nhso")

    async def signing() -> tuple[str, ...]:
        endpoint = await road.subscriptions.endpoint(first.subscription.id)
        assert endpoint is not None
        return endpoint.secrets

    assert await signing() == (second.secret, first.secret)
    third = await road.subscriptions.rotate(first.subscription.id, agency="nhso")
    assert await signing() == (third.secret, second.secret)

    road.clock.advance(timedelta(hours=23, minutes=59))
    assert len(await signing()) == 2
    road.clock.advance(timedelta(minutes=1))
    assert await signing() == (third.secret,)
    assert second.secret is not None
    with pytest.raises(AssertionError):
        hook.signed_by(second.secret)


async def test_without_an_endpoint_there_is_no_secret_to_replace(road: EventRoad) -> None:
    made = await subscribe(road)
    with pytest.raises(BadInput):
        await road.subscriptions.rotate(made.subscription.id, agency="nhso")


async def test_each_agency_knows_a_person_by_another_name(road: EventRoad) -> None:
    somebody, another = PersonId("ab" * 16), PersonId("cd" * 16)
    names = {
        road.subscriptions.pseudonym(person, agency=agency)
        for person in (somebody, another)
        for agency in ("nhso", "sso")
    }

    assert len(names) == 4
    assert road.subscriptions.pseudonym(somebody, agency="nhso") in names
    assert not any(somebody in name for name in names)
