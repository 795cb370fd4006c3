"""What is refused, and how: each slip of a policy officer is named with its file, its line and what would be right.

The slips are made in a small catalogue of its own, one of everything, so that a test shows all there is to see.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.language import Text
from lifeevents.catalogue import FOLDER, Catalogue, CatalogueWrong, Problem, counts, load
from lifeevents.catalogue.model import (
    AnnouncedDay,
    CalendarYearOf,
    Criterion,
    Derived,
    EventType,
    EvidenceUse,
    Fact,
    FactDay,
    OnEvent,
    ParameterRef,
    PlannedStep,
    PublicService,
    RegistryEvent,
    TurnsDay,
    criteria,
)

SMALL = Path(__file__).with_name("small_catalogue")
FILES = sorted(path.name for path in SMALL.glob("*.yaml"))
THAI = re.compile("[\u0e00-\u0e7f]")


class Slip(NamedTuple):
    """In `file`, `old` is written as `new`; the problem stands on the line of `at` and says all of `says`."""

    what: str
    file: str
    old: str
    new: str
    says: tuple[str, ...]
    at: str = ""


def problems_of(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(CatalogueWrong) as refused:
        load(folder)
    return refused.value.problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "catalogue"
    shutil.copytree(SMALL, copy)
    return copy


# The condition of the second row of an amount.
HIGH = "when: {fact: sso.months, op: gte, value: 36}"

STEPS = """  - {order: 1, service: birth_registration, depends_on: []}
  - {order: 2, service: child_grant, depends_on: [birth_registration], only_if: {fact: sso.section, op: eq, value: '33'}}
"""
STEPS_TURNED = """  - {order: 1, service: child_grant, depends_on: []}
  - {order: 2, service: birth_registration, depends_on: [child_grant]}
