"""A person's life as a line of dates, in the graph: what happened, what holds now, what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from enum import Enum
from typing import Annotated, Any, Final

import strawberry
from strawberry import enum_value, field

from agencies import dopa, sso
from agencies.answers import Answer
from agencies.facts import Provenance
from foundation import language as words
from foundation.clock import BANGKOK
from foundation.dates import PartialDate as Partial
from foundation.errors import BadInput
from lifeevents.lifeline import DATES, STANDING, Entry, Lifeline
from notifications.inbox import Entry as Told
from resolvers.catalogue import LifeEventType
from resolvers.context import Context, Info
from resolvers.entitlement_words import Words
from resolvers.entitlements import EntitlementAbout, FactSource, situation_of
from resolvers.services import PublicService, ServiceScope
from resolvers.values import PartialDate, Text, partial_date, say

_FIRST_YEAR = 1850
_YEARS_AHEAD, _MOST_YEARS_AHEAD = 20, 100
_OLD_AGE = 65  # years; by then a person knows what old age brings
_MOST_TOLD = 50
_REGISTERED: Final = {
    "MARRIAGE": words.Text(th="จดทะเบียนสมรส", en="Registered a marriage"),
    "DIVORCE": words.Text(th="จดทะเบียนหย่า", en="Registered a divorce"),
}
_NAMED: Final = {
    "FIRST_NAME": words.Text(th="เปลี่ยนชื่อตัว", en="Changed the first name"),
    "LAST_NAME": words.Text(th="เปลี่ยนชื่อสกุล", en="Changed the surname"),
}
_OTHER: Final = words.Text(th="เปลี่ยนชื่อ", en="Changed the name")


@strawberry.enum(description="Where an entry stands in a life.")
class LifelineKind(Enum):
    HAPPENED = enum_value("HAPPENED", description="It happened.")
    HOLDS = enum_value("HOLDS", description="It holds now; the date says since when, or is today's.")
    COMES = enum_value("COMES", description="It comes.")


@strawberry.type(description="One date of a life.")
class LifelineEntry:
    day: PartialDate = field(description="When, as far as it is known.")
    until: date | None = field(description="Of what holds: the last day, where it is foreseeable.")
    kind: LifelineKind = field(description="Where it stands.")
    title: Text = field(description="What it is.")
    services: list[PublicService] = field(description="The services it is about.", metadata={"about": 1})
    life_event: LifeEventType | None = field(description="The life event that the calendar brings, where it is one.")
    about: EntitlementAbout | None = field(description="Whom or what it is about; null: the person themself.")
    sure: bool = field(description="Whether it is so whatever else happens. Otherwise it hangs on `dependsOn`.")
    depends_on: list[Text] = field(
        description="What may still change it: facts that must stay as they are, or are not known yet.",
        metadata={"about": 2},
    )
    source: FactSource | None = field(description="Whose record tells it, where one does.")


From = Annotated[date | None, strawberry.argument(description="From this day on. Left out, from birth.", name="from")]
To = Annotated[
    date | None,
    strawberry.argument(
        description="Until this day, at most 100 years ahead. Left out, the 65th birthday or 20 years from now, whichever"
        " comes later.",
        name="to",
    ),
]


async def lifeline(info: Info, from_: From = None, to: To = None) -> list[LifelineEntry]:
    context = info.context
    services, today = context.services, context.services.clock.today()
    farthest = _years_on(today, _MOST_YEARS_AHEAD)
    if (from_ is not None and from_ > (to or farthest)) or (to is not None and to > farthest):
        raise BadInput(
            f"a lifeline runs from a day to a later one, at most {_MOST_YEARS_AHEAD} years ahead; years are those of the"
            " Common Era",
            th=f"วันเริ่มต้นต้องไม่หลังวันสิ้นสุด และล่วงหน้าได้ไม่เกิน {_MOST_YEARS_AHEAD} ปี ใช้ปี ค.ศ.", field="from",
        )  # fmt: skip
    catalogue = services.catalogue
    situation, past, told = await asyncio.gather(
        situation_of(context, catalogue.services, also=DATES | STANDING),
        _registered(context),
        services.inbox.page(context.person, first=_MOST_TOLD),
    )
    since = date(_FIRST_YEAR, 1, 1) if from_ is None else from_
    until = min(_old_age(situation.person.facts.get("person.birth_date"), today), farthest) if to is None else to
    drawn = Lifeline(services.engine).draw(
        situation, catalogue.services, since=since, until=until, today=today,
        happened=[*past, *map(_told, told.items)],
    )  # fmt: skip
    return [_shown(one, Words(catalogue, services.sentences, one.case), context) for one in drawn]


# ---- inside


async def _registered(context: Context) -> list[Entry]:
    """Marriages, divorces and changed names as registry offices entered them, and since when somebody is insured."""
    marriages, names, insured = await asyncio.gather(
        context.asking.ask(dopa.MARRIAGE), context.asking.ask(dopa.NAME_CHANGE), context.asking.ask(sso.INSURED)
    )
    return [*_marriages(marriages), *_names(names), *_insured(insured)]


def _marriages(told: Answer[Any]) -> Iterator[Entry]:
    for one in told.value or ():
        title = _REGISTERED.get(one.kind, one.kind_name)
        yield Entry(day=one.registered_on, kind="HAPPENED", title=title, source=_provenance(told))


def _names(told: Answer[Any]) -> Iterator[Entry]:
    for one in told.value or ():
        yield Entry(day=one.changed_on, kind="HAPPENED", title=_NAMED.get(one.kind, _OTHER), source=_provenance(told))


def _insured(told: Answer[Any]) -> Iterator[Entry]:
    if told.value is not None and told.value.since is not None:
        title = words.Text(th="เป็นผู้ประกันตนตามสถานะปัจจุบัน", en="Insured as now with social security")
        yield Entry(day=told.value.since, kind="HAPPENED", title=title, source=_provenance(told))


def _provenance(told: Answer[Any]) -> Provenance:
    return Provenance(
        agency=told.agency, operation=None, as_of=told.as_of, fetched_at=told.fetched_at, is_stale=told.state == "STALE"
    )


def _told(entry: Told) -> Entry:
    """What the person was told of it, on the day that they were told."""
    return Entry(
        day=entry.at.astimezone(BANGKOK).date(), kind="HAPPENED", title=entry.title,
        services=() if entry.service is None else (entry.service,),
    )  # fmt: skip


def _shown(one: Entry, say_fact: Words, context: Context) -> LifelineEntry:
    language, shelf = context.language, context.shelf
    source, situations = one.source, context.services.situations
    shown_id = None if one.case is None else situations.shown_id(context.asking, one.case)
    depends = [
        say_fact.missing(path, fact) if _is_missing(fact) else say_fact.question(path) for path, fact in one.depends_on
    ]
    return LifelineEntry(
        day=partial_date(Partial(one.day, one.precision), language),
        until=one.until,
        kind=LifelineKind[one.kind],
        title=say(one.title, language),
        services=[shelf.services[code] for code in one.services if code in shelf.services],
        life_event=None if one.life_event is None else shelf.life_events[one.life_event],
        about=None
        if one.case is None or one.case.called is None or shown_id is None
        else EntitlementAbout(
            scope=ServiceScope(one.case.scope), id=shown_id, called=say(one.case.called, language)
        ),
        sure=not one.depends_on,
        depends_on=[say(text, language) for text in depends],
        source=None
        if source is None
        else FactSource(
            agency=None if source.agency is None else shelf.agencies.get(source.agency),
            as_of=source.as_of, fetched_at=source.fetched_at, is_stale=source.is_stale,
            is_own_word=source.agency is None, is_hypothetical=False,
        ),
    )  # fmt: skip


def _is_missing(fact: Any) -> bool:
    return fact is None or fact.state not in ("KNOWN", "DID_NOT_HAPPEN")


def _old_age(born: Any, today: date) -> date:
    ahead = _years_on(today, _YEARS_AHEAD)
    day = born.earliest if isinstance(born, Partial) else born
    return max(ahead, _years_on(day, _OLD_AGE)) if isinstance(day, date) else ahead


def _years_on(day: date, years: int) -> date:
    return date(day.year + years, day.month, min(day.day, 28))
