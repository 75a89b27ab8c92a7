"""How a run ends: recorded. Whoever counts it or should know of it learns it from the ledger's stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from definitions.system.task_runner import cost, leases, rows
from definitions.system.task_runner.variables import DURATION, IS_DETACHED, SUMMARY
from orchestrator.asl.integrations import TRANSACT_WRITE_ITEMS, TRANSACTION_CANCELED, UPDATE_ITEM, call
from orchestrator.asl.states import Catch, Fail, Succeed, jsonata, literal, to
from orchestrator.runs.cost import Part
from orchestrator.runs.run import Attention
from orchestrator.stack import Stack

#: What deserves a word though the run succeeded. A backfill says nothing of the runs before it.
_ATTENTION = f"""(
    $attention := [
        ($startDelay = null ? false : $startDelay > $task.graceSeconds) ? {literal(Attention.LATE)},
        $task.maxDurationSeconds > 0 and {DURATION} > $task.maxDurationSeconds ? {literal(Attention.TOO_LONG)},
        $task.minDurationSeconds > 0 and {DURATION} < $task.minDurationSeconds ? {literal(Attention.TOO_SHORT)},
        $task.incidents and $not({IS_DETACHED}) ? {literal(Attention.RECOVERED)}
    ];
    $count($attention) > 0 ? {{'S': $join($attention, ', ')}}
)"""


def states(stack: Stack, *, express: bool = False) -> list[Any]:
    """RecordOutcome of a run whose target returned, RecordFailure of one whose target failed for good; Ended of a run
    that leaves nothing more to write, and Failed of one that parents and alarms should see.
    """
    failure: dict[str, Any] = {"error": {"S": jsonata("$failure.name")}, "cause": {"S": jsonata("$failure.cause")}}
    is_known = cost.is_known(express=express)
    # Another run may have written that it has stopped this one, which was too late.
    succeeded = rows.ended_row(
        stack,
        (is_known, cost.dollars(Part.RUN, express=express)),
        result={"S": jsonata("$result")},
        attention=_ATTENTION,
        removes=["error", "cause", "reason"],
    )
    # Failed follows.
    failed = (is_known, cost.dollars(Part.RUN, express=express, further=1))
    return [
        *_record(
            "RecordOutcome",
            run=succeeded,
            task=leases.released(stack, sets={"consecutiveFailures": {"N": "0"}}),
            otherwise="Ended",
            output=SUMMARY,
        ),
        *_record(
            "RecordFailure",
            run=rows.ended_row(stack, failed, **failure, removes=["reason"]),
            task=leases.released(stack, adds={"consecutiveFailures": {"N": "1"}}),
            otherwise="Failed",
            next_state=to("Failed"),
        ),
        Succeed("Ended", output=SUMMARY),
        Fail(
            "Failed", error=jsonata(r"$replace($failure.name, /^States\./, 'Task.')"), cause=jsonata("$failure.cause")
        ),
    ]


def _record(name: str, *, run: Mapping[str, Any], task: Mapping[str, Any], otherwise: str, **end: Any) -> list[Any]:
    """Ends the row and releases the lease in one transaction; the row alone where there is no lease of ours.

    ``end`` is what either state has at its end, ``otherwise`` where a run goes whose row cannot be written: the
    watchdog will close it.
    """
    return [
        call(
            name,
            TRANSACT_WRITE_ITEMS,
            arguments={"TransactItems": [{"Update": dict(run)}, {"Update": dict(task)}]},
            # Another write of the task's record was in the way, which passes; or the lease is lost, which does not.
            retry_briefly=[TRANSACTION_CANCELED],
            catch=[Catch(error_equals=["States.ALL"], next_step=to(f"{name}Alone"))],
            **end,
        ),
        call(
            f"{name}Alone",
            UPDATE_ITEM,
            comment="A backfill, or the lease has passed to another run, or the task is gone: the row is ours to end.",
            arguments=dict(run),
            catch=[Catch(error_equals=["States.ALL"], next_step=to(otherwise))],
            **end,
        ),
    ]
