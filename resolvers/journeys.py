"""Journeys in the graph: one's way through the services of a life event, what is done, what to do next, and who must."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import enum_value, field

from foundation import language as words
from foundation.errors import BadInput, NotFound, SuperAppError
from lifeevents import course
from lifeevents import journey_book as kept
from lifeevents.rules.availability import State
from resolvers.catalogue import Agency, LifeEventType
from resolvers.context import Context, Info
from resolvers.requirements import Fact
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

_KIND = "Journey"
_LONGEST_CODE = 100


@strawberry.enum(description="How a journey stands.")
class JourneyState(Enum):
    OPEN = enum_value("OPEN", description="Something is left to do.")
    ENDED = enum_value("ENDED", description="Nothing is left to do.")
    LAPSED = enum_value("LAPSED", description="The last deadline of what was left is over.")
    SUPERSEDED = enum_value("SUPERSEDED", description="The same happened again, and that journey took its place.")
    WITHDRAWN = enum_value("WITHDRAWN", description="What it came from was taken back, or the person has died.")


@strawberry.enum(description="How a step of a journey stands.")
class JourneyStepState(Enum):
    BLOCKED = enum_value("BLOCKED", description="Another step comes first.")
    OPEN = enum_value("OPEN", description="It can be done.")
    WAITING = enum_value("WAITING", description="It is with the agency.")
    DONE = enum_value("DONE", description="It is done.")
    SKIPPED = enum_value("SKIPPED", description="It is not needed; those that follow need not wait for it.")
    LAPSED = enum_value("LAPSED", description="It can no longer be done.")


@strawberry.enum(description="Who must act.")
class JourneyActor(Enum):
    PERSON = enum_value("PERSON", description="The person themself.")
    OTHER_PARENT = enum_value("OTHER_PARENT", description="The child's other parent.")
    AGENCY = enum_value("AGENCY", description="The agency.")


@strawberry.enum(description="By whom something changed.")
class JourneyChangedBy(Enum):
    PERSON = enum_value("PERSON", description="The person themself.")
    OTHER_PARENT = enum_value("OTHER_PARENT", description="The child's other parent.")
    AGENCY = enum_value("AGENCY", description="An agency reported it.")
    CALENDAR = enum_value("CALENDAR", description="A day came.")
    SYSTEM = enum_value("SYSTEM", description="It followed from something else.")


@strawberry.type(description="What a journey came from.")
class JourneyCause:
    event_type: str | None = field(description="The type of the event; null where the person said it themself.")
    text: Text = field(description="The same in words.")
    reported_by: Agency | None = field(description="The agency that reported it; null for the calendar and the person.")
    happened_at: datetime = field(description="When it happened.")


@strawberry.type(description="How far a journey has come.")
class JourneyProgress:
    done: int = field(description="Steps that are done.")
    total: int = field(description="Steps that are needed, or may be.")
    skipped: int = field(description="Steps that are not needed.")


@strawberry.type(description="When a step can and must be taken.")
class JourneyDeadline:
    opens_on: date | None = field(description="The first day on which it can be taken, where that is still to come.")
    last_day: date | None = field(
        description="The last day that is in time; null where there is none, or none is known."
    )
    is_late: bool = field(description="Whether that day is over.")
    is_final: bool = field(description="Whether the right is lost after it; otherwise one is merely late.")


@strawberry.type(description="A document that a step asks for.")
class JourneyEvidence:
    code: str = field(description="Its name in the catalogue.")
    document: Text = field(description="What it is called.")
    held_by: Agency | None = field(description="The agency that has it already and can be asked for it.")
    needed: bool = field(description="Whether the person has to bring it.")


@strawberry.type(description="One service on the way.")
class JourneyStep:
    service: PublicService = field(description="The service.")
    depends_on: list[str] = field(description="The codes of the services that come before it.")
    state: JourneyStepState = field(description="How it stands.")
    state_name: Text = field(description="The same in words.")
    done_by: JourneyChangedBy | None = field(description="Of a step that is done: by whose word.")
    deadline: JourneyDeadline | None = field(description="When it can and must be taken; null where any day will do.")
    actor: JourneyActor | None = field(description="Who must act now; null where nobody can or need.")
    evidence: list[JourneyEvidence] = field(description="The documents it asks for.", metadata={"about": 4})
    missing: list[Fact] = field(
        description="What is not known, and would tell whether the step is needed, or its deadline.",
        metadata={"about": 1},
    )
    other_parent: JourneyStepState | None = field(
        description="Of a child's journey: `DONE` or `WAITING` where the other parent did or filed the same; nothing more of"
        " them is shown."
    )


@strawberry.type(description="One change of a journey.")
class JourneyChange:
    at: datetime = field(description="When.")
    service: PublicService | None = field(description="Which step changed; null where it was the journey itself.")
    before: str | None = field(description="The state before; null for the beginning.")
    after: str = field(description="The state from then on.")
    by: JourneyChangedBy = field(description="By whom.")
    agency: Agency | None = field(description="The agency, where one reported it.")
    why: Text = field(description="Why.")


@strawberry.type(description="A person's way through the services of one life event.")
class Journey(Node):
    life_event: LifeEventType | None = field(description="What happened; null where the catalogue no longer has it.")
    opened_at: datetime = field(description="When it was opened.")
    because: JourneyCause = field(description="What it came from.")
    state: JourneyState = field(description="How it stands.")
    state_name: Text = field(description="The same in words.")
    progress: JourneyProgress = field(description="How far it has come.")
    steps: list[JourneyStep] = field(description="The services in their order.", metadata={"about": 8})
    history: list[JourneyChange] = field(description="Every change, the oldest first.", metadata={"about": 10})


@strawberry.type(description="A journey in a page of journeys.")
class JourneyEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: Journey = field(description="The journey.")


@strawberry.type(description="A page of journeys, the one opened last first.")
class JourneyConnection:
    edges: list[JourneyEdge] = field(description="The journeys of this page.")
    page_info: PageInfo = field(description="Where the page ends.")


_CLIENT_KEY = (
    "Made up by the app for this wish, up to 200 characters. Sent again with it, the wish is carried out once; with"
    " another wish it is a conflict."
)


@strawberry.input(description="Something that happened, or is about to, in one's own words.")
class OpenJourneyInput:
    life_event: str = field(description="The code of a life event that a person declares (`beginning: DECLARED`).")
    client_key: str = field(description=_CLIENT_KEY)


@strawberry.input(description="A step of one's journey.")
class JourneyStepInput:
    journey_id: strawberry.ID = field(description="The journey's id.")
    service: str = field(description="The code of the step's service.")
    client_key: str = field(description=_CLIENT_KEY)


@strawberry.type(description="What came of it.")
class JourneyPayload:
    journey: Journey | None = field(description="The journey as it is now; null where there is none to show.")
    problems: list[Problem] = field(description="What stood in the way; then nothing was changed.")


async def journeys(
    info: Info,
    state: Annotated[JourneyState | None, strawberry.argument(description="Only those that stand so.")] = None,
    first: First = None,
    after: After = None,
) -> JourneyConnection:
    context = info.context
    wanted = None if state is None else _STATES[state.name]
    found = await context.services.journeys.page(context.person, state=wanted, first=first, after=after)
    shown = found.of(lambda one: _shown(one, context))
    return JourneyConnection(edges=edges(shown, JourneyEdge), page_info=page_info(found, after=after))


async def node(local: str, context: Context) -> Journey | None:
    """Their own journey; None for anybody else's, as for one that never was."""
    session = context.session
    found = None if session is None else await context.services.journeys.get(session.person, local)
    return None if found is None else _shown(found, context)


