"""What a person is entitled to, in the graph: for each service and whom it is for, whether, why, when, how much.

The agencies are asked once for all the services that are looked at. What one of them doesn't tell makes those services
unknown that hang on it, with the reason; it never makes an answer wrong. What is explained is reckoned only where it is
selected. With `given` a person tries out other facts: nothing is kept, and whatever hangs on them is marked.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Annotated, Final

import strawberry
from strawberry import enum_value, field

from agencies import facts as found
from foundation.errors import BadInput
from foundation.pages import page, page_size, read_cursor, write_cursor
from lifeevents.catalogue import model
from lifeevents.rules import amount as amounts
from lifeevents.rules import availability as acting
from lifeevents.rules.engine import Engine
from lifeevents.rules.explain import Explanation as Explained
from lifeevents.rules.explain import Outcome as Judged
from lifeevents.rules.explain import Reason, ReasonGroup
from lifeevents.rules.ir import DID_NOT_HAPPEN, FactValue
from lifeevents.rules.timeline import Step
from lifeevents.situation import Case, Situation, Supposed, awaited, judge
from resolvers.catalogue import Agency
from resolvers.context import Context, Info
from resolvers.entitlement_words import Words
from resolvers.own_words import read_value
from resolvers.requirements import GROUPS, Confidence, Fact, RequirementKind
from resolvers.services import PublicService, ServiceScope, Term
from resolvers.values import After, First, Node, PageInfo, Problem, Text, edges, global_id, page_info, problem_told, say

_KIND: Final = "Entitlement"
_LIST: Final = "entitlements"
_MOST_GIVEN = 20
_MOST_LINES = 80
_YEARS_AROUND = 100
_SOON = timedelta(days=366)
_LAST_YEAR = 2190
_IF_IT_HAPPENS = "event."
_AHEAD = (2, 20, 90)  # years; most changes are near, and looking far costs more


@strawberry.enum(description="Whether the conditions of a service hold.")
class Outcome(Enum):
    ELIGIBLE = enum_value("ELIGIBLE", description="They hold.")
    NOT_ELIGIBLE = enum_value("NOT_ELIGIBLE", description="They do not hold.")
    UNKNOWN = enum_value("UNKNOWN", description="A fact that decides is not known; `missing` says which, and why.")


@strawberry.enum(description="Whether one can act now, apart from whether the conditions hold.")
class AvailabilityState(Enum):
    OPEN = enum_value("OPEN", description="One can act.")
    NOT_YET = enum_value("NOT_YET", description="It opens on a known day.")
    CLOSED = enum_value("CLOSED", description="The time to act is over.")
    NO_ROUND = enum_value("NO_ROUND", description="It goes by rounds, and none is announced.")


@strawberry.enum(description="Why a fact is not known.")
class MissingReason(Enum):
    NOT_KNOWN = enum_value("NOT_KNOWN", description="Nobody said it.")
    AGENCY_DOWN = enum_value("AGENCY_DOWN", description="The agency that could tell does not answer just now.")
    NOT_ALLOWED = enum_value("NOT_ALLOWED", description="The agency may not be asked, as the person decided.")
    DISAGREEMENT = enum_value("DISAGREEMENT", description="Agencies say different things.")


@strawberry.type(description="Whether one can act now, and from or until when.")
class Availability:
    state: AvailabilityState = field(description="Whether one can act.")
    from_: date | None = field(name="from", description="The day on which it opens, where it is `NOT_YET` open.")
    until: date | None = field(description="The last day on which it stays so; null: no end is known.")
    deadline: date | None = field(description="The last day that is in time.")
    deadline_online: date | None = field(description="The same for filing online, where that has longer.")
    is_late: bool = field(description="Whether the deadline has passed while one can still act.")
    text: Text = field(description="The same in a sentence.")


@strawberry.type(description="Where a fact comes from.")
class FactSource:
    agency: Agency | None = field(description="Whose record it is; null for one's own word and for what is tried out.")
    as_of: datetime | None = field(description="When the agency says its record was true, where it says so.")
    fetched_at: datetime | None = field(description="When we asked, or when the person said it.")
    is_stale: bool = field(description="Whether the agency does not answer, and this is what it said before.")
    is_own_word: bool = field(description="Whether the person said it themself; no agency vouches for it.")
    is_hypothetical: bool = field(description="Whether it is only tried out.")


@strawberry.type(description="A fact that is not known and would decide.")
class MissingFact:
    fact: str = field(
        description="Its path in the catalogue, the id of an announced day, or the sort of thing that is not listed."
    )
    title: Text = field(description="What it is, and who could tell.")
    agency: Agency | None = field(description="The agency that could tell.")
    why: MissingReason = field(description="Why it is not known.")
    can_say_self: bool = field(description="Whether the person may say it themself, by `declareFact`.")
    follows_from: list[str] = field(
        description="The facts that the person may say instead, and from which it is worked out: all of them, or none."
    )
    problem: Problem | None = field(description="The agency's trouble, where that is why.")


@strawberry.type(description="One line of an explanation: a condition, or a group of the deeper lines that follow it.")
class ExplainedCriterion:
    depth: int = field(description="How deep the line stands; at 0 every line must hold.")
    kind: RequirementKind = field(description="A condition, or a group of the deeper lines that follow.")
    holds: bool | None = field(description="Whether it holds; null: not known.")
    text: Text = field(description="What is asked, what is on record and by how much they differ.")
    fact: Fact | None = field(description="Of a condition: the fact.", default=None)
    value: Text | None = field(description="Of a condition: the fact as it was used; null: not known.", default=None)
    source: FactSource | None = field(description="Of a condition: where the fact comes from.", default=None)
    by_how_much: Text | None = field(
        description="Of a condition: how far it is from turning, in time or in the fact's unit.", default=None
    )
    turns_on: date | None = field(description="Of a condition: the day on which the calendar turns it.", default=None)
    note: str | None = field(description="A remark, in Thai.", default=None)
    confidence: Confidence | None = field(description="Where it differs from that of the service.", default=None)


@strawberry.type(description="Why the outcome is what it is.")
class Explanation:
    outcome: Outcome = field(description="The outcome.")
    text: Text = field(description="The answer as a clerk would say it, with what decides and when one can act.")
    criteria: list[ExplainedCriterion] = field(
        description="Every condition in the order of the law; of what is asked of everyone, only what fails.",
        metadata={"about": 6},
    )
    law: list[Text] = field(description="The laws it rests on.", metadata={"about": 2})
    source: str | None = field(description="Where the catalogue found the rule.")
    confidence: Confidence = field(description="How sure we are of the rule.")
    rule: str = field(
        description="Which rule was applied: the service's code, and behind `@` a mark of its version. It is another one as"
        " soon as the conditions, amounts, deadline or a parameter differ in anything."
    )


@strawberry.type(description="What one item of a service comes to for this person.")
class EntitlementAmount:
    item: str = field(description="What it is about; stable.")
    name: Text | None = field(description="What the amount is; null while it is not known which row applies.")
    text: Text = field(description="The whole of it in words, with what is added.")
    value: Decimal | None = field(description="The number, where there is one.")
    at_least: Decimal | None = field(description="Of a range: its lower end.")
    at_most: Decimal | None = field(description="Of a range: its upper end.")
    choices: list[Decimal] = field(description="Where the person chooses: the numbers to choose from.")
    formula: str | None = field(description="Where the agency works it out: the name of its rule.")
    total: Decimal | None = field(description="The sum with what is added, where all of it is known and money.")
    unit: Term | None = field(description="What it is counted in.")
    per: Term | None = field(description="How often it is given.")
    tier: str | None = field(description="Which step applies, where there are steps.")
    source: str | None = field(description="Where the catalogue found it.")
    confidence: Confidence | None = field(description="How sure we are of it, where that differs from the service.")
    missing: list[MissingFact] = field(description="What would tell the rest.", metadata={"about": 1})


@strawberry.type(description="The next day on which something becomes different, the facts staying as they are.")
class OutcomeChange:
    on: date = field(description="The day.")
    outcome: Outcome = field(description="The outcome from then on.")
    availability: AvailabilityState = field(description="Whether one can act from then on.")
    text: Text = field(description="The same in a sentence.")


@strawberry.type(description="Whom or what an entitlement is for, where that is not the person themself.")
class EntitlementAbout:
    scope: ServiceScope = field(
        description="What sort of thing it is; `PER_PERSON` for a young child's own entitlement."
    )
    id: str = field(description="Its id, as `given` takes it; for people one that says nothing of who they are.")
    called: Text = field(description="What it is called.")


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One entitlement, with what is needed to say more about it."""

    service: model.PublicService
    case: Case
    outcome: Judged
    now: acting.Availability
    on: date
    coming: date | None
    key: str  # the same for the same service and case
    context: Context

    @property
    def engine(self) -> Engine:
        return self.context.services.engine

    @property
    def awaited(self) -> str | None:
        return awaited(self.service, self.case, self.now)

    @cached_property
    def explained(self) -> Explained:
        return self.engine.explain(self.service, self.case.facts, self.on)

    @cached_property
    def words(self) -> Words:
        return Words(self.context.services.catalogue, self.context.services.sentences, self.case)

    @cached_property
    def missing(self) -> list[tuple[str, found.Fact | None]]:
        """What is not known and decides, each with what was heard of it."""
        if self.outcome is not Judged.UNKNOWN:
            return []
        whole = self.case.list_missing
        told = [] if whole is None else [(whole.path, whole)]
        subject = None if whole is None else whole.path
        names = self.engine.judge(self.service, self.case.facts, self.on).missing
        # Of things that nobody listed nothing is known, which needn't be said of each fact.
        return [
            *told,
            *((name, self.case.known.get(name)) for name in names if name.partition(".")[0] not in (subject, "relation")),
        ]  # fmt: skip


