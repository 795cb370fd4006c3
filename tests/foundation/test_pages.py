"""Pages and their cursors: opaque, bound to their list, refused when mangled."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from foundation.pages import page, page_size, read_cursor, write_cursor


@given(st.lists(st.text(max_size=40), max_size=3))
def test_a_cursor_brings_back_what_it_was_given(parts):
    assert read_cursor("inbox", write_cursor("inbox", *parts), parts=len(parts)) == tuple(parts)


@pytest.mark.parametrize(
    "mangled",
    [
        "", "x", "a b", "๑๒๓", "A" * 401, write_cursor("inbox", "1")[:-3], write_cursor("other", "1"),
        write_cursor("inbox"), write_cursor("inbox", "1", "2"),
        base64.urlsafe_b64encode(b'{"inbox":1}').decode(), base64.urlsafe_b64encode(b'["inbox",1]').decode(),
        base64.urlsafe_b64encode(b"[" * 200).decode(),
    ],
)  # fmt: skip
def test_a_cursor_that_is_not_ours_is_refused(mangled):
    with pytest.raises(BadInput, match="cursor"):
        read_cursor("inbox", mangled, parts=1)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    try:
        read_cursor("inbox", text, parts=1)
    except BadInput:
        return


@pytest.mark.parametrize("first", [0, -1, 101, 2_147_483_647, True])
def test_a_page_that_is_no_page_is_refused(first):
    with pytest.raises(BadInput, match="1 to 100"):
        page_size(first)


def test_a_page_knows_whether_there_is_more_and_where_it_ended():
    whole = page([1, 2, 3], first=3, cursor=str)
    more = page([1, 2, 3], first=2, cursor=str)
    empty = page([], first=2, cursor=str)

    assert (page_size(None), page_size(1), page_size(100)) == (20, 1, 100)
    assert (whole.items, whole.has_next, whole.end_cursor) == ((1, 2, 3), False, "3")
    assert (more.items, more.has_next, more.end_cursor) == ((1, 2), True, "2")
    assert (empty.items, empty.has_next, empty.end_cursor) == ((), False, None)
    assert more.of(lambda number: number * 10).items == (10, 20)
    assert more.of(lambda number: number * 10).cursors == ("1", "2")
