"""Schedules: the requests, and which schedules are touched."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.schedule_group import Recorded, SchedulerSettings, Schedules
from orchestrator.tasks.schedule_names import schedule_name, task_of
from orchestrator.tasks.task import TaskSchedule

STACK = Stack()
DAILY = TaskSchedule(expression="cron(0 2 * * ? *)", timezone="Europe/Berlin")
HOURLY = TaskSchedule(expression="rate(1 hour)")
ODD = TaskSchedule(expression="rate(90 minutes)")
NOW = datetime(2035, 12, 1, 11, 30, tzinfo=UTC)
ONCE = TaskSchedule(expression="at(2036-01-01T00:00:00)")


@pytest.fixture
def client(aws: EmbeddedAws) -> Any:
    client = aws.client("scheduler")
    client.create_schedule_group(Name=STACK.schedule_group)
    return client


@pytest.fixture
def settings(client: Any) -> SchedulerSettings:
    prefix = "arn:aws:{}:us-east-1:123456789012"
    return SchedulerSettings(
        state_machine=prefix.format("states") + ":stateMachine:orchestrator-dev-TaskRunner",
        role="arn:aws:iam::123456789012:role/scheduler",
        dead_letter_queue=prefix.format("sqs") + ":orchestrator-dev-SchedulerDlq",
        group=client.get_schedule_group(Name=STACK.schedule_group)["Arn"],
    )


@pytest.fixture
def schedules(client: Any, settings: SchedulerSettings) -> Schedules:
    return Schedules(client, STACK, settings, now=lambda: NOW)


def named(task_id: str, schedule: TaskSchedule) -> tuple[str, str, TaskSchedule]:
    """A task's schedule, as it is written, and its name."""
    return schedule_name(task_id, schedule), task_id, schedule


def get(client: Any, name: str) -> Any:
    return client.get_schedule(GroupName=STACK.schedule_group, Name=name)


def test_a_name_tells_a_tasks_schedules_apart_and_fits_for_the_longest_id() -> None:
    names = {
        schedule_name("x" * 48, schedule)
        for schedule in (DAILY, ONCE, replace(DAILY, timezone="UTC"), replace(DAILY, expression="rate(1 hour)"))
    }
    assert len(names) == 4
    assert {len(name) for name in names} == {57}
    assert {task_of(name) for name in names} == {"x" * 48}


def test_a_schedule_starts_the_runner_with_its_task_and_slot(schedules: Schedules, client: Any) -> None:
    schedules.create(*named("daily", DAILY))
    created = get(client, schedule_name("daily", DAILY))
    assert (created["ScheduleExpression"], created["ScheduleExpressionTimezone"]) == (
        "cron(0 2 * * ? *)",
        "Europe/Berlin",
    )
    target = created["Target"]
    assert target["Arn"] == "arn:aws:scheduler:::aws-sdk:sfn:startExecution"
    start = json.loads(target["Input"])
    assert start["StateMachineArn"].endswith(":stateMachine:orchestrator-dev-TaskRunner")
    assert start["Name"] == "daily-<aws.scheduler.execution-id>"
    assert json.loads(start["Input"]) == {
        "taskId": "daily",
        "scheduledTime": "<aws.scheduler.scheduled-time>",
        "trigger": "schedule",
    }


def test_an_executions_name_has_room_for_a_long_id_of_scheduler_beside_the_longest_task_id(
    schedules: Schedules,
) -> None:
    name = json.loads(schedules.request(*named("x" * 48, DAILY))["Target"]["Input"])["Name"]
    assert len(name.replace("<aws.scheduler.execution-id>", str(uuid.uuid4()))) == 80


def test_every_schedule_says_how_often_it_is_tried_and_where_it_goes_then(schedules: Schedules) -> None:
    for schedule in (DAILY, ONCE):
        target = schedules.request(*named("daily", schedule))["Target"]
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}
        assert target["DeadLetterConfig"]["Arn"].endswith(":orchestrator-dev-SchedulerDlq")


def test_only_a_one_time_schedule_is_deleted_after_it(schedules: Schedules) -> None:
    assert schedules.request(*named("once", ONCE))["ActionAfterCompletion"] == "DELETE"
    assert "ActionAfterCompletion" not in schedules.request(*named("daily", DAILY))


