"""A plan sees what others have done to our schedules."""

from __future__ import annotations

import json

from tests.outside.running import Running

GROUP = ("--group-name", "orchestrator-dev")


def test_an_expression_that_was_edited_by_hand_and_a_foreign_schedule_are_seen(real: Running) -> None:
    assert real.deploy("plan").code == 0
    listed = real.aws("scheduler", "list-schedules", *GROUP)["Schedules"]
    (name,) = [one["Name"] for one in listed if one["Name"].startswith("edited-")]
    schedule = real.aws("scheduler", "get-schedule", *GROUP, "--name", name)
    target, window = json.dumps(schedule["Target"]), json.dumps(schedule["FlexibleTimeWindow"])
    given = (*GROUP, "--target", target, "--flexible-time-window", window, "--description", schedule["Description"])
    real.aws("scheduler", "update-schedule", "--name", name, *given, "--schedule-expression", "cron(0 9 * * ? *)")
    real.aws("scheduler", "create-schedule", "--name", "foreign", *given, "--schedule-expression", "rate(1 day)")
    said = real.deploy("plan")
    assert said.code == 2
    assert name in said.out or "edited" in said.out
    assert "foreign" in said.out
