"""What one document may ask for, measured before it is validated: a small text can describe an enormous answer.

Everything is counted as if the fragments were written out, each fragment being measured once, so that measuring stays
linear where writing them out would not. A cost is the number of values that the answer can hold at most: page sizes
multiply, other lists count as a few. Introspection is exempt from depth and cost; in production it is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from foundation.errors import BadInput
from foundation.pages import LARGEST_PAGE

DEFAULT_PAGE = 20
_FEW = 5  # how many items a list without pages counts as, unless its field says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one request may be. Sizes in bytes and characters, times in seconds.

    `operations` run at once in one socket; `sockets` and `event_streams` are those of one person, `strangers` those of
    everybody who isn't signed in. `heartbeat_s` is between two signs of life in an event stream, `stuck_s` how long a
    reader may take none; `session_look_s` is how often we look whether somebody who only listens is still signed in.
    """

    body_bytes: int = 65_536
    body_s: float = 10.0
    request_s: float = 5.0
    document_chars: int = 15_000
    tokens: int = 1_000
    depth: int = 10
    aliases: int = 15
    root_fields: int = 10
    directives: int = 20
    fragments: int = 20
    repeats: int = 60
    cost: int = 5_000
    errors: int = 5
    requests: int = 60
    requests_window_s: float = 10.0
    # What stays open. A message over a socket may be as large as a body.
    init_s: float = 5.0
    operations: int = 10
    sockets: int = 5
    event_streams: int = 10
    strangers: int = 500
    heartbeat_s: float = 12.0
    session_look_s: float = 20.0
    stuck_s: float = 20.0


class DocumentTooLarge(BadInput):
    code = "DOCUMENT_TOO_LARGE"


class TooManyTokens(BadInput):
    code = "TOO_MANY_TOKENS"


class TooDeep(BadInput):
    code = "TOO_DEEP"


class TooManyAliases(BadInput):
    code = "TOO_MANY_ALIASES"


class TooManyRootFields(BadInput):
    code = "TOO_MANY_ROOT_FIELDS"


class TooManyDirectives(BadInput):
    code = "TOO_MANY_DIRECTIVES"


class TooManyFragments(BadInput):
    code = "TOO_MANY_FRAGMENTS"


class TooManyRepeats(BadInput):
    """Comparing a field with each of its repetitions is quadratic, and happens in validation."""

    code = "TOO_MANY_REPEATS"


class TooComplex(BadInput):
    code = "TOO_COMPLEX"


class IntrospectionOff(BadInput):
    code = "INTROSPECTION_OFF"


@dataclass(slots=True)
class _Extent:
    """How far one selection set reaches, its fragments written out."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    repeats: int = 0
    cost: int = 0
    names: Counter[str] = field(default_factory=Counter)

    def take_in(self, other: _Extent) -> None:
        self.depth = max(self.depth, other.depth)
        self.aliases += other.aliases
        self.directives += other.directives
        self.repeats += other.repeats
        self.cost += other.cost
        self.names.update(other.names)


class Measure:
    """Measures the documents of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection

    def check_shape(self, document: DocumentNode) -> None:
        """Refuse a document that is too much whatever its variables: every operation in it, not only the one that runs."""
        limits = self._limits
        walk = _Walk(self._schema, document, {})
        if len(walk.fragments) > limits.fragments:
            raise TooManyFragments(
                f"a document has at most {limits.fragments} fragments",
                th=f"เอกสาร GraphQL มีได้ไม่เกิน {limits.fragments} fragment",
            )
        for operation in walk.operations:
            extent = walk.operation(operation)
            if not self._introspection and walk.introspects:
                raise IntrospectionOff(
                    "introspection is off here; the schema is published as schema.graphql",
                    th="ที่นี่ปิด introspection ไว้ ดู schema ได้ที่ schema.graphql",
                )
            if operation.operation is OperationType.SUBSCRIPTION and extent.names.total() > 1:
                raise TooManyRootFields("a subscription has one root field", th="subscription มีฟิลด์ชั้นบนสุดได้เพียงฟิลด์เดียว")
            if extent.names.total() > limits.root_fields:
                raise TooManyRootFields(
                    f"an operation has at most {limits.root_fields} root fields",
                    th=f"operation มีฟิลด์ชั้นบนสุดได้ไม่เกิน {limits.root_fields} ฟิลด์",
                )
            if extent.depth > limits.depth:
                raise TooDeep(
                    f"an operation is at most {limits.depth} fields deep, its fragments written out",
                    th=f"operation ซ้อนฟิลด์ได้ลึกไม่เกิน {limits.depth} ชั้น นับรวมใน fragment",
                )
            if extent.aliases > limits.aliases:
                raise TooManyAliases(
                    f"an operation has at most {limits.aliases} aliases, its fragments written out",
                    th=f"operation มี alias ได้ไม่เกิน {limits.aliases} รายการ นับรวมใน fragment",
                )
            if extent.directives > limits.directives:
                raise TooManyDirectives(
                    f"an operation has at most {limits.directives} directives, its fragments written out",
                    th=f"operation มี directive ได้ไม่เกิน {limits.directives} รายการ นับรวมใน fragment",
                )
            if extent.repeats > limits.repeats:
                raise TooManyRepeats(
                    f"an operation repeats its fields at most {limits.repeats} times",
                    th=f"operation เรียกฟิลด์เดิมซ้ำได้ไม่เกิน {limits.repeats} ครั้ง",
                )

    def sizes(self, document: DocumentNode, operation: OperationDefinitionNode) -> frozenset[str]:
        """The variables that say how large a page or list is, so that the cost depends on them."""
        walk = _Walk(self._schema, document, {})
        walk.operation(operation)
        return frozenset(walk.size_variables)

    def check_cost(
        self, document: DocumentNode, operation: OperationDefinitionNode, sizes: Mapping[str, int | None]
    ) -> None:
        """Refuse an operation whose answer could be too large with pages of these sizes."""
        cost = _Walk(self._schema, document, sizes).operation(operation).cost
        if cost > self._limits.cost:
            raise TooComplex(
                f"the answer could hold {cost} values, and {self._limits.cost} is the most: ask for smaller pages"
                " or fewer fields",
                th=f"คำตอบอาจมีถึง {cost} ค่า จากที่ให้ได้ไม่เกิน {self._limits.cost} ค่า โปรดขอหน้าที่เล็กลงหรือลดจำนวนฟิลด์",
            )


