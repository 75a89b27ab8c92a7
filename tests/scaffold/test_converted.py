"""Tasks of other schedulers: what becomes of them, when they fire then, and what is refused."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Project
from orchestrator.deployment.checking import check
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.scaffold import airflow, crontab, eventbridge
from orchestrator.scaffold.converted import Converted, Entry, files
from orchestrator.scaffold.cron import UnixCron
from orchestrator.scaffold.project import create
from orchestrator.schedules import Schedule

SAMPLES = Path(__file__).parent / "samples"

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def new_fires(entry: Entry, count: int) -> list[datetime]:
    """The slots of a task, in order."""
    found: set[datetime] = set()
    for expression in entry.expressions:
        schedule, moment = Schedule.of(expression, entry.timezone), NOW
        for _ in range(count):
            following = schedule.next_after(moment)
            if following is None:
                break
            moment = following
            found.add(moment)
    return sorted(found)[:count]


@pytest.fixture(scope="module")
def of_a_crontab() -> Converted:
    return crontab.read(SAMPLES / "crontab")


@pytest.fixture(scope="module")
def of_dags(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    folder = tmp_path_factory.mktemp("airflow") / "dags"
    shutil.copytree(SAMPLES / "dags", folder)
    (folder / "torn.py").write_text("def broken(:\n")
    return airflow.read(folder)


@pytest.mark.parametrize("source", ["of_a_crontab", "of_dags"])
def test_a_task_fires_when_its_original_did(source: str, request: pytest.FixtureRequest) -> None:
    converted: Converted = request.getfixturevalue(source)
    assert converted.entries
    for entry in converted.entries:
        if entry.fires:
            fires = list(islice(entry.fires(NOW), 60))
            assert len(fires) >= 3, entry
            assert fires == new_fires(entry, len(fires)), entry


def test_every_line_of_a_crontab_is_a_task_or_refused_with_the_reason(of_a_crontab: Converted) -> None:
    lines = [line for line in (SAMPLES / "crontab").read_text().splitlines() if not line.startswith("#")]
    zones = 1
    assert len(of_a_crontab.entries) + len(of_a_crontab.refused) + zones == len(lines) == 50
    assert dict(of_a_crontab.refused) == {
        "crontab:2": "MAILTO is a variable of cron; handlers have their own environment",
        "crontab:3": "PATH is a variable of cron; handlers have their own environment",
        "crontab:26": "days that are both */2 of the month and 1 of the week: no expression says that",
        "crontab:36": "@reboot is when a machine starts, and there is none",
        "crontab:37": "@sometimes is not what cron knows",
        "crontab:39": "there is no command",
        "crontab:40": "minute: '61' is not within 0-59",
        "crontab:41": "hour: '24' is not within 0-23",
        "crontab:42": "day of the month: '32' is not within 1-31",
        "crontab:43": "month: 'FOO' is not what cron knows",
        "crontab:47": "'Mars/Olympus' is no time zone",
    }
    expressions = {entry.id: entry.expressions for entry in of_a_crontab.entries}
    assert expressions["friday-or-thirteenth"] == ("cron(0 9 13 * ? *)", "cron(0 9 ? * FRI *)")
    assert expressions["backup-2"] == ("cron(30 2 ? * MON-FRI *)",)
    assert expressions["report-2"] == ("cron(0 1 * * ? *)",)
    zones_of = {entry.id: entry.timezone for entry in of_a_crontab.entries}
    assert (zones_of["sync-stock"], zones_of["market-close"]) == ("UTC", "America/New_York")


def test_eventbridge_s_rules_and_schedules_run_what_they_have_run_so_far() -> None:
    converted = eventbridge.read(SAMPLES / "eventbridge.json")
    account = "eu-central-1:123456789012"
    assert {entry.id: (*entry.expressions, entry.arn) for entry in converted.entries} == {
        "orders-changed": (f"arn:aws:lambda:{account}:function:orders",),
        "nightly-report": ("cron(0 2 * * ? *)", f"arn:aws:lambda:{account}:function:report"),
        "two-targets": ("rate(1 hour)", f"arn:aws:lambda:{account}:function:one"),
        "two-targets-2": ("rate(1 hour)", f"arn:aws:states:{account}:stateMachine:two"),
        "morning": ("cron(0 8 ? * MON-FRI *)", f"arn:aws:lambda:{account}:function:morning"),
    }
    by_id = {entry.id: entry for entry in converted.entries}
    assert by_id["nightly-report"].params == {"day": "previous"}
    assert by_id["morning"].params == {"input": "plain text"}
    assert by_id["morning"].timezone == "Europe/Berlin"
    assert [note for note in by_id["morning"].notes if "StartDate" in note or "window" in note]
    refused = {origin.split(": ")[1]: why for origin, why in converted.refused}
    assert by_id["orders-changed"].pattern == {"source": ["shop"]}
    assert refused.keys() == {"StepFunctionsGetEvents", "old", "to-a-queue", "nobody", "impossible", "an-api"}
    assert refused["StepFunctionsGetEvents"] == "it is managed by states.amazonaws.com"
    assert refused["old"] == "it is disabled"


def test_the_rules_and_schedules_of_an_account_are_read(aws: EmbeddedAws) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:report"
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:report"
    aws.client("events").put_rule(Name="nightly", ScheduleExpression="cron(0 2 * * ? *)")
    aws.client("events").put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": arn}])
    aws.client("scheduler").create_schedule(
        Name="morning",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": "arn:aws:iam::123456789012:role/any"},
    )
    converted = eventbridge.of_account(aws.client)
    assert {entry.id: entry.arn for entry in converted.entries} == {"nightly": arn, "morning": machine}


def test_dags_are_known_by_their_sources(of_dags: Converted) -> None:
    found = {entry.id: (entry.expressions, entry.timezone, entry.attempts) for entry in of_dags.entries}
    assert found == {
        "daily_export": (("cron(0 6 * * ? *)",), "UTC", 3),
        "weekly_summary": (("cron(0 0 ? * SUN *)",), "Europe/Amsterdam", None),
        "six_hourly": (("rate(360 minutes)",), "America/New_York", None),
        "close": (("cron(30 16 ? * MON-FRI *)",), "America/New_York", None),
    }
    (export,) = (entry for entry in of_dags.entries if entry.id == "daily_export")
    assert export.command == "DAG daily_export, with BashOperator"
    assert "catchup; `orchestrator backfill` runs slots of the past" in export.notes
    refused = [why for _, why in of_dags.refused]
    for said in (
        "by_hand has no schedule: it is started by hand",
        "once: @once has no slots",
        "on_data: [Dataset('s3://bucket/key')] is no cron expression",
        "workdays: AfterWorkdayTimetable() is no cron expression",
        "seconds: every 0:00:30 is no whole number of minutes",
        "broken_cron: '0 99 * * *': hour: '99' is not within 0-23",
        "its dag_id is worked out when it runs",
        "this is not Python",
    ):
        assert any(one.startswith(said) for one in refused), (said, refused)


@pytest.mark.parametrize(
    ("scheduler", "source", "tasks"),
    [("crontab", "crontab", 39), ("eventbridge", "eventbridge.json", 6), ("airflow", "dags", 5)],
)
def test_the_project_is_valid_and_shows_both_sides(
    scheduler: str,
    source: str,
    tasks: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "shop", str(SAMPLES / source), "--from", scheduler]) == 0
    said = capsys.readouterr().out
    assert "differs" not in said
    assert f"{tasks - 1} tasks, " in said
    assert said.count("refused: ") > 5
    monkeypatch.chdir(tmp_path / "shop")
    assert main(["validate"]) == 0
    assert f"tasks.yaml: {tasks} tasks" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "crontab"], "--from crontab goes with a SOURCE"),
        (["x"], "SOURCE goes with --from"),
        (["nowhere", "--from", "airflow"], "nowhere is no folder"),
        (["torn.json", "--from", "eventbridge"], "this is not JSON"),
        (["other.json", "--from", "eventbridge"], "expected Rules or Schedules"),
        (["nowhere", "--from", "crontab"], "nowhere: No such file"),
        (["torn.json", "--from", "crontab", "--timezone", "Mars"], "Mars"),
    ],
)
def test_what_cannot_be_read_is_said(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("torn.json").write_text("{")
    Path("other.json").write_text(json.dumps([1]))
    assert main(["init", "shop", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("shop").exists()


def test_a_local_time_that_there_is_not_is_left_out_on_both_sides() -> None:
    cron = UnixCron.of("30 2 * * *")
    spring = datetime(2026, 3, 28, tzinfo=UTC)
    fires = list(islice(cron.fires(spring, "Europe/Berlin"), 2))
    schedule = Schedule.of(cron.expressions()[0], "Europe/Berlin")
    first = schedule.next_after(spring)
    assert first is not None
    assert fires == [first, schedule.next_after(first)]


LONG = "example_passing_params_via_a_long_test_command_of_airflow"

AWKWARD = f'''
from airflow import DAG
from airflow.timetables.trigger import CronTriggerTimetable
DAG("{LONG}", schedule="@daily")
DAG("{LONG}_2", schedule="@daily")
DAG("watchdog", schedule="@hourly")
DAG("courier", schedule="@hourly")
DAG("7-eleven", schedule=CronTriggerTimetable("0 1 * * 3", timezone="Europe/Rome"))
DAG("by hand")
DAG("never", schedule="0 0 31 2 *")
DAG("nowhere", schedule=CronTriggerTimetable("0 1 * * 3", timezone="Mars/Olympus"))
'''


def test_whatever_dags_are_called_their_project_is_valid(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "awkward.py").write_text(AWKWARD)
    converted = airflow.read(tmp_path / "dags")
    folder = tmp_path / "shop"
    create(folder, files=files(converted), python=False)
    project = Project(root=folder)
    found = check(project, project.stack(), project.tasks, NOW).declared.tasks
    targets = {task.target.name for task in found}
    assert len(targets) == len(found) == 6
    assert {"task-7-eleven", "courier-2", "watchdog-2", "watchdog"} <= targets
    (rome,) = [entry for entry in converted.entries if entry.id == "7-eleven"]
    assert (rome.expressions, rome.timezone) == (("cron(0 1 ? * WED *)",), "Europe/Rome")
    by_hand, never, nowhere = (why for _, why in converted.refused)
    assert by_hand.startswith("by hand names no schedule: Airflow 3 ")
    assert never.startswith("it never fires: ")
    assert "Mars/Olympus" in nowhere


def test_a_zone_of_commands_moves_no_schedule(tmp_path: Path) -> None:
    (tmp_path / "tab").write_text("TZ=America/New_York\n0 9 * * * work\n0 0 31 2 * never\n")
    converted = crontab.read(tmp_path / "tab", "Europe/Berlin")
    assert [entry.timezone for entry in converted.entries] == ["Europe/Berlin"]
    (zone, never) = converted.refused
    assert zone == ("tab:1", "TZ is the time zone of commands; when they start, CRON_TZ or --timezone says")
    assert never[1].startswith("it never fires: 'cron(0 0 31 2 ? *)'")
