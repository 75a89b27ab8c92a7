"""Expressions of JSONata as functions of Python.

``jsonata-python`` walks the tree of an expression at each evaluation, finds out at each node what kind of node it is,
and takes an argument's type by trying what it could be. Here a tree becomes closures, once. What is rare (functions
that an expression defines, sorting, transforming, binding of positions) is done by the library's own evaluator, with
the same environment, so every part of an expression is either this or that.

The closures do as the library does, node by node; ``tests`` hold both equal, and equal to the reference JSONata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jsonata import Jsonata
from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.signature import Signature
from jsonata.utils import Utils

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: Of the library's evaluator, the context, and the environment in which names are looked up.
Closure = Callable[[Any, Any, Any], Any]

_Frame, _List = Jsonata.Frame, Utils.JList
_SCALARS = frozenset({str, int, float, bool, dict, list, type(None)})
_SYMBOLS = {str: "s", bool: "b", int: "n", float: "n", list: "a", dict: "o", _List: "a", type(None): "m"}
_NUMBERS = frozenset({int, float})


def compiled(tree: Any) -> Closure:
    """The value of a tree of the library's."""
    make = None if _is_rare(tree) else _MAKERS.get(tree.type)
    return make(tree) if make else lambda evaluator, context, frame: evaluator.eval(tree, context, frame)


def _is_rare(tree: Any) -> bool:
    return tree.predicate is not None or tree.group is not None or bool(tree.keep_array)


def _look_up(frame: Any, name: str) -> Any:
    while frame is not None:
        if name in frame.bindings:
            return frame.bindings[name]
        frame = frame.parent
    return None


def _one(result: Any) -> Any:
    """A sequence of one is that one, and an empty one is nothing."""
    if type(result) is _List and result.sequence and not result.tuple_stream:
        if not result:
            return None
        if len(result) == 1 and not result.keep_singleton:
            return result[0]
    return result


def _literal(tree: Any) -> Closure:
    value = Utils.NULL_VALUE if tree.value is None else tree.value
    return lambda evaluator, context, frame: value


def _pattern(tree: Any) -> Closure:
    return lambda evaluator, context, frame: tree.value


def _name(tree: Any) -> Closure:
    name = str(tree.value)
    return lambda evaluator, context, frame: _one(Functions.lookup(context, name))


def _variable(tree: Any) -> Closure:
    name = str(tree.value)

    def of_context(evaluator: Any, context: Any, frame: Any) -> Any:
        return _one(context[0] if isinstance(context, _List) and context.outer_wrapper else context)

    return (lambda evaluator, context, frame: _one(_look_up(frame, name))) if name else of_context


def _condition(tree: Any) -> Closure:
    asked, then = compiled(tree.condition), compiled(tree.then)
    otherwise = compiled(tree._else) if tree._else is not None else None

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        if _holds(asked(evaluator, context, frame)):
            return _one(then(evaluator, context, frame))
        return _one(otherwise(evaluator, context, frame)) if otherwise else None

    return evaluate


def _holds(value: Any) -> bool:
    return value if type(value) is bool else Jsonata.boolize(value)


def _block(tree: Any) -> Closure:
    parts = [compiled(part) for part in tree.expressions]

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        result, scope = None, _Frame(frame)
        for part in parts:
            result = part(evaluator, context, scope)
        return _one(result)

    return evaluate


def _bind(tree: Any) -> Closure:
    name, right = str(tree.lhs.value), compiled(tree.rhs)

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        value = right(evaluator, context, frame)
        if type(value) in _SCALARS:
            frame.bindings[name] = value
        else:
            frame.bind(name, value)
        return _one(value)

    return evaluate


def _binary(tree: Any) -> Closure:
    operator, left, right = str(tree.value), compiled(tree.lhs), compiled(tree.rhs)
    if operator in ("and", "or"):
        return _boolean(operator, left, right, tree.position)
    operate = _OPERATORS.get(operator)
    if operate is None:
        return lambda evaluator, context, frame: evaluator.eval(tree, context, frame)
    return lambda evaluator, context, frame: operate(
        evaluator, left(evaluator, context, frame), right(evaluator, context, frame), operator
    )


