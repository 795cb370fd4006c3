"""Is this person's identity card the one in their hand? The code on its back is checked at DOPA, through GDX.

The check wants to know whose card it should be, so it is asked with what the civil register says. Its verdicts come in
two ways: as JSON, and, where the card is void or the code isn't on it, as HTTP 500 with a number: `[2]` or `[4]`. So the
body is read before the status is believed. The answer names nobody; it is believed beside the register's, which does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from agencies import dopa
from agencies.answers import Found, Operation, Question
from agencies.dialect import hear, opened, served
from agencies.gdx import GdxTransport
from agencies.reading import Reading
from agencies.trouble import AnswerMalformed, Trouble
from foundation.dates import PartialDate, to_buddhist
from foundation.errors import BadInput
from foundation.http import Reply
from foundation.language import Text, ascii_digits

DOOR = "dopa_laser"

IdCardCheck = Literal["MATCHES", "DOES_NOT_MATCH", "CARD_VOID"]

_VERDICTS: dict[Any, IdCardCheck] = {True: "MATCHES", False: "DOES_NOT_MATCH"}
_FAILURES: dict[str, IdCardCheck] = {"2": "CARD_VOID", "4": "DOES_NOT_MATCH"}
_FAILURE = re.compile(rb'\s*"?\s*\[([0-9]{1,3})\]')
_CODE = re.compile(r"[A-Z]{2}[0-9]{10}")
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015\u2212]")
_LONGEST_CODE = 40


def read_laser_code(written: Any) -> str:
    """`JT0-1234567-89`, however it is written, as two letters and ten digits. BadInput for anything else."""
    is_short = type(written) is str and len(written) <= _LONGEST_CODE
    plain = ascii_digits(_BETWEEN.sub("", written)) if is_short else ""
    text = plain.upper() if plain.isascii() else ""  # "ß".upper() is "SS"
    if not _CODE.fullmatch(text):
        raise BadInput(
            "the code on the back of the card is two letters and ten digits, such as JT0-1234567-89",
            th="รหัสหลังบัตรประชาชนเป็นตัวอักษร 2 ตัวและตัวเลข 10 ตัว เช่น JT0-1234567-89", field="laserCode",
        )  # fmt: skip
    return text


def _write_name(name: Any) -> str:
    return str(name)


def _write_birth(birth: PartialDate) -> str:
    """`25380000`: the Buddhist era, 00 for what is not known."""
    year, month, day = to_buddhist(birth.earliest)
    return f"{year:04}{0 if birth.precision == 'YEAR' else month:02}{day if birth.is_exact else 0:02}"


def _read_verdict(answer: Reading, _question: Question) -> IdCardCheck:
    failure = answer.maybe_text("failure")
    verdict = _FAILURES.get(failure) if failure else None
    result = answer.raw("Result")
    if verdict is None and type(result) is bool:
        verdict = _VERDICTS[result]
    if verdict is None:
        raise AnswerMalformed("Result is neither true nor false")
    return verdict


CHECK = Operation(
    agency=dopa.CODE, door=DOOR, name="ID_CARD_CHECK", wire="verification/personal", read=_read_verdict,
    title=Text(th="ตรวจรหัสหลังบัตรประชาชน", en="Check of the code on the identity card"),
    takes={
        "first_name": ("FirstName", _write_name),
        "last_name": ("LastName", _write_name),
        "birth": ("BEBirthDate", _write_birth),
        "laser_code": ("LaserCode", read_laser_code),
    },
    witness=dopa.PERSON,
)  # fmt: skip


class CardCheck:
    """The check at `url`, behind GDX."""

    code = DOOR
    most_at_once = 1

    def __init__(self, gdx: GdxTransport, *, url: str) -> None:
        self._gdx = gdx
        self._url = url

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        """One check; it takes no more at once."""
        return [await self._ask(person_number, operation) for operation in operations]

    async def _ask(self, person_number: str, operation: Operation[Any]) -> Found[Any] | Trouble:
        # All of it travels in the address; that is its dialect, and no address of these calls is logged.
        asked = {"CitizenID": person_number, **dict(operation.given)}
        reply = await self._gdx.request("GET", self._url, params=asked)
        answer = _failed(reply) or opened(served(reply))
        return hear(operation, answer, Question(person_number=person_number, given=dict(operation.given)))


def _failed(reply: Reply) -> Reading | None:
    """What a 500 says of the card; None where it says that the service is out of order."""
    number = _FAILURE.match(reply.body[:40]) if reply.status == 500 else None
    known = number and number[1].decode() in _FAILURES
    return Reading({"failure": number[1].decode()}) if number and known else None
