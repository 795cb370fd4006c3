"""The National Health Security Office: under which schemes a person is cared for, and where.

Right search v2. A person whom it doesn't know is a 200 with empty `funds` and no name; a person may hold several
schemes; WEL, the older code for universal coverage without co-payment, is folded into UCS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from agencies.answers import AnswerAboutSomeoneElse, AnswerMalformed, Found, NotThere, Operation, Question, Trouble
from agencies.dialect import Reading, both, hear, opened, reach, served
from foundation.clock import Clock
from foundation.http import Http
from foundation.language import Text
from foundation.settings import Secret

CODE = "nhso"

Scheme = Literal["UCS", "SSS", "OFC", "LGO", "STP", "OTHER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A hospital or health centre."""

    code: str
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """One right to care."""

    is_main: bool
    scheme: Scheme
    scheme_code: str  # as the office writes it, WEL included
    scheme_name: Text
    sub_code: str | None
    sub_name: Text | None
    main_unit: Unit | None
    sub_unit: Unit | None
    primary_unit: Unit | None  # where outpatients go first, under UCS
    province: Text | None
    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    checked_on: date
    funds: tuple[Fund, ...]  # never empty; the main one first

    @property
    def main(self) -> Fund:
        return self.funds[0]


_SCHEMES: dict[str, tuple[Scheme, str]] = {
    "UCS": ("UCS", "Universal Coverage Scheme"),
    "WEL": ("UCS", "Universal Coverage Scheme, without co-payment"),
    "SSS": ("SSS", "Social Security Scheme"),
    "OFC": ("OFC", "Civil Servant Medical Benefit Scheme"),
    "LGO": ("LGO", "Local government officers' scheme"),
    "STP": ("STP", "Scheme for persons with citizenship problems"),
}
_OTHER: tuple[Scheme, None] = ("OTHER", None)


def _read_rights(answer: Reading, question: Question) -> Rights:
    number = answer.maybe_digits("pid", length=13)
    funds = answer.parts("funds")
    if number is None and not funds:
        raise NotThere("nobody of that number")
    if number != question.person_number:
        raise AnswerAboutSomeoneElse("another identity number")
    if not funds:
        raise NotThere("no right on that day")
    held = sorted((_read_fund(fund) for fund in funds), key=lambda fund: not fund.is_main)
    return Rights(checked_on=date.fromisoformat(question.given["checked_on"]), funds=tuple(held))


def _read_fund(fund: Reading) -> Fund:
    main, sub = fund.part("mainInscl"), fund.maybe_part("subInscl")
    code = main.text("id").upper()
    scheme, said = _SCHEMES.get(code, _OTHER)
    province = fund.maybe_part("purchaseProvince")
    return Fund(
        is_main=(fund.maybe_text("fundType") or "MAIN").upper() == "MAIN",
        scheme=scheme,
        scheme_code=code,
        scheme_name=both(main.text("name"), said),
        sub_code=sub.maybe_text("id") if sub else None,
        sub_name=both(sub.text("name")) if sub else None,
        main_unit=_read_unit(fund, "hospMain"),
        sub_unit=_read_unit(fund, "hospSub"),
        primary_unit=_read_unit(fund, "hospMainOp"),
        province=both(province.text("name")) if province else None,
        since=_read_day(fund, "startDateTime"),
        until=_read_day(fund, "expireDateTime"),
    )


def _read_unit(fund: Reading, name: str) -> Unit | None:
    unit = fund.maybe_part(name)
    code = unit.maybe_text("hcode") if unit else None
    return Unit(code=code, name=both(unit.text("hname"))) if unit and code else None


def _read_day(fund: Reading, name: str) -> date | None:
    """`2026-11-21T00:00:00`, in Common Era, without a zone: the day is what counts."""
    text = fund.maybe_text(name)
    try:
        return datetime.fromisoformat(text).date() if text else None
    except ValueError as exc:
        raise AnswerMalformed(f"{name} is not a date") from exc


RIGHTS = Operation(agency=CODE, name="RIGHTS", wire="right-search", read=_read_rights)


class Nhso:
    """The right search below `url`, asked for the legal day."""

    code = CODE
    most_at_once = 1

    def __init__(self, http: Http, *, url: str, token: Secret, clock: Clock, deadline_s: float) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/api/v2/right-search"
        self._headers = {"Authorization": f"Bearer {token.reveal()}"}
        self._clock = clock
        self._deadline_s = deadline_s

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        """One search; there is only one operation."""
        day = self._clock.today().isoformat()
        # The search takes the number in the address; that is its dialect, and no URL of ours is logged.
        reply = await reach(
            self._http, "GET", self._url, deadline_s=self._deadline_s, headers=self._headers,
            params={"pid": person_number, "checkDate": f"{day}T00:00:00"},
        )  # fmt: skip
        answer = opened(served(reply))
        question = Question(person_number=person_number, given={"checked_on": day})
        return [hear(operation, answer, question) for operation in operations]
