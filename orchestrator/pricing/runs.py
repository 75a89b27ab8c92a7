"""Usage of AWS by one run of a task, computed from the deployed definition, the template and the sizes of items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any

from orchestrator.pricing import logs
from orchestrator.pricing.items import STORED_BYTES, TRANSACTION, item_bytes, read_units, write_units
from orchestrator.pricing.paths import Machine, Step, happy_path, shortest, skipping_path
from orchestrator.pricing.usage import MONTH_DAYS, MONTH_HOURS, Line, Usage, total
from orchestrator.runs.outcomes import OF_A_RUN, Kind
from orchestrator.runs.run import ROW_LIFETIME_SECONDS
from orchestrator.runs.spending import ROUND_SECONDS as ROUND_SECONDS
from orchestrator.stack import Stack
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.records import item_of
from orchestrator.tasks.task import TargetKind, Task

#: A row of the ledger at its end; its result has some hundred characters.
ROW_BYTES = 620

#: What a record of the registry has at run time beside what is declared: lease, watch, last outcome.
RUN_TIME_BYTES = 360

#: Custom metrics that a run which succeeds sends: TaskExecution with its status, TaskDuration, StartDelay.
METRICS = 3

#: How long the reporter works on one run, which is all that its batch holds where runs are minutes apart, and with what
#: memory.
REPORTER_SECONDS = Decimal("0.05")
REPORTER_MEMORY_MB = 256

#: What an Express execution lasts longer than its function works: calls of DynamoDB and Lambda, and its memory.
EXPRESS_OVERHEAD_SECONDS = Decimal("0.2")
EXPRESS_MEMORY_MB = 64

#: How long a run works where nothing says how long it does.
ASSUMED_SECONDS = Decimal(1)

_GB = Decimal(2**30)


@dataclass(frozen=True, kw_only=True)
class Billed:
    """The facts of a deployment that the cost of a run follows from."""

    stack: Stack
    task_runner: Machine
    #: Its Express twin; empty where there is none.
    express_runner: Machine
    #: Of TaskRunner: ``ALL``, ``ERROR``, ``FATAL`` or ``OFF``; how long logs are kept. The twin's has everything.
    log_level: str
    log_days: int
    #: Whether X-Ray follows each execution.
    traced: bool
    #: What is published of what becomes of tasks.
    published: tuple[Kind, ...] = ()
    #: Of each function, by its logical name.
    memory_mb: Mapping[str, int]
    #: Transitions of each workflow that takes one way alone, as that of an endpoint does.
    workflow_states: Mapping[str, int] = field(default_factory=dict)


#: Of a further delivery of a slot: LookupTask, ClaimSlot, ExplainRefusal, Refused, RecordDuplicate.
STATES_OF_DUPLICATE = 5


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The expected work of a task."""

    days: int
    #: Slots that run, and slots that a calendar leaves out, in so many days.
    runs: int
    skipped: int = 0
    #: In how many different hours there is one, and how many of the watchdog's rounds look for one.
    hours: int
    checks: int
    #: How many of the runs an event starts, and how many events come for them.
    by_events: int = 0
    events: int = 0


def run_lines(task: Task, billed: Billed, *, seconds: Decimal = ASSUMED_SECONDS) -> list[Line]:
    """A run that succeeds at once, line by line; ``seconds`` is how long its function works.

    Of a nested workflow that chooses its way the states are not in it, and of none what they call: that depends on what
    it finds to do.
    """
    path = happy_path(_machine(task, billed), task.target.kind)
    lines = _machine_lines(path, task, billed, seconds, OF_A_RUN)
    return [*lines, *call_lines(task, billed, seconds), *held_lines(task)]


def call_lines(task: Task, billed: Billed, seconds: Decimal) -> list[Line]:
    """A call of the task's target, which works for ``seconds``."""
    if task.target.kind is TargetKind.LAMBDA:
        memory = Decimal(billed.memory_mb.get(task.target.name, 0))
        work = Usage(lambda_request=Decimal(1), lambda_gb_second=seconds * memory / 1024)
        return [
            Line(what="Lambda: the function", usage=work),
            Line(what="CloudWatch Logs: the function", usage=logs.written(logs.FUNCTION_BYTES, billed.log_days)),
        ]
    usage = Usage(state_transition=Decimal(billed.workflow_states.get(task.target.name, 0)))
    return [Line(what="Step Functions: the workflow's own transitions", usage=usage)] if usage.parts() else []


