"""The embedded AWS with a clock that a test moves, TaskRunner, and its handlers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.dynamodb import streams
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stores.executions import Runner
from orchestrator.tasks.slots import key
from tests.faults.injection import Faults
from tests.testbed.task_runner import STACK, TaskRunner

#: How much faster than real time it is while time passes.
_FAST = 100_000.0


class MovedClock(VirtualClock):
    """Goes as real time does until it is told to go on."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start, speed=1)

    def pass_until(self, when: datetime) -> None:
        """Whatever waits for an earlier moment happens at that moment."""
        self._go(_FAST)
        try:
            self.sleep_until(when)
        finally:
            self._go(1)

    def jump(self, span: timedelta) -> None:
        """The machine sleeps: for so long nothing happens, and then whatever waited wakes late."""
        with self._lock:
            self._time = self._advance() + span
            self._look()

    def _go(self, speed: float) -> None:
        with self._lock:
            self._advance()
            self.speed = speed
            # Who wakes first has counted on the speed of before.
            self._look()

    @property
    def nobody_is_busy(self) -> bool:
        """Nor about to be: whoever is to wake by now has woken."""
        with self._lock:
            is_due = bool(self._sleepers) and self._sleepers[0].when <= self._time
            return self._busy <= 0 and not is_due


@dataclass(frozen=True, kw_only=True)
class World:
    """What all lives have in common."""

    clock: MovedClock
    runner: TaskRunner
    faults: Faults

    @property
    def starter(self) -> Runner:
        """What people, and the end of a pause, start runs with."""
        return Runner(self.runner.aws.client("stepfunctions"), self.runner.applied.outputs["TaskRunnerArn"])

    def rest(self) -> None:
        """Waits until nothing happens before time passes."""
        deadline, quiet = time.monotonic() + 60, 0
        while quiet < 3:
            assert time.monotonic() < deadline
            settled = self.runner.aws.event_sources.settled(0.01)
            quiet = quiet + 1 if settled and self.clock.nobody_is_busy else 0
            time.sleep(0.002)

    def at_work(self, task_id: str) -> bool:
        """Whether an execution of the task goes on."""
        going_on = map(self.runner.aws.execution, self.going_on())
        return any(
            json.loads(execution.execution_input)["taskId"] == task_id and not execution.over.is_set()
            for execution in going_on
        )

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """The end of no execution is told."""
        rule, events = STACK.execution_failures, self.runner.aws.client("events")
        events.disable_rule(Name=rule)
        try:
            yield
        finally:
            events.enable_rule(Name=rule)

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """No change of a table comes into its stream."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(streams, "_listeners", [])
            yield

    def going_on(self) -> list[str]:
        """The ARNs of TaskRunner's executions that have not ended."""
        pages = self.runner.aws.client("stepfunctions").list_executions(
            stateMachineArn=self.runner.applied.outputs["TaskRunnerArn"], statusFilter="RUNNING"
        )
        return [one["executionArn"] for one in pages["executions"]]

    def look(self) -> None:
        """A round of the watchdog, which may fail."""
        now = key(self.clock.now())
        event = {"taskId": "watchdog", "slot": now, "scheduledTime": now, "runKey": "w", "params": {}}
        self.runner.aws.client("lambda").invoke(
            FunctionName=f"{STACK.function_prefix}watchdog", Payload=json.dumps(event)
        )

    def published(self) -> list[str]:
        """Everything that people have been told, in order; a text each."""
        topic = self.runner.aws.backend("sns").topics[self.runner.applied.outputs["AlertsTopicArn"]]
        return [notification[1] for notification in topic.sent_notifications]


@contextmanager
def world(aws: EmbeddedAws, start: datetime) -> Iterator[World]:
    clock = MovedClock(start)
    with aws.on(clock), pytest.MonkeyPatch.context() as patch:
        faults = Faults(aws)
        faults.install(patch)
        runner = TaskRunner(
            aws,
            handlers=("system.follower", "system.failure_handler", "system.watchdog"),
            # What the SDK tries again by itself would only make a fault last longer.
            environment={"AWS_MAX_ATTEMPTS": "1"},
            timeout_seconds=60,
        )
        yield World(clock=clock, runner=runner, faults=faults)
        aws.reset()
