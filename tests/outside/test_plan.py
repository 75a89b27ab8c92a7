"""A plan sees what others have done to our schedules."""

from __future__ import annotations

from tests.outside.running import Running

GROUP = "orchestrator-dev"


def test_an_expression_that_was_edited_by_hand_and_a_foreign_schedule_are_seen(real: Running) -> None:
    assert real.orchestrator("plan").code == 0
    scheduler = real.client("scheduler")
    listed = scheduler.list_schedules(GroupName=GROUP)["Schedules"]
    (name,) = [one["Name"] for one in listed if one["Name"].startswith("edited-")]
    schedule = scheduler.get_schedule(GroupName=GROUP, Name=name)
    given = {field: schedule[field] for field in ("GroupName", "Target", "FlexibleTimeWindow", "Description")}
    scheduler.update_schedule(Name=name, ScheduleExpression="cron(0 9 * * ? *)", **given)
    scheduler.create_schedule(Name="foreign", ScheduleExpression="rate(1 day)", **given)
    said = real.orchestrator("plan")
    assert said.code == 2
    assert name in said.out or "edited" in said.out
    assert "foreign" in said.out
