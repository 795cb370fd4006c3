"""A population as files: what an extract has to look like, and refusing one that doesn't before anything is done with it.

    DIR/shard=ab/….parquet   everybody whose `person` begins with ab, one row each
    DIR/SHA256SUMS           optional, as `sha256sum` writes it: then every file must be listed and unchanged

`person` is the keyed hash of the identity number, as bytes or hex; every other column is a fact of the catalogue, or says
of one that it did not happen (`…__none`) or how much of a date is known (`…__precision`); see `rules/population.py`.

Parquet carries no checksum that everybody writes: what is torn so that it still decodes, into days and words that there
are, only SHA256SUMS can tell.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from foundation.errors import SuperAppError
from foundation.language import Language, Text
from lifeevents.catalogue.model import Catalogue, close
from lifeevents.rules.population import NONE, PRECISION, PRECISIONS, wrong_type
from lifeevents.scan.spread import Spread, here

PERSON: Final = "person"
SUMS: Final = "SHA256SUMS"
_SHARD: Final = re.compile(r"shard=([0-9a-f]{2})")
_SUM: Final = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_FIRST_DAY, _LAST_DAY = date(1800, 1, 1), date(2200, 12, 31)
_MOST_SAID: Final = 50
_MOST_SUMS: Final = 10_000_000
_LONGEST_HASH, _LONGEST_TEXT = 64, 1_000
MOST_IN_SHARD: Final = 5_000_000
"""A shard is held in memory where it has to be; a whole nation's has a quarter of a million."""

_ROWS_TRIED: Final = 65_536  # where a torn place is looked for
_BROKEN: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)

Step = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with an extract. What people's facts are is never said."""

    file: str
    place: str  # a column, or rows of it; "": the file as a whole
    says: Text

    def said_in(self, language: Language) -> str:
        return f"{self.file}: {self.place + ': ' if self.place else ''}{self.says.said_in(language)}"


class ExtractRefused(SuperAppError):
    """The files can't be believed; nothing was done with them."""

    code = "EXTRACT_REFUSED"
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = self.problems[:_MOST_SAID]
        more = len(self.problems) - len(shown)
        super().__init__(
            "The extract is refused, nothing was done with it:\n"
            + "\n".join(one.said_in("en") for one in shown)
            + (f"\nand {more} more" if more else ""),
            th="ไม่รับข้อมูลชุดนี้ และยังไม่ได้ดำเนินการใด ๆ:\n"
            + "\n".join(one.said_in("th") for one in shown)
            + (f"\nและอีก {more} จุด" if more else ""),
            count=len(self.problems),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)  # it may be raised on another machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    name: str
    files: tuple[Path, ...]
    sizes: tuple[int, ...]  # in bytes, of each file
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """An extract whose form is right. `check` reads its content."""

    folder: Path
    shards: tuple[Shard, ...]
    schema: dict[str, pl.DataType]
    fingerprint: str  # of names, sizes and times of change: the same files, the same fingerprint
    catalogue: Catalogue

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    def check(self, columns: Sequence[str], *, step: Step = lambda: None, spread: Spread = here) -> None:
        """Read these columns of every file once, and refuse the extract where any can't be believed."""
        problems: list[Problem] = []
        words = {column: self._words(column) for column in columns}
        checking = _Checking(
            folder=self.folder, schema=self.schema, words=words, sums=_sums(self, problems), columns=tuple(columns)
        )
        found: dict[str, Sequence[Problem]] = {}
        for shard, wrong in spread(partial(_of_shard, checking), self.shards):
            found[shard.name] = wrong
            step()
        problems += [one for shard in self.shards for one in found[shard.name]]
        if problems:
            raise ExtractRefused(problems)

    def _words(self, column: str) -> tuple[str, ...]:
        """The words that may stand in it, where there are few."""
        if column.endswith(PRECISION):
            return PRECISIONS
        fact = self.catalogue.fact(column)
        return tuple(choice.value for choice in fact.choices) if fact and fact.kind == "enum" else ()


def opened(folder: Path, catalogue: Catalogue) -> Extract:
    """Look at the form of every file: where it lies, its columns, their types. Raises ExtractRefused."""
    return _Opening(folder.absolute(), catalogue).finish()


@contextmanager
def reading(shard: Shard) -> Iterator[None]:
    """What is checked may still be torn afterwards, or not be there on another machine."""
    try:
        yield
    except _BROKEN as exc:
        raise ExtractRefused([_torn(f"shard={shard.name}", "", _first_line(exc))]) from exc


