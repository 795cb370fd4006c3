"""The SSO: its tokens, its commands, and a hospital chosen through it."""

from __future__ import annotations

from decimal import Decimal

import aiohttp
import pytest
from defusedxml.ElementTree import fromstring

TOKEN = "/sso/auth/realms/insured/protocol/openid-connect/token"
SERVICE = "/sso/esv/esvews/service"
BASIC = {"Authorization": aiohttp.encode_basic_auth("tangrat", "tangrat-secret")}


def baht(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def slashes(day) -> str:
    return f"{day:%d/%m}/{day.year + 543}"


async def test_a_password_buys_tokens_and_a_refresh_token_renews_them_once(http):
    form = {"grant_type": "password", "username": "tangrat", "password": "tangrat-password"}
    first = await (await http.post(TOKEN, data=form, headers=BASIC)).json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    second = await http.post(TOKEN, data=again, headers=BASIC)
    third = await http.post(TOKEN, data=again, headers=BASIC)

    assert (first["token_type"], first["expires_in"], first["refresh_expires_in"]) == ("Bearer", 300, 1800)
    assert (second.status, third.status) == (200, 400)
    assert (await third.json())["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        ({"grant_type": "password", "username": "tangrat", "password": "x"}, BASIC, 401, "invalid_grant"),
        ({"grant_type": "password"}, {}, 401, "unauthorized_client"),
        ({"grant_type": "password"}, {"Authorization": "Basic %%%"}, 401, "unauthorized_client"),
        ({"grant_type": "magic"}, BASIC, 400, "unsupported_grant_type"),
        ({}, BASIC, 400, "invalid_request"),
    ],
)
async def test_tokens_are_refused_as_keycloak_refuses_them(http, form, headers, status, error):
    reply = await http.post(TOKEN, data=form, headers=headers)

    assert (reply.status, (await reply.json())["error"]) == (status, error)


async def test_introspection_tells_a_living_token_from_a_made_up_one(http):
    form = {"grant_type": "password", "username": "tangrat", "password": "tangrat-password"}
    token = (await (await http.post(TOKEN, data=form, headers=BASIC)).json())["access_token"]

    good = await (await http.post(f"{TOKEN}/introspect", data={"token": token}, headers=BASIC)).json()
    bad = await (await http.post(f"{TOKEN}/introspect", data={"token": "x"}, headers=BASIC)).json()

    assert (good["active"], bad) == (True, {"active": False})


async def test_an_insured_person_speaks_for_themselves_only(http, nation):
    mine, other = nation.citizen(1).pid, nation.citizen(7).pid
    form = {"grant_type": "password", "username": mine, "password": "sandbox"}
    token = (await (await http.post(TOKEN, data=form, headers=BASIC)).json())["access_token"]
    headers = {"user_token": f"Bearer {token}"}

    async def ask(**fields: str):
        sent = {"cmd": "getPersonInfo", "callerid": "line", **fields}
        return await (await http.post(SERVICE, data=sent, headers=headers)).json()

    assert (await ask())["person"]["ssoNum"] == mine
    assert (await ask(ssoNo=mine))["code"] == "WS000"
    assert (await ask(ssoNo=other))["code"] == "WS001"


async def test_a_person_insured_by_an_employer_has_a_hospital(sso, nation):
    citizen = nation.citizen(1)
    assert citizen.insurance.section == "33"

    found = await sso("getPersonInfo", ssoNo=citizen.pid)

    assert found["code"] == "WS000"
    assert (found["person"]["activeStatus"], found["person"]["gender"]) == ("A", "F")
    assert found["person"]["activeStatusDesc"] == "เป็นผู้ประกันตน (มาตรา 33)"
    assert found["personS33Info"]["hospitalCode"] == citizen.insurance.hospital.code
    assert found["personS33Info"]["mselStartDate"] == slashes(citizen.insurance.hospital_since)
    assert found["personS33Info"]["mselExpireDate"] == "จนสิ้นสุดความเป็นผู้ประกันตน"
    assert found["lastIncremental"][-4:] == "2569"


@pytest.mark.parametrize(("section", "status"), [("33", "A"), ("39", "V"), ("40_2", "F")])
async def test_every_section_has_its_letter(sso, somebody, section, status):
    citizen = somebody(lambda c: c.alive and c.insurance.section == section and c.insurance.ended is None)

    found = await sso("getPersonInfo", ssoNo=citizen.pid)

    assert found["person"]["activeStatus"] == status
    assert ("personS33Info" in found) == (status != "F")
    assert ("ทางเลือกที่ 2" in found["person"]["activeStatusDesc"]) == (status == "F")