def _explanation(root: strawberry.Parent[Entitlement], info: Info) -> Explanation:
    one, language = root.found, info.context.language
    explained = one.explained
    missing = [one.words.missing(path, fact) for path, fact in one.missing]
    return Explanation(
        outcome=Outcome[one.outcome.name],
        text=say(
            one.words.answer(explained, one.outcome, one.case, one.now, missing, is_supposed=root.hypothetical),
            language,
        ),
        criteria=list(_lines(one, explained.root.parts, 0))[:_MOST_LINES],
        law=[say(info.context.services.sentences.law(basis), language) for basis in explained.legal_basis],
        source=one.service.source,
        confidence=Confidence(explained.confidence),
        rule=f"{one.service.code}@{_version(one.service, info.context.services.catalogue)}",
    )


def _version(service: model.PublicService, catalogue: model.Catalogue) -> str:
    """A mark of all that an entitlement follows from. The catalogue is of tuples, so it is written alike each time."""
    asked = [catalogue.fact(path) for path in sorted(service.facts)]
    named = {
        one.value.parameter for one in model.criteria(service.eligibility) if isinstance(one.value, model.ParameterRef)
    }
    named |= {one.value.parameter for one in service.amounts if isinstance(one.value, model.ParameterRef)}
    dated = [catalogue.parameter(name) for name in sorted(named)]
    whole = (service.valid_from, service.valid_to, service.eligibility, service.amounts, service.deadline, asked, dated)
    return hashlib.sha256(repr(whole).encode()).hexdigest()[:12]


