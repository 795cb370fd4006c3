"""The image and the compose file, so far as they can be checked without a Docker engine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from foundation import settings


def test_every_package_of_ours_is_copied_into_the_image(project: Path) -> None:
    dockerfile = (project / "Dockerfile").read_text()
    include = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"][
        "include"
    ]

    copied = set(re.findall(r"^COPY (\w+)/ \1/$", dockerfile, re.MULTILINE)) - {"requirements"}

    assert copied == {one.removesuffix("*") for one in include}


def test_the_image_builds_with_the_setuptools_of_the_lock(project: Path) -> None:
    locked = re.search(r"^setuptools==(\S+)", (project / "requirements/dev.lock").read_text(), re.MULTILINE)
    used = re.search(r'"setuptools==([^"]+)"', (project / "Dockerfile").read_text())

    assert locked
    assert used
    assert used[1] == locked[1]


def test_the_image_does_not_run_as_root_and_asks_for_its_health(project: Path) -> None:
    lines = (project / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]

    assert "USER 10001" in last_stage
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)
    assert not any("sandbox" in line and line.startswith("ENV") for line in last_stage)


@pytest.mark.parametrize("lock", ["production.lock", "dev.lock"])
def test_every_locked_package_carries_its_hashes(lock: str, project: Path) -> None:
    text = (project / "requirements" / lock).read_text()

    pinned = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==\S+ \\\n    --hash=sha256:", text, re.MULTILINE)

    assert len(pinned) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))


def test_what_production_runs_is_the_same_in_both_locks(project: Path) -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (project / "requirements" / lock).read_text(), re.MULTILINE))

    assert pins("production.lock") <= pins("dev.lock")


def test_the_compose_file_starts_what_the_image_can_run(project: Path) -> None:
    compose = yaml.safe_load((project / "compose.yaml").read_text())
    services = compose["services"]

    assert services["serve"]["command"] == ["serve"]
    assert services["work"]["command"] == ["work"]
    assert {name for name in services if name.startswith("mongo")} == {"mongo1", "mongo2", "mongo3", "mongo-init"}
    example = (project / "docs/production.env.example").read_text().splitlines()
    told = dict(line.split("=", 1) for line in example if line and not line.startswith("#"))
    told |= services["serve"]["environment"] | {"TANGRAT_MASTER_KEY": "A" * 43 + "="}
    assert settings.read(told).mongodb_uri.reveal().count("mongo") == 4
