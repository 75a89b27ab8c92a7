"""How a run ends whose handler has said "not yet": its slot waits as a row, and is looked at again when it is time.

The hold is of the kind ``time``. Beside it the row says since when the slot is looked at, which a run that takes the
row's place finds there, so that the ``deadline`` is the same for all looks. Whoever sees the row makes an alarm clock
of it; nothing here waits.
"""

from __future__ import annotations

from typing import Any

from definitions.system.task_runner import leases, rows
from definitions.system.task_runner.variables import CAUGHT, SUMMARY
from orchestrator.asl.integrations import NOTHING, TRANSACT_WRITE_ITEMS, TRANSACTION_CANCELED, UPDATE_ITEM, call
from orchestrator.asl.states import Catch, jsonata, to
from orchestrator.asl.vocabulary import CAUSE
from orchestrator.errors import NotYet
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack
from orchestrator.tasks.task import NOT_YET_SECONDS

#: EventBridge Scheduler is exact to the minute: a look before that would come no earlier.
SHORTEST_SECONDS = 60

#: Where the text says nothing of a time, which is then not ours.
_OTHERWISE_SECONDS = 600

#: ``again``: since when it is looked at, until when at most, when to look next, why, and whether that is enough now.
_AGAIN = rf"""(
    $said := $match({CAUSE}, /^look again in ([0-9]{{1,8}}) s(: (.*))?$/)[0].groups;
    $seconds := $exists($said[0]) ? $number($said[0]) : {_OTHERWISE_SECONDS};
    $since := $exists($known.earlier.postponed) ? $toMillis($known.earlier.postponed) : $millis();
    $end := $since + 1000 * ($exists($task.notYetSeconds) ? $task.notYetSeconds : {NOT_YET_SECONDS});
    {{
        'now': $fromMillis($millis()),
        'since': $fromMillis($since),
        'deadline': $fromMillis($end),
        'wakeAt': $ceil($min([$millis() + 1000 * $max([$seconds, {SHORTEST_SECONDS}]), $end]) / 1000),
        'why': $exists($said[2]) and $said[2] != '' ? $said[2] : 'it is not ready yet',
        'over': $millis() >= $end
    }}
)"""


def not_yet(caught: dict[str, object]) -> Catch:
    """The catcher of what a handler raises to be called again later; ``caught`` is what is known of any error."""
    return Catch(
        error_equals=[NotYet.__name__],
        assign={**CAUGHT, **caught, "again": jsonata(_AGAIN)},
        output=NOTHING,
        next_step=to("PostponeRun"),
    )


def states(stack: Stack, *, express: bool = False) -> list[Any]:
    """Returns PostponeRun, and what does the same for a run that has no lease: both fail when it has waited for as long
    as its task allows.
    """
    waiting = {"status": RunStatus.WAITING}
    end: dict[str, Any] = {"assign": waiting, "output": SUMMARY | waiting}
    row = rows.postponed_row(stack, express=express)
    return [
        call(
            "PostponeRun",
            TRANSACT_WRITE_ITEMS,
            comment="The row waits, and the task is free for others.",
            arguments={"TransactItems": [{"Update": row}, {"Update": leases.given_back(stack)}]},
            retry_briefly=[TRANSACTION_CANCELED],
            catch=[Catch(error_equals=["States.ALL"], output=NOTHING, next_step=to("PostponeRunAlone"))],
            **end,
        ),
        call(
            "PostponeRunAlone",
            UPDATE_ITEM,
            comment="A backfill, or the lease has passed to another run. What has waited for long enough has failed.",
            arguments=row,
            catch=[Catch(error_equals=["States.ALL"], output=NOTHING, next_step=to("RecordFailure"))],
            **end,
        ),
    ]
