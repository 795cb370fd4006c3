"""The National Health Security Office: under which schemes a person is cared for, and where.

Right search v2, or the older v1 that hospitals have long asked (`Nhso`, `OldNhso`): one question, one value, read from
either. In v2 a person whom it doesn't know is a 200 with empty `funds` and no name; a person may hold several schemes. In
v1 the fields are flat, only the main scheme is told, and `ws_status` says what became of the question. WEL, the older
code for universal coverage without co-payment, is folded into UCS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from agencies.answers import Found, Keeping, Operation, Question
from agencies.badge import Badge, Token
from agencies.dialect import both, hear, opened, reach, served
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AgencyRefused, AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble
from foundation.clock import Clock
from foundation.dates import PartialDate, partial_from_buddhist
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
    birth: PartialDate | None = None  # as this office has it; the civil register may say otherwise

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
    if answer.maybe_text("ws_status"):
        return _read_old_rights(answer, question)
    number = answer.maybe_digits("pid", length=13)
    funds = answer.parts("funds")
    if number is None and not funds:
        raise NotThere("nobody of that number")
    if number != question.person_number:
        raise AnswerAboutSomeoneElse("another identity number")
    if not funds:
        raise NotThere("no right on that day")
    held = sorted((_read_fund(fund) for fund in funds), key=lambda fund: not fund.is_main)
    checked_on = _read_day(answer, "checkDate") or _asked_for(question)
    return Rights(checked_on=checked_on, funds=tuple(held), birth=_read_birth(answer))


def _asked_for(question: Question) -> date:
    """The day that was asked for, where the answer doesn't repeat it."""
    try:
        return date.fromisoformat(question.given[_CHECKED_ON])
    except (KeyError, ValueError) as exc:
        raise AnswerMalformed("for which day the right was searched is not known") from exc


def _read_birth(answer: Reading) -> PartialDate | None:
    """Told twice in v2; either may be missing, and 0 stands for what isn't known."""
    parts = answer.maybe_part("birthDateNew")
    if parts is not None and (year := parts.maybe_number("year")):
        try:
            return partial_from_buddhist(year, parts.maybe_number("month") or 0, parts.maybe_number("day") or 0)
        except ValueError as exc:
            raise AnswerMalformed("birthDateNew is not a date") from exc
    whole = answer.maybe_text("birthDate")
    return answer.birth("birthDate") if whole and whole.strip("0") else None


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


def _read_old_rights(answer: Reading, question: Question) -> Rights:
    number, code = answer.maybe_digits("person_id", length=13), answer.maybe_text("maininscl")
    if number is None and code is None:
        raise NotThere("nobody of that number")
    if number != question.person_number:
        raise AnswerAboutSomeoneElse("another identity number")
    if code is None:
        raise NotThere("no right on that day")
    scheme, said = _SCHEMES.get(code.upper(), _OTHER)
    sub, province = answer.maybe_text("subinscl_name"), answer.maybe_text("purchaseprovince_name")
    birth = answer.maybe_text("birthdate")
    fund = Fund(
        is_main=True,
        scheme=scheme,
        scheme_code=code.upper(),
        scheme_name=both(answer.text("maininscl_name"), said),
        sub_code=answer.maybe_text("subinscl"),
        sub_name=both(sub) if sub else None,
        main_unit=_read_old_unit(answer, "hmain"),
        sub_unit=_read_old_unit(answer, "hsub"),
        primary_unit=_read_old_unit(answer, "hmain_op"),
        province=both(province) if province else None,
        since=answer.maybe_day("startdate") or answer.maybe_day("startdate_sss"),
        until=answer.maybe_day("expdate"),
    )
    known = answer.birth("birthdate") if birth and birth.strip("0") else None
    return Rights(checked_on=_read_day(answer, "checkDate") or _asked_for(question), funds=(fund,), birth=known)


