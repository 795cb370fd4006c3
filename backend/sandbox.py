"""The `sandbox` process: the simulated state, told where our API is."""

from __future__ import annotations

from datetime import datetime

from foundation.clock import BANGKOK
from foundation.errors import CannotStart
from foundation.settings import Settings


async def run_sandbox(settings: Settings) -> None:
    try:
        from sandbox.server import serve
    except ModuleNotFoundError as exc:
        raise CannotStart(f"the sandbox needs {exc.name}; install the extra `tangrat[sandbox]`") from exc
    try:
        await serve(
            day_zero=datetime.now(BANGKOK).date(), host=settings.host, port=settings.sandbox_port,
            seed=settings.sandbox_seed, api_url=settings.issuer,
        )  # fmt: skip
    except OSError as exc:
        raise CannotStart(
            f"port {settings.sandbox_port} on {settings.host} can't be used ({exc.strerror}); "
            "stop what uses it, or set TANGRAT_SANDBOX_PORT to another (0 picks one)"
        ) from exc
