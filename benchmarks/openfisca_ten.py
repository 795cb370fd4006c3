"""The ten rules of `rules_one` in OpenFisca, for one citizen; run by a Python that has openfisca-core, not by ours.

Reads the facts as JSON from its input and prints JSON: microseconds for a citizen (building the simulation and
calculating ten variables, as a web API of OpenFisca does for each request), and what came out, so that the caller can see
that both said the same.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from typing import Any

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import DAY, ETERNITY
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

ON = "2026-11-21"
TIMES = 20
Person = build_entity(key="person", plural="persons", label="", is_person=True)


def main() -> None:
    facts: dict[str, Any] = json.load(sys.stdin)
    system = TaxBenefitSystem([Person])
    for name, value in facts.items():
        system.add_variable(_input(name, value))
    for name, rule in RULES.items():
        system.add_variable(_rule(name, rule))
    given = {"persons": {"one": {_name(name): {"ETERNITY": value} for name, value in facts.items()}}}
    best, said = float("inf"), list[bool]()
    for _ in range(TIMES):
        began = time.thread_time()
        simulation = SimulationBuilder().build_from_entities(system, given)
        said = [bool(simulation.calculate(name, ON)[0]) for name in RULES]
        best = min(best, time.thread_time() - began)
    json.dump({"us": best * 1e6, "said": said}, sys.stdout)


def _name(fact: str) -> str:
    return fact.replace(".", "__")


def _input(fact: str, value: Any) -> type[Variable]:
    is_day = isinstance(value, str) and len(value) == len(ON) and value[4] == "-"
    if is_day:
        kind: Any = datetime.date
    else:
        kind = {bool: bool, int: int, float: float}.get(type(value), str)
    # OpenFisca reads these from the class.
    body = {"value_type": kind, "entity": Person, "definition_period": ETERNITY, "label": fact}
    return type(_name(fact), (Variable,), body)


def _rule(name: str, rule: Any) -> type[Variable]:
    def formula(person: Any, period: Any) -> Any:
        return rule(lambda fact: person(_name(fact), period), _Ages(person, period))

    body = {"value_type": bool, "entity": Person, "definition_period": DAY, "label": name, "formula": formula}
    return type(name, (Variable,), body)


class _Ages:
    def __init__(self, person: Any, period: Any) -> None:
        self._person, self._period = person, period
        self._on = np.datetime64(str(period.start), "D")

    def years(self, fact: str) -> Any:
        """Completed years, as OpenFisca's country packages count them."""
        born = self._person(_name(fact), self._period)
        month, day = born.astype("datetime64[M]"), born
        years = self._on.astype("datetime64[Y]").astype(int) - born.astype("datetime64[Y]").astype(int)
        birthday = (month + np.timedelta64(1, "M") * 12 * years).astype("datetime64[D]") + (
            day - month.astype("datetime64[D]")
        )
        return years - (birthday > self._on)

    def days_between(self, start: str, end: str) -> Any:
        return (self._person(_name(end), self._period) - self._person(_name(start), self._period)).astype(int)


def _thai(get: Any) -> Any:
    return get("person.alive") * (get("person.nationality") == "thai")


RULES: dict[str, Any] = {
    "old_age_allowance": lambda get, age: (
        _thai(get)
        * (age.years("person.birth_date") >= 60)
        * get("person.old_age_allowance_registered")
        * ~get("person.state_pensioner")
        * ~get("person.in_state_institution")
    ),
    "elderly_travel_discount": lambda get, age: _thai(get) * (age.years("person.birth_date") >= 60),
    "elderly_fund_loan": lambda get, age: _thai(get) * (age.years("person.birth_date") >= 60),
    "child_support_grant": lambda get, age: (
        get("person.alive")
        * (get("child.nationality") == "thai")
        * (age.years("child.birth_date") < 6)
        * (get("child.birth_date") >= np.datetime64("2015-10-01"))
        * get("child.registered")
        * ~get("child.in_state_institution")
        * (get("household.income_per_capita_per_year") <= 100_000)
    ),
    "voter_first_time": lambda get, age: (
        _thai(get)
        * (age.years("person.birth_date") >= 18)
        * (age.days_between("person.constituency_registered_date", "election.day") >= 90)
        * ~get("person.monk_or_novice")
        * ~get("person.imprisoned")
    ),
    "sso33_registration": lambda get, age: (
        get("person.alive")
        * (age.years("person.birth_date") >= 15)
        * (age.years("person.birth_date") < 60)
        * (get("employment.status") == "employed")
    ),
    "sso40_enrolment": lambda get, age: (
        get("person.alive")
        * (age.years("person.birth_date") >= 15)
        * (age.years("person.birth_date") <= 65)
        * (get("sso.section") == "none")
        * ~get("person.civil_servant")
    ),
    "nsf_membership": lambda get, age: (
        _thai(get)
        * (age.years("person.birth_date") >= 15)
        * (age.years("person.birth_date") < 60)
        * ((get("sso.section") == "none") + (get("sso.section") == "40_1"))
        * ~get("person.provident_or_gpf_member")
        * ~get("person.civil_servant")
    ),
    "marriage_registration": lambda get, age: (
        get("person.alive")
        * (age.years("person.birth_date") >= 18)
        * (age.years("event.partner_birth_date") >= 18)
        * (get("person.marital_status") != "married")
        * (get("event.partner_marital_status") != "married")
        * get("event.both_spouses_consent")
    ),
    "id_card_renewal": lambda get, age: (
        _thai(get)
        * (
            (get("person.id_card_status") == "expired")
            + (get("person.id_card_status") == "valid") * (age.years("person.birth_date") < 70)
        )
    ),
}


if __name__ == "__main__":
    main()
