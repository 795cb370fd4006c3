"""The Revenue Department's two public checks: who is registered for VAT, and whether a tax number exists.

A person's tax number is their identity number, a company's its juristic number, so each check is there twice: of the
person themself (`VAT`, `TIN`), and of a company of theirs (`COMPANY_VAT`, `COMPANY_TIN`). VAT is SOAP with the account
that the department publishes; "not registered" is a sentence in `vmsgerr`, which stands for mistakes as well, so only
the sentences known to mean it are read as a no.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from agencies.answers import Found, Keeping, Operation, Question
from agencies.dbd import write_juristic_id
from agencies.dialect import hear, opened, reach, served
from agencies.reading import Reading
from agencies.soap import envelope, headers, opened_soap
from agencies.trouble import AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble
from foundation.http import Http
from foundation.language import Text

CODE = "rd"
DOOR = "rd_vat"

_NAMESPACE = "https://rdws.rd.go.th/serviceRD3/vatserviceRD3"
_PUBLIC = "anonymous"  # the account and password that the department publishes for everybody
_NOT_REGISTERED = ("ไม่พบข้อมูล", "ไม่พบผู้ประกอบการ", "not found")
_NOTHING = ("", "-")  # "-" is how the department writes an empty field


@dataclass(frozen=True, slots=True, kw_only=True)
class VatRegistration:
    """Somebody who is registered for VAT. Who isn't is NotThere."""

    tax_number: str
    name: str
    branch_number: int  # 0 is the head office
    since: date | None
    address: str
    province: str | None
    postcode: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxNumber:
    is_well_formed: bool
    exists: bool


def _read_vat(answer: Reading, question: Question) -> VatRegistration:
    told = answer.part("ServiceResult")
    tin = question.given.get("TIN", question.person_number)
    number = _held(told, "vNID")
    if number is None:
        why = _held(told, "vmsgerr")
        if why is not None and any(sign in why.lower() for sign in _NOT_REGISTERED):
            raise NotThere("not registered for VAT")
        raise AnswerMalformed("neither a registration nor that there is none")
    if number != tin:
        raise AnswerAboutSomeoneElse("another tax number")
    name = [_held(told, field) for field in ("vtitleName", "vName", "vSurname")]
    since = _held(told, "vBusinessFirstDate")
    return VatRegistration(
        tax_number=number,
        name=" ".join(part for part in name if part),
        branch_number=_read_branch(_held(told, "vBranchNumber")),
        since=None if since is None else _read_day(since),
        address=_address(told),
        province=_held(told, "vProvince"),
        postcode=_held(told, "vPostCode"),
    )


def _held(told: Reading, name: str) -> str | None:
    """The text in the wrapping `anyType`; None where the field is closed, empty or a dash."""
    value = told.raw(name)
    if type(value) is dict:
        value = value.get("anyType")
    if type(value) is list:  # one for each branch; the first is the one asked for
        value = value[0] if value else None
    text = Reading({name: value}).maybe_text(name)
    return None if text in _NOTHING else text


