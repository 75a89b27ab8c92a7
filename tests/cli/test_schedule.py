"""`orchestrator schedule` and `orchestrator completion`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Applied, reconciliation
from orchestrator.deployment.boundaries import boundaries
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.tasks.schedule_names import one_time_name, task_of
from tests.testbed.deployed import STACK

AT = "2199-12-01T08:00:00Z"
NAME = one_time_name("good", datetime(2199, 12, 1, 8, tzinfo=UTC))

Printed = pytest.CaptureFixture[str]


def found(aws: EmbeddedAws) -> dict[str, Any]:
    return dict(aws.client("scheduler").get_schedule(GroupName=STACK.one_time_group, Name=NAME))


def test_a_run_is_asked_for_and_taken_back(embedded_aws: EmbeddedAws, stack: Applied, capsys: Printed) -> None:
    assert main(["schedule", "good", "--at", AT, "--param", "copies=2"]) == 0
    assert f"good runs at {AT}" in capsys.readouterr().out
    made = found(embedded_aws)
    assert (made["ScheduleExpression"], made["ActionAfterCompletion"]) == ("at(2199-12-01T08:00:00)", "DELETE")
    asked = json.loads(json.loads(made["Target"]["Input"])["Input"])
    assert (asked["taskId"], asked["params"]) == ("good", {"copies": 2})
    assert task_of(NAME) == "good"
    assert main(["schedule", "good", "--at", AT, "--cancel"]) == 0
    assert main(["schedule", "good", "--at", AT, "--cancel"]) == 1
    assert "was not to run once" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing", "--at", AT], "there is no task 'nothing'"),
        (["good", "--at", "2020-01-01T00:00:00Z"], "2020-01-01T00:00:00Z has passed"),
        (["good", "--at", "tomorrow"], "a moment with its zone"),
    ],
)
def test_what_cannot_be_asked_for_says_why(stack: Applied, capsys: Printed, arguments: list[str], said: str) -> None:
    assert main(["schedule", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_deployment_leaves_it_alone(embedded_aws: EmbeddedAws, stack: Applied) -> None:
    assert main(["schedule", "good", "--at", AT]) == 0
    now = datetime.now(UTC)
    boundary = boundaries(embedded_aws.client, STACK, stack.outputs, lambda: now)
    tasks = [record.task for record in boundary[0].all()]
    current = reconciliation.find(*boundary, tasks, now)
    assert NAME not in current.schedules
    for of in (tasks, [task for task in tasks if task.id != "good"]):
        planned = reconciliation.plan(of, current, now)
        assert [one for one in planned.operations if NAME in str(one)] == []
        assert planned.foreign == ()
    assert found(embedded_aws)["State"] == "ENABLED"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, capsys: Printed) -> None:
    assert main(["completion", shell]) == 0
    assert "_ORCHESTRATOR_COMPLETE" in capsys.readouterr().out


def test_a_task_is_completed_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text("defaults: {}\ntasks:\n  send-letters:\n    run: x\n  sell: {run: y}\n")
    typed = {"_ORCHESTRATOR_COMPLETE": "bash_complete", "COMP_WORDS": "orchestrator start se", "COMP_CWORD": "2"}
    code = "import sys; from orchestrator.cli.main import main; sys.argv = ['orchestrator']; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, **typed}, capture_output=True, text=True
    )
    assert ran.stdout.split() == ["plain,send-letters", "plain,sell"], ran.stderr
