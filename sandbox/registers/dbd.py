"""The Department of Business Development: which businesses a person has, companies as well as shops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked
from sandbox.companies import ACTIVE, Company, companies_of
from sandbox.means import shop

_MEETING_BEFORE = timedelta(days=18)  # a company's promoters meet before it is registered
_PARTNERSHIPS = frozenset({"2", "3"})


def get_businesses(asked: Asked) -> Mapping[str, Any]:
    return {"businesses": [*_shops(asked), *_companies(asked)]}


def _shops(asked: Asked) -> Iterator[Mapping[str, Any]]:
    found = shop(asked.world, asked.person)
    if found is None or found.registered_on > asked.today:
        return
    yield {
        "business_id": found.shop_id,
        "name": found.name,
        "type": found.kind,
        "is_juristic": False,
        "role": "owner",
        "status": "active" if found.is_active and asked.person.alive else "ended",
        "start_date": found.started_on,
        "registered_on": found.registered_on,
        "statutory_meeting_date": None,
        "promoters": None,
        "capital": None,
    }


def _companies(asked: Asked) -> Iterator[Mapping[str, Any]]:
    """One's own, and those in which one sits beside one's husband or wife."""
    person = asked.person
    spouse = asked.world.citizen(person.spouse) if person.spouse else None
    own = companies_of(asked.world, person)
    beside = companies_of(asked.world, spouse) if spouse is not None else ()
    for company in (*own, *beside):
        if any(director.number == person.number for director in company.directors):
            yield _company(company)


def _company(company: Company) -> Mapping[str, Any]:
    is_partnership = company.kind in _PARTNERSHIPS
    return {
        "business_id": company.juristic_id,
        "name": company.full_name,
        "type": "partnership" if is_partnership else "company",
        "is_juristic": True,
        "role": "director",
        "status": "active" if company.status == ACTIVE else "ended",
        "start_date": company.registered_on,
        "registered_on": company.registered_on,
        "statutory_meeting_date": None if is_partnership else company.registered_on - _MEETING_BEFORE,
        # A public company is founded by fifteen, any other by the directors there are, and never by fewer than two.
        "promoters": 15 if company.kind == "7" else max(len(company.directors), 2),
        "capital": company.capital,
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_businesses": get_businesses}
