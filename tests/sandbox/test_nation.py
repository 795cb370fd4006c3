from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.th import pin

from sandbox import fund, names, places, samples
from sandbox.families import BLOCK
from sandbox.nation import CATEGORIES, COLUMNS, LARGEST, SMALLEST, Nation, NoSuchCitizen, pid
from sandbox.people import BirthDate, Citizen

DAY = date(2026, 11, 21)
DAYS = [
    DAY,
    date(2024, 2, 29),
    date(2028, 2, 29),
    date(2028, 2, 19),
    date(2026, 9, 30),
    date(2026, 10, 1),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2027, 1, 31),
]
STAGES = [
    "birth",
    "childhood",
    "education",
    "work",
    "family",
    "health",
    "home",
    "mobility",
    "business",
    "hardship",
    "retirement",
    "death",
]


@pytest.fixture(scope="module")
def nation() -> Nation:
    return Nation(day_zero=DAY)


@pytest.fixture(scope="module")
def many(nation: Nation) -> dict[str, np.ndarray[Any, Any]]:
    return nation.columns(1, 200_000)


def flat(nation: Nation, citizen: Citizen) -> dict[str, Any]:
    """What the columns should say of this citizen."""
    insurance, right = citizen.insurance, fund.held_on(citizen, nation.day_zero)
    is_insured = insurance.ended is None
    return {
        "number": citizen.number,
        "birth_year": citizen.birth.year,
        "birth_month": citizen.birth.month or 0,
        "birth_day": citizen.birth.day or 0,
        "sex": citizen.sex,
        "alive": citizen.alive,
        "died_on": citizen.died_on,
        "nationality": citizen.nationality,
        "marital_status": citizen.marital_status,
        "father": citizen.father or 0,
        "mother": citizen.mother or 0,
        "spouse": citizen.spouse or 0,
        "children_count": len(citizen.children),
        "household_size": len(citizen.household),
        "is_householder": citizen.is_householder,
        "province": int(citizen.address.subdistrict_code[:2]),
        "subdistrict": int(citizen.address.subdistrict_code),
        "moved_in": citizen.moved_in,
        "section": insurance.section,
        "section_now": insurance.section if is_insured else "none",
        "first_insured": insurance.first_insured,
        "insured_since": insurance.since,
        "insured_until": insurance.ended,
        "contribution_months": len(nation.contributions(citizen.number)),
        "wage": int(insurance.wage),
        "right": right.right if right else "none",
        "hospital": int(right.main_unit.code) if right and right.main_unit else 0,
        "income_per_year": int(citizen.income_per_year),
        "civil_servant": citizen.civil_servant,
        "state_pensioner": citizen.state_pensioner,
        "disability": citizen.disability.en if citizen.disability else "",
        "id_card": citizen.id_card,
        "id_card_expires": citizen.id_card_expires,
        "licence_expires": citizen.licence_expires,
        "vehicles_count": len(citizen.vehicles),
    }


def row(columns: dict[str, np.ndarray[Any, Any]], i: int) -> dict[str, Any]:
    return {
        name: CATEGORIES[name][column[i]] if name in CATEGORIES else column[i].item()
        for name, column in columns.items()
    }


def age_on(birth: BirthDate, day: date) -> int:
    born = birth.earliest()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def check_links(people: dict[int, Citizen]) -> None:
    for citizen in people.values():
        for child in citizen.children:
            assert citizen.number in (people[child].father, people[child].mother)
        for parent, sex in ((citizen.father, "male"), (citizen.mother, "female")):
            if parent is not None:
                assert citizen.number in people[parent].children
                assert people[parent].sex == sex
        if citizen.spouse is not None:
            assert people[citizen.spouse].spouse == citizen.number


# One or a million


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(-5, 2**64),
    size=st.integers(SMALLEST, LARGEST),
    place=st.floats(0, 1),
    count=st.integers(1, 40),
    day_zero=st.dates(date(2015, 1, 1), date(2060, 12, 31)),
)
def test_a_citizen_is_the_same_alone_or_in_bulk(seed: int, size: int, place: float, count: int, day_zero: date) -> None:
    nation = Nation(seed=seed, size=size, day_zero=day_zero)
    start = 1 + int(place * (size - count))

    columns = nation.columns(start, count)

    for i in range(count):
        assert row(columns, i) == flat(nation, nation.citizen(start + i))


