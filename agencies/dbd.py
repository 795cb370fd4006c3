"""The Department of Business Development: what the registers say about one juristic person.

Two doors to two registers: the open API, which anybody may ask and which knows no people, and the profile behind GDX,
which lists the directors. The open API answers 200 whatever happened, with a code; announces its JSON as text/html; and
its firewall answers a page instead. The answer is about a company, so whom we asked about is the juristic number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

from agencies.answers import Found, Keeping, Operation, Question
from agencies.dialect import both, hear, opened, reach, served
from agencies.gdx import GdxTransport
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble
from foundation.errors import BadInput
from foundation.http import Http
from foundation.language import Text, ascii_digits

CODE = "dbd"
OPEN, PROFILE = "dbd_open", "dbd_gdx"

Form = Literal["ORDINARY_PARTNERSHIP", "LIMITED_PARTNERSHIP", "COMPANY", "PUBLIC_COMPANY", "OTHER"]
Status = Literal["ACTIVE", "ENDED", "OTHER"]

_OK, _NO_DATA, _MALFORMED = "1000", "1004", "1051"
_PROVINCE = re.compile(r"(?:TH-)?([0-9]{2})")
# As the profile and some answers of the open API write it.
_FORMS: dict[str, Form] = {
    "2": "ORDINARY_PARTNERSHIP", "3": "LIMITED_PARTNERSHIP", "5": "COMPANY", "7": "PUBLIC_COMPANY",
}  # fmt: skip
# By the words with which the register says it; the longest that fits.
_FORM_WORDS: tuple[tuple[str, Form, str], ...] = (
    ("บริษัทมหาชน", "PUBLIC_COMPANY", "Public limited company"),
    ("บริษัท", "COMPANY", "Limited company"),
    ("ห้างหุ้นส่วนจำกัด", "LIMITED_PARTNERSHIP", "Limited partnership"),
    ("ห้างหุ้นส่วนสามัญ", "ORDINARY_PARTNERSHIP", "Registered ordinary partnership"),
)
# ร้าง: struck off. เลิก, เสร็จการชำระบัญชี, ล้มละลาย: dissolved, liquidated, bankrupt.
_ENDED = ("ร้าง", "เลิก", "ชำระบัญชี", "ล้มละลาย", "แปรสภาพ", "ควบ", "สิ้นสภาพ")
_GOING_ON = ("ยังดำเนินกิจการ", "ฟื้นฟู", "คืนสู่ทะเบียน")
_STATUS_EN: dict[Status, str | None] = {"ACTIVE": "Still in business", "ENDED": "No longer in business", "OTHER": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    code: str  # two, four or six digits
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """The address of the head office."""

    text: str  # house number, building, lane and road in one line, as registered
    subdistrict: Place | None
    district: Place | None
    province: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JuristicPerson:
    juristic_id: str
    name: Text
    form: Form
    form_name: Text
    status: Status
    status_name: Text
    registered_on: date
    capital: Decimal | None
    objective_code: str | None  # TSIC, five digits
    objective: Text | None
    seat: Seat | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Director:
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Who directs a juristic person, as the profile behind GDX lists them."""

    juristic_id: str
    name: Text
    directors: tuple[Director, ...]
    authority: tuple[str, ...]  # who may sign for it, in the register's words


def write_juristic_id(value: Any) -> str:
    """The thirteen digits of a juristic number, however it was written. BadInput where it can't be one."""
    digits = re.sub(r"[\s-]", "", ascii_digits(value)) if type(value) is str and len(value) <= 40 else ""
    weights = zip(digits, range(13, 1, -1), strict=False)
    if not re.fullmatch(r"0[0-9]{12}", digits) or (11 - sum(int(d) * w for d, w in weights) % 11) % 10 != int(
        digits[12]
    ):
        raise BadInput(
            "a juristic number has thirteen digits, the first a 0 and the last a check digit",
            th="เลขทะเบียนนิติบุคคลต้องมี 13 หลัก ขึ้นต้นด้วย 0 และหลักตรวจสอบต้องถูกต้อง", field="juristicId",
        )  # fmt: skip
    return digits


