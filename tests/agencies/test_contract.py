"""The contract that every agency's adapter keeps: right on a good day, harmless on every kind of bad one.

A good day is asked once for the whole file: every operation, about sample citizens. On each bad day all doors of half of
the agencies have the same fault, and one request asks all of them: the ill ones must say why in words, and never what
is not so; the well ones must answer as always.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agencies import cache as cache_module
from agencies import dopa, laser, rd, sso
from agencies.answers import SAID, Answer, Operation
from agencies.cache import Cache
from agencies.facts import Facts, OwnWord
from agencies.gateway import DATA_SUBJECT_REQUEST, Asking, Gateway
from backend.agencies import connect
from foundation.clock import SystemClock
from foundation.dates import PartialDate
from foundation.http import Http
from foundation.language import Text
from foundation.settings import read
from foundation.store import Store
from foundation.telemetry import Metrics
from sandbox.civil import laser_code
from sandbox.companies import Company, companies_of
from sandbox.nation import Nation
from sandbox.world import Clock, World
from tests.agencies.conftest import CATALOGUE, CATALOGUE_AGENCIES, OPERATIONS
from trust import access_log as access_log_module
from trust import people as people_module
from trust.access_log import AccessLog
from trust.consents import Consents
from trust.people import People
from trust.secrets import Vault

READS = [operation for operation in OPERATIONS if operation.is_read]
# Samples of whom, between them, nearly every agency has something to say.
SAMPLES = (1, 2, 5, 8, 9, 10, 12)
# Of whom agencies know what none of the samples has: a disability, a VAT number, a house in Bangkok, an
# emergency, an accident.
OTHERS = (19, 21, 27, 206, 268)
BEHIND_GDX = {"dopa", "dopa_laser", "dbd_gdx"}
KINDS = {fact.path: fact for fact in CATALOGUE.facts} | {
    one.id: fact for one in CATALOGUE.event_dates if (fact := one.as_fact) is not None
}
PLENTY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One answer: about which citizen, and to which question, its arguments included."""

    number: int
    asked: Operation[Any]
    answer: Answer[Any]
    again: Answer[Any] | None  # as another process reads what was kept of it


Well = Mapping[Operation[Any], Sequence[Heard]]


def called(operation: Operation[Any]) -> str:
    return f"{operation.asked_through}.{operation.name}"


# On a good day


@pytest.fixture(scope="module")
def company(nation: Nation) -> Company:
    """A company that is registered for VAT."""
    world = World(nation, Clock(nation.day_zero))
    everybody = (world.citizen(number) for number in range(200, 20_000))
    companies = (found for one in everybody if one is not None for found in companies_of(world, one))
    return next(one for one in companies if one.vat_since is not None)


@pytest.fixture(scope="module")
async def well(
    mongodb_uri: str, sandbox_server: str, vault: Vault, nation: Nation, company: Company
) -> AsyncIterator[Well]:
    """What every agency says of the samples when nobody is ill."""
    clock, http, metrics = SystemClock(), Http(), Metrics()
    settings = read({"TANGRAT_SANDBOX_PORT": sandbox_server.rpartition(":")[2]})
    agencies = connect(settings, http, CATALOGUE, clock=clock, deadline_s=PLENTY_S)
    store = Store(mongodb_uri, database=f"test_{uuid.uuid4().hex[:12]}")
    await store.open((*people_module.INDEXES, *access_log_module.INDEXES, *cache_module.INDEXES))
    people = People(store, vault, clock=clock)
    cache = Cache(store, people, vault, clock=clock)
    gateway = Gateway(
        agencies.adapters, people=people, access_log=AccessLog(store, clock=clock), cache=cache,
        consents=Consents(store, people, agencies=CATALOGUE_AGENCIES, clock=clock), clock=clock, metrics=metrics,
        deadline_s=PLENTY_S, agency_of=agencies.agency_of,
    )  # fmt: skip

    async def no_words(_asking: Asking) -> Mapping[str, OwnWord]:
        return {}

    facts = Facts(agencies.sources, own_words=no_words, clock=clock, metrics=metrics)
    by_name = {(one.agency, one.name): one for one in READS}
    heard: dict[Operation[Any], list[Heard]] = {one: [] for one in READS}

    async def ask_all(number: int, operations: Collection[Operation[Any]]) -> None:
        citizen = nation.citizen(number)
        me = (await people.ensure(citizen.pid)).id
        asking = gateway.asking(subject=me, actor=me, purpose="own record", ground=DATA_SUBJECT_REQUEST, anew=True)
        birth = PartialDate(citizen.birth.earliest())
        given = {
            "first_name": citizen.first_name.th, "last_name": citizen.last_name.th, "birth": birth,
            "laser_code": laser_code(citizen), "juristic_id": company.juristic_id, "tin": company.juristic_id, "year": 2026,
        }  # fmt: skip

        async def ask(operation: Operation[Any]) -> None:
            unfed = operation.takes.keys() - operation.fed_by.keys() - operation.usual.keys()
            if unfed:  # what only the person knows, or what is public
                await asking.ask(operation, **{name: given[name] for name in operation.takes})
            else:
                await facts.ask(asking, operation)

        await asyncio.gather(*map(ask, operations))
        told = [(one, answer) for one, answer in asking.answered() if by_name[one.agency, one.name] in operations]
        await cache.close()  # everything is written
        elsewhere = Cache(store, people, vault, clock=clock)
        again = await elsewhere.find(me, citizen.pid, [one for one, _ in told], void_before=lambda _agency: None)
        for one, answer in told:
            kept = again.get(one)
            mine = Heard(number=number, asked=one, answer=answer, again=kept.answer if kept else None)
            heard[by_name[one.agency, one.name]].append(mine)

    try:
        for number in SAMPLES:
            await ask_all(number, READS)
        for number in OTHERS:
            await ask_all(number, [one for one, told in heard.items() if all(it.answer.state != "OK" for it in told)])
        yield heard
    finally:
        await gateway.close()
        await store.drop()
        await store.close()
        await http.close()


