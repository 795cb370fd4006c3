"""DOPA's Linkage2: signing in as an officer, and batches whose items succeed and fail one by one."""

from __future__ import annotations

import pytest

from sandbox.civil import Registry, laser_code

CENTER = "/gdx/ws/dopa/linkage2/api/center"


async def test_an_officer_signs_in_renews_and_signs_out(http, gdx):
    who = {"loginType": 2, "personalID": 1000000000009}
    offices = await (await http.post(f"{CENTER}/login/", json=who, headers=gdx)).json()
    office = offices["office"][0]["id"]
    confirm = who | {"officeID": office, "accessToken": "tangrat-linkage2"}
    first = (await (await http.post(f"{CENTER}/login/confirm", json=confirm, headers=gdx)).json())["token"]

    def bearer(token: str) -> dict[str, str]:
        return gdx | {"Authorization": f"Bearer {token}"}

    jobs = await (await http.get(f"{CENTER}/user/job", headers=bearer(first))).json()
    second = (await (await http.post(f"{CENTER}/login/renew", headers=bearer(first))).json())["token"]
    old = await http.get(f"{CENTER}/user/job", headers=bearer(first))
    out = await http.delete(f"{CENTER}/login/", headers=bearer(second))
    gone = await http.get(f"{CENTER}/user/job", headers=bearer(second))

    assert jobs == {"job": ["tangrat", "tangrat-person-only"]}
    assert (old.status, out.status, gone.status) == (401, 200, 401)
    assert (await gone.json())["errorNumber"] == 90001


async def test_an_officer_may_prove_themselves_with_their_own_thaid_token(http, gdx, thaid, nation):
    tokens = await thaid.sign_in(3)
    mine = {"loginType": 2, "officeID": 23, "personalID": tokens["pid"], "accessToken": tokens["access_token"]}
    not_mine = mine | {"personalID": nation.citizen(4).pid}

    good = await http.post(f"{CENTER}/login/confirm", json=mine, headers=gdx)
    bad = await http.post(f"{CENTER}/login/confirm", json=not_mine, headers=gdx)

    assert (good.status, bad.status) == (200, 401)


@pytest.mark.parametrize(
    ("over", "status"),
    [
        ({"loginType": 1}, 400),
        ({"personalID": "123"}, 400),
        ({"personalID": None}, 400),
        ({"officeID": "99999"}, 403),
        ({"accessToken": "made-up"}, 401),
        ({"accessToken": ["a"]}, 401),
    ],
)
async def test_a_sign_in_that_does_not_fit_is_refused_with_a_number(http, gdx, over, status):
    asked = {"loginType": 2, "officeID": "00023", "personalID": "1000000000009", "accessToken": "tangrat-linkage2"}

    reply = await http.post(f"{CENTER}/login/confirm", json=asked | over, headers=gdx)

    assert reply.status == status
    assert isinstance((await reply.json())["errorNumber"], int)


async def test_a_person_is_told_in_integers_and_the_buddhist_era(linkage, nation):
    citizen = nation.citizen(4)

    [item] = await linkage(("001", citizen.pid))

    person, born = item["responseData"], citizen.birth
    assert (item["responseStatus"], item["responseError"]) == (200, None)
    assert person["pid"] == int(citizen.pid)
    assert person["dateOfBirth"] == (born.year + 543) * 10_000 + (born.month or 0) * 100 + (born.day or 0)
    assert person["fullnameAndRank"].startswith(citizen.title.th + citizen.first_name.th)
    assert (person["genderCode"], person["genderDesc"]) == (1, "ชาย")
    assert (person["nationalityCode"], person["nationalityDesc"]) == (99, "ไทย")
    assert (person["statusOfPersonCode"], person["dateOfDeath"]) == (0, 0)
    assert person["englishLastName"] == citizen.last_name.en


async def test_what_the_register_does_not_know_of_a_birth_is_zeros(linkage, somebody):
    no_day = somebody(lambda c: c.birth.month is not None and c.birth.day is None)
    no_month = somebody(lambda c: c.birth.month is None)

    first, second = await linkage((1, no_day.pid), (1, no_month.pid))

    assert first["responseData"]["dateOfBirth"] % 100 == 0
    assert first["responseData"]["dateOfBirth"] % 10_000 != 0
    assert second["responseData"]["dateOfBirth"] % 10_000 == 0


