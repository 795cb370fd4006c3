"""The plain REST dialect, for agencies whose interface nobody has published: such an agency is data, not code.

Invented, and the same for all of them: `POST {agency}/v1/{operation}` with what is asked as a JSON object, a bearer token,
and an answer `{"about": …, "as_of": …, "data": …}` in which `about` repeats what was asked, so that an answer about
somebody else is seen. 404, about the same, means that there is no such record. Identity numbers travel in the body, never
in an address. The catalogue says what can be asked, what an answer holds, and which facts it tells
(docs/add-an-agency.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from agencies.answers import Found, Keeping, Operation, Question, Things
from agencies.dialect import both, hear, opened, reach, served
from agencies.reading import Reading
from agencies.trouble import AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble
from foundation.dates import PartialDate
from foundation.errors import BadInput
from foundation.http import Http
from foundation.language import Text
from foundation.settings import Secret

Kind = Literal[
    "text",
    "words",
    "bool",
    "int",
    "decimal",
    "money",
    "date",
    "partial_date",
    "month",
    "time",
    "code",
    "enum",
    "object",
]
KINDS_IN_WORDS = "text, words, bool, int, decimal, money, date, partial_date, month, time, code, enum(a, b)"
Record = Mapping[str, Any]

CITIZEN = "citizen_id"  # the argument that is the person asked about
_MOST_ITEMS = 1_000  # of one list in an answer
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an answer. `inside` are the fields of an object; `is_list`: there may be any number of it."""

    name: str
    kind: Kind
    title: Text
    is_optional: bool = False
    is_list: bool = False
    choices: Mapping[str, Text] = field(default_factory=dict)  # of an enum, and what each is called
    inside: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """What an operation is asked with: a fact (`fed_by`), or one of a few `choices`, of which the first is usual."""

    name: str
    fed_by: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Which list of an answer holds things that are asked about one by one, and how each is known and called."""

    subject: str  # `vehicle`, as facts about it begin
    list: str
    key: str
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One operation as the catalogue says it. `facts` leads from a fact's path to a field, dots between."""

    agency: str
    id: str  # `dlt.get_vehicles`
    title: Text
    arguments: tuple[Argument, ...]
    fields: tuple[Field, ...]
    facts: Mapping[str, str]
    listed: tuple[Listed, ...]
    when_absent: Mapping[str, Any]
    keeping: Keeping
    is_sensitive: bool

    @property
    def wire(self) -> str:
        return self.id.partition(".")[2]

    @property
    def names_person(self) -> bool:
        """Else it is asked about a place, a vehicle or a company, or about nobody at all, and not told whose."""
        return any(one.name == CITIZEN for one in self.arguments)


def operation(spec: Spec) -> Operation[Record]:
    """The operation that the gateway asks."""
    return Operation(
        agency=spec.agency,
        name=spec.wire.upper(),
        wire=spec.wire,
        read=partial(_read, spec.fields),
        title=spec.title,
        door=door(spec.agency),
        takes={
            one.name: (one.name, partial(_write, one.name, one.choices))
            for one in spec.arguments
            if one.name != CITIZEN
        },
        keeping=spec.keeping,
        is_sensitive=spec.is_sensitive,
        facts={fact: _taking(place, spec.listed, fact) for fact, place in spec.facts.items()},
        things={
            one.subject: Things(
                of=partial(_items, one.list), key=partial(_text, one.key), called=partial(_called, one.called)
            )
            for one in spec.listed
        },
        when_absent=spec.when_absent,
        fed_by={one.name: one.fed_by for one in spec.arguments if one.fed_by and one.name != CITIZEN},
        usual={one.name: one.choices[0] for one in spec.arguments if one.choices},
        names_person=spec.names_person,
    )


def door(agency: str) -> str:
    """The adapter's code: an agency may have a dialect of its own besides."""
    return f"{agency}_rest"


class StandardAgency:
    """One agency at `url`. What is asked of it at the same moment goes in calls of its own: the dialect has no batch."""

    most_at_once = 1

    def __init__(self, agency: str, http: Http, *, url: str, token: Secret, deadline_s: float) -> None:
        self.code = door(agency)
        self._http = http
        self._url = f"{url.rstrip('/')}/v1/"
        self._headers = {"Authorization": f"Bearer {token.reveal()}"}
        self._deadline_s = deadline_s

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        return [await self._ask(person_number, operation) for operation in operations]

    async def _ask(self, person_number: str, operation: Operation[Any]) -> Found[Any] | Trouble:
        about = dict(operation.given)
        if operation.names_person:
            about[CITIZEN] = person_number
        reply = await reach(
            self._http, "POST", self._url + operation.wire, deadline_s=self._deadline_s, headers=self._headers, json=about,
        )  # fmt: skip
        # That nothing is held says something of a person too, and must be about the right one.
        answer = opened(reply if reply.status == 404 else served(reply))
        if answer.part("about").content != about:
            raise AnswerAboutSomeoneElse("not what was asked about")
        if reply.status == 404:
            if answer.part("error").text("code") == "NOT_FOUND":
                return NotThere(f"{operation.wire} holds nothing")
            return AnswerMalformed("a 404 that does not say what was not found")
        question = Question(person_number=person_number, given=about)
        return hear(operation, answer.part("data"), question, as_of=_read_time(answer, "as_of"))