@pytest.mark.parametrize("day_zero", DAYS)
def test_the_samples_and_those_among_them_are_the_same_alone_or_in_bulk(day_zero: date) -> None:
    nation = Nation(day_zero=day_zero)

    columns = nation.columns(1, SMALLEST + BLOCK)

    for i in range(SMALLEST + BLOCK):
        assert row(columns, i) == flat(nation, nation.citizen(i + 1))


@settings(max_examples=20, deadline=None)
@given(start=st.integers(1, 60_000), count=st.integers(0, 20_000), cut=st.integers(0, 20_000))
def test_it_does_not_matter_how_a_window_is_cut(start: int, count: int, cut: int) -> None:
    nation = Nation(day_zero=DAY)
    first = min(cut, count)

    whole, parts = (
        nation.columns(start, count),
        (nation.columns(start, first), nation.columns(start + first, count - first)),
    )

    for name, column in whole.items():
        np.testing.assert_array_equal(column, np.concatenate([part[name] for part in parts]))


def test_two_nations_of_one_seed_are_one_nation() -> None:
    one, other = Nation(seed=7, day_zero=DAY), Nation(seed=7, day_zero=DAY)
    # Asked in another order, so that nothing remembered helps.
    backwards = {n: other.citizen(n) for n in (60_000_000, 1_234, 500, 12, 1)}

    for number in (1, 12, 500, 1_234, 60_000_000):
        assert one.citizen(number) == backwards[number]
        assert one.contributions(number) == other.contributions(number)
        assert one.claims(number) == other.claims(number)


def test_another_seed_is_another_nation() -> None:
    one, other = Nation(seed=1, day_zero=DAY).columns(1_001, 5_000), Nation(seed=2, day_zero=DAY).columns(1_001, 5_000)

    assert (one["birth_year"] == other["birth_year"]).mean() < 0.1
    assert (one["income_per_year"] == other["income_per_year"]).mean() < 0.3


def test_birthdays_stay_put_from_one_day_to_the_next() -> None:
    today, later = (
        Nation(day_zero=date(2026, 3, 1)).columns(1_001, 50_000),
        Nation(day_zero=date(2026, 3, 2)).columns(1_001, 50_000),
    )

    same = (today["birth_year"] == later["birth_year"]) & (today["birth_month"] == later["birth_month"])

    assert same.mean() > 0.998


def test_columns_are_what_they_are_said_to_be(many: dict[str, np.ndarray[Any, Any]]) -> None:
    assert list(many) == list(COLUMNS)
    assert {name: column.dtype for name, column in many.items()} == COLUMNS
    for name, words in CATEGORIES.items():
        assert many[name].max() < len(words)


# Who is there and who is not


def test_the_first_and_the_last_citizen_exist(nation: Nation) -> None:
    assert nation.citizen(1).number == 1
    assert nation.citizen(nation.size).pid == pid(66_000_000)
    assert nation.columns(nation.size, 1)["number"].tolist() == [nation.size]
    assert nation.columns(5, 0)["number"].tolist() == []


@pytest.mark.parametrize("number", [0, -1, 66_000_001])
def test_nobody_is_outside_the_nation(nation: Nation, number: int) -> None:
    for ask in (nation.citizen, nation.contributions, nation.claims, nation.pid):
        with pytest.raises(NoSuchCitizen, match="66,000,000"):
            ask(number)
    with pytest.raises(NoSuchCitizen):
        nation.columns(number, 1)


def test_a_window_over_the_edge_is_refused(nation: Nation) -> None:
    with pytest.raises(NoSuchCitizen):
        nation.columns(nation.size, 2)
    with pytest.raises(NoSuchCitizen):
        nation.columns(0, 2)
    with pytest.raises(ValueError, match="-1"):
        nation.columns(1, -1)


@pytest.mark.parametrize("size", [0, SMALLEST - 1, LARGEST + 1])
def test_a_nation_that_cannot_be_numbered_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="cannot be numbered"):
        Nation(size=size, day_zero=DAY)


@settings(deadline=None)
@given(number=st.integers(1, LARGEST))
def test_every_identity_number_is_valid_and_leads_back(number: int) -> None:
    nation = Nation(size=LARGEST, day_zero=DAY)

    assert pin.is_valid(pid(number))
    assert nation.number_of(pid(number)) == number
    assert pid(number).startswith("10000") == (number < 10_000_000)