class _Opening:
    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._problems: list[Problem] = []
        self._schema: dict[str, pl.DataType] = {}
        self._first = ""  # the file whose columns the others must have
        self._seen = hashlib.sha256()

    def finish(self) -> Extract:
        shards = [shard for name, folder in self._folders() if (shard := self._shard(name, folder)).files]
        if not shards and not self._problems:
            self._wrong("", "", en="there is no shard=… folder with files here", th="ไม่มีโฟลเดอร์ shard=… ที่มีไฟล์")
        if self._problems:
            raise ExtractRefused(self._problems)
        return Extract(
            folder=self._folder, shards=tuple(shards), schema=self._schema, fingerprint=self._seen.hexdigest(),
            catalogue=self._catalogue,
        )  # fmt: skip

    def _folders(self) -> Iterator[tuple[str, Path]]:
        try:
            inside = sorted(self._folder.iterdir())
        except OSError as exc:
            self._wrong("", "", en=f"can't read this folder ({exc.strerror})", th=f"อ่านโฟลเดอร์นี้ไม่ได้ ({exc.strerror})")
            return
        for path in inside:
            if path.name.startswith((".", "_")) or path.name == SUMS:
                continue
            named = _SHARD.fullmatch(path.name)
            if named and path.is_dir():
                yield named[1], path
            else:
                self._wrong(
                    path.name, "", en="does not belong here; files lie in shard=00 to shard=ff",
                    th="ไม่ควรอยู่ที่นี่ ไฟล์ต้องอยู่ใน shard=00 ถึง shard=ff",
                )  # fmt: skip

    def _shard(self, name: str, folder: Path) -> Shard:
        files, sizes, rows = [], [], 0
        for file in sorted(folder.iterdir()):
            if file.name.startswith((".", "_")):
                continue
            here = _name(self._folder, file)
            if file.suffix != ".parquet" or not file.is_file():
                self._wrong(here, "", en="is no .parquet file", th="ไม่ใช่ไฟล์ .parquet")
                continue
            try:
                schema = dict(pl.read_parquet_schema(file))
                rows += pl.scan_parquet(file).select(pl.len()).collect().item()
                status = file.stat()
            except _BROKEN as exc:
                self._problems.append(_torn(here, "", _first_line(exc)))
                continue
            self._seen.update(f"{here}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
            self._columns(here, schema)
            files.append(file)
            sizes.append(status.st_size)
        if rows > MOST_IN_SHARD:
            self._wrong(
                f"shard={name}", "", en=f"holds {rows:,} rows; no shard may hold more than {MOST_IN_SHARD:,}",
                th=f"มี {rows:,} แถว แต่ละ shard มีได้ไม่เกิน {MOST_IN_SHARD:,}",
            )  # fmt: skip
        return Shard(name=name, files=tuple(files), sizes=tuple(sizes), rows=rows)

    def _columns(self, file: str, schema: dict[str, pl.DataType]) -> None:
        if self._first:
            if schema != self._schema:
                self._compare(file, schema)
            return
        self._first, self._schema = file, schema
        if PERSON not in schema:
            self._wrong(file, PERSON, en="this column is missing: the hash of the identity number", th="ขาดคอลัมน์นี้")
        for column, dtype in schema.items():
            self._column(file, column, dtype)

    def _compare(self, file: str, schema: dict[str, pl.DataType]) -> None:
        for column in self._schema.keys() - schema.keys():
            self._wrong(
                file, column, en=f"this column is missing; {self._first} has it", th=f"ขาดคอลัมน์นี้ ซึ่ง {self._first} มี"
            )
        for column, dtype in schema.items():
            if column not in self._schema:
                self._wrong(
                    file, column, en=f"this column is extra; {self._first} has none", th=f"คอลัมน์เกิน {self._first} ไม่มี"
                )
            elif dtype != self._schema[column]:
                self._type(file, column, dtype, f"{self._schema[column]}, as in {self._first}")

    def _column(self, file: str, column: str, dtype: pl.DataType) -> None:
        """Of the first file; the others are held against it."""
        if column == PERSON:
            if dtype not in (pl.Binary, pl.String):
                self._type(file, column, dtype, "Binary, or String of hex")
            return
        path = column.removesuffix(NONE).removesuffix(PRECISION)
        fact = self._catalogue.fact(path)
        if path != column and path not in self._schema:
            self._wrong(file, column, en=f"stands beside no column {path}", th=f"ไม่มีคอลัมน์ {path} คู่กัน")
        elif fact is None:
            self._unknown(file, column)
        elif fact.derived is not None:
            self._wrong(
                file, column, en=f"follows from {fact.derived.date_fact}; give that",
                th=f"คำนวณจาก {fact.derived.date_fact} ให้ส่งค่านั้นแทน",
            )  # fmt: skip
        elif column.endswith(NONE):
            if dtype != pl.Boolean:
                self._type(file, column, dtype, "Boolean")
        elif column.endswith(PRECISION):
            if dtype not in (pl.String, pl.Categorical, pl.Enum):
                self._type(file, column, dtype, "a text: DAY, MONTH or YEAR")
        elif right := wrong_type(fact, dtype):
            self._type(file, column, dtype, right)

    def _unknown(self, file: str, column: str) -> None:
        near = close(column, [fact.path for fact in self._catalogue.facts])
        self._wrong(
            file, column[:80], en="is no fact of the catalogue" + (f"; did you mean {near}?" if near else ""),
            th="ไม่ใช่ข้อเท็จจริงในบัญชี" + (f" หมายถึง {near} หรือไม่" if near else ""),
        )  # fmt: skip

    def _type(self, file: str, column: str, dtype: pl.DataType, right: str) -> None:
        shown = "Enum" if isinstance(dtype, pl.Enum) else str(dtype)
        self._wrong(file, column, en=f"is of type {shown}; it has to be {right}", th=f"เป็นชนิด {shown} ต้องเป็น {right}")

    def _wrong(self, file: str, place: str, *, en: str, th: str) -> None:
        self._problems.append(Problem(file=file or str(self._folder), place=place, says=Text(th=th, en=en)))


def _sums(extract: Extract, problems: list[Problem]) -> dict[str, str] | None:
    """What SHA256SUMS says of each file; None where there is none."""
    file = extract.folder / SUMS
    if not file.exists():
        return None
    try:
        if file.stat().st_size > _MOST_SUMS:
            raise ValueError("too large")
        lines = [_SUM.fullmatch(line) for line in file.read_text().splitlines()]
    except (OSError, ValueError) as exc:
        problems.append(_torn(SUMS, "", str(exc)))
        return {}
    sums = {found[2]: found[1] for found in lines if found}
    there = {_name(extract.folder, file) for shard in extract.shards for file in shard.files}
    for number, line in enumerate(lines, 1):
        if line is None:
            problems.append(_torn(SUMS, f"line {number}", "not a sum and a name"))
    for name in sorted(sums.keys() - there):
        says = Text(th=f"ไม่มีไฟล์นี้ ทั้งที่อยู่ใน {SUMS}", en=f"this file is missing; {SUMS} lists it")
        problems.append(Problem(file=name, place="", says=says))
    for name in sorted(there - sums.keys()):
        says = Text(th=f"ไฟล์เกิน ไม่อยู่ใน {SUMS}", en=f"this file is extra; {SUMS} does not list it")
        problems.append(Problem(file=name, place="", says=says))
    return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checking:
    """What has to be known to check a shard; plain data, since it may be done on another machine."""

    folder: Path
    schema: dict[str, pl.DataType]
    words: dict[str, tuple[str, ...]]
    sums: dict[str, str] | None
    columns: tuple[str, ...]


def _of_shard(checking: _Checking, shard: Shard) -> list[Problem]:
    problems: list[Problem] = []
    for file, size in zip(shard.files, shard.sizes, strict=True):
        problems += _of_file(checking, shard.name, file, size)
    if len(shard.files) > 1 and not problems:
        person = pl.scan_parquet(list(shard.files)).select(pl.len() - pl.col(PERSON).n_unique())
        if twice := person.collect(engine="streaming").item():
            says = Text(th=f"ซ้ำกันระหว่างไฟล์ ({twice} แถว)", en=f"stands in more than one of its files ({twice} rows)")
            problems.append(Problem(file=f"shard={shard.name}", place=PERSON, says=says))
    return problems


def _of_file(checking: _Checking, shard: str, file: Path, size: int) -> Iterator[Problem]:
    name, schema, sums = _name(checking.folder, file), checking.schema, checking.sums
    try:
        if file.stat().st_size != size:
            yield _torn(name, "", "its size is not what it was when the scan began")
            return
        if sums is not None and name in sums:
            with file.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != sums[name]:
                    yield _torn(name, "", f"its bytes are not those that {SUMS} was made of")
                    return
        checks = _checks(checking, shard)
        found = pl.scan_parquet(file).select(*checks.values()).collect(engine="streaming")
    except OSError as exc:
        yield _torn(name, "", exc.strerror or _first_line(exc))
        return
    except _BROKEN as exc:
        yield _torn(name, _where(file, [PERSON, *checking.columns], schema), _first_line(exc))
        return
    for (column, en, th), wrong in zip(checks, found.row(0), strict=True):
        if wrong:
            yield Problem(file=name, place=column, says=Text(th=f"{th} ({wrong} แถว)", en=f"{en} ({wrong} rows)"))


def _checks(checking: _Checking, shard: str) -> dict[tuple[str, str, str], pl.Expr]:
    """By column and what is said: in how many rows it is wrong. Whatever is looked at is decoded."""
    schema, person = checking.schema, pl.col(PERSON)
    if schema[PERSON] == pl.Binary:
        is_here = person.bin.starts_with(bytes.fromhex(shard)) & person.bin.size().is_between(16, _LONGEST_HASH)
    else:
        is_here = person.str.contains(f"^{shard}[0-9a-f]{{30,{2 * _LONGEST_HASH - 2}}}$")
    found = {
        (PERSON, f"does not belong in shard {shard}", f"ไม่ได้อยู่ใน shard {shard}"): (~is_here.fill_null(False)).sum(),
        (PERSON, "stands here more than once", "ซ้ำ"): pl.len() - person.n_unique(),
    }
    for column in checking.columns:
        one, words = pl.col(column), checking.words[column]
        if column.endswith(NONE):
            both = one & pl.col(column.removesuffix(NONE)).is_not_null()
            found[column, "says there is none of what there is", "ระบุว่าไม่มี ทั้งที่มีค่า"] = both.sum()
        elif schema[column] == pl.Date:
            found[column, "no day of 1800 to 2200 in the Common Era", "ไม่ใช่วันใน ค.ศ. 1800 ถึง 2200"] = (
                ~one.is_between(_FIRST_DAY, _LAST_DAY)
            ).sum()
        elif words and (column.endswith(PRECISION) or not isinstance(schema[column], pl.Enum)):
            found[column, f"not one of {', '.join(words)}", f"ไม่ใช่ {', '.join(words)}"] = (
                ~one.cast(pl.String).is_in(words)
            ).sum()
        elif schema[column] in (pl.String, pl.Categorical):
            found[column, f"longer than {_LONGEST_TEXT} bytes", f"ยาวกว่า {_LONGEST_TEXT} ไบต์"] = (
                one.cast(pl.String).str.len_bytes() > _LONGEST_TEXT
            ).sum()
        else:
            found[column, "", ""] = (one.min().is_null() & (one.count() > 0)).cast(pl.UInt32)
    return {said: wrong.alias(str(number)) for number, (said, wrong) in enumerate(found.items())}


def _where(file: Path, columns: Sequence[str], schema: dict[str, pl.DataType]) -> str:
    """Which column can't be read, and from which row on."""
    for column in columns:
        table = pl.scan_parquet(file).select(pl.col(column).null_count(), rows=pl.len())
        with suppress(*_BROKEN):
            _ = pl.scan_parquet(file).select(pl.col(column)).select(pl.all().hash().sum()).collect(engine="streaming")
            continue
        with suppress(*_BROKEN):
            rows = table.select("rows").collect().item()
            for start in range(0, rows, _ROWS_TRIED):
                try:
                    pl.scan_parquet(file).select(column).slice(start, _ROWS_TRIED).collect()
                except _BROKEN:
                    return f"{column}, rows {start + 1} to {min(start + _ROWS_TRIED, rows)}"
        return column
    return ""


def _torn(file: str, place: str, why: str) -> Problem:
    return Problem(
        file=file, place=place,
        says=Text(th=f"อ่านไม่ได้ ไฟล์อาจไม่ครบ ({why})", en=f"can't be read, it may be torn ({why}); send it again"),
    )  # fmt: skip


def _first_line(exc: BaseException) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]


def _name(folder: Path, file: Path) -> str:
    return str(file.relative_to(folder))
