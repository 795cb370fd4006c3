"""`tangrat check agencies`: every question that the catalogue knows, put to the agencies of the sandbox for its samples.

With `--faults` each agency is made ill in each way that the sandbox knows, and the table shows what a person would see.
Only for the sandbox: its people are made up, and nobody else's data is looked at to see whether a wire holds.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agencies.answers import Answer, Operation
from agencies.facts import Facts, Heard
from agencies.gateway import DATA_SUBJECT_REQUEST, Gateway
from backend.agencies import connect
from backend.app import House
from foundation.errors import CannotStart
from foundation.http import CallFailed, Http
from foundation.settings import Settings
from trust.people import PersonId

PURPOSE = "installation check with made-up people"
_AT_ONCE = 2  # citizens
_PATIENT_S = 10.0  # whether a wire holds is asked here, not how quick this machine is
_WELL = ("OK", "NOT_FOUND")


@dataclass(slots=True, kw_only=True)
class Row:
    """One question: how often it was put, and what came of it, by state or problem."""

    agency: str
    operation: str
    title: str
    outcomes: Counter[str] = field(default_factory=Counter)
    took_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.wrong


@dataclass(slots=True, kw_only=True)
class FaultRow:
    """One agency: what each fault comes to. Good is whatever shows no wrong value and says why."""

    agency: str
    outcomes: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.wrong


class Check:
    """One check of one sandbox. Use as `async with Check(settings) as check`."""

    def __init__(self, settings: Settings) -> None:
        if settings.is_production or not settings.clock_url:
            raise CannotStart("`tangrat check agencies` asks the sandbox, which never runs in production")
        self._settings = settings
        self._sandbox = settings.clock_url.removesuffix("/sandbox/clock")
        self._house = House(settings, process="check")
        self._http = Http()
        self._people: list[PersonId] = []

    async def __aenter__(self) -> Check:
        await self._house.__aenter__()
        told = await self._switch("GET", "/sandbox/citizens")
        found = await self._house.people.ensure_many([one["pid"] for one in told])
        self._people = [found[one["pid"]].id for one in told]
        return self

    async def __aexit__(self, *why: Any) -> None:
        await self._http.close()
        await self._house.__aexit__(None, None, None)

    @property
    def operations(self) -> Sequence[Operation[Any]]:
        """Every question that is a mere look and that its arguments can be found for."""
        return [one for one in self._house.agencies.operations if one.is_read and one.takes.keys() <= _fed(one)]

    async def well(self, step: Callable[[], None]) -> list[Row]:
        """Ask everything for each of the samples; `step` is called after each citizen."""
        rows = {
            one: Row(agency=one.agency, operation=one.name, title=one.title.en if one.title else "")
            for one in self.operations
        }
        places, gateway = asyncio.Semaphore(_AT_ONCE), self._gateway(_PATIENT_S)

        async def of(person: PersonId) -> None:
            async with places:
                facts, asking = self._facts(), self._asking(gateway, person)
                await asyncio.gather(*(self._ask(facts, asking, row, operation) for operation, row in rows.items()))
                step()

        await asyncio.gather(*map(of, self._people))
        await gateway.close()
        return sorted(rows.values(), key=lambda row: (row.agency, row.operation))

    async def ill(self, kinds: Sequence[str], step: Callable[[], None]) -> list[FaultRow]:
        """Each agency under each fault, for the first sample; `step` is called after each fault."""
        by_agency: dict[str, list[Operation[Any]]] = {}
        for one in self.operations:
            by_agency.setdefault(one.agency, []).append(one)
        rows = {agency: FaultRow(agency=agency) for agency in by_agency}
        patient = self._gateway(_PATIENT_S)
        well = {agency: await self._look(patient, agency, asked) for agency, asked in by_agency.items()}
        for kind in kinds:
            await self._switch("DELETE", "/sandbox/faults")
            able = [agency for agency in by_agency if await self._make_ill(agency, kind)]
            # A fresh one, so that no breaker remembers the fault before.
            gateway = self._gateway(self._settings.agency_deadline_s)
            seen = await asyncio.gather(*(self._look(gateway, agency, by_agency[agency]) for agency in able))
            for agency, answers in zip(able, seen, strict=True):
                rows[agency].outcomes[kind] = _said(answers)
                rows[agency].wrong += _wrong(kind, answers, well[agency])
            await gateway.close()
            step()
        await self._switch("DELETE", "/sandbox/faults")
        return list(rows.values())

    async def kinds(self) -> list[str]:
        """The faults that the sandbox knows."""
        allowed: list[str] = (await self._switch("GET", "/sandbox/faults"))["allowed"]["faults"]
        return allowed

    async def _make_ill(self, agency: str, kind: str) -> bool:
        """Whether this agency can be ill in this way."""
        reply = await self._http.request(
            "POST", f"{self._sandbox}/sandbox/faults", deadline_s=10, json={"agency": agency, "fault": kind}
        )
        return reply.status == 201

    async def _look(
        self, gateway: Gateway, agency: str, asked: Sequence[Operation[Any]]
    ) -> dict[tuple[str, str | None], Answer[Any]]:
        """What this agency's questions come to, those aside that need another agency's answer first."""
        own = [one for one in asked if not one.fed_by or all(feed.startswith("legal.") for feed in one.fed_by.values())]
        facts, asking = self._facts(), self._asking(gateway, self._people[0])
        heard = await asyncio.gather(*(facts.ask(asking, one) for one in own or asked))
        return {
            (operation.name, one.thing): one.answer
            for operation, some in zip(own or asked, heard, strict=True)
            for one in some
            if one.answer is not None
        }

    async def _ask(self, facts: Facts, asking: Any, row: Row, operation: Operation[Any]) -> None:
        began = time.perf_counter()
        heard = await facts.ask(asking, operation)
        row.took_s.append(time.perf_counter() - began)
        if not heard:
            row.outcomes["nothing to ask about"] += 1
        for one in heard:
            outcome = _outcome(one)
            row.outcomes[outcome] += 1
            is_well = one.why_not is None if one.answer is None else one.answer.state in _WELL
            if not is_well:
                row.wrong.append(outcome)

    def _gateway(self, deadline_s: float) -> Gateway:
        house = self._house
        agencies = connect(self._settings, self._http, house.catalogue, clock=house.clock, deadline_s=deadline_s)
        return Gateway(
            agencies.adapters, people=house.people, access_log=house.access_log, cache=house.cache,
            consents=house.consents, clock=house.clock, metrics=house.metrics,
            deadline_s=deadline_s, agency_of=agencies.agency_of,
        )  # fmt: skip

    def _facts(self) -> Facts:
        house = self._house
        return Facts(house.agencies.sources, own_words=house.own_words.asked, clock=house.clock, metrics=house.metrics)

    @staticmethod
    def _asking(gateway: Gateway, person: PersonId) -> Any:
        return gateway.asking(subject=person, actor=person, purpose=PURPOSE, ground=DATA_SUBJECT_REQUEST, anew=True)

    async def _switch(self, method: str, path: str) -> Any:
        try:
            reply = await self._http.request(method, f"{self._sandbox}{path}", deadline_s=10)
        except CallFailed as exc:
            raise CannotStart(f"the sandbox does not answer at {self._sandbox}; start it with `make run`") from exc
        return reply.json()


def _fed(operation: Operation[Any]) -> set[str]:
    return {*operation.fed_by, *operation.usual}


def _outcome(heard: Heard) -> str:
    if heard.answer is None:
        return f"not asked: {heard.why_not.state}" if heard.why_not else "nothing to ask with"
    return heard.answer.problem.code if heard.answer.problem is not None else heard.answer.state


def _said(answers: dict[tuple[str, str | None], Answer[Any]]) -> str:
    codes = Counter(
        f"{answer.state} {answer.problem.code}" if answer.state == "STALE" and answer.problem is not None
        else answer.problem.code if answer.problem is not None else answer.state
        for answer in answers.values()
    )  # fmt: skip
    return ", ".join(sorted(codes))


def _wrong(
    kind: str, answers: dict[tuple[str, str | None], Answer[Any]], well: dict[tuple[str, str | None], Answer[Any]]
) -> list[str]:
    """Values that are there and differ from the well answer. A disagreement is meant to differ: elsewhere it is seen."""
    if kind == "disagreeing":
        return []
    return [
        f"{kind}: {name} shows another value"
        for (name, thing), answer in answers.items()
        if answer.value is not None and answer.value != well[name, thing].value
    ]
