"""The Social Security Office's e-service: a Keycloak token, then commands posted as a form to one address.

It answers HTTP 200 whatever happened; the outcome is in `code`. Only `getPersonInfo` says whom it is about, so the
others are believed beside one of those, asked at the same time. Section 40 has commands of its own: `VOLUNTARY_…`. Where
somebody worked is an older SOAP service's to say.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from agencies import insurance, soap
from agencies.answers import Found, Keeping, Operation, Question
from agencies.badge import Badge, Token
from agencies.dialect import hear, opened, reach, served
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AgencyRefused, AnswerMalformed, NotThere, Trouble
from foundation.clock import Clock, start_of
from foundation.errors import BadInput
from foundation.http import Http, Reply
from foundation.language import Text
from foundation.settings import Secret

CODE = "sso"
_FIRST_YEAR, _LAST_YEAR = 1990, 2200  # C.E.; the Social Security Act is of 1990


def _write_year(year: Any) -> str:
    if type(year) is not int or not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise BadInput(
            f"the year must be from {_FIRST_YEAR} to {_LAST_YEAR}, in the Common Era",
            th=f"ปีต้องอยู่ระหว่าง ค.ศ. {_FIRST_YEAR} ถึง {_LAST_YEAR}", field="year",
        )  # fmt: skip
    return str(year + 543)


def _write_text(text: Any) -> str:
    if type(text) is not str or not 1 <= len(text) <= 200 or not text.isprintable():
        raise BadInput("an argument must be a text of 1 to 200 characters", th="ต้องเป็นข้อความ 1 ถึง 200 ตัวอักษร")
    return text


_YEAR = {"year": ("year", _write_year)}
_THIS_YEAR = {"year": "legal.year"}  # what is asked where nobody names another
_KEEPING = Keeping(fresh_s=3600, stale_s=2 * 86_400, refreshed_at=time(4))
_TRANSACTIONS = "listTransaction"
_EMPLOYMENTS = "getServ38"


def _section(insured: insurance.Insured) -> str | None:
    """Who is covered for six months after a job (section 38) is insured under no section any more."""
    if insured.section == "40":
        return f"40_{insured.section_choice}" if insured.section_choice else None
    return "none" if insured.section in ("38", "NONE") else insured.section


def _is_over(insured: insurance.Insured) -> bool:
    return insured.section in ("38", "NONE")


def _latest(jobs: Sequence[insurance.Employment]) -> insurance.Employment | None:
    return jobs[0] if jobs else None


def _end_of_work(jobs: Sequence[insurance.Employment]) -> date | None:
    """Section 33 ends with the last job under it; while one goes on it hasn't."""
    latest = _latest(jobs)
    return latest.ended_on if latest else None


def _start_of_work(jobs: Sequence[insurance.Employment]) -> date | None:
    latest = _latest(jobs)
    return latest.since if latest else None


