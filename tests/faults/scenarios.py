"""For each state of TaskRunner that calls AWS, a run that comes through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orchestrator.runs.run import TERMINAL, Run, RunStatus, Trigger
from orchestrator.runs.task_state import Checkpoint
from orchestrator.tasks.express import EXPRESS_SECONDS
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import OverlapPolicy, TaskSchedule
from orchestrator.tasks.upstream import SlotOf, Upstream
from tests.testbed.task_runner import STACK, TaskRunner

#: Runs here are neither late nor looked for before this.
GRACE = timedelta(hours=2)

#: What an Express execution may run.
_SHORT: dict[str, Any] = {
    "timeout_seconds": 60,
    "retry": RetryPolicy(max_attempts=3, interval_seconds=1),
    "express": True,
}

_FAR_AWAY = "99999999999"
_TO_COME = "2099-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One task, and its one slot."""

    runner: TaskRunner
    task_id: str
    at: datetime
    #: Whether TaskRunner's Express twin runs it.
    express: bool = False

    @property
    def slot(self) -> str:
        return key(self.at)

    @property
    def earlier(self) -> str:
        """Of a run that the slot's run may find at work."""
        return key(self.at - timedelta(minutes=1))

    def register(self, target: str = "lambda/work", **fields: Any) -> None:
        """With a schedule that the slot is the latest of, which the watchdog has not looked for yet. Somebody has run a
        slot to come, and it went well: that excuses nothing.
        """
        daily = TaskSchedule(expression=f"cron({self.at.minute} {self.at.hour} * * ? *)")
        grace = int(GRACE.total_seconds())
        fields = (_SHORT if self.express else {}) | fields
        self.runner.register(self.task_id, target, schedules=(daily,), grace_seconds=grace, **fields)
        record = self.runner.registry.get(self.task_id)
        assert record is not None
        checkpoint = Checkpoint(checked_until=self.earlier, next_run=self.slot)
        self.runner.registry.register(record.task, checkpoint, anew=True)
        self.has_ended(RunStatus.SUCCEEDED, _TO_COME)

    def has_ended(self, status: RunStatus, slot: str) -> None:
        """Some time ago a person's run of a slot has."""
        row = {"taskId": self.task_id, "slot": slot, "status": status, "trigger": Trigger.AD_HOC}
        self.runner.aws.client("dynamodb").put_item(
            TableName=STACK.runs_table, Item={name: {"S": text} for name, text in row.items()}
        )

    def start(self, slot: str | None = None, **more: Any) -> str:
        """As Scheduler does."""
        given = {"taskId": self.task_id, "scheduledTime": slot or self.slot, "trigger": Trigger.SCHEDULE}
        return self.runner.start(given | more, machine="ExpressRunner" if self.express else "TaskRunner")

    def run(self, slot: str | None = None, **more: Any) -> None:
        """Starts it and waits until it is over."""
        assert self.runner.is_over(self.start(slot, **more), 240)

    def is_(self, status: RunStatus, slot: str | None = None) -> None:
        """Waits until the slot's row says so."""

        def found() -> bool:
            run = self.runner.ledger.get(self.task_id, slot or self.slot)
            return run is not None and run.status is status

        self.runner.until(found)

    def row(self) -> Run | None:
        """The slot's."""
        return self.runner.ledger.get(self.task_id, self.slot)

    def held(self) -> None:
        """The task's lease, by an execution that is gone."""
        lease = {"M": {"executionArn": {"S": "arn:of-another"}, "expiresAt": {"N": _FAR_AWAY}}}
        self.runner.change(self.task_id, "SET lease = :lease", lease=lease)

    def paused(self) -> None:
        self.runner.change(self.task_id, "SET pause = :pause", pause={"M": {"who": {"S": "somebody"}}})


def _plain(cell: Cell) -> None:
    cell.register()
    cell.run()


def _nested(cell: Cell) -> None:
    cell.register("workflow/nested")
    cell.run()


def _failing(cell: Cell) -> None:
    cell.register(params={"refuse": True}, retry=RetryPolicy(max_attempts=1))
    cell.run()


def _detached(cell: Cell) -> None:
    cell.register()
    cell.run(trigger=Trigger.BACKFILL)


def _failing_detached(cell: Cell) -> None:
    cell.register(params={"refuse": True}, retry=RetryPolicy(max_attempts=1))
    cell.run(trigger=Trigger.BACKFILL)


def _postponed(cell: Cell) -> None:
    """Its handler says "not yet", for longer than anybody looks."""
    cell.register(params={"notYet": 80_000}, retry=RetryPolicy(max_attempts=1))
    cell.run()


