"""The Department of Disaster Prevention and Mitigation: declared areas, flooded homes, and relief asked for.

The year has its seasons: drought from March, storms from April, floods from September to December, cold and haze in the
northern provinces after that. Which districts are hit follows from the year and the province alone (rates assumed).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox import local, places
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.people import Address, Words
from sandbox.world import World

_NORTH: Final = frozenset({"50", "51", "52", "53", "54", "55", "56", "57", "58", "63", "42"})
_RELIEF_WITHIN = timedelta(days=90)  # after the disaster is over
_SHOWN_AFTER = timedelta(days=120)
_FLOOD_RELIEF = Decimal(9_000)  # for each home under water for a week, as the cabinet decided in 2567
_HOMES_FLOODED = 20  # per cent of homes in a flooded subdistrict (assumed)
_CRITERIA_DAYS = 7
_RELIEF: Final = Words(
    th="เงินช่วยเหลือ 9,000 บาทต่อครัวเรือนที่น้ำท่วมที่อยู่อาศัยประจำเกิน 7 วัน",
    en="9,000 baht for each household whose home was under water for more than seven days",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Season:
    kind: str
    month: int  # in which it is declared
    spread_days: int
    lasts_days: int
    chance: int  # per cent of districts
    only_north: bool = False


_SEASONS: Final = (
    _Season(kind="drought", month=3, spread_days=40, lasts_days=70, chance=10),
    _Season(kind="fire", month=2, spread_days=50, lasts_days=30, chance=35, only_north=True),
    _Season(kind="storm", month=4, spread_days=50, lasts_days=5, chance=12),
    _Season(kind="flood", month=9, spread_days=75, lasts_days=45, chance=22),
    _Season(kind="cold", month=12, spread_days=30, lasts_days=45, chance=30, only_north=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Area:
    area_id: str
    kind: str
    district: places.District
    subdistricts: tuple[tuple[str, Words], ...]
    since: date
    until: date

    @property
    def apply_by(self) -> date:
        return self.until + _RELIEF_WITHIN


def get_declared_areas(asked: Asked) -> Mapping[str, Any] | None:
    province = places.PROVINCE.get(asked.arguments["province"])
    if province is None:
        return None
    return {
        "areas": [
            {
                "area_id": one.area_id,
                "kind": one.kind,
                "province": province.code,
                "district_code": one.district.code,
                "district": one.district.name,
                "subdistricts": [name for _, name in one.subdistricts],
                "declared_on": one.since,
                "ended_on": one.until if one.until <= asked.today else None,
                "relief": _RELIEF if one.kind == "flood" else None,
                "apply_by": one.apply_by if one.kind == "flood" and one.until <= asked.today else None,
            }
            for one in _lately(asked.world, province)
        ]
    }


def get_home(asked: Asked) -> Mapping[str, Any] | None:
    address = local.address_of(asked.world, asked.arguments["house_id"])
    if address is None:
        return None
    areas = _areas_of(asked.world, address)
    flooded = next((days for one in areas if (days := _days_under_water(asked.world, address, one))), None)
    return {
        "in_declared_disaster_area": any(asked.today <= one.apply_by for one in areas),
        "flooded_primary_residence": flooded is not None and flooded > _CRITERIA_DAYS,
        "flooded_days": flooded,
        "surveyed_on": min(areas[0].since + timedelta(days=10), asked.today) if flooded else None,
    }


def get_relief(asked: Asked) -> Mapping[str, Any]:
    """The householder of a flooded home has often asked for relief already."""
    person, today = asked.person, asked.today
    if not person.is_householder or not person.alive:
        return {"claims": []}
    found = []
    for one in _areas_of(asked.world, person.address):
        requested = one.since + timedelta(days=14 + asked.dice(f"requested {one.area_id}") % 30)
        is_asked = asked.dice(f"asked {one.area_id}") % 10 < 6 and requested <= today
        if (_days_under_water(asked.world, person.address, one) or 0) <= _CRITERIA_DAYS or not is_asked:
            continue
        paid = requested + timedelta(days=45)
        state = "paid" if paid <= today else "approved" if requested + timedelta(days=20) <= today else "checking"
        found.append(
            {
                "claim_id": f"R{asked.dice(f'claim {one.area_id}') % 10**8:08d}",
                "kind": one.kind,
                "requested_on": requested,
                "amount": _FLOOD_RELIEF,
                "state": state,
                "paid_on": paid if state == "paid" else None,
            }
        )
    return {"claims": found}


def _lately(world: World, province: places.Province) -> list[_Area]:
    """What was declared and is not long over, the latest first."""
    today = world.clock.today()
    found = [
        one
        for year in (today.year - 1, today.year)
        for one in _declared(world, province, year)
        if one.since <= today <= one.until + _SHOWN_AFTER
    ]
    return sorted(found, key=lambda one: (one.since, one.area_id), reverse=True)


def _declared(world: World, province: places.Province, year: int) -> Iterator[_Area]:
    for season in _SEASONS:
        if season.only_north and province.code not in _NORTH:
            continue
        for district in province.districts:
            draw = throw(world.nation.seed, season.kind, year, district.code)
            if draw % 100 >= season.chance:
                continue
            since = date(year, season.month, 1) + timedelta(days=draw // 128 % season.spread_days)
            count = draw // 65_536 % len(district.subdistricts) + 1
            yield _Area(
                area_id=f"{season.kind[0].upper()}{district.code}{since:%y%m%d}",
                kind=season.kind,
                district=district,
                subdistricts=district.subdistricts[:count],
                since=since,
                until=since + timedelta(days=season.lasts_days // 2 + draw // 2**24 % season.lasts_days),
            )


def _areas_of(world: World, address: Address) -> list[_Area]:
    province = places.PROVINCE[address.subdistrict_code[:2]]
    return [
        one for one in _lately(world, province) if any(code == address.subdistrict_code for code, _ in one.subdistricts)
    ]


def _days_under_water(world: World, address: Address, area: _Area) -> int | None:
    """By the sandbox's day; the homes of the stories stay dry."""
    draw = throw(world.nation.seed, "flooded", address.house_id, area.area_id)
    if area.kind != "flood" or int(address.house_id[2:10]) <= 199 or draw % 100 >= _HOMES_FLOODED:
        return None
    so_far = (min(area.until, world.clock.today()) - area.since).days
    return min(so_far, draw // 128 % 30 + 1) or None


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_declared_areas": get_declared_areas,
    "get_home": get_home,
    "get_relief": get_relief,
}
