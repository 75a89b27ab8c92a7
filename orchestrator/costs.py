"""What a run of a task uses of AWS, read off the definition that runs it, and what that costs."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from math import ceil
from typing import Any

from orchestrator.prices import Prices
from orchestrator.settings import Stack
from orchestrator.tasks import TargetKind, Task

#: A definition in Amazon States Language.
Machine = Mapping[str, Any]

#: What the state that does a task's work calls, by its ARN's end.
_WORK = {TargetKind.LAMBDA: ":lambda:invoke", TargetKind.WORKFLOW: ":states:startExecution.sync:2"}

#: A row of the ledger has less than a kilobyte unless its result is long; an index holds it a second time.
_ROW_UNITS = 1

#: A transaction costs twice ("DynamoDB on-demand capacity mode").
_TRANSACTION = 2

#: An average month has 730 hours, which is what AWS's calculator counts with.
MONTH_DAYS = Decimal(730) / 24

#: How long a run works where nothing says how long it does.
ASSUMED_SECONDS = Decimal(1)

#: TaskExecution by its status, TaskDuration and StartDelay.
METRICS_OF_A_TASK = 3


@dataclass(frozen=True, kw_only=True)
class Usage:
    """So many of each."""

    state_transition: Decimal = Decimal(0)
    lambda_request: Decimal = Decimal(0)
    lambda_gb_second: Decimal = Decimal(0)
    write_unit: Decimal = Decimal(0)
    read_unit: Decimal = Decimal(0)
    scheduler_invocation: Decimal = Decimal(0)
    metric_request: Decimal = Decimal(0)
    metric: Decimal = Decimal(0)

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    def __mul__(self, times: Decimal) -> Usage:
        return Usage(**{field.name: getattr(self, field.name) * times for field in fields(self)})

    def dollars(self, prices: Prices) -> Decimal:
        parts = (getattr(self, field.name) * getattr(prices, field.name) for field in fields(self))
        return sum(parts, Decimal(0))


def of_run(task: Task, task_runner: Machine, stack: Stack, *, memory_mb: int, seconds: Decimal) -> Usage:
    """A run that succeeds at once; ``seconds`` is how long its function works.

    A nested workflow's own states and functions are not in it: they depend on what it finds to do.
    """
    path = happy_path(task_runner, task.target.kind)
    writes, reads = _capacity(path, task, stack)
    is_lambda = task.target.kind is TargetKind.LAMBDA
    return Usage(
        state_transition=Decimal(len(path)),
        lambda_request=Decimal(int(is_lambda)),
        lambda_gb_second=seconds * memory_mb / 1024 if is_lambda else Decimal(0),
        write_unit=Decimal(writes),
        read_unit=Decimal(reads),
        scheduler_invocation=Decimal(1),
        metric_request=Decimal(sum(_calls(state, ":putMetricData") for state in path)),
    )


def happy_path(machine: Machine, kind: TargetKind) -> list[Mapping[str, Any]]:
    """The states of the shortest way to an end that goes through the state that does the work, without any catcher."""
    return _shortest(machine, lambda name, state: _calls(state, _WORK[kind]))


def of_workflow(machine: Machine, *, through: str, items: int) -> Usage:
    """Transitions and function calls of a nested workflow without failures, its Map ``through`` over so many items."""
    path = _shortest(machine, lambda name, state: name == through)
    per_item = _shortest(machine["States"][through]["ItemProcessor"], lambda name, state: True)
    invocations = sum(_calls(state, ":lambda:invoke") for state in path)
    return Usage(
        state_transition=Decimal(len(path) + items * len(per_item)),
        lambda_request=Decimal(invocations + items * sum(_calls(state, ":lambda:invoke") for state in per_item)),
    )


def _shortest(machine: Machine, wanted: Callable[[str, Mapping[str, Any]], bool]) -> list[Mapping[str, Any]]:
    """The shortest way to an end on which a state is wanted. Raises ValueError if there is none."""
    states: Mapping[str, Mapping[str, Any]] = machine["States"]
    waiting: deque[list[str]] = deque([[machine["StartAt"]]])
    while waiting:
        names = waiting.popleft()
        last = states[names[-1]]
        if last.get("End") or last["Type"] == "Succeed":
            if any(wanted(name, states[name]) for name in names):
                return [states[name] for name in names]
            continue
        waiting.extend([*names, following] for following in _following(last) if following not in names)
    raise ValueError("no way through this definition does what was asked for")


def _following(state: Mapping[str, Any]) -> Iterator[str]:
    yield from (rule["Next"] for rule in state.get("Choices", []))
    yield from (state[field] for field in ("Next", "Default") if field in state)


def _calls(state: Mapping[str, Any], call: str) -> bool:
    return str(state.get("Resource", "")).endswith(call)


def _capacity(path: list[Mapping[str, Any]], task: Task, stack: Stack) -> tuple[int, int]:
    """Units written and read. What is written of an item does not matter, its size as a whole does."""
    size = len(json.dumps(task.to_item(), ensure_ascii=False).encode())
    writes = reads = 0
    for state in path:
        arguments = state.get("Arguments", {})
        if _calls(state, ":dynamodb:getItem"):
            reads += ceil(size / 4096)
        elif _calls(state, ":dynamodb:transactWriteItems"):
            for item in arguments["TransactItems"]:
                ((operation, request),) = item.items()
                if request["TableName"] == stack.runs_table:
                    # The index by status has the row once more; to change a status there is to delete and to put.
                    writes += _ROW_UNITS * (_TRANSACTION + (1 if operation == "Put" else 2))
                else:
                    writes += ceil(size / 1024) * _TRANSACTION
    return writes, reads


def monthly(usage: Usage, runs: int, days: int) -> Usage:
    """What a month costs if it goes on as in these days: so many runs, and the task's metrics."""
    return usage * (Decimal(runs) * MONTH_DAYS / days) + Usage(metric=Decimal(METRICS_OF_A_TASK if runs else 0))
