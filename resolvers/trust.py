"""Who looked at a person's data, in the graph: as they may read it themselves."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import field

from agencies.gateway import CONSENT, DATA_SUBJECT_REQUEST, PUBLIC_TASK
from agencies.payments import PURPOSE as PAYMENT
from foundation import language as words
from resolvers.catalogue import Agency
from resolvers.context import PURPOSE, Context, Info
from resolvers.values import After, First, PageInfo, Text, edges, global_id, page_info, say, say_if
from trust import access_log


@strawberry.type(description="One look at a person's data. It was written down before the look, whatever came of it.")
class AccessRecord:
    id: strawberry.ID = field(description="Opaque and unique.")
    at: datetime = field(description="When.")
    by_me: bool = field(description="Whether the person looked themselves, through this app.")
    actor: str | None = field(description="Who looked, where it wasn't the person: an agency, an officer or a system.")
    agency: Agency | None = field(description="The agency that was asked.")
    operation: str = field(description="What it was asked, by the operation's name.")
    operation_title: Text | None = field(description="What it was asked, in words; null for what is no longer asked.")
    purpose: Text = field(description="What for.")
    legal_ground: Text = field(description="On which legal ground.")
    on_behalf_of: str | None = field(description="For whom the actor acted, if for somebody else.")


@strawberry.type(description="A look in a page of looks.")
class AccessRecordEdge:
    cursor: str = field(description="Leads on from here, as `after`.")
    node: AccessRecord = field(description="The look.")


@strawberry.type(description="A page of looks, the newest first.")
class AccessRecordConnection:
    edges: list[AccessRecordEdge] = field(description="The looks of this page.")
    page_info: PageInfo = field(description="Where the page ends.")


# What is written down is short and for good; this is how a person reads it.
_PURPOSES = {
    PURPOSE: words.Text(th="เจ้าของข้อมูลขอดูข้อมูลของตนเอง", en="The person asked for their own data"),
    PAYMENT: words.Text(th="ชำระเงินให้หน่วยงานตามที่เจ้าของข้อมูลสั่ง", en="A payment that the person ordered"),
}
_GROUNDS = {
    DATA_SUBJECT_REQUEST: words.Text(
        th="สิทธิของเจ้าของข้อมูล (พ.ร.บ.คุ้มครองข้อมูลส่วนบุคคล มาตรา 30)",
        en="The right of the person whose data it is (Personal Data Protection Act, section 30)",
    ),
    PUBLIC_TASK: words.Text(
        th="ภารกิจของรัฐ (พ.ร.บ.คุ้มครองข้อมูลส่วนบุคคล มาตรา 24 (4))",
        en="A task of the state (Personal Data Protection Act, section 24 (4))",
    ),
    CONSENT: words.Text(
        th="ความยินยอมของเจ้าของข้อมูล (พ.ร.บ.คุ้มครองข้อมูลส่วนบุคคล มาตรา 19)",
        en="The consent of the person whose data it is (Personal Data Protection Act, section 19)",
    ),
}


def _as_written(told: str) -> words.Text:
    return words.Text(th=told, en=told)


async def access_records(info: Info, first: First = None, after: After = None) -> AccessRecordConnection:
    context = info.context
    found = await context.services.access_log.page(context.person, first=first, after=after)
    shown = found.of(lambda record: _record(record, context))
    return AccessRecordConnection(edges=edges(shown, AccessRecordEdge), page_info=page_info(found, after=after))


def _record(record: access_log.AccessRecord, context: Context) -> AccessRecord:
    by_me = record.actor == context.person
    return AccessRecord(
        id=global_id("AccessRecord", record.id),
        at=record.at,
        by_me=by_me,
        actor=None if by_me else record.actor,
        agency=context.shelf.agencies.get(record.agency),
        operation=record.operation,
        operation_title=say_if(context.services.titles.get((record.agency, record.operation)), context.language),
        purpose=say(_PURPOSES.get(record.purpose) or _as_written(record.purpose), context.language),
        legal_ground=say(_GROUNDS.get(record.legal_ground) or _as_written(record.legal_ground), context.language),
        on_behalf_of=record.on_behalf_of,
    )
