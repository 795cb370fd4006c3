"""The policy desk: who gains and loses by a changed rule, and that nobody can be found in what it shows."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from foundation.errors import BadInput
from lifeevents.catalogue import FOLDER, Catalogue, CatalogueWrong, PublicService
from lifeevents.scan.desk import Report, compare, reads
from lifeevents.scan.extract import opened
from lifeevents.scan.report import html
from lifeevents.scan.trying import difference, read_service
from tests.lifeevents.scan.conftest import Write

ON = date(2026, 11, 21)
CODE = "elderly_travel_discount"


def in_force(code: str) -> str:
    for file in FOLDER.glob("*.yaml"):
        found = re.search(rf"^- id: {code}\n(?:(?:  .*)?\n)*", file.read_text(), re.MULTILINE)
        if found:
            return found[0]
    raise AssertionError(code)


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    return tmp_path / "attempt.yaml"


def service(whole: Catalogue) -> PublicService:
    """The one in force that the attempts change."""
    found = whole.service(CODE)
    assert found is not None
    return found


def desk(folder: Path, attempt: Path, whole: Catalogue) -> Report:
    tried, extract = read_service(attempt, whole), opened(folder, whole)
    extract.check(reads(whole, tried, extract))
    return compare(whole, tried, extract, ON)


def counts(report: Report, table: str, column: str) -> dict[str, int | None]:
    found = next(one for one in report.tables if one.id == table)
    return {row.group.en: row.counts[column] for row in found.rows}  # type: ignore[index]  # one of the four


def test_a_younger_age(write_extract: Write, attempt: Path, whole: Catalogue) -> None:
    """Of sixty aged 50 to 69, those of 55 to 59 gain; those of 60 and more have it already."""
    births = [date(1976 - n % 20, 6, 1) for n in range(600)]
    table = pl.DataFrame(
        {
            "person.alive": [True] * 600,
            "person.nationality": ["thai"] * 580 + ["other"] * 20,
            "person.birth_date": births,
            "person.province": ["10"] * 300 + ["50"] * 295 + ["96"] * 5,
            "person.income_per_year": [n * 500 for n in range(599)] + [None],
        }
    )
    attempt.write_text(in_force(CODE).replace("value: 60}", "value: 55}"))

    report = desk(write_extract(table), attempt, whole)

    gainers = sum(1 for n, born in enumerate(births) if n < 580 and 1967 <= born.year <= 1971)
    assert report.total == {"people": 600, "gain": gainers, "lose": 0, "unclear": 0}
    assert report.eligible_before == sum(1 for n, born in enumerate(births) if n < 580 and born.year <= 1966)
    assert report.eligible_after == (report.eligible_before or 0) + gainers
    assert counts(report, "age", "gain") == {"45–59 years": gainers, "60–69 years": 0}
    province = counts(report, "province", "people")
    assert province == {"Bangkok": 300, "Chiang Mai": None, "Narathiwat": None}  # 5, and 295 that would tell it
    assert (
        sum(count or 0 for count in counts(report, "income", "people").values()) < 600
    )  # one whose income isn't known
    assert report.as_json()["total"]["gain"] == gainers


def test_who_loses_and_who_is_left_in_doubt(write_extract: Write, attempt: Path, whole: Catalogue) -> None:
    table = pl.DataFrame(
        {
            "person.alive": [True] * 90,
            "person.nationality": ["thai"] * 90,
            "person.birth_date": [date(1950, 1, 1)] * 90,
            "person.income_per_year": [50_000] * 40 + [500_000] * 30 + [None] * 20,
        }
    )
    only = "    - {fact: person.income_per_year, op: lte, value: 100000}\n"
    attempt.write_text(in_force(CODE).replace("value: 60}\n", "value: 60}\n" + only))

    report = desk(write_extract(table), attempt, whole)

    assert report.total == {"people": 90, "gain": 0, "lose": 30, "unclear": 20}
    assert (report.eligible_before, report.eligible_after) == (90, 40)
    assert counts(report, "income", "lose") == {"not known": 0, "30,000–59,999": 0, "500,000 and more": 30}


def test_few_are_not_told_at_all(write_extract: Write, attempt: Path, whole: Catalogue) -> None:
    table = pl.DataFrame(
        {
            "person.alive": [True] * 100,
            "person.nationality": ["thai"] * 100,
            "person.birth_date": [date(1950, 1, 1)] * 97 + [date(1969, 1, 1)] * 3,
        }
    )
    attempt.write_text(in_force(CODE).replace("value: 60}", "value: 55}"))

    report = desk(write_extract(table), attempt, whole)

    assert report.total["gain"] is None
    assert report.eligible_after is None  # 97 before; 100 would tell the three
    assert set(counts(report, "age", "gain").values()) == {None}
    assert "100 " not in re.sub(r"<style>.*</style>", "", html(report))[:400]


def test_the_page_needs_nothing_else_and_escapes(write_extract: Write, attempt: Path, whole: Catalogue) -> None:
    table = pl.DataFrame(
        {"person.alive": [True] * 50, "person.nationality": ["thai"] * 50, "person.birth_date": [date(1969, 1, 1)] * 50}
    )
    spoiled = in_force(CODE).replace("Elderly public transport concessions", "<script>alert(1)</script>")
    attempt.write_text(spoiled.replace("value: 60}", "value: 55}"))

    page = html(desk(write_extract(table), attempt, whole), changed=difference(attempt, service(whole)))

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=|url\(|@import", page)
    assert 'ได้สิทธิ / <span lang="en">gain</span>' in page
    assert "21 พฤศจิกายน 2569" in page
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert charts
    bars = [bar for chart in charts for bar in ElementTree.fromstring(chart).iter("rect")]  # noqa: S314  # our own
    assert any(float(bar.attrib["width"]) > 100 for bar in bars)


def test_the_few_that_are_left_are_not_told_either(write_extract: Write, attempt: Path, whole: Catalogue) -> None:
    """All but four of a province gain, and all but four of everybody: four would follow from what the others are."""
    births = [date(1969, 1, 1)] * 96 + [date(2000, 1, 1)] * 4
    table = pl.DataFrame(
        {
            "person.alive": [True] * 100, "person.nationality": ["thai"] * 100, "person.birth_date": births,
            "person.province": ["10"] * 50 + ["50"] * 50,
        }
    )  # fmt: skip
    attempt.write_text(in_force(CODE).replace("value: 60}", "value: 55}"))

    report = desk(write_extract(table), attempt, whole)

    assert report.total == {"people": 100, "gain": None, "lose": 0, "unclear": 0}
    assert (report.eligible_before, report.eligible_after) == (0, None)
    assert set(counts(report, "province", "gain").values()) == {None}
    assert counts(report, "province", "people") == {"Bangkok": 50, "Chiang Mai": 50}


def test_a_few_of_one_province_hide_another(write_extract: Write, attempt: Path, whole: Catalogue) -> None:
    births = [date(1969, 1, 1)] * 46 + [date(2000, 1, 1)] * 4 + [date(1969, 1, 1), date(2000, 1, 1)] * 75
    provinces = ["10"] * 50 + ["50"] * 60 + ["83"] * 90
    table = pl.DataFrame(
        {"person.alive": [True] * 200, "person.nationality": ["thai"] * 200, "person.birth_date": births, "person.province": provinces}
    )  # fmt: skip
    attempt.write_text(in_force(CODE).replace("value: 60}", "value: 55}"))

    report = desk(write_extract(table), attempt, whole)

    assert report.total["gain"] == 121
    assert counts(report, "province", "people") == {"Bangkok": 50, "Chiang Mai": 60, "Phuket": 90}
    # 46 of 50 would tell the four, and 121 less the others' would tell the 46.
    assert counts(report, "province", "gain") == {"Bangkok": None, "Chiang Mai": None, "Phuket": 45}


def test_what_is_tried_is_said(attempt: Path, whole: Catalogue) -> None:
    text = in_force(CODE).replace("value: 60}", "value: 55}")
    for written in (text, "# tried\n" + "\n".join(line[2:] for line in text.splitlines())):
        attempt.write_text(written)
        said = difference(attempt, service(whole))
        assert [line for line in said if line[0] != " "] == [
            "-  - {fact: person.age_years, op: gte, value: 60}", "+  - {fact: person.age_years, op: gte, value: 55}",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (lambda text: text.replace("person.age_years, op: gte", "person.age_year, op: gte"), 17, "did you mean 'person.age_years'"),
        (lambda text: text.replace("value: 60}", "value: sixty}"), 17, "isn't a whole number"),
        (lambda text: text.replace(f"id: {CODE}", "id: elderly_travel_discounts"), 1, "is no service in force; did you mean"),
        (lambda text: text + text.replace(CODE, "first_id_card"), 1, "one service and nothing else"),
        (lambda text: text.replace("  summary:", " summary:"), 3, "isn't YAML"),
        (lambda text: text + "  colour: red\n", 51, "'colour' isn't a known key"),
        (lambda text: "", 0, "empty, or larger"),
        (lambda text: text + "#" * 300_000, 0, "empty, or larger"),
        (lambda text: "just words", 1, ""),
    ],
)  # fmt: skip
def test_an_attempt_that_is_refused(change, line: int, says: str, attempt: Path, whole: Catalogue) -> None:  # type: ignore[no-untyped-def]  # lambdas
    attempt.write_text(change(in_force(CODE)))
    with pytest.raises(CatalogueWrong) as caught:
        read_service(attempt, whole)
    problem = caught.value.problems[0]
    assert problem.file == "attempt.yaml"
    assert problem.line == line
    assert says in str(problem)


@pytest.mark.parametrize("is_item", [True, False], ids=["an item of a list", "a mapping of its own"])
@pytest.mark.parametrize("code", ["elderly_tax_exemption", "inheritance_tax"])
def test_the_service_in_force_tried_changes_nothing(code: str, is_item: bool, attempt: Path, whole: Catalogue) -> None:
    text = in_force(code)
    attempt.write_text(text if is_item else "# tried\n" + "\n".join(line[2:] for line in text.splitlines()))

    changed, tried = read_service(attempt, whole)

    assert tried == whole.service(code)
    assert changed.services == whole.services


def test_facts_that_the_extract_lacks(write_extract: Write, whole: Catalogue) -> None:
    table = pl.DataFrame({"person.alive": [True, True], "person.nationality": ["thai", "thai"]})
    extract = opened(write_extract(table), whole)
    with pytest.raises(BadInput, match=r"the extract has no person\.birth_date"):
        extract.check(reads(whole, (whole, service(whole)), extract))
