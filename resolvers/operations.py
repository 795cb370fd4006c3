"""One operation, from what was asked to its answers: the same limits and the same words whatever carried it here.

The doors (plain HTTP, event streams, sockets) say who asks and carry the answers; what an operation may be, how it is
run and what is said where it fails is decided here once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from types import CoroutineType
from typing import Any, TypeGuard, cast

import strawberry
from graphql import ExecutionResult, GraphQLSchema
from graphql.execution import Executor, create_source_event_stream

from foundation.errors import BadInput, Forbidden, SuperAppError, TooMany, Unauthenticated
from foundation.language import LANGUAGES, Language
from resolvers import replies
from resolvers.catalogue import Shelf
from resolvers.context import Context, Services
from resolvers.documents import Documents, NotValid, Prepared, wrong_variables
from resolvers.executor import PlainExecutor
from resolvers.limits import Limits
from resolvers.request import Asked
from trust.limits import RateLimit
from trust.tokens import Session

log = logging.getLogger(__name__)

Authenticate = Callable[[str], Awaitable[Session]]
Reply = dict[str, Any]

_SENT_CHECKS, _SENT_CHECKS_S = 20, 60.0  # guessing a code that somebody was sent must take for ever


class TimedOut(SuperAppError):
    code = "TIMEOUT"
    status = 504


class NeedsStream(BadInput):
    """A subscription was asked where only one answer fits."""

    code = "NEEDS_STREAM"


class TooManyOpen(Forbidden):
    code = "TOO_MANY_OPEN"
    status = 429


class NotRun(Exception):
    """What was asked is refused as a whole. `errors` are ready to show."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("not run")
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, with the proof of it: who listens for long is looked at again."""

    session: Session | None = None
    token: str = ""
    address: str = "unknown"


class Operations:
    """Runs the operations of one schema. Make one for a process: the limits of a person count across the doors."""

    def __init__(
        self,
        schema: strawberry.Schema,
        services: Services,
        *,
        authenticate: Authenticate,
        production: bool,
        limits: Limits,
    ) -> None:
        # Executing through strawberry's own `execute` costs more than the resolvers do; what it wraps is this schema.
        self._schema: GraphQLSchema = schema._schema
        self._services = services
        self._authenticate = authenticate
        self._hides_suggestions = production
        self._limits = limits
        self._documents = Documents(self._schema, limits, introspection=not production, suggestions=not production)
        self._shelves = {language: Shelf(services.catalogue, language) for language in LANGUAGES}
        self._rate = RateLimit(most=limits.requests, window_s=limits.requests_window_s)
        self._late: set[asyncio.Future[ExecutionResult]] = set()  # what went on after its request was answered
        self._sent_checks = RateLimit(most=_SENT_CHECKS, window_s=_SENT_CHECKS_S)

    # ---- who asks

    async def who(self, authorization: str | None, *, address: str) -> Caller:
        """Whose token came along, if one did. A token that isn't good is refused, never overlooked."""
        if authorization is None:
            return Caller(address=address)
        scheme, _, token = authorization.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(
                "the Authorization header must be 'Bearer' and an access token",
                th="header Authorization ต้องเป็น 'Bearer' ตามด้วย access token",
            )
        return Caller(session=await self._authenticate(token), token=token, address=address)

    def admit(self, caller: Caller) -> None:
        """Count one request; TooMany where it is one more than this person may send."""
        if caller.session is None or (wait_s := self._rate.admit(caller.session.person)) is None:
            return
        raise TooMany(
            f"at most {self._limits.requests} requests in {self._limits.requests_window_s:g} s",
            th=f"ขอข้อมูลได้ไม่เกิน {self._limits.requests} ครั้งใน {self._limits.requests_window_s:g} วินาที",
            retry_after_s=wait_s,
        )

    async def look_again(self, caller: Caller) -> None:
        """Unauthenticated where who asked is signed in no longer."""
        if caller.session is None:
            return
        if caller.session.expires_at <= self._services.clock.now():
            raise Unauthenticated("the access token has expired", th="โทเคนหมดอายุแล้ว")
        await self._authenticate(caller.token)

    async def signed_out(self, caller: Caller) -> Unauthenticated:
        """Comes back, with the reason, once this caller is signed in no longer. For somebody nobody signed in: never."""
        while True:
            left_s = self._limits.session_look_s
            if caller.session is not None:
                until_end = caller.session.expires_at - self._services.clock.now()
                left_s = min(left_s, max(until_end.total_seconds(), 0.0))
            await asyncio.sleep(left_s)
            try:
                await self.look_again(caller)
            except Unauthenticated as exc:
                return exc
            except Exception as exc:  # noqa: BLE001 -- not knowing isn't knowing better: we look again
                log.warning("a session could not be looked at", extra={"why": type(exc).__name__})

    def context(self, caller: Caller, language: Language, *, anew: bool = False) -> Context:
        """What one operation of this caller carries. Make one for each.

        `anew`: nothing that was kept will do.
        """
        session = caller.session
        return Context(
            session=session,
            language=language,
            services=self._services,
            shelf=self._shelves[language],
            caller=caller.address if session is None else session.person,
            sent_checks=self._sent_checks,
            anew=anew,
        )

    # ---- what is asked

    def prepare(self, asked: Asked, context: Context) -> Prepared:
        """The operation to run, within all limits; NotRun says why not."""
        try:
            return self._documents.prepare(asked.query, asked.operation_name, asked.variables)
        except NotValid as exc:
            raise NotRun(replies.request_errors(exc.errors, code=exc.code, most=self._limits.errors)) from None
        except SuperAppError as exc:
            raise NotRun([replies.error(exc, context.language)]) from None

    async def answer(self, prepared: Prepared, asked: Asked, context: Context) -> Reply:
        """The one answer of a query or mutation; NotRun where it came to none."""
        if prepared.is_subscription:
            told = NeedsStream(
                "a subscription has many answers: ask with 'Accept: text/event-stream', or over a WebSocket",
                th="subscription มีหลายคำตอบ โปรดขอด้วย 'Accept: text/event-stream' หรือผ่าน WebSocket",
            )
            raise NotRun([replies.error(told, context.language)])
        executor = self._executor(prepared, asked, context)
        result = await self._in_time(executor.execute_operation(), must_end=prepared.is_mutation)
        return self._reply(result, context)

    async def answers(
        self, prepared: Prepared, asked: Asked, context: Context, caller: Caller
    ) -> AsyncGenerator[Reply, None]:
        """The answers of any operation, one where it is no subscription. Close it: it stops what it began.

        One event is taken from its source when the one before has been taken from here, so that who reads slowly makes
        nothing pile up.
        """
        if not prepared.is_subscription:
            yield await self.answer(prepared, asked, context)
            return
        executor = self._executor(prepared, asked, context)
        source = await self._in_time(create_source_event_stream(executor))
        if isinstance(source, ExecutionResult):
            raise NotRun(self._errors(source, context))
        async with aclosing(cast("AsyncGenerator[Any, None]", aiter(source))) as events:
            async for event in events:
                await self.look_again(caller)  # a session that ended gets nothing more, whatever is under way
                one = executor.build_per_event_executor(event)
                yield self._reply(await self._in_time(one.execute_operation(False)), context)

    def errors(self, exc: Exception, language: Language) -> list[dict[str, Any]]:
        """What is said of an operation that ended so."""
        if isinstance(exc, NotRun):
            return exc.errors
        if isinstance(exc, SuperAppError):
            return [replies.error(exc, language)]
        return [replies.masked(exc, language, where="the door")]

    def _executor(self, prepared: Prepared, asked: Asked, context: Context) -> Executor[Any]:
        """What runs the operation; NotRun where its variables don't fit."""
        most = self._limits.errors
        built = PlainExecutor.build(
            self._schema,
            prepared.document,
            context_value=context,
            raw_variable_values=asked.variables,
            operation_name=asked.operation_name,
            max_coercion_errors=most,
            hide_suggestions=self._hides_suggestions,
            is_awaitable=_is_coroutine,
            plans=prepared.plans,
        )
        if isinstance(built, list):
            wrong = wrong_variables(self._schema, prepared, asked.variables)
            raise NotRun(replies.request_errors(wrong, code="BAD_INPUT", most=most))
        return built

    def _reply(self, result: ExecutionResult, context: Context) -> Reply:
        reply: Reply = {"data": result.data}
        if result.errors:
            reply["errors"] = self._errors(result, context)
        return reply

    def _errors(self, result: ExecutionResult, context: Context) -> list[dict[str, Any]]:
        return replies.execution_errors(result.errors or [], context.language, most=self._limits.errors)

    async def _in_time(self, result: Any, *, must_end: bool = False) -> Any:
        """The result, waited for as long as a request may take.

        `must_end` is for what changes something: it is carried to its end even where whoever asked has hung up.
        """
        if not _is_coroutine(result):
            return result  # nothing waited
        begun = asyncio.get_running_loop().time()
        answering = asyncio.ensure_future(result)
        # Waited for and not merely cancelled when time is up: a cancellation can get lost on the way down (PyMongo
        # swallows one that comes while it checks out a connection), and the phone is to hear in time all the same.
        try:
            done, _ = await asyncio.wait({answering}, timeout=self._limits.request_s)
        except asyncio.CancelledError:
            if must_end:
                left_s = self._limits.request_s - (asyncio.get_running_loop().time() - begun)
                await asyncio.wait({answering}, timeout=max(left_s, 0.0))
            answering.cancel()
            raise
        if done:
            return answering.result()
        answering.cancel()
        self._late.add(answering)
        answering.add_done_callback(self._late.discard)
        raise TimedOut(
            f"the answer was not complete within {self._limits.request_s:g} s; ask for less at once, or again",
            th="รวบรวมคำตอบไม่ทันเวลาที่กำหนด โปรดลองใหม่",
        )


