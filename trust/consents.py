"""What a person allows us to ask of the agencies, what they took back, and which answers are void since.

To see one's own record needs no consent: it is a right, and so it stands as given until the person withdraws that agency.
Then nobody's look of it goes through here, not even their own, on whatever ground, until they give it back. Sensitive
facts (health, disability, crime: section 26 of the PDPA) are used for telling people of their rights only where the
person said yes.

This is asked at every request, so what it says of a person is kept in memory: for half a second, or for as long as the
database is heard to say that nothing changed (`recent`). A change that was made in this process is seen at once, one from
another process within a second.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from pymongo import ReturnDocument

from foundation.clock import Clock
from foundation.errors import BadInput, Conflict, TooMany, Unavailable
from foundation.store import Document, DuplicateKeyError, Index, PyMongoError, Store
from foundation.watched import Recent
from trust.limits import RateLimit
from trust.people import People, PersonId

_CONSENTS = "consents"
INDEXES: tuple[Index, ...] = ()  # found by `_id`, the person

Purpose = Literal["SHOW_MY_DATA", "PROACTIVE_SENSITIVE"]
State = Literal["GIVEN", "WITHDRAWN", "NOT_GIVEN"]
# Why a look does not go ahead; the same codes that a person gets to read.
Refusal = Literal["CONSENT_WITHDRAWN", "CONSENT_NOT_GIVEN"]
SHOW_MY_DATA: Purpose = "SHOW_MY_DATA"
PROACTIVE_SENSITIVE: Purpose = "PROACTIVE_SENSITIVE"
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
PUBLIC_TASK = "PUBLIC_TASK"  # the ground of whoever looks to tell people of their rights

# Which wording the person read. With another wording of what they must say yes to, they are asked again.
TEXT_VERSION = "1"

KEPT_S = 0.5
_HISTORY = 2000  # the newest; ordinary people never reach it
_CHANGES, _CHANGES_WINDOW_S = 200, 3600.0
_TRIES = 5  # two processes may both be the first to write something of a person
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST_WORD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How one person's consent stands; `since` is None where they never said anything."""

    agency: str
    purpose: Purpose
    state: State
    since: datetime | None = None
    text_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change as it was made: who, through which app, having read which wording."""

    at: datetime
    agency: str
    purpose: Purpose
    state: State
    by: str
    app: str
    text_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentState:
    """All that one person allows and took back, at one moment."""

    version: int = 0
    said: Mapping[tuple[str, str], Consent] = field(default_factory=dict)
    forgotten: Mapping[str, datetime] = field(default_factory=dict)

    def of(self, agency: str, purpose: Purpose) -> Consent:
        said = self.said.get((agency, purpose))
        if said is not None:
            if purpose == SHOW_MY_DATA or said.state != "GIVEN" or said.text_version == TEXT_VERSION:
                return said
            return Consent(agency=agency, purpose=purpose, state="NOT_GIVEN")
        return Consent(agency=agency, purpose=purpose, state="GIVEN" if purpose == SHOW_MY_DATA else "NOT_GIVEN")

    def withdrawn(self, agency: str) -> bool:
        """Whether nobody may ask this agency about them through here."""
        said = self.said.get((agency, SHOW_MY_DATA))
        return said is not None and said.state == "WITHDRAWN"

    def opted_in(self, agency: str) -> bool:
        """Whether this agency's sensitive facts may be used to tell them of their rights."""
        return self.of(agency, PROACTIVE_SENSITIVE).state == "GIVEN" and not self.withdrawn(agency)

    def void_before(self, agency: str) -> datetime | None:
        """Answers of this agency that were asked for before this moment are not to be shown any more."""
        return self.forgotten.get(agency)

    def refusal(self, agency: str, *, ground: str, is_sensitive: bool) -> Refusal | None:
        """Why this look may not go ahead; None where it may."""
        if self.withdrawn(agency):
            return "CONSENT_WITHDRAWN"
        if is_sensitive and ground == PUBLIC_TASK and not self.opted_in(agency):
            return "CONSENT_NOT_GIVEN"
        return None


