"""What the Social Security Office says, in commas, Buddhist years and misspelt keys."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from agencies import sso
from agencies.answers import SAID, Found, Question
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AgencyRefused, AnswerAboutSomeoneElse, AnswerMalformed, NotThere
from foundation.errors import BadInput
from sandbox.employments import employments

ME = "1000000000009"
QUESTION = Question(person_number=ME, given={"year": "2569", "hospitalCode1": "10001"})
PERSON = {
    "ssoNum": ME, "activeStatus": "A", "activeStatusDesc": "ผู้ประกันตน", "insuredStartDate": "01/02/2560",
    "insuredEndDate": "", "ssoBranchDesc": "กรุงเทพมหานครพื้นที่ 1",
}  # fmt: skip
PLACE = {
    "hospitalCode": "10001", "hospitalName": "โรงพยาบาลทดสอบ", "mselStartDate": "01/01/2569",
    "mselExpireDate": "จนสิ้นสุดความเป็นผู้ประกันตน",
}  # fmt: skip
RECEIPT = {
    "code": "WS000", "txnNo": "25690000001", "txnStatus": "A", "txnStatusDesc": "อนุมัติแล้ว", "hospitalCode": "10001",
    "hospitalName": "โรงพยาบาลทดสอบ", "txnDate": "21/11/2569", "effectiveDate": "01/12/2569",
}  # fmt: skip


@pytest.fixture
def client(adapters):
    return next(one for one in adapters() if one.code == "sso")


@pytest.fixture
def ask(client):
    async def ask(pid, operation):
        (answer,) = await client.ask(pid, [operation])
        return answer

    return ask


@pytest.mark.parametrize("number", range(1, 14))
async def test_each_sample_citizen_is_insured_as_their_record_says(ask, nation, number):
    citizen = nation.citizen(number)
    insurance = citizen.insurance

    answer = await ask(citizen.pid, sso.INSURED)

    if insurance.since is None:
        assert isinstance(answer, NotThere)
        return
    insured = answer.value
    section = "38" if insurance.ended else insurance.section[:2].replace("no", "NONE")
    assert insured.section == section
    assert insured.section_choice == (int(insurance.section[-1]) if section == "40" else None)
    assert (insured.since, insured.branch.th) == (insurance.since, insurance.branch.th)
    assert insured.ended_on == insurance.ended
    if section in ("33", "38", "39"):
        assert insured.hospital.code == insurance.hospital.code
        assert insured.hospital_since == insurance.hospital_since
        assert insured.hospital_until == insurance.hospital_until
    # The nightly refresh of the 21st, in Bangkok; before it has come, that of the 20th.
    assert answer.as_of in (datetime(2026, 11, 20, 17, tzinfo=UTC), datetime(2026, 11, 19, 17, tzinfo=UTC))


@pytest.mark.parametrize("number", [1, 4, 5, 7, 11])
async def test_contributions_of_a_year_are_what_was_paid(ask, nation, number):
    citizen = nation.citizen(number)
    paid = [one for one in nation.contributions(number) if one.month.year == 2026 and one.paid_on <= nation.day_zero]

    contributions = (await ask(citizen.pid, sso.CONTRIBUTIONS(2026))).value

    assert contributions.year == 2026
    assert [(one.month, one.paid_on) for one in contributions.months] == [(one.month, one.paid_on) for one in paid]
    assert contributions.total == sum(one.employee for one in paid)
    assert {one.rate_percent for one in contributions.months} == {one.rate_percent for one in paid}


@pytest.mark.parametrize("number", [8, 9, 13])
async def test_section_40_has_operations_of_its_own(ask, nation, number):
    citizen = nation.citizen(number)
    paid = [one for one in nation.contributions(number) if one.month.year == 2026 and one.paid_on <= nation.day_zero]

    contributions = (await ask(citizen.pid, sso.VOLUNTARY_CONTRIBUTIONS(2026))).value
    old_age = (await ask(citizen.pid, sso.VOLUNTARY_OLD_AGE)).value
    claims = (await ask(citizen.pid, sso.VOLUNTARY_CLAIMS(2026))).value

    assert [one.amount for one in contributions.months] == [one.employee for one in paid]
    assert old_age.total == sum((one.total for one in old_age.years), Decimal())
    assert claims.year == 2026


@pytest.mark.parametrize("number", [1, 4, 5, 7, 11])
async def test_what_is_saved_for_old_age_adds_up(ask, nation, number):
    saved = (await ask(nation.citizen(number).pid, sso.OLD_AGE)).value

    assert saved.total == saved.employee + saved.employer + saved.government
    assert saved.employee == sum(year.employee for year in saved.years)
    assert all(1990 < year.year <= 2026 for year in saved.years)


async def test_claims_carry_what_was_asked_and_paid(ask, nation):
    for number in range(1, 2000):
        claims = [one for one in nation.claims(number) if one.requested_on <= nation.day_zero]
        if claims and nation.citizen(number).insurance.section in ("33", "39") and nation.citizen(number).alive:
            break
    wanted = claims[0]

    year = (await ask(nation.citizen(number).pid, sso.CLAIMS(wanted.requested_on.year))).value

    told = next(one for one in year.claims if one.requested_on == wanted.requested_on)
    assert (told.benefit.th, told.amount, told.status_name.th) == (
        wanted.benefit.th, wanted.amount, wanted.status.th,
    )  # fmt: skip


async def test_a_hospital_is_chosen_among_those_offered_and_the_choice_is_on_record(ask, pid_of, switch):
    pid = pid_of(7)
    switch("POST", "clock", {"today": "2026-12-20"})  # within the yearly season
    choices = (await ask(pid, sso.HOSPITALS)).value
    other = next(one for one in choices.hospitals if one.code != choices.current.code)
    wish = sso.CHANGE_HOSPITAL(hospital_code=other.code, mobile="0800000000", reason="1")

    change = (await ask(pid, wish)).value
    again = (await ask(pid, wish)).value
    listed = (await ask(pid, sso.TRANSACTIONS(2026))).value

    assert choices.may_change
    assert (change.state, change.hospital.code, change.previous.code) == ("APPROVED", other.code, choices.current.code)
    assert change.effective_on == choices.effective_on
    assert again.number == change.number
    assert change in listed


async def test_what_the_offices_rules_refuse_is_a_value_with_their_words(ask, pid_of):
    pid = pid_of(5)
    choices = (await ask(pid, sso.HOSPITALS)).value
    other = next(one for one in choices.hospitals if one.code != choices.current.code)

    out_of_season = (await ask(pid, sso.CHANGE_HOSPITAL(other.code, "0800000000", "1"))).value
    unknown = (await ask(pid, sso.CHANGE_HOSPITAL("99999", "0800000000", "4"))).value
    uninsured = (await ask(pid_of(9), sso.CHANGE_HOSPITAL(other.code, "0800000000", "4"))).value

    assert [one.state for one in (out_of_season, unknown, uninsured)] == ["REFUSED"] * 3
    assert "ช่วงเวลา" in out_of_season.message.th


async def test_a_change_is_never_sent_twice_and_its_end_may_be_unknown(asking, switch, pid_of):
    one = await asking(5)
    await one.ask(sso.INSURED)
    switch("POST", "faults", {"agency": "sso", "fault": "reset", "operation": "saveSelectHospital"})

    answer = await one.ask(sso.CHANGE_HOSPITAL, hospital_code="10001", mobile="0800000000", reason="4")

    assert (answer.state, answer.problem.code) == ("UNAVAILABLE", "OUTCOME_UNKNOWN")
    assert switch("GET", "faults")["faults"][0]["hits"] == 1


async def test_after_a_change_the_agency_is_asked_anew(asking, spy):
    hits = spy("sso", "getPersonInfo")
    one = await asking(5)

    await one.ask(sso.INSURED)
    await one.ask(sso.CHANGE_HOSPITAL, hospital_code="99999", mobile="0800000000", reason="4")
    await one.ask(sso.INSURED)

    assert hits() == 2


async def test_a_token_is_refreshed_and_where_that_fails_the_password_is_shown_again(
    adapters, frozen, switch, pid_of, spy
):
    client, pid = next(one for one in adapters(clock=frozen) if one.code == "sso"), pid_of(5)
    tokens = spy("sso", "token")
    await client.ask(pid, [sso.INSURED])

    frozen.moment = frozen.moment.replace(minute=10)
    assert isinstance((await client.ask(pid, [sso.INSURED]))[0], Found)
    assert tokens() == 2  # by the refresh token

    switch("DELETE", "tokens?agency=sso")
    answers = await asyncio.gather(*(client.ask(pid, [sso.INSURED]) for _ in range(5)))
    assert {type(one) for (one,) in answers} == {Found}
    assert tokens() == 4  # the refresh token was refused, the password taken; once for all five


@pytest.mark.parametrize("operation", ["token", "getPersonInfo"])
@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_not_let_in_is_refused(asking, switch, operation, status):
    switch("POST", "faults", {"agency": "sso", "fault": "error", "operation": operation, "status": status})

    answer = await (await asking(5)).ask(sso.INSURED)

    assert (answer.state, answer.problem.code) == ("NOT_ALLOWED", "AGENCY_REFUSED")


@pytest.mark.parametrize("year", [1989, 2569, 2201, "2026", 2026.0, True, None])
def test_a_year_is_a_common_year(year):
    with pytest.raises(BadInput):
        sso.CONTRIBUTIONS(year)


@pytest.mark.parametrize("code", ["", "x" * 201, "1\n2", None, 10001])
def test_an_argument_is_a_short_plain_text(code):
    with pytest.raises(BadInput):
        sso.CHANGE_HOSPITAL(hospital_code=code, mobile="0800000000", reason="1")


# What the readers make of an answer, without an agency


@pytest.mark.parametrize(
    ("status", "told", "section", "choice"),
    [
        ("A", "", "33", None), ("T", "", "38", None), ("V", "", "39", None), ("R", "ลาออก", "NONE", None),
        ("F", "มาตรา 40 ทางเลือกที่ 2", "40", 2), ("F", "มาตรา 40", "40", None),
    ],
)  # fmt: skip
def test_a_status_letter_is_a_section(status, told, section, choice):
    insured = sso.INSURED.read(
        Reading({"person": PERSON | {"activeStatus": status, "activeStatusDesc": told}}), QUESTION
    )

    assert (insured.section, insured.section_choice) == (section, choice)
    assert insured.hospital is insured.ended_on is None
    assert insured.status_name.th
    assert insured.since == date(2017, 2, 1)


def test_a_phrase_in_the_place_of_a_date_is_no_date():
    insured = sso.INSURED.read(Reading({"person": PERSON, "personS33Info": PLACE}), QUESTION)
    until = sso.INSURED.read(
        Reading({"person": PERSON, "personS33Info": PLACE | {"mselExpireDate": "31/12/2569"}}), QUESTION
    )

    assert (insured.hospital.code, insured.hospital_since, insured.hospital_until) == ("10001", date(2026, 1, 1), None)
    assert until.hospital_until == date(2026, 12, 31)


@pytest.mark.parametrize(
    "wrong", [{"activeStatus": "X"}, {"insuredStartDate": "2560-02-01"}, {"ssoNum": ""}, {"activeStatus": 3.5}]
)
def test_a_person_that_can_not_be_read_is_malformed(wrong):
    with pytest.raises(AnswerMalformed):
        sso.INSURED.read(Reading({"person": PERSON | wrong}), QUESTION)


def test_another_number_is_about_someone_else():
    with pytest.raises(AnswerAboutSomeoneElse):
        sso.INSURED.read(Reading({"person": PERSON | {"ssoNum": "1000000000017"}}), QUESTION)


def test_government_is_understood_however_it_is_spelt():
    for key in ("govermentPaid", "governmentPaid", "GovermentPaid"):
        total = f"total{key[0].upper()}{key[1:]}"
        year = {
            "year": "2568",
            "employeePaid": "1,080.00",
            "employerPaid": "2,160.00",
            key: "360.00",
            "totalPaid": 3600,
        }
        answer = {"totalEmployeePaid": "1,080.00", "totalEmployerPaid": "2,160.00", total: "360.00", "totalPaid": 3600}

        saved = sso.OLD_AGE.read(Reading(answer | {"details": [year]}), QUESTION)

        assert (saved.government, saved.years[0].government, saved.years[0].year) == (360, 360, 2025)


@pytest.mark.parametrize("period", ["256413", "2564", "06/2564", "199906", ""])
def test_a_period_that_is_no_month_is_malformed(period):
    month = {"payPeriod": period, "payDate": "08/07/2564", "cntrRate": "2.50", "cntrAmount": "271.00"}
    with pytest.raises(AnswerMalformed):
        sso.CONTRIBUTIONS.read(Reading({"detail": [month]}), QUESTION)


def test_months_are_put_in_order():
    months = [
        {"payPeriod": f"25640{month}", "payDate": "08/07/2564", "cntrRate": "2.50", "cntrAmount": "271.00"}
        for month in (6, 5)
    ]
    paid = sso.CONTRIBUTIONS.read(Reading({"detail": months}), QUESTION)

    assert [one.month for one in paid.months] == [date(2021, 5, 1), date(2021, 6, 1)]
    assert paid.total == 542


def test_a_receipt_for_another_hospital_is_not_taken():
    assert sso.CHANGE_HOSPITAL.read(Reading(RECEIPT), QUESTION).state == "APPROVED"
    with pytest.raises(AnswerAboutSomeoneElse):
        sso.CHANGE_HOSPITAL.read(Reading(RECEIPT | {"hospitalCode": "10002"}), QUESTION)


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ({"code": "WS006"}, NotThere), ({"code": "WS500"}, AgencyDown), ({"code": "WS001"}, AgencyRefused),
        ({"code": "WS003"}, AnswerMalformed), ({"code": "WS999"}, AgencyDown), ({"code": 7}, AnswerMalformed), ({"code": "WS000"}, AnswerMalformed),
    ],
)  # fmt: skip
def test_the_outcome_is_in_the_code_whatever_the_status(body, trouble):
    assert type(sso.heard(sso.INSURED, Reading(body), QUESTION)) is trouble


# Taking a wish back


async def test_a_change_that_does_not_hold_yet_is_taken_back(ask, pid_of):
    pid = pid_of(7)
    choices = (await ask(pid, sso.HOSPITALS)).value
    other = next(one for one in choices.hospitals if one != choices.current)
    wish = sso.CHANGE_HOSPITAL(hospital_code=other.code, mobile="0812345678", reason="2")
    made = (await ask(pid, wish)).value

    first = (await ask(pid, sso.CANCEL_CHANGE(made.number))).value
    again = (await ask(pid, sso.CANCEL_CHANGE(made.number))).value

    assert (first.state, first.number, first.hospital.code) == ("CANCELLED", made.number, other.code)
    assert again == first
    assert (await ask(pid, sso.HOSPITALS)).value.current.code == choices.current.code


async def test_nobodys_change_is_refused_in_the_offices_words(ask, pid_of):
    told = (await ask(pid_of(7), sso.CANCEL_CHANGE("25690000099"))).value

    assert (told.state, told.number, bool(told.message)) == ("REFUSED", None, True)


def test_a_receipt_for_another_change_is_not_taken():
    question = Question(person_number=ME, given={"txnNo": "25690000002"})
    with pytest.raises(AnswerAboutSomeoneElse):
        sso.CANCEL_CHANGE.read(Reading(RECEIPT), question)


# Where somebody worked, by SOAP


async def test_jobs_are_told_with_their_days(ask, nation):
    seen = set()
    for number in (*range(1, 14), *range(200, 280)):
        citizen = nation.citizen(number)
        jobs = [one for one in employments(citizen) if one.since <= nation.day_zero]
        answer = await ask(citizen.pid, sso.EMPLOYMENTS)
        seen.add(len(jobs))
        if not jobs:
            assert isinstance(answer, NotThere)
            continue
        known = [
            (one.account, one.since, one.until if one.until and one.until <= nation.day_zero else None) for one in jobs
        ]
        assert [(one.account, one.since, one.ended_on) for one in reversed(answer.value)] == known
    assert {0, 1, 2} <= seen


async def test_facts_about_work_and_insurance_are_in_the_catalogues_words(ask, nation):
    mana, chusi, phimchai = nation.citizen(4), nation.citizen(9), nation.citizen(1)
    jobs, insured = (await ask(mana.pid, sso.EMPLOYMENTS)).value, (await ask(mana.pid, sso.INSURED)).value
    works = (await ask(phimchai.pid, sso.EMPLOYMENTS)).value
    alone = (await ask(chusi.pid, sso.INSURED)).value

    assert {path: take(jobs) for path, take in sso.EMPLOYMENTS.facts.items()} == {
        "employment.start_date": mana.insurance.since, "employment.end_date": mana.insurance.ended,
        "sso.section33_end_date": mana.insurance.ended,
    }  # fmt: skip
    assert {path: take(insured) for path, take in sso.INSURED.facts.items()} == {
        "sso.section": "none", "sso.insured_status_ended": True, "sso.insured_status_ended_date": mana.insurance.ended,
        "sso.hospital_id": mana.insurance.hospital.code,
    }  # fmt: skip
    assert sso.EMPLOYMENTS.facts["employment.end_date"](works) is None
    assert sso.INSURED.facts["sso.section"](alone) == "40_2"
    assert sso.INSURED.when_absent["sso.section"] == "none"


async def test_employments_of_another_or_under_a_token_that_is_gone(ask, nation, switch, spy):
    pid = nation.citizen(1).pid
    await ask(pid, sso.EMPLOYMENTS)
    switch("DELETE", "tokens?agency=sso")
    assert isinstance(await ask(pid, sso.EMPLOYMENTS), Found)

    switch("POST", "faults", {"agency": "sso", "fault": "lying", "operation": "getServ38"})
    assert isinstance(await ask(pid, sso.EMPLOYMENTS), AnswerAboutSomeoneElse)


@pytest.mark.parametrize("operation", [sso.INSURED, sso.EMPLOYMENTS, sso.OLD_AGE], ids=lambda one: one.name)
async def test_the_nightly_refresh_is_told_apart_from_an_outage(ask, pid_of, switch, operation):
    switch("POST", "faults", {"agency": "sso", "fault": "refreshing"})

    answer = await ask(pid_of(1), operation)

    assert (type(answer), answer.code) == (AgencyDown, "AGENCY_REFRESHING")
    assert answer.retry_after_s > 60
    assert answer.code in SAID


@pytest.mark.parametrize("fault", ["duplicate_key", "wrong_type", "truncated", "html", "huge"])
async def test_a_soap_answer_that_can_not_be_read_is_malformed(client, pid_of, switch, fault):
    switch("POST", "faults", {"agency": "sso", "fault": fault, "operation": "getServ38"})

    with pytest.raises(AnswerMalformed):
        await client.ask(pid_of(4), [sso.EMPLOYMENTS])
