"""The sandbox: a small state to develop against, as one ASGI application.

Every agency lives under its own prefix and speaks its own dialect; `/phone` is a phone to look at; under `/sandbox/` are
the switches with which a developer moves the day, makes an agency ill, or has one report an event. All of it is put
together on this page.
"""

from __future__ import annotations

import contextlib
import html
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import fields
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from sandbox import identity, phone
from sandbox.agencies import bizportal, card_check, dbd, dopa, epayment, gdx, nhso, rd, sso, standard
from sandbox.civil import laser_code
from sandbox.control import JsonReply, Refused, read_json
from sandbox.faults import Faults
from sandbox.mini_app import MiniApp
from sandbox.nation import Nation
from sandbox.people import BirthDate, Citizen
from sandbox.reporter import Reporter
from sandbox.world import Clock, World, full_name

DEFAULT_BASE_URL = "http://127.0.0.1:8100"
LARGEST_BODY = 1_048_576
_PAGE = Path(__file__).with_name("index.html")


def build(
    nation: Nation,
    *,
    api_url: str | None = None,
    base_url: str = DEFAULT_BASE_URL,
    agencies: Sequence[standard.Described] = (),
) -> Sandbox:
    """The whole sandbox. `agencies` are those that speak plain REST, and what each can be asked.

    Where our API is may also be said later, by `POST /sandbox/api`.
    """
    return Sandbox(nation, api_url=api_url, base_url=base_url.rstrip("/"), agencies=agencies)


