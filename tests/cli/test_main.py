"""`orchestrator`, as a person and as a script use it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Applied
from orchestrator.dynamodb import to_item
from orchestrator.local.address import announced, found
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.task_state import Pause
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed import ROOT
from tests.testbed.deployed import deployed
from tests.testbed.processes import begun

ORCHESTRATOR = [sys.executable, "-c", "import sys; from orchestrator.cli.main import main; sys.exit(main())"]
SLOT = "2026-12-01T08:00:00Z"


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws) -> Iterator[Applied]:
    with deployed(embedded_aws) as applied:
        yield applied


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_tasks_are_listed_with_what_they_run_and_when(stack: Applied, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    header, bad, good = lines(capsys)
    assert header.split() == ["TASK", "RUNS", "SCHEDULES", "NEXT", "LAST", "STATE", "OWNER"]
    assert good.split()[:3] == ["good", "lambda/work", "cron(0"]
    assert good.rstrip().endswith("data-platform")
    assert bad.split()[0] == "bad"


def test_tasks_are_json_for_programs(stack: Applied, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == 0
    found = {task["taskId"]: task for task in map(json.loads, lines(capsys))}
    daily = {"expression": "cron(0 8 * * ? *)", "timezone": "Europe/Berlin", "spreadMinutes": 0}
    assert found["good"]["schedules"] == [daily]
    assert found["good"]["express"] is False
    assert found["good"]["next"].endswith(":00:00Z")
    assert found["bad"]["next"] is None


def test_a_run_that_is_waited_for_shows_its_row(stack: Applied, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "good", "--wait"]) == 0
    header, row, result = lines(capsys)
    assert header.split() == ["TASK", "SLOT", "STATUS", "DURATION", "ATTEMPTS", "WHY"]
    assert row.split()[0] == "good"
    assert row.split()[2] == "SUCCEEDED"
    assert json.loads(result.removeprefix("result: "))["event"]["taskId"] == "good"


def test_a_run_that_fails_is_an_exit_code(stack: Applied, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "bad", "--wait"]) == 1
    assert "InvalidParameters" in lines(capsys)[1]


def test_params_and_slot_are_handed_on(stack: Applied, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--param",
        "size=3",
        "--param",
        "colour=blue",
        "--param",
        "more=[1]",
        "--slot",
        "2026-12-01T09:00+01:00",
    ]
    assert main(["start", "good", *arguments, "--force", "--wait", "--json"]) == 0
    (row,) = map(json.loads, lines(capsys))
    event = json.loads(row["result"])["event"]
    assert (row["slot"], row["trigger"]) == (SLOT, "ad hoc")
    assert event["params"] == {"size": 3, "colour": "blue", "more": [1]}


def test_a_start_that_is_not_waited_for_says_where_to_look(stack: Applied, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "good"]) == 0
    assert "execution:orchestrator-dev-TaskRunner:good-" in lines(capsys)[1]


def test_runs_are_the_newest_first_and_can_be_chosen(stack: Applied, capsys: pytest.CaptureFixture[str]) -> None:
    main(["start", "good", "--slot", "2026-12-02T08:00:00Z", "--force", "--wait"])
    main(["start", "good", "--slot", "2026-12-03T08:00:00Z", "--force", "--wait"])
    main(["start", "bad", "--slot", "2026-12-04T08:00:00Z", "--force", "--wait"])
    capsys.readouterr()

    def slots(*arguments: str) -> list[str]:
        assert main(["runs", *arguments, "--json"]) == 0
        return [json.loads(line)["slot"] for line in lines(capsys)]

    assert slots("good", "--limit", "2") == ["2026-12-03T08:00:00Z", "2026-12-02T08:00:00Z"]
    assert slots("--limit", "1") == ["2026-12-04T08:00:00Z"]
    assert slots("--status", "failed", "--limit", "1") == ["2026-12-04T08:00:00Z"]
    assert slots("good", "--status", "failed") == []


def test_runs_are_chosen_by_time_status_owner_and_tag(
    stack: Applied, embedded_aws: EmbeddedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(embedded_aws.client("dynamodb"), Stack())
    work, watchdog = (Target(kind=TargetKind.LAMBDA, name=name) for name in ("work", "watchdog"))
    registry.register(Task(id="tagged", target=work, tags=("nightly", "eu"), owner="us"))
    registry.register(Task(id="watchful", target=watchdog, owner="us"))
    main(["start", "tagged", "--wait"])
    row = {"taskId": "watchful", "slot": key(datetime.now(UTC)), "status": "SUCCEEDED"}
    embedded_aws.client("dynamodb").put_item(TableName=Stack().runs_table, Item=to_item(row))
    main(["start", "bad", "--wait"])
    capsys.readouterr()

    def chosen(*arguments: str) -> set[str]:
        assert main(["runs", "--since", "1h", *arguments, "--json"]) == 0
        return {json.loads(line)["taskId"] for line in lines(capsys)}

    assert {"tagged", "watchful", "bad"} <= chosen()
    assert chosen("--owner", "us") == {"tagged", "watchful"}
    assert chosen("--owner", "us", "--no-system") == {"tagged"}
    assert chosen("--tag", "eu", "--tag", "nightly") == {"tagged"}
    assert chosen("--tag", "us") == set()
    assert "tagged" not in chosen("--status", "failed,timed_out")
    assert "bad" in chosen("--status", "failed,timed_out")
    assert chosen("--until", "2020-01-01") == set()


def test_tasks_are_chosen_by_owner_tag_pause_and_failure(
    stack: Applied, embedded_aws: EmbeddedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(embedded_aws.client("dynamodb"), Stack())
    work = Target(kind=TargetKind.LAMBDA, name="work")
    registry.register(Task(id="resting", target=work, tags=("nightly",), owner="them"))
    registry.pause("resting", Pause(who="ann", why="rest"))
    main(["start", "bad", "--wait"])
    capsys.readouterr()

    def chosen(*arguments: str) -> set[str]:
        assert main(["tasks", *arguments, "--json"]) == 0
        return {json.loads(line)["taskId"] for line in lines(capsys)}

    assert chosen("--owner", "them") == chosen("--paused") == {"resting"}
    assert "resting" in chosen("--tag", "nightly")
    assert chosen("--failing") >= {"bad"}
    assert "resting" not in chosen("--failing")
    assert main(["tasks", "--owner", "nobody"]) == 0
    assert "None of " in lines(capsys)[0]


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert lines(capsys) == [version("scheduled-task-orchestrator")]


@pytest.mark.parametrize("place", [["--env", "none", "tasks"], ["tasks", "--env", "none"]])
def test_the_environment_is_named_before_or_after_the_command(
    stack: Applied, capsys: pytest.CaptureFixture[str], place: list[str]
) -> None:
    assert main(place) == 3
    assert "is the stack deployed" in capsys.readouterr().err


def test_local_is_the_aws_that_the_project_has_announced(
    stack: Applied,
    embedded_aws: EmbeddedAws,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    below = tmp_path / "lambdas"
    below.mkdir()
    monkeypatch.chdir(below)
    for name in embedded_aws.environment:
        # Set, so that it is put back; then as whoever has typed nothing else has it.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with announced(tmp_path, embedded_aws.endpoint, "orchestrator-dev"):
        assert main(["--local", "tasks"]) == 0
        assert "good" in capsys.readouterr().out
        assert main(["tasks", "--local", "--env", "none"]) == 3
        capsys.readouterr()
    assert found(below) is None
    assert (tmp_path / ".orchestrator" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["runs", "--since", "soon"], 2, "expected a length of time like 2h"),
        (["tasks", "--env", "PROD"], 2, "1 to 12 of a-z"),
        (["start", "nothing"], 2, "there is no task 'nothing' in the registry; `orchestrator tasks` lists them"),
        (["runs", "nothing"], 2, "there is no task 'nothing'"),
        (["start", "good", "--param", "size"], 2, "expected name=value, found 'size'"),
        (["start", "good", "--slot", "tomorrow"], 2, "like 2026-12-01T08:00:00Z, found 'tomorrow'"),
        (["start", "good", "--slot", "2026-12-01T08:00:00"], 2, "a moment with its zone"),
        (["runs", "--status", "fine"], 2, "'fine' is not one of"),
        (["runs", "--limit", "0"], 2, "0 is not in the range"),
        (["fly"], 2, "No such command 'fly'"),
        (["--stack", "orchestrator-none", "tasks"], 3, "is the stack deployed"),
    ],
)
def test_what_cannot_be_done_says_what_to_try(
    stack: Applied, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert main(arguments) == code
    assert said in capsys.readouterr().err


def test_an_endpoint_that_is_down_is_a_sentence_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert main(["tasks"]) == 3
    said = capsys.readouterr().err
    assert "http://127.0.0.1:9" in said
    assert "orchestrator local" in said
    assert "Traceback" not in said


def test_a_tasks_file_is_checked_without_any_aws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lambdas").mkdir()
    (tmp_path / "lambdas" / "report.py").write_text("def handler(event, context): ...\n")
    file = tmp_path / "tasks.yaml"
    file.write_text("tasks:\n  t: {run: lambda/report, schedule: rate(1 day)}\n")
    assert main(["validate", str(file)]) == 0
    said = capsys.readouterr()
    assert "1 tasks, 1 schedules, no mistakes." in said.out
    assert said.err.startswith("warning: nobody is told when a task fails: add `alerts:")
    file.write_text(file.read_text() + "alerts: {to: [{mail: operations@example.com}]}\n")
    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr().err == ""
    file.write_text("tasks:\n  t: {run: lambda/gone}\n  u: {}\n")
    assert main(["validate", str(file)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "FileModel"


@pytest.mark.proof
def test_ctrl_c_ends_the_local_aws_at_once_and_quietly(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with begun([*ORCHESTRATOR, "local", "--port", "0"], cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        assert "is up on http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said.strip()) == (130, "interrupted")


@pytest.mark.parametrize("arguments", [["--port", "{port}"], ["--tasks", "{wrong}", "--port", "0"]])
def test_a_local_aws_that_cannot_start_says_why(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("tasks: {t: {}}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = [argument.format(port=port, wrong=wrong) for argument in arguments]
        ended = main(["local", *given])
    expected = {"--port": (1, f"port {port} on 127.0.0.1 is in use"), "--tasks": (2, "wrong.yaml:1: tasks.t.run")}
    code, said = expected[arguments[0]]
    assert ended == code
    assert said in capsys.readouterr().err
