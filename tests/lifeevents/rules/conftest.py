from __future__ import annotations

from collections.abc import Callable

import pytest

from lifeevents import catalogue as catalogues
from lifeevents.catalogue.model import Catalogue, PublicService
from lifeevents.rules.engine import Engine


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return catalogues.load()


@pytest.fixture(scope="session")
def engine(catalogue: Catalogue) -> Engine:
    return Engine(catalogue)


@pytest.fixture(scope="session")
def the(catalogue: Catalogue) -> Callable[[str], PublicService]:
    """A service by its code."""

    def find(code: str) -> PublicService:
        service = catalogue.service(code)
        assert service is not None
        return service

    return find
