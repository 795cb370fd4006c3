"""The Department of Disease Control: which vaccination is due at what age. It is asked for a day of birth, and nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sandbox import vaccines
from sandbox.agencies.standard import Answer, Asked


def get_schedule(asked: Asked) -> Mapping[str, Any] | None:
    try:
        born = date.fromisoformat(asked.arguments["birth_date"])
        planned = vaccines.plan(born)
    except (ValueError, OverflowError):
        return None
    return {
        "schedule": [
            {
                "vaccine_id": dose.code,
                "vaccine": dose.name,
                "dose_no": dose.number,
                "at_age": dose.at_age,
                "due_date": day,
            }
            for dose, day in planned
        ]
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_schedule": get_schedule}
