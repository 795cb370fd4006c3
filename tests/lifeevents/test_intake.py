"""Recording life events: once, durably, all or none, and only what may be recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from foundation.bodies import TooLarge
from foundation.clock import FrozenClock
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.store import PyMongoError, Store
from foundation.telemetry import Metrics
from lifeevents import catalogue as catalogues
from lifeevents import cloudevents
from lifeevents import intake as intakes
from lifeevents.catalogue import Catalogue
from lifeevents.cloudevents import CALENDAR, CALENDAR_SOURCE, EventsRefused, RawEvent, read
from lifeevents.intake import EventConflict, Intake, opened
from notifications.ledger import Ledger
from trust import people as people_module
from trust.clients import AgencyClient
from trust.people import People
from trust.secrets import Vault

DOPA = AgencyClient(client_id="dopa-1", agency="dopa", scopes=("events:publish",))
SSO = AgencyClient(client_id="sso-1", agency="sso", scopes=("events:publish",))
PID, CHILD, OTHER = "1000000000009", "1000000000017", "1000000000025"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogues.load()


@pytest.fixture
async def opened_store(store: Store) -> Store:
    await store.open((*people_module.INDEXES, *intakes.INDEXES))
    return store


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def intake(
    opened_store: Store, vault: Vault, frozen: FrozenClock, catalogue: Catalogue, metrics: Metrics
) -> AsyncIterator[Intake]:
    yield (one := _intake(opened_store, vault, frozen, catalogue, metrics))
    await one.close()


def _intake(store: Store, vault: Vault, clock: FrozenClock, catalogue: Catalogue, metrics: Metrics) -> Intake:
    people = People(store, vault, clock=clock)
    ledger = Ledger(store, intakes.EVENTS, clock=clock)
    return Intake(store, ledger, people, vault, catalogue, clock=clock, metrics=metrics)


def a_birth(**changes: Any) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": "birth-1",
        "source": "urn:th:agency:dopa:bangkok",
        "type": "th.dopa.birth.registered",
        "time": "2026-11-21T09:00:00+07:00",
        "datacontenttype": "application/json",
        "data": {
            "citizen_id": PID,
            "child": {"citizen_id": CHILD, "birth_date": "2026-11-18"},
            "registered_on": "2026-11-20",
        },
    }
    return {name: value for name, value in (event | changes).items() if value is not ...}


def with_data(**changes: Any) -> dict[str, Any]:
    data = {name: value for name, value in (a_birth()["data"] | changes).items() if value is not ...}
    return a_birth(data=data)


async def stored(store: Store) -> list[dict[str, Any]]:
    return [one async for one in store.collection(intakes.EVENTS).find({})]


async def reasons_of(intake: Intake, event: Any, *, by: Any = DOPA) -> dict[str, str]:
    """Code by pointer."""
    with pytest.raises(EventsRefused) as refused:
        await intake.record(RawEvent(event), by=by)
    reasons = refused.value.refusals[0].reasons
    assert all(any("\u0e00" <= sign <= "\u0e7f" for sign in one.message_th) for one in reasons)
    return {reason.at: reason.code for reason in reasons}


# ---- once


async def test_an_event_is_recorded_and_is_due(intake: Intake, opened_store: Store, frozen: FrozenClock) -> None:
    receipt = await intake.record(RawEvent(a_birth()), by=DOPA)

    (event,) = await stored(opened_store)
    assert receipt.status == "recorded"
    assert (receipt.id, receipt.source) == ("birth-1", "urn:th:agency:dopa:bangkok")
    assert event["_id"] == receipt.receipt
    assert event["received_at"] == receipt.recorded_at == event["due"] == frozen.now()
    assert (event["type"], event["agency"], event["client"], event["state"]) == (
        "th.dopa.birth.registered", "dopa", "dopa-1", "waiting",
    )  # fmt: skip
    assert event["cell"] == event["_id"][:2]
    assert event["time"] == datetime(2026, 11, 21, 2, tzinfo=UTC)


async def test_what_it_says_is_sealed_under_the_persons_key(
    intake: Intake, opened_store: Store, vault: Vault, frozen: FrozenClock
) -> None:
    await intake.record(RawEvent(a_birth()), by=DOPA)

    (event,) = await stored(opened_store)
    people = People(opened_store, vault, clock=frozen)
    assert PID.encode() not in event["data"]
    assert CHILD not in str(event)
    assert await opened(event, people=people, vault=vault) == a_birth()["data"]
    await people.erase(event["person"])
    with pytest.raises(NotFound):
        await opened(event, people=people, vault=vault)


async def test_an_event_about_nobody_is_sealed_by_the_system(
    intake: Intake, opened_store: Store, vault: Vault, frozen: FrozenClock
) -> None:
    data = {"disaster": {"th": "น้ำท่วม", "en": "Flood"}, "areas": ["90"], "declared_on": "2026-11-20"}
    event = a_birth(type="th.ddpm.disaster.declared", source="urn:th:agency:ddpm", data=data)

    await intake.record(RawEvent(event), by=AgencyClient(client_id="d", agency="ddpm", scopes=()))

    (found,) = await stored(opened_store)
    assert found["person"] is None
    assert await opened(found, people=People(opened_store, vault, clock=frozen), vault=vault) == data


async def test_the_same_event_again_gets_the_same_receipt(
    intake: Intake, opened_store: Store, frozen: FrozenClock
) -> None:
    first = await intake.record(RawEvent(a_birth()), by=DOPA)
    frozen.advance(timedelta(hours=1))
    second = await intake.record(RawEvent(a_birth()), by=DOPA)

    assert (second.receipt, second.recorded_at) == (first.receipt, first.recorded_at)
    assert (first.status, second.status) == ("recorded", "already_recorded")
    assert len(await stored(opened_store)) == 1


async def test_the_order_of_keys_makes_no_other_event(intake: Intake) -> None:
    first = await intake.record(RawEvent(a_birth()), by=DOPA)
    second = await intake.record(RawEvent(dict(reversed(a_birth().items()))), by=DOPA)

    assert second.receipt == first.receipt


async def test_an_extension_makes_no_other_event_and_is_not_stored(intake: Intake, opened_store: Store) -> None:
    await intake.record(RawEvent(a_birth(traceparent="00-aa-01")), by=DOPA)
    again = await intake.record(RawEvent(a_birth(traceparent="00-bb-01")), by=DOPA)

    assert again.status == "already_recorded"
    assert "traceparent" not in str(await stored(opened_store))


async def test_the_same_id_with_another_content_is_a_conflict_and_an_alarm(
    intake: Intake, opened_store: Store, metrics: Metrics
) -> None:
    await intake.record(RawEvent(a_birth()), by=DOPA)
    with pytest.raises(EventConflict) as conflict:
        await intake.record(RawEvent(with_data(registered_on="2026-11-19")), by=DOPA)

    assert conflict.value.status == 409
    assert conflict.value.refusals[0].reasons[0].code == "OTHER_CONTENT"
    assert len(await stored(opened_store)) == 1
    assert b'tangrat_alarms_total{kind="event_conflict"} 1.0' in metrics.text()


async def test_the_same_id_about_another_person_is_a_conflict(intake: Intake) -> None:
    await intake.record(RawEvent(a_birth()), by=DOPA)
    with pytest.raises(EventConflict):
        await intake.record(RawEvent(with_data(citizen_id=OTHER)), by=DOPA)


async def test_the_same_id_from_another_source_is_another_event(intake: Intake, opened_store: Store) -> None:
    await intake.record(RawEvent(a_birth()), by=DOPA)
    await intake.record(RawEvent(a_birth(source="urn:th:agency:dopa:phuket")), by=DOPA)

    assert len(await stored(opened_store)) == 2


async def test_fifty_at_once_are_one(intake: Intake, opened_store: Store) -> None:
    receipts = await asyncio.gather(*(intake.record(RawEvent(a_birth()), by=DOPA) for _ in range(50)))

    assert len({(one.receipt, one.recorded_at) for one in receipts}) == 1
    assert [one.status for one in receipts].count("recorded") == 1
    assert len(await stored(opened_store)) == 1


async def test_fifty_at_once_through_two_processes_are_one(
    intake: Intake, opened_store: Store, vault: Vault, frozen: FrozenClock, catalogue: Catalogue, metrics: Metrics
) -> None:
    others = [_intake(opened_store, vault, frozen, catalogue, metrics) for _ in range(4)]

    receipts = await asyncio.gather(*(others[n % 4].record(RawEvent(a_birth()), by=DOPA) for n in range(50)))

    assert len({(one.receipt, one.recorded_at) for one in receipts}) == 1
    assert [one.status for one in receipts].count("recorded") == 1
    assert len(await stored(opened_store)) == 1


async def test_one_bad_neighbour_in_a_group_harms_nobody(intake: Intake, opened_store: Store) -> None:
    await intake.record(RawEvent(a_birth()), by=DOPA)

    outcomes = await asyncio.gather(
        intake.record(RawEvent(with_data(registered_on="2026-11-01")), by=DOPA),
        *(intake.record(RawEvent(a_birth(id=f"birth-{n}")), by=DOPA) for n in range(2, 40)),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], EventConflict)
    assert not any(isinstance(one, BaseException) for one in outcomes[1:])
    assert len(await stored(opened_store)) == 39


async def test_whoever_hangs_up_loses_nothing_for_the_others(intake: Intake, opened_store: Store) -> None:
    gone = asyncio.create_task(intake.record(RawEvent(a_birth()), by=DOPA))
    stays = asyncio.create_task(intake.record(RawEvent(a_birth(id="birth-2")), by=DOPA))
    await asyncio.sleep(0)
    gone.cancel()

    assert (await stays).status == "recorded"
    assert len(await stored(opened_store)) == 2


async def test_what_could_not_be_written_is_not_acknowledged(
    intake: Intake, opened_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise PyMongoError("the primary is gone")

    with monkeypatch.context() as patched:
        patched.setattr(type(opened_store.collection("events")), "insert_many", broken)
        outcomes = await asyncio.gather(
            *(intake.record(RawEvent(a_birth(id=f"b{n}")), by=DOPA) for n in range(5)), return_exceptions=True
        )
        with pytest.raises(Unavailable):
            await intake.record_batch([RawEvent(a_birth())], by=DOPA)

    assert all(isinstance(one, Unavailable) for one in outcomes)
    assert (await intake.record(RawEvent(a_birth(id="b0")), by=DOPA)).status == "recorded"


async def test_a_queue_that_is_full_says_so(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intakes, "_MOST_WAITING", 3)

    outcomes = await asyncio.gather(
        *(intake.record(RawEvent(a_birth(id=f"b{n}")), by=DOPA) for n in range(5)), return_exceptions=True
    )

    assert sum(isinstance(one, Unavailable) for one in outcomes) == 2
    assert outcomes[4].facts["retry_after_s"] == 1  # type: ignore[union-attr]


async def test_the_calendar_reports_what_nobody_else_may(intake: Intake) -> None:
    data = {
        "citizen_id": PID, "service": "first_id_card", "occurrence": "turns_7", "day": "2026-11-21",
        "notification": "first_id_card.n1",
    }  # fmt: skip
    event = a_birth(type="th.calendar.right.due", source=CALENDAR_SOURCE, data=data)

    impostor = AgencyClient(client_id="calendar", agency="calendar", scopes=())
    refused = await reasons_of(intake, event, by=impostor)
    receipt = await intake.record(RawEvent(event), by=CALENDAR)

    assert refused == {"/source": "SOURCE_NOT_YOURS", "/type": "TYPE_NOT_YOURS"}
    assert receipt.status == "recorded"


# ---- all or none


async def test_a_batch_is_recorded_whole(intake: Intake, opened_store: Store) -> None:
    receipts = await intake.record_batch([RawEvent(a_birth(id=f"b{n}")) for n in range(100)], by=DOPA)

    assert [one.id for one in receipts] == [f"b{n}" for n in range(100)]
    assert {one.status for one in receipts} == {"recorded"}
    assert len(await stored(opened_store)) == 100


async def test_a_batch_with_one_bad_event_stores_nothing(intake: Intake, opened_store: Store) -> None:
    batch = [a_birth(id="b0"), a_birth(id="b1", type="th.sso.hospital.changed"), a_birth(id="b2", specversion="2")]

    with pytest.raises(EventsRefused) as refused:
        await intake.record_batch([RawEvent(one) for one in batch], by=DOPA)

    assert [(one.index, one.id) for one in refused.value.refusals] == [(1, "b1"), (2, "b2")]
    assert await stored(opened_store) == []
    assert await opened_store.collection("people").count_documents({}) == 0


async def test_a_batch_with_a_conflict_stores_nothing(intake: Intake, opened_store: Store) -> None:
    await intake.record(RawEvent(a_birth(id="b1")), by=DOPA)
    batch = [a_birth(id="b0"), with_data(registered_on="2026-11-19") | {"id": "b1"}]

    with pytest.raises(EventConflict) as conflict:
        await intake.record_batch([RawEvent(one) for one in batch], by=DOPA)

    assert [one.index for one in conflict.value.refusals] == [1]
    assert len(await stored(opened_store)) == 1


async def test_the_same_event_twice_in_a_batch_is_one(intake: Intake, opened_store: Store) -> None:
    first, second = await intake.record_batch([RawEvent(a_birth()), RawEvent(a_birth())], by=DOPA)

    assert first.receipt == second.receipt
    assert (first.status, second.status) == ("recorded", "already_recorded")
    assert len(await stored(opened_store)) == 1


async def test_two_contents_under_one_id_in_a_batch_are_a_conflict(intake: Intake, opened_store: Store) -> None:
    with pytest.raises(EventConflict):
        await intake.record_batch([RawEvent(a_birth()), RawEvent(with_data(registered_on="2026-11-19"))], by=DOPA)

    assert await stored(opened_store) == []


async def test_a_batch_sent_again_gets_the_same_receipts(intake: Intake, frozen: FrozenClock) -> None:
    batch = [RawEvent(a_birth(id=f"b{n}")) for n in range(3)]
    first = await intake.record_batch(batch, by=DOPA)
    frozen.advance(timedelta(hours=1))
    second = await intake.record_batch([*batch, RawEvent(a_birth(id="b3"))], by=DOPA)

    assert [(one.receipt, one.recorded_at) for one in second[:3]] == [(one.receipt, one.recorded_at) for one in first]
    assert [one.status for one in second] == ["already_recorded"] * 3 + ["recorded"]


async def test_the_same_batch_many_times_at_once_is_one(intake: Intake, opened_store: Store) -> None:
    batch = [RawEvent(a_birth(id=f"b{n}")) for n in range(10)]

    replies = await asyncio.gather(*(intake.record_batch(batch, by=DOPA) for _ in range(8)))

    assert len({tuple((one.receipt, one.recorded_at) for one in reply) for reply in replies}) == 1
    assert len(await stored(opened_store)) == 10


# ---- what may be recorded


async def test_an_event_needs_its_four_attributes(intake: Intake) -> None:
    for name in ("specversion", "id", "source", "type"):
        assert await reasons_of(intake, a_birth(**{name: ...})) == {f"/{name}": "MISSING"}


async def test_all_reasons_come_together(intake: Intake) -> None:
    event = with_data(citizen_id="1", child=...) | {"specversion": "0.3", "time": "yesterday", "Trace": 1}

    assert await reasons_of(intake, event, by=SSO) == {
        "/specversion": "SPECVERSION",
        "/source": "SOURCE_NOT_YOURS",
        "/time": "TIME",
        "/Trace": "ATTRIBUTE",
        "/type": "TYPE_NOT_YOURS",
        "/data/child": "MISSING",
        "/data/citizen_id": "IDENTITY_NUMBER",
    }


@pytest.mark.parametrize("source", ["urn:th:agency:dopa", "urn:th:agency:dopa:x", "https://bora.dopa.go.th/a/b"])
async def test_a_source_of_ones_own_is_taken(intake: Intake, source: str) -> None:
    assert (await intake.record(RawEvent(a_birth(source=source)), by=DOPA)).status == "recorded"


@pytest.mark.parametrize(
    "source", ["urn:th:agency:dopamine", "urn:th:agency:sso", "https://bora.dopa.go.th.evil.example/a", "urn:th:agency"]
)
async def test_a_source_of_somebody_else_is_refused(intake: Intake, source: str) -> None:
    assert await reasons_of(intake, a_birth(source=source)) == {"/source": "SOURCE_NOT_YOURS"}


@pytest.mark.parametrize("source", ["has space", "", 5, "ก", "x" * 501, "a\nb"])
async def test_a_source_must_be_a_uri_reference(intake: Intake, source: Any) -> None:
    assert (await reasons_of(intake, a_birth(source=source)))["/source"] in ("SOURCE", "FORBIDDEN_CHARACTER")


@pytest.mark.parametrize("event_id", ["", " ", 7, "x" * 201, "a\x00b", "a\u202eb", True, {"a": 1}])
async def test_an_id_is_a_printable_text(intake: Intake, event_id: Any) -> None:
    assert (await reasons_of(intake, a_birth(id=event_id)))["/id"] in ("ID", "FORBIDDEN_CHARACTER")


@pytest.mark.parametrize("name", ["th.dopa.event.retracted", "", 5, None, ["th.dopa.birth.registered"]])
async def test_a_type_that_is_not_in_the_catalogue_is_refused(intake: Intake, name: Any) -> None:
    assert (await reasons_of(intake, a_birth(type=name)))["/type"] in ("TYPE_UNKNOWN", "MISSING")


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21", "2026-11-21T10:00:00", "2026-11-21 10:00:00Z", "20261121T100000Z", "2026-02-31T10:00:00Z", 5, "",
        "2026-11-21T03:06:00Z", "1899-12-31T23:59:59Z", "2569-11-21T10:00:00+07:00", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00", "2026-11-21T10:00:00+25:00", "๒๐๒๖-11-21T10:00:00Z",
    ],
)  # fmt: skip
async def test_a_time_must_be_a_real_moment_in_the_past(intake: Intake, time: Any) -> None:
    assert await reasons_of(intake, a_birth(time=time)) == {"/time": "TIME"}


@pytest.mark.parametrize("time", ["2026-11-21T03:04:00Z", "2026-11-21t02:59:59.123456789z", "1900-01-01T00:00:00Z"])
async def test_a_time_may_be_a_little_ahead(intake: Intake, time: str) -> None:
    assert (await intake.record(RawEvent(a_birth(time=time)), by=DOPA)).status == "recorded"


async def test_without_a_time_it_happened_when_it_came(
    intake: Intake, opened_store: Store, frozen: FrozenClock
) -> None:
    await intake.record(RawEvent(a_birth(time=...)), by=DOPA)

    (event,) = await stored(opened_store)
    assert event["time"] == frozen.now()


@pytest.mark.parametrize("day", ["2026-02-31", "2566-02-29", "2569-11-20", "20261120", "2026-11-20T00:00:00Z", "", 5])
async def test_a_day_must_be_a_real_one_in_the_common_era(intake: Intake, day: Any) -> None:
    assert await reasons_of(intake, with_data(registered_on=day)) == {"/data/registered_on": "SCHEMA"}


@pytest.mark.parametrize(
    "number", ["1000000000008", "1-0000-00000-00-9", "๑๐๐๐๐๐๐๐๐๐๐๐๙", "100000000000", 1000000000009, None]
)
async def test_an_identity_number_must_be_one(intake: Intake, number: Any) -> None:
    refused = await reasons_of(intake, with_data(citizen_id=number))
    assert refused.keys() == {"/data/citizen_id"}


async def test_every_identity_number_is_checked(intake: Intake) -> None:
    event = with_data(child={"citizen_id": "1000000000016", "birth_date": "2026-11-18"})

    assert await reasons_of(intake, event) == {"/data/child/citizen_id": "IDENTITY_NUMBER"}


@pytest.mark.parametrize("data", [None, ..., [], "text", 5, True])
async def test_data_is_an_object(intake: Intake, data: Any) -> None:
    assert (await reasons_of(intake, a_birth(data=data))).keys() == {"/data"}


async def test_data_base64_and_other_contents_are_refused(intake: Intake) -> None:
    assert (await reasons_of(intake, a_birth(data_base64="e30=")))["/data_base64"] == "DATA_BASE64"
    assert await reasons_of(intake, a_birth(datacontenttype="text/xml")) == {"/datacontenttype": "DATACONTENTTYPE"}


@pytest.mark.parametrize("name", ["Trace", "trace_id", "$where", "a.b", "", "ก", "__proto__"])
async def test_a_name_of_an_attribute_is_plain(intake: Intake, name: str) -> None:
    assert set((await reasons_of(intake, a_birth(**{name: "x"}))).values()) == {"ATTRIBUTE"}


@pytest.mark.parametrize("key", ["$ne", "$where", "a.b", "__proto__", "$date"])
async def test_strange_keys_stay_data(intake: Intake, key: str) -> None:
    assert await reasons_of(intake, with_data(**{key: 1})) == {"/data": "SCHEMA"}
    assert (await reasons_of(intake, with_data(citizen_id={key: PID})))["/data/citizen_id"] == "SCHEMA"


@pytest.mark.parametrize("sign", ["\x00", "\n", "\x7f", "\x85", "\u202e", "\u2066", "\ufffe", "\ufdd0"])
async def test_controls_and_bidi_overrides_are_refused_wherever_they_are(intake: Intake, sign: str) -> None:
    data = {"citizen_id": PID, "name": {"th": f"ก{sign}ข", "en": "a"}, "effective_date": "2026-11-20"}
    event = a_birth(type="th.dopa.name.changed", data=data)

    assert await reasons_of(intake, event) == {"/data/name/th": "FORBIDDEN_CHARACTER"}
    assert "FORBIDDEN_CHARACTER" in (await reasons_of(intake, with_data(**{f"a{sign}": 1}))).values()


async def test_a_backslash_is_no_control(intake: Intake) -> None:
    data = {"citizen_id": PID, "name": {"th": "ก\\n\\u0000ข", "en": "a"}, "effective_date": "2026-11-20"}

    assert await intake.record(RawEvent(a_birth(type="th.dopa.name.changed", data=data)), by=DOPA)


async def test_no_reason_repeats_what_was_sent(intake: Intake) -> None:
    secret = "1000000000008"
    event = with_data(citizen_id=secret, **{f"สมชาย {secret}": {"ก": "\x00"}}) | {"subject": 5, f"x{secret}ก": 1}
    with pytest.raises(EventsRefused) as refused:
        await intake.record(RawEvent(event | {"id": f"about {secret}"}), by=DOPA)

    said = repr(refused.value.refusals) + refused.value.message
    assert secret not in said
    assert "สมชาย" not in said


@pytest.mark.parametrize("value", [None, 5, "x", [], [[]], True])
async def test_an_event_is_an_object(intake: Intake, value: Any) -> None:
    assert await reasons_of(intake, value) == {"": "NOT_AN_OBJECT"}


# ---- reading bodies


def test_a_key_that_stands_twice_is_found_where_it_is() -> None:
    twice = b'{"id":"a","id":"b","data":{"x":[{"k":1,"k":1}],"1000000000009":{"k":1,"k":2}}}'

    assert read(twice, batch=False)[0].twice == ("", "/data/x/0", "/data/…")
    assert [one.twice for one in read(b'[{"a":1},{"a":1,"a":1}]', batch=True)] == [(), ("",)]


async def test_a_key_that_stands_twice_is_refused(intake: Intake) -> None:
    body = orjson.dumps(a_birth())[:-1] + b',"id":"birth-1"}'
    with pytest.raises(EventsRefused) as refused:
        await intake.record(read(body, batch=False)[0], by=DOPA)

    assert [one.code for one in refused.value.refusals[0].reasons] == ["DUPLICATE_KEY"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nope", b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":"\xff"}', b'{"a":"\\ud800"}',
        b"\xef\xbb\xbf{}", b"{}{}", b"[" * 10_000, b'{"a":' * 10_000, b'{"a":"\x01"}', b"[]", b"5",
        b'{"a":' + b"9" * 9_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        read(body, batch=False)


@pytest.mark.parametrize("depth", [300, 900, 1010])
async def test_what_is_nested_deep_is_refused(intake: Intake, depth: int) -> None:
    body = orjson.dumps(a_birth(data=None)).replace(b"null", b'{"a":' * depth + b"1" + b"}" * depth)

    assert await reasons_of(intake, read(body, batch=False)[0].value) == {"": "TOO_DEEP"}


async def test_keys_twice_far_down_do_no_harm() -> None:
    body = b'{"a":' * 900 + b'{"k":1,"k":2}' + b"}" * 900

    assert read(body, batch=False)[0].twice == ()  # refused as too deep


def test_a_batch_has_one_to_a_hundred_events() -> None:
    assert len(read(b"[" + b",".join([b"{}"] * 100) + b"]", batch=True)) == 100
    with pytest.raises(TooLarge):
        read(b"[" + b",".join([b"{}"] * 101) + b"]", batch=True)
    with pytest.raises(BadInput):
        read(b"[]", batch=True)
    with pytest.raises(BadInput):
        read(b"{}", batch=True)


async def test_one_event_of_a_batch_is_not_larger_than_one_alone(intake: Intake) -> None:
    big = with_data(x="y" * cloudevents.MAX_EVENT)

    assert await reasons_of(intake, big) == {"": "TOO_LARGE"}
