"""Variables where states speak JSONPath.

moto has ``$name`` and ``$name.path[0]`` evaluated as JSONata, by a bridge that is not there. What follows the name is a
JSONPath into the variable's value ("Passing data between states with variables").
"""

from __future__ import annotations

import copy
import re
from typing import Any

from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringVariableSample
from moto.stepfunctions.parser.asl.eval.variable_store import NoSuchVariable
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures

_REFERENCE = re.compile(r"\$(?P<name>[^.\[\]]+)(?P<path>.*)", re.DOTALL)


def _value(store: Any, expression: str) -> Any:
    """Returns the value of ``$name.path``. Raises moto's NoSuchVariable, NoSuchJsonPathError."""
    reference = _REFERENCE.fullmatch(expression)
    if reference is None:
        raise NoSuchVariable(expression)
    value = store.get(reference["name"])
    return copy.deepcopy(json_path.extract_json(f"${reference['path']}", value) if reference["path"] else value)


def install(aws: Aws) -> None:
    """Reads variables as values."""

    @replaces(StringVariableSample, "_eval_body", digest="357c4c7da623")
    def eval_body(self: Any, env: Any) -> None:
        try:
            env.stack.append(_value(env.variable_store, self.expression))
        except (NoSuchVariable, NoSuchJsonPathError) as fault:
            field = f"specified for the field '{env.next_field_name}'"
            cause = f"The variable path '{self.expression}' {field} could not be found"
            raise failures.runtime_error(env, cause) from fault
