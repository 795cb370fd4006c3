"""The Thai QR of a bill: the text that any Thai bank's app reads and pays (EMVCo merchant-presented, tag 30).

Each field is two digits of a tag, two of a length, and the text. The last field is a CRC-16/CCITT over everything before
it, its own tag and length included. (Bank of Thailand notice 25620084; the cross-bank bill payment's application id.)
"""

from __future__ import annotations

import re
from decimal import Decimal

_BILL_PAYMENT = "A000000677010112"
_BILLER = re.compile(r"[0-9]{15}")  # thirteen digits of a tax number and a suffix of two
_REFERENCE = re.compile(r"[0-9A-Z]{1,20}")
_BAHT = "764"
_LARGEST = Decimal("9999999999.99")


def bill_payment(
    *, biller_id: str, reference1: str, reference2: str = "", amount: Decimal | None = None, terminal: str = ""
) -> str:
    """The text of the QR. Without an amount the payer types it. ValueError where a part can't be written."""
    if not _BILLER.fullmatch(biller_id):
        raise ValueError("a biller id has fifteen digits")
    if not all(_REFERENCE.fullmatch(one) for one in (reference1, *([reference2] if reference2 else []))):
        raise ValueError("a reference has 1 to 20 digits and capital letters")
    if amount is not None and not _is_payable(amount):
        raise ValueError("an amount is more than nothing, in whole satang")
    account = (
        _field("00", _BILL_PAYMENT) + _field("01", biller_id) + _field("02", reference1) + _field("03", reference2)
    )
    return signed(
        _field("00", "01")
        + _field("01", "11" if amount is None else "12")
        + _field("30", account)
        + _field("53", _BAHT)
        + _field("54", "" if amount is None else f"{amount:.2f}")
        + _field("58", "TH")
        + _field("62", _field("07", terminal))
    )


def signed(text: str) -> str:
    """A QR's text with its last field, the check sum."""
    text += "6304"
    return text + f"{_crc16(text.encode('ascii')):04X}"


def _is_payable(amount: Decimal) -> bool:
    return amount.is_finite() and 0 < amount <= _LARGEST and amount == round(amount, 2)


def _field(tag: str, value: str) -> str:
    """Nothing where there is no value."""
    if len(value) > 99:
        raise ValueError(f"field {tag} is longer than 99 signs")
    return f"{tag}{len(value):02}{value}" if value else ""


def _crc16(content: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, from 0xFFFF, nothing reflected."""
    crc = 0xFFFF
    for byte in content:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc
