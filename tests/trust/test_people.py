from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput, NotFound
from foundation.store import Store
from trust.people import People, parse_identity_number
from trust.secrets import SealBroken, Vault

ONE, OTHER = "1000000000016", "1000000000024"


def with_check_digit(twelve: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(twelve, range(13, 1, -1), strict=True))
    return twelve + str((11 - total % 11) % 10)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_an_identity_number_is_read_however_it_is_written(twelve: str) -> None:
    pid = with_check_digit(twelve)
    thai = pid.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))

    assert parse_identity_number(f"{pid[0]}-{pid[1:5]}-{pid[5:10]}-{pid[10:12]}-{pid[12]}") == pid
    assert parse_identity_number(f" {thai} ") == pid


@given(st.text(max_size=60))
def test_anything_else_is_refused_without_being_repeated(text: str) -> None:
    try:
        pid = parse_identity_number(text)
    except BadInput as exc:
        assert len(text) < 4 or text not in str(exc)
    else:
        assert with_check_digit(pid[:12]) == pid


async def test_one_number_is_one_person_even_when_two_ask_at_once(people: People) -> None:
    found = await asyncio.gather(*(people.ensure(ONE) for _ in range(8)))

    assert len({person.id for person in found}) == 1
    assert await people.identity_number(found[0].id) == ONE


async def test_the_database_holds_no_identity_number_in_clear(people: People, store: Store) -> None:
    await people.ensure(ONE)

    document = await store.collection("people").find_one({})

    assert document is not None
    assert ONE not in repr(document)
    assert ONE.encode() not in document["pid"]


async def test_what_is_sealed_for_one_person_opens_for_nobody_else(people: People) -> None:
    one, other = await people.ensure(ONE), await people.ensure(OTHER)
    sealed = await people.seal(one.id, b"+66812345678", context="preferences.mobile")

    assert await people.open(one.id, sealed, context="preferences.mobile") == b"+66812345678"
    with pytest.raises(SealBroken):
        await people.open(other.id, sealed, context="preferences.mobile")
    with pytest.raises(SealBroken):
        await people.open(one.id, sealed, context="preferences.email")


async def test_an_erased_person_cannot_be_opened_again(people: People, store: Store, vault: Vault) -> None:
    person = await people.ensure(ONE)
    sealed = await people.seal(person.id, b"secret", context="x")

    await people.erase(person.id)

    with pytest.raises(NotFound):
        await people.identity_number(person.id)
    with pytest.raises(NotFound):
        await people.open(person.id, sealed, context="x")
    assert (await people.ensure(ONE)).id != person.id


async def test_a_stranger_has_no_account_until_they_sign_in(people: People) -> None:
    person = await people.ensure(ONE)
    assert not person.has_account

    await people.signed_in(person.id)

    again = await people.get(person.id)
    assert again is not None
    assert again.has_account
