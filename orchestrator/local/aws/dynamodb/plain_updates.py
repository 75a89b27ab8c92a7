"""Updates that set and remove whole attributes, which is most of them, in one go.

moto copies the tree of an UpdateExpression for each request and goes through the copy ten times, to check it and to put
values in: to register a task took 6 ms. Here the tree is looked at once. Where an update is no more than
``SET #a = :a, #b = if_not_exists(#b, :b) REMOVE #c`` and nothing is wrong with it, its values are put into the item as
they are; everything else, with every error, is moto's as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.utilities import bytesize
from moto.dynamodb.parsing.ast_nodes import (
    ExpressionAttribute,
    ExpressionAttributeName,
    ExpressionAttributeValue,
    Node,
    UpdateExpressionAddAction,
    UpdateExpressionDeleteAction,
    UpdateExpressionFunction,
    UpdateExpressionPath,
    UpdateExpressionRemoveAction,
    UpdateExpressionRemoveClause,
    UpdateExpressionSetAction,
    UpdateExpressionSetClause,
)
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from orchestrator.local.aws.dynamodb.items import LARGEST_BYTES
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_ACTIONS = [
    UpdateExpressionSetAction,
    UpdateExpressionRemoveAction,
    UpdateExpressionAddAction,
    UpdateExpressionDeleteAction,
]


class _NotPlain(Exception):
    """An expression that says more, or one that is wrong."""


@dataclass(frozen=True, kw_only=True)
class _Action:
    """What is done with one attribute."""

    #: As the expression names it: ``#a`` stands for another name.
    name: str
    #: The place holder of the value that it gets; None: it is removed.
    value: str | None = None
    #: Whether it keeps the value that it has.
    if_absent: bool = False


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """An update of an item that nothing is wrong with; it stands for the tree that moto would have checked."""

    sets: Mapping[str, DynamoType]
    removes: tuple[str, ...]

    def normalize(self) -> None:
        """Nothing: the order of attributes does not matter."""


def _attribute(path: Any) -> str:
    """The attribute that a path is, as the expression names it."""
    if type(path) is UpdateExpressionPath and len(path.children) == 1:
        (name,) = path.children
        if type(name) is ExpressionAttributeName:
            return str(name.get_attribute_name_placeholder())
        if type(name) is ExpressionAttribute:
            said = str(name.get_attribute_name())
            if said.upper() not in ReservedKeywords.get_reserved_keywords():
                return said
    raise _NotPlain


def _action(action: Any) -> _Action:
    if type(action) is UpdateExpressionRemoveAction:
        return _Action(name=_attribute(action.children[0]))
    if type(action) is not UpdateExpressionSetAction or len(action.children[1].children) != 1:
        raise _NotPlain
    name, (value,) = _attribute(action.children[0]), action.children[1].children
    if_absent = type(value) is UpdateExpressionFunction
    if if_absent:
        function, *arguments = value.children
        if function != "if_not_exists" or _attribute(arguments[0]) != name:
            raise _NotPlain
        value = arguments[1]
    if type(value) is not ExpressionAttributeValue:
        raise _NotPlain
    return _Action(name=name, value=str(value.get_value_name()), if_absent=if_absent)


# The trees are those that are kept of texts.
@lru_cache(maxsize=256)
def _actions(tree: Node) -> tuple[_Action, ...] | None:
    """What an expression does, or None where that is more than to set and to remove attributes."""
    clauses = tree.find_clauses([UpdateExpressionSetClause]), tree.find_clauses([UpdateExpressionRemoveClause])
    try:
        return tuple(map(_action, tree.find_clauses(_ACTIONS))) if max(map(len, clauses)) == 1 else None
    except _NotPlain:
        return None


def _plain(
    actions: tuple[_Action, ...], names: Mapping[str, str], values: Mapping[str, Any], item: Any, table: Any
) -> _Plain | None:
    """What is done with ``item``; None where anything may be wrong."""
    keys, typed = table.table_key_attrs, [one["AttributeName"] for one in table.attr]
    sets: dict[str, DynamoType] = {}
    removes: list[str] = []
    for action in actions:
        name = action.name if action.name[0] != "#" else names.get(action.name)
        # Of attributes that an index has, moto looks at the type as well, where the expression itself names them.
        if name is None or name in keys or action.name in typed or name in sets or name in removes:
            return None
        if action.value is None:
            removes.append(name)
        elif action.value not in values:
            return None
        elif action.if_absent and name in item.attrs:
            sets[name] = item.attrs[name]
        else:
            sets[name] = DynamoType(values[action.value])
    if item.size() + sum(bytesize(name) + value.size() for name, value in sets.items()) > LARGEST_BYTES:
        return None
    return _Plain(sets=sets, removes=tuple(removes))


def install(aws: Aws) -> None:
    """Checks and executes."""
    validator, executor = models.UpdateExpressionValidator, models.UpdateExpressionExecutor

    class Validator:
        """What moto makes to check an expression."""

        def __init__(
            self,
            expression: Node,
            expression_attribute_names: Mapping[str, str] | None,
            expression_attribute_values: Mapping[str, Any] | None,
            item: Any,
            table: Any,
        ) -> None:
            self._given = expression, expression_attribute_names, expression_attribute_values, item, table

        def validate(self) -> Any:
            tree, names, values, item, table = self._given
            actions = _actions(tree)
            plain = _plain(actions, names or {}, values or {}, item, table) if actions else None
            return plain or validator(*self._given).validate()

    class Executor:
        """What moto makes to carry out what was checked."""

        def __init__(self, checked: Any, item: Any, names: Mapping[str, str]) -> None:
            self._given = checked, item, names

        def execute(self) -> None:
            checked, item, _ = self._given
            if not isinstance(checked, _Plain):
                executor(*self._given).execute()
                return
            # Past the check of each that the item is not too large: all together have been added up.
            for name in checked.removes:
                item.attrs.pop(name, None)
            dict.update(item.attrs, {intern(name): value for name, value in checked.sets.items()})

    replaces(models, "UpdateExpressionValidator", digest="c20569f2d530")(Validator)
    replaces(models, "UpdateExpressionExecutor", digest="9e8115b5edbb")(Executor)
