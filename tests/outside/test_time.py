"""A stack whose clock is virtual: every command goes by the stack's time and not by this machine's."""

from __future__ import annotations

import json

from tests.outside.conftest import BEGIN
from tests.outside.running import Running

TODAY = BEGIN[:10]


def test_next_is_the_stacks_next_slot(virtual: Running) -> None:
    assert virtual.tasks()["daily"]["next"] == f"{TODAY}T08:00:00Z"


def test_a_pause_for_two_hours_ends_two_hours_later_by_the_stacks_clock(virtual: Running) -> None:
    assert virtual.orchestrator("pause", "paused", "--reason", "x", "--until", "2h").code == 0
    state = virtual.tasks()["paused"]["state"]
    assert state.startswith(f"paused until {TODAY}T09:3")
    assert virtual.orchestrator("rerun", "paused", f"{TODAY}T07:00:00Z").code == 2
    assert virtual.orchestrator("resume", "paused").out.startswith("Resumed paused")


def test_a_backfill_up_to_the_stacks_now_is_none_of_the_future(virtual: Running) -> None:
    said = virtual.orchestrator(
        "backfill", "daily", "--from", "2021-05-03", "--to", "2021-05-04", "--dry-run", "--json"
    )
    assert (said.code, said.err) == (0, "")
    assert [one["slot"] for one in said.json] == ["2021-05-03T08:00:00Z", "2021-05-04T08:00:00Z"]
    refused = virtual.orchestrator("backfill", "daily", "--from", TODAY, "--to", f"{TODAY}T08:00:00Z", "--dry-run")
    assert refused.code == 2
    assert "08:00:00Z" in refused.err


def test_the_ledger_is_verified_up_to_the_stacks_now(virtual: Running) -> None:
    said = virtual.orchestrator("ledger", "verify", "daily", "--from", TODAY)
    assert "no slot" in said.err.lower()
    assert said.code != 0


def test_a_slot_that_could_not_be_started_has_failed_by_the_stacks_clock(virtual: Running) -> None:
    sqs = virtual.client("sqs")
    url = sqs.get_queue_url(QueueName="orchestrator-dev-SchedulerDlq")["QueueUrl"]
    start = {"Input": json.dumps({"taskId": "daily", "scheduledTime": f"{TODAY}T06:00:00Z"})}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(start))
    (found,) = virtual.until(lambda: virtual.orchestrator("failed", "--json").json)
    assert found["failedAt"].startswith(TODAY)


def test_a_watchdog_that_is_started_by_hand_misses_no_slot_that_is_yet_to_come(virtual: Running) -> None:
    # What one look suspects the second would record.
    for _ in range(2):
        assert virtual.orchestrator("start", "watchdog", "--wait").code == 0
    assert [run["slot"] for run in virtual.runs("daily") if run["slot"] > BEGIN] == []
