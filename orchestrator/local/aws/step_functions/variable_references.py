"""Which variables each state of a definition reads: ``variableReferences`` of DescribeStateMachine.

As recorded of AWS by LocalStack (test_base_variable_references_in_assign_templates, 2024-11 to 2025-01): by state, the
names in order; a state that reads none is left out, and so is everything where no state speaks JSONPath.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.local.aws.step_functions.values import JSONPATH

_NESTED = ("Branches", "ItemProcessor", "Iterator")

_TEXT = re.compile(r"'(?:\\.|[^'\\])*'")

#: A variable, but not the context object: ``$order`` of ``$order.lines[0]``, nothing of ``$$.Execution``.
_VARIABLE = re.compile(r"(?<!\$)\$([A-Za-z_]\w*)")


@functools.lru_cache(256)
def references(definition: str) -> Mapping[str, Sequence[str]]:
    """Returns the variables that each state's JSONPath fields read, by the state's name."""
    machine = json.loads(definition)
    return dict(_of_machine(machine, str(machine.get("QueryLanguage", JSONPATH))))


def _of_machine(machine: Mapping[str, Any], language: str) -> Iterator[tuple[str, Sequence[str]]]:
    for name, state in machine["States"].items():
        if state.get("QueryLanguage", language) == JSONPATH:
            own = {field: value for field, value in state.items() if field not in _NESTED}
            if read := sorted({variable for text in _paths(own) for variable in _VARIABLE.findall(text)}):
                yield name, read
        for field in _NESTED:
            inner = state.get(field, [])
            for one in inner if isinstance(inner, list) else [inner]:
                yield from _of_machine(one, language)


def _paths(value: Any) -> Iterator[str]:
    """Each path or intrinsic function in a state, without the texts in it."""
    if isinstance(value, list):
        for inner in value:
            yield from _paths(inner)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, str) and name.endswith((".$", "Path", "Variable")):
                yield _TEXT.sub("", inner)
            else:
                yield from _paths(inner)
