"""A life as a line of dates: what happened, what holds now, what comes.

What happened is what registers have a date of. What comes follows from the timelines of every service, the facts staying as
they are; each entry says on what it depends, and is sure only where the calendar alone brings it. What falls on one day
for the same person or thing is one entry, and of what comes round every year only the next time is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final, Literal

from agencies import facts as found
from agencies.facts import Provenance
from foundation.dates import PartialDate, Precision
from foundation.language import Text
from lifeevents.catalogue.model import DateRule, FactDay, LifeEventType, MonthDay, PublicService, TurnsDay
from lifeevents.rules.availability import State
from lifeevents.rules.calendar import later, turns
from lifeevents.rules.engine import Engine
from lifeevents.rules.evaluate import day_of, missing
from lifeevents.rules.explain import Outcome
from lifeevents.rules.timeline import Step, entitlement_date
from lifeevents.situation import Case, Situation, awaited

Kind = Literal["HAPPENED", "HOLDS", "COMES"]
Change = Literal["MEETS", "MAY_MEET", "ENDS", "OPENS", "LAST_DAY", "DUE"]

MOST: Final = 200
_DAY: Final = timedelta(days=1)
# What the calendar can't be wrong about; anything else may change before its day.
_LASTING: Final = frozenset(
    {"person.birth_date", "person.sex", "person.nationality", "person.alive", "child.birth_date", "child.nationality",
     "deceased.birth_date", "deceased.death_date", "deceased.death_certificate_date", "deceased.nationality"}
)  # fmt: skip
_CHANGES: Final[Mapping[Change, Text]] = {
    "MEETS": Text(th="เข้าเกณฑ์ {}", en="the conditions of {} are met"),
    "MAY_MEET": Text(th="อาจเข้าเกณฑ์ {}", en="the conditions of {} may be met"),
    "ENDS": Text(th="ไม่เข้าเกณฑ์แล้ว {}", en="the conditions of {} are no longer met"),
    "OPENS": Text(th="เปิดให้ดำเนินการ {}", en="{} opens"),
    "LAST_DAY": Text(th="วันสุดท้ายของ {}", en="the last day for {}"),
    "DUE": Text(th="ครบกำหนด {}", en="{} to be done by then"),  # later is late, and still possible
}


def _said(told: Mapping[str, tuple[str, str]]) -> Mapping[str, Text]:
    return {path: Text(th=th, en=en) for path, (th, en) in told.items()}


# Dates that registers tell, as they are said once they have passed, and while they are to come. Others aren't told.
_PASSED: Final = _said(
    {
        "person.birth_date": ("เกิด", "Born"),
        "person.graduation_date": ("สำเร็จการศึกษา", "Graduated"),
        "employment.start_date": ("เริ่มงานล่าสุด", "Began the latest job"),
        "employment.end_date": ("ออกจากงาน", "The job ended"),
        "sso.insured_status_ended_date": ("สิ้นสภาพผู้ประกันตน", "Social security insurance ended"),
        "sso.pension_start_date": ("เริ่มรับบำนาญชราภาพ", "The old-age pension began"),
        "person.address_changed_date": ("ย้ายเข้าทะเบียนบ้านปัจจุบัน", "Moved to the present registered address"),
        "person.id_card_lost_date": ("บัตรประชาชนหายหรือชำรุด", "ID card lost or damaged"),
        "person.id_card_expiry_date": ("บัตรประชาชนหมดอายุ", "ID card expired"),
        "passport.expiry_date": ("หนังสือเดินทางหมดอายุ", "Passport expired"),
        "person.disability_card_expiry_date": ("บัตรคนพิการหมดอายุ", "Disability card expired"),
        "licence.issue_date": ("ได้ใบขับขี่ฉบับปัจจุบัน", "The present driving licence was issued"),
        "licence.expiry_date": ("ใบขับขี่หมดอายุ", "Driving licence expired"),
        "health.invalidity_decision_date": ("มีมติว่าทุพพลภาพ", "Found to be invalid"),
        "person.turnover_exceeded_date": ("รายรับเกินเกณฑ์ VAT", "Turnover passed the VAT threshold"),
        "inheritance.received_date": ("ได้รับมรดก", "Received an inheritance"),
        "child.birth_date": ("{} เกิด", "{} was born"),
        "deceased.death_date": ("{} ถึงแก่กรรม", "{} died"),
        "vehicle.first_registered_date": ("จดทะเบียนรถ {} ครั้งแรก", "Vehicle {} was first registered"),
        "vehicle.tax_expiry_date": ("ภาษีรถ {} หมดอายุ", "The tax of vehicle {} ran out"),
        "vehicle.sale_date": ("ขายรถ {}", "Vehicle {} was sold"),
        "business.start_date": ("เริ่มกิจการ {}", "Business began: {}"),
        "business.first_hire_date": ("{} มีลูกจ้างคนแรก", "{} hired its first employee"),
        "property.completed_date": ("{}: อาคารสร้างเสร็จ", "{}: the building was completed"),
    }
)
_COMING: Final = _said(
    {
        "employment.end_date": ("สิ้นสุดการจ้าง", "The job ends"),
        "person.id_card_expiry_date": ("บัตรประชาชนหมดอายุ", "ID card expires"),
        "passport.expiry_date": ("หนังสือเดินทางหมดอายุ", "Passport expires"),
        "person.disability_card_expiry_date": ("บัตรคนพิการหมดอายุ", "Disability card expires"),
        "licence.expiry_date": ("ใบขับขี่หมดอายุ", "Driving licence expires"),
        "vehicle.tax_expiry_date": ("ภาษีรถ {} หมดอายุ", "The tax of vehicle {} runs out"),
        "business.food_certificate_expiry_date": (
            "หนังสือรับรองการแจ้งร้านอาหาร {} หมดอายุ",
            "The food shop certificate of {} runs out",
        ),
        "business.food_licence_expiry_date": ("ใบอนุญาตร้านอาหาร {} หมดอายุ", "The food shop licence of {} runs out"),
    }
)
DATES: Final = frozenset(_PASSED) | frozenset(_COMING)
# Where a life is now: the fact, the dates since and until when, the value by which it holds, and how it is said.
_STANDING: Final[tuple[tuple[str, str | None, str | None, object, Text], ...]] = (
    ("employment.status", "employment.start_date", None, "employed", Text(th="มีงานทำ", en="Employed")),
    ("person.student", None, None, True, Text(th="กำลังศึกษา", en="Studying")),
    ("person.id_card_status", None, "person.id_card_expiry_date", "valid", Text(th="บัตรประชาชนใช้ได้", en="ID card valid")),
    (
        "person.disability_card_status", None, "person.disability_card_expiry_date", "valid",
        Text(th="บัตรคนพิการใช้ได้", en="Disability card valid"),
    ),
    ("person.marital_status", None, None, "married", Text(th="สมรส", en="Married")),
    ("person.welfare_card_holder", None, None, True, Text(th="มีบัตรสวัสดิการแห่งรัฐ", en="Holds a state welfare card")),
)  # fmt: skip
STANDING: Final = frozenset(name for one in _STANDING for name in one[:3] if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`depends_on` is empty where it is sure. `case` says whom or what it is about, where that isn't the person."""

    day: date
    kind: Kind
    title: Text = field(repr=False)
    precision: Precision = "DAY"
    until: date | None = None
    services: tuple[str, ...] = ()
    life_event: str | None = None
    case: Case | None = None
    depends_on: tuple[tuple[str, found.Fact | None], ...] = ()
    source: Provenance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One service changing for one case."""

    day: date
    change: Change
    service: PublicService
    case: Case
    depends_on: tuple[str, ...]


class Lifeline:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._calendar: dict[str, list[LifeEventType]] = {}
        for event in engine.catalogue.life_events:
            if isinstance(event.trigger, DateRule):
                for step in event.steps:
                    self._calendar.setdefault(step.service, []).append(event)

    def draw(
        self, situation: Situation, services: Sequence[PublicService], *, since: date, until: date, today: date,
        happened: Iterable[Entry] = (),
    ) -> list[Entry]:  # fmt: skip
        """The entries of a period, in order. `happened` is what others know of the past."""
        past = [*happened, *self._dates(situation, today)]
        entries = [one for one in past if since <= one.day <= until]
        if since <= today <= until:
            entries += self._standing(situation, today)
            entries += self._held(situation, services, today)
        if until > today:
            turns_ = [one for one in self._turns(situation, services, today, until) if since <= one.day <= until]
            entries += self._merged(turns_)
        rank = {"HAPPENED": 0, "HOLDS": 1, "COMES": 2}
        kept = sorted(_unique(entries), key=lambda one: (rank[one.kind], one.day, one.title.en))
        return sorted(_bounded(kept, today), key=lambda one: (one.day, rank[one.kind], one.title.en))

    # ---- from dates of registers

    def _dates(self, situation: Situation, today: date) -> Iterator[Entry]:
        for case in situation.cases:
            if case.is_ward or case.list_missing is not None:
                continue
            prefixes = _OWN if case.scope == "per_person" else _OF[case.scope]
            for path in sorted(DATES):
                fact = case.known.get(path)
                if path.partition(".")[0] not in prefixes or fact is None or fact.state != "KNOWN":
                    continue
                yield from _dated(case, path, fact, today)

    def _standing(self, situation: Situation, today: date) -> Iterator[Entry]:
        known = situation.person.known
        for path, since, until, holding, title in _STANDING:
            fact = known.get(path)
            if fact is None or fact.state != "KNOWN" or fact.value != holding:
                continue
            yield Entry(
                day=_day_of(known, since) or today, kind="HOLDS", title=title, until=_day_of(known, until),
                source=fact.source,
            )  # fmt: skip

    def _held(self, situation: Situation, services: Sequence[PublicService], today: date) -> Iterator[Entry]:
        """The benefits whose conditions hold today, since when, and until when where that is foreseeable."""
        for service in services:
            if service.kind != "benefit":
                continue
            for case in situation.of(service):
                if case.list_missing is not None:
                    continue
                if awaited(service, case, self._engine.availability(service, case.facts, today)) is not None:
                    continue  # it is for when something happens that hasn't
                if self._engine.judge(service, case.facts, today).outcome is not Outcome.ELIGIBLE:
                    continue
                since = entitlement_date(self._engine.rules[service.code], case.facts, today)
                steps = self._engine.timeline(service, case.facts, today, today + 3652 * _DAY).steps
                ends = next((step.day - _DAY for step in steps if step.outcome is not Outcome.ELIGIBLE), None)
                yield Entry(
                    day=since or today, kind="HOLDS", until=ends, services=(service.code,), case=_not_oneself(case),
                    title=_named(case, _put(Text(th="เข้าเกณฑ์ {}", en="Meets the conditions of {}"), service.title)),
                )  # fmt: skip

    # ---- from timelines

    def _turns(
        self, situation: Situation, services: Sequence[PublicService], today: date, until: date
    ) -> Iterator[_Turn]:
        for service in services:
            for case in situation.of(service):
                if case.list_missing is None:
                    yield from self._of_service(service, case, today, until)

    def _of_service(self, service: PublicService, case: Case, today: date, until: date) -> Iterator[_Turn]:
        steps = self._engine.timeline(service, case.facts, today, until).steps
        told: set[Change] = set()
        for last, step in pairwise(steps):
            change = _change(last, step)
            if change is None or (change in told and change in ("OPENS", "LAST_DAY")):
                continue
            told.add(change)
            day = step.day - _DAY if change == "LAST_DAY" else step.day
            yield _Turn(
                day=day, change=change, service=service, case=case, depends_on=self._depends(service, case, step)
            )
        first = steps[0]
        if "LAST_DAY" not in told and first.is_open:
            now = self._engine.availability(service, case.facts, today)
            if now.deadline is not None and not now.is_late and today <= now.deadline <= until:
                yield _Turn(
                    day=now.deadline, change="DUE" if now.closes is None else "LAST_DAY", service=service, case=case,
                    depends_on=self._depends(service, case, first),
                )  # fmt: skip

    def _depends(self, service: PublicService, case: Case, step: Step) -> tuple[str, ...]:
        """On a fact that isn't known; else on those that may have changed by then."""
        rule = self._engine.rules[service.code]
        if step.outcome is Outcome.UNKNOWN:
            return missing(rule.whole, case.facts, step.day)
        facts = (self._engine.catalogue.fact(path) for path in service.facts)
        bases = {fact.derived.date_fact if fact.derived else fact.path for fact in facts if fact is not None}
        return tuple(sorted(bases - _LASTING))

    def _merged(self, found_: Iterable[_Turn]) -> Iterator[Entry]:
        """One entry for all that becomes different in the same way on one day, for the same person or thing."""
        groups: dict[tuple[date, Change, str, str | None], list[_Turn]] = {}
        for one in found_:
            groups.setdefault((one.day, one.change, one.case.scope, one.case.id), []).append(one)
        for (day, change, _, _), turning in groups.items():
            case = turning[0].case
            titles = _listed([one.service.title for one in turning])
            said = _named(case, _put(_CHANGES[change], titles), age=_age(case, day))
            depends = dict.fromkeys(path for one in turning for path in one.depends_on)
            events = [
                event.code
                for one in turning
                for event in self._calendar.get(one.service.code, ())
                if self._begins(event, case, day)
            ]
            yield Entry(
                day=day, kind="COMES", title=said, services=tuple(one.service.code for one in turning),
                life_event=events[0] if events else None, case=_not_oneself(case),
                depends_on=tuple((path, case.known.get(path)) for path in depends),
            )  # fmt: skip

    def _begins(self, event: LifeEventType, case: Case, day: date) -> bool:
        """Whether that is the day on which the calendar brings a life event."""
        rule = event.trigger
        if not isinstance(rule, DateRule):
            return False
        match rule.day:
            case TurnsDay(birth_date=path, years=years):
                born = day_of(case.facts, path)
                begins = turns(born, years) if isinstance(born, date) else None
            case FactDay(fact=path):
                told = day_of(case.facts, path)
                begins = told if isinstance(told, date) else None
            case MonthDay() as yearly:
                begins = yearly.in_year(day.year)
            case _:
                return False
        if begins is None or (begins if rule.offset is None else later(begins, rule.offset)) != day:
            return False
        if rule.calendar_year is not None:
            born = day_of(case.facts, rule.calendar_year.fact)
            return isinstance(born, date) and born.year + rule.calendar_year.plus == day.year
        return rule.year_when is None or self._engine.holds(rule.year_when, case.facts, day) is True


