"""What each line may say and the whole still not mean: checked last, when every line can be read.

The rules are made as they will be when people ask, and held against themselves: conditions that nobody can ever meet, an
alternative that adds nobody, an amount that is never paid, a step that nobody needs, a notice that can't be told on its
own day because it asks the contrary of its service. Then what belongs together over time: steps of an amount, rows of one
item, fees of one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Final

from lifeevents.catalogue.model import (
    AllOf,
    Amount,
    AnnouncedDay,
    AnyOf,
    Catalogue,
    Computed,
    Criterion,
    DateRule,
    FactDay,
    Fee,
    LifeEventType,
    MonthDay,
    Not,
    Notification,
    OnDay,
    ParameterRef,
    PlannedStep,
    PublicService,
    Requirement,
    Span,
    Tier,
    TurnsDay,
)
from lifeevents.catalogue.vocabulary import Vocabulary, cycle
from lifeevents.rules.ir import And, FactValue, Lowering, Node, Or, RuleWrong, fold
from lifeevents.rules.ir import Not as NotNode
from lifeevents.rules.possible import DAYS, Possible, days_for

_DAY: Final = timedelta(days=1)
_YEARS: Final = range(2019, 2031)  # in which a yearly day is tried


class Sense:
    """One look at a catalogue whose every line was read well. `places` says where each thing stands."""

    def __init__(self, catalogue: Catalogue, places: Vocabulary) -> None:
        self._catalogue = catalogue
        self._places = places
        self._lowering = Lowering(catalogue)
        self._possible = Possible({fact.path: fact for fact in catalogue.facts})
        self._wholes: dict[str, Node] = {}

    def check(self) -> None:
        """Note every problem at its place."""
        for service in self._catalogue.services:
            self._possible.rest()
            self._service(service)
        for event in self._catalogue.life_events:
            self._possible.rest()
            self._life_event(event)

    # ---- a service

    def _service(self, service: PublicService) -> None:
        try:
            whole = self._lowering.rule(service).whole
        except RuleWrong as exc:
            self._places.place(service).wrong(en=f"no rule can be made of this: {exc}", th=f"สร้างกฎจากข้อนี้ไม่ได้: {exc}")
            return
        self._fees(service)
        for amount in service.amounts:
            self._tiers(amount)
        self._rows(service)
        if not self._possible.ever(whole):
            self._never(service)
            return
        self._wholes[service.code] = whole
        for group, part in _alternatives(service.eligibility):
            only = _with(service.eligibility, group, part)
            if not self._possible.ever(self._lowering.rule(replace(service, eligibility=only)).whole):
                self._places.place(part).wrong(
                    en="nobody who meets the other conditions can ever meet this alternative; correct it or take it out",
                    th="ผู้ที่เข้าเงื่อนไขอื่นไม่มีทางเข้าทางเลือกนี้ได้ ให้แก้ไขหรือลบออก",
                )
        for amount in service.amounts:
            when = self._lowering.chosen(service, amount.valid_from, amount.valid_to)
            asks = [] if amount.when is None else [self._lowering.requirement(amount.when, service)]
            if not self._possible.ever(And((whole, when, *asks))):
                self._places.place(amount).wrong(
                    en="nobody can ever get this row: its when: or its validity excludes the conditions of the service",
                    th="ไม่มีใครได้รับแถวนี้ได้: when: หรือช่วงที่ใช้ขัดกับเงื่อนไขของบริการ",
                )
        for told in service.notifications:
            self._notification(service, told, whole)

    def _never(self, service: PublicService) -> None:
        """Which of the conditions can't hold together: as few of them as contradict one another."""
        kept = list(service.eligibility.parts)
        for part in service.eligibility.parts:
            fewer = [one for one in kept if one is not part]
            only = replace(service, eligibility=AllOf(parts=tuple(fewer)))
            if not self._possible.ever(self._lowering.rule(only).whole):
                kept = fewer
        at = self._places.place(kept[-1] if kept else service.eligibility)
        said = " and ".join(_shown(one) for one in kept) or "this"
        lines = ", ".join(str(self._places.place(one).line) for one in kept[:-1])
        where, where_th = (f" (see line {lines})", f" (ดูบรรทัด {lines})") if lines else ("", "")
        at.wrong(
            en=f"no one can ever meet this: {said}{where}; correct one of them",
            th=f"ไม่มีใครเข้าเงื่อนไขนี้ได้: {said}{where_th} ให้แก้ไขข้อใดข้อหนึ่ง",
        )

    def _notification(self, service: PublicService, told: Notification, whole: Node) -> None:
        """Told when its service is the person's and `when` holds, on the day itself or ahead of what begins then."""
        parts = [whole] if told.when is None else [whole, self._lowering.requirement(told.when, service)]
        can = (
            any(self._told_on(told, told.trigger, parts, day) for day in _days_of(told.trigger, whole))
            if isinstance(told.trigger, OnDay)
            else self._possible.ever(And(tuple(parts)))
        )
        if can:
            return
        asks = "what it asks in when:" if told.when is not None else "its day"
        self._places.place(told).wrong(
            en=f"this can never be told: {asks} excludes the conditions of {service.code}; "
            "correct it, or move it to the service whose conditions hold then",
            th=f"ข้อความนี้ไม่มีวันถูกส่ง: {'when:' if told.when is not None else 'วันที่แจ้ง'} ขัดกับเงื่อนไขของ {service.code} "
            "ให้แก้ไข หรือย้ายไปยังบริการที่เข้าเงื่อนไขในขณะนั้น",
        )

    def _told_on(self, told: Notification, trigger: OnDay, parts: Sequence[Node], anchor: date) -> bool:
        given: dict[str, FactValue] = {}
        match trigger.anchor:
            case FactDay(fact=fact):
                given[fact] = anchor
            case TurnsDay(birth_date=fact, years=years):
                given[fact] = anchor.replace(year=anchor.year - years)
        asks = list(parts)
        if trigger.year_when is not None:
            asks.append(fold(self._lowering.requirement(trigger.year_when), anchor))
        day = anchor + told.offset
        return any(self._possible.witness(And(tuple(asks)), on, given) is not None for on in {day, max(day, anchor)})

    # ---- what an amount and a fee are over time

    def _tiers(self, amount: Amount) -> None:
        if amount.tiers is None:
            return
        steps = amount.tiers.steps
        nodes = [self._lowering.tier(amount.tiers.by, step) for step in steps]
        for (one, first), (other, second) in combinations(zip(steps, nodes, strict=True), 2):
            if self._meets(And((first, second))):
                self._places.place(other).wrong(
                    en=f"the step {other.label!r} overlaps {one.label!r}; one number must lie in one step only",
                    th=f"ขั้น {other.label!r} ซ้อนกับ {one.label!r} ตัวเลขหนึ่งต้องอยู่ในขั้นเดียว",
                )
        for step, (below, above) in _between(steps):
            gap = And((NotNode(Or(tuple(nodes))), self._lowering.tier(amount.tiers.by, below),
                       self._lowering.tier(amount.tiers.by, above)))  # fmt: skip
            if self._meets(gap):
                self._places.place(step).wrong(
                    en=f"a gap below the step {step.label!r}: begin it where the one before ends",
                    th=f"มีช่องว่างก่อนขั้น {step.label!r} ให้เริ่มต่อจากขั้นก่อนหน้า",
                )

    def _meets(self, node: Node) -> bool:
        """Whether steps meet: they move together, so one ordinary day tells."""
        return self._possible.witness(node, DAYS[0]) is not None

    def _rows(self, service: PublicService) -> None:
        """A row ends, another of the same condition begins later, and nothing about that item lies between."""
        for amount in service.amounts:
            same = [one for one in service.amounts if one.item == amount.item and not one.is_top_up]
            after = [one for one in same if one.when == amount.when and _begins(one) > _ends(amount)]
            if amount.is_top_up or not after:
                continue
            empty = _ends(amount) + _DAY
            following = min(after, key=_begins)
            if empty < _begins(following) and not any(one.is_valid(empty) and self._share(one, amount) for one in same):
                self._gap(following, empty)

    def _share(self, one: Amount, other: Amount) -> bool:
        """Whether somebody may get either row."""
        asked = [self._lowering.requirement(row.when) for row in (one, other) if row.when is not None]
        return self._possible.ever(And(tuple(asked)))

    def _fees(self, service: PublicService) -> None:
        named = {fee.name: [one for one in service.fees if one.name == fee.name] for fee in service.fees}
        for fees in named.values():
            for before, after in pairwise(sorted(fees, key=_begins)):
                if _begins(after) <= _ends(before):
                    self._places.place(after).wrong(
                        en=f"an overlap: the fee {after.name} has another value on the same day; end one, begin the other",
                        th=f"ช่วงซ้อนกัน: ค่าธรรมเนียม {after.name} มีอีกค่าในวันเดียวกัน ให้สิ้นสุดค่าหนึ่งก่อนเริ่มอีกค่า",
                    )
                elif _begins(after) > _ends(before) + _DAY:
                    self._gap(after, _ends(before) + _DAY)

    def _gap(self, following: Amount | Fee, empty: date) -> None:
        self._places.place(following).wrong(
            en=f"a gap: nothing holds from {empty} on; begin this one on '{empty}'",
            th=f"มีช่องว่าง: ไม่มีค่าตั้งแต่ {empty} ให้เริ่มค่านี้วันที่ '{empty}'",
        )

    # ---- a life event

    def _life_event(self, event: LifeEventType) -> None:
        if isinstance(event.trigger, DateRule) and event.trigger.year_when is not None:
            year_when = event.trigger.year_when
            if not self._possible.ever(self._lowering.requirement(year_when)):
                self._places.place(year_when).wrong(
                    en=f"no year is ever meant: {_shown(year_when)}; correct it",
                    th=f"ไม่มีปีใดเข้าเงื่อนไข: {_shown(year_when)} ให้แก้ไข",
                )
        for step in event.steps:
            self._step(step)
        requires = {service.code: service.requires for service in self._catalogue.services}
        here = {step.service for step in event.steps}
        way = cycle(
            {
                step.service: (*step.depends_on, *(one for one in requires[step.service] if one in here))
                for step in event.steps
            }
        )
        if way:
            self._places.place(next(step for step in event.steps if step.service == way[0])).wrong(
                en=f"this step waits for itself, by depends_on and the requires of its service: {' → '.join(way)}; "
                "take one of them out",
                th=f"ขั้นนี้รอตัวเอง ผ่าน depends_on และ requires ของบริการ: {' → '.join(way)} ให้ลบออกหนึ่งข้อ",
            )

    def _step(self, step: PlannedStep) -> None:
        whole = self._wholes.get(step.service)
        if step.only_if is None or whole is None:
            return
        if not self._possible.ever(And((whole, self._lowering.requirement(step.only_if)))):
            self._places.place(step.only_if).wrong(
                en=f"nobody who needs this step can use it: only_if excludes the conditions of {step.service}",
                th=f"ผู้ที่ต้องทำขั้นนี้ใช้บริการไม่ได้: only_if ขัดกับเงื่อนไขของ {step.service}",
            )


