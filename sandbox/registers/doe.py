"""The Department of Employment: who is registered as unemployed and reports when, and what work there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox import places
from sandbox.agencies.standard import Answer, Asked, throw
from sandbox.people import Words
from sandbox.registers.sso import work_of

REGISTER_WITHIN = timedelta(days=30)  # section 78 of the Social Security Act: later costs the days until then
_EVERY = timedelta(days=30)
_REPORTS = {"dismissed": 6, "force_majeure": 6}  # a benefit of 180 days …
_FEWER_REPORTS = 3  # … or of 90
_REGISTERED = 60  # per cent of the unemployed (assumed)
_REPORTS_KEPT = 92  # per cent (assumed)
_WEEKS_SHOWN, _A_WEEK = 4, 3
_TRADES: Final = (
    (Words(th="พนักงานฝ่ายผลิต", en="Production worker"), "บริษัท รุ่งเรืองชิ้นส่วน จำกัด", 13_500),
    (Words(th="ช่างซ่อมบำรุง", en="Maintenance technician"), "บริษัท ก้าวใหม่เทคโนโลยี จำกัด (มหาชน)", 17_000),
    (Words(th="พนักงานขายหน้าร้าน", en="Shop assistant"), "บริษัท ไทยใจดีการค้า จำกัด", 12_600),
    (Words(th="พนักงานขับรถส่งของ", en="Delivery driver"), "ห้างหุ้นส่วนจำกัด ทรัพย์ทวีขนส่ง", 15_000),
    (Words(th="ผู้ช่วยพ่อครัว", en="Kitchen assistant"), "โรงแรมริมน้ำพักผ่อน", 12_800),
    (Words(th="พนักงานบัญชี", en="Bookkeeper"), "บริษัท สยามเย็นสบายฟู้ดส์ จำกัด", 18_500),
    (Words(th="พนักงานรักษาความปลอดภัย", en="Security guard"), "บริษัท เฝ้าบ้านรักษาการณ์ จำกัด", 14_200),
    (Words(th="แม่บ้าน", en="Housekeeper"), "โรงแรมริมน้ำพักผ่อน", 420),
    (Words(th="คนงานก่อสร้าง", en="Construction worker"), "ห้างหุ้นส่วนจำกัด สร้างดีก่อสร้าง", 450),
)
_BY_THE_DAY = 1_000  # a wage below this is a day's


def get_unemployment(asked: Asked) -> Mapping[str, Any]:
    work = work_of(asked.world, asked.person)
    if work.status != "unemployed" or work.ended_on is None:
        return _nobody(None)
    registered_on = work.ended_on + timedelta(days=3 + asked.dice("registered on") % 9)
    # The samples have not been to any counter since; of the others most have, and all who draw a benefit.
    has_been = asked.person.number > 199 and (asked.dice("registered") % 100 < _REGISTERED or _is_paid(asked))
    if not has_been or registered_on > asked.today:
        return _nobody(work.ended_on + REGISTER_WITHIN)
    reports = list(_reports(asked, registered_on, _REPORTS.get(work.reason, _FEWER_REPORTS)))
    coming = [one["due_date"] for one in reports if one["state"] == "coming"]
    return {
        "registered": bool(coming),
        "registration_id": f"{asked.dice('registration') % 10**10:010d}",
        "registered_on": registered_on,
        "register_by": None,
        "next_report_date": coming[0] if coming else None,
        "reports": reports,
    }


def match_jobs(asked: Asked) -> Mapping[str, Any] | None:
    """Each province has new vacancies every Monday, and each stays open for four weeks."""
    province = places.PROVINCE.get(asked.arguments["province"])
    if province is None:
        return None
    monday = asked.today - timedelta(days=asked.today.weekday())
    found = []
    for week in range(_WEEKS_SHOWN):
        posted = monday - timedelta(weeks=week)
        for at in range(_A_WEEK):
            draw = throw(asked.world.nation.seed, "vacancy", province.code, posted, at)
            title, employer, wage = _TRADES[draw % len(_TRADES)]
            district = province.districts[draw // 64 % len(province.districts)]
            is_daily = wage < _BY_THE_DAY
            found.append(
                {
                    "job_id": f"{province.code}{posted:%y%m%d}{at}",
                    "title": title,
                    "employer": employer,
                    "province": province.code,
                    "place": Words(
                        th=f"{district.name.th} {province.name.th}", en=f"{district.name.en}, {province.name.en}"
                    ),
                    "wage": Decimal(wage + draw // 1_024 % 6 * (10 if is_daily else 500)),
                    "wage_per": "day" if is_daily else "month",
                    "places": draw // 8_192 % 5 + 1,
                    "posted_on": posted,
                    "closes_on": posted + timedelta(weeks=_WEEKS_SHOWN),
                }
            )
    return {"jobs": found}


def _nobody(register_by: date | None) -> dict[str, Any]:
    return {
        "registered": False,
        "registration_id": None,
        "registered_on": None,
        "register_by": register_by,
        "next_report_date": None,
        "reports": [],
    }


def _is_paid(asked: Asked) -> bool:
    claims = asked.world.nation.claims(asked.person.number)
    return any(one.benefit.en.startswith("Unemployment") for one in claims)


def _reports(asked: Asked, registered_on: date, times: int) -> Iterator[dict[str, Any]]:
    for at in range(1, times + 1):
        due = registered_on + _EVERY * at
        if due >= asked.today:
            yield {"due_date": due, "reported_on": None, "state": "coming"}
            continue
        kept = asked.dice(f"report {at}") % 100 < _REPORTS_KEPT
        yield {"due_date": due, "reported_on": due if kept else None, "state": "done" if kept else "missed"}


ANSWERS: Final[Mapping[str, Answer]] = {"get_unemployment": get_unemployment, "match_jobs": match_jobs}
