"""What the Social Security Office holds about an insured person, and how it is read from its answers.

Values first, then one reader for each kind of answer. Amounts come as texts with commas, dates and years in the
Buddhist era, some keys misspelt for good (`totalGovermentPaid`). `sso.py` asks. Where somebody worked comes by SOAP, in
which a list of one looks like a single thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from agencies.answers import Question
from agencies.dialect import both
from agencies.reading import Reading
from agencies.soap import listed
from agencies.trouble import AnswerAboutSomeoneElse, AnswerMalformed
from foundation.language import Text

# 38: covered for six months after a job under 33 ended. NONE: insured once, no longer.
Section = Literal["33", "38", "39", "40", "NONE"]
ChangeState = Literal["APPROVED", "PENDING", "CANCELLED", "UNCHANGED", "REFUSED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    code: str
    name: Text
    province_code: str | None = None
    province: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Insured:
    section: Section
    section_choice: int | None  # 1 to 3 under section 40
    status_name: Text
    branch: Text | None
    since: date | None
    ended_on: date | None
    hospital: Hospital | None
    hospital_since: date | None
    hospital_until: date | None  # None: for as long as the person is insured


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    month: date  # the first day of the month paid for
    paid_on: date | None
    rate_percent: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    year: int  # C.E.
    months: tuple[Contribution, ...]  # in order

    @property
    def total(self) -> Decimal:
        return sum((month.amount for month in self.months), Decimal())


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedYear:
    year: int  # C.E.
    employee: Decimal
    employer: Decimal
    government: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAge:
    """What is saved for old age, in all and by year."""

    employee: Decimal
    employer: Decimal
    government: Decimal
    total: Decimal
    years: tuple[SavedYear, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    benefit: Text
    requested_on: date | None
    paid_on: date | None
    amount: Decimal
    status_name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    year: int
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReason:
    code: str
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class HospitalChoices:
    may_change: bool
    effective_on: date | None
    reasons: tuple[ChangeReason, ...]
    current: Hospital | None
    hospitals: tuple[Hospital, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HospitalChange:
    """One wish for another hospital, and what came of it; `message` is the office's own words."""

    state: ChangeState
    number: str | None
    hospital: Hospital | None
    previous: Hospital | None
    requested_on: date | None
    effective_on: date | None
    reason_code: str | None
    message: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Employment:
    """A job under section 33."""

    account: str  # the employer's at the office
    employer: Text | None
    since: date | None
    ended_on: date | None  # None: it goes on

    @property
    def is_over(self) -> bool:
        return self.ended_on is not None


_SECTIONS: dict[str, tuple[Section, str]] = {
    "A": ("33", "Insured (section 33)"),
    "T": ("38", "No longer employed, covered for six more months (section 38)"),
    "V": ("39", "Insured (section 39)"),
    "F": ("40", "Insured (section 40)"),
    "R": ("NONE", "No longer insured"),
}
_CHOICE = re.compile(r"ทางเลือก(?:ที่)?\s*([1-3])")
OK = "WS000"
_ERA = 543
_PERIOD = re.compile(r"([0-9]{4})(0[1-9]|1[0-2])")
_CHANGES: dict[str, ChangeState] = {"A": "APPROVED", "P": "PENDING", "W": "PENDING", "C": "CANCELLED", "R": "REFUSED"}
_WORDS_OF_CHANGE = {"APPROVED": "Approved", "PENDING": "Being considered", "CANCELLED": "Cancelled"}


def read_insured(answer: Reading, question: Question) -> Insured:
    person = answer.part("person")
    if person.digits("ssoNum", "ssoNo", length=13) != question.person_number:
        raise AnswerAboutSomeoneElse("another identity number")
    code, told = person.text("activeStatus"), person.maybe_text("activeStatusDesc") or ""
    if code not in _SECTIONS:
        raise AnswerMalformed("an activeStatus that is not known")
    section, said = _SECTIONS[code]
    choice = _CHOICE.search(told) if section == "40" else None
    place = answer.maybe_part("personS33Info", "personS39Info")
    branch = person.maybe_text("ssoBranchDesc")
    until = place.maybe_text("mselExpireDate") if place else None
    return Insured(
        section=section,
        section_choice=int(choice[1]) if choice else None,
        status_name=both(told or said, said + (f", choice {choice[1]}" if choice else "")),
        branch=both(branch) if branch else None,
        since=person.maybe_slashed_day("insuredStartDate"),
        ended_on=person.maybe_slashed_day("insuredEndDate"),
        hospital=_read_hospital(place) if place else None,
        hospital_since=place.maybe_slashed_day("mselStartDate") if place else None,
        # A phrase such as "until insured status ends" may stand in the date's place.
        hospital_until=place.slashed_day("mselExpireDate") if place and until and until[0].isdigit() else None,
    )


def _read_hospital(place: Reading) -> Hospital:
    province = place.maybe_text("provinceDesc")
    return Hospital(
        code=place.text("hospitalCode"),
        name=both(place.text("hospitalName")),
        province_code=place.maybe_text("provinceCode"),
        province=both(province) if province else None,
    )


def read_contributions(answer: Reading, question: Question) -> Contributions:
    months = sorted((_read_month(month) for month in answer.parts("detail", "details")), key=lambda paid: paid.month)
    return Contributions(year=_common_year(question.given["year"]), months=tuple(months))


def _read_month(paid: Reading) -> Contribution:
    period = _PERIOD.fullmatch(paid.text("payPeriod"))
    if period is None:
        raise AnswerMalformed("payPeriod is not a month")
    return Contribution(
        month=date(_common_year(period[1]), int(period[2]), 1),
        paid_on=paid.maybe_slashed_day("payDate"),
        rate_percent=paid.maybe_money("cntrRate"),
        amount=paid.money("cntrAmount"),
    )


