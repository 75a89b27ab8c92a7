"""How a slot is claimed, and what happens when it cannot be."""

from __future__ import annotations

from definitions.task_runner import rows
from definitions.task_runner.ending import Ending
from definitions.task_runner.record import RECORD
from definitions.task_runner.variables import (
    ASKED_FOR,
    CAUSE,
    DUPLICATE,
    EXECUTION_ARN,
    FROM_ANY_INPUT,
    FROM_INPUT,
    INPUT_IS_VALID,
    IS_APART,
    NO_EARLIER_RUN,
    NOW_SECONDS,
    REFUSED,
)
from orchestrator.errors import ClaimContended, InvalidInput, InvalidTask
from orchestrator.runs import HISTORY_LIMIT, RunStatus, SkipReason
from orchestrator.services import (
    BATCH_GET_ITEM,
    CONDITION_FAILED,
    EVALUATION_FAILED,
    GET_ITEM,
    NOTHING,
    PUT_ITEM,
    TRANSACT_WRITE_ITEMS,
    TRANSACTION_CANCELED,
    UPDATE_ITEM,
    call,
)
from orchestrator.settings import Stack
from orchestrator.states import Catch, Choice, Task, Wait, When, jsonata, literal

#: How often a claim is tried again when another transaction was in its way.
CLAIM_ATTEMPTS = 5

#: The one place where a record that cannot be run, a slot on a closed day and a run of a backfill turn off: the common
#: case pays no state.
_NOW_UNLESS_REFUSED = f"""$exists($task.refusal) or $exists($task.closed) or {IS_APART}
    ? $error('this slot is not claimed so') : $string({NOW_SECONDS})"""

#: Why ClaimSlot did not try: ``invalid``, a :class:`SkipReason`, or ``apart`` for what is claimed without the task.
_NOT_CLAIMED = f"""$exists($task.refusal) ? 'invalid'
    : $exists($task.closed) ? {literal(SkipReason.CLOSED)}
    : $task.paused ? {literal(SkipReason.PAUSED)}
    : 'apart'"""

#: A fault of AWS itself, as the reason of a refusal.
_FAULT = REFUSED | {"refusal": "fault"}

#: The attributes of a run that are kept when another takes its place.
_KEPT = ("trigger", "executionArn", "startedAt", "endedAt", "error")

_LOOKUP_FAILED = jsonata(f"""
    $not({INPUT_IS_VALID}) ? {{
        'name': {literal(InvalidInput.__name__)}, 'cause': 'the input must be like {{"taskId": "daily-sales-report"}}'
    }}
    : $states.errorOutput.Error = {literal(EVALUATION_FAILED)} ? {{
        'name': {literal(InvalidTask.__name__)}, 'cause': 'missing or wrong in the record: params or closures'
    }}
    : {{'name': $states.errorOutput.Error, 'cause': {CAUSE}}}
""")


def _read(stack: Stack) -> str:
    """What the other expressions here are about: the slot's run, if it is another's, and the task's record."""
    return f"""
        $found := $lookup($states.result.Responses, {literal(stack.runs_table)})[0];
        $run := $found.executionArn.S = {EXECUTION_ARN} ? null : $exists($found) ? $found : null;
        $version := $exists($run.startedAt.S) ? $run.startedAt.S : $run.status.S;
        $record := $lookup($states.result.Responses, {literal(stack.tasks_table)})[0];
    """


def _why(stack: Stack) -> str:
    """Why a claim was refused: ``duplicate``, a :class:`SkipReason`, ``replaceable`` if this run is to take the place
    of the one that is there, or ``contended`` if nothing is in the way now.
    """
    return f"""({_read(stack)}
        $holder := $record.lease.M;
        $run != null and $not($replaces = $version) ? 'duplicate'
        : $exists($record.pause) ? {literal(SkipReason.PAUSED)}
        : $not({IS_APART}) and $exists($holder)
            and $not($holder.executionArn.S in [{EXECUTION_ARN}, $run.executionArn.S])
            and $number($holder.expiresAt.N) >= {NOW_SECONDS} ? {literal(SkipReason.OVERLAP)}
        : $run != null ? 'replaceable'
        : 'contended'
    )"""


def _earlier(stack: Stack) -> str:
    """The runs before this one, when the row is another run's; a row that is RUNNING is of one that died."""
    kept = ", ".join(f"'{name}': $exists($run.{name}.S) ? {{'S': $run.{name}.S}}" for name in _KEPT)
    running, aborted = literal(RunStatus.RUNNING), literal(RunStatus.ABORTED)
    return f"""({_read(stack)}
        $attempts := $exists($run.attempts.N) ? $number($run.attempts.N) : 0;
        $history := $append([$run.history.L], [{{'M': {{
            'status': {{'S': $run.status.S = {running} ? {aborted} : $run.status.S}},
            'attempts': {{'N': $string($attempts)}}, {kept}
        }}}}]);
        $run = null ? $earlier
        : {{
            'version': $version,
            'executionArn': $exists($run.executionArn.S) ? $run.executionArn.S : 'none',
            'attempts': $attempts,
            'history': [$history[[-{HISTORY_LIMIT}..-1]]]
        }}
    )"""


