"""Whether one can act now, and until when: deadlines checked by hand against their law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.dates import partial_from_buddhist
from lifeevents.catalogue.model import Catalogue, FactDay, PublicService, Round, Span
from lifeevents.rules.availability import Availability, State
from lifeevents.rules.engine import Engine
from lifeevents.rules.ir import DID_NOT_HAPPEN

TODAY = date(2026, 11, 21)
BIRTH = "person.birth_date"
The = Callable[[str], PublicService]
Look = Callable[..., Availability]


@pytest.fixture
def look(engine: Engine, the: The) -> Look:
    def at(code: str, on: date = TODAY, facts: dict[str, Any] | None = None) -> Availability:
        return engine.availability(the(code), facts or {}, on)

    return at


def with_deadline(catalogue: Catalogue, code: str, **changes: Any) -> tuple[Engine, PublicService]:
    """The same catalogue, but for one deadline."""
    service = catalogue.service(code)
    assert service is not None
    assert service.deadline is not None
    other = replace(service, deadline=replace(service.deadline, **changes))
    engine = Engine(replace(catalogue, services=tuple(other if one is service else one for one in catalogue.services)))
    return engine, other


@pytest.mark.parametrize(
    ("code", "fact", "began", "last"),
    [
        ("birth_registration", "child.birth_date", date(2026, 11, 10), date(2026, 11, 25)),
        ("sso_maternity_lump", "child.birth_date", date(2024, 2, 29), date(2026, 2, 28)),
        ("unemployment_registration", "employment.end_date", date(2026, 10, 31), date(2026, 11, 30)),
        ("sso_unemployment_benefit", "employment.end_date", date(2026, 10, 31), date(2028, 10, 31)),
        ("sso39_enrolment", "employment.end_date", date(2026, 8, 31), date(2027, 2, 28)),
        ("first_id_card", BIRTH, date(2019, 10, 1), date(2026, 11, 30)),
        ("id_card_replacement", "person.id_card_lost_date", date(2026, 11, 1), date(2026, 12, 31)),
        ("move_address", "person.move_date", date(2026, 11, 20), date(2026, 12, 5)),
        ("commercial_registration", "business.start_date", date(2026, 11, 1), date(2026, 12, 1)),
        ("death_registration", "deceased.death_date", date(2026, 11, 20), date(2026, 11, 21)),
        ("elderly_funeral_grant", "deceased.death_certificate_date", date(2026, 8, 31), date(2027, 2, 28)),
        ("inheritance_tax", "inheritance.received_date", date(2026, 11, 1), date(2027, 3, 31)),
        ("road_victim_compensation", "accident.date", date(2026, 6, 1), date(2026, 11, 28)),
    ],
)
def test_the_last_day_is_inside(
    look: Look, engine: Engine, the: The, code: str, fact: str, began: date, last: date
) -> None:
    facts = {fact: began}
    on_the_day, day_after = look(code, last, facts), look(code, last + timedelta(days=1), facts)
    deadline = the(code).deadline
    assert deadline is not None

    assert (on_the_day.state, on_the_day.deadline, on_the_day.is_late) == (State.OPEN, last, False)
    assert (day_after.deadline, day_after.is_late) == (last, True)
    # Past its last day a right is lost only where the law says so; otherwise one is late.
    assert day_after.state is (State.CLOSED if deadline.closes_right else State.OPEN)
    assert on_the_day.closes == (last if deadline.closes_right else None)


def test_an_anchor_not_known_closes_nothing_and_says_what_is_missing(look: Look) -> None:
    found = look("sso_maternity_lump")

    assert (found.state, found.deadline, found.missing) == (State.OPEN, None, ("child.birth_date",))


def test_an_anchor_that_did_not_happen_sets_no_limit(look: Look) -> None:
    found = look("sso_maternity_lump", facts={"child.birth_date": DID_NOT_HAPPEN})

    assert (found.state, found.deadline, found.missing) == (State.OPEN, None, ())


def test_a_deadline_from_a_day_half_known_counts_from_the_first(look: Look) -> None:
    facts = {BIRTH: partial_from_buddhist(2562)}

    assert look("first_id_card", date(2026, 3, 1), facts).deadline == date(2026, 3, 2)


def test_an_id_card_opens_sixty_days_early(look: Look) -> None:
    facts = {"person.id_card_expiry_date": date(2027, 1, 31)}
    before = look("id_card_renewal", date(2026, 12, 1), facts)

    assert (before.state, before.opens) == (State.NOT_YET, date(2026, 12, 2))
    assert look("id_card_renewal", date(2026, 12, 2), facts).state is State.OPEN
    assert look("id_card_renewal", date(2026, 12, 2), facts).deadline == date(2027, 4, 1)


def test_a_disability_card_opens_a_calendar_month_early(look: Look) -> None:
    facts = {"person.disability_card_expiry_date": date(2026, 3, 31)}

    assert look("disability_card", date(2026, 2, 27), facts).opens == date(2026, 2, 28)
    assert look("disability_card", date(2026, 2, 28), facts).state is State.OPEN
    assert look("disability_card", facts={"person.disability_card_expiry_date": DID_NOT_HAPPEN}).state is State.OPEN


def test_vehicle_tax_is_due_on_its_day(look: Look) -> None:
    facts = {"vehicle.tax_expiry_date": date(2027, 1, 10)}

    assert look("vehicle_tax", date(2026, 10, 11), facts).opens == date(2026, 10, 12)
    found = look("vehicle_tax", TODAY, facts)
    assert (found.state, found.deadline, found.is_late) == (State.OPEN, date(2027, 1, 10), False)
    assert look("vehicle_tax", date(2027, 1, 11), facts).is_late


@pytest.mark.parametrize(
    ("on", "paper", "online", "is_late"),
    [
        (date(2026, 3, 31), date(2026, 3, 31), date(2026, 4, 8), False),
        (date(2026, 4, 8), date(2026, 3, 31), date(2026, 4, 8), False),
        (date(2026, 4, 9), date(2027, 3, 31), date(2027, 4, 8), False),
        (TODAY, date(2027, 3, 31), date(2027, 4, 8), False),
    ],
)
def test_income_tax_by_paper_and_online(look: Look, on: date, paper: date, online: date, is_late: bool) -> None:
    found = look("pit_filing", on)

    assert (found.state, found.deadline, found.deadline_online, found.is_late) == (State.OPEN, paper, online, is_late)


def test_half_year_tax_opens_in_july(look: Look) -> None:
    assert look("pit_half_year", date(2026, 6, 30)).opens == date(2026, 7, 1)
    assert look("pit_half_year", date(2026, 7, 1)).deadline == date(2026, 9, 30)
    late = look("pit_half_year", date(2026, 10, 15))
    assert (late.state, late.is_late, late.deadline) == (State.OPEN, True, date(2026, 9, 30))
    assert look("pit_half_year", date(2027, 1, 1)).state is State.NOT_YET


def test_some_years_have_another_day(look: Look) -> None:
    days = {year: look("land_building_tax", date(year, 1, 15)).deadline for year in (2020, 2024, 2025, 2026, 2027)}

    assert days == {
        2020: date(2020, 8, 31), 2024: date(2024, 6, 30), 2025: date(2025, 4, 30), 2026: date(2026, 6, 30),
        2027: date(2027, 4, 30),
    }  # fmt: skip


def test_a_window_may_run_over_the_year_end_and_moving_opens_another(look: Look) -> None:
    change, moved = "sso_hospital_change", {"person.address_changed_date": date(2026, 11, 1)}

    assert look(change, date(2026, 12, 16)).closes == date(2027, 3, 31)
    assert look(change, date(2027, 1, 2)).closes == date(2027, 3, 31)
    assert look(change, date(2027, 3, 31)).state is State.OPEN
    shut = look(change, TODAY, {"person.address_changed_date": date(2025, 1, 1)})
    assert (shut.state, shut.opens) == (State.NOT_YET, date(2026, 12, 16))
    assert (look(change, TODAY, moved).state, look(change, TODAY, moved).closes) == (State.OPEN, date(2026, 12, 1))
    assert look(change, date(2026, 12, 2), moved).state is State.NOT_YET
    assert look(change, date(2026, 10, 31), moved).opens == date(2026, 11, 1)
    assert look(change, TODAY).missing == ("person.address_changed_date",)


def test_the_old_age_allowance_is_registered_in_its_windows(look: Look) -> None:
    registration, facts = "old_age_allowance_registration", {BIRTH: date(1966, 12, 1)}

    assert look(registration, date(2025, 9, 30), facts).opens == date(2025, 10, 1)
    assert look(registration, date(2025, 11, 30), facts).closes == date(2025, 11, 30)
    december = look(registration, date(2025, 12, 15), facts)
    assert (december.state, december.opens) == (State.NOT_YET, date(2026, 1, 1))
    assert look(registration, date(2026, 9, 30), facts).deadline == date(2026, 9, 30)


def test_who_is_born_later_has_a_later_turn(look: Look) -> None:
    turns = [
        look("old_age_allowance_registration", TODAY, {BIRTH: born}).opens
        for born in (date(1968, 9, 1), date(1968, 9, 2), date(1970, 1, 1))
    ]

    assert turns == [None, date(2027, 10, 1), date(2028, 10, 1)]  # the first may register now
    assert look("old_age_allowance_registration", TODAY).state is State.OPEN


def test_a_round_that_is_over_is_no_round(look: Look) -> None:
    assert look("welfare_card_registration", date(2022, 9, 4)).opens == date(2022, 9, 5)
    assert look("welfare_card_registration", date(2022, 10, 31)).state is State.OPEN  # whatever it waits for now
    assert look("welfare_card_registration", date(2022, 11, 1)).state is State.NO_ROUND
    assert look("flood_relief_2568", date(2025, 12, 31)).closes == date(2025, 12, 31)
    assert look("flood_relief_2568", date(2026, 1, 1)).state is State.NO_ROUND


def test_a_round_that_is_announced_opens(catalogue: Catalogue) -> None:
    coming = Round(opens=date(2027, 3, 1), closes=date(2027, 4, 30))
    engine, service = with_deadline(catalogue, "welfare_card_registration", rounds=(coming,))

    assert engine.availability(service, {}, TODAY).opens == date(2027, 3, 1)
    line = engine.timeline(service, {}, TODAY, date(2028, 1, 1))
    assert [(step.day, step.state) for step in line.steps] == [
        (TODAY, State.NOT_YET), (date(2027, 3, 1), State.OPEN), (date(2027, 5, 1), State.NO_ROUND),
    ]  # fmt: skip


def test_a_round_that_the_agency_announces_needs_nobody_to_list_it(look: Look) -> None:
    welfare, opens, closes = "welfare_card_registration", date(2026, 12, 1), date(2026, 12, 31)
    announced: dict[str, Any] = {"welfare_round.opens": opens, "welfare_round.closes": closes}

    before = look(welfare, TODAY, announced)
    assert (before.state, before.opens, before.until) == (State.NOT_YET, opens, date(2026, 11, 30))
    assert (look(welfare, opens, announced).state, look(welfare, opens, announced).closes) == (State.OPEN, closes)
    assert look(welfare, date(2027, 1, 1), announced).state is State.NO_ROUND
    assert look(welfare, date(2022, 10, 1), announced).state is State.OPEN, "those that are listed stay"
    for half in ({"welfare_round.opens": opens}, {**announced, "welfare_round.closes": date(2026, 11, 30)}):
        assert look(welfare, opens, half).state is State.NO_ROUND


def test_a_programme_is_open_while_it_pays(look: Look) -> None:
    assert look("rice_farmer_support", date(2024, 11, 30)).state is State.NO_ROUND
    assert look("rice_farmer_support", date(2025, 12, 31)).closes == date(2025, 12, 31)
    assert look("rice_farmer_support", date(2026, 1, 1)).state is State.NO_ROUND


def test_what_has_ended_is_closed_and_what_begins_is_not_yet(look: Look) -> None:
    assert look("digital_wallet_10k", date(2025, 4, 30)).closes == date(2025, 4, 30)
    assert look("digital_wallet_10k", date(2025, 5, 1)).state is State.CLOSED
    before = look("thirty_baht_anywhere", date(2024, 1, 6))
    assert (before.state, before.opens, before.until) == (State.NOT_YET, date(2024, 1, 7), date(2024, 1, 6))


def test_vaccines_are_due_month_by_month(look: Look) -> None:
    facts = {"child.birth_date": date(2026, 8, 31)}

    assert look("epi_vaccination", TODAY, facts).deadline == date(2026, 12, 31)
    assert look("epi_vaccination", date(2027, 1, 1), facts).deadline == date(2027, 2, 28)


def test_the_right_itself_can_be_what_a_deadline_counts_from(engine: Engine, the: The) -> None:
    facts: dict[str, Any] = {
        "person.alive": True, "sso.section": "33", "sso.months_in_last_36": 20, "child.birth_date": date(2026, 5, 1),
        "child.legitimate_for_claimant": True, "child.adopted_by_other": False, "children.count_receiving_sso": 0,
    }  # fmt: skip
    allowance = the("sso_child_allowance")

    assert engine.availability(allowance, facts, TODAY).deadline == date(2028, 5, 1)
    assert engine.availability(allowance, facts | {"sso.section": "none"}, TODAY).deadline is None


def test_an_announced_day_is_given_among_the_facts(look: Look) -> None:
    assert look("tax_refund_promptpay", facts={"tax.due_date": date(2026, 3, 31)}).deadline == date(2029, 3, 31)
    assert look("tax_refund_promptpay").missing == ("tax.due_date",)


def test_an_alternative_keeps_a_closed_right_open(catalogue: Catalogue) -> None:
    change = catalogue.service("sso_hospital_change")
    assert change is not None
    assert change.deadline is not None
    engine, service = with_deadline(
        catalogue,
        "sso39_enrolment",
        alternative=replace(change.deadline.alternative, length=Span(days=10)),  # type: ignore[type-var]  # it has one
    )
    facts = {"employment.end_date": date(2026, 1, 1), "person.address_changed_date": date(2026, 11, 20)}

    assert service.deadline is not None
    assert service.deadline.anchor == FactDay(fact="employment.end_date")
    assert engine.availability(service, facts, TODAY).closes == date(2026, 11, 30)
    assert engine.availability(service, facts, date(2026, 12, 1)).state is State.CLOSED
    before = engine.availability(service, facts, date(2026, 11, 1))
    assert (before.state, before.until) == (State.CLOSED, date(2026, 11, 19))


@pytest.mark.parametrize("happened", [None, date(2025, 2, 28), date(2026, 9, 1)], ids=str)
def test_the_timeline_has_every_day_on_which_it_opens_or_closes(
    engine: Engine, catalogue: Catalogue, happened: date | None
) -> None:
    """Day by day for nearly two years, with everything unknown, or everything having happened on one day."""
    facts: dict[str, Any] = {fact.path: happened for fact in catalogue.facts if fact.kind == "date" and happened}
    for service in catalogue.services:
        if service.deadline is None and service.valid_from is None and service.valid_to is None:
            continue
        line = engine.timeline(service, facts, date(2025, 8, 1), date(2027, 4, 30))
        day = line.since
        while day <= line.until:
            assert line.at(day).state is engine.availability(service, facts, day).state, (service.code, day)
            day += timedelta(days=1)
