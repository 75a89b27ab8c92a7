"""moto never fires a schedule: here they fire at their slots, are retried, and end in the dead-letter queue."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import Clock, RealClock, VirtualClock
from orchestrator.local.aws.scheduler.delivery import Delivery
from orchestrator.local.aws.server import EmbeddedAws

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

START = datetime(2026, 11, 30, tzinfo=UTC)
ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}}
RUNNER = "arn:aws:states:us-east-1:123456789012:stateMachine:runner"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:dlq"
STATEMENTS = [
    {"Effect": "Allow", "Action": "states:StartExecution", "Resource": RUNNER},
    {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE},
]


class Day:
    """A fast day in which schedules fire, and what was delivered in it."""

    def __init__(self, aws: EmbeddedAws, clock: Clock) -> None:
        self.aws = aws
        self.clock = clock
        self.deliveries: list[Delivery] = []
        self.role = aws.client("iam").create_role(RoleName="scheduler", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        self.permit(STATEMENTS)
        self.queue = aws.client("sqs").create_queue(QueueName="dlq")["QueueUrl"]
        aws.client("stepfunctions").create_state_machine(name="runner", definition=json.dumps(ECHO), roleArn=self.role)
        aws.scheduler.listeners.append(self.deliveries.append)

    def permit(self, statements: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.aws.client("iam").put_role_policy(RoleName="scheduler", PolicyName="p", PolicyDocument=document)

    def schedule(self, expression: str, name: str = "s", runner: str = RUNNER, **options: Any) -> None:
        start = {
            "StateMachineArn": runner,
            "Name": "s-<aws.scheduler.execution-id>",
            "Input": json.dumps(
                {"slot": "<aws.scheduler.scheduled-time>", "attempt": "<aws.scheduler.attempt-number>"}
            ),
        }
        target = {
            "Arn": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
            "RoleArn": self.role,
            "Input": json.dumps(start),
            "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": QUEUE},
        }
        request = {"FlexibleTimeWindow": {"Mode": "OFF"}, "ScheduleExpression": expression, "Target": target}
        self.aws.client("scheduler").create_schedule(Name=name, **request | options)

    def passes(self, hours: float) -> list[str]:
        """The slots delivered in so many hours."""
        self.clock.sleep(hours * 3600, resting=True)
        return [delivery.slot.strftime("%dT%H:%M") for delivery in self.deliveries]

    def dead_letters(self) -> list[MessageTypeDef]:
        answer = self.aws.client("sqs").receive_message(QueueUrl=self.queue, MessageAttributeNames=["All"])
        return list(answer.get("Messages", []))


@pytest.fixture
def day(aws: EmbeddedAws) -> Iterator[Day]:
    clock = VirtualClock(START, speed=200_000)
    with clock.busy(), aws.on(clock):
        yield Day(aws, clock)


def test_a_schedule_fires_at_its_slots(day: Day) -> None:
    day.schedule("cron(0 8,12 * * ? *)")
    assert day.passes(24) == ["30T08:00", "30T12:00"]


def test_a_schedule_fires_on_the_clock_of_its_time_zone(day: Day) -> None:
    day.schedule("cron(0 8 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    assert day.passes(24) == ["30T07:00"]


def test_a_rate_begins_at_once(day: Day) -> None:
    day.schedule("rate(6 hours)")
    assert day.passes(13) == ["30T00:00", "30T06:00", "30T12:00"]


class Slept(RealClock):
    """The clock of a machine that may have slept."""

    lost = timedelta()

    def now(self) -> datetime:
        return super().now() + self.lost


def test_a_machine_that_slept_delivers_once_each_what_was_due_meanwhile(aws: EmbeddedAws) -> None:
    with aws.on(clock := Slept()):
        day = Day(aws, clock)
        begun = threading.Semaphore(0)
        aws.scheduler.listeners.append(lambda delivery: begun.release())
        day.schedule("rate(1 minute)")
        assert begun.acquire(timeout=30)
        clock.lost = timedelta(minutes=3)
        # Whoever wakes looks at what is due now.
        day.schedule("cron(0 8 1 1 ? 2199)", name="later")
        for _ in range(3):
            assert begun.acquire(timeout=30)
        slots = [delivery.slot for delivery in day.deliveries]
    assert [after - before for before, after in pairwise(slots)] == [timedelta(minutes=1)] * 3


def test_context_attributes_are_filled_in(day: Day) -> None:
    day.schedule("cron(0 8 * * ? *)")
    day.passes(9)
    described = day.aws.client("stepfunctions").describe_execution(executionArn=day.deliveries[0].execution_arn or "")
    assert json.loads(described["input"]) == {"slot": "2026-11-30T08:00:00Z", "attempt": "1"}
    assert described["name"].startswith("s-")
    assert described["startDate"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") == "2026-11-30T08:00:00"


def test_a_one_time_schedule_deletes_itself(day: Day) -> None:
    day.schedule("at(2026-11-30T05:00:00)", ActionAfterCompletion="DELETE")
    assert day.passes(24) == ["30T05:00"]
    assert day.aws.client("scheduler").list_schedules()["Schedules"] == []


def test_a_disabled_schedule_does_not_fire_and_one_that_is_deleted_no_longer(day: Day) -> None:
    day.schedule("cron(0 * * * ? *)", name="off", State="DISABLED")
    day.schedule("cron(0 * * * ? *)", name="on")
    day.passes(2.5)
    day.aws.client("scheduler").delete_schedule(Name="on")
    assert day.passes(5) == ["30T01:00", "30T02:00"]


def test_an_update_counts_from_now_on(day: Day) -> None:
    day.schedule("cron(0 12 * * ? *)")
    schedule = day.aws.client("scheduler").get_schedule(Name="s")
    request: Any = {name: schedule[name] for name in ("Name", "FlexibleTimeWindow", "Target")}
    day.aws.client("scheduler").update_schedule(**request, ScheduleExpression="cron(0 3 * * ? *)")
    assert day.passes(24) == ["30T03:00"]


def test_a_delivery_that_can_never_succeed_goes_to_the_dead_letter_queue_at_once(day: Day) -> None:
    day.schedule("cron(0 8 * * ? *)", runner=RUNNER + "-that-is-gone")
    day.permit([{**STATEMENTS[0], "Resource": "*"}, STATEMENTS[1]])
    day.passes(8.1)
    (letter,) = day.dead_letters()
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes.pop("EXECUTION_ID")
    assert "State Machine Does Not Exist" in attributes.pop("ERROR_MESSAGE")
    assert attributes == {
        "ERROR_CODE": "StateMachineDoesNotExist",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": "2026-11-30T08:00:00Z",
        "SCHEDULE_ARN": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s",
        "TARGET_ARN": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
    }
    assert json.loads(letter["Body"])["StateMachineArn"] == RUNNER + "-that-is-gone"


def test_a_role_that_may_not_start_the_execution_is_refused(day: Day) -> None:
    day.permit([STATEMENTS[1]])
    day.schedule("cron(0 8 * * ? *)")
    day.passes(8.1)
    (letter,) = day.dead_letters()
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDeniedException"


def test_a_passing_fault_is_retried(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(*_: Any, **__: Any) -> Any:
        raise ConnectionError("Rate exceeded")

    monkeypatch.setattr(day.aws.clients, "get", throttled)
    day.schedule("cron(0 8 * * ? *)")
    day.passes(8.001)
    monkeypatch.undo()
    day.passes(1)
    (delivery,) = day.deliveries
    assert (delivery.error, delivery.execution_arn is not None) == (None, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"expression": "cron(99 99 * * ? *)"}, "Invalid Schedule Expression"),
        ({"expression": "cron(0 8 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlim"}, "Timezone is invalid"),
        ({"expression": "cron(0 8 * * ? *)", "name": "a:b"}, "name"),
    ],
)
def test_what_aws_refuses_is_refused(day: Day, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=said) as caught:
        day.schedule(**options)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


# --- facts: schedule, what AWS does, its source


def test_a_schedule_fires_from_its_start_to_its_end(day: Day) -> None:
    """Source: CreateSchedule, StartDate and EndDate: "the date, in UTC, after which", "before which"."""
    start, end = START + timedelta(hours=2, minutes=30), START + timedelta(hours=4, minutes=30)
    day.schedule("cron(0 * * * ? *)", StartDate=start, EndDate=end)
    assert day.passes(8) == ["30T03:00", "30T04:00"]


def test_a_recurring_schedule_that_is_to_be_deleted_is_gone_after_its_last_slot(day: Day) -> None:
    """Source: "Deleting a schedule in EventBridge Scheduler": after the last invocation before its end date."""
    day.schedule("cron(0 * * * ? *)", EndDate=START + timedelta(hours=2, minutes=30), ActionAfterCompletion="DELETE")
    assert day.passes(1.5) == ["30T01:00"]
    assert len(day.aws.client("scheduler").list_schedules()["Schedules"]) == 1
    assert day.passes(4) == ["30T01:00", "30T02:00"]
    assert day.aws.client("scheduler").list_schedules()["Schedules"] == []


def test_a_recurring_schedule_that_is_over_stays_unless_it_is_to_be_deleted(day: Day) -> None:
    """Source: CreateSchedule, ActionAfterCompletion: NONE is the default."""
    day.schedule("cron(0 * * * ? *)", EndDate=START + timedelta(hours=1, minutes=30))
    day.passes(4)
    assert len(day.aws.client("scheduler").list_schedules()["Schedules"]) == 1


@pytest.mark.parametrize(
    ("policy", "condition", "attempts"),
    [
        ({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}, "MaximumRetryAttempts", 2),
        ({"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 3600}, "MaximumRetryAttempts", 0),
        ({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", None),
    ],
)
def test_a_slot_whose_retries_are_exhausted_goes_to_the_dead_letter_queue_and_says_why(
    day: Day, monkeypatch: pytest.MonkeyPatch, policy: dict[str, int], condition: str, attempts: int | None
) -> None:
    """Source: "Configuring a dead-letter queue for EventBridge Scheduler", EXHAUSTED_RETRY_CONDITION."""
    get = day.aws.clients.get

    def without_step_functions(service: str, *where: Any) -> Any:
        if service == "stepfunctions":
            raise ConnectionError("no route")
        return get(service, *where)

    monkeypatch.setattr(day.aws.clients, "get", without_step_functions)
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
        "RoleArn": day.role,
        "Input": json.dumps({"StateMachineArn": RUNNER}),
        "RetryPolicy": policy,
        "DeadLetterConfig": {"Arn": QUEUE},
    }
    day.schedule("at(2026-11-30T05:00:00)", Target=target)
    day.passes(7)
    (letter,) = day.dead_letters()
    said = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert said["EXHAUSTED_RETRY_CONDITION"] == condition
    assert attempts is None or said["RETRY_ATTEMPTS"] == str(attempts)


def test_a_slot_without_a_dead_letter_queue_is_lost(day: Day) -> None:
    """Source: Target, DeadLetterConfig: "If specified, EventBridge Scheduler delivers failed events"."""
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
        "RoleArn": day.role,
        "Input": json.dumps({"StateMachineArn": RUNNER + "-gone"}),
    }
    day.schedule("at(2026-11-30T05:00:00)", Target=target)
    day.passes(6)
    assert [delivery.error for delivery in day.deliveries] == ["AccessDeniedException"]
    assert day.dead_letters() == []
