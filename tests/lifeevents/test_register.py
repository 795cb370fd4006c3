"""What the registers say, as facts; and silence is not an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import pytest

from agencies import dopa
from agencies.answers import Found, Operation
from agencies.cache import Cache
from agencies.facts import Facts, OwnWord
from agencies.gateway import Asking, Gateway
from agencies.trouble import AgencyDown, NotThere, Trouble
from backend.agencies import dialect_operations, sources
from foundation.clock import FrozenClock
from foundation.dates import PartialDate
from foundation.errors import Unavailable
from foundation.language import Text
from foundation.store import Store
from foundation.telemetry import Metrics
from lifeevents.catalogue import Catalogue
from lifeevents.register import Register
from trust import access_log as access_logs
from trust import people as people_module
from trust.access_log import AccessLog
from trust.consents import Consents
from trust.people import People, PersonId
from trust.secrets import Vault

ME, CHILD, GROWN, GONE, SPOUSE = "1000000000009", "1000000000017", "1000000000025", "1000000000033", "1000000000041"
_NAME = Text(th="กานดา", en="Kanda")


class Agency:
    """Answers from memory; what it doesn't hold is not there."""

    most_at_once = 50

    def __init__(self, code: str, **held: Any) -> None:
        self.code = code
        self.held = held
        self.asked: list[str] = []

    async def ask(self, person_number: str, operations: Sequence[Operation[Any]]) -> Sequence[Found[Any] | Trouble]:
        self.asked += [one.name for one in operations]
        return [self._say(one.name) for one in operations]

    def _say(self, name: str) -> Found[Any] | Trouble:
        value = self.held.get(name, NotThere("nothing"))
        return value if isinstance(value, Trouble) else Found(value=value)


def a_relative(number: str, birth: date, *, is_alive: bool | None = True) -> dopa.Relative:
    return dopa.Relative(person_number=number, name=_NAME, sex="FEMALE", birth=PartialDate(birth), is_alive=is_alive)


def a_profile(**changes: Any) -> dopa.Profile:
    values: dict[str, Any] = {
        "person_number": ME, "title": _NAME, "first_name": _NAME, "middle_name": None, "last_name": _NAME,
        "sex": "FEMALE", "birth": PartialDate(date(1966, 3, 1), "MONTH"), "nationality": "THAI",
        "nationality_name": _NAME, "is_alive": True, "is_householder": True, "moved_in": None, "father_name": None,
        "mother_name": None,
    }  # fmt: skip
    return dopa.Profile(**(values | changes))


FAMILY = dopa.Family(
    marital_status="MARRIED",
    father=None,
    mother=a_relative(GONE, date(1940, 1, 1), is_alive=False),
    spouse=a_relative(SPOUSE, date(1970, 1, 1)),
    children=(a_relative(CHILD, date(2020, 5, 10)), a_relative(GROWN, date(1995, 1, 1))),
)


async def nothing_said(_asking: Asking) -> dict[str, OwnWord]:
    return {}


class Scene:
    def __init__(self, store: Store, vault: Vault, clock: FrozenClock, catalogue: Catalogue) -> None:
        self.people = People(store, vault, clock=clock)
        self.store = store
        self.dopa = Agency("dopa", PERSON=a_profile(), FAMILY=FAMILY)
        self.sso = Agency("sso")
        agencies = [self.dopa, self.sso]
        codes = [agency.id for agency in catalogue.agencies]
        self.gateway = Gateway(
            agencies, people=self.people, access_log=AccessLog(store, clock=clock), clock=clock, metrics=Metrics(),
            deadline_s=1, cache=Cache(store, self.people, vault, clock=clock, fresh_most_s=0),
            consents=Consents(store, self.people, agencies=codes, clock=clock),
        )  # fmt: skip
        operations = [one for one in dialect_operations() if one.asked_through in ("dopa", "sso")]
        facts = Facts(sources(catalogue, operations, agencies), own_words=nothing_said, clock=clock, metrics=Metrics())
        self.register = Register(self.gateway, facts, self.people, vault, clock=clock)

    async def me(self) -> PersonId:
        return (await self.people.ensure(ME)).id


@pytest.fixture
async def scene(store: Store, vault: Vault, frozen: FrozenClock, catalogue: Catalogue) -> AsyncIterator[Scene]:
    await store.open((*people_module.INDEXES, *access_logs.INDEXES))
    found = Scene(store, vault, frozen, catalogue)
    yield found
    await found.gateway.close()


async def test_who_a_person_is_and_nothing_more_is_asked(scene: Scene) -> None:
    found = await scene.register.facts(await scene.me())

    assert found.known == {
        "person.birth_date": PartialDate(date(1966, 3, 1), "MONTH"), "person.nationality": "thai",
        "person.alive": True, "person.sex": "female",
    }  # fmt: skip
    assert found.called == _NAME
    assert scene.dopa.asked == ["PERSON"]
    assert scene.sso.asked == []


