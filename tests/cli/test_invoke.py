"""`orchestrator invoke`: a handler in this process, with the event and the environment that it has on AWS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import main

Printed = pytest.CaptureFixture[str]

TASKS = "tasks: {letters: {run: lambda/letters, params: {copies: 1, colour: blue}}}"

HANDLER = """
import os

import boto3


def handler(event, context):
    print("at work")
    if event["params"].get("fails"):
        from lambdas.mistakes import OutOfPaper

        raise OutOfPaper("tray 2")
    return {"event": event, "stack": os.environ["ORCHESTRATOR_STACK"], "left": context.get_remaining_time_in_millis()}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lambdas").mkdir()
    (tmp_path / "lambdas" / "letters.py").write_text(HANDLER)
    (tmp_path / "lambdas" / "mistakes.py").write_text("class OutOfPaper(Exception):\n    pass\n")
    (tmp_path / "tasks.yaml").write_text(TASKS)
    monkeypatch.chdir(tmp_path)
    # Nothing listens there, and nothing is to be found.
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:9", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    return tmp_path


def test_a_handler_gets_its_event_and_prints_here(project: Path, capsys: Printed) -> None:
    arguments = ["invoke", "letters", "--param", "copies=3", "--slot", "2026-12-01T08:00:00Z", "--env", "staging"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    first, _, rest = printed.out.partition("\n")
    assert first == "at work"
    result = json.loads(rest)
    assert result["event"]["params"] == {"copies": 3, "colour": "blue"}
    assert result["event"]["runKey"] == "letters#2026-12-01T08:00:00Z"
    assert (result["stack"], result["left"]) == ("orchestrator-staging", 60_000)
    assert "without the environment of orchestrator-staging-task-letters" in printed.err


def test_what_it_raises_is_shown_from_the_handler_on(project: Path, capsys: Printed) -> None:
    assert main(["invoke", "letters", "--param", "fails=true"]) == 1
    said = capsys.readouterr().err
    assert 'letters.py", line 12, in handler' in said
    assert "OutOfPaper: tray 2" in said
    assert "cli/invoke.py" not in said


def test_what_is_no_handler_of_the_project_says_so(project: Path, capsys: Printed) -> None:
    assert main(["invoke", "nothing"]) == 2
    assert "there is no task 'nothing'" in capsys.readouterr().err
