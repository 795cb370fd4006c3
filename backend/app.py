"""Every wire on one page: which parts there are, what each is given, and the doors to them.

`House` builds the parts from settings, opens them and closes them; `build` puts the doors in front. No other file
makes these objects, so a reader who wants to know what uses what needs to look nowhere else.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agencies import cache, payments
from agencies.cache import Cache
from agencies.epayment import EPayment
from agencies.facts import Facts
from agencies.gateway import Gateway
from agencies.own_words import OwnWords
from agencies.payments import Payments
from backend import applications as application_doors
from backend import mini_apps as mini_app_doors
from backend import payments as payment_doors
from backend import signin
from backend.agencies import connect
from backend.processes import Server, bind, following
from foundation.clock import SystemClock
from foundation.errors import CannotStart
from foundation.http import Http
from foundation.ids import new_id
from foundation.settings import Settings
from foundation.store import PyMongoError, Store
from foundation.telemetry import Metrics, set_up_traces
from foundation.watched import watching
from lifeevents import agenda, applications, catalogue, intake, journeys, routes, subscriptions
from lifeevents.agenda import Agenda
from lifeevents.applications import Applications
from lifeevents.circumstances import AgenciesKnow
from lifeevents.fanout import Fanout
from lifeevents.intake import Intake
from lifeevents.journeys import Journeys
from lifeevents.register import Register
from lifeevents.rules.engine import Engine
from lifeevents.rules.sentences import Sentences
from lifeevents.situation import Situations
from lifeevents.subscriptions import Subscriptions
from notifications import devices, inbox, ledger, mini_app_messages, notifier, preferences
from notifications.channels.push import PushChannel
from notifications.channels.sms import SmsChannel
from notifications.channels.webhook import WebhookChannel
from notifications.devices import Devices
from notifications.dispatcher import Dispatcher
from notifications.inbox import Inbox
from notifications.ledger import Ledger
from notifications.mini_app_messages import MiniAppMessages
from notifications.notifier import Notifier
from notifications.preferences import Preferences
from notifications.wording import Wording
from resolvers import client_keys
from resolvers.client_keys import ClientKeys
from trust import access_log, clients, mini_apps, people, thaid, tokens
from trust.access_log import AccessLog
from trust.clients import AgencyClients
from trust.consents import Consents
from trust.mini_apps import MiniApps
from trust.people import People, PersonId
from trust.secrets import Vault, kept_key
from trust.thaid import ThaID
from trust.tokens import Tokens

log = logging.getLogger(__name__)

INDEXES = (
    *people.INDEXES, *access_log.INDEXES, *tokens.INDEXES, *thaid.INDEXES, *clients.INDEXES, *intake.INDEXES,
    *agenda.INDEXES, *subscriptions.INDEXES, *inbox.INDEXES, *devices.INDEXES, *preferences.INDEXES, *notifier.INDEXES,
    *client_keys.INDEXES, *cache.INDEXES, *mini_apps.INDEXES, *mini_app_messages.INDEXES, *payments.INDEXES,
    *applications.INDEXES, *journeys.INDEXES,
)  # fmt: skip


class House:
    """All parts of one process, wired. Use as `async with House(...)`: it connects, makes indexes, and closes in order."""

    def __init__(self, settings: Settings, *, process: str, on_leg: Callable[[str], None] = ledger.nothing) -> None:
        self.settings = settings
        self.is_leaving = False
        self._farewells: list[Callable[[], None]] = []
        self.clock = SystemClock()
        self.metrics = Metrics()
        self._flush_traces = set_up_traces(endpoint=settings.otlp_endpoint, process=process)
        self.catalogue = catalogue.load()
        self.engine = Engine(self.catalogue)

        if not settings.mongodb_uri.reveal():
            raise CannotStart("there is no MongoDB: set TANGRAT_MONGODB_URI, or run `tangrat up`, which brings its own")
        self.store = Store(settings.mongodb_uri.reveal(), database=settings.mongodb_database)
        # In development nobody has to make a master key: one is made and kept in the data directory.
        self.vault = Vault(settings.master_key_bytes() or kept_key(settings.data_dir))
        self.http = Http(ca_file=settings.agency_ca_file)
        # Addresses that others gave us (webhooks) may not lead inside; in development the sandbox is inside.
        self.outside = Http(public_only=settings.is_production)

        # Who is asking
        self.people = People(self.store, self.vault, clock=self.clock)
        self.access_log = AccessLog(self.store, clock=self.clock)
        self.tokens = Tokens(self.store, self.vault, clock=self.clock, issuer=settings.issuer)
        self.thaid = ThaID(
            self.store, self.vault, self.http, clock=self.clock, issuer=settings.thaid_issuer,
            client_id=settings.thaid_client_id, client_secret=settings.thaid_client_secret,
            redirect_uri=f"{settings.issuer}/auth/callback",
        )  # fmt: skip
        self.clients = AgencyClients(self.store, self.http, clock=self.clock, tokens=self.tokens)
        self.consents = Consents(
            self.store, self.people, agencies=[one.id for one in self.catalogue.agencies], clock=self.clock
        )
        self.mini_apps = MiniApps(self.store, self.vault, clock=self.clock, production=settings.is_production)

        # Asking the agencies
        self.cache = Cache(self.store, self.people, self.vault, clock=self.clock, fresh_most_s=settings.cache_fresh_s)
        self.agencies = connect(settings, self.http, self.catalogue, clock=self.clock)
        self.gateway = Gateway(
            self.agencies.adapters, people=self.people, access_log=self.access_log, cache=self.cache,
            consents=self.consents, clock=self.clock, metrics=self.metrics, deadline_s=settings.agency_deadline_s,
            agency_of=self.agencies.agency_of, consented=self.mini_apps.may_look,
        )  # fmt: skip

        self.own_words = OwnWords(self.store, self.people, clock=self.clock)
        self.facts = Facts(
            self.agencies.sources, own_words=self.own_words.asked, clock=self.clock, metrics=self.metrics
        )
        self.situations = Situations(self.engine, self.facts, self.gateway, self.people, self.vault, clock=self.clock)
        epayment = EPayment(
            self.agencies.gdx, url=settings.epayment_url, close_url=settings.epayment_close_url,
            source=settings.epayment_source, biller_id=settings.epayment_biller_id,
        )  # fmt: skip
        self.payments = Payments(
            self.store, self.people, self.vault, epayment, self.access_log, clock=self.clock, metrics=self.metrics,
            on_paid=lambda payment: self.journeys.steps.paid(payment),
        )  # fmt: skip

        # Telling people and systems
        self.inbox = Inbox(self.store, self.people, self.vault, clock=self.clock)
        self.devices = Devices(self.store, self.people, self.vault, clock=self.clock)
        self.preferences = Preferences(self.store, self.people, clock=self.clock)
        self.deliveries_ledger = Ledger(
            self.store, notifier.DELIVERIES, clock=self.clock, lease_s=settings.lease_s, on_leg=on_leg
        )
        self.notifier = Notifier(
            inbox=self.inbox, devices=self.devices, preferences=self.preferences, deliveries=self.deliveries_ledger,
            vault=self.vault, clock=self.clock,
        )  # fmt: skip
        self.subscriptions = Subscriptions(
            self.store, self.vault, self.catalogue, self.outside, clock=self.clock, metrics=self.metrics,
            public_only=settings.is_production,
        )  # fmt: skip
        self.push = PushChannel(
            project=settings.fcm_project, clock=self.clock, url=settings.fcm_url,
            credentials_file=settings.fcm_credentials_file,
        )  # fmt: skip
        wording = Wording(
            inbox=self.inbox, devices=self.devices, preferences=self.preferences, endpoints=self.subscriptions,
            vault=self.vault, clock=self.clock,
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.deliveries_ledger,
            [
                self.push,
                WebhookChannel(http=self.outside, clock=self.clock),
                SmsChannel(
                    http=self.http, url=settings.sms_url, token=settings.sms_token, sender=settings.sms_sender, clock=self.clock
                ),
            ],
            wording, devices=self.devices, endpoints=self.subscriptions, clock=self.clock, metrics=self.metrics, on_leg=on_leg,
        )  # fmt: skip

        # What happens to people, and what follows
        self.events_ledger = Ledger(
            self.store, intake.EVENTS, clock=self.clock, lease_s=settings.lease_s, on_leg=on_leg
        )
        self.intake = Intake(
            self.store,
            self.events_ledger,
            self.people,
            self.vault,
            self.catalogue,
            clock=self.clock,
            metrics=self.metrics,
        )
        register = Register(self.gateway, self.facts, self.people, self.vault, clock=self.clock)
        self.agenda_ledger = Ledger(
            self.store, agenda.AGENDA, clock=self.clock, lease_s=settings.lease_s, on_leg=on_leg
        )
        self.cells_ledger = Ledger(self.store, agenda.CELLS, clock=self.clock, lease_s=settings.lease_s, on_leg=on_leg)
        self.agenda = Agenda(
            self.store, self.agenda_ledger, self.cells_ledger, catalogue=self.catalogue, engine=self.engine,
            people=self.people, facts=register, intake=self.intake,
            hush=lambda person, why: self.notifier.withdraw(person, why=why), clock=self.clock, metrics=self.metrics,
            on_leg=on_leg,
        )  # fmt: skip
        self.journeys_ledger = Ledger(
            self.store, journeys.JOURNEYS, clock=self.clock, lease_s=settings.lease_s, on_leg=on_leg
        )
        self.journeys = Journeys(
            self.store, self.journeys_ledger, people=self.people, catalogue=self.catalogue, engine=self.engine,
            circumstances=AgenciesKnow(self.gateway, self.facts, self.catalogue), relatives=register,
            deaths=self.agenda, clock=self.clock, metrics=self.metrics, on_leg=on_leg,
        )  # fmt: skip
        self.fanout = Fanout(
            self.events_ledger, people=self.people, vault=self.vault, catalogue=self.catalogue, notifier=self.notifier,
            subscriptions=self.subscriptions, agenda=self.agenda, relatives=register, journeys=self.journeys,
            clock=self.clock, metrics=self.metrics, forget=self.gateway.forget, on_leg=on_leg,
        )  # fmt: skip
        self.applications = Applications(
            self.store, self.people, self.notifier, self.agenda, clock=self.clock,
            on_change=self.journeys.steps.application_changed,
        )  # fmt: skip
        self.mini_app_ledger = Ledger(
            self.store, mini_app_messages.MESSAGES, clock=self.clock, lease_s=settings.lease_s, on_leg=on_leg
        )
        self.mini_app_messages = MiniAppMessages(
            self.store, self.mini_app_ledger, mini_apps=self.mini_apps, notifier=self.notifier, people=self.people,
            deaths=self.agenda, vault=self.vault, clock=self.clock, metrics=self.metrics,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        await self.store.open(INDEXES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.intake.close()
        await self.gateway.close()
        await self.push.close()
        await self.http.close()
        await self.outside.close()
        await self.store.close()
        self._flush_traces()

    async def is_ready(self) -> bool:
        """Whether this process can serve: it isn't leaving, and the ledger answers."""
        if self.is_leaving:
            return False
        try:
            async with asyncio.timeout(2):
                await self.store.ping()
        except Exception as exc:  # noqa: BLE001 -- whatever it is, we are not ready
            log.warning("the ledger does not answer", extra={"why": type(exc).__name__})
            return False
        return True

    def on_leaving(self, farewell: Callable[[], None]) -> None:
        """Have something ended politely when the process leaves."""
        self._farewells.append(farewell)

    def leave(self) -> None:
        """The process is leaving: it is ready for nothing new, and says goodbye where it was listened to."""
        self.is_leaving = True
        for farewell in self._farewells:
            farewell()

    async def listen(self) -> None:
        """Ring a ledger's bell whenever any process puts something into it. Runs until cancelled. It only wakes: what is
        missed is found by looking."""
        bells = {one.collection: one for one in self.ledgers}
        while True:
            try:
                async with self.store.changes(bells, kinds=["insert"]) as stream:
                    while True:
                        if (change := await stream()) is not None:
                            bells[change.collection].ring()
            except PyMongoError:
                await asyncio.sleep(1)  # the database is away; the lookers notice that themselves

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        return (
            self.events_ledger, self.agenda_ledger, self.cells_ledger,
            self.deliveries_ledger, self.mini_app_ledger, self.journeys_ledger,
        )  # fmt: skip

    async def signed_in(self, person: PersonId) -> None:
        """After a sign-in: the person's coming days are planned in the background."""
        await self.agenda.wake(person)


