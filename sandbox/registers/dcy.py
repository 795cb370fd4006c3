"""The Department of Children and Youth: the Child Support Grant, 600 baht a month for children under six.

Who is paid stands in `allowances`, for the paying registers agree. Three in a hundred ask who earn too much (assumed).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.allowances import child_grant_since, grantee_of, payments
from sandbox.households import income_per_head, living_with
from sandbox.people import Citizen, Words
from sandbox.samples import LAST_NUMBER, anniversary
from sandbox.world import Clock, World

LIMIT: Final = Decimal(100_000)  # baht a head and year
MONTHLY: Final = Decimal(600)
_LAST_BIRTHDAY = 6
_DECIDED_AFTER = timedelta(days=60)
_CHANNELS = (
    Words(th="พร้อมเพย์", en="PromptPay"),
    Words(th="บัญชีธนาคารออมสิน", en="Government Savings Bank account"),
    Words(th="บัญชีธนาคารกรุงไทย", en="Krungthai Bank account"),
)
_TOO_MUCH = Words(
    th="รายได้เฉลี่ยของครัวเรือนเกิน 100,000 บาทต่อคนต่อปี", en="The household earns more than 100,000 baht a head and year"
)
_WITNESSES = Words(th="อาสาสมัครพัฒนาสังคมฯ และผู้ใหญ่บ้าน", en="Social development volunteer and village head")


def get_csg(asked: Asked) -> Mapping[str, Any] | None:
    """What came of the guardian's request for this child; None where nobody, or somebody else, has asked."""
    child, today = asked.world.find(asked.arguments["child_id"]), asked.today
    if child is None or grantee_of(child) != asked.person.number or not asked.person.alive:
        return None
    if (refused := _refused_on(asked.world, child)) is not None:
        is_decided = refused + _DECIDED_AFTER <= today
        return {
            **_NOT_PAID,
            "status": "rejected" if is_decided else "pending",
            "applied_on": refused,
            "reason": _TOO_MUCH if is_decided else None,
        }
    since = _since(asked.world, child)
    if since is None:
        return None
    sixth = _sixth_birthday(child)
    last = min(today, sixth - timedelta(days=1))
    # While it runs, the payments are those that the paying register lists.
    paid = payments(asked.world, asked.person, since=since, until=last) if today < sixth else ()
    return {
        "status": "ended" if today >= sixth else "approved",
        "applied_on": since,
        "approved_from": since,
        "paid_until": sixth - timedelta(days=1),
        "monthly_amount": MONTHLY,
        "pay_channel": _CHANNELS[_draw(asked.world, child) % len(_CHANNELS)],
        "last_paid_on": next((one.paid_on for one in paid if one.programme == "child_support_grant"), None),
        "reason": None,
    }


def get_household(asked: Asked) -> Mapping[str, Any] | None:
    """The income that was certified with the latest request."""
    person, world = asked.person, asked.world
    if not person.alive:
        return None
    mine = [one for one in world.present(person.children) if grantee_of(one) == person.number]
    asked_on = [on for child in mine if (on := _refused_on(world, child) or _since(world, child))]
    if not asked_on:
        return None
    child = next(one for one in mine if _refused_on(world, one) or _since(world, one))
    return {
        "income_per_capita_per_year": income_per_head(world, child),
        "members": len(living_with(world, child)),
        "certified_on": max(asked_on),
        "certified_by": _WITNESSES,
    }


def _since(world: World, child: Citizen) -> date | None:
    """When the grant began, and told for a year after it ended."""
    today, sixth = world.clock.today(), _sixth_birthday(child)
    if today < sixth:
        return child_grant_since(world, child)
    if not child.alive or today >= sixth + timedelta(days=365):
        return None
    return child_grant_since(World(world.nation, Clock(sixth - timedelta(days=1))), child)


def _refused_on(world: World, child: Citizen) -> date | None:
    """When a grant was asked for that is not due."""
    draw, today = _draw(world, child), world.clock.today()
    on = child.birth.earliest() + timedelta(days=25 + (draw >> 8) % 60)
    is_asked = draw % 100 < 3 and child.number > LAST_NUMBER and child.nationality == "thai" and child.alive
    is_young = on <= today < _sixth_birthday(child)
    return on if is_asked and is_young and income_per_head(world, child) > LIMIT else None


def _sixth_birthday(child: Citizen) -> date:
    born = child.birth.earliest()
    return anniversary(born, born.year + _LAST_BIRTHDAY)


def _draw(world: World, child: Citizen) -> int:
    return throw(world.nation.seed, "dcy", child.number)


_NOT_PAID: Final[Mapping[str, Any]] = {
    "approved_from": None, "paid_until": None, "monthly_amount": None, "pay_channel": None, "last_paid_on": None,
}  # fmt: skip

ANSWERS: Final[Mapping[str, Answer]] = {"get_csg": get_csg, "get_household": get_household}
