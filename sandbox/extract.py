"""The nation as an extract: Parquet files of flat facts, by the catalogue's names, for scans over a population.

`shard=ab/part-0.parquet` holds everybody the hash of whose identity number begins with `ab`, one row each, in groups of
a fixed number of rows. `SHA256SUMS` (as `sha256sum -c` reads it) is written last. What the registers tell of a person
by their day zero is what stands here, and nothing more than they tell; null is not known, and `…__none` is true where
it is known that there is none.

Memory stays flat: rows are spilled by shard as they are drawn, then each shard is written whole. The folder appears
under its name only when all of it is there.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from sandbox import places, rates
from sandbox.civil import disability_card_days
from sandbox.nation import Nation, pid
from sandbox.registers.dlt import GIVEN_UP_AFTER_DAYS, LICENCE_YEARS

ROW_GROUP: Final = 65_536
SUMS: Final = "SHA256SUMS"
_AT_ONCE: Final = 500_000
_SHARDS: Final = tuple(f"{shard:02x}" for shard in range(256))
_LENGTH: Final = 8

Hash = Callable[[str], str]
"""From thirteen digits to hex, at least sixteen bytes of it."""

_PROVINCES: Final = tuple(province.code for province in places.PROVINCES)
_PLACE_OF: Final = np.zeros(100, dtype=np.uint8)
_PLACE_OF[[int(code) for code in _PROVINCES]] = np.arange(len(_PROVINCES))
_ENUMS: Final[dict[str, tuple[str, ...]]] = {
    "person.birth_date__precision": ("DAY", "MONTH", "YEAR"),
    "person.sex": rates.SEXES,
    "person.nationality": rates.NATIONALITIES,
    "person.marital_status": rates.MARITAL,
    "person.province": _PROVINCES,
    "person.id_card_status": rates.ID_CARDS,
    "person.disability_card_status": ("none", "valid", "expired"),
    "sso.section": rates.SECTIONS,
    "health.right": rates.RIGHTS,
    "licence.type": ("none", "temporary", "personal5"),
}
_NO_CARD, _VALID_CARD, _EXPIRED_CARD = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    people: int
    shards: int
    bytes: int


class FolderTaken(ValueError):
    """There is something at that place already."""


def write(nation: Nation, folder: Path, *, hash: Hash, on_rows: Callable[[int], None] = lambda rows: None) -> Written:
    """Write everybody. `on_rows` is told of each row twice: once drawn, once written."""
    if folder.exists():
        raise FolderTaken(f"{folder} exists already")
    making = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    spilled = making / ".spilled"
    spilled.mkdir(parents=True)
    try:
        _spill(nation, spilled, hash, on_rows)
        sums, size = [], 0
        for shard in _SHARDS:
            if not (spilled / shard).exists():
                continue
            rows = pl.concat(_spilled(spilled / shard)).with_columns(
                **{name: pl.col(name).cat.to(pl.Enum(words)) for name, words in _ENUMS.items()}
            )
            (spilled / shard).unlink()
            file = making / f"shard={shard}" / "part-0.parquet"
            file.parent.mkdir()
            rows.write_parquet(file, compression="lz4", row_group_size=ROW_GROUP)
            with file.open("rb") as content:
                sums.append(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {file.relative_to(making)}\n")
            size += file.stat().st_size
            on_rows(len(rows))
        spilled.rmdir()
        (making / SUMS).write_text("".join(sums))
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Written(people=nation.size, shards=len(sums), bytes=size)


def table(nation: Nation, start: int, count: int, *, hash: Hash) -> pl.DataFrame:
    """These citizens' rows; words as their place in `_ENUMS` still."""
    facts = nation.columns(start, count)
    found: dict[str, pl.Series] = {"person": pl.Series([bytes.fromhex(hash(one)) for one in _pids(start, count)])}
    drawn = {**_person(facts), **_papers(facts, nation.day_zero), **_insurance(facts)}
    drawn["person.disability_card_status"] = _disability_cards(facts, drawn["person.birth_date"], nation.day_zero)
    for name, values in drawn.items():
        found[name] = pl.Series(name, values)
    # Whether the insurance of somebody who never had one is over, nobody says.
    was_insured = pl.Series(facts["section"] > 0)
    found["sso.insured_status_ended"] = pl.select(
        pl.when(was_insured).then(found["sso.insured_status_ended"])
    ).to_series()
    return pl.DataFrame(found)


