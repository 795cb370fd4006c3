"""What the API says at its edges, through a running one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.app import House, build
from foundation import settings
from foundation.http import Http
from tests.serving import serving


@pytest.fixture
async def api(mongodb_uri: str, database: str, tmp_path: Path) -> AsyncIterator[str]:
    told = settings.read(
        {
            "TANGRAT_MONGODB_URI": mongodb_uri,
            "TANGRAT_DATA_DIR": str(tmp_path),
            "TANGRAT_MONGODB_DATABASE": database,
        }
    )
    async with House(told, process="test") as house, serving(build(house)) as address:
        yield address


async def test_an_unknown_address_says_so_in_both_languages(api: str, http: Http) -> None:
    reply = await http.request("GET", f"{api}/nope", deadline_s=5)

    assert reply.status == 404
    assert reply.json()["error"] == "NOT_FOUND"
    assert not reply.json()["message_th"].isascii()


async def test_a_wrong_method_names_the_right_ones(api: str, http: Http) -> None:
    reply = await http.request("DELETE", f"{api}/agency/token", deadline_s=5)

    assert reply.status == 405
    assert reply.headers["allow"] == "POST"
    assert "POST" in reply.json()["message"]


async def test_health_and_metrics_answer(api: str, http: Http) -> None:
    assert (await http.request("GET", f"{api}/healthz", deadline_s=5)).json() == {"status": "alive"}
    assert (await http.request("GET", f"{api}/readyz", deadline_s=5)).json() == {"status": "ready"}
    metrics = await http.request("GET", f"{api}/metrics", deadline_s=5)
    assert metrics.content_type == "text/plain"
    assert b'tangrat_waiting{ledger="events"} 0.0' in metrics.body
