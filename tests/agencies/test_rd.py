"""VAT by SOAP and tax numbers by JSON: what is a no, what is a mistake of ours, what is a lie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from agencies import rd
from agencies.answers import Operation, Question
from agencies.rd import RdChecks
from agencies.reading import Reading
from agencies.soap import opened_soap
from agencies.trouble import AgencyDown, AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble
from foundation.http import Http, Reply
from foundation.settings import Settings
from sandbox.companies import Company, companies_of, vat_since
from sandbox.nation import Nation
from sandbox.people import Citizen
from sandbox.world import Clock, World

ME = "1000000000009"
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="module")
def world() -> World:
    nation = Nation(day_zero=date(2026, 11, 21))
    return World(nation, Clock(nation.day_zero))


@pytest.fixture(scope="module")
def registered(world: World) -> Citizen:
    """Somebody who is registered for VAT."""
    everybody = (world.citizen(number) for number in range(200, 5_000))
    return next(one for one in everybody if one is not None and vat_since(world, one.pid) is not None)


@pytest.fixture(scope="module")
def company(world: World) -> Company:
    """A company that is registered for VAT."""
    everybody = (world.citizen(number) for number in range(200, 20_000))
    companies = (found for one in everybody if one is not None for found in companies_of(world, one))
    return next(one for one in companies if one.vat_since is not None)


@pytest.fixture
def ask(http: Http, settings: Settings) -> Ask:
    async def ask(number: str, operation: Operation[Any] = rd.VAT) -> Any:
        client = RdChecks(http, vat_url=settings.rd_vat_url, tin_url=settings.rd_tin_url, deadline_s=1.5)
        try:
            (answer,) = await client.ask(number, [operation])
        except Trouble as trouble:
            return trouble
        return answer

    return ask


async def test_who_is_registered_is_told_with_their_place(ask: Ask, registered: Citizen, world: World) -> None:
    told = (await ask(registered.pid)).value

    found = vat_since(world, registered.pid)
    assert found is not None
    assert (told.tax_number, told.since, told.branch_number) == (registered.pid, found[0], 0)
    assert told.name == f"{registered.title.th} {registered.first_name.th} {registered.last_name.th}"
    assert told.province == registered.address.province.th
    assert " - " not in f" {told.address} "
    assert registered.address.house_no in told.address


async def test_who_is_not_registered_is_a_no_that_rules_may_use(ask: Ask, pid_of: Callable[[int], str]) -> None:
    answer = await ask(pid_of(9))

    assert isinstance(answer, NotThere)
    assert rd.VAT.when_absent == {"person.vat_registered": False}


async def test_a_company_is_asked_about_by_its_own_number(
    ask: Ask, company: Company, pid_of: Callable[[int], str]
) -> None:
    told = (await ask(pid_of(1), rd.COMPANY_VAT(company.juristic_id))).value

    assert (told.tax_number, told.since) == (company.juristic_id, company.vat_since)
    assert told.name == company.full_name.th


@pytest.mark.parametrize(
    ("number", "exists"), [("1000000000017", True), ("1000099999995", False)]
)  # fmt: skip
async def test_a_tax_number_exists_or_not(number: str, exists: bool, ask: Ask) -> None:
    assert (await ask(number, rd.TIN)).value == rd.TaxNumber(is_well_formed=True, exists=exists)


async def test_a_companys_tax_number_exists(ask: Ask, company: Company, pid_of: Callable[[int], str]) -> None:
    assert (await ask(pid_of(1), rd.COMPANY_TIN(company.juristic_id))).value.exists


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [("html", AnswerMalformed), ("truncated", AnswerMalformed), ("malformed", Trouble), ("down", AgencyDown),
     ("error", AgencyDown), ("huge", AnswerMalformed), ("lying", AnswerAboutSomeoneElse)],
)  # fmt: skip
async def test_a_department_on_a_bad_day_costs_its_own_answer(
    fault: str, trouble: type[Trouble], ask: Ask, registered: Citizen, switch: Callable[..., Any]
) -> None:
    switch("POST", "faults", {"agency": "rd", "fault": fault, "operation": "Service"})

    answer = await ask(registered.pid)

    assert isinstance(answer, trouble)
    assert not isinstance(answer, NotThere), "a broken answer is no no"
    assert registered.pid not in str(answer)


NAMESPACES = (
    'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def _read(inner: str, *, before: str = "") -> rd.VatRegistration:
    body = (
        f'<?xml version="1.0" encoding="utf-8"?>{before}<soap:Envelope {NAMESPACES}><soap:Body><ServiceResponse>'
        f"<ServiceResult>{inner}</ServiceResult></ServiceResponse></soap:Body></soap:Envelope>"
    )
    reply = Reply(status=200, headers={"content-type": "text/xml"}, body=body.encode())
    told: rd.VatRegistration = rd.VAT.read(opened_soap(reply), Question(person_number=ME, given={}))
    return told


def _any(name: str, *values: str) -> str:
    inner = "".join(f'<anyType xsi:type="string">{value}</anyType>' for value in values)
    return f"<{name}>{inner}</{name}>"


def test_a_dash_is_nothing_and_the_first_branch_is_the_one() -> None:
    told = _read(
        _any("vNID", ME) + "<vtin />" + _any("vtitleName", "นาย") + _any("vName", "ก") + _any("vSurname", "-")
        + _any("vBranchNumber", "7", "8") + _any("vMooNumber", "-") + _any("vBusinessFirstDate", "2017/12/08")
    )  # fmt: skip

    assert (told.name, told.branch_number, told.since, told.address) == ("นาย ก", 7, date(2017, 12, 8), "")


@pytest.mark.parametrize(
    "inner",
    ["", "<vNID />", "<vNID /><vmsgerr />", _any("vmsgerr", "username หรือ password ไม่ถูกต้อง"),
     _any("vNID", ME) + _any("vBusinessFirstDate", "8 ธ.ค. 60"), _any("vNID", ME) + _any("vBranchNumber", "x")],
)  # fmt: skip
def test_what_is_neither_a_registration_nor_a_known_no_is_malformed(inner: str) -> None:
    with pytest.raises(AnswerMalformed):
        _read(inner)


def test_an_answer_with_a_document_type_is_not_read() -> None:
    with pytest.raises(AnswerMalformed):
        _read(_any("vNID", ME), before='<!DOCTYPE x [<!ENTITY a "aaaa">]>')


def test_another_number_is_about_someone_else() -> None:
    with pytest.raises(AnswerAboutSomeoneElse):
        _read(_any("vNID", "1000000000017"))
    with pytest.raises(AnswerAboutSomeoneElse):
        rd.TIN.read(Reading({"ID": ["1000000000017"], "IsExist": ["Yes"]}), Question(person_number=ME, given={}))


@pytest.mark.parametrize("answer", [{}, {"IsExist": []}, {"IsExist": ["Maybe"]}, {"IsExist": {"a": 1}}])
def test_a_check_that_says_neither_yes_nor_no_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(AnswerMalformed):
        rd.TIN.read(Reading(answer), Question(person_number=ME, given={}))