async def _open(
    info: Info,
    given: Annotated[OpenJourneyInput, strawberry.argument(name="input", description="What happened.")],
) -> JourneyPayload:
    context = info.context
    kept_by = context.services.journeys
    return await _carried_out(
        context, "openJourney", given.client_key, {"life_event": _code(given.life_event, "lifeEvent", context)},
        lambda: kept_by.declare(context.person, given.life_event, key=given.client_key),
    )  # fmt: skip


async def _close(
    info: Info,
    given: Annotated[JourneyStepInput, strawberry.argument(name="input", description="The step.")],
) -> JourneyPayload:
    return await _step(info.context, "closeStep", given, info.context.services.journeys.steps.close)


async def _reopen(
    info: Info,
    given: Annotated[JourneyStepInput, strawberry.argument(name="input", description="The step.")],
) -> JourneyPayload:
    return await _step(info.context, "reopenStep", given, info.context.services.journeys.steps.reopen)


async def _step(
    context: Context, what: str, given: JourneyStepInput, do: Callable[..., Awaitable[kept.Journey]]
) -> JourneyPayload:
    journey = local_id(given.journey_id, _KIND) or ""
    wish = {"journey": journey, "service": _code(given.service, "service", context)}
    return await _carried_out(
        context, what, given.client_key, wish, lambda: do(context.person, journey, given.service)
    )  # fmt: skip


