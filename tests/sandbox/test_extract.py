"""The nation as files says of everybody what the nation says of them, one by one."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sandbox.civil import Registry
from sandbox.extract import ROW_GROUP, SUMS, FolderTaken, Written, write
from sandbox.nation import Nation

DAY_ZERO = date(2026, 11, 21)
SIZE = 2_500


def hashed(pid: str) -> str:
    return "0" + hashlib.sha256(pid.encode()).hexdigest()[1:]


@pytest.fixture(scope="module")
def nation() -> Nation:
    return Nation(size=SIZE, day_zero=DAY_ZERO)


@pytest.fixture(scope="module")
def folder(nation: Nation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extract") / "facts"
    told: list[int] = []
    assert write(nation, folder, hash=hashed, on_rows=told.append).people == SIZE
    assert sum(told) == 2 * SIZE
    return folder


def test_everybody_is_there_once_and_as_the_registers_say(nation: Nation, folder: Path) -> None:
    rows: dict[str, dict[str, Any]] = {
        row["person"].hex(): row for file in folder.rglob("*.parquet") for row in pl.read_parquet(file).to_dicts()
    }
    assert len(rows) == SIZE
    registry, seen = Registry(nation), set[str]()
    for number in range(1, SIZE + 1):
        citizen, row = nation.citizen(number), rows[hashed(nation.pid(number))]
        assert row["person.alive"] == citizen.alive
        assert row["person.birth_date"] == citizen.birth.earliest()
        known = "DAY" if citizen.birth.day else "MONTH" if citizen.birth.month else "YEAR"
        assert row["person.birth_date__precision"] == known
        assert (row["person.sex"], row["person.nationality"]) == (citizen.sex, citizen.nationality)
        assert row["person.marital_status"] == citizen.marital_status
        assert row["person.province"] == citizen.address.subdistrict_code[:2]
        assert row["person.income_per_year"] == citizen.income_per_year
        assert row["person.id_card_status"] == citizen.id_card
        assert row["person.id_card_expiry_date"] == citizen.id_card_expires
        assert row["person.id_card_expiry_date__none"] == (citizen.id_card_expires is None)
        assert row["sso.months_total"] == len(nation.contributions(number))
        insurance = citizen.insurance
        assert row["sso.section"] == (insurance.section if insurance.ended is None else "none")
        assert row["sso.insured_status_ended_date"] == insurance.ended
        if insurance.section == "33":
            assert row["sso.section33_end_date"] == insurance.ended
            assert row["sso.section33_end_date__none"] == (insurance.ended is None)
        card = registry.disability_card(citizen)
        status = "none" if card is None else "expired" if card.expires_on < DAY_ZERO else "valid"
        assert row["person.disability_card_status"] == status
        if row["licence.type"] != "none":
            assert row["licence.expiry_date"] == citizen.licence_expires
            days = (row["licence.expiry_date"] - row["licence.issue_date"]).days
            assert days // 365 == {"temporary": 2, "personal5": 5}[row["licence.type"]]
        seen |= {known, status, row["licence.type"], row["sso.section"], row["person.id_card_status"]}
    assert seen >= {
        "DAY",
        "MONTH",
        "YEAR",
        "valid",
        "expired",
        "temporary",
        "personal5",
        "33",
        "39",
        "40_1",
        "lifetime",
    }


def test_licences_as_the_transport_department_tells_them(nation: Nation, folder: Path) -> None:
    from sandbox.registers import dlt

    rows = pl.concat(map(pl.read_parquet, sorted(folder.rglob("*.parquet")))).to_dicts()
    of = {row["person"].hex(): row for row in rows}

    class Asked:
        today = DAY_ZERO

        class world:  # noqa: N801  # as the register reads it
            pass

        @staticmethod
        def dice(what: str) -> int:
            return 0

    Asked.world.nation = nation  # type: ignore[attr-defined]  # as above
    for number in range(1, SIZE + 1):
        Asked.person = nation.citizen(number)  # type: ignore[attr-defined]  # as above
        car = dlt.get_licences(Asked)["car"]  # type: ignore[arg-type]  # as above
        row = of[hashed(nation.pid(number))]
        assert (row["licence.type"], row["licence.issue_date"], row["licence.expiry_date"]) == (
            car["type"], car["issue_date"], car["expiry_date"],
        )  # fmt: skip
        assert row["licence.expiry_date__none"] == (car["expiry_date"] is None)


def test_the_files(folder: Path, nation: Nation, tmp_path: Path) -> None:
    for line in (folder / SUMS).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        assert all(one.hex().startswith(name[6:8]) for one in pl.read_parquet(folder / name)["person"].to_list())
    assert sorted(path.name for path in folder.iterdir()) == [SUMS, *(f"shard=0{digit:x}" for digit in range(16))]
    assert ROW_GROUP == 65_536
    with pytest.raises(FolderTaken):
        write(nation, folder, hash=hashed)
    # The same nation, the same files; another day, others.
    assert write(nation, tmp_path / "again", hash=hashed).bytes > 0
    assert (tmp_path / "again" / SUMS).read_text() == (folder / SUMS).read_text()
    write(Nation(size=SIZE, day_zero=DAY_ZERO + timedelta(days=200)), tmp_path / "later", hash=hashed)
    assert (tmp_path / "later" / SUMS).read_text() != (folder / SUMS).read_text()


def test_interrupted_there_is_nothing(nation: Nation, tmp_path: Path) -> None:
    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(nation, tmp_path / "facts", hash=hashed, on_rows=stop)
    assert list(tmp_path.iterdir()) == []
    assert isinstance(write(nation, tmp_path / "facts", hash=hashed), Written)
