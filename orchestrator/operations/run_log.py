"""What a run has logged: the lines of the functions that it has called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby

from orchestrator.runs.execution_end import is_express
from orchestrator.runs.path import Invocation
from orchestrator.runs.run import Run
from orchestrator.stack import Stack
from orchestrator.stores.function_logs import FunctionLogs, LogLine
from orchestrator.stores.histories import Histories
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import TargetKind

#: The last lines of a run come so long after its end.
LATE = timedelta(seconds=10)

#: The error of a call that was not answered in time, whose id nobody is told.
_TIMED_OUT = "States.Timeout"

#: The clocks of Lambda and Step Functions may differ.
_MARGIN = timedelta(seconds=1)


def invocations(run: Run, histories: Histories, registry: Registry, stack: Stack) -> Iterator[Invocation]:
    """What the run has called; where no history says, its task's function, by the ids in the row, and, while it goes
    on or where a call has timed out, by the time alone.
    """
    visits = histories.path(run.execution_arn) if run.execution_arn else []
    # The log of an Express execution holds no data: neither what was called nor what a call was named.
    if visits is not None and not is_express(run.execution_arn):
        yield from histories.invocations(visits)
        return
    record = registry.get(run.task_id)
    if record and record.task.target.kind is TargetKind.LAMBDA:
        function = stack.function(record.task.target.name)
        yield from (Invocation(function=function, request_id=one) for one in run.request_ids)
        timed_out = [visit.left for visit in visits or () if visit.error == _TIMED_OUT]
        ended = datetime.fromisoformat(run.ended_at) if run.ended_at else None
        never_called = ended and not run.attempts
        unnamed = timed_out or ([] if run.request_ids or never_called else [ended])
        yield from (Invocation(function=function, given_up=at) for at in unnamed)


def lines(run: Run, calls: Iterable[Invocation], logs: FunctionLogs) -> list[LogLine]:
    """The lines of these calls, call after call, in the order in which they began."""
    if not run.started_at:
        return []
    since = datetime.fromisoformat(run.started_at) - _MARGIN
    until = datetime.fromisoformat(run.ended_at) + LATE if run.ended_at else None
    matching: list[LogLine] = []
    for function, some in groupby(sorted(calls, key=lambda call: call.function), key=lambda call: call.function):
        named = list(some)
        logged = list(logs.lines(function, since, until))
        ids = {call.request_id for call in named} | _open_at([call for call in named if not call.request_id], logged)
        matching += [line for line in logged if line.request_id in ids]
    first = {line.request_id: line.at for line in reversed(matching)}
    return sorted(matching, key=lambda line: first[line.request_id])


def _open_at(unnamed: Iterable[Invocation], logged: Iterable[LogLine]) -> set[str | None]:
    """The ids of calls that had begun and not ended when an unnamed one was given up, or have not ended yet: one of
    them is it.
    """
    begun, reported = dict[str, datetime](), dict[str, datetime]()
    for line in logged:
        at = datetime.fromtimestamp(line.at / 1000, UTC)
        begun.setdefault(line.request_id, at)
        if line.is_report:
            reported[line.request_id] = at

    def is_open(one: str, given_up: datetime | None) -> bool:
        if given_up is None:
            return one not in reported
        return begun[one] <= given_up + _MARGIN and reported.get(one, given_up) >= given_up - _MARGIN

    return {one for call in unnamed for one in begun if is_open(one, call.given_up)}
