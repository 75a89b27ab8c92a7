"""Intrinsic functions of states that speak JSONPath.

What fails in one has no error of its own in moto; its ranges do not count down, its random numbers end with the last
and its arrays begin again behind their end.
"""

from __future__ import annotations

import random
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringIntrinsicFunction
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.array.array_get_item import ArrayGetItem
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.array.array_range import ArrayRange
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.math_operations.math_random import (
    MathRandom,
)
from moto.stepfunctions.parser.asl.utils import json_path

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures

#: "The newly generated array can't contain more than 1000 items" (States.ArrayRange).
_MOST_ITEMS = 1_000


def install(aws: Aws) -> None:
    """Computes and fails as AWS does."""
    _functions()
    call = StringIntrinsicFunction._eval_body

    @replaces(StringIntrinsicFunction, "_eval_body", digest="b64e16701549")
    def eval_function(self: Any, env: Any) -> None:
        try:
            call(self, env)
        except (FailureEventException, json_path.NoSuchJsonPathError):
            raise
        except Exception as fault:
            cause = f"The function '{self.intrinsic_function_derivation}' had the following error: {fault}"
            raise failures.runtime_error(env, cause, StatesErrorNameType.StatesIntrinsicFailure) from fault


def _functions() -> None:
    """Arguments of intrinsic functions ("Intrinsic functions for JSONPath states in Step Functions")."""

    @replaces(ArrayRange, "_eval_body", digest="bb2d90f6f017")
    def array_range(self: Any, env: Any) -> None:
        first, last, step = (round(number) for number in _arguments(self, env))
        numbers = range(first, last + (1 if step > 0 else -1), step)
        if len(numbers) > _MOST_ITEMS:
            raise ValueError(f"an array of {len(numbers)} items; {_MOST_ITEMS} are possible")
        env.stack.append(list(numbers))

    @replaces(ArrayGetItem, "_eval_body", digest="80d9c03df70a")
    def array_get_item(self: Any, env: Any) -> None:
        array, index = _arguments(self, env)
        if not isinstance(array, list) or not isinstance(index, int) or not 0 <= index < len(array):
            raise ValueError(f"no item {index} of the array")
        env.stack.append(array[index])

    @replaces(MathRandom, "_eval_body", digest="f97caafd426d")
    def math_random(self: Any, env: Any) -> None:
        """Draws a number from the first (inclusive) to the second (exclusive); the third is the seed."""
        first, last, *seed = _arguments(self, env)
        env.stack.append(random.Random(*seed).randrange(round(first), round(last)))


def _arguments(function: Any, env: Any) -> list[Any]:
    function.argument_list.eval(env=env)
    given: list[Any] = env.stack.pop()
    return given
