"""How a slot waits as a row, without an execution; and how a held row ends whose wait is over and which is not to run.

Whoever sees that the slot may run starts TaskRunner again, which takes the row's place:
:mod:`orchestrator.operations.releasing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from definitions.system.task_runner import rows
from definitions.system.task_runner.refusal import not_claimed
from definitions.system.task_runner.variables import DUPLICATE, IS_HELD, NOT_BEFORE, SUMMARY, TAKES_OVER
from orchestrator.asl.integrations import CONDITION_FAILED, PUT_ITEM, UPDATE_ITEM, call
from orchestrator.asl.states import Catch, Task, Wait, When, jsonata, literal, to
from orchestrator.runs.claims import Decision
from orchestrator.runs.pools import AHEAD_SECONDS
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack

#: Why ClaimSlot did not try: the slot is to wait for something first.
HELD = "held"

#: The same: its pool has let it in, and for a later moment of this minute.
EARLY = "early"

#: A slot is held whatever else its task does; that is asked when its wait is over.
_UNDECIDED = (HELD, Decision.FREE, Decision.WAIT, Decision.STOP, Decision.OVERLAP)

#: Two have released a slot at once: the other one runs.
RELEASED_TWICE = (
    When(f"{TAKES_OVER} and $known.refusal = {literal(Decision.DUPLICATE)}", assign={"status": DUPLICATE}),
    to("Ended"),
)


def turns(is_skipped: str, once_more: Callable[[str], When]) -> list[Any]:
    """The choices of Refused that lead here; ``is_skipped`` is the condition under which a run is skipped."""
    return [
        (When(f"{TAKES_OVER} and {is_skipped}", assign={"status": RunStatus.SKIPPED}), to("SkipHeld")),
        (When(f"{TAKES_OVER} and $known.refusal = 'invalid'"), to("FailHeld")),
        (When(f"$known.refusal = {literal(EARLY)}"), to("WaitForMinute")),
        (once_more(f"{IS_HELD} and $known.refusal in {literal(_UNDECIDED)}"), to("HoldSlot")),
    ]


def states(stack: Stack) -> list[Any]:
    """HoldSlot, WaitForMinute, SkipHeld and FailHeld."""
    # A one-time schedule is exact to the minute, and so many may begin in one.
    seconds = f"$min([{AHEAD_SECONDS}, $max([0, $floor(($toMillis({NOT_BEFORE}) - $millis()) / 1000) + 1])])"
    minute = Wait("WaitForMinute", seconds=jsonata(seconds), next_state=to("ClaimSlot"))
    return [_hold(stack), minute, *_not_run(stack)]


def _hold(stack: Stack) -> Task:
    held = {"status": RunStatus.WAITING}
    return call(
        "HoldSlot",
        PUT_ITEM,
        comment="The slot waits as a row: whoever sees that it may run starts TaskRunner again.",
        arguments=rows.held_row(stack),
        assign=held,
        output=SUMMARY | held,
        never_retry=[CONDITION_FAILED],
        catch=not_claimed(CONDITION_FAILED),
    )


def _not_run(stack: Stack) -> list[Any]:
    """What ends a held row that was released and is not to run after all; another one may have ended it."""
    why = "$exists($task.closed) ? $task.closed : 'when its wait was over, it was not to run any more'"
    skip = {"reason": {"S": jsonata("$known.refusal")}, "cause": {"S": jsonata(why)}}
    failure = {"error": {"S": jsonata("$failure.name")}, "cause": {"S": jsonata("$failure.cause")}}
    return [
        _update_held("SkipHeld", rows.unheld_row(stack, further=0, **skip), otherwise="Ended", output=SUMMARY),
        # Failed follows.
        _update_held(
            "FailHeld", rows.unheld_row(stack, further=1, **failure), otherwise="Failed", next_state=to("Failed")
        ),
    ]


def _update_held(name: str, row: Mapping[str, Any], *, otherwise: str, **end: Any) -> Task:
    return call(
        name,
        UPDATE_ITEM,
        arguments=row,
        never_retry=[CONDITION_FAILED],
        catch=[Catch(error_equals=["States.ALL"], next_step=to(otherwise))],
        **end,
    )