def _alternatives(requirement: Requirement) -> Iterator[tuple[AnyOf, Requirement]]:
    """Each alternative that is asked for as it stands; what stands under a not is none."""
    match requirement:
        case AnyOf(parts=parts):
            for part in parts:
                yield requirement, part
                yield from _alternatives(part)
        case AllOf(parts=parts):
            for part in parts:
                yield from _alternatives(part)


def _with(requirement: AllOf, group: AnyOf, part: Requirement) -> AllOf:
    """The same with one alternative alone."""

    def narrowed(one: Requirement) -> Requirement:
        if one is group:
            return AllOf(parts=(narrowed(part),))
        match one:
            case AllOf(parts=parts):
                return AllOf(parts=tuple(narrowed(inside) for inside in parts))
            case AnyOf(parts=parts):
                # On the way down to the group, only the way itself counts.
                ways = [inside for inside in parts if _holds_inside(inside, group)]
                return AnyOf(parts=tuple(narrowed(inside) for inside in ways or parts))
        return one

    return AllOf(parts=tuple(narrowed(one) for one in requirement.parts))


def _holds_inside(requirement: Requirement, group: AnyOf) -> bool:
    match requirement:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return requirement is group or any(_holds_inside(one, group) for one in parts)
    return False


def _days_of(trigger: OnDay, whole: Node) -> Iterable[date]:
    """Days on which it may fall, enough to stand for all: also those of a service that is no more, or still to come."""
    days = days_for(whole)
    match trigger.anchor:
        case MonthDay() as yearly:
            return [yearly.in_year(year) for year in dict.fromkeys([*_YEARS, *(day.year for day in days)])]
        case AnnouncedDay():
            return days
    return [day for day in days if (day.month, day.day) != (2, 29)]