def test_a_rate_that_divides_a_day_is_a_cron_expression_that_everybody_knows_the_slots_of(schedules: Schedules) -> None:
    request = schedules.request(*named("hourly", HOURLY))
    assert (request["ScheduleExpression"], request["ScheduleExpressionTimezone"]) == ("cron(0 * * * ? *)", "UTC")
    assert "StartDate" not in request
    elsewhere = replace(HOURLY, timezone="Asia/Kolkata")
    assert schedules.request(*named("hourly", elsewhere))["ScheduleExpressionTimezone"] == "UTC", (
        "half an hour from there"
    )


def test_any_other_rate_is_pinned_to_whole_periods_since_1970(schedules: Schedules) -> None:
    request = schedules.request(*named("odd", ODD))
    assert (request["ScheduleExpression"], request["StartDate"]) == (
        "rate(90 minutes)",
        datetime(2035, 12, 1, 12, tzinfo=UTC),
    )
    assert "StartDate" not in schedules.request(*named("daily", DAILY))


def test_a_rate_that_is_spread_starts_at_its_place_and_is_another_schedule(schedules: Schedules) -> None:
    placed = replace(HOURLY, spread_minutes=7)
    assert schedules.request(*named("hourly", placed))["ScheduleExpression"] == "cron(7 * * * ? *)"
    assert schedule_name("hourly", placed) != schedule_name("hourly", HOURLY)
    assert schedules.request(*named("odd", replace(ODD, spread_minutes=7)))["StartDate"].minute == 7


def test_the_start_of_a_rate_is_never_in_the_past_when_the_request_arrives(
    client: Any, settings: SchedulerSettings
) -> None:
    late = Schedules(client, STACK, settings, now=lambda: NOW.replace(minute=59, second=30))
    assert late.request(*named("odd", ODD))["StartDate"] == datetime(2035, 12, 1, 13, 30, tzinfo=UTC)


def test_the_name_of_an_execution_has_room_for_a_uuid_and_tells_long_tasks_apart(schedules: Schedules) -> None:
    def name(task_id: str) -> str:
        start = json.loads(schedules.request(*named(task_id, DAILY))["Target"]["Input"])
        return str(start["Name"]).replace("<aws.scheduler.execution-id>", str(uuid.uuid4()))

    assert name("x" * 43).startswith("x" * 43 + "-")
    assert {len(name("x" * length)) for length in (43, 44, 48)} == {80}
    assert name("x" * 47 + "a")[:43] != name("x" * 47 + "b")[:43]


def test_the_time_of_the_last_write_is_recorded_by_the_clock_of_aws(schedules: Schedules) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    schedules.create(*named("daily", DAILY))
    schedules.record()
    written = schedules.recorded().written
    assert written is not None
    assert before <= written <= datetime.now(UTC)
    assert next(iter(schedules.listed().values())).modified < written + timedelta(seconds=1)


def test_the_same_schedule_is_the_same_request(schedules: Schedules) -> None:
    assert schedules.request(*named("daily", DAILY)) == schedules.request(*named("daily", DAILY))


def test_a_schedule_that_is_there_already_is_replaced(schedules: Schedules, client: Any) -> None:
    schedules.create(*named("daily", DAILY))
    name = schedule_name("daily", DAILY)
    client.update_schedule(**(schedules.request(*named("daily", DAILY)) | {"State": "DISABLED"}))
    schedules.create(*named("daily", DAILY))
    assert get(client, name)["State"] == "ENABLED"


def test_an_update_puts_everything_back(schedules: Schedules, client: Any) -> None:
    schedules.create(*named("daily", DAILY))
    name = schedule_name("daily", DAILY)
    before = get(client, name)
    request = schedules.request(*named("daily", DAILY))
    bare = {"Arn": request["Target"]["Arn"], "RoleArn": request["Target"]["RoleArn"], "Input": "{}"}
    client.update_schedule(**(request | {"Target": bare, "Description": "by hand"}))
    schedules.update(*named("daily", DAILY))
    after = get(client, name)
    for field in ("Target", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "State"):
        assert after[field] == before[field]


