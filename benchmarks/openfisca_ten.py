"""Ten rules in OpenFisca; run by a Python that has openfisca-core, not by ours.

For one citizen, the ten of `rules_one`: reads the facts as JSON from its input and prints JSON: microseconds for a citizen
(building the simulation and calculating ten variables, as a web API of OpenFisca does for each request), and what came
out, so that the caller can see that both said the same.

For many (`openfisca_ten.py FOLDER`), the ten of `rules_many`: reads each fact as an array from `FOLDER/facts`, words as
numbers, what isn't known as nothing, since OpenFisca knows no unknown; writes each rule's answers to `FOLDER/said` and
prints seconds of a core. The arrays are in memory before the clock starts, and an age is counted once for all rules.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from pathlib import Path
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


def many(folder: Path) -> None:
    system = TaxBenefitSystem([Person])
    facts = {file.stem: np.load(file) for file in sorted((folder / "facts").glob("*.npy"))}
    for name, values in facts.items():
        kind: Any = {"b": bool, "M": datetime.date}.get(values.dtype.kind, int)
        system.add_variable(_variable(name, kind, ETERNITY, None))
    system.add_variable(_variable("age", int, DAY, _age))
    for name, rule in MANY.items():
        system.add_variable(_variable(name, bool, DAY, rule))
    people = len(next(iter(facts.values())))
    best, said = float("inf"), dict[str, Any]()
    for _ in range(2):
        began = time.process_time()
        simulation = SimulationBuilder().build_default_simulation(system, people)
        for name, values in facts.items():
            simulation.set_input(name, ETERNITY, values)
        said = {name: simulation.calculate(name, ON) for name in MANY}
        best = min(best, time.process_time() - began)
    for name, answers in said.items():
        np.save(folder / "said" / f"{name}.npy", answers)
    json.dump({"s": best}, sys.stdout)


def _variable(name: str, kind: Any, period: Any, formula: Any) -> type[Variable]:
    body = {"value_type": kind, "entity": Person, "definition_period": period, "label": name}
    return type(name, (Variable,), body if formula is None else {**body, "formula": formula})


def _age(person: Any, period: Any) -> Any:
    """As OpenFisca's country template counts it."""
    birth, start = person("person__birth_date", period), period.start
    year = birth.astype("datetime64[Y]").astype(int) + 1970
    month = birth.astype("datetime64[M]").astype(int) % 12 + 1
    day = (birth - birth.astype("datetime64[M]") + 1).astype(int)
    is_birthday_past = (month < start.month) + (month == start.month) * (day <= start.day)
    return np.where(is_birthday_past, start.year - year, start.year - year - 1)


def _ago(period: Any, months: int) -> Any:
    return np.datetime64(str(period.start.offset(-months, "month")), "D")


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
        * (get("sso.section") != "33")
        * ~get("person.civil_servant")
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


def _alive_thai(person: Any, period: Any) -> Any:
    return person("person__alive", period) * (person("person__nationality", period) == WORDS["thai"])


def _lump_sum_or_pension(person: Any, period: Any) -> Any:
    return (
        person("person__alive", period)
        * (person("age", period) >= 55)
        * person("sso__insured_status_ended", period)
    )  # fmt: skip


WORDS = {"thai": 0, "valid": 1, "expired": 2, "none": 0, "never": 0, "temporary": 1, "uc": 1}
"""Words as numbers, one list for each fact; the caller writes them so."""

MANY: dict[str, Any] = {
    "elderly_travel_discount": lambda person, period: _alive_thai(person, period) * (person("age", period) >= 60),
    "elderly_tax_exemption": lambda person, period: (
        person("person__alive", period)
        * (
            (person("age", period) >= 65)
            + (person("person__disability_card_status", period) == WORDS["valid"]) * (person("age", period) < 65)
        )
    ),
    "sso_old_age_pension": lambda person, period: (
        _lump_sum_or_pension(person, period) * (person("sso__months_total", period) >= 180)
    ),
    "sso_old_age_lump_sum": lambda person, period: (
        _lump_sum_or_pension(person, period)
        * (person("sso__months_total", period) < 180)
        * (person("sso__months_total", period) >= 1)
    ),
    "sso40_enrolment": lambda person, period: (
        person("person__alive", period)
        * (person("sso__section", period) == WORDS["none"])
        * (person("age", period) >= 15)
        * (person("age", period) <= 65)
        * ~person("person__civil_servant", period)
    ),
    "first_id_card": lambda person, period: (
        _alive_thai(person, period)
        * (person("age", period) >= 7)
        * person("person__in_house_register", period)
        * (person("person__id_card_status", period) == WORDS["never"])
    ),
    "id_card_renewal": lambda person, period: (
        _alive_thai(person, period)
        * (
            (person("person__id_card_status", period) == WORDS["expired"])
            + (person("person__id_card_status", period) == WORDS["valid"]) * (person("age", period) < 70)
        )
    ),
    "driving_licence_2to5": lambda person, period: (
        person("person__alive", period)
        * (person("licence__type", period) == WORDS["temporary"])
        * (person("licence__issue_date", period) <= _ago(period, 12))
        * (person("licence__expiry_date", period) >= _ago(period, 12))
    ),
    "disability_loan": lambda person, period: (
        person("person__alive", period)
        * (person("person__disability_card_status", period) == WORDS["valid"])
        * (person("age", period) >= 20)
    ),
    "thirty_baht_anywhere": lambda person, period: (
        person("person__alive", period) * (person("health__right", period) == WORDS["uc"])
    ),
}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        many(Path(sys.argv[1]))
    else:
        main()
