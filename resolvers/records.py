"""What any agency holds about a person, in the graph: every operation as a card of named fields.

The sections of a citizen show what is worth a shape of its own. These cards show everything else too, so that an agency
which is added as data alone can be seen at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import field

from agencies import facts
from agencies.answers import Answer
from agencies.standard import Field, Record, Spec
from foundation import dates
from foundation import language as words
from foundation.clock import BANGKOK
from foundation.errors import BadInput
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, AnswerState
from resolvers.context import Context, Info
from resolvers.values import Problem, Text, partial_date, problem_told, say, say_if


@strawberry.type(description="One field of a record: what it is called, and what it says.")
class RecordField:
    name: str = field(description="Its name in the catalogue; stable.")
    title: Text = field(description="What it is called.")
    text: str | None = field(description="What it says, for the reader; null where it says nothing or is a list.")
    rows: list[RecordRow] = field(
        description="The items of a list, or the one row of an object; empty otherwise.", metadata={"about": 2}
    )


@strawberry.type(description="One item of a list in a record.")
class RecordRow:
    fields: list[RecordField] = field(description="Its fields.", metadata={"about": 6})


@strawberry.type(description="An agency's answer to one question, field by field.")
class RecordAnswer(AgencyAnswer):
    operation: str = field(description="The question's name in the catalogue, such as `dlt.get_vehicles`.")
    title: Text = field(description="What was asked.")
    about: Text | None = field(description="Which vehicle, child or parcel it is about, where it is asked about each.")
    value: list[RecordField] | None = field(
        description="The fields; null unless the state is `OK` or `STALE`.", metadata={"about": 3}
    )


AgencyCode = Annotated[str, strawberry.argument(description="The agency's code, such as `dlt`.")]


async def records(info: Info, agency: AgencyCode) -> list[RecordAnswer]:
    """A card for each question that this agency can be asked about the person."""
    context = info.context
    found = context.services.catalogue.agency(agency)
    if found is None:
        raise BadInput("there is no such agency", th="ไม่มีหน่วยงานนี้", field="agency")
    specs = [one.spec for one in found.operations if one.spec is not None]
    cards = await asyncio.gather(*(_cards(spec, context) for spec in specs))
    return [card for some in cards for card in some]


async def _cards(spec: Spec, context: Context) -> list[RecordAnswer]:
    operation = context.services.operations[spec.id]
    heard = await context.services.facts.ask(context.asking, operation)
    return [_card(spec, one, context) for one in heard]


def _card(spec: Spec, heard: facts.Heard, context: Context) -> RecordAnswer:
    told: Answer[Any] | None = heard.answer
    language = context.language
    problem = heard.why_not.problem if heard.why_not is not None else told.problem if told is not None else None
    return RecordAnswer(
        agency=context.shelf.agencies[spec.agency],
        state=_state(heard),
        as_of=told.as_of if told else None,
        fetched_at=told.fetched_at if told else None,
        problem=None if problem is None else problem_told(problem, language),
        operation=spec.id,
        title=say(spec.title, language),
        about=say_if(heard.called, language),
        value=None if told is None or told.value is None else _fields(spec.fields, told.value, language),
    )


def _state(heard: facts.Heard) -> AnswerState:
    """What the question would have been asked with may itself be unknown; then it stands as that does."""
    if heard.answer is not None:
        return AnswerState[heard.answer.state]
    why = heard.why_not.state if heard.why_not is not None else "NOT_KNOWN"
    return {"AGENCY_DOWN": AnswerState.UNAVAILABLE, "NOT_ALLOWED": AnswerState.NOT_ALLOWED}.get(
        why, AnswerState.NOT_FOUND
    )


def _fields(fields: Sequence[Field], value: Record, language: Language) -> list[RecordField]:
    return [_field(one, value[one.name], language) for one in fields]


def _field(one: Field, value: Any, language: Language) -> RecordField:
    rows: list[RecordRow] = []
    text = None
    if one.kind == "object":
        rows = [RecordRow(fields=_fields(one.inside, item, language)) for item in _each(one, value)]
    elif one.is_list:
        text = ", ".join(_say(one, item, language) for item in value)
    elif value is not None:
        text = _say(one, value, language)
    return RecordField(name=one.name, title=say(one.title, language), text=text, rows=rows)


def _each(one: Field, value: Any) -> Iterable[Record]:
    if one.is_list:
        return value or ()
    return () if value is None else (value,)


def _say(one: Field, value: Any, language: Language) -> str:
    if one.kind == "enum":
        return one.choices[value].said_in(language)
    return say_value(value, one.kind, language)


def say_value(value: Any, kind: str, language: Language) -> str:
    """Any value as a person reads it."""
    match value:
        case words.Text():
            return value.said_in(language)
        case bool():
            return ("ใช่" if value else "ไม่ใช่") if language == "th" else ("yes" if value else "no")
        case dates.PartialDate():
            return partial_date(value, language).text
        case datetime():
            here = value.astimezone(BANGKOK)
            return f"{words.say_date(here.date(), language)} {here:%H:%M}"
        case date() if kind == "month":
            return partial_date(dates.PartialDate(value, "MONTH"), language).text
        case date():
            return words.say_date(value, language)
        case Decimal() if kind == "money":
            return f"{value:,.2f} {'บาท' if language == 'th' else 'baht'}"
        case Decimal():
            return f"{value:,f}"
    return str(value)


# ---- where agencies differ


@strawberry.type(description="What one agency says of a fact.")
class DisagreeingClaim:
    operation: str = field(description="The question whose answer says it.")
    agency: str = field(description="The agency's code.")
    text: str = field(description="What it says, for the reader.")
    as_of: datetime | None = field(description="When the agency says its record was true, where it says so.")
    fetched_at: datetime | None = field(description="When we asked.")


@strawberry.type(
    description="A fact about which agencies say different things. It counts as not known until they agree."
)
class Disagreement:
    fact: str = field(description="The fact's path in the catalogue, such as `person.birth_date`.")
    title: Text = field(description="What the fact is called.")
    claims: list[DisagreeingClaim] = field(description="What each says.", metadata={"about": 2})
    problem: Problem = field(description="What that means, and what to do.")


async def disagreements(info: Info) -> list[Disagreement]:
    """Every fact that several agencies tell is asked of all of them."""
    context = info.context
    found = await context.services.facts.compare(context.asking)
    return [_disagreement(one, context) for one in found]


def _disagreement(one: facts.Fact, context: Context) -> Disagreement:
    language = context.language
    known = context.services.catalogue.tellable(one.path)
    assert known is not None  # noqa: S101 -- sources are of the catalogue's facts
    return Disagreement(
        fact=one.path,
        title=say(known.title, language),
        claims=[
            DisagreeingClaim(
                operation=claim.source.operation or "",
                agency=claim.source.agency or "",
                text=known.say(claim.value).said_in(language)
                if isinstance(claim.value, str)
                else say_value(claim.value, known.kind, language),
                as_of=claim.source.as_of,
                fetched_at=claim.source.fetched_at,
            )
            for claim in one.claims
        ],
        problem=Problem(
            code="AGENCIES_DISAGREE",
            message=(
                "หน่วยงานมีข้อมูลนี้ไม่ตรงกัน โปรดติดต่อหน่วยงานเพื่อแก้ไขให้ถูกต้อง"
                if language == "th"
                else "The agencies' records differ. Please ask them to put it right."
            ),
        ),
    )
