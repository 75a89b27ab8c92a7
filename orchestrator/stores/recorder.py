"""Rows of the ledger that no execution of TaskRunner could write: of slots that never became a run, and of runs whose
execution ended without having recorded how.

Every write carries its condition, so that it can be repeated, and so that a run which still goes on records its own
end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, cast

from orchestrator.dynamodb import to_item, update
from orchestrator.instants import to_millisecond
from orchestrator.runs.approval import Approval
from orchestrator.runs.execution_end import STOPPED
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import (
    HISTORY_LIMIT,
    ROW_LIFETIME_SECONDS,
    UNSUCCESSFUL,
    Attention,
    EarlierRun,
    Run,
    RunEnd,
    RunStatus,
    SkipReason,
    Trigger,
    one_line,
)
from orchestrator.stack import Stack
from orchestrator.tasks.task import OverlapPolicy

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class Closing(Enum):
    """The result of closing the row of an execution that has ended."""

    #: The row was unfinished, and has its end now.
    DONE = auto()
    #: The execution has recorded its end itself.
    OVER = auto()
    #: The slot's row, if there is one, is another execution's.
    NOT_ITS_OWN = auto()


class Recorder:
    """Writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._runs = stack.runs_table
        self._tasks = stack.tasks_table

    def record(
        self,
        task_id: str,
        slot: str,
        end: RunEnd,
        *,
        now: datetime,
        trigger: Trigger = Trigger.SCHEDULE,
        execution_arn: str | None = None,
        linked: bool = False,
    ) -> bool:
        """Writes the row of a slot that has none. Returns False, and writes nothing, if there is one.

        The row has no times, since the slot had no run. ``linked`` is what the task's record says.
        """
        item = to_item(
            {
                "taskId": task_id,
                "slot": slot,
                "status": end.status,
                "trigger": trigger,
                "cause": one_line(end.cause),
                "error": end.error,
                "reason": end.reason,
                "executionArn": execution_arn,
                "attempts": 0,
                "linked": 1 if linked else None,
                "ttl": int(now.timestamp()) + ROW_LIFETIME_SECONDS,
            }
        )
        return self._new(item)

    def replace_skipped(
        self, task_id: str, slot: str, skipped: str, end: RunEnd, *, trigger: Trigger, execution_arn: str
    ) -> bool:
        """Rewrites the row of a slot that a pause has skipped, and whose catch-up ended before it could claim it.

        Returns whether the row was still that of the run ``skipped``, a :attr:`~orchestrator.runs.run.Run.version`;
        the row's history keeps that run.
        """
        was = {"status": RunStatus.SKIPPED, "trigger": Trigger.SCHEDULE, "startedAt": skipped}
        row = update(
            {
                "status": end.status,
                "trigger": trigger,
                "cause": one_line(end.cause),
                "error": end.error,
                "endedAt": end.ended_at,
                "executionArn": execution_arn,
                "history": [was],
            },
            removes=["reason", "startedAt", "startDelaySeconds"],
            values={"skipped": RunStatus.SKIPPED, "version": skipped},
            condition="#status = :skipped AND #startedAt = :version",
        )
        return self._alone({"TableName": self._runs, "Key": _key(task_id, slot), **row})

    def hold(self, run: Run, hold: Hold) -> bool:
        """Writes into a held row what it waits for. Returns False, and writes nothing, if it is another by now."""
        row = update(
            {"hold": hold.to_value()},
            values={"version": run.version},
            condition="attribute_exists(#hold) AND #startedAt = :version",
        )
        return self._alone({"TableName": self._runs, "Key": _key(run.task_id, run.slot), **row})

    def answer(self, run: Run, approval: Approval) -> bool:
        """Writes what somebody has answered. Returns False, and writes nothing, if somebody else was first, or the run
        is another by now.
        """
        row = update(
            {"approval": approval.to_value()},
            values={"version": run.version, "status": run.status},
            condition="#startedAt = :version AND #status = :status AND attribute_not_exists(#approval.#answer)",
        )
        return self._alone({"TableName": self._runs, "Key": _key(run.task_id, run.slot), **row})

    def hold_again(self, task_id: str, slot: str, run: Run | None, hold: Hold, now: datetime) -> bool:
        """Holds a slot that is to run again, or for the first time where it has no row. Returns False, and writes
        nothing, if its row is not that of ``run`` any more.

        It runs as a slot of a backfill does: the task's lease is not asked, since many may become free at once.
        """
        values = {
            "status": RunStatus.WAITING,
            "trigger": Trigger.BACKFILL,
            "startedAt": to_millisecond(now),
            "hold": hold.to_value(),
            "linked": 1,
            "attempts": run.attempts if run else 0,
            "ttl": int(now.timestamp()) + ROW_LIFETIME_SECONDS,
        }
        if run is None:
            return self._new(to_item({"taskId": task_id, "slot": slot, **values}))
        was = None if run.hold else EarlierRun.of(run).to_value()
        history = [*(one.to_value() for one in run.history), *([was] if was else [])][-HISTORY_LIMIT:]
        row = update(
            values | {"history": history},
            removes=["executionArn", "endedAt", "durationSeconds", "error", "cause", "reason", "result", "attention"],
            values={"version": run.version},
            condition="#startedAt = :version OR (attribute_not_exists(#startedAt) AND #status = :version)",
        )
        return self._alone({"TableName": self._runs, "Key": _key(task_id, slot), **row})

    def _new(self, item: dict[str, Any]) -> bool:
        try:
            self._client.put_item(TableName=self._runs, Item=item, ConditionExpression="attribute_not_exists(slot)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def end_held(self, run: Run, end: RunEnd) -> bool:
        """Ends a held row without a run. Returns False, and writes nothing, if it is another by now."""
        row = update(
            {
                "status": end.status,
                "endedAt": end.ended_at,
                "error": end.error,
                "cause": one_line(end.cause) if end.cause else None,
                "reason": end.reason,
            },
            removes=["hold"],
            values={"version": run.version},
            condition="attribute_exists(#hold) AND #startedAt = :version",
        )
        return self._alone({"TableName": self._runs, "Key": _key(run.task_id, run.slot), **row})

    def attend(self, task_id: str, slot: str, execution_arn: str, attention: Attention) -> bool:
        """Marks a running run, which tells people. Returns False if it has a mark already or is not running."""
        row = update(
            {"attention": attention},
            values={"me": execution_arn, "running": RunStatus.RUNNING},
            condition="#executionArn = :me AND #status = :running AND attribute_not_exists(#attention)",
        )
        return self._alone({"TableName": self._runs, "Key": _key(task_id, slot), **row})

    def warn(self, run: Run, attention: Attention) -> bool:
        """Marks a held row, which tells people. Returns False if it has a mark already, or is another by now."""
        row = update(
            {"attention": attention},
            values={"version": run.version},
            condition="attribute_exists(#hold) AND #startedAt = :version AND attribute_not_exists(#attention)",
        )
        return self._alone({"TableName": self._runs, "Key": _key(run.task_id, run.slot), **row})

    def close(self, task_id: str, slot: str, execution_arn: str, end: RunEnd) -> Closing:
        """Ends the row of an execution that is over, if it is unfinished, and releases its lease.

        A run that another one has stopped counts as no failure, whoever records it first.
        """
        stopped = end.status is RunStatus.ABORTED and end.error == STOPPED
        row: Any = {
            "TableName": self._runs,
            "Key": _key(task_id, slot),
            **update(
                {
                    "status": end.status,
                    "endedAt": end.ended_at,
                    "error": end.error or None,
                    "cause": one_line(end.cause) if end.cause else None,
                    "reason": SkipReason.OVERLAP if stopped else None,
                    "dollars": end.dollars,
                },
                values={"me": execution_arn, "running": RunStatus.RUNNING, "waiting": RunStatus.WAITING},
                # A held row outlives the execution that has written it.
                condition="#executionArn = :me AND #status IN (:running, :waiting) AND attribute_not_exists(#hold)",
            ),
        }
        failed = end.status in UNSUCCESSFUL and not stopped
        task: Any = {
            "TableName": self._tasks,
            "Key": to_item({"taskId": task_id}),
            **update(
                {
                    "lastStatus": end.status,
                    "lastSlot": slot,
                    "consecutiveFailures": None if end.status in UNSUCCESSFUL else 0,
                },
                adds={"consecutiveFailures": 1} if failed else {},
                removes=["lease"],
                values={"me": execution_arn, "allow_all": OverlapPolicy.ALLOW_ALL},
                condition="#overlap = :allow_all OR #lease.#executionArn = :me",
            ),
        }
        cancelled = self._client.exceptions.TransactionCanceledException
        try:
            self._client.transact_write_items(TransactItems=[{"Update": row}, {"Update": task}])
        except cancelled:
            # The row has ended, or the run holds no lease, as that of a backfill: the row alone is left to do.
            return self._close_alone(row, execution_arn)
        return Closing.DONE

    def _close_alone(self, row: dict[str, Any], execution_arn: str) -> Closing:
        try:
            self._client.update_item(**row, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        except self._client.exceptions.ConditionalCheckFailedException as fault:
            # What ReturnValuesOnConditionCheckFailure asks for is beside the error.
            owner = cast(Mapping[str, Any], fault.response).get("Item", {}).get("executionArn", {}).get("S")
            return Closing.OVER if owner == execution_arn else Closing.NOT_ITS_OWN
        return Closing.DONE

    def _alone(self, row: dict[str, Any]) -> bool:
        try:
            self._client.update_item(**row)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(task_id: str, slot: str) -> dict[str, Any]:
    return to_item({"taskId": task_id, "slot": slot})
