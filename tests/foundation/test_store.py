from __future__ import annotations

import pytest

from foundation.errors import CannotStart
from foundation.store import Index, Store


async def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    store = Store("mongodb://127.0.0.1:1/?replicaSet=x", database="x", deadline_s=0.2)

    with pytest.raises(CannotStart, match="MongoDB does not answer at the address in TANGRAT_MONGODB_URI"):
        await store.open([])
    await store.close()


async def test_an_address_that_is_none_is_one_sentence() -> None:
    with pytest.raises(CannotStart, match="TANGRAT_MONGODB_URI is not an address of MongoDB"):
        Store("postgres://localhost", database="x")


async def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": "first"})

    with pytest.raises(RuntimeError, match="half way"):
        async with store.transaction() as session:
            await things.insert_one({"_id": "second"}, session=session)
            raise RuntimeError("half way")

    assert await things.count_documents({}) == 1


async def test_declared_indexes_are_made_and_making_them_again_is_harmless(store: Store) -> None:
    index = Index(collection="things", keys=(("a", 1),), name="by_a", unique=True, partial={"a": {"$exists": True}})
    await store.open([index])
    await store.open([index])

    made = await store.collection("things").index_information()
    assert made["by_a"]["unique"] is True


async def test_every_write_is_majority_and_journaled(store: Store) -> None:
    concern = store.collection("things").write_concern.document

    assert concern["w"] == "majority"
    assert concern["j"] is True