def _amounts(root: strawberry.Parent[Entitlement]) -> list[EntitlementAmount]:
    one = root.found
    if one.outcome is Judged.NOT_ELIGIBLE:
        return []
    return [_amount(one, item) for item in one.engine.amount(one.service, one.case.facts, one.on)]


def _next_change(root: strawberry.Parent[Entitlement], info: Info) -> OutcomeChange | None:
    one = root.found
    step = _next_step(one)
    if step is None:
        return None
    return OutcomeChange(
        on=step.day,
        outcome=Outcome[step.outcome.name],
        availability=AvailabilityState[step.state.name],
        text=say(one.words.change(step, one.outcome), info.context.language),
    )


def _missing(root: strawberry.Parent[Entitlement]) -> list[MissingFact]:
    return [_missing_fact(root.found, path, fact) for path, fact in root.found.missing]


@strawberry.type(
    description="What one service means for one person, or for one of their children, vehicles, parcels …."
)
class Entitlement(Node):
    found: strawberry.Private[_Found]
    service: PublicService = field(description="The service.")
    about: EntitlementAbout | None = field(description="Whom or what it is for; null: the person themself.")
    outcome: Outcome = field(description="Whether the conditions hold.")
    availability: Availability = field(description="Whether one can act now, and from or until when.")
    deadline: date | None = field(description="The last day that is in time, where the conditions hold.")
    hypothetical: bool = field(
        description="Whether it hangs on facts that were only tried out with `given`. Then it is no entitlement."
    )
    on: date = field(description="The day that it is about.")
    explanation: Explanation = field(resolver=_explanation, description="Why.")
    amounts: list[EntitlementAmount] = field(
        resolver=_amounts,
        description="How much, item by item; empty where the conditions do not hold.",
        metadata={"about": 2},
    )
    next_change: OutcomeChange | None = field(
        resolver=_next_change, description="When that becomes different by the calendar alone; null: not foreseeable."
    )
    missing: list[MissingFact] = field(
        resolver=_missing,
        description="What is not known and would decide; empty unless the outcome is `UNKNOWN`.",
        metadata={"about": 1},
    )


