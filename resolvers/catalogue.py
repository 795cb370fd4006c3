"""The public catalogue in the graph: life stages, life events, agencies, and the services that `services.py` shapes.

The catalogue is frozen while the process runs, so the whole of it is turned into the graph's shapes once for each
language. A question about it then takes what is ready, and no field below needs a resolver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry import enum_value, field

from foundation import language as words
from foundation.errors import BadInput
from foundation.language import Language
from foundation.pages import Page, page, page_size, read_cursor, write_cursor
from lifeevents.catalogue import model as model
from resolvers import services as shape
from resolvers.context import Info
from resolvers.requirements import Confidence, Requirement, Requirements, span
from resolvers.services import PublicService, PublicServiceConnection, PublicServiceEdge, Term
from resolvers.values import Node, PageInfo, Text, edges, global_id, page_info, say, say_if, texts

T = TypeVar("T")
_LONGEST_SEARCH = 200


@strawberry.enum(description="The stages of a life by which services are sorted.")
class LifeStageCode(Enum):
    BIRTH = enum_value("birth", description="Pregnancy and birth.")
    CHILDHOOD = enum_value("childhood", description="The first years.")
    EDUCATION = enum_value("education", description="School, university, military service, first vote.")
    WORK = enum_value("work", description="Employment, unemployment, social security, tax.")
    FAMILY = enum_value("family", description="Marriage, divorce, names.")
    HEALTH = enum_value("health", description="Care, sickness, disability.")
    HOME = enum_value("home", description="Moving, land, building, utilities.")
    MOBILITY = enum_value("mobility", description="Driving, vehicles, travel, identity documents.")
    BUSINESS = enum_value("business", description="Starting and running a business.")
    HARDSHIP = enum_value("hardship", description="Poverty, disasters, crime, violence.")
    RETIREMENT = enum_value("retirement", description="Pensions and old age.")
    DEATH = enum_value("death", description="Death and inheritance.")


@strawberry.enum(description="How an agency has been answering us in the last minute.")
class AgencyStatus(Enum):
    UP = enum_value("UP", description="It answers.")
    DEGRADED = enum_value("DEGRADED", description="Some of its answers fail.")
    DOWN = enum_value("DOWN", description="It does not answer.")
    UNKNOWN = enum_value("UNKNOWN", description="It was not asked lately.")
    NOT_CONNECTED = enum_value("NOT_CONNECTED", description="It can't be asked through this system yet.")


@strawberry.enum(description="How a life event begins.")
class LifeEventBeginning(Enum):
    REPORTED = enum_value("REPORTED", description="An agency reports it.")
    DECLARED = enum_value("DECLARED", description="The person says so.")
    CALENDAR = enum_value("CALENDAR", description="The calendar brings it.")


def _status(root: strawberry.Parent[Agency], info: Info) -> AgencyStatus:
    status = info.context.health.get(root.code)
    return AgencyStatus.NOT_CONNECTED if status is None else AgencyStatus(status.health)


def _typical_ms(root: strawberry.Parent[Agency], info: Info) -> int | None:
    status = info.context.health.get(root.code)
    return None if status is None or status.p50_s is None else round(status.p50_s * 1000)


def _slow_ms(root: strawberry.Parent[Agency], info: Info) -> int | None:
    status = info.context.health.get(root.code)
    return None if status is None or status.p99_s is None else round(status.p99_s * 1000)


@strawberry.type(description="An agency of the state (CPSV-AP: competent authority).")
class Agency(Node):
    code: str = field(description="Its short name, such as `dopa`; stable.")
    name: Text = field(description="What it is called.")
    ministry: Text = field(description="The ministry it belongs to.")
    data_held: list[Text] = field(description="What it keeps about people.")

    status: AgencyStatus = field(resolver=_status, description="How it has been answering us in the last minute.")
    typical_ms: int | None = field(
        resolver=_typical_ms,
        description="Milliseconds within which half of its answers came in the last minute; null where it was not asked.",
    )
    slow_ms: int | None = field(
        resolver=_slow_ms,
        description="Milliseconds within which 99 of 100 answers came in the last minute; null where it was not asked.",
    )


@strawberry.type(description="One service in the course of a life event.")
class LifeEventStep:
    order: int = field(description="Where it stands in the course.")
    service: PublicService = field(description="The service.")
    depends_on: list[str] = field(description="The codes of the services that come before it.")
    only_if: list[Requirement] = field(description="For whom the step is; empty: for everybody.")


@strawberry.type(description="Something that can happen in a life, and the services that follow from it.")
class LifeEventType(Node):
    code: str = field(description="Its name in the catalogue; stable.")
    title: Text = field(description="What it is called.")
    summary: Text = field(description="What follows from it, in a sentence.")
    stage: LifeStage = field(description="The life stage it belongs to.")
    beginning: LifeEventBeginning = field(description="How it begins.")
    reported_by: Agency | None = field(description="The agency that reports it, if one does.")
    steps: list[LifeEventStep] = field(description="The services in their order.", metadata={"about": 8})


@strawberry.type(description="A stage of life.")
class LifeStage(Node):
    code: LifeStageCode = field(description="Which one.")
    title: Text = field(description="What it is called.")
    order: int = field(description="Where it stands in a life, from 1.")
    life_events: list[LifeEventType] = field(description="What can happen in it.", metadata={"about": 4})
    services: list[PublicService] = field(description="The services filed under it.", metadata={"about": 12})


@strawberry.type(description="A life event in a page of them.")
class LifeEventTypeEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: LifeEventType = field(description="The life event.")


@strawberry.type(description="A page of life events.")
class LifeEventTypeConnection:
    edges: list[LifeEventTypeEdge] = field(description="The life events of this page.")
    page_info: PageInfo = field(description="Where the page ends.")
    total_count: int = field(description="How many there are in all the pages.")


class Shelf:
    """The whole catalogue in the graph's shapes, said in one language."""

    def __init__(self, catalogue: model.Catalogue, language: Language) -> None:
        self._catalogue = catalogue
        self._language = language
        self._event_dates = {one.id: one.title for one in catalogue.event_dates}
        self._evidence = {one.id: one for one in catalogue.evidence}
        self._requirements = Requirements(catalogue, language)
        self.facts = self._requirements.facts
        self.agencies = {one.id: self._agency(one) for one in catalogue.agencies}
        self._stages = {one.code: self._stage(one) for one in catalogue.life_stages}
        self.services = {one.code: self._service(one) for one in catalogue.services}
        self.life_events = {one.code: self._life_event(one) for one in catalogue.life_events}
        self.life_stages = [self._stages[one.code] for one in catalogue.life_stages]
        self._link()

    def page_of_services(
        self,
        *,
        search: str | None,
        agency: str | None,
        kind: shape.ServiceKind | None,
        life_event: str | None,
        first: int | None,
        after: str | None,
    ) -> PublicServiceConnection:
        """The services that fit all that is said; an agency or life event that isn't known fits none."""
        if search is not None and len(search) > _LONGEST_SEARCH:
            raise BadInput(
                f"a search has at most {_LONGEST_SEARCH} characters",
                th=f"คำค้นยาวได้ไม่เกิน {_LONGEST_SEARCH} ตัวอักษร", field="search",
            )  # fmt: skip
        fits = self._catalogue.search(search) if search else self._catalogue.services
        if agency is not None:
            fits = tuple(one for one in fits if one.agency == agency)
        if kind is not None:
            fits = tuple(one for one in fits if shape.ServiceKind(one.kind) is kind)
        if life_event is not None:
            event = next((one for one in self._catalogue.life_events if one.code == life_event), None)
            within = {step.service for step in event.steps} if event else set()
            fits = tuple(one for one in fits if one.code in within)
        found = _cut([self.services[one.code] for one in fits], "publicServices", lambda one: one.code, first, after)
        return PublicServiceConnection(
            edges=edges(found, PublicServiceEdge), page_info=page_info(found, after=after), total_count=len(fits)
        )

    def page_of_life_events(
        self, *, stage: LifeStageCode | None, first: int | None, after: str | None
    ) -> LifeEventTypeConnection:
        fits = [one for one in self.life_events.values() if stage is None or one.stage.code is stage]
        found = _cut(fits, "lifeEvents", lambda one: one.code, first, after)
        return LifeEventTypeConnection(
            edges=edges(found, LifeEventTypeEdge), page_info=page_info(found, after=after), total_count=len(fits)
        )

    def node(self, kind: str, code: str) -> Node | None:
        match kind:
            case "PublicService":
                return self.services.get(code)
            case "LifeEventType":
                return self.life_events.get(code)
            case "LifeStage":
                return self._stages.get(code)
            case "Agency":
                return self.agencies.get(code)
            case _:
                return None

    # ---- the shapes, filled once

    def _agency(self, one: model.Agency) -> Agency:
        return Agency(
            id=global_id("Agency", one.id), code=one.id, name=self._say(one.name), ministry=self._say(one.ministry),
            data_held=texts(one.data_held, self._language),
        )  # fmt: skip

    def _stage(self, one: model.LifeStage) -> LifeStage:
        return LifeStage(
            id=global_id("LifeStage", one.code), code=LifeStageCode(one.code), title=self._say(one.title),
            order=one.order, life_events=[], services=[],
        )  # fmt: skip

    def _life_event(self, one: model.LifeEventType) -> LifeEventType:
        beginning, reported_by = LifeEventBeginning.CALENDAR, None
        if isinstance(one.trigger, model.UserDeclared):
            beginning = LifeEventBeginning.DECLARED
        elif isinstance(one.trigger, model.RegistryEvent):
            beginning, reported_by = LifeEventBeginning.REPORTED, self.agencies[one.trigger.agency]
        return LifeEventType(
            id=global_id("LifeEventType", one.code), code=one.code, title=self._say(one.title),
            summary=self._say(one.summary), stage=self._stages[one.stage], beginning=beginning, reported_by=reported_by,
            steps=[
                LifeEventStep(
                    order=step.order, service=self.services[step.service], depends_on=list(step.depends_on),
                    only_if=self._requirements.lines(step.only_if),
                )
                for step in one.steps
            ],
        )  # fmt: skip

    def _service(self, one: model.PublicService) -> PublicService:
        return PublicService(
            id=global_id("PublicService", one.code), code=one.code, title=self._say(one.title),
            summary=self._say(one.summary), agency=self.agencies[one.agency], stage=self._stages[one.stage],
            kind=shape.ServiceKind(one.kind), status=shape.ServiceStatus(one.status),
            scope=shape.ServiceScope(one.scope), valid_from=one.valid_from, valid_to=one.valid_to,
            legal_basis=[
                shape.LegalBasis(act=law.act, year_be=law.year_be, section=law.section) for law in one.legal_basis
            ],
            requirements=self._requirements.lines(one.eligibility),
            amounts=[self._amount(amount) for amount in one.amounts],
            deadline=None if one.deadline is None else self._deadline(one.deadline),
            evidence=[self._evidence_of(use) for use in one.evidence], fees=[self._fee(fee) for fee in one.fees],
            typical_duration=say_if(one.typical_duration, self._language),
            channels=[
                shape.ServiceChannel(code=code, name=self._say(self._catalogue.word("channels", code)))
                for code in one.channels
            ],
            requires=[], life_events=[], notes=one.notes, traps=list(one.traps),
            sources=[*([one.source] if one.source else []), *one.more_sources],
            source_kind=None if one.source_kind is None else shape.SourceKind(one.source_kind),
            confidence=Confidence(one.confidence), as_of=one.as_of,
        )  # fmt: skip

    def _link(self) -> None:
        """What leads from one shape to another that was made after it."""
        for stage in self._catalogue.life_stages:
            self._stages[stage.code].life_events = [self.life_events[code] for code in stage.life_events]
            self._stages[stage.code].services = [self.services[code] for code in stage.services]
        for service in self._catalogue.services:
            self.services[service.code].requires = [self.services[code] for code in service.requires]
            self.services[service.code].life_events = [
                self.life_events[event.code] for event, _ in self._catalogue.steps_with(service.code)
            ]

    def _amount(self, one: model.Amount) -> shape.ServiceAmount:
        value = one.value
        return shape.ServiceAmount(
            name=self._say(one.name), item=one.item,
            value=Decimal(value) if isinstance(value, int | Decimal) else None,
            at_least=Decimal(value.at_least) if isinstance(value, model.Range) else None,
            at_most=Decimal(value.at_most) if isinstance(value, model.Range) else None,
            choices=[Decimal(each) for each in value.values] if isinstance(value, model.OneOf) else [],
            formula=value.name if isinstance(value, model.Formula) else None,
            parameter=self._requirements.parameters[value.parameter] if isinstance(value, model.ParameterRef) else None,
            tiers_by=self._requirements.facts[one.tiers.by] if one.tiers else None,
            tiers=[shape.Tier(label=step.label, value=Decimal(step.value)) for step in one.tiers.steps]
            if one.tiers
            else [],
            unit=self._term("units", one.unit), per=self._term("per", one.per),
            valid_from=one.valid_from, valid_to=one.valid_to, conditions=self._requirements.lines(one.when),
            is_top_up=one.is_top_up, note=one.note, source=one.source, confidence=_confidence(one.confidence),
        )  # fmt: skip

    def _deadline(self, one: model.Deadline) -> shape.Deadline:
        yearly = [shape.Period(opens=_month_day(each.opens), closes=_month_day(each.closes)) for each in one.windows]
        rounds = [shape.Period(opens=each.opens.isoformat(), closes=each.closes.isoformat()) for each in one.rounds]
        return shape.Deadline(
            kind=shape.DeadlineKind(one.kind), rule=one.rule,
            length=None if one.length is None else self._say(span(one.length)),
            anchor=None if one.anchor is None else self._say(self._anchor(one.anchor)),
            hours=one.hours, yearly_day=None if one.month_day is None else _month_day(one.month_day),
            periods=yearly + rounds, closes_right=one.closes_right, penalty=one.penalty,
            confidence=_confidence(one.confidence),
        )  # fmt: skip

    def _anchor(self, anchor: model.Anchor) -> words.Text:
        match anchor:
            case model.FactDay(fact=fact):
                return self._requirements.title(fact)
            case model.TurnsDay(birth_date=fact, years=years):
                born = self._requirements.title(fact)
                return words.Text(th=f"ครบ {years} ปี นับจาก{born.th}", en=f"{years} years after the {born.en}")
            case model.AnnouncedDay(event_date=event_date):
                return self._event_dates[event_date]
            case model.MonthDay():
                return words.Text(th=_month_day(anchor), en=_month_day(anchor))

    def _evidence_of(self, use: model.EvidenceUse) -> shape.Evidence:
        return shape.Evidence(
            code=use.evidence, title=self._say(self._evidence[use.evidence].title),
            holder=None if use.holder is None else self.agencies[use.holder],
            must_bring=use.fetch_op is None, is_prefilled=use.is_prefilled,
        )  # fmt: skip

    def _fee(self, one: model.Fee) -> shape.Fee:
        return shape.Fee(
            name=self._say(self._catalogue.word("fees", one.name)),
            value=None if one.value is None else Decimal(one.value), unit=self._term("units", one.unit),
            valid_from=one.valid_from, valid_to=one.valid_to, note=one.note,
        )  # fmt: skip

    def _term(self, kind: model.WordKind, code: str) -> Term:
        return Term(code=code, name=self._say(self._catalogue.word(kind, code)))

    def _say(self, text: words.Text) -> Text:
        return say(text, self._language)


def _confidence(told: model.Confidence | None) -> Confidence | None:
    return None if told is None else Confidence(told)


def _month_day(day: model.MonthDay) -> str:
    return f"{day.month:02}-{day.day:02}"


def _cut(fits: Sequence[T], kind: str, code: Callable[[T], str], first: int | None, after: str | None) -> Page[T]:
    """One page of a list that is wholly in memory."""
    size = page_size(first)
    start = 0
    if after is not None:
        (last,) = read_cursor(kind, after, parts=1)
        start = next((place + 1 for place, one in enumerate(fits) if code(one) == last), -1)
        if start < 0:
            raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after")
    return page(fits[start : start + size + 1], first=size, cursor=lambda one: write_cursor(kind, code(one)))
