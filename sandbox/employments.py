"""Where the insured worked: a pure function of the citizen, so that every agency knows of the same employers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.people import Citizen


@dataclass(frozen=True, slots=True, kw_only=True)
class Employment:
    """One job under section 33."""

    account: str  # the employer's, ten digits
    company: str
    since: date
    until: date | None


def employments(citizen: Citizen) -> tuple[Employment, ...]:
    """Where somebody worked, oldest first: who is insured under section 39 once worked, who is under 40 need not have."""
    insurance = citizen.insurance
    if insurance.since is None or insurance.section not in ("33", "39"):
        return ()
    began = insurance.first_insured or insurance.since
    spans = _jobs_before_39(began, insurance.since) if insurance.section == "39" else _jobs(citizen, began)
    return tuple(
        Employment(
            account=f"{10**9 + draw % 10**9}", company=_COMPANIES[draw % len(_COMPANIES)], since=start, until=end
        )
        for at, (start, end) in enumerate(spans)
        for draw in [_draw(citizen.pid, at)]
    )


def _jobs_before_39(began: date, since: date) -> list[tuple[date, date | None]]:
    return [(began, since - timedelta(days=30))] if began < since else []


def _jobs(citizen: Citizen, began: date) -> list[tuple[date, date | None]]:
    """Long years are often spent with two employers; a story's job is one."""
    ended = citizen.insurance.ended
    last_day = ended or began + timedelta(days=4_000)
    is_one = citizen.story is not None or (last_day - began).days < 3_000 or _draw(citizen.pid, 9) % 2
    changed = began + timedelta(days=(last_day - began).days * 2 // 5)
    return [(began, ended)] if is_one else [(began, changed - timedelta(days=20)), (changed, ended)]


def _draw(pid: str, at: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"employment {at} {pid}".encode(), digest_size=8).digest())


_COMPANIES = (
    "บริษัท รุ่งเรืองชิ้นส่วน จำกัด",
    "บริษัท ไทยใจดีการค้า จำกัด",
    "ห้างหุ้นส่วนจำกัด ทรัพย์ทวีขนส่ง",
    "บริษัท สยามเย็นสบายฟู้ดส์ จำกัด",
    "โรงแรมริมน้ำพักผ่อน",
    "บริษัท ก้าวใหม่เทคโนโลยี จำกัด (มหาชน)",
)