@strawberry.type(description="An entitlement in a page of them.")
class EntitlementEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: Entitlement = field(description="The entitlement.")


@strawberry.type(
    description="A page of entitlements: first what can be acted on now, the nearest deadline first; then what is coming,"
    " what is not known, and what is not theirs."
)
class EntitlementConnection:
    edges: list[EntitlementEdge] = field(description="The entitlements of this page.")
    page_info: PageInfo = field(description="Where the page ends.")
    total_count: int = field(description="How many there are in all the pages.")


@strawberry.input(description="A fact to try out.")
class GivenFactInput:
    fact: str = field(
        description="The fact's path in the catalogue, or the id of an announced day. No count: give the date it follows"
        " from, such as `person.birth_date` for an age."
    )
    value: str | None = field(
        default=None,
        description="As for `declareFact`. Null for a date: it did not happen.",
    )
    about: str | None = field(
        default=None,
        description="The id of the child, vehicle, parcel … it is about. Left out: the person, or each such thing; where"
        " there is none, one that is supposed.",
    )


On = Annotated[
    date | None,
    strawberry.argument(
        description="On which day, the facts being what they are today. Left out, today. At most 100 years away.",
        name="on",
    ),
]
Given = Annotated[
    list[GivenFactInput] | None,
    strawberry.argument(
        description=f"What if: facts to try out, at most {_MOST_GIVEN}. Nothing of it is kept.", name="given"
    ),
]


async def entitlements(
    info: Info,
    on: On = None,
    outcome: Annotated[
        list[Outcome] | None, strawberry.argument(description="Only those with one of these outcomes.")
    ] = None,
    life_event: Annotated[
        str | None, strawberry.argument(description="Only services that follow from the life event with this code.")
    ] = None,
    service: Annotated[str | None, strawberry.argument(description="Only the service with this code.")] = None,
    first: First = None,
    after: After = None,
    given: Given = None,
) -> EntitlementConnection:
    context = info.context
    size = page_size(first)
    place = None if after is None else read_cursor(_LIST, after, parts=1)[0]
    services = _wanted(context, life_event, service)
    day = _day(on, context)
    supposed = _supposed(given or [], context)
    situation = await situation_of(context, services) if services else None
    if situation is not None and supposed:
        situation = context.services.situations.suppose(situation, context.asking, supposed)
    fits = [] if situation is None else sorted(_all(situation, services, day, context), key=_order)
    if outcome is not None:
        asked = {one.name for one in outcome}
        fits = [one for one in fits if one.outcome.name in asked]
    start = 0
    if place is not None:
        start = next((number + 1 for number, one in enumerate(fits) if one.key == place), -1)
        if start < 0:
            raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after")
    cut = page(fits[start : start + size + 1], first=size, cursor=lambda one: write_cursor(_LIST, one.key))
    marks = _marks(on, supposed)
    shown = cut.of(lambda one: _shown(one, marks))
    return EntitlementConnection(
        edges=edges(shown, EntitlementEdge), page_info=page_info(cut, after=after), total_count=len(fits)
    )


