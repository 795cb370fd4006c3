from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_what_has_no_key_twice_is_read_as_it_is(value: Any, ascii_only: bool) -> None:
    try:
        text = json.dumps(value, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return  # half of a surrogate pair is no text

    assert strict_json.loads(text) == value


@given(st.text(st.characters(exclude_categories=["Cs"])), VALUES, VALUES)
def test_a_key_that_stands_twice_is_found_wherever_it_stands(key: str, one: Any, other: Any) -> None:
    pair = f"{json.dumps(key)}:{json.dumps(one)},{json.dumps(key)}:{json.dumps(other)}"

    for text in (f"{{{pair}}}", f'[1,{{"a::":{{{pair}}}}}]'):
        with pytest.raises(ValueError, match=r".*"):
            strict_json.loads(text.encode())


def test_a_key_written_in_two_ways_is_the_same_key() -> None:
    with pytest.raises(strict_json.KeyTwice):
        strict_json.loads(b'{"a":1,"\\u0061":2}')
    with pytest.raises(strict_json.KeyTwice):
        strict_json.loads(b'{"a":1,"a":"\\u003a"}')


@given(st.binary(max_size=60))
def test_anything_else_is_a_value_error(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        strict_json.loads(text)
