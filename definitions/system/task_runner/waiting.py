"""How a run waits for the task's other runs: with a row of its own, and a place in the record that it keeps taking.

A place expires, so that an execution that died while it waited is in nobody's way for long. Nobody hands the task on:
each looks from time to time whether it is first and the lease is free, the less often the longer it has waited, for an
execution has 25,000 events ("Step Functions service quotas").
"""

from __future__ import annotations

from typing import Any

from definitions.system.task_runner import leases, rows
from definitions.system.task_runner.refusal import not_claimed
from orchestrator.asl.integrations import CONDITION_FAILED, NOTHING, PUT_ITEM, UPDATE_ITEM, call
from orchestrator.asl.states import Catch, Wait, jsonata, to
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack
from orchestrator.tasks.task import LEASE_MARGIN_SECONDS

#: A waiting run looks so often at first,
SHORTEST_PAUSE_SECONDS = 5
#: then when a tenth of the time that it has waited has passed, and so often at last.
LONGEST_PAUSE_SECONDS = 300

PAUSE_SECONDS = f"""$min([{LONGEST_PAUSE_SECONDS},
    $max([{SHORTEST_PAUSE_SECONDS}, $floor(($millis() - $waitingSince) / 10000)])])"""


def states(stack: Stack) -> list[Any]:
    """Returns the states of a run that waits, from RecordWaiting to ExplainRefusal, and those by which it gives up."""
    return [
        call(
            "RecordWaiting",
            PUT_ITEM,
            comment="Takes the slot, so that a further delivery of it finds a row.",
            arguments=rows.claimed_row(stack, status=RunStatus.WAITING),
            assign={"waitingSince": jsonata("$millis()")},
            never_retry=[CONDITION_FAILED],
            catch=not_claimed(CONDITION_FAILED),
            next_state=to("JoinQueue"),
        ),
        call(
            "JoinQueue",
            UPDATE_ITEM,
            comment="Where there is no room, another was first: the next look says what becomes of this one.",
            arguments=leases.place_taken(stack, LONGEST_PAUSE_SECONDS + LEASE_MARGIN_SECONDS),
            assign={"claims": 1},
            never_retry=[CONDITION_FAILED],
            catch=[
                Catch(error_equals=["States.ALL"], assign={"claims": 1}, output=NOTHING, next_step=to("WaitForTurn"))
            ],
            next_state=to("WaitForTurn"),
        ),
        Wait("WaitForTurn", seconds=jsonata(PAUSE_SECONDS), next_state=to("ExplainRefusal")),
        call(
            "LeaveQueue",
            UPDATE_ITEM,
            comment="Gives up the place of a run that is not to run after all.",
            arguments=leases.place_left(stack),
            never_retry=[CONDITION_FAILED],
            catch=[Catch(error_equals=["States.ALL"], output=NOTHING, next_step=to("RecordSkip"))],
            next_state=to("RecordSkip"),
        ),
    ]
