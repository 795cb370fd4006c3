"""Homes and who governs them: which house a number means, its local authority, its constituency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandbox import places
from sandbox.people import Address, Words
from sandbox.world import World

PEOPLE_A_SEAT: Final = 165  # thousands of registered people for each of the 400 members elected by constituency
_TOWN = "01"  # the first district of a province


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    code: str  # eight digits, the nation's own: 99 and the subdistrict
    name: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Constituency:
    number: int
    name: Words


def address_of(world: World, house_id: str) -> Address | None:
    """The address of the house with this eleven-digit number; its first member's number stands in it."""
    if len(house_id) != 11 or not (house_id.isascii() and house_id.isdigit()):
        return None
    first = int(house_id[2:10])
    if not 1 <= first <= world.nation.size:
        return None
    address = world.nation.citizen(first).address
    return address if address.house_id == house_id else None


def authority(address: Address) -> Authority:
    """Bangkok governs all of itself, a municipality the first district of a province, and elsewhere a subdistrict does
    so itself; which of them is a municipality of its own is made up."""
    code = address.subdistrict_code
    if code.startswith(places.BANGKOK):
        return Authority(
            code=f"99{places.BANGKOK}0000", name=Words(th="กรุงเทพมหานคร", en="Bangkok Metropolitan Administration")
        )
    if code[2:4] == _TOWN:
        return Authority(
            code=f"99{code[:4]}00",
            name=Words(th=f"เทศบาลเมือง{address.province.th}", en=f"{address.province.en} Town Municipality"),
        )
    if int(code[-2:]) == 1:
        name = Words(th=f"เทศบาลตำบล{address.subdistrict.th}", en=f"{address.subdistrict.en} Subdistrict Municipality")
    else:
        name = Words(
            th=f"องค์การบริหารส่วนตำบล{address.subdistrict.th}",
            en=f"{address.subdistrict.en} Subdistrict Administrative Organization",
        )
    return Authority(code=f"99{code}", name=name)


def constituency(address: Address) -> Constituency:
    """A province has as many as its people ask for; its districts are dealt out among them."""
    province = places.PROVINCE[address.subdistrict_code[:2]]
    seats = max(1, round(province.people / PEOPLE_A_SEAT))
    number = int(address.subdistrict_code[2:6]) % seats + 1
    return Constituency(
        number=number,
        name=Words(th=f"{province.name.th} เขต {number}", en=f"{province.name.en} constituency {number}"),
    )