_OWN: Final = frozenset({"person", "employment", "sso", "health", "licence", "passport", "inheritance", "household"})
_OF: Final[Mapping[str, frozenset[str]]] = {
    "per_child": frozenset({"child"}), "per_vehicle": frozenset({"vehicle"}), "per_property": frozenset({"property"}),
    "per_deceased": frozenset({"deceased"}), "per_business": frozenset({"business"}),
}  # fmt: skip


def _change(last: Step, step: Step) -> Change | None:
    if step.outcome is not last.outcome:
        match last.outcome, step.outcome:
            case _, Outcome.ELIGIBLE:
                return "MEETS"
            case Outcome.NOT_ELIGIBLE, Outcome.UNKNOWN:
                return "MAY_MEET"
            case Outcome.ELIGIBLE, _:
                return "ENDS"
        return None
    if step.outcome is not Outcome.ELIGIBLE:
        return None
    if step.state is State.OPEN:
        return "OPENS"
    return "LAST_DAY" if last.state is State.OPEN else None


def _dated(case: Case, path: str, fact: found.Fact, today: date) -> Iterator[Entry]:
    value: Any = fact.value
    day = value.earliest if isinstance(value, PartialDate) else value
    title = (_PASSED if day <= today else _COMING).get(path)
    if title is None:
        return
    if path == "person.address_changed_date" and day == _day_of(case.known, "person.birth_date"):
        return  # where somebody was born
    called = case.called or Text(th="", en="")
    yield Entry(
        day=day, kind="HAPPENED" if day <= today else "COMES", title=_put(title, called),
        precision=value.precision if isinstance(value, PartialDate) else "DAY", source=fact.source,
        case=_not_oneself(case),
    )  # fmt: skip


