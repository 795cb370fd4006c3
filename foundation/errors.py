"""One family of errors: what went wrong, in words that are safe to show.

Raised where the fact is known, turned into a reply only at an edge (GraphQL, HTTP, the command line).
"""

from __future__ import annotations

from typing import Any, ClassVar


class SuperAppError(Exception):
    """Something a caller can be told about.

    `code` is stable and for machines, `status` is the HTTP status an edge answers with, the message is for people and
    never holds personal data. `th` is the same message in Thai where citizens may read it. `facts` go to the log and,
    where an edge wants them, into the reply.
    """

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, th: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.th = th or message
        self.facts = facts


class BadInput(SuperAppError):
    """What was sent can't be understood or isn't allowed; nothing was changed."""

    code = "BAD_INPUT"
    status = 400


class Unauthenticated(SuperAppError):
    """Nobody is signed in, or the proof of it doesn't hold."""

    code = "UNAUTHENTICATED"
    status = 401


class Forbidden(SuperAppError):
    """Who asks is known, and may not."""

    code = "FORBIDDEN"
    status = 403


class NotFound(SuperAppError):
    """No such thing, or none that this caller may know of."""

    code = "NOT_FOUND"
    status = 404


class Conflict(SuperAppError):
    """The same key was used before for something else."""

    code = "CONFLICT"
    status = 409


class TooMany(SuperAppError):
    """More than this caller may ask for now; `retry_after_s` says when to come back."""

    code = "TOO_MANY_REQUESTS"
    status = 429


class Unavailable(SuperAppError):
    """Something we need isn't answering; the same call may succeed later."""

    code = "UNAVAILABLE"
    status = 503


class CannotStart(SuperAppError):
    """The process can't start as things are. The message is one sentence that says what to do; exit code 2."""

    code = "CANNOT_START"
