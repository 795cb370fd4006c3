"""The file of one life stage: its life events, and the services that are filed under it.

Everything is read into the types of `model` and checked where it stands, so that a policy officer is told the
line to change. What spans several files (a service nobody reaches, a circle of dependencies) is checked in the end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

from lifeevents.catalogue.amounts import AmountReader
from lifeevents.catalogue.conditions import ConditionReader
from lifeevents.catalogue.events import EventTypeReader
from lifeevents.catalogue.model import (
    AllOf,
    AnnouncedDay,
    AnnouncedRound,
    BirthWindow,
    CalendarYearOf,
    ChooseBy,
    DateRule,
    Deadline,
    DeadlineKind,
    EvidenceUse,
    Fee,
    LegalBasis,
    LifeEventType,
    LifeStage,
    MonthDay,
    Notification,
    OnDay,
    OnEvent,
    OtherWay,
    ParameterRef,
    PlannedStep,
    Priority,
    PublicService,
    RegistryEvent,
    Round,
    Scope,
    ServiceKind,
    ServiceStatus,
    SourceKind,
    Span,
    UserDeclared,
    Window,
    YearOverride,
    criteria,
)
from lifeevents.catalogue.vocabulary import (
    CONFIDENCES,
    Vocabulary,
    check_period,
    cycle,
    needs_mark,
    needs_source,
    read_offset,
    read_url,
)
from lifeevents.catalogue.yaml import At, Fields, parse_month_day

_KINDS: tuple[ServiceKind, ...] = get_args(ServiceKind)
_STATUSES: tuple[ServiceStatus, ...] = get_args(ServiceStatus)
_SCOPES: tuple[Scope, ...] = get_args(Scope)
_SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
_CHOOSE_BY: tuple[ChooseBy, ...] = get_args(ChooseBy)
_DEADLINE_KINDS: tuple[DeadlineKind, ...] = get_args(DeadlineKind)
_PRIORITIES: tuple[Priority, ...] = get_args(Priority)
_TRIGGERS = ("registry_event", "user_declared", "date_rule")


class StageReader:
    """Reads the files of the life stages, then checks what they are together."""

    def __init__(self, vocabulary: Vocabulary, events: EventTypeReader) -> None:
        self.life_stages: list[LifeStage] = []
        self.life_events: list[LifeEventType] = []
        self.services: list[PublicService] = []
        self._vocabulary = vocabulary
        self._conditions = ConditionReader(vocabulary)
        self._amounts = AmountReader(vocabulary, self._conditions)
        self._events = events
        self._places: dict[str, At] = {}  # of each service, its id
        self._orders: dict[int, str] = {}

    def read(self, root: At) -> None:
        fields = root.fields()
        stage_fields = fields.get("life_stage").fields()
        code_at, order_at = stage_fields.get("id"), stage_fields.get("order")
        code = self._vocabulary.code("life stage", code_at)
        stem = root.file.rpartition("/")[2].removesuffix(".yaml")
        if code and code != stem:
            code_at.wrong(
                en=f"the file of the life stage {code} is called {code}.yaml, not {stem}.yaml",
                th=f"ไฟล์ของช่วงชีวิต {code} ต้องชื่อ {code}.yaml ไม่ใช่ {stem}.yaml",
            )
        order = order_at.integer()
        if order < 1:
            order_at.wrong(en="life stages are numbered from 1", th="ลำดับช่วงชีวิตเริ่มจาก 1")
        if self._orders.setdefault(order, code) != code:
            order_at.wrong(
                en=f"{self._orders[order]} has the order {order} already; give each life stage its own",
                th=f"{self._orders[order]} ใช้ลำดับ {order} แล้ว แต่ละช่วงชีวิตต้องไม่ซ้ำกัน",
            )
        title = stage_fields.get("title").text()
        stage_fields.done()
        services = [self._service(at, code) for at in fields.list("services")]
        life_events = [self._life_event(at, code) for at in fields.list("life_events")]
        fields.done()
        self.services += services
        self.life_events += life_events
        self.life_stages.append(
            LifeStage(
                code=code,
                order=order,
                title=title,
                life_events=tuple(event.code for event in life_events),
                services=tuple(service.code for service in services),
            )
        )

    def check_together(self) -> None:
        """Nothing goes round in circles, and every service is reached by some life event."""
        way = cycle({service.code: service.requires for service in self.services})
        if way:
            round_trip = " → ".join(way)
            self._places[way[0]].wrong(
                en=f"these services require one another in a circle: {round_trip}; take one of the requires out",
                th=f"บริการเหล่านี้ requires วนเป็นวง: {round_trip} ให้ลบ requires อันหนึ่ง",
            )
        reached = {step.service for event in self.life_events for step in event.steps}
        for service in self.services:
            if service.code and service.code not in reached:
                self._places[service.code].wrong(
                    en=f"no life event leads to {service.code}; add it to the services of one",
                    th=f"ไม่มีเหตุการณ์ชีวิตใดนำไปสู่ {service.code} ให้เพิ่มใน services ของเหตุการณ์หนึ่ง",
                )

    # ---- life events

    def _life_event(self, at: At, stage: str) -> LifeEventType:
        fields = at.fields()
        code = self._vocabulary.code("life event", fields.get("id"))
        stage_at = fields.get("life_stage")
        if stage_at.string() not in (stage, ""):
            stage_at.wrong(
                en=f"this is the file of the life stage {stage}; correct it or move the life event",
                th=f"ไฟล์นี้เป็นของช่วงชีวิต {stage} ให้แก้ไขหรือย้ายเหตุการณ์ชีวิต",
            )
        found = LifeEventType(
            code=code,
            stage=stage,
            title=fields.get("title").text(),
            summary=fields.get("summary").text(),
            trigger=self._life_event_trigger(fields.get("trigger")),
            steps=self._steps(fields.get("services")),
        )
        fields.done()
        return found

    def _life_event_trigger(self, at: At) -> RegistryEvent | UserDeclared | DateRule:
        fields = at.fields()
        found: RegistryEvent | UserDeclared | DateRule
        match fields.get("type").choice(_TRIGGERS):
            case "registry_event":
                event_at = fields.get("event")
                agency = self._vocabulary.reference("agency", fields.get("agency"))
                found = RegistryEvent(event=event_at.string(), agency=agency)
                self._events.ask_for(event_at, found.event, agency=agency)
            case "user_declared":
                found = UserDeclared(what=fields.get("what").string())
            case _:
                found = self._date_rule(fields)
        fields.done()
        return found

    def _date_rule(self, fields: Fields) -> DateRule:
        about_at = fields.get("anchor")
        about = None if about_at.string() == "calendar" else self._vocabulary.date_fact(about_at)
        if about is None:
            about_at.reads.append({"const": "calendar"})
        starts_at = fields.get("starts")
        starts = starts_at.fields()
        offset, year_when, year_of = starts.maybe("offset"), starts.maybe("year_when"), starts.maybe("calendar_year")
        day_at = starts.get("day")
        day = self._vocabulary.anchor(day_at)
        if (year_when or year_of) and not isinstance(day, MonthDay):
            starts_at.wrong(
                en="year_when and calendar_year narrow a yearly day; write day: MM-DD",
                th="year_when และ calendar_year ใช้กับวันประจำปี ให้เขียน day: MM-DD",
            )
        found = DateRule(
            rule=fields.get("rule").string(),
            about=about,
            day=day or MonthDay(month=1, day=1),
            offset=self._conditions.span(offset) if offset else None,
            year_when=self._conditions.criterion(year_when) if year_when else None,
            calendar_year=self._calendar_year(year_of) if year_of else None,
            until=starts.maybe_month_day("until"),
        )
        starts.done()
        return found

    def _calendar_year(self, at: At) -> CalendarYearOf:
        fields = at.fields()
        found = CalendarYearOf(fact=self._vocabulary.date_fact(fields.get("of")), plus=fields.get("plus").integer())
        fields.done()
        return found

    def _steps(self, at: At) -> tuple[PlannedStep, ...]:
        steps: list[PlannedStep] = []
        for number, item in enumerate(at.items(), 1):
            fields = item.fields()
            order_at, only_if = fields.get("order"), fields.maybe("only_if")
            step = PlannedStep(
                order=order_at.integer(),
                service=self._vocabulary.reference_later("service", fields.get("service")),
                depends_on=self._depends_on(fields, {earlier.service for earlier in steps}, at),
                only_if=self._conditions.requirement(only_if) if only_if else None,
            )
            fields.done()
            if not fields.is_stand_in and step.order != number:
                order_at.wrong(
                    en=f"the steps are numbered in their order; this is {number}", th=f"ลำดับต้องเรียงกัน ข้อนี้คือ {number}"
                )
            if any(step.service == earlier.service for earlier in steps):
                item.wrong(
                    en=f"{step.service} is a step of this life event already", th=f"{step.service} อยู่ในเหตุการณ์ชีวิตนี้แล้ว"
                )
            steps.append(self._vocabulary.stands(item, step))
        if not steps and at.is_list:
            at.wrong(en="a life event leads to at least one service", th="เหตุการณ์ชีวิตต้องมีบริการอย่างน้อยหนึ่ง")
        if way := cycle({step.service: step.depends_on for step in steps}):
            at.wrong(
                en=f"these steps depend on one another in a circle: {' → '.join(way)}; take one depends_on out",
                th=f"ขั้นเหล่านี้ depends_on วนเป็นวง: {' → '.join(way)} ให้ลบอันหนึ่ง",
            )
        return tuple(steps)

    def _depends_on(self, fields: Fields, earlier: set[str], steps_at: At) -> tuple[str, ...]:
        names = []
        for item in fields.list("depends_on"):
            name = item.string()
            if name and name not in earlier:
                item.wrong(
                    en=f"{name} isn't an earlier step of this life event; put its step before, or take it out",
                    th=f"{name} ไม่ใช่ขั้นก่อนหน้าของเหตุการณ์ชีวิตนี้ ให้ย้ายไว้ก่อนหน้าหรือลบออก",
                )
            names.append(name)
        return tuple(names)

    # ---- services

    def _service(self, at: At, stage: str) -> PublicService:
        fields = at.fields()
        code_at = fields.get("id")
        code = self._vocabulary.code("service", code_at)
        self._places[code] = code_at
        scope = fields.get("scope").choice(_SCOPES)
        eligibility = self._eligibility(fields.get("eligibility"), scope)
        deadline_at, duration, source = (
            fields.maybe("deadline"),
            fields.maybe("typical_duration"),
            fields.maybe("source"),
        )
        check_period(at, fields)
        amounts = self._amounts.read(fields)
        found = PublicService(
            code=code,
            stage=stage,
            title=fields.get("title").text(),
            summary=fields.get("summary").text(),
            agency=self._vocabulary.reference("agency", fields.get("agency")),
            kind=fields.get("kind").choice(_KINDS),
            status=fields.get("status").choice(_STATUSES),
            scope=scope,
            valid_from=fields.maybe_day("valid_from"),
            valid_to=fields.maybe_day("valid_to"),
            legal_basis=tuple(_legal_basis(item) for item in fields.list("legal_basis")),
            eligibility=eligibility,
            choose_by=fields.maybe_choice("choose_by", _CHOOSE_BY),
            choose_by_confidence=fields.maybe_choice("choose_by_confidence", CONFIDENCES),
            amounts=amounts,
            deadline=self._deadline(deadline_at) if deadline_at else None,
            evidence=tuple(self._evidence(item) for item in fields.list("evidence")),
            fees=tuple(self._fee(item) for item in fields.list("fee")),
            typical_duration=duration.text() if duration else None,
            channels=tuple(self._vocabulary.word("channels", item) for item in fields.list("channels")),
            requires=tuple(self._vocabulary.reference_later("service", item) for item in fields.list("requires")),
            notifications=tuple(self._notification(item, code) for item in fields.list("notifications")),
            notes=fields.maybe_string("notes"),
            traps=tuple(item.string() for item in fields.maybe_list("traps")),
            source=read_url(source) if source else None,
            source_kind=fields.maybe_choice("source_kind", _SOURCE_KINDS),
            more_sources=tuple(read_url(item) for item in fields.maybe_list("more_sources")),
            confidence=fields.get("confidence").choice(CONFIDENCES),
            as_of=fields.get("as_of").day(),
        )
        fields.done()
        _check_service(at, found)
        return self._vocabulary.stands(at, found)

    def _eligibility(self, at: At, scope: Scope) -> AllOf:
        found = self._conditions.requirement(at, scope=scope)
        if isinstance(found, AllOf):
            return found
        at.wrong(en="the root of an eligibility is all: […]", th="ชั้นนอกสุดของ eligibility ต้องเป็น all: […]")
        return AllOf(parts=())

    def _evidence(self, at: At) -> EvidenceUse:
        fields = at.fields()
        name = self._vocabulary.reference("evidence", fields.get("id"))
        holder, fetch_op = self._vocabulary.holder_and_operation(fields)
        is_prefilled = fields.get("prefill").boolean()
        registered = self._vocabulary.evidence.get(name)
        if registered and (holder, fetch_op) != (registered.holder, registered.fetch_op):
            at.wrong(
                en=f"evidence.yaml says holder {registered.holder or 'self'}, fetch_op {registered.fetch_op}; write the same",
                th=f"evidence.yaml ระบุ holder {registered.holder or 'self'} fetch_op {registered.fetch_op} ให้เขียนตรงกัน",
            )
        if is_prefilled and fetch_op is None:
            at.wrong(
                en="what nothing fetches can't be prefilled; write prefill: false",
                th="เอกสารที่ไม่มี fetch_op กรอกล่วงหน้าไม่ได้ ให้เขียน prefill: false",
            )
        fields.done()
        return EvidenceUse(evidence=name, holder=holder, fetch_op=fetch_op, is_prefilled=is_prefilled)

    def _fee(self, at: At) -> Fee:
        fields = at.fields()
        check_period(at, fields)
        value = fields.given(
            "value", en="the key 'value' is missing; null if it varies", th="ขาดคีย์ 'value' ใช้ null ถ้าไม่แน่นอน"
        )
        found = Fee(
            name=self._vocabulary.word("fees", fields.get("name")),
            value=value.quantity() if value else None,
            unit=self._vocabulary.word("units", fields.get("unit")),
            valid_from=fields.maybe_day("valid_from"),
            valid_to=fields.maybe_day("valid_to"),
            note=fields.maybe_string("note"),
            confidence=fields.maybe_choice("confidence", CONFIDENCES),
        )
        needs_mark(at, found.confidence, found.note)
        fields.done()
        return self._vocabulary.stands(at, found)

    def _notification(self, at: At, service: str) -> Notification:
        fields = at.fields()
        name_at, when, year_when = fields.get("id"), fields.maybe("when"), fields.maybe("year_when")
        name = name_at.string()
        self._vocabulary.declare("notification", name_at, name)
        if name and not name.startswith(f"{service}.n"):
            name_at.wrong(
                en=f"a notification of {service} is called {service}.n1, .n2 …",
                th=f"การแจ้งเตือนของ {service} ต้องชื่อ {service}.n1 .n2 …",
            )
        found = Notification(
            id=name,
            trigger=self._trigger(fields.get("trigger"), year_when),
            offset=read_offset(fields.get("offset_days")),
            to=self._vocabulary.word("recipients", fields.get("to")),
            priority=fields.get("priority").choice(_PRIORITIES),
            message=fields.get("message").text(),
            when=self._conditions.requirement(when) if when else None,
        )
        fields.done()
        return self._vocabulary.stands(at, found)

    def _trigger(self, at: At, year_when: At | None) -> OnEvent | OnDay:
        text = at.string()
        if not text.startswith("date:"):
            self._events.ask_for(at, text)
            if year_when:
                year_when.wrong(
                    en="year_when goes with a yearly day, date:MM-DD", th="year_when ใช้กับวันประจำปี date:MM-DD"
                )
            return OnEvent(event=text)
        at.reads.append({"type": "string", "pattern": "^date:."})
        anchor = self._vocabulary.anchor(at, text.removeprefix("date:"))
        narrowed = self._conditions.criterion(year_when) if year_when else None
        if year_when and anchor and not isinstance(anchor, MonthDay):
            year_when.wrong(en="year_when goes with a yearly day, date:MM-DD", th="year_when ใช้กับวันประจำปี date:MM-DD")
        return OnDay(anchor=anchor or MonthDay(month=1, day=1), year_when=narrowed)

    # ---- deadlines

    def _deadline(self, at: At) -> Deadline:
        fields = at.fields()
        anchor_at, early, alternative = fields.maybe("anchor"), fields.maybe("early"), fields.maybe("alternative")
        windows = [fields.get("window")] if fields.has("window") else list(fields.maybe_list("windows"))
        found = Deadline(
            kind=fields.get("kind").choice(_DEADLINE_KINDS),
            rule=fields.get("rule").string(),
            penalty=fields.maybe_string("penalty"),
            anchor=self._vocabulary.anchor(anchor_at) if anchor_at else None,
            length=self._conditions.length(at, fields),
            hours=fields.maybe_integer("hours"),
            closes_right=fields.maybe_choice("after", ("closed",)) is not None,
            extension_days=fields.maybe_integer("extension_days"),
            extension_note=fields.maybe_string("extension_note"),
            windows=tuple(_window(item) for item in windows),
            early=self._conditions.span(early, units=("days", "months"), positive=True) if early else None,
            early_days_conflict=tuple(item.integer() for item in fields.maybe_list("early_days_conflict")),
            month_day=fields.maybe_month_day("month_day"),
            opens=fields.maybe_month_day("opens"),
            efiling_month_day=fields.maybe_month_day("efiling_month_day"),
            overrides=tuple(_override(item) for item in fields.maybe_list("overrides")),
            rounds=tuple(_round(item) for item in fields.maybe_list("rounds")),
            schedule_months=tuple(item.integer() for item in fields.maybe_list("schedule_months")),
            birth_windows=tuple(_birth_window(item) for item in fields.maybe_list("birth_windows")),
            alternative=self._other_way(alternative) if alternative else None,
            confidence=fields.maybe_choice("confidence", CONFIDENCES),
            announced=self._announced(announced) if (announced := fields.maybe("announced")) else None,
        )
        fields.done()
        _check_deadline(at, found, has_anchor=anchor_at is not None)
        needs_mark(at, found.confidence, found.rule, found.extension_note)
        return self._vocabulary.stands(at, found)

    def _announced(self, at: At) -> AnnouncedRound:
        fields = at.fields()
        for name in ("opens", "closes"):
            day = self._vocabulary.anchor(fields.get(name))
            if day is not None and not isinstance(day, AnnouncedDay):
                fields.get(name).wrong(
                    en="name a day that an agency announces: one of the event_dates of facts.yaml",
                    th="ให้ระบุวันที่หน่วยงานประกาศ ซึ่งอยู่ใน event_dates ของ facts.yaml",
                )
        found = AnnouncedRound(opens=fields.get("opens").string(), closes=fields.get("closes").string())
        fields.done()
        return found

    def _other_way(self, at: At) -> OtherWay:
        fields = at.fields()
        anchor = self._vocabulary.anchor(fields.get("anchor"))
        length = self._conditions.length(at, fields)
        if length is None:
            at.wrong(
                en="say how long from the anchor: days, months or years",
                th="ระบุระยะเวลานับจาก anchor: days months หรือ years",
            )
        fields.done()
        return OtherWay(length=length or Span(), anchor=anchor or MonthDay(month=1, day=1))


def _legal_basis(at: At) -> LegalBasis:
    fields = at.fields()
    year_at = fields.get("year_be")
    found = LegalBasis(
        act=fields.get("act").string(), year_be=year_at.integer(), section=fields.maybe_string("section")
    )
    if not fields.is_stand_in and not 2400 <= found.year_be <= 2700:
        year_at.wrong(en="the year of a law is in the Buddhist era, such as 2560", th="ปีของกฎหมายต้องเป็น พ.ศ. เช่น 2560")
    fields.done()
    return found


def _window(at: At) -> Window:
    opens, _, closes = at.string().partition("/")
    days = parse_month_day(opens), parse_month_day(closes)
    if days[0] is None or days[1] is None:
        at.wrong(en="a window is two days of the year: MM-DD/MM-DD", th="ช่วงเวลาต้องเป็นวันของปีสองวัน: MM-DD/MM-DD")
        return Window(opens=MonthDay(month=1, day=1), closes=MonthDay(month=12, day=31))
    return Window(opens=days[0], closes=days[1])


def _override(at: At) -> YearOverride:
    fields = at.fields()
    year_at = fields.get("year")
    found = YearOverride(year=year_at.integer(), day=fields.get("month_day").month_day())
    if not fields.is_stand_in and not 1900 <= found.year <= 2200:
        year_at.wrong(
            en="the year of an override is in the Common Era, such as 2026", th="ปีใน overrides ต้องเป็น ค.ศ. เช่น 2026"
        )
    fields.done()
    return found


def _round(at: At) -> Round:
    fields = at.fields()
    found = Round(opens=fields.get("opens").day(), closes=fields.get("closes").day())
    if found.opens > found.closes:
        at.wrong(en="the round closes before it opens", th="รอบปิดก่อนวันเปิด")
    fields.done()
    return found


def _birth_window(at: At) -> BirthWindow:
    fields = at.fields()
    found = BirthWindow(
        fiscal_year_be=fields.get("fiscal_year").integer(),
        born_from=fields.get("born_from").day(),
        born_to=fields.get("born_to").day(),
    )
    fields.done()
    return found


def _check_deadline(at: At, found: Deadline, *, has_anchor: bool) -> None:
    """Each kind has what it takes to find its days. An anchor that leads nowhere is a problem of its own."""
    missing: tuple[str, str] | None = None
    match found.kind:
        case "legal" if not (has_anchor and found.length):
            missing = "anchor: and one of days:, months:, years:", "anchor: และ days: months: หรือ years:"
        case "recommended" if not (has_anchor and (found.length or found.schedule_months)):
            missing = "anchor: and a length or schedule_months:", "anchor: และระยะเวลา หรือ schedule_months:"
        case "window" if not (found.windows or (has_anchor and found.early)):
            missing = "window:, windows:, or anchor: and early:", "window: windows: หรือ anchor: คู่กับ early:"
        case "annual" if not (found.month_day or has_anchor):
            missing = "month_day: or anchor:", "month_day: หรือ anchor:"
        case "round" if not (found.rounds or found.announced):
            missing = "rounds:", "rounds:"
    if found.announced and found.kind != "round":
        at.wrong(en="announced: goes with kind: round alone", th="announced: ใช้ได้กับ kind: round เท่านั้น")
    if missing:
        at.wrong(
            en=f"a deadline of kind {found.kind} needs {missing[0]}", th=f"กำหนดเวลาแบบ {found.kind} ต้องมี {missing[1]}"
        )
    if found.early_days_conflict and found.confidence != "uncertain":
        at.wrong(
            en="early_days_conflict says that sources disagree; add confidence: uncertain",
            th="early_days_conflict หมายถึงแหล่งข้อมูลไม่ตรงกัน ให้เพิ่ม confidence: uncertain",
        )
    for earlier, later in pairwise(sorted(found.rounds, key=lambda one: one.opens)):
        if later.opens <= earlier.closes:
            at.wrong(
                en=f"the round that opens on {later.opens} overlaps the one that closes on {earlier.closes}; part them",
                th=f"รอบที่เปิด {later.opens} ซ้อนกับรอบที่ปิด {earlier.closes} ให้แยกจากกัน",
            )
    if (found.length or found.early or found.closes_right) and not has_anchor:
        at.wrong(
            en="a length of time needs the day it counts from; add anchor:", th="ระยะเวลาต้องมีวันเริ่มนับ ให้เพิ่ม anchor:"
        )


def _check_service(at: At, found: PublicService) -> None:
    """What the keys of a service must be together."""
    needs_source(at, found.confidence, found.source)
    if not found.channels:
        at.wrong(en="say where it is offered; name at least one channel", th="ระบุช่องทางให้บริการอย่างน้อยหนึ่ง")
    if (found.source is None) != (found.source_kind is None):
        at.wrong(
            en="source: and source_kind: go together; give both or leave both null",
            th="source: และ source_kind: ต้องมีทั้งคู่หรือเป็น null ทั้งคู่",
        )
    chosen = [found.eligibility, *(amount.when for amount in found.amounts)]
    is_dated = any(
        amount.valid_from or amount.valid_to or isinstance(amount.value, ParameterRef) for amount in found.amounts
    )
    has_parameters = any(isinstance(leaf.value, ParameterRef) for tree in chosen for leaf in criteria(tree))
    if (is_dated or has_parameters) and found.choose_by is None:
        at.wrong(
            en=f"amounts or conditions change over time; add choose_by: one of {', '.join(_CHOOSE_BY)}",
            th=f"จำนวนเงินหรือเงื่อนไขเปลี่ยนตามเวลา ให้เพิ่ม choose_by: {', '.join(_CHOOSE_BY)}",
        )
    deadline = found.deadline
    if found.choose_by == "event_date" and not (deadline and (deadline.anchor or deadline.month_day)):
        at.wrong(
            en="choose_by: event_date needs a deadline with an anchor",
            th="choose_by: event_date ต้องมี deadline ที่มี anchor",
        )
    if found.status == "closed" and found.valid_to is None:
        at.wrong(en="a closed service says when it ended; add valid_to:", th="บริการที่ปิดแล้วต้องบอกวันสิ้นสุด ให้เพิ่ม valid_to:")
    if found.status == "closed_waiting_round" and not (deadline and deadline.kind == "round"):
        at.wrong(
            en="a service that waits for a round has a deadline of kind round", th="บริการที่รอรอบต้องมี deadline แบบ round"
        )