def is_kept(operation: Operation[Any], answer: Answer[Any]) -> bool:
    """Surely kept. That there is no record may be only what its witness said, which is kept for itself."""
    is_its_own = answer.state == "OK" or (answer.state == "NOT_FOUND" and operation.witness is None)
    return is_its_own and operation.keeping.fresh_s + operation.keeping.stale_s > 0


def values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value in an answer, and where it stands."""
    if is_dataclass(value):
        for one in fields(value):
            yield from values(getattr(value, one.name), f"{path}.{one.name}")
    elif isinstance(value, Mapping):
        for name, inside in value.items():
            yield from values(inside, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for inside in value:
            yield from values(inside, f"{path}[]")
    else:
        yield path, value


def is_blank(value: Any) -> bool:
    return (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and not math.isfinite(value))


@pytest.mark.parametrize("operation", READS, ids=called)
def test_on_a_good_day_it_answers_with_provenance(well: Well, operation: Operation[Any]) -> None:
    assert well[operation], "it could not be asked: what it is asked with is not known"
    for one in well[operation]:
        answer = one.answer
        assert answer.agency == operation.agency
        assert answer.state in ("OK", "NOT_FOUND"), answer.problem
        assert answer.fetched_at is not None
        assert timedelta(0) <= datetime.now(UTC) - answer.fetched_at < timedelta(hours=1)
        assert answer.as_of is None or answer.as_of.utcoffset() is not None
        if answer.state == "OK":
            assert answer.value is not None
            assert answer.problem is None
            assert [path for path, value in values(answer.value) if is_blank(value)] == []
        else:
            assert (answer.value, answer.problem.code) == (None, "NOT_FOUND")


def is_of_its_kind(path: str, value: Any) -> bool:
    """Whether a fact holds what the catalogue says that it holds. Those that it doesn't know are ids."""
    fact = KINDS.get(path)
    match fact.kind if fact else "string":
        case "bool":
            return type(value) is bool
        case "int":
            return type(value) is int
        case "money" | "decimal":
            return type(value) in (Decimal, int)
        case "date":
            return type(value) in (date, PartialDate)
        case "enum":
            return value in {choice.value for choice in fact.choices}
    return type(value) is str and bool(value.strip())


@pytest.mark.parametrize("operation", [one for one in READS if one.facts], ids=called)
def test_its_facts_are_of_the_catalogues_kinds(well: Well, operation: Operation[Any]) -> None:
    for path, value in operation.when_absent.items():
        assert value is None or is_of_its_kind(path, value), path
    for one in well[operation]:
        if one.answer.value is None:
            continue
        for path, take in operation.facts.items():
            listed = operation.things.get(path.partition(".")[0])
            items = listed.of(one.answer.value) if listed else [one.answer.value]
            told = [value for value in map(take, items) if value is not None]
            assert all(is_of_its_kind(path, value) for value in told), f"{path}: {told!r}"
        for listed in operation.things.values():
            items = listed.of(one.answer.value)
            assert len({listed.key(item) for item in items}) == len(items), "two things of one id"
            assert not any(is_blank(listed.key(item)) or is_blank(listed.called(item).th) for item in items)


