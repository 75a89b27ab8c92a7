"""What TaskRunner knows while it runs, and the expressions that make it known.

Every state sees the variables ``taskId``, ``slot``, ``trigger``, ``startDelay`` (seconds, or null for all but scheduled
runs), ``task`` (the record, see :mod:`definitions.task_runner.record`), ``replaces`` (the version of the run whose
place this one is to take, or null), ``earlier`` (of the runs before it: version and ARN of the last, their attempts,
their history; and this run's duplicates), ``queue`` (who waits: :mod:`definitions.task_runner.refusal`),
``waitingSince`` (milliseconds, or null if it has not waited), and ``holder`` and ``stopped``
(:mod:`definitions.task_runner.stopping`); once the slot is claimed ``attempt`` and ``began`` (milliseconds); and once
there is an outcome ``status``, ``ended`` (milliseconds, or null if nothing was started), ``result`` or ``failure``
(name, cause), and ``child`` (the nested execution's ARN, or null).
"""

from __future__ import annotations

from orchestrator.runs import NO_TASK_ID, RunStatus, Trigger
from orchestrator.states import Jsonata, jsonata, literal
from orchestrator.tasks import TASK_ID_PATTERN

#: What a further delivery of a slot ends as: it has no row of its own, the slot's row counts it.
DUPLICATE = "DUPLICATE"

TIMEOUTS = ["Sandbox.Timedout", "States.Timeout"]

EXECUTION_ARN = "$states.context.Execution.Id"
STARTED_AT = "$states.context.Execution.StartTime"
NOW_SECONDS = "$floor($millis() / 1000)"
#: As slots and the ends of pauses are written.
NOW_TEXT = "$substring($fromMillis($millis()), 0, 19) & 'Z'"
DURATION = "$round(($ended - $began) / 1000, 3)"

SCHEDULED_TIME_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$"


def matches(value: str, pattern: str) -> str:
    """True or false for any value, where ``$contains`` alone fails on one that is not text."""
    return f"($type({value}) = 'string' ? $contains({value}, /{pattern}/) : false)"


def optional(value: str, check: str) -> str:
    """True where there is no such value."""
    return f"($exists({value}) ? {check} : true)"


INPUT_IS_VALID = f"""(
    {matches("$states.input.taskId", TASK_ID_PATTERN)}
    and {optional("$states.input.scheduledTime", matches("$states.input.scheduledTime", SCHEDULED_TIME_PATTERN))}
    and {optional("$states.input.trigger", f"$states.input.trigger in {literal(list(Trigger))}")}
    and {optional("$states.input.replaces", "$type($states.input.replaces) in ['string', 'null']")}
    and {optional("$states.input.params", "$type($states.input.params) = 'object'")}
)"""

TRIGGER = f"""($exists($states.input.trigger) ? $states.input.trigger
    : $exists($states.input.scheduledTime) ? {literal(Trigger.SCHEDULE)} : {literal(Trigger.AD_HOC)})"""

SLOT = f"($exists($states.input.scheduledTime) ? $states.input.scheduledTime : {STARTED_AT})"

_REPLACES = "($exists($states.input.replaces) ? $states.input.replaces : null)"

#: Whether the run keeps away from the task's record: it takes no lease there and leaves no outcome.
IS_APART = f"$trigger = {literal(Trigger.BACKFILL)}"

#: Whether somebody asked for this slot and looks at what becomes of it.
ASKED_FOR = f"$trigger in {literal([Trigger.BACKFILL, Trigger.RERUN])}"

#: How a run begins: nothing is known of others. No row has this version, and nobody this ARN.
BEGIN: dict[str, object] = {
    "claims": 1,
    "earlier": {"version": "none", "executionArn": "none", "attempts": 0, "history": [], "duplicates": 0},
    "queue": {"others": {}, "seen": 0},
    "waitingSince": None,
    "stopped": "none",
}

#: What a claim makes known.
CLAIMED: dict[str, object] = {
    "attempt": 1,
    "began": jsonata(f"$waitingSince = null ? $toMillis({STARTED_AT}) : $millis()"),
}

_START_DELAY = f"""({TRIGGER} = {literal(Trigger.SCHEDULE)}
    ? $round(($toMillis({STARTED_AT}) - $toMillis({SLOT})) / 1000, 3) : null)"""

#: From an input that was found valid.
FROM_INPUT = {
    "taskId": jsonata("$states.input.taskId"),
    "slot": jsonata(SLOT),
    "trigger": jsonata(TRIGGER),
    "startDelay": jsonata(_START_DELAY),
    "replaces": jsonata(_REPLACES),
}

#: From any input, even one that is no object.
FROM_ANY_INPUT = {
    "taskId": jsonata(f"{INPUT_IS_VALID} ? $states.input.taskId : {literal(NO_TASK_ID)}"),
    "slot": jsonata(f"{INPUT_IS_VALID} ? {SLOT} : {STARTED_AT}"),
    "trigger": jsonata(f"{INPUT_IS_VALID} ? {TRIGGER} : {literal(Trigger.AD_HOC)}"),
    "startDelay": jsonata(f"{INPUT_IS_VALID} ? {_START_DELAY} : null"),
    "replaces": jsonata(f"{INPUT_IS_VALID} ? {_REPLACES} : null"),
}

#: Text from outside, fit for a row and an alert: of a Lambda's error its message, in one line, of bounded length.
CAUSE = r"""(
    $cause := $string($states.errorOutput.Cause);
    $message := $match($cause, /"errorMessage":\s*"((?:\\.|[^"])*)"/)[0].groups[0];
    $substring($replace($exists($message) ? $message : $cause, /[\x00-\x1f\x7f]+/, ' '), 0, 1000)
)"""

#: What a catcher makes of an error.
CAUGHT: dict[str, object] = {
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

#: The same, where nothing was started.
REFUSED = CAUGHT | {"ended": None, "child": None, "status": RunStatus.FAILED}


def succeeded(result: str, child: str) -> dict[str, object]:
    """What a target's reply makes known. A result may hold anything: a short text is kept, and nothing travels on."""
    return {
        "result": jsonata(f"$substring($string({result}), 0, 2000)"),
        "child": jsonata(child),
        "status": RunStatus.SUCCEEDED,
        "ended": jsonata("$millis()"),
    }


#: What whoever waits for the execution gets.
SUMMARY: dict[str, Jsonata] = {name: jsonata(f"${name}") for name in ("taskId", "slot", "status")}