def test_what_is_no_identity_number_here_is_nobodys(nation: Nation) -> None:
    right = pid(12)

    for wrong in (
        right[:-1] + str((int(right[-1]) + 1) % 10),
        right[:-1],
        right + "0",
        "",
        "1101700230708",  # valid, of a real office
        pid(66_000_001),
        pid(0),
        "๑" + right[1:],
        " " + right[1:],
    ):
        assert nation.number_of(wrong) is None


# Families


@pytest.fixture(scope="module")
def crowd(nation: Nation) -> dict[int, Citizen]:
    """Whole blocks: the samples, and six thousand ordinary people."""
    return {n: nation.citizen(n) for n in (*range(1, 4_001), *range(30_000_001, 30_002_401))}


def test_links_agree_from_both_ends(crowd: dict[int, Citizen]) -> None:
    check_links(crowd)


def test_parents_are_eighteen_to_forty_five_years_older(crowd: dict[int, Citizen]) -> None:
    looked_at = 0
    for citizen in crowd.values():
        for parent in (citizen.father, citizen.mother):
            if parent is not None:
                looked_at += 1
                assert 18 <= age_on(crowd[parent].birth, citizen.birth.earliest()) <= 45
    assert looked_at > 3_000


def test_nobody_is_born_to_the_dead_nor_after_today(crowd: dict[int, Citizen]) -> None:
    for citizen in crowd.values():
        born = citizen.birth.earliest()
        assert born <= citizen.moved_in <= DAY
        for parent in (citizen.father, citizen.mother):
            died = crowd[parent].died_on if parent else None
            assert died is None or died > born


def test_marital_status_follows_from_the_spouse(crowd: dict[int, Citizen]) -> None:
    widows = 0
    for citizen in crowd.values():
        spouse = crowd[citizen.spouse] if citizen.spouse else None
        if spouse is None:
            assert citizen.marital_status != "married"
        elif spouse.alive:
            assert citizen.marital_status == "married"
        elif citizen.alive:
            assert citizen.marital_status == "widowed"
            widows += 1
        assert citizen.marital_status == "single" or age_on(citizen.birth, DAY) >= 18
    assert widows > 5


def test_a_house_is_shared_by_all_in_it(crowd: dict[int, Citizen]) -> None:
    houses: dict[str, set[int]] = {}
    for citizen in crowd.values():
        if not citizen.alive:
            assert (citizen.household, citizen.is_householder) == ((), False)
            continue
        assert citizen.number in citizen.household
        houses.setdefault(citizen.address.house_id, set()).add(citizen.number)
        for other in citizen.household:
            assert crowd[other].household == citizen.household
            assert crowd[other].address == citizen.address
        assert sum(crowd[other].is_householder for other in citizen.household) == 1
    for house_id, members in houses.items():
        assert len(house_id) == 11
        assert all(set(crowd[n].household) == members for n in members)


def test_titles_fit_age_sex_and_marriage(crowd: dict[int, Citizen]) -> None:
    for citizen in crowd.values():
        is_child = age_on(citizen.birth, DAY) < 15
        expected = {
            ("male", True): "เด็กชาย",
            ("female", True): "เด็กหญิง",
            ("male", False): "นาย",
            ("female", False): "นาง" if citizen.marital_status in ("married", "widowed") else "นางสาว",
        }
        assert citizen.title.th == expected[citizen.sex, is_child]


def test_places_and_names_are_as_many_as_promised() -> None:
    provinces = places.PROVINCES
    assert len(provinces) == len({p.code for p in provinces}) == 77
    assert all(code[:5].isdigit() and code.startswith("99") for code in places.HOSPITAL)
    for province in provinces:
        codes = [code for d in province.districts for code, _ in d.subdistricts]
        told = [d.name.th for d in province.districts] + [n.th for d in province.districts for _, n in d.subdistricts]
        assert all(len(code) == 6 and code.startswith(province.code) for code in codes)
        assert len(set(told)) == len(told)
        assert all(len(d.postcode) == 5 and d.postcode.isdigit() for d in province.districts)
    for words in (names.MEN, names.WOMEN, names.SURNAMES):
        assert len({word.th for word in words}) == len(words) >= 150


# How many


def share(of: np.ndarray[Any, Any]) -> float:
    return float(of.mean())


def ages(columns: dict[str, np.ndarray[Any, Any]], day: date) -> np.ndarray[Any, Any]:
    month, on = np.maximum(columns["birth_month"], 1).astype(int), np.maximum(columns["birth_day"], 1).astype(int)
    ahead = month * 32 + on > day.month * 32 + day.day
    age: np.ndarray[Any, Any] = day.year - columns["birth_year"].astype(int) - ahead
    return age


