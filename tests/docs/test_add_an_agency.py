"""docs/add-an-agency.md, followed from top to bottom in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client import Phone
from backend.up import Running, running
from foundation.http import Http

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "add-an-agency.md").read_text()
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PARTS = ("agencies", "backend", "foundation", "lifeevents", "notifications", "resolvers", "sandbox", "trust")


def written() -> dict[str, str]:
    """The files that the page shows, by their path."""
    found = {}
    for _language, text in _FENCE.findall(PAGE):
        first, _, rest = text.partition("\n")
        if re.fullmatch(r"# [a-z_/]+\.(yaml|py)", first):
            found[first.removeprefix("# ")] = rest
    return found


def shown(language: str) -> list[str]:
    return [text for kind, text in _FENCE.findall(PAGE) if kind == language]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is, without the page's files."""
    there = tmp_path_factory.mktemp("project")
    for part in _PARTS:
        shutil.copytree(PROJECT / part, there / part)  # with what is compiled: four processes will start here
    return there


@pytest.fixture(scope="module")
def environment(quick_folder: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TANGRAT_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TANGRAT_DATA_DIR": str(quick_folder / "copy"),
        "TANGRAT_PORT": "0", "TANGRAT_SANDBOX_PORT": "0", "TANGRAT_WORKER_PORT": "0",
    }  # fmt: skip


def put(copy: Path, file: str) -> None:
    (copy / file).write_text(written()[file])


@pytest.fixture(scope="module")
def with_file(copy: Path, environment: dict[str, str]) -> Path:
    """Section 1: the agency is a file, and the check the page shows finds it good."""
    put(copy, "lifeevents/catalogue/agencies/ocpb.yaml")
    (command,) = shown("sh")
    checked = subprocess.run(command.split(), cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return copy


@pytest.fixture(scope="module")
def system(with_file: Path, environment: dict[str, str]) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "up", "--with-parent"],
        env=environment,
        cwd=with_file,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while (there := running(Path(environment["TANGRAT_DATA_DIR"]))) is None:
        assert process.poll() is None, "`tangrat up` did not start; its own words stand above"
        assert time.monotonic() < deadline, "`tangrat up` was not ready in time"
        time.sleep(0.05)
    yield there
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0


async def test_the_file_alone_puts_the_agency_into_the_graph(system: Running) -> None:
    """Section 2: the page's own query, in the sandbox that knows the agency by its file alone."""
    http = Http()
    phone = Phone(system.api, redirect_uri=f"{system.sandbox}/phone/signed-in", http=http)
    await phone.sign_in(5)

    (query,) = shown("graphql")
    answer = await phone.ask(query)
    again = await phone.ask(query)  # how it is doing is known once it has been asked
    await http.close()

    (card,) = answer["me"]["records"]
    assert (card["state"], card["problem"], card["title"]["th"]) == ("OK", None, "เรื่องร้องทุกข์ต่อ สคบ.")
    assert card["asOf"]
    assert card["fetchedAt"]
    assert [one["title"]["th"] for one in card["value"]] == ["เรื่องร้องทุกข์"]
    (status,) = [one for one in again["agencies"] if one["code"] == "ocpb"]
    assert status["status"] == "UP"
    assert status["typicalMs"] >= 0


def test_the_register_tells_something_of_the_right_shape(with_file: Path, environment: dict[str, str]) -> None:
    """Section 3: what the sandbox then says is read by the very shape of the file, for five hundred people."""
    put(with_file, "sandbox/registers/ocpb.py")
    asked = """
from datetime import date
from agencies.reading import Reading
from agencies.standard import operation
from lifeevents import catalogue
from sandbox.agencies.standard import Asked, _plain
from sandbox.nation import Nation
from sandbox.registers import ocpb
from sandbox.world import Clock, World
world = World(Nation(day_zero=date(2026, 11, 21)), Clock(date(2026, 11, 21)))
read = operation(next(one for one in catalogue.load().specs if one.id == "ocpb.get_complaints")).read
told = []
for number in range(1, 501):
    citizen = world.citizen(number)
    if citizen is not None:
        one = Asked(world=world, agency="ocpb", operation="get_complaints", arguments={}, citizen=citizen)
        told += read(Reading(_plain(ocpb.get_complaints(one))), None)["complaints"]
assert {one["state"] for one in told} == {"received", "mediating", "settled"}, told
print(len(told))
"""
    ran = subprocess.run(
        [sys.executable, "-c", asked], cwd=with_file, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert 60 < int(ran.stdout) < 200


def test_the_dialect_is_one_file_that_the_type_checker_and_the_layers_accept(
    with_file: Path, environment: dict[str, str]
) -> None:
    """Section 4: the adapter answers a question over real HTTP, and every way it can go is a value."""
    put(with_file, "agencies/ocpb.py")
    for command in ("mypy --strict agencies/ocpb.py", "ruff check --isolated --line-length 120 agencies/ocpb.py"):
        ran = subprocess.run(
            [sys.executable, "-m", *command.split()], cwd=with_file, env=environment, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout
    asked = """
import asyncio, json
from aiohttp import web
from agencies.ocpb import OPEN_COMPLAINTS, Ocpb
from foundation.http import Http
from foundation.ports import free_port
from foundation.settings import Secret

ME, OTHER = "1000000000016", "1000000000024"

async def main():
    said = {}
    async def answer(request):
        return web.json_response(said)
    app = web.Application()
    app.router.add_post("/complaints/open", answer)
    runner = web.AppRunner(app); await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    http = Http()
    agency = Ocpb(http, url=f"http://127.0.0.1:{port}", token=Secret("x"), deadline_s=2)
    outcomes = []
    for said in (
        {"status": "OK", "citizenId": ME, "openComplaints": 2}, {"status": "NONE"}, {"status": "WAIT"},
        {"status": "OK", "citizenId": OTHER, "openComplaints": 2},
    ):
        (found,) = await agency.ask(ME, [OPEN_COMPLAINTS])
        outcomes.append(getattr(found, "value", type(found).__name__))
    await http.close(); await runner.cleanup()
    print(json.dumps(outcomes))

asyncio.run(main())
"""
    ran = subprocess.run(
        [sys.executable, "-c", asked], cwd=with_file, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == '[2, "NotThere", "AgencyDown", "AnswerAboutSomeoneElse"]'
