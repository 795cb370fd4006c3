"""The Department of Women's Affairs and Family Development: protection from violence at home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.happenings import happenings
from sandbox.people import Words

_REPORTED_AFTER = 30  # days at most
_ORDER = timedelta(days=180)


def get_cases(asked: Asked) -> Mapping[str, Any] | None:
    """One household in four hundred in a year (assumed): most violence is never reported."""
    person, today = asked.person, asked.today
    if not person.alive:
        return None
    happened = happenings(
        asked.world, person, "violence at home", per_quarter=0.06, least_age=15, when=lambda one: len(one.household) > 1
    )
    opened = [(one, one.on + timedelta(days=one.draw % _REPORTED_AFTER)) for one in happened]
    known = [(one, day) for one, day in opened if day <= today]
    if not known:
        return None
    province = person.address.province
    office = Words(th=f"ศูนย์ปฏิบัติการจังหวัด{province.th}", en=f"{province.en} operations centre")
    cases = []
    for one, day in known:
        until = day + _ORDER if one.draw >> 8 & 1 else None
        is_new = today < day + timedelta(days=90)
        cases.append(
            {
                "case_id": f"DWF{one.draw % 10**7:07d}",
                "opened_on": day,
                "status": "under_order" if until and today <= until else "open" if is_new else "closed",
                "office": office,
                "order_until": until,
            }
        )
    return {"able_to_report_date": known[0][0].on, "cases": cases}


ANSWERS: Final[Mapping[str, Answer]] = {"get_cases": get_cases}