async def node(local: str, context: Context) -> Entitlement | None:
    """Their own entitlement; None for anybody else's, for what is no longer so, and for what was only tried out."""
    session = context.session
    told = _LOCAL.fullmatch(local)
    if session is None or told is None or told["person"] != session.person:
        return None
    service = context.services.catalogue.service(told["service"])
    if service is None:
        return None
    try:
        on = None if told["on"] is None else date.fromisoformat(told["on"])
        day = _day(on, context)
    except (ValueError, BadInput):
        return None
    situation = await situation_of(context, [service])
    key = f"{told['service']}:{told['case']}"
    one = next((one for one in _all(situation, [service], day, context) if one.key == key), None)
    return None if one is None else _shown(one, _marks(on, []))


async def situation_of(
    context: Context, services: Sequence[model.PublicService], *, also: frozenset[str] = frozenset()
) -> Situation:
    """What is known for these services, found out once in a request; `also` are facts that are wanted beside."""
    wanted = also.union(one.code for one in services)
    finding = context.situations.get(wanted)
    if finding is None:
        finding = context.situations[wanted] = asyncio.ensure_future(
            context.services.situations.find(context.asking, services, also=also)
        )
    return await asyncio.shield(finding)


# ---- inside

_LOCAL: Final = re.compile(
    r"(?P<person>[0-9a-f]{32}):(?P<service>[a-z0-9_]{1,80}):(?P<case>[0-9a-f]{1,40}|-)(:(?P<on>\d{4}-\d\d-\d\d))?"
)


def _wanted(context: Context, life_event: str | None, service: str | None) -> list[model.PublicService]:
    catalogue = context.services.catalogue
    fits: Iterable[model.PublicService] = catalogue.services
    if life_event is not None:
        event = catalogue.life_event(life_event)
        within = {step.service for step in event.steps} if event else set()
        fits = (one for one in fits if one.code in within)
    return [one for one in fits if service is None or one.code == service]


def _day(on: date | None, context: Context) -> date:
    today = context.services.clock.today()
    if on is None:
        return today
    if abs(on.year - today.year) > _YEARS_AROUND:
        raise BadInput(
            f"the day is at most {_YEARS_AROUND} years away; years are those of the Common Era",
            th=f"วันต้องห่างจากวันนี้ไม่เกิน {_YEARS_AROUND} ปี และใช้ปี ค.ศ.", field="on",
        )  # fmt: skip
    return on


def _supposed(given: Sequence[GivenFactInput], context: Context) -> list[Supposed]:
    """What is tried out, checked. BadInput for what no fact can be."""
    if len(given) > _MOST_GIVEN:
        raise BadInput(
            f"at most {_MOST_GIVEN} facts can be tried out at once",
            th=f"ลองได้ครั้งละไม่เกิน {_MOST_GIVEN} รายการ",
            field="given",
        )
    catalogue, today = context.services.catalogue, context.services.clock.today()
    told: dict[tuple[str, str | None], Supposed] = {}
    for one in given:
        fact = catalogue.tellable(one.fact)
        if fact is None:
            raise BadInput("there is no such fact", th="ไม่มีข้อเท็จจริงนี้", field="given.fact")
        if (one.fact, one.about) in told:
            raise BadInput(f"{one.fact} is given twice", th=f"ระบุ {one.fact} ซ้ำ", field="given.fact")
        value: FactValue = DID_NOT_HAPPEN
        if one.value is not None:
            value = read_value(one.value, fact, today=today)
        elif fact.kind != "date" or one.fact.endswith(".birth_date"):
            raise BadInput(f"{one.fact} needs a value", th=f"ต้องระบุค่าของ {one.fact}", field="given.value")
        told[one.fact, one.about] = Supposed(path=one.fact, value=value, about=one.about)
    return list(told.values())


