"""What becomes of tasks, as somebody who subscribes to it hears it: once each, and in order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from moto.events.models import EventsBackend, events_backends

from orchestrator.deployment.boundaries import rules_boundary
from orchestrator.deployment.outcome_events import OutcomeEvents
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.outcome_schema import schema
from orchestrator.runs.run import RunStatus
from orchestrator.runs.task_state import Pause
from orchestrator.stores.event_rules import EventRule
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import CatchUp
from tests.testbed.queues import drained
from tests.testbed.task_runner import PATIENCE, SLOT, STACK, TaskRunner

BUS = STACK.outcomes_bus
RULE = "outcomes"
ONCE = RetryPolicy(max_attempts=1)


class Subscriber:
    """A rule and a queue, made by hand."""

    def __init__(self, runner: TaskRunner) -> None:
        self._runner, aws = runner, runner.aws
        arn = f"arn:aws:sqs:{aws.region}:{aws.account}:outcomes"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._queue = aws.client("sqs").create_queue(QueueName="outcomes", Attributes={"Policy": policy})["QueueUrl"]
        events, of_all = aws.client("events"), json.dumps({"source": ["scheduled-tasks"]})
        events.put_rule(Name=RULE, EventPattern=of_all, EventBusName=BUS)
        events.put_targets(Rule=RULE, EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])

    def heard(self) -> list[dict[str, Any]]:
        """The details of all events since the last time, each as it is documented."""
        assert self._runner.aws.event_sources.settled(PATIENCE)
        found = [json.loads(body) for body in drained(self._runner.aws.client("sqs"), self._queue)]
        for event in found:
            jsonschema.validate(event["detail"], schema())
            assert event["source"] == "scheduled-tasks"
        return [{**event["detail"], "detail-type": event["detail-type"]} for event in found]


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    yield TaskRunner(embedded_aws, outcome_events=OutcomeEvents())
    embedded_aws.reset()


@pytest.fixture(scope="module")
def subscriber(runner: TaskRunner) -> Subscriber:
    return Subscriber(runner)


@pytest.fixture
def role(runner: TaskRunner) -> str:
    """The reporter's, by its name."""
    client = runner.aws.client("lambda")
    name = STACK.function("reporter", is_task=False)
    return str(client.get_function_configuration(FunctionName=name)["Role"]).rsplit("/", 1)[1]


def told(details: list[dict[str, Any]], task_id: str) -> list[str]:
    return [one["detail-type"].removeprefix("Task ") for one in details if one["task"] == task_id]


def test_each_outcome_is_heard_once_and_in_order(runner: TaskRunner, subscriber: Subscriber) -> None:
    runner.register("good")
    runner.register("bad", params={"refuse": True}, retry=ONCE)
    runner.run("good")
    # A second delivery of the slot, and another slot.
    runner.run("good")
    runner.run("bad")
    runner.run("good", "2026-11-24T08:00:00Z")
    pause = Pause(who="ada", why="the disk is full", since="2026-11-24T09:00:00Z", on_resume=CatchUp.NONE)
    runner.registry.pause("good", pause)
    runner.run("good", "2026-11-25T08:00:00Z")
    runner.registry.resume("good")
    heard = subscriber.heard()
    assert [kind for kind in told(heard, "good") if kind not in ("Paused", "Resumed")] == [
        "Started",
        "Succeeded",
        "Started",
        "Succeeded",
        "Skipped",
    ]
    assert [kind for kind in told(heard, "good") if kind in ("Paused", "Resumed")] == ["Paused", "Resumed"]
    assert told(heard, "bad") == ["Started", "Failed"]
    assert len({one["id"] for one in heard}) == len(heard)
    for slot in {one["slot"] for one in heard if "slot" in one}:
        numbers = [one["sequence"] for one in heard if one.get("slot") == slot and one["task"] == "good"]
        assert numbers == sorted(numbers)
    (skipped,) = (one for one in heard if one["detail-type"] == "Task Skipped")
    assert skipped["data"]["reason"] == "paused"


