"""A public service as the graph shows it: what it gives, who may have it, until when, with which papers, by which law.

The shapes are filled once, when the process starts, for each language; see `resolvers/catalogue.py`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import enum_value, field

from resolvers.requirements import Confidence, Fact, Parameter, Requirement
from resolvers.values import Node, PageInfo, Text

if TYPE_CHECKING:
    from resolvers.catalogue import Agency, LifeEventType, LifeStage

_AgencyType = Annotated["Agency", strawberry.lazy("resolvers.catalogue")]
_LifeEventType = Annotated["LifeEventType", strawberry.lazy("resolvers.catalogue")]
_LifeStage = Annotated["LifeStage", strawberry.lazy("resolvers.catalogue")]


@strawberry.enum(description="What kind of thing a service is.")
class ServiceKind(Enum):
    REGISTRATION = enum_value("registration", description="Something is entered in a register.")
    BENEFIT = enum_value("benefit", description="Money, care or a discount is given.")
    INFORMATION = enum_value("information", description="Something to know; nothing is applied for.")
    LICENCE = enum_value("licence", description="A permission is given.")
    DOCUMENT = enum_value("document", description="A document is issued.")
    CHANGE_REQUEST = enum_value("change_request", description="Something on record is changed.")
    PAYMENT = enum_value("payment", description="Something is paid to the state, or refunded.")


@strawberry.enum(description="Whether a service is given at all these days.")
class ServiceStatus(Enum):
    ACTIVE = enum_value("active", description="It is given.")
    CLOSED = enum_value("closed", description="It is no longer given.")
    CLOSED_WAITING_ROUND = enum_value("closed_waiting_round", description="It is given in rounds, and none is open.")
    PROGRAMME_ROUND = enum_value("programme_round", description="A programme of a cabinet decision, given once.")


@strawberry.enum(description="For each of what the conditions are asked.")
class ServiceScope(Enum):
    PER_PERSON = enum_value("per_person", description="The person.")
    PER_CHILD = enum_value("per_child", description="Each child.")
    PER_VEHICLE = enum_value("per_vehicle", description="Each vehicle.")
    PER_PROPERTY = enum_value("per_property", description="Each property.")
    PER_DECEASED = enum_value("per_deceased", description="Each deceased relative.")
    PER_BUSINESS = enum_value("per_business", description="Each business.")


@strawberry.enum(description="What kind of deadline it is.")
class DeadlineKind(Enum):
    LEGAL = enum_value("legal", description="The law sets it.")
    RECOMMENDED = enum_value("recommended", description="Advice; nothing is lost after it.")
    WINDOW = enum_value("window", description="Yearly periods.")
    ANNUAL = enum_value("annual", description="A day of every year.")
    ROUND = enum_value("round", description="Rounds that are announced.")
    PROGRAMME = enum_value("programme", description="The dates of a programme.")
    BENEFIT_LOSS = enum_value("benefit_loss", description="What is not claimed by then is lost.")
    NONE = enum_value("none", description="There is none.")


@strawberry.enum(description="What kind of source the catalogue relies on, the best first.")
class SourceKind(Enum):
    OFFICIAL = enum_value("official", description="A state body's own page.")
    LAW_OR_PROFESSIONAL = enum_value("law_or_professional", description="A law text or a professional body.")
    NEWS = enum_value("news", description="A newspaper.")
    SECONDARY_WEB = enum_value("secondary_web", description="Another page; to be verified before it is relied on.")


@strawberry.type(description="A code of the catalogue and what it is called.")
class Term:
    code: str = field(description="For machines.")
    name: Text = field(description="For people.")


@strawberry.type(description="The law a service rests on.")
class LegalBasis:
    act: str = field(description="The act, as it is named in Thai.")
    year_be: int = field(description="The act's year, Buddhist era, as acts are cited.")
    section: str | None = field(description="The sections, as the source writes them.")


@strawberry.type(description="One step of an amount that depends on a fact.")
class Tier:
    label: str = field(description="Which step, as the source writes it.")
    value: Decimal = field(description="The amount on this step.")


@strawberry.type(description="One row of what a service pays, takes or grants, for one period.")
class ServiceAmount:
    name: Text = field(description="What the amount is.")
    item: str = field(
        description="What it is about; rows of one item compete, and the most specific that applies wins."
    )
    value: Decimal | None = field(description="The number, where there is one for everybody.")
    at_least: Decimal | None = field(description="Of a range: its lower end.")
    at_most: Decimal | None = field(description="Of a range: its upper end.")
    choices: list[Decimal] = field(description="Where the person chooses: the numbers to choose from.")
    formula: str | None = field(description="Where the agency works it out: the name of its rule.")
    parameter: Parameter | None = field(description="Where the law sets the number: the dated parameter that holds it.")
    tiers_by: Fact | None = field(description="The fact that chooses the step, where there are steps.")
    tiers: list[Tier] = field(description="The steps, where the amount has any.")
    unit: Term = field(description="What it is counted in, such as `THB` or `day`.")
    per: Term = field(description="How often it is given, such as each month or once.")
    valid_from: date | None = field(description="First day of the row; null: open.")
    valid_to: date | None = field(description="Last day of the row, included; null: open.")
    conditions: list[Requirement] = field(description="For whom the row is; empty: for everybody who has the service.")
    is_top_up: bool = field(description="Whether it is added to the row that wins.")
    note: str | None = field(description="A remark, in Thai.")
    source: str | None = field(description="Where it was found, if not where the service was.")
    confidence: Confidence | None = field(description="Where it differs from that of the service.")


@strawberry.type(description="A period, both days included.")
class Period:
    opens: str = field(description="`MM-DD` where it comes every year, else `YYYY-MM-DD`.")
    closes: str = field(description="In the same form; before `opens` where the period runs over the end of the year.")


@strawberry.type(description="When a service can or must be used.")
class Deadline:
    kind: DeadlineKind = field(description="What kind of deadline it is.")
    rule: str = field(description="The rule in words, in Thai.")
    length: Text | None = field(description="So long from the anchor, last day included.")
    anchor: Text | None = field(description="The day from which it is counted.")
    hours: int | None = field(description="Hours from the anchor, where the clock time counts.")
    yearly_day: str | None = field(description="`MM-DD`: the last day of every year, where it is the same each year.")
    periods: list[Period] = field(description="Yearly windows or announced rounds.")
    closes_right: bool = field(description="Whether the right is lost after it; otherwise one is merely late.")
    penalty: str | None = field(description="What being late costs, in Thai.")
    confidence: Confidence | None = field(description="Where it differs from that of the service.")


@strawberry.type(description="A document that a service asks for.")
class Evidence:
    code: str = field(description="Its name in the catalogue.")
    title: Text = field(description="What it is called.")
    holder: _AgencyType | None = field(description="The agency that holds it; null: only the citizen has it.")
    must_bring: bool = field(description="Whether the citizen has to bring it, because nobody can fetch it.")
    is_prefilled: bool = field(description="Whether what it says is filled in already.")


@strawberry.type(description="What using a service costs.")
class Fee:
    name: Text = field(description="What is paid for.")
    value: Decimal | None = field(description="The amount; null: it varies.")
    unit: Term = field(description="What it is counted in.")
    valid_from: date | None = field(description="First day; null: open.")
    valid_to: date | None = field(description="Last day, included; null: open.")
    note: str | None = field(description="A remark, in Thai.")


@strawberry.type(description="Where a service is offered (CPSV-AP: channel).")
class ServiceChannel:
    code: str = field(description="For machines: `counter`, `web`, `app`, …")
    name: Text = field(description="For people.")


@strawberry.type(description="Something that the state does for a person (CPSV-AP: public service).")
class PublicService(Node):
    code: str = field(description="Its name in the catalogue; stable.")
    title: Text = field(description="What it is called.")
    summary: Text = field(description="What it is, in a sentence.")
    agency: _AgencyType = field(description="The competent authority.")
    stage: _LifeStage = field(description="The life stage it is filed under.")
    kind: ServiceKind = field(description="What kind of thing it is.")
    status: ServiceStatus = field(description="Whether it is given these days.")
    scope: ServiceScope = field(description="For each of what the conditions are asked.")
    valid_from: date | None = field(description="First day on which it exists; null: open.")
    valid_to: date | None = field(description="Last day on which it exists, included; null: open.")
    legal_basis: list[LegalBasis] = field(description="The laws it rests on.", metadata={"about": 2})
    requirements: list[Requirement] = field(description="The conditions, line by line; see `Requirement`.")
    amounts: list[ServiceAmount] = field(description="What it pays, takes or grants.", metadata={"about": 3})
    deadline: Deadline | None = field(description="When it can or must be used.")
    evidence: list[Evidence] = field(description="The documents it asks for.", metadata={"about": 4})
    fees: list[Fee] = field(description="What using it costs; 0 where it is free.", metadata={"about": 2})
    typical_duration: Text | None = field(description="How long it usually takes.")
    channels: list[ServiceChannel] = field(description="Where it is offered.", metadata={"about": 3})
    requires: list[PublicService] = field(description="The services that come before it.", metadata={"about": 2})
    life_events: list[_LifeEventType] = field(description="The life events it belongs to.", metadata={"about": 2})
    notes: str | None = field(description="Remarks, in Thai.")
    traps: list[str] = field(description="What is easily mistaken, in Thai.")
    sources: list[str] = field(description="Where all this was found: addresses.", metadata={"about": 2})
    source_kind: SourceKind | None = field(description="What kind of source the first one is.")
    confidence: Confidence = field(description="How sure we are. Nothing here is an official statement.")
    as_of: date = field(description="The day that the sources speak of.")


@strawberry.type(description="A service in a page of services.")
class PublicServiceEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: PublicService = field(description="The service.")


@strawberry.type(description="A page of services.")
class PublicServiceConnection:
    edges: list[PublicServiceEdge] = field(description="The services of this page.")
    page_info: PageInfo = field(description="Where the page ends.")
    total_count: int = field(description="How many there are in all the pages.")