def _all(situation: Situation, services: Sequence[model.PublicService], on: date, context: Context) -> Iterator[_Found]:
    engine, situations = context.services.engine, context.services.situations
    for service in services:
        for case in situation.of(service):
            outcome = judge(engine, service, case, on)
            coming = None
            if outcome is Judged.NOT_ELIGIBLE:
                steps = engine.timeline(service, case.facts, on, on + _SOON).steps
                coming = next((step.day for step in steps if step.outcome is Judged.ELIGIBLE), None)
            yield _Found(
                service=service, case=case, outcome=outcome, on=on, coming=coming, context=context,
                now=engine.availability(service, case.facts, on),
                key=f"{service.code}:{situations.handle(context.asking, case) or '-'}",
            )  # fmt: skip


def _order(one: _Found) -> tuple[int, int, int]:
    """What can be acted on now: the nearest deadline first, then what is late, the latest first, then what waits for
    something to happen. After that what is coming, unknown, not theirs."""
    last = date.max.toordinal()
    if one.outcome is Judged.ELIGIBLE:
        due = last if one.now.deadline is None else one.now.deadline.toordinal()
        match one.now.state:
            case acting.State.OPEN:
                if one.awaited is not None:
                    return 0, 2, 0
                return (0, 1, -due) if one.now.is_late else (0, 0, due)
            case acting.State.NOT_YET:
                return 1, 0, last if one.now.opens is None else one.now.opens.toordinal()
        return 2, 0, 0
    if one.coming is not None:
        return 1, 0, one.coming.toordinal()
    if one.outcome is not Judged.UNKNOWN:
        return 4, 0, 0
    # Last what waits for the person to speak of something that hasn't happened, such as a divorce.
    return 3, int(all(path.startswith(_IF_IT_HAPPENS) for path, _ in one.missing)), 0


def _next_step(one: _Found) -> Step | None:
    """The first change after the day, looked for ever farther ahead. When it opens matters only to whom it is for."""
    for years in _AHEAD:
        until = date(min(one.on.year + years, _LAST_YEAR), one.on.month, min(one.on.day, 28))
        steps = one.engine.timeline(one.service, one.case.facts, one.on, max(until, one.on)).steps[1:]
        changes = (step for step in steps if one.outcome is Judged.ELIGIBLE or step.outcome is not one.outcome)
        step = next(changes, None)
        if step is not None:
            is_capped = one.case.list_missing is not None and step.outcome is Judged.ELIGIBLE
            return None if is_capped else step
    return None


def _marks(on: date | None, supposed: Sequence[Supposed]) -> str:
    """What tells an entitlement of another day, or one that is only tried out, from the one of today."""
    day = "" if on is None else f":{on}"
    if not supposed:
        return day
    tried = "\n".join(sorted(f"{one.path} {one.about} {one.value!r}" for one in supposed))
    return f"{day}:if:{hashlib.sha256(tried.encode()).hexdigest()[:16]}"


def _shown(one: _Found, marks: str) -> Entitlement:
    context = one.context
    language, situations = context.language, context.services.situations
    shown_id = situations.shown_id(context.asking, one.case)
    now = one.now
    return Entitlement(
        id=global_id(_KIND, f"{context.person}:{one.key}{marks}"),
        found=one,
        service=context.shelf.services[one.service.code],
        about=None
        if shown_id is None or one.case.called is None
        else EntitlementAbout(
            scope=ServiceScope(one.case.scope), id=shown_id, called=say(one.case.called, language)
        ),
        outcome=Outcome[one.outcome.name],
        availability=Availability(
            state=AvailabilityState[now.state.name], from_=now.opens, until=now.until, deadline=now.deadline,
            deadline_online=now.deadline_online, is_late=now.is_late,
            text=say(one.words.availability(now, one.awaited), language),
        ),
        deadline=now.deadline if one.outcome is Judged.ELIGIBLE else None,
        hypothetical=bool(one.case.supposed & situations.reads(one.service)),
        on=one.on,
    )  # fmt: skip


