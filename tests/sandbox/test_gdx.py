"""The gateway: tokens for those who hold a key, and nothing without one."""

from __future__ import annotations

import uuid

import pytest

from sandbox.agencies.gdx import IDLE_S, Gateway

VALIDATE = "/gdx/ws/auth/validate"
ASKED = {"ConsumerSecret": "tangrat-secret", "AgentID": "tangrat"}
BEHIND = "/gdx/ws/dopa/linkage2/api/center/user/job"


async def test_a_key_and_its_secret_buy_a_token(http):
    reply = await http.get(VALIDATE, params=ASKED, headers={"Consumer-Key": "tangrat"})

    assert reply.status == 200
    assert uuid.UUID((await reply.json())["Result"])


@pytest.mark.parametrize(
    ("headers", "over"),
    [({}, {}), ({"Consumer-Key": "somebody"}, {}), ({"Consumer-Key": "tangrat"}, {"ConsumerSecret": "wrong"})],
)
async def test_without_the_right_key_and_secret_the_consumer_is_not_found(http, headers, over):
    reply = await http.get(VALIDATE, params=ASKED | over, headers=headers)

    assert reply.status == 403
    assert (await reply.json())["Message"] == "ForbiddenException: consumer not found"


async def test_somebody_must_be_named_as_the_agent(http):
    reply = await http.get(VALIDATE, params={"ConsumerSecret": "tangrat-secret"}, headers={"Consumer-Key": "tangrat"})

    assert reply.status == 400


async def test_what_is_behind_the_gateway_needs_both_headers(http, gdx):
    no_key = await http.get(BEHIND, headers={"Token": gdx["Token"]})
    no_token = await http.get(BEHIND, headers={"Consumer-Key": "tangrat"})
    both = await http.get(BEHIND, headers=gdx)

    assert (no_key.status, (await no_key.json())["Message"]) == (403, "ForbiddenException: consumer not found")
    assert (no_token.status, (await no_token.json())["Message"]) == (401, "UnauthorizedException: token not found")
    assert (await both.json())["errorNumber"] == 90001  # through the gateway, but no officer signed in


async def test_a_gateway_that_forgot_its_tokens_says_so(http, gdx):
    await http.delete("/sandbox/tokens", params={"agency": "gdx"})

    assert (await http.get(BEHIND, headers=gdx)).status == 401


def test_a_token_lives_sixty_minutes_from_its_last_use():
    now = 0.0
    gateway = Gateway(seconds=lambda: now)
    token = gateway.issue("tangrat", "tangrat-secret", "agent")
    assert token is not None

    now += IDLE_S - 1
    assert gateway.agent_of("tangrat", token) == "agent"
    now += IDLE_S - 1
    assert gateway.agent_of("tangrat", token) == "agent"
    now += IDLE_S
    assert gateway.agent_of("tangrat", token) is None


def test_a_token_is_good_for_the_consumer_it_was_given_to():
    gateway = Gateway(consumers={"a": "1", "b": "2"})
    token = gateway.issue("a", "1", "agent")

    assert token is not None
    assert gateway.agent_of("b", token) is None
