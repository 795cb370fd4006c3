"""What goes back: errors in the reader's language with a stable code, and nothing that we didn't mean to say.

An error of ours is shown as it is. Whatever else was raised becomes one masked sentence with a reference, and the whole
story goes to the log under that reference.
"""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from foundation.errors import SuperAppError
from foundation.language import Language, Text
from foundation.store import PyMongoError

log = logging.getLogger(__name__)

_INTERNAL = Text(
    th="ระบบของเราขัดข้อง โปรดลองใหม่ หากยังไม่สำเร็จ โปรดแจ้งรหัสอ้างอิง {reference}",
    en="Something went wrong on our side. Please try again; if it stays so, tell us the reference {reference}.",
)
_UNAVAILABLE = Text(
    th="ระบบยังให้บริการไม่ได้ในขณะนี้ โปรดลองใหม่ภายหลัง (รหัสอ้างอิง {reference})",
    en="The service can't answer now. Please try again later (reference {reference}).",
)
_WRONG_ARGUMENT = Text(
    th="อาร์กิวเมนต์ '{name}' มีค่าที่รับไม่ได้",
    en="Argument '{name}' has a value that it can't take.",
)
# What a fact of an error is called in `extensions`; other facts are for the log.
_SHOWN_FACTS = {"field": "field", "retry_after_s": "retryAfter"}


def error(exc: SuperAppError, language: Language) -> dict[str, Any]:
    """One entry of `errors` for an error of ours."""
    extensions: dict[str, Any] = {"code": exc.code}
    for fact, shown in _SHOWN_FACTS.items():
        if exc.facts.get(fact) is not None:
            value = exc.facts[fact]
            extensions[shown] = math.ceil(value) if isinstance(value, float) else value
    return {"message": exc.th if language == "th" else exc.message, "extensions": extensions}


def masked(exc: BaseException, language: Language, *, where: str) -> dict[str, Any]:
    """One entry of `errors` for anything else. `where` is a place in our own terms, such as the fields of a path."""
    reference = secrets.token_hex(6)
    database = isinstance(exc, PyMongoError)
    # The query and its variables stay out of the log: they may hold what a person typed.
    log.error(
        "a question failed", exc_info=exc, extra={"reference": reference, "where": where, "error": type(exc).__name__}
    )
    said = _UNAVAILABLE if database else _INTERNAL
    code = "UNAVAILABLE" if database else "INTERNAL"
    return {
        "message": said.said_in(language).format(reference=reference),
        "extensions": {"code": code, "reference": reference},
    }


def request_errors(errors: Sequence[GraphQLError], *, code: str, most: int) -> list[dict[str, Any]]:
    """Entries for what is wrong with a document or its variables; their messages are safe already."""
    return [{**_located(one), "message": one.message, "extensions": {"code": code}} for one in errors[:most]]


def execution_errors(errors: Sequence[GraphQLError], language: Language, *, most: int) -> list[dict[str, Any]]:
    """Entries for what went wrong while the answer was put together."""
    return [_execution_error(one, language) for one in errors[:most]]


def _execution_error(found: GraphQLError, language: Language) -> dict[str, Any]:
    cause: BaseException = found
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, SuperAppError):
        said = error(cause, language)
    elif isinstance(cause, GraphQLError) and cause.message.startswith("Argument '"):
        # A variable that its type allowed and the argument doesn't: null, mostly. The rest of the message quotes it.
        name = cause.message.removeprefix("Argument '").partition("'")[0]
        message = _WRONG_ARGUMENT.said_in(language).format(name=name)
        said = {"message": message, "extensions": {"code": "BAD_INPUT"}}
    else:
        where = ".".join(step for step in found.path or () if isinstance(step, str))
        said = masked(cause, language, where=where)
    placed = {**_located(found), **said}
    if found.path:
        placed["path"] = found.path
    return placed


def _located(found: GraphQLError) -> dict[str, Any]:
    if not found.locations:
        return {}
    return {"locations": [{"line": place.line, "column": place.column} for place in found.locations]}
