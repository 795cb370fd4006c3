"""The village and urban community funds: one for each village, and who saves in it and borrows from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.people import Address, Words
from sandbox.samples import anniversary

_FIRST_CAPITAL = 1_000_000  # given to every village fund in 2001
_LARGEST_LOAN = Decimal(30_000)
_MEMBER, _BORROWS = 35, 45  # per cent of grown-ups, and of members (assumed)
_LATEST_AGE = 75
_RULES: Final = (
    Words(th="เป็นผู้อาศัยในหมู่บ้านหรือชุมชนไม่น้อยกว่า 6 เดือน", en="Live in the village or community for at least six months"),
    Words(th="ออมเงินสัจจะทุกเดือน", en="Save a little every month"),
    Words(th="กู้ได้ไม่เกิน 30,000 บาทต่อราย ชำระคืนภายใน 2 ปี", en="Borrow up to 30,000 baht, paid back within two years"),
    Words(th="มีสมาชิกค้ำประกัน 2 คน", en="Two members stand surety"),
)
_MEMBERS_IN_STORIES: Final = frozenset({10, 13})  # who live on the land and from hand to mouth


def get_fund(asked: Asked) -> Mapping[str, Any]:
    person, address = asked.person, asked.person.address
    village = throw(asked.world.nation.seed, "village fund", address.subdistrict_code, address.village_no)
    age = asked.world.age(person)
    draw = asked.dice("member")
    is_member = person.number in _MEMBERS_IN_STORIES or (
        person.number > 199 and draw % 100 < _MEMBER and person.alive and 20 <= age <= _LATEST_AGE
    )
    lives_here_for = (asked.today - person.moved_in).days
    is_member = is_member and lives_here_for > 200
    years = min(draw // 128 % 20 + 1, max(lives_here_for // 365, 1), age - 19)
    since = anniversary(asked.world.nation.day_zero, asked.world.nation.day_zero.year - years)
    is_member = is_member and since <= asked.today
    owes = is_member and draw // 8_192 % 100 < _BORROWS
    return {
        "fund_id": f"99{address.subdistrict_code}{int(address.village_no or 0):02d}",
        "fund": _name(address),
        "members": 60 + village % 180,
        "capital": Decimal(_FIRST_CAPITAL + village // 256 % 40 * 50_000),
        "interest_percent": Decimal(village // 16_384 % 5 + 2),
        "largest_loan": _LARGEST_LOAN,
        "rules": _RULES,
        "is_member": is_member,
        "member_since": since if is_member else None,
        "saved": Decimal(years * 12 * (50 + draw // 2**20 % 3 * 50)) if is_member else None,
        "loan": Decimal((draw // 2**24 % 30 + 1) * 1_000) if owes else None,
        "loan_due_on": asked.world.nation.day_zero + timedelta(days=draw // 2**32 % 700) if owes else None,
    }


def _name(address: Address) -> Words:
    if address.village_no:
        return Words(
            th=f"กองทุนหมู่บ้าน{address.subdistrict.th} หมู่ที่ {address.village_no}",
            en=f"Village Fund of {address.subdistrict.en}, village {address.village_no}",
        )
    return Words(th=f"กองทุนชุมชนเมือง{address.subdistrict.th}", en=f"{address.subdistrict.en} Urban Community Fund")


ANSWERS: Final[Mapping[str, Answer]] = {"get_fund": get_fund}
