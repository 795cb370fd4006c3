"""`tangrat tour`: the three roads, walked against a running system by real requests, and what happened on each.

Every step asks, waits for what should follow, and says how long it took; a step that doesn't hold makes the exit code 1.
Afterwards agencies are well again and the day is back where it was; what was told stays told.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from backend.client import Phone
from foundation.errors import SuperAppError, Unavailable
from foundation.http import CallFailed, Http
from foundation.ids import new_id
from foundation.settings import Settings

_PATIENCE_S = 20
_LOOKS_S = 2.0  # the processes follow the sandbox's day twice a second, and look at the agenda once a second
INSURED = 7  # the sample who moved house: insured under section 33, with a hospital to change
PARENT = 2  # the sample whose child is about to turn seven
ALMOST_SIXTY = 13  # whose registration for the old-age allowance opens on the coming 1 October

ROAD_1 = """query Road1($year: Int) { me {
  profile { agency { code } state fetchedAt problem { code message } value { name { th en } birth { text } } }
  household { agency { code } state problem { code } value { address { text } members { name { th en } } } }
  socialSecurity { agency { code } state problem { code message } value { section hospital { code name { th en } }
    contributions(year: $year) { state value { months { month employee { amount } } } } } }
  healthcare { agency { code } state problem { code } value { rights { right { th en } } } } } }"""
LOOKS = """{ me { accessRecords(first: 5) {
  edges { node { agency { code } operation purpose { en } legalGround { en } } } } } }"""
INBOX = "{ me { inbox(first: 50) { edges { node { id topic title { said } body { text: said } because { day } } } } } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    road: str
    what: str
    took_ms: float
    good: bool
    says: str


class Sandbox:
    """The controls of the simulated state."""

    def __init__(self, base: str, http: Http) -> None:
        self.base = base
        self._http = http

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            reply = await self._http.request(method, self.base + path, deadline_s=_PATIENCE_S, json=body)
        except CallFailed as exc:
            raise Unavailable(f"the sandbox at {self.base} does not answer; is `tangrat up` running?") from exc
        if reply.status >= 400:
            raise SuperAppError(f"the sandbox refused {method} {path}: {reply.body[:200]!r}")
        return reply.json() if reply.body else None

    async def until(self, path: str, enough: Callable[[Any], bool]) -> Any:
        return await until(lambda: self.call("GET", path), enough)


async def until(look: Callable[[], Awaitable[Any]], enough: Callable[[Any], bool]) -> Any:
    """Look again and again until it is enough; the last look where patience ends."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        seen = await look()
        if enough(seen) or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(0.25)


