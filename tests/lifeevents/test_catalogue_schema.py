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
    """In `file`, `old` is written as `new`; the reader says so with `says`, and with that of no other."""

    what: str
    file: str
    old: str
    new: str
    says: str


MISTAKES = [
    Mistake("an unknown key", "birth.yaml", "  kind: registration\n", "  knid: registration\n", "'knid' isn't a known key"),
    Mistake("a missing key", "birth.yaml", "  scope: per_person\n", "", "the key 'scope' is missing"),
    Mistake("a text for a list", "birth.yaml", "channels: [hospital, app]", "channels: hospital", "here belongs a list"),
    Mistake("a missing language", "birth.yaml", "title: {th: ฝากครรภ์, en: Antenatal care registration}", "title: {th: ฝากครรภ์}", "the English text is missing"),
    Mistake("an unknown agency", "birth.yaml", "  agency: moph\n", "  agency: mohp\n", "'mohp' isn't a known agency"),
    Mistake("an unknown fact", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnent, op: eq, value: true}", "'person.pregnent' isn't a known fact"),
    Mistake("more or less of a yes", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnant, op: gte, value: true}", "gte doesn't fit person.pregnant"),
    Mistake("a word for a yes", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnant, op: eq, value: 'yes'}", "this is neither true nor false"),
    Mistake("a value outside the enum", "birth.yaml", "op: in, value: ['33', '39']", "op: in, value: ['33', '34']", "'34' isn't a known value"),
    Mistake("a number for a text", "birth.yaml", "op: in, value: ['33', '39']", "op: in, value: [33, 39]", "YAML reads 33 as a number"),
    Mistake("a comparison with nothing", "birth.yaml", "{fact: person.pregnant, op: eq, value: true}", "{fact: person.pregnant, op: eq}", "the key 'value' is missing"),
    Mistake("a happening compared", "death.yaml", "op: did_not_happen, note", "op: did_not_happen, value: '2020-01-01', note", "compares with nothing"),
    Mistake("whether a number happened", "birth.yaml", "{fact: sso.months_in_last_15, op: gte, value: 5}", "{fact: sso.months_in_last_15, op: happened}", "happened doesn't fit sso.months_in_last_15"),
    Mistake("a condition that is two things", "birth.yaml", "    - any:\n      - {fact: person.pregnant", "    - not: {fact: person.alive, op: eq, value: true}\n      any:\n      - {fact: person.pregnant", "a condition is one of"),
    Mistake("a day that isn't ISO", "birth.yaml", "as_of: '2025-12-31'", "as_of: 31/12/2025", "'31/12/2025' isn't a day"),
    Mistake("a number in quotes", "birth.yaml", "    days: 84\n", "    days: '84'\n", "this isn't a whole number"),
    Mistake("an amount below zero", "birth.yaml", "up_to: 12, value: 500", "up_to: 12, value: -500", "-500 is below zero"),
    Mistake("a kind that isn't one", "birth.yaml", "    kind: recommended\n", "    kind: recomended\n", "'recomended' isn't a known"),
    Mistake("an anchor that is no day", "birth.yaml", "anchor: person.pregnancy_start_date", "anchor: person.pregnancy_weeks", "person.pregnancy_weeks is no date"),
    Mistake("an unknown trigger", "birth.yaml", "trigger: pregnancy.recorded", "trigger: pregnancy.recrded", "'pregnancy.recrded' isn't a known event"),
    Mistake("an unknown channel", "birth.yaml", "channels: [hospital, app]", "channels: [hospital, ap]", "'ap' isn't a known channel"),
    Mistake("a doubtful confidence", "parameters.yaml", "confidence: known", "confidence: certain", "'certain' isn't a known"),
    Mistake("a type of fact that isn't one", "facts.yaml", "  type: bool\n", "  type: boolean\n", "'boolean' isn't a known"),
    Mistake("a type of field that isn't one", "agencies/dopa.yaml", "response: {death_date: date,", "response: {death_date: datum,", "'datum' isn't a type"),
    Mistake("a source that is no address", "birth.yaml", "source: https://", "source: htps://", "isn't an address"),
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
    (tmp_path / SCHEMA).write_text("{}")
    (tmp_path / "catalogue-index.th.md").unlink()

    assert behind(catalogue, tmp_path) == ["catalogue-index.th.md", SCHEMA]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_file_of_ours_is_valid(path: Path, validator: jsonschema_rs.Validator) -> None:
    assert [error.message for error in validator.iter_errors(plain(path.name, path.read_text()))] == []


def with_mistake(mistake: Mistake, before: str) -> str:
    assert mistake.old in before
    return before.replace(mistake.old, mistake.new, 1)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_seen_by_the_editor(mistake: Mistake, validator: jsonschema_rs.Validator) -> None:
    page = FOLDER / mistake.file

    assert not validator.is_valid(plain(mistake.file, with_mistake(mistake, page.read_text())))


@pytest.mark.parametrize("first", range(4))
def test_the_same_mistakes_are_seen_by_the_reader(first: int, tmp_path: Path) -> None:
    """A quarter of them at once, since reading all files takes its time: each is named, in its file."""
    folder = tmp_path / "catalogue"
    shutil.copytree(FOLDER, folder)
    made = MISTAKES[first::4]
    for mistake in made:
        page = folder / mistake.file
        page.write_text(with_mistake(mistake, page.read_text()))

    with pytest.raises(CatalogueWrong) as refused:
        load(folder)

    said = [(one.file, str(one)) for one in refused.value.problems]
    assert [one.what for one in made if not any(file == one.file and one.says in text for file, text in said)] == []


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