async def test_who_lost_a_job_is_covered_for_six_months_and_then_not(sso, http, nation):
    citizen = nation.citizen(4)
    assert citizen.insurance.ended is not None

    now = await sso("getPersonInfo", ssoNo=citizen.pid)
    await http.post("/sandbox/clock", json={"days": 200})
    later = await sso("getPersonInfo", ssoNo=citizen.pid)

    assert now["person"]["activeStatus"] == "T"
    assert now["person"]["insuredEndDate"] == slashes(citizen.insurance.ended)
    assert now["personS33Info"]["hospitalCode"] == citizen.insurance.hospital.code
    assert later["person"]["activeStatus"] == "R"
    assert "personS33Info" not in later


async def test_contributions_are_told_by_year_newest_first(sso, nation):
    citizen = nation.citizen(1)
    paid = [c for c in nation.contributions(1) if c.month.year == 2025]

    found = await sso("getEmployeeCntr", ssoNo=citizen.pid, year="2568")

    assert len(found["detail"]) == len(paid) == 12
    assert [row["payPeriod"] for row in found["detail"]] == [f"2568{m:02}" for m in range(12, 0, -1)]
    first = found["detail"][-1]
    assert first["payDate"] == slashes(paid[0].paid_on)
    assert baht(first["cntrAmount"]) == paid[0].employee
    assert first["cntrRate"] == f"{paid[0].rate_percent:.2f}"


async def test_old_age_savings_add_up_and_are_spelt_as_the_office_spells_them(sso, nation):
    citizen = nation.citizen(1)

    found = await sso("getEmployeeOldAge", ssoNo=citizen.pid)

    for total, part in (
        ("totalEmployeePaid", "employeePaid"),
        ("totalEmployerPaid", "employerPaid"),
        ("totalGovermentPaid", "govermentPaid"),
        ("totalPaid", "totalPaid"),
    ):
        assert baht(found[total]) == sum(baht(year[part]) for year in found["details"])
    assert "," in found["totalPaid"]
    assert baht(found["totalEmployeePaid"]) == sum(c.employee for c in nation.contributions(1)) * 3 / 5


async def test_section_40_has_commands_of_its_own_without_commas(sso, nation):
    citizen = nation.citizen(9)
    assert citizen.insurance.section == "40_2"

    paid = await sso("getS40Cntr", ssoNo=citizen.pid, year="2568")
    saved = await sso("getS40OldAge", ssoNo=citizen.pid)
    not_33 = await sso("getEmployeeCntr", ssoNo=citizen.pid, year="2568")

    assert paid["detail"][0]["cntrAmount"] == "100.00"
    assert Decimal(saved["sumAmtSenility"]) == sum(Decimal(year["amtSenility"]) for year in saved["detail"])
    assert not_33["detail"] == []


async def test_benefits_are_told_by_year(sso, nation, somebody):
    citizen = somebody(lambda c: c.alive and c.insurance.section == "33" and nation.claims(c.number))
    claim = nation.claims(citizen.number)[0]

    year = str(claim.requested_on.year + 543)
    found = await sso("getEmployeeBenefitHisotry", ssoNo=citizen.pid, year=year)

    row = next(r for r in found["detail"] if r["requestDate"] == slashes(claim.requested_on))
    assert baht(row["payAmount"]) == claim.amount
    assert row["benefitDesc"] == claim.benefit.th


async def test_who_is_not_insured_is_not_found(sso, somebody):
    citizen = somebody(lambda c: c.alive and c.insurance.section == "none")

    assert await sso("getPersonInfo", ssoNo=citizen.pid) == {"code": "WS006", "description": "Data not found"}
    assert (await sso("getPersonInfo", ssoNo="1000000000009"))["code"] == "WS006"


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("getPersonInfo", {}),
        ("getPersonInfo", {"ssoNo": "12"}),
        ("getEverything", {"ssoNo": "1000000000009"}),
        ("getEmployeeCntr", {}),
    ],
)
async def test_a_wrong_parameter_is_code_003(sso, command, fields):
    assert (await sso(command, **fields))["code"] == "WS003"


