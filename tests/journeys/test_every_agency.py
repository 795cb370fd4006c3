"""All agencies through the whole system: every section for every sample citizen, each agency's bad day, each look on record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from backend.client import Phone
from backend.up import Running
from foundation.errors import SuperAppError
from tests.journeys.conftest import SignIn, State

_DEEPEST = 6
_WELL = {"OK", "NOT_FOUND"}


@pytest.fixture(scope="module")
def schema(project: Path) -> GraphQLSchema:
    return build_schema((project / "schema.graphql").read_text())


@pytest.fixture(scope="module")
def sections(schema: GraphQLSchema) -> dict[str, str]:
    """By section of a citizen, the question for everything in it."""
    return {
        name: f"{{ me {{ {name} {_everything(get_named_type(field.type), schema)} }} }}"
        for name, field in schema.type_map["Citizen"].fields.items()  # type: ignore[attr-defined]  # an object type
        if _is_answer(get_named_type(field.type), schema) and not _needs_arguments(field)
    }


def _is_answer(kind: Any, schema: GraphQLSchema) -> bool:
    answer = schema.type_map["AgencyAnswer"]
    return isinstance(kind, GraphQLObjectType) and answer in kind.interfaces


def _needs_arguments(field: GraphQLField) -> bool:
    return any(is_required_argument(argument) for argument in field.args.values())


def _everything(kind: Any, schema: GraphQLSchema, depth: int = 0) -> str:
    """Every field below, those aside that need an argument."""
    chosen = []
    for name, field in kind.fields.items():
        if _needs_arguments(field):
            continue
        inside = get_named_type(field.type)
        if is_leaf_type(inside):
            chosen.append(name)
        elif name == "agency":
            chosen.append("agency { code }")
        elif isinstance(inside, GraphQLObjectType | GraphQLInterfaceType) and depth < _DEEPEST:
            chosen.append(f"{name} {_everything(inside, schema, depth + 1)}")
    return "{ " + " ".join(chosen) + " }"


def _answers(told: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every agency's answer in a reply, by where it stands."""
    if isinstance(told, dict):
        if "state" in told and "fetchedAt" in told:
            yield where, told
        for name, inside in told.items():
            yield from _answers(inside, f"{where}.{name}")
    elif isinstance(told, list):
        for at, inside in enumerate(told):
            yield from _answers(inside, f"{where}[{at}]")


