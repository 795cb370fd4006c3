"""The twelve people worth signing in as, one per life stage, and their families.

Their stories are told relative to day zero, so the newborn is always three weeks old and the tax always falls due soon.
Whoever is mentioned is a citizen too: the samples are 1 to 12, number 13 waits for a registration to open, relatives
carry numbers from 101 on. Children and households are worked out from parents and houses, so links cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from foundation.language import say_date
from sandbox import fund, places, rates
from sandbox.names import title_of
from sandbox.people import (
    Address,
    BirthDate,
    Citizen,
    Claim,
    HealthFund,
    Hospital,
    Insurance,
    Right,
    Section,
    Story,
    Vehicle,
    Words,
)

SAMPLES = range(1, 13)
LAST_NUMBER = 199  # up to here numbers are kept for samples; those not told of below are ordinary people living alone

_PHYSICAL = 3  # in rates.DISABILITIES
_DIABETES = Words(th="เบาหวานชนิดที่ 2", en="Type 2 diabetes")


@dataclass(frozen=True, slots=True, kw_only=True)
class _House:
    subdistrict: str
    head: int  # citizen number of the householder


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A status under the Social Security Act."""

    section: Section
    since: date
    ended: date | None = None
    wage: int = 0
    first_insured: date | None = None
    hospital: Hospital | None = None  # where one is treated; in the province one lives in, when not said


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    number: int
    first: Words
    last: Words
    sex: Literal["male", "female"]
    born: BirthDate
    house: _House
    moved_in: date | None = None
    marital: Literal["single", "married", "divorced", "widowed"] = "single"
    father: int | None = None
    mother: int | None = None
    spouse: int | None = None
    job: _Job | None = None
    income: int = 0
    right: Right = "uc"
    civil_servant: bool = False
    disability: int = 0
    diseases: tuple[Words, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    licence_expires: date | None = None
    died_on: date | None = None
    story: Story | None = None


def everybody(day_zero: date, *, pid: Callable[[int], str]) -> dict[int, Citizen]:
    """The samples and their families, by number."""
    people = {person.number: person for family in _FAMILIES for person in family(day_zero)}
    return {number: _citizen(person, people, day_zero, pid) for number, person in people.items()}


def claims(number: int, day_zero: date) -> tuple[Claim, ...]:
    """What a sample citizen claimed from the social security fund."""

    def ago(days: int) -> date:
        return day_zero - timedelta(days=days)

    found = {
        1: (
            fund.claim("ทันตกรรม", "Dental care", amount=900, on=ago(410)),
            fund.claim("ค่าตรวจและรับฝากครรภ์", "Antenatal care", amount=1_500, on=ago(70)),
        ),
        4: (fund.claim("ทันตกรรม", "Dental care", amount=850, on=ago(240)),),
        7: (fund.claim("ทันตกรรม", "Dental care", amount=700, on=ago(150)),),
        9: (fund.claim("เงินทดแทนการขาดรายได้", "Income replacement while ill", amount=900, on=ago(320)),),
        11: (
            fund.claim("เงินทดแทนการขาดรายได้", "Income replacement while ill", amount=1_200, on=ago(500)),
            fund.claim("ทันตกรรม", "Dental care", amount=900, on=ago(95)),
        ),
    }
    return found.get(number, ())


def wedding(number: int, day_zero: date) -> date | None:
    """When a sample citizen married, where a story or a house says so."""
    newborns_parents = anniversary(day_zero - timedelta(days=75), day_zero.year - 3)
    just_married = day_zero - timedelta(days=6)
    told = {1: newborns_parents, 120: newborns_parents, 5: just_married, 124: just_married}
    told |= dict.fromkeys((12, 129), _years_ago(day_zero, 40))
    return told.get(number)


def divorce(number: int, day_zero: date) -> date | None:
    """When a sample citizen was divorced, where the story says so."""
    return _years_ago(day_zero, 2) if number == 10 else None


def registration_opens(birth: BirthDate) -> date:
    """When one may first register for the old-age allowance.

    The allowance of fiscal year F goes to those who turn 60 from 2 September before it begins to 1 September in it;
    they register from 1 October of the fiscal year before.
    """
    return date(_allowance_year(birth) - 2, 10, 1)


def anniversary(day: date, year: int) -> date:
    """The same day of another year; 29 February gives way to the 28th."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


# One family each, in the order of the life stages


def _newborn(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="120201", head=120)
    born = today - timedelta(days=21)
    husband_and_wife = anniversary(today - timedelta(days=75), today.year - 3)
    story = _story(
        "newborns-mother",
        "birth",
        f"พิมพ์ใจเพิ่งคลอดลูกคนแรก น้องใบบุญ เมื่อวันที่ {_thai(born)} ยังลาคลอดอยู่บ้านกับธีรภัทรผู้เป็นสามี เธอส่งประกันสังคมมาตรา 33 มาหกปี "
        "และยังไม่ได้ยื่นขออะไรเลยหลังคลอด",
        f"Phimchai had her first child, little Baibun, on {_english(born)}. She is at home on maternity leave with her husband "
        "Thiraphat. Insured under section 33 for six years, she hasn't claimed anything since the birth.",
    )
    yield _Person(
        number=1,
        first=Words(th="พิมพ์ใจ", en="Phimchai"),
        last=Words(th="แสงอรุณ", en="Saeng-arun"),
        sex="female",
        born=_aged(29, today, birthday_days_ago=140),
        house=house,
        moved_in=husband_and_wife,
        marital="married",
        spouse=120,
        job=_Job(section="33", since=_years_ago(today, 6), wage=18_500),
        story=story,
    )
    yield _Person(
        number=120,
        first=Words(th="ธีรภัทร", en="Thiraphat"),
        last=Words(th="แสงอรุณ", en="Saeng-arun"),
        sex="male",
        born=_aged(31, today, birthday_days_ago=33),
        house=house,
        marital="married",
        spouse=1,
        job=_Job(section="33", since=_years_ago(today, 8), wage=24_000),
    )
    yield _Person(
        number=101,
        first=Words(th="ใบบุญ", en="Baibun"),
        last=Words(th="แสงอรุณ", en="Saeng-arun"),
        sex="female",
        born=_birth(born),
        house=house,
        father=120,
        mother=1,
    )


def _first_card(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="400102", head=2)
    last = Words(th="ใจกว้าง", en="Chaikwang")
    in_ten_days = today + timedelta(days=10)
    born = anniversary(in_ten_days, in_ten_days.year - 7)
    seven = anniversary(born, born.year + 7)  # a day earlier, should the tenth day be a 29 February
    story = _story(
        "first-id-card",
        "childhood",
        f"ปิติเป็นครูที่ขอนแก่น ลูกสาวคนเดียวคือน้องชูใจ จะอายุครบ 7 ปีในวันที่ {_thai(seven)} และต้องทำบัตรประชาชนใบแรกภายใน 60 วัน "
        "น้องถามทุกวันว่าจะได้ถ่ายรูปติดบัตรเมื่อไร",
        f"Piti teaches school in Khon Kaen. His only daughter Chuchai turns seven on {_english(seven)}; then she has 60 days to "
        "get her first ID card. Every day she asks when she'll have her picture taken.",
    )
    yield _Person(
        number=2,
        first=Words(th="ปิติ", en="Piti"),
        last=last,
        sex="male",
        born=_aged(36, today, birthday_days_ago=201),
        house=house,
        marital="married",
        spouse=121,
        income=342_000,
        right="csmbs",
        civil_servant=True,
        story=story,
    )
    yield _Person(
        number=121,
        first=Words(th="วารี", en="Wari"),
        last=last,
        sex="female",
        born=_aged(34, today, birthday_days_ago=18),
        house=house,
        marital="married",
        spouse=2,
        income=96_000,
        right="csmbs",
    )
    yield _Person(
        number=102,
        first=Words(th="ชูใจ", en="Chuchai"),
        last=last,
        sex="female",
        born=_birth(born),
        house=house,
        father=2,
        mother=121,
        right="csmbs",
    )


def _coming_of_age(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="300301", head=123)
    last = Words(th="กล้าเรียน", en="Klarian")
    eighteen = _next_month(today)
    story = _story(
        "turning-eighteen",
        "education",
        f"วีระเรียนชั้น ม.6 ที่โคราช จะอายุครบ 18 ปีในวันที่ {_thai(eighteen)} ยังไม่ได้ลงบัญชีทหารกองเกิน และกำลังมองหาทุนกู้ยืมเรียนต่อมหาวิทยาลัย",
        f"Wira is in his last year of school in Korat and turns 18 on {_english(eighteen)}. He isn't on the military list "
        "yet, and is looking for a student loan to go to university.",
    )
    yield _Person(
        number=3,
        first=Words(th="วีระ", en="Wira"),
        last=last,
        sex="male",
        born=_birth(anniversary(eighteen, eighteen.year - 18)),
        house=house,
        father=123,
        mother=122,
        story=story,
    )
    yield _Person(
        number=122,
        first=Words(th="สุดา", en="Suda"),
        last=last,
        sex="female",
        born=_aged(42, today, birthday_days_ago=90),
        house=house,
        marital="married",
        spouse=123,
        income=60_000,
    )
    yield _Person(
        number=123,
        first=Words(th="ประเสริฐ", en="Prasoet"),
        last=last,
        sex="male",
        born=_aged(45, today, birthday_days_ago=250),
        house=house,
        marital="married",
        spouse=122,
        job=_Job(section="40_1", since=_years_ago(today, 5)),
        income=120_000,
    )


def _lost_job(today: date) -> Iterator[_Person]:
    ended = today - timedelta(days=12)
    story = _story(
        "lost-job",
        "work",
        f"มานะทำงานโรงงานชิ้นส่วนรถยนต์ที่สมุทรปราการมาเจ็ดปี โรงงานปิดสายการผลิตและเลิกจ้างเขาเมื่อวันที่ {_thai(ended)} เขาอยู่คนเดียวและยังผ่อนห้องอยู่",
        f"Mana built car parts in Samut Prakan for seven years, until the factory closed his line and dismissed him on "
        f"{_english(ended)}. He lives alone and is still paying off his flat.",
    )
    yield _Person(
        number=4,
        first=Words(th="มานะ", en="Mana"),
        last=Words(th="รักงาน", en="Rakngan"),
        sex="male",
        born=_aged(34, today, birthday_days_ago=120),
        house=_House(subdistrict="110202", head=4),
        moved_in=_years_ago(today, 4),
        job=_Job(section="33", since=_years_ago(ended, 7), ended=ended, wage=21_000),
        income=252_000,
        story=story,
    )


def _just_married(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="500101", head=124)
    wedding = today - timedelta(days=6)
    story = _story(
        "just-married",
        "family",
        f"มานีกับอานนท์จดทะเบียนสมรสที่เชียงใหม่เมื่อวันที่ {_thai(wedding)} เธอตั้งใจจะใช้นามสกุลศรีสุขของสามี แต่บัตรประชาชนยังเป็นนามสกุลเดิม",
        f"Mani and Anon registered their marriage in Chiang Mai on {_english(wedding)}. She means to take his surname, "
        "Sisuk, but her ID card still bears her own.",
    )
    yield _Person(
        number=5,
        first=Words(th="มานี", en="Mani"),
        last=Words(th="ดวงแก้ว", en="Duangkaeo"),
        sex="female",
        born=_aged(27, today, birthday_days_ago=77),
        house=house,
        moved_in=_years_ago(today, 1),
        marital="married",
        spouse=124,
        job=_Job(section="33", since=_years_ago(today, 4), wage=16_500),
        story=story,
    )
    yield _Person(
        number=124,
        first=Words(th="อานนท์", en="Anon"),
        last=Words(th="ศรีสุข", en="Sisuk"),
        sex="male",
        born=_aged(29, today, birthday_days_ago=301),
        house=house,
        marital="married",
        spouse=5,
        job=_Job(section="40_1", since=_years_ago(today, 3)),
        income=150_000,
    )


def _newly_disabled(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="340201", head=6)
    last = Words(th="บุญรอด", en="Bunrot")
    operated = today - timedelta(days=35)
    story = _story(
        "newly-disabled",
        "health",
        f"สมหมายเป็นเบาหวานมาสิบปี แผลที่เท้าลุกลามจนหมอต้องตัดขาขวาใต้เข่าเมื่อวันที่ {_thai(operated)} เขาใช้สิทธิบัตรทอง "
        "อยู่บ้านที่อุบลราชธานีกับน้ำฝนลูกสาวซึ่งหยุดงานมาดูแล",
        f"Sommai has lived with diabetes for ten years. A wound on his foot spread until surgeons took his right leg below the "
        f"knee on {_english(operated)}. He has universal coverage and lives in Ubon Ratchathani with his daughter Namfon, who "
        "stays home to care for him.",
    )
    yield _Person(
        number=6,
        first=Words(th="สมหมาย", en="Sommai"),
        last=last,
        sex="male",
        born=_aged(52, today, birthday_days_ago=160),
        house=house,
        marital="divorced",
        income=54_000,
        disability=_PHYSICAL,
        diseases=(_DIABETES,),
        story=story,
    )
    yield _Person(
        number=125,
        first=Words(th="น้ำฝน", en="Namfon"),
        last=last,
        sex="female",
        born=_aged(24, today, birthday_days_ago=44),
        house=house,
        father=6,
        income=72_000,
    )


def _moved_house(today: date) -> Iterator[_Person]:
    moved = today - timedelta(days=20)
    hospital = places.PROVINCE["40"].hospitals[0]
    story = _story(
        "moved-house",
        "home",
        f"ดวงแก้วย้ายจากขอนแก่นมาอยู่ปทุมธานีใกล้ที่ทำงานใหม่เมื่อวันที่ {_thai(moved)} แต่{hospital.name.th}ตามสิทธิประกันสังคมยังอยู่ไกลถึงขอนแก่น",
        f"Duangkaeo moved from Khon Kaen to Pathum Thani on {_english(moved)}, close to her new office. Her social security "
        f"hospital, {hospital.name.en}, is still 400 kilometres away.",
    )
    yield _Person(
        number=7,
        first=Words(th="ดวงแก้ว", en="Duangkaeo"),
        last=Words(th="มั่นคง", en="Mankhong"),
        sex="female",
        born=_aged(31, today, birthday_days_ago=10),
        house=_House(subdistrict="130203", head=7),
        moved_in=moved,
        job=_Job(section="33", since=_years_ago(today, 7), wage=28_000, hospital=hospital),
        story=story,
    )


def _driver(today: date) -> Iterator[_Person]:
    tax_due, licence = today + timedelta(days=12), today + timedelta(days=25)
    story = _story(
        "driver-renewals",
        "mobility",
        f"เพชรขับกระบะรับส่งผลไม้จากระยองเข้ากรุงเทพฯ ทุกคืน ภาษีรถครบกำหนดวันที่ {_thai(tax_due)} ใบขับขี่หมดอายุวันที่ {_thai(licence)} "
        "และรถอายุเกินเจ็ดปีแล้วจึงต้องตรวจสภาพก่อน",
        f"Phet drives fruit from Rayong to Bangkok every night in his pickup. Its tax falls due on {_english(tax_due)}, his "
        f"licence ends on {_english(licence)}, and the truck is more than seven years old, so it must be inspected first.",
    )
    yield _Person(
        number=8,
        first=Words(th="เพชร", en="Phet"),
        last=Words(th="ทางไกล", en="Thangklai"),
        sex="male",
        born=_aged(41, today, birthday_days_ago=222),
        house=_House(subdistrict="210301", head=8),
        marital="divorced",
        job=_Job(section="40_1", since=_years_ago(today, 4)),
        income=204_000,
        vehicles=(
            _vehicle("2ฒก 812 ระยอง", "pickup", 2_400, today=today, tax_due=tax_due, years=9),
            _vehicle("3ขฮ 57 ระยอง", "motorcycle", 125, today=today, tax_due=today + timedelta(days=200), years=3),
        ),
        licence_expires=licence,
        story=story,
    )


def _shopkeeper(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="900101", head=9)
    last = Words(th="ค้าขายดี", en="Khakhaidi")
    story = _story(
        "shop-owner",
        "business",
        "ชูศรีขายข้าวแกงหน้าบ้านที่สงขลามาสิบสองปี เพิ่งเช่าตึกข้าง ๆ เพื่อเปิดร้านอาหารเต็มตัวและกำลังจะจ้างลูกจ้างคนแรก "
        "เธอส่งประกันสังคมมาตรา 40 ทางเลือกที่ 2",
        "For twelve years Chusi has sold rice and curry in front of her house in Songkhla. Now she has rented the shophouse "
        "next door to open a proper restaurant and will hire her first employee. She insures herself under section 40, "
        "choice 2.",
    )
    yield _Person(
        number=9,
        first=Words(th="ชูศรี", en="Chusi"),
        last=last,
        sex="female",
        born=_aged(45, today, birthday_days_ago=64),
        house=house,
        marital="married",
        spouse=126,
        job=_Job(section="40_2", since=_years_ago(today, 6)),
        income=276_000,
        story=story,
    )
    yield _Person(
        number=126,
        first=Words(th="สมบัติ", en="Sombat"),
        last=last,
        sex="male",
        born=_aged(48, today, birthday_days_ago=300),
        house=house,
        marital="married",
        spouse=9,
        job=_Job(section="40_1", since=_years_ago(today, 6)),
        income=108_000,
    )
    yield _Person(
        number=127,
        first=Words(th="ภูมิ", en="Phum"),
        last=last,
        sex="male",
        born=_aged(16, today, birthday_days_ago=150),
        house=house,
        father=126,
        mother=9,
    )


def _hard_times(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="330202", head=113)
    last = Words(th="สู้ชีวิต", en="Suchiwit")
    year_of_birth = today.year - 82
    story = _story(
        "mother-of-three",
        "hardship",
        "สมใจหย่ากับสามีเมื่อสองปีก่อน รับจ้างเกี่ยวข้าวและเย็บผ้าเลี้ยงลูกสามคนกับยายทองคำที่ศรีสะเกษ ทั้งบ้านมีรายได้ไม่ถึงปีละ 60,000 บาท "
        f"ยายเกิดปี {year_of_birth + 543} แต่ไม่มีใครจดวันเดือนไว้ ส่วนแม่บังอรทำงานแม่บ้านอยู่กรุงเทพฯ",
        "Somjai was divorced two years ago. In Si Sa Ket she harvests rice and sews to bring up three children and care for "
        "her grandmother Thongkham; the whole house lives on less than 60,000 baht a year. Thongkham was born in "
        f"{year_of_birth}; nobody wrote down the day or the month. Somjai's mother Bang-on keeps house for a family in "
        "Bangkok.",
    )
    yield _Person(
        number=10,
        first=Words(th="สมใจ", en="Somjai"),
        last=last,
        sex="female",
        born=_aged(33, today, birthday_days_ago=81),
        house=house,
        marital="divorced",
        mother=114,
        income=48_000,
        story=story,
    )
    for number, th, en, sex, age in (
        (110, "ต้นกล้า", "Tonkla", "male", 11),
        (111, "ใบข้าว", "Baikhao", "female", 8),
        (112, "รวงทอง", "Ruangthong", "female", 3),
    ):
        yield _Person(
            number=number,
            first=Words(th=th, en=en),
            last=last,
            sex="male" if sex == "male" else "female",
            born=_aged(age, today, birthday_days_ago=(number - 109) * 67),
            house=house,
            mother=10,
        )
    yield _Person(
        number=113,
        first=Words(th="ทองคำ", en="Thongkham"),
        last=last,
        sex="female",
        born=BirthDate(year=year_of_birth, month=None, day=None),
        house=house,
        marital="widowed",
        income=9_600,
    )
    yield _Person(
        number=114,
        first=Words(th="บังอร", en="Bang-on"),
        last=last,
        sex="female",
        born=_aged(56, today, birthday_days_ago=130),
        house=_House(subdistrict="100301", head=114),
        moved_in=_years_ago(today, 9),
        marital="divorced",
        mother=113,
        income=132_000,
    )


def _retiring(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="520103", head=11)
    last = Words(th="สุขสบาย", en="Suksabai")
    sixty = _next_month(today)
    birth = _birth(anniversary(sixty, sixty.year - 60))
    year = _allowance_year(birth)
    opened = registration_opens(birth)
    story = _story(
        "turning-sixty",
        "retirement",
        f"เกษมเกษียณจากโรงงานเซรามิกที่ลำปางก่อนเวลา แล้วส่งประกันสังคมมาตรา 39 ต่อเอง จะอายุครบ 60 ปีในวันที่ {_thai(sixty)} "
        f"เขามีสิทธิลงทะเบียนรับเบี้ยยังชีพของปีงบประมาณ {year + 543} ซึ่งเปิดให้ลงมาตั้งแต่วันที่ {_thai(opened)} แต่ยังไม่ได้ไป",
        f"Kasem left the ceramics factory in Lampang early and went on insuring himself under section 39. He turns 60 on "
        f"{_english(sixty)}. Registration for the old-age allowance of fiscal year {year + 543} opened to him on "
        f"{_english(opened)}; he hasn't gone yet.",
    )
    yield _Person(
        number=11,
        first=Words(th="เกษม", en="Kasem"),
        last=last,
        sex="male",
        born=birth,
        house=house,
        marital="married",
        spouse=128,
        job=_Job(
            section="39",
            since=_years_ago(today, 4),
            first_insured=_years_ago(today, 27),
            wage=fund.SECTION_39_BASE,
        ),
        income=84_000,
        story=story,
    )
    yield _Person(
        number=128,
        first=Words(th="ประนอม", en="Pranom"),
        last=last,
        sex="female",
        born=_aged(57, today, birthday_days_ago=190),
        house=house,
        marital="married",
        spouse=11,
        job=_Job(section="40_1", since=_years_ago(today, 5)),
        income=60_000,
    )


def _widow(today: date) -> Iterator[_Person]:
    house = _House(subdistrict="140201", head=12)
    last = Words(th="อยู่เย็น", en="Yuyen")
    died = today - timedelta(days=8)
    story = _story(
        "widow",
        "death",
        f"สำราญ สามีของบุญเรือน หลับไปอย่างสงบที่บ้านในอยุธยาเมื่อวันที่ {_thai(died)} อยู่กันมาสี่สิบปี เขายังเป็นผู้ประกันตนมาตรา 39 "
        "ลูกชายเอกพลลางานมาช่วยงานศพ ส่วนเรื่องเอกสารบุญเรือนไม่รู้จะเริ่มจากตรงไหน",
        f"Samran, Bunruean's husband of forty years, died in his sleep at home in Ayutthaya on {_english(died)}, still insured "
        "under section 39. Their son Ekkaphon came home for the funeral. As for the papers, Bunruean doesn't know where "
        "to begin.",
    )
    yield _Person(
        number=12,
        first=Words(th="บุญเรือน", en="Bunruean"),
        last=last,
        sex="female",
        born=_aged(62, today, birthday_days_ago=110),
        house=house,
        marital="widowed",
        spouse=129,
        income=36_000,
        story=story,
    )
    yield _Person(
        number=129,
        first=Words(th="สำราญ", en="Samran"),
        last=last,
        sex="male",
        born=_aged(64, today, birthday_days_ago=45),
        house=house,
        marital="married",
        spouse=12,
        job=_Job(
            section="39",
            since=_years_ago(today, 8),
            ended=died,
            first_insured=_years_ago(today, 26),
            wage=fund.SECTION_39_BASE,
        ),
        income=72_000,
        died_on=died,
    )
    yield _Person(
        number=130,
        first=Words(th="เอกพล", en="Ekkaphon"),
        last=last,
        sex="male",
        born=_aged(35, today, birthday_days_ago=15),
        house=_House(subdistrict="200201", head=130),
        moved_in=_years_ago(today, 6),
        father=129,
        mother=12,
        job=_Job(section="33", since=_years_ago(today, 10), wage=26_000),
    )


def _registration_ahead(today: date) -> Iterator[_Person]:
    this_year = date(today.year, 10, 1)
    opens = this_year if this_year > today else date(today.year + 1, 10, 1)
    birth = BirthDate(year=opens.year - 58, month=4, day=14)
    year = _allowance_year(birth)
    story = _story(
        "registration-ahead",
        "retirement",
        f"ประทุมกรีดยางอยู่พัทลุง เกิดวันที่ {_thai(birth.earliest())} การลงทะเบียนเบี้ยยังชีพผู้สูงอายุปีงบประมาณ {year + 543} "
        f"จะเปิดให้เธอในวันที่ {_thai(opens)}",
        f"Prathum taps rubber in Phatthalung. Born on {_english(birth.earliest())}, she may register for the old-age "
        f"allowance of fiscal year {year + 543} from {_english(opens)}.",
    )
    yield _Person(
        number=13,
        first=Words(th="ประทุม", en="Prathum"),
        last=Words(th="ร่มเย็น", en="Romyen"),
        sex="female",
        born=birth,
        house=_House(subdistrict="930201", head=13),
        job=_Job(section="40_1", since=_years_ago(today, 5)),
        income=102_000,
        story=story,
    )


_FAMILIES: tuple[Callable[[date], Iterator[_Person]], ...] = (
    _newborn,
    _first_card,
    _coming_of_age,
    _lost_job,
    _just_married,
    _newly_disabled,
    _moved_house,
    _driver,
    _shopkeeper,
    _hard_times,
    _retiring,
    _widow,
    _registration_ahead,
)


# From a person of a story to a citizen


def _citizen(person: _Person, people: dict[int, _Person], today: date, pid: Callable[[int], str]) -> Citizen:
    born = person.born.earliest()
    age = _age(born, today)
    address = places.address(
        subdistrict=person.house.subdistrict, first_number=person.house.head, draw=person.house.head * 7_919
    )
    moved_in = person.moved_in or born
    card, card_expires = _id_card(born, age)
    living = [other.number for other in people.values() if other.house == person.house and other.died_on is None]
    return Citizen(
        number=person.number,
        pid=pid(person.number),
        title=title_of(person.sex, age=age, marital_status=person.marital),
        first_name=person.first,
        middle_name=None,
        last_name=person.last,
        sex=person.sex,
        birth=person.born,
        alive=person.died_on is None,
        nationality="thai",
        marital_status=person.marital,
        address=address,
        moved_in=moved_in,
        is_householder=person.number == person.house.head,
        father=person.father,
        mother=person.mother,
        spouse=person.spouse,
        children=tuple(sorted(p.number for p in people.values() if person.number in (p.father, p.mother))),
        household=tuple(sorted(living)) if person.died_on is None else (),
        id_card=card,
        id_card_expires=card_expires,
        insurance=_insurance(person, address),
        health=_health(person, address, age=age, since=moved_in) if person.died_on is None else (),
        income_per_year=Decimal(_income(person)),
        vehicles=person.vehicles,
        disability=rates.DISABILITIES[person.disability],
        story=person.story,
        died_on=person.died_on,
        licence_expires=person.licence_expires,
        chronic_diseases=person.diseases,
        civil_servant=person.civil_servant,
    )


def _income(person: _Person) -> int:
    job = person.job
    return job.wage * 12 if job and job.section == "33" and job.ended is None else person.income


def _insurance(person: _Person, address: Address) -> Insurance:
    province = places.PROVINCE[address.subdistrict_code[:2]]
    job = person.job
    if job is None:
        return Insurance(
            section="none",
            branch=province.insurance_branch,
            since=None,
            ended=None,
            hospital=None,
            hospital_since=None,
            hospital_until=None,
            wage=Decimal(0),
        )
    hospital = None
    if job.section in ("33", "39") and person.died_on is None:
        hospital = job.hospital or province.hospitals[0]
    return Insurance(
        section=job.section,
        branch=province.insurance_branch,
        since=job.since,
        ended=job.ended,
        hospital=hospital,
        hospital_since=job.since if hospital else None,
        hospital_until=job.ended + fund.COVER_AFTER_LEAVING if hospital and job.ended else None,
        wage=Decimal(job.wage),
        first_insured=job.first_insured or job.since,
    )


def _health(person: _Person, address: Address, *, age: int, since: date) -> tuple[HealthFund, ...]:
    province = places.PROVINCE[address.subdistrict_code[:2]]
    district = province.districts[int(address.subdistrict_code[2:4]) - 1]
    code = fund.universal_code(age=age, is_disabled=person.disability > 0)
    job = person.job
    if job and job.section in ("33", "39"):
        until = job.ended + fund.COVER_AFTER_LEAVING if job.ended else None
        hospital = job.hospital or province.hospitals[0]
        insured = fund.health_fund("sso", "S1", main=hospital, since=job.since, until=until)
        if until is None:
            return (insured,)
        since = until + timedelta(days=1)
        return (
            insured,
            fund.health_fund("uc", code, main=province.hospitals[1], sub=district.primary_unit, since=since),
        )
    if person.right == "csmbs":
        return (fund.health_fund("csmbs", "O1" if person.civil_servant else "O3", since=since),)
    return (fund.health_fund("uc", code, main=province.hospitals[1], sub=district.primary_unit, since=since),)


def _id_card(born: date, age: int) -> tuple[Literal["never", "valid", "lifetime"], date | None]:
    """First at seven, renewed every eight years in time, for life from seventy on."""
    if age < 7:
        return "never", None
    if age >= 70:
        return "lifetime", None
    return "valid", anniversary(born, born.year + 7 + ((age - 7) // 8 + 1) * 8)


def _vehicle(
    plate: str, kind: Literal["pickup", "motorcycle"], engine_cc: int, *, today: date, tax_due: date, years: int
) -> Vehicle:
    return Vehicle(
        plate=plate,
        kind=kind,
        engine_cc=engine_cc,
        first_registered=anniversary(tax_due, today.year - years),
        tax_expires=tax_due,
    )


def _story(code: str, stage: str, th: str, en: str) -> Story:
    return Story(code=code, stage=stage, text=Words(th=th, en=en))


def _allowance_year(birth: BirthDate) -> int:
    """The fiscal year, named by the Common Era year it ends in, whose allowance one is first paid."""
    sixty = anniversary(birth.earliest(), birth.year + 60)
    return sixty.year + 1 if (sixty.month, sixty.day) >= (9, 2) else sixty.year


def _birth(day: date) -> BirthDate:
    return BirthDate(year=day.year, month=day.month, day=day.day)


def _aged(years: int, today: date, *, birthday_days_ago: int) -> BirthDate:
    birthday = today - timedelta(days=birthday_days_ago)
    return _birth(anniversary(birthday, birthday.year - years))


def _years_ago(day: date, years: int) -> date:
    return anniversary(day, day.year - years)


def _next_month(day: date) -> date:
    """About a month on, and always in the month after."""
    first = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return first + timedelta(days=min(day.day, 28) - 1)


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _thai(day: date) -> str:
    return say_date(day, "th")


def _english(day: date) -> str:
    return say_date(day, "en")
