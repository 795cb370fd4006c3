"""One citizen: every service judged, one explained, ten years of all of them.

The floor is what the fastest plain Python could do: ten of the rules written by hand as one function, no unknowns, no
dates but the day's constants worked out beforehand. Ours, for the same ten, asks three-valued questions of any day.

OpenFisca is no dependency of ours: where TANGRAT_BENCH_OPENFISCA names a Python that has openfisca-core, the same ten are
asked of it too (`openfisca_ten.py`), and otherwise that figure is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.harness import Bench
from lifeevents import catalogue as catalogues
from lifeevents.catalogue.model import Catalogue, Fact
from lifeevents.rules.engine import Engine
from lifeevents.rules.explain import Outcome
from lifeevents.rules.python import TRUE, compiled

ON, LATER = date(2026, 11, 21), date(2036, 11, 20)
TEN = (
    "old_age_allowance", "elderly_travel_discount", "elderly_fund_loan", "child_support_grant", "voter_first_time",
    "sso33_registration", "sso40_enrolment", "nsf_membership", "marriage_registration", "id_card_renewal",
)  # fmt: skip
_TIMES = 300


async def run(bench: Bench) -> None:
    bench.steps(bench.rounds)
    catalogue = catalogues.load()
    engine = Engine(catalogue)
    facts = {fact.path: _some(fact) for fact in catalogue.facts if fact.derived is None} | {"election.day": ON}
    every = compiled([engine.rules[service.code] for service in catalogue.services])
    ten = compiled([engine.rules[code] for code in TEN])
    said = tuple(code == TRUE for code in ten.judge(facts.get, ON))
    assert said == _ten_by_hand(facts), "the floor is the same ten rules"
    figures: dict[str, list[float]] = {name: [] for name in ("all", "ten", "hand", "explain", "lifeline")}
    for _ in range(bench.rounds):
        figures["all"].append(_us(lambda: every.judge(facts.get, ON), _TIMES))
        figures["hand"].append(_us(lambda: _ten_by_hand(facts), 10 * _TIMES))
        figures["ten"].append(_us(lambda: ten.judge(facts.get, ON), 10 * _TIMES))
        explain = _us(lambda: _explain_all(engine, catalogue, facts), 30)
        figures["explain"].append(explain / len(catalogue.services))
        figures["lifeline"].append(_us(lambda: _lifeline(engine, catalogue, facts), 10) / 1000)
        bench.step()
    count = len(catalogue.services)
    bench.report("all_us", figures["all"], unit="µs", against=f"{count} services, all facts known", bar="≤ 50")
    bench.report(
        "ten_us", figures["ten"], unit="µs", against="ten rules by hand, no unknowns", floor=figures["hand"], bar=""
    )
    if python := os.environ.get("TANGRAT_BENCH_OPENFISCA"):
        theirs = [_openfisca(python, {name: facts[name] for name in ten.facts}, said) for _ in range(bench.rounds)]
        times = [their / our for their, our in zip(theirs, figures["ten"], strict=True)]
        bench.report("openfisca", times, unit="× faster", against="ten rules, one citizen, OpenFisca-core", bar="≥ 100")
    bench.report("explain_us", figures["explain"], unit="µs", against="a service, in the mean of all", bar="≤ 50")
    bench.report("lifeline_ms", figures["lifeline"], unit="ms", against=f"{count} services, ten years", bar="≤ 20")


def _us(do: Callable[[], Any], times: int) -> float:
    """Microseconds of our own CPU each, of the best tenth: somebody else's work in between is not ours."""
    best = float("inf")
    for _ in range(10):
        began = time.thread_time()
        for _ in range(max(times // 10, 1)):
            do()
        best = min(best, (time.thread_time() - began) / max(times // 10, 1))
    return best * 1e6


def _explain_all(engine: Engine, catalogue: Catalogue, facts: dict[str, Any]) -> list[Outcome]:
    return [engine.explain(service, facts, ON).outcome for service in catalogue.services]


def _lifeline(engine: Engine, catalogue: Catalogue, facts: dict[str, Any]) -> int:
    return sum(len(engine.timeline(service, facts, ON, LATER).steps) for service in catalogue.services)


def _openfisca(python: str, facts: dict[str, Any], said: tuple[bool, ...]) -> float:
    """Microseconds for the same ten rules; the same answers or nothing."""
    given = {name: float(value) if isinstance(value, Decimal) else value for name, value in facts.items()}
    told = subprocess.run(
        [python, str(Path(__file__).with_name("openfisca_ten.py"))],
        input=json.dumps(given, default=str), capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = json.loads(told.stdout)
    assert tuple(found["said"]) == said, "OpenFisca was asked the same ten rules"
    return float(found["us"])


def _some(fact: Fact) -> Any:
    """A value of the right kind; nothing depends on which."""
    match fact.kind:
        case "bool":
            return fact.path in ("person.alive", "person.in_house_register")
        case "int":
            return 12
        case "money" | "decimal":
            return Decimal(90_000)
        case "date":
            return date(2022, 5, 6) if fact.path.startswith(("child", "licence", "vehicle")) else date(1971, 2, 3)
        case "enum":
            return fact.choices[0].value
    return "10"


def _ten_by_hand(facts: dict[str, Any]) -> tuple[bool, ...]:
    """As someone in a hurry would write it, for this one day."""
    get: Any = facts.get
    alive, thai, born = get("person.alive"), get("person.nationality") == "thai", get("person.birth_date")
    section, status = get("sso.section"), get("person.id_card_status")
    single = get("person.marital_status") != "married"
    is_60 = born <= date(1966, 11, 21)
    is_15 = born <= date(2011, 11, 21)
    under_60 = born > date(1966, 11, 21)
    return (
        alive and thai and is_60 and get("person.old_age_allowance_registered")
        and not get("person.state_pensioner") and not get("person.in_state_institution"),
        alive and thai and is_60,
        alive and thai and is_60,
        alive and get("child.nationality") == "thai" and date(2020, 11, 21) < get("child.birth_date") <= ON
        and get("child.birth_date") >= date(2015, 10, 1) and get("child.registered")
        and not get("child.in_state_institution") and get("household.income_per_capita_per_year") <= 100_000,
        alive and thai and born <= date(2008, 11, 21) and not get("person.imprisoned")
        and not get("person.monk_or_novice") and (get("election.day") - get("person.constituency_registered_date")).days >= 90,
        alive and is_15 and under_60 and get("employment.status") == "employed" and section != "33"
        and not get("person.civil_servant"),
        alive and is_15 and born > date(1960, 11, 21) and section == "none" and not get("person.civil_servant"),
        alive and thai and is_15 and under_60 and section in ("none", "40_1")
        and not get("person.provident_or_gpf_member") and not get("person.civil_servant"),
        alive and born <= date(2008, 11, 21) and get("event.partner_birth_date") <= date(2008, 11, 21) and single
        and get("event.partner_marital_status") != "married" and get("event.both_spouses_consent"),
        alive and thai and (status == "expired" or (status == "valid" and born > date(1956, 11, 21))),
    )  # fmt: skip
