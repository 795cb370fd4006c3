"""Why, by how much, and in words: what a clerk would say, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from foundation.dates import partial_from_buddhist
from foundation.language import Text
from lifeevents.catalogue.model import Catalogue, PublicService, Span
from lifeevents.rules.engine import Engine
from lifeevents.rules.explain import CalendarTime, Outcome, Reason, ReasonGroup
from lifeevents.rules.ir import DID_NOT_HAPPEN
from lifeevents.rules.sentences import Sentences

TODAY = date(2026, 11, 21)
BIRTH = "person.birth_date"
LIVING: dict[str, Any] = {"person.alive": True, "person.nationality": "thai"}
The = Callable[[str], PublicService]
Reasons = Callable[..., dict[str, Reason]]


@pytest.fixture(scope="module")
def sentences(catalogue: Catalogue) -> Sentences:
    return Sentences(catalogue)


@pytest.fixture
def reasons(engine: Engine, the: The) -> Reasons:
    """The reasons of a service by their fact."""

    def find(code: str, facts: dict[str, Any], on: date = TODAY) -> dict[str, Reason]:
        return {one.criterion.fact: one for one in engine.explain(the(code), facts, on).reasons()}

    return find


# by how much


def test_an_age_is_missing_by_months_and_days(reasons: Reasons) -> None:
    age = reasons("elderly_travel_discount", LIVING | {BIRTH: date(1967, 2, 23)})["person.age_years"]

    assert (age.holds, age.used, age.against, age.base) == (False, 59, 60, date(1967, 2, 23))
    assert (age.turns_on, age.time) == (date(2027, 2, 23), CalendarTime(0, 3, 2))


def test_income_is_above_by_so_much(reasons: Reasons) -> None:
    facts = {"household.income_per_capita_per_year": Decimal(112000)}
    income = reasons("child_support_grant", facts)["household.income_per_capita_per_year"]

    assert (income.holds, income.apart, income.turns_on) == (False, 12_000, None)


def test_what_still_holds_says_until_when(reasons: Reasons) -> None:
    age = reasons("child_support_grant", {"child.birth_date": date(2022, 5, 5)})["child.age_years"]

    assert (age.holds, age.turned_on, age.turns_on) == (True, date(2022, 5, 5), date(2028, 5, 5))


def test_what_is_over_says_since_when(reasons: Reasons) -> None:
    facts = {"sso.section33_end_date": date(2026, 3, 10)}
    since = reasons("health_right_after_job_loss", facts)["sso.days_since_section33_ended"]

    assert (since.holds, since.turned_on, since.turns_on) == (False, date(2026, 9, 11), None)
    assert since.against == Span(months=6)


def test_a_day_on_which_nothing_turned_is_not_named(reasons: Reasons) -> None:
    """The law changed in 2025; this person was too young before and after."""
    age = reasons("marriage_registration", {BIRTH: date(2010, 6, 1)})["person.age_years"]

    assert (age.holds, age.turned_on, age.turns_on) == (False, None, date(2028, 6, 1))


def test_a_parameter_is_shown_with_its_value_and_source(reasons: Reasons) -> None:
    income = reasons("student_loan_apply", {"household.family_income_per_year": 400_000})[
        "household.family_income_per_year"
    ]

    assert (income.against, income.apart) == (360_000, 40_000)
    assert income.parameter is not None
    assert income.parameter.source is not None


def test_a_doubt_about_a_condition_is_kept(reasons: Reasons) -> None:
    within = reasons("sso_maternity_lump", {})["child.days_from_section33_end_to_birth"]

    assert within.confidence == "known"


# the tree


def test_the_tree_has_the_shape_of_the_law(engine: Engine, the: The) -> None:
    facts = LIVING | {BIRTH: date(1990, 1, 1), "vehicle.type": "motorcycle"}
    root = engine.explain(the("driving_licence_first"), facts, TODAY).root

    either = next(part for part in root.parts if isinstance(part, ReasonGroup))
    assert (either.kind, either.holds, [part.holds for part in either.parts]) == ("any", True, [True, None])


def test_what_decided_is_told_from_what_did_not(engine: Engine, the: The) -> None:
    facts = LIVING | {BIRTH: date(1990, 1, 1), "person.state_pensioner": True}
    explained = engine.explain(the("old_age_allowance"), facts, TODAY)

    assert explained.outcome is Outcome.NOT_ELIGIBLE
    assert {one.criterion.fact for one in explained.deciding()} == {"person.age_years", "person.state_pensioner"}


def test_a_denied_condition_decides_by_what_is_in_it(engine: Engine, the: The) -> None:
    facts = {
        "person.alive": True, BIRTH: date(1970, 1, 1), "sso.insured_status_ended": True, "sso.months_total": 200,
        "employment.status": "unemployed",
    }  # fmt: skip
    explained = engine.explain(the("unemployment_registration"), facts, TODAY)

    assert explained.outcome is Outcome.NOT_ELIGIBLE
    assert {one.criterion.fact for one in explained.deciding()} >= {"person.age_years", "sso.insured_status_ended"}


def test_a_service_that_is_over_is_so_whatever_the_facts(engine: Engine, the: The, sentences: Sentences) -> None:
    explained = engine.explain(the("copay_scheme_2568"), {}, TODAY)

    assert (explained.outcome, explained.in_force, explained.missing) == (Outcome.NOT_ELIGIBLE, False, ())
    assert sentences.headline(explained).en == "“Khon La Khrueng Plus” ended on 31 December 2025."


# in words


def test_a_missing_age_in_words(reasons: Reasons, sentences: Sentences) -> None:
    said = sentences.reason(reasons("elderly_travel_discount", LIVING | {BIRTH: date(1967, 2, 23)})["person.age_years"])

    assert said.th == (
        "อายุเต็มปีต้องตั้งแต่ 60 ปีขึ้นไป: ปัจจุบัน 59 ปี (วันเกิด 23 กุมภาพันธ์ 2510) อีก 3 เดือน 2 วัน จะเข้าเกณฑ์ในวันที่ 23 กุมภาพันธ์ 2570"
    )
    assert said.en == (
        "Age in completed years must be at least 60; now 59 (date of birth 23 February 1967), 3 months and 2 days to go: "
        "it will be met on 23 February 2027."
    )


def test_a_birth_date_half_known_in_words(reasons: Reasons, sentences: Sentences) -> None:
    facts = LIVING | {BIRTH: partial_from_buddhist(2480)}
    said = sentences.reason(reasons("elderly_travel_discount", facts)["person.age_years"])

    assert "วันเกิดทราบเพียงปี จึงนับจาก 1 เมษายน 2480 ตาม ป.พ.พ. มาตรา 16" in said.th
    assert "only the year is known, so it counts from 1 April 1937: Civil and Commercial Code, section 16" in said.en


WORDS: list[tuple[str, str, Any, str, str]] = [
    (
        "old_age_allowance", "person.state_pensioner", True,
        "ต้องไม่ได้รับบำนาญ/เบี้ยหวัดจากรัฐ: ข้อมูลระบุว่ารับบำนาญ/เบี้ยหวัดจากรัฐ",
        "You must not draw a state pension; the record says you do.",
    ),
    (
        "old_age_allowance", "person.old_age_allowance_registered", None,
        "ต้องลงทะเบียน/ยืนยันสิทธิเบี้ยยังชีพแล้ว: ยังไม่ทราบ (องค์กรปกครองส่วนท้องถิ่นบอกได้)",
        "You must have registered or confirmed the old-age allowance; not known yet (the Local administrative organisations via DLA could tell).",
    ),
    (
        "child_support_grant", "child.in_state_institution", False,
        "บุตรต้องไม่อยู่ในสถานสงเคราะห์: ข้อมูลระบุว่าบุตรไม่อยู่ในสถานสงเคราะห์",
        "The child must not live in a welfare institution; the record says the child does not.",
    ),
    (
        "child_support_grant", "household.income_per_capita_per_year", 112_000,
        "รายได้ครัวเรือนเฉลี่ยต่อคนต่อปีต้องไม่เกิน 100,000 บาท: ข้อมูลคือ 112,000 บาท เกินไป 12,000 บาท",
        "Household income per member per year must be at most 100,000 baht; the record says 112,000 baht, over by 12,000 baht.",
    ),
    (
        "sso_old_age_pension", "sso.months_total", 179,
        "เดือนสมทบรวมกรณีชราภาพต้องตั้งแต่ 180 เดือนขึ้นไป: ข้อมูลคือ 179 เดือน ขาดอีก 1 เดือน",
        "Total months of old-age contributions must be at least 180; the record says 179, short by 1.",
    ),
    (
        "nsf_membership", "sso.section", "33",
        "มาตราที่เป็นผู้ประกันตน ณ วันประเมินต้องเป็น “ไม่ใช่ผู้ประกันตน” หรือ “มาตรา 40 ทางเลือก 1”: ข้อมูลคือ “มาตรา 33”",
        "Section insured under must be “not insured” or “section 40, option 1”; the record says “section 33”.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fact", "value", "th", "en"), WORDS, ids=lambda value: str(value)[:30])
def test_in_words(reasons: Reasons, sentences: Sentences, code: str, fact: str, value: Any, th: str, en: str) -> None:
    said = sentences.reason(reasons(code, {} if value is None else {fact: value})[fact])

    assert said.th == th
    assert said.en == en


def test_a_length_of_time_in_words(reasons: Reasons, sentences: Sentences) -> None:
    code, fact = "health_right_after_job_loss", "sso.days_since_section33_ended"
    said = sentences.reason(reasons(code, {"sso.section33_end_date": date(2026, 9, 10)})[fact])

    assert said.th == (
        "ต้องไม่เกิน 6 เดือน นับจากวันพ้นสภาพ ม.33: ปัจจุบัน 72 วัน (วันพ้นสภาพ ม.33 10 กันยายน 2569) ใช้ได้ถึงวันที่ 10 มีนาคม 2570"
    )
    assert said.en == (
        "At most 6 months may have passed since the date section 33 status ended; now 72 days (date section 33 status ended "
        "10 September 2026), which holds until 10 March 2027."
    )
    never = sentences.reason(reasons(code, {"sso.section33_end_date": DID_NOT_HAPPEN})[fact])
    assert "ข้อมูลไม่มีวันพ้นสภาพ ม.33" in never.th


def test_the_headline_says_what_is_missing_and_who_could_tell(engine: Engine, the: The, sentences: Sentences) -> None:
    facts = LIVING | {BIRTH: date(1950, 1, 1)}
    del facts["person.nationality"]
    said = sentences.headline(engine.explain(the("elderly_travel_discount"), facts, TODAY))

    assert said.th.endswith("เพราะยังไม่ทราบสัญชาติ (กรมการปกครองบอกได้)")
    assert said.en.endswith("what is missing is nationality (the Department of Provincial Administration could tell).")


def test_the_law_is_named(the: The, sentences: Sentences) -> None:
    said = sentences.law(the("old_age_allowance_registration").legal_basis[0])

    assert said.th == "พ.ร.บ.ผู้สูงอายุ พ.ศ. 2546 มาตรา 11(11)"
    assert said.en == "พ.ร.บ.ผู้สูงอายุ B.E. 2546 (2003), section 11(11)"


def test_being_alive_is_only_mentioned_where_it_fails(engine: Engine, the: The, sentences: Sentences) -> None:
    travel = the("elderly_travel_discount")
    alive = [line.text.en for line in sentences.lines(engine.explain(travel, LIVING, TODAY))]
    dead = [line.text.en for line in sentences.lines(engine.explain(travel, {"person.alive": False}, TODAY))]

    assert not any("alive" in line for line in alive)
    assert dead[0] == "The person must be alive; the record says the person has died."


def test_every_service_can_be_said(engine: Engine, catalogue: Catalogue, sentences: Sentences) -> None:
    """Knowing nothing, and knowing that nothing happened: no hole in any sentence, in either language."""
    nothing = {fact.path: DID_NOT_HAPPEN for fact in catalogue.facts if fact.derived is None}
    for service in catalogue.services:
        for facts in ({}, nothing):
            explained = engine.explain(service, facts, TODAY)
            said = [sentences.headline(explained), *(line.text for line in sentences.lines(explained))]
            for text in said:
                assert text.th.strip(), service.code
                assert not {"{}", "  ", "None", " .", "DidNot"} & {
                    text.en[i : i + n] for n in (2, 4, 6) for i in range(len(text.en))
                }
                assert "  " not in text.th, text.th


def test_what_happened_is_said_in_both_languages(engine: Engine, the: The, sentences: Sentences) -> None:
    registration, certificate = the("death_registration"), "deceased.death_certificate_date"

    def said(facts: dict[str, Any]) -> Text:
        explained = engine.explain(registration, {"relation.role_to_deceased": "child"} | facts, TODAY)
        return next(sentences.reason(one) for one in explained.reasons() if one.criterion.fact == certificate)

    assert said({certificate: date(2026, 11, 20)}).en == (
        "The date the death certificate was issued must not have come; the record says 20 November 2026, "
        "which it has not met since 20 November 2026."
    )
    assert said({certificate: date(2026, 11, 20)}).th == (
        "ต้องยังไม่มีวันออกมรณบัตร: ข้อมูลคือ 20 พฤศจิกายน 2569 ไม่เข้าเกณฑ์ตั้งแต่วันที่ 20 พฤศจิกายน 2569"
    )
    assert "there is none on record" in said({certificate: DID_NOT_HAPPEN}).en
    assert "not known yet" in said({}).en


def test_an_uncertain_way_to_count_is_marked(engine: Engine, the: The, sentences: Sentences) -> None:
    """Nobody found whether the first and the last day count; whoever is told the length is told that too."""
    facts = {"employment.start_date": date(2026, 1, 1), "employment.end_date": date(2026, 9, 1)}
    explained = engine.explain(the("severance_claim"), facts, TODAY)

    tenure = next(one for one in explained.reasons() if one.criterion.fact == "employment.tenure_days")
    assert tenure.confidence == "uncertain"
    assert sentences.reason(tenure).en.endswith("(the rule is unconfirmed).")
    assert "ยังไม่ยืนยัน" in sentences.reason(tenure).th
