"""What a person was told, in the graph: the lasting list, why each message came, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from strawberry import field

from foundation.errors import NotFound, SuperAppError, TooMany
from notifications import inbox as rooms
from resolvers.catalogue import Agency
from resolvers.context import Context, Info
from resolvers.services import PublicService
from resolvers.values import (
    After,
    First,
    Node,
    PageInfo,
    Problem,
    Text,
    edges,
    global_id,
    local_id,
    page_info,
    problem_of,
    say,
)
from trust.people import PersonId

_KIND = "Notification"
_LOCAL = re.compile(r"[0-9a-f]{32}")


@strawberry.type(description="One fact on which a message rests.")
class FactUsed:
    path: str = field(description="The fact's name in the vocabulary, such as `person.birth_date`.")
    title: Text | None = field(description="What it means; null where the vocabulary no longer has it.")
    agency: Agency | None = field(description="The agency that knows it.")


@strawberry.type(description="Why a message came.")
class Because:
    event_type: str | None = field(description="The type of the life event that set it going.")
    reported_by: Agency | None = field(description="The agency that reported it; null where the calendar brought it.")
    happened_at: datetime | None = field(description="When it happened, as reported.")
    rule: str | None = field(description="The notification of the catalogue that fell due.")
    day: date | None = field(description="The day on which it fell due.")
    facts: list[FactUsed] = field(description="The facts from which that day follows.")


@strawberry.type(description="One message to a person, as it stays in their inbox.")
class Notification(Node):
    topic: str = field(description="What it is about: the code of a life stage, in lower case.")
    title: Text = field(description="Its title.")
    body: Text = field(description="The whole message.")
    lock_screen: Text = field(description="What a phone shows while it is locked; it doesn't name the matter.")
    received_at: datetime = field(description="When it was told.")
    is_read: bool = field(description="Whether it was read.")
    read_at: datetime | None = field(description="When it was first read.")
    delivered_at: datetime | None = field(description="When an app first said that it had arrived on a phone.")
    opened_at: datetime | None = field(description="When an app first said that it was opened.")
    retracted_at: datetime | None = field(description="When it was withdrawn, because what it said was a mistake.")
    service: PublicService | None = field(description="The service it is about, if it is about one.")
    is_about_me: bool = field(description="Whether it concerns the person themselves and not, say, a child of theirs.")
    is_statutory: bool = field(description="Whether the law says that they must be told, so that it can't be muted.")
    because: Because = field(description="Why it came.")
    check_code: str = field(description="The code by which anybody can ask `sentCheck` whether the state sent it.")


@strawberry.type(description="A message in a page of messages.")
class NotificationEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: Notification = field(description="The message.")


async def _unread(info: Info) -> int:
    return await info.context.services.inbox.unread(info.context.person)


@strawberry.type(description="A page of messages, the newest first.")
class NotificationConnection:
    edges: list[NotificationEdge] = field(description="The messages of this page.")
    page_info: PageInfo = field(description="Where the page ends.")
    unread_count: int = field(resolver=_unread, description="How many are unread in the whole inbox.")


UnreadOnly = Annotated[bool, strawberry.argument(description="Leave out what was read or withdrawn.")]


async def inbox(
    info: Info, unread_only: UnreadOnly = False, first: First = None, after: After = None
) -> NotificationConnection:
    context = info.context
    found = await context.services.inbox.page(context.person, unread_only=unread_only, first=first, after=after)
    shown = found.of(lambda entry: notification(entry, context))
    return NotificationConnection(edges=edges(shown, NotificationEdge), page_info=page_info(found, after=after))


def notification(entry: rooms.Entry, context: Context) -> Notification:
    language = context.language
    return Notification(
        id=global_id(_KIND, entry.id),
        topic=entry.topic,
        title=say(entry.title, language),
        body=say(entry.body, language),
        lock_screen=say(entry.lock_screen, language),
        received_at=entry.at,
        is_read=entry.read_at is not None,
        read_at=entry.read_at,
        delivered_at=entry.delivered_at,
        opened_at=entry.opened_at,
        retracted_at=entry.retracted_at,
        service=None if entry.service is None else context.shelf.services.get(entry.service),
        is_about_me=entry.about is None or entry.about == entry.person,
        is_statutory=entry.statutory,
        because=_because(entry.because, context),
        check_code=entry.check_code,
    )


def _because(told: Mapping[str, Any], context: Context) -> Because:
    happened_at, day = told.get("happened_at"), told.get("day")
    shelf, catalogue = context.shelf, context.services.catalogue
    return Because(
        event_type=told.get("event_type"),
        reported_by=shelf.agencies.get(told.get("agency") or ""),
        happened_at=None if happened_at is None else datetime.fromisoformat(happened_at),
        rule=told.get("rule"),
        day=None if day is None else date.fromisoformat(day),
        facts=[
            FactUsed(
                path=one["fact"],
                title=None if (fact := catalogue.tellable(one["fact"])) is None else say(fact.title, context.language),
                agency=shelf.agencies.get(one.get("agency") or ""),
            )
            for one in told.get("facts") or ()
        ],
    )


async def node(local: str, context: Context) -> Notification | None:
    """One's own message; None for anybody else's, as for one that never was."""
    entry = None if context.session is None else await context.services.inbox.get(context.person, local)
    return None if entry is None else notification(entry, context)


@strawberry.type(description="Yes: the state sent a message with this code. Nothing is said about to whom.")
class SentCheck:
    sent_at: datetime = field(description="When.")
    topic: str = field(description="About what: the code of a life stage, in lower case.")
    text: Text = field(description="The neutral text, as it stood on the phone.")


async def sent_check(
    info: Info, code: Annotated[str, strawberry.argument(description="The code as it stands in the message.")]
) -> SentCheck | None:
    context = info.context
    if (wait_s := context.sent_checks.admit(context.caller)) is not None:
        raise TooMany("too many codes were asked about", th="ตรวจสอบรหัสบ่อยเกินไป โปรดรอสักครู่", retry_after_s=wait_s)
    found = await context.services.inbox.sent_check(code)
    if found is None:
        return None
    return SentCheck(sent_at=found.sent_at, topic=found.topic, text=say(found.text, context.language))


_WHICH = "The message's id: `Notification.id`, or the `notification_id` that came with the push."


@strawberry.input(description="The message that was read.")
class MarkNotificationReadInput:
    id: strawberry.ID = field(description=_WHICH)


@strawberry.input(description="The message that arrived on a phone.")
class ConfirmNotificationDeliveredInput:
    id: strawberry.ID = field(description=_WHICH)


@strawberry.input(description="The message that was opened.")
class ConfirmNotificationOpenedInput:
    id: strawberry.ID = field(description=_WHICH)


@strawberry.type(description="The message as it is now.")
class MarkNotificationReadPayload:
    notification: Notification | None = field(description="The message; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


@strawberry.type(description="The message as it is now.")
class ConfirmNotificationDeliveredPayload:
    notification: Notification | None = field(description="The message; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


@strawberry.type(description="The message as it is now.")
class ConfirmNotificationOpenedPayload:
    notification: Notification | None = field(description="The message; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


async def _mark_read(
    info: Info,
    given: Annotated[MarkNotificationReadInput, strawberry.argument(name="input", description="Which message.")],
) -> MarkNotificationReadPayload:
    shown, problems = await _note(info.context, given.id, info.context.services.inbox.mark_read)
    return MarkNotificationReadPayload(notification=shown, problems=problems)


async def _confirm_delivered(
    info: Info,
    given: Annotated[
        ConfirmNotificationDeliveredInput, strawberry.argument(name="input", description="Which message.")
    ],
) -> ConfirmNotificationDeliveredPayload:
    shown, problems = await _note(info.context, given.id, info.context.services.inbox.mark_delivered)
    return ConfirmNotificationDeliveredPayload(notification=shown, problems=problems)


async def _confirm_opened(
    info: Info,
    given: Annotated[ConfirmNotificationOpenedInput, strawberry.argument(name="input", description="Which message.")],
) -> ConfirmNotificationOpenedPayload:
    shown, problems = await _note(info.context, given.id, info.context.services.inbox.mark_opened)
    return ConfirmNotificationOpenedPayload(notification=shown, problems=problems)


async def _note(
    context: Context, told: str, mark: Callable[[PersonId, str], Awaitable[rooms.Entry | None]]
) -> tuple[Notification | None, list[Problem]]:
    try:
        person = context.person
        local = told if _LOCAL.fullmatch(told) else local_id(told, _KIND)
        entry = None if local is None else await mark(person, local)
        if entry is None:
            raise NotFound("there is no such message", th="ไม่มีข้อความนี้", field="id")
    except SuperAppError as exc:
        return None, [problem_of(exc, context.language)]
    return notification(entry, context), []


@strawberry.type
class InboxMutation:
    mark_notification_read: MarkNotificationReadPayload = field(
        resolver=_mark_read, description="Note that a message was read. The first time counts."
    )
    confirm_notification_delivered: ConfirmNotificationDeliveredPayload = field(
        resolver=_confirm_delivered,
        description="The app says that a message arrived on a phone; what a push service accepted isn't that yet.",
    )
    confirm_notification_opened: ConfirmNotificationOpenedPayload = field(
        resolver=_confirm_opened, description="The app says that a message was opened, so it arrived and is read."
    )
