"""`orchestrator local --state DIR`: killed in the midst of runs, it begins again with all that was said to be done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.outside.running import Running


def test_what_was_said_to_be_done_is_there_after_a_kill(real: Running) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S")
    for slot in ("2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z"):
        assert real.orchestrator("start", "kept", "--slot", slot, "--wait").code == 0
    assert real.orchestrator("pause", "kept", "--reason", "stocktaking").code == 0
    s3 = real.client("s3")
    bucket = next(one["Name"] for one in s3.list_buckets()["Buckets"] if "-data-" in one["Name"])
    s3.put_object(Bucket=bucket, Key="mine/a.csv", Body=b"1,2", ContentType="text/csv")
    s3.put_object(Bucket=bucket, Key="mine/b.csv", Body=b"gone")
    s3.delete_object(Bucket=bucket, Key="mine/b.csv")
    scheduler = real.client("scheduler")
    (known, *_) = scheduler.list_schedules(GroupName="orchestrator-dev")["Schedules"]
    request = scheduler.get_schedule(GroupName="orchestrator-dev", Name=known["Name"])
    once = {name: request[name] for name in ("FlexibleTimeWindow", "Target")}
    scheduler.create_schedule(Name="mine", ScheduleExpression=f"at({later})", GroupName="orchestrator-dev", **once)
    assert real.orchestrator("start", "lost", "--slot", "2026-11-22T08:00:00Z").code == 0
    real.until(lambda: real.statuses("lost") == {"2026-11-22T08:00:00Z": "RUNNING"})
    # The watchdog looks at no run that has just begun.
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    real.client("dynamodb").update_item(
        TableName="orchestrator-dev-TaskRuns",
        Key={"taskId": {"S": "lost"}, "slot": {"S": "2026-11-22T08:00:00Z"}},
        UpdateExpression="SET startedAt = :then",
        ExpressionAttributeValues={":then": {"S": an_hour_ago}},
    )
    before = real.rows()
    its = [status for (task, _), status in before.items() if task in ("kept", "lost")]
    assert sorted(its) == ["RUNNING", "SUCCEEDED", "SUCCEEDED"]
    real.kill()
    real.begin()
    # Other rows are there, too; what was at work for another test may have ended before all was killed.
    told = {row: status for row, status in before.items() if status != "RUNNING" or row[0] == "lost"}
    after = real.rows()
    assert {row: after.get(row) for row in told} == told
    assert real.tasks()["kept"]["state"].endswith("stocktaking")
    found = s3.get_object(Bucket=bucket, Key="mine/a.csv")
    assert (found["Body"].read(), found["ContentType"]) == (b"1,2", "text/csv")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="mine/")["Contents"]] == ["mine/a.csv"]
    schedule = scheduler.get_schedule(GroupName="orchestrator-dev", Name="mine")
    assert schedule["ScheduleExpression"] == f"at({later})"
    # Nobody runs what was running: the watchdog's rule closes it.
    assert real.orchestrator("start", "watchdog", "--wait").code == 0
    (row,) = real.runs("lost")
    assert (row["status"], row.get("error")) == ("ABORTED", "ExecutionLost")
    assert real.orchestrator("rerun", "kept", "2026-11-20T08:00:00Z").code == 2, "it is still paused"
    scheduler.delete_schedule(GroupName="orchestrator-dev", Name="mine")
