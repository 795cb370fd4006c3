"""Which business a number means: a company of the company register, or a shop of the commercial register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sandbox import companies, means
from sandbox.people import Citizen, Words
from sandbox.world import World

_FOOD_TRADE: Final = "56101"


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    owner: Citizen
    name: Words
    since: date
    is_company: bool
    sells_food: bool
    is_active: bool


def business(world: World, business_id: str) -> Business | None:
    """None for a number that is nobody's business here."""
    if len(business_id) != 13 or not (business_id.isascii() and business_id.isdigit()):
        return None
    company = companies.find(world, business_id)
    if company is not None:
        return Business(
            owner=company.directors[0],
            name=company.full_name,
            since=company.registered_on,
            is_company=True,
            sells_food=company.trade_code == _FOOD_TRADE,
            is_active=company.status == companies.ACTIVE,
        )
    keeper = world.citizen(int(business_id[4:12]))
    shop = None if keeper is None else means.shop(world, keeper)
    if keeper is None or shop is None or shop.shop_id != business_id:
        return None
    return Business(
        owner=keeper,
        name=shop.name,
        since=shop.started_on,
        is_company=False,
        sells_food=shop.kind == "food",
        is_active=shop.is_active,
    )
