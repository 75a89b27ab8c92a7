"""A pause whose end has come, before the watchdog has removed it: one rule for every command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.outside.running import Running


@pytest.fixture(scope="module")
def over(real: Running) -> Running:
    """A slot has run, and the pause that began after it is over."""
    assert real.orchestrator("start", "pause-over", "--slot", "2026-05-05T08:00:00Z", "--wait").code == 0
    assert real.orchestrator("pause", "pause-over", "--reason", "x", "--until", "1s").code == 0
    real.until(lambda: not real.tasks()["pause-over"]["state"].startswith("paused"))
    return real


def test_the_task_is_shown_as_one_that_runs_nothing_now(over: Running) -> None:
    assert over.tasks()["pause-over"]["state"] == "idle"


def test_it_is_started(over: Running) -> None:
    assert over.orchestrator("start", "pause-over", "--wait").code == 0


def test_a_slot_is_run_again(over: Running) -> None:
    said = over.orchestrator("rerun", "pause-over", "2026-05-05T08:00:00Z", "--wait", "--json")
    assert (said.code, said.err) == (0, "")
    assert [one["status"] for one in said.json] == ["SUCCEEDED"]


def test_slots_of_the_past_are_run(over: Running) -> None:
    said = over.orchestrator("backfill", "pause-over", "--from", "2026-05-06", "--to", "2026-05-06")
    assert said.code == 0, said.err
    assert "1 succeeded, 0 failed." in said.out


def test_while_it_is_on_all_of_them_say_so(real: Running) -> None:
    assert real.orchestrator("pause", "daily", "--reason", "stocktaking").code == 0
    assert real.tasks()["daily"]["state"].endswith(": stocktaking")
    for command in (["rerun", "daily", "2026-05-05T08:00:00Z"], ["backfill", "daily", "--from", "2026-05-06"]):
        said = real.orchestrator(*command)
        assert said.code == 2
        assert "stocktaking" in said.err
    assert real.orchestrator("start", "daily", "--slot", "2026-05-05T08:00:00Z", "--wait").code != 0
    assert real.orchestrator("resume", "daily").code == 0
    assert real.tasks()["daily"]["state"] == "idle"


def test_a_slot_that_was_delivered_in_the_second_in_which_its_pause_began_runs_at_its_end(real: Running) -> None:
    task, slot = "delivered-late", f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:00Z}"
    assert real.orchestrator("pause", task, "--reason", "x", "--on-resume", "all").code == 0
    real.execute({"taskId": task, "scheduledTime": slot, "trigger": "schedule"})
    (run,) = real.runs(task)
    assert (run["status"], run["reason"]) == ("SKIPPED", "paused")
    # To the second, while the run's start has milliseconds.
    real.client("dynamodb").update_item(
        TableName="orchestrator-dev-ScheduledTasks",
        Key={"taskId": {"S": task}},
        UpdateExpression="SET pause.#since = :since",
        ExpressionAttributeNames={"#since": "since"},
        ExpressionAttributeValues={":since": {"S": f"{run['startedAt'][:19]}Z"}},
    )
    assert f"started {slot}" in real.orchestrator("resume", task).out
    real.until(lambda: real.statuses(task).get(slot) == "SUCCEEDED")
    (run,) = real.runs(task)
    assert (run["slot"], run["trigger"]) == (slot, "resume")
    # Nobody is told that it was missed: it was delivered.
    assert [item for item in real.items("Incidents") if task in item.get("affected", {}).get("SS", ())] == []