def build(house: House) -> Any:
    """The API as one ASGI app: the graph as a plain branch (a route costs more), everything else through Starlette."""
    # Loaded here, for the worker is a House without doors, and the graph takes as long to load as half of the rest.
    from resolvers.context import Services
    from resolvers.payments import AgenciesBills
    from resolvers.schema import build_schema
    from resolvers.server import GraphQLServer

    settings = house.settings
    origins = sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, settings.app_redirect_uris)})
    graph = GraphQLServer(
        build_schema(), Services(
            clock=house.clock, catalogue=house.catalogue, engine=house.engine, sentences=Sentences(house.catalogue),
            situations=house.situations, people=house.people, gateway=house.gateway,
            operations=house.agencies.plain, facts=house.facts, own_words=house.own_words,
            titles={(one.agency, one.name): one.title for one in house.agencies.operations if one.title is not None},
            access_log=house.access_log, inbox=house.inbox, devices=house.devices, preferences=house.preferences,
            client_keys=ClientKeys(house.store, house.people, house.vault, clock=house.clock), mini_apps=house.mini_apps,
            consents=house.consents, payments=house.payments, bills=AgenciesBills(house.agencies.plain, clock=house.clock),
            applications=house.applications, journeys=house.journeys,
        ),
        authenticate=house.tokens.verify, production=settings.is_production, origins=origins, metrics=house.metrics,
    )  # fmt: skip
    house.on_leaving(graph.leave)
    others = Starlette(
        routes=[
            *operations_routes(house),
            *signin.build_routes(
                tokens=house.tokens, thaid=house.thaid, people=house.people, clients=house.clients, settings=settings,
                on_sign_in=house.signed_in,
            ),
            *routes.build_routes(
                intake=house.intake, subscriptions=house.subscriptions, clients=house.clients, notifier=house.notifier,
                access_log=house.access_log, people=house.people, vault=house.vault, clock=house.clock,
                metrics=house.metrics,
            ),
            *payment_doors.build_routes(
                payments=house.payments, callback_from=settings.epayment_callback_from, metrics=house.metrics
            ),
            *application_doors.build_routes(
                applications=house.applications, guard=house.mini_apps.caller, metrics=house.metrics,
                production=settings.is_production,
            ),
            *mini_app_doors.build_routes(
                mini_apps=house.mini_apps, messages=house.mini_app_messages, gateway=house.gateway,
                preferences=house.preferences, deaths=house.agenda, clock=house.clock, metrics=house.metrics,
                production=settings.is_production,
            ),
        ],
        exception_handlers={404: _not_found, 405: _not_so, Exception: _fault},
        middleware=[
            Middleware(
                CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
            )
        ],
    )  # fmt: skip

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/graphql":
            await graph(scope, receive, send)
        else:
            await others(scope, receive, send)

    return app


