"""What the interpreter does for every part of every state, at the least cost.

moto copies each state's data with ``copy.deepcopy``, which keeps account of every object; reads a ResultPath anew each
time; makes an encoder for each JSON text; and asks of each part of a definition how to log it.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from jsonpath_ng.parser import parse
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.path.result_path import ResultPath
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service
from moto.stepfunctions.parser.asl.eval import environment, states
from moto.stepfunctions.parser.asl.eval.event import event_manager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_SCALARS = frozenset({str, int, float, bool, type(None)})


def copied(value: Any) -> Any:
    """A copy of a JSON value; of anything else, what deepcopy makes of it."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict:
        return {name: copied(inner) for name, inner in value.items()}
    if kind is list:
        return [copied(inner) for inner in value]
    if kind is ProgramRunning:
        return copy.copy(value)
    return copy.deepcopy(value)


def _eval(self: Any, env: Any) -> None:
    state = env._program_state
    if isinstance(state, ProgramRunning):
        name = self._field_name()
        if name is not None:
            state.next_field_name = name
        self._eval_body(env)


def install(aws: Aws) -> None:
    """Replaces copying, reading and writing."""
    copying = type("copy", (), {"copy": staticmethod(copy.copy), "deepcopy": staticmethod(copied)})
    for module in (environment, event_manager, execute_state, state_task_service, states, string_expression):
        replaces(module, "copy", digest="6f5a6034e770")(copying)
    replaces(EvalComponent, "eval", digest="2e70bd0b4ca1")(_eval)
    replaces(result_path, "parse", digest="fc7b6dcd7994")(lru_cache(1024)(parse))
    put = ResultPath._eval_body

    @replaces(ResultPath, "_eval_body", digest="f2f6376f4774")
    def eval_body(self: Any, env: Any) -> None:
        # What is put in the place of all is all.
        if self.result_path_src != ResultPath.DEFAULT_PATH:
            put(self, env)