"""
HIGH_ROW = (
    "item: grant\n    value: 800\n    unit: THB\n    per: month\n    valid_from: '2020-01-01'\n    valid_to: null\n    "
)
LOW = "value: 600\n    unit: THB\n"
LOW_PERIOD = LOW.replace("value", "    value") + "    per: month\n    valid_from: '2020-01-01'\n    valid_to: null\n"
TIERS = "value: null\n    tiers: {{by: sso.months, rows: [{{label: a, from: 0, up_to: 12, value: 500}},\n      {}]}}\n    unit: THB\n"
FEE = "  - {name: fee, value: 0, unit: THB, valid_from: null, valid_to: null}"

SLIPS = [
    # keys and types
    Slip("an unknown key", "birth.yaml", "channels: [counter]", "chanels: [counter]", ("'chanels' isn't a known key", "did you mean 'channels'?")),
    Slip("a missing key", "birth.yaml", "  kind: registration\n", "", ("the key 'kind' is missing",), at="- id: birth_registration"),
    Slip("a duplicate key", "birth.yaml", "  agency: dopa\n  kind: registration", "  agency: dopa\n  agency: sso\n  kind: registration", ("'agency' stands here a second time", "keep one"), at="agency: sso"),
    Slip("a text for a list", "birth.yaml", "channels: [counter]", "channels: counter", ("here belongs a list",)),
    Slip("a list for a text", "birth.yaml", "as_of: '2025-06-30'\n", "as_of: ['2025-06-30']\n", ("isn't a day",)),
    Slip("a text for a mapping", "birth.yaml", "title: {th: แจ้งเกิด, en: Birth registration}", "title: แจ้งเกิด", ("here belongs a mapping",)),
    Slip("a word for a number", "birth.yaml", "order: 1, service: birth_registration", "order: one, service: birth_registration", ("'one' isn't a whole number", "digits only")),
    Slip("a number in quotes", "birth.yaml", "days: 15", "days: '15'", ("isn't a whole number", "without quotes")),
    Slip("yes for true", "evidence.yaml", "once_only: true", "once_only: yes", ("'yes' is neither true nor false",)),
    Slip("a value outside its list", "birth.yaml", "kind: registration", "kind: registrations", ("'registrations' isn't a known possible value", "did you mean 'registration'?")),
    Slip("a code with capitals", "birth.yaml", "- id: allowance", "- id: Allowance", ("can't be a code", "small letters")),
    # languages
    Slip("a missing Thai text", "birth.yaml", "title: {th: แจ้งเกิด, en: Birth registration}", "title: {en: Birth registration}", ("the Thai text is missing", "add th:")),
    Slip("a missing English text", "agencies.yaml", "name: {th: กรมการปกครอง, en: Department of Provincial Administration}", "name: {th: กรมการปกครอง}", ("the English text is missing", "add en:")),
    Slip("an empty English text", "evidence.yaml", "en: photograph", "en: ''", ("a text is missing here",)),
    # references
    Slip("an unknown agency", "birth.yaml", "  agency: dopa\n  kind: registration", "  agency: dopaa\n  kind: registration", ("'dopaa' isn't a known agency", "did you mean 'dopa'?")),
    Slip("an unknown service in a life event", "birth.yaml", "service: allowance", "service: allowanse", ("'allowanse' isn't a known service", "did you mean 'allowance'?")),
    Slip("an unknown service in requires", "birth.yaml", "requires: [birth_registration]", "requires: [birth_registraton]", ("isn't a known service", "'birth_registration'")),
    Slip("an unknown fact", "birth.yaml", "{fact: person.age_years, op: gte, value: 18}", "{fact: person.age_year, op: gte, value: 18}", ("'person.age_year' isn't a known fact", "did you mean 'person.age_years'?")),
    Slip("an unknown parameter", "birth.yaml", "{parameter: income_limit}", "{parameter: income_limits}", ("isn't a known parameter", "did you mean 'income_limit'?")),
    Slip("an unknown piece of evidence", "birth.yaml", "{id: id_card, holder", "{id: id_cart, holder", ("'id_cart' isn't a known evidence",)),
    Slip("an unknown operation", "evidence.yaml", "fetch_op: dopa.get_person", "fetch_op: dopa.get_persons", ("isn't a known operation", "'dopa.get_person'")),
    Slip("an unknown unit", "birth.yaml", "value: 600\n    unit: THB", "value: 600\n    unit: BAHT", ("'BAHT' isn't a known unit",), at="unit: BAHT"),
    Slip("an unknown channel", "birth.yaml", "channels: [counter]", "channels: [countre]", ("isn't a known channel", "'counter'")),
    Slip("an unknown recipient", "birth.yaml", "to: family", "to: familly", ("isn't a known recipient", "'family'")),
    Slip("an unknown topic", "event_types.yaml", "topic: birth", "topic: birht", ("isn't a known life stage", "'birth'")),
    Slip("the wrong life stage", "birth.yaml", "life_stage: birth\n  title: {th: มีลูก", "life_stage: death\n  title: {th: มีลูก", ("this is the file of the life stage birth",), at="life_stage: death"),
    Slip("a life stage in the wrong file", "birth.yaml", "life_stage:\n  id: birth", "life_stage:\n  id: death", ("is called death.yaml, not birth.yaml",), at="  id: death"),
    # names that must be one thing only
    Slip("a service twice", "birth.yaml", "- id: allowance\n  title: {th: เบี้ย", "- id: child_grant\n  title: {th: เบี้ย", ("the service 'child_grant' stands here a second time", "rename or remove one")),
    Slip("a fact twice", "facts.yaml", "path: sso.end_date, type: date", "path: person.alive, type: date", ("the fact 'person.alive' stands here a second time (first in facts.yaml:4)",)),
    Slip("an agency twice", "agencies.yaml", "- id: sso\n  name: {th: สำนัก", "- id: dopa\n  name: {th: สำนัก", ("the agency 'dopa' stands here a second time",)),
    Slip("a source of two agencies", "agencies.yaml", "['urn:th:agency:sso',", "['urn:th:agency:dopa',", ("belongs to the agency in agencies.yaml:6 already",)),
    Slip("a source that isn't one", "agencies.yaml", "'https://sso.go.th'", "'sso.go.th'", ("isn't a source", "urn:th:agency:")),
    Slip("a notification of another service", "birth.yaml", "id: child_grant.n1", "id: allowance.n1", ("is called child_grant.n1",)),
    # what YAML 1.1 makes of bare words
    Slip("a section without quotes", "birth.yaml", "value: ['33', '40_3']", "value: ['33', 40_3]", ("YAML reads 40_3 as a number", "write it in quotes: '40_3'")),
    Slip("a choice without quotes", "facts.yaml", "{value: '33', th: ม.33", "{value: 33, th: ม.33", ("YAML reads 33 as a number", "'33'")),
    Slip("a section of a law without quotes", "birth.yaml", "section: '18'", "section: 18", ("write it in quotes: '18'",)),
    Slip("a bare no", "evidence.yaml", "en: photograph", "en: no", ("YAML reads no as a yes/no value", "'no'")),
    Slip("an anchor of YAML", "evidence.yaml", "- {id: photo", "- &photo {id: photo", ("anchors (&) and aliases (*) aren't used",)),
    Slip("a tag of YAML", "evidence.yaml", "en: photograph", "en: !!str photograph", ("isn't used here; leave it out",)),
    # days
    Slip("a day that doesn't exist", "birth.yaml", "as_of: '2025-06-30'", "as_of: '2025-06-31'", ("there is no day 2025-06-31",)),
    Slip("a day that isn't ISO", "birth.yaml", "as_of: '2025-06-30'", "as_of: 30/06/2025", ("isn't a day", "YYYY-MM-DD")),
    Slip("a day of the Buddhist era", "birth.yaml", "as_of: '2025-06-30'", "as_of: '2568-06-30'", ("looks like a Buddhist year", "2025-06-30")),
    Slip("a law of the Common Era", "birth.yaml", "year_be: 2534", "year_be: 1991", ("Buddhist era",)),
    Slip("a validity that ends before it begins", "birth.yaml", "    valid_from: '2020-01-01'\n    valid_to: null\n    when: {fact: sso.months, op: lt", "    valid_from: '2020-01-01'\n    valid_to: '2019-01-01'\n    when: {fact: sso.months, op: lt", ("valid_to lies before valid_from",), at="- name: {th: น้อย"),
    Slip("a day of the year that no year has", "birth.yaml", "window: 12-16/03-31", "window: 12-16/02-30", ("MM-DD/MM-DD",)),
    # parameters
    Slip("a gap in a parameter", "parameters.yaml", "valid_from: '2025-01-01'", "valid_from: '2025-02-01'", ("a gap: no value from 2025-01-01 on", "begin this one on '2025-01-01'")),
    Slip("an overlap in a parameter", "parameters.yaml", "valid_from: '2025-01-01'", "valid_from: '2024-12-01'", ("an overlap", "begin this one on '2025-01-01'")),
    Slip("an open end in the middle of a parameter", "parameters.yaml", "valid_to: '2024-12-31'", "valid_to: null", ("only the last may end open",), at="value: 100000"),
    # sources
    Slip("a sourced value without a source", "parameters.yaml", "source: 'https://example.go.th', ", "", ("confidence is sourced, but no source is named",), at="value: 100000"),
    Slip("a sourced service without a source", "birth.yaml", "  source: https://example.go.th/grant\n", "", ("confidence is sourced, but no source is named", "add source:"), at="- id: child_grant"),
    Slip("a source that is no address", "birth.yaml", "source: https://example.go.th/grant", "source: example", ("isn't an address",)),
    # conditions
    Slip("a value that isn't in the enum", "birth.yaml", "op: eq, value: '33'", "op: eq, value: '34'", ("'34' isn't a known value of sso.section", "it is one of: 33, 40_3")),
    Slip("more or less of a yes", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnant, op: gte, value: true}", ("gte doesn't fit person.pregnant, which is of type bool; use eq, ne",)),
    Slip("a word for a yes", "birth.yaml", "op: eq, value: true", "op: eq, value: pregnant", ("'pregnant' is neither true nor false",)),
    Slip("a list with eq", "birth.yaml", "op: eq, value: '33'", "op: eq, value: ['33']", ("eq compares with one value; use in for a list",)),
    Slip("in without a list", "birth.yaml", "op: in, value: ['33', '40_3']", "op: in, value: '33'", ("in wants a list",)),
    Slip("a value twice in a list", "birth.yaml", "value: ['33', '40_3']", "value: ['33', '33']", ("says a value twice",)),
    Slip("an unknown comparison", "birth.yaml", "op: gte, value: 18", "op: atleast, value: 18", ("'atleast' isn't a known possible value", "gte")),
    Slip("a parameter in another unit", "birth.yaml", "{fact: sso.months, op: lt, value: 12}", "{fact: sso.months, op: lt, value: {parameter: income_limit}}", ("sso.months is in month, the parameter in THB", "can't be compared")),
    Slip("months of a fact that isn't counted from a date", "birth.yaml", "{fact: sso.months, op: lt, value: 12}", "{fact: sso.months, op: lt, value: {months: 12}}", ("months and years need a fact counted in days from a date",)),
    Slip("months and years at once", "birth.yaml", "{months: 6}", "{months: 6, years: 1}", ("give one of months, years",)),
    Slip("a fiscal year of a fact that isn't one", "birth.yaml", "{fact: sso.months, op: lt, value: 12}", "{fact: sso.months, op: lt, value: {computed: current_fiscal_year}}", ("current_fiscal_year compares with a fact in 'BE fiscal year'",)),
    Slip("an unknown computed value", "birth.yaml", "{computed: current_fiscal_year, plus: 1}", "{computed: current_year, plus: 1}", ("'current_year' isn't a known possible value",)),
    Slip("code in a rule", "birth.yaml", "{computed: current_fiscal_year, plus: 1}", "expr:current_fiscal_year+1", ("isn't a whole number",)),
    Slip("a condition that is two things", "birth.yaml", "    - any:\n", "    - all: []\n      any:\n", ("a condition is one of all: […], any: […], not: {…}",), at="- all: []"),
    Slip("an empty any", "birth.yaml", "{fact: person.age_years, op: gte, value: 60}", "{any: []}", ("an empty any can never hold",)),
    Slip("a root that isn't all", "birth.yaml", "    all:\n    - {fact: person.age_years, op: gte, value: 60}", "    any:\n    - {fact: person.age_years, op: gte, value: 60}", ("the root of an eligibility is all: […]",), at="  eligibility:\n    any"),
    Slip("a child's fact in a rule about a person", "birth.yaml", "{fact: person.age_years, op: gte, value: 60}", "{fact: child.birth_date, op: gte, value: '2020-01-01'}", ("known per child", "the service is per_person")),
    # amounts
    Slip("two rows that could both win", "birth.yaml", HIGH, HIGH.replace("36", "30"), ("may hold on the same day and neither is more specific", "different items"), at="- name: {th: มาก"),
    Slip("dated amounts without a day to choose by", "birth.yaml", "  choose_by: payment_month\n", "", ("add choose_by: one of today",), at="- id: child_grant"),
    Slip("an amount below zero", "birth.yaml", "value: 600", "value: -600", ("-600 is below zero",)),
    Slip("a service that is offered nowhere", "birth.yaml", "channels: [counter]", "channels: []", ("name at least one channel",), at="- id: birth_registration"),
    # deadlines and days to count from
    Slip("a legal deadline without a length", "birth.yaml", "kind: legal, days: 15,", "kind: legal,", ("a deadline of kind legal needs anchor: and one of days:",)),
    Slip("a length without an anchor", "birth.yaml", "kind: window, window: 12-16/03-31", "kind: window, window: 12-16/03-31, days: 3", ("needs the day it counts from; add anchor:",)),
    Slip("an anchor that is no date", "birth.yaml", "anchor: child.birth_date", "anchor: person.age_years", ("person.age_years is no date",)),
    Slip("an anchor that nobody knows", "birth.yaml", "anchor: child.birth_date", "anchor: child.birthdate", ("'child.birthdate' isn't a known day", "did you mean 'child.birth_date'?")),
    Slip("a notification on a day that nobody knows", "birth.yaml", "'date:12-31'", "'date:sometime'", ("'sometime' isn't a known day",)),
    Slip("an age of someone without a birth date", "birth.yaml", "'date:12-31'", "'date:vehicle.turns_7'", ("needs the date fact vehicle.birth_date",)),
    Slip("a year that narrows no yearly day", "birth.yaml", "'date:12-31'", "'date:person.turns_60'", ("year_when goes with a yearly day",)),
    Slip("a derived fact from what is no date", "facts.yaml", "derived: {since: sso.end_date", "derived: {since: sso.section", ("sso.section is no date",)),
    Slip("completed years that don't say how they count", "facts.yaml", ", leap_day: following", "", ("add leap_day: and attained:",), at="derived: {since: person.birth_date, unit: year"),
    Slip("a fact that is derived from a sensitive one and isn't", "facts.yaml", "title: {th: วันสิ้นสุด, en: end}, privacy: personal", "title: {th: วันสิ้นสุด, en: end}, privacy: sensitive", ("is sensitive too; write privacy: sensitive",), at="derived: {since: sso.end_date"),
    # events
    Slip("a notification on an event that nobody reports", "birth.yaml", "trigger: birth.registered, offset_days", "trigger: birth.registred, offset_days", ("no event type answers to it", "did you mean 'birth.registered'?")),
    Slip("a life event on an event of another agency", "birth.yaml", "event: birth.registered, agency: dopa", "event: birth.registered, agency: sso", ("isn't reported by sso, but by dopa",)),
    Slip("an event type that answers to what nobody asks", "event_types.yaml", "trigger: []", "trigger: [right.due]", ("no life event and no notification asks for it",)),
    Slip("an event type under another agency's name", "event_types.yaml", "type: th.dopa.birth.registered", "type: th.sso.birth.registered", ("is called th.dopa.noun.past_tense_verb",)),
    Slip("a schema that isn't one", "event_types.yaml", "day: {type: string, format: date}", "day: {type: day}", ("this isn't JSON Schema 2020-12",), at="  schema:\n    type: object\n    additionalProperties: false\n    required: [citizen_id, hospital"),
    Slip("a schema with a lost reference", "event_types.yaml", "hospital: {$ref: '#/$defs/place'}", "hospital: {$ref: '#/$defs/plaze'}", ("isn't a known $ref", "'#/$defs/place'"), at="  schema:\n    type: object\n    additionalProperties: false\n    required: [citizen_id, hospital"),
    Slip("a schema that lets anything in", "event_types.yaml", "    additionalProperties: false\n    required: [citizen_id]\n", "    required: [citizen_id]\n", ("write type: object and additionalProperties: false",), at="  schema:\n    type: object\n    required: [citizen_id]"),
    Slip("a person that the schema doesn't require", "event_types.yaml", "required: [citizen_id]\n", "required: []\n", ("the schema must require citizen_id as an identity number",), at="person: citizen_id\n  sensitive: false\n  notice: null"),
    Slip("a place in a notice that leads nowhere", "event_types.yaml", "en: At {hospital.name} on", "en: At {hospital.title} on", ("{hospital.title} leads to no required text",), at="    body:"),
    Slip("a place in a notice that may stay empty", "event_types.yaml", "th: ที่ {hospital.name} เมื่อ", "th: ที่ {previous.name} เมื่อ", ("{previous.name} leads to no required text",), at="    body:"),
    Slip("a date in a notice that isn't printed as one", "event_types.yaml", "en: At {hospital.name} on {date:registered_on}", "en: At {hospital.name} on {registered_on}", ("{registered_on} should be {date:registered_on}",), at="    body:"),
    Slip("a notice whose languages differ", "event_types.yaml", "en: At {hospital.name} on {date:registered_on}", "en: On {date:registered_on}", ("the Thai and the English text have different places",), at="    body:"),
    Slip("a text in a notice that may lack a language", "event_types.yaml", "required: [th, en]", "required: [th]", ("{hospital.name} leads to no required text",), at="    body:"),
    Slip("a completed service that isn't there", "event_types.yaml", "  sensitive: false\n  notice:\n", "  sensitive: false\n  completes: [chlid_grant]\n  notice:\n", ("isn't a known service",), at="  completes: ["),
    Slip("a told fact that isn't there", "event_types.yaml", "  sensitive: false\n  notice:\n", "  sensitive: false\n  facts: {person.brith_date: registered_on}\n  notice:\n", ("isn't a known fact", "did you mean 'person.birth_date'?"), at="  facts: {"),
    Slip("a told fact from a field that can't hold it", "event_types.yaml", "  sensitive: false\n  notice:\n", "  sensitive: false\n  facts: {person.birth_date: hospital.name}\n  notice:\n", ("'hospital.name' is no field of the data that can hold a fact of type date",), at="  facts: {"),
    Slip("an event about an area that names a citizen", "event_types.yaml", "person: citizen_id", "person: null", ("its data names a citizen", "person: citizen_id"), at="- type: th.dopa.birth.registered"),
    # evidence
    Slip("evidence that is fetched by somebody else", "evidence.yaml", "holder: dopa", "holder: sso", ("dopa.get_person isn't an operation of the holder sso",)),
    Slip("evidence that differs from its register", "birth.yaml", "{id: id_card, holder: dopa, fetch_op: dopa.get_person, prefill: true}", "{id: id_card, holder: dopa, fetch_op: null, prefill: false}", ("evidence.yaml says holder dopa, fetch_op dopa.get_person",)),
    Slip("a form prefilled by nobody", "birth.yaml", "{id: id_card, holder: dopa, fetch_op: dopa.get_person, prefill: true}", "{id: photo, holder: self, fetch_op: null, prefill: true}", ("write prefill: false",)),
    # the whole
    Slip("a service that no life event leads to", "birth.yaml", "  - {order: 1, service: allowance, depends_on: []}", "  - {order: 1, service: birth_registration, depends_on: []}", ("no life event leads to allowance",), at="- id: allowance"),
    Slip("services that require one another", "birth.yaml", "requires: []\n  notifications:\n  - {id: birth_registration", "requires: [allowance]\n  notifications:\n  - {id: birth_registration", ("in a circle: ", "birth_registration → allowance → child_grant → birth_registration"), at="- id: birth_registration"),
    Slip("steps that depend on one another", "birth.yaml", "service: birth_registration, depends_on: []", "service: birth_registration, depends_on: [child_grant]", ("these steps depend on one another in a circle",), at="  services:"),
    Slip("a step that depends on a later one", "birth.yaml", "service: birth_registration, depends_on: []", "service: birth_registration, depends_on: [allowance]", ("allowance isn't an earlier step of this life event",)),
    Slip("steps out of order", "birth.yaml", "{order: 2,", "{order: 3,", ("numbered in their order; this is 2",)),
    # what contradicts itself
    Slip("conditions that no one can meet", "birth.yaml", "    - {fact: sso.section, op: in, value: ['33', '40_3']}\n", "    - {fact: sso.section, op: in, value: ['33', '40_3']}\n    - {fact: person.age_years, op: lt, value: 18}\n", ("no one can ever meet this: person.age_years gte 18 and person.age_years lt 18 (see line 62)",), at="    - {fact: person.age_years, op: lt, value: 18}"),
    Slip("a count that is above and below, by way of a date", "birth.yaml", "    - {fact: person.age_years, op: gte, value: 60}\n", "    - {fact: person.age_years, op: gte, value: 60}\n    - {fact: person.year_of_60, op: gt, value: {computed: current_fiscal_year, plus: 1}}\n", ("no one can ever meet this", "person.year_of_60 gt current_fiscal_year+1"), at="    - {fact: person.year_of_60, op: gt"),
    Slip("a value that the enum excludes", "birth.yaml", "    - {fact: sso.section, op: in, value: ['33', '40_3']}", "    - {fact: sso.section, op: not_in, value: ['33', '40_3']}", ("no one can ever meet this: sso.section not_in [33, 40_3]",)),
    Slip("a length of time that is below zero", "birth.yaml", "{fact: household.income, op: lte, value: {parameter: income_limit}}", "{fact: household.income, op: lt, value: 0}", ("no one can ever meet this: household.income lt 0",)),
    Slip("the living asked to be dead", "birth.yaml", "    - {fact: person.age_years, op: gte, value: 60}\n", "    - {fact: person.alive, op: eq, value: false}\n    - {fact: person.alive, op: eq, value: true}\n", ("person.alive eq false and person.alive eq true",), at="    - {fact: person.alive, op: eq, value: true}"),
    Slip("an alternative that is no one's", "birth.yaml", "      - {fact: person.pregnant, op: eq, value: true}", "      - {fact: person.age_years, op: lte, value: 17}", ("nobody who meets the other conditions can ever meet this alternative",)),
    Slip("an amount that no one gets", "birth.yaml", HIGH_ROW + HIGH, HIGH_ROW.replace("grant", "more") + "when: {fact: person.age_years, op: lt, value: 18}", ("nobody can ever get this row", "excludes the conditions of the service"), at="- name: {th: มาก"),
    Slip("an amount of a time before the service", "birth.yaml", "  scope: per_person\n  legal_basis: []\n  eligibility:\n    all:\n    - {fact: person.age_years, op: gte, value: 18}", "  scope: per_person\n  valid_to: '2019-12-31'\n  legal_basis: []\n  eligibility:\n    all:\n    - {fact: person.age_years, op: gte, value: 18}", ("nobody can ever get this row",), at="- name: {th: มาก"),
    Slip("a notice that asks the contrary of its service", "birth.yaml", "to: family, priority: low,", "when: {fact: person.age_years, op: lt, value: 18}, to: family, priority: low,", ("this can never be told: what it asks in when: excludes the conditions of child_grant", "move it to the service"), at="- {id: child_grant.n1"),
    Slip("a notice of an event that asks the contrary", "birth.yaml", "  deadline: {rule: ทุกปี, kind: window, window: 12-16/03-31}\n  evidence: []\n  fee: []\n  channels: [counter]\n  requires: [birth_registration]\n  notifications:\n", "  deadline: {rule: ทุกปี, kind: window, window: 12-16/03-31}\n  evidence: []\n  fee: []\n  channels: [counter]\n  requires: [birth_registration]\n  notifications:\n  - {id: child_grant.n2, trigger: birth.registered, when: {fact: sso.section, op: not_in, value: ['33', '40_3']}, offset_days: 1, to: self, priority: low, message: {th: มีสิทธิ, en: Yours}}\n", ("this can never be told",), at="- {id: child_grant.n2"),
    Slip("a notice on a day on which its service is no one's", "birth.yaml", "year_when: {fact: person.age_years, op: eq, value: 18}", "year_when: {fact: person.age_years, op: eq, value: 16}", ("this can never be told: its day excludes the conditions of child_grant",), at="- {id: child_grant.n1"),
    Slip("a notice ahead of a birthday that is too early", "birth.yaml", "'date:12-31', year_when: {fact: person.age_years, op: eq, value: 18}, offset_days: -60", "'date:person.turns_17', offset_days: -60", ("this can never be told: its day",), at="- {id: child_grant.n1"),
    Slip("a step for those who can't use it", "birth.yaml", "only_if: {fact: sso.section, op: eq, value: '33'}", "only_if: {fact: person.age_years, op: lt, value: 18}", ("nobody who needs this step can use it", "excludes the conditions of child_grant")),
    Slip("a life event of a year that never comes", "birth.yaml", "value: {computed: current_fiscal_year, plus: 1}}}", "value: 900}}", ("no year is ever meant: person.year_of_60 eq 900",)),
    Slip("a step that waits for itself by what its service requires", "birth.yaml", STEPS, STEPS_TURNED, ("this step waits for itself", "child_grant → birth_registration → child_grant"), at="  - {order: 1, service: child_grant"),
    # what belongs together over time
    Slip("steps that overlap", "birth.yaml", LOW, TIERS.format("{label: b, from: 12, value: 700}"), ("the step 'b' overlaps 'a'",), at="{label: b"),
    Slip("a gap between steps", "birth.yaml", LOW, TIERS.format("{label: b, above: 20, value: 700}"), ("a gap below the step 'b'",), at="{label: b"),
    Slip("a gap between the periods of an amount", "birth.yaml", LOW_PERIOD, "    value: 500\n    unit: THB\n    per: month\n    valid_from: '2020-01-01'\n    valid_to: '2020-12-31'\n    when: {fact: sso.months, op: lt, value: 36}\n  - name: {th: ใหม่, en: New}\n    item: grant\n    value: 600\n    unit: THB\n    per: month\n    valid_from: '2021-02-01'\n    valid_to: null\n", ("a gap: nothing holds from 2021-01-01 on; begin this one on '2021-01-01'",), at="- name: {th: ใหม่"),
    Slip("a fee twice on a day", "birth.yaml", FEE, FEE + "\n  - {name: fee, value: 20, unit: THB, valid_from: '2026-01-01', valid_to: null}", ("an overlap: the fee fee has another value on the same day",), at="  - {name: fee, value: 20"),
    Slip("a gap between fees", "birth.yaml", FEE, FEE.replace("valid_to: null", "valid_to: '2025-12-31'") + "\n  - {name: fee, value: 20, unit: THB, valid_from: '2026-02-01', valid_to: null}", ("a gap: nothing holds from 2026-01-01 on",), at="  - {name: fee, value: 20"),
    Slip("a share of what is no amount", "facts.yaml", "title: {th: ยังมีชีวิต, en: is alive}, privacy: personal}", "title: {th: ยังมีชีวิต, en: is alive}, privacy: personal, shared: {of: person.birth_date, among: person.alive}}", ("only an amount is shared out",), at="- {path: person.alive"),
    Slip("a share of what nobody says", "facts.yaml", "title: {th: ยังมีชีวิต, en: is alive}, privacy: personal}", "title: {th: ยังมีชีวิต, en: is alive}, privacy: personal, shared: {of: person.birth_date, among: person.alive}}", ("person.alive must be a number (int) that people say themselves",), at="- {path: person.alive"),
    Slip("an area of what happens to a person", "event_types.yaml", "  sensitive: false\n  notice:\n", "  sensitive: false\n  area: hospital\n  notice:\n", ("what happens to a person has no area",), at="  area: "),
    Slip("an area that lists no codes", "event_types.yaml", "person: citizen_id\n  sensitive: false\n  notice: null\n  schema:\n    type: object\n    additionalProperties: false\n    required: [citizen_id]", "person: null\n  area: citizen_id\n  sensitive: false\n  notice: null\n  schema:\n    type: object\n    additionalProperties: false\n    required: []", ("the schema must require 'citizen_id' as a list of area codes",), at="  area: "),
    Slip("a round announced by no event date", "birth.yaml", "kind: window, window: 12-16/03-31", "kind: round, announced: {opens: person.birth_date, closes: election.day}", ("name a day that an agency announces",)),
    Slip("a round announced where there are none", "birth.yaml", "kind: window, window: 12-16/03-31", "kind: window, window: 12-16/03-31, announced: {opens: election.day, closes: election.day}", ("announced: goes with kind: round alone",)),
    Slip("rounds that overlap", "birth.yaml", "kind: window, window: 12-16/03-31", "kind: round, rounds: [{opens: '2026-01-01', closes: '2026-03-31'}, {opens: '2026-03-31', closes: '2026-05-31'}]", ("the round that opens on 2026-03-31 overlaps",)),
    # doubts without their mark
    Slip("a doubt that only the note tells", "birth.yaml", "{fact: household.income, op: lte, value: {parameter: income_limit}}", "{fact: household.income, op: lte, value: {parameter: income_limit}, note: ยังไม่ยืนยัน}", ("the note says 'ไม่ยืนยัน'", "add confidence: uncertain")),
    Slip("a doubt about a parameter", "parameters.yaml", "confidence: known", "note: ต้องตรวจราชกิจจาฯ, confidence: known", ("the note says 'ต้องตรวจ'",)),
    Slip("a doubt about how a fact is counted", "facts.yaml", "derived: {since: sso.end_date, unit: day, basis: completed}", "derived: {since: sso.end_date, unit: day, basis: completed, note: unconfirmed}", ("the note says 'unconfirmed'",)),
    Slip("a doubt in the words of a deadline", "birth.yaml", "rule: ภายใน 15 วัน, kind", "rule: ภายใน 15 วัน (ไม่ยืนยัน), kind", ("the note says 'ไม่ยืนยัน'",)),
    Slip("an amount that nobody knows", "birth.yaml", "value: 600\n", "value: null\n", ("an amount that nobody knows is marked", "add confidence: uncertain"), at="- name: {th: น้อย"),
    Slip("sources that disagree", "birth.yaml", "kind: legal, days: 15,", "kind: legal, days: 15, early_days_conflict: [60, 90],", ("sources disagree; add confidence: uncertain",)),
    # what happened
    Slip("whether a number happened", "birth.yaml", "{fact: sso.months, op: lt, value: 12}", "{fact: sso.months, op: did_not_happen}", ("did_not_happen doesn't fit sso.months, which is of type int",)),
    Slip("a happening compared with something", "birth.yaml", "{fact: sso.months, op: lt, value: 12}", "{fact: sso.end_date, op: happened, value: '2020-01-01'}", ("happened asks whether there is such a day", "take value: out")),
    Slip("a comparison with nothing", "birth.yaml", "{fact: sso.months, op: lt, value: 12}", "{fact: sso.months, op: lt}", ("the key 'value' is missing here",)),
    Slip("a fact that follows from one that follows", "facts.yaml", "derived: {since: sso.end_date", "derived: {since: person.age_years", ("person.age_years is no date",)),
    Slip("a closed service without its last day", "birth.yaml", "status: active\n  scope: per_child", "status: closed\n  scope: per_child", ("add valid_to:",), at="- id: birth_registration"),
]  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.what)
def test_a_slip_is_refused_with_its_place_and_its_remedy(slip: Slip, folder: Path) -> None:
    page = folder / slip.file
    before = page.read_text()
    assert slip.old in before
    after = before.replace(slip.old, slip.new, 1)
    page.write_text(after)
    where = slip.at or slip.new
    line = after[: after.index(where)].count("\n") + 1

    problems = problems_of(folder)

    here = [problem for problem in problems if problem.file == slip.file and problem.line == line]
    told = [problem for problem in here if all(part in problem.says.en for part in slip.says)]
    assert told, "\n".join(map(str, problems))
    assert str(told[0]).startswith(f"{slip.file}:{line}: ")
    assert THAI.search(told[0].says.th)


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_gone_is_missed_by_name(file: str, folder: Path) -> None:
    (folder / file).unlink()

    problems = problems_of(folder)

    assert any(file in str(problem) for problem in problems)


def test_one_broken_file_does_not_drown_the_rest_in_echoes(folder: Path) -> None:
    (folder / "facts.yaml").write_text("facts: [")

    problems = problems_of(folder)

    assert [problem.file for problem in problems] == ["facts.yaml"]


def test_an_empty_register_makes_every_mention_unknown(folder: Path) -> None:
    (folder / "evidence.yaml").write_text("evidence: []\n")

    problems = problems_of(folder)

    assert [(problem.file, problem.says.en[:33]) for problem in problems] == [
        ("birth.yaml", "'id_card' isn't a known evidence")
    ]


def test_a_name_twice_on_one_line_is_seen(folder: Path) -> None:
    page = folder / "agencies.yaml"
    page.write_text(page.read_text().replace("['urn:th:agency:dopa']", "['urn:th:agency:dopa', 'urn:th:agency:dopa']"))

    assert "belongs to the agency in agencies.yaml:6 already" in problems_of(folder)[0].says.en


def test_all_problems_are_told_at_once_in_reading_order(folder: Path) -> None:
    page = folder / "birth.yaml"
    page.write_text(
        page.read_text()
        .replace("channels: [counter]", "channels: [kiosk]")
        .replace("as_of: '2025-12-31'", "as_of: today")
    )

    problems = problems_of(folder)

    assert len(problems) == 5
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)


def test_the_refusal_can_be_read_in_both_languages(folder: Path) -> None:
    page = folder / "birth.yaml"
    page.write_text(page.read_text().replace("channels: [counter]", "channels: [kiosk]", 1))

    with pytest.raises(CatalogueWrong) as refused:
        load(folder)

    assert "The catalogue has 1 problem:" in refused.value.message
    assert "birth.yaml:" in refused.value.message
    assert "บัญชีบริการมีข้อผิดพลาด 1 จุด" in refused.value.th
    assert refused.value.code == "CATALOGUE_WRONG"


def test_a_file_by_another_ending_is_not_quietly_left_out(folder: Path) -> None:
    (folder / "birth.yaml").rename(folder / "birth.yml")

    assert any("call it birth.yaml" in problem.says.en for problem in problems_of(folder))


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert any("can't read this folder" in problem.says.en for problem in problems_of(tmp_path / "nowhere"))


def test_two_life_stages_cannot_have_the_same_place_in_life(folder: Path) -> None:
    other = "life_stage:\n  id: death\n  order: 1\n  title: {th: ตาย, en: Death}\nlife_events: []\nservices: []\n"
    (folder / "death.yaml").write_text(other)

    problems = problems_of(folder)

    assert [(problem.file, problem.line) for problem in problems] == [("death.yaml", 3)]
    assert "birth has the order 1 already" in problems[0].says.en


def test_deep_nesting_is_refused_and_does_not_take_the_process_down(folder: Path) -> None:
    (folder / "birth.yaml").write_text("[" * 100_000)

    assert "nested more than" in problems_of(folder)[0].says.en


def test_rows_that_exclude_each_other_are_no_tie(folder: Path) -> None:
    page = folder / "birth.yaml"
    text = page.read_text()
    text = text.replace("when: {fact: sso.months, op: lt, value: 36}", "when: {fact: sso.section, op: eq, value: '33'}")
    page.write_text(text.replace(HIGH, "when: {fact: sso.section, op: in, value: ['40_3']}"))

    assert load(folder).service("child_grant") is not None


def test_what_happened_can_be_asked_of_any_date(folder: Path) -> None:
    page = folder / "birth.yaml"
    asked = "{fact: sso.end_date, op: did_not_happen}"
    page.write_text(page.read_text().replace("{fact: sso.months, op: lt, value: 12}", asked))

    grant = load(folder).service("child_grant")

    assert grant is not None
    assert Criterion(fact="sso.end_date", op="did_not_happen", value=None) in list(criteria(grant.eligibility))


def test_what_was_paid_for_those_born_long_ago_is_believed(folder: Path) -> None:
    """Nobody gets it today, but somebody did: what is looked for is not this year's citizens."""
    page = folder / "birth.yaml"
    text = page.read_text()
    begins = text.index("- id: birth_registration\n  title")
    row = (
        "  choose_by: birth_date\n  amounts:\n  - {name: {th: เงิน, en: Money}, value: 1, unit: THB, per: month, "
        "valid_from: '1990-01-01', valid_to: '1995-12-31'}\n"
    )
    registration = text[begins:].replace("  amounts: []\n", row, 1)
    registration = registration.replace(
        "    all: []\n", "    all:\n    - {fact: child.age_years, op: lt, value: 6}\n", 1
    )
    page.write_text(text[:begins] + registration)
    facts = folder / "facts.yaml"
    age = "derived: {since: child.birth_date, unit: year, basis: completed, leap_day: following, attained: birthday}"
    facts.write_text(
        facts.read_text()
        + "- {path: child.age_years, type: int, unit: year, source_agency: dopa, title: {th: อายุ, en: age}, "
        + f"privacy: personal, {age}}}\n"
    )

    assert load(folder).service("birth_registration") is not None


