"""A document as it is kept: parsed, measured and validated once, then run as often as it comes again.

What is refused says why in our words: graphql-core's own messages repeat the literals and values that a client sent,
and a reply (or a log that quotes it) must never hold those.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    SKIP,
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLSyntaxError,
    ListValueNode,
    NoSchemaIntrospectionCustomRule,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    TypeNode,
    ValueNode,
    VisitorAction,
    parse,
    specified_rules,
    type_from_ast,
    validate,
)
from graphql.utilities import validate_input_literal, validate_input_value
from graphql.validation import ValuesOfCorrectTypeRule

from foundation.errors import BadInput
from resolvers.executor import Plans
from resolvers.limits import DocumentTooLarge, Limits, Measure, TooDeep, TooManyTokens, size_of

_KEPT_DOCUMENTS = 1_000
_KEPT_CHARS = 1_000_000  # a parsed document takes some forty times its text
_KEPT_COSTS = 100  # page sizes found affordable, for one document


class AmbiguousOperation(BadInput):
    code = "AMBIGUOUS_OPERATION"


class UnknownOperation(BadInput):
    code = "UNKNOWN_OPERATION"


class NotValid(Exception):
    """The document is no GraphQL, or asks for what the schema doesn't have. `errors` are safe to show."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


@dataclass(slots=True, kw_only=True)
class Prepared:
    """One operation of one document, ready to run."""

    document: DocumentNode
    operation: OperationDefinitionNode
    sizes: frozenset[str]  # the variables that the cost depends on
    plans: Plans | None  # how its plain parts are written; None where a directive may change what they are
    affordable: set[tuple[int | None, ...]] = field(default_factory=set)

    @property
    def is_query(self) -> bool:
        return self.operation.operation is OperationType.QUERY

    @property
    def is_mutation(self) -> bool:
        return self.operation.operation is OperationType.MUTATION

    @property
    def is_subscription(self) -> bool:
        return self.operation.operation is OperationType.SUBSCRIPTION


class Documents:
    """Prepares documents, and keeps the ones that were asked for last."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool, suggestions: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._measure = Measure(schema, limits, introspection=introspection)
        self._suggestions = suggestions
        swapped = [_ValuesOfCorrectType if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules]
        self._rules = swapped if introspection else [*swapped, NoSchemaIntrospectionCustomRule]
        self._kept: OrderedDict[tuple[str, str | None], Prepared] = OrderedDict()
        self._kept_chars = 0

    def prepare(self, text: str, operation_name: str | None, variables: Mapping[str, Any]) -> Prepared:
        """The operation to run. BadInput where a limit is passed or it isn't clear which one; NotValid names faults."""
        key = (text, operation_name)
        prepared = self._kept.get(key)
        if prepared is None:
            prepared = self._read(text, operation_name)
            self._check_cost(prepared, variables)
            self._keep(key, prepared)
            return prepared
        self._kept.move_to_end(key)
        if prepared.sizes:
            self._check_cost(prepared, variables)
        return prepared

    def _read(self, text: str, operation_name: str | None) -> Prepared:
        if len(text) > self._limits.document_chars:
            raise DocumentTooLarge(
                f"a document has at most {self._limits.document_chars} characters",
                th=f"เอกสาร GraphQL ยาวได้ไม่เกิน {self._limits.document_chars} อักขระ",
            )
        document = self._parse(text)
        self._measure.check_shape(document)
        operation = _chosen(document, operation_name)
        errors = validate(
            self._schema, document, self._rules, max_errors=self._limits.errors, hide_suggestions=not self._suggestions
        )
        if errors:
            raise NotValid("VALIDATION_FAILED", errors)
        return Prepared(
            document=document, operation=operation, sizes=self._measure.sizes(document, operation),
            plans=None if "@" in text else {},
        )  # fmt: skip

    def _parse(self, text: str) -> DocumentNode:
        tokens = self._limits.tokens
        try:
            return parse(text, max_lexical_tokens=tokens, max_comments=tokens)
        except GraphQLSyntaxError as exc:
            if exc.description.startswith("Document contains more than"):
                raise TooManyTokens(
                    f"a document has at most {tokens} tokens", th=f"เอกสาร GraphQL มีได้ไม่เกิน {tokens} token"
                ) from None
            if exc.description.startswith("Document is nested too deeply"):
                raise TooDeep(
                    f"an operation is at most {self._limits.depth} fields deep",
                    th=f"operation ซ้อนฟิลด์ได้ลึกไม่เกิน {self._limits.depth} ชั้น",
                ) from None
            raise NotValid("SYNTAX_ERROR", [_without_values(exc)]) from None

    def _check_cost(self, prepared: Prepared, variables: Mapping[str, Any]) -> None:
        sizes = {name: size_of(variables.get(name)) for name in prepared.sizes}
        asked = tuple(sizes.values())
        if asked in prepared.affordable:
            return
        self._measure.check_cost(prepared.document, prepared.operation, sizes)
        if len(prepared.affordable) < _KEPT_COSTS:
            prepared.affordable.add(asked)

    def _keep(self, key: tuple[str, str | None], prepared: Prepared) -> None:
        self._kept[key] = prepared
        self._kept_chars += len(key[0])
        while len(self._kept) > _KEPT_DOCUMENTS or self._kept_chars > _KEPT_CHARS:
            (text, _), _ = self._kept.popitem(last=False)
            self._kept_chars -= len(text)


