"""What a catalogue is made of: life stages, life events, services and their rules, agencies, facts, event types.

Plain frozen data, already checked: whoever holds a `Catalogue` may trust that every code in it leads somewhere, every
text has both languages and every condition compares like with like. Evaluating the conditions is not done here.
The words are those of CPSV-AP and CCCEV where they have one; what each key means stands in docs/catalogue.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, cast

from agencies.standard import Spec
from foundation.language import Text, searchable

Confidence = Literal["sourced", "known", "uncertain"]
SourceKind = Literal["official", "law_or_professional", "news", "secondary_web"]
Privacy = Literal["personal", "sensitive"]
FactKind = Literal["bool", "int", "money", "decimal", "date", "enum", "code", "string"]
OperationMode = Literal["sync_read", "async_submit", "event"]
ServiceKind = Literal["registration", "benefit", "information", "licence", "document", "change_request", "payment"]
ServiceStatus = Literal["active", "closed", "closed_waiting_round", "programme_round"]
Scope = Literal["per_person", "per_child", "per_vehicle", "per_property", "per_deceased", "per_business"]
ChooseBy = Literal["today", "payment_month", "birth_date", "job_end", "death", "transfer", "event_date"]
DeadlineKind = Literal["legal", "recommended", "window", "annual", "round", "programme", "benefit_loss", "none"]
Priority = Literal["critical", "high", "normal", "low"]
Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "happened", "did_not_happen"]
WordKind = Literal["channels", "units", "per", "fees", "recipients"]


# ---- days


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of calendar time; exactly one of the three is not zero. Negative = before."""

    years: int = 0
    months: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthDay:
    """A day of every year. As an anchor it comes round once a year."""

    month: int
    day: int

    def in_year(self, year: int) -> date:
        """That day in a CE year; 29 February is 1 March in a common year."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return date(year, 3, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDay:
    """The day that a date fact holds."""

    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsDay:
    """The day on which someone attains an age, from their birth date."""

    birth_date: str  # the fact
    years: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedDay:
    """A day that an agency announces or the system computes: an `EventDate` of the catalogue."""

    event_date: str


Anchor = FactDay | TurnsDay | MonthDay | AnnouncedDay


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDate:
    id: str
    agency: str | None  # None: the system computes it
    title: Text

    @property
    def as_fact(self) -> Fact | None:
        """What an agency announces is told and said as any other date is."""
        if self.agency is None:
            return None
        return Fact(
            path=self.id, kind="date", choices=(), unit=None, source_agency=self.agency, title=self.title,
            privacy="personal", derived=None,
        )  # fmt: skip


# ---- facts, parameters, evidence, agencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value that an enum fact can have."""

    value: str
    title: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """How a fact follows from a date, so that the day on which a condition flips is known.

    `since` counts from the date and doesn't exist before it; `until` is signed, positive once the date has passed.
    """

    direction: Literal["since", "until"]
    date_fact: str
    unit: Literal["year", "month", "week", "day", "fiscal_year_be"]
    basis: Literal["completed", "calendar_year_be", "fiscal_year_of_first_month"]
    years: int | None
    leap_day: Literal["following", "preceding"] | None
    attained: Literal["birthday", "eve"] | None
    as_of: FactDay | AnnouncedDay | None  # None: counted to the legal day
    formula: str | None
    confidence: Confidence | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A sum for each of so many, such as a household's income a head; the paths of both, which people say themselves."""

    of: str
    among: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing a rule may ask about a person or one of their things (CCCEV: information concept)."""

    path: str
    kind: FactKind
    choices: tuple[Choice, ...]  # of an enum, else empty
    unit: str | None
    source_agency: str
    title: Text
    privacy: Privacy
    derived: Derived | None
    is_own_word: bool = False  # the person may say it themselves; kept as their word, with the date
    shared: Shared | None = None  # what the person may say instead

    @property
    def is_sensitive(self) -> bool:
        return self.privacy == "sensitive"

    def say(self, value: str) -> Text:
        """What one value of an enum is called; any other value as it stands."""
        return next((choice.title for choice in self.choices if choice.value == value), Text(th=value, en=value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterValue:
    valid_from: date | None
    valid_to: date | None  # inclusive
    value: int | Decimal
    note: str | None
    source: str | None
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number that the law sets and changes. Its values follow one another without gap or overlap."""

    id: str
    title: Text
    unit: str
    values: tuple[ParameterValue, ...]

    def on(self, day: date) -> ParameterValue | None:
        """The value in force on a day; None before the first one known."""
        return next((value for value in self.values if _covers(value.valid_from, value.valid_to, day)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceType:
    id: str
    title: Text
    holder: str | None  # an agency; None: only the citizen has it
    fetch_op: str | None  # None: the citizen brings it
    once_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing an agency can be asked: in the plain dialect where there is a `spec`, else in the agency's own."""

    id: str
    mode: OperationMode
    title: Text | None
    request: tuple[str, ...]
    response: tuple[str, ...]
    is_idempotent: bool
    requires_consent: bool
    asked_as: str | None = None  # the adapter's operation that asks it
    spec: Spec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """How an agency is simulated. Nobody promised these numbers."""

    latency_p50_ms: int
    latency_p99_ms: int
    availability_pct: Decimal
    note: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    id: str
    name: Text
    ministry: Text
    event_sources: tuple[str, ...]  # the CloudEvents sources it may use, and nobody else
    data_held: tuple[Text, ...]
    assumptions: Assumptions
    operations: tuple[Operation, ...]


# ---- requirements


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRef:
    """The value of a dated parameter, on the date that the service's `choose_by` says."""

    parameter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A number that follows from the legal day alone, and so much more or less."""

    name: Literal["current_fiscal_year"]  # B.E., begins on 1 October
    plus: int


Value = bool | int | Decimal | date | str | tuple[str, ...] | tuple[int, ...] | ParameterRef | Span | Computed


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One fact compared with one value. A `Span` is calendar time from the date that the fact is derived from.

    `happened` and `did_not_happen` ask whether there is such a day by now, and compare with nothing.
    """

    fact: str
    op: Operator
    value: Value | None
    note: str | None = None
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every part holds. No parts: true."""

    parts: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one part holds. The loader refuses an empty one."""

    parts: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    part: Requirement


Requirement = Criterion | AllOf | AnyOf | Not


def criteria(requirement: Requirement | None) -> Iterator[Criterion]:
    """Every leaf of the tree, in reading order."""
    match requirement:
        case Criterion():
            yield requirement
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from criteria(part)
        case Not(part=part):
            yield from criteria(part)
        case None:
            return


# ---- services


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasis:
    act: str
    year_be: int
    section: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """An amount that the agency works out; the name says by which rule."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Somewhere between two numbers."""

    at_least: int | Decimal
    at_most: int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """The person chooses."""

    values: tuple[int | Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of an amount. `at_least` and `up_to` are inside the step, `above` and `below` outside."""

    label: str
    at_least: int | Span | None
    above: int | Span | None
    up_to: int | Span | None
    below: int | Span | None
    equals: str | None  # a value of an enum
    value: int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    by: str  # the fact that chooses the step
    steps: tuple[Tier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One row of what a service pays, takes or grants, for one period of validity.

    Rows with the same `item` compete: valid on the chosen day, `when` true, the most specific `when` wins. A `top_up`
    row is added to the winner.
    """

    name: Text
    item: str
    value: int | Decimal | ParameterRef | Formula | Range | OneOf | None  # None: in the tiers, or not known
    unit: str
    per: str
    valid_from: date | None
    valid_to: date | None  # inclusive
    when: Requirement | None
    is_top_up: bool
    tiers: Tiers | None
    note: str | None
    source: str | None
    confidence: Confidence | None

    def is_valid(self, day: date) -> bool:
        return _covers(self.valid_from, self.valid_to, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A yearly period, both days included; it may run over the end of the year."""

    opens: MonthDay
    closes: MonthDay


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedRound:
    """The days between which the next round is open, as an agency announces them: event dates both."""

    opens: str
    closes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    opens: date
    closes: date


@dataclass(frozen=True, slots=True, kw_only=True)
class YearOverride:
    year: int  # CE
    day: MonthDay


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthWindow:
    """Whose turn it is in one fiscal year, written out as the agencies announce it."""

    fiscal_year_be: int
    born_from: date
    born_to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherWay:
    """A second way in: so long from another anchor."""

    length: Span
    anchor: Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a service can or must be used. `rule` is the law's own wording; the rest is what a machine reads."""

    kind: DeadlineKind
    rule: str
    penalty: str | None
    anchor: Anchor | None
    length: Span | None  # from the anchor, last day included
    hours: int | None  # where the clock time is known
    closes_right: bool  # lost after the last day; otherwise merely late
    extension_days: int | None
    extension_note: str | None
    windows: tuple[Window, ...]
    early: Span | None  # opens so long before the anchor
    early_days_conflict: tuple[int, ...]  # sources disagree on `early`
    month_day: MonthDay | None
    opens: MonthDay | None
    efiling_month_day: MonthDay | None
    overrides: tuple[YearOverride, ...]
    rounds: tuple[Round, ...]
    schedule_months: tuple[int, ...]
    birth_windows: tuple[BirthWindow, ...]
    alternative: OtherWay | None
    confidence: Confidence | None
    announced: AnnouncedRound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceUse:
    """A document that a service asks for."""

    evidence: str
    holder: str | None
    fetch_op: str | None
    is_prefilled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    name: str  # a word of `fees`
    value: int | Decimal | None  # None: it varies
    unit: str
    valid_from: date | None
    valid_to: date | None
    note: str | None
    confidence: Confidence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnEvent:
    """Told when an event type that answers to this name is reported."""

    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDay:
    """Told on a day. `year_when` narrows the years of a yearly anchor: it must hold on that day."""

    anchor: Anchor
    year_when: Criterion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What a service tells, when, and to whom. Its text goes to the inbox, never to a lock screen."""

    id: str
    trigger: OnEvent | OnDay
    offset: timedelta  # negative = before
    to: str  # a word of `recipients`
    priority: Priority
    message: Text
    when: Requirement | None  # asked again at send time


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicService:
    code: str
    stage: str  # the life stage it is filed under
    title: Text
    summary: Text
    agency: str
    kind: ServiceKind
    status: ServiceStatus
    scope: Scope
    valid_from: date | None
    valid_to: date | None
    legal_basis: tuple[LegalBasis, ...]
    eligibility: AllOf
    choose_by: ChooseBy | None
    choose_by_confidence: Confidence | None
    amounts: tuple[Amount, ...]
    deadline: Deadline | None
    evidence: tuple[EvidenceUse, ...]
    fees: tuple[Fee, ...]
    typical_duration: Text | None
    channels: tuple[str, ...]
    requires: tuple[str, ...]
    notifications: tuple[Notification, ...]
    notes: str | None
    traps: tuple[str, ...]
    source: str | None
    source_kind: SourceKind | None
    more_sources: tuple[str, ...]
    confidence: Confidence
    as_of: date

    @property
    def facts(self) -> frozenset[str]:
        """The facts that its conditions ask for. `person.alive` is asked of everyone and not written."""
        return frozenset(criterion.fact for criterion in criteria(self.eligibility))


# ---- life stages and events


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One service in the course of a life event."""

    order: int
    service: str
    depends_on: tuple[str, ...]
    only_if: Requirement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEvent:
    """An agency reports it."""

    event: str
    agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeclared:
    """The person says so."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarYearOf:
    """The calendar year of a date, and so many years more."""

    fact: str
    plus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRule:
    """The calendar brings it. `rule` is the wording it came with; `day` and what narrows it is what a machine reads."""

    rule: str
    about: str | None  # the date fact it hangs on; None: the same day for everyone
    day: Anchor
    offset: Span | None
    year_when: Criterion | None
    calendar_year: CalendarYearOf | None
    until: MonthDay | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeEventType:
    code: str
    stage: str
    title: Text
    summary: Text
    trigger: RegistryEvent | UserDeclared | DateRule
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeStage:
    code: str
    order: int
    title: Text
    life_events: tuple[str, ...]
    services: tuple[str, ...]


# ---- event types


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNotice:
    """What is told about the event itself. Title and body may hold `{places}` that its data fills."""

    topic: str  # a life stage
    to: str  # a word of `recipients`, seen from the person of the event
    title: Text
    body: Text
    lock_screen: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type of CloudEvent: who may report it, what its data looks like, what it sets going."""

    type: str
    agency: str | None  # None: only the calendar makes it
    source: Literal["registry", "calendar"]
    triggers: tuple[str, ...]  # the names it answers to
    title: Text
    person: str | None  # the field of `data` that names whom it happened to; None: an area or a programme
    area: str | None  # the field that lists the codes of provinces, districts and subdistricts it happened in
    is_sensitive: bool
    notice: EventNotice | None
    schema_json: str  # JSON Schema 2020-12 of `data`
    completes: tuple[str, ...] = ()  # the services that are done for that person once it is reported
    facts: tuple[tuple[str, str], ...] = ()  # what it tells: the path of a fact, and the field of `data` that holds it

    def schema(self) -> dict[str, Any]:
        """A copy of the schema, the caller's own."""
        return cast("dict[str, Any]", json.loads(self.schema_json))


# ---- the whole

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All of it, in reading order. `release` names the content: the same files give the same release."""

    release: str
    life_stages: tuple[LifeStage, ...]
    life_events: tuple[LifeEventType, ...]
    services: tuple[PublicService, ...]
    agencies: tuple[Agency, ...]
    facts: tuple[Fact, ...]
    event_dates: tuple[EventDate, ...]
    parameters: tuple[Parameter, ...]
    evidence: tuple[EvidenceType, ...]
    event_types: tuple[EventType, ...]
    words: Mapping[WordKind, Mapping[str, Text]]
    _index: dict[type, dict[str, Any]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _told: dict[str, tuple[Notification, PublicService]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _answers: dict[str, tuple[EventType, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _searchable: list[str] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        self._index.update(
            {
                LifeStage: {stage.code: stage for stage in self.life_stages},
                LifeEventType: {event.code: event for event in self.life_events},
                PublicService: {service.code: service for service in self.services},
                Agency: {agency.id: agency for agency in self.agencies},
                Operation: {operation.id: operation for agency in self.agencies for operation in agency.operations},
                Fact: {fact.path: fact for fact in self.facts},
                EventDate: {event_date.id: event_date for event_date in self.event_dates},
                Parameter: {parameter.id: parameter for parameter in self.parameters},
                EvidenceType: {evidence.id: evidence for evidence in self.evidence},
                EventType: {event_type.type: event_type for event_type in self.event_types},
            }
        )
        self._told.update({told.id: (told, service) for service in self.services for told in service.notifications})
        for event_type in self.event_types:
            for name in event_type.triggers:
                self._answers[name] = (*self._answers.get(name, ()), event_type)
        self._searchable.extend(
            searchable(f"{s.code}\n{s.title.th}\n{s.title.en}\n{s.summary.th}\n{s.summary.en}") for s in self.services
        )

    @property
    def specs(self) -> tuple[Spec, ...]:
        """What can be asked of agencies in the plain dialect."""
        return tuple(one.spec for agency in self.agencies for one in agency.operations if one.spec is not None)

    # None where the catalogue has no such code; one that stands in the catalogue itself always leads somewhere.

    def life_stage(self, code: str) -> LifeStage | None:
        return self._find(LifeStage, code)

    def life_event(self, code: str) -> LifeEventType | None:
        return self._find(LifeEventType, code)

    def service(self, code: str) -> PublicService | None:
        return self._find(PublicService, code)

    def agency(self, id: str) -> Agency | None:
        return self._find(Agency, id)

    def operation(self, id: str) -> Operation | None:
        return self._find(Operation, id)

    def fact(self, path: str) -> Fact | None:
        return self._find(Fact, path)

    def event_date(self, id: str) -> EventDate | None:
        return self._find(EventDate, id)

    def tellable(self, path: str) -> Fact | None:
        """A fact, or a day that an agency announces."""
        announced = self.event_date(path)
        return self.fact(path) if announced is None else announced.as_fact

    def parameter(self, id: str) -> Parameter | None:
        return self._find(Parameter, id)

    def evidence_type(self, id: str) -> EvidenceType | None:
        return self._find(EvidenceType, id)

    def event_type(self, type: str) -> EventType | None:
        return self._find(EventType, type)

    def notification(self, id: str) -> tuple[Notification, PublicService] | None:
        """A notification and the service it belongs to."""
        return self._told.get(id)

    def word(self, kind: WordKind, code: str) -> Text:
        """What a short code is called: a channel, a unit, a fee, a recipient, what an amount is per."""
        return self.words[kind][code]

    def events_for_trigger(self, name: str) -> tuple[EventType, ...]:
        """The event types that answer to a name of a life event or a notification; none is no error."""
        return self._answers.get(name, ())

    def steps_with(self, service: str) -> tuple[tuple[LifeEventType, PlannedStep], ...]:
        """Where in the life events a service comes up."""
        return tuple((event, step) for event in self.life_events for step in event.steps if step.service == service)

    def search(self, text: str) -> tuple[PublicService, ...]:
        """Services in whose code, title or summary every word of the text occurs, in either language.

        Thai writes no spaces, so a word may stand anywhere inside; those in whose title or code it stands come first.
        """
        words = searchable(text).split()
        found = [
            (service, place)
            for service, place in zip(self.services, self._searchable, strict=True)
            if all(word in place for word in words)
        ]
        # The code and the two titles are the first three lines.
        found.sort(key=lambda hit: not all(word in "\n".join(hit[1].split("\n")[:3]) for word in words))
        return tuple(service for service, _ in found)

    def _find(self, kind: type[_Item], code: str) -> _Item | None:
        return cast("_Item | None", self._index[kind].get(code))


def close(wanted: str, known: Iterable[str]) -> str | None:
    """The known word that someone who wrote `wanted` may have meant."""
    return next(iter(get_close_matches(wanted[:100], list(known), n=1, cutoff=0.6)), None)


def _covers(valid_from: date | None, valid_to: date | None, day: date) -> bool:
    return (valid_from is None or valid_from <= day) and (valid_to is None or day <= valid_to)
