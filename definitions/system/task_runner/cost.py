"""What an execution has cost by the time that it writes its row: :mod:`orchestrator.runs.cost` in JSONata.

No price stands here: the task's record has them, which LookupTask has read. States are counted where they are passed,
so that the number is that of the bill on whatever way an execution takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from definitions.system.task_runner.variables import DURATION
from orchestrator.asl.states import Catch, Choice, When, jsonata
from orchestrator.runs.cost import STATES_OF_DEAD, Part
from orchestrator.runs.run import Trigger
from orchestrator.tasks.price import PLACES

#: The first variable is assigned by the first state.
_FIRST = "LookupTask"

#: "Handling errors in Step Functions workflows": a state that is tried again is a transition more.
_RETRIED = "$states.context.State.RetryCount"

#: Whether the record has the prices of this kind of execution.
IS_KNOWN = "$exists($task.price)"
IS_KNOWN_OF_EXPRESS = f"$exists($task.price[{PLACES['express_second']}])"


def counted(states: Iterable[Any]) -> Iterator[Any]:
    """The states, each of which adds itself to ``passed`` where it is left."""
    for state in states:
        before = "1" if state.state_id == _FIRST else "$passed + 1"
        # Where nobody says how often it was tried again, it was not.
        added = {"passed": jsonata(f"$sum([{before}, {_RETRIED}])" if state.retries else before)}
        ways: list[Catch] = list(state.catches)
        for way in ways:
            way.fields["assign"] = {**way.fields.get("assign", {}), **added}
        if isinstance(state, Choice):
            # "Choice workflow state": the state's own Assign holds whichever rule does, so that it would count twice.
            state.add_choice(When("true"), state.default)
            for rule, _ in state.choices:
                rule.assign = {**(rule.assign or {}), **added}
        elif state.next_step is not None:
            state.fields["assign"] = {**state.fields.get("assign", {}), **added}
        yield state


def is_known(*, express: bool) -> str:
    """Whether the record has the prices of such an execution."""
    return IS_KNOWN_OF_EXPRESS if express else IS_KNOWN


def dollars(part: Part, *, express: bool, further: int = 0, calls: bool = True) -> str:
    """The attribute's value. ``further`` are states that follow the one that writes the row; ``calls`` says that the
    slot was claimed.
    """
    prefix = "express_" if express else ""
    parts = [_price(f"{prefix}{part}"), *([] if express else [f"{_price('state')} * ($passed + {1 + further})"])]
    if calls:
        parts += [f"{_price('call')} * $attempt", f"{_price('second')} * ({DURATION} - $waited)"]
        parts += [f"{_price('express_second')} * {DURATION}"] if express else []
    parts += [_STARTED]
    return written(" + ".join(parts), earlier=True)


def of_stopped(now_seconds: str) -> str:
    """The attribute's value of the run that holds the lease and was stopped: its lease says when it began, and what is
    known of nobody else is what :func:`orchestrator.runs.cost.of_dead` takes for granted.
    """
    lasted = f"$min([$max([{now_seconds} - $known.holder.expiresAt + $task.leaseSeconds, 0]), $task.timeoutSeconds])"
    worked = f"{_price('second')} * {lasted}"
    parts = (_price(Part.RUN), f"{_price('state')} * {STATES_OF_DEAD}", _price("call"), worked, _price("schedule"))
    return written(" + ".join(parts))


def written(micro: str, *, earlier: bool = False) -> str:
    """So many millionths of a dollar as an attribute's value, with what a held row has cost whose place it takes."""
    before = ", $known.earlier.dollars" if earlier else ""
    return f"{{'N': $string($round($sum([({micro}) / 1000000{before}]), 9))}}"


def _price(name: str) -> str:
    return f"$task.price[{PLACES[name]}]"


#: What the delivery has cost; that of a run in the place of a held row is in the row's own.
_STARTED = f"""($released ? 0 : $trigger = '{Trigger.SCHEDULE}' ? {_price("schedule")}
    : $trigger = '{Trigger.EVENT}' ? {_price("event")} : 0)"""
