"""`tangrat check`: what an operator, a newcomer or a container's health check wants to know of an installation."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.errors import SuperAppError
from foundation.http import CallFailed, Http
from foundation.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    what: str
    good: bool
    says: str


async def look(settings: Settings) -> list[Row]:
    """One row per thing that must hold; nothing is changed."""
    from backend.app import House

    rows = [Row(what="settings", good=True, says=settings.env)]
    try:
        house = House(settings, process="check")
        rows.append(Row(what="catalogue", good=True, says=f"release {house.catalogue.release}"))
        try:
            await house.store.ping()
            rows.append(Row(what="MongoDB", good=True, says="answers"))
        finally:
            await house.store.close()
    except SuperAppError as exc:
        rows.append(Row(what="installation", good=False, says=exc.message))
    except Exception as exc:  # noqa: BLE001 -- a check reports whatever is wrong
        rows.append(
            Row(what="MongoDB", good=False, says=f"does not answer ({type(exc).__name__}): TANGRAT_MONGODB_URI")
        )
    http = Http()
    try:
        for what, port in (("API", settings.port), ("worker", settings.worker_port)):
            rows.append(await _ready(http, what, port))
    finally:
        await http.close()
    return rows


async def _ready(http: Http, what: str, port: int) -> Row:
    try:
        reply = await http.request("GET", f"http://127.0.0.1:{port}/readyz", deadline_s=3)
    except CallFailed as exc:
        return Row(what=what, good=False, says=f"does not answer on port {port} ({exc.why})")
    return Row(what=what, good=reply.status == 200, says=f"port {port}: {reply.json().get('status', reply.status)}")


async def is_healthy(settings: Settings) -> bool:
    """Whether the one process that runs here is ready: what a container's health check asks."""
    http = Http()
    try:
        return any([(await _ready(http, "", port)).good for port in (settings.port, settings.worker_port)])
    finally:
        await http.close()