async def _all(phone: Phone, sections: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Every answer about this person, by where it stands."""
    found: dict[str, dict[str, Any]] = {}
    for some in _some(list(sections.items()), 6):
        for reply in await asyncio.gather(*(_patiently(phone, question) for _, question in some)):
            found |= dict(_answers(reply["me"]))
    return found


async def _patiently(phone: Phone, question: str) -> dict[str, Any]:
    """A person asks 60 questions in ten seconds at most; who has asked too often waits."""
    while True:
        try:
            return await phone.ask(question)
        except SuperAppError as exc:
            if "60" not in exc.message:
                raise
            await asyncio.sleep(1)


def _some(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def test_the_sections_that_were_promised_are_there(sections: dict[str, str]) -> None:
    promised = (
        "profile household socialSecurity healthcare tax vehicles licences land education welfare employment disability "
        "farming business passport"
    )
    assert set(promised.split()) <= set(sections)


@pytest.mark.parametrize("citizen", range(1, 13))
async def test_every_section_answers_every_sample_citizen(
    citizen: int, sections: dict[str, str], sign_in: SignIn, state: State
) -> None:
    answers = await _all(await sign_in(citizen), sections)

    assert len(answers) >= len(sections)
    assert {where: answer["state"] for where, answer in answers.items() if answer["state"] not in _WELL} == {}
    for where, answer in answers.items():
        assert answer["agency"]["code"], where
        assert answer["fetchedAt"], where
        assert (answer["state"] == "OK") == (answer["problem"] is None), where
        assert (answer["state"] == "OK") == (answer["value"] is not None), where


_SOME = ("dlt", "dopa", "fpo", "obec", "sso")


@pytest.mark.parametrize("which", [_SOME, pytest.param((), marks=pytest.mark.slow, id="all")])
async def test_any_agency_that_is_off_changes_only_its_own_cards(
    which: tuple[str, ...], sections: dict[str, str], sign_in: SignIn, state: State
) -> None:
    # Each agency with the next citizen who has its cards: a person asks 60 questions in ten seconds at most.
    phones = [await sign_in(citizen) for citizen in (range(1, 7) if which else range(1, 13))]
    for phone in phones:
        phone.wants_new = True
    usual = [await _all(phone, sections) for phone in phones]
    agencies = sorted({answer["agency"]["code"] for well in usual for answer in well.values()})
    assert len(agencies) > 15

    asked = [0] * len(phones)

    for agency in which or agencies:
        having = [at for at, well in enumerate(usual) if agency in {one["agency"]["code"] for one in well.values()}]
        at = min(having, key=lambda one: asked[one])
        asked[at] += 1
        phone, well = phones[at], usual[at]
        await state.call("POST", "/sandbox/faults", {"agency": agency, "fault": "down"})
        answers = await _all(phone, sections)
        await state.call("DELETE", "/sandbox/faults")

        others = {where: one for where, one in answers.items() if one["agency"]["code"] != agency}
        assert {where: one["state"] for where, one in others.items() if one["state"] not in _WELL} == {}, agency
        assert {where: _told(one) for where, one in others.items()}.items() <= {
            where: _told(one) for where, one in well.items()
        }.items(), agency
        own = {where: one for where, one in answers.items() if one["agency"]["code"] == agency}
        assert {one["state"] for one in own.values()} <= {"UNAVAILABLE", "STALE"}, agency
        for where, one in own.items():
            assert one["problem"]["message"], where
            if one["state"] == "STALE":
                assert _values(one["value"]) == _values(well[where]["value"]), where
        assert own, agency


def _told(answer: dict[str, Any]) -> str:
    """What an answer says, without when, and without what other answers below it say."""
    return json.dumps({"state": answer["state"], "value": _values(answer["value"])}, sort_keys=True)


def _values(told: Any) -> Any:
    if isinstance(told, dict):
        if "state" in told and "fetchedAt" in told:
            return "an answer of its own"
        return {name: _values(inside) for name, inside in told.items()}
    return [_values(one) for one in told] if isinstance(told, list) else told


# Each look on record; a consent taken back

_RECORDS = """query ($after: String) { me { accessRecords(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
  edges { node { at byMe actor operation operationTitle { th en } agency { code } purpose { th en } legalGround { th en } } } } } }"""


async def test_every_look_of_a_day_is_on_record_with_purpose_and_ground(
    sections: dict[str, str], sign_in: SignIn, state: State
) -> None:
    phone = await sign_in(6)
    before = len(await _records(phone))
    answers = await _all(phone, sections)

    records = (await _records(phone))[: -before or None]

    looked = {(one["agency"]["code"]) for one in answers.values()}
    assert looked <= {one["agency"]["code"] for one in records}
    assert len(records) >= len({(one["agency"]["code"], where) for where, one in answers.items()}) * 0.5
    for one in records:
        assert one["byMe"] or one["actor"]
        assert one["purpose"]["th"]
        assert one["purpose"]["en"]
        assert one["legalGround"]["th"]
        assert one["operationTitle"] is None or one["operationTitle"]["th"]
    assert all(one["operationTitle"] for one in records), "an operation without a title"


async def _records(phone: Phone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await phone.ask(_RECORDS, after=after))["me"]["accessRecords"]
        found += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


_CONSENT = """mutation ($agency: String!) {{ {what}(input: {{ agency: $agency, purpose: SHOW_MY_DATA }}) {{
  consent {{ state }} problems {{ code message }} }} }}"""
_PASSPORT = "{ me { passport { state problem { code } value { __typename } } profile { state } } }"


async def test_a_consent_taken_back_stops_the_next_look_and_given_back_allows_it(sign_in: SignIn) -> None:
    phone = await sign_in(7)
    assert (await phone.ask(_PASSPORT))["me"]["passport"]["state"] in _WELL

    await phone.ask(_CONSENT.format(what="withdrawConsent"), agency="dca")
    looks = await _looks(phone, "dca")
    began = time.monotonic()
    taken = await phone.ask(_PASSPORT)

    assert time.monotonic() - began < 1
    assert (taken["me"]["passport"]["state"], taken["me"]["passport"]["problem"]["code"]) == (
        "NOT_ALLOWED",
        "CONSENT_WITHDRAWN",
    )
    assert taken["me"]["passport"]["value"] is None
    assert taken["me"]["profile"]["state"] == "OK"
    assert await _looks(phone, "dca") == looks

    await phone.ask(_CONSENT.format(what="giveConsent"), agency="dca")
    assert (await phone.ask(_PASSPORT))["me"]["passport"]["state"] in _WELL
    assert await _looks(phone, "dca") == looks + 1


async def _looks(phone: Phone, agency: str) -> int:
    """How often this person's own questions went there: what isn't recorded isn't asked."""
    return sum(one["byMe"] and one["agency"]["code"] == agency for one in await _records(phone))


# The operator's own check


@pytest.mark.parametrize("options", [[], pytest.param(["--faults"], marks=pytest.mark.slow)])
def test_the_check_of_the_agencies_finds_all_good(
    options: list[str], system: Running, up_environment: dict[str, str], project: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "backend", "check", "agencies", "--json", *options],
        env={**os.environ, **up_environment}, cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip

    rows = json.loads(ran.stdout)
    assert {row["agency"]: row for row in rows if not row["good"]} == {}
    assert len({row["agency"] for row in rows}) == 48
    assert ran.returncode == 0
    if options:
        assert all(len(row["outcomes"]) >= 10 for row in rows)
    else:
        assert all(sum(row["outcomes"].values()) >= 12 for row in rows)
