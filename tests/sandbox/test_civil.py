"""The registry offices' books: they must fit the civil register, the family and each other."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sandbox.civil import Registry, laser_code
from sandbox.nation import Nation

DAY_ZERO = date(2026, 11, 21)
PEOPLE = (*range(1, 14), *range(101, 131), *range(200, 4_200))


@pytest.fixture(scope="module")
def registry(nation: Nation) -> Registry:
    return Registry(nation)


def everybody(nation: Nation):
    return (nation.citizen(number) for number in PEOPLE)


def test_marriages_end_in_the_status_that_the_register_shows(nation, registry):
    assert all(registry.marital_status(one, DAY_ZERO) == one.marital_status for one in everybody(nation))


def test_both_spouses_tell_of_the_same_wedding(nation, registry):
    seen = 0
    for one in everybody(nation):
        for marriage in registry.marriages(one):
            assert marriage.registered_on > one.birth.earliest() + timedelta(days=17 * 365)
            assert marriage.ended_on is None or marriage.ended_on > marriage.registered_on
            if marriage.spouse is not None:
                (other,) = registry.marriages(nation.citizen(marriage.spouse))
                seen += 1
                assert (other.registered_on, other.number, other.office) == (
                    marriage.registered_on,
                    marriage.number,
                    marriage.office,
                )
    assert seen > 500


def test_what_no_story_tells_is_older_than_the_day_can_be_moved_back(nation, registry):
    earliest = DAY_ZERO - timedelta(days=366)
    told = {5, 124}
    for one in everybody(nation):
        for marriage in registry.marriages(one):
            assert one.number in told or marriage.registered_on < earliest
            assert marriage.ended_by != "divorce" or marriage.ended_on < earliest
        assert all(change.changed_on < earliest for change in registry.name_changes(one))


def test_a_changed_name_ends_in_the_name_of_today(nation, registry):
    kinds = set()
    for one in everybody(nation):
        for change in registry.name_changes(one):
            kinds.add(change.kind)
            assert change.new == (one.first_name if change.kind == "first" else one.last_name)
            assert change.old != change.new
    assert kinds == {"first", "last"}


def test_births_and_disability_cards_follow_from_the_citizen(nation, registry):
    cards = [(one, card) for one in everybody(nation) if (card := registry.disability_card(one))]
    births = [(one, birth) for one in everybody(nation) if (birth := registry.birth(one))]

    assert all(one.disability is not None and one.birth.earliest() < card.issued_on < DAY_ZERO for one, card in cards)
    assert {card.expires_on < DAY_ZERO for _, card in cards} == {True, False}
    assert all(card.caregiver in one.household for one, card in cards if card.caregiver)
    assert all(one.nationality != "other" for one, _ in births)
    assert all(one.birth.earliest() <= birth.registered_on for one, birth in births if birth.registered_on)
    assert registry.disability_card(nation.citizen(6)) is None  # who has yet to ask for it


def test_the_code_of_a_card_is_its_citizens_own(nation):
    codes = {laser_code(one) for one in everybody(nation)}

    assert len(codes) == len(PEOPLE)
    assert all(len(code) == 12 and code[:2].isalpha() and code[2:].isdigit() for code in codes)
