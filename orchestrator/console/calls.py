"""What a run has logged, call by call of its functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from orchestrator.runs.run import Run
from orchestrator.stores.function_logs import LogLine


@dataclass(frozen=True, kw_only=True)
class Call:
    """The lines of one call, each with its time."""

    title: str
    #: By which an address names it.
    anchor: str
    function: str
    request_id: str
    lines: tuple[str, ...]


def calls(run: Run, lines: Iterable[LogLine]) -> list[Call]:
    """One after the other; which attempt of the slot each was, the ids in the row say."""
    first = run.attempts - len(run.request_ids) + 1
    attempts = {request_id: first + number for number, request_id in enumerate(run.request_ids)}
    by_call = groupby(lines, key=lambda line: (line.function, line.request_id))
    return [
        _call(number, function, request_id, attempts.get(request_id), some)
        for number, ((function, request_id), some) in enumerate(by_call, start=1)
    ]


def _call(number: int, function: str, request_id: str, attempt: int | None, lines: Iterable[LogLine]) -> Call:
    return Call(
        title=f"Attempt {attempt}" if attempt else f"Call {number}",
        anchor=f"attempt-{attempt}" if attempt else f"call-{number}",
        function=function,
        request_id=request_id,
        lines=tuple(f"{_time(line.at)}  {line.text}" for line in lines),
    )


def _time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%H:%M:%S.%f}"[:12]
