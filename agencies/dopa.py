"""DOPA, the Department of Provincial Administration: the civil register and what registry offices wrote down.

Linkage Center 2 behind GDX: an officer signs in, then whatever is asked about a person at the same moment goes in one
batch, in which each item has a status of its own. What the answers hold is in `civil_register.py` and
`registrations.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agencies.answers import Found, Keeping, Operation, Question, Things
from agencies.badge import Badge, Token
from agencies.civil_register import (
    Address,
    CardStatus,
    Family,
    Household,
    IdCard,
    MaritalStatus,
    Member,
    Nationality,
    Place,
    Profile,
    Relation,
    Relative,
    Sex,
    read_card,
    read_family,
    read_household,
    read_profile,
)
from agencies.dialect import hear, opened, served
from agencies.gdx import GdxTransport
from agencies.reading import Reading
from agencies.registrations import read_birth, read_disability_card, read_name_changes, read_registrations
from agencies.trouble import AgencyDown, AgencyRefused, AnswerMalformed, NotThere, Trouble
from foundation.clock import Clock
from foundation.http import Reply
from foundation.language import Text
from foundation.settings import Secret

__all__ = [
    "BIRTH", "CODE", "DISABILITY_CARD", "FAMILY", "HOUSE", "ID_CARD", "MARRIAGE", "NAME_CHANGE", "PERSON", "Address",
    "CardStatus", "Departed", "Dopa", "Family", "Household", "IdCard", "MaritalStatus", "Member", "Nationality", "Place",
    "Profile", "Relation", "Relative", "Sex",
]  # fmt: skip

CODE = "dopa"

_KEEPING = Keeping(fresh_s=6 * 3600, stale_s=7 * 86_400)


def _lower(value: str | None) -> str | None:
    """As the catalogue writes it; what we don't know by name is not said."""
    return None if value is None or value == "OTHER" else value.lower()


def _card_status(card: IdCard) -> str | None:
    return "lifetime" if card.is_for_life and card.status == "VALID" else _lower(card.status)


def _of_child(relative: Relative) -> str | None:
    """Of somebody else the catalogue asks only whether they are Thai."""
    return None if relative.nationality is None else "thai" if relative.nationality == "THAI" else "other"


def _children(family: Family) -> list[Relative]:
    return [child for child in family.children if child.person_number and child.is_alive is not False]


@dataclass(frozen=True, slots=True, kw_only=True)
class Departed:
    """Somebody of the family who died, and what the person asked about is to them."""

    person: Relative
    role: Literal["spouse", "child", "parent"]


def _departed(family: Family) -> list[Departed]:
    kin: list[tuple[Relative | None, Literal["spouse", "child", "parent"]]] = [
        (family.spouse, "spouse"), (family.father, "child"), (family.mother, "child"),
        *((child, "parent") for child in family.children),
    ]  # fmt: skip
    return [
        Departed(person=person, role=role)
        for person, role in kin
        if person is not None and person.person_number and person.is_alive is False
    ]


def _number_of(relative: Relative) -> str:
    return relative.person_number or ""  # whoever has none is not listed


PERSON = Operation(
    agency=CODE, name="PERSON", wire="001", read=read_profile, title=Text(th="ทะเบียนราษฎร", en="Civil register"),
    keeping=_KEEPING,
    facts={
        "person.citizen_id": lambda profile: profile.person_number,
        "person.alive": lambda profile: profile.is_alive,
        "person.birth_date": lambda profile: profile.birth,
        "person.sex": lambda profile: _lower(profile.sex),
        "person.nationality": lambda profile: profile.nationality.lower(),
        "person.is_householder": lambda profile: profile.is_householder,
        "person.address_changed_date": lambda profile: profile.moved_in,
    },
)  # fmt: skip
FAMILY = Operation(
    agency=CODE, name="FAMILY", wire="002", read=read_family, title=Text(th="ครอบครัว", en="Family"), keeping=_KEEPING,
    facts={
        "person.marital_status": lambda family: _lower(family.marital_status),
        "child.birth_date": lambda child: child.birth,
        "child.nationality": _of_child,
        "child.registered": lambda child: True,  # who stands in the register is registered
        "deceased.birth_date": lambda departed: departed.person.birth,
        "deceased.death_date": lambda departed: departed.person.died_on,
        "deceased.nationality": lambda departed: _of_child(departed.person),
        "relation.role_to_deceased": lambda departed: departed.role,
    },
    things={
        "child": Things(of=_children, key=_number_of, called=lambda child: child.name),
        "deceased": Things(
            of=_departed,
            key=lambda departed: _number_of(departed.person),
            called=lambda departed: departed.person.name,
        ),
        "relation": Things(
            of=_departed,
            key=lambda departed: _number_of(departed.person),
            called=lambda departed: departed.person.name,
        ),
    },
)  # fmt: skip
ID_CARD = Operation(
    agency=CODE, name="ID_CARD", wire="003", read=read_card, title=Text(th="บัตรประจำตัวประชาชน", en="Identity card"),
    keeping=_KEEPING,
    facts={"person.id_card_status": _card_status, "person.id_card_expiry_date": lambda card: card.expires_on},
    when_absent={"person.id_card_status": "never"},
)  # fmt: skip
BIRTH = Operation(
    agency=CODE, name="BIRTH", wire="004", read=read_birth, title=Text(th="ทะเบียนคนเกิด", en="Birth registration"),
    keeping=_KEEPING,
)  # fmt: skip
MARRIAGE = Operation(
    agency=CODE, name="MARRIAGE", wire="005", read=read_registrations,
    title=Text(th="ทะเบียนสมรสและหย่า", en="Marriages and divorces"), keeping=_KEEPING,
)  # fmt: skip
NAME_CHANGE = Operation(
    agency=CODE, name="NAME_CHANGE", wire="006", read=read_name_changes,
    title=Text(th="การเปลี่ยนชื่อและสกุล", en="Changed names"), keeping=_KEEPING,
)  # fmt: skip
HOUSE = Operation(
    agency=CODE, name="HOUSE", wire="008", read=read_household, title=Text(th="ทะเบียนบ้าน", en="House registration"),
    keeping=_KEEPING,
    facts={
        "person.in_house_register": lambda household: True,
        "person.province": lambda household: household.address.province.code,
        "house.id": lambda household: household.address.house_id,  # no fact of the catalogue: others are asked with it
        "house.subdistrict": lambda household: household.address.subdistrict.code,  # nor this: an area's events ask it
    },
    when_absent={"person.in_house_register": False},
)  # fmt: skip
DISABILITY_CARD = Operation(
    agency=CODE, name="DISABILITY_CARD", wire="009", read=read_disability_card,
    title=Text(th="บัตรประจำตัวคนพิการ", en="Disability card"), keeping=_KEEPING, is_sensitive=True,
    facts={
        "person.disability_card_status": lambda card: _lower(card.status),
        "person.disability_card_expiry_date": lambda card: card.expires_on,
    },
    when_absent={"person.disability_card_status": "none"},
)  # fmt: skip

