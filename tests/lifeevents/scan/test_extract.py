"""A population file that can't be believed is refused with file, place and reason, before anything is done with it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lifeevents.catalogue import Catalogue
from lifeevents.scan.extract import MOST_IN_SHARD, SUMS, ExtractRefused, opened
from tests.lifeevents.scan.conftest import Write

TABLE = pl.DataFrame(
    {
        "person.alive": [True, True, None, False],
        "person.birth_date": [date(1960, 2, 29), date(1990, 1, 1), None, None],
        "person.birth_date__none": [False, False, False, True],
        "person.birth_date__precision": ["DAY", "YEAR", None, None],
        "person.sex": ["male", "female", "male", None],
        "person.income_per_year": [0, 100_000, None, 5],
    }
)


def refused(folder: Path, whole: Catalogue) -> str:
    with pytest.raises(ExtractRefused) as caught:
        extract = opened(folder, whole)
        extract.check([name for name in extract.schema if name != "person"])
    for problem in caught.value.problems:
        assert problem.says.th
        assert problem.said_in("th") in caught.value.th
    return caught.value.message


def test_one_that_is_right(write_extract: Write, whole: Catalogue) -> None:
    extract = opened(write_extract(TABLE), whole)
    extract.check(list(TABLE.columns))
    assert extract.rows == 4
    assert [shard.name for shard in extract.shards] == ["0a", "f0"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ([pl.lit(1).alias("person.shoe_size")], "person.shoe_size: is no fact of the catalogue"),
        ([pl.lit(1).alias("person.birth_dat")], "did you mean person.birth_date?"),
        ([pl.lit(61).alias("person.age_years")], "person.age_years: follows from person.birth_date; give that"),
        ([pl.col("person.birth_date").cast(pl.String)], "person.birth_date: is of type String; it has to be Date"),
        ([pl.col("person.income_per_year").cast(pl.Float64)], "is of type Float64; it has to be Decimal, or a whole number"),
        ([pl.lit(True).alias("licence.expiry_date__none")], "licence.expiry_date__none: stands beside no column licence.expiry_date"),
        ([pl.lit("no").alias("person.birth_date__none")], "person.birth_date__none: is of type String; it has to be Boolean"),
        ([pl.lit("woman").alias("person.sex")], "person.sex: not one of male, female (2 rows)"),
        ([pl.lit("HOUR").alias("person.birth_date__precision")], "not one of DAY, MONTH, YEAR (2 rows)"),
        ([pl.lit(True).alias("person.birth_date__none")], "person.birth_date__none: says there is none of what there is (2 rows)"),
        ([pl.lit("1" * 1_001).alias("person.province")], "person.province: longer than 1000 bytes (2 rows)"),
        ([pl.lit(date(2503, 2, 28)).alias("person.birth_date")], "person.birth_date: no day of 1800 to 2200 in the Common Era (2 rows)"),
    ],
)  # fmt: skip
def test_columns_that_are_refused(columns: list[pl.Expr], says: str, write_extract: Write, whole: Catalogue) -> None:
    folder = write_extract(TABLE.with_columns(columns))
    message = refused(folder, whole)
    assert says in message
    assert "shard=0a/part-0.parquet" in message


def rewrite(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        file = folder / "shard=f0" / "part-0.parquet"
        change(pl.read_parquet(file)).write_parquet(file)

    return do


def _emptied(folder: Path) -> None:
    for one in folder.iterdir():
        shutil.rmtree(one)


def _cut(folder: Path) -> None:
    file = folder / "shard=f0" / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:-30])


def _twice(folder: Path) -> None:
    shutil.copy(folder / "shard=f0" / "part-0.parquet", folder / "shard=f0" / "part-1.parquet")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (rewrite(lambda t: t.drop("person.sex")), "shard=f0/part-0.parquet: person.sex: this column is missing; shard=0a/part-0.parquet has it"),
        (rewrite(lambda t: t.with_columns(pl.lit(1).alias("sso.months_total"))), "shard=f0/part-0.parquet: sso.months_total: this column is extra"),
        (rewrite(lambda t: t.cast({"person.income_per_year": pl.Int8}, strict=False)), "is of type Int8; it has to be Int64, as in shard=0a"),
        (rewrite(lambda t: t.drop("person")), "person: this column is missing"),
        (rewrite(lambda t: t.with_columns(person=pl.lit(b"\x0a" * 32))), "person: does not belong in shard f0 (2 rows)"),
        (rewrite(lambda t: t.with_columns(person=pl.lit(b"\xf0" * 32))), "person: stands here more than once (1 rows)"),
        (rewrite(lambda t: t.with_columns(person=pl.lit(None, dtype=pl.Binary))), "person: does not belong in shard f0 (2 rows)"),
        (rewrite(lambda t: t.with_columns(person=pl.lit("f0" + "0" * 200))), "person: is of type String; it has to be Binary, as in shard=0a"),
        (rewrite(lambda t: t.with_columns(person=pl.Series([b"\xf0" * 32, b"\xf0" * 65]))), "person: does not belong in shard f0 (1 rows)"),
        (_twice, "shard=f0: person: stands in more than one of its files (2 rows)"),
        (_cut, "shard=f0/part-0.parquet: can't be read, it may be torn"),
        (lambda folder: (folder / "shard=f0" / "part-0.parquet").write_bytes(b""), "can't be read, it may be torn"),
        (lambda folder: (folder / "shard=f0" / "notes.txt").write_text("hi"), "shard=f0/notes.txt: is no .parquet file"),
        (lambda folder: (folder / "all.parquet").write_text("hi"), "all.parquet: does not belong here"),
        (lambda folder: (folder / "shard=F0").mkdir(), "shard=F0: does not belong here"),
        (lambda folder: (folder / SUMS).write_text("nonsense\n"), "line 1: can't be read"),
        (lambda folder: (folder / SUMS).write_text(f"{'0' * 64}  shard=0a/part-0.parquet\n"), "its bytes are not those that SHA256SUMS was made of"),
        (lambda folder: (folder / SUMS).write_text(f"{'0' * 64}  shard=0b/part-0.parquet\n"), "shard=0b/part-0.parquet: this file is missing"),
        (shutil.rmtree, "can't read this folder"),
        (_emptied, "there is no shard=… folder"),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    spoil: Callable[[Path], object], says: str, write_extract: Write, whole: Catalogue
) -> None:
    folder = write_extract(TABLE)
    spoil(folder)
    assert says in refused(folder, whole)


def test_a_torn_row_group_is_found_with_its_place(tmp_path: Path, whole: Catalogue) -> None:
    """Its footer is whole, and so are the groups before it."""
    rows = 4 * 65_536
    people = [b"\x0a" + hashlib.sha256(b"%d" % n).digest() for n in range(rows)]
    income = pl.Series([(n * 7919) % 999_983 for n in range(rows)], dtype=pl.UInt32)
    table = pl.DataFrame({"person.income_per_year": income, "person": people})
    file = tmp_path / "shard=0a" / "part-0.parquet"
    file.parent.mkdir()
    table[:-65_536].write_parquet(file, row_group_size=65_536, compression="lz4")
    without = file.read_bytes()
    begins = (
        len(without) - 8 - int.from_bytes(without[-8:-4], "little")
    )  # where its footer stood, the last group begins
    table.write_parquet(file, row_group_size=65_536, compression="lz4")
    content = bytearray(file.read_bytes())
    content[begins : begins + 4_096] = bytes(4_096)
    file.write_bytes(content)

    message = refused(tmp_path, whole)

    assert "shard=0a/part-0.parquet: person.income_per_year, rows 196609 to 262144: can't be read" in message


def test_a_small_file_that_holds_more_rows_than_a_shard_may(tmp_path: Path, whole: Catalogue) -> None:
    """A few kilobytes can say the same of everybody, as often as they like: that is found out without reading them."""
    file = tmp_path / "shard=0a" / "part-0.parquet"
    file.parent.mkdir()
    rows = MOST_IN_SHARD + 1
    pl.select(person=pl.lit("0a" + "0" * 62), **{"person.alive": pl.repeat(True, rows)}).write_parquet(file)
    assert file.stat().st_size < 1_000_000

    with pytest.raises(ExtractRefused, match=f"shard=0a: holds {rows:,} rows; no shard may hold more"):
        opened(tmp_path, whole)


def test_a_file_that_changes_after_it_was_looked_at(write_extract: Write, whole: Catalogue) -> None:
    extract = opened(write_extract(TABLE), whole)
    file = extract.shards[1].files[0]
    pl.read_parquet(file)[:1].write_parquet(file)
    with pytest.raises(ExtractRefused, match=r"shard=f0/part-0\.parquet: can't be read.*its size is not what it was"):
        extract.check(TABLE.columns)
    file.unlink()
    with pytest.raises(ExtractRefused, match=r"shard=f0/part-0\.parquet: can't be read.*No such file"):
        extract.check(TABLE.columns)


def test_what_people_are_is_never_said(write_extract: Write, whole: Catalogue) -> None:
    folder = write_extract(TABLE.with_columns(pl.lit("secret illness").alias("person.sex")))
    assert "secret" not in refused(folder, whole)
