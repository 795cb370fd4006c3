"""A scan over a population and a person's own plan mean the same right: it is in the agenda once, and is told once."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backend.client import Phone
from sandbox.extract import write
from sandbox.nation import Nation, pid
from tests.journeys.test_road3 import inbox, move, planned, today
from trust.people import IDENTITY_NUMBER
from trust.secrets import Vault, kept_key

SignIn = Callable[..., Awaitable[Phone]]
Until = Callable[..., Awaitable[Any]]
RULE, TITLE = "elderly_fund_loan", "Elderly Fund"
SOON = timedelta(days=25)


@pytest.fixture
async def turning_sixty(state: Any, up_environment: dict[str, str], tmp_path: Path) -> tuple[int, date, Path]:
    """A citizen who turns sixty soon, the day, and an extract of the shard that they are in."""
    nation = Nation(size=20_000, day_zero=await today(state))
    number, day = next(_turning_sixty(nation))
    hashed = partial(Vault(kept_key(Path(up_environment["TANGRAT_DATA_DIR"]))).lookup, purpose=IDENTITY_NUMBER)
    facts = tmp_path / "facts"
    await asyncio.to_thread(write, nation, facts, hash=hashed)
    (facts / "SHA256SUMS").unlink()
    for shard in facts.iterdir():
        if shard.name != f"shard={hashed(pid(number))[:2]}":
            shutil.rmtree(shard)
    return number, day, facts


def _turning_sixty(nation: Nation) -> Iterator[tuple[int, date]]:
    for number in range(2_000, nation.size):
        citizen = nation.citizen(number)
        born = citizen.birth.earliest()
        if (born.month, born.day) != (2, 29) and citizen.alive and citizen.nationality == "thai":
            day = born.replace(year=born.year + 60)
            if timedelta(days=2) < day - nation.day_zero < SOON:
                yield number, day


async def test_a_right_that_a_scan_finds_is_told_once(
    turning_sixty: tuple[int, date, Path], up_environment: dict[str, str], sign_in: SignIn, until: Until, state: Any
) -> None:
    number, day, facts = turning_sixty
    now = await today(state)

    async def scan() -> dict[str, int]:
        words = (
            "scan", "--facts", facts, "--from", now, "--to", now + SOON, "--rule", RULE, "--json",
        )  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "backend", *map(str, words), env=up_environment, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await process.communicate()
        assert process.returncode == 0
        fed: dict[str, int] = json.loads(told)["agenda"]
        return fed

    def of_it(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in entries if TITLE in one["title"]["en"] + one["body"]["en"]]

    before = await scan()
    phone = await sign_in(number)
    await planned(state)
    after = await scan()
    assert before["new"] == before["there"] == 0, "nobody has heard of them yet"
    assert after == {**before, "strangers": before["strangers"] - 1, "there": 1}, "their own plan has it already"
    assert of_it(await inbox(phone)) == []

    await move(state, day, and_wait=False)

    assert len(of_it(await until(lambda: inbox(phone), of_it))) == 1
    assert await scan() == after
    await asyncio.sleep(2)
    assert len(of_it(await inbox(phone))) == 1
