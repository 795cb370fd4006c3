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


# ---- the older search


@pytest.fixture
async def old(http):
    """Ask v1 with a token of its own: `await old(pid)`."""
    form = {"refresh_token": "tangrat-nhso-refresh"}
    async with http.post("/nhso/srmportal/api/scard/access-token", data=form) as reply:
        token = (await reply.json())["access_token"]

    async def ask(pid: str, token: str = token):
        headers = {"Authorization": f"Bearer {token}"}
        async with http.get("/nhso/srm/api/ucws/v1/right-search", params={"pid": pid}, headers=headers) as reply:
            assert reply.status == 200
            return await reply.json()

    return ask


async def test_v1_says_flat_and_lower_case_what_v2_says(old, nhso, nation):
    for number in (4, 6, 12):
        pid = nation.citizen(number).pid
        told, fund = await old(pid), (await nhso(pid))["funds"][0]

        assert (told["ws_status"], told["person_id"]) == ("NHSO-000001", pid)
        assert (told["maininscl"], told["subinscl"]) == (fund["mainInscl"]["id"], fund["subInscl"]["id"])
        assert told["hmain"] == fund["hospMain"].get("hcode", "")
        assert told["startdate"].startswith(str(int(fund["startDateTime"][:4]) + 543))


async def test_v1_says_of_a_token_that_ended_only_in_its_status(http, old, nation):
    pid = nation.citizen(4).pid

    assert (await old(pid, token="made-up"))["ws_status"] == "NHSO-00003"
    await http.delete("/sandbox/tokens", params={"agency": "nhso"})
    assert (await old(pid))["ws_status"] == "NHSO-00003"


async def test_v1_knows_nobody_of_that_number(old):
    told = await old("1000000000009")

    assert (told["ws_status"], told["maininscl"], "person_id" in told) == ("NHSO-000001", "", False)


async def test_a_refresh_token_that_is_not_ours_is_refused(http):
    reply = await http.post("/nhso/srmportal/api/scard/access-token", data={"refresh_token": "x"})

    assert reply.status == 401


async def test_a_disagreeing_office_has_the_birth_a_year_off(nhso, old, nation, fault):
    citizen = nation.citizen(4)
    await fault("nhso", "disagreeing")

    new, flat = await nhso(citizen.pid), await old(citizen.pid)

    assert new["birthDateNew"]["year"] == citizen.birth.year + 542
    assert new["birthDate"][:4] == flat["birthdate"][:4] == str(citizen.birth.year + 542)
    assert new["fname"] == citizen.first_name.th


async def test_a_refresh_is_worded_as_a_failure_where_nothing_else_is_known(http, nation, fault):
    await fault("nhso", "refreshing", retry_after_s=60)

    reply = await http.get(
        PATH, params={"pid": nation.citizen(4).pid}, headers={"Authorization": "Bearer tangrat-nhso"}
    )

    assert (reply.status, reply.headers["retry-after"]) == (503, "60")
    assert (await reply.json())["status"] == 503


async def test_only_who_tells_of_births_can_disagree(http):
    reply = await http.post("/sandbox/faults", json={"agency": "sso", "fault": "disagreeing"})

    assert reply.status == 422
    assert (await reply.json())["error"]["allowed"] == ["dopa", "nhso"]
