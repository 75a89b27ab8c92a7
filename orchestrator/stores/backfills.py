"""Starting Backfill, the state machine that runs slots of the past."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UnknownBackfill
from orchestrator.runs.backfill import Asked, PlannedSlot, Reprocess
from orchestrator.stack import live
from orchestrator.stores.executions import STOPPED_BY_HAND

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


#: What the name of a page ends with (``definitions/system/backfill.py``).
_PAGE = re.compile(r"-page-\d+$")


@dataclass(frozen=True, kw_only=True)
class Backfilling:
    """An execution of Backfill."""

    #: Begins with the task's id.
    name: str
    arn: str
    status: str
    started: datetime
    ended: datetime | None = None
    #: What it runs, where that is asked for.
    asked: Asked | None = None


class Backfills:
    """Backfill, in the version that is live, through ``client``, boto3's client of Step Functions.

    ``who`` says who starts it, as the rows of its runs are to name them.
    """

    def __init__(self, client: SFNClient, state_machine_arn: str, who: Callable[[], str] = str) -> None:
        self._executions = f"{state_machine_arn}:".replace(":stateMachine:", ":execution:", 1)
        self._who = who
        self._client = client
        self._arn = live(state_machine_arn)

    def start(
        self,
        task_id: str,
        slots: Iterable[PlannedSlot],
        *,
        max_active: int,
        now: datetime,
        reprocess: Reprocess = Reprocess.NONE,
    ) -> str:
        """Starts runs of ``slots`` in their order, at most ``max_active`` at once; the execution's ARN.

        ``reprocess`` is kept for whoever goes on with it.
        """
        request: dict[str, Any] = {"taskId": task_id, "maxActive": max_active}
        request |= {"slots": [slot.to_value() for slot in slots]}
        request |= {"reprocess": reprocess} if reprocess is not Reprocess.NONE else {}
        request |= {"startedBy": who} if (who := self._who()) else {}
        answer = self._client.start_execution(
            stateMachineArn=self._arn,
            name=f"{task_id[:48]}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            # Without spaces: the size is limited.
            input=json.dumps(request, separators=(",", ":")),
        )
        return str(answer["executionArn"])

    def recent(self, limit: int) -> tuple[Backfilling, ...]:
        """The newest backfills, at most ``limit``; Step Functions forgets one 90 days after its end.

        The pages of a large one, which are executions, too, are no backfills.
        """
        answer = self._client.list_executions(stateMachineArn=self._arn, maxResults=limit)
        return tuple(
            Backfilling(
                name=one["name"],
                arn=one["executionArn"],
                status=one["status"],
                started=one["startDate"],
                ended=one.get("stopDate"),
            )
            for one in answer["executions"]
            if not _PAGE.search(one["name"])
        )

    def get(self, name: str) -> Backfilling:
        """A backfill and what it runs. Raises :class:`UnknownBackfill`."""
        try:
            one = self._client.describe_execution(executionArn=self._executions + name)
            asked = Asked.read(one.get("input", ""))
        except (
            self._client.exceptions.ExecutionDoesNotExist,
            self._client.exceptions.InvalidArn,
            ValueError,
        ) as fault:
            raise UnknownBackfill(name) from fault
        return Backfilling(
            name=name,
            arn=one["executionArn"],
            status=one["status"],
            started=one["startDate"],
            ended=one.get("stopDate"),
            asked=asked,
        )

    def stop(self, name: str) -> None:
        """Stops a backfill with the runs that it waits for; what a function does by then it does to its end."""
        arn = self._executions + name
        self._client.stop_execution(executionArn=arn, error=STOPPED_BY_HAND, cause=f"stopped by {self._who()}")

    def running(self, execution_arn: str) -> bool:
        """Whether a backfill goes on."""
        return bool(self._client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING")