async def test_each_look_stands_in_the_access_log(scene: Scene) -> None:
    await scene.register.facts(await scene.me(), with_children=True)

    records = [one async for one in scene.store.collection("access_records").find({})]
    assert {(one["operation"], one["purpose"], one["ground"]) for one in records} == {
        ("PERSON", "proactive notice", "PUBLIC_TASK"), ("FAMILY", "proactive notice", "PUBLIC_TASK"),
    }  # fmt: skip


async def test_what_a_register_does_not_hold_says_something(scene: Scene) -> None:
    wanted = {"person.in_house_register", "person.id_card_status", "sso.section", "person.state_pensioner"}
    found = await scene.register.facts(await scene.me(), wanted=wanted)

    assert found.known["person.in_house_register"] is False
    assert found.known["person.id_card_status"] == "never"
    assert found.known["sso.section"] == "none"
    assert "person.state_pensioner" not in found.known


@pytest.mark.parametrize(
    ("status", "is_for_life", "said"),
    [("VALID", False, "valid"), ("VALID", True, "lifetime"), ("EXPIRED", False, "expired"), ("OTHER", False, None)],
)
async def test_a_card_in_the_catalogues_words(
    scene: Scene, status: dopa.CardStatus, is_for_life: bool, said: str | None
) -> None:
    scene.dopa.held["ID_CARD"] = dopa.IdCard(
        status=status, status_name=_NAME, issued_on=None, expires_on=None, is_for_life=is_for_life
    )
    found = await scene.register.facts(await scene.me(), wanted={"person.id_card_status"})

    assert found.known.get("person.id_card_status") == said


@pytest.mark.parametrize("operation", [dopa.PERSON, dopa.FAMILY])
async def test_without_the_civil_register_nothing_is_said(scene: Scene, operation: Operation[Any]) -> None:
    scene.dopa.held[operation.name] = AgencyDown("away")

    with pytest.raises(Unavailable):
        await scene.register.facts(await scene.me(), with_children=True)


async def test_an_agency_that_is_down_is_not_an_unknown_fact(scene: Scene) -> None:
    scene.sso.held["INSURED"] = AgencyDown("away")

    found = await scene.register.facts(await scene.me(), wanted={"sso.section", "person.state_pensioner"})

    assert found.known["person.alive"] is True
    assert (found.doubt("sso.section"), found.doubt("person.state_pensioner")) == ("DOWN", None)
    assert not {"sso.section", "person.state_pensioner"} & found.known.keys()


async def test_a_list_that_did_not_come_is_no_empty_list(scene: Scene) -> None:
    scene.dopa.held["FAMILY"] = AgencyDown("away")

    found = await scene.register.facts(await scene.me(), wanted={"child.birth_date"})

    assert found.things == {}
    assert found.doubt("child.birth_date") == found.doubt("child.registered") == "DOWN"


async def test_each_child_is_a_thing_that_is_somebody_and_its_key_is_no_number(scene: Scene) -> None:
    found = await scene.register.facts(await scene.me(), wanted={"child.birth_date", "child.registered"})

    child = next(
        one for one in found.things["per_child"] if one.known["child.birth_date"] == PartialDate(date(2020, 5, 10))
    )
    assert child.person == child.key == (await scene.people.ensure(CHILD)).id
    assert child.known["child.registered"] is True
    assert CHILD not in repr(found)


async def test_a_person_the_register_does_not_hold_is_unknown(scene: Scene) -> None:
    del scene.dopa.held["PERSON"]

    assert (await scene.register.facts(await scene.me())).known == {}


async def test_a_status_that_is_not_known_is_no_fact(scene: Scene) -> None:
    scene.dopa.held["PERSON"] = a_profile(is_alive=None, sex=None)

    assert (await scene.register.facts(await scene.me())).known.keys() == {"person.birth_date", "person.nationality"}


async def test_the_children_are_the_living_young_ones(scene: Scene) -> None:
    found = await scene.register.facts(await scene.me(), with_children=True)

    (child,) = found.children
    assert child.person == (await scene.people.ensure(CHILD)).id
    assert child.known["person.birth_date"] == PartialDate(date(2020, 5, 10))
    assert await scene.people.find(GROWN) is None


async def test_the_next_of_kin_are_the_living_who_use_the_app(scene: Scene) -> None:
    for number in (SPOUSE, GROWN, GONE):
        person = await scene.people.ensure(number)
        if number != GROWN:
            await scene.people.signed_in(person.id)

    assert await scene.register.of(await scene.me()) == [(await scene.people.ensure(SPOUSE)).id]