async def test_the_dead_are_in_the_register_and_in_no_house(linkage, somebody):
    dead = somebody(lambda c: not c.alive and c.died_on is not None)

    person, house = await linkage(("001", dead.pid), ("008", dead.pid))

    assert person["responseData"]["statusOfPersonCode"] == 1
    assert str(person["responseData"]["dateOfDeath"])[:4] == str(dead.died_on.year + 543)
    assert house["responseStatus"] == 404


async def test_a_house_has_its_address_by_level_and_everybody_in_it(linkage, nation):
    citizen = nation.citizen(1)
    code = citizen.address.subdistrict_code

    [item] = await linkage(("008", citizen.pid))

    house = item["responseData"]
    levels = (house["provinceCode"], house["districtCode"], house["subdistrictCode"])
    assert levels == (int(code[:2]), int(code[2:4]), int(code[4:]))
    assert house["houseID"] == int(citizen.address.house_id)
    assert house["rcodeCode"] == code[:4]
    assert [m["pid"] for m in house["members"]] != []
    assert {m["pid"] for m in house["members"]} == {int(nation.citizen(n).pid) for n in citizen.household}
    head, *others = house["members"]
    assert (head["relation"], head["ownerStatusDesc"]) == ("เจ้าบ้าน", "เจ้าบ้าน")
    assert {m["relation"] for m in others} <= {"คู่สมรส", "บุตร", "บิดา", "มารดา", "หลาน", "ผู้อาศัย"}
    assert {"คู่สมรส", "บุตร"} & {m["relation"] for m in others}


async def test_a_family_is_told_from_both_ends(linkage, nation):
    mother = nation.citizen(1)

    [of_mother] = await linkage(("002", mother.pid))
    child = of_mother["responseData"]["children"][0]
    [of_child] = await linkage(("002", child["pid"]))

    assert of_mother["responseData"]["totalChild"] == len(mother.children)
    assert of_mother["responseData"]["maritalStatusDesc"] == "สมรส"
    assert of_mother["responseData"]["spouse"]["pid"] == int(nation.citizen(mother.spouse).pid)
    assert of_child["responseData"]["mother"]["pid"] == int(mother.pid)
    assert of_child["responseData"]["mother"]["fullnameAndRank"].startswith(mother.title.th)


async def test_a_card_has_its_dates_and_a_lifetime_card_has_none(linkage, somebody):
    valid = somebody(lambda c: c.alive and c.id_card == "valid")
    for_life = somebody(lambda c: c.alive and c.id_card == "lifetime")
    never = somebody(lambda c: c.alive and c.id_card == "never")

    first, second, third = await linkage(("003", valid.pid), ("003", for_life.pid), ("003", never.pid))

    expires = valid.id_card_expires
    assert first["responseData"]["cardStatusDesc"] == "ปกติ"
    assert first["responseData"]["dateOfExpire"] == (expires.year + 543) * 10_000 + expires.month * 100 + expires.day
    assert second["responseData"]["dateOfExpire"] == 99_999_999
    assert (third["responseStatus"], third["responseError"]["errorNumber"]) == (404, 90406)


async def test_each_item_of_a_batch_has_its_own_fate(linkage, nation):
    citizen = nation.citizen(4)

    answers = await linkage(("001", citizen.pid), ("001", "1000000000009"), ("777", citizen.pid), ("001", "12"))

    assert [a["responseStatus"] for a in answers] == [200, 404, 404, 400]
    assert answers[1]["responseError"]["errorNumber"] == 90404
    assert answers[1]["responseData"] is None
    assert [a["serviceID"] for a in answers] == ["001", "001", "777", "001"]


async def test_a_job_opens_only_its_own_services(linkage, nation):
    pid = nation.citizen(4).pid

    person, house = await linkage(("001", pid), ("008", pid), job="tangrat-person-only")

    assert (person["responseStatus"], house["responseStatus"]) == (200, 403)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"jobID": "another", "data": [{}]}, 403),
        ({"jobID": "tangrat", "data": []}, 400),
        ({"jobID": "tangrat", "data": "x"}, 400),
        ({"jobID": "tangrat"}, 400),
        ([], 400),
    ],
)
async def test_a_request_out_of_shape_is_refused_whole(http, gdx, body, status):
    asked = {"loginType": 2, "officeID": 23, "personalID": "1000000000009", "accessToken": "tangrat-linkage2"}
    token = (await (await http.post(f"{CENTER}/login/confirm", json=asked, headers=gdx)).json())["token"]

    reply = await http.post(f"{CENTER}/request/", json=body, headers=gdx | {"Authorization": f"Bearer {token}"})

    assert reply.status == status