class Tour:
    def __init__(self, settings: Settings, http: Http, *, on_step: Callable[[Step], None]) -> None:
        self._settings = settings
        self._http = http
        parts = urlsplit(settings.clock_url)
        self._sandbox = Sandbox(f"{parts.scheme}://{parts.netloc}", http)
        self._on_step = on_step
        self.steps: list[Step] = []

    async def _step(self, road: str, what: str, walk: Callable[[], Awaitable[tuple[bool, str]]]) -> None:
        began = time.monotonic()
        try:
            good, says = await walk()
        except (SuperAppError, KeyError, TypeError, IndexError) as exc:
            good, says = False, f"{type(exc).__name__}: {exc}"
        step = Step(road=road, what=what, took_ms=(time.monotonic() - began) * 1000, good=good, says=says)
        self.steps.append(step)
        self._on_step(step)

    def _phone(self) -> Phone:
        return Phone(
            self._settings.issuer, redirect_uri=self._settings.app_redirect_uris[0], http=self._http, language="en"
        )

    async def walk(self) -> None:
        await self._sandbox.call("DELETE", "/sandbox/faults")
        await self._sandbox.call("POST", "/sandbox/clock", {"reset": True})
        try:
            await self._road_1()
            await self._road_2()
            await self._road_3()
        finally:
            await self._sandbox.call("DELETE", "/sandbox/faults")
            await self._sandbox.call("POST", "/sandbox/clock", {"reset": True})

    async def _road_1(self) -> None:
        phone = self._phone()
        today = date.fromisoformat((await self._sandbox.call("GET", "/sandbox/clock"))["today"])

        async def sign_in() -> tuple[bool, str]:
            await phone.sign_in(INSURED)
            return True, "ThaID → our own access and refresh token"

        async def ask() -> tuple[bool, str]:
            me = (await phone.ask(ROAD_1, year=today.year))["me"]
            cards = {name: card["state"] for name, card in me.items()}
            hospital = me["socialSecurity"]["value"]["hospital"]["name"]["en"]
            return set(cards.values()) == {"OK"}, f"{_said(cards)}; {me['profile']['value']['name']['en']}, {hospital}"

        async def one_down() -> tuple[bool, str]:
            await self._sandbox.call("POST", "/sandbox/faults", {"agency": "sso", "fault": "down"})
            me = (await phone.ask(ROAD_1, year=today.year))["me"]
            await self._sandbox.call("DELETE", "/sandbox/faults")
            cards = {name: card["state"] for name, card in me.items()}
            good = cards.pop("socialSecurity") == "UNAVAILABLE" and set(cards.values()) == {"OK"}
            return good, f"socialSecurity UNAVAILABLE ({me['socialSecurity']['problem']['message']}); {_said(cards)}"

        async def looks() -> tuple[bool, str]:
            me = (await phone.ask(LOOKS))["me"]
            seen = [edge["node"] for edge in me["accessRecords"]["edges"]]
            return bool(seen), "; ".join(
                f"{one['agency']['code']} {one['operation']}: {one['purpose']['en']} ({one['legalGround']['en']})"
                for one in seen[:2]
            )

        await self._step("1", "A citizen signs in with ThaID", sign_in)
        await self._step("1", "One question, answered by DOPA, SSO and NHSO together", ask)
        await self._step("1", "The SSO is down: one card says so, the others are served", one_down)
        await self._step("1", "Who looked, and why, is on record", looks)

    async def _road_2(self) -> None:
        phone = self._phone()
        token = f"sandbox-{INSURED}-{new_id()}"
        sent: dict[str, Any] = {}

        async def ready() -> tuple[bool, str]:
            await phone.sign_in(INSURED)
            await _register(phone, token)
            found = await self._sandbox.call("POST", "/sandbox/subscribe", {
                "agency": "nhso", "types": ["th.sso.hospital.changed"],
                "purpose": "Keep the right to care in step with social security", "legal_ground": "public task",
            })  # fmt: skip
            return True, f"a phone, and a subscription of the NHSO ({found.get('state', 'active')})"

        async def report() -> tuple[bool, str]:
            told = await self._sandbox.call(
                "POST", "/sandbox/report", {"agency": "sso", "type": "th.sso.hospital.changed", "citizen": INSURED}
            )
            sent.update(told)
            return told["status"] == 202, f"POST /agency/events → {told['status']}"

        async def pushed() -> tuple[bool, str]:
            seen = await self._sandbox.until(f"/phone/api/messages?token={token}", lambda found: found["messages"])
            one = seen["messages"][0]
            return True, f"“{one.get('title')}: {one.get('body')}”"

        async def read() -> tuple[bool, str]:
            entries = await _inbox(phone)
            return bool(entries), f"“{entries[0]['body']['text']}”" if entries else "the inbox is empty"

        async def handed_over() -> tuple[bool, str]:
            hooks = await self._sandbox.until(
                "/sandbox/hooks", lambda found: any(_of(sent, hook) for hook in found["hooks"])
            )
            mine = [hook for hook in hooks["hooks"] if _of(sent, hook)]
            return len(
                mine
            ) == 1, f"webhook-id {mine[0].get('webhook_id', '')[:12]}…, signature good" if mine else "nothing came"

        await self._step("2", "The citizen's phone is known, an agency subscribes", ready)
        await self._step("2", "The SSO reports that the hospital has changed", report)
        await self._step("2", "The phone shows it (the lock screen names no matter)", pushed)
        await self._step("2", "The inbox tells the whole of it", read)
        await self._step("2", "The NHSO receives a signed call", handed_over)

    async def _road_3(self) -> None:
        """The nearer day first: what fell due long before a day is not told any more."""
        today = date.fromisoformat((await self._sandbox.call("GET", "/sandbox/clock"))["today"])
        children = (await self._sandbox.call("GET", f"/sandbox/citizens/{PARENT}"))["children"]
        births = [(await self._sandbox.call("GET", f"/sandbox/citizens/{one}"))["record"]["birth"] for one in children]
        turns = [date(birth["year"] + 7, birth["month"] or 1, birth["day"] or 1) for birth in births]
        seventh = min(day for day in turns if day >= today)
        await self._falls_due(PARENT, seventh, "A child turns seven: the parent hears of the first identity card")
        opens = date(today.year if today < date(today.year, 10, 1) else today.year + 1, 10, 1)
        await self._falls_due(ALMOST_SIXTY, opens, "Registration for the old-age allowance opens on 1 October")

    async def _falls_due(self, citizen: int, day: date, what: str) -> None:
        phone = self._phone()

        async def told() -> list[dict[str, Any]]:
            return [one for one in await _inbox(phone) if one["because"]["day"] == day.isoformat()]

        async def wait() -> tuple[bool, str]:
            await phone.sign_in(citizen)
            await _register(phone, f"sandbox-{citizen}-{new_id()}")
            await asyncio.sleep(_LOOKS_S)  # the coming days are planned in the background
            await self._sandbox.call("POST", "/sandbox/clock", {"today": (day - timedelta(days=1)).isoformat()})
            await asyncio.sleep(_LOOKS_S)
            if before := await told():
                return len(before) == 1, f"on {day}, on an earlier walk: “{_words(before[0])}”"
            await self._sandbox.call("POST", "/sandbox/clock", {"today": day.isoformat()})
            found = await until(told, bool)
            return len(found) == 1, f"on {day}: “{_words(found[0])}”" if found else f"nothing was told on {day}"

        async def once() -> tuple[bool, str]:
            for another in (day - timedelta(days=1), day):
                await self._sandbox.call("POST", "/sandbox/clock", {"today": another.isoformat()})
                await asyncio.sleep(_LOOKS_S)
            found = await told()
            return len(found) == 1, f"told {len(found)} time"

        await self._step("3", what, wait)
        await self._step("3", "The same day again tells nothing twice", once)
        await self._sandbox.call("POST", "/sandbox/clock", {"reset": True})
        await asyncio.sleep(_LOOKS_S)


