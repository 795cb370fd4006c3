from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from foundation.errors import BadInput, NotFound
from foundation.language import Text
from foundation.store import Store
from notifications.inbox import Entry, NewEntry, Reach
from tests.notifications.conftest import Road, notice
from trust.people import People, PersonId


async def told(road: Road, person: PersonId, occurrence: str = "2026", **said: object) -> Entry:
    entry = await road.inbox.get(person, await road.notifier.tell(notice(person, occurrence=occurrence, **said)))
    assert entry is not None
    return entry


async def test_what_was_told_is_read_back_whole(road: Road, somchai: PersonId, malee: PersonId) -> None:
    entry = await told(road, somchai, about=malee)

    assert entry.title == Text(th="คุณมีสิทธิรับเบี้ยยังชีพผู้สูงอายุ", en="You may receive the old-age allowance")
    assert entry.body.en == "600 baht a month"
    assert (entry.about, entry.service, entry.topic) == (malee, "old-age-allowance", "rights")
    assert entry.because == {"event": "th.calendar.birthday", "facts": {"age": 60}}
    assert entry.is_unread
    assert entry.at == road.clock.now()


async def test_the_database_holds_no_word_of_it_in_clear(road: Road, somchai: PersonId, store: Store) -> None:
    entry = await told(road, somchai)

    kept = repr(await store.collection("inbox").find_one({})) + repr(await store.collection("deliveries").find_one({}))

    for secret in ("เบี้ยยังชีพ", "allowance", "600 baht", "birthday", "ข้อความใหม่", entry.check_code):
        assert secret not in kept
        assert secret.encode().hex() not in kept


async def test_pages_lead_on_newest_first_without_repeats_or_holes(road: Road, somchai: PersonId) -> None:
    ids = []
    for n in range(25):
        ids.append((await told(road, somchai, str(n))).id)
        road.clock.advance(timedelta(seconds=n % 3))  # some at the same moment

    first = await road.inbox.page(somchai, first=10)
    await told(road, somchai, "meanwhile")
    second = await road.inbox.page(somchai, first=10, after=first.end_cursor)
    third = await road.inbox.page(somchai, first=10, after=second.end_cursor)

    seen = [*first.items, *second.items, *third.items]
    assert sorted(entry.id for entry in seen) == sorted(ids)
    assert [entry.at for entry in seen] == sorted((entry.at for entry in seen), reverse=True)
    assert (first.has_next, second.has_next, third.has_next) == (True, True, False)


@pytest.mark.parametrize("after", ["", "x", "🙂", "W10", "WyJpbmJveCIsIngiLCJ5Il0", "a" * 5000])
async def test_a_mangled_cursor_is_refused(road: Road, somchai: PersonId, after: str) -> None:
    with pytest.raises(BadInput):
        await road.inbox.page(somchai, after=after)


@pytest.mark.parametrize("first", [0, -1, 101, 2**31])
async def test_a_page_of_no_sensible_size_is_refused(road: Road, somchai: PersonId, first: int) -> None:
    with pytest.raises(BadInput):
        await road.inbox.page(somchai, first=first)


async def test_reading_is_noted_once_and_leaves_the_unread(road: Road, somchai: PersonId) -> None:
    entry, other = await told(road, somchai, "1"), await told(road, somchai, "2")
    assert await road.inbox.unread(somchai) == 2
    first_read = road.clock.now()

    once = await road.inbox.mark_read(somchai, entry.id)
    road.clock.advance(timedelta(hours=1))
    twice = await road.inbox.mark_read(somchai, entry.id)

    assert once is not None
    assert twice is not None
    assert once.read_at == twice.read_at == first_read
    assert await road.inbox.unread(somchai) == 1
    assert [one.id for one in (await road.inbox.page(somchai, unread_only=True)).items] == [other.id]