@pytest.mark.parametrize("day_zero", [DAY, date(2026, 1, 1), date(2040, 7, 1)])
def test_the_age_pyramid_is_thailands(day_zero: date) -> None:
    age = ages(Nation(day_zero=day_zero).columns(1_001, 200_000), day_zero)

    assert 0.14 < share(age < 15) < 0.16
    assert 0.19 < share(age >= 60) < 0.225
    assert 0.005 < share(age < 1) < 0.011
    assert age.min() == 0
    assert age.max() < 115


def test_people_are_insured_as_in_thailand(many: dict[str, np.ndarray[Any, Any]]) -> None:
    section = np.array(CATEGORIES["section_now"])[many["section_now"]]
    millions = {name: share(section == name) * 66 for name in CATEGORIES["section_now"]}

    assert 11 < millions["33"] < 13
    assert 1.4 < millions["39"] < 2.1
    assert 10 < millions["40_1"] + millions["40_2"] + millions["40_3"] < 12
    right = np.array(CATEGORIES["right"])[many["right"]]
    assert 0.64 < share(right == "uc") < 0.72
    assert 0.06 < share(right == "csmbs") < 0.085
    assert 0.005 < share(right == "lao") < 0.015
    assert share((right == "sso") & (many["hospital"] == 0)) == 0


def test_other_shares_are_believable(many: dict[str, np.ndarray[Any, Any]]) -> None:
    age = ages(many, DAY)
    unknown = many["birth_day"] == 0
    income, wage = many["income_per_year"], many["wage"][many["section_now"] == 1]

    assert 0.985 < share(many["alive"]) < 0.995
    assert 0.012 < share(many["nationality"] != 0) < 0.025
    assert 0.50 < share(many["sex"] == 1) < 0.54
    assert 0.028 < share(many["disability"] > 0) < 0.038
    assert 0.065 < share(unknown[age > 70]) < 0.095
    assert share(unknown[age < 60]) < 0.006
    assert np.all(many["birth_day"][many["birth_month"] == 0] == 0)
    assert share(many["id_card"][age < 7] == 0) == 1
    assert share(many["id_card"][(age > 20) & (many["nationality"] == 0)] == 0) < 0.01
    assert 0.07 < share(many["province"] == 10) < 0.095
    assert len(np.unique(many["province"])) == 77
    assert 12_000 < np.median(wage) < 20_000
    assert income[age >= 20].mean() > 1.15 * np.median(income[age >= 20])  # a long tail of the rich
    assert np.all(income[age < 15] == 0)
    assert 0.3 < share(many["vehicles_count"] > 0) < 0.6
    assert 0.2 < share(many["contribution_months"][many["section_now"] == 1] >= 180) < 0.3
    assert 2.2 < 1 / share(many["is_householder"]) < 2.8


def test_id_cards_last_eight_years_to_a_birthday(crowd: dict[int, Citizen]) -> None:
    for citizen in crowd.values():
        age, expires = age_on(citizen.birth, DAY), citizen.id_card_expires
        if expires is None:
            assert citizen.id_card in ("never", "lifetime") or (citizen.id_card in ("lost", "damaged") and age >= 70)
            continue
        assert citizen.id_card not in ("never", "lifetime")
        born = citizen.birth.earliest()
        assert 15 <= expires.year - born.year < 78
        assert expires <= date(DAY.year + 9, 12, 31)
        assert (expires.month, expires.day) in ((born.month, born.day), (3, 1), (2, 28))
        if citizen.id_card in ("valid", "expired"):
            assert (citizen.id_card == "expired") == (expires < DAY)


# The social security fund


def test_contributions_follow_the_ceilings_of_their_years(nation: Nation) -> None:
    number = next(
        n
        for n in range(1_001, 3_000)
        if (i := nation.citizen(n).insurance).section == "33" and not i.ended and i.wage > 30_000
    )

    by_month = {paid.month: paid for paid in nation.contributions(number)}

    before, after = by_month[date(2025, 12, 1)], by_month[date(2026, 1, 1)]
    assert [before.wage, before.employee, before.employer] == [15_000, 750, 750]
    assert before.government == Decimal("412.50")
    assert [after.wage, after.employee, after.employer] == [17_500, 875, 875]
    assert after.government == Decimal("481.25")
    saved = fund.old_age_part(before)
    assert [saved.employee, saved.employer, saved.government] == [450, 450, 150]


