"""Slots and those who start them by hand: nothing that never ran takes a slot from its schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.outside.running import Running

TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}T08:00:00Z"


def test_an_input_that_is_refused_leaves_the_slot_to_its_schedule(real: Running) -> None:
    refused = real.execute({"taskId": "refused", "scheduledTime": TOMORROW, "params": None})
    assert refused["status"] == "FAILED"
    assert TOMORROW not in real.statuses("refused")
    delivered = real.execute({"taskId": "refused", "scheduledTime": TOMORROW, "trigger": "schedule"})
    assert delivered["status"] == "SUCCEEDED"
    assert real.statuses("refused")[TOMORROW] == "SUCCEEDED"


def test_a_slot_that_is_yet_to_come_is_not_started_by_hand_unless_forced(real: Running) -> None:
    refused = real.orchestrator("start", "by-hand", "--slot", TOMORROW)
    assert refused.code == 2
    assert "still to come" in refused.err
    assert TOMORROW not in real.statuses("by-hand")
    forced = real.orchestrator("start", "by-hand", "--slot", TOMORROW, "--force", "--wait", "--json")
    assert [one["trigger"] for one in forced.json] == ["ad hoc"]


def test_a_slot_that_has_run_is_not_started_and_that_is_said(real: Running) -> None:
    start = ("start", "by-hand", "--slot", "2026-05-05T08:00:00Z", "--wait", "--json")
    assert real.orchestrator(*start).code == 0
    again = real.orchestrator(*start)
    assert again.code == 2
    assert "nothing was started" in again.err


def test_digits_of_other_scripts_are_no_digits(real: Running) -> None:
    slot = "٢٠٢٧-05-02T00:00:00Z"
    assert real.execute({"taskId": "digits", "scheduledTime": slot})["status"] == "FAILED"
    assert slot not in real.statuses("digits")


def test_a_task_id_ends_where_it_ends(real: Running) -> None:
    assert real.execute({"taskId": "digits\n"})["status"] == "FAILED"
    assert "digits\n" not in {item["taskId"]["S"] for item in real.items("TaskRuns")}
