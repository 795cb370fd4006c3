"""The small shapes that recur in the graph: texts, money, dates, pages, problems, and the ids that lead to a node.

They are plain data, made once where a resolver answers, so that nothing below needs a resolver of its own.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import enum_value, field

from agencies import answers
from foundation import dates
from foundation import language as words
from foundation.errors import SuperAppError
from foundation.language import Language
from foundation.pages import Page

T = TypeVar("T")

First = Annotated[
    int | None, strawberry.argument(description="How many items at most, 1 to 100. Left out, 20.", name="first")
]
After = Annotated[
    str | None,
    strawberry.argument(description="The `endCursor` of the page before. Left out, the first page.", name="after"),
]


@strawberry.type(description="A text for people, in both languages.")
class Text:
    th: str = field(description="In Thai.")
    en: str = field(description="In English.")
    said: str = field(
        description="In the reader's language: the one that `Accept-Language` likes best, Thai by default."
    )


def say(text: words.Text, language: Language) -> Text:
    return Text(th=text.th, en=text.en, said=text.said_in(language))


def say_if(text: words.Text | None, language: Language) -> Text | None:
    return None if text is None else say(text, language)


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = field(description='The amount as a decimal text, such as `"750.00"`.')
    currency: str = field(description="ISO 4217; `THB` everywhere today.", default="THB")


@strawberry.enum(description="How much of a date is known.")
class DatePrecision(Enum):
    DAY = enum_value("DAY", description="The very day.")
    MONTH = enum_value("MONTH", description="The month and year.")
    YEAR = enum_value("YEAR", description="Only the year, as for many elders.")


@strawberry.type(description="A date of which perhaps only the month or the year is known, as for many births.")
class PartialDate:
    date: date = field(
        description="The legal day, Common Era: the earliest that it may be (Civil and Commercial Code, section 16)."
    )
    precision: DatePrecision = field(description="How much of `date` is known; the rest is its first day or month.")
    text: str = field(description="As much as is known, for the reader: Buddhist era in Thai, Common Era in English.")


def partial_date(known: dates.PartialDate, language: Language) -> PartialDate:
    return PartialDate(
        date=known.earliest, precision=DatePrecision[known.precision], text=_say_partial(known, language)
    )


def _say_partial(known: dates.PartialDate, language: Language) -> str:
    day, month, year = words.say_date(known.earliest, language).split()
    if language == "th":
        year = str(dates.to_buddhist(known.earliest)[0])  # before B.E. 2484 the year began in April
    if known.precision == "DAY":
        return f"{day} {month} {year}"
    if known.precision == "MONTH":
        return f"{month} {year}"
    return f"พ.ศ. {year}" if language == "th" else year


@strawberry.type(description="A foreseeable trouble, as data: what it is, in the reader's language, and what to do.")
class Problem:
    code: str = field(description="Stable, for machines: `AGENCY_TIMEOUT`, `BAD_INPUT`, …")
    message: str = field(description="For people, in the reader's language.")
    retry_after: int | None = field(description="Seconds after which the same may succeed.", default=None)
    field_: str | None = field(name="field", description="The input field that is wrong, if one is.", default=None)


def problem_of(exc: SuperAppError, language: Language) -> Problem:
    wait_s = exc.facts.get("retry_after_s")
    return Problem(
        code=exc.code,
        message=exc.th if language == "th" else exc.message,
        retry_after=None if wait_s is None else int(wait_s),
        field_=exc.facts.get("field"),
    )


def problem_told(told: answers.Problem, language: Language) -> Problem:
    return Problem(
        code=told.code,
        message=told.message.said_in(language),
        retry_after=None if told.retry_after_s is None else int(told.retry_after_s),
    )


@strawberry.type(description="Where a page ends and whether there is more (Relay).")
class PageInfo:
    has_next_page: bool = field(description="Whether items come after this page.")
    has_previous_page: bool = field(description="Whether this page was reached with `after`.")
    start_cursor: str | None = field(description="The cursor of the first item; null on an empty page.")
    end_cursor: str | None = field(
        description="The cursor to give as `after` for the next page; null on an empty page."
    )


def page_info(page: Page[Any], *, after: str | None) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=after is not None,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.end_cursor,
    )


def edges(page: Page[T], make: Callable[..., Any]) -> list[Any]:
    """One edge for each item of a page, made by the connection's own edge type."""
    return [make(cursor=cursor, node=node) for cursor, node in zip(page.cursors, page.items, strict=True)]


@strawberry.interface(description="Anything that `node(id:)` leads back to.")
class Node:
    id: strawberry.ID = field(description="Opaque and unique in the whole graph.")


_LONGEST_ID = 200


def global_id(kind: str, local: str) -> strawberry.ID:
    """base64url of `Type:id`, without padding."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{local}".encode()).rstrip(b"=").decode())


def read_global_id(text: str) -> tuple[str, str] | None:
    """The type and the local id; None for anything that `global_id` didn't write."""
    if not text or len(text) > _LONGEST_ID or not text.isascii():
        return None
    try:
        told = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    kind, colon, local = told.partition(":")
    # The decoder forgives stray last bits, so what is read is written again: a thing has one id.
    return (kind, local) if colon and local and global_id(kind, local) == text.rstrip("=") else None


def local_id(text: str, kind: str) -> str | None:
    """The local id of a thing of this type; None where the id leads elsewhere."""
    told = read_global_id(text)
    return told[1] if told is not None and told[0] == kind else None


def first_problem(*problems: Problem | None) -> list[Problem]:
    return [one for one in problems if one is not None]


def texts(found: Sequence[words.Text], language: Language) -> list[Text]:
    return [say(one, language) for one in found]
