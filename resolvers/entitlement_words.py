"""What is said about an entitlement, in both languages: the answer, when one can act, how much, what is not known and why.

Conditions are said by `lifeevents/rules/sentences.py`; here they are put together with the day, the money and the agencies
as a clerk at a counter would, one sentence at a time. What the catalogue marks as uncertain is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from agencies.facts import PLANNED, Fact
from foundation.dates import PartialDate
from foundation.language import Text, say_date
from lifeevents.catalogue import model
from lifeevents.rules.amount import ItemAmount, Part
from lifeevents.rules.availability import Availability, State
from lifeevents.rules.calendar import between
from lifeevents.rules.explain import Explanation, Outcome, Reason, ReasonGroup
from lifeevents.rules.ir import DidNotHappen, FactValue
from lifeevents.rules.sentences import Heard, Sentences
from lifeevents.rules.timeline import Step
from lifeevents.situation import SUBJECTS, Case, awaited

_NOTHING: Final = Text(th="", en="")
_FISCAL_YEAR: Final = "BE fiscal year"
_IF_SO: Final = Text(th="ตามที่สมมติเท่านั้น:", en="Only supposed:")
_BY_ITSELF: Final = Text(th="ได้รับโดยอัตโนมัติ ไม่ต้องยื่นเรื่อง", en="It comes by itself; nothing needs to be filed.")
_LISTS: Final = {
    "child": Text(th="ว่าคุณมีบุตรคนใดบ้าง", en="who your children are"),
    "vehicle": Text(th="ว่าคุณมีรถคันใดบ้าง", en="which vehicles you have"),
    "property": Text(th="ว่าคุณมีที่ดินหรือห้องชุดใดบ้าง", en="which land and flats you have"),
    "deceased": Text(th="ว่ามีญาติคนใดเสียชีวิตหรือไม่", en="whether a relative of yours has died"),
    "relation": Text(th="ว่ามีญาติคนใดเสียชีวิตหรือไม่", en="whether a relative of yours has died"),
    "business": Text(th="ว่าคุณมีกิจการใดบ้าง", en="which businesses you have"),
}
_HOLDERS: Final = {
    "child": "dopa", "deceased": "dopa", "relation": "dopa", "vehicle": "dlt", "property": "dol", "business": "dbd",
}  # fmt: skip
_DOUBT: Final[dict[str, Text]] = {
    "uncertain": Text(th="ข้อมูลกฎยังไม่ยืนยัน โปรดสอบถามหน่วยงาน", en="The rule is unconfirmed; ask the agency."),
    "known": _NOTHING,
    "sourced": _NOTHING,
}
_OUTCOMES: Final = {
    Outcome.ELIGIBLE: Text(th="จะเข้าเกณฑ์", en="the conditions will be met"),
    Outcome.NOT_ELIGIBLE: Text(th="จะไม่เข้าเกณฑ์แล้ว", en="the conditions will no longer be met"),
    Outcome.UNKNOWN: Text(th="จะขึ้นอยู่กับข้อมูลที่ยังไม่ทราบ", en="it will depend on what is not known yet"),
}
_STATES: Final = {
    State.OPEN: Text(th="จะเปิดให้ดำเนินการ", en="it opens"),
    State.NOT_YET: Text(th="จะหมดช่วงเวลาดำเนินการ จนกว่าจะเปิดครั้งถัดไป", en="it closes until it opens the next time"),
    State.CLOSED: Text(th="จะหมดเวลาดำเนินการ", en="the time to act is over"),
    State.NO_ROUND: Text(th="จะไม่มีรอบที่เปิด", en="no round will be open"),
}


_SUBJECT_OF: Final = {scope: subject for subject, scope in SUBJECTS.items() if subject != "relation"}
_AS_PERCENT: Final = frozenset({"ratio"})  # 0.5 of a wage is said as 50 percent
_PERCENT_TH: Final = "ร้อยละ"
_AHEAD_OF_NUMBER: Final = frozenset({"percent", "percent_of_wage", "percent_discount"})  # in Thai


class Words:
    """What is said of one case; without one, of facts as such."""

    def __init__(self, catalogue: model.Catalogue, sentences: Sentences, case: Case | None = None) -> None:
        self._catalogue = catalogue
        subject = "" if case is None else "person" if case.is_ward else _SUBJECT_OF.get(case.scope, "")
        self._sentences = sentences if case is None else sentences.of(subject, case.called, dict(_heard(case)))

    def reason(self, reason: Reason) -> Text:
        """One condition, with what is on record and by how much."""
        return self._sentences.reason(reason)

    def answer(
        self, explained: Explanation, outcome: Outcome, case: Case, now: Availability, missing: Sequence[Text],
        *, is_supposed: bool,
    ) -> Text:  # fmt: skip
        """The answer with what decides it, and when one can act: what a clerk would say first."""
        said = [_IF_SO if is_supposed else _NOTHING, self._headline(explained, outcome, case, missing)]
        if outcome is Outcome.NOT_ELIGIBLE and explained.in_force:
            said.append(self._because(explained))
        if outcome is Outcome.ELIGIBLE:
            is_automatic = explained.service.channels == ("automatic",) and now.state is State.OPEN
            waits = awaited(explained.service, case, now)
            said.append(_BY_ITSELF if is_automatic else self.availability(now, waits))
        said.append(_DOUBT[explained.confidence])
        return _sentences(said)

    def _headline(self, explained: Explanation, outcome: Outcome, case: Case, missing: Sequence[Text]) -> Text:
        title = explained.service.title
        if outcome is Outcome.UNKNOWN:
            return self._not_known(explained, case, missing)
        if not explained.in_force:
            return self._sentences.headline(explained)
        if outcome is Outcome.ELIGIBLE and not explained.service.facts:
            return _put("“{}” มีไว้สำหรับทุกคนที่ต้องการ", "“{}” is there for whoever needs it.", title)
        if case.called is None:
            return self._sentences.headline(explained)
        whose = _whom(case)
        if outcome is Outcome.ELIGIBLE:
            return _put("“{}” {} เข้าเกณฑ์", "“{}” {}: the conditions are met.", title, whose)
        return _put("“{}” {} ไม่เข้าเกณฑ์", "“{}” {}: the conditions are not met.", title, whose)

    def _not_known(self, explained: Explanation, case: Case, missing: Sequence[Text]) -> Text:
        title, names = explained.service.title, explained.missing
        if names and case.list_missing is None and all(self._is_own_word(name) for name in names):
            asked = _listed([self._sentences.question(name) for name in names])
            if case.called is None:
                return _put(
                    "“{}” ขึ้นอยู่กับเรื่องที่คุณบอกได้เอง: {}", "“{}” hangs on what you can tell yourself: {}.", title, asked
                )
            return _put(
                "“{}” {} ขึ้นอยู่กับเรื่องที่คุณบอกได้เอง: {}",
                "“{}” {} hangs on what you can tell yourself: {}.",
                title, _whom(case), asked,
            )  # fmt: skip
        unknown = _listed(missing)
        if case.called is None:
            return _put(
                "ยังบอกไม่ได้ว่าคุณเข้าเกณฑ์ “{}” หรือไม่ เพราะยังไม่ทราบ{}",
                "It can't be said yet whether you meet the conditions of “{}”. Not known yet: {}.",
                title, unknown,
            )  # fmt: skip
        return _put(
            "ยังบอกไม่ได้ว่า “{}” {} เข้าเกณฑ์หรือไม่ เพราะยังไม่ทราบ{}",
            "It can't be said yet whether “{}” {} meets the conditions. Not known yet: {}.",
            title, _whom(case), unknown,
        )  # fmt: skip

    def _is_own_word(self, name: str) -> bool:
        fact = self._catalogue.fact(name)
        return fact is not None and fact.is_own_word

    def _because(self, explained: Explanation) -> Text:
        """The condition that fails, one that no day will turn before one that waits for its day."""
        failing = [part for part in explained.root.parts if part.holds is False]
        reasons = [part for part in failing if isinstance(part, Reason)]
        if reasons:
            return self._sentences.reason(min(reasons, key=lambda one: one.turns_on is not None))
        groups = [part for part in failing if isinstance(part, ReasonGroup)]
        if not groups:
            return _NOTHING
        group = groups[0]
        if group.kind == "not":
            ruled_out = next((one for one in _leaves(group) if one.holds), None)
            none = Text(th="มีข้อที่กฎยกเว้นไว้", en="There is something that rules it out.")
            return none if ruled_out is None else _sentences([none, self._sentences.reason(ruled_out)])
        none = Text(th="ไม่เข้าทางใดทางหนึ่งที่กฎกำหนดไว้", en="None of the ways that the rule allows is met.")
        if group.kind != "any":
            return none
        # The way that lacks least says most.
        ways = [[one for one in _leaves(way) if one.holds is False] for way in group.parts]
        nearest = min((way for way in ways if way), key=lambda way: (len(way), not _is_measured(way[0])), default=None)
        if nearest is None:
            return none
        first = min(nearest, key=lambda one: one.turns_on is not None)
        return _sentences([none, _put("ทางที่ใกล้ที่สุด: {}", "The nearest: {}", self._sentences.reason(first))])

    def availability(self, now: Availability, awaited: str | None = None) -> Text:
        """When one can act; `awaited` is the date that it runs from and that there is none of."""
        if awaited is not None:
            return _put("นับจาก{} ซึ่งยังไม่มีบันทึก", "It runs from the {}, of which none is on record.", self.title(awaited))
        due = now.deadline
        match now.state:
            case State.NOT_YET:
                if now.opens is None:
                    return Text(th="ยังไม่ถึงเวลาดำเนินการ", en="It is not open yet.")
                return _put("ดำเนินการได้ตั้งแต่วันที่ {}", "It opens on {}.", _day(now.opens))
            case State.CLOSED:
                if due is None:
                    return Text(th="ปิดแล้ว", en="It is closed.")
                return _put("ปิดแล้ว วันสุดท้ายคือวันที่ {}", "It is closed; the last day was {}.", _day(due))
            case State.NO_ROUND:
                return Text(th="ขณะนี้ไม่มีรอบที่เปิด ยังไม่ต้องทำอะไร", en="No round is open, so there is nothing to do now.")
        if due is None:
            return Text(th="ดำเนินการได้เลย", en="You can act on it now.")
        if now.is_late:
            return _put(
                "ครบกำหนดไปแล้วเมื่อวันที่ {} หากยังไม่เรียบร้อย ยังดำเนินการได้",
                "It was to be settled by {}; if it is not yet, it still can be.",
                _day(due),
            )
        if now.closes is not None:
            return _put("ดำเนินการได้ถึงวันที่ {}", "It can be done until {}.", _day(now.closes))
        if now.deadline_online is not None and now.deadline_online > due:
            return _put(
                "ให้ดำเนินการภายในวันที่ {} หากยื่นออนไลน์ ภายในวันที่ {}",
                "It is to be done by {}, or online by {}.",
                _day(due), _day(now.deadline_online),
            )  # fmt: skip
        return _put("ให้ดำเนินการภายในวันที่ {}", "It is to be done by {}.", _day(due))

    def change(self, step: Step, before: Outcome) -> Text:
        """What becomes different on the day of a step."""
        what = _OUTCOMES[step.outcome] if step.outcome is not before else _STATES[step.state]
        return _put("วันที่ {} {}", "On {} {}.", _day(step.day), what)

    # ---- facts

    def title(self, path: str) -> Text:
        return _LISTS.get(path) or self._sentences.title(path)

    def question(self, path: str) -> Text:
        """What it is that one asks: a fact, or whether it is so."""
        return _LISTS.get(path) or self._sentences.question(path)

    def missing(self, path: str, fact: Fact | None) -> Text:
        """A fact that is not known, and why."""
        state = "NOT_KNOWN" if fact is None else fact.state
        agency = self.teller(path, fact)
        if state == "DISAGREEMENT":
            return _put("{} (หน่วยงานมีข้อมูลไม่ตรงกัน)", "{} (agencies say different things)", self.title(path))
        if agency is not None and state == "AGENCY_DOWN":
            return _put("{} ({}ไม่ตอบในขณะนี้)", "{} (the {} does not answer just now)", self.title(path), agency.name)
        if agency is not None and state == "NOT_ALLOWED":
            return _put("{} (ยังไม่อนุญาตให้ถาม{})", "{} (we may not ask the {})", self.title(path), agency.name)
        return _LISTS.get(path) or self._sentences.missing(path)

    def teller(self, path: str, fact: Fact | None) -> model.Agency | None:
        """The agency that could tell: the one that was asked, else the one that holds it."""
        asked = fact.source.agency if fact is not None and fact.source is not None else None
        known, announced = self._catalogue.fact(path), self._catalogue.event_date(path)
        holder = known.source_agency if known else announced.agency if announced else _HOLDERS.get(path)
        code = asked or holder
        return None if code is None else self._catalogue.agency(code)

    def value(self, fact: model.Fact, used: FactValue | None, base: FactValue | None = None) -> Text | None:
        """A fact as it was used; of a count also the date that it follows from."""
        if used is None:
            return None
        said = self._said(fact, used)
        start = base.earliest if isinstance(base, PartialDate) else base
        if fact.derived is not None and isinstance(start, date):
            title = self.title(fact.derived.date_fact)
            return _put("{} ({} {})", "{} ({} {})", said, Text(th=title.th.strip(), en=title.en), _day(start))
        return said

    def apart(self, reason: Reason, fact: model.Fact, on: date) -> Text | None:
        """By how much a condition holds or fails, in time or in the fact's unit."""
        if reason.holds is None:
            return None
        if reason.turns_on is not None:
            so_long = _length(between(on, reason.turns_on))
            if reason.holds:
                last = _day(reason.turns_on - timedelta(days=1))
                return _put("อีก {} ถึงวันที่ {}", "for {} more, until {}", so_long, last)
            return _put("อีก {} ในวันที่ {}", "in {}, on {}", so_long, _day(reason.turns_on))
        if reason.apart is None or isinstance(reason.against, bool) or isinstance(reason.used, DidNotHappen):
            return None
        if fact.unit == _FISCAL_YEAR:
            return _counted(reason.apart, self._unit("year"))
        return self._counted(reason.apart, fact)

    def _said(self, fact: model.Fact, value: FactValue) -> Text:
        match value:
            case DidNotHappen():
                return Text(th="ไม่มี", en="none")
            case bool():
                return Text(th="ใช่", en="yes") if value else Text(th="ไม่ใช่", en="no")
            case PartialDate():
                return _partial(value)
            case date():
                return _day(value)
            case str():
                return fact.say(value)
            case _:
                return self._counted(value, fact)

    def _counted(self, value: int | Decimal, fact: model.Fact) -> Text:
        if fact.unit == _FISCAL_YEAR:
            return Text(th=f"ปีงบประมาณ {value}", en=f"B.E. {value}")
        return _counted(value, None if fact.unit is None else self._unit(fact.unit))

    def _unit(self, code: str) -> Text:
        return self._catalogue.word("units", code)

    # ---- money

    def amount(self, item: ItemAmount) -> Text:
        """What an item comes to, with what is added to it."""
        if item.main is None:
            return Text(th="ยังบอกจำนวนไม่ได้", en="How much it is can't be said yet.")
        parts = [self._part(item.main), *(self._part(one) for one in item.top_ups)]
        said = Text(th=" และ".join(one.th for one in parts), en=", and ".join(one.en for one in parts))
        if item.top_ups and item.total is not None:
            total = _counted(item.total, self._unit(item.main.row.unit))
            said = _put("{} รวม {}", "{}: {} in all", said, total)
        return said

    def _part(self, part: Part) -> Text:
        row = part.row
        unit, per = self._unit(row.unit), self._catalogue.word("per", row.per)
        match part.value:
            case None:
                how_much = Text(th="ยังไม่ทราบจำนวน", en="an amount not known")
            case model.Formula():
                how_much = Text(th="ตามที่หน่วยงานคำนวณ", en="as the agency works it out")
            case model.Range(at_least=low, at_most=high):
                how_much = _with_unit(_put("{} ถึง {}", "{} to {}", _number(low), _number(high)), row.unit, unit)
            case model.OneOf(values=values):
                how_much = _put("{} {}", "{} {}", _listed([_number(one) for one in values], last="หรือ"), unit)
            case number if row.unit in _AS_PERCENT:
                how_much = _with_unit(_number(100 * number), "percent", self._unit("percent"))
            case number if row.unit in _AHEAD_OF_NUMBER:
                how_much = _with_unit(_number(number), row.unit, unit)
            case number:
                how_much = _counted(number, unit)
        doubt = Text(th=" (ยังไม่ยืนยัน)", en=" (unconfirmed)") if part.confidence == "uncertain" else _NOTHING
        return _put("{}: {} {}{}", "{}: {} {}{}", row.name, how_much, per, doubt)


