"""JSONPath as Step Functions has it: a path that can lead to one place only gives the value that is there.

moto makes a list of what lies behind an index (``$.lines[1].n``), and reads every path anew each time it is asked for.
What fails in an intrinsic function or a choice has no error of its own there, and StringMatches reads ``?`` and ``[``.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from jsonpath_ng.ext.parser import parse
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringIntrinsicFunction
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations.string_operators import (
    StringMatches,
)
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.utils import json_path

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures

#: A wildcard, a descent, a filter, a slice or a union: what may lead to several places.
_SEVERAL = re.compile(r"\*|\.\.|\?\(|\[[^\]'\"]*[:,][^\]]*\]")

#: Of a pattern: a star or a backslash that is meant, and a star that stands for anything.
_PATTERN = re.compile(r"\\([*\\])|(\*)")

_read = functools.lru_cache(1024)(parse)


def install(aws: Aws) -> None:
    """Replaces how moto follows a path, in each module that has it under its name."""
    follow = json_path.extract_json

    def extract_json(path: str, data: Any) -> Any:
        if not _SEVERAL.search(path) and (matches := _read(path).find(data)):
            return matches[0].value
        return follow(path, data)

    for module in [m for name, m in sys.modules.items() if name.startswith("moto.stepfunctions.parser")]:
        if vars(module).get("extract_json") is follow:
            replaces(module, "extract_json", digest="0d79f1ca93a4")(extract_json)
    replaces(json_path, "parse", digest="c31392959863")(_read)

    def matches(variable: Any, pattern: str) -> bool:
        return isinstance(variable, str) and _regex(pattern).fullmatch(variable) is not None

    replaces(StringMatches, "_compare", digest="340491abf123")(staticmethod(matches))

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

    choose = StateChoice._eval_state

    @replaces(StateChoice, "_eval_state", digest="3cde9fc3d99d")
    def eval_choice(self: Any, env: Any) -> None:
        try:
            choose(self, env)
        except RuntimeError as fault:
            if not str(fault.args[0]).startswith("No branching option"):
                raise
            cause = "No rule holds, and there is no default."
            raise failures.runtime_error(env, cause, StatesErrorNameType.StatesNoChoiceMatched) from fault


@functools.lru_cache(256)
def _regex(pattern: str) -> re.Pattern[str]:
    """Of StringMatches: a star stands for anything, and one behind a backslash for itself."""
    parts, at = [], 0
    for token in _PATTERN.finditer(pattern):
        parts += [re.escape(pattern[at : token.start()]), re.escape(token[1]) if token[1] else ".*"]
        at = token.end()
    return re.compile("".join([*parts, re.escape(pattern[at:])]), re.DOTALL)
