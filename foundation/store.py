"""The connection to MongoDB: one place for concerns, indexes and transactions.

Every write is acknowledged by a majority and journaled before we say it is done, and every read sees only such writes:
measured, the weaker settings gain 15 % and can lose what we acknowledged. Who owns a collection declares its indexes
with `Index` and is the only one to read or write it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import AsyncMongoClient, IndexModel, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from foundation.errors import CannotStart

Document = dict[str, Any]
Collection = AsyncCollection[Document]
Session = AsyncClientSession

DURABLE = WriteConcern(w="majority", j=True, wtimeout=10_000)
MAJORITY = ReadConcern("majority")
QUICK = WriteConcern(w=1, j=False)
DUPLICATE_KEY = 11000

__all__ = [
    "DUPLICATE_KEY",
    "BulkWriteError",
    "Change",
    "Collection",
    "Document",
    "DuplicateKeyError",
    "Index",
    "PyMongoError",
    "Session",
    "Store",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that its owner needs. `partial` is a filter, `expire_after_s` removes documents that long after a date."""

    collection: str
    keys: tuple[tuple[str, int], ...]
    name: str
    unique: bool = False
    partial: Mapping[str, Any] | None = None
    expire_after_s: int | None = None

    def model(self) -> IndexModel:
        options: dict[str, Any] = {"name": self.name, "unique": self.unique}
        if self.partial is not None:
            options["partialFilterExpression"] = dict(self.partial)
        if self.expire_after_s is not None:
            options["expireAfterSeconds"] = self.expire_after_s
        return IndexModel(list(self.keys), **options)


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to this document."""

    collection: str
    id: Any


class Store:
    """The database. Build one per process; `open` before use, `close` at the end."""

    def __init__(self, uri: str, *, database: str, deadline_s: float = 10.0) -> None:
        try:
            self._client: AsyncMongoClient[Document] = AsyncMongoClient(
                uri,
                tz_aware=True,
                appname="tangrat",
                retryWrites=True,
                retryReads=True,
                serverSelectionTimeoutMS=int(deadline_s * 1000),
                connectTimeoutMS=5_000,
                socketTimeoutMS=int(deadline_s * 1000),
                maxPoolSize=64,
            )
        except (ConfigurationError, InvalidURI) as exc:
            raise CannotStart(
                "TANGRAT_MONGODB_URI is not an address of MongoDB: it looks like mongodb://host:27017/"
            ) from exc
        self._database: AsyncDatabase[Document] = self._client.get_database(
            database, write_concern=DURABLE, read_concern=MAJORITY
        )

    async def open(self, indexes: Iterable[Index]) -> None:
        """Connect and make the owners' indexes; CannotStart says what is wrong where that fails."""
        try:
            await self.ping()
            by_collection: dict[str, list[IndexModel]] = {}
            for index in indexes:
                by_collection.setdefault(index.collection, []).append(index.model())
            for name, models in by_collection.items():
                await self._database[name].create_indexes(models)
        except ServerSelectionTimeoutError as exc:
            raise CannotStart(
                "MongoDB does not answer at the address in TANGRAT_MONGODB_URI; start it, or correct the address"
            ) from exc
        except OperationFailure as exc:
            raise CannotStart(
                f"MongoDB refuses us ({exc.details and exc.details.get('codeName')}): {exc!s:.200}"
            ) from exc

    async def ping(self) -> None:
        await self._client.admin.command("ping")

    def collection(self, name: str, *, durable: bool = True) -> Collection:
        """`durable=False` is for what may be lost without harm (a cache): written and read where it is quickest."""
        if durable:
            return self._database[name]
        return self._database.get_collection(name, write_concern=QUICK, read_concern=ReadConcern("local"))

    async def replace_many(self, collection: Collection, documents: Sequence[Document]) -> None:
        """Put each where its `_id` is, whatever was there; in one write."""
        if documents:
            await collection.bulk_write(
                [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents], ordered=False
            )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """All or nothing, majority-committed; for the few writes that span documents. Not for the hot path: it costs 2.7×."""
        async with (
            self._client.start_session() as session,
            await session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=DURABLE),
        ):
            yield session

    @asynccontextmanager
    async def changes(
        self, collections: Iterable[str], *, kinds: Sequence[str] = (), confirm_s: float = 1.0
    ) -> AsyncIterator[Callable[[], Awaitable[Change | None]]]:
        """Every change from now on that a majority has, one each time it is awaited; None where for `confirm_s` there has
        been none. `kinds` are MongoDB's names of operations, all of them where none is named. Raises PyMongoError where the
        stream breaks: what happens until it is opened anew is missed.
        """
        wanted: Document = {"ns.coll": {"$in": list(collections)}, "documentKey": {"$exists": True}}
        if kinds:
            wanted["operationType"] = {"$in": list(kinds)}
        pipeline = [{"$match": wanted}, {"$project": {"ns.coll": 1, "documentKey": 1}}]
        async with await self._database.watch(pipeline, max_await_time_ms=int(confirm_s * 1000)) as stream:

            async def following() -> Change | None:
                told = await stream.try_next()
                return None if told is None else Change(told["ns"]["coll"], told["documentKey"]["_id"])

            yield following

    async def empty(self) -> None:
        """Remove every document and keep the indexes; for tests, where making these anew costs thirty times as much. A
        collection that was given rules of its own goes altogether."""
        async for one in await self._database.list_collections():
            collection = self._database[one["name"]]
            await (collection.drop() if one.get("options") else collection.delete_many({}))

    async def drop(self) -> None:
        """Remove the whole database; for tests and `--fresh` development only."""
        await self._client.drop_database(self._database.name)

    async def close(self) -> None:
        await self._client.close()
