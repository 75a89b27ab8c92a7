"""`orchestrator local --state DIR`: killed in the midst of runs, it begins again with all that was said to be done."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.outside.running import Running, running

TASKS = """
tasks:
  quick: {run: lambda/warm, schedule: cron(0 8 * * ? *)}
  hung: {run: lambda/act, params: {seconds: 200}, timeout: 5m}
  watchdog: {run: lambda/watchdog, schedule: rate(1 day), retry: false}
"""


def rows(up: Running) -> dict[tuple[str, str], str]:
    said = up.orchestrator("runs", "--limit", "1000", "--json")
    assert said.code == 0, said.err
    return {(row["taskId"], row["slot"]): row["status"] for row in said.json}


def test_what_was_said_to_be_done_is_there_after_a_kill(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    later = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S")
    with running(TASKS, "--state", state) as up:
        for slot in ("2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z"):
            assert up.orchestrator("start", "quick", "--slot", slot, "--wait").code == 0
        assert up.orchestrator("pause", "quick", "--reason", "stocktaking").code == 0
        bucket = next(one["Name"] for one in up.client("s3").list_buckets()["Buckets"] if "-data-" in one["Name"])
        up.client("s3").put_object(Bucket=bucket, Key="mine/a.csv", Body=b"1,2", ContentType="text/csv")
        up.client("s3").put_object(Bucket=bucket, Key="mine/b.csv", Body=b"gone")
        up.client("s3").delete_object(Bucket=bucket, Key="mine/b.csv")
        scheduler = up.client("scheduler")
        (known, *_) = scheduler.list_schedules(GroupName="orchestrator-dev")["Schedules"]
        request = scheduler.get_schedule(GroupName="orchestrator-dev", Name=known["Name"])
        once = {name: request[name] for name in ("FlexibleTimeWindow", "Target")}
        scheduler.create_schedule(Name="mine", ScheduleExpression=f"at({later})", GroupName="orchestrator-dev", **once)
        assert up.orchestrator("start", "hung", "--slot", "2026-11-22T08:00:00Z").code == 0
        up.until(lambda: "RUNNING" in rows(up).values())
        # The watchdog looks at no run that has just begun.
        an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        up.client("dynamodb").update_item(
            TableName="orchestrator-dev-TaskRuns",
            Key={"taskId": {"S": "hung"}, "slot": {"S": "2026-11-22T08:00:00Z"}},
            UpdateExpression="SET startedAt = :then",
            ExpressionAttributeValues={":then": {"S": an_hour_ago}},
        )
        before = rows(up)
        up.process.kill()
        up.process.wait(20)
    assert sorted(before.values()) == ["RUNNING", "SUCCEEDED", "SUCCEEDED"]
    with running(TASKS, "--state", state) as up:
        assert rows(up) == before
        assert up.tasks()["quick"]["state"].endswith("stocktaking")
        s3 = up.client("s3")
        found = s3.get_object(Bucket=bucket, Key="mine/a.csv")
        assert (found["Body"].read(), found["ContentType"]) == (b"1,2", "text/csv")
        assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="mine/")["Contents"]] == ["mine/a.csv"]
        kept = up.client("scheduler").get_schedule(GroupName="orchestrator-dev", Name="mine")
        assert kept["ScheduleExpression"] == f"at({later})"
        # Nobody runs what was running: the watchdog's rule closes it.
        assert up.orchestrator("start", "watchdog", "--wait").code == 0
        (row,) = up.runs("hung")
        assert (row["status"], row.get("error")) == ("ABORTED", "ExecutionLost")
        assert up.orchestrator("rerun", "quick", "2026-11-20T08:00:00Z").code == 2, "it is still paused"


@pytest.mark.proof
def test_killed_again_and_again_it_loses_no_row(tmp_path: Path) -> None:
    state, known = str(tmp_path / "state"), dict[tuple[str, str], str]()
    for number, seconds in enumerate((0.1, 0.7, 1.9, 0.3)):
        with running(TASKS, "--state", state) as up:
            now = rows(up)
            assert {row: status for row, status in known.items() if now.get(row) != status} == {}
            runner = up.task_runner
            for slot in range(10):
                start = {"taskId": "quick", "scheduledTime": f"2026-11-2{number}T08:00:{slot:02}Z"}
                up.client("stepfunctions").start_execution(stateMachineArn=runner, input=json.dumps(start))
            time.sleep(seconds)
            # What a reader was told; a run may have ended since.
            known |= {row: status for row, status in rows(up).items() if status != "RUNNING"}
            up.process.kill()
            up.process.wait(20)
    assert known