def _between(steps: Sequence[Tier]) -> Iterator[tuple[Tier, tuple[Tier, Tier]]]:
    """Of each step but the lowest: what lies above where a lower one begins, and below where this one does."""
    for before, step in pairwise(steps):
        begins = before.at_least if before.at_least is not None else before.above
        if begins is None:
            begins = before.up_to if before.up_to is not None else before.below
        starts = step.at_least if step.at_least is not None else step.above
        if begins is None or starts is None:
            continue
        bare = replace(step, at_least=None, above=None, up_to=None, below=None, equals=None)
        inside = replace(bare, below=starts) if step.at_least is not None else replace(bare, up_to=starts)
        yield step, (replace(bare, at_least=begins), inside)


def _begins(one: Amount | Fee) -> date:
    return one.valid_from or date.min


def _ends(one: Amount | Fee) -> date:
    return one.valid_to or date.max - _DAY


def _shown(requirement: Requirement) -> str:
    """A condition in the words of the file."""
    match requirement:
        case Criterion(fact=fact, op=op, value=None):
            return f"{fact} {op}"
        case Criterion(fact=fact, op=op, value=value):
            return f"{fact} {op} {_value(value)}"
        case AllOf(parts=parts):
            return f"all [{', '.join(_shown(one) for one in parts)}]"
        case AnyOf(parts=parts):
            return f"any [{', '.join(_shown(one) for one in parts)}]"
        case Not(part=part):
            return f"not {_shown(part)}"


def _value(value: object) -> str:
    match value:
        case ParameterRef(parameter=name):
            return f"the parameter {name}"
        case Span(years=years, months=months, days=days):
            return f"{years} years" if years else f"{months} months" if months else f"{days} days"
        case Computed(name=name, plus=plus):
            return f"{name}{plus:+d}" if plus else name
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(_value(one) for one in value)}]"
        case int() | Decimal() | date():
            return str(value)
    return str(value)
