"""The `sandbox` process: the simulated state, told where our API is and what the catalogue's agencies can be asked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from agencies.standard import Field
from foundation.clock import BANGKOK
from foundation.errors import CannotStart
from foundation.settings import Settings
from lifeevents import catalogue

if TYPE_CHECKING:
    from sandbox.agencies.standard import Described, Shape


async def run_sandbox(settings: Settings) -> None:
    try:
        from sandbox.server import serve
    except ModuleNotFoundError as exc:
        raise CannotStart(f"the sandbox needs {exc.name}; install the extra `tangrat[sandbox]`") from exc
    try:
        await serve(
            day_zero=datetime.now(BANGKOK).date(), host=settings.host, port=settings.sandbox_port,
            seed=settings.sandbox_seed, api_url=settings.issuer, agencies=described_agencies(),
        )  # fmt: skip
    except OSError as exc:
        raise CannotStart(
            f"port {settings.sandbox_port} on {settings.host} can't be used ({exc.strerror}); "
            "stop what uses it, or set TANGRAT_SANDBOX_PORT to another (0 picks one)"
        ) from exc


def described_agencies() -> tuple[Described, ...]:
    """What agencies without a dialect of their own can be asked, in the sandbox's own words."""
    from sandbox.agencies.standard import Described

    return tuple(
        Described(
            agency=spec.agency, operation=spec.wire, arguments=tuple(one.name for one in spec.arguments),
            fields=tuple(map(_shape, spec.fields)),
        )
        for spec in catalogue.load().specs
    )  # fmt: skip


def _shape(field: Field) -> Shape:
    from sandbox.agencies.standard import Shape

    return Shape(
        name=field.name, kind=field.kind, is_list=field.is_list, is_optional=field.is_optional,
        choices=tuple(field.choices), inside=tuple(map(_shape, field.inside)),
    )  # fmt: skip
