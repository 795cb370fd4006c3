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

from graphql import (
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLString,
    TypeNameMetaFieldDef,
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
            attribute, write = None if field is None else _attribute(field), None
            if field is TypeNameMetaFieldDef:
                attribute, write = "__class__", _always(of.name)
            elif field is not None and attribute is not None:
                write = self._value(field.type, below, plans)
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
        """How to write a value of any type. What is made for a type never takes null."""
        if is_non_null_type(of):
            return self._value_that_is(of.of_type, selected, plans)
        write = self._value_that_is(of, selected, plans)
        return None if write is None else lambda value: None if value is None else write(value)

    def _value_that_is(self, of: Any, selected: Any, plans: Plans) -> Write | None:
        if is_object_type(of):
            return self._plan(of, selected, plans)
        if is_leaf_type(of):
            return _leaf(of)
        if not is_list_type(of):
            return None
        write_one = self._value(of.of_type, selected, plans)
        return None if write_one is None else _list(write_one)


class _OutOfTheOrdinary(Exception):
    """Nothing that a plan can write."""


def _attribute(field: GraphQLField) -> str | None:
    """Where a field's value lies ready; None for one that has a resolver of any kind."""
    told = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(told, StrawberryField) or not told.is_basic_field or told.default_resolver is not getattr:
        return None
    return told.python_name


def _always(told: str) -> Write:
    return lambda _value: told


def _leaf(of: GraphQLLeafType) -> Write:
    coerce = of.coerce_output_value
    is_text = of is GraphQLString

    def write_leaf(value: Any) -> Any:
        if is_text and type(value) is str:
            return value
        told = None if value is None else coerce(value)
        if told is None or told is Undefined:
            raise _OutOfTheOrdinary
        return told

    return write_leaf


def _list(write_one: Write) -> Write:
    def write_list(values: Any) -> list[Any]:
        if type(values) is not list:
            raise _OutOfTheOrdinary
        return [write_one(value) for value in values]

    return write_list
