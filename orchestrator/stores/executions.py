"""Starting TaskRunner by hand: what `aws stepfunctions start-execution` does, with a name that says what runs."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.errors import NotStoppable
from orchestrator.instants import to_millisecond
from orchestrator.runs.execution_end import LOST, STATUSES, express_end, is_express
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run, RunEnd, RunStatus, Trigger
from orchestrator.stack import live

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

#: The error of an execution, and of the row, of a run that a person has stopped.
STOPPED_BY_HAND = "StoppedByHand"

#: Seconds between two looks at an execution. DescribeExecution is refilled with 10 to 15 a second for a whole account.
POLL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Started:
    """An execution of TaskRunner, and the slot that its row is under."""

    execution_arn: str
    slot: str
    #: ISO 8601 in UTC: what the row is under if the run has not claimed its slot.
    started_at: str


class Runner:
    """TaskRunner, in the version that is live, through ``client``, boto3's client of Step Functions.

    ``who`` says who starts runs, as their rows are to name them; the empty text for what is no person.
    """

    def __init__(self, client: SFNClient, state_machine_arn: str, who: Callable[[], str] = str) -> None:
        self._client = client
        self._who = who
        self.state_machine_arn = state_machine_arn
        self._arn = live(state_machine_arn)
        self._executions = f"{state_machine_arn}:".replace(":stateMachine:", ":execution:", 1)

    def start(
        self,
        task_id: str,
        *,
        params: Mapping[str, Any],
        slot: str | None,
        now: datetime,
        replaced: Run | None = None,
        trigger: Trigger | None = None,
    ) -> Started:
        """Starts a task, for ``slot`` (``2026-12-01T08:00:00Z``) or, where that is None, for the moment it starts.

        Without a ``trigger`` it is a person's: ad hoc, or a rerun.
        ``replaced`` is the run of the slot whose place the new one takes. TaskRunner does not ask whether it has ended:
        the caller has (:meth:`ended`).
        """
        request: dict[str, Any] = {
            "taskId": task_id,
            "trigger": trigger or (Trigger.RERUN if replaced else Trigger.AD_HOC),
        }
        request |= {"replaces": replaced.version} if replaced else {}
        request |= {"params": dict(params)} if params else {}
        request |= {"scheduledTime": slot} if slot else {}
        request |= {"startedBy": who} if (who := self._who()) else {}
        answer = self._client.start_execution(
            stateMachineArn=self._arn,
            name=f"{task_id[:48]}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            input=json.dumps(request, ensure_ascii=False),
        )
        started_at = to_millisecond(answer["startDate"])
        return Started(execution_arn=answer["executionArn"], slot=slot or started_at, started_at=started_at)

    def release(self, run: Run, hold: Hold, now: datetime, *, not_before: datetime | None = None) -> Started | None:
        """Starts a held slot in its row's place; nothing it may have to wait for is asked again. It begins its work
        no earlier than ``not_before``.

        None if somebody has done so within a minute: two who see at once that a slot may run start it once. The claim
        is what keeps it from running twice.
        """
        request: dict[str, Any] = {
            "taskId": run.task_id,
            "trigger": run.trigger,
            "scheduledTime": run.slot,
            "replaces": run.version,
            "released": True,
        }
        request |= {"params": json.loads(hold.params)} if hold.params else {}
        request |= _as_written(run)
        request |= {"notBefore": to_millisecond(not_before)} if not_before else {}
        request |= {"startedBy": run.started_by} if run.started_by else {}
        minute = int(now.timestamp()) // 60
        which = hashlib.sha256(f"{run.task_id}|{run.slot}|{run.version}|{minute}".encode()).hexdigest()[:12]
        try:
            answer = self._client.start_execution(
                stateMachineArn=self._arn,
                name=f"{run.task_id[:48]}-released-{which}",
                input=json.dumps(request, ensure_ascii=False),
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return None
        started_at = to_millisecond(answer["startDate"])
        return Started(execution_arn=answer["executionArn"], slot=run.slot, started_at=started_at)

    def ended(self, run: Run, now: datetime) -> bool:
        """Whether the run's execution has ended, whatever its row says; one that is unknown to AWS has."""
        if is_express(run.execution_arn):
            return express_end(run, now) is not None
        described = self._describe(run)
        return described is None or described["status"] != "RUNNING"

    def ending(self, run: Run, now: datetime) -> RunEnd | None:
        """Returns how the run's execution ended, or None while it is running."""
        if is_express(run.execution_arn):
            return express_end(run, now)
        # A function may describe TaskRunner's executions alone; a row may name another.
        ours = (run.execution_arn or "").startswith(self._executions)
        described = self._describe(run) if ours else None
        if described is None:
            gone = "Step Functions knows no such execution of TaskRunner: it keeps one for 90 days after its end"
            return RunEnd(status=RunStatus.ABORTED, ended_at=to_millisecond(now), error=LOST, cause=gone)
        ended_at = to_millisecond(described.get("stopDate", now))
        if described["status"] == "SUCCEEDED":
            # What it told about itself: a run that was skipped has succeeded, too.
            status = json.loads(described.get("output") or "{}").get("status", RunStatus.SUCCEEDED)
            return RunEnd(status=RunStatus(status), ended_at=ended_at) if status in list(RunStatus) else None
        if described["status"] not in STATUSES:
            return None
        status = STATUSES[described["status"]]
        return RunEnd(
            status=status,
            ended_at=ended_at,
            error=described.get("error") or f"Execution{status.title().replace('_', '')}",
            cause=described.get("cause", ""),
        )

    def params(self, run: Run) -> dict[str, Any]:
        """The params that a run was started with, beside the task's own; empty once its execution has been deleted."""
        if run.params is not None:
            return dict(json.loads(run.params))
        described = self._describe(run)
        params = json.loads(described.get("input", "{}")).get("params") if described else None
        return dict(params or {})

    def _describe(self, run: Run) -> dict[str, Any] | None:
        if run.execution_arn is None:
            return None
        try:
            return dict(self._client.describe_execution(executionArn=run.execution_arn))
        except (self._client.exceptions.ExecutionDoesNotExist, self._client.exceptions.InvalidArn):
            return None

    def wait(self, started: Started, sleep: Callable[[float], object]) -> str:
        """Waits for the execution's end. Returns its status."""
        while True:
            described = self._client.describe_execution(executionArn=started.execution_arn)
            if described["status"] != "RUNNING":
                return str(described["status"])
            sleep(POLL_SECONDS)

    def stop(self, run: Run, who: str) -> None:
        """Stops the run's execution and its nested workflows. A Lambda function that is at work is not stopped.

        Raises :class:`~orchestrator.errors.NotStoppable`.
        """
        if is_express(run.execution_arn):
            raise NotStoppable(run.task_id, run.slot)
        assert run.execution_arn is not None, "a run that goes on has an execution"
        self._client.stop_execution(executionArn=run.execution_arn, error=STOPPED_BY_HAND, cause=f"stopped by {who}")


def _as_written(run: Run) -> dict[str, Any]:
    """What is to be kept of a held row that nothing has happened to, so that its slot is claimed at once.

    TaskRunner claims it so only while that is still the case. Of any other row it reads what is to be kept.
    """
    if run.attempts or run.duplicates or run.history or run.approval is not None:
        return {}
    dollars = None if run.dollars is None else float(run.dollars)
    known = {"startDelay": run.start_delay_seconds, "dollars": dollars}
    return {"held": {name: value for name, value in known.items() if value is not None}}
