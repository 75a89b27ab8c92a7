"""deploy.py as a person or a script meets it: what it says, and its exit code."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import deploy
from orchestrator import deployment
from orchestrator.cli import deploying
from orchestrator.deployment.questions import RunState
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from tests.testbed.ours import TASKS

ROOT = Path(deploy.__file__).parent


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def endpoint(aws: EmbeddedAws, credentials: None, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    return aws


def test_who_is_told_is_planned_applied_and_waited_for(
    endpoint: EmbeddedAws, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "alerts: {to: [{mail: a@example.com, severities: failed}, {webhook: 'ssm:url', format: slack}]}\n"
    tasks.write_text(TASKS + told)
    assert deploy.main(["plan", "--tasks", str(tasks)]) == 2
    planned = capsys.readouterr()
    assert "+ alerts to mail a@example.com (severities failed)" in planned.out.splitlines()
    assert "+ alerts to slack webhook ssm:url" in planned.out.splitlines()
    assert planned.err == ""
    assert deploy.main(["apply", "--tasks", str(tasks)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "send alerts to mail a@example.com (severities failed)" in said
    assert said[-2].startswith("note: a@example.com hears nothing yet: AWS has sent a mail there")

    tasks.write_text(
        TASKS + told.replace(", severities: failed", "").replace(", {webhook: 'ssm:url', format: slack}", "")
    )
    assert deploy.main(["plan", "--tasks", str(tasks), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["alerts"] == [
        {"action": "change", "to": "mail a@example.com"},
        {"action": "remove", "to": "sqs arn:aws:sqs:us-east-1:123456789012:orchestrator-dev-Courier"},
        {"action": "remove", "to": "slack webhook ssm:url"},
    ]
    assert found["warnings"] == []


def test_calendars_are_worked_out_as_of_the_date_where_the_stack_is(endpoint: EmbeddedAws, tasks: Path) -> None:
    tasks.write_text(
        """
calendars:
  offices: {weekdays: MON-FRI}
tasks:
  daily-sales-report: {run: lambda/report-generator, schedule: cron(0 2 * * ? *), calendars: [offices]}
