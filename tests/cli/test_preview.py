"""`orchestrator preview`, as a person and as a program use it, without any AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from tests.testbed import ROOT

NIGHTLY = ["preview", "--expression", "cron(30 2 * * ? *)", "--timezone", "Europe/Berlin"]


@pytest.fixture
def tasks(tmp_path: Path) -> str:
    file = tmp_path / "tasks.yaml"
    file.write_text("tasks:\n  daily:\n    run: lambda/report-generator\n    schedule: cron(0 8 * * ? *)\n")
    return str(file)


def test_a_table_goes_month_by_month_and_week_by_week(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NIGHTLY, "--from", "2027-03-27", "--count", "5"]) == 0
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "cron(30 2 * * ? *) Europe/Berlin",
        "DAY         LOCAL  ZONE  UTC",
        "March 2027",
        "Sat 27      02:30  CET   2027-03-27T01:30:00Z",
        "Sun 28      02:30        —                     does not exist: no slot",
        "",
        "Mon 29      02:30  CEST  2027-03-29T00:30:00Z",
        "Tue 30      02:30  CEST  2027-03-30T00:30:00Z",
        "Wed 31      02:30  CEST  2027-03-31T00:30:00Z",
        "",
        "April 2027",
        "Thu  1      02:30  CEST  2027-04-01T00:30:00Z",
    ]


def test_programs_get_an_object_for_each_slot_and_none_for_a_time_that_is_no_slot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*NIGHTLY, "--from", "2027-03-27", "--count", "3", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["slot"], one["local"]) for one in found] == [
        ("2027-03-27T01:30:00Z", "2027-03-27T02:30:00+01:00"),
        ("2027-03-29T00:30:00Z", "2027-03-29T02:30:00+02:00"),
        ("2027-03-30T00:30:00Z", "2027-03-30T02:30:00+02:00"),
    ]


def test_a_time_without_a_zone_is_the_schedules(capsys: pytest.CaptureFixture[str]) -> None:
    bounds = ["--from", "2027-01-01T02:30:00", "--until", "2027-01-02T02:30:00", "--json"]
    assert main([*NIGHTLY, *bounds]) == 0
    found = [json.loads(line)["slot"] for line in capsys.readouterr().out.splitlines()]
    assert found == ["2027-01-01T01:30:00Z", "2027-01-02T01:30:00Z"]


def test_ten_slots_are_shown_if_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NIGHTLY, "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 10


def test_a_task_is_found_in_the_file(tasks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "daily", "--tasks", tasks, "--from", "2026-12-01", "--count", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["slot"] == "2026-12-01T08:00:00Z"


def test_it_says_when_there_is_nothing_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "--expression", "at(2020-01-01T00:00:00)"]) == 0
    assert capsys.readouterr().out == "at(2020-01-01T00:00:00) UTC: no slots\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--expression", "cron(0 8 * * *)"], "cron(0 8 * * ? *)"),
        (["--expression", "cron(0 8 30 2 ? *)"], "a date that some year has"),
        (["--expression", "rate(1 day)", "--timezone", "Europe/Berlim"], "Europe/Berlim"),
        (["--expression", "rate(1 day)", "--from", "tomorrow"], "expected 2026-12-01 or 2026-12-01T08:00:00Z"),
        (["--expression", "rate(1 day)", "--count", "0"], "0 is not in the range"),
        ([], "expected a TASK of tasks.yaml, or --expression"),
        (["daily", "--expression", "rate(1 day)"], "expected a TASK of tasks.yaml, or --expression"),
        (["daily", "--timezone", "UTC"], "a task has its own"),
        (["dialy"], "did you mean 'daily'?"),
    ],
)
def test_what_is_wrong_is_said_and_the_exit_code_is_two(
    tasks: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["preview", "--tasks", tasks, *arguments]) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert found.out == ""


def test_an_expression_is_previewed_without_importing_the_sdk_or_moto() -> None:
    code = "import sys; from orchestrator.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    arguments = ["preview", "--expression", "rate(1 day)"]
    printed = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT).stdout
    assert not {"stepfunctions", "moto", "pandas"} & set(printed.split())
