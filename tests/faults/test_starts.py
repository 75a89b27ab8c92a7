"""The start of TaskRunner and of its Express twin, by Scheduler and by a rule of EventBridge, failing in every way:
once, and for as long as the start is tried. And an event that is delivered twice.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from orchestrator.deployment.boundaries import boundaries, rules_boundary
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import RunStatus
from orchestrator.stores.event_rules import EventRule, Rules
from orchestrator.stores.schedule_group import Schedules
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.rule_names import rule_name
from orchestrator.tasks.schedule_names import schedule_name
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import TaskSchedule
from tests.faults.injection import Call, Fault, Faults, Injected
from tests.faults.verdicts import LOST, table, told, verdict
from tests.faults.world import MovedClock, World
from tests.testbed.task_runner import STACK, TaskRunner

_ALWAYS = float("inf")


class Starter(StrEnum):
    SCHEDULE = "schedule"
    EVENT = "event"


@dataclass(frozen=True, kw_only=True)
class Start:
    """One cell: who starts which machine for a task of its own, and how that fails, how often."""

    starter: Starter
    express: bool
    #: None: the delivery comes twice.
    fault: Fault | None
    times: float = 1
    #: Tells the tasks of one call of the test from those of another.
    series: str = "all"

    @property
    def task_id(self) -> str:
        often = "n" if self.times == _ALWAYS else "1"
        machine, fault = "twin" if self.express else "runner", self.fault or "twice"
        return f"{self.series}-{self.starter}-{machine}-{fault}-{often}".replace(" ", "-")

    @property
    def label(self) -> str:
        return f"{self.starter} to {'ExpressRunner' if self.express else 'TaskRunner'}"

    @property
    def ends(self) -> str:
        """What EventBridge and Scheduler try again ends well, unless it fails for as long as they try."""
        lasts = self.times == _ALWAYS
        if self.fault in (None, Fault.REPLY_LOST):
            # EventBridge's letter names no slot: rather too much is told than too little.
            unheard = lasts and self.starter is Starter.EVENT
            return "succeeded and failed, told" if unheard else "succeeded"
        return "failed, told" if lasts or self.fault is Fault.DENIED else "succeeded"


_STARTS = [
    Start(starter=starter, express=express, fault=fault, times=times)
    for starter, express, fault, times in product(Starter, (False, True), Fault, (1, _ALWAYS))
]
_STARTS += [Start(starter=Starter.EVENT, express=express, fault=None) for express in (False, True)]


class Bus:
    """What starts tasks: schedules and rules."""

    def __init__(self, runner: TaskRunner, schedules: Schedules, rules: Rules) -> None:
        self._runner, self._schedules, self._rules = runner, schedules, rules
        # The hour after the next, to which the clock goes.
        self.due = runner.aws.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)

    def prepare(self, cell: Start) -> None:
        once = RetryPolicy(max_attempts=1)
        self._runner.register(cell.task_id, timeout_seconds=60, retry=once, express=cell.express)
        if cell.starter is Starter.SCHEDULE:
            schedule = TaskSchedule(expression=f"at({self.due.replace(tzinfo=None).isoformat()})", express=cell.express)
            self._schedules.create(schedule_name(cell.task_id, schedule), cell.task_id, schedule)
            return
        start = EventStart(pattern={"source": [cell.task_id]}, slot="{$.detail.date}")
        rule = EventRule(task_id=cell.task_id, start=start, express=cell.express)
        self._rules.put(rule_name(STACK, cell.task_id, start, express=cell.express), rule, is_new=True)

    def happen(self, cell: Start) -> None:
        """The event, if an event starts the cell's task."""
        if cell.starter is Starter.EVENT:
            entry: Any = {"Source": cell.task_id, "DetailType": "Due", "Detail": json.dumps({"date": key(self.due)})}
            for _ in range(1 if cell.fault else 2):
                self._runner.aws.client("events").put_events(Entries=[entry])


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    with embedded_aws.on(MovedClock(datetime.now(UTC))):
        yield TaskRunner(embedded_aws, handlers=("system.follower", "system.failure_handler"), timeout_seconds=60)
        embedded_aws.reset()


@pytest.mark.parametrize(
    "cells",
    [
        # Each fault, each starter and each machine.
        pytest.param([replace(one, series="some") for one in (*_STARTS[::7], *_STARTS[-2:])], id="sample"),
        pytest.param(_STARTS, id="all", marks=pytest.mark.proof),
    ],
)
def test_however_a_start_fails_its_slot_is_explained_and_has_one_effect(
    runner: TaskRunner, faults: Faults, cells: Sequence[Start]
) -> None:
    aws = runner.aws
    clock = aws.clock
    assert isinstance(clock, MovedClock)
    _, schedules, _ = boundaries(aws.client, STACK, runner.applied.outputs, clock.now)
    bus = Bus(runner, schedules, rules_boundary(aws.client, STACK, runner.applied.outputs))
    for cell in cells:
        bus.prepare(cell)
    struck = {cell: _injected(runner, cell) for cell in cells if cell.fault}
    with faults.injected(*struck.values()):
        clock.pass_until(bus.due)
        for cell in cells:
            bus.happen(cell)
        # Both try for an hour; then there is a dead letter.
        clock.pass_until(bus.due + timedelta(hours=2))
        World(clock=clock, runner=runner, faults=faults).rest()
    known = told(runner)
    runs = {
        cell: sorted(runner.ledger.runs(cell.task_id, limit=9), key=lambda run: run.status, reverse=True)
        for cell in cells
    }
    found = {
        cell: " and ".join(verdict(run, cell.task_id, known) for run in some) or LOST for cell, some in runs.items()
    }
    _show(cells, found)
    assert [cell for cell, one in struck.items() if not one.hits] == []
    assert found == {cell: cell.ends for cell in cells}
    assert {cell.task_id: n for cell in cells if (n := faults.effects[cell.task_id, key(bus.due)]) > 1} == {}
    twice = [runs[cell][0].duplicates for cell in cells if cell.fault is None]
    assert twice == [1] * len(twice)
    for cell in cells:
        assert (runs[cell][0].status is RunStatus.SUCCEEDED) == (faults.effects[cell.task_id, key(bus.due)] == 1)


def _injected(runner: TaskRunner, cell: Start) -> Injected:
    assert cell.fault is not None
    role = {Starter.SCHEDULE: "SchedulerRoleArn", Starter.EVENT: "EventsRoleArn"}[cell.starter]
    where = Call(
        role=runner.applied.outputs[role].rpartition("/")[2],
        action="states:StartExecution",
        resource="*",
        marks=(f'"{cell.task_id}', f"{cell.task_id}\\"),
    )
    return Injected(where=where, fault=cell.fault, times=cell.times)


def _show(cells: Sequence[Start], found: dict[Start, str]) -> None:
    for title, times in (("one start fails", 1), ("every start fails", _ALWAYS)):
        shown = {(one.label, one.fault): found[one] for one in cells if one.fault and one.times == times}
        sys.stdout.write(f"\n{table(title, shown)}\n")
