"""What Scheduler refuses, and what it sets by itself: constraints of its API reference, and LocalStack's recordings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto.scheduler.exceptions import ValidationException

from orchestrator.local.aws.scheduler.delivery import UNIVERSAL_TARGET
from orchestrator.local.aws.scheduler.parameters import check, complete
from orchestrator.local.aws.server import EmbeddedAws

if TYPE_CHECKING:
    from types_boto3_scheduler.type_defs import TargetTypeDef

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/r"
TARGET: TargetTypeDef = {"Arn": UNIVERSAL_TARGET, "RoleArn": ROLE, "Input": "{}"}
REQUEST: dict[str, Any] = {
    "name": "s",
    "schedule_expression": "rate(1 hour)",
    "schedule_expression_timezone": None,
    "start_date": None,
    "end_date": None,
    "state": None,
    "flexible_time_window": {"Mode": "OFF"},
    "target": complete(TARGET),
}


def target(**more: Any) -> dict[str, Any]:
    return {"target": complete({**TARGET, **more})}


def retry(**policy: int) -> dict[str, Any]:
    return target(RetryPolicy=policy)


def window(**of: Any) -> dict[str, Any]:
    return {"flexible_time_window": of}


@pytest.mark.parametrize(
    "taken",
    [
        {},
        {"name": "a-b_c.D9" * 8},
        {"schedule_expression": "at(2026-12-31T00:00:00)", "schedule_expression_timezone": "Europe/Berlin"},
        {"schedule_expression": "cron(0 8 ? * MON-FRI *)"},
        {"start_date": NOW.timestamp() - 299},
        {"start_date": NOW.timestamp() + 60, "end_date": NOW.timestamp() + 61},
        {"schedule_expression": "at(2030-01-01T00:00:00)", "start_date": 0, "end_date": 0},
        retry(MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60),
        retry(MaximumRetryAttempts=185, MaximumEventAgeInSeconds=86_400),
        window(Mode="FLEXIBLE", MaximumWindowInMinutes=1440),
        target(DeadLetterConfig={"Arn": "arn:aws:sqs:eu-west-1:123456789012:q"}),
    ],
)
def test_what_is_taken(taken: dict[str, Any]) -> None:
    check({**REQUEST, **taken}, NOW)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "x" * 65}, "Invalid schedule name"),
        ({"name": "task\n"}, "Invalid schedule name"),
        ({"name": "ä"}, "Invalid schedule name"),
        # LocalStack: tests/aws/services/scheduler/test_scheduler.snapshot.json
        *(
            ({"schedule_expression": expression}, f"Invalid Schedule Expression {expression}.")
            for expression in (
                " rate(10 minutes)",
                "at(2021-12-31)",
                "at(2021-12-31T23:59:59Z)",
                "cron()",
                "cron(0 1 * * * *)",
                "cron(0 dummy ? * MON-FRI *)",
                "cron(7 20 * * NOT *)",
                "cron(71 8 1 * ? *)",
                "cron(INVALID)",
                "rate( 10 minutes )",
                "rate()",
                "rate(-10 minutes)",
                "rate(10 minutess)",
                "rate(10 seconds)",
                "rate(10 years)",
                "rate(10)",
                "rate(foo minutes)",
            )
        ),
        ({"schedule_expression_timezone": "Mars/Olympus"}, "Provided Timezone is invalid."),
        ({"start_date": NOW.timestamp() - 301}, "The StartDate you specify cannot be earlier than 5 minutes ago."),
        ({"end_date": NOW.timestamp()}, "EndDate"),
        ({"start_date": NOW.timestamp() + 60, "end_date": NOW.timestamp() + 60}, "EndDate"),
        ({"state": "PAUSED"}, "at 'state' failed to satisfy constraint"),
        (retry(MaximumRetryAttempts=186), "at 'target.retryPolicy.maximumRetryAttempts' failed to satisfy constraint"),
        (retry(MaximumEventAgeInSeconds=59), "Member must have value greater than or equal to 60"),
        (retry(MaximumEventAgeInSeconds=86_401), "Member must have value less than or equal to 86400"),
        (window(Mode="FLEXIBLE"), "MaximumWindowInMinutes"),
        (window(Mode="FLEXIBLE", MaximumWindowInMinutes=1441), "Member must have value less than or equal to 1440"),
        (window(Mode="OFF", MaximumWindowInMinutes=5), "MaximumWindowInMinutes"),
        (window(Mode="SOMETIMES"), "at 'flexibleTimeWindow.mode' failed to satisfy constraint"),
        (target(RoleArn="role"), "at 'target.roleArn' failed to satisfy constraint"),
        (
            target(DeadLetterConfig={"Arn": "arn:aws:sns:us-east-1:123456789012:t"}),
            "at 'target.deadLetterConfig.arn' failed to satisfy constraint",
        ),
        (target(Arn="arn:aws:sqs:us-east-1:123456789012:q"), "delivers to state machines and functions only"),
        (target(Input="{"), "Invalid RequestJson provided. Reason: JSON is not well-formed"),
    ],
)
def test_what_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationException) as refused:
        check({**REQUEST, **wrong}, NOW)
    assert said in refused.value.message


def create(aws: EmbeddedAws, name: str = "s", **more: Any) -> Any:
    base = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": TARGET}
    return aws.client("scheduler").create_schedule(Name=name, **{**base, **more})


def test_the_rest_of_a_retry_policy_is_the_default(aws: EmbeddedAws) -> None:
    create(aws, Target={**TARGET, "RetryPolicy": {"MaximumRetryAttempts": 1}})
    policy = aws.client("scheduler").get_schedule(Name="s")["Target"]["RetryPolicy"]
    assert policy == {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 86_400}


def test_an_update_resets_what_it_leaves_out(aws: EmbeddedAws) -> None:
    """Source: UpdateSchedule: "that field will be set to its system-default value after the update"."""
    create(
        aws,
        Description="d",
        State="DISABLED",
        ScheduleExpressionTimezone="Europe/Berlin",
        EndDate=datetime(2099, 1, 1, tzinfo=UTC),
        ActionAfterCompletion="DELETE",
    )
    client = aws.client("scheduler")
    client.update_schedule(
        Name="s", ScheduleExpression="rate(2 hours)", FlexibleTimeWindow={"Mode": "OFF"}, Target=TARGET
    )
    schedule = client.get_schedule(Name="s")
    assert (schedule["State"], schedule["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
    assert not schedule.keys() & {"Description", "EndDate"}
    assert schedule.get("ActionAfterCompletion", "NONE") == "NONE"


def test_a_request_that_is_sent_again_with_its_token_is_answered_as_before(aws: EmbeddedAws) -> None:
    first, again = (create(aws, ClientToken="t" * 32)["ScheduleArn"] for _ in range(2))
    assert first == again
    with pytest.raises(ClientError, match="Schedule s already exists"):
        create(aws, ClientToken="u" * 32)
    with pytest.raises(ClientError, match="Schedule s already exists"):
        create(aws, ClientToken="t" * 32, Description="another")


REFUSED: Any = [
    ("create_schedule_group", {"Name": "g"}, "ConflictException", "Schedule group g already exists."),
    ("delete_schedule_group", {"Name": "none"}, "ResourceNotFoundException", "Schedule group none does not exist."),
    ("delete_schedule_group", {"Name": "default"}, "ValidationException", "The default schedule group"),
    ("get_schedule", {"Name": "none"}, "ResourceNotFoundException", "Schedule none does not exist."),
    ("list_schedules", {"GroupName": "none"}, "ResourceNotFoundException", "Schedule group none does not exist."),
    ("list_schedules", {"MaxResults": 101}, "ValidationException", "less than or equal to 100"),
]


@pytest.mark.parametrize(("request_", "given", "code", "said"), REFUSED)
def test_what_is_not_there_and_what_is(
    aws: EmbeddedAws, request_: str, given: dict[str, Any], code: str, said: str
) -> None:
    client = aws.client("scheduler")
    client.create_schedule_group(Name="g")
    with pytest.raises(ClientError) as refused:
        getattr(client, request_)(**given)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert said in error["Message"]


def test_a_schedule_needs_its_group(aws: EmbeddedAws) -> None:
    with pytest.raises(ClientError, match="Schedule group none does not exist"):
        create(aws, GroupName="none")


def test_with_a_group_go_its_schedules(aws: EmbeddedAws) -> None:
    """Source: DeleteScheduleGroup: "all the schedules associated with the schedule group are deleted"."""
    client = aws.client("scheduler")
    client.create_schedule_group(Name="g")
    create(aws, GroupName="g")
    client.delete_schedule_group(Name="g")
    assert aws.scheduler.upcoming() == []


def names(answer: Any) -> list[str]:
    return [one["Name"] for one in answer["Schedules"]]


def test_schedules_are_listed_in_pages_by_group_prefix_and_state(aws: EmbeddedAws) -> None:
    """Source: ListSchedules: GroupName, MaxResults, NamePrefix, NextToken, State."""
    client = aws.client("scheduler")
    client.create_schedule_group(Name="g")
    for name in ("a-1", "a-2", "a-3", "b-1"):
        create(aws, name)
    create(aws, "a-9", GroupName="g", State="DISABLED")
    paginator: Any = client.get_paginator("list_schedules")
    pages = paginator.paginate(NamePrefix="a-", GroupName="default", MaxResults=2)
    assert [names(page) for page in pages] == [["a-1", "a-2"], ["a-3"]]
    assert names(client.list_schedules(State="DISABLED")) == ["a-9"]
    assert names(client.list_schedules(GroupName="g")) == ["a-9"]
    assert "ScheduleExpression" not in client.list_schedules()["Schedules"][0]


MISSING: Any = [
    (
        "update_schedule",
        {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": TARGET},
    ),
    ("delete_schedule", {}),
    ("get_schedule", {"GroupName": "default"}),
]


@pytest.mark.parametrize(("request_", "more"), MISSING)
def test_a_schedule_that_is_not_there_is_not_found(aws: EmbeddedAws, request_: str, more: dict[str, Any]) -> None:
    """Source: UpdateSchedule, DeleteSchedule, GetSchedule: ResourceNotFoundException."""
    with pytest.raises(ClientError) as refused:
        getattr(aws.client("scheduler"), request_)(Name="none", **more)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ResourceNotFoundException", "Schedule none does not exist.")
