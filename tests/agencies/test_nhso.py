"""What the NHSO says about rights to care: 200 with nothing in it, WEL and UCS, several funds at once."""

from __future__ import annotations

from datetime import date

import pytest

from agencies import nhso
from agencies.answers import AnswerAboutSomeoneElse, AnswerMalformed, Found, NotThere, Question
from agencies.dialect import Reading

ME = "1000000000009"
QUESTION = Question(person_number=ME, given={"checked_on": "2026-11-21"})
FUND = {
    "fundType": "MAIN", "mainInscl": {"id": "WEL", "name": "บัตรทอง"}, "subInscl": {"id": "77", "name": "อายุ 60 ปีขึ้นไป"},
    "hospMain": {"hcode": "10001", "hname": "โรงพยาบาลทดสอบ"}, "hospSub": {}, "purchaseProvince": {"name": "น่าน"},
    "startDateTime": "2025-01-01T00:00:00", "expireDateTime": None,
}  # fmt: skip


@pytest.fixture
def ask(adapters, frozen):
    """Ask for the rights that a person holds on the sandbox's day."""
    client = adapters(clock=frozen)[2]

    async def ask(pid):
        (answer,) = await client.ask(pid, [nhso.RIGHTS])
        return answer

    return ask


@pytest.mark.parametrize("number", range(1, 14))
async def test_each_sample_citizen_holds_the_rights_that_their_record_says(ask, nation, number):
    citizen = nation.citizen(number)
    today = nation.day_zero
    held = [one for one in citizen.health if one.since <= today and (one.until is None or today <= one.until)]

    rights = (await ask(citizen.pid)).value

    schemes = {"uc": "UCS", "sso": "SSS", "csmbs": "OFC", "lao": "LGO", "other": "STP"}
    assert [fund.scheme for fund in rights.funds] == [schemes[one.right] for one in held]
    for fund, one in zip(rights.funds, held, strict=True):
        assert (fund.main_unit and fund.main_unit.code) == (one.main_unit and one.main_unit.code)
    assert rights.main.sub_code == held[0].sub_right_code
    assert rights.main.since == held[0].since
    assert rights.checked_on == date(2026, 11, 21)


async def test_nobody_of_that_number_is_a_200_with_nothing_in_it(ask):
    assert isinstance(await ask("9999999999999"), NotThere)


async def test_the_right_is_asked_for_the_legal_day(ask, pid_of, frozen):
    now = (await ask(pid_of(4))).value.main
    frozen.moment = frozen.moment.replace(year=now.until.year + 1)
    later = (await ask(pid_of(4))).value.main
    frozen.moment = frozen.moment.replace(year=1950)

    assert (now.scheme, later.scheme) == ("SSS", "UCS")  # covered for a while after the job, then universally
    assert isinstance(await ask(pid_of(4)), NotThere)


def read(**answer):
    return nhso.RIGHTS.read(Reading(answer), QUESTION)


def test_wel_is_folded_into_universal_coverage_and_its_own_code_kept():
    (fund,) = read(pid=ME, funds=[FUND]).funds

    assert (fund.scheme, fund.scheme_code, fund.scheme_name.th) == ("UCS", "WEL", "บัตรทอง")
    assert (fund.main_unit.name.th, fund.sub_unit, fund.primary_unit) == ("โรงพยาบาลทดสอบ", None, None)
    assert (fund.since, fund.until, fund.province.th) == (date(2025, 1, 1), None, "น่าน")


def test_a_person_may_hold_several_rights_and_the_main_one_comes_first():
    rights = read(pid=ME, funds=[FUND | {"fundType": "SECONDARY", "mainInscl": {"id": "OFC", "name": "x"}}, FUND])

    assert [fund.scheme for fund in rights.funds] == ["UCS", "OFC"]
    assert rights.main is rights.funds[0]


def test_a_scheme_that_we_do_not_know_is_another():
    (fund,) = read(pid=ME, funds=[FUND | {"mainInscl": {"id": "NEW", "name": "สิทธิใหม่"}}]).funds

    assert (fund.scheme, fund.scheme_code) == ("OTHER", "NEW")


@pytest.mark.parametrize("answer", [{"funds": [], "sex": {}}, {"pid": ME, "funds": []}, {"pid": ME, "funds": None}])
def test_empty_funds_are_no_right(answer):
    with pytest.raises(NotThere):
        read(**answer)


@pytest.mark.parametrize("answer", [{"pid": "1000000000017", "funds": [FUND]}, {"funds": [FUND]}])
def test_funds_of_another_or_of_nobody_are_about_someone_else(answer):
    with pytest.raises(AnswerAboutSomeoneElse):
        read(**answer)


@pytest.mark.parametrize(
    "wrong", [{"mainInscl": {}}, {"mainInscl": "UCS"}, {"startDateTime": "01/01/2568"}, {"hospMain": {"hcode": "1"}}]
)
def test_a_fund_without_what_it_must_have_is_malformed(wrong):
    with pytest.raises(AnswerMalformed):
        read(pid=ME, funds=[FUND | wrong])


def test_found_says_nothing_of_the_number():
    assert ME not in repr(Found(value=read(pid=ME, funds=[FUND])))
    assert ME not in repr(QUESTION)
