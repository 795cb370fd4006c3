"""The short way through plain data: the same answers as graphql-core's own, and really a shorter way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, parse
from graphql.execution import Executor

from resolvers.executor import PlainExecutor, Plans
from resolvers.values import Money


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Leaf(Named):
    on: date
    colour: Colour | None
    size: int
    is_green: bool


@strawberry.type
class Tree:
    name: str
    leaves: list[Leaf]
    best: Leaf | None
    numbers: list[list[int | None]] | None
    worth: Money
    nearest: Named | None = None

    @strawberry.field
    async def height(self, doubled: bool = False) -> int:
        await asyncio.sleep(0)
        return 16 if doubled else 8


@dataclass
class _Stranger:
    name: str


def a_leaf(**other: Any) -> Leaf:
    return Leaf(**{"name": "โพ", "on": date(2026, 11, 21), "colour": Colour.RED, "size": 3, "is_green": True, **other})


def a_tree(**other: Any) -> Tree:
    return Tree(
        **{
            "name": "ไทร", "leaves": [a_leaf(), a_leaf(colour=None)], "best": None, "numbers": [[1, None], []],
            "worth": Money(amount=Decimal("750.00")), "nearest": a_leaf(), **other,
        }
    )  # fmt: skip


@strawberry.type
class Query:
    @strawberry.field
    async def tree(self, info: strawberry.Info) -> Tree | None:
        await asyncio.sleep(0)
        tree: Tree = info.context
        return tree


SCHEMA = strawberry.Schema(query=Query)._schema
PLAIN = "{ tree { name leaves { name on colour size isGreen } best { name } numbers worth { amount currency } } }"


async def executed(
    by: type[Executor[Any]], query: str, tree: Any, variables: Any = None, **own: Any
) -> ExecutionResult:
    executor = by.build(SCHEMA, parse(query), context_value=tree, raw_variable_values=variables, **own)
    assert not isinstance(executor, list)
    return await executor.execute_operation()  # type: ignore[misc, return-value]


@pytest.mark.parametrize(
    "query",
    [
        PLAIN,
        "{ tree { a: name b: name ...More ... on Tree { leaves { size } } } } fragment More on Tree { leaves { name } }",
        "{ tree { __typename leaves { __typename name } } }",
        "{ tree { name height leaves { name } } }",
        "{ tree { nearest { name ... on Leaf { size } } } }",
        "query ($much: Boolean!) { tree { name @include(if: $much) height(doubled: $much) } }",
    ],
)
@pytest.mark.parametrize(
    "tree",
    [
        a_tree(), a_tree(best=a_leaf(), leaves=[]), a_tree(numbers=None), a_tree(name=None), a_tree(name=object()),
        a_tree(leaves=[a_leaf(), a_leaf(size="many")]), a_tree(leaves=[None]), a_tree(leaves=[_Stranger("x")]),
        a_tree(leaves=(a_leaf(),)), a_tree(best=a_leaf(colour="none of these")), a_tree(best=a_leaf(on=None)),
        a_tree(name=ValueError("no name")), None,
    ],
)  # fmt: skip
async def test_what_comes_out_is_what_graphql_core_writes(query: str, tree: Any) -> None:
    variables = {"much": True} if "$much" in query else {}
    plans: Plans | None = None if "@" in query else {}

    expected = await executed(Executor, query, tree, variables)
    for _ in range(2):
        told = await executed(PlainExecutor, query, tree, variables, plans=plans)

        assert told.data == expected.data
        assert [one.formatted for one in told.errors or ()] == [one.formatted for one in expected.errors or ()]


async def test_plain_data_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved: list[str] = []
    resolve = Executor.execute_field

    def noting(self: Any, parent: Any, *rest: Any) -> Any:
        resolved.append(parent.name)
        return resolve(self, parent, *rest)

    monkeypatch.setattr(Executor, "execute_field", noting)

    await executed(PlainExecutor, PLAIN, a_tree(), plans={})

    assert resolved == ["Query"]


async def test_a_document_keeps_its_plans() -> None:
    document, plans = parse(PLAIN), {}

    for _ in range(2):
        executor = PlainExecutor.build(SCHEMA, document, context_value=a_tree(), plans=plans)
        await executor.execute_operation()  # type: ignore[union-attr, misc]

    assert {of for of, _ in plans} == {"Tree", "Leaf", "Money"}
    assert len(plans) == 4
