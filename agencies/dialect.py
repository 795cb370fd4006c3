"""What every dialect does alike: call, look at the status, open the document, and have the operation's reader read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from agencies.answers import Found, Operation, Question
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AgencyRefused, AnswerMalformed, NotTrusted, Trouble
from foundation import strict_json
from foundation.http import CallFailed, Http, Reply
from foundation.language import Text

T = TypeVar("T")


def both(th: str, en: str | None = None) -> Text:
    """A text of which the agency may have given only the Thai."""
    return Text(th=th, en=en or th)


def hear(
    operation: Operation[T], answer: Reading, question: Question, *, as_of: datetime | None = None
) -> Found[T] | Trouble:
    """What the operation's reader makes of an answer, with trouble as a value."""
    try:
        return Found(value=operation.read(answer, question), as_of=as_of, said=answer.content, given=question.given)
    except Trouble as trouble:
        return trouble


async def reach(http: Http, method: str, url: str, *, deadline_s: float, **sent: Any) -> Reply:
    """Call an agency. AgencyDown or AnswerMalformed where no usable reply came, whatever its status."""
    try:
        return await http.request(method, url, deadline_s=deadline_s, **sent)
    except CallFailed as exc:
        if exc.failure == "DEADLINE":
            raise AgencyDown("no answer in time", code="AGENCY_TIMEOUT") from exc
        if exc.failure == "TOO_LARGE":
            raise AnswerMalformed(exc.why) from exc
        if exc.failure == "TLS":
            raise NotTrusted(exc.why) from exc
        # A line that broke after it stood may have broken by chance; one that never stood will not stand now.
        was_cut = exc.failure == "CONNECTION" and not exc.why.startswith("ClientConnector")
        raise AgencyDown(f"{exc.failure} {exc.why}", code="AGENCY_UNREACHABLE", was_cut=was_cut) from exc


def opened(reply: Reply) -> Reading:
    """The JSON object in a reply. A page of HTML with a 200, half a document and the like are malformed."""
    try:
        content = strict_json.loads(reply.body)
    except strict_json.KeyTwice as exc:
        raise AnswerMalformed(str(exc)) from exc
    except (RecursionError, ValueError) as exc:
        raise AnswerMalformed(f"not JSON but {reply.content_type[:40] or 'nothing named'}") from exc
    return Reading(content)


def served(reply: Reply) -> Reply:
    """The reply where its HTTP status says that the agency did its work; else the trouble that the status names."""
    if reply.status == 200:
        return reply
    if reply.status in (401, 403):
        raise AgencyRefused(f"HTTP {reply.status}")
    code = "AGENCY_BUSY" if reply.status == 429 else "AGENCY_ERROR"
    is_full = reply.status in (429, 503)
    raise AgencyDown(f"HTTP {reply.status}", code=code, retry_after_s=reply.retry_after_s(), is_full=is_full)
