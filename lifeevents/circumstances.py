"""What is known about a person for the rules, asked of the agencies in the background.

The ground is a public task, so only what is wanted is asked, each look stands in the person's access records, and facts
that the law calls sensitive are not asked for at all: a person may look at those themself, we don't look unasked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from agencies.facts import PLANNED, Fact, Facts, Findings, agree
from agencies.gateway import PUBLIC_TASK, SYSTEM, Gateway
from lifeevents.catalogue.model import Catalogue
from lifeevents.rules.ir import FactValue
from lifeevents.situation import for_rules
from trust.people import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts by path. Of the `unanswered` nothing new is known: who could tell didn't answer."""

    facts: Mapping[str, FactValue]
    unanswered: frozenset[str] = frozenset()


class AgenciesKnow:
    def __init__(self, gateway: Gateway, facts: Facts, catalogue: Catalogue) -> None:
        self._gateway = gateway
        self._facts = facts
        self._sensitive = {fact.path for fact in catalogue.facts if fact.is_sensitive}

    async def find(self, person: PersonId, wanted: Collection[str], *, told: Mapping[str, FactValue]) -> Known:
        """What agencies say of these facts. `told` is known already, and says which child or vehicle is meant."""
        paths = [path for path in wanted if path not in told and path not in self._sensitive]
        if not paths:
            return Known(facts={})
        # Which of several children is meant shows by what was told of it, so that is asked along.
        subjects = {path.partition(".")[0] for path in paths}
        paths += [path for path in told if path.partition(".")[0] in subjects - {"person"}]
        asking = self._gateway.asking(
            subject=person, actor=SYSTEM, purpose="journey", ground=PUBLIC_TASK, patience_s=None
        )
        found = list(_concerning(await self._facts.find(asking, paths), told))
        return Known(
            facts=for_rules(found), unanswered=frozenset(one.path for one in found if one.state == "AGENCY_DOWN")
        )


def _concerning(found: Findings, told: Mapping[str, FactValue]) -> Iterable[Fact]:
    """The facts of the person, and those of the one thing of each sort that this is about, where it is certain which."""
    yield from found.facts.values()
    for subject, things in found.things.items():
        of_it = {path: value for path, value in told.items() if path.partition(".")[0] == subject}
        fitting = [
            thing
            for thing in things
            if all(path in thing.facts and agree(thing.facts[path].value, value) for path, value in of_it.items())
        ]
        if not of_it:  # what somebody says that they plan is what they mean
            fitting = [thing for thing in things if thing.id == PLANNED]
        if len(fitting) == 1:
            yield from fitting[0].facts.values()
