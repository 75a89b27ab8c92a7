"""Every AWS call of TaskRunner, failing in every way: once, and for as long as the run lasts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from tests.faults.injection import Fault, Faults, Injected, State
from tests.faults.scenarios import GRACE, OF_TWIN, OTHER_WAYS, SCENARIOS, Cell
from tests.faults.verdicts import LOST, table, told, verdict
from tests.testbed.rounds import rounds
from tests.testbed.task_runner import TaskRunner

#: So many runs at once: a run that waits costs nothing.
_AT_ONCE = 24

#: Of a target that does not answer, or whose service answers with a fault of its own, nobody knows how far it came, and
#: only a task that is idempotent is tried again.
_AMBIGUOUS = {
    (target, fault)
    for target in ("InvokeLambda", "StartWorkflow")
    for fault in (Fault.TIMED_OUT, Fault.REPLY_LOST, Fault.BROKEN)
}


#: Runs that come through each call, and through some of them by other ways.
ALL = {**SCENARIOS, **OTHER_WAYS, **OF_TWIN}

#: Each fault of each call.
_ALL = [(name, fault) for name in ALL for fault in Fault]

#: One of the five faults of each call, in turn, so that each fault meets calls of every kind.
_SAMPLE = [(name, tuple(Fault)[number % len(Fault)]) for number, name in enumerate(ALL)]

#: The suite plays three of eight cells of the sample, as faults that pass or as some that last; the proof everything.
_PASSING, _LASTING = (
    pytest.mark.parametrize(
        "keys", [pytest.param(sample, id="sample"), pytest.param(_ALL, id="all", marks=pytest.mark.proof)]
    )
    for sample in (_SAMPLE[::4], _SAMPLE[2::8])
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Of one cell of the matrix."""

    verdict: str
    #: The call was made, and failed.
    struck: bool
    #: The verdict on the run that was stopped or waited for, if there was one.
    other: str | None


Keys = Sequence[tuple[str, Fault]]
Matrix = Mapping[tuple[str, Fault], Finding]


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=200)):
        yield TaskRunner(
            embedded_aws, handlers=("system.follower", "system.failure_handler", "system.watchdog"), timeout_seconds=60
        )
        embedded_aws.reset()


def calls(runner: TaskRunner, machine: str) -> list[str]:
    """The states of the deployed machine that call AWS."""
    client, arn = runner.aws.client("stepfunctions"), runner.applied.outputs[f"{machine}Arn"]
    states = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])["States"]
    return [name for name, state in states.items() if state["Type"] == "Task"]


def play(runner: TaskRunner, faults: Faults, times: float, keys: Keys) -> Matrix:
    """All ``keys`` at once, then what follows: the handlers, and rounds of the watchdog when the faults are over."""
    at = (runner.aws.clock.now() - timedelta(minutes=10)).replace(second=0, microsecond=0)
    cells, injected = {}, {}
    for name, fault in keys:
        task_id = f"{name}-{fault}-{1 if times == 1 else 'n'}-{len(keys)}".lower().replace(" ", "-")
        assert len(task_id) <= 48
        cells[name, fault] = Cell(runner=runner, task_id=task_id, at=at, express=ALL[name].express)
        where = State(name=ALL[name].state or name, task_id=task_id)
        injected[name, fault] = Injected(where=where, fault=fault, times=times)
    with faults.injected(*injected.values()), ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda key: ALL[key[0]].play(cells[key]), cells))
        assert runner.aws.event_sources.settled(60)
    rounds(runner, runner.aws.clock.now() + GRACE + timedelta(minutes=10), 2)
    # What the watchdog has released runs.
    runner.until(lambda: not any(_at_work(runner)))
    assert runner.aws.event_sources.settled(60)
    known = told(runner)

    def found(cell: Cell) -> tuple[str, str | None]:
        run, other = (runner.ledger.get(cell.task_id, slot) for slot in (cell.slot, cell.earlier))
        return verdict(run, cell.task_id, known), verdict(other, cell.task_id, known) if other else None

    findings = {key: found(cell) for key, cell in cells.items()}
    return {
        key: Finding(verdict=own, other=other, struck=injected[key].hits > 0) for key, (own, other) in findings.items()
    }


def _at_work(runner: TaskRunner) -> Sequence[object]:
    arn = runner.applied.outputs["TaskRunnerArn"]
    return runner.aws.client("stepfunctions").list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]


def show(title: str, matrix: Matrix) -> None:
    sys.stdout.write(f"\n{table(title, {key: finding.verdict for key, finding in matrix.items()})}\n")


def lost(matrix: Matrix) -> list[tuple[str, Fault]]:
    return [key for key, finding in matrix.items() if LOST in (finding.verdict, finding.other)]


def test_there_is_a_run_for_every_call(runner: TaskRunner) -> None:
    assert sorted(SCENARIOS) == sorted(calls(runner, "TaskRunner"))
    assert sorted(one.state or "" for one in OF_TWIN.values()) == sorted(calls(runner, "ExpressRunner"))


@_PASSING
def test_a_fault_that_passes_changes_nothing(runner: TaskRunner, faults: Faults, keys: Keys) -> None:
    matrix = play(runner, faults, 1, keys)
    show("one call fails", matrix)
    assert [key for key, finding in matrix.items() if not finding.struck] == []
    assert lost(matrix) == []
    otherwise = {
        key for key, finding in matrix.items() if finding.verdict.partition(",")[0] != ALL[key[0]].ends.lower()
    }
    assert otherwise == {(name, fault) for name, fault in matrix if (ALL[name].state or name, fault) in _AMBIGUOUS}


@_LASTING
def test_a_fault_that_lasts_leaves_no_slot_silent(runner: TaskRunner, faults: Faults, keys: Keys) -> None:
    matrix = play(runner, faults, float("inf"), keys)
    show("every call fails", matrix)
    assert [key for key, finding in matrix.items() if not finding.struck] == []
    assert lost(matrix) == []
