"""What a person changes: each change twice is one change, and trouble is data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from foundation.clock import SystemClock
from foundation.ids import derive, new_id
from foundation.language import Text
from foundation.store import Store
from notifications.inbox import NewEntry
from resolvers.client_keys import ClientKeys
from resolvers.context import Services
from resolvers.values import global_id
from tests.resolvers.conftest import Graph, SignedIn
from trust.people import PersonId

REGISTER = """mutation ($i: RegisterDeviceInput!) { registerDevice(input: $i) {
  device { id platform language registeredAt seenAt } problems { code message field } } }"""
REMOVE = "mutation ($i: RemoveDeviceInput!) { removeDevice(input: $i) { removedId problems { code field } } }"
UPDATE = """mutation ($i: UpdatePreferencesInput!) { updatePreferences(input: $i) { problems { code field }
  preferences { language push sms mobile quietHours { start end } mutedTopics } } }"""
CHANGE = """mutation ($i: ChangeHospitalInput!) { changeHospital(input: $i) { problems { code message field }
  change { state number hospital { code } previous { code } requestedOn effectiveOn message { said } } } }"""
CANCEL = """mutation ($i: CancelHospitalChangeInput!) { cancelHospitalChange(input: $i) {
  problems { code message } change { state number hospital { code } } } }"""
INBOX = """query ($first: Int, $after: String, $unread: Boolean! = false) { me { inbox(
  first: $first, after: $after, unreadOnly: $unread) { unreadCount pageInfo { hasNextPage endCursor }
  edges { node { id topic title { th en said } body { said } isRead readAt deliveredAt openedAt service { code }
    isAboutMe isStatutory because { eventType reportedBy { code } happenedAt rule day facts { path title { en } agency { code } } } checkCode receivedAt } } } } }"""


# ---- devices


async def test_a_device_registered_twice_is_one_device(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    given = {"token": new_id(), "platform": "ANDROID", "clientKey": "install-1", "language": "EN"}

    first = (await phone.ask(REGISTER, i=given))["registerDevice"]
    again = (await phone.ask(REGISTER, i=given))["registerDevice"]
    renewed = (await phone.ask(REGISTER, i=given | {"token": new_id()}))["registerDevice"]

    assert first["problems"] == []
    assert (first["device"]["platform"], first["device"]["language"]) == ("ANDROID", "EN")
    assert again["device"]["id"] == first["device"]["id"]
    devices = (await phone.ask("{ me { devices { id } } }"))["me"]["devices"]
    assert devices == [{"id": renewed["device"]["id"]}]


async def test_a_device_is_removed_once_and_by_its_owner(signed_in: SignedIn, one: PersonId, other: PersonId) -> None:
    phone, stranger = await signed_in(one), await signed_in(other)
    given = {"token": new_id(), "platform": "IOS", "clientKey": "install-2"}
    device = (await phone.ask(REGISTER, i=given))["registerDevice"]["device"]["id"]
    node = "query ($id: ID!) { node(id: $id) { id ... on Device { platform } } }"

    assert await phone.ask(node, id=device) == {"node": {"id": device, "platform": "IOS"}}
    assert await stranger.ask(node, id=device) == {"node": None}
    refused = (await stranger.ask(REMOVE, i={"id": device}))["removeDevice"]
    assert refused == {"removedId": None, "problems": [{"code": "NOT_FOUND", "field": "id"}]}
    assert (await phone.ask(REMOVE, i={"id": device}))["removeDevice"] == {"removedId": device, "problems": []}
    assert (await phone.ask(REMOVE, i={"id": device}))["removeDevice"]["problems"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("wrong", "field"), [({"token": ""}, "token"), ({"token": "a b"}, "token"), ({"clientKey": ""}, "clientKey")]
)
async def test_a_device_that_can_not_be_is_a_problem(
    wrong: dict[str, Any], field: str, signed_in: SignedIn, one: PersonId
) -> None:
    given = {"token": "t", "platform": "WEB", "clientKey": "k"} | wrong

    told = (await (await signed_in(one)).ask(REGISTER, i=given))["registerDevice"]

    assert told["device"] is None
    assert (told["problems"][0]["code"], told["problems"][0]["field"]) == ("BAD_INPUT", field)


# ---- preferences


async def test_wishes_change_where_they_are_named(signed_in: SignedIn, one: PersonId) -> None:
    phone = await signed_in(one)
    usual = (
        await phone.ask("{ me { preferences { language push sms mobile quietHours { start end } mutedTopics } } }")
    )["me"]["preferences"]
    assert usual == {
        "language": "TH", "push": True, "sms": True, "mobile": None, "quietHours": None, "mutedTopics": [],
    }  # fmt: skip

    changed = await phone.ask(
        UPDATE,
        i={
            "mobile": "08 1234 5678",
            "quietHours": {"start": "21:00", "end": "07:00"},
            "mutedTopics": ["work"],
            "push": False,
        },
    )
    kept = await phone.ask(UPDATE, i={"language": "EN"})
    taken = await phone.ask(UPDATE, i={"mobile": None, "quietHours": None, "mutedTopics": None})

    assert changed["updatePreferences"]["problems"] == []
    assert kept["updatePreferences"]["preferences"] == {
        "language": "EN", "push": False, "sms": True, "mobile": "+66812345678",
        "quietHours": {"start": "21:00", "end": "07:00"}, "mutedTopics": ["work"],
    }  # fmt: skip
    assert taken["updatePreferences"]["preferences"] == usual | {"language": "EN", "push": False}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"mobile": "1506"}, "mobile"),
        ({"quietHours": {"start": "25:00", "end": "07:00"}}, "quietHours"),
        ({"mutedTopics": ["$where"]}, "mutedTopics"),
        ({"push": None}, "push"),
        ({"language": None}, "language"),
    ],
)
async def test_a_wish_that_can_not_be_changes_nothing(
    wrong: dict[str, Any], field: str, signed_in: SignedIn, one: PersonId
) -> None:
    phone = await signed_in(one)

    told = (await phone.ask(UPDATE, i={"sms": False} | wrong))["updatePreferences"]

    assert told == {"preferences": None, "problems": [{"code": "BAD_INPUT", "field": field}]}
    assert (await phone.ask("{ me { preferences { sms } } }"))["me"]["preferences"] == {"sms": True}


# ---- the inbox


async def tell(services: Services, person: PersonId, clock: SystemClock, number: int = 0) -> str:
    entry = derive(person, "test", str(number))
    await services.inbox.add(
        NewEntry(
            id=entry, person=person, at=clock.now() - timedelta(minutes=number), origin=new_id(), topic="birth",
            title=Text(th="มีลูก", en="A child"), body=Text(th="ข้อความ", en="The message"),
            lock_screen=Text(th="มีข้อความ", en="There is a message"), about=None, service="birth_registration",
            because={"event_type": "th.tangrat.right.due", "agency": None, "happened_at": "2026-11-21T00:00:00+00:00",
                     "received_at": "2026-11-21T00:00:01+00:00", "rule": "birth_registration.n1", "day": "2026-11-21",
                     "facts": [{"fact": "person.birth_date", "agency": "dopa"}]},
            statutory=False,
        ),
        reach=[],
    )  # fmt: skip
    return entry


async def test_the_inbox_comes_page_by_page_the_newest_first(
    signed_in: SignedIn, services: Services, clock: SystemClock, one: PersonId
) -> None:
    phone = await signed_in(one)
    entries = [await tell(services, one, clock, number) for number in range(3)]

    first = (await phone.ask(INBOX, first=2))["me"]["inbox"]
    second = (await phone.ask(INBOX, first=2, after=first["pageInfo"]["endCursor"]))["me"]["inbox"]

    nodes = [edge["node"] for page in (first, second) for edge in page["edges"]]
    assert [one["id"] for one in nodes] == [global_id("Notification", entry) for entry in entries]
    assert first["unreadCount"] == 3
    assert first["pageInfo"]["hasNextPage"]
    assert not second["pageInfo"]["hasNextPage"]
    assert nodes[0]["title"] == {"th": "มีลูก", "en": "A child", "said": "มีลูก"}
    assert nodes[0]["service"] == {"code": "birth_registration"}
    assert nodes[0]["isAboutMe"]
    assert nodes[0]["because"] == {
        "eventType": "th.tangrat.right.due", "reportedBy": None, "happenedAt": "2026-11-21T00:00:00+00:00",
        "rule": "birth_registration.n1", "day": "2026-11-21",
        "facts": [{
            "path": "person.birth_date", "title": {"en": "date of birth (day or month unknown for some)"},
            "agency": {"code": "dopa"},
        }],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mutation", "noted"),
    [
        ("markNotificationRead", {"readAt"}),
        ("confirmNotificationDelivered", {"deliveredAt"}),
        ("confirmNotificationOpened", {"readAt", "deliveredAt", "openedAt"}),
    ],
)
async def test_what_became_of_a_message_is_noted_once(
    mutation: str, noted: set[str], signed_in: SignedIn, services: Services, clock: SystemClock, one: PersonId
) -> None:
    phone = await signed_in(one)
    entry = await tell(services, one, clock)
    kind = mutation[0].upper() + mutation[1:]
    query = f"""mutation ($i: {kind}Input!) {{ told: {mutation}(input: $i) {{ problems {{ code }}
      notification {{ id isRead readAt deliveredAt openedAt }} }} }}"""

    first = (await phone.ask(query, i={"id": global_id("Notification", entry)}))["told"]
    again = (await phone.ask(query, i={"id": entry}))["told"]  # as it came with the push

    assert first == again
    told = first["notification"]
    assert {name for name in ("readAt", "deliveredAt", "openedAt") if told[name]} == noted
    assert told["isRead"] == ("readAt" in noted)
    assert (await phone.ask(INBOX, unread=True))["me"]["inbox"]["unreadCount"] == ("readAt" not in noted)


async def test_a_strangers_message_is_no_message(
    signed_in: SignedIn, services: Services, clock: SystemClock, one: PersonId, other: PersonId, graph: Graph
) -> None:
    entry = global_id("Notification", await tell(services, one, clock))
    stranger, owner = await signed_in(other), await signed_in(one)
    node = "query ($id: ID!) { node(id: $id) { id } }"
    read = "mutation ($i: MarkNotificationReadInput!) { markNotificationRead(input: $i) { notification { id } problems { code } } }"
    nothing = {"notification": None, "problems": [{"code": "NOT_FOUND"}]}

    assert (await owner.ask(node, id=entry)) == {"node": {"id": entry}}
    for somebody in (stranger, graph):
        assert await somebody.ask(node, id=entry) == {"node": None}
    assert (await stranger.ask(read, i={"id": entry}))["markNotificationRead"] == nothing
    assert (await stranger.ask(read, i={"id": global_id("Notification", "0" * 32)}))["markNotificationRead"] == nothing
    assert (await owner.ask(INBOX))["me"]["inbox"]["unreadCount"] == 1


async def test_anybody_may_ask_whether_a_message_was_sent(
    signed_in: SignedIn, services: Services, clock: SystemClock, one: PersonId, start: Any
) -> None:
    await tell(services, one, clock)
    code = (await (await signed_in(one)).ask(INBOX))["me"]["inbox"]["edges"][0]["node"]["checkCode"]
    graph = await start()
    query = "query ($c: String!) { sentCheck(code: $c) { topic text { th } } }"

    assert (await graph.ask(query, c=f" {code[:4].lower()}-{code[4:]} "))["sentCheck"] == {
        "topic": "birth", "text": {"th": "มีข้อความ"},
    }  # fmt: skip
    assert (await graph.ask(query, c="ZZZZZZZZ")) == {"sentCheck": None}
    codes = [(await graph.reply(query, c="ZZZZZZZZ")).json() for _ in range(20)]
    assert codes[-1]["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"


# ---- nobody


@pytest.mark.parametrize(
    "mutation",
    [
        'registerDevice(input: {token: "t", platform: WEB, clientKey: "k"})',
        'removeDevice(input: {id: "x"})',
        "updatePreferences(input: {push: true})",
        'markNotificationRead(input: {id: "x"})',
        'confirmNotificationDelivered(input: {id: "x"})',
        'confirmNotificationOpened(input: {id: "x"})',
        'changeHospital(input: {hospitalCode: "1", mobile: "0812345678", reason: "1", clientKey: "k"})',
        'cancelHospitalChange(input: {number: "1", clientKey: "k"})',
        'checkIdCard(input: {laserCode: "AA0000000000"})',
    ],
)
async def test_nobody_changes_nothing(mutation: str, graph: Graph) -> None:
    data = await graph.ask(f"mutation {{ told: {mutation} {{ problems {{ code message }} }} }}")

    assert data["told"]["problems"][0]["code"] == "UNAUTHENTICATED"


# ---- another hospital


async def test_a_hospital_is_changed_once_for_each_client_key(
    citizen: Callable[..., Awaitable[Graph]], switch: Callable[..., Any]
) -> None:
    phone = await citizen(7)
    choices = (
        await phone.ask(
            "{ me { socialSecurity { value { hospitalChoices { value { current { code } hospitals { code } } } } } } }"
        )
    )["me"]["socialSecurity"]["value"]["hospitalChoices"]["value"]
    others = [one["code"] for one in choices["hospitals"] if one["code"] != choices["current"]["code"]]
    key = new_id()
    wish = {"hospitalCode": others[0], "mobile": "081-234-5678", "reason": "2", "clientKey": key}

    first, at_once = await asyncio.gather(phone.ask(CHANGE, i=wish), phone.ask(CHANGE, i=wish))
    told = [one["changeHospital"] for one in (first, at_once) if one["changeHospital"]["change"]]
    assert told
    assert told[0]["problems"] == []
    assert told[0]["change"]["state"] == "APPROVED"
    assert told[0]["change"]["hospital"] == {"code": others[0]}
    assert told[0]["change"]["previous"] == {"code": choices["current"]["code"]}

    # Another wish was granted meanwhile: the retry of the first one must not undo it.
    second = wish | {"hospitalCode": others[1], "clientKey": new_id()}
    assert (await phone.ask(CHANGE, i=second))["changeHospital"]["change"]["state"] == "APPROVED"
    assert (await phone.ask(CHANGE, i=wish))["changeHospital"] == told[0]
    now = await phone.ask("{ me { socialSecurity { value { hospitalChoices { value { current { code } } } } } } }")
    assert now["me"]["socialSecurity"]["value"]["hospitalChoices"]["value"]["current"] == {"code": others[1]}

    conflict = (await phone.ask(CHANGE, i=wish | {"hospitalCode": others[-1]}))["changeHospital"]
    assert conflict["change"] is None
    assert conflict["problems"][0]["code"] == "CONFLICT"


async def test_a_change_of_hospital_is_taken_back_once_for_each_client_key(
    citizen: Callable[..., Awaitable[Graph]],
) -> None:
    phone = await citizen(5)
    choices = (
        "{ me { socialSecurity { value { hospitalChoices { value { current { code } hospitals { code } } } } } } }"
    )

    async def offered() -> Any:
        return (await phone.ask(choices))["me"]["socialSecurity"]["value"]["hospitalChoices"]["value"]

    before = await offered()
    other = next(one["code"] for one in before["hospitals"] if one["code"] != before["current"]["code"])
    wish = {"hospitalCode": other, "mobile": "0812345678", "reason": "4", "clientKey": new_id()}
    number = (await phone.ask(CHANGE, i=wish))["changeHospital"]["change"]["number"]
    back = {"number": number, "clientKey": new_id()}

    told = (await phone.ask(CANCEL, i=back))["cancelHospitalChange"]
    again = (await phone.ask(CANCEL, i=back))["cancelHospitalChange"]
    nobodys = (await phone.ask(CANCEL, i={"number": "0", "clientKey": new_id()}))["cancelHospitalChange"]
    other_wish = (await phone.ask(CANCEL, i=back | {"number": "0"}))["cancelHospitalChange"]

    assert told == {
        "problems": [], "change": {"state": "CANCELLED", "number": number, "hospital": {"code": other}},
    }  # fmt: skip
    assert again == told
    assert (await offered())["current"] == before["current"]
    assert (nobodys["change"]["state"], nobodys["problems"][0]["code"]) == ("REFUSED", "HOSPITAL_CHANGE_REFUSED")
    assert (other_wish["change"], other_wish["problems"][0]["code"]) == (None, "CONFLICT")


async def test_what_the_office_refuses_is_said_in_its_words(citizen: Callable[..., Awaitable[Graph]]) -> None:
    wish = {"hospitalCode": "00000", "mobile": "0812345678", "reason": "2", "clientKey": new_id()}

    told = (await (await citizen(7)).ask(CHANGE, i=wish))["changeHospital"]

    assert told["change"]["state"] == "REFUSED"
    assert told["problems"][0]["code"] == "HOSPITAL_CHANGE_REFUSED"
    assert told["problems"][0]["message"]


async def test_an_office_that_falls_silent_leaves_the_outcome_open(
    citizen: Callable[..., Awaitable[Graph]], switch: Callable[..., Any]
) -> None:
    phone = await citizen(11)
    wish = {"hospitalCode": "00000", "mobile": "0812345678", "reason": "2", "clientKey": new_id()}
    switch("POST", "faults", {"agency": "sso", "fault": "down"})

    told = (await phone.ask(CHANGE, i=wish))["changeHospital"]
    again = (await phone.ask(CHANGE, i=wish))["changeHospital"]

    assert told["change"] is None
    assert told["problems"][0]["code"] in ("OUTCOME_UNKNOWN", "AGENCY_UNREACHABLE", "AGENCY_ERROR")
    assert again["problems"][0]["code"] in ("IN_PROGRESS", told["problems"][0]["code"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"mobile": "1506"}, "mobile"),
        ({"clientKey": ""}, "clientKey"),
        ({"clientKey": "ก"}, "clientKey"),
        ({"reason": ""}, None),
    ],
)
async def test_a_wish_that_can_not_be_is_not_sent(
    wrong: dict[str, str], field: str | None, signed_in: SignedIn, one: PersonId
) -> None:
    wish = {"hospitalCode": "1", "mobile": "0812345678", "reason": "1", "clientKey": "k"} | wrong

    told = (await (await signed_in(one)).ask(CHANGE, i=wish))["changeHospital"]

    assert told["change"] is None
    assert (told["problems"][0]["code"], told["problems"][0]["field"]) == ("BAD_INPUT", field)


async def test_a_wish_whose_outcome_was_never_noted_may_be_tried_again(
    store: Store, services: Services, vault: Any, frozen: Any, one: PersonId
) -> None:
    keys = ClientKeys(store, services.people, vault, clock=frozen)
    wish = await keys.begin(one, "x", "key", {"a": "1"})

    for _ in range(2):
        with pytest.raises(Exception, match="being carried out"):
            await keys.begin(one, "x", "key", {"a": "1"})
    frozen.advance(timedelta(seconds=11))
    again = await keys.begin(one, "x", "key", {"a": "1"})
    await keys.settle(again, {"done": True})

    assert (wish.id, wish.outcome) == (again.id, None)
    assert (await keys.begin(one, "x", "key", {"a": "1"})).outcome == {"done": True}
    await keys.release(again)
    assert (await keys.begin(one, "x", "key", {"a": "1"})).outcome == {"done": True}
