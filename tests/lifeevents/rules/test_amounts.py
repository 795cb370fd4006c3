"""What services pay, checked by hand against their law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from lifeevents.catalogue.model import Catalogue, Formula, OneOf, PublicService
from lifeevents.rules.amount import ItemAmount
from lifeevents.rules.engine import Engine
from lifeevents.rules.ir import DID_NOT_HAPPEN

TODAY = date(2026, 11, 21)
BIRTH = "person.birth_date"
The = Callable[[str], PublicService]


def items(engine: Engine, service: PublicService, facts: dict[str, Any], on: date = TODAY) -> dict[str, ItemAmount]:
    return {one.item: one for one in engine.amount(service, facts, on)}


def value(engine: Engine, service: PublicService, item: str, facts: dict[str, Any], on: date = TODAY) -> Any:
    found = items(engine, service, facts, on)[item]
    return found.main and found.main.value


@pytest.mark.parametrize(
    ("born", "on", "baht"),
    [
        (date(1966, 11, 1), TODAY, 600),
        (date(1957, 9, 30), TODAY, 600),  # 69 on 30 September 2026
        (date(1956, 9, 30), TODAY, 700),  # 70 that day
        (date(1956, 10, 1), TODAY, 600),  # 70 only a day later: from the next fiscal year
        (date(1956, 10, 1), date(2027, 10, 1), 700),
        (date(1946, 9, 30), TODAY, 800),
        (date(1936, 9, 30), TODAY, 1000),
        (date(1936, 10, 1), TODAY, 800),
    ],
)
def test_the_old_age_allowance_rises_at_70_80_90(engine: Engine, the: The, born: date, on: date, baht: int) -> None:
    assert items(engine, the("old_age_allowance"), {BIRTH: born}, on)["monthly_amount"].total == baht


def test_for_six_months_of_2022_there_was_more(engine: Engine, the: The) -> None:
    facts = {BIRTH: date(1950, 1, 1)}  # 71 on 30 September 2021
    allowance = the("old_age_allowance")

    assert items(engine, allowance, facts, date(2022, 3, 31))["monthly_amount"].total == 700
    found = items(engine, allowance, facts, date(2022, 4, 1))["monthly_amount"]
    assert (found.main and found.main.value, [one.value for one in found.top_ups], found.total) == (700, [150], 850)
    assert items(engine, allowance, facts, date(2022, 10, 1))["monthly_amount"].total == 700


def test_an_age_not_known_leaves_the_amount_unknown(engine: Engine, the: The) -> None:
    found = items(engine, the("old_age_allowance"), {})["monthly_amount"]

    assert (found.main, found.total, found.missing) == (None, None, (BIRTH,))


def test_the_disability_allowance_by_age_and_card(engine: Engine, the: The) -> None:
    allowance, adult, child = the("disability_allowance"), {BIRTH: date(1990, 1, 1)}, {BIRTH: date(2015, 1, 1)}

    assert items(engine, allowance, child)["monthly_amount"].total == 1000
    with_card = items(engine, allowance, adult | {"person.welfare_card_holder": True})["monthly_amount"]
    assert with_card.total == 1000
    assert items(engine, allowance, adult | {"person.welfare_card_holder": False})["monthly_amount"].total == 800
    # Whether 200 comes on top is not known; 800 is.
    unsure = items(engine, allowance, adult)["monthly_amount"]
    assert (unsure.main and unsure.main.value, unsure.total, unsure.missing) == (
        800,
        None,
        ("person.welfare_card_holder",),
    )
    assert items(engine, allowance, child, date(2020, 9, 30))["monthly_amount"].total == 800


def test_the_child_grant(engine: Engine, the: The) -> None:
    assert value(engine, the("child_support_grant"), "เงินอุดหนุน", {}) == 600


@pytest.mark.parametrize(
    ("reason", "ended", "percent"),
    [
        ("dismissed", date(2025, 6, 27), 50),
        ("dismissed", date(2025, 6, 28), 60),
        ("resigned", date(2026, 11, 1), 30),
        ("dismissed", date(2021, 1, 1), 70),
    ],
)
def test_unemployment_pays_by_the_law_of_the_day_the_job_ended(
    engine: Engine, the: The, reason: str, ended: date, percent: int
) -> None:
    facts = {"employment.end_reason": reason, "employment.end_date": ended}

    assert value(engine, the("sso_unemployment_benefit"), "rate", facts) == percent


def test_without_the_day_or_the_reason_the_rate_is_unknown(engine: Engine, the: The) -> None:
    benefit = the("sso_unemployment_benefit")

    found = items(engine, benefit, {"employment.end_reason": "dismissed"})["rate"]
    assert (found.main, found.missing) == (None, ("employment.end_date",))
    assert items(engine, benefit, {"employment.end_date": TODAY})["rate"].missing == ("employment.end_reason",)
    never = {"employment.end_reason": "dismissed", "employment.end_date": DID_NOT_HAPPEN}
    assert "rate" not in items(engine, benefit, never)


def test_the_wage_ceiling_follows_the_law(engine: Engine, the: The) -> None:
    wage = the("sso_maternity_wage")

    assert value(engine, wage, "เพดานฐานค่าจ้าง", {"child.birth_date": date(2025, 12, 31)}) == 15_000
    assert value(engine, wage, "เพดานฐานค่าจ้าง", {"child.birth_date": date(2026, 1, 1)}) == 17_500
    assert value(engine, the("sso33_registration"), "เพดานค่าจ้าง", {}, date(2029, 1, 15)) == 20_000


def test_maternity_leave_is_120_days_since_december_2025(engine: Engine, the: The) -> None:
    leave = the("maternity_leave")

    assert value(engine, leave, "วันลาคลอด", {}, date(2025, 12, 6)) == 98
    assert value(engine, leave, "วันลาคลอด", {}, date(2025, 12, 7)) == 120
    assert "คู่สมรสลาช่วยดูแล" not in items(engine, leave, {}, date(2025, 12, 6))
    assert items(engine, leave, {})["วันลาคลอด"].total is None  # days are no money


def test_a_month_is_paid_by_the_law_of_its_first_day(catalogue: Catalogue, engine: Engine, the: The) -> None:
    saving = the("nsf_membership")

    assert "ออมสูงสุด" not in items(engine, saving, {}, date(2015, 8, 31))  # the law began on the 20th
    assert value(engine, saving, "ออมสูงสุด", {}, date(2015, 9, 1)) == 13_200
    ended = replace(saving, amounts=tuple(replace(one, valid_to=date(2022, 12, 10)) for one in saving.amounts[:1]))
    other = Engine(replace(catalogue, services=tuple(ended if one is saving else one for one in catalogue.services)))
    assert value(other, ended, "ออมสูงสุด", {}, date(2022, 12, 31)) == 13_200
    assert items(other, ended, {}, date(2023, 1, 1)) == {}


@pytest.mark.parametrize(
    ("started", "ended", "days"),
    [
        (date(2026, 7, 5), date(2026, 11, 1), None),  # 119 days
        (date(2026, 7, 4), date(2026, 11, 1), 30),  # 120
        (date(2025, 11, 1), date(2026, 11, 1), 90),
        (date(2025, 11, 2), date(2026, 11, 1), 30),
        (date(2023, 11, 1), date(2026, 11, 1), 180),
        (date(2020, 11, 1), date(2026, 11, 1), 240),
        (date(2016, 11, 1), date(2026, 11, 1), 300),
        (date(2006, 11, 1), date(2026, 11, 1), 400),
        (date(1999, 5, 4), date(2019, 5, 4), 300),  # before the sixth step was made
    ],
)
def test_severance_by_length_of_service(engine: Engine, the: The, started: date, ended: date, days: int | None) -> None:
    facts = {"employment.start_date": started, "employment.end_date": ended}
    found = items(engine, the("severance_claim"), facts).get("ค่าชดเชย")

    assert (found and found.main and found.main.value) == days


@pytest.mark.parametrize(
    ("price", "on", "percent"),
    [
        (5_000_000, date(2024, 4, 8), 2),
        (3_000_000, date(2024, 4, 8), 1),
        (7_000_000, date(2024, 4, 9), Decimal("0.01")),
        (7_000_001, date(2024, 4, 9), 2),
    ],
)
def test_the_most_specific_transfer_fee_wins(engine: Engine, the: The, price: int, on: date, percent: Any) -> None:
    facts = {
        "property.sale_price": price, "property.appraised_value": price, "property.mortgage_amount": 0,
        "property.type": "detached", "person.nationality": "thai",
    }  # fmt: skip
    transfer = the("land_transfer")

    assert value(engine, transfer, "transfer_fee", facts, on) == percent
    del facts["property.type"]
    unsure = items(engine, transfer, facts, date(2024, 4, 9))["transfer_fee"]
    if percent == Decimal("0.01"):
        assert (unsure.main, unsure.missing) == (None, ("property.type",))


def test_antenatal_visits_are_paid_in_steps(engine: Engine, the: The) -> None:
    item = "ค่าฝากครรภ์รวม"
    visit = {"person.antenatal_visit_date": TODAY}

    for weeks, baht in [(12, 500), (13, 300), (20, 300), (21, 300), (30, 200)]:
        facts = visit | {"person.pregnancy_start_date": date.fromordinal(TODAY.toordinal() - 7 * weeks)}
        assert value(engine, the("sso_antenatal_reimbursement"), item, facts) == baht


def test_amounts_that_are_no_numbers(engine: Engine, the: The) -> None:
    months = {"sso.months_total": 11}
    assert value(engine, the("sso_old_age_lump_sum"), "lump_sum", months) == Formula(name="employee_contribution_only")
    assert value(engine, the("passport_apply"), "book_validity", {BIRTH: date(2006, 11, 21)}) == OneOf(values=(5, 10))
    assert value(engine, the("passport_apply"), "book_validity", {BIRTH: date(2006, 11, 22)}) == 5
    pension = items(engine, the("sso_old_age_pension"), {})["pension_rate"]
    assert (pension.main and pension.main.value, [one.value for one in pension.top_ups]) == (20, [Decimal("1.5")])
    assert pension.total is None  # so much for every twelve months more: the agency works it out


def test_an_uncertain_amount_says_so(engine: Engine, the: The) -> None:
    found = items(engine, the("nsf_membership"), {BIRTH: date(1990, 1, 1)})["ออมสูงสุด"]

    assert found.main is not None
    assert (found.main.value, found.main.confidence) == (30_000, "uncertain")


def test_no_service_pays_what_is_no_longer_valid(engine: Engine, the: The) -> None:
    for service in engine.catalogue.services:
        for one in engine.amount(service, {}, TODAY):
            if one.main is not None and service.choose_by in (None, "today"):
                assert one.main.row.is_valid(TODAY), (service.code, one.item)
