from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.language import Text, fill, negotiate, say_date, searchable


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "th"), ("", "th"), ("en", "en"), ("en-GB,en;q=0.9,th;q=0.1", "en"), ("th-TH, en;q=0.8", "th"),
        ("de, fr;q=0.9", "th"), ("en;q=0, th;q=0.1", "th"), ("en;q=banana", "en"), ("TH;q=0.2,EN;q=0.3", "en"),
    ],
)  # fmt: skip
def test_the_language_is_the_one_of_ours_that_the_reader_likes_best(header: str | None, language: str) -> None:
    assert negotiate(header) == language


@given(st.text())
def test_any_header_leads_to_a_language(header: str) -> None:
    assert negotiate(header) in ("th", "en")


def test_a_date_is_said_in_the_readers_calendar() -> None:
    assert say_date(date(2026, 11, 21), "th") == "21 พฤศจิกายน 2569"
    assert say_date(date(2026, 11, 21), "en") == "21 November 2026"


def test_a_text_is_filled_in_its_own_language() -> None:
    text = Text(th="ย้ายไป{hospital.name} ตั้งแต่ {date:from}", en="Moved to {hospital.name} from {date:from}")
    facts = {"hospital": {"name": {"th": "รพ.ตัวอย่าง", "en": "Example Hospital"}}, "from": "2026-12-01"}

    assert fill(text, facts, "th") == "ย้ายไปรพ.ตัวอย่าง ตั้งแต่ 1 ธันวาคม 2569"
    assert fill(text, facts, "en") == "Moved to Example Hospital from 1 December 2026"


def test_a_text_with_a_hole_is_never_sent() -> None:
    with pytest.raises(KeyError):
        fill(Text(th="{name}", en="{name}"), {}, "th")


@given(st.text(), st.text())
def test_a_fact_cannot_smuggle_in_a_place_of_its_own(name: str, other: str) -> None:
    said = fill(Text(th="{a}", en="{a}"), {"a": name + "{b}", "b": other}, "en")

    assert said == name + "{b}"


@pytest.mark.parametrize(
    ("one", "other"),
    [("น้ำ", "น้\u0e4d\u0e32"), ("แม่", "\u0e40\u0e40ม่"), ("ก\u200bข", "กข"), ("พ.ศ. ๒๕๖๙", "พ.ศ. 2569"), ("SSO", "sso")],
)
def test_spellings_that_look_alike_are_found_alike(one: str, other: str) -> None:
    assert searchable(one) == searchable(other)
