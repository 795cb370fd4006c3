"""Electricity and water of the home in the graph. Which authority lights it follows from the province DOPA names."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies import dopa
from agencies.civil_register import Address
from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer
from resolvers.context import Info
from resolvers.homes import card_of_home
from resolvers.values import Money, Text, say

_METROPOLITAN = frozenset({"10", "11", "12"})  # Bangkok, Samut Prakan, Nonthaburi: MEA; elsewhere PEA


@strawberry.enum(description="Whether a house is supplied.")
class SupplyState(Enum):
    CONNECTED = enum_value("connected", description="It is supplied.")
    SUSPENDED = enum_value("suspended", description="The supply is cut off until bills are paid.")


@strawberry.type(description="The bill of one month.")
class UtilityBill:
    month: date = field(description="The first day of the month.")
    units: int = field(description="How much was used: kilowatt hours, or cubic metres.")
    amount: Money = field(description="How much it costs.")
    is_paid: bool = field(description="Whether it is paid.")


@strawberry.type(description="The account of a house for electricity or water.")
class UtilityAccount:
    account_no: str = field(description="The number of the account (CA).")
    meter_no: str = field(description="The number of the meter.")
    kind: Text = field(description="What sort of account.")
    state: SupplyState = field(description="Whether the house is supplied.")
    latest: UtilityBill = field(description="The latest bill.")
    due_on: date = field(description="The day by which the latest bill is to be paid.")
    overdue: Money = field(description="What is overdue, all bills together.")
    earlier: list[UtilityBill] = field(description="Earlier bills, the newest first.", metadata={"about": 5})


@strawberry.type(description="The answer of an electricity authority or the waterworks about the home.")
class UtilityAnswer(AgencyAnswer):
    value: UtilityAccount | None = field(description="The record; null unless the state is `OK` or `STALE`.")


async def _electricity(info: Info) -> UtilityAnswer:
    home = await info.context.asking.ask(dopa.HOUSE)
    metropolitan = home.value is not None and home.value.address.province.code in _METROPOLITAN
    operation = "mea.get_account" if metropolitan else "pea.get_account"
    return await card_of_home(UtilityAnswer, operation, _account, info, _house)


async def _water(info: Info) -> UtilityAnswer:
    return await card_of_home(UtilityAnswer, "pwa.get_account", _account, info, _house)


@strawberry.type(description="Electricity and water of the house that a person is registered in.")
class Utilities:
    electricity: UtilityAnswer = field(
        resolver=_electricity, description="Electricity: MEA in Bangkok, Nonthaburi and Samut Prakan, PEA elsewhere."
    )
    water: UtilityAnswer = field(resolver=_water, description="Water (the waterworks authorities).")


def utilities() -> Utilities:
    return Utilities()


def _house(address: Address) -> dict[str, str]:
    return {"house_id": address.house_id}


def _account(told: Record, language: Language) -> UtilityAccount:
    return UtilityAccount(
        account_no=told["account_no"],
        meter_no=told["meter_no"],
        kind=say(told["kind"], language),
        state=SupplyState(told["status"]),
        latest=_bill(told),
        due_on=told["due_date"],
        overdue=Money(amount=told["overdue"]),
        earlier=[_bill(one) for one in told["bills"]],
    )


def _bill(told: Record) -> UtilityBill:
    return UtilityBill(
        month=told["bill_month"], units=told["units"], amount=Money(amount=told["amount"]), is_paid=told["is_paid"]
    )