def _read_old_unit(answer: Reading, name: str) -> Unit | None:
    code = answer.maybe_text(name)
    return Unit(code=code, name=both(answer.text(f"{name}_name"))) if code else None


_FACT_OF_SCHEME = {"UCS": "uc", "SSS": "sso", "OFC": "csmbs", "LGO": "lao", "STP": "other", "OTHER": "other"}


def _uc_unit(rights: Rights) -> str | None:
    fund = next((fund for fund in rights.funds if fund.scheme == "UCS"), None)
    unit = (fund.primary_unit or fund.main_unit) if fund else None
    return unit.code if unit else None


_CHECKED_ON = "checked_on"
RIGHTS = Operation(
    agency=CODE, name="RIGHTS", wire="right-search", read=_read_rights,
    title=Text(th="สิทธิรักษาพยาบาล", en="Rights to health care"), keeping=Keeping(fresh_s=3600, stale_s=2 * 86_400),
    facts={
        "health.right": lambda rights: _FACT_OF_SCHEME[rights.main.scheme],
        "health.uc_unit_id": _uc_unit,
        "person.birth_date": lambda rights: rights.birth,
    },
    when_absent={"health.right": "none"},
)  # fmt: skip


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
        question = Question(person_number=person_number, given={_CHECKED_ON: day})
        return [hear(operation, answer, question) for operation in operations]


_OLD_OK, _OLD_TOKEN_ENDED = "NHSO-000001", "NHSO-00003"
_OLD_TOKEN_GOOD_FOR_S = 3600
_MARGIN_S = 30


class OldNhso:
    """Right search v1 below `url`, under a token that `token_url` gives for our refresh token."""

    code = CODE
    most_at_once = 1

    def __init__(
        self, http: Http, *, url: str, token_url: str, refresh_token: Secret, clock: Clock, deadline_s: float
    ) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/api/ucws/v1/right-search"
        self._token_url = f"{token_url.rstrip('/')}/api/scard/access-token"
        self._refresh_token = refresh_token.reveal()
        self._clock = clock
        self._deadline_s = deadline_s
        self._badge = Badge(self._renew, clock=clock)

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        """One search; there is only one operation. v1 knows no day but today."""
        token = await self._badge.show()
        answer = await self._search(person_number, token)
        if answer is None:
            self._badge.refused(token)
            answer = await self._search(person_number, await self._badge.show())
        if answer is None:
            raise AgencyRefused("the search does not take the token that it gave")
        status = answer.text("ws_status")
        if status != _OLD_OK:
            if not status.startswith("NHSO-"):
                raise AnswerMalformed("ws_status is none of the office's")
            raise AgencyDown(f"the search says {status[:12]}")
        day = self._clock.today().isoformat()
        # With the day, which v1 doesn't repeat, so that the answer can be read again when it was kept.
        answer = Reading({**answer.content, "checkDate": f"{day}T00:00:00"})
        question = Question(person_number=person_number, given={_CHECKED_ON: day})
        return [hear(operation, answer, question) for operation in operations]

    async def _search(self, person_number: str, token: str) -> Reading | None:
        """The answer; None where the token has ended."""
        reply = await reach(
            self._http, "GET", self._url, deadline_s=self._deadline_s, headers={"Authorization": f"Bearer {token}"},
            params={"pid": person_number},
        )  # fmt: skip
        if reply.status == 401:
            return None
        answer = opened(served(reply))
        return None if answer.maybe_text("ws_status") == _OLD_TOKEN_ENDED else answer

    async def _renew(self) -> Token:
        form = {"refresh_token": self._refresh_token}
        reply = await reach(self._http, "POST", self._token_url, deadline_s=self._deadline_s, form=form)
        given = opened(served(reply))
        good_for_s = given.maybe_number("expires_in") or _OLD_TOKEN_GOOD_FOR_S
        return Token(value=given.text("access_token", "token"), good_for_s=max(good_for_s - _MARGIN_S, 1))