def test_contributions_come_every_month_until_day_zero(crowd: dict[int, Citizen], nation: Nation) -> None:
    for number in range(1, 2_000):
        paid, insurance = nation.contributions(number), crowd[number].insurance
        if insurance.section == "none":
            assert paid == ()
            continue
        months = [c.month.year * 12 + c.month.month for c in paid]
        assert months == list(range(months[0], months[0] + len(months))) if months else True
        assert all(c.paid_on <= DAY and c.paid_on > c.month for c in paid)
        assert all(1_650 <= c.wage <= 17_500 for c in paid if c.rate_percent == 5)
        if insurance.section == "39":
            assert {c.employee for c in paid if c.rate_percent == 9} == {432}
            assert sum(c.rate_percent == 5 for c in paid) >= 12
        if insurance.section.startswith("40"):
            flat_rate = {"40_1": 70, "40_2": 100, "40_3": 300}[insurance.section]
            assert all(c.employee == flat_rate and c.employer == 0 for c in paid)
        if insurance.ended:
            assert all(c.month <= insurance.ended for c in paid)


def test_claims_lie_within_the_time_insured(crowd: dict[int, Citizen], nation: Nation) -> None:
    claimed = 0
    for number in range(1, 3_000):
        insurance = crowd[number].insurance
        for claim in nation.claims(number):
            claimed += 1
            assert insurance.since is not None
            assert insurance.since <= claim.requested_on <= DAY
            assert claim.paid_on is None or claim.requested_on <= claim.paid_on <= DAY
            assert claim.amount > 0
    assert claimed > 100


# The samples


@pytest.fixture(params=DAYS, ids=str)
def fresh(request: pytest.FixtureRequest) -> Nation:
    return Nation(day_zero=request.param)


def test_the_twelve_come_one_per_stage(fresh: Nation) -> None:
    twelve = fresh.samples()

    assert [c.number for c in twelve] == list(range(1, 13))
    assert [c.story.stage for c in twelve if c.story] == STAGES
    assert len({c.story.code for c in twelve if c.story}) == 12
    assert all(c.alive and c.nationality == "thai" and c.pid.startswith("10000") for c in twelve)
    assert all(c.story and len(c.story.text.th) > 60 and len(c.story.text.en) > 60 for c in twelve)


def test_sample_families_hold_together(fresh: Nation) -> None:
    people = {n: fresh.citizen(n) for n in range(1, samples.LAST_NUMBER + 1)}

    check_links(people)
    for citizen in people.values():
        assert citizen.birth.earliest() <= fresh.day_zero
        for parent in (citizen.father, citizen.mother):
            if parent:
                assert 18 <= age_on(people[parent].birth, citizen.birth.earliest()) <= 45
        for other in citizen.household:
            assert people[other].address == citizen.address
            assert people[other].household == citizen.household
        if citizen.alive:
            assert sum(people[n].is_householder for n in citizen.household) == 1


def test_a_mother_and_her_newborn(fresh: Nation) -> None:
    mother, baby = fresh.citizen(1), fresh.citizen(101)

    assert (mother.sex, mother.insurance.section, mother.insurance.ended) == ("female", "33", None)
    assert baby.birth.earliest() == fresh.day_zero - timedelta(days=21)
    assert baby.mother == 1
    assert 101 in mother.household
    assert baby.id_card == "never"
    assert len(fresh.contributions(1)) >= 60
    assert not any("คลอดบุตร" in claim.benefit.th for claim in fresh.claims(1))


def test_a_child_about_to_get_a_first_id_card(fresh: Nation) -> None:
    parent, child = fresh.citizen(2), fresh.citizen(102)
    seventh = samples.anniversary(child.birth.earliest(), child.birth.year + 7)

    assert (seventh - fresh.day_zero).days in (9, 10)  # nobody turns seven on a 29 February
    assert parent.children == (102,)
    assert (child.id_card, child.title.th) == ("never", "เด็กหญิง")
    assert parent.story
    assert str(seventh.day) in parent.story.text.en


def test_a_young_man_turns_eighteen_next_month(fresh: Nation) -> None:
    young = fresh.citizen(3)
    day = fresh.day_zero

    assert (young.sex, age_on(young.birth, day)) == ("male", 17)
    assert young.birth.month == day.month % 12 + 1