async def test_receipts_of_the_app_keep_the_first_time(road: Road, somchai: PersonId) -> None:
    entry = await told(road, somchai)
    delivered_at = road.clock.now()
    await road.inbox.mark_delivered(somchai, entry.id)
    road.clock.advance(timedelta(minutes=1))

    opened = await road.inbox.mark_opened(somchai, entry.id)

    assert opened is not None
    assert (opened.delivered_at, opened.opened_at) == (delivered_at, road.clock.now())
    assert not opened.is_unread


async def test_another_persons_entry_is_as_if_it_did_not_exist(road: Road, somchai: PersonId, malee: PersonId) -> None:
    entry = await told(road, somchai)

    for nobody, wanted in ((malee, entry.id), (somchai, "ab" * 16), (malee, "")):
        assert await road.inbox.get(nobody, wanted) is None
        assert await road.inbox.mark_read(nobody, wanted) is None
        assert await road.inbox.mark_opened(nobody, wanted) is None
        assert await road.inbox.mark_delivered(nobody, wanted) is None
    assert (await road.inbox.page(malee)).items == ()
    assert (await road.inbox.get(somchai, entry.id)) == entry


async def test_a_withdrawn_entry_says_so_and_is_no_longer_unread(road: Road, somchai: PersonId) -> None:
    entry = await told(road, somchai)

    assert await road.notifier.retract(entry.origin) == 1
    assert await road.notifier.retract(entry.origin) == 0

    again = await road.inbox.get(somchai, entry.id)
    assert again is not None
    assert again.retracted_at == road.clock.now()
    assert await road.inbox.unread(somchai) == 0


async def test_anyone_can_check_a_code_however_it_is_written(road: Road, somchai: PersonId) -> None:
    entry = await told(road, somchai)
    code = entry.check_code
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{8}", code)
    thai = code.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))

    for written in (code, code.lower(), f" {code[:4]}-{code[4:]} ", thai):
        check = await road.inbox.sent_check(written)
        assert check is not None
        assert check.sent_at == entry.at
        assert (check.topic, check.text.en) == ("rights", "You have a new message")


@pytest.mark.parametrize(
    "code", ["", "ABCD", "ABCDEFG0", "ÀÉÎÕÜABC", "\0\0\0\0\0\0\0\0", "A" * 10_000, "22222222", "$ne"]
)
async def test_a_made_up_code_finds_nothing(road: Road, somchai: PersonId, code: str) -> None:
    await told(road, somchai)

    assert await road.inbox.sent_check(code) is None


async def test_a_code_is_answered_for_ninety_days(road: Road, somchai: PersonId) -> None:
    entry = await told(road, somchai)

    road.clock.advance(timedelta(days=90))
    assert await road.inbox.sent_check(entry.check_code) is not None
    road.clock.advance(timedelta(seconds=1))
    assert await road.inbox.sent_check(entry.check_code) is None


async def test_an_erased_persons_code_and_inbox_do_not_open(road: Road, somchai: PersonId, people: People) -> None:
    entry = await told(road, somchai)
    await people.erase(somchai)

    assert await road.inbox.sent_check(entry.check_code) is None
    with pytest.raises(NotFound):
        await road.inbox.get(somchai, entry.id)
    with pytest.raises(NotFound):
        await road.notifier.tell(notice(somchai, occurrence="later"))


async def test_an_entry_is_added_once_and_remembers_whom_to_reach(road: Road, somchai: PersonId) -> None:
    phone, later = Reach(channel="push", target="phone"), Reach(channel="push", target="a later phone")
    entry = NewEntry(
        id="ab" * 16, person=somchai, at=road.clock.now(), origin="o", topic="rights", title=Text(th="ก", en="a"),
        body=Text(th="ข", en="b"), lock_screen=Text(th="ค", en="c"), about=None, service=None, because={},
        statutory=False,
    )  # fmt: skip

    assert await road.inbox.add(entry, reach=[phone]) == (phone,)
    assert await road.inbox.add(replace(entry, title=Text(th="ง", en="d")), reach=[later]) == (phone,)

    there = await road.inbox.get(somchai, entry.id)
    assert there is not None
    assert there.title.en == "a"