async def test_items_out_of_shape_do_not_harm_their_neighbours(http, gdx, nation):
    asked = {"loginType": 2, "officeID": 23, "personalID": "1000000000009", "accessToken": "tangrat-linkage2"}
    token = (await (await http.post(f"{CENTER}/login/confirm", json=asked, headers=gdx)).json())["token"]
    good = {"serviceID": 1, "query": {"personalID": int(nation.citizen(4).pid)}}
    bad = [None, {}, {"serviceID": True, "query": {}}, {"serviceID": 1, "query": {"personalID": {"$ne": 1}}}]

    body = {"jobID": "tangrat", "data": [*bad, good]}
    reply = await http.post(f"{CENTER}/request/", json=body, headers=gdx | {"Authorization": f"Bearer {token}"})

    assert [item["responseStatus"] for item in (await reply.json())["data"]] == [400, 400, 404, 400, 200]


async def test_one_service_can_fail_while_the_others_answer(linkage, nation, fault):
    pid = nation.citizen(4).pid
    await fault("dopa", "error", operation="house", status=503)

    person, house = await linkage(("001", pid), ("008", pid))

    assert (person["responseStatus"], house["responseStatus"]) == (200, 503)


async def test_one_service_can_be_slow(linkage, nation, fault):
    pid = nation.citizen(4).pid
    await fault("dopa", "slow", operation="family", delay_ms=120)

    person, family = await linkage(("001", pid), ("002", pid))

    assert person["responseTimeMs"] < 100 < family["responseTimeMs"]


async def test_a_lying_service_answers_about_another_person(linkage, nation, fault):
    pid = nation.citizen(4).pid
    await fault("dopa", "lying", operation="person")

    person, house = await linkage(("001", pid), ("008", pid))

    assert person["responseStatus"] == 200
    assert person["responseData"]["pid"] != int(pid)
    assert int(pid) in {m["pid"] for m in house["responseData"]["members"]}


async def test_a_birth_is_told_with_its_certificate_and_its_parents(linkage, nation, somebody):
    child, abroad = nation.citizen(101), somebody(lambda c: c.nationality == "other")

    here, nowhere = await linkage(("004", child.pid), ("004", abroad.pid))

    birth = here["responseData"]
    assert birth["dateOfBirth"] == birth["dateOfRegister"]  # hospitals register on the spot
    assert birth["motherPersonalID"] == int(nation.citizen(1).pid)
    assert birth["fatherPersonalID"] == int(nation.citizen(120).pid)
    assert (birth["placeOfBirthCode"], bool(birth["hospitalDesc"])) == (1, True)
    assert (nowhere["responseStatus"], nowhere["responseError"]["errorNumber"]) == (404, 90408)


async def test_before_the_wedding_nobody_is_married(http, linkage, nation):
    mani = nation.citizen(5)
    after = await linkage(("002", mani.pid), ("005", mani.pid))
    await http.post("/sandbox/clock", json={"days": -7})

    before = await linkage(("002", mani.pid), ("005", mani.pid))

    family, marriage = (item["responseData"] for item in after)
    assert (family["maritalStatusCode"], family["spouse"]["pid"]) == (2, int(nation.citizen(124).pid))
    [entry] = marriage["registers"]
    assert (entry["registerTypeCode"], entry["statusCode"]) == (1, 0)
    assert entry["spousePersonalID"] == family["spouse"]["pid"]
    assert [item["responseStatus"] for item in before] == [200, 404]
    assert (before[0]["responseData"]["maritalStatusCode"], before[0]["responseData"]["spouse"]) == (1, None)


async def test_a_divorce_is_an_entry_of_its_own(linkage, nation):
    [item] = await linkage(("005", nation.citizen(10).pid))

    married, divorced = item["responseData"]["registers"]
    assert (married["registerTypeCode"], married["statusCode"]) == (1, 1)
    assert (divorced["registerTypeCode"], divorced["registerTypeDesc"]) == (2, "ทะเบียนหย่า (คร.6)")
    assert divorced["dateOfRegister"] == 25671121


async def test_a_widow_is_married_until_the_day_of_the_death(http, linkage, nation):
    [now] = await linkage(("002", nation.citizen(12).pid))
    await http.post("/sandbox/clock", json={"days": -30})
    [then] = await linkage(("002", nation.citizen(12).pid))

    assert (now["responseData"]["maritalStatusDesc"], then["responseData"]["maritalStatusDesc"]) == ("หม้าย", "สมรส")