def test_a_condition_too_long_to_be_tried_out_is_believed(folder: Path) -> None:
    page = folder / "birth.yaml"
    asked = "    - {fact: sso.section, op: in, value: ['33', '40_3']}\n"
    many = "".join(f"    - {{fact: sso.months, op: ne, value: {number}}}\n" for number in range(2000))
    page.write_text(page.read_text().replace(asked, asked + many))

    assert load(folder).service("child_grant") is not None


def test_a_condition_with_too_many_ways_is_believed_in_time(folder: Path) -> None:
    page = folder / "birth.yaml"
    asked = "    - {fact: sso.section, op: in, value: ['33', '40_3']}\n"
    ways = ", ".join(f"{{fact: sso.months, op: eq, value: {number}}}" for number in range(30))
    page.write_text(page.read_text().replace(asked, asked + f"    - any: [{ways}]\n" * 30))
    started = time.process_time()

    load(folder)

    assert time.process_time() - started < 30


def test_the_fiscal_year_is_compared_only_with_a_year_counted_from_a_date(folder: Path) -> None:
    page = folder / "facts.yaml"
    counted = (
        "  derived: {since: person.birth_date, unit: fiscal_year_be, basis: fiscal_year_of_first_month, years: 60}\n"
    )
    assert counted in page.read_text()
    page.write_text(page.read_text().replace(counted, ""))

    (problem,) = problems_of(folder)

    assert problem.file == "birth.yaml"
    assert "counted from a date; person.year_of_60 isn't" in str(problem)


