"""The agencies as this installation meets them: every adapter from the settings, and which facts each answer tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from agencies import dbd, dopa, laser, nhso, rd, sso, standard
from agencies.answers import Operation
from agencies.calls import Agency
from agencies.dbd import DbdOpen, DbdProfile
from agencies.dopa import Dopa
from agencies.facts import Sources
from agencies.gdx import GdxTransport
from agencies.laser import CardCheck
from agencies.nhso import Nhso, OldNhso
from agencies.rd import RdChecks
from agencies.sso import Sso
from agencies.standard import Record, StandardAgency
from foundation.clock import Clock
from foundation.errors import CannotStart
from foundation.http import Http
from foundation.settings import Settings
from lifeevents.catalogue.model import AnnouncedDay, Catalogue, FactDay

_DIALECTS: tuple[ModuleType, ...] = (dopa, laser, sso, nhso, dbd, rd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agencies:
    """`agency_of` says whose door an adapter is; `plain` holds the operations of the plain dialect by their id."""

    gdx: GdxTransport
    adapters: tuple[Agency, ...]
    agency_of: Mapping[str, str]
    plain: Mapping[str, Operation[Record]]
    operations: tuple[Operation[Any], ...]
    sources: Sources


def connect(
    settings: Settings, http: Http, catalogue: Catalogue, *, clock: Clock, deadline_s: float | None = None
) -> Agencies:
    """Nobody is called yet. CannotStart where the catalogue asks for what no adapter offers."""
    deadline_s = deadline_s or settings.agency_deadline_s
    gdx = GdxTransport(
        http, url=settings.gdx_url, consumer_key=settings.gdx_consumer_key,
        consumer_secret=settings.gdx_consumer_secret, agent_id=settings.gdx_agent_id, clock=clock,
        deadline_s=deadline_s,
    )  # fmt: skip
    plain = {spec.id: standard.operation(spec) for spec in catalogue.specs}
    adapters: tuple[Agency, ...] = (
        Dopa(
            gdx, url=settings.dopa_url, officer_pid=settings.dopa_officer_pid, office_id=settings.dopa_office_id,
            access_token=settings.dopa_access_token, job_id=settings.dopa_job_id, clock=clock,
        ),
        CardCheck(gdx, url=settings.dopa_card_check_url),
        Sso(
            http, url=settings.sso_url, token_url=settings.sso_token_url, services_url=settings.sso_services_url,
            client_id=settings.sso_client_id, client_secret=settings.sso_client_secret,
            username=settings.sso_username, password=settings.sso_password, clock=clock, deadline_s=deadline_s,
        ),
        _nhso(settings, http, clock=clock, deadline_s=deadline_s),
        DbdOpen(http, url=settings.dbd_open_url, deadline_s=deadline_s),
        DbdProfile(gdx, url=settings.dbd_profile_url),
        RdChecks(http, vat_url=settings.rd_vat_url, tin_url=settings.rd_tin_url, deadline_s=deadline_s),
        *_standard(settings, http, catalogue, deadline_s=deadline_s),
    )  # fmt: skip
    operations = (*dialect_operations(), *plain.values())
    _check(catalogue, operations)
    return Agencies(
        gdx=gdx,
        adapters=adapters,
        agency_of={one.asked_through: one.agency for one in operations},
        plain=plain,
        operations=operations,
        sources=sources(catalogue, operations, adapters),
    )


def dialect_operations() -> tuple[Operation[Any], ...]:
    """What the agencies with a dialect of their own can be asked."""
    found: dict[Operation[Any], None] = {}
    for module in _DIALECTS:
        found |= {one: None for one in vars(module).values() if isinstance(one, Operation)}
    return tuple(found)


def sources(catalogue: Catalogue, operations: Iterable[Operation[Any]], adapters: Iterable[Agency]) -> Sources:
    """Where each fact of the catalogue comes from."""
    derived: dict[str, tuple[str, ...]] = {}
    for fact in catalogue.facts:
        if fact.derived is not None:
            match fact.derived.as_of:
                case FactDay(fact=until):
                    derived[fact.path] = (fact.derived.date_fact, until)
                case AnnouncedDay(event_date=until) if catalogue.tellable(until) is not None:
                    derived[fact.path] = (fact.derived.date_fact, until)
                case _:
                    derived[fact.path] = (fact.derived.date_fact,)
    return Sources(
        operations,
        most_at_once={one.code: one.most_at_once for one in adapters},
        derived=derived,
        # Whoever says no date says that it did not happen; but everybody was born, and what isn't announced may be yet.
        dates={one.path for one in catalogue.facts if one.kind == "date" and not one.path.endswith(".birth_date")},
        own_words={fact.path for fact in catalogue.facts if fact.is_own_word},
        shared={fact.path: (fact.shared.of, fact.shared.among) for fact in catalogue.facts if fact.shared is not None},
    )


def _nhso(settings: Settings, http: Http, *, clock: Clock, deadline_s: float) -> Agency:
    if settings.nhso_dialect == "v1":
        return OldNhso(
            http, url=settings.nhso_v1_url, token_url=settings.nhso_v1_token_url,
            refresh_token=settings.nhso_v1_refresh_token, clock=clock, deadline_s=deadline_s,
        )  # fmt: skip
    return Nhso(http, url=settings.nhso_url, token=settings.nhso_token, clock=clock, deadline_s=deadline_s)


def _standard(settings: Settings, http: Http, catalogue: Catalogue, *, deadline_s: float) -> list[StandardAgency]:
    """Those that speak plain REST: at the common address, or at their own where the settings say so."""
    elsewhere = dict(one.split("=", 1) for one in settings.agency_urls)
    codes = dict.fromkeys(spec.agency for spec in catalogue.specs)
    return [
        StandardAgency(
            code, http, url=elsewhere.get(code) or f"{settings.agencies_url.rstrip('/')}/{code}",
            token=settings.agencies_token, deadline_s=deadline_s,
        )
        for code in codes
    ]  # fmt: skip


def _check(catalogue: Catalogue, operations: Iterable[Operation[Any]]) -> None:
    offered = {(one.agency, one.name) for one in operations}
    missing = [
        f"{one.id} is asked as {one.asked_as}, which no adapter of {agency.id} offers"
        for agency in catalogue.agencies
        for one in agency.operations
        if one.asked_as is not None and (agency.id, one.asked_as) not in offered
    ]
    if missing:
        raise CannotStart("the catalogue and the adapters differ:\n" + "\n".join(f"  - {one}" for one in missing))
