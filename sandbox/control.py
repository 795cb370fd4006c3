"""Reading what a developer posts to the sandbox's own switches, and answering in JSON.

The agencies answer in their own dialects, spelling mistakes and all; the switches under `/sandbox/` answer plainly, and
say what would have been right. A body that is wrong is a 4xx with a sentence, never a 500.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response


class JsonReply(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=str)


class Refused(Exception):
    """A switch can't be turned that way; `allowed` says which ways there are."""

    def __init__(self, status: int, message: str, *, allowed: Collection[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.allowed = tuple(allowed)

    def reply(self) -> Response:
        content: dict[str, Any] = {"error": {"message": self.message}}
        if self.allowed:
            content["error"]["allowed"] = self.allowed
        return JsonReply(content, status_code=self.status)


async def read_json(request: Request) -> Body:
    try:
        content = orjson.loads(await request.body())
    except orjson.JSONDecodeError as exc:
        raise Refused(400, f"the body must be JSON: {exc}") from exc
    if not isinstance(content, dict):
        raise Refused(422, "the body must be a JSON object")
    return Body(content)


class Body:
    """A JSON object read field by field; what was not asked for is refused at the end, so a typo is not silence."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self._asked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return self._content.get(name) is not None

    def one_of(self, *names: str) -> str:
        """Which one of these fields is there; exactly one must be."""
        self._asked.update(names)
        there = [name for name in names if name in self]
        if len(there) != 1:
            raise Refused(422, f"give exactly one of {', '.join(names)}", allowed=names)
        return there[0]

    def text(self, name: str, *, among: Collection[str] = (), least: int = 1, most: int = 2_000) -> str:
        value = self._take(name)
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise Refused(422, f"{name} must be a text of {least} to {most} characters", allowed=among)
        if among and value not in among:
            raise Refused(422, f"{name} is not known: {value[:80]!r}", allowed=among)
        return value

    def texts(self, name: str) -> list[str]:
        value = self._take(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            raise Refused(422, f"{name} must be a list of texts, with at least one")
        return value

    def whole_number(self, name: str, *, least: int, most: int) -> int:
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Refused(422, f"{name} must be a whole number from {least} to {most}")
        return value

    def number(self, name: str, *, least: float, most: float) -> float:
        value = self._take(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise Refused(422, f"{name} must be a number")
        if not least <= value <= most:
            raise Refused(422, f"{name} must be a number from {least} to {most}")
        return float(value)

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if not isinstance(value, bool):
            raise Refused(422, f"{name} must be true or false")
        return value

    def day(self, name: str) -> date:
        value = self._take(name)
        try:
            return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _not_a_day(name)
        except ValueError:
            return _not_a_day(name)

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._take(name)
        if not isinstance(value, dict):
            raise Refused(422, f"{name} must be an object")
        return value

    def raw(self, name: str) -> Any:
        return self._take(name)

    def rest(self) -> dict[str, Any]:
        """The fields not asked for yet, for switches whose field names are data."""
        rest = {name: value for name, value in self._content.items() if name not in self._asked}
        self._asked.update(rest)
        return rest

    def nothing_else(self) -> None:
        unknown = sorted(set(self._content) - self._asked)
        if unknown:
            raise Refused(422, f"not known here: {', '.join(unknown)[:200]}", allowed=sorted(self._asked))

    def _take(self, name: str) -> Any:
        self._asked.add(name)
        value = self._content.get(name)
        if value is None:
            raise Refused(422, f"{name} is missing")
        return value


def _not_a_day(name: str) -> date:
    raise Refused(422, f"{name} must be a day such as 2026-11-21")
