"""The tolerant, strict readers: what they take, what they refuse, and that no refusal repeats a value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.dialect import both, opened, served
from agencies.reading import Reading, read_money
from agencies.trouble import AgencyDown, AgencyRefused, AnswerMalformed
from foundation.dates import PartialDate
from foundation.http import Reply
from foundation.language import Text

AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=2)


@given(AMOUNTS)
def test_money_with_commas_is_exact(amount):
    assert read_money(f"{amount:,.2f}") == amount
    assert read_money(f"{amount:.2f}") == amount


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1,234.50", "1234.50"), ("0.00", "0"), (" 271.00 ", "271"), ("๑,๒๓๔.๕๐", "1234.50"), (271, "271"),
        (271.5, "271.5"), ("-12.00", "-12"),
    ],
)  # fmt: skip
def test_money_as_agencies_write_it(written, meant):
    assert read_money(written) == Decimal(meant)


@pytest.mark.parametrize(
    "written", ["", "1,23.50", "12,34", "1e5", "NaN", "Infinity", "12.", ".5", "1 234", "12.34.56", "-", None, True, [], "๑๒x"]
)  # fmt: skip
def test_what_is_no_amount_is_refused(written):
    with pytest.raises(ValueError, match="not an amount"):
        read_money(written)


@given(st.text(max_size=20) | st.floats() | st.integers() | st.booleans() | st.none())
def test_anything_is_an_amount_or_a_value_error(value):
    try:
        assert read_money(value).is_finite()
    except ValueError:
        return


def test_names_are_found_in_any_case_and_under_a_known_misspelling():
    answer = Reading({"Result": "a", " PaidStatus": 0, "totalGovermentPaid": "1.00"})

    assert answer.text("result") == "a"
    assert answer.number("paidStatus") == 0
    assert answer.money("totalGovernmentPaid", "totalGovermentPaid") == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=15),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(JSON)
def test_no_value_breaks_a_reader_otherwise_than_by_being_malformed(value):
    readers = (
        "text", "maybe_text", "number", "maybe_number", "money", "maybe_money", "birth", "day", "maybe_day",
        "slashed_day", "maybe_slashed_day", "part", "maybe_part", "parts",
    )  # fmt: skip
    for name in readers:
        try:
            getattr(Reading({"field": value}), name)("field")
        except AnswerMalformed as exc:
            assert str(exc).startswith(("field is ", "not a JSON object"))
    try:
        Reading({"field": value}).maybe_digits("field", length=13)
    except AnswerMalformed as exc:
        assert str(exc) == "field is not 13 digits"


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("text", ""), ("text", None), ("text", ["secret"]), ("text", "secret" * 1000), ("number", "secret"),
        ("number", True), ("number", 1.5), ("number", "²"), ("birth", "secret"), ("day", 25360700), ("day", 0),
        ("slashed_day", "secret"), ("slashed_day", "2564/07/08"), ("part", {}), ("part", "secret"), ("parts", {}),
        ("parts", ["secret"]), ("money", "secret"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_field_and_never_repeated(reader, value):
    with pytest.raises(AnswerMalformed) as caught:
        getattr(Reading({"amount": value}), reader)("amount")

    assert "secret" not in str(caught.value)


def test_nothing_is_none_where_a_field_may_be_empty():
    empty = Reading({"none": None, "text": "", "zero": 0, "zeros": "00000000", "object": {}, "list": None})

    assert empty.maybe_text("none") is empty.maybe_text("text") is empty.maybe_text("missing") is None
    assert empty.maybe_day("zero") is empty.maybe_day("zeros") is empty.maybe_digits("zero", length=13) is None
    assert empty.maybe_part("object") is empty.maybe_part("none") is empty.maybe_slashed_day("text") is None
    assert empty.parts("list") == []
    with pytest.raises(AnswerMalformed, match="not a list"):
        empty.parts("missing")


def test_a_number_that_lost_its_leading_zeros_gets_them_back():
    assert Reading({"pid": 12345678901}).digits("pid", length=13) == "0012345678901"
    assert Reading({"pid": "0012345678901"}).digits("pid", length=13) == "0012345678901"


def test_dates_of_the_buddhist_era():
    answer = Reading({"a": 25360719, "b": "25360700", "c": "08/07/2564"})

    assert answer.birth("a") == PartialDate(date(1993, 7, 19))
    assert answer.birth("b") == PartialDate(date(1993, 7, 1), "MONTH")
    assert answer.day("a") == date(1993, 7, 19)
    assert answer.slashed_day("c") == date(2021, 7, 8)


def test_signs_that_would_turn_a_text_around_are_taken_out():
    assert Reading({"name": "สม\u202eชาย\x00"}).text("name") == "สมชาย"
    assert Reading({"name": "กำ\u200bไร"}).text("name") == "กำ\u200bไร"


def test_a_text_without_english_is_said_in_thai():
    assert both("ไทย") == Text(th="ไทย", en="ไทย")
    assert both("ไทย", "Thai") == Text(th="ไทย", en="Thai")


def reply(status=200, body=b"{}", **headers):
    return Reply(status=status, headers=headers, body=body)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[]", b'"x"', b"null", b"\xff", b'{"a":NaN}'])
def test_a_body_that_is_no_object_is_malformed(body):
    with pytest.raises(AnswerMalformed):
        opened(reply(body=body))


def test_a_status_is_what_it_means():
    assert served(reply()).status == 200
    for status in (401, 403):
        with pytest.raises(AgencyRefused):
            served(reply(status))
    with pytest.raises(AgencyDown) as busy:
        served(reply(429, **{"retry-after": "7"}))
    assert (busy.value.code, busy.value.retry_after_s) == ("AGENCY_BUSY", 7)
    for status in (302, 400, 404, 500, 503):
        with pytest.raises(AgencyDown) as down:
            served(reply(status))
        assert (down.value.code, down.value.retry_after_s) == ("AGENCY_ERROR", 30)