def _read_juristic(answer: Reading, question: Question) -> JuristicPerson:
    people = answer.parts("data")
    if not people:
        raise NotThere("no such juristic person")
    told = people[0].part("cd:OrganizationJuristicPerson")
    juristic_id = told.digits("cd:OrganizationJuristicID", length=13)
    if juristic_id != question.given["juristic_id"]:
        raise AnswerAboutSomeoneElse("another juristic number")
    form, form_name = _read_form(told.text("cd:OrganizationJuristicType"))
    status, status_name = _read_status(told.text("cd:OrganizationJuristicStatus"))
    objective = _read_objective(told)
    return JuristicPerson(
        juristic_id=juristic_id,
        name=both(told.text("cd:OrganizationJuristicNameTH"), told.maybe_text("cd:OrganizationJuristicNameEN")),
        form=form,
        form_name=form_name,
        status=status,
        status_name=status_name,
        registered_on=_read_day(told.digits("cd:OrganizationJuristicRegisterDate", length=8)),
        capital=told.maybe_money("cd:OrganizationJuristicRegisterCapital"),
        objective_code=objective[0],
        objective=objective[1],
        seat=_read_seat(told),
    )


def _read_form(words: str) -> tuple[Form, Text]:
    for beginning, form, en in _FORM_WORDS:
        if words.startswith(beginning):
            return form, both(words, en)
    return _FORMS.get(words, "OTHER"), both(words)


def _read_status(words: str) -> tuple[Status, Text]:
    # Whoever is being revived still is in business, whatever else the words say, so that is looked for first.
    status: Status = "OTHER"
    if any(sign in words for sign in _GOING_ON):
        status = "ACTIVE"
    elif any(sign in words for sign in _ENDED):
        status = "ENDED"
    return status, both(words, _STATUS_EN[status])


def _read_objective(told: Reading) -> tuple[str | None, Text | None]:
    held = told.maybe_part("cd:OrganizationJuristicObjective")
    found = None if held is None else held.raw("td:JuristicObjective")
    if type(found) is list:  # several objectives: the first is what it chiefly does
        found = found[0] if found else None
    if not found:
        return None, None
    objective = Reading(found)
    words = objective.maybe_text("td:JuristicObjectiveTextTH")
    return (
        objective.maybe_digits("td:JuristicObjectiveCode", length=5),
        both(words, objective.maybe_text("td:JuristicObjectiveTextEN")) if words else None,
    )


def _read_seat(told: Reading) -> Seat | None:
    held = told.maybe_part("cd:OrganizationJuristicAddress")
    at = None if held is None else held.maybe_part("cr:AddressType")
    if at is None:
        return None
    line = [
        at.maybe_text("cd:AddressNo", "cd:Address"), at.maybe_text("cd:Building"), _with("หมู่ที่ ", at.maybe_text("cd:Moo")),
        _with("ซอย", at.maybe_text("cd:Soi")), _with("ถนน", at.maybe_text("cd:Road", "cd:Street")),
    ]  # fmt: skip
    return Seat(
        text=" ".join(part for part in line if part and part != "-"),
        subdistrict=_read_place(at, "CitySubDivision", length=6),
        district=_read_place(at, "City", length=4),
        province=_read_place(at, "CountrySubDivision", length=2),
    )


def _with(word: str, text: str | None) -> str | None:
    return f"{word}{text.removeprefix(word.strip()).strip()}" if text and text != "-" else None


def _read_place(at: Reading, level: str, *, length: int) -> Place | None:
    """Codes come as eight digits with zeros behind, as the digits of their level, or as `TH-10`."""
    held = at.maybe_part(f"cd:{level}")
    name = None if held is None else held.maybe_text(f"cr:{level}TextTH")
    if held is None or name is None:
        return None
    code = held.text(f"cr:{level}Code")
    digits = (_PROVINCE.fullmatch(code) or [code, code])[1]
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (length, 8):
        raise AnswerMalformed(f"cr:{level}Code is not a code of a place")
    return Place(code=digits[:length], name=both(name))


