"""Why a claim was refused, and what is to be done about it: the task's record and the slot's row tell.

The reply to a claim says only that a condition failed. ExplainRefusal reads both items and makes known one object,
``known``: ``refusal``, a :class:`~orchestrator.runs.claims.Decision`; ``earlier``, of the runs before this one: version
and ARN of the last, their attempts, their history, and this run's duplicates; ``holder``, the lease that is in the way,
or null; and ``queue``: ``others``, the places of those who wait and live, as DynamoDB has them; ``seen``, how many
places there are, those of the dead too; ``room``, how many there may be before this run takes one.

The rule is :func:`orchestrator.runs.claims.decide`, to which tests hold the expression.
"""

from __future__ import annotations

from definitions.system.task_runner.record import paused
from definitions.system.task_runner.variables import (
    IS_DETACHED,
    NOW_SECONDS,
    NOW_TEXT,
    REFUSED,
    is_moment,
    order,
    refused,
)
from orchestrator.asl.integrations import NOTHING
from orchestrator.asl.states import Catch, Jsonata, jsonata, literal, to
from orchestrator.runs.claims import QUEUEING, STOPPING, Decision
from orchestrator.runs.run import BELATED, HISTORY_LIMIT, RunStatus, Trigger
from orchestrator.stack import Stack
from orchestrator.tasks.task import LONGEST_WAIT_SECONDS, MOST_WAITING, OverlapPolicy

#: The attributes of a run that are kept when another takes its place.
_KEPT = ("trigger", "startedBy", "executionArn", "requestIds", "startedAt", "endedAt", "error")

#: What the decision depends on, each name of it true or false; tests put every combination into the table below.
FACTS = (
    "taken",  # the row is another run's, and this one is not to replace it
    "paused",
    "shared",  # the run takes no lease, or nobody's is in its way
    "mine",  # the lease is this execution's: the reply to a claim was lost
    "held",
    "first",  # nobody with an earlier slot waits
    "stops",  # the overlap policy stops the holder of the lease
    "waits",
    "room",  # to wait, and time
    "passed",  # by a later slot of the schedule
)

#: The first whose condition holds, by the facts.
TABLE = (
    ("taken", Decision.DUPLICATE),
    ("paused", Decision.PAUSED),
    ("shared or mine", Decision.FREE),
    ("not held and (first or stops and not waits)", Decision.FREE),
    ("waits and room", Decision.WAIT),
    ("waits", Decision.OVERLAP),
    ("stops and not passed", Decision.STOP),
    ("true", Decision.OVERLAP),
)


def decided() -> str:
    """The table as an expression, where ``$is`` holds the facts."""
    rules = " : ".join(f"{_condition(condition)} ? {literal(decision)}" for condition, decision in TABLE[:-1])
    return f"({rules} : {literal(TABLE[-1][1])})"


def _condition(text: str) -> str:
    words = text.replace("(", "( ").replace(")", " )").split()
    written = " ".join(f"$is.{word}" if word in FACTS else word for word in words)
    for fact in FACTS:
        written = written.replace(f"not $is.{fact}", f"$not($is.{fact})")
    return written


def _read(stack: Stack) -> str:
    """The two items, and what they have to do with this run.

    ``$run`` is the row if it is another run's; a scheduled delivery or an event that comes late may replace the one
    that says it was missed.
    """
    missed, delivered = literal(RunStatus.MISSED), literal([Trigger.SCHEDULE, Trigger.EVENT])
    return f"""
        $row := $lookup($states.result.Responses, {literal(stack.runs_table)})[0];
        $mine := $row.executionArn.S = $me;
        $run := $mine ? null : $exists($row) ? $row : null;
        $version := $exists($run.startedAt.S) ? $run.startedAt.S : $run.status.S;
        $replaceable := $version = ($replaces = null and $trigger in {delivered} ? {missed} : $replaces);
        $record := $lookup($states.result.Responses, {literal(stack.tasks_table)})[0];
        $policy := $record.overlap.S;
        $lease := $record.lease.M;
        $held := $exists($lease) and $not($lease.executionArn.S in [$me, $run.executionArn.S])
            and $number($lease.expiresAt.N) >= {NOW_SECONDS};
        $places := $keys($record.waiting.M);
        $live := $sift($record.waiting.M, function($place, $of) {{
            $of != $slot and $number($place.M.expiresAt.N) >= {NOW_SECONDS}
        }});
        $others := $keys($live);
        $belated := $trigger in {literal(BELATED)};
        $most := $policy = {literal(OverlapPolicy.BUFFER_ONE)} and $not($belated) ? 1 : {MOST_WAITING};
    """


