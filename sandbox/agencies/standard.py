"""Every agency that speaks plain REST: one invented dialect for all, and behind it each agency's own register.

`POST /agencies/{agency}/v1/{operation}` with what is asked, a bearer token, `{"about", "as_of", "data"}` in the answer.
What can be asked is handed in (the catalogue says it); what is answered stands in `sandbox/registers/`, one file for each
agency, as functions of the nation. Where there is none, an answer of the right shape is made up, the same each time.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox import registers
from sandbox.control import JsonReply
from sandbox.faults import Door, is_lying
from sandbox.people import Citizen, Words
from sandbox.world import BANGKOK, World

TOKEN = "tangrat-agencies"
CITIZEN = "citizen_id"
_REFRESHED_AT = time(4)
_LARGEST = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One field of an answer, as the catalogue describes it."""

    name: str
    kind: str
    is_list: bool = False
    is_optional: bool = False
    choices: tuple[str, ...] = ()
    inside: tuple[Shape, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One operation of one agency: what it is asked with and what it answers."""

    agency: str
    operation: str
    arguments: tuple[str, ...]
    fields: tuple[Shape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question as a register meets it. `citizen` is there where the operation is about a person."""

    world: World
    agency: str
    operation: str
    arguments: Mapping[str, str]
    citizen: Citizen | None

    @property
    def person(self) -> Citizen:
        """The citizen of an operation that is always about one."""
        assert self.citizen is not None  # noqa: S101 - what the dialect has checked before
        return self.citizen

    @property
    def today(self) -> date:
        return self.world.clock.today()

    def dice(self, what: str) -> int:
        """64 random bits, always the same for this agency, this person (or these arguments) and `what`."""
        who = str(self.citizen.number) if self.citizen else repr(sorted(self.arguments.items()))
        return throw(self.world.nation.seed, self.agency, who, what)


Answer = Callable[[Asked], Mapping[str, Any] | None]  # None: no such record


def throw(*what: object) -> int:
    return int.from_bytes(hashlib.blake2b("\0".join(map(str, what)).encode(), digest_size=8).digest(), "big")


class Standard:
    def __init__(self, world: World, described: Sequence[Described], *, token: str = TOKEN) -> None:
        self._world = world
        self._described = {(one.agency, one.operation): one for one in described}
        self._answers = _found_registers()
        self._token = token

    def doors(self) -> tuple[Door, ...]:
        by_agency: dict[str, list[str]] = {}
        for agency, operation in self._described:
            by_agency.setdefault(agency, []).append(operation)
        return tuple(_door(agency, tuple(operations)) for agency, operations in by_agency.items())

    def routes(self) -> list[BaseRoute]:
        return [Route("/agencies/{agency}/v1/{operation}", self._ask, methods=["POST"])]

    async def _ask(self, request: Request) -> Response:
        expected = f"Bearer {self._token}".encode()
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return _error(401, "UNAUTHORIZED", "the bearer token is not known here")
        agency, operation = request.path_params["agency"], request.path_params["operation"]
        described = self._described.get((agency, operation))
        if described is None:
            return _error(404, "NO_SUCH_OPERATION", "this agency has no such operation")
        body = await request.body()
        try:
            sent = orjson.loads(body) if len(body) <= _LARGEST else None
        except orjson.JSONDecodeError:
            sent = None
        if (
            not isinstance(sent, dict)
            or set(sent) != set(described.arguments)
            or not all(isinstance(value, str) and value for value in sent.values())
        ):
            return _error(422, "BAD_REQUEST", f"send exactly these, as texts: {', '.join(described.arguments)}")
        return self._answer(described, sent, is_false=is_lying(request))

    def _answer(self, described: Described, sent: dict[str, str], *, is_false: bool) -> Response:
        citizen = self._world.find(sent[CITIZEN]) if CITIZEN in sent else None
        if CITIZEN in sent and citizen is None:
            return _nothing(sent)
        about = dict(sent)
        if is_false:
            if citizen is not None:
                citizen = self._world.somebody_else(citizen, having=lambda one: one.alive)
                about[CITIZEN] = citizen.pid
            else:
                about = {name: f"{value}0" for name, value in sent.items()}
        # Where nobody is named, a lie is the right answer that says it is about another thing.
        arguments = about if citizen is not None else sent
        asked = Asked(
            world=self._world, agency=described.agency, operation=described.operation, arguments=arguments,
            citizen=citizen,
        )  # fmt: skip
        answer = self._answers.get((described.agency, described.operation))
        data = answer(asked) if answer else None
        if answer is None or (data is None and is_false):  # who lies always has something to say
            data = {one.name: _made_up(one, asked, one.name) for one in described.fields}
        if data is None:
            return _nothing(about)
        return JsonReply({"about": about, "as_of": self._as_of().isoformat(), "data": _plain(data)})

    def _as_of(self) -> datetime:
        """The nightly refresh that the records come from."""
        now = self._world.clock.now()
        day = now.date() if now.time() >= _REFRESHED_AT else now.date() - timedelta(days=1)
        return datetime.combine(day, _REFRESHED_AT, BANGKOK)


def _found_registers() -> dict[tuple[str, str], Answer]:
    found: dict[tuple[str, str], Answer] = {}
    for module in pkgutil.iter_modules(registers.__path__):
        answers: Mapping[str, Answer] = getattr(
            importlib.import_module(f"{registers.__name__}.{module.name}"), "ANSWERS", {}
        )
        found |= {(module.name, operation): answer for operation, answer in answers.items()}
    return found


def _door(agency: str, operations: tuple[str, ...]) -> Door:
    return Door(
        agency=agency,
        prefix=f"/agencies/{agency}/",
        operations=operations,
        operation_of=lambda _method, path, _body: path.rpartition("/")[2],
        failure=lambda status: {"error": {"code": "INTERNAL", "message": f"internal error ({status})"}},
    )


def _nothing(about: Mapping[str, str]) -> Response:
    error = {"code": "NOT_FOUND", "message": "there is no such record"}
    return JsonReply({"about": about, "error": error}, status_code=404)


def _error(status: int, code: str, message: str) -> Response:
    return JsonReply({"error": {"code": code, "message": message}}, status_code=status)


def _plain(value: Any) -> Any:
    """As JSON has it: days in ISO form, money as a text with two decimals, words in both languages."""
    match value:
        case Words(th=th, en=en):
            return {"th": th, "en": en}
        case Decimal():
            return f"{value:.2f}"
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {name: _plain(inside) for name, inside in value.items()}
        case list() | tuple():
            return [_plain(inside) for inside in value]
    return value


def _made_up(shape: Shape, asked: Asked, where: str) -> Any:
    draw = asked.dice(f"{asked.operation} {where}")
    if shape.is_list:
        one = Shape(name=shape.name, kind=shape.kind, choices=shape.choices, inside=shape.inside)
        return [_made_up(one, asked, f"{where}.{at}") for at in range(draw % 3)]
    if shape.is_optional and draw % 4 == 0:
        return None
    day = asked.today - timedelta(days=draw % 2_000)
    match shape.kind:
        case "object":
            return {one.name: _made_up(one, asked, f"{where}.{one.name}") for one in shape.inside}
        case "enum":
            return shape.choices[draw % len(shape.choices)]
        case "bool":
            return draw % 2 == 0
        case "int":
            return draw % 100
        case "money" | "decimal":
            return Decimal(draw % 1_000_000) / 100
        case "date" | "partial_date":
            return day
        case "month":
            return day.isoformat()[:7]
        case "time":
            return datetime.combine(day, time(9), BANGKOK)
        case "words":
            return Words(th=f"ตัวอย่าง {draw % 1000}", en=f"sample {draw % 1000}")
        case "code":
            return f"{draw % 1_000_000:06d}"
    return f"ตัวอย่าง {draw % 1000}"