"""
    )
    with endpoint.on(VirtualClock(datetime(2031, 6, 1, tzinfo=UTC), speed=1)):
        assert deploy.main(["apply", "--tasks", str(tasks)]) == 0
        assert deploy.main(["plan", "--tasks", str(tasks)]) == 0
    record = Registry(endpoint.client("dynamodb"), Stack()).get("daily-sales-report")
    assert record is not None
    assert {closure.since.year for closure in record.task.closures} == {2031, 2032}


def test_nothing_is_written_when_any_task_is_invalid(
    endpoint: EmbeddedAws, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks.write_text(TASKS + "  bad:\n    run: lambda/report-generator\n    schedule: cron(99 * * * ? *)\n")
    assert deploy.main(["apply", "--tasks", str(tasks)]) == 1
    assert "tasks.bad.schedule" in capsys.readouterr().err
    assert endpoint.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_task_that_runs_what_is_not_deployed_is_refused(
    endpoint: EmbeddedAws, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks.write_text(TASKS.replace("lambda/report-generator", "lambda/report-generators"))
    assert deploy.main(["apply", "--tasks", str(tasks)]) == 1
    assert "report-generators" in capsys.readouterr().err
    assert endpoint.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_task_file_that_is_not_there_is_named(
    endpoint: EmbeddedAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(["apply", "--tasks", str(tmp_path / "no.yaml")]) == 1
    assert "no.yaml" in capsys.readouterr().err


def test_without_credentials_it_says_how_to_get_some(
    tasks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    assert deploy.main(["apply", "--tasks", str(tasks)]) == 3
    assert capsys.readouterr().err.startswith("Unable to locate credentials; log in (`aws sso login`)")


def test_an_endpoint_that_is_down_is_named(
    credentials: None, tasks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(deploying, "ATTEMPTS", 1)
    assert deploy.main(["apply", "--tasks", str(tasks)]) == 3
    said = capsys.readouterr().err
    assert f'Could not connect to the endpoint URL: "http://127.0.0.1:{port}/"' in said
    assert "orchestrator local" in said


def test_an_interruption_says_what_to_do_next(
    endpoint: EmbeddedAws, tasks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deployment, "apply", interrupt)
    assert deploy.main(["apply", "--tasks", str(tasks)]) == 130
    assert "the same command finishes" in capsys.readouterr().err


@pytest.mark.parametrize("environment", ["A", "1st", "a" * 13, "dev/x", ""])
def test_an_environment_that_cannot_be_a_name_is_refused(
    environment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(["build", "--env", environment, "--out", str(tmp_path / "out")]) == 1
    assert "1 to 12 of a-z, 0-9 and -, a letter first" in capsys.readouterr().err


def test_a_build_into_a_folder_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert deploy.main(["build", "--out", str(tmp_path)]) == 1
    assert "mine.txt, which no build writes" in capsys.readouterr().err


def test_a_build_needs_no_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert deploy.main(["build", "--out", "out"]) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "out" / "template.json").exists()
    with zipfile.ZipFile(tmp_path / "out" / "lambdas" / "report-generator.zip") as bundle:
        assert {"fpdf/__init__.py", "pydantic/__init__.py"} <= set(bundle.namelist())


def test_what_was_fetched_is_fetched_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert deploy.main(["fetch"]) == 0
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert deploy.main(["fetch"]) == 0
    first, again = capsys.readouterr().out.splitlines()
    assert first == again
    assert first.endswith(f" wheels for Python 3.13 on aarch64 in {ROOT / '.wheels'}")


def test_bundles_for_aws_run_here(
    endpoint: EmbeddedAws, tasks: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ORCHESTRATOR_WITHOUT_DEPENDENCIES")
    assert deploy.main(["apply", "--tasks", str(tasks)]) == 0
    event = {"taskId": "t", "slot": "2026-12-01T00:00:00Z", "scheduledTime": "2026-12-01T00:00:00Z"}
    answer = endpoint.client("lambda").invoke(
        FunctionName="orchestrator-dev-task-report-generator", Payload=json.dumps(event)
    )
    # Loaded, it has read the event, and misses what TaskRunner adds to it.
    assert json.loads(answer["Payload"].read())["errorType"] == "InvalidParameters"


def test_a_plan_says_by_its_exit_code_that_there_is_something_to_do(
    endpoint: EmbeddedAws, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(["plan", "--tasks", str(tasks)]) == 2
    said = capsys.readouterr().out.splitlines()
    assert "+ task daily-sales-report" in said
    assert re.fullmatch(
        r"orchestrator-dev differs \(\d+ resources to add, 2 tasks to add\); nothing was changed.", said[-1]
    )
    assert endpoint.client("cloudformation").describe_stacks()["Stacks"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["plann"],
        ["plan", "--json", "yes"],
        ["plan", "--env", "A"],
        ["plan", "--tasks", "no.yaml"],
        ["rollback", "--to", "0"],
    ],
)
def test_no_mistake_of_whoever_types_is_taken_for_a_plan_with_something_to_do(
    arguments: list[str], credentials: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(arguments) == 1
    assert capsys.readouterr().err


def test_two_ways_of_rolling_out_exclude_each_other(tasks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["apply", "--tasks", str(tasks), "--canary", "10", "--linear", "10"]) == 1
    assert "exclude each other" in capsys.readouterr().err


def test_prove_asks_before_anything_is_deployed_and_leaves_nothing(
    endpoint: EmbeddedAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code = deploy.main(["prove"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["VERDICT", "ASSUMPTION", "EXPECTED", "AWS'S", "ANSWER", "SOURCE"]
    assert any(re.match(r"holds +the definition of TaskRunner is valid +OK +OK +Validate", line) for line in said)
    assert re.fullmatch(r"\d+ holds, \d+ not asked", said[-1])
    assert code == 0
    assert endpoint.client("cloudformation").describe_stacks()["Stacks"] == []


def test_there_is_nothing_to_roll_back_where_there_is_no_stack(
    endpoint: EmbeddedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(["rollback"]) == 1
    assert "there is no stack orchestrator-dev" in capsys.readouterr().err


def test_prove_as_json_says_what_each_assumption_is(
    endpoint: EmbeddedAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    every = deployment.assumptions

    def some(*given: Any) -> list[deployment.Assumption]:
        return [one for one in every(*given) if one.claim.startswith("`$length($uuid())`")]

    monkeypatch.setattr(deployment, "assumptions", some)
    deploy.main(["prove", "--env", "staging", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["stack"] == "orchestrator-staging"
    (one,) = [one for one in said["assumptions"] if one["assumption"].startswith("`$length($uuid())`")]
    assert (one["expected"], one["answer"], one["verdict"]) == ("36", "36", "holds")


def test_a_proof_that_aws_does_not_answer_says_so_by_its_exit_code(
    endpoint: EmbeddedAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "TestState")
    question = RunState(state={})
    monkeypatch.setattr(RunState, "ask", lambda self, clients: raised(refused))
    asked = deployment.Assumption(claim="it is so", source="a page", question=question, expected="yes")
    monkeypatch.setattr(deployment, "assumptions", lambda *_: (asked,))
    assert deploy.main(["prove"]) == 2
    assert "no answer" in capsys.readouterr().out


def raised(fault: Exception) -> str:
    raise fault


def test_a_python_without_the_project_says_what_to_do() -> None:
    # No packages but Python's own.
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "deploy.py", "plan"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "run `make setup`, and then `.venv/bin/python deploy.py`" in ran.stderr
    assert "Traceback" not in ran.stderr