class Consents:
    """`agencies` are the codes that a consent can be about."""

    def __init__(
        self,
        store: Store,
        people: People,
        *,
        agencies: Collection[str],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consents = store.collection(_CONSENTS)
        self._people = people
        self._agencies = frozenset(agencies)
        if not all(_CODE.fullmatch(code) for code in self._agencies):
            raise ValueError("an agency's code can't be the name of a field")
        self._clock = clock
        self.recent: Recent[ConsentState] = Recent(unwatched_s=KEPT_S, monotonic=monotonic)
        self._changes = RateLimit(most=_CHANGES, window_s=_CHANGES_WINDOW_S, monotonic=monotonic)

    async def of(self, person: PersonId) -> ConsentState:
        """How this person's consents stand, or stood less than a second ago. Unavailable means: do not look."""
        return self.recent.get(person) or await self._read(person)

    async def refusal(self, person: PersonId, agency: str, *, ground: str, is_sensitive: bool) -> Refusal | None:
        """Why this look may not go ahead; None where it may."""
        return (await self.of(person)).refusal(agency, ground=ground, is_sensitive=is_sensitive)

    async def give(
        self, person: PersonId, agency: str, purpose: Purpose, *, app: str, by: str | None = None
    ) -> Consent:
        """Let it be. Given already, nothing changes. Conflict where the agency itself is withdrawn."""
        return await self._say(person, agency, purpose, "GIVEN", app=app, by=by or person)

    async def withdraw(
        self, person: PersonId, agency: str, purpose: Purpose, *, app: str, by: str | None = None
    ) -> Consent:
        """Let it be no longer; what that agency answered before is void. Withdrawn already, nothing changes."""
        return await self._say(person, agency, purpose, "WITHDRAWN", app=app, by=by or person)

    async def forget(self, person: PersonId, agency: str) -> None:
        """Something changed there: no answer from before this moment is to be shown again, in any process."""
        self._check(agency)
        now = self._now()
        await self._change(
            person, {"_id": person}, {"$max": {f"forgotten.{agency}": now}, "$inc": {"version": 1}}, is_done=None
        )

    async def history(self, person: PersonId) -> list[Change]:
        """Every change, the newest first."""
        document = await self._consents.find_one({"_id": person}, {"history": 1})
        return [Change(**one) for one in reversed((document or {}).get("history", []))]

    async def _say(
        self, person: PersonId, agency: str, purpose: Purpose, state: State, *, app: str, by: str
    ) -> Consent:
        self._check(agency)
        if purpose not in PURPOSES:
            raise BadInput("there is no such purpose", th="ไม่มีวัตถุประสงค์นี้", field="purpose")
        if not 0 < len(app) <= _LONGEST_WORD or not 0 < len(by) <= _LONGEST_WORD:
            raise ValueError("a change names who made it, and through which app")
        await self._people.identity_number(person)  # NotFound for somebody erased: nothing more is kept about them
        stands = (await self._read(person)).of(agency, purpose)
        if _is_so(stands, state):
            return stands
        wait_s = self._changes.admit(person)
        if wait_s is not None:
            raise TooMany(
                "consents can't be changed so often; try again later",
                th="เปลี่ยนความยินยอมบ่อยเกินไป โปรดลองใหม่ภายหลัง", retry_after_s=wait_s,
            )  # fmt: skip
        wanted, change = self._put(agency, purpose, state, app=app, by=by)
        told = await self._change(
            person, {"_id": person, **wanted}, change,
            is_done=lambda held: _is_so(held.of(agency, purpose), state) or _is_barred(held, agency, purpose, state),
        )  # fmt: skip
        if _is_barred(told, agency, purpose, state):
            raise Conflict(
                "this agency is withdrawn from the app; give it back first",
                th="ท่านยกเลิกหน่วยงานนี้จากแอปแล้ว โปรดเปิดใช้หน่วยงานก่อน", field="agency",
            )  # fmt: skip
        return told.of(agency, purpose)

    def _put(self, agency: str, purpose: Purpose, state: State, *, app: str, by: str) -> tuple[Document, Document]:
        """What must hold for the change, so that of two at once one is made; and the change."""
        now = self._now()
        at = f"said.{agency}"
        put: Document = {f"{at}.{purpose}": {"state": state, "since": now, "text_version": TEXT_VERSION}}
        wanted: Document = {f"{at}.{purpose}.state": {"$ne": state}}
        if purpose == PROACTIVE_SENSITIVE and state == "GIVEN":
            # Given under an older wording, it is given anew; under a withdrawn agency, it can't be.
            wanted = {
                f"{at}.{SHOW_MY_DATA}.state": {"$ne": "WITHDRAWN"},
                "$or": [wanted, {f"{at}.{purpose}.text_version": {"$ne": TEXT_VERSION}}],
            }
        said = [purpose]
        if purpose == SHOW_MY_DATA and state == "WITHDRAWN":
            # Who takes an agency away takes its sensitive facts too, and must say yes to those again.
            put[f"{at}.{PROACTIVE_SENSITIVE}"] = put[f"{at}.{purpose}"]
            said.append(PROACTIVE_SENSITIVE)
        entries = [
            {"at": now, "agency": agency, "purpose": one, "state": state, "by": by, "app": app,
             "text_version": TEXT_VERSION}
            for one in said
        ]  # fmt: skip
        change: Document = {
            "$set": put, "$inc": {"version": 1}, "$push": {"history": {"$each": entries, "$slice": -_HISTORY}},
        }  # fmt: skip
        if state == "WITHDRAWN":
            change["$max"] = {f"forgotten.{agency}": now}
        return wanted, change

    async def _change(
        self, person: PersonId, wanted: Document, change: Document, *, is_done: Callable[[ConsentState], bool] | None
    ) -> ConsentState:
        """Make the change where `wanted` holds, or find that it need not or can't be made; how things stand then."""
        try:
            for _ in range(_TRIES):
                read_at = self.recent.now()
                try:
                    document = await self._consents.find_one_and_update(
                        wanted, change, projection={"history": 0}, upsert=True, return_document=ReturnDocument.AFTER
                    )
                except DuplicateKeyError:
                    # The person has a document, in which this doesn't hold, or one that came at this very moment.
                    state = await self._read(person)
                    if is_done is not None and is_done(state):
                        return state
                else:
                    return self._keep(person, _state(document), read_at=read_at)
        except PyMongoError as exc:
            # Whether it was made isn't known: the next question finds out.
            self.recent.forget(person)
            raise _unavailable() from exc
        raise _unavailable()

    async def _read(self, person: PersonId) -> ConsentState:
        read_at = self.recent.now()
        try:
            document = await self._consents.find_one({"_id": person}, {"history": 0})
        except PyMongoError as exc:
            raise _unavailable() from exc
        return self._keep(person, _state(document), read_at=read_at)

    def _keep(self, person: PersonId, state: ConsentState, *, read_at: float) -> ConsentState:
        """Remember it, counted from before it was read; what was read late never replaces what is newer."""
        kept = self.recent.last(person)
        if kept is not None and kept.version > state.version:
            return kept
        self.recent.keep(person, state, read_at=read_at)
        return state

    def _check(self, agency: str) -> None:
        if agency not in self._agencies:
            raise BadInput("there is no such agency", th="ไม่มีหน่วยงานนี้", field="agency")

    def _now(self) -> datetime:
        """As the database keeps it, whole milliseconds; rounded up, so that nothing from before slips through."""
        now = self._clock.now()
        return now + timedelta(microseconds=-now.microsecond % 1000)


def _is_so(consent: Consent, state: State) -> bool:
    """Whether it stands so because the person said so; the agencies stand open before anybody said anything."""
    return consent.state == state and (consent.since is not None or consent.purpose == SHOW_MY_DATA)


def _is_barred(held: ConsentState, agency: str, purpose: Purpose, state: State) -> bool:
    return state == "GIVEN" and purpose == PROACTIVE_SENSITIVE and held.withdrawn(agency)


def _state(document: Document | None) -> ConsentState:
    if document is None:
        return ConsentState()
    return ConsentState(
        version=document.get("version", 0),
        said={
            (agency, purpose): Consent(agency=agency, purpose=purpose, **held)
            for agency, purposes in document.get("said", {}).items()
            for purpose, held in purposes.items()
        },
        forgotten=document.get("forgotten", {}),
    )


def _unavailable() -> Unavailable:
    return Unavailable(
        "what you allowed can't be read now; please try again later",
        th="ตรวจสอบความยินยอมไม่ได้ในขณะนี้ โปรดลองใหม่ภายหลัง", retry_after_s=5.0,
    )  # fmt: skip