def _read(fields: Sequence[Field], answer: Reading, _question: Question) -> Record:
    return {one.name: _value(one, answer) for one in fields}


def _value(one: Field, answer: Reading) -> Any:
    sent = answer.raw(one.name)
    if one.is_list:
        if sent is None and one.is_optional:
            return ()
        if type(sent) is not list or len(sent) > _MOST_ITEMS:
            raise AnswerMalformed(f"{one.name} is not a list of at most {_MOST_ITEMS}")
        if one.kind == "object":
            return tuple(_object(one, item) for item in sent)
        return tuple(_READERS[one.kind](Reading({one.name: item}), one) for item in sent)
    if sent is None or sent == "":
        if one.is_optional:
            return None
        raise AnswerMalformed(f"{one.name} is missing")
    return _object(one, sent) if one.kind == "object" else _READERS[one.kind](answer, one)


def _object(one: Field, sent: Any) -> Record:
    inside = Reading(sent)
    return {field.name: _value(field, inside) for field in one.inside}


def _read_words(answer: Reading, one: Field) -> Text:
    words = answer.part(one.name)
    return both(words.text("th"), words.maybe_text("en"))


def _read_bool(answer: Reading, one: Field) -> bool:
    sent = answer.raw(one.name)
    if type(sent) is not bool:
        raise AnswerMalformed(f"{one.name} is neither true nor false")
    return sent


def _read_decimal(answer: Reading, one: Field) -> Decimal:
    return answer.money(one.name)


def _read_date(answer: Reading, one: Field) -> date:
    text = answer.text(one.name)
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise AnswerMalformed(f"{one.name} is not a day such as 2026-11-21")


def read_partial(text: str) -> PartialDate:
    """`1950-03-21`, `1950-03` or `1950`, Common Era. ValueError for anything else."""
    found = _PARTIAL.fullmatch(text)
    if found is None:
        raise ValueError("not a date such as 1950-03 or 1950")
    year, month, day = (None if part is None else int(part) for part in found.groups())
    known = [1 if part is None else part for part in (year, month, day)]
    return PartialDate(date(*known), "YEAR" if month is None else "MONTH" if day is None else "DAY")


def _read_partial(answer: Reading, one: Field) -> PartialDate:
    try:
        return read_partial(answer.text(one.name))
    except ValueError as exc:
        raise AnswerMalformed(f"{one.name} is not a date such as 1950-03 or 1950") from exc


def _read_month(answer: Reading, one: Field) -> date:
    found = _MONTH.fullmatch(answer.text(one.name))
    try:
        if found:
            return date(int(found[1]), int(found[2]), 1)
    except ValueError:
        pass
    raise AnswerMalformed(f"{one.name} is not a month such as 2026-11")


def _read_moment(answer: Reading, one: Field) -> datetime:
    found = _read_time(answer, one.name)
    if found is None:
        raise AnswerMalformed(f"{one.name} is missing")
    return found


def _read_time(answer: Reading, name: str) -> datetime | None:
    text = answer.maybe_text(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise AnswerMalformed(f"{name} is not a time") from exc
    if found.tzinfo is None:
        raise AnswerMalformed(f"{name} is a time without its zone")
    return found


def _read_choice(answer: Reading, one: Field) -> str:
    text = answer.text(one.name)
    if text not in one.choices:
        raise AnswerMalformed(f"{one.name} is none of its choices")
    return text


_READERS: Mapping[Kind, Callable[[Reading, Field], Any]] = {
    "text": lambda answer, one: answer.text(one.name),
    "code": lambda answer, one: answer.text(one.name),
    "words": _read_words,
    "bool": _read_bool,
    "int": lambda answer, one: answer.number(one.name),
    "decimal": _read_decimal,
    "money": _read_decimal,
    "date": _read_date,
    "partial_date": _read_partial,
    "month": _read_month,
    "time": _read_moment,
    "enum": _read_choice,
}


def _write(name: str, choices: tuple[str, ...], value: Any) -> str:
    """An argument as it is sent. BadInput where it makes no sense."""
    text = value.isoformat() if isinstance(value, date) else str(value)
    if not 1 <= len(text) <= 200 or not text.isprintable() or (choices and text not in choices):
        raise BadInput(
            f"{name} must be {'one of ' + ', '.join(choices) if choices else 'a text of 1 to 200 characters'}",
            th=f"{name} ต้องเป็น{'หนึ่งใน ' + ', '.join(choices) if choices else 'ข้อความ 1 ถึง 200 ตัวอักษร'}", field=name,
        )  # fmt: skip
    return text


def _taking(place: str, listed: Sequence[Listed], fact: str) -> Callable[[Any], Any]:
    """How to take a fact from an answer, or from one item of the list that its subject stands in."""
    subject = fact.partition(".")[0]
    names = place.split(".")
    if any(one.subject == subject and one.list == names[0] for one in listed):
        names = names[1:]
    return partial(_follow, tuple(names))


def _follow(names: tuple[str, ...], value: Any) -> Any:
    for name in names:
        if value is None:
            return None
        value = value[name]
    return value


def _items(name: str, value: Any) -> Sequence[Any]:
    found: Sequence[Any] = value[name]
    return found


def _text(name: str, item: Any) -> str:
    return str(item[name])


def _called(name: str, item: Any) -> Text:
    value = item[name]
    return value if isinstance(value, Text) else both(str(value))