INSURED = Operation(
    agency=CODE, name="INSURED", wire="getPersonInfo", read=insurance.read_insured,
    title=Text(th="สถานะผู้ประกันตน", en="Insured status"), keeping=_KEEPING,
    facts={
        "sso.section": _section,
        "sso.insured_status_ended": _is_over,
        "sso.insured_status_ended_date": lambda insured: insured.ended_on if _is_over(insured) else None,
        "sso.hospital_id": lambda insured: insured.hospital.code if insured.hospital else None,
    },
    # Never insured; and what never was has not ended.
    when_absent={
        "sso.section": "none", "sso.months_total": 0, "sso.section33_months": 0, "sso.insured_status_ended": False,
    },
)  # fmt: skip
CONTRIBUTIONS = Operation(
    agency=CODE, name="CONTRIBUTIONS", wire="getEmployeeCntr", read=insurance.read_contributions, takes=_YEAR, fed_by=_THIS_YEAR,
    witness=INSURED, title=Text(th="เงินสมทบประกันสังคม", en="Contributions"), keeping=_KEEPING,
)  # fmt: skip
OLD_AGE = Operation(
    agency=CODE, name="OLD_AGE", wire="getEmployeeOldAge", read=insurance.read_old_age, witness=INSURED,
    title=Text(th="เงินออมชราภาพ", en="Old-age savings"), keeping=_KEEPING,
)  # fmt: skip
CLAIMS = Operation(
    agency=CODE, name="CLAIMS", wire="getEmployeeBenefitHisotry", read=insurance.read_claims, takes=_YEAR, fed_by=_THIS_YEAR,
    witness=INSURED, title=Text(th="ประวัติการเบิกสิทธิประกันสังคม", en="Benefits claimed"), keeping=_KEEPING, is_sensitive=True,
)  # fmt: skip
VOLUNTARY_CONTRIBUTIONS = Operation(
    agency=CODE, name="VOLUNTARY_CONTRIBUTIONS", wire="getS40Cntr", read=insurance.read_contributions, takes=_YEAR,
    fed_by=_THIS_YEAR, witness=INSURED, title=Text(th="เงินสมทบมาตรา 40", en="Contributions, section 40"), keeping=_KEEPING,
)  # fmt: skip
VOLUNTARY_OLD_AGE = Operation(
    agency=CODE, name="VOLUNTARY_OLD_AGE", wire="getS40OldAge", read=insurance.read_voluntary_old_age, witness=INSURED,
    title=Text(th="เงินออมชราภาพมาตรา 40", en="Old-age savings, section 40"), keeping=_KEEPING,
)  # fmt: skip
VOLUNTARY_CLAIMS = Operation(
    agency=CODE, name="VOLUNTARY_CLAIMS", wire="getS40BenefitHistory", read=insurance.read_claims, takes=_YEAR, fed_by=_THIS_YEAR,
    witness=INSURED, title=Text(th="ประวัติการเบิกสิทธิมาตรา 40", en="Benefits claimed, section 40"), keeping=_KEEPING,
    is_sensitive=True,
)  # fmt: skip
EMPLOYMENTS = Operation(
    agency=CODE, name="EMPLOYMENTS", wire=_EMPLOYMENTS, read=insurance.read_employments,
    title=Text(th="ประวัติการทำงาน", en="Employments"), keeping=_KEEPING,
    facts={
        "employment.start_date": _start_of_work,
        "employment.end_date": _end_of_work,
        "sso.section33_end_date": _end_of_work,
    },
)  # fmt: skip
HOSPITALS = Operation(
    agency=CODE, name="HOSPITALS", wire="getInitSelectHospital", read=insurance.read_choices, witness=INSURED,
    title=Text(th="สถานพยาบาลที่เลือกได้", en="Hospitals to choose from"), keeping=_KEEPING,
)  # fmt: skip
CHANGE_HOSPITAL = Operation(
    agency=CODE, name="CHANGE_HOSPITAL", wire="saveSelectHospital", read=insurance.read_change, is_read=False,
    title=Text(th="ขอเปลี่ยนสถานพยาบาล", en="Change of hospital"),
    takes={
        "hospital_code": ("hospitalCode1", _write_text),
        "mobile": ("mobile", _write_text),
        "reason": ("changeReason", _write_text),
    },
)  # fmt: skip
CANCEL_CHANGE = Operation(
    agency=CODE, name="CANCEL_CHANGE", wire="cancelTransaction", read=insurance.read_cancellation, is_read=False,
    title=Text(th="ยกเลิกคำขอเปลี่ยนสถานพยาบาล", en="Cancellation of a change of hospital"),
    takes={"number": ("txnNo", _write_text)},
)  # fmt: skip
TRANSACTIONS = Operation(
    agency=CODE, name="TRANSACTIONS", wire=_TRANSACTIONS, read=insurance.read_transactions, takes=_YEAR, fed_by=_THIS_YEAR,
    witness=INSURED, title=Text(th="คำขอเปลี่ยนสถานพยาบาล", en="Changes of hospital"), keeping=_KEEPING,
)  # fmt: skip

_OK, _NO_AUTHORITY, _BAD_PARAMETER, _NOT_FOUND, _NO_ANSWER = "WS000", "WS001", "WS003", "WS006", "WS500"
_HOSPITAL_CHANGES = "1"  # the kind of transaction that listTransaction is asked for
_A_CODE = re.compile(r"WS[0-9]{3}")
_MARGIN_S = 15  # a token is not shown in its last seconds
_SERVICES_NAMESPACE = "http://services.dbforservice.sso.go.th"
# WS500 is "no answer", whatever the cause; what tells the nightly refresh apart is only how it is described.
_REFRESH = re.compile(r"ปรับปรุงข้อมูล|refresh", re.IGNORECASE)
_REFRESH_LASTS_S = 900.0