class Sandbox:
    """An ASGI application; `hang_up` before stopping, or live pages and slow faults keep the server waiting."""

    def __init__(
        self, nation: Nation, *, api_url: str | None, base_url: str, agencies: Sequence[standard.Described]
    ) -> None:
        self.api_url = api_url.rstrip("/") if api_url else None
        self.base_url = base_url
        self.world = World(nation, Clock(nation.day_zero))
        self.standard = standard.Standard(self.world, agencies)
        self.faults = Faults(
            (
                *(identity.DOOR, dopa.DOOR, gdx.DOOR, sso.DOOR, nhso.DOOR, phone.FCM_DOOR, phone.SMS_DOOR),
                *(dbd.OPEN_DOOR, dbd.PROFILE_DOOR, rd.DOOR, epayment.DOOR, bizportal.DOOR),
                *self.standard.doors(),
            )
        )

        self.thaid = identity.ThaID(self.world, base_url=base_url, redirect_uris=self._redirect_uris)
        self.gateway = gdx.Gateway()
        self.linkage = dopa.Linkage(self.world, self.gateway, self.faults, pid_of_token=self.thaid.pid_of_token)
        self.card_check = card_check.CardCheck(self.world, self.gateway)
        self.realm = sso.Realm()
        self.service = sso.EService(self.world, self.realm, hospital_changed=self._hospital_changed)
        self.rights = nhso.Rights(self.world)
        self.old_rights = nhso.OldRights(self.world)
        self.companies = dbd.Register(self.world, self.gateway)
        self.tax_checks = rd.Checks(self.world)
        self.payments = epayment.EPayment(self.world, self.gateway, api_url=lambda: self.api_url)
        self.biz_portal = bizportal.BizPortal(self.gateway)
        self.phone = phone.Phone(base_url=base_url, api_url=lambda: self.api_url)
        self.reporter = Reporter(self.world, base_url=base_url, api_url=lambda: self.api_url, move=self.service.move)

        self.mini_app = MiniApp(base_url=base_url, api_url=lambda: self.api_url)

        self._page = Template(_PAGE.read_text("utf-8"))
        self._app = self.faults.around(
            Starlette(
                routes=self._routes(),
                lifespan=self._lifespan,
                exception_handlers={Refused: _refused, HTTPException: _not_here, Exception: _broken},
                max_body_size=LARGEST_BODY,
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def hang_up(self) -> None:
        self.faults.stop()
        self.phone.hang_up()

    def _routes(self) -> list[BaseRoute]:
        return [
            *self.phone.routes(),
            *self.gateway.routes(),
            *self.linkage.routes(),
            *self.card_check.routes(),
            *self.realm.routes(),
            *self.service.routes(),
            *self.rights.routes(),
            *self.old_rights.routes(),
            *self.companies.routes(),
            *self.tax_checks.routes(),
            *self.payments.routes(),
            *self.biz_portal.routes(),
            *self.standard.routes(),
            *self.thaid.routes(),
            *self.world.routes(),
            *self.faults.routes(),
            *self.reporter.routes(),
            *self.mini_app.routes(),
            Route("/sandbox/citizens", self._citizens, methods=["GET"]),
            Route("/sandbox/citizens/{number}", self._citizen, methods=["GET"]),
            Route("/sandbox/api", self._api, methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/tokens", self._tokens, methods=["DELETE"]),
            Route("/sandbox/reset", self._reset, methods=["POST"]),
            Route("/healthz", self._health, methods=["GET"]),
            Route("/", self._index, methods=["GET"]),
        ]

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self.reporter.running(), self.mini_app.running():
            yield

    def _redirect_uris(self) -> tuple[str, ...] | None:
        """Where ThaID may send people back: to our API and nowhere else, once it is known where that is."""
        return None if self.api_url is None else (f"{self.api_url}/auth/callback",)

    async def _hospital_changed(self, *change: Any) -> None:
        await self.reporter.hospital_changed(*change)

    # The sandbox's own pages and switches

    async def _index(self, request: Request) -> Response:
        page = self._page.substitute(
            base=html.escape(self.base_url),
            api=html.escape(self.api_url or ""),
            api_hidden="" if self.api_url else "hidden",
            today=self.world.clock.today().isoformat(),
            size=f"{self.world.nation.size:,}",
            people="\n".join(self._row(citizen) for citizen in self.world.samples()),
        )
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    def _row(self, citizen: Citizen) -> str:
        text = citizen.story.text if citizen.story else None
        return (
            f'<tr><td><a href="/sandbox/citizens/{citizen.number}">{citizen.number}</a></td>'
            f"<td>{html.escape(full_name(citizen))}<br>"
            f'<span lang="en">{html.escape(full_name(citizen, "en"))}</span></td>'
            f"<td>{self.world.age(citizen)}</td>"
            f"<td>{html.escape(text.th if text else '')}<br>"
            f'<span lang="en">{html.escape(text.en if text else "")}</span></td>'
            f'<td><a href="/phone?citizen={citizen.number}">โทรศัพท์ · <span lang="en">phone</span></a></td></tr>'
        )

    async def _health(self, request: Request) -> Response:
        return JsonReply({"status": "ok", "today": self.world.clock.today().isoformat()})

    async def _citizens(self, request: Request) -> Response:
        return JsonReply([self._shown(citizen) for citizen in self.world.samples()])

    async def _citizen(self, request: Request) -> Response:
        digits = request.path_params["number"]
        citizen = None
        if digits.isascii() and digits.isdigit():
            citizen = self.world.find(digits) if len(digits) == 13 else self.world.citizen(int(digits[:12]))
        if citizen is None:
            raise Refused(404, f"there is no such citizen; numbers run from 1 to {self.world.nation.size:,}")
        record = {field.name: getattr(citizen, field.name) for field in fields(citizen)}
        code = None if citizen.id_card == "never" else laser_code(citizen)
        return JsonReply({**record, **self._shown(citizen), "laser_code": code, "record": record})

    def _shown(self, citizen: Citizen) -> dict[str, Any]:
        story, why_not = citizen.story, self.thaid.why_not(citizen)
        return {
            "number": citizen.number,
            "pid": citizen.pid,
            "name": {"th": full_name(citizen), "en": full_name(citizen, "en")},
            "story": {"code": story.code, "th": story.text.th, "en": story.text.en} if story else None,
            "stage": story.stage if story else None,
            "birth": _iso(citizen.birth),
            "age": self.world.age(citizen),
            "alive": citizen.alive,
            "can_sign_in": why_not is None,
        }

    async def _api(self, request: Request) -> Response:
        if request.method == "POST":
            body = await read_json(request)
            url = body.text("url", most=300)
            body.nothing_else()
            if not _is_web_address(url):
                raise Refused(422, "url must be an address such as http://127.0.0.1:8000")
            self.api_url = url.rstrip("/")
        if request.method == "DELETE":
            self.api_url = None
        return JsonReply({"url": self.api_url})

    async def _reset(self, request: Request) -> Response:
        """As it was at the start: day, health, hospitals, messages, hooks. Keys, tokens and the API's address stay."""
        for part in (
            *(self.world, self.faults, self.service, self.phone, self.mini_app),
            *(self.reporter, self.payments, self.biz_portal),
        ):
            part.reset()
        return JsonReply({"today": self.world.clock.today().isoformat()})

    async def _tokens(self, request: Request) -> Response:
        """Agencies forget the tokens they gave, as a restart of theirs does; clients must notice and ask again."""
        forgetting: dict[str, Callable[[], int]] = {
            "thaid": self.thaid.forget,
            "gdx": self.gateway.forget,
            "dopa": self.linkage.forget,
            "sso": self.realm.forget,
            "nhso": self.old_rights.forget,
        }
        wanted = request.query_params.get("agency")
        if wanted is not None and wanted not in forgetting:
            raise Refused(422, f"agency is not known here: {wanted[:80]!r}", allowed=tuple(forgetting))
        return JsonReply({name: forget() for name, forget in forgetting.items() if wanted in (None, name)})


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Refused)  # noqa: S101 - what this handler is registered for
    return exc.reply()


async def _not_here(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - what this handler is registered for
    message = "there is nothing here; / lists what there is" if exc.status_code == 404 else exc.detail
    return JsonReply({"error": {"message": message}}, status_code=exc.status_code, headers=exc.headers)


async def _broken(request: Request, exc: Exception) -> Response:
    return JsonReply({"error": {"message": "the sandbox itself failed; its log says why"}}, status_code=500)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        return False


def _iso(birth: BirthDate) -> str:
    """As much of the date as is known: 1950-03-21, 1950-03 or 1950."""
    known = [f"{birth.year:04}"]
    if birth.month:
        known.append(f"{birth.month:02}")
        if birth.day:
            known.append(f"{birth.day:02}")
    return "-".join(known)
