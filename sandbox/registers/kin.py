"""No register of its own: which relative an agency is asked about."""

from __future__ import annotations

from sandbox.agencies.standard import Asked
from sandbox.people import Citizen


def deceased(asked: Asked) -> Citizen | None:
    """The late relative named in the question: husband, wife, parent or child of who asks, and dead by today."""
    late = asked.world.find(asked.arguments["deceased_id"])
    if late is None or late.alive:
        return None
    person = asked.person
    return late if late.number in (person.spouse, person.father, person.mother, *person.children) else None