def _read_day(digits: str) -> date:
    """`20011001`, in the Common Era; the profile behind GDX writes the Buddhist."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as exc:
        raise AnswerMalformed("cd:OrganizationJuristicRegisterDate is not a date") from exc


def _read_board(answer: Reading, question: Question) -> Board:
    results = answer.parts("ResultList")
    if not results:
        raise NotThere("no such juristic person")
    told = results[0]
    juristic_id = told.digits("JuristicID", length=13)
    if juristic_id != question.given["JuristicID"]:
        raise AnswerAboutSomeoneElse("another juristic number")
    return Board(
        juristic_id=juristic_id,
        name=both(told.text("JuristicName_TH"), told.maybe_text("JuristicName_EN")),
        directors=tuple(_read_director(one) for one in _maybe_parts(told, "CommitteeInformations")),
        authority=tuple(one.text("AuthorizeDescription") for one in _maybe_parts(told, "AuthorizeDescriptions")),
    )


def _maybe_parts(told: Reading, name: str) -> list[Reading]:
    return [] if told.raw(name) is None else told.parts(name)


def _read_director(one: Reading) -> Director:
    title, first, last = one.maybe_text("Title"), one.text("FirstName"), one.maybe_text("LastName")
    return Director(name=both(f"{title or ''}{first}{f' {last}' if last else ''}"))


_A_DAY = Keeping(fresh_s=86_400, stale_s=30 * 86_400)
# They tell no facts: a person's businesses are listed elsewhere, with shops among them that have no juristic number.
JURISTIC = Operation(
    agency=CODE, name="JURISTIC", wire="juristic_person", read=_read_juristic, door=OPEN, names_person=False,
    title=Text(th="ข้อมูลทะเบียนนิติบุคคล", en="The register of juristic persons"),
    takes={"juristic_id": ("juristic_id", write_juristic_id)}, fed_by={"juristic_id": "business.id"}, keeping=_A_DAY,
)  # fmt: skip
DIRECTORS = Operation(
    agency=CODE, name="DIRECTORS", wire="committee", read=_read_board, door=PROFILE, names_person=False,
    title=Text(th="รายชื่อกรรมการของนิติบุคคล", en="The directors of a juristic person"),
    takes={"juristic_id": ("JuristicID", write_juristic_id)}, fed_by={"juristic_id": "business.id"}, keeping=_A_DAY,
)  # fmt: skip


class DbdOpen:
    """The open API below `url`; no key."""

    code = OPEN
    most_at_once = 1

    def __init__(self, http: Http, *, url: str, deadline_s: float) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/api/v1/juristic_person/"
        self._deadline_s = deadline_s

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        return [await self._ask(person_number, operation) for operation in operations]

    async def _ask(self, person_number: str, operation: Operation[Any]) -> Found[Any] | Trouble:
        given = dict(operation.given)
        url = self._url + given["juristic_id"]  # a company's number, which is public
        answer = opened(served(await reach(self._http, "GET", url, deadline_s=self._deadline_s)))
        code = answer.part("status").text("code")
        if code == _OK:
            return hear(operation, answer, Question(person_number=person_number, given=given))
        if code == _NO_DATA:
            return NotThere("no such juristic person")
        if code == _MALFORMED:
            return AnswerMalformed("the open API did not take our number")
        return AgencyDown(f"the open API says {code[:10]}")


class DbdProfile:
    """The profile services behind GDX, below `url` (`…/ws/dbd/juristic/v4/profile`)."""

    code = PROFILE
    most_at_once = 1

    def __init__(self, gdx: GdxTransport, *, url: str) -> None:
        self._gdx = gdx
        self._url = url.rstrip("/")

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        return [await self._ask(person_number, operation) for operation in operations]

    async def _ask(self, person_number: str, operation: Operation[Any]) -> Found[Any] | Trouble:
        given = dict(operation.given)
        reply = await self._gdx.request("GET", f"{self._url}/{operation.wire}?{urlencode(given)}")
        if reply.status == 404:  # so GDX says that there is no data; a page of somebody else's is not that
            return NotThere("no such juristic person") if _said_so(opened(reply)) else AnswerMalformed("another 404")
        return hear(operation, opened(served(reply)), Question(person_number=person_number, given=given))


def _said_so(answer: Reading) -> bool:
    return answer.maybe_text("Code") == "404"
