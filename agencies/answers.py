"""What can be asked of an agency, and what an answer is: a value with its provenance, or why there is none.

Inside `agencies/` trouble is an exception (`trouble.py`); at the door (`gateway.py`) each becomes the state of an Answer,
because an agency that is down is ordinary life, and a screen shows the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any, Generic, TypeVar

from agencies.reading import Reading
from agencies.trouble import State
from foundation.language import Text

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why there is no (fresh) answer: a stable code for machines, a message for the reader, when to try again."""

    code: str
    message: Text
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What an agency said. `value` is there when the state is OK or STALE, `problem` when it is not OK."""

    agency: str
    state: State
    value: T | None = None
    as_of: datetime | None = None  # when the agency says its record was true, where it says so
    fetched_at: datetime | None = None  # when we asked
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long an answer may be kept: fresh for so long, then shown while it is asked anew, or while nobody answers.

    `refreshed_at` is when the agency brings its records up to date each night (legal time): what was asked before that is
    not fresh after it. Nothing is kept where both are 0.
    """

    fresh_s: float = 0.0
    stale_s: float = 0.0  # beyond the fresh time
    refreshed_at: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Things(Generic[T]):
    """What an answer lists one by one: children, vehicles, parcels. Rules ask about each by itself."""

    of: Callable[[T], Sequence[Any]]
    key: Callable[[Any], str]  # tells one from the others, and feeds the operations that ask about it (`vehicle.id`)
    called: Callable[[Any], Text]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation(Generic[T]):
    """One thing that can be asked of an agency about a person.

    `takes` names the arguments and how each is written on the wire; calling an operation with them gives the operation
    that can be asked: `sso.CONTRIBUTIONS(2026)`. BadInput where a value makes no sense.
    """

    agency: str
    name: str
    wire: str  # the agency's own name for it
    read: Callable[[Reading, Question], T]
    title: Text | None = None  # what is asked, for the person who reads their access records
    door: str = ""  # the adapter that asks it, where an agency has several; else the agency's own
    takes: Mapping[str, tuple[str, Callable[[Any], str]]] = field(default_factory=dict)
    given: tuple[tuple[str, str], ...] = ()
    is_read: bool = True  # asking twice is harmless
    # An answer that doesn't say whom it is about is believed only beside this one, asked at the same time, which does.
    witness: Operation[Any] | None = None
    keeping: Keeping = Keeping()
    is_sensitive: bool = False  # health, disability, crime: section 26 of the PDPA
    # Which facts of the catalogue it holds: by path, how to take it from the answer (or, where the path's subject is one
    # of `things`, from one of those). None: the agency doesn't say. `when_absent`: what "no such record" says of a fact.
    facts: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    things: Mapping[str, Things[T]] = field(default_factory=dict)
    when_absent: Mapping[str, Any] = field(default_factory=dict)
    fed_by: Mapping[str, str] = field(default_factory=dict)  # by argument, the fact (or `vehicle.id`) it is asked with
    usual: Mapping[str, str] = field(default_factory=dict)  # by argument that nothing feeds, what it usually is
    names_person: bool = True  # False: it is asked about a place, a vehicle or a company, and not told whose

    def __call__(self, *values: Any, **arguments: Any) -> Operation[T]:
        arguments = {**dict(zip(self.takes, values, strict=False)), **arguments}
        if arguments.keys() != self.takes.keys() or len(values) > len(self.takes):
            raise TypeError(f"{self.agency} {self.name} takes {', '.join(self.takes) or 'no arguments'}")
        return replace(self, given=tuple((wire, write(arguments[name])) for name, (wire, write) in self.takes.items()))

    @property
    def asked_through(self) -> str:
        """The code of the adapter that asks it."""
        return self.door or self.agency

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """Equal for two that ask the same."""
        return self.agency, self.name, self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An operation as asked about one person, for the reader to hold the answer against."""

    person_number: str = field(repr=False)
    given: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """An answer that was read and is about the person we asked for."""

    value: T
    as_of: datetime | None = None
    # What was read, and what it was asked with, so that it can be kept and read again.
    said: Any = field(default=None, repr=False)
    given: Mapping[str, str] = field(default_factory=dict, repr=False)


SAID = {
    "AGENCY_TIMEOUT": Text(
        th="หน่วยงานไม่ตอบภายในเวลาที่กำหนด โปรดลองใหม่ภายหลัง",
        en="The agency did not answer in time. Please try again later.",
    ),
    "AGENCY_UNREACHABLE": Text(
        th="ติดต่อหน่วยงานไม่ได้ในขณะนี้ โปรดลองใหม่ภายหลัง", en="The agency can't be reached now. Please try again later."
    ),
    "AGENCY_TLS": Text(
        th="ยืนยันไม่ได้ว่าปลายทางเป็นระบบของหน่วยงานจริง จึงไม่ได้ส่งข้อมูล โปรดลองใหม่ภายหลัง",
        en="The agency's system could not prove that it is the agency's, so nothing was sent. Please try again later.",
    ),
    "AGENCY_ERROR": Text(
        th="ระบบของหน่วยงานขัดข้อง โปรดลองใหม่ภายหลัง", en="The agency's system has a fault. Please try again later."
    ),
    "AGENCY_DOWN": Text(
        th="ระบบของหน่วยงานขัดข้องอยู่ จึงยังไม่ได้สอบถาม โปรดลองใหม่ภายหลัง",
        en="The agency's system is down, so it was not asked. Please try again later.",
    ),
    "AGENCY_BUSY": Text(th="หน่วยงานมีผู้ใช้งานมาก โปรดลองใหม่ภายหลัง", en="The agency is very busy. Please try again later."),
    "AGENCY_REFRESHING": Text(
        th="หน่วยงานกำลังปรับปรุงข้อมูลประจำวัน โปรดลองใหม่ภายหลัง",
        en="The agency is taking in the day's changes. Please try again later.",
    ),
    "AGENCY_SLOW": Text(
        th="หน่วยงานตอบช้า นี่คือข้อมูลที่เคยตอบไว้ ข้อมูลใหม่กำลังมา",
        en="The agency is slow; this is what it said before. A newer answer is on its way.",
    ),
    "AGENCY_REFUSED": Text(th="หน่วยงานไม่อนุญาตให้ดูข้อมูลนี้", en="The agency does not allow this information to be seen."),
    "ANSWER_MALFORMED": Text(
        th="ข้อมูลที่หน่วยงานตอบอ่านไม่ได้ จึงไม่แสดง", en="The agency's answer could not be read, so it is not shown."
    ),
    "ANSWER_REJECTED": Text(
        th="ข้อมูลที่หน่วยงานตอบไม่ผ่านการตรวจสอบ จึงไม่แสดง",
        en="The agency's answer did not pass our checks, so it is not shown.",
    ),
    "NOT_FOUND": Text(th="หน่วยงานไม่มีข้อมูลของท่าน", en="The agency holds no such record about you."),
    "NOT_ALLOWED": Text(th="ไม่มีสิทธิดูข้อมูลนี้", en="You may not see this information."),
    "CONSENT_WITHDRAWN": Text(
        th="ท่านได้ยกเลิกการให้แอปนี้ดูข้อมูลจากหน่วยงานนี้ เปิดใช้อีกครั้งได้ในการตั้งค่าความยินยอม",
        en="You have withdrawn this agency from the app. You can give it back in the consent settings.",
    ),
    "CONSENT_NOT_GIVEN": Text(
        th="ยังไม่ได้รับความยินยอมให้ใช้ข้อมูลอ่อนไหวนี้เพื่อแจ้งสิทธิล่วงหน้า",
        en="The person has not agreed that this sensitive information is used to tell them of their rights.",
    ),
    "NOT_RECORDED": Text(
        th="บันทึกการเข้าถึงข้อมูลไม่ได้ จึงยังไม่ได้สอบถามหน่วยงาน โปรดลองใหม่ภายหลัง",
        en="The look could not be recorded, so the agency was not asked. Please try again later.",
    ),
    "OUTCOME_UNKNOWN": Text(
        th="ไม่ทราบว่าหน่วยงานได้รับคำขอแล้วหรือไม่ โปรดตรวจสอบก่อนส่งคำขออีกครั้ง",
        en="It is not known whether the agency received the request. Please check before you send it again.",
    ),
}


def problem(code: str, *, retry_after_s: float | None = None) -> Problem:
    return Problem(code=code, message=SAID[code], retry_after_s=retry_after_s)
