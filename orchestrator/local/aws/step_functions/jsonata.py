"""JSONata in Step Functions' interpreter.

moto hands every expression to a Java bridge that is not there, with all variables written into its source. Here
`jsonata-python` parses each expression once, :mod:`closures` makes a function of it, and variables are bound as
values: text with quotes in it stays text.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import closures, failures


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """An evaluation that succeeded, and all that it depended on."""

    expression: str
    bindings: Mapping[str, Any]
    #: The time, since 1970.
    milliseconds: int
    #: What ``$random`` and ``$uuid`` gave, in order.
    drawn: tuple[float | str, ...]
    result: Any


@dataclass(frozen=True, kw_only=True)
class _Parsed:
    """An expression: the library's evaluator of it, and the function that it became."""

    evaluator: Jsonata
    closure: closures.Closure
    #: It asks for the time, or for chance.
    asks_now: bool


#: What :func:`watch` was given.
_watchers: list[Callable[[Evaluation], None]] = []

#: Functions whose value is another each time.
_OF_NOW = re.compile(r"\$(random|uuid|millis|now)\b")

_parsed: dict[str, _Parsed] = {}
_parsing = threading.Lock()

_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class EvaluationFailed(Exception):
    """An expression failed, or gave nothing: Step Functions' ``States.QueryEvaluationError``."""

    def __init__(self, expression: str, what: str) -> None:
        self._expression, self._what = expression, what
        super().__init__(self.told(None))

    def told(self, field: str | None) -> str:
        """Returns AWS's cause for it; ``field`` is the field of the state that holds the expression."""
        place = f" specified for the field '{field}'" if field else ""
        return f"The JSONata expression '{self._expression}'{place} {self._what}"


def _hash(value: str, algorithm: str) -> str:
    return hashlib.new(_HASHES[algorithm], value.encode()).hexdigest()


def _range(first: float, last: float, step: float) -> Any:
    """The numbers from ``first`` to ``last``; one number is that number, as JSONata has it of every sequence."""
    # Rounded, for (0.3 - 0) / 0.1 is a little less than 3.
    steps = round((last - first) / step, 9)
    numbers = [first + index * step for index in range(int(steps) + 1)] if steps >= 0 else []
    return numbers[0] if len(numbers) == 1 else numbers


def _no_eval(*_arguments: Any) -> None:
    raise RuntimeError("Step Functions has no $eval")


#: Functions that Step Functions adds to JSONata ("Transforming data with JSONata in Step Functions").
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "eval": _no_eval,
    "hash": _hash,
    "parse": json.loads,
    "partition": lambda array, size: [array[i : i + size] for i in range(0, len(array), size)],
    "range": _range,
}


#: Those, and ``$$``, of which an expression of Step Functions has nothing.
_bound: Mapping[str, Any] = {"$": None, **{name: Jsonata.JLambda(function) for name, function in FUNCTIONS.items()}}


def _of_now(now: datetime, milliseconds: int, drawn: list[float | str]) -> dict[str, Any]:
    """Functions of one evaluation: the time, and chance, which is kept in ``drawn``."""

    def draw(seed: int | None = None) -> float:
        drawn.append(number := random.Random(seed).random())
        return number

    def made_up() -> str:
        drawn.append(text := str(uuid.uuid4()))
        return text

    def text() -> str:
        return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    functions: Mapping[str, Callable[..., Any]] = {
        "random": draw,
        "uuid": made_up,
        "millis": lambda: milliseconds,
        "now": text,
    }
    return {name: Jsonata.JLambda(function) for name, function in functions.items()}


def _parse(expression: str) -> _Parsed:
    """Raises the library's JException."""
    with _parsing:
        if expression not in _parsed:
            evaluator = Jsonata(expression)
            _parsed[expression] = _Parsed(
                evaluator=evaluator,
                closure=closures.compiled(evaluator.ast),
                asks_now=_OF_NOW.search(expression) is not None,
            )
        return _parsed[expression]


def _plain(value: Any) -> Any:
    """A result as JSON has it: no list that remembers how it came to be, and whole numbers without a point.

    Raises TypeError for what JSON has not: functions, regular expressions.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool:
        return value
    if kind is dict:
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(inner) for inner in value]
    if kind is float:
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if value is None or value is Utils.NULL_VALUE:
        return None
    raise TypeError


def _said(fault: Exception) -> str:
    """Words a fault as the reference JSONata does: ``T1006: Attempted to invoke a non-function``."""
    code = getattr(fault, "error", None)
    return f"{code}: {fault}" if code and not str(fault).startswith(code) else str(fault)


def evaluate(expression: str, bindings: Mapping[str, Any], now: datetime) -> Any:
    """The value of ``expression`` where ``$name`` is ``bindings["name"]``. Raises :class:`EvaluationFailed`."""
    drawn: list[float | str] = []
    milliseconds = int(now.timestamp() * 1000)
    try:
        parsed = _parsed.get(expression) or _parse(expression)
        # The library's evaluator keeps state while it works, and finds itself through its thread.
        evaluator = Jsonata.CURRENT.jsonata = object.__new__(Jsonata)
        evaluator.__dict__.update(parsed.evaluator.__dict__)
        frame = Jsonata.Frame(parsed.evaluator.environment)
        frame.bindings = {**_bound, **_of_now(now, milliseconds, drawn)} if parsed.asks_now else dict(_bound)
        for name, value in bindings.items():
            frame.bindings[name] = Utils.NULL_VALUE if value is None else value
        result = parsed.closure(evaluator, None, frame)
    except Exception as fault:
        raise EvaluationFailed(expression, f"threw an error during evaluation. {_said(fault)}") from fault
    if result is None:
        raise EvaluationFailed(expression, "returned nothing (undefined).")
    try:
        value = _plain(result)
    except TypeError:
        raise EvaluationFailed(expression, "returned an unsupported result type.") from None
    for watcher in _watchers:
        seen = {name: copy.deepcopy(bound) for name, bound in bindings.items()}
        watcher(
            Evaluation(
                expression=expression,
                bindings=seen,
                milliseconds=milliseconds,
                drawn=tuple(drawn),
                result=value,
            )
        )
    return value


def watch(watcher: Callable[[Evaluation], None]) -> Callable[[], None]:
    """Calls ``watcher`` with each evaluation that succeeds, until what it returns is called."""
    _watchers.append(watcher)
    return lambda: _watchers.remove(watcher)


def install(aws: Aws) -> None:
    """Evaluates the expressions of definitions."""

    @replaces(StringJSONata, "_eval_body", digest="548d8c7d282a")
    def eval_body(self: Any, env: Any) -> None:
        store = env.variable_store
        bindings = {"states": env.states._states_data, **store._outer_scope, **store._inner_scope}
        try:
            env.stack.append(evaluate(self.expression, bindings, aws.clock.now()))
        except EvaluationFailed as fault:
            definition = getattr(env.event_manager, "definition", None)
            field = failures.field_of(definition, env.next_state_name, self.expression) if definition else None
            raise failures.evaluation_failed(env, fault.told(field), field) from fault
