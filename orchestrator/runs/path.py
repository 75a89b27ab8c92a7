"""The path of an execution through its states, from the events of its history ("GetExecutionHistory").

An event names the one before it. So the states that Map and Parallel run at the same time can be told apart, however
their events are mixed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: Events that end the state that they belong to badly: ``TaskFailed``, ``LambdaFunctionTimedOut``, …
_FAULTS = ("Failed", "TimedOut", "Aborted")

#: Of a call of a function that failed: "Python function errors" of Lambda's guide, and the words of its own errors.
_REQUEST = re.compile(r'"requestId":\s*"([0-9a-f-]{36})"|RequestId: ([0-9a-f-]{36})')


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """A call of a Lambda function."""

    #: As the state named it: a name or an ARN.
    function: str
    #: What Lambda's log calls it; None while it goes on, and where nobody says.
    request_id: str | None = None
    #: Where nobody says: when it was given up, as of a timeout. Until then it had not ended.
    given_up: datetime | None = None


@dataclass(kw_only=True)
class Visit:
    """One stay in a state."""

    state: str
    entered: datetime
    #: How many states of Map and Parallel it is within.
    depth: int = 0
    #: JSON text: what came in, what its call was given and has answered, what went out.
    input: str = ""
    asked: str = ""
    answer: str = ""
    output: str = ""
    left: datetime | None = None
    #: How often its call was begun: a state's own retrier may do so again.
    attempts: int = 0
    error: str = ""
    cause: str = ""
    invocations: list[Invocation] = field(default_factory=list)
    #: ARNs of nested executions that it has started.
    children: list[str] = field(default_factory=list)
    #: The state of Map or Parallel that it is within.
    within: Visit | None = None


def path(events: Iterable[Mapping[str, Any]]) -> list[Visit]:
    """Returns every visit, in the order in which states were entered."""
    visits: list[Visit] = []
    of_event: dict[int, Visit | None] = {}
    kinds: dict[int, str] = {}
    entered_after: dict[tuple[int, str], Visit] = {}
    for event in events:
        kind, before = event["type"], of_event.get(event["previousEventId"])
        if kind == "EvaluationFailed":
            # It names the event before its state was entered as the one before it, and the state.
            state = event["evaluationFailedEventDetails"].get("state", "")
            before = entered_after.get((event["previousEventId"], state), before)
        if kind.endswith("StateEntered"):
            before = _entered(event, before, kinds.get(event["previousEventId"], ""))
            entered_after[event["previousEventId"], before.state] = before
            visits.append(before)
        elif before := _owner(kind, before):
            _add(before, event)
        of_event[event["id"]], kinds[event["id"]] = before, kind
    return visits


def _entered(event: Mapping[str, Any], before: Visit | None, kind_before: str) -> Visit:
    details = event["stateEnteredEventDetails"]
    # After the exit of another state it stands beside that one; after the start of Map or Parallel, within it.
    within = before if before and not kind_before.endswith("Exited") else before and before.within
    return Visit(
        state=details["name"],
        entered=event["timestamp"],
        input=details.get("input", ""),
        depth=within.depth + 1 if within else 0,
        within=within,
    )


def _owner(kind: str, before: Visit | None) -> Visit | None:
    """Returns the visit that the event after one of ``before`` belongs to."""
    ends_block = kind.startswith(("MapIteration", "MapState", "MapRun", "ParallelState")) and not kind.endswith(
        ("Started", "Exited")
    )
    if before and before.left and (ends_block or kind.endswith("Exited")):
        return before.within
    return before


def _add(visit: Visit, event: Mapping[str, Any]) -> None:
    kind: str = event["type"]
    details: Mapping[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    if kind.endswith("StateExited"):
        visit.left, visit.output = event["timestamp"], details.get("output", "")
    elif kind in ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled"):
        visit.attempts += 1
        visit.asked = details.get("parameters", "") or details.get("input", "")
        function = details.get("resource", "") if kind.startswith("Lambda") else _function(details)
        if function:
            visit.invocations.append(Invocation(function=function))
    elif kind.endswith(_FAULTS) and not kind.startswith("Execution"):
        visit.error, visit.cause = details.get("error", ""), details.get("cause", "")
        _answered(visit, _request_of(visit.cause), event["timestamp"])
        visit.children += _child(visit.cause)
    elif kind in ("TaskSucceeded", "TaskSubmitted"):
        visit.error = visit.cause = ""
        visit.answer = details.get("output", "")
        output = _object(details.get("output"))
        _answered(visit, output.get("SdkResponseMetadata", {}).get("RequestId"), event["timestamp"])
        visit.children += [arn for arn in [output.get("ExecutionArn")] if arn and arn not in visit.children]


def _function(details: Mapping[str, Any]) -> str:
    if details.get("resourceType") != "lambda":
        return ""
    return str(_object(details.get("parameters")).get("FunctionName", ""))


def _answered(visit: Visit, request_id: str | None, at: datetime) -> None:
    if visit.invocations:
        given_up = None if request_id else at
        function = visit.invocations[-1].function
        visit.invocations[-1] = Invocation(function=function, request_id=request_id, given_up=given_up)


def _request_of(cause: str) -> str | None:
    match = _REQUEST.search(cause)
    return (match[1] or match[2]) if match else None


def _child(cause: str) -> list[str]:
    match = re.search(r'"ExecutionArn":\s*"([^"]+)"', cause)
    return [match[1]] if match else []


def _object(text: str | None) -> Mapping[str, Any]:
    """Reads an object of JSON text; empty if the text is cut or no object."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}
