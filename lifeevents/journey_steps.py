"""How the steps of journeys close: by the agencies' own word, by the person's, and how a word is taken back.

What an agency reports is kept for a while before it is spread over the journeys, and a journey that opens looks at what
is kept: whichever of the two comes second finds the first, and a worker that dies in between is made good by either.
The agency's word goes before the person's, and one report closes one step of each person: of twins, two are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import orjson

from agencies.payments import BillKind, Payment
from foundation.clock import Clock
from foundation.errors import BadInput, Conflict, NotFound, TooMany
from foundation.ids import derive
from foundation.store import Document, DuplicateKeyError, Index, Store
from lifeevents.applications import Application
from lifeevents.catalogue.model import Catalogue, PublicService
from lifeevents.course import Closure
from lifeevents.journey_book import Book, Draft, Journey, read_facts, write_facts
from lifeevents.rules.ir import FactValue
from notifications.ledger import nothing
from trust.people import People, PersonId

COMPLETIONS = "journey_completions"
INDEXES = (
    Index(collection=COMPLETIONS, keys=(("people", 1),), name="of_person"),
    Index(collection=COMPLETIONS, keys=(("ref", 1),), name="of_report"),
    Index(collection=COMPLETIONS, keys=(("gone_at", 1),), name="gone", expire_after_s=0),
)
OF_THINGS = ("per_child", "per_vehicle", "per_property", "per_deceased", "per_business")
_THINGS = ("child", "vehicle", "property", "business")  # which dead relative is meant, the person of the event says
_CONTEXT = "journey_completions.told"
_PAID: Mapping[BillKind, str] = {
    "LAND_AND_BUILDING_TAX": "land_building_tax", "VEHICLE_TAX": "vehicle_tax", "STUDENT_LOAN": "student_loan_repayment",
}  # fmt: skip
_KEPT = timedelta(days=90)
_CLOCKS_DIFFER = timedelta(
    days=1
)  # what completed a step happened after its journey began, as far as agencies' clocks go
_MOST_CHANGES = 200  # of one journey by its person


class JourneyOver(Conflict):
    """The journey was superseded or withdrawn."""

    code = "JOURNEY_OVER"


class ReportedDone(Conflict):
    """The agency itself said that the step is done."""

    code = "REPORTED_DONE"


class Steps:
    def __init__(
        self,
        store: Store,
        book: Book,
        people: People,
        catalogue: Catalogue,
        *,
        clock: Clock,
        on_leg: Callable[[str], None] = nothing,
    ) -> None:
        self._book = book
        self._journeys = book.documents
        self._completions = store.collection(COMPLETIONS)
        self._people = people
        self._catalogue = catalogue
        self._clock = clock
        self._on_leg = on_leg

    async def close(self, person: PersonId, journey: str, service: str) -> Journey:
        """The person says that a step is done. Said twice it is said once; what the agency said stays."""

        def act(draft: Draft) -> bool:
            self._must_have(draft, service)
            there = draft.closed.get(service)
            if there is not None and there.state == "DONE":
                return False
            draft.closed[service] = Closure(state="DONE", by="PERSON", at=self._clock.now())
            draft.because[service] = ("PERSON", None, "CLOSED_BY_PERSON")
            return True

        return await self._changed(person, journey, act)

    async def reopen(self, person: PersonId, journey: str, service: str) -> Journey:
        """The person takes their word back. ReportedDone where it was not theirs."""

        def act(draft: Draft) -> bool:
            self._must_have(draft, service)
            there = draft.closed.get(service)
            if there is None:
                return False
            if there.by == "AGENCY":
                raise ReportedDone(
                    "the agency itself reported this; it can't be taken back here",
                    th="หน่วยงานเป็นผู้แจ้งขั้นตอนนี้ จึงเปลี่ยนกลับเองไม่ได้", field="service",
                )  # fmt: skip
            del draft.closed[service]
            draft.because[service] = ("PERSON", None, "REOPENED_BY_PERSON")
            return True

        return await self._changed(person, journey, act)

    def _must_have(self, draft: Draft, service: str) -> None:
        if draft.is_over:
            raise JourneyOver("this journey is over", th="รายการนี้สิ้นสุดแล้ว", field="journeyId")
        if service not in draft.noted:
            raise BadInput("this journey has no such step", th="รายการนี้ไม่มีขั้นตอนนี้", field="service")
        if sum(one.by == "PERSON" for one in draft.history) >= _MOST_CHANGES:
            raise TooMany("this journey was changed too often", th="รายการนี้ถูกแก้ไขบ่อยเกินไป")

    async def complete(
        self,
        people: Sequence[PersonId],
        services: Sequence[str],
        told: Mapping[str, FactValue],
        *,
        ref: str,
        agency: str,
        at: datetime,
    ) -> None:
        """Keep what was reported, then close the steps that stand open for it."""
        whose = people[0]
        completion: Document = {
            "_id": derive(whose, "completion", whose, ref), "people": list(people), "services": list(services),
            "ref": ref, "agency": agency, "at": at, "gone_at": self._clock.now() + _KEPT,
        }  # fmt: skip
        try:
            sealed = await self._people.seal(whose, orjson.dumps(write_facts(told)), context=_CONTEXT)
        except NotFound:  # erased since
            return
        completion |= {"told": sealed}
        try:
            await self._completions.insert_one(completion)
        except DuplicateKeyError:  # as it stands: it may have been retracted
            completion = await self._completions.find_one({"_id": completion["_id"]}) or completion
        self._on_leg("journeys completion kept")
        await self._close_completed(completion)
        self._on_leg("journeys closed")

    async def application_changed(self, application: Application) -> None:
        """How a request stands, where its kind is the code of a service of that agency. Said again, it changes nothing."""
        service = self._catalogue.service(application.filed.kind)
        if service is None or service.agency != application.agency:
            return
        now = application.now
        if now.state == "COMPLETED":
            await self.complete(
                [application.person], [service.code], {}, ref=application.id, agency=service.agency,
                at=application.updated_at,
            )  # fmt: skip
        else:
            is_theirs = now.state == "REJECTED" or now.waiting == "WAITING_USER_WORKING"
            await self._pending(application.person, service, ref=application.id, is_theirs=is_theirs)

    async def paid(self, payment: Payment) -> None:
        """A bill was paid for certain. Said again, it changes nothing."""
        bill = payment.bill
        await self.complete(
            [payment.person], [_PAID[bill.kind]], {}, ref=payment.id, agency=bill.agency,
            at=payment.paid_at or self._clock.now(),
        )  # fmt: skip

    async def catch_up(self, people: Sequence[PersonId], services: Sequence[str]) -> None:
        """Spread what is kept of these people over their journeys: one with these services has just been opened."""
        kept = {"people": {"$in": list(people)}, "services": {"$in": list(services)}}
        async for completion in self._completions.find(kept):
            with suppress(NotFound):  # erased since
                await self._close_completed(completion)

    async def retract(self, ref: str) -> int:
        """The report was wrong: what it closed is open again. Returns in how many journeys."""

        def act(draft: Draft) -> bool:
            closed = [code for code, one in draft.closed.items() if one.ref == ref]
            for code in closed:
                del draft.closed[code]
                draft.because[code] = ("AGENCY", None, "RETRACTED")
            return bool(closed)

        count = 0
        async for completion in self._completions.find({"ref": ref}):
            await self._completions.update_one({"_id": completion["_id"]}, {"$set": {"services": []}})
            people = completion["people"]
            wanted = {"$or": [{"person": {"$in": people}}, {"about": {"$in": people}}]}
            async for one in self._journeys.find(wanted, {"closed": 1}):
                if any(kept["ref"] == ref for kept in one["closed"].values()):
                    await self._book.change(one["_id"], act)
                    count += 1
        return count

    async def _changed(self, person: PersonId, journey: str, act: Callable[[Draft], bool]) -> Journey:
        found = await self._book.change(journey, act, where={"person": person})
        if found is None:
            raise NotFound("there is no such journey", th="ไม่พบรายการนี้", field="journeyId")
        return found

    async def _pending(self, person: PersonId, service: PublicService, *, ref: str, is_theirs: bool) -> None:
        """A request waits for the agency; `is_theirs`: for the person, since it was rejected or lacks something."""
        code, agency = service.code, service.agency

        def act(draft: Draft) -> bool:
            there = draft.closed.get(code)
            if draft.is_over or (there is not None and there.state == "DONE"):
                return False
            waits = there is not None and there.ref == ref
            if waits is not is_theirs:
                return False
            if is_theirs:
                del draft.closed[code]
            else:
                draft.closed[code] = Closure(state="WAITING", by="AGENCY", at=self._clock.now(), agency=agency, ref=ref)
            draft.because[code] = ("AGENCY", agency, "RETURNED" if is_theirs else "APPLIED")
            return True

        wanted = {"person": person, "stands": "OPEN", f"noted.{code}": {"$exists": True}}
        async for one in self._journeys.find(wanted, {"_id": 1}):
            await self._book.change(one["_id"], act)

    async def _close_completed(self, completion: Document) -> None:
        opened = await self._people.open(PersonId(completion["people"][0]), completion["told"], context=_CONTEXT)
        told = read_facts(orjson.loads(opened))
        people = completion["people"]
        for code in completion["services"]:
            service = self._catalogue.service(code)
            place = f"closed.{code}"
            is_free = [
                {f"{place}.by": {"$ne": "AGENCY"}}, {f"{place}.state": "WAITING"}, {f"{place}.ref": completion["ref"]},
            ]  # fmt: skip
            whose = [{"person": {"$in": people}}, {"about": {"$in": people}}]
            wanted: Document = {
                "stands": "OPEN", f"noted.{code}": {"$exists": True}, "$and": [{"$or": whose}, {"$or": is_free}],
            }  # fmt: skip
            of_each: dict[str, list[str]] = {}
            async for one in self._journeys.find(wanted, {"person": 1}).sort([("opened_at", 1), ("_id", 1)]):
                of_each.setdefault(one["person"], []).append(one["_id"])
            report = _Report(completion, code, told)
            for person, journeys in of_each.items():
                with suppress(NotFound):  # erased since
                    if service is not None and service.scope in OF_THINGS:
                        await self._close_one_of(person, journeys, report)
                    else:
                        for journey in journeys:
                            await self._close_with(journey, report)

    async def _close_one_of(self, person: str, journeys: Sequence[str], report: _Report) -> None:
        """Of several children's journeys one takes the report. Which, is written down first: several may be at it."""
        place, mine, gave_up = f"used.{report.code}.{person}", {"_id": report.id}, None
        for journey in journeys:
            if not await self._close_with(journey, report, only_try=True):
                continue
            free = [{place: {"$exists": False}}, {place: {"$in": [journey, gave_up]}}]
            claim = await self._completions.update_one(mine | {"$or": free}, {"$set": {place: journey}})
            if not claim.matched_count:
                continue  # another's
            if await self._close_with(journey, report):
                return
            gave_up = journey
        if gave_up is not None:
            await self._completions.update_one(mine | {place: gave_up}, {"$unset": {place: ""}})

    async def _close_with(self, journey: str, report: _Report, *, only_try: bool = False) -> bool:
        """Whether this journey's step is the one that was completed; closes it, where it is."""
        took = False

        def act(draft: Draft) -> bool:
            nonlocal took
            is_closed = report.closed(draft)
            took = is_closed or report.fits(draft)
            if is_closed or only_try or not took:
                return False
            draft.told = dict(report.told) | draft.told
            draft.closed[report.code] = Closure(
                state="DONE", by="AGENCY", at=self._clock.now(), agency=report.agency, ref=report.ref
            )
            draft.because[report.code] = ("AGENCY", report.agency, "REPORTED")
            return True

        await self._book.change(journey, act)
        return took


class _Report:
    """One service that was reported done."""

    def __init__(self, completion: Document, code: str, told: Mapping[str, FactValue]) -> None:
        self.id: str = completion["_id"]
        self.ref: str = completion["ref"]
        self.agency: str = completion["agency"]
        self.code = code
        self.told = told
        self._at: datetime = completion["at"]

    def closed(self, draft: Draft) -> bool:
        """Whether it was this report that closed the step."""
        there = draft.closed.get(self.code)
        return there is not None and there.state == "DONE" and there.ref == self.ref

    def fits(self, draft: Draft) -> bool:
        """Whether it can be about this journey: its own child, not before it began, not reported done otherwise."""
        there = draft.closed.get(self.code)
        is_reported = there is not None and there.state == "DONE" and there.by == "AGENCY"
        began = draft.document["happened_at"] - _CLOCKS_DIFFER
        return not draft.is_over and not is_reported and self._at >= began and _agree(self.told, draft.told)


def _agree(told: Mapping[str, FactValue], known: Mapping[str, FactValue]) -> bool:
    """Whether both can be about the same child, or parcel: what both say of a thing is the same."""
    return all(known.get(path, value) == value for path, value in told.items() if path.partition(".")[0] in _THINGS)
