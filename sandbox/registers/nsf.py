"""The National Savings Fund: who saves there, and what the state added."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox import savings
from sandbox.agencies.standard import Answer, Asked


def get_member(asked: Asked) -> Mapping[str, Any]:
    found = savings.nsf(asked.world, asked.person)
    zero = Decimal(0)
    if found is None:
        return {
            "member": False, "member_no": None, "since": None, "own": zero, "match": zero, "returns": zero,
            "balance": zero, "saved_this_year": zero, "largest_match": zero, "years": [],
        }  # fmt: skip
    return {
        "member": True,
        "member_no": found.member_no,
        "since": found.since,
        "own": found.own,
        "match": found.match,
        "returns": found.returns,
        "balance": found.own + found.match + found.returns,
        "saved_this_year": found.own_in(asked.today.year),
        "largest_match": Decimal(savings.LARGEST_MATCH if asked.world.age(asked.person) < 60 else 0),
        "years": [{"year": one.year, "own": one.own, "match": one.match} for one in reversed(found.years)],
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_member": get_member}
