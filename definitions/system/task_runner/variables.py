"""What TaskRunner knows while it runs, and the expressions that make it known.

Every state sees the variables ``me`` (whose row and lease it is: :func:`begin`), ``taskId``, ``slot``, ``trigger``,
``startDelay`` (seconds, or null for all but scheduled runs), ``startedBy`` (who says to have started it, or null),
``task`` (the record, see :mod:`definitions.system.task_runner.record`), ``replaces`` (the version of the run whose
place this one is to take, or null), ``released`` (whether what the slot had to wait for is not asked again), ``known``
(of other runs, and why this one was refused:
:mod:`definitions.system.task_runner.refusal`), ``waitingSince`` (milliseconds, or null if it has not waited), and
``stopped`` (:mod:`definitions.system.task_runner.stopping`); once the slot is claimed ``attempt`` (how often the target
was called, the call at hand among them), ``requests`` (what Lambda calls those before it, a space before each),
``serviceRetries`` (how many of those are beyond the task's policy), ``waited`` (seconds between attempts) and ``began``
(milliseconds); in a Standard execution ``passed`` (states before the one at hand); and once there is an
outcome ``status``, ``ended`` (milliseconds, or null if nothing was started), ``result`` or ``failure`` (name, cause,
``service``), and ``child`` (the nested execution's ARN, or null).

The rules for what an input means are also in Python, in :mod:`orchestrator.runs.execution_end`, and tests hold the two
equal.
"""

from __future__ import annotations

from orchestrator.asl.integrations import NOT_BEGUN, SERVICE_FAULTS
from orchestrator.asl.states import Jsonata, jsonata, literal
from orchestrator.asl.vocabulary import CAUSE, CAUSE_TEXT, EXECUTION_ARN, STARTED_AT, STARTED_BY
from orchestrator.instants import MOMENT_PATTERN, SLOT_PATTERN
from orchestrator.runs.execution_end import DELIVERY_MARK, HELD
from orchestrator.runs.run import (
    CONTROL_PATTERN,
    NAME_LIMIT,
    NO_TASK_ID,
    RunStatus,
    Trigger,
)
from orchestrator.tasks.event_start import LONGEST_WINDOW_SECONDS
from orchestrator.tasks.task import TASK_ID_PATTERN

#: What a further delivery of a slot ends as: it has no row of its own, the slot's row counts it.
DUPLICATE = "DUPLICATE"

REFUSED_CALL = "refused"
FAULTY_CALL = "faulty"

TIMEOUTS = ["Sandbox.Timedout", "States.Timeout"]

NOW_SECONDS = "$floor($millis() / 1000)"
#: As the ends of pauses are written.
NOW_TEXT = "$substring($fromMillis($millis()), 0, 19) & 'Z'"
DURATION = "$round(($ended - $began) / 1000, 3)"


def matches(value: str, pattern: str) -> str:
    """Whether a value is text that a pattern, which has no anchors, matches as a whole; false for what is no text."""
    return f"($type({value}) = 'string' ? $match({value}, /^{pattern}/)[0].match = {value} : false)"


def is_moment(value: str, pattern: str = MOMENT_PATTERN) -> str:
    """Whether a value is what :func:`orchestrator.instants.read` reads."""
    return f"""({matches(value, pattern)} ? (
        $year := $number($substring({value}, 0, 4));
        $month := $number($substring({value}, 5, 2));
        $leap := $year % 4 = 0 and ($year % 100 != 0 or $year % 400 = 0);
        $number($substring({value}, 8, 2)) <= ($month = 2 ? ($leap ? 29 : 28) : $month in [4, 6, 9, 11] ? 30 : 31)
    ) : false)"""


def is_slot(value: str) -> str:
    """The same of :func:`orchestrator.instants.is_slot`: what follows a slot's moment is no part of a date."""
    return is_moment(value, SLOT_PATTERN)