def read_old_age(answer: Reading, _question: Question) -> OldAge:
    return OldAge(
        employee=answer.money("totalEmployeePaid"),
        employer=answer.money("totalEmployerPaid"),
        government=answer.money("totalGovermentPaid", "totalGovernmentPaid"),
        total=answer.money("totalPaid"),
        years=tuple(
            SavedYear(
                year=_common_year(year.text("year")),
                employee=year.money("employeePaid"),
                employer=year.money("employerPaid"),
                government=year.money("govermentPaid", "governmentPaid"),
                total=year.money("totalPaid"),
            )
            for year in answer.parts("details", "detail")
        ),
    )


def read_voluntary_old_age(answer: Reading, _question: Question) -> OldAge:
    saved, extra, none = answer.money("sumAmtSenility"), answer.money("sumAmtSenilityExtra"), Decimal()
    years = []
    for year in answer.parts("detail", "details"):
        own = year.money("amtSenility") + year.money("amtSenilityExtra")
        at = _common_year(year.text("conYear"))
        years.append(SavedYear(year=at, employee=own, employer=none, government=none, total=own))
    return OldAge(employee=saved + extra, employer=none, government=none, total=saved + extra, years=tuple(years))


def read_claims(answer: Reading, question: Question) -> Claims:
    return Claims(
        year=_common_year(question.given["year"]),
        claims=tuple(
            Claim(
                benefit=both(claim.text("benefitDesc")),
                requested_on=claim.maybe_slashed_day("requestDate"),
                paid_on=claim.maybe_slashed_day("paymentDate"),
                amount=claim.money("payAmount"),
                status_name=both(claim.text("payStatusDesc")),
            )
            for claim in answer.parts("detail", "details")
        ),
    )


def read_choices(answer: Reading, _question: Question) -> HospitalChoices:
    current = answer.maybe_part("currentHospital")
    return HospitalChoices(
        may_change=answer.text("canChange").upper() == "Y",
        effective_on=answer.maybe_slashed_day("effectiveDate"),
        reasons=tuple(
            ChangeReason(code=reason.text("code"), name=both(reason.text("desc")))
            for reason in answer.parts("changeReason")
        ),
        current=_read_hospital(current) if current else None,
        hospitals=tuple(_read_hospital(hospital) for hospital in answer.parts("hospital", "hospitals")),
    )


def read_change(answer: Reading, question: Question) -> HospitalChange:
    if answer.text("code") != OK:  # the office's rules say no: outside the season, an unknown hospital
        return _no_change("REFUSED", answer.maybe_text("description"))
    if not answer.maybe_text("txnNo"):
        return _no_change("UNCHANGED", answer.maybe_text("txnStatusDesc"))
    if answer.text("hospitalCode") != question.given["hospitalCode1"]:
        raise AnswerAboutSomeoneElse("a change to a hospital that was not asked for")
    return _read_transaction(answer)


def read_cancellation(answer: Reading, question: Question) -> HospitalChange:
    if answer.text("code") != OK:  # it holds already, or is nobody's
        return _no_change("REFUSED", answer.maybe_text("description"))
    if answer.text("txnNo") != question.given["txnNo"]:
        raise AnswerAboutSomeoneElse("a change that was not named")
    return _read_transaction(answer)


def read_employments(answer: Reading, question: Question) -> tuple[Employment, ...]:
    """The latest first: those that go on, then by their end."""
    if answer.digits("ssoNum", "ssoNo", length=13) != question.person_number:
        raise AnswerAboutSomeoneElse("another identity number")
    found = [_read_employment(job) for job in listed(answer, "employments", "employment")]
    return tuple(sorted(found, key=lambda job: (job.ended_on or date.max, job.since or date.min), reverse=True))


def _read_employment(job: Reading) -> Employment:
    employer = job.maybe_text("companyName")
    return Employment(
        account=job.text("accNo"),
        employer=both(employer) if employer else None,
        since=job.maybe_slashed_day("empStartDate"),
        ended_on=job.maybe_slashed_day("empResignDate"),
    )


def _no_change(state: ChangeState, told: str | None) -> HospitalChange:
    return HospitalChange(
        state=state, number=None, hospital=None, previous=None, requested_on=None, effective_on=None, reason_code=None,
        message=both(told) if told else None,
    )  # fmt: skip


def _read_transaction(transaction: Reading) -> HospitalChange:
    state = _CHANGES.get(transaction.text("txnStatus"), "PENDING")
    previous, old = transaction.maybe_text("oldHospitalCode"), transaction.maybe_text("oldHospitalName")
    return HospitalChange(
        state=state,
        number=transaction.text("txnNo"),
        hospital=_read_hospital(transaction),
        previous=Hospital(code=previous, name=both(old or previous)) if previous else None,
        requested_on=transaction.maybe_slashed_day("txnDate"),
        effective_on=transaction.maybe_slashed_day("effectiveDate"),
        reason_code=transaction.maybe_text("changeReason"),
        message=both(transaction.text("txnStatusDesc"), _WORDS_OF_CHANGE.get(state)),
    )


def read_transactions(answer: Reading, _question: Question) -> tuple[HospitalChange, ...]:
    return tuple(_read_transaction(transaction) for transaction in answer.parts("detail", "details"))


def _common_year(written: str) -> int:
    """There was no social security before B.E. 2533, so no year here began in April."""
    if not (len(written) == 4 and written.isascii() and written.isdigit() and written >= "2500"):
        raise AnswerMalformed("not a Buddhist year")
    return int(written) - _ERA
