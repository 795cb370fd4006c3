"""What a person says of themselves, in the graph: facts that no agency can know, kept as their own word."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import field

from agencies.own_words import Said
from agencies.standard import read_partial
from foundation.errors import BadInput, NotFound, SuperAppError
from foundation.language import ascii_digits
from lifeevents.catalogue.model import Fact
from resolvers.context import Context, Info
from resolvers.records import say_value
from resolvers.values import Problem, Text, problem_of, say

_NUMBER = re.compile(r"-?[0-9]{1,12}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_LONGEST = 200


@strawberry.type(description="Something that a person said of themselves; no agency vouches for it.")
class Declaration:
    fact: str = field(description="The fact's path in the catalogue, such as `person.move_date`.")
    title: Text = field(description="What the fact is called.")
    about: str | None = field(description="The id of the vehicle, parcel or company it is about, if it is about one.")
    value: str = field(description="What was said, in the form in which it is given.")
    text: str = field(description="The same for the reader.")
    told_at: datetime = field(description="When it was said.")


@strawberry.input(description="A fact about oneself.")
class DeclareFactInput:
    fact: str = field(description="The fact's path in the catalogue; only facts that a person may say themselves.")
    value: str = field(
        description="`true` or `false`, a whole number, an amount such as `1500.00`, a day such as `2026-11-21` (of which"
        " month or day may be left out), or one of the fact's choices, by its type."
    )
    about: str | None = field(
        default=None,
        description="The id of the vehicle, parcel or company it is about, if it is about one. Of a business without one,"
        " it is said of the business that the person plans.",
    )


@strawberry.type(description="What came of it.")
class DeclareFactPayload:
    declaration: Declaration | None = field(description="What is kept now; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; then nothing was changed.")


@strawberry.input(description="Which of one's own words to take back.")
class WithdrawDeclarationInput:
    fact: str = field(description="The fact's path.")
    about: str | None = field(default=None, description="What it was about, if it was about one thing.")


@strawberry.type(description="What came of it.")
class WithdrawDeclarationPayload:
    withdrawn_fact: str | None = field(description="The path of what is no longer kept; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; then nothing was changed.")


async def declarations(info: Info) -> list[Declaration]:
    context = info.context
    return [_shown(one, context) for one in await context.services.own_words.of(context.person)]


async def _declare(
    info: Info,
    given: Annotated[DeclareFactInput, strawberry.argument(name="input", description="What is said.")],
) -> DeclareFactPayload:
    context = info.context
    try:
        fact = _sayable(given.fact, context)
        value = read_value(given.value, fact, today=context.services.clock.today())
        said = await context.services.own_words.say(context.person, fact.path, value, about=given.about)
    except SuperAppError as exc:
        return DeclareFactPayload(declaration=None, problems=[problem_of(exc, context.language)])
    return DeclareFactPayload(declaration=_shown(said, context), problems=[])


async def _withdraw(
    info: Info,
    given: Annotated[WithdrawDeclarationInput, strawberry.argument(name="input", description="Which one.")],
) -> WithdrawDeclarationPayload:
    context = info.context
    try:
        fact = _sayable(given.fact, context)
        if not await context.services.own_words.take_back(context.person, fact.path, about=given.about):
            raise NotFound("nothing of the kind is kept", th="ไม่มีข้อมูลที่แจ้งไว้นี้", field="fact")
    except SuperAppError as exc:
        return WithdrawDeclarationPayload(withdrawn_fact=None, problems=[problem_of(exc, context.language)])
    return WithdrawDeclarationPayload(withdrawn_fact=given.fact, problems=[])


@strawberry.type
class OwnWordsMutation:
    declare_fact: DeclareFactPayload = field(
        resolver=_declare,
        description="Say something of oneself that no agency can know. Said again, it replaces what was said before.",
    )
    withdraw_declaration: WithdrawDeclarationPayload = field(
        resolver=_withdraw, description="Take back what one said of oneself."
    )


def _sayable(path: str, context: Context) -> Fact:
    fact = context.services.catalogue.fact(path)
    if fact is None or not fact.is_own_word:
        raise BadInput("this is no fact that a person may say themselves", th="ข้อเท็จจริงนี้แจ้งด้วยตนเองไม่ได้", field="fact")
    return fact


def read_value(text: str, fact: Fact, *, today: date) -> Any:
    """The value of a fact in the catalogue's terms. BadInput says what would be right."""
    plain = ascii_digits(text.strip()) if len(text) <= _LONGEST else ""
    match fact.kind:
        case "bool" if plain in ("true", "false"):
            return plain == "true"
        case "int" if _NUMBER.fullmatch(plain):
            return int(plain)
        case "money" | "decimal" if _AMOUNT.fullmatch(plain):
            return Decimal(plain)
        case "enum" if plain in {choice.value for choice in fact.choices}:
            return plain
        case "date":
            try:
                found = read_partial(plain)
            except ValueError:
                found = None
            if found is not None and date(1850, 1, 1) <= found.earliest <= _latest(today):
                return found.earliest if found.is_exact else found
        case "code" | "string" if plain and plain.isprintable():
            return plain
    wanted_en, wanted_th = _WANTED[fact.kind]
    if fact.kind == "enum":
        choices = ", ".join(choice.value for choice in fact.choices)
        wanted_en, wanted_th = f"one of {choices}", f"หนึ่งใน {choices}"
    raise BadInput(f"the value must be {wanted_en}", th=f"ค่าต้องเป็น{wanted_th}", field="value")


def _latest(today: date) -> date:
    """Plans reach ten years ahead at most."""
    return date(today.year + 10, 12, 31)


_WANTED = {
    "bool": ("true or false", " true หรือ false"),
    "int": ("a whole number", "จำนวนเต็ม"),
    "money": ("an amount such as 1500.00", "จำนวนเงิน เช่น 1500.00"),
    "decimal": ("a number such as 12.5", "ตัวเลข เช่น 12.5"),
    "date": ("a day in the Common Era such as 2026-11-21", "วันที่ ค.ศ. เช่น 2026-11-21"),
    "enum": ("one of its choices", "ค่าที่กำหนด"),
    "code": ("a text", "ข้อความ"),
    "string": ("a text", "ข้อความ"),
}


def _shown(said: Said, context: Context) -> Declaration:
    fact = context.services.catalogue.fact(said.path)
    assert fact is not None  # noqa: S101 -- only facts of the catalogue are kept, and none is ever taken out of it
    value = said.value
    is_text = isinstance(value, str) and fact.kind == "enum"
    return Declaration(
        fact=said.path,
        title=say(fact.title, context.language),
        about=said.about,
        value=str(value).lower() if isinstance(value, bool) else str(value),
        text=fact.say(value).said_in(context.language) if is_text else say_value(value, fact.kind, context.language),
        told_at=said.told_at,
    )