def test_the_small_catalogue_itself_is_right() -> None:
    assert counts(load(SMALL))["services"] == 3


def everything_in(value: object) -> Iterator[object]:
    yield value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if not field.name.startswith("_"):
                yield from everything_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from everything_in(item)


def assert_leads_somewhere(catalogue: Catalogue, value: object) -> None:
    match value:
        case Text(th=th, en=en):
            assert th.strip()
            assert en.strip()
        case Criterion(fact=fact, op=op, value=right):
            assert catalogue.fact(fact)
            assert isinstance(right, tuple) == (op in ("in", "not_in"))
        case FactDay(fact=path) | TurnsDay(birth_date=path) | CalendarYearOf(fact=path) | Derived(date_fact=path):
            assert (found := catalogue.fact(path))
            assert found.kind == "date"
        case AnnouncedDay(event_date=name):
            assert catalogue.event_date(name)
        case ParameterRef(parameter=name):
            assert catalogue.parameter(name)
        case OnEvent(event=name) | RegistryEvent(event=name):
            assert catalogue.events_for_trigger(name)
        case PlannedStep(service=code):
            assert catalogue.service(code)
        case EvidenceUse(evidence=name):
            assert catalogue.evidence_type(name)
        case PublicService(agency=agency, requires=requires, channels=channels):
            assert catalogue.agency(agency)
            assert all(catalogue.service(code) for code in requires)
            assert all(catalogue.word("channels", code) for code in channels)
        case Fact(source_agency=agency, kind=kind, choices=choices):
            assert catalogue.agency(agency)
            assert bool(choices) == (kind == "enum")
        case EventType(schema_json=schema, notice=notice):
            jsonschema_rs.validator_for(json.loads(schema))
            assert notice is None or catalogue.life_stage(notice.topic)