_LOGIN_BY_THAID = 2
_SESSION_GOOD_FOR_S = 25 * 60  # half an hour was observed; a 401 before that is answered by signing in again


class Dopa:
    """Linkage Center 2 at `url`, asked as one officer of one office for one purpose (`job_id`)."""

    code = CODE
    most_at_once = 50

    def __init__(
        self,
        gdx: GdxTransport,
        *,
        url: str,
        officer_pid: Secret,
        office_id: str,
        access_token: Secret,
        job_id: str,
        clock: Clock,
    ) -> None:
        self._gdx = gdx
        self._url = f"{url.rstrip('/')}/api/center"
        self._officer_pid = officer_pid
        self._office_id = office_id
        self._access_token = access_token
        self._job_id = job_id
        self._badge = Badge(self._sign_in, clock=clock)
        self._renewable: str | None = None

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        """One request for all of them."""
        query = {"personalID": person_number}
        items = [{"serviceID": operation.wire, "query": query} for operation in operations]
        answer = opened(served(await self._call({"jobID": self._job_id, "data": items})))
        told: dict[int, list[Reading]] = {}
        for item in answer.parts("data"):
            told.setdefault(item.maybe_number("serviceID") or 0, []).append(item)
        question = Question(person_number=person_number, given={})
        return [_heard(operation, told.get(int(operation.wire), []), question) for operation in operations]

    async def _call(self, body: Any) -> Reply:
        token = await self._badge.show()
        reply = await self._post("request/", body, token)
        if reply.status != 401:
            return reply
        if self._renewable == token:
            self._renewable = None  # what is refused can't be renewed
        self._badge.refused(token)
        return await self._post("request/", body, await self._badge.show())

    async def _post(self, path: str, body: Any, token: str | None) -> Reply:
        headers = {"Authorization": f"Bearer {token}"} if token else None
        return await self._gdx.request("POST", f"{self._url}/{path}", headers=headers, json=body)

    async def _sign_in(self) -> Token:
        """Renew the session that ran out, or sign in: name the officer, then the office with the officer's ThaID token."""
        reply = await self._post("login/renew", {}, self._renewable) if self._renewable else None
        if reply is None or reply.status != 200:
            officer = {"loginType": _LOGIN_BY_THAID, "personalID": self._officer_pid.reveal()}
            served(await self._post("login/", officer, None))
            token = self._access_token.reveal()
            reply = await self._post(
                "login/confirm", {**officer, "officeID": self._office_id, "accessToken": token}, None
            )
        self._renewable = opened(served(reply)).text("token")
        return Token(value=self._renewable, good_for_s=_SESSION_GOOD_FOR_S)


def _heard(operation: Operation[Any], items: list[Reading], question: Question) -> Found[Any] | Trouble:
    """What one item of the batch says; its status is its own."""
    if len(items) != 1:
        return AnswerMalformed(f"{len(items)} items for service {operation.wire}")
    try:
        status = items[0].number("responseStatus")
        if status == 200:
            return hear(operation, items[0].part("responseData"), question)
    except Trouble as trouble:
        return trouble
    if status == 404:
        return NotThere(f"service {operation.wire} holds nothing")
    if status in (401, 403):
        return AgencyRefused(f"service {operation.wire} says {status}")
    return AgencyDown(f"service {operation.wire} says {status}")
