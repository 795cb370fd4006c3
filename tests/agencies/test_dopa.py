"""What DOPA says about the sample citizens, and what becomes of answers that are not as they should be."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date

import pytest

from agencies import dopa
from agencies.answers import AnswerAboutSomeoneElse, AnswerMalformed, Found, NotThere, Question
from agencies.dialect import Reading
from foundation.dates import PartialDate
from foundation.language import Text
from sandbox.world import full_name

ME = "1000000000009"
QUESTION = Question(person_number=ME, given={})
ADDRESS = {
    "houseID": 10010001234, "houseNo": "99/9", "villageNo": 0, "alleyDesc": "", "roadDesc": "พหลโยธิน",
    "subdistrictCode": 5, "subdistrictDesc": "ลาดยาว", "subdistrictEnglishDesc": "Lat Yao", "districtCode": 4,
    "districtDesc": "จตุจักร", "provinceCode": 10, "provinceDesc": "กรุงเทพมหานคร",
}  # fmt: skip
SOMEBODY = {
    "pid": int(ME), "titleDesc": "นาย", "firstName": "ทดสอบ", "lastName": "ระบบ", "fullnameAndRank": "นายทดสอบ ระบบ",
    "genderCode": 1, "dateOfBirth": 25360719, "nationalityCode": 99, "nationalityDesc": "ไทย",
    "ownerStatusDesc": "ผู้อาศัย", "statusOfPersonCode": 0, "statusOfPersonDesc": "มีภูมิลำเนา",
}  # fmt: skip


@pytest.fixture
def ask(adapters):
    """Ask DOPA about sample citizen N."""
    client = adapters()[0]

    async def ask(pid, *operations):
        return await client.ask(pid, operations)

    return ask


@pytest.mark.parametrize("number", range(1, 14))
async def test_each_sample_citizen_is_read_as_the_register_holds_them(ask, nation, number):
    citizen = nation.citizen(number)

    profile, house, family = (one.value for one in await ask(citizen.pid, dopa.PERSON, dopa.HOUSE, dopa.FAMILY))

    assert profile.full_name == Text(th=full_name(citizen), en=full_name(citizen, "en"))
    assert (profile.first_name, profile.last_name.th) == (Text(**asdict(citizen.first_name)), citizen.last_name.th)
    assert profile.sex == citizen.sex.upper()
    assert profile.birth == PartialDate(citizen.birth.earliest())
    assert profile.nationality == citizen.nationality.upper()
    assert (profile.is_alive, profile.is_householder) == (citizen.alive, citizen.is_householder)
    assert profile.moved_in == citizen.moved_in
    code = citizen.address.subdistrict_code
    places = (house.address.subdistrict, house.address.district, house.address.province)
    assert [place.code for place in places] == [code, code[:4], code[:2]]
    assert house.address.province.name == Text(**asdict(citizen.address.province))
    assert (house.address.house_id, house.address.house_no) == (citizen.address.house_id, citizen.address.house_no)
    assert str(house.address.village_no or "") == citizen.address.village_no
    assert sum(member.is_householder for member in house.members) == 1
    me = next(member for member in house.members if member.person.person_number == citizen.pid)
    assert (me.is_householder, me.person.birth) == (profile.is_householder, profile.birth)
    assert family.marital_status == citizen.marital_status.upper()
    assert [child.person_number for child in family.children] == [nation.citizen(n).pid for n in citizen.children]
    assert (family.spouse is None) == (citizen.spouse is None)


async def test_an_identity_card_has_a_status_and_its_days(ask, nation):
    seen = set()
    for number in (*range(1, 14), *range(200, 260)):
        citizen = nation.citizen(number)
        (card,) = await ask(citizen.pid, dopa.ID_CARD)
        seen.add(citizen.id_card)
        if citizen.id_card == "never":
            assert isinstance(card, NotThere)
            continue
        assert card.value.status == ("VALID" if citizen.id_card == "lifetime" else citizen.id_card.upper())
        assert card.value.is_for_life == (citizen.id_card == "lifetime")
        assert card.value.expires_on == (None if card.value.is_for_life else citizen.id_card_expires)

    assert {"valid", "never"} <= seen


async def test_a_birth_of_which_only_a_part_is_known_keeps_how_much(ask, nation):
    partly = (one for one in map(nation.citizen, range(200, 30_000)) if one.birth.day is None and one.birth.year > 1940)
    elders = [next(partly) for _ in range(10)]

    for elder in elders:
        (profile,) = await ask(elder.pid, dopa.PERSON)

        precision = "YEAR" if elder.birth.month is None else "MONTH"
        assert profile.value.birth == PartialDate(elder.birth.earliest(), precision)


async def test_nobody_of_that_number_is_not_there(ask):
    answers = await ask("9999999999999", dopa.PERSON, dopa.HOUSE)

    assert [type(one) for one in answers] == [NotThere, NotThere]


async def test_a_session_that_runs_out_is_renewed_and_one_that_is_refused_begun_anew(
    adapters, switch, frozen, spy, pid_of
):
    client, pid = adapters(clock=frozen)[0], pid_of(5)
    renewed, confirmed = spy("dopa", "renew"), spy("dopa", "confirm")
    await client.ask(pid, [dopa.PERSON])

    frozen.moment = frozen.moment.replace(minute=26)
    (answer,) = await client.ask(pid, [dopa.PERSON])
    assert isinstance(answer, Found)
    assert (renewed(), confirmed()) == (1, 1)

    switch("DELETE", "tokens?agency=dopa")
    answers = await asyncio.gather(*(client.ask(pid, [dopa.PERSON]) for _ in range(5)))
    assert {type(one) for (one,) in answers} == {Found}
    assert (renewed(), confirmed()) == (1, 2)


# What the readers make of an answer, without an agency


def test_a_person_is_read_from_numbers_and_misspelt_cases_alike():
    answer = {name.upper(): value for name, value in SOMEBODY.items()} | {"PID": ME, "dateOfBirth": "25360700"}

    profile = dopa.PERSON.read(Reading(answer), QUESTION)

    assert profile.birth == PartialDate(date(1993, 7, 1), "MONTH")
    assert profile.first_name == Text(th="ทดสอบ", en="ทดสอบ")
    assert ME not in repr(profile)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pid": None}, {"pid": "x"}, {"firstName": ""}, {"dateOfBirth": 25361332}, {"dateOfBirth": 24830115},
        {"statusOfPersonCode": "x"}, {"nationalityCode": None}, {"dateOfMoveIn": 25360700}, {"titleDesc": 1.5},
    ],
)  # fmt: skip
def test_a_person_without_what_a_person_must_have_is_malformed(wrong):
    with pytest.raises(AnswerMalformed):
        dopa.PERSON.read(Reading(SOMEBODY | wrong), QUESTION)


def test_a_status_that_we_do_not_know_is_neither_alive_nor_dead():
    profile = dopa.PERSON.read(Reading(SOMEBODY | {"statusOfPersonCode": 13}), QUESTION)

    assert profile.is_alive is None


@pytest.mark.parametrize("operation", [dopa.PERSON, dopa.FAMILY, dopa.ID_CARD], ids=lambda one: one.name)
def test_another_number_is_about_someone_else(operation):
    with pytest.raises(AnswerAboutSomeoneElse):
        operation.read(Reading(SOMEBODY | {"pid": 1000000000017}), QUESTION)


def test_a_house_without_the_person_is_about_someone_else():
    other = SOMEBODY | {"pid": 1000000000017, "relation": "เจ้าบ้าน"}
    for members in ([other], []):
        with pytest.raises(AnswerAboutSomeoneElse):
            dopa.HOUSE.read(Reading(ADDRESS | {"members": members}), QUESTION)


def test_address_codes_come_alone_or_put_together_and_leave_as_two_four_and_six_digits():
    me = SOMEBODY | {"relation": "ผู้ดูแลบ้าน"}
    for codes in ({}, {"districtCode": 1004, "subdistrictCode": 100405}):
        house = dopa.HOUSE.read(Reading(ADDRESS | codes | {"members": [me]}), QUESTION)

        places = (house.address.province, house.address.district, house.address.subdistrict)
        assert [place.code for place in places] == ["10", "1004", "100405"]
        assert house.address.subdistrict.name == Text(th="ลาดยาว", en="Lat Yao")
        assert (house.members[0].relation, house.members[0].relation_name.th) == ("OTHER", "ผู้ดูแลบ้าน")


@pytest.mark.parametrize("codes", [{"districtCode": 1104}, {"provinceCode": 0}, {"subdistrictCode": 10040500}])
def test_an_address_code_of_another_level_is_malformed(codes):
    with pytest.raises(AnswerMalformed, match="level"):
        dopa.HOUSE.read(Reading(ADDRESS | codes | {"members": [SOMEBODY | {"relation": "บุตร"}]}), QUESTION)


async def test_the_eldest_are_read_with_their_true_birthdays(ask, nation):
    """Before 1941 the year of the Buddhist era began in April; a year's error would be theirs who live on old-age rights."""
    eldest = [one for n in range(1000, 9000) if (one := nation.citizen(n)).birth.year <= 1940 and one.alive][:25]
    assert any(one.birth.month in (1, 2, 3) for one in eldest)

    for one in eldest:
        profile = (await ask(one.pid, dopa.PERSON))[0].value

        assert profile.birth.earliest == one.birth.earliest()
