"""The registers of juristic persons: the open API's codes, keys and WAF, and the directors behind GDX."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agencies import dbd
from agencies.answers import Found, Question
from agencies.dbd import DbdOpen, DbdProfile
from agencies.gdx import GdxTransport
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AgencyRefused, AnswerAboutSomeoneElse, AnswerMalformed, NotThere, Trouble
from foundation.clock import SystemClock
from foundation.errors import BadInput
from foundation.http import Http
from foundation.settings import Secret, Settings
from sandbox.companies import Company, companies_of, juristic_id
from sandbox.nation import Nation
from sandbox.world import Clock, World

OWNER = 9  # the sample citizen with a business
ME = "1000000000009"
COMPANY = "0005000000099"
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="module")
def company() -> Company:
    nation = Nation(day_zero=date(2026, 11, 21))
    world = World(nation, Clock(nation.day_zero))
    (found,) = companies_of(world, nation.citizen(OWNER))
    return found


@pytest.fixture
def ask(http: Http, settings: Settings) -> Ask:
    async def ask(number: str, *, deadline_s: float = 1.5) -> Any:
        client = DbdOpen(http, url=settings.dbd_open_url, deadline_s=deadline_s)
        try:
            (answer,) = await client.ask(ME, [dbd.JURISTIC(number)])
        except Trouble as trouble:
            return trouble
        return answer

    return ask


@pytest.fixture
def board(http: Http, settings: Settings) -> Ask:
    async def ask(number: str, secret: Secret = settings.gdx_consumer_secret) -> Any:
        gdx = GdxTransport(
            http, url=settings.gdx_url, consumer_key=settings.gdx_consumer_key, consumer_secret=secret,
            agent_id=settings.gdx_agent_id, clock=SystemClock(), deadline_s=1.5,
        )  # fmt: skip
        (answer,) = await DbdProfile(gdx, url=settings.dbd_profile_url).ask(ME, [dbd.DIRECTORS(number)])
        return answer

    return ask


async def test_a_company_is_read_out_of_the_open_register(ask: Ask, company: Company) -> None:
    told = (await ask(company.juristic_id)).value

    assert told.juristic_id == company.juristic_id
    assert (told.name.th, told.name.en) == (company.full_name.th, company.full_name.en)
    assert (told.form, told.form_name.th, told.status) == ("COMPANY", "บริษัทจำกัด", "ACTIVE")
    assert (told.registered_on, told.capital) == (company.registered_on, company.capital)
    assert (told.objective_code, told.objective.en) == (company.trade_code, company.trade.en)
    code = company.address.subdistrict_code
    assert [told.seat.province.code, told.seat.district.code, told.seat.subdistrict.code] == [code[:2], code[:4], code]
    assert told.seat.province.name.th == company.address.province.th
    assert company.address.house_no in told.seat.text


async def test_a_number_that_nobody_has_is_not_found(ask: Ask) -> None:
    assert isinstance(await ask(juristic_id(1, "5")), NotThere)


@pytest.mark.parametrize(
    "number", ["", "123", "1000000000009", "0005000000090", "000500000009x", "๐" * 13 + "1", None, 5]
)
def test_what_is_no_juristic_number_is_not_asked(number: Any) -> None:
    with pytest.raises(BadInput) as refused:
        dbd.JURISTIC(number)

    assert refused.value.facts["field"] == "juristicId"
    assert refused.value.message != refused.value.th


def test_a_juristic_number_may_be_written_in_any_way() -> None:
    assert dbd.JURISTIC("0-0050-00000-09-9").given == dbd.JURISTIC("๐๐๐๕๐๐๐๐๐๐๐๙๙").given


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [("html", AnswerMalformed), ("truncated", AnswerMalformed), ("malformed", AnswerMalformed), ("down", AgencyDown),
     ("duplicate_key", AnswerMalformed), ("wrong_type", AnswerMalformed), ("error", AgencyDown),
     ("lying", AnswerAboutSomeoneElse), ("huge", AnswerMalformed)],
)  # fmt: skip
async def test_a_register_on_a_bad_day_costs_its_own_answer(
    fault: str, trouble: type[Trouble], ask: Ask, switch: Callable[..., Any], company: Company
) -> None:
    switch("POST", "faults", {"agency": "dbd", "fault": fault, "operation": "juristic_person"})

    answer = await ask(company.juristic_id)

    assert isinstance(answer, trouble)
    assert company.juristic_id not in str(answer)


async def test_the_directors_are_listed_behind_the_gateway(board: Ask, company: Company) -> None:
    told = (await board(company.juristic_id)).value

    assert [one.name.th for one in told.directors] == [
        f"{one.title.th}{one.first_name.th} {one.last_name.th}" for one in company.directors
    ]
    assert told.authority


async def test_no_such_company_behind_the_gateway_is_a_404(board: Ask) -> None:
    assert isinstance(await board(juristic_id(1, "5")), NotThere)


async def test_a_profile_about_another_company_is_not_shown(
    board: Ask, company: Company, switch: Callable[..., Any]
) -> None:
    switch("POST", "faults", {"agency": "dbd", "fault": "lying", "operation": "committee"})

    assert isinstance(await board(company.juristic_id), AnswerAboutSomeoneElse)


async def test_without_the_right_secret_nobody_asks(board: Ask, company: Company) -> None:
    with pytest.raises(AgencyRefused):
        await board(company.juristic_id, Secret("wrong"))


PERSON = {
    "cd:OrganizationJuristicID": COMPANY, "cd:OrganizationJuristicNameTH": "บริษัท ทดสอบ จำกัด",
    "cd:OrganizationJuristicNameEN": None, "cd:OrganizationJuristicType": "บริษัทจำกัด",
    "cd:OrganizationJuristicRegisterDate": "20011001", "cd:OrganizationJuristicStatus": "ยังดำเนินกิจการอยู่",
    "cd:OrganizationJuristicRegisterCapital": "1000000.0",
}  # fmt: skip


def _read(**over: Any) -> dbd.JuristicPerson:
    answer = {"status": {"code": "1000"}, "data": [{"cd:OrganizationJuristicPerson": PERSON | over}]}
    told: dbd.JuristicPerson = dbd.JURISTIC.read(
        Reading(answer), Question(person_number=ME, given={"juristic_id": COMPANY})
    )
    return told


def test_what_may_be_missing_is_missing() -> None:
    told = _read()

    assert (told.name.en, told.capital, told.objective, told.seat) == (
        "บริษัท ทดสอบ จำกัด",
        Decimal(1_000_000),
        None,
        None,
    )
    assert told.registered_on == date(2001, 10, 1)


@pytest.mark.parametrize(
    ("words", "form"),
    [("บริษัทมหาชนจำกัด", "PUBLIC_COMPANY"), ("ห้างหุ้นส่วนจำกัด", "LIMITED_PARTNERSHIP"),
     ("ห้างหุ้นส่วนสามัญนิติบุคคล", "ORDINARY_PARTNERSHIP"), ("5", "COMPANY"), ("สมาคม", "OTHER")],
)  # fmt: skip
def test_the_form_is_read_from_its_words_or_its_number(words: str, form: str) -> None:
    told = _read(**{"cd:OrganizationJuristicType": words})

    assert (told.form, told.form_name.th) == (form, words)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("เลิก", "ENDED"),
        ("เสร็จการชำระบัญชี", "ENDED"),
        ("ร้าง", "ENDED"),
        ("พิทักษ์ทรัพย์เด็ดขาด", "OTHER"),
        ("คืนสู่ทะเบียน", "ACTIVE"),
    ],
)
def test_the_status_is_one_of_three(words: str, status: str) -> None:
    told = _read(**{"cd:OrganizationJuristicStatus": words})

    assert (told.status, told.status_name.th) == (status, words)


def test_of_several_objectives_the_first_is_told() -> None:
    several = [
        {"td:JuristicObjectiveCode": "56101", "td:JuristicObjectiveTextTH": "ก"},
        {"td:JuristicObjectiveCode": "1"},
    ]

    told = _read(**{"cd:OrganizationJuristicObjective": {"td:JuristicObjective": several}})

    assert (told.objective_code, told.objective and told.objective.en) == ("56101", "ก")


@pytest.mark.parametrize(
    "wrong",
    [{"cd:OrganizationJuristicRegisterDate": "20011301"}, {"cd:OrganizationJuristicRegisterCapital": "many"},
     {"cd:OrganizationJuristicNameTH": None}, {"cd:OrganizationJuristicAddress": "Bangkok"},
     {"cd:OrganizationJuristicAddress": {"cr:AddressType": {"cd:City": {"cr:CityCode": "x", "cr:CityTextTH": "ก"}}}}],
)  # fmt: skip
def test_what_can_not_be_read_is_malformed(wrong: dict[str, Any]) -> None:
    with pytest.raises(AnswerMalformed):
        _read(**wrong)


def test_found_is_about_the_company_that_was_asked_for() -> None:
    with pytest.raises(AnswerAboutSomeoneElse):
        _read(**{"cd:OrganizationJuristicID": juristic_id(8, "5")})
    assert isinstance(Found(value=_read()), Found)
