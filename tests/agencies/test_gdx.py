"""The gateway before the agencies: its token, how long it lives, and what is done when it is not taken."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agencies.gdx import GdxTransport
from agencies.trouble import AgencyRefused
from foundation.settings import Secret

SECRET = "not-the-consumers-secret"


@pytest.fixture
def transport(http, settings, frozen):
    def build(secret: Secret = settings.gdx_consumer_secret) -> GdxTransport:
        return GdxTransport(
            http, url=settings.gdx_url, consumer_key=settings.gdx_consumer_key, consumer_secret=secret,
            agent_id=settings.gdx_agent_id, clock=frozen, deadline_s=2,
        )  # fmt: skip

    return build


@pytest.fixture
def jobs(settings):
    """An address behind the gateway where Linkage2 answers 401 to whoever is not signed in there."""
    return f"{settings.dopa_url}/api/center/user/job"


async def test_one_token_serves_many_calls_while_it_is_used(transport, jobs, spy, frozen):
    gdx, validated = transport(), spy("gdx", "validate")

    for _ in range(3):
        await asyncio.gather(*(gdx.request("GET", jobs) for _ in range(5)))
        frozen.advance(timedelta(minutes=50))
    assert validated() == 1

    frozen.advance(timedelta(minutes=10))
    await gdx.request("GET", jobs)
    assert validated() == 2


async def test_each_agent_has_a_token_of_its_own(transport, jobs, spy):
    gdx, validated = transport(), spy("gdx", "validate")

    for agent in ("tangrat", "officer", "tangrat"):
        await gdx.request("GET", jobs, agent_id=agent)

    assert validated() == 2


async def test_a_token_that_the_gateway_forgot_is_replaced_once_for_all(transport, jobs, spy, switch):
    gdx, validated = transport(), spy("gdx", "validate")
    await gdx.request("GET", jobs)
    switch("DELETE", "tokens?agency=gdx")

    replies = await asyncio.gather(*(gdx.request("GET", jobs) for _ in range(10)))

    assert {reply.json()["errorNumber"] for reply in replies} == {90001}  # Linkage2's own words: it was reached
    assert validated() == 2


async def test_an_agencys_own_refusal_is_the_agencys(transport, jobs, spy):
    validated = spy("gdx", "validate")

    reply = await transport().request("GET", jobs)

    assert reply.status == 401
    assert validated() == 1


async def test_a_secret_that_is_not_taken_is_a_refusal_that_does_not_repeat_it(transport, jobs):
    with pytest.raises(AgencyRefused) as caught:
        await transport(Secret(SECRET)).request("GET", jobs)

    assert SECRET not in repr(caught.value) + str(caught.value.__cause__)