def _person(facts: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    year, month, day = (facts[f"birth_{part}"].astype(np.int64) for part in ("year", "month", "day"))
    # A year alone is one of the Buddhist era, and until 1940 those began in April.
    first_month = np.where(month == 0, np.where(year > 1940, 1, 4), month)
    months = (year - 1970) * 12 + first_month - 1
    born = months.view("datetime64[M]").astype("datetime64[D]") + np.maximum(day - 1, 0)
    moved = facts["moved_in"]
    return {
        "person.alive": facts["alive"],
        "person.birth_date": born,
        "person.birth_date__precision": ((day == 0).astype(np.uint8) + (month == 0)).astype(np.uint8),
        "person.sex": facts["sex"],
        "person.nationality": facts["nationality"],
        "person.marital_status": facts["marital_status"],
        "person.province": _PLACE_OF[facts["province"]],
        "person.in_house_register": facts["alive"],
        "person.is_householder": facts["is_householder"],
        "person.address_changed_date": moved,
        "person.address_changed_date__none": np.isnat(moved),
        "person.income_per_year": facts["income_per_year"],
        "person.civil_servant": facts["civil_servant"],
        "person.state_pensioner": facts["state_pensioner"],
        "health.right": facts["right"],
    }


def _papers(facts: dict[str, npt.NDArray[Any]], day_zero: date) -> dict[str, npt.NDArray[Any]]:
    card, today = facts["id_card_expires"], np.datetime64(day_zero)
    expires = facts["licence_expires"]
    lapsed = np.isnat(expires) | ~facts["alive"]
    lapsed |= np.where(lapsed, False, (today - expires).astype(np.int64) > GIVEN_UP_AFTER_DAYS)
    year, month, day = (facts[f"birth_{part}"].astype(np.int64) for part in ("year", "month", "day"))
    month, day = np.where(month == 0, np.where(year > 1940, 1, 4), month), np.maximum(day, 1)
    had_birthday = (month * 32 + day) <= day_zero.month * 32 + day_zero.day
    is_first = day_zero.year - year - ~had_birthday < 20
    kind = np.where(lapsed, 0, np.where(is_first, 1, 2)).astype(np.uint8)
    years = np.where(is_first, LICENCE_YEARS["temporary"], LICENCE_YEARS["personal5"])
    return {
        "person.id_card_status": facts["id_card"],
        "person.id_card_expiry_date": card,
        "person.id_card_expiry_date__none": np.isnat(card),
        "licence.type": kind,
        "licence.issue_date": np.where(lapsed, np.datetime64("NaT"), _years_before(expires, years)),
        "licence.issue_date__none": lapsed,
        "licence.expiry_date": np.where(lapsed, np.datetime64("NaT"), expires),
        "licence.expiry_date__none": lapsed,
    }


def _insurance(facts: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    section, until = facts["section"], facts["insured_until"]
    is_over = ~np.isnat(until)
    # When section 33 ended, for who went on under another section, these facts don't say.
    is_33 = section == rates.SECTIONS.index("33")
    return {
        "sso.section": facts["section_now"],
        "sso.months_total": facts["contribution_months"],
        "sso.section33_end_date": np.where(is_33, until, np.datetime64("NaT")),
        "sso.section33_end_date__none": (section == 0) | (is_33 & ~is_over),
        "sso.insured_status_ended": is_over & (facts["section_now"] == 0),
        "sso.insured_status_ended_date": until,
        "sso.insured_status_ended_date__none": ~is_over,
    }


def _disability_cards(
    facts: dict[str, npt.NDArray[Any]], born: npt.NDArray[Any], day_zero: date
) -> npt.NDArray[np.uint8]:
    found = np.zeros(len(born), dtype=np.uint8)
    for place in np.flatnonzero(facts["disability"]).tolist():
        number = int(facts["number"][place])
        days = disability_card_days(number, pid(number), born[place].item(), day_zero)
        if days is not None:
            found[place] = _EXPIRED_CARD if days[1] < day_zero else _VALID_CARD
    return found


def _years_before(days: npt.NDArray[Any], years: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same day of another year; 29 February gives way to the 28th."""
    months = days.astype("datetime64[M]")
    then = months - years * 12
    last = (then + 1).astype("datetime64[D]") - 1
    found: npt.NDArray[Any] = np.minimum(then.astype("datetime64[D]") + (days - months.astype("datetime64[D]")), last)
    return found


def _pids(start: int, count: int) -> list[str]:
    """As `nation.pid` writes each, a million at a time."""
    numbers = np.arange(start, start + count, dtype=np.int64)
    head = (numbers // 10_000_000 + 1) * 10**11 + numbers % 10_000_000
    digits = head[:, None] // 10 ** np.arange(11, -1, -1) % 10
    check = (11 - digits @ np.arange(13, 1, -1) % 11) % 10
    return [str(one) for one in (head * 10 + check).tolist()]


def _spill(nation: Nation, folder: Path, hash: Hash, on_rows: Callable[[int], None]) -> None:
    with ExitStack() as stack:
        files: dict[str, io.BufferedWriter] = {}
        for start in range(1, nation.size + 1, _AT_ONCE):
            rows = table(nation, start, min(_AT_ONCE, nation.size + 1 - start), hash=hash)
            by_shard = rows.with_columns(_shard=pl.col("person").bin.slice(0, 1)).partition_by(
                "_shard", as_dict=True, include_key=False
            )
            for (first_byte,), part in by_shard.items():
                shard = bytes(first_byte).hex()
                if shard not in files:
                    files[shard] = stack.enter_context((folder / shard).open("wb"))
                written = io.BytesIO()
                part.write_ipc_stream(written, compression="lz4")
                files[shard].write(written.tell().to_bytes(_LENGTH) + written.getvalue())
            on_rows(len(rows))


def _spilled(file: Path) -> Iterator[pl.DataFrame]:
    with file.open("rb") as content:
        while length := content.read(_LENGTH):
            yield pl.read_ipc_stream(io.BytesIO(content.read(int.from_bytes(length))))
