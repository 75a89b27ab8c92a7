"""`orchestrator forecast`, without an AWS and with a ledger."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from orchestrator.cli.main import main
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.deployed import deployed

FORECAST = ["forecast", "--from", "2026-12-01T00:00:00Z", "--days", "7"]


@pytest.fixture
def tasks(tmp_path: Path) -> str:
    file = tmp_path / "tasks.yaml"
    file.write_text(
        "calendars:\n  business-days: {weekdays: MON-FRI}\n"
        "tasks:\n"
        "  good: {run: lambda/report-generator, schedule: 'cron(0 8 * * ? *)', calendars: business-days}\n"
        "  often: {run: lambda/cache-warmer, schedule: rate(10 minutes)}\n"
    )
    return str(file)


def test_a_person_sees_costs_the_busiest_minutes_and_the_day(tasks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FORECAST, "--offline", "--tasks", tasks]) == 0
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    head = ["TASK", "RUNS", "IN", "7", "DAYS", "SKIPPED", "SECONDS", "A", "RUN", "TRANSITIONS", "DOLLARS", "A", "MONTH"]
    assert rows[0] == head
    # Four of each run, in a month of 30.4 days.
    assert rows[1][:4] == ["often", "1,008", "1.0?", f"{1008 * 4 * 730 / 24 / 7:,.0f}"]
    assert rows[2][:4] == ["good", "5", "2", "1.0?"]
    assert rows[3][:3] == ["(the", "stack", "itself)"]
    assert rows[4][:2] == ["all", "1,013"]
    assert float(rows[4][3]) == pytest.approx(sum(float(row[-1]) for row in rows[1:4]), abs=0.02)
    assert ["2026-12-01T08:00:00Z", "2", "0.0%", "0.0%"] in rows
    assert "No run in the ledger says how long it takes: 1 s is assumed." in printed
    assert "as of 20" in printed


def test_programs_get_an_object_for_each_task_and_one_for_all(tasks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FORECAST, "--offline", "--tasks", tasks, "--json"]) == 0
    good, often, total = map(json.loads, capsys.readouterr().out.splitlines())
    assert (good["taskId"], good["runs"], good["skipped"], good["measuredRuns"]) == ("good", 5, 2, 0)
    assert total["runs"] == good["runs"] + often["runs"]
    assert float(total["dollarsAMonth"]) == pytest.approx(
        sum(float(one) for one in (good["dollarsAMonth"], often["dollarsAMonth"], total["stackDollarsAMonth"])),
        abs=0.001,
    )
    assert total["busiestMinutes"][0] == {
        "minute": "2026-12-01T08:00:00Z",
        "starts": 2,
        "ofStartExecution": 0.0001,
        "ofScheduler": 0.0,
    }


def test_what_waits_and_what_events_start_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text(
        "pools: {reports: {atOnce: 3}}\n"
        "tasks:\n"
        "  plain: {RUN, schedule: 'cron(0 8 * * ? *)'}\n"
        "  pooled: {RUN, schedule: 'cron(0 8 * * ? *)', pool: reports}\n"
        "  asked: {RUN, schedule: 'cron(0 8 * * ? *)', approval: true}\n"
        "  often: {RUN, on: [{pattern: {source: [shop]}, perDay: 10}]}\n"
        "  seldom: {RUN, on: [{pattern: {source: [shop]}}]}\n".replace("RUN", "run: lambda/report-generator")
    )
    assert main([*FORECAST, "--offline", "--tasks", str(file), "--json"]) == 0
    found = {one["taskId"]: one for one in map(json.loads, capsys.readouterr().out.splitlines()) if "taskId" in one}
    month = 730 / 24
    a_run = {name: round(one["transitionsAMonth"] / month) for name, one in found.items()}
    assert a_run == {"plain": 4, "pooled": 8, "asked": 12, "often": 40, "seldom": 0}
    assert [name for name, one in found.items() if not one["eventsAreKnown"]] == ["seldom"]
    assert float(found["plain"]["dollarsAMonth"]) < float(found["pooled"]["dollarsAMonth"])
    assert main([*FORECAST, "--offline", "--tasks", str(file)]) == 0
    printed = capsys.readouterr().out
    assert ["seldom", "0?"] in [line.split()[:2] for line in printed.splitlines()]
    assert "It is not known how often events start it" in printed


def test_the_ledger_says_how_long_a_task_takes(
    aws: EmbeddedAws, tasks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with deployed(aws):
        assert main(["start", "good", "--wait", "--json"]) == 0
        seconds = json.loads(capsys.readouterr().out)["durationSeconds"]
        assert main([*FORECAST, "--tasks", tasks, "--json"]) == 0
    good, often, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert (good["measuredRuns"], often["measuredRuns"]) == (1, 0)
    assert good["secondsARun"] == pytest.approx(seconds)


def test_without_credentials_it_does_without_a_ledger(
    tasks: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main([*FORECAST, "--tasks", tasks, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["measuredRuns"] == 0


def test_the_heat_map_can_be_an_image(tasks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "day.svg"
    assert main([*FORECAST, "--offline", "--tasks", tasks, "--image", str(image)]) == 0
    assert "1,013 runs of 2 tasks in 7 days" in (ElementTree.parse(image).getroot()[0].text or "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--days", "0"], "0 is not in the range"),
        (["--timezone", "Europe/Berlim"], "Europe/Berlim"),
        (["--from", "tomorrow"], "expected a moment with its zone"),
        (["--tasks", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", "--offline", *arguments]) == 2
    assert said in capsys.readouterr().err
