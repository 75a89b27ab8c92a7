"""DynamoDB's expressions and answers at a cost that follows what they say.

moto reads the text of an UpdateExpression anew for every request, checks it in a time that grows with the square of its
length, turns an item into plain values once for each attribute of a ProjectionExpression, and asks of each value that
it answers which of ten types it has: to register a task took 20 ms, and to read ten thousand records half a minute.
Here a text is read once, the checks that look at the whole expression do so once, and values are picked as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import responses
from moto.dynamodb.models import utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.parsing.validators import ActionCountValidator, OverlappingPathsValidator

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces

#: Of each type, whether it is one of nodes. They are of abstract base classes, of which isinstance is slow.
_of_nodes: dict[type, bool] = {}

#: Of each type and each table of what is to be done, the first type in the table that it is one of.
_bases: dict[tuple[type, tuple[type, ...]], type | None] = {}


def _is_of_nodes(kind: type) -> bool:
    if kind not in _of_nodes:
        _of_nodes[kind] = Node in kind.__mro__
    return _of_nodes[kind]


def _first_base(kind: type, bases: tuple[type, ...]) -> type | None:
    if (kind, bases) not in _bases:
        _bases[kind, bases] = next((base for base in bases if issubclass(kind, base)), None)
    return _bases[kind, bases]


def _is_node(value: Any) -> bool:
    return _is_of_nodes(type(value))


def _traverse(self: Any, root: Any) -> Any:
    """Depth first, as moto's own, which asks of each node anew what is to be done with what."""
    processes = self._processing_map()
    bases = tuple(processes)
    # Most do nothing before they come to a child.
    overridden = type(self).pre_processing_of_child is not DepthFirstTraverser.pre_processing_of_child
    before = self.pre_processing_of_child if overridden else None

    def visit(node: Any, place: int) -> Any:
        parent, kind = node.parent, type(node)
        for at, child in enumerate(node.children or ()):
            if before:
                before(node, at)
            if _is_of_nodes(type(child)):
                visit(child, at)
        if base := _first_base(kind, bases):
            node = processes[base](node)
            node.parent = parent
            if parent:
                parent.children[place] = node
        return node

    return visit(root, -1)


def _copy(self: Any, memo: Any) -> Any:
    """A tree of its own; what is in its leaves is never changed."""
    copy = object.__new__(type(self))
    copy.__dict__.update(self.__dict__)
    if self.children is not None:
        copy.children = [_copy(child, memo) if _is_node(child) else child for child in self.children]
        for child in copy.children:
            if _is_node(child):
                child.parent = copy
    return copy


def _project(whole: Callable[..., Any]) -> Callable[..., Any]:
    """``whole`` is for paths into an attribute."""

    def project(self: Any, projection_expressions: list[list[str]]) -> Any:
        if any(len(path) > 1 for path in projection_expressions):
            return whole(self, projection_expressions)
        projected = Item(hash_key=self.hash_key, range_key=self.range_key, attrs={})
        # Not one by one: each time the item's size would be added up.
        dict.update(
            projected.attrs, {name: self.attrs[name] for (name,) in projection_expressions if name in self.attrs}
        )
        return projected

    return project


def _is_plain(value: Any) -> bool:
    """Whether an attribute's value is JSON as it stands: no bytes, and nothing of moto's."""
    if type(value) is dict:
        return all(map(_is_plain, value.values()))
    if type(value) is list:
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, bool)


def _serialize_structure(whole: Callable[..., None]) -> Callable[..., None]:
    def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and _is_plain(value):
            serialized[key] = value
        else:
            whole(self, serialized, value, shape, key)

    return serialize


def _to_plain(whole: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``whole`` is for bytes and for what is no value."""

    def to_plain(found: Any) -> Any:
        kind = type(found)
        if kind is str or kind is bool:
            return found
        if kind is DynamoType:
            value = found.value
            if type(value) is str and found.type != "B":
                return {found.type: value}
            return whole(found) if found.type in ("B", "BS") else {found.type: to_plain(value)}
        if kind is dict:
            return {name: to_plain(inner) for name, inner in found.items()}
        if kind is list:
            return [to_plain(inner) for inner in found]
        return whole(found)

    return to_plain


def _size(whole: Callable[[Any], int]) -> Callable[[Any], int]:
    """Counts an item's bytes, which bound a page; ``whole`` counts sets and binary values."""

    def size(self: Any) -> int:
        value = self.value
        if type(value) is str and self.type != "B":
            return len(value) if value.isascii() else len(value.encode())
        if type(value) is list and self.type == "L":
            return sum(map(size, value))
        if type(value) is dict:
            return sum(len(name.encode()) + size(inner) for name, inner in value.items())
        return 1 if type(value) is bool else whole(self)

    return size


def install(aws: Aws) -> None:
    """Reads, checks, projects and answers."""
    # What has been read is never changed: moto checks and executes a copy.
    make = staticmethod(lru_cache(maxsize=256)(UpdateExpressionParser.make))
    replaces(UpdateExpressionParser, "make", digest="cb93936772ab")(make)
    adds(Node, "__deepcopy__")(_copy)
    # Every clause counts as an expression to these two, and the whole expression has all that its clauses have.
    replaces(DepthFirstTraverser, "traverse", digest="05d0d0c76881")(_traverse)
    actions, paths = ActionCountValidator, OverlappingPathsValidator
    replaces(actions, "traverse", digest="05d0d0c76881")(actions.verify_action_counts)
    replaces(paths, "traverse", digest="05d0d0c76881")(paths.check_for_overlapping_paths)
    to_plain = _to_plain(utilities.dynamo_to_dict)
    for module in (utilities, responses):
        replaces(module, "dynamo_to_dict", digest="658c88f9c849")(to_plain)
    replaces(DynamoType, "size", digest="374a77a71c33")(_size(DynamoType.size))
    replaces(Item, "project", digest="ff4cfd6c4e39")(_project(Item.project))
    serializer = BaseJSONSerializer
    serialize = _serialize_structure(serializer._serialize_type_structure)
    replaces(serializer, "_serialize_type_structure", digest="a9043bc9559a")(serialize)
