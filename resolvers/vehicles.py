"""What a person may drive, and what is registered to them, in the graph; for each vehicle, its compulsory insurance."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry
from strawberry import enum_value, field

from agencies.standard import Record
from foundation.language import Language
from resolvers.agencies import AgencyAnswer, card
from resolvers.context import Info
from resolvers.values import Money, Text, say, say_if


@strawberry.type(description="The compulsory insurance of a vehicle (พ.ร.บ.), without which its tax can't be paid.")
class CompulsoryInsurance:
    is_valid: bool = field(description="Whether the vehicle is insured today.")
    policy: str | None = field(description="The number of the latest policy.")
    insurer: Text | None = field(description="With whom.")
    valid_from: date | None = field(description="Its first day.")
    valid_to: date | None = field(description="Its last day.")


@strawberry.type(description="The OIC's answer about a vehicle's compulsory insurance.")
class InsuranceAnswer(AgencyAnswer):
    value: CompulsoryInsurance | None = field(
        description="The latest policy; null unless the state is `OK` or `STALE`. `NOT_FOUND`: there never was one."
    )


async def _insurance(root: strawberry.Parent[Vehicle], info: Info) -> InsuranceAnswer:
    return await card(InsuranceAnswer, "oic.get_cmi", _insured, info, vehicle_id=root.vehicle_id)


@strawberry.enum(description="What sort of vehicle it is.")
class VehicleKind(Enum):
    CAR = enum_value("car7", description="A car of up to seven seats.")
    PICKUP = enum_value("pickup", description="A pickup.")
    VAN = enum_value("van", description="A van.")
    MOTORCYCLE = enum_value("motorcycle", description="A motorcycle.")
    OTHER = enum_value("other", description="Something else; `kindName` says what.")


@strawberry.type(description="A vehicle registered to the person.")
class Vehicle:
    vehicle_id: str = field(description="The department's number of the vehicle.")
    plate: str = field(description="The plate.")
    kind: VehicleKind = field(description="What sort of vehicle it is.")
    kind_name: Text = field(description="The same in the register's words.")
    engine_cc: int = field(description="Engine capacity in cubic centimetres.")
    first_registered: date = field(description="When it was first registered.")
    tax_until: date = field(description="The last day that its tax is paid for.")
    tax: Money = field(description="The tax of the next year.")
    sold_on: date | None = field(description="When it was sold, if it was.")
    insurance: InsuranceAnswer = field(resolver=_insurance, description="Its compulsory insurance (OIC).")


@strawberry.type(description="The DLT's answer about a person's vehicles.")
class VehiclesAnswer(AgencyAnswer):
    value: list[Vehicle] | None = field(
        description="The vehicles, none for who has none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


@strawberry.enum(description="What sort of driving licence it is.")
class LicenceKind(Enum):
    TEMPORARY = enum_value("temporary", description="The first one, for two years.")
    PERSONAL = enum_value("personal5", description="Private, for five years.")
    TRANSPORT = enum_value("transport", description="For transport of goods or people.")


@strawberry.enum(description="What a licence lets one drive.")
class LicenceFor(Enum):
    CAR = enum_value("car", description="Cars, pickups and vans.")
    MOTORCYCLE = enum_value("motorcycle", description="Motorcycles.")


@strawberry.type(description="A driving licence.")
class DrivingLicence:
    licence_id: str = field(description="The number of the licence.")
    drives: LicenceFor = field(description="What it lets one drive.")
    kind: LicenceKind = field(description="What sort it is.")
    name: Text = field(description="The same in the register's words.")
    issued_on: date = field(description="When it was issued.")
    expires_on: date | None = field(description="Its last day; null for life.")


@strawberry.type(description="The DLT's answer about a person's driving licences.")
class LicencesAnswer(AgencyAnswer):
    value: list[DrivingLicence] | None = field(
        description="The licences, none for who has none; null unless the state is `OK` or `STALE`.",
        metadata={"about": 2},
    )


async def vehicles(info: Info) -> VehiclesAnswer:
    return await card(VehiclesAnswer, "dlt.get_vehicles", _vehicles, info)


async def licences(info: Info) -> LicencesAnswer:
    return await card(LicencesAnswer, "dlt.get_licences", _licences, info)


def _vehicles(told: Record, language: Language) -> list[Vehicle]:
    return [
        Vehicle(
            vehicle_id=one["vehicle_id"],
            plate=one["plate"],
            kind=VehicleKind(one["type"]),
            kind_name=say(one["kind"], language),
            engine_cc=one["engine_cc"],
            first_registered=one["first_registered_date"],
            tax_until=one["tax_expiry_date"],
            tax=Money(amount=one["tax_amount"]),
            sold_on=one["sale_date"],
        )
        for one in told["vehicles"]
    ]


def _licences(told: Record, language: Language) -> list[DrivingLicence]:
    return [
        DrivingLicence(
            licence_id=one["licence_id"],
            drives=LicenceFor(one["for"]),
            kind=LicenceKind(one["type"]),
            name=say(one["name"], language),
            issued_on=one["issue_date"],
            expires_on=one["expiry_date"],
        )
        for one in told["licences"]
    ]


def _insured(told: Record, language: Language) -> CompulsoryInsurance:
    return CompulsoryInsurance(
        is_valid=told["valid"],
        policy=told["policy"],
        insurer=say_if(told["insurer"], language),
        valid_from=told["valid_from"],
        valid_to=told["valid_to"],
    )
