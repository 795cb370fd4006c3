"""The nation's day: it can be moved, and what depends on it follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox.control import Refused
from sandbox.world import Clock


async def test_the_day_starts_on_day_zero(http):
    told = await (await http.get("/sandbox/clock")).json()

    assert told["today"] == "2026-11-21"
    assert told["now"].startswith("2026-11-21T")
    assert told["now"].endswith("+07:00")
    assert told["moved_days"] == 0


async def test_the_day_moves_to_a_date_by_days_and_back(http):
    async def move(**body):
        return (await (await http.post("/sandbox/clock", json=body)).json())["today"]

    assert await move(today="2027-04-01") == "2027-04-01"
    assert await move(days=30) == "2027-05-01"
    assert await move(days=-1) == "2027-04-30"
    assert await move(reset=True) == "2026-11-21"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"today": "tomorrow"},
        {"today": "2027-02-29"},
        {"today": "20270401"},
        {"today": 20270401},
        {"days": 1.5},
        {"days": "1"},
        {"days": 10**9},
        {"today": "2027-04-01", "days": 1},
        {"today": "2025-11-20"},
        {"today": "2146-11-22"},
        {"reset": "yes"},
        {"day": 1},
        {"days": 1, "why": "because"},
    ],
)
async def test_a_day_that_cannot_be_is_refused_and_nothing_moves(http, body):
    reply = await http.post("/sandbox/clock", json=body)

    assert reply.status == 422
    assert (await reply.json())["error"]["message"]
    assert (await (await http.get("/sandbox/clock")).json())["today"] == "2026-11-21"


async def test_people_age_and_children_become_adults(http, linkage, somebody):
    child = somebody(lambda c: c.alive and c.title.th == "เด็กชาย" and c.birth.year == 2016)
    [before] = await linkage(("001", child.pid))

    await http.post("/sandbox/clock", json={"today": "2032-11-21"})
    [after] = await linkage(("001", child.pid))

    assert after["responseData"]["age"] == before["responseData"]["age"] + 6
    assert (before["responseData"]["titleDesc"], after["responseData"]["titleDesc"]) == ("เด็กชาย", "นาย")


async def test_a_card_expires_when_its_day_has_passed(http, linkage, somebody):
    citizen = somebody(lambda c: c.alive and c.id_card == "valid")

    day = citizen.id_card_expires + timedelta(days=1)
    await http.post("/sandbox/clock", json={"today": day.isoformat()})
    [card] = await linkage(("003", citizen.pid))

    assert card["responseData"]["cardStatusDesc"] == "หมดอายุ"


async def test_who_is_not_born_yet_is_not_found(http, linkage, nation):
    newborn = next(nation.citizen(n) for n in nation.citizen(1).children)

    await http.post("/sandbox/clock", json={"today": "2026-01-01"})
    [before, family] = await linkage(("001", newborn.pid), ("002", nation.citizen(1).pid))

    assert before["responseStatus"] == 404
    assert family["responseData"]["children"] == []


async def test_the_dead_still_live_on_the_days_before(http, linkage, somebody):
    dead = somebody(lambda c: c.died_on is not None and c.died_on > date(2026, 2, 1))

    await http.post("/sandbox/clock", json={"today": (dead.died_on - timedelta(days=1)).isoformat()})
    [person] = await linkage(("001", dead.pid))

    assert person["responseData"]["statusOfPersonCode"] == 0


async def test_contributions_go_on_while_a_person_stays_insured(http, sso, nation):
    pid = nation.citizen(1).pid
    before = await sso("getEmployeeCntr", ssoNo=pid, year="2570")

    await http.post("/sandbox/clock", json={"today": "2027-12-31"})
    after = await sso("getEmployeeCntr", ssoNo=pid, year="2570")

    assert before["detail"] == []
    assert [row["payPeriod"] for row in after["detail"]][-1] == "257001"
    assert len(after["detail"]) == 11


async def test_a_right_to_care_follows_age(http, nhso, somebody):
    soon_sixty = somebody(
        lambda c: c.alive and c.birth.year == 1968 and c.health and c.health[0].sub_right_code == "89"
    )

    before = await nhso(soon_sixty.pid)
    await http.post("/sandbox/clock", json={"today": "2029-01-02"})
    after = await nhso(soon_sixty.pid)

    assert [f["mainInscl"]["id"] for f in before["funds"]] == ["UCS"]
    assert [f["mainInscl"]["id"] for f in after["funds"]] == ["WEL"]


def test_the_day_passes_at_midnight_in_bangkok():
    machine = datetime(2030, 5, 1, 16, 59, 59, tzinfo=UTC)
    clock = Clock(date(2026, 11, 21), machine_now=lambda: machine)
    assert clock.today() == date(2026, 11, 21)

    machine += timedelta(seconds=1)

    assert clock.today() == date(2026, 11, 22)


def test_a_clock_refuses_days_for_which_there_is_no_nation():
    clock = Clock(date(2024, 2, 29))

    clock.move_to(date(2023, 2, 28))
    with pytest.raises(Refused, match="2023-02-28"):
        clock.move_to(date(2023, 2, 27))
