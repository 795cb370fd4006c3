"""Requests that a person has filed with agencies, in the graph: how each stands, and how it came to that."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import enum_value, field

from lifeevents import applications as kept
from resolvers.catalogue import Agency
from resolvers.context import Context, Info
from resolvers.values import After, First, Node, PageInfo, Text, edges, global_id, page_info, say

_KIND = "Application"


@strawberry.enum(description="How a request to an agency stands.")
class ApplicationState(Enum):
    CHECK = enum_value("CHECK", description="The agency checks whether it is complete.")
    PENDING = enum_value("PENDING", description="It is being considered.")
    APPROVED_WAITING_PAY_FEE = enum_value(
        "APPROVED_WAITING_PAY_FEE", description="It is approved; the fee is to be paid."
    )
    PAID_FEE_CREATING_LICENSE = enum_value(
        "PAID_FEE_CREATING_LICENSE", description="The fee is paid; the document is being made."
    )
    COMPLETED = enum_value("COMPLETED", description="It is done.")
    REJECTED = enum_value("REJECTED", description="It was rejected.")


@strawberry.enum(description="Whose turn it is.")
class ApplicationWaiting(Enum):
    WAITING_AGENT_WORKING = enum_value("WAITING_AGENT_WORKING", description="The agency's.")
    WAITING_USER_WORKING = enum_value("WAITING_USER_WORKING", description="The person's.")
    DONE = enum_value("DONE", description="Nobody's: this part is done.")


@strawberry.type(description="How a request stood from a moment on.")
class ApplicationStep:
    at: datetime = field(description="Since when.")
    state: ApplicationState = field(description="How it stood.")
    waiting: ApplicationWaiting | None = field(description="Whose turn it was, where the agency said so.")


@strawberry.type(description="What the agency offers beside the state, such as paying or sending what is missing.")
class ApplicationButton:
    name: str = field(description="What it says, in the agency's words.")
    url: str = field(description="Where it leads.")
    description: str | None = field(description="More about it.")


@strawberry.type(description="A request that the person has filed with an agency.")
class Application(Node):
    agency: Agency | None = field(description="The agency; null where the catalogue no longer has it.")
    name: str = field(description="What is requested, in the agency's words.")
    reference_number: str | None = field(description="The agency's number for it, for people.")
    url: str | None = field(description="Where the agency shows it.")
    state: ApplicationState = field(description="How it stands.")
    state_name: Text = field(description="The same in words.")
    waiting: ApplicationWaiting | None = field(description="Whose turn it is, where the agency said so.")
    remark: str | None = field(description="What the agency says about it.")
    button: ApplicationButton | None = field(description="What the agency offers to do now.")
    filed_at: datetime = field(description="When we first heard of it.")
    updated_at: datetime = field(description="When it last changed.")
    steps: list[ApplicationStep] = field(
        description="How it came to this, the oldest first; of very many, the latest.", metadata={"about": 5}
    )


@strawberry.type(description="A request in a page of requests.")
class ApplicationEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: Application = field(description="The request.")


@strawberry.type(description="A page of requests, the one changed last first.")
class ApplicationConnection:
    edges: list[ApplicationEdge] = field(description="The requests of this page.")
    page_info: PageInfo = field(description="Where the page ends.")


async def applications(info: Info, first: First = None, after: After = None) -> ApplicationConnection:
    context = info.context
    found = await context.services.applications.page(context.person, first=first, after=after)
    shown = found.of(lambda one: _shown(one, context))
    return ApplicationConnection(edges=edges(shown, ApplicationEdge), page_info=page_info(found, after=after))


async def node(local: str, context: Context) -> Application | None:
    """Their own request; None for anybody else's, as for one that never was."""
    session = context.session
    found = None if session is None else await context.services.applications.get(session.person, local)
    return None if found is None else _shown(found, context)


def _shown(told: kept.Application, context: Context) -> Application:
    now, button = told.now, told.now.button
    return Application(
        id=global_id(_KIND, told.id),
        agency=context.shelf.agencies.get(told.agency),
        name=told.filed.name,
        reference_number=told.filed.reference_number,
        url=told.filed.url,
        state=ApplicationState[now.state],
        state_name=say(kept.SAID[now.state], context.language),
        waiting=_waiting(now.waiting),
        remark=now.remark,
        button=None if button is None else _button(button),
        filed_at=told.filed_at,
        updated_at=told.updated_at,
        steps=[
            ApplicationStep(at=one.at, state=ApplicationState[one.state], waiting=_waiting(one.waiting))
            for one in told.steps
        ],
    )


def _button(told: kept.Button) -> ApplicationButton:
    return ApplicationButton(name=told.name, url=told.url, description=told.description)


def _waiting(told: kept.Waiting | None) -> ApplicationWaiting | None:
    return None if told is None else ApplicationWaiting[told]