def wrong_variables(schema: GraphQLSchema, prepared: Prepared, variables: Mapping[str, Any]) -> list[GraphQLError]:
    """What is wrong with the variables, naming the place and the type that belongs there but never what was sent."""
    errors: list[GraphQLError] = []
    for definition in prepared.operation.variable_definitions or ():
        name = definition.variable.name.value
        expected = _input_type(schema, definition.type)
        if expected is None or (name not in variables and definition.default_value is not None):
            continue
        if name not in variables:
            if isinstance(expected, GraphQLNonNull):
                errors.append(GraphQLError(f"Variable '${name}' is missing; its type is {expected}.", definition))
            continue
        value = variables[name]
        for path in dict.fromkeys(_wrong_places(value, expected)):
            at = f"${name}" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            held, wanted = _follow_value(value, expected, path)
            errors.append(GraphQLError(f"Variable '{at}' {_complaint(held, wanted)}", definition))
    return errors


def _wrong_places(value: Any, expected: GraphQLInputType) -> Iterator[tuple[str | int, ...]]:
    places: list[tuple[str | int, ...]] = []
    validate_input_value(value, expected, lambda _error, path: places.append(tuple(path)), hide_suggestions=True)
    yield from places


def _input_type(schema: GraphQLSchema, node: TypeNode) -> GraphQLInputType | None:
    return cast("GraphQLInputType | None", type_from_ast(schema, node))  # validation made sure of it


class _ValuesOfCorrectType(ValuesOfCorrectTypeRule):
    """The specified rule, in words that don't repeat the literal."""

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        if input_type is not None:
            places: list[tuple[str | int, ...]] = []
            validate_input_literal(
                node, input_type, lambda _error, path: places.append(tuple(path)), None, None, hide_suggestions=True
            )
            for path in dict.fromkeys(places):
                held, wanted = _follow_literal(node, input_type, path)
                self.report_error(GraphQLError(f"A value here {_complaint(held, wanted)}", held or node))
        return SKIP


def _follow_value(value: Any, wanted: Any, path: tuple[str | int, ...]) -> tuple[Any, Any]:
    for step in path:
        wanted = _below(wanted, step)
        value = cast("Any", value)[step] if isinstance(value, dict | list) else value
    return value, wanted


def _follow_literal(node: ValueNode, wanted: Any, path: tuple[str | int, ...]) -> tuple[Any, Any]:
    held: Any = node
    for step in path:
        wanted = _below(wanted, step)
        if isinstance(held, ListValueNode) and isinstance(step, int):
            held = held.values[step]
        elif isinstance(held, ObjectValueNode):
            held = next((one.value for one in held.fields if one.name.value == step), None)
    return held, wanted


def _below(wanted: Any, step: str | int) -> Any:
    bare = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
    if isinstance(bare, GraphQLList) and isinstance(step, int):
        return bare.of_type
    if isinstance(bare, GraphQLInputObjectType) and step in bare.fields:
        return bare.fields[step].type
    return bare


def _complaint(held: Any, wanted: Any) -> str:
    """Why the value isn't one, said with names of the schema alone."""
    bare = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
    if isinstance(bare, GraphQLInputObjectType):
        if isinstance(held, ObjectValueNode):
            sent = {one.name.value for one in held.fields}
        elif isinstance(held, dict):
            sent = set(held)
        else:
            return f"must be an object of type {wanted}."
        missing = [
            name
            for name, one in bare.fields.items()
            if isinstance(one.type, GraphQLNonNull) and name not in sent and one.default is None
        ]
        if missing:
            return f"lacks {', '.join(missing)}, which {bare} must have."
        return f"holds a field that {bare} doesn't have; it has {', '.join(bare.fields)}."
    if isinstance(bare, GraphQLEnumType):
        return f"must be one of {', '.join(bare.values)}."
    return f"must be of type {wanted}."


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is not None:
        operations = [one for one in operations if one.name is not None and one.name.value == name]
    if not operations:
        raise UnknownOperation(
            "the document has no operation" + (" of that name" if name is not None else ""),
            th="เอกสารนี้ไม่มี operation" + ("ชื่อนั้น" if name is not None else ""),
        )
    if len(operations) > 1:
        raise AmbiguousOperation(
            "the document has several operations: say which in operationName",
            th="เอกสารนี้มีหลาย operation โปรดระบุใน operationName ว่าต้องการรายการใด",
        )
    return operations[0]


def _without_values(exc: GraphQLSyntaxError) -> GraphQLError:
    """A syntax error that says what was expected, not what stood there."""
    told = exc.description.partition(", found")[0]
    if told.startswith("Expected"):
        message = f"Syntax error: {told[0].lower()}{told[1:].rstrip('.')}."
    else:
        message = "Syntax error: " + told.partition(":")[0].partition('"')[0].strip().rstrip(".").lower() + "."
    return GraphQLError(message, source=exc.source, positions=exc.positions)