def window_end(text: str, seconds: str) -> str:
    """The same of :func:`orchestrator.instants.window_end`, of a slot's text."""
    moment = f"$toMillis($substringBefore({text}, '#'))"
    end = f"($floor($floor({moment} / 1000) / {seconds}) + 1) * {seconds} * 1000"
    return f"$substring($fromMillis({end}), 0, 19) & 'Z'"


def order(text: str) -> str:
    """Returns the expression of a moment's sort key: :func:`orchestrator.instants.order`."""
    return f"$substringBefore({text}, 'Z')"


def optional(value: str, check: str) -> str:
    """True where there is no such value."""
    return f"($exists({value}) ? {check} : true)"


_INPUT = "$states.input"

#: The slot that an input names. A day stands for its midnight in UTC.
_NAMED = f"""($type({_INPUT}.scheduledTime) = 'string' and $length({_INPUT}.scheduledTime) = 10
    ? {_INPUT}.scheduledTime & 'T00:00:00Z' : {_INPUT}.scheduledTime)"""

_IS_WINDOW = f"""($type({_INPUT}.within) = 'number' and $type({_INPUT}.scheduledTime) = 'string' ? (
    {_INPUT}.within >= 1 and {_INPUT}.within <= {LONGEST_WINDOW_SECONDS}
    and {_INPUT}.within = $floor({_INPUT}.within) and {_INPUT}.scheduledTime < '9999'
) : false)"""

_NAMES_TASK = f"($type({_INPUT}) = 'object' ? {matches(f'{_INPUT}.taskId', TASK_ID_PATTERN)} : false)"

#: What is known of a held row that nothing has happened to.
_IS_HELD_ROW = f"""($type({_INPUT}.held) = 'object'
    ? {" and ".join(optional(f"{_INPUT}.held.{name}", f"$type({_INPUT}.held.{name}) = 'number'") for name in HELD)}
    : false)"""

INPUT_IS_VALID = f"""({_NAMES_TASK} ? ($named := {_NAMED};
    {optional(f"{_INPUT}.scheduledTime", is_slot("$named"))}
    and {optional(f"{_INPUT}.within", _IS_WINDOW)}
    and {optional(f"{_INPUT}.trigger", f"($type({_INPUT}.trigger) = 'string' ? {_INPUT}.trigger in {literal(list(Trigger))} : false)")}
    and {optional(f"{_INPUT}.replaces", f"$type({_INPUT}.replaces) in ['string', 'null']")}
    and {optional(f"{_INPUT}.params", f"$type({_INPUT}.params) = 'object'")}
    and {optional(f"{_INPUT}.released", f"$type({_INPUT}.released) = 'boolean'")}
    and {optional(f"{_INPUT}.notBefore", is_moment(f"{_INPUT}.notBefore"))}
    and {optional(f"{_INPUT}.held", _IS_HELD_ROW)}
) : false)"""  # noqa: E501

#: Scheduler says that it is Scheduler: whoever does not is a person or a program.
TRIGGER = f"($exists({_INPUT}.trigger) ? {_INPUT}.trigger : {literal(Trigger.AD_HOC)})"

#: What an input names that says when it is for; the end of its window, where it has one.
SLOT = f"""($exists({_INPUT}.within) ? {window_end(_NAMED, f"{_INPUT}.within")}
    : $exists({_INPUT}.scheduledTime) ? {_NAMED} : {STARTED_AT})"""

_REPLACES = f"($exists({_INPUT}.replaces) ? {_INPUT}.replaces : null)"

#: The name that somebody gives, else the execution of which this one is a part. A person who uses Step Functions
#: directly gives none: CloudTrail knows them.
_STARTED_BY = f"""($said := [{_INPUT}.startedBy, {_INPUT}.{STARTED_BY}][$type($) = 'string'][0];
    $exists($said) ? $substring($replace($said, /{CONTROL_PATTERN}/, ' '), 0, {NAME_LIMIT}) : null)"""

