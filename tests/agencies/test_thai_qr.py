"""The text of a Thai QR: published check sums, and what a bank's app must find in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agencies.thai_qr import bill_payment, signed


@pytest.mark.parametrize(
    ("text", "check_sum"),
    [
        ("00020101021129370016A0000006770101110113006681234567853037645802TH", "823E"),
        ("00020101021130530016A00000067701011201130000000000001020412340304234553037645802TH", "E5DA"),
    ],
)
def test_the_check_sum_is_the_published_one(text: str, check_sum: str) -> None:
    assert signed(text) == f"{text}6304{check_sum}"


def _fields(text: str) -> dict[str, str]:
    found = {}
    while text:
        tag, length = text[:2], int(text[2:4])
        found[tag], text = text[4 : 4 + length], text[4 + length :]
    return found


def test_a_bill_says_whom_what_for_and_how_much() -> None:
    text = bill_payment(
        biller_id="099400016550100", reference1="123456789012345678", reference2="87654321", amount=Decimal(1650)
    )

    told = _fields(text)
    assert _fields(told["30"]) == {
        "00": "A000000677010112", "01": "099400016550100", "02": "123456789012345678", "03": "87654321",
    }  # fmt: skip
    assert (told["01"], told["53"], told["54"], told["58"]) == ("12", "764", "1650.00", "TH")
    assert signed(text[:-8]) == text


def test_without_an_amount_the_payer_types_it() -> None:
    told = _fields(bill_payment(biller_id="099400016550100", reference1="A1"))

    assert told["01"] == "11"
    assert "54" not in told
    assert "03" not in _fields(told["30"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"biller_id": "12345"}, {"reference1": ""}, {"reference1": "ก"}, {"reference1": "a1"}, {"reference1": "9" * 21},
        {"reference2": "A-1"}, {"amount": Decimal(0)}, {"amount": Decimal("0.001")}, {"amount": Decimal("NaN")},
        {"amount": Decimal(-1)}, {"terminal": "T" * 96},
    ],
)  # fmt: skip
def test_what_can_not_be_written_is_refused(wrong: dict[str, object]) -> None:
    given = {"biller_id": "099400016550100", "reference1": "1", "amount": Decimal(1)} | wrong

    with pytest.raises(ValueError):
        bill_payment(**given)  # type: ignore[arg-type]  # wrong on purpose
