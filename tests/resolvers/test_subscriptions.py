"""`answers`: each agency's answer the moment it is there, over a socket and as an event stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agencies import dopa
from agencies.gateway import Gateway
from foundation.telemetry import Metrics
from resolvers.agencies import AgencyAnswer
from resolvers.citizen import Citizen
from resolvers.context import Services
from resolvers.subscriptions import CitizenSection
from tests.resolvers.conftest import Graph, SignedIn, Start
from tests.resolvers.streaming import Socket, events_of, ready_socket, until
from trust.people import PersonId

Switch = Callable[..., Any]
OnPhone = Callable[..., Awaitable[Graph]]
FOUR = ["PROFILE", "HOUSEHOLD", "SOCIAL_SECURITY", "HEALTHCARE"]
STATES = (
    "subscription ($only: [CitizenSection!]) { answers(sections: $only) { section answer { state agency { code } } } }"
)
PROFILE = """subscription {
  answers(sections: [PROFILE]) { section answer { __typename state ... on ProfileAnswer { value { name { said th en } } } } }
}"""


class Door:
    """The gateway, but for some questions of which something else becomes."""

    def __init__(self, real: Gateway, instead: dict[Any, Callable[[], Awaitable[Any]]]) -> None:
        self._real = real
        self._instead = instead

    def asking(self, **whose: Any) -> Any:
        asking, instead = self._real.asking(**whose), self._instead

        class Asking:
            async def ask(self, operation: Any, **arguments: Any) -> Any:
                return await (instead[operation]() if operation in instead else asking.ask(operation, **arguments))

        return Asking()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def anew(phone: Graph) -> AbstractAsyncContextManager[Socket]:
    """A socket on which agencies are asked, whatever they said to the test before."""
    return ready_socket(phone, payload={"Cache-Control": "no-cache"})


async def heard(phone: Graph, query: str, **variables: Any) -> list[Any]:
    async with anew(phone) as socket:
        return await socket.ask(query, variables=variables)


def in_order(told: list[Any]) -> list[tuple[str, str]]:
    return [(one["data"]["answers"]["section"], one["data"]["answers"]["answer"]["state"]) for one in told]


def test_the_sections_are_what_agencies_answer_of_a_citizen() -> None:
    fields = Citizen.__strawberry_definition__.fields  # type: ignore[attr-defined]  # strawberry puts it there
    answered = [
        one.python_name.upper() for one in fields if isinstance(one.type, type) and issubclass(one.type, AgencyAnswer)
    ]

    assert [one.name for one in CitizenSection] == answered
    assert set(FOUR) <= set(answered)
    assert "INBOX" not in answered


async def test_every_section_comes_once_and_then_it_is_over(citizen: OnPhone) -> None:
    told = await heard(await citizen(4), STATES)

    assert sorted(section for section, _ in in_order(told)) == sorted(one.name for one in CitizenSection)


async def test_the_quickest_comes_first(citizen: OnPhone, switch: Switch) -> None:
    phone = await citizen(4)
    switch("POST", "faults", {"agency": "dopa", "fault": "slow", "delay_ms": 600})
    switch("POST", "faults", {"agency": "sso", "fault": "slow", "delay_ms": 300})

    told = in_order(await heard(phone, STATES, only=["PROFILE", "SOCIAL_SECURITY", "HEALTHCARE"]))

    assert told == [("HEALTHCARE", "OK"), ("SOCIAL_SECURITY", "OK"), ("PROFILE", "OK")]


async def test_an_answer_does_not_wait_for_the_next(citizen: OnPhone, switch: Switch) -> None:
    phone = await citizen(4)
    switch("POST", "faults", {"agency": "dopa", "fault": "slow", "delay_ms": 1_000})
    loop = asyncio.get_running_loop()

    async with anew(phone) as socket:
        await socket.subscribe("1", STATES, variables={"only": ["PROFILE", "HEALTHCARE"]})
        first = await socket.hear()
        between = loop.time()
        second = await socket.hear()

    assert [one["payload"]["data"]["answers"]["section"] for one in (first, second)] == ["HEALTHCARE", "PROFILE"]
    assert loop.time() - between > 0.5


async def test_a_sick_agency_is_told_in_its_place(citizen: OnPhone, switch: Switch) -> None:
    phone = await citizen(4)
    switch("POST", "faults", {"agency": "sso", "fault": "down"})

    told = dict(in_order(await heard(phone, STATES, only=FOUR)))

    assert told.pop("SOCIAL_SECURITY") in ("STALE", "UNAVAILABLE")
    assert told == {"PROFILE": "OK", "HOUSEHOLD": "OK", "HEALTHCARE": "OK"}


async def test_it_is_the_same_answer_as_the_field_of_citizen(citizen: OnPhone) -> None:
    phone = await citizen(4, Accept_Language="en")

    ((told,), asked) = (
        await heard(phone, PROFILE),
        await phone.ask("{ me { profile { __typename state value { name { said th en } } } } }"),
    )

    assert told == {"data": {"answers": {"section": "PROFILE", "answer": asked["me"]["profile"]}}}
    assert told["data"]["answers"]["answer"]["value"]["name"]["said"].isascii()


async def test_what_is_below_a_section_can_be_asked_too(citizen: OnPhone) -> None:
    query = """subscription { answers(sections: [SOCIAL_SECURITY]) {
      answer { ... on SocialSecurityAnswer { value { contributions(year: 2026) { state } } } } } }"""

    (told,) = await heard(await citizen(4), query)

    assert told["data"]["answers"]["answer"]["value"]["contributions"]["state"] == "OK"


async def test_an_agency_is_asked_once_whatever_is_repeated(citizen: OnPhone, metrics: Metrics) -> None:
    phone = await citizen(4)

    def asked() -> tuple[float | None, ...]:
        sample = metrics.registry.get_sample_value
        return sample("tangrat_agency_seconds_count", {"agency": "dopa"}), sample(
            "tangrat_agency_seconds_count", {"agency": "nhso"}
        )

    await heard(phone, STATES, only=["PROFILE", "HEALTHCARE"])
    dopa, nhso = asked()
    told = await heard(phone, STATES, only=["PROFILE", "PROFILE", "HOUSEHOLD", "PROFILE"])

    assert sorted(section for section, _ in in_order(told)) == ["HOUSEHOLD", "PROFILE"]
    assert dopa is not None
    assert asked() == (dopa + 1, nhso)  # both questions in one call


async def test_no_section_is_over_at_once(citizen: OnPhone) -> None:
    assert await heard(await citizen(4), STATES, only=[]) == []


async def test_null_is_all(citizen: OnPhone) -> None:
    assert len(await heard(await citizen(4), STATES, only=None)) == len(CitizenSection)


async def test_nobody_signed_in_is_told_so(graph: Graph) -> None:
    async with ready_socket(graph, headers={"Accept-Language": "en"}) as socket:
        await socket.subscribe("1", STATES)
        message = await socket.hear()
    assert (message["type"], message["id"]) == ("error", "1")
    (error,) = message["payload"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"] == "sign in first"

    async with events_of(graph, STATES) as events:
        kind, told = await events.hear()
        assert (kind, told["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert await events.hear() == ("complete", None)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_as_an_event_stream(method: str, citizen: OnPhone, switch: Switch) -> None:
    phone = await citizen(4)
    switch("POST", "faults", {"agency": "dopa", "fault": "slow", "delay_ms": 400})
    query = "subscription { answers(sections: [PROFILE, HEALTHCARE]) { section answer { state } } }"

    async with events_of(phone.with_headers(Cache_Control="no-cache"), query, method=method) as events:
        *told, last = await events.hear_all()

    assert in_order([data for kind, data in told if kind == "next"]) == [("HEALTHCARE", "OK"), ("PROFILE", "OK")]
    assert last == ("complete", None)


async def test_two_at_once_in_one_socket(citizen: OnPhone, switch: Switch) -> None:
    phone = await citizen(4)
    switch("POST", "faults", {"agency": "dopa", "fault": "slow", "delay_ms": 300})

    async with anew(phone) as socket:
        await socket.subscribe("slow", STATES, variables={"only": ["PROFILE"]})
        await socket.subscribe("quick", STATES, variables={"only": ["HEALTHCARE"]})
        order = [(await socket.hear()) for _ in range(4)]

    assert [(one["id"], one["type"]) for one in order] == [
        ("quick", "next"), ("quick", "complete"), ("slow", "next"), ("slow", "complete"),
    ]  # fmt: skip


async def test_complete_stops_it_and_the_socket_goes_on(citizen: OnPhone, switch: Switch) -> None:
    phone = await citizen(4)
    switch("POST", "faults", {"agency": "dopa", "fault": "slow", "delay_ms": 1_000})

    async with anew(phone) as socket:
        await socket.subscribe("1", STATES, variables={"only": ["PROFILE", "HEALTHCARE"]})
        assert (await socket.hear())["payload"]["data"]["answers"]["section"] == "HEALTHCARE"
        await socket.say({"id": "1", "type": "complete"})
        assert in_order(await socket.ask(STATES, variables={"only": ["HEALTHCARE"]})) == [("HEALTHCARE", "OK")]


async def test_who_goes_half_way_leaves_nothing_behind(citizen: OnPhone, services: Services, start: Start) -> None:
    there = await citizen(4)
    phone = await start(replacing={"gateway": Door(services.gateway, {dopa.PERSON: asyncio.Event().wait})})
    phone.headers = there.headers
    before = len(asyncio.all_tasks())

    async with anew(phone) as socket:
        await socket.subscribe("1", STATES, variables={"only": ["PROFILE", "HEALTHCARE"]})
        await socket.hear()
        socket.connection.transport.abort()
    await until(lambda: len(asyncio.all_tasks()) <= before)

    async with events_of(
        phone.with_headers(Cache_Control="no-cache"),
        "subscription { answers(sections: [PROFILE, HEALTHCARE]) { section } }",
    ) as events:
        await events.hear()
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_nothing_more_after_the_session_has_ended(
    one: PersonId, signed_in: SignedIn, tokens: Any, switch: Switch
) -> None:
    phone = await signed_in(one)
    switch("POST", "faults", {"agency": "dopa", "fault": "slow", "delay_ms": 700})

    async with anew(phone) as socket:
        await socket.subscribe("1", STATES, variables={"only": ["PROFILE"]})
        await asyncio.sleep(0.2)
        await tokens.end_all(one, why="a test")

        assert await socket.closed() == (4403, "this session has ended; sign in again")


async def test_a_fault_of_ours_in_one_section_is_its_own(citizen: OnPhone, services: Services, start: Start) -> None:
    async def faulty() -> None:
        raise RuntimeError("secret detail")

    there = await citizen(4)
    phone = await start(replacing={"gateway": Door(services.gateway, {dopa.PERSON: faulty})})
    phone.headers = there.headers
    told = await heard(phone, STATES, only=["PROFILE", "HEALTHCARE"])

    (wrong,) = [one for one in told if "errors" in one]
    (right,) = [one for one in told if "errors" not in one]
    assert wrong["data"] is None
    assert [(one["path"], one["extensions"]["code"]) for one in wrong["errors"]] == [
        (["answers", "answer"], "INTERNAL")
    ]
    assert in_order([right]) == [("HEALTHCARE", "OK")]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { answers { section } more: answers { section } }", "TOO_MANY_ROOT_FIELDS"),
        ("subscription { ...F } fragment F on Subscription { answers { section } more: answers { section } }", "TOO_MANY_ROOT_FIELDS"),
        ("subscription { __typename }", "VALIDATION_FAILED"),
        ("subscription { answers { section } @skip(if: true) }", "SYNTAX_ERROR"),
        ("subscription { answers @skip(if: true) { section } }", "VALIDATION_FAILED"),
        ("subscription { answers(sections: [NOTHING]) { section } }", "VALIDATION_FAILED"),
        ("subscription { answers(sections: PROFILE, other: 1) { section } }", "VALIDATION_FAILED"),
        ("subscription ($s: [CitizenSection!]!) { answers(sections: $s) { section } }", "BAD_INPUT"),
        ("subscription { nothing }", "VALIDATION_FAILED"),
        ("subscription { answers { answer { value } } }", "VALIDATION_FAILED"),
    ],
)  # fmt: skip
async def test_what_is_no_subscription_of_ours(query: str, code: str, graph: Graph) -> None:
    async with ready_socket(graph) as socket:
        ((error, *_),) = await socket.ask(query)

    assert error["extensions"]["code"] == code


async def test_introspection_through_a_subscription_is_off_in_production(production: Graph) -> None:
    async with ready_socket(production) as socket:
        ((error,),) = await socket.ask("subscription { __schema { queryType { name } } }")

    assert error["extensions"]["code"] == "INTROSPECTION_OFF"
