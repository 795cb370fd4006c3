"""Execution, with a short way through what is plain data.

Most of an answer is dataclasses whose fields need no resolver, and graphql-core takes each of them through the general
machinery: a path, a resolve info, a question whether it waits. Here such a part is written by a plan that is made once
for a document and kept with it. The plan knows the good case only. At anything else, a null where none may be, a value
of another type, whatever raises, it gives up and graphql-core writes that part again in its own way, with the error and
its path: reading plain data twice is harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import Executor
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

Write = Callable[[Any], Any]
# By type and by the places in the document where its fields are selected.
Plans = dict[tuple[str, tuple[int, ...]], Write | None]


class PlainExecutor(Executor[Any]):
    """`plans` belong to the document, which must outlive them; None where a directive may change what is selected."""

    def __init__(self, *arguments: Any, plans: Plans | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._plans = plans

    # The names from here on are graphql-core's and not promised; tests/resolvers/test_executor.py guards them.
    def complete_object_value(
        self, return_type: GraphQLObjectType, field_details_list: Any, info: Any, path: Any, result: Any, context: Any
    ) -> Any:
        write = None if self._plans is None else self._plan(return_type, field_details_list, self._plans)
        if write is not None:
            try:
                return write(result)
            except Exception:  # noqa: BLE001, S110 -- not lost: the long way meets it again, and reports it
                pass
        return super().complete_object_value(return_type, field_details_list, info, path, result, context)

    def _plan(self, of: GraphQLObjectType, selected: Any, plans: Plans) -> Write | None:
        """How to write an object of this type; None where a field of it, however deep, has a resolver."""
        key = of.name, tuple([id(one.node) for one in selected])
        try:
            return plans[key]
        except KeyError:
            plans[key] = plan = self._planned(of, selected, plans)
            return plan

    def _planned(self, of: GraphQLObjectType, selected: Any, plans: Plans) -> Write | None:
        definition = of.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(definition, StrawberryObjectDefinition) or definition.is_type_of is not None:
            return None
        fields: list[tuple[str, str, Write]] = []
        for response_name, below in self.collect_subfields(of, selected)[0].items():
            field = self.schema.get_field(of, below[0].node.name.value)
            attribute = _attribute(field) if field is not None else None
            write = None if field is None or attribute is None else self._value(field.type, below, plans)
            if attribute is None or write is None:
                return None
            fields.append((response_name, attribute, write))
        origin = definition.origin

        def write_object(value: Any) -> dict[str, Any]:
            if type(value) is not origin:
                raise _OutOfTheOrdinary
            return {name: write(getattr(value, attribute)) for name, attribute, write in fields}

        return write_object

    def _value(self, of: Any, selected: Any, plans: Plans) -> Write | None:
        is_never_null = is_non_null_type(of)
        of = of.of_type if is_never_null else of
        if is_leaf_type(of):
            write: Write | None = _leaf(of)
        elif is_list_type(of):
            write = _list(self._value(of.of_type, selected, plans))
        elif is_object_type(of):
            write = self._plan(of, selected, plans)
        else:
            return None
        return write if write is None or is_never_null else _unless_null(write, _never_null(of))


class _OutOfTheOrdinary(Exception):
    """Nothing that a plan can write."""


def _attribute(field: GraphQLField) -> str | None:
    """Where a field's value lies ready; None for one that has a resolver of any kind."""
    told = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    is_ready = isinstance(told, StrawberryField) and told.is_basic_field and told.default_resolver is getattr
    return told.python_name if is_ready and not field.args else None
