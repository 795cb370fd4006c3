"""Facts about a person, each with where it comes from or why it isn't known, by the fewest questions to agencies.

A fact of the catalogue is told by an agency's answer, follows from another fact, or is the person's own word. Asked for a
set of facts, `Sources.plan` finds the smallest set of calls that tells them all; `Facts.find` asks these together, each
as soon as what it is asked with is known (the house of a person, the insurance of each vehicle). What an agency does
not say is *not known*, never a guess; what it says did not happen, did not happen; two that differ are a disagreement.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from agencies.answers import Answer, Operation, Problem
from agencies.gateway import Asking
from foundation.clock import Clock
from foundation.dates import PartialDate, is_of_age
from foundation.errors import BadInput
from foundation.language import Text
from foundation.telemetry import Metrics

log = logging.getLogger(__name__)

FactState = Literal["KNOWN", "DID_NOT_HAPPEN", "NOT_KNOWN", "AGENCY_DOWN", "NOT_ALLOWED", "DISAGREEMENT"]

PLANNED = "planned"
"""The id of a thing that no register lists, and of which the person says what it is to be."""

_CAN_BE_PLANNED = {"business": Text(th="กิจการที่คุณวางแผนไว้", en="the business that you plan")}
_MOST_THINGS = 50  # of one sort that one person is asked about one by one
_PLANS_KEPT = 512
_LEGAL: Mapping[str, Callable[[date], Any]] = {
    "legal.today": lambda day: day,
    "legal.year": lambda day: day.year,
    "legal.tax_year": lambda day: day.year - 1,  # the last one that is over
    "legal.first_of_year": lambda day: day.replace(month=1, day=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who said it, in which answer, how old it is. `agency` is None for the person's own word, said at `fetched_at`."""

    agency: str | None
    operation: str | None
    as_of: datetime | None
    fetched_at: datetime | None
    is_stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    value: Any
    source: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact. `value` is there when it is KNOWN, `problem` when an agency's trouble is why it isn't, `claims` when
    several agencies say different things."""

    path: str
    state: FactState
    value: Any = None
    source: Provenance | None = None
    problem: Problem | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def precision(self) -> Literal["DAY", "MONTH", "YEAR"] | None:
        """How much of a date is known; None for what is no date."""
        if isinstance(self.value, PartialDate):
            return self.value.precision
        return "DAY" if isinstance(self.value, date) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One child, vehicle, parcel … of the person, and the facts about it."""

    subject: str
    id: str = field(repr=False)
    called: Text = field(repr=False)
    facts: Mapping[str, Fact] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found: facts about the person, and the person's things with theirs."""

    facts: Mapping[str, Fact]
    things: Mapping[str, tuple[Thing, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWord:
    value: Any
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The questions that tell the wanted facts. `untold`: nobody can tell these."""

    operations: tuple[Operation[Any], ...]
    wanted: frozenset[str]  # the facts themselves, and those that they follow from
    untold: frozenset[str]

    def calls(self, most_at_once: Mapping[str, int]) -> int:
        """How many calls that is, where each list holds one thing."""
        return _cost(self.operations, most_at_once)


class Sources:
    """Which operations tell which facts. `derived` leads from a fact to those it follows from, `shared` from one that is so
    much for each to the sum and the number of those who share it."""

    def __init__(
        self,
        operations: Iterable[Operation[Any]],
        *,
        most_at_once: Mapping[str, int],
        derived: Mapping[str, Sequence[str]],
        dates: Collection[str],
        own_words: Collection[str],
        shared: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.most_at_once = most_at_once
        self.derived = derived
        self.dates = frozenset(dates)
        self.own_words = frozenset(own_words)
        self.shared_out = shared or {}
        self._telling: dict[str, list[Operation[Any]]] = {}
        self._listing: dict[str, list[Operation[Any]]] = {}
        for operation in operations:
            for path in operation.facts:
                self._telling.setdefault(path, []).append(operation)
            for subject in operation.things:
                self._listing.setdefault(subject, []).append(operation)
        self._plan: Callable[[frozenset[str]], Plan] = lru_cache(maxsize=_PLANS_KEPT)(self._make_plan)

    def tell(self, path: str) -> Sequence[Operation[Any]]:
        """The operations whose answers tell this fact, the first the best."""
        return self._telling.get(path, ())

    def listing(self, subject: str) -> Sequence[Operation[Any]]:
        return self._listing.get(subject, ())

    def untold(self, paths: Iterable[str]) -> set[str]:
        """Those for which there is no source at all: no operation, nothing they follow from, nobody's own word."""
        found = set()
        for path in paths:
            bases = self.derived.get(path)
            if bases is not None:
                if self.untold(bases):
                    found.add(path)
            elif not self.tell(path) and path not in self.own_words:
                found.add(path)
        return found

    def shared(self) -> dict[str, Sequence[Operation[Any]]]:
        """The facts that several agencies tell, so that they may disagree."""
        return {path: told for path, told in self._telling.items() if len({operation.agency for operation in told}) > 1}

    def plan(self, paths: Iterable[str]) -> Plan:
        """The fewest calls that tell all these facts; of two as few, the fewer questions."""
        return self._plan(frozenset(paths))

    def plan_of(self, operation: Operation[Any]) -> Plan:
        """The plan of one question with all that it is asked with."""
        way = self._closed(operation, frozenset()) or frozenset({operation})
        return Plan(operations=tuple(way), wanted=frozenset(), untold=frozenset())

    def others(self, paths: Iterable[str], asked: Plan) -> Plan | None:
        """The plan with every other way to these facts; None where there is none."""
        ways = [
            way
            for path in paths
            for operation in self.tell(path)
            if operation not in asked.operations and (way := self._closed(operation, frozenset())) is not None
        ]
        if not ways:
            return None
        operations = frozenset(asked.operations).union(*ways)
        return replace(asked, operations=tuple(sorted(operations, key=lambda one: (one.agency, one.name))))

    def _make_plan(self, paths: frozenset[str]) -> Plan:
        wanted = frozenset(self._bases(paths))
        subjects = {path.partition(".")[0] for path in wanted} & self._listing.keys()
        needs = [*(("fact", path) for path in sorted(wanted)), *(("things", subject) for subject in sorted(subjects))]
        choices = [found for kind, name in needs if (found := self._candidates(kind, name))]
        best = self._fewest(choices)
        told = {path for operation in best for path in operation.facts}
        untold = frozenset(path for path in wanted if path not in told and path not in self.own_words)
        return Plan(operations=best, wanted=wanted, untold=untold)

    def _bases(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            bases = self.derived.get(path)
            if bases is None:
                yield path
            else:
                yield from self._bases(bases)

    def _candidates(self, kind: str, name: str) -> list[frozenset[Operation[Any]]]:
        """The ways to one fact or list: each an operation with all that it is asked with."""
        operations = self.tell(name) if kind == "fact" else self.listing(name)
        return [closed for operation in operations if (closed := self._closed(operation, frozenset())) is not None]

    def _closed(self, operation: Operation[Any], above: frozenset[Operation[Any]]) -> frozenset[Operation[Any]] | None:
        """An operation and what must be asked before it, or beside it; None where that goes round in a circle."""
        if operation in above:
            return None
        found = frozenset({operation})
        if operation.witness is not None:
            found |= {operation.witness}
        for feed in operation.fed_by.values():
            before = self._feeding(feed)
            if before is None:
                continue
            ways = [self._closed(one, above | {operation}) for one in before]
            open_ways = [way for way in ways if way is not None]
            if not open_ways:
                return None
            found |= min(open_ways, key=lambda way: _cost(way, self.most_at_once))
        return found

    def _feeding(self, feed: str) -> Sequence[Operation[Any]] | None:
        """Which operations tell what an argument is fed with; None where nobody need be asked."""
        if feed in _LEGAL or feed == "person.citizen_id":
            return None
        subject, _, name = feed.partition(".")
        if name == "id" and subject in self._listing:
            return self._listing[subject]
        return self.tell(feed)

    def _fewest(self, choices: list[list[frozenset[Operation[Any]]]]) -> tuple[Operation[Any], ...]:
        """The cheapest union of one way from each; what has one way only goes first, the rest is tried out."""
        settled: frozenset[Operation[Any]] = frozenset().union(*(ways[0] for ways in choices if len(ways) == 1))
        open_choices = [ways for ways in choices if len(ways) > 1]
        best: list[frozenset[Operation[Any]]] = []

        def price(chosen: frozenset[Operation[Any]]) -> tuple[int, int]:
            return _cost(chosen, self.most_at_once), len(chosen)

        def search(at: int, chosen: frozenset[Operation[Any]]) -> None:
            if best and price(chosen) >= price(best[0]):
                return
            while at < len(open_choices) and any(way <= chosen for way in open_choices[at]):
                at += 1
            if at == len(open_choices):
                best[:] = [chosen]
                return
            for way in sorted(open_choices[at], key=lambda way: price(chosen | way)):
                search(at + 1, chosen | way)

        search(0, settled)
        return tuple(sorted(best[0] if best else settled, key=lambda one: (one.agency, one.name)))


def _cost(operations: Collection[Operation[Any]], most_at_once: Mapping[str, int]) -> int:
    """Calls: one for each operation, but those that a dialect can batch and that wait for nothing go together."""
    together: dict[str, int] = {}
    alone = 0
    for one in operations:
        size = most_at_once.get(one.asked_through, 1)
        if size > 1 and not one.fed_by:
            together[one.asked_through] = together.get(one.asked_through, 0) + 1
        else:
            alone += 1
    return alone + sum(-(-count // most_at_once[door]) for door, count in together.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """An answer, or why the question could not be put: what it would have been asked with is not known."""

    operation: Operation[Any]
    answer: Answer[Any] | None
    why_not: Fact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One answer to one question, and which of the person's things it is about, where it is asked about each."""

    thing: str | None
    called: Text | None
    answer: Answer[Any] | None
    why_not: Fact | None = None


class Facts:
    """`own_words` finds what the person said of themselves, by path."""

    def __init__(
        self,
        sources: Sources,
        *,
        own_words: Callable[[Asking], Awaitable[Mapping[str, OwnWord]]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.sources = sources
        self._own_words = own_words
        self._clock = clock
        self._metrics = metrics

    async def find(self, asking: Asking, paths: Iterable[str]) -> Findings:
        """These facts about the person that `asking` is about. Never raises for an agency's trouble."""
        plan = self.sources.plan(paths)
        says_self = plan.wanted & self.sources.own_words
        words = self._with_shares(await self._own_words(asking)) if says_self else {}
        today = self._clock.today()
        found = await _Finding(self.sources, plan, asking, today).all(words)
        # Of a fact that several tell, perhaps another one knows it: the other power company, the agency that is up.
        open_ones = [path for path, fact in found.facts.items() if fact.state in ("NOT_KNOWN", "AGENCY_DOWN")]
        more = self.sources.others(open_ones, plan)
        if more is not None:
            found = await _Finding(self.sources, more, asking, today).all(words)
        for fact in _every(found):
            if fact.state == "DISAGREEMENT":
                _alarm(self._metrics, fact)
        return found

    def _with_shares(self, words: Mapping[str, OwnWord]) -> Mapping[str, OwnWord]:
        """Also what follows for each of so many, from a sum that was said: not rounded, so that a limit stays a limit."""
        shares = {}
        for path, (of, among) in self.sources.shared_out.items():
            if path not in words and of in words and among in words and words[among].value > 0:
                value = Decimal(words[of].value) / words[among].value
                shares[path] = OwnWord(value=value, told_at=min(words[of].told_at, words[among].told_at))
        return {**words, **shares}

    async def ask(self, asking: Asking, operation: Operation[Any]) -> list[Heard]:
        """One question, asked with what it needs: once, or once about each of the person's things."""
        plan = self.sources.plan_of(operation)
        return await _Finding(self.sources, plan, asking, self._clock.today()).heard(operation)

    async def compare(self, asking: Asking) -> list[Fact]:
        """The facts about the person on which agencies differ, all that tell them being asked."""
        shared = self.sources.shared()
        plan = self.sources.plan(shared)
        plan = self.sources.others(shared, plan) or plan
        found = await _Finding(self.sources, plan, asking, self._clock.today()).all({})
        differing = [fact for fact in _every(found) if fact.state == "DISAGREEMENT"]
        for fact in differing:
            _alarm(self._metrics, fact)
        return differing


class _Finding:
    """One search, under way: each question a task, which waits for what it is asked with."""

    def __init__(self, sources: Sources, plan: Plan, asking: Asking, today: date) -> None:
        self._sources = sources
        self._plan = plan
        self._asking = asking
        self._today = today
        self._asked: dict[Operation[Any], asyncio.Task[list[tuple[str | None, _Told]]]] = {}

    async def all(self, words: Mapping[str, OwnWord]) -> Findings:
        """Ask everything, and read the facts of all that was heard."""
        operations = self._plan.operations
        told = dict(zip(operations, await asyncio.gather(*map(self._told, operations)), strict=True))
        of_person: dict[str, list[Fact]] = {}
        of_things: dict[tuple[str, str], dict[str, list[Fact]]] = {}
        things = {subject: await self._things(subject) for subject in self._subjects()}
        for answers in told.values():
            for thing, one in answers:
                for path in one.operation.facts.keys() & self._plan.wanted:
                    subject = path.partition(".")[0]
                    if subject in one.operation.things:
                        for item_id, item in self._items(one, subject):
                            fact = self._fact(path, one, item)
                            of_things.setdefault((subject, item_id), {}).setdefault(path, []).append(fact)
                    elif thing is not None:
                        fact = self._fact(path, one)
                        of_things.setdefault((subject, thing), {}).setdefault(path, []).append(fact)
                    else:
                        of_person.setdefault(path, []).append(self._fact(path, one))
        listed = self._sources
        facts = {
            path: _settled(path, of_person.get(path, ()), words.get(path))
            for path in sorted(self._plan.wanted)
            if not listed.listing(path.partition(".")[0])
        }
        return Findings(
            facts=facts,
            things={
                subject: (
                    *(
                        self._thing(subject, item_id, called, of_things, words, is_only=len(known) == 1)
                        for item_id, called in known
                    ),
                    *self._planned(subject, words),
                )
                for subject, known in things.items()
            },
        )

    async def heard(self, operation: Operation[Any]) -> list[Heard]:
        told = await self._told(operation)
        subject = self._asked_about(operation)
        called = dict(await self._things(subject)) if subject else {}
        return [
            Heard(thing=thing, called=called.get(thing or ""), answer=one.answer, why_not=one.why_not)
            for thing, one in told
        ]

    def _asked_about(self, operation: Operation[Any]) -> str | None:
        """The sort of things of which it is asked about each."""
        subjects = (feed.partition(".")[0] for feed in operation.fed_by.values())
        return min((one for one in subjects if self._sources.listing(one)), default=None)

    def _thing(
        self,
        subject: str,
        item_id: str,
        called: Text,
        of_things: Mapping[tuple[str, str], Mapping[str, list[Fact]]],
        words: Mapping[str, OwnWord],
        *,
        is_only: bool,
    ) -> Thing:
        mine = of_things.get((subject, item_id), {})
        # Whoever has only one needn't say which; unless it may be one that is only planned.
        unsaid = words if is_only and subject not in _CAN_BE_PLANNED else {}
        return Thing(
            subject=subject, id=item_id, called=called,
            facts={
                path: _settled(path, mine.get(path, ()), words.get(f"{path} {item_id}") or unsaid.get(path))
                for path in self._wanted_of(subject)
            },
        )  # fmt: skip

    def _planned(self, subject: str, words: Mapping[str, OwnWord]) -> Iterator[Thing]:
        """What the person said of none that is listed: all that is known of it is their own word."""
        wanted = self._wanted_of(subject)
        if subject in _CAN_BE_PLANNED and not words.keys().isdisjoint(wanted):
            facts = {path: _settled(path, (), words.get(path)) for path in wanted}
            yield Thing(subject=subject, id=PLANNED, called=_CAN_BE_PLANNED[subject], facts=facts)

    def _wanted_of(self, subject: str) -> list[str]:
        return [path for path in sorted(self._plan.wanted) if path.partition(".")[0] == subject]

    def _subjects(self) -> list[str]:
        wanted = {path.partition(".")[0] for path in self._plan.wanted}
        return sorted({subject for one in self._plan.operations for subject in one.things} & wanted)

    # ---- asking

    async def _told(self, operation: Operation[Any]) -> list[tuple[str | None, _Told]]:
        """What was answered: once, or once for each thing it is asked about."""
        if operation not in self._asked:
            self._asked[operation] = asyncio.create_task(self._ask(operation))
        return await asyncio.shield(self._asked[operation])

    async def _ask(self, operation: Operation[Any]) -> list[tuple[str | None, _Told]]:
        subject = self._asked_about(operation)
        if subject is None:
            return [(None, await self._ask_once(operation, None, {}))]
        things = await self._things(subject)
        facts = await self._facts_of_things(subject, operation)
        return list(
            zip(
                [item_id for item_id, _ in things],
                await asyncio.gather(
                    *(self._ask_once(operation, item_id, facts.get(item_id, {})) for item_id, _ in things)
                ),
                strict=True,
            )
        )

    async def _ask_once(self, operation: Operation[Any], thing: str | None, of_thing: Mapping[str, Fact]) -> _Told:
        arguments: dict[str, Any] = dict(operation.usual)
        for name, feed in operation.fed_by.items():
            if thing is not None and feed.partition(".")[2] == "id" and self._sources.listing(feed.partition(".")[0]):
                arguments[name] = thing
                continue
            value, why_not = await self._fed(feed, of_thing)
            if why_not is not None:
                return _Told(operation=operation, answer=None, why_not=why_not)
            arguments[name] = value
        try:
            asked = operation(**arguments)
        except BadInput:
            # Such as the number of a shop where only companies have an entry: that is not asked, and nothing is wrong.
            return _Told(operation=operation, answer=None)
        return _Told(operation=operation, answer=await self._asking.ask(asked))

    async def _fed(self, feed: str, of_thing: Mapping[str, Fact]) -> tuple[Any, Fact | None]:
        """What an argument is fed with, or why it is not known."""
        if feed in _LEGAL:
            return _LEGAL[feed](self._today), None
        fact = of_thing.get(feed) or await self._fact_of_person(feed)
        if fact.state != "KNOWN":
            return None, fact
        value = fact.value
        return (value.earliest if isinstance(value, PartialDate) else value), None

    async def _fact_of_person(self, path: str) -> Fact:
        told = [
            self._fact(path, one)
            for operation in self._sources.tell(path)
            if operation in self._plan.operations
            for _, one in await self._told(operation)
        ]
        return _settled(path, told, None)

    async def _facts_of_things(self, subject: str, operation: Operation[Any]) -> dict[str, dict[str, Fact]]:
        """What the listing answers say of each thing, as far as this operation is asked with it."""
        wanted = [feed for feed in operation.fed_by.values() if feed.partition(".")[0] == subject]
        found: dict[str, dict[str, Fact]] = {}
        for lister in self._listers(subject):
            for _, one in await self._told(lister):
                for item_id, item in self._items(one, subject):
                    for path in wanted:
                        if path in lister.facts:
                            found.setdefault(item_id, {})[path] = self._fact(path, one, item)
        return found

    async def _things(self, subject: str) -> list[tuple[str, Text]]:
        """The things of this sort, each with its id and what it is called."""
        found: dict[str, Text] = {}
        for lister in self._listers(subject):
            for _, one in await self._told(lister):
                for item_id, item in self._items(one, subject):
                    found.setdefault(item_id, one.operation.things[subject].called(item))
        return list(found.items())[:_MOST_THINGS]

    def _listers(self, subject: str) -> list[Operation[Any]]:
        return [one for one in self._sources.listing(subject) if one in self._plan.operations]

    def _items(self, one: _Told, subject: str) -> list[tuple[str, Any]]:
        listed = one.operation.things.get(subject)
        if listed is None or one.answer is None or one.answer.value is None:
            return []
        items = listed.of(one.answer.value)
        if subject == "child":
            # Parental power, and with it the ground to look, ends when the child comes of age.
            items = [item for item in items if not is_of_age(item.birth.earliest, self._today)]
        return [(listed.key(item), item) for item in items]

    # ---- reading

    def _fact(self, path: str, one: _Told, item: Any = None) -> Fact:
        answer = one.answer
        if answer is None:
            why = one.why_not
            state: FactState = "NOT_KNOWN" if why is None or why.state == "DISAGREEMENT" else why.state
            return Fact(path=path, state=state, problem=why.problem if why else None)
        source = Provenance(
            agency=answer.agency, operation=one.operation.name, as_of=answer.as_of, fetched_at=answer.fetched_at,
            is_stale=answer.state == "STALE",
        )  # fmt: skip
        if answer.state == "NOT_ALLOWED":
            return Fact(path=path, state="NOT_ALLOWED", source=source, problem=answer.problem)
        if answer.state == "UNAVAILABLE":
            return Fact(path=path, state="AGENCY_DOWN", source=source, problem=answer.problem)
        if answer.value is None:
            value = one.operation.when_absent.get(path)
        else:
            value = one.operation.facts[path](answer.value if item is None else item)
        if value is None:
            return Fact(
                path=path, state="DID_NOT_HAPPEN" if path in self._sources.dates else "NOT_KNOWN", source=source
            )
        return Fact(path=path, state="KNOWN", value=value, source=source)


def _settled(path: str, told: Sequence[Fact], word: OwnWord | None) -> Fact:
    """One fact from all that was told of it. An agency's word goes before the person's own."""
    known = [fact for fact in told if fact.state == "KNOWN"]
    if any(not agree(one.value, other.value) for one, other in pairwise(known)):
        claims = tuple(Claim(value=fact.value, source=fact.source) for fact in known if fact.source is not None)
        return Fact(path=path, state="DISAGREEMENT", claims=claims)
    if known:
        return max(known, key=_exactness)
    if word is not None:
        source = Provenance(agency=None, operation=None, as_of=None, fetched_at=word.told_at)
        return Fact(path=path, state="KNOWN", value=word.value, source=source)
    # One that doesn't answer may know what another has no record of.
    for state in ("AGENCY_DOWN", "NOT_ALLOWED", "DID_NOT_HAPPEN"):
        for fact in told:
            if fact.state == state:
                return fact
    return told[0] if told else Fact(path=path, state="NOT_KNOWN")


def agree(one: Any, other: Any) -> bool:
    """Whether two values can both be true: dates as far as both are known."""
    if isinstance(one, PartialDate) or isinstance(other, PartialDate):
        return _same_date(_partial(one), _partial(other))
    return bool(one == other)


def _partial(value: Any) -> PartialDate:
    return value if isinstance(value, PartialDate) else PartialDate(value)


def _same_date(one: PartialDate, other: PartialDate) -> bool:
    length = min(len(str(one)), len(str(other)))
    return str(one)[:length] == str(other)[:length]


def _exactness(fact: Fact) -> int:
    return len(str(fact.value)) if isinstance(fact.value, PartialDate) else 0


def _every(found: Findings) -> Iterator[Fact]:
    yield from found.facts.values()
    for things in found.things.values():
        for thing in things:
            yield from thing.facts.values()


def _alarm(metrics: Metrics, fact: Fact) -> None:
    metrics.alarms.labels("agencies_disagree").inc()
    log.error(
        "agencies disagree about a fact",
        extra={"fact": fact.path, "agencies": ", ".join(str(claim.source.agency) for claim in fact.claims)},
    )