def _day(day: date) -> Text:
    return Text(th=say_date(day, "th"), en=say_date(day, "en"))


def _partial(value: PartialDate) -> Text:
    said = _day(value.earliest)
    if value.is_exact:
        return said
    parts_th, parts_en = said.th.split(), said.en.split()
    if value.precision == "MONTH":
        return Text(th=" ".join(parts_th[1:]), en=" ".join(parts_en[1:]))
    return Text(th=f"พ.ศ. {parts_th[-1]}", en=parts_en[-1])


def _whom(case: Case) -> Text:
    """Whom or what it is for: `สำหรับเด็กหญิงใบบุญ`, `after the death of …`."""
    called = case.called or _NOTHING
    match case.scope:
        case "per_deceased" if case.id != PLANNED:
            return _put("กรณี{}ถึงแก่กรรม", "after the death of {}", called)
        case "per_vehicle" if case.id != PLANNED:
            return _put("สำหรับรถ {}", "for the vehicle {}", called)
    return _put("สำหรับ{}" if called.th[:1] >= "ก" else "สำหรับ {}", "for {}", called)


def _is_measured(reason: Reason) -> bool:
    """Whether it is a matter of how much or how long, which may come; of what somebody is one doesn't say so."""
    return reason.apart is not None or reason.turns_on is not None


