"""The graph's two doors, and the schema behind them. `print_schema` says it as text; schema.graphql keeps that."""

from __future__ import annotations

import asyncio
from typing import Annotated

import strawberry
from strawberry import field
from strawberry.printer import print_schema as print_strawberry

from foundation.errors import BadInput
from foundation.pages import LARGEST_PAGE
from resolvers import applications, citizen, entitlements, inbox, journeys, mini_apps, payments, preferences
from resolvers.catalogue import Agency, LifeEventType, LifeEventTypeConnection, LifeStage, LifeStageCode
from resolvers.citizen import Citizen
from resolvers.consents import ConsentMutation
from resolvers.context import Context, Info
from resolvers.hospital import HospitalMutation
from resolvers.id_card import IdCardMutation
from resolvers.inbox import InboxMutation, SentCheck
from resolvers.journeys import JourneyMutation
from resolvers.mini_apps import MiniApp, MiniAppMutation
from resolvers.own_words import OwnWordsMutation
from resolvers.payments import PaymentMutation
from resolvers.preferences import PreferencesMutation
from resolvers.services import PublicService, PublicServiceConnection, ServiceKind
from resolvers.subscriptions import Subscription
from resolvers.values import After, First, Node, read_global_id

Code = Annotated[str, strawberry.argument(description="The code in the catalogue.")]


def _life_stages(info: Info) -> list[LifeStage]:
    return info.context.shelf.life_stages


def _life_events(
    info: Info,
    stage: Annotated[LifeStageCode | None, strawberry.argument(description="Only those of this stage.")] = None,
    first: First = None,
    after: After = None,
) -> LifeEventTypeConnection:
    return info.context.shelf.page_of_life_events(stage=stage, first=first, after=after)


def _life_event(info: Info, code: Code) -> LifeEventType | None:
    return info.context.shelf.life_events.get(code)


def _public_services(
    info: Info,
    search: Annotated[
        str | None,
        strawberry.argument(
            description="Words that must occur in the code, title or summary, in either language; in any order."
        ),
    ] = None,
    agency: Annotated[str | None, strawberry.argument(description="Only those of the agency with this code.")] = None,
    kind: Annotated[ServiceKind | None, strawberry.argument(description="Only those of this kind.")] = None,
    life_event: Annotated[
        str | None, strawberry.argument(description="Only those that follow from the life event with this code.")
    ] = None,
    first: First = None,
    after: After = None,
) -> PublicServiceConnection:
    return info.context.shelf.page_of_services(
        search=search, agency=agency, kind=kind, life_event=life_event, first=first, after=after
    )


def _public_service(info: Info, code: Code) -> PublicService | None:
    return info.context.shelf.services.get(code)


def _agencies(info: Info) -> list[Agency]:
    return list(info.context.shelf.agencies.values())


async def _node(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The id that something had.")],
) -> Node | None:
    return await _found(id, info.context)


async def _nodes(
    info: Info,
    ids: Annotated[list[strawberry.ID], strawberry.argument(description=f"At most {LARGEST_PAGE} ids.")],
) -> list[Node | None]:
    if len(ids) > LARGEST_PAGE:
        raise BadInput(f"at most {LARGEST_PAGE} ids at once", th=f"ขอได้ครั้งละไม่เกิน {LARGEST_PAGE} รายการ", field="ids")
    return list(await asyncio.gather(*(_found(one, info.context) for one in ids)))


async def _found(text: str, context: Context) -> Node | None:
    """What an id leads to. None alike for what never was, what isn't an id, and what is somebody else's."""
    told = read_global_id(text)
    if told is None:
        return None
    match told:
        case "Citizen", local:
            return citizen.node(local, context)
        case "Notification", local:
            return await inbox.node(local, context)
        case "Device", local:
            return await preferences.node(local, context)
        case "Payment", local:
            return await payments.node(local, context)
        case "Application", local:
            return await applications.node(local, context)
        case "Journey", local:
            return await journeys.node(local, context)
        case "Entitlement", local:
            return await entitlements.node(local, context)
        case kind, local:
            return context.shelf.node(kind, local)


@strawberry.type(description="What can be asked.")
class Query:
    me: Citizen | None = field(resolver=citizen.me, description="The person who is signed in; null when nobody is.")
    life_stages: list[LifeStage] = field(
        resolver=_life_stages, description="The stages of a life, in order.", metadata={"about": 12}
    )
    life_events: LifeEventTypeConnection = field(
        resolver=_life_events, description="What can happen in a life, in the catalogue's order."
    )
    life_event: LifeEventType | None = field(
        resolver=_life_event, description="One life event; null where the catalogue has no such code."
    )
    public_services: PublicServiceConnection = field(
        resolver=_public_services,
        description="The services that fit all that is said. With `search`, those whose name fits come first.",
    )
    public_service: PublicService | None = field(
        resolver=_public_service, description="One service; null where the catalogue has no such code."
    )
    agencies: list[Agency] = field(resolver=_agencies, description="The state's agencies.", metadata={"about": 50})
    mini_apps: list[MiniApp] = field(
        resolver=mini_apps.mini_apps,
        description="The agencies' own pages that can be opened in the app.",
        metadata={"about": 20},
    )
    sent_check: SentCheck | None = field(
        resolver=inbox.sent_check,
        description="Was this message really sent by the state? Open to anybody. Null: no message of the last 90 days"
        " has this code.",
    )
    node: Node | None = field(
        resolver=_node,
        description="What an id leads back to. Null alike for what is not there, what is not an id, and what is"
        " somebody else's.",
    )
    nodes: list[Node | None] = field(resolver=_nodes, description="The same for several ids, in their order.")


@strawberry.type(
    description="What can be done. Each answers with what it changed, and foreseeable trouble as `problems`."
)
class Mutation(
    InboxMutation,
    OwnWordsMutation,
    PreferencesMutation,
    HospitalMutation,
    MiniAppMutation,
    ConsentMutation,
    IdCardMutation,
    PaymentMutation,
    JourneyMutation,
):
    pass


def build_schema() -> strawberry.Schema:
    return strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)


def print_schema() -> str:
    """The schema as text, the same on every machine."""
    return print_strawberry(build_schema()) + "\n"