@pytest.mark.parametrize("year", ["", "64", "2026", "๒๕๖๘", "-1"])
async def test_years_are_of_the_buddhist_era(sso, nation, year):
    assert (await sso("getEmployeeCntr", ssoNo=nation.citizen(1).pid, year=year))["code"] == "WS003"


@pytest.mark.parametrize("headers", [{}, {"user_token": "Bearer x"}, {"Authorization": "Bearer x"}])
async def test_without_a_token_every_command_is_code_001(http, headers):
    sent = {"cmd": "getPersonInfo", "ssoNo": "1000000000009", "callerid": "tangrat"}

    reply = await http.post(SERVICE, data=sent, headers=headers)

    assert (reply.status, (await reply.json())["code"]) == (200, "WS001")


async def test_the_choice_of_hospitals_is_that_of_the_province_and_says_whether_it_is_time(sso, http, nation):
    moved_lately, settled = nation.citizen(7), nation.citizen(1)

    may = await sso("getInitSelectHospital", ssoNo=moved_lately.pid)
    may_not = await sso("getInitSelectHospital", ssoNo=settled.pid)
    await http.post("/sandbox/clock", json={"today": "2026-12-16"})
    in_the_window = await sso("getInitSelectHospital", ssoNo=settled.pid)

    province = moved_lately.address.subdistrict_code[:2]
    assert [h["hospitalCode"] for h in may["hospital"]] == [h.code for h in nation.hospitals(province)]
    assert may["currentHospital"]["hospitalCode"] == moved_lately.insurance.hospital.code
    assert (may["canChange"], may_not["canChange"], in_the_window["canChange"]) == ("Y", "N", "Y")


async def test_a_hospital_is_chosen_once_shown_everywhere_and_can_be_taken_back(sso, nhso, nation, somebody):
    citizen = somebody(lambda c: c.alive and c.insurance.section == "39" and c.insurance.ended is None)
    choices = await sso("getInitSelectHospital", ssoNo=citizen.pid)
    before = citizen.insurance.hospital
    chosen = next(h for h in choices["hospital"] if h["hospitalCode"] != before.code)
    asked = {"ssoNo": citizen.pid, "hospitalCode1": chosen["hospitalCode"], "mobile": "", "changeReason": "3"}

    first = await sso("saveSelectHospital", **asked)
    second = await sso("saveSelectHospital", **asked)

    now = (await sso("getPersonInfo", ssoNo=citizen.pid))["personS33Info"]
    at_nhso = next(
        f for f in (await nhso(citizen.pid, checkDate="2026-12-01"))["funds"] if f["mainInscl"]["id"] == "SSS"
    )
    listed = await sso("listTransaction", ssoNo=citizen.pid, year="2569", txnType="1")
    assert first["code"] == "WS000"
    assert second == first
    assert now["hospitalCode"] == at_nhso["hospSss"]["hcode"] == chosen["hospitalCode"]
    assert now["mselStartDate"] == first["effectiveDate"] == "01/12/2569"
    assert [t["txnNo"] for t in listed["detail"]] == [first["txnNo"]]

    cancelled = await sso("cancelTransaction", ssoNo=citizen.pid, txnNo=first["txnNo"])

    assert cancelled["txnStatusDesc"] == "ยกเลิก"
    back = (await sso("getPersonInfo", ssoNo=citizen.pid))["personS33Info"]
    assert back["hospitalCode"] == before.code


async def test_a_choice_that_is_not_offered_is_refused(sso, nation):
    insured, voluntary = nation.citizen(1), nation.citizen(9)
    elsewhere = {"hospitalCode1": "00000", "mobile": "", "changeReason": "3"}
    code = next(h.code for h in nation.hospitals(insured.address.subdistrict_code[:2]))
    too_early = {"hospitalCode1": code, "mobile": "", "changeReason": "1"}
    other = next(
        h.code for h in nation.hospitals(insured.address.subdistrict_code[:2]) if h != insured.insurance.hospital
    )

    assert (await sso("saveSelectHospital", ssoNo=insured.pid, **elsewhere))["code"] == "WS003"
    assert (await sso("saveSelectHospital", ssoNo=insured.pid, **too_early | {"hospitalCode1": other}))[
        "code"
    ] == "WS003"
    assert (await sso("saveSelectHospital", ssoNo=voluntary.pid, **elsewhere))["code"] == "WS006"
    assert (await sso("cancelTransaction", ssoNo=insured.pid, txnNo="1"))["code"] == "WS006"


