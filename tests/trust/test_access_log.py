"""Who looked at whose data: written durably, read newest first, one person's records never another's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from foundation.clock import FrozenClock
from foundation.errors import BadInput, Unavailable
from foundation.ids import new_id
from foundation.pages import write_cursor
from foundation.store import Store
from trust import access_log as access_log_module
from trust.access_log import AccessLog, Look
from trust.people import PersonId

SOMEBODY, SOMEBODY_ELSE = PersonId(new_id()), PersonId(new_id())
LOOK = Look(
    subject=SOMEBODY, actor=SOMEBODY, agency="dopa", operation="PERSON", purpose="own record",
    ground="DATA_SUBJECT_REQUEST",
)  # fmt: skip


@pytest.fixture
async def log(store: Store, frozen: FrozenClock) -> AccessLog:
    await store.open(access_log_module.INDEXES)
    return AccessLog(store, clock=frozen)


async def test_a_look_is_kept_with_who_what_when_why_and_on_which_ground(log, frozen):
    record_id = await log.record(
        subject=SOMEBODY, actor="officer 7", agency="sso", operation="INSURED", purpose="help at the counter",
        ground="PUBLIC_TASK", on_behalf_of=SOMEBODY,
    )  # fmt: skip

    (record,) = (await log.page(SOMEBODY)).items

    assert record.id == record_id
    assert record.id.startswith(SOMEBODY[:2])
    assert record.at == frozen.now()
    assert (record.actor, record.agency, record.operation) == ("officer 7", "sso", "INSURED")
    assert (record.purpose, record.legal_ground, record.on_behalf_of) == (
        "help at the counter", "PUBLIC_TASK", SOMEBODY,
    )  # fmt: skip


async def test_several_looks_of_one_request_are_kept_in_the_order_they_were_asked(log):
    ids = await log.record_many([replace(LOOK, operation=name) for name in ("PERSON", "HOUSE", "FAMILY")])

    page = await log.page(SOMEBODY)

    assert [record.operation for record in page.items] == ["FAMILY", "HOUSE", "PERSON"]
    assert [record.id for record in page.items] == ids[::-1]
    assert await log.record_many([]) == []


async def test_pages_lead_from_the_newest_to_the_oldest_without_gap_or_repeat(log, frozen):
    for number in range(7):
        await log.record_many([replace(LOOK, operation=f"{number}")])
        frozen.advance(timedelta(seconds=number % 2))

    first = await log.page(SOMEBODY, first=3)
    await log.record_many([replace(LOOK, operation="meanwhile")])
    second = await log.page(SOMEBODY, first=3, after=first.end_cursor)
    third = await log.page(SOMEBODY, first=3, after=second.end_cursor)

    told = [[record.operation for record in page.items] for page in (first, second, third)]
    assert told == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    assert [page.has_next for page in (first, second, third)] == [True, True, False]
    assert (await log.page(SOMEBODY, first=3, after=first.cursors[0])).items[0].operation == "5"


async def test_a_person_sees_nobody_elses_records(log):
    await log.record_many([LOOK, replace(LOOK, subject=SOMEBODY_ELSE)])
    cursor = (await log.page(SOMEBODY_ELSE)).end_cursor

    assert [record.actor for record in (await log.page(SOMEBODY)).items] == [SOMEBODY]
    assert (await log.page(SOMEBODY_ELSE)).items != (await log.page(SOMEBODY)).items
    assert {record.id for record in (await log.page(SOMEBODY, after=cursor)).items} <= {
        record.id for record in (await log.page(SOMEBODY)).items
    }
    assert (await log.page(PersonId(new_id()))).items == ()


@pytest.mark.parametrize(
    "after", ["", "nonsense", write_cursor("inbox", "0" * 32), write_cursor("access records", "$ne")]
)
async def test_a_mangled_cursor_is_refused(log, after):
    with pytest.raises(BadInput, match="cursor"):
        await log.page(SOMEBODY, after=after)


@pytest.mark.parametrize("first", [0, 101])
async def test_a_page_of_no_or_too_many_records_is_refused(log, first):
    with pytest.raises(BadInput, match="1 to 100"):
        await log.page(SOMEBODY, first=first)


async def test_what_can_not_be_written_is_unavailable_to_all_who_waited(log, store):
    await store.collection("access_records").database.command("collMod", "access_records", validator={"no": "more"})

    told = await asyncio.gather(log.record_many([LOOK]), log.record_many([LOOK]), return_exceptions=True)

    assert [type(one) for one in told] == [Unavailable, Unavailable]
    assert "nothing was looked at" in str(told[0])


async def test_looks_that_come_together_share_a_write_and_each_has_its_own_ids(log):
    ids = await asyncio.gather(*(log.record_many([replace(LOOK, operation=f"{n}")] * 2) for n in range(50)))

    records = (await log.page(SOMEBODY, first=100)).items
    assert len({one for pair in ids for one in pair}) == len(records) == 100
    assert {record.id: record.operation for record in records} == {
        one: f"{n}" for n, pair in enumerate(ids) for one in pair
    }


async def test_who_hangs_up_stops_no_others_record(log):
    gone, stays = (asyncio.create_task(log.record_many([LOOK])) for _ in range(2))
    await asyncio.sleep(0)

    gone.cancel()

    assert len(await stays) == 1
    assert len((await log.page(SOMEBODY)).items) == 2


async def test_the_index_serves_the_page(log, store):
    await log.record_many([LOOK])

    plan = await store.collection("access_records").find({"subject": SOMEBODY}).sort("_id", -1).limit(21).explain()

    assert "newest_of_person" in str(plan["queryPlanner"]["winningPlan"])
    assert "'stage': 'SORT'" not in str(plan["queryPlanner"]["winningPlan"])
