"""What each of the twelve sample citizens is told, word for word, in Thai and in English, as a clerk would read it out.

`golden/` holds one page for each of them and each language: the entitlements with every condition, fact, source and law,
the lifeline, and the journey of their story. They are written anew by WRITE_GOLDEN=1, and then read before they are
committed: what is wrong in them is wrong on somebody's phone.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agencies.facts import Facts
from agencies.gateway import Gateway
from agencies.own_words import OwnWords
from foundation.clock import BANGKOK, FrozenClock
from foundation.language import Language, say_date
from foundation.store import Store
from foundation.telemetry import Metrics
from lifeevents import journeys as journeys_module
from lifeevents.catalogue.model import Catalogue
from lifeevents.circumstances import AgenciesKnow
from lifeevents.journeys import Journeys
from lifeevents.register import Register
from lifeevents.rules.engine import Engine
from lifeevents.situation import Situations
from notifications import inbox as inbox_module
from notifications.inbox import Inbox
from notifications.ledger import Ledger
from resolvers.limits import Limits
from tests.resolvers.conftest import LONG_S, Graph, NobodyDied, SignedIn, Start
from trust.people import People, PersonId
from trust.secrets import Vault

Switch = Callable[..., Any]
Said = Mapping[Language, str]

TODAY = date(2026, 11, 21)
GOLDEN = Path(__file__).parent / "golden"
ENTITLEMENTS = """query ($after: String, $outcome: [Outcome!]) { me { entitlements(first: 100, after: $after, outcome: $outcome) {
  pageInfo { hasNextPage endCursor } edges { node {
    service { code title { th en } agency { name { th en } } sources asOf }
    about { scope called { th en } } outcome deadline hypothetical availability { state until text { th en } }
    explanation { text { th en } rule source confidence law { th en } criteria { depth kind holds text { th en } note confidence
      fact { path } value { th en } byHowMuch { th en } turnsOn
      source { agency { name { th en } } asOf fetchedAt isStale isOwnWord isHypothetical } } }
    amounts { item text { th en } tier source confidence missing { title { th en } } }
    nextChange { text { th en } } missing { fact title { th en } why canSaySelf agency { code } } } } } } }"""
LIFELINE = """{ me { lifeline { day { date precision } until kind title { th en } services { code } sure dependsOn { th en }
  about { called { th en } } lifeEvent { code } source { agency { name { th en } } isOwnWord } } } }"""
JOURNEYS = """{ me { journeys(first: 3) { edges { node { lifeEvent { title { th en } } state
  because { text { th en } reportedBy { name { th en } } } progress { done total skipped }
  steps { service { code title { th en } } dependsOn stateName { th en } actor doneBy otherParent
    deadline { opensOn lastDay isLate isFinal } evidence { document { th en } heldBy { name { th en } } needed }
    missing { title { th en } } }
  history { service { code title { th en } } by agency { name { th en } } why { th en } } } } } } }"""


# ---- the graph as it stands on the day of the stories


@pytest.fixture(scope="module")
async def shelf(mongodb_uri: str) -> AsyncIterator[Store]:
    """What is kept of the twelve here, apart from what other tests told them or had them say."""
    store = Store(mongodb_uri, database=f"test_{uuid4().hex[:12]}")
    await store.open((*journeys_module.INDEXES, *inbox_module.INDEXES))
    yield store
    await store.drop()
    await store.close()


@pytest.fixture(scope="module")
def calendar() -> FrozenClock:
    """The days on which journeys are opened and looked at."""
    return FrozenClock(on(TODAY))


@pytest.fixture(scope="module")
def apart(
    shelf: Store, people: People, vault: Vault, metrics: Metrics, patiently: Mapping[str, Any]
) -> Mapping[str, Any]:
    clock, engine = patiently["clock"], patiently["engine"]
    said = OwnWords(shelf, people, clock=clock)
    facts = Facts(patiently["facts"].sources, own_words=said.asked, clock=clock, metrics=metrics)
    return {
        **patiently, "facts": facts, "own_words": said, "inbox": Inbox(shelf, people, vault, clock=clock),
        "situations": Situations(engine, facts, patiently["gateway"], people, vault, clock=clock),
    }  # fmt: skip


@pytest.fixture(scope="module")
def told_journeys(
    shelf: Store,
    people: People,
    vault: Vault,
    catalogue: Catalogue,
    metrics: Metrics,
    apart: Mapping[str, Any],
    calendar: FrozenClock,
) -> Journeys:
    gateway: Gateway = apart["gateway"]
    facts, clock = apart["facts"], calendar
    return Journeys(
        shelf, Ledger(shelf, journeys_module.JOURNEYS, clock=clock, lease_s=60), people=people, catalogue=catalogue,
        engine=Engine(catalogue), circumstances=AgenciesKnow(gateway, facts, catalogue),
        relatives=Register(gateway, facts, people, vault, clock=clock), deaths=NobodyDied(), clock=clock, metrics=metrics,
    )  # fmt: skip


@pytest.fixture(scope="module")
async def counter(start: Start, apart: Mapping[str, Any], told_journeys: Journeys) -> Graph:
    """The whole of somebody at one counter: no app asks for so much at once, so no limit lets it."""
    limits = Limits(request_s=LONG_S, requests=10_000, cost=10**6)
    return await start(limits=limits, replacing={**apart, "journeys": told_journeys})


EVENTS: Mapping[int, tuple[tuple[date, str, int, Mapping[str, Any]], ...]] = {
    # by sample citizen: on which day which event was reported, of whom; a number in the data stands for somebody's own
    1: (
        (date(2026, 10, 31), "th.moph.birth.reported", 1, {"father_citizen_id": 120, "birth_date": "2026-10-31"}),
        (date(2026, 11, 3), "th.dopa.birth.registered", 1, {"child": {"birth_date": "2026-10-31"}}),
    ),
    2: ((TODAY, "th.calendar.right.due", 2, {"notification": "child_turns_7", "about_citizen_id": 102}),),
    3: ((date(2026, 1, 1), "th.calendar.right.due", 3, {"notification": "military_duty"}),),
    4: (
        (
            date(2026, 11, 10), "th.sso.section33.ended", 4,
            {"effective_date": "2026-11-09", "end_reason": "dismissed", "section": "none"},
        ),
    ),
    6: ((date(2026, 11, 10), "th.moph.disability.certified", 6, {"certified_on": "2026-11-10"}),),
    5: ((date(2026, 11, 15), "th.dopa.marriage.registered", 5, {}),),
    7: ((date(2026, 11, 1), "th.dopa.address.changed", 7, {"effective_date": "2026-11-01"}),),
    8: ((TODAY, "th.calendar.right.due", 8, {"notification": "driving"}),),
    10: ((TODAY, "th.calendar.right.due", 10, {"notification": "toddler_years", "about_citizen_id": 112}),),
    11: ((date(2026, 10, 1), "th.calendar.right.due", 11, {"notification": "turning_60"}),),
    12: ((date(2026, 11, 13), "th.moph.death.reported", 129, {"death_date": "2026-11-13"}),),
}  # fmt: skip
DECLARED: Mapping[int, tuple[date, str]] = {5: (date(2026, 11, 10), "marriage"), 9: (TODAY, "starting_business")}
BESIDE: Mapping[int, tuple[int, ...]] = {1: (120,)}  # the other parent reads their own part

OPEN = "mutation ($i: OpenJourneyInput!) { openJourney(input: $i) { problems { code } } }"


@pytest.mark.parametrize("number", range(1, 13))
async def test_what_each_of_the_twelve_is_told(
    number: int,
    counter: Graph,
    told_journeys: Journeys,
    calendar: FrozenClock,
    catalogue: Catalogue,
    people: People,
    signed_in: SignedIn,
    switch: Switch,
) -> None:
    citizens = {one: switch("GET", f"citizens/{one}") for one in (number, *BESIDE.get(number, ()))}
    pids = {one: told["pid"] for one, told in citizens.items()}
    whose = {one: (await people.ensure(pid)).id for one, pid in pids.items()}
    phones = {one: await signed_in(person, through=counter) for one, person in whose.items()}
    await people.signed_in(whose[number])

    async def identity(one: int) -> str:
        return pids.get(one) or str(switch("GET", f"citizens/{one}")["pid"])

    if number in DECLARED:
        day, life_event = DECLARED[number]
        calendar.moment = on(day)
        opening = {"lifeEvent": life_event, "clientKey": f"golden-{uuid4().hex}"}
        assert (await phones[number].ask(OPEN, i=opening))["openJourney"]["problems"] == []
        await looked_at(told_journeys)
    for at, (day, kind, happened_to, data) in enumerate(EVENTS.get(number, ())):
        calendar.moment = on(day)
        subject = await identity(happened_to)
        told = {"citizen_id": subject} | {
            name: await identity(value) if isinstance(value, int) else value for name, value in data.items()
        }
        person = (await people.ensure(subject)).id
        await report(told_journeys, catalogue, person, kind, told, name=f"{number:02}{at}", at=calendar.now())
        await looked_at(told_journeys)
    calendar.moment = on(TODAY)
    await looked_at(told_journeys)

    pages: dict[Language, str] = {}
    entitled = await everything(phones[number])
    line = (await phones[number].ask(LIFELINE))["me"]["lifeline"]
    can_be_traced(entitled)
    is_said_well([*entitled, *line])
    ways = {one: (await phone.ask(JOURNEYS))["me"]["journeys"]["edges"] for one, phone in phones.items()}
    languages: tuple[Language, ...] = ("th", "en")
    for language in languages:
        page = Page(language)
        lines = [
            *page.heading(citizens[number]),
            *page.entitlements(entitled),
            *page.lifeline(line),
            *(each for one, edges in ways.items() for each in page.journeys(citizens[one], edges)),
        ]
        pages[language] = "\n".join(lines) + "\n"
        golden = GOLDEN / f"{number:02}_{language}.md"
        if os.environ.get("WRITE_GOLDEN"):
            golden.write_text(pages[language], encoding="utf-8")
    for language, text in pages.items():
        assert text == (GOLDEN / f"{number:02}_{language}.md").read_text(encoding="utf-8")
        for pid in pids.values():
            assert pid not in text


async def report(
    journeys: Journeys,
    catalogue: Catalogue,
    whom: PersonId,
    kind: str,
    data: Mapping[str, Any],
    *,
    name: str,
    at: datetime,
) -> None:
    """An event as fan-out says it."""
    event_type = catalogue.event_type(kind)
    assert event_type is not None
    event = {
        "_id": whom[:2] + name.ljust(30, "0"),
        "person": whom,
        "agency": event_type.agency,
        "type": kind,
        "time": at,
    }
    await journeys.follow(event, event_type, data)


def on(day: date) -> datetime:
    return datetime.combine(day, time(10), BANGKOK).astimezone(UTC)


async def looked_at(journeys: Journeys) -> None:
    while await journeys.run_once(limit=10):
        pass


async def everything(phone: Graph) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await phone.ask(ENTITLEMENTS, after=after))["me"]["entitlements"]
        found += [edge["node"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


# ---- what holds of every sentence


def can_be_traced(found: list[dict[str, Any]]) -> None:
    """Each to its rule and law, each fact that was used to whose record it is, each that lacks to who could tell."""
    for one in found:
        why = one["explanation"]
        assert why["rule"].startswith(f"{one['service']['code']}@")
        assert why["law"] or why["source"], one["service"]
        for line in why["criteria"]:
            if line["value"] is not None:
                assert line["source"] is not None, (one["service"], line)
            if line["kind"] == "CRITERION":
                assert line["fact"] is not None
        for each in one["missing"]:
            assert each["canSaySelf"] or each["agency"], (one["service"], each)
            assert "(" in each["title"]["th"] or each["why"] == "NOT_KNOWN", each
        assert one["outcome"] != "UNKNOWN" or one["missing"], one["service"]


def is_said_well(found: list[dict[str, Any]]) -> None:
    """No names of machines, no year of the Common Era in Thai, no sentence twice in one explanation."""
    for one in found:
        why = one.get("explanation")
        texts = [one["title"]] if why is None else [why["text"], *(line["text"] for line in why["criteria"])]
        for text in texts:
            assert not re.search("[a-z]_[a-z]|[{}]", text["th"] + text["en"]), text
            assert not re.search(r"\b(19|20)\d\d\b", text["th"]), text
            assert "  " not in text["th"] + text["en"], text
        if why is not None:
            flat = [
                line["text"]["en"] for line in why["criteria"] if line["depth"] == 0 and line["kind"] == "CRITERION"
            ]
            assert len(flat) == len(set(flat)), one["service"]


# ---- a page as it is read


_HEADINGS: Mapping[str, Said] = {
    "now": {"th": "ทำได้ตอนนี้", "en": "Can be done now"},
    "later": {"th": "ยังไม่ถึงเวลา หรือปิดแล้ว", "en": "Met, but not open now"},
    "unknown": {"th": "ยังบอกไม่ได้", "en": "Can't be said yet"},
    "coming": {"th": "จะเข้าเกณฑ์ในวันข้างหน้า", "en": "Not yet, but the day will come"},
    "not": {"th": "ไม่เข้าเกณฑ์", "en": "Not theirs"},
    "lifeline": {"th": "เส้นชีวิต", "en": "Lifeline"},
    "journeys": {"th": "รายการที่ดำเนินอยู่ของ", "en": "Journeys of"},
}  # fmt: skip
_MARKS: Mapping[bool | None, str] = {True: "✓", False: "✗", None: "?"}
_KINDS = {"HAPPENED": "●", "HOLDS": "=", "COMES": "○"}


class Page:
    """One language's page. Days are as they are told; moments of asking become words, for they are those of the test."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def heading(self, citizen: Mapping[str, Any]) -> Iterator[str]:
        yield f"# {self._said(citizen['name'])}"
        yield ""
        yield self._said(citizen["story"])

    def entitlements(self, found: list[dict[str, Any]]) -> Iterator[str]:
        sections: dict[str, list[dict[str, Any]]] = {"now": [], "later": [], "unknown": [], "coming": [], "not": []}
        for one in found:
            sections[_section(one)].append(one)
        for name, ones in sections.items():
            yield ""
            yield f"## {_HEADINGS[name][self._language]}"
            for one in ones:
                yield from self._short(one) if name == "not" else self._whole(one)

    def _title(self, one: dict[str, Any]) -> str:
        about = "" if one["about"] is None else f" · {self._said(one['about']['called'])}"
        return f"{one['service']['code']}{about}"

    def _short(self, one: dict[str, Any]) -> Iterator[str]:
        yield f"- {self._title(one)}: {self._said(one['explanation']['text'])}"

    def _whole(self, one: dict[str, Any]) -> Iterator[str]:
        why, service = one["explanation"], one["service"]
        state = f"{one['outcome']} {one['availability']['state']}" + (" hypothetical" if one["hypothetical"] else "")
        deadline = f", deadline {one['deadline']}" if one["deadline"] else ""
        yield ""
        yield f"### {self._title(one)} [{state}{deadline}]"
        yield f"{self._said(why['text'])}"
        for line in why["criteria"]:
            yield from self._criterion(line)
        for amount in one["amounts"]:
            tier = f" [{amount['tier']}]" if amount["tier"] else ""
            doubt = f" [{amount['confidence']}]" if amount["confidence"] else ""
            lacks = "".join(f" ? {self._said(each['title'])}" for each in amount["missing"])
            yield f"- ฿ {self._said(amount['text'])}{tier}{doubt}{lacks}"
        if one["nextChange"]:
            yield f"- → {self._said(one['nextChange']['text'])}"
        for each in one["missing"]:
            teller = each["agency"]["code"] if each["agency"] else "-"
            own = ", own word" if each["canSaySelf"] else ""
            yield f"- ? {self._said(each['title'])} [{each['why']}, {teller}{own}]"
        law = "; ".join(self._said(each) for each in why["law"])
        source = why["source"] or "-"
        yield f"- § {law} | {source} | {why['confidence']} {service['asOf']} | {self._said(service['agency']['name'])}"

    def _criterion(self, line: dict[str, Any]) -> Iterator[str]:
        said = f"{'  ' * line['depth']}- {_MARKS[line['holds']]} {self._said(line['text'])}"
        if line["fact"] is None:
            yield said
            return
        value = "?" if line["value"] is None else self._said(line["value"])
        told = [f"{line['fact']['path']} = {value}"]
        if line["source"]:
            told.append(self._source(line["source"]))
        if line["byHowMuch"]:
            told.append(self._said(line["byHowMuch"]))
        if line["confidence"]:
            told.append(line["confidence"])
        if line["note"] and self._language == "th":
            told.append(line["note"])
        yield f"{said} [{'; '.join(told)}]"

    def _source(self, source: dict[str, Any]) -> str:
        if source["isHypothetical"]:
            return "hypothetical"
        whose = "own word" if source["isOwnWord"] else self._said(source["agency"]["name"])
        as_of = source["asOf"]
        age = "" if as_of is None else f", as of {_day(datetime.fromisoformat(as_of).astimezone(BANGKOK).date())}"
        return whose + age + (", stale" if source["isStale"] else "")

    def lifeline(self, line: list[dict[str, Any]]) -> Iterator[str]:
        yield ""
        yield f"## {_HEADINGS['lifeline'][self._language]}"
        for one in line:
            day = say_date(date.fromisoformat(one["day"]["date"]), self._language)
            precise = "" if one["day"]["precision"] == "DAY" else f" ({one['day']['precision']})"
            until = "" if one["until"] is None else f" – {say_date(date.fromisoformat(one['until']), self._language)}"
            depends = "" if one["sure"] else f" ~ {', '.join(self._said(each) for each in one['dependsOn'])}"
            event = "" if one["lifeEvent"] is None else f" #{one['lifeEvent']['code']}"
            source = one["source"]
            told = ""
            if source is not None:
                told = " [own word]" if source["isOwnWord"] else f" [{self._said(source['agency']['name'])}]"
            yield f"- {_KINDS[one['kind']]} {day}{precise}{until}: {self._said(one['title'])}{event}{told}{depends}"

    def journeys(self, citizen: Mapping[str, Any], found: list[dict[str, Any]]) -> Iterator[str]:
        yield ""
        yield f"## {_HEADINGS['journeys'][self._language]} {self._said(citizen['name'])}"
        for edge in found:
            yield from self._journey(edge["node"])

    def _journey(self, one: dict[str, Any]) -> Iterator[str]:
        because, progress = one["because"], one["progress"]
        by = "" if because["reportedBy"] is None else f" ({self._said(because['reportedBy']['name'])})"
        yield ""
        yield f"### {self._said(one['lifeEvent']['title'])} [{one['state']}] {progress['done']}/{progress['total']}"
        yield f"{self._said(because['text'])}{by}"
        for number, step in enumerate(one["steps"], start=1):
            yield from self._step(number, step)
        yield ""
        for each in one["history"]:
            agency = "" if each["agency"] is None else f" ({self._said(each['agency']['name'])})"
            about = "" if each["service"] is None else f"{self._said(each['service']['title'])}: "
            yield f"- {about}{self._said(each['why'])} [{each['by']}{agency}]"

    def _step(self, number: int, step: dict[str, Any]) -> Iterator[str]:
        marks = [
            *((step["actor"],) if step["actor"] else ()),
            *((f"by {step['doneBy']}",) if step["doneBy"] else ()),
            *((f"other parent: {step['otherParent']}",) if step["otherParent"] else ()),
            *((f"after {', '.join(step['dependsOn'])}",) if step["dependsOn"] else ()),
        ]
        due = step["deadline"]
        if due is not None:
            opens = f"opens {due['opensOn']} " if due["opensOn"] else ""
            last = f"until {due['lastDay']}" if due["lastDay"] else ""
            late = " late" if due["isLate"] else ""
            marks.append(f"{opens}{last}{late}{' final' if due['isFinal'] else ''}".strip())
        yield f"{number}. {self._said(step['service']['title'])}: {self._said(step['stateName'])} [{'; '.join(marks)}]"
        bring = [self._said(each["document"]) for each in step["evidence"] if each["needed"]]
        held = [
            f"{self._said(each['document'])} ({self._said(each['heldBy']['name'])})"
            for each in step["evidence"]
            if not each["needed"]
        ]
        if bring:
            yield f"   - bring: {', '.join(bring)}"
        if held:
            yield f"   - held: {', '.join(held)}"
        if step["missing"]:
            yield f"   - ? {', '.join(self._said(each['title']) for each in step['missing'])}"

    def _said(self, text: Mapping[str, str]) -> str:
        return text[self._language]


def _section(one: dict[str, Any]) -> str:
    if one["outcome"] == "ELIGIBLE":
        return "now" if one["availability"]["state"] == "OPEN" else "later"
    if one["outcome"] == "UNKNOWN":
        return "unknown"
    return "coming" if one["nextChange"] else "not"


def _day(as_of: date) -> date:
    """What is refreshed in the night is of today or yesterday, by the hour at which this runs."""
    return TODAY if as_of == TODAY - timedelta(days=1) else as_of