class Sso:
    """The e-service at `url` and the SOAP services below `services_url`, asked under a system account of the Keycloak
    realm that gives tokens at `token_url`."""

    code = CODE
    most_at_once = 1

    def __init__(
        self,
        http: Http,
        *,
        url: str,
        token_url: str,
        services_url: str,
        client_id: str,
        client_secret: Secret,
        username: str,
        password: Secret,
        caller_id: str = "tangrat",
        clock: Clock,
        deadline_s: float,
    ) -> None:
        self._http = http
        self._url = url
        self._token_url = token_url
        self._employments_url = f"{services_url.rstrip('/')}/EmployeeEmployments"
        self._client = f"{client_id}:{client_secret.reveal()}".encode()
        self._username = username
        self._password = password
        self._caller_id = caller_id
        self._deadline_s = deadline_s
        self._badge = Badge(self._sign_in, clock=clock)
        self._refresh_token: str | None = None

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        """One command; the service takes no more at once."""
        return [await self._ask(person_number, operation) for operation in operations]

    async def _ask(self, person_number: str, operation: Operation[Any]) -> Found[Any] | Trouble:
        token = await self._badge.show()
        answer = await self._put(person_number, operation, token)
        if answer.text("code") == _NO_AUTHORITY:
            self._badge.refused(token)
            answer = await self._put(person_number, operation, await self._badge.show())
        return heard(operation, answer, Question(person_number=person_number, given=dict(operation.given)))

    async def _put(self, person_number: str, operation: Operation[Any], token: str) -> Reading:
        headers = {"user_token": f"Bearer {token}"}
        if operation.wire == _EMPLOYMENTS:
            return await self._serve(_EMPLOYMENTS, {"ssoNum": person_number}, headers)
        form = {"cmd": operation.wire, "ssoNo": person_number, "callerid": self._caller_id, **dict(operation.given)}
        if operation.wire == _TRANSACTIONS:
            form["txnType"] = _HOSPITAL_CHANGES
        reply = await reach(self._http, "POST", self._url, deadline_s=self._deadline_s, headers=headers, form=form)
        return opened(served(reply))

    async def _serve(self, operation: str, fields: dict[str, str], headers: dict[str, str]) -> Reading:
        """One of the SOAP services; what it says is wrapped once more, in `return`."""
        body = soap.envelope(operation, fields, namespace=_SERVICES_NAMESPACE)
        reply = await reach(
            self._http, "POST", self._employments_url, deadline_s=self._deadline_s,
            headers=headers | soap.headers(operation), body=body,
        )  # fmt: skip
        answer = soap.opened_soap(reply)
        return answer.maybe_part("return", f"{operation}Return") or answer

    async def _sign_in(self) -> Token:
        """By the refresh token while there is one that Keycloak takes, else by the password."""
        grant = {"grant_type": "refresh_token", "refresh_token": self._refresh_token or ""}
        reply = await self._grant(grant) if self._refresh_token else None
        if reply is None or reply.status in (400, 401):
            password = self._password.reveal()
            reply = await self._grant({"grant_type": "password", "username": self._username, "password": password})
            if reply.status == 400:
                raise AgencyRefused("the realm does not take our account")
        given = opened(served(reply))
        self._refresh_token = given.maybe_text("refresh_token")
        good_for_s = max(given.number("expires_in") - _MARGIN_S, 1)
        return Token(value=given.text("access_token"), good_for_s=good_for_s)

    async def _grant(self, form: dict[str, str]) -> Reply:
        headers = {"Authorization": "Basic " + base64.b64encode(self._client).decode()}
        return await reach(self._http, "POST", self._token_url, deadline_s=self._deadline_s, headers=headers, form=form)


def heard(operation: Operation[Any], answer: Reading, question: Question) -> Found[Any] | Trouble:
    """What an answer says by its `code`, which stands for the HTTP status that is always 200."""
    code = answer.text("code")
    if not _A_CODE.fullmatch(code):
        return AnswerMalformed(f"{operation.wire} says a code that is none")
    # A change that the office's rules refuse comes under the same codes as a mistake of ours; its reader tells.
    if code == _OK or (not operation.is_read and code in (_BAD_PARAMETER, _NOT_FOUND)):
        return hear(operation, answer, question, as_of=_as_of(answer))
    if code == _NOT_FOUND:
        return NotThere(f"{operation.wire} holds nothing")
    if code == _NO_AUTHORITY:
        return AgencyRefused(f"{operation.wire} says {code}")
    if code == _BAD_PARAMETER:
        return AnswerMalformed(f"{operation.wire} did not take our parameters")
    if code == _NO_ANSWER and _REFRESH.search(answer.maybe_text("description") or ""):
        return AgencyDown(
            f"{operation.wire} is being refreshed", code="AGENCY_REFRESHING", retry_after_s=_REFRESH_LASTS_S
        )
    return AgencyDown(f"{operation.wire} says {code}")


def _as_of(answer: Reading) -> datetime | None:
    """The day of the nightly refresh that the figures come from."""
    day = answer.maybe_slashed_day("lastIncremental")
    return start_of(day) if day else None
