"""DBD, the Revenue Department, e-Payment and Biz Portal as their integrators meet them, defects and all."""

from __future__ import annotations

import pytest

from sandbox.companies import companies_of, find, juristic_id
from sandbox.world import Clock, World

OPEN = "/dbd-open/api/v1/juristic_person"
PROFILE = "/gdx/ws/dbd/juristic/v4/profile"
VAT = "/rd-ws/serviceRD3/vatserviceRD3.asmx"
TIN = "/rd-ws/jsonRD/checktinpinservice.asmx/ServiceTIN"
PAY = "/gdx/ws/dga/payment"
ORDER = {
    "source": "TANGRAT", "customerID": "1", "customerTitleName": "นาย", "customerFirstName": "ก", "customerLastName": "ข",
    "bankCode": "KTB", "paymentType": "QRPayment", "amount": "100.50", "requestReference1": "111", "requestReference2": "22",
}  # fmt: skip


@pytest.fixture(scope="session")
def world(nation):
    return World(nation, Clock(nation.day_zero))


def test_a_company_is_found_by_its_number_and_by_its_owner(world, nation):
    (company,) = companies_of(world, nation.citizen(9))

    assert find(world, company.juristic_id) == company
    assert company.juristic_id == juristic_id(9, company.kind)
    for wrong in ("", "0" * 13, company.juristic_id[:-1] + "x", juristic_id(9, "3"), "9" * 13, "๐" * 13):
        assert find(world, wrong) is None


def test_some_adults_have_companies_and_no_child_has(world):
    people = [one for one in (world.citizen(number) for number in range(200, 4_000)) if one is not None]
    owners = [one for one in people if companies_of(world, one)]

    assert 0.01 < len(owners) / len(people) < 0.08
    assert min(world.age(one) for one in owners) >= 20


async def test_the_open_api_says_200_and_text_html_whatever_happened(http):
    for number, code in (("0005000000099", "1000"), (juristic_id(1, "5"), "1004"), ("12", "1051")):
        async with http.get(f"{OPEN}/{number}") as reply:
            assert reply.status == 200
            assert reply.content_type == "text/html"
            assert (await reply.json(content_type=None))["status"]["code"] == code


async def test_the_open_api_uses_prefixes_and_the_common_era_and_the_profile_neither(http, gdx):
    async with http.get(f"{OPEN}/0005000000099") as reply:
        person = (await reply.json(content_type=None))["data"][0]["cd:OrganizationJuristicPerson"]
    async with http.get(f"{PROFILE}/information", params={"JuristicID": "0005000000099"}, headers=gdx) as reply:
        (profile,) = (await reply.json())["ResultList"]

    day = person["cd:OrganizationJuristicRegisterDate"]
    assert profile["RegisterDate"] == f"{int(day[:4]) + 543}{day[4:]}"
    place = person["cd:OrganizationJuristicAddress"]["cr:AddressType"]
    assert place["cd:CountrySubDivision"]["cr:CountrySubDivisionCode"].startswith("TH-")
    assert len(place["cd:CitySubDivision"]["cr:CitySubDivisionCode"]) == 8
    assert profile["RegisterCapital"].endswith(",000.00")


async def test_the_profile_is_behind_the_gateway(http):
    assert (await http.get(f"{PROFILE}/committee", params={"JuristicID": "0005000000099"})).status == 403


def _envelope(**fields: str) -> bytes:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<Service xmlns="https://rdws.rd.go.th/serviceRD3/vatserviceRD3">{inner}</Service></soap:Body></soap:Envelope>'
    ).encode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"username": "anonymous", "password": "anonymous", "TIN": "1000000000092"}, "ไม่พบข้อมูล"),
        ({"username": "x", "password": "anonymous", "TIN": "1000000000092"}, "username"),
        ({"username": "anonymous", "password": "anonymous", "TIN": "1"}, "เลขประจำตัวผู้เสียภาษี"),
    ],
)
async def test_a_no_of_the_vat_check_is_a_sentence(fields, said, http):
    headers = {"SOAPAction": '"https://rdws.rd.go.th/serviceRD3/vatserviceRD3/Service"'}
    async with http.post(VAT, data=_envelope(**fields), headers=headers) as reply:
        body = await reply.text()

    assert reply.status == 200
    assert said in body.partition("<vmsgerr>")[2]
    assert "<vNID />" in body


