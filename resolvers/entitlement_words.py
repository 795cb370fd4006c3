"""What is said about an entitlement, in both languages: the answer, when one can act, how much, what is not known and why.

Conditions are said by `lifeevents/rules/sentences.py`; here they are put together with the day, the money and the agencies
as a clerk at a counter would, one sentence at a time. What the catalogue marks as uncertain is said to be so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from agencies.facts import Fact
from foundation.dates import PartialDate
from foundation.language import Text, say_date
from lifeevents.catalogue import model
from lifeevents.rules.amount import ItemAmount, Part
from lifeevents.rules.availability import Availability, State
from lifeevents.rules.calendar import between
from lifeevents.rules.explain import Explanation, Outcome, Reason
from lifeevents.rules.ir import DID_NOT_HAPPEN, DidNotHappen, FactValue
from lifeevents.rules.sentences import Sentences
from lifeevents.rules.timeline import Step
from lifeevents.situation import Case

_NOTHING: Final = Text(th="", en="")
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


class Words:
    def __init__(self, catalogue: model.Catalogue, sentences: Sentences) -> None:
        self._catalogue = catalogue
        self._sentences = sentences

    def answer(
        self, explained: Explanation, outcome: Outcome, case: Case, now: Availability, missing: Sequence[Text]
    ) -> Text:
        """The answer with what decides it, and when one can act: what a clerk would say first."""
        said = [self._headline(explained, outcome, case, missing)]
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
            unknown = _listed(missing)
            if case.called is None:
                return _put(
                    "ยังบอกไม่ได้ว่าคุณเข้าเกณฑ์ “{}” หรือไม่ เพราะยังไม่ทราบ{}",
                    "It can't be said yet whether you meet the conditions of “{}”: not known yet is {}.",
                    title, unknown,
                )  # fmt: skip
            return _put(
                "ยังบอกไม่ได้ว่า “{}” สำหรับ{} เข้าเกณฑ์หรือไม่ เพราะยังไม่ทราบ{}",
                "It can't be said yet whether “{}” is there for {}: not known yet is {}.",
                title, case.called, unknown,
            )  # fmt: skip
        if case.called is None or not explained.in_force:
            return self._sentences.headline(explained)
        if outcome is Outcome.ELIGIBLE:
            return _put("“{}” สำหรับ{} เข้าเกณฑ์", "“{}” for {}: the conditions are met.", title, case.called)
        return _put("“{}” สำหรับ{} ไม่เข้าเกณฑ์", "“{}” for {}: the conditions are not met.", title, case.called)

    def _because(self, explained: Explanation) -> Text:
        """The condition that fails, one that no day will turn before one that waits for its day."""
        failing = [part for part in explained.root.parts if part.holds is False]
        reasons = [part for part in failing if isinstance(part, Reason)]
        if not reasons:
            none = Text(th="ไม่เข้าทางใดทางหนึ่งที่กฎกำหนดไว้", en="None of the ways that the rule allows is met.")
            return none if failing else _NOTHING
        first = min(reasons, key=lambda one: one.turns_on is not None)
        return self._sentences.reason(first)

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
                "หากยังไม่ได้ทำ เลยกำหนดวันที่ {} แล้ว แต่ยังดำเนินการได้",
                "It was due by {}; if it is not done yet, it still can be.",
                _day(due),
            )
        if now.closes is not None:
            return _put("ดำเนินการได้ถึงวันที่ {}", "It can be done until {}.", _day(now.closes))
        return _put("ให้ดำเนินการภายในวันที่ {}", "It is to be done by {}.", _day(due))

    def change(self, step: Step, before: Outcome) -> Text:
        """What becomes different on the day of a step."""
        what = _OUTCOMES[step.outcome] if step.outcome is not before else _STATES[step.state]
        return _put("วันที่ {} {}", "On {} {}.", _day(step.day), what)

    # ---- facts

    def title(self, path: str) -> Text:
        return _LISTS.get(path) or self._sentences.title(path)

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
            return _put("{} ({} {})", "{} ({} {})", said, self.title(fact.derived.date_fact), _day(start))
        return said

    def apart(self, reason: Reason, fact: model.Fact, on: date) -> Text | None:
        """By how much a condition holds or fails, in time or in the fact's unit."""
        if reason.holds is None:
            return None
        if reason.turns_on is not None:
            so_long = _length(between(on, reason.turns_on))
            if reason.holds:
                return _put("อีก {} ถึงวันที่ {}", "for {} more, until {}", so_long, _day(reason.turns_on))
            return _put("อีก {} ในวันที่ {}", "in {}, on {}", so_long, _day(reason.turns_on))
        if reason.apart is None or isinstance(reason.against, bool) or isinstance(reason.used, DidNotHappen):
            return None
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
                span = _put("{} ถึง {}", "{} to {}", _number(low), _number(high))
                how_much = _put("{} {}", "{} {}", span, unit)
            case model.OneOf(values=values):
                how_much = _put("{} {}", "{} {}", _listed([_number(one) for one in values], last="หรือ"), unit)
            case number:
                how_much = _counted(number, unit)
        doubt = Text(th=" (ยังไม่ยืนยัน)", en=" (unconfirmed)") if part.confidence == "uncertain" else _NOTHING
        return _put("{}: {} {}{}", "{}: {} {}{}", row.name, how_much, per, doubt)


def awaited(service: model.PublicService, case: Case, now: Availability) -> str | None:
    """The date of what must happen first, where it didn't: the service is for when it does."""
    deadline = service.deadline
    if deadline is None or deadline.early is not None or deadline.kind not in ("legal", "recommended", "benefit_loss"):
        return None
    if now.state is not State.OPEN or not isinstance(deadline.anchor, model.FactDay):
        return None
    fact = deadline.anchor.fact
    return fact if case.facts.get(fact) is DID_NOT_HAPPEN else None


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
        th=" ".join(one.th for one in told), en=" ".join(one.en if one.en[-1:] == "." else f"{one.en}." for one in told)
    )


def _put(th: str, en: str, *parts: Text) -> Text:
    return Text(th=th.format(*(one.th for one in parts)), en=en.format(*(one.en for one in parts)))
