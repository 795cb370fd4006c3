"""The Department of Corrections: who is imprisoned. Of grown-up Thais about five in a thousand, nearly all men."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.registers import onab
from sandbox.samples import LAST_NUMBER
from sandbox.world import age_on


def get_status(asked: Asked) -> Mapping[str, Any] | None:
    if not asked.person.alive:
        return None
    since = _since(asked)
    return {"imprisoned": since is not None, "since": since}


def _since(asked: Asked) -> date | None:
    """Nobody with a job, an office or a robe: they would have lost it."""
    person, draw = asked.person, asked.dice("prison")
    if person.number <= LAST_NUMBER or not 20 <= age_on(person.birth, asked.today) < 70 or person.civil_servant:
        return None
    is_insured = person.insurance.section != "none" and person.insurance.ended is None
    share = 16 if person.sex == "male" else 2
    if is_insured or draw % 1_000 >= share or onab.ordination(asked) is not None:
        return None
    since = asked.world.nation.day_zero - timedelta(days=(draw >> 16) % 1_500)
    until = since + timedelta(days=365 + (draw >> 32) % 2_500)
    return since if since <= asked.today < until and age_on(person.birth, since) >= 18 else None


ANSWERS: Final[Mapping[str, Answer]] = {"get_status": get_status}
