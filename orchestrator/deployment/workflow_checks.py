"""What is wrong with a workflow before any AWS sees it, by the names of its states."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from orchestrator.asl.definition import problems
from orchestrator.asl.expressions import Jsonata
from orchestrator.stack import Stack

_INVOKE = "arn:aws:states:::lambda:invoke"


def workflow_mistakes(machine: Mapping[str, Any], stack: Stack, functions: Collection[str]) -> Iterator[str]:
    """Yields what Step Functions would refuse or fail at in a definition; ``functions`` are those of ``stack``."""
    yield from problems(machine)
    for name, state in _states(machine):
        if str(state.get("Resource", "")).startswith(_INVOKE):
            yield from _unknown_function(name, state, stack, functions)


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every state by its name, those of branches and item processors too."""
    for name, state in machine.get("States", {}).items():
        if isinstance(state, Mapping):
            yield name, state
            for inner in (*state.get("Branches", ()), state.get("ItemProcessor", {})):
                yield from _states(inner)


def _unknown_function(name: str, state: Mapping[str, Any], stack: Stack, functions: Collection[str]) -> Iterator[str]:
    arguments = state.get("Arguments")
    called = arguments.get("FunctionName") if isinstance(arguments, Mapping) else None
    # What an expression makes, or a function that is somebody else's, is not known here.
    if not isinstance(called, str) or isinstance(called, Jsonata) or called.startswith("arn:"):
        return
    function = called.removeprefix(stack.function_prefix)
    if not called.startswith(stack.function_prefix) or function not in functions:
        close = get_close_matches(function, functions, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there is: {', '.join(sorted(functions))}"
        yield f"{name} calls the function {function!r}, which there is not; {hint}"
