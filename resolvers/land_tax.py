"""The land and building tax in the graph: the year's bill, property by property, and how it is paid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.errors import BadInput
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, AnswerState, card
from resolvers.context import Info
from resolvers.values import Money, Text, problem_of, say

_FIRST_YEAR = 2020  # in which the tax was first raised
_OPERATION = "lao.get_lbt_bill"

TaxYear = Annotated[
    int | None,
    strawberry.argument(
        description="The tax year, a calendar year of the Common Era from 2020 on. Left out, this year.", name="year"
    ),
]


@strawberry.enum(description="How the year's tax stands.")
class LandTaxState(Enum):
    EXEMPT = enum_value("exempt", description="Nothing is to be paid.")
    DUE = enum_value("due", description="It is to be paid.")
    OVERDUE = enum_value("overdue", description="It should have been paid; surcharges grow.")
    PAID = enum_value("paid", description="It is paid.")


@strawberry.enum(description="What land or a building is used for, which decides the rate.")
class LandUse(Enum):
    RESIDENCE = enum_value("residence", description="To live in.")
    AGRICULTURE = enum_value("agriculture", description="To farm.")
    COMMERCIAL = enum_value("commercial", description="For trade, and all else.")
    VACANT = enum_value("vacant", description="Left vacant.")


@strawberry.type(description="One property on the bill.")
class TaxedProperty:
    property_id: str = field(description="The number of the property, the same as the land office's.")
    name: Text = field(description="What it is called.")
    use: LandUse = field(description="What it is used for.")
    appraised_value: Money = field(description="The official appraisal.")
    exempt_value: Money = field(description="How much of it is exempt, as for a home of one's own.")
    rate_percent: Decimal = field(description="Percent of what is not exempt.")
    tax: Money = field(description="The tax on it.")
    completed_on: date | None = field(description="When the building was completed; null for land.")


@strawberry.type(description="One part of a tax that is paid in parts.")
class LandTaxInstalment:
    number: int = field(description="Which part, from 1.")
    due_on: date = field(description="Until when it is to be paid.")
    amount: Money = field(description="How much.")
    paid_on: date | None = field(description="When it was paid.")


@strawberry.type(description="The bill of one tax year.")
class LandTaxBill:
    bill_id: str = field(description="The number of the bill, to pay it by.")
    year: int = field(description="The tax year, Common Era.")
    local_authority: Text = field(description="Who raises it.")
    state: LandTaxState = field(description="How it stands.")
    tax: Money = field(description="The tax of the year in all.")
    to_pay: Money = field(description="What is still to be paid.")
    due_on: date | None = field(description="Until when it is to be paid; null where nothing is.")
    paid_on: date | None = field(description="When it was paid in one sum.")
    may_pay_in_instalments: bool = field(description="Whether it may be paid in three parts.")
    instalments: list[LandTaxInstalment] = field(description="The parts, where that was chosen.", metadata={"about": 3})
    properties: list[TaxedProperty] = field(description="Property by property.", metadata={"about": 4})


@strawberry.type(description="The local authority's answer about the land and building tax of a year.")
class LandTaxAnswer(AgencyAnswer):
    value: LandTaxBill | None = field(
        description="The bill; null unless the state is `OK` or `STALE`. Who owned nothing on 1 January has none: "
        "`NOT_FOUND`."
    )


async def land_and_building_tax(info: Info, year: TaxYear = None) -> LandTaxAnswer:
    """A year that makes no sense is a problem on this card and nothing worse."""
    context = info.context
    this_year = context.services.clock.today().year
    if year is not None and not _FIRST_YEAR <= year <= this_year:
        wrong = BadInput(
            f"year must be a year of the Common Era from {_FIRST_YEAR} to {this_year}",
            th=f"year ต้องเป็นปี ค.ศ. ตั้งแต่ {_FIRST_YEAR} ถึง {this_year}", field="year",
        )  # fmt: skip
        return LandTaxAnswer(
            agency=context.shelf.agencies["lao"], state=AnswerState.NOT_FOUND, as_of=None, fetched_at=None,
            problem=problem_of(wrong, context.language), value=None,
        )  # fmt: skip
    return await card(LandTaxAnswer, _OPERATION, _bill, info, tax_year=this_year if year is None else year)


def _bill(told: Record, language: Language) -> LandTaxBill:
    return LandTaxBill(
        bill_id=told["bill_id"],
        year=told["tax_year"],
        local_authority=say(told["local_authority"], language),
        state=LandTaxState(told["state"]),
        tax=Money(amount=told["tax"]),
        to_pay=Money(amount=told["to_pay"]),
        due_on=told["due_date"],
        paid_on=told["paid_on"],
        may_pay_in_instalments=told["may_pay_in_instalments"],
        instalments=[
            LandTaxInstalment(
                number=one["number"],
                due_on=one["due_date"],
                amount=Money(amount=one["amount"]),
                paid_on=one["paid_on"],
            )
            for one in told["instalments"]
        ],
        properties=[
            TaxedProperty(
                property_id=one["property_id"],
                name=say(one["called"], language),
                use=LandUse(one["use"]),
                appraised_value=Money(amount=one["appraised_value"]),
                exempt_value=Money(amount=one["exempt_value"]),
                rate_percent=one["rate_percent"],
                tax=Money(amount=one["tax"]),
                completed_on=one["completed_date"],
            )
            for one in told["items"]
        ],
    )