def _facts() -> str:
    later = f"{order('$lease.slot.S')} > {order('$slot')} and {order('$lease.slot.S')} <= {order(NOW_TEXT)}"
    in_time = f"($waitingSince = null ? true : $millis() < $waitingSince + {LONGEST_WAIT_SECONDS * 1000})"
    facts = {
        "taken": "$run != null and $not($replaceable)",
        "paused": paused("$record"),
        "shared": f"{IS_DETACHED} or $policy = {literal(OverlapPolicy.ALLOW_ALL)}",
        "mine": "$lease.executionArn.S = $me",
        "held": "$held",
        "first": f"$count($others[{order('$')} < {order('$slot')}]) = 0",
        "stops": f"$policy in {literal(STOPPING)}",
        # A belated run waits whatever the policy is, and whoever has begun to wait goes on.
        "waits": f"$belated or $waitingSince != null or $policy in {literal(QUEUEING)}",
        "room": f"($slot in $places or $count($others) < $most) and {in_time}",
        # Milliseconds are those of a person's slot, an id is an event's, and either may have started a slot to come.
        "passed": f"$trigger = {literal(Trigger.SCHEDULE)} and $not($contains($lease.slot.S, /[.#]/)) and {later}",
    }
    return "$is := {" + ", ".join(f"'{name}': {facts[name]}" for name in FACTS) + "};"


def _earlier() -> str:
    """The runs before this one, when the row is another run's; a row that has not ended is of one that died, but a held
    row is of none.
    """
    kept = ", ".join(f"'{name}': $exists($run.{name}.S) ? {{'S': $run.{name}.S}}" for name in _KEPT)
    unfinished, aborted = literal([RunStatus.RUNNING, RunStatus.WAITING]), literal(RunStatus.ABORTED)
    return f"""(
        $attempts := $exists($run.attempts.N) ? $number($run.attempts.N) : 0;
        $history := $append([$run.history.L], $exists($run.hold) ? [] : [{{'M': {{
            'status': {{'S': $run.status.S in {unfinished} ? {aborted} : $run.status.S}},
            'attempts': {{'N': $string($attempts)}}, 'dollars': $run.dollars, {kept}
        }}}}]);
        $counts := ($mine or $exists($run.hold)) and $exists($row.duplicates.N);
        $duplicates := $counts ? $number($row.duplicates.N) : 0;
        $merge([$run = null ? $known.earlier : {{
            'version': $version,
            'executionArn': $exists($run.executionArn.S) ? $run.executionArn.S : 'none',
            'attempts': $attempts,
            'history': [$history[[-{HISTORY_LIMIT}..-1]]],
            'postponed': $exists($run.hold) and {is_moment("$run.postponedSince.S")} ? $run.postponedSince.S,
            'approval': $exists($run.hold) ? $run.approval,
            'startDelay': $exists($run.hold) ? $run.startDelaySeconds.N,
            'dollars': $exists($run.hold) ? $number($run.dollars.N)
        }}, {{'duplicates': $duplicates}}])
    )"""


#: Only the lease's expiry is sure to be there.
_HOLDER = """$held ? {
        'executionArn': $lease.executionArn.S, 'slot': $lease.slot.S, 'expiresAt': $number($lease.expiresAt.N)
    } : null"""

_QUEUE = """{
        'others': $count($others) > 0 ? $live : {},
        'seen': $count($places),
        'room': $most + $count($places) - $count($others)
    }"""


def explained(stack: Stack) -> Jsonata:
    """Returns the expression of ``known``, from the reply of BatchGetItem."""
    return jsonata(f"""({_read(stack)} {_facts()} {{
        'refusal': {decided()},
        'earlier': {_earlier()},
        'holder': {_HOLDER},
        'queue': {_QUEUE}
    }})""")


#: A fault of AWS itself, as the reason of a refusal.
_FAULT = REFUSED | {"known": refused(literal("fault"))}


def faulty() -> Catch:
    """The catcher of what a claim can fail with besides its condition."""
    return Catch(error_equals=["States.ALL"], assign=_FAULT, output=NOTHING, next_step=to("Refused"))


def not_claimed(condition_failed: str) -> list[Catch]:
    """The catchers of a claim: the two records say which condition failed."""
    return [
        Catch(error_equals=[condition_failed], output=NOTHING, next_step=to("ExplainRefusal")),
        faulty(),
    ]