RELEASED = f"($exists({_INPUT}.released) ? {_INPUT}.released : false)"

#: Whether the run is to take the place of a held row, whose wait is over.
TAKES_OVER = "$released and $replaces != null"

#: Whether the slot is to be held first.
IS_HELD = "$exists($task.gate)"

#: When a run may begin whose pool is full for this minute.
NOT_BEFORE = "$states.context.Execution.Input.notBefore"

#: Whether it has to wait for that. Whoever has let it in has found its slot held.
IS_EARLY = f"($released and $exists({NOT_BEFORE}) ? $toMillis({NOT_BEFORE}) > $millis() : false)"

#: Whether the run keeps away from the task's record: it takes no lease there and leaves no outcome.
IS_DETACHED = f"$trigger = {literal(Trigger.BACKFILL)}"

#: Whether somebody asked for this slot and looks at what becomes of it.
ASKED_FOR = f"$trigger in {literal([Trigger.BACKFILL, Trigger.RERUN])}"

#: Whether a person started it. What such a run leaves without having claimed its slot stands under the moment at which
#: it started, so that Scheduler's own delivery of the slot finds it free.
BY_HAND = f"$trigger = {literal(Trigger.AD_HOC)}"

#: What the rows and leases of a Standard execution are owned by: its ARN. Step Functions runs it once.
_ME = EXECUTION_ARN

#: The same of an Express execution, which Step Functions may run more than once under one ARN ("Choosing workflow type
#: in Step Functions"): each time is another.
_ONE_OF_ME = f"{EXECUTION_ARN} & '{DELIVERY_MARK}' & $uuid()"

#: Of the runs before: no row has this version, and nobody this ARN.
_EARLIER: dict[str, object] = {"version": "none", "executionArn": "none", "attempts": 0, "history": [], "duplicates": 0}

#: How a run begins: nothing is known of others.
_BEGIN: dict[str, object] = {
    "claims": 1,
    "known": {"refusal": "none", "earlier": _EARLIER, "queue": {"others": {}, "seen": 0}},
    "waitingSince": None,
    "stopped": "none",
}


def begin(*, express: bool) -> dict[str, object]:
    """Returns the variables that are assigned first, in an Express execution or a Standard one."""
    own = {"me": jsonata(_ONE_OF_ME), "handOver": "not tried"} if express else {"me": jsonata(_ME)}
    return {**own, **_BEGIN}


#: The same of a run that takes the place of a held row of which its starter has said all that is to be kept: its claim
#: need not fail first to have it read.
RELEASED_KNOWN: dict[str, object] = {
    "known": jsonata(f"""($held := {RELEASED} and {_REPLACES} != null ? {_INPUT}.held; {{
        'refusal': 'none',
        'earlier': $merge([{literal(_EARLIER)}, $exists($held) ? {{
            'held': {_REPLACES},
            'startDelay': $exists($held.startDelay) ? $string($held.startDelay),
            'dollars': $held.dollars
        }}]),
        'queue': {{'others': {{}}, 'seen': 0}}
    }})""")
}


def refused(reason: str) -> Jsonata:
    """``known`` with another ``refusal``, an expression."""
    return jsonata(f"$merge([$known, {{'refusal': {reason}}}])")


#: What a claim makes known.
CLAIMED: dict[str, object] = {
    "attempt": 1,
    # An empty text, which a checker of definitions takes for no value.
    "requests": jsonata("''"),
    "serviceRetries": 0,
    "waited": 0,
    "began": jsonata(f"$waitingSince = null ? $toMillis({STARTED_AT}) : $millis()"),
}

#: A slot that has waited for something was not delivered late.
_START_DELAY = f"""({TRIGGER} = {literal(Trigger.SCHEDULE)} and $not({RELEASED})
    ? $round(($toMillis({STARTED_AT}) - $toMillis({SLOT})) / 1000, 3) : null)"""