async def _carried_out(
    context: Context, what: str, client_key: str, wish: dict[str, str | None], do: Callable[[], Awaitable[kept.Journey]]
) -> JourneyPayload:
    """Once for each key; a repeat is answered with the journey as it is by then."""
    keys, person = context.services.client_keys, context.person
    try:
        sound = {name: value for name, value in wish.items() if value is not None}
        if len(sound) < len(wish):
            raise BadInput("there is no such code in the catalogue", th="ไม่มีรหัสนี้ในแคตตาล็อก", field=_FIELDS[what])
        begun = await keys.begin(person, what, client_key, sound)
        if begun.outcome is not None:
            found = await context.services.journeys.get(person, begun.outcome["journey"])
            if found is None:
                raise NotFound("there is no such journey", th="ไม่พบรายการนี้", field="journeyId")
            return JourneyPayload(journey=_shown(found, context), problems=[])
        try:
            done = await do()
        except SuperAppError:
            await keys.release(begun)
            raise
        await keys.settle(begun, {"journey": done.id})
    except SuperAppError as exc:
        return JourneyPayload(journey=None, problems=[problem_of(exc, context.language)])
    return JourneyPayload(journey=_shown(done, context), problems=[])


_FIELDS = {"openJourney": "lifeEvent", "closeStep": "service", "reopenStep": "service"}


def _code(text: str, name: str, context: Context) -> str | None:
    """The code, where the catalogue has it."""
    shelf = context.shelf.life_events if name == "lifeEvent" else context.shelf.services
    return text if len(text) <= _LONGEST_CODE and text in shelf else None


@strawberry.type
class JourneyMutation:
    open_journey: JourneyPayload = field(
        resolver=_open,
        description="Say that something happens that no agency reports, such as a marriage to come, and get its journey."
        " Where such a journey is open already, it is that one.",
    )
    close_step: JourneyPayload = field(
        resolver=_close, description="Say that a step is done. An agency's own report goes before it."
    )
    reopen_step: JourneyPayload = field(
        resolver=_reopen, description="Take that back. What an agency reported can't be taken back here."
    )


def _shown(told: kept.Journey, context: Context) -> Journey:
    language = context.language
    counted = [one.state for one in told.steps]
    return Journey(
        id=global_id(_KIND, told.id),
        life_event=context.shelf.life_events.get(told.life_event),
        opened_at=told.opened_at,
        because=_because(told, context),
        state=JourneyState[told.state],
        state_name=say(SAID[told.state], language),
        progress=JourneyProgress(
            done=counted.count("DONE"),
            total=len(counted) - counted.count("SKIPPED"),
            skipped=counted.count("SKIPPED"),
        ),
        steps=[_step_shown(one, context) for one in told.steps],
        history=[
            JourneyChange(
                at=one.at, service=None if one.step is None else context.shelf.services.get(one.step), before=one.before,
                after=one.after, by=JourneyChangedBy[one.by],
                agency=None if one.agency is None else context.shelf.agencies.get(one.agency),
                why=say(WHY[one.why], language),
            )
            for one in told.history
        ],
    )  # fmt: skip


def _because(told: kept.Journey, context: Context) -> JourneyCause:
    event_type = None if told.event_type is None else context.services.catalogue.event_type(told.event_type)
    text = _DECLARED if told.event_type is None else _CALENDAR
    if event_type is not None and event_type.agency is not None:
        text = event_type.title
    return JourneyCause(
        event_type=told.event_type, text=say(text, context.language), happened_at=told.happened_at,
        reported_by=None if told.agency is None else context.shelf.agencies.get(told.agency),
    )  # fmt: skip


def _step_shown(told: course.Step, context: Context) -> JourneyStep:
    shelf, language, service = context.shelf, context.language, told.service
    titles = context.services.catalogue
    return JourneyStep(
        service=shelf.services[service.code],
        depends_on=list(told.depends_on),
        state=JourneyStepState[told.state],
        state_name=say(_stands(told), language),
        done_by=JourneyChangedBy[told.by] if told.state == "DONE" and told.by else None,
        deadline=_deadline(told),
        actor=None if told.actor is None else JourneyActor[told.actor],
        evidence=[
            JourneyEvidence(
                code=one.evidence,
                document=say(found.title, language),
                held_by=None if one.held_by is None else shelf.agencies[one.held_by],
                needed=one.is_needed,
            )
            for one in told.evidence
            if (found := titles.evidence_type(one.evidence)) is not None
        ],
        missing=[shelf.facts[path] for path in told.missing if path in shelf.facts],
        other_parent=None if told.of_other is None else JourneyStepState[told.of_other],
    )


def _stands(told: course.Step) -> words.Text:
    if told.state != "OPEN":
        return STEP_SAID[told.state]
    match told.when.state:
        case State.NOT_YET if told.when.opens is not None:
            return words.Text(
                th=f"ทำได้ตั้งแต่วันที่ {words.say_date(told.when.opens, 'th')}",
                en=f"Can be done from {words.say_date(told.when.opens, 'en')}",
            )
        case State.NO_ROUND:
            return _NO_ROUND
    return _BY_ITSELF if told.actor == "AGENCY" else STEP_SAID["OPEN"]