def _read_branch(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isdecimal() or len(text) > 5:
        raise AnswerMalformed("vBranchNumber is not a number")
    return int(text)


def _read_day(text: str) -> date:
    """`2017-12-08`, in the Common Era; some records write slashes."""
    try:
        return date.fromisoformat(text.replace("/", "-")[:10])
    except ValueError as exc:
        raise AnswerMalformed("vBusinessFirstDate is not a date") from exc


_LINE = (
    ("vHouseNumber", ""), ("vBuildingName", "อาคาร"), ("vRoomNumber", "ห้อง "), ("vFloorNumber", "ชั้น "),
    ("vVillageName", "หมู่บ้าน"), ("vMooNumber", "หมู่ที่ "), ("vSoiName", "ซอย"), ("vStreetName", "ถนน"), ("vThambol", ""),
    ("vAmphur", ""), ("vProvince", ""), ("vPostCode", ""),
)  # fmt: skip


def _address(told: Reading) -> str:
    parts = [(word, _held(told, field)) for field, word in _LINE]
    return " ".join(f"{word}{text.removeprefix(word.strip())}" for word, text in parts if text)


def _read_tin(answer: Reading, question: Question) -> TaxNumber:
    asked = question.given.get("TIN", question.person_number)
    number = _first(answer, "ID", "TIN")
    if number is not None and number != asked:
        raise AnswerAboutSomeoneElse("another tax number")
    exists = _first(answer, "IsExist", "vIsExist")
    if exists is None:
        raise AnswerMalformed("IsExist is missing")
    return TaxNumber(is_well_formed=_is_yes(_first(answer, "DigitOk", "vDigitOk") or "Yes"), exists=_is_yes(exists))


def _first(answer: Reading, *names: str) -> str | None:
    """A text that may stand in a list of one."""
    value = answer.raw(*names)
    if type(value) is list:
        value = value[0] if value else None
    return Reading({names[0]: value}).maybe_text(names[0])


def _is_yes(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise AnswerMalformed("neither Yes nor No")
    return text.lower() == "yes"


_A_DAY = Keeping(fresh_s=86_400, stale_s=7 * 86_400)
_OF_COMPANY = {"tin": ("TIN", write_juristic_id)}
VAT = Operation(
    agency=CODE, name="VAT", wire="Service", read=_read_vat, door=DOOR, keeping=_A_DAY,
    title=Text(th="การจดทะเบียนภาษีมูลค่าเพิ่ม", en="Registration for VAT"),
    facts={"person.vat_registered": lambda told: True}, when_absent={"person.vat_registered": False},
)  # fmt: skip
COMPANY_VAT = Operation(
    agency=CODE, name="COMPANY_VAT", wire="Service", read=_read_vat, door=DOOR, keeping=_A_DAY, takes=_OF_COMPANY,
    title=Text(th="การจดทะเบียนภาษีมูลค่าเพิ่มของนิติบุคคล", en="A company's registration for VAT"), names_person=False,
)  # fmt: skip
TIN = Operation(
    agency=CODE, name="TIN", wire="ServiceTIN", read=_read_tin, door=DOOR, keeping=_A_DAY,
    title=Text(th="การมีอยู่ของเลขประจำตัวผู้เสียภาษี", en="Whether a tax number exists"),
)  # fmt: skip
COMPANY_TIN = Operation(
    agency=CODE, name="COMPANY_TIN", wire="ServiceTIN", read=_read_tin, door=DOOR, keeping=_A_DAY, takes=_OF_COMPANY,
    title=Text(th="การมีอยู่ของเลขประจำตัวผู้เสียภาษีของนิติบุคคล", en="Whether a company's tax number exists"),
    names_person=False,
)  # fmt: skip


class RdChecks:
    """The VAT check at `vat_url` (SOAP) and the check of numbers at `tin_url` (JSON)."""

    code = DOOR
    most_at_once = 1

    def __init__(self, http: Http, *, vat_url: str, tin_url: str, deadline_s: float) -> None:
        self._http = http
        self._vat_url = vat_url
        self._tin_url = tin_url
        self._deadline_s = deadline_s

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        return [await self._ask(person_number, operation) for operation in operations]

    async def _ask(self, person_number: str, operation: Operation[Any]) -> Found[Any] | Trouble:
        given = dict(operation.given)
        tin = given.get("TIN", person_number)
        answer = await (self._vat(tin) if operation.wire == VAT.wire else self._tin(tin))
        return hear(operation, answer, Question(person_number=person_number, given=given))

    async def _vat(self, tin: str) -> Reading:
        fields = {
            "username": _PUBLIC, "password": _PUBLIC, "TIN": tin, "Name": "", "ProvinceCode": "0", "BranchNumber": "0",
            "AmphurCode": "0",
        }  # fmt: skip
        reply = await reach(
            self._http, "POST", self._vat_url, deadline_s=self._deadline_s, headers=headers(f"{_NAMESPACE}/Service"),
            body=envelope("Service", fields, namespace=_NAMESPACE),
        )  # fmt: skip
        return opened_soap(reply)

    async def _tin(self, tin: str) -> Reading:
        # The number goes in the address; that is its dialect, and no URL of ours is logged.
        reply = await reach(
            self._http, "GET", self._tin_url, deadline_s=self._deadline_s, params={"TIN": tin},
        )  # fmt: skip
        return opened(served(reply))