def _lines(one: _Found, parts: Iterable[Reason | ReasonGroup], depth: int) -> Iterator[ExplainedCriterion]:
    language = one.context.language
    for part in parts:
        if isinstance(part, ReasonGroup):
            kind = RequirementKind[part.kind.upper()]
            yield ExplainedCriterion(depth=depth, kind=kind, holds=part.holds, text=say(GROUPS[kind], language))
            yield from _lines(one, part.parts, depth + 1)
        elif not (part.is_implied and part.holds):
            yield _criterion(one, part, depth)


def _criterion(one: _Found, reason: Reason, depth: int) -> ExplainedCriterion:
    context = one.context
    language, path = context.language, reason.criterion.fact
    fact = context.services.catalogue.fact(path)
    assert fact is not None  # noqa: S101 -- the catalogue was checked when it was read
    base = path if fact.derived is None else fact.derived.date_fact
    value = one.words.value(fact, reason.used, reason.base)
    apart = one.words.apart(reason, fact, one.on)
    return ExplainedCriterion(
        depth=depth,
        kind=RequirementKind.CRITERION,
        holds=reason.holds,
        text=say(one.words.reason(reason), language),
        fact=context.shelf.facts[path],
        value=None if value is None else say(value, language),
        source=_source(one, base),
        by_how_much=None if apart is None else say(apart, language),
        turns_on=reason.turns_on,
        note=reason.criterion.note,
        confidence=_confidence(reason.confidence),
    )


def _source(one: _Found, path: str) -> FactSource | None:
    if path in one.case.supposed:
        return FactSource(
            agency=None, as_of=None, fetched_at=None, is_stale=False, is_own_word=False, is_hypothetical=True
        )
    fact = one.case.known.get(path)
    source = None if fact is None else fact.source
    if source is None:
        return None
    return FactSource(
        agency=None if source.agency is None else one.context.shelf.agencies.get(source.agency),
        as_of=source.as_of, fetched_at=source.fetched_at, is_stale=source.is_stale,
        is_own_word=source.agency is None, is_hypothetical=False,
    )  # fmt: skip


def _missing_fact(one: _Found, path: str, fact: found.Fact | None) -> MissingFact:
    context = one.context
    agency = one.words.teller(path, fact)
    known = context.services.catalogue.fact(path)
    problem = None if fact is None else fact.problem
    return MissingFact(
        fact=path,
        title=say(one.words.missing(path, fact), context.language),
        agency=None if agency is None else context.shelf.agencies[agency.id],
        why=_WHY.get("NOT_KNOWN" if fact is None else fact.state, MissingReason.NOT_KNOWN),
        can_say_self=known is not None and known.is_own_word,
        follows_from=[known.shared.of, known.shared.among] if known is not None and known.shared is not None else [],
        problem=None if problem is None else problem_told(problem, context.language),
    )


_WHY: Final = {one.name: one for one in MissingReason}


def _amount(one: _Found, item: amounts.ItemAmount) -> EntitlementAmount:
    context, part = one.context, item.main
    value = None if part is None else part.value
    row = None if part is None else part.row
    catalogue, language = context.services.catalogue, context.language
    return EntitlementAmount(
        item=item.item,
        name=None if row is None else say(row.name, language),
        text=say(one.words.amount(item), language),
        value=Decimal(value) if isinstance(value, int | Decimal) else None,
        at_least=Decimal(value.at_least) if isinstance(value, model.Range) else None,
        at_most=Decimal(value.at_most) if isinstance(value, model.Range) else None,
        choices=[Decimal(each) for each in value.values] if isinstance(value, model.OneOf) else [],
        formula=value.name if isinstance(value, model.Formula) else None,
        total=None if item.total is None else Decimal(item.total),
        unit=None if row is None else Term(code=row.unit, name=say(catalogue.word("units", row.unit), language)),
        per=None if row is None else Term(code=row.per, name=say(catalogue.word("per", row.per), language)),
        tier=part.tier.label if part is not None and part.tier is not None else None,
        source=None if row is None else row.source,
        confidence=None if part is None else _confidence(part.confidence),
        missing=[_missing_fact(one, path, one.case.known.get(path)) for path in item.missing],
    )


def _confidence(told: model.Confidence | None) -> Confidence | None:
    return None if told is None else Confidence(told)