def test_a_man_who_lost_his_job(fresh: Nation) -> None:
    insurance = fresh.citizen(4).insurance
    today, later = (fund.held_on(fresh.citizen(4), fresh.day_zero + timedelta(days=d)) for d in (0, 190))

    assert insurance.section == "33"
    assert insurance.ended == fresh.day_zero - timedelta(days=12)
    assert today
    assert today.right == "sso"
    assert later
    assert later.right == "uc"


def test_two_who_just_married(fresh: Nation) -> None:
    wife = fresh.citizen(5)
    husband = fresh.citizen(wife.spouse or 0)

    assert (wife.marital_status, husband.marital_status) == ("married", "married")
    assert wife.last_name != husband.last_name
    assert wife.household == husband.household


def test_a_man_newly_disabled(fresh: Nation) -> None:
    man = fresh.citizen(6)

    assert man.disability
    assert man.chronic_diseases
    assert [(f.right, f.sub_right_code) for f in man.health] == [("uc", "74")]


def test_a_woman_who_moved_away_from_her_hospital(fresh: Nation) -> None:
    woman = fresh.citizen(7)

    assert woman.moved_in == fresh.day_zero - timedelta(days=20)
    assert woman.insurance.section == "33"
    assert woman.insurance.hospital
    assert woman.insurance.hospital.province != woman.address.subdistrict_code[:2]
    assert woman.insurance.hospital not in fresh.hospitals(woman.address.subdistrict_code[:2])


def test_a_driver_with_renewals_ahead(fresh: Nation) -> None:
    driver = fresh.citizen(8)

    assert driver.licence_expires == fresh.day_zero + timedelta(days=25)
    pickup = driver.vehicles[0]
    assert pickup.tax_expires == fresh.day_zero + timedelta(days=12)
    assert (fresh.day_zero - pickup.first_registered).days > 7 * 366


def test_a_shop_owner_under_section_40(fresh: Nation) -> None:
    assert fresh.citizen(9).insurance.section == "40_2"
    assert {c.employee for c in fresh.contributions(9)} == {Decimal(100)}


def test_a_mother_of_three_and_a_grandmother_with_a_year_for_a_birthday(fresh: Nation) -> None:
    mother, grandmother = fresh.citizen(10), fresh.citizen(113)

    assert mother.children == (110, 111, 112)
    assert all(age_on(fresh.citizen(child).birth, fresh.day_zero) < 12 for child in mother.children)
    assert sum(fresh.citizen(n).income_per_year for n in mother.household) < 60_000
    assert (grandmother.birth.month, grandmother.birth.day) == (None, None)
    assert fresh.citizen(mother.mother or 0).mother == 113
    assert (grandmother.id_card, 113 in mother.household) == ("lifetime", True)


def test_a_man_who_turns_sixty_next_month_and_may_register(fresh: Nation) -> None:
    man, day = fresh.citizen(11), fresh.day_zero

    assert age_on(man.birth, day) == 59
    assert man.birth.month == day.month % 12 + 1
    assert man.insurance.section == "39"
    assert len(fresh.contributions(11)) > 180
    assert samples.registration_opens(man.birth) <= day


def test_a_woman_whose_registration_opens_next_october(fresh: Nation) -> None:
    woman, day = fresh.citizen(13), fresh.day_zero
    opens = samples.registration_opens(woman.birth)

    assert (opens.month, opens.day) == (10, 1)
    assert day < opens <= samples.anniversary(day, day.year + 1)
    assert woman.story
    assert str(opens.year) in woman.story.text.en


@pytest.mark.parametrize(
    ("birth", "opens"),
    [
        (BirthDate(year=1966, month=9, day=1), date(2024, 10, 1)),
        (BirthDate(year=1966, month=9, day=2), date(2025, 10, 1)),
        (BirthDate(year=1967, month=9, day=1), date(2025, 10, 1)),
        (BirthDate(year=1967, month=9, day=2), date(2026, 10, 1)),
        (BirthDate(year=1967, month=None, day=None), date(2025, 10, 1)),
    ],
)
def test_registration_opens_a_year_before_the_allowance_year(birth: BirthDate, opens: date) -> None:
    assert samples.registration_opens(birth) == opens


def test_a_widow_and_her_late_husband(fresh: Nation) -> None:
    widow = fresh.citizen(12)
    late = fresh.citizen(widow.spouse or 0)

    assert widow.marital_status == "widowed"
    assert (late.alive, late.died_on) == (False, fresh.day_zero - timedelta(days=8))
    assert late.insurance.ended == late.died_on
    assert late.number not in widow.household
    assert (late.health, late.household) == ((), ())