def test_an_update_of_a_schedule_that_is_gone_creates_it_unless_it_has_fired(schedules: Schedules) -> None:
    schedules.update(*named("daily", DAILY))
    schedules.update(*named("once", ONCE))
    assert {name: one.enabled for name, one in schedules.listed().items()} == {schedule_name("daily", DAILY): True}


def test_a_deleted_schedule_is_gone_and_can_be_deleted_again(schedules: Schedules) -> None:
    schedules.create(*named("daily", DAILY))
    schedules.delete(schedule_name("daily", DAILY))
    schedules.delete(schedule_name("daily", DAILY))
    assert schedules.listed() == {}


def test_schedules_are_listed_over_pages_and_only_those_of_the_group(schedules: Schedules, client: Any) -> None:
    for number in range(60):
        schedules.create(*named(f"task-{number}", DAILY))
    client.create_schedule(**(schedules.request(*named("elsewhere", DAILY)) | {"GroupName": "default"}))
    client.update_schedule(**(schedules.request(*named("task-7", DAILY)) | {"State": "DISABLED"}))
    found = schedules.listed()
    assert len(found) == 60
    assert [name for name, one in found.items() if not one.enabled] == [schedule_name("task-7", DAILY)]


def test_a_schedule_of_a_short_task_starts_the_express_twin_under_another_name(
    schedules: Schedules, client: Any, settings: SchedulerSettings
) -> None:
    both = Schedules(client, STACK, replace(settings, express_state_machine="arn:express:live"), now=lambda: NOW)
    short = replace(DAILY, express=True)
    started = [json.loads(both.request("n", "daily", one)["Target"]["Input"]) for one in (DAILY, short)]
    assert [one["StateMachineArn"] for one in started] == [settings.state_machine, "arn:express:live"]
    assert schedule_name("daily", short) != schedule_name("daily", DAILY)
    assert both.fingerprint != schedules.fingerprint


def test_the_fingerprint_changes_with_what_all_schedules_have_in_common(
    schedules: Schedules, client: Any, settings: SchedulerSettings
) -> None:
    others = [replace(settings, role="arn:x"), replace(settings, state_machine="arn:x"), replace(settings, dead_letter_queue="arn:x")]  # fmt: skip # noqa: E501
    found = {Schedules(client, STACK, other).fingerprint for other in others} | {schedules.fingerprint}
    assert len(found) == 4


def test_the_fingerprint_is_recorded_with_the_group(
    schedules: Schedules, client: Any, settings: SchedulerSettings
) -> None:
    assert schedules.recorded() == Recorded()
    schedules.record()
    assert schedules.recorded().fingerprint == schedules.fingerprint
    assert schedules.recorded().fingerprint != Schedules(client, STACK, replace(settings, role="arn:x")).fingerprint


def test_an_update_of_a_rate_leaves_out_no_slot(client: Any, schedules: Schedules, settings: SchedulerSettings) -> None:
    schedules.create(*named("odd", ODD))
    slot = schedules.request(*named("odd", ODD))["StartDate"]
    later = Schedules(client, STACK, settings, now=lambda: slot - timedelta(seconds=30))
    later.update(*named("odd", ODD))
    assert get(client, schedule_name("odd", ODD))["StartDate"] == slot
    assert later.request(*named("odd", ODD))["StartDate"] == slot + timedelta(minutes=90)


@pytest.mark.parametrize("schedule", [DAILY, HOURLY, ODD])
def test_a_window_is_in_the_request_and_in_the_name(schedules: Schedules, client: Any, schedule: TaskSchedule) -> None:
    window = replace(schedule, start="2036-01-01T00:00:00Z", end="2036-02-01T00:00:00Z")
    schedules.create(*named("t", window))
    made = get(client, schedule_name("t", window))
    assert made["StartDate"] >= datetime(2036, 1, 1, tzinfo=UTC)
    assert made["StartDate"] < datetime(2036, 1, 1, 1, 30, tzinfo=UTC)
    assert made["EndDate"] == datetime(2036, 2, 1, tzinfo=UTC)
    assert schedules.edits(*named("t", window)) == ()
    assert schedule_name("t", window) != schedule_name("t", schedule)


def test_a_start_that_has_passed_is_not_asked_for(schedules: Schedules) -> None:
    begun = replace(DAILY, start="2035-01-01T00:00:00Z")
    assert "StartDate" not in schedules.request(*named("t", begun))
