"""Choices of states that speak JSONPath.

For moto a comparison of what is not there does not hold, one of two kinds of value is an error of Python's,
StringMatches reads ``?`` and ``[``, a timestamp has no offset, and a state in which no rule holds fails in Python's
words.
"""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_variable import ComparisonVariable
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations.is_operator import (
    IsTimestamp,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations.string_operators import (
    StringMatches,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.utils import json_path

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures

#: Of a pattern: a star or a backslash that is meant, and a star that stands for anything.
_PATTERN = re.compile(r"\\([*\\])|(\*)")

#: Date and time with an offset, as far as Python takes more than RFC 3339 does.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")


#: Where no rule holds and there is no Default. "Handling errors in Step Functions workflows" calls that
#: States.NoChoiceMatched; AWS was measured to answer with States.Runtime (floci-io/floci#3167).
_NO_WAY = "Failed to transition out of the state. The state does not point to a next state."


def install(aws: Aws) -> None:
    """Compares and fails as AWS does."""

    def matches(variable: Any, pattern: str) -> bool:
        return isinstance(variable, str) and _regex(pattern).fullmatch(variable) is not None

    replaces(StringMatches, "_compare", digest="340491abf123")(staticmethod(matches))
    _comparisons()
    choose = StateChoice._eval_state

    @replaces(StateChoice, "_eval_state", digest="3cde9fc3d99d")
    def eval_choice(self: Any, env: Any) -> None:
        try:
            choose(self, env)
        except RuntimeError as fault:
            if not str(fault.args[0]).startswith("No branching option"):
                raise
            raise failures.runtime_error(env, _NO_WAY) from fault


@functools.lru_cache(256)
def _regex(pattern: str) -> re.Pattern[str]:
    """Compiles a pattern of StringMatches: a star stands for anything, an escaped one for itself."""
    parts, at = [], 0
    for star in _PATTERN.finditer(pattern):
        parts += [re.escape(pattern[at : star.start()]), re.escape(star[1]) if star[1] else ".*"]
        at = star.end()
    return re.compile("".join([*parts, re.escape(pattern[at:])]), re.DOTALL)


def _moment(text: Any) -> datetime | None:
    """An RFC 3339 timestamp; None if it is none. moto knows no offsets and no fractions of a second."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) and _MOMENT.match(text) else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else moment


def _comparisons() -> None:
    """A comparison of what is not there fails the execution, and one of different kinds does not hold.

    "If the state input doesn't contain the $.type field, the execution fails" ("Choice workflow state"). The sentence
    is the one that people report. IsPresent alone asks whether something is there ("Amazon States Language").
    """
    replaces(IsTimestamp, "string_to_timestamp", digest="f7d96451dd44")(staticmethod(_moment))
    replaces(IsTimestamp, "eval", digest="6d644ba2a089")(
        staticmethod(lambda env, value: env.stack.append((_moment(env.stack.pop()) is not None) is value))
    )

    @replaces(ComparisonVariable, "_eval_body", digest="313919b8266f")
    def compare(self: Any, env: Any) -> None:
        self.variable.eval(env)
        operator = self.comparison_function.operator_type
        if isinstance(env.stack[-1], NoSuchVariable) and operator != ComparisonOperatorType.IsPresent:
            raise _nothing_at(env, self.variable.string_sampler.literal_value)
        try:
            self.comparison_function.eval(env)
        except json_path.NoSuchJsonPathError as fault:
            raise _nothing_at(env, fault.json_path) from fault
        except TypeError:
            # Of a text and a number, say, none of which is less.
            env.stack.append(False)


def _nothing_at(env: Any, path: str) -> FailureEventException:
    why = "The choice state's condition path references an invalid value."
    return failures.runtime_error(env, f"Invalid path '{path}': {why}")
