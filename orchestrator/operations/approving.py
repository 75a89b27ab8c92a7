"""Somebody answers what a run asks: a slot that is held until then, or a state that waits under its token."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.errors import AnsweredAlready, NothingAsked
from orchestrator.instants import to_millisecond
from orchestrator.operations.releasing import Releasing
from orchestrator.runs.approval import REFUSED, Answer, Approval
from orchestrator.runs.run import Run, RunStatus, one_line
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.recorder import Recorder
from orchestrator.tasks.gates import HoldKind

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


def asks(run: Run) -> bool:
    """Whether somebody has to answer before the run, or the workflow that it has started, goes on."""
    return _is_held(run) or _sends(run)


@dataclass(frozen=True, kw_only=True)
class Approving:
    """Takes answers, with the stores of a stack and Step Functions' client."""

    ledger: Ledger
    recorder: Recorder
    releasing: Releasing
    states: Callable[[], SFNClient]

    def answer(self, task_id: str, slot: str, answer: Answer, *, who: str, reason: str, now: datetime) -> Run:
        """Writes the answer into the row, then lets the run go on, or end. Returns the row as it was asked.

        It can be cut off between the two and done again with the same answer; another one comes too late. Raises
        :class:`~orchestrator.errors.NothingAsked` and :class:`~orchestrator.errors.AnsweredAlready`.
        """
        run = self.ledger.get(task_id, slot)
        if run is None or not asks(run):
            raise NothingAsked(task_id, slot, run.status if run else None)
        asked = run.approval or Approval()
        if asked.answer is None:
            said = replace(asked, answer=answer, who=who, reason=one_line(reason), at=to_millisecond(now))
            if not self.recorder.answer(run, said):
                raise AnsweredAlready(task_id, slot)
        elif asked.answer is not answer:
            raise AnsweredAlready(task_id, slot, asked.answer, asked.who)
        else:
            said = asked
        if _sends(run):
            self._send(run, said)
        else:
            self.releasing.consider(task_id, slot, now)
        return run

    def _send(self, run: Run, said: Approval) -> None:
        """Raises AnsweredAlready where the state does not wait any more."""
        client = self.states()
        gone = client.exceptions
        try:
            if said.answer is Answer.APPROVED:
                output = json.dumps({"who": said.who, "reason": said.reason}, ensure_ascii=False)
                client.send_task_success(taskToken=said.token, output=output)
            else:
                client.send_task_failure(taskToken=said.token, error=REFUSED, cause=f"{said.who}: {said.reason}"[:256])
        except (gone.TaskTimedOut, gone.TaskDoesNotExist, gone.InvalidToken) as fault:
            raise AnsweredAlready(run.task_id, run.slot, said.answer or "", said.who) from fault


def _is_held(run: Run) -> bool:
    return run.hold is not None and run.hold.kind is HoldKind.APPROVAL


def _sends(run: Run) -> bool:
    """Whether a state of the run's workflow waits for the answer under its token."""
    return run.status is RunStatus.RUNNING and run.approval is not None and bool(run.approval.token)
