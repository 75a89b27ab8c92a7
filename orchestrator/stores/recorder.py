"""Rows of the ledger that no execution of TaskRunner could write: of slots that never became a run, and of runs that
died without a word.

Every write carries its condition, so that it can be repeated, and so that a run which is alive after all has the last
word about itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrator.dynamodb import update
from orchestrator.runs.execution_end import STOPPED
from orchestrator.runs.run import (
    ROW_LIFETIME_SECONDS,
    UNSUCCESSFUL,
    Attention,
    RunStatus,
    SkipReason,
    Trigger,
    one_line,
)
from orchestrator.stack import Stack
from orchestrator.tasks.task import OverlapPolicy

#: What a row may say that waits for its execution.
_UNFINISHED = (RunStatus.RUNNING, RunStatus.WAITING)


class Recorder:
    """Writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: Any, stack: Stack) -> None:
        self._client = client
        self._runs = stack.runs_table
        self._tasks = stack.tasks_table

    def record(
        self,
        task_id: str,
        slot: str,
        status: RunStatus,
        *,
        now: datetime,
        cause: str,
        error: str | None = None,
        reason: SkipReason | None = None,
        trigger: Trigger = Trigger.SCHEDULE,
        execution_arn: str | None = None,
    ) -> bool:
        """The row of a slot that has none; whether it had none."""
        texts = {
            "taskId": task_id,
            "slot": slot,
            "status": status,
            "trigger": trigger,
            "cause": one_line(cause),
            "error": error,
            "reason": reason,
            "executionArn": execution_arn,
        }
        item: dict[str, Any] = {name: {"S": text} for name, text in texts.items() if text is not None}
        item |= {"attempts": {"N": "0"}, "ttl": {"N": str(int(now.timestamp()) + ROW_LIFETIME_SECONDS)}}
        try:
            self._client.put_item(TableName=self._runs, Item=item, ConditionExpression="attribute_not_exists(slot)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def replace_skipped(
        self,
        task_id: str,
        slot: str,
        skipped: str,
        status: RunStatus,
        *,
        trigger: Trigger,
        ended_at: str,
        error: str,
        cause: str,
        execution_arn: str,
    ) -> bool:
        """The row of a slot that a pause has skipped, and whose catch-up has died before it could claim it; whether the
        row was still that of the run ``skipped``, a :attr:`~orchestrator.runs.run.Run.version`, which its history
        keeps.
        """
        was = {"status": {"S": RunStatus.SKIPPED}, "trigger": {"S": Trigger.SCHEDULE}, "startedAt": {"S": skipped}}
        texts = {
            "status": status,
            "trigger": trigger,
            "cause": one_line(cause),
            "error": error,
            "endedAt": ended_at,
            "executionArn": execution_arn,
        }
        row = update(
            {name: {"S": text} for name, text in texts.items()} | {"history": {"L": [{"M": was}]}},
            removes=["reason", "startedAt", "startDelaySeconds"],
            values={"skipped": was["status"], "version": {"S": skipped}},
            condition="#status = :skipped AND #startedAt = :version",
        )
        return self._alone({"TableName": self._runs, "Key": {"taskId": {"S": task_id}, "slot": {"S": slot}}, **row})

    def attend(self, task_id: str, slot: str, execution_arn: str, attention: Attention) -> bool:
        """Says of a run that goes on that it deserves attention, for people to be told; whether nobody had said so."""
        row = update(
            {"attention": {"S": attention}},
            names=["executionArn", "status"],
            values={"me": {"S": execution_arn}, "running": {"S": RunStatus.RUNNING}},
            condition="#executionArn = :me AND #status = :running AND attribute_not_exists(#attention)",
        )
        return self._alone({"TableName": self._runs, "Key": {"taskId": {"S": task_id}, "slot": {"S": slot}}, **row})

    def close(
        self,
        task_id: str,
        slot: str,
        execution_arn: str,
        status: RunStatus,
        *,
        ended_at: str,
        error: str | None = None,
        cause: str = "",
    ) -> bool:
        """Ends the row of an execution that is over, and releases its lease; whether the row was still unfinished.

        Of a run that another one has stopped it is no failure, whoever comes first to say so.
        """
        ended: dict[str, Any] = {"status": {"S": status}, "endedAt": {"S": ended_at}}
        ended |= {"error": {"S": error}} if error else {}
        ended |= {"cause": {"S": one_line(cause)}} if cause else {}
        stopped = status is RunStatus.ABORTED and error == STOPPED
        ended |= {"reason": {"S": SkipReason.OVERLAP}} if stopped else {}
        row = {
            "TableName": self._runs,
            "Key": {"taskId": {"S": task_id}, "slot": {"S": slot}},
            **update(
                ended,
                names=["executionArn"],
                values={"me": {"S": execution_arn}, "running": {"S": _UNFINISHED[0]}, "waiting": {"S": _UNFINISHED[1]}},
                condition="#executionArn = :me AND #status IN (:running, :waiting)",
            ),
        }
        failed = status in UNSUCCESSFUL and not stopped
        task = {
            "TableName": self._tasks,
            "Key": {"taskId": {"S": task_id}},
            **update(
                {"lastStatus": {"S": status}, "lastSlot": {"S": slot}}
                | ({} if status in UNSUCCESSFUL else {"consecutiveFailures": {"N": "0"}}),
                adds={"consecutiveFailures": {"N": "1"}} if failed else {},
                removes=["lease"],
                names=["overlap", "executionArn"],
                values={"me": {"S": execution_arn}, "allow_all": {"S": OverlapPolicy.ALLOW_ALL}},
                condition="#overlap = :allow_all OR #lease.#executionArn = :me",
            ),
        }
        cancelled = self._client.exceptions.TransactionCanceledException
        try:
            self._client.transact_write_items(TransactItems=[{"Update": row}, {"Update": task}])
        except cancelled:
            # The row has ended, or the run holds no lease, as that of a backfill: the row alone is left to do.
            return self._alone(row)
        return True

    def _alone(self, row: dict[str, Any]) -> bool:
        try:
            self._client.update_item(**row)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True
