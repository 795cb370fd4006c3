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


def get_next_vaccination(asked: Asked) -> Mapping[str, Any] | None:
    """The first day that is still to come, and all that is due on it."""
    try:
        born, day = (date.fromisoformat(asked.arguments[name]) for name in ("birth_date", "day"))
        planned = vaccines.plan(born)
    except (ValueError, OverflowError):
        return None
    coming = min((due for _, due in planned if due >= day), default=None)
    return {"next_due_date": coming, "vaccines": [dose.name for dose, due in planned if due == coming]}


ANSWERS: Final[Mapping[str, Answer]] = {"get_next_vaccination": get_next_vaccination, "get_schedule": get_schedule}
