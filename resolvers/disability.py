"""The disability card in the graph, its caregiver with the number hidden, and the loans of the fund."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.selection import together
from resolvers.values import Money, Text, say


@strawberry.enum(description="How a disability card stands.")
class DisabilityCardState(Enum):
    NONE = enum_value("none", description="There is none.")
    VALID = enum_value("valid", description="It is valid.")
    EXPIRED = enum_value("expired", description="It has expired.")


@strawberry.enum(description="What sort of disability.")
class DisabilityKind(Enum):
    SEEING = enum_value("seeing", description="Visual.")
    HEARING = enum_value("hearing", description="Of hearing or communication.")
    MOBILITY = enum_value("mobility", description="Physical or of mobility.")
    MENTAL = enum_value("mental", description="Mental or behavioural.")
    INTELLECTUAL = enum_value("intellectual", description="Intellectual.")
    LEARNING = enum_value("learning", description="Of learning.")
    AUTISTIC = enum_value("autistic", description="Autistic.")


@strawberry.type(description="Who cares for a person with a disability, by the card.")
class Caregiver:
    name: Text = field(description="Title, name and surname.")
    masked_identity_number: str | None = field(description="The identity number with its middle hidden.")
    relation: Text | None = field(description="What they are to the person.")


@strawberry.type(description="A disability card (บัตรประจำตัวคนพิการ).")
class DisabilityCard:
    state: DisabilityCardState = field(description="How it stands.")
    card_no: str | None = field(description="The number of the card.")
    kind: DisabilityKind | None = field(description="What sort of disability.")
    issued_on: date | None = field(description="When it was issued.")
    expires_on: date | None = field(description="Its last day.")
    caregiver: Caregiver | None = field(description="The caregiver; null where the card names none.")


@strawberry.type(description="A loan of the fund for persons with disabilities.")
class DisabilityLoan:
    loan_id: str = field(description="The number of the contract.")
    purpose: Text = field(description="What it is for.")
    amount: Money = field(description="How much was lent.")
    balance: Money = field(description="How much of it is left.")
    instalment: Money = field(description="What is paid each month.")
    due_on: date | None = field(description="When the next instalment is due; null once it is repaid.")


@strawberry.type(description="DEP's answer about loans of the fund.")
class DisabilityLoansAnswer(AgencyAnswer):
    value: list[DisabilityLoan] | None = field(
        description="The loans, none for who has none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 1},
    )


async def _loans(info: Info) -> DisabilityLoansAnswer:
    return await card(DisabilityLoansAnswer, "dep.get_loans", _lent, info)


@strawberry.type(description="DEP's answer about the disability card.")
class DisabilityAnswer(AgencyAnswer):
    value: DisabilityCard | None = field(description="The record; null unless the state is `OK` or `STALE`.")
    loans: DisabilityLoansAnswer = field(
        resolver=_loans, description="Loans of the fund for persons with disabilities (DEP)."
    )


async def disability(info: Info) -> DisabilityAnswer:
    return await together(card(DisabilityAnswer, "dep.get_card", _held, info), info, {"loans": _loans})


def _held(told: Record, language: Language) -> DisabilityCard:
    caregiver, kind, relation = told["caregiver"], told["type"], told["caregiver_relation"]
    return DisabilityCard(
        state=DisabilityCardState(told["status"]),
        card_no=told["card_no"],
        kind=None if kind is None else DisabilityKind(kind),
        issued_on=told["issue_date"],
        expires_on=told["expiry_date"],
        caregiver=None
        if caregiver is None
        else Caregiver(
            name=say(caregiver, language),
            masked_identity_number=_hidden(told["caregiver_no"]),
            relation=None if relation is None else say(relation, language),
        ),
    )


def _hidden(number: str | None) -> str | None:
    """The agency hides its middle. Should it ever send a whole one, that is not shown at all."""
    return None if number is None or sum(character.isdigit() for character in number) > 6 else number


def _lent(told: Record, language: Language) -> list[DisabilityLoan]:
    return [
        DisabilityLoan(
            loan_id=one["loan_id"],
            purpose=say(one["purpose"], language),
            amount=Money(amount=one["amount"]),
            balance=Money(amount=one["balance"]),
            instalment=Money(amount=one["instalment"]),
            due_on=one["next_due_date"],
        )
        for one in told["loans"]
    ]