@pytest.mark.parametrize("operation", READS, ids=called)
def test_what_is_kept_is_read_again_as_it_was(well: Well, operation: Operation[Any]) -> None:
    for one in well[operation]:
        if is_kept(one.asked, one.answer):
            assert one.again is not None
            assert one.again.value == one.answer.value
            assert (one.again.state, one.again.as_of) == (one.answer.state, one.answer.as_of)
        else:
            assert one.again is None or one.again.state == one.answer.state == "NOT_FOUND"


# On a bad day

DOWN = {"AGENCY_UNREACHABLE"}
WAITED = {"AGENCY_TIMEOUT"}
UNREADABLE = {"ANSWER_MALFORMED"}
# What a fault is, and the codes that may come of it. All but these would be a wrong answer or a foolish one.
FAULTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "slow": ({"delay_ms": 20_000}, WAITED),
    "dripping": ({}, WAITED),
    "down": ({}, DOWN),
    "reset": ({}, DOWN),
    "error 500": ({"status": 500}, {"AGENCY_ERROR"}),
    "error 502": ({"status": 502}, {"AGENCY_ERROR"}),
    "error 503": ({"status": 503}, {"AGENCY_ERROR"}),
    "error 429": ({"status": 429, "retry_after_s": 7}, {"AGENCY_BUSY"}),
    "error 403": ({"status": 403}, {"AGENCY_REFUSED"}),
    "refreshing": ({"retry_after_s": 7}, {"AGENCY_REFRESHING", "AGENCY_ERROR"}),
    "html": ({}, UNREADABLE),
    "malformed": ({}, UNREADABLE),
    "truncated": ({}, UNREADABLE),
    "huge": ({}, UNREADABLE),
    "duplicate_key": ({}, UNREADABLE),
    # A token of another type is no token, so the agency refuses us.
    "wrong_type": ({}, {"ANSWER_MALFORMED", "ANSWER_REJECTED", "AGENCY_REFUSED"}),
    "lying": ({}, {"ANSWER_REJECTED"}),
}
# These harm what an answer says, which each operation reads in its own way; of the others one of each door is asked.
OF_CONTENT = {"duplicate_key", "wrong_type", "lying"}
# Only these wait for the deadline, so it is short for them.
DEADLINE_S = {"slow": 2.5, "dripping": 2.5}
AGENCIES = sorted({operation.agency for operation in READS})
HALVES = {"these": AGENCIES[::2], "those": AGENCIES[1::2], "gdx": ["gdx"]}
# In XML an element that is there twice is a list of two; what it says is the same.
SOAP = {rd.VAT, rd.COMPANY_VAT, sso.EMPLOYMENTS}
FAILURES_IN_A_ROW = 5  # after so many a breaker opens, and whoever comes later is told so


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_on_a_bad_day_an_agency_costs_its_own_answers_only_and_says_nothing_wrong(
    well: Well,
    gateways: Callable[..., Gateway],
    asking: Callable[..., Any],
    switch: Callable[..., Any],
    pid_of: Callable[[int], str],
    caplog: pytest.LogCaptureFixture,
    fault: str,
    half: str,
) -> None:
    how, codes = FAULTS[fault]
    gateway = gateways(deadline_s=DEADLINE_S.get(fault, PLENTY_S))
    chosen = [best(well[operation]) for operation in asked_on(fault, half)]
    askings = {one.number: await asking(one.number, through=gateway) for one in chosen}
    for agency in HALVES[half]:
        switch("POST", "faults", {"agency": agency, "fault": fault.split()[0], **how})

    began = time.monotonic()
    answers = await asyncio.gather(*(askings[one.number].ask(one.asked) for one in chosen))

    assert time.monotonic() - began < 15, "an agency that is slow today takes longer, and nobody waits for it"
    ill: list[Answer[Any]] = []
    for one, answer in zip(chosen, answers, strict=True):
        if not is_ill(one.asked, half):
            assert (answer.state, answer.value) == (one.answer.state, one.answer.value), (called(one.asked), answer)
        elif fault == "duplicate_key" and one.asked.witness is None and by_soap(one.asked) and answer.state == "OK":
            assert answer.value == one.answer.value
        elif fault == "lying" and one.asked.asked_through == dopa.CODE and answer.state == "NOT_FOUND":
            assert answer.value is None  # the register's "no such record" names nobody
        else:
            ill.append(answer)
            assert answer.value is None, called(one.asked)
            assert answer.state == ("NOT_ALLOWED" if answer.problem.code == "AGENCY_REFUSED" else "UNAVAILABLE")
            assert answer.problem.code in codes | {"AGENCY_DOWN"}, (called(one.asked), answer.problem.code)
            assert answer.problem.message == SAID[answer.problem.code]
            assert_is_in_both_languages(answer.problem.message)
            if answer.problem.code == "AGENCY_BUSY":
                assert answer.problem.retry_after_s == 7
    asked = Counter(one.asked.asked_through for one in chosen)
    down = Counter(
        one.asked.asked_through
        for one, answer in zip(chosen, answers, strict=True)
        if answer.problem is not None and answer.problem.code == "AGENCY_DOWN"
    )
    assert all(count <= asked[door] - FAILURES_IN_A_ROW for door, count in down.items()), down
    assert ill
    assert "broke its reader" not in caplog.text
    assert not any(pid_of(number) in caplog.text + repr(ill) for number in askings)