async def _register(phone: Phone, token: str) -> None:
    answer = await phone.ask(
        "mutation R($input: RegisterDeviceInput!) { registerDevice(input: $input) { device { id } problems { message } } }",
        input={"token": token, "platform": "WEB", "clientKey": token},
    )
    if answer["registerDevice"]["problems"]:
        raise SuperAppError(answer["registerDevice"]["problems"][0]["message"])


async def _inbox(phone: Phone) -> list[dict[str, Any]]:
    return [edge["node"] for edge in (await phone.ask(INBOX))["me"]["inbox"]["edges"]]


def _words(entry: dict[str, Any]) -> str:
    return f"{entry['title']['said']}: {entry['body']['text']}"


def _of(sent: dict[str, Any], hook: dict[str, Any]) -> bool:
    """Whether this webhook is about the event that was sent."""
    return bool(sent) and sent["body"]["receipts"][0]["receipt"] in json.dumps(hook["body"])


def _said(cards: dict[str, str]) -> str:
    return ", ".join(f"{name} {state}" for name, state in cards.items())


async def walk(settings: Settings, *, console: Console, as_json: bool) -> bool:
    """Walk, printing each step as it is done; true where every one held."""
    http = Http()

    def show(step: Step) -> None:
        if not as_json:
            mark = "[green]✓[/]" if step.good else "[red]✗[/]"
            console.print(
                f" {mark} [bold]road {step.road}[/] {step.what} [dim]({step.took_ms:,.0f} ms)[/]", highlight=False
            )
            console.print(f"     {step.says}", highlight=False, markup=False, style="dim", soft_wrap=True)

    tour = Tour(settings, http, on_step=show)
    try:
        await tour.walk()
    finally:
        await http.close()
    good = all(step.good for step in tour.steps)
    if as_json:
        rows = [
            {"road": s.road, "what": s.what, "took_ms": round(s.took_ms, 1), "good": s.good, "says": s.says}
            for s in tour.steps
        ]
        console.print_json(json.dumps({"good": good, "steps": rows}, ensure_ascii=False))
    else:
        console.print(f"{sum(s.good for s in tour.steps)} of {len(tour.steps)} steps hold.")
    return good