def counted(runner: TaskRunner, task_id: str) -> int:
    runs, _ = runner._metrics(task_id).get("TaskExecution.SUCCEEDED", (0, 0))
    return runs


@pytest.fixture
def gone(runner: TaskRunner, subscriber: Subscriber) -> Callable[[], None]:
    """The bus is gone. What brings it back, with its rule at once, so that nothing is on it that nobody hears."""
    buses = events_backends[runner.aws.account][runner.aws.region].event_buses
    bus = buses.pop(BUS)
    return lambda: buses.update({BUS: bus})


def test_what_becomes_of_tasks_while_there_is_no_bus_is_not_lost(
    runner: TaskRunner, subscriber: Subscriber, gone: Callable[[], None]
) -> None:
    runner.register("patient")
    for day in (1, 2, 3):
        end = runner.start({"taskId": "patient", "scheduledTime": f"2026-11-0{day}T08:00:00Z"})
        assert runner.aws.execution(end).over.wait(PATIENCE)
    time.sleep(0.2)
    gone()
    assert counted(runner, "patient") == 3
    assert told(subscriber.heard(), "patient") == ["Started", "Succeeded"] * 3


def test_what_is_throttled_is_heard_in_order_and_counted_once(
    runner: TaskRunner, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event is refused five times: twice in a call of the reporter, then in the next."""
    put, refused = EventsBackend.put_events, dict[str, int]()

    def throttled(self: Any, events: list[dict[str, Any]]) -> Any:
        (event,) = events
        if event.get("EventBusName") == BUS:
            name = json.loads(event["Detail"])["id"]
            refused[name] = refused.get(name, 0) + 1
            if refused[name] <= 5:
                return [{"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}]
        return put(self, events)

    monkeypatch.setattr(EventsBackend, "put_events", throttled)
    runner.register("throttled")
    for day in (1, 2):
        end = runner.start({"taskId": "throttled", "scheduledTime": f"2026-11-0{day}T08:00:00Z"})
        assert runner.aws.execution(end).over.wait(PATIENCE)
    assert counted(runner, "throttled") == 2
    assert told(subscriber.heard(), "throttled") == ["Started", "Succeeded"] * 2
    assert set(refused.values()) == {6}


def test_the_reporter_may_put_events_on_this_bus_and_needs_to(
    runner: TaskRunner, subscriber: Subscriber, role: str
) -> None:
    bus = f"arn:aws:events:{runner.aws.region}:{runner.aws.account}:event-bus/{BUS}"
    used = {one.permission.action for one in roles.used() if one.role == role and one.permission.resource == bus}
    assert used == {"events:DescribeEventBus", "events:PutEvents"}
    iam, policy = runner.aws.client("iam"), {"RoleName": role, "PolicyName": "permissions"}
    whole = list(roles.statements(role))
    less = [one for one in whole if "events:PutEvents" not in one["Action"]]
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": less}))
    runner.register("denied")
    end = runner.start({"taskId": "denied", "scheduledTime": SLOT})
    assert runner.aws.execution(end).over.wait(PATIENCE)
    runner.until(lambda: any(one.role == role and "events:" in one.permission.action for one in roles.denied()))
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": whole}))
    assert told(subscriber.heard(), "denied") == ["Started", "Succeeded"]


def test_a_task_is_started_by_what_becomes_of_another_once_for_each_of_its_slots(
    runner: TaskRunner, subscriber: Subscriber
) -> None:
    first, second = runner.register("upstream-of-an-event"), runner.register("by-its-outcome")
    pattern = {"source": ["scheduled-tasks"], "detail-type": ["Task Succeeded"], "detail": {"task": [first]}}
    rule = EventRule(task_id=second, start=EventStart(pattern=pattern, bus=BUS, slot="{$.detail.slot}"))
    rules_boundary(runner.aws.client, STACK, runner.applied.outputs).put("by-its-outcome", rule, is_new=True)
    runner.run(first, SLOT)
    runner.until(lambda: (run := runner.ledger.get(second, SLOT)) is not None and run.status is RunStatus.SUCCEEDED)
    subscriber.heard()