def _heard(case: Case) -> Iterator[tuple[str, Heard]]:
    """The facts that are not simply on record."""
    for path, fact in case.known.items():
        if path in case.supposed:
            yield path, "SUPPOSED"
        elif fact.source is not None and fact.source.agency is None:
            yield path, "OWN_WORD"
        elif fact.source is not None and fact.source.is_stale:
            yield path, "STALE"


def _leaves(part: Reason | ReasonGroup) -> Iterator[Reason]:
    if isinstance(part, Reason):
        yield part
        return
    for one in part.parts:
        yield from _leaves(one)


def _with_unit(number: Text, code: str, unit: Text) -> Text:
    """Thai says percents the other way round: `ร้อยละ 7`."""
    if code in _AHEAD_OF_NUMBER:
        return Text(th=unit.th.replace(_PERCENT_TH, f"{_PERCENT_TH} {number.th} ").strip(), en=f"{number.en} {unit.en}")
    return _put("{} {}", "{} {}", number, unit)


def _number(value: int | Decimal) -> Text:
    plain = f"{Decimal(value).normalize():,f}"
    return Text(th=plain, en=plain)


def _counted(value: int | Decimal, unit: Text | None) -> Text:
    number = _number(value)
    if unit is None:
        return number
    en = unit.en.removesuffix("s") if value == 1 and unit.en.endswith("s") else unit.en
    return Text(th=f"{number.th} {unit.th}", en=f"{number.en} {en}")


