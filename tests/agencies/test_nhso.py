"""What the NHSO says about rights to care: 200 with nothing in it, WEL and UCS, several funds at once."""

from __future__ import annotations

from datetime import date

import pytest

from agencies import nhso
from agencies.answers import Found, Question
from agencies.nhso import OldNhso
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AgencyRefused, AnswerAboutSomeoneElse, AnswerMalformed, NotThere
from foundation.dates import PartialDate
from foundation.settings import Secret

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
    client = next(one for one in adapters(clock=frozen) if one.code == "nhso")

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


# The birth, which the civil register may have otherwise


async def test_the_office_has_a_birth_of_its_own_and_may_disagree(ask, nation, switch):
    citizen = nation.citizen(4)
    born = citizen.birth.earliest()
    right = (await ask(citizen.pid)).value
    switch("POST", "faults", {"agency": "nhso", "fault": "disagreeing"})

    wrong = (await ask(citizen.pid)).value

    assert nhso.RIGHTS.facts["person.birth_date"](right) == PartialDate(born)
    assert wrong.birth == PartialDate(born.replace(year=born.year - 1))
    assert wrong.funds == right.funds


@pytest.mark.parametrize(
    ("told", "birth"),
    [
        ({"birthDateNew": {"year": 2507, "month": 2, "day": 0}}, PartialDate(date(1964, 2, 1), "MONTH")),
        ({"birthDateNew": {"year": "2507", "month": 0, "day": 0}}, PartialDate(date(1964, 1, 1), "YEAR")),
        ({"birthDate": "25070229"}, PartialDate(date(1964, 2, 29))), ({"birthDate": 25070000}, PartialDate(date(1964, 1, 1), "YEAR")),
        ({"birthDateNew": {"year": 0, "month": 0, "day": 0}, "birthDate": ""}, None), ({"birthDate": "00000000"}, None),
        ({"birthDateNew": None}, None), ({}, None),
    ],
)  # fmt: skip
def test_a_birth_is_read_as_far_as_it_is_known(told, birth):
    assert read(pid=ME, funds=[FUND], **told).birth == birth


@pytest.mark.parametrize(
    "told", [{"birthDateNew": {"year": 2507, "month": 13}}, {"birthDateNew": {"year": 1964}}, {"birthDate": "x"}]
)
def test_a_birth_that_is_none_is_malformed(told):
    with pytest.raises(AnswerMalformed):
        read(pid=ME, funds=[FUND], **told)


def test_what_was_said_is_read_again_without_the_question():
    """An answer that was kept knows for which day it was given."""
    kept = Reading({"pid": ME, "funds": [FUND], "checkDate": "2026-11-20T00:00:00"})

    assert nhso.RIGHTS.read(kept, Question(person_number=ME, given={})).checked_on == date(2026, 11, 20)


def test_facts_are_in_the_catalogues_words():
    universal = read(pid=ME, funds=[FUND | {"hospMainOp": {"hcode": "01234", "hname": "รพ.สต."}}])
    insured = read(pid=ME, funds=[FUND | {"mainInscl": {"id": "SSS", "name": "ประกันสังคม"}}])

    facts = nhso.RIGHTS.facts
    assert (facts["health.right"](universal), facts["health.uc_unit_id"](universal)) == ("uc", "01234")
    assert (facts["health.right"](insured), facts["health.uc_unit_id"](insured)) == ("sso", None)
    assert facts["health.uc_unit_id"](read(pid=ME, funds=[FUND])) == "10001"


# The older search


@pytest.fixture
def old(http, settings, frozen):
    return OldNhso(
        http, url=settings.nhso_v1_url, token_url=settings.nhso_v1_token_url,
        refresh_token=settings.nhso_v1_refresh_token, clock=frozen, deadline_s=2,
    )  # fmt: skip


@pytest.mark.parametrize("number", range(1, 14))
async def test_the_older_search_says_the_same_of_the_main_right(old, ask, pid_of, number):
    (found,) = await old.ask(pid_of(number), [nhso.RIGHTS])

    told, rights = found.value, (await ask(pid_of(number))).value
    assert told.main == rights.main
    assert (told.checked_on, told.birth) == (rights.checked_on, rights.birth)
    kept = nhso.RIGHTS.read(Reading(found.said), Question(person_number=pid_of(number), given={}))
    assert kept == told


async def test_a_token_that_ended_is_renewed_once(old, pid_of, spy, switch):
    renewed = spy("nhso", "access-token")
    await old.ask(pid_of(4), [nhso.RIGHTS])
    switch("DELETE", "tokens?agency=nhso")

    (answer,) = await old.ask(pid_of(4), [nhso.RIGHTS])

    assert isinstance(answer, Found)
    assert renewed() == 2


async def test_a_refresh_token_that_is_not_taken_is_a_refusal(http, settings, frozen, pid_of):
    client = OldNhso(
        http, url=settings.nhso_v1_url, token_url=settings.nhso_v1_token_url, refresh_token=Secret("old"), clock=frozen,
        deadline_s=2,
    )  # fmt: skip

    with pytest.raises(AgencyRefused):
        await client.ask(pid_of(4), [nhso.RIGHTS])


async def test_the_older_search_knows_nobody_of_that_number_and_lies_in_vain(old, pid_of, switch):
    (nobody,) = await old.ask("9999999999999", [nhso.RIGHTS])
    switch("POST", "faults", {"agency": "nhso", "fault": "lying", "operation": "right-search-v1"})
    (other,) = await old.ask(pid_of(4), [nhso.RIGHTS])

    assert (type(nobody), type(other)) == (NotThere, AnswerAboutSomeoneElse)


@pytest.mark.parametrize(
    ("fault", "trouble"), [({"fault": "wrong_type"}, AnswerMalformed), ({"fault": "error", "status": 503}, AgencyDown)]
)
async def test_the_older_search_out_of_order_is_trouble(old, pid_of, switch, fault, trouble):
    switch("POST", "faults", {"agency": "nhso", "operation": "right-search-v1", **fault})

    with pytest.raises(trouble):
        await old.ask(pid_of(4), [nhso.RIGHTS])
