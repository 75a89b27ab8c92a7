"""How a run ends: recorded and measured. Whoever should know of it learns it from the ledger's stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from definitions.task_runner import rows
from definitions.task_runner.variables import DURATION, EXECUTION_ARN, IS_APART, SUMMARY
from orchestrator.runs import Attention, RunStatus
from orchestrator.services import (
    PUT_METRIC_DATA,
    TRANSACT_WRITE_ITEMS,
    TRANSACTION_CANCELED,
    UPDATE_ITEM,
    call,
)
from orchestrator.settings import FAILURES_METRIC, METRICS_NAMESPACE, Stack
from orchestrator.states import Catch, Fail, Succeed, Task, jsonata, literal

#: ``arn:PARTITION:states:REGION:ACCOUNT``. No region or account stands in the definition; the first five fields of an
#: execution's ARN are the same however the execution was started, what follows them may name a version or an alias.
STATES_ARN = f"$join($split({EXECUTION_ARN}, ':')[[0..4]], ':')"


#: How a run ends badly that TaskRunner itself ends.
_FAILED = [RunStatus.FAILED, RunStatus.TIMED_OUT]


def _metric_data(stack: Stack) -> str:
    """A namespace is shared by the account's stacks, so each metric says whose it is."""
    return f"""(
        $of := [{{'Name': 'Stack', 'Value': {literal(stack.name)}}}, {{'Name': 'TaskType', 'Value': $taskId}}];
        [
            {{'MetricName': 'TaskExecution', 'Unit': 'Count', 'Value': 1,
                'Dimensions': $append($of, {{'Name': 'Status', 'Value': $status}})}},
            $status in {literal(_FAILED)} ? {{'MetricName': {literal(FAILURES_METRIC)}, 'Unit': 'Count', 'Value': 1,
                'Dimensions': [$of[0]]}},
            $ended != null ? {{'MetricName': 'TaskDuration', 'Unit': 'Seconds', 'Value': {DURATION},
                'Dimensions': $of}},
            $startDelay != null ? {{'MetricName': 'StartDelay', 'Unit': 'Seconds', 'Value': $startDelay,
                'Dimensions': $of}}
        ]
    )"""


#: What deserves a word though the run succeeded. A backfill says nothing of the runs before it.
_ATTENTION = f"""(
    $found := [
        ($startDelay = null ? false : $startDelay > $task.graceSeconds) ? {literal(Attention.LATE)},
        $task.maxDurationSeconds > 0 and {DURATION} > $task.maxDurationSeconds ? {literal(Attention.TOO_LONG)},
        $task.minDurationSeconds > 0 and {DURATION} < $task.minDurationSeconds ? {literal(Attention.TOO_SHORT)},
        $task.incidents and $not({IS_APART}) ? {literal(Attention.RECOVERED)}
    ];
    $count($found) > 0 ? {{'S': $join($found, ', ')}}
)"""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The states that the rest of TaskRunner leads to."""

    #: A run whose target returned.
    record_outcome: Task
    #: A run whose target failed for good.
    record_failure: Task
    #: Nothing was started, and that is as it should be.
    publish_metrics: Task
    #: Nothing was started, and that is a failure.
    publish_failure: Task


def build(stack: Stack) -> Ending:
    failed = Fail(
        "Failed", error=jsonata(r"$replace($failure.name, /^States\./, 'Task.')"), cause=jsonata("$failure.cause")
    )
    metrics = {"Namespace": METRICS_NAMESPACE, "MetricData": jsonata(_metric_data(stack))}
    publish_failure = call(
        "PublishFailureMetrics",
        PUT_METRIC_DATA,
        arguments=metrics,
        catch=[Catch(error_equals=["States.ALL"], next_step=failed)],
        next_state=failed,
    )
    publish_metrics = call(
        "PublishMetrics",
        PUT_METRIC_DATA,
        arguments=metrics,
        output=SUMMARY,
        # Metrics that cannot be published do not make a failure of a run that succeeded.
        catch=[Catch(error_equals=["States.ALL"], next_step=Succeed("MetricsLost", output=SUMMARY))],
    )
    return Ending(
        record_outcome=_record(
            "RecordOutcome",
            # Another run may have written that it has stopped this one, which was too late.
            run=rows.ended_row(
                stack, result={"S": jsonata("$result")}, attention=_ATTENTION, removes=["error", "cause", "reason"]
            ),
            task=rows.lease_released(stack, sets={"consecutiveFailures": {"N": "0"}}),
            then=publish_metrics,
        ),
        record_failure=_record(
            "RecordFailure",
            run=rows.ended_row(
                stack,
                error={"S": jsonata("$failure.name")},
                cause={"S": jsonata("$failure.cause")},
                removes=["reason"],
            ),
            task=rows.lease_released(stack, adds={"consecutiveFailures": {"N": "1"}}),
            then=publish_failure,
        ),
        publish_metrics=publish_metrics,
        publish_failure=publish_failure,
    )


def _record(name: str, *, run: Mapping[str, Any], task: Mapping[str, Any], then: Task) -> Task:
    """Ends the row and releases the lease in one transaction; the row alone where there is no lease of ours."""
    alone = call(
        f"{name}Alone",
        UPDATE_ITEM,
        comment="A backfill, or the lease has passed to another run, or the task is gone: the row is ours to end.",
        arguments=dict(run),
        catch=[Catch(error_equals=["States.ALL"], next_step=then)],
        next_state=then,
    )
    return call(
        name,
        TRANSACT_WRITE_ITEMS,
        arguments={"TransactItems": [{"Update": dict(run)}, {"Update": dict(task)}]},
        # Another write of the task's record was in the way, which passes; or the lease is lost, which does not.
        retry_briefly=[TRANSACTION_CANCELED],
        catch=[Catch(error_equals=["States.ALL"], next_step=alone)],
        next_state=then,
    )