async def _not_found(request: Request, _exc: Exception) -> Response:
    return _says(
        404, "NOT_FOUND", "there is nothing at this address; ask the graph at /graphql, or see the documentation",
        "ไม่มีอะไรอยู่ที่ที่อยู่นี้ ถามข้อมูลได้ที่ /graphql",
    )  # fmt: skip


async def _not_so(_request: Request, exc: Exception) -> Response:
    allowed = (getattr(exc, "headers", None) or {}).get("Allow", "")
    said = _says(405, "METHOD_NOT_ALLOWED", f"this address takes {allowed} only", f"ที่อยู่นี้รับเฉพาะ {allowed}")
    said.headers["Allow"] = allowed
    return said


async def _fault(_request: Request, exc: Exception) -> Response:
    """A fault of ours: the story goes to the log under a reference, and the caller gets the reference."""
    reference = new_id()[:12]
    log.error("a request failed", extra={"reference": reference, "error": type(exc).__name__}, exc_info=exc)
    return _says(
        500, "INTERNAL", f"something went wrong on our side; tell us the reference {reference}",
        f"ระบบขัดข้อง โปรดแจ้งรหัสอ้างอิง {reference}",
    )  # fmt: skip


def _says(status: int, code: str, message: str, thai: str) -> Response:
    return JSONResponse({"error": code, "message": message, "message_th": thai, "details": []}, status_code=status)


def operations_routes(house: House) -> list[Route]:
    """Health and metrics, the same in every process."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_request: Request) -> Response:
        ready = await house.is_ready()
        return JSONResponse({"status": "ready" if ready else "not ready"}, status_code=200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        for one in house.ledgers:
            house.metrics.waiting.labels(one.collection).set(await one.waiting())
        return Response(house.metrics.text(), media_type="text/plain; version=0.0.4")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


@asynccontextmanager
async def ready(house: House) -> AsyncIterator[Any]:
    """The API for as long as it is served: what questions need to know of people is followed in the background."""
    app = build(house)
    # What is built lives as long as the process: the collector needn't look at it again. Where it did, the schema included,
    # that was a third of the time of a question that is answered from memory.
    gc.collect()
    gc.freeze()
    async with watching(house.store, {"sessions": house.tokens.are_over, "consents": house.consents.recent}):
        yield app


async def serve(settings: Settings) -> None:
    """The `serve` process."""
    socket = bind(settings.host, settings.port, setting="TANGRAT_PORT")
    async with (
        House(settings, process="serve") as house,
        following(house.clock, settings.clock_url, house.http),
        ready(house) as app,
    ):
        await Server(app, on_leaving=house.leave).serve(sockets=[socket])