@pytest.mark.parametrize("body", [b"", b"<a", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
async def test_what_is_no_envelope_is_a_fault(body, http):
    async with http.post(VAT, data=body) as reply:
        assert reply.status == 500
        assert "soap:Fault" in await reply.text()


async def test_the_check_of_numbers_says_lists_of_one_text(http):
    async with http.get(TIN, params={"TIN": "1000000000092"}) as reply:
        assert (await reply.json())["IsExist"] == ["Yes"]
    async with http.get(TIN, params={"TIN": "x"}) as reply:
        assert (await reply.json())["DigitOk"] == ["No"]


async def test_e_payment_takes_both_spellings_and_each_reference_once(http, gdx):
    pascal = {name[0].upper() + name[1:]: value for name, value in ORDER.items()}
    async with http.post(f"{PAY}/create", json=pascal, headers=gdx) as reply:
        first = await reply.json()
    async with http.post(f"{PAY}/create", json=ORDER, headers=gdx) as reply:
        second = await reply.json()

    assert (first["status"], first["data"]["reference1"]) == (0, "111")
    assert (second["status"], second["errorCode"]) == (3, 21)


async def test_a_paid_bill_says_so_in_a_word_and_a_pending_one_in_a_number(http, gdx):
    await http.post(f"{PAY}/create", json=ORDER, headers=gdx)
    asked = {"reference1": "111", "reference2": "22"}

    async with http.get(f"{PAY}/status", params=asked, headers=gdx) as reply:
        before = (await reply.json())["data"]["paidStatus"]
    async with http.post("/sandbox/payments/111/pay") as reply:
        heard = (await reply.json())["callback"]
    async with http.get(f"{PAY}/status", params=asked, headers=gdx) as reply:
        after = (await reply.json())["data"]

    assert (before, after["paidStatus"], after["paymentType"]) == (0, "Success", "C")
    assert "POST /sandbox/api" in heard["error"]  # this sandbox knows no API to call back


async def test_payments_are_listed_for_programs_and_for_people(http, gdx):
    await http.post(f"{PAY}/create", json=ORDER, headers=gdx)

    async with http.get("/sandbox/payments") as reply:
        (listed,) = await reply.json()
    async with http.get("/sandbox/payments", headers={"Accept": "text/html"}) as reply:
        page = await reply.text()

    assert (listed["reference"], listed["amount"], listed["state"]) == ("111", "100.50", "pending")
    assert listed["pay"] in page


@pytest.mark.parametrize(
    ("reference", "body", "status"),
    [
        ("999", None, 404),
        ("111", {"as": "stolen"}, 422),
        ("111", {"confirmed": "yes"}, 422),
        ("111", {"surprise": 1}, 422),
    ],
)
async def test_a_wrong_way_to_pay_says_what_is_right(reference, body, status, http, gdx):
    await http.post(f"{PAY}/create", json=ORDER, headers=gdx)

    assert (await http.post(f"/sandbox/payments/{reference}/pay", json=body)).status == status


async def test_biz_portal_keeps_requests_until_it_is_reset(http, gdx):
    filed = {"IdentityId": "1", "IdentityType": 1, "ApplicationId": "a", "Data": {"Name": "ก", "ReferenceId": "r"}}
    path = "/gdx/ws/dga/bizportal/applicationrequest"
    async with http.post(f"{path}/import", json=filed, headers=gdx) as reply:
        number = (await reply.json())["Data"]["RequestId"]
    async with http.post(f"{path}/update", json={"RequestId": number, "Status": "Perhaps"}, headers=gdx) as reply:
        refused = await reply.json()
    before = await (await http.get("/sandbox/bizportal")).json()
    await http.post("/sandbox/reset")

    assert (refused["Status"], refused["Data"]) == (3, None)
    assert [one["Status"] for one in before] == ["CHECK"]
    assert await (await http.get("/sandbox/bizportal")).json() == []
