"""The JSON Schema that an editor checks the catalogue with: what the reader asks for, and never more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from lifeevents.catalogue import FOLDER, CatalogueWrong, json_schema, load
from lifeevents.catalogue.yaml import read_file
from lifeevents.rules.table import SCHEMA, behind, pages

FILES = sorted(FOLDER.rglob("*.yaml"))
SMALL = Path(__file__).with_name("small_catalogue")
# What has no form: another schema, and what no line of ours uses yet.
OPEN = {"schema", "definitions", "when_absent", "agencies", "lock_screen", "not"}


class Mistake(NamedTuple):
    what: str
    file: str
    old: str
    new: str


MISTAKES = [
    Mistake("an unknown key", "birth.yaml", "  kind: registration\n", "  knid: registration\n"),
    Mistake("a missing key", "birth.yaml", "  kind: registration\n", ""),
    Mistake("a text for a list", "birth.yaml", "channels: [hospital, app]", "channels: hospital"),
    Mistake("a missing language", "birth.yaml", "title: {th: ฝากครรภ์, en: Antenatal care registration}", "title: {th: ฝากครรภ์}"),
    Mistake("an unknown agency", "birth.yaml", "  agency: moph\n", "  agency: mohp\n"),
    Mistake("an unknown fact", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnent, op: eq, value: true}"),
    Mistake("more or less of a yes", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnant, op: gte, value: true}"),
    Mistake("a word for a yes", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnant, op: eq, value: 'yes'}"),
    Mistake("a value outside the enum", "birth.yaml", "op: in, value: ['33', '39']", "op: in, value: ['33', '34']"),
    Mistake("a number for a text", "birth.yaml", "op: in, value: ['33', '39']", "op: in, value: [33, 39]"),
    Mistake("a comparison with nothing", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnant, op: eq}"),
    Mistake("a happening compared", "death.yaml", "op: did_not_happen, note", "op: did_not_happen, value: '2020-01-01', note"),
    Mistake("whether a number happened", "birth.yaml", "{fact: sso.months_in_last_15, op: gte, value: 5}", "{fact: sso.months_in_last_15, op: happened}"),
    Mistake("a condition that is two things", "birth.yaml", "    - any:\n      - {fact: person.pregnant", "    - not: {fact: person.alive, op: eq, value: true}\n      any:\n      - {fact: person.pregnant"),
    Mistake("a day that isn't ISO", "birth.yaml", "as_of: '2025-12-31'", "as_of: 31/12/2025"),
    Mistake("a number in quotes", "birth.yaml", "    days: 84\n", "    days: '84'\n"),
    Mistake("an amount below zero", "birth.yaml", "up_to: 12, value: 500", "up_to: 12, value: -500"),
    Mistake("a kind that isn't one", "birth.yaml", "    kind: recommended\n", "    kind: recomended\n"),
    Mistake("an anchor that is no day", "birth.yaml", "anchor: person.pregnancy_start_date", "anchor: person.pregnancy_weeks"),
    Mistake("an unknown trigger", "birth.yaml", "trigger: pregnancy.recorded", "trigger: pregnancy.recrded"),
    Mistake("an unknown channel", "birth.yaml", "channels: [hospital, app]", "channels: [hospital, ap]"),
    Mistake("a doubtful confidence", "parameters.yaml", "confidence: known", "confidence: certain"),
    Mistake("a type of fact that isn't one", "facts.yaml", "  type: bool\n", "  type: boolean\n"),
    Mistake("a type of field that isn't one", "agencies/dopa.yaml", "response: {death_date: date,", "response: {death_date: datum,"),
    Mistake("a source that is no address", "birth.yaml", "source: https://", "source: htps://"),
]  # fmt: skip


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json_schema())
    return found


@pytest.fixture(scope="module")
def validator(written: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(written)


def plain(file: str, text: str) -> Any:
    root = read_file(file, text.encode(), [])
    assert root is not None
    return root.plain()


def test_it_is_a_json_schema(written: dict[str, Any]) -> None:
    jsonschema_rs.meta.validate(written)


def test_what_docs_hold_is_up_to_date(project: Path) -> None:
    assert behind(load(), project / "docs") == [], "run: tangrat catalogue docs"


def test_what_is_behind_is_named(tmp_path: Path) -> None:
    catalogue = load()
    for name, page in pages(catalogue):
        (tmp_path / name).write_text(page)
    assert behind(catalogue, tmp_path) == []
    (tmp_path / SCHEMA).write_text("{}")
    (tmp_path / "catalogue-index.th.md").unlink()

    assert behind(catalogue, tmp_path) == ["catalogue-index.th.md", SCHEMA]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_file_of_ours_is_valid(path: Path, validator: jsonschema_rs.Validator) -> None:
    assert [error.message for error in validator.iter_errors(plain(path.name, path.read_text()))] == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_seen_by_the_editor_and_by_the_reader(
    mistake: Mistake, validator: jsonschema_rs.Validator, tmp_path: Path
) -> None:
    folder = tmp_path / "catalogue"
    shutil.copytree(FOLDER, folder)
    page = folder / mistake.file
    before = page.read_text()
    assert mistake.old in before
    after = before.replace(mistake.old, mistake.new, 1)
    page.write_text(after)

    assert not validator.is_valid(plain(mistake.file, after))
    with pytest.raises(CatalogueWrong):
        load(folder)


def test_the_tables_have_every_service_with_what_matters(project: Path) -> None:
    for name, asked in (("catalogue-index.md", "you must be pregnant"), ("catalogue-index.th.md", "ต้องกำลังตั้งครรภ์")):
        page = (project / "docs" / name).read_text()
        rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}

        assert rows.keys() == {service.code for service in load().services}
        assert all(line.count(" | ") == 6 for line in rows.values())
        assert asked in rows["antenatal_care"]
    assert "800 baht a month" in rows_of(project)["disability_allowance"]
    assert "within 15 days of the child's date of birth" in rows_of(project)["birth_registration"]
    assert "(uncertain)" in rows_of(project)["sso_maternity_wage"]


def rows_of(project: Path) -> dict[str, str]:
    page = (project / "docs" / "catalogue-index.md").read_text()
    return {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}


def test_another_catalogue_has_a_schema_of_its_own() -> None:
    small = jsonschema_rs.validator_for(json.loads(json_schema(SMALL)))

    for path in SMALL.glob("*.yaml"):
        assert small.is_valid(plain(path.name, path.read_text())), path.name
    assert not small.is_valid(plain("work.yaml", (FOLDER / "work.yaml").read_text()))  # its agencies aren't there


def test_no_key_is_left_without_its_form(written: dict[str, Any]) -> None:
    """Every key that the reader asks for was read somewhere, so that its form is known."""

    def keys(value: Any, key: str = "") -> Iterator[str]:
        match value:
            case {} if not value:
                yield key
            case dict():
                for name, inside in value.items():
                    yield from keys(inside, key if name in ("anyOf", "additionalProperties", "items") else name)
            case list():
                for inside in value:
                    yield from keys(inside, key)

    assert set(keys(written)) <= OPEN


def test_a_form_that_ours_does_not_use_is_let_through(validator: jsonschema_rs.Validator) -> None:
    birth = (FOLDER / "birth.yaml").read_text()
    asked = "    - {fact: person.pregnant, op: eq, value: true}\n"
    assert asked in birth
    unborn = plain("birth.yaml", birth.replace(asked, f"    - not:{asked.lstrip().removeprefix('-')}"))

    assert validator.is_valid(unborn)


def test_names_are_offered_for_completion(written: dict[str, Any]) -> None:
    assert "person.age_years" in written["$defs"]["fact"]["enum"]
    assert "birth_registration" in written["$defs"]["service"]["enum"]
    assert "hospital_birth" in written["$defs"]["event"]["enum"]
    assert "counter" in written["$defs"]["channel"]["enum"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_file_tells_the_editor_where_the_schema_is(path: Path, project: Path) -> None:
    first = path.read_text().partition("\n")[0]
    mark, _, where = first.partition("$schema=")

    assert mark == "# yaml-language-server: "
    assert (path.parent / where).resolve() == project / "docs" / SCHEMA
