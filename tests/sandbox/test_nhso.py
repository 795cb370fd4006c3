"""NHSO: who holds which right, and what not finding somebody looks like."""

from __future__ import annotations

import pytest

PATH = "/nhso/nhsoendpoint/api/v2/right-search"


@pytest.mark.parametrize(
    ("right", "code"), [("uc", ("UCS", "WEL")), ("sso", ("SSS",)), ("csmbs", ("OFC",)), ("lao", ("LGO",))]
)
async def test_each_right_has_its_code(nhso, somebody, right, code):
    citizen = somebody(lambda c: c.alive and len(c.health) == 1 and c.health[0].right == right)

    found = await nhso(citizen.pid)

    [fund] = found["funds"]
    assert fund["mainInscl"]["id"] in code
    assert found["fname"] == citizen.first_name.th
    if citizen.health[0].main_unit:
        assert fund["hospMain"] == {
            "hcode": citizen.health[0].main_unit.code,
            "hname": citizen.health[0].main_unit.name.th,
        }


async def test_elders_under_universal_coverage_carry_the_older_code(nhso, somebody):
    elder = somebody(lambda c: c.alive and c.health and c.health[0].sub_right_code == "77")

    [fund] = (await nhso(elder.pid))["funds"]

    assert (fund["mainInscl"]["id"], fund["subInscl"]["id"]) == ("WEL", "77")
    assert fund["hospMainOp"] == fund["hospMain"]


async def test_a_birth_date_is_told_twice_in_the_buddhist_era(nhso, somebody):
    elder = somebody(lambda c: c.alive and c.birth.month is None)

    found = await nhso(elder.pid)

    assert found["birthDateNew"] == {"year": elder.birth.year + 543, "month": 0, "day": 0}
    assert found["birthDate"] == f"{elder.birth.year + 543}0000"


async def test_somebody_unknown_is_a_200_without_a_name(nhso):
    found = await nhso("1000000000009", checkDate="2026-11-21T00:00:00")

    assert found == {"checkDate": "2026-11-21T00:00:00", "sex": {}, "nation": {}, "funds": []}


async def test_the_dead_have_a_name_and_no_right(nhso, somebody):
    dead = somebody(lambda c: not c.alive)

    found = await nhso(dead.pid)

    assert found["fname"] == dead.first_name.th
    assert found["funds"] == []


async def test_the_rights_are_those_of_the_day_asked_about(nhso, somebody):
    citizen = somebody(lambda c: c.alive and len(c.health) == 2 and c.health[0].right == "sso" and c.health[1].since)
    second = citizen.health[1].since

    before = await nhso(citizen.pid, checkDate=f"{citizen.health[0].since}T00:00:00")
    after = await nhso(citizen.pid, checkDate=f"{second}T00:00:00")

    assert [f["mainInscl"]["id"] for f in before["funds"]] == ["SSS"]
    assert [f["mainInscl"]["id"] in ("UCS", "WEL") for f in after["funds"]] == [True]


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic tangrat-nhso", "Bearer ไทย"])
async def test_without_the_token_nothing_is_told(http, authorization):
    headers = {"Authorization": authorization} if authorization else {}

    reply = await http.get(PATH, params={"pid": "1000000000009"}, headers=headers)

    assert reply.status == 401
    assert (await reply.json())["error"] == "Unauthorized"


@pytest.mark.parametrize("params", [{"pid": "12"}, {}, {"pid": "1000000000009", "checkDate": "tomorrow"}])
async def test_a_question_out_of_shape_is_refused(http, params):
    reply = await http.get(PATH, params=params, headers={"Authorization": "Bearer tangrat-nhso"})

    assert reply.status == 400


async def test_a_lying_nhso_answers_about_another_person(nhso, nation, fault):
    pid = nation.citizen(4).pid
    await fault("nhso", "lying")

    found = await nhso(pid)

    assert found["pid"] != pid
    assert found["funds"]
