"""What a run has logged: the lines of the functions that it has called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
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

#: The clocks of Lambda and Step Functions may differ.
_MARGIN = timedelta(seconds=1)


def invocations(run: Run, histories: Histories, registry: Registry, stack: Stack) -> Iterator[Invocation]:
    """What the run has called; where no history says, its task's function, by the ids in the row, or, while it goes
    on, by the time alone.
    """
    visits = histories.path(run.execution_arn) if run.execution_arn else []
    # The log of an Express execution holds no data: neither what was called nor what a call was named.
    if visits is not None and not is_express(run.execution_arn):
        yield from histories.invocations(visits)
        return
    record = registry.get(run.task_id)
    if record and record.task.target.kind is TargetKind.LAMBDA:
        function = stack.function(record.task.target.name)
        yield from (Invocation(function=function, request_id=one) for one in run.request_ids or (None,))


def lines(run: Run, calls: Iterable[Invocation], logs: FunctionLogs) -> list[LogLine]:
    """The lines of these calls, call after call, in the order in which they began."""
    if not run.started_at:
        return []
    since = datetime.fromisoformat(run.started_at) - _MARGIN
    until = datetime.fromisoformat(run.ended_at) + LATE if run.ended_at else None
    matching: list[LogLine] = []
    for function, some in groupby(sorted(calls, key=lambda call: call.function), key=lambda call: call.function):
        ids = {call.request_id for call in some}
        # A call that goes on has no name yet, so what has no other owner may be its.
        matching += [line for line in logs.lines(function, since, until) if line.request_id in ids or None in ids]
    first = {line.request_id: line.at for line in reversed(matching)}
    return sorted(matching, key=lambda line: first[line.request_id])
