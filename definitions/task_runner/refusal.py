"""Why a claim was refused, and what is to be done about it: the task's record and the slot's row tell.

The reply to a claim says only that a condition failed. ExplainRefusal reads both items and makes known ``refusal``, one
of the texts here or a :class:`SkipReason`; ``earlier``; ``holder``, the lease that is in the way, or null; and
``queue``: ``others``, the places of those who wait and live, as DynamoDB has them; ``seen``, how many places there are,
those of the dead too; ``room``, how many there may be before this run takes one.
"""

from __future__ import annotations

from typing import Any

from definitions.task_runner.record import paused
from definitions.task_runner.variables import EXECUTION_ARN, IS_APART, NOW_SECONDS, NOW_TEXT, order
from orchestrator.runs import BELATED, HISTORY_LIMIT, RunStatus, SkipReason, Trigger
from orchestrator.settings import Stack
from orchestrator.states import jsonata, literal
from orchestrator.tasks import LONGEST_WAIT_SECONDS, MOST_WAITING, OverlapPolicy

#: The slot is another run's.
DUPLICATE_SLOT = "duplicate"
#: Nothing is in the way now, or only the row that this run is to replace.
FREE = "free"
#: The overlap policy lets the run wait.
WAIT = "wait"
#: The overlap policy stops the holder of the lease.
STOP = "stop"

_QUEUEING = literal([OverlapPolicy.BUFFER_ONE, OverlapPolicy.BUFFER_ALL])
_STOPPING = literal([OverlapPolicy.CANCEL_OTHER, OverlapPolicy.TERMINATE_OTHER])

#: The attributes of a run that are kept when another takes its place.
_KEPT = ("trigger", "executionArn", "startedAt", "endedAt", "error")

#: A catch-up waits whatever the policy is, and whoever has begun to wait goes on.
_WAITS = f"""($trigger in {literal(BELATED)} or $waitingSince != null or $policy in {_QUEUEING})"""


#: Whether the lease is that of a later slot of a schedule: runs of one schedule would stop each other in turn. A slot
#: with milliseconds is that of a person, and a slot to come was started by one.
_NEWER = f"""($trigger = {literal(Trigger.SCHEDULE)} and $not($contains($lease.slot.S, '.'))
            and {order("$lease.slot.S")} > {order("$slot")} and {order("$lease.slot.S")} <= {order(NOW_TEXT)})"""


def _read(stack: Stack) -> str:
    """What the other expressions here are about: the slot's row, the task's record, the lease and the queue.

    ``$run`` is the row if it is another run's; a scheduled delivery that comes late may replace the one that says it
    was missed.
    """
    missed, schedule = literal(RunStatus.MISSED), literal(Trigger.SCHEDULE)
    return f"""
        $found := $lookup($states.result.Responses, {literal(stack.runs_table)})[0];
        $mine := $found.executionArn.S = {EXECUTION_ARN};
        $run := $mine ? null : $exists($found) ? $found : null;
        $version := $exists($run.startedAt.S) ? $run.startedAt.S : $run.status.S;
        $replaceable := $version = ($replaces = null and $trigger = {schedule} ? {missed} : $replaces);
        $record := $lookup($states.result.Responses, {literal(stack.tasks_table)})[0];
        $policy := $record.overlap.S;
        $lease := $record.lease.M;
        $held := $exists($lease) and $not($lease.executionArn.S in [{EXECUTION_ARN}, $run.executionArn.S])
            and $number($lease.expiresAt.N) >= {NOW_SECONDS};
        $places := $keys($record.waiting.M);
        $live := $sift($record.waiting.M, function($place, $of) {{
            $of != $slot and $number($place.M.expiresAt.N) >= {NOW_SECONDS}
        }});
        $others := $keys($live);
        $first := $count($others[{order("$")} < {order("$slot")}]) = 0;
        $most := $policy = {literal(OverlapPolicy.BUFFER_ONE)} and $not($trigger in {literal(BELATED)})
            ? 1 : {MOST_WAITING};
    """


def _why(stack: Stack) -> str:
    overlap = literal(SkipReason.OVERLAP)
    return f"""({_read(stack)}
        $run != null and $not($replaceable) ? '{DUPLICATE_SLOT}'
        : {paused("$record")} ? {literal(SkipReason.PAUSED)}
        : {IS_APART} or $policy = {literal(OverlapPolicy.ALLOW_ALL)} ? '{FREE}'
        : $lease.executionArn.S = {EXECUTION_ARN} ? '{FREE}'
        : $not($held) and ($first or $policy in {_STOPPING} and $not({_WAITS})) ? '{FREE}'
        : {_WAITS} ? (
            ($slot in $places or $count($others) < $most)
            and ($waitingSince = null ? true : $millis() < $waitingSince + {LONGEST_WAIT_SECONDS * 1000})
            ? '{WAIT}' : {overlap}
        )
        : $policy in {_STOPPING} and $not({_NEWER}) ? '{STOP}'
        : {overlap}
    )"""


def _earlier(stack: Stack) -> str:
    """The runs before this one, when the row is another run's; a row that has not ended is of one that died."""
    kept = ", ".join(f"'{name}': $exists($run.{name}.S) ? {{'S': $run.{name}.S}}" for name in _KEPT)
    unfinished, aborted = literal([RunStatus.RUNNING, RunStatus.WAITING]), literal(RunStatus.ABORTED)
    return f"""({_read(stack)}
        $attempts := $exists($run.attempts.N) ? $number($run.attempts.N) : 0;
        $history := $append([$run.history.L], [{{'M': {{
            'status': {{'S': $run.status.S in {unfinished} ? {aborted} : $run.status.S}},
            'attempts': {{'N': $string($attempts)}}, {kept}
        }}}}]);
        $duplicates := $mine and $exists($found.duplicates.N) ? $number($found.duplicates.N) : 0;
        $merge([$run = null ? $earlier : {{
            'version': $version,
            'executionArn': $exists($run.executionArn.S) ? $run.executionArn.S : 'none',
            'attempts': $attempts,
            'history': [$history[[-{HISTORY_LIMIT}..-1]]]
        }}, {{'duplicates': $duplicates}}])
    )"""


def _queue(stack: Stack) -> str:
    return f"""({_read(stack)}
        {{
            'others': $count($others) > 0 ? $live : {{}},
            'seen': $count($places),
            'room': $most + $count($places) - $count($others)
        }}
    )"""


def _holder(stack: Stack) -> str:
    """Only the lease's expiry is sure to be there."""
    return f"""({_read(stack)}
        $held ? {{
            'executionArn': $lease.executionArn.S, 'slot': $lease.slot.S, 'expiresAt': $number($lease.expiresAt.N)
        }} : null
    )"""


def explained(stack: Stack) -> dict[str, Any]:
    """What the two items make known."""
    expressions = {"refusal": _why, "earlier": _earlier, "queue": _queue, "holder": _holder}
    return {name: jsonata(expression(stack)) for name, expression in expressions.items()}
