"""What people own, owe, farm and save: the facts that land, bank, farm and vehicle registers share, so that all agree.

Everything follows from the citizen and the nation's day zero; a moved day decides what is there by then. The sample
citizens own what their stories say and nothing drawn. Rates and prices are believable and no better than that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from sandbox.companies import companies_of
from sandbox.people import Citizen, Words
from sandbox.samples import LAST_NUMBER, anniversary
from sandbox.world import World, age_on

ParcelKind = Literal["detached", "row", "commercial", "condo", "vacant_land", "agricultural"]
Unit = Literal["rai", "square_wah", "square_metre"]
Crop = Literal["rice", "cassava", "sugar_cane", "maize", "rubber", "oil_palm", "fruit"]

WAH_IN_RAI: Final = 400
_HOME_LOAN_YEARS, _CAR_LOAN_MONTHS = 30, 72
_BANGKOK, _RING = "10", frozenset({"11", "12", "13"})
_TREES: Final = frozenset({"rubber", "oil_palm", "fruit"})
_GROWING_DAYS: Final = {"rice": 120, "cassava": 300, "sugar_cane": 330, "maize": 110}
# When each is planted: month, day, and over how many days farmers spread.
_SEASONS: Final = {"rice": (6, 5, 45), "cassava": (11, 1, 14), "sugar_cane": (10, 20, 60), "maize": (5, 10, 40)}
# What grows where: by the first digit of the province's code, in tenths.
_CROPS: Final[dict[str, tuple[Crop, ...]]] = {
    "1": ("rice",) * 5 + ("sugar_cane",) * 2 + ("fruit",) * 3,
    "2": ("fruit",) * 5 + ("cassava",) * 3 + ("rice",) * 2,
    "3": ("rice",) * 7 + ("cassava",) * 2 + ("sugar_cane",),
    "4": ("rice",) * 7 + ("cassava",) + ("sugar_cane",) * 2,
    "5": ("rice",) * 5 + ("maize",) * 3 + ("fruit",) * 2,
    "6": ("rice",) * 6 + ("maize",) * 2 + ("sugar_cane",) * 2,
    "7": ("rice",) * 4 + ("sugar_cane",) * 4 + ("fruit",) * 2,
    "8": ("rubber",) * 5 + ("oil_palm",) * 4 + ("fruit",),
    "9": ("rubber",) * 7 + ("oil_palm",) + ("fruit",) * 2,
}  # fmt: skip
# The state's own banks, which most allowances are paid through.
BANKS: Final = (
    ("006", Words(th="ธนาคารกรุงไทย", en="Krungthai Bank")),
    ("030", Words(th="ธนาคารออมสิน", en="Government Savings Bank")),
    ("034", Words(th="ธนาคารเพื่อการเกษตรและสหกรณ์การเกษตร", en="Bank for Agriculture and Agricultural Cooperatives")),
)
HOME_LENDER: Final = Words(th="ธนาคารอาคารสงเคราะห์", en="Government Housing Bank")
_CAR_LENDER: Final = Words(th="บริษัทเช่าซื้อตัวอย่าง", en="Example Leasing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Land, a house on its land, or a flat."""

    parcel_id: str
    owner: int  # a citizen's number
    deed: Words
    kind: ParcelKind
    place: Words
    area: Decimal
    unit: Unit
    owned_since: date
    acquired_by: Literal["sale", "inheritance", "gift"]
    sale_price: Decimal | None
    mortgage: Decimal  # 0 where there is none, or no longer
    value_per_unit: Decimal  # of a square wah or square metre
    building_value: Decimal

    @property
    def wah(self) -> Decimal:
        """Land in square wah; 0 for a flat."""
        if self.unit == "square_metre":
            return Decimal(0)
        return self.area * WAH_IN_RAI if self.unit == "rai" else self.area

    @property
    def land_value(self) -> Decimal:
        measured = self.area if self.unit == "square_metre" else self.wah
        return (measured * self.value_per_unit).quantize(Decimal(1))

    @property
    def value(self) -> Decimal:
        return self.land_value + self.building_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    plot_id: str
    crop: Crop
    rai: Decimal
    planted_on: date
    harvest_on: date | None  # None: trees, which are harvested year after year
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    farmer_no: str
    since: date
    updated_on: date
    plots: tuple[Plot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    kind: Literal["home", "car"]
    lender: Words
    limit: Decimal
    owed: Decimal
    opened_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owned:
    """A parcel as a story tells it. `days`: how long before day zero it was acquired."""

    kind: ParcelKind
    area: Decimal
    days: int
    by: Literal["sale", "inheritance", "gift"] = "inheritance"
    price: int | None = None
    mortgage: int = 0


def _owned(
    kind: ParcelKind, area: str, *, days: int, by: Literal["sale", "inheritance", "gift"] = "inheritance",
    price: int | None = None, mortgage: int = 0,
) -> _Owned:  # fmt: skip
    return _Owned(kind=kind, area=Decimal(area), days=days, by=by, price=price, mortgage=mortgage)


_SAMPLES_OWN: Final[dict[int, tuple[_Owned, ...]]] = {
    2: (_owned("detached", "60", days=2_200, by="sale", price=1_850_000, mortgage=1_480_000),),
    4: (_owned("condo", "32", days=1_461, by="sale", price=1_450_000, mortgage=1_305_000),),  # the flat he pays off
    6: (_owned("detached", "95", days=7_300),),
    7: (_owned("row", "21", days=23, by="sale", price=2_390_000, mortgage=2_151_000),),  # where she moved to
    9: (_owned("detached", "62", days=5_100),),  # in front of which she sells
    11: (_owned("detached", "88", days=7_700, by="sale", price=640_000),),
    13: (_owned("detached", "90", days=6_000),),
    113: (_owned("detached", "120", days=18_000), _owned("agricultural", "5", days=18_000)),
    123: (_owned("detached", "130", days=4_400),),
    129: (_owned("detached", "74", days=9_900, by="sale", price=420_000),),  # not yet passed on to his widow
}
# Crop, rai, and whether on own land.
_SAMPLES_FARM: Final[dict[int, tuple[tuple[Crop, str, bool], ...]]] = {
    13: (("rubber", "9", True),),
    123: (("rice", "14", True), ("cassava", "6", False)),
}
_SAMPLES_ASSETS: Final = {1: 64_000, 2: 152_000, 4: 38_000, 6: 9_500, 7: 121_000, 9: 83_000, 10: 1_840, 11: 212_000,
                          12: 61_500, 13: 47_000, 113: 2_300, 129: 18_000}  # fmt: skip
_SAMPLES_WITH_CREDIT_CARD: Final = frozenset({1, 2, 4, 7, 120, 130})
_SAMPLES_WITHOUT_PROMPTPAY: Final = frozenset({3, 11, 113})
_PRICE_OF_CAR: Final = {1_200: 550_000, 1_500: 650_000, 1_800: 900_000, 2_400: 850_000}


# Ids that lead back to whose the thing is, so that a register asked about a thing alone finds it


def thing_id(kind: Literal["P", "V", "F"], number: int, at: int) -> str:
    """The id of thing number `at` of a citizen: kind, owner, place in the list, check digit."""
    digits = f"{number:08d}{at}"
    return f"{kind}{digits}{_check(kind, digits)}"


def read_thing_id(kind: Literal["P", "V", "F"], text: str) -> tuple[int, int] | None:
    """Whose thing it is and which of theirs; None for anything that `thing_id` didn't write."""
    if len(text) != 11 or text[0] != kind or not (text.isascii() and text[1:].isdigit()):
        return None
    if _check(kind, text[1:10]) != text[10]:
        return None
    return int(text[1:9]), int(text[9])


def _check(kind: str, digits: str) -> str:
    return str((ord(kind) + sum(int(digit) * weight for weight, digit in enumerate(digits, start=2))) % 10)


def is_sample(citizen: Citizen) -> bool:
    """One of the samples and their families, of whom nothing is drawn that their story doesn't say."""
    return citizen.number <= LAST_NUMBER


def draw(citizen: Citizen, what: str) -> int:
    """64 bits, always the same for this citizen and `what`."""
    return int.from_bytes(hashlib.blake2b(f"{what}/{citizen.pid}".encode(), digest_size=8).digest())


# Land


def parcels(world: World, citizen: Citizen) -> tuple[Parcel, ...]:
    """What is registered in their name today. Who died owns it still, until an heir registers."""
    if citizen.nationality != "thai":  # the Land Code
        return ()
    owned = _SAMPLES_OWN.get(citizen.number, ()) if is_sample(citizen) else _drawn(world, citizen)
    of_farm = tuple(
        _owned("agricultural", str(plot.rai), days=3_000 + draw(citizen, f"field {at}") % 4_000)
        for at, plot in enumerate(_plots(world, citizen))
        if plot.is_own
    )
    today, zero = world.clock.today(), world.nation.day_zero
    found = [_parcel(citizen, one, at, today=today, zero=zero) for at, one in enumerate((*owned, *of_farm)[:9])]
    return tuple(one for one in found if one.owned_since <= today)


def parcel(world: World, parcel_id: str) -> Parcel | None:
    read = read_thing_id("P", parcel_id)
    owner = None if read is None else world.citizen(read[0])
    if owner is None:
        return None
    return next((one for one in parcels(world, owner) if one.parcel_id == parcel_id), None)


def is_within_welfare_limits(owned: tuple[Parcel, ...]) -> bool:
    """As in the round of B.E. 2565: a flat of 35 square metres, a row house on 25 square wah, one rai of other land, ten
    of farm land."""
    if sum(one.area for one in owned if one.kind == "condo") > 35:
        return False
    if sum(one.wah for one in owned if one.kind in ("row", "commercial")) > 25:
        return False
    if sum(one.wah for one in owned if one.kind in ("detached", "vacant_land")) > WAH_IN_RAI:
        return False
    return sum(one.area for one in owned if one.kind == "agricultural") <= 10


def _drawn(world: World, citizen: Citizen) -> tuple[_Owned, ...]:
    """Six householders in ten own the house they live in; some of the well-off own land besides."""
    zero = world.nation.day_zero
    until = citizen.died_on or zero
    age = age_on(citizen.birth, until)
    if age < 28 or not (citizen.is_householder or not citizen.alive):
        return ()
    found: list[_Owned] = []
    dice = draw(citizen, "house")
    if dice % 100 < 62:
        province = citizen.address.subdistrict_code[:2]
        is_town = province == _BANGKOK or province in _RING
        kinds: tuple[ParcelKind, ...] = (
            ("condo",) * 3 + ("row",) * 4 + ("detached",) * 3 if is_town
            else ("detached",) * 17 + ("row",) * 2 + ("commercial",)
        )  # fmt: skip
        kind = kinds[(dice >> 8) % len(kinds)]
        area = {"condo": 24 + (dice >> 16) % 50, "row": 16 + (dice >> 16) % 14, "commercial": 16 + (dice >> 16) % 10}
        bought = citizen.moved_in > citizen.birth.earliest() + timedelta(days=22 * 366)
        since = citizen.moved_in if bought else until - timedelta(days=200 + (dice >> 24) % 5_000)
        price = 900_000 + (dice >> 32) % 60 * 50_000 if bought else None
        can_borrow = bought and citizen.income_per_year >= 180_000 and age_on(citizen.birth, since) < 55
        mortgage = int((price or 0) * 0.9) if can_borrow and (dice >> 44) % 100 < 70 else 0
        found.append(
            _Owned(
                kind=kind,
                area=Decimal(area.get(kind, 40 + (dice >> 16) % 120)),
                days=(zero - since).days,
                by="sale" if bought else "inheritance",
                price=price,
                mortgage=mortgage,
            )
        )
    if age >= 40 and citizen.income_per_year > 200_000 and (dice >> 52) % 100 < 12:
        found.append(_owned("vacant_land", str(60 + (dice >> 20) % 300), days=1_500 + (dice >> 10) % 5_000))
    return tuple(found)


def _parcel(citizen: Citizen, one: _Owned, at: int, *, today: date, zero: date) -> Parcel:
    dice, home = draw(citizen, f"parcel {at}"), citizen.address
    since = zero - timedelta(days=one.days)
    unit: Unit = "rai" if one.kind == "agricultural" else "square_metre" if one.kind == "condo" else "square_wah"
    number = 1_000 + dice % 180_000
    deed = (
        Words(th=f"หนังสือกรรมสิทธิ์ห้องชุด {number}", en=f"Condominium title {number}") if one.kind == "condo"
        else Words(th=f"โฉนดที่ดิน {number}", en=f"Title deed {number}")
    )  # fmt: skip
    is_paid_off = today >= anniversary(since, since.year + _HOME_LOAN_YEARS)
    return Parcel(
        parcel_id=thing_id("P", citizen.number, at),
        owner=citizen.number,
        deed=deed,
        kind=one.kind,
        place=Words(
            th=f"{home.subdistrict.th} {home.district.th} {home.province.th}",
            en=f"{home.subdistrict.en}, {home.district.en}, {home.province.en}",
        ),
        area=one.area,
        unit=unit,
        owned_since=since,
        acquired_by=one.by,
        sale_price=None if one.price is None else Decimal(one.price),
        mortgage=Decimal(0 if is_paid_off else one.mortgage),
        value_per_unit=_value_per_unit(one.kind, home.subdistrict_code[:2], dice >> 20),
        building_value=_building_value(one.kind, dice >> 30),
    )


def _value_per_unit(kind: ParcelKind, province: str, dice: int) -> Decimal:
    if kind == "agricultural":
        return Decimal(150 + dice % 12 * 50)
    low, steps = (60_000, 18) if province == _BANGKOK else (18_000, 10) if province in _RING else (2_500, 8)
    if kind == "condo":
        return Decimal(low // 2 + 18_000 + dice % steps * 1_000)
    return Decimal(low + dice % steps * low // 12 // 50 * 50)


def _building_value(kind: ParcelKind, dice: int) -> Decimal:
    lowest = {"detached": 420_000, "row": 480_000, "commercial": 780_000}.get(kind)
    return Decimal(0 if lowest is None else lowest + dice % 30 * 20_000)


# Farms


def farm(world: World, citizen: Citizen) -> Farm | None:
    """What the farmer has registered; None for who isn't one."""
    plots = _plots(world, citizen) if citizen.alive else ()
    if not plots:
        return None
    dice, zero, today = draw(citizen, "farmer"), world.nation.day_zero, world.clock.today()
    since = zero - timedelta(days=1_200 + dice % 3_600)
    told = max((one.planted_on + timedelta(days=20) for one in plots), default=since)
    return Farm(
        farmer_no=f"{citizen.address.subdistrict_code}-{dice % 10**6:06d}",
        since=since,
        updated_on=max(since, told if told <= today else anniversary(told, told.year - 1)),
        plots=plots,
    )


def _plots(world: World, citizen: Citizen) -> tuple[Plot, ...]:
    grown = _SAMPLES_FARM.get(citizen.number, ()) if is_sample(citizen) else _drawn_plots(world, citizen)
    today, zero = world.clock.today(), world.nation.day_zero
    found = []
    for at, (crop, rai, is_own) in enumerate(grown):
        dice = draw(citizen, f"plot {at}")
        planted = zero - timedelta(days=1_500 + dice % 5_000) if crop in _TREES else _planted(crop, dice, today)
        growing = _GROWING_DAYS.get(crop)
        found.append(
            Plot(
                plot_id=thing_id("F", citizen.number, at),
                crop=crop,
                rai=Decimal(rai),
                planted_on=planted,
                harvest_on=None if growing is None else planted + timedelta(days=growing),
                is_own=is_own,
            )
        )
    return tuple(found)


def _planted(crop: Crop, dice: int, today: date) -> date:
    """The latest season that has begun by today."""
    month, day, spread = _SEASONS[crop]
    this_year = date(today.year, month, day) + timedelta(days=dice % spread)
    return this_year if this_year <= today else anniversary(this_year, today.year - 1)


def _drawn_plots(world: World, citizen: Citizen) -> tuple[tuple[Crop, str, bool], ...]:
    """About four village householders in ten who neither serve the state nor are employed."""
    province = citizen.address.subdistrict_code[:2]
    is_employed = citizen.insurance.section == "33" and citizen.insurance.ended is None
    age = age_on(citizen.birth, world.nation.day_zero)
    dice = draw(citizen, "farm")
    if (
        citizen.nationality != "thai" or not 25 <= age <= 79 or not citizen.is_householder or is_employed
        or citizen.civil_servant or citizen.state_pensioner or province == _BANGKOK or province in _RING
        or dice % 100 >= 38
    ):  # fmt: skip
        return ()
    return tuple(
        (
            _CROPS[province[0]][(dice >> 8 * at + 8) % 10],
            str(2 + (dice >> 8 * at + 12) % 17),
            (dice >> 8 * at + 20) % 10 < 7,
        )
        for at in range(1 + (dice >> 32) % 2)
    )


# Money


def loans(world: World, citizen: Citizen) -> tuple[Loan, ...]:
    today = world.clock.today()
    found = [
        Loan(
            kind="home",
            lender=HOME_LENDER,
            limit=one.mortgage,
            owed=_still_owed(one.mortgage, one.owned_since, months=_HOME_LOAN_YEARS * 12, today=today),
            opened_on=one.owned_since,
        )
        for one in parcels(world, citizen)
        if one.mortgage
    ]
    if not is_sample(citizen):
        for at, vehicle in enumerate(citizen.vehicles):
            limit = Decimal(_PRICE_OF_CAR.get(vehicle.engine_cc, 0)) * 4 / 5
            owed = _still_owed(limit, vehicle.first_registered, months=_CAR_LOAN_MONTHS, today=today)
            if owed and draw(citizen, f"car loan {at}") % 10 < 6:
                found.append(
                    Loan(kind="car", lender=_CAR_LENDER, limit=limit, owed=owed, opened_on=vehicle.first_registered)
                )
    return tuple(found)


def has_credit_card(world: World, citizen: Citizen) -> bool:
    """Banks lend from 15,000 baht a month; four in ten of those have one."""
    if not citizen.alive:
        return False
    if is_sample(citizen):
        return citizen.number in _SAMPLES_WITH_CREDIT_CARD
    earns_enough = citizen.income_per_year >= 180_000 and world.age(citizen) >= 20
    return earns_enough and draw(citizen, "credit card") % 10 < 4


def financial_assets(world: World, citizen: Citizen) -> Decimal:
    """Deposits, lottery savings and bonds: from next to nothing to more than a year's income, more with age."""
    if is_sample(citizen):
        return Decimal(_SAMPLES_ASSETS.get(citizen.number, int(citizen.income_per_year) // 5))
    share = Decimal(2 + draw(citizen, "deposits") % 90) / 100 * max(world.age(citizen) - 15, 0) / 30
    return (citizen.income_per_year * share).quantize(Decimal(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPay:
    bank_code: str
    bank: Words
    account: str  # masked, as banks show it
    bound_on: date


def promptpay(world: World, citizen: Citizen) -> PromptPay | None:
    """Bound to the identity number: by about eight grown-ups in ten."""
    dice, age = draw(citizen, "promptpay"), world.age(citizen)
    is_bound = citizen.number not in _SAMPLES_WITHOUT_PROMPTPAY if is_sample(citizen) else dice % 100 < 78
    if age < 18 or not citizen.alive or not is_bound:
        return None
    code, bank = BANKS[2] if farm(world, citizen) else BANKS[(dice >> 8) % 2]
    eighteen = anniversary(citizen.birth.earliest(), citizen.birth.year + 18)
    return PromptPay(
        bank_code=code,
        bank=bank,
        account=f"xxx-x-x{(dice >> 16) % 10_000:04d}-x",
        bound_on=max(world.nation.day_zero - timedelta(days=300 + (dice >> 32) % 3_000), eighteen),
    )


def _still_owed(limit: Decimal, since: date, *, months: int, today: date) -> Decimal:
    gone = (today.year - since.year) * 12 + today.month - since.month
    return (limit * max(months - max(gone, 0), 0) / months).quantize(Decimal(1))


# Shops


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A shop in the commercial register, which belongs to a person."""

    shop_id: str
    name: Words
    kind: Literal["sole", "online_shop", "food"]
    started_on: date
    registered_on: date
    is_active: bool


_SHOP_WORDS: Final = {
    "sole": Words(th="ร้านค้า", en="General shop"),
    "online_shop": Words(th="ร้านออนไลน์", en="Online shop"),
    "food": Words(th="ร้านอาหาร", en="Food shop"),
}
_FOOD_SELLER: Final = 9
_ONLINE_SELLER: Final = 121


def shop(world: World, citizen: Citizen) -> Shop | None:
    """About one in fifteen of those who are neither employed nor farmers has one."""
    zero, dice = world.nation.day_zero, draw(citizen, "shop")
    kind: Literal["sole", "online_shop", "food"]
    if citizen.number == _FOOD_SELLER:
        kind, days = "food", 12 * 365
    elif citizen.number == _ONLINE_SELLER:
        kind, days = "online_shop", 800
    elif is_sample(citizen) or dice % 15:
        return None
    else:
        kind, days = ("sole", "sole", "online_shop", "food")[(dice >> 8) % 4], 20 + (dice >> 12) % 4_000
    is_employed = citizen.insurance.section == "33" and citizen.insurance.ended is None
    started = zero - timedelta(days=days)
    if (
        is_employed or citizen.civil_servant or age_on(citizen.birth, started) < 20 or started > world.clock.today()
        or farm(world, citizen) is not None
    ):  # fmt: skip
        return None
    word = _SHOP_WORDS[kind]
    return Shop(
        shop_id=_shop_id(citizen.number),
        name=Words(th=f"{word.th}{citizen.first_name.th}", en=f"{citizen.first_name.en}'s {word.en.lower()}"),
        kind=kind,
        started_on=started,
        registered_on=started + timedelta(days=(dice >> 40) % 30),
        is_active=is_sample(citizen) or (dice >> 50) % 8 != 0,
    )


def _shop_id(number: int) -> str:
    """Thirteen digits like a juristic number, so that one form checks both; the type 1 is no juristic person's."""
    digits = f"0001{number:08d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(13, 1, -1), strict=True))
    return digits + str((11 - total % 11) % 10)


def trades(world: World, citizen: Citizen) -> bool:
    """Whether they live by a business of their own."""
    return shop(world, citizen) is not None or bool(companies_of(world, citizen))
