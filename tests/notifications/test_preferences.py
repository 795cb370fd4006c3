from __future__ import annotations

import contextlib
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import BANGKOK
from foundation.errors import BadInput
from foundation.store import Store
from notifications.preferences import QuietHours, Settings, parse_mobile
from tests.notifications.conftest import Road
from trust.people import PersonId


async def test_who_never_said_anything_has_the_defaults(road: Road, somchai: PersonId) -> None:
    assert await road.preferences.get(somchai) == Settings()
    assert Settings().language == "th"
    assert Settings().quiet_hours is None


async def test_what_is_changed_stays_and_the_rest_stays_as_it_was(road: Road, somchai: PersonId) -> None:
    await road.preferences.update(
        somchai, {"language": "en", "mobile": "081-234-5678", "muted_topics": ["tax", "rights", "tax"]}
    )
    after = await road.preferences.update(somchai, {"push": False, "quiet_hours": ("21:00", "๐๗:๓๐")})

    assert after == await road.preferences.get(somchai)
    assert after == Settings(
        language="en", push=False, mobile="+66812345678", muted_topics=("rights", "tax"),
        quiet_hours=QuietHours(start=time(21), end=time(7, 30)),
    )  # fmt: skip


async def test_a_number_and_quiet_hours_can_be_taken_back(road: Road, somchai: PersonId) -> None:
    await road.preferences.update(somchai, {"mobile": "0812345678", "quiet_hours": ("21:00", "07:00")})

    after = await road.preferences.update(somchai, {"mobile": None, "quiet_hours": None})

    assert after == Settings()


async def test_the_database_holds_no_number_in_clear(road: Road, somchai: PersonId, store: Store) -> None:
    await road.preferences.update(somchai, {"mobile": "0812345678"})

    assert "812345678" not in repr(await store.collection("preferences").find_one({}))


@pytest.mark.parametrize(
    "written",
    ["0812345678", "081-234-5678", "081 234 5678", "+66812345678", "+66 81 234 5678", "๐๘๑-๒๓๔-๕๖๗๘", " (081) 234.5678 ",
     "+66081 234 5678"],
)  # fmt: skip
def test_a_mobile_number_is_read_however_it_is_written(written: str) -> None:
    assert parse_mobile(written) == "+66812345678"


def test_a_number_abroad_is_as_good() -> None:
    assert parse_mobile("+44 7400 123456") == "+447400123456"


@pytest.mark.parametrize(
    "written",
    ["", "1111", "191", "1330", "1669", "021234567", "+6621234567", "1800123456", "1900123456", "08123456", "081234567890",
     "081\x00 2345678", "081234567\u202e8", "081\t2345678\n", "0812345678 ext 5", "call 0812345678", "+66812345678;ext=1",
     "tel:0812345678", "²0812345678", "٠٨١٢٣٤٥٦٧٨", "0" * 10_000, "+", "-", "()"],
)  # fmt: skip
def test_what_is_no_mobile_number_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_mobile(written)

    assert refused.value.message == "that is not the number of a mobile phone"
    assert refused.value.th == "หมายเลขโทรศัพท์มือถือไม่ถูกต้อง"


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    with contextlib.suppress(BadInput):
        assert parse_mobile(text).startswith("+")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"language": "fr"}, "language"),
        ({"language": ""}, "language"),
        ({"push": "yes"}, "channels"),
        ({"sms": None}, "channels"),
        ({"mobile": "1111"}, "mobile"),
        ({"quiet_hours": ("21:00", "21:00")}, "quietHours"),
        ({"quiet_hours": ("24:00", "07:00")}, "quietHours"),
        ({"quiet_hours": ("9:00", "07:00")}, "quietHours"),
        ({"quiet_hours": ("21:00",)}, "quietHours"),
        ({"quiet_hours": ("21:00\n", "07:00")}, "quietHours"),
        ({"muted_topics": ["Rights"]}, "mutedTopics"),
        ({"muted_topics": ["$ne"]}, "mutedTopics"),
        ({"muted_topics": [""]}, "mutedTopics"),
        ({"muted_topics": [f"t{n}" for n in range(51)]}, "mutedTopics"),
    ],
)
async def test_each_wrong_wish_is_named_and_nothing_is_changed(
    road: Road, somchai: PersonId, wrong: Any, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await road.preferences.update(somchai, {"language": "en"} | wrong)

    assert refused.value.facts["field"] == field
    assert refused.value.th != refused.value.message
    assert await road.preferences.get(somchai) == Settings()


@given(
    start=st.times(timezones=st.none()),
    end=st.times(timezones=st.none()),
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
)
def test_quiet_hours_end_within_a_day_and_outside_of_themselves(start: time, end: time, moment: datetime) -> None:
    start, end = start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    if start == end:
        return
    quiet, now = QuietHours(start=start, end=end), moment.replace(tzinfo=UTC)

    until = quiet.until(now)

    if until is None:
        return
    assert now < until <= now + timedelta(days=1)
    assert until.astimezone(BANGKOK).time() == end
    assert quiet.until(until) is None


@pytest.mark.parametrize(
    ("here", "is_quiet"), [("20:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("06:59", True), ("07:00", False)]
)  # fmt: skip
def test_quiet_hours_span_midnight_in_bangkok(here: str, is_quiet: bool) -> None:
    quiet = QuietHours(start=time(21), end=time(7))
    now = datetime.combine(datetime(2026, 11, 21, tzinfo=BANGKOK).date(), time.fromisoformat(here), BANGKOK)

    assert (quiet.until(now.astimezone(UTC)) is not None) == is_quiet