def _length(time: tuple[int, int, int]) -> Text:
    names = (("ปี", "year"), ("เดือน", "month"), ("วัน", "day"))
    told = [(count, th, en) for count, (th, en) in zip(time, names, strict=True) if count]
    if not told:
        return Text(th="0 วัน", en="0 days")
    return Text(
        th=" ".join(f"{count} {th}" for count, th, _ in told),
        en=" ".join(f"{count} {en}{'' if count == 1 else 's'}" for count, _, en in told),
    )


def _listed(parts: Sequence[Text], *, last: str = "และ") -> Text:
    th, en = [one.th for one in parts], [one.en for one in parts]
    joint = {"และ": "and", "หรือ": "or"}[last]
    if len(parts) < 2:
        return Text(th="".join(th), en="".join(en))
    return Text(
        th=f"{' '.join(th[:-1])} {last}{' ' if last == 'หรือ' else ''}{th[-1]}",
        en=f"{', '.join(en[:-1])} {joint} {en[-1]}",
    )


def _sentences(said: Sequence[Text]) -> Text:
    """Sentences one after the other; Thai sets them apart by a space."""
    told = [one for one in said if one != _NOTHING]
    return Text(
        th=" ".join(one.th for one in told),
        en=" ".join(one.en if one.en[-1:] in ".:" else f"{one.en}." for one in told),
    )


def _put(th: str, en: str, *parts: Text) -> Text:
    return Text(th=th.format(*(one.th for one in parts)), en=en.format(*(one.en for one in parts)))