#: From an input that was found valid.
FROM_INPUT = {
    "taskId": jsonata("$states.input.taskId"),
    "slot": jsonata(SLOT),
    "trigger": jsonata(TRIGGER),
    "startDelay": jsonata(_START_DELAY),
    "replaces": jsonata(_REPLACES),
    "released": jsonata(RELEASED),
    "startedBy": jsonata(_STARTED_BY),
}

#: Whether a rule has made the input: then the task is known whatever its event says.
IS_OF_EVENT = f"({_NAMES_TASK} ? {_INPUT}.trigger = {literal(Trigger.EVENT)} : false)"

#: From any input, even one that is no object.
FROM_ANY_INPUT = {
    "taskId": jsonata(f"{INPUT_IS_VALID} or {IS_OF_EVENT} ? $states.input.taskId : {literal(NO_TASK_ID)}"),
    "slot": jsonata(f"{INPUT_IS_VALID} ? {SLOT} : {STARTED_AT}"),
    "trigger": jsonata(f"{INPUT_IS_VALID} or {IS_OF_EVENT} ? {TRIGGER} : {literal(Trigger.AD_HOC)}"),
    "startDelay": jsonata(f"{INPUT_IS_VALID} ? {_START_DELAY} : null"),
    "replaces": jsonata(f"{INPUT_IS_VALID} ? {_REPLACES} : null"),
    "released": jsonata(f"{INPUT_IS_VALID} ? {RELEASED} : false"),
    "startedBy": jsonata(_STARTED_BY),
}


#: What the service that was called has to do with an error: null if a handler raised it, or a nested execution failed,
#: which comes as an object in JSON, whatever it is called; ``REFUSED_CALL`` if the service has not done what it was
#: asked for; ``FAULTY_CALL`` if it may have.
SERVICE = rf"""(
    $cause := {CAUSE_TEXT};
    $contains($cause, /^\s*\{{/) ? null
    : $states.errorOutput.Error in {literal(NOT_BEGUN)} or $contains($cause, /Status Code: 4[0-9][0-9]/)
    ? {literal(REFUSED_CALL)}
    : $states.errorOutput.Error in {literal(SERVICE_FAULTS)} or $contains($cause, /Status Code: 5[0-9][0-9]/)
    ? {literal(FAULTY_CALL)}
    : null
)"""

#: What a catcher makes of an error.
CAUGHT: dict[str, object] = {
    "failure": {
        "name": jsonata("$states.errorOutput.Error"),
        "cause": jsonata(CAUSE),
        "service": jsonata(SERVICE),
    },
    "ended": jsonata("$millis()"),
    "status": jsonata(
        f"$states.errorOutput.Error in {literal(TIMEOUTS)}"
        f" ? {literal(RunStatus.TIMED_OUT)} : {literal(RunStatus.FAILED)}"
    ),
    # A nested execution that failed is named in the cause; a cause can be cut short, so it is not parsed.
    "child": jsonata(
        f'($arn := $match({CAUSE_TEXT}, /"ExecutionArn":"([^"]*)"/)[0].groups[0]; $exists($arn) ? $arn : null)'
    ),
}

#: The same, where nothing was started.
REFUSED = CAUGHT | {"ended": None, "child": None, "status": RunStatus.FAILED}


def succeeded(result: str, child: str) -> dict[str, object]:
    """Returns the variables of a target's reply. A result may hold anything: only a short text of it is kept."""
    return {
        "result": jsonata(f"$substring($string({result}), 0, 2000)"),
        "child": jsonata(child),
        "status": RunStatus.SUCCEEDED,
        "ended": jsonata("$millis()"),
    }


#: What whoever waits for the execution gets.
SUMMARY: dict[str, Jsonata] = {name: jsonata(f"${name}") for name in ("taskId", "slot", "status")}
