"""The catalogue that comes with the code: whole, quick to load, easy to look things up in."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import time
import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.language import Text, fill
from lifeevents.catalogue import FOLDER, Catalogue, counts, load
from lifeevents.catalogue.model import (
    Amount,
    AnnouncedDay,
    AnyOf,
    CalendarYearOf,
    Computed,
    Criterion,
    DateRule,
    FactDay,
    MonthDay,
    OnDay,
    OnEvent,
    ParameterRef,
    Span,
    TurnsDay,
    criteria,
)

SMALL = Path(__file__).with_name("small_catalogue")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def test_everything_is_there(catalogue: Catalogue) -> None:
    assert counts(catalogue) == {
        "life stages": 12,
        "life events": 34,
        "services": 109,
        "agencies": 48,
        "operations": 184,
        "facts": 189,
        "parameters": 12,
        "evidence": 49,
        "event types": 43,
        "notifications": 122,
    }


def test_life_stages_come_in_the_order_of_life(catalogue: Catalogue) -> None:
    codes = [stage.code for stage in catalogue.life_stages]

    assert codes[:3] == ["birth", "childhood", "education"]
    assert codes[-2:] == ["retirement", "death"]


def test_a_code_leads_to_what_it_names_and_an_unknown_one_nowhere(catalogue: Catalogue) -> None:
    service = catalogue.service("birth_registration")
    assert service is not None
    assert service.title == Text(th="แจ้งเกิด", en="Birth registration")
    assert (stage := catalogue.life_stage("birth")) is not None
    assert "birth_of_child" in stage.life_events
    assert "birth_registration" in stage.services
    assert catalogue.life_event("birth_of_child") is not None
    assert catalogue.agency("sso") is not None
    assert catalogue.operation("sso.get_contributions") is not None
    assert catalogue.fact("person.age_years") is not None
    assert catalogue.event_date("election.day") is not None
    assert catalogue.evidence_type("id_card") is not None
    assert catalogue.parameter("sso_wage_ceiling") is not None
    assert catalogue.event_type("th.sso.hospital.changed") is not None
    assert catalogue.word("channels", "counter").en == "agency counter"
    told = catalogue.notification("birth_registration.n1")
    assert told is not None
    assert told[1] is service

    assert catalogue.service("nowhere") is None
    assert catalogue.notification("nowhere.n1") is None


def test_a_rule_is_carried_whole(catalogue: Catalogue) -> None:
    def values(code: str) -> list[object]:
        service = catalogue.service(code)
        assert service is not None
        return [leaf.value for leaf in criteria(service.eligibility)]

    assert Computed(name="current_fiscal_year", plus=1) in values("old_age_allowance_registration")
    assert ParameterRef(parameter="marriage_min_age") in values("marriage_registration")
    assert Span(months=6) in values("sso_maternity_lump")
    assert ("33", "39") in values("sso_maternity_lump")
    unemployment = catalogue.service("unemployment_registration")
    assert unemployment is not None
    assert any(isinstance(part, AnyOf) and len(part.parts) == 3 for part in unemployment.eligibility.parts)
    assert "sso.insured_status_ended" in unemployment.facts


def test_amounts_keep_their_periods_and_conditions(catalogue: Catalogue) -> None:
    transfer = catalogue.service("land_transfer")
    assert transfer is not None

    def fees(day: date) -> list[Amount]:
        return [row for row in transfer.amounts if row.item == "transfer_fee" and row.is_valid(day)]

    assert [row.value for row in fees(date(2022, 1, 1))] == [2]
    assert [row.value for row in fees(date(2026, 6, 30))] == [2, Decimal("0.01")]
    assert len(list(criteria(fees(date(2026, 6, 30))[1].when))) == 5
    assert transfer.choose_by == "transfer"


def test_a_parameter_has_the_value_of_its_day(catalogue: Catalogue) -> None:
    ceiling = catalogue.parameter("sso_wage_ceiling")
    assert ceiling is not None

    found = [ceiling.on(day) for day in (date(1990, 1, 1), date(2025, 12, 31), date(2026, 1, 1), date(2040, 1, 1))]

    assert [value and value.value for value in found] == [None, 15000, 17500, 23000]


def test_days_are_typed(catalogue: Catalogue) -> None:
    def trigger(notification: str) -> OnDay | OnEvent:
        found = catalogue.notification(notification)
        assert found is not None
        return found[0].trigger

    def starts(life_event: str) -> DateRule:
        found = catalogue.life_event(life_event)
        assert found is not None
        assert isinstance(found.trigger, DateRule)
        return found.trigger

    assert trigger("sso_hospital_change.n1") == OnDay(anchor=MonthDay(month=12, day=16), year_when=None)
    assert trigger("first_id_card.n1") == OnDay(
        anchor=TurnsDay(birth_date="person.birth_date", years=7), year_when=None
    )
    assert trigger("student_loan_repayment.n1") == OnDay(
        anchor=AnnouncedDay(event_date="loan.due_date"), year_when=None
    )
    assert trigger("birth_registration.n1") == OnEvent(event="hospital_birth")
    assert trigger("military_selection.n1") == OnDay(
        anchor=MonthDay(month=4, day=1), year_when=Criterion(fact="person.military_age", op="eq", value=21)
    )
    assert starts("vehicle_owner").day == FactDay(fact="vehicle.tax_expiry_date")
    assert starts("vehicle_owner").offset == Span(days=-90)
    assert starts("starting_school").calendar_year == CalendarYearOf(fact="child.birth_date", plus=7)
    ucep = catalogue.notification("ucep_emergency.n1")
    assert ucep is not None
    assert ucep[0].offset == timedelta(hours=60)


def test_every_registry_trigger_is_answered_by_an_event_type(catalogue: Catalogue) -> None:
    assert [one.type for one in catalogue.events_for_trigger("address_changed")] == ["th.dopa.address.changed"]
    assert len(catalogue.events_for_trigger("sso.status_changed")) == 3
    assert catalogue.events_for_trigger("nothing") == ()


def test_a_change_of_hospital_is_told_in_both_languages_and_calendars(catalogue: Catalogue) -> None:
    event_type = catalogue.event_type("th.sso.hospital.changed")
    assert event_type is not None
    assert event_type.notice is not None
    data = {
        "citizen_id": "1000000000009",
        "hospital": {"code": "10001", "name": {"th": "โรงพยาบาลตัวอย่าง", "en": "Example Hospital"}},
        "effective_date": "2026-12-01",
    }

    jsonschema_rs.validate(event_type.schema(), data)

    assert "โรงพยาบาลตัวอย่าง" in fill(event_type.notice.body, data, "th")
    assert "1 ธันวาคม 2569" in fill(event_type.notice.body, data, "th")
    assert "From 1 December 2026 your hospital is Example Hospital" in fill(event_type.notice.body, data, "en")
    assert "โรงพยาบาล" not in event_type.notice.lock_screen.th


def test_every_schema_lets_nothing_unknown_in_and_no_wrong_identity_number(catalogue: Catalogue) -> None:
    for event_type in catalogue.event_types:
        validator = jsonschema_rs.validator_for(event_type.schema())

        assert not validator.is_valid({"surprise": 1})
        assert not validator.is_valid({"citizen_id": "12345"})


def test_no_lock_screen_names_the_matter(catalogue: Catalogue) -> None:
    shown = {one.notice.lock_screen for one in catalogue.event_types if one.notice}

    assert shown == {Text(th="คุณมีเรื่องใหม่จากหน่วยงานรัฐ", en="You have a message from a state agency")}


def test_the_dead_are_told_nothing(catalogue: Catalogue) -> None:
    for kind in ("th.dopa.death.registered", "th.moph.death.reported"):
        event_type = catalogue.event_type(kind)
        assert event_type is not None
        assert event_type.notice is not None
        assert event_type.notice.to == "family"


def test_sensitive_facts_are_marked(catalogue: Catalogue) -> None:
    sensitive = {fact.path for fact in catalogue.facts if fact.is_sensitive}

    assert {
        "person.pregnant",
        "person.disability_card_status",
        "crime.known_date",
        "licence.medical_cert_days",
    } <= sensitive


def test_the_values_of_an_enum_have_names(catalogue: Catalogue) -> None:
    section = catalogue.fact("sso.section")
    assert section is not None

    assert section.say("40_3") == Text(th="มาตรา 40 ทางเลือก 3", en="section 40, option 3")
    assert section.say("else") == Text(th="else", en="else")


def test_every_thai_text_is_thai_and_every_english_one_is_not(catalogue: Catalogue) -> None:
    thai = re.compile("[\u0e00-\u0e7f]")

    def texts(value: object) -> list[Text]:
        if isinstance(value, Text):
            return [value]
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]
            return [text for name in names for text in texts(getattr(value, name))]
        return [text for item in value for text in texts(item)] if isinstance(value, tuple) else []

    found = texts(catalogue)

    assert len(found) > 1000
    assert [text.en for text in found if thai.search(text.en)] == []
    # Names that are the same in both languages.
    assert {text.th for text in found if not thai.search(text.th)} <= {"ThaID", "Biz Portal"}


def test_a_service_knows_where_in_life_it_comes_up(catalogue: Catalogue) -> None:
    found = catalogue.steps_with("sso_hospital_change")

    assert [(event.code, step.order) for event, step in found] == [("first_job", 2), ("moving_house", 3)]


def test_search_finds_words_anywhere_in_either_language(catalogue: Catalogue) -> None:
    assert catalogue.search("เบี้ยยังชีพ")[0].code == "old_age_allowance_registration"
    assert [service.code for service in catalogue.search("REGISTRATION birth")][:1] == ["birth_registration"]
    assert [service.code for service in catalogue.search("first_id_card")] == ["first_id_card"]
    assert catalogue.search("no such thing at all") == ()
    assert catalogue.search("  ") == catalogue.services


def test_search_puts_titles_before_summaries(catalogue: Catalogue) -> None:
    found = catalogue.search("wage")

    in_title = ["wage" in f"{service.code} {service.title.en}".lower() for service in found]
    assert in_title == sorted(in_title, reverse=True)
    assert True in in_title
    assert False in in_title


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_search_minds_neither_case_nor_composition_nor_zero_width_signs(
    catalogue: Catalogue, data: st.DataObject
) -> None:
    service = data.draw(st.sampled_from(catalogue.services))
    title = data.draw(st.sampled_from([service.title.th, service.title.en]))
    sign = data.draw(st.sampled_from(["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"]))
    place = data.draw(st.integers(0, len(title)))
    forms: list[Literal["NFC", "NFD"]] = ["NFC", "NFD"]
    form = data.draw(st.sampled_from(forms))
    written = unicodedata.normalize(form, title[:place] + sign + title[place:])
    written = written.upper() if data.draw(st.booleans()) else written

    assert service in catalogue.search(written)


@settings(max_examples=100, deadline=None)
@given(text=st.text())
def test_any_text_at_all_can_be_searched_for(catalogue: Catalogue, text: str) -> None:
    assert set(catalogue.search(text)) <= set(catalogue.services)


def test_the_catalogue_is_frozen(catalogue: Catalogue) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        catalogue.release = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        catalogue.words["channels"] = {}  # type: ignore[index]


def test_the_release_follows_the_content(catalogue: Catalogue, tmp_path: Path) -> None:
    before = load(SMALL).release
    folder = tmp_path / "copy"
    shutil.copytree(SMALL, folder)
    same = load(folder).release
    page = folder / "birth.yaml"
    page.write_text(page.read_text() + "# a remark\n")

    assert same == before
    assert load(folder).release not in (before, catalogue.release)


def test_loading_is_quick() -> None:
    started = time.process_time()

    load()

    assert time.process_time() - started < 2  # about 0.15 s; a shared machine may be slow


def test_the_example_of_the_page_for_policy_officers_is_right(project: Path, tmp_path: Path) -> None:
    page = (project / "docs/catalogue.md").read_text()
    example = re.search(r"## A service\n\n```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    folder = tmp_path / "copy"
    shutil.copytree(FOLDER, folder)
    childhood = folder / "childhood.yaml"
    before, _ = re.split(r"(?m)^- id: first_id_card$", childhood.read_text())
    childhood.write_text(before + example[1])

    assert load(folder).service("first_id_card") is not None


def test_no_rule_holds_code(project: Path) -> None:
    for path in FOLDER.glob("*.yaml"):
        assert "expr:" not in path.read_text()


def test_the_yaml_reads_the_same_with_any_yaml_reader(catalogue: Catalogue) -> None:
    """Nothing in the files depends on our own reader: a plain one sees the same services and conditions."""
    seen = {}
    for path in FOLDER.glob("*.yaml"):
        for service in yaml.load(path.read_text(), Loader=yaml.CSafeLoader).get("services", []):
            seen[service["id"]] = json.dumps(service["eligibility"]).count('"fact"')

    assert seen == {service.code: len(list(criteria(service.eligibility))) for service in catalogue.services}


def test_the_data_lies_beside_the_modules_that_read_it() -> None:
    assert {path.name for path in FOLDER.iterdir()} >= {
        "__init__.py",
        "agencies.yaml",
        "event_types.yaml",
        "retirement.yaml",
    }