async def test_a_wifes_new_surname_is_in_the_history_of_names(linkage, nation):
    phimchai = nation.citizen(1)

    history, none = await linkage(("006", phimchai.pid), ("006", nation.citizen(4).pid))

    [change] = history["responseData"]["changes"]
    assert (change["changeTypeCode"], change["newName"]) == (2, phimchai.last_name.th)
    assert change["oldName"] != change["newName"]
    assert none["responseStatus"] == 404


async def test_a_disability_card_comes_after_it_was_issued(http, linkage, somebody, nation):
    registry = Registry(nation)
    holder = somebody(lambda c: c.alive and (card := registry.disability_card(c)) and card.caregiver)
    card = registry.disability_card(holder)

    held, none = await linkage(("009", holder.pid), ("009", nation.citizen(4).pid))

    told = held["responseData"]
    assert (told["disabilityTypeCode"], told["caregiverPersonalID"]) == (card.kind, int(nation.pid(card.caregiver)))
    assert told["cardStatusCode"] == (1 if card.expires_on < nation.day_zero else 0)
    assert (none["responseStatus"], none["responseError"]["errorNumber"]) == (404, 90411)


async def test_a_disagreeing_register_has_the_birth_a_year_off_and_nothing_else(linkage, nation, fault):
    pid = nation.citizen(4).pid
    [right] = await linkage(("001", pid))
    await fault("dopa", "disagreeing", operation="person")

    [wrong] = await linkage(("001", pid))

    told, differs = wrong["responseData"], right["responseData"]
    assert told["dateOfBirth"] == differs["dateOfBirth"] - 10_000
    assert (told["pid"], told["firstName"]) == (differs["pid"], differs["firstName"])


async def test_a_part_that_is_being_refreshed_says_503_alone(linkage, nation, fault):
    await fault("dopa", "refreshing", operation="card")

    card, person = await linkage(("003", nation.citizen(4).pid), ("001", nation.citizen(4).pid))

    assert (card["responseStatus"], person["responseStatus"]) == (503, 200)


# ---- the code on the back of a card


@pytest.fixture
def check(http, gdx):
    """Ask whether this code is on this citizen's card: the status and the body."""

    async def ask(citizen, **over):
        born = citizen.birth
        asked = {
            "CitizenID": citizen.pid,
            "FirstName": citizen.first_name.th,
            "LastName": citizen.last_name.th,
            "BEBirthDate": f"{born.year + 543}{born.month or 0:02}{born.day or 0:02}",
            "LaserCode": laser_code(citizen),
        }
        async with http.get("/gdx/ws/dopa/verification/personal", params=asked | over, headers=gdx) as reply:
            return reply.status, await reply.text()

    return ask


async def test_a_code_is_checked_with_who_its_holder_is(check, nation, somebody):
    phet, partly = nation.citizen(8), somebody(lambda c: c.alive and c.birth.day is None and c.id_card == "lifetime")

    assert await check(phet) == (200, '{"Result":true}')
    assert await check(partly) == (200, '{"Result":true}')
    assert await check(phet, FirstName="สมชาย") == (200, '{"Result":false}')
    assert await check(phet, BEBirthDate="25000000") == (200, '{"Result":false}')


async def test_failures_of_the_citizen_come_as_500_with_a_number(check, nation, somebody):
    void = somebody(lambda c: c.alive and c.id_card in ("lost", "expired"))

    assert await check(void) == (500, "[2]")
    assert await check(nation.citizen(8), LaserCode="AA0000000000") == (500, "[4]")
    assert await check(nation.citizen(8), CitizenID="1000000000009") == (500, "[4]")
    assert await check(nation.citizen(101)) == (500, "[4]")  # too young for a card


async def test_the_check_stands_behind_the_gateway_and_wants_to_know_whose_card(http, check, nation):
    reply = await http.get("/gdx/ws/dopa/verification/personal")

    assert reply.status == 403
    assert (await check(nation.citizen(8), LaserCode=""))[0] == 400


async def test_a_citizens_code_can_be_seen_in_the_sandbox(http, nation):
    seen = await (await http.get("/sandbox/citizens/8")).json()
    child = await (await http.get("/sandbox/citizens/101")).json()

    assert (seen["laser_code"], child["laser_code"]) == (laser_code(nation.citizen(8)), None)
