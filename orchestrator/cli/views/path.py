"""The path of an execution through its states, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from orchestrator.instants import to_millisecond
from orchestrator.runs.path import Visit

#: As much of an input or an output as is shown where it is not asked for in full.
_LENGTH = 300


def path_lines(visits: Sequence[Visit], *, full: bool) -> Iterator[Text]:
    """Yields a line for each visit to a state, and below it the request and the response of its call."""
    width = max((2 * visit.depth + len(visit.state) for visit in visits), default=0)
    for visit in visits:
        name = f"{'  ' * visit.depth}{visit.state}"
        line = Text(f"{visit.entered:%H:%M:%S.%f}"[:-3] + f"  {name:<{width}}  {_took(visit):>10}")
        if visit.attempts > 1:
            line.append(f"  {visit.attempts} attempts")
        if visit.error:
            line.append(f"  {visit.error}{', caught' if visit.left else ''}", style="" if visit.left else "red")
        yield line
        for label, text in _data(visit, full=full):
            shown = text if full or len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
            yield Text(f"{'':14}{'  ' * visit.depth}{label} ", style="dim").append(shown, style="dim")


def path_values(execution_arn: str, visits: Sequence[Visit]) -> Iterator[dict[str, Any]]:
    """Yields each stay in a state as ``--json`` prints it."""
    for visit in visits:
        yield {
            "executionArn": execution_arn,
            "state": visit.state,
            "depth": visit.depth,
            "enteredAt": to_millisecond(visit.entered),
            "leftAt": to_millisecond(visit.left) if visit.left else None,
            "attempts": visit.attempts,
            "input": visit.input,
            "asked": visit.asked,
            "answer": visit.answer,
            "output": visit.output,
            "error": visit.error or None,
            "cause": visit.cause or None,
        }


def _took(visit: Visit) -> str:
    return f"{(visit.left - visit.entered).total_seconds():.3f} s" if visit.left else "…"


def _data(visit: Visit, *, full: bool) -> Iterator[tuple[str, str]]:
    """Yields the input and output of calls of functions and workflows; of every state if ``full``."""
    if full:
        told = {"input": visit.input, "asked": visit.asked, "answer": visit.answer, "output": visit.output}
    else:
        told = {"given": _part(visit.asked, "Payload", "Input"), "gave": _part(visit.answer, "Payload", "Output")}
    for label, text in told.items():
        if text and text != "{}":
            yield label, text
    # An expression whose failure is caught is how a state says that another is to go on.
    if visit.cause and (full or not (visit.left and visit.error == "States.QueryEvaluationError")):
        yield "cause", visit.cause


def _part(text: str, *names: str) -> str:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return ""
    part = next((value[name] for name in names if isinstance(value, dict) and name in value), None)
    return "" if part is None else json.dumps(part, ensure_ascii=False)
