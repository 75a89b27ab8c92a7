"""One state of a workflow, on its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.asl.definition import Definition
from orchestrator.local.aws.server import EmbeddedAws


@dataclass(frozen=True, kw_only=True)
class StateOutcome:
    """The outcome of a state, as TestState says it."""

    #: ``SUCCEEDED``, ``FAILED``, ``RETRIABLE`` or ``CAUGHT_ERROR``.
    status: str
    output: Any = None
    error: str = ""
    cause: str = ""
    #: The state that comes next; empty if none does.
    next_state: str = ""
    variables: Mapping[str, Any]


def run_state(
    aws: EmbeddedAws,
    definition: Definition,
    name: str,
    input: Any = None,  # noqa: A002 # Step Functions' own word
    *,
    variables: Mapping[str, Any] | None = None,
    result: Any = None,
    fault: tuple[str, str] | None = None,
) -> StateOutcome:
    """Runs the state ``name`` of ``definition`` on ``input``, and nothing else of it.

    A Task state is not called: ``result`` is what its service answers, or ``fault``, an error and its cause. ``aws``
    answers as TestState of AWS does ("Using TestState API to test a state in Step Functions").
    """
    written = definition.to_dict()
    state = written["States"][name]
    if language := written.get("QueryLanguage"):
        state = {"QueryLanguage": language, **state}
    given: dict[str, Any] = {}
    if fault:
        given["mock"] = {"errorOutput": {"error": fault[0], "cause": fault[1]}}
    elif state["Type"] in ("Task", "Map", "Parallel"):
        given["mock"] = {"result": json.dumps({} if result is None else result)}
    answer = aws.client("stepfunctions").test_state(
        definition=json.dumps(state),
        input=json.dumps({} if input is None else input),
        variables=json.dumps(dict(variables or {})),
        inspectionLevel="DEBUG",
        **given,
    )
    inspected = answer.get("inspectionData", {})
    return StateOutcome(
        status=answer["status"],
        output=json.loads(answer["output"]) if "output" in answer else None,
        error=answer.get("error", ""),
        cause=answer.get("cause", ""),
        next_state=answer.get("nextState", ""),
        variables=json.loads(inspected.get("variables") or "{}"),
    )
