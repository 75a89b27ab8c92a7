"""`show`, `logs` and `stop`: what an operator asks of one run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Applied
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import RunStatus
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.cli.conftest import PutRow
from tests.testbed.deployed import STACK

SLOT = "2026-11-02T08:00:00Z"

Printed = pytest.CaptureFixture[str]


def register(registry: Registry, task_id: str, **fields: Any) -> str:
    registry.register(Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), **fields))
    return task_id


def test_a_run_is_shown_with_its_row_and_its_path(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "shown", params={"refuse": True})
    assert main(["start", task_id, "--slot", SLOT, "--wait"]) == 1
    capsys.readouterr()
    assert main(["show", task_id]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{task_id} {SLOT}  FAILED")
    assert "why:        InvalidParameters: work was given wrong params" in said
    assert re.search(r"^cost:       \$0\.000\d{3} at list prices$", said, re.MULTILINE)
    for state in ("LookupTask", "ClaimSlot", "InvokeLambda", "RecordFailure"):
        assert f"  {state}  " in said
    assert '"params": {"refuse": true}' in said


def test_a_program_gets_the_row_and_every_stay_in_a_state(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "shown-as-json")
    main(["start", task_id, "--slot", SLOT, "--wait"])
    capsys.readouterr()
    assert main(["show", task_id, SLOT, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "SUCCEEDED"
    # A million simple runs cost some $120.
    assert 0.000_09 < float(found["dollars"]) < 0.000_15
    (invoked,) = [one for one in found["path"] if one["state"] == "InvokeLambda"]
    assert json.loads(invoked["asked"])["Payload"]["slot"] == SLOT
    assert invoked["enteredAt"] <= invoked["leftAt"]


def test_a_run_whose_history_is_gone_is_its_row_wherever_one_asks(
    put_row: PutRow, registry: Registry, capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_row(register(registry, "forgotten"), SLOT, "FAILED")
    # What it costs follows from the project, and there is none here.
    monkeypatch.chdir(tmp_path)
    assert main(["show", "forgotten", SLOT]) == 0
    said = capsys.readouterr().out
    assert "Step Functions has no history of it." in said
    assert "cost:" not in said


def test_the_log_of_a_run_is_its_own_with_the_whole_stack_trace(registry: Registry, capsys: Printed) -> None:
    good, bad = register(registry, "logged"), register(registry, "traced", params={"refuse": True})
    for task_id in (good, bad):
        main(["start", task_id, "--wait"])
    capsys.readouterr()
    assert main(["logs", bad]) == 0
    printed = capsys.readouterr()
    assert "Traceback (most recent call last):" in printed.out
    assert 'raise InvalidParameters("work"' in printed.out
    assert printed.out.count("REPORT RequestId") == 1
    assert "FAILED, InvalidParameters" in printed.err
    assert main(["logs", good, "--follow", "--help"]) == 0
    capsys.readouterr()
    assert main(["logs", good]) == 0
    out = capsys.readouterr().out
    assert out.count("REPORT RequestId") == 1
    assert "Traceback" not in out


def test_each_attempt_of_a_run_is_in_its_log(registry: Registry, capsys: Printed) -> None:
    at_once = RetryPolicy(max_attempts=2, interval_seconds=0)
    task_id = register(registry, "twice", params={"succeedsAt": 2}, retry=at_once)
    assert main(["start", task_id, "--slot", SLOT, "--wait"]) == 0
    capsys.readouterr()
    assert main(["logs", task_id, SLOT, "--follow"]) == 0
    assert capsys.readouterr().out.count("REPORT RequestId") == 2


@pytest.mark.parametrize("command", ["show", "logs"])
def test_what_has_not_run_says_so(registry: Registry, capsys: Printed, command: str) -> None:
    register(registry, "never")
    assert main([command, "never"]) == 2
    assert "never has not run yet" in capsys.readouterr().err
    assert main([command, "never", SLOT]) == 2
    assert f"never has no run of {SLOT}" in capsys.readouterr().err
    assert main([command, "nothing"]) == 2
    assert "there is no task 'nothing'" in capsys.readouterr().err


def test_a_run_that_goes_on_is_stopped_by_whom_its_execution_says(
    embedded_aws: EmbeddedAws, registry: Registry, put_row: PutRow, going_on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of this stack, which is without the functions that close rows, only the execution hears of it.
    monkeypatch.setattr("orchestrator.cli.stop._PATIENCE", 0.0)
    put_row(register(registry, "hung"), SLOT, "RUNNING", going_on)
    assert main(["stop", "hung", SLOT]) == 1
    ended = embedded_aws.client("stepfunctions").describe_execution(executionArn=going_on)
    assert (ended["status"], ended["error"]) == ("ABORTED", "StoppedByHand")
    assert ended["cause"].startswith("stopped by ")


def test_what_does_not_run_is_not_stopped(registry: Registry, ledger: Ledger, capsys: Printed) -> None:
    task_id = register(registry, "over")
    main(["start", task_id, "--slot", SLOT, "--wait"])
    capsys.readouterr()
    assert main(["stop", task_id, SLOT]) == 2
    assert f"{SLOT} of over does not run, it is SUCCEEDED" in capsys.readouterr().err
    run = ledger.get(task_id, SLOT)
    assert run is not None
    assert run.status is RunStatus.SUCCEEDED


def test_whoever_stops_waiting_hears_what_goes_on(
    stack: Applied, registry: Registry, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.cli.watching.time.sleep", interrupted)
    task_id = register(registry, "left-alone", params={"seconds": 3})
    assert main(["start", task_id, "--slot", SLOT, "--wait"]) == 130
    said = capsys.readouterr().err
    assert "The run goes on." in said
    assert f"orchestrator show {task_id} {SLOT}" in said
    assert f"orchestrator stop {task_id} {SLOT}" in said
    assert STACK.name == "orchestrator-dev"