def _postponed_detached(cell: Cell) -> None:
    cell.register(params={"notYet": 80_000}, retry=RetryPolicy(max_attempts=1))
    cell.run(trigger=Trigger.BACKFILL)


def _postponed_without_a_lease(cell: Cell) -> None:
    """Another run has taken it while this one was at work."""
    cell.register(params={"seconds": 1, "notYet": 80_000}, retry=RetryPolicy(max_attempts=1))
    execution = cell.start()
    cell.is_(RunStatus.RUNNING)
    cell.held()
    assert cell.runner.is_over(execution, 240)


def _without_a_lease(cell: Cell) -> None:
    """Another run has taken it while this one was at work."""
    cell.register(params={"seconds": 1})
    execution = cell.start()
    cell.is_(RunStatus.RUNNING)
    cell.held()
    assert cell.runner.is_over(execution, 240)


def _failing_without_a_lease(cell: Cell) -> None:
    cell.register(params={"seconds": 1, "refuse": True}, retry=RetryPolicy(max_attempts=1))
    execution = cell.start()
    cell.is_(RunStatus.RUNNING)
    cell.held()
    assert cell.runner.is_over(execution, 240)


def _unknown(cell: Cell) -> None:
    cell.run()


def _again(cell: Cell) -> None:
    """Somebody reruns the slot, which had gone well, and that fails."""
    cell.register(params={"refuse": True}, retry=RetryPolicy(max_attempts=1))
    cell.has_ended(RunStatus.SUCCEEDED, cell.slot)
    cell.run(trigger=Trigger.RERUN, replaces=RunStatus.SUCCEEDED)


def _after_a_refused_input(cell: Cell) -> None:
    """Somebody starts the slot with an input that is refused; then its schedule delivers it."""
    cell.register()
    refused = {"taskId": cell.task_id, "scheduledTime": cell.slot, "params": None}
    assert cell.runner.aws.execution(cell.runner.start(refused)).over.wait(240)
    cell.run()


def _paused(cell: Cell) -> None:
    cell.register()
    cell.paused()
    cell.run()


def _twice(cell: Cell) -> None:
    cell.register()
    cell.run()
    cell.run()


def _overlapping(cell: Cell) -> None:
    cell.register()
    cell.held()
    cell.run()


def _waiting(cell: Cell) -> None:
    """Its turn comes when the other one has ended."""
    cell.register("workflow/nested", params={"pause": 200}, overlap=OverlapPolicy.BUFFER_ONE)
    first = cell.start(cell.earlier)
    cell.is_(RunStatus.RUNNING, cell.earlier)
    cell.run()
    assert cell.runner.aws.execution(first).over.wait(240)


def _waiting_in_vain(cell: Cell) -> None:
    cell.register(overlap=OverlapPolicy.BUFFER_ONE)
    cell.held()
    execution = cell.start()
    cell.is_(RunStatus.WAITING)
    cell.paused()
    assert cell.runner.aws.execution(execution).over.wait(240)


def _stopping(policy: OverlapPolicy) -> Callable[[Cell], None]:
    def stopping(cell: Cell) -> None:
        cell.register("workflow/nested", params={"pause": 200}, overlap=policy)
        first = cell.start(cell.earlier)
        cell.is_(RunStatus.RUNNING, cell.earlier)
        cell.run(params={"pause": 0})
        assert cell.runner.aws.execution(first).over.wait(240)

    return stopping


def _to_be_held(cell: Cell) -> None:
    """Its slot waits for that of the day before."""
    cell.register(after=(Upstream(task_id=cell.task_id, slot=SlotOf.LATEST_BEFORE),))


def _well_before(cell: Cell) -> None:
    cell.has_ended(RunStatus.SUCCEEDED, key(cell.at - timedelta(days=1)))


def _holding(cell: Cell) -> None:
    """The other slot has succeeded, and this one is released as soon as it is held."""
    _to_be_held(cell)
    _well_before(cell)
    cell.run()
    cell.runner.until(lambda: (run := cell.row()) is None or run.status in TERMINAL)


def _released_and_paused(cell: Cell) -> None:
    _to_be_held(cell)
    cell.run()
    cell.paused()
    _released(cell)


def _released_and_gone(cell: Cell) -> None:
    _to_be_held(cell)
    cell.run()
    cell.runner.registry.remove(cell.task_id)
    _released(cell)


def _released(cell: Cell) -> None:
    held = cell.row()
    assert held is not None
    _well_before(cell)
    cell.run(replaces=held.version, released=True)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    play: Callable[[Cell], None]
    #: The slot's row where no call fails.
    ends: RunStatus = RunStatus.SUCCEEDED
    #: The state whose calls fail, where it is not the scenario's name.
    state: str | None = None
    #: Whether TaskRunner's Express twin is started.
    express: bool = False


