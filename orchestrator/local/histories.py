"""What GetExecutionHistory says: pages, the newest first, without data, and the text of the input as it was given.

moto answers with the whole history, oldest first, and writes the input anew.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.state_pass.state_pass import StatePass
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.replacements import replaces

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws

#: "The default is 100 and the maximum allowed page size is 1000" ("GetExecutionHistory").
_PAGE, _LARGEST_PAGE = 100, 1_000

#: Fields of an event's details that hold data of the execution.
_DATA = frozenset({"input", "output", "parameters", "assignedVariables"})


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {field: inner for field, inner in value.items() if field not in _DATA}
        if isinstance(value, dict)
        else value
        for name, value in event.items()
    }


def _get(self: Any) -> Any:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    events = execution.exec_worker.env.event_manager.get_event_history()
    if self._get_param("reverseOrder"):
        events = events[::-1]
    if self._get_param("includeExecutionData") is False:
        events = [_without_data(event) for event in events]
    token = self._get_param("nextToken")
    start = int(base64.b64decode(token)) if token else 0
    end = start + min(int(self._get_param("maxResults") or _PAGE), _LARGEST_PAGE)
    following = base64.b64encode(str(end).encode()).decode() if end < len(events) else None
    return ActionResult({"events": events[start:end], "nextToken": following})


def _as_given(whole: Callable[..., Any], field: str) -> Callable[..., Any]:
    """The details of a state that has the execution's own input, in the words of whoever started it."""

    def details(self: Any, env: Any) -> Any:
        told = whole(self, env)
        given = getattr(env.event_manager, "given", None)
        handed_on = field == "input" or isinstance(self, StatePass)
        if given and handed_on and told[field] == given[1]:
            told[field] = given[0]
        return told

    return details


def install(aws: EmbeddedAws) -> None:
    """Replaces GetExecutionHistory."""
    replaces(StepFunctionResponse, "get_execution_history", digest="8acad13ba7f2")(_get)
    state = CommonStateField
    entered, exited = state._get_state_entered_event_details, state._get_state_exited_event_details
    replaces(state, "_get_state_entered_event_details", digest="a85e2ebd9066")(_as_given(entered, "input"))
    replaces(state, "_get_state_exited_event_details", digest="48deff343fe3")(_as_given(exited, "output"))
