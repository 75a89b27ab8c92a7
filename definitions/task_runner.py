"""TaskRunner: the one state machine that every schedule starts.

    LookupTask → ClaimSlot → RouteTask → InvokeLambda | StartWorkflow → RecordOutcome → PublishMetrics

The rare cases cost the common one nothing: they hang on catchers, not on choices. ClaimSlot is one transaction that
takes the slot (a row of the ledger) and the task's lease; it is owner-aware, because the reply to a write that landed can
be lost and the write sent again. When it is refused, ExplainRefusal reads why: duplicate, paused, overlap.
Every failure is recorded, counted, told to the alerts topic, and ends in Fail, so that alarms and parents see it.

Known weakness: Step Functions ends an execution for some causes without asking a catcher (States.Runtime, the machine's
own timeout, an abort). Such a run leaves its row RUNNING and its lease to expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.definition import Definition
from orchestrator.errors import ClaimContended, InvalidInput, InvalidTask, NonRetryableError, TaskNotFound, error_names
from orchestrator.runs import RunStatus, SkipReason, Trigger
from orchestrator.settings import METRICS_NAMESPACE, Stack
from orchestrator.states import Catch, Choice, Fail, Retry, Succeed, Task, Wait, When, jsonata, literal
from orchestrator.tasks import (
    LEASE_MARGIN_SECONDS,
    LONGEST_RUN_SECONDS,
    TARGET_PATTERN,
    TASK_ID_PATTERN,
    OverlapPolicy,
    TargetKind,
)
from orchestrator.updates import update

GET_ITEM = "arn:aws:states:::dynamodb:getItem"
PUT_ITEM = "arn:aws:states:::dynamodb:putItem"
UPDATE_ITEM = "arn:aws:states:::dynamodb:updateItem"
BATCH_GET_ITEM = "arn:aws:states:::aws-sdk:dynamodb:batchGetItem"
TRANSACT_WRITE_ITEMS = "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems"
PUT_METRIC_DATA = "arn:aws:states:::aws-sdk:cloudwatch:putMetricData"
PUBLISH = "arn:aws:states:::sns:publish"
INVOKE = "arn:aws:states:::lambda:invoke"
START_EXECUTION_SYNC = "arn:aws:states:::states:startExecution.sync:2"

#: An AWS call answers within seconds or not at all.
CALL_TIMEOUT_SECONDS = 30

#: Rows of the ledger live this long; DynamoDB removes them some days later.
ROW_LIFETIME_SECONDS = 400 * 86_400

#: How often a claim is tried again when another transaction was in its way.
CLAIM_ATTEMPTS = 5

#: What a further delivery of a slot ends as: it has no row of its own, the slot's row counts it.
DUPLICATE = "DUPLICATE"

#: The row of an input that names no task is kept under this id.
NO_TASK_ID = "_invalid"

EVALUATION_FAILED = "States.QueryEvaluationError"
ROW_EXISTS = "DynamoDB.ConditionalCheckFailedException"
CLAIM_REFUSED = "DynamoDb.TransactionCanceledException"

#: "Handling errors in Step Functions workflows": retry Lambda's own passing faults, whatever the task's policy.
LAMBDA_TRANSIENT = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]

#: Nobody knows how far an attempt came that ended so; only a task that says it is idempotent is tried again.
AMBIGUOUS = ["Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"]

TIMEOUTS = ["Sandbox.Timedout", "States.Timeout"]

# Every expression below sees these variables: taskId, slot, trigger, startDelay (seconds or null), task (the record, its
# params merged with the input's), attempt, and, once there is an outcome: status, ended (milliseconds), result, child, failure.

EXECUTION_ARN = "$states.context.Execution.Id"
STARTED_AT = "$states.context.Execution.StartTime"
NOW_SECONDS = "$floor($millis() / 1000)"
DURATION = f"$round(($ended - $toMillis({STARTED_AT})) / 1000, 3)"
RUN_KEY = "$taskId & '#' & $slot"

SCHEDULED_TIME_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$"


def _matches(value: str, pattern: str) -> str:
    """True or false for any value, where ``$contains`` alone fails on one that is not text."""
    return f"($type({value}) = 'string' ? $contains({value}, /{pattern}/) : false)"


INPUT_IS_VALID = f"""(
    {_matches("$states.input.taskId", TASK_ID_PATTERN)}
    and ($exists($states.input.scheduledTime) ? {_matches("$states.input.scheduledTime", SCHEDULED_TIME_PATTERN)} : true)
    and ($exists($states.input.trigger) ? $states.input.trigger in {literal(list(Trigger))} : true)
    and ($exists($states.input.params) ? $type($states.input.params) = 'object' : true)
)"""

TRIGGER = f"""($exists($states.input.trigger) ? $states.input.trigger
    : $exists($states.input.scheduledTime) ? {literal(Trigger.SCHEDULE)} : {literal(Trigger.AD_HOC)})"""

SLOT = f"($exists($states.input.scheduledTime) ? $states.input.scheduledTime : {STARTED_AT})"

START_DELAY = f"""({TRIGGER} = {literal(Trigger.SCHEDULE)}
    ? $round(($toMillis({STARTED_AT}) - $toMillis({SLOT})) / 1000, 3) : null)"""

CONTEXT = {
    "taskId": jsonata("$states.input.taskId"),
    "slot": jsonata(SLOT),
    "trigger": jsonata(TRIGGER),
    "startDelay": jsonata(START_DELAY),
}

#: Each field of the record that TaskRunner uses, and what it must be: nothing later fails on a record that passed.
RECORD_CHECKS: Mapping[str, str] = {
    "kind": f"$task.kind in {literal(list(TargetKind))}",
    "target": _matches("$task.target", TARGET_PATTERN),
    "params": "$type($task.params) = 'object'",
    "timeoutSeconds": "$type($task.timeoutSeconds) = 'number'",
    "leaseSeconds": "$type($task.leaseSeconds) = 'number'",
    "maxAttempts": "$type($task.maxAttempts) = 'number'",
    "intervalSeconds": "$type($task.intervalSeconds) = 'number'",
    "backoffRate": "$type($task.backoffRate) = 'number'",
    "maxDelaySeconds": "$type($task.maxDelaySeconds) = 'number'",
    "overlap": f"$task.overlap in {literal(list(OverlapPolicy))}",
    "idempotent": "$type($task.idempotent) = 'boolean'",
}

#: The record as plain values, or why it cannot be run: this never fails but on params that are not JSON.
RECORD = f"""(
    $item := $states.result.Item;
    $task := {{
        'kind': $item.kind.S,
        'target': $item.target.S,
        'params': $exists($item.params.S) ? $parse($item.params.S),
        'timeoutSeconds': $number($item.timeoutSeconds.N),
        'leaseSeconds': $number($item.leaseSeconds.N),
        'maxAttempts': $number($item.retry.M.maxAttempts.N),
        'intervalSeconds': $number($item.retry.M.intervalSeconds.N),
        'backoffRate': $number($item.retry.M.backoffRate.N),
        'maxDelaySeconds': $number($item.retry.M.maxDelaySeconds.N),
        'neverOn': [$item.retry.M.neverOn.L.S],
        'overlap': $item.overlap.S,
        'idempotent': $item.idempotent.BOOL,
        'owner': $exists($item.owner.S) ? $item.owner.S : '',
        'runbook': $exists($item.runbook.S) ? $item.runbook.S : ''
    }};
    $wrong := $trim({" & ".join(f"({check} ? '' : '{field} ')" for field, check in RECORD_CHECKS.items())});
    $not($exists($item)) ? {{
        'refusal': {{'name': {literal(TaskNotFound.__name__)}, 'cause': 'the registry has no task of this id'}},
        'owner': '', 'runbook': ''
    }}
    : $wrong != '' ? {{
        'refusal': {{'name': {literal(InvalidTask.__name__)}, 'cause': 'missing or wrong in the record: ' & $wrong}},
        'owner': $task.owner, 'runbook': $task.runbook
    }}
    : $merge([$task, {{'params': $merge([$task.params, $states.input.params])}}])
)"""

#: Text from outside, fit for a ledger row and an alert: one line, of bounded length.
CAUSE = r"$substring($replace($string($states.errorOutput.Cause), /[\x00-\x1f\x7f]+/, ' '), 0, 1000)"

CAUGHT = {
    "failure": {"name": jsonata("$states.errorOutput.Error"), "cause": jsonata(CAUSE)},
    "ended": jsonata("$millis()"),
    "status": jsonata(
        f"$states.errorOutput.Error in {literal(TIMEOUTS)}"
        f" ? {literal(RunStatus.TIMED_OUT)} : {literal(RunStatus.FAILED)}"
    ),
    # A nested execution that failed is named in the cause; a cause can be cut short, so it is not parsed.
    "child": jsonata(
        '($arn := $match($string($states.errorOutput.Cause), /"ExecutionArn":"([^"]*)"/)[0].groups[0];'
        " $exists($arn) ? $arn : null)"
    ),
}

#: What ends a run at once, whatever its policy: a second attempt would get the same answer.
FATAL = [*error_names(NonRetryableError), "States.DataLimitExceeded"]

RETRY_ALLOWED = f"""$attempt < $task.maxAttempts
    and $not($failure.name in $task.neverOn)
    and ($task.idempotent or $not($failure.name in {literal(AMBIGUOUS)}))"""

#: Full jitter over :meth:`orchestrator.retries.RetryPolicy.longest_delay`; Wait takes whole seconds.
BACKOFF_SECONDS = """$floor($random() * (1 + $min([
    $task.intervalSeconds * $power($task.backoffRate, $min([$attempt - 2, 64])), $task.maxDelaySeconds
])))"""

TARGET_EVENT = {
    "taskId": jsonata("$taskId"),
    "slot": jsonata("$slot"),
    "scheduledTime": jsonata(f"$trigger = {literal(Trigger.SCHEDULE)} ? $slot : null"),
    "attempt": jsonata("$attempt"),
    "runKey": jsonata(RUN_KEY),
    "params": jsonata("$task.params"),
}

#: A nested execution's name says whose it is in the console; the parent's hash keeps a rerun from meeting its own past.
CHILD_NAME = f"""$taskId & '-' & $replace($slot, /[-:.]/, '') & '-'
    & $substring($hash({EXECUTION_ARN}, 'SHA-256'), 0, 4) & '-' & $attempt"""

#: The region and account of this execution, so that the definition holds neither.
STATES_ARN = f"$substringBefore({EXECUTION_ARN}, ':execution:')"

METRIC_DATA = """[
    {'MetricName': 'TaskExecution', 'Unit': 'Count', 'Value': 1, 'Dimensions': [
        {'Name': 'TaskType', 'Value': $taskId}, {'Name': 'Status', 'Value': $status}]},
    $ended != null ? {'MetricName': 'TaskDuration', 'Unit': 'Seconds', 'Value': DURATION, 'Dimensions': [
        {'Name': 'TaskType', 'Value': $taskId}]},
    $startDelay != null ? {'MetricName': 'StartDelay', 'Unit': 'Seconds', 'Value': $startDelay, 'Dimensions': [
        {'Name': 'TaskType', 'Value': $taskId}]}
]""".replace("DURATION", DURATION)

ALERT = f"""$join([
    'A scheduled task failed.',
    '',
    'task:      ' & $taskId,
    'slot:      ' & $slot & ' (' & $trigger & ')',
    'status:    ' & $status,
    'error:     ' & $failure.name,
    'cause:     ' & $failure.cause,
    'owner:     ' & $task.owner,
    'runbook:   ' & $task.runbook,
    'execution: ' & {EXECUTION_ARN}
], '\\n')"""

#: What Refused and the watcher of an execution see at its end.
SUMMARY = {"taskId": jsonata("$taskId"), "slot": jsonata("$slot"), "status": jsonata("$status")}

NOTHING: dict[str, Any] = {}

#: Throttling and 5xx pass; an expression that failed once fails again.
RETRY_CALL = [
    {"error_equals": [EVALUATION_FAILED], "max_attempts": 0},
    {
        "error_equals": ["States.ALL"],
        "interval_seconds": 1,
        "max_attempts": 5,
        "backoff_rate": 2.0,
        "max_delay_seconds": 20,
        "jitter_strategy": "FULL",
    },
]


def _retry_call(*, never: tuple[str, ...] = ()) -> list[Retry]:
    first, rest = RETRY_CALL
    return [Retry(**first | {"error_equals": [EVALUATION_FAILED, *never]}), Retry(**rest)]


def build(stack: Stack) -> Definition:
    """TaskRunner for ``stack``. Its input is ``{"taskId": …, "scheduledTime": …, "params": …}``, the first is enough."""
    task_key = {"taskId": {"S": jsonata("$taskId")}}
    run_key = {**task_key, "slot": {"S": jsonata("$slot")}}
    me = {"me": {"S": jsonata(EXECUTION_ARN)}}

    def row(**attributes: Any) -> dict[str, Any]:
        """A new row of the ledger."""
        return {
            **run_key,
            "trigger": {"S": jsonata("$trigger")},
            "executionArn": {"S": jsonata(EXECUTION_ARN)},
            "startedAt": {"S": jsonata(STARTED_AT)},
            "startDelaySeconds": jsonata("$startDelay = null ? {'NULL': true} : {'N': $string($startDelay)}"),
            "ttl": {"N": jsonata(f"$string({NOW_SECONDS} + {ROW_LIFETIME_SECONDS})")},
            **attributes,
        }

    def outcome(**attributes: Any) -> dict[str, Any]:
        """The end of this execution's own row."""
        ended = {
            "status": {"S": jsonata("$status")},
            "endedAt": {"S": jsonata("$fromMillis($ended)")},
            "durationSeconds": {"N": jsonata(f"$string({DURATION})")},
            "attempts": {"N": jsonata("$string($attempt)")},
            "childExecutionArn": jsonata("$child = null ? {'NULL': true} : {'S': $child}"),
        }
        return {
            "TableName": stack.runs_table,
            "Key": run_key,
            **update(ended | attributes, values=me, names=["executionArn"], condition="#executionArn = :me"),
        }

    def release(**changes: Any) -> dict[str, Any]:
        """The task's record when its run has ended: the lease goes, if it is still ours."""
        ours = "(attribute_not_exists(#lease) OR #lease.#executionArn = :me OR #overlap = :allow_all)"
        return {
            "TableName": stack.tasks_table,
            "Key": task_key,
            **update(
                {"lastStatus": {"S": jsonata("$status")}, "lastSlot": {"S": jsonata("$slot")}}
                | changes.get("sets", {}),
                adds=changes.get("adds"),
                removes=["lease"],
                names=["taskId", "executionArn", "overlap"],
                values=me | {"allow_all": {"S": OverlapPolicy.ALLOW_ALL}},
                condition=f"attribute_exists(#taskId) AND {ours}",
            ),
        }

    failed = Fail(
        "Failed", error=jsonata(r"$replace($failure.name, /^States\./, 'Task.')"), cause=jsonata("$failure.cause")
    )
    alert_failure = Task(
        "AlertFailure",
        resource=PUBLISH,
        arguments={
            "TopicArn": jsonata(f"$replace({STATES_ARN}, ':states:', ':sns:') & {literal(':' + stack.alerts_topic)}"),
            "Subject": f"[{stack.name}] scheduled task failed"[:100],
            "Message": jsonata(ALERT),
        },
        output=NOTHING,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=_retry_call(),
        catch=[Catch(error_equals=["States.ALL"], next_step=failed)],
        next_state=failed,
    )

    def publish(name: str, **fields: Any) -> Task:
        return Task(
            name,
            resource=PUT_METRIC_DATA,
            arguments={"Namespace": METRICS_NAMESPACE, "MetricData": jsonata(METRIC_DATA)},
            timeout_seconds=CALL_TIMEOUT_SECONDS,
            retry=_retry_call(),
            **fields,
        )

    publish_failure = publish(
        "PublishFailureMetrics",
        output=NOTHING,
        catch=[Catch(error_equals=["States.ALL"], next_step=alert_failure)],
        next_state=alert_failure,
    )
    # Metrics that cannot be published do not make a failure of a run that succeeded.
    metrics_lost = Succeed("MetricsLost", output=SUMMARY)
    publish_metrics = publish(
        "PublishMetrics", output=SUMMARY, catch=[Catch(error_equals=["States.ALL"], next_step=metrics_lost)]
    )

    def record(name: str, *, run: Mapping[str, Any], task: Mapping[str, Any], then: Any) -> Task:
        """Ends the row and releases the lease in one transaction; the row alone where the lease is no longer ours."""
        alone = Task(
            f"{name}Alone",
            comment="The lease has passed to another run, or the task is gone: the row is still ours to end.",
            resource=UPDATE_ITEM,
            arguments=dict(run),
            output=NOTHING,
            timeout_seconds=CALL_TIMEOUT_SECONDS,
            retry=_retry_call(),
            catch=[Catch(error_equals=["States.ALL"], next_step=then)],
            next_state=then,
        )
        return Task(
            name,
            resource=TRANSACT_WRITE_ITEMS,
            arguments={"TransactItems": [{"Update": dict(run)}, {"Update": dict(task)}]},
            output=NOTHING,
            timeout_seconds=CALL_TIMEOUT_SECONDS,
            retry=_retry_call(),
            catch=[Catch(error_equals=["States.ALL"], next_step=alone)],
            next_state=then,
        )

    record_outcome = record(
        "RecordOutcome",
        run=outcome(result={"S": jsonata("$result")}),
        task=release(sets={"consecutiveFailures": {"N": "0"}}),
        then=publish_metrics,
    )
    record_failure = record(
        "RecordFailure",
        run=outcome(error={"S": jsonata("$failure.name")}, cause={"S": jsonata("$failure.cause")}),
        task=release(adds={"consecutiveFailures": {"N": "1"}}),
        then=publish_failure,
    )

    back_off = Wait("BackOff", seconds=jsonata(BACKOFF_SECONDS))
    retry_or_give_up = Choice(
        "RetryOrGiveUp",
        choices=[(When(RETRY_ALLOWED, assign={"attempt": jsonata("$attempt + 1")}), back_off)],
        default=record_failure,
    )

    def target(name: str, **fields: Any) -> Task:
        return Task(
            name,
            output=NOTHING,
            timeout_seconds=jsonata("$task.timeoutSeconds"),
            catch=[
                Catch(error_equals=FATAL, assign=CAUGHT, output=NOTHING, next_step=record_failure),
                Catch(error_equals=["States.ALL"], assign=CAUGHT, output=NOTHING, next_step=retry_or_give_up),
            ],
            next_state=record_outcome,
            **fields,
        )

    def succeeded(result: str, child: str) -> dict[str, Any]:
        return {
            # A result may hold anything: the ledger keeps a short text, and nothing of it travels further.
            "result": jsonata(f"$substring($string({result}), 0, 2000)"),
            "child": jsonata(child),
            "status": RunStatus.SUCCEEDED,
            "ended": jsonata("$millis()"),
        }

    invoke_lambda = target(
        "InvokeLambda",
        resource=INVOKE,
        arguments={
            "FunctionName": jsonata(f"{literal(stack.function_prefix)} & $task.target"),
            "Payload": TARGET_EVENT,
        },
        assign=succeeded("$states.result.Payload", "null"),
        retry=[
            Retry(
                error_equals=LAMBDA_TRANSIENT,
                interval_seconds=2,
                max_attempts=6,
                backoff_rate=2.0,
                max_delay_seconds=60,
                jitter_strategy="FULL",
            )
        ],
    )
    start_workflow = target(
        "StartWorkflow",
        resource=START_EXECUTION_SYNC,
        arguments={
            "StateMachineArn": jsonata(
                f"{STATES_ARN} & {literal(':stateMachine:' + stack.workflow_prefix)} & $task.target"
            ),
            "Name": jsonata(CHILD_NAME),
            # The console links a nested execution to its parent by this name.
            "Input": {**TARGET_EVENT, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": jsonata(EXECUTION_ARN)},
        },
        assign=succeeded("$states.result.Output", "$states.result.ExecutionArn"),
    )
    route_task = Choice(
        "RouteTask",
        choices=[(When(f"$task.kind = {literal(TargetKind.WORKFLOW)}"), start_workflow)],
        default=invoke_lambda,
    )
    back_off.next(route_task)

    record_duplicate = Task(
        "RecordDuplicate",
        comment="Scheduler delivers at least once: the row of the first delivery counts the others.",
        resource=UPDATE_ITEM,
        arguments={"TableName": stack.runs_table, "Key": run_key, **update({}, adds={"duplicates": {"N": "1"}})},
        output=NOTHING,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=_retry_call(),
        catch=[Catch(error_equals=["States.ALL"], next_step=publish_metrics)],
        next_state=publish_metrics,
    )
    already_there = Catch(error_equals=[ROW_EXISTS], assign={"status": DUPLICATE}, next_step=record_duplicate)
    record_refusal = Task(
        "RecordRefusal",
        resource=PUT_ITEM,
        arguments={
            "TableName": stack.runs_table,
            "Item": row(
                status={"S": jsonata("$status")},
                attempts={"N": "0"},
                error={"S": jsonata("$failure.name")},
                cause={"S": jsonata("$failure.cause")},
            ),
            "ConditionExpression": "attribute_not_exists(slot) OR executionArn = :me",
            "ExpressionAttributeValues": {":me": me["me"]},
        },
        output=NOTHING,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=_retry_call(never=(ROW_EXISTS,)),
        catch=[already_there, Catch(error_equals=["States.ALL"], next_step=publish_failure)],
        next_state=publish_failure,
    )
    record_skip = Task(
        "RecordSkip",
        resource=PUT_ITEM,
        arguments={
            "TableName": stack.runs_table,
            "Item": row(status={"S": jsonata("$status")}, attempts={"N": "0"}, reason={"S": jsonata("$refusal")}),
            "ConditionExpression": "attribute_not_exists(slot) OR executionArn = :me",
            "ExpressionAttributeValues": {":me": me["me"]},
        },
        output=NOTHING,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=_retry_call(never=(ROW_EXISTS,)),
        catch=[
            already_there,
            Catch(error_equals=["States.ALL"], assign=CAUGHT, output=NOTHING, next_step=publish_failure),
        ],
        next_state=publish_metrics,
    )
    claim_again = Wait("ClaimAgain", seconds=1)
    refused = Choice(
        "Refused",
        choices=[
            (When("$refusal = 'duplicate'", assign={"status": DUPLICATE}), record_duplicate),
            (
                When(f"$refusal in {literal(list(SkipReason))}", assign={"status": RunStatus.SKIPPED}),
                record_skip,
            ),
            (
                When(
                    f"$refusal = 'contended' and $claims < {CLAIM_ATTEMPTS}", assign={"claims": jsonata("$claims + 1")}
                ),
                claim_again,
            ),
        ],
        default=record_refusal,
    )
    explain_refusal = Task(
        "ExplainRefusal",
        comment="The claim says only that a condition failed; the two records say which.",
        resource=BATCH_GET_ITEM,
        arguments={
            "RequestItems": {
                stack.tasks_table: {"Keys": [task_key], "ConsistentRead": True},
                stack.runs_table: {"Keys": [run_key], "ConsistentRead": True},
            }
        },
        assign={
            "refusal": jsonata(f"""(
                $run := $lookup($states.result.Responses, {literal(stack.runs_table)})[0];
                $record := $lookup($states.result.Responses, {literal(stack.tasks_table)})[0];
                $holder := $record.lease.M;
                $exists($run) and $run.executionArn.S != {EXECUTION_ARN} ? 'duplicate'
                : $exists($record.pause) ? {literal(SkipReason.PAUSED)}
                : $exists($holder) and $holder.executionArn.S != {EXECUTION_ARN}
                    and $number($holder.expiresAt.N) >= {NOW_SECONDS} ? {literal(SkipReason.OVERLAP)}
                : 'contended'
            )"""),
            "failure": {
                "name": ClaimContended.__name__,
                "cause": "the slot could not be claimed: other transactions were in the way every time",
            },
        },
        output=NOTHING,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=_retry_call(),
        catch=[Catch(error_equals=["States.ALL"], assign=CAUGHT, output=NOTHING, next_step=record_refusal)],
        next_state=refused,
    )

    free = "(#overlap = :allow_all OR attribute_not_exists(#lease) OR #lease.#expiresAt < :now OR #lease.#executionArn = :me)"
    claim_slot = Task(
        "ClaimSlot",
        comment="Takes the slot and the lease together, or neither.",
        resource=TRANSACT_WRITE_ITEMS,
        arguments={
            "TransactItems": [
                {
                    "Put": {
                        "TableName": stack.runs_table,
                        "Item": row(status={"S": RunStatus.RUNNING}, attempts={"N": "0"}),
                        "ConditionExpression": "attribute_not_exists(slot) OR executionArn = :me",
                        "ExpressionAttributeValues": {":me": me["me"]},
                    }
                },
                {
                    "Update": {
                        "TableName": stack.tasks_table,
                        "Key": task_key,
                        **update(
                            {
                                "lease": {
                                    "M": {
                                        "executionArn": me["me"],
                                        "expiresAt": {"N": jsonata(f"$string({NOW_SECONDS} + $task.leaseSeconds)")},
                                    }
                                }
                            },
                            names=["taskId", "pause", "overlap", "expiresAt", "executionArn"],
                            values={
                                **me,
                                # The one place where a refused record stops: it costs the common case no state.
                                "now": {
                                    "N": jsonata(f"$exists($task.refusal) ? $error('refused') : $string({NOW_SECONDS})")
                                },
                                "allow_all": {"S": OverlapPolicy.ALLOW_ALL},
                            },
                            condition=f"attribute_exists(#taskId) AND attribute_not_exists(#pause) AND {free}",
                        ),
                    }
                },
            ]
        },
        assign={"attempt": 1},
        output=NOTHING,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=_retry_call(never=(CLAIM_REFUSED,)),
        catch=[
            Catch(
                error_equals=[EVALUATION_FAILED],
                assign=CAUGHT | {"failure": jsonata("$task.refusal"), "ended": None},
                output=NOTHING,
                next_step=record_refusal,
            ),
            Catch(error_equals=[CLAIM_REFUSED], output=NOTHING, next_step=explain_refusal),
            Catch(error_equals=["States.ALL"], assign=CAUGHT, output=NOTHING, next_step=record_refusal),
        ],
        next_state=route_task,
    )
    claim_again.next(claim_slot)

    # After a failure nothing is known of the input, not even that it is an object.
    known = {
        "slot": jsonata(f"{INPUT_IS_VALID} ? {SLOT} : {STARTED_AT}"),
        "trigger": jsonata(f"{INPUT_IS_VALID} ? {TRIGGER} : {literal(Trigger.AD_HOC)}"),
        "startDelay": jsonata(f"{INPUT_IS_VALID} ? {START_DELAY} : null"),
        "taskId": jsonata(f"{INPUT_IS_VALID} ? $states.input.taskId : {literal(NO_TASK_ID)}"),
    }
    lookup_task = Task(
        "LookupTask",
        resource=GET_ITEM,
        arguments={
            "TableName": stack.tasks_table,
            "Key": {"taskId": {"S": jsonata(f"{INPUT_IS_VALID} ? $states.input.taskId : $error('wrong input')")}},
            "ConsistentRead": True,
        },
        assign={**CONTEXT, "task": jsonata(RECORD), "claims": 1, "ended": None, "child": None},
        output=NOTHING,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=_retry_call(),
        catch=[
            Catch(
                error_equals=["States.ALL"],
                assign={
                    **CAUGHT,
                    **known,
                    "failure": jsonata(f"""
                        $not({INPUT_IS_VALID}) ? {{
                            'name': {literal(InvalidInput.__name__)},
                            'cause': 'the input must be like {{"taskId": "daily-sales-report"}}'
                        }}
                        : $states.errorOutput.Error = {literal(EVALUATION_FAILED)} ? {{
                            'name': {literal(InvalidTask.__name__)},
                            'cause': 'the params in the record are not JSON'
                        }}
                        : {{'name': $states.errorOutput.Error, 'cause': {CAUSE}}}"""),
                    "ended": None,
                    "task": {"owner": "", "runbook": ""},
                },
                output=NOTHING,
                next_step=record_refusal,
            )
        ],
        next_state=claim_slot,
    )
    return Definition(
        start=lookup_task,
        comment="Runs one slot of one scheduled task.",
        timeout_seconds=LONGEST_RUN_SECONDS + LEASE_MARGIN_SECONDS,
    )