class Places:
    """How many of something may be open at once: for each person, and for all who aren't signed in together."""

    def __init__(self, *, most: int, strangers: int, what: str, th: str) -> None:
        self._most = most
        self._strangers = strangers
        self._what = what
        self._th = th
        self._taken: dict[str, int] = {}

    @contextmanager
    def taken(self, caller: Caller) -> Iterator[None]:
        """Holds a place while inside; TooManyOpen where none is left."""
        who, most = ("", self._strangers) if caller.session is None else (caller.session.person, self._most)
        if self._taken.get(who, 0) >= most:
            raise TooManyOpen(
                f"at most {most} {self._what} at once" + ("" if who else " for those who are not signed in"),
                th=f"เปิด {self._th} พร้อมกันได้ไม่เกิน {most} รายการ" + ("" if who else " สำหรับผู้ที่ไม่ได้เข้าสู่ระบบ"),
            )
        self._taken[who] = self._taken.get(who, 0) + 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


def outcome(exc: Exception) -> str:
    """What an operation that ended so counts as."""
    if isinstance(exc, NotRun):
        return "answered"  # as over plain HTTP, where a refused document is an answer
    return "refused" if isinstance(exc, SuperAppError) and exc.status < 500 else "failed"


def _is_coroutine(value: Any) -> TypeGuard[Awaitable[Any]]:
    """graphql-core asks this of every value of an answer. Ours wait in `async def` only, so one comparison is enough."""
    return type(value) is CoroutineType