def _boolean(operator: str, left: Closure, right: Closure, position: int) -> Closure:
    decisive = operator == "or"

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        first = left(evaluator, context, frame)
        try:
            return decisive if _holds(first) is decisive else _holds(right(evaluator, context, frame))
        except JException:
            raise
        except Exception as fault:
            raise JException("Unexpected", position) from fault

    return evaluate


def _equality(evaluator: Any, left: Any, right: Any, operator: str) -> Any:
    if type(left) is str and type(right) is str:
        return (left == right) is (operator == "=")
    return evaluator.evaluate_equality_expression(left, right, operator)


def _concatenation(evaluator: Any, left: Any, right: Any, operator: str) -> Any:
    if type(left) is str and type(right) is str:
        return left + right
    return evaluator.evaluate_string_concat(left, right)


_OPERATORS: Mapping[str, Callable[[Any, Any, Any, str], Any]] = {
    **dict.fromkeys("+-*/%", lambda evaluator, *operation: evaluator.evaluate_numeric_expression(*operation)),
    **dict.fromkeys(("=", "!="), _equality),
    **dict.fromkeys(
        ("<", "<=", ">", ">="), lambda evaluator, *operation: evaluator.evaluate_comparison_expression(*operation)
    ),
    "&": _concatenation,
    "..": lambda evaluator, left, right, _: evaluator.evaluate_range_expression(left, right),
    "in": lambda evaluator, left, right, _: evaluator.evaluate_includes_expression(left, right),
}


def _unary(tree: Any) -> Closure:
    if tree.value == "[":
        return _array(tree)
    if tree.value == "{":
        return _object(tree)
    return lambda evaluator, context, frame: evaluator.eval(tree, context, frame)


def _array(tree: Any) -> Closure:
    parts = [(compiled(part), str(part.value) == "[") for part in tree.expressions]
    constructed = bool(tree.consarray)

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        result = _List()
        for part, is_array in parts:
            value = part(evaluator, context, frame)
            if value is None:
                continue
            if is_array or not isinstance(value, list):
                result.append(value)
            else:
                result.extend(value)
        result.cons = constructed
        return result

    return evaluate


def _object(tree: Any) -> Closure:
    pairs = [(compiled(name), compiled(value)) for name, value in tree.lhs_object]

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        if isinstance(context, list):
            return evaluator.evaluate_group_expression(tree, context, frame)
        names = [name(evaluator, context, frame) for name, _ in pairs]
        if any(type(name) is not str for name in names) or len(set(names)) < len(names):
            # Grouped, left out or refused.
            return evaluator.evaluate_group_expression(tree, context, frame)
        result = {}
        for name, (_, value) in zip(names, pairs, strict=True):
            evaluated = value(evaluator, context, frame)
            if evaluated is not None:
                result[name] = evaluated
        return result

    return evaluate


def _path(tree: Any) -> Closure:
    steps = tree.steps
    if tree.tuple is not None or tree.keep_singleton_array or any(map(_is_rare_step, steps)):
        return lambda evaluator, context, frame: evaluator.eval(tree, context, frame)
    whole = _steps(steps)
    if steps[0].type != "variable" or steps[0].value == "" or any(step.type != "name" for step in steps[1:]):
        return whole
    if any(step.stages for step in steps):
        return whole
    variable, names = str(steps[0].value), [str(step.value) for step in steps[1:]]

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        value = _look_up(frame, variable)
        for name in names:
            if type(value) is not dict:
                return whole(evaluator, context, frame) if isinstance(value, list | dict) else None
            if name not in value:
                return None
            value = value[name]
            if value is None:
                value = Utils.NULL_VALUE
        return value if type(value) in _SCALARS or value is Utils.NULL_VALUE else whole(evaluator, context, frame)

    return evaluate


def _is_rare_step(step: Any) -> bool:
    stages = step.stages or ()
    return (
        step.type == "sort"
        or step.tuple is not None
        or step.focus is not None
        or step.index is not None
        or any(stage.type != "filter" for stage in stages)
    )


