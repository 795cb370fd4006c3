"""The companies of the nation, and who registered for VAT: facts that follow from a citizen's number, like all others.

A juristic number carries its owner's citizen number, so a company is found without a list. Real numbers begin with 0, a
province's code and the type of juristic person (`0-1055-…`); the nation's carry the province 00, which is nobody's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from sandbox.nation import pid
from sandbox.people import Address, Citizen, Words
from sandbox.world import World

Kind = Literal["2", "3", "5", "7"]  # the register's code for the type of juristic person

KINDS: dict[str, Words] = {
    "2": Words(th="ห้างหุ้นส่วนสามัญนิติบุคคล", en="Registered ordinary partnership"),
    "3": Words(th="ห้างหุ้นส่วนจำกัด", en="Limited partnership"),
    "5": Words(th="บริษัทจำกัด", en="Limited company"),
    "7": Words(th="บริษัทมหาชนจำกัด", en="Public limited company"),
}
ACTIVE, DISSOLVED = "ยังดำเนินกิจการอยู่", "เลิก"
_TRADES = (
    ("56101", Words(th="การบริการด้านอาหารในภัตตาคาร/ร้านอาหาร", en="Restaurants")),
    ("47110", Words(th="ร้านขายปลีกสินค้าทั่วไป", en="Retail sale in general shops")),
    ("62010", Words(th="กิจกรรมการจัดทำโปรแกรมคอมพิวเตอร์", en="Computer programming activities")),
    ("49323", Words(th="การขนส่งสินค้าทางถนน", en="Freight transport by road")),
    ("41002", Words(th="การก่อสร้างอาคารที่ไม่ใช่ที่อยู่อาศัย", en="Construction of non-residential buildings")),
)
_WORDS = (
    Words(th="รุ่งเรืองการค้า", en="RUNGRUEANG TRADING"),
    Words(th="ทรัพย์ทวี", en="SAP THAWI"),
    Words(th="บ้านสวนฟู้ดส์", en="BAN SUAN FOODS"),
    Words(th="ก้าวหน้าโลจิสติกส์", en="KAONA LOGISTICS"),
    Words(th="เจริญพัฒนา", en="CHAROEN PHATTHANA"),
)
_SHOP_OWNER = 9  # the sample citizen whose story is a business; she is about to register for VAT, too
_ONE_IN = 24  # adults with a company
_VAT_SHARE = 3  # of whom a company registered for VAT is every such-and-such's
_LONGEST = 8  # digits of a citizen's number in a juristic number


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    juristic_id: str
    kind: Kind
    name: Words
    status: str
    registered_on: date
    capital: Decimal
    trade_code: str  # TSIC, five digits
    trade: Words
    address: Address
    directors: tuple[Citizen, ...]
    vat_since: date | None

    @property
    def full_name(self) -> Words:
        """With the words that say what it is."""
        before, after = _AROUND[self.kind]
        return Words(th=f"{before.th} {self.name.th} {after.th}".strip(), en=f"{self.name.en} {after.en}".strip())


_AROUND: dict[str, tuple[Words, Words]] = {
    "2": (Words(th="ห้างหุ้นส่วนสามัญนิติบุคคล", en=""), Words(th="", en="REGISTERED ORDINARY PARTNERSHIP")),
    "3": (Words(th="ห้างหุ้นส่วนจำกัด", en=""), Words(th="", en="LIMITED PARTNERSHIP")),
    "5": (Words(th="บริษัท", en=""), Words(th="จำกัด", en="COMPANY LIMITED")),
    "7": (Words(th="บริษัท", en=""), Words(th="จำกัด (มหาชน)", en="PUBLIC COMPANY LIMITED")),
}


def companies_of(world: World, citizen: Citizen) -> tuple[Company, ...]:
    """The companies in which this citizen is a director: none, for most."""
    company = _company(world, citizen)
    return () if company is None else (company,)


def find(world: World, juristic_id: str) -> Company | None:
    """The company with this juristic number, if it is registered by now."""
    if len(juristic_id) != 13 or not juristic_id.isdigit() or not juristic_id.startswith("000"):
        return None
    owner = world.citizen(int(juristic_id[4:12]))
    company = None if owner is None else _company(world, owner)
    return company if company is not None and company.juristic_id == juristic_id else None


def vat_since(world: World, tin: str) -> tuple[date, Citizen | Company] | None:
    """Since when the taxpayer with this number, a person or a company, is registered for VAT."""
    company = find(world, tin)
    if company is not None:
        return None if company.vat_since is None else (company.vat_since, company)
    person = world.find(tin)
    if person is None or not person.alive or world.age(person) < 20 or _draw(person.number, "vat") % 40:
        return None
    return world.nation.day_zero - timedelta(days=200 + _draw(person.number, "vat since") % 4_000), person


def taxpayer_exists(world: World, tin: str) -> bool:
    return find(world, tin) is not None or world.find(tin) is not None


def _company(world: World, owner: Citizen) -> Company | None:
    number = owner.number
    is_owner = number == _SHOP_OWNER or (number > 199 and _draw(number, "company") % _ONE_IN == 0)
    if not is_owner or world.age(owner) < 20:
        return None
    kinds: tuple[Kind, ...] = ("5", "5", "5", "5", "3", "3", "2", "7")
    kind = "5" if number == _SHOP_OWNER else kinds[_draw(number, "kind") % 8]
    code, trade = _TRADES[0 if number == _SHOP_OWNER else _draw(number, "trade") % len(_TRADES)]
    days = 160 if number == _SHOP_OWNER else 100 + _draw(number, "registered") % 5_000
    registered = world.nation.day_zero - timedelta(days=days)
    if registered > world.clock.today():
        return None
    is_active = number == _SHOP_OWNER or _draw(number, "active") % 12 != 0
    has_vat = number != _SHOP_OWNER and is_active and _draw(number, "company vat") % _VAT_SHARE == 0
    spouse = None if owner.spouse is None else world.citizen(owner.spouse)
    directors = (owner, spouse) if spouse is not None and spouse.alive else (owner,)
    word = _WORDS[2 if number == _SHOP_OWNER else _draw(number, "word") % len(_WORDS)]
    return Company(
        juristic_id=juristic_id(number, kind),
        kind=kind,
        name=Words(th=f"{word.th} {number}", en=f"{word.en} {number}"),
        status=ACTIVE if is_active else DISSOLVED,
        registered_on=registered,
        capital=Decimal((1_000_000, 2_000_000, 5_000_000)[_draw(number, "capital") % 3]),
        trade_code=code,
        trade=trade,
        address=owner.address,
        directors=directors,
        vat_since=registered + timedelta(days=30) if has_vat else None,
    )


def juristic_id(number: int, kind: Kind) -> str:
    """The juristic number of the company that citizen `number` owns."""
    digits = f"000{kind}{number:0{_LONGEST}d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(13, 1, -1), strict=True))
    return digits + str((11 - total % 11) % 10)


def _draw(number: int, what: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{what} {pid(number)}".encode()).digest()[:4])
