"""All readers of a rule side by side over a generated nation: the plain meaning, the generated Python, the tree that is
folded to a day, the explanation, the timeline, the Polars expression. Every service, every citizen, days on which others
go wrong. Nobody may differ from anybody.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import pytest

from lifeevents import catalogue as catalogues
from lifeevents.catalogue.model import AnnouncedDay, FactDay, PublicService, TurnsDay, criteria
from lifeevents.rules.availability import ENTITLEMENT_DATE
from lifeevents.rules.engine import Engine
from lifeevents.rules.evaluate import evaluate
from lifeevents.rules.explain import Outcome
from lifeevents.rules.ir import DID_NOT_HAPPEN, Facts, FactValue, asked, fold
from lifeevents.rules.population import Columnar
from lifeevents.rules.possible import Possible
from lifeevents.rules.python import FALSE, TRUE, UNKNOWN, compiled
from tests.lifeevents.rules import reference
from tests.lifeevents.rules.by_chance import ByChance

CATALOGUE = catalogues.load()
ENGINE = Engine(CATALOGUE)
RULES = tuple(ENGINE.rules.values())
ALL = compiled(RULES)
POSSIBLE = Possible({fact.path: fact for fact in CATALOGUE.facts})
VALUES = {FALSE: False, UNKNOWN: None, TRUE: True}

DAYS = (
    date(2024, 2, 29),
    date(2025, 1, 22), date(2025, 1, 23),  # the law of marriage changes
    date(2025, 11, 15),  # an ordinary one
    date(2026, 9, 1), date(2026, 9, 2),  # the birth window of the old-age allowance
    date(2026, 9, 30), date(2026, 10, 1),  # a fiscal year ends, another begins
    date(2026, 11, 21),  # an ordinary one
    date(2026, 12, 31), date(2027, 1, 1),
    date(2027, 2, 28), date(2027, 3, 1),  # no leap year
    date(2028, 2, 29),
)  # fmt: skip
CITIZENS = 10_000  # in each half
CHUNK = 2_500
# Whom no days or facts can change: asks nothing, or ended before the days that are tried.
SETTLED = {"domestic_violence_protection"}


def test_all_readers_agree_on_a_village() -> None:
    seen = agree(Random(20261121), citizens=40, days=DAYS[1::4])

    assert sum(seen.values()) == 40 * len(RULES) * len(DAYS[1::4])


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("half", [1, 2])
def test_all_readers_agree_on_twenty_thousand_citizens_and_fourteen_days(
    half: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """In two halves, for two cores. Says how far it is; `AGREEMENT_SEED` takes other citizens."""
    seed = int(os.environ.get("AGREEMENT_SEED", "2569"))

    def tell(line: str) -> None:
        with capsys.disabled():
            print(f"\rhalf {half}: {line}", end="", flush=True)

    seen = agree(Random(f"{seed} {half}"), citizens=CITIZENS, days=DAYS, tell=tell)

    assert sum(seen.values()) == CITIZENS * len(RULES) * len(DAYS)
    for service in CATALOGUE.services:
        met = {outcome for outcome in Outcome if seen[service.code, outcome]}
        assert Outcome.ELIGIBLE in met, service.code
        assert met == set(Outcome) or service.code in SETTLED, service.code


def agree(
    random: Random, *, citizens: int, days: Sequence[date], tell: Callable[[str], None] = lambda _: None
) -> Counter[tuple[str, Outcome]]:
    """How often each outcome of each service was met, by citizen and day; raises at the first difference."""
    chance = ByChance(CATALOGUE, RULES, days=days)
    seen: Counter[tuple[str, Outcome]] = Counter()
    started, cases = time.monotonic(), 0
    for first in range(0, citizens, CHUNK):
        people = [someone(chance, random, days) for _ in range(min(CHUNK, citizens - first))]
        said = [[ALL.judge(person.get, day) for day in days] for person in people]  # by person, day and service
        _population_agrees(chance, people, said, days)
        for number, service in enumerate(CATALOGUE.services):
            of_each: dict[tuple[FactValue | None, ...], tuple[int, ...]] = {}
            for person, codes in zip(people, said, strict=True):
                known = tuple(person.get(fact) for fact in looks_at(service))
                mine = tuple(one[number] for one in codes)
                # Who has the same facts is the same person to this service, so one of them stands for all.
                assert of_each.setdefault(known, mine) == mine, service.code
                seen.update((service.code, Outcome.of(VALUES[code])) for code in mine)
            for known, mine in of_each.items():
                facts = {fact: value for fact, value in zip(looks_at(service), known, strict=True) if value is not None}
                _one_agrees(service, facts, mine, days)
            cases += len(of_each) * len(days)
        done = first + len(people)
        tell(f"{done:,} of {citizens:,} citizens, {cases:,} different cases, {time.monotonic() - started:,.0f} s")
    return seen


def someone(chance: ByChance, random: Random, days: Sequence[date]) -> Facts:
    """By chance, near the bounds; every second one so that one of the services is theirs, but for a fact or two."""
    found: dict[str, FactValue] = dict(chance.row(random))
    for anchor in ANCHORS:
        if anchor not in chance.facts and random.random() < 0.6:
            found[anchor] = random.choice(days) - timedelta(days=random.randrange(-100, 800))
    if random.random() < 0.5:
        rule = random.choice(RULES)
        found |= _witness(rule.service.code, random.choice(days))
        for fact in random.choices(tuple(found), k=random.randrange(3)):
            match random.randrange(4):
                case 0:
                    del found[fact]
                    break
                case 1:
                    found[fact] = DID_NOT_HAPPEN
    return found


@cache
def _witness(code: str, day: date) -> Mapping[str, FactValue]:
    POSSIBLE.rest()
    found = POSSIBLE.witness(ENGINE.rules[code].whole, day) or {}
    return {path: Decimal(value) if _is_amount(path) and type(value) is int else value for path, value in found.items()}


def _is_amount(path: str) -> bool:
    fact = CATALOGUE.fact(path)
    return fact is not None and fact.kind in ("money", "decimal")


def _population_agrees(
    chance: ByChance, people: Sequence[Facts], said: Sequence[Sequence[tuple[int, ...]]], days: Sequence[date]
) -> None:
    table = chance.table(people)
    columnar = Columnar({rule.service.code: rule.whole for rule in RULES}, schema=table.schema)
    for number, day in enumerate(days):
        judged = columnar.on(table.lazy(), day).collect()
        for place, rule in enumerate(RULES):
            expected = [VALUES[codes[number][place]] for codes in said]
            assert judged[rule.service.code].to_list() == expected, (rule.service.code, day)


def _one_agrees(service: PublicService, facts: Mapping[str, Any], said: Sequence[int], days: Sequence[date]) -> None:
    rule = ENGINE.rules[service.code]
    line = ENGINE.timeline(service, facts, min(days), max(days))
    for code, day in zip(said, days, strict=True):
        holds = reference.outcome(CATALOGUE, service, facts, day)
        explained = ENGINE.explain(service, facts, day)
        step = line.at(day)
        found = (
            VALUES[code], evaluate(rule.whole, facts, day), evaluate(fold(rule.whole, day), facts, day),
            explained.outcome, step.outcome, step.state,
        )  # fmt: skip
        outcome = Outcome.of(holds)
        state = ENGINE.availability(service, facts, day).state
        assert found == (holds, holds, holds, outcome, outcome, state), (service.code, day, facts)
        assert bool(explained.missing) is (holds is None), (service.code, day, facts)


@cache
def looks_at(service: PublicService) -> tuple[str, ...]:
    """The facts that bear on a service, by the catalogue and by what it was lowered to; and those of its deadline."""
    return tuple(dict.fromkeys([*_by_catalogue(service), *asked(ENGINE.rules[service.code].whole)]))


def _by_catalogue(service: PublicService) -> Iterator[str]:
    yield "person.alive"
    for leaf in criteria(service.eligibility):
        fact = CATALOGUE.fact(leaf.fact)
        assert fact is not None
        if fact.derived is None:
            yield fact.path
            continue
        yield fact.derived.date_fact
        match fact.derived.as_of:
            case FactDay(fact=name) | AnnouncedDay(event_date=name):
                yield name
    chosen = {"birth_date": "child.birth_date", "job_end": "employment.end_date", "death": "deceased.death_date"}
    if service.choose_by in chosen:
        yield chosen[service.choose_by]
    if service.deadline is not None and service.deadline.birth_windows:
        yield "person.birth_date"
    yield from _anchors(service)


def _anchors(service: PublicService) -> Iterator[str]:
    deadline = service.deadline
    for anchor in () if deadline is None else (deadline.anchor, deadline.alternative and deadline.alternative.anchor):
        match anchor:
            case FactDay(fact=name) | AnnouncedDay(event_date=name) | TurnsDay(birth_date=name):
                if name != ENTITLEMENT_DATE:
                    yield name


ANCHORS = tuple(dict.fromkeys(name for service in CATALOGUE.services for name in _anchors(service)))
