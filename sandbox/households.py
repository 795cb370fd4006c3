"""Who lives in a house and on what: what several registers must agree on when they call a household poor."""

from __future__ import annotations

from decimal import Decimal

from sandbox.people import Citizen
from sandbox.world import World

_MOST_IN_A_HOUSE = 16


def living_with(world: World, citizen: Citizen) -> list[Citizen]:
    """Everybody alive in the same house register, the citizen included."""
    return [one for one in world.present(citizen.household) if one.alive] or [citizen]


def income_per_head(world: World, citizen: Citizen) -> Decimal:
    """Of the household, in baht a year."""
    members = living_with(world, citizen)
    return (sum((one.income_per_year for one in members), Decimal(0)) / len(members)).quantize(Decimal(1))


def parents_income(world: World, citizen: Citizen) -> Decimal | None:
    """What the parents earn together in a year; None where neither is in the register any more."""
    parents = [one for one in (citizen.father, citizen.mother) if one is not None]
    living = [one for one in world.present(tuple(parents)) if one.alive]
    return sum((one.income_per_year for one in living), Decimal(0)) if living else None


def of_house(world: World, house_id: str) -> list[Citizen]:
    """Who lives in the house with that number: nobody where there is no such house, or all have died."""
    if len(house_id) != 11 or not (house_id.isascii() and house_id.isdigit()):
        return []
    first = int(house_id[2:10])
    for number in range(first, first + _MOST_IN_A_HOUSE):
        one = world.citizen(number)
        if one is not None and one.alive and one.address.house_id == house_id:
            return living_with(world, one)
    return []


def deceased_kin(world: World, citizen: Citizen) -> list[Citizen]:
    """Husband or wife, father and mother who have died by now."""
    kin = tuple(one for one in (citizen.spouse, citizen.father, citizen.mother) if one is not None)
    return [one for one in world.present(kin) if not one.alive]


def heir(world: World, dead: Citizen) -> Citizen | None:
    """Who sees to what must be done after a death: husband or wife, else the eldest child of age."""
    spouse = world.citizen(dead.spouse) if dead.spouse else None
    if spouse is not None and spouse.alive:
        return spouse
    grown_up = [one for one in world.present(dead.children) if one.alive and world.age(one) >= 20]
    return min(grown_up, key=lambda one: one.birth.earliest(), default=None)