def _steps(steps: Any) -> Closure:
    """A path as a whole: each step for each item of what the step before has found, laid flat."""
    made = [(compiled(step), step.stages or (), bool(step.consarray)) for step in steps]
    absolute, last = steps[0].type == "variable", len(made) - 1

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        sequence = context if isinstance(context, list) and not absolute else Utils.create_sequence(context)
        for at, (step, stages, constructed) in enumerate(made):
            if at == 0 and constructed:
                sequence = step(evaluator, sequence, frame)
            else:
                each = [_staged(evaluator, step(evaluator, item, frame), stages, frame) for item in sequence]
                sequence = _flat([one for one in each if one is not None], at == last)
            if not sequence:
                break
        return _one(sequence)

    return evaluate


def _staged(evaluator: Any, value: Any, stages: Any, frame: Any) -> Any:
    for stage in stages:
        value = evaluator.evaluate_filter(stage.expr, value, frame)
    return value


def _flat(nested: list[Any], is_last: bool) -> Any:
    if is_last and len(nested) == 1 and isinstance(nested[0], list) and not Utils.is_sequence(nested[0]):
        return nested[0]
    result = Utils.create_sequence()
    for one in nested:
        if isinstance(one, list) and not (isinstance(one, _List) and one.cons):
            result.extend(one)
        else:
            result.append(one)
    return result


def _function(tree: Any) -> Closure:
    procedure, arguments = compiled(tree.procedure), [compiled(argument) for argument in tree.arguments or ()]

    def evaluate(evaluator: Any, context: Any, frame: Any) -> Any:
        function = procedure(evaluator, context, frame)
        if function is None:
            # It says what is wrong.
            return _one(evaluator.evaluate_function(tree, context, frame, Utils.NONE))
        given = [argument(evaluator, context, frame) for argument in arguments]
        try:
            if type(function) is Jsonata.JNativeFunction and (missing := _as_they_are(function, given)) is not None:
                return _one(Functions._call(function.method, function.nargs, given + missing))
            if type(function) is Jsonata.JLambda:
                return _one(function.function(*given))
            return _one(evaluator.apply(function, given, context, frame))
        except JException as fault:
            if fault.location < 0:
                fault.location = tree.position
            if fault.current is None:
                fault.current = tree.token
            raise

    return evaluate


def _as_they_are(function: Any, given: list[Any]) -> list[Any] | None:
    """Returns what to add to arguments that a function takes unchanged; None if they must be converted."""
    kinds = ""
    for value in given:
        kind = _SYMBOLS.get(type(value))
        if kind is None:
            return None
        kinds += kind
    return _added(function.signature, kinds)


@lru_cache(4096)
def _added(signature: Signature, kinds: str) -> list[Any] | None:
    """Returns a None for each optional parameter that is left out; None if the arguments do not fit as they are."""
    match = signature._regex.fullmatch(kinds) if signature._regex else None
    if match is None:
        return None
    for at, parameter in enumerate(signature._params):
        matched = match.group(at + 1)
        if at < len(kinds):
            # A list is looked into where its items must be of a kind, and what is none becomes one.
            if matched != kinds[at] or (parameter.type == "a" and (matched != "a" or parameter.subtype is not None)):
                return None
        elif matched or parameter.context:
            return None
    return [None] * (len(signature._params) - len(kinds))


_MAKERS: Mapping[str, Callable[[Any], Closure]] = {
    "binary": _binary,
    "bind": _bind,
    "block": _block,
    "condition": _condition,
    "function": _function,
    "name": _name,
    "number": _literal,
    "path": _path,
    "regex": _pattern,
    "string": _literal,
    "unary": _unary,
    "value": _literal,
    "variable": _variable,
}


def install(aws: Aws) -> None:
    """Tells the kind of an argument by its type, before all else that it could be."""
    symbol_of = Signature.get_symbol

    @replaces(Signature, "get_symbol", digest="efeea4ccbc05")
    def get_symbol(self: Any, value: Any) -> str:
        return _SYMBOLS.get(type(value)) or symbol_of(self, value)