def _deadline(told: course.Step) -> JourneyDeadline | None:
    opens = told.when.opens if told.when.state is State.NOT_YET else None
    if opens is None and told.last_day is None:
        return None
    is_final = told.when.closes is not None or told.when.state is State.CLOSED
    is_late = told.when.is_late and told.is_unfinished
    return JourneyDeadline(opens_on=opens, last_day=told.last_day, is_late=is_late, is_final=is_final)


_NO_ROUND = words.Text(th="ยังไม่มีรอบที่เปิด", en="No round is open")
_BY_ITSELF = words.Text(th="หน่วยงานดำเนินการให้เอง", en="The agency does it by itself")
_STATES: dict[str, course.JourneyState] = {state: state for state in kept.JOURNEY_STATES}
_DECLARED = words.Text(th="ท่านแจ้งเอง", en="You said so")
_CALENDAR = words.Text(th="ถึงกำหนดตามปฏิทิน", en="The day came")

SAID: dict[str, words.Text] = {
    "OPEN": words.Text(th="กำลังดำเนินการ", en="Under way"),
    "ENDED": words.Text(th="ครบถ้วนแล้ว", en="Complete"),
    "LAPSED": words.Text(th="พ้นกำหนดแล้ว", en="Lapsed"),
    "SUPERSEDED": words.Text(th="มีรายการใหม่แทนแล้ว", en="Replaced by a newer one"),
    "WITHDRAWN": words.Text(th="ถูกถอน", en="Withdrawn"),
}
STEP_SAID: dict[str, words.Text] = {
    "BLOCKED": words.Text(th="รอขั้นตอนก่อนหน้า", en="Waits for an earlier step"),
    "OPEN": words.Text(th="ทำได้แล้ว", en="Can be done"),
    "WAITING": words.Text(th="รอหน่วยงาน", en="With the agency"),
    "DONE": words.Text(th="เสร็จแล้ว", en="Done"),
    "SKIPPED": words.Text(th="ไม่ต้องทำ", en="Not needed"),
    "LAPSED": words.Text(th="หมดเวลาแล้ว", en="No longer possible"),
}
WHY: dict[str, words.Text] = {
    "OPENED": words.Text(th="เริ่มรายการ", en="It began"),
    "CLOSED_BY_PERSON": words.Text(th="ท่านแจ้งว่าทำแล้ว", en="You said that it is done"),
    "REOPENED_BY_PERSON": words.Text(th="ท่านแจ้งว่ายังไม่เสร็จ", en="You said that it is not done after all"),
    "REPORTED": words.Text(th="หน่วยงานแจ้งว่าเสร็จแล้ว", en="The agency reported that it is done"),
    "APPLIED": words.Text(th="ยื่นคำขอแล้ว", en="A request was filed"),
    "RETURNED": words.Text(th="หน่วยงานส่งคำขอกลับหรือไม่อนุมัติ", en="The agency returned the request or rejected it"),
    "OTHER_PARENT": words.Text(th="บิดาหรือมารดาอีกฝ่ายดำเนินการแล้ว", en="The other parent did it"),
    "DONE": words.Text(th="เสร็จแล้ว", en="It is done"),
    "NOT_NEEDED": words.Text(th="ข้อมูลแสดงว่าไม่ต้องทำ", en="What is known shows that it is not needed"),
    "DEADLINE_PASSED": words.Text(th="พ้นกำหนดเวลา", en="The deadline is over"),
    "UNBLOCKED": words.Text(th="ขั้นตอนก่อนหน้าเรียบร้อยแล้ว", en="What came before it is settled"),
    "FACTS_CHANGED": words.Text(th="ข้อมูลที่ทราบเปลี่ยนไป", en="What is known has changed"),
    "JOURNEY_OPEN": words.Text(th="มีขั้นตอนที่ต้องทำอีกครั้ง", en="A step is to be done again"),
    "JOURNEY_ENDED": words.Text(th="ไม่มีขั้นตอนเหลือ", en="No step is left"),
    "JOURNEY_LAPSED": words.Text(th="พ้นกำหนดสุดท้ายแล้ว", en="The last deadline is over"),
    "SUPERSEDED": words.Text(th="เกิดเหตุการณ์เดียวกันอีกครั้ง", en="The same happened again"),
    "DIED": words.Text(th="มีการแจ้งการตาย", en="A death was reported"),
    "RETRACTED": words.Text(th="หน่วยงานถอนรายงาน", en="The agency took its report back"),
}
