"""The Department of Consular Affairs: passports, which one Thai in seven has, and more of the well-off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.means import is_sample
from sandbox.people import Words
from sandbox.samples import anniversary
from sandbox.world import age_on

_SAMPLES_EXPIRE_IN: Final = {2: 640, 7: 150, 130: -40}  # days after day zero


def get_passport(asked: Asked) -> Mapping[str, Any] | None:
    """For five years before one is twenty, afterwards mostly for ten."""
    person, zero = asked.person, asked.world.nation.day_zero
    if person.nationality != "thai" or not person.alive:
        return None
    dice = asked.dice("passport")
    if is_sample(person):
        days = _SAMPLES_EXPIRE_IN.get(person.number)
    else:
        share = 45 if person.income_per_year > 300_000 else 18 if person.income_per_year > 150_000 else 6
        days = (dice >> 8) % 3_400 - 180 if dice % 100 < share else None
    if days is None:
        return None
    expires = zero + timedelta(days=days)
    issued = anniversary(expires, expires.year - 10)
    if age_on(person.birth, issued) < 20 or (dice >> 32) % 3 == 0:
        issued = anniversary(expires, expires.year - 5)
    if issued > asked.today or age_on(person.birth, issued) < 1:
        return None
    province = person.address.province
    return {
        "number": f"A{'ABC'[dice % 3]}{(dice >> 16) % 10**7:07d}",
        "kind": "ordinary",
        "issue_date": issued,
        "expiry_date": expires,
        "place": Words(th=f"สำนักงานหนังสือเดินทาง {province.th}", en=f"Passport Office, {province.en}"),
        "status": "valid" if asked.today <= expires else "expired",
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_passport": get_passport}