_FAILS, _IS_SKIPPED, _WAITS = RunStatus.FAILED, RunStatus.SKIPPED, RunStatus.WAITING

SCENARIOS: Mapping[str, Scenario] = {
    "LookupTask": Scenario(play=_plain),
    "ClaimSlot": Scenario(play=_plain),
    "InvokeLambda": Scenario(play=_plain),
    "StartWorkflow": Scenario(play=_nested),
    "RecordOutcome": Scenario(play=_plain),
    "RecordOutcomeAlone": Scenario(play=_detached),
    "RecordFailure": Scenario(play=_failing, ends=_FAILS),
    "RecordFailureAlone": Scenario(play=_failing_detached, ends=_FAILS),
    "PostponeRun": Scenario(play=_postponed, ends=_WAITS),
    "PostponeRunAlone": Scenario(play=_postponed_detached, ends=_WAITS),
    "ExplainRefusal": Scenario(play=_overlapping, ends=_IS_SKIPPED),
    "RecordRefusal": Scenario(play=_unknown, ends=_FAILS),
    "RecordSkip": Scenario(play=_paused, ends=_IS_SKIPPED),
    "RecordDuplicate": Scenario(play=_twice),
    "ClaimDetached": Scenario(play=_detached),
    "RecordWaiting": Scenario(play=_waiting),
    "JoinQueue": Scenario(play=_waiting),
    "HoldSlot": Scenario(play=_holding),
    "SkipHeld": Scenario(play=_released_and_paused, ends=_IS_SKIPPED),
    "FailHeld": Scenario(play=_released_and_gone, ends=_FAILS),
    "LeaveQueue": Scenario(play=_waiting_in_vain, ends=_IS_SKIPPED),
    "StopOther": Scenario(play=_stopping(OverlapPolicy.TERMINATE_OTHER)),
    "EndOther": Scenario(play=_stopping(OverlapPolicy.TERMINATE_OTHER)),
    "LookAtOther": Scenario(play=_stopping(OverlapPolicy.CANCEL_OTHER)),
}

#: Further ways to come through some of them.
OTHER_WAYS: Mapping[str, Scenario] = {
    "LookupTask of a rerun": Scenario(play=_again, ends=_FAILS, state="LookupTask"),
    "ClaimSlot of a rerun": Scenario(play=_again, ends=_FAILS, state="ClaimSlot"),
    "RecordFailure of a rerun": Scenario(play=_again, ends=_FAILS, state="RecordFailure"),
    "RecordRefusal of an input": Scenario(play=_after_a_refused_input, state="RecordRefusal"),
}


def _elsewhere(cell: Cell) -> None:
    """It is not for the twin, which hands it over."""
    cell.register("workflow/nested")
    _handed_over(cell)


def _handed_over(cell: Cell) -> None:
    """What the twin does not do itself, TaskRunner does after the twin has ended."""
    began = cell.runner.aws.clock.now()
    cell.run()
    # It may have died before it could.
    if cell.runner.aws.clock.now() - began < timedelta(seconds=EXPRESS_SECONDS):
        cell.runner.until(lambda: cell.runner.ledger.get(cell.task_id, cell.slot) is not None)


def _of_twin(state: str, play: Callable[[Cell], None], ends: RunStatus = RunStatus.SUCCEEDED) -> Scenario:
    return Scenario(play=play, ends=ends, state=state, express=True)


#: The same of TaskRunner's Express twin, for each of its states that call AWS.
OF_TWIN: Mapping[str, Scenario] = {
    f"{scenario.state} of twin": scenario
    for scenario in (
        *(_of_twin(state, _plain) for state in ("LookupTask", "ClaimSlot", "InvokeLambda", "RecordOutcome")),
        _of_twin("RecordOutcomeAlone", _without_a_lease),
        _of_twin("RecordFailure", _failing, _FAILS),
        _of_twin("RecordFailureAlone", _failing_without_a_lease, _FAILS),
        _of_twin("PostponeRun", _postponed, _WAITS),
        _of_twin("PostponeRunAlone", _postponed_without_a_lease, _WAITS),
        _of_twin("ExplainRefusal", _overlapping, _IS_SKIPPED),
        _of_twin("RecordRefusal", _handed_over, _FAILS),
        _of_twin("RecordSkip", _paused, _IS_SKIPPED),
        _of_twin("RecordDuplicate", _twice),
        _of_twin("HandOver", _elsewhere),
    )
}
