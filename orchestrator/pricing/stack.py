"""What a stack costs in a month in which no task but the watchdog runs, read off its template."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from orchestrator.pricing.runs import ROUND_SECONDS, Billed, Expected, monthly
from orchestrator.pricing.usage import MONTH_HOURS, Line, Usage
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

_HOUR_SECONDS = 3600

#: Rounds of the watchdog.
ROUNDS = MONTH_HOURS * _HOUR_SECONDS // ROUND_SECONDS

#: Lambda reads an idle queue with five requests at once, each of which waits for 20 seconds ("Using Lambda with Amazon
#: SQS", "Amazon SQS short and long polling").
_POLLERS, _POLL_SECONDS = 5, 20

#: DynamoDB, Lambda and the queues ask KMS once in five minutes for each role and resource that is used: so many of them
#: are used in a round ("How Amazon DynamoDB uses AWS KMS").
_KEY_REQUESTS_A_ROUND = 7

#: A round asks who is due, which rows are unfinished (a query of each of two statuses), which incidents are open, and
#: which mutes are over; a query of nothing counts half a unit.
_QUERIES_A_ROUND = 1 + 2 + 1 + 1

#: The watchdog, as tasks.yaml has it, and how long it works when there is little to do.
WATCHDOG = Task(
    id="watchdog",
    target=Target(kind=TargetKind.LAMBDA, name="watchdog"),
    schedules=(TaskSchedule(expression=f"rate({ROUND_SECONDS // 60} minutes)"),),
)
WATCHDOG_SECONDS = Decimal("0.5")


def fixed_lines(template: Mapping[str, Any]) -> list[Line]:
    """The monthly usage that no run changes. The watchdog's own runs are left out, since it is a task."""
    resources: Mapping[str, Mapping[str, Any]] = template["Resources"]

    def many(kind: str) -> int:
        return sum(resource["Type"] == kind for resource in resources.values())

    polls = _polled(resources) * _POLLERS * MONTH_HOURS * _HOUR_SECONDS // _POLL_SECONDS
    rounds = Usage(
        read_unit=Decimal(ROUNDS * _QUERIES_A_ROUND) / 2,
        metric_hour=Decimal(MONTH_HOURS),
        key_request=Decimal(ROUNDS * _KEY_REQUESTS_A_ROUND),
    )
    alarms, dashboards = many("AWS::CloudWatch::Alarm"), many("AWS::CloudWatch::Dashboard")
    return [
        Line(what="KMS: the stack's key", usage=Usage(key=Decimal(many("AWS::KMS::Key")))),
        Line(what=f"CloudWatch: {alarms} alarms", usage=Usage(alarm=Decimal(alarms))),
        Line(what="CloudWatch: the dashboard", usage=Usage(dashboard=Decimal(dashboards))),
        Line(what="SQS: Lambda asks the queues", usage=Usage(queue_request=Decimal(polls))),
        Line(what="The watchdog's rounds: its heartbeat, what it reads, KMS", usage=rounds),
    ]


def watchdog_line(billed: Billed) -> Line:
    """The watchdog's own runs, which are those of a task."""
    a_day = 24 * _HOUR_SECONDS // ROUND_SECONDS
    expected = Expected(days=1, runs=a_day, hours=24, checks=a_day)
    usage = monthly(WATCHDOG, billed, expected, seconds=WATCHDOG_SECONDS)
    return Line(what=f"The watchdog's {ROUNDS:,} runs, and its metrics as a task", usage=usage)


def _polled(resources: Mapping[str, Mapping[str, Any]]) -> int:
    """Counts the queues that Lambda polls. Reading a table's stream is free ("Amazon DynamoDB pricing")."""
    sources = (
        resource["Properties"]["EventSourceArn"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::EventSourceMapping"
    )
    # A queue that is not the stack's goes by its ARN.
    return sum(
        isinstance(source, str) or resources[source["Fn::GetAtt"][0]]["Type"] == "AWS::SQS::Queue" for source in sources
    )
