"""A whole project on the embedded AWS, in a time that passes when a test says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrator.deployment import Project
from orchestrator.errors import UnknownTask
from orchestrator.local.aws import environment
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.session import Session, started
from orchestrator.runs.run import Run
from orchestrator.stack import Stack
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry

#: When a test begins, if it does not say.
BEGIN = datetime(2026, 12, 1, tzinfo=UTC)

#: How many times as fast time passes while nobody works.
_SPEED = 60_000


@contextmanager
def embedded(begin: datetime = BEGIN) -> Iterator[EmbeddedAws]:
    """An empty AWS in this process, which any client of boto3 finds that is made within the block."""
    with EmbeddedAws(clock=VirtualClock(begin, speed=_SPEED)) as aws, environment.applied(aws.environment):
        yield aws


class Deployed:
    """A project's stack on the embedded AWS."""

    def __init__(self, session: Session) -> None:
        self.aws = session.aws
        self.stack = session.stack
        dynamodb = session.aws.client("dynamodb")
        self._ledger = Ledger(dynamodb, session.stack)
        self._registry = Registry(dynamodb, session.stack)
        self._runner = Runner(session.aws.client("stepfunctions"), session.applied.outputs["TaskRunnerArn"])

    def run(self, task: str, *, params: Mapping[str, Any] | None = None, slot: str | None = None) -> Run:
        """Starts a task, as `orchestrator start` does, and gives its row at its end. Raises UnknownTask."""
        if self._registry.get(task) is None:
            raise UnknownTask(task)
        clock = self.aws.clock
        begun = self._runner.start(task, params=params or {}, slot=slot, now=clock.now())
        self._runner.wait(begun, lambda seconds: clock.sleep(seconds, resting=True))
        of_slot = self._ledger.get(task, begun.slot)
        row = of_slot if of_slot and of_slot.execution_arn == begun.execution_arn else None
        row = row or self._ledger.get(task, begun.started_at)
        assert row is not None, f"{task} has left no row for {begun.slot}"
        return row

    def pass_time(self, length: timedelta) -> None:
        """Lets schedules fire, and what they start run, for so long."""
        clock = self.aws.clock
        clock.sleep(length.total_seconds(), resting=True)
        while self._running():
            clock.sleep(0.05, resting=True)

    def runs(self, task: str) -> tuple[Run, ...]:
        """The task's runs, the newest slot first."""
        return self._ledger.runs(task, limit=1000)

    def _running(self) -> bool:
        client = self.aws.client("stepfunctions")
        arn = self._runner.state_machine_arn
        return bool(client.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"])


@contextmanager
def deployed(folder: Path | None = None, *, begin: datetime = BEGIN, stack: Stack | None = None) -> Iterator[Deployed]:
    """The project of ``folder``, or of the working directory, deployed with its tasks; schedules fire as time passes.

    Raises what a deployment raises: :class:`~orchestrator.errors.InvalidProject`, InvalidTaskFile.
    """
    project = Project.find(folder or Path.cwd())
    application = project.application(stack or project.stack())
    clock = VirtualClock(begin, speed=_SPEED)
    with started(application, project.tasks, port=0, clock=clock, say=lambda line: None) as session:
        yield Deployed(session)
