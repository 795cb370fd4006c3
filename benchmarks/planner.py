"""A screen of sixty facts: the calls that were really made, against the fewest that can tell them.

The calls are counted on the wire, sign-ins aside; the fewest are found by trying every choice among the agencies that
tell a fact, with what each question has to be asked with.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from typing import Any

from agencies.answers import Operation
from agencies.gateway import DATA_SUBJECT_REQUEST
from backend.agencies import Agencies
from backend.app import House
from benchmarks.harness import Bench, system
from foundation.http import Http, Reply
from foundation.settings import read

FACTS = 60
_SIGN_INS = ("/login", "/auth/validate", "openid-connect/token")


async def run(bench: Bench) -> None:
    bench.steps(1)
    async with system(TANGRAT_CACHE_FRESH_S="0") as there:
        os.environ.update({name: value for name, value in there.environment.items() if name.startswith("TANGRAT_")})
        async with House(read(os.environ), process="bench") as house:
            # Facts about the person: how many vehicles somebody has is not the planner's doing.
            paths = [
                one.path for one in house.catalogue.facts if not house.agencies.sources.listing(_subject(one.path))
            ]
            paths = [path for path in paths if not house.agencies.sources.untold([path])][
                :: max(len(paths) // FACTS, 1)
            ]
            counting = _Counting()
            house.http.request = counting.around(house.http)  # type: ignore[method-assign]  # to count on the wire
            told = await house.http.request(
                "GET", read(os.environ).clock_url.replace("clock", "citizens"), deadline_s=5
            )
            person = (await house.people.ensure(told.json()[4]["pid"])).id
            for _ in range(2):  # the first time, tokens are fetched besides
                counting.calls = 0
                asking = house.gateway.asking(
                    subject=person, actor=person, purpose="bench", ground=DATA_SUBJECT_REQUEST, anew=True
                )
                await house.facts.find(asking, paths[:FACTS])
            fewest = _fewest(house.agencies, paths[:FACTS])
            bench.step()
    bench.report(
        "calls", [float(counting.calls)], unit="calls", against="the fewest possible", floor=[float(fewest)], bar="1.0"
    )


def _subject(path: str) -> str:
    return path.partition(".")[0]


class _Counting:
    def __init__(self) -> None:
        self.calls = 0

    def around(self, http: Http) -> Any:
        ask = http.request

        async def request(method: str, url: str, **sent: Any) -> Reply:
            self.calls += not any(part in url for part in _SIGN_INS)
            return await ask(method, url, **sent)

        return request


def _fewest(agencies: Agencies, paths: Iterable[str]) -> int:
    """By trying every way; facts that one operation alone tells leave no choice."""
    bases: set[str] = set()
    for path in paths:
        bases |= set(agencies.sources.derived.get(path, (path,)))
    ways = {tuple(agencies.sources.tell(path)) for path in bases if agencies.sources.tell(path)}
    forced = {one[0] for one in ways if len(one) == 1}
    open_ways = [one for one in ways if len(one) > 1 and not forced & set(one)]
    return min(_calls(forced | set(chosen), agencies) for chosen in itertools.product(*open_ways))


def _calls(operations: set[Operation[Any]], agencies: Agencies) -> int:
    needed: set[Operation[Any]] = set()

    def need(one: Operation[Any]) -> None:
        if one in needed:
            return
        needed.add(one)
        if one.witness is not None:
            need(one.witness)
        for feed in one.fed_by.values():
            for other in agencies.sources.tell(feed)[:1]:
                need(other)

    for one in operations:
        need(one)
    batched = [one for one in needed if agencies.sources.most_at_once[one.asked_through] > 1]
    return len(needed) - len(batched) + len({one.asked_through for one in batched})