def _age(case: Case, day: date) -> int | None:
    """Which age is attained on that day, if one is."""
    born = _day_of(case.known, "child.birth_date" if case.scope == "per_child" else "person.birth_date")
    if born is None or case.scope not in ("per_person", "per_child") or day <= born:
        return None
    years = day.year - born.year
    return years if turns(born, years) == day else None


def _named(case: Case, said: Text, *, age: int | None = None) -> Text:
    """With whom it is about before it, and the age that they attain."""
    if case.called is None:
        if age is None:
            return Text(th=said.th, en=said.en[:1].upper() + said.en[1:])
        return Text(th=f"อายุครบ {age} ปี: {said.th}", en=f"Turning {age}: {said.en}")
    if age is None:
        return Text(th=f"{case.called.th}: {said.th}", en=f"{case.called.en}: {said.en}")
    return Text(th=f"{case.called.th} อายุครบ {age} ปี: {said.th}", en=f"{case.called.en} turning {age}: {said.en}")


def _listed(titles: Sequence[Text]) -> Text:
    return Text(th=", ".join(f"“{one.th}”" for one in titles), en=", ".join(f"“{one.en}”" for one in titles))


def _put(pattern: Text, part: Text) -> Text:
    return Text(th=pattern.th.replace("{}", part.th), en=pattern.en.replace("{}", part.en))


def _not_oneself(case: Case) -> Case | None:
    return None if case.id is None else case


def _day_of(known: Mapping[str, found.Fact], path: str | None) -> date | None:
    fact = None if path is None else known.get(path)
    value: Any = None if fact is None or fact.state != "KNOWN" else fact.value
    return value.earliest if isinstance(value, PartialDate) else value


def _unique(entries: Iterable[Entry]) -> Iterator[Entry]:
    """What two registers tell of the same day in the same words is one entry."""
    seen: set[tuple[date, Kind, str, str | None]] = set()
    for one in entries:
        key = (one.day, one.kind, one.title.en, one.case.id if one.case else None)
        if key not in seen:
            seen.add(key)
            yield one


def _bounded(entries: Sequence[Entry], today: date) -> list[Entry]:
    """At most so many: of the past the latest, of what comes the next."""
    past = [one for one in entries if one.kind == "HAPPENED"]
    holds = [one for one in entries if one.kind == "HOLDS"][:60]
    comes = [one for one in entries if one.kind == "COMES"]
    room = MOST - len(holds)
    kept_past = past[-min(len(past), max(room // 2, room - len(comes))) :] if past else []
    return [*kept_past, *holds, *comes[: room - len(kept_past)]]
