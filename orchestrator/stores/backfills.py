"""Starting Backfill, the state machine that runs slots of the past."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.runs.backfill import PlannedSlot
from orchestrator.stack import live

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, kw_only=True)
class Backfilling:
    """An execution of Backfill."""

    #: Begins with the task's id.
    name: str
    arn: str
    status: str
    started: datetime


class Backfills:
    """Backfill, in the version that is live, through ``client``, boto3's client of Step Functions.

    ``who`` says who starts it, as the rows of its runs are to name them.
    """

    def __init__(self, client: SFNClient, state_machine_arn: str, who: Callable[[], str] = str) -> None:
        self._who = who
        self._client = client
        self._arn = live(state_machine_arn)

    def start(self, task_id: str, slots: Iterable[PlannedSlot], *, max_active: int, now: datetime) -> str:
        """Starts runs of ``slots`` in their order, at most ``max_active`` at once; the execution's ARN."""
        request: dict[str, Any] = {"taskId": task_id, "maxActive": max_active}
        request |= {"slots": [slot.to_value() for slot in slots]}
        request |= {"startedBy": who} if (who := self._who()) else {}
        answer = self._client.start_execution(
            stateMachineArn=self._arn,
            name=f"{task_id[:48]}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            # Without spaces: the size is limited.
            input=json.dumps(request, separators=(",", ":")),
        )
        return str(answer["executionArn"])

    def recent(self, limit: int) -> tuple[Backfilling, ...]:
        """The newest backfills, at most ``limit``; Step Functions forgets one 90 days after its end."""
        answer = self._client.list_executions(stateMachineArn=self._arn, maxResults=limit)
        return tuple(
            Backfilling(name=one["name"], arn=one["executionArn"], status=one["status"], started=one["startDate"])
            for one in answer["executions"]
        )

    def running(self, execution_arn: str) -> bool:
        """Whether a backfill goes on."""
        return bool(self._client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING")
