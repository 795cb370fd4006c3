"""What DOPA says about the sample citizens, and what becomes of answers that are not as they should be."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import date
from itertools import pairwise

import pytest

from agencies import dopa, laser, nhso, sso
from agencies.answers import Found, Keeping, Operation, Question
from agencies.reading import Reading
from agencies.trouble import AnswerAboutSomeoneElse, AnswerMalformed, NotThere
from foundation.dates import PartialDate
from foundation.language import Text
from lifeevents import catalogue
from sandbox.civil import Registry
from sandbox.world import full_name

OPERATIONS = [one for module in (dopa, sso, nhso, laser) for one in vars(module).values() if isinstance(one, Operation)]
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
    client = next(one for one in adapters() if one.code == "dopa")

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
    client, pid = next(one for one in adapters(clock=frozen) if one.code == "dopa"), pid_of(5)
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


# What registry offices wrote down


async def test_registrations_are_read_as_the_offices_wrote_them(ask, nation):
    registry = Registry(nation)
    seen = set()
    for number in (*range(1, 14), *range(101, 131), *range(200, 320)):
        citizen = nation.citizen(number)
        birth, marriages, changes, card = await ask(
            citizen.pid, dopa.BIRTH, dopa.MARRIAGE, dopa.NAME_CHANGE, dopa.DISABILITY_CARD
        )
        written = registry.birth(citizen)
        if written is None:
            assert isinstance(birth, NotThere)
        else:
            told = birth.value
            assert (told.certificate_number, told.registered_on) == (written.certificate, written.registered_on)
            assert told.place.th == (written.hospital.name.th if written.hospital else "บ้าน")
            assert (told.mother.person_number if told.mother else None) == (
                nation.citizen(citizen.mother).pid if citizen.mother else None
            )
        married = registry.marriages(citizen)
        assert isinstance(marriages, NotThere) == (not married)
        for one in married:
            entries = marriages.value
            assert (entries[0].kind, entries[0].registered_on) == ("MARRIAGE", one.registered_on)
            assert entries[0].spouse.person_number == (nation.citizen(one.spouse).pid if one.spouse else None)
            assert (
                entries[0].state
                == {None: "IN_FORCE", "divorce": "ENDED_BY_DIVORCE", "death": "ENDED_BY_DEATH"}[one.ended_by]
            )
            assert [entry.registered_on for entry in entries[1:]] == (
                [one.ended_on] if one.ended_by == "divorce" else []
            )
            seen |= {entry.kind for entry in entries}
        names = registry.name_changes(citizen)
        assert isinstance(changes, NotThere) == (not names)
        if names:
            assert [(one.new.en, one.changed_on) for one in changes.value] == [
                (one.new.en, one.changed_on) for one in names
            ]
            seen.add("NAME")
        held = registry.disability_card(citizen) if citizen.alive else None
        assert isinstance(card, NotThere) == (held is None)
        if held is not None:
            assert (card.value.issued_on, card.value.expires_on) == (held.issued_on, held.expires_on)
            assert (card.value.caregiver is None) == (held.caregiver is None)
            seen.add(card.value.status)

    assert {"MARRIAGE", "DIVORCE", "NAME", "VALID"} <= seen


@pytest.mark.parametrize(
    "operation", [dopa.BIRTH, dopa.MARRIAGE, dopa.NAME_CHANGE, dopa.DISABILITY_CARD], ids=lambda one: one.name
)
async def test_a_registration_of_another_person_is_not_taken(ask, nation, switch, operation):
    registry = Registry(nation)
    written = {
        "BIRTH": registry.birth, "MARRIAGE": registry.marriages, "NAME_CHANGE": registry.name_changes,
        "DISABILITY_CARD": registry.disability_card,
    }[operation.name]  # fmt: skip
    people = [nation.citizen(number) for number in range(200, 1_200)]
    # The next in number, about whom a lying register talks, has such an entry too.
    holder = next(
        one
        for one, after in pairwise(people)
        if one.alive and after.alive and after.id_card != "never" and written(after)
    )
    switch("POST", "faults", {"agency": "dopa", "fault": "lying"})

    (answer,) = await ask(holder.pid, operation)

    assert isinstance(answer, AnswerAboutSomeoneElse)


def test_what_an_office_calls_by_a_number_that_we_do_not_know_is_other():
    entry = {
        "registerTypeCode": 7, "registerTypeDesc": "ทะเบียนอื่น", "registerNo": "1/2569", "dateOfRegister": 25690101,
        "officeDesc": "สำนักทะเบียน", "spousePersonalID": 0, "spouseFullname": "ใครสักคน", "statusCode": 9,
    }  # fmt: skip

    (read,) = dopa.MARRIAGE.read(Reading({"pid": ME, "registers": [entry]}), QUESTION)

    assert (read.kind, read.state, read.kind_name.th, read.spouse.person_number) == ("OTHER", "OTHER", "ทะเบียนอื่น", None)
    with pytest.raises(AnswerMalformed):
        dopa.MARRIAGE.read(Reading({"pid": ME, "registers": [entry | {"dateOfRegister": 0}]}), QUESTION)


# The facts that answers hold


def known(operation, value, subject="person"):
    """The facts of an answer, or of one of the things it lists."""
    return {path: take(value) for path, take in operation.facts.items() if path.partition(".")[0] == subject}


async def test_facts_about_a_person_are_in_the_catalogues_words(ask, nation):
    citizen = nation.citizen(1)

    profile, house, card, family = (
        one.value for one in await ask(citizen.pid, dopa.PERSON, dopa.HOUSE, dopa.ID_CARD, dopa.FAMILY)
    )

    assert known(dopa.PERSON, profile) == {
        "person.citizen_id": citizen.pid, "person.alive": True, "person.sex": "female", "person.nationality": "thai",
        "person.birth_date": PartialDate(citizen.birth.earliest()), "person.is_householder": False,
        "person.address_changed_date": citizen.moved_in,
    }  # fmt: skip
    assert known(dopa.HOUSE, house) == {"person.in_house_register": True, "person.province": "12"}
    assert known(dopa.ID_CARD, card) == {
        "person.id_card_status": "valid", "person.id_card_expiry_date": citizen.id_card_expires,
    }  # fmt: skip
    assert known(dopa.FAMILY, family) == {"person.marital_status": "married"}
    assert known(dopa.PERSON, replace(profile, sex=None, is_alive=None))["person.sex"] is None


async def test_each_living_child_is_a_thing_of_its_own(ask, nation):
    mother = nation.citizen(10)
    things = dopa.FAMILY.things["child"]

    (family,) = await ask(mother.pid, dopa.FAMILY)
    children = things.of(family.value)

    assert [things.key(child) for child in children] == [nation.citizen(n).pid for n in mother.children]
    assert things.called(children[0]).th.startswith("เด็กชายต้นกล้า")
    assert known(dopa.FAMILY, children[0], "child") == {
        "child.birth_date": PartialDate(nation.citizen(110).birth.earliest()), "child.nationality": "thai",
        "child.registered": True,
    }  # fmt: skip
    gone = replace(family.value, children=tuple(replace(child, is_alive=False) for child in family.value.children))
    assert things.of(gone) == []


async def test_who_of_the_family_died_is_known_with_what_one_is_to_them(ask, nation):
    things = dopa.FAMILY.things["deceased"]
    for number, role in ((12, "spouse"), (130, "child")):  # the widow, and the son
        (family,) = await ask(nation.citizen(number).pid, dopa.FAMILY)
        (samran,) = things.of(family.value)

        assert things.key(samran) == nation.citizen(129).pid
        assert known(dopa.FAMILY, samran, "relation") == {"relation.role_to_deceased": role}
        assert known(dopa.FAMILY, samran, "deceased") == {
            "deceased.birth_date": PartialDate(nation.citizen(129).birth.earliest()),
            "deceased.death_date": nation.citizen(129).died_on, "deceased.nationality": "thai",
        }  # fmt: skip


def test_every_fact_is_one_of_the_catalogue_and_every_operation_has_a_title():
    paths = {fact.path for fact in catalogue.load().facts} | {
        "house.id",
        "house.subdistrict",
    }  # with which others are asked, or found
    for operation in OPERATIONS:
        assert operation.facts.keys() | operation.when_absent.keys() <= paths, operation.name
        assert {path.partition(".")[0] for path in operation.facts} - operation.things.keys() <= {
            "person", "sso", "employment", "health", "house",
        }, operation.name  # fmt: skip
        assert operation.title is not None
        assert operation.title.th != operation.title.en
        assert operation.is_read or operation.keeping == Keeping()