def held_lines(task: Task) -> list[Line]:
    """What a run costs more that is held first, and then let in: none for a task that waits for nothing.

    A plain task's run passes through four states. HoldSlot ends an execution of four, and the one that takes the row's
    place is a plain one. What somebody has approved of is kept with the row: its claim is refused first, and reads it,
    in four states more. The follower is called for the held row and for the end.
    """
    if not task.gates:
        return []
    row, record = write_units(ROW_BYTES), write_units(record_bytes(task))
    asks = HoldKind.APPROVAL in task.gates
    # The held row and its place in the index, which it leaves; and a claim that is refused is paid for ("Read and write
    # operations").
    written = 3 * row + (TRANSACTION * (row + record) if asks else 0)
    read = (read_units(record_bytes(task)) + read_units(ROW_BYTES)) * (4 if asks else 3)
    follower = Usage(lambda_request=Decimal(2), lambda_gb_second=2 * REPORTER_SECONDS * REPORTER_MEMORY_MB / 1024)
    lines = [
        Line(what="Step Functions: transitions of the wait", usage=Usage(state_transition=Decimal(8 if asks else 4))),
        Line(what="DynamoDB: the held row", usage=Usage(write_unit=Decimal(written), read_unit=Decimal(read))),
        Line(what="Lambda: the follower lets it go", usage=follower),
    ]
    if task.limit is None:
        return lines
    # It waits, is let in (a transaction of two), and leaves (one of one); each looks at the pool and at who waits.
    pool = Usage(write_unit=Decimal(1 + TRANSACTION * 3), read_unit=Decimal(8))
    return [*lines, Line(what="DynamoDB: the pool and its waiters", usage=pool)]


def skip_lines(task: Task, billed: Billed) -> list[Line]:
    """A slot that a calendar leaves out: Scheduler delivers it all the same, and its row says why it does not run."""
    return _machine_lines(skipping_path(_machine(task, billed)), task, billed, Decimal(0), (Kind.SKIPPED,))


def _machine(task: Task, billed: Billed) -> Machine:
    return billed.express_runner if task.express else billed.task_runner


def _machine_lines(
    path: Sequence[Step], task: Task, billed: Billed, seconds: Decimal, kinds: Sequence[Kind]
) -> list[Line]:
    """Lines of an execution of TaskRunner or its twin, whose function works for ``seconds``, and which makes events of
    ``kinds``.
    """
    row, record = _written(path, billed.stack, task)
    if task.express:
        log = logs.execution_bytes(path, billed.stack.express_runner, "ALL", express=True)
        execution = Line(what="Step Functions: the Express execution", usage=_express(seconds))
    else:
        log = logs.execution_bytes(path, billed.stack.task_runner, billed.log_level)
        execution = Line(what="Step Functions: transitions", usage=Usage(state_transition=Decimal(len(path))))
    lines = [
        execution,
        Line(what="DynamoDB: the ledger's row and its index", usage=Usage(write_unit=row)),
        Line(what="DynamoDB: the registry's record", usage=Usage(write_unit=record)),
        Line(what="DynamoDB: the record is read", usage=Usage(read_unit=_read(path, task))),
        Line(what="DynamoDB: the row is kept for 400 days, recoverable", usage=_kept()),
        Line(what="CloudWatch Logs: the execution", usage=logs.written(log, billed.log_days)),
        Line(what="Lambda, CloudWatch Logs: the reporter prints the metrics", usage=_measured(billed)),
        Line(what="X-Ray: a trace", usage=Usage(trace=Decimal(int(billed.traced)))),
        Line(what="EventBridge Scheduler: the delivery", usage=Usage(scheduler_invocation=Decimal(1))),
    ]
    return [*lines, _published(billed, kinds)] if billed.published else lines


def check_lines(task: Task) -> list[Line]:
    """The watchdog finds that a slot is explained: it reads the record and the row, and moves the task on in the index
    of who is due.
    """
    size = record_bytes(task)
    # One write of the record; in the index, which holds keys, its place changes: a deletion and a write.
    reads, writes = read_units(size) + read_units(ROW_BYTES), write_units(size) + 2
    usage = Usage(read_unit=Decimal(reads), write_unit=Decimal(writes))
    return [Line(what="DynamoDB: the watchdog's check of the slot", usage=usage)]


def monthly(task: Task, billed: Billed, expected: Expected, *, seconds: Decimal = ASSUMED_SECONDS) -> Usage:
    """A month that goes on as is ``expected``; ``seconds`` is how long the task's function works.

    A metric costs nothing in an hour in which nobody sends it.
    """
    metrics = Usage(metric_hour=Decimal(METRICS * expected.hours))
    ran = total(run_lines(task, billed, seconds=seconds)) * Decimal(expected.runs)
    skipped = total(skip_lines(task, billed)) * Decimal(expected.skipped) if expected.skipped else Usage()
    checks = total(check_lines(task)) * Decimal(expected.checks)
    return (ran + skipped + checks + metrics + _of_events(task, expected)) * (MONTH_DAYS / expected.days)


def events_are_paid(task: Task) -> bool:
    """Whether whoever puts the task's events on a bus pays for them: those of AWS services are free."""
    sources = [source for start in task.starts for source in start.pattern.get("source", [""])]
    return not all(isinstance(source, str) and source.startswith("aws.") for source in sources)


