"""Every AWS call of the reporter, failing in every way: what becomes of tasks is on the bus all the same, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from orchestrator.deployment.outcome_events import OutcomeEvents
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from tests.faults.injection import Call, Fault, Faults, Injected
from tests.testbed.queues import drained
from tests.testbed.task_runner import SLOT, STACK, TaskRunner

#: So many requests fail, one in each attempt of the reporter.
_TIMES = 3


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=50)):
        # What the SDK tries again by itself would only make it last longer.
        once = {"AWS_MAX_ATTEMPTS": "1"}
        yield TaskRunner(embedded_aws, handlers=("system.reporter",), environment=once, outcome_events=OutcomeEvents())
        embedded_aws.reset()


@pytest.fixture(scope="module")
def queue(runner: TaskRunner) -> str:
    """What hears everything that is on the bus."""
    aws = runner.aws
    url = aws.client("sqs").create_queue(QueueName="outcomes")["QueueUrl"]
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:outcomes"
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}]})
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events, on_bus = aws.client("events"), STACK.outcomes_bus
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["scheduled-tasks"]}), EventBusName=on_bus)
    events.put_targets(Rule="all", EventBusName=on_bus, Targets=[{"Id": "queue", "Arn": arn}])
    return str(url)


@pytest.mark.proof
@pytest.mark.parametrize("action", ["events:DescribeEventBus", "events:PutEvents"])
@pytest.mark.parametrize("fault", Fault)
def test_whatever_call_of_the_reporter_fails_each_outcome_is_on_the_bus_in_order(
    runner: TaskRunner, faults: Faults, queue: str, action: str, fault: Fault
) -> None:
    configured = runner.aws.client("lambda").get_function_configuration(
        FunctionName=STACK.function("reporter", is_task=False)
    )
    where = Call(role=configured["Role"].rpartition("/")[2], action=action, resource="*")
    task_id = runner.register(f"{action[7:]}-{fault}".replace(" ", "-"))
    with faults.injected(struck := Injected(where=where, fault=fault, times=_TIMES)):
        runner.run(task_id, SLOT)
        runner.until(lambda: struck.hits > _TIMES)
        assert runner.aws.event_sources.settled(60)
    heard = [json.loads(body) for body in drained(runner.aws.client("sqs"), queue)]
    # Whether an event whose answer was lost is on the bus nobody knows: it comes again, with the same id.
    once = {one["detail"]["id"]: (one["detail"]["task"], one["detail-type"]) for one in heard}
    assert list(once.values()) == [(task_id, "Task Started"), (task_id, "Task Succeeded")]