def asked_on(fault: str, half: str) -> list[Operation[Any]]:
    doors: dict[str, Operation[Any]] = {}
    for operation in READS:
        doors.setdefault(operation.asked_through, operation)
    some = READS if fault in OF_CONTENT else [*doors.values(), rd.TIN, sso.EMPLOYMENTS, sso.OLD_AGE]
    if half == "gdx":
        return [one for one in some if one.agency in ("dopa", "dbd", "sso", "nhso")]
    return list(some)


def is_ill(operation: Operation[Any], half: str) -> bool:
    return operation.agency in HALVES[half] or (half == "gdx" and operation.asked_through in BEHIND_GDX)


def by_soap(operation: Operation[Any]) -> bool:
    return any((one.agency, one.name) == (operation.agency, operation.name) for one in SOAP)


def best(heard: Sequence[Heard]) -> Heard:
    """The first who has such a record, else the first."""
    return next((one for one in heard if one.answer.state == "OK"), heard[0])


def assert_is_in_both_languages(text: Text) -> None:
    assert text.th.strip()
    assert text.en.strip()
    assert text.en.isascii()
    assert not text.th.isascii()


WRITES = [operation for operation in OPERATIONS if not operation.is_read]
ARGUMENTS = {"hospital_code": "10724", "mobile": "0812345678", "reason": "moved", "number": "1"}


def test_every_change_that_can_be_asked_for_is_tried() -> None:
    assert {one.agency for one in WRITES} == {sso.CODE}
    assert {name for one in WRITES for name in one.takes} == ARGUMENTS.keys()
    assert laser.CHECK in READS


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_change_on_a_bad_day_is_sent_once_and_never_said_to_be_made(
    asking: Callable[..., Any], gateways: Callable[..., Gateway], switch: Callable[..., Any], fault: str
) -> None:
    gateway = gateways(deadline_s=DEADLINE_S.get(fault, PLENTY_S))
    await (await asking(5, through=gateway)).ask(sso.INSURED)  # signed in
    how, codes = FAULTS[fault]
    for operation in WRITES:
        switch("POST", "faults", {"agency": "sso", "operation": operation.wire, "fault": fault.split()[0], **how})

    one = await asking(5, through=gateway)
    answers = await asyncio.gather(
        *(one.ask(each, **{name: ARGUMENTS[name] for name in each.takes}) for each in WRITES)
    )

    assert [fault["hits"] for fault in switch("GET", "faults")["faults"]] == [1] * len(WRITES)
    for answer in answers:
        assert answer.value is None or answer.value.state in ("REFUSED", "UNCHANGED"), answer
        if answer.value is None:
            assert answer.problem.code in codes | {"OUTCOME_UNKNOWN"}
            assert_is_in_both_languages(answer.problem.message)


@pytest.mark.parametrize("code", SAID)
def test_every_problem_is_said_in_both_languages(code: str) -> None:
    assert_is_in_both_languages(SAID[code])