async def test_a_lying_sso_answers_about_another_insured_person(sso, nation, fault):
    pid = nation.citizen(1).pid
    await fault("sso", "lying", operation="getPersonInfo")

    found = await sso("getPersonInfo", ssoNo=pid)

    assert found["code"] == "WS000"
    assert found["person"]["ssoNum"] != pid


async def test_a_fault_of_one_command_leaves_the_others_alone(sso, http, nation, fault):
    pid = nation.citizen(1).pid
    await fault("sso", "error", operation="getEmployeeOldAge", status=502)

    good = await sso("getPersonInfo", ssoNo=pid)
    bad = await http.post(SERVICE, data={"cmd": "getEmployeeOldAge", "ssoNo": pid, "callerid": "tangrat"})

    assert good["code"] == "WS000"
    assert (bad.status, (await bad.json())["code"]) == (502, "WS500")


# ---- where somebody worked, by SOAP

EMPLOYMENTS = "/sso/DBforService/services/EmployeeEmployments"
ASKED = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><getServ38>'
    "<ssoNum>{pid}</ssoNum></getServ38></soapenv:Body></soapenv:Envelope>"
)


@pytest.fixture
async def employments(http):
    form = {"grant_type": "password", "username": "tangrat", "password": "tangrat-password"}
    token = (await (await http.post(TOKEN, data=form, headers=BASIC)).json())["access_token"]

    async def ask(pid: str, body: str = ASKED, token: str = token) -> tuple[int, dict[str, list[str]]]:
        headers = {"user_token": f"Bearer {token}", "Content-Type": "text/xml"}
        async with http.post(EMPLOYMENTS, data=body.format(pid=pid).encode(), headers=headers) as reply:
            said: dict[str, list[str]] = {}
            for one in fromstring(await reply.read()).iter():
                said.setdefault(one.tag.rpartition("}")[2], []).append((one.text or "").strip())
            return reply.status, said

    return ask


async def test_a_job_that_ended_has_the_day_and_one_that_goes_on_has_none(employments, nation):
    left, works = nation.citizen(4).insurance, nation.citizen(1).insurance

    _, mana = await employments(nation.citizen(4).pid)
    _, phimchai = await employments(nation.citizen(1).pid)

    assert (mana["empStartDate"], mana["empResignDate"]) == ([slashes(left.since)], [slashes(left.ended)])
    assert (phimchai["empStartDate"], phimchai["empResignDate"]) == ([slashes(works.since)], [""])
    assert (mana["code"], mana["ssoNum"]) == (["WS000"], [nation.citizen(4).pid])
    assert len(mana["accNo"][0]) == 10


async def test_who_never_worked_for_wages_has_no_employments(employments, nation):
    assert (await employments(nation.citizen(8).pid))[1]["code"] == ["WS006"]  # insured under section 40
    assert (await employments("1000000000009"))[1]["code"] == ["WS006"]


async def test_the_soap_service_wants_the_token_and_an_envelope(employments, nation):
    pid = nation.citizen(4).pid

    assert (await employments(pid, token="made-up"))[1]["code"] == ["WS001"]
    status, said = await employments(pid, body="<not")
    assert (status, said["faultcode"]) == (500, ["soap:Client"])
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]>' + ASKED
    assert (await employments(pid, body=bomb))[0] == 500


async def test_a_soap_answer_is_twisted_as_a_json_one_is(employments, nation, fault):
    pid = nation.citizen(4).pid
    await fault("sso", "duplicate_key", operation="getServ38", times=1)
    twice = (await employments(pid))[1]
    await fault("sso", "wrong_type", operation="getServ38", times=1)
    other = (await employments(pid))[1]

    assert (twice["code"], twice["ssoNum"]) == (["WS000", "WS000"], [pid])
    assert (other["code"], "value" in other) == ([""], True)


async def test_in_the_nightly_refresh_every_service_says_ws500_and_keycloak_goes_on(sso, employments, nation, fault):
    pid = nation.citizen(4).pid
    await fault("sso", "refreshing")

    told = await sso("getPersonInfo", ssoNo=pid)
    status, soap = await employments(pid)

    assert told["code"] == "WS500"
    assert "refresh" in told["description"]
    assert (status, soap["code"]) == (200, ["WS500"])