def assert_everything_leads_somewhere(catalogue: Catalogue) -> None:
    """What a loaded catalogue promises: no code in it is a dead end, no text is empty."""
    for value in everything_in(catalogue):
        assert_leads_somewhere(catalogue, value)


@pytest.mark.parametrize("folder", [FOLDER, SMALL], ids=["ours", "small"])
def test_in_a_loaded_catalogue_everything_leads_somewhere(folder: Path) -> None:
    assert_everything_leads_somewhere(load(folder))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(FILES),
    junk=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
)
def test_arbitrary_junk_is_refused_and_never_crashes(folder: Path, file: str, junk: bytes) -> None:
    page = folder / file
    whole = page.read_bytes()
    page.write_bytes(junk)

    try:
        assert problems_of(folder)
    finally:
        page.write_bytes(whole)


SCRAPS = st.sampled_from(
    ["null", "[]", "{}", "'x'", "40_3", "0", "-1", "1e999", "true", "2025-02-30", "[{}]", "{a: {b: []}}", "{$ref: x}", "'{x}'", "~", "\u200b", "date:", "th.a.b.c"]
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), scrap=SCRAPS, data=st.data())
def test_whatever_value_is_wrong_the_catalogue_is_refused_or_still_right(
    folder: Path, file: str, scrap: str, data: st.DataObject
) -> None:
    """Some value of the file becomes a scrap. Nothing else may happen: no crash, and no catalogue with a dead end."""
    page = folder / file
    whole = page.read_text()
    values = [match.span(1) for match in re.finditer(r"(?<=: )(\{.*\}|\[.*\]|'[^']*'|[^\s,{}\[\]]+)", whole)]
    begin, end = data.draw(st.sampled_from(values))
    page.write_text(whole[:begin] + scrap + whole[end:])

    try:
        assert_everything_leads_somewhere(load(folder))
    except CatalogueWrong as refused:
        assert refused.problems
    finally:
        page.write_text(whole)
