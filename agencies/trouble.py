"""What can go wrong between us and an agency, each sort apart: which of them it is decides what people and operators see."""

from __future__ import annotations

from typing import Literal

State = Literal["OK", "STALE", "UNAVAILABLE", "NOT_FOUND", "NOT_ALLOWED"]


class Trouble(Exception):
    """Why there is no answer. The message is for the log and holds no personal data."""

    state: State = "UNAVAILABLE"
    code = "AGENCY_ERROR"
    alarm: str | None = None

    def __init__(self, why: str, *, code: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.code = code or self.code
        self.retry_after_s = retry_after_s


class AgencyDown(Trouble):
    """It can't be reached, takes too long, or says itself that it is out of order.

    `was_cut`: the line broke midway. `is_full`: it says that it is asked too much.
    """

    def __init__(
        self,
        why: str,
        *,
        code: str | None = None,
        retry_after_s: float | None = None,
        was_cut: bool = False,
        is_full: bool = False,
    ) -> None:
        super().__init__(why, code=code, retry_after_s=30.0 if retry_after_s is None else retry_after_s)
        self.was_cut = was_cut
        self.is_full = is_full


class NotTrusted(AgencyDown):
    """Whoever answers at its address can't show a certificate that we trust for it. Nothing was sent."""

    code = "AGENCY_TLS"
    alarm = "agency_tls"


class AgencyRefused(Trouble):
    """It does not take our credentials, or does not let us ask this."""

    state: State = "NOT_ALLOWED"
    code = "AGENCY_REFUSED"
    alarm = "agency_refused"


class NotThere(Trouble):
    """It answered: it holds nothing about this person."""

    state: State = "NOT_FOUND"
    code = "NOT_FOUND"


class AnswerMalformed(Trouble):
    """It answered something that can't be read: HTML, half a document, a date that isn't one."""

    code = "ANSWER_MALFORMED"
    alarm = "answer_malformed"


class AnswerAboutSomeoneElse(Trouble):
    """It answered about another person. Never shown to anyone."""

    code = "ANSWER_REJECTED"
    alarm = "answer_about_someone_else"