def build(stack: Stack, *, route_task: Choice, ending: Ending) -> Task:
    """LookupTask and what follows it, up to ``route_task``."""
    record_duplicate = call(
        "RecordDuplicate",
        UPDATE_ITEM,
        comment="Scheduler delivers at least once: the row of the first delivery counts the others.",
        arguments=rows.duplicate_counted(stack),
        catch=[Catch(error_equals=["States.ALL"], next_step=ending.publish_metrics)],
        next_state=ending.publish_metrics,
    )

    def put_row(name: str, *, then: Task, **attributes: object) -> Task:
        return call(
            name,
            PUT_ITEM,
            arguments=rows.new_row(stack, status={"S": jsonata("$status")}, **attributes),
            never_retry=[CONDITION_FAILED],
            catch=[
                Catch(error_equals=[CONDITION_FAILED], assign={"status": DUPLICATE}, next_step=record_duplicate),
                Catch(error_equals=["States.ALL"], assign=REFUSED, output=NOTHING, next_step=ending.publish_failure),
            ],
            next_state=then,
        )

    record_refusal = put_row(
        "RecordRefusal",
        error={"S": jsonata("$failure.name")},
        cause={"S": jsonata("$failure.cause")},
        then=ending.publish_failure,
    )
    record_skip = put_row(
        "RecordSkip",
        reason={"S": jsonata("$refusal")},
        cause=jsonata(f"$refusal = {literal(SkipReason.CLOSED)} ? {{'S': $task.closed}} : {{'NULL': true}}"),
        then=ending.publish_metrics,
    )
    claim_again = Wait("ClaimAgain", seconds=jsonata("$refusal = 'replaceable' ? 0 : 1"))
    claim_apart = call(
        "ClaimApart",
        PUT_ITEM,
        comment="A backfill takes the slot without the task: a scheduled run is never skipped because of it.",
        arguments=rows.claimed_row(stack),
        assign={"attempt": 1},
        never_retry=[CONDITION_FAILED],
        next_state=route_task,
    )

    def once_more(condition: str) -> When:
        return When(f"{condition} and $claims < {CLAIM_ATTEMPTS}", assign={"claims": jsonata("$claims + 1")})

    skipped = f"$refusal in {literal(list(SkipReason))}"
    refused = Choice(
        "Refused",
        choices=[
            (When("$refusal = 'duplicate'", assign={"status": DUPLICATE}), record_duplicate),
            # The row of before stands, or there is still none: whoever asked can ask again.
            (When(f"{skipped} and {ASKED_FOR}", assign={"status": RunStatus.SKIPPED}), ending.publish_metrics),
            (When(skipped, assign={"status": RunStatus.SKIPPED}), record_skip),
            (When("$refusal = 'apart'"), claim_apart),
            (once_more(f"$refusal = 'replaceable' and {IS_APART}"), claim_apart),
            (once_more("$refusal in ['contended', 'replaceable']"), claim_again),
            (When("$replaces != null"), ending.publish_failure),
        ],
        default=record_refusal,
    )
    contended = {
        "name": ClaimContended.__name__,
        "cause": "the slot could not be claimed: other transactions were in the way every time",
    }
    explain_refusal = call(
        "ExplainRefusal",
        BATCH_GET_ITEM,
        comment="The claim says only that a condition failed; the two records say which.",
        arguments={
            "RequestItems": {
                stack.tasks_table: {"Keys": [rows.TASK_KEY], "ConsistentRead": True},
                stack.runs_table: {"Keys": [rows.RUN_KEY], "ConsistentRead": True},
            }
        },
        assign={
            "refusal": jsonata(_why(stack)),
            "earlier": jsonata(_earlier(stack)),
            "failure": contended,
            "status": RunStatus.FAILED,
        },
        catch=[Catch(error_equals=["States.ALL"], assign=_FAULT, output=NOTHING, next_step=refused)],
        next_state=refused,
    )
    claim_slot = call(
        "ClaimSlot",
        TRANSACT_WRITE_ITEMS,
        comment="Takes the slot and the lease together, or neither.",
        arguments={
            "TransactItems": [
                {"Put": rows.claimed_row(stack)},
                {"Update": rows.lease_taken(stack, _NOW_UNLESS_REFUSED)},
            ]
        },
        assign={"attempt": 1},
        never_retry=[TRANSACTION_CANCELED],
        catch=[
            Catch(
                error_equals=[EVALUATION_FAILED],
                assign=REFUSED
                | {
                    "refusal": jsonata(_NOT_CLAIMED),
                    "failure": jsonata("$exists($task.refusal) ? $task.refusal : null"),
                },
                output=NOTHING,
                next_step=refused,
            ),
            Catch(error_equals=[TRANSACTION_CANCELED], output=NOTHING, next_step=explain_refusal),
            Catch(error_equals=["States.ALL"], assign=_FAULT, output=NOTHING, next_step=refused),
        ],
        next_state=route_task,
    )
    claim_again.next(claim_slot)
    claim_apart.add_catch(Catch(error_equals=[CONDITION_FAILED], output=NOTHING, next_step=explain_refusal))
    claim_apart.add_catch(Catch(error_equals=["States.ALL"], assign=_FAULT, output=NOTHING, next_step=refused))
    begin = {"claims": 1, "earlier": NO_EARLIER_RUN}
    return call(
        "LookupTask",
        GET_ITEM,
        arguments={
            "TableName": stack.tasks_table,
            "Key": {"taskId": {"S": jsonata(f"{INPUT_IS_VALID} ? $states.input.taskId : $error('invalid input')")}},
            "ConsistentRead": True,
        },
        assign={**FROM_INPUT, **begin, "task": RECORD, "ended": None, "child": None},
        catch=[
            Catch(
                error_equals=["States.ALL"],
                assign={**_FAULT, **FROM_ANY_INPUT, **begin, "failure": _LOOKUP_FAILED, "task": {}},
                output=NOTHING,
                next_step=refused,
            )
        ],
        next_state=claim_slot,
    )