def size_of(value: Any) -> int | None:
    """The size that a variable's raw value stands for: a number, or the length of a list."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _within(value)
    if isinstance(value, list):
        return _within(len(value))
    return None


def _repeats(extent: _Extent) -> int:
    return extent.names.total() - len(extent.names)


def _within(size: int) -> int:
    # What is outside is refused where the page is cut, by an error that names the argument.
    return min(max(size, 1), LARGEST_PAGE)


class _Walk:
    """One pass over a document. Unknown fields, types and fragments count as little: validation will name them."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, sizes: Mapping[str, int | None]) -> None:
        self._schema = schema
        self._sizes = sizes
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.operations: list[OperationDefinitionNode] = []
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                self.fragments[definition.name.value] = definition
            elif isinstance(definition, OperationDefinitionNode):
                self.operations.append(definition)
        self._measured: dict[str, _Extent] = {}
        self._defaults: dict[str, int | None] = {}
        self.introspects = False
        self.size_variables: set[str] = set()

    def operation(self, operation: OperationDefinitionNode) -> _Extent:
        self._measured.clear()
        self._defaults = {
            one.variable.name.value: int(one.default_value.value)
            for one in operation.variable_definitions or ()
            if isinstance(one.default_value, IntValueNode) and len(one.default_value.value) < 12
        }
        extent = self._selections(operation.selection_set, self._schema.get_root_type(operation.operation))
        extent.directives += len(operation.directives or ())
        extent.repeats += _repeats(extent)
        return extent

    def _selections(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> _Extent:
        extent = _Extent()
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                extent.directives += len(selection.directives or ())
                self._field(extent, selection, parent)
            elif isinstance(selection, InlineFragmentNode):
                extent.directives += len(selection.directives or ())
                on = selection.type_condition
                extent.take_in(
                    self._selections(selection.selection_set, self._schema.get_type(on.name.value) if on else parent)
                )
            elif isinstance(selection, FragmentSpreadNode):
                extent.directives += len(selection.directives or ())
                extent.take_in(self._fragment(selection.name.value))
        return extent

    def _fragment(self, name: str) -> _Extent:
        if name in self._measured:
            return self._measured[name]
        self._measured[name] = _Extent()  # a fragment that spreads itself finds this; validation refuses it
        definition = self.fragments.get(name)
        if definition is not None:
            on = self._schema.get_type(definition.type_condition.name.value)
            measured = self._selections(definition.selection_set, on)
            measured.directives += len(definition.directives or ())
            self._measured[name] = measured
        return self._measured[name]

    def _field(self, extent: _Extent, node: FieldNode, parent: GraphQLNamedType | None) -> None:
        name = node.name.value
        extent.names[node.alias.value if node.alias else name] += 1
        extent.aliases += node.alias is not None
        extent.cost += 1
        extent.depth = max(extent.depth, 1)
        if name in ("__schema", "__type"):
            self.introspects = True
            return
        if node.selection_set is None:
            return
        definition = parent.fields.get(name) if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else None
        below = self._selections(node.selection_set, get_named_type(definition.type) if definition else None)
        extent.depth = max(extent.depth, 1 + below.depth)
        extent.aliases += below.aliases
        extent.directives += below.directives
        extent.repeats += below.repeats + _repeats(below)
        extent.cost += below.cost * (self._items(node, definition, parent) if definition else 1)

    def _items(self, node: FieldNode, definition: GraphQLField, parent: GraphQLNamedType | None) -> int:
        """How often what is below this field may come back."""
        if "first" in definition.args:
            asked = next((one.value for one in node.arguments or () if one.name.value == "first"), None)
            return self._size(asked, default=DEFAULT_PAGE)
        if "ids" in definition.args:
            asked = next((one.value for one in node.arguments or () if one.name.value == "ids"), None)
            return self._size(asked, default=_FEW)
        returned = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
        if not isinstance(returned, GraphQLList):
            return 1
        if parent is not None and parent.name.endswith("Connection"):
            return 1  # the page's size was counted at the field that returns the connection
        told = definition.extensions.get("strawberry-definition")
        return int(getattr(told, "metadata", {}).get("about", _FEW))

    def _size(self, asked: Any, *, default: int) -> int:
        if isinstance(asked, IntValueNode):
            return _within(int(asked.value[:12]))
        if isinstance(asked, ListValueNode):
            return _within(len(asked.values))
        if isinstance(asked, VariableNode):
            name = asked.name.value
            self.size_variables.add(name)
            said = self._sizes.get(name)
            if said is None:
                said = self._defaults.get(name)
            return default if said is None else _within(said)
        return default
