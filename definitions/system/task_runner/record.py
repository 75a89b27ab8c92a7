"""The registry's record as TaskRunner reads it.

Whoever writes a record can write nonsense, and Choice and Wait cannot catch an expression that fails on it. So the
record is checked in full where it is read, and nothing later fails on one that passed.
"""

from __future__ import annotations

from collections.abc import Mapping

from definitions.system.task_runner.variables import NOW_TEXT, RELEASED, SLOT, TRIGGER, matches, order
from orchestrator.asl.states import jsonata, literal
from orchestrator.errors import InvalidTask, TaskNotFound
from orchestrator.runs.claims import UNGATED
from orchestrator.runs.run import Trigger
from orchestrator.tasks.event_start import WhenAbsent
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.price import LENGTHS, MOST
from orchestrator.tasks.task import TARGET_PATTERN, OverlapPolicy, TargetKind

_NUMBERS = {
    "timeoutSeconds": "$item.timeoutSeconds.N",
    "leaseSeconds": "$item.leaseSeconds.N",
    "maxAttempts": "$item.retry.M.maxAttempts.N",
    "intervalSeconds": "$item.retry.M.intervalSeconds.N",
    "backoffRate": "$item.retry.M.backoffRate.N",
    "maxDelaySeconds": "$item.retry.M.maxDelaySeconds.N",
}

#: "Amazon States Language": the largest number of seconds of a Wait state and of a timeout.
_LONGEST = 99_999_999

#: What a number must be at least, and at most; seconds are whole.
_BOUNDS = {name: (1 if name in ("timeoutSeconds", "leaseSeconds", "backoffRate") else 0, _LONGEST) for name in _NUMBERS}


def _between(name: str, least: int, most: int) -> str:
    whole = f" and $floor($fields.{name}) = $fields.{name}" if name.endswith("Seconds") else ""
    return f"($type($fields.{name}) = 'number' ? $fields.{name} >= {least} and $fields.{name} <= {most}{whole} : false)"


#: What a run is measured by, where the record has it.
_MEASURES = ("graceSeconds", "minDurationSeconds", "maxDurationSeconds", "heartbeatSeconds", "notYetSeconds")

#: Each field and what it must be.
_CHECKS: Mapping[str, str] = {
    "kind": f"$fields.kind in {literal(list(TargetKind))}",
    "target": matches("$fields.target", TARGET_PATTERN),
    "params": "$type($fields.params) = 'object'",
    **{name: _between(name, *bounds) for name, bounds in _BOUNDS.items()},
    "overlap": f"$fields.overlap in {literal(list(OverlapPolicy))}",
    "idempotent": "$type($fields.idempotent) = 'boolean'",
}

_WRONG = " & ".join(f"({check} ? '' : '{field} ')" for field, check in _CHECKS.items())

#: Why a scheduled slot is not run, or nothing.
_CLOSED = f"""($trigger := {TRIGGER}; $at := {order(SLOT)};
        $trigger = {literal(Trigger.SCHEDULE)} and $exists($item.closures.S)
        ? $parse($item.closures.S)[{order("since")} <= $at and {order("until")} > $at][0].why)"""


_UNGATED = literal({kind: list(UNGATED.get(kind, ())) for kind in HoldKind})

#: What the slot has to wait for first, or nothing: :func:`orchestrator.runs.claims.gates`.
_GATE = f"""($trigger := {TRIGGER}; $isOwn := $contains($split({SLOT}, '#')[0], '.');
        ($item.gates.L.S[$ in {literal(list(HoldKind))} and $not({RELEASED})
            and $not($ = {literal(HoldKind.UPSTREAM)} and $isOwn)
            and $not($trigger in $lookup({_UNGATED}, $))])[0])"""

#: What the clock does instead of running a slot whose event has not come, or nothing: it runs it.
_ABSENT = f"""{TRIGGER} = {literal(Trigger.SCHEDULE)}
        and $item.whenAbsent.S in {literal([WhenAbsent.SKIP, WhenAbsent.ALERT])} ? $item.whenAbsent.S"""


def paused(item: str) -> str:
    """Whether a record, as DynamoDB has it, is paused and the end of the pause, if it has one, has not come."""
    return f"""($until := {item}.pause.M.until.S;
        $exists({item}.pause) and $not($until >= '0' and $until <= {NOW_TEXT}))"""


#: What the parts of a run cost, where the record says it as this release does.
_PRICE = f"""($price := $item.price.L.($number(N))[$ >= 0 and $ < {MOST}];
        $count($price) in {literal(list(LENGTHS))} ? $price)"""

#: The record as plain values with the input's params over its own, ``paused``, ``closed`` if the slot lies in a
#: closure, ``gate`` if it is to be held first, ``linked``, ``incidents`` (whether any is open that has hit the task),
#: ``price`` (the list of :class:`~orchestrator.tasks.price.Price`, or nothing), and ``refusal`` (name, cause) if the
#: record cannot be run. Fails on nothing but params and closures that are no JSON.
RECORD = jsonata(f"""(
    $item := $states.result.Item;
    $fields := {{
        'kind': $item.kind.S,
        'target': $item.target.S,
        'params': $exists($item.params.S) ? $parse($item.params.S),
        {" ".join(f"'{name}': $number({path})," for name, path in _NUMBERS.items())}
        'neverOn': [$item.retry.M.neverOn.L.S],
        'overlap': $item.overlap.S,
        'idempotent': $item.idempotent.*,
        'timezone': $exists($item.schedules.L[0].M.timezone.S) ? $item.schedules.L[0].M.timezone.S : 'UTC',
        'closed': {_CLOSED},
        'absent': {_ABSENT},
        'paused': {paused("$item")},
        {" ".join(f"'{name}': $number($item.{name}.N)," for name in _MEASURES)}
        'incidents': $exists($item.incidents),
        'gate': {_GATE},
        'linked': $item.linked.* = true,
        'price': {_PRICE}
    }};
    $wrong := $trim({_WRONG});
    $not($exists($item)) ? $merge([$fields, {{'refusal': {{
        'name': {literal(TaskNotFound.__name__)}, 'cause': 'the registry has no task of this id'
    }}}}])
    : $wrong != '' ? $merge([$fields, {{'refusal': {{
        'name': {literal(InvalidTask.__name__)}, 'cause': 'missing or wrong in the record: ' & $wrong
    }}}}])
    : $merge([$fields, {{'params': $merge([$fields.params, $states.input.params])}}])
)""")