def _of_events(task: Task, expected: Expected) -> Usage:
    """Beside the runs: no schedule delivers them, and an event of a slot that has its run is a duplicate."""
    repeated = Decimal(expected.events - expected.by_events)
    started = (
        Usage(express_request=repeated) if task.express else Usage(state_transition=repeated * STATES_OF_DUPLICATE)
    )
    put = Usage(custom_event=Decimal(expected.events)) if events_are_paid(task) else Usage()
    return started + put + Usage(scheduler_invocation=Decimal(-expected.by_events), write_unit=repeated * 2)


def of_workflow(machine: Machine, *, through: str, items: int) -> Usage:
    """Transitions and function calls of a nested workflow without failures, its Map ``through`` over so many items."""
    path = shortest(machine, lambda step: step.name == through)
    per_item = shortest(machine["States"][through]["ItemProcessor"], lambda step: True)
    return Usage(
        state_transition=Decimal(len(path) + items * len(per_item)),
        lambda_request=_count(path, ":lambda:invoke") + items * _count(per_item, ":lambda:invoke"),
    )


def record_bytes(task: Task) -> int:
    """The size of a task's record in bytes, with its run-time attributes."""
    return item_bytes(item_of(task)) + RUN_TIME_BYTES


def _measured(billed: Billed) -> Usage:
    """The reporter is called for the row's end, and CloudWatch makes metrics of the line that it prints."""
    work = Usage(lambda_request=Decimal(1), lambda_gb_second=REPORTER_SECONDS * REPORTER_MEMORY_MB / 1024)
    return work + logs.written(logs.FUNCTION_BYTES + logs.MEASURES_BYTES, billed.log_days)


def _published(billed: Billed, kinds: Sequence[Kind]) -> Line:
    """What becomes of the run, on a bus. The reporter is called for its begin, too, if that is published."""
    events = Decimal(sum(kind in billed.published for kind in kinds))
    more = 1 if Kind.STARTED in billed.published and Kind.STARTED in kinds else 0
    work = Usage(lambda_request=Decimal(more), lambda_gb_second=more * REPORTER_SECONDS * REPORTER_MEMORY_MB / 1024)
    logged = logs.written(more * logs.FUNCTION_BYTES, billed.log_days)
    return Line(what="EventBridge: its events", usage=work + logged + Usage(custom_event=events))


def _express(seconds: Decimal) -> Usage:
    """An Express execution is billed for its memory in steps of 64 MB, of which it needs one, and for its duration in
    steps of 100 ms ("AWS Step Functions pricing").
    """
    lasts = Decimal(ceil((seconds + EXPRESS_OVERHEAD_SECONDS) * 10)) / 10
    return Usage(express_request=Decimal(1), express_gb_second=lasts * EXPRESS_MEMORY_MB / 1024)


def _count(path: Sequence[Step], call: str) -> Decimal:
    return Decimal(sum(step.calls(call) for step in path))


def _read(path: Sequence[Step], task: Task) -> Decimal:
    return _count(path, ":dynamodb:getItem") * read_units(record_bytes(task))


def _written(path: Sequence[Step], stack: Stack, task: Task) -> tuple[Decimal, Decimal]:
    """Units of the row, with its index, which holds the whole item once more, and of the record."""
    row = record = 0
    for table, writes, indexed in _writes(path, stack):
        if table == stack.runs_table:
            row += write_units(ROW_BYTES) * (writes + indexed)
        else:
            record += write_units(record_bytes(task)) * (writes + indexed)
    return Decimal(row), Decimal(record)


def _writes(path: Sequence[Step], stack: Stack) -> Iterator[tuple[str, int, int]]:
    """Yields the table of each write, how often it counts there, and how often in the index."""
    for step in path:
        arguments: Mapping[str, Any] = step.state.get("Arguments", {})
        if step.calls(":dynamodb:transactWriteItems"):
            for item in arguments["TransactItems"]:
                ((operation, request),) = item.items()
                yield request["TableName"], TRANSACTION, _indexed(operation, request, stack)
        elif step.calls(":dynamodb:putItem"):
            yield arguments["TableName"], 1, _indexed("Put", arguments, stack)
        elif step.calls(":dynamodb:updateItem"):
            yield arguments["TableName"], 1, _indexed("Update", arguments, stack)


def _indexed(operation: str, request: Mapping[str, Any], stack: Stack) -> int:
    """Writes of the index. One that changes the place of an item deletes it and puts it: that of a row is its status.
    Of a record the index holds the keys alone, which no run changes.
    """
    if request["TableName"] == stack.tasks_table:
        return 0
    return 2 if operation == "Update" else 1


def _kept() -> Usage:
    """Storage of the row, in table and index, until it expires; point-in-time recovery bills the table alone."""
    months = Decimal(ROW_LIFETIME_SECONDS) / 3600 / MONTH_HOURS
    gb = (ROW_BYTES + STORED_BYTES) / _GB * months
    return Usage(stored_gb=2 * gb, recoverable_gb=gb)
